/* ticket_test.c: the life of a ticket, move by move and over random inputs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "draw.h"
#include "ticket.h"

#define WALL 1800000000000

static struct ticket ticket;
static struct ticket_output out;

static const struct ticket_terms terms_s2 = {1800000, 7200000, 7200000, 86400000, 604800000};
static const struct ticket_terms terms_s1 = {600000, 900000, 0, 7200000, 604800000};

static struct ticket_identity identity(int64_t episode)
{
	struct ticket_identity made = {.gateway = "gw-demo-01",
				       .asset = "3A-L2",
				       .fault = "ELV-06",
				       .rule = "lift.door",
				       .epoch = 0x9c41d2f07ab3e615u,
				       .episode = episode,
				       .day = 20261122,
				       .number = 12};

	return made;
}

static int fresh(void **state)
{
	struct ticket_identity who = identity(1);

	(void)state;
	return ticket_init(&ticket, &who) == WY_OK ? 0 : 1;
}

static enum wy_err give(enum ticket_input_kind kind, wy_ms at_ms, uint8_t tier,
			enum ticket_node node)
{
	struct ticket_input input = {.kind = kind,
				     .now = {at_ms, WALL + at_ms, WY_CLOCK_SYNCED},
				     .at_ms = at_ms,
				     .onset_ms = at_ms - 5000,
				     .tier = tier,
				     .terms = tier == 1 ? &terms_s1 : &terms_s2,
				     .node = node,
				     .work_rev = ticket.work_rev + 1};

	memset(&out, 0, sizeof(out));
	return ticket_step(&ticket, &input, &out);
}

static void must(enum ticket_input_kind kind, wy_ms at_ms, uint8_t tier, enum ticket_event event)
{
	assert_int_equal(give(kind, at_ms, tier, TICKET_NODE_SUBMITTED), WY_OK);
	assert_int_equal(out.event, event);
}

static int open_it(void **state)
{
	if (fresh(state) != 0)
		return 1;
	return give(TICKET_RAISE, 10000, 2, TICKET_NODE_SUBMITTED) == WY_OK &&
			       out.event == TICKET_OPENED
		       ? 0
		       : 1;
}

static void the_key_is_fixed_by_what_it_is_made_of(void **state)
{
	char key[TICKET_KEY_SIZE], other[TICKET_KEY_SIZE];

	(void)state;
	assert_string_equal(ticket.no, "gw-demo-01-20261122-12");
	assert_string_equal(ticket.dedup, "3A-L2/ELV-06");
	/* sha256("3A-L2/ELV-06" 00 9c41d2f07ab3e615 0000000000000001), reckoned with python3 */
	assert_string_equal(ticket.key, "tk_r2e64dnujckhkq7hllaqcutr2f");
	ticket_key(ticket.dedup, ticket.epoch, 2, key);
	assert_string_not_equal(key, ticket.key);
	ticket_key(ticket.dedup, ticket.epoch + 1, 1, other);
	assert_string_not_equal(other, ticket.key);
}

