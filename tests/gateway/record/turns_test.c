/* turns_test.c: turns to bytes and back; bytes of noise; what a steady building costs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "record_block.h"
#include "record_turns.h"

enum { ASSETS = 5, POINTS = 7, DEVICES = 3, RULES = 4, TEXT = 1 << 22 };

static uint32_t first_slot[ASSETS + 1];
static const struct record_sizes sizes = {ASSETS, ASSETS * POINTS, DEVICES, RULES, first_slot};
static unsigned char bytes[WY_RECORD_RAW_BYTES];

static uint32_t roll(uint32_t *seed, uint32_t n)
{
	*seed = *seed * 1664525u + 1013904223u;
	return (*seed >> 16) % n;
}

/* What was written and what was read, as text. */
static char written[TEXT], read_back[TEXT];
struct tape {
	char *text;
	size_t len;
};

static void note(struct tape *tape, const char *what, long long a, long long b, long long c, unsigned long long d)
{
	tape->len += (size_t)snprintf(tape->text + tape->len, TEXT - tape->len, "%s %lld %lld %lld %llx\n", what, a, b, c, d);
}

static void on_turn(void *arg, struct wy_now now)
{
	note(arg, "turn", now.mono_ms, now.wall_ms, now.clock, 0);
}

static void on_heard(void *arg, uint32_t device, wy_ms at_ms)
{
	note(arg, "heard", device, at_ms, 0, 0);
}

static void on_sample(void *arg, uint32_t asset, const struct wy_sample *sample)
{
	unsigned long long bits = 0;

	if (wy_quality_is_usable(sample->quality))
		memcpy(&bits, &sample->whole, sizeof(bits));
	note(arg, sample->is_whole && wy_quality_is_usable(sample->quality) ? "whole" : "sample",
	     asset * 1000 + sample->point, sample->at_ms, sample->quality * 100 + sample->why, bits);
}

static void on_order(void *arg, const struct record_order *order)
{
	note(arg, order->order.is_one_shot ? "once" : "order", order->rule * 100 + order->nth, order->asset, order->order.until_ms,
	     order->order.command);
}

static void on_mark(void *arg, uint32_t asset, const char *name)
{
	note(arg, name, asset, 0, 0, 0);
}

static void on_resume(void *arg, wy_ms down_ms, struct wy_now now)
{
	note(arg, "resume", down_ms, now.mono_ms, now.wall_ms, now.clock);
}

static struct record_sink sink_of(struct tape *tape)
{
	return (struct record_sink){on_turn, on_heard, on_sample, on_order, on_mark, on_resume, tape};
}

static struct record_writer begin(wy_ms first_ms)
{
	struct record_writer writer = {.sizes = &sizes};

	for (uint32_t i = 0; i <= ASSETS; i++)
		first_slot[i] = i * POINTS;
	assert_true(record_memory_init(&writer.memory, &sizes));
	record_memory_begin(&writer.memory, &sizes, first_ms);
	writer.out = (struct record_out){bytes, sizeof(bytes), 0, false};
	return writer;
}

static struct wy_sample random_sample(uint32_t *seed, wy_ms now_ms)
{
	static const double reals[] = {0, -0.0, 1.5, 1e300, -2.25, 21.4, 21.5};
	struct wy_sample sample = {.point = roll(seed, POINTS), .at_ms = now_ms - (roll(seed, 4) ? 0 : roll(seed, 3000))};

	sample.quality = roll(seed, 5) ? WY_Q_GOOD : (uint8_t)roll(seed, WY_Q_STALE + 1);
	sample.why = sample.quality == WY_Q_GOOD ? WY_WHY_NONE : (uint8_t)roll(seed, WY_WHY_COUNT);
	sample.is_whole = sample.point % 2;
	if (sample.is_whole)
		sample.whole = roll(seed, 9) ? (int64_t)roll(seed, 5) : roll(seed, 2) ? INT64_MAX : INT64_MIN;
	else
		sample.real = reals[roll(seed, 7)];
	return sample;
}

static void random_item(struct record_writer *writer, const struct record_sink *sink, uint32_t *seed, struct wy_now now)
{
	uint32_t n = roll(seed, ASSETS);
	struct wy_sample sample = random_sample(seed, now.mono_ms);
	struct record_order order = {roll(seed, RULES), n, roll(seed, 2), {(enum rule_command)roll(seed, RULE_UNSHELVE + 1), now.mono_ms + 60, n % 2}};

	switch (roll(seed, 16)) {
	case 0:
		record_write_order(writer, &order);
		sink->order(sink->arg, &order);
		return;
	case 1:
		record_write_mark(writer, n, "new_pump");
		sink->mark(sink->arg, n, "new_pump");
		return;
	case 2:
		record_write_heard(writer, n % DEVICES, now.mono_ms - 5);
		sink->heard(sink->arg, n % DEVICES, now.mono_ms - 5);
		return;
	default:
		record_write_sample(writer, n, &sample);
		sink->sample(sink->arg, n, &sample);
		return;
	}
}

