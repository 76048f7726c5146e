/* csv_file.c: see csv_file.h. A window of WY_CSV_WINDOW_BYTES slides over the file; a row must fit into half of
 * it. Nothing is copied but the end of a window to its beginning. */
#include "csv_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- Cells ------------------------------------------------------------------------------------- */

/* A cell in quotes; two of them are one within it. What stands between them and the separator is skipped. */
static const char *end_of_quoted(const char *at, const char *end, const char **ret_text, size_t *ret_len)
{
	const char *close = at + 1;

	while (close < end && (*close != '"' || (close + 1 < end && close[1] == '"')))
		close += *close == '"' ? 2 : 1;
	*ret_text = at + 1;
	*ret_len = (size_t)(close - at - 1);
	return close < end ? close + 1 : end;
}

bool csv_cell(struct csv_cells *cells, const char **ret_text, size_t *ret_len)
{
	const char *at = cells->at, *end = cells->end;

	if (!at)
		return false;
	while (at < end && *at == ' ')
		at++;
	const char *text = at, *from = at;
	size_t len;
	bool is_quoted = at < end && *at == '"';
	if (is_quoted)
		from = end_of_quoted(at, end, &text, &len);
	const char *stop = memchr(from, cells->separator, (size_t)(end - from));
	cells->at = stop ? stop + 1 : NULL;
	if (!is_quoted) {
		const char *last = stop ? stop : end;
		while (last > text && last[-1] == ' ')
			last--;
		len = (size_t)(last - text);
	}
	*ret_text = text;
	*ret_len = len;
	return true;
}

struct csv_cells csv_row(const struct csv_file *file)
{
	return (struct csv_cells){file->row, file->row_end, file->separator};
}

/* ---- Words ------------------------------------------------------------------------------------- */

/* In characters of the line, from 1. */
static uint32_t column_of(const struct csv_file *file, unsigned cell)
{
	struct csv_cells cells = csv_row(file);
	const char *text = file->row;
	uint32_t column = 1;
	size_t len;

	for (unsigned i = 0; i <= cell; i++)
		if (!csv_cell(&cells, &text, &len))
			break;
	for (const char *c = file->row; c && c < text; c++)
		column += ((unsigned char)*c & 0xC0) != 0x80;
	return column;
}

void csv_say(const struct csv_file *file, const struct csv_reading *reading, const char *code, unsigned cell,
	     const char *fmt, ...)
{
	char text[400];
	struct wy_buf buf;
	va_list args;

	wy_buf_init(&buf, text, sizeof(text));
	va_start(args, fmt);
	wy_buf_vaddf(&buf, fmt, args);
	va_end(args);
	wy_diag_at(reading->diags, WY_DIAG_ERROR, code, file->source,
		   (struct wy_place){file->line, column_of(file, cell)}, "%s", text);
}

/* ---- Lines ------------------------------------------------------------------------------------- */

static enum wy_err fill(struct csv_file *file, const struct csv_reading *reading)
{
	memmove(file->memory, file->memory + file->from, file->filled - file->from);
	file->filled -= file->from;
	file->from = 0;
	while (!file->is_at_end && file->filled < WY_CSV_WINDOW_BYTES) {
		ssize_t n = read(file->fd, file->memory + file->filled, WY_CSV_WINDOW_BYTES - file->filled);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			csv_say(file, reading, "E821", 0, "cannot be read: %s", strerror(errno));
			return WY_E_IO;
		}
		file->is_at_end = n == 0;
		file->filled += (size_t)n;
		file->bytes += (uint64_t)n;
	}
	return WY_OK;
}

