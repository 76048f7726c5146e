/* poll_scan_show.c: what a scan found, for people and for programs. See poll_by_hand.h. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "frame_words.h"
#include "poll_by_hand.h"

/* In the order in which people think of them. */
static const uint8_t functions[] = {3, 4, 1, 2};
enum { N_FUNCTIONS = sizeof(functions) };

static void answers_text(const struct scan_unit *unit, char *out, size_t size)
{
	struct wy_buf buf;

	wy_buf_init(&buf, out, size);
	for (size_t i = 0; i < N_FUNCTIONS; i++) {
		const struct scan_area *area = &unit->area[functions[i]];
		const char *between = buf.len ? ", " : "";
		if (area->result == SCAN_VALUE)
			wy_buf_addf(&buf, "%s%s 0 = %u", between, frame_area_text(functions[i]), (unsigned)area->value);
		else if (area->result == SCAN_REFUSED)
			wy_buf_addf(&buf, "%s%s refused (%u)", between, frame_area_text(functions[i]), (unsigned)area->exception);
		else if (area->result == SCAN_SILENT)
			wy_buf_addf(&buf, "%s%s silent", between, frame_area_text(functions[i]));
	}
}

static void notes_text(const struct scan_unit *unit, char *out, size_t size)
{
	struct wy_buf buf;

	wy_buf_init(&buf, out, size);
	if (unit->n_garbled)
		wy_buf_addf(&buf, "%u garbled or double answers: perhaps two devices with this number", unit->n_garbled);
	if (unit->n_late)
		wy_buf_addf(&buf, "%s%u answers came late: needs a longer timeout", buf.len ? "; " : "", unit->n_late);
}

static void add_row(struct table *table, const struct poll_target *target, unsigned number, const struct scan_unit *unit)
{
	const struct sensor_device_conf *device = poll_target_device(target, (uint8_t)number);
	char name[8], answers[160], slowest[24], notes[200];

	snprintf(name, sizeof(name), "%u", number);
	snprintf(slowest, sizeof(slowest), "%lldms", (long long)unit->slowest_ms);
	answers_text(unit, answers, sizeof(answers));
	notes_text(unit, notes, sizeof(notes));
	const char *cells[] = {name, device ? device->id : target->config ? "not in the site file" : "", slowest, answers};
	table_row_with_note(table, cells, notes[0] ? notes : NULL);
}

static void print_missing(const struct poll_target *target, const struct scan_unit *units)
{
	for (unsigned u = 0; u < POLL_UNITS; u++) {
		const struct sensor_device_conf *device = poll_target_device(target, (uint8_t)u);
		if (device && units[u].is_wanted && !scan_unit_is_there(&units[u]))
			printf("missing: %s, unit %u\n", device->id, u);
	}
}

static void print_people(const struct poll_target *target, const struct scan_unit *units, double seconds)
{
	static const char *const head[] = {"unit", "device", "slowest", "answers"};
	struct table *table = table_new(sizeof(head) / sizeof(*head));
	size_t n_found = 0, n_silent = 0, n_unreachable = 0;

	if (!table)
		return;
	table_row(table, head);
	for (unsigned u = 0; u < POLL_UNITS; u++) {
		bool is_there = units[u].is_wanted && scan_unit_is_there(&units[u]);
		bool is_unreachable = false;
		for (size_t i = 0; i < N_FUNCTIONS; i++)
			is_unreachable = is_unreachable || units[u].area[functions[i]].result == SCAN_UNREACHABLE;
		n_found += is_there;
		n_unreachable += !is_there && is_unreachable;
		n_silent += units[u].is_wanted && !is_there && !is_unreachable;
		if (is_there)
			add_row(table, target, u, &units[u]);
	}
	if (n_found)
		table_print(table);
	table_free(table);
	print_missing(target, units);
	printf("%zu found, %zu silent", n_found, n_silent);
	if (n_unreachable)
		printf(", %zu that a gateway does not reach", n_unreachable);
	printf(", in %.1fs\n", seconds);
}

/* ---- For programs ------------------------------------------------------------------------------ */

static json_t *areas_json(const struct scan_unit *unit)
{
	static const char *const results[] = {NULL, "silent", "value", "refused", "unreachable"};
	json_t *areas = json_object();

	for (size_t i = 0; i < N_FUNCTIONS; i++) {
		const struct scan_area *area = &unit->area[functions[i]];
		if (area->result == SCAN_NOT_ASKED)
			continue;
		json_t *item = json_pack("{s:s}", "result", results[area->result]);
		if (area->result == SCAN_VALUE)
			json_object_set_new(item, "value", json_integer(area->value));
		if (area->exception)
			json_object_set_new(item, "exception", json_integer(area->exception));
		json_object_set_new(areas, frame_area_text(functions[i]), item);
	}
	return areas;
}

static void print_json(const struct poll_target *target, const struct scan_unit *units, double seconds)
{
	json_t *found = json_array(), *missing = json_array();
	int n_asked = 0;

	for (unsigned u = 0; u < POLL_UNITS; u++) {
		const struct sensor_device_conf *device = poll_target_device(target, (uint8_t)u);
		if (!units[u].is_wanted)
			continue;
		n_asked++;
		if (scan_unit_is_there(&units[u]))
			json_array_append_new(found,
					      json_pack("{s:i, s:s?, s:I, s:i, s:i, s:o}", "unit", (int)u, "device",
							device ? device->id : NULL, "slowest_ms",
							(json_int_t)units[u].slowest_ms, "garbled", (int)units[u].n_garbled, "late",
							(int)units[u].n_late, "areas", areas_json(&units[u])));
		else if (device)
			json_array_append_new(missing, json_pack("{s:i, s:s}", "unit", (int)u, "device", device->id));
	}
	json_t *root = json_pack("{s:s, s:i, s:f, s:o, s:o}", "wire", target->wire.id, "asked", n_asked, "seconds", seconds,
				 "units", found, "missing", missing);
	char *text = json_dumps(root, JSON_COMPACT);
	printf("%s\n", text ? text : "{}");
	free(text);
	json_decref(root);
}

void scan_show(const struct poll_options *options, const struct poll_target *target, const struct scan_unit *unit,
	       double seconds)
{
	if (options->common.is_json)
		print_json(target, unit, seconds);
	else
		print_people(target, unit, seconds);
}
