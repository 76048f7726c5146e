/* cmd_poll.c: read one device once, now, and show what its bytes mean. For the person on the ladder:
 * it needs the gateway file but no running gateway, no store and no broker. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "decode.h"
#include "driver.h"
#include "field_ask.h"
#include "poll_by_hand.h"
#include "poll_discover.h"

#define PATIENCE_MS 15000

/* What was read of each point of the profile; n_raw and quality say whether it was. */
struct reading {
	const struct config *config;
	uint32_t device;
	struct wy_sample *sample; /* [profile n_points] */
	bool *is_known;
	const char **text; /* of points of type text; NULL: not read */
	struct wy_arena *arena;
	size_t n_known, n_wanted;
	enum wy_err err;
	const char *words; /* more about it; NULL: none */
	uint8_t exception;
	wy_ms took_ms;
};

static void keep_texts(struct reading *r, const struct sensor_report *report)
{
	for (uint32_t i = 0; i < report->n_texts; i++)
		r->text[report->texts[i].point] = wy_arena_text(r->arena, report->texts[i].text, strlen(report->texts[i].text));
}

/* true: there is nothing more to wait for. */
static bool take(void *arg, const struct sensor_report *report)
{
	struct reading *r = arg;

	r->err = report->err;
	r->words = report->words;
	r->took_ms += report->took_ms;
	if (report->exception)
		r->exception = report->exception;
	for (uint32_t i = 0; i < report->n; i++) {
		uint32_t point = report->sample[i].point;
		r->n_known += !r->is_known[point];
		r->is_known[point] = true;
		r->sample[point] = report->sample[i];
	}
	keep_texts(r, report);
	return r->n_known >= r->n_wanted || (report->err != WY_OK && report->err != WY_E_EXCEPTION);
}

static enum wy_err read_device(struct reading *r, struct cli_load *load)
{
	const struct sensor_profile *profile = r->config->devices[r->device].profile;
	const struct field_ask ask = {.wires = r->config->wires,
				      .devices = r->config->devices,
				      .mine = &r->device,
				      .n_mine = 1,
				      .patience_ms = PATIENCE_MS,
				      .take = take,
				      .arg = r};

	for (size_t p = 0; p < profile->n_points; p++)
		r->n_wanted += profile->points[p].encoding != SENSOR_TEXT;
	enum wy_err err = field_ask(&ask, &load->arena, &load->diags);
	if (err == WY_E_TIMEOUT)
		return r->n_known ? WY_OK : WY_E_TIMEOUT;
	return err ? err : r->err;
}

/* ---- Showing ---------------------------------------------------------------------------------- */

static void value_text(const struct sensor_profile_point *point, const struct wy_sample *sample,
		       char *out, size_t size)
{
	struct wy_buf buf;

	wy_buf_init(&buf, out, size);
	if (!wy_quality_is_usable(sample->quality))
		wy_buf_add(&buf, "-");
	else if (point->type == WY_TYPE_BOOL)
		wy_buf_add(&buf, sample->whole ? "true" : "false");
	else if (point->type == WY_TYPE_ENUM && sample->whole >= 0 &&
		 (uint64_t)sample->whole < point->n_values)
		wy_buf_add(&buf, point->values[sample->whole]);
	else if (sample->is_whole)
		wy_buf_addf(&buf, "%lld", (long long)sample->whole);
	else
		wy_buf_addf(&buf, "%g", sample->real);
}

/* A text has no quality: it was read or it was not. */
static const char *quality_text(const struct reading *r, size_t p)
{
	if (r->text[p])
		return "text";
	return r->is_known[p] ? wy_quality_text(r->sample[p].quality) : "never";
}

static const char *why_text(const struct reading *r, size_t p)
{
	bool is_read = r->is_known[p] || r->text[p];

	return wy_why_text(is_read ? r->sample[p].why : WY_WHY_NOT_READ);
}

static void raw_text(const struct wy_sample *sample, char *out, size_t size)
{
	size_t used = 0;

	out[0] = '\0';
	for (unsigned i = 0; i < sample->n_raw && i < 4 && used + 6 < size; i++)
		used += (size_t)snprintf(out + used, size - used, "%s%04X", i ? " " : "", sample->raw[i]);
}

/* What the profile says in the driver's own keys: "ask level". */
static void own_keys_text(const struct sensor_options *own, const struct sensor_profile_point *point, char *out, size_t size)
{
	struct wy_buf buf;

	wy_buf_init(&buf, out, size);
	for (size_t i = 0; own && i < own->n_rows; i++) {
		const struct wy_node *node = wy_node_get(point->node, own->rows[i].key);
		if (node)
			wy_buf_addf(&buf, "%s%s %s", buf.len ? ", " : "", own->rows[i].key, node->text);
	}
}

static void where_text(const struct sensor_profile *profile, const struct sensor_profile_point *point,
		       char *out, size_t size)
{
	if (profile->transport == SENSOR_COAP)
		snprintf(out, size, "%s", point->path);
	else if (profile->transport != SENSOR_MODBUS)
		own_keys_text(sensor_driver_find(profile->transport)->point, point, out, size);
	else if (point->encoding == SENSOR_BIT || point->bit_mask)
		snprintf(out, size, "%s %u bit %u", sensor_area_names[point->area], point->address, point->bit_shift);
	else
		snprintf(out, size, "%s %u", sensor_area_names[point->area], point->address);
}

