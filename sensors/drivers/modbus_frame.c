/* modbus_frame.c: see modbus_frame.h.
 *
 * The odd frames are those of a widespread family of lift controllers, known from the software of their service tools and
 * to be verified on site: the byte count of an answer has two bytes, so a frame has 2N+6 of them; a refusal is a frame of
 * eight bytes whose count is 0x8001, followed by a code of two bytes; and boards made for others have a seed, XORed with
 * each byte, where the CRC would be. */
#include "modbus_frame.h"

#include <string.h>

enum {
	MBAP_BYTES = 7, /* with the unit */
	TCP_COUNTED_BYTES = 9, /* up to the byte count */
	CRC_BYTES = 2,
	NICE_REFUSED = 0x8001,
	NICE_HEAD_BYTES = 4,
	NICE_REFUSAL_BYTES = 8,
};

static void put16(uint8_t *to, uint16_t value)
{
	to[0] = (uint8_t)(value >> 8);
	to[1] = (uint8_t)value;
}

static uint16_t get16(const uint8_t *from)
{
	return (uint16_t)(from[0] << 8 | from[1]);
}

uint16_t modbus_request_bytes(const struct modbus_request *request)
{
	bool is_bits = request->function <= 2;

	return (uint16_t)(is_bits ? (request->count + 7) / 8 : request->count * 2);
}

bool modbus_way_is_plain_rtu(const struct modbus_way *way)
{
	return !way->is_tcp && way->framing == SENSOR_FRAMING_STANDARD && !way->has_xor;
}

/* ---- Checksums ---------------------------------------------------- */

uint16_t modbus_crc(const uint8_t *bytes, size_t n)
{
	uint16_t crc = 0xFFFF;

	for (size_t i = 0; i < n; i++) {
		crc = (uint16_t)(crc ^ bytes[i]);
		for (int bit = 0; bit < 8; bit++)
			crc = (uint16_t)(crc & 1 ? (crc >> 1) ^ 0xA001 : crc >> 1);
	}
	return crc;
}

static uint16_t checksum(const struct modbus_way *way, const uint8_t *bytes, size_t n)
{
	uint16_t sum = way->xor_seed;

	if (!way->has_xor)
		return modbus_crc(bytes, n);
	for (size_t i = 0; i < n; i++)
		sum = (uint16_t)(sum ^ bytes[i]);
	return sum;
}

static bool has_good_checksum(const struct modbus_way *way, const uint8_t *bytes, size_t n)
{
	uint16_t sum = checksum(way, bytes, n - CRC_BYTES);

	return bytes[n - 2] == (uint8_t)sum && bytes[n - 1] == (uint8_t)(sum >> 8);
}

/* ---- Requests ----------------------------------------------------- */

static size_t put_pdu(const struct modbus_request *request, uint8_t *out)
{
	out[0] = request->function;
	put16(out + 1, request->address);
	put16(out + 3, request->count);
	return 5;
}

size_t modbus_frame_tcp(const struct modbus_request *request, uint16_t transaction, uint8_t out[MODBUS_REQUEST_MAX])
{
	put16(out, transaction);
	put16(out + 2, 0);
	put16(out + 4, 6);
	out[6] = request->unit;
	return MBAP_BYTES + put_pdu(request, out + MBAP_BYTES);
}

size_t modbus_frame_odd(const struct modbus_way *way, const struct modbus_request *request,
			uint8_t out[MODBUS_REQUEST_MAX])
{
	out[0] = request->unit;
	size_t n = 1 + put_pdu(request, out + 1);
	uint16_t sum = checksum(way, out, n);
	out[n++] = (uint8_t)sum;
	out[n++] = (uint8_t)(sum >> 8);
	return n;
}

/* ---- How long an answer is ---------------------------------------- */

static size_t tcp_length(const uint8_t *bytes, size_t n)
{
	if (n >= 4 && get16(bytes + 2) != 0)
		return SIZE_MAX;
	if (n < 6)
		return 0;
	size_t rest = get16(bytes + 4);
	if (rest < 3 || rest > MODBUS_FRAME_MAX - 6)
		return SIZE_MAX;
	/* What the function needs must be what the head says, or we would wait for bytes that never come. */
	if (n >= TCP_COUNTED_BYTES && rest != (bytes[7] & 0x80 ? 3u : 3u + bytes[8]))
		return SIZE_MAX;
	return 6 + rest;
}

