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

static unsigned char memory[1 << 18];
static const struct sensor_cost costly = {40000, 1000}; /* a request as dear as twenty registers */

static void plan_for(const struct sensor_profile *profile, struct sensor_cost cost, struct sensor_plan *ret_plan)
{
	struct wy_arena arena;

	wy_arena_init(&arena, memory, sizeof(memory));
	assert_int_equal(sensor_plan_init(ret_plan, profile, cost, &arena), WY_OK);
}

static void print_reads(const struct sensor_reads *reads, char *ret_text, size_t size)
{
	ret_text[0] = 0;
	for (uint16_t i = 0; i < reads->n_blocks; i++)
		snprintf(ret_text + strlen(ret_text), size - strlen(ret_text), "%c%u+%u ",
			 "cdih"[reads->block[i].area], reads->block[i].address, reads->block[i].count);
}

static void reads_are_as_expected(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct sensor_profile_point points[6];
		struct sensor_profile profile;
		struct sensor_plan plan;
		char text[100];

		build(&rows[i], points, &profile);
		plan_for(&profile, costly, &plan);
		print_reads(sensor_plan_reads(&plan, rows[i].mask, NULL), text, sizeof(text));
		if (strcmp(text, rows[i].expected) != 0)
			fail_msg("%s: '%s' instead of '%s'", rows[i].what, text, rows[i].expected);
	}
}

/* ---- Against every split there is -------------------------------------------------------------- */

#define FEW 7
#define MANY 40

struct noise {
	uint32_t seed;
};

static uint32_t below(struct noise *noise, uint32_t bound)
{
	noise->seed = noise->seed * 1664525u + 1013904223u;
	return (noise->seed >> 8) % bound;
}

/* A device with everything that narrows its reads. */
struct scene {
	struct sensor_profile_point points[MANY];
	struct sensor_profile profile;
	struct sensor_extent closed[3];
	uint8_t refused[(MANY + 7) / 8];
	struct sensor_bounds bounds;
	struct sensor_cost cost;
	unsigned mask;
	struct sensor_plan plan;
};

static const char *name_of(uint32_t i)
{
	static char text[MANY][8];

	snprintf(text[i], sizeof(text[i]), "p%u", (unsigned)i);
	return text[i];
}

static void make_point(struct noise *noise, struct scene *scene, uint32_t i, uint32_t spread)
{
	static const enum sensor_encoding words[] = {SENSOR_U16, SENSOR_F32, SENSOR_U64, SENSOR_BIT, SENSOR_U16};
	struct sensor_profile_point *point = &scene->points[i];
	bool is_bits = below(noise, 4) == 0;

	*point = (struct sensor_profile_point){
		.name = name_of(i),
		.area = is_bits ? SENSOR_DISCRETE : SENSOR_INPUT,
		.address = (uint16_t)below(noise, spread),
		.poll = (enum sensor_poll_class)below(noise, 4),
		.encoding = is_bits ? SENSOR_BIT : words[below(noise, 5)],
		.is_clear_on_read = below(noise, 12) == 0,
	};
	if (!is_bits && below(noise, 20) == 0) {
		point->encoding = SENSOR_TEXT;
		point->n_text = 3;
	}
	if (i > 0 && below(noise, 8) == 0 && scene->points[i - 1].area == point->area &&
	    !scene->points[i - 1].unit_by && scene->points[i - 1].encoding != SENSOR_TEXT)
		point->unit_by = name_of(i - 1);
}

