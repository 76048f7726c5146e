/* bind.c: rules meet assets: instances in order of evaluation, parameters, inhibition, cell keys. */
#include "bind.h"

#include <string.h>

#include "ask_others.h"
#include "bind_groups.h"
#include "budget.h"
#include "lint_set.h"
#include "overrides.h"
#include "reads.h"

/* ---- Order -------------------------------------------------------------------------------- */

enum { UNSEEN, OPEN, DONE };

#define DEPTH_MAX 256u

struct order {
	struct rx_load *load;
	uint8_t *state;
	bool is_cyclic;
};

static void rank_rule(struct order *order, uint32_t index, unsigned depth);

/* A rule that waits for itself, two that wait for each other, or a chain too long to follow. */
static void say_circle(const struct order *order, uint32_t rule, const struct wy_node *node, uint32_t from)
{
	const struct rx_rule *rules = order->load->set->rules;

	if (order->state[rule] != OPEN)
		rx_error(order->load, "E506", node, 0, "more than %u rules in a row wait for each other", DEPTH_MAX);
	else if (rule == from && node != rules[from].node)
		rx_error(order->load, "E507", node, 0,
			 "'%s' inhibits itself; with 'same' the first asset would hold back all others: name another rule",
			 rules[from].info.id);
	else if (rule == from)
		rx_error(order->load, "E506", node, 0, "'%s' reads its own alarm() or episodes()", rules[from].info.id);
	else
		rx_error(order->load, "E506", node, 0,
			 "'%s' and '%s' wait for each other (inhibited_by, alarm, episodes or members), perhaps over others: take one link out",
			 rules[from].info.id, rules[rule].info.id);
}

static uint32_t rank_of(struct order *order, uint32_t rule, const struct wy_node *node, uint32_t from, unsigned depth)
{
	struct rule_set *set = order->load->set;

	if (order->state[rule] == OPEN || depth > DEPTH_MAX) {
		say_circle(order, rule, node, from);
		order->is_cyclic = true;
		return 0;
	}
	rank_rule(order, rule, depth + 1);
	return set->rules[rule].rank + 1;
}

static void rank_rule(struct order *order, uint32_t index, unsigned depth)
{
	struct rx_rule *rule = &order->load->set->rules[index];

	if (order->state[index] == DONE || order->is_cyclic)
		return;
	order->state[index] = OPEN;
	for (size_t i = 0; i < rule->n_parents && !order->is_cyclic; i++) {
		uint32_t rank = rank_of(order, rule->parents[i].rule, rule->parents[i].node, index, depth);
		rule->rank = rank > rule->rank ? rank : rule->rank;
	}
	for (size_t i = 0; i < rule->n_alarms && !order->is_cyclic; i++) {
		uint32_t rank = rank_of(order, rule->alarms[i], rule->node, index, depth);
		rule->rank = rank > rule->rank ? rank : rule->rank;
	}
	for (size_t i = 0; i < rule->n_members && !order->is_cyclic; i++) {
		uint32_t rank = rank_of(order, rule->members[i], wy_node_get(rule->node, "members"), index, depth);
		rule->rank = rank > rule->rank ? rank : rule->rank;
	}
	if (rule->source != RX_NO_RULE && !order->is_cyclic)
		rule->rank = rank_of(order, rule->source, rule->node, index, depth);
	order->state[index] = DONE;
}

static void rank_rules(struct rx_load *load)
{
	struct rule_set *set = load->set;
	struct order order = {load, rx_load_alloc(load, set->n_rules, 1), false};

	for (size_t i = 0; i < set->n_rules && order.state && !order.is_cyclic; i++)
		rank_rule(&order, (uint32_t)i, 0);
}

/* ---- Assets ------------------------------------------------------------------------------- */

static const char *make_key(struct rx_load *load, const char *kind, uint64_t hash, const char *name, const char *asset)
{
	char text[RX_KEY_SIZE];
	struct wy_buf buf;

	wy_buf_init(&buf, text, sizeof(text));
	wy_buf_addf(&buf, "%s/", kind);
	if (name)
		wy_buf_add(&buf, name);
	for (int shift = 60; !name && shift >= 0; shift -= 4)
		wy_buf_addf(&buf, "%x", (unsigned)(hash >> shift & 15));
	wy_buf_addf(&buf, "/%s", asset);
	return rx_load_text(load, text, buf.len);
}