static void names_that_do_not_fit_are_refused(void **state)
{
	struct ticket_identity who = identity(1);
	char longest[TICKET_ID_SIZE + 1];

	(void)state;
	memset(longest, 'a', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	who.asset = longest;
	assert_int_equal(ticket_init(&ticket, &who), WY_E_LIMIT);
	longest[TICKET_ID_SIZE - 1] = '\0';
	assert_int_equal(ticket_init(&ticket, &who), WY_OK);
}

static void opening_sets_stamps_tier_and_deadlines(void **state)
{
	(void)state;
	assert_true(ticket.is_open);
	assert_int_equal(ticket.rev, 1);
	assert_true(ticket.onset.wall_ms == WALL + 5000 && ticket.opened.wall_ms == WALL + 10000);
	assert_true(ticket.deadline.ack == WALL + 10000 + 1800000);
	assert_true(ticket.deadline.regulatory == WALL + 10000 + 604800000);
}

static void a_planned_term_has_no_deadline_and_at_once_has_one(void **state)
{
	struct ticket_terms terms = {TICKET_PLANNED, TICKET_PLANNED, 0, TICKET_PLANNED,
				     TICKET_PLANNED};
	struct ticket_input input = {.kind = TICKET_RAISE,
				     .now = {1, WALL, WY_CLOCK_SYNCED},
				     .at_ms = 1,
				     .onset_ms = 1,
				     .tier = 4,
				     .terms = &terms};

	(void)state;
	assert_int_equal(ticket_step(&ticket, &input, &out), WY_OK);
	assert_true(ticket.deadline.ack == 0 && ticket.deadline.resolve == 0 &&
		    ticket.deadline.start == WALL);
}

static void nothing_but_raise_opens(void **state)
{
	struct ticket before = ticket;

	(void)state;
	for (unsigned kind = TICKET_TIER; kind < TICKET_INPUT_COUNT; kind++) {
		assert_int_equal(give((enum ticket_input_kind)kind, 1, 1, TICKET_NODE_ACKED),
				 WY_E_STATE);
		assert_memory_equal(&ticket, &before, sizeof(ticket));
	}
}

static void the_tier_rises_with_an_update_and_shorter_terms(void **state)
{
	wy_ms regulatory = ticket.deadline.regulatory;

	(void)state;
	must(TICKET_TIER, 70000, 1, TICKET_UPDATED);
	assert_true(out.is_tier_up);
	assert_int_equal(ticket.tier, 1);
	assert_true(ticket.deadline.ack == WALL + 70000 + 600000);
	assert_true(ticket.deadline.regulatory == regulatory);
}

static void a_late_rise_never_gives_more_time(void **state)
{
	wy_ms ack = ticket.deadline.ack;

	(void)state;
	must(TICKET_TIER, 1800000, 1,
	     TICKET_UPDATED); /* ack of S1 would be later than what was promised */
	assert_true(ticket.deadline.ack == ack);
}

static void the_tier_never_falls_but_what_the_rule_says_is_kept(void **state)
{
	(void)state;
	must(TICKET_TIER, 70000, 3, TICKET_QUIET);
	assert_true(out.is_changed);
	assert_int_equal(ticket.tier, 2);
	assert_int_equal(ticket.tier_now, 3);
	assert_int_equal(ticket.rev, 1);
}

static void unknown_is_not_cleared_and_comes_back(void **state)
{
	(void)state;
	must(TICKET_UNVERIFIED, 20000, 2, TICKET_UPDATED);
	assert_int_equal(ticket.condition, TICKET_UNKNOWN);
	assert_true(ticket.is_open);
	must(TICKET_UNVERIFIED, 21000, 2, TICKET_QUIET);
	must(TICKET_VERIFIED, 30000, 2, TICKET_UPDATED);
	assert_int_equal(ticket.condition, TICKET_ACTIVE);
}

static void a_latched_ticket_waits_and_may_be_reopened_in_the_same_episode(void **state)
{
	(void)state;
	must(TICKET_LATCH, 20000, 2, TICKET_UPDATED);
	assert_true(ticket.is_open);
	must(TICKET_RAISE, 30000, 2, TICKET_REOPENED);
	assert_int_equal(ticket.episode, 1);
	must(TICKET_LATCH, 40000, 2, TICKET_UPDATED);
	must(TICKET_CLEAR, 50000, 2, TICKET_CLEARED_EVENT);
	assert_true(ticket.cleared.wall_ms == WALL + 50000);
}

static void a_second_rule_joins_quietly_unless_it_is_more_severe(void **state)
{
	(void)state;
	must(TICKET_RAISE, 20000, 3, TICKET_QUIET);
	assert_int_equal(ticket.tier_now, 2);
	must(TICKET_RAISE, 30000, 1, TICKET_UPDATED);
	assert_int_equal(ticket.tier, 1);
}

static void the_platform_may_close_and_then_clear_says_nothing(void **state)
{
	(void)state;
	assert_int_equal(give(TICKET_WORK, 20000, 0, TICKET_NODE_CLOSED), WY_OK);
	assert_int_equal(out.event, TICKET_CLOSED_EVENT);
	assert_false(ticket.is_open);
	assert_int_equal(ticket.condition, TICKET_ACTIVE);
	must(TICKET_CLEAR, 30000, 2, TICKET_QUIET);
	must(TICKET_RAISE, 40000, 2, TICKET_QUIET);
	assert_false(ticket.is_open);
}

static void work_is_recorded_quietly_and_stale_work_is_refused(void **state)
{
	struct ticket_input stale = {
		.kind = TICKET_WORK, .node = TICKET_NODE_CLOSED, .work_rev = 1};

	(void)state;
	assert_int_equal(give(TICKET_WORK, 20000, 0, TICKET_NODE_ACKED), WY_OK);
	assert_int_equal(out.event, TICKET_QUIET);
	assert_true(out.is_changed);
	assert_int_equal(ticket_step(&ticket, &stale, &out), WY_E_STATE);
	assert_int_equal(ticket.node, TICKET_NODE_ACKED);
}

static void resolved_while_the_sensor_still_sees_it_is_said_once(void **state)
{
	(void)state;
	assert_int_equal(give(TICKET_WORK, 20000, 0, TICKET_NODE_RESOLVED), WY_OK);
	assert_int_equal(out.event, TICKET_UPDATED);
	assert_true(ticket_is_disputed(&ticket));
	assert_int_equal(give(TICKET_WORK, 21000, 0, TICKET_NODE_VERIFYING), WY_OK);
	assert_int_equal(out.event, TICKET_QUIET);
}

static void the_peak_is_the_value_farthest_beyond_its_limit(void **state)
{
	(void)state;
	assert_true(ticket_observe(&ticket, 90, 85));
	assert_false(ticket_observe(&ticket, 88, 85));
	assert_true(ticket_observe(&ticket, 99, 85));
	assert_false(ticket_observe(&ticket, NAN, 85));
	assert_true(ticket.peak > 98.9 && ticket.peak < 99.1);
}

static void every_node_has_a_text_that_finds_it(void **state)
{
	(void)state;
	for (unsigned i = 0; i < TICKET_NODE_COUNT; i++) {
		enum ticket_node node = TICKET_NODE_COUNT;

		assert_true(ticket_node_find(ticket_node_text((uint8_t)i), &node));
		assert_int_equal(node, i);
	}
}

static void the_platforms_words_find_their_nodes(void **state)
{
	static const struct {
		const char *work;
		enum ticket_node node;
	} rows[] = {{"acked", TICKET_NODE_ACKED},	  {"assigned", TICKET_NODE_DISPATCHED},
		    {"started", TICKET_NODE_IN_PROGRESS}, {"resolved", TICKET_NODE_RESOLVED},
		    {"rejected", TICKET_NODE_REJECTED},	  {"merged", TICKET_NODE_MERGED},
		    {"closed", TICKET_NODE_CLOSED}};
	enum ticket_node node;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_true(ticket_node_find(rows[i].work, &node));
		assert_int_equal(node, rows[i].node);
	}
	assert_false(ticket_node_find("painted", &node));
}

