/* register_list.c: see register_list.h. The file is taken into memory whole: manuals are small, and a cell may go on over
 * many lines. */
#include "register_list.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "csv_file.h"
#include "decode.h"

struct list_text {
	const struct wy_source *source;
	struct wy_diags *diags;
	char *at;
	size_t len;
	char separator;
};

static enum wy_err say(const struct list_text *list, enum wy_err err, const char *what)
{
	wy_diag_at(list->diags, WY_DIAG_ERROR, "E831", list->source, (struct wy_place){1, 1}, "%s", what);
	return err;
}

/* ---- Bytes -------------------------------------------------------------------------------------- */

static enum wy_err load(struct list_text *list)
{
	FILE *file = fopen(list->source->name, "rb");

	if (!file)
		return say(list, WY_E_IO, errno == ENOENT ? "cannot be read: there is no such file" : "cannot be read");
	list->at = wy_arena_alloc(list->diags->arena, WY_FILE_BYTES_MAX + 1);
	list->len = list->at ? fread(list->at, 1, WY_FILE_BYTES_MAX + 1, file) : 0;
	bool is_broken = ferror(file) != 0;
	fclose(file);
	if (!list->at)
		return WY_E_NOMEM;
	if (is_broken)
		return say(list, WY_E_IO, "cannot be read");
	if (list->len > WY_FILE_BYTES_MAX)
		return say(list, WY_E_LIMIT, "a register list of more than a megabyte");
	if (memchr(list->at, '\0', list->len))
		return say(list, WY_E_INVALID, "this is no text; save the list as CSV");
	return WY_OK;
}

static size_t n_following(unsigned char c)
{
	if (c < 0x80)
		return 0;
	if (c >= 0xC2 && c < 0xE0)
		return 1;
	if (c >= 0xE0 && c < 0xF0)
		return 2;
	return c >= 0xF0 && c < 0xF5 ? 3 : SIZE_MAX;
}

static bool is_utf8(const char *at, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		size_t n = n_following((unsigned char)at[i]);
		if (n == SIZE_MAX || n >= len - i)
			return false;
		for (; n; n--)
			if (((unsigned char)at[++i] & 0xC0) != 0x80)
				return false;
	}
	return true;
}

static enum wy_err to_utf8(struct list_text *list)
{
	static const char mark[] = "\xEF\xBB\xBF"; /* spreadsheets put it in front of UTF-8 */

	if (list->len >= 3 && memcmp(list->at, mark, 3) == 0) {
		list->at += 3;
		list->len -= 3;
	}
	if (is_utf8(list->at, list->len))
		return WY_OK;
	size_t room = list->len * 2; /* two bytes become three at most */
	char *text = wy_arena_alloc(list->diags->arena, room);
	if (!text)
		return WY_E_NOMEM;
	size_t n = sensor_utf8_of_gb18030(list->at, list->len, text, room);
	if (!n)
		return say(list, WY_E_UNSUPPORTED, "neither UTF-8 nor GB 18030; save the list as UTF-8");
	list->at = text;
	list->len = n;
	return WY_OK;
}

/* ---- Rows --------------------------------------------------------------------------------------- */

static void find_separator(struct list_text *list)
{
	static const char separators[] = {',', ';', '\t'};
	size_t most = 0;

	list->separator = ',';
	for (size_t k = 0; k < sizeof(separators); k++) {
		size_t n = 0;
		for (size_t i = 0; i < list->len; i++)
			n += list->at[i] == separators[k];
		if (n <= most)
			continue;
		most = n;
		list->separator = separators[k];
	}
}

/* The line end that ends the row: not one within quotes. A quote opens only where a cell begins: 5" is no quote. One that
 * is never closed ends with its line. */
static const char *end_of_row(const struct list_text *list, const char *at)
{
	const char *end = list->at + list->len;
	const char *first = memchr(at, '\n', (size_t)(end - at));
	bool is_quoted = false, is_start = true;

	for (const char *c = at; c < end; c++) {
		if (*c == '\n' && !is_quoted)
			return c;
		bool is_doubled = is_quoted && *c == '"' && c + 1 < end && c[1] == '"';
		if (*c == '"' && !is_doubled && (is_quoted || is_start))
			is_quoted = !is_quoted;
		is_start = *c == list->separator || (is_start && *c == ' ');
		c += is_doubled;
	}
	return is_quoted && first ? first : end;
}

/* A copy of a cell: quotes within it single again, line ends and tabs as blanks, none at either end. */
static const char *copy_cell(struct wy_arena *arena, const char *text, size_t len)
{
	char *copy = wy_arena_alloc(arena, len + 1);
	size_t n = 0;

	for (size_t i = 0; copy && i < len; i++) {
		unsigned char c = (unsigned char)text[i];
		if (c == '"' && i + 1 < len && text[i + 1] == '"')
			i++;
		if (c > ' ' || n)
			copy[n++] = c < ' ' ? ' ' : (char)c;
	}
	while (n && copy[n - 1] == ' ')
		n--;
	if (copy)
		copy[n] = '\0';
	return copy;
}

static enum wy_err read_row(const struct list_text *list, const char *at, const char *end, struct list_row *row)
{
	struct csv_cells cells = {at, end > at && end[-1] == '\r' ? end - 1 : end, list->separator};
	const char *text;
	size_t len, n = 1;

	for (const char *c = at; c < end; c++)
		n += *c == list->separator;
	const char **cell = wy_arena_array(list->diags->arena, n, sizeof(*cell));
	if (!cell)
		return WY_E_NOMEM;
	row->cell = cell;
	while (row->n < n && csv_cell(&cells, &text, &len)) {
		cell[row->n] = copy_cell(list->diags->arena, text, len);
		if (!cell[row->n++])
			return WY_E_NOMEM;
	}
	return WY_OK;
}

static enum wy_err read_rows(const struct list_text *list, struct list_row *rows, size_t *ret_n)
{
	const char *end = list->at + list->len;
	uint32_t line = 1;

	for (const char *at = list->at; at < end;) {
		const char *stop = end_of_row(list, at);
		struct list_row *row = &rows[(*ret_n)++];
		row->line = line;
		enum wy_err err = read_row(list, at, stop, row);
		if (err)
			return err;
		for (const char *c = at; c < stop; c++)
			line += *c == '\n';
		line++;
		at = stop < end ? stop + 1 : end;
	}
	return WY_OK;
}

enum wy_err register_list_read(const char *path, struct wy_diags *diags, struct list_row **ret_rows, size_t *ret_n)
{
	struct wy_source *source = wy_arena_alloc(diags->arena, sizeof(*source));
	struct list_text list = {.source = source, .diags = diags};
	size_t n_lines = 1, n = 0;

	if (!source)
		return WY_E_NOMEM;
	source->name = path;
	source->text = "";
	enum wy_err err = load(&list);
	if (!err)
		err = to_utf8(&list);
	if (err)
		return err;
	find_separator(&list);
	for (size_t i = 0; i < list.len; i++)
		n_lines += list.at[i] == '\n';
	struct list_row *rows = wy_arena_array(diags->arena, n_lines, sizeof(*rows));
	err = rows ? read_rows(&list, rows, &n) : WY_E_NOMEM;
	if (err)
		return err;
	*ret_rows = rows;
	*ret_n = n;
	return WY_OK;
}
