/* store_swap.c: a new store takes the place of an old one. The order of the steps is what makes it safe to be cut off at any of
 * them: weiyu.db.new is whole and on the disk before the first; weiyu.db goes away before its log does, so that no database is
 * ever opened without the log that belongs to it; and a start that finds weiyu.db.new and no weiyu.db goes on where the last
 * one stopped. */
#include "store_files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "buf.h"
#include "store.h"
#include "wy_limits.h"

#define QUARANTINE STORE_FILE ".damaged-"

const char *const store_tails[STORE_TAILS] = {"", "-wal", "-shm", "-journal"};

bool store_join(char *out, const char *dir, const char *name, const char *tail)
{
	struct wy_buf buf;

	wy_buf_init(&buf, out, STORE_PATH_SIZE);
	wy_buf_addf(&buf, "%s/%s%s", dir, name, tail);
	return !buf.is_cut;
}

static enum wy_err keep_names(const char *dir)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	enum wy_err err = fd < 0 || fsync(fd) != 0 ? store_error_of(errno) : WY_OK;

	if (fd >= 0)
		close(fd);
	return err;
}

static bool is_there(const char *dir, const char *name)
{
	char path[STORE_PATH_SIZE];

	return store_join(path, dir, name, "") && access(path, F_OK) == 0;
}

static enum wy_err drop(const char *dir, const char *name, const char *tail)
{
	char path[STORE_PATH_SIZE];

	if (!store_join(path, dir, name, tail))
		return WY_E_LIMIT;
	return unlink(path) == 0 || errno == ENOENT ? WY_OK : store_error_of(errno);
}

/* One that is not there is moved already. */
static enum wy_err move(const char *dir, const char *from, const char *to, const char *tail)
{
	char old[STORE_PATH_SIZE], new[STORE_PATH_SIZE];

	if (!store_join(old, dir, from, tail) || !store_join(new, dir, to, tail))
		return WY_E_LIMIT;
	return rename(old, new) == 0 || errno == ENOENT ? WY_OK : store_error_of(errno);
}

/* weiyu.db.damaged-12 is 12; its log, and anything else, is 0. */
static unsigned number_of(const char *name)
{
	char *end;

	if (strncmp(name, QUARANTINE, sizeof(QUARANTINE) - 1) != 0)
		return 0;
	unsigned long number = strtoul(name + sizeof(QUARANTINE) - 1, &end, 10);
	return *end || number > 1000000000 ? 0 : (unsigned)number;
}

/* How many there are; the lowest and the highest. */
static unsigned look_for(const char *dir, unsigned *ret_first, unsigned *ret_last)
{
	unsigned n = 0, first = 0, last = 0;
	DIR *list = opendir(dir);

	for (struct dirent *at = list ? readdir(list) : NULL; at; at = readdir(list)) {
		unsigned number = number_of(at->d_name);
		if (!number)
			continue;
		n++;
		first = !first || number < first ? number : first;
		last = number > last ? number : last;
	}
	if (list)
		closedir(list);
	*ret_first = first;
	*ret_last = last;
	return n;
}

unsigned store_quarantine_last(const char *dir)
{
	unsigned first, last;

	(void)look_for(dir, &first, &last);
	return last;
}

static void name_of(unsigned number, char out[64])
{
	struct wy_buf buf;

	wy_buf_init(&buf, out, 64);
	wy_buf_addf(&buf, QUARANTINE "%u", number);
}

static void drop_oldest(const char *dir)
{
	unsigned first, last;
	char name[64];

	while (look_for(dir, &first, &last) > WY_STORE_QUARANTINE_MAX) {
		bool is_gone = true;
		name_of(first, name);
		for (size_t i = STORE_TAILS; i-- > 0;) /* the one that is counted last */
			is_gone = drop(dir, name, store_tails[i]) == WY_OK && is_gone;
		if (!is_gone)
			return; /* one more than wanted is no reason not to start */
	}
}

/* What belongs to a database that went away as `to` a moment ago. Its index is made anew by whoever opens it. */
static enum wy_err move_rest(const char *dir, const char *to)
{
	enum wy_err err = move(dir, STORE_FILE, to, "-wal");

	if (!err)
		err = move(dir, STORE_FILE, to, "-journal");
	if (!err)
		err = drop(dir, STORE_FILE, "-shm");
	if (!err)
		err = move(dir, STORE_FILE ".new", STORE_FILE, "");
	return err ? err : keep_names(dir);
}

void store_drop_tails(const char *dir, const char *name)
{
	for (size_t i = 1; i < STORE_TAILS; i++)
		(void)!drop(dir, name, store_tails[i]);
}

/* One that was not whole when its process ended: nobody goes on with it, and it may be large. */
static void drop_part(const char *dir)
{
	(void)!drop(dir, STORE_FILE ".part", "");
	store_drop_tails(dir, STORE_FILE ".part");
}

static enum wy_err drop_new(const char *dir)
{
	enum wy_err err = WY_OK;

	for (size_t i = 0; !err && i < STORE_TAILS; i++)
		err = drop(dir, STORE_FILE ".new", store_tails[i]);
	return err;
}

/* Whose the log is that was left behind: a damaged one's that has none, else that of the store put aside by a return to the disk
 * (store_return.c). */
static void name_owner(const char *dir, char out[64])
{
	unsigned last = store_quarantine_last(dir);
	char log[64 + 8];

	name_of(last, out);
	snprintf(log, sizeof(log), "%s-wal", out);
	if (last == 0 || is_there(dir, log))
		snprintf(out, 64, "%s", STORE_FILE ".left-1");
}

enum wy_err store_finish_swap(const char *dir)
{
	char name[64];

	drop_part(dir);
	if (!is_there(dir, STORE_FILE ".new"))
		return WY_OK;
	if (is_there(dir, STORE_FILE))
		return drop_new(dir);
	name_owner(dir, name);
	enum wy_err err = move_rest(dir, name);
	if (!err)
		drop_oldest(dir);
	return err;
}

enum wy_err store_swap(const char *dir, bool is_kept, char *ret_file)
{
	char name[64];

	name_of(store_quarantine_last(dir) + 1, name);
	enum wy_err err = move(dir, STORE_FILE, name, "");
	if (!err)
		err = move_rest(dir, name);
	for (size_t i = 0; !err && !is_kept && i < STORE_TAILS; i++)
		err = drop(dir, name, store_tails[i]);
	if (err)
		return err;
	drop_oldest(dir);
	if (!is_kept)
		*ret_file = '\0';
	else if (!store_join(ret_file, dir, name, ""))
		return WY_E_LIMIT;
	return WY_OK;
}
