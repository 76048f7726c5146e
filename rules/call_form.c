/* call_form.c: the form of a call: its function, and its arguments sorted into the rows of functions.def: in their
 * place, by name, many of one kind, or left out. */
#include <string.h>

#include "calls.h"
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

/* ---- The form of a call ------------------------------------------------------------------- */

enum { FORM_SIZE = 200 };

/* "sample(x, on=, [delay=])" */
static const char *form_of(const struct rx_function *fn, char *out)
{
	struct wy_buf buf;

	wy_buf_init(&buf, out, FORM_SIZE);
	wy_buf_addf(&buf, "%s(", fn->name);
	for (size_t i = 0; i < rx_arg_count(fn); i++) {
		const struct rx_arg_row *row = &fn->arg[i];
		bool is_optional = row->manner == RX_ARG_OPTIONAL;
		const char *tail = is_optional ? "=]" : row->manner == RX_ARG_NAMED ? "=" : row->manner == RX_ARG_MANY ? "..." : "";
		wy_buf_addf(&buf, "%s%s%s%s", i ? ", " : "", is_optional ? "[" : "", row->name, tail);
	}
	wy_buf_add(&buf, ")");
	return out;
}

static bool has_name(const struct rx_arg_row *row, const struct rx_expr *e)
{
	return strlen(row->name) == e->arg_name_len && memcmp(row->name, e->arg_name, e->arg_name_len) == 0;
}

static unsigned count_given(const struct rx_expr *call)
{
	unsigned n = 0;

	for (const struct rx_expr *c = call->child; c; c = c->next)
		n++;
	return n;
}

/* Arguments of a call, sorted into the rows of its function. */
struct places {
	struct rx_expr *row[RX_ARGS_MAX];
	struct rx_expr *many[RX_MANY_MAX];
	unsigned n_many;
};

/* The row an argument belongs to: by its name, else the next in order; -1: none, and said. */
static int row_of(struct rx_scope *scope, const struct rx_expr *call, const struct rx_expr *e, unsigned next)
{
	const struct rx_function *fn = call->fn;
	unsigned wanted = (unsigned)rx_arg_count(fn);
	char form[FORM_SIZE];

	if (!e->arg_name && next < wanted && fn->arg[next].manner <= RX_ARG_MANY)
		return (int)next;
	for (unsigned i = 0; e->arg_name && i < wanted; i++)
		if (has_name(&fn->arg[i], e))
			return (int)i;
	if (e->arg_name)
		rx_error(scope->load, "E104", scope->node, rx_at(scope, e), "%s has no argument '%.*s'", form_of(fn, form),
			 (int)e->arg_name_len, e->arg_name);
	else if (next < wanted)
		rx_error(scope->load, "E104", scope->node, rx_at(scope, e), "%s: this argument needs its name: %s=...",
			 form_of(fn, form), fn->arg[next].name);
	else
		rx_error(scope->load, "E104", scope->node, rx_at(scope, call), "%s takes %u argument%s, found %u",
			 form_of(fn, form), wanted, wanted == 1 ? "" : "s", count_given(call));
	return -1;
}

static bool place_argument(struct rx_scope *scope, const struct rx_expr *call, struct rx_expr *e, struct places *p,
			   unsigned *next)
{
	int row = row_of(scope, call, e, *next);
	char form[FORM_SIZE];

	if (row < 0)
		return false;
	bool is_many = call->fn->arg[row].manner == RX_ARG_MANY && !e->arg_name;
	if (is_many && p->n_many < RX_MANY_MAX) {
		p->many[p->n_many++] = e;
		return true;
	}
	if (is_many)
		rx_error(scope->load, "E104", scope->node, rx_at(scope, e), "%s takes at most %u of '%s'",
			 form_of(call->fn, form), RX_MANY_MAX, call->fn->arg[row].name);
	else if (p->row[row])
		rx_error(scope->load, "E104", scope->node, rx_at(scope, e), "%s: '%s' is given twice",
			 form_of(call->fn, form), call->fn->arg[row].name);
	if (is_many || p->row[row])
		return false;
	p->row[row] = e;
	*next = (unsigned)row + 1;
	return true;
}

/* What is left out stands there as if it had been written. */
static struct rx_expr *otherwise(struct rx_scope *scope, const struct rx_expr *call, const struct rx_arg_row *row)
{
	struct rx_expr *e = rx_load_alloc(scope->load, 1, sizeof(*e));

	if (!e)
		return NULL;
	*e = (struct rx_expr){.op = RX_NUMBER, .at = call->at, .end = call->end, .real = row->otherwise,
			      .whole = (int64_t)row->otherwise, .is_default = true};
	e->is_whole = row->kind == RX_ARG_WHOLE;
	if (row->kind == RX_ARG_SPAN || row->kind == RX_ARG_WINDOW)
		e->unit = wy_unit_at(WY_UNIT_MS);
	if (row->kind == RX_ARG_CHOICE) {
		e->op = RX_NAMED;
		e->type = RX_T_NAME;
		e->index = (uint32_t)row->otherwise;
	}
	return e;
}

static bool is_complete(struct rx_scope *scope, struct rx_expr *call, struct places *p)
{
	char form[FORM_SIZE];
	unsigned wanted = (unsigned)rx_arg_count(call->fn);
	bool has_optional = false;

	for (unsigned i = 0; i < wanted; i++) {
		const struct rx_arg_row *row = &call->fn->arg[i];
		has_optional = has_optional || row->manner == RX_ARG_OPTIONAL;
		if (p->row[i] || (row->manner == RX_ARG_MANY && p->n_many))
			continue;
		if (row->manner == RX_ARG_OPTIONAL) {
			p->row[i] = otherwise(scope, call, row);
			if (!p->row[i])
				return false;
			continue;
		}
		if (row->manner == RX_ARG_NAMED || has_optional || row->manner == RX_ARG_MANY)
			rx_error(scope->load, "E104", scope->node, rx_at(scope, call), "%s: '%s' is missing",
				 form_of(call->fn, form), row->name);
		else
			rx_error(scope->load, "E104", scope->node, rx_at(scope, call), "%s takes %u argument%s, found %u",
				 form_of(call->fn, form), wanted, wanted == 1 ? "" : "s", count_given(call));
		return false;
	}
	return true;
}

bool rx_call_begin(struct rx_scope *scope, struct rx_expr *call)
{
	struct places p = {{NULL}, {NULL}, 0};
	unsigned next = 0;

	if (!find_function(scope, call))
		return false;
	for (struct rx_expr *c = call->child; c; c = c->next)
		if (!place_argument(scope, call, c, &p, &next))
			return false;
	if (!is_complete(scope, call, &p))
		return false;
	struct rx_expr **tail = &call->child;
	for (unsigned i = 0; i < p.n_many; i++, tail = &(*tail)->next)
		*tail = p.many[i];
	for (size_t i = p.n_many ? 1 : 0; i < rx_arg_count(call->fn); i++, tail = &(*tail)->next)
		*tail = p.row[i];
	*tail = NULL;
	call->n_many = (uint8_t)p.n_many;
	return true;
}
