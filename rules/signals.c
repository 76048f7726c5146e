/* signals.c: see signals.h.
 *
 * A signal is parsed and checked anew where it is used, so each rule asks with its own min_cover and min_samples; equal
 * calls share their memory as everywhere. What is put in takes the place of the name in the text. */
#include "signals.h"

#include <string.h>

#include "check.h"
#include "fields.h"
#include "kinds.h"
#include "parse.h"
#include "scope.h"

/* ---- Reading ------------------------------------------------------------------------------ */

struct signal_fields {
	const char *name, *unit;
	const struct wy_node *of, *expr;
};

static const struct wy_field signal_rows[] = {
	{"name", WY_FIELD_ID, offsetof(struct signal_fields, name), true, 0, 0, NULL, "what expressions call it"},
	{"of", WY_FIELD_NODE, offsetof(struct signal_fields, of), true, 0, 0, NULL, "a class, or a list of classes"},
	{"unit", WY_FIELD_TEXT, offsetof(struct signal_fields, unit), false, 0, 0, NULL, "unit of the value"},
	{"expr", WY_FIELD_NODE, offsetof(struct signal_fields, expr), true, 0, 0, NULL, "the expression"},
};

static bool has_class(const struct rx_signal *signal, uint32_t cls)
{
	for (size_t i = 0; i < signal->n_classes; i++)
		if (signal->classes[i] == cls)
			return true;
	return false;
}

static void read_classes(struct rx_load *load, struct rx_signal *signal, const struct wy_node *node)
{
	bool is_list = node->kind == WY_NODE_SEQ;
	size_t n = is_list ? node->n : 1;
	uint32_t *classes = rx_load_alloc(load, n, sizeof(*classes));

	signal->classes = classes;
	for (const struct wy_node *m = is_list ? node->child : node; m && classes; m = is_list ? m->next : NULL) {
		if (m->kind != WY_NODE_SCALAR)
			rx_error(load, "E105", m, 0, "expected the name of a class, found %s", wy_node_kind_text(m));
		else if (rx_find_class(load, m, m->len, &classes[signal->n_classes]))
			signal->n_classes++;
	}
}

static const char *unit_name(const void *arg, size_t i)
{
	(void)arg;
	return wy_unit_at(i)->name;
}

static void read_unit(struct rx_load *load, struct rx_signal *signal, const char *unit, const struct wy_node *node)
{
	char hint[RX_HINT_SIZE];

	signal->unit = unit ? wy_unit_find(unit, strlen(unit)) : NULL;
	if (unit && !signal->unit)
		rx_error(load, "E805", node, 0, "there is no unit '%s'%s", unit,
			 rx_did_you_mean(load, unit, WY_UNIT_COUNT, unit_name, NULL, hint));
}

/* Its name is free in each of its classes. */
static void check_name(struct rx_load *load, const struct rx_package *package, const struct rx_signal *signal,
		       const struct wy_node *node)
{
	for (size_t i = 0; i < signal->n_classes; i++) {
		const struct wy_class *cls = load->set->classes[signal->classes[i]].model;
		for (size_t j = 0; j < cls->n_points; j++)
			if (strcmp(cls->points[j].name, signal->name) == 0)
				rx_error(load, "E108", node, 0, "class '%s' has a point '%s'; give the signal another name",
					 cls->id, signal->name);
		for (const struct rx_signal *s = package->signals; s < signal; s++)
			if (strcmp(s->name, signal->name) == 0 && has_class(s, signal->classes[i]))
				rx_error(load, "E108", node, 0, "signal '%s' of class '%s' is declared twice", signal->name, cls->id);
	}
}

static void read_signal(struct rx_load *load, struct rx_package *package, const struct wy_node *node)
{
	struct signal_fields fields = {0};
	struct rx_signal *signal = &package->signals[package->n_signals];

	if (wy_fields_read(node, signal_rows, sizeof(signal_rows) / sizeof(*signal_rows), &fields, load->diags))
		return;
	if (fields.expr->kind != WY_NODE_SCALAR) {
		rx_error(load, "E105", fields.expr, 0, "expected an expression, found %s", wy_node_kind_text(fields.expr));
		return;
	}
	signal->name = rx_load_text(load, fields.name, strlen(fields.name));
	signal->text = rx_load_text(load, fields.expr->text, fields.expr->len);
	signal->node = fields.expr;
	if (!signal->name || !signal->text)
		return;
	read_unit(load, signal, fields.unit, wy_node_get(node, "unit"));
	read_classes(load, signal, fields.of);
	check_name(load, package, signal, wy_node_get(node, "name"));
	package->n_signals++;
}

