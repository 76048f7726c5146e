/* The proxy itself: where frames end, that a seed gives the same troubles again, and that each does what it says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "faults.h"

enum { ROUNDS = 20000 };

static size_t rtu_answer(uint8_t unit, uint8_t function, uint8_t bytes, uint8_t *frame)
{
	frame[0] = unit;
	frame[1] = function;
	frame[2] = bytes;
	memset(frame + 3, 0x21, bytes);
	return frame_seal(frame, 3u + bytes);
}

static size_t tcp_answer(uint8_t transaction, uint8_t bytes, uint8_t *frame)
{
	const uint8_t head[] = {0, transaction, 0, 0, 0, (uint8_t)(3 + bytes), 9, 3, bytes};

	memcpy(frame, head, sizeof(head));
	memset(frame + sizeof(head), 0x21, bytes);
	return sizeof(head) + bytes;
}

static void frames_end_where_they_end(void **state)
{
	uint8_t bytes[600];
	size_t n = rtu_answer(5, 3, 20, bytes);

	(void)state;
	for (size_t i = 0; i < n; i++)
		assert_int_equal(frame_answer(FRAME_RTU, bytes, i), 0);
	assert_int_equal(frame_answer(FRAME_RTU, bytes, n + 7), (int)n);
	memmove(bytes + 2, bytes, n);
	bytes[0] = bytes[1] = 0xFF; /* an exception of nobody: its checksum is wrong */
	assert_int_equal(frame_answer(FRAME_RTU, bytes, n + 2), -2);
	n = tcp_answer(1, 20, bytes);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(frame_answer(FRAME_TCP, bytes, i), 0);
	assert_int_equal(frame_answer(FRAME_TCP, bytes, n + 3), (int)n);
	const uint8_t write[] = {5, 16, 0, 1, 0, 1, 2, 0, 7};
	memcpy(bytes, write, sizeof(write));
	assert_int_equal(frame_request(FRAME_RTU, bytes, frame_seal(bytes, sizeof(write))), sizeof(write) + 2);
}

static void the_same_seed_gives_the_same_troubles(void **state)
{
	static struct faults one, two, other;
	static struct fault_act a, b, c;
	struct fault_conf conf = {.seed = 11, .rate = 0.2, .timeout_ms = 500, .wire = 'S', .frames = FRAME_RTU};
	uint8_t frame[FRAME_MOST];
	unsigned differences = 0;

	(void)state;
	faults_init(&one, &conf);
	faults_init(&two, &conf);
	conf.seed = 12;
	faults_init(&other, &conf);
	for (unsigned i = 0; i < ROUNDS; i++) {
		size_t n = rtu_answer((uint8_t)(1 + i % 7), 3, (uint8_t)(2 + i % 9 * 2), frame);
		faults_choose(&one, frame, n, &a);
		faults_choose(&two, frame, n, &b);
		faults_choose(&other, frame, n, &c);
		assert_int_equal(a.fault, b.fault);
		assert_int_equal(a.wait_ms, b.wait_ms);
		assert_int_equal(a.n, b.n);
		assert_memory_equal(a.bytes, b.bytes, a.n);
		differences += a.fault != c.fault;
	}
	assert_in_range(one.n_disturbed, ROUNDS / 5 - ROUNDS / 50, ROUNDS / 5 + ROUNDS / 50);
	assert_true(differences > ROUNDS / 10);
}

static void every_kind_of_trouble_happens_about_as_often(void **state)
{
	static const char wires[] = {'T', 'S', 'U'};
	static const unsigned kinds[] = {15, 11, 8};
	static const enum frame_kind frames[] = {FRAME_TCP, FRAME_RTU, FRAME_DATAGRAM};
	static struct faults f;
	static struct fault_act act;
	uint8_t frame[FRAME_MOST];

	(void)state;
	for (size_t w = 0; w < 3; w++) {
		struct fault_conf conf = {.seed = 1, .rate = 1, .timeout_ms = 500, .wire = wires[w], .frames = frames[w]};
		faults_init(&f, &conf);
		assert_int_equal(f.n_kinds, kinds[w]);
		for (unsigned i = 0; i < ROUNDS; i++)
			faults_choose(&f, frame, tcp_answer((uint8_t)i, 20, frame), &act);
		for (unsigned k = 0; k < f.n_kinds; k++)
			assert_in_range(f.by_kind[f.kinds[k]], ROUNDS / f.n_kinds / 2, ROUNDS / f.n_kinds * 2);
	}
}

