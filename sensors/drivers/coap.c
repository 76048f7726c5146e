/* coap.c: who is asked what, and when; what becomes of a device that does not answer.
 *
 * All of it runs in coap_field_step: first libcoap takes what has arrived (coap_answer.c decodes
 * and reports), then each device whose time has come is moved one step: connect, ask the path that
 * waited longest, or give up. Handlers only take notes, since libcoap must not lose a session it is
 * working on. A device has one request under way, so a slow one holds up nobody but itself. */
#include "coap_field.h"

#include <string.h>

#include "draw.h"

#define LOOK_AGAIN_MS 100 /* for a name or a free handshake */

wy_ms coap_jitter(struct coap_field *field, wy_ms bound_ms)
{
	return bound_ms > 0 ? (wy_ms)(wy_draw(&field->random) % (uint64_t)(bound_ms + 1)) : 0;
}

/* ---- Failing and coming back
 * ------------------------------------------------------------------------- */

static void report_failure(struct coap_device *device, enum wy_err err)
{
	struct coap_field *field = device->field;
	struct sensor_report report = {.device = device->index,
				       .err = err,
				       .at_ms = field->now_ms,
				       .n_max = field->n_samples_max,
				       .sample = field->samples,
				       .n_requests = device->n_requests,
				       .n_garbled = device->n_garbled};

	if (device->failures > 1 && field->now_ms < device->quiet_ms)
		return;
	device->quiet_ms = field->now_ms + device->period_ms;
	if (device->exchange.is_open)
		report.took_ms = field->now_ms - device->exchange.began_ms;
	field->take(field->arg, &report);
}

/* A wait grows with the silence behind it, so a device that was away for a minute is seen seconds
 * after its return; half of each wait is jitter. */
static wy_ms back_off(struct coap_device *device)
{
	wy_ms wait_ms = (device->field->now_ms - device->silent_ms) / WY_COAP_RETRY_PART;

	if (wait_ms < WY_COAP_RETRY_FIRST_MS)
		wait_ms = WY_COAP_RETRY_FIRST_MS;
	if (wait_ms > WY_COAP_RETRY_MOST_MS)
		wait_ms = WY_COAP_RETRY_MOST_MS;
	return wait_ms / 2 + coap_jitter(device->field, wait_ms / 2);
}

static void give_up(struct coap_device *device, enum wy_err err)
{
	if (device->failures++ == 0)
		device->silent_ms = device->field->now_ms;
	report_failure(device, err);
	device->failed = WY_OK;
	coap_exchange_close(&device->exchange);
	coap_link_drop(device);
	host_forget(&device->host);
	for (size_t i = 0; i < device->n_paths; i++)
		device->paths[i].is_live = false;
	device->retry_ms = device->field->now_ms + back_off(device);
}

/* ---- Asking
 * ---------------------------------------------------------------------------------------------- */

static wy_ms path_due(const struct coap_path *path)
{
	return path->is_live && path->watch_ms < path->due_ms ? path->watch_ms : path->due_ms;
}

/* The path that has waited longest, or will be due first. */
static struct coap_path *next_path(const struct coap_device *device)
{
	struct coap_path *first = &device->paths[0];

	for (size_t i = 1; i < device->n_paths; i++)
		if (path_due(&device->paths[i]) < path_due(first))
			first = &device->paths[i];
	return first;
}

static void ask(struct coap_device *device, struct coap_path *path)
{
	wy_ms now_ms = device->field->now_ms;
	bool is_registration = path->is_observed && (!path->is_live || now_ms >= path->watch_ms);

	device->exchange = (struct coap_exchange){
		.is_open = true,
		.is_registration = is_registration,
		.path = path,
		.token = coap_link_token(),
		.began_ms = now_ms,
		.deadline_ms = now_ms + 3 * device->timeout_ms,
	};
	device->failed = coap_link_get(device, path, device->exchange.token,
				       is_registration ? COAP_ASK_OBSERVE : COAP_ASK_VALUE, 0, 0);
}

/* Devices that failed before share half of the handshakes, so that a dead floor keeps no
 * living device waiting. */
static bool may_shake_hands(const struct coap_device *device)
{
	unsigned most = device->failures > 0 ? WY_COAP_HANDSHAKES_MAX / 2 : WY_COAP_HANDSHAKES_MAX;

	return !coap_secure_is(device->conf) || device->field->handshakes < most;
}

