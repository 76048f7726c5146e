/* ctl_test.c: the control socket answers one question, and bad clients disturb nobody. The server runs in
 * a child process, as in life. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ask.h"
#include "ctl.h"

#define LONG_ANSWER 3000000

static char path[200];
static pid_t server;

static char *answer(void *arg, const char *request)
{
	(void)arg;
	if (strcmp(request, "long") == 0) {
		char *text = malloc(LONG_ANSWER + 1);
		if (text) {
			memset(text, 'x', LONG_ANSWER);
			text[LONG_ANSWER] = '\0';
		}
		return text;
	}
	return strdup(request);
}

static int serve(void)
{
	struct clock clock;
	struct clock_past past = {0};
	struct loop *loop;
	struct ctl *ctl;

	clock_set(&clock, &past, "test");
	if (loop_new(&clock, &loop) || ctl_open(path, loop, answer, NULL, &ctl))
		return 1;
	return loop_run(loop) != WY_OK;
}

static int start(void **state)
{
	(void)state;
	snprintf(path, sizeof(path), "/tmp/weiyu-ctl-test-%d", (int)getpid());
	server = fork();
	if (server == 0)
		_exit(serve());
	for (int i = 0; i < 500; i++) {
		char *text = NULL;
		if (ctl_ask(path, "up", 1000, &text) == WY_OK) {
			free(text);
			return 0;
		}
		usleep(20000);
	}
	return -1;
}

static int stop(void **state)
{
	(void)state;
	kill(server, SIGKILL);
	waitpid(server, NULL, 0);
	unlink(path);
	return 0;
}

static int connect_raw(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	strcpy(address.sun_path, path);
	assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	return fd;
}

static void answers_one_line_with_one_line(void **state)
{
	char *text = NULL;
	(void)state;

	assert_int_equal(ctl_ask(path, "{\"ask\":1}", 5000, &text), WY_OK);
	assert_string_equal(text, "{\"ask\":1}\n");
	free(text);
}

static void sends_answers_larger_than_a_socket_buffer(void **state)
{
	char *text = NULL;
	(void)state;

	assert_int_equal(ctl_ask(path, "long", 20000, &text), WY_OK);
	assert_int_equal(strlen(text), LONG_ANSWER + 1);
	free(text);
}

static void goes_on_while_clients_stall_or_flood(void **state)
{
	int stalled[4];
	static char flood[WY_CTL_REQUEST_MAX + 100];
	char *text = NULL;
	char byte;
	(void)state;

	for (size_t i = 0; i < 4; i++)
		stalled[i] = connect_raw();
	int reader = connect_raw(); /* asks for much and reads nothing */
	assert_int_equal(send(reader, "long\n", 5, MSG_NOSIGNAL), 5);
	int flooder = connect_raw();
	memset(flood, 'y', sizeof(flood));
	(void)!send(flooder, flood, sizeof(flood), MSG_NOSIGNAL);
	assert_int_equal(ctl_ask(path, "still there", 5000, &text), WY_OK);
	assert_string_equal(text, "still there\n");
	free(text);
	/* The flood is cut off at its ceiling. */
	assert_true(recv(flooder, &byte, 1, 0) <= 0);
	for (size_t i = 0; i < 4; i++)
		close(stalled[i]);
	close(reader);
	close(flooder);
}

static void says_so_where_all_places_are_taken(void **state)
{
	int stalled[WY_CTL_CLIENTS_MAX];
	char *text = NULL;
	(void)state;

	for (size_t i = 0; i < WY_CTL_CLIENTS_MAX; i++)
		stalled[i] = connect_raw();
	assert_int_equal(ctl_ask(path, "one more", 5000, &text), WY_OK);
	assert_non_null(strstr(text, "\"error\""));
	free(text);
	for (size_t i = 0; i < WY_CTL_CLIENTS_MAX; i++)
		close(stalled[i]);
	text = NULL;
	bool is_served = false;
	for (int i = 0; i < 200 && !is_served; i++) {
		assert_int_equal(ctl_ask(path, "again", 5000, &text), WY_OK);
		is_served = strcmp(text, "again\n") == 0;
		free(text);
		usleep(10000);
	}
	assert_true(is_served);
}

static void is_not_open_to_everybody(void **state)
{
	struct stat st;
	(void)state;

	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0660);
}

static void does_not_take_a_socket_that_is_in_use(void **state)
{
	struct clock clock;
	struct clock_past past = {0};
	struct loop *loop;
	struct ctl *ctl = NULL;
	char *text = NULL;
	(void)state;

	clock_set(&clock, &past, "test");
	assert_int_equal(loop_new(&clock, &loop), WY_OK);
	assert_int_equal(ctl_open(path, loop, answer, NULL, &ctl), WY_E_EXISTS);
	loop_free(loop);
	assert_int_equal(ctl_ask(path, "mine", 5000, &text), WY_OK);
	free(text);
}

static void says_why_there_is_no_answer(void **state)
{
	char *text = NULL;
	(void)state;

	assert_int_equal(ctl_ask("/tmp/weiyu-no-such-socket", "x", 1000, &text), WY_E_NOTFOUND);
	assert_null(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answers_one_line_with_one_line),
		cmocka_unit_test(sends_answers_larger_than_a_socket_buffer),
		cmocka_unit_test(goes_on_while_clients_stall_or_flood),
		cmocka_unit_test(says_so_where_all_places_are_taken),
		cmocka_unit_test(is_not_open_to_everybody),
		cmocka_unit_test(does_not_take_a_socket_that_is_in_use),
		cmocka_unit_test(says_why_there_is_no_answer),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
