/* load_test.c: the loader on a small building and on the demo: what it hands out fits together. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "demo_files.h"

#define BUILDING WY_SOURCE_DIR "/tests/gateway/config/building/gateway.yaml"

enum { ARENA_BYTES = 16 * 1024 * 1024 };

struct loaded {
	void *memory;
	struct wy_arena arena;
	struct wy_diags diags;
	struct config *config;
};

static void print_all(const struct wy_diags *diags)
{
	for (size_t i = 0; i < diags->n; i++) {
		char text[1000];
		struct wy_buf buf;
		wy_buf_init(&buf, text, sizeof(text));
		wy_diag_print(&diags->item[i], &buf);
		fprintf(stderr, "%s\n", text);
	}
}

static enum wy_err try_load(struct loaded *l, const char *path, size_t size)
{
	l->memory = malloc(size ? size : 1);
	assert_non_null(l->memory);
	wy_arena_init(&l->arena, l->memory, size);
	wy_diags_init(&l->diags, &l->arena);
	l->config = NULL;
	return config_load(path, &l->arena, &l->diags, &l->config);
}

static int load_building(void **state)
{
	static struct loaded l;

	if (try_load(&l, BUILDING, ARENA_BYTES)) {
		print_all(&l.diags);
		return -1;
	}
	*state = &l;
	return 0;
}

static int release(void **state)
{
	free(((struct loaded *)*state)->memory);
	return 0;
}

static const struct config *config_of(void **state)
{
	return ((struct loaded *)*state)->config;
}

static void a_sound_building_gives_no_message(void **state)
{
	const struct loaded *l = *state;

	print_all(&l->diags);
	assert_int_equal(0, l->diags.n);
	assert_string_equal("gw-test-01", l->config->gateway);
	assert_string_equal("broker.example", l->config->uplink.server_name);
	assert_int_equal(8883, l->config->uplink.port);
	assert_int_equal(20000, l->config->uplink.keepalive_ms);
	assert_int_equal(1, l->config->n_rule_files);
}

static void paths_start_at_the_gateway_file(void **state)
{
	const struct config *config = config_of(state);

	assert_string_equal(WY_SOURCE_DIR "/tests/gateway/config/building/state",
			    config->state_dir);
	assert_string_equal(WY_SOURCE_DIR "/tests/gateway/config/building/state/weiyu.sock",
			    config->socket);
	assert_string_equal(WY_SOURCE_DIR "/tests/gateway/config/building/pki/ca.crt",
			    config->uplink.ca);
}

static void plans_name_their_assets_in_local_time(void **state)
{
	const struct config *config = config_of(state);
	const struct wy_window *windows = config->site.windows;

	assert_int_equal(2, config->site.n_windows);
	assert_string_equal("oil", windows[0].reason);
	assert_int_equal(86400 + 60, windows[0].from_s);
	assert_int_equal(86400 + 3600, windows[0].to_s);
	assert_int_equal(1, windows[0].n_assets);
	assert_string_equal("A-1", config->assets[windows[0].assets[0]].id);
	assert_false(windows[0].is_out_of_service);
	assert_true(windows[1].is_out_of_service);
	assert_true(windows[1].n_assets > 1);
}

static void ladders_stand_with_their_tier(void **state)
{
	const struct config *config = config_of(state);
	struct rule_world world = config_world(config);
	const struct wy_ladder *ladder = &world.escalation.of_tier[0];

	assert_int_equal(1, ladder->n);
	assert_int_equal(600000, ladder->steps[0].after_ms);
	assert_int_equal(WY_UNLESS_ACKED, ladder->steps[0].unless);
	assert_int_equal(1, ladder->steps[0].tier);
	assert_true(ladder->steps[0].is_working);
	assert_string_equal("head", ladder->steps[0].to);
	assert_int_equal(0, world.escalation.of_tier[1].n);
	assert_int_equal(2, world.escalation.repeat.at_most);
	assert_int_equal(1, world.escalation.repeat.tiers_up);
	assert_int_equal(0x1f, world.escalation.working->days);
}

static void holidays_are_days_since_1970_in_order(void **state)
{
	const struct config *config = config_of(state);

	assert_int_equal(2, config->site.n_holidays);
	assert_int_equal(20454, config->site.holidays[0]); /* 2026-01-01 */
	assert_int_equal(20454 + 358, config->site.holidays[1]);
}

