/* flash_test.c: what a day writes to the disk, as bytes: the engine over a real store and a recorder, on a clock of its own,
 * with every write that SQLite asks the system for counted on its way.
 *
 * A day with nothing to tell writes nothing but the recorder's blocks. A busy day, with 40 tickets of three events, each receipted by
 * itself, and one of them open half of the time, stays under the budget of 20 MB. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "room.h"

enum { DAY_S = 86400, TICKETS = 40, BUDGET = 20 * 1000 * 1000 };

#define RULES                                                                                                   \
	"weiyu: rules/1\npackage: room\nrules:\n"                                                               \
	"  - {id: room.wet, scope: room, fault: WTR-01, tier: S2, when: a, hold: 3s, clear: not a, clear_hold: 4s}\n" \
	"  - {id: room.high, scope: room, fault: WTR-02, tier: S3, when: \"avg(level, 10min) > 4 m\", hold: 1min, clear_hold: 1min}\n"

static uint64_t written;

static ssize_t count_pwrite(int fd, const void *bytes, size_t n, off_t at)
{
	written += n;
	return pwrite(fd, bytes, n, at);
}

static ssize_t count_write(int fd, const void *bytes, size_t n)
{
	written += n;
	return write(fd, bytes, n);
}

static void count_all(void)
{
	sqlite3_vfs *vfs = sqlite3_vfs_find(NULL);

	assert_int_equal(vfs->xSetSystemCall(vfs, "pwrite", (sqlite3_syscall_ptr)(void *)count_pwrite), SQLITE_OK);
	assert_int_equal(vfs->xSetSystemCall(vfs, "pwrite64", (sqlite3_syscall_ptr)(void *)count_pwrite), SQLITE_OK);
	assert_int_equal(vfs->xSetSystemCall(vfs, "write", (sqlite3_syscall_ptr)(void *)count_write), SQLITE_OK);
}

static uint64_t bytes_in(const char *path)
{
	uint64_t bytes = 0;
	char name[600];
	struct stat file;
	DIR *dir = opendir(path);

	for (struct dirent *entry = dir ? readdir(dir) : NULL; entry; entry = readdir(dir)) {
		snprintf(name, sizeof(name), "%s/%s", path, entry->d_name);
		if (stat(name, &file) == 0 && S_ISREG(file.st_mode))
			bytes += (uint64_t)file.st_size;
	}
	if (dir)
		closedir(dir);
	return bytes;
}

static void receipt(void)
{
	uint64_t last = 0;
	size_t n;

	assert_int_equal(store_last_seq(world.store, &last), WY_OK);
	assert_int_equal(store_begin(world.store), WY_OK);
	assert_int_equal(store_receipt_through(world.store, false, last, world.now.wall_ms, &n), WY_OK);
	assert_int_equal(store_commit(world.store), WY_OK);
}

static void run_a_while(int seconds)
{
	for (int i = 0; i < seconds; i += 60) {
		world.level_mm = 1 + (world.level_mm + i) % 3; /* something for the recorder */
		room_run_s(60);
	}
}

static void a_day_with_nothing_to_tell_writes_nothing(void **state)
{
	(void)state;

	room_start(RULES);
	run_a_while(3600); /* windows have filled, what a start writes is written */
	written = 0;
	run_a_while(DAY_S / 4);
	assert_int_equal(written, 0);
	world_remove(&world);
}

static void a_busy_day_stays_within_its_budget(void **state)
{
	char record[] = "/tmp/weiyu-flash-XXXXXX", command[100];
	(void)state;

	assert_non_null(mkdtemp(record));
	world_make(&world, BUILDING);
	world_write(&world, "rules.yaml", RULES);
	world.record_dir = record;
	world.record_bytes = 1 << 30;
	assert_int_equal(world_start(&world), WY_OK);
	run_a_while(600);
	written = 0;
	for (int i = 0; i < TICKETS; i++) {
		struct ticket ticket;
		world.a = true;
		room_run_s(10);
		receipt();
		assert_int_equal(world_ticket(&world, "WTR-01", &ticket), WY_OK);
		assert_int_equal(world_work(&world, ticket.key, TICKET_NODE_ACKED, 1), WY_OK);
		receipt();
		run_a_while(DAY_S / TICKETS / 2);
		world.a = false;
		room_run_s(10);
		receipt();
		run_a_while(DAY_S / TICKETS / 2 - 60);
	}
	struct engine_counts counts = engine_counts(world.engine);
	assert_int_equal(counts.opened, TICKETS);
	uint64_t store = written;
	world_stop(&world);
	uint64_t recorded = bytes_in(record);
	printf("a day of %d tickets: store %.2f MB in %llu commits, recorder %.2f MB\n", TICKETS, (double)store / 1e6,
	       (unsigned long long)counts.commits, (double)recorded / 1e6);
	assert_true(store > 0 && recorded > 0);
	assert_true(store + recorded < BUDGET);
	world_remove(&world);
	snprintf(command, sizeof(command), "rm -r %s", record);
	assert_int_equal(system(command), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_day_with_nothing_to_tell_writes_nothing),
		cmocka_unit_test(a_busy_day_stays_within_its_budget),
	};

	count_all();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
