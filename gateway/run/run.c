/* run.c: see run.h. Order matters at both ends: nothing is polled before the store is open and the
 * rules have their memory back; nothing is closed before the wires are still. */
#include "run.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "ctl.h"
#include "log.h"
#include "loop.h"
#include "poller.h"

struct gateway {
	void *memory;
	struct wy_arena arena;
	struct wy_diags *diags;
	struct config *config;
	struct rule_set *rules;
	struct clock clock;
	char boot[40];
	struct store *store;
	struct rule_world world;
	struct record *record; /* NULL: off, or there was no memory */
	struct engine *engine;
	struct delivery *delivery;
	struct poller *poller;
	struct loop *loop;
	struct ctl *ctl;
	struct loop_timer *engine_timer, *delivery_timer, *own_timer;
	struct run_view view;
	bool is_offline; /* the uplink's files are not in order */
	enum run_exit exit;
};

enum { OFFLINE_RETRY_MS = 60000 };

static void say_diags(const struct wy_diags *diags)
{
	for (size_t i = 0; i < diags->n; i++) {
		char text[1200];
		struct wy_buf buf;
		wy_buf_init(&buf, text, sizeof(text));
		wy_diag_print(&diags->item[i], &buf);
		log_line(diags->item[i].severity == WY_DIAG_ERROR ? LOG_ERROR : LOG_WARNING, "config",
			 "%s", text);
	}
}

/* ---- After every event: keep, then send --------------------------------------------------------- */

static void settle(struct gateway *g)
{
	bool has_events = false;
	enum wy_err err = engine_flush(g->engine, &has_events);

	if (err || engine_is_broken(g->engine) || delivery_is_broken(g->delivery)) {
		g->exit = RUN_BROKEN;
		loop_stop(g->loop);
		return;
	}
	loop_timer_set(g->engine_timer, engine_due(g->engine));
	if (has_events && !g->is_offline)
		loop_timer_set(g->delivery_timer, clock_mono(&g->clock));
}

static void on_delivery(void *arg);

static void on_report(void *arg, const struct sensor_report *report)
{
	struct gateway *g = arg;
	engine_report(g->engine, report);
}

static void on_field(void *arg)
{
	struct gateway *g = arg;
	poller_take(g->poller, on_report, g);
	settle(g);
}

static void on_engine_time(void *arg)
{
	struct gateway *g = arg;
	/* What has been read comes before what is only due. */
	poller_take(g->poller, on_report, g);
	engine_tick(g->engine);
	settle(g);
}

static void on_own_time(void *arg)
{
	struct gateway *g = arg;
	struct store_outbox_stats stats = {.queued = 0};
	struct own_in in = {.is_up = delivery_state(g->delivery).is_up};

	in.has_queue = store_outbox_stats(g->store, &stats) == WY_OK;
	in.queued = stats.queued;
	loop_timer_set(g->own_timer, clock_mono(&g->clock) + OWN_PERIOD_MS);
	engine_look_at_own(g->engine, &in);
	settle(g);
}

/* With files that are not there yet the gateway watches on: tickets wait in the store. */
static enum wy_err connect_delivery(struct gateway *g)
{
	char text[300];
	struct wy_buf words;

	wy_buf_init(&words, text, sizeof(text));
	enum wy_err err = delivery_open(g->delivery, &words);
	if (err && !g->is_offline)
		log_line(LOG_ERROR, "uplink_refused", "why=\"%s\" next=\"tickets wait in the store; tried "
			 "again every minute\"", words.len ? text : wy_err_text(err));
	g->is_offline = err != WY_OK;
	if (err)
		return WY_OK;
	return loop_add_fd(g->loop, delivery_fd(g->delivery), LOOP_UPLINK, on_delivery, g);
}

static void on_delivery(void *arg)
{
	struct gateway *g = arg;
	if (g->is_offline && connect_delivery(g)) {
		g->exit = RUN_BROKEN;
		loop_stop(g->loop);
		return;
	}
	if (g->is_offline) {
		loop_timer_set(g->delivery_timer, clock_mono(&g->clock) + OFFLINE_RETRY_MS);
		return;
	}
	loop_timer_set(g->delivery_timer, delivery_dispatch(g->delivery));
	settle(g);
}

static void on_work(void *arg, const char *ticket_key, enum ticket_node node, uint32_t work_rev)
{
	struct gateway *g = arg;
	enum wy_err err = engine_work(g->engine, ticket_key, node, work_rev);

	log_line(err ? LOG_WARNING : LOG_INFO, "work", "ticket=%s node=%s rev=%u%s%s", ticket_key,
		 ticket_node_text((uint8_t)node), work_rev, err ? " ignored=" : "",
		 err ? wy_err_text(err) : "");
	/* Kept before the next message: a receipt needs the store for itself. */
	settle(g);
}

