/* frames.h: where a Modbus frame ends in a stream of bytes. Pure. Knows more functions than a gateway may use, so that
 * one that must not be sent is seen and counted. */
#ifndef FIELD_FRAMES_H
#define FIELD_FRAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { FRAME_MOST = 300 }; /* bytes; the longest of both kinds has 260 */

enum frame_kind {
	FRAME_TCP,	/* an MBAP header tells the length */
	FRAME_RTU,	/* function and byte count tell it, a CRC confirms it */
	FRAME_DATAGRAM, /* what came at once is one */
};

/* Bytes of the whole frame at the start of bytes[0..n). 0: more must come. Less than 0: so many bytes in front belong to
 * no frame. */
int frame_request(enum frame_kind kind, const uint8_t *bytes, size_t n);
int frame_answer(enum frame_kind kind, const uint8_t *bytes, size_t n);

uint16_t frame_crc(const uint8_t *bytes, size_t n);
/* Put the CRC behind n bytes; returns n + 2. */
size_t frame_seal(uint8_t *bytes, size_t n);
/* Where unit, function and data begin. */
size_t frame_head(enum frame_kind kind);
/* Could `a` be taken for an answer to the request that `b` answers, by unit, function and length? Exceptions have no
 * length. */
bool frame_is_alike(enum frame_kind kind, const uint8_t *a, size_t n_a, const uint8_t *b, size_t n_b);

#endif
