/* case_play.c: see case_play.h. */
#include "case_play.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hours.h"
#include "ladder.h"
#include "number.h"
#include "yaml_tree.h"

enum { ARENA_BYTES = 16 << 20, BASE_MS = 1000000, STEPS_MAX = 20000, STORE_MAX = 512, ASSETS_MAX = 8 };

/* ---- The building ------------------------------------------------------------------------- */

static void die(const char *what, const char *text)
{
	fprintf(stderr, "case: %s: %s\n", what, text);
	abort();
}

static wy_ms duration(const char *text, size_t len)
{
	wy_ms ms;

	if (wy_parse_duration(text, len, &ms))
		die("not a time", text);
	return ms;
}

static wy_ms duration_of(const struct wy_node *map, const char *key, const char *otherwise)
{
	const struct wy_node *node = wy_node_get(map, key);
	const char *text = node ? node->text : otherwise;

	return duration(text, strlen(text));
}

static enum wy_type type_of(const char *text)
{
	static const char *const names[] = {"bool", "int", "real", "enum", "counter"};

	for (unsigned i = 0; i < 5; i++)
		if (strcmp(names[i], text) == 0)
			return (enum wy_type)i;
	die("not a type", text);
	return WY_TYPE_BOOL;
}

static double real_of(const struct wy_node *node)
{
	double value = 0;

	if (wy_parse_real(node->text, node->len, &value))
		die("not a number", node->text);
	return value;
}

static uint64_t whole_of(const struct wy_node *map, const char *key)
{
	const struct wy_node *node = wy_node_get(map, key);

	return node ? (uint64_t)real_of(node) : 0;
}

static const char **list_of(struct wy_arena *arena, const struct wy_node *node, size_t *ret_n)
{
	const char **out = wy_arena_array(arena, node ? node->n : 0, sizeof(*out));

	for (const struct wy_node *m = node ? node->child : NULL; m; m = m->next)
		out[(*ret_n)++] = m->text;
	return out;
}

static void read_point(struct wy_arena *arena, struct wy_point *point, const struct wy_node *node)
{
	const struct wy_node *unit = wy_node_get(node, "unit");
	const struct wy_node *range = wy_node_get(node, "range");

	point->name = node->key->text;
	point->type = type_of(wy_node_get(node, "type")->text);
	point->unit = unit ? wy_unit_find(unit->text, unit->len) : NULL;
	point->poll_ms = duration_of(node, "poll", "1s");
	point->stale_ms = duration_of(node, "stale", "10s");
	point->modulus = whole_of(node, "modulus");
	point->max_step = whole_of(node, "max_step");
	point->values = list_of(arena, wy_node_get(node, "values"), &point->n_values);
	if (!range)
		return;
	point->has_range = true;
	point->lo = real_of(range->child);
	point->hi = real_of(range->child->next);
}

static void read_points(struct case_world *w, struct wy_class *cls, const struct wy_node *node)
{
	struct wy_point *points = wy_arena_array(&w->arena, node ? node->n : 0, sizeof(*points));

	cls->points = points;
	for (const struct wy_node *m = node ? node->child : NULL; m; m = m->next)
		read_point(&w->arena, &points[cls->n_points++], m);
}

static uint32_t class_named(const struct case_world *w, const struct wy_node *name)
{
	for (uint32_t i = 0; i < w->world.n_classes; i++)
		if (wy_node_is(name, w->world.classes[i].id))
			return i;
	die("no such class", name->text);
	return 0;
}

/* Of class "thing": relations: {bank: bank} */
static void read_relations(struct case_world *w, struct wy_class *cls)
{
	const struct wy_node *node = wy_node_get(w->root, "relations");
	struct wy_relation *relations = wy_arena_array(&w->arena, node ? node->n : 0, sizeof(*relations));

	cls->relations = relations;
	for (const struct wy_node *m = node ? node->child : NULL; m; m = m->next)
		relations[cls->n_relations++] = (struct wy_relation){m->key->text, class_named(w, m)};
}

