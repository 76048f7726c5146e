/* coap_link.c: the part of the CoAP driver that speaks libcoap: context, sessions, requests.
 *
 * libcoap's own block-wise assembly stays off: 4.3.1 sets aside as much memory as the Size2 option
 * of a device claims. coap_answer.c puts blocks together within WY_COAP_PAYLOAD_MAX instead.
 *
 * A session is dropped after any failure and made anew: an unbound socket gets a new local port,
 * and with it a DTLS association that a server cannot mistake for the stale one. */
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "coap_field.h"

/* OpenSSL repeats a lost flight of the handshake after 1 s. */
#define HANDSHAKE_LEAST_MS 3000
/* A message is repeated about 0.5 and 1.5 timeouts after it was sent, and given up at 3. */
#define RETRANSMISSIONS 2

static void drop_line(coap_log_t level, const char *text)
{
	(void)level;
	(void)text;
}

static coap_context_t *new_context(struct coap_field *field, const struct coap_handlers *handlers)
{
	coap_context_t *context = coap_new_context(NULL);
	struct epoll_event event = {.events = EPOLLIN};

	if (!context)
		return NULL;
	if (epoll_ctl(field->epoll, EPOLL_CTL_ADD, coap_context_get_coap_fd(context), &event) != 0) {
		coap_free_context(context);
		return NULL;
	}
	coap_register_response_handler(context, handlers->answered);
	coap_register_nack_handler(context, handlers->refused);
	coap_register_event_handler(context, handlers->happened);
	return context;
}

static enum wy_err find_trust(struct coap_field *field, const char *ca, const struct coap_handlers *handlers,
			      coap_context_t **ret_context)
{
	struct coap_trust *trust = field->trusts;

	while (trust < field->trusts + field->n_trusts &&
	       (ca == NULL || trust->ca == NULL ? ca != trust->ca : strcmp(ca, trust->ca) != 0))
		trust++;
	if (trust == field->trusts + WY_COAP_TRUSTS_MAX)
		return WY_E_LIMIT;
	if (trust == field->trusts + field->n_trusts) {
		*trust = (struct coap_trust){ca, new_context(field, handlers)};
		if (!trust->context)
			return WY_E_NOMEM;
		field->n_trusts++;
	}
	*ret_context = trust->context;
	return WY_OK;
}

enum wy_err coap_link_open(struct coap_field *field, const struct coap_handlers *handlers)
{
	enum wy_err err = WY_OK;

	/* Both settings belong to the whole process. Its counterpart coap_cleanup() is never
	 * called: it would pull TLS from under another field. */
	coap_startup();
	coap_set_log_handler(drop_line);
	coap_set_log_level(LOG_EMERG);
	coap_dtls_set_log_level(LOG_EMERG);
	field->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (field->epoll < 0)
		return WY_E_IO;
	for (size_t i = 0; i < field->n_devices && err == WY_OK; i++)
		if (!field->devices[i].listener)
			err = find_trust(field, field->devices[i].conf->dtls_ca, handlers, &field->devices[i].context);
	return err;
}

void coap_link_close(struct coap_field *field)
{
	coap_listen_close(field);
	for (size_t i = 0; i < field->n_trusts; i++)
		coap_free_context(field->trusts[i].context);
	field->n_trusts = 0;
	if (field->epoll >= 0)
		(void)close(field->epoll);
	field->epoll = -1;
}

void coap_link_take(struct coap_field *field)
{
	for (size_t i = 0; i < field->n_trusts; i++)
		coap_io_process(field->trusts[i].context, COAP_IO_NO_WAIT);
	coap_listen_take(field);
}

wy_ms coap_link_give(struct coap_field *field)
{
	coap_tick_t ticks;
	wy_ms first_ms = 0;

	coap_ticks(&ticks);
	for (size_t i = 0; i < field->n_trusts; i++) {
		wy_ms wait_ms = (wy_ms)coap_io_prepare_epoll(field->trusts[i].context, ticks);
		if (wait_ms > 0 && (first_ms == 0 || wait_ms < first_ms))
			first_ms = wait_ms;
	}
	wy_ms listen_ms = coap_listen_give(field, ticks);
	return listen_ms > 0 && (first_ms == 0 || listen_ms < first_ms) ? listen_ms : first_ms;
}

struct coap_device *coap_link_device(const coap_session_t *session)
{
	return coap_session_get_app_data(session);
}

static coap_address_t address_of(const struct host *host)
{
	coap_address_t address;

	coap_address_init(&address);
	memcpy(&address.addr, &host->address, host->len);
	address.size = host->len;
	return address;
}

static coap_session_t *new_session(struct coap_device *device, const coap_address_t *address)
{
	if (coap_secure_is(device->conf))
		return coap_secure_session(device, address);
	return coap_new_client_session(device->context, NULL, address, COAP_PROTO_UDP);
}

enum wy_err coap_link_connect(struct coap_device *device)
{
	wy_ms ack_ms = device->timeout_ms / 2 > 0 ? device->timeout_ms / 2 : 1;
	wy_ms wait_ms = 3 * device->timeout_ms;
	coap_address_t address = address_of(&device->host);

