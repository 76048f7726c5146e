/* store_crash_test.c: a writer is killed (SIGKILL) at random moments; what it had reported as
 * committed is there, whole, and what is there beyond it is whole too. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "store_help.h"

#define ROUNDS 40

static _Noreturn void write_for_ever(const char *dir, int report_fd)
{
	struct store *store = NULL;

	if (store_open(dir, "gw-test", NULL, &store) != WY_OK)
		_exit(1);
	for (;;) {
		uint64_t seq = 0;

		if (help_turn(store, &seq) != WY_OK ||
		    write(report_fd, &seq, sizeof(seq)) != sizeof(seq))
			_exit(1);
	}
}

static void rest(unsigned us)
{
	struct timespec span = {0, (long)us * 1000};

	nanosleep(&span, NULL);
}

/* Last number the child reported; waits for its first report of this round, then kills it after us.
 */
static uint64_t kill_writer(const char *dir, unsigned us)
{
	uint64_t seq = 0, last = 0;
	int pipe_fd[2], status = 0;
	pid_t child;

	assert_int_equal(pipe(pipe_fd), 0);
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		close(pipe_fd[0]);
		write_for_ever(dir, pipe_fd[1]);
	}
	close(pipe_fd[1]);
	assert_int_equal(read(pipe_fd[0], &last, sizeof(last)), sizeof(last));
	rest(us);
	assert_int_equal(kill(child, SIGKILL), 0);
	while (read(pipe_fd[0], &seq, sizeof(seq)) == (ssize_t)sizeof(seq))
		last = seq;
	close(pipe_fd[0]);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status));
	return last;
}

static void what_was_committed_survives_kill_9_at_any_moment(void **state)
{
	struct scratch scratch;
	uint64_t found = 0;

	(void)state;
	scratch_make(&scratch);
	srand(20261122);
	for (int round = 0; round < ROUNDS; round++) {
		uint64_t reported = kill_writer(scratch.dir, (unsigned)rand() % 20000);
		struct store *store = NULL;

		assert_int_equal(store_open(scratch.dir, "gw-test", NULL, &store), WY_OK);
		help_check_whole(store, &found);
		assert_true(found == reported || found == reported + 1);
		store_close(store);
	}
	scratch_remove(&scratch);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_committed_survives_kill_9_at_any_moment)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
