/* disk_test.c: the thread that writes: files, room, age, and disks that fail. */
#include <setjmp.h>
#include <stdarg.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "record_disk.h"
#include "wy_limits.h"

static atomic_int writes_left = -1; /* -1: all succeed; then ENOSPC, after half of the bytes */
static atomic_int syncs_fail, is_stuck;

ssize_t __real_write(int fd, const void *bytes, size_t len);
ssize_t __wrap_write(int fd, const void *bytes, size_t len);
int __real_fdatasync(int fd);
int __wrap_fdatasync(int fd);

ssize_t __wrap_write(int fd, const void *bytes, size_t len)
{
	if (fd <= STDERR_FILENO)
		return __real_write(fd, bytes, len);
	while (is_stuck)
		usleep(1000);
	if (writes_left == 0) {
		errno = ENOSPC;
		return -1;
	}
	if (writes_left > 0 && --writes_left == 0)
		return __real_write(fd, bytes, len / 2);
	return __real_write(fd, bytes, len);
}

int __wrap_fdatasync(int fd)
{
	if (!syncs_fail)
		return __real_fdatasync(fd);
	errno = EIO;
	return -1;
}

static char dir[] = "/tmp/weiyu-disk-XXXXXX";
static struct record_disk *disk;
static unsigned char block[100000];

static struct wy_now now_of(int day)
{
	return (struct wy_now){day * 86400000ll, 1795320000000 + day * 86400000ll, WY_CLOCK_SYNCED};
}

static void open_disk(uint64_t max_bytes, wy_ms keep_ms)
{
	const struct record_disk_conf conf = {dir, max_bytes, keep_ms, NULL};

	assert_int_equal(record_disk_open(&conf, &disk), WY_OK);
}

static int make(void **state)
{
	(void)state;
	memcpy(dir + sizeof(dir) - 7, "XXXXXX", 6);
	writes_left = -1;
	syncs_fail = is_stuck = 0;
	return mkdtemp(dir) ? 0 : -1;
}

static struct record_file_list files(void)
{
	struct record_file_list list;

	record_disk_drain(disk);
	assert_int_equal(record_list_files(dir, &list), WY_OK);
	return list;
}

static int clean(void **state)
{
	struct record_file_list list;
	(void)state;

	is_stuck = 0;
	record_disk_close(disk);
	assert_int_equal(record_list_files(dir, &list), WY_OK);
	for (size_t i = 0; i < list.n; i++)
		unlink(list.item[i].path);
	record_list_release(&list);
	return rmdir(dir);
}

static void files_count_up_also_after_a_restart(void **state)
{
	(void)state;
	open_disk(1 << 30, 86400000);
	assert_true(record_disk_begin(disk, block, 100, now_of(0)));
	assert_true(record_disk_add(disk, block, 50, now_of(0)));
	assert_true(record_disk_begin(disk, block, 10, now_of(0)));
	record_disk_close(disk);
	open_disk(1 << 30, 86400000);
	assert_int_equal(record_disk_next(disk), 3);
	assert_true(record_disk_begin(disk, block, 7, now_of(0)));
	struct record_file_list list = files();
	assert_int_equal(list.n, 3);
	assert_true(list.item[0].bytes == 150 && list.item[1].bytes == 10 && list.item[2].bytes == 7);
	assert_non_null(strstr(list.item[2].path, "/00000003-20261122T040000Z.wyrec"));
	record_list_release(&list);
	assert_int_equal(record_disk_written(disk), 7);
}

static void the_oldest_go_when_there_is_too_much(void **state)
{
	(void)state;
	open_disk(1000000, (wy_ms)1000 * 86400000);
	for (int i = 0; i < 15; i++) {
		assert_true(record_disk_begin(disk, block, sizeof(block), now_of(0)));
		assert_true(record_disk_add(disk, block, sizeof(block), now_of(0)));
		record_disk_drain(disk);
	}
	struct record_file_list list = files();
	uint64_t bytes = 0;
	for (size_t i = 0; i < list.n; i++)
		bytes += list.item[i].bytes;
	assert_true(bytes <= 1000000 && bytes >= 700000);
	assert_int_equal(list.item[list.n - 1].number, 15);
	assert_int_equal(list.item[0].number, 15 - (int)list.n + 1);
	record_list_release(&list);
}