static int32_t offset_at(const struct wy_zone *zone, int64_t at_s)
{
	int32_t offset = 0;

	for (size_t i = 0; i < zone->n_changes && zone->changes[i].from_s <= at_s; i++)
		offset = zone->changes[i].offset_s;
	return offset;
}

static void the_zone_changes_to_summer_and_back_for_decades(void **state)
{
	const struct wy_zone *zone = &config_of(state)->site.zone;

	assert_true(zone->changes[0].from_s == INT64_MIN);
	for (size_t i = 1; i < zone->n_changes; i++)
		assert_true(zone->changes[i - 1].from_s < zone->changes[i].from_s);
	assert_int_equal(3600, offset_at(zone, 1774745999)); /* 2026-03-29 00:59:59 UTC */
	assert_int_equal(7200, offset_at(zone, 1774746000));
	assert_int_equal(3600, offset_at(zone, 1792890000)); /* 2026-10-25 01:00 UTC */
	/* Beyond what the file stores: its last line goes on. */
	assert_int_equal(3600, offset_at(zone, 2531955599)); /* 2050-03-27 00:59:59 UTC */
	assert_int_equal(7200, offset_at(zone, 2531955600));
	assert_int_equal(3600, offset_at(zone, 2550704400)); /* 2050-10-30 01:00 UTC */
}

static void points_are_bound_by_name_and_by_hand(void **state)
{
	const struct config *config = config_of(state);
	size_t n;

	const struct config_binding *b = config_bindings(config, 0, 0, &n);
	assert_int_equal(2, n); /* alarm, and calm as its opposite */
	assert_int_equal(0, b[0].class_point);
	assert_false(b[0].is_inverted);
	assert_int_equal(1, b[1].class_point);
	assert_true(b[1].is_inverted);
	(void)config_bindings(config, 0, 2, &n);
	assert_int_equal(0, n); /* pressure feeds nothing */
	(void)config_bindings(config, 0, 4, &n);
	assert_int_equal(1, n);
	assert_int_equal(1, config->assets[0].n_devices);
	assert_int_equal(1,
			 config->assets[1].n_devices); /* no points, and yet it can fall silent */
	assert_int_equal(5, config->n_bindings);
}

static void samples_arrive_in_the_terms_of_the_class(void **state)
{
	const struct config *config = config_of(state);
	struct wy_sample in = {.quality = WY_Q_GOOD, .is_whole = false, .real = 2500};
	size_t n;

	struct wy_sample out = config_convert(config_bindings(config, 0, 1, &n), &in);
	assert_int_equal(2, out.point);
	assert_true(out.real == 2.5); /* mm to m */
	in.is_whole = true;
	in.whole = 1;
	out = config_convert(config_bindings(config, 0, 0, &n) + 1, &in);
	assert_int_equal(0, out.whole);
	in.whole = 0; /* HAND is the device's first and the class's third value */
	out = config_convert(config_bindings(config, 0, 3, &n), &in);
	assert_int_equal(2, out.whole);
	assert_int_equal(WY_Q_GOOD, out.quality);
}

static void what_has_no_meaning_becomes_bad_and_what_is_bad_stays(void **state)
{
	const struct config *config = config_of(state);
	struct wy_sample in = {
		.quality = WY_Q_GOOD, .is_whole = true, .whole = 2}; /* TEST: not of the class */
	size_t n;

	struct wy_sample out = config_convert(config_bindings(config, 0, 3, &n), &in);
	assert_int_equal(WY_Q_BAD, out.quality);
	assert_int_equal(WY_WHY_RANGE, out.why);
	in.quality = WY_Q_BAD;
	in.why = WY_WHY_TIMEOUT;
	out = config_convert(config_bindings(config, 0, 1, &n), &in);
	assert_int_equal(WY_Q_BAD, out.quality);
	assert_int_equal(WY_WHY_TIMEOUT, out.why);
}

