/* Answers damaged at random, by a generator of a fixed seed: through libmodbus as it is shipped,
 * and through the reader of SenML. Every buffer has exactly the size it is said to have, so that
 * the sanitizers see a byte too many. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>
#include <modbus/modbus.h>

#include "decode.h"
#include "modbus_codec.h"
#include "senml.h"

#define COUNT(rows) (sizeof(rows) / sizeof(*(rows)))

enum { ROUNDS = 200000, MOST = 300 };

static uint32_t seed;

static uint32_t below(uint32_t bound)
{
	seed = seed * 1664525u + 1013904223u;
	return (seed >> 8) % bound;
}

struct bytes {
	size_t n;
	uint8_t at[MOST];
};

static void flip(struct bytes *b)
{
	b->at[below((uint32_t)b->n)] ^= (uint8_t)(1u << below(8));
}

static void replace(struct bytes *b)
{
	static const uint8_t odd[] = {0, 1, 0x7F, 0x80, 0xFE, 0xFF, '"', '[', '{', ','};

	b->at[below((uint32_t)b->n)] = odd[below(COUNT(odd))];
}

static void cut(struct bytes *b)
{
	b->n = below((uint32_t)b->n) + 1;
}

static void drop(struct bytes *b)
{
	size_t at = below((uint32_t)b->n);

	if (b->n > 1)
		memmove(b->at + at, b->at + at + 1, --b->n - at);
}

static void repeat(struct bytes *b)
{
	size_t at = below((uint32_t)b->n);
	size_t n = below((uint32_t)(b->n - at)) + 1;

	if (b->n + n > MOST)
		return;
	memmove(b->at + at + n, b->at + at, b->n - at);
	b->n += n;
}

static void damage(struct bytes *b)
{
	static void (*const ways[])(struct bytes *) = {flip, flip, flip,  replace,
						       cut,  drop, repeat};

	for (uint32_t i = below(3) + 1; i > 0; i--)
		ways[below(COUNT(ways))](b);
}

/* ---- Modbus ------------------------------------------------------- */

static uint16_t crc16(const uint8_t *bytes, size_t n)
{
	uint16_t crc = 0xFFFF;

	for (size_t i = 0; i < n; i++) {
		crc = (uint16_t)(crc ^ bytes[i]);
		for (int bit = 0; bit < 8; bit++)
			crc = (uint16_t)(crc & 1 ? (crc >> 1) ^ 0xA001 : crc >> 1);
	}
	return crc;
}

static void seal(struct bytes *b)
{
	uint16_t crc = crc16(b->at, b->n);

	b->at[b->n++] = (uint8_t)crc;
	b->at[b->n++] = (uint8_t)(crc >> 8);
}

static struct bytes right_answer(const struct modbus_request *request, bool is_tcp,
				 uint16_t transaction)
{
	struct bytes b = {0};
	uint8_t data = (uint8_t)modbus_request_bytes(request);

	if (is_tcp) {
		const uint8_t head[] = {(uint8_t)(transaction >> 8), (uint8_t)transaction, 0, 0, 0,
					(uint8_t)(3 + data)};
		memcpy(b.at, head, sizeof(head));
		b.n = sizeof(head);
	}
	b.at[b.n++] = request->unit;
	b.at[b.n++] = request->function;
	b.at[b.n++] = data;
	for (uint8_t i = 0; i < data; i++)
		b.at[b.n++] = (uint8_t)below(256);
	return b;
}

/* Whatever is believed must be the whole answer to this very request, or an exception to it. */
static void judge(const struct modbus_answer *answer, const struct bytes *sent,
		  const struct bytes *right, size_t head)
{
	size_t length = 5; /* the low byte of the length in the head of TCP */

	assert_true(sent->n >= head + 2);
	for (size_t i = 0; i < head; i++)
		if (head == 1 || i != length)
			assert_int_equal(sent->at[i], right->at[i]);
	if (answer->exception) {
		assert_int_equal(sent->at[head], right->at[head] | 0x80);
		assert_int_equal(sent->at[head + 1], answer->exception);
		return;
	}
	assert_true(sent->n >= right->n);
	assert_memory_equal(sent->at + head, right->at + head, 2);
	assert_int_equal(answer->bytes, right->at[head + 1]);
	assert_memory_equal(answer->data, sent->at + head + 2, answer->bytes);
}

