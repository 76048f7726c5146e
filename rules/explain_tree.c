/* explain_tree.c: a condition as its typed tree, a node a line: what it is, what it remembers and, with an engine, what it
 * is worth now and why it is not known. */
#include "explain.h"

#include <math.h>
#include <string.h>

#include "shares.h"
#include "window.h"

/* ---- Numbers ------------------------------------------------------------------------------- */

void rx_add_number(struct wy_buf *buf, double value, const struct wy_unit *unit)
{
	double ms = unit && wy_unit_is_alike(unit, wy_unit_at(WY_UNIT_MS)) ? value * wy_unit_ratio(unit, wy_unit_at(WY_UNIT_MS)) : -1;

	if (ms >= 0 && ms < 9e15) {
		wy_buf_duration(buf, (wy_ms)(ms + 0.5));
		return;
	}
	wy_buf_real(buf, value, 6);
	if (unit)
		wy_buf_addf(buf, " %s", unit->name);
}

static const struct rx_const *param_value(const struct rx_explain *x, uint32_t use)
{
	const struct rx_class *cls = &x->set->classes[x->cls];

	return x->asset == RULE_NO_ASSET ? &cls->uses[use].param->value
					 : &x->set->values[x->set->assets[x->asset].value_base + use];
}

/* The override a value comes from: of several for an asset the first, of several for all the last. */
static const struct wy_override *override_of(const struct rx_explain *x, const struct rx_use *use)
{
	const struct rule_world *world = x->set->world;
	const char *id = x->asset == RULE_NO_ASSET ? NULL : world->assets[x->asset].id;
	const struct wy_override *found = NULL;

	for (size_t i = 0; i < world->n_overrides && id; i++) {
		const struct wy_override *over = &world->overrides[i];
		if (strcmp(over->package, use->package->name) != 0 || strcmp(over->name, use->param->name) != 0)
			continue;
		if (over->asset && strcmp(over->asset, id) == 0)
			return over;
		found = over->asset ? found : over;
	}
	return found;
}

static void add_bounds(struct wy_buf *buf, const struct rx_param *param)
{
	if (!param->has_min && !param->has_max)
		return;
	wy_buf_add(buf, "; may be ");
	if (param->has_min)
		rx_add_number(buf, param->min, param->unit);
	else
		wy_buf_add(buf, "anything");
	wy_buf_add(buf, " to ");
	if (param->has_max)
		rx_add_number(buf, param->max, param->unit);
	else
		wy_buf_add(buf, "anything");
}

/* "the package's own, lift.yaml:12", "set by the site for this asset, site.yaml:40" */
static void add_origin(struct rx_explain *x, uint32_t index)
{
	const struct rx_use *use = &x->set->classes[x->cls].uses[index];
	const struct wy_override *over = override_of(x, use);
	const struct wy_node *node = over ? over->value : use->param->node;

	wy_buf_add(&x->buf, !over ? "the package's own" : (over->asset ? "set by the site for this asset" : "set by the site"));
	if (node && node->source)
		wy_buf_addf(&x->buf, ", %s:%u", node->source->name, node->line);
	add_bounds(&x->buf, use->param);
}

void rx_add_span(struct rx_explain *x, const struct rx_span *span, wy_ms own_ms)
{
	double ms = (double)(own_ms >= 0 ? own_ms : span->ms);

	if (span->use == RX_NO_USE) {
		wy_buf_duration(&x->buf, (wy_ms)ms);
		return;
	}
	const struct rx_param *param = x->set->classes[x->cls].uses[span->use].param;
	if (own_ms < 0)
		ms = param_value(x, span->use)->real * wy_unit_ratio(param->unit, wy_unit_at(WY_UNIT_MS));
	wy_buf_duration(&x->buf, (wy_ms)ms);
	wy_buf_addf(&x->buf, " ($%s: ", param->name);
	add_origin(x, span->use);
	wy_buf_add(&x->buf, ")");
}

