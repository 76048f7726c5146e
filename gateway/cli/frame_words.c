/* frame_words.c: see frame_words.h. TCP: transaction (2), protocol (2), length (2), unit, function, data. Serial: unit,
 * function, data, CRC (2). Request data: address (2), count (2). */
#include "frame_words.h"

#include "modbus_frame.h"

enum { HEAD_TCP = 6, REQUEST_BYTES = 6, REFUSED = 0x80 };

static uint16_t word_at(const uint8_t *bytes)
{
	return (uint16_t)(bytes[0] << 8 | bytes[1]);
}

const char *frame_area_text(uint8_t function)
{
	static const char *const areas[] = {NULL, "coil", "discrete", "holding", "input"};

	return function < sizeof(areas) / sizeof(*areas) ? areas[function] : NULL;
}

const char *frame_exception_text(uint8_t exception)
{
	static const char *const texts[] = {
		"none", "no such function", "no such address", "not with this length", "the device has failed",
		"accepted, not done yet", "busy", "not done", "memory fault", "unknown exception",
		"the gateway has no way to the device", "the device behind the gateway is silent",
	};

	return exception < sizeof(texts) / sizeof(*texts) ? texts[exception] : "unknown exception";
}

bool frame_has_crc(const struct frame_bytes *frame)
{
	return frame->n >= 4 && frame->n == frame->n_kept && modbus_crc(frame->byte, frame->n) == 0;
}

static void add(struct wy_buf *odd, const char *text)
{
	wy_buf_addf(odd, "%s%s", odd->len ? "; " : "", text);
}

static void compare(struct wy_buf *odd, const char *what, unsigned found, unsigned asked)
{
	if (found != asked)
		wy_buf_addf(odd, "%s%s %u instead of %u", odd->len ? "; " : "", what, found, asked);
}

/* Some lift boards: the address 0x8001 and a code, where others send an exception. */
static bool is_board_error(bool is_tcp, const struct frame_bytes *answer)
{
	return !is_tcp && answer->n == 8 && word_at(answer->byte + 2) == 0x8001;
}

static void read_answer(struct frame_words *words, bool is_tcp, bool is_believed, const struct frame_bytes *answer,
			struct wy_buf *odd)
{
	size_t at = is_tcp ? HEAD_TCP : 0;

	if (answer->n_kept < at + 3) {
		if (answer->n)
			add(odd, "a piece of an answer");
		return;
	}
	const uint8_t *pdu = answer->byte + at;
	if (is_tcp)
		compare(odd, "transaction", word_at(answer->byte), words->transaction);
	compare(odd, "unit", pdu[0], words->unit);
	if (pdu[1] == (words->function | REFUSED))
		words->exception = pdu[2];
	else
		compare(odd, "function", pdu[1], words->function);
	if (is_board_error(is_tcp, answer))
		wy_buf_addf(odd, "%sthe board's own error %u", odd->len ? "; " : "", (unsigned)word_at(answer->byte + 4));
	if (!is_tcp && !is_believed && answer->n == answer->n_kept && !frame_has_crc(answer))
		add(odd, "no valid CRC");
}

struct frame_words frame_words_of(bool is_tcp, bool is_believed, const struct frame_bytes *request,
				  const struct frame_bytes *answer)
{
	struct frame_words words = {.has_request = false};
	size_t at = is_tcp ? HEAD_TCP : 0;
	struct wy_buf odd;

	wy_buf_init(&odd, words.odd, sizeof(words.odd));
	if (request->n_kept < at + REQUEST_BYTES) {
		add(&odd, "nobody asked for this");
		return words;
	}
	words.has_request = true;
	words.transaction = is_tcp ? word_at(request->byte) : 0;
	words.unit = request->byte[at];
	words.function = request->byte[at + 1];
	words.address = word_at(request->byte + at + 2);
	words.count = word_at(request->byte + at + 4);
	read_answer(&words, is_tcp, is_believed, answer, &odd);
	return words;
}

void frame_hex(const struct frame_bytes *bytes, struct wy_buf *out)
{
	static const char digits[] = "0123456789ABCDEF";

	for (size_t i = 0; i < bytes->n_kept; i++)
		wy_buf_addf(out, "%s%c%c", i ? " " : "", digits[bytes->byte[i] >> 4], digits[bytes->byte[i] & 15]);
	if (bytes->n > bytes->n_kept)
		wy_buf_addf(out, " ... and %zu more", bytes->n - bytes->n_kept);
}