static size_t nice_length(const struct modbus_request *request, const uint8_t *bytes, size_t n)
{
	if (n < NICE_HEAD_BYTES)
		return 0;
	uint16_t count = get16(bytes + 2);
	if (count == NICE_REFUSED)
		return NICE_REFUSAL_BYTES;
	return count == modbus_request_bytes(request) ? (size_t)NICE_HEAD_BYTES + count + CRC_BYTES : SIZE_MAX;
}

static size_t rtu_length(const struct modbus_way *way, const struct modbus_request *request, const uint8_t *bytes,
			 size_t n)
{
	if (n >= 1 && bytes[0] != request->unit)
		return SIZE_MAX;
	if (n < 2)
		return 0;
	if (bytes[1] == (request->function | 0x80))
		return 3 + CRC_BYTES;
	if (bytes[1] != request->function)
		return SIZE_MAX;
	if (way->framing == SENSOR_FRAMING_NICE_LEN16)
		return nice_length(request, bytes, n);
	if (n < 3)
		return 0;
	return bytes[2] == modbus_request_bytes(request) ? 3u + bytes[2] + CRC_BYTES : SIZE_MAX;
}

size_t modbus_frame_length(const struct modbus_way *way, const struct modbus_request *request, const uint8_t *bytes,
			   size_t n)
{
	return way->is_tcp ? tcp_length(bytes, n) : rtu_length(way, request, bytes, n);
}

uint16_t modbus_frame_transaction(const uint8_t *bytes)
{
	return get16(bytes);
}

/* ---- What an answer says ------------------------------------------ */

static void take_data(const uint8_t *data, size_t n, struct modbus_answer *ret_answer)
{
	ret_answer->exception = 0;
	ret_answer->bytes = (uint8_t)n;
	memcpy(ret_answer->data, data, n);
}

enum wy_err modbus_pdu_judge(const struct modbus_request *request, const uint8_t *pdu, size_t n,
			     struct modbus_answer *ret_answer)
{
	if (n == 2 && pdu[0] == (request->function | 0x80) && pdu[1] != 0) {
		ret_answer->exception = pdu[1];
		ret_answer->bytes = 0;
		return WY_OK;
	}
	if (n < 2 || pdu[0] != request->function || pdu[1] != modbus_request_bytes(request) || n != 2u + pdu[1] ||
	    pdu[1] > sizeof(ret_answer->data))
		return WY_E_PROTOCOL;
	take_data(pdu + 2, pdu[1], ret_answer);
	return WY_OK;
}

static enum wy_err nice_judge(const struct modbus_request *request, const uint8_t *bytes, size_t n,
			      struct modbus_answer *ret_answer)
{
	uint16_t count = get16(bytes + 2);

	if (count == NICE_REFUSED && n == NICE_REFUSAL_BYTES && bytes[5] != 0) {
		ret_answer->exception = bytes[5];
		ret_answer->bytes = 0;
		return WY_OK;
	}
	if (count != modbus_request_bytes(request) || n != (size_t)NICE_HEAD_BYTES + count + CRC_BYTES)
		return WY_E_PROTOCOL;
	take_data(bytes + NICE_HEAD_BYTES, count, ret_answer);
	return WY_OK;
}

enum wy_err modbus_odd_judge(const struct modbus_way *way, const struct modbus_request *request,
			     const uint8_t *bytes, size_t n, struct modbus_answer *ret_answer)
{
	if (n < 3 + CRC_BYTES || bytes[0] != request->unit || !has_good_checksum(way, bytes, n))
		return WY_E_PROTOCOL;
	bool is_plain = bytes[1] != request->function || way->framing == SENSOR_FRAMING_STANDARD;
	if (is_plain)
		return modbus_pdu_judge(request, bytes + 1, n - 1 - CRC_BYTES, ret_answer);
	return n >= NICE_REFUSAL_BYTES ? nice_judge(request, bytes, n, ret_answer) : WY_E_PROTOCOL;
}

void modbus_answer_words(const struct modbus_answer *answer, uint16_t ret_words[MODBUS_WORDS_MAX])
{
	for (size_t i = 0; i + 1 < answer->bytes; i += 2)
		ret_words[i / 2] = get16(answer->data + i);
}
