/* The server side of Modbus, byte by byte: frames that come in pieces, ranges, refusals, and what each
 * misbehaviour does to an answer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "answer.h"
#include "yaml_tree.h"

static const char profile_text[] =
	"weiyu: profile/1\nid: made-up\ntransport: modbus\nvendor: v\nmodel: m\n"
	"title_zh: t\ntitle_en: t\nsource: s\naddress_base: 0\n"
	"limits: {max_registers: 40, max_bits: 64, max_gap: 4, min_interval: 20ms, timeout: 1s}\n"
	"classes: {F: 1s, M: 10s, S: 60s, D: 1h}\npoints:\n"
	"  a: {area: input, address: 10, type: int, encoding: u16, poll: F}\n"
	"  b: {area: input, address: 15, type: int, encoding: u16, poll: F}\n"
	"  c: {area: input, address: 30, type: counter, encoding: u32, poll: F}\n"
	"  d: {area: discrete, address: 3, type: bool, poll: F}\n"
	"  e: {area: discrete, address: 9, type: bool, poll: F}\n"
	"  f: {area: holding, address: 65535, type: int, encoding: u16, poll: F}\n";

struct bench {
	void *memory;
	struct wy_arena arena;
	struct wy_diags diags;
	struct sim_device device;
	struct sim_building building;
	struct sim_wire wire;
	uint32_t on_wire[1], by_unit[SIM_UNITS];
};

static int set_up(void **state)
{
	struct bench *bench = calloc(1, sizeof(*bench));
	const struct wy_node *root;
	struct sensor_profile *profile;
	uint32_t point;

	assert_non_null(bench);
	bench->memory = malloc(1 << 20);
	assert_non_null(bench->memory);
	wy_arena_init(&bench->arena, bench->memory, 1 << 20);
	wy_diags_init(&bench->diags, &bench->arena);
	assert_int_equal(yaml_load_text("p", profile_text, sizeof(profile_text) - 1, &bench->arena,
					&bench->diags, &root), WY_OK);
	assert_int_equal(sensor_profile_read(root, &bench->arena, &bench->diags, &profile), WY_OK);
	bench->device = (struct sim_device){.id = "d", .kind = SIM_TCP, .profile = profile, .unit = 7};
	assert_int_equal(sim_device_lay_out(&bench->device, &bench->arena, &point), WY_OK);
	bench->by_unit[7] = 1;
	bench->wire = (struct sim_wire){.kind = SIM_RTU, .devices = bench->on_wire, .n_devices = 1, .by_unit = bench->by_unit};
	bench->building = (struct sim_building){.devices = &bench->device, .n_devices = 1, .wires = &bench->wire, .n_wires = 1};
	*state = bench;
	return 0;
}

static int tear_down(void **state)
{
	struct bench *bench = *state;

	free(bench->memory);
	free(bench);
	return 0;
}

static void set(struct bench *bench, uint32_t point, int64_t whole)
{
	struct sim_value value = {.form = SIM_VALUE, .whole = whole};

	assert_int_equal(sim_building_set(&bench->building, 0, point, &value, NULL), WY_OK);
}

/* ---- Frames in ---------------------------------------------------------------------------------- */

static void a_tcp_frame_is_taken_only_when_it_is_whole(void **state)
{
	static const uint8_t bytes[] = {0x12, 0x34, 0, 0, 0, 6, 7, 4, 0, 10, 0, 1, 0xEE};
	struct sim_request request;

	(void)state;
	for (size_t len = 0; len < 12; len++)
		assert_int_equal(sim_frame_tcp(bytes, len, &request), SIM_NEED_MORE);
	assert_int_equal(sim_frame_tcp(bytes, sizeof(bytes), &request), 12);
	assert_int_equal(request.transaction, 0x1234);
	assert_int_equal(request.unit, 7);
	assert_int_equal(request.pdu_len, 5);
	assert_int_equal(request.pdu[0], 4);
}

static void a_tcp_stream_that_makes_no_sense_is_known_as_such(void **state)
{
	static const uint8_t rows[][7] = {
		{0, 0, 0, 1, 0, 6, 7},	    /* protocol id */
		{0, 0, 0, 0, 0, 1, 7},	    /* no function code */
		{0, 0, 0, 0, 0, 0, 7},	    /* nothing */
		{0, 0, 0, 0, 0, 255, 7},    /* longer than a PDU may be */
		{0, 0, 0, 0, 0xFF, 0xFF, 7},
	};
	struct sim_request request;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(sim_frame_tcp(rows[i], 7, &request), SIM_NOT_A_FRAME);
}

