/* doc_test.c: what stands in a document, how big it may be, and memory that runs out. Shape is the
 * schema's affair (test_schema.py). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "doc_world.h"
#include "units.h"

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

static const json_t *in(const json_t *object, const char *key, size_t i)
{
	return json_array_get(json_object_get(object, key), i);
}

static void what_goes_with_a_ticket_is_told_in_the_order_it_happened(void **state)
{
	const json_t *escalation, *order;

	(void)state;
	doc_world_burden(&world);
	struct ticket_standing standing = *world.context.standing;
	struct ticket_ref members[] = {standing.members[0], standing.members[1]};
	members[1].key = "";
	standing.members = members;
	world.context.standing = &standing;
	write_doc(TICKET_UPDATED);
	assert_string_equal(text_of(doc, "reason"), "escalate");
	assert_true(json_is_true(json_object_get(doc, "chatter")));
	assert_string_equal(text_of(doc, "shelved_until"), "2026-11-22T11:02:03.456+08:00");
	assert_string_equal(json_string_value(in(doc, "keys", 1)), "other");
	assert_string_equal(text_of(json_object_get(doc, "depends_on"), "key"), "7");
	assert_true(json_is_null(json_object_get(json_object_get(doc, "depends_on"), "ticket_key")));
	assert_string_equal(text_of(doc, "group"), "tk_aaaaaaaaaaaaaaaaaaaaaaaaaa");
	assert_string_equal(text_of(in(doc, "members", 0), "ticket_key"), "tk_aaaaaaaaaaaaaaaaaaaaaaaaaa");
	assert_true(json_is_null(json_object_get(in(doc, "members", 0), "key")));
	assert_true(json_is_null(json_object_get(in(doc, "members", 1), "key")));
	assert_int_equal(json_array_size(json_object_get(doc, "earlier")), 1);
	escalation = json_object_get(doc, "escalation");
	assert_string_equal(text_of(escalation, "to"), "manager");
	assert_int_equal(json_integer_value(json_object_get(escalation, "step")), 2);
	assert_string_equal(text_of(in(escalation, "history", 0), "to"), "dept_head");
	order = in(doc, "orders", 0);
	assert_string_equal(text_of(order, "order"), "ack");
	assert_true(json_is_null(json_object_get(order, "by")) && json_is_null(json_object_get(order, "reason")));
	order = in(doc, "orders", 1);
	assert_string_equal(text_of(order, "by"), "wang");
	assert_string_equal(text_of(order, "reason"), "waits for a part");
}

static void without_anything_beside_it_a_ticket_says_so(void **state)
{
	(void)state;
	world.context.standing = NULL;
	write_doc(TICKET_OPENED);
	assert_true(json_is_null(json_object_get(doc, "escalation")) && json_is_null(json_object_get(doc, "depends_on")));
	assert_true(json_is_null(json_object_get(doc, "group")) && json_is_null(json_object_get(doc, "reason")));
	assert_int_equal(json_array_size(json_object_get(doc, "orders")), 0);
}

static void a_value_is_told_as_what_it_is(void **state)
{
	const struct wy_point whole = {.name = "starts", .type = WY_TYPE_INT, .unit = &(const struct wy_unit){.name = "kWh"}};
	const struct wy_point mode = {.name = "mode", .type = WY_TYPE_ENUM,
					     .values = (const char *const[]){"NORMAL", "INSPECTION"}, .n_values = 2};
	const struct wy_point real = {.name = "load", .type = WY_TYPE_REAL};
	const struct wy_point running = {.name = "running", .type = WY_TYPE_BOOL};
	const struct ticket_sample rows[] = {
		{&running, {.quality = WY_Q_GOOD, .is_whole = true, .whole = 0}, DOC_WALL},
		{&whole, {.quality = WY_Q_GOOD, .is_whole = true, .whole = -7}, DOC_WALL},
		{&mode, {.quality = WY_Q_GOOD, .is_whole = true, .whole = 1}, DOC_WALL},
		{&mode, {.quality = WY_Q_GOOD, .is_whole = true, .whole = 2}, DOC_WALL},
		{&mode, {.quality = WY_Q_GOOD, .is_whole = true, .whole = -1}, DOC_WALL},
		{&real, {.quality = WY_Q_GOOD, .real = INFINITY}, DOC_WALL},
	};
	const json_t *evidence;

	(void)state;
	world.context.samples = rows;
	world.context.n_samples = sizeof(rows) / sizeof(*rows);
	write_doc(TICKET_OPENED);
	evidence = json_object_get(doc, "evidence");
	assert_true(json_is_false(json_object_get(in(evidence, "samples", 0), "v")));
	assert_int_equal(json_integer_value(json_object_get(in(evidence, "samples", 1), "v")), -7);
	assert_string_equal(text_of(in(evidence, "samples", 1), "unit"), "kWh");
	assert_string_equal(text_of(in(evidence, "samples", 2), "v"), "INSPECTION");
	assert_int_equal(json_integer_value(json_object_get(in(evidence, "samples", 3), "v")), 2);
	assert_int_equal(json_integer_value(json_object_get(in(evidence, "samples", 4), "v")), -1);
	assert_true(json_is_null(json_object_get(in(evidence, "samples", 5), "v")));
}

static void a_comparison_is_told_with_unit_and_shares(void **state)
{
	const struct rule_clause clause = {.text = "joint(a, b) > 1 kWh", .text_len = 19, .truth = RULE_TRUE, .has_value = true,
					   .has_limit = true, .value = INFINITY, .limit = 1,
					   .unit = &(const struct wy_unit){.name = "kWh"},
					   .shares = {{.name = "a", .share = 0.75}, {.name = "b", .share = 0.25}}, .n_shares = 2};
	const json_t *told;

	(void)state;
	world.context.clauses = &clause;
	world.context.n_clauses = 1;
	write_doc(TICKET_OPENED);
	told = in(json_object_get(doc, "evidence"), "clauses", 0);
	assert_true(json_is_null(json_object_get(told, "value")));
	assert_string_equal(text_of(told, "unit"), "kWh");
	assert_string_equal(text_of(in(told, "shares", 1), "point"), "b");
	assert_string_equal(text_of(json_object_get(doc, "evidence"), "quality"), "good");
	world.ticket.is_uncertain = true;
	write_doc(TICKET_OPENED);
	assert_string_equal(text_of(json_object_get(doc, "evidence"), "quality"), "uncertain");
}

static void a_tier_that_is_none_is_told_as_the_lowest(void **state)
{
	static const uint8_t tiers[] = {0, 5, 4};

	(void)state;
	for (size_t i = 0; i < sizeof(tiers); i++) {
		json_t *root;

		world.ticket.tier = tiers[i];
		world.ticket.tier_now = tiers[i];
		write_doc(TICKET_OPENED);
		assert_string_equal(text_of(doc, "tier"), "S4");
		assert_string_equal(text_of(doc, "tier_now"), tiers[i] == 4 ? "S4" : "S?");
		root = json_loads(envelope.text, 0, NULL);
		assert_string_equal(text_of(root, "severitytext"), tiers[i] ? "INFO" : "(none)");
		json_decref(root);
	}
}

static void the_age_is_counted_in_whole_years_and_null_where_it_is_not_known(void **state)
{
	static const struct {
		const char *installed;
		int years; /* -1: null */
	} rows[] = {{"2022-11-22", 4}, {"2022-11-23", 3}, {"2022-12-01", 3}, {"2022-10-30", 4}, {"2027-01-01", -1}, {"2022", -1},
		    {"20x2-11-22", -1}, {"2022-x1-22", -1}, {"2022-11-2x", -1}, {"2022-11-2/", -1}, {NULL, -1}};
	struct config config = *world.context.config;
	struct config_asset details[3];

	(void)state;
	memcpy(details, config.details, sizeof(details));
	config.details = details;
	world.context.config = &config;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		const json_t *age;

		details[1].installed = rows[i].installed;
		write_doc(TICKET_OPENED);
		age = json_object_get(json_object_get(doc, "asset"), "age_years");
		assert_int_equal(json_is_null(age) ? -1 : json_integer_value(age), rows[i].years);
	}
}