/* Only this kind, always. */
static void only(struct faults *f, char wire, enum fault kind)
{
	struct fault_conf conf = {.seed = 3,
				  .rate = 1,
				  .mask = 1u << kind,
				  .timeout_ms = 500,
				  .wire = wire,
				  .frames = wire == 'T' ? FRAME_TCP : FRAME_RTU};

	faults_init(f, &conf);
}

static void late_means_half_to_five_timeouts(void **state)
{
	static struct faults f;
	static struct fault_act act;
	uint8_t frame[FRAME_MOST];
	wy_ms least = WY_MS_NEVER, most = 0;

	(void)state;
	only(&f, 'S', FAULT_delay);
	for (unsigned i = 0; i < ROUNDS; i++) {
		faults_choose(&f, frame, rtu_answer(1, 3, 20, frame), &act);
		least = act.wait_ms < least ? act.wait_ms : least;
		most = act.wait_ms > most ? act.wait_ms : most;
	}
	assert_in_range(least, 250, 260);
	assert_in_range(most, 2490, 2500);
}

static void turned_bits_never_leave_a_serial_answer_whole(void **state)
{
	static struct faults f;
	static struct fault_act act;
	uint8_t frame[FRAME_MOST];

	(void)state;
	only(&f, 'S', FAULT_flip);
	for (unsigned i = 0; i < ROUNDS; i++) {
		size_t n = rtu_answer((uint8_t)i, 3, (uint8_t)(2 * (i % 60 + 1)), frame);
		faults_choose(&f, frame, n, &act);
		assert_int_equal(act.n, n);
		assert_int_not_equal(frame_crc(act.bytes, act.n), 0);
	}
}

static void turned_bits_spare_the_data_of_tcp(void **state)
{
	static struct faults f;
	static struct fault_act act;
	uint8_t frame[FRAME_MOST];

	(void)state;
	only(&f, 'T', FAULT_flip);
	for (unsigned i = 0; i < ROUNDS; i++) {
		size_t n = tcp_answer((uint8_t)i, 20, frame);
		faults_choose(&f, frame, n, &act);
		assert_memory_not_equal(act.bytes, frame, 9);
		assert_memory_equal(act.bytes + 9, frame + 9, n - 9);
	}
}

static void an_older_answer_on_a_serial_line_is_of_another_shape(void **state)
{
	static struct faults f;
	static struct fault_act act;
	uint8_t frame[FRAME_MOST];
	unsigned replayed = 0;

	(void)state;
	only(&f, 'S', FAULT_replay);
	for (unsigned i = 0; i < ROUNDS; i++) {
		size_t n = rtu_answer((uint8_t)(1 + i % 3), (uint8_t)(3 + i % 2), 8, frame);
		faults_choose(&f, frame, n, &act);
		if (!act.n)
			continue;
		replayed++;
		assert_int_equal(frame_crc(act.bytes, act.n), 0);
		assert_false(frame_is_alike(FRAME_RTU, act.bytes, act.n, frame, n));
	}
	assert_true(replayed > ROUNDS / 2);
}

static void an_unknown_name_is_refused(void **state)
{
	(void)state;
	assert_int_equal(faults_mask("delay,drop"), 1u << FAULT_delay | 1u << FAULT_drop);
	assert_int_equal(faults_mask("delay,dropp"), 0);
	assert_true(faults_mask("all") & 1u << FAULT_black_hole);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(frames_end_where_they_end),
		cmocka_unit_test(the_same_seed_gives_the_same_troubles),
		cmocka_unit_test(every_kind_of_trouble_happens_about_as_often),
		cmocka_unit_test(late_means_half_to_five_timeouts),
		cmocka_unit_test(turned_bits_never_leave_a_serial_answer_whole),
		cmocka_unit_test(turned_bits_spare_the_data_of_tcp),
		cmocka_unit_test(an_older_answer_on_a_serial_line_is_of_another_shape),
		cmocka_unit_test(an_unknown_name_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
