/* life_model_test.c: the life of a ticket against a reference written from the contract's words, not from the table of
 * moves: random inputs, in any order, late, doubled, out of date, under a wall clock that jumps. After each input the two
 * agree in every member the reference has, and what was promised once holds.
 *
 * WY_SEED draws other lives, WY_STEPS more of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ticket.h"

enum { LIFE_STEPS = 48, TERMS = 5 };

static const struct ticket_terms terms_of[5] = {
	[1] = {600000, 900000, 0, 7200000, 604800000},
	[2] = {1800000, 7200000, 7200000, 86400000, 604800000},
	[3] = {7200000, TICKET_PLANNED, 86400000, TICKET_PLANNED, TICKET_PLANNED},
	[4] = {TICKET_PLANNED, TICKET_PLANNED, TICKET_PLANNED, TICKET_PLANNED, 1000},
};

/* ---- The reference ------------------------------------------------------------------------------------ */

struct life {
	bool is_begun, is_open;
	enum ticket_condition condition;
	enum ticket_node node;
	uint32_t rev, work_rev;
	uint8_t tier, tier_now;
	wy_ms due[TERMS];
	wy_ms gap_ms; /* wall - mono at the opening */
	unsigned n_opened, n_ended;
};

static bool says_done(const struct life *life)
{
	bool is_done = life->node == TICKET_NODE_RESOLVED || life->node == TICKET_NODE_VERIFYING;

	return is_done && life->is_open && life->condition == TICKET_ACTIVE;
}

static bool ends_work(enum ticket_node node)
{
	return node == TICKET_NODE_CLOSED || node == TICKET_NODE_FOLLOWED_UP || node == TICKET_NODE_ARCHIVED ||
	       node == TICKET_NODE_REJECTED || node == TICKET_NODE_MERGED || node == TICKET_NODE_CANCELLED;
}

static void read_terms(const struct ticket_terms *terms, wy_ms from_ms, wy_ms out[TERMS])
{
	const wy_ms in[TERMS] = {terms->ack_ms, terms->arrive_ms, terms->start_ms, terms->resolve_ms, terms->regulatory_ms};

	for (int i = 0; i < TERMS; i++)
		out[i] = in[i] == TICKET_PLANNED ? 0 : from_ms + in[i];
}

static wy_ms wall_of(const struct ticket_input *in)
{
	return in->now.wall_ms - (in->now.mono_ms - in->at_ms);
}

static enum ticket_event begin(struct life *life, const struct ticket_input *in)
{
	life->is_begun = life->is_open = true;
	life->condition = TICKET_ACTIVE;
	life->tier = life->tier_now = in->tier;
	life->gap_ms = wall_of(in) - in->at_ms;
	read_terms(in->terms, wall_of(in), life->due);
	life->n_opened++;
	return TICKET_OPENED;
}

/* A rise is news, and gives no more time than there was, by the clock of the opening; the regulator's term is that of the opening. */
static enum ticket_event set_tier(struct life *life, const struct ticket_input *in, enum ticket_event event)
{
	wy_ms due[TERMS];

	life->tier_now = in->tier;
	if (in->tier >= life->tier)
		return event;
	life->tier = in->tier;
	read_terms(in->terms, in->at_ms + life->gap_ms, due);
	for (int i = 0; i < TERMS - 1; i++)
		if (due[i] && (!life->due[i] || due[i] < life->due[i]))
			life->due[i] = due[i];
	return event == TICKET_QUIET ? TICKET_UPDATED : event;
}

static enum ticket_event change_to(struct life *life, enum ticket_condition condition, enum ticket_event event)
{
	if (life->condition == condition)
		return TICKET_QUIET;
	life->condition = condition;
	return event;
}

static enum ticket_event end(struct life *life, bool is_cleared)
{
	life->is_open = false;
	life->n_ended++;
	if (is_cleared)
		life->condition = TICKET_CLEARED;
	return is_cleared ? TICKET_CLEARED_EVENT : TICKET_CLOSED_EVENT;
}

static enum ticket_event work(struct life *life, const struct ticket_input *in)
{
	bool said = says_done(life);

	life->work_rev = in->work_rev;
	life->node = in->node;
	if (life->is_open && ends_work(in->node))
		return end(life, false);
	return !said && says_done(life) ? TICKET_UPDATED : TICKET_QUIET;
}

