/* coap_server.c: see coap_server.h.
 *
 * Silence is made with libcoap's own debugging aid, which loses a share of all datagrams of the
 * process; it is switched on only while libcoap works for a device that must not be heard. */
#define _GNU_SOURCE
#include "coap_server.h"

#include <arpa/inet.h>
#include <coap3/coap.h>
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "payload.h"

#define PORT_TRIES 5 /* port 0: somebody else may take the one found */

struct resource {
	struct sim_coap *coap;
	coap_resource_t *handle; /* libcoap's; NULL: unplugged */
	const char *path;
	uint32_t *points;
	size_t n_points;
	bool is_observable;
};

struct sim_coap {
	struct sim_world *world;
	struct sim_wire *wire;
	struct sim_device *device;
	coap_context_t *context; /* NULL: unplugged */
	struct sim_source source;
	struct sim_timer refresh; /* observers hear of every resource before its Max-Age is over */
	bool is_busy;		  /* libcoap was given work: its timer may have to be set anew */
	int mute_fd;		  /* holds the port while unplugged; -1: none */
	struct resource *resources; /* [n_points of the profile] */
	size_t n_resources;
	coap_bin_const_t psk;
};

static void lose_all(bool is_lost)
{
	coap_debug_set_packet_loss(is_lost ? "100%" : "0%");
}

void sim_coap_startup(void)
{
	coap_startup();
	coap_set_log_level(LOG_CRIT);
	coap_dtls_set_log_level(LOG_CRIT);
}

void sim_coap_cleanup(void)
{
	coap_cleanup();
}

/* ---- Requests ----------------------------------------------------------------------------------
 */

static void release_payload(coap_session_t *session, void *payload)
{
	(void)session;
	free(payload);
}

/* False: the request asks for a format this resource does not have. */
static bool choose_format(const struct resource *resource, const coap_pdu_t *request,
			  unsigned *ret_format)
{
	coap_opt_iterator_t iterator;
	coap_opt_t *accept = coap_check_option(request, COAP_OPTION_ACCEPT, &iterator);

	*ret_format = resource->n_points == 1 ? SIM_FORMAT_TEXT : SIM_FORMAT_SENML;
	if (!accept)
		return true;
	*ret_format = coap_decode_var_bytes(coap_opt_value(accept), coap_opt_length(accept));
	return *ret_format == SIM_FORMAT_SENML ||
	       (*ret_format == SIM_FORMAT_TEXT && resource->n_points == 1);
}

/* A notification is the only answer that is a confirmable message itself; it cannot be put off. */
static bool is_put_off(struct sim_device *device, coap_session_t *session,
		       const coap_pdu_t *request, const coap_pdu_t *response)
{
	int64_t delay_ms;

	if (coap_pdu_get_type(response) == COAP_MESSAGE_CON ||
	    coap_find_async(session, coap_pdu_get_token(request)) ||
	    !sim_quirk_take(device->armed, SIM_QUIRK_delay, &delay_ms))
		return false;
	coap_tick_t ticks = (coap_tick_t)delay_ms * COAP_TICKS_PER_SECOND / 1000;
	return coap_register_async(session, request, ticks) != NULL;
}

static void handle_get(coap_resource_t *handle, coap_session_t *session, const coap_pdu_t *request,
		       const coap_string_t *query, coap_pdu_t *response)
{
	struct resource *resource = coap_resource_get_userdata(handle);
	struct sim_device *device = resource->coap->device;
	unsigned format;
	int64_t arg;

	if (is_put_off(device, session, request, response))
		return;
	if (sim_quirk_take(device->armed, SIM_QUIRK_drop, &arg))
		lose_all(true); /* until libcoap is done with this turn */
	if (sim_quirk_take(device->armed, SIM_QUIRK_exception, &arg)) {
		coap_pdu_set_code(response, (coap_pdu_code_t)COAP_RESPONSE_CODE((int)arg));
		return;
	}
	if (!choose_format(resource, request, &format)) {
		coap_pdu_set_code(response, COAP_RESPONSE_CODE_NOT_ACCEPTABLE);
		return;
	}
	char *text = sim_payload(device, resource->points, resource->n_points, format);
	if (!text) {
		coap_pdu_set_code(response, COAP_RESPONSE_CODE_INTERNAL_ERROR);
		return;
	}
	size_t len = strlen(text);
	if (sim_quirk_take(device->armed, SIM_QUIRK_truncate, &arg) && (size_t)arg < len)
		len = (size_t)arg;
	coap_pdu_set_code(response, COAP_RESPONSE_CODE_CONTENT);
	/* libcoap releases text, also when this fails */
	coap_add_data_large_response(handle, session, request, response, query, (uint16_t)format,
				     (int)(device->max_age_ms / 1000), 0, len,
				     (const uint8_t *)text, release_payload, text);
}

