/* frames.c: see frames.h. */
#include "frames.h"

enum { MBAP_REST = 6, CRC = 2, NEVER = -1 };

/* How long the frames of a function are, from the unit on and without a CRC: so many bytes, and as many again as the
 * byte at `count` says (0: none does). */
static const struct {
	uint8_t function, request, request_count, answer, answer_count;
} lengths[] = {
	{1, 6, 0, 3, 2},  {2, 6, 0, 3, 2},  {3, 6, 0, 3, 2},  {4, 6, 0, 3, 2},	{5, 6, 0, 6, 0},
	{6, 6, 0, 6, 0},  {7, 2, 0, 3, 0},  {8, 6, 0, 6, 0},  {11, 2, 0, 6, 0}, {15, 7, 6, 6, 0},
	{16, 7, 6, 6, 0}, {17, 2, 0, 3, 2}, {20, 3, 2, 3, 2}, {21, 3, 2, 3, 2}, {22, 8, 0, 8, 0},
	{23, 11, 10, 3, 2},
};

uint16_t frame_crc(const uint8_t *bytes, size_t n)
{
	uint16_t crc = 0xFFFF;

	for (size_t i = 0; i < n; i++) {
		crc = (uint16_t)(crc ^ bytes[i]);
		for (int bit = 0; bit < 8; bit++)
			crc = (uint16_t)(crc & 1 ? (crc >> 1) ^ 0xA001 : crc >> 1);
	}
	return crc;
}

size_t frame_seal(uint8_t *bytes, size_t n)
{
	uint16_t crc = frame_crc(bytes, n);

	bytes[n] = (uint8_t)crc;
	bytes[n + 1] = (uint8_t)(crc >> 8);
	return n + CRC;
}

size_t frame_head(enum frame_kind kind)
{
	return kind == FRAME_TCP ? MBAP_REST : 0;
}

static int tcp_frame(const uint8_t *bytes, size_t n)
{
	if (n < MBAP_REST)
		return 0;
	size_t whole = MBAP_REST + (size_t)(bytes[4] << 8 | bytes[5]);
	if (whole > FRAME_MOST)
		return -(int)n;
	return n < whole ? 0 : (int)whole;
}

/* Bytes of the serial frame these would be the beginning of, with CRC; 0: too few to tell; NEVER: of none. */
static int rtu_length(const uint8_t *bytes, size_t n, bool is_request)
{
	if (n < 2)
		return 0;
	if (!is_request && bytes[1] & 0x80)
		return 3 + CRC;
	for (size_t i = 0; i < sizeof(lengths) / sizeof(*lengths); i++) {
		if (lengths[i].function != bytes[1])
			continue;
		size_t count = is_request ? lengths[i].request_count : lengths[i].answer_count;
		int fixed = is_request ? lengths[i].request : lengths[i].answer;
		if (n <= count)
			return 0;
		return fixed + (count ? bytes[count] : 0) + CRC;
	}
	return NEVER;
}

static int rtu_frame(const uint8_t *bytes, size_t n, bool is_request)
{
	for (size_t skipped = 0; skipped < n; skipped++) {
		int length = rtu_length(bytes + skipped, n - skipped, is_request);
		bool is_short = length == 0 || length > (int)(n - skipped);
		if (length == NEVER || (!is_short && frame_crc(bytes + skipped, (size_t)length)))
			continue;
		if (skipped)
			return -(int)skipped;
		return is_short ? 0 : length;
	}
	return -(int)n;
}

int frame_request(enum frame_kind kind, const uint8_t *bytes, size_t n)
{
	if (kind == FRAME_DATAGRAM)
		return (int)n;
	return kind == FRAME_TCP ? tcp_frame(bytes, n) : rtu_frame(bytes, n, true);
}

int frame_answer(enum frame_kind kind, const uint8_t *bytes, size_t n)
{
	if (kind == FRAME_DATAGRAM)
		return (int)n;
	return kind == FRAME_TCP ? tcp_frame(bytes, n) : rtu_frame(bytes, n, false);
}

bool frame_is_alike(enum frame_kind kind, const uint8_t *a, size_t n_a, const uint8_t *b, size_t n_b)
{
	size_t head = frame_head(kind);

	if (n_a < head + 2 || n_b < head + 2 || a[head] != b[head])
		return false;
	if ((a[head + 1] & 0x7F) != (b[head + 1] & 0x7F))
		return false;
	return n_a == n_b || (a[head + 1] | b[head + 1]) & 0x80;
}
