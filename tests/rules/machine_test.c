/* machine_test.c: every move of the state machine: state by policy by truth, before the hold clock has
 * run and when it has. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "teller.h"

enum { FROM = 1000, HOLD = 10, TOLERATE = 5, NO_EVENT = -1 };

static const struct rule_level_info one_level[] = {{.tier = 3}};
static const struct rule_level_info two_levels[] = {{.tier = 3}, {.tier = 1}};

struct bench {
	struct rx_machine machine;
	struct rx_teller teller;
	struct rx_rule rule;
	struct rx_instance instance;
	struct rx_machine_out moved;
	struct rx_teller_out out;
	wy_ms due_ms;
};

/* A building without planned windows and ladders. */
static const struct rule_world world;
static const struct rule_set set = {.world = &world};

static struct rx_subject subject(struct bench *b, wy_ms now_ms)
{
	return (struct rx_subject){.teller = &b->teller, .machine = &b->machine, .instance = &b->instance,
				   .rule = &b->rule, .set = &set, .now_ms = now_ms, .parent = RULE_NO_INSTANCE};
}

static void start(struct bench *b, enum rule_state state, enum rx_on_unknown policy)
{
	memset(b, 0, sizeof(*b));
	b->rule.info.levels = one_level;
	b->rule.info.n_levels = 1;
	b->rule.recur.problem = RX_NO_RULE;
	b->teller.was_on = state == RULE_ACTIVE || state == RULE_RETURNING;
	b->rule.on_unknown = policy;
	b->rule.info.latch = state == RULE_LATCHED_STATE ? RULE_LATCH_RESET : RULE_LATCH_NONE;
	b->instance.tolerate_ms = TOLERATE;
	b->instance.unverified_after_ms = 100000;
	b->instance.settle_ms = 30;
	b->instance.reraise_ms = 60;
	b->machine.level[0] = (struct rx_level_state){
		.state = (uint8_t)state, .is_running = true, .onset_ms = 900, .from_ms = FROM};
	b->teller.is_raised = b->teller.is_ready = state == RULE_ACTIVE || state == RULE_RETURNING || state == RULE_LATCHED_STATE;
	b->teller.is_latched = state == RULE_LATCHED_STATE;
	b->teller.tier = 3;
}

static struct rx_machine_in said(wy_ms now_ms, enum rule_truth first, enum rule_truth second)
{
	struct rx_machine_in in = {.now_ms = now_ms};

	in.level[0].truth = first;
	in.level[0].onset_ms = in.level[1].onset_ms = now_ms;
	in.level[1].truth = second;
	for (unsigned i = 0; i < 2; i++)
		in.level[i].hold_ms = in.level[i].clear_hold_ms = HOLD;
	return in;
}

/* The machine moves, then is told what there is to tell. */
static void run(struct bench *b, struct rx_machine_in *in)
{
	struct rx_subject s = subject(b, in->now_ms);
	struct rx_teller_in seen = {.is_allowed = true};

	in->must_latch = rx_teller_must_latch(&b->teller, &b->rule);
	rx_machine_step(&b->machine, &b->instance, &b->rule, in, &b->moved);
	seen.is_unknown = b->moved.is_unknown;
	rx_teller_begin(&b->out);
	rx_teller_look(&s, &seen, &b->out);
	rx_teller_tell(&s, &b->out);
	b->due_ms = b->moved.due_ms < b->out.due_ms ? b->moved.due_ms : b->out.due_ms;
}

/* The only event of a step, or NO_EVENT. */
static int step(struct bench *b, wy_ms now_ms, enum rule_truth truth)
{
	struct rx_machine_in in = said(now_ms, truth, RULE_FALSE);

	run(b, &in);
	assert_true(b->out.n_events <= 1);
	return b->out.n_events ? (int)b->out.events[0].kind : NO_EVENT;
}

static enum wy_err command(struct bench *b, enum rule_command command, const struct rx_machine_in *in)
{
	struct rx_subject s = subject(b, in->now_ms);
	struct rule_order order = {.command = command};

