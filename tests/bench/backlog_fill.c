/* backlog_fill.c: a month without a broker in a minute or two: `backlog_fill GATEWAY.YAML EVENTS [SEED]`.
 *
 * The engine, its rules and its store as `weiyu run` has them, on a clock that this program moves: every device of the site is
 * told values drawn from the seed, so that its rules raise and clear what they watch, until the outbox holds so many events. One
 * line with what that took; the store stays where the gateway file says, for backlog.py to drain. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "config.h"
#include "engine.h"
#include "log.h"

enum { MEMORY = 128 << 20, TURN_MS = 5000, CHANGES_OF = 6 /* turns, one brings a device other values */ };

static uint64_t noise;

static unsigned draw(unsigned n)
{
	noise ^= noise << 13;
	noise ^= noise >> 7;
	noise ^= noise << 17;
	return (unsigned)(noise % n);
}

static struct wy_now now;
static struct clock clock_of_bench = {.fixed = &now};
static uint64_t values_of[WY_DEVICES_MAX]; /* what its values are drawn from: the same until they change */

static void draw_sample(const struct sensor_profile_point *point, uint32_t index, struct wy_sample *sample)
{
	*sample = (struct wy_sample){.point = index, .quality = WY_Q_GOOD, .at_ms = now.mono_ms, .is_whole = true};
	switch (point->type) {
	case WY_TYPE_BOOL:
		sample->whole = draw(2);
		break;
	case WY_TYPE_REAL:
		sample->is_whole = false;
		sample->real = draw(1200) / 10.0;
		break;
	default:
		sample->whole = draw(8);
		break;
	}
}

static void report(struct engine *engine, const struct config *config, uint32_t device)
{
	static struct wy_sample sample[WY_POINTS_PER_DEVICE];
	const struct sensor_profile *profile = config->devices[device].profile;
	struct sensor_report told = {.device = device, .at_ms = now.mono_ms, .took_ms = 20, .sample = sample,
				     .n_max = WY_POINTS_PER_DEVICE, .n = (uint32_t)profile->n_points};

	uint64_t kept = noise;
	noise = values_of[device];
	for (uint32_t i = 0; i < told.n; i++)
		draw_sample(&profile->points[i], i, &sample[i]);
	noise = kept;
	engine_report(engine, &told);
}

static int fill(struct engine *engine, const struct config *config, struct store *store, uint64_t wanted)
{
	uint64_t last = 0;
	bool has_events;

	while (store_last_seq(store, &last) == WY_OK && last < wanted) {
		now.mono_ms += TURN_MS;
		now.wall_ms += TURN_MS;
		for (uint32_t d = 0; d < config->n_devices; d++) {
			if (!values_of[d] || draw(CHANGES_OF) == 0)
				values_of[d] = noise;
			report(engine, config, d);
		}
		engine_tick(engine);
		if (engine_flush(engine, &has_events))
			return 1;
	}
	return engine_save(engine) != WY_OK;
}

int main(int argc, char **argv)
{
	struct wy_arena arena;
	struct wy_diags *diags = calloc(1, sizeof(*diags));
	void *memory = calloc(1, MEMORY);
	struct config *config = NULL;
	struct rule_set *rules = NULL;
	struct store *store = NULL;
	struct engine *engine = NULL;
	struct store_outbox_stats stats;

	if (argc < 3 || !diags || !memory)
		return 2;
	noise = argc > 3 ? strtoull(argv[3], NULL, 10) : 20261122;
	log_setup(LOG_ERROR, NULL);
	wy_arena_init_zeroed(&arena, memory, MEMORY);
	wy_diags_init(diags, &arena);
	now = (struct wy_now){1000000, ((wy_ms)time(NULL) - 30 * 86400) * 1000, WY_CLOCK_SYNCED};
	if (config_load(argv[1], &arena, diags, &config) || config_compile(config, &arena, diags, &rules) ||
	    store_open(config->state_dir, config->gateway, diags, &store))
		return 2;
	struct engine_parts parts = {config, rules, store, &clock_of_bench, "bench", &arena, NULL, NULL};
	wy_ms begun_ms = now.mono_ms;
	clock_t begun = clock();
	if (engine_new(&parts, &engine) || fill(engine, config, store, strtoull(argv[2], NULL, 10)) ||
	    store_outbox_stats(store, &stats))
		return 1;
	printf("events=%llu queued=%llu S1=%llu lost=%llu opened=%llu bytes_counted=%llu of %llu hours=%.0f cpu_s=%.0f\n",
	       (unsigned long long)(stats.queued + stats.lost), (unsigned long long)stats.queued,
	       (unsigned long long)stats.queued_s1, (unsigned long long)stats.lost,
	       (unsigned long long)engine_counts(engine).opened, (unsigned long long)stats.bytes,
	       (unsigned long long)stats.max_bytes, (double)(now.mono_ms - begun_ms) / 3600000,
	       (double)(clock() - begun) / CLOCKS_PER_SEC);
	store_close(store);
	return 0;
}
