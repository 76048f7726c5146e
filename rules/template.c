/* template.c: summaries: text with {value} in it, read at load, filled at transitions only.
 *
 * {point} {expression} {$param} {expression:.1f} {asset.name} {asset.id} {label} */
#include <math.h>
#include <string.h>

#include "check.h"
#include "rule_engine.h"
#include "number.h"
#include "parse.h"
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

static bool read_value(struct rx_scope *scope, struct rx_piece *piece, const char *text, size_t len)
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
		if (strcmp(name, "asset.name") == 0 || strcmp(name, "asset.id") == 0 || is_label(scope, name)) {
			piece->label = name;
			return true;
		}
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

static void read_template(struct rx_scope *scope, const struct wy_node *node, struct rx_template *out)
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
		if (read_value(scope, &pieces[out->n], open + 1, (size_t)(close - open - 1)))
			out->n++;
		at = close + 1;
	}
	scope->offset = 0;
}

void rx_read_summary(struct rx_scope *scope, const struct wy_node *node, struct rx_variant *variant)
{
	static const char *const langs[RX_TEMPLATES] = {"zh", "en"};

	if (node->kind != WY_NODE_MAP) {
		rx_error(scope->load, "E105", node, 0, "expected {zh: text, en: text}, found %s", wy_node_kind_text(node));
		return;
	}
	for (const struct wy_node *m = node->child; m; m = m->next) {
		struct rx_template *out = NULL;
		for (size_t i = 0; i < RX_TEMPLATES; i++)
			if (wy_node_is(m->key, langs[i]))
				out = &variant->summary[i];
		if (!out) {
			rx_error(scope->load, "E103", m->key, 0, "unknown language '%s'; expected zh or en", m->key->text);
			continue;
		}
		out->lang = m->key->text[0] == 'z' ? "zh" : "en";
		if (m->kind != WY_NODE_SCALAR)
			rx_error(scope->load, "E105", m, 0, "expected text, found %s", wy_node_kind_text(m));
		else
			read_template(scope, m, out);
	}
}

/* ---- Filling ------------------------------------------------------------------------------ */

static void print_number(const struct rx_piece *piece, const struct rx_value *v, const char *lang, struct wy_buf *buf)
{
	const struct wy_unit *unit = piece->expr->unit;
	bool has_low = v->is_whole ? v->lo != INT64_MIN : v->rlo > -1e300;
	bool is_exact = rx_is_exact(v);

	if (!is_exact && !has_low) {
		wy_buf_add(buf, "?");
		return;
	}
	if (is_exact && !v->is_whole && isinf(v->rlo)) {
		wy_buf_add(buf, lang[0] == 'z' ? "不会" : "never");
		return;
	}
	if (!is_exact)
		wy_buf_add(buf, "≥");
	bool is_span = unit && wy_unit_is_alike(unit, wy_unit_at(WY_UNIT_MS)) &&
		       (unit == wy_unit_at(WY_UNIT_MS) || piece->expr->op == RX_PARAM);
	if (is_span && piece->decimals < 0) {
		/* Whole seconds are enough for a person from ten seconds on. */
		wy_ms span_ms = (wy_ms)(v->rlo * wy_unit_ratio(unit, wy_unit_at(WY_UNIT_MS)) + 0.5);
		wy_buf_duration(buf, span_ms >= 10000 ? span_ms / 1000 * 1000 : span_ms);
		return;
	}
	if (v->is_whole)
		wy_buf_addf(buf, "%lld", (long long)v->lo);
	else if (piece->decimals < 0)
		wy_buf_real(buf, v->rlo, 3);
	else
		wy_buf_fixed(buf, v->rlo, (unsigned)piece->decimals);
	if (unit)
		wy_buf_addf(buf, " %s", unit->name);
}

static void print_value(const struct rx_piece *piece, const struct rx_value *v, const char *lang, struct wy_buf *buf)
{
	static const char *const words[] = {[RULE_FALSE] = "false", [RULE_TRUE] = "true", [RULE_UNKNOWN] = "?"};
	const struct rx_expr *e = piece->expr;

	if (e->type == RX_T_BOOL)
		wy_buf_add(buf, words[v->truth]);
	else if (e->type != RX_T_ENUM)
		print_number(piece, v, lang, buf);
	else if (rx_is_exact(v) && e->point && v->lo >= 0 && (size_t)v->lo < e->point->n_values)
		wy_buf_add(buf, e->point->values[v->lo]);
	else
		wy_buf_add(buf, "?");
}

static void print_label(const struct wy_asset *asset, const char *label, const char *lang, struct wy_buf *buf)
{
	if (strcmp(label, "asset.id") == 0) {
		wy_buf_add(buf, asset->id);
		return;
	}
	if (strcmp(label, "asset.name") == 0) {
		const char *name = lang[0] == 'z' ? asset->name_zh : asset->name_en;
		wy_buf_add(buf, name ? name : asset->id);
		return;
	}
	for (size_t i = 0; i < asset->n_labels; i++)
		if (strcmp(asset->labels[i].key, label) == 0)
			wy_buf_add(buf, asset->labels[i].value);
}

void rule_summary(const struct rule_engine *engine, uint32_t instance, const char *lang, struct wy_buf *buf)
{
	const struct rx_instance *it = &engine->set->instances[instance];
	struct rx_eval ev = rx_instance_eval(engine, instance, engine->clock_ms);

	for (size_t i = 0; i < RX_TEMPLATES; i++) {
		const struct rx_template *template = &it->variant->summary[i];
		if (!template->lang || strcmp(template->lang, lang) != 0)
			continue;
		for (size_t j = 0; j < template->n; j++) {
			const struct rx_piece *piece = &template->pieces[j];
			if (piece->label) {
				print_label(&engine->set->world->assets[it->info.asset], piece->label, lang, buf);
			} else if (piece->expr) {
				struct rx_value v = rx_eval(&ev, piece->expr);
				print_value(piece, &v, lang, buf);
			} else {
				wy_buf_addn(buf, piece->text, piece->len);
			}
		}
	}
}