/* Returns when to look at the device again. */
static wy_ms connect_device(struct coap_device *device)
{
	wy_ms now_ms = device->field->now_ms;
	wy_ms start_ms = path_due(next_path(device));
	enum wy_err err;

	if (start_ms < device->retry_ms)
		start_ms = device->retry_ms;
	if (now_ms < start_ms)
		return start_ms;
	if (!may_shake_hands(device))
		return now_ms + LOOK_AGAIN_MS;
	err = host_find(&device->host);
	if (err == WY_E_BUSY)
		return now_ms + LOOK_AGAIN_MS;
	if (err == WY_OK)
		err = coap_link_connect(device);
	if (err != WY_OK) {
		give_up(device, err);
		return device->retry_ms;
	}
	return now_ms;
}

static wy_ms ask_device(struct coap_device *device)
{
	struct coap_path *path = next_path(device);
	wy_ms due_ms = path_due(path);

	if (device->field->now_ms < due_ms)
		return due_ms;
	ask(device, path);
	return device->failed == WY_OK ? device->exchange.deadline_ms : device->field->now_ms;
}

/* A handshake that ended before its end. A DTLS server drops without a word what was not made with
 * its key, so one that spoke first and then fell silent has refused us. */
static enum wy_err unfinished(const struct coap_device *device)
{
	return device->is_greeted ? WY_E_AUTH : WY_E_TIMEOUT;
}

/* A device that pushes is only waited for. */
static wy_ms watch_device(struct coap_device *device)
{
	enum wy_err err;
	wy_ms next_ms = coap_listen_watch(device, &err);

	if (err != WY_OK) {
		if (device->failures++ == 0)
			device->silent_ms = device->field->now_ms;
		device->quiet_ms = device->field->now_ms;
		report_failure(device, err);
	}
	return next_ms;
}

static wy_ms move_device(struct coap_device *device)
{
	wy_ms now_ms = device->field->now_ms;

	if (device->listener)
		return watch_device(device);
	if (device->failed != WY_OK)
		give_up(device, device->failed);
	if (device->exchange.is_open && now_ms >= device->exchange.deadline_ms)
		give_up(device, WY_E_TIMEOUT);
	if (device->session && !device->is_up && now_ms >= device->connect_deadline_ms)
		give_up(device, unfinished(device));
	if (!device->session)
		return connect_device(device);
	if (!device->is_up)
		return device->connect_deadline_ms;
	if (device->exchange.is_open)
		return device->exchange.deadline_ms;
	return ask_device(device);
}

/* A step may make another one possible at once (connected, so ask); no more than a few in a row. */
static void work(struct coap_device *device)
{
	for (int i = 0; i < 4 && device->next_ms <= device->field->now_ms; i++)
		device->next_ms = move_device(device);
}

/* ---- libcoap's handlers
 * --------------------------------------------------------------------------------- */

static void note(coap_session_t *session, enum wy_err err)
{
	struct coap_device *device = coap_link_device(session);

	if (!device)
		return;
	/* The first word is the most exact one: the alert before the hang-up it causes. */
	if (device->failed == WY_OK)
		device->failed = err;
	device->next_ms = device->field->now_ms;
	device->field->is_touched = true;
}

static void on_nack(coap_session_t *session, const coap_pdu_t *sent,
		    const coap_nack_reason_t reason, const coap_mid_t mid)
{
	static const enum wy_err errs[] = {
		[COAP_NACK_TOO_MANY_RETRIES] = WY_E_TIMEOUT,
		[COAP_NACK_NOT_DELIVERABLE] = WY_E_LINK,
		[COAP_NACK_RST] = WY_E_PROTOCOL,
		[COAP_NACK_TLS_FAILED] = WY_E_LINK,
		[COAP_NACK_ICMP_ISSUE] = WY_E_LINK,
	};

	(void)sent;
	(void)mid;
	note(session, (size_t)reason < sizeof(errs) / sizeof(errs[0]) ? errs[reason] : WY_E_LINK);
}

static void on_connected(struct coap_device *device)
{
	if (device->is_up)
		return;
	device->is_up = true;
	device->field->handshakes--;
	device->next_ms = device->field->now_ms;
	device->field->is_touched = true;
}

