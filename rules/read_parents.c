/* read_parents.c: the rules that inhibit one: `inhibited_by`. */
#include <string.h>

#include "fields.h"
#include "names.h"
#include "read_parts.h"

static uint32_t find_parent(struct rx_load *load, const struct wy_node *node)
{
	if (node->kind == WY_NODE_SCALAR)
		return rx_rule_named(load, node->text, node, 0);
	rx_error(load, "E105", node, 0, "expected the id of a rule, found %s", wy_node_kind_text(node));
	return RX_NO_RULE;
}

struct parent_fields {
	const struct wy_node *rule, *same;
};

static const struct wy_field parent_rows[] = {
	{"rule", WY_FIELD_NODE, offsetof(struct parent_fields, rule), true, 0, 0, NULL, "id of a rule"},
	{"same", WY_FIELD_NODE, offsetof(struct parent_fields, same), true, 0, 0, NULL, "list of labels"},
};

static void read_parent(struct rx_load *load, struct rx_parent *parent, const struct wy_node *node)
{
	struct parent_fields fields = {0};

	parent->node = node;
	if (node->kind != WY_NODE_MAP) {
		parent->rule = find_parent(load, node);
		return;
	}
	parent->rule = RX_NO_RULE;
	if (wy_fields_read(node, parent_rows, 2, &fields, load->diags))
		return;
	parent->rule = find_parent(load, fields.rule);
	if (fields.same->kind != WY_NODE_SEQ || !fields.same->n || fields.same->n > RX_SAME_MAX) {
		rx_error(load, "E105", fields.same, 0, "expected a list of 1 to %u labels", RX_SAME_MAX);
		return;
	}
	for (const struct wy_node *m = fields.same->child; m; m = m->next) {
		const char *label = wy_field_id(m, load->diags);
		if (label)
			parent->same[parent->n_same++] = rx_load_text(load, label, strlen(label));
	}
}

void rx_read_parents(struct rx_load *load, struct rx_rule *rule, const struct wy_node *node)
{
	if (!node)
		return;
	if (node->kind != WY_NODE_SEQ) {
		rx_error(load, "E105", node, 0, "expected a list of rules such as [lift.mains_lost], found %s",
			 wy_node_kind_text(node));
		return;
	}
	if (node->n > WY_RULE_LIST_MAX) {
		rx_error(load, "E105", node, 0, "at most %u rules can inhibit one; found %zu", WY_RULE_LIST_MAX, node->n);
		return;
	}
	rule->parents = rx_load_alloc(load, node->n, sizeof(*rule->parents));
	for (const struct wy_node *m = node->child; m && rule->parents; m = m->next)
		read_parent(load, &rule->parents[rule->n_parents++], m);
}