static void faults_are_complete(void **state)
{
	const struct config *config = config_of(state);
	const struct config_fault *fault = &config->faults[config_find_fault(config, "WTR-01")];

	assert_string_equal("engineering", fault->primary->id);
	assert_string_equal("order", fault->support[0].dept->id);
	assert_int_equal(900000, fault->support[0].within_ms);
	assert_int_equal(7200000, fault->vendor_arrive_ms);
	assert_string_equal("after_ack", fault->notice_policy);
	assert_string_equal("v1", config_find_vendor(config, fault->vendor_role, false)->id);
	assert_null(config_find_vendor(config, fault->vendor_role, true));
	assert_true(config->tiers[3].arrive_ms == WY_MS_NEVER);
	assert_int_equal(600000, config->tiers[0].ack_ms);
	assert_true(config_find_fault(config, "WTR-99") == SIZE_MAX);
}

static void notices_are_filled_and_what_is_missing_is_left_out(void **state)
{
	const struct config *config = config_of(state);
	const struct config_fault *fault = &config->faults[0];
	char text[300];
	struct wy_buf buf;

	wy_buf_init(&buf, text, sizeof(text));
	config_fill(config, 0, fault, fault->notice.zh, "zh", "18:30", &buf);
	assert_string_equal("A栋1单元3层漏水，工程部处理，预计18:30，请用模块。", text);
	wy_buf_init(&buf, text, sizeof(text));
	config_fill(config, 1, fault, "{unit}{floor}{building}", "en", NULL, &buf);
	assert_string_equal("building A", text);
}

static void assets_carry_place_and_labels(void **state)
{
	const struct config *config = config_of(state);
	const struct wy_asset *asset = &config->assets[0];

	assert_int_equal(4, asset->n_labels);
	assert_string_equal("side", asset->labels[3].key);
	assert_string_equal("north", asset->labels[3].value);
	assert_int_equal(1, config->details[0].alternatives[0]);
	assert_int_equal(-1, config->details[0].affected_households);
	assert_string_equal("unknown", config->details[0].scope);
	assert_string_equal("A-1", config->overrides[0].asset);
}

static void assets_name_what_is_related_to_them(void **state)
{
	const struct config *config = config_of(state);
	const struct wy_class *room = &config->classes[config->assets[0].class_index];

	assert_int_equal(2, room->n_relations);
	assert_string_equal("box", room->relations[0].name);
	assert_string_equal("module", config->classes[room->relations[0].class_index].id);
	assert_int_equal(1, config->assets[0].relations[0]);
	assert_int_equal(WY_NO_ASSET, config->assets[0].relations[1]);
	assert_null(config->assets[1].relations);
}

/* ---- Elsewhere ------------------------------------------------------------------------------- */

static void a_missing_file_is_one_error(void **state)
{
	struct loaded l;

	(void)state;
	assert_int_equal(WY_E_INVALID, try_load(&l, "/nonexistent/gateway.yaml", ARENA_BYTES));
	assert_int_equal(1, l.diags.errors);
	assert_string_equal("E109", l.diags.item[0].code);
	free(l.memory);
}

/* Wherever memory ends, the load says so and nothing else breaks. */
static void a_load_that_runs_out_of_memory_says_so(void **state)
{
	struct loaded l;
	enum wy_err err = WY_E_NOMEM;
	unsigned refused = 0;

	(void)state;
	for (size_t size = 0; err; size += size < 16384 ? 61 : 977) {
		assert_true(size < ARENA_BYTES);
		err = try_load(&l, BUILDING, size);
		if (err && err != WY_E_NOMEM)
			print_all(&l.diags);
		assert_true(err == WY_OK || err == WY_E_NOMEM);
		if (!err != !l.diags.errors)
			fail_msg("%zu bytes: %s, %zu messages", size, wy_err_text(err),
				 l.diags.errors);
		refused += err != WY_OK;
		free(l.memory);
	}
	assert_true(refused > 50);
}

static void the_same_files_give_the_same_hash(void **state)
{
	struct loaded l;

	assert_int_equal(WY_OK, try_load(&l, BUILDING, ARENA_BYTES));
	assert_true(l.config->hash == config_of(state)->hash);
	free(l.memory);
}

