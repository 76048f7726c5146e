/* main.c: weiyu-desk, the reference complaint platform: the command line.
 *
 *   weiyu-desk [run]                   listen, commit, receipt
 *   weiyu-desk list                    what the database holds
 *   weiyu-desk work STATE TICKET_KEY   move a ticket on, and tell its gateway
 *   weiyu-desk ack TICKET_KEY          the same with STATE acked */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wy_limits.h"
#include "link.h"
#include "number.h"
#include "options.h"

static const char USAGE[] =
	"weiyu-desk [run]                  take ticket events, commit them, send receipts\n"
	"weiyu-desk list                   tickets, gateways and streams in the database\n"
	"weiyu-desk ack TICKET_KEY         short for: work acked TICKET_KEY\n"
	"weiyu-desk work STATE TICKET_KEY  acked assigned on_site started resolved rejected merged shelved\n"
	"                                  closed: record it and tell the gateway\n"
	"\n"
	"--db sqlite:PATH | postgres:CONNINFO   default sqlite:desk.db\n"
	"--host NAME --port N                   the broker; default localhost 8883\n"
	"--ca FILE --cert FILE --key FILE       TLS with client certificate, PEM\n"
	"--plain                                no TLS: a broker on a bench, never a building\n"
	"--mqtt 5 | 3.1.1                       what the broker speaks; default 5\n"
	"--client-id ID                         default desk-1; one per running desk\n"
	"--shards FIRST-LAST                    two hex digits each; default 00-ff\n"
	"--hole-after SECONDS                   run: ask for what is missing so long; default 30\n"
	"--quiet                                run: print no events\n"
	"--json                                 run: one JSON object per event; list: one document\n"
	"--all                                  list: also tickets that have ended\n"
	"--role NAME                            work: who acts; default desk\n";

enum option_id {
	OPTION_DB = 256,
	OPTION_HOST,
	OPTION_PORT,
	OPTION_CA,
	OPTION_CERT,
	OPTION_KEY,
	OPTION_PLAIN,
	OPTION_MQTT,
	OPTION_CLIENT_ID,
	OPTION_SHARDS,
	OPTION_HOLE_AFTER,
	OPTION_QUIET,
	OPTION_JSON,
	OPTION_ALL,
	OPTION_ROLE,
	OPTION_HELP,
};

static const struct option OPTIONS[] = {
	{"db", required_argument, NULL, OPTION_DB},
	{"host", required_argument, NULL, OPTION_HOST},
	{"port", required_argument, NULL, OPTION_PORT},
	{"ca", required_argument, NULL, OPTION_CA},
	{"cert", required_argument, NULL, OPTION_CERT},
	{"key", required_argument, NULL, OPTION_KEY},
	{"plain", no_argument, NULL, OPTION_PLAIN},
	{"mqtt", required_argument, NULL, OPTION_MQTT},
	{"client-id", required_argument, NULL, OPTION_CLIENT_ID},
	{"shards", required_argument, NULL, OPTION_SHARDS},
	{"hole-after", required_argument, NULL, OPTION_HOLE_AFTER},
	{"quiet", no_argument, NULL, OPTION_QUIET},
	{"json", no_argument, NULL, OPTION_JSON},
	{"all", no_argument, NULL, OPTION_ALL},
	{"role", required_argument, NULL, OPTION_ROLE},
	{"help", no_argument, NULL, OPTION_HELP},
	{NULL, 0, NULL, 0},
};

static const struct {
	const char *name;
	int (*run)(const struct desk_options *options);
	bool needs_broker;
} COMMANDS[] = {
	{"run", cmd_run, true},
	{"list", cmd_list, false},
	{"work", cmd_work, true},
};

/* "00-ff", or "3f" for one. */
static bool read_shards(const char *text, struct desk_options *options)
{
	unsigned first, last;
	char rest;

	if (strspn(text, "0123456789abcdef") != 2)
		return false;
	if (sscanf(text, "%2x-%2x%c", &first, &last, &rest) != 2) {
		if (text[2] != '\0')
			return false;
		last = (unsigned)strtoul(text, NULL, 16);
		first = last;
	}
	options->shard_first = (uint8_t)first;
	options->shard_last = (uint8_t)last;
	return first <= last;
}

