/* replay_options.h: what `weiyu replay` and `weiyu explain` are asked for, and the world they look at. */
#ifndef REPLAY_OPTIONS_H
#define REPLAY_OPTIONS_H

#include "cli.h"
#include "rule.h"

#define REPLAY_FILES_MAX 1000u /* of one kind on a command line; refuse */

struct replay_list {
	const char *item[REPLAY_FILES_MAX];
	size_t n;
};

struct replay_options {
	const char *command; /* its name, for messages */
	const char *config; /* as in struct cli_options */
	bool is_config_given;
	struct replay_list classes, faults, rules, words;
	const char *site, *tiers, *log, *from, *to, *sweep;
	const char *socket; /* explain: of the gateway to ask; NULL: that of its file */
	bool is_stats, is_json, is_lax, is_held;
	wy_ms hold_ms; /* WY_MS_NEVER: until the next row */
};

/* argv[0] is the command's own name, and decides which options there are. NULL: said to stderr what is wrong. free() it. */
struct replay_options *replay_options_read(int argc, char **argv);

struct replay_world {
	struct cli_load *load;
	const struct config *config;
	struct rule_world world;
	struct rule_set *set;
};
/* Reads and compiles the files of the options; `rules` (may be NULL) in the place of those of the same packages.
 * params: a YAML list as a site's `params`, or NULL; they win.
 * lone_devices: an asset that no device feeds gets one of its own, so that its silence can be told.
 * False: said to stderr. */
bool replay_world_open(struct replay_world *world, const struct replay_options *options,
		       const struct replay_list *rules, const char *params, bool lone_devices);
void replay_world_close(struct replay_world *world);

#endif
