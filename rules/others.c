/* others.c: see others.h. */
#include "others.h"

#include <math.h>
#include <string.h>

#include "engine_parts.h"

bool rx_others_begin(struct rule_engine *engine, struct wy_arena *arena)
{
	const struct rule_set *set = engine->set;

	engine->parts = wy_arena_array(arena, set->n_parts, sizeof(*engine->parts));
	engine->sums = wy_arena_array(arena, set->n_others, sizeof(*engine->sums));
	engine->part_values = wy_arena_array(arena, set->n_part_values, sizeof(*engine->part_values));
	engine->others_ms = wy_arena_array(arena, set->world->n_assets, sizeof(*engine->others_ms));
	if (!engine->parts || !engine->sums || !engine->part_values || !engine->others_ms)
		return false;
	for (size_t i = 0; i < set->n_parts; i++)
		engine->parts[i].truth = RULE_UNKNOWN;
	for (size_t i = 0; i < set->n_others; i++)
		engine->sums[i].n_unknown = set->others[i].n;
	for (size_t i = 0; i < set->world->n_assets; i++)
		engine->others_ms[i] = WY_MS_NEVER;
	return true;
}

/* ---- Parts --------------------------------------------------------------------------------- */

static void mark_askers(struct rule_engine *engine, size_t group)
{
	const struct rx_group_of_others *others = &engine->set->others[group];

	for (size_t i = 0; i < others->n_instances; i++)
		rx_marks_add(&engine->instance_dirty, others->instances[i]);
	for (size_t i = 0; i < others->n_assets; i++)
		rx_touch(engine, others->assets[i], RX_CHANGED_ALL);
}

/* The first place of a value that is not below it. */
static size_t place_of(const double *values, size_t n, double value)
{
	size_t low = 0;

	while (low < n) {
		size_t middle = low + (n - low) / 2;
		if (values[middle] < value)
			low = middle + 1;
		else
			n = middle;
	}
	return low;
}

static void take_out(double *values, size_t n, double value)
{
	size_t at = place_of(values, n, value);

	memmove(&values[at], &values[at + 1], (n - at - 1) * sizeof(*values));
}

static void put_in(double *values, size_t n, double value)
{
	size_t at = place_of(values, n, value);

	memmove(&values[at + 1], &values[at], (n - at) * sizeof(*values));
	values[at] = value;
}

static void count_part(struct rx_tally_sum *sum, const struct rx_part *part, bool is_added)
{
	uint32_t one = is_added ? 1 : UINT32_MAX; /* wraps to one less */

	sum->n_true += part->truth == RULE_TRUE ? one : 0;
	sum->n_unknown += part->truth == RULE_UNKNOWN ? one : 0;
	sum->n_uncertain += part->is_uncertain ? one : 0;
}

static struct rx_part part_of(const struct rx_tally *tally, const struct rx_value *v)
{
	struct rx_part part = {.truth = v->truth};

	if (tally->is_values) {
		bool is_known = rx_is_exact(v) && isfinite(rx_number(v));
		part.truth = is_known ? RULE_TRUE : RULE_UNKNOWN;
		part.value = is_known ? rx_number(v) + 0.0 : 0; /* one zero only */
	}
	part.is_uncertain = v->is_uncertain && part.truth != RULE_UNKNOWN;
	return part;
}

/* All that the median of a group with or without any one of it can depend on. */
struct middle {
	struct rx_tally_sum sum;
	double value[3];
};

static struct middle middle_of(const struct rx_tally_sum *sum, const double *values)
{
	struct middle middle = {.sum = *sum};
	size_t n = sum->n_true;

	for (size_t i = 0; values && i < 3; i++)
		if (n / 2 + i >= 1 && n / 2 + i - 1 < n)
			middle.value[i] = values[n / 2 + i - 1];
	return middle;
}

/* While some of the others are unknown the ends of a median may be any of the values: everybody looks again. */
static bool is_news(const struct rx_tally *tally, const struct middle *a, const struct middle *b)
{
	bool is_open = tally->is_values && !tally->is_parted && b->sum.n_unknown;

	return is_open || a->sum.n_true != b->sum.n_true || a->sum.n_unknown != b->sum.n_unknown ||
	       a->sum.n_uncertain != b->sum.n_uncertain || a->value[0] != b->value[0] || a->value[1] != b->value[1] ||
	       a->value[2] != b->value[2];
}

