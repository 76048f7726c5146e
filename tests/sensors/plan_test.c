/* Which reads come out of which points: a row per case. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "plan.h"

#define COUNT(rows) (sizeof(rows) / sizeof(*(rows)))
#define ALL 0xFu

struct row_point {
	enum sensor_area area;
	uint16_t address;
	enum sensor_encoding encoding;
	enum sensor_poll_class poll;
	int unit_by; /* index + 1 of the point that gives the unit; 0: none */
};

static const char *const names[] = {"p0", "p1", "p2", "p3", "p4", "p5"};

static const struct row {
	const char *what;
	uint16_t max_registers, max_bits, max_gap;
	unsigned mask;
	size_t n_points;
	struct row_point points[6];
	const char *expected; /* area letter, address + count, per read */
} rows[] = {
	{"neighbours share a read",
	 125,
	 2000,
	 0,
	 ALL,
	 3,
	 {{SENSOR_INPUT, 0, SENSOR_U16, 0, 0},
	  {SENSOR_INPUT, 1, SENSOR_F32, 0, 0},
	  {SENSOR_INPUT, 3, SENSOR_U16, 0, 0}},
	 "i0+4 "},
	{"declaration order does not matter",
	 125,
	 2000,
	 0,
	 ALL,
	 3,
	 {{SENSOR_INPUT, 3, SENSOR_U16, 0, 0},
	  {SENSOR_INPUT, 0, SENSOR_U16, 0, 0},
	  {SENSOR_INPUT, 1, SENSOR_U32, 0, 0}},
	 "i0+4 "},
	{"no hole is read without leave",
	 125,
	 2000,
	 0,
	 ALL,
	 2,
	 {{SENSOR_HOLDING, 10, SENSOR_U16, 0, 0}, {SENSOR_HOLDING, 12, SENSOR_U16, 0, 0}},
	 "h10+1 h12+1 "},
	{"a hole of max_gap is read over",
	 125,
	 2000,
	 2,
	 ALL,
	 3,
	 {{SENSOR_HOLDING, 10, SENSOR_U16, 0, 0},
	  {SENSOR_HOLDING, 13, SENSOR_U16, 0, 0},
	  {SENSOR_HOLDING, 17, SENSOR_U16, 0, 0}},
	 "h10+4 h17+1 "},
	{"areas never mix",
	 125,
	 2000,
	 9,
	 ALL,
	 4,
	 {{SENSOR_HOLDING, 1, SENSOR_U16, 0, 0},
	  {SENSOR_INPUT, 0, SENSOR_U16, 0, 0},
	  {SENSOR_COIL, 0, SENSOR_BIT, 0, 0},
	  {SENSOR_DISCRETE, 0, SENSOR_BIT, 0, 0}},
	 "c0+1 d0+1 i0+1 h1+1 "},
	{"a value is never cut at the limit",
	 3,
	 2000,
	 0,
	 ALL,
	 2,
	 {{SENSOR_INPUT, 0, SENSOR_U32, 0, 0}, {SENSOR_INPUT, 2, SENSOR_U32, 0, 0}},
	 "i0+2 i2+2 "},
	{"a read fills the limit exactly",
	 4,
	 2000,
	 0,
	 ALL,
	 3,
	 {{SENSOR_INPUT, 0, SENSOR_U32, 0, 0},
	  {SENSOR_INPUT, 2, SENSOR_U32, 0, 0},
	  {SENSOR_INPUT, 4, SENSOR_U16, 0, 0}},
	 "i0+4 i4+1 "},
	{"bits of one register are one read",
	 125,
	 2000,
	 0,
	 ALL,
	 3,
	 {{SENSOR_INPUT, 7, SENSOR_BIT, 0, 0},
	  {SENSOR_INPUT, 7, SENSOR_BIT, 0, 0},
	  {SENSOR_INPUT, 7, SENSOR_BIT, 0, 0}},
	 "i7+1 "},
	{"only the classes asked for",
	 125,
	 2000,
	 0,
	 1u << SENSOR_FAST,
	 3,
	 {{SENSOR_INPUT, 0, SENSOR_U16, SENSOR_FAST, 0},
	  {SENSOR_INPUT, 1, SENSOR_U16, SENSOR_SLOW, 0},
	  {SENSOR_INPUT, 2, SENSOR_U16, SENSOR_FAST, 0}},
	 "i0+1 i2+1 "},
	{"the unit register comes along, whatever its class",
	 125,
	 2000,
	 0,
	 1u << SENSOR_FAST,
	 2,
	 {{SENSOR_INPUT, 1, SENSOR_U16, SENSOR_FAST, 2},
	  {SENSOR_INPUT, 4, SENSOR_U16, SENSOR_DAILY, 0}},
	 "i1+4 "},
	{"a pair is not torn by the limit",
	 3,
	 2000,
	 0,
	 ALL,
	 3,
	 {{SENSOR_INPUT, 0, SENSOR_U16, 0, 0},
	  {SENSOR_INPUT, 2, SENSOR_U16, 0, 3},
	  {SENSOR_INPUT, 3, SENSOR_U16, 0, 0}},
	 "i0+1 i2+2 "},
	{"a unit register in front of its value",
	 125,
	 2000,
	 0,
	 ALL,
	 2,
	 {{SENSOR_INPUT, 5, SENSOR_U32, 0, 2}, {SENSOR_INPUT, 4, SENSOR_U16, 0, 0}},
	 "i4+3 "},
	{"bits have their own limit",
	 125,
	 8,
	 0,
	 ALL,
	 2,
	 {{SENSOR_DISCRETE, 0, SENSOR_BIT, 0, 0}, {SENSOR_DISCRETE, 8, SENSOR_BIT, 0, 0}},
	 "d0+1 d8+1 "},
	{"the last register of all",
	 125,
	 2000,
	 8,
	 ALL,
	 1,
	 {{SENSOR_HOLDING, 65535, SENSOR_U16, 0, 0}},
	 "h65535+1 "},
	{"nothing of this class",
	 125,
	 2000,
	 0,
	 1u << SENSOR_DAILY,
	 1,
	 {{SENSOR_HOLDING, 0, SENSOR_U16, SENSOR_FAST, 0}},
	 ""},
};

