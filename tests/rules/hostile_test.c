/* hostile_test.c: rule files made to hurt: too long, too deep, bytes that are no text, thousands of
 * rules. The compiler says what is too much, and in reasonable time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "pack_world.h"

enum { ARENA_BYTES = WY_LOAD_ARENA_BYTES, TEXT_BYTES = 4 << 20 };

static struct pack_world world;
static struct wy_diags diags;
static struct wy_arena arena;
static char *text; /* of the next file; room for TEXT_BYTES */
static struct wy_buf buf;

static int open_all(void **state)
{
	(void)state;
	pack_world_open(&world);
	arena.base = malloc(ARENA_BYTES);
	text = malloc(TEXT_BYTES);
	return !arena.base || !text;
}

static int close_all(void **state)
{
	(void)state;
	pack_world_close(&world);
	free(arena.base);
	free(text);
	return 0;
}

static void begin(void)
{
	wy_buf_init(&buf, text, TEXT_BYTES);
	wy_buf_add(&buf, "weiyu: rules/1\npackage: t\n");
}

static enum wy_err compile(void)
{
	wy_arena_init(&arena, arena.base, ARENA_BYTES);
	wy_diags_init(&diags, &arena);
	return pack_world_compile(&world, text, buf.len, &arena, &diags);
}

static bool is_said(const char *code, const char *words)
{
	for (size_t i = 0; i < diags.n; i++)
		if (strcmp(diags.item[i].code, code) == 0 && strstr(diags.item[i].text, words))
			return true;
	for (size_t i = 0; i < diags.n && i < 5; i++)
		print_message("%s %s\n", diags.item[i].code, diags.item[i].text);
	return false;
}

/* One rule whose condition is `part` n times, then `last` n times. */
static enum wy_err compile_repeated(const char *first, const char *part, unsigned n, const char *last, unsigned n_last)
{
	begin();
	wy_buf_add(&buf, "rules:\n  - id: t.r\n    scope: lift\n    fault: ELV-01\n    tier: S3\n    clear_hold: 5s\n"
			 "    when: '");
	wy_buf_add(&buf, first);
	for (unsigned i = 0; i < n; i++)
		wy_buf_add(&buf, part);
	if (n_last)
		wy_buf_add(&buf, "running");
	for (unsigned i = 0; i < n_last; i++)
		wy_buf_add(&buf, last);
	wy_buf_add(&buf, "'\n");
	return compile();
}

static void an_expression_has_at_most_512_parts(void **state)
{
	(void)state;
	/* n points and one `or`. */
	assert_int_equal(compile_repeated("running", " or running", 510, "", 0), WY_OK);
	assert_int_equal(compile_repeated("running", " or running", 511, "", 0), WY_E_INVALID);
	assert_true(is_said("E601", "more than 512 parts; split it"));
	assert_int_equal(compile_repeated("running", " or running", 80000, "", 0), WY_E_INVALID);
	assert_true(is_said("E601", "more than 512 parts"));
}

static void an_expression_is_at_most_32_deep(void **state)
{
	(void)state;
	assert_int_equal(compile_repeated("", "(", 31, ")", 31), WY_OK);
	assert_int_equal(compile_repeated("", "(", 32, ")", 32), WY_E_INVALID);
	assert_true(is_said("E601", "32 levels of nesting"));
	assert_int_equal(compile_repeated("", "(", 400000, ")", 400000), WY_E_INVALID);
	assert_int_equal(compile_repeated("", "not ", 200000, "", 1), WY_E_INVALID);
	assert_true(is_said("E601", "32 levels of nesting"));
	assert_int_equal(compile_repeated("", "since(rise(", 300, "))", 300), WY_E_INVALID);
	assert_int_equal(compile_repeated("", "-", 300000, "", 1), WY_E_INVALID);
	assert_true(is_said("E104", ""));
}

static void a_megabyte_in_one_condition_is_refused(void **state)
{
	(void)state;
	assert_int_equal(compile_repeated("running and 4 > ", "9", 1000000, "", 0), WY_E_INVALID);
	assert_true(is_said("E104", "17 digits"));
	assert_true(strlen(diags.item[0].text) < 400);
	assert_int_equal(compile_repeated("", "running", 140000, "", 0), WY_E_INVALID);
	assert_true(is_said("E104", "no name is that long"));
	assert_int_equal(compile_repeated("", " or running ", 80000, "", 0), WY_E_INVALID);
	assert_true(diags.errors > 0);
}

static void bytes_that_are_no_text_are_named_and_not_swallowed(void **state)
{
	static const char *const conditions[] = {
		"\"running\\0 or occupied\"", "\"running\\x01\"", "\"running\\x7f\"", "\"running \xC2\xA0or occupied\"",
		"\"running\\u2028or occupied\"", "'running\xE9\x98\x80'", "\"\\0\"", "\"running\\ufeff\"", "''", "' '",
		"\"running \\b or occupied\"",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(conditions) / sizeof(*conditions); i++) {
		begin();
		wy_buf_addf(&buf, "rules:\n  - {id: t.r, scope: lift, fault: ELV-01, tier: S3, clear_hold: 5s, when: %s}\n",
			    conditions[i]);
		if (compile() != WY_E_INVALID || !diags.n)
			fail_msg("%s was taken", conditions[i]);
	}
}