static void a_place_is_not_named_twice_and_where_there_is_none_a_dash_stands(void **state)
{
	struct config config = *world.context.config;
	struct config_asset details[3];
	json_t *root;

	(void)state;
	memcpy(details, config.details, sizeof(details));
	config.details = details;
	world.context.config = &config;
	details[1].place = (struct config_place){.building = "3A栋", .floor = ""};
	write_doc(TICKET_OPENED);
	assert_string_equal(text_of(json_object_get(doc, "location"), "text_zh"), "3A栋");
	assert_string_equal(text_of(json_object_get(doc, "location"), "text_en"), "building 3A栋");
	details[1].place = (struct config_place){.building = "North tower"};
	write_doc(TICKET_OPENED);
	assert_string_equal(text_of(json_object_get(doc, "location"), "text_zh"), "North tower栋");
	details[1].place.building = "";
	write_doc(TICKET_OPENED);
	root = json_loads(envelope.text, 0, NULL);
	assert_string_equal(text_of(root, "subject"), "-/3A-L2");
	json_decref(root);
}

static void the_end_of_a_condition_is_told_as_the_rule_has_it(void **state)
{
	static const struct rule_level_info levels[] = {{1, "load > 5", "load < 4"}};
	struct rule_info rule = *world.context.rule;

	(void)state;
	write_doc(TICKET_OPENED);
	assert_string_equal(text_of(json_object_get(doc, "close_condition"), "expr"), "not (running and load_pct > $occupied_load)");
	rule.levels = levels;
	rule.latch = RULE_LATCH_NONE;
	world.context.rule = &rule;
	write_doc(TICKET_OPENED);
	assert_string_equal(text_of(json_object_get(doc, "close_condition"), "expr"), "load < 4");
	assert_true(json_is_false(json_object_get(json_object_get(doc, "close_condition"), "needs_reset")));
	world.ticket.level = 1; /* the rule has fewer now */
	write_doc(TICKET_OPENED);
	assert_true(json_is_null(json_object_get(json_object_get(doc, "close_condition"), "expr")));
}

