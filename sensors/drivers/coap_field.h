/* coap_field.h: the inside of the CoAP driver, shared by coap*.c only. */
#ifndef COAP_FIELD_H
#define COAP_FIELD_H

#include <coap3/coap.h>
#include <netdb.h>

#include "coap.h"
#include "coap_gate.h"
#include "host.h"
#include "senml.h"

/* Content-Formats */
enum {
	COAP_FORMAT_TEXT = 0,
	COAP_FORMAT_LINKS = 40,
	COAP_FORMAT_SENML_JSON = 110,
	COAP_FORMAT_SENML_CBOR = 112,
	COAP_FORMAT_LWM2M_TLV_OLD = 1542, /* before they had numbers of their own */
	COAP_FORMAT_LWM2M_JSON_OLD = 1543,
	COAP_FORMAT_LWM2M_TLV = 11542,
	COAP_FORMAT_LWM2M_JSON = 11543,
	COAP_FORMAT_ANY = 65536,
};

/* One resource and the points that live in it. */
struct coap_path {
	const char *path; /* borrowed from the profile */
	uint32_t *points; /* n_points indices of profile points, ascending */
	size_t n_points;
	bool is_observed;
	uint32_t accept; /* Content-Format asked for; COAP_FORMAT_ANY: none */
	wy_ms period_ms; /* of its most urgent point */
	wy_ms due_ms;	 /* next request */
	/* The latest body of several blocks without an ETag */
	uint64_t body_hash;
	unsigned body_tries; /* in a row that were all different */
	/* The observation, once the server has confirmed it */
	bool is_live;
	uint64_t token;
	uint32_t number; /* RFC 7641: of the newest notification, and when it came */
	wy_ms number_ms;
	wy_ms watch_ms; /* no notification until here: the server has forgotten us */
};

/* A body that comes in several blocks. Few are needed at once, so they are shared. */
struct coap_body {
	bool is_taken;
	uint8_t etag[8];
	size_t etag_len;
	size_t len;
	uint8_t bytes[WY_COAP_PAYLOAD_MAX];
};

/* What was asked and is not answered yet: one at a time per device (NSTART 1). */
struct coap_exchange {
	bool is_open;
	bool is_registration;
	bool is_overtaken; /* a notification came after it was sent: which of the two is newer, nobody knows */
	struct coap_path *path;
	uint64_t token;
	wy_ms began_ms;
	wy_ms deadline_ms;
	struct coap_body *body; /* NULL: no block taken yet */
};

/* One push, to know it again. */
struct coap_push {
	uint8_t code; /* how it was answered; 0: none */
	uint8_t token_len;
	uint8_t token[8];
	uint16_t mid;
	uint64_t hash; /* of its payload */
	wy_ms at_ms;
};

/* An association of a sensor that pushes. */
struct coap_caller {
	struct coap_device *device; /* NULL: free */
	coap_session_t *session;    /* libcoap's */
	coap_session_t *doomed;	    /* to be ended outside of libcoap's handlers */
	struct coap_way *way;
	struct coap_push pushes[WY_COAP_PUSHES_KEPT]; /* the latest, a ring */
	size_t n_pushes;
};

/* A wire that listens. */
struct coap_listener {
	struct coap_field *field;
	const struct sensor_wire_conf *wire;
	coap_context_t *context; /* NULL: not open */
	enum wy_err err;	 /* why not */
	struct coap_gate gate;
	size_t n_devices;
	struct coap_caller *callers; /* n_callers */
	size_t n_callers;
	wy_ms retry_ms;
	uint8_t nobody_key[32]; /* random: the key of whoever has none */
	coap_bin_const_t nobody;
};

struct coap_device {
	struct coap_field *field;
	uint32_t index; /* in the site's devices */
	const struct sensor_device_conf *conf;
	wy_ms timeout_ms;
	wy_ms period_ms; /* of its most urgent path */
	struct coap_path *paths;
	size_t n_paths;
	struct host host;
	coap_dtls_cpsk_t psk;	 /* borrows identity and key from conf; libcoap borrows it */
	coap_context_t *context; /* where its sessions live: borrowed from the field */
	coap_session_t *session; /* owned; NULL: not connected */
	bool is_greeted;	 /* the server took up this handshake */
	bool is_up;		 /* may send: always with UDP, after the handshake with DTLS */
	wy_ms connect_deadline_ms;
	struct coap_exchange exchange;
	enum wy_err failed; /* noted by a callback of libcoap, acted upon after it has returned */
	unsigned failures;  /* since the last answer */
	uint32_t n_requests, n_garbled; /* since start: for reports */
	wy_ms silent_ms;    /* the first of them */
	wy_ms retry_ms;	    /* not connected again before */
	wy_ms quiet_ms;	    /* no further error report before */
	wy_ms next_ms;	    /* nothing to do before */
	/* Of a device that pushes; the rest but paths, failures and times is idle then */
	struct coap_listener *listener; /* NULL: it is asked */
	coap_bin_const_t push_key;
	wy_ms heard_ms;
	wy_ms push_ms; /* bound of its rate */
};

/* libcoap keeps trusted certificates per context, so devices of different authorities must not share one. */
struct coap_trust {
	const char *ca; /* NULL: devices without certificates */
	coap_context_t *context;
};

