/* store_memory.c: the disk takes no more, and the store goes on in memory.
 *
 * The handle that failed is closed without another write or sync. A new one is opened on a memory disk (memory_disk.h) that
 * lies over the files as they are: everything committed is there. What the open transaction had written so far is written
 * again from the list of store_redo.h, and has to give the same numbers.
 *
 * One question remains when a COMMIT failed: the log may hold all of it, only unsynced, so that the new handle finds
 * it there. The number each commit has tells; then there is nothing to write again. */
#include "store_sql.h"

#include <string.h>

enum wy_err store_empty_log(struct store *store)
{
	int rc = sqlite3_wal_checkpoint_v2(store->db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);

	return store_error(store, rc);
}

static bool has_our_pages(struct store *store)
{
	sqlite3_stmt *stmt = NULL;
	bool is_ours = sqlite3_prepare_v2(store->db, "PRAGMA page_size", -1, &stmt, NULL) == SQLITE_OK &&
		       sqlite3_step(stmt) == SQLITE_ROW && sqlite3_column_int64(stmt, 0) == MEMORY_PAGE;

	sqlite3_finalize(stmt);
	return is_ours;
}

/* From here on the log below is not read any more: what it holds has become pages in memory. */
static enum wy_err open_over(struct store *store, const char *gateway, bool has_base)
{
	enum wy_err err = WY_OK;

	if (has_base && memory_disk_pages(store->memory) == 0)
		return WY_E_NOTFOUND;
	err = store_open_handle(store, memory_disk_name(store->memory), NULL);
	if (!err && has_base)
		err = store_identify(store, NULL, NULL); /* one that was never finished is none */
	if (!err && gateway)
		err = store_identify(store, gateway, NULL);
	if (!err)
		err = has_our_pages(store) ? store_compact_memory(store) : WY_E_IO;
	return err ? err : store_note_floor(store);
}

void store_leave_memory(struct store *store)
{
	store_drop_handle(store);
	memory_disk_free(store->memory);
	store->memory = NULL;
}

enum wy_err store_begin_in_memory(struct store *store, const char *gateway, bool has_base)
{
	enum wy_err err = memory_disk_new(store->path, has_base, store->memory_most, &store->memory);
	uint64_t seq = 0;

	if (!err)
		err = open_over(store, gateway, has_base);
	if (!err)
		memory_disk_copy_base(store->memory, WY_STORE_COPY_BYTES);
	if (!err)
		err = store_last_seq(store, &seq);
	if (err) {
		store_leave_memory(store);
		return err;
	}
	store->is_apart = !has_base;
	store->disk_epoch = store->epoch;
	store->disk_turn = store->turn;
	store->disk_seq = seq;
	memset(store->ended_from, 0, sizeof(store->ended_from)); /* other rows may go here */
	return WY_OK;
}

/* ---- Beside the disk ---------------------------------------------------------------------------- */

static enum wy_err carry(struct store *store, const char *vfs)
{
	enum wy_err err = store_begin(store);

	if (!err)
		err = store_salvage(store->path, vfs, store, &store->opening, &store->losses);
	if (!err)
		err = store_put_number(store, "losses", store->losses);
	if (err) {
		store_abort(store);
		return err;
	}
	err = store_commit(store);
	if (!err)
		err = store_compact_memory(store);
	/* One that can write nothing more would end the process, at each start. */
	return !err && memory_disk_bytes(store->memory) > store->memory_most / 2 ? WY_E_FULL : err;
}

enum wy_err store_carry_over(struct store *store)
{
	struct memory_disk *glass = NULL;
	enum wy_err err = memory_disk_new(store->path, true, store->memory_most, &glass);

	if (err)
		return err;
	err = memory_disk_pages(glass) ? carry(store, memory_disk_name(glass)) : WY_E_NOTFOUND;
	memory_disk_free(glass);
	store->is_carried = !err;
	return err;
}

/* ---- Leaving ------------------------------------------------------------------------------------ */

/* The list must outlive the beginning of the transaction it is written into. */
static enum wy_err move(struct store *store, struct store_binder *failed)
{
	uint64_t epoch = store->epoch, turn = store->turn;
	bool was_in_tx = store->is_in_tx, was_committing = store->is_committing;
	struct store_redo redo = store->redo;

	if (was_in_tx && redo.is_lost)
		return WY_E_LIMIT;
	store->redo = (struct store_redo){0};
	store_drop_handle(store);
	enum wy_err err = store_begin_in_memory(store, NULL, true);
	bool is_kept = was_committing && store->turn == turn + 1;
	if (!err && (store->epoch != epoch || (store->turn != turn && !is_kept)))
		err = WY_E_IO; /* not what we left there */
	if (!err && is_kept) /* as far as the disk shows it now; its sync failed, so it may be gone when it is read next */
		store->disk_turn = turn;
	if (!err && was_in_tx && !is_kept)
		err = store_begin(store);
	redo_release(&store->redo);
	store->redo = redo;
	if (!err && was_in_tx && !is_kept)
		err = redo_replay(store, failed);
	return err;
}

enum wy_err store_leave_disk(struct store *store, struct store_binder *failed)
{
	enum wy_err failure = store->trouble == STORE_FULL ? WY_E_FULL : WY_E_IO, err;
	enum store_mode mode = store->trouble;
	char why[STORE_WHY_DISK_SIZE];

	if (!store->is_open)
		return failure;
	memcpy(why, store->why, sizeof(why));
	err = move(store, failed);
	if (err) {
		store->broken = WY_E_IO;
		return failure;
	}
	store->mode = mode;
	memcpy(store->why, why, sizeof(why));
	store_mode_file_put(store, true);
	return WY_OK;
}

enum store_mode store_mode(const struct store *store)
{
	return store->mode;
}

const char *store_mode_text(enum store_mode mode)
{
	static const char *const texts[] = {[STORE_ON_DISK] = "disk", [STORE_FULL] = "full", [STORE_READONLY] = "readonly",
					    [STORE_FAILED] = "failed"};

	return texts[mode];
}

struct store_disk store_disk(struct store *store)
{
	struct store_disk disk = {.mode = store->mode, .why = store->why, .most_bytes = store_shed_from(store)};
	uint64_t seq = 0;

	if (!store->memory) {
		disk.why = "";
		return disk;
	}
	disk.bytes = memory_disk_bytes(store->memory);
	disk.is_apart = store->is_apart;
	if (!store_last_seq(store, &seq))
		disk.events = seq - store->disk_seq;
	return disk;
}
