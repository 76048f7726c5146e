/* attempt_test.c: attempts to connect and a line that is cut, in fake time over a session that does nothing: an attempt that says
 * nothing, one that somebody waits for; a client that takes no message any more. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "session.h"
#include "tls_words.h"
#include "uplink.h"
#include "watch.h"

static unsigned opened, ended;
static struct inbox *inbox;

/* ---- Instead of session.c and of the files --------------------------------------------------------- */

enum wy_err session_open(const struct session_start *start, struct session **ret_session)
{
	static int place;

	inbox = start->inbox;
	opened++;
	*ret_session = (struct session *)&place;
	return WY_OK;
}

void session_end(struct session *session)
{
	ended += session != NULL;
}

enum wy_err session_subscribe(struct session *session, const char *const *topics)
{
	(void)session;
	(void)topics;
	return WY_OK;
}

enum wy_err session_send(struct session *session, const struct uplink_message *message, unsigned slot)
{
	(void)session;
	(void)message;
	(void)slot;
	return WY_E_LINK;
}

enum wy_err session_leave(struct session *session, wy_ms patience_ms)
{
	(void)session;
	(void)patience_ms;
	return WY_E_LINK;
}

void session_free_message(struct inbox_record *record)
{
	(void)record;
}

const void *session_payload(const struct inbox_record *record, size_t *ret_len)
{
	(void)record;
	*ret_len = 0;
	return NULL;
}

enum wy_err session_anchor_open(void **ret_anchor)
{
	*ret_anchor = NULL;
	return WY_OK;
}

void session_anchor_close(void *anchor)
{
	(void)anchor;
}

enum wy_err tls_files_check(const char *ca, const char *certificate, const char *key, struct wy_buf *words)
{
	(void)ca;
	(void)certificate;
	(void)key;
	(void)words;
	return WY_OK;
}

/* ---- The attempt ----------------------------------------------------------------------------------- */

static enum uplink_cause why;

static void down(void *arg, enum uplink_cause cause, const char *words, wy_ms retry_in_ms)
{
	(void)arg;
	(void)words;
	(void)retry_in_ms;
	why = cause;
}

/* Giving up waits for a resolver that hangs, and with it whoever calls: the loop, and everything it decides. Three name servers that do
 * not answer, and two domains to search, are a minute and a half. */
static void one_that_hangs_in_the_resolver_is_not_waited_for_by_the_loop(void **state)
{
	const wy_ms resolver_ms = 90000 + WATCH_DEADLINE_MS;
	struct uplink_conf conf = {.host = "broker.example", .port = 8883, .ca = "ca", .certificate = "crt", .key = "key",
				   .client_id = "gw-test-01", .keepalive_ms = 20000, .retry_first_ms = 1, .retry_most_ms = 1};
	struct uplink_handler handler = {.down = down};
	struct uplink *uplink;
	struct wy_buf words;
	char text[200];
	wy_ms now_ms = 1000;
	(void)state;

	opened = ended = 0;
	wy_buf_init(&words, text, sizeof text);
	assert_int_equal(uplink_open(&conf, &handler, 1, &words, &uplink), WY_OK);
	(void)uplink_dispatch(uplink, now_ms);
	assert_int_equal(opened, 1);
	(void)uplink_dispatch(uplink, now_ms + resolver_ms);
	assert_int_equal(ended, 0);
	(void)uplink_dispatch(uplink, uplink_due(uplink)); /* some day it is given up all the same */
	assert_int_equal(ended, 1);
	assert_int_equal(why, UPLINK_CAUSE_UNREACHABLE);
	uplink_close(uplink, NULL, 0);
}

