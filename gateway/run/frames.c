/* frames.c: the latest exchanges of a wire over the control socket, as bytes: what they mean is for who asks (`weiyu
 * sniff`). Only of wires whose driver keeps any. */
#include <stdlib.h>
#include <string.h>

#include "doc.h"
#include "driver.h"
#include "run_parts.h"

enum { FRAMES_MOST = 256 };

static size_t find_wire(const struct config *config, const char *id)
{
	for (size_t i = 0; i < config->n_wires; i++)
		if (strcmp(config->wires[i].id, id) == 0)
			return i;
	return SIZE_MAX;
}

/* n bytes went over the wire, `most` of them at most are here. */
static json_t *hex_of(const uint8_t *bytes, size_t n, size_t most)
{
	static const char digits[] = "0123456789ABCDEF";
	size_t kept = n < most ? n : most;
	char text[2 * WY_FRAME_KEPT];

	for (size_t i = 0; i < kept; i++) {
		text[2 * i] = digits[bytes[i] >> 4];
		text[2 * i + 1] = digits[bytes[i] & 15];
	}
	return json_stringn(text, 2 * kept);
}

static json_t *frame_part(const struct run_view *view, const struct sensor_frame *frame, struct wy_now now)
{
	char at[TICKET_TIME_SIZE];

	ticket_time_text(&view->config->site.zone, now.wall_ms - (now.mono_ms - frame->sent_ms), at);
	return json_pack("{s:I, s:s, s:I, s:s, s:I, s:o, s:I, s:o}", "number", (json_int_t)frame->number, "at", at,
			 "took_ms", (json_int_t)frame->took_ms, "result", wy_err_text(frame->err), "request_bytes",
			 (json_int_t)frame->n_request, "request", hex_of(frame->request, frame->n_request, sizeof(frame->request)),
			 "answer_bytes", (json_int_t)frame->n_answer, "answer",
			 hex_of(frame->answer, frame->n_answer, sizeof(frame->answer)));
}

static json_t *list(const struct run_view *view, uint32_t wire, json_int_t after, size_t most)
{
	struct sensor_frame *frames = calloc(most, sizeof(*frames));
	size_t n = frames && view->poller ? poller_frames(view->poller, wire, frames, most) : 0;
	struct wy_now now = clock_now(view->clock);
	json_t *items = json_array();

	for (size_t i = 0; i < n; i++)
		if ((json_int_t)frames[i].number > after)
			json_array_append_new(items, frame_part(view, &frames[i], now));
	free(frames);
	return items;
}

const char *run_frames(const struct run_view *view, const json_t *question, json_t **ret_document)
{
	const char *id = json_string_value(json_object_get(question, "wire"));
	json_int_t most = json_integer_value(json_object_get(question, "most"));
	json_int_t after = json_integer_value(json_object_get(question, "after"));
	size_t wire = id ? find_wire(view->config, id) : SIZE_MAX;

	if (wire == SIZE_MAX)
		return id ? "there is no such wire" : "name a \"wire\"";
	if (most <= 0 || most > FRAMES_MOST)
		most = FRAMES_MOST;
	const struct sensor_wire_row *row = &sensor_wire_rows[view->config->wires[wire].kind];
	bool is_keeping = sensor_driver_find(row->transport)->frames != NULL;
	*ret_document = json_pack("{s:s, s:s, s:b, s:o}", "wire", id, "kind", row->name, "is_keeping", is_keeping,
				  "frames", list(view, (uint32_t)wire, after, (size_t)most));
	return NULL;
}
