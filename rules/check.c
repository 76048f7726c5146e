/* check.c: gives every node of a tree its type, unit and address; see struct rx_scope in load.h.
 *
 * Numbers meet only in equal dimensions. The literal side is rescaled at load; where none is a
 * literal a RX_SCALE node does it. Stateful calls of a class are shared by the hash of their
 * meaning. After a mistake a node has type RX_T_NONE and its parents stay silent. */
#include <string.h>

#include "load.h"
#include "parse.h"

typedef enum rx_type (*check_fn)(struct rx_scope *scope, struct rx_expr *e);

static size_t at_of(const struct rx_scope *scope, const struct rx_expr *e)
{
	return scope->offset + e->at;
}

static const char *describe(const struct rx_expr *e, char *out, size_t size)
{
	struct wy_buf buf;

	wy_buf_init(&buf, out, size);
	switch ((enum rx_type)e->type) {
	case RX_T_BOOL:
		wy_buf_add(&buf, "a condition (true or false)");
		break;
	case RX_T_EVENT:
		wy_buf_add(&buf, "an event (instants, not a state)");
		break;
	case RX_T_ENUM:
		wy_buf_add(&buf, "an enum value");
		break;
	case RX_T_COUNTER:
		wy_buf_add(&buf, "a counter");
		break;
	case RX_T_INT:
	case RX_T_REAL:
		if (e->unit)
			wy_buf_addf(&buf, "a number in %s", e->unit->name);
		else
			wy_buf_add(&buf, "a bare number");
		break;
	case RX_T_NAME:
	case RX_T_NONE:
		wy_buf_add(&buf, "a name");
		break;
	}
	return out;
}

static bool is_number(const struct rx_expr *e)
{
	return e->type == RX_T_INT || e->type == RX_T_REAL;
}

static bool is_ratio(const struct wy_unit *unit)
{
	return unit && unit->dim[WY_DIMENSIONS - 1] == 1;
}

/* ---- Hashes ------------------------------------------------------------------------------- */

static uint64_t hash_node(const struct rx_expr *e)
{
	uint64_t hash = rx_hash(RX_HASH_START, &e->op, 1);

	hash = rx_hash(hash, &e->cmp, 1);
	hash = rx_hash(hash, &e->type, 1);
	hash = rx_hash(hash, &e->truth, sizeof(e->truth));
	hash = rx_hash(hash, &e->real, sizeof(e->real));
	hash = rx_hash(hash, &e->whole, sizeof(e->whole));
	hash = rx_hash(hash, &e->is_counted_by_panes, sizeof(e->is_counted_by_panes));
	if (e->name && e->op != RX_NUMBER)
		hash = rx_hash(hash, e->name, e->name_len);
	hash = rx_hash_text(hash, e->unit ? e->unit->name : "");
	if (e->op == RX_POINT && e->point) {
		hash = rx_hash(hash, &e->point->modulus, sizeof(e->point->modulus));
		hash = rx_hash(hash, &e->point->max_step, sizeof(e->point->max_step));
	}
	if (e->calendar) {
		hash = rx_hash(hash, &e->calendar->from_s, sizeof(e->calendar->from_s));
		hash = rx_hash(hash, &e->calendar->to_s, sizeof(e->calendar->to_s));
		hash = rx_hash(hash, &e->calendar->days, sizeof(e->calendar->days));
	}
	for (const struct rx_expr *c = e->child; c; c = c->next)
		hash = rx_hash(hash, &c->hash, sizeof(c->hash));
	return hash;
}

/* ---- Units -------------------------------------------------------------------------------- */

static bool rescale(struct rx_scope *scope, struct rx_expr **at, const struct wy_unit *unit)
{
	struct rx_expr *e = *at;
	double ratio = wy_unit_ratio(e->unit, unit);

	/* degC and dK have one scale, and must stay apart for the check of absolutes. */
	if (e->unit && unit && e->unit->is_absolute != unit->is_absolute)
		return true;
	if (e->op == RX_NUMBER) {
		e->real *= ratio;
		e->unit = unit;
		e->hash = hash_node(e);
		return true;
	}
	if (ratio == 1)
		return true;
	struct rx_expr *scale = rx_load_alloc(scope->load, 1, sizeof(*scale));
	if (!scale)
		return false;
	*scale = (struct rx_expr){.op = RX_SCALE, .type = RX_T_REAL, .at = e->at, .end = e->end, .child = e,
				  .next = e->next, .real = ratio, .unit = unit, .arg_name = e->arg_name,
				  .arg_name_len = e->arg_name_len};
	e->next = NULL;
	*at = scale;
	scale->hash = hash_node(scale);
	return true;
}