static void read_classes(struct case_world *w)
{
	const struct wy_node *more = wy_node_get(w->root, "classes");
	struct wy_class *cls = wy_arena_array(&w->arena, 2 + (more ? more->n : 0), sizeof(*cls));

	cls[0] = (struct wy_class){.id = "thing", .out_of_service_when = wy_node_get(w->root, "out_of_service_when")};
	read_points(w, &cls[0], wy_node_get(w->root, "class"));
	cls[1] = (struct wy_class){.id = "other"};
	w->world.classes = cls;
	w->world.n_classes = 2;
	for (const struct wy_node *m = more ? more->child : NULL; m; m = m->next) {
		cls[w->world.n_classes].id = m->key->text;
		read_points(w, &cls[w->world.n_classes++], m);
	}
	read_relations(w, &cls[0]);
}

static uint32_t asset_named(const struct case_world *w, const struct wy_node *name)
{
	for (uint32_t i = 0; i < w->world.n_assets; i++)
		if (wy_node_is(name, w->world.assets[i].id))
			return i;
	die("no such asset", name->text);
	return 0;
}

static void relate(struct case_world *w, struct wy_asset *asset, const struct wy_node *node)
{
	const struct wy_class *cls = &w->world.classes[asset->class_index];
	uint32_t *relations = wy_arena_array(&w->arena, cls->n_relations, sizeof(*relations));

	asset->relations = relations;
	for (size_t i = 0; i < cls->n_relations; i++) {
		const struct wy_node *name = wy_node_get(node, cls->relations[i].name);
		relations[i] = name ? asset_named(w, name) : WY_NO_ASSET;
	}
}

static void read_assets(struct case_world *w)
{
	const struct wy_node *node = wy_node_get(w->root, "assets");
	size_t n_devices = wy_node_get(w->root, "devices") ? whole_of(w->root, "devices") : 1;
	size_t n = node ? node->n : 1;
	struct wy_asset *assets = wy_arena_array(&w->arena, n, sizeof(*assets));
	const struct wy_node *m = node ? node->child : NULL;

	for (size_t i = 0; i < n; i++, m = m ? m->next : NULL) {
		uint32_t *devices = wy_arena_array(&w->arena, n_devices, sizeof(*devices));
		struct wy_label *labels = wy_arena_array(&w->arena, m ? m->n : 0, sizeof(*labels));
		assets[i] = (struct wy_asset){.id = m ? m->key->text : "A1", .name_zh = "一号", .name_en = "Number one",
					      .labels = labels, .devices = devices, .n_devices = n_devices};
		for (size_t d = 0; d < n_devices; d++)
			devices[d] = (uint32_t)w->world.n_devices++;
		for (const struct wy_node *l = m ? m->child : NULL; l; l = l->next) {
			if (wy_node_is(l->key, "class"))
				assets[i].class_index = class_named(w, l);
			else if (!wy_node_is(l->key, "relations"))
				labels[assets[i].n_labels++] = (struct wy_label){l->key->text, l->text};
		}
	}
	w->world.assets = assets;
	w->world.n_assets = n;
	m = node ? node->child : NULL;
	for (size_t i = 0; m; i++, m = m->next)
		if (wy_node_get(m, "relations"))
			relate(w, &assets[i], wy_node_get(m, "relations"));
}

static void read_overrides(struct case_world *w)
{
	const struct wy_node *node = wy_node_get(w->root, "overrides");
	struct wy_override *overrides = wy_arena_array(&w->arena, node ? node->n : 0, sizeof(*overrides));

	w->world.overrides = overrides;
	for (const struct wy_node *m = node ? node->child : NULL; m; m = m->next) {
		const struct wy_node *asset = wy_node_get(m, "asset");
		overrides[w->world.n_overrides++] = (struct wy_override){
			.package = wy_node_get(m, "package")->text, .name = wy_node_get(m, "name")->text,
			.asset = asset ? asset->text : NULL, .value = wy_node_get(m, "value")};
	}
}

