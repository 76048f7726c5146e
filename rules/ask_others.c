/* ask_others.c: see ask_others.h.
 *
 * What runs on other assets may only look at their present: points, parameters of that asset, arithmetic, comparisons,
 * alarm(). So one order is enough: all inputs of an instant, then what others add to tallies, then memories,
 * then rules by their rank. */
#include "ask_others.h"

#include <string.h>

#include "calls.h"
#include "kinds.h"

/* ---- Points over relations ---------------------------------------------------------------- */

static const char *relation_name(const void *arg, size_t i)
{
	return ((const struct wy_class *)arg)->relations[i].name;
}

static const char *point_name(const void *arg, size_t i)
{
	return ((const struct wy_class *)arg)->points[i].name;
}

static bool find_relation(const struct wy_class *cls, const char *name, size_t len, uint32_t *ret_index)
{
	for (size_t i = 0; i < cls->n_relations; i++)
		if (strlen(cls->relations[i].name) == len && memcmp(cls->relations[i].name, name, len) == 0) {
			*ret_index = (uint32_t)i;
			return true;
		}
	return false;
}

static bool find_point(const struct wy_class *cls, const char *name, uint32_t *ret_index)
{
	for (size_t i = 0; i < cls->n_points; i++)
		if (strcmp(cls->points[i].name, name) == 0) {
			*ret_index = (uint32_t)i;
			return true;
		}
	return false;
}

static void fill_why(struct rx_load *load, struct rx_far *far)
{
	char text[200];
	struct wy_buf buf;

	for (uint8_t q = WY_Q_NEVER; q <= RX_WHY_OOS; q++) {
		wy_buf_init(&buf, text, sizeof(text));
		wy_buf_addf(&buf, "%s %s", far->name, q == RX_WHY_OOS ? "oos" : wy_quality_text(q));
		far->why[q] = rx_load_text(load, text, buf.len);
	}
}

/* Its place in the list of the class, and one more; 0: said. */
static uint32_t place_of(struct rx_scope *scope, const struct rx_expr *e, uint32_t relation, uint32_t index)
{
	struct rx_class *cls = &scope->load->set->classes[scope->cls];

	for (size_t i = 0; i < cls->n_fars; i++)
		if (cls->fars[i].relation == relation && cls->fars[i].index == index)
			return (uint32_t)i + 1;
	if (cls->n_fars == WY_RULE_FARS_MAX) {
		rx_error(scope->load, "E601", scope->node, rx_at(scope, e),
			 "class '%s': more than %u different points of related assets", cls->model->id, WY_RULE_FARS_MAX);
		return 0;
	}
	if (!cls->fars)
		cls->fars = rx_load_alloc(scope->load, WY_RULE_FARS_MAX, sizeof(*cls->fars));
	if (!cls->fars)
		return 0;
	cls->fars[cls->n_fars] = (struct rx_far){.relation = relation, .index = index, .name = e->name};
	fill_why(scope->load, &cls->fars[cls->n_fars]);
	return (uint32_t)++cls->n_fars;
}

bool rx_check_far(struct rx_scope *scope, struct rx_expr *e)
{
	struct rx_load *load = scope->load;
	const struct wy_class *cls = load->set->classes[scope->cls].model;
	size_t len = strcspn(e->name, ".");
	const char *own = rx_load_text(load, e->name, len);
	char hint[RX_HINT_SIZE];
	uint32_t relation;

	if (!own)
		return false;
	if (scope->is_alone) {
		rx_error(load, "E208", scope->node, rx_at(scope, e),
			 "'%s' is of yet another asset; only the asset's own points can be asked for here", e->name);
		return false;
	}
	if (!find_relation(cls, e->name, len, &relation)) {
		rx_error(load, "E301", scope->node, rx_at(scope, e), "class '%s' has no relation '%s'%s", cls->id, own,
			 rx_did_you_mean(load, own, cls->n_relations, relation_name, cls, hint));
		return false;
	}
	const struct wy_class *other = &load->world->classes[cls->relations[relation].class_index];
	if (!find_point(other, e->name + len + 1, &e->index)) {
		rx_error(load, "E301", scope->node, rx_at(scope, e), "class '%s' has no point '%s'%s", other->id, e->name + len + 1,
			 rx_did_you_mean(load, e->name + len + 1, other->n_points, point_name, other, hint));
		return false;
	}
	e->point = &other->points[e->index];
	e->unit = e->point->unit;
	e->far = place_of(scope, e, relation, e->index);
	return e->far;
}

