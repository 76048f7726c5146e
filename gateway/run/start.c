/* start.c: opens everything in order, and closes it. Order matters at both ends: nothing is polled before the store is open and
 * the rules have their memory back; nothing is closed before the wires are still. */
#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#include "gateway.h"
#include "log.h"
#include "stamp.h"

/* ---- State -------------------------------------------------------------------------------------- */

static void say_clock(const struct clock *clock)
{
	char now[40], least[40];
	struct wy_buf buf;

	if (!clock_is_behind(clock))
		return;
	wy_buf_init(&buf, now, sizeof(now));
	wy_stamp_utc(&buf, clock_wall());
	wy_buf_init(&buf, least, sizeof(least));
	wy_stamp_utc(&buf, clock->least_wall_ms);
	log_line(LOG_WARNING, "clock_behind", "now=%s least=%s next=\"certificates are judged at the latter; set the "
		 "clock: timedatectl\"", now, least);
}

static void set_clock(struct gateway *g)
{
	struct clock_past past = {0};
	struct store_clock kept;
	wy_ms sure_ms = 0;

	if (store_clock(g->store, &kept) == WY_OK) {
		memcpy(past.boot_id, kept.boot, sizeof(past.boot_id));
		past.offset_ms = kept.mono_ms - kept.boottime_ms;
		past.mono_ms = kept.mono_ms;
		past.wall_ms = kept.wall_ms;
		sure_ms = kept.sure_wall_ms;
	}
	clock_boot_id(g->boot);
	clock_set(&g->clock, &past, g->boot);
	clock_bound(&g->clock, uplink_certificate_begins(g->now->config->uplink.certificate), sure_ms);
	say_clock(&g->clock);
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

struct record *start_record(struct gateway *g, struct generation *of, struct record *before)
{
	const struct config_record *config = &of->config->record;
	struct record *record = NULL;
	struct record_conf conf = {
		.disk = {config->directory, config->max_bytes, config->keep_ms, &g->watch},
		.block_ms = config->block_ms,
		.world = &of->world,
		.set = of->rules,
	};

	if (!config->is_on)
		return NULL;
	enum wy_err err = record_open(&conf, before, &record);
	if (err)
		log_line(LOG_ERROR, "recording_refused", "dir=\"%s\" why=\"%s\"", config->directory, wy_err_text(err));
	return record;
}

void start_say_parts(const char *event, const struct store_opening *opening, const struct store *store)
{
	char counts[400];
	struct wy_buf buf;

	wy_buf_init(&buf, counts, sizeof(counts));
	for (int i = 0; i < STORE_PARTS; i++) {
		const char *part = store_part_text((enum store_part)i);
		wy_buf_addf(&buf, " %s=%llu %s_lost=%llu", part, (unsigned long long)opening->part[i].kept, part,
			    (unsigned long long)opening->part[i].lost);
	}
	log_line(LOG_WARNING, event, "kind=%s why=\"%s\" kept_as=\"%s\" losses=%u epoch=%016llx%s next=\"what stands is told "
		 "again, under new keys\"", store_opening_text(opening->kind), opening->why, opening->file, store_losses(store),
		 (unsigned long long)store_epoch(store), counts);
}

/* Nothing is said of a store that is as it was. */
static void say_opening(const struct store *store)
{
	const struct store_opening *opening = store_opening(store);

	if (opening->kind == STORE_SALVAGED || opening->kind == STORE_RENEWED)
		start_say_parts("store_replaced", opening, store);
}

enum run_exit start_state(struct gateway *g)
{
	struct generation *now = g->now;
	const struct config *config = now->config;
	size_t said = now->diags.n;
	int wrong = make_dir(config->state_dir);

	if (wrong) {
		log_line(LOG_ERROR, "state_dir", "path=\"%s\" why=\"%s\"", config->state_dir, strerror(wrong));
		return RUN_SETUP;
	}
	enum wy_err err = store_open(config->state_dir, config->gateway, &now->diags, &g->store);
	if (!err) {
		store_set_alive(g->store, keeping_on_alive, g);
		say_opening(g->store);
	}
	if (!err)
		err = engine_recall_learned(g->store, now->config, &now->arena);
	if (!err) {
		set_clock(g);
		g->record = start_record(g, now, NULL);
		err = generation_begin(now, g, g->record, NULL);
	}
	if (err) {
		for (size_t i = said; i < now->diags.n; i++)
			log_line(LOG_ERROR, "store", "%s", now->diags.item[i].text);
		log_line(LOG_ERROR, "store_refused", "dir=\"%s\" why=\"%s\"%s", config->state_dir, wy_err_text(err),
			 err == WY_E_CORRUPT ? " next=\"the next start replaces it\"" : "");
		/* Damage that came to light behind the opening: the store knows, and is started again. */
		if (err == WY_E_CORRUPT)
			return RUN_BROKEN;
		return RUN_SETUP;
	}
	return RUN_STOPPED;
}

/* ---- The rest ----------------------------------------------------------------------------------- */

static enum wy_err open_delivery(struct gateway *g)
{
	struct delivery_parts parts = {
		.config = g->now->config,
		.store = g->store,
		.clock = &g->clock,
		.boot = g->boot,
		.bundle = rule_set_hash(g->now->rules),
		.seed = clock_seed(),
		.arena = &g->arena,
		.renew_epoch = duty_on_epoch_new,
		.work = duty_on_work,
		.arg = g,
	};

	enum wy_err err = delivery_new(&parts, &g->delivery);
	if (!err)
		err = loop_add_timer(g->loop, LOOP_UPLINK, duty_on_delivery, g, &g->delivery_timer);
	if (!err)
		err = duty_connect(g);
	if (!err)
		loop_timer_set(g->delivery_timer, clock_mono(&g->clock));
	return err;
}

static enum wy_err open_field(struct gateway *g)
{
	enum wy_err err = field_new(g->now, &g->clock, &g->watch, &g->field);

	if (!err)
		err = field_join(g, g->field);
	if (!err)
		err = loop_add_timer(g->loop, LOOP_FIELD, field_on_time, g, &g->field_timer);
	if (!err)
		err = loop_add_timer(g->loop, LOOP_FIELD, duty_on_engine_time, g, &g->engine_timer);
	if (!err)
		loop_timer_set(g->engine_timer, engine_due(g->now->engine));
	return err;
}

static enum wy_err open_socket(struct gateway *g)
{
	const char *path = g->now->config->socket;
	enum wy_err err = ctl_open(path, g->loop, duty_on_question, g, &g->ctl);

	if (err)
		log_line(LOG_ERROR, "socket_refused", "path=\"%s\" why=\"%s\"", path,
			 err == WY_E_EXISTS ? "another gateway answers there" : wy_err_text(err));
	return err;
}

/* The gateway as an asset of its own, where the site has one. */
static enum wy_err open_own(struct gateway *g)
{
	enum wy_err err = loop_add_timer(g->loop, LOOP_FIELD, duty_on_own_time, g, &g->own_timer);

	if (!err && engine_has_own(g->now->engine))
		loop_timer_set(g->own_timer, clock_mono(&g->clock) + OWN_PERIOD_MS);
	return err;
}

enum run_exit start_all(struct gateway *g)
{
	enum wy_err err = loop_new(&g->clock, &g->loop);

	if (!err)
		err = loop_add_stop_signals(g->loop, duty_on_stop, g);
	if (!err)
		err = loop_add_reload_signal(g->loop, reload_on_signal, g);
	if (!err)
		err = loop_add_timer(g->loop, LOOP_PEOPLE, reload_on_time, g, &g->reload_timer);
	if (!err)
		err = open_field(g);
	if (!err)
		err = open_delivery(g);
	if (!err)
		g->view = (struct run_view){g->now->config, g->now->rules, g->store, g->now->engine, g->delivery, &g->clock,
					    clock_mono(&g->clock), g->field->poller, 0, g->now->loaded_wall_ms};
	if (!err)
		err = loop_add_timer(g->loop, LOOP_FIELD, keeping_on_time, g, &g->disk_timer);
	if (!err)
		keeping_begin(g);
	if (!err)
		err = open_own(g);
	if (!err)
		err = open_socket(g);
	if (!err)
		err = poller_start(g->field->poller);
	if (err) {
		log_line(LOG_ERROR, "start_failed", "why=\"%s\"", wy_err_text(err));
		return RUN_SETUP;
	}
	return RUN_STOPPED;
}

/* ---- Stop --------------------------------------------------------------------------------------- */

void stop_all(struct gateway *g)
{
	struct engine *engine = g->now ? g->now->engine : NULL;

	watching_stop(g);
	ctl_close(g->ctl);
	if (g->field)
		poller_stop(g->field->poller);
	if (engine && !engine_is_broken(engine)) {
		enum wy_err err = engine_save(engine);
		if (err)
			log_line(LOG_ERROR, "save_failed", "why=\"%s\"", wy_err_text(err));
	}
	loop_free(g->loop); /* before the descriptors it watches are closed */
	delivery_close(g->delivery);
	struct generation *of = g->field ? g->field->of : g->now;
	field_free(g->field);
	record_close(g->record);
	store_close(g->store);
	if (of != g->now)
		generation_free(of);
	generation_free(g->now);
}
