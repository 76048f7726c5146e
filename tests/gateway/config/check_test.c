/* check_test.c: single files, the shipped packs, and wrong rules: what needs the rule compiler. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "wrong_files.h"

#define PACKS WY_SOURCE_DIR "/rules/packs/"
#define PROFILES WY_SOURCE_DIR "/sensors/profiles/"
#define HERE WY_SOURCE_DIR "/tests/gateway/config/"

enum { ARENA_BYTES = 8 * 1024 * 1024 };

static struct wy_diags diags;

/* Prints what was said; the arena is gone afterwards, only counts stay in diags. */
static enum wy_err check(const char *path, const struct config_check *how, char *first_code)
{
	void *memory = malloc(ARENA_BYTES);
	struct wy_arena arena;

	assert_non_null(memory);
	wy_arena_init(&arena, memory, ARENA_BYTES);
	wy_diags_init(&diags, &arena);
	enum wy_err err = config_check_file(path, how, &arena, &diags);
	for (size_t i = 0; i < diags.n; i++) {
		char text[1000];
		struct wy_buf buf;
		wy_buf_init(&buf, text, sizeof(text));
		wy_diag_print(&diags.item[i], &buf);
		fprintf(stderr, "%s\n", text);
	}
	if (first_code)
		snprintf(first_code, 8, "%s", diags.n ? diags.item[0].code : "");
	free(memory);
	return err;
}

static void shipped_packs_are_sound_by_themselves(void **state)
{
	static const char *const packs[] = {
		PACKS "faults/elevator.yaml", PACKS "faults/water.yaml", PACKS "faults/access.yaml",
		PACKS "faults/fire.yaml", PACKS "faults/system.yaml",
		PACKS "classes.yaml", PACKS "tiers.yaml", PACKS "lift.yaml",
		PACKS "water.yaml",   PACKS "access.yaml", PACKS "fire.yaml",  PACKS "system.yaml",
		PACKS "supply.yaml",  PACKS "drainage.yaml", PACKS "gate.yaml", PACKS "fire_plant.yaml",
		PACKS "cross.yaml",   PACKS "lift_doors.yaml", PACKS "lift_control.yaml",
		PACKS "lift_wear.yaml", PACKS "lift_service.yaml",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(packs) / sizeof(*packs); i++) {
		enum wy_err err = check(packs[i], NULL, NULL);
		if (err || diags.warnings)
			fail_msg("%s: %zu errors, %zu warnings", packs[i], diags.errors,
				 diags.warnings);
	}
}

static void a_profile_is_checked_alone(void **state)
{
	(void)state;
	assert_int_equal(WY_OK, check(PROFILES "io-8di-door.yaml", NULL, NULL));
}

static void a_site_alone_is_not_blamed_for_files_it_was_not_given(void **state)
{
	(void)state;
	assert_int_equal(WY_OK, check(HERE "building/site.yaml", NULL, NULL));
	assert_int_equal(0, diags.n);
}

static void a_gateway_file_brings_all_it_names_and_compiles_the_rules(void **state)
{
	(void)state;
	assert_int_equal(WY_OK, check(HERE "building/gateway.yaml", NULL, NULL));
}

static void rules_are_checked_against_named_classes_or_a_gateway(void **state)
{
	const char *classes = HERE "building/classes.yaml", *faults = HERE "building/faults.yaml";
	const struct config_check named = {
		.classes = &classes, .n_classes = 1, .faults = &faults, .n_faults = 1};
	const struct config_check by_gateway = {.gateway = HERE "building/gateway.yaml"};
	char code[8];

	(void)state;
	assert_int_equal(WY_OK, check(HERE "building/rules.yaml", &named, NULL));
	assert_int_equal(WY_OK, check(HERE "building/rules.yaml", &by_gateway, NULL));
	assert_int_equal(WY_E_INVALID,
			 check(PACKS "lift.yaml", &named, code)); /* no class lift there */
	assert_string_equal("E301", code);
}