static bool complain_units(struct rx_scope *scope, const struct rx_expr *a, const struct rx_expr *b)
{
	char left[80];
	char right[80];
	const struct wy_unit *unit = a->unit ? a->unit : b->unit;
	bool is_bare = !a->unit || !b->unit;

	describe(a, left, sizeof(left));
	describe(b, right, sizeof(right));
	if (is_bare && is_ratio(unit))
		rx_error(scope->load, "E204", scope->node, at_of(scope, b),
			 "%s meets %s; write the number with its unit, such as '5 %%'", left, right);
	else if (is_bare && unit)
		rx_error(scope->load, "E201", scope->node, at_of(scope, b),
			 "%s meets %s; write the number with a unit, such as '5 %s'", left, right, unit->name);
	else
		rx_error(scope->load, "E201", scope->node, at_of(scope, b), "%s meets %s: units do not fit",
			 left, right);
	return false;
}

static bool is_absolute(const struct rx_expr *e)
{
	return e->unit && e->unit->is_absolute;
}

/* Bring *b to the unit of *a, or a literal *a to that of *b. Both are numbers of one dimension. */
static bool align(struct rx_scope *scope, struct rx_expr **a, struct rx_expr **b)
{
	if (!wy_unit_is_alike((*a)->unit, (*b)->unit))
		return complain_units(scope, *a, *b);
	if ((*a)->unit == (*b)->unit)
		return true;
	/* Time is compared in ms, the unit of all spans. */
	bool is_a_moved = (*a)->op == RX_NUMBER || ((*b)->unit == wy_unit_at(WY_UNIT_MS) && (*b)->op != RX_NUMBER);
	if (is_a_moved)
		return rescale(scope, a, (*b)->unit);
	return rescale(scope, b, (*a)->unit);
}

static bool need_number(struct rx_scope *scope, const struct rx_expr *e)
{
	char what[80];

	if (e->type == RX_T_NONE)
		return false;
	if (is_number(e))
		return true;
	if (e->type == RX_T_COUNTER)
		rx_error(scope->load, "E205", scope->node, at_of(scope, e),
			 "'%.*s' is a counter: its value alone means nothing; use increase(%.*s, 1h) or pulse()",
			 (int)e->name_len, e->name, (int)e->name_len, e->name);
	else if (e->type == RX_T_EVENT)
		rx_error(scope->load, "E203", scope->node, at_of(scope, e),
			 "expected a number, found an event; use count() or since()");
	else
		rx_error(scope->load, "E201", scope->node, at_of(scope, e), "expected a number, found %s",
			 describe(e, what, sizeof(what)));
	return false;
}

/* ---- Leaves ------------------------------------------------------------------------------- */

static enum rx_type check_truth(struct rx_scope *scope, struct rx_expr *e)
{
	(void)scope;
	(void)e;
	return RX_T_BOOL;
}

static enum rx_type check_number(struct rx_scope *scope, struct rx_expr *e)
{
	(void)scope;
	return e->is_whole ? RX_T_INT : RX_T_REAL;
}

static enum rx_type check_word(struct rx_scope *scope, struct rx_expr *e)
{
	(void)scope;
	(void)e;
	return RX_T_ENUM; /* of which point, the other side says */
}

static const char *point_name(const void *arg, size_t i)
{
	return ((const struct wy_class *)arg)->points[i].name;
}

static const char *calendar_name(const void *arg, size_t i)
{
	return ((const struct rx_package *)arg)->calendars[i].name;
}

static const char *param_name(const void *arg, size_t i)
{
	return ((const struct rx_package *)arg)->params[i].name;
}

static const char *own_name(struct rx_scope *scope, struct rx_expr *e)
{
	const char *name = rx_load_text(scope->load, e->name, e->name_len);

	e->name_len = name ? e->name_len : 0;
	return name ? name : "";
}

static enum rx_type check_point(struct rx_scope *scope, struct rx_expr *e)
{
	static const enum rx_type types[] = {
		[WY_TYPE_BOOL] = RX_T_BOOL, [WY_TYPE_INT] = RX_T_INT, [WY_TYPE_REAL] = RX_T_REAL,
		[WY_TYPE_ENUM] = RX_T_ENUM, [WY_TYPE_COUNTER] = RX_T_COUNTER};
	const struct wy_class *cls = scope->load->set->classes[scope->cls].model;
	char hint[120];

