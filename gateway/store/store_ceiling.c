/* store_ceiling.c: the end of memory, while the disk takes nothing. What it costs is pages that changed (memory_disk.h), of
 * which these leave again: those of the log, once they are in the database, and those of the database that hold nothing any
 * more. So whatever deletes rows makes room, also where the rows came from the disk.
 *
 * Two heights below the end: above the lower one what is done with goes (rows that are receipted, tickets that are over),
 * above the upper one the quota's rules hold (store_room.c). Between that and the end there is room for life safety alone. */
#include "store_sql.h"

/* Format of the file, as SQLite documents it. */
enum {
	FIRST_TRUNK_AT = 32, /* of the list of free pages, in the first page */
	LARGEST_ROOT_AT = 52, /* 0: there are no pointer maps */
	TRUNK_HEAD = 8,
	LEAVES_MAX = MEMORY_PAGE / 4 - 2,
	MAP_FIRST = 2, /* the first page that is a pointer map */
	MAP_ENTRY = 5,
	MAP_PAGES = MEMORY_PAGE / MAP_ENTRY, /* told of by one */
	MAP_FREE = 2,
};

/* ---- Pages that hold nothing --------------------------------------------------------------------- */

/* A pointer map, kept while leaves near each other are looked at. */
struct map {
	uint32_t number; /* 0: none yet */
	unsigned char page[MEMORY_PAGE];
};

/* Do both the list and the pointer map say that nothing is in it? One of them may be damaged where it came from the disk. */
static bool is_free(const struct store *store, struct map *map, uint32_t number)
{
	uint32_t at = MAP_FIRST + (number - MAP_FIRST) / (MAP_PAGES + 1) * (MAP_PAGES + 1);

	if (number == at)
		return false;
	if (map->number != at && memory_disk_read(store->memory, at - 1, map->page))
		return false;
	map->number = at;
	return map->page[(number - at - 1) * MAP_ENTRY] == MAP_FREE;
}

static void forget_leaves(const struct store *store, const unsigned char *trunk, uint32_t pages, struct map *map)
{
	uint32_t n = store_get32(trunk + 4);

	for (uint32_t i = 0; i < n && i < LEAVES_MAX; i++) {
		uint32_t leaf = store_get32(trunk + TRUNK_HEAD + 4 * i);
		if (leaf > MAP_FIRST && leaf <= pages && is_free(store, map, leaf))
			memory_disk_forget(store->memory, leaf - 1);
	}
}

/* After the log has been emptied. What cannot be read stays as it is. */
static void forget_free(const struct store *store)
{
	uint32_t pages = (uint32_t)memory_disk_pages(store->memory), number, n = 0;
	unsigned char page[MEMORY_PAGE];
	struct map map = {.number = 0};

	if (pages == 0 || memory_disk_read(store->memory, 0, page) || store_get32(page + LARGEST_ROOT_AT) == 0)
		return;
	number = store_get32(page + FIRST_TRUNK_AT);
	while (number > 1 && number <= pages && n++ < pages && !memory_disk_read(store->memory, number - 1, page)) {
		forget_leaves(store, page, pages, &map);
		number = store_get32(page);
	}
}

/* ---- How much there is --------------------------------------------------------------------------- */

static enum wy_err count_pages(struct store *store, int64_t *ret_used)
{
	struct store_binder binder = store_bind(store, STORE_PAGES_ALL);
	int64_t all = 0, unused = 0;
	enum wy_err err = store_number(&binder, &all);

	if (!err) {
		binder = store_bind(store, STORE_PAGES_FREE);
		err = store_number(&binder, &unused);
	}
	*ret_used = all - unused;
	return err;
}

enum wy_err store_compact_memory(struct store *store)
{
	int64_t used = 0;
	enum wy_err err = store_empty_log(store);

	if (err)
		return err;
	forget_free(store);
	err = count_pages(store, &used);
	if (err)
		return err;
	store->held_bytes = memory_disk_bytes(store->memory);
	store->held_used = used;
	return WY_OK;
}

/* As it was when it was last compacted, and the pages of the database that are more, or less, since. Those that were the disk's
 * and changed are seen at the next time. */
static enum wy_err memory_use(struct store *store, uint64_t *ret_bytes)
{
	int64_t used = 0, bytes;
	enum wy_err err = count_pages(store, &used);

	bytes = (int64_t)store->held_bytes + (used - store->held_used) * (int64_t)MEMORY_PAGE;
	*ret_bytes = bytes > 0 ? (uint64_t)bytes : 0;
	return err;
}

static uint64_t part_of(const struct store *store, unsigned percent)
{
	return (uint64_t)store->memory_most / 100 * percent;
}

uint64_t store_shed_from(const struct store *store)
{
	return part_of(store, WY_STORE_MEMORY_SHED_PCT);
}

enum wy_err store_measure_memory(struct store *store, enum store_height *ret_height)
{
	uint64_t bytes = 0;
	enum wy_err err = store->memory ? memory_use(store, &bytes) : WY_OK;

	*ret_height = bytes > store_shed_from(store)				    ? STORE_HEIGHT_SHED
		      : bytes > part_of(store, WY_STORE_MEMORY_DONE_PCT) ? STORE_HEIGHT_DONE
									    : STORE_HEIGHT_FINE;
	return err;
}

/* ---- The end ------------------------------------------------------------------------------------- */

void store_set_memory(struct store *store, size_t most_bytes)
{
	store->memory_most = most_bytes;
	store_allow_over(store, false);
}

void store_allow_over(struct store *store, bool is_over)
{
	size_t most = store->memory_most;

	if (store->memory)
		memory_disk_set_most(store->memory, is_over ? most + most / 100 * WY_STORE_MEMORY_OVER_PCT : most);
}

void store_look_at_memory(struct store *store)
{
	enum store_height height = STORE_HEIGHT_FINE;
	enum wy_err err = store_measure_memory(store, &height);

	if (err || height != STORE_HEIGHT_FINE || store->wal_frames >= STORE_MEMORY_FRAMES)
		(void)!store_compact_memory(store); /* where there is no room for it now it is tried after the next turn */
}

/* What was on the disk when memory began: to drop it would cost pages, not give some. */
enum wy_err store_note_floor(struct store *store)
{
	static const enum store_statement ids[STORE_FLOORS] = {[STORE_FLOOR_OF_DONE] = STORE_FLOOR_DONE,
							       [STORE_FLOOR_OF_TICKETS] = STORE_FLOOR_TICKET,
							       [STORE_FLOOR_OF_NOTES] = STORE_FLOOR_NOTE};
	enum wy_err err = WY_OK;

	for (size_t i = 0; !err && i < STORE_FLOORS; i++) {
		struct store_binder binder = store_bind(store, ids[i]);
		err = store_number(&binder, &store->floor[i]);
	}
	return err;
}