static void read_calendar(struct case_world *w)
{
	/* Central European time around the two changes of 2026. */
	static const struct wy_zone_change changes[] = {
		{INT64_MIN, 3600}, {1774746000, 7200}, {1792890000, 3600}};
	static const struct wy_zone berlin = {"Europe/Berlin", changes, 3};
	const struct wy_node *holidays = wy_node_get(w->root, "holidays");
	wy_day *days = wy_arena_array(&w->arena, holidays ? holidays->n : 0, sizeof(*days));

	w->world.zone = wy_node_get(w->root, "zone") ? &berlin : NULL;
	w->world.holidays = days;
	for (const struct wy_node *m = holidays ? holidays->child : NULL; m; m = m->next)
		days[w->world.n_holidays++] = (wy_day)real_of(m);
}

/* ---- Plans -------------------------------------------------------------------------------- */

/* maintenance: [{assets: [A1], from: seconds, to: seconds, mode: oos}], as the clocks of the building show them. */
static void read_windows(struct case_world *w)
{
	const struct wy_node *node = wy_node_get(w->root, "maintenance");
	struct wy_window *windows = wy_arena_array(&w->arena, node ? node->n : 0, sizeof(*windows));

	w->world.windows = windows;
	for (const struct wy_node *m = node ? node->child : NULL; m; m = m->next) {
		const struct wy_node *names = wy_node_get(m, "assets");
		uint32_t *assets = wy_arena_array(&w->arena, names ? names->n : 1, sizeof(*assets));
		struct wy_window *window = &windows[w->world.n_windows++];
		*window = (struct wy_window){.id = "w", .from_s = (int64_t)real_of(wy_node_get(m, "from")),
					     .to_s = (int64_t)real_of(wy_node_get(m, "to")),
					     .is_out_of_service = wy_node_get(m, "mode"), .assets = assets, .node = m};
		window->n_assets = names ? 0 : 1;
		for (const struct wy_node *name = names ? names->child : NULL; name; name = name->next)
			for (uint32_t i = 0; i < w->world.n_assets; i++)
				if (strcmp(w->world.assets[i].id, name->text) == 0)
					assets[window->n_assets++] = i;
	}
}

/* escalation: {S1: [steps], working: {from, to}, repeat: {within, tiers_up, at_most}} */
static bool read_escalation(struct case_world *w)
{
	static const char *const tiers[] = {"S1", "S2", "S3", "S4"};
	const struct wy_node *node = wy_node_get(w->root, "escalation");
	const struct wy_node *working = wy_node_get(node, "working");
	const struct wy_node *repeat = wy_node_get(node, "repeat");
	struct wy_hours *hours = wy_arena_alloc(&w->arena, sizeof(*hours));

	for (unsigned i = 0; i < 4; i++) {
		const struct wy_node *ladder = wy_node_get(node, tiers[i]);
		if (ladder && wy_ladder_read(ladder, &w->arena, &w->world.escalation.of_tier[i], &w->diags))
			return false;
	}
	if (working && wy_hours_read(working, hours, &w->diags))
		return false;
	w->world.escalation.working = working ? hours : NULL;
	if (repeat)
		w->world.escalation.repeat = (struct wy_repeat){
			duration_of(repeat, "within", "30d"), 1, (uint8_t)(wy_node_get(repeat, "at_most")->text[1] - '0')};
	return true;
}

bool case_open(struct case_world *w, const char *path, const char *text)
{
	enum wy_err err;

	memset(w, 0, sizeof(*w));
	w->memory = malloc(ARENA_BYTES);
	wy_arena_init(&w->arena, w->memory, ARENA_BYTES);
	wy_diags_init(&w->diags, &w->arena);
	err = text ? yaml_load_text("case", text, strlen(text), &w->arena, &w->diags, &w->root)
		   : yaml_load_file(path, &w->arena, &w->diags, &w->root);
	if (err)
		return false;
	read_classes(w);
	read_assets(w);
	read_overrides(w);
	read_calendar(w);
	read_windows(w);
	if (!read_escalation(w))
		return false;
	w->world.faults = list_of(&w->arena, wy_node_get(w->root, "faults"), &w->world.n_faults);
	const struct wy_node *file = wy_node_get(w->root, "file");
	return file && !rule_compile(&w->world, &file, 1, &w->arena, &w->diags, &w->set);
}