static bool constant_of(const struct rx_explain *x, const struct rx_expr *e, double *ret)
{
	if (e->op == RX_NUMBER)
		*ret = e->real;
	else if (e->op == RX_PARAM && e->type != RX_T_BOOL)
		*ret = param_value(x, e->index)->real;
	else if (e->op == RX_SCALE && constant_of(x, e->child, ret))
		*ret *= e->real;
	else
		return false;
	return true;
}

/* ---- What a call remembers ----------------------------------------------------------------- */

static const struct rx_store stores[] = {
	{rx_rise_update, "edge", "whether it was true when last known", false, 1},
	{rx_fall_update, "edge", "whether it was true when last known", false, 1},
	{rx_change_update, "edge", "the value when last known", false, 1},
	{rx_pulse_update, "edge", "the count when last known", false, 1},
	{rx_prev_update, "last values", "the present value and the one before", false, 1},
	{rx_since_update, "last instant", "when it last happened, or began", false, 1},
	{rx_sample_update, "last sample", "the last sample, and up to 8 that wait for their delay", false, 1},
	{rx_since_mark_update, "total", "what it grew since the mark", false, 1},
	{rx_count_update, "ring", "the last 64 instants, exact; more than 64 by panes", true, 64},
	{rx_episodes_update, "ring", "the last 64 instants it was told to be raised", false, RX_EPISODES_MOST},
	{rx_increase_update, "panes", "growth per pane", true, 65},
	{rx_min_update, "panes", "the smallest of each pane", true, 65},
	{rx_max_update, "panes", "the largest of each pane", true, 65},
	{rx_spread_update, "panes", "both ends of each pane", true, 65},
	{rx_mean_update, "panes", "a compensated sum per pane", true, 65},
	{rx_sd_update, "panes", "mean and squares of each pane", true, 65},
	{rx_rank_update, "panes", "a mean per pane; of samples a ring of the last 256, exact", true, 256},
	{rx_delta_update, "panes", "the value at the beginning of each pane", true, 65},
	{rx_truth_update, "panes", "time true and turns per pane", true, 65},
	{rx_ewma_update, "recursive", "the smoothed value", false, 1},
	{rx_ewma_n_update, "recursive", "the smoothed value", false, 1},
	{rx_m_of_n_update, "last N", "its truth at the end of each step", false, WY_RULE_STEPS_MAX},
	{rx_zstep_update, "baseline, last N", "the value at the end of each step", false, WY_RULE_STEPS_MAX},
	{rx_cusum_z_update, "baseline, recursive", "mean and spread of the first samples, and the sum since", false, 1},
	{rx_zrob_update, "baseline, panes", "a mean per pane, ranked", true, 65},
	{rx_zbase_update, "baseline, slots", "the last means of each slot of the season", false, WY_RULE_KEEP_MAX},
	{rx_zlearn_update, "baseline, learnt", "median and spread of its first values", false, 1},
	{rx_joint_update, "baseline, learnt", "means and their spread together", false, WY_RULE_JOINT_MAX * WY_RULE_JOINT_MAX},
};

const struct rx_store *rx_store_of(const struct rx_function *fn)
{
	for (size_t i = 0; i < sizeof(stores) / sizeof(*stores); i++)
		if (fn->update && stores[i].update == fn->update)
			return &stores[i];
	return NULL;
}

static bool takes_series(const struct rx_function *fn)
{
	for (size_t i = 0; i < rx_arg_count(fn); i++)
		if (fn->arg[i].kind == RX_ARG_SERIES || fn->arg[i].kind == RX_ARG_SAMPLES)
			return true;
	return false;
}

static bool uses_memory(const struct rx_variant *variant, uint32_t index)
{
	for (size_t i = 0; i < variant->n_memories; i++)
		if (variant->memories[i] == index)
			return true;
	return false;
}

static size_t count_users(const struct rx_explain *x, uint32_t index)
{
	size_t n = 0;

	for (size_t i = 0; i < x->set->n_rules; i++)
		for (size_t j = 0; j < x->set->rules[i].n_variants; j++) {
			const struct rx_variant *variant = &x->set->rules[i].variants[j];
			n += variant->cls == x->cls && uses_memory(variant, index);
		}
	return n;
}

