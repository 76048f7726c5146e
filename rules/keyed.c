/* keyed.c: see keyed.h. */
#include "keyed.h"

#include <string.h>

#include "check.h"
#include "fields.h"
#include "keys.h"
#include "parse.h"
#include "rule_engine.h"

enum { DAY_MS = 86400000, KEYS_DEFAULT = 32 };

/* ---- Load --------------------------------------------------------------------------------- */

static void read_point(struct rx_scope *scope, struct rx_variant *variant, const struct wy_node *node)
{
	enum wy_err err = WY_OK;
	struct rx_load *load = scope->load;
	const char *text = node->kind == WY_NODE_SCALAR ? rx_load_text(load, node->text, node->len) : NULL;

	scope->node = node;
	struct rx_expr *root = text ? rx_parse(node, 0, text, strlen(text), load->arena, load->diags, &err) : NULL;
	load->err = err == WY_E_NOMEM ? err : load->err;
	if (root && rx_check(scope, root) == RX_T_NONE)
		return;
	bool is_point = root && root->op == RX_POINT && root->point && !root->far;
	if (is_point && (root->type == RX_T_INT || root->type == RX_T_ENUM))
		variant->by = root;
	else if (!err && (text ? root != NULL : !load->err))
		rx_error(load, "E201", node, 0, "'by' is a point of the asset that is a whole number or an enum");
}

void rx_read_by(struct rx_scope *scope, struct rx_variant *variant, const struct rx_rule_keys *fields)
{
	struct rx_load *load = scope->load;
	int64_t most = KEYS_DEFAULT;

	if (fields->max_keys && !fields->by)
		rx_error(load, "E511", fields->max_keys->key, 0, "'max_keys' means nothing without 'by'");
	if (!fields->by)
		return;
	read_point(scope, variant, fields->by);
	if (fields->max_keys && wy_field_int(fields->max_keys, &most, load->diags))
		return;
	if (most < 1 || most > WY_RULE_KEYS_MAX) {
		rx_error(load, "E106", fields->max_keys, 0, "'max_keys' is 1 to %u", WY_RULE_KEYS_MAX);
		return;
	}
	if (!variant->by)
		return;
	scope->rule->n_slots = (uint32_t)most + 1;
	scope->n_slots = scope->rule->n_slots;
	load->set->classes[scope->cls].has_keyed = true;
}

bool rx_takes_event(const struct rx_expr *call)
{
	for (const struct rx_expr *c = call->child; c; c = c->next)
		if (c->type == RX_T_EVENT || rx_takes_event(c))
			return true;
	return false;
}

static bool is_event(const struct rx_expr *e)
{
	return e->op == RX_CALL && e->type == RX_T_EVENT && !rx_takes_event(e);
}

struct gathering {
	struct rx_load *load;
	struct rx_variant *variant;
	bool is_counting;
};

/* The events themselves, and how far back what counts them looks. */
static void gather(struct gathering *g, const struct rx_expr *e)
{
	if (is_event(e)) {
		if (!g->is_counting)
			g->variant->events[g->variant->n_events] = e;
		g->variant->n_events++;
		return;
	}
	for (const struct rx_expr *c = e->child; c; c = c->next) {
		bool is_span = e->op == RX_CALL && c->op == RX_NUMBER && c->unit == wy_unit_at(WY_UNIT_MS);
		if (is_span && c->real > (double)g->variant->keep_ms)
			g->variant->keep_ms = (wy_ms)c->real;
		if (e->op == RX_CALL && c->op == RX_PARAM)
			g->variant->keep_ms = WY_RULE_SPAN_MAX_MS; /* any asset may have another */
		gather(g, c);
	}
}

static void gather_all(struct gathering *g)
{
	struct rx_variant *v = g->variant;

	v->n_events = 0;
	for (size_t i = 0; i < WY_RULE_LEVELS_MAX; i++) {
		if (v->levels[i].when.root)
			gather(g, v->levels[i].when.root);
		if (v->levels[i].clear.root)
			gather(g, v->levels[i].clear.root);
		if (v->levels[i].share.root)
			gather(g, v->levels[i].share.root);
	}
	for (size_t i = 0; i < v->n_steps; i++)
		gather(g, v->steps[i].event.root);
	if (v->until.root)
		gather(g, v->until.root);
}