	e->name = own_name(scope, e);
	for (size_t i = 0; i < cls->n_points; i++) {
		if (strcmp(cls->points[i].name, e->name) != 0)
			continue;
		e->index = (uint32_t)i;
		e->point = &cls->points[i];
		e->unit = e->point->unit;
		return types[e->point->type];
	}
	const char *near = wy_nearest(e->name, cls->n_points, point_name, cls);
	rx_error(scope->load, "E301", scope->node, at_of(scope, e), "class '%s' has no point '%s'%s", cls->id,
		 e->name, rx_did_you_mean(near, hint, sizeof(hint)));
	return RX_T_NONE;
}

uint32_t rx_use_of(struct rx_scope *scope, const char *name, size_t len)
{
	struct rx_class *cls = &scope->load->set->classes[scope->cls];
	const struct rx_param *param = NULL;

	for (size_t i = 0; i < scope->package->n_params && !param; i++)
		if (strlen(scope->package->params[i].name) == len &&
		    memcmp(scope->package->params[i].name, name, len) == 0)
			param = &scope->package->params[i];
	if (!param)
		return RX_NO_USE;
	for (size_t i = 0; i < cls->n_uses; i++)
		if (cls->uses[i].param == param)
			return (uint32_t)i;
	if (cls->n_uses == WY_RULE_USES_MAX) {
		rx_error(scope->load, "E601", scope->node, 0, "class '%s': more than %u parameters in use",
			 cls->model->id, WY_RULE_USES_MAX);
		return RX_NO_USE;
	}
	cls->uses[cls->n_uses] = (struct rx_use){scope->package, param};
	return (uint32_t)cls->n_uses++;
}

static enum rx_type check_param(struct rx_scope *scope, struct rx_expr *e)
{
	char hint[120];

	e->name = own_name(scope, e);
	e->index = rx_use_of(scope, e->name, e->name_len);
	if (e->index == RX_NO_USE) {
		const char *near = wy_nearest(e->name, scope->package->n_params, param_name, scope->package);
		rx_error(scope->load, "E301", scope->node, at_of(scope, e), "package '%s' has no parameter '%s'%s",
			 scope->package->name, e->name, rx_did_you_mean(near, hint, sizeof(hint)));
		return RX_T_NONE;
	}
	const struct rx_param *param = scope->load->set->classes[scope->cls].uses[e->index].param;
	e->unit = param->unit;
	return param->type;
}

/* ---- Operators ---------------------------------------------------------------------------- */

static bool need_condition(struct rx_scope *scope, const struct rx_expr *e)
{
	char what[80];

	if (e->type == RX_T_NONE || e->type == RX_T_BOOL)
		return e->type == RX_T_BOOL;
	if (e->type == RX_T_EVENT)
		rx_error(scope->load, "E203", scope->node, at_of(scope, e),
			 "expected a condition, found an event: it lasts no time; use since() or count()");
	else
		rx_error(scope->load, "E201", scope->node, at_of(scope, e), "expected a condition, found %s",
			 describe(e, what, sizeof(what)));
	return false;
}

static bool check_children(struct rx_scope *scope, struct rx_expr *e)
{
	bool is_fine = true;

	for (struct rx_expr *c = e->child; c; c = c->next)
		is_fine = rx_check(scope, c) != RX_T_NONE && is_fine;
	return is_fine;
}

static enum rx_type check_logic(struct rx_scope *scope, struct rx_expr *e)
{
	bool is_fine = check_children(scope, e);

	for (struct rx_expr *c = e->child; c; c = c->next)
		is_fine = need_condition(scope, c) && is_fine;
	return is_fine ? RX_T_BOOL : RX_T_NONE;
}

static const char *value_name(const void *arg, size_t i)
{
	return ((const struct wy_point *)arg)->values[i];
}

static bool resolve_word(struct rx_scope *scope, struct rx_expr *word, const struct wy_point *point)
{
	char hint[120];

	if (word->op != RX_WORD)
		return true;
	word->name = own_name(scope, word);
	for (size_t i = 0; i < point->n_values; i++) {
		if (strcmp(point->values[i], word->name) != 0)
			continue;
		word->index = (uint32_t)i;
		word->whole = (int64_t)i;
		word->point = point;
		word->hash = hash_node(word);
		return true;
	}
	const char *near = wy_nearest(word->name, point->n_values, value_name, point);
	rx_error(scope->load, "E206", scope->node, at_of(scope, word), "point '%s' has no value %s%s", point->name,
		 word->name, rx_did_you_mean(near, hint, sizeof(hint)));
	return false;
}

static bool same_values(const struct wy_point *a, const struct wy_point *b)
{
	if (a->n_values != b->n_values)
		return false;
	for (size_t i = 0; i < a->n_values; i++)
		if (strcmp(a->values[i], b->values[i]) != 0)
			return false;
	return true;
}

