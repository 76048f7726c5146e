/* table.c: columns for a terminal. Width follows the ranges that terminals draw wide (CJK, kana,
 * hangul, full-width forms); combining marks are not expected in our texts. */
#include "cli.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct table {
	size_t columns;
	size_t n_rows, room;
	char **cells; /* n_rows * (columns + 1), owned; the last of a row is its note, or NULL */
};

static uint32_t next_char(const char **at)
{
	const unsigned char *s = (const unsigned char *)*at;
	unsigned extra = s[0] >= 0xF0 ? 3 : (s[0] >= 0xE0 ? 2 : (s[0] >= 0xC0 ? 1 : 0));
	uint32_t c = extra == 3 ? s[0] & 7u : (extra == 2 ? s[0] & 15u : (extra ? s[0] & 31u : s[0]));

	for (unsigned i = 1; i <= extra && s[i]; i++)
		c = c << 6 | (s[i] & 63u);
	for (unsigned i = 0; i <= extra && **at; i++)
		(*at)++;
	return c;
}

static bool is_wide(uint32_t c)
{
	static const struct {
		uint32_t first, last;
	} ranges[] = {{0x1100, 0x115F}, {0x2E80, 0xA4CF}, {0xAC00, 0xD7A3}, {0xF900, 0xFAFF},
		      {0xFE30, 0xFE6F}, {0xFF00, 0xFF60}, {0xFFE0, 0xFFE6}, {0x20000, 0x3FFFD}};

	for (size_t i = 0; i < sizeof(ranges) / sizeof(*ranges); i++)
		if (c >= ranges[i].first && c <= ranges[i].last)
			return true;
	return false;
}

size_t table_width(const char *text)
{
	size_t width = 0;

	while (*text)
		width += is_wide(next_char(&text)) ? 2 : 1;
	return width;
}

struct table *table_new(size_t columns)
{
	struct table *table = calloc(1, sizeof(*table));

	if (table)
		table->columns = columns < TABLE_COLUMNS_MAX ? columns : TABLE_COLUMNS_MAX;
	return table;
}

void table_row(struct table *table, const char *const *cells)
{
	table_row_with_note(table, cells, NULL);
}

void table_row_with_note(struct table *table, const char *const *cells, const char *note)
{
	size_t stride = table->columns + 1;

	if (table->n_rows == table->room) {
		size_t room = table->room ? table->room * 2 : 32;
		char **larger = realloc(table->cells, room * stride * sizeof(*larger));
		if (!larger)
			return; /* a row less on the screen of a machine without memory */
		table->cells = larger;
		table->room = room;
	}
	for (size_t c = 0; c < table->columns; c++)
		table->cells[table->n_rows * stride + c] = strdup(cells[c] ? cells[c] : "-");
	table->cells[table->n_rows * stride + table->columns] = note ? strdup(note) : NULL;
	table->n_rows++;
}

static const char *cell_of(const struct table *table, size_t row, size_t column)
{
	const char *cell = table->cells[row * (table->columns + 1) + column];
	return cell ? cell : "?";
}

void table_print(const struct table *table)
{
	size_t width[TABLE_COLUMNS_MAX] = {0};

	for (size_t r = 0; r < table->n_rows; r++)
		for (size_t c = 0; c < table->columns; c++) {
			size_t w = table_width(cell_of(table, r, c));
			width[c] = w > width[c] ? w : width[c];
		}
	for (size_t r = 0; r < table->n_rows; r++) {
		const char *note = table->cells[r * (table->columns + 1) + table->columns];
		for (size_t c = 0; c < table->columns; c++) {
			const char *cell = cell_of(table, r, c);
			bool is_last = c + 1 == table->columns;
			int pad = is_last ? 0 : (int)(width[c] - table_width(cell)) + 2;
			printf("%s%*s%s", cell, pad, "", is_last ? "\n" : "");
		}
		if (note)
			printf("    %s\n", note);
	}
}

void table_free(struct table *table)
{
	if (!table)
		return;
	for (size_t i = 0; i < table->n_rows * (table->columns + 1); i++)
		free(table->cells[i]);
	free(table->cells);
	free(table);
}
