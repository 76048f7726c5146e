/* run_start_test.c: a start that fails at some step leaves nothing behind and says so by its code; a stop asked for early
 * is an orderly one. The sanitizer's leak check is part of the test. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ask.h"
#include "run.h"

#define BUILDING WY_SOURCE_DIR "/tests/gateway/engine/building"

static char dir[64], gateway[128];

static void run_shell(const char *command)
{
	char text[400];

	snprintf(text, sizeof(text), "cd %s && %s", dir, command);
	assert_int_equal(system(text), 0);
}

static int make(void **state)
{
	(void)state;
	snprintf(dir, sizeof(dir), "/tmp/weiyu-run-XXXXXX");
	assert_non_null(mkdtemp(dir));
	snprintf(gateway, sizeof(gateway), "%s/gateway.yaml", dir);
	run_shell("cp " BUILDING "/*.yaml . && sed -i 's/127.0.0.1, port: 1502/127.0.0.1, port: 1/' site.yaml");
	run_shell("printf 'weiyu: rules/1\\npackage: room\\nrules:\\n  - {id: room.wet, scope: room, "
		  "fault: WTR-01, tier: S3, when: a, clear: not a}\\n' > rules.yaml");
	run_shell("sed -i \"s#^state: state#state: $PWD/a/b/state\\nsocket: $PWD/sock#\" gateway.yaml");
	return 0;
}

static int clean(void **state)
{
	char command[100];

	(void)state;
	snprintf(command, sizeof(command), "rm -r %s", dir);
	return system(command);
}

static void a_wrong_file_is_said(void **state)
{
	(void)state;
	assert_int_equal(run_gateway("/tmp/weiyu-no-such-file.yaml"), RUN_CONFIG);
	run_shell("echo 'nonsense: 1' >> site.yaml");
	assert_int_equal(run_gateway(gateway), RUN_CONFIG);
}

static void a_state_directory_that_cannot_be_is_said(void **state)
{
	(void)state;
	run_shell("mkdir a && touch a/b");
	assert_int_equal(run_gateway(gateway), RUN_SETUP);
	run_shell("rm a/b && mkdir -p a/b && touch a/b/state");
	assert_int_equal(run_gateway(gateway), RUN_SETUP);
}

/* It is put aside, and the start goes on: here until there is no place for the socket. */
static void a_store_that_is_damaged_is_put_aside(void **state)
{
	(void)state;
	run_shell("mkdir -p a/b/state && echo 'this is no database, however long one looks at it' > a/b/state/weiyu.db");
	run_shell("cp a/b/state/weiyu.db before && sed -i \"s#^socket:.*#socket: $PWD/none/sock#\" gateway.yaml");
	assert_int_equal(run_gateway(gateway), RUN_SETUP);
	run_shell("cmp before a/b/state/weiyu.db.damaged-1 && test -s a/b/state/weiyu.db");
}

static void a_socket_that_cannot_be_made_is_said_after_all_else_was_open(void **state)
{
	(void)state;
	run_shell("sed -i \"s#^socket:.*#socket: $PWD/none/sock#\" gateway.yaml");
	assert_int_equal(run_gateway(gateway), RUN_SETUP);
}

static void without_the_uplinks_files_it_watches_on_and_stops_when_asked(void **state)
{
	char socket[160], *answer = NULL;
	int status = 0;
	pid_t child;
	(void)state;

	snprintf(socket, sizeof(socket), "%s/sock", dir);
	fflush(NULL);
	child = fork();
	assert_true(child >= 0);
	if (child == 0)
		exit((int)run_gateway(gateway));
	for (int i = 0; i < 3000 && ctl_ask(socket, "{\"ask\":\"status\"}", 2000, &answer); i++)
		usleep(10000);
	assert_non_null(answer);
	assert_non_null(strstr(answer, "\"is_up\":false"));
	assert_non_null(strstr(answer, "\"why_down\":\""));
	free(answer);
	assert_int_equal(kill(child, SIGTERM), 0);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), RUN_STOPPED);
	assert_int_not_equal(access(socket, F_OK), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_wrong_file_is_said, make, clean),
		cmocka_unit_test_setup_teardown(a_state_directory_that_cannot_be_is_said, make, clean),
		cmocka_unit_test_setup_teardown(a_store_that_is_damaged_is_put_aside, make, clean),
		cmocka_unit_test_setup_teardown(a_socket_that_cannot_be_made_is_said_after_all_else_was_open, make,
						clean),
		cmocka_unit_test_setup_teardown(without_the_uplinks_files_it_watches_on_and_stops_when_asked, make,
						clean),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
