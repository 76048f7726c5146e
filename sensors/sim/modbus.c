/* modbus.c: see modbus.h. Requests are parsed here and not by a library, because the misbehaviours
 * need every byte of the answer. */
#include "modbus.h"

#include <string.h>

enum { ILLEGAL_FUNCTION = 1, ILLEGAL_ADDRESS = 2, ILLEGAL_VALUE = 3 };

static uint16_t get16(const uint8_t *bytes)
{
	return (uint16_t)(bytes[0] << 8 | bytes[1]);
}

static void put16(uint8_t *bytes, unsigned value)
{
	bytes[0] = (uint8_t)(value >> 8);
	bytes[1] = (uint8_t)value;
}

uint16_t sim_crc(const uint8_t *bytes, size_t len)
{
	uint16_t crc = 0xFFFF;

	for (size_t i = 0; i < len; i++) {
		crc ^= bytes[i];
		for (int bit = 0; bit < 8; bit++)
			crc = (uint16_t)(crc & 1 ? crc >> 1 ^ 0xA001 : crc >> 1);
	}
	return crc;
}

/* ---- Frames in
 * ------------------------------------------------------------------------------------- */

int sim_frame_tcp(const uint8_t *bytes, size_t len, struct sim_request *ret_request)
{
	if (len < 7)
		return SIM_NEED_MORE;
	size_t rest = get16(bytes + 4);
	if (get16(bytes + 2) != 0 || rest < 2 || rest > SIM_PDU_MAX + 1)
		return SIM_NOT_A_FRAME;
	if (len < 6 + rest)
		return SIM_NEED_MORE;
	*ret_request = (struct sim_request){get16(bytes), bytes[6], bytes + 7, rest - 1};
	return (int)(6 + rest);
}

/* Length of a serial request with its checksum; 0: more bytes are needed to know, -1: unknown code.
 */
static int rtu_length(const uint8_t *bytes, size_t len)
{
	static const struct {
		uint8_t function;
		uint8_t fixed;	  /* with unit and checksum */
		uint8_t count_at; /* a byte count to be added; 0: none */
	} rows[] = {{1, 8, 0}, {2, 8, 0},  {3, 8, 0},  {4, 8, 0},   {5, 8, 0},	 {6, 8, 0},
		    {7, 4, 0}, {15, 9, 6}, {16, 9, 6}, {22, 10, 0}, {23, 13, 10}};

	if (len < 2)
		return 0;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (rows[i].function != bytes[1])
			continue;
		if (rows[i].count_at == 0)
			return rows[i].fixed;
		return len > rows[i].count_at ? rows[i].fixed + bytes[rows[i].count_at] : 0;
	}
	return -1;
}

static bool has_good_crc(const uint8_t *bytes, size_t len)
{
	uint16_t crc = sim_crc(bytes, len - 2);

	return bytes[len - 2] == (crc & 0xFF) && bytes[len - 1] == crc >> 8;
}

int sim_frame_rtu(const uint8_t *bytes, size_t len, bool is_idle, struct sim_request *ret_request)
{
	int whole = rtu_length(bytes, len);

	if (whole < 0 && is_idle && len >= 4)
		whole = (int)len;
	if (whole <= 0 || len < (size_t)whole)
		return is_idle ? SIM_NOT_A_FRAME : SIM_NEED_MORE;
	if (!has_good_crc(bytes, (size_t)whole))
		return SIM_NOT_A_FRAME;
	*ret_request = (struct sim_request){0, bytes[0], bytes + 1, (size_t)whole - 3};
	return whole;
}

/* ---- Answers
 * --------------------------------------------------------------------------------------- */

static void refuse(const struct sim_request *request, uint8_t code, struct sim_reply *reply)
{
	reply->pdu[0] = request->pdu[0] | 0x80u;
	reply->pdu[1] = code;
	reply->pdu_len = 2;
}

static void pack_bits(const uint16_t *words, unsigned count, uint8_t *out)
{
	memset(out, 0, (count + 7) / 8);
	for (unsigned i = 0; i < count; i++)
		if (words[i])
			out[i / 8] |= (uint8_t)(1u << i % 8);
}

