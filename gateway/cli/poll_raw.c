/* poll_raw.c: registers or bits of a device as they are, beside what they would be in each order of words and bytes: a wrong
 * base, a wrong area and a wrong order are seen by looking. See poll_by_hand.h. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "decode.h"
#include "field_ask.h"
#include "poll_by_hand.h"

enum { MOST = 125, TIMEOUT_MS = 1000, APART_MS = 20, DAY_MS = 86400000, PATIENCE_MS = 60000, ORDERS = 4 };

struct raw {
	const struct poll_options *options;
	struct poll_target target;
	enum sensor_area area;
	bool is_both; /* holding, then input */
	uint16_t address, count;
	/* of one area */
	struct sensor_profile profile;
	struct sensor_device_conf device;
	struct sensor_profile_point point[MOST];
	bool is_read[MOST];
	uint16_t word[MOST];
	enum wy_err err;
	uint8_t exception;
	const char *words;
	wy_ms took_ms;
};

/* ---- AREA:ADDRESS:COUNT ----------------------------------------------------------------------- */

static bool read_what(const char *text, struct raw *raw)
{
	const char *colon = strchr(text, ':'), *second = colon ? strchr(colon + 1, ':') : NULL;
	size_t len = colon ? (size_t)(colon - text) : strlen(text);
	int64_t address = 0, count = 1;
	int area = 3;

	raw->is_both = len == 4 && strncmp(text, "both", 4) == 0;
	while (!raw->is_both && area >= 0 && (strlen(sensor_area_names[area]) != len || strncmp(text, sensor_area_names[area], len) != 0))
		area--;
	bool is_fine = area >= 0 && colon &&
		       wy_parse_int(colon + 1, second ? (size_t)(second - colon - 1) : strlen(colon + 1), &address) == WY_OK &&
		       (!second || wy_parse_int(second + 1, strlen(second + 1), &count) == WY_OK);
	if (!is_fine || address < 0 || count < 1 || count > MOST || address + count > 65536) {
		fprintf(stderr, "weiyu poll: --raw %s: expected holding:ADDRESS:COUNT (or input, coil, discrete, both), an address "
			"from 0 on as on the wire, and at most %d\n", text, MOST);
		return false;
	}
	raw->area = (enum sensor_area)area;
	raw->address = (uint16_t)address;
	raw->count = (uint16_t)count;
	return true;
}

/* ---- Reading ----------------------------------------------------------------------------------- */

static void make_device(struct raw *raw)
{
	const struct sensor_device_conf *known = raw->target.device;
	int64_t unit = raw->options->unit >= 0 ? raw->options->unit : known ? known->unit_id : 1;
	bool is_bits = raw->area == SENSOR_COIL || raw->area == SENSOR_DISCRETE;

	if (!known)
		known = poll_target_device(&raw->target, (uint8_t)unit);
	for (uint16_t i = 0; i < raw->count; i++)
		raw->point[i] = (struct sensor_profile_point){.name = "raw",
							      .type = is_bits ? WY_TYPE_BOOL : WY_TYPE_INT,
							      .encoding = is_bits ? SENSOR_BIT : SENSOR_U16,
							      .area = raw->area,
							      .address = (uint16_t)(raw->address + i),
							      .scale = 1};
	raw->profile = (struct sensor_profile){.id = "raw",
					       .transport = SENSOR_MODBUS,
					       .points = raw->point,
					       .n_points = raw->count,
					       .max_registers = known ? known->profile->max_registers : MOST,
					       .max_bits = known ? known->profile->max_bits : MOST,
					       .min_interval_ms = known ? known->profile->min_interval_ms : APART_MS,
					       .pause_ms = known ? known->profile->pause_ms : 0,
					       .framing = known ? known->profile->framing : SENSOR_FRAMING_STANDARD,
					       .timeout_ms = known ? known->profile->timeout_ms : TIMEOUT_MS,
					       .class_ms = {DAY_MS, DAY_MS, DAY_MS, DAY_MS}};
	raw->device = known ? *known : (struct sensor_device_conf){.id = "unit"};
	raw->device.learned = NULL; /* of another map */
	raw->device.wire = 0;
	raw->device.has_alive = false;
	raw->device.profile = &raw->profile;
	raw->device.unit_id = (uint8_t)unit;
	if (raw->options->timeout_ms)
		raw->device.timeout_ms = raw->options->timeout_ms;
}

static bool take(void *arg, const struct sensor_report *report)
{
	struct raw *raw = arg;

	raw->err = report->err;
	raw->exception = report->exception;
	raw->words = report->words;
	raw->took_ms = report->took_ms;
	for (uint32_t i = 0; i < report->n; i++) {
		const struct wy_sample *sample = &report->sample[i];
		raw->is_read[sample->point] = sample->n_raw > 0;
		raw->word[sample->point] = sample->raw[0];
	}
	return true;
}

static enum wy_err read_area(struct raw *raw, struct cli_load *load)
{
	const uint32_t mine = 0;
	const struct field_ask ask = {.wires = &raw->target.wire,
				      .devices = &raw->device,
				      .mine = &mine,
				      .n_mine = 1,
				      .patience_ms = PATIENCE_MS,
				      .take = take,
				      .arg = raw};

	memset(raw->is_read, 0, sizeof(raw->is_read));
	make_device(raw);
	enum wy_err err = field_ask(&ask, &load->arena, &load->diags);
	return err ? err : raw->err;
}

/* ---- Showing ----------------------------------------------------------------------------------- */

static uint16_t swapped(uint16_t word)
{
	return (uint16_t)(word << 8 | word >> 8);
}

