/* calls.c: see calls.h. */
#include "calls.h"

#include <string.h>

#include "kinds.h"
#include "names.h"

static const char *function_name(const void *arg, size_t i)
{
	(void)arg;
	return rx_function_at(i)->name;
}

static bool find_function(struct rx_scope *scope, struct rx_expr *e)
{
	char hint[RX_HINT_SIZE];

	e->fn = rx_function_find(e->name, e->name_len);
	e->name = rx_own_name(scope, e);
	if (!e->fn) {
		rx_error(scope->load, "E301", scope->node, rx_at(scope, e), "there is no function '%s'%s", e->name,
			 rx_did_you_mean(scope->load, e->name, rx_function_count(), function_name, NULL, hint));
		return false;
	}
	if (e->fn->is_later) {
		rx_error(scope->load, "E109", scope->node, rx_at(scope, e),
			 "the function '%s' is not in this version", e->name);
		return false;
	}
	return true;
}

static bool is_arg_name(const struct rx_function *fn, unsigned wanted, const char *name, size_t len)
{
	const char *at = fn->arg_names;

	for (unsigned i = 0; i < wanted; i++)
		at = strchr(at, ' ') + 1;
	return strncmp(at, name, len) == 0 && (at[len] == ' ' || !at[len]);
}

/* "count(e, w)" */
static const char *form_of(const struct rx_function *fn, char *out, size_t size)
{
	struct wy_buf buf;

	wy_buf_init(&buf, out, size);
	wy_buf_addf(&buf, "%s(", fn->name);
	for (const char *at = fn->arg_names; *at; at++)
		wy_buf_addn(&buf, *at == ' ' ? ", " : at, *at == ' ' ? 2 : 1);
	wy_buf_add(&buf, ")");
	return out;
}

bool rx_call_begin(struct rx_scope *scope, struct rx_expr *call)
{
	unsigned wanted = 0;
	unsigned given = 0;

	if (!find_function(scope, call))
		return false;
	const struct rx_function *fn = call->fn;
	while (wanted < 3 && fn->arg[wanted] != RX_ARG_NONE)
		wanted++;
	for (const struct rx_expr *c = call->child; c; c = c->next)
		given++;
	if (given == wanted)
		return true;
	char form[60];
	rx_error(scope->load, "E104", scope->node, rx_at(scope, call), "%s takes %u argument%s, found %u",
		 form_of(fn, form, sizeof(form)), wanted, wanted == 1 ? "" : "s", given);
	return false;
}

bool rx_call_takes_name(const struct rx_expr *call, unsigned index)
{
	return call->fn->arg[index] == RX_ARG_CALENDAR || call->fn->arg[index] == RX_ARG_RULE;
}

/* ---- Arguments ---------------------------------------------------------------------------- */

static bool check_span(struct rx_scope *scope, struct rx_expr *e)
{
	bool is_constant = e->op == RX_NUMBER || e->op == RX_PARAM;
	const struct wy_unit *ms = wy_unit_at(WY_UNIT_MS);

	if (e->type == RX_T_NONE)
		return false;
	if (!is_constant || !rx_is_number(e) || !e->unit || !wy_unit_is_alike(e->unit, ms)) {
		rx_error(scope->load, "E201", scope->node, rx_at(scope, e),
			 "expected a length of time such as 15min or $parameter");
		return false;
	}
	if (e->op == RX_NUMBER) {
		e->real *= wy_unit_ratio(e->unit, ms);
		e->unit = ms;
		if (e->real < 1 || e->real > (double)WY_RULE_SPAN_MAX_MS) {
			rx_error(scope->load, "E401", scope->node, rx_at(scope, e),
				 "a window is 1ms to 400d long");
			return false;
		}
	}
	return true;
}

static bool need_point(struct rx_scope *scope, const struct rx_expr *e, enum rx_arg kind)
{
	if (e->type == RX_T_NONE)
		return false;
	bool is_point = e->op == RX_POINT && e->point;
	if (is_point && kind == RX_ARG_COUNTER && e->type != RX_T_COUNTER)
		rx_error(scope->load, "E205", scope->node, rx_at(scope, e), "expected a counter; '%s' is none", e->name);
	else if (is_point && kind == RX_ARG_VALUE_POINT && !rx_is_number(e))
		return rx_need_number(scope, e);
	else if (!is_point)
		rx_error(scope->load, "E201", scope->node, rx_at(scope, e),
			 kind == RX_ARG_COUNTER ? "expected the name of a counter" : "expected the name of a point, not an expression");
	else
		return true;
	return false;
}

