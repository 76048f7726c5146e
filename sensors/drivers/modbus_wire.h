/* modbus_wire.h: the inside of the Modbus driver, shared by modbus*.c only: one wire (a TCP connection or a serial bus), the
 * devices that answer on it, and the poll under way.
 *
 * A wire does one thing at a time and never waits: modbus_wire_step() goes on until something has to come first, and says
 * in due_ms what time can bring. README.md, "Transactions", has the reasons for what is believed.
 *
 *   IDLE      nothing under way; the schedule says who is next
 *   OPENING   the connection is being made
 *   LISTENING serial: the line has to be silent for a while
 *   PACING    the next request is chosen and waits for its time
 *   ASKING    sent; the answer has to come */
#ifndef SENSOR_MODBUS_WIRE_H
#define SENSOR_MODBUS_WIRE_H

#include "../decode.h"
#include "../driver.h"
#include "../schedule.h"
#include "modbus_codec.h"
#include "modbus_doubt.h"
#include "modbus_learned.h"
#include "modbus_port.h"

_Static_assert(MODBUS_REQUEST_MAX <= WY_REQUEST_KEPT, "a request is kept whole");

struct modbus_device {
	uint32_t index; /* among the devices of the site */
	const struct sensor_device_conf *conf;
	struct modbus_way way;
	struct sensor_plan plan;
	struct modbus_learned learned;
	uint32_t n_requests, n_garbled;
	wy_ms last_end_ms;
	bool is_asked; /* by ask(): no back-off of the connection */
};

/* What only a serial bus needs. */
struct modbus_serial {
	struct modbus_doubts doubts;
	struct modbus_strays strays;
	size_t n_kept; /* of strays: in the trace already, with their exchange */
	bool has_new; /* strays, since they were last looked at */
	wy_ms heard_ms; /* the latest of them */
	bool is_strange; /* somebody else may have asked on it: before we were there, or while it was gone */
	bool is_listening;     /* an exchange went wrong, or the line is strange */
	wy_ms listen_until_ms; /* not to be trusted before it was silent up to here ... */
	wy_ms listen_most_ms;  /* ... and given up when it babbles on until here */
};

enum modbus_wire_state { MODBUS_IDLE, MODBUS_OPENING, MODBUS_LISTENING, MODBUS_PACING, MODBUS_ASKING };

/* One poll under way. */
struct modbus_poll {
	struct schedule_turn turn;
	struct modbus_device *device;
	const struct sensor_profile *profile;
	const struct sensor_reads *reads;
	struct modbus_work work;
	struct modbus_task task;	/* the block being read ... */
	struct sensor_block part[2];	/* ... in these requests */
	size_t n_parts, at_part;
	bool is_other_shape;
	bool is_text;	    /* what is read is a text ... */
	uint32_t next_text; /* ... the point before this one */
	bool is_reused;	      /* the connection stood before this request: its end is no failure yet */
	bool is_any_answered; /* with data */
	bool is_any_refused;
	wy_ms first_ms;	       /* first request; WY_MS_NONE: none yet */
	uint32_t block_sample; /* report.n before the present block */
	struct sensor_report report;
};

/* The exchange under way, and where the latest ones are kept. */
struct modbus_exchange {
	struct modbus_request request;
	uint16_t transaction; /* TCP: of the last request */
	wy_ms sent_ms, until_ms, timeout_ms;
	size_t n_sent;
	uint8_t sent[MODBUS_REQUEST_MAX];
	bool is_echo_due; /* the adapter will give the request back first */
};

struct modbus_trace {
	struct sensor_frame *frame; /* ring of n_most, in the arena */
	size_t n_most, n; /* n: ever */
};

struct modbus_wire {
	struct modbus_codec *codec; /* the field's */
	uint32_t index;		    /* among the wires of the site */
	struct modbus_port port;
	struct schedule *schedule;
	struct modbus_device *devices; /* by slot of the schedule */
	size_t n_devices;
	struct modbus_serial *serial; /* NULL on TCP */
	enum modbus_wire_state state;
	wy_ms due_ms;	       /* nothing to do before, unless the descriptor is ready */
	wy_ms last_end_ms;     /* of the last exchange */
	wy_ms quiet_until_ms;  /* a device wants a pause */
	wy_ms slowest_ms;      /* answer ever seen on this wire */
	wy_ms usual_ms;	       /* slow ones of late: a maximum that fades */
	enum wy_err link_err;  /* why it could not be opened last time */
	unsigned link_failures;
	wy_ms link_retry_ms;
	uint64_t random;
	struct modbus_poll poll;
	struct modbus_exchange exchange;
	struct modbus_trace trace;
	struct wy_sample *samples; /* of poll.report, as the texts, for as many as one device has */
	struct sensor_text_said *texts;
	char (*text_bytes)[SENSOR_TEXT_BYTES];
	sensor_take take;
	void *arg;
};