static void pack_words(const uint16_t *words, unsigned count, uint8_t *out)
{
	for (unsigned i = 0; i < count; i++)
		put16(out + (size_t)2 * i, words[i]);
}

/* What each function code is. Everything not listed could change a device and counts as a write. */
static const struct function {
	uint8_t code;
	bool is_area;
	enum sensor_area area;
	unsigned most;
} functions[] = {
	{1, true, SENSOR_COIL, 2000},	{2, true, SENSOR_DISCRETE, 2000},
	{3, true, SENSOR_HOLDING, 125}, {4, true, SENSOR_INPUT, 125},
	{7, false, SENSOR_COIL, 0},	{11, false, SENSOR_COIL, 0},
	{12, false, SENSOR_COIL, 0},	{17, false, SENSOR_COIL, 0},
	{20, false, SENSOR_COIL, 0},	{24, false, SENSOR_COIL, 0},
	{43, false, SENSOR_COIL, 0},
};

static const struct function *function_of(uint8_t code)
{
	for (size_t i = 0; i < sizeof(functions) / sizeof(functions[0]); i++)
		if (functions[i].code == code)
			return &functions[i];
	return NULL;
}

/* The protocol's ceiling or the device's own, where its profile has a lower one. */
static unsigned most_of(const struct function *f, const struct sensor_profile *profile)
{
	bool is_bits = f->area == SENSOR_COIL || f->area == SENSOR_DISCRETE;
	unsigned most = is_bits ? profile->max_bits : profile->max_registers;

	return most && most < f->most ? most : f->most;
}

static void read_area(const struct sim_device *device, const struct function *f,
		      const struct sim_request *request, struct sim_reply *reply)
{
	uint16_t words[2000];
	bool is_bits = f->area == SENSOR_COIL || f->area == SENSOR_DISCRETE;

	if (request->pdu_len != 5) {
		refuse(request, ILLEGAL_VALUE, reply);
		return;
	}
	unsigned first = get16(request->pdu + 1);
	unsigned count = get16(request->pdu + 3);
	if (count == 0 || count > most_of(f, device->profile)) {
		refuse(request, ILLEGAL_VALUE, reply);
		return;
	}
	if (!sim_device_read(device, f->area, first, count, words)) {
		refuse(request, ILLEGAL_ADDRESS, reply);
		return;
	}
	size_t bytes = is_bits ? (count + 7) / 8 : (size_t)2 * count;
	reply->pdu[0] = f->code;
	reply->pdu[1] = (uint8_t)bytes;
	reply->pdu_len = 2 + bytes;
	(is_bits ? pack_bits : pack_words)(words, count, reply->pdu + 2);
}

bool sim_modbus_answer(const struct sim_device *device, const struct sim_request *request,
		       struct sim_reply *reply)
{
	const struct function *f = function_of(request->pdu[0]);

	*reply = (struct sim_reply){.transaction = request->transaction,
				    .unit = request->unit,
				    .keep = SIM_FRAME_MAX,
				    .copies = 1};
	if (f && f->is_area)
		read_area(device, f, request, reply);
	else
		refuse(request, ILLEGAL_FUNCTION, reply);
	return !f;
}

/* ---- Frames out
 * ------------------------------------------------------------------------------------- */

size_t sim_frame_build(enum sim_kind kind, const struct sim_reply *reply,
		       uint8_t bytes[SIM_FRAME_MAX])
{
	uint8_t *frame = bytes + reply->garbage;
	size_t len = 0;

	memset(bytes, 0xA5, reply->garbage);
	if (kind == SIM_TCP) {
		put16(frame, reply->transaction);
		put16(frame + 2, 0);
		put16(frame + 4, (unsigned)reply->pdu_len + 1);
		len = 6;
	}
	frame[len++] = reply->unit;
	memcpy(frame + len, reply->pdu, reply->pdu_len);
	len += reply->pdu_len;
	if (kind == SIM_RTU) {
		uint16_t crc =
			(uint16_t)(sim_crc(frame, len) ^ (reply->has_bad_crc ? 0x5A5Au : 0u));
		frame[len++] = (uint8_t)crc;
		frame[len++] = (uint8_t)(crc >> 8);
	}
	return reply->garbage + (len < reply->keep ? len : reply->keep);
}