/* Promises over random inputs: rev grows by one with each event, tier never falls, nothing after
 * the end, and exactly one end. */
static void every_opened_has_exactly_one_end_over_random_inputs(void **state)
{
	uint64_t state_of_chance = 20261122;

	(void)state;
	for (unsigned life = 0; life < 20000; life++) {
		unsigned opened = 0, ended = 0;

		fresh(NULL);
		for (unsigned i = 0; i < 60; i++) {
			uint32_t rev = ticket.rev;
			uint8_t tier = ticket.tier;
			bool was_over = ended > 0;
			bool is_last = i == 59;
			uint64_t noise = wy_draw(&state_of_chance);

			if (give(is_last ? TICKET_CLEAR
					 : (enum ticket_input_kind)(noise % TICKET_INPUT_COUNT),
				 10000 + i, (uint8_t)(noise / 64 % 4 + 1),
				 (enum ticket_node)(noise / 1024 %
						    (noise % 3 ? TICKET_NODE_CLOSED
							       : TICKET_NODE_COUNT))) != WY_OK)
				continue;
			assert_true(ticket.rev == rev + (out.event != TICKET_QUIET));
			assert_true(tier == 0 || ticket.tier <= tier);
			assert_false(was_over && out.event != TICKET_QUIET);
			opened += out.event == TICKET_OPENED;
			ended += out.event == TICKET_CLEARED_EVENT ||
				 out.event == TICKET_CLOSED_EVENT;
			assert_true(ticket.is_open == (opened > ended));
		}
		assert_int_equal(opened, ended);
		assert_true(opened <= 1);
	}
}

