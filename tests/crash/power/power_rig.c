/* power_rig.c: see power_rig.h. */
#include "power_rig.h"

#include <dirent.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "store.h"

enum { CHECKPOINT_PAGES = 40, COMMITS = 1024, TABLE = 1 << 22, ENOUGH = 50, PATH_BYTES = 300,
       SHORT_THIN = 4 /* of the disks the short form opens one in so many */ };

static struct {
	struct power_plan plan;
	bool is_long, must_lose;
	unsigned thin;
	const char *gateway;
	char dir[PATH_BYTES], scratch[PATH_BYTES];
	uint64_t before; /* digest of the store as it was at the start, 0: there was none */
	uint64_t digest[COMMITS];
	bool has_gone_on[COMMITS + 1];
	bool is_recording, is_looking;
	power_rig_go_on *go_on;
	struct power_tally tally, all;
} rig;

/* What each disk was found to hold: its hash; the digest, 0 = not right, or BLANK. */
enum { BLANK = 1, NOT_LOOKED_AT = 2 };
static struct {
	uint64_t hash, digest;
} *seen;

static void give_up(const char *what)
{
	fprintf(stderr, "power_rig: %s\n", what);
	abort();
}

/* ---- Directories --------------------------------------------------------------------------------- */

static void empty_scratch(void)
{
	char path[PATH_BYTES + 256];
	DIR *entries = opendir(rig.scratch);

	for (struct dirent *entry = entries ? readdir(entries) : NULL; entry; entry = readdir(entries)) {
		snprintf(path, sizeof(path), "%s/%s", rig.scratch, entry->d_name);
		if (entry->d_name[0] != '.')
			(void)unlink(path);
	}
	if (entries)
		closedir(entries);
}

/* As a killed process leaves it: all that was written, and no index. */
static void copy_to_scratch(void)
{
	static unsigned char bytes[1 << 16];
	char from[PATH_BYTES + 256], to[PATH_BYTES + 256];
	DIR *entries = opendir(rig.dir);

	empty_scratch();
	for (struct dirent *entry = entries ? readdir(entries) : NULL; entry; entry = readdir(entries)) {
		size_t n;
		if (entry->d_name[0] == '.' || strstr(entry->d_name, "-shm") || strstr(entry->d_name, ".lock"))
			continue;
		snprintf(from, sizeof(from), "%s/%s", rig.dir, entry->d_name);
		snprintf(to, sizeof(to), "%s/%s", rig.scratch, entry->d_name);
		FILE *in = fopen(from, "r"), *out = fopen(to, "w");
		if (!in || !out)
			give_up("a file cannot be copied");
		while ((n = fread(bytes, 1, sizeof(bytes), in)) > 0)
			if (fwrite(bytes, 1, n, out) != n)
				give_up("a file cannot be copied");
		fclose(in);
		fclose(out);
	}
	if (entries)
		closedir(entries);
}

/* ---- Digests --------------------------------------------------------------------------------------- */

static uint64_t add_bytes(uint64_t hash, const void *bytes, size_t n)
{
	const unsigned char *at = bytes;

	for (; n > 0; n--, at++)
		hash = (hash ^ *at) * 0x100000001B3u;
	return hash ^ hash >> 31;
}

static uint64_t add_row(uint64_t hash, sqlite3_stmt *row)
{
	for (int i = 0; i < sqlite3_column_count(row); i++) {
		int type = sqlite3_column_type(row, i);
		const void *bytes = sqlite3_column_blob(row, i);
		hash = add_bytes(hash, &type, sizeof(type));
		hash = add_bytes(hash, bytes, (size_t)sqlite3_column_bytes(row, i));
	}
	return hash;
}

static bool add_rows(sqlite3 *db, const char *sql, uint64_t *hash)
{
	sqlite3_stmt *stmt = NULL;
	int rc = sqlite3_prepare_v2(db, sql, -1, &stmt, NULL);

	while (rc == SQLITE_OK && (rc = sqlite3_step(stmt)) == SQLITE_ROW) {
		*hash = add_row(*hash, stmt);
		rc = SQLITE_OK;
	}
	sqlite3_finalize(stmt);
	return rc == SQLITE_DONE;
}

