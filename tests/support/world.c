/* world.c: see world.h. */
#include "world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <dirent.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

enum { ARENA_BYTES = 24 * 1024 * 1024, POLL_MS = 1000, START_MS = 1000000 };

static const wy_ms noon_ms = INT64_C(1795320000000); /* 2026-11-22 12:00 in Shanghai */

static void copy_file(const char *from_dir, const char *name, const char *to_dir)
{
	static char text[65536];
	char path[400];

	snprintf(path, sizeof(path), "%s/%s", from_dir, name);
	FILE *file = fopen(path, "r");
	assert_non_null(file);
	size_t n = fread(text, 1, sizeof(text), file);
	assert_true(n < sizeof(text));
	fclose(file);
	snprintf(path, sizeof(path), "%s/%s", to_dir, name);
	file = fopen(path, "w");
	assert_non_null(file);
	assert_int_equal(fwrite(text, 1, n, file), n);
	fclose(file);
}

void world_make(struct world *world, const char *building)
{
	memset(world, 0, sizeof(*world));
	snprintf(world->dir, sizeof(world->dir), "/tmp/weiyu-world-XXXXXX");
	assert_non_null(mkdtemp(world->dir));
	DIR *dir = opendir(building);
	assert_non_null(dir);
	for (struct dirent *entry = readdir(dir); entry; entry = readdir(dir))
		if (strstr(entry->d_name, ".yaml"))
			copy_file(building, entry->d_name, world->dir);
	closedir(dir);
	world->now = (struct wy_now){START_MS, noon_ms, WY_CLOCK_SYNCED};
	world->is_wired = true;
	world->boot = "boot-1";
	world->is_level_known = true;
}

static void empty_dir(const char *path)
{
	char name[600];
	DIR *dir = opendir(path);

	for (struct dirent *entry = dir ? readdir(dir) : NULL; entry; entry = readdir(dir)) {
		snprintf(name, sizeof(name), "%s/%s", path, entry->d_name);
		unlink(name);
	}
	if (dir)
		closedir(dir);
}

void world_remove(struct world *world)
{
	if (world->engine)
		world_crash(world);
	empty_dir(world->dir);
	assert_int_equal(rmdir(world->dir), 0);
}

