/* rules_bench.c: how fast and how large the rule engine is: 20,000 instances over 8,000 points on one core.
 *
 * A thousand assets of one class with eight points; twenty rules each: thresholds with hold and way back, some with
 * counts and windows. Polls arrive asset by asset, eight samples a turn, three in five unchanged. Beside it, in the
 * same process, a loop written by hand that does the same comparisons and holds on plain arrays. No I/O, no clock
 * inside what is measured but where single turns are timed. Prints a table; medians of several rounds. Single turns are
 * run several times over from the same state and the least time of each counts: what a turn costs, not what else the
 * machine did. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "rule.h"
#include "yaml_tree.h"

enum {
	ASSETS = 1000,
	POINTS = 8,
	RULES = 20,
	TEMPLATES = 500,
	ROUNDS = 9,
	TRIES = 9,
	SWEEPS = 40, /* polls of every asset in a round */
	SET_BYTES = 256 << 20,
	ENGINE_BYTES = 256 << 20,
	TEXT_BYTES = 1 << 20,
};

/* Of this process: what others do on the machine does not count. */
static double seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static int by_size(const void *a, const void *b)
{
	double x = *(const double *)a;
	double y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static double median(double *values, size_t n)
{
	qsort(values, n, sizeof(*values), by_size);
	return values[n / 2];
}

static void *must(void *memory)
{
	if (!memory)
		abort();
	return memory;
}

/* ---- The building ------------------------------------------------------------------------- */

static struct wy_point points[POINTS];
static const char *const point_names[POINTS] = {"a", "b", "c", "d", "e", "f", "g", "h"};
static struct wy_class class = {.id = "thing", .name_zh = "thing", .name_en = "thing", .points = points, .n_points = POINTS};
static struct wy_asset assets[ASSETS];
static char names[ASSETS][16];
static uint32_t devices[ASSETS];
static const struct wy_zone_change utc_from[] = {{INT64_MIN, 0}};
static const struct wy_zone utc = {"UTC", utc_from, 1};
static const char *const faults[] = {"T-01"};
static struct rule_world world;

static void build_world(void)
{
	for (size_t i = 0; i < POINTS; i++)
		points[i] = (struct wy_point){.name = point_names[i], .type = WY_TYPE_REAL, .has_range = true, .lo = 0, .hi = 100,
					      .poll_ms = 1000, .stale_ms = 10000};
	for (size_t i = 0; i < ASSETS; i++) {
		snprintf(names[i], sizeof(names[i]), "t%zu", i);
		devices[i] = (uint32_t)i;
		assets[i] = (struct wy_asset){.id = names[i], .name_zh = names[i], .name_en = names[i], .devices = &devices[i], .n_devices = 1};
	}
	world = (struct rule_world){.classes = &class, .n_classes = 1, .assets = assets, .n_assets = ASSETS, .n_devices = ASSETS,
				    .zone = &utc, .faults = faults, .n_faults = 1};
}

/* Rule i looks at point i mod 8. Of the windowed: one in four keeps a maximum of ten minutes. */
static size_t write_rules(char *out, size_t n, bool has_windows)
{
	size_t used = (size_t)snprintf(out, TEXT_BYTES, "weiyu: rules/1\npackage: t\nrules:\n");

	for (size_t i = 0; i < n; i++) {
		const char *p = point_names[i % POINTS];
		size_t limit = 60 + i / POINTS * 7 % 35;
		if (has_windows && i % 4 == 3)
			used += (size_t)snprintf(out + used, TEXT_BYTES - used,
						 "  - {id: t.r%zu, scope: thing, fault: T-01, tier: S3, when: \"max(%s, 10min) > %zu\", hold: 10s, "
						 "clear: \"max(%s, 10min) < %zu\", clear_hold: 20s}\n",
						 i, p, limit, p, limit - 10);
		else
			used += (size_t)snprintf(out + used, TEXT_BYTES - used,
						 "  - {id: t.r%zu, scope: thing, fault: T-01, tier: S3, when: \"%s > %zu and %s < 99\", hold: 10s, "
						 "clear: \"%s < %zu\", clear_hold: 20s}\n",
						 i, p, limit, point_names[(i + 3) % POINTS], p, limit - 10);
	}
	return used;
}

static struct rule_set *compile(const char *text, size_t len, const struct rule_world *on, struct wy_arena *arena)
{
	struct wy_diags *diags = must(calloc(1, sizeof(*diags)));
	const struct wy_node *root = NULL;
	struct rule_set *set = NULL;

	wy_diags_init(diags, arena);
	if (yaml_load_text("bench.yaml", text, len, arena, diags, &root) || rule_compile(on, &root, 1, arena, diags, &set)) {
		fprintf(stderr, "rules_bench: the rules do not compile: %s\n", diags->n ? diags->item[0].text : "");
		exit(1);
	}
	free(diags);
	return set;
}

/* ---- What the sensors say ----------------------------------------------------------------- */

static uint64_t chance_state = 42;

static double chance(void)
{
	uint64_t z = chance_state += 0x9e3779b97f4a7c15u;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return (double)((z ^ z >> 31) >> 11) * 0x1p-53;
}

/* Values of SWEEPS polls of everything, made beforehand. */
static double *make_values(void)
{
	double *values = must(malloc(sizeof(*values) * SWEEPS * ASSETS * POINTS));

	for (size_t i = 0; i < (size_t)ASSETS * POINTS; i++)
		values[i] = 100 * chance();
	for (size_t i = (size_t)ASSETS * POINTS; i < (size_t)SWEEPS * ASSETS * POINTS; i++)
		values[i] = chance() < 0.6 ? values[i - (size_t)ASSETS * POINTS] : 100 * chance();
	return values;
}

/* ---- The engine --------------------------------------------------------------------------- */

struct run {
	struct rule_engine *engine;
	const double *values;
	wy_ms now_ms;
	size_t events;
};

static void poll(struct run *run, uint32_t asset, const double *values)
{
	const struct rule_event *events;
	struct wy_now now = {.mono_ms = run->now_ms, .wall_ms = run->now_ms};

	rule_turn_begin(run->engine, now);
	for (uint32_t p = 0; p < POINTS; p++) {
		struct wy_sample sample = {.point = p, .quality = WY_Q_GOOD, .real = values[p], .at_ms = run->now_ms};
		rule_put(run->engine, asset, p, &sample);
	}
	rule_heard(run->engine, asset, run->now_ms);
	run->events += rule_turn_end(run->engine, &events);
}

/* One round; times of single turns into `took` (nanoseconds) where given. */
static double sweep_all(struct run *run, double *took)
{
	double from = seconds();

	for (size_t s = 0; s < SWEEPS; s++) {
		for (uint32_t a = 0; a < ASSETS; a++) {
			double before = took ? seconds() : 0;
			poll(run, a, run->values + (s * ASSETS + a) * POINTS);
			if (took)
				*took++ = (seconds() - before) * 1e9;
			run->now_ms += a % 2;
		}
		run->now_ms += 500;
	}
	return seconds() - from;
}

/* ---- The same by hand --------------------------------------------------------------------- */

struct plain { /* one rule on one asset, as one would write it without an engine */
	int64_t since_ms;
	uint8_t state; /* 0 normal, 1 pending, 2 active, 3 returning */
};

static struct plain plain[ASSETS][RULES];

static unsigned step_plain(struct plain *it, bool is_on, bool is_off, int64_t now_ms)
{
	static const int64_t holds[4] = {0, 10000, 0, 20000};
	bool moves = (it->state < 2) ? is_on : is_off;

	if (it->state % 2 == 0) {
		if (moves) {
			it->state++;
			it->since_ms = now_ms;
		}
		return 0;
	}
	if (!moves) {
		it->state--;
		return 0;
	}
	if (now_ms - it->since_ms < holds[it->state])
		return 0;
	it->state = (uint8_t)((it->state + 1) % 4);
	return 1;
}

static double sweep_by_hand(const double *values, size_t *events)
{
	double from = seconds();
	int64_t now_ms = 0;

	for (size_t s = 0; s < SWEEPS; s++)
		for (size_t a = 0; a < ASSETS; a++, now_ms++) {
			const double *v = values + (s * ASSETS + a) * POINTS;
			for (size_t r = 0; r < RULES; r++) {
				double limit = (double)(60 + r / POINTS * 7 % 35);
				double x = v[r % POINTS];
				*events += step_plain(&plain[a][r], x > limit && v[(r + 3) % POINTS] < 99, x < limit - 10, now_ms);
			}
		}
	return seconds() - from;
}

/* ---- The table ---------------------------------------------------------------------------- */

static char text[TEXT_BYTES];

static void measure_load(void)
{
	struct rule_world packs = world;
	struct wy_arena arena;
	double took[ROUNDS];
	void *memory = must(malloc(SET_BYTES));
	size_t len = write_rules(text, TEMPLATES, true);

	packs.n_assets = 1;
	for (size_t i = 0; i < ROUNDS; i++) {
		wy_arena_init(&arena, memory, SET_BYTES);
		double from = seconds();
		compile(text, len, &packs, &arena);
		took[i] = seconds() - from;
	}
	printf("load of %d rule templates          %10.1f ms       (target: under 200)\n", TEMPLATES, median(took, ROUNDS) * 1e3);
	free(memory);
}

/* What each turn of a round takes, the engine put back to where it stood after each try. */
static double *time_turns(struct run *run, struct wy_arena *arena)
{
	size_t n = (size_t)SWEEPS * ASSETS;
	double *least = must(malloc(sizeof(*least) * n));
	double *took = must(malloc(sizeof(*took) * n));
	void *before = must(malloc(arena->used));
	struct run was = *run;

	memcpy(before, arena->base, arena->used);
	for (size_t t = 0; t < TRIES; t++) {
		memcpy(arena->base, before, arena->used);
		*run = was;
		sweep_all(run, took);
		for (size_t i = 0; i < n; i++)
			least[i] = t && least[i] < took[i] ? least[i] : took[i];
	}
	free(before);
	free(took);
	qsort(least, n, sizeof(*least), by_size);
	return least;
}

static void measure_run(const char *name, bool has_windows, const double *values, double by_hand)
{
	struct wy_arena set_arena, arena;
	struct run run = {.values = values, .now_ms = 1000};
	double rates[ROUNDS];
	void *set_memory = must(malloc(SET_BYTES));
	void *memory = must(malloc(ENGINE_BYTES));
	size_t n = (size_t)SWEEPS * ASSETS;

	wy_arena_init(&set_arena, set_memory, SET_BYTES);
	wy_arena_init(&arena, memory, ENGINE_BYTES);
	struct rule_set *set = compile(text, write_rules(text, RULES, has_windows), &world, &set_arena);
	if (rule_engine_new(set, &arena, (struct wy_now){.mono_ms = 0}, &run.engine))
		abort();
	size_t instances = rule_instance_count(set);
	printf("\n%s: %zu instances over %d points\n", name, instances, ASSETS * POINTS);
	printf("  memory, compiled set and engine  %10.1f MB       (target: under 24)\n",
	       (double)(set_arena.used + arena.used) / 1e6);
	printf("  the same per instance            %10.0f bytes    (target: at most 2000)\n",
	       (double)(set_arena.used + arena.used) / (double)instances);
	sweep_all(&run, NULL);
	for (size_t i = 0; i < ROUNDS; i++)
		rates[i] = (double)n * POINTS / sweep_all(&run, NULL);
	double rate = median(rates, ROUNDS);
	printf("  samples per second               %10.2f million  (target: at least 2)\n", rate / 1e6);
	printf("  time to the loop by hand         %10.1f : 1\n", by_hand / rate);
	double *took = time_turns(&run, &arena);
	printf("  turn of %d samples, p50 / p99     %6.2f / %.2f us\n", POINTS, took[n / 2] / 1e3, took[n / 100 * 99] / 1e3);
	printf("  sample to decision, p99.9        %10.2f us       (target: under 10)\n", took[n / 1000 * 999] / 1e3);
	printf("  events told                      %10zu\n", run.events);
	free(took);
	free(memory);
	free(set_memory);
}

int main(void)
{
	double rates[ROUNDS];
	size_t events = 0;

	build_world();
	double *values = make_values();
	measure_load();
	for (size_t i = 0; i < ROUNDS; i++)
		rates[i] = (double)SWEEPS * ASSETS * POINTS / sweep_by_hand(values, &events);
	double by_hand = median(rates, ROUNDS);
	printf("loop by hand                        %10.2f million samples per second (%zu moves)\n", by_hand / 1e6, events);
	measure_run("thresholds", false, values, by_hand);
	measure_run("one in four with a window", true, values, by_hand);
	free(values);
	return 0;
}
