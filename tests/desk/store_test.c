/* The statements on SQLite in memory: linking, following, promoting, streams and parked numbers. The
 * same statements run on PostgreSQL in test_desk.py. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "store.h"

#define A "aaaaaaaaaaaaaaaa"
#define B "bbbbbbbbbbbbbbbb"
#define GW "gw-demo-01"
#define NOW 1000000

struct step {
	const char *epoch;
	unsigned seq;
	const char *verb, *key;
	unsigned episode, rev;
	const char *condition;
};

static void take(struct store *store, const struct step *step, enum store_fate expected)
{
	char payload[512];
	struct event event;
	enum store_fate fate;

	snprintf(payload, sizeof payload,
		 "{\"id\":\"%s-%u\",\"source\":\"/weiyu/" GW "\",\"type\":\"com.weiyu.ticket.%s.v1\","
		 "\"data\":{\"ticket_key\":\"%s\",\"dedup_key\":\"L2/E\",\"episode\":%u,\"rev\":%u,"
		 "\"condition\":\"%s\",\"opened_at\":%u}}",
		 step->epoch, step->seq, step->verb, step->key, step->episode, step->rev,
		 step->condition, step->seq + (strcmp(step->epoch, B) == 0 ? 100 : 0));
	event_read(&event, "weiyu/v1/up/3f/" GW "/ticket", payload, strlen(payload), NULL);
	assert_int_equal(event.verdict, EVENT_TICKET);
	assert_int_equal(store_begin(store), WY_OK);
	assert_int_equal(store_take(store, &event, NOW, &fate), WY_OK);
	assert_int_equal(store_commit(store), WY_OK);
	assert_int_equal(fate, expected);
	event_release(&event);
}

struct rows {
	char text[512];
};

static void keep_row(void *arg, const char *const column[], size_t n)
{
	struct rows *rows = arg;
	size_t len = strlen(rows->text);

	for (size_t i = 0; i < n; i++, len = strlen(rows->text))
		snprintf(rows->text + len, sizeof rows->text - len, "%s%c", column[i] ? column[i] : "-",
			 i + 1 < n ? ' ' : ';');
}

static void expect(struct store *store, const char *sql, const char *expected)
{
	struct rows rows = {""};

	assert_int_equal(db_run(&store->db, sql, NULL, 0, keep_row, &rows, NULL), WY_OK);
	assert_string_equal(rows.text, expected);
}

#define TICKETS "select ticket_key, rev, condition, is_ended, linked_to from ticket order by 1"

static int open_store(void **state)
{
	static struct store store;

	*state = &store;
	return store_open(&store, "sqlite::memory:", true) == WY_OK ? 0 : -1;
}

static int close_store(void **state)
{
	store_close(*state);
	return 0;
}

static void a_ticket_lives_through_its_revisions(void **state)
{
	take(*state, &(struct step){A, 1, "opened", "t1", 1, 1, "active"}, STORE_NEW);
	take(*state, &(struct step){A, 1, "opened", "t1", 1, 1, "active"}, STORE_DUPLICATE);
	take(*state, &(struct step){A, 2, "updated", "t1", 1, 2, "active"}, STORE_NEW);
	take(*state, &(struct step){A, 3, "cleared", "t1", 1, 3, "cleared"}, STORE_NEW);
	expect(*state, TICKETS, "t1 3 cleared 1 -;");
	take(*state, &(struct step){A, 4, "reopened", "t1", 1, 4, "active"}, STORE_NEW);
	expect(*state, TICKETS, "t1 4 active 0 -;");
	expect(*state, "select count(*) from inbox", "4;");
}

static void an_older_revision_is_kept_in_the_inbox_only(void **state)
{
	take(*state, &(struct step){A, 3, "cleared", "t1", 1, 3, "cleared"}, STORE_NEW);
	take(*state, &(struct step){A, 1, "opened", "t1", 1, 1, "active"}, STORE_NEW);
	expect(*state, TICKETS, "t1 3 cleared 1 -;");
	expect(*state, "select count(*) from inbox", "2;");
}

static void a_new_epoch_links_and_its_end_ends_the_root(void **state)
{
	take(*state, &(struct step){A, 1, "opened", "t1", 1, 1, "active"}, STORE_NEW);
	take(*state, &(struct step){B, 1, "opened", "t2", 1, 1, "active"}, STORE_NEW);
	expect(*state, TICKETS, "t1 1 active 0 -;t2 1 active 0 t1;");
	take(*state, &(struct step){B, 2, "updated", "t2", 1, 2, "unknown"}, STORE_NEW);
	expect(*state, TICKETS, "t1 1 active 0 -;t2 2 unknown 0 t1;");
	take(*state, &(struct step){B, 3, "cleared", "t2", 1, 3, "cleared"}, STORE_NEW);
	expect(*state, TICKETS, "t1 1 cleared 1 -;t2 3 cleared 1 t1;");
	take(*state, &(struct step){B, 4, "opened", "t3", 2, 1, "active"}, STORE_NEW);
	expect(*state, TICKETS, "t1 1 cleared 1 -;t2 3 cleared 1 t1;t3 1 active 0 -;");
}

static void an_opened_that_overtakes_a_cleared_becomes_the_root(void **state)
{
	take(*state, &(struct step){A, 1, "opened", "t1", 1, 1, "active"}, STORE_NEW);
	take(*state, &(struct step){A, 3, "opened", "t2", 2, 1, "active"}, STORE_NEW);
	expect(*state, TICKETS, "t1 1 active 0 -;t2 1 active 0 t1;");
	take(*state, &(struct step){A, 2, "cleared", "t1", 1, 2, "cleared"}, STORE_NEW);
	expect(*state, TICKETS, "t1 2 cleared 1 -;t2 1 active 0 -;");
}

static void an_earlier_episode_never_ends_a_later_one(void **state)
{
	take(*state, &(struct step){A, 3, "opened", "t2", 2, 1, "active"}, STORE_NEW);
	take(*state, &(struct step){A, 1, "opened", "t1", 1, 1, "active"}, STORE_NEW);
	take(*state, &(struct step){A, 2, "cleared", "t1", 1, 2, "cleared"}, STORE_NEW);
	expect(*state, TICKETS, "t1 2 cleared 1 t2;t2 1 active 0 -;");
}

/* Every order of two episodes in two epochs: never more than one root, and the same end. */
static void any_order_ends_with_one_root(void **state)
{
	static const struct step steps[] = {
		{A, 1, "opened", "t1", 1, 1, "active"}, {A, 2, "cleared", "t1", 1, 2, "cleared"},
		{A, 3, "opened", "t2", 2, 1, "active"}, {B, 1, "opened", "t3", 1, 1, "active"},
		{B, 2, "updated", "t3", 1, 2, "active"},
	};
	static const char roots[] = "select count(*) from ticket where is_ended = 0 and linked_to is null";

	for (unsigned order = 0; order < 120; order++) {
		bool is_used[5] = {false};
		unsigned rest = order;

		assert_int_equal(db_run(&((struct store *)*state)->db, "delete from inbox", NULL, 0, NULL,
					NULL, NULL), WY_OK);
		assert_int_equal(db_run(&((struct store *)*state)->db, "delete from ticket", NULL, 0, NULL,
					NULL, NULL), WY_OK);
		for (unsigned left = 5; left > 0; rest /= left, left--) {
			unsigned nth = rest % left, i = 0;

			for (;; i++)
				if (!is_used[i] && nth-- == 0)
					break;
			is_used[i] = true;
			take(*state, &steps[i], STORE_NEW);
		}
		expect(*state, roots, "1;");
		expect(*state, "select condition from ticket where ticket_key = 't1'", "cleared;");
		expect(*state, "select condition from ticket where ticket_key = 't3'", "active;");
	}
}