/* Two registers, as they come, in the order of bytes ABCD, CDAB, BADC, DCBA. */
static uint32_t joined(uint16_t first, uint16_t second, int order)
{
	uint16_t high = order == 1 || order == 3 ? second : first, low = order == 1 || order == 3 ? first : second;

	if (order >= 2) {
		high = swapped(high);
		low = swapped(low);
	}
	return (uint32_t)high << 16 | low;
}

static double real_of(uint32_t bits)
{
	float real;

	memcpy(&real, &bits, sizeof(real));
	return (double)real;
}

static void add_row(struct table *table, const struct raw *raw, uint16_t i)
{
	char text[12][32] = {{0}};
	const char *cells[12];
	bool has_two = i + 1 < raw->count && raw->is_read[i] && raw->is_read[i + 1];

	snprintf(text[0], sizeof(text[0]), "%u", (unsigned)raw->address + i);
	if (raw->is_read[i]) {
		snprintf(text[1], sizeof(text[1]), "%04X", raw->word[i]);
		snprintf(text[2], sizeof(text[2]), "%u", raw->word[i]);
		snprintf(text[3], sizeof(text[3]), "%d", (int16_t)raw->word[i]);
	}
	for (int order = 0; has_two && order < ORDERS; order++) {
		uint32_t whole = joined(raw->word[i], raw->word[i + 1], order);
		snprintf(text[4 + 2 * order], sizeof(text[0]), "%lu", (unsigned long)whole);
		snprintf(text[5 + 2 * order], sizeof(text[0]), "%.6g", real_of(whole));
	}
	for (int c = 0; c < 12; c++)
		cells[c] = text[c][0] ? text[c] : NULL;
	table_row(table, cells);
}

static void print_registers(const struct raw *raw)
{
	static const char *const head[] = {"address", "hex", "u16", "i16", "u32 ABCD", "f32", "u32 CDAB", "f32",
					   "u32 BADC", "f32", "u32 DCBA", "f32"};
	struct table *table = table_new(sizeof(head) / sizeof(*head));

	if (!table)
		return;
	table_row(table, head);
	for (uint16_t i = 0; i < raw->count; i++)
		add_row(table, raw, i);
	table_print(table);
	table_free(table);
}

static void print_bits(const struct raw *raw)
{
	for (uint16_t i = 0; i < raw->count; i++)
		printf("%u: %s\n", (unsigned)raw->address + i, !raw->is_read[i] ? "-" : raw->word[i] ? "1" : "0");
}

static void print_people(const struct raw *raw, enum wy_err err)
{
	printf("%s, unit %u, by function %d\n", sensor_area_names[raw->area], raw->device.unit_id,
	       (int[]){1, 2, 4, 3}[raw->area]);
	if (!err && (raw->area == SENSOR_INPUT || raw->area == SENSOR_HOLDING))
		print_registers(raw);
	else if (!err)
		print_bits(raw);
	printf("%s in %lldms", err ? wy_err_text(err) : "answered", (long long)raw->took_ms);
	if (raw->exception)
		printf(", exception %u", raw->exception);
	printf("%s%s\n", raw->words ? ": " : "", raw->words ? raw->words : "");
}

static json_t *to_json(const struct raw *raw, enum wy_err err)
{
	json_t *words = json_array();

	for (uint16_t i = 0; i < raw->count; i++)
		json_array_append_new(words, raw->is_read[i] ? json_integer(raw->word[i]) : json_null());
	return json_pack("{s:s, s:i, s:i, s:s, s:i, s:I, s:o}", "area", sensor_area_names[raw->area], "unit", (int)raw->device.unit_id,
			 "address", (int)raw->address, "result", wy_err_text(err), "exception", (int)raw->exception,
			 "took_ms", (json_int_t)raw->took_ms, "words", words);
}

/* ---- All of it --------------------------------------------------------------------------------- */

static int show_area(struct raw *raw, struct cli_load *load, json_t *list)
{
	enum wy_err err = read_area(raw, load);

	if (err == WY_E_BUSY || err == WY_E_LINK || err == WY_E_AUTH)
		poll_say_no_line("weiyu poll", &raw->target.wire, err);
	if (raw->options->common.is_json)
		json_array_append_new(list, to_json(raw, err));
	else if (err != WY_E_BUSY)
		print_people(raw, err);
	return err ? CLI_FOUND : CLI_FINE;
}

static int show(struct raw *raw, struct cli_load *load)
{
	json_t *list = json_array();

	if (raw->is_both)
		raw->area = SENSOR_HOLDING;
	int code = show_area(raw, load, list);
	if (raw->is_both) {
		raw->area = SENSOR_INPUT;
		/* One of two that answers is what was looked for. */
		code = show_area(raw, load, list) == CLI_FINE ? CLI_FINE : code;
	}
	if (raw->options->common.is_json)
		(void)!(json_dumpf(list, stdout, JSON_COMPACT) == 0 && printf("\n"));
	json_decref(list);
	cli_say(&load->diags);
	return code;
}

int poll_raw(const struct poll_options *options)
{
	struct cli_load *load = cli_load_new();
	struct raw *raw = load ? wy_arena_alloc(&load->arena, sizeof(*raw)) : NULL;
	int code = CLI_FOUND;

	if (raw) {
		*raw = (struct raw){.options = options};
		if (!read_what(options->raw, raw))
			code = CLI_USAGE;
		else if (poll_target_find(options->common.words[0], options, load, &raw->target))
			code = show(raw, load);
	}
	cli_load_free(load);
	return code;
}
