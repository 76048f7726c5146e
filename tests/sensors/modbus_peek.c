/* modbus_peek: poll one device once with a profile and print its samples as JSON, for the tests
 * against real peers.
 *
 *   modbus_peek PROFILE UNIT tcp HOST PORT
 *   modbus_peek PROFILE UNIT rtu TTY BAUD */
#define _POSIX_C_SOURCE 200809L
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "modbus.h"
#include "yaml_tree.h"

enum { MEMORY_BYTES = 4 * 1024 * 1024 };

static wy_ms now_ms(void *unused)
{
	struct timespec t;

	(void)unused;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (wy_ms)t.tv_sec * 1000 + t.tv_nsec / 1000000;
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
	static struct wy_sample samples[WY_POINTS_PER_DEVICE];
	static struct wy_diags diags;
	struct sensor_report report = {.n_max = WY_POINTS_PER_DEVICE, .sample = samples};
	struct modbus_wire *wire = NULL;
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
	if (modbus_wire_new(&conf, &device, mine, 1, &arena, now_ms, NULL, &wire))
		return 2;
	enum wy_err err = modbus_wire_poll(wire, 0, 0xF, &report);
	printf("{\"err\": \"%s\", \"exception\": %u, \"samples\": {", wy_err_text(err),
	       report.exception);
	for (uint32_t i = 0; i < report.n; i++)
		print_sample(profile, &samples[i], i ? ", " : "");
	printf("}}\n");
	modbus_wire_free(wire);
	return err ? 1 : 0;
}
