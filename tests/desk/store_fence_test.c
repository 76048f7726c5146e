/* store_fence_test.c: two histories of one gateway at the desk's database (SQLite in memory): whose events stay, what is
 * kept aside, what is ordered. The same statements run on PostgreSQL in test_desk.py. */
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
#define X "1111111111111111" /* the original's process */
#define Y "2222222222222222" /* its copy's, or the next one's */
#define NOW 1000000

static struct store store;
static wy_ms now;
static char fenced[256], ordered[256];

static void note_fenced(void *arg, const char *gw, const char *epoch, const char *instance, const char *reason)
{
	(void)arg;
	(void)reason;
	assert_string_equal(gw, GW);
	assert_string_equal(epoch, A);
	snprintf(fenced + strlen(fenced), sizeof fenced - strlen(fenced), "%c", instance[0]);
}

static void note_order(void *arg, const char *gw, const char *epoch, const char *instance, const char *boot,
		       bool is_fenced)
{
	(void)arg;
	(void)gw;
	(void)epoch;
	(void)boot;
	snprintf(ordered + strlen(ordered), sizeof ordered - strlen(ordered), "%c%s", instance[0],
		 is_fenced ? "!" : "?");
}

static enum store_fate take(const char *channel, const char *payload, const char *instance, bool is_retained)
{
	struct event_hint hint = {.is_retained = is_retained};
	enum store_fate fate;
	struct event event;
	char topic[64];

	snprintf(hint.instance, sizeof hint.instance, "%s", instance);
	snprintf(topic, sizeof topic, "weiyu/v1/up/3f/" GW "/%s", channel);
	event_read(&event, topic, payload, strlen(payload), &hint);
	assert_int_not_equal(event.verdict, EVENT_NOISE);
	assert_int_equal(store_begin(&store), WY_OK);
	assert_int_equal(store_take(&store, &event, now, &fate), WY_OK);
	assert_int_equal(store_commit(&store), WY_OK);
	event_release(&event);
	return fate;
}

static void birth_of(const char *epoch, const char *instance, unsigned bd_seq, unsigned last_seq, bool is_retained)
{
	char payload[300];

	snprintf(payload, sizeof payload,
		 "{\"source\":\"/weiyu/" GW "\",\"type\":\"com.weiyu.state.birth.v1\",\"data\":{\"epoch\":\"%s\","
		 "\"instance\":\"%s\",\"boot\":\"b\",\"bd_seq\":%u,\"last_seq\":%u}}", epoch, instance, bd_seq, last_seq);
	take("state", payload, "", is_retained);
}

static void birth(const char *instance, unsigned bd_seq, unsigned last_seq)
{
	birth_of(A, instance, bd_seq, last_seq, false);
}

/* Events of the same number differ in `body` where they are of two histories. */
static enum store_fate event(const char *instance, unsigned seq, const char *verb, const char *key, unsigned rev,
			     const char *body)
{
	char payload[400];

	snprintf(payload, sizeof payload,
		 "{\"id\":\"" A "-%u\",\"source\":\"/weiyu/" GW "\",\"type\":\"com.weiyu.ticket.%s.v1\",\"data\":{"
		 "\"ticket_key\":\"%s\",\"dedup_key\":\"L2/%s\",\"episode\":1,\"rev\":%u,\"condition\":\"%s\","
		 "\"opened_at\":%u,\"body\":\"%s\"}}", seq, verb, key, key, rev,
		 strcmp(verb, "cleared") == 0 ? "cleared" : "active", seq, body);
	return take("ticket", payload, instance, false);
}

static void of_epoch(const char *epoch, unsigned seq, const char *verb, const char *key, unsigned rev, unsigned opened_at)
{
	char payload[400];

	snprintf(payload, sizeof payload,
		 "{\"id\":\"%s-%u\",\"source\":\"/weiyu/" GW "\",\"type\":\"com.weiyu.ticket.%s.v1\",\"data\":{"
		 "\"ticket_key\":\"%s\",\"dedup_key\":\"L2/one\",\"episode\":1,\"rev\":%u,\"condition\":\"%s\","
		 "\"opened_at\":%u}}", epoch, seq, verb, key, rev, strcmp(verb, "cleared") == 0 ? "cleared" : "active", opened_at);
	assert_int_equal(take("ticket", payload, strcmp(epoch, A) == 0 ? X : Y, false), STORE_NEW);
}

