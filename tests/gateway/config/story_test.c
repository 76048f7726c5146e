/* story_test.c: the demo's story played straight into the demo's rules, without a wire: each fault
 * gives its one ticket while it lasts, each ticket ends soon after its cause, and no fault causes
 * another by accident. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "demo_files.h"
#include "number.h"
#include "yaml_tree.h"

enum { ARENA_BYTES = 32 * 1024 * 1024, STORY_S = 165, EXPECTED_MAX = 16, END_WITHIN_S = 12 };

struct expected {
	const struct wy_node *node;
	int raised, resolved;
};

struct story {
	struct wy_arena arena;
	struct wy_diags diags;
	struct config *config;
	struct rule_set *set;
	struct rule_engine *engine;
	const struct wy_node *scenario, *expected_root;
	struct wy_sample *samples[16]; /* by device, then point */
	bool is_unplugged[16];
	struct expected expected[EXPECTED_MAX];
	size_t n_expected;
	bool is_night;
};

static int64_t seconds(const struct wy_node *node)
{
	wy_ms ms;

	if (!wy_parse_duration(node->text, node->len, &ms))
		return ms / 1000;
	int64_t plain;
	assert_int_equal(WY_OK, wy_parse_int(node->text, node->len, &plain));
	return plain;
}

/* "lift2-io", "running", "true" into the sample of that point. */
static void set_point(struct story *s, const char *device, const char *point,
		      const struct wy_node *value)
{
	size_t d = config_find_device(s->config, device);

	assert_true(d < 16);
	const struct sensor_profile *profile = s->config->devices[d].profile;
	size_t p = 0;
	while (p < profile->n_points && strcmp(profile->points[p].name, point) != 0)
		p++;
	if (p == profile->n_points)
		fail_msg("no point %s.%s", device, point);
	struct wy_sample *sample = &s->samples[d][p];
	sample->point = (uint32_t)p;
	sample->quality = WY_Q_GOOD;
	sample->is_whole = profile->points[p].type != WY_TYPE_REAL;
	if (profile->points[p].type == WY_TYPE_BOOL)
		sample->whole = wy_node_is(value, "true");
	else if (profile->points[p].type == WY_TYPE_REAL)
		assert_int_equal(WY_OK, wy_parse_real(value->text, value->len, &sample->real));
	else if (profile->points[p].type != WY_TYPE_ENUM)
		assert_int_equal(WY_OK, wy_parse_int(value->text, value->len, &sample->whole));
}

static void set_initial(struct story *s)
{
	for (size_t d = 0; d < s->config->n_devices; d++) {
		s->samples[d] = wy_arena_array(&s->arena, s->config->devices[d].profile->n_points,
					       sizeof(**s->samples));
		assert_non_null(s->samples[d]);
	}
	for (const struct wy_node *m = wy_node_get(s->scenario, "points")->child; m; m = m->next)
		for (const struct wy_node *v = m->child; v; v = v->next)
			set_point(s, m->key->text, v->key->text, v);
}

static void happen(struct story *s, const struct wy_node *moment)
{
	const struct wy_node *set = wy_node_get(moment, "set");
	const struct wy_node *unplug = wy_node_get(moment, "unplug");
	const struct wy_node *plug = wy_node_get(moment, "plug");

	for (const struct wy_node *v = set ? set->child : NULL; v; v = v->next) {
		char device[64];
		const char *dot = strchr(v->key->text, '.');
		assert_non_null(dot);
		snprintf(device, sizeof(device), "%.*s", (int)(dot - v->key->text), v->key->text);
		set_point(s, device, dot + 1, v);
	}
	if (unplug)
		s->is_unplugged[config_find_device(s->config, unplug->text)] = true;
	if (plug)
		s->is_unplugged[config_find_device(s->config, plug->text)] = false;
}

static void feed(struct story *s, wy_ms now_ms)
{
	for (uint32_t d = 0; d < s->config->n_devices; d++) {
		if (s->is_unplugged[d])
			continue;
		rule_heard(s->engine, d, now_ms);
		for (uint32_t p = 0; p < s->config->devices[d].profile->n_points; p++) {
			size_t n;
			const struct config_binding *b = config_bindings(s->config, d, p, &n);
			s->samples[d][p].at_ms = now_ms;
			for (size_t i = 0; i < n; i++) {
				struct wy_sample seen = config_convert(&b[i], &s->samples[d][p]);
				rule_put(s->engine, b[i].asset, b[i].class_point, &seen);
			}
		}
	}
}

