/* table_test.c: columns line up, also with Chinese text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"

static void chinese_takes_two_cells(void **state)
{
	static const struct {
		const char *text;
		size_t width;
	} rows[] = {{"", 0}, {"abc", 3}, {"困人", 4}, {"3A栋2号梯", 9}, {"℃", 1}, {"（1）", 5}, {"𠀀", 2},
		    {"\xe5\x9b", 1}, {"\xff", 1}};
	(void)state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		assert_int_equal(table_width(rows[i].text), rows[i].width);
}

/* What table_print() writes, through a pipe in place of stdout. */
static void print_into(const struct table *table, char *out, size_t size)
{
	int ends[2];
	int kept = dup(STDOUT_FILENO);

	assert_int_equal(pipe(ends), 0);
	fflush(stdout);
	dup2(ends[1], STDOUT_FILENO);
	table_print(table);
	fflush(stdout);
	dup2(kept, STDOUT_FILENO);
	close(ends[1]);
	close(kept);
	ssize_t n = read(ends[0], out, size - 1);
	close(ends[0]);
	assert_true(n > 0);
	out[n] = '\0';
}

static void columns_line_up(void **state)
{
	struct table *table = table_new(3);
	char text[200];
	(void)state;

	assert_non_null(table);
	table_row(table, (const char *[]){"困人", "a", "x"});
	table_row(table, (const char *[]){"b", NULL, "y"});
	print_into(table, text, sizeof(text));
	assert_string_equal(text, "困人  a  x\nb     -  y\n");
	table_free(table);
}

static void grows_with_its_rows(void **state)
{
	static char text[8192];
	struct table *table = table_new(1);
	size_t lines = 0;
	(void)state;

	for (int i = 0; i < 1000; i++)
		table_row(table, (const char *[]){"r"});
	print_into(table, text, sizeof(text));
	for (const char *at = text; *at; at++)
		lines += *at == '\n';
	assert_int_equal(lines, 1000);
	table_free(table);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(chinese_takes_two_cells),
		cmocka_unit_test(columns_line_up),
		cmocka_unit_test(grows_with_its_rows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
