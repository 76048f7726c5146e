/* template.c: the words of a rule: text with values in braces, read at load; fill.c fills them at transitions only.
 *
 * {point} {expression} {$param} {expression:.1f} {value} {limit} {shares} {asset.name} {asset.id} {asset.class} {label} */
#include <string.h>

#include "check.h"
#include "fields.h"
#include "number.h"
#include "params.h"
#include "parse.h"
#include "shares.h"
#include "signals.h"
#include "template.h"

static bool is_plain_name(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		char c = text[i];
		if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '.'))
			return false;
	}
	return len > 0;
}

static bool has_label(const struct rx_scope *scope, const char *name)
{
	const struct rule_world *world = scope->load->world;

	if (!world->n_assets)
		return true; /* checked without a site: it may have any */
	for (size_t i = 0; i < world->n_assets; i++)
		for (size_t j = 0; j < world->assets[i].n_labels; j++)
			if (strcmp(world->assets[i].labels[j].key, name) == 0)
				return true;
	return false;
}

static bool is_same(const struct rx_rule *group, const char *name)
{
	for (size_t i = 0; i < group->n_same; i++)
		if (strcmp(group->same[i], name) == 0)
			return true;
	return false;
}

static bool is_point(const struct rx_scope *scope, const char *name)
{
	const struct wy_class *cls = scope->load->set->classes[scope->cls].model;

	for (size_t i = 0; i < cls->n_points; i++)
		if (strcmp(cls->points[i].name, name) == 0)
			return true;
	return rx_signal_named(scope, name);
}

static const char *point_at(const void *arg, size_t i)
{
	return ((const struct wy_class *)arg)->points[i].name;
}

/* Is this name a label rather than a misspelt point? */
static bool is_label(const struct rx_scope *scope, const char *name)
{
	const struct wy_class *cls = scope->load->set->classes[scope->cls].model;

	if (is_point(scope, name) || !has_label(scope, name))
		return false;
	return scope->load->world->n_assets || !wy_nearest(name, cls->n_points, point_at, cls);
}

/* ":.1f" at the end of a placeholder: number of decimals, -1 none given, -2 not understood. */
static int decimals_of(const char *text, size_t *len)
{
	const char *colon = memchr(text, ':', *len);

	if (!colon)
		return -1;
	size_t rest = *len - (size_t)(colon - text);
	*len = (size_t)(colon - text);
	bool is_fine = rest == 4 && colon[1] == '.' && colon[2] >= '0' && colon[2] <= '9' && colon[3] == 'f';
	return is_fine ? colon[2] - '0' : -2;
}

static enum rx_piece_kind named_kind(const char *name)
{
	static const struct {
		const char *name;
		enum rx_piece_kind kind;
	} names[] = {{"asset.name", RX_PIECE_ASSET_NAME}, {"asset.id", RX_PIECE_ASSET_ID},
		     {"asset.class", RX_PIECE_ASSET_CLASS}, {"value", RX_PIECE_VALUE}, {"limit", RX_PIECE_LIMIT},
		     {"shares", RX_PIECE_SHARES}};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (strcmp(names[i].name, name) == 0)
			return names[i].kind;
	return RX_PIECE_TEXT;
}

/* Is there a comparison whose sides {value} and {limit} could show? */
static bool can_decide(struct rx_scope *scope, const struct rx_variant *variant, enum rx_piece_kind kind)
{
	for (size_t i = 0; i < WY_RULE_LEVELS_MAX; i++)
		if (variant->levels[i].when.root && rx_find_decisive(variant->levels[i].when.root, NULL))
			return true;
	rx_error(scope->load, "E301", scope->node, scope->offset,
		 "{%s} is a side of the comparison that decides, and this rule compares no numbers",
		 kind == RX_PIECE_VALUE ? "value" : "limit");
	return false;
}