static void change_part(struct rule_engine *engine, const struct rx_tally *tally, uint32_t member, const struct rx_value *v)
{
	struct rx_part *part = &engine->parts[tally->first_part + member];
	struct rx_part now = part_of(tally, v);
	uint32_t place = tally->group_of ? tally->group_of[member] : 0;

	if (place == RX_NO_USE)
		return;
	if (part->truth == now.truth && part->is_uncertain == now.is_uncertain && part->value == now.value)
		return;
	size_t group = tally->first_group + place;
	struct rx_tally_sum *sum = &engine->sums[group];
	double *values = tally->is_values ? &engine->part_values[engine->set->others[group].first_value] : NULL;
	struct middle before = middle_of(sum, values);
	if (values && part->truth == RULE_TRUE)
		take_out(values, sum->n_true, part->value);
	count_part(sum, part, false);
	if (values && now.truth == RULE_TRUE)
		put_in(values, sum->n_true, now.value);
	count_part(sum, &now, true);
	*part = now;
	struct middle after = middle_of(sum, values);
	if (is_news(tally, &before, &after))
		mark_askers(engine, group);
}

/* What the asset adds to the tallies of its class now. */
static wy_ms give_parts(struct rule_engine *engine, uint32_t asset, bool is_alarms_only)
{
	const struct rule_set *set = engine->set;
	const struct rx_class *cls = &set->classes[set->world->assets[asset].class_index];
	struct rx_eval ev = rx_engine_eval(engine, asset, engine->clock_ms);
	bool is_out = ev.is_out;

	for (size_t i = 0; i < cls->n_tallies; i++) {
		const struct rx_tally *tally = &set->tallies[cls->tallies[i]];
		if (is_alarms_only && !tally->has_alarm)
			continue;
		ev.is_raw = tally->is_raw;
		ev.is_out = is_out && !ev.is_raw;
		struct rx_value v = rx_eval(&ev, tally->of);
		change_part(engine, tally, set->assets[asset].place, &v);
	}
	return ev.next_ms;
}

/* ---- The instant --------------------------------------------------------------------------- */

static void mark_readers(struct rule_engine *engine, uint32_t asset)
{
	const struct rx_asset *it = &engine->set->assets[asset];

	for (size_t i = 0; i < it->n_keepers; i++)
		rx_touch(engine, it->keepers[i], RX_CHANGED_ALL);
	for (size_t i = 0; i < it->n_readers; i++)
		rx_marks_add(&engine->instance_dirty, it->readers[i]);
}

void rx_others_gather(struct rule_engine *engine)
{
	const struct rule_set *set = engine->set;
	const struct rx_marks *dirty = &engine->asset_dirty;

	if (!set->n_tallies && !set->has_readers)
		return;
	/* Whether an asset is out of service decides what others see of it. */
	for (size_t i = rx_marks_next(dirty, 0); i < dirty->n; i = rx_marks_next(dirty, i + 1))
		rx_update_service(engine, (uint32_t)i);
	for (size_t i = rx_marks_next(dirty, 0); i < dirty->n; i = rx_marks_next(dirty, i + 1)) {
		if (set->n_tallies)
			engine->others_ms[i] = give_parts(engine, (uint32_t)i, false);
		mark_readers(engine, (uint32_t)i);
	}
}

void rx_others_resume(struct rule_engine *engine)
{
	for (size_t i = 0; engine->set->n_tallies && i < engine->set->world->n_assets; i++)
		engine->others_ms[i] = give_parts(engine, (uint32_t)i, false);
}

void rx_others_moved(struct rule_engine *engine, uint32_t instance)
{
	const struct rule_set *set = engine->set;
	uint32_t asset = set->instances[instance].info.asset;

	if (!set->classes[set->world->assets[asset].class_index].has_alarm_tally)
		return;
	wy_ms next_ms = give_parts(engine, asset, true);
	if (next_ms < engine->others_ms[asset])
		engine->others_ms[asset] = next_ms;
	if (next_ms < engine->heap.due_ms[asset])
		rx_heap_set(&engine->heap, asset, next_ms);
}
