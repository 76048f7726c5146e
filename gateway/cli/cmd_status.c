/* cmd_status.c: the gateway on one screen: uplink, outbox, tickets, wires, devices. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

static const char *text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));
	return text ? text : "-";
}

static long long count_of(const json_t *object, const char *key)
{
	return (long long)json_integer_value(json_object_get(object, key));
}

/* "12.3s ago", or "never" for null. */
static const char *ago(const json_t *object, const char *key, char out[32])
{
	const json_t *age = json_object_get(object, key);

	if (!json_is_number(age))
		return "never";
	snprintf(out, 32, "%.1fs ago", json_number_value(age));
	return out;
}

/* Nothing while all is on the disk. */
static void say_store(const json_t *store)
{
	const char *mode = text_of(store, "mode");

	if (strcmp(mode, "disk") == 0)
		return;
	printf("store    IN MEMORY, disk %s: %s; for %.0fs; %lld events only here, %.0f %% of the memory for it\n", mode,
	       text_of(store, "why"), json_number_value(json_object_get(store, "since_s")),
	       count_of(store, "only_in_memory"), json_number_value(json_object_get(store, "memory_fill")));
}

static void print_head(const json_t *status)
{
	const json_t *clock = json_object_get(status, "clock");
	const json_t *uplink = json_object_get(status, "uplink");
	const json_t *outbox = json_object_get(status, "outbox");
	const json_t *tickets = json_object_get(status, "tickets");
	const json_t *rules = json_object_get(status, "rules");
	char age[32];
	bool is_up = json_is_true(json_object_get(uplink, "is_up"));

	printf("gateway  %s  %s  weiyu %s\n", text_of(status, "gateway"), text_of(status, "site"),
	       text_of(status, "version"));
	printf("clock    %s  %s  running for %.0fs\n", text_of(clock, "now"), text_of(clock, "state"),
	       json_number_value(json_object_get(clock, "uptime_s")));
	if (json_is_string(json_object_get(clock, "certificates_judged_at")))
		printf("         it is wrong: certificates are judged at %s; set it (timedatectl)\n",
		       text_of(clock, "certificates_judged_at"));
	printf("uplink   %s  %s:%lld  MQTT %s  for %.0fs%s%s\n", is_up ? "up" : "DOWN",
	       text_of(uplink, "host"), count_of(uplink, "port"), text_of(uplink, "mqtt"),
	       json_number_value(json_object_get(uplink, "since_s")), is_up ? "" : "  ", is_up ? "" : text_of(uplink, "why_down"));
	bool is_puback = strcmp(text_of(uplink, "grade"), "G1") == 0;
	printf("outbox   %lld waiting (%lld S1), %lld parked; last %s %s; grade %s%s\n",
	       count_of(outbox, "queued"), count_of(outbox, "queued_s1"), count_of(outbox, "parked"),
	       is_puback ? "PUBACK" : "receipt", ago(uplink, "last_receipt_s", age), text_of(uplink, "grade"),
	       is_puback ? " (what the broker loses is lost)" : "");
	if (count_of(outbox, "lost") || count_of(outbox, "bytes") > count_of(outbox, "max_bytes") / 2)
		printf("         %lld of %lld MiB used; %lld events made room for others since the store was made\n",
		       count_of(outbox, "bytes") >> 20, count_of(outbox, "max_bytes") >> 20, count_of(outbox, "lost"));
	if (json_is_number(json_object_get(outbox, "unconfirmed_s")))
		printf("         the oldest of them was first sent %.0fs ago and is not confirmed\n",
		       json_number_value(json_object_get(outbox, "unconfirmed_s")));
	say_store(json_object_get(status, "store"));
	if (count_of(uplink, "taken_over"))
		printf("         another machine took our place at the broker %lld times: it has our name and key\n",
		       count_of(uplink, "taken_over"));
	printf("tickets  %lld open; %lld opened and %lld ended since start\n", count_of(tickets, "open"),
	       count_of(tickets, "opened_since_start"), count_of(tickets, "cleared_since_start"));
	printf("rules    %lld on %lld instances, bundle %s, loaded %s\n\n", count_of(rules, "rules"),
	       count_of(rules, "instances"), text_of(rules, "bundle"), text_of(rules, "loaded"));
}

static const char *number_text(const json_t *object, const char *key, const char *unit, char out[32])
{
	const json_t *number = json_object_get(object, key);

	if (!json_is_integer(number))
		return NULL;
	snprintf(out, 32, "%lld%s", (long long)json_integer_value(number), unit);
	return out;
}

static void print_wires(const json_t *wires)
{
	static const char *const head[] = {"wire", "kind", "place", "devices", "silent", "slowest", "requests", "garbled"};
	struct table *table = table_new(sizeof(head) / sizeof(*head));
	size_t index;
	json_t *wire;

	if (!table)
		return;
	table_row(table, head);
	json_array_foreach(wires, index, wire)
	{
		char numbers[5][32];
		const char *cells[] = {
			text_of(wire, "id"),
			text_of(wire, "kind"),
			text_of(wire, "place"),
			number_text(wire, "devices", "", numbers[0]),
			number_text(wire, "silent", "", numbers[1]),
			number_text(wire, "slowest_ms", "ms", numbers[2]),
			number_text(wire, "requests", "", numbers[3]),
			number_text(wire, "garbled", "", numbers[4]),
		};
		table_row(table, cells);
	}
	table_print(table);
	table_free(table);
	printf("\n");
}

static void print_devices(const json_t *devices)
{
	static const char *const head[] = {"device", "state", "last answer", "took", "wire", "profile", "why"};
	struct table *table = table_new(sizeof(head) / sizeof(*head));
	size_t index;
	json_t *device;

	if (!table)
		return;
	table_row(table, head);
	json_array_foreach(devices, index, device)
	{
		char age[32], took[32];
		const char *cells[] = {
			text_of(device, "id"),
			text_of(device, "state"),
			ago(device, "last_ok_s", age),
			number_text(device, "took_ms", "ms", took),
			text_of(device, "wire"),
			text_of(device, "profile"),
			text_of(device, "why"),
		};
		table_row(table, cells);
	}
	table_print(table);
	table_free(table);
}

int cmd_status(int argc, char **argv)
{
	static const char *const known[] = {"--socket", "--json", NULL};
	struct cli_options options;

	if (!cli_parse(argc, argv, known, &options))
		return CLI_USAGE;
	char *answer = cli_ask(&options, "{\"ask\":\"status\"}");
	if (!answer)
		return CLI_FOUND;
	json_t *status = json_loads(answer, 0, NULL);
	const char *error = json_string_value(json_object_get(status, "error"));
	bool is_status = json_is_object(status) && !error;
	int code = is_status ? CLI_FINE : CLI_FOUND;
	if (options.is_json) {
		printf("%s", answer);
	} else if (is_status) {
		print_head(status);
		print_wires(json_object_get(status, "wires"));
		print_devices(json_object_get(status, "devices"));
	} else {
		fprintf(stderr, "weiyu status: the gateway says: %s\n", error ? error : "nothing that can be read");
	}
	json_decref(status);
	free(answer);
	return code;
}
