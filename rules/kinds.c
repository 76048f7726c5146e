/* kinds.c: see kinds.h. */
#include "kinds.h"

#include <string.h>

size_t rx_at(const struct rx_scope *scope, const struct rx_expr *e)
{
	return scope->offset + e->at;
}

const char *rx_describe_kind(const struct rx_expr *e, char *out, size_t size)
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

bool rx_is_number(const struct rx_expr *e)
{
	return e->type == RX_T_INT || e->type == RX_T_REAL;
}

static bool is_ratio(const struct wy_unit *unit)
{
	return unit && unit->dim[WY_DIMENSIONS - 1] == 1;
}

bool rx_is_absolute(const struct rx_expr *e)
{
	return e->unit && e->unit->is_absolute;
}

uint64_t rx_hash_node(const struct rx_expr *e)
{
	uint64_t hash = rx_hash(RX_HASH_START, &e->op, 1);

	hash = rx_hash(hash, &e->cmp, 1);
	hash = rx_hash(hash, &e->type, 1);
	hash = rx_hash(hash, &e->truth, sizeof(e->truth));
	hash = rx_hash(hash, &e->real, sizeof(e->real));
	hash = rx_hash(hash, &e->whole, sizeof(e->whole));
	if (e->name && e->op != RX_NUMBER)
		hash = rx_hash(hash, e->name, e->name_len);
	hash = rx_hash_text(hash, e->unit ? e->unit->name : "");
	/* Packages may call different numbers alike. */
	if (e->package)
		hash = rx_hash_text(hash, e->package);
	if (e->op == RX_POINT && e->point) {
		hash = rx_hash(hash, &e->point->modulus, sizeof(e->point->modulus));
		hash = rx_hash(hash, &e->point->max_step, sizeof(e->point->max_step));
	}
	if (e->calendar) {
		hash = rx_hash(hash, &e->calendar->hours.from_s, sizeof(e->calendar->hours.from_s));
		hash = rx_hash(hash, &e->calendar->hours.to_s, sizeof(e->calendar->hours.to_s));
		hash = rx_hash(hash, &e->calendar->hours.days, sizeof(e->calendar->hours.days));
	}
	for (const struct rx_expr *c = e->child; c; c = c->next)
		hash = rx_hash(hash, &c->hash, sizeof(c->hash));
	return hash;
}

/* ---- Units -------------------------------------------------------------------------------- */

bool rx_rescale(struct rx_scope *scope, struct rx_expr **at, const struct wy_unit *unit)
{
	struct rx_expr *e = *at;
	double ratio = wy_unit_ratio(e->unit, unit);

	/* degC and dK have one scale, and must stay apart for the check of absolutes. */
	if (e->unit && unit && e->unit->is_absolute != unit->is_absolute)
		return true;
	if (e->op == RX_NUMBER) {
		e->real *= ratio;
		e->unit = unit;
		e->hash = rx_hash_node(e);
		return true;
	}
	if (ratio == 1)
		return true;
	struct rx_expr *scale = rx_load_alloc(scope->load, 1, sizeof(*scale));
	if (!scale)
		return false;
	*scale = (struct rx_expr){.op = RX_SCALE, .type = RX_T_REAL, .at = e->at, .end = e->end, .child = e,
				  .next = e->next, .real = ratio, .unit = unit, .sampling = e->sampling, .arg_name = e->arg_name,
				  .arg_name_len = e->arg_name_len};
	e->next = NULL;
	*at = scale;
	scale->hash = rx_hash_node(scale);
	return true;
}

/* 5m is five metres. */
static bool is_minute_and_metre(const struct rx_expr *a, const struct rx_expr *b)
{
	const struct wy_unit *ms = wy_unit_at(WY_UNIT_MS);
	const struct rx_expr *other = wy_unit_is_alike(a->unit, ms) ? b : a;

	return wy_unit_is_alike(a->unit, ms) != wy_unit_is_alike(b->unit, ms) && other->op == RX_NUMBER &&
	       strcmp(other->unit->name, "m") == 0;
}

bool rx_complain_units(struct rx_scope *scope, const struct rx_expr *a, const struct rx_expr *b)
{
	char left[80];
	char right[80];
	const struct wy_unit *unit = a->unit ? a->unit : b->unit;
	bool is_bare = !a->unit || !b->unit;

	rx_describe_kind(a, left, sizeof(left));
	rx_describe_kind(b, right, sizeof(right));
	if (is_bare && is_ratio(unit))
		rx_error(scope->load, "E204", scope->node, rx_at(scope, b),
			 "%s meets %s; write the number with its unit, such as '5 %%'", left, right);
	else if (is_bare && unit)
		rx_error(scope->load, "E201", scope->node, rx_at(scope, b),
			 "%s meets %s; write the number with a unit, such as '5 %s'", left, right, unit->name);
	else
		rx_error(scope->load, "E201", scope->node, rx_at(scope, b), "%s meets %s: units do not fit%s", left,
			 right, is_minute_and_metre(a, b) ? "; minutes are written 'min'" : "");
	return false;
}

/* Bring *b to the unit of *a, or a literal *a to that of *b. Both are numbers of one dimension. */
bool rx_align(struct rx_scope *scope, struct rx_expr **a, struct rx_expr **b)
{
	if (!wy_unit_is_alike((*a)->unit, (*b)->unit))
		return rx_complain_units(scope, *a, *b);
	if ((*a)->unit == (*b)->unit)
		return true;
	/* Time is compared in ms, the unit of all spans. */
	bool is_a_moved = (*a)->op == RX_NUMBER || ((*b)->unit == wy_unit_at(WY_UNIT_MS) && (*b)->op != RX_NUMBER);
	if (is_a_moved)
		return rx_rescale(scope, a, (*b)->unit);
	return rx_rescale(scope, b, (*a)->unit);
}

/* ---- What is asked for -------------------------------------------------------------------- */

bool rx_need_number(struct rx_scope *scope, const struct rx_expr *e)
{
	char what[80];

	if (e->type == RX_T_NONE)
		return false;
	if (rx_is_number(e))
		return true;
	if (e->type == RX_T_COUNTER)
		rx_error(scope->load, "E205", scope->node, rx_at(scope, e),
			 "'%.*s' is a counter: its value alone means nothing; use increase(%.*s, 1h) or pulse()",
			 (int)e->name_len, e->name, (int)e->name_len, e->name);
	else if (e->type == RX_T_EVENT)
		rx_error(scope->load, "E203", scope->node, rx_at(scope, e),
			 "expected a number, found an event; use count() or since()");
	else
		rx_error(scope->load, "E201", scope->node, rx_at(scope, e), "expected a number, found %s",
			 rx_describe_kind(e, what, sizeof(what)));
	return false;
}

bool rx_need_condition(struct rx_scope *scope, const struct rx_expr *e)
{
	char what[80];

	if (e->type == RX_T_NONE || e->type == RX_T_BOOL)
		return e->type == RX_T_BOOL;
	if (e->type == RX_T_EVENT)
		rx_error(scope->load, "E203", scope->node, rx_at(scope, e),
			 "expected a condition, found an event: it lasts no time; use since() or count()");
	else
		rx_error(scope->load, "E201", scope->node, rx_at(scope, e), "expected a condition, found %s",
			 rx_describe_kind(e, what, sizeof(what)));
	return false;
}
