/* cmd_shelves.c: what was put aside, and when it comes back. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

static const char *text_of(const json_t *object, const char *key)
{
	return json_string_value(json_object_get(object, key));
}

/* "2026-11-22 09:02" of an RFC 3339 stamp in local time. */
static const char *short_time(const char *stamp, char out[20])
{
	if (!stamp || strlen(stamp) < 16)
		return NULL;
	snprintf(out, 20, "%.10s %.5s", stamp, stamp + 11);
	return out;
}

static void add_row(struct table *table, const json_t *shelf)
{
	char until[20], since[20];
	bool is_once = json_is_true(json_object_get(shelf, "once"));
	bool is_raised = json_is_true(json_object_get(shelf, "is_raised"));
	const char *cells[] = {
		text_of(shelf, "rule"), text_of(shelf, "asset"),
		short_time(text_of(shelf, "until"), until), is_once ? "or its return" : "",
		is_raised ? "has a ticket" : "", short_time(text_of(shelf, "since"), since),
		text_of(shelf, "by"), text_of(shelf, "reason"),
	};

	table_row(table, cells);
}

static int print_shelves(const json_t *list)
{
	static const char *const head[] = {"rule", "asset", "until", "", "", "since", "by", "reason"};
	struct table *table = table_new(sizeof(head) / sizeof(*head));
	size_t index;
	json_t *shelf;

	if (!table)
		return CLI_FOUND;
	if (json_array_size(list) == 0) {
		printf("nothing is shelved\n");
	} else {
		table_row(table, head);
		json_array_foreach(list, index, shelf)
			add_row(table, shelf);
		table_print(table);
	}
	table_free(table);
	return CLI_FINE;
}

int cmd_shelves(int argc, char **argv)
{
	static const char *const known[] = {"--socket", "--json", NULL};
	struct cli_options options;
	int code = CLI_FOUND;

	if (!cli_parse(argc, argv, known, &options))
		return CLI_USAGE;
	char *answer = cli_ask(&options, "{\"ask\":\"shelves\"}");
	if (!answer)
		return CLI_FOUND;
	json_t *list = json_loads(answer, 0, NULL);
	if (options.is_json) {
		printf("%s", answer);
		code = json_is_array(list) ? CLI_FINE : CLI_FOUND;
	} else if (json_is_array(list)) {
		code = print_shelves(list);
	} else {
		const char *error = text_of(list, "error");
		fprintf(stderr, "weiyu shelves: the gateway says: %s\n", error ? error : "nothing that can be read");
	}
	json_decref(list);
	free(answer);
	return code;
}