static void advance(struct store *store, wy_ms now_ms, int64_t through, size_t n_rejected)
{
	static const struct event event = {.gw = GW, .epoch = A};
	struct store_receipt receipt;

	assert_int_equal(store_advance(store, &event, now_ms, &receipt), WY_OK);
	assert_int_equal(receipt.through, through);
	assert_int_equal(receipt.n_rejected, n_rejected);
}

static unsigned holes_said;

static void count_hole(void *arg, const char *gw, const char *epoch, struct span_hole hole, int64_t asks)
{
	(void)arg;
	assert_string_equal(gw, GW);
	assert_string_equal(epoch, A);
	assert_int_equal(hole.from, 2);
	assert_int_equal(hole.to, 2);
	assert_int_equal(asks, ++holes_said);
}

static void a_hole_stops_through_and_is_asked_for_less_and_less_often(void **state)
{
	take(*state, &(struct step){A, 1, "opened", "t1", 1, 1, "active"}, STORE_NEW);
	advance(*state, NOW, 1, 0);
	take(*state, &(struct step){A, 3, "updated", "t1", 1, 3, "active"}, STORE_NEW);
	advance(*state, NOW, 1, 0);
	take(*state, &(struct step){A, 4, "updated", "t1", 1, 4, "active"}, STORE_NEW);
	advance(*state, NOW + 5000, 1, 0);
	holes_said = 0;
	assert_int_equal(store_overdue(*state, NOW - 1, NOW, count_hole, NULL), WY_OK);
	assert_int_equal(holes_said, 0);
	assert_int_equal(store_overdue(*state, NOW, NOW + 30000, count_hole, NULL), WY_OK);
	assert_int_equal(store_overdue(*state, NOW, NOW + 30001, count_hole, NULL), WY_OK);
	assert_int_equal(holes_said, 1);
	assert_int_equal(store_overdue(*state, NOW, NOW + 59999, count_hole, NULL), WY_OK);
	assert_int_equal(holes_said, 1);
	assert_int_equal(store_overdue(*state, NOW, NOW + 60000, count_hole, NULL), WY_OK); /* 30 s later, then 60 s */
	assert_int_equal(store_overdue(*state, NOW, NOW + 119999, count_hole, NULL), WY_OK);
	assert_int_equal(holes_said, 2);
	for (int i = 0; i < 100; i++)
		assert_int_equal(store_overdue(*state, NOW, NOW + 120000 + i * 900000, count_hole, NULL), WY_OK);
	assert_int_equal(holes_said, 102); /* at least every quarter of an hour */
	take(*state, &(struct step){A, 2, "updated", "t1", 1, 2, "active"}, STORE_NEW);
	advance(*state, NOW + 40000, 4, 0);
	expect(*state, "select hole_to, hole_since, hole_said from stream", "- - -;");
}