static void keep_row(void *arg, const char *const column[], size_t n)
{
	char *text = arg;

	for (size_t i = 0; i < n; i++)
		snprintf(text + strlen(text), 1024 - strlen(text), "%s%c", column[i] ? column[i] : "-",
			 i + 1 < n ? ' ' : ';');
}

static void expect(const char *sql, const char *expected)
{
	char text[1024] = "";

	assert_int_equal(db_run(&store.db, sql, NULL, 0, keep_row, text, NULL), WY_OK);
	assert_string_equal(text, expected);
}

#define TICKETS "select ticket_key, rev, is_ended from ticket order by 1"

static int open_store(void **state)
{
	(void)state;
	fenced[0] = ordered[0] = '\0';
	now = NOW;
	if (store_open(&store, "sqlite::memory:", true) != WY_OK)
		return -1;
	store.on_fenced = note_fenced;
	return 0;
}

static int close_store(void **state)
{
	(void)state;
	store_close(&store);
	return 0;
}

static void an_honest_restart_goes_on(void **state)
{
	(void)state;
	birth(X, 1, 0);
	assert_int_equal(event(X, 1, "opened", "t1", 1, "x"), STORE_NEW);
	birth(Y, 2, 1);
	assert_int_equal(event(Y, 1, "opened", "t1", 1, "x"), STORE_DUPLICATE); /* its receipt had not come */
	assert_int_equal(event(Y, 2, "cleared", "t1", 2, "y"), STORE_NEW);
	assert_string_equal(fenced, "");
	expect(TICKETS, "t1 2 1;");
	expect("select instance, last_state from gateway", Y " birth;");
}

static void the_originals_tickets_stay_right_when_a_copy_spoke_in_between(void **state)
{
	struct store_receipt receipt;
	struct event of_stream = {.gw = GW, .epoch = A, .instance = X};
	(void)state;

	birth(X, 1, 0);
	assert_int_equal(event(X, 1, "opened", "t1", 1, "x"), STORE_NEW);
	birth(Y, 2, 1); /* the copy looks like a restart */
	assert_int_equal(event(Y, 2, "cleared", "t1", 2, "y"), STORE_NEW);
	assert_int_equal(event(Y, 3, "opened", "t2", 1, "y"), STORE_NEW);
	assert_int_equal(store_advance(&store, &of_stream, NOW, &receipt), WY_OK);
	assert_int_equal(receipt.through, 3);
	birth(X, 2, 2); /* the original is alive: one message is enough */
	assert_string_equal(fenced, "2");
	expect(TICKETS, "t1 1 0;"); /* still open; t2 never was */
	expect("select seq, instance from inbox order by 1", "1 " X ";");
	expect("select id from held order by 1", A "-2;" A "-3;");
	assert_int_equal(store_advance(&store, &of_stream, NOW, &receipt), WY_OK);
	assert_int_equal(receipt.through, 1);
	assert_string_equal(receipt.instance, X);
	assert_int_equal(event(X, 2, "updated", "t1", 2, "x"), STORE_NEW);
	assert_int_equal(event(Y, 4, "opened", "t3", 1, "y"), STORE_HELD);
	assert_int_equal(event(Y, 1, "opened", "t1", 1, "x"), STORE_HELD); /* no receipt for it either */
	expect(TICKETS, "t1 2 0;");
	expect("select count(*) from held", "3;");
	birth(Y, 3, 4);
	assert_string_equal(fenced, "2"); /* said once */
	expect("select instance from gateway", X ";");
}

