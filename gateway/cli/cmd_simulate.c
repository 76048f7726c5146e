/* cmd_simulate.c: any profile as a live Modbus or CoAP server, for training and for tests.
 *
 * The server halves of the protocols are not in this program, on purpose: the gateway only reads, and what it
 * does not hold it cannot do by mistake. They are in weiyu-sim, which stands beside it; this command writes
 * a scenario for it and waits until it ends. */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "simulate.h"

#define LOOK_EVERY_MS 20 /* whether it listens by now */

/* ---- Options ----------------------------------------------------------------------------------- */

static bool take_port(const char *option, const char *text, int *ret_port)
{
	int64_t port;

	if (wy_parse_int(text, strlen(text), &port) || port < 0 || port > 65535) {
		fprintf(stderr, "weiyu simulate: %s %s: a port is 0 (any free one) to 65535\n", option, text);
		return false;
	}
	*ret_port = (int)port;
	return true;
}

/* The link need not be there yet; weiyu-sim must find its place from another directory. */
static bool take_link(const char *text, char **ret_link)
{
	char *here = text[0] == '/' ? strdup("") : getcwd(NULL, 0);
	char *link = NULL;

	if (here && asprintf(&link, "%s%s%s", here, here[0] ? "/" : "", text) < 0)
		link = NULL;
	free(here);
	free(*ret_link);
	*ret_link = link;
	return link != NULL;
}

static bool take_word(const char *option, const char *word, const char **words, size_t *n)
{
	if (*n == SIMULATE_WORDS_MAX) {
		fprintf(stderr, "weiyu simulate: more than %u times %s\n", SIMULATE_WORDS_MAX, option);
		return false;
	}
	words[(*n)++] = word;
	return true;
}

static bool take_valued(struct simulate *s, const char *option, const char *value)
{
	if (strcmp(option, "--tcp") == 0)
		return take_port(option, value, &s->port);
	if (strcmp(option, "--coap") == 0)
		return take_port(option, value, &s->coap_port);
	if (strcmp(option, "--rtu") == 0)
		return take_link(value, &s->link);
	if (strcmp(option, "--set") == 0)
		return take_word(option, value, s->set, &s->n_set);
	if (strcmp(option, "--with") == 0)
		return take_word(option, value, s->with, &s->n_with);
	const char **text = strcmp(option, "--control") == 0 ? &s->control
			    : strcmp(option, "--truth") == 0 ? &s->truth
							     : &s->profiles_dir;
	*text = value;
	return true;
}

/* Words that are profiles move to the front of argv. False: said. */
static bool read_options(int argc, char **argv, struct simulate *s, int *ret_words)
{
	static const char *const valued[] = {"--tcp",  "--coap",    "--rtu",   "--set",
					     "--with", "--control", "--truth", "--profiles"};
	bool is_tcp = false;

	*ret_words = 0;
	for (int i = 1; i < argc; i++) {
		const char *option = argv[i];
		size_t v = 0;

		while (v < sizeof(valued) / sizeof(*valued) && strcmp(valued[v], option) != 0)
			v++;
		if (strcmp(option, "--list") == 0) {
			s->is_list = true;
		} else if (strcmp(option, "--print") == 0) {
			s->is_print = true;
		} else if (v < sizeof(valued) / sizeof(*valued)) {
			is_tcp = is_tcp || strcmp(option, "--tcp") == 0;
			if (i + 1 == argc) {
				fprintf(stderr, "weiyu simulate: '%s' needs a value\n", option);
				return false;
			}
			if (!take_valued(s, option, argv[++i]))
				return false;
		} else if (option[0] == '-') {
			fprintf(stderr, "weiyu simulate: unknown option '%s'\n", option);
			return false;
		} else {
			argv[(*ret_words)++] = argv[i];
		}
	}
	if (is_tcp && s->link)
		fprintf(stderr, "weiyu simulate: --tcp or --rtu, not both; for several kinds write a scenario\n");
	return !(is_tcp && s->link);
}

/* ---- The simulator ----------------------------------------------------------------------------- */

static volatile sig_atomic_t child;

static void pass_on(int number)
{
	if (child > 0)
		kill((pid_t)child, number);
}

/* Never returns. */
static void become_sim(const char *const *arguments)
{
	char path[4096];
	size_t n;

	/* Whatever ends this command ends the simulator, too. */
	(void)prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (simulate_own_directory(path, sizeof(path) - sizeof("/weiyu-sim"))) {
		n = strlen(path);
		memcpy(path + n, "/weiyu-sim", sizeof("/weiyu-sim"));
		execv(path, (char *const *)(uintptr_t)arguments);
		fprintf(stderr, "weiyu simulate: cannot run %s: %s; it is a program of its own and belongs beside weiyu\n",
			path, strerror(errno));
	}
	_exit(CLI_FOUND);
}