/* What a memory saw over a relation is worth nothing once that names another asset. */
static uint64_t hash_for(const struct rx_load *load, const struct rx_class *cls, const struct rx_memory *memory,
			 const struct wy_asset *asset)
{
	uint32_t relations = cls->reads.relations ? rx_relations_in(cls, memory->call) : 0;
	uint64_t hash = memory->hash;

	for (uint32_t i = 0; relations >> i && asset->relations; i++)
		if (relations >> i & 1 && asset->relations[i] != WY_NO_ASSET)
			hash = rx_hash_text(hash, load->world->assets[asset->relations[i]].id);
	return hash;
}

static void bind_asset(struct rx_load *load, size_t index)
{
	struct rule_set *set = load->set;
	const struct wy_asset *model = &load->world->assets[index];
	struct rx_asset *asset = &set->assets[index];
	const struct rx_class *cls = &set->classes[model->class_index];

	asset->point_key = make_key(load, "p", cls->layout, NULL, model->id);
	const char **keys = rx_load_alloc(load, cls->n_memories, sizeof(*keys));
	asset->memory_keys = keys;
	for (size_t i = 0; i < cls->n_memories && keys; i++)
		keys[i] = make_key(load, "f", hash_for(load, cls, &cls->memories[i], model), NULL, model->id);
}

static void bind_assets(struct rx_load *load)
{
	struct rule_set *set = load->set;
	const struct rule_world *world = load->world;

	set->assets = rx_load_alloc(load, world->n_assets, sizeof(*set->assets));
	for (size_t i = 0; i < world->n_assets && set->assets; i++) {
		const struct rx_class *cls = &set->classes[world->assets[i].class_index];
		struct rx_asset *asset = &set->assets[i];
		asset->slot_base = set->n_slots;
		asset->value_base = set->n_values;
		asset->state_base = set->state_bytes;
		asset->memory_base = set->n_memories;
		set->n_slots += cls->model->n_points;
		set->n_values += cls->n_uses;
		set->state_bytes += cls->state_bytes;
		set->n_memories += cls->n_memories;
	}
	for (size_t i = 0; i < world->n_assets && !load->err; i++)
		bind_asset(load, i);
}

/* ---- Maintenance -------------------------------------------------------------------------- */

static void count_windows(struct rx_load *load)
{
	const struct rule_world *world = load->world;

	for (size_t w = 0; w < world->n_windows; w++)
		for (size_t i = 0; i < world->windows[w].n_assets; i++)
			load->set->assets[world->windows[w].assets[i]].n_windows++;
}

/* When each planned window is open, and which are planned for each asset. */
static void bind_windows(struct rx_load *load)
{
	struct rule_set *set = load->set;
	const struct rule_world *world = load->world;
	size_t n = 0;

	set->windows = rx_load_alloc(load, world->n_windows, sizeof(*set->windows));
	count_windows(load);
	for (size_t a = 0; a < world->n_assets; a++)
		n += set->assets[a].n_windows;
	uint32_t *lists = rx_load_alloc(load, n, sizeof(*lists));
	for (size_t a = 0, at = 0; a < world->n_assets && lists; a++) {
		set->assets[a].windows = lists + at;
		at += set->assets[a].n_windows;
		set->assets[a].n_windows = 0;
	}
	for (size_t w = 0; w < world->n_windows && !load->err; w++) {
		const struct wy_window *window = &world->windows[w];
		set->windows[w] = (struct rx_window){rx_local_instant(&set->wall, window->from_s, false),
						     rx_local_instant(&set->wall, window->to_s, true),
						     window->is_out_of_service};
		for (size_t i = 0; i < window->n_assets; i++) {
			struct rx_asset *asset = &set->assets[window->assets[i]];
			lists[(size_t)(asset->windows - lists) + asset->n_windows++] = (uint32_t)w;
		}
	}
}