void rx_check_keyed(struct rx_scope *scope, struct rx_variant *variant)
{
	struct gathering g = {scope->load, variant, true};

	if (!variant->by || scope->load->err)
		return;
	for (size_t i = 0; i < scope->rule->info.n_levels && !variant->n_steps; i++)
		if (!rx_takes_event(variant->levels[i].when.root))
			rx_error(scope->load, "E512", variant->levels[i].when.node, 0,
				 "with 'by' a condition asks about events, as count(rise(...), 1h) does; this one is the same for every key");
	variant->keep_ms = DAY_MS;
	gather_all(&g);
	variant->events = rx_load_alloc(scope->load, variant->n_events, sizeof(*variant->events));
	g.is_counting = false;
	if (variant->events)
		gather_all(&g);
}

/* ---- Run ---------------------------------------------------------------------------------- */

static struct rx_key *key_of(const struct rule_engine *engine, uint32_t instance)
{
	return &engine->keys[engine->set->instances[instance].key_index];
}

bool rx_is_empty_place(const struct rule_engine *engine, const struct rx_instance *it)
{
	uint32_t n_slots = engine->set->rules[it->info.rule].n_slots;

	return it->slot + 1 < n_slots && !engine->keys[it->key_index].is_taken;
}

uint32_t rx_slot_of_now(const struct rule_engine *engine, uint32_t asset, uint32_t rule)
{
	uint32_t first = rx_instance_of(engine->set, asset, rule);

	return first == RX_NO_INSTANCE ? RX_NO_SLOT : engine->slot_of_now[engine->set->instances[first].key_index];
}

static bool has_event(struct rx_eval *ev, const struct rx_variant *variant)
{
	for (size_t i = 0; i < variant->n_events; i++) {
		struct rx_value v = rx_eval(ev, variant->events[i]);
		if (rx_is_exact(&v) && v.lo > 0)
			return true;
	}
	return false;
}

static uint32_t find_key(const struct rule_engine *engine, uint32_t first, uint32_t n, int64_t value)
{
	for (uint32_t i = 0; i < n; i++) {
		const struct rx_key *key = key_of(engine, first + i);
		if (key->is_taken && key->value == value)
			return i;
	}
	return RX_NO_SLOT;
}

static bool is_calm(const struct rule_engine *engine, uint32_t instance)
{
	return rx_teller_is_idle(&engine->tellers[instance], &engine->machines[instance]);
}

/* The problem made of its raises; RX_NO_INSTANCE: the rule makes none. */
static uint32_t problem_of(const struct rule_engine *engine, uint32_t instance)
{
	const struct rx_rule *rule = &engine->set->rules[engine->set->instances[instance].info.rule];

	if (!rule->recur.count || rule->recur.problem == RX_NO_RULE)
		return RX_NO_INSTANCE;
	return engine->set->rules[rule->recur.problem].first_instance + (instance - rule->first_instance);
}

static bool can_go(const struct rule_engine *engine, uint32_t instance, wy_ms keep_ms)
{
	uint32_t problem = problem_of(engine, instance);
	const struct rx_recur *recur = &engine->set->rules[engine->set->instances[instance].info.rule].recur;

	keep_ms = recur->count && recur->within_ms > keep_ms ? recur->within_ms : keep_ms;
	return engine->clock_ms - key_of(engine, instance)->last_ms > keep_ms && is_calm(engine, instance) &&
	       (problem == RX_NO_INSTANCE || is_calm(engine, problem));
}

/* A place for a new key: a free one, else that of the key unused for longest that can go. */
static uint32_t find_place(const struct rule_engine *engine, uint32_t first, uint32_t n, wy_ms keep_ms)
{
	uint32_t found = RX_NO_SLOT;

	for (uint32_t i = 0; i < n; i++) {
		const struct rx_key *key = key_of(engine, first + i);
		/* A ticket whose key was lost with its cell keeps its place until it ends. */
		if (!key->is_taken && is_calm(engine, first + i))
			return i;
		if (!key->is_taken)
			continue;
		if (can_go(engine, first + i, keep_ms) &&
		    (found == RX_NO_SLOT || key->last_ms < key_of(engine, first + found)->last_ms))
			found = i;
	}
	return found;
}