static void advice_stands_where_the_rule_gives_some(void **state)
{
	(void)state;
	world.context.detail_zh = "门锁";
	world.context.action_en = "Look at the lock";
	world.context.action_zh = "";
	write_doc(TICKET_OPENED);
	assert_string_equal(text_of(doc, "detail"), "门锁");
	assert_string_equal(text_of(doc, "action_en"), "Look at the lock");
	assert_null(json_object_get(doc, "action"));
	assert_null(json_object_get(doc, "detail_en"));
}

static void a_summary_says_first_that_it_is_no_longer_so(void **state)
{
	static const struct {
		uint8_t condition;
		bool is_open;
		const char *en;
	} rows[] = {{TICKET_ACTIVE, true, "Lift 2"}, {TICKET_LATCHED, true, "Gone, to be reset: Lift 2"},
		    {TICKET_UNKNOWN, true, "Sensor lost: Lift 2"}, {TICKET_CLEARED, false, "Over: Lift 2"},
		    {TICKET_ACTIVE, false, "Closed: Lift 2"}};

	(void)state;
	world.context.summary_en = "Lift 2";
	world.context.summary_zh = "";
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		world.ticket.condition = rows[i].condition;
		world.ticket.is_open = rows[i].is_open;
		write_doc(TICKET_UPDATED);
		assert_string_equal(text_of(doc, "summary_en"), rows[i].en);
	}
	assert_string_equal(text_of(doc, "summary"), "已关闭：3A栋2号梯：困人");
	world.context.summary_en = "";
	write_doc(TICKET_UPDATED);
	assert_string_equal(text_of(doc, "summary_en"), "Closed: Lift 2, building 3A: Entrapment");
}

static void bytes_that_are_no_character_end_a_text(void **state)
{
	static const char *const ends[] = {"\x80", "\xc1\x80", "\xe2\x82", "\xf0\x9f\x98", "\xf5\x80\x80\x80", "\xff"};
	char text[16];

	(void)state;
	world.context.summary_zh = "x\xc3\xa4\xf0\x9f\x98\x80";
	for (size_t i = 0; i < sizeof(ends) / sizeof(*ends); i++) {
		strcpy(text, "ok");
		strcat(text, ends[i]);
		world.context.summary_en = text;
		write_doc(TICKET_OPENED);
		assert_string_equal(text_of(doc, "summary_en"), "ok");
		assert_string_equal(text_of(doc, "summary"), world.context.summary_zh);
	}
}

static void an_event_of_another_epoch_than_its_ticket_says_which(void **state)
{
	json_t *root;

	(void)state;
	world.context.epoch = 0xb1;
	write_doc(TICKET_UPDATED);
	root = json_loads(envelope.text, 0, NULL);
	assert_string_equal(text_of(root, "id"), "00000000000000b1-4711");
	json_decref(root);
	assert_string_equal(ticket_doc_type(TICKET_REOPENED), "com.weiyu.ticket.reopened.v1");
	assert_string_equal(ticket_doc_type(TICKET_EVENT_COUNT), "");
}

