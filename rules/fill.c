/* fill.c: the words of a rule with present values in them. Units are printed; "?" stands for unknown, "≥" before what
 * is only known from below. */
#include <math.h>
#include <string.h>

#include "kinds.h"
#include "number.h"
#include "rule_engine.h"
#include "shares.h"
#include "template.h"

static void print_number(const struct rx_expr *e, int decimals, const struct rx_value *v, const char *lang,
			 struct wy_buf *buf)
{
	const struct wy_unit *unit = e->unit;
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
		       (unit == wy_unit_at(WY_UNIT_MS) || e->op == RX_PARAM);
	if (is_span && decimals < 0) {
		/* Whole seconds are enough for a person from ten seconds on. */
		wy_ms span_ms = (wy_ms)(v->rlo * wy_unit_ratio(unit, wy_unit_at(WY_UNIT_MS)) + 0.5);
		wy_buf_duration(buf, span_ms >= 10000 ? span_ms / 1000 * 1000 : span_ms);
		return;
	}
	if (v->is_whole)
		wy_buf_addf(buf, "%lld", (long long)v->lo);
	else if (decimals < 0)
		wy_buf_real(buf, v->rlo, 3);
	else
		wy_buf_fixed(buf, v->rlo, (unsigned)decimals);
	if (unit)
		wy_buf_addf(buf, " %s", unit->name);
}

static void print_value(const struct rx_expr *e, int decimals, const struct rx_value *v, const char *lang,
			struct wy_buf *buf)
{
	static const char *const words[] = {[RULE_FALSE] = "false", [RULE_TRUE] = "true", [RULE_UNKNOWN] = "?"};

	if (e->type == RX_T_BOOL)
		wy_buf_add(buf, words[v->truth]);
	else if (e->type != RX_T_ENUM)
		print_number(e, decimals, v, lang, buf);
	else if (rx_is_exact(v) && e->point && v->lo >= 0 && (size_t)v->lo < e->point->n_values)
		wy_buf_add(buf, e->point->values[v->lo]);
	else
		wy_buf_add(buf, "?");
}

static bool is_comparison(const struct rx_expr *e)
{
	return (e->op == RX_COMPARE || e->op == RX_IN_RANGE) && rx_is_number(e->child);
}

const struct rx_expr *rx_find_decisive(const struct rx_expr *e, struct rx_eval *ev)
{
	if (is_comparison(e))
		return !ev || rx_eval(ev, e).truth == RULE_TRUE ? e : NULL;
	if (e->op != RX_AND && e->op != RX_OR && e->op != RX_NOT)
		return NULL;
	for (const struct rx_expr *c = e->child; c; c = c->next) {
		const struct rx_expr *found = rx_find_decisive(c, ev);
		if (found)
			return found;
	}
	return NULL;
}

/* What is filled in: for which instance, in which language, with what values. */
struct filling {
	const struct rule_engine *engine;
	uint32_t instance;
	const char *lang;
	struct rx_eval ev;
	struct wy_buf *buf;
};

static void print_expr(struct filling *f, const struct rx_expr *e, int decimals)
{
	struct rx_value v = rx_eval(&f->ev, e);

	print_value(e, decimals, &v, f->lang, f->buf);
}

static void print_text(struct filling *f, const struct rx_piece *piece)
{
	wy_buf_addn(f->buf, piece->text, piece->len);
}

/* In the words of a keyed rule its point means the key. */
static bool print_key(struct filling *f, const struct rx_expr *e)
{
	const struct rx_expr *by = f->engine->set->instances[f->instance].variant->by;
	struct rule_key key = rule_key_of(f->engine, f->instance);

	if (!by || e->op != RX_POINT || e->far || e->index != by->index)
		return false;
	if (key.is_other)
		wy_buf_add(f->buf, f->lang[0] == 'z' ? "其他" : "other");
	else if (key.word)
		wy_buf_add(f->buf, key.word);
	else if (key.is_taken)
		wy_buf_addf(f->buf, "%lld", (long long)key.value);
	else
		wy_buf_add(f->buf, "?");
	return true;
}

static void print_piece_expr(struct filling *f, const struct rx_piece *piece)
{
	if (print_key(f, piece->expr))
		return;
	print_expr(f, piece->expr, piece->decimals);
}

static const struct wy_asset *asset_of(const struct filling *f)
{
	return &f->engine->set->world->assets[rule_asset_of(f->engine, f->instance)];
}

