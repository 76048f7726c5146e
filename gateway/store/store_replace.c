/* store_replace.c: a store that is damaged, or is to have a new epoch, gives way to a new one.
 *
 * The new one is made beside it of all that verifies (store_salvage.c), whole on the disk before anybody relies on it, takes its
 * place (store_swap.c), and is opened. */
#include "store_sql.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define NEW STORE_FILE ".new"

/* Everything of it reaches the disk before anybody relies on it. */
enum wy_err store_keep_scratch(struct store *store, const char *path)
{
	int fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	enum wy_err err = WY_OK;

	store_finalize(store);
	sqlite3_close(store->db);
	store->db = NULL;
	if (fd < 0 || fsync(fd) != 0)
		err = store_error_of(errno);
	if (fd >= 0)
		close(fd);
	return err;
}

static enum wy_err fill_scratch(const struct store_replacing *r, struct store *made)
{
	uint32_t losses = 0, seen = store_quarantine_last(r->dir);
	enum wy_err err = store_begin(made);

	if (!err && !r->is_hopeless)
		err = store_salvage(r->path, NULL, made, r->opening, &losses);
	losses = losses > seen ? losses : seen;
	if (!err)
		err = store_put_number(made, "losses", losses + (r->kind == STORE_SALVAGED));
	if (!err)
		return store_commit(made);
	store_abort(made);
	return err;
}

static enum wy_err open_scratch(struct store *made, const char *path, const char *gateway, const struct store_replacing *r)
{
	strcpy(made->dir, r->dir);
	strcpy(made->path, path);
	store_set_gateway(made, gateway, r->kind == STORE_RENEWED ? "ordered" : "salvaged");
	return store_open_on_disk(made, store_scratch, r->place);
}

static enum wy_err make_scratch(const struct store_replacing *r, const char *gateway)
{
	struct store *made = store_new();
	char path[STORE_PATH_SIZE];
	enum wy_err err = store_join(path, r->dir, NEW, "") ? WY_OK : WY_E_LIMIT;

	if (!made)
		return WY_E_NOMEM;
	made->quota = UINT64_MAX; /* nothing makes room: what was kept had its place, by a quota that is not known here */
	if (!err)
		err = open_scratch(made, path, gateway, r);
	if (!err)
		err = fill_scratch(r, made);
	if (!err)
		err = store_keep_scratch(made, path);
	store_close(made);
	return err;
}

bool store_has_lost(const struct store_opening *opening)
{
	for (int i = 0; i < STORE_PARTS; i++)
		if (opening->part[i].lost)
			return true;
	return false;
}

enum wy_err store_replace(struct store *store, struct store_replacing *r)
{
	char file[STORE_PATH_SIZE] = "";
	struct wy_buf buf;
	enum wy_err err = make_scratch(r, store->gateway);

	if (!err)
		err = store_swap(r->dir, r->kind == STORE_SALVAGED || store_has_lost(r->opening), file);
	if (err) {
		store_say(r->place, "E710", "it is to be replaced, and that cannot be done", wy_err_text(err));
		store->trouble = err == WY_E_FULL ? STORE_FULL : (err == WY_E_IO ? STORE_FAILED : STORE_ON_DISK);
		return err;
	}
	wy_buf_init(&buf, store->opening.file, sizeof(store->opening.file));
	wy_buf_add(&buf, file);
	err = store_open_on_disk(store, store_durable, r->place);
	store->opening.kind = r->kind;
	return err;
}