static size_t with_crc(uint8_t *bytes, size_t len)
{
	uint16_t crc = sim_crc(bytes, len);

	bytes[len] = (uint8_t)crc;
	bytes[len + 1] = (uint8_t)(crc >> 8);
	return len + 2;
}

static void the_checksum_is_the_one_of_the_specification(void **state)
{
	static const uint8_t bytes[] = {0x01, 0x04, 0x02, 0xFF, 0xFF};

	(void)state;
	assert_int_equal(sim_crc(bytes, sizeof(bytes)), 0x80B8);
}

static void a_serial_frame_needs_its_length_and_its_checksum(void **state)
{
	uint8_t bytes[16] = {7, 4, 0, 10, 0, 1};
	size_t whole = with_crc(bytes, 6);
	struct sim_request request;

	struct bench *bench = *state;
	for (size_t len = 0; len < whole; len++)
		assert_int_equal(sim_frame_rtu(&bench->building, &bench->wire, bytes, len, false, &request), SIM_NEED_MORE);
	assert_int_equal(sim_frame_rtu(&bench->building, &bench->wire, bytes, whole - 1, true, &request), SIM_NOT_A_FRAME);
	assert_int_equal(sim_frame_rtu(&bench->building, &bench->wire, bytes, whole, false, &request), 8);
	assert_int_equal(request.unit, 7);
	assert_int_equal(request.pdu_len, 5);
	bytes[3] ^= 1;
	assert_int_equal(sim_frame_rtu(&bench->building, &bench->wire, bytes, whole, false, &request), SIM_NOT_A_FRAME);
}

static void a_serial_frame_of_unknown_code_ends_with_silence(void **state)
{
	uint8_t bytes[16] = {7, 0x5A, 1, 2, 3};
	size_t whole = with_crc(bytes, 5);
	struct sim_request request;

	struct bench *bench = *state;
	assert_int_equal(sim_frame_rtu(&bench->building, &bench->wire, bytes, whole, false, &request), SIM_NEED_MORE);
	assert_int_equal(sim_frame_rtu(&bench->building, &bench->wire, bytes, whole, true, &request), (int)whole);
	assert_int_equal(request.pdu[0], 0x5A);
	assert_int_equal(request.pdu_len, 4);
}

static void a_serial_write_of_many_registers_is_taken_whole(void **state)
{
	uint8_t bytes[32] = {7, 16, 0, 10, 0, 2, 4, 1, 2, 3, 4};
	size_t whole = with_crc(bytes, 11);
	struct sim_request request;

	struct bench *bench = *state;
	assert_int_equal(sim_frame_rtu(&bench->building, &bench->wire, bytes, whole, false, &request), (int)whole);
	assert_int_equal(request.pdu_len, 10);
}

/* ---- Answers -------------------------------------------------------------------------------------- */

static bool ask(struct bench *bench, uint8_t function, unsigned first, unsigned count, struct sim_reply *reply)
{
	uint8_t pdu[5] = {function, (uint8_t)(first >> 8), (uint8_t)first, (uint8_t)(count >> 8), (uint8_t)count};
	struct sim_request request = {0x77, 7, pdu, sizeof(pdu)};

	return sim_answer(&bench->building, 0, &request, 1000, reply);
}

static void registers_and_bits_are_packed_as_on_the_wire(void **state)
{
	struct bench *bench = *state;
	struct sim_reply reply;
	static const uint8_t words[] = {4, 12, 0x12, 0x34, 0, 0, 0, 0, 0, 0, 0, 0, 0xAB, 0xCD};
	static const uint8_t bits[] = {2, 1, 0x41};

	set(bench, 0, 0x1234);
	set(bench, 1, 0xABCD);
	set(bench, 3, 1);
	set(bench, 4, 1);
	assert_false(ask(bench, 4, 10, 6, &reply));
	assert_int_equal(reply.pdu_len, sizeof(words));
	assert_memory_equal(reply.pdu, words, sizeof(words));
	assert_false(ask(bench, 2, 3, 7, &reply));
	assert_int_equal(reply.pdu_len, sizeof(bits));
	assert_memory_equal(reply.pdu, bits, sizeof(bits));
}