void case_close(struct case_world *w)
{
	free(w->memory);
	memset(w, 0, sizeof(*w));
}

const char *case_text(const struct case_world *w, const char *key)
{
	const struct wy_node *node = wy_node_get(w->root, key);

	return node ? node->text : "";
}

/* ---- The play ----------------------------------------------------------------------------- */

struct step {
	wy_ms at_ms;
	size_t order;
	const char *text;
	size_t len;
	double share; /* of its line: 0 at the first, 1 at the last */
};

struct saved {
	char *key;
	void *bytes;
	size_t len;
};

struct refusal {
	const char *verb;
	uint32_t instance;
};

struct player {
	struct case_world *w;
	enum case_mode mode;
	struct wy_buf *out;
	struct rule_engine *engine;
	void *engine_memory;
	wy_ms wall_ms; /* at mono 0 */
	wy_ms now_ms;
	struct step *steps;
	size_t n_steps;
	double share; /* of the step at hand */
	struct saved store[STORE_MAX];
	size_t n_store;
	struct refusal refused[8]; /* of this turn; one per step */
	size_t n_refused;
	bool *is_open; /* per instance: between its opening and its end */
};

static struct wy_now now_of(const struct player *p, wy_ms mono_ms)
{
	return (struct wy_now){mono_ms, p->wall_ms + mono_ms, WY_CLOCK_SYNCED};
}

static void new_engine(struct player *p, wy_ms now_ms)
{
	struct wy_arena arena;

	/* The same memory for every life of the engine: nothing of the one before may matter. */
	if (!p->engine_memory)
		p->engine_memory = malloc(ARENA_BYTES / 8);
	wy_arena_init(&arena, p->engine_memory, ARENA_BYTES / 8);
	if (rule_engine_new(p->w->set, &arena, now_of(p, now_ms), &p->engine))
		die("no engine", "");
}

static void save(struct player *p, bool all)
{
	struct rule_cell cell;
	size_t at = 0;

	while (rule_next_dirty(p->engine, all, &at, &cell)) {
		size_t i = 0;
		while (i < p->n_store && strcmp(p->store[i].key, cell.key) != 0)
			i++;
		if (i == STORE_MAX)
			die("store too small", cell.key);
		if (i == p->n_store)
			p->store[p->n_store++] = (struct saved){.key = strdup(cell.key)};
		free(p->store[i].bytes);
		p->store[i].bytes = malloc(cell.len);
		p->store[i].len = cell.len;
		memcpy(p->store[i].bytes, cell.bytes, cell.len);
	}
	rule_saved(p->engine);
}

static void restart(struct player *p, wy_ms down_ms, wy_ms now_ms)
{
	new_engine(p, now_ms);
	for (size_t i = 0; i < p->n_store; i++)
		if (rule_restore(p->engine, p->store[i].key, p->store[i].bytes, p->store[i].len))
			die("cell refused", p->store[i].key);
	rule_resume(p->engine, down_ms, now_of(p, now_ms));
}

static void print_time(struct wy_buf *out, wy_ms at_ms)
{
	wy_buf_duration(out, at_ms - BASE_MS);
}

static void print_instance(struct player *p, uint32_t instance)
{
	const struct rule_instance_info *info = rule_instance_at(p->w->set, instance);
	const char *asset = p->w->world.assets[rule_asset_of(p->engine, instance)].id;

	wy_buf_add(p->out, rule_info_at(p->w->set, info->rule)->id);
	struct rule_key key = rule_key_of(p->engine, instance);
	if (key.is_other)
		wy_buf_add(p->out, "[other]");
	else if (key.word)
		wy_buf_addf(p->out, "[%s]", key.word);
	else if (key.is_taken)
		wy_buf_addf(p->out, "[%lld]", (long long)key.value);
	if (strcmp(asset, "A1") != 0)
		wy_buf_addf(p->out, " %s", asset);
}

/* What no order of events may be: a word about a ticket that is not open, a second end, a second opening. A shelf is of the
 * instance, not of its ticket. */