static int on_event(coap_session_t *session, const coap_event_t event)
{
	struct coap_device *device = coap_link_device(session);

	if (!device)
		return 0;
	if (event == COAP_EVENT_DTLS_CONNECTED)
		on_connected(device);
	/* An alert during the handshake is a refusal; later it is an association that broke. */
	if (event == COAP_EVENT_DTLS_ERROR)
		note(session, device->is_up ? WY_E_LINK : WY_E_AUTH);
	if (event == COAP_EVENT_DTLS_CLOSED)
		note(session, device->is_up ? WY_E_LINK : unfinished(device));
	return 0;
}

/* ---- Step
 * -------------------------------------------------------------------------------------------------
 */

static void begin(struct coap_field *field)
{
	for (size_t i = 0; i < field->n_devices; i++) {
		struct coap_device *device = &field->devices[i];
		device->heard_ms = field->now_ms;
		for (size_t k = 0; k < device->n_paths; k++) {
			struct coap_path *path = &device->paths[k];
			wy_ms most_ms = path->period_ms < WY_COAP_SPREAD_MS ? path->period_ms
									    : WY_COAP_SPREAD_MS;
			if (path->due_ms == WY_MS_NEVER)
				path->due_ms = field->now_ms + coap_jitter(field, most_ms);
		}
	}
	field->is_begun = true;
}

wy_ms coap_field_step(struct coap_field *field, wy_ms now_ms)
{
	wy_ms next_ms = WY_MS_NEVER;
	wy_ms wait_ms;

	field->now_ms = now_ms;
	if (!field->is_begun)
		begin(field);
	field->is_touched = false;
	coap_link_take(field);
	field->is_touched = false;
	for (size_t i = 0; i < field->n_devices; i++) {
		work(&field->devices[i]);
		if (field->devices[i].next_ms < next_ms)
			next_ms = field->devices[i].next_ms;
	}
	wait_ms = coap_link_give(field);
	if (wait_ms > 0 && now_ms + wait_ms < next_ms)
		next_ms = now_ms + wait_ms;
	return field->is_touched ? now_ms : next_ms;
}

int coap_field_fd(const struct coap_field *field)
{
	return field->epoll;
}

enum wy_err coap_field_ask(struct coap_field *field, uint32_t device)
{
	for (size_t i = 0; i < field->n_devices; i++) {
		struct coap_device *found = &field->devices[i];
		if (found->index != device)
			continue;
		if (found->listener)
			return WY_E_UNSUPPORTED;
		for (size_t k = 0; k < found->n_paths; k++)
			found->paths[k].due_ms = field->now_ms;
		found->retry_ms = field->now_ms;
		found->quiet_ms = field->now_ms;
		found->next_ms = field->now_ms;
		return WY_OK;
	}
	return WY_E_NOTFOUND;
}

/* ---- Life
 * -------------------------------------------------------------------------------------------------
 */

static struct coap_path *find_path(struct coap_device *device, const char *path)
{
	for (size_t i = 0; i < device->n_paths; i++)
		if (strcmp(device->paths[i].path, path) == 0)
			return &device->paths[i];
	return NULL;
}

/* What a path is asked to answer in. */
static uint32_t accept_of(const struct sensor_profile *profile, const struct coap_path *path)
{
	static const uint32_t formats[] = {
		[SENSOR_ACCEPT_TEXT] = COAP_FORMAT_TEXT,
		[SENSOR_ACCEPT_SENML_JSON] = COAP_FORMAT_SENML_JSON,
		[SENSOR_ACCEPT_SENML_CBOR] = COAP_FORMAT_SENML_CBOR,
		[SENSOR_ACCEPT_LWM2M_TLV] = COAP_FORMAT_LWM2M_TLV,
		[SENSOR_ACCEPT_LWM2M_JSON] = COAP_FORMAT_LWM2M_JSON,
	};
	bool has_names = path->n_points > 1 || profile->points[path->points[0]].senml_name != NULL;

	if (profile->accept != SENSOR_ACCEPT_FITTING)
		return formats[profile->accept];
	return has_names ? COAP_FORMAT_SENML_JSON : COAP_FORMAT_ANY;
}

/* Room for every path, and for the points of each. */
static enum wy_err find_paths(struct coap_device *device, struct wy_arena *arena)
{
	const struct sensor_profile *profile = device->conf->profile;
	size_t most = profile->n_points < WY_COAP_PATHS_MAX ? profile->n_points : WY_COAP_PATHS_MAX;
	uint32_t *points = wy_arena_array(arena, profile->n_points, sizeof(*points));