static bool read_port(const char *text, uint16_t *ret_port)
{
	int64_t port;

	if (wy_parse_int(text, strlen(text), &port) != WY_OK || port < 1 || port > 65535)
		return false;
	*ret_port = (uint16_t)port;
	return true;
}

static bool read_seconds(const char *text, unsigned *ret_seconds)
{
	int64_t seconds;

	if (wy_parse_int(text, strlen(text), &seconds) != WY_OK || seconds < 1 || seconds > 86400)
		return false;
	*ret_seconds = (unsigned)seconds;
	return true;
}

static bool read_protocol(const char *text, int *ret_protocol)
{
	*ret_protocol = strcmp(text, "5") == 0 ? 5 : 4;
	return *ret_protocol == 5 || strcmp(text, "3.1.1") == 0;
}

static bool read_options(int argc, char **argv, struct desk_options *options)
{
	bool is_right = true;
	int code;

	while (is_right && (code = getopt_long(argc, argv, "", OPTIONS, NULL)) != -1) {
		switch (code) {
		case OPTION_DB:        options->db = optarg; break;
		case OPTION_HOST:      options->host = optarg; break;
		case OPTION_PORT:      is_right = read_port(optarg, &options->port); break;
		case OPTION_CA:        options->ca = optarg; break;
		case OPTION_CERT:      options->cert = optarg; break;
		case OPTION_KEY:       options->key = optarg; break;
		case OPTION_PLAIN:     options->is_plain = true; break;
		case OPTION_MQTT:      is_right = read_protocol(optarg, &options->protocol); break;
		case OPTION_CLIENT_ID: options->client_id = optarg; break;
		case OPTION_SHARDS:    is_right = read_shards(optarg, options); break;
		case OPTION_HOLE_AFTER: is_right = read_seconds(optarg, &options->hole_after_s); break;
		case OPTION_QUIET:     options->is_quiet = true; break;
		case OPTION_JSON:      options->is_json = true; break;
		case OPTION_ALL:       options->is_all = true; break;
		case OPTION_ROLE:      options->role = optarg; break;
		case OPTION_HELP:
			fputs(USAGE, stdout);
			exit(DESK_EXIT_OK);
		default:
			return false;
		}
	}
	if (!is_right)
		fprintf(stderr, "weiyu-desk: not a valid value: %s\n", optarg);
	return is_right;
}

/* TLS is whole or explicitly absent, so that a forgotten option cannot take it away. */
static bool is_secured(const struct desk_options *options)
{
	bool is_whole = options->ca && options->cert && options->key;
	bool is_absent = !options->ca && !options->cert && !options->key;

	if (options->is_plain ? is_absent : is_whole)
		return true;
	fputs("weiyu-desk: expected --ca, --cert and --key, or --plain and none of them\n", stderr);
	return false;
}

int main(int argc, char **argv)
{
	static const char *const ack[] = {"acked", NULL};
	const char *words[3];
	struct desk_options options = {
		.db = "sqlite:desk.db",
		.host = "localhost",
		.port = 8883,
		.protocol = 5,
		.client_id = "desk-1",
		.role = "desk",
		.shard_last = 255,
		.hole_after_s = 30,
		.words = words,
	};
	const char *command = "run";

	link_begin_process();
	if (!read_options(argc, argv, &options))
		return DESK_EXIT_USAGE;
	if (optind < argc)
		command = argv[optind++];
	if (strcmp(command, "ack") == 0) {
		command = "work";
		words[options.n_words++] = ack[0];
	}
	while (optind < argc && options.n_words < 3)
		words[options.n_words++] = argv[optind++];
	for (size_t i = 0; i < sizeof COMMANDS / sizeof *COMMANDS; i++) {
		if (strcmp(COMMANDS[i].name, command) != 0)
			continue;
		if (COMMANDS[i].needs_broker && !is_secured(&options))
			return DESK_EXIT_USAGE;
		return COMMANDS[i].run(&options);
	}
	fprintf(stderr, "weiyu-desk: no command '%s'\n%s", command, USAGE);
	return DESK_EXIT_USAGE;
}