static void check_order(struct player *p, const struct rule_event *event)
{
	bool is_of_shelf = event->kind == RULE_SHELVED || event->kind == RULE_SHELF_ENDING || event->kind == RULE_UNSHELVED;
	bool is_end = event->kind == RULE_RESOLVED || event->kind == RULE_CLOSED;
	bool *is_open = &p->is_open[event->instance];

	if (is_of_shelf)
		return;
	if (*is_open != (event->kind != RULE_RAISED))
		die("an event that cannot be here", rule_event_text(event->kind));
	*is_open = !is_end;
}

static void print_event(struct player *p, const struct rule_event *event)
{
	const char *name = event->kind == RULE_RAISED	  ? "raised"
			   : event->kind == RULE_RESOLVED ? "resolved"
							  : rule_event_text(event->kind);

	check_order(p, event);
	print_time(p->out, event->at_ms);
	wy_buf_addf(p->out, " %s ", name);
	print_instance(p, event->instance);
	wy_buf_addf(p->out, " S%u", event->tier);
	if (event->kind == RULE_RAISED) {
		wy_buf_add(p->out, " onset ");
		print_time(p->out, event->onset_ms);
	}
	if (event->kind == RULE_ESCALATED)
		wy_buf_addf(p->out, " step %u %s", event->step, event->to);
	if (event->until_ms) {
		wy_buf_add(p->out, " until ");
		print_time(p->out, event->until_ms);
	}
	if (event->other != RULE_NO_INSTANCE) {
		wy_buf_add(p->out, " of ");
		print_instance(p, event->other);
	}
	wy_buf_add(p->out, event->is_maintenance ? " maintenance" : "");
	wy_buf_add(p->out, event->is_uncertain ? " uncertain\n" : "\n");
}

static uint32_t instance_of(struct player *p, const char *rule, size_t len, size_t asset)
{
	for (uint32_t i = 0; i < rule_instance_count(p->w->set); i++) {
		const struct rule_instance_info *info = rule_instance_at(p->w->set, i);
		const char *id = rule_info_at(p->w->set, info->rule)->id;
		if (info->asset == asset && strlen(id) == len && memcmp(id, rule, len) == 0)
			return i;
	}
	die("no such rule", rule);
	return 0;
}

/* "A2.x" -> asset 1 and the rest. */
static size_t asset_of(struct player *p, const char **text, size_t *len)
{
	for (size_t i = 0; i < p->w->world.n_assets; i++) {
		const char *id = p->w->world.assets[i].id;
		size_t id_len = strlen(id);
		if (*len >= id_len && memcmp(*text, id, id_len) == 0 && (*len == id_len || (*text)[id_len] == '.')) {
			size_t skip = *len == id_len ? id_len : id_len + 1;
			*text += skip;
			*len -= skip;
			return i;
		}
	}
	return 0;
}

/* "20->16": along the line. */
static double real_along(const char *text, size_t len, double share)
{
	const char *arrow = NULL;
	double from = 0;
	double to = 0;

	for (size_t i = 0; i + 1 < len && !arrow; i++)
		if (text[i] == '-' && text[i + 1] == '>')
			arrow = text + i;
	size_t head = arrow ? (size_t)(arrow - text) : len;
	if (wy_parse_real(text, head, &from) || (arrow && wy_parse_real(arrow + 2, len - head - 2, &to)))
		die("not a value", text);
	return arrow ? from + (to - from) * share : from;
}

static void value_of(const struct wy_point *point, const char *text, size_t len, double share, struct wy_sample *sample)
{
	int64_t whole = 0;

	if (len == 3 && memcmp(text, "bad", 3) == 0) {
		sample->quality = WY_Q_BAD;
		sample->why = WY_WHY_TIMEOUT;
		return;
	}
	sample->quality = text[len - 1] == '~' ? WY_Q_UNCERTAIN : WY_Q_GOOD;
	len -= text[len - 1] == '~';
	sample->is_whole = point->type != WY_TYPE_REAL;
	for (size_t i = 0; i < point->n_values; i++)
		if (strlen(point->values[i]) == len && memcmp(point->values[i], text, len) == 0) {
			sample->whole = (int64_t)i;
			return;
		}
	if (point->type == WY_TYPE_BOOL)
		whole = text[0] == 't';
	else if (sample->is_whole && wy_parse_int(text, len, &whole))
		die("not a value", text);
	if (sample->is_whole)
		sample->whole = whole;
	else
		sample->real = real_along(text, len, share);
}

