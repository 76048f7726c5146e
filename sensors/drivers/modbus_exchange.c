/* modbus_exchange.c: one request and its answer: what is believed, and what is done about an answer that did not come.
 *
 * One invariant: an answer is believed only if no other request could have caused it.
 *
 *  TCP     every request has its own transaction number, and after anything odd (a timeout, a number of another request,
 *          a byte too many) the connection is closed: what was under way dies with it. To keep it and pass over late
 *          answers by their number would not do: half an answer, completed by the bytes of a late one, has the right
 *          number and wrong data.
 *  Serial  there are no numbers. After a failed exchange the line is heard out, at least as long as the slowest answer ever
 *          seen; and while the lost answer may still come, nothing whose answer would look the same is sent
 *          (modbus_doubt.h, plan.h). */
#include <string.h>

#include "modbus_wire.h"

enum {
	MARGIN_MS = 100,    /* over the slowest answer ever seen */
	DOUBT_TIMEOUTS = 6, /* an answer later than so many timeouts is taken for lost */
	QUIET_MS = 50,
	GAP_CHARACTERS = 4,   /* serial frames are apart by 3.5 characters */
	FRAME_CHARACTERS = 5, /* of an answer, beside its data: unit, function, length, CRC */
	REQUEST_CHARACTERS = 8,
	PROBE_LEAST_MS = 200,
	PROBE_FULL_EVERY = 4, /* a silent device gets its whole timeout every so many probes */
	FADE = 16,	      /* usual_ms loses a part in so many at each answer */
};

/* ---- How long to wait --------------------------------------------- */

static wy_ms plain_timeout(struct modbus_device *device, wy_ms now_ms)
{
	const struct sensor_device_conf *conf = device->conf;

	return modbus_learned_timeout(&device->learned, conf->timeout_ms ? conf->timeout_ms : conf->profile->timeout_ms,
				      now_ms);
}

/* A device that is known to be silent and shares its wire must not keep it as long as one that may be slow. */
static wy_ms answer_timeout(const struct modbus_wire *wire, wy_ms now_ms)
{
	const struct modbus_poll *poll = &wire->poll;
	wy_ms timeout_ms = plain_timeout(poll->device, now_ms);
	unsigned failures = schedule_failures(wire->schedule, poll->turn.slot);

	if (failures < 2 || wire->n_devices == 1 || poll->device->is_asked || failures % PROBE_FULL_EVERY == 0 ||
	    wire->usual_ms == 0)
		return timeout_ms;
	return modbus_at_most(timeout_ms, modbus_at_least(PROBE_LEAST_MS, 4 * wire->usual_ms));
}

wy_ms modbus_exchange_at(const struct modbus_wire *wire)
{
	const struct modbus_device *device = wire->poll.device;
	wy_ms at_ms = wire->quiet_until_ms;

	if (wire->last_end_ms != WY_MS_NONE)
		at_ms = modbus_at_least(at_ms, wire->last_end_ms + modbus_port_line_ms(&wire->port, GAP_CHARACTERS));
	if (device->last_end_ms != WY_MS_NONE)
		at_ms = modbus_at_least(at_ms, device->last_end_ms + device->conf->profile->min_interval_ms);
	return at_ms;
}

/* ---- What `weiyu sniff` shows -------------------------------------- */

static void keep_frame(struct modbus_wire *wire, struct sensor_frame frame, const uint8_t *request,
		       const uint8_t *answer)
{
	struct modbus_trace *trace = &wire->trace;

	if (!trace->n_most)
		return;
	memcpy(frame.request, request, frame.n_request < WY_REQUEST_KEPT ? frame.n_request : WY_REQUEST_KEPT);
	memcpy(frame.answer, answer, frame.n_answer < WY_FRAME_KEPT ? frame.n_answer : WY_FRAME_KEPT);
	frame.wire = wire->index;
	frame.number = trace->n + 1;
	trace->frame[trace->n++ % trace->n_most] = frame;
}