	device->paths = wy_arena_array(arena, most, sizeof(*device->paths));
	if (!device->paths || !points)
		return WY_E_LIMIT;
	for (size_t i = 0; i < profile->n_points; i++) {
		struct coap_path *path = find_path(device, profile->points[i].path);
		if (!path && device->n_paths == most)
			return WY_E_LIMIT;
		if (!path) {
			path = &device->paths[device->n_paths++];
			*path = (struct coap_path){.path = profile->points[i].path, .period_ms = WY_MS_NEVER,
						   .due_ms = WY_MS_NEVER};
		}
		path->n_points++;
	}
	for (size_t i = 0; i < device->n_paths; i++) {
		device->paths[i].points = points;
		points += device->paths[i].n_points;
		device->paths[i].n_points = 0;
	}
	return WY_OK;
}

static void add_point(struct coap_device *device, uint32_t index)
{
	const struct sensor_profile *profile = device->conf->profile;
	const struct sensor_profile_point *point = &profile->points[index];
	wy_ms period_ms = profile->class_ms[point->poll];
	struct coap_path *path = find_path(device, point->path);

	path->points[path->n_points++] = index;
	path->is_observed |= point->is_observed;
	path->accept = accept_of(profile, path);
	if (period_ms < path->period_ms)
		path->period_ms = period_ms;
	if (path->period_ms < device->period_ms)
		device->period_ms = path->period_ms;
}

/* What the configuration should have refused, but would crash us here. */
static bool is_usable(const struct sensor_wire_conf *wire, const struct sensor_device_conf *conf)
{
	const struct sensor_profile *profile = conf->profile;

	if (wire->kind != SENSOR_WIRE_COAP || profile->transport != SENSOR_COAP || !wire->host)
		return false;
	if (profile->n_points == 0 || (conf->psk_identity == NULL) != (conf->psk_key == NULL))
		return false;
	if (conf->dtls_ca && (!conf->dtls_certificate || !conf->dtls_key || !conf->dtls_name || conf->psk_key))
		return false;
	if (wire->is_listening && (!conf->psk_key || conf->max_silence_ms <= 0))
		return false;
	for (size_t i = 0; i < profile->n_points; i++)
		if (!profile->points[i].path || profile->class_ms[profile->points[i].poll] <= 0)
			return false;
	return true;
}

static enum wy_err init_device(struct coap_field *field, uint32_t index,
			       const struct sensor_device_conf *conf, struct coap_device *device,
			       struct wy_arena *arena, struct wy_diags *diags)
{
	const struct sensor_wire_conf *wire = &field->wires[conf->wire];
	enum wy_err err = WY_OK;

	if (!is_usable(wire, conf)) {
		wy_diag_add(diags, WY_DIAG_ERROR, "E810", NULL, 0,
			    "device '%s' cannot be asked by CoAP: it needs a wire of kind coap, a "
			    "profile of transport coap whose points have paths and periods, and "
			    "identity and key together or neither",
			    conf->id);
		return WY_E_INVALID;
	}
	*device = (struct coap_device){.field = field, .index = index, .conf = conf};
	device->timeout_ms = conf->timeout_ms > 0 ? conf->timeout_ms : conf->profile->timeout_ms;
	if (device->timeout_ms <= 0)
		device->timeout_ms = WY_COAP_TIMEOUT_MS;
	device->period_ms = WY_MS_NEVER;
	if (wire->is_listening) {
		err = coap_listen_add(device, wire);
		if (err == WY_OK)
			err = find_paths(device, arena);
		for (uint32_t i = 0; i < conf->profile->n_points && err == WY_OK; i++)
			add_point(device, i);
		return err;
	}
	host_init(&device->host, wire->host, wire->port, SOCK_DGRAM);
	err = find_paths(device, arena);
	for (uint32_t i = 0; i < conf->profile->n_points && err == WY_OK; i++)
		add_point(device, i);
	if (err == WY_E_LIMIT)
		wy_diag_add(diags, WY_DIAG_ERROR, "E810", NULL, 0,
			    "profile '%s' of device '%s' has more than %u paths, or memory ran out",
			    conf->profile->id, conf->id, WY_COAP_PATHS_MAX);
	return err;
}

