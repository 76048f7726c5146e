/* modbus_wire.c: the states of a wire (modbus_wire.h). A table of functions, one for each state: each does what it can and
 * says whether to go on at once. */
#include "modbus_wire.h"

#include "draw.h"

enum { LINK_RETRY_FIRST_MS = 1000, LINK_RETRY_MOST_MS = 8000 };

void modbus_wire_close(struct modbus_wire *wire)
{
	modbus_port_close(&wire->port);
}

static void end_poll(struct modbus_wire *wire, enum wy_err err, wy_ms now_ms)
{
	bool is_given_back = wire->poll.profile->is_closed_after_poll;

	wire->state = MODBUS_IDLE;
	modbus_poll_end(wire, err, now_ms);
	if (is_given_back)
		modbus_wire_close(wire);
}

/* ---- A connection that cannot be had ------------------------------ */

/* All devices behind it share one wait, so that a hundred of them do not each wait for a connection of their own. */
static void link_failed(struct modbus_wire *wire, enum wy_err err, wy_ms now_ms)
{
	wy_ms wait_ms = LINK_RETRY_FIRST_MS;

	for (unsigned i = 0; i < wire->link_failures && wait_ms < LINK_RETRY_MOST_MS; i++)
		wait_ms *= 2;
	wire->link_failures++;
	wire->link_err = err;
	if (wire->serial)
		wire->serial->is_strange = true;
	wire->link_retry_ms = now_ms + wait_ms - (wy_ms)(wy_draw(&wire->random) % (uint64_t)(wait_ms / 4));
}

/* What was due meanwhile is due now. */
static void link_came_back(struct modbus_wire *wire, wy_ms now_ms)
{
	size_t n = wire->link_failures ? wire->n_devices : 0;

	wire->link_failures = 0;
	for (size_t slot = 0; slot < n; slot++)
		if (schedule_failures(wire->schedule, slot) && slot != wire->poll.turn.slot)
			schedule_ask(wire->schedule, slot, now_ms);
}

static bool is_hopeless(const struct modbus_wire *wire, wy_ms now_ms)
{
	return wire->n_devices > 1 && wire->link_failures && now_ms < wire->link_retry_ms &&
	       !wire->poll.device->is_asked && wire->port.state == MODBUS_PORT_CLOSED;
}

/* ---- States ------------------------------------------------------- */

static bool look_for_work(struct modbus_wire *wire, wy_ms now_ms)
{
	struct schedule_turn turn;

	if (wire->port.has_ended)
		modbus_wire_close(wire);
	if (!schedule_next(wire->schedule, now_ms, &turn, &wire->due_ms))
		return false;
	modbus_poll_begin(wire, &turn, now_ms);
	modbus_exchange_begin(wire, now_ms);
	if (is_hopeless(wire, now_ms)) {
		end_poll(wire, wire->link_err, now_ms);
		return true;
	}
	wire->state = MODBUS_OPENING;
	return true;
}

static bool open_port(struct modbus_wire *wire, wy_ms now_ms)
{
	enum wy_err err = modbus_port_open(&wire->port, now_ms);

	if (err) {
		link_failed(wire, err, now_ms);
		end_poll(wire, err, now_ms);
		return true;
	}
	if (wire->port.state != MODBUS_PORT_OPEN) {
		wire->due_ms = modbus_port_due(&wire->port, now_ms);
		return false;
	}
	link_came_back(wire, now_ms);
	modbus_exchange_meet(wire, now_ms);
	wire->state = wire->serial ? MODBUS_LISTENING : MODBUS_PACING;
	return true;
}

static bool hear_out(struct modbus_wire *wire, wy_ms now_ms)
{
	enum wy_err err = modbus_exchange_listen(wire, now_ms);

	if (err == WY_E_STATE)
		return false;
	wire->state = MODBUS_PACING;
	if (err) {
		modbus_wire_close(wire);
		end_poll(wire, err, now_ms);
	}
	return true;
}

/* The next one has proven nothing yet. */
static void drop_link(struct modbus_wire *wire)
{
	wire->poll.is_reused = false;
	modbus_wire_close(wire);
}

/* The end of a connection that stood, since before the poll or since the last answer, is no failure: some peers close behind
 * every answer. It is made anew, once for each. */
