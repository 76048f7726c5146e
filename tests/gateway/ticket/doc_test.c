/* doc_test.c: what stands in a document, how big it may be, and memory that runs out. Shape is the
 * schema's affair (test_schema.py). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "doc_world.h"

static char body_text[WY_TICKET_BYTES_MAX + 1], envelope_text[WY_TICKET_BYTES_MAX + 1];
static struct wy_buf body, envelope;
static struct doc_world world;
static json_t *doc;
static unsigned allocations_left;

static void *counted_malloc(size_t size)
{
	if (allocations_left == 0)
		return NULL;
	allocations_left--;
	return malloc(size);
}

static int make(void **state)
{
	(void)state;
	allocations_left = UINT32_MAX;
	wy_buf_init(&body, body_text, sizeof(body_text));
	wy_buf_init(&envelope, envelope_text, sizeof(envelope_text));
	doc_world_make(&world);
	return 0;
}

static int drop(void **state)
{
	(void)state;
	json_decref(doc);
	doc = NULL;
	return 0;
}

static void write_doc(enum ticket_event event)
{
	assert_int_equal(ticket_doc_write(&world.ticket, event, &world.context, &body, &envelope),
			 WY_OK);
	json_decref(doc);
	doc = json_loads(body.text, JSON_REJECT_DUPLICATES, NULL);
	assert_non_null(doc);
}

static const char *text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "(none)";
}

static void times_carry_the_offset_of_the_building(void **state)
{
	char clock[8];

	(void)state;
	write_doc(TICKET_OPENED);
	assert_string_equal(text_of(doc, "opened_at"), "2026-11-22T10:02:03.456+08:00");
	assert_string_equal(text_of(doc, "deadline_ack"), "2026-11-22T10:12:03.456+08:00");
	assert_true(json_is_null(json_object_get(doc, "cleared_at")));
	ticket_clock_text(&world.context.config->site.zone, DOC_WALL, clock);
	assert_string_equal(clock, "10:02");
	assert_int_equal(ticket_day(&world.context.config->site.zone, DOC_WALL), 20261122);
	assert_int_equal(ticket_day(&world.context.config->site.zone, DOC_WALL + 14 * 3600000),
			 20261123);
}

static void the_place_is_ready_to_be_read_aloud(void **state)
{
	const json_t *location;

	(void)state;
	write_doc(TICKET_OPENED);
	location = json_object_get(doc, "location");
	assert_string_equal(text_of(location, "text_zh"), "二期3A栋1单元7层");
	assert_string_equal(text_of(location, "text_en"), "building 3A, unit 1, floor 7, 二期");
}

static void the_envelope_names_the_event_and_holds_the_same_document(void **state)
{
	json_t *root;

	(void)state;
	write_doc(TICKET_OPENED);
	root = json_loads(envelope.text, JSON_REJECT_DUPLICATES, NULL);
	assert_non_null(root);
	assert_string_equal(text_of(root, "id"), "0c41d2f07ab3e615-4711");
	assert_string_equal(text_of(root, "sequence"), "0000000000000004711");
	assert_string_equal(text_of(root, "source"), "/weiyu/gw-demo-01");
	assert_string_equal(text_of(root, "subject"), "3A/3A-L2");
	assert_string_equal(text_of(root, "correlationid"), world.ticket.key);
	assert_true(json_equal(json_object_get(root, "data"), doc));
	json_decref(root);
}

static void a_value_that_is_not_usable_is_null_with_its_reason(void **state)
{
	const json_t *evidence, *sample, *clause;

	(void)state;
	write_doc(TICKET_OPENED);
	evidence = json_object_get(doc, "evidence");
	sample = json_array_get(json_object_get(evidence, "samples"), 3);
	assert_true(json_is_null(json_object_get(sample, "v")));
	assert_string_equal(text_of(sample, "q"), "bad");
	assert_string_equal(text_of(sample, "why"), "no answer");
	clause = json_array_get(json_object_get(evidence, "clauses"), 2);
	assert_true(json_is_null(json_object_get(clause, "value")));
	assert_string_equal(text_of(clause, "truth"), "unknown");
	assert_string_equal(text_of(evidence, "quality"), "partly_unknown");
}

static void the_vendor_is_held_to_the_shorter_of_two_terms(void **state)
{
	(void)state;
	write_doc(TICKET_OPENED);
	assert_int_equal(json_integer_value(
				 json_object_get(json_object_get(doc, "vendor"), "sla_arrive_min")),
			 30);
	assert_true(json_is_null(
		json_object_get(json_object_get(doc, "vendor_backup"), "sla_arrive_min")));
}

static void a_latched_ticket_is_active_in_the_contracts_words(void **state)
{
	(void)state;
	world.ticket.condition = TICKET_LATCHED;
	write_doc(TICKET_UPDATED);
	assert_string_equal(text_of(doc, "condition"), "active");
	assert_string_equal(text_of(doc, "alarm_state"), "latched");
}

static void clearing_tells_how_long_and_how_far(void **state)
{
	(void)state;
	doc_world_clear(&world);
	write_doc(TICKET_CLEARED_EVENT);
	assert_string_equal(text_of(doc, "condition"), "cleared");
	assert_int_equal(json_integer_value(json_object_get(doc, "duration_ms")), 20000);
	assert_true(json_real_value(json_object_get(json_object_get(doc, "peak"), "value")) > 12.2);
}

static void a_notice_that_is_never_given_has_no_text(void **state)
{
	const json_t *notice;

	(void)state;
	doc_world_make_bare(&world);
	world.context.notice_zh = "不应出现";
	write_doc(TICKET_OPENED);
	notice = json_object_get(doc, "resident_notice");
	assert_true(json_is_null(json_object_get(notice, "text_zh")));
	assert_string_equal(text_of(doc, "summary"), "裸：失联");
}

static void a_long_or_broken_summary_ends_at_a_whole_character(void **state)
{
	char text[1024] = "";

	(void)state;
	for (int i = 0; i < 300; i++)
		strcat(text, "梯");
	world.context.summary_zh = text;
	world.context.summary_en = "lift \xe6\xa2"; /* cut by a buffer in the middle */
	write_doc(TICKET_OPENED);
	assert_int_equal(strlen(text_of(doc, "summary")), TICKET_SUMMARY_CHARS * 3);
	assert_string_equal(text_of(doc, "summary_en"), "lift ");
}