static struct coap_field *new_field(struct wy_arena *arena, size_t n_mine)
{
	struct coap_field *field = wy_arena_alloc(arena, sizeof(*field));

	if (!field)
		return NULL;
	field->n_samples_max = WY_POINTS_PER_DEVICE;
	field->devices = wy_arena_array(arena, n_mine, sizeof(*field->devices));
	field->bodies = wy_arena_array(arena, WY_COAP_BODIES, sizeof(*field->bodies));
	field->pack = wy_arena_alloc(arena, sizeof(*field->pack));
	field->samples = wy_arena_array(arena, field->n_samples_max, sizeof(*field->samples));
	return field->devices && field->bodies && field->pack && field->samples ? field : NULL;
}

enum wy_err coap_field_open(const struct sensor_field_parts *parts, struct coap_field **ret_field)
{
	static const struct coap_handlers handlers = {coap_answer_take, on_nack, on_event};
	struct coap_field *field = new_field(parts->arena, parts->n_mine);
	enum wy_err err;

	if (!field)
		return WY_E_LIMIT;
	field->wires = parts->wires;
	field->random = parts->seed;
	field->take = parts->take;
	field->arg = parts->arg;
	for (size_t i = 0; i < parts->n_mine; i++) {
		uint32_t index = parts->mine[i];
		err = init_device(field, index, &parts->devices[index], &field->devices[i], parts->arena,
				  parts->diags);
		if (err != WY_OK)
			return err;
		field->n_devices++;
	}
	err = coap_listen_init(field, parts->arena);
	if (err != WY_OK)
		return err;
	err = coap_link_open(field, &handlers);
	if (err != WY_OK) {
		coap_link_close(field);
		return err;
	}
	*ret_field = field;
	return WY_OK;
}

enum wy_err coap_field_new(const struct sensor_wire_conf *wires,
			   const struct sensor_device_conf *devices, const uint32_t *mine,
			   size_t n_mine, struct wy_arena *arena, uint64_t seed, sensor_take take,
			   void *arg, struct wy_diags *diags, struct coap_field **ret_field)
{
	const struct sensor_field_parts parts = {.wires = wires, .devices = devices, .mine = mine, .n_mine = n_mine,
						 .arena = arena, .seed = seed, .take = take, .arg = arg, .diags = diags};

	return coap_field_open(&parts, ret_field);
}

static void cancel_observations(struct coap_device *device)
{
	for (size_t i = 0; i < device->n_paths; i++) {
		const struct coap_path *path = &device->paths[i];
		/* Best effort: whoever misses it is reset at its next notification. */
		if (path->is_live)
			(void)!coap_link_get(device, path, path->token, COAP_ASK_CANCEL, 0, 0);
	}
}

void coap_field_free(struct coap_field *field)
{
	if (!field)
		return;
	for (size_t i = 0; i < field->n_devices; i++) {
		struct coap_device *device = &field->devices[i];
		if (device->session && device->is_up)
			cancel_observations(device);
		coap_link_drop(device);
		host_release(&device->host);
	}
	coap_link_close(field);
}

/* ---- The driver
 * ----------------------------------------------------------------------------------------- */

static enum wy_err driver_open(const struct sensor_field_parts *parts, void **ret_field)
{
	struct coap_field *field;
	enum wy_err err = coap_field_open(parts, &field);

	if (err == WY_OK)
		*ret_field = field;
	return err;
}

static int driver_fd(const void *field)
{
	return coap_field_fd(field);
}

static wy_ms driver_step(void *field, wy_ms now_ms)
{
	return coap_field_step(field, now_ms);
}

static enum wy_err driver_ask(void *field, uint32_t device)
{
	return coap_field_ask(field, device);
}

static void driver_close(void *field)
{
	coap_field_free(field);
}

static uint32_t driver_late(const void *arg, wy_ms since_ms)
{
	const struct coap_field *field = arg;

	for (size_t i = 0; field->is_begun && i < field->n_devices; i++)
		if (field->devices[i].next_ms < since_ms)
			return field->devices[i].conf->wire;
	return SENSOR_NO_WIRE;
}

const struct sensor_driver sensor_driver_coap = {
	.name = "coap",
	.open = driver_open,
	.fd = driver_fd,
	.step = driver_step,
	.ask = driver_ask,
	.close = driver_close,
	.late = driver_late,
};
