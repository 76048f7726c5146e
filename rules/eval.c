/* eval.c: see eval.h. One function per kind of node, chosen by a table. */
#include "eval.h"

#include <math.h>
#include <string.h>

#include "rule_engine.h"
#include "service.h"

typedef struct rx_value (*eval_fn)(struct rx_eval *ev, const struct rx_expr *e);

/* ---- Leaves ------------------------------------------------------------------------------- */

static struct rx_value eval_truth(struct rx_eval *ev, const struct rx_expr *e)
{
	(void)ev;
	return rx_truth(e->truth ? RULE_TRUE : RULE_FALSE);
}

static struct rx_value eval_number(struct rx_eval *ev, const struct rx_expr *e)
{
	(void)ev;
	return e->type == RX_T_INT ? rx_whole(e->whole) : rx_real(e->real);
}

static struct rx_value eval_word(struct rx_eval *ev, const struct rx_expr *e)
{
	(void)ev;
	return rx_whole((int64_t)e->index);
}

static const struct rx_const *param_value(const struct rx_eval *ev, const struct rx_expr *e)
{
	if (!ev->engine)
		return &ev->cls->uses[e->index].param->value;
	return &ev->set->values[ev->set->assets[ev->asset].value_base + e->index];
}

/* Without a site a parameter is anything its declaration allows. */
static struct rx_value eval_param(struct rx_eval *ev, const struct rx_expr *e)
{
	const struct rx_const *value = param_value(ev, e);
	const struct rx_param *param = ev->cls->uses[e->index].param;

	if (e->type == RX_T_BOOL)
		return ev->engine ? rx_truth(value->truth ? RULE_TRUE : RULE_FALSE) : rx_truth(RULE_UNKNOWN);
	if (!ev->engine) {
		struct rx_value v = rx_unknown_of(RX_T_REAL, RX_NOT_SEEN);
		v.rlo = param->has_min ? param->min : v.rlo;
		v.rhi = param->has_max ? param->max : v.rhi;
		return v;
	}
	return e->type == RX_T_INT ? rx_whole(value->whole) : rx_real(value->real);
}

/* All values a point's declaration allows. */
static struct rx_value declared(const struct rx_expr *e)
{
	struct rx_value v = rx_unknown_of((enum rx_type)e->type, RX_NO_POINT);

	if (e->point->has_range && v.is_whole) {
		v.lo = (int64_t)ceil(e->point->lo);
		v.hi = (int64_t)floor(e->point->hi);
	} else if (e->point->has_range) {
		v.rlo = e->point->lo;
		v.rhi = e->point->hi;
	}
	return v;
}

uint32_t rx_asset_read(const struct rx_eval *ev, const struct rx_expr *point)
{
	const uint32_t *relations = ev->set->world->assets[ev->asset].relations;

	if (!point->far)
		return ev->asset;
	return relations ? relations[ev->cls->fars[point->far - 1].relation] : WY_NO_ASSET;
}

static struct rx_value unknown_point(const struct rx_eval *ev, const struct rx_expr *e, enum rx_unknown why, uint8_t quality)
{
	struct rx_value v = rx_unknown_of((enum rx_type)e->type, why);

	v.point = (uint16_t)(e->far ? ev->cls->model->n_points + e->far - 1 : e->index);
	v.quality = quality;
	return v;
}

struct rx_value rx_eval_point(struct rx_eval *ev, const struct rx_expr *e)
{
	if (!ev->engine)
		return declared(e);
	uint32_t asset = rx_asset_read(ev, e);
	if (asset == WY_NO_ASSET)
		return unknown_point(ev, e, RX_NO_RELATION, 0);
	const struct rx_slot *slot = &ev->engine->slots[ev->set->assets[asset].slot_base + e->index];
	if (e->far ? !ev->is_raw && rx_is_out_of_service(ev->engine, asset) : ev->is_out)
		return unknown_point(ev, e, RX_OUT_OF_SERVICE, 0);
	uint8_t quality = rx_slot_quality(ev->engine, asset, slot, e->point, ev->now_ms);
	if (!wy_quality_is_usable(quality))
		return unknown_point(ev, e, RX_NO_POINT, quality);
	struct rx_value v;
	if (e->type == RX_T_BOOL)
		v = rx_truth(slot->whole ? RULE_TRUE : RULE_FALSE);
	else
		v = e->type == RX_T_REAL ? rx_real(slot->real) : rx_whole(slot->whole);
	v.is_uncertain = quality == WY_Q_UNCERTAIN;
	return v;
}

wy_ms rx_eval_span(struct rx_eval *ev, const struct rx_expr *e)
{
	double span_ms = e->real;

	if (e->op == RX_PARAM)
		span_ms = param_value(ev, e)->real * wy_unit_ratio(e->unit, wy_unit_at(WY_UNIT_MS));
	return span_ms < 1 ? 1 : (wy_ms)(span_ms + 0.5);
}