static bool begin_anew(struct modbus_wire *wire)
{
	if (!wire->poll.is_reused || wire->serial)
		return false;
	drop_link(wire);
	wire->state = MODBUS_OPENING;
	return true;
}

static void conclude(struct modbus_wire *wire, enum wy_err err, const struct modbus_answer *answer, wy_ms now_ms)
{
	enum wy_err end;

	wire->state = wire->port.state != MODBUS_PORT_OPEN ? MODBUS_OPENING
		      : wire->serial			    ? MODBUS_LISTENING
							    : MODBUS_PACING;
	if (!modbus_poll_take(wire, err, answer, now_ms, &end))
		end_poll(wire, end, now_ms);
	/* Nothing left to ask: not a word more, and no connection for it. */
	else if (!modbus_poll_next(wire, now_ms))
		end_poll(wire, modbus_poll_outcome(&wire->poll), now_ms);
}

/* true: go on: what came in on its own has been dealt with, this way or that. */
static bool clear(struct modbus_wire *wire, enum wy_err err, wy_ms now_ms)
{
	if (err == WY_E_PROTOCOL && wire->serial) {
		wire->state = MODBUS_LISTENING;
		return true;
	}
	if (err == WY_E_LINK && wire->serial) {
		modbus_wire_close(wire);
		end_poll(wire, err, now_ms);
		return true;
	}
	/* TCP: nothing of ours is under way, so nothing is lost with the connection. */
	drop_link(wire);
	wire->state = MODBUS_OPENING;
	return true;
}

static bool send_next(struct modbus_wire *wire, wy_ms now_ms)
{
	if (!modbus_poll_next(wire, now_ms)) {
		end_poll(wire, modbus_poll_outcome(&wire->poll), now_ms);
		return true;
	}
	wy_ms at_ms = modbus_exchange_at(wire);
	if (wire->port.has_ended && wire->serial)
		return clear(wire, WY_E_LINK, now_ms);
	if (wire->port.has_ended)
		drop_link(wire); /* and made anew when it is needed: who closes at once would be run down */
	if (now_ms < at_ms) {
		wire->due_ms = at_ms;
		return false;
	}
	if (wire->port.state != MODBUS_PORT_OPEN) {
		wire->state = MODBUS_OPENING;
		return true;
	}
	enum wy_err err = modbus_exchange_clear(wire, now_ms);
	if (err)
		return clear(wire, err, now_ms);
	struct modbus_request request = modbus_poll_request(&wire->poll);
	err = modbus_exchange_send(wire, &request, now_ms);
	if (err == WY_E_BUSY) {
		(void)modbus_poll_doubted(wire, now_ms);
		return true;
	}
	if (err && !begin_anew(wire)) {
		modbus_wire_close(wire);
		conclude(wire, err, NULL, now_ms);
	} else if (!err) {
		wire->state = MODBUS_ASKING;
		wire->due_ms = wire->exchange.until_ms;
		return false; /* an answer that came already is told by the descriptor */
	}
	return true;
}

static bool take_answer(struct modbus_wire *wire, wy_ms now_ms)
{
	struct modbus_answer answer;
	enum wy_err err = modbus_exchange_take(wire, now_ms, &answer);

	if (err == WY_E_STATE)
		return false;
	if (err == WY_E_LINK && !wire->poll.task.block.is_clear_on_read && begin_anew(wire))
		return true;
	wire->poll.is_reused = !err;
	conclude(wire, err, &answer, now_ms);
	return true;
}

void modbus_wire_step(struct modbus_wire *wire, wy_ms now_ms, bool is_ready, bool is_broken)
{
	static bool (*const states[])(struct modbus_wire *, wy_ms) = {
		[MODBUS_IDLE] = look_for_work,
		[MODBUS_OPENING] = open_port,
		[MODBUS_LISTENING] = hear_out,
		[MODBUS_PACING] = send_next,
		[MODBUS_ASKING] = take_answer,
	};

	if (wire->port.state == MODBUS_PORT_OPEN) {
		if (is_ready)
			modbus_exchange_hear(wire, now_ms);
		wire->port.has_ended = wire->port.has_ended || is_broken;
	}
	while (states[wire->state](wire, now_ms))
		;
}