static void a_document_without_an_envelope_is_the_same(void **state)
{
	static char alone_text[WY_TICKET_BYTES_MAX + 1];
	struct wy_buf alone;

	(void)state;
	write_doc(TICKET_OPENED);
	wy_buf_init(&alone, alone_text, sizeof(alone_text));
	assert_int_equal(ticket_doc_write(&world.ticket, TICKET_OPENED, &world.context, &alone, NULL), WY_OK);
	assert_string_equal(alone.text, body.text);
	assert_int_equal(ticket_doc_write(&world.ticket, TICKET_OPENED, &world.context, NULL, &alone), WY_OK);
	assert_string_equal(alone.text, envelope.text);
}

static void comparisons_give_way_after_the_samples(void **state)
{
	static struct rule_clause many[3000];
	const json_t *evidence;

	(void)state;
	for (size_t i = 0; i < 3000; i++)
		many[i] = world.context.clauses[1];
	world.context.clauses = many;
	world.context.n_clauses = 3000;
	write_doc(TICKET_OPENED);
	evidence = json_object_get(doc, "evidence");
	assert_int_equal(json_array_size(json_object_get(evidence, "samples")), 0);
	assert_in_range(json_array_size(json_object_get(evidence, "clauses")), 50, 2999);
	assert_true(json_is_true(json_object_get(evidence, "is_cut")));
	world.context.n_samples = 0;
	write_doc(TICKET_OPENED);
	assert_true(json_is_true(json_object_get(json_object_get(doc, "evidence"), "is_cut")));
}

static void a_document_that_is_too_big_without_evidence_is_a_limit_in_any_buffer(void **state)
{
	enum { HOMES = 2 * WY_TICKET_BYTES_MAX / 100, ROOM = 4 * WY_TICKET_BYTES_MAX };
	static const char *homes[HOMES];
	static char text[ROOM];
	struct config config = *world.context.config;
	struct config_asset details[3];
	struct wy_buf buf;

	(void)state;
	for (size_t i = 0; i < HOMES; i++)
		homes[i] = "building 3A, unit 1, home 101, the left of the two";
	memcpy(details, config.details, sizeof(details));
	details[1].affected_units = homes;
	details[1].n_affected_units = HOMES;
	config.details = details;
	world.context.config = &config;
	wy_buf_init(&buf, text, sizeof(text));
	assert_int_equal(ticket_doc_write(&world.ticket, TICKET_OPENED, &world.context, &buf, NULL), WY_E_LIMIT);
	assert_int_equal(buf.len, 0);
}

static void a_time_without_a_zone_is_utc(void **state)
{
	char clock[8];

	(void)state;
	ticket_clock_text(NULL, DOC_WALL, clock);
	assert_string_equal(clock, "02:02");
	assert_int_equal(ticket_day(NULL, -1), 19691231);
}

/* ---- From an earlier document -------------------------------------------------------------------- */

static char past[WY_TICKET_BYTES_MAX + 1];

static void keep_as_past(void)
{
	memcpy(past, body.text, body.len + 1);
}

static enum wy_err amend(enum ticket_event event)
{
	enum wy_err err = ticket_doc_amend(past, strlen(past), &world.ticket, event, &world.context, &body, &envelope);

	json_decref(doc);
	doc = json_loads(body.text, JSON_REJECT_DUPLICATES, NULL);
	return err;
}

static void an_amended_document_follows_the_record_and_keeps_why(void **state)
{
	(void)state;
	write_doc(TICKET_OPENED);
	keep_as_past();
	json_t *evidence = json_deep_copy(json_object_get(doc, "evidence"));
	doc_world_clear(&world);
	world.context.standing = NULL;
	assert_int_equal(amend(TICKET_CLEARED_EVENT), WY_OK);
	assert_string_equal(text_of(doc, "event"), "cleared");
	assert_string_equal(text_of(doc, "condition"), "cleared");
	assert_int_equal(json_integer_value(json_object_get(doc, "duration_ms")), 20000);
	assert_string_equal(text_of(doc, "summary_en"), "Over: Lift 2: passengers trapped, load 12.3 %");
	assert_int_equal(json_integer_value(json_object_get(doc, "gateway_seq")), 4712);
	assert_true(json_is_null(json_object_get(doc, "reason")));
	assert_true(json_equal(json_object_get(doc, "evidence"), evidence));
	json_decref(evidence);
	json_t *root = json_loads(envelope.text, 0, NULL);
	assert_true(json_equal(json_object_get(root, "data"), doc));
	assert_string_equal(text_of(root, "type"), "com.weiyu.ticket.cleared.v1");
	json_decref(root);
}