static void any_turns_come_back(void **state)
{
	struct record_memory memory;
	(void)state;

	for (uint32_t seed = 1; seed <= 200; seed++) {
		struct tape in = {written, 0}, out = {read_back, 0};
		struct record_sink noted = sink_of(&in), sink = sink_of(&out);
		struct wy_now now = {1000000, 1795320000000, WY_CLOCK_SYNCED};
		struct record_writer writer = begin(now.mono_ms);
		uint32_t dice = seed;
		for (unsigned i = 0; i < 60; i++) {
			now.mono_ms += roll(&dice, 2000);
			now.wall_ms += roll(&dice, 2000);
			if (roll(&dice, 10) == 0) {
				record_write_resume(&writer, now.mono_ms - 700, now);
				noted.resume(noted.arg, now.mono_ms - 700, now);
			}
			record_write_turn(&writer, now);
			noted.turn(noted.arg, now);
			for (unsigned k = roll(&dice, 12); k; k--)
				random_item(&writer, &noted, &dice, now);
		}
		record_write_end(&writer);
		assert_false(writer.out.is_full);
		assert_true(record_memory_init(&memory, &sizes));
		assert_int_equal(record_read_turns(bytes, writer.out.len, 1000000, &sizes, &memory, &sink), WY_OK);
		record_memory_release(&memory);
		record_memory_release(&writer.memory);
		written[in.len] = read_back[out.len] = '\0';
		assert_string_equal(written, read_back);
	}
}

static size_t steady_poll(struct record_writer *writer, wy_ms first_ms, unsigned polls)
{
	for (unsigned i = 0; i < polls; i++) {
		wy_ms at_ms = first_ms + i * 1000 + i * 7 % 13;
		record_write_turn(writer, (struct wy_now){at_ms + 2, at_ms + 2, WY_CLOCK_SYNCED});
		record_write_heard(writer, 1, at_ms);
		for (uint32_t asset = 0; asset < ASSETS; asset++)
			for (uint32_t point = 0; point < POINTS; point++)
				record_write_sample(writer, asset, &(struct wy_sample){.point = point, .quality = WY_Q_GOOD,
							.real = 20 + point, .at_ms = at_ms});
	}
	record_write_end(writer);
	return writer->out.len;
}

static void a_poll_that_brings_nothing_new_costs_a_few_bytes(void **state)
{
	struct record_writer writer = begin(0);
	struct record_packer *packer = record_packer_new();
	unsigned char *block = malloc(WY_RECORD_BLOCK_BYTES);
	(void)state;

	size_t once = steady_poll(&writer, 0, 1);
	record_memory_begin(&writer.memory, &sizes, 0);
	writer.out.len = 0;
	size_t many = steady_poll(&writer, 0, 1001);
	assert_in_range(many - once, 1000, 1000 * 9);
	struct record_header header = {.kind = RECORD_TURNS, .raw_len = (uint32_t)many};
	assert_in_range(record_pack(packer, &header, bytes, block), 1, many / 3);
	free(block);
	record_packer_free(packer);
	record_memory_release(&writer.memory);
}

/* Neither noise nor one wrong byte leads anywhere but to an error or to other values. */
static void noise_does_no_harm(void **state)
{
	unsigned char *copy;
	struct record_memory memory;
	uint32_t seed = 5;
	(void)state;

	struct record_writer writer = begin(0);
	size_t len = steady_poll(&writer, 0, 3);
	assert_true(record_memory_init(&memory, &sizes));
	for (unsigned round = 0; round < 20000; round++) {
		struct tape out = {read_back, 0};
		struct record_sink sink = sink_of(&out);
		bool is_noise = round % 2;
		size_t n = is_noise ? roll(&seed, 40) : len;
		copy = malloc(n + 1);
		for (size_t i = 0; i < n; i++)
			copy[i] = is_noise ? (unsigned char)roll(&seed, round % 4 == 1 ? 12 : 256) : bytes[i];
		if (!is_noise)
			copy[roll(&seed, (uint32_t)n)] = (unsigned char)roll(&seed, 256);
		(void)!record_read_turns(copy, n, 0, &sizes, &memory, &sink);
		free(copy);
	}
	record_memory_release(&memory);
	record_memory_release(&writer.memory);
}

static void a_block_is_whole_or_refused(void **state)
{
	struct record_packer *packer = record_packer_new();
	unsigned char *block = malloc(WY_RECORD_BLOCK_BYTES), *raw = malloc(WY_RECORD_RAW_BYTES);
	struct record_header header = {RECORD_TURNS, 3000, 0, 7, 3, -5, 99}, back;
	uint32_t seed = 1;
	(void)state;

	for (size_t i = 0; i < 3000; i++)
		bytes[i] = (unsigned char)roll(&seed, 60);
	size_t n = record_pack(packer, &header, bytes, block);
	assert_int_equal(record_read_header(block, &back), WY_OK);
	assert_true(back.number == 7 && back.file == 3 && back.first_ms == -5 && back.last_ms == 99);
	assert_int_equal(n, RECORD_HEADER_BYTES + back.packed_len);
	assert_int_equal(record_unpack(block, &back, block + RECORD_HEADER_BYTES, raw), WY_OK);
	assert_memory_equal(raw, bytes, 3000);
	for (size_t i = 0; i < n; i++) {
		block[i] ^= 0x10;
		bool is_header = record_read_header(block, &back) == WY_OK;
		assert_false(is_header && record_unpack(block, &back, block + RECORD_HEADER_BYTES, raw) == WY_OK);
		block[i] ^= 0x10;
	}
	assert_int_equal(record_crc32(0, "123456789", 9), 0xCBF43926);
	free(raw);
	free(block);
	record_packer_free(packer);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(any_turns_come_back),
		cmocka_unit_test(a_poll_that_brings_nothing_new_costs_a_few_bytes),
		cmocka_unit_test(noise_does_no_harm),
		cmocka_unit_test(a_block_is_whole_or_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
