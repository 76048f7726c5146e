/* modbus_frame.h: requests and answers of Modbus as bytes. Pure.
 *
 * Where a standard frame has to be checked libmodbus does it (modbus_codec.h); here is what it does not know: TCP requests
 * with a number of our own, how long an answer will be, the frames of lift boards that are not quite Modbus. */
#ifndef SENSOR_MODBUS_FRAME_H
#define SENSOR_MODBUS_FRAME_H

#include "../sensor.h"

#define MODBUS_FRAME_MAX 260u
#define MODBUS_REQUEST_MAX 12u /* of the four functions that read */
#define MODBUS_WORDS_MAX 126u	 /* registers an answer has room for */

struct modbus_request {
	uint8_t unit, function;
	uint16_t address, count;
};

struct modbus_answer {
	uint8_t exception; /* 0: data */
	uint8_t bytes;
	uint8_t data[2 * MODBUS_WORDS_MAX]; /* as on the wire */
};

/* How the frames of one device are put. */
struct modbus_way {
	bool is_tcp;
	enum sensor_framing framing;
	bool has_xor; /* the checksum is seed XOR each byte */
	uint16_t xor_seed;
};

/* Data bytes an answer to this request carries. */
uint16_t modbus_request_bytes(const struct modbus_request *request);
/* A standard serial frame, which is libmodbus's to build and to check. */
bool modbus_way_is_plain_rtu(const struct modbus_way *way);

/* Returns its length. */
size_t modbus_frame_tcp(const struct modbus_request *request, uint16_t transaction, uint8_t out[MODBUS_REQUEST_MAX]);
/* A serial request of a way that is not plain. */
size_t modbus_frame_odd(const struct modbus_way *way, const struct modbus_request *request,
			uint8_t out[MODBUS_REQUEST_MAX]);

/* How long the answer at the start of bytes is: 0: too early to say; SIZE_MAX: no answer to this request begins so. On
 * TCP any well-formed answer has a length, whosever it is. */
size_t modbus_frame_length(const struct modbus_way *way, const struct modbus_request *request, const uint8_t *bytes,
			   size_t n);
uint16_t modbus_frame_transaction(const uint8_t *bytes); /* of a TCP frame, at least 2 bytes */

/* What the protocol data unit says to this request: WY_OK with the answer filled, or WY_E_PROTOCOL. */
WY_MUST_CHECK enum wy_err modbus_pdu_judge(const struct modbus_request *request, const uint8_t *pdu, size_t n,
					   struct modbus_answer *ret_answer);
/* The same for a whole frame of a way that is not plain. */
WY_MUST_CHECK enum wy_err modbus_odd_judge(const struct modbus_way *way, const struct modbus_request *request,
					   const uint8_t *bytes, size_t n, struct modbus_answer *ret_answer);

/* The registers of an answer as numbers. */
void modbus_answer_words(const struct modbus_answer *answer, uint16_t ret_words[MODBUS_WORDS_MAX]);

/* CRC-16 of Modbus; 0 over a frame that includes its own. */
uint16_t modbus_crc(const uint8_t *bytes, size_t n);

#endif