static void take_gap(struct store *store, unsigned seq, const char *ranges, enum store_fate expected)
{
	char payload[512];
	struct event event;
	enum store_fate fate;

	snprintf(payload, sizeof payload,
		 "{\"id\":\"" A "-%u\",\"source\":\"/weiyu/" GW "\",\"type\":\"com.weiyu.ticket.gap.v1\","
		 "\"data\":{\"ranges\":%s}}", seq, ranges);
	event_read(&event, "weiyu/v1/up/3f/" GW "/ticket", payload, strlen(payload), NULL);
	assert_int_equal(event.verdict, EVENT_GAP);
	assert_int_equal(store_begin(store), WY_OK);
	assert_int_equal(store_take(store, &event, NOW, &fate), WY_OK);
	assert_int_equal(store_commit(store), WY_OK);
	assert_int_equal(fate, expected);
	event_release(&event);
}

static void numbers_of_a_gap_record_count_as_come_and_touch_no_ticket(void **state)
{
	take(*state, &(struct step){A, 1, "opened", "t1", 1, 1, "active"}, STORE_NEW);
	take(*state, &(struct step){A, 900, "cleared", "t2", 2, 3, "cleared"}, STORE_NEW);
	advance(*state, NOW, 1, 0);
	take_gap(*state, 2, "[[2,7],[9,9],[11,899]]", STORE_NEW);
	advance(*state, NOW, 7, 0);
	expect(*state, TICKETS, "t1 1 active 0 -;t2 3 cleared 1 -;");
	take(*state, &(struct step){A, 8, "updated", "t1", 1, 4, "active"}, STORE_NEW);
	advance(*state, NOW, 9, 0);
	take_gap(*state, 2, "[[2,7],[9,9],[11,899]]", STORE_DUPLICATE);
	take(*state, &(struct step){A, 10, "updated", "t1", 1, 2, "active"}, STORE_NEW);
	advance(*state, NOW, 900, 0);
	expect(*state, TICKETS, "t1 4 active 0 -;t2 3 cleared 1 -;");
	expect(*state, "select hole_to, hole_since from stream", "- -;");
	expect(*state, "select seq, sum(last - first + 1), count(*) from gap group by seq", "2 896 3;");
}

static void a_ticket_whose_opening_was_dropped_has_the_right_row(void **state)
{
	take_gap(*state, 1, "[[1,2]]", STORE_NEW);
	take(*state, &(struct step){A, 3, "updated", "t1", 1, 3, "active"}, STORE_NEW);
	expect(*state, TICKETS, "t1 3 active 0 -;");
	take(*state, &(struct step){A, 4, "cleared", "t1", 1, 4, "cleared"}, STORE_NEW);
	expect(*state, TICKETS, "t1 4 cleared 1 -;");
	advance(*state, NOW, 4, 0);
}

static void a_parked_number_counts_as_come_and_is_named(void **state)
{
	struct event event;
	enum store_fate fate;

	take(*state, &(struct step){A, 1, "opened", "t1", 1, 1, "active"}, STORE_NEW);
	event_read(&event, "weiyu/v1/up/3f/" GW "/ticket", "rubbish", 7, &(struct event_hint){.id = A "-2"});
	assert_int_equal(store_take(*state, &event, NOW, &fate), WY_OK);
	assert_int_equal(fate, STORE_REJECTED);
	assert_int_equal(store_take(*state, &event, NOW, &fate), WY_OK);
	assert_int_equal(fate, STORE_REJECTED);
	event_release(&event);
	advance(*state, NOW, 2, 1);
	take(*state, &(struct step){A, 2, "updated", "t1", 1, 2, "active"}, STORE_NEW);
	advance(*state, NOW, 2, 0);
}