static bool match_enums(struct rx_scope *scope, struct rx_expr *a, struct rx_expr *b)
{
	const struct wy_point *point = a->point ? a->point : b->point;

	if (!point) {
		rx_error(scope->load, "E206", scope->node, at_of(scope, a),
			 "two enum literals: one side must be a point of type enum");
		return false;
	}
	if (!resolve_word(scope, a, point) || !resolve_word(scope, b, point))
		return false;
	if (same_values(a->point, b->point))
		return true;
	rx_error(scope->load, "E206", scope->node, at_of(scope, b), "'%s' and '%s' have different sets of values",
		 a->point->name, b->point->name);
	return false;
}

/* Two sides that are compared: same kind, same unit. */
static bool match(struct rx_scope *scope, struct rx_expr **a, struct rx_expr **b)
{
	char left[80];
	char right[80];

	if ((*a)->type == RX_T_ENUM && (*b)->type == RX_T_ENUM)
		return match_enums(scope, *a, *b);
	if ((*a)->type == RX_T_BOOL && (*b)->type == RX_T_BOOL)
		return true;
	if ((*a)->type == RX_T_ENUM || (*b)->type == RX_T_ENUM || (*a)->type == RX_T_BOOL || (*b)->type == RX_T_BOOL) {
		bool is_enum = (*a)->type == RX_T_ENUM || (*b)->type == RX_T_ENUM;
		rx_error(scope->load, is_enum ? "E206" : "E201", scope->node, at_of(scope, *b),
			 "%s cannot be compared with %s", describe(*a, left, sizeof(left)),
			 describe(*b, right, sizeof(right)));
		return false;
	}
	if (!need_number(scope, *a) || !need_number(scope, *b) || !align(scope, a, b))
		return false;
	if (is_absolute(*a) == is_absolute(*b))
		return true;
	rx_error(scope->load, "E202", scope->node, at_of(scope, *b),
		 "a temperature in degC meets a difference in dK; differences are written in dK");
	return false;
}

static bool is_ordered(enum rx_cmp cmp)
{
	return cmp != RX_EQ && cmp != RX_NE;
}

/* count(e, w) > 100: a ring of timestamps would not reach. */
static void choose_count(struct rx_expr *call, const struct rx_expr *limit)
{
	if (call->op == RX_CALL && call->name_len == 5 && memcmp(call->name, "count", 5) == 0)
		call->is_counted_by_panes =
			!(limit && limit->op == RX_NUMBER && limit->real < (double)RX_RING_MOST);
}

static enum rx_type check_compare(struct rx_scope *scope, struct rx_expr *e)
{
	choose_count(e->child, e->child->next);
	choose_count(e->child->next, e->child);
	if (!check_children(scope, e) || !match(scope, &e->child, &e->child->next))
		return RX_T_NONE;
	const struct rx_expr *a = e->child;
	if (is_ordered((enum rx_cmp)e->cmp) && !is_number(a)) {
		rx_error(scope->load, "E201", scope->node, at_of(scope, e),
			 "only numbers can be smaller or larger; use == or != here");
		return RX_T_NONE;
	}
	bool is_real = is_number(a) && (a->type == RX_T_REAL || a->next->type == RX_T_REAL);
	if (!is_ordered((enum rx_cmp)e->cmp) && is_real)
		rx_warn(scope->load, "W205", scope->node, at_of(scope, e),
			"a measured number is hardly ever exactly equal; use < or > or a range");
	return RX_T_BOOL;
}

static enum rx_type check_in(struct rx_scope *scope, struct rx_expr *e)
{
	if (!check_children(scope, e))
		return RX_T_NONE;
	for (struct rx_expr **item = &e->child->next; *item; item = &(*item)->next) {
		/* The left side keeps its unit: it is shared by all items. */
		if (is_number(e->child) && is_number(*item)) {
			if (!wy_unit_is_alike(e->child->unit, (*item)->unit)) {
				complain_units(scope, e->child, *item);
				return RX_T_NONE;
			}
			if (is_absolute(e->child) == is_absolute(*item) && e->child->unit != (*item)->unit &&
			    !rescale(scope, item, e->child->unit))
				return RX_T_NONE;
		}
		struct rx_expr *left = e->child;
		if (!match(scope, &left, item))
			return RX_T_NONE;
	}
	if (e->op == RX_IN_RANGE && !is_number(e->child)) {
		rx_error(scope->load, "E201", scope->node, at_of(scope, e), "a range [low, high] needs numbers");
		return RX_T_NONE;
	}
	return RX_T_BOOL;
}

