/* reload.c: other files, without an end of the process. The next generation is loaded and checked as a whole before anything of the one in
 * force is touched; then the field stands still for a moment, the next engine takes over, and the store is told in one transaction.
 * Until that is committed every step can be taken back, and after it nothing can fail that matters: it is the old set or the
 * new one, also for who starts after a kill.
 *
 * What did not change goes on: the field with its connections where wires, devices and profiles are the same, the session with the broker,
 * the recording's thread. At most three loads are in memory for the moment, else two: the one in force, and that whose
 * devices are asked. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "gateway.h"
#include "log.h"

struct reload {
	struct gateway *g;
	const char *by;
	json_t *answer; /* borrowed; NULL where there was no memory: then nobody is told */
	struct generation *next;
	struct record *record; /* of next, NULL: none */
	struct field *field;   /* of next, NULL: the one there goes on */
	bool keeps_field, keeps_uplink;
	wy_ms began_ms;
};

/* ---- Answers -------------------------------------------------------------------------------------- */

static void refuse(struct reload *r, const char *why)
{
	log_line(LOG_ERROR, "reload_refused", "by=\"%s\" file=\"%s\" why=\"%s\" next=\"the set in force goes on\"", r->by, r->g->path,
		 why);
	(void)json_object_set_new(r->answer, "ok", json_false());
	(void)json_object_set_new(r->answer, "error", json_string(why));
}

static json_t *errors_of(const struct wy_diags *diags)
{
	json_t *list = json_array();

	for (size_t i = 0; i < diags->n; i++) {
		char text[1200];
		struct wy_buf buf;
		if (diags->item[i].severity != WY_DIAG_ERROR)
			continue;
		wy_buf_init(&buf, text, sizeof(text));
		wy_diag_print(&diags->item[i], &buf);
		(void)json_array_append_new(list, json_string(text));
	}
	return list;
}

/* ---- Before anything is touched ------------------------------------------------------------------- */

static bool load_next(struct reload *r)
{
	char text[100];
	struct wy_buf words;
	enum wy_err err = generation_load(r->g->path, &r->next);

	watch_beat(&r->g->watch, WATCH_LOOP);
	if (!err)
		return true;
	wy_buf_init(&words, text, sizeof(text));
	if (r->next && r->next->diags.errors)
		wy_buf_addf(&words, "%zu mistakes in the files", r->next->diags.errors);
	else
		wy_buf_add(&words, wy_err_text(err));
	if (r->next)
		(void)json_object_set_new(r->answer, "errors", errors_of(&r->next->diags));
	refuse(r, text);
	return false;
}

static bool is_same_text(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

/* What the process is built around. */
static bool is_same_place(struct reload *r)
{
	const struct config *was = r->g->now->config;
	const struct config *is = r->next->config;
	const struct {
		const char *key, *was, *is;
	} rows[] = {{"gateway", was->gateway, is->gateway}, {"state", was->state_dir, is->state_dir},
		    {"socket", was->socket, is->socket}};
	char text[600];
	struct wy_buf words;

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		if (is_same_text(rows[i].was, rows[i].is))
			continue;
		wy_buf_init(&words, text, sizeof(text));
		wy_buf_addf(&words, "%s: is \"%s\" now and would be \"%s\"; that needs a restart", rows[i].key, rows[i].was, rows[i].is);
		refuse(r, text);
		return false;
	}
	return true;
}

static bool is_same_uplink(const struct config_uplink *a, const struct config_uplink *b)
{
	return is_same_text(a->host, b->host) && a->port == b->port && is_same_text(a->server_name, b->server_name) &&
	       is_same_text(a->ca, b->ca) && is_same_text(a->certificate, b->certificate) && is_same_text(a->key, b->key) &&
	       a->keepalive_ms == b->keepalive_ms && a->retry_first_ms == b->retry_first_ms &&
	       a->retry_most_ms == b->retry_most_ms && a->receipt_wait_ms == b->receipt_wait_ms && a->grade == b->grade;
}