static void add_window(struct rx_explain *x, const struct rx_expr *e, const struct rx_store *store)
{
	const struct rx_expr *window = rx_window_arg(e);
	double ms;

	if (!store->has_panes || !window || !constant_of(x, window, &ms))
		return;
	ms *= window->unit ? wy_unit_ratio(window->unit, wy_unit_at(WY_UNIT_MS)) : 1;
	wy_buf_add(&x->buf, "; 64 panes of ");
	wy_buf_duration(&x->buf, rx_pane_ms((wy_ms)ms));
	wy_buf_add(&x->buf, store->update == rx_count_update ? ", its edge exact up to 64, then at most a pane late"
							     : ", its edge at most a pane late");
}

static void add_memory(struct rx_explain *x, const struct rx_expr *e)
{
	const struct rx_store *store = rx_store_of(e->fn);
	const struct rx_class *cls = &x->set->classes[x->cls];

	if (!store)
		return;
	wy_buf_addf(&x->buf, "; %s: %s", store->kind, store->what);
	add_window(x, e, store);
	if (takes_series(e->fn))
		wy_buf_add(&x->buf, e->child->sampling ? "; counts samples" : "; weighted with time");
	if (rx_window_arg(e) && store->has_panes) {
		wy_buf_add(&x->buf, "; answers from ");
		wy_buf_real(&x->buf, e->min_cover * 100, 3);
		wy_buf_add(&x->buf, " % known");
		if (e->min_samples > 1)
			wy_buf_addf(&x->buf, " and %u samples", e->min_samples);
	}
	wy_buf_addf(&x->buf, "; %zu bytes", rx_memory_bytes(e));
	size_t n = count_users(x, e->index);
	if (n > 1)
		wy_buf_addf(&x->buf, " shared by %zu rules", n);
	bool is_keyed = e->index < cls->n_memories && cls->memories[e->index].is_keyed;
	if (is_keyed)
		wy_buf_add(&x->buf, " for each key");
	if (rx_is_live(x) && e->fn->is_baseline &&
	    rx_is_marked(x->engine->frozen, x->set->assets[x->asset].memory_base + e->index + (is_keyed ? x->ev.slot : 0)))
		wy_buf_add(&x->buf, "; frozen now, as a rule that uses it stands");
}

/* ---- Labels -------------------------------------------------------------------------------- */

static void add_values(struct wy_buf *buf, const struct wy_point *point)
{
	for (size_t i = 0; i < point->n_values; i++)
		wy_buf_addf(buf, "%s%s", i ? ", " : " of ", point->values[i]);
}

/* Type and unit. */
static void add_kind(struct wy_buf *buf, const struct rx_expr *e)
{
	static const char *const kinds[] = {
		[RX_T_NONE] = "", [RX_T_BOOL] = "condition", [RX_T_EVENT] = "event", [RX_T_ENUM] = "enum",
		[RX_T_INT] = "whole number", [RX_T_REAL] = "number", [RX_T_COUNTER] = "counter", [RX_T_NAME] = "name",
	};

	wy_buf_add(buf, kinds[e->type]);
	if (e->type == RX_T_ENUM && e->op == RX_POINT)
		add_values(buf, e->point);
	if (e->type == RX_T_REAL && e->unit == wy_unit_at(WY_UNIT_MS))
		wy_buf_add(buf, " of time");
	else if ((e->type == RX_T_REAL || e->type == RX_T_INT) && e->unit)
		wy_buf_addf(buf, " in %s", e->unit->name);
	if (e->is_signal)
		wy_buf_add(buf, ", of a signal");
}

static void add_param(struct rx_explain *x, const struct rx_expr *e)
{
	const struct rx_param *param = x->set->classes[x->cls].uses[e->index].param;
	const struct rx_const *value = param_value(x, e->index);

	wy_buf_addf(&x->buf, "$%s: ", param->name);
	if (param->type == RX_T_BOOL)
		wy_buf_add(&x->buf, value->truth ? "true" : "false");
	else
		rx_add_number(&x->buf, value->real, param->unit);
	wy_buf_add(&x->buf, " (");
	add_origin(x, e->index);
	wy_buf_add(&x->buf, ")");
}

