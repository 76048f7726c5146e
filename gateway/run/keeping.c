/* keeping.c: where the store keeps things. A disk that takes no more is said once, its return is tried every ten seconds and
 * said once: the gateway watches on in between. */
#include "gateway.h"
#include "log.h"

enum {
	TRY_DISK_MS = 10000,
	LOOK_MS = 60000,  /* whether the file is larger than it need be */
	TIDY_MS = 1000,	  /* between two portions of what is given back */
};

static void say_left(const struct store_disk *disk)
{
	log_line(LOG_ERROR, "store_in_memory", "mode=%s why=\"%s\"%s next=\"all goes on in memory; the disk is tried again every "
		 "10 s; what the platform has not confirmed would not survive a crash\"", store_mode_text(disk->mode), disk->why,
		 disk->is_apart ? " epoch=new" : "");
}

void keeping_look(struct gateway *g)
{
	enum store_mode mode = store_mode(g->store);
	wy_ms now_ms = clock_mono(&g->clock);

	if (mode == g->disk_mode)
		return;
	if (mode == STORE_ON_DISK) {
		log_line(LOG_INFO, "store_on_disk", "after_ms=%lld was=%s", (long long)(now_ms - g->view.memory_since_ms),
			 store_mode_text(g->disk_mode));
	} else {
		struct store_disk disk = store_disk(g->store);
		say_left(&disk);
		g->view.memory_since_ms = now_ms;
		loop_timer_set(g->disk_timer, now_ms + TRY_DISK_MS);
	}
	g->disk_mode = mode;
}

void keeping_on_alive(void *arg)
{
	struct gateway *g = arg;

	watch_beat(&g->watch, WATCH_LOOP);
}

/* What could not be read when the process started has come back with the disk. */
static void take_home(struct gateway *g)
{
	const struct store_opening *home = store_homecoming(g->store);

	if (!home)
		return;
	start_say_parts("store_came_home", home, g->store);
	(void)!engine_take_home(g->now->engine); /* it is broken then, and the turn's end sees it */
	if (!g->is_offline) /* its queue waits, whether anything is opened anew or not */
		loop_timer_set(g->delivery_timer, clock_mono(&g->clock));
}

static wy_ms try_disk(struct gateway *g)
{
	enum wy_err err = store_try_disk(g->store);

	if (!err)
		take_home(g);
	if (err == WY_E_INVALID && g->disk_err != err)
		log_line(LOG_ERROR, "store_return_refused", "dir=\"%s\" why=\"the file there is not the one that was left\" next=\"tried "
			 "again every 10 s\"", g->now->config->state_dir);
	g->disk_err = err;
	return err ? TRY_DISK_MS : LOOK_MS;
}

/* Only while nobody waits for the disk: a queue that is not empty may need the room again. */
static wy_ms tidy(struct gateway *g)
{
	struct store_outbox_stats stats;

	if (!store_is_untidy(g->store) || store_outbox_stats(g->store, &stats) != WY_OK || stats.queued > 0)
		return LOOK_MS;
	return store_tidy(g->store) == WY_OK ? TIDY_MS : LOOK_MS;
}

void keeping_on_time(void *arg)
{
	struct gateway *g = arg;
	wy_ms wait_ms = store_mode(g->store) == STORE_ON_DISK ? tidy(g) : try_disk(g);

	loop_timer_set(g->disk_timer, clock_mono(&g->clock) + wait_ms);
	duty_settle(g);
}

void keeping_begin(struct gateway *g)
{
	loop_timer_set(g->disk_timer, clock_mono(&g->clock) + LOOK_MS);
}