/* A session that stands is not given up for one that cannot be. */
static bool is_uplink_fine(struct reload *r)
{
	const struct config_uplink *uplink = &r->next->config->uplink;
	const char *const files[] = {uplink->ca, uplink->certificate, uplink->key};
	const struct uplink_conf conf = {
		.host = uplink->host, .port = uplink->port, .server_name = uplink->server_name, .ca = uplink->ca,
		.certificate = uplink->certificate, .key = uplink->key, .client_id = r->next->config->gateway,
		.keepalive_ms = uplink->keepalive_ms, .retry_first_ms = uplink->retry_first_ms, .retry_most_ms = uplink->retry_most_ms,
	};
	char text[600];
	struct wy_buf words;

	r->keeps_uplink = is_same_uplink(&r->g->now->config->uplink, uplink);
	if (r->keeps_uplink)
		return true;
	wy_buf_init(&words, text, sizeof(text));
	enum wy_err err = uplink_check(&conf, &words);
	for (size_t i = 0; !err && i < sizeof(files) / sizeof(*files); i++) {
		if (access(files[i], R_OK) == 0)
			continue;
		wy_buf_addf(&words, "uplink: \"%s\" cannot be read", files[i]);
		err = WY_E_INVALID;
	}
	if (err)
		refuse(r, words.len ? text : wy_err_text(err));
	return !err;
}

static bool is_anything_new(const struct reload *r)
{
	const struct config *was = r->g->now->config;

	return was->hash != r->next->config->hash || was->field_hash != r->next->config->field_hash || !r->g->field;
}

/* ---- The moment in between ------------------------------------------------------------------------ */

/* All that was read is decided on and kept by the old set. False: it could not be, and the process ends. */
static bool finish_old(struct gateway *g)
{
	if (g->field)
		poller_take(g->field->poller, duty_on_report, g);
	engine_tick(g->now->engine);
	duty_settle(g);
	return !engine_is_broken(g->now->engine) && !delivery_is_broken(g->delivery);
}

static bool listens(const struct config *config)
{
	for (size_t w = 0; w < config->n_wires; w++)
		if (config->wires[w].is_listening)
			return true;
	return false;
}

/* Beside the one there, whose wires are still and open; but a door that devices push to can be opened only once. */
static enum wy_err open_field(struct reload *r)
{
	struct gateway *g = r->g;

	if (g->field && listens(g->field->of->config)) {
		struct field *field = g->field;
		struct generation *of = field->of;
		g->field = NULL;
		field_leave(g, field);
		if (of != g->now)
			generation_free(of);
	}
	enum wy_err err = field_new(r->next, &g->clock, &g->watch, &r->field);
	if (!err)
		err = field_join(g, r->field);
	if (!err)
		return WY_OK;
	field_free(r->field);
	r->field = NULL;
	return err;
}

/* Everything that can fail, before the commit. */
static enum wy_err prepare(struct reload *r)
{
	struct gateway *g = r->g;
	enum wy_err err = engine_recall_learned(g->store, r->next->config, &r->next->arena);

	if (err)
		return err;
	r->record = start_record(g, r->next, g->record);
	return r->keeps_field ? WY_OK : open_field(r);
}

static void take_back(struct reload *r)
{
	field_leave(r->g, r->field);
	r->field = NULL;
	record_close(r->record);
	field_go_on(r->g);
}

/* ---- After the commit ----------------------------------------------------------------------------- */

static void switch_uplink(struct reload *r)
{
	struct gateway *g = r->g;

	if (!r->keeps_uplink && !g->is_offline) {
		loop_remove_fd(g->loop, delivery_fd(g->delivery));
		delivery_close(g->delivery);
	}
	delivery_switch(g->delivery, g->now->config, rule_set_hash(g->now->rules));
	if (!r->keeps_uplink && duty_connect(g)) {
		duty_break(g);
		return;
	}
	if (r->keeps_uplink && !g->is_offline)
		delivery_rebirth(g->delivery);
	loop_timer_set(g->delivery_timer, clock_mono(&g->clock));
}

static void switch_field(struct reload *r, struct generation *was)
{
	struct gateway *g = r->g;
	struct field *before = g->field;
	struct generation *of = before ? before->of : was;

	if (!r->field) {
		/* It goes on with the wires and devices it was opened for. */
		if (of != was)
			generation_free(was);
	} else {
		g->field = r->field;
		field_leave(g, before);
		if (of != was)
			generation_free(of);
		generation_free(was);
	}
	field_go_on(g);
}