	rx_teller_begin(&b->out);
	return rx_teller_command(&s, &order, in, &b->out);
}

static char letter(const struct bench *b, unsigned level)
{
	return "NPARL"[b->machine.level[level].state];
}

/* Where F, T and U lead; before and after the hold clock has run. */
static const char *const table[4][5][2] = {
	[RX_FREEZE] = {{"NPN", "NPN"}, {"NPP", "NAP"}, {"ARA", "ARA"}, {"ARR", "ANR"}, {"ALL", "ALL"}},
	[RX_RAISE] = {{"NPP", "NPP"}, {"NPP", "NAA"}, {"ARA", "ARA"}, {"ARR", "ANR"}, {"ALL", "ALL"}},
	[RX_CLEAR] = {{"NPN", "NPN"}, {"NPN", "NAN"}, {"ARA", "ARA"}, {"ARR", "ANN"}, {"ALL", "ALL"}},
	[RX_RESET] = {{"NPN", "NPN"}, {"NPN", "NAN"}, {"ARA", "ARA"}, {"ARA", "ANA"}, {"ALL", "ALL"}},
};

static int event_of(char from, char to)
{
	if (from == 'P' && to == 'A')
		return RULE_RAISED;
	if (from == 'R' && to == 'N')
		return RULE_RESOLVED;
	if (from == 'L' && to == 'A')
		return RULE_TIER;
	return NO_EVENT;
}

static void every_state_moves_as_the_table_says(void **state)
{
	struct bench b;

	(void)state;
	for (unsigned policy = 0; policy < 4; policy++)
		for (unsigned from = 0; from < 5; from++)
			for (unsigned run = 0; run < 2; run++)
				for (unsigned truth = 0; truth < 3; truth++) {
					start(&b, (enum rule_state)from, (enum rx_on_unknown)policy);
					char to = table[policy][from][run][truth];
					int event = step(&b, FROM + (run ? HOLD : HOLD - 1), (enum rule_truth)truth);
					assert_int_equal(letter(&b, 0), to);
					assert_int_equal(event, event_of("NPARL"[from], to));
					assert_int_equal(b.moved.is_changed,
							 to != "NPARL"[from] || !b.machine.level[0].is_running);
				}
}

static void a_frozen_clock_goes_on_where_it_stood(void **state)
{
	struct bench b;

	(void)state;
	start(&b, RULE_PENDING, RX_FREEZE);
	step(&b, FROM + 6, RULE_UNKNOWN);
	assert_int_equal(b.due_ms, FROM + 6 + TOLERATE);
	step(&b, FROM + 10, RULE_UNKNOWN);
	assert_int_equal(letter(&b, 0), 'P');
	step(&b, FROM + 10, RULE_TRUE);
	assert_int_equal(b.due_ms, FROM + 14);
	assert_int_equal(step(&b, FROM + 13, RULE_TRUE), NO_EVENT);
	assert_int_equal(step(&b, FROM + 14, RULE_TRUE), RULE_RAISED);
	assert_int_equal(b.out.events[0].at_ms, FROM + 14);
	assert_int_equal(b.out.events[0].onset_ms, 900);
}

static void unknown_for_longer_than_tolerated_gives_up(void **state)
{
	static const struct {
		enum rule_state from;
		char to;
	} rows[] = {{RULE_PENDING, 'N'}, {RULE_RETURNING, 'A'}};
	struct bench b;

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		start(&b, rows[i].from, RX_FREEZE);
		step(&b, FROM + 3, RULE_UNKNOWN);
		step(&b, FROM + 3 + TOLERATE - 1, RULE_UNKNOWN);
		assert_int_equal(b.machine.level[0].state, rows[i].from);
		assert_int_equal(step(&b, FROM + 3 + TOLERATE, RULE_UNKNOWN), NO_EVENT);
		assert_int_equal(letter(&b, 0), rows[i].to);
	}
}

