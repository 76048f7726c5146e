/* modbus.c: see modbus.h. Requests are parsed here and not by a library, because the misbehaviours
 * need every byte of the answer. */
#include "modbus.h"

#include <string.h>

#include "view.h"

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

uint16_t sim_xor(uint16_t seed, const uint8_t *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++)
		seed ^= bytes[i];
	return seed;
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

static bool has_good_sum(const struct sim_building *building, const struct sim_wire *wire,
			 const uint8_t *bytes, size_t len)
{
	const struct sim_device *device = sim_wire_unit(building, wire, bytes[0]);
	uint16_t sum = device && device->has_xor ? sim_xor(device->xor_seed, bytes, len - 2)
						 : sim_crc(bytes, len - 2);

	return bytes[len - 2] == (sum & 0xFF) && bytes[len - 1] == sum >> 8;
}

int sim_frame_rtu(const struct sim_building *building, const struct sim_wire *wire,
		  const uint8_t *bytes, size_t len, bool is_idle, struct sim_request *ret_request)
{
	int whole = rtu_length(bytes, len);

	if (whole < 0 && is_idle && len >= 4)
		whole = (int)len;
	if (whole <= 0 || len < (size_t)whole)
		return is_idle ? SIM_NOT_A_FRAME : SIM_NEED_MORE;
	if (!has_good_sum(building, wire, bytes, (size_t)whole))
		return SIM_NOT_A_FRAME;
	*ret_request = (struct sim_request){0, bytes[0], bytes + 1, (size_t)whole - 3};
	return whole;
}

/* ---- Answers
 * --------------------------------------------------------------------------------------- */

/* A matter of the serial line: whoever carries it over TCP puts it into ordinary frames. */
static bool is_nice(const struct sim_device *device)
{
	return device->kind == SIM_RTU && device->profile->framing == SENSOR_FRAMING_NICE_LEN16;
}

/* Boards with the other framing know no exceptions: 0x8001 stands where the length would, then a code. */
static void refuse(const struct sim_device *device, const struct sim_request *request, uint8_t code,
		   struct sim_reply *reply)
{
	if (is_nice(device)) {
		reply->pdu[0] = request->pdu[0];
		put16(reply->pdu + 1, 0x8001);
		put16(reply->pdu + 3, code);
		reply->pdu_len = reply->n_head = 5;
		return;
	}
	reply->pdu[0] = request->pdu[0] | 0x80u;
	reply->pdu[1] = code;
	reply->pdu_len = reply->n_head = 2;
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

bool sim_modbus_is_write(const struct sim_request *request)
{
	return !function_of(request->pdu[0]);
}

bool sim_request_range(const struct sim_request *request, enum sensor_area *ret_area,
		       uint32_t *ret_first, uint32_t *ret_count)
{
	const struct function *f = function_of(request->pdu[0]);

	if (!f || !f->is_area || request->pdu_len != 5)
		return false;
	*ret_area = f->area;
	*ret_first = get16(request->pdu + 1);
	*ret_count = get16(request->pdu + 3);
	return true;
}

/* The protocol's ceiling or the device's own, where its profile or a misbehaviour has a lower one. */
static unsigned most_of(const struct function *f, const struct sim_device *device)
{
	bool is_bits = f->area == SENSOR_COIL || f->area == SENSOR_DISCRETE;
	unsigned most = is_bits ? device->profile->max_bits : device->profile->max_registers;

	if (most == 0 || most > f->most)
		most = f->most;
	if (!is_bits && sim_device_is(device, SIM_QUIRK_max_registers) &&
	    device->armed[SIM_QUIRK_max_registers].arg < most)
		most = (unsigned)device->armed[SIM_QUIRK_max_registers].arg;
	return most;
}

static void read_area(struct sim_device *device, const struct function *f,
		      const struct sim_request *request, struct sim_reply *reply)
{
	uint16_t words[2000];
	bool is_bits = f->area == SENSOR_COIL || f->area == SENSOR_DISCRETE;
	enum sensor_area area;
	uint32_t first, count;

	if (!sim_request_range(request, &area, &first, &count) || count == 0 ||
	    count > most_of(f, device)) {
		refuse(device, request, ILLEGAL_VALUE, reply);
		return;
	}
	if (!sim_device_read(device, area, first, count, words)) {
		refuse(device, request, ILLEGAL_ADDRESS, reply);
		return;
	}
	size_t bytes = is_bits ? (count + 7) / 8 : (size_t)2 * count;
	reply->pdu[0] = f->code;
	reply->pdu[1] = (uint8_t)bytes;
	reply->n_head = 2;
	if (is_nice(device)) {
		put16(reply->pdu + 1, (unsigned)bytes);
		reply->n_head = 3;
	}
	reply->pdu_len = reply->n_head + bytes;
	(is_bits ? pack_bits : pack_words)(words, count, reply->pdu + reply->n_head);
}

void sim_reply_start(const struct sim_request *request, struct sim_reply *reply)
{
	*reply = (struct sim_reply){.transaction = request->transaction,
				    .unit = request->unit,
				    .keep = SIM_FRAME_MAX,
				    .copies = 1};
}

void sim_modbus_answer(struct sim_device *device, const struct sim_request *request,
		       struct sim_reply *reply)
{
	const struct function *f = function_of(request->pdu[0]);

