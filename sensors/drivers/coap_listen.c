/* coap_listen.c: sleeping sensors push to us: the one place where this project answers CoAP.
 *
 * DTLS with the key of a configured device, nothing else; POST or PUT of values to a path of that device's profile,
 * nothing else: no discovery, no observing, no reading, no multicast, one datagram per push. coap_gate.c stands before
 * libcoap. What is pushed is decoded like a notification, by coap_answer.c.
 *
 * A sensor that got no answer sends the same message again, and DTLS cannot know that it is the same: within an
 * association, what has message id, token and bytes of an earlier push gets the earlier answer and is reported once. */
#include <netinet/in.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "coap_field.h"

#define PORT_TRIES 5		/* somebody else may take the loopback port that was found */
#define BIND_AGAIN_MS 10000
#define LIFETIME_MS 247000	/* RFC 7252 4.8.2: a message id is remembered so long */
#define HANDSHAKES_MOST 1024	/* libcoap's own table of the unproven; the gate bounds how fast it fills */
#define SILENCE_AGAIN_MS 60000

/* ---- Pushes seen ----------------------------------------------------------------------------- */

static struct coap_push look_at(const coap_pdu_t *pdu, wy_ms now_ms)
{
	coap_bin_const_t token = coap_pdu_get_token(pdu);
	struct coap_push push = {.at_ms = now_ms, .mid = (uint16_t)coap_pdu_get_mid(pdu), .token_len = (uint8_t)token.length};
	const uint8_t *bytes;
	size_t len;

	if (token.length > 0 && token.length <= sizeof(push.token))
		memcpy(push.token, token.s, token.length);
	if (coap_get_data(pdu, &len, &bytes))
		push.hash = coap_answer_hash(bytes, len);
	return push;
}

static const struct coap_push *find_push(const struct coap_caller *caller, const struct coap_push *push)
{
	for (size_t i = 0; i < WY_COAP_PUSHES_KEPT; i++) {
		const struct coap_push *old = &caller->pushes[i];
		if (old->code != 0 && old->mid == push->mid && old->token_len == push->token_len &&
		    memcmp(old->token, push->token, sizeof(old->token)) == 0 && old->hash == push->hash &&
		    push->at_ms - old->at_ms < LIFETIME_MS)
			return old;
	}
	return NULL;
}

/* ---- One push -------------------------------------------------------------------------------- */

static struct coap_path *path_of(struct coap_device *device, const coap_pdu_t *request)
{
	coap_string_t *asked = coap_get_uri_path(request);
	struct coap_path *found = NULL;

	for (size_t i = 0; asked && i < device->n_paths && !found; i++) {
		const char *path = device->paths[i].path;
		path += path[0] == '/';
		if (strlen(path) == asked->length && memcmp(path, asked->s, asked->length) == 0)
			found = &device->paths[i];
	}
	coap_delete_string(asked);
	return found;
}

/* A sensor pushes every few minutes; one that has gone mad is told to stop and delays nobody. */
static bool is_too_often(struct coap_device *device)
{
	wy_ms now_ms = device->field->now_ms;

	if (device->push_ms > now_ms + WY_COAP_PUSH_BURST_MS)
		return true;
	device->push_ms = (device->push_ms > now_ms ? device->push_ms : now_ms) + WY_COAP_PUSH_MS;
	return false;
}

static uint8_t take_push(struct coap_device *device, const coap_pdu_t *request)
{
	coap_pdu_code_t method = coap_pdu_get_code(request);
	struct coap_path *path = path_of(device, request);
	coap_block_t block;

	if (method != COAP_REQUEST_CODE_POST && method != COAP_REQUEST_CODE_PUT)
		return COAP_RESPONSE_CODE(405);
	if (!path)
		return COAP_RESPONSE_CODE(404);
	if (coap_get_block(request, COAP_OPTION_BLOCK1, &block) && (block.m || block.num))
		return COAP_RESPONSE_CODE(413);
	switch (coap_answer_push(device, path, request)) {
	case WY_OK:
		return COAP_RESPONSE_CODE(204);
	case WY_E_UNSUPPORTED:
		return COAP_RESPONSE_CODE(415);
	default:
		return COAP_RESPONSE_CODE(400);
	}
}

static struct coap_way *way_of(struct coap_listener *listener, const coap_session_t *session)
{
	const coap_address_t *peer = coap_session_get_addr_remote(session);
	struct coap_way *way = coap_gate_find(&listener->gate, coap_address_get_port(peer));
	const struct coap_caller *caller = way ? way->arg : NULL;

	return caller && caller->session == session ? way : NULL;
}

