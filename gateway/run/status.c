/* status.c: what the gateway says of itself over the control socket. docs/operations.md lists every
 * member; a member that is not known is null, never 0. */
#include "run_parts.h"

#include <stdlib.h>
#include <string.h>

#include "doc.h"
#include "run_parts.h"

enum { TICKETS_MOST = 1000 };

static json_t *age(wy_ms now_ms, wy_ms then_ms, bool is_known)
{
	return is_known ? json_real((double)(now_ms - then_ms) / 1000) : json_null();
}

static json_t *clock_part(const struct run_view *view, struct wy_now now)
{
	static const char *const states[] = {"unsynced", "synced", "stepped"};
	char text[TICKET_TIME_SIZE], judged_at[TICKET_TIME_SIZE];
	wy_ms least_ms = view->clock->least_wall_ms;

	ticket_time_text(&view->config->site.zone, now.wall_ms, text);
	ticket_time_text(&view->config->site.zone, least_ms, judged_at);
	return json_pack("{s:s, s:s, s:f, s:s?}", "now", text, "state", states[now.clock], "uptime_s",
			 (double)(now.mono_ms - view->started_ms) / 1000, "certificates_judged_at",
			 now.wall_ms < least_ms ? judged_at : NULL);
}

/* NULL: no broker has answered yet. */
static const char *mqtt_text(int protocol)
{
	if (!protocol)
		return NULL;
	return protocol == 4 ? "3.1.1" : "5";
}

static json_t *uplink_part(const struct run_view *view, wy_ms now_ms)
{
	struct delivery_state state = delivery_state(view->delivery);
	bool has_receipt = state.receipt_ms != WY_MS_NONE;

	return json_pack("{s:b, s:s, s:i, s:s?, s:o, s:s?, s:o, s:I, s:I, s:s, s:I}", "is_up", state.is_up,
			 "host", view->config->uplink.host, "port", (int)view->config->uplink.port,
			 "mqtt", mqtt_text(state.protocol), "since_s",
			 age(now_ms, state.since_ms, true), "why_down",
			 state.is_up || !state.words[0] ? NULL : state.words, "last_receipt_s",
			 age(now_ms, state.receipt_ms, has_receipt), "receipted",
			 (json_int_t)state.receipted, "rejected", (json_int_t)state.rejected, "grade",
			 delivery_grade(view->config), "taken_over", (json_int_t)state.taken_over);
}

static json_t *outbox_part(const struct run_view *view, wy_ms now_ms)
{
	struct store_outbox_stats stats;

	wy_ms unconfirmed_ms = delivery_state(view->delivery).unconfirmed_ms;

	if (store_outbox_stats(view->store, &stats))
		return json_null();
	return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:o, s:o}", "queued", (json_int_t)stats.queued, "queued_s1",
			 (json_int_t)stats.queued_s1, "parked", (json_int_t)stats.parked, "bytes",
			 (json_int_t)stats.bytes, "max_bytes", (json_int_t)stats.max_bytes, "lost",
			 (json_int_t)stats.lost, "oldest_s",
			 age(now_ms, stats.oldest_mono_ms, stats.queued > 0), "unconfirmed_s",
			 unconfirmed_ms ? json_real((double)unconfirmed_ms / 1000) : json_null());
}

static json_t *device_part(const struct run_view *view, uint32_t index, wy_ms now_ms)
{
	const struct sensor_device_conf *conf = &view->config->devices[index];
	const struct engine_device *device = engine_device_at(view->engine, index);
	bool is_refusing = device->has_answered && device->err == WY_E_EXCEPTION;
	const char *state = device->is_failing	    ? "silent"
			    : is_refusing	    ? "refusing"
			    : device->has_answered ? "ok"
						    : "waiting";
	char text[200];
	struct wy_buf why;

	wy_buf_init(&why, text, sizeof(text));
	wy_buf_addf(&why, "%s%s%s", wy_err_text(device->err), device->words ? ": " : "", device->words ? device->words : "");

	return json_pack("{s:s, s:s, s:s, s:s, s:o, s:o, s:I, s:s?}", "id", conf->id, "wire",
			 view->config->wires[conf->wire].id, "profile", conf->profile->id, "state", state,
			 "last_ok_s", age(now_ms, device->last_ok_ms, device->has_answered), "took_ms",
			 device->has_answered ? json_integer(device->took_ms) : json_null(), "failures",
			 (json_int_t)device->failures, "why",
			 device->is_failing || is_refusing ? text : NULL);
}