static void ranges_are_answered_or_refused_with_the_right_code(void **state)
{
	static const struct {
		uint8_t function;
		unsigned first, count;
		uint8_t code; /* 0: answered */
	} rows[] = {
		{4, 10, 1, 0},	 {4, 15, 1, 0},	  {4, 12, 2, 0},    /* the hole is small enough */
		{4, 9, 1, 2},	 {4, 16, 1, 2},	  {4, 15, 2, 2},    {4, 20, 1, 2},
		{4, 10, 22, 2},	 {4, 30, 2, 0},	  {4, 31, 1, 0},    {4, 31, 2, 2},
		{3, 10, 1, 2},	 {3, 65535, 1, 0}, {3, 65535, 2, 2}, {1, 3, 1, 2},
		{2, 3, 7, 0},	 {2, 2, 1, 2},	  {2, 9, 2, 2},	    {4, 10, 0, 3},
		{4, 10, 41, 3},	 {2, 3, 65, 3},	  {43, 10, 1, 1},   {7, 10, 1, 1},
	};
	struct sim_reply reply;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_false(ask(*state, rows[i].function, rows[i].first, rows[i].count, &reply));
		if (rows[i].code == 0) {
			assert_int_equal(reply.pdu[0], rows[i].function);
			continue;
		}
		if (reply.pdu[0] != (rows[i].function | 0x80) || reply.pdu[1] != rows[i].code)
			fail_msg("function %u, %u+%u: code %u", rows[i].function, rows[i].first,
				 rows[i].count, reply.pdu[1]);
		assert_int_equal(reply.pdu_len, 2);
	}
}

static void every_code_that_could_change_a_device_is_a_write_attempt(void **state)
{
	static const uint8_t reads[] = {1, 2, 3, 4, 7, 11, 12, 17, 20, 24, 43};

	for (unsigned code = 0; code < 128; code++) {
		struct sim_reply reply;
		bool is_read = memchr(reads, (int)code, sizeof(reads)) != NULL;

		assert_int_equal(ask(*state, (uint8_t)code, 10, 1, &reply), !is_read);
		if (is_read)
			continue;
		assert_int_equal(reply.pdu[0], code | 0x80);
		assert_int_equal(reply.pdu[1], 1);
	}
}

static void a_request_of_the_wrong_length_is_refused(void **state)
{
	static const uint8_t pdu[] = {4, 0, 10, 0, 1, 9};
	struct bench *bench = *state;
	struct sim_reply reply;

	for (size_t len = 1; len <= sizeof(pdu); len++) {
		struct sim_request request = {1, 7, pdu, len};
		assert_false(sim_answer(&bench->building, 0, &request, 1000, &reply));
		assert_int_equal(reply.pdu[0], len == 5 ? 4 : 0x84);
	}
}

/* ---- Misbehaviours ---------------------------------------------------------------------------------- */

static enum wy_err arm(struct bench *bench, enum sim_quirk_id id, int64_t arg, uint32_t count)
{
	struct sim_arming arming = {.quirk = id, .arg = arg, .count = count};

	return sim_building_arm(&bench->building, 0, &arming, NULL);
}

static size_t spoiled(struct bench *bench, enum sim_kind kind, enum sim_quirk_id id, int64_t arg,
		      struct sim_reply *reply, uint8_t bytes[SIM_FRAME_MAX])
{
	bench->device.kind = kind;
	assert_int_equal(arm(bench, id, arg, 1), WY_OK);
	(void)ask(bench, 4, 10, 1, reply);
	return sim_frame_build(kind, reply, bytes);
}