static void on_request(coap_resource_t *resource, coap_session_t *session, const coap_pdu_t *request,
		       const coap_string_t *query, coap_pdu_t *response)
{
	struct coap_listener *listener = coap_resource_get_userdata(resource);
	struct coap_way *way = way_of(listener, session);
	struct coap_caller *caller = way ? way->arg : NULL;
	struct coap_push push = look_at(request, listener->field->now_ms);
	const struct coap_push *old;

	(void)query;
	if (!caller) {
		coap_pdu_set_code(response, COAP_RESPONSE_CODE(401));
		return;
	}
	old = find_push(caller, &push);
	if (!old && is_too_often(caller->device)) {
		coap_pdu_set_code(response, COAP_RESPONSE_CODE(429));
		return;
	}
	push.code = old ? old->code : take_push(caller->device, request);
	if (!old)
		caller->pushes[caller->n_pushes++ % WY_COAP_PUSHES_KEPT] = push;
	coap_pdu_set_code(response, (coap_pdu_code_t)push.code);
}

/* ---- Who is there ---------------------------------------------------------------------------- */

static struct coap_device *device_of(struct coap_listener *listener, const coap_bin_const_t *identity)
{
	struct coap_field *field = listener->field;

	for (size_t i = 0; i < field->n_devices; i++) {
		const struct sensor_device_conf *conf = field->devices[i].conf;
		if (field->devices[i].listener == listener && strlen(conf->psk_identity) == identity->length &&
		    memcmp(conf->psk_identity, identity->s, identity->length) == 0)
			return &field->devices[i];
	}
	return NULL;
}

static const coap_bin_const_t *on_identity(coap_bin_const_t *identity, coap_session_t *session, void *arg)
{
	struct coap_device *device = device_of(arg, identity);

	(void)session;
	/* A stranger gets a key nobody has, so that the answer does not tell which identities there are. */
	return device ? &device->push_key : &((struct coap_listener *)arg)->nobody;
}

/* A device keeps its latest associations: one more ends the one silent longest. */
static void make_room(struct coap_listener *listener, const struct coap_device *device)
{
	struct coap_caller *oldest = NULL;
	size_t n = 0;

	for (size_t i = 0; i < listener->n_callers; i++) {
		struct coap_caller *caller = &listener->callers[i];
		if (caller->device != device)
			continue;
		n++;
		if (!oldest || caller->way->last_ms < oldest->way->last_ms)
			oldest = caller;
	}
	if (n >= WY_COAP_CALLS_OF_DEVICE)
		coap_gate_end(&listener->gate, oldest->way);
}

static struct coap_caller *free_caller(struct coap_listener *listener)
{
	for (size_t i = 0; i < listener->n_callers; i++)
		if (!listener->callers[i].device && !listener->callers[i].doomed)
			return &listener->callers[i];
	return NULL;
}

/* The key is proven. */
static void welcome(struct coap_listener *listener, coap_session_t *session)
{
	const coap_bin_const_t *identity = coap_session_get_psk_identity(session);
	struct coap_device *device = identity ? device_of(listener, identity) : NULL;
	const coap_address_t *peer = coap_session_get_addr_remote(session);
	struct coap_way *way = coap_gate_find(&listener->gate, coap_address_get_port(peer));
	struct coap_caller *caller;

	if (!device || !way || way->arg)
		return;
	make_room(listener, device);
	caller = free_caller(listener);
	if (!caller || way->fd < 0)
		return;
	*caller = (struct coap_caller){.device = device, .session = session, .way = way};
	way->arg = caller;
	coap_gate_prove(&listener->gate, way);
}

static int on_event(coap_session_t *session, const coap_event_t event)
{
	struct coap_listener *listener = coap_get_app_data(coap_session_get_context(session));
	struct coap_way *way;

	if (event == COAP_EVENT_DTLS_CONNECTED)
		welcome(listener, session);
	if (event != COAP_EVENT_DTLS_CLOSED && event != COAP_EVENT_SERVER_SESSION_DEL && event != COAP_EVENT_DTLS_ERROR)
		return 0;
	for (size_t i = 0; i < listener->n_callers && event == COAP_EVENT_SERVER_SESSION_DEL; i++)
		if (listener->callers[i].doomed == session)
			listener->callers[i].doomed = NULL;
	way = way_of(listener, session);
	if (!way)
		return 0;
	if (event != COAP_EVENT_DTLS_ERROR)
		((struct coap_caller *)way->arg)->session = NULL; /* ends by itself */
	coap_gate_end(&listener->gate, way);
	return 0;
}