static void build(const struct row *row, struct sensor_profile_point points[6],
		  struct sensor_profile *ret)
{
	for (size_t i = 0; i < row->n_points; i++) {
		const struct row_point *from = &row->points[i];
		points[i] = (struct sensor_profile_point){
			.name = names[i],
			.area = from->area,
			.address = from->address,
			.encoding = from->encoding,
			.poll = from->poll,
			.unit_by = from->unit_by ? names[from->unit_by - 1] : NULL};
	}
	*ret = (struct sensor_profile){.points = points,
				       .n_points = row->n_points,
				       .max_registers = row->max_registers,
				       .max_bits = row->max_bits,
				       .max_gap = row->max_gap};
}

static void reads_are_as_expected(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct sensor_profile_point points[6];
		struct sensor_profile profile;
		struct sensor_block block;
		uint32_t order[6];
		uint32_t cursor = 0;
		char text[100] = "";

		build(&rows[i], points, &profile);
		sensor_plan_order(&profile, order);
		while (sensor_plan_next(&profile, order, rows[i].mask, &cursor, &block))
			snprintf(text + strlen(text), sizeof(text) - strlen(text), "%c%u+%u ",
				 "cdih"[block.area], block.address, block.count);
		if (strcmp(text, rows[i].expected) != 0)
			fail_msg("%s: '%s' instead of '%s'", rows[i].what, text, rows[i].expected);
	}
}

/* Deterministic noise: any profile, every asked point is in exactly one read that holds it whole.
 */
static void every_point_is_in_one_read_that_holds_it(void **state)
{
	uint32_t seed = 1;

	(void)state;
	for (int round = 0; round < 2000; round++) {
		struct sensor_profile_point points[40];
		uint32_t order[40];
		unsigned seen[40] = {0};
		uint32_t cursor = 0;
		struct sensor_block block;

		for (size_t i = 0; i < 40; i++) {
			seed = seed * 1664525u + 1013904223u;
			points[i] = (struct sensor_profile_point){
				.name = "x",
				.area = (enum sensor_area)(seed >> 30),
				.address = (uint16_t)((seed >> 8) % 300),
				.poll = (enum sensor_poll_class)((seed >> 20) % 4),
				.encoding = (seed >> 31) ? (enum sensor_encoding)((seed >> 16) % 7)
							 : SENSOR_BIT};
		}
		struct sensor_profile profile = {.points = points,
						 .n_points = 40,
						 .max_registers = (uint16_t)(4 + seed % 20),
						 .max_bits = 16,
						 .max_gap = (uint16_t)(seed % 5)};
		unsigned mask = 1 + (seed >> 10) % 15;
		sensor_plan_order(&profile, order);
		while (sensor_plan_next(&profile, order, mask, &cursor, &block)) {
			struct sensor_window window = {block.area, block.address, block.count, NULL,
						       NULL};
			assert_true(block.count <=
				    (sensor_area_is_bits(block.area) ? 16 : profile.max_registers));
			for (uint32_t i = block.first; i < block.end; i++) {
				struct sensor_extent extent =
					sensor_point_extent(&profile, order[i]);
				if (!sensor_plan_is_asked(&profile, order[i], mask))
					continue;
				assert_true(sensor_window_holds(&window, &extent));
				seen[order[i]]++;
			}
		}
		for (uint32_t i = 0; i < 40; i++)
			assert_int_equal(seen[i], sensor_plan_is_asked(&profile, i, mask));
	}
}