static void put(struct player *p, const char *text, size_t len)
{
	size_t asset = asset_of(p, &text, &len);
	const char *equal = memchr(text, '=', len);
	const struct wy_class *cls = &p->w->world.classes[p->w->world.assets[asset].class_index];
	struct wy_sample sample = {.at_ms = p->now_ms};

	if (!equal)
		die("not understood", text);
	for (size_t i = 0; i < cls->n_points; i++) {
		if (strlen(cls->points[i].name) != (size_t)(equal - text) ||
		    memcmp(cls->points[i].name, text, (size_t)(equal - text)) != 0)
			continue;
		sample.point = (uint32_t)i;
		value_of(&cls->points[i], equal + 1, len - (size_t)(equal - text) - 1, p->share, &sample);
		rule_put(p->engine, (uint32_t)asset, (uint32_t)i, &sample);
		return;
	}
	die("no such point", text);
}

static size_t word_len(const char *text, size_t len)
{
	size_t n = 0;

	while (n < len && text[n] != ' ')
		n++;
	return n;
}

static const char *const command_names[] = {"ack", "reset", "close", "learn", "accept", "assign", "on_site", "shelve",
						    "unshelve"}; /* enum rule_command */

enum { COMMANDS = sizeof(command_names) / sizeof(*command_names) };

/* "shelve t.r 2h once" */
static void read_order(struct player *p, struct rule_order *order, const char *rest, size_t len)
{
	size_t n = word_len(rest, len);

	if (!n)
		return;
	order->until_ms = p->now_ms + duration(rest, n);
	order->is_one_shot = n < len;
}

static void command(struct player *p, unsigned verb, const char *rule, size_t len, const char *rest, size_t rest_len)
{
	size_t asset = asset_of(p, &rule, &len);
	uint32_t instance = instance_of(p, rule, len, asset);
	struct rule_order order = {.command = (enum rule_command)verb};

	read_order(p, &order, rest, rest_len);
	if (!rule_command(p->engine, instance, &order) || p->n_refused == 8)
		return;
	p->refused[p->n_refused++] = (struct refusal){command_names[verb], instance};
}

/* After the events of the turn, some of which may be of earlier timers. */
static void show_refused(struct player *p)
{
	for (size_t i = 0; i < p->n_refused; i++) {
		print_time(p->out, p->now_ms);
		wy_buf_addf(p->out, " refused %s ", p->refused[i].verb);
		print_instance(p, p->refused[i].instance);
		wy_buf_add(p->out, "\n");
	}
	p->n_refused = 0;
}

static void show_words(struct player *p, uint32_t instance,
		       void (*words)(const struct rule_engine *, uint32_t, const char *, struct wy_buf *))
{
	char text[400];
	struct wy_buf buf;

	wy_buf_init(&buf, text, sizeof(text));
	words(p->engine, instance, "en", &buf);
	if (buf.len)
		wy_buf_addf(p->out, " | %s", text);
}

static void show(struct player *p, const char *rule, size_t len)
{
	size_t asset = asset_of(p, &rule, &len);
	uint32_t instance = instance_of(p, rule, len, asset);

	print_time(p->out, p->now_ms);
	wy_buf_addf(p->out, " %s ", rule_state_text(rule_state_of(p->engine, instance)));
	print_instance(p, instance);
	wy_buf_add(p->out, ": ");
	rule_summary(p->engine, instance, "en", p->out);
	show_words(p, instance, rule_detail);
	show_words(p, instance, rule_action);
	wy_buf_add(p->out, "\n");
}

