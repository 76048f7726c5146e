/* load.h: what the loading parts (load.c, params.c, check.c, template.c, scope.c, lint.c, bind.c)
 * share while a set is being compiled. */
#ifndef RX_LOAD_H
#define RX_LOAD_H

#include "number.h"
#include "plan.h"

struct rx_load {
	const struct rule_world *world;
	struct wy_arena *arena;
	struct wy_diags *diags;
	struct rule_set *set;
	enum wy_err err; /* WY_E_NOMEM or WY_E_LIMIT: stop; mistakes are only counted in diags */
};

/* Zeroed memory; NULL and load->err set when the arena is full. */
void *rx_load_alloc(struct rx_load *load, size_t n, size_t size);
const char *rx_load_text(struct rx_load *load, const char *text, size_t len);
/* An error at a byte of a value, in printf form of base/buf.h. */
#define rx_error(load, code, node, at, ...) \
	wy_diag_add((load)->diags, WY_DIAG_ERROR, code, node, at, __VA_ARGS__)
#define rx_warn(load, code, node, at, ...) \
	wy_diag_add((load)->diags, WY_DIAG_WARNING, code, node, at, __VA_ARGS__)
/* "; did you mean 'x'?" or "". */
const char *rx_did_you_mean(const char *near, char *out, size_t size);

/* check.c: names, types, units, memories of one expression against one class. */
struct rx_scope {
	struct rx_load *load;
	struct rx_package *package;
	uint32_t cls;
	struct rx_rule *rule;       /* NULL: no alarm() here */
	const struct wy_node *node; /* of the expression */
	size_t offset;              /* of its text in the node's value */
	bool is_in_memory;          /* inside a stateful call */
};
enum rx_type rx_check(struct rx_scope *scope, struct rx_expr *e);
/* Parse and check what must be a condition. False: reported. */
bool rx_check_condition(struct rx_scope *scope, struct rx_cond *cond);
/* The use number of a parameter in the class, RX_NO_USE if the package has none of this name. */
uint32_t rx_use_of(struct rx_scope *scope, const char *name, size_t len);

/* params.c */
void rx_read_params(struct rx_load *load, struct rx_package *package, const struct wy_node *node);
bool rx_read_const(struct rx_load *load, const struct rx_param *param, const struct wy_node *node,
		   struct rx_const *ret_value);
/* A duration literal or $parameter. */
bool rx_read_span(struct rx_scope *scope, const struct wy_node *node, struct rx_span *ret_span);
void rx_read_calendars(struct rx_load *load, struct rx_package *package, const struct wy_node *node);

/* template.c */
void rx_read_summary(struct rx_scope *scope, const struct wy_node *node, struct rx_variant *variant);

/* scope.c: class[label == "x" and ...]. */
struct rx_selector {
	const struct wy_node *node;
	uint32_t cls;
	size_t label_at; /* byte of the label expression in the scalar, 0: none */
	size_t label_len;
};
bool rx_read_selector(struct rx_load *load, const struct wy_node *node, struct rx_selector *ret_selector);
bool rx_selector_takes(struct rx_load *load, const struct rx_selector *selector, const struct wy_asset *asset);

/* lint.c: what is legal and yet cannot be meant. */
void rx_lint_rule(struct rx_load *load, const struct rx_rule *rule);

/* bind.c: assets, instances, inhibition order. selectors[i] are those of rule i. */
struct rx_scope_list {
	struct rx_selector *items;
	size_t n;
};
enum wy_err rx_bind(struct rx_load *load, const struct rx_scope_list *scopes);

#endif