static void keep_exchange(struct modbus_wire *wire, enum wy_err err, const uint8_t *answer, size_t n, wy_ms now_ms)
{
	const struct modbus_exchange *exchange = &wire->exchange;
	const struct sensor_frame frame = {.sent_ms = exchange->sent_ms,
					   .took_ms = now_ms - exchange->sent_ms,
					   .err = err,
					   .n_request = (uint16_t)exchange->n_sent,
					   .n_answer = (uint16_t)n};

	keep_frame(wire, frame, exchange->sent, answer);
}

/* late_ms: how long after its request; 0: no late answer. */
static void keep_strays(struct modbus_wire *wire, wy_ms late_ms, const uint8_t *bytes, size_t n, wy_ms now_ms)
{
	const struct sensor_frame frame = {.sent_ms = now_ms - late_ms,
					   .took_ms = late_ms,
					   .err = late_ms ? WY_E_TIMEOUT : WY_E_PROTOCOL,
					   .n_answer = (uint16_t)n};

	keep_frame(wire, frame, bytes, bytes);
}

/* ---- Serial: a trustworthy line ----------------------------------- */

/* The last request stays a suspect, and the line has to be listened out. */
static void lose_trust(struct modbus_wire *wire, wy_ms sent_ms, wy_ms now_ms)
{
	struct modbus_serial *serial = wire->serial;
	wy_ms timeout_ms = wire->exchange.timeout_ms;
	wy_ms silence = modbus_at_least(timeout_ms, wire->slowest_ms + MARGIN_MS);
	wy_ms life = modbus_at_least(DOUBT_TIMEOUTS * timeout_ms, 2 * (wire->slowest_ms + MARGIN_MS));

	modbus_doubts_add(&serial->doubts, modbus_shape_of(&wire->exchange.request), sent_ms, sent_ms + life);
	serial->listen_until_ms = now_ms + modbus_at_most(silence, WY_MODBUS_LISTEN_MS);
	serial->is_listening = true;
}

static void gather_strays(struct modbus_wire *wire, wy_ms now_ms)
{
	struct modbus_strays *strays = &wire->serial->strays;
	struct modbus_port *port = &wire->port;
	size_t room = sizeof(strays->bytes) - strays->n;
	size_t n = port->n_in < room ? port->n_in : room;

	memcpy(strays->bytes + strays->n, port->in, n);
	strays->n += n;
	if (port->n_in) {
		wire->serial->has_new = true;
		wire->serial->heard_ms = now_ms;
	}
	modbus_port_take(port, port->n_in);
}

/* Late answers that came in take their requests off the list, and say how slow this wire can be. false: there was none
 * among the strays. */
static bool take_strays(struct modbus_wire *wire)
{
	struct modbus_strays *strays = &wire->serial->strays;
	wy_ms heard_ms = wire->serial->heard_ms; /* not now: hearing a line out takes longer than its answers */
	wy_ms late = modbus_doubts_resolve(&wire->serial->doubts, strays, heard_ms);

	/* The first of them may have been kept with the exchange that failed. */
	if (strays->n > wire->serial->n_kept)
		keep_strays(wire, late, strays->bytes + wire->serial->n_kept, strays->n - wire->serial->n_kept, heard_ms);
	strays->n = wire->serial->n_kept = 0;
	wire->slowest_ms = modbus_at_most(modbus_at_least(wire->slowest_ms, late), WY_MODBUS_LISTEN_MS);
	return late > 0;
}

void modbus_exchange_begin(struct modbus_wire *wire, wy_ms now_ms)
{
	struct modbus_serial *serial = wire->serial;

	if (serial)
		serial->listen_most_ms = modbus_at_least(now_ms, serial->listen_until_ms) + WY_MODBUS_LISTEN_MS;
}

void modbus_exchange_meet(struct modbus_wire *wire, wy_ms now_ms)
{
	struct modbus_serial *serial = wire->serial;
	wy_ms silence = 0;

	if (!serial || !serial->is_strange)
		return;
	for (size_t slot = 0; slot < wire->n_devices; slot++)
		silence = modbus_at_least(silence, plain_timeout(&wire->devices[slot], now_ms));
	silence = modbus_at_most(silence, WY_MODBUS_LISTEN_MS);
	serial->listen_until_ms = modbus_at_least(serial->listen_until_ms, now_ms + silence);
	serial->is_listening = true;
	serial->is_strange = false;
	modbus_exchange_begin(wire, now_ms);
}