/* What the key before it left behind. */
static void sweep(struct rule_engine *engine, uint32_t instance)
{
	const struct rule_set *set = engine->set;
	const struct rx_instance *it = &set->instances[instance];
	const struct rx_asset *asset = &set->assets[it->info.asset];
	const struct rx_class *cls = &set->classes[it->variant->cls];

	memset(&engine->machines[instance], 0, sizeof(engine->machines[instance]));
	memset(&engine->tellers[instance], 0, sizeof(engine->tellers[instance]));
	if (it->variant->n_steps > 1)
		memset(&engine->matches[it->match], 0, sizeof(engine->matches[it->match]));
	rx_mark(engine->cell_dirty, set->n_instances + instance);
	uint32_t problem = problem_of(engine, instance);
	if (problem != RX_NO_INSTANCE) {
		memset(&engine->tellers[problem], 0, sizeof(engine->tellers[problem]));
		rx_mark(engine->cell_dirty, set->n_instances + problem);
	}
	for (size_t i = 0; i < cls->n_memories; i++) {
		const struct rx_memory *memory = &cls->memories[i];
		if (!memory->is_keyed || memory->rule != it->info.rule || memory->slot != it->slot)
			continue;
		memset(rx_memory_at(engine, it->info.asset, memory), 0, memory->bytes);
		rx_mark(engine->cell_dirty, rx_first_memory_cell(set) + asset->memory_base + i);
	}
}

static uint32_t take_place(struct rule_engine *engine, uint32_t first, uint32_t n, int64_t value, wy_ms keep_ms)
{
	uint32_t slot = find_place(engine, first, n, keep_ms);

	if (slot == RX_NO_SLOT)
		return n;
	struct rx_key *key = key_of(engine, first + slot);
	if (key->is_taken)
		sweep(engine, first + slot);
	*key = (struct rx_key){.is_taken = true, .value = value};
	return slot;
}

static uint32_t find_slot(struct rule_engine *engine, uint32_t first)
{
	const struct rx_instance *it = &engine->set->instances[first];
	uint32_t n = engine->set->rules[it->info.rule].n_slots - 1;
	struct rx_eval ev = rx_instance_eval(engine, first, engine->clock_ms);

	ev.is_elsewhere = false;
	bool is_any = has_event(&ev, it->variant);
	struct rx_value value = rx_eval_point(&ev, it->variant->by);
	if (!rx_is_exact(&value))
		return n;
	uint32_t slot = find_key(engine, first, n, value.lo);
	if (slot == RX_NO_SLOT && is_any)
		slot = take_place(engine, first, n, value.lo, it->variant->keep_ms);
	if (is_any && slot < n) {
		key_of(engine, first + slot)->last_ms = engine->clock_ms;
		rx_mark(engine->cell_dirty, first + slot);
	}
	return slot;
}

void rx_find_keys(struct rule_engine *engine, uint32_t asset)
{
	const struct rule_set *set = engine->set;
	const struct rx_asset *it = &set->assets[asset];

	for (size_t i = 0; i < it->n_instances; i++) {
		const struct rx_instance *instance = &set->instances[it->instances[i]];
		if (instance->variant->by && !instance->slot)
			engine->slot_of_now[instance->key_index] = find_slot(engine, it->instances[i]);
	}
}

/* ---- Looking in --------------------------------------------------------------------------- */

struct rule_key rule_key_of(const struct rule_engine *engine, uint32_t instance)
{
	const struct rx_instance *it = &engine->set->instances[instance];
	uint32_t n_slots = engine->set->rules[it->info.rule].n_slots;
	struct rule_key out = {.is_keyed = it->variant->by};

	if (!out.is_keyed)
		return out;
	const struct rx_key *key = key_of(engine, instance);
	const struct wy_point *point = it->variant->by->point;
	out.is_other = it->slot + 1 == n_slots;
	out.is_taken = key->is_taken;
	out.value = key->value;
	if (out.is_taken && point->n_values && out.value >= 0 && (uint64_t)out.value < point->n_values)
		out.word = point->values[out.value];
	return out;
}