static void switch_over(struct reload *r)
{
	struct gateway *g = r->g;
	struct generation *was = g->now;
	struct record *record = g->record;

	g->now = r->next;
	g->record = r->record;
	record_close(record);
	g->view.config = g->now->config;
	g->view.rules = g->now->rules;
	g->view.engine = g->now->engine;
	g->view.loaded_wall_ms = g->now->loaded_wall_ms;
	generation_set_log(g->now);
	switch_uplink(r);
	(void)json_object_set_new(r->answer, "changes", reload_changes(was, g->now));
	switch_field(r, was);
	loop_timer_set(g->own_timer, engine_has_own(g->now->engine) ? clock_mono(&g->clock) + OWN_PERIOD_MS : WY_MS_NEVER);
	loop_timer_set(g->engine_timer, engine_due(g->now->engine));
}

static void say_done(const struct reload *r)
{
	const struct generation *now = r->g->now;
	const char *field = r->keeps_field ? "goes on" : "opened anew";
	const char *uplink = r->keeps_uplink ? "goes on" : "opened anew";
	wy_ms ms = clock_mono(&r->g->clock) - r->began_ms;

	log_line(LOG_INFO, "reload", "by=\"%s\" devices=%zu assets=%zu rules=%zu instances=%zu bundle=%016llx field=\"%s\" uplink=\"%s\" "
		 "ms=%lld", r->by, now->config->n_devices, now->config->n_assets, rule_count(now->rules),
		 rule_instance_count(now->rules), (unsigned long long)rule_set_hash(now->rules), field, uplink, (long long)ms);
	(void)json_object_set_new(r->answer, "ok", json_true());
	(void)json_object_set_new(r->answer, "done", json_string("the new set is in force"));
	(void)json_object_set_new(r->answer, "field", json_string(field));
	(void)json_object_set_new(r->answer, "uplink", json_string(uplink));
}

/* False: the old set goes on; why has been said. */
static bool replace(struct reload *r)
{
	struct gateway *g = r->g;

	r->keeps_field = g->field && g->field->of->config->field_hash == r->next->config->field_hash;
	if (!r->keeps_field)
		field_pause(g);
	if (!finish_old(g)) {
		take_back(r);
		return false;
	}
	enum wy_err err = prepare(r);
	watch_beat(&g->watch, WATCH_LOOP);
	if (!err)
		err = generation_begin(r->next, g, r->record, g->now);
	if (!err) {
		switch_over(r);
		return true;
	}
	take_back(r);
	refuse(r, wy_err_text(err));
	if (err == WY_E_IO || err == WY_E_CORRUPT)
		duty_break(g); /* the store, not the files */
	return false;
}

static void reload(struct gateway *g, const char *by, json_t *answer)
{
	struct reload r = {.g = g, .by = by, .answer = answer, .began_ms = clock_mono(&g->clock)};
	bool is_done = false;

	loop_notify_reloading();
	if (load_next(&r) && is_same_place(&r) && is_uplink_fine(&r)) {
		if (is_anything_new(&r)) {
			is_done = replace(&r);
		} else {
			log_line(LOG_INFO, "reload", "by=\"%s\" next=\"nothing has changed\"", by);
			(void)json_object_set_new(answer, "ok", json_true());
			(void)json_object_set_new(answer, "done", json_string("nothing has changed"));
		}
	}
	if (is_done)
		say_done(&r);
	else
		generation_free(r.next);
	g->reloaded_ms = clock_mono(&g->clock);
	watch_beat(&g->watch, WATCH_LOOP);
	loop_notify("READY=1");
}

/* ---- Who asks for it ------------------------------------------------------------------------------ */

void reload_on_signal(void *arg)
{
	struct gateway *g = arg;
	wy_ms now_ms = clock_mono(&g->clock);
	bool is_early = g->reloaded_ms != WY_MS_NONE && now_ms < g->reloaded_ms + RELOAD_REST_MS;

	loop_timer_set(g->reload_timer, is_early ? g->reloaded_ms + RELOAD_REST_MS : now_ms);
}

void reload_on_time(void *arg)
{
	json_t *answer = json_object();

	reload(arg, "SIGHUP", answer);
	json_decref(answer);
	duty_settle(arg);
}

char *reload_question(struct gateway *g, const char *request)
{
	json_t *question = json_loads(request, JSON_REJECT_DUPLICATES, NULL);
	const char *order = json_string_value(json_object_get(question, "order"));
	const char *by = json_string_value(json_object_get(question, "by"));
	char *text = NULL;

	if (order && strcmp(order, "reload") == 0) {
		json_t *answer = json_object();
		reload(g, by && strlen(by) < STORE_WHO_SIZE ? by : "", answer);
		text = json_dumps(answer, JSON_COMPACT);
		json_decref(answer);
	}
	json_decref(question);
	return text;
}
