/* Each misbehaviour of the device: which bytes somebody who reads it gets to see while it is on, and that
 * all is well again when it is off. Those that only spoil the answer itself are in modbus_test.c. */
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
	"  number: {area: input, address: 10, type: int, encoding: u16, poll: F}\n"
	"  long: {area: input, address: 14, type: int, encoding: u32, poll: F}\n"
	"  hours: {area: input, address: 17, type: counter, encoding: u16, poll: F}\n"
	"  alarm: {area: discrete, address: 3, type: bool, latched: true, poll: F}\n"
	"  other: {area: discrete, address: 9, type: bool, poll: F}\n"
	"  year: {area: holding, address: 100, type: int, encoding: u16, range: [2000, 2099], poll: D}\n";

enum { NUMBER, LONG, HOURS, ALARM, OTHER, YEAR };

struct bench {
	void *memory;
	struct wy_arena arena;
	struct wy_diags diags;
	struct sensor_profile *profile;
	struct sim_device device;
	struct sim_building building;
	struct sim_wire wire;
	uint32_t on_wire[1], by_unit[SIM_UNITS];
	wy_ms now_ms;
	struct sim_reply reply;
};

static int set_up(void **state)
{
	struct bench *bench = calloc(1, sizeof(*bench));
	const struct wy_node *root;
	uint32_t point;

	assert_non_null(bench);
	bench->memory = malloc(1 << 20);
	assert_non_null(bench->memory);
	wy_arena_init(&bench->arena, bench->memory, 1 << 20);
	wy_diags_init(&bench->diags, &bench->arena);
	assert_int_equal(yaml_load_text("p", profile_text, sizeof(profile_text) - 1, &bench->arena,
					&bench->diags, &root), WY_OK);
	assert_int_equal(sensor_profile_read(root, &bench->arena, &bench->diags, &bench->profile), WY_OK);
	bench->device = (struct sim_device){.id = "d", .kind = SIM_RTU, .profile = bench->profile, .unit = 7};
	assert_int_equal(sim_device_lay_out(&bench->device, &bench->arena, &point), WY_OK);
	bench->by_unit[7] = 1;
	bench->wire = (struct sim_wire){.kind = SIM_RTU, .devices = bench->on_wire, .n_devices = 1, .by_unit = bench->by_unit};
	bench->building = (struct sim_building){.devices = &bench->device, .n_devices = 1, .wires = &bench->wire, .n_wires = 1};
	bench->now_ms = 100000;
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

static void on(struct bench *bench, enum sim_quirk_id id, int64_t arg)
{
	struct sim_arming arming = {.quirk = id, .arg = arg, .is_on = true};

	assert_int_equal(sim_building_arm(&bench->building, 0, &arming, NULL), WY_OK);
}

static void off(struct bench *bench, enum sim_quirk_id id)
{
	struct sim_arming arming = {.quirk = id};

	assert_int_equal(sim_building_arm(&bench->building, 0, &arming, NULL), WY_OK);
}

static void once(struct bench *bench, enum sim_quirk_id id, int64_t arg)
{
	struct sim_arming arming = {.quirk = id, .arg = arg, .count = 1};

	assert_int_equal(sim_building_arm(&bench->building, 0, &arming, NULL), WY_OK);
}

/* A tenth of a second after the request before. */
static const struct sim_reply *ask(struct bench *bench, uint8_t function, unsigned first, unsigned count)
{
	uint8_t pdu[5] = {function, (uint8_t)(first >> 8), (uint8_t)first, (uint8_t)(count >> 8), (uint8_t)count};
	struct sim_request request = {0x77, 7, pdu, sizeof(pdu)};

	bench->now_ms += 100;
	assert_false(sim_answer(&bench->building, 0, &request, bench->now_ms, &bench->reply));
	return &bench->reply;
}

/* The words of an answer, or -1 - exception code, or -1000: silence. */
static int64_t read_words(struct bench *bench, uint8_t function, unsigned first, unsigned count)
{
	const struct sim_reply *reply = ask(bench, function, first, count);
	int64_t words = 0;

	if (reply->is_dropped)
		return -1000;
	if (reply->pdu[0] & 0x80)
		return -1 - reply->pdu[1];
	assert_int_equal(reply->pdu[0], function);
	for (size_t i = reply->n_head; i < reply->pdu_len; i++)
		words = (int64_t)((uint64_t)words << 8 | reply->pdu[i]);
	return words;
}

#define REFUSED(code) (-1 - (code))
#define SILENCE (-1000)

/* ---- The map ---------------------------------------------------------------------------------------- */

static void words_and_bytes_stand_the_other_way_round(void **state)
{
	struct bench *bench = *state;

	set(bench, LONG, 0x12345678);
	on(bench, SIM_QUIRK_swap_words, 0);
	assert_int_equal(read_words(bench, 4, 14, 2), 0x56781234);
	assert_int_equal(read_words(bench, 4, 15, 1), 0x1234); /* half of it alone */
	on(bench, SIM_QUIRK_swap_bytes, 0);
	assert_int_equal(read_words(bench, 4, 14, 2), 0x78563412);
	off(bench, SIM_QUIRK_swap_words);
	assert_int_equal(read_words(bench, 4, 14, 2), 0x34127856);
	off(bench, SIM_QUIRK_swap_bytes);
	assert_int_equal(read_words(bench, 4, 14, 2), 0x12345678);
}

static void everything_stands_one_address_further(void **state)
{
	struct bench *bench = *state;

	set(bench, NUMBER, 0x1234);
	on(bench, SIM_QUIRK_off_by_one, 0);
	assert_int_equal(read_words(bench, 4, 10, 1), REFUSED(2));
	assert_int_equal(read_words(bench, 4, 11, 1), 0x1234);
	assert_int_equal(read_words(bench, 4, 0, 1), REFUSED(2));
	off(bench, SIM_QUIRK_off_by_one);
	assert_int_equal(read_words(bench, 4, 10, 1), 0x1234);
}

static void only_the_other_area_answers(void **state)
{
	struct bench *bench = *state;

	set(bench, NUMBER, 0x1234);
	set(bench, ALARM, 1);
	on(bench, SIM_QUIRK_other_area, 0);
	assert_int_equal(read_words(bench, 4, 10, 1), REFUSED(2));
	assert_int_equal(read_words(bench, 3, 10, 1), 0x1234);
	assert_int_equal(read_words(bench, 2, 3, 1), REFUSED(2));
	assert_int_equal(read_words(bench, 1, 3, 1), 1);
}

static void a_hole_inside_a_block_fails_the_block(void **state)
{
	struct bench *bench = *state;

	assert_int_equal(read_words(bench, 4, 10, 4), 0);
	on(bench, SIM_QUIRK_holes, 0);
	assert_int_equal(read_words(bench, 4, 10, 4), REFUSED(2));
	assert_int_equal(read_words(bench, 4, 10, 1), 0);
	assert_int_equal(read_words(bench, 4, 14, 2), 0);
	assert_int_equal(read_words(bench, 4, 14, 4), REFUSED(2)); /* 16 has no point */
}

static void one_illegal_address_fails_every_block_that_holds_it(void **state)
{
	struct bench *bench = *state;

	on(bench, SIM_QUIRK_illegal, 15);
	assert_int_equal(read_words(bench, 4, 10, 8), REFUSED(2));
	assert_int_equal(read_words(bench, 4, 10, 5), 0);
	assert_int_equal(read_words(bench, 4, 16, 2), 0);
}

static void a_point_this_firmware_lacks_is_illegal(void **state)
{
	struct bench *bench = *state;

	on(bench, SIM_QUIRK_lacks, HOURS);
	assert_int_equal(read_words(bench, 4, 14, 4), REFUSED(2));
	assert_int_equal(read_words(bench, 4, 14, 3), 0);
}

static void more_registers_than_it_takes_are_refused(void **state)
{
	struct bench *bench = *state;

	on(bench, SIM_QUIRK_max_registers, 3);
	assert_int_equal(read_words(bench, 4, 10, 4), REFUSED(3));
	assert_int_equal(read_words(bench, 4, 10, 3), 0);
	assert_int_equal(read_words(bench, 2, 3, 7), 0); /* bits are another matter */
}

static void what_would_be_an_exception_is_silence(void **state)
{
	struct bench *bench = *state;

	on(bench, SIM_QUIRK_silent_errors, 0);
	assert_int_equal(read_words(bench, 4, 500, 1), SILENCE);
	assert_int_equal(read_words(bench, 4, 10, 1), 0);
}

/* ---- Values ------------------------------------------------------------------------------------------ */

static void a_frozen_device_answers_with_what_was(void **state)
{
	struct bench *bench = *state;

	set(bench, NUMBER, 1);
	on(bench, SIM_QUIRK_frozen, 0);
	set(bench, NUMBER, 2);
	assert_int_equal(read_words(bench, 4, 10, 1), 1);
	assert_int_equal(bench->device.values[NUMBER].whole, 2); /* the truth goes on */
	off(bench, SIM_QUIRK_frozen);
	assert_int_equal(read_words(bench, 4, 10, 1), 2);
}

static void a_stuck_value_stays_and_the_others_do_not(void **state)
{
	struct bench *bench = *state;

	on(bench, SIM_QUIRK_stuck, NUMBER);
	set(bench, NUMBER, 5);
	set(bench, HOURS, 6);
	assert_int_equal(read_words(bench, 4, 10, 1), 0);
	assert_int_equal(read_words(bench, 4, 17, 1), 6);
	off(bench, SIM_QUIRK_stuck);
	assert_int_equal(read_words(bench, 4, 10, 1), 5);
}

static void a_latched_alarm_waits_for_its_reset(void **state)
{
	struct bench *bench = *state;

	on(bench, SIM_QUIRK_latched, SIM_ALL_POINTS); /* those the profile marks: alarm, not other */
	set(bench, ALARM, 1);
	set(bench, OTHER, 1);
	assert_int_equal(read_words(bench, 2, 3, 7), 0x41);
	set(bench, ALARM, 0);
	set(bench, OTHER, 0);
	assert_int_equal(read_words(bench, 2, 3, 7), 0x01);
	off(bench, SIM_QUIRK_latched);
	assert_int_equal(read_words(bench, 2, 3, 7), 0);
}

/* Two masters: whoever comes second finds nothing. */
static void reading_clears_and_the_second_reader_finds_nothing(void **state)
{
	struct bench *bench = *state;

	on(bench, SIM_QUIRK_clear_on_read, ALARM);
	set(bench, ALARM, 1);
	assert_int_equal(read_words(bench, 2, 9, 1), 0); /* beside it */
	assert_int_equal(read_words(bench, 2, 3, 1), 1);
	assert_int_equal(read_words(bench, 2, 3, 1), 0);
}

static void reading_clears_even_when_the_answer_is_lost(void **state)
{
	struct bench *bench = *state;

	on(bench, SIM_QUIRK_clear_on_read, ALARM);
	set(bench, ALARM, 1);
	once(bench, SIM_QUIRK_drop, 0);
	assert_int_equal(read_words(bench, 2, 3, 1), SILENCE);
	assert_int_equal(read_words(bench, 2, 3, 1), 0);
}

static void a_profile_that_says_so_clears_without_being_told(void **state)
{
	struct bench *bench = *state;

	((struct sensor_profile_point *)(uintptr_t)&bench->profile->points[ALARM])->is_clear_on_read = true;
	set(bench, ALARM, 1);
	assert_int_equal(read_words(bench, 2, 3, 1), 1);
	assert_int_equal(read_words(bench, 2, 3, 1), 0);
}

static void a_chattering_value_goes_to_and_fro(void **state)
{
	struct bench *bench = *state;
	int64_t sum = 0, last = 0;

	on(bench, SIM_QUIRK_chatter, ALARM);
	for (int i = 0; i < 6; i++) {
		int64_t now = read_words(bench, 2, 3, 1);
		assert_true(i == 0 || now != last);
		sum += last = now;
	}
	assert_int_equal(sum, 3);
	set(bench, NUMBER, 100);
	on(bench, SIM_QUIRK_chatter, NUMBER);
	for (int i = 0; i < 6; i++) {
		int64_t now = read_words(bench, 4, 10, 1);
		assert_true(now >= 99 && now <= 101);
	}
}

static void a_counter_wraps_where_its_registers_end(void **state)
{
	struct bench *bench = *state;

	set(bench, HOURS, 65534);
	on(bench, SIM_QUIRK_counter_step, 1);
	assert_int_equal(read_words(bench, 4, 17, 1), 65535);
	assert_int_equal(read_words(bench, 4, 17, 1), 0);
	assert_int_equal(read_words(bench, 4, 17, 1), 1);
	off(bench, SIM_QUIRK_counter_step);
	once(bench, SIM_QUIRK_counter_reset, 0);
	assert_int_equal(read_words(bench, 4, 17, 1), 0);
}

static void a_torn_value_has_an_old_half(void **state)
{
	struct bench *bench = *state;

	set(bench, LONG, 0x0000FFFF);
	set(bench, LONG, 0x00010000);
	once(bench, SIM_QUIRK_tear, 0);
	assert_int_equal(read_words(bench, 4, 10, 1), 0); /* nothing to tear here: not spent */
	assert_int_equal(read_words(bench, 4, 14, 2), 0x00000000);
	assert_int_equal(read_words(bench, 4, 14, 2), 0x00010000);
}

/* A decimal pair at 9999: the high half is not yet there. */
static void a_decimal_pair_rolls_over_and_can_be_torn(void **state)
{
	struct bench *bench = *state;

	((struct sensor_profile_point *)(uintptr_t)&bench->profile->points[LONG])->encoding = SENSOR_DEC_PAIR;
	set(bench, LONG, 9999);
	assert_int_equal(read_words(bench, 4, 14, 2), 9999);
	set(bench, LONG, 10000);
	once(bench, SIM_QUIRK_tear, 0);
	assert_int_equal(read_words(bench, 4, 14, 2), 0);
	assert_int_equal(read_words(bench, 4, 14, 2), 0x00010000);
	set(bench, LONG, 99999999);
	assert_int_equal(read_words(bench, 4, 14, 2), 9999 * 65536LL + 9999);
	struct sim_value more = {.form = SIM_VALUE, .whole = 100000000};
	assert_int_equal(sim_building_set(&bench->building, 0, LONG, &more, NULL), WY_E_LIMIT);
	on(bench, SIM_QUIRK_counter_step, 1);
	((struct sensor_profile_point *)(uintptr_t)&bench->profile->points[LONG])->type = WY_TYPE_COUNTER;
	assert_int_equal(read_words(bench, 4, 14, 2), 0);
}

static void a_device_that_starts_up_reads_zero_and_forgets_the_year(void **state)
{
	struct bench *bench = *state;

	set(bench, NUMBER, 7);
	set(bench, YEAR, 2026);
	assert_int_equal(read_words(bench, 3, 100, 1), 2026);
	on(bench, SIM_QUIRK_reboot, 0);
	assert_int_equal(read_words(bench, 4, 10, 1), 0);
	assert_int_equal(read_words(bench, 3, 100, 1), 0);
	off(bench, SIM_QUIRK_reboot);
	assert_int_equal(read_words(bench, 4, 10, 1), 7);
	assert_int_equal(read_words(bench, 3, 100, 1), 2000);
}

static void the_heartbeat_of_a_profile_moves_unless_frozen(void **state)
{
	struct bench *bench = *state;

	bench->profile->liveness = "number";
	int64_t first = read_words(bench, 4, 10, 1);
	bench->now_ms += SIM_BEAT_MS;
	assert_int_equal(read_words(bench, 4, 10, 1), first + 1);
	assert_int_equal(read_words(bench, 4, 10, 1), first + 1); /* a tenth of a second later */
	on(bench, SIM_QUIRK_frozen, 0);
	bench->now_ms += SIM_BEAT_MS;
	assert_int_equal(read_words(bench, 4, 10, 1), first + 1);
}

static void a_text_stands_in_its_charset_with_nothing_behind_it(void **state)
{
	struct bench *bench = *state;
	struct sensor_profile_point *point = (struct sensor_profile_point *)(uintptr_t)&bench->profile->points[LONG];
	struct sim_device device = {.id = "t", .kind = SIM_TCP, .profile = bench->profile, .unit = 1};
	struct sim_value value = {.form = SIM_VALUE, .text = "中A"}, read = {.form = SIM_VALUE};
	const char *expected;
	char text[] = "passing";
	uint32_t which;

	*point = (struct sensor_profile_point){.name = "long", .type = WY_TYPE_INT, .area = SENSOR_INPUT,
					       .address = 12, .encoding = SENSOR_TEXT, .n_text = 4,
					       .charset = SENSOR_GB18030};
	assert_int_equal(sim_device_lay_out(&device, &bench->arena, &which), WY_OK);
	bench->device = device;
	assert_int_equal(read_words(bench, 4, 12, 4), 0);
	assert_int_equal(sim_building_set(&bench->building, 0, LONG, &value, NULL), WY_OK);
	assert_int_equal(read_words(bench, 4, 12, 4), (int64_t)0xD6D0410000000000u);
	assert_int_equal(sim_value_parse(point, text, &read, &expected), WY_OK);
	assert_int_equal(sim_building_set(&bench->building, 0, LONG, &read, NULL), WY_OK);
	text[0] = 'X'; /* the building keeps a copy */
	assert_string_equal(bench->device.values[LONG].text, "passing");
	value.text = "五个汉字太长";
	assert_int_equal(sim_building_set(&bench->building, 0, LONG, &value, NULL), WY_E_LIMIT);
	point->charset = SENSOR_ASCII;
	value.text = "中";
	assert_int_equal(sim_building_set(&bench->building, 0, LONG, &value, NULL), WY_E_LIMIT);
	assert_string_equal(bench->device.values[LONG].text, "passing");
}

static void a_factor_chosen_by_a_register_is_taken_off(void **state)
{
	struct bench *bench = *state;
	struct sensor_profile_point *point = (struct sensor_profile_point *)(uintptr_t)&bench->profile->points[NUMBER];
	static const double scales[] = {1, 0.1, 0.01};

	point->type = WY_TYPE_REAL;
	point->scale_by = "hours";
	point->scale_choices = scales;
	point->n_scale_choices = 3;
	struct sim_value value = {.form = SIM_VALUE, .real = 2.5};
	set(bench, HOURS, 2);
	assert_int_equal(sim_building_set(&bench->building, 0, NUMBER, &value, NULL), WY_OK);
	assert_int_equal(read_words(bench, 4, 10, 1), 250);
	set(bench, HOURS, 1); /* switched while it runs */
	assert_int_equal(read_words(bench, 4, 10, 1), 25);
}

/* ---- Pace -------------------------------------------------------------------------------------------- */

static void half_of_the_answers_come_within_the_median(void **state)
{
	struct bench *bench = *state;
	unsigned quick = 0, slow = 0;

	on(bench, SIM_QUIRK_latency, 100);
	for (int i = 0; i < 1000; i++) {
		const struct sim_reply *reply = ask(bench, 4, 10, 1);
		assert_true(reply->delay_ms >= 50 && reply->delay_ms <= 800);
		quick += reply->delay_ms <= 100;
		slow += reply->delay_ms > 400;
	}
	assert_true(quick > 400 && quick < 600);
	assert_true(slow > 0 && slow < 40);
}

static void requests_too_close_together_are_0b(void **state)
{
	struct bench *bench = *state;

	on(bench, SIM_QUIRK_too_fast, 200);
	bench->now_ms += 1000;
	assert_int_equal(read_words(bench, 4, 10, 1), 0);
	assert_int_equal(read_words(bench, 4, 10, 1), REFUSED(0x0B)); /* 100 ms later */
	bench->now_ms += 100;
	assert_int_equal(read_words(bench, 4, 10, 1), 0);
}

static void more_than_it_can_take_in_a_second_are_refused(void **state)
{
	struct bench *bench = *state;

	on(bench, SIM_QUIRK_refuse_above, 3);
	bench->now_ms += 2000;
	for (int i = 0; i < 3; i++)
		assert_int_equal(read_words(bench, 4, 10, 1), 0);
	assert_int_equal(read_words(bench, 4, 10, 1), REFUSED(6));
	bench->now_ms += 1000;
	assert_int_equal(read_words(bench, 4, 10, 1), 0);
}

static void more_than_it_can_take_in_a_second_crash_it(void **state)
{
	struct bench *bench = *state;

	bench->device.kind = SIM_TCP;
	on(bench, SIM_QUIRK_crash_above, 2);
	bench->now_ms += 2000;
	assert_int_equal(read_words(bench, 4, 10, 1), 0);
	assert_int_equal(read_words(bench, 4, 10, 1), 0);
	assert_int_equal(read_words(bench, 4, 10, 1), SILENCE);
	assert_true(bench->reply.is_resetting);
	bench->now_ms += 2000;
	assert_int_equal(read_words(bench, 4, 10, 1), SILENCE); /* hung, until somebody with a clock ends it */
	off(bench, SIM_QUIRK_hung);
	assert_int_equal(read_words(bench, 4, 10, 1), 0);
}

/* ---- The line ---------------------------------------------------------------------------------------- */

static size_t frame(struct bench *bench, uint8_t function, unsigned first, unsigned count, uint8_t bytes[SIM_FRAME_MAX])
{
	(void)ask(bench, function, first, count);
	return sim_frame_build(bench->device.kind, &bench->reply, bytes);
}

static bool has_good_crc(const uint8_t *bytes, size_t len)
{
	return len > 2 && sim_crc(bytes, len - 2) == (bytes[len - 2] | bytes[len - 1] << 8);
}

static void a_twin_answers_instead_or_as_well(void **state)
{
	struct bench *bench = *state;
	unsigned own = 0, other = 0, mixed = 0, both = 0;

	set(bench, NUMBER, 0x1234);
	on(bench, SIM_QUIRK_twin, 0);
	for (int i = 0; i < 8; i++) {
		uint8_t bytes[SIM_FRAME_MAX];
		size_t len = frame(bench, 4, 10, 1, bytes);
		if (len == 14) {
			both++;
			assert_true(has_good_crc(bytes, 7) && has_good_crc(bytes + 7, 7));
			continue;
		}
		assert_int_equal(len, 7);
		mixed += !has_good_crc(bytes, len);
		own += has_good_crc(bytes, len) && bytes[3] == 0x12;
		other += has_good_crc(bytes, len) && bytes[3] == 0;
	}
	assert_int_equal(own, 2);
	assert_int_equal(other, 2);
	assert_int_equal(mixed, 2);
	assert_int_equal(both, 2);
}

static void another_speed_is_noise(void **state)
{
	struct bench *bench = *state;
	uint8_t bytes[SIM_FRAME_MAX];

	on(bench, SIM_QUIRK_wrong_baud, 0);
	size_t len = frame(bench, 4, 10, 8, bytes);
	assert_int_equal(len, 10); /* of 21 */
	assert_false(has_good_crc(bytes, len));
}

static void a_stray_answer_is_well_formed_and_for_somebody_else(void **state)
{
	struct bench *bench = *state;
	uint8_t bytes[SIM_FRAME_MAX];

	set(bench, NUMBER, 0x1234);
	once(bench, SIM_QUIRK_stray, 0);
	(void)ask(bench, 4, 10, 1);
	assert_true(bench->reply.has_stray);
	struct sim_reply stray = sim_reply_stray(SIM_RTU, &bench->reply);
	size_t len = sim_frame_build(SIM_RTU, &stray, bytes);
	assert_true(has_good_crc(bytes, len));
	assert_int_equal(bytes[0], 8);
	assert_int_equal(bytes[3], 0xED);
	stray = sim_reply_stray(SIM_TCP, &bench->reply);
	(void)sim_frame_build(SIM_TCP, &stray, bytes);
	assert_int_equal(bytes[6], 7);
	assert_int_equal(bytes[0] << 8 | bytes[1], 0x77 + 1000);
}

static void the_long_length_makes_an_answer_of_2n_and_6_bytes(void **state)
{
	struct bench *bench = *state;
	uint8_t bytes[SIM_FRAME_MAX];
	static const uint8_t whole[] = {7, 4, 0, 4, 0x12, 0x34, 0, 0}, error[] = {7, 4, 0x80, 0x01, 0, 2};

	bench->profile->framing = SENSOR_FRAMING_NICE_LEN16;
	set(bench, NUMBER, 0x1234);
	assert_int_equal(frame(bench, 4, 10, 2, bytes), 2 * 2 + 6);
	assert_memory_equal(bytes, whole, sizeof(whole));
	assert_true(has_good_crc(bytes, 10));
	assert_int_equal(frame(bench, 4, 500, 1, bytes), 8); /* its errors have a shape of their own */
	assert_memory_equal(bytes, error, sizeof(error));
	once(bench, SIM_QUIRK_error_8001, 7);
	assert_int_equal(frame(bench, 4, 10, 1, bytes), 8);
	assert_int_equal(bytes[5], 7);
	assert_true(has_good_crc(bytes, 8));
	bench->device.kind = SIM_TCP; /* where there is no such thing */
	assert_int_equal(frame(bench, 4, 10, 2, bytes), 6 + 3 + 2 * 2);
}

static void a_checksum_by_exclusive_or_is_asked_for_and_given(void **state)
{
	struct bench *bench = *state;
	uint8_t bytes[SIM_FRAME_MAX] = {7, 4, 0, 10, 0, 1};
	struct sim_request request;

	bench->device.has_xor = true;
	bench->device.xor_seed = 0x1234;
	bytes[6] = 0x34 ^ 7 ^ 4 ^ 10 ^ 1;
	bytes[7] = 0x12;
	assert_int_equal(sim_frame_rtu(&bench->building, &bench->wire, bytes, 8, false, &request), 8);
	bytes[7] = 0x13;
	assert_int_equal(sim_frame_rtu(&bench->building, &bench->wire, bytes, 8, false, &request), SIM_NOT_A_FRAME);
	assert_int_equal(frame(bench, 4, 10, 1, bytes), 7);
	assert_int_equal(bytes[5], 0x34 ^ 7 ^ 4 ^ 2);
	assert_int_equal(bytes[6], 0x12);
}

/* ---- Switching ---------------------------------------------------------------------------------------- */

static void a_misbehaviour_of_answers_can_stay_on(void **state)
{
	struct bench *bench = *state;

	on(bench, SIM_QUIRK_drop, 0);
	for (int i = 0; i < 5; i++)
		assert_int_equal(read_words(bench, 4, 10, 1), SILENCE);
	off(bench, SIM_QUIRK_drop);
	assert_int_equal(read_words(bench, 4, 10, 1), 0);
}

static void a_state_is_not_spent_and_takes_no_count(void **state)
{
	struct bench *bench = *state;
	struct sim_arming arming = {.quirk = SIM_QUIRK_frozen, .count = 3};

	assert_int_equal(sim_building_arm(&bench->building, 0, &arming, NULL), WY_E_UNSUPPORTED);
	assert_false(sim_device_is(&bench->device, SIM_QUIRK_frozen));
	on(bench, SIM_QUIRK_frozen, 0);
	for (int i = 0; i < 3; i++)
		(void)ask(bench, 4, 10, 1);
	assert_true(sim_device_is(&bench->device, SIM_QUIRK_frozen));
	assert_true(sim_wire_is(&bench->building, &bench->wire, SIM_QUIRK_frozen, NULL));
	off(bench, SIM_QUIRK_frozen);
	assert_false(sim_wire_is(&bench->building, &bench->wire, SIM_QUIRK_frozen, NULL));
}

static void all_needs_a_point_it_could_mean(void **state)
{
	struct bench *bench = *state;
	struct sim_arming arming = {.quirk = SIM_QUIRK_clear_on_read, .arg = SIM_ALL_POINTS, .is_on = true};

	assert_int_equal(sim_building_arm(&bench->building, 0, &arming, NULL), WY_E_UNSUPPORTED);
	arming.arg = 6; /* past the last */
	assert_int_equal(sim_building_arm(&bench->building, 0, &arming, NULL), WY_E_UNSUPPORTED);
	arming.arg = YEAR;
	assert_int_equal(sim_building_arm(&bench->building, 0, &arming, NULL), WY_OK);
}

static void requests_are_counted_by_function_code(void **state)
{
	struct bench *bench = *state;

	(void)ask(bench, 4, 10, 1);
	(void)ask(bench, 4, 500, 1);
	(void)ask(bench, 2, 3, 1);
	assert_int_equal(bench->building.n_asked[4], 2);
	assert_int_equal(bench->building.n_asked[2], 1);
	assert_int_equal(bench->building.n_asked[3], 0);
}

int main(void)
{
#define ROW(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		ROW(words_and_bytes_stand_the_other_way_round),
		ROW(everything_stands_one_address_further),
		ROW(only_the_other_area_answers),
		ROW(a_hole_inside_a_block_fails_the_block),
		ROW(one_illegal_address_fails_every_block_that_holds_it),
		ROW(a_point_this_firmware_lacks_is_illegal),
		ROW(more_registers_than_it_takes_are_refused),
		ROW(what_would_be_an_exception_is_silence),
		ROW(a_frozen_device_answers_with_what_was),
		ROW(a_stuck_value_stays_and_the_others_do_not),
		ROW(a_latched_alarm_waits_for_its_reset),
		ROW(reading_clears_and_the_second_reader_finds_nothing),
		ROW(reading_clears_even_when_the_answer_is_lost),
		ROW(a_profile_that_says_so_clears_without_being_told),
		ROW(a_chattering_value_goes_to_and_fro),
		ROW(a_counter_wraps_where_its_registers_end),
		ROW(a_torn_value_has_an_old_half),
		ROW(a_decimal_pair_rolls_over_and_can_be_torn),
		ROW(a_device_that_starts_up_reads_zero_and_forgets_the_year),
		ROW(the_heartbeat_of_a_profile_moves_unless_frozen),
		ROW(a_text_stands_in_its_charset_with_nothing_behind_it),
		ROW(a_factor_chosen_by_a_register_is_taken_off),
		ROW(half_of_the_answers_come_within_the_median),
		ROW(requests_too_close_together_are_0b),
		ROW(more_than_it_can_take_in_a_second_are_refused),
		ROW(more_than_it_can_take_in_a_second_crash_it),
		ROW(a_twin_answers_instead_or_as_well),
		ROW(another_speed_is_noise),
		ROW(a_stray_answer_is_well_formed_and_for_somebody_else),
		ROW(the_long_length_makes_an_answer_of_2n_and_6_bytes),
		ROW(a_checksum_by_exclusive_or_is_asked_for_and_given),
		ROW(a_misbehaviour_of_answers_can_stay_on),
		ROW(a_state_is_not_spent_and_takes_no_count),
		ROW(all_needs_a_point_it_could_mean),
		ROW(requests_are_counted_by_function_code),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