static bool need_event(struct rx_scope *scope, const struct rx_expr *e)
{
	if (e->type == RX_T_EVENT || e->type == RX_T_NONE)
		return e->type == RX_T_EVENT;
	rx_error(scope->load, "E203", scope->node, rx_at(scope, e),
		 "expected an event such as rise(...), fall(...), change(...) or pulse(...)");
	return false;
}

static bool check_name(struct rx_scope *scope, enum rx_arg kind, struct rx_expr *e)
{
	if (e->op == RX_POINT)
		return kind == RX_ARG_RULE ? rx_check_rule_name(scope, e) : rx_check_calendar_name(scope, e);
	rx_error(scope->load, "E301", scope->node, rx_at(scope, e), "expected the name of a %s",
		 kind == RX_ARG_RULE ? "rule" : "calendar");
	return false;
}

/* One flat switch over the kinds of arguments. */
static bool check_arg(struct rx_scope *scope, enum rx_arg kind, struct rx_expr **at, const struct rx_expr *before)
{
	struct rx_expr *e = *at;

	switch (kind) {
	case RX_ARG_BOOL:
		return rx_need_condition(scope, e);
	case RX_ARG_EVENT:
		return need_event(scope, e);
	case RX_ARG_BOOL_OR_EVENT:
		return e->type == RX_T_EVENT || rx_need_condition(scope, e);
	case RX_ARG_POINT:
	case RX_ARG_VALUE_POINT:
	case RX_ARG_COUNTER:
		return need_point(scope, e, kind);
	case RX_ARG_NUMBER:
		return rx_need_number(scope, e);
	case RX_ARG_LIKE: {
		if (!rx_need_number(scope, e))
			return false;
		if (!wy_unit_is_alike(before->unit, e->unit))
			return rx_complain_units(scope, before, e);
		if (rx_is_absolute(before) != rx_is_absolute(e)) {
			rx_error(scope->load, "E202", scope->node, rx_at(scope, e), "degC and dK do not mix");
			return false;
		}
		return before->unit == e->unit || rx_rescale(scope, at, before->unit);
	}
	case RX_ARG_SPAN:
		return check_span(scope, e);
	case RX_ARG_ANY:
		if (e->type != RX_T_EVENT)
			return true;
		rx_error(scope->load, "E203", scope->node, rx_at(scope, e), "an event is never unknown; ask known() of a point or a condition");
		return false;
	case RX_ARG_CALENDAR:
	case RX_ARG_RULE:
		return check_name(scope, kind, e);
	case RX_ARG_NONE:
		break;
	}
	return false;
}

bool rx_call_argument(struct rx_scope *scope, struct rx_expr *call, unsigned index, struct rx_expr **at,
		      const struct rx_expr *before)
{
	const struct rx_function *fn = call->fn;
	const struct rx_expr *e = *at;

	if (e->arg_name && !is_arg_name(fn, index, e->arg_name, e->arg_name_len)) {
		char form[60];
		rx_error(scope->load, "E104", scope->node, rx_at(scope, e), "%s has no argument '%.*s' here",
			 form_of(fn, form, sizeof(form)), (int)e->arg_name_len, e->arg_name);
		return false;
	}
	return check_arg(scope, fn->arg[index], at, before);
}

/* ---- Results ------------------------------------------------------------------------------ */

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
		rx_error(scope->load, "E601", scope->node, rx_at(scope, call),
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

enum rx_type rx_call_result(struct rx_scope *scope, struct rx_expr *e)
{
	static const enum rx_type types[] = {
		[RX_RESULT_BOOL] = RX_T_BOOL, [RX_RESULT_EVENT] = RX_T_EVENT, [RX_RESULT_INT] = RX_T_INT,
		[RX_RESULT_TIME] = RX_T_REAL};

	const struct rx_expr *like = e->fn->result == RX_RESULT_SECOND ? e->child->next : e->child;
	enum rx_type type;
	if (e->fn->result == RX_RESULT_FIRST || e->fn->result == RX_RESULT_SECOND) {
		type = (enum rx_type)like->type;
		e->unit = like->unit;
		e->point = type == RX_T_ENUM ? like->point : NULL;
		if (like->op == RX_POINT && type == RX_T_COUNTER)
			return rx_need_number(scope, like) ? type : RX_T_NONE;
	} else {
		type = types[e->fn->result];
		if (e->fn->result == RX_RESULT_TIME)
			e->unit = wy_unit_at(WY_UNIT_MS);
	}
	e->type = (uint8_t)type;
	e->hash = rx_hash_node(e);
	if (e->fn->memory_bytes && !find_memory(scope, e))
		return RX_T_NONE;
	return type;
}
