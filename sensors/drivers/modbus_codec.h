/* modbus_codec.h: libmodbus as what it is here: the judge of whole frames. One codec per field.
 *
 * libmodbus blocks, select()s on descriptors below 1024 only and hides what it read. So it gets neither connection nor
 * time: each context sits at one end of a socket pair, is handed one whole frame at a time, and says whether that is one.
 * It never waits, since all it will read is there. */
#ifndef SENSOR_MODBUS_CODEC_H
#define SENSOR_MODBUS_CODEC_H

#include "modbus_frame.h"

struct modbus_codec {
	struct _modbus *tcp, *rtu; /* owned; each a modbus_t */
	int outer;		   /* owned: our end of the pair */
	int inner;		   /* owned: theirs */
};

/* WY_E_NOMEM; WY_E_IO: no descriptors; WY_E_LIMIT: none is left below WY_FD_MODBUS_MAX. */
WY_MUST_CHECK enum wy_err modbus_codec_open(struct modbus_codec *codec);
void modbus_codec_close(struct modbus_codec *codec); /* also one that never opened, if it was zero */

/* A plain serial request with its CRC; 0: libmodbus failed. */
size_t modbus_codec_rtu_request(struct modbus_codec *codec, const struct modbus_request *request,
				uint8_t out[MODBUS_REQUEST_MAX]);

/* Does this whole frame, of the length modbus_frame_length() gave, answer this request? WY_OK, or WY_E_PROTOCOL. The
 * transaction of a TCP frame is the caller's to compare. */
WY_MUST_CHECK enum wy_err modbus_codec_judge(struct modbus_codec *codec, const struct modbus_way *way,
					     const struct modbus_request *request, const uint8_t *frame, size_t n,
					     struct modbus_answer *ret_answer);

#endif