/* Where a wire leads: "10.0.0.5:502", "/dev/ttyUSB0". */
static void place_text(const struct sensor_wire_conf *wire, struct wy_buf *buf)
{
	if (wire->tty)
		wy_buf_add(buf, wire->tty);
	else
		wy_buf_addf(buf, "%s:%u", wire->host ? wire->host : "", (unsigned)wire->port);
}

static json_t *wire_part(const struct run_view *view, uint32_t index)
{
	const struct sensor_wire_conf *wire = &view->config->wires[index];
	json_int_t n = 0, n_silent = 0, n_requests = 0, n_garbled = 0;
	wy_ms slowest_ms = -1;
	char place[200];
	struct wy_buf buf;

	for (uint32_t d = 0; d < view->config->n_devices; d++) {
		const struct engine_device *device = engine_device_at(view->engine, d);
		if (view->config->devices[d].wire != index)
			continue;
		n++;
		n_silent += device->is_failing;
		n_requests += device->n_requests;
		n_garbled += device->n_garbled;
		if (device->has_answered && device->took_ms > slowest_ms)
			slowest_ms = device->took_ms;
	}
	wy_buf_init(&buf, place, sizeof(place));
	place_text(wire, &buf);
	return json_pack("{s:s, s:s, s:s, s:I, s:I, s:I, s:I, s:o}", "id", wire->id, "kind", sensor_wire_names[wire->kind],
			 "place", place, "devices", n, "silent", n_silent, "requests", n_requests, "garbled", n_garbled,
			 "slowest_ms", slowest_ms < 0 ? json_null() : json_integer(slowest_ms));
}

static json_t *store_part(const struct run_view *view, wy_ms now_ms)
{
	struct store_disk disk = store_disk(view->store);
	bool is_in_memory = disk.mode != STORE_ON_DISK;
	uint64_t last_seq = 0;
	char epoch[20];
	struct wy_buf buf;

	wy_buf_init(&buf, epoch, sizeof(epoch));
	wy_buf_hex(&buf, store_epoch(view->store));
	json_t *seq = store_last_seq(view->store, &last_seq) ? json_null() : json_integer((json_int_t)last_seq);
	return json_pack("{s:s, s:o, s:s, s:s?, s:o, s:I, s:o}", "epoch", epoch, "last_seq", seq, "mode",
			 store_mode_text(disk.mode), "why", is_in_memory ? disk.why : NULL, "since_s",
			 age(now_ms, view->memory_since_ms, is_in_memory), "only_in_memory", (json_int_t)disk.events,
			 "memory_fill", is_in_memory ? json_real(100.0 * (double)disk.bytes / (double)disk.most_bytes) : json_null());
}

/* The set in force: since when, what of, and which files it was. */
static json_t *rules_part(const struct run_view *view)
{
	char bundle[20], files[20], loaded[TICKET_TIME_SIZE];
	struct wy_buf buf;

	wy_buf_init(&buf, bundle, sizeof(bundle));
	wy_buf_hex(&buf, rule_set_hash(view->rules));
	wy_buf_init(&buf, files, sizeof(files));
	wy_buf_hex(&buf, view->config->hash);
	ticket_time_text(&view->config->site.zone, view->loaded_wall_ms, loaded);
	return json_pack("{s:I, s:I, s:s, s:s, s:s?}", "rules", (json_int_t)rule_count(view->rules), "instances",
			 (json_int_t)rule_instance_count(view->rules), "bundle", bundle, "files", files, "loaded",
			 view->loaded_wall_ms ? loaded : NULL);
}

