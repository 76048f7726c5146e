/* cmd_shelves.c: what was put aside, and when it comes back. */
#include "list.h"

static void add_row(struct table *table, const json_t *shelf)
{
	char until[20], since[20];
	bool is_once = json_is_true(json_object_get(shelf, "once"));
	bool is_raised = json_is_true(json_object_get(shelf, "is_raised"));
	const char *cells[] = {
		cli_text(shelf, "rule"), cli_text(shelf, "asset"),
		cli_minute(cli_text(shelf, "until"), true, until), is_once ? "or its return" : "",
		is_raised ? "has a ticket" : "", cli_minute(cli_text(shelf, "since"), true, since),
		cli_text(shelf, "by"), cli_text(shelf, "reason"),
	};

	table_row(table, cells);
}

int cmd_shelves(int argc, char **argv)
{
	static const char *const known[] = {"--socket", "--json", NULL};
	static const char *const head[] = {"rule", "asset", "until", "", "", "since", "by", "reason"};
	static const struct cli_list list = {"{\"ask\":\"shelves\"}", "nothing is shelved", head,
					     sizeof(head) / sizeof(*head), add_row};
	struct cli_options options;

	if (!cli_parse(argc, argv, known, &options))
		return CLI_USAGE;
	return cli_list("shelves", &options, &list);
}
