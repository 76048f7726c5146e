/* list.h: a command that asks the gateway for a list and shows it as a table. */
#ifndef CLI_LIST_H
#define CLI_LIST_H

#include <jansson.h>

#include "cli.h"

struct cli_list {
	const char *request; /* to the control socket; answered with an array */
	const char *none;    /* what is said of an empty one */
	const char *const *head;
	size_t columns;
	void (*add_row)(struct table *table, const json_t *item);
};

/* With --json the answer as it came. An answer that is no array goes to stderr in `command`'s name. */
enum cli_exit cli_list(const char *command, const struct cli_options *options, const struct cli_list *list);
/* NULL: there is none. Lives as long as the object. */
const char *cli_text(const json_t *object, const char *key);
/* Day and minute of an RFC 3339 stamp, "2026-11-22 09:02" or, without the year, "11-22 09:02". NULL: no stamp. */
const char *cli_minute(const char *stamp, bool has_year, char out[20]);

#endif