/* All rows of all tables, and the schema. 0: they cannot be read. */
static uint64_t digest_of(const char *dir)
{
	char path[PATH_BYTES + 32], sql[200];
	sqlite3 *db = NULL;
	sqlite3_stmt *tables = NULL;
	uint64_t hash = 0xCBF29CE484222325u;
	bool is_fine;

	snprintf(path, sizeof(path), "%s/%s", dir, STORE_FILE);
	is_fine = sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL) == SQLITE_OK &&
		  add_rows(db, "SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY name", &hash) &&
		  add_rows(db, "PRAGMA user_version", &hash) &&
		  sqlite3_prepare_v2(db, "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE "
					 "'sqlite!_%' ESCAPE '!' ORDER BY name",
				     -1, &tables, NULL) == SQLITE_OK;
	while (is_fine && sqlite3_step(tables) == SQLITE_ROW) {
		snprintf(sql, sizeof(sql), "SELECT * FROM \"%s\" ORDER BY 1",
			 (const char *)sqlite3_column_text(tables, 0));
		is_fine = add_rows(db, sql, &hash);
	}
	sqlite3_finalize(tables);
	sqlite3_close(db);
	return !is_fine ? 0 : hash | 8;
}

/* What the program finds in the scratch directory. 0: not right, and why is counted. BLANK: a store that has never said
 * anything to anybody. */
static uint64_t look(void)
{
	struct store *store = NULL;
	uint64_t digest = 0, seq = 0;
	enum wy_err err;

	rig.is_looking = true;
	err = store_open(rig.scratch, rig.gateway, NULL, &store);
	if (err) {
		rig.tally.refused++;
		snprintf(rig.tally.words, sizeof(rig.tally.words), "refused: %s", wy_err_text(err));
	} else if (store_verify(store, NULL) != WY_OK) {
		rig.tally.damaged++;
		snprintf(rig.tally.words, sizeof(rig.tally.words), "not whole");
	} else {
		digest = digest_of(rig.scratch);
		if (store_last_seq(store, &seq) == WY_OK && seq == 0 && digest != rig.digest[0])
			digest = BLANK;
	}
	store_close(store);
	rig.is_looking = false;
	return digest;
}

/* ---- Recording --------------------------------------------------------------------------------------- */

enum wy_err __real_store_commit(struct store *store);
enum wy_err __wrap_store_commit(struct store *store);
enum wy_err __wrap_store_commit(struct store *store)
{
	enum wy_err err = __real_store_commit(store);

	if (err || !rig.is_recording || rig.is_looking)
		return err;
	if (rig.tally.commits == COMMITS)
		give_up("too many commits");
	copy_to_scratch();
	rig.digest[rig.tally.commits++] = look();
	if (rig.tally.refused || rig.tally.damaged || !rig.digest[rig.tally.commits - 1])
		give_up("what was just committed cannot be read");
	power_log_mark();
	return err;
}

static int set_checkpoint(sqlite3 *db, char **words, const void *api)
{
	(void)words;
	(void)api;
	return sqlite3_wal_autocheckpoint(db, CHECKPOINT_PAGES);
}

void power_rig_init(int argc, char **argv)
{
	rig.plan = (struct power_plan){.seed = 20261122, .n_random = 1};
	rig.thin = SHORT_THIN;
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--long") == 0)
			rig.is_long = true;
		else if (strcmp(argv[i], "--must-lose") == 0)
			rig.must_lose = true;
		else if (strcmp(argv[i], "--seed") == 0 && i + 1 < argc)
			rig.plan.seed = strtoull(argv[++i], NULL, 0);
		else if (strcmp(argv[i], "--random") == 0 && i + 1 < argc)
			rig.plan.n_random = (unsigned)strtoul(argv[++i], NULL, 0);
		else
			give_up("[--seed N] [--random N] [--long] [--must-lose]");
	}
	rig.plan.is_every_border = rig.is_long;
	rig.plan.is_every_call = rig.is_long;
	if (rig.is_long) {
		rig.thin = 1;
		rig.plan.n_random = rig.plan.n_random == 1 ? 40 : rig.plan.n_random;
	}
	const char *base = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
	snprintf(rig.scratch, sizeof(rig.scratch), "%s/weiyu-power-XXXXXX", base);
	if (!mkdtemp(rig.scratch))
		give_up("no scratch directory");
	sqlite3_auto_extension((void (*)(void))set_checkpoint);
	seen = calloc(TABLE, sizeof(*seen));
	if (!seen)
		give_up("out of memory");
}

bool power_rig_is_long(void)
{
	return rig.is_long;
}

size_t power_rig_commits(void)
{
	return rig.tally.commits;
}

void power_rig_record(const char *dir, const char *gateway)
{
	char path[PATH_BYTES + 32];

	memset(&rig.tally, 0, sizeof(rig.tally));
	memset(rig.has_gone_on, 0, sizeof(rig.has_gone_on));
	memset(seen, 0, TABLE * sizeof(*seen));
	snprintf(rig.dir, sizeof(rig.dir), "%s", dir);
	rig.gateway = gateway;
	memset(rig.digest, 0, sizeof(rig.digest));
	rig.before = 0;
	snprintf(path, sizeof(path), "%s/%s", dir, STORE_FILE);
	if (access(path, F_OK) == 0) {
		copy_to_scratch();
		rig.before = look();
	}
	power_log_start(dir);
	rig.is_recording = true;
}

