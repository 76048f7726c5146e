/* modbus_peek: poll one device once with a profile and print its samples as JSON, for the tests
 * against real peers.
 *
 *   modbus_peek PROFILE UNIT tcp HOST PORT
 *   modbus_peek PROFILE UNIT rtu TTY BAUD */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "modbus.h"
#include "stepping.h"
#include "yaml_tree.h"

enum { MEMORY_BYTES = 4 * 1024 * 1024, PATIENCE_MS = 60000 };

struct peek {
	struct wy_sample samples[WY_POINTS_PER_DEVICE];
	struct sensor_report report;
	unsigned n_reports;
};

static void take(void *arg, const struct sensor_report *report)
{
	struct peek *peek = arg;

	peek->n_reports++;
	peek->report = *report;
	memcpy(peek->samples, report->sample, report->n * sizeof(*report->sample));
}

static void print_sample(const struct sensor_profile *profile, const struct wy_sample *sample,
			 const char *separator)
{
	const struct sensor_profile_point *point = &profile->points[sample->point];

	printf("%s\"%s\": {\"quality\": \"%s\", \"why\": \"%s\"", separator, point->name,
	       wy_quality_text(sample->quality), wy_why_text(sample->why));
	if (!wy_quality_is_usable(sample->quality))
		printf("}");
	else if (!sample->is_whole)
		printf(", \"value\": %.17g}", sample->real);
	else if (point->type == WY_TYPE_ENUM)
		printf(", \"value\": \"%s\"}", point->values[sample->whole]);
	else
		printf(", \"value\": %lld}", (long long)sample->whole);
}

static struct sensor_profile *load(const char *path, struct wy_arena *arena, struct wy_diags *diags)
{
	const struct wy_node *root = NULL;
	struct sensor_profile *profile = NULL;

	wy_diags_init(diags, arena);
	if (yaml_load_file(path, arena, diags, &root) ||
	    sensor_profile_read(root, arena, diags, &profile)) {
		fprintf(stderr, "%s: %s\n", path, diags->n ? diags->item[0].text : "no memory");
		return NULL;
	}
	return profile;
}

int main(int argc, char **argv)
{
	static const uint32_t mine[] = {0};
	static unsigned char memory[MEMORY_BYTES];
	static struct peek peek;
	static struct wy_diags diags;
	void *field = NULL;
	struct wy_arena arena;

	if (argc != 6)
		return 2;
	wy_arena_init(&arena, memory, sizeof(memory));
	struct sensor_profile *profile = load(argv[1], &arena, &diags);
	if (!profile)
		return 2;
	struct sensor_device_conf device = {
		.id = "d", .profile = profile, .unit_id = (uint8_t)atoi(argv[2])};
	struct sensor_wire_conf conf = {.id = "w",
					.kind = strcmp(argv[3], "rtu") == 0 ? SENSOR_WIRE_RTU
									    : SENSOR_WIRE_TCP,
					.host = argv[4],
					.tty = argv[4],
					.port = (uint16_t)atoi(argv[5]),
					.baud = atoi(argv[5]),
					.parity = 'N',
					.data_bits = 8,
					.stop_bits = 1,
					.connect_ms = 5000};
	const struct sensor_field_parts parts = {.wires = &conf,
						 .devices = &device,
						 .mine = mine,
						 .n_mine = 1,
						 .arena = &arena,
						 .take = take,
						 .arg = &peek,
						 .diags = &diags,
						 .now_ms = stepping_now()};
	if (sensor_driver_modbus.open(&parts, &field) || sensor_driver_modbus.ask(field, 0) ||
	    !stepping_until_moved(&sensor_driver_modbus, field, &peek.n_reports, 0, PATIENCE_MS))
		return 2;
	enum wy_err err = peek.report.err;
	printf("{\"err\": \"%s\", \"exception\": %u, \"samples\": {", wy_err_text(err),
	       peek.report.exception);
	for (uint32_t i = 0; i < peek.report.n; i++)
		print_sample(profile, &peek.samples[i], i ? ", " : "");
	printf("}}\n");
	sensor_driver_modbus.close(field);
	return err ? 1 : 0;
}