static enum rx_type number_type(const struct rx_expr *a, const struct rx_expr *b)
{
	return a->type == RX_T_INT && b->type == RX_T_INT ? RX_T_INT : RX_T_REAL;
}

static enum rx_type check_sum(struct rx_scope *scope, struct rx_expr *e)
{
	if (!check_children(scope, e) || !need_number(scope, e->child) || !need_number(scope, e->child->next) ||
	    !align(scope, &e->child, &e->child->next))
		return RX_T_NONE;
	const struct rx_expr *a = e->child;
	const struct rx_expr *b = a->next;
	e->unit = a->unit;
	if (is_absolute(a) || is_absolute(b)) {
		bool is_sum = e->op == RX_ADD;
		if ((is_sum && is_absolute(a) && is_absolute(b)) || (!is_sum && !is_absolute(a))) {
			rx_error(scope->load, "E202", scope->node, at_of(scope, b),
				 is_sum ? "two temperatures in degC cannot be added; a difference is in dK"
					: "a temperature in degC cannot be taken from a difference in dK");
			return RX_T_NONE;
		}
		bool is_difference = is_absolute(a) && is_absolute(b);
		e->unit = wy_unit_at(is_difference ? WY_UNIT_DK : WY_UNIT_DEGC);
	}
	return number_type(a, b);
}

/* The unit of a product or quotient: from the table where it has one of these dimensions with
 * this factor, else made for this expression. */
static bool derive_unit(struct rx_scope *scope, struct rx_expr *e)
{
	const struct wy_unit *a = e->child->unit;
	const struct wy_unit *b = e->child->next->unit;
	struct wy_unit made = {.factor = wy_unit_ratio(a, NULL)};
	bool is_bare = true;

	made.factor = e->op == RX_MUL ? made.factor * wy_unit_ratio(b, NULL) : made.factor / wy_unit_ratio(b, NULL);
	for (size_t i = 0; i < WY_DIMENSIONS; i++) {
		int left = a ? a->dim[i] : 0;
		int right = b ? b->dim[i] : 0;
		made.dim[i] = (int8_t)(e->op == RX_MUL ? left + right : left - right);
		is_bare = is_bare && !made.dim[i];
	}
	e->real = 1; /* factor of the result */
	e->unit = NULL;
	if (is_bare) {
		e->real = made.factor;
		return true;
	}
	if (!b || (e->op == RX_MUL && !a)) {
		e->unit = b ? b : a;
		return true;
	}
	for (size_t i = 0; i < WY_UNIT_COUNT; i++) {
		const struct wy_unit *unit = wy_unit_at(i);
		if (!wy_unit_is_alike(unit, &made) || unit->is_absolute)
			continue;
		e->unit = unit;
		e->real = made.factor / unit->factor;
		return true;
	}
	char name[60];
	struct wy_buf buf;
	wy_buf_init(&buf, name, sizeof(name));
	wy_buf_addf(&buf, "%s%s%s", a ? a->name : "1", e->op == RX_MUL ? "*" : "/", b->name);
	made.name = rx_load_text(scope->load, name, buf.len);
	struct wy_unit *unit = rx_load_alloc(scope->load, 1, sizeof(*unit));
	if (!unit || !made.name)
		return false;
	*unit = made;
	e->unit = unit;
	return true;
}

static enum rx_type check_product(struct rx_scope *scope, struct rx_expr *e)
{
	if (!check_children(scope, e) || !need_number(scope, e->child) || !need_number(scope, e->child->next))
		return RX_T_NONE;
	const struct rx_expr *a = e->child;
	if (is_absolute(a) || is_absolute(a->next)) {
		rx_error(scope->load, "E202", scope->node, at_of(scope, is_absolute(a) ? a : a->next),
			 "a temperature in degC cannot be multiplied or divided");
		return RX_T_NONE;
	}
	if (!derive_unit(scope, e))
		return RX_T_NONE;
	if (e->op == RX_MUL && e->real == 1)
		return number_type(a, a->next);
	return RX_T_REAL;
}

static enum rx_type check_neg(struct rx_scope *scope, struct rx_expr *e)
{
	if (!check_children(scope, e) || !need_number(scope, e->child))
		return RX_T_NONE;
	struct rx_expr *child = e->child;
	e->unit = child->unit;
	if (child->op == RX_NUMBER) {
		e->op = RX_NUMBER;
		e->is_whole = child->is_whole;
		e->real = -child->real;
		e->whole = -child->whole;
		e->child = NULL;
		return (enum rx_type)child->type;
	}
	if (is_absolute(child)) {
		rx_error(scope->load, "E202", scope->node, at_of(scope, e), "a temperature in degC has no negative");
		return RX_T_NONE;
	}
	return (enum rx_type)child->type;
}