static void handle_write(coap_resource_t *handle, coap_session_t *session,
			 const coap_pdu_t *request, const coap_string_t *query,
			 coap_pdu_t *response)
{
	struct resource *resource = coap_resource_get_userdata(handle);
	struct sim_coap *coap = resource->coap;
	coap_string_t *path = coap_get_uri_path(request);

	(void)session;
	(void)query;
	sim_truth_write_attempt(coap->world->truth, coap->device->id,
				json_pack("{s:i, s:s%}", "method", (int)coap_pdu_get_code(request),
					  "path", path ? (const char *)path->s : "",
					  path ? path->length : 0));
	coap_delete_string(path);
	coap_pdu_set_code(response, COAP_RESPONSE_CODE_NOT_ALLOWED);
}

/* ---- Start and stop
 * ------------------------------------------------------------------------------- */

static const coap_bin_const_t *key_of(coap_bin_const_t *identity, coap_session_t *session,
				      void *arg)
{
	const struct sim_coap *coap = arg;
	size_t len = strlen(coap->device->psk_identity);

	(void)session;
	if (identity->length != len || memcmp(identity->s, coap->device->psk_identity, len) != 0)
		return NULL;
	return &coap->psk;
}

static bool resolve(const struct sim_wire *wire, coap_address_t *ret_address)
{
	struct addrinfo hints = {.ai_flags = AI_PASSIVE | AI_NUMERICSERV,
				 .ai_socktype = SOCK_DGRAM};
	struct addrinfo *found;
	char port[8];

	(void)snprintf(port, sizeof(port), "%u", wire->port);
	if (getaddrinfo(wire->host, port, &hints, &found))
		return false;
	coap_address_init(ret_address);
	ret_address->size = found->ai_addrlen;
	memcpy(&ret_address->addr, found->ai_addr, found->ai_addrlen);
	freeaddrinfo(found);
	return true;
}

/* A bound socket nobody reads from; fills in wire->port if that was 0. -1: not to be had. */
static int mute_socket(struct sim_wire *wire)
{
	coap_address_t address;

	if (!resolve(wire, &address)) {
		errno = EADDRNOTAVAIL;
		return -1;
	}
	int fd = socket(address.addr.sa.sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd >= 0 && (bind(fd, &address.addr.sa, address.size) ||
			getsockname(fd, &address.addr.sa, &address.size))) {
		int why = errno;
		close(fd);
		errno = why;
		return -1;
	}
	if (fd >= 0)
		wire->port = coap_address_get_port(&address);
	return fd;
}

static void libcoap_ready(void *arg, uint32_t events)
{
	struct sim_coap *coap = arg;

	(void)events;
	coap_io_process(coap->context, COAP_IO_NO_WAIT);
	lose_all(false);
	coap->is_busy = true;
}

void sim_coap_before_wait(struct sim_coap *coap)
{
	coap_tick_t now;

	if (!coap->context || !coap->is_busy)
		return;
	coap_ticks(&now);
	(void)coap_io_prepare_epoll(coap->context, now);
	lose_all(false);
	coap->is_busy = false;
}

