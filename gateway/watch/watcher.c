/* watcher.c: see watcher.h. */
#define _GNU_SOURCE /* pthread_setname_np */
#include "watcher.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "log.h"
#include "loop.h"

enum { STACK_BYTES = 128 * 1024, LAST_WORDS_S = 2 };

struct watcher {
	struct watch *watch;
	wy_ms ping_ms; /* between two words to the service manager; WY_MS_NEVER: none */
	int exit_code;
	int stop_fd;
	pthread_t thread;
};

/* What hangs may be who reads the log: then the alarm ends the process. */
static void end_process(const struct watcher *watcher, const struct watch_verdict *verdict)
{
	(void)signal(SIGALRM, SIG_DFL);
	(void)alarm(LAST_WORDS_S);
	log_line(LOG_ERROR, "hung", "part=%s%s%s ms=%lld next=\"the process ends; the service manager starts it again, and the "
		 "store has all that was kept\"", watch_name(verdict->part), verdict->what ? " which=" : "",
		 verdict->what ? verdict->what : "", (long long)verdict->age_ms);
	_exit(watcher->exit_code);
}

static void say(const struct watch_verdict *verdict)
{
	log_line(verdict->is_late ? LOG_WARNING : LOG_INFO, verdict->is_late ? "part_late" : "part_back", "part=%s%s",
		 watch_name(verdict->part), verdict->is_late ? " next=\"the gateway goes on without it\"" : "");
}

/* True: asked to stop. */
static bool wait_a_little(const struct watcher *watcher)
{
	struct pollfd stop = {.fd = watcher->stop_fd, .events = POLLIN};

	return poll(&stop, 1, (int)WATCH_LOOK_MS) > 0;
}

static void *run_watcher(void *arg)
{
	struct watcher *watcher = arg;
	wy_ms ping_at_ms = WY_MS_NONE;

	do {
		wy_ms now_ms = clock_boot();
		struct watch_verdict verdict = watch_look(watcher->watch, now_ms);
		if (verdict.is_hung)
			end_process(watcher, &verdict);
		if (verdict.is_news)
			say(&verdict);
		if (watcher->ping_ms == WY_MS_NEVER || now_ms < ping_at_ms)
			continue;
		loop_notify("WATCHDOG=1");
		ping_at_ms = now_ms + watcher->ping_ms;
	} while (!wait_a_little(watcher));
	return NULL;
}

/* Signals are the loop's affair, but for the one that ends the last words. */
static bool begin_thread(struct watcher *watcher)
{
	pthread_attr_t attr;
	sigset_t most, before;

	sigfillset(&most);
	sigdelset(&most, SIGALRM);
	pthread_sigmask(SIG_SETMASK, &most, &before);
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK_BYTES);
	bool is_fine = pthread_create(&watcher->thread, &attr, run_watcher, watcher) == 0;
	pthread_attr_destroy(&attr);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (is_fine)
		(void)pthread_setname_np(watcher->thread, "weiyu-watch");
	return is_fine;
}

/* Said with a look, so at most a look's distance later than meant. */
static wy_ms ping_pace(wy_ms watchdog_ms)
{
	if (!watchdog_ms)
		return WY_MS_NEVER;
	return watchdog_ms / 2 > WATCH_LOOK_MS ? watchdog_ms / 2 - WATCH_LOOK_MS : 0;
}

enum wy_err watcher_start(struct watch *watch, wy_ms watchdog_ms, int exit_code, struct watcher **ret)
{
	struct watcher *watcher = calloc(1, sizeof(*watcher));

	if (!watcher)
		return WY_E_NOMEM;
	*watcher = (struct watcher){.watch = watch, .ping_ms = ping_pace(watchdog_ms), .exit_code = exit_code};
	watcher->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	enum wy_err err = watcher->stop_fd < 0 ? WY_E_IO : WY_OK;
	if (!err && !begin_thread(watcher))
		err = WY_E_NOMEM;
	if (err) {
		if (watcher->stop_fd >= 0)
			close(watcher->stop_fd);
		free(watcher);
		return err;
	}
	*ret = watcher;
	return WY_OK;
}

void watcher_stop(struct watcher *watcher)
{
	if (!watcher)
		return;
	(void)eventfd_write(watcher->stop_fd, 1);
	pthread_join(watcher->thread, NULL);
	close(watcher->stop_fd);
	free(watcher);
}