static void a_turn_is_put_before_a_summary_once(void **state)
{
	(void)state;
	write_doc(TICKET_OPENED);
	keep_as_past();
	world.ticket.condition = TICKET_UNKNOWN;
	assert_int_equal(amend(TICKET_UPDATED), WY_OK);
	assert_string_equal(text_of(doc, "summary"), "传感器失联：3A栋2号梯困人，载重12.3%");
	keep_as_past();
	world.ticket.condition = TICKET_LATCHED;
	assert_int_equal(amend(TICKET_UPDATED), WY_OK);
	assert_string_equal(text_of(doc, "summary"), "已消失，待复位：3A栋2号梯困人，载重12.3%");
	assert_string_equal(text_of(doc, "summary_en"), "Gone, to be reset: Lift 2: passengers trapped, load 12.3 %");
	keep_as_past();
	world.ticket.condition = TICKET_ACTIVE;
	assert_int_equal(amend(TICKET_REOPENED), WY_OK);
	assert_string_equal(text_of(doc, "summary_en"), "Lift 2: passengers trapped, load 12.3 %");
	assert_string_equal(text_of(doc, "reason"), "open");
}

static void a_quiet_amendment_keeps_the_last_event_and_its_number(void **state)
{
	(void)state;
	write_doc(TICKET_OPENED);
	keep_as_past();
	world.ticket.node = TICKET_NODE_ACKED;
	world.context.seq = 9;
	assert_int_equal(ticket_doc_amend(past, strlen(past), &world.ticket, TICKET_QUIET, &world.context, &body, NULL), WY_OK);
	json_decref(doc);
	doc = json_loads(body.text, 0, NULL);
	assert_string_equal(text_of(doc, "event"), "opened");
	assert_string_equal(text_of(doc, "node"), "acked");
	assert_int_equal(json_integer_value(json_object_get(doc, "gateway_seq")), 4711);
}

static void an_older_document_gets_the_fields_it_had_not(void **state)
{
	(void)state;
	strcpy(past, "{\"summary\":\"x\",\"summary_en\":\"y\",\"event\":\"opened\"}");
	assert_int_equal(amend(TICKET_UPDATED), WY_OK);
	assert_int_equal(json_array_size(json_object_get(doc, "orders")), 0);
	assert_true(json_is_null(json_object_get(doc, "escalation")));
	assert_string_equal(text_of(doc, "reason"), "open");
}

static void what_is_no_earlier_document_is_invalid(void **state)
{
	static const char *const texts[] = {"", "[]", "{\"summary\":\"x\"}", "{\"summary\":1,\"summary_en\":\"y\"}", "{\"summary\":\"x\",\"summary_en\":1}",
					    "{\"summary_en\":\"y\"}"};
	char zh_text[8], en_text[8];
	struct wy_buf zh, en;

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		strcpy(past, texts[i]);
		assert_int_equal(amend(TICKET_UPDATED), WY_E_INVALID);
		assert_int_equal(body.len + envelope.len, 0);
		wy_buf_init(&zh, zh_text, sizeof(zh_text));
		wy_buf_init(&en, en_text, sizeof(en_text));
		assert_int_equal(ticket_doc_summary(past, strlen(past), &zh, &en), WY_E_INVALID);
		assert_int_equal(zh.len + en.len, 0);
	}
}

static void the_summary_is_found_again_without_its_turn(void **state)
{
	char zh_text[200], en_text[200];
	struct wy_buf zh, en;

	(void)state;
	world.ticket.condition = TICKET_LATCHED;
	write_doc(TICKET_UPDATED);
	wy_buf_init(&zh, zh_text, sizeof(zh_text));
	wy_buf_init(&en, en_text, sizeof(en_text));
	assert_int_equal(ticket_doc_summary(body.text, body.len, &zh, &en), WY_OK);
	assert_string_equal(zh_text, world.context.summary_zh);
	assert_string_equal(en_text, world.context.summary_en);
}

