/* budget.c: see budget.h. Everything in microseconds of wire time and per mille of it. */
#include "budget.h"


enum {
	REQUEST_CHARACTERS = 8,
	ANSWER_CHARACTERS = 5, /* unit, function, length, checksum; its data come on top */
	GAPS_TENTHS = 70,      /* two gaps of 3.5 characters */
	LEAST_GAP_US = 1750,   /* above FAST_BAUD a gap no longer shrinks */
	FAST_BAUD = 19200,
	TCP_BYTE_US = 1,
};


/* ---- One request -------------------------------------------------------------------------------- */

static uint32_t character_us(const struct sensor_wire_conf *wire, int baud)
{
	uint32_t bits = 1u + (uint32_t)wire->data_bits + (wire->parity != 'N') + (uint32_t)wire->stop_bits;

	return (bits * 1000000u + (uint32_t)baud - 1) / (uint32_t)baud;
}

static struct sensor_cost serial_cost(const struct sensor_wire_conf *wire, int baud)
{
	uint32_t character = character_us(wire, baud);
	uint32_t gaps = baud > FAST_BAUD ? 2 * LEAST_GAP_US : GAPS_TENTHS * character / 10;

	return (struct sensor_cost){(REQUEST_CHARACTERS + ANSWER_CHARACTERS) * character + gaps +
					    SENSOR_TURNAROUND_MS * 1000u,
				    character};
}

static struct sensor_cost cost_at(const struct sensor_wire_conf *wire, int baud,
				  const struct sensor_profile *profile)
{
	struct sensor_cost cost = {SENSOR_ROUND_TRIP_MS * 1000u, TCP_BYTE_US};

	if (wire->kind == SENSOR_WIRE_RTU)
		cost = serial_cost(wire, baud);
	cost.request_us += (uint32_t)profile->pause_ms * 1000u;
	return cost;
}

struct sensor_cost sensor_cost_of(const struct sensor_wire_conf *wire, const struct sensor_profile *profile)
{
	return cost_at(wire, wire->baud, profile);
}