static void make_scene(struct noise *noise, struct scene *scene, uint32_t n, uint32_t spread)
{
	*scene = (struct scene){.mask = 1 + below(noise, 15)};
	scene->cost = (struct sensor_cost){below(noise, 40000), below(noise, 2000)};
	for (uint32_t i = 0; i < n; i++) {
		make_point(noise, scene, i, spread);
		if (below(noise, 10) == 0)
			scene->refused[i / 8] = (uint8_t)(scene->refused[i / 8] | 1u << i % 8);
	}
	for (uint32_t i = 0; i < 3; i++) {
		uint32_t first = below(noise, spread);
		scene->closed[i] = (struct sensor_extent){SENSOR_INPUT, first, first + 1 + below(noise, 4)};
	}
	scene->profile = (struct sensor_profile){.points = scene->points,
						 .n_points = n,
						 .max_registers = (uint16_t)(2 + below(noise, 20)),
						 .max_bits = (uint16_t)(2 + below(noise, 30)),
						 .max_gap = (uint16_t)below(noise, 6)};
	scene->bounds = (struct sensor_bounds){.revision = 1,
					       .is_gapless = below(noise, 8) == 0,
					       .max_registers = (uint16_t)below(noise, 12),
					       .closed = scene->closed,
					       .n_closed = below(noise, 4),
					       .refused = scene->refused};
	plan_for(&scene->profile, scene->cost, &scene->plan);
}

static bool is_refused(const struct scene *scene, uint32_t point)
{
	return (scene->refused[point / 8] & (1u << point % 8)) != 0;
}

static bool is_within(struct sensor_extent inner, struct sensor_extent outer)
{
	return inner.area == outer.area && inner.first >= outer.first && inner.end <= outer.end;
}

static bool meets_cleared(const struct scene *scene, struct sensor_extent span)
{
	for (uint32_t i = 0; i < scene->profile.n_points; i++) {
		const struct sensor_profile_point *p = &scene->points[i];
		if (p->is_clear_on_read && p->area == span.area && p->address < span.end &&
		    (uint32_t)p->address + sensor_point_width(p) > span.first)
			return true;
	}
	return false;
}

static uint32_t widest_hole(const struct scene *scene, const uint32_t *member, size_t n,
			    struct sensor_extent span)
{
	uint32_t hole = 0;
	uint32_t most = 0;

	for (uint32_t at = span.first; at < span.end; at++) {
		bool is_used = false;
		for (size_t i = 0; i < n; i++) {
			struct sensor_extent e = sensor_point_extent(&scene->profile, member[i]);
			is_used |= at >= e.first && at < e.end;
		}
		hole = is_used ? 0 : hole + 1;
		most = hole > most ? hole : most;
	}
	return most;
}

/* Told from the words of plan.h, not from its code. */
static bool may_be_one_read(const struct scene *scene, const uint32_t *member, size_t n,
			    struct sensor_extent *ret_span)
{
	struct sensor_extent span = sensor_point_extent(&scene->profile, member[0]);
	bool is_bits = sensor_area_is_bits(span.area);
	uint32_t most = is_bits ? scene->profile.max_bits : scene->profile.max_registers;

	if (!is_bits && scene->bounds.max_registers && scene->bounds.max_registers < most)
		most = scene->bounds.max_registers;
	for (size_t i = 0; i < n; i++) {
		struct sensor_extent e = sensor_point_extent(&scene->profile, member[i]);
		if (e.area != span.area)
			return false;
		span.first = e.first < span.first ? e.first : span.first;
		span.end = e.end > span.end ? e.end : span.end;
	}
	*ret_span = span;
	for (size_t i = 0; i < n; i++)
		if (is_within(span, sensor_point_extent(&scene->profile, member[i])))
			return true;
	for (size_t i = 0; i < scene->bounds.n_closed; i++)
		if (is_within(scene->closed[i], span))
			return false;
	for (uint32_t i = 0; i < scene->profile.n_points; i++)
		if (is_refused(scene, i) && scene->points[i].encoding != SENSOR_TEXT &&
		    is_within(sensor_point_extent(&scene->profile, i), span))
			return false;
	return span.end - span.first <= most && !meets_cleared(scene, span) &&
	       widest_hole(scene, member, n, span) <= (scene->bounds.is_gapless ? 0 : scene->profile.max_gap);
}

