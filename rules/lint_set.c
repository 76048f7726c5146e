/* lint_set.c: rules against each other: the same thing said twice, an emergency that a lesser rule can silence, a device
 * that may fall silent and nobody notices. Warnings only; said at the later of two rules. */
#include <string.h>

#include "lint_set.h"
#include "lint_parts.h"

/* ---- Twice --------------------------------------------------------------------------------- */

static bool is_parent(const struct rx_rule *child, uint32_t parent)
{
	for (size_t i = 0; i < child->n_parents; i++)
		if (child->parents[i].rule == parent)
			return true;
	return false;
}

/* Written alike: selectors that part the assets of a class between two rules differ. */
static bool has_same_scope(const struct rx_rule *a, const struct rx_rule *b)
{
	const struct wy_node *x = wy_node_get(a->node, "scope");
	const struct wy_node *y = wy_node_get(b->node, "scope");

	return x && y && x->kind == WY_NODE_SCALAR && y->kind == WY_NODE_SCALAR && strcmp(x->text, y->text) == 0;
}

static bool has_gate(const struct rx_rule *rule)
{
	return wy_node_get(rule->node, "active") != NULL;
}

/* Both compare the same thing with a number in the same direction. */
static bool is_nested(struct rx_lens *lens, const struct rx_expr *a, const struct rx_expr *b)
{
	double x, y;

	return a->op == RX_COMPARE && b->op == RX_COMPARE && a->cmp == b->cmp && a->cmp != RX_EQ && a->cmp != RX_NE &&
	       a->child->type != RX_T_BOOL && a->child->hash == b->child->hash && rx_lens_number(lens, a->child->next, &x) &&
	       rx_lens_number(lens, b->child->next, &y);
}

static bool compare_levels(struct rx_load *load, const struct rx_rule *a, const struct rx_variant *va, const struct rx_rule *b,
			   const struct rx_variant *vb)
{
	struct rx_lens lens = {.load = load, .rule = b, .variant = vb};
	uint64_t key_a = va->by ? va->by->hash : 0, key_b = vb->by ? vb->by->hash : 0;

	/* Counted by other keys the same words mean other things. */
	if (key_a != key_b)
		return false;

	for (size_t i = 0; i < a->info.n_levels; i++)
		for (size_t j = 0; j < b->info.n_levels; j++) {
			const struct rx_expr *x = va->levels[i].when.root;
			const struct rx_expr *y = vb->levels[j].when.root;
			if (x->hash == y->hash) {
				rx_warn(load, "W312", vb->levels[j].when.node, 0,
					"'%s' has the same condition: one fault would become two tickets", a->info.id);
				return true;
			}
			if (is_nested(&lens, x, y)) {
				rx_warn(load, "W311", vb->levels[j].when.node, 0,
					"'%s' watches the same with another limit: make them levels of one rule, or let one inhibit the other",
					a->info.id);
				return true;
			}
		}
	return false;
}

static void compare_rules(struct rx_load *load, uint32_t first, uint32_t second)
{
	const struct rx_rule *a = &load->set->rules[first];
	const struct rx_rule *b = &load->set->rules[second];

	if (a->info.kind != RULE_KIND_LEVEL || b->info.kind != RULE_KIND_LEVEL || !has_same_scope(a, b) || has_gate(a) ||
	    has_gate(b) || is_parent(a, second) || is_parent(b, first))
		return;
	for (size_t i = 0; i < a->n_variants; i++)
		for (size_t j = 0; j < b->n_variants; j++)
			if (a->variants[i].cls == b->variants[j].cls &&
			    compare_levels(load, a, &a->variants[i], b, &b->variants[j]))
				return;
}

/* ---- Silenced ------------------------------------------------------------------------------ */

static uint8_t worst_tier(const struct rx_rule *rule)
{
	uint8_t worst = 4;

	for (size_t i = 0; i < rule->info.n_levels; i++)
		worst = rule->info.levels[i].tier < worst ? rule->info.levels[i].tier : worst;
	return worst;
}

static void check_parents(struct rx_load *load, const struct rx_rule *rule)
{
	for (size_t i = 0; i < rule->n_parents && worst_tier(rule) == 1; i++) {
		const struct rx_rule *parent = &load->set->rules[rule->parents[i].rule];
		if (parent->info.n_levels && worst_tier(parent) > 1)
			rx_warn(load, "W517", rule->parents[i].node, 0,
				"an S1 rule is held back by '%s', which is only S%u and may be shelved: an emergency must get through",
				parent->info.id, worst_tier(parent));
	}
}

void rx_lint_set(struct rx_load *load)
{
	for (uint32_t i = 0; i < load->set->n_rules; i++) {
		for (uint32_t j = 0; j < i; j++)
			compare_rules(load, j, i);
		check_parents(load, &load->set->rules[i]);
	}
}

/* ---- Silent -------------------------------------------------------------------------------- */

static bool asks_silence(const struct rx_expr *e)
{
	if (!e)
		return false;
	if (e->op == RX_CALL && (strcmp(e->fn->name, "silence") == 0 || strcmp(e->fn->name, "age") == 0))
		return true;
	for (const struct rx_expr *c = e->child; c; c = c->next)
		if (asks_silence(c))
			return true;
	return false;
}

static bool hears_silence(const struct rx_instance *it, size_t n_levels)
{
	for (size_t i = 0; i < n_levels; i++)
		if (asks_silence(it->variant->levels[i].when.root))
			return true;
	return false;
}

/* Devices some rule listens to, over any of the assets they feed. */
static void mark_heard(const struct rule_set *set, bool *is_heard)
{
	for (size_t i = 0; i < set->n_instances; i++) {
		const struct rx_instance *it = &set->instances[i];
		const struct wy_asset *asset = &set->world->assets[it->info.asset];
		if (it->variant && hears_silence(it, set->rules[it->info.rule].info.n_levels))
			for (size_t d = 0; d < asset->n_devices; d++)
				is_heard[asset->devices[d]] = true;
	}
}

/* Assets made up for a test have no place in a file, and no device that could fall silent. */
void rx_lint_silence(struct rx_load *load)
{
	const struct rule_set *set = load->set;
	const struct rule_world *world = set->world;
	bool *is_heard = rx_load_alloc(load, world->n_devices, sizeof(*is_heard));
	bool *is_said = rx_load_alloc(load, world->n_classes, sizeof(*is_said));

	if (!is_heard || !is_said)
		return;
	mark_heard(set, is_heard);
	for (size_t a = 0; a < world->n_assets; a++) {
		const struct wy_asset *asset = &world->assets[a];
		if (!asset->node || !set->assets[a].n_instances || is_said[asset->class_index])
			continue;
		for (size_t d = 0; d < asset->n_devices && !is_said[asset->class_index]; d++) {
			if (is_heard[asset->devices[d]])
				continue;
			is_said[asset->class_index] = true;
			rx_warn(load, "W509", asset->node, 0,
				"a device of '%s' may fall silent and no rule would tell: watch silence() of its class, or of a field_device asset",
				asset->id);
		}
	}
}
