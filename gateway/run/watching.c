/* watching.c: the loop says that it moves, and a thread beside it sees whether all parts do: gateway/watch. */
#include "gateway.h"

static void on_beat(void *arg)
{
	struct gateway *g = arg;

	watch_beat(&g->watch, WATCH_LOOP);
	loop_timer_set(g->beat_timer, clock_mono(&g->clock) + WATCH_BEAT_MS);
}

/* In the last lane, whose turn comes however much there is to do before it: a loop that serves only some of its sources stands for
 * the others. */
enum wy_err watching_start(struct gateway *g)
{
	enum wy_err err = loop_add_timer(g->loop, LOOP_PEOPLE, on_beat, g, &g->beat_timer);

	if (err)
		return err;
	on_beat(g);
	return watcher_start(&g->watch, loop_watchdog_ms(), RUN_HUNG, &g->watcher);
}

void watching_stop(struct gateway *g)
{
	watcher_stop(g->watcher);
	g->watcher = NULL;
}