/* When the next attempt is made after one that fails, and to which somebody was or was not in a hurry. */
static wy_ms wait_after_failure(bool is_hurried)
{
	struct uplink_conf conf = {.host = "broker.example", .port = 8883, .ca = "ca", .certificate = "crt", .key = "key",
				   .client_id = "gw-test-01", .keepalive_ms = 20000, .retry_first_ms = 300000,
				   .retry_most_ms = 300000};
	struct uplink_handler handler = {.down = down};
	struct inbox_cause refused = {.cause = UPLINK_CAUSE_UNREACHABLE, .words = "refused"};
	struct uplink *uplink;
	struct wy_buf words;
	char text[200];
	wy_ms now_ms = 1000;

	wy_buf_init(&words, text, sizeof text);
	assert_int_equal(uplink_open(&conf, &handler, 2, &words, &uplink), WY_OK);
	(void)uplink_dispatch(uplink, now_ms);
	if (is_hurried)
		uplink_hurry(uplink, now_ms);
	now_ms += 3000;
	inbox_end(inbox, &refused);
	(void)uplink_dispatch(uplink, now_ms);
	wy_ms wait_ms = uplink_due(uplink) - now_ms;
	(void)uplink_dispatch(uplink, uplink_due(uplink));
	inbox_end(inbox, &refused);
	(void)uplink_dispatch(uplink, now_ms = uplink_due(uplink) - 1);
	assert_true(uplink_due(uplink) - now_ms > UPLINK_HURRY_MS); /* it counts once */
	uplink_close(uplink, NULL, 0);
	return wait_ms;
}

static void a_hurry_while_one_is_under_way_is_about_the_next(void **state)
{
	(void)state;
	assert_true(wait_after_failure(false) > UPLINK_HURRY_MS);
	assert_in_range(wait_after_failure(true), 0, UPLINK_HURRY_MS);
}

/* ---- A line that is cut ---------------------------------------------------------------------------- */

static void connected(void *arg, const struct uplink_session *session)
{
	(void)arg;
	(void)session;
}

static struct uplink *open_up(void)
{
	struct uplink_conf conf = {.host = "broker.example", .port = 8883, .ca = "ca", .certificate = "crt", .key = "key",
				   .client_id = "gw-test-01", .keepalive_ms = 20000, .retry_first_ms = 300000,
				   .retry_most_ms = 300000};
	struct uplink_handler handler = {.up = connected, .down = down};
	struct inbox_record granted = {.event = INBOX_CONNECTED,
				       .session = {.protocol = 5, .window = 20, .receive_maximum = 20, .packet_max = 100000}};
	struct uplink *uplink;
	struct wy_buf words;
	char text[200];

	wy_buf_init(&words, text, sizeof text);
	assert_int_equal(uplink_open(&conf, &handler, 1, &words, &uplink), WY_OK);
	(void)uplink_dispatch(uplink, 1000);
	assert_true(inbox_put(inbox, &granted));
	(void)uplink_dispatch(uplink, 2000);
	assert_true(uplink_is_up(uplink));
	return uplink;
}

/* Paho knows before its news are taken from the inbox: nothing more is tried, and the reason it gives is the one that is told. */
static void a_line_the_client_found_cut_has_no_room_until_its_end_is_told(void **state)
{
	struct uplink_message message = {.topic = "t", .payload = "x", .len = 1, .qos = 1, .token = 7};
	struct inbox_cause taken_over = {.cause = UPLINK_CAUSE_TAKEN_OVER, .words = "session taken over"};
	struct uplink *uplink = open_up();
	(void)state;

	assert_int_equal(uplink_room(uplink), 20);
	assert_int_equal(uplink_publish(uplink, &message), WY_E_LINK);
	assert_int_equal(uplink_room(uplink), 0);
	inbox_end(inbox, &taken_over);
	(void)uplink_dispatch(uplink, 2001);
	assert_int_equal(why, UPLINK_CAUSE_TAKEN_OVER);
	assert_false(uplink_is_up(uplink));
	uplink_close(uplink, NULL, 0);
}

static void a_line_the_client_found_cut_is_given_up_soon_though_nobody_says_why(void **state)
{
	struct uplink_message message = {.topic = "t", .payload = "x", .len = 1, .qos = 1, .token = 7};
	struct uplink *uplink = open_up();
	(void)state;

	why = UPLINK_CAUSE_LOCAL;
	assert_int_equal(uplink_publish(uplink, &message), WY_E_LINK);
	assert_in_range(uplink_due(uplink), 2001, 4000);
	(void)uplink_dispatch(uplink, uplink_due(uplink));
	assert_int_equal(why, UPLINK_CAUSE_LOST);
	assert_false(uplink_is_up(uplink));
	uplink_close(uplink, NULL, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_hurry_while_one_is_under_way_is_about_the_next),
		cmocka_unit_test(one_that_hangs_in_the_resolver_is_not_waited_for_by_the_loop),
		cmocka_unit_test(a_line_the_client_found_cut_has_no_room_until_its_end_is_told),
		cmocka_unit_test(a_line_the_client_found_cut_is_given_up_soon_though_nobody_says_why),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
