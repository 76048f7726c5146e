/* cmd_tickets.c: what stands open, as the property engineer wants it at night. */
#include <stdio.h>

#include "list.h"

static void add_row(struct table *table, const json_t *ticket)
{
	char opened[20], due[20];
	const json_t *location = json_object_get(ticket, "location");
	const char *cells[] = {
		cli_text(ticket, "tier"),
		cli_text(ticket, "alarm_state"),
		cli_minute(cli_text(ticket, "opened_at"), false, opened),
		cli_minute(cli_text(ticket, "deadline_resolve"), false, due),
		cli_text(ticket, "fault_code"),
		cli_text(ticket, "fault_name"),
		cli_text(location, "text_zh"),
		cli_text(ticket, "dept_primary_zh"),
	};
	const char *number = cli_text(ticket, "ticket_id");
	const char *summary = cli_text(ticket, "summary");
	char note[1024]; /* a number of 55 and a summary of 200 characters */

	snprintf(note, sizeof(note), "%s  %s", number ? number : "-", summary ? summary : "");
	table_row_with_note(table, cells, note);
}

int cmd_tickets(int argc, char **argv)
{
	static const char *const known[] = {"--socket", "--all", "--json", NULL};
	static const char *const head[] = {"tier", "state", "opened", "due", "fault", "故障", "位置", "主责"};
	struct cli_list list = {"{\"ask\":\"tickets\"}", "no tickets", head, sizeof(head) / sizeof(*head), add_row};
	struct cli_options options;

	if (!cli_parse(argc, argv, known, &options))
		return CLI_USAGE;
	if (options.is_all)
		list.request = "{\"ask\":\"tickets\",\"all\":true}";
	return cli_list("tickets", &options, &list);
}
