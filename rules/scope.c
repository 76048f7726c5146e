/* scope.c: which assets a rule is for: class[label == "x" and label in {"y", "z"}].
 *
 * The label expression has a grammar of its own, smaller than that of conditions, and is decided at
 * load. It is walked on the text each time; there are few assets and one load. */
#include "scope.h"

#include <string.h>

#include "lex.h"

static const char *class_name(const void *arg, size_t i)
{
	return ((const struct rule_world *)arg)->classes[i].id;
}

bool rx_find_class(struct rx_load *load, const struct wy_node *node, size_t len, uint32_t *ret_cls)
{
	char name[80];
	char hint[RX_HINT_SIZE];
	struct wy_buf buf;

	wy_buf_init(&buf, name, sizeof(name));
	wy_buf_addn(&buf, node->text, len);
	for (size_t i = 0; i < load->world->n_classes; i++) {
		if (strcmp(load->world->classes[i].id, name) != 0)
			continue;
		*ret_cls = (uint32_t)i;
		return true;
	}
	rx_error(load, "E301", node, 0, "there is no class '%s'%s", name, rx_did_you_mean(load, name, load->world->n_classes, class_name, load->world, hint));
	return false;
}

static bool label_is(const struct wy_asset *asset, const struct rx_token *key, const struct rx_token *value)
{
	for (size_t i = 0; asset && i < asset->n_labels; i++) {
		const struct wy_label *label = &asset->labels[i];
		if (strlen(label->key) == key->len && memcmp(label->key, key->text, key->len) == 0)
			return strlen(label->value) == value->len && memcmp(label->value, value->text, value->len) == 0;
	}
	return false;
}

struct walk {
	struct rx_lexer lexer;
	const struct wy_asset *asset; /* NULL: only the form is looked at */
	struct rx_token token;
	const char *expected; /* what was missing, NULL: all well */
};

static void advance(struct walk *w)
{
	w->token = rx_lex_next(&w->lexer);
}

static bool miss(struct walk *w, const char *expected)
{
	if (!w->expected)
		w->expected = expected;
	return false;
}

/* label_cmp = identifier ("==" | "!=") string | identifier "in" "{" string { "," string } "}" */
static bool walk_compare(struct walk *w)
{
	struct rx_token key = w->token;

	if (key.kind != RX_TOK_NAME)
		return miss(w, "the name of a label");
	advance(w);
	bool is_same = rx_token_is(&w->token, "==");
	bool is_in = rx_token_is(&w->token, "in");
	if (!is_same && !is_in && !rx_token_is(&w->token, "!="))
		return miss(w, "'==', '!=' or 'in'");
	advance(w);
	if (is_in && !rx_token_is(&w->token, "{"))
		return miss(w, "'{'");
	bool is_found = false;
	do {
		if (is_in)
			advance(w);
		if (w->token.kind != RX_TOK_STRING)
			return miss(w, "a text in double quotes");
		is_found = label_is(w->asset, &key, &w->token) || is_found;
		advance(w);
	} while (is_in && rx_token_is(&w->token, ","));
	if (is_in && !rx_token_is(&w->token, "}"))
		return miss(w, "',' or '}'");
	if (is_in)
		advance(w);
	return is_in || is_same ? is_found : !is_found;
}

static bool walk_and(struct walk *w)
{
	bool is_true = walk_compare(w);

	while (!w->expected && rx_token_is(&w->token, "and")) {
		advance(w);
		is_true = walk_compare(w) && is_true;
	}
	return is_true;
}

static bool walk_or(struct walk *w)
{
	bool is_true = walk_and(w);

	while (!w->expected && rx_token_is(&w->token, "or")) {
		advance(w);
		is_true = walk_and(w) || is_true;
	}
	return is_true;
}

static bool walk_all(struct walk *w, const struct rx_selector *selector, const struct wy_asset *asset)
{
	*w = (struct walk){.asset = asset};
	rx_lex_init(&w->lexer, selector->node->text + selector->label_at, selector->label_len);
	advance(w);
	bool is_true = walk_or(w);
	if (!w->expected && w->token.kind != RX_TOK_END)
		w->expected = "'and', 'or' or ']'";
	return is_true;
}

bool rx_read_selector(struct rx_load *load, const struct wy_node *node, struct rx_selector *ret_selector)
{
	struct walk w;

	if (node->kind != WY_NODE_SCALAR) {
		rx_error(load, "E105", node, 0, "expected a class, found %s", wy_node_kind_text(node));
		return false;
	}
	const char *bracket = strchr(node->text, '[');
	size_t class_len = bracket ? (size_t)(bracket - node->text) : node->len;
	*ret_selector = (struct rx_selector){.node = node};
	if (!rx_find_class(load, node, class_len, &ret_selector->cls))
		return false;
	if (!bracket)
		return true;
	if (node->text[node->len - 1] != ']') {
		rx_error(load, "E104", node, node->len, "expected ']' at the end of the scope");
		return false;
	}
	ret_selector->label_at = class_len + 1;
	ret_selector->label_len = node->len - class_len - 2;
	walk_all(&w, ret_selector, NULL);
	if (!w.expected)
		return true;
	bool is_end = w.token.kind == RX_TOK_END;
	rx_error(load, "E104", node, ret_selector->label_at + w.token.at, "expected %s, found '%.*s'", w.expected,
		 is_end ? 1 : (int)(w.token.end - w.token.at),
		 is_end ? "]" : node->text + ret_selector->label_at + w.token.at);
	return false;
}

static bool takes(const struct rx_selector *selector, const struct wy_asset *asset)
{
	struct walk w;

	if (asset->class_index != selector->cls)
		return false;
	return !selector->label_at || walk_all(&w, selector, asset);
}

bool rx_scope_takes(const struct rx_scope_list *scope, const struct wy_asset *asset)
{
	for (size_t i = 0; i < scope->n; i++)
		if (takes(&scope->items[i], asset))
			return true;
	return false;
}