void rx_read_signals(struct rx_load *load, struct rx_package *package, const struct wy_node *node)
{
	if (!node)
		return;
	if (node->kind != WY_NODE_SEQ || node->n > WY_RULE_PACKAGE_MAX) {
		rx_error(load, "E105", node, 0, "expected a list of at most %u {name, of, unit, expr}", WY_RULE_PACKAGE_MAX);
		return;
	}
	package->signals = rx_load_alloc(load, node->n, sizeof(*package->signals));
	for (const struct wy_node *m = node->child; m && package->signals; m = m->next)
		read_signal(load, package, m);
}

struct rx_signal *rx_signal_named(const struct rx_scope *scope, const char *name)
{
	for (size_t i = 0; i < scope->package->n_signals; i++)
		if (strcmp(scope->package->signals[i].name, name) == 0 && has_class(&scope->package->signals[i], scope->cls))
			return &scope->package->signals[i];
	return NULL;
}

/* ---- Putting in --------------------------------------------------------------------------- */

static unsigned count_parts(const struct rx_expr *e)
{
	unsigned n = 1;

	for (const struct rx_expr *c = e->child; c; c = c->next)
		n += count_parts(c);
	return n;
}

/* All of it stands where the name stands. */
static void move_to(struct rx_expr *e, uint32_t at, uint32_t end)
{
	e->at = at;
	e->end = end;
	for (struct rx_expr *c = e->child; c; c = c->next)
		move_to(c, at, end);
}

static bool bring_to_unit(struct rx_scope *scope, struct rx_expr **root, const struct rx_signal *signal)
{
	const struct wy_unit *unit = signal->unit;
	const struct rx_expr *e = *root;

	if (!unit)
		return true;
	if (!rx_need_number(scope, e))
		return false;
	bool is_share = !e->unit && unit->dim[WY_DIMENSIONS - 1] == 1; /* of two counts, in % */
	if (!is_share && (!e->unit || !wy_unit_is_alike(e->unit, unit))) {
		char what[RX_KIND_SIZE];
		rx_error(scope->load, "E201", scope->node, rx_at(scope, e), "this is %s; the signal is declared in %s",
			 rx_describe_kind(e, what, sizeof(what)), unit->name);
		return false;
	}
	if (!is_share && e->unit->is_absolute != unit->is_absolute) {
		rx_error(scope->load, "E202", scope->node, rx_at(scope, e), "degC and dK do not mix");
		return false;
	}
	return e->unit == unit || rx_rescale(scope, root, unit);
}

static struct rx_expr *build(struct rx_scope *scope, const struct rx_signal *signal)
{
	enum wy_err err = WY_OK;
	struct rx_expr *root = rx_parse(scope->node, 0, signal->text, strlen(signal->text), scope->load->arena,
					scope->load->diags, &err);

	if (err == WY_E_NOMEM)
		scope->load->err = err;
	if (!root)
		return NULL;
	scope->n_parts += count_parts(root);
	if (scope->n_parts > WY_EXPR_NODES_MAX) {
		rx_error(scope->load, "E601", scope->node, 0, "with this signal the expression has more than %u parts", WY_EXPR_NODES_MAX);
		return NULL;
	}
	bool is_fine = rx_check(scope, root) != RX_T_NONE && bring_to_unit(scope, &root, signal);
	return is_fine ? root : NULL;
}

enum rx_type rx_check_signal(struct rx_scope *scope, struct rx_expr *e, struct rx_signal *signal)
{
	struct rx_scope inner = *scope;

	signal->is_used = true;
	if (signal->is_open) {
		rx_error(scope->load, "E506", scope->node, rx_at(scope, e), "the signal '%s' is made of itself, perhaps over others", signal->name);
		signal->is_wrong = true;
	}
	if (signal->is_wrong) {
		scope->load->silent++;
		return RX_T_NONE;
	}
	inner.node = signal->node;
	inner.offset = 0;
	signal->is_open = true;
	struct rx_expr *root = build(&inner, signal);
	signal->is_open = false;
	signal->is_wrong = signal->is_wrong || !root;
	scope->n_parts = inner.n_parts;
	if (signal->is_wrong)
		return RX_T_NONE;
	move_to(root, e->at, e->end);
	root->next = e->next;
	root->arg_name = e->arg_name;
	root->arg_name_len = e->arg_name_len;
	*e = *root;
	e->is_signal = true;
	return (enum rx_type)e->type;
}

void rx_check_idle_signals(struct rx_load *load, struct rx_package *package)
{
	struct rx_rule nobody = {0};

	for (size_t i = 0; i < package->n_signals && !load->err; i++) {
		struct rx_signal *signal = &package->signals[i];
		for (size_t j = 0; j < signal->n_classes && !signal->is_used && !load->err; j++) {
			struct rx_scope scope = {.load = load, .package = package, .cls = signal->classes[j], .rule = &nobody,
						 .node = signal->node, .min_cover = RX_MIN_COVER, .min_samples = 1,
						 .is_trial = true};
			struct rx_expr name = {.op = RX_POINT};
			(void)rx_check_signal(&scope, &name, signal);
			signal->is_used = false;
		}
	}
}
