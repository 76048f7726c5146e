/* record_names.c: see record_names.h. Reading trusts nothing: every number is below a ceiling of the program. */
#include "record_names.h"

#include <stdlib.h>

#include "arena.h"
#include "units.h"

enum { NAMES_BYTES = 16 << 20, RULES_MOST = 100000, VALUES_MOST = 4096 };

/* ---- Writing ----------------------------------------------------------------------------------- */

static void write_point(struct record_out *out, const struct wy_point *point)
{
	record_put_text(out, point->name);
	record_put_byte(out, point->type);
	record_put_text(out, point->unit ? point->unit->name : "");
	record_put_u(out, point->n_values);
	for (size_t i = 0; i < point->n_values; i++)
		record_put_text(out, point->values[i]);
}

void record_write_names(struct record_out *out, const struct rule_world *world, const struct rule_set *set,
			enum record_begin begin, wy_ms down_ms, struct wy_now now)
{
	record_put_text(out, WY_VERSION);
	record_put_u(out, rule_set_hash(set));
	record_put_byte(out, begin);
	record_put_i(out, now.mono_ms);
	record_put_i(out, now.wall_ms - now.mono_ms);
	record_put_byte(out, now.clock);
	record_put_i(out, now.mono_ms - down_ms);
	record_put_u(out, world->n_classes);
	for (size_t c = 0; c < world->n_classes; c++) {
		record_put_text(out, world->classes[c].id);
		record_put_u(out, world->classes[c].n_points);
		for (size_t i = 0; i < world->classes[c].n_points; i++)
			write_point(out, &world->classes[c].points[i]);
	}
	record_put_u(out, world->n_assets);
	for (size_t i = 0; i < world->n_assets; i++) {
		record_put_text(out, world->assets[i].id);
		record_put_u(out, world->assets[i].class_index);
	}
	record_put_u(out, world->n_devices);
	record_put_u(out, rule_count(set));
	for (uint32_t i = 0; i < rule_count(set); i++)
		record_put_text(out, rule_info_at(set, i)->id);
}

void record_sizes_of(const struct rule_world *world, const struct rule_set *set, uint32_t *first_slot,
		     struct record_sizes *ret)
{
	uint32_t n = 0;

	for (size_t i = 0; i < world->n_assets; i++) {
		first_slot[i] = n;
		n += (uint32_t)world->classes[world->assets[i].class_index].n_points;
	}
	first_slot[world->n_assets] = n;
	*ret = (struct record_sizes){(uint32_t)world->n_assets, n, (uint32_t)world->n_devices, (uint32_t)rule_count(set),
				     first_slot};
}

/* ---- Reading ----------------------------------------------------------------------------------- */

struct reading {
	struct record_in in;
	struct wy_arena arena;
	bool is_full;
};

static void *room(struct reading *r, size_t n, size_t size)
{
	void *memory = wy_arena_array(&r->arena, n, size);

	r->is_full = r->is_full || !memory;
	return memory;
}

static bool is_fine(const struct reading *r)
{
	return !r->in.is_bad && !r->is_full;
}

static const char *read_text(struct reading *r)
{
	char text[256];

	record_get_text(&r->in, text);
	const char *copy = wy_arena_text(&r->arena, text, strlen(text));
	r->is_full = r->is_full || !copy;
	return copy ? copy : "";
}

static void read_point(struct reading *r, struct record_point *point)
{
	point->name = read_text(r);
	point->type = (enum wy_type)record_get_below(&r->in, WY_TYPE_COUNTER + 1);
	point->unit = read_text(r);
	point->n_values = record_get_below(&r->in, VALUES_MOST);
	const char **values = room(r, is_fine(r) ? point->n_values : 0, sizeof(*values));
	for (uint32_t i = 0; is_fine(r) && i < point->n_values; i++)
		values[i] = read_text(r);
	point->values = values;
}

