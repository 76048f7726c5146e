/* cli.h: what the commands of `weiyu` share. */
#ifndef CLI_H
#define CLI_H

#include <stdbool.h>
#include <stddef.h>

#include "config.h"
#include "number.h"

#define CLI_DEFAULT_CONFIG "/etc/weiyu/gateway.yaml"

enum cli_exit { CLI_FINE = 0, CLI_FOUND = 1 /* mistakes, or no answer */, CLI_USAGE = 2 };

/* Options all commands understand; a command refuses those that are not its own. */
struct cli_options {
	const char *config; /* -c, else WEIYU_CONFIG, else CLI_DEFAULT_CONFIG */
	const char *socket; /* --socket, or NULL */
	bool is_config_given;
	bool is_json, is_all;
	char **words; /* what is left */
	int n_words;
};

/* argv[0] is the command's own name. False: said to stderr what is wrong. `known` lists the long options
 * of the command, NULL-terminated. */
bool cli_parse(int argc, char **argv, const char *const *known, struct cli_options *ret_options);

/* Each command: cmd_<name>(argc, argv) with argv[0] its name. */
#define COMMAND(name, arguments, what) int cmd_##name(int argc, char **argv);
#define ORDER(name, arguments, what)
#include "commands.def"
#undef ORDER
#undef COMMAND
int cmd_order(int argc, char **argv);

/* Memory for one load, with its diagnostics; NULL without memory. */
struct cli_load {
	struct wy_arena arena;
	struct wy_diags diags;
	void *memory;
};
struct cli_load *cli_load_new(void);
void cli_load_free(struct cli_load *load);
/* Every message to stderr with its line and caret, then the counts. */
void cli_say(const struct wy_diags *diags);
/* The control socket's answer as text from malloc(), or NULL and words on stderr. */
char *cli_ask(const struct cli_options *options, const char *request);
/* The same for what may take a while. */
char *cli_ask_patiently(const struct cli_options *options, const char *request);
/* Who is logged in; under sudo the one behind it. number has room for one who has no name. */
const char *cli_user(char number[32]);

/* ---- table.c: columns that line up, also with Chinese text ----------------------------------- */

#define TABLE_COLUMNS_MAX 12u

/* A row of n texts; NULL prints "-". Widths are found over all rows before printing. */
struct table;
struct table *table_new(size_t columns);
void table_row(struct table *table, const char *const *cells);
/* The same with a line of its own under the row; NULL: none. */
void table_row_with_note(struct table *table, const char *const *cells, const char *note);
void table_print(const struct table *table);
void table_free(struct table *table);
/* Cells a text takes on a terminal: East Asian wide characters take two. */
size_t table_width(const char *text);

#endif
