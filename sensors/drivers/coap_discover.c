/* coap_discover.c: what a CoAP server says it has: one GET of /.well-known/core, by the same machine that polls.
 *
 * A field of one device with a made-up profile of one path; coap_answer.c hands its answer here instead of decoding it. */
#include <string.h>

#include "coap_field.h"

#define ANSWER_MS 2000

struct discovery {
	struct sensor_profile_point point;
	struct sensor_profile profile;
	struct sensor_wire_conf wire;
	struct sensor_device_conf device;
	coap_links take;
	void *arg;
	struct link_list list;
};

static void on_failure(void *arg, const struct sensor_report *report)
{
	struct discovery *d = arg;

	d->list.n = 0;
	/* An answer whose blocks did not fit together comes this way too. */
	d->take(d->arg, report->err == WY_OK ? WY_E_PROTOCOL : report->err, 0, &d->list);
}

void coap_discover_take(struct coap_field *field, uint8_t code, uint32_t format, const uint8_t *bytes, size_t len)
{
	struct discovery *d = field->discovery;
	enum wy_err err = WY_E_EXCEPTION;

	d->list.n = 0;
	if (code >> 5 == 2)
		err = format == COAP_FORMAT_LINKS ? link_format_read(bytes, len, &d->list) : WY_E_PROTOCOL;
	d->take(d->arg, err, code, &d->list);
}

enum wy_err coap_discover_open(const struct sensor_wire_conf *wire, const struct sensor_device_conf *device,
			       struct wy_arena *arena, uint64_t seed, coap_links take, void *arg, struct wy_diags *diags,
			       struct coap_field **ret_field)
{
	static const uint32_t mine[] = {0};
	struct discovery *d = wy_arena_alloc(arena, sizeof(*d));
	struct coap_field *field;
	enum wy_err err;

	if (!d)
		return WY_E_LIMIT;
	d->point = (struct sensor_profile_point){.name = "links", .type = WY_TYPE_BOOL, .poll = SENSOR_DAILY,
						 .path = "/.well-known/core"};
	d->profile = (struct sensor_profile){.id = "discovery", .transport = SENSOR_COAP, .points = &d->point,
					     .n_points = 1, .timeout_ms = ANSWER_MS,
					     .class_ms = {86400000, 86400000, 86400000, 86400000}};
	d->wire = *wire;
	d->device = *device;
	d->device.wire = 0;
	d->device.profile = &d->profile;
	d->take = take;
	d->arg = arg;
	const struct sensor_field_parts parts = {.wires = &d->wire, .devices = &d->device, .mine = mine, .n_mine = 1,
						 .arena = arena, .seed = seed, .take = on_failure, .arg = d,
						 .diags = diags};
	err = coap_field_open(&parts, &field);
	if (err != WY_OK)
		return err;
	field->discovery = d;
	field->devices[0].paths[0].accept = COAP_FORMAT_LINKS;
	field->devices[0].paths[0].due_ms = 0;
	*ret_field = field;
	return WY_OK;
}