static void read_class(struct reading *r, struct record_class *cls)
{
	cls->id = read_text(r);
	cls->n_points = record_get_below(&r->in, WY_POINTS_PER_CLASS + 1);
	struct record_point *points = room(r, is_fine(r) ? cls->n_points : 0, sizeof(*points));
	for (uint32_t i = 0; is_fine(r) && i < cls->n_points; i++)
		read_point(r, &points[i]);
	cls->points = points;
}

static void read_assets(struct reading *r, struct record_names *names)
{
	struct record_sizes *sizes = &names->sizes;

	sizes->n_assets = record_get_below(&r->in, WY_ASSETS_MAX + 1);
	struct record_asset *assets = room(r, sizes->n_assets, sizeof(*assets));
	uint32_t *first = room(r, sizes->n_assets + 1, sizeof(*first));
	for (uint32_t i = 0; is_fine(r) && i < sizes->n_assets; i++) {
		assets[i].id = read_text(r);
		assets[i].cls = record_get_below(&r->in, names->n_classes);
		first[i] = sizes->n_slots;
		if (is_fine(r))
			sizes->n_slots += names->classes[assets[i].cls].n_points;
	}
	if (is_fine(r))
		first[sizes->n_assets] = sizes->n_slots;
	names->assets = assets;
	sizes->first_slot = first;
}

static void read_begin(struct reading *r, struct record_names *names)
{
	const wy_ms most = INT64_MAX / 4;

	names->version = read_text(r);
	names->set_hash = record_get_u(&r->in);
	names->begin = (enum record_begin)record_get_below(&r->in, RECORD_AFTER_LOSS + 1);
	wy_ms mono_ms = record_get_i(&r->in), offset_ms = record_get_i(&r->in);
	enum wy_clock_state clock = (enum wy_clock_state)record_get_below(&r->in, WY_CLOCK_STEPPED + 1);
	wy_ms down_ms = record_get_i(&r->in);
	if (mono_ms > most || mono_ms < -most || offset_ms > most || offset_ms < -most || down_ms > most || down_ms < 0)
		r->in.is_bad = true;
	if (!is_fine(r))
		return;
	names->now = (struct wy_now){mono_ms, mono_ms + offset_ms, clock};
	names->down_ms = mono_ms - down_ms;
}

static void read_all(struct reading *r, struct record_names *names)
{
	read_begin(r, names);
	names->n_classes = record_get_below(&r->in, 100000);
	struct record_class *classes = room(r, is_fine(r) ? names->n_classes : 0, sizeof(*classes));
	for (uint32_t i = 0; is_fine(r) && i < names->n_classes; i++)
		read_class(r, &classes[i]);
	names->classes = classes;
	read_assets(r, names);
	names->sizes.n_devices = record_get_below(&r->in, 2 * WY_DEVICES_MAX + 1);
	names->sizes.n_rules = record_get_below(&r->in, RULES_MOST);
	const char **rules = room(r, is_fine(r) ? names->sizes.n_rules : 0, sizeof(*rules));
	for (uint32_t i = 0; is_fine(r) && i < names->sizes.n_rules; i++)
		rules[i] = read_text(r);
	names->rules = rules;
	if (r->in.at != r->in.len)
		r->in.is_bad = true;
}

enum wy_err record_read_names(const unsigned char *bytes, size_t len, struct record_names *ret)
{
	struct reading r = {.in = {bytes, len, 0, false}};
	struct record_names names = {.memory = malloc(NAMES_BYTES)};

	if (!names.memory)
		return WY_E_NOMEM;
	wy_arena_init(&r.arena, names.memory, NAMES_BYTES);
	read_all(&r, &names);
	if (!is_fine(&r)) {
		record_names_release(&names);
		return r.in.is_bad ? WY_E_CORRUPT : WY_E_NOMEM;
	}
	*ret = names;
	return WY_OK;
}

void record_names_release(struct record_names *names)
{
	free(names->memory);
	memset(names, 0, sizeof(*names));
}