/* ---- Instances ---------------------------------------------------------------------------- */

static const struct rx_variant *variant_for(const struct rx_rule *rule, uint32_t cls)
{
	for (size_t i = 0; i < rule->n_variants; i++)
		if (rule->variants[i].cls == cls)
			return &rule->variants[i];
	return NULL;
}

static bool has_class(const struct rx_scope_list *scope, const struct wy_asset *asset)
{
	for (size_t i = 0; i < scope->n; i++)
		if (scope->items[i].cls == asset->class_index)
			return true;
	return false;
}

static wy_ms span_of(const struct rule_set *set, const struct rx_variant *variant, const struct rx_span *span,
		     uint32_t asset)
{
	if (span->use == RX_NO_USE)
		return span->ms;
	const struct rx_use *use = &set->classes[variant->cls].uses[span->use];
	double ms = set->values[set->assets[asset].value_base + span->use].real *
		    wy_unit_ratio(use->param->unit, wy_unit_at(WY_UNIT_MS));
	return ms < 0 ? 0 : (wy_ms)(ms + 0.5);
}

static void bind_steps(struct rx_load *load, struct rx_instance *it)
{
	const struct rx_variant *v = it->variant;
	wy_ms *step_ms = v->n_steps ? rx_load_alloc(load, v->n_steps, sizeof(*step_ms)) : NULL;

	it->step_ms = step_ms;
	for (size_t i = 0; i < v->n_steps && step_ms; i++)
		step_ms[i] = span_of(load->set, v, &v->steps[i].limit, it->info.asset);
	if (v->n_steps > 1)
		it->match = (uint32_t)load->set->n_matches++;
}

/* "t.r", and of a keyed rule "t.r#3" or "t.r#other". */
static const char *name_of_instance(const struct rx_rule *rule, uint32_t slot, char *out, size_t size)
{
	struct wy_buf buf;

	wy_buf_init(&buf, out, size);
	wy_buf_add(&buf, rule->info.id);
	if (rule->n_slots > 1 && slot + 1 == rule->n_slots)
		wy_buf_add(&buf, "#other");
	else if (rule->n_slots > 1)
		wy_buf_addf(&buf, "#%u", slot);
	return out;
}

static void fill_instance(struct rx_load *load, struct rx_instance *it, const struct rx_rule *rule, uint32_t asset,
			  uint32_t slot)
{
	char name[160];
	const struct rule_set *set = load->set;
	const struct rx_variant *v = variant_for(rule, load->world->assets[asset].class_index);

	/* Groups and problems have one for all classes. */
	v = v ? v : &rule->variants[0];
	it->variant = v;
	it->info.rule = (uint32_t)(rule - set->rules);
	it->info.asset = asset;
	it->info.points = v->points;
	it->info.n_points = v->n_points;
	it->info.trends = v->trends;
	it->info.n_trends = v->n_trends;
	for (size_t i = 0; i < rule->info.n_levels; i++) {
		it->info.hold_ms[i] = span_of(set, v, &v->levels[i].hold, asset);
		it->info.clear_hold_ms[i] = span_of(set, v, &v->levels[i].clear_hold, asset);
	}
	it->tolerate_ms = span_of(set, v, &v->tolerate, asset);
	it->unverified_after_ms = span_of(set, v, &v->unverified_after, asset);
	it->settle_ms = span_of(set, v, &v->settle, asset);
	it->reraise_ms = span_of(set, v, &v->reraise, asset);
	bind_steps(load, it);
	it->slot = slot;
	if (v->by)
		it->key_index = (uint32_t)load->set->n_keys++;
	it->key = make_key(load, "r", 0, name_of_instance(rule, slot, name, sizeof(name)), load->world->assets[asset].id);
	it->group = RX_NO_INSTANCE;
	it->ring_base = load->set->n_rings;
	load->set->n_rings += (size_t)rule->chatter.max + rule->recur.count;
}

/* The assets that have an instance of their own: of a group the first of each combination of labels, of a problem
 * those of its source. */