static bool find_joint(struct rx_scope *scope, const struct rx_variant *variant, struct rx_piece *piece)
{
	piece->expr = rx_joint_of(variant);
	if (!piece->expr)
		rx_error(scope->load, "E301", scope->node, scope->offset, "{shares} are those of a joint(...), and this rule has none");
	return piece->expr;
}

static bool read_value(struct rx_scope *scope, const struct rx_variant *variant, struct rx_piece *piece, const char *text,
		       size_t len)
{
	enum wy_err err = WY_OK;

	piece->decimals = decimals_of(text, &len);
	if (piece->decimals == -2) {
		rx_error(scope->load, "E104", scope->node, scope->offset + len, "expected a form such as ':.1f'");
		return false;
	}
	if (is_plain_name(text, len)) {
		const char *name = rx_load_text(scope->load, text, len);
		if (!name)
			return false;
		piece->kind = named_kind(name);
		bool is_of_group = scope->rule && scope->rule->info.kind == RULE_KIND_GROUP;
		if (is_of_group && strcmp(name, "count") == 0)
			piece->kind = RX_PIECE_COUNT;
		else if (is_of_group && piece->kind == RX_PIECE_TEXT && (is_same(scope->rule, name) || has_label(scope, name)))
			piece->kind = RX_PIECE_LABEL; /* it has no points */
		if (piece->kind == RX_PIECE_TEXT && is_label(scope, name))
			piece->kind = RX_PIECE_LABEL;
		piece->text = name;
		if (piece->kind == RX_PIECE_VALUE || piece->kind == RX_PIECE_LIMIT)
			return can_decide(scope, variant, piece->kind);
		if (piece->kind == RX_PIECE_SHARES)
			return find_joint(scope, variant, piece);
		if (piece->kind != RX_PIECE_TEXT)
			return true;
	}
	scope->n_parts = 0;
	const char *own = rx_load_text(scope->load, text, len);
	struct rx_expr *root = own ? rx_parse(scope->node, scope->offset, own, len, scope->load->arena,
					      scope->load->diags, &err) : NULL;
	if (err == WY_E_NOMEM)
		scope->load->err = err;
	if (!root || rx_check(scope, root) == RX_T_NONE)
		return false;
	if (root->type == RX_T_EVENT) {
		rx_error(scope->load, "E203", scope->node, scope->offset, "an event has no value to print");
		return false;
	}
	piece->kind = RX_PIECE_EXPR;
	piece->expr = root;
	return true;
}

/* A '}' in plain text was meant for a '{' that is not there. */
static bool is_stray(struct rx_scope *scope, const struct wy_node *node, const char *text, const char *at, size_t len)
{
	const char *close = memchr(at, '}', len);

	if (close)
		rx_error(scope->load, "E104", node, (size_t)(close - text), "'}' without '{'");
	return close;
}

static size_t count_pieces(const char *text)
{
	size_t n = 1;

	for (; *text; text++)
		n += *text == '{' ? 2 : 0;
	return n;
}

static void read_template(struct rx_scope *scope, const struct rx_variant *variant, const struct wy_node *node,
			  struct rx_template *out)
{
	const char *text = rx_load_text(scope->load, node->text, node->len);
	struct rx_piece *pieces = text ? rx_load_alloc(scope->load, count_pieces(text), sizeof(*pieces)) : NULL;

	if (!pieces)
		return;
	out->pieces = pieces;
	scope->node = node;
	for (const char *at = text; *at;) {
		const char *open = strchr(at, '{');
		size_t len = open ? (size_t)(open - at) : strlen(at);
		if (len && is_stray(scope, node, text, at, len))
			break;
		if (len)
			pieces[out->n++] = (struct rx_piece){.text = at, .len = len};
		if (!open)
			break;
		const char *close = strchr(open, '}');
		if (!close) {
			rx_error(scope->load, "E104", node, (size_t)(open - text), "'{' without '}'");
			break;
		}
		scope->offset = (size_t)(open + 1 - text);
		if (read_value(scope, variant, &pieces[out->n], open + 1, (size_t)(close - open - 1)))
			out->n++;
		at = close + 1;
	}
	scope->offset = 0;
}