static void print_table(const struct reading *r)
{
	static const char *const head[] = {"point", "value", "unit", "quality", "raw", "where", "why"};
	const struct sensor_profile *profile = r->config->devices[r->device].profile;
	struct table *table = table_new(sizeof(head) / sizeof(*head));

	if (!table)
		return;
	table_row(table, head);
	for (size_t p = 0; p < profile->n_points; p++) {
		const struct sensor_profile_point *point = &profile->points[p];
		const struct wy_sample *sample = &r->sample[p];
		char value[64], raw[32], where[80];
		value_text(point, sample, value, sizeof(value));
		raw_text(sample, raw, sizeof(raw));
		where_text(profile, point, where, sizeof(where));
		const char *cells[] = {
			point->name,
			r->text[p] ? r->text[p] : value,
			point->unit ? point->unit->name : "",
			quality_text(r, p),
			raw[0] ? raw : NULL,
			where,
			why_text(r, p),
		};
		table_row(table, cells);
	}
	table_print(table);
	table_free(table);
}

static void print_json(const struct reading *r)
{
	const struct sensor_profile *profile = r->config->devices[r->device].profile;
	json_t *points = json_array();

	for (size_t p = 0; p < profile->n_points; p++) {
		const struct sensor_profile_point *point = &profile->points[p];
		const struct wy_sample *sample = &r->sample[p];
		char value[64];
		json_t *raw = json_array();
		for (unsigned i = 0; i < sample->n_raw && i < 4; i++)
			json_array_append_new(raw, json_integer(sample->raw[i]));
		value_text(point, sample, value, sizeof(value));
		json_t *number = r->text[p]				    ? json_string(r->text[p])
				 : !wy_quality_is_usable(sample->quality) ? json_null()
				 : sample->is_whole ? json_integer((json_int_t)sample->whole)
						    : json_real(sample->real);
		json_array_append_new(points,
			json_pack("{s:s, s:o, s:s, s:s, s:s, s:s, s:o}", "point", point->name, "value",
				  number, "text", r->text[p] ? r->text[p] : value, "unit", point->unit ? point->unit->name : "",
				  "quality", quality_text(r, p), "why", why_text(r, p), "raw", raw));
	}
	json_t *root = json_pack("{s:s, s:s, s:s, s:s?, s:I, s:i, s:o}", "device",
				 r->config->devices[r->device].id, "profile", profile->id, "result",
				 wy_err_text(r->err), "words", r->words, "took_ms", (json_int_t)r->took_ms, "exception",
				 (int)r->exception, "points", points);
	char *text = json_dumps(root, JSON_COMPACT);
	printf("%s\n", text ? text : "{}");
	free(text);
	json_decref(root);
}

static const char *device_name(const void *arg, size_t i)
{
	return ((const struct config *)arg)->devices[i].id;
}

static int poll_device(const struct config *config, size_t index, bool is_json, struct cli_load *load)
{
	const struct sensor_profile *profile = config->devices[index].profile;
	struct reading r = {.config = config, .device = (uint32_t)index, .arena = &load->arena};
	enum wy_err err;

	r.sample = wy_arena_array(&load->arena, profile->n_points, sizeof(*r.sample));
	r.is_known = wy_arena_array(&load->arena, profile->n_points, sizeof(*r.is_known));
	r.text = wy_arena_array(&load->arena, profile->n_points, sizeof(*r.text));
	if (!r.sample || !r.is_known || !r.text)
		return CLI_FOUND;
	err = read_device(&r, load);
	r.err = err;
	if (is_json) {
		print_json(&r);
	} else if (err == WY_E_BUSY) {
		/* Two askers on one serial line would take each other's answers. */
		printf("%s: another process holds %s, perhaps the running gateway; see `weiyu status`, or stop it "
		       "to ask by hand\n", config->devices[index].id,
		       config->wires[config->devices[index].wire].tty);
	} else {
		printf("%s  %s  %s\n", config->devices[index].id, profile->id,
		       config->wires[config->devices[index].wire].id);
		print_table(&r);
		printf("%s in %lldms%s%s\n", err ? wy_err_text(err) : "answered", (long long)r.took_ms, r.words ? ": " : "",
		       r.words ? r.words : "");
	}
	return err ? CLI_FOUND : CLI_FINE;
}

static int poll_one(const struct cli_options *options)
{
	struct cli_load *load = cli_load_new();
	struct config *config;
	int code = CLI_FOUND;

	if (!load)
		return CLI_FOUND;
	if (config_load(options->config, &load->arena, &load->diags, &config)) {
		cli_say(&load->diags);
		goto out;
	}
	size_t index = config_find_device(config, options->words[0]);
	if (index == SIZE_MAX) {
		const char *near = wy_nearest(options->words[0], config->n_devices, device_name, config);
		fprintf(stderr, "weiyu poll: no device '%s'%s%s%s\n", options->words[0],
			near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
		goto out;
	}
	code = poll_device(config, index, options->is_json, load);
out:
	cli_load_free(load);
	return code;
}

int cmd_poll(int argc, char **argv)
{
	struct poll_options options;

	if (argc > 1 && strcmp(argv[1], "--discover") == 0)
		return poll_discover(argc - 1, argv + 1);
	if (!poll_options_read(argc, argv, &options))
		return CLI_USAGE;
	if (options.is_scan)
		return poll_scan(&options);
	return options.raw ? poll_raw(&options) : poll_one(&options.common);
}