void world_write(struct world *world, const char *name, const char *text)
{
	char path[400];

	snprintf(path, sizeof(path), "%s/%s", world->dir, name);
	FILE *file = fopen(path, "w");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static enum wy_err load(struct world *world)
{
	char path[400];

	world->memory = malloc(ARENA_BYTES);
	if (!world->memory)
		return WY_E_NOMEM;
	wy_arena_init(&world->arena, world->memory, ARENA_BYTES);
	wy_diags_init(&world->diags, &world->arena);
	snprintf(path, sizeof(path), "%s/gateway.yaml", world->dir);
	enum wy_err err = config_load(path, &world->arena, &world->diags, &world->config);
	if (!err)
		err = config_compile(world->config, &world->arena, &world->diags, &world->rules);
	for (size_t i = 0; err && i < world->diags.n; i++)
		if (world->diags.item[i].severity == WY_DIAG_ERROR)
			fprintf(stderr, "%s\n", world->diags.item[i].text);
	return err;
}

static void open_record(struct world *world)
{
	world->rules_world = config_world(world->config);
	struct record_conf conf = {
		.disk = {world->record_dir, world->record_bytes, (wy_ms)31 * 86400000, NULL},
		.block_ms = 60000,
		.world = &world->rules_world,
		.set = world->rules,
	};

	if (world->record_dir)
		assert_int_equal(record_open(&conf, world->record, &world->record), WY_OK);
}

enum wy_err world_reload(struct world *world, size_t room_bytes)
{
	struct world before = *world;
	bool has_events;

	assert_int_equal(engine_flush(world->engine, &has_events), WY_OK);
	assert_int_equal(load(world), WY_OK);
	open_record(world);
	assert_int_equal(engine_recall_learned(world->store, world->config, &world->arena), WY_OK);
	if (room_bytes && room_bytes < world->arena.size - world->arena.used)
		world->arena.size = world->arena.used + room_bytes;
	struct engine_parts parts = {world->config, world->rules, world->store, &world->clock, world->boot,
				     &world->arena, world->record, before.engine};
	enum wy_err err = engine_new(&parts, &world->engine);
	if (!err) {
		if (before.record != world->record)
			record_close(before.record);
		free(before.memory);
		return WY_OK;
	}
	if (before.record != world->record)
		record_close(world->record);
	free(world->memory);
	*world = before;
	return err;
}

static enum wy_err begin(struct world *world)
{
	struct engine_parts parts = {world->config, world->rules, world->store, &world->clock, world->boot,
				     &world->arena, world->record, NULL};

	return engine_new(&parts, &world->engine);
}

enum wy_err world_start(struct world *world)
{
	assert_int_equal(load(world), WY_OK);
	world->clock = (struct clock){.fixed = &world->now};
	open_record(world);
	assert_int_equal(store_open(world->dir, world->config->gateway, NULL, &world->store), WY_OK);
	if (world->set_clock)
		world->set_clock(world);
	assert_int_equal(engine_recall_learned(world->store, world->config, &world->arena), WY_OK);
	enum wy_err err = begin(world);
	if (err)
		world_crash(world);
	return err;
}

enum wy_err world_try(struct world *world)
{
	enum wy_err err = load(world);

	world->clock = (struct clock){.fixed = &world->now};
	if (!err)
		err = store_open(world->dir, world->config->gateway, NULL, &world->store);
	if (!err)
		err = engine_recall_learned(world->store, world->config, &world->arena);
	if (!err)
		err = begin(world);
	if (err)
		world_crash(world);
	return err;
}

void world_crash(struct world *world)
{
	record_close(world->record);
	world->record = NULL;
	store_close(world->store);
	free(world->memory);
	world->store = NULL;
	world->engine = NULL;
	world->memory = NULL;
}

void world_stop(struct world *world)
{
	assert_int_equal(engine_save(world->engine), WY_OK);
	world_crash(world);
}

static bool settle(struct world *world)
{
	bool has_events;
	bool is_fine = engine_flush(world->engine, &has_events) == WY_OK && !engine_is_broken(world->engine);

	/* The gateway tries that every ten seconds. */
	if (is_fine && store_mode(world->store) != STORE_ON_DISK)
		(void)!store_try_disk(world->store);
	return is_fine;
}

bool world_poll(struct world *world)
{
	struct wy_sample sample[3] = {
		{.point = 0, .is_whole = true, .whole = world->a},
		{.point = 1, .is_whole = true, .whole = world->b},
		{.point = 2, .real = world->level_mm},
	};
	struct sensor_report report = {.device = 0, .at_ms = world->now.mono_ms, .took_ms = 20,
				       .sample = sample, .n_max = 3};

	for (size_t i = 0; i < 3; i++) {
		sample[i].quality = WY_Q_GOOD;
		sample[i].at_ms = world->now.mono_ms;
	}
	if (!world->is_level_known) {
		sample[2].quality = WY_Q_BAD;
		sample[2].why = WY_WHY_SENTINEL;
	}
	report.n = world->is_wired ? 3 : 0;
	report.err = world->is_wired ? WY_OK : WY_E_TIMEOUT;
	engine_report(world->engine, &report);
	return settle(world);
}

static void set_time(struct world *world, wy_ms mono_ms)
{
	world->now.wall_ms += mono_ms - world->now.mono_ms;
	world->now.mono_ms = mono_ms;
}

bool world_run(struct world *world, wy_ms span_ms)
{
	wy_ms end_ms = world->now.mono_ms + span_ms;
	bool is_fine = true;

	while (is_fine && world->now.mono_ms < end_ms) {
		wy_ms poll_ms = (world->now.mono_ms / POLL_MS + 1) * POLL_MS;
		wy_ms due_ms = engine_due(world->engine);
		bool is_timer = due_ms < poll_ms;
		wy_ms next_ms = is_timer ? due_ms : poll_ms;
		next_ms = next_ms > end_ms ? end_ms : next_ms;
		set_time(world, next_ms > world->now.mono_ms ? next_ms : world->now.mono_ms);
		if (next_ms == poll_ms) {
			is_fine = world_poll(world);
		} else {
			engine_tick(world->engine);
			is_fine = settle(world);
		}
	}
	return is_fine;
}

enum wy_err world_work(struct world *world, const char *key, enum ticket_node node, uint32_t rev)
{
	enum wy_err err = engine_work(world->engine, key, node, rev);

	(void)settle(world);
	return err;
}

static void take_event(struct world *world, uint64_t seq, struct world_event *out)
{
	static const char prefix[] = "com.weiyu.ticket.";
	struct store_event row;

	assert_int_equal(store_load_event(world->store, seq, &row), WY_OK);
	memset(out, 0, sizeof(*out));
	out->seq = seq;
	out->tier = row.tier;
	snprintf(out->key, sizeof(out->key), "%s", row.ticket_key);
	assert_int_equal(strncmp(row.type, prefix, strlen(prefix)), 0);
	snprintf(out->type, sizeof(out->type), "%.*s", (int)strcspn(row.type + strlen(prefix), "."),
		 row.type + strlen(prefix));
	out->payload = malloc(row.len + 1);
	assert_non_null(out->payload);
	memcpy(out->payload, row.payload, row.len);
	out->payload[row.len] = '\0';
}

static int by_seq(const void *left, const void *right)
{
	const struct world_event *a = left, *b = right;
	return a->seq < b->seq ? -1 : a->seq > b->seq;
}

void world_events(struct world *world, struct world_events *ret_events)
{
	ret_events->n = 0;
	for (int lane = 0; lane < 2; lane++) {
		uint64_t seqs[WORLD_EVENTS];
		size_t n = 0;
		assert_int_equal(store_queued(world->store, lane == 1, 0, seqs, WORLD_EVENTS, &n), WY_OK);
		assert_true(ret_events->n + n < WORLD_EVENTS);
		for (size_t i = 0; i < n; i++)
			take_event(world, seqs[i], &ret_events->event[ret_events->n++]);
	}
	qsort(ret_events->event, ret_events->n, sizeof(*ret_events->event), by_seq);
}

void world_events_free(struct world_events *events)
{
	for (size_t i = 0; i < events->n; i++)
		free(events->event[i].payload);
	events->n = 0;
}

const char *world_story(struct world *world)
{
	static char story[1024];
	struct world_events events;

	story[0] = '\0';
	world_events(world, &events);
	for (size_t i = 0; i < events.n; i++) {
		strcat(story, i ? " " : "");
		strcat(story, events.event[i].type);
	}
	world_events_free(&events);
	return story;
}

const char *world_member(const struct world_event *event, const char *path)
{
	static char texts[8][4096];
	static unsigned next;
	char *out = texts[next++ % 8];
	char names[128];
	json_t *root = json_loads(event->payload, 0, NULL);
	const json_t *at = json_object_get(root, "data");

	assert_non_null(at);
	snprintf(names, sizeof(names), "%s", path);
	for (char *name = strtok(names, "."); name; name = strtok(NULL, "."))
		at = json_object_get(at, name);
	char *text = at ? json_dumps(at, JSON_COMPACT | JSON_ENCODE_ANY) : NULL;
	snprintf(out, sizeof(texts[0]), "%s", text ? text : "(none)");
	free(text);
	json_decref(root);
	return out;
}

enum wy_err world_ticket(struct world *world, const char *fault, struct ticket *ret_ticket)
{
	char dedup[TICKET_DEDUP_SIZE];

	assert_int_equal(ticket_dedup("A-1", fault, dedup), WY_OK);
	return store_find_open(world->store, dedup, ret_ticket);
}

static bool is_end(const struct world_event *event)
{
	return strcmp(event->type, "cleared") == 0 || strcmp(event->type, "closed") == 0;
}

static void check_ticket(const struct world_events *events, const char *key)
{
	unsigned n_opened = 0, n_ended = 0;
	char rev[16];
	int n = 0;

	for (size_t i = 0; i < events->n; i++) {
		const struct world_event *event = &events->event[i];
		if (strcmp(event->key, key) != 0)
			continue;
		snprintf(rev, sizeof(rev), "%d", ++n);
		assert_string_equal(world_member(event, "rev"), rev);
		n_opened += strcmp(event->type, "opened") == 0;
		assert_int_equal(n_opened, 1);
		assert_int_equal(n_ended, 0);
		n_ended += is_end(event);
	}
	assert_true(n_ended <= 1);
}

void world_check(struct world *world)
{
	struct world_events events;
	uint64_t last = 0;

	world_events(world, &events);
	for (size_t i = 0; i < events.n; i++)
		assert_int_equal(events.event[i].seq, i + 1);
	assert_int_equal(store_last_seq(world->store, &last), WY_OK);
	assert_int_equal(last, events.n);
	for (size_t i = 0; i < events.n; i++)
		check_ticket(&events, events.event[i].key);
	world_events_free(&events);
	assert_int_equal(store_verify(world->store, NULL), WY_OK);
}
