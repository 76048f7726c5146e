/* fault-proxy: disturbs the answers on a wire, from a seed that it prints. See faults.def for what it can do.
 *
 *   fault-proxy --listen tcp:127.0.0.1:1502 --to tcp:127.0.0.1:502 --rate 0.01
 *   fault-proxy --listen pty:/tmp/line --to pty:/tmp/far --faults flip,drop --rate 0.05 --seed 7
 *   fault-proxy --listen udp:127.0.0.1:5684 --to udp:127.0.0.1:5683 --rate 0.1
 *   fault-proxy --listen tcp:127.0.0.1:0 --to truth      (answers by itself: units 1 to 247)
 *
 * It ends on SIGTERM or SIGINT with its figures, and with 1 where a Modbus request came that was no read. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "truth.h"

enum { UNITS = 247, TIMEOUT_MS = 1000 };

static volatile sig_atomic_t is_over;

static void end(int number)
{
	(void)number;
	is_over = 1;
}

static int usage(void)
{
	fprintf(stderr, "usage: fault-proxy --listen tcp:HOST:PORT|pty:LINK|udp:HOST:PORT --to (the same)|truth\n"
			"                   [--seed N] [--rate 0..1] [--byte-rate 0..1] [--timeout MS] [--faults NAME,...]\n"
			"faults (all where none is named):\n");
	for (enum fault kind = FAULT_NONE + 1; kind < FAULT_noise; kind++)
		fprintf(stderr, "  %-11s an answer %s\n", fault_name(kind), fault_text(kind));
	return 2;
}

/* "tcp:127.0.0.1:502" after its first colon. */
static bool read_address(const char *text, struct sockaddr_in *ret)
{
	char host[64];
	const char *colon = strrchr(text, ':');

	if (!colon || (size_t)(colon - text) >= sizeof(host))
		return false;
	memcpy(host, text, (size_t)(colon - text));
	host[colon - text] = '\0';
	ret->sin_family = AF_INET;
	ret->sin_port = htons((uint16_t)strtoul(colon + 1, NULL, 10));
	return inet_pton(AF_INET, host, &ret->sin_addr) == 1;
}

static bool read_listen(const char *text, struct line_conf *conf)
{
	struct sockaddr_in at = {0};

	if (!strncmp(text, "pty:", 4)) {
		conf->kind = LINE_PTY;
		conf->link = text + 4;
		return true;
	}
	conf->kind = strncmp(text, "udp:", 4) ? LINE_TCP : LINE_UDP;
	if ((strncmp(text, "udp:", 4) && strncmp(text, "tcp:", 4)) || !read_address(text + 4, &at))
		return false;
	conf->near_address = at.sin_addr;
	conf->near_port = ntohs(at.sin_port);
	return true;
}

static bool read_far(const char *text, struct line_conf *conf)
{
	if (!strcmp(text, "truth")) {
		conf->answer = truth_answer;
		return true;
	}
	if (!strncmp(text, "pty:", 4)) {
		conf->far_tty = text + 4;
		return true;
	}
	return strlen(text) > 4 && read_address(text + 4, &conf->far);
}

static bool read_options(int argc, char **argv, struct line_conf *conf)
{
	static const struct option options[] = {
		{"listen", 1, NULL, 'l'}, {"to", 1, NULL, 't'},	      {"seed", 1, NULL, 's'},
		{"rate", 1, NULL, 'r'},	  {"byte-rate", 1, NULL, 'b'}, {"timeout", 1, NULL, 'w'},
		{"faults", 1, NULL, 'f'}, {NULL, 0, NULL, 0},
	};
	bool has_near = false, has_far = false, is_right = true;
	int c;

	while (is_right && (c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (c) {
		case 'l': has_near = read_listen(optarg, conf); break;
		case 't': has_far = read_far(optarg, conf); break;
		case 's': conf->faults.seed = strtoull(optarg, NULL, 10); break;
		case 'r': conf->faults.rate = strtod(optarg, NULL); break;
		case 'b': conf->faults.byte_rate = strtod(optarg, NULL); break;
		case 'w': conf->faults.timeout_ms = strtoll(optarg, NULL, 10); break;
		case 'f':
			conf->faults.mask = faults_mask(optarg);
			is_right = conf->faults.mask != 0;
			break;
		default: is_right = false;
		}
	}
	return is_right && has_near && has_far && optind == argc;
}

static void print_figures(const struct line *line)
{
	printf("requests %llu answers %llu disturbed %llu writes %llu\n", (unsigned long long)line->n_requests,
	       (unsigned long long)line->faults.n_answers, (unsigned long long)line->faults.n_disturbed,
	       (unsigned long long)line->n_writes);
	for (enum fault kind = FAULT_NONE + 1; kind < FAULT_KINDS; kind++)
		if (line->faults.by_kind[kind])
			printf("%s %llu\n", fault_name(kind), (unsigned long long)line->faults.by_kind[kind]);
}

int main(int argc, char **argv)
{
	static struct truth_unit units[UNITS];
	static struct line line;
	static struct truth truth = {.units = units, .n_units = UNITS};
	struct scene scene;
	struct line_conf conf = {.faults = {.seed = (uint64_t)time(NULL), .timeout_ms = TIMEOUT_MS}};

	if (!read_options(argc, argv, &conf))
		return usage();
	for (unsigned i = 0; i < UNITS; i++)
		units[i].id = (uint8_t)(i + 1);
	truth.scene = &scene;
	truth.frames = conf.kind == LINE_PTY ? FRAME_RTU : FRAME_TCP;
	conf.answer_arg = &truth;
	signal(SIGTERM, end);
	signal(SIGINT, end);
	scene_open(&scene, 0);
	if (line_open(&line, &scene, &conf)) {
		perror("fault-proxy");
		return 2;
	}
	printf("seed %llu\n", (unsigned long long)conf.faults.seed);
	if (conf.kind == LINE_PTY)
		printf("tty %s\n", line.tty);
	else
		printf("port %u\n", line.port);
	fflush(stdout);
	while (!is_over)
		scene_turn(&scene, scene.now_ms + 100);
	print_figures(&line);
	bool is_clean = conf.kind == LINE_UDP || line.n_writes == 0;
	line_close(&line);
	scene_close(&scene);
	return is_clean ? 0 : 1;
}