static void heard(struct player *p, const char *text, size_t len)
{
	size_t n_devices = p->w->world.assets[0].n_devices;
	bool is_number = len && text[0] >= '0' && text[0] <= '9';
	size_t asset = is_number ? 0 : asset_of(p, &text, &len);

	for (size_t d = 0; d < n_devices; d++)
		if (!is_number || (size_t)(text[0] - '0') == d)
			rule_heard(p->engine, p->w->world.assets[asset].devices[d], p->now_ms);
}

/* "hold 30s": A1 repeats itself until then; "hold" alone until further notice. */
static void hold(struct player *p, const char *text, size_t len)
{
	rule_hold(p->engine, 0, len ? BASE_MS + duration(text, len) : WY_MS_NEVER);
}

static bool is_word(const char *text, size_t len, const char *word)
{
	return strlen(word) == len && memcmp(text, word, len) == 0;
}

/* One step's words inside an open turn; what is to be shown after it, in *shows. */
static void set_mark(struct player *p, const char *text, size_t len)
{
	size_t asset = asset_of(p, &text, &len);
	char name[80] = "";

	if (len < sizeof(name))
		memcpy(name, text, len);
	if (rule_mark(p->engine, (uint32_t)asset, name))
		die("no such mark", name);
}

static void act(struct player *p, const struct step *step, const struct step **shows)
{
	const char *text = step->text;
	size_t len = step->len;

	p->share = step->share;
	while (len) {
		size_t n = word_len(text, len);
		size_t rest = n < len ? n + 1 : n;
		size_t arg = word_len(text + rest, len - rest);
		unsigned verb = 0;
		while (verb < COMMANDS && !is_word(text, n, command_names[verb]))
			verb++;
		bool is_command = verb < COMMANDS;
		if (is_word(text, n, "show")) {
			*shows = step;
			return;
		}
		if (is_command)
			command(p, verb, text + rest, arg, text + rest + arg + (rest + arg < len),
				len - rest - arg - (rest + arg < len));
		else if (is_word(text, n, "heard"))
			heard(p, text + rest, arg);
		else if (is_word(text, n, "hold"))
			hold(p, text + rest, arg);
		else if (is_word(text, n, "mark"))
			set_mark(p, text + rest, arg);
		else if (n)
			put(p, text, n);
		if (is_command || is_word(text, n, "heard") || is_word(text, n, "hold") || is_word(text, n, "mark"))
			return;
		text += rest;
		len -= rest;
	}
}

static void end_turn(struct player *p)
{
	const struct rule_event *events;
	size_t n = rule_turn_end(p->engine, &events);

	for (size_t i = 0; i < n; i++)
		print_event(p, &events[i]);
	show_refused(p);
	save(p, false);
	if (p->mode != CASE_RESTART)
		return;
	save(p, true);
	restart(p, p->now_ms, p->now_ms);
}

static void catch_up(struct player *p, wy_ms until_ms)
{
	while (p->mode != CASE_LATE && rule_next_due(p->engine) < until_ms) {
		wy_ms due_ms = rule_next_due(p->engine);
		p->now_ms = due_ms > p->now_ms ? due_ms : p->now_ms;
		rule_turn_begin(p->engine, now_of(p, p->now_ms));
		end_turn(p);
		if (p->mode == CASE_RESTART && rule_next_due(p->engine) <= p->now_ms) {
			/* A resumed engine asks for one turn at once. */
			const struct rule_event *events;
			rule_turn_begin(p->engine, now_of(p, p->now_ms));
			if (!rule_turn_end(p->engine, &events))
				continue;
			print_event(p, &events[0]);
			die("a resumed engine had something to tell", p->out->text);
		}
	}
}

static bool begins(const struct step *step, const char *word)
{
	return step->len > strlen(word) && memcmp(step->text, word, strlen(word)) == 0;
}

/* "crash 35s" or "stop 35s" */
static bool is_down(const struct step *step)
{
	return begins(step, "crash ") || begins(step, "stop ");
}

static bool go_down(struct player *p, const struct step *step)
{
	bool is_crash = begins(step, "crash ");
	bool is_stop = !is_crash;

	if (!is_down(step))
		return false;
	size_t skip = is_crash ? 6 : 5;
	if (is_stop)
		save(p, true);
	wy_ms up_ms = BASE_MS + duration(step->text + skip, step->len - skip);
	restart(p, step->at_ms, up_ms);
	p->now_ms = up_ms;
	rule_turn_begin(p->engine, now_of(p, up_ms));
	end_turn(p);
	return true;
}