/* Returns whether the answer was believed, as the driver does it: cut, compare the transaction, judge. */
static bool exchange_once(struct modbus_codec *codec, bool is_tcp, uint16_t transaction)
{
	static const uint8_t functions[] = {1, 2, 3, 4};
	const struct modbus_way way = {.is_tcp = is_tcp};
	struct modbus_request request = {5, functions[below(4)], 100, (uint16_t)(below(125) + 1)};
	struct bytes right = right_answer(&request, is_tcp, transaction);
	struct bytes sent = right;
	struct modbus_answer *answer = malloc(sizeof(*answer));

	assert_non_null(answer);
	if (below(20))
		damage(&sent);
	if (!is_tcp && sent.n + 2 <= MOST)
		seal(&sent);
	uint8_t *exact = malloc(sent.n);
	assert_non_null(exact);
	memcpy(exact, sent.at, sent.n);
	size_t len = modbus_frame_length(&way, &request, exact, sent.n);
	bool is_whole = len > 0 && len <= sent.n;
	bool is_ours = is_whole && (!is_tcp || modbus_frame_transaction(exact) == transaction);
	enum wy_err err = is_ours ? modbus_codec_judge(codec, &way, &request, exact, len, answer) : WY_E_PROTOCOL;
	if (!err)
		judge(answer, &sent, &right, is_tcp ? 7 : 1);
	free(exact);
	free(answer);
	return !err;
}

static void exchange_often(bool is_tcp)
{
	unsigned believed = 0;
	struct modbus_codec codec;

	seed = 1;
	assert_int_equal(modbus_codec_open(&codec), WY_OK);
	for (unsigned i = 0; i < ROUNDS; i++)
		believed += exchange_once(&codec, is_tcp, (uint16_t)i);
	assert_in_range(believed, ROUNDS / 25, ROUNDS - ROUNDS / 10);
	modbus_codec_close(&codec);
}

static void damaged_tcp_answers_are_never_believed(void **state)
{
	(void)state;
	exchange_often(true);
}

static void damaged_serial_answers_are_never_believed(void **state)
{
	(void)state;
	exchange_often(false);
}

/* ---- Words -------------------------------------------------------- */

static void no_words_make_a_value_beyond_its_range_good(void **state)
{
	static const enum sensor_encoding encodings[] = {SENSOR_U16, SENSOR_I16, SENSOR_U32,
							 SENSOR_I32, SENSOR_F32, SENSOR_U64,
							 SENSOR_DEC_PAIR};
	static const int64_t sentinels[] = {0xFFFF, -9999};

	(void)state;
	seed = 3;
	for (unsigned i = 0; i < ROUNDS; i++) {
		struct sensor_profile_point p = {.name = "p",
						 .type = WY_TYPE_REAL,
						 .area = SENSOR_INPUT,
						 .encoding = encodings[below(COUNT(encodings))],
						 .order = (enum sensor_order)below(4),
						 .scale = 0.1,
						 .offset = -40,
						 .has_range = true,
						 .lo = -40,
						 .hi = 1000,
						 .sentinels = sentinels,
						 .n_sentinels = COUNT(sentinels)};
		struct sensor_profile profile = {.points = &p, .n_points = 1};
		uint16_t n = sensor_point_width(&p);
		uint16_t *words = malloc(n * sizeof(*words));
		struct sensor_window window = {SENSOR_INPUT, 0, n, words, NULL};
		struct wy_sample sample;

		assert_non_null(words);
		for (uint16_t k = 0; k < n; k++)
			words[k] = (uint16_t)(below(2) ? below(65536) : 0);
		sensor_decode(&profile, 0, &window, 0, &sample);
		if (sample.quality == WY_Q_GOOD)
			assert_true(sample.real >= -40 && sample.real <= 1000);
		else
			assert_int_equal(sample.quality, WY_Q_BAD);
		free(words);
	}
}