/* Everything but GET is a write attempt. */
static void watch_writes(coap_resource_t *handle, struct resource *resource)
{
	static const coap_request_t writes[] = {COAP_REQUEST_PUT,    COAP_REQUEST_POST,
						COAP_REQUEST_DELETE, COAP_REQUEST_FETCH,
						COAP_REQUEST_PATCH,  COAP_REQUEST_IPATCH};

	coap_resource_set_userdata(handle, resource);
	for (size_t i = 0; i < sizeof(writes) / sizeof(writes[0]); i++)
		coap_register_handler(handle, writes[i], handle_write);
}

static enum wy_err add_resource(struct sim_coap *coap, struct resource *resource)
{
	coap_str_const_t *uri = coap_make_str_const(resource->path + 1);

	resource->handle = coap_resource_init(uri, COAP_RESOURCE_FLAGS_NOTIFY_CON);
	if (!resource->handle)
		return WY_E_NOMEM;
	watch_writes(resource->handle, resource);
	coap_resource_set_get_observable(resource->handle, resource->is_observable);
	coap_register_handler(resource->handle, COAP_REQUEST_GET, handle_get);
	coap_add_resource(coap->context, resource->handle);
	return WY_OK;
}

static enum wy_err add_endpoint(struct sim_coap *coap)
{
	coap_dtls_spsk_t psk = {
		.version = COAP_DTLS_SPSK_SETUP_VERSION,
		.validate_id_call_back = key_of,
		.id_call_back_arg = coap,
		.psk_info.key = coap->psk,
	};
	coap_address_t address;
	bool is_plain = coap->device->psk_identity == NULL;

	if (!is_plain && !coap_context_set_psk2(coap->context, &psk))
		return WY_E_NOMEM;
	if (!resolve(coap->wire, &address))
		return WY_E_LINK;
	coap_proto_t proto = is_plain ? COAP_PROTO_UDP : COAP_PROTO_DTLS;
	return coap_new_endpoint(coap->context, &address, proto) ? WY_OK : WY_E_LINK;
}

static void power_off(struct sim_coap *coap)
{
	if (!coap->context)
		return;
	sim_timer_stop(coap->world->loop, &coap->refresh);
	if (coap->source.fd >= 0)
		sim_loop_remove(coap->world->loop, &coap->source);
	coap->source.fd = -1;
	coap_free_context(coap->context);
	coap->context = NULL;
	for (size_t i = 0; i < coap->n_resources; i++)
		coap->resources[i].handle = NULL;
}

static enum wy_err power_on(struct sim_coap *coap)
{
	enum wy_err err = WY_OK;

	coap->context = coap_new_context(NULL);
	if (!coap->context)
		return WY_E_NOMEM;
	coap_context_set_block_mode(coap->context, COAP_BLOCK_USE_LIBCOAP);
	coap_resource_t *elsewhere = coap_resource_unknown_init(handle_write);
	if (!elsewhere)
		err = WY_E_NOMEM;
	if (elsewhere) {
		watch_writes(elsewhere, &coap->resources[0]);
		coap_add_resource(coap->context, elsewhere);
	}
	for (size_t i = 0; i < coap->n_resources && !err; i++)
		err = add_resource(coap, &coap->resources[i]);
	if (!err)
		err = add_endpoint(coap);
	if (!err) {
		coap->source.fd = coap_context_get_coap_fd(coap->context);
		err = sim_loop_add(coap->world->loop, &coap->source, EPOLLIN);
	}
	coap->is_busy = true;
	if (err)
		power_off(coap);
	else
		sim_timer_set(coap->world->loop, &coap->refresh,
			      sim_now_ms() + coap->device->max_age_ms * 3 / 4);
	return err;
}

/* ---- Observers
 * ------------------------------------------------------------------------------------ */

/* As after a restart that the observers did not notice. */
static bool tells_nobody(const struct sim_coap *coap)
{
	return sim_device_is(coap->device, SIM_QUIRK_lost_observers);
}

static void refresh_all(void *arg)
{
	struct sim_coap *coap = arg;

	for (size_t i = 0; i < coap->n_resources && !tells_nobody(coap); i++)
		coap_resource_notify_observers(coap->resources[i].handle, NULL);
	coap->is_busy = true;
	sim_timer_set(coap->world->loop, &coap->refresh,
		      sim_now_ms() + coap->device->max_age_ms * 3 / 4);
}

