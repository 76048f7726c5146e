/* rows.c: what the sensors say, brought into the order of time and written out. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "points.h"

struct row {
	ms_t at;
	uint32_t asset, point;
	uint32_t order; /* as they were said */
	double value;
};

enum { LOSS_BEGINS = 1000, LOSS_ENDS }; /* in place of a point */

struct heard { /* what an asset's points say, in the order of time */
	bool is_lost;
	bool has[POINTS_MAX];
	double value[POINTS_MAX];
};

struct rows {
	FILE *out;
	struct row *rows;
	size_t n, size, written;
	uint32_t order;
	struct heard *heard;
};

const struct point_row point_rows[P_COUNT] = {
#define POINT(class, name, text, resolution) {CLASS_##class, text, resolution},
#include "points.def"
#undef POINT
};

static const char *const class_names[] = {
#define CLASS(id, name) name,
#include "classes.def"
#undef CLASS
};

const char *class_name(enum class_id class)
{
	return class_names[class];
}

static unsigned first_point(enum class_id class)
{
	unsigned i = 0;

	while (point_rows[i].class != class)
		i++;
	return i;
}

const char *point_name(enum class_id class, unsigned point)
{
	return point_rows[first_point(class) + point].name;
}

struct rows *rows_new(FILE *out, size_t n_assets)
{
	struct rows *rows = calloc(1, sizeof(*rows));

	if (rows) {
		rows->out = out;
		rows->heard = calloc(n_assets, sizeof(*rows->heard));
	}
	if (!rows || !rows->heard)
		abort();
	return rows;
}

/* Everything is polled once a second, each asset at an instant of its own: a change is seen at the next poll. */
static ms_t next_poll(ms_t at, uint32_t asset)
{
	ms_t phase = (ms_t)(asset * 379 % 1000);

	return at <= phase ? phase : phase + (at - phase + SECOND - 1) / SECOND * SECOND;
}

void rows_add(struct rows *rows, ms_t at, uint32_t asset, uint32_t point, double value)
{
	if (rows->n == rows->size) {
		rows->size = rows->size ? 2 * rows->size : 1 << 16;
		rows->rows = realloc(rows->rows, rows->size * sizeof(*rows->rows));
		if (!rows->rows)
			abort();
	}
	rows->rows[rows->n++] = (struct row){next_poll(at, asset), asset, point, rows->order++, value};
}

static int by_time(const void *a, const void *b)
{
	const struct row *x = a;
	const struct row *y = b;

	if (x->at != y->at)
		return x->at < y->at ? -1 : 1;
	if (x->asset != y->asset)
		return x->asset < y->asset ? -1 : 1;
	if (x->point != y->point)
		return x->point < y->point ? -1 : 1;
	return x->order < y->order ? -1 : x->order > y->order;
}

/* 2026-01-01 00:00 at UTC+8. */
static const ms_t start_ms = (ms_t)1767196800000;

static void write_value(struct rows *rows, const struct year *year, ms_t at, uint32_t which, unsigned point)
{
	const struct asset *asset = &year->assets[which];
	const struct point_row *row = &point_rows[first_point(asset->class) + point];
	double value = rows->heard[which].value[point];

	at += start_ms;
	fprintf(rows->out, "%" PRId64 ".%03d,%s,%s,", at / 1000, (int)(at % 1000), asset->id, row->name);
	if (rows->heard[which].is_lost)
		fputs("gap\n", rows->out);
	else
		fprintf(rows->out, "%.*f\n", row->resolution <= 0 || row->resolution >= 1 ? 0 : row->resolution < 0.05 ? 3 : 1, value);
	rows->written++;
}

static void write_row(struct rows *rows, const struct year *year, const struct row *row)
{
	struct heard *heard = &rows->heard[row->asset];

	if (row->point < POINTS_MAX) {
		if (heard->has[row->point] && heard->value[row->point] == row->value)
			return;
		heard->has[row->point] = true;
		heard->value[row->point] = row->value;
		if (!heard->is_lost)
			write_value(rows, year, row->at, row->asset, row->point);
		return;
	}
	/* One row says that the whole asset is away; all its points speak when it is back. */
	heard->is_lost = row->point == LOSS_BEGINS;
	for (unsigned i = 0; i < POINTS_MAX; i++)
		if (heard->has[i]) {
			write_value(rows, year, row->at, row->asset, i);
			if (heard->is_lost)
				return;
		}
}

/* Of what happened between two polls only the end is seen. */
static bool is_outdated(const struct rows *rows, size_t i)
{
	const struct row *row = &rows->rows[i];

	return i + 1 < rows->n && row[1].at == row->at && row[1].asset == row->asset && row[1].point == row->point;
}

void rows_flush(struct rows *rows, const struct year *year, ms_t until)
{
	size_t done = 0;

	qsort(rows->rows, rows->n, sizeof(*rows->rows), by_time);
	for (; done < rows->n && rows->rows[done].at < until; done++)
		if (!is_outdated(rows, done))
			write_row(rows, year, &rows->rows[done]);
	memmove(rows->rows, rows->rows + done, (rows->n - done) * sizeof(*rows->rows));
	rows->n -= done;
}

size_t rows_free(struct rows *rows)
{
	size_t written = rows->written;

	free(rows->heard);
	free(rows->rows);
	free(rows);
	return written;
}

/* ---- Saying ------------------------------------------------------------------------------- */

void say(struct year *year, size_t asset, unsigned point, ms_t at, double value)
{
	struct asset *it = &year->assets[asset];
	double step = point_rows[first_point(it->class) + point].resolution;

	if (step > 0)
		value = floor(value / step + 0.5) * step;
	if (it->has_last[point] && it->last[point] == value)
		return;
	it->has_last[point] = true;
	it->last[point] = value;
	rows_add(year->rows, at, (uint32_t)asset, point, value);
}

void tell(struct year *year, size_t asset, enum point_id point, ms_t at, double value)
{
	say(year, asset, point - first_point(point_rows[point].class), at, value);
}

void lose(struct year *year, size_t asset, ms_t at, ms_t until)
{
	rows_add(year->rows, at, (uint32_t)asset, LOSS_BEGINS, 0);
	rows_add(year->rows, until, (uint32_t)asset, LOSS_ENDS, 0);
}