static inline wy_ms modbus_at_least(wy_ms a, wy_ms b)
{
	return a > b ? a : b;
}

static inline wy_ms modbus_at_most(wy_ms a, wy_ms b)
{
	return a < b ? a : b;
}

/* ---- modbus_wire.c: states --------------------------------------------------------------------------- */

/* Go on as far as possible. The descriptor is read only where it has something to read, and is_broken says that it ends. */
void modbus_wire_step(struct modbus_wire *wire, wy_ms now_ms, bool is_ready, bool is_broken);
void modbus_wire_close(struct modbus_wire *wire);

/* ---- modbus_poll.c: which block, which samples ------------------------------------------------------- */

void modbus_poll_begin(struct modbus_wire *wire, const struct schedule_turn *turn, wy_ms now_ms);
/* The next request of the poll is part[at_part]. false: there is none; end the poll. */
bool modbus_poll_next(struct modbus_wire *wire, wy_ms now_ms);
struct modbus_request modbus_poll_request(const struct modbus_poll *poll);
/* The request was not sent, since an older answer could be taken for its own: another shape, or SUSPECT. True: ask
 * part[at_part] now. */
bool modbus_poll_doubted(struct modbus_wire *wire, wy_ms now_ms);
/* How the exchange went. false: the poll is over, with *ret_err. */
bool modbus_poll_take(struct modbus_wire *wire, enum wy_err err, const struct modbus_answer *answer, wy_ms now_ms,
		      enum wy_err *ret_err);
/* What a poll that reached its end comes to. */
enum wy_err modbus_poll_outcome(const struct modbus_poll *poll);
/* Report it. */
void modbus_poll_end(struct modbus_wire *wire, enum wy_err err, wy_ms now_ms);

/* ---- modbus_texts.c: texts, for people ----------------------------------------------------------------- */

/* Room for the texts of any of the devices. WY_E_NOMEM. */
WY_MUST_CHECK enum wy_err modbus_texts_init(struct modbus_wire *wire, struct wy_arena *arena);
/* The poll has all its values: is there a text to read? Then it is part[0], and is_text. */
bool modbus_texts_next(struct modbus_wire *wire);
/* What came of it; answer is not looked at after an error. false: no more texts. */
bool modbus_texts_take(struct modbus_wire *wire, enum wy_err err, const struct modbus_answer *answer);

/* ---- modbus_exchange.c: one request and its answer ---------------------------------------------------- */

/* From here on the line may babble for WY_MODBUS_LISTEN_MS, altogether. */
void modbus_exchange_begin(struct modbus_wire *wire, wy_ms now_ms);
/* Serial: the line was just opened. An answer to what somebody else asked before (an earlier life of ours, another program) may
 * still come: it is heard out as after a failure, for the longest timeout of its devices. */
void modbus_exchange_meet(struct modbus_wire *wire, wy_ms now_ms);
/* When the next request may be sent. */
wy_ms modbus_exchange_at(const struct modbus_wire *wire);
/* Bytes that came on their own. WY_OK: nothing is under way that could be mistaken. WY_E_PROTOCOL: serial: listen first;
 * TCP: the connection must be closed. WY_E_LINK: it has ended. */
WY_MUST_CHECK enum wy_err modbus_exchange_clear(struct modbus_wire *wire, wy_ms now_ms);
/* WY_E_BUSY: not sent, because a lost answer would fit; WY_E_LINK. */
WY_MUST_CHECK enum wy_err modbus_exchange_send(struct modbus_wire *wire, const struct modbus_request *request,
					       wy_ms now_ms);
/* Look at what came. WY_E_STATE: not all there yet. WY_OK with an answer; WY_E_TIMEOUT, WY_E_PROTOCOL, WY_E_LINK: it is over. */
WY_MUST_CHECK enum wy_err modbus_exchange_take(struct modbus_wire *wire, wy_ms now_ms,
					       struct modbus_answer *ret_answer);
/* Take what has come, so that the descriptor is quiet again; what came while nothing was asked is looked at before the
 * next request. */
void modbus_exchange_hear(struct modbus_wire *wire, wy_ms now_ms);
/* Serial: hear the line out. WY_E_STATE: not yet (due_ms says until when); WY_OK; WY_E_PROTOCOL: it babbles on; WY_E_LINK. */
WY_MUST_CHECK enum wy_err modbus_exchange_listen(struct modbus_wire *wire, wy_ms now_ms);

#endif