static json_t *status(const struct run_view *view)
{
	struct wy_now now = clock_now(view->clock);
	struct engine_counts counts = engine_counts(view->engine);
	json_t *wires = json_array(), *devices = json_array();

	for (uint32_t w = 0; w < view->config->n_wires; w++)
		json_array_append_new(wires, wire_part(view, w));
	for (uint32_t d = 0; d < view->config->n_devices; d++)
		json_array_append_new(devices, device_part(view, d, now.mono_ms));
	return json_pack("{s:s, s:s, s:s, s:o, s:o, s:o, s:o, s:{s:i, s:I, s:I}, "
			 "s:o, s:o, s:o}",
			 "gateway", view->config->gateway, "version", WY_VERSION, "site",
			 view->config->site.name_zh, "clock", clock_part(view, now), "uplink",
			 uplink_part(view, now.mono_ms), "outbox", outbox_part(view, now.mono_ms), "store",
			 store_part(view, now.mono_ms), "tickets", "open", (int)counts.open,
			 "opened_since_start", (json_int_t)counts.opened, "cleared_since_start",
			 (json_int_t)counts.cleared, "rules", rules_part(view), "wires", wires, "devices",
			 devices);
}

/* A list of documents, put together as text: they are JSON already, and a thousand of them parsed and
 * written again would hold up the loop. */
struct list {
	char *text; /* NULL: no memory */
	size_t len, room;
};

static void list_add(struct list *list, const char *bytes, size_t len)
{
	if (list->text && list->len + len + 1 > list->room) {
		size_t room = 2 * (list->len + len + 1);
		char *larger = realloc(list->text, room);
		if (!larger)
			free(list->text);
		list->text = larger;
		list->room = room;
	}
	if (!list->text)
		return;
	memcpy(list->text + list->len, bytes, len);
	list->len += len;
	list->text[list->len] = '\0';
}

static bool add_ticket(void *arg, const struct ticket *ticket, const char *body, size_t len)
{
	struct list *list = arg;
	(void)ticket;

	if (list->len > 1)
		list_add(list, ",", 1);
	list_add(list, body, len);
	return list->text != NULL;
}

static char *error_text(const char *words)
{
	json_t *error = json_pack("{s:s}", "error", words);
	char *text = error ? json_dumps(error, JSON_COMPACT) : NULL;

	json_decref(error);
	return text;
}

static char *tickets(const struct run_view *view, const json_t *request)
{
	struct list list = {.text = malloc(4096), .room = 4096};
	json_int_t limit = json_integer_value(json_object_get(request, "limit"));
	bool is_all = json_is_true(json_object_get(request, "all"));

	if (limit <= 0 || limit > TICKETS_MOST)
		limit = TICKETS_MOST;
	list_add(&list, "[", 1);
	enum wy_err err = store_list(view->store, !is_all, (size_t)limit, add_ticket, &list);
	list_add(&list, "]", 1);
	if (!err)
		return list.text;
	free(list.text);
	return error_text(wy_err_text(err));
}

static char *document_text(json_t *document)
{
	char *text = document ? json_dumps(document, JSON_COMPACT) : NULL;

	json_decref(document);
	return text;
}

static char *explain(const struct run_view *view, const json_t *question)
{
	json_t *document = NULL;
	const char *error = run_explain(view, question, &document);

	return error ? error_text(error) : document_text(document);
}

static char *frames(const struct run_view *view, const json_t *question)
{
	json_t *document = NULL;
	const char *error = run_frames(view, question, &document);

	return error ? error_text(error) : document_text(document);
}

static char *status_answer(const struct run_view *view, const json_t *question)
{
	(void)question;
	return document_text(status(view));
}

static char *shelves_answer(const struct run_view *view, const json_t *question)
{
	(void)question;
	return run_shelves(view);
}

static const struct {
	const char *ask;
	char *(*answer)(const struct run_view *view, const json_t *question);
} asks[] = {
	{"status", status_answer}, {"tickets", tickets}, {"shelves", shelves_answer}, {"explain", explain},
	{"frames", frames},
};

char *run_answer(const struct run_view *view, const char *request)
{
	json_t *question = json_loads(request, JSON_REJECT_DUPLICATES, NULL);
	const char *ask = json_string_value(json_object_get(question, "ask"));
	char *text = NULL;
	bool is_known = false;

	for (size_t i = 0; ask && !is_known && i < sizeof(asks) / sizeof(*asks); i++) {
		is_known = strcmp(ask, asks[i].ask) == 0;
		if (is_known)
			text = asks[i].answer(view, question);
	}
	if (!is_known && json_is_string(json_object_get(question, "order")))
		text = run_order(view, question);
	else if (!is_known)
		text = error_text("ask for \"status\", \"tickets\", \"shelves\", \"explain\" or \"frames\", or give an \"order\"");
	json_decref(question);
	return text;
}
