/* watcher.h: the thread that looks at the watch, tells the service manager that all is well, and ends the process when it is not.
 *
 * It is no part of the loop, which may be what hangs. The end is an _exit(): nothing is flushed or closed, since whatever
 * would do that may be what hangs; the store is made to survive it. */
#ifndef WATCH_WATCHER_H
#define WATCH_WATCHER_H

#include "err.h"
#include "watch.h"

struct watcher;

/* Tells the service manager every watchdog_ms / 2; 0: nobody asks. exit_code: of the process, where a part hangs. watch is borrowed. */
WY_MUST_CHECK enum wy_err watcher_start(struct watch *watch, wy_ms watchdog_ms, int exit_code, struct watcher **ret);
/* Joins the thread. NULL is fine. */
void watcher_stop(struct watcher *watcher);

#endif
