/* coap_peek: read one device with a profile for a while and print each report as a line of JSON, for the tests against
 * real peers.
 *
 *   coap_peek PROFILE HOST PORT SECONDS */
#define _POSIX_C_SOURCE 200809L
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "coap.h"
#include "yaml_tree.h"

enum { MEMORY_BYTES = 4 * 1024 * 1024 };

static wy_ms real_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (wy_ms)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void print_report(void *arg, const struct sensor_report *report)
{
	const struct sensor_profile *profile = arg;

	printf("{\"err\": \"%s\", \"exception\": %u, \"samples\": {", wy_err_text(report->err), report->exception);
	for (uint32_t i = 0; i < report->n; i++) {
		const struct wy_sample *sample = &report->sample[i];
		printf("%s\"%s\": {\"quality\": \"%s\", \"why\": \"%s\", \"value\": ", i ? ", " : "",
		       profile->points[sample->point].name, wy_quality_text(sample->quality), wy_why_text(sample->why));
		if (!wy_quality_is_usable(sample->quality))
			printf("null}");
		else if (sample->is_whole)
			printf("%lld}", (long long)sample->whole);
		else
			printf("%.17g}", sample->real);
	}
	printf("}}\n");
	fflush(stdout);
}

int main(int argc, char **argv)
{
	static const uint32_t mine[] = {0};
	static unsigned char memory[MEMORY_BYTES];
	static struct wy_diags diags;
	struct wy_arena arena;
	const struct wy_node *root = NULL;
	struct sensor_profile *profile = NULL;
	struct coap_field *field = NULL;

	if (argc != 5)
		return 2;
	wy_arena_init(&arena, memory, sizeof(memory));
	wy_diags_init(&diags, &arena);
	if (yaml_load_file(argv[1], &arena, &diags, &root) || sensor_profile_read(root, &arena, &diags, &profile)) {
		fprintf(stderr, "%s: %s\n", argv[1], diags.n ? diags.item[0].text : "no memory");
		return 2;
	}
	struct sensor_wire_conf wire = {
		.id = "w", .kind = SENSOR_WIRE_COAP, .host = argv[2], .port = (uint16_t)strtol(argv[3], NULL, 10)};
	struct sensor_device_conf device = {.id = "d", .profile = profile};
	const struct sensor_field_parts parts = {.wires = &wire, .devices = &device, .mine = mine, .n_mine = 1,
						 .arena = &arena, .take = print_report, .arg = profile, .diags = &diags};
	if (coap_field_open(&parts, &field))
		return 2;
	wy_ms end_ms = real_ms() + strtol(argv[4], NULL, 10) * 1000;
	if (coap_field_ask(field, 0))
		return 2;
	for (wy_ms now_ms = real_ms(); now_ms < end_ms; now_ms = real_ms()) {
		wy_ms next_ms = coap_field_step(field, now_ms);
		struct pollfd fd = {.fd = coap_field_fd(field), .events = POLLIN};
		wy_ms wait_ms = (next_ms < end_ms ? next_ms : end_ms) - now_ms;
		(void)poll(&fd, 1, wait_ms > 0 ? (int)wait_ms : 0);
	}
	coap_field_free(field);
	return 0;
}
