/* frame_words.h: what the bytes of a Modbus exchange say, for people. Pure; decides nothing: whether an answer was believed
 * is the driver's word. */
#ifndef CLI_FRAME_WORDS_H
#define CLI_FRAME_WORDS_H

#include "buf.h"
#include "sensor.h"

/* Bytes of a request or an answer as they were kept: the first n_kept of n. */
struct frame_bytes {
	size_t n, n_kept;
	uint8_t byte[WY_FRAME_KEPT];
};

struct frame_words {
	bool has_request;
	uint8_t unit, function;
	uint16_t address, count;
	uint16_t transaction; /* TCP */
	uint8_t exception;    /* of the answer, 0: none */
	char odd[240];	      /* what does not fit, "; " between; "" where nothing is noticed */
};

/* is_believed: the driver took the answer. */
struct frame_words frame_words_of(bool is_tcp, bool is_believed, const struct frame_bytes *request,
				  const struct frame_bytes *answer);
/* "coil", "discrete", "holding", "input" for 1 to 4; NULL for others. */
const char *frame_area_text(uint8_t function);
/* Never NULL. */
const char *frame_exception_text(uint8_t exception);
/* A whole serial frame, with its CRC. */
bool frame_has_crc(const struct frame_bytes *frame);
/* "01 04 0A", up to n_kept, and how many bytes more there were. */
void frame_hex(const struct frame_bytes *bytes, struct wy_buf *out);

#endif