static void a_return_ends_latched_unless_acked(void **state)
{
	static const struct {
		enum rule_latch latch;
		bool is_acked;
		int event;
	} rows[] = {{RULE_LATCH_NONE, false, RULE_RESOLVED}, {RULE_LATCH_ACK, false, RULE_LATCHED},
		    {RULE_LATCH_ACK, true, RULE_RESOLVED}, {RULE_LATCH_RESET, false, RULE_LATCHED},
		    {RULE_LATCH_RESET, true, RULE_LATCHED}};
	struct bench b;

	(void)state;
	for (unsigned i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		start(&b, RULE_RETURNING, RX_FREEZE);
		b.rule.info.latch = rows[i].latch;
		b.teller.is_acked = rows[i].is_acked;
		assert_int_equal(step(&b, FROM + HOLD, RULE_TRUE), rows[i].event);
		assert_int_equal(b.teller.is_raised, rows[i].event == RULE_LATCHED);
	}
}

/* Accepted commands per state, latch none, ack and reset: A(ck), R(eset), C(lose); `clear` true or unknown. */
static void commands_mean_something_in_their_states_only(void **state)
{
	static const char *const accepted[3][5][2] = {
		[RULE_LATCH_NONE] = {{"", ""}, {"", ""}, {"AC", "AC"}, {"AC", "AC"}, {"ARC", "AC"}},
		[RULE_LATCH_ACK] = {{"", ""}, {"", ""}, {"AC", "AC"}, {"AC", "AC"}, {"ARC", "C"}},
		[RULE_LATCH_RESET] = {{"", ""}, {"", ""}, {"AC", "AC"}, {"AC", "AC"}, {"ARC", "AC"}},
	};
	struct bench b;

	(void)state;
	for (unsigned latch = 0; latch < 3; latch++)
		for (unsigned from = 0; from < 5; from++)
			for (unsigned i = 0; i < 6; i++) {
				start(&b, (enum rule_state)from, RX_FREEZE);
				b.rule.info.latch = (enum rule_latch)latch;
				struct rx_machine_in in = said(FROM + 1, i < 3 ? RULE_TRUE : RULE_UNKNOWN, RULE_FALSE);
				enum wy_err err = command(&b, (enum rule_command)(i % 3), &in);
				bool is_accepted = strchr(accepted[latch][from][i / 3], "ARC"[i % 3]) != NULL;
				assert_int_equal(err, is_accepted ? WY_OK : WY_E_STATE);
				if (!is_accepted)
					assert_int_equal(b.machine.level[0].state, from);
			}
}

static void a_closed_ticket_is_not_told_again_before_its_time(void **state)
{
	struct bench b;
	struct rx_machine_in in = said(FROM, RULE_FALSE, RULE_FALSE);

	(void)state;
	start(&b, RULE_ACTIVE, RX_FREEZE);
	assert_int_equal(command(&b, RULE_CLOSE, &in), WY_OK);
	assert_int_equal(b.out.events[0].kind, RULE_CLOSED);
	assert_int_equal(step(&b, FROM, RULE_TRUE), NO_EVENT);
	assert_int_equal(step(&b, FROM + HOLD, RULE_TRUE), NO_EVENT);
	assert_int_equal(letter(&b, 0), 'A');
	assert_int_equal(b.due_ms, FROM + 60);
	assert_int_equal(step(&b, FROM + 59, RULE_FALSE), NO_EVENT);
	assert_int_equal(step(&b, FROM + 60, RULE_FALSE), RULE_RAISED);
	assert_int_equal(b.out.events[0].onset_ms, FROM);
}