static void an_amended_document_that_does_not_fit_is_a_limit(void **state)
{
	char small[200];
	struct wy_buf buf;

	(void)state;
	write_doc(TICKET_OPENED);
	keep_as_past();
	wy_buf_init(&buf, small, sizeof(small));
	assert_int_equal(ticket_doc_amend(past, strlen(past), &world.ticket, TICKET_UPDATED, &world.context, &body, &buf), WY_E_LIMIT);
	assert_int_equal(body.len + buf.len, 0);
}

/* ---- Records of gaps, and of the gateway --------------------------------------------------------- */

static struct ticket_gap gap = {
	.range = {{4711, 4730}, {4732, 4732}}, .n_ranges = 2, .n = 21, .by_tier = {0, 0, 2, 9, 10}, .opened = 3, .updated = 14,
	.ended = 4, .from_wall_ms = DOC_WALL, .until_wall_ms = DOC_WALL + 1000,
	.ticket = {{"tk_a", "3A-L2/ELV-02", "gw-demo-01-20261122-1", 5}, {"tk_b", "", "", 1}}, .n_tickets = 2};
static const struct ticket_gap_context gap_context = {"gw-demo-01", NULL, 0x0c41, 4711, "8c1f",
						      {50000, DOC_WALL, WY_CLOCK_STEPPED}};

static void a_gap_says_which_numbers_will_not_come(void **state)
{
	const json_t *data;

	(void)state;
	assert_int_equal(ticket_doc_gap(&gap, &gap_context, &envelope), WY_OK);
	doc = json_loads(envelope.text, 0, NULL);
	assert_string_equal(text_of(doc, "id"), "0000000000000c41-4711");
	data = json_object_get(doc, "data");
	assert_int_equal(json_integer_value(json_array_get(in(data, "ranges", 0), 1)), 4730);
	assert_int_equal(json_integer_value(json_object_get(json_object_get(data, "by_tier"), "S2")), 2);
	assert_int_equal(json_integer_value(json_object_get(json_object_get(data, "by_kind"), "updated")), 14);
	assert_string_equal(text_of(in(data, "tickets", 0), "dedup_key"), "3A-L2/ELV-02");
	assert_true(json_is_null(json_object_get(in(data, "tickets", 1), "dedup_key")));
	assert_true(json_is_null(json_object_get(in(data, "tickets", 1), "ticket_no")));
	assert_string_equal(text_of(data, "until"), "2026-11-22T02:02:04.456Z");
	assert_string_equal(text_of(json_object_get(data, "clock"), "state"), "stepped");
}

static void a_gap_or_a_state_that_does_not_fit_is_a_limit(void **state)
{
	struct ticket_state birth = doc_world_state(false);
	char small[100];
	struct wy_buf buf;

	(void)state;
	wy_buf_init(&buf, small, sizeof(small));
	assert_int_equal(ticket_doc_gap(&gap, &gap_context, &buf), WY_E_LIMIT);
	assert_int_equal(ticket_doc_state(&birth, &buf), WY_E_LIMIT);
	assert_int_equal(buf.len, 0);
}

static void the_greatest_gap_fits(void **state)
{
	static struct ticket_gap most;
	struct ticket_gap_ticket ticket;

	(void)state;
	most.n_ranges = TICKET_GAP_RANGES;
	most.n_tickets = TICKET_GAP_TICKETS;
	for (size_t i = 0; i < TICKET_GAP_RANGES; i++)
		most.range[i] = (struct ticket_gap_range){INT64_MAX - i, INT64_MAX - i};
	memset(&ticket, 'k', sizeof(ticket));
	ticket.key[TICKET_KEY_SIZE - 1] = ticket.dedup[TICKET_DEDUP_SIZE - 1] = ticket.no[TICKET_NO_SIZE - 1] = '\0';
	for (size_t i = 0; i < TICKET_GAP_TICKETS; i++)
		most.ticket[i] = ticket;
	assert_int_equal(ticket_doc_gap(&most, &gap_context, &envelope), WY_OK);
}

