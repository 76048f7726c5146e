/* store_fault_test.c: open, two turns and a close, in which the n-th write, sync, read, open or
 * allocation fails and all after it, for n = 1, 2, ... until nothing fails any more (allocations:
 * see THOROUGH). A disk that does not take a write is no error: the store goes on in memory (what
 * becomes of that: store_memory_test.c). Each time the store opens afterwards with a whole state,
 * and with everything that had been reported as committed on the disk. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <unistd.h>

#include "fault_vfs.h"
#include "store_help.h"

#define TRIES_MAX 20000u
#define THOROUGH 400u /* each place up to here, beyond it every STRIDE-th */
#define STRIDE 23u

static const char *kind_name;

/* What a run of the store reported: the highest number that was committed, and committed on the disk; the first error. */
struct outcome {
	uint64_t on_disk, all;
	enum wy_err err;
	bool was_in_memory;
};

static struct outcome work(const char *dir)
{
	struct store *store = NULL;
	struct outcome outcome = {0};
	enum wy_err err = store_open(dir, "gw-test", NULL, &store);

	for (int i = 0; !err && i < 2; i++) {
		uint64_t seq = 0;

		err = help_turn(store, &seq);
		if (err)
			break;
		outcome.all = seq;
		outcome.was_in_memory = store_mode(store) != STORE_ON_DISK;
		if (!outcome.was_in_memory)
			outcome.on_disk = seq;
	}
	store_close(store);
	outcome.err = err;
	return outcome;
}

static void check_after(const char *dir, uint64_t committed, const struct outcome *outcome)
{
	struct store *store = NULL;
	uint64_t found = 0, seq = 0;
	char mode[HELP_PATH + 32];

	/* What the disk holds is judged here, not the new epoch that a store which ended in memory would get. */
	snprintf(mode, sizeof(mode), "%s/%s", dir, STORE_MODE_FILE);
	unlink(mode);
	assert_int_equal(store_open(dir, "gw-test", NULL, &store), WY_OK);
	help_check_whole(store, &found);
	assert_true(found >= committed); /* one whose commit failed may stand whole: it was written,
					    then not known */
	assert_true(found <= (outcome->all > committed ? outcome->all : committed) + (outcome->err ? 1 : 0));
	assert_int_equal(help_turn(store, &seq), WY_OK);
	assert_int_equal(seq, found + 1);
	store_close(store);
}

static void sweep(enum fault_kind kind, enum wy_err expected, bool is_first_run)
{
	unsigned n, failures = 0;

	for (n = 1; n < TRIES_MAX; n += n < THOROUGH ? 1 : STRIDE) {
		struct scratch scratch;
		uint64_t before = 0;
		struct outcome outcome;
		bool has_struck;

		scratch_make(&scratch);
		if (!is_first_run) /* an existing store, so that opening reads and migrates nothing
				    */
			before = work(scratch.dir).on_disk;
		fault_on(kind, n);
		outcome = work(scratch.dir);
		if (!is_first_run) /* a file that is being made is rolled back by SQLite before it lets go */
			assert_int_equal(fault_syncs_repeated(), 0);
		has_struck = fault_off();
		if (outcome.err || outcome.was_in_memory)
			failures++;
		if (outcome.err && outcome.err != expected)
			fail_msg("%s %u: %s", kind_name, n, wy_err_text(outcome.err));
		check_after(scratch.dir, outcome.on_disk > before ? outcome.on_disk : before, &outcome);
		scratch_remove(&scratch);
		if (!has_struck)
			break;
	}
	print_message("%s: up to place %u; %u runs ended early or in memory\n", kind_name, n, failures);
	assert_true(n < TRIES_MAX);
	assert_true(failures > 0);
}

static void a_write_that_fails_leaves_the_old_or_the_new_state(void **state)
{
	(void)state;
	kind_name = "write";
	sweep(FAULT_WRITE, WY_OK, true);
	sweep(FAULT_WRITE, WY_OK, false);
}

static void a_full_disk_leaves_the_old_or_the_new_state(void **state)
{
	(void)state;
	kind_name = "full";
	sweep(FAULT_FULL, WY_OK, true);
	sweep(FAULT_FULL, WY_OK, false);
}

static void a_sync_that_fails_leaves_the_old_or_the_new_state(void **state)
{
	(void)state;
	kind_name = "sync";
	sweep(FAULT_SYNC, WY_OK, true);
	sweep(FAULT_SYNC, WY_OK, false);
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_write_that_fails_leaves_the_old_or_the_new_state),
		cmocka_unit_test(a_full_disk_leaves_the_old_or_the_new_state),
		cmocka_unit_test(a_sync_that_fails_leaves_the_old_or_the_new_state),
		cmocka_unit_test(a_read_that_fails_leaves_the_old_or_the_new_state),
		cmocka_unit_test(an_open_that_fails_leaves_the_old_or_the_new_state),
		cmocka_unit_test(memory_that_runs_out_leaves_the_old_or_the_new_state),
	};

	fault_install();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
