/* power_disk.c: see power_disk.h. */
#include "power_disk.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SECTOR = 512, ALL_COMBINATIONS = 6, ALL_NAMES = 3, DIR_OPS = 32, NONE = -1 };

enum keep { DROPPED, KEPT, HEAD, TAIL, SOME_SECTORS };

struct bytes {
	unsigned char *at;
	size_t size, room;
};

struct cursor {
	const struct power_log *log;
	struct bytes safe[POWER_FILES]; /* contents that no cut takes away */
	int names[POWER_NAMES];         /* safe names */
	size_t *pending;                /* calls on contents since */
	unsigned char *keep;            /* enum keep of each of them: the present choice */
	size_t n_pending;
	size_t dir_op[DIR_OPS]; /* calls on names since */
	size_t n_dir;
	size_t marks;
	/* the choice, beside keep */
	size_t torn;   /* HEAD, TAIL: the border, from the start of the file */
	uint64_t salt; /* SOME_SECTORS: which */
	uint32_t dir_kept;
	bool is_grown, is_rubbish; /* files have their last size, and what is in the gap */
	struct bytes built[POWER_NAMES];
};

struct run {
	struct cursor cursor;
	const struct power_plan *plan;
	power_visit *visit;
	void *arg;
	uint64_t noise;
};

static void give_up(const char *what)
{
	fprintf(stderr, "power_disk: %s\n", what);
	abort();
}

static uint64_t mix(uint64_t x)
{
	x ^= x >> 30;
	x *= 0xBF58476D1CE4E5B9u;
	x ^= x >> 27;
	x *= 0x94D049BB133111EBu;
	return x ^ x >> 31;
}

static uint64_t draw(struct run *run, uint64_t n)
{
	run->noise += 0x9E3779B97F4A7C15u;
	return mix(run->noise) % n;
}

/* ---- Contents --------------------------------------------------------------------------------------- */

static void set_size(struct bytes *bytes, size_t size, unsigned char filling)
{
	if (size > bytes->room) {
		bytes->room = 2 * size;
		bytes->at = realloc(bytes->at, bytes->room);
		if (!bytes->at)
			give_up("out of memory");
	}
	if (size > bytes->size)
		memset(bytes->at + bytes->size, filling, size - bytes->size);
	bytes->size = size;
}

/* The part [from, to) of the file, of what the call wrote. */
static void put_part(struct bytes *bytes, const struct power_op *op, size_t from, size_t to)
{
	if (from < op->at)
		from = op->at;
	if (to > op->at + op->len)
		to = op->at + op->len;
	if (from >= to)
		return;
	if (to > bytes->size)
		set_size(bytes, to, 0);
	memcpy(bytes->at + from, op->bytes + (from - op->at), to - from);
}

static void put_sectors(struct bytes *bytes, const struct power_op *op, uint64_t salt)
{
	for (size_t at = op->at / SECTOR * SECTOR; at < op->at + op->len; at += SECTOR)
		if (mix(salt ^ at) & 1)
			put_part(bytes, op, at, at + SECTOR);
}

static void put(struct bytes *bytes, const struct power_op *op, enum keep keep, size_t border, uint64_t salt)
{
	if (op->kind == POWER_TRUNCATE) {
		if (keep != DROPPED)
			set_size(bytes, op->at, 0);
		return;
	}
	switch (keep) {
	case DROPPED:
		break;
	case KEPT:
		put_part(bytes, op, 0, SIZE_MAX);
		break;
	case HEAD:
		put_part(bytes, op, 0, border);
		break;
	case TAIL:
		put_part(bytes, op, border, SIZE_MAX);
		break;
	case SOME_SECTORS:
		put_sectors(bytes, op, salt);
	}
}

static void put_name(const struct power_op *op, int names[POWER_NAMES])
{
	if (op->kind == POWER_RENAME) {
		names[op->to] = op->file;
		names[op->name] = NONE;
	} else {
		names[op->name] = op->kind == POWER_LINK ? op->file : NONE;
	}
}

/* ---- From a choice to a disk -------------------------------------------------------------------------- */

static size_t last_size(const struct cursor *cursor, int file)
{
	size_t size = cursor->safe[file].size;

	for (size_t i = 0; i < cursor->n_pending; i++) {
		const struct power_op *op = &cursor->log->op[cursor->pending[i]];
		if (op->file != file)
			continue;
		size_t end = op->at + op->len;
		size = op->kind == POWER_TRUNCATE || end > size ? end : size;
	}
	return size;
}

static void build_file(struct cursor *cursor, int file, struct bytes *out)
{
	const struct bytes *safe = &cursor->safe[file];

	out->size = 0;
	set_size(out, safe->size, 0);
	if (safe->size)
		memcpy(out->at, safe->at, safe->size);
	for (size_t i = 0; i < cursor->n_pending; i++) {
		const struct power_op *op = &cursor->log->op[cursor->pending[i]];
		if (op->file == file)
			put(out, op, cursor->keep[i], cursor->torn, cursor->salt + i * 7919);
	}
	if (cursor->is_grown && last_size(cursor, file) > out->size)
		set_size(out, last_size(cursor, file), cursor->is_rubbish ? 0xA5 : 0);
}