void sim_coap_changed(struct sim_coap *coap, uint32_t point)
{
	for (size_t i = 0; i < coap->n_resources && coap->context && !tells_nobody(coap); i++)
		for (size_t k = 0; k < coap->resources[i].n_points; k++)
			if (coap->resources[i].points[k] == point)
				coap_resource_notify_observers(coap->resources[i].handle, NULL);
	coap->is_busy = true;
}

void sim_coap_plugged(struct sim_coap *coap)
{
	if (coap->device->is_unplugged && coap->context) {
		lose_all(true);
		power_off(coap);
		lose_all(false);
		coap->mute_fd = mute_socket(coap->wire);
		return;
	}
	if (coap->device->is_unplugged || coap->context)
		return;
	if (coap->mute_fd >= 0)
		close(coap->mute_fd);
	coap->mute_fd = -1;
	if (power_on(coap))
		sim_truth_say(coap->world->truth, "note",
			      json_pack("{s:s, s:s}", "device", coap->device->id, "note",
					"the port could not be had again"));
}

/* ---- Open and close
 * -------------------------------------------------------------------------------- */

/* Points of one path are records of one SenML pack. */
static enum wy_err gather_resources(struct sim_coap *coap)
{
	const struct sensor_profile *profile = coap->device->profile;

	coap->resources = calloc(profile->n_points + 1, sizeof(*coap->resources));
	if (!coap->resources)
		return WY_E_NOMEM;
	for (uint32_t i = 0; i < profile->n_points; i++) {
		const struct sensor_profile_point *point = &profile->points[i];
		size_t r = 0;

		while (r < coap->n_resources && strcmp(coap->resources[r].path, point->path) != 0)
			r++;
		struct resource *resource = &coap->resources[r];
		if (r == coap->n_resources) {
			*resource = (struct resource){.coap = coap, .path = point->path};
			coap->n_resources++;
			resource->points = calloc(profile->n_points, sizeof(uint32_t));
			if (!resource->points)
				return WY_E_NOMEM;
		}
		resource->points[resource->n_points++] = i;
		resource->is_observable = resource->is_observable || point->is_observed;
	}
	return WY_OK;
}

/* libcoap cannot tell which port it got, so a free one is found first. */
static enum wy_err power_on_somewhere(struct sim_coap *coap)
{
	bool is_any = coap->wire->port == 0;
	enum wy_err err = WY_E_LINK;

	for (int i = 0; i < (is_any ? PORT_TRIES : 1) && err == WY_E_LINK; i++) {
		if (is_any)
			coap->wire->port = 0;
		int fd = mute_socket(coap->wire);
		if (fd < 0)
			return WY_E_LINK;
		close(fd);
		errno = EADDRINUSE;
		err = power_on(coap);
	}
	return err;
}

enum wy_err sim_coap_open(struct sim_world *world, struct sim_wire *wire,
			  struct sim_coap **ret_coap)
{
	struct sim_coap *coap = calloc(1, sizeof(*coap));

	if (!coap)
		return WY_E_NOMEM;
	coap->world = world;
	coap->wire = wire;
	coap->device = &world->building->devices[wire->devices[0]];
	coap->psk = (coap_bin_const_t){coap->device->psk_key_len, coap->device->psk_key};
	coap->source = (struct sim_source){-1, libcoap_ready, coap};
	coap->refresh.fire = refresh_all;
	coap->refresh.arg = coap;
	coap->mute_fd = -1;
	enum wy_err err = gather_resources(coap);
	if (!err)
		err = power_on_somewhere(coap);
	if (err) {
		int why = errno;
		sim_coap_close(coap);
		errno = why;
		return err;
	}
	*ret_coap = coap;
	return WY_OK;
}

void sim_coap_close(struct sim_coap *coap)
{
	if (!coap)
		return;
	power_off(coap);
	if (coap->mute_fd >= 0)
		close(coap->mute_fd);
	for (size_t i = 0; i < coap->n_resources; i++)
		free(coap->resources[i].points);
	free(coap->resources);
	free(coap);
}