	sim_reply_start(request, reply);
	if (f && f->is_area)
		read_area(device, f, request, reply);
	else
		refuse(device, request, ILLEGAL_FUNCTION, reply);
}

/* ---- Frames out
 * ------------------------------------------------------------------------------------- */

/* Over TCP to another transaction, on a bus from another unit: well-formed and not for us. */
struct sim_reply sim_reply_stray(enum sim_kind kind, const struct sim_reply *reply)
{
	struct sim_reply stray = *reply;

	if (kind == SIM_TCP)
		stray.transaction = (uint16_t)(stray.transaction + 1000);
	else
		stray.unit = (uint8_t)(stray.unit + 1);
	stray.garbage = 0;
	stray.twin = SIM_TWIN_NONE;
	for (size_t i = stray.n_head; i < stray.pdu_len; i++)
		stray.pdu[i] ^= 0xFF;
	return stray;
}

static size_t build_one(enum sim_kind kind, const struct sim_reply *reply, uint8_t *frame)
{
	size_t len = 0;

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
		uint16_t sum = reply->has_xor ? sim_xor(reply->xor_seed, frame, len) : sim_crc(frame, len);
		if (reply->has_bad_crc)
			sum ^= 0x5A5Au;
		frame[len++] = (uint8_t)sum;
		frame[len++] = (uint8_t)(sum >> 8);
	}
	return len;
}

/* The device that has the same unit id is fresh from its box: all its values are 0. Where both speak
 * at once, a 0 of either pulls the line down. */
static size_t add_twin(enum sim_kind kind, const struct sim_reply *reply, uint8_t *frame, size_t len)
{
	struct sim_reply other = *reply;
	uint8_t second[7 + SIM_PDU_MAX + 2];

	memset(other.pdu + other.n_head, 0, other.pdu_len - other.n_head);
	size_t n = build_one(kind, &other, second);
	if (reply->twin == SIM_TWIN_MIXED) {
		for (size_t i = 1; i < len; i++)
			frame[i] &= second[i - 1];
		return len;
	}
	size_t at = reply->twin == SIM_TWIN_AFTER ? len : 0;
	memcpy(frame + at, second, n);
	return at + n;
}

/* At another speed a listener hears other bytes, and fewer or more of them. */
static size_t make_noise(uint8_t *frame, size_t len)
{
	for (size_t i = 0; i < len / 2; i++)
		frame[i] = (uint8_t)((unsigned)frame[2 * i] << 3 ^ (unsigned)frame[2 * i + 1] >> 2 ^ 0x99u);
	return len / 2;
}

size_t sim_frame_build(enum sim_kind kind, const struct sim_reply *reply,
		       uint8_t bytes[SIM_FRAME_MAX])
{
	uint8_t *frame = bytes + reply->garbage;

	memset(bytes, 0xA5, reply->garbage);
	size_t len = build_one(kind, reply, frame);
	if (reply->twin != SIM_TWIN_NONE)
		len = add_twin(kind, reply, frame, len);
	if (reply->is_noise)
		len = make_noise(frame, len);
	return reply->garbage + (len < reply->keep ? len : reply->keep);
}