static uint64_t hash_bytes(uint64_t hash, const unsigned char *bytes, size_t n)
{
	for (; n >= 8; n -= 8, bytes += 8) {
		uint64_t word;
		memcpy(&word, bytes, 8);
		hash = (hash ^ word) * 0x9E3779B97F4A7C15u;
		hash ^= hash >> 29;
	}
	for (; n > 0; n--, bytes++)
		hash = (hash ^ *bytes) * 0x100000001B3u;
	return mix(hash);
}

static void show(struct run *run)
{
	struct cursor *cursor = &run->cursor;
	struct power_disk disk = {.n = 0, .hash = 1};
	int names[POWER_NAMES];

	memcpy(names, cursor->names, sizeof(names));
	for (size_t i = 0; i < cursor->n_dir; i++)
		if (cursor->dir_kept & 1u << i)
			put_name(&cursor->log->op[cursor->dir_op[i]], names);
	for (int i = 0; i < cursor->log->n_names; i++) {
		if (names[i] == NONE)
			continue;
		build_file(cursor, names[i], &cursor->built[i]);
		disk.file[disk.n++] = (struct power_image){cursor->log->name[i], cursor->built[i].at,
							   cursor->built[i].size};
		disk.hash = hash_bytes(disk.hash ^ (uint64_t)i * 65537u, cursor->built[i].at,
				       cursor->built[i].size);
	}
	run->visit(run->arg, &disk, cursor->marks);
}

/* ---- Choices ------------------------------------------------------------------------------------------ */

static void keep_all(struct cursor *cursor, enum keep keep)
{
	memset(cursor->keep, (int)keep, cursor->n_pending);
}

/* The present choice, with the sizes that go with it, and with files that have grown already. */
static void show_sizes(struct run *run)
{
	run->cursor.is_grown = false;
	show(run);
	run->cursor.is_grown = true;
	run->cursor.is_rubbish = draw(run, 2) == 0;
	show(run);
	run->cursor.is_grown = false;
}

static void show_combinations(struct run *run)
{
	struct cursor *cursor = &run->cursor;

	for (uint32_t set = 0; set < 1u << cursor->n_pending; set++) {
		for (size_t i = 0; i < cursor->n_pending; i++)
			cursor->keep[i] = set & 1u << i ? KEPT : DROPPED;
		show_sizes(run);
	}
}

static void show_many(struct run *run)
{
	struct cursor *cursor = &run->cursor;
	size_t n = cursor->n_pending;

	for (size_t i = 0; i < n; i++) {
		keep_all(cursor, DROPPED); /* only this */
		cursor->keep[i] = KEPT;
		show_sizes(run);
		keep_all(cursor, KEPT); /* all but this */
		cursor->keep[i] = DROPPED;
		show_sizes(run);
	}
	for (size_t i = 0; i <= n; i++) {
		memset(cursor->keep, KEPT, i); /* the first i */
		memset(cursor->keep + i, DROPPED, n - i);
		show_sizes(run);
		memset(cursor->keep, DROPPED, i); /* all but the first i */
		memset(cursor->keep + i, KEPT, n - i);
		show_sizes(run);
	}
	for (unsigned k = 0; k < run->plan->n_random; k++) {
		uint64_t odds = draw(run, 8) + 1;
		for (size_t i = 0; i < n; i++)
			cursor->keep[i] = draw(run, 9) < odds ? KEPT : DROPPED;
		show_sizes(run);
	}
}

/* One call torn at one border: after all before it and nothing after it, and with all others there. */
static void show_tear(struct run *run, size_t i, size_t border)
{
	struct cursor *cursor = &run->cursor;

	cursor->torn = border;
	for (enum keep part = HEAD; part <= TAIL; part++) {
		keep_all(cursor, DROPPED);
		memset(cursor->keep, KEPT, i);
		cursor->keep[i] = (unsigned char)part;
		show_sizes(run);
		keep_all(cursor, KEPT);
		cursor->keep[i] = (unsigned char)part;
		show(run);
	}
}

static void show_tears(struct run *run)
{
	struct cursor *cursor = &run->cursor;

	for (size_t i = 0; i < cursor->n_pending; i++) {
		const struct power_op *op = &cursor->log->op[cursor->pending[i]];
		size_t first = op->at / SECTOR + 1, last = (op->at + op->len - 1) / SECTOR;
		if (op->kind != POWER_WRITE || op->len == 0 || first > last)
			continue;
		if (!run->plan->is_every_border)
			first = last = first + draw(run, last - first + 1);
		for (size_t border = first; border <= last; border++)
			show_tear(run, i, border * SECTOR);
	}
}

static void show_sector_sets(struct run *run)
{
	for (unsigned k = 0; k < run->plan->n_random; k++) {
		keep_all(&run->cursor, SOME_SECTORS);
		run->cursor.salt = draw(run, UINT64_MAX);
		for (size_t i = 0; i < run->cursor.n_pending; i++)
			if (draw(run, 4) == 0)
				run->cursor.keep[i] = draw(run, 2) ? KEPT : DROPPED;
		show_sizes(run);
	}
}