	/* One datagram must not set off many. */
	if (coap_is_mcast(&address))
		return WY_E_LINK;
	device->session = new_session(device, &address);
	if (!device->session)
		return device->conf->dtls_ca ? WY_E_AUTH : WY_E_LINK; /* files that cannot be read, most likely */
	coap_session_set_app_data(device->session, device);
	coap_session_set_ack_timeout(
		device->session,
		(coap_fixed_point_t){(uint16_t)(ack_ms / 1000), (uint16_t)(ack_ms % 1000)});
	coap_session_set_max_retransmit(device->session, RETRANSMISSIONS);
	device->is_up = !coap_secure_is(device->conf);
	if (!device->is_up) {
		device->field->handshakes++;
		wait_ms = wait_ms > HANDSHAKE_LEAST_MS ? wait_ms : HANDSHAKE_LEAST_MS;
	}
	device->connect_deadline_ms = device->field->now_ms + wait_ms;
	return WY_OK;
}

void coap_link_drop(struct coap_device *device)
{
	coap_session_t *session = device->session;

	if (!session)
		return;
	if (!device->is_up)
		device->field->handshakes--;
	device->session = NULL;
	device->is_up = false;
	/* Without app data the handlers pass over whatever this sets off. Messages under way hold
	 * the session; disconnecting lets go of them. */
	coap_session_set_app_data(session, NULL);
	coap_session_disconnected(session, COAP_NACK_NOT_DELIVERABLE);
	coap_session_release(session);
}

/* ---- Requests
 * ------------------------------------------------------------------------------------ */

static bool add_number(coap_pdu_t *pdu, coap_option_num_t option, uint32_t value)
{
	uint8_t bytes[4];
	unsigned len = coap_encode_var_safe(bytes, sizeof(bytes), value);

	return coap_add_option(pdu, option, len, bytes) > 0;
}

static bool add_path(coap_pdu_t *pdu, const char *path)
{
	const char *at = path;
	bool is_good = true;

	while (is_good && *at) {
		at += *at == '/';
		size_t len = strcspn(at, "/");
		if (len > 0)
			is_good = coap_add_option(pdu, COAP_OPTION_URI_PATH, len,
						  (const uint8_t *)at) > 0;
		at += len;
	}
	return is_good;
}

/* Options in the order of their numbers, as the wire wants them. */
static bool fill(coap_pdu_t *pdu, const struct coap_path *path, uint64_t token, enum coap_ask ask,
		 uint32_t block, unsigned szx)
{
	bool is_good = coap_add_token(pdu, sizeof(token), (const uint8_t *)&token) > 0;

	if (is_good && ask != COAP_ASK_VALUE)
		is_good = add_number(pdu, COAP_OPTION_OBSERVE,
				     ask == COAP_ASK_OBSERVE ? COAP_OBSERVE_ESTABLISH
							     : COAP_OBSERVE_CANCEL);
	is_good = is_good && add_path(pdu, path->path);
	if (is_good && path->accept != COAP_FORMAT_ANY)
		is_good = add_number(pdu, COAP_OPTION_ACCEPT, path->accept);
	if (is_good && block > 0)
		is_good = add_number(pdu, COAP_OPTION_BLOCK2, block << 4 | szx);
	return is_good;
}

enum wy_err coap_link_get(struct coap_device *device, const struct coap_path *path, uint64_t token,
			  enum coap_ask ask, uint32_t block, unsigned szx)
{
	coap_session_t *session = device->session;
	coap_pdu_t *pdu = coap_pdu_init(
		ask == COAP_ASK_CANCEL ? COAP_MESSAGE_NON : COAP_MESSAGE_CON, COAP_REQUEST_CODE_GET,
		coap_new_message_id(session), coap_session_max_pdu_size(session));

	if (!pdu)
		return WY_E_LINK;
	device->n_requests++;
	if (!fill(pdu, path, token, ask, block, szx)) {
		coap_delete_pdu(pdu);
		return WY_E_LINK;
	}
	return coap_send(session, pdu) == COAP_INVALID_MID ? WY_E_LINK : WY_OK;
}

uint64_t coap_link_token(void)
{
	uint64_t token = 0;

	coap_prng(&token, sizeof(token));
	return token;
}

bool coap_link_is_token(const coap_pdu_t *pdu, uint64_t token)
{
	coap_bin_const_t found = coap_pdu_get_token(pdu);

	return found.length == sizeof(token) && memcmp(found.s, &token, sizeof(token)) == 0;
}

bool coap_link_option(const coap_pdu_t *pdu, coap_option_num_t number, uint32_t *ret_value)
{
	coap_opt_iterator_t at;
	const coap_opt_t *option = coap_check_option(pdu, number, &at);

	if (!option || coap_opt_length(option) > sizeof(*ret_value))
		return false;
	*ret_value = coap_decode_var_bytes(coap_opt_value(option), coap_opt_length(option));
	return true;
}