static void long_streams_are_walked_page_by_page(void **state)
{
	struct store *store = *state;

	for (unsigned i = 1; i <= 600; i++)
		if (i != 555)
			take(store, &(struct step){A, i, "updated", "t1", 1, i, "active"}, STORE_NEW);
	advance(store, NOW, 554, 0);
	take(store, &(struct step){A, 555, "updated", "t1", 1, 555, "active"}, STORE_NEW);
	advance(store, NOW, 600, 0);
}

static void a_death_of_an_earlier_connection_is_ignored(void **state)
{
	static const char *const bodies[] = {"birth.v1\",\"data\":{\"epoch\":\"" A "\",\"bd_seq\":5}}",
					     "death.v1\",\"data\":{\"epoch\":\"" A "\",\"bd_seq\":4}}",
					     "death.v1\",\"data\":{\"epoch\":\"" A "\",\"bd_seq\":5}}"};
	static const char *const expected[] = {"birth 5;", "birth 5;", "death 5;"};

	for (size_t i = 0; i < 3; i++) {
		char payload[256];
		struct event event;
		enum store_fate fate;

		snprintf(payload, sizeof payload,
			 "{\"source\":\"/weiyu/" GW "\",\"type\":\"com.weiyu.state.%s", bodies[i]);
		event_read(&event, "weiyu/v1/up/3f/" GW "/state", payload, strlen(payload), NULL);
		assert_int_equal(store_take(*state, &event, NOW, &fate), WY_OK);
		event_release(&event);
		expect(*state, "select last_state, bd_seq from gateway", expected[i]);
	}
}

static char worked[256];

static void note_work(void *arg, const char *gw, const char *ticket_key, int64_t seq)
{
	size_t len = strlen(worked);

	(void)arg;
	assert_string_equal(gw, GW);
	snprintf(worked + len, sizeof worked - len, "%s %lld;", ticket_key, (long long)seq);
}

static void work_on_a_root_reaches_what_is_linked_to_it(void **state)
{
	take(*state, &(struct step){A, 1, "opened", "t1", 1, 1, "latched"}, STORE_NEW);
	take(*state, &(struct step){B, 1, "opened", "t2", 1, 1, "latched"}, STORE_NEW);
	worked[0] = '\0';
	assert_int_equal(store_work(*state, "t1", "acked", NOW, note_work, NULL), WY_OK);
	assert_string_equal(worked, "t1 1;t2 2;");
	expect(*state, "select work from ticket", "acked;acked;");
	assert_int_equal(store_work(*state, "t9", "acked", NOW, note_work, NULL), WY_E_NOTFOUND);
}

static void what_people_closed_makes_room_for_a_new_item(void **state)
{
	take(*state, &(struct step){A, 1, "opened", "t1", 1, 1, "active"}, STORE_NEW);
	assert_int_equal(store_work(*state, "t1", "closed", NOW, note_work, NULL), WY_OK);
	take(*state, &(struct step){B, 1, "opened", "t2", 1, 1, "active"}, STORE_NEW);
	expect(*state, TICKETS, "t1 1 active 0 -;t2 1 active 0 -;");
	take(*state, &(struct step){A, 2, "reopened", "t1", 1, 2, "active"}, STORE_NEW);
	expect(*state, TICKETS, "t1 2 active 0 t2;t2 1 active 0 -;");
}

#define ROW(test) cmocka_unit_test_setup_teardown(test, open_store, close_store)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ROW(a_ticket_lives_through_its_revisions),
		ROW(an_older_revision_is_kept_in_the_inbox_only),
		ROW(a_new_epoch_links_and_its_end_ends_the_root),
		ROW(an_opened_that_overtakes_a_cleared_becomes_the_root),
		ROW(an_earlier_episode_never_ends_a_later_one),
		ROW(any_order_ends_with_one_root),
		ROW(a_hole_stops_through_and_is_asked_for_less_and_less_often),
		ROW(numbers_of_a_gap_record_count_as_come_and_touch_no_ticket),
		ROW(a_ticket_whose_opening_was_dropped_has_the_right_row),
		ROW(a_parked_number_counts_as_come_and_is_named),
		ROW(long_streams_are_walked_page_by_page),
		ROW(a_death_of_an_earlier_connection_is_ignored),
		ROW(work_on_a_root_reaches_what_is_linked_to_it),
		ROW(what_people_closed_makes_room_for_a_new_item),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