static void print_asset_id(struct filling *f, const struct rx_piece *piece)
{
	(void)piece;
	wy_buf_add(f->buf, asset_of(f)->id);
}

static void print_asset_name(struct filling *f, const struct rx_piece *piece)
{
	const struct wy_asset *asset = asset_of(f);
	const char *name = f->lang[0] == 'z' ? asset->name_zh : asset->name_en;

	(void)piece;
	wy_buf_add(f->buf, name ? name : asset->id);
}

static void print_asset_class(struct filling *f, const struct rx_piece *piece)
{
	const struct wy_class *cls = &f->engine->set->world->classes[asset_of(f)->class_index];
	const char *name = f->lang[0] == 'z' ? cls->name_zh : cls->name_en;

	(void)piece;
	wy_buf_add(f->buf, name ? name : cls->id);
}

static void print_label(struct filling *f, const struct rx_piece *piece)
{
	const struct wy_asset *asset = asset_of(f);

	for (size_t i = 0; i < asset->n_labels; i++)
		if (strcmp(asset->labels[i].key, piece->text) == 0)
			wy_buf_add(f->buf, asset->labels[i].value);
}

/* The deciding comparison of the level told of; where none is true any more, its first. */
static const struct rx_expr *find_deciding(struct filling *f)
{
	const struct rx_instance *it = &f->engine->set->instances[f->instance];
	const struct rx_level *level = &it->variant->levels[f->engine->tellers[f->instance].told_level];

	if (!level->when.root)
		return NULL;
	const struct rx_expr *found = rx_find_decisive(level->when.root, &f->ev);
	return found ? found : rx_find_decisive(level->when.root, NULL);
}

static void print_side(struct filling *f, const struct rx_piece *piece)
{
	const struct rx_expr *e = find_deciding(f);

	if (!e || (piece->kind == RX_PIECE_LIMIT && e->op != RX_COMPARE))
		wy_buf_add(f->buf, "?");
	else
		print_expr(f, piece->kind == RX_PIECE_LIMIT ? e->child->next : e->child, piece->decimals);
}

static void print_shares(struct filling *f, const struct rx_piece *piece)
{
	rx_shares_print(&f->ev, piece->expr, f->buf);
}

static void print_count(struct filling *f, const struct rx_piece *piece)
{
	(void)piece;
	wy_buf_addf(f->buf, "%zu", rule_members(f->engine, f->instance, NULL, 0));
}

static void fill(const struct rule_engine *engine, uint32_t instance, enum rx_text text, const char *lang,
		 struct wy_buf *buf)
{
	static void (*const printers[])(struct filling *, const struct rx_piece *) = {
		[RX_PIECE_TEXT] = print_text,             [RX_PIECE_EXPR] = print_piece_expr,
		[RX_PIECE_ASSET_ID] = print_asset_id,     [RX_PIECE_ASSET_NAME] = print_asset_name,
		[RX_PIECE_ASSET_CLASS] = print_asset_class, [RX_PIECE_LABEL] = print_label,
		[RX_PIECE_VALUE] = print_side,            [RX_PIECE_LIMIT] = print_side,
		[RX_PIECE_SHARES] = print_shares,
		[RX_PIECE_COUNT] = print_count,
	};
	const struct rx_instance *it = &engine->set->instances[instance];
	struct filling f = {engine, instance, lang, rx_instance_eval(engine, instance, engine->clock_ms), buf};

	for (size_t i = 0; i < RX_TEMPLATES; i++) {
		const struct rx_template *template = &it->variant->texts[text][i];
		if (!template->lang || strcmp(template->lang, lang) != 0)
			continue;
		for (size_t j = 0; j < template->n; j++)
			printers[template->pieces[j].kind](&f, &template->pieces[j]);
	}
}

void rule_summary(const struct rule_engine *engine, uint32_t instance, const char *lang, struct wy_buf *buf)
{
	fill(engine, instance, RX_SUMMARY, lang, buf);
}

void rule_detail(const struct rule_engine *engine, uint32_t instance, const char *lang, struct wy_buf *buf)
{
	fill(engine, instance, RX_DETAIL, lang, buf);
}

void rule_action(const struct rule_engine *engine, uint32_t instance, const char *lang, struct wy_buf *buf)
{
	fill(engine, instance, RX_ACTION, lang, buf);
}