static uint64_t price(const struct scene *scene, struct sensor_extent span)
{
	return scene->cost.request_us +
	       (uint64_t)scene->cost.byte_us * sensor_area_bytes(span.area, span.end - span.first);
}

/* The least over all ways to share out point[i..n) among the sets made so far and a new one. */
static uint64_t least(const struct scene *scene, const uint32_t *point, size_t n, size_t i, uint32_t set[FEW][FEW],
		      size_t *size, size_t n_sets)
{
	uint64_t best = UINT64_MAX;

	if (i == n) {
		uint64_t sum = 0;
		for (size_t s = 0; s < n_sets; s++) {
			struct sensor_extent span;
			if (!may_be_one_read(scene, set[s], size[s], &span))
				return UINT64_MAX;
			sum += price(scene, span);
		}
		return sum;
	}
	for (size_t s = 0; s <= n_sets && s < FEW; s++) {
		set[s][size[s]++] = point[i];
		uint64_t sum = least(scene, point, n, i + 1, set, size, s == n_sets ? n_sets + 1 : n_sets);
		best = sum < best ? sum : best;
		size[s]--;
	}
	return best;
}

/* Only what is read in common: no refusals, nothing cleared by reading. */
static void no_split_is_cheaper(void **state)
{
	struct noise noise = {20261};

	(void)state;
	for (int round = 0; round < 3000; round++) {
		uint32_t seed = noise.seed;
		struct scene scene;
		uint32_t row[FEW];
		uint32_t set[FEW][FEW];
		size_t size[FEW] = {0};
		size_t n = 0;
		uint64_t sum = 0;

		make_scene(&noise, &scene, FEW, 24);
		const struct sensor_reads *reads = sensor_plan_reads(&scene.plan, scene.mask, &scene.bounds);
		for (uint16_t b = 0; b < reads->n_blocks; b++) {
			const struct sensor_block *block = &reads->block[b];
			if (block->is_clear_on_read || is_refused(&scene, reads->point[block->first]))
				continue;
			for (uint16_t i = block->first; i < block->end; i++)
				row[n++] = reads->point[i];
			sum += price(&scene, (struct sensor_extent){block->area, block->address,
								    (uint32_t)block->address + block->count});
		}
		uint64_t best = n ? least(&scene, row, n, 0, set, size, 0) : 0;
		if (sum != best)
			fail_msg("seed %u: %llu us instead of %llu", seed, (unsigned long long)sum,
				 (unsigned long long)best);
	}
}

/* ---- Whatever the device ------------------------------------------------------------------------ */

static bool shares_cleared(const struct scene *scene, uint32_t point)
{
	return scene->points[point].encoding != SENSOR_TEXT &&
	       meets_cleared(scene, sensor_point_extent(&scene->profile, point));
}

static void check_block(const struct scene *scene, const struct sensor_reads *reads, const struct sensor_block *block,
			unsigned *seen)
{
	uint32_t member[MANY];
	size_t n = 0;
	bool is_apart = false;
	struct sensor_extent span = {0};

	for (uint16_t i = block->first; i < block->end; i++) {
		uint32_t point = reads->point[i];
		member[n++] = point;
		seen[point]++;
		is_apart |= is_refused(scene, point) || shares_cleared(scene, point);
		assert_int_equal(block->is_clear_on_read, shares_cleared(scene, point));
	}
	bool is_one = may_be_one_read(scene, member, n, &span);
	assert_true(is_one || is_apart);
	assert_int_equal(block->area, span.area);
	assert_int_equal(block->address, span.first);
	assert_int_equal(block->count, span.end - span.first);
	for (size_t i = 0; is_apart && !block->is_clear_on_read && i < n; i++) {
		struct sensor_extent e = sensor_point_extent(&scene->profile, member[i]);
		assert_true(is_refused(scene, member[i]) && e.first == span.first && e.end == span.end);
	}
}