/* ---- Calls -------------------------------------------------------------------------------- */

static const char *function_name(const void *arg, size_t i)
{
	(void)arg;
	return rx_function_at(i)->name;
}

static bool check_span(struct rx_scope *scope, struct rx_expr *e)
{
	bool is_constant = e->op == RX_NUMBER || e->op == RX_PARAM;
	const struct wy_unit *ms = wy_unit_at(WY_UNIT_MS);

	if (e->type == RX_T_NONE)
		return false;
	if (!is_constant || !is_number(e) || !e->unit || !wy_unit_is_alike(e->unit, ms)) {
		rx_error(scope->load, "E201", scope->node, at_of(scope, e),
			 "expected a length of time such as 15min or $parameter");
		return false;
	}
	if (e->op == RX_NUMBER) {
		e->real *= wy_unit_ratio(e->unit, ms);
		e->unit = ms;
		if (e->real < 1 || e->real > 400.0 * 86400000) {
			rx_error(scope->load, "E401", scope->node, at_of(scope, e),
				 "a window is 1ms to 400d long");
			return false;
		}
	}
	return true;
}

static bool check_calendar_name(struct rx_scope *scope, struct rx_expr *e)
{
	char hint[120];

	e->name = own_name(scope, e);
	e->type = RX_T_NAME;
	for (size_t i = 0; i < scope->package->n_calendars; i++) {
		if (strcmp(scope->package->calendars[i].name, e->name) != 0)
			continue;
		e->op = RX_NAMED;
		e->calendar = &scope->package->calendars[i];
		e->hash = hash_node(e);
		return true;
	}
	const char *near = wy_nearest(e->name, scope->package->n_calendars, calendar_name, scope->package);
	rx_error(scope->load, "E301", scope->node, at_of(scope, e), "package '%s' has no calendar '%s'%s",
		 scope->package->name, e->name, rx_did_you_mean(near, hint, sizeof(hint)));
	return false;
}

static const char *rule_id_at(const void *arg, size_t i)
{
	return ((const struct rule_set *)arg)->rules[i].info.id;
}

static bool check_rule_name(struct rx_scope *scope, struct rx_expr *e)
{
	struct rule_set *set = scope->load->set;
	char hint[120];

	e->name = own_name(scope, e);
	e->type = RX_T_NAME;
	if (!scope->rule || scope->is_in_memory) {
		rx_error(scope->load, "E109", scope->node, at_of(scope, e),
			 "alarm() inside another function is not in this version");
		return false;
	}
	for (size_t i = 0; i < set->n_rules; i++) {
		if (!set->rules[i].info.id || strcmp(set->rules[i].info.id, e->name) != 0)
			continue;
		e->op = RX_NAMED;
		e->index = (uint32_t)i;
		e->hash = hash_node(e);
		uint32_t *alarms = rx_load_alloc(scope->load, scope->rule->n_alarms + 1, sizeof(*alarms));
		if (!alarms)
			return false;
		if (scope->rule->n_alarms)
			memcpy(alarms, scope->rule->alarms, scope->rule->n_alarms * sizeof(*alarms));
		alarms[scope->rule->n_alarms++] = (uint32_t)i;
		scope->rule->alarms = alarms;
		return true;
	}
	const char *near = wy_nearest(e->name, set->n_rules, rule_id_at, set);
	rx_error(scope->load, "E301", scope->node, at_of(scope, e), "there is no rule '%s'%s", e->name,
		 rx_did_you_mean(near, hint, sizeof(hint)));
	return false;
}

static bool need_point(struct rx_scope *scope, const struct rx_expr *e, enum rx_arg kind)
{
	if (e->type == RX_T_NONE)
		return false;
	bool is_point = e->op == RX_POINT && e->point;
	if (is_point && kind == RX_ARG_COUNTER && e->type != RX_T_COUNTER)
		rx_error(scope->load, "E205", scope->node, at_of(scope, e), "expected a counter; '%s' is none", e->name);
	else if (is_point && kind == RX_ARG_VALUE_POINT && !is_number(e))
		return need_number(scope, e);
	else if (!is_point)
		rx_error(scope->load, "E201", scope->node, at_of(scope, e),
			 kind == RX_ARG_COUNTER ? "expected the name of a counter" : "expected the name of a point");
	else
		return true;
	return false;
}