static const char *tier_of(const struct story *s, const struct wy_node *expected)
{
	const struct wy_node *at_night = wy_node_get(expected, "tier_at_night");

	return s->is_night && at_night ? at_night->text : wy_node_get(expected, "tier")->text;
}

static void judge(struct story *s, const struct rule_event *event, int64_t at_s)
{
	const struct rule_instance_info *instance = rule_instance_at(s->set, event->instance);
	const struct rule_info *rule = rule_info_at(s->set, instance->rule);
	const char *asset = s->config->assets[instance->asset].id;

	if (event->kind != RULE_RAISED && event->kind != RULE_RESOLVED)
		return;
	for (size_t i = 0; i < s->n_expected; i++) {
		struct expected *e = &s->expected[i];
		if (!wy_node_is(wy_node_get(e->node, "fault"), rule->fault) ||
		    !wy_node_is(wy_node_get(e->node, "asset"), asset))
			continue;
		int64_t from_s = seconds(wy_node_get(e->node, "at"));
		int64_t to_s = seconds(wy_node_get(e->node, "removed_at"));
		if (event->kind == RULE_RAISED) {
			e->raised++;
			assert_true(at_s >= from_s && at_s <= to_s - 2);
			assert_int_equal(tier_of(s, e->node)[1] - '0', event->tier);
		} else {
			e->resolved++;
			assert_true(at_s >= to_s && at_s <= to_s + END_WITHIN_S);
		}
		return;
	}
	fail_msg("%llds: %s on %s was not expected", (long long)at_s, rule->id, asset);
}

static void play(struct story *s, wy_ms wall_ms)
{
	const struct wy_node *timeline = wy_node_get(s->scenario, "timeline");
	struct wy_now now = {.mono_ms = 1000000, .wall_ms = wall_ms, .clock = WY_CLOCK_SYNCED};

	assert_int_equal(WY_OK, rule_engine_new(s->set, &s->arena, now, &s->engine));
	set_initial(s);
	for (int64_t t = 0; t < STORY_S; t++) {
		const struct rule_event *events;
		for (const struct wy_node *m = timeline->child; m; m = m->next)
			if (seconds(wy_node_get(m, "at")) == t)
				happen(s, m);
		rule_turn_begin(s->engine, now);
		feed(s, now.mono_ms);
		size_t n = rule_turn_end(s->engine, &events);
		for (size_t i = 0; i < n; i++)
			judge(s, &events[i], t);
		now.mono_ms += 1000;
		now.wall_ms += 1000;
	}
	for (size_t i = 0; i < s->n_expected; i++) {
		if (s->expected[i].raised != 1 || s->expected[i].resolved != 1)
			fail_msg("%s: raised %d times, resolved %d times",
				 wy_node_get(s->expected[i].node, "name_en")->text,
				 s->expected[i].raised, s->expected[i].resolved);
	}
}

static void run_at(wy_ms wall_ms, bool is_night)
{
	static struct story s;
	struct demo_files files;
	char path[300];
	void *memory = malloc(ARENA_BYTES);

	assert_non_null(memory);
	memset(&s, 0, sizeof(s));
	s.is_night = is_night;
	wy_arena_init(&s.arena, memory, ARENA_BYTES);
	wy_diags_init(&s.diags, &s.arena);
	demo_files_make(&files);
	assert_int_equal(WY_OK, config_load(files.gateway, &s.arena, &s.diags, &s.config));
	assert_int_equal(WY_OK, config_compile(s.config, &s.arena, &s.diags, &s.set));
	snprintf(path, sizeof(path), "%s/scenario.yaml", files.dir);
	assert_int_equal(WY_OK, yaml_load_file(path, &s.arena, &s.diags, &s.scenario));
	assert_int_equal(WY_OK, yaml_load_file(WY_SOURCE_DIR "/deploy/demo/expected.json", &s.arena,
					       &s.diags, &s.expected_root));
	for (const struct wy_node *m = s.expected_root->child; m; m = m->next) {
		assert_true(s.n_expected < EXPECTED_MAX);
		s.expected[s.n_expected++].node = m;
	}
	assert_true(s.n_expected >= 8);
	play(&s, wall_ms);
	demo_files_remove(&files);
	free(memory);
}

static void by_day_each_fault_gives_its_one_ticket(void **state)
{
	(void)state;
	run_at(INT64_C(1795320000000), false); /* 2026-11-22 12:00 in Shanghai */
}

static void by_night_doors_are_more_urgent(void **state)
{
	(void)state;
	run_at(INT64_C(1795320000000) + INT64_C(12) * 3600 * 1000, true);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(by_day_each_fault_gives_its_one_ticket),
		cmocka_unit_test(by_night_doors_are_more_urgent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