static void on_stop(void *arg)
{
	struct gateway *g = arg;
	loop_notify("STOPPING=1");
	loop_stop(g->loop);
}

static char *on_question(void *arg, const char *request)
{
	struct gateway *g = arg;
	char *text = run_answer(&g->view, request);

	/* An order is kept before it is answered. */
	settle(g);
	if (!engine_is_broken(g->engine))
		return text;
	free(text);
	return NULL;
}

/* ---- Start -------------------------------------------------------------------------------------- */

static enum run_exit load(struct gateway *g, const char *gateway_yaml)
{
	static const enum log_level levels[] = {LOG_ERROR, LOG_WARNING, LOG_INFO, LOG_DEBUG};
	enum wy_err err = config_load(gateway_yaml, &g->arena, g->diags, &g->config);

	if (!err)
		err = config_compile(g->config, &g->arena, g->diags, &g->rules);
	say_diags(g->diags);
	if (err) {
		log_line(LOG_ERROR, "config_refused", "file=\"%s\" errors=%zu next=\"weiyu check shows each "
			 "with its place\"", gateway_yaml, g->diags->errors);
		return RUN_CONFIG;
	}
	log_setup(levels[g->config->log], clock_wall);
	return RUN_STOPPED;
}

static void set_clock(struct gateway *g)
{
	struct clock_past past = {0};
	struct store_clock kept;

	if (store_clock(g->store, &kept) == WY_OK) {
		memcpy(past.boot_id, kept.boot, sizeof(past.boot_id));
		past.offset_ms = kept.mono_ms - kept.boottime_ms;
		past.mono_ms = kept.mono_ms;
		past.wall_ms = kept.wall_ms;
	}
	clock_boot_id(g->boot);
	clock_set(&g->clock, &past, g->boot);
}

/* With its parents. 0, or the number of what is wrong. */
static int make_dir(const char *path)
{
	char part[PATH_MAX];
	struct stat found;

	if (strlen(path) >= sizeof(part))
		return ENAMETOOLONG;
	strcpy(part, path);
	for (char *at = part + 1; *at; at++) {
		if (*at != '/')
			continue;
		*at = '\0';
		(void)!mkdir(part, 0750); /* the last one tells what is wrong */
		*at = '/';
	}
	if (mkdir(path, 0750) == 0)
		return 0;
	if (errno != EEXIST)
		return errno;
	return stat(path, &found) == 0 && S_ISDIR(found.st_mode) ? 0 : ENOTDIR;
}

/* Without it the gateway does all its work: it is never a reason not to start. */
static void open_record(struct gateway *g)
{
	const struct config_record *config = &g->config->record;
	struct record_conf conf = {
		.disk = {config->directory, config->max_bytes, config->keep_ms},
		.block_ms = config->block_ms,
		.world = &g->world,
		.set = g->rules,
	};

	if (!config->is_on)
		return;
	g->world = config_world(g->config);
	enum wy_err err = record_open(&conf, &g->record);
	if (err)
		log_line(LOG_ERROR, "recording_refused", "dir=\"%s\" why=\"%s\"", config->directory, wy_err_text(err));
}

static enum run_exit open_state(struct gateway *g)
{
	size_t said = g->diags->n;
	int wrong = make_dir(g->config->state_dir);

	if (wrong) {
		log_line(LOG_ERROR, "state_dir", "path=\"%s\" why=\"%s\"", g->config->state_dir,
			 strerror(wrong));
		return RUN_SETUP;
	}
	enum wy_err err = store_open(g->config->state_dir, g->config->gateway, g->diags, &g->store);
	/* Damage is found before anything is decided on it, not in the middle of a night. */
	if (!err)
		err = store_verify(g->store, g->diags);
	if (!err)
		err = engine_recall_learned(g->store, g->config, &g->arena);
	if (!err) {
		set_clock(g);
		open_record(g);
		struct engine_parts parts = {g->config, g->rules, g->store, &g->clock, g->boot, &g->arena,
					     g->record};
		err = engine_new(&parts, &g->engine);
	}
	if (err) {
		for (size_t i = said; i < g->diags->n; i++)
			log_line(LOG_ERROR, "store", "%s", g->diags->item[i].text);
		log_line(LOG_ERROR, "store_refused", "dir=\"%s\" why=\"%s\"%s", g->config->state_dir,
			 wy_err_text(err),
			 err == WY_E_CORRUPT ? " next=\"move " STORE_FILE "* away, and keep them, "
					       "to begin a new store\"" : "");
		return RUN_SETUP;
	}
	return RUN_STOPPED;
}

static enum wy_err open_delivery(struct gateway *g)
{
	struct delivery_parts parts = {
		.config = g->config,
		.store = g->store,
		.clock = &g->clock,
		.boot = g->boot,
		.bundle = rule_set_hash(g->rules),
		.seed = clock_seed(),
		.arena = &g->arena,
		.work = on_work,
		.arg = g,
	};