double rx_eval_constant(struct rx_eval *ev, const struct rx_expr *e)
{
	if (e->op != RX_PARAM)
		return e->real;
	const struct rx_const *value = param_value(ev, e);
	return e->type == RX_T_INT ? (double)value->whole : value->real;
}

/* Without an engine: what the declarations allow a function of points or of the past to be. */
static struct rx_value eval_static_call(struct rx_eval *ev, const struct rx_expr *e)
{
	struct rx_value v = rx_unknown_of((enum rx_type)e->type, RX_NOT_SEEN);
	enum rx_result result = e->fn->result;

	if ((result == RX_RESULT_FIRST || result == RX_RESULT_MEAN) && e->child && e->child->type != RX_T_BOOL) {
		v = rx_eval(ev, e->child);
		return result == RX_RESULT_MEAN ? rx_as_real(v) : v;
	}
	if (result == RX_RESULT_TIME || result == RX_RESULT_INT || result == RX_RESULT_DISTANCE ||
	    result == RX_RESULT_RATE || result == RX_RESULT_SHARE) {
		v.lo = 0;
		v.rlo = 0;
	}
	if (result == RX_RESULT_SHARE)
		v.rhi = 100;
	return v;
}

static struct rx_value eval_call(struct rx_eval *ev, const struct rx_expr *e)
{
	if (!ev->engine && (rx_remembers(e->fn) || e->fn->is_of_others || !e->child || e->child->op == RX_NAMED || e->child->op == RX_POINT))
		return eval_static_call(ev, e);
	if (!rx_remembers(e->fn))
		return e->fn->query(ev, e, NULL);
	struct rx_value v = e->fn->query(ev, e, rx_memory_of(ev, e));
	bool is_hidden = ev->is_elsewhere && e->type == RX_T_EVENT && !ev->cls->memories[e->index].is_keyed;
	return is_hidden && rx_is_exact(&v) ? rx_whole(0) : v;
}

/* ---- Operators ---------------------------------------------------------------------------- */

static struct rx_value eval_not(struct rx_eval *ev, const struct rx_expr *e)
{
	struct rx_value v = rx_eval(ev, e->child);

	v.truth = (uint8_t)rx_not((enum rule_truth)v.truth);
	return v;
}

/* The first member that settles the answer ends the walk. */
static struct rx_value eval_list(struct rx_eval *ev, const struct rx_expr *e)
{
	enum rule_truth settles = e->op == RX_AND ? RULE_FALSE : RULE_TRUE;
	struct rx_value out = rx_truth(rx_not(settles));

	for (const struct rx_expr *c = e->child; c; c = c->next) {
		struct rx_value v = rx_eval(ev, c);
		if (v.truth == settles)
			return v;
		v.is_uncertain = v.is_uncertain || out.is_uncertain;
		if (out.truth == RULE_UNKNOWN) {
			out.is_uncertain = v.is_uncertain;
			continue;
		}
		out = v;
	}
	return out;
}

static struct rx_value truth_of(enum rule_truth truth, const struct rx_value *a, const struct rx_value *b)
{
	struct rx_value v = rx_truth(truth);
	const struct rx_value *from = a->unknown ? a : b;

	v.is_uncertain = a->is_uncertain || b->is_uncertain;
	if (truth != RULE_UNKNOWN)
		return v;
	v.unknown = from->unknown;
	v.quality = from->quality;
	v.point = from->point;
	return v;
}

/* A real number that is simply known: a good sample. */
static bool plain_sample(const struct rx_eval *ev, const struct rx_expr *e, double *ret_number)
{
	if (e->op != RX_POINT || e->far || e->type != RX_T_REAL || ev->is_out || !ev->engine)
		return false;
	const struct rx_slot *slot = &ev->engine->slots[ev->set->assets[ev->asset].slot_base + e->index];
	if (rx_slot_quality(ev->engine, ev->asset, slot, e->point, ev->now_ms) != WY_Q_GOOD)
		return false;
	*ret_number = slot->real;
	return true;
}

/* Likewise a literal or parameter. */
static bool plain_constant(const struct rx_eval *ev, const struct rx_expr *e, double *ret_number)
{
	bool is_whole = e->type == RX_T_INT;

	if (e->op == RX_NUMBER)
		*ret_number = is_whole ? (double)e->whole : e->real;
	else if (e->op == RX_PARAM)
		*ret_number = is_whole ? (double)param_value(ev, e)->whole : param_value(ev, e)->real;
	else
		return false;
	return true;
}

static struct rx_value eval_compare(struct rx_eval *ev, const struct rx_expr *e)
{
	double left;
	double right;