static void every_point_is_in_one_read_and_every_read_within_bounds(void **state)
{
	struct noise noise = {4711};

	(void)state;
	for (int round = 0; round < 3000; round++) {
		struct scene scene;
		unsigned seen[MANY] = {0};

		make_scene(&noise, &scene, MANY, 30 + below(&noise, 400));
		const struct sensor_reads *reads = sensor_plan_reads(&scene.plan, scene.mask, &scene.bounds);
		for (uint16_t b = 0; b < reads->n_blocks; b++)
			check_block(&scene, reads, &reads->block[b], seen);
		for (uint32_t i = 0; i < MANY; i++) {
			const struct sensor_profile_point *p = &scene.points[i];
			bool is_asked = sensor_plan_is_asked(&scene.profile, i, scene.mask);
			if (p->encoding == SENSOR_TEXT)
				assert_int_equal(seen[i], 0);
			else if (is_asked || !shares_cleared(&scene, i))
				assert_int_equal(seen[i], is_asked);
			else
				assert_in_range(seen[i], 0, 1);
		}
	}
}

/* No register that is cleared by reading is in two reads of a poll. */
static void nothing_cleared_is_read_twice_or_in_passing(void **state)
{
	struct noise noise = {99};
	unsigned n_cleared = 0;

	(void)state;
	for (int round = 0; round < 2000; round++) {
		struct scene scene;
		unsigned times[600] = {0};

		make_scene(&noise, &scene, MANY, 30 + below(&noise, 100));
		const struct sensor_reads *reads = sensor_plan_reads(&scene.plan, scene.mask, &scene.bounds);
		for (uint16_t b = 0; b < reads->n_blocks; b++)
			for (uint32_t at = 0; at < reads->block[b].count; at++)
				times[reads->block[b].address + at + (reads->block[b].area == SENSOR_INPUT ? 300 : 0)]++;
		for (uint32_t i = 0; i < MANY; i++) {
			const struct sensor_profile_point *p = &scene.points[i];
			for (uint32_t k = 0; p->is_clear_on_read && k < sensor_point_width(p); k++) {
				n_cleared++;
				assert_in_range(times[p->address + k + (p->area == SENSOR_INPUT ? 300 : 0)], 0, 1);
			}
		}
	}
	assert_true(n_cleared > 1000);
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
		const uint16_t both[] = {0, 1};
		struct sensor_block block = {row->area, 0, row->count, 0, 2, false};
		struct sensor_reads reads = {&block, both, 1, 2};
		struct sensor_plan plan;
		struct sensor_block parts[2];
		char text[64] = "";
		plan_for(&profile, costly, &plan);
		size_t n = sensor_plan_other_shape(&plan, NULL, &reads, &block, parts);

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

/* n registers from 0 on. */
static void make_row(struct scene *scene, uint32_t n)
{
	*scene = (struct scene){.cost = costly, .mask = ALL};
	for (uint32_t i = 0; i < n; i++)
		scene->points[i] = (struct sensor_profile_point){
			.name = name_of(i), .area = SENSOR_INPUT, .address = (uint16_t)i, .encoding = SENSOR_U16};
	scene->profile = (struct sensor_profile){
		.points = scene->points, .n_points = n, .max_registers = 125, .max_bits = 2000, .max_gap = 4};
	scene->bounds = (struct sensor_bounds){.closed = scene->closed, .refused = scene->refused};
}

static void expect_reads(struct scene *scene, const char *expected)
{
	char text[200];

	plan_for(&scene->profile, scene->cost, &scene->plan);
	print_reads(sensor_plan_reads(&scene->plan, scene->mask, &scene->bounds), text, sizeof(text));
	assert_string_equal(text, expected);
}

static void another_shape_reads_nothing_that_must_not_be_read(void **state)
{
	struct scene scene;
	struct sensor_block parts[2];
	const struct sensor_reads *reads;

	(void)state;
	make_row(&scene, 1); /* its other shape would be 0..1 */
	plan_for(&scene.profile, costly, &scene.plan);
	reads = sensor_plan_reads(&scene.plan, ALL, NULL);
	assert_int_equal(sensor_plan_other_shape(&scene.plan, NULL, reads, &reads->block[0], parts), 1);
	scene.closed[0] = (struct sensor_extent){SENSOR_INPUT, 1, 2};
	scene.bounds.n_closed = 1;
	assert_int_equal(sensor_plan_other_shape(&scene.plan, &scene.bounds, reads, &reads->block[0], parts), 0);
	scene.bounds.n_closed = 0;
	scene.bounds.max_registers = 1;
	assert_int_equal(sensor_plan_other_shape(&scene.plan, &scene.bounds, reads, &reads->block[0], parts), 0);
	scene.bounds.max_registers = 0;
	scene.bounds.is_gapless = true;
	assert_int_equal(sensor_plan_other_shape(&scene.plan, &scene.bounds, reads, &reads->block[0], parts), 0);

	make_row(&scene, 2);
	scene.refused[0] = 2;
	plan_for(&scene.profile, costly, &scene.plan);
	reads = sensor_plan_reads(&scene.plan, ALL, &scene.bounds);
	assert_int_equal(reads->n_blocks, 2);
	assert_int_equal(sensor_plan_other_shape(&scene.plan, &scene.bounds, reads, &reads->block[0], parts), 0);

	make_row(&scene, 4);
	for (uint32_t i = 1; i < 4; i++)
		scene.points[i].is_clear_on_read = true;
	scene.points[1].encoding = SENSOR_F32; /* 1..2, and 3 by itself */
	plan_for(&scene.profile, costly, &scene.plan);
	reads = sensor_plan_reads(&scene.plan, ALL, NULL);
	assert_int_equal(reads->n_blocks, 3);
	for (uint16_t b = 0; b < reads->n_blocks; b++)
		assert_int_equal(sensor_plan_other_shape(&scene.plan, NULL, reads, &reads->block[b], parts), 0);
}

/* Two values of a latch that share a register: three registers, which two reads of two would clear in passing. */
static void what_reading_clears_has_no_other_shape(void **state)
{
	struct scene scene;
	struct sensor_block parts[2];

	(void)state;
	make_row(&scene, 2);
	for (uint32_t i = 0; i < 2; i++) {
		scene.points[i].encoding = SENSOR_F32;
		scene.points[i].is_clear_on_read = true;
	}
	plan_for(&scene.profile, costly, &scene.plan);
	const struct sensor_reads *reads = sensor_plan_reads(&scene.plan, ALL, NULL);
	assert_int_equal(reads->n_blocks, 1);
	assert_int_equal(reads->block[0].count, 3);
	assert_int_equal(sensor_plan_other_shape(&scene.plan, NULL, reads, &reads->block[0], parts), 0);
}

/* ---- What it costs decides ---------------------------------------------------------------------- */

static void a_hole_is_read_over_only_where_that_is_cheaper(void **state)
{
	struct scene scene;

	(void)state;
	make_row(&scene, 2);
	scene.points[1].address = 5;
	scene.cost = (struct sensor_cost){8001, 1000}; /* as dear as four registers and a little */
	expect_reads(&scene, "i0+6 ");
	scene.cost = (struct sensor_cost){7999, 1000};
	expect_reads(&scene, "i0+1 i5+1 ");
}

/* Three that fit two by two: filling the first read up would cost a register more than the other way. */
static void the_cheaper_pair_is_found(void **state)
{
	struct scene scene;

	(void)state;
	make_row(&scene, 3);
	scene.points[1].address = 4;
	scene.points[2].address = 6;
	scene.profile.max_registers = 6;
	expect_reads(&scene, "i0+1 i4+3 ");
}

static void what_is_known_of_a_device_narrows_its_reads(void **state)
{
	struct scene scene;

	(void)state;
	make_row(&scene, 12);
	expect_reads(&scene, "i0+12 ");
	scene.bounds.max_registers = 5;
	expect_reads(&scene, "i0+5 i5+5 i10+2 ");
	scene.bounds.max_registers = 200; /* never more than the profile's */
	scene.profile.max_registers = 8;
	expect_reads(&scene, "i0+8 i8+4 ");
	make_row(&scene, 12);
	scene.refused[0] = 1u << 4;
	expect_reads(&scene, "i0+4 i5+7 i4+1 ");
	make_row(&scene, 12);
	for (uint32_t i = 6; i < 12; i++)
		scene.points[i].address = (uint16_t)(i + 3);
	expect_reads(&scene, "i0+15 ");
	scene.closed[0] = (struct sensor_extent){SENSOR_INPUT, 6, 9};
	scene.bounds.n_closed = 1;
	expect_reads(&scene, "i0+6 i9+6 ");
	scene.bounds.n_closed = 0;
	scene.bounds.is_gapless = true;
	expect_reads(&scene, "i0+6 i9+6 ");
}

/* Two flags of one latch, of different classes: whoever reads the one has read the other. */
static void flags_cleared_together_are_listed_together(void **state)
{
	struct scene scene;
	const struct sensor_reads *reads;

	(void)state;
	make_row(&scene, 3);
	for (uint32_t i = 0; i < 2; i++) {
		scene.points[i].address = 7;
		scene.points[i].encoding = SENSOR_BIT;
		scene.points[i].is_clear_on_read = true;
		scene.points[i].poll = i ? SENSOR_SLOW : SENSOR_FAST;
	}
	scene.points[2].address = 8;
	plan_for(&scene.profile, costly, &scene.plan);
	for (unsigned c = SENSOR_FAST; c <= SENSOR_SLOW; c += SENSOR_SLOW - SENSOR_FAST) {
		reads = sensor_plan_reads(&scene.plan, 1u << c, NULL);
		const struct sensor_block *last = &reads->block[reads->n_blocks - 1];
		assert_true(last->is_clear_on_read);
		assert_int_equal(last->end - last->first, 2);
		assert_int_equal(last->count, 1);
	}
	assert_int_equal(sensor_plan_reads(&scene.plan, 1u << SENSOR_MEDIUM, NULL)->n_points, 0);
}

static void a_text_is_read_alone_and_in_no_poll(void **state)
{
	struct scene scene;

	(void)state;
	make_row(&scene, 4);
	scene.points[1].encoding = SENSOR_TEXT;
	scene.points[1].n_text = 8;
	scene.points[1].address = 20;
	expect_reads(&scene, "i0+4 ");
	struct sensor_block block = sensor_plan_alone(&scene.plan, 1);
	assert_int_equal(block.address, 20);
	assert_int_equal(block.count, 8);
	assert_false(block.is_clear_on_read);
}

/* ---- Looking up --------------------------------------------------------------------------------- */

static void reads_are_computed_anew_only_when_something_changed(void **state)
{
	struct scene scene;

	(void)state;
	make_row(&scene, 12);
	for (uint32_t i = 0; i < 12; i++)
		scene.points[i].poll = (enum sensor_poll_class)(i % 4);
	plan_for(&scene.profile, costly, &scene.plan);
	const struct sensor_reads *all = sensor_plan_reads(&scene.plan, ALL, &scene.bounds);
	assert_int_equal(all->n_blocks, 1);
	scene.profile.max_registers = 3; /* would be seen if it looked */
	for (unsigned mask = 1; mask <= 3; mask++)
		(void)sensor_plan_reads(&scene.plan, mask, &scene.bounds);
	assert_ptr_equal(sensor_plan_reads(&scene.plan, ALL, &scene.bounds), all);
	assert_int_equal(all->n_blocks, 1);
	scene.bounds.revision++;
	assert_int_equal(sensor_plan_reads(&scene.plan, ALL, &scene.bounds)->n_blocks, 4);
}

static void more_masks_than_are_kept_are_right_all_the_same(void **state)
{
	struct scene scene;
	struct noise noise = {3};

	(void)state;
	make_row(&scene, 12);
	for (uint32_t i = 0; i < 12; i++)
		scene.points[i].poll = (enum sensor_poll_class)(i % 4);
	plan_for(&scene.profile, costly, &scene.plan);
	for (int i = 0; i < 1000; i++) {
		unsigned mask = below(&noise, 16);
		uint16_t n = 0;
		for (uint32_t p = 0; p < 12; p++)
			n = (uint16_t)(n + sensor_plan_is_asked(&scene.profile, p, mask));
		if (below(&noise, 10) == 0)
			scene.bounds.revision++;
		assert_int_equal(sensor_plan_reads(&scene.plan, mask, &scene.bounds)->n_points, n);
	}
}

/* ---- Figures ------------------------------------------------------------------------------------ */

static void traffic_is_counted_beside_one_request_for_each_point(void **state)
{
	struct scene scene;
	const struct sensor_reads *reads;

	(void)state;
	make_row(&scene, 10);
	for (uint32_t i = 5; i < 10; i++) {
		scene.points[i].area = SENSOR_DISCRETE;
		scene.points[i].encoding = SENSOR_BIT;
		scene.points[i].address = (uint16_t)(2 * i);
	}
	plan_for(&scene.profile, costly, &scene.plan);
	reads = sensor_plan_reads(&scene.plan, ALL, NULL);
	struct sensor_traffic traffic = sensor_plan_traffic(&scene.plan, reads);
	assert_int_equal(traffic.requests, 2);
	assert_int_equal(traffic.data_bytes, 10 + 2); /* nine bits are two bytes */
	assert_int_equal(traffic.us, 2 * 40000 + 12 * 1000);
	traffic = sensor_plan_traffic_singly(&scene.plan, reads);
	assert_int_equal(traffic.requests, 10);
	assert_int_equal(traffic.data_bytes, 10 + 5);
}

static void a_full_arena_is_said(void **state)
{
	static unsigned char little[4096];
	struct scene scene;
	struct sensor_plan plan;
	struct wy_arena arena;
	size_t size = 0;
	enum wy_err err;

	(void)state;
	make_row(&scene, 20);
	do {
		wy_arena_init(&arena, little, size);
		err = sensor_plan_init(&plan, &scene.profile, costly, &arena);
		assert_true(err == WY_OK || err == WY_E_NOMEM);
		size += 8;
	} while (err);
	assert_true(size <= 20 * (12 + SENSOR_PLAN_SLOTS * 18) + 200); /* as plan.h has it */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_are_as_expected),
		cmocka_unit_test(no_split_is_cheaper),
		cmocka_unit_test(every_point_is_in_one_read_and_every_read_within_bounds),
		cmocka_unit_test(nothing_cleared_is_read_twice_or_in_passing),
		cmocka_unit_test(other_shapes_have_other_lengths_and_hold_every_point),
		cmocka_unit_test(another_shape_reads_nothing_that_must_not_be_read),
		cmocka_unit_test(what_reading_clears_has_no_other_shape),
		cmocka_unit_test(a_hole_is_read_over_only_where_that_is_cheaper),
		cmocka_unit_test(the_cheaper_pair_is_found),
		cmocka_unit_test(what_is_known_of_a_device_narrows_its_reads),
		cmocka_unit_test(flags_cleared_together_are_listed_together),
		cmocka_unit_test(a_text_is_read_alone_and_in_no_poll),
		cmocka_unit_test(reads_are_computed_anew_only_when_something_changed),
		cmocka_unit_test(more_masks_than_are_kept_are_right_all_the_same),
		cmocka_unit_test(traffic_is_counted_beside_one_request_for_each_point),
		cmocka_unit_test(a_full_arena_is_said),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