static bool need_event(struct rx_scope *scope, const struct rx_expr *e)
{
	if (e->type == RX_T_EVENT || e->type == RX_T_NONE)
		return e->type == RX_T_EVENT;
	rx_error(scope->load, "E203", scope->node, at_of(scope, e),
		 "expected an event such as rise(...), fall(...), change(...) or pulse(...)");
	return false;
}

/* One flat switch over the kinds of arguments. */
static bool check_arg(struct rx_scope *scope, struct rx_expr *call, struct rx_expr **at, struct rx_expr *before)
{
	struct rx_expr *e = *at;
	unsigned i = 0;

	for (const struct rx_expr *c = call->child; c != e; c = c->next)
		i++;
	enum rx_arg kind = call->fn->arg[i];
	if (kind == RX_ARG_CALENDAR || kind == RX_ARG_RULE) {
		if (e->op != RX_POINT) {
			rx_error(scope->load, "E301", scope->node, at_of(scope, e), "expected the name of a %s",
				 kind == RX_ARG_RULE ? "rule" : "calendar");
			return false;
		}
		return kind == RX_ARG_RULE ? check_rule_name(scope, e) : check_calendar_name(scope, e);
	}
	if (rx_check(scope, e) == RX_T_NONE)
		return false;
	switch (kind) {
	case RX_ARG_BOOL:
		return need_condition(scope, e);
	case RX_ARG_EVENT:
		return need_event(scope, e);
	case RX_ARG_BOOL_OR_EVENT:
		return e->type == RX_T_EVENT || need_condition(scope, e);
	case RX_ARG_POINT:
	case RX_ARG_VALUE_POINT:
	case RX_ARG_COUNTER:
		return need_point(scope, e, kind);
	case RX_ARG_NUMBER:
		return need_number(scope, e);
	case RX_ARG_LIKE: {
		if (!need_number(scope, e))
			return false;
		if (!wy_unit_is_alike(before->unit, e->unit))
			return complain_units(scope, before, e);
		if (is_absolute(before) != is_absolute(e)) {
			rx_error(scope->load, "E202", scope->node, at_of(scope, e), "degC and dK do not mix");
			return false;
		}
		return before->unit == e->unit || rescale(scope, at, before->unit);
	}
	case RX_ARG_SPAN:
		return check_span(scope, e);
	case RX_ARG_ANY:
		if (e->type != RX_T_EVENT)
			return true;
		rx_error(scope->load, "E203", scope->node, at_of(scope, e), "an event is never unknown");
		return false;
	case RX_ARG_NONE:
	case RX_ARG_CALENDAR:
	case RX_ARG_RULE:
		break;
	}
	return false;
}

static bool is_arg_name(const struct rx_function *fn, unsigned wanted, const char *name, size_t len)
{
	const char *at = fn->arg_names;

	for (unsigned i = 0; i < wanted; i++)
		at = strchr(at, ' ') + 1;
	return strncmp(at, name, len) == 0 && (at[len] == ' ' || !at[len]);
}

static bool check_args(struct rx_scope *scope, struct rx_expr *call)
{
	const struct rx_function *fn = call->fn;
	unsigned wanted = 0;
	unsigned given = 0;

	while (wanted < 3 && fn->arg[wanted] != RX_ARG_NONE)
		wanted++;
	for (const struct rx_expr *c = call->child; c; c = c->next)
		given++;
	if (given != wanted) {
		rx_error(scope->load, "E104", scope->node, at_of(scope, call),
			 "%s(%s) takes %u argument%s, found %u", fn->name, fn->arg_names, wanted,
			 wanted == 1 ? "" : "s", given);
		return false;
	}
	bool is_fine = true;
	struct rx_expr *before = NULL;
	unsigned i = 0;
	for (struct rx_expr **at = &call->child; *at; at = &(*at)->next, i++) {
		const struct rx_expr *e = *at;
		if (e->arg_name && !is_arg_name(fn, i, e->arg_name, e->arg_name_len)) {
			rx_error(scope->load, "E104", scope->node, (size_t)(at_of(scope, e)),
				 "%s(%s) has no argument '%.*s' here", fn->name, fn->arg_names,
				 (int)e->arg_name_len, e->arg_name);
			is_fine = false;
		}
		is_fine = check_arg(scope, call, at, before) && is_fine;
		if (!is_fine)
			return false;
		before = *at;
	}
	return is_fine;
}