/* ---- The demo -------------------------------------------------------------------------------- */

static void the_demo_building_loads_with_a_key_and_every_role_filled(void **state)
{
	struct demo_files files;
	struct loaded l;

	(void)state;
	demo_files_make(&files);
	enum wy_err err = try_load(&l, files.gateway, ARENA_BYTES);
	print_all(&l.diags);
	assert_int_equal(WY_OK, err);
	assert_int_equal(0, l.diags.warnings);
	size_t leak = config_find_device(l.config, "leak-7f");
	assert_int_equal(32, l.config->devices[leak].psk_key_len);
	assert_string_equal("leak-7f", l.config->devices[leak].psk_identity);
	assert_int_equal(12, l.config->n_assets);
	assert_true(l.config->site.zone.n_changes > 1);
	struct rule_set *set = NULL;
	err = config_compile(l.config, &l.arena, &l.diags, &set);
	print_all(&l.diags);
	assert_int_equal(WY_OK, err);
	assert_int_equal(0, l.diags.n); /* what is shipped gives no word of warning */
	/* Packs grow; what stays is that each asset of the demo is watched. */
	for (uint32_t asset = 0; asset < l.config->n_assets; asset++) {
		uint32_t i = 0;
		while (i < rule_instance_count(set) && rule_instance_at(set, i)->asset != asset)
			i++;
		assert_true(i < rule_instance_count(set));
	}
	free(l.memory);
	demo_files_remove(&files);
}

static void put_key(const struct demo_files *files, const char *key, mode_t mode)
{
	char path[300];

	snprintf(path, sizeof(path), "%s/leak-7f.psk", files->dir);
	FILE *file = fopen(path, "w");
	assert_non_null(file);
	fputs(key, file);
	fclose(file);
	assert_int_equal(0, chmod(path, mode));
}

static void expect_about_key(const struct demo_files *files, const char *code)
{
	struct loaded l;
	size_t n = 0;

	(void)try_load(&l, files->gateway, ARENA_BYTES);
	for (size_t i = 0; i < l.diags.n; i++) {
		n += strcmp(l.diags.item[i].code, code) == 0;
		assert_null(strstr(l.diags.item[i].text, "secret"));
	}
	assert_int_equal(1, n);
	free(l.memory);
}

static void weak_and_open_keys_are_named_and_never_shown(void **state)
{
	struct demo_files files;

	(void)state;
	demo_files_make(&files);
	put_key(&files, "secret-secret-secret\n", 0644);
	expect_about_key(&files, "W608");
	put_key(&files, "secret\n", 0600);
	expect_about_key(&files, "W609");
	put_key(&files, "\n", 0600);
	expect_about_key(&files, "E608");
	demo_files_remove(&files);
}

#define IN_BUILDING(test) cmocka_unit_test_setup_teardown(test, load_building, release)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_BUILDING(a_sound_building_gives_no_message),
		IN_BUILDING(paths_start_at_the_gateway_file),
		IN_BUILDING(holidays_are_days_since_1970_in_order),
		IN_BUILDING(plans_name_their_assets_in_local_time),
		IN_BUILDING(ladders_stand_with_their_tier),
		IN_BUILDING(the_zone_changes_to_summer_and_back_for_decades),
		IN_BUILDING(points_are_bound_by_name_and_by_hand),
		IN_BUILDING(samples_arrive_in_the_terms_of_the_class),
		IN_BUILDING(what_has_no_meaning_becomes_bad_and_what_is_bad_stays),
		IN_BUILDING(faults_are_complete),
		IN_BUILDING(notices_are_filled_and_what_is_missing_is_left_out),
		IN_BUILDING(assets_carry_place_and_labels),
		IN_BUILDING(assets_name_what_is_related_to_them),
		IN_BUILDING(the_same_files_give_the_same_hash),
		cmocka_unit_test(a_missing_file_is_one_error),
		cmocka_unit_test(a_load_that_runs_out_of_memory_says_so),
		cmocka_unit_test(weak_and_open_keys_are_named_and_never_shown),
		cmocka_unit_test(the_demo_building_loads_with_a_key_and_every_role_filled),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