static void a_backup_put_back_is_not_believed_until_it_has_a_new_epoch(void **state)
{
	(void)state;
	birth(X, 5, 0);
	for (unsigned seq = 1; seq <= 3; seq++)
		assert_int_equal(event(X, seq, "updated", "t1", seq, "x"), STORE_NEW);
	birth(Y, 3, 2);
	assert_string_equal(fenced, "2");
	assert_int_equal(event(Y, 3, "opened", "t9", 1, "y"), STORE_HELD);
	assert_int_equal(store_orders(&store, NOW, note_order, NULL), WY_OK);
	assert_int_equal(store_orders(&store, NOW + 4999, note_order, NULL), WY_OK);
	assert_string_equal(ordered, "2!");
	assert_int_equal(store_orders(&store, NOW + 5000, note_order, NULL), WY_OK);
	assert_string_equal(ordered, "2!2!");
	birth_of(B, "3333333333333333", 4, 1, false);
	assert_string_equal(fenced, "2");
	expect("select epoch, instance from gateway", B " 3333333333333333;");
	expect(TICKETS, "t1 3 0;");
}

/* The gateway's clock was ahead when the first of them opened: what the desk knows of epochs goes before stamps. */
static void the_end_of_a_later_epoch_ends_the_root_whatever_the_stamps_say(void **state)
{
	(void)state;
	birth_of(A, X, 1, 0, false);
	of_epoch(A, 1, "opened", "t1", 1, 3600);
	now += 5000;
	birth_of(B, Y, 2, 0, false);
	of_epoch(B, 1, "opened", "t2", 1, 60);
	of_epoch(B, 2, "cleared", "t2", 2, 60);
	expect(TICKETS, "t1 1 1;t2 2 1;");
}

static void the_end_of_an_earlier_epoch_never_ends_a_later_ones_root(void **state)
{
	(void)state;
	birth_of(A, X, 1, 0, false);
	now += 5000;
	birth_of(B, Y, 2, 0, false);
	of_epoch(B, 1, "opened", "t2", 1, 60);
	of_epoch(A, 1, "opened", "t1", 1, 3600);
	of_epoch(A, 2, "cleared", "t1", 2, 3600);
	expect(TICKETS, "t1 2 1;t2 1 0;");
}

static void one_number_for_two_events_is_proof_enough_without_births(void **state)
{
	(void)state;
	birth(X, 1, 0);
	birth(Y, 2, 0);
	assert_int_equal(event(Y, 1, "opened", "t2", 1, "y"), STORE_NEW);
	assert_int_equal(event(X, 1, "opened", "t1", 1, "x"), STORE_NEW); /* the earlier process makes room for itself */
	assert_string_equal(fenced, "2");
	expect(TICKETS, "t1 1 0;");
	assert_int_equal(event(Y, 2, "opened", "t3", 1, "y"), STORE_HELD);
}

static void the_later_process_is_kept_out_when_its_number_is_taken(void **state)
{
	(void)state;
	birth(X, 1, 0);
	assert_int_equal(event(X, 1, "opened", "t1", 1, "x"), STORE_NEW);
	birth(Y, 2, 1);
	assert_int_equal(event(X, 2, "opened", "t2", 1, "x"), STORE_NEW);
	assert_int_equal(event(Y, 2, "opened", "t3", 1, "y"), STORE_HELD);
	assert_string_equal(fenced, "2");
	expect(TICKETS, "t1 1 0;t2 1 0;");
}

static void a_process_without_a_birth_is_asked_for_it(void **state)
{
	(void)state;
	assert_int_equal(event(X, 1, "opened", "t1", 1, "x"), STORE_NEW);
	assert_int_equal(store_orders(&store, NOW + 4999, note_order, NULL), WY_OK);
	assert_string_equal(ordered, "");
	assert_int_equal(store_orders(&store, NOW + 5000, note_order, NULL), WY_OK);
	assert_string_equal(ordered, "1?");
	birth(X, 1, 1);
	assert_int_equal(store_orders(&store, NOW + 500000, note_order, NULL), WY_OK);
	assert_string_equal(ordered, "1?");
	assert_string_equal(fenced, "");
}

static void orders_to_nobody_come_to_an_end(void **state)
{
	(void)state;
	birth(X, 5, 0);
	birth(Y, 3, 0);
	for (int i = 0; i < 100; i++)
		assert_int_equal(store_orders(&store, NOW + i * 400000, note_order, NULL), WY_OK);
	assert_string_equal(ordered, "2!2!2!2!2!2!2!2!2!2!");
}

