/* keeping.c: where the store keeps things. A disk that takes no more is said once, its return is tried every ten seconds and
 * said once: the gateway watches on in between. */
#include "gateway.h"
#include "log.h"

enum { TRY_DISK_MS = 10000 };

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

/* What could not be read when the process started has come back with the disk. */
static void take_home(struct gateway *g)
{
	const struct store_opening *home = store_homecoming(g->store);

	if (!home)
		return;
	start_say_parts("store_came_home", home, g->store);
	(void)!engine_take_home(g->now->engine); /* it is broken then, and the turn's end sees it */
}

void keeping_on_time(void *arg)
{
	struct gateway *g = arg;
	enum wy_err err = store_try_disk(g->store);

	if (!err)
		take_home(g);
	if (err)
		loop_timer_set(g->disk_timer, clock_mono(&g->clock) + TRY_DISK_MS);
	if (err == WY_E_INVALID && g->disk_err != err)
		log_line(LOG_ERROR, "store_return_refused", "dir=\"%s\" why=\"the file there is not the one that was left\" next=\"tried "
			 "again every 10 s\"", g->now->config->state_dir);
	g->disk_err = err;
	duty_settle(g);
}