struct coap_field {
	int epoll; /* holds the descriptors of all contexts */
	struct coap_trust trusts[WY_COAP_TRUSTS_MAX];
	size_t n_trusts;
	struct coap_listener listeners[WY_COAP_LISTENERS_MAX];
	size_t n_listeners;
	const struct sensor_wire_conf *wires;
	sensor_take take;
	void *arg;
	struct coap_device *devices;
	size_t n_devices;
	uint64_t random;
	wy_ms now_ms;
	bool is_begun;
	bool is_touched; /* a callback left work behind */
	unsigned handshakes;
	struct discovery *discovery; /* coap_discover.c's; NULL: answers are values */
	struct coap_body *bodies; /* WY_COAP_BODIES */
	struct senml_pack *pack;  /* scratch of one payload */
	struct wy_sample *samples;
	uint32_t n_samples_max;
};

/* Pseudo-random from the seed: 0 .. bound, both possible; 0 for bound <= 0. */
wy_ms coap_jitter(struct coap_field *field, wy_ms bound_ms);

/* ---- coap_link.c: sessions and requests ---------------------------------------------------------
 */

struct coap_handlers {
	coap_response_handler_t answered;
	coap_nack_handler_t refused;
	coap_event_handler_t happened;
};

/* A context of libcoap for every device; the handlers find their device again by coap_link_device. WY_E_NOMEM,
 * WY_E_IO, WY_E_LIMIT (more authorities than WY_COAP_TRUSTS_MAX). */
WY_MUST_CHECK enum wy_err coap_link_open(struct coap_field *field, const struct coap_handlers *handlers);
void coap_link_close(struct coap_field *field);
/* Let libcoap take what has arrived. */
void coap_link_take(struct coap_field *field);
/* Let libcoap send what is due; returns when it wants to be called again, 0: not by itself. */
wy_ms coap_link_give(struct coap_field *field);
struct coap_device *coap_link_device(const coap_session_t *session);
/* A new session from a new local port. WY_E_LINK. */
WY_MUST_CHECK enum wy_err coap_link_connect(struct coap_device *device);
/* Ends the session with close_notify; pending messages are dropped, no handler is called. */
void coap_link_drop(struct coap_device *device);

enum coap_ask { COAP_ASK_VALUE, COAP_ASK_OBSERVE, COAP_ASK_CANCEL };
/* Send a GET; block > 0 asks for that block in size szx. Cancelling expects no answer. WY_E_LINK.
 */
WY_MUST_CHECK enum wy_err coap_link_get(struct coap_device *device, const struct coap_path *path,
					uint64_t token, enum coap_ask ask, uint32_t block,
					unsigned szx);
/* From the system's random source: whoever sees one token must not know the next. */
uint64_t coap_link_token(void);
bool coap_link_is_token(const coap_pdu_t *pdu, uint64_t token);
/* An option as a number; false: not there. */
bool coap_link_option(const coap_pdu_t *pdu, coap_option_num_t number, uint32_t *ret_value);

/* ---- coap_secure.c: DTLS ------------------------------------------------------------------------ */

bool coap_secure_is(const struct sensor_device_conf *conf);
/* NULL: no memory, no socket, or files that cannot be read. */
coap_session_t *coap_secure_session(struct coap_device *device, const coap_address_t *address);
/* Does a certificate (DER) carry this name or address? */
bool coap_secure_is_named(const uint8_t *certificate, size_t len, const char *name);

/* ---- coap_listen.c: sensors that push ----------------------------------------------------------- */

/* WY_E_LIMIT: more wires that listen than WY_COAP_LISTENERS_MAX. */
WY_MUST_CHECK enum wy_err coap_listen_add(struct coap_device *device, const struct sensor_wire_conf *wire);
WY_MUST_CHECK enum wy_err coap_listen_init(struct coap_field *field, struct wy_arena *arena);
/* Opens what is not open, and takes what was pushed. */
void coap_listen_take(struct coap_field *field);
wy_ms coap_listen_give(struct coap_field *field, coap_tick_t ticks);
/* When to look at a device again; ret_err is what to report now, WY_OK: nothing. */
wy_ms coap_listen_watch(struct coap_device *device, enum wy_err *ret_err);
void coap_listen_close(struct coap_field *field);

/* ---- coap_discover.c ---------------------------------------------------------------------------- */

void coap_discover_take(struct coap_field *field, uint8_t code, uint32_t format, const uint8_t *bytes, size_t len);

/* ---- coap_answer.c: what came back
 * ----------------------------------------------------------------- */

/* FNV-1a */
uint64_t coap_answer_hash(const uint8_t *bytes, size_t len);
coap_response_t coap_answer_take(coap_session_t *session, const coap_pdu_t *sent,
				 const coap_pdu_t *received, const coap_mid_t mid);
/* What a device pushed to one of its paths. WY_OK: values were reported; WY_E_NOTFOUND: nothing of the profile in it, no
 * report; WY_E_UNSUPPORTED, WY_E_PROTOCOL, WY_E_LIMIT: the payload is not understood, which was reported. */
WY_MUST_CHECK enum wy_err coap_answer_push(struct coap_device *device, struct coap_path *path, const coap_pdu_t *pdu);
/* RFC 7641 3.4: is a notification newer than the last one? */
bool coap_answer_is_newer(uint32_t last, wy_ms last_ms, uint32_t number, wy_ms now_ms);
/* Gives back the body of an exchange and closes it. */
void coap_exchange_close(struct coap_exchange *exchange);

#endif