/* The file's own time is the disk's: far in the past of a clock that says 2036. */
static void old_files_go_but_not_by_a_doubtful_clock(void **state)
{
	struct wy_now later = {0, 2100000000000, WY_CLOCK_UNSYNCED};
	(void)state;

	open_disk(1 << 30, 86400000);
	assert_true(record_disk_begin(disk, block, 100, now_of(0)));
	assert_true(record_disk_begin(disk, block, 100, later));
	struct record_file_list list = files();
	assert_int_equal(list.n, 2);
	record_list_release(&list);
	later.clock = WY_CLOCK_SYNCED;
	assert_true(record_disk_begin(disk, block, 100, later));
	list = files();
	assert_int_equal(list.n, 1);
	assert_int_equal(list.item[0].number, 3);
	record_list_release(&list);
}

/* The n-th write fails: nothing half stays, nothing more is taken, and the next file works. */
static void a_full_disk_refuses_until_the_next_file(void **state)
{
	(void)state;
	for (int n = 1; n <= 5; n++) {
		open_disk(1 << 30, 86400000);
		writes_left = n;
		bool is_taken = record_disk_begin(disk, block, 100, now_of(0));
		record_disk_drain(disk);
		for (int i = 0; i < 5 && is_taken; i++) {
			is_taken = record_disk_add(disk, block, 100, now_of(0));
			record_disk_drain(disk);
		}
		assert_false(is_taken);
		assert_int_equal(record_disk_error(disk), ENOSPC);
		struct record_file_list list = files();
		assert_int_equal(list.item[list.n - 1].bytes, 100 * (n - 1));
		record_list_release(&list);
		writes_left = -1;
		assert_true(record_disk_begin(disk, block, 100, now_of(0)));
		record_disk_drain(disk);
		assert_int_equal(record_disk_error(disk), 0);
		assert_true(record_disk_add(disk, block, 100, now_of(0)));
		record_disk_close(disk);
	}
	open_disk(1 << 30, 86400000);
}

static void a_disk_that_cannot_sync_is_an_error(void **state)
{
	(void)state;
	open_disk(1 << 30, 86400000);
	syncs_fail = 1;
	assert_true(record_disk_begin(disk, block, 100, now_of(0)));
	record_disk_drain(disk);
	assert_int_equal(record_disk_error(disk), EIO);
	assert_false(record_disk_add(disk, block, 100, now_of(0)));
	syncs_fail = 0;
}

/* Whoever records never waits: the queue takes so much, and then it says no. */
static void a_hanging_disk_holds_up_nobody(void **state)
{
	unsigned n = 0;
	(void)state;

	open_disk(1 << 30, 86400000);
	is_stuck = 1;
	assert_true(record_disk_begin(disk, block, 100, now_of(0)));
	while (record_disk_add(disk, block, sizeof(block), now_of(0)))
		n++;
	assert_in_range(n, WY_RECORD_QUEUE_BYTES / sizeof(block) - 2, WY_RECORD_QUEUE_BYTES / sizeof(block) + 1);
	is_stuck = 0;
	struct record_file_list list = files();
	assert_int_equal(list.item[0].bytes, 100 + n * sizeof(block));
	record_list_release(&list);
}

static void a_directory_that_cannot_be_made_is_told(void **state)
{
	const struct record_disk_conf conf = {"/proc/no/such/place", 1 << 30, 86400000, NULL};
	struct record_disk *other;
	(void)state;

	open_disk(1 << 30, 86400000);
	assert_int_equal(record_disk_open(&conf, &other), WY_OK);
	assert_true(record_disk_begin(other, block, 100, now_of(0)));
	record_disk_drain(other);
	assert_int_not_equal(record_disk_error(other), 0);
	record_disk_close(other);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(files_count_up_also_after_a_restart, make, clean),
		cmocka_unit_test_setup_teardown(the_oldest_go_when_there_is_too_much, make, clean),
		cmocka_unit_test_setup_teardown(old_files_go_but_not_by_a_doubtful_clock, make, clean),
		cmocka_unit_test_setup_teardown(a_full_disk_refuses_until_the_next_file, make, clean),
		cmocka_unit_test_setup_teardown(a_disk_that_cannot_sync_is_an_error, make, clean),
		cmocka_unit_test_setup_teardown(a_hanging_disk_holds_up_nobody, make, clean),
		cmocka_unit_test_setup_teardown(a_directory_that_cannot_be_made_is_told, make, clean),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