/* Whatever a device says for a text, a terminal can show it: no control characters, whole characters only. */
static void no_words_make_a_text_that_is_more_than_text(void **state)
{
	(void)state;
	seed = 5;
	for (unsigned i = 0; i < ROUNDS / 10; i++) {
		struct sensor_profile_point p = {.name = "p", .area = SENSOR_INPUT, .encoding = SENSOR_TEXT};
		p.n_text = (uint8_t)(below(32) + 1);
		p.charset = below(4) ? SENSOR_GB18030 : SENSOR_ASCII;
		uint16_t *words = malloc(p.n_text * sizeof(*words));
		struct sensor_window window = {SENSOR_INPUT, 0, p.n_text, words, NULL};
		char *text = malloc(SENSOR_TEXT_BYTES);

		assert_true(words && text);
		for (uint8_t k = 0; k < p.n_text; k++)
			words[k] = (uint16_t)(below(2) ? below(65536) : 0x8130 + below(16));
		size_t n = sensor_text(&p, &window, text);
		assert_true(n < SENSOR_TEXT_BYTES && text[n] == '\0' && strlen(text) == n);
		for (const unsigned char *c = (const unsigned char *)text; *c;) {
			unsigned more = *c >= 0xF0 ? 3 : *c >= 0xE0 ? 2 : *c >= 0xC0 ? 1 : 0;
			assert_true(*c >= ' ' && *c != 0x7F && (more || *c < 0x80));
			assert_false(*c == 0xC2 && c[1] < 0xA0);
			for (c++; more; more--, c++)
				assert_int_equal(*c & 0xC0, 0x80);
		}
		free(text);
		free(words);
	}
}

/* ---- SenML -------------------------------------------------------- */

static void damaged_packs_are_read_or_refused(void **state)
{
	static const char good[] =
		"[{\"bn\":\"urn:dev:mac:0024be/\",\"bt\":-5,\"bu\":\"Cel\",\"n\":"
		"\"3303/0/5700\",\"v\":21.5},{\"n\":\"3200/0/5500\",\"vb\":true},"
		"{\"n\":\"mode\",\"vs\":\"AUTO\",\"t\":-1}]";
	static const char *const points[] = {"3303/0/5700", "3200/0/5500", "mode"};
	static const enum wy_type types[] = {WY_TYPE_REAL, WY_TYPE_BOOL, WY_TYPE_INT,
					     WY_TYPE_COUNTER};
	static struct senml_pack pack;
	unsigned understood = 0;

	(void)state;
	seed = 5;
	for (unsigned i = 0; i < 2 * ROUNDS; i++) {
		struct bytes b = {.n = sizeof(good) - 1};
		struct sensor_profile_point p = {.type = types[below(COUNT(types))],
						 .scale = 1,
						 .has_range = true,
						 .hi = 100};
		const struct senml_record *record;
		struct wy_sample sample;

		memcpy(b.at, good, b.n);
		damage(&b);
		char *exact = malloc(b.n);
		assert_non_null(exact);
		memcpy(exact, b.at, b.n);
		enum wy_err err = below(8) ? senml_read_json(exact, b.n, &pack)
					   : senml_read_text(exact, b.n, &pack);
		free(exact);
		understood += !err;
		for (size_t k = 0; !err && k < COUNT(points); k++) {
			if (senml_find(&pack, points[k], &record))
				continue;
			senml_sample(record, &p, 0, 1000, &sample);
			assert_true(sample.at_ms <= 1000);
			if (sample.quality == WY_Q_GOOD && p.type == WY_TYPE_REAL)
				assert_true(sample.real >= 0 && sample.real <= 100);
		}
	}
	assert_in_range(understood, ROUNDS / 10, 2 * ROUNDS - ROUNDS / 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(damaged_tcp_answers_are_never_believed),
		cmocka_unit_test(damaged_serial_answers_are_never_believed),
		cmocka_unit_test(no_words_make_a_value_beyond_its_range_good),
		cmocka_unit_test(no_words_make_a_text_that_is_more_than_text),
		cmocka_unit_test(damaged_packs_are_read_or_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