static void evidence_gives_way_and_the_newest_samples_stay(void **state)
{
	static struct ticket_sample many[5000];
	const json_t *evidence, *samples;
	size_t n;

	(void)state;
	for (size_t i = 0; i < 5000; i++) {
		many[i] = world.context.samples[0];
		many[i].wall_ms += (wy_ms)i;
	}
	world.context.samples = many;
	world.context.n_samples = 5000;
	write_doc(TICKET_OPENED);
	evidence = json_object_get(doc, "evidence");
	samples = json_object_get(evidence, "samples");
	n = json_array_size(samples);
	assert_true(n > 50 && n < 5000);
	assert_true(json_is_true(json_object_get(evidence, "is_cut")));
	assert_int_equal(json_array_size(json_object_get(evidence, "clauses")), 3);
	assert_string_equal(text_of(json_array_get(samples, n - 1), "t"),
			    "2026-11-22T10:02:04.455+08:00");
	assert_true(envelope.len <= WY_TICKET_BYTES_MAX);
}

static void too_small_a_buffer_is_a_limit_and_leaves_it_empty(void **state)
{
	char small[100];
	struct wy_buf buf;

	(void)state;
	wy_buf_init(&buf, small, sizeof(small));
	assert_int_equal(ticket_doc_write(&world.ticket, TICKET_OPENED, &world.context, &buf, NULL),
			 WY_E_LIMIT);
	assert_int_equal(buf.len, 0);
}

static void memory_that_runs_out_anywhere_is_an_error_and_leaks_nothing(void **state)
{
	enum wy_err err = WY_E_NOMEM;
	unsigned n;

	(void)state;
	json_set_alloc_funcs(counted_malloc, free);
	for (n = 0; err != WY_OK && n < 20000; n++) {
		allocations_left = n;
		err = ticket_doc_write(&world.ticket, TICKET_OPENED, &world.context, &body,
				       &envelope);
		assert_true(err == WY_OK || err == WY_E_NOMEM);
		assert_true((envelope.len > 0) == (err == WY_OK));
	}
	json_set_alloc_funcs(malloc, free);
	assert_true(n > 300 && n < 20000);
}

#define T(name) cmocka_unit_test_setup_teardown(name, make, drop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(times_carry_the_offset_of_the_building),
		T(the_place_is_ready_to_be_read_aloud),
		T(the_envelope_names_the_event_and_holds_the_same_document),
		T(a_value_that_is_not_usable_is_null_with_its_reason),
		T(the_vendor_is_held_to_the_shorter_of_two_terms),
		T(a_latched_ticket_is_active_in_the_contracts_words),
		T(clearing_tells_how_long_and_how_far),
		T(a_notice_that_is_never_given_has_no_text),
		T(a_long_or_broken_summary_ends_at_a_whole_character),
		T(evidence_gives_way_and_the_newest_samples_stay),
		T(too_small_a_buffer_is_a_limit_and_leaves_it_empty),
		T(memory_that_runs_out_anywhere_is_an_error_and_leaks_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