/* The site's overrides are for other packages; the packages are looked for among all rule files. */
static void one_rule_file_of_a_gateway_is_checked_beside_the_others(void **state)
{
	const struct config_check by_gateway = {.gateway = HERE "building/gateway.yaml"};

	(void)state;
	assert_int_equal(WY_OK, check(HERE "building/more_rules.yaml", &by_gateway, NULL));
	assert_int_equal(0, diags.errors);
	assert_int_equal(WY_OK, check(HERE "building/rules.yaml", &by_gateway, NULL));
	assert_int_equal(0, diags.errors);
}

static void a_rule_of_another_package_is_found_in_the_file_of_its_name_beside(void **state)
{
	char code[8];

	(void)state;
	assert_int_equal(WY_OK, check(HERE "beside/attic.yaml", NULL, NULL)); /* room.wet is in room.yaml */
	assert_int_equal(0, diags.n);
	assert_int_equal(WY_E_INVALID, check(HERE "building/more_rules.yaml", NULL, code)); /* no room.yaml there */
	assert_string_equal("E301", code);
}

static void a_file_that_says_nothing_of_itself_is_refused(void **state)
{
	char code[8];

	(void)state;
	assert_int_equal(WY_E_INVALID, check(HERE "none.yaml", NULL, code));
	assert_string_equal("E109", code);
	assert_int_equal(WY_E_INVALID, check(HERE "unnamed.yaml", NULL, code));
	assert_string_equal("E110", code);
}

static void every_wrong_rule_is_named_at_its_place_and_nothing_else(void **state)
{
	(void)state;
	assert_true(wrong_files_run(HERE "wrong_rules", config_compile) >= 8);
}

/* The site's devices feed an asset with rules, and none of them listens for silence. */
static void a_device_that_may_fall_silent_unnoticed_is_warned_of(void **state)
{
	char code[8];

	(void)state;
	assert_int_equal(WY_OK, check(HERE "building/gateway.yaml", NULL, code));
	assert_string_equal("W509", code);
	assert_int_equal(0, diags.errors);
	assert_int_equal(1, diags.warnings);
}

static char read_by[40];

static enum wy_err read_poem(const char *path, struct wy_arena *arena, struct wy_diags *to)
{
	(void)arena;
	snprintf(read_by, sizeof(read_by), "%s", strrchr(path, '/') + 1);
	wy_diag_add(to, WY_DIAG_ERROR, "E100", NULL, 0, "it does not rhyme");
	return WY_E_INVALID;
}

static void kinds_of_the_caller_are_read_by_the_caller(void **state)
{
	static const struct config_kind poem = {"poem/1", read_poem};
	struct config_check how = {.more = &poem, .n_more = 1};
	char code[8];

	(void)state;
	assert_int_equal(WY_E_INVALID, check(HERE "poem.yaml", &how, code));
	assert_string_equal("E100", code);
	assert_string_equal("poem.yaml", read_by);
	assert_int_equal(1, diags.errors);
	assert_int_equal(WY_E_INVALID, check(HERE "poem.yaml", NULL, code));
	assert_string_equal("E301", code);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(shipped_packs_are_sound_by_themselves),
		cmocka_unit_test(a_profile_is_checked_alone),
		cmocka_unit_test(a_site_alone_is_not_blamed_for_files_it_was_not_given),
		cmocka_unit_test(a_gateway_file_brings_all_it_names_and_compiles_the_rules),
		cmocka_unit_test(rules_are_checked_against_named_classes_or_a_gateway),
		cmocka_unit_test(one_rule_file_of_a_gateway_is_checked_beside_the_others),
		cmocka_unit_test(a_rule_of_another_package_is_found_in_the_file_of_its_name_beside),
		cmocka_unit_test(a_file_that_says_nothing_of_itself_is_refused),
		cmocka_unit_test(a_device_that_may_fall_silent_unnoticed_is_warned_of),
		cmocka_unit_test(kinds_of_the_caller_are_read_by_the_caller),
		cmocka_unit_test(every_wrong_rule_is_named_at_its_place_and_nothing_else),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