/* Memory of a stateful call: the one of an equal call, or a new one. */
static bool find_memory(struct rx_scope *scope, struct rx_expr *call)
{
	struct rx_class *cls = &scope->load->set->classes[scope->cls];

	for (size_t i = 0; i < cls->n_memories; i++) {
		if (cls->memories[i].hash != call->hash)
			continue;
		call->index = (uint32_t)i;
		return true;
	}
	if (cls->n_memories == WY_RULE_MEMORIES_MAX) {
		rx_error(scope->load, "E601", scope->node, at_of(scope, call),
			 "class '%s': more than %u different stateful functions", cls->model->id,
			 WY_RULE_MEMORIES_MAX);
		return false;
	}
	call->index = (uint32_t)cls->n_memories;
	cls->memories[cls->n_memories++] = (struct rx_memory){
		.call = call, .hash = call->hash, .offset = cls->state_bytes,
	};
	cls->state_bytes += (call->fn->memory_bytes + 15) / 16 * 16;
	return true;
}

static bool find_function(struct rx_scope *scope, struct rx_expr *e)
{
	char hint[120];

	e->fn = rx_function_find(e->name, e->name_len);
	e->name = own_name(scope, e);
	if (!e->fn) {
		const char *near = wy_nearest(e->name, rx_function_count(), function_name, NULL);
		rx_error(scope->load, "E301", scope->node, at_of(scope, e), "there is no function '%s'%s", e->name,
			 rx_did_you_mean(near, hint, sizeof(hint)));
		return false;
	}
	if (e->fn->is_later) {
		rx_error(scope->load, "E109", scope->node, at_of(scope, e),
			 "the function '%s' is not in this version", e->name);
		return false;
	}
	return true;
}

static enum rx_type check_call(struct rx_scope *scope, struct rx_expr *e)
{
	static const enum rx_type types[] = {
		[RX_RESULT_BOOL] = RX_T_BOOL, [RX_RESULT_EVENT] = RX_T_EVENT, [RX_RESULT_INT] = RX_T_INT,
		[RX_RESULT_TIME] = RX_T_REAL};

	if (!find_function(scope, e))
		return RX_T_NONE;
	bool was_in_memory = scope->is_in_memory;
	scope->is_in_memory = was_in_memory || e->fn->memory_bytes;
	bool is_fine = check_args(scope, e);
	scope->is_in_memory = was_in_memory;
	if (!is_fine)
		return RX_T_NONE;
	const struct rx_expr *like = e->child;
	if (e->fn->result == RX_RESULT_SECOND)
		like = e->child->next;
	enum rx_type type;
	if (e->fn->result == RX_RESULT_FIRST || e->fn->result == RX_RESULT_SECOND) {
		type = (enum rx_type)like->type;
		e->unit = like->unit;
		e->point = type == RX_T_ENUM ? like->point : NULL;
		if (like->op == RX_POINT && type == RX_T_COUNTER)
			return need_number(scope, like) ? type : RX_T_NONE;
	} else {
		type = types[e->fn->result];
		if (e->fn->result == RX_RESULT_TIME)
			e->unit = wy_unit_at(WY_UNIT_MS);
	}
	e->type = (uint8_t)type;
	e->hash = hash_node(e);
	if (e->fn->memory_bytes && !find_memory(scope, e))
		return RX_T_NONE;
	return type;
}

enum rx_type rx_check(struct rx_scope *scope, struct rx_expr *e)
{
	static const check_fn table[] = {
		[RX_TRUTH] = check_truth,     [RX_NUMBER] = check_number,  [RX_WORD] = check_word,
		[RX_PARAM] = check_param,     [RX_POINT] = check_point,    [RX_CALL] = check_call,
		[RX_NOT] = check_logic,       [RX_AND] = check_logic,      [RX_OR] = check_logic,
		[RX_COMPARE] = check_compare, [RX_IN_SET] = check_in,      [RX_IN_RANGE] = check_in,
		[RX_ADD] = check_sum,         [RX_SUB] = check_sum,        [RX_MUL] = check_product,
		[RX_DIV] = check_product,     [RX_NEG] = check_neg,
	};

	e->type = (uint8_t)table[e->op](scope, e);
	e->hash = hash_node(e);
	return (enum rx_type)e->type;
}

bool rx_check_condition(struct rx_scope *scope, struct rx_cond *cond)
{
	enum wy_err err = WY_OK;

	cond->root = rx_parse(scope->node, scope->offset, cond->text, strlen(cond->text), scope->load->arena,
			      scope->load->diags, &err);
	if (err == WY_E_NOMEM)
		scope->load->err = err;
	if (!cond->root || rx_check(scope, cond->root) == RX_T_NONE)
		return false;
	return need_condition(scope, cond->root);
}