static enum ticket_event sensed(struct life *life, const struct ticket_input *in)
{
	bool was_latched = life->condition == TICKET_LATCHED;

	switch (in->kind) {
	case TICKET_RAISE:
		if (in->tier >= life->tier_now)
			return change_to(life, TICKET_ACTIVE, was_latched ? TICKET_REOPENED : TICKET_UPDATED);
		return set_tier(life, in, change_to(life, TICKET_ACTIVE, was_latched ? TICKET_REOPENED : TICKET_UPDATED));
	case TICKET_TIER:
		return set_tier(life, in, TICKET_QUIET);
	case TICKET_UNVERIFIED: /* that it was gone has been seen: no doubt about it any more */
		return was_latched ? TICKET_QUIET : change_to(life, TICKET_UNKNOWN, TICKET_UPDATED);
	case TICKET_VERIFIED:
		return was_latched ? TICKET_QUIET : change_to(life, TICKET_ACTIVE, TICKET_UPDATED);
	case TICKET_LATCH:
		return change_to(life, TICKET_LATCHED, TICKET_UPDATED);
	case TICKET_NEWS:
		return TICKET_UPDATED;
	default:
		return end(life, in->kind == TICKET_CLEAR);
	}
}

/* False: it means nothing here, and changes nothing. */
static bool live(struct life *life, const struct ticket_input *in, enum ticket_event *ret_event)
{
	bool is_stale = in->kind == TICKET_WORK && in->work_rev <= life->work_rev;

	*ret_event = TICKET_QUIET;
	if (is_stale || (!life->is_begun && in->kind != TICKET_RAISE))
		return false;
	if (!life->is_begun)
		*ret_event = begin(life, in);
	else if (in->kind == TICKET_WORK)
		*ret_event = work(life, in);
	else if (life->is_open)
		*ret_event = sensed(life, in);
	life->rev += *ret_event != TICKET_QUIET;
	return true;
}

/* ---- Chance --------------------------------------------------------------------------------------------- */

static uint64_t noise;

static uint64_t draw(uint64_t n)
{
	noise ^= noise << 13;
	noise ^= noise >> 7;
	noise ^= noise << 17;
	return noise % n;
}

static struct ticket_input any_input(const struct ticket *ticket, struct wy_now *now)
{
	static const wy_ms jumps[] = {0, 0, 0, 0, 0, 0, 0, 1000, -1000, 3600000, -86400000, (wy_ms)3650 * 86400000};
	/* An end in one of eight, so that lives are long; the platform's words in any order. */
	static const enum ticket_input_kind kinds[] = {
		TICKET_RAISE, TICKET_RAISE, TICKET_TIER, TICKET_TIER, TICKET_UNVERIFIED, TICKET_VERIFIED, TICKET_LATCH,
		TICKET_NEWS, TICKET_WORK, TICKET_WORK, TICKET_WORK, TICKET_WORK, TICKET_CLEAR, TICKET_CLOSE};
	struct ticket_input in = {.kind = kinds[draw(16) % 14]};

	if (draw(8) && (in.kind == TICKET_CLEAR || in.kind == TICKET_CLOSE))
		in.kind = TICKET_VERIFIED;
	now->mono_ms += (wy_ms)draw(4000);
	now->wall_ms += (wy_ms)draw(4000) + jumps[draw(sizeof(jumps) / sizeof(*jumps))];
	now->clock = (enum wy_clock_state)draw(3);
	in.now = *now;
	in.at_ms = now->mono_ms - (wy_ms)draw(3000);
	in.onset_ms = in.at_ms - (wy_ms)draw(9000);
	in.tier = (uint8_t)(draw(4) + 1);
	in.level = (uint8_t)draw(4);
	in.is_uncertain = draw(2);
	in.terms = &terms_of[in.tier];
	in.node = (enum ticket_node)draw(draw(4) ? (uint64_t)TICKET_NODE_CLOSED : (uint64_t)TICKET_NODE_COUNT);
	in.work_rev = (uint32_t)(ticket->work_rev + draw(5));
	in.work_rev -= draw(4) == 0 && in.work_rev > 2 ? 3 : 0; /* late */
	return in;
}

/* ---- Agreement ------------------------------------------------------------------------------------------ */