/* The gate's: a way ends. */
static void on_gone(void *arg, struct coap_way *way)
{
	struct coap_caller *caller = way->arg;

	(void)arg;
	if (!caller)
		return;
	if (caller->session)
		caller->doomed = caller->session; /* not within a handler of libcoap */
	caller->session = NULL;
	caller->way = NULL;
	caller->device = NULL;
}

static void end_doomed(struct coap_listener *listener)
{
	for (size_t i = 0; i < listener->n_callers; i++) {
		coap_session_t *doomed = listener->callers[i].doomed;
		listener->callers[i].doomed = NULL;
		if (doomed)
			coap_session_disconnected(doomed, COAP_NACK_NOT_DELIVERABLE);
	}
}

/* ---- Opening --------------------------------------------------------------------------------- */

/* libcoap cannot tell which port it got. */
static uint16_t free_port(void)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(at);
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool is_found = fd >= 0 && bind(fd, (struct sockaddr *)&at, sizeof(at)) == 0 &&
			getsockname(fd, (struct sockaddr *)&at, &len) == 0;

	if (fd >= 0)
		(void)close(fd);
	return is_found ? ntohs(at.sin_port) : 0;
}

static uint16_t open_inside(coap_context_t *context)
{
	for (int i = 0; i < PORT_TRIES; i++) {
		uint16_t port = free_port();
		coap_address_t address;
		coap_address_init(&address);
		address.addr.sin = (struct sockaddr_in){.sin_family = AF_INET,
							.sin_port = htons(port),
							.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
		address.size = sizeof(address.addr.sin);
		if (port && coap_new_endpoint(context, &address, COAP_PROTO_DTLS))
			return port;
	}
	return 0;
}

/* libcoap would answer discovery, and DELETE of what there is not; with handlers for every method of every path it
 * answers nothing by itself. */
static bool add_handlers(struct coap_listener *listener)
{
	static const char discovery[] = ".well-known/core";
	coap_resource_t *resources[] = {
		coap_resource_unknown_init(on_request),
		coap_resource_init(coap_make_str_const(discovery), 0),
	};

	for (size_t i = 0; i < 2; i++) {
		if (!resources[i])
			return false;
		for (int method = COAP_REQUEST_GET; method <= COAP_REQUEST_IPATCH; method++)
			coap_register_handler(resources[i], (coap_request_t)method, on_request);
		coap_resource_set_userdata(resources[i], listener);
		coap_add_resource(listener->context, resources[i]);
	}
	return true;
}

static enum wy_err open_context(struct coap_listener *listener)
{
	coap_dtls_spsk_t psk = {
		.version = COAP_DTLS_SPSK_SETUP_VERSION,
		.validate_id_call_back = on_identity,
		.id_call_back_arg = listener,
		.psk_info = {.hint = {0, (const uint8_t *)""}, .key = listener->nobody},
	};

	listener->context = coap_new_context(NULL);
	if (!listener->context)
		return WY_E_NOMEM;
	coap_set_app_data(listener->context, listener);
	coap_register_event_handler(listener->context, on_event);
	coap_context_set_max_handshake_sessions(listener->context, HANDSHAKES_MOST);
	coap_context_set_session_timeout(listener->context, WY_COAP_PUSH_IDLE_MS / 1000 + 60);
	return coap_context_set_psk2(listener->context, &psk) && add_handlers(listener) ? WY_OK : WY_E_NOMEM;
}

static void add_to(int epoll, int fd)
{
	struct epoll_event event = {.events = EPOLLIN};

	(void)!epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
}

static enum wy_err open_listener(struct coap_listener *listener)
{
	enum wy_err err = open_context(listener);
	uint16_t port = err == WY_OK ? open_inside(listener->context) : 0;

	if (err == WY_OK)
		err = port ? coap_gate_open(&listener->gate, listener->wire->host, listener->wire->port, port) : WY_E_LINK;
	if (err != WY_OK) {
		coap_free_context(listener->context);
		listener->context = NULL;
		return err;
	}
	add_to(listener->field->epoll, coap_context_get_coap_fd(listener->context));
	add_to(listener->field->epoll, listener->gate.epoll);
	return WY_OK;
}

/* ---- For coap.c ------------------------------------------------------------------------------ */

static struct coap_listener *find_listener(struct coap_field *field, const struct sensor_wire_conf *wire)
{
	for (size_t i = 0; i < field->n_listeners; i++)
		if (field->listeners[i].wire == wire)
			return &field->listeners[i];
	if (field->n_listeners == WY_COAP_LISTENERS_MAX)
		return NULL;
	field->listeners[field->n_listeners] = (struct coap_listener){.field = field, .wire = wire};
	return &field->listeners[field->n_listeners++];
}

enum wy_err coap_listen_add(struct coap_device *device, const struct sensor_wire_conf *wire)
{
	struct coap_listener *listener = find_listener(device->field, wire);

	if (!listener)
		return WY_E_LIMIT;
	device->listener = listener;
	device->push_key = (coap_bin_const_t){device->conf->psk_key_len, device->conf->psk_key};
	listener->n_devices++;
	return WY_OK;
}

enum wy_err coap_listen_init(struct coap_field *field, struct wy_arena *arena)
{
	for (size_t i = 0; i < field->n_listeners; i++) {
		struct coap_listener *listener = &field->listeners[i];
		size_t n_peers = listener->n_devices * WY_COAP_CALLS_OF_DEVICE + WY_COAP_STRANGERS_MAX;

		coap_prng(listener->nobody_key, sizeof(listener->nobody_key));
		listener->nobody = (coap_bin_const_t){sizeof(listener->nobody_key), listener->nobody_key};
		listener->n_callers = listener->n_devices * (WY_COAP_CALLS_OF_DEVICE + 1);
		listener->callers = wy_arena_array(arena, listener->n_callers, sizeof(*listener->callers));
		if (!listener->callers || coap_gate_init(&listener->gate, n_peers, arena) != WY_OK)
			return WY_E_LIMIT;
		listener->gate.gone = on_gone;
		listener->gate.arg = listener;
	}
	return WY_OK;
}

static void begin_devices(struct coap_listener *listener)
{
	for (size_t i = 0; i < listener->field->n_devices; i++)
		if (listener->field->devices[i].listener == listener)
			listener->field->devices[i].heard_ms = listener->field->now_ms;
}

/* A port that cannot be had yet (an address that comes with DHCP) is tried again. */
static void open_again(struct coap_listener *listener)
{
	wy_ms now_ms = listener->field->now_ms;

	if (now_ms < listener->retry_ms)
		return;
	listener->err = open_listener(listener);
	listener->retry_ms = now_ms + BIND_AGAIN_MS;
	if (listener->err == WY_OK)
		begin_devices(listener);
}

void coap_listen_take(struct coap_field *field)
{
	for (size_t i = 0; i < field->n_listeners; i++) {
		struct coap_listener *listener = &field->listeners[i];
		if (!listener->context)
			open_again(listener);
		if (!listener->context)
			continue;
		/* Twice: what libcoap answers at once leaves at once. */
		coap_gate_carry(&listener->gate, field->now_ms);
		end_doomed(listener);
		coap_io_process(listener->context, COAP_IO_NO_WAIT);
		end_doomed(listener);
		coap_gate_carry(&listener->gate, field->now_ms);
	}
}

wy_ms coap_listen_give(struct coap_field *field, coap_tick_t ticks)
{
	wy_ms first_ms = 0;

	for (size_t i = 0; i < field->n_listeners; i++) {
		struct coap_listener *listener = &field->listeners[i];
		wy_ms wait_ms = listener->context ? (wy_ms)coap_io_prepare_epoll(listener->context, ticks)
						  : listener->retry_ms - field->now_ms;
		if (wait_ms > 0 && (first_ms == 0 || wait_ms < first_ms))
			first_ms = wait_ms;
	}
	return first_ms;
}

/* Two reports make a silent device, so the second does not wait for another silence. */
wy_ms coap_listen_watch(struct coap_device *device, enum wy_err *ret_err)
{
	wy_ms now_ms = device->field->now_ms;
	wy_ms again_ms = device->conf->max_silence_ms < SILENCE_AGAIN_MS ? device->conf->max_silence_ms : SILENCE_AGAIN_MS;

	*ret_err = WY_OK;
	if (device->listener->err != WY_OK) {
		if (now_ms >= device->retry_ms) {
			*ret_err = device->listener->err;
			device->retry_ms = now_ms + BIND_AGAIN_MS;
		}
		return device->retry_ms;
	}
	if (now_ms - device->heard_ms < device->conf->max_silence_ms)
		return device->heard_ms + device->conf->max_silence_ms;
	if (now_ms >= device->retry_ms) {
		*ret_err = WY_E_TIMEOUT;
		device->retry_ms = now_ms + again_ms;
	}
	return device->retry_ms;
}

void coap_listen_close(struct coap_field *field)
{
	for (size_t i = 0; i < field->n_listeners; i++) {
		struct coap_listener *listener = &field->listeners[i];
		if (listener->context)
			coap_free_context(listener->context);
		listener->context = NULL;
		coap_gate_close(&listener->gate);
	}
}
