/* list.c: see list.h. */
#include "list.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *cli_text(const json_t *object, const char *key)
{
	return json_string_value(json_object_get(object, key));
}

const char *cli_minute(const char *stamp, bool has_year, char out[20])
{
	const int year = has_year ? 0 : 5;

	if (!stamp || strlen(stamp) < 16)
		return NULL;
	snprintf(out, 20, "%.*s %.5s", 10 - year, stamp + year, stamp + 11);
	return out;
}

static enum cli_exit print_items(const json_t *items, const struct cli_list *list)
{
	struct table *table = table_new(list->columns);
	size_t index;
	json_t *item;

	if (!table)
		return CLI_FOUND;
	if (json_array_size(items) == 0) {
		printf("%s\n", list->none);
	} else {
		table_row(table, list->head);
		json_array_foreach(items, index, item)
			list->add_row(table, item);
		table_print(table);
	}
	table_free(table);
	return CLI_FINE;
}

enum cli_exit cli_list(const char *command, const struct cli_options *options, const struct cli_list *list)
{
	char *answer = cli_ask(options, list->request);
	enum cli_exit code = CLI_FOUND;

	if (!answer)
		return CLI_FOUND;
	json_t *items = json_loads(answer, 0, NULL);
	if (options->is_json) {
		printf("%s", answer);
		code = json_is_array(items) ? CLI_FINE : CLI_FOUND;
	} else if (json_is_array(items)) {
		code = print_items(items, list);
	} else {
		const char *error = cli_text(items, "error");
		fprintf(stderr, "weiyu %s: the gateway says: %s\n", command, error ? error : "nothing that can be read");
	}
	json_decref(items);
	free(answer);
	return code;
}
