/* undisciplined.c: the Modbus driver without its discipline, for a test that must catch it. Linked with --wrap in the place
 * of five functions; all else is the driver as it is shipped. What is left out: the number of a TCP transaction, the
 * closing of a connection after a timeout, clearing and hearing out a serial line, doubts. */
#include "modbus_wire.h"

bool __wrap_modbus_doubts_has(const struct modbus_doubts *doubts, struct modbus_shape shape, wy_ms now_ms);
enum wy_err __wrap_modbus_exchange_clear(struct modbus_wire *wire, wy_ms now_ms);
enum wy_err __wrap_modbus_exchange_listen(struct modbus_wire *wire, wy_ms now_ms);
void __wrap_modbus_exchange_hear(struct modbus_wire *wire, wy_ms now_ms);
enum wy_err __wrap_modbus_exchange_take(struct modbus_wire *wire, wy_ms now_ms, struct modbus_answer *ret_answer);

bool __wrap_modbus_doubts_has(const struct modbus_doubts *doubts, struct modbus_shape shape, wy_ms now_ms)
{
	(void)doubts;
	(void)shape;
	(void)now_ms;
	return false;
}

enum wy_err __wrap_modbus_exchange_clear(struct modbus_wire *wire, wy_ms now_ms)
{
	(void)now_ms;
	return wire->port.has_ended ? WY_E_LINK : WY_OK;
}

enum wy_err __wrap_modbus_exchange_listen(struct modbus_wire *wire, wy_ms now_ms)
{
	(void)wire;
	(void)now_ms;
	return WY_OK;
}

void __wrap_modbus_exchange_hear(struct modbus_wire *wire, wy_ms now_ms)
{
	(void)now_ms;
	modbus_port_receive(&wire->port);
}

/* The next whole frame that fits by unit, function and length; whatever does not is thrown away. */
static enum wy_err next_frame(struct modbus_wire *wire, struct modbus_answer *ret_answer)
{
	const struct modbus_way *way = &wire->poll.device->way;
	const struct modbus_request *request = &wire->exchange.request;
	struct modbus_port *port = &wire->port;

	while (port->n_in) {
		size_t len = modbus_frame_length(way, request, port->in, port->n_in);
		if (len == 0 || (len != SIZE_MAX && len > port->n_in))
			return WY_E_STATE;
		bool is_ours = len != SIZE_MAX &&
			       modbus_codec_judge(wire->codec, way, request, port->in, len, ret_answer) == WY_OK;
		modbus_port_take(port, len == SIZE_MAX ? 1 : len);
		if (is_ours)
			return WY_OK;
	}
	return WY_E_STATE;
}

enum wy_err __wrap_modbus_exchange_take(struct modbus_wire *wire, wy_ms now_ms, struct modbus_answer *ret_answer)
{
	modbus_port_receive(&wire->port);
	enum wy_err err = next_frame(wire, ret_answer);
	if (err == WY_E_STATE && wire->port.has_ended)
		err = WY_E_LINK;
	if (err == WY_E_STATE && now_ms >= wire->exchange.until_ms)
		err = WY_E_TIMEOUT;
	if (err == WY_E_STATE) {
		wire->due_ms = wire->exchange.until_ms;
		return err;
	}
	wire->last_end_ms = wire->poll.device->last_end_ms = now_ms;
	if (err == WY_E_LINK)
		modbus_wire_close(wire);
	return err;
}