	/* Most comparisons of most rules: no intervals needed. */
	if (plain_sample(ev, e->child, &left) && plain_constant(ev, e->child->next, &right))
		return rx_truth(rx_holds((enum rx_cmp)e->cmp, left, right) ? RULE_TRUE : RULE_FALSE);
	struct rx_value a = rx_eval(ev, e->child);
	struct rx_value b = rx_eval(ev, e->child->next);

	if (e->child->type != RX_T_BOOL)
		return truth_of(rx_compare((enum rx_cmp)e->cmp, &a, &b, ev->now_ms, &ev->next_ms), &a, &b);
	enum rule_truth same = RULE_UNKNOWN;
	if (a.truth != RULE_UNKNOWN && b.truth != RULE_UNKNOWN)
		same = a.truth == b.truth ? RULE_TRUE : RULE_FALSE;
	return truth_of(e->cmp == RX_EQ ? same : rx_not(same), &a, &b);
}

static struct rx_value eval_in_set(struct rx_eval *ev, const struct rx_expr *e)
{
	struct rx_value left = rx_eval(ev, e->child);
	struct rx_value out = rx_truth(RULE_FALSE);

	for (const struct rx_expr *c = e->child->next; c; c = c->next) {
		struct rx_value item = rx_eval(ev, c);
		enum rule_truth same;
		if (c->type == RX_T_BOOL)
			same = left.truth == RULE_UNKNOWN || item.truth == RULE_UNKNOWN
				       ? RULE_UNKNOWN
				       : (left.truth == item.truth ? RULE_TRUE : RULE_FALSE);
		else
			same = rx_compare(RX_EQ, &left, &item, ev->now_ms, &ev->next_ms);
		out = truth_of(rx_or((enum rule_truth)out.truth, same), &left, &item);
	}
	return out;
}

static struct rx_value eval_in_range(struct rx_eval *ev, const struct rx_expr *e)
{
	struct rx_value left = rx_eval(ev, e->child);
	struct rx_value low = rx_eval(ev, e->child->next);
	struct rx_value high = rx_eval(ev, e->child->next->next);
	enum rule_truth above = rx_compare(RX_GE, &left, &low, ev->now_ms, &ev->next_ms);
	enum rule_truth below = rx_compare(RX_LE, &left, &high, ev->now_ms, &ev->next_ms);

	return truth_of(rx_and(above, below), &left, &low);
}

static struct rx_value eval_add(struct rx_eval *ev, const struct rx_expr *e)
{
	struct rx_value a = rx_eval(ev, e->child);

	return rx_add(a, rx_eval(ev, e->child->next));
}

static struct rx_value eval_sub(struct rx_eval *ev, const struct rx_expr *e)
{
	struct rx_value a = rx_eval(ev, e->child);

	return rx_sub(a, rx_eval(ev, e->child->next));
}

static struct rx_value by_factor(struct rx_value v, const struct rx_expr *e)
{
	return e->real == 1 ? v : rx_mul(v, rx_real(e->real));
}

static struct rx_value eval_mul(struct rx_eval *ev, const struct rx_expr *e)
{
	struct rx_value a = rx_eval(ev, e->child);

	return by_factor(rx_mul(a, rx_eval(ev, e->child->next)), e);
}

static struct rx_value eval_div(struct rx_eval *ev, const struct rx_expr *e)
{
	struct rx_value a = rx_eval(ev, e->child);

	return by_factor(rx_div(a, rx_eval(ev, e->child->next)), e);
}

static struct rx_value eval_neg(struct rx_eval *ev, const struct rx_expr *e)
{
	return rx_neg(rx_eval(ev, e->child));
}

static struct rx_value eval_scale(struct rx_eval *ev, const struct rx_expr *e)
{
	return rx_mul(rx_as_real(rx_eval(ev, e->child)), rx_real(e->real));
}

static struct rx_value eval_nothing(struct rx_eval *ev, const struct rx_expr *e)
{
	(void)ev;
	return rx_unknown_of((enum rx_type)e->type, RX_NOT_SEEN);
}

struct rx_value rx_eval(struct rx_eval *ev, const struct rx_expr *e)
{
	static const eval_fn table[] = {
		[RX_TRUTH] = eval_truth,     [RX_NUMBER] = eval_number,   [RX_WORD] = eval_word,
		[RX_PARAM] = eval_param,     [RX_POINT] = rx_eval_point,  [RX_NAMED] = eval_nothing,
		[RX_CALL] = eval_call,       [RX_NOT] = eval_not,         [RX_AND] = eval_list,
		[RX_OR] = eval_list,         [RX_COMPARE] = eval_compare, [RX_IN_SET] = eval_in_set,
		[RX_IN_RANGE] = eval_in_range, [RX_ADD] = eval_add,       [RX_SUB] = eval_sub,
		[RX_MUL] = eval_mul,         [RX_DIV] = eval_div,         [RX_NEG] = eval_neg,
		[RX_SCALE] = eval_scale,
	};

	return table[e->op](ev, e);
}