static bool has_own(const struct rx_load *load, const struct rx_rule *rule, const struct rx_scope_list *scopes, size_t asset)
{
	if (rule->info.kind == RULE_KIND_GROUP)
		return rx_group_begins(load, rule, scopes, (uint32_t)asset);
	if (rule->info.kind == RULE_KIND_PROBLEM)
		return rx_scope_takes(&scopes[rule->source], &load->world->assets[asset]);
	return rx_scope_takes(&scopes[rule - load->set->rules], &load->world->assets[asset]);
}

static void bind_rule(struct rx_load *load, struct rx_rule *rule, const struct rx_scope_list *scopes, bool is_count)
{
	struct rule_set *set = load->set;
	size_t before = set->n_instances;

	for (size_t i = 0; i < load->world->n_assets && !load->err; i++) {
		if (!has_own(load, rule, scopes, i))
			continue;
		uint32_t n_slots = rule->n_slots ? rule->n_slots : 1;
		for (uint32_t slot = 0; slot < n_slots && !is_count; slot++)
			fill_instance(load, &set->instances[set->n_instances + slot], rule, (uint32_t)i, slot);
		set->n_instances += n_slots;
	}
	rule->first_instance = (uint32_t)before;
	rule->n_instances = (uint32_t)(set->n_instances - before);
}

static void bind_rules(struct rx_load *load, const struct rx_scope_list *scopes, bool is_count)
{
	struct rule_set *set = load->set;
	uint32_t top = 0;

	set->n_instances = 0;
	for (size_t i = 0; i < set->n_rules; i++)
		top = set->rules[i].rank > top ? set->rules[i].rank : top;
	for (uint32_t rank = 0; rank <= top; rank++)
		for (size_t i = 0; i < set->n_rules; i++)
			if (set->rules[i].rank == rank)
				bind_rule(load, &set->rules[i], scopes, is_count);
}

static bool is_group(const struct rule_set *set, size_t instance)
{
	return set->rules[set->instances[instance].info.rule].info.kind == RULE_KIND_GROUP;
}

/* Instances per asset, in order of evaluation. */
static void list_instances(struct rx_load *load)
{
	struct rule_set *set = load->set;
	uint32_t *lists = rx_load_alloc(load, set->n_instances, sizeof(*lists));
	size_t used = 0;

	/* Groups are of many assets. */
	for (size_t i = 0; i < set->n_instances; i++)
		if (!is_group(set, i))
			set->assets[set->instances[i].info.asset].n_instances++;
	for (size_t a = 0; a < load->world->n_assets && lists; a++) {
		set->assets[a].instances = lists + used;
		used += set->assets[a].n_instances;
		set->assets[a].n_instances = 0;
	}
	for (size_t i = 0; i < set->n_instances && lists; i++) {
		struct rx_asset *asset = &set->assets[set->instances[i].info.asset];
		if (is_group(set, i))
			continue;
		lists[(size_t)(asset->instances - lists) + asset->n_instances++] = (uint32_t)i;
	}
}

/* A pack covers more than a site has, and scopes share a class between them: an empty scope is worth a word only
 * where an asset of its class is watched by no rule at all. */
static void warn_of_empty_scopes(struct rx_load *load, const struct rx_scope_list *scopes)
{
	const struct rule_set *set = load->set;

	for (size_t i = 0; i < set->n_rules; i++) {
		const struct wy_asset *forgotten = NULL;
		for (size_t a = 0; a < load->world->n_assets && !forgotten; a++)
			if (!set->assets[a].n_instances && has_class(&scopes[i], &load->world->assets[a]))
				forgotten = &load->world->assets[a];
		if (!set->rules[i].n_instances && forgotten)
			rx_warn(load, "E302", wy_node_get(set->rules[i].node, "scope"), 0,
				"the scope of '%s' takes none of the site's assets, and no rule watches '%s'; compare its "
				"labels with the site file",
				set->rules[i].info.id, forgotten->id);
	}
}

uint32_t rx_instance_of(const struct rule_set *set, uint32_t asset, uint32_t rule)
{
	const struct rx_asset *a = &set->assets[asset];

	for (size_t i = 0; i < a->n_instances; i++)
		if (set->instances[a->instances[i]].info.rule == rule)
			return a->instances[i];
	return RX_NO_INSTANCE;
}