/* ---- Judging ------------------------------------------------------------------------------------------- */

static void go_on_once(const struct power_disk *disk, size_t commits)
{
	if (!rig.go_on || rig.has_gone_on[commits])
		return;
	rig.has_gone_on[commits] = true;
	empty_scratch();
	power_disk_write(disk, rig.scratch, false);
	rig.go_on(commits, rig.scratch);
}

static uint64_t find_digest(const struct power_disk *disk)
{
	size_t at = disk->hash % TABLE;

	while (seen[at].hash && seen[at].hash != disk->hash)
		at = (at + 1) % TABLE;
	if (seen[at].hash)
		return seen[at].digest;
	if (++rig.tally.distinct > TABLE / 2)
		give_up("too many disks");
	seen[at].hash = disk->hash;
	seen[at].digest = NOT_LOOKED_AT;
	if (rig.tally.distinct % rig.thin != 0)
		return NOT_LOOKED_AT;
	rig.tally.opened++;
	empty_scratch();
	power_disk_write(disk, rig.scratch, rig.tally.opened % 8 == 0);
	seen[at].digest = look();
	return seen[at].digest;
}

/* Digest of the store after so many commits; 0: there was no store. */
static uint64_t digest_after(size_t commits)
{
	return commits > 0 ? rig.digest[commits - 1] : rig.before;
}

static bool is_older(uint64_t digest, size_t marks)
{
	for (size_t i = 0; i < marks; i++)
		if (digest == digest_after(i))
			return true;
	return digest == BLANK;
}

static void judge_disk(void *arg, const struct power_disk *disk, size_t marks)
{
	bool is_enough = rig.must_lose && rig.tally.lost >= ENOUGH;
	uint64_t digest = is_enough ? NOT_LOOKED_AT : find_digest(disk);
	(void)arg;

	rig.tally.disks++;
	if (digest == 0 || digest == NOT_LOOKED_AT)
		return; /* what is wrong was counted when it was opened */
	if (digest == BLANK && digest_after(marks) == 0)
		return; /* nothing had been promised yet, and nothing is in it */
	if (digest == digest_after(marks)) {
		go_on_once(disk, marks);
	} else if (marks < rig.tally.commits && digest == digest_after(marks + 1)) {
		go_on_once(disk, marks + 1);
	} else {
		bool is_lost = is_older(digest, marks);
		rig.tally.lost += is_lost;
		rig.tally.half += !is_lost;
		snprintf(rig.tally.words, sizeof(rig.tally.words), "%s, after %zu commits",
			 is_lost ? "lost" : "half of something", marks);
	}
}

static void add_up(void)
{
	rig.all.cuts += rig.tally.cuts;
	rig.all.disks += rig.tally.disks;
	rig.all.distinct += rig.tally.distinct;
	rig.all.opened += rig.tally.opened;
	rig.all.refused += rig.tally.refused;
	rig.all.damaged += rig.tally.damaged;
	rig.all.lost += rig.tally.lost;
	rig.all.half += rig.tally.half;
	rig.all.commits += rig.tally.commits;
}

void power_rig_judge(const char *title, power_rig_go_on *go_on)
{
	rig.is_recording = false;
	power_log_stop();
	rig.go_on = go_on;
	rig.tally.calls = power_log()->n;
	rig.tally.cuts = power_disks(power_log(), &rig.plan, judge_disk, NULL);
	add_up();
	printf("%s: %zu commits, %zu calls, %zu cuts, %zu disks, %zu of them distinct, %zu opened: %zu refused, %zu damaged, %zu lost, "
	       "%zu half%s%s\n",
	       title, rig.tally.commits, rig.tally.calls, rig.tally.cuts, rig.tally.disks, rig.tally.distinct,
	       rig.tally.opened, rig.tally.refused, rig.tally.damaged, rig.tally.lost, rig.tally.half, *rig.tally.words ? ": " : "",
	       rig.tally.words);
	fflush(stdout);
	power_log_free();
}

int power_rig_result(void)
{
	bool is_clean = !rig.all.refused && !rig.all.damaged && !rig.all.lost && !rig.all.half;

	empty_scratch();
	rmdir(rig.scratch);
	free(seen);
	printf("seed %llu, %u random: %zu disks opened, %zu lost, %zu half, %zu refused, %zu damaged\n",
	       (unsigned long long)rig.plan.seed, rig.plan.n_random, rig.all.opened, rig.all.lost, rig.all.half,
	       rig.all.refused, rig.all.damaged);
	if (rig.must_lose && !rig.all.lost)
		printf("nothing was lost: the rig does not see what it is for\n");
	return (rig.must_lose ? rig.all.lost > 0 : is_clean) ? 0 : 1;
}
