/* cmd_list.c: what the database holds, for people as a table, for programs as one JSON document. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "options.h"
#include "show.h"
#include "when.h"
#include "store.h"

/* Columns whose text is a number in the database. */
static const char *const NUMBERS[] = {
	"episode", "rev", "is_ended", "opened_at", "cleared_at", "updated_at", "contiguous_through",
	"hole_from", "hole_to", "hole_since", "last_seen", "bd_seq", "fenced_at", "held",
	"seq", "events", "ranges", "first", "last", "said_at",
};

struct listing {
	const char *const *columns;
	json_t *rows;
};

static json_t *column_value(const char *name, const char *text)
{
	if (!text)
		return json_null();
	if (strcmp(name, "body") == 0)
		return json_loads(text, 0, NULL);
	for (size_t i = 0; i < sizeof NUMBERS / sizeof *NUMBERS; i++)
		if (strcmp(NUMBERS[i], name) == 0)
			return json_integer(strtoll(text, NULL, 10));
	return json_string(text);
}

static void add_row(void *arg, const char *const column[], size_t n)
{
	struct listing *listing = arg;
	json_t *row = json_object();

	for (size_t i = 0; i < n && listing->columns[i]; i++)
		if (json_object_set_new(row, listing->columns[i],
					column_value(listing->columns[i], column[i])) != 0)
			break;
	if (json_array_append_new(listing->rows, row) != 0)
		fputs("weiyu-desk: out of memory, the list is not whole\n", stderr);
}

static bool is_live(const json_t *ticket)
{
	return json_integer_value(json_object_get(ticket, "is_ended")) == 0 &&
	       strcmp(event_text(ticket, "work"), "closed") != 0;
}

static void print_ticket(const json_t *ticket, bool is_colour)
{
	const json_t *data = json_object_get(json_object_get(ticket, "body"), "data");
	const char *tier = event_text(ticket, "tier");
	const char *linked = event_text(ticket, "linked_to");
	char opened[WHEN_TEXT_SIZE], resolve[WHEN_TEXT_SIZE];

	when_local(json_integer_value(json_object_get(ticket, "opened_at")), true, opened);
	when_local(event_time(data, "deadline_resolve"), false, resolve);
	printf("%s%-2.8s%s  %-8.8s  %-8.8s  %-8s  %-5s  ", is_colour ? show_tier_colour(tier) : "", tier,
	       is_colour ? "\033[0m" : "", event_text(ticket, "condition"),
	       event_text(ticket, "work"), opened, resolve);
	show_text(stdout, event_text(ticket, "ticket_key"));
	fputs("  ", stdout);
	show_text(stdout, event_text(ticket, "fault"));
	fputs(" ", stdout);
	show_text(stdout, event_text(data, "fault_name"));
	fputs("  ", stdout);
	show_text(stdout, event_text(ticket, "asset"));
	if (linked[0]) {
		fputs("  -> ", stdout);
		show_text(stdout, linked);
	}
	fputc('\n', stdout);
}

static void print_tables(const json_t *document, bool is_all)
{
	bool is_colour = isatty(STDOUT_FILENO) == 1;
	const json_t *row;
	size_t i;

	puts("TIER condition work    opened    resolve ticket");
	json_array_foreach (json_object_get(document, "tickets"), i, row)
		if (is_all || is_live(row))
			print_ticket(row, is_colour);
	json_array_foreach (json_object_get(document, "gateways"), i, row)
		printf("gateway %s %s\n", event_text(row, "gateway"), event_text(row, "last_state"));
	json_array_foreach (json_object_get(document, "gaps"), i, row)
		printf("gap     %s %s %lld events lost between %lld and %lld, said in %lld\n", event_text(row, "source"),
		       event_text(row, "epoch"), (long long)json_integer_value(json_object_get(row, "events")),
		       (long long)json_integer_value(json_object_get(row, "first")),
		       (long long)json_integer_value(json_object_get(row, "last")),
		       (long long)json_integer_value(json_object_get(row, "seq")));
	json_array_foreach (json_object_get(document, "streams"), i, row) {
		const json_t *hole = json_object_get(row, "hole_to");

		printf("stream  %s %s through %lld", event_text(row, "gateway"),
		       event_text(row, "epoch"),
		       (long long)json_integer_value(json_object_get(row, "contiguous_through")));
		if (json_is_integer(hole))
			printf(", missing %lld to %lld",
			       (long long)json_integer_value(json_object_get(row, "hole_from")),
			       (long long)json_integer_value(hole));
		putchar('\n');
	}
}

/* Copies: whoever reads this must take one machine off the net. */
static void print_fenced(const json_t *document)
{
	const json_t *row;
	size_t i;

	json_array_foreach (json_object_get(document, "fenced"), i, row) {
		char at[WHEN_TEXT_SIZE];

		when_local(json_integer_value(json_object_get(row, "fenced_at")), true, at);
		printf("FENCED  %s %s instance %s boot ", event_text(row, "gateway"), event_text(row, "epoch"),
		       event_text(row, "instance"));
		show_text(stdout, event_text(row, "boot"));
		printf(" at %s: %s; %lld events kept aside\n", at, event_text(row, "reason"),
		       (long long)json_integer_value(json_object_get(row, "held")));
	}
}

/* WY_E_NOMEM or what the database said. */
static enum wy_err gather(struct store *store, json_t *document)
{
	enum wy_err err = WY_OK;

	for (int list = 0; list < STORE_LISTS && err == WY_OK; list++) {
		struct listing listing = {store_list_columns((enum store_list)list), json_array()};

		if (json_object_set_new(document, store_list_name((enum store_list)list),
					listing.rows) != 0)
			return WY_E_NOMEM;
		err = store_list(store, (enum store_list)list, add_row, &listing);
	}
	return err;
}

int cmd_list(const struct desk_options *options)
{
	struct store store;
	json_t *document = json_object();
	enum wy_err err = store_open(&store, options->db, false);

	if (err == WY_OK) {
		err = gather(&store, document);
		db_keep_why(&store.db);
		store_close(&store);
	}
	if (err != WY_OK) {
		fprintf(stderr, "weiyu-desk: %s: %s\n", wy_err_text(err), db_why(&store.db));
	} else if (options->is_json) {
		json_dumpf(document, stdout, JSON_INDENT(1));
		putchar('\n');
	} else {
		print_tables(document, options->is_all);
		print_fenced(document);
	}
	json_decref(document);
	return err == WY_OK ? DESK_EXIT_OK : DESK_EXIT_FAILED;
}