static void read_text(struct rx_scope *scope, struct rx_variant *variant, const struct wy_node *node,
		      struct rx_template out[RX_TEMPLATES])
{
	static const char *const langs[RX_TEMPLATES] = {"zh", "en"};

	if (node->kind != WY_NODE_MAP) {
		rx_error(scope->load, "E105", node, 0, "expected {zh: text, en: text}, found %s", wy_node_kind_text(node));
		return;
	}
	for (const struct wy_node *m = node->child; m; m = m->next) {
		size_t i = 0;
		while (i < RX_TEMPLATES && !wy_node_is(m->key, langs[i]))
			i++;
		if (i == RX_TEMPLATES) {
			rx_error(scope->load, "E103", m->key, 0, "unknown language '%s'; expected zh or en", m->key->text);
			continue;
		}
		out[i].lang = langs[i];
		if (m->kind != WY_NODE_SCALAR)
			rx_error(scope->load, "E105", m, 0, "expected text, found %s", wy_node_kind_text(m));
		else
			read_template(scope, variant, m, &out[i]);
	}
}

/* ---- Attachments -------------------------------------------------------------------------- */

struct trend_fields {
	const char *trend;
	const struct wy_node *over;
};

static const struct wy_field trend_rows[] = {
	{"trend", WY_FIELD_ID, offsetof(struct trend_fields, trend), true, 0, 0, NULL, "a point"},
	{"over", WY_FIELD_NODE, offsetof(struct trend_fields, over), true, 0, 0, NULL, "a length of time"},
};

static void read_trend(struct rx_scope *scope, const struct wy_node *node, struct rule_trend *trend)
{
	struct wy_diags *diags = scope->load->diags;
	const struct wy_class *cls = scope->load->set->classes[scope->cls].model;
	struct trend_fields fields = {0};
	char hint[RX_HINT_SIZE];

	if (wy_fields_read(node, trend_rows, 2, &fields, diags) || wy_field_duration(fields.over, &trend->over_ms, diags))
		return;
	while (trend->point < cls->n_points && strcmp(cls->points[trend->point].name, fields.trend) != 0)
		trend->point++;
	if (trend->point == cls->n_points)
		rx_error(scope->load, "E301", wy_node_get(node, "trend"), 0, "class '%s' has no point '%s'%s", cls->id,
			 fields.trend, rx_did_you_mean(scope->load, fields.trend, cls->n_points, point_at, cls, hint));
}

static void read_trends(struct rx_scope *scope, struct rx_variant *variant, const struct wy_node *node)
{
	if (node->kind != WY_NODE_SEQ || !node->n || node->n > WY_RULE_TRENDS_MAX) {
		rx_error(scope->load, "E105", node, 0, "expected a list of 1 to %u such as [{trend: point, over: 1d}]",
			 WY_RULE_TRENDS_MAX);
		return;
	}
	struct rule_trend *trends = rx_load_alloc(scope->load, node->n, sizeof(*trends));
	variant->trends = trends;
	for (const struct wy_node *m = node->child; m && trends; m = m->next)
		read_trend(scope, m, &trends[variant->n_trends++]);
}

void rx_read_words(struct rx_scope *scope, struct rx_variant *variant, const struct rx_rule_keys *fields)
{
	const struct wy_node *nodes[RX_TEXTS] = {
		[RX_SUMMARY] = fields->summary, [RX_DETAIL] = fields->detail, [RX_ACTION] = fields->action};

	for (unsigned i = 0; i < RX_TEXTS; i++)
		if (nodes[i])
			read_text(scope, variant, nodes[i], variant->texts[i]);
	if (fields->attach)
		read_trends(scope, variant, fields->attach);
}
