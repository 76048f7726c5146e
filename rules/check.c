/* check.c: gives every node of a tree its type, unit and address; see struct rx_scope in context.h.
 *
 * Numbers meet only in equal dimensions. The literal side is rescaled at load; where none is a
 * literal a RX_SCALE node does it. Stateful calls of a class are shared by the hash of their
 * meaning. After a mistake a node has type RX_T_NONE and its parents stay silent. */
#include "check.h"

#include <string.h>

#include "ask_others.h"
#include "calls.h"
#include "kinds.h"
#include "names.h"
#include "operators.h"
#include "parse.h"

typedef enum rx_type (*check_fn)(struct rx_scope *scope, struct rx_expr *e);

static enum rx_type check_truth(struct rx_scope *scope, struct rx_expr *e)
{
	(void)scope;
	(void)e;
	return RX_T_BOOL;
}

static enum rx_type check_number(struct rx_scope *scope, struct rx_expr *e)
{
	const struct wy_unit *ms = wy_unit_at(WY_UNIT_MS);

	/* No clock of the engine reaches further. */
	if (e->unit && wy_unit_is_alike(e->unit, ms) && e->real * wy_unit_ratio(e->unit, ms) > (double)WY_RULE_SPAN_MAX_MS) {
		rx_error(scope->load, "E401", scope->node, rx_at(scope, e), "a length of time is at most 400d");
		return RX_T_NONE;
	}
	return e->is_whole ? RX_T_INT : RX_T_REAL;
}

static enum rx_type check_word(struct rx_scope *scope, struct rx_expr *e)
{
	(void)scope;
	(void)e;
	return RX_T_ENUM; /* of which point, the other side says */
}

static bool check_arguments(struct rx_scope *scope, struct rx_expr *call)
{
	const struct rx_expr *before = NULL;
	unsigned index = 0;

	for (struct rx_expr **at = &call->child; *at; at = &(*at)->next, index++) {
		if (!rx_call_takes_name(call, index) && rx_check(scope, *at) == RX_T_NONE)
			return false;
		if (!rx_call_argument(scope, call, index, at, before))
			return false;
		bool is_class = index == 0 && call->fn->arg[0].kind == RX_ARG_CLASS;
		scope->cls = is_class ? (*at)->index : scope->cls;
		before = *at;
	}
	return true;
}

/* What is asked of others stands in a scope of its own, of their class. */
static bool check_all_arguments(struct rx_scope *scope, struct rx_expr *call)
{
	struct rx_scope inner = *scope;

	inner.is_alone = scope->is_alone || call->fn->is_of_others;
	inner.is_in_memory = scope->is_in_memory || (rx_remembers(call->fn) && call->fn->arg[0].kind != RX_ARG_RULE);
	bool is_fine = check_arguments(&inner, call);
	scope->n_parts = inner.n_parts;
	return is_fine;
}

static enum rx_type check_call(struct rx_scope *scope, struct rx_expr *e)
{
	if (!rx_call_begin(scope, e))
		return RX_T_NONE;
	if (scope->is_alone && !rx_may_be_asked(scope, e))
		return RX_T_NONE;
	return check_all_arguments(scope, e) ? rx_call_result(scope, e) : RX_T_NONE;
}

/* All children, so that each mistake of an expression is said. */
static bool check_children(struct rx_scope *scope, struct rx_expr *e)
{
	bool is_fine = true;

	for (struct rx_expr *c = e->child; c; c = c->next)
		is_fine = rx_check(scope, c) != RX_T_NONE && is_fine;
	return is_fine;
}

static enum rx_type check_operator(struct rx_scope *scope, struct rx_expr *e, check_fn check)
{
	bool is_logic = e->op == RX_NOT || e->op == RX_AND || e->op == RX_OR;

	bool is_fine = check_children(scope, e);
	return is_fine || is_logic ? check(scope, e) : RX_T_NONE;
}

enum rx_type rx_check(struct rx_scope *scope, struct rx_expr *e)
{
	static const check_fn leaves[] = {
		[RX_TRUTH] = check_truth,    [RX_NUMBER] = check_number,  [RX_WORD] = check_word,
		[RX_PARAM] = rx_check_param, [RX_POINT] = rx_check_point, [RX_CALL] = check_call,
		[RX_SCALE] = NULL,
	};
	static const check_fn operators[] = {
		[RX_NOT] = rx_check_logic,       [RX_AND] = rx_check_logic,   [RX_OR] = rx_check_logic,
		[RX_COMPARE] = rx_check_compare, [RX_IN_SET] = rx_check_in,   [RX_IN_RANGE] = rx_check_in,
		[RX_ADD] = rx_check_sum,         [RX_SUB] = rx_check_sum,     [RX_MUL] = rx_check_product,
		[RX_DIV] = rx_check_product,     [RX_NEG] = rx_check_neg,     [RX_SCALE] = NULL,
	};

	enum rx_type type = leaves[e->op] ? leaves[e->op](scope, e) : check_operator(scope, e, operators[e->op]);
	if (type != RX_T_NONE && !rx_carry_sampling(scope, e))
		type = RX_T_NONE;
	e->type = (uint8_t)type;
	e->hash = rx_hash_node(e);
	return type;
}

static bool check_root(struct rx_scope *scope, struct rx_cond *cond)
{
	enum wy_err err = WY_OK;

	scope->n_parts = 0;
	cond->root = rx_parse(scope->node, scope->offset, cond->text, strlen(cond->text), scope->load->arena,
			      scope->load->diags, &err);
	if (err == WY_E_NOMEM)
		scope->load->err = err;
	return cond->root && rx_check(scope, cond->root) != RX_T_NONE;
}

bool rx_check_condition(struct rx_scope *scope, struct rx_cond *cond)
{
	return check_root(scope, cond) && rx_need_condition(scope, cond->root);
}

bool rx_check_happening(struct rx_scope *scope, struct rx_cond *cond)
{
	if (!check_root(scope, cond))
		return false;
	if (cond->root->type == RX_T_EVENT)
		return true;
	rx_error(scope->load, "E203", scope->node, rx_at(scope, cond->root),
		 "expected an event such as rise(...), fall(...), change(...) or pulse(...), found a state: when does it begin?");
	return false;
}