static bool start_sim(const char *const *arguments)
{
	struct sigaction action = {.sa_handler = pass_on};

	fflush(NULL);
	pid_t pid = fork();
	if (pid < 0) {
		fprintf(stderr, "weiyu simulate: %s\n", strerror(errno));
		return false;
	}
	if (pid == 0)
		become_sim(arguments);
	child = pid;
	(void)sigaction(SIGINT, &action, NULL);
	(void)sigaction(SIGTERM, &action, NULL);
	(void)sigaction(SIGHUP, &action, NULL);
	return true;
}

/* Its exit status once it has ended; -1: it has not (and is not to be waited for), or was killed. */
static int status_of_sim(bool is_waiting)
{
	pid_t done;
	int status;

	do {
		done = waitpid((pid_t)child, &status, is_waiting ? 0 : WNOHANG);
	} while (done < 0 && errno == EINTR);
	if (done != (pid_t)child)
		return done == 0 ? -1 : CLI_FOUND;
	child = 0;
	return WIFEXITED(status) ? WEXITSTATUS(status) : CLI_FOUND;
}

/* Says what it listens on as soon as that is known. Its exit status. */
static int watch_sim(const struct simulate *s, const char *ports)
{
	struct timespec pause = {.tv_nsec = LOOK_EVERY_MS * 1000000};

	while (access(ports, R_OK) != 0) {
		int status = status_of_sim(false);
		if (status >= 0)
			return status;
		(void)nanosleep(&pause, NULL);
	}
	simulate_say(s, ports);
	return status_of_sim(true);
}

static bool write_scenario(const struct simulate *s, const char *path)
{
	FILE *file = fopen(path, "we");

	if (!file)
		return false;
	simulate_write_scenario(s, file);
	bool is_written = !ferror(file);
	return fclose(file) == 0 && is_written;
}

/* In a directory that is gone afterwards. */
static int run_sim(const struct simulate *s)
{
	const char *where = getenv("TMPDIR");
	char dir[512], scenario[600], ports[600];
	int status = CLI_FOUND;

	(void)snprintf(dir, sizeof(dir), "%s/weiyu-simulate-XXXXXX", where ? where : "/tmp");
	if (!mkdtemp(dir)) {
		fprintf(stderr, "weiyu simulate: no directory %s: %s\n", dir, strerror(errno));
		return CLI_FOUND;
	}
	(void)snprintf(scenario, sizeof(scenario), "%s/scenario.yaml", dir);
	(void)snprintf(ports, sizeof(ports), "%s/ports.json", dir);
	const char *arguments[] = {"weiyu-sim", "--ports", ports, "--truth", s->truth ? s->truth : "/dev/null",
				   scenario, NULL, NULL, NULL};
	if (s->control) {
		arguments[6] = "--control";
		arguments[7] = s->control;
	}
	if (!write_scenario(s, scenario))
		fprintf(stderr, "weiyu simulate: cannot write %s: %s\n", scenario, strerror(errno));
	else if (start_sim(arguments))
		status = watch_sim(s, ports);
	(void)unlink(ports);
	(void)unlink(scenario);
	(void)rmdir(dir);
	return status;
}

static int list_misbehaviours(void)
{
	static const char *const arguments[] = {"weiyu-sim", "--list", NULL};

	return start_sim(arguments) ? status_of_sim(true) : CLI_FOUND;
}

static int simulate(struct simulate *s, char **words, int n_words, struct cli_load *load)
{
	for (int i = 0; i < n_words; i++)
		if (!simulate_add(s, words[i], load))
			return CLI_FOUND;
	if (!simulate_settle(s))
		return CLI_FOUND;
	if (!s->is_print)
		return run_sim(s);
	simulate_write_scenario(s, stdout);
	return CLI_FINE;
}

int cmd_simulate(int argc, char **argv)
{
	struct simulate *s = calloc(1, sizeof(*s));
	struct cli_load *load = cli_load_new();
	int n_words = 0, status = CLI_USAGE;

	if (!s || !load)
		status = CLI_FOUND;
	else if (!read_options(argc, argv, s, &n_words))
		status = CLI_USAGE;
	else if (s->is_list)
		status = list_misbehaviours();
	else if (n_words == 0)
		fprintf(stderr, "weiyu simulate: name a profile, or --list for the misbehaviours\n");
	else
		status = simulate(s, argv, n_words, load);
	if (s)
		simulate_free(s);
	free(s);
	cli_load_free(load);
	return status;
}