/* ---- Inhibition --------------------------------------------------------------------------- */

typedef void (*edge_fn)(void *arg, uint32_t parent, uint32_t child, bool is_inhibition);

/* All instances of a rule on the child's own asset. */
static void own_edges(const struct rule_set *set, uint32_t asset, uint32_t rule, uint32_t child, bool is_inhibition,
		      edge_fn edge, void *arg)
{
	uint32_t own = rx_instance_of(set, asset, rule);
	uint32_t n_slots = set->rules[rule].n_slots ? set->rules[rule].n_slots : 1;

	for (uint32_t i = 0; i < n_slots && own != RX_NO_INSTANCE; i++)
		edge(arg, own + i, child, is_inhibition);
}

/* All pairs in which the child must be looked at when the parent changes. */
static void each_edge(struct rx_load *load, edge_fn edge, void *arg)
{
	const struct rule_set *set = load->set;

	for (uint32_t child = 0; child < set->n_instances; child++) {
		const struct rx_instance *it = &set->instances[child];
		const struct rx_rule *rule = &set->rules[it->info.rule];
		for (size_t p = 0; p < rule->n_parents; p++) {
			const struct rx_parent *parent = &rule->parents[p];
			const struct rx_rule *up = &set->rules[parent->rule];
			bool is_of_group = !parent->n_same && up->info.kind == RULE_KIND_GROUP;
			if (!parent->n_same && !is_of_group) {
				own_edges(set, it->info.asset, parent->rule, child, true, edge, arg);
				continue;
			}
			const char *const *same = is_of_group ? up->same : parent->same;
			size_t n_same = is_of_group ? up->n_same : parent->n_same;
			for (uint32_t i = up->first_instance; i < up->first_instance + up->n_instances; i++)
				if (rx_has_same(load->world, same, n_same, it->info.asset, set->instances[i].info.asset))
					edge(arg, i, child, true);
		}
		for (size_t p = 0; p < rule->n_alarms; p++) {
			own_edges(set, it->info.asset, rule->alarms[p], child, false, edge, arg);
		}
	}
}

struct edges {
	struct rule_set *set;
	uint32_t *parents, *children; /* NULL while counting */
	size_t n;
};

static void count_edge(void *arg, uint32_t parent, uint32_t child, bool is_inhibition)
{
	struct edges *edges = arg;

	edges->n++;
	edges->set->instances[parent].n_children++;
	if (is_inhibition)
		edges->set->instances[child].n_parents++;
}

static void fill_edge(void *arg, uint32_t parent, uint32_t child, bool is_inhibition)
{
	struct edges *edges = arg;
	struct rx_instance *up = &edges->set->instances[parent];
	struct rx_instance *down = &edges->set->instances[child];

	edges->children[(size_t)(up->children - edges->children) + up->n_children++] = child;
	if (is_inhibition)
		edges->parents[(size_t)(down->parents - edges->parents) + down->n_parents++] = parent;
}

static void bind_inhibition(struct rx_load *load)
{
	struct rule_set *set = load->set;
	struct edges edges = {.set = set};
	size_t parents = 0;
	size_t children = 0;

	each_edge(load, count_edge, &edges);
	if (edges.n > WY_RULE_EDGES_MAX) {
		rx_error(load, "E601", set->rules[0].node, 0, "%zu inhibitions between instances; at most %u", edges.n,
			 WY_RULE_EDGES_MAX);
		load->err = WY_E_LIMIT;
		return;
	}
	edges.parents = rx_load_alloc(load, edges.n, sizeof(*edges.parents));
	edges.children = rx_load_alloc(load, edges.n, sizeof(*edges.children));
	if (load->err)
		return;
	for (size_t i = 0; i < set->n_instances; i++) {
		struct rx_instance *it = &set->instances[i];
		it->parents = edges.parents + parents;
		it->children = edges.children + children;
		parents += it->n_parents;
		children += it->n_children;
		it->n_parents = it->n_children = 0;
	}
	each_edge(load, fill_edge, &edges);
}