static void misbehaviours_change_just_what_they_say(void **state)
{
	struct bench *bench = *state;
	struct sim_reply reply;
	uint8_t bytes[SIM_FRAME_MAX];

	set(bench, 0, 0x1234);
	(void)spoiled(bench, SIM_TCP, SIM_QUIRK_delay, 700, &reply, bytes);
	assert_int_equal(reply.delay_ms, 700);
	(void)spoiled(bench, SIM_TCP, SIM_QUIRK_drop, 0, &reply, bytes);
	assert_true(reply.is_dropped);
	assert_int_equal(spoiled(bench, SIM_TCP, SIM_QUIRK_exception, 6, &reply, bytes), 9);
	assert_int_equal(bytes[7], 0x84);
	assert_int_equal(bytes[8], 6);
	(void)spoiled(bench, SIM_TCP, SIM_QUIRK_wrong_unit, 9, &reply, bytes);
	assert_int_equal(bytes[6], 9);
	(void)spoiled(bench, SIM_TCP, SIM_QUIRK_wrong_function, 3, &reply, bytes);
	assert_int_equal(bytes[7], 3);
	(void)spoiled(bench, SIM_TCP, SIM_QUIRK_wrong_transaction, 1, &reply, bytes);
	assert_int_equal(bytes[1], 0x78);
	assert_int_equal(spoiled(bench, SIM_TCP, SIM_QUIRK_truncate, 5, &reply, bytes), 5);
	(void)spoiled(bench, SIM_TCP, SIM_QUIRK_duplicate, 0, &reply, bytes);
	assert_int_equal(reply.copies, 2);
	(void)spoiled(bench, SIM_TCP, SIM_QUIRK_drip, 50, &reply, bytes);
	assert_int_equal(reply.drip_ms, 50);
	(void)spoiled(bench, SIM_TCP, SIM_QUIRK_close, 0, &reply, bytes);
	assert_true(reply.is_closing);
	assert_int_equal(spoiled(bench, SIM_RTU, SIM_QUIRK_garbage, 3, &reply, bytes), 3 + 7);
	assert_int_equal(bytes[3], 7);
	assert_int_equal(spoiled(bench, SIM_RTU, SIM_QUIRK_garbage, 1000, &reply, bytes), SIM_GARBAGE_MAX + 7);
	assert_int_equal(spoiled(bench, SIM_RTU, SIM_QUIRK_bad_crc, 0, &reply, bytes), 7);
	uint16_t crc = sim_crc(bytes, 5);
	assert_int_not_equal(bytes[5] | bytes[6] << 8, crc);
}

static void a_misbehaviour_ends_when_its_answers_are_spent(void **state)
{
	struct bench *bench = *state;
	struct sim_reply reply;

	assert_int_equal(arm(bench, SIM_QUIRK_drop, 0, 2), WY_OK);
	for (int i = 0; i < 4; i++) {
		(void)ask(bench, 4, 10, 1, &reply);
		assert_int_equal(reply.is_dropped, i < 2);
	}
}

static void a_misbehaviour_of_another_wire_is_refused(void **state)
{
	struct bench *bench = *state;

	assert_int_equal(arm(bench, SIM_QUIRK_bad_crc, 0, 1), WY_E_UNSUPPORTED);
	bench->device.kind = SIM_RTU;
	assert_int_equal(arm(bench, SIM_QUIRK_close, 0, 1), WY_E_UNSUPPORTED);
	bench->device.kind = SIM_COAP;
	assert_int_equal(arm(bench, SIM_QUIRK_duplicate, 0, 1), WY_E_UNSUPPORTED);
}

/* An answer as long as Modbus allows, behind as much garbage as there may be, stays inside its buffer. */
static void the_longest_answer_fits_its_frame(void **state)
{
	struct sim_reply reply = {.pdu_len = SIM_PDU_MAX, .garbage = SIM_GARBAGE_MAX, .keep = SIM_FRAME_MAX};
	uint8_t bytes[SIM_FRAME_MAX];

	(void)state;
	assert_true(sim_frame_build(SIM_TCP, &reply, bytes) <= SIM_FRAME_MAX);
	assert_true(sim_frame_build(SIM_RTU, &reply, bytes) <= SIM_FRAME_MAX);
}

int main(void)
{
#define ROW(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		ROW(a_tcp_frame_is_taken_only_when_it_is_whole),
		ROW(a_tcp_stream_that_makes_no_sense_is_known_as_such),
		ROW(the_checksum_is_the_one_of_the_specification),
		ROW(a_serial_frame_needs_its_length_and_its_checksum),
		ROW(a_serial_frame_of_unknown_code_ends_with_silence),
		ROW(a_serial_write_of_many_registers_is_taken_whole),
		ROW(registers_and_bits_are_packed_as_on_the_wire),
		ROW(ranges_are_answered_or_refused_with_the_right_code),
		ROW(every_code_that_could_change_a_device_is_a_write_attempt),
		ROW(a_request_of_the_wrong_length_is_refused),
		ROW(misbehaviours_change_just_what_they_say),
		ROW(a_misbehaviour_ends_when_its_answers_are_spent),
		ROW(a_misbehaviour_of_another_wire_is_refused),
		ROW(the_longest_answer_fits_its_frame),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
