/* watch.c: see watch.h. */
#include "watch.h"

#include <stddef.h>

static const struct {
	const char *name;
	bool is_vital;	    /* the process ends for it */
	wy_ms deadline_ms;  /* of the others */
	enum watch_part by; /* whose thread beats for it: while that stands, nothing is known of this one */
} rows[WATCH_PARTS] = {
	[WATCH_LOOP] = {"loop", true, 0, WATCH_LOOP},
	[WATCH_FIELD] = {"field", true, 0, WATCH_FIELD},
	[WATCH_WIRE] = {"wire", true, 0, WATCH_FIELD},
	[WATCH_RECORD] = {"recorder", false, WATCH_RECORD_MS, WATCH_RECORD},
};

/* With the beat and the look it takes to notice, twice the watchdog's time is not reached. */
static wy_ms deadline_for(wy_ms watchdog_ms)
{
	wy_ms deadline_ms = watchdog_ms / 3 * 4;

	if (!watchdog_ms || deadline_ms > WATCH_DEADLINE_MS)
		return WATCH_DEADLINE_MS;
	return deadline_ms > WATCH_DEADLINE_LEAST_MS ? deadline_ms : WATCH_DEADLINE_LEAST_MS;
}

void watch_init(struct watch *watch, wy_ms watchdog_ms)
{
	*watch = (struct watch){.deadline_ms = deadline_for(watchdog_ms)};
	for (int i = 0; i < WATCH_PARTS; i++)
		atomic_init(&watch->state[i].is_resting, true);
}

void watch_beat(struct watch *watch, enum watch_part part)
{
	if (!watch)
		return;
	atomic_fetch_add(&watch->state[part].beats, 1);
	atomic_store(&watch->state[part].is_resting, false);
}

void watch_rest(struct watch *watch, enum watch_part part)
{
	if (watch)
		atomic_store(&watch->state[part].is_resting, true);
}

void watch_blame(struct watch *watch, enum watch_part part, const char *what)
{
	if (watch)
		atomic_store(&watch->state[part].blamed, what);
}

const char *watch_name(enum watch_part part)
{
	return rows[part].name;
}

static wy_ms passed_since_last_look(struct watch *watch, wy_ms now_ms)
{
	wy_ms passed_ms = watch->has_looked ? now_ms - watch->looked_ms : 0;

	watch->has_looked = true;
	watch->looked_ms = now_ms;
	if (passed_ms < 0)
		return 0;
	return passed_ms < WATCH_LOOK_MOST_MS ? passed_ms : WATCH_LOOK_MOST_MS;
}

static void age(struct watch *watch, int part, wy_ms passed_ms)
{
	struct watch_state *state = &watch->state[part];
	bool is_dark = rows[part].by != (enum watch_part)part && watch->state[rows[part].by].age_ms > WATCH_BEAT_MS;
	unsigned beats = atomic_load(&state->beats);
	bool is_fresh = beats != state->seen || atomic_load(&state->is_resting);

	state->seen = beats;
	if (is_fresh)
		state->age_ms = 0;
	else if (!is_dark)
		state->age_ms += passed_ms;
}

struct watch_verdict watch_look(struct watch *watch, wy_ms now_ms)
{
	wy_ms passed_ms = passed_since_last_look(watch, now_ms);
	struct watch_verdict verdict = {.is_hung = false};

	for (int i = 0; i < WATCH_PARTS; i++)
		age(watch, i, passed_ms);
	for (int i = 0; i < WATCH_PARTS && !verdict.is_hung && !verdict.is_news; i++) {
		struct watch_state *state = &watch->state[i];
		wy_ms deadline_ms = rows[i].is_vital ? watch->deadline_ms : rows[i].deadline_ms;
		bool was_late = state->is_late;
		state->is_late = state->age_ms >= deadline_ms;
		verdict.is_hung = state->is_late && rows[i].is_vital;
		verdict.is_news = state->is_late != was_late;
		if (!verdict.is_hung && !verdict.is_news)
			continue;
		verdict.is_late = state->is_late;
		verdict.part = (enum watch_part)i;
		verdict.what = atomic_load(&state->blamed);
		verdict.age_ms = state->age_ms;
	}
	return verdict;
}