static void agree(const struct ticket *ticket, const struct life *life)
{
	const wy_ms due[TERMS] = {ticket->deadline.ack, ticket->deadline.arrive, ticket->deadline.start,
				  ticket->deadline.resolve, ticket->deadline.regulatory};

	assert_int_equal(ticket->is_begun, life->is_begun);
	assert_int_equal(ticket->is_open, life->is_open);
	assert_int_equal(ticket->condition, life->condition);
	assert_int_equal(ticket->node, life->node);
	assert_int_equal(ticket->rev, life->rev);
	assert_int_equal(ticket->work_rev, life->work_rev);
	assert_int_equal(ticket->tier, life->tier);
	assert_int_equal(ticket->tier_now, life->tier_now);
	assert_memory_equal(due, life->due, sizeof(due));
	assert_int_equal(ticket_is_disputed(ticket), says_done(life));
	assert_true(life->n_opened <= 1 && life->n_ended <= life->n_opened);
	assert_true(life->is_open == (life->n_opened > life->n_ended));
	assert_true(life->is_open || !life->is_begun || ticket->cleared.mono_ms != 0);
}

static void agree_on_promises(const struct ticket *before, const struct ticket *after, const struct ticket_output *out)
{
	const wy_ms was[TERMS] = {before->deadline.ack, before->deadline.arrive, before->deadline.start,
				  before->deadline.resolve, before->deadline.regulatory};
	const wy_ms is[TERMS] = {after->deadline.ack, after->deadline.arrive, after->deadline.start,
				 after->deadline.resolve, after->deadline.regulatory};

	assert_true(after->rev == before->rev + (out->event != TICKET_QUIET));
	assert_true(out->is_changed || memcmp(before, after, sizeof(*before)) == 0);
	assert_string_equal(before->key, after->key);
	if (!before->is_begun)
		return;
	assert_true(after->tier <= before->tier);
	assert_int_equal(out->is_tier_up, after->tier < before->tier);
	assert_memory_equal(&before->opened, &after->opened, sizeof(after->opened));
	for (int i = 0; i < TERMS; i++)
		assert_true(!was[i] || (is[i] && is[i] <= was[i]));
}

static void live_once(uint64_t number, unsigned events[TICKET_EVENT_COUNT])
{
	struct ticket_identity who = {.gateway = "gw-test", .asset = "A-1", .fault = "ELV-06", .rule = "lift.door",
				      .epoch = 7, .episode = (int64_t)number, .day = 20261122, .number = 12};
	struct wy_now now = {1000000, INT64_C(1795320000000), WY_CLOCK_SYNCED};
	struct life life = {.is_begun = false};
	struct ticket ticket;

	assert_int_equal(ticket_init(&ticket, &who), WY_OK);
	for (int i = 0; i < LIFE_STEPS; i++) {
		struct ticket_input in = any_input(&ticket, &now);
		struct ticket before = ticket;
		struct ticket_output out = {TICKET_QUIET, false, false};
		enum ticket_event event;
		bool is_taken = live(&life, &in, &event);
		assert_int_equal(ticket_step(&ticket, &in, &out), is_taken ? WY_OK : WY_E_STATE);
		assert_int_equal(out.event, event);
		agree(&ticket, &life);
		if (is_taken)
			agree_on_promises(&before, &ticket, &out);
		else
			assert_memory_equal(&before, &ticket, sizeof(ticket));
		events[out.event]++;
	}
}

static void a_ticket_lives_as_the_contract_says(void **state)
{
	const char *seed_text = getenv("WY_SEED"), *steps_text = getenv("WY_STEPS");
	uint64_t seed = seed_text ? strtoull(seed_text, NULL, 0) : 20261122;
	uint64_t steps = steps_text ? strtoull(steps_text, NULL, 0) : 1200000, done = 0;
	unsigned events[TICKET_EVENT_COUNT] = {0};
	(void)state;

	noise = seed * 0x9E3779B97F4A7C15u + 1;
	print_message("seed %llu\n", (unsigned long long)seed);
	for (uint64_t life = 1; done < steps; life++, done += LIFE_STEPS)
		live_once(life, events);
	print_message("%llu inputs", (unsigned long long)done);
	for (unsigned i = 0; i < TICKET_EVENT_COUNT; i++) {
		print_message(", %s %u", i ? ticket_event_text((enum ticket_event)i) : "quiet", events[i]);
		assert_true(events[i] > steps / 1000);
	}
	print_message("\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(a_ticket_lives_as_the_contract_says)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