static uint64_t hash_set(const struct rule_set *set)
{
	uint64_t hash = RX_HASH_START;

	for (size_t i = 0; i < set->n_rules; i++) {
		hash = rx_hash_text(hash, set->rules[i].info.id);
		hash = rx_hash(hash, &set->rules[i].info.revision, sizeof(uint32_t));
	}
	for (size_t i = 0; i < set->n_instances; i++) {
		const struct rx_instance *it = &set->instances[i];
		const struct rx_asset *asset = &set->assets[it->info.asset];
		hash = rx_hash_text(hash, set->world->assets[it->info.asset].id);
		hash = rx_hash(hash, it->info.hold_ms, sizeof(it->info.hold_ms));
		hash = rx_hash(hash, it->info.clear_hold_ms, sizeof(it->info.clear_hold_ms));
		const uint32_t *related = set->world->assets[it->info.asset].relations;
		for (uint32_t r = 0; related && it->variant->reads.relations >> r; r++)
			hash = rx_hash_text(hash, related[r] == WY_NO_ASSET ? "" : set->world->assets[related[r]].id);
		hash = rx_hash(hash, it->step_ms, it->variant->n_steps * sizeof(*it->step_ms));
		for (size_t u = 0; !is_group(set, i) && u < set->classes[it->variant->cls].n_uses; u++) {
			const struct rx_const *value = &set->values[asset->value_base + u];
			hash = rx_hash(hash, &value->real, sizeof(value->real));
			hash = rx_hash(hash, &value->truth, sizeof(value->truth));
		}
	}
	return hash;
}

static bool check_state(struct rx_load *load)
{
	const struct rule_set *set = load->set;
	char most[400];
	struct wy_buf buf;

	if (set->state_bytes <= WY_RULE_STATE_BYTES_MAX || load->err)
		return !load->err;
	wy_buf_init(&buf, most, sizeof(most));
	rx_add_most_bytes(set, &buf);
	rx_error(load, "E601", set->rules[0].node, 0,
		 "rules would remember %zu bytes, at most %u%s: lower 'max_keys', or ask fewer different windows of those classes",
		 set->state_bytes, WY_RULE_STATE_BYTES_MAX, most);
	return false;
}

static bool check_instances(struct rx_load *load)
{
	const struct rule_set *set = load->set;
	char most[400];
	struct wy_buf buf;

	if (set->n_instances <= WY_RULE_INSTANCES_MAX)
		return true;
	wy_buf_init(&buf, most, sizeof(most));
	rx_add_most_instances(set, &buf);
	rx_error(load, "E601", set->rules[0].node, 0, "%zu pairs of a rule and an asset; at most %u%s: narrow the scopes",
		 set->n_instances, WY_RULE_INSTANCES_MAX, most);
	return false;
}

enum wy_err rx_bind(struct rx_load *load, const struct rx_scope_list *scopes)
{
	struct rule_set *set = load->set;

	rank_rules(load);
	if (load->err || load->diags->errors)
		return load->err ? load->err : WY_E_INVALID;
	bind_rules(load, scopes, true);
	if (!check_instances(load))
		return WY_E_LIMIT;
	rx_list_reads(load);
	if (load->err)
		return load->err;
	bind_assets(load);
	if (!load->err && !check_state(load))
		return WY_E_LIMIT;
	if (!load->err)
		bind_windows(load);
	if (!load->err)
		rx_bind_values(load, scopes);
	if (load->err)
		return load->err;
	set->instances = rx_load_alloc(load, set->n_instances, sizeof(*set->instances));
	if (set->instances)
		bind_rules(load, scopes, false);
	if (!load->err)
		list_instances(load);
	if (!load->err)
		warn_of_empty_scopes(load, scopes);
	if (!load->err)
		rx_bind_others(load);
	if (!load->err)
		rx_lint_silence(load);
	if (!load->err)
		bind_inhibition(load);
	if (!load->err)
		rx_bind_groups(load);
	if (!load->err)
		rx_bind_reads(load);
	if (!load->err)
		set->hash = hash_set(set);
	return load->err;
}