static void show_contents(struct run *run)
{
	struct cursor *cursor = &run->cursor;

	if (cursor->n_pending <= ALL_COMBINATIONS)
		show_combinations(run);
	else
		show_many(run);
	if (cursor->n_pending == 0)
		return;
	show_tears(run);
	show_sector_sets(run);
}

static void show_cut(struct run *run)
{
	struct cursor *cursor = &run->cursor;
	uint32_t sets = 1u << cursor->n_dir;

	if (cursor->n_dir <= ALL_NAMES) {
		for (cursor->dir_kept = 0; cursor->dir_kept < sets; cursor->dir_kept++)
			show_contents(run);
		return;
	}
	for (size_t i = 0; i <= cursor->n_dir; i++) { /* names reach a disk in their order */
		cursor->dir_kept = (uint32_t)((1ull << i) - 1);
		show_contents(run);
	}
}

/* ---- Along the log -------------------------------------------------------------------------------------- */

static void make_safe(struct cursor *cursor, int file)
{
	size_t kept = 0;

	for (size_t i = 0; i < cursor->n_pending; i++) {
		const struct power_op *op = &cursor->log->op[cursor->pending[i]];
		if (op->file == file)
			put(&cursor->safe[file], op, KEPT, 0, 0);
		else
			cursor->pending[kept++] = cursor->pending[i];
	}
	cursor->n_pending = kept;
}

static void make_names_safe(struct cursor *cursor)
{
	for (size_t i = 0; i < cursor->n_dir; i++)
		put_name(&cursor->log->op[cursor->dir_op[i]], cursor->names);
	cursor->n_dir = 0;
}

static bool is_making_safe(const struct power_op *op)
{
	return op->kind == POWER_SYNC || op->kind == POWER_SYNC_DIR || op->kind == POWER_MARK;
}

static void step(struct cursor *cursor, size_t at)
{
	const struct power_op *op = &cursor->log->op[at];

	switch (op->kind) {
	case POWER_LINK:
	case POWER_UNLINK:
	case POWER_RENAME:
		if (cursor->n_dir == DIR_OPS - 1)
			give_up("too many names changed without a sync");
		cursor->dir_op[cursor->n_dir++] = at;
		break;
	case POWER_WRITE:
	case POWER_TRUNCATE:
		cursor->pending[cursor->n_pending++] = at;
		break;
	case POWER_SYNC:
		make_safe(cursor, op->file);
		break;
	case POWER_SYNC_DIR:
		make_names_safe(cursor);
		break;
	case POWER_MARK:
		cursor->marks++;
	}
}

static size_t start_of(const struct power_log *log)
{
	size_t at = 0;

	while (at < log->n && log->op[at].kind != POWER_SYNC_DIR)
		at++;
	return at;
}

size_t power_disks(const struct power_log *log, const struct power_plan *plan, power_visit *visit, void *arg)
{
	struct run *run = calloc(1, sizeof(*run));
	size_t cuts = 0, start = start_of(log);

	if (!run)
		give_up("out of memory");
	*run = (struct run){.plan = plan, .visit = visit, .arg = arg, .noise = plan->seed};
	run->cursor.log = log;
	run->cursor.pending = calloc(log->n + 1, sizeof(*run->cursor.pending));
	run->cursor.keep = calloc(log->n + 1, 1);
	if (!run->cursor.pending || !run->cursor.keep)
		give_up("out of memory");
	for (int i = 0; i < POWER_NAMES; i++)
		run->cursor.names[i] = NONE;
	for (size_t at = 0; at <= log->n; at++) {
		bool is_cut = at > start &&
			      (plan->is_every_call || at == log->n || is_making_safe(&log->op[at]));
		if (is_cut) {
			show_cut(run);
			cuts++;
		}
		if (at < log->n)
			step(&run->cursor, at);
	}
	for (int i = 0; i < log->n_files; i++)
		free(run->cursor.safe[i].at);
	for (int i = 0; i < POWER_NAMES; i++)
		free(run->cursor.built[i].at);
	free(run->cursor.pending);
	free(run->cursor.keep);
	free(run);
	return cuts;
}

static void write_file(const char *dir, const char *name, const void *bytes, size_t size)
{
	char path[400];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	FILE *file = fopen(path, "w");
	if (!file || (size && fwrite(bytes, 1, size, file) != size) || fclose(file) != 0)
		give_up("a disk cannot be written");
}

void power_disk_write(const struct power_disk *disk, const char *dir, bool has_stale_index)
{
	static unsigned char rubbish[32768];

	for (int i = 0; i < disk->n; i++)
		write_file(dir, disk->file[i].name, disk->file[i].bytes, disk->file[i].size);
	if (!has_stale_index)
		return;
	for (size_t i = 0; i < sizeof(rubbish); i++)
		rubbish[i] = (unsigned char)mix(disk->hash + i);
	write_file(dir, "weiyu.db-shm", rubbish, sizeof(rubbish));
}
