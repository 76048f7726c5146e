/* main.c: weiyu-sim: plays the devices of a building from a scenario file.
 *
 * Exit status 0: played to its end or stopped; 1: the scenario is wrong or something could not be
 * opened; 2: wrong arguments; 3: somebody tried to write to a device, which the gateway must never
 * do. */
#define _GNU_SOURCE
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "play.h"

enum { EXIT_FINE = 0, EXIT_FAILED = 1, EXIT_USAGE = 2, EXIT_WRITES = 3 };

struct options {
	const char *control, *ports, *truth, *scenario;
};

static const char usage[] =
	"usage: weiyu-sim [--control SOCKET] [--ports FILE] [--truth FILE] SCENARIO\n"
	"       weiyu-sim --list\n"
	"Play the devices of a building from a scenario file.\n"
	"  --control SOCKET  take commands there (help lists them)\n"
	"  --ports FILE      write {device: port or link} as JSON once everything listens\n"
	"  --list            name all misbehaviours\n"
	"  --truth FILE      write what happens there, a JSON line each; default: standard "
	"output\n";

/* A line each: NAME[=ARGUMENT], where it is possible, what it does. */
static void print_quirks(void)
{
	static const char *const transports[] = {"tcp", "rtu", "coap"};

	for (size_t id = 0; id < SIM_QUIRK_COUNT; id++) {
		const struct sim_quirk *quirk = sim_quirk_at(id);
		char name[64], where[32];
		struct wy_buf buf;

		(void)snprintf(name, sizeof(name), "%s%s%s", quirk->name, quirk->arg_key ? "=" : "",
			       quirk->arg_key ? quirk->arg_key : "");
		wy_buf_init(&buf, where, sizeof(where));
		for (size_t t = 0; t < 3; t++)
			if (quirk->transports & 1u << t)
				wy_buf_addf(&buf, "%s%s", buf.len ? "," : "", transports[t]);
		printf("%-22s %-13s %s%s\n", name, where, quirk->is_state ? "" : "answers ", quirk->help);
	}
}

/* False: *ret_status is what to exit with. */
static bool read_options(int argc, char **argv, struct options *options, int *ret_status)
{
	static const struct option rows[] = {{"control", required_argument, NULL, 'c'},
					     {"ports", required_argument, NULL, 'p'},
					     {"truth", required_argument, NULL, 't'},
					     {"list", no_argument, NULL, 'l'},
					     {"help", no_argument, NULL, 'h'},
					     {NULL, 0, NULL, 0}};
	int letter;

	while ((letter = getopt_long(argc, argv, "h", rows, NULL)) != -1) {
		switch (letter) {
		case 'c':
			options->control = optarg;
			break;
		case 'p':
			options->ports = optarg;
			break;
		case 't':
			options->truth = optarg;
			break;
		case 'l':
			print_quirks();
			*ret_status = EXIT_FINE;
			return false;
		default:
			fputs(usage, letter == 'h' ? stdout : stderr);
			*ret_status = letter == 'h' ? EXIT_FINE : EXIT_USAGE;
			return false;
		}
	}
	if (optind + 1 != argc) {
		fputs(usage, stderr);
		*ret_status = EXIT_USAGE;
		return false;
	}
	options->scenario = argv[optind];
	return true;
}

static void print_diags(const struct wy_diags *diags)
{
	for (size_t i = 0; i < diags->n; i++) {
		char text[2048];
		struct wy_buf buf;

		wy_buf_init(&buf, text, sizeof(text));
		wy_diag_print(&diags->item[i], &buf);
		fprintf(stderr, "%s%s", text, buf.len && text[buf.len - 1] == '\n' ? "" : "\n");
	}
}

/* Ctrl-C and SIGTERM arrive in the loop, so that links and sockets are removed. */
struct stopper {
	struct sim_source source;
	struct sim_loop *loop;
};

static void signal_came(void *arg, uint32_t events)
{
	struct stopper *stopper = arg;

	(void)events;
	stopper->loop->is_done = true;
}

static enum wy_err catch_signals(struct stopper *stopper, struct sim_loop *loop)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	if (sigprocmask(SIG_BLOCK, &set, NULL))
		return WY_E_IO;
	*stopper = (struct stopper){
		{signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK), signal_came, stopper}, loop};
	if (stopper->source.fd < 0)
		return WY_E_IO;
	return sim_loop_add(loop, &stopper->source, EPOLLIN);
}

static int play(struct sim_scenario *scenario, const struct options *options, FILE *truth_file)
{
	struct stopper stopper = {.source.fd = -1};
	struct sim_play play;
	enum wy_err err = sim_play_open(&play, scenario, truth_file, options->control);

	if (!err)
		err = catch_signals(&stopper, &play.loop);
	if (!err && options->ports)
		err = sim_play_write_ports(&play, options->ports);
	if (!err)
		err = sim_play_run(&play);
	uint64_t writes = play.truth.writes;
	sim_play_close(&play);
	if (stopper.source.fd >= 0)
		close(stopper.source.fd);
	if (writes)
		fprintf(stderr, "weiyu-sim: %llu attempts to write to a device\n",
			(unsigned long long)writes);
	if (err)
		return EXIT_FAILED;
	return writes ? EXIT_WRITES : EXIT_FINE;
}

/* A thousand ports and their connections are more descriptors than a shell allows at first. */
static void allow_descriptors(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) || limit.rlim_cur == limit.rlim_max)
		return;
	limit.rlim_cur = limit.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &limit);
}

static int load_and_play(const struct options *options, FILE *truth_file)
{
	struct wy_diags *diags = calloc(1, sizeof(*diags));
	void *memory = malloc(WY_LOAD_ARENA_BYTES);
	struct sim_scenario scenario;
	struct wy_arena arena;
	int status = EXIT_FAILED;

	if (diags && memory) {
		wy_arena_init(&arena, memory, WY_LOAD_ARENA_BYTES);
		wy_diags_init(diags, &arena);
		enum wy_err err = sim_scenario_load(options->scenario, &arena, diags, &scenario);
		print_diags(diags);
		if (!err)
			status = play(&scenario, options, truth_file);
	}
	free(memory);
	free(diags);
	return status;
}

int main(int argc, char **argv)
{
	struct options options = {0};
	FILE *truth_file = stdout;
	int status;

	if (!read_options(argc, argv, &options, &status))
		return status;
	(void)signal(SIGPIPE, SIG_IGN);
	allow_descriptors();
	if (options.truth && !(truth_file = fopen(options.truth, "ae"))) {
		fprintf(stderr, "weiyu-sim: cannot write '%s': %s\n", options.truth,
			strerror(errno));
		return EXIT_FAILED;
	}
	status = load_and_play(&options, truth_file);
	if (ferror(truth_file) | (options.truth ? fclose(truth_file) : fflush(truth_file))) {
		fputs("weiyu-sim: the truth could not be written\n", stderr);
		status = status ? status : EXIT_FAILED;
	}
	return status;
}