static void add_named(struct rx_explain *x, const struct rx_expr *e)
{
	if (e->calendar)
		wy_buf_add(&x->buf, e->calendar->name);
	else if (e->name)
		wy_buf_addn(&x->buf, e->name, e->name_len);
	else
		wy_buf_add(&x->buf, "as it is when left out");
}

/* The word of an operator; NULL: no operator. */
static const char *operator_of(const struct rx_expr *e)
{
	static const char *const compares[] = {"==", "!=", "<", "<=", ">", ">="};
	static const char *const words[] = {
		[RX_NOT] = "not", [RX_AND] = "and", [RX_OR] = "or", [RX_IN_SET] = "in {}", [RX_IN_RANGE] = "in []",
		[RX_ADD] = "+", [RX_SUB] = "-", [RX_MUL] = "*", [RX_DIV] = "/", [RX_NEG] = "- (its opposite)",
	};

	if (e->op == RX_COMPARE)
		return compares[e->cmp];
	return e->op < sizeof(words) / sizeof(*words) ? words[e->op] : NULL;
}

static void add_members(struct rx_explain *x, const struct rx_tally *tally)
{
	const struct rx_class *cls = &x->set->classes[tally->cls];

	wy_buf_addf(&x->buf, " over %u assets of class '%s'", cls->n_assets, cls->model->id);
	if (tally->is_parted)
		wy_buf_addf(&x->buf, " in %zu groups", tally->n_groups);
}

static void add_label(struct rx_explain *x, const struct rx_expr *e)
{
	const char *word = operator_of(e);

	if (word) {
		wy_buf_add(&x->buf, word);
		return;
	}
	switch ((enum rx_op)e->op) {
	case RX_TRUTH:
		wy_buf_add(&x->buf, e->truth ? "true" : "false");
		break;
	case RX_NUMBER:
		rx_add_number(&x->buf, e->real, e->unit);
		break;
	case RX_WORD:
		wy_buf_add(&x->buf, e->point && e->whole >= 0 && (uint64_t)e->whole < e->point->n_values
					    ? e->point->values[e->whole] : "?");
		break;
	case RX_PARAM:
		add_param(x, e);
		break;
	case RX_POINT:
		wy_buf_add(&x->buf, e->far ? e->name : e->point->name);
		break;
	case RX_CALL:
		wy_buf_addf(&x->buf, "%s()", e->fn->name);
		if (e->fn->is_of_others)
			add_members(x, &x->set->tallies[e->index]);
		break;
	case RX_NAMED:
		add_named(x, e);
		break;
	case RX_SCALE:
		wy_buf_add(&x->buf, "times ");
		wy_buf_real(&x->buf, e->real, 9);
		wy_buf_add(&x->buf, ", a change of unit");
		break;
	default:
		break;
	}
}

/* ---- Values -------------------------------------------------------------------------------- */

static void add_half_known(struct wy_buf *buf, const struct rx_explain *x, const struct rx_expr *e, const struct rx_value *value)
{
	struct rx_value v = rx_as_real(*value);

	if (isfinite(v.rlo)) {
		wy_buf_add(buf, "at least ");
		rx_add_number(buf, v.rlo, e->unit);
	} else if (isfinite(v.rhi)) {
		wy_buf_add(buf, "at most ");
		rx_add_number(buf, v.rhi, e->unit);
	} else {
		wy_buf_addf(buf, "unknown: %s", rx_why_text(&x->ev, value));
	}
}

static void add_worth(struct wy_buf *buf, const struct rx_explain *x, const struct rx_expr *e, const struct rx_value *v)
{
	bool is_known = rx_is_exact(v);

	if (e->type == RX_T_BOOL && v->truth != RULE_UNKNOWN)
		wy_buf_add(buf, v->truth == RULE_TRUE ? "true" : "false");
	else if (e->type == RX_T_BOOL)
		wy_buf_addf(buf, "unknown: %s", rx_why_text(&x->ev, v));
	else if (e->type == RX_T_EVENT && is_known)
		wy_buf_add(buf, v->lo ? "just now" : "not just now");
	else if (!is_known)
		add_half_known(buf, x, e, v);
	else if (e->type == RX_T_ENUM && e->point && v->lo >= 0 && (uint64_t)v->lo < e->point->n_values)
		wy_buf_add(buf, e->point->values[v->lo]);
	else if (!isfinite(rx_number(v)))
		wy_buf_add(buf, "never");
	else
		rx_add_number(buf, rx_number(v), e->unit);
}

