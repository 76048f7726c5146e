/* store_fault_test.c: open, two turns and a close, in which the n-th write, sync, read, open or
 * allocation fails, for n = 1, 2, ... until nothing fails any more (allocations: see THOROUGH).
 * Each time the store opens afterwards with a whole state, and with everything that had been
 * reported as committed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "fault_vfs.h"
#include "store_help.h"

#define TRIES_MAX 20000u
#define THOROUGH 400u /* each place up to here, beyond it every STRIDE-th */
#define STRIDE 23u

static const char *kind_name;

/* Highest number reported as committed; *ret_err the first error met. */
static uint64_t work(const char *dir, enum wy_err *ret_err)
{
	struct store *store = NULL;
	uint64_t committed = 0;
	enum wy_err err = store_open(dir, "gw-test", NULL, &store);

	for (int i = 0; !err && i < 2; i++) {
		uint64_t seq = 0;

		err = help_turn(store, &seq);
		if (!err)
			committed = seq;
	}
	store_close(store);
	*ret_err = err;
	return committed;
}

static void check_after(const char *dir, uint64_t committed, enum wy_err err)
{
	struct store *store = NULL;
	uint64_t found = 0, seq = 0;

	assert_int_equal(store_open(dir, "gw-test", NULL, &store), WY_OK);
	help_check_whole(store, &found);
	assert_true(found >= committed); /* one whose commit failed may stand whole: it was written,
					    then not known */
	assert_true(found <= committed + (err ? 1 : 0));
	assert_int_equal(help_turn(store, &seq), WY_OK);
	assert_int_equal(seq, found + 1);
	store_close(store);
}

static void sweep(enum fault_kind kind, enum wy_err expected, bool is_first_run)
{
	unsigned n, failures = 0;

	for (n = 1; n < TRIES_MAX; n += n < THOROUGH ? 1 : STRIDE) {
		struct scratch scratch;
		uint64_t committed, before = 0;
		enum wy_err err;
		bool has_struck;

		scratch_make(&scratch);
		if (!is_first_run) /* an existing store, so that opening reads and migrates nothing
				    */
			before = work(scratch.dir, &err);
		fault_on(kind, n);
		committed = work(scratch.dir, &err);
		has_struck = fault_off();
		if (err)
			failures++;
		if (err && err != expected)
			fail_msg("%s %u: %s", kind_name, n, wy_err_text(err));
		check_after(scratch.dir, committed > before ? committed : before, err);
		scratch_remove(&scratch);
		if (!has_struck)
			break;
	}
	print_message("%s: up to place %u; %u runs ended early\n", kind_name, n, failures);
	assert_true(n < TRIES_MAX);
	assert_true(failures > 0);
}

static void a_write_that_fails_leaves_the_old_or_the_new_state(void **state)
{
	(void)state;
	kind_name = "write";
	sweep(FAULT_WRITE, WY_E_IO, true);
	sweep(FAULT_WRITE, WY_E_IO, false);
}

static void a_full_disk_leaves_the_old_or_the_new_state(void **state)
{
	(void)state;
	kind_name = "full";
	sweep(FAULT_FULL, WY_E_FULL, true);
	sweep(FAULT_FULL, WY_E_FULL, false);
}

static void a_sync_that_fails_leaves_the_old_or_the_new_state(void **state)
{
	(void)state;
	kind_name = "sync";
	sweep(FAULT_SYNC, WY_E_IO, true);
	sweep(FAULT_SYNC, WY_E_IO, false);
}

static void a_read_that_fails_leaves_the_old_or_the_new_state(void **state)
{
	(void)state;
	kind_name = "read";
	sweep(FAULT_READ, WY_E_IO, false);
}

static void an_open_that_fails_leaves_the_old_or_the_new_state(void **state)
{
	(void)state;
	kind_name = "open";
	sweep(FAULT_OPEN, WY_E_IO, true);
}

static void memory_that_runs_out_leaves_the_old_or_the_new_state(void **state)
{
	(void)state;
	kind_name = "malloc";
	sweep(FAULT_MALLOC, WY_E_NOMEM, false);
}

static void after_an_io_error_the_handle_takes_no_more(void **state)
{
	struct scratch scratch;
	struct store *store = NULL;
	uint64_t seq = 0;

	(void)state;
	scratch_make(&scratch);
	assert_int_equal(store_open(scratch.dir, "gw-test", NULL, &store), WY_OK);
	fault_on(FAULT_SYNC, 1);
	assert_int_equal(help_turn(store, &seq), WY_E_IO);
	assert_true(fault_off());
	assert_int_equal(help_turn(store, &seq),
			 WY_E_IO); /* the disk is well again; what it lost is not known */
	store_close(store);
	check_after(scratch.dir, 0, WY_E_IO);
	scratch_remove(&scratch);
}

static void after_a_full_disk_the_handle_goes_on_once_there_is_room(void **state)
{
	struct scratch scratch;
	struct store *store = NULL;
	uint64_t seq = 0;

	(void)state;
	scratch_make(&scratch);
	assert_int_equal(store_open(scratch.dir, "gw-test", NULL, &store), WY_OK);
	fault_on(FAULT_FULL, 1);
	assert_int_equal(help_turn(store, &seq), WY_E_FULL);
	assert_true(fault_off());
	assert_int_equal(help_turn(store, &seq), WY_OK);
	assert_int_equal(seq, 1);
	store_close(store);
	scratch_remove(&scratch);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_write_that_fails_leaves_the_old_or_the_new_state),
		cmocka_unit_test(a_full_disk_leaves_the_old_or_the_new_state),
		cmocka_unit_test(a_sync_that_fails_leaves_the_old_or_the_new_state),
		cmocka_unit_test(a_read_that_fails_leaves_the_old_or_the_new_state),
		cmocka_unit_test(an_open_that_fails_leaves_the_old_or_the_new_state),
		cmocka_unit_test(memory_that_runs_out_leaves_the_old_or_the_new_state),
		cmocka_unit_test(after_an_io_error_the_handle_takes_no_more),
		cmocka_unit_test(after_a_full_disk_the_handle_goes_on_once_there_is_room),
	};

	fault_install();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