/* ---- Other shapes -------------------------------------------------------------------------------
 */

static const struct shape_row {
	const char *what;
	uint16_t max_gap, count;
	enum sensor_area area;
	enum sensor_encoding last; /* encoding of the last value of the block */
	const char *expected;
} shape_rows[] = {
	{"ten registers become two times nine", 0, 10, SENSOR_INPUT, SENSOR_U16, "0+9 1+9 "},
	{"two registers become two times one", 0, 2, SENSOR_INPUT, SENSOR_U16, "0+1 1+1 "},
	{"one register grows where holes may be read", 1, 1, SENSOR_INPUT, SENSOR_U16, "0+2 "},
	{"one register alone has no other shape", 0, 1, SENSOR_INPUT, SENSOR_U16, ""},
	{"one float alone has no other shape", 0, 2, SENSOR_INPUT, SENSOR_F32, ""},
	{"one float grows where holes may be read", 8, 2, SENSOR_INPUT, SENSOR_F32, "0+3 "},
	{"sixteen bits become two times eight", 0, 16, SENSOR_DISCRETE, SENSOR_BIT, "0+8 8+8 "},
	{"nine bits become two times eight", 0, 9, SENSOR_DISCRETE, SENSOR_BIT, "0+8 1+8 "},
	{"eight bits are one byte whatever is asked", 0, 8, SENSOR_DISCRETE, SENSOR_BIT, ""},
	{"eight bits grow to two bytes", 1, 8, SENSOR_DISCRETE, SENSOR_BIT, "0+9 "},
};

static void other_shapes_have_other_lengths_and_hold_every_point(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(shape_rows); i++) {
		const struct shape_row *row = &shape_rows[i];
		struct sensor_profile_point points[2] = {
			{.name = "a",
			 .area = row->area,
			 .encoding = sensor_area_is_bits(row->area) ? SENSOR_BIT : SENSOR_U16},
			{.name = "b", .area = row->area, .encoding = row->last},
		};
		points[1].address = (uint16_t)(row->count - sensor_point_width(&points[1]));
		struct sensor_profile profile = {.points = points,
						 .n_points = 2,
						 .max_registers = 125,
						 .max_bits = 2000,
						 .max_gap = row->max_gap};
		uint32_t order[] = {0, 1};
		struct sensor_block block = {row->area, 0, row->count, 0, 2};
		struct sensor_block parts[2];
		char text[64] = "";
		size_t n = sensor_plan_other_shape(&profile, order, ALL, &block, parts);

		for (size_t k = 0; k < n; k++)
			snprintf(text + strlen(text), sizeof(text) - strlen(text), "%u+%u ",
				 parts[k].address, parts[k].count);
		if (strcmp(text, row->expected) != 0)
			fail_msg("%s: '%s' instead of '%s'", row->what, text, row->expected);
		for (uint32_t p = 0; n && p < 2; p++) {
			struct sensor_extent extent = sensor_point_extent(&profile, p);
			bool is_held = false;
			for (size_t k = 0; k < n; k++) {
				struct sensor_window w = {parts[k].area, parts[k].address,
							  parts[k].count, NULL, NULL};
				is_held |= sensor_window_holds(&w, &extent);
			}
			assert_true(is_held);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_are_as_expected),
		cmocka_unit_test(every_point_is_in_one_read_that_holds_it),
		cmocka_unit_test(other_shapes_have_other_lengths_and_hold_every_point),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