static void every_name_that_is_too_long_is_refused_and_the_ticket_stays(void **state)
{
	static const size_t room[] = {TICKET_ID_SIZE, TICKET_ID_SIZE, TICKET_RULE_SIZE, TICKET_KEY_SIZE, TICKET_NO_SIZE};
	struct ticket before = ticket;
	char text[TICKET_DEDUP_SIZE + 1];

	(void)state;
	memset(text, 'a', sizeof(text));
	for (size_t i = 0; i < sizeof(room) / sizeof(*room); i++) {
		struct ticket_identity who = identity(1);
		const char **const name[] = {&who.asset, &who.fault, &who.rule, &who.repeat_of, &who.gateway};

		text[room[i]] = '\0';
		*name[i] = text;
		assert_int_equal(ticket_init(&ticket, &who), WY_E_LIMIT);
		text[room[i]] = 'a';
	}
	text[TICKET_DEDUP_SIZE] = '\0';
	struct ticket_identity who = identity(1);
	who.asset = text;
	assert_int_equal(ticket_init(&ticket, &who), WY_E_LIMIT);
	assert_memory_equal(&ticket, &before, sizeof(ticket));
}

static void a_key_is_made_of_no_more_than_a_dedup_key_can_be(void **state)
{
	char text[TICKET_DEDUP_SIZE + 20], key[TICKET_KEY_SIZE], cut[TICKET_KEY_SIZE];

	(void)state;
	memset(text, 'a', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	ticket_key(text, 1, 1, key);
	text[TICKET_DEDUP_SIZE - 1] = '\0';
	ticket_key(text, 1, 1, cut);
	assert_string_equal(key, cut);
	text[TICKET_DEDUP_SIZE - 2] = '\0';
	ticket_key(text, 1, 1, cut);
	assert_string_not_equal(key, cut);
}

static void an_earlier_episode_is_named(void **state)
{
	struct ticket_identity who = identity(2);

	(void)state;
	who.repeat_of = "tk_r2e64dnujckhkq7hllaqcutr2f";
	who.repeat_count_30d = 3;
	assert_int_equal(ticket_init(&ticket, &who), WY_OK);
	assert_string_equal(ticket.repeat_of, who.repeat_of);
	assert_int_equal(ticket.repeat_count_30d, 3);
	assert_int_equal(ticket.episode, 2);
}

static void without_terms_all_is_planned(void **state)
{
	struct ticket_input input = {.kind = TICKET_RAISE, .now = {1, WALL, WY_CLOCK_SYNCED}, .at_ms = 1, .onset_ms = 1, .tier = 4};

	(void)state;
	assert_int_equal(ticket_step(&ticket, &input, &out), WY_OK);
	assert_memory_equal(&ticket.deadline, (&(struct ticket_deadlines){0, 0, 0, 0, 0}), sizeof(ticket.deadline));
}

static void a_rise_from_a_planned_term_to_a_counted_one_sets_it_and_not_the_other_way(void **state)
{
	struct ticket_terms few = {TICKET_PLANNED, TICKET_PLANNED, TICKET_PLANNED, 1000, TICKET_PLANNED};
	struct ticket_terms other = {500, TICKET_PLANNED, TICKET_PLANNED, TICKET_PLANNED, TICKET_PLANNED};
	struct ticket_input input = {.kind = TICKET_RAISE, .now = {1, WALL, WY_CLOCK_SYNCED}, .at_ms = 1, .onset_ms = 1,
				     .tier = 3, .terms = &few};

	(void)state;
	assert_int_equal(ticket_step(&ticket, &input, &out), WY_OK);
	input.kind = TICKET_TIER;
	input.tier = 1;
	input.terms = &other;
	assert_int_equal(ticket_step(&ticket, &input, &out), WY_OK);
	assert_true(ticket.deadline.ack == WALL + 500);
	assert_true(ticket.deadline.resolve == WALL + 1000);
	assert_true(ticket.deadline.arrive == 0);
}

static void the_first_instant_of_1970_is_a_time_and_not_none(void **state)
{
	struct ticket_input input = {.kind = TICKET_RAISE, .now = {1, 0, WY_CLOCK_UNSYNCED}, .at_ms = 1, .onset_ms = 1, .tier = 1,
				     .terms = &terms_s1};

	(void)state;
	assert_int_equal(ticket_step(&ticket, &input, &out), WY_OK);
	assert_true(ticket.opened.wall_ms == 1 && ticket.deadline.start == 1);
	assert_true(ticket.cleared.wall_ms == 0);
}

static void a_clock_is_believed_by_its_state_and_not_below_what_can_be(void **state)
{
	(void)state;
	assert_int_equal(ticket_belief(WY_CLOCK_SYNCED, 999, 1000), 0);
	assert_int_equal(ticket_belief(WY_CLOCK_SYNCED, 1000, 1000), 2);
	assert_int_equal(ticket_belief(WY_CLOCK_UNSYNCED, 1000, 1000), 1);
	assert_int_equal(ticket_belief(WY_CLOCK_STEPPED, 1000, 1000), 1);
}

/* Opened at mono 1000 by a clock that said `wall`. */
static void open_by(enum wy_clock_state clock, wy_ms wall_ms)
{
	struct ticket_input input = {.kind = TICKET_RAISE, .now = {1000, wall_ms, clock}, .at_ms = 1000, .onset_ms = 400, .tier = 2,
				     .terms = &terms_s2};

	assert_int_equal(fresh(NULL), 0);
	assert_int_equal(ticket_step(&ticket, &input, &out), WY_OK);
}

static void stamps_of_a_wrong_clock_move_by_what_it_was_wrong(void **state)
{
	struct wy_now now = {61000, WALL + 61000, WY_CLOCK_SYNCED};
	bool is_surer = false;

	(void)state;
	open_by(WY_CLOCK_UNSYNCED, 5000);
	assert_true(ticket_mend(&ticket, now, WALL, &is_surer) == WALL + 1000 - 5000);
	assert_true(is_surer);
	assert_int_equal(ticket.clock, WY_CLOCK_SYNCED);
	assert_true(ticket.opened.wall_ms == WALL + 1000 && ticket.onset.wall_ms == WALL + 400);
	assert_true(ticket.opened.mono_ms == 1000);
	assert_true(ticket.cleared.wall_ms == 0);
	assert_true(ticket.deadline.ack == WALL + 1000 + terms_s2.ack_ms);
	assert_true(ticket.deadline.regulatory == WALL + 1000 + terms_s2.regulatory_ms);
}

static void stamps_are_mended_by_a_clock_that_is_believed_as_much_but_nothing_is_surer(void **state)
{
	struct wy_now now = {2000, WALL + 2500, WY_CLOCK_UNSYNCED};
	bool is_surer = true;

	(void)state;
	open_by(WY_CLOCK_UNSYNCED, WALL + 1000);
	assert_true(ticket_mend(&ticket, now, WALL, &is_surer) == 500);
	assert_false(is_surer);
	assert_true(ticket.opened.wall_ms == WALL + 1500);
}

static void a_right_clock_mends_nothing_that_was_right(void **state)
{
	struct wy_now later = {2000, WALL + 2000, WY_CLOCK_SYNCED};
	bool is_surer = false;

	(void)state;
	open_by(WY_CLOCK_UNSYNCED, WALL + 1000);
	assert_true(ticket_mend(&ticket, later, WALL, &is_surer) == 0);
	assert_true(is_surer);
	assert_true(ticket.opened.wall_ms == WALL + 1000);
}

static void a_clock_that_is_believed_less_or_a_ticket_of_a_right_one_moves_nothing(void **state)
{
	struct wy_now wrong = {2000, 7000, WY_CLOCK_UNSYNCED}, right = {2000, WALL + 9000, WY_CLOCK_SYNCED};
	struct ticket before;
	bool is_surer = true;

	(void)state;
	open_by(WY_CLOCK_UNSYNCED, WALL + 1000);
	before = ticket;
	assert_true(ticket_mend(&ticket, wrong, WALL, &is_surer) == 0);
	assert_false(is_surer);
	assert_memory_equal(&ticket, &before, sizeof(ticket));
	open_by(WY_CLOCK_SYNCED, WALL + 1000);
	before = ticket;
	assert_true(ticket_mend(&ticket, right, WALL, &is_surer) == 0);
	assert_memory_equal(&ticket, &before, sizeof(ticket));
	fresh(NULL);
	before = ticket;
	assert_true(ticket_mend(&ticket, right, WALL, &is_surer) == 0);
	assert_memory_equal(&ticket, &before, sizeof(ticket));
}

static void a_peak_is_kept_only_while_the_condition_stands(void **state)
{
	(void)state;
	assert_true(ticket_observe(&ticket, 90, 85));
	must(TICKET_UNVERIFIED, 20000, 2, TICKET_UPDATED);
	assert_false(ticket_observe(&ticket, 99, 85));
	must(TICKET_VERIFIED, 30000, 2, TICKET_UPDATED);
	must(TICKET_CLEAR, 40000, 2, TICKET_CLEARED_EVENT);
	assert_false(ticket_observe(&ticket, 99, 85));
	assert_true(ticket.peak > 89.9 && ticket.peak < 90.1);
}

static void a_peak_below_its_limit_counts_by_how_far(void **state)
{
	(void)state;
	assert_true(ticket_observe(&ticket, 3, 5));
	assert_false(ticket_observe(&ticket, 4, 5));
	assert_false(ticket_observe(&ticket, 7, 5)); /* as far beyond, on the other side */
	assert_true(ticket_observe(&ticket, 1, 5));
	assert_true(ticket.peak < 1.1 && ticket.peak_limit > 4.9);
}

static void what_came_since_an_update_is_told_with_it(void **state)
{
	(void)state;
	ticket.news = 5;
	ticket.news_due_ms = 99;
	must(TICKET_TIER, 20000, 2, TICKET_QUIET);
	assert_int_equal(ticket.news, 5);
	must(TICKET_NEWS, 30000, 2, TICKET_UPDATED);
	assert_int_equal(ticket.news, 0);
	assert_true(ticket.news_due_ms == 0);
}

static void numbers_out_of_range_have_a_word_all_the_same(void **state)
{
	(void)state;
	assert_string_equal(ticket_condition_text(99), "unknown");
	assert_string_equal(ticket_event_text(TICKET_EVENT_COUNT), "");
	assert_string_equal(ticket_event_text(TICKET_OPENED), "opened");
	assert_string_equal(ticket_node_text(TICKET_NODE_COUNT), "");
	assert_false(ticket_node_is_final(TICKET_NODE_COUNT));
}

static struct ticket_input raise_with(uint8_t tier, uint8_t level, bool is_uncertain)
{
	return (struct ticket_input){.kind = TICKET_RAISE, .now = {10, WALL, WY_CLOCK_UNSYNCED}, .at_ms = 10, .onset_ms = 10,
				     .tier = tier, .level = level, .is_uncertain = is_uncertain, .terms = &terms_s2};
}

static void opening_keeps_what_the_rule_and_the_clock_say(void **state)
{
	struct ticket_input input = raise_with(2, 3, true);

	(void)state;
	assert_int_equal(ticket_step(&ticket, &input, &out), WY_OK);
	assert_int_equal(ticket.level, 3);
	assert_true(ticket.is_uncertain);
	assert_int_equal(ticket.clock, WY_CLOCK_UNSYNCED);
	assert_int_equal(ticket.tier_now, 2);
}

static void a_second_rule_of_the_same_tier_changes_nothing(void **state)
{
	struct ticket_input first = raise_with(2, 1, false), second = raise_with(2, 3, true);

	(void)state;
	assert_int_equal(ticket_step(&ticket, &first, &out), WY_OK);
	assert_int_equal(ticket_step(&ticket, &second, &out), WY_OK);
	assert_false(out.is_changed);
	assert_int_equal(ticket.level, 1);
	assert_false(ticket.is_uncertain);
}

static void another_level_or_certainty_is_a_change_and_no_news(void **state)
{
	struct ticket_input input = raise_with(2, 1, false);

	(void)state;
	assert_int_equal(ticket_step(&ticket, &input, &out), WY_OK);
	input.kind = TICKET_TIER;
	assert_int_equal(ticket_step(&ticket, &input, &out), WY_OK);
	assert_false(out.is_changed);
	input.level = 2;
	assert_int_equal(ticket_step(&ticket, &input, &out), WY_OK);
	assert_true(out.is_changed && out.event == TICKET_QUIET && ticket.level == 2);
	input.is_uncertain = true;
	assert_int_equal(ticket_step(&ticket, &input, &out), WY_OK);
	assert_true(out.is_changed && out.event == TICKET_QUIET && ticket.is_uncertain);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(opening_keeps_what_the_rule_and_the_clock_say, fresh),
		cmocka_unit_test_setup(a_second_rule_of_the_same_tier_changes_nothing, fresh),
		cmocka_unit_test_setup(another_level_or_certainty_is_a_change_and_no_news, fresh),
		cmocka_unit_test_setup(every_name_that_is_too_long_is_refused_and_the_ticket_stays, fresh),
		cmocka_unit_test_setup(a_key_is_made_of_no_more_than_a_dedup_key_can_be, fresh),
		cmocka_unit_test_setup(an_earlier_episode_is_named, fresh),
		cmocka_unit_test_setup(without_terms_all_is_planned, fresh),
		cmocka_unit_test_setup(a_rise_from_a_planned_term_to_a_counted_one_sets_it_and_not_the_other_way, fresh),
		cmocka_unit_test_setup(the_first_instant_of_1970_is_a_time_and_not_none, fresh),
		cmocka_unit_test_setup(a_clock_is_believed_by_its_state_and_not_below_what_can_be, fresh),
		cmocka_unit_test_setup(stamps_of_a_wrong_clock_move_by_what_it_was_wrong, fresh),
		cmocka_unit_test_setup(stamps_are_mended_by_a_clock_that_is_believed_as_much_but_nothing_is_surer, fresh),
		cmocka_unit_test_setup(a_right_clock_mends_nothing_that_was_right, fresh),
		cmocka_unit_test_setup(a_clock_that_is_believed_less_or_a_ticket_of_a_right_one_moves_nothing, fresh),
		cmocka_unit_test_setup(a_peak_is_kept_only_while_the_condition_stands, open_it),
		cmocka_unit_test_setup(a_peak_below_its_limit_counts_by_how_far, open_it),
		cmocka_unit_test_setup(what_came_since_an_update_is_told_with_it, open_it),
		cmocka_unit_test_setup(numbers_out_of_range_have_a_word_all_the_same, fresh),
		cmocka_unit_test_setup(the_key_is_fixed_by_what_it_is_made_of, fresh),
		cmocka_unit_test_setup(names_that_do_not_fit_are_refused, fresh),
		cmocka_unit_test_setup(opening_sets_stamps_tier_and_deadlines, open_it),
		cmocka_unit_test_setup(a_planned_term_has_no_deadline_and_at_once_has_one, fresh),
		cmocka_unit_test_setup(nothing_but_raise_opens, fresh),
		cmocka_unit_test_setup(the_tier_rises_with_an_update_and_shorter_terms, open_it),
		cmocka_unit_test_setup(a_late_rise_never_gives_more_time, open_it),
		cmocka_unit_test_setup(the_tier_never_falls_but_what_the_rule_says_is_kept,
				       open_it),
		cmocka_unit_test_setup(unknown_is_not_cleared_and_comes_back, open_it),
		cmocka_unit_test_setup(
			a_latched_ticket_waits_and_may_be_reopened_in_the_same_episode, open_it),
		cmocka_unit_test_setup(a_second_rule_joins_quietly_unless_it_is_more_severe,
				       open_it),
		cmocka_unit_test_setup(the_platform_may_close_and_then_clear_says_nothing, open_it),
		cmocka_unit_test_setup(work_is_recorded_quietly_and_stale_work_is_refused, open_it),
		cmocka_unit_test_setup(resolved_while_the_sensor_still_sees_it_is_said_once,
				       open_it),
		cmocka_unit_test_setup(the_peak_is_the_value_farthest_beyond_its_limit, open_it),
		cmocka_unit_test_setup(every_node_has_a_text_that_finds_it, fresh),
		cmocka_unit_test(the_platforms_words_find_their_nodes),
		cmocka_unit_test(every_opened_has_exactly_one_end_over_random_inputs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
