/* modbus_doubt.c: see modbus_doubt.h. */
#include "modbus_doubt.h"

struct modbus_shape modbus_shape_of(const struct modbus_request *request)
{
	return (struct modbus_shape){request->unit, request->function,
				     modbus_request_bytes(request)};
}

static void forget(struct modbus_doubts *doubts, size_t i)
{
	doubts->item[i] = doubts->item[--doubts->n];
}

static void forget_old(struct modbus_doubts *doubts, wy_ms now_ms)
{
	for (size_t i = doubts->n; i-- > 0;)
		if (doubts->item[i].until_ms <= now_ms)
			forget(doubts, i);
}

void modbus_doubts_add(struct modbus_doubts *doubts, struct modbus_shape shape, wy_ms sent_ms,
		       wy_ms until_ms)
{
	forget_old(doubts, sent_ms);
	if (doubts->n < WY_MODBUS_DOUBTS_MAX)
		doubts->item[doubts->n++] = (struct modbus_doubt){shape, sent_ms, until_ms};
	else if (until_ms > doubts->blind_until_ms)
		doubts->blind_until_ms = until_ms;
}

bool modbus_doubts_has(const struct modbus_doubts *doubts, struct modbus_shape shape, wy_ms now_ms)
{
	if (now_ms < doubts->blind_until_ms)
		return true;
	for (size_t i = 0; i < doubts->n; i++) {
		const struct modbus_doubt *d = &doubts->item[i];
		if (d->until_ms > now_ms && d->shape.unit == shape.unit &&
		    d->shape.function == shape.function && d->shape.bytes == shape.bytes)
			return true;
	}
	return false;
}

bool modbus_doubts_has_function(const struct modbus_doubts *doubts, uint8_t unit, uint8_t function,
				wy_ms now_ms)
{
	if (now_ms < doubts->blind_until_ms)
		return true;
	for (size_t i = 0; i < doubts->n; i++) {
		const struct modbus_doubt *d = &doubts->item[i];
		if (d->until_ms > now_ms && d->shape.unit == unit && d->shape.function == function)
			return true;
	}
	return false;
}

/* Length of a whole answer to this request at the start of bytes; 0: there is none. */
static size_t answer_at(const struct modbus_shape *shape, const uint8_t *bytes, size_t n)
{
	size_t data = 5u + shape->bytes;

	if (n < 5 || bytes[0] != shape->unit)
		return 0;
	if (bytes[1] == (shape->function | 0x80) && modbus_crc(bytes, 5) == 0)
		return 5;
	if (bytes[1] == shape->function && bytes[2] == shape->bytes && n >= data &&
	    modbus_crc(bytes, data) == 0)
		return data;
	return 0;
}

wy_ms modbus_doubts_resolve(struct modbus_doubts *doubts, const struct modbus_strays *strays,
			    wy_ms now_ms)
{
	wy_ms latest = 0;

	/* What was given up explains nothing: it would make a doubled answer of today a late one of yesterday. */
	forget_old(doubts, now_ms);
	for (size_t at = 0; at < strays->n; at++) {
		for (size_t i = 0; i < doubts->n; i++) {
			struct modbus_doubt *d = &doubts->item[i];
			size_t len = answer_at(&d->shape, strays->bytes + at, strays->n - at);
			if (!len)
				continue;
			if (now_ms - d->sent_ms > latest)
				latest = now_ms - d->sent_ms;
			forget(doubts, i);
			at += len - 1;
			break;
		}
	}
	return latest;
}