enum wy_err modbus_exchange_listen(struct modbus_wire *wire, wy_ms now_ms)
{
	struct modbus_serial *serial = wire->serial;

	if (wire->port.has_ended)
		return WY_E_LINK;
	if (!serial->is_listening)
		return WY_OK;
	if (serial->has_new && serial->listen_until_ms < now_ms + QUIET_MS)
		serial->listen_until_ms = now_ms + QUIET_MS;
	serial->has_new = false;
	if (now_ms < serial->listen_until_ms) {
		wire->due_ms = serial->listen_until_ms;
		return now_ms < serial->listen_most_ms ? WY_E_STATE : WY_E_PROTOCOL;
	}
	serial->is_listening = false;
	(void)take_strays(wire);
	return WY_OK;
}

/* Bytes that came on their own since the last answer: if no lost answer explains them they are an echo of the last one (a
 * repeater, a second slave of that number), so it is not safe either. */
static enum wy_err clear_line(struct modbus_wire *wire, wy_ms now_ms)
{
	/* Once more, as late as can be: the next byte counts as the answer's. */
	modbus_port_receive(&wire->port);
	if (wire->port.has_ended)
		return WY_E_LINK;
	gather_strays(wire, now_ms);
	if (!wire->serial->strays.n)
		return WY_OK;
	if (take_strays(wire))
		return WY_OK;
	wire->poll.device->n_garbled++;
	lose_trust(wire, now_ms, now_ms);
	return WY_E_PROTOCOL;
}

/* ---- Before a request -------------------------------------------------- */

enum wy_err modbus_exchange_clear(struct modbus_wire *wire, wy_ms now_ms)
{
	if (wire->serial)
		return clear_line(wire, now_ms);
	if (wire->port.n_in) {
		keep_strays(wire, 0, wire->port.in, wire->port.n_in, now_ms);
		return WY_E_PROTOCOL;
	}
	return wire->port.has_ended ? WY_E_LINK : WY_OK;
}

void modbus_exchange_hear(struct modbus_wire *wire, wy_ms now_ms)
{
	modbus_port_receive(&wire->port);
	if (wire->state == MODBUS_ASKING)
		return;
	if (wire->serial)
		gather_strays(wire, now_ms);
	/* More than any answer: whatever this is, it does not end. */
	else if (wire->port.n_in == sizeof(wire->port.in))
		wire->port.has_ended = true;
}

/* ---- Sending ------------------------------------------------------ */

static size_t build(struct modbus_wire *wire, const struct modbus_request *request)
{
	struct modbus_exchange *exchange = &wire->exchange;
	const struct modbus_way *way = &wire->poll.device->way;

	if (way->is_tcp)
		return modbus_frame_tcp(request, ++exchange->transaction, exchange->sent);
	if (modbus_way_is_plain_rtu(way))
		return modbus_codec_rtu_request(wire->codec, request, exchange->sent);
	return modbus_frame_odd(way, request, exchange->sent);
}

enum wy_err modbus_exchange_send(struct modbus_wire *wire, const struct modbus_request *request, wy_ms now_ms)
{
	struct modbus_exchange *exchange = &wire->exchange;
	size_t characters = (size_t)modbus_request_bytes(request) + FRAME_CHARACTERS + REQUEST_CHARACTERS;

	if (wire->serial && modbus_doubts_has(&wire->serial->doubts, modbus_shape_of(request), now_ms))
		return WY_E_BUSY;
	exchange->request = *request;
	exchange->timeout_ms = answer_timeout(wire, now_ms) + modbus_port_line_ms(&wire->port, characters);
	exchange->sent_ms = now_ms;
	exchange->until_ms = now_ms + exchange->timeout_ms;
	exchange->n_sent = build(wire, request);
	exchange->is_echo_due = wire->port.conf->has_echo;
	wire->poll.device->n_requests++;
	if (wire->poll.first_ms == WY_MS_NONE)
		wire->poll.first_ms = now_ms;
	return exchange->n_sent ? modbus_port_send(&wire->port, exchange->sent, exchange->n_sent) : WY_E_LINK;
}