/* The next line without its end. WY_E_NOTFOUND: there is none. */
static enum wy_err next_line(struct csv_file *file, const struct csv_reading *reading, const char **ret_line,
			     const char **ret_end)
{
	for (unsigned round = 0;; round++) {
		const char *start = file->memory + file->from;
		size_t left = file->filled - file->from;
		const char *stop = memchr(start, '\n', left);
		bool is_last = !stop && file->is_at_end && left;
		if (stop || is_last) {
			const char *end = stop ? stop : start + left;
			file->from += (size_t)(end - start) + (stop ? 1 : 0);
			file->line++;
			*ret_line = start;
			*ret_end = end > start && end[-1] == '\r' ? end - 1 : end;
			return WY_OK;
		}
		if (file->is_at_end)
			return WY_E_NOTFOUND;
		if (round) {
			file->line++;
			csv_say(file, reading, "E825", 0, "a row of more than %u bytes", WY_CSV_WINDOW_BYTES);
			return WY_E_LIMIT;
		}
		enum wy_err err = fill(file, reading);
		if (err)
			return err;
	}
}

/* The next line that says something. */
static enum wy_err next_row(struct csv_file *file, const struct csv_reading *reading)
{
	enum wy_err err;

	do
		err = next_line(file, reading, &file->row, &file->row_end);
	while (!err && (file->row == file->row_end || *file->row == '#'));
	return err;
}

/* ---- The first line ---------------------------------------------------------------------------- */

static const char *const role_names[CSV_ROLES] = {"time", "asset", "point", "value", "quality"};

static void find_separator(struct csv_file *file)
{
	file->separator = ',';
	for (const char *at = file->row; at < file->row_end; at++) {
		if (*at == ',' || *at == ';' || *at == '\t') {
			file->separator = *at;
			return;
		}
	}
}

static void find_roles(struct csv_file *file)
{
	struct csv_cells cells = csv_row(file);
	const char *text;
	size_t len;

	for (unsigned role = 0; role < CSV_ROLES; role++)
		file->roles[role] = -1;
	for (int column = 0; csv_cell(&cells, &text, &len); column++)
		for (unsigned role = 0; role < CSV_ROLES; role++)
			if (csv_is_word(text, len, role_names[role]) && file->roles[role] < 0)
				file->roles[role] = column;
	file->is_long = file->roles[CSV_ROLE_ASSET] >= 0 && file->roles[CSV_ROLE_POINT] >= 0 &&
			file->roles[CSV_ROLE_VALUE] >= 0;
	if (file->roles[CSV_ROLE_TIME] < 0)
		file->roles[CSV_ROLE_TIME] = 0;
}

/* "L1.car_temp": ids may hold dots, points do not. */
static void find_column(struct csv_file *file, const struct csv_reading *reading, const char *text, size_t len,
			struct csv_column *column)
{
	unsigned at = (unsigned)file->n_columns - 1;
	size_t dot = len;