static void tiers_follow_the_levels_and_the_last_one_resolves(void **state)
{
	static const struct {
		wy_ms at_ms;
		enum rule_truth first, second;
		int event;
		uint8_t tier;
	} rows[] = {
		{1000, RULE_TRUE, RULE_FALSE, NO_EVENT, 0},
		{1010, RULE_TRUE, RULE_TRUE, RULE_RAISED, 3},
		{1020, RULE_FALSE, RULE_TRUE, RULE_TIER, 1},  /* first: its clear is false */
		{1030, RULE_FALSE, RULE_TRUE, NO_EVENT, 1},   /* second: returning */
		{1040, RULE_FALSE, RULE_TRUE, RULE_TIER, 3},  /* second: back to normal */
		{1050, RULE_TRUE, RULE_FALSE, NO_EVENT, 3},
		{1060, RULE_TRUE, RULE_FALSE, RULE_RESOLVED, 3},
	};
	struct bench b;

	(void)state;
	start(&b, RULE_NORMAL, RX_FREEZE);
	b.rule.info.levels = two_levels;
	b.rule.info.n_levels = 2;
	for (unsigned i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct rx_machine_in in = said(rows[i].at_ms, rows[i].first, rows[i].second);
		run(&b, &in);
		assert_int_equal(b.out.n_events, rows[i].event != NO_EVENT);
		if (b.out.n_events) {
			assert_int_equal(b.out.events[0].kind, rows[i].event);
			assert_int_equal(b.out.events[0].tier, rows[i].tier);
		}
	}
}

static void doubt_is_told_once_and_taken_back_once(void **state)
{
	struct bench b;

	(void)state;
	start(&b, RULE_ACTIVE, RX_FREEZE);
	b.instance.unverified_after_ms = 50;
	step(&b, 2000, RULE_UNKNOWN);
	assert_int_equal(b.due_ms, 2050);
	assert_int_equal(step(&b, 2049, RULE_UNKNOWN), NO_EVENT);
	assert_int_equal(step(&b, 2050, RULE_UNKNOWN), RULE_UNVERIFIED);
	assert_int_equal(step(&b, 3000, RULE_UNKNOWN), NO_EVENT);
	assert_int_equal(step(&b, 3001, RULE_FALSE), RULE_VERIFIED);
	assert_int_equal(step(&b, 3002, RULE_FALSE), NO_EVENT);
	assert_int_equal(letter(&b, 0), 'A');
}

static void a_saved_machine_fits_fewer_levels_or_is_refused(void **state)
{
	struct bench b;

	(void)state;
	start(&b, RULE_NORMAL, RX_FREEZE);
	b.machine.level[1].state = RULE_ACTIVE;
	assert_true(rx_machine_adopt(&b.machine, &b.rule));
	assert_int_equal(b.machine.level[1].state, RULE_NORMAL);
	b.machine.level[3].state = RULE_LATCHED_STATE + 1;
	assert_false(rx_machine_adopt(&b.machine, &b.rule));
}

static void a_saved_teller_fits_fewer_levels_or_is_refused(void **state)
{
	struct bench b;

	(void)state;
	start(&b, RULE_NORMAL, RX_FREEZE);
	b.teller.is_raised = true;
	b.teller.told_level = 3;
	assert_true(rx_teller_adopt(&b.teller, &b.rule));
	assert_int_equal(b.teller.told_level, 0);
	b.teller.tier = 0;
	assert_false(rx_teller_adopt(&b.teller, &b.rule));
	b.teller.tier = 5;
	assert_false(rx_teller_adopt(&b.teller, &b.rule));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_state_moves_as_the_table_says),
		cmocka_unit_test(a_frozen_clock_goes_on_where_it_stood),
		cmocka_unit_test(unknown_for_longer_than_tolerated_gives_up),
		cmocka_unit_test(a_return_ends_latched_unless_acked),
		cmocka_unit_test(commands_mean_something_in_their_states_only),
		cmocka_unit_test(a_closed_ticket_is_not_told_again_before_its_time),
		cmocka_unit_test(tiers_follow_the_levels_and_the_last_one_resolves),
		cmocka_unit_test(doubt_is_told_once_and_taken_back_once),
		cmocka_unit_test(a_saved_machine_fits_fewer_levels_or_is_refused),
		cmocka_unit_test(a_saved_teller_fits_fewer_levels_or_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