/* ---- The answer --------------------------------------------------- */

/* An adapter that listens while it sends gives the request back first. */
static enum wy_err strip_echo(struct modbus_wire *wire)
{
	struct modbus_exchange *exchange = &wire->exchange;
	struct modbus_port *port = &wire->port;
	size_t n = port->n_in < exchange->n_sent ? port->n_in : exchange->n_sent;

	if (!exchange->is_echo_due)
		return WY_OK;
	if (memcmp(port->in, exchange->sent, n) != 0)
		return WY_E_PROTOCOL;
	if (n < exchange->n_sent)
		return WY_E_STATE;
	modbus_port_take(port, n);
	exchange->is_echo_due = false;
	return WY_OK;
}

/* A peer that closes behind its answer has answered; one that says more than the answer has not understood. What follows a
 * serial answer is seen before the next request. */
static enum wy_err look(struct modbus_wire *wire, wy_ms now_ms, struct modbus_answer *ret_answer)
{
	const struct modbus_way *way = &wire->poll.device->way;
	const struct modbus_exchange *exchange = &wire->exchange;
	struct modbus_port *port = &wire->port;

	enum wy_err err = strip_echo(wire);
	if (err)
		return err;
	size_t len = modbus_frame_length(way, &exchange->request, port->in, port->n_in);
	if (len == SIZE_MAX || (way->is_tcp && len && port->n_in > len))
		return WY_E_PROTOCOL;
	if (len == 0 || len > port->n_in)
		return WY_E_STATE;
	if (way->is_tcp && modbus_frame_transaction(port->in) != exchange->transaction)
		return WY_E_PROTOCOL;
	err = modbus_codec_judge(wire->codec, way, &exchange->request, port->in, len, ret_answer);
	if (!err) {
		keep_exchange(wire, WY_OK, port->in, len, now_ms);
		modbus_port_take(port, len);
	}
	return err;
}

static void answered(struct modbus_wire *wire, wy_ms now_ms)
{
	wy_ms took_ms = now_ms - wire->exchange.sent_ms;

	wire->slowest_ms = modbus_at_least(wire->slowest_ms, took_ms);
	wire->usual_ms = modbus_at_least(took_ms, wire->usual_ms - wire->usual_ms / FADE);
	modbus_learned_took(&wire->poll.device->learned, took_ms, now_ms);
}

/* After it nothing of this exchange is under way that a later one could mistake. */
static void failed(struct modbus_wire *wire, enum wy_err err, wy_ms now_ms)
{
	wire->poll.device->n_garbled += err == WY_E_PROTOCOL;
	if (wire->serial) {
		gather_strays(wire, now_ms);
		wire->serial->n_kept = wire->serial->strays.n;
		lose_trust(wire, wire->exchange.sent_ms, now_ms);
		modbus_exchange_begin(wire, now_ms);
		if (err != WY_E_LINK)
			return;
	}
	modbus_wire_close(wire);
}

enum wy_err modbus_exchange_take(struct modbus_wire *wire, wy_ms now_ms, struct modbus_answer *ret_answer)
{
	struct modbus_port *port = &wire->port;

	enum wy_err err = look(wire, now_ms, ret_answer);
	if (err == WY_E_STATE && port->has_ended)
		err = WY_E_LINK;
	if (err == WY_E_STATE && now_ms >= wire->exchange.until_ms)
		err = WY_E_TIMEOUT;
	if (err == WY_E_STATE) {
		wire->due_ms = wire->exchange.until_ms;
		return err;
	}
	wire->last_end_ms = wire->poll.device->last_end_ms = now_ms;
	wire->quiet_until_ms = now_ms + wire->poll.profile->pause_ms;
	if (!err) {
		answered(wire, now_ms);
		return WY_OK;
	}
	keep_exchange(wire, err, port->in, port->n_in, now_ms);
	failed(wire, err, now_ms);
	return err;
}