/* ---- Tallies ------------------------------------------------------------------------------- */

bool rx_may_be_asked(struct rx_scope *scope, const struct rx_expr *call)
{
	if (rx_remembers(call->fn))
		rx_error(scope->load, "E208", scope->node, rx_at(scope, call),
			 "%s() remembers; here only the present can be asked for: points, parameters, comparisons, alarm()",
			 call->fn->name);
	else if (call->fn->is_of_others)
		rx_error(scope->load, "E208", scope->node, rx_at(scope, call),
			 "%s() is of other assets again; only the asset's own points can be asked for here", call->fn->name);
	else
		return true;
	return false;
}

static const struct rx_expr *growing_in(const struct rx_expr *e)
{
	const struct rx_expr *found = e->op == RX_CALL && e->fn->is_growing ? e : NULL;

	for (const struct rx_expr *c = e->child; c && !found; c = c->next)
		found = growing_in(c);
	return found;
}

static bool has_alarm(const struct rx_expr *e)
{
	if (e->op == RX_CALL && e->fn->arg[0].kind == RX_ARG_RULE)
		return true;
	for (const struct rx_expr *c = e->child; c; c = c->next)
		if (has_alarm(c))
			return true;
	return false;
}

static bool is_same(const struct rx_tally *a, const struct rx_tally *b)
{
	bool is_alike = a->cls == b->cls && a->of->hash == b->of->hash && a->package == b->package && a->is_raw == b->is_raw &&
			a->is_values == b->is_values && a->is_parted == b->is_parted && a->relation == b->relation;

	return is_alike && (a->label == b->label || (a->label && b->label && strcmp(a->label, b->label) == 0));
}

static bool find_or_add(struct rx_scope *scope, struct rx_expr *call, const struct rx_tally *wanted)
{
	struct rule_set *set = scope->load->set;

	for (size_t i = 0; i < set->n_tallies; i++)
		if (is_same(&set->tallies[i], wanted)) {
			call->index = (uint32_t)i;
			return true;
		}
	if (set->n_tallies == WY_RULE_TALLIES_MAX) {
		rx_error(scope->load, "E601", scope->node, rx_at(scope, call),
			 "more than %u different questions to the assets of a class", WY_RULE_TALLIES_MAX);
		return false;
	}
	if (!set->tallies)
		set->tallies = rx_load_alloc(scope->load, WY_RULE_TALLIES_MAX, sizeof(*set->tallies));
	if (!set->tallies)
		return false;
	call->index = (uint32_t)set->n_tallies;
	set->tallies[set->n_tallies++] = *wanted;
	return true;
}

/* peer_median(x, by=): x on the class itself, in groups. */
static struct rx_tally tally_of_peers(const struct rx_scope *scope, const struct rx_expr *call)
{
	const struct wy_class *cls = scope->load->set->classes[scope->cls].model;
	struct rx_tally tally = {.cls = scope->cls, .of = call->child, .is_values = true, .is_parted = true,
				 .relation = RX_NO_USE};

	if (!find_relation(cls, call->child->next->name, call->child->next->name_len, &tally.relation))
		tally.label = call->child->next->name;
	return tally;
}

bool rx_add_tally(struct rx_scope *scope, struct rx_expr *call)
{
	bool is_peers = call->fn->arg[0].kind != RX_ARG_CLASS;
	struct rx_tally tally = {.relation = RX_NO_USE};

	if (is_peers) {
		tally = tally_of_peers(scope, call);
	} else {
		tally.cls = call->child->index;
		tally.of = call->child->next;
		tally.is_values = tally.of->type != RX_T_BOOL;
	}
	tally.package = scope->package;
	tally.is_raw = scope->is_raw;
	tally.has_alarm = has_alarm(tally.of);
	const struct rx_expr *growing = tally.is_values ? growing_in(tally.of) : NULL;
	if (growing) {
		rx_error(scope->load, "E203", scope->node, rx_at(scope, growing),
			 "%s() grows by itself; ask for a comparison: count_of(class, %s(...) > 1h)", growing->fn->name,
			 growing->fn->name);
		return false;
	}
	/* The argument is of another class: who walks the tree of this one must not meet it. Its meaning stays. */
	uint64_t meaning = rx_hash(tally.of->hash, call->child->name, call->child->name ? call->child->name_len : 0);
	memcpy(&call->whole, &meaning, sizeof(call->whole));
	if (!is_peers)
		call->child = NULL;
	call->hash = rx_hash_node(call);
	return scope->is_trial || find_or_add(scope, call, &tally);
}
