/* tree_test.c: YAML in, tree with exact places out; everything outside the subset is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "fields.h"
#include "yaml_tree.h"

struct bench {
	unsigned char *memory;
	struct wy_arena arena;
	struct wy_diags diags;
	const struct wy_node *root;
};

static void bench_open(struct bench *b, size_t size)
{
	b->memory = malloc(size);
	wy_arena_init(&b->arena, b->memory, size);
	wy_diags_init(&b->diags, &b->arena);
	b->root = NULL;
}

static enum wy_err load(struct bench *b, const char *text)
{
	return yaml_load_text("t.yaml", text, strlen(text), &b->arena, &b->diags, &b->root);
}

static void keeps_every_scalar_as_text(void **state)
{
	struct bench b;
	(void)state;

	bench_open(&b, 65536);
	assert_int_equal(load(&b, "a: no\nb: 012\nc: 12:30\nd: [x, \"y z\"]\n"), WY_OK);
	assert_string_equal(wy_node_get(b.root, "a")->text, "no");
	assert_string_equal(wy_node_get(b.root, "b")->text, "012");
	assert_string_equal(wy_node_get(b.root, "c")->text, "12:30");
	assert_string_equal(wy_node_get(b.root, "d")->child->next->text, "y z");
	assert_int_equal(wy_node_get(b.root, "d")->n, 2);
	free(b.memory);
}

static void finds_the_place_inside_a_folded_scalar(void **state)
{
	struct bench b;
	(void)state;

	bench_open(&b, 65536);
	assert_int_equal(load(&b, "漏: 1\nwhen: >\n  running\n  and dor_zone\nq: \"ab cd\"\n"), WY_OK);
	const struct wy_node *when = wy_node_get(b.root, "when");
	size_t at = (size_t)(strstr(when->text, "dor_zone") - when->text);
	struct wy_place place = wy_node_place(when, at);
	assert_int_equal(place.line, 4);
	assert_int_equal(place.column, 7);
	place = wy_node_place(wy_node_get(b.root, "q"), 3);
	assert_int_equal(place.line, 5);
	assert_int_equal(place.column, 8);
	free(b.memory);
}

static void refuses_what_is_outside_the_subset(void **state)
{
	static const struct {
		const char *text;
		uint32_t line, column;
		const char *words;
	} rows[] = {
		{"a: &x 1\n", 1, 4, "anchors"},
		{"a: !!str 1\n", 1, 4, "tags"},
		{"a: 1\nb: *x\n", 2, 4, "aliases"},
		{"<<: {a: 1}\n", 1, 1, "merge"},
		{"a: 1\nb: 2\na: 3\n", 3, 1, "second time"},
		{"a: 1\n---\nb: 2\n", 2, 1, "one document"},
		{"{a: 1\n", 2, 1, "not YAML"},
		{"", 1, 1, "empty"},
		{"? [a]\n: 1\n", 1, 3, "key must be text"},
		{"a: \"\\0\"\n", 1, 4, "NUL"},
		{"a: 1\rb: 2\n", 1, 5, "line feed"},
		{"a: 1\nb: x\xE2\x80\xA8y\n", 2, 5, "line feed"},
	};
	(void)state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct bench b;
		bench_open(&b, 65536);
		assert_int_equal(load(&b, rows[i].text), WY_E_INVALID);
		assert_int_equal(b.diags.errors, 1);
		assert_int_equal(b.diags.item[0].place.line, rows[i].line);
		assert_int_equal(b.diags.item[0].place.column, rows[i].column);
		assert_non_null(strstr(b.diags.item[0].text, rows[i].words));
		free(b.memory);
	}
}

static void an_error_is_kept_though_warnings_have_filled_the_list(void **state)
{
	struct bench b;
	(void)state;

	bench_open(&b, 1 << 20);
	wy_diag_add(&b.diags, WY_DIAG_ERROR, "E101", NULL, 0, "first");
	for (unsigned i = 0; i < WY_DIAGS_MAX + 50; i++)
		wy_diag_add(&b.diags, WY_DIAG_WARNING, "W601", NULL, 0, "warning %u", i);
	wy_diag_add(&b.diags, WY_DIAG_ERROR, "E102", NULL, 0, "second");
	wy_diag_add(&b.diags, WY_DIAG_ERROR, "E103", NULL, 0, "third");
	assert_int_equal(b.diags.n, WY_DIAGS_MAX);
	assert_int_equal(b.diags.errors, 3);
	assert_int_equal(b.diags.warnings, WY_DIAGS_MAX + 50);
	assert_string_equal(b.diags.item[0].code, "E101");
	assert_string_equal(b.diags.item[WY_DIAGS_MAX - 3].text, "warning 196");
	assert_string_equal(b.diags.item[WY_DIAGS_MAX - 2].code, "E102");
	assert_string_equal(b.diags.item[WY_DIAGS_MAX - 1].text, "third");
	for (unsigned i = 0; i < WY_DIAGS_MAX + 50; i++)
		wy_diag_add(&b.diags, WY_DIAG_ERROR, "E104", NULL, 0, "error %u", i);
	assert_string_equal(b.diags.item[0].code, "E101");
	assert_string_equal(b.diags.item[WY_DIAGS_MAX - 1].text, "error 196");
	free(b.memory);
}

static void refuses_deep_nesting_without_a_crash(void **state)
{
	char text[2001];
	struct bench b;
	(void)state;

	memset(text, '[', 1000);
	memset(text + 1000, ']', 1000);
	text[2000] = '\0';
	bench_open(&b, 1 << 20);
	assert_int_equal(load(&b, text), WY_E_INVALID);
	assert_non_null(strstr(b.diags.item[0].text, "deep"));
	free(b.memory);
}

static void fails_cleanly_at_every_size_of_memory(void **state)
{
	static const char text[] = "a: {b: [1, 2, 3], c: \"text\"}\nd: e\n";
	bool has_worked = false;
	(void)state;

	for (size_t size = 1; size < 8192 && !has_worked; size += 16) {
		struct bench b;
		bench_open(&b, size);
		has_worked = load(&b, text) == WY_OK;
		free(b.memory);
	}
	assert_true(has_worked);
}

static void reads_a_map_by_rows_and_reports_every_mistake(void **state)
{
	struct target {
		const char *name;
		int64_t n;
		wy_ms wait;
		int kind;
		bool on;
	} target = {.wait = 7};
	static const char *const kinds[] = {"tcp", "rtu", NULL};
	const struct wy_field rows[] = {
		{"name", WY_FIELD_ID, offsetof(struct target, name), true, 0, 0, NULL, "its name"},
		{"n", WY_FIELD_INT, offsetof(struct target, n), false, 1, 10, NULL, NULL},
		{"wait", WY_FIELD_DURATION, offsetof(struct target, wait), false, 0, 0, NULL, NULL},
		{"kind", WY_FIELD_CHOICE, offsetof(struct target, kind), false, 0, 0, kinds, NULL},
		{"on", WY_FIELD_BOOL, offsetof(struct target, on), false, 0, 0, NULL, NULL},
	};
	struct bench b;
	(void)state;

	bench_open(&b, 65536);
	assert_int_equal(load(&b, "n: 11\nkind: tpc\non: yes\nwiat: 5s\n"), WY_OK);
	assert_int_equal(wy_fields_read(b.root, rows, 5, &target, &b.diags), WY_E_INVALID);
	assert_int_equal(b.diags.errors, 5);
	assert_non_null(strstr(b.diags.item[0].text, "1 to 10"));
	assert_non_null(strstr(b.diags.item[1].text, "did you mean 'tcp'"));
	assert_non_null(strstr(b.diags.item[2].text, "true or false"));
	assert_non_null(strstr(b.diags.item[3].text, "did you mean 'wait'"));
	assert_non_null(strstr(b.diags.item[4].text, "'name' is missing"));
	assert_int_equal(target.wait, 7);
	free(b.memory);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keeps_every_scalar_as_text),
		cmocka_unit_test(finds_the_place_inside_a_folded_scalar),
		cmocka_unit_test(refuses_what_is_outside_the_subset),
		cmocka_unit_test(an_error_is_kept_though_warnings_have_filled_the_list),
		cmocka_unit_test(refuses_deep_nesting_without_a_crash),
		cmocka_unit_test(fails_cleanly_at_every_size_of_memory),
		cmocka_unit_test(reads_a_map_by_rows_and_reports_every_mistake),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
