/* cmd_tickets.c: what stands open, as the property engineer wants it at night. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

static const char *text_of(const json_t *object, const char *key)
{
	return json_string_value(json_object_get(object, key));
}

/* "11-22 09:02" of an RFC 3339 stamp in local time, or "-". */
static const char *short_time(const char *stamp, char out[16])
{
	if (!stamp || strlen(stamp) < 16)
		return NULL;
	snprintf(out, 16, "%.5s %.5s", stamp + 5, stamp + 11);
	return out;
}

static void add_row(struct table *table, const json_t *ticket)
{
	char opened[16], due[16];
	const json_t *location = json_object_get(ticket, "location");
	const char *cells[] = {
		text_of(ticket, "tier"),
		text_of(ticket, "alarm_state"),
		short_time(text_of(ticket, "opened_at"), opened),
		short_time(text_of(ticket, "deadline_resolve"), due),
		text_of(ticket, "fault_code"),
		text_of(ticket, "fault_name"),
		text_of(location, "text_zh"),
		text_of(ticket, "dept_primary_zh"),
	};
	const char *number = text_of(ticket, "ticket_id");
	const char *summary = text_of(ticket, "summary");
	char note[1024]; /* a number of 55 and a summary of 200 characters */

	snprintf(note, sizeof(note), "%s  %s", number ? number : "-", summary ? summary : "");
	table_row_with_note(table, cells, note);
}

static int print_tickets(const json_t *list)
{
	static const char *const head[] = {"tier", "state", "opened", "due", "fault", "故障", "位置", "主责"};
	struct table *table = table_new(sizeof(head) / sizeof(*head));
	size_t index;
	json_t *ticket;

	if (!table)
		return CLI_FOUND;
	if (json_array_size(list) == 0) {
		printf("no tickets\n");
	} else {
		table_row(table, head);
		json_array_foreach(list, index, ticket)
			add_row(table, ticket);
		table_print(table);
	}
	table_free(table);
	return CLI_FINE;
}

int cmd_tickets(int argc, char **argv)
{
	static const char *const known[] = {"--socket", "--all", "--json", NULL};
	struct cli_options options;
	int code = CLI_FOUND;

	if (!cli_parse(argc, argv, known, &options))
		return CLI_USAGE;
	char *answer = cli_ask(&options, options.is_all ? "{\"ask\":\"tickets\",\"all\":true}"
							: "{\"ask\":\"tickets\"}");
	if (!answer)
		return CLI_FOUND;
	json_t *list = json_loads(answer, 0, NULL);
	if (options.is_json) {
		printf("%s", answer);
		code = json_is_array(list) ? CLI_FINE : CLI_FOUND;
	} else if (json_is_array(list)) {
		code = print_tickets(list);
	} else {
		const char *error = text_of(list, "error");
		fprintf(stderr, "weiyu tickets: the gateway says: %s\n", error ? error : "nothing that can be read");
	}
	json_decref(list);
	free(answer);
	return code;
}