	enum wy_err err = delivery_new(&parts, &g->delivery);
	if (!err)
		err = loop_add_timer(g->loop, LOOP_UPLINK, on_delivery, g, &g->delivery_timer);
	if (!err)
		err = connect_delivery(g);
	if (!err)
		loop_timer_set(g->delivery_timer, clock_mono(&g->clock));
	return err;
}

static enum wy_err open_field(struct gateway *g)
{
	enum wy_err err = poller_new(g->config, &g->clock, clock_seed(), &g->arena, g->diags, &g->poller);

	if (!err)
		err = loop_add_fd(g->loop, poller_fd(g->poller), LOOP_FIELD, on_field, g);
	if (!err)
		err = loop_add_timer(g->loop, LOOP_FIELD, on_engine_time, g, &g->engine_timer);
	if (!err)
		loop_timer_set(g->engine_timer, engine_due(g->engine));
	return err;
}

static enum wy_err open_socket(struct gateway *g)
{
	enum wy_err err = ctl_open(g->config->socket, g->loop, on_question, g, &g->ctl);

	if (err)
		log_line(LOG_ERROR, "socket_refused", "path=\"%s\" why=\"%s\"", g->config->socket,
			 err == WY_E_EXISTS ? "another gateway answers there" : wy_err_text(err));
	return err;
}

/* The gateway as an asset of its own, where the site has one. */
static enum wy_err open_own(struct gateway *g)
{
	if (!engine_has_own(g->engine))
		return WY_OK;
	enum wy_err err = loop_add_timer(g->loop, LOOP_FIELD, on_own_time, g, &g->own_timer);
	if (!err)
		loop_timer_set(g->own_timer, clock_mono(&g->clock) + OWN_PERIOD_MS);
	return err;
}

static enum run_exit open_all(struct gateway *g)
{
	enum wy_err err = loop_new(&g->clock, &g->loop);

	if (!err)
		err = loop_add_stop_signals(g->loop, on_stop, g);
	if (!err)
		err = open_field(g);
	if (!err)
		err = open_delivery(g);
	g->view = (struct run_view){g->config, g->rules, g->store, g->engine, g->delivery, &g->clock,
				    clock_mono(&g->clock), g->poller};
	if (!err)
		err = open_own(g);
	if (!err)
		err = open_socket(g);
	if (!err)
		err = poller_start(g->poller);
	if (err) {
		log_line(LOG_ERROR, "start_failed", "why=\"%s\"", wy_err_text(err));
		return RUN_SETUP;
	}
	return RUN_STOPPED;
}

/* ---- Stop --------------------------------------------------------------------------------------- */

static void close_all(struct gateway *g)
{
	ctl_close(g->ctl);
	if (g->poller)
		poller_stop(g->poller);
	if (g->engine && !engine_is_broken(g->engine)) {
		enum wy_err err = engine_save(g->engine);
		if (err)
			log_line(LOG_ERROR, "save_failed", "why=\"%s\"", wy_err_text(err));
	}
	loop_free(g->loop); /* before the descriptors it watches are closed */
	delivery_close(g->delivery);
	poller_free(g->poller);
	record_close(g->record);
	store_close(g->store);
}

enum run_exit run_gateway(const char *gateway_yaml)
{
	struct gateway *g = calloc(1, sizeof(*g));
	enum run_exit code = RUN_SETUP;

	log_setup(LOG_INFO, clock_wall);
	(void)signal(SIGPIPE, SIG_IGN); /* a peer, or the log's reader, that goes away is no reason to end */
	if (!g)
		return RUN_SETUP;
	g->memory = calloc(1, WY_LOAD_ARENA_BYTES);
	g->diags = calloc(1, sizeof(*g->diags));
	if (!g->memory || !g->diags)
		goto out;
	wy_arena_init_zeroed(&g->arena, g->memory, WY_LOAD_ARENA_BYTES);
	wy_diags_init(g->diags, &g->arena);
	code = load(g, gateway_yaml);
	if (code == RUN_STOPPED)
		code = open_state(g);
	if (code == RUN_STOPPED)
		code = open_all(g);
	if (code == RUN_STOPPED) {
		log_line(LOG_INFO, "started", "gateway=%s version=%s devices=%zu assets=%zu rules=%zu "
			 "instances=%zu epoch=%llx", g->config->gateway, WY_VERSION, g->config->n_devices,
			 g->config->n_assets, rule_count(g->rules), rule_instance_count(g->rules),
			 (unsigned long long)store_epoch(g->store));
		loop_notify("READY=1");
		if (loop_run(g->loop))
			g->exit = RUN_BROKEN;
		code = g->exit;
	}
	close_all(g);
	log_line(LOG_INFO, "stopped", "code=%d", (int)code);
out:
	free(g->diags);
	free(g->memory);
	free(g);
	return code;
}