static void a_summary_with_stray_braces_is_named(void **state)
{
	static const struct {
		const char *summary, *code, *words;
	} wanted[] = {
		{"{location", "E104", "'{' without '}'"},
		{"location}", "E104", "'}' without '{'"},
		{"{{location}}", "E104", "found '{'"},
		{"{}", "E104", "expected a value"},
		{"{location:.12f}", "E104", "':.1f'"},
		{"{location:1f}", "E104", "':.1f'"},
		{"{rise(detected)}", "E203", "no value to print"},
		{"{locaiton}", "E301", "did you mean 'location'?"},
		{"{location > 5}", "E201", "with a unit"},
		{"a } b { c", "E104", "without"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(wanted) / sizeof(*wanted); i++) {
		begin();
		wy_buf_addf(&buf, "rules:\n  - id: t.r\n    scope: leak_cable\n    fault: WTR-01\n    tier: S3\n    clear_hold: 5s\n"
				  "    when: detected\n    summary: {en: \"%s\"}\n", wanted[i].summary);
		if (compile() != WY_E_INVALID || !is_said(wanted[i].code, wanted[i].words))
			fail_msg("%s: expected %s %s", wanted[i].summary, wanted[i].code, wanted[i].words);
	}
}

static double seconds_of(enum wy_err wanted)
{
	struct timespec from;
	struct timespec to;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &from);
	enum wy_err err = compile();
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &to);
	if (err != wanted)
		is_said("", "none");
	assert_int_equal(err, wanted);
	return (double)(to.tv_sec - from.tv_sec) + (double)(to.tv_nsec - from.tv_nsec) / 1e9;
}

/* parent: each rule is inhibited by that name and the rule's number. */
static void add_rules(unsigned n, const char *when, const char *parent)
{
	begin();
	wy_buf_add(&buf, "rules:\n");
	for (unsigned i = 0; i < n; i++) {
		wy_buf_addf(&buf, "- {id: t.rule%u,scope: lift,fault: ELV-01,tier: S3,clear_hold: 5s,when: %s", i, when);
		if (parent)
			wy_buf_addf(&buf, ",inhibited_by: [%s%u]", parent, i);
		wy_buf_add(&buf, "}\n");
	}
}

/* The limits are generous: they tell a table from a search in a search, not a fast machine from a slow one. */
static void thousands_of_rules_take_reasonable_time(void **state)
{
	(void)state;
	add_rules(2000, "running", NULL);
	double plain = seconds_of(WY_OK);
	add_rules(2000, "runing or locaton > 5 m", NULL);
	double unknown = seconds_of(WY_E_INVALID);
	assert_true(diags.errors >= 2000 && diags.n == WY_DIAGS_MAX);
	add_rules(2000, "running", "t.rulle");
	double parents = seconds_of(WY_E_INVALID);
	add_rules(10000, "running", NULL);
	double too_many = seconds_of(WY_E_LIMIT);
	print_message("2000 rules %.2fs, all wrong %.2fs, unknown parents %.2fs, 10000 %.2fs\n", plain, unknown, parents,
		      too_many);
	assert_true(plain < 10 && unknown < 10 && parents < 10 && too_many < 10);
}

static void long_lists_are_refused_or_read(void **state)
{
	(void)state;
	begin();
	wy_buf_add(&buf, "params:\n");
	for (unsigned i = 0; i < 5000; i++)
		wy_buf_addf(&buf, "  p%u: {type: s, default: 5s}\n", i);
	wy_buf_add(&buf, "rules: []\n");
	assert_int_equal(compile(), WY_E_INVALID);
	assert_true(is_said("E105", "at most 128 parameters"));

	begin();
	wy_buf_add(&buf, "rules:\n- {id: t.r,scope: lift,fault: ELV-01,tier: S3,clear_hold: 5s,when: running,inhibited_by: [");
	for (unsigned i = 0; i < 50000; i++)
		wy_buf_addf(&buf, "t.q%u,", i);
	wy_buf_add(&buf, "t.r]}\n");
	assert_true(seconds_of(WY_E_INVALID) < 10);
	assert_true(is_said("E105", "at most"));

	begin();
	wy_buf_add(&buf, "rules:\n- {id: t.r,fault: ELV-01,tier: S3,clear_hold: 5s,when: silence() > 1h,scope: [");
	for (unsigned i = 0; i < 50000; i++)
		wy_buf_add(&buf, "lift,");
	wy_buf_add(&buf, "lift]}\n");
	assert_true(seconds_of(WY_E_INVALID) < 10);
	assert_true(is_said("E105", "1 to 64 classes"));
}

static void an_empty_file_of_rules_is_a_set(void **state)
{
	(void)state;
	begin();
	wy_buf_add(&buf, "rules: []\n");
	assert_int_equal(compile(), WY_OK);
	begin();
	wy_buf_add(&buf, "rules:\n");
	assert_int_equal(compile(), WY_E_INVALID);
	begin();
	wy_buf_add(&buf, "rules: [a, [], {}, null]\n");
	assert_int_equal(compile(), WY_E_INVALID);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_expression_has_at_most_512_parts),
		cmocka_unit_test(an_expression_is_at_most_32_deep),
		cmocka_unit_test(a_megabyte_in_one_condition_is_refused),
		cmocka_unit_test(bytes_that_are_no_text_are_named_and_not_swallowed),
		cmocka_unit_test(a_summary_with_stray_braces_is_named),
		cmocka_unit_test(thousands_of_rules_take_reasonable_time),
		cmocka_unit_test(long_lists_are_refused_or_read),
		cmocka_unit_test(an_empty_file_of_rules_is_a_set),
	};

	return cmocka_run_group_tests(tests, open_all, close_all);
}
