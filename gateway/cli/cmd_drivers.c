/* cmd_drivers.c: which devices this program can speak to: its drivers, their kinds of wire, and every key the site file and
 * a profile may use for them. All of it from the tables that read those files. */
#include <stdio.h>
#include <string.h>

#include "cli.h"
#include "driver.h"

static const char *const kind_texts[] = {
	[WY_FIELD_TEXT] = "text",	  [WY_FIELD_ID] = "name",   [WY_FIELD_BOOL] = "true, false",
	[WY_FIELD_INT] = "whole number",  [WY_FIELD_REAL] = "number", [WY_FIELD_DURATION] = "duration",
	[WY_FIELD_CHOICE] = "one of",	  [WY_FIELD_NODE] = "map",
};

static void add_range(const struct wy_field *row, struct wy_buf *buf)
{
	if (row->min == 0 && row->max == 0)
		return;
	wy_buf_add(buf, ", ");
	if (row->kind == WY_FIELD_DURATION) {
		wy_buf_duration(buf, (wy_ms)row->min);
		wy_buf_add(buf, " to ");
		wy_buf_duration(buf, (wy_ms)row->max);
	} else {
		char text[64];
		snprintf(text, sizeof(text), "%.10g to %.10g", row->min, row->max);
		wy_buf_add(buf, text);
	}
}

static void add_row(struct table *table, const struct wy_field *row, bool is_needed)
{
	char text[200];
	struct wy_buf buf;

	wy_buf_init(&buf, text, sizeof(text));
	wy_buf_add(&buf, kind_texts[row->kind]);
	for (size_t i = 0; row->kind == WY_FIELD_CHOICE && row->choices[i]; i++)
		wy_buf_addf(&buf, " %s", row->choices[i]);
	add_range(row, &buf);
	const char *cells[] = {"   ", row->key, is_needed ? "required" : "", text, row->help};
	table_row(table, cells);
}

/* Of the common rows those that the words name; then the driver's own. */
static void print_keys(const char *title, const struct wy_field *rows, size_t n_rows, const char *needs, const char *takes,
		       const struct sensor_options *own)
{
	struct table *table = table_new(5);

	if (!table)
		return;
	for (size_t i = 0; i < n_rows; i++) {
		bool is_needed = sensor_has_word(needs, rows[i].key);
		if (is_needed || sensor_has_word(takes, rows[i].key))
			add_row(table, &rows[i], is_needed);
	}
	for (size_t i = 0; own && i < own->n_rows; i++)
		add_row(table, &own->rows[i], own->rows[i].is_required);
	printf("  %s\n", title);
	table_print(table);
	table_free(table);
}

static void print_wire(const struct sensor_wire_row *wire, const struct sensor_driver *driver)
{
	size_t n;
	const struct wy_field *rows = config_wire_keys(&n);
	char title[160];
	struct wy_buf buf;

	wy_buf_init(&buf, title, sizeof(title));
	wy_buf_addf(&buf, "wires of kind %s: %s", wire->name, wire->what);
	if (wire->port)
		wy_buf_addf(&buf, "; port %u unless said", wire->port);
	print_keys(title, rows, n, wire->needs, wire->takes, driver->wire);
}

static void print_driver(enum sensor_transport transport)
{
	const struct sensor_transport_row *row = &sensor_transport_rows[transport];
	const struct sensor_driver *driver = sensor_driver_find(transport);
	size_t n;
	const struct wy_field *rows = config_device_keys(&n);

	printf("%s%s: %s\n", transport ? "\n" : "", row->name, row->what);
	for (int kind = 0; kind < SENSOR_WIRE_KINDS; kind++)
		if (sensor_wire_rows[kind].transport == transport)
			print_wire(&sensor_wire_rows[kind], driver);
	print_keys("its devices, beside id, wire, profile, timeout and alive_by", rows, n, row->needs, row->takes,
		   driver->device);
	if (driver->point)
		print_keys("points of its profiles, beside type, poll and what every point may say", NULL, 0, "", "",
			   driver->point);
}

int cmd_drivers(int argc, char **argv)
{
	static const char *const known[] = {NULL};
	struct cli_options options;

	if (!cli_parse(argc, argv, known, &options))
		return CLI_USAGE;
	for (int transport = 0; transport < SENSOR_TRANSPORTS; transport++)
		print_driver((enum sensor_transport)transport);
	return CLI_FINE;
}