static void what_a_fenced_process_sends_that_cannot_be_used_takes_no_number(void **state)
{
	static const char broken[] = "{\"id\":\"" A "-2\",\"source\":\"/weiyu/" GW "\",\"type\":\"com.weiyu.ticket.opened.v1\"}";
	struct store_receipt receipt;
	struct event of_stream = {.gw = GW, .epoch = A, .instance = X};
	(void)state;

	birth(X, 2, 0);
	assert_int_equal(event(X, 1, "opened", "t1", 1, "x"), STORE_NEW);
	birth(Y, 2, 0);
	assert_int_equal(take("ticket", broken, Y, false), STORE_HELD);
	assert_int_equal(store_advance(&store, &of_stream, NOW, &receipt), WY_OK);
	assert_int_equal(receipt.through, 1); /* the original's second event has not come */
	assert_int_equal(receipt.n_rejected, 0);
	assert_int_equal(take("ticket", broken, X, false), STORE_REJECTED);
}

/* Where two take the line from each other, an order finds the one it is for only while that is there. */
static void a_fenced_process_that_connects_again_is_told_then(void **state)
{
	(void)state;
	birth(X, 2, 0);
	birth(Y, 2, 0);
	assert_int_equal(store_orders(&store, NOW, note_order, NULL), WY_OK);
	assert_string_equal(ordered, "2!");
	birth(X, 3, 0);
	birth(Y, 2, 0); /* said once more, and no other connection */
	assert_int_equal(store_orders(&store, NOW + 1000, note_order, NULL), WY_OK);
	assert_string_equal(ordered, "2!");
	birth(Y, 3, 0);
	assert_int_equal(store_orders(&store, NOW + 1000, note_order, NULL), WY_OK);
	assert_string_equal(ordered, "2!2!");
	assert_int_equal(store_orders(&store, NOW + 2000, note_order, NULL), WY_OK);
	assert_string_equal(ordered, "2!2!");
}

static void old_news_changes_nothing(void **state)
{
	(void)state;
	birth_of(B, "3333333333333333", 9, 50, false); /* an epoch that was left */
	birth(X, 1, 0);
	birth(Y, 2, 0);
	assert_int_equal(event(Y, 1, "opened", "t1", 1, "y"), STORE_NEW);
	birth_of(A, X, 1, 0, true);
	birth_of(A, X, 1, 0, false); /* out of the queue of a broker that was put back */
	birth_of(B, "3333333333333333", 9, 50, true);
	birth_of(B, "3333333333333333", 9, 50, false);
	birth_of(A, "4444444444444444", 1, 0, true);
	take("state", "{\"source\":\"/weiyu/" GW "\",\"type\":\"com.weiyu.state.death.v1\",\"data\":{\"epoch\":\"" A
	     "\",\"instance\":\"" X "\",\"bd_seq\":1}}", "", false);
	assert_string_equal(fenced, "");
	expect("select epoch, instance, last_state from gateway", A " " Y " birth;");
	take("state", "{\"source\":\"/weiyu/" GW "\",\"type\":\"com.weiyu.state.death.v1\",\"data\":{\"epoch\":\"" A
	     "\",\"instance\":\"" Y "\",\"bd_seq\":2}}", "", false);
	expect("select last_state from gateway", "death;");
}

/* MQTT 3.1.1 carries no properties: the gateway's latest birth tells who speaks. */
static void without_properties_the_latest_birth_tells_who_speaks(void **state)
{
	(void)state;
	birth(X, 5, 0);
	assert_int_equal(event("", 1, "opened", "t1", 1, "x"), STORE_NEW);
	expect("select instance from inbox", X ";");
	assert_int_equal(event("", 1, "opened", "t1", 1, "x"), STORE_DUPLICATE);
	assert_int_equal(event("", 1, "opened", "t1", 1, "other"), STORE_HELD); /* a machine restored while it ran */
	assert_string_equal(fenced, "1");
}

