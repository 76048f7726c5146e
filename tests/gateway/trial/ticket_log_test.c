/* ticket_log_test.c: one event, one line, always the same bytes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ticket_log.h"
#include "yaml_tree.h"

#define START_MS 1774731600000 /* 2026-03-28T22:00:00+01:00, the night of the change to summer time */

struct fixture {
	void *memory;
	struct wy_arena arena;
	struct wy_diags diags;
	struct rule_world world;
	struct rule_set *set;
	struct rule_engine *engine;
	struct wy_buf out;
	char text[4096];
};

static const char *const rules = "weiyu: rules/1\n"
				 "package: t\n"
				 "rules:\n"
				 "  - {id: t.wet, scope: thing, fault: X-1, tier: S3, when: wet, hold: 10s, clear_hold: 5s}\n";

static const struct wy_zone_change changes[] = {{INT64_MIN, 3600}, {1774746000, 7200}};
static const struct wy_zone berlin = {"Europe/Berlin", changes, 2};

static void open_world(struct fixture *f)
{
	static const struct wy_point points[] = {
		{.name = "wet", .type = WY_TYPE_BOOL, .poll_ms = 1000, .stale_ms = 36000000}};
	static const struct wy_class classes[] = {{.id = "thing", .points = points, .n_points = 1}};
	static const struct wy_asset assets[] = {{.id = "A1"}, {.id = "A2"}};
	const struct wy_node *root = NULL;

	f->memory = malloc(4 << 20);
	wy_arena_init(&f->arena, f->memory, 4 << 20);
	wy_diags_init(&f->diags, &f->arena);
	wy_buf_init(&f->out, f->text, sizeof(f->text));
	f->world = (struct rule_world){.classes = classes, .n_classes = 1, .assets = assets, .n_assets = 2,
				       .zone = &berlin};
	assert_int_equal(yaml_load_text("t", rules, strlen(rules), &f->arena, &f->diags, &root), WY_OK);
	assert_int_equal(rule_compile(&f->world, &root, 1, &f->arena, &f->diags, &f->set), WY_OK);
}

static void turn(struct fixture *f, wy_ms at_ms, bool is_wet, uint8_t quality)
{
	struct ticket_log log = {f->set, &f->world, f->engine, START_MS};
	struct wy_sample sample = {.quality = quality, .is_whole = true, .whole = is_wet, .at_ms = at_ms};
	const struct rule_event *events;

	rule_turn_begin(f->engine, (struct wy_now){at_ms, START_MS + at_ms, WY_CLOCK_SYNCED});
	rule_put(f->engine, 1, 0, &sample);
	size_t n = rule_turn_end(f->engine, &events);
	for (size_t i = 0; i < n; i++)
		ticket_log_line(&log, &events[i], &f->out);
}

static void an_episode_is_two_lines_on_the_clock_of_the_building(void **state)
{
	struct fixture f;
	(void)state;

	open_world(&f);
	assert_int_equal(rule_engine_new(f.set, &f.arena, (struct wy_now){0, START_MS, WY_CLOCK_SYNCED}, &f.engine),
			 WY_OK);
	turn(&f, 4 * 3600000 - 5000, true, WY_Q_GOOD); /* 01:59:55, five seconds before the clocks change */
	turn(&f, 4 * 3600000 + 60500, false, WY_Q_GOOD);
	turn(&f, 4 * 3600000 + 70000, false, WY_Q_GOOD);
	assert_string_equal(f.text,
			    "2026-03-29T03:00:05.000+02:00 open t.wet A2 S3 onset=2026-03-29T01:59:55.000+01:00\n"
			    "2026-03-29T03:01:05.500+02:00 resolve t.wet A2 S3\n");
	free(f.memory);
}

static void a_doubted_input_is_said(void **state)
{
	struct fixture f;
	(void)state;

	open_world(&f);
	assert_int_equal(rule_engine_new(f.set, &f.arena, (struct wy_now){0, START_MS, WY_CLOCK_SYNCED}, &f.engine),
			 WY_OK);
	turn(&f, 1000, true, WY_Q_UNCERTAIN);
	turn(&f, 12000, true, WY_Q_UNCERTAIN);
	assert_string_equal(f.text, "2026-03-28T22:00:11.000+01:00 open t.wet A2 S3 "
				    "onset=2026-03-28T22:00:01.000+01:00 uncertain\n");
	free(f.memory);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_episode_is_two_lines_on_the_clock_of_the_building),
		cmocka_unit_test(a_doubted_input_is_said),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