static void run(struct player *p)
{
	for (size_t i = 0; i < p->n_steps;) {
		const struct step *shows = NULL;
		wy_ms at_ms = p->steps[i].at_ms;
		catch_up(p, at_ms);
		p->now_ms = at_ms;
		if (go_down(p, &p->steps[i])) {
			i++;
			continue;
		}
		rule_turn_begin(p->engine, now_of(p, at_ms));
		for (; i < p->n_steps && p->steps[i].at_ms == at_ms && !is_down(&p->steps[i]); i++)
			act(p, &p->steps[i], &shows);
		end_turn(p);
		if (shows)
			show(p, shows->text + 5, shows->len - 5);
	}
}

static void add_step(struct player *p, wy_ms at_ms, double share, const char *text, size_t len)
{
	if (p->n_steps == STEPS_MAX)
		die("too many steps", text);
	p->steps[p->n_steps] = (struct step){BASE_MS + at_ms, p->n_steps, text, len, share};
	p->n_steps++;
}

static void read_line(struct player *p, const char *line, size_t len)
{
	size_t n = word_len(line, len);
	const char *dots = NULL;

	for (size_t i = 0; i + 1 < n; i++)
		if (line[i] == '.' && line[i + 1] == '.')
			dots = line + i;
	const char *rest = line + (n < len ? n + 1 : n);
	size_t rest_len = len - (size_t)(rest - line);
	if (!dots) {
		add_step(p, duration(line, n), 0, rest, rest_len);
		return;
	}
	if (rest_len < 6 || memcmp(rest, "every ", 6) != 0)
		die("'every' is missing", line);
	size_t every_len = word_len(rest + 6, rest_len - 6);
	wy_ms every_ms = duration(rest + 6, every_len);
	size_t skip = 6 + every_len + (6 + every_len < rest_len);
	wy_ms last_ms = duration(dots + 2, n - (size_t)(dots + 2 - line));
	wy_ms first_ms = duration(line, (size_t)(dots - line));
	double span_ms = last_ms > first_ms ? (double)(last_ms - first_ms) : 1;
	for (wy_ms at_ms = first_ms; at_ms <= last_ms; at_ms += every_ms)
		add_step(p, at_ms, (double)(at_ms - first_ms) / span_ms, rest + skip, rest_len - skip);
}

static int by_time(const void *a, const void *b)
{
	const struct step *x = a;
	const struct step *y = b;

	if (x->at_ms != y->at_ms)
		return x->at_ms < y->at_ms ? -1 : 1;
	return x->order < y->order ? -1 : 1;
}

static void read_play(struct player *p, const char *text)
{
	while (*text) {
		size_t len = strcspn(text, "\n");
		const char *next = text + len + (text[len] == '\n');
		while (len && (text[len - 1] == ' ' || text[len - 1] == '\r'))
			len--;
		if (len && *text != '#')
			read_line(p, text, len);
		text = next;
	}
	qsort(p->steps, p->n_steps, sizeof(*p->steps), by_time);
}

void case_play(struct case_world *w, enum case_mode mode, struct wy_buf *out)
{
	struct player p = {.w = w, .mode = mode, .out = out, .now_ms = BASE_MS};
	const struct wy_node *wall = wy_node_get(w->root, "wall");

	p.steps = malloc(STEPS_MAX * sizeof(*p.steps));
	p.is_open = calloc(rule_instance_count(w->set) + 1, sizeof(*p.is_open));
	p.wall_ms = (wall ? (wy_ms)real_of(wall) * 1000 : 0) - BASE_MS;
	read_play(&p, case_text(w, "play"));
	new_engine(&p, BASE_MS);
	run(&p);
	for (size_t i = 0; i < p.n_store; i++) {
		free(p.store[i].key);
		free(p.store[i].bytes);
	}
	free(p.engine_memory);
	free(p.steps);
	free(p.is_open);
}
