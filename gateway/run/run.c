/* run.c: the process from its first line to its last: see run.h. start.c opens and closes what it consists of, duty.c is what it
 * does in between. */
#include <signal.h>
#include <stdlib.h>

#include "gateway.h"
#include "log.h"
#include "uplink.h"

static enum run_exit load(struct gateway *g)
{
	enum wy_err err = generation_load(g->path, &g->now);

	if (!g->now)
		return RUN_SETUP;
	if (err) {
		log_line(LOG_ERROR, "config_refused", "file=\"%s\" errors=%zu next=\"weiyu check shows each "
			 "with its place\"", g->path, g->now->diags.errors);
		return RUN_CONFIG;
	}
	generation_set_log(g->now);
	return RUN_STOPPED;
}

static enum run_exit work(struct gateway *g)
{
	const struct generation *now = g->now;

	log_line(LOG_INFO, "started", "gateway=%s version=%s devices=%zu assets=%zu rules=%zu "
		 "instances=%zu epoch=%016llx", now->config->gateway, WY_VERSION, now->config->n_devices,
		 now->config->n_assets, rule_count(now->rules), rule_instance_count(now->rules),
		 (unsigned long long)store_epoch(g->store));
	loop_notify("READY=1");
	if (watching_start(g) || loop_run(g->loop))
		g->exit = RUN_BROKEN;
	return g->exit;
}

enum run_exit run_gateway(const char *gateway_yaml)
{
	struct gateway g = {.path = gateway_yaml, .reloaded_ms = WY_MS_NONE};

	uplink_begin_process();
	log_setup(LOG_INFO, clock_wall);
	watch_init(&g.watch, loop_watchdog_ms());
	if (loop_hold_signals())
		return RUN_SETUP;
	(void)signal(SIGPIPE, SIG_IGN); /* a peer, or the log's reader, that goes away is no reason to end */
	g.memory = generation_memory(&g.arena);
	if (!g.memory)
		return RUN_SETUP;
	enum run_exit code = load(&g);
	if (code == RUN_STOPPED)
		code = start_state(&g);
	if (code == RUN_STOPPED)
		code = start_all(&g);
	if (code == RUN_STOPPED)
		code = work(&g);
	stop_all(&g);
	log_line(LOG_INFO, "stopped", "code=%d", (int)code);
	free(g.memory);
	return code;
}
