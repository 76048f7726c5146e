/* operators.c: see operators.h. */
#include "operators.h"

#include <string.h>

#include "kinds.h"
#include "names.h"

enum rx_type rx_check_logic(struct rx_scope *scope, struct rx_expr *e)
{
	bool is_fine = true;

	for (struct rx_expr *c = e->child; c; c = c->next)
		is_fine = rx_need_condition(scope, c) && is_fine;
	return is_fine ? RX_T_BOOL : RX_T_NONE;
}

/* ---- Comparisons -------------------------------------------------------------------------- */

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
		rx_error(scope->load, "E206", scope->node, rx_at(scope, a),
			 "two enum literals: one side must be a point of type enum");
		return false;
	}
	if (!rx_resolve_word(scope, a, point) || !rx_resolve_word(scope, b, point))
		return false;
	if (same_values(a->point, b->point))
		return true;
	rx_error(scope->load, "E206", scope->node, rx_at(scope, b), "'%s' and '%s' have different sets of values",
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
		rx_error(scope->load, is_enum ? "E206" : "E201", scope->node, rx_at(scope, *b),
			 is_enum ? "%s cannot be compared with %s"
				 : "%s cannot be compared with %s; a condition stands by itself: write 'x' or 'not x'",
			 rx_describe_kind(*a, left, sizeof(left)), rx_describe_kind(*b, right, sizeof(right)));
		return false;
	}
	if (!rx_need_number(scope, *a) || !rx_need_number(scope, *b) || !rx_align(scope, a, b))
		return false;
	if (rx_is_absolute(*a) == rx_is_absolute(*b))
		return true;
	rx_error(scope->load, "E202", scope->node, rx_at(scope, *b),
		 "a temperature in degC meets a difference in dK; differences are written in dK");
	return false;
}

static bool is_ordered(enum rx_cmp cmp)
{
	return cmp != RX_EQ && cmp != RX_NE;
}

enum rx_type rx_check_compare(struct rx_scope *scope, struct rx_expr *e)
{
	if (!match(scope, &e->child, &e->child->next))
		return RX_T_NONE;
	const struct rx_expr *a = e->child;
	if (is_ordered((enum rx_cmp)e->cmp) && !rx_is_number(a)) {
		rx_error(scope->load, "E201", scope->node, rx_at(scope, e),
			 "only numbers can be smaller or larger; use == or != here");
		return RX_T_NONE;
	}
	bool is_real = rx_is_number(a) && (a->type == RX_T_REAL || a->next->type == RX_T_REAL);
	if (!is_ordered((enum rx_cmp)e->cmp) && is_real)
		rx_warn(scope->load, "W205", scope->node, rx_at(scope, e),
			"a measured number is hardly ever exactly equal; use < or > or a range");
	return RX_T_BOOL;
}

enum rx_type rx_check_in(struct rx_scope *scope, struct rx_expr *e)
{
	for (struct rx_expr **item = &e->child->next; *item; item = &(*item)->next) {
		/* The left side keeps its unit: it is shared by all items. */
		if (rx_is_number(e->child) && rx_is_number(*item)) {
			if (!wy_unit_is_alike(e->child->unit, (*item)->unit)) {
				rx_complain_units(scope, e->child, *item);
				return RX_T_NONE;
			}
			if (rx_is_absolute(e->child) == rx_is_absolute(*item) && e->child->unit != (*item)->unit &&
			    !rx_rescale(scope, item, e->child->unit))
				return RX_T_NONE;
		}
		struct rx_expr *left = e->child;
		if (!match(scope, &left, item))
			return RX_T_NONE;
	}
	if (e->op == RX_IN_RANGE && !rx_is_number(e->child)) {
		rx_error(scope->load, "E201", scope->node, rx_at(scope, e), "a range [low, high] needs numbers");
		return RX_T_NONE;
	}
	const struct rx_expr *low = e->child->next;
	if (e->op == RX_IN_RANGE && low->op == RX_NUMBER && low->next->op == RX_NUMBER && low->real > low->next->real) {
		rx_error(scope->load, "E303", scope->node, rx_at(scope, low),
			 "this is never true: the range begins above its end; write [low, high]");
		return RX_T_NONE;
	}
	return RX_T_BOOL;
}

/* ---- Arithmetic --------------------------------------------------------------------------- */

static enum rx_type number_type(const struct rx_expr *a, const struct rx_expr *b)
{
	return a->type == RX_T_INT && b->type == RX_T_INT ? RX_T_INT : RX_T_REAL;
}

enum rx_type rx_check_sum(struct rx_scope *scope, struct rx_expr *e)
{
	if (!rx_need_number(scope, e->child) || !rx_need_number(scope, e->child->next) ||
	    !rx_align(scope, &e->child, &e->child->next))
		return RX_T_NONE;
	const struct rx_expr *a = e->child;
	const struct rx_expr *b = a->next;
	e->unit = a->unit;
	if (rx_is_absolute(a) || rx_is_absolute(b)) {
		bool is_sum = e->op == RX_ADD;
		if ((is_sum && rx_is_absolute(a) && rx_is_absolute(b)) || (!is_sum && !rx_is_absolute(a))) {
			rx_error(scope->load, "E202", scope->node, rx_at(scope, b),
				 is_sum ? "two temperatures in degC cannot be added; a difference is in dK"
					: "a temperature in degC cannot be taken from a difference in dK");
			return RX_T_NONE;
		}
		bool is_difference = rx_is_absolute(a) && rx_is_absolute(b);
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

enum rx_type rx_check_product(struct rx_scope *scope, struct rx_expr *e)
{
	if (!rx_need_number(scope, e->child) || !rx_need_number(scope, e->child->next))
		return RX_T_NONE;
	const struct rx_expr *a = e->child;
	if (rx_is_absolute(a) || rx_is_absolute(a->next)) {
		rx_error(scope->load, "E202", scope->node, rx_at(scope, rx_is_absolute(a) ? a : a->next),
			 "a temperature in degC cannot be multiplied or divided");
		return RX_T_NONE;
	}
	if (!derive_unit(scope, e))
		return RX_T_NONE;
	if (e->op == RX_MUL && e->real == 1)
		return number_type(a, a->next);
	return RX_T_REAL;
}

enum rx_type rx_check_neg(struct rx_scope *scope, struct rx_expr *e)
{
	if (!rx_need_number(scope, e->child))
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
	if (rx_is_absolute(child)) {
		rx_error(scope->load, "E202", scope->node, rx_at(scope, e), "a temperature in degC has no negative");
		return RX_T_NONE;
	}
	return (enum rx_type)child->type;
}