	column->asset = NAMES_NONE;
	while (dot && text[dot - 1] != '.')
		dot--;
	if (!dot) {
		if (!reading->is_lax)
			csv_say(file, reading, "E822", at, "'%.*s' is no column of readings; expected asset.point",
				(int)len, text);
		return;
	}
	uint32_t asset = names_asset(reading->names, text, dot - 1);
	if (asset == NAMES_NONE) {
		const char *near = names_near_asset(reading->names, text, dot - 1);
		if (!reading->is_lax)
			csv_say(file, reading, "E822", at, "unknown asset '%.*s'%s%s%s", (int)(dot - 1), text,
				near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
		return;
	}
	uint32_t point = names_point(reading->names, asset, text + dot, len - dot);
	if (point == NAMES_NONE) {
		const char *near = names_near_point(reading->names, asset, text + dot, len - dot);
		if (!reading->is_lax)
			csv_say(file, reading, "E822", at, "unknown point '%.*s'%s%s%s", (int)(len - dot), text + dot,
				near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
		return;
	}
	*column = (struct csv_column){asset, names_model(reading->names, asset, point), point};
}

static enum wy_err read_columns(struct csv_file *file, const struct csv_reading *reading)
{
	struct csv_cells cells = csv_row(file);
	const char *text;
	size_t len, n = 1;

	for (const char *c = file->row; c < file->row_end; c++)
		n += *c == file->separator;
	file->columns = calloc(n, sizeof(*file->columns));
	if (!file->columns)
		return WY_E_NOMEM;
	while (csv_cell(&cells, &text, &len) && file->n_columns < n) {
		struct csv_column *column = &file->columns[file->n_columns++];
		column->asset = NAMES_NONE;
		if (file->n_columns > 1)
			find_column(file, reading, text, len, column);
	}
	if (n < 2)
		csv_say(file, reading, "E821", 0, "no columns: expected a first line such as 'time,L1.mode' or "
			"'time,asset,point,value'");
	return WY_OK;
}

static enum wy_err read_head(struct csv_file *file, const struct csv_reading *reading)
{
	static const char mark[] = "\xEF\xBB\xBF"; /* spreadsheets put it in front of UTF-8 */
	size_t n_errors = reading->diags->errors;
	enum wy_err err = next_row(file, reading);

	if (err == WY_E_NOTFOUND)
		csv_say(file, reading, "E821", 0, "empty: expected a first line such as 'time,L1.mode' or "
			"'time,asset,point,value'");
	if (err)
		return err == WY_E_NOTFOUND ? WY_E_INVALID : err;
	if (file->row_end - file->row >= 3 && memcmp(file->row, mark, 3) == 0)
		file->row += 3;
	find_separator(file);
	find_roles(file);
	err = file->is_long ? WY_OK : read_columns(file, reading);
	if (!err && reading->diags->errors != n_errors)
		err = WY_E_INVALID;
	return err;
}

enum wy_err csv_open(struct csv_file *file, const char *path, const struct csv_reading *reading)
{
	memset(file, 0, sizeof(*file));
	struct wy_source *source = wy_arena_alloc(reading->diags->arena, sizeof(*source));
	file->fd = -1;
	if (!source)
		return WY_E_NOMEM;
	source->name = path;
	source->text = "";
	file->source = source;
	file->at_ms = WY_MS_NONE;
	file->clock.zone = reading->zone;
	file->fd = open(path, O_RDONLY | O_CLOEXEC);
	if (file->fd < 0) {
		csv_say(file, reading, "E821", 0, "cannot be read: %s", strerror(errno));
		return WY_E_IO;
	}
	file->memory = malloc(WY_CSV_WINDOW_BYTES);
	enum wy_err err = file->memory ? read_head(file, reading) : WY_E_NOMEM;
	if (!err)
		err = csv_next(file, reading);
	if (err)
		csv_close(file);
	return err;
}

void csv_close(struct csv_file *file)
{
	if (file->fd >= 0)
		(void)close(file->fd);
	file->fd = -1;
	free(file->memory);
	free(file->columns);
	file->memory = NULL;
	file->columns = NULL;
	file->has_row = false;
}

/* ---- Rows -------------------------------------------------------------------------------------- */

/* False: said. */
static bool read_time(struct csv_file *file, const struct csv_reading *reading)
{
	struct csv_cells cells = csv_row(file);
	int wanted = file->is_long ? file->roles[CSV_ROLE_TIME] : 0;
	const char *text = "";
	size_t len = 0;
	wy_ms at_ms;

	for (int column = 0; column <= wanted; column++)
		if (!csv_cell(&cells, &text, &len))
			len = 0;
	if (!csv_time(&file->clock, text, len, file->at_ms, &at_ms)) {
		csv_say(file, reading, "E823", (unsigned)wanted, "'%.*s' is no time; expected one such as 2026-03-29T03:01:10+02:00 or "
			"Unix seconds", (int)(len < 60 ? len : 60), text);
		return false;
	}
	if (at_ms < file->at_ms) {
		csv_say(file, reading, "E823", (unsigned)wanted, "the time goes back: '%.*s' is earlier than the row before",
			(int)(len < 60 ? len : 60), text);
		return false;
	}
	file->at_ms = at_ms;
	return true;
}

enum wy_err csv_next(struct csv_file *file, const struct csv_reading *reading)
{
	enum wy_err err;

	do {
		err = next_row(file, reading);
		file->has_row = !err;
		if (err)
			return err == WY_E_NOTFOUND ? WY_OK : err;
	} while (!read_time(file, reading) && reading->diags->errors < WY_CSV_ERRORS_MAX);
	return reading->diags->errors < WY_CSV_ERRORS_MAX ? WY_OK : WY_E_INVALID;
}
