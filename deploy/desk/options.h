/* options.h: the command line, as all commands share it. */
#ifndef DESK_OPTIONS_H
#define DESK_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#define DESK_EXIT_OK 0
#define DESK_EXIT_FAILED 1
#define DESK_EXIT_USAGE 2

struct desk_options {
	const char *db, *host, *ca, *cert, *key, *client_id, *role;
	uint16_t port;
	int protocol; /* 5, or 4: MQTT 3.1.1 */
	uint8_t shard_first, shard_last;
	unsigned hole_after_s;
	bool is_quiet, is_json, is_all;
	bool is_plain; /* no TLS */
	const char *const *words; /* what follows the command */
	int n_words;
};

/* Each returns an exit code. */
int cmd_run(const struct desk_options *options);
int cmd_list(const struct desk_options *options);
int cmd_work(const struct desk_options *options);

#endif
