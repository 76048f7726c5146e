/* scope.h: which assets a rule is for: class[label == "x" and ...]. */
#ifndef RX_SCOPE_H
#define RX_SCOPE_H

#include "context.h"

struct rx_selector {
	const struct wy_node *node;
	uint32_t cls;
	size_t label_at; /* byte of the label expression in the scalar, 0: none */
	size_t label_len;
};

struct rx_scope_list { /* of one rule */
	struct rx_selector *items;
	size_t n;
};

/* The class named by the first len bytes of a scalar. False: there is none, and that is said. */
bool rx_find_class(struct rx_load *load, const struct wy_node *node, size_t len, uint32_t *ret_cls);
bool rx_read_selector(struct rx_load *load, const struct wy_node *node, struct rx_selector *ret_selector);
/* One of the selectors of a rule takes the asset. */
bool rx_scope_takes(const struct rx_scope_list *scope, const struct wy_asset *asset);

#endif
