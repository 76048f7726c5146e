/* csv_file.h: a table of readings, row by row, in a buffer that never grows.
 *
 * Two forms, told apart by the first line:
 *   wide  time,L1.car_temp,L1.mode     first column the time, each other one asset.point
 *   long  time,asset,point,value       and quality, if there is a column of that name; any order
 * The separator is the first of , ; tab in the first line. Cells may stand in double quotes. Lines that are
 * empty or begin with # say nothing. Times do not go back within a file. */
#ifndef CSV_FILE_H
#define CSV_FILE_H

#include "csv_text.h"
#include "diag.h"
#include "replay_names.h"

struct csv_cells { /* walks along a row */
	const char *at, *end; /* at: NULL behind the last cell */
	char separator;
};
/* The next cell, without its quotes; two quotes within it are left as they are. False: no more. */
bool csv_cell(struct csv_cells *cells, const char **ret_text, size_t *ret_len);

struct csv_column {
	uint32_t asset; /* NAMES_NONE: is not looked at */
	const struct wy_point *point;
	uint32_t point_index;
};

enum csv_role { CSV_ROLE_TIME, CSV_ROLE_ASSET, CSV_ROLE_POINT, CSV_ROLE_VALUE, CSV_ROLE_QUALITY, CSV_ROLES };

struct csv_file {
	const struct wy_source *source; /* its name, for messages; in the arena of the diags */
	int fd;
	char *memory; /* owned */
	size_t from, filled; /* of memory: not looked at yet */
	bool is_at_end;      /* the disk has no more */
	uint64_t bytes;      /* read so far */
	uint32_t line;       /* of the row, from 1 */
	struct csv_clock clock;
	bool is_long;
	char separator;
	struct csv_column *columns; /* owned; wide: by column, the first is the time */
	size_t n_columns;
	int roles[CSV_ROLES]; /* long: which column; -1: none */
	/* The row at hand. */
	bool has_row;
	wy_ms at_ms;
	const char *row, *row_end;
};

/* How strange columns, rows and mistakes are taken. All borrowed. */
struct csv_reading {
	const struct names *names;
	const struct wy_zone *zone;
	struct wy_diags *diags;
	bool is_lax; /* columns and rows of unknown assets and points are left out */
};

/* Opens, reads the first line, goes to the first row. WY_E_IO, WY_E_INVALID, WY_E_NOMEM: said in diags. */
WY_MUST_CHECK enum wy_err csv_open(struct csv_file *file, const char *path, const struct csv_reading *reading);
void csv_close(struct csv_file *file);
/* The next row; has_row is false behind the last one. Rows whose time is wrong are said and skipped. */
WY_MUST_CHECK enum wy_err csv_next(struct csv_file *file, const struct csv_reading *reading);
struct csv_cells csv_row(const struct csv_file *file);
/* A mistake in a cell of the row at hand, counted from 0. */
void csv_say(const struct csv_file *file, const struct csv_reading *reading, const char *code, unsigned cell,
	     const char *fmt, ...) __attribute__((format(printf, 5, 6)));

#endif