static bool is_constant(const struct rx_expr *e)
{
	return e->type == RX_T_NAME || e->type == RX_T_NONE || e->op == RX_NUMBER || e->op == RX_PARAM || e->op == RX_TRUTH ||
	       e->op == RX_WORD || (e->op == RX_SCALE && is_constant(e->child));
}

static void add_now(struct rx_explain *x, const struct rx_expr *e)
{
	if (!rx_is_live(x) || is_constant(e))
		return;
	struct rx_eval ev = x->ev;
	struct rx_value v = rx_eval(&ev, e);
	wy_buf_add(&x->buf, "  = ");
	add_worth(&x->buf, x, e, &v);
	if (v.is_uncertain)
		wy_buf_add(&x->buf, " (uncertain)");
}

/* ---- The walk ------------------------------------------------------------------------------ */

static const char *arg_name(const struct rx_expr *call, size_t i)
{
	size_t row = call->n_many ? (i < call->n_many ? 0 : i - call->n_many + 1) : i;

	if (row >= rx_arg_count(call->fn))
		return NULL;
	enum rx_arg_manner manner = call->fn->arg[row].manner;
	return manner == RX_ARG_PLAIN || manner == RX_ARG_MANY ? NULL : call->fn->arg[row].name;
}

static void walk(struct rx_explain *x, const struct rx_expr *e, const char *name);

static void walk_children(struct rx_explain *x, const struct rx_expr *e)
{
	size_t i = 0;

	x->depth++;
	for (const struct rx_expr *c = e->child; c; c = c->next, i++)
		walk(x, c, e->op == RX_CALL ? arg_name(e, i) : NULL);
	x->depth--;
}

/* What is asked of many assets has no one value, and its parameters those of the package. */
static void walk_others(struct rx_explain *x, const struct rx_expr *e)
{
	uint32_t cls = x->cls, asset = x->asset;
	const struct rule_engine *engine = x->engine;

	x->cls = x->set->tallies[e->index].cls;
	x->asset = RULE_NO_ASSET;
	x->engine = NULL;
	x->depth++;
	walk(x, x->set->tallies[e->index].of, NULL);
	x->depth--;
	x->cls = cls;
	x->asset = asset;
	x->engine = engine;
}

static void walk(struct rx_explain *x, const struct rx_expr *e, const char *name)
{
	rx_line_begin(x);
	if (name)
		wy_buf_addf(&x->buf, "%s= ", name);
	add_label(x, e);
	wy_buf_add(&x->buf, "  [");
	add_kind(&x->buf, e);
	if (e->op == RX_CALL)
		add_memory(x, e);
	wy_buf_add(&x->buf, "]");
	add_now(x, e);
	rx_line_end(x);
	if (e->op == RX_CALL && e->fn->is_of_others)
		walk_others(x, e);
	else
		walk_children(x, e);
}

void rx_explain_tree(struct rx_explain *x, const struct rx_expr *e)
{
	walk(x, e, NULL);
}

size_t rx_count_nodes(const struct rx_expr *e)
{
	size_t n = 1;

	for (const struct rx_expr *c = e ? e->child : NULL; c; c = c->next)
		n += rx_count_nodes(c);
	return e ? n : 0;
}

size_t rx_count_steps(const struct rx_expr *e)
{
	const struct rx_store *store = e && e->op == RX_CALL ? rx_store_of(e->fn) : NULL;
	size_t n = store ? store->steps : 0;

	for (const struct rx_expr *c = e ? e->child : NULL; c; c = c->next)
		n += rx_count_steps(c);
	return n;
}
