/* modbus_codec.c: see modbus_codec.h. The only user of libmodbus besides the opening of serial lines (modbus_port.c).
 *
 * modbus_receive_confirmation() cuts a frame by its function code and byte count and checks the CRC of serial ones; whether
 * it fits the request it does not ask. That is compared here: unit, function, byte count and whole length. */
#include "modbus_codec.h"

#include <errno.h>
#include <modbus/modbus.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { MBAP_BYTES = 7, RTU_HEAD_BYTES = 1, CRC_BYTES = 2, PATIENCE_US = 1000 };

/* Settings that are never used: neither context connects. */
static modbus_t *prepare(modbus_t *context, int fd)
{
	if (!context)
		return NULL;
	if (modbus_set_error_recovery(context, MODBUS_ERROR_RECOVERY_NONE) ||
	    modbus_set_byte_timeout(context, 0, 0) || modbus_set_response_timeout(context, 0, PATIENCE_US) ||
	    modbus_set_socket(context, fd)) {
		modbus_free(context);
		return NULL;
	}
	return context;
}

enum wy_err modbus_codec_open(struct modbus_codec *codec)
{
	int ends[2];

	*codec = (struct modbus_codec){.outer = -1, .inner = -1};
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends))
		return WY_E_IO;
	codec->outer = ends[0];
	codec->inner = ends[1];
	if (codec->inner > WY_FD_MODBUS_MAX) {
		modbus_codec_close(codec);
		return WY_E_LIMIT;
	}
	codec->tcp = prepare(modbus_new_tcp("127.0.0.1", MODBUS_TCP_DEFAULT_PORT), codec->inner);
	codec->rtu = prepare(modbus_new_rtu("/dev/null", 9600, 'N', 8, 1), codec->inner);
	if (codec->tcp && codec->rtu)
		return WY_OK;
	modbus_codec_close(codec);
	return WY_E_NOMEM;
}

void modbus_codec_close(struct modbus_codec *codec)
{
	if (codec->tcp)
		modbus_free(codec->tcp);
	if (codec->rtu)
		modbus_free(codec->rtu);
	if (codec->outer != codec->inner) {
		close(codec->outer);
		close(codec->inner);
	}
	*codec = (struct modbus_codec){.outer = -1, .inner = -1};
}

/* What a frame that was not one left behind. */
static void drain(const struct modbus_codec *codec)
{
	uint8_t rest[MODBUS_FRAME_MAX];

	while (recv(codec->inner, rest, sizeof(rest), MSG_DONTWAIT) > 0)
		;
}

size_t modbus_codec_rtu_request(struct modbus_codec *codec, const struct modbus_request *request,
				uint8_t out[MODBUS_REQUEST_MAX])
{
	const uint8_t raw[] = {request->unit,
			       request->function,
			       (uint8_t)(request->address >> 8),
			       (uint8_t)request->address,
			       (uint8_t)(request->count >> 8),
			       (uint8_t)request->count};
	int n = modbus_send_raw_request(codec->rtu, raw, sizeof(raw));

	return n == (int)sizeof(raw) + CRC_BYTES && recv(codec->outer, out, MODBUS_REQUEST_MAX, MSG_DONTWAIT) == n ? (size_t)n
														  : 0;
}

/* The frame as libmodbus hands it back; false: not a frame, or not all of it. */
static bool pass(struct modbus_codec *codec, modbus_t *context, uint8_t unit, const uint8_t *frame, size_t n,
		 uint8_t out[MODBUS_TCP_MAX_ADU_LENGTH])
{
	(void)modbus_set_slave(context, unit);
	if (send(codec->outer, frame, n, MSG_DONTWAIT | MSG_NOSIGNAL) != (ssize_t)n) {
		drain(codec);
		return false;
	}
	if (modbus_receive_confirmation(context, out) == (int)n)
		return true;
	drain(codec);
	return false;
}

enum wy_err modbus_codec_judge(struct modbus_codec *codec, const struct modbus_way *way,
			       const struct modbus_request *request, const uint8_t *frame, size_t n,
			       struct modbus_answer *ret_answer)
{
	uint8_t adu[MODBUS_TCP_MAX_ADU_LENGTH];
	size_t head = way->is_tcp ? MBAP_BYTES : RTU_HEAD_BYTES;
	size_t tail = way->is_tcp ? 0 : CRC_BYTES;

	if (!way->is_tcp && !modbus_way_is_plain_rtu(way))
		return modbus_odd_judge(way, request, frame, n, ret_answer);
	/* The unit stands before the function in both. */
	if (n < head + 2 + tail || n > sizeof(adu) || frame[head - 1] != request->unit)
		return WY_E_PROTOCOL;
	if (!pass(codec, way->is_tcp ? codec->tcp : codec->rtu, request->unit, frame, n, adu))
		return WY_E_PROTOCOL;
	return modbus_pdu_judge(request, adu + head, n - head - tail, ret_answer);
}