static void the_state_says_whether_the_gateway_is_there(void **state)
{
	struct ticket_state birth = doc_world_state(false), death = doc_world_state(true);

	(void)state;
	assert_int_equal(ticket_doc_state(&birth, &envelope), WY_OK);
	doc = json_loads(envelope.text, 0, NULL);
	assert_true(json_is_true(json_object_get(json_object_get(doc, "data"), "is_online")));
	assert_null(json_object_get(json_object_get(doc, "data"), "reason"));
	assert_null(json_object_get(doc, "sequence"));
	json_decref(doc);
	assert_int_equal(ticket_doc_state(&death, &envelope), WY_OK);
	doc = json_loads(envelope.text, 0, NULL);
	assert_true(json_is_false(json_object_get(json_object_get(doc, "data"), "is_online")));
	assert_string_equal(text_of(json_object_get(doc, "data"), "reason"), "lost");
	assert_null(json_object_get(json_object_get(doc, "data"), "queued"));
}

/* ---- Memory --------------------------------------------------------------------------------------- */

static enum wy_err write_it(void)
{
	return ticket_doc_write(&world.ticket, TICKET_OPENED, &world.context, &body, &envelope);
}

static enum wy_err amend_it(void)
{
	return ticket_doc_amend(past, strlen(past), &world.ticket, TICKET_UPDATED, &world.context, &body, &envelope);
}

static enum wy_err write_gap(void)
{
	wy_buf_init(&envelope, envelope_text, sizeof(envelope_text));
	return ticket_doc_gap(&gap, &gap_context, &envelope);
}

static enum wy_err write_state(void)
{
	struct ticket_state birth = doc_world_state(false);

	wy_buf_init(&envelope, envelope_text, sizeof(envelope_text));
	return ticket_doc_state(&birth, &envelope);
}

static void memory_that_runs_out_anywhere_is_an_error_and_leaks_nothing(void **state)
{
	static const struct {
		enum wy_err (*call)(void);
		unsigned least;
		enum wy_err other;
	} rows[] = {{write_it, 300, WY_E_NOMEM}, {amend_it, 300, WY_E_INVALID}, {write_gap, 50, WY_E_NOMEM}, {write_state, 30, WY_E_NOMEM}};

	(void)state;
	doc_world_burden(&world);
	write_doc(TICKET_OPENED);
	keep_as_past();
	json_set_alloc_funcs(counted_malloc, free);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		enum wy_err err = WY_E_NOMEM;
		unsigned n;

		for (n = 0; err != WY_OK && n < 20000; n++) {
			allocations_left = n;
			err = rows[i].call();
			assert_true(err == WY_OK || err == WY_E_NOMEM || err == rows[i].other);
			assert_true((envelope.len > 0) == (err == WY_OK));
		}
		assert_true(n > rows[i].least && n < 20000);
	}
	allocations_left = UINT32_MAX;
	json_set_alloc_funcs(malloc, free);
}

#define T(name) cmocka_unit_test_setup_teardown(name, make, drop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(comparisons_give_way_after_the_samples),
		T(a_document_that_is_too_big_without_evidence_is_a_limit_in_any_buffer),
		T(a_time_without_a_zone_is_utc),
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
		T(what_goes_with_a_ticket_is_told_in_the_order_it_happened),
		T(without_anything_beside_it_a_ticket_says_so),
		T(a_value_is_told_as_what_it_is),
		T(a_comparison_is_told_with_unit_and_shares),
		T(a_tier_that_is_none_is_told_as_the_lowest),
		T(the_age_is_counted_in_whole_years_and_null_where_it_is_not_known),
		T(a_place_is_not_named_twice_and_where_there_is_none_a_dash_stands),
		T(the_end_of_a_condition_is_told_as_the_rule_has_it),
		T(advice_stands_where_the_rule_gives_some),
		T(a_summary_says_first_that_it_is_no_longer_so),
		T(bytes_that_are_no_character_end_a_text),
		T(an_event_of_another_epoch_than_its_ticket_says_which),
		T(a_document_without_an_envelope_is_the_same),
		T(an_amended_document_follows_the_record_and_keeps_why),
		T(a_turn_is_put_before_a_summary_once),
		T(a_quiet_amendment_keeps_the_last_event_and_its_number),
		T(an_older_document_gets_the_fields_it_had_not),
		T(what_is_no_earlier_document_is_invalid),
		T(the_summary_is_found_again_without_its_turn),
		T(an_amended_document_that_does_not_fit_is_a_limit),
		T(a_gap_says_which_numbers_will_not_come),
		T(a_gap_or_a_state_that_does_not_fit_is_a_limit),
		T(the_greatest_gap_fits),
		T(the_state_says_whether_the_gateway_is_there),
		T(memory_that_runs_out_anywhere_is_an_error_and_leaks_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