static void without_properties_a_lost_birth_is_made_up_for_by_the_next_one(void **state)
{
	(void)state;
	birth(X, 1, 0);
	assert_int_equal(event("", 1, "opened", "t1", 1, "x"), STORE_NEW);
	assert_int_equal(event("", 2, "opened", "t2", 1, "x"), STORE_NEW); /* from Y, whose birth was lost */
	birth(Y, 2, 2); /* said again, since nothing was confirmed to it */
	assert_int_equal(event("", 2, "opened", "t2", 1, "x"), STORE_DUPLICATE);
	assert_int_equal(event("", 3, "cleared", "t2", 2, "x"), STORE_NEW);
	assert_string_equal(fenced, "");
	expect("select seq, instance from inbox order by 1", "1 " X ";2 " X ";3 " Y ";");
}

static void without_properties_a_copy_is_kept_aside_while_it_is_connected(void **state)
{
	(void)state;
	birth(X, 2, 0);
	assert_int_equal(event("", 1, "opened", "t1", 1, "x"), STORE_NEW);
	birth(Y, 2, 0); /* a copy, made before */
	assert_string_equal(fenced, "2");
	assert_int_equal(event("", 2, "opened", "t9", 1, "copy"), STORE_HELD);
	birth(X, 3, 2); /* the line is its own again */
	assert_int_equal(event("", 2, "opened", "t2", 1, "x"), STORE_NEW);
	birth(Y, 3, 2);
	assert_int_equal(event("", 3, "opened", "t9", 1, "copy"), STORE_HELD);
	birth(X, 4, 2);
	assert_int_equal(event("", 3, "cleared", "t1", 2, "x"), STORE_NEW);
	assert_string_equal(fenced, "2");
	expect(TICKETS, "t1 2 1;t2 1 0;");
}

static void a_reply_closes_what_is_gone_for_good(void **state)
{
	struct store_receipt receipt;
	struct event of_stream = {.gw = GW, .epoch = A, .instance = X};
	(void)state;

	birth(X, 1, 0);
	assert_int_equal(event(X, 6, "opened", "t1", 1, "x"), STORE_NEW);
	assert_int_equal(event(X, 3, "opened", "t2", 1, "x"), STORE_NEW);
	assert_int_equal(take("reply", "{\"source\":\"/weiyu/" GW "\",\"type\":\"com.weiyu.reply.v1\",\"data\":{"
			      "\"command_type\":\"com.weiyu.cmd.resend.v1\",\"status\":\"done\",\"epoch\":\"" A
			      "\",\"instance\":\"" X "\",\"gone\":[{\"from\":1,\"to\":4}],\"parked\":[{\"from\":5,"
			      "\"to\":5},{\"from\":-3,\"to\":9},{\"from\":8}]}}", "", false), STORE_CLOSED);
	assert_int_equal(store_advance(&store, &of_stream, NOW, &receipt), WY_OK);
	assert_int_equal(receipt.through, 6);
	assert_int_equal(receipt.n_rejected, 0); /* the gateway knows */
	expect("select count(*) from parked", "4;");
}

int main(void)
{
#define ROW(name) cmocka_unit_test_setup_teardown(name, open_store, close_store)
	const struct CMUnitTest tests[] = {
		ROW(an_honest_restart_goes_on),
		ROW(the_originals_tickets_stay_right_when_a_copy_spoke_in_between),
		ROW(a_backup_put_back_is_not_believed_until_it_has_a_new_epoch),
		ROW(the_end_of_a_later_epoch_ends_the_root_whatever_the_stamps_say),
		ROW(the_end_of_an_earlier_epoch_never_ends_a_later_ones_root),
		ROW(one_number_for_two_events_is_proof_enough_without_births),
		ROW(the_later_process_is_kept_out_when_its_number_is_taken),
		ROW(a_process_without_a_birth_is_asked_for_it),
		ROW(orders_to_nobody_come_to_an_end),
		ROW(what_a_fenced_process_sends_that_cannot_be_used_takes_no_number),
		ROW(a_fenced_process_that_connects_again_is_told_then),
		ROW(old_news_changes_nothing),
		ROW(without_properties_the_latest_birth_tells_who_speaks),
		ROW(without_properties_a_lost_birth_is_made_up_for_by_the_next_one),
		ROW(without_properties_a_copy_is_kept_aside_while_it_is_connected),
		ROW(a_reply_closes_what_is_gone_for_good),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
