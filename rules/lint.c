/* lint.c: what is legal and yet cannot be meant: rules that can never raise, never return, or wait for
 * less than one poll. Uses the evaluator on declared ranges instead of values. */
#include "lint.h"

#include "eval.h"
#include "lint_parts.h"

/* Truth of a condition for all values the declarations allow. */
static enum rule_truth always(const struct rx_load *load, const struct rx_variant *variant, const struct rx_expr *e)
{
	struct rx_eval ev = {.set = load->set, .cls = &load->set->classes[variant->cls], .next_ms = WY_MS_NEVER};

	return (enum rule_truth)rx_eval(&ev, e).truth;
}

/* The first point an expression reads. */
static const struct wy_point *point_in(const struct rx_expr *e)
{
	const struct wy_point *point = e->op == RX_POINT ? e->point : NULL;

	for (const struct rx_expr *c = e->child; c && !point; c = c->next)
		point = point_in(c);
	return point;
}

static const char *range_of(const struct wy_point *point, char *out, size_t size)
{
	struct wy_buf buf;

	wy_buf_init(&buf, out, size);
	if (!point->has_range) {
		wy_buf_add(&buf, "can have no other value");
		return out;
	}
	wy_buf_add(&buf, "is declared ");
	wy_buf_real(&buf, point->lo, 6);
	wy_buf_add(&buf, " to ");
	wy_buf_real(&buf, point->hi, 6);
	if (point->unit)
		wy_buf_addf(&buf, " %s", point->unit->name);
	return out;
}

static bool is_constant(const struct rx_expr *e)
{
	if (e->op == RX_POINT || e->op == RX_CALL || e->op == RX_PARAM)
		return false;
	for (const struct rx_expr *c = e->child; c; c = c->next)
		if (!is_constant(c))
			return false;
	return true;
}

static const char no_way_back[] =
	"no way back: give 'clear', or 'clear_hold' to return on 'not when', or 'latch'";

struct walk {
	struct rx_load *load;
	const struct rx_variant *variant;
	const struct wy_node *node;
	bool is_said;
};

/* Comparisons that no value can change: the innermost one is named. */
static void walk_constant(struct walk *w, const struct rx_expr *e)
{
	for (const struct rx_expr *c = e->child; c; c = c->next)
		if (c->type == RX_T_BOOL)
			walk_constant(w, c);
	enum rule_truth truth = always(w->load, w->variant, e);
	if (w->is_said || e->type != RX_T_BOOL || truth == RULE_UNKNOWN || e->op == RX_TRUTH)
		return;
	w->is_said = true;
	const char *word = truth == RULE_TRUE ? "always" : "never";
	const struct wy_point *point = point_in(e);
	char range[80];
	if (point)
		rx_error(w->load, "E303", w->node, e->at, "this is %s true: '%s' %s", word, point->name,
			 range_of(point, range, sizeof(range)));
	else
		rx_error(w->load, "E508", w->node, e->at, "this is %s true", word);
}

static bool compares_numbers(const struct rx_expr *e)
{
	bool is_timed = e->op == RX_COMPARE && (e->child->op == RX_CALL || e->child->next->op == RX_CALL);

	if (e->op == RX_COMPARE && e->child->type == RX_T_REAL && !is_timed)
		return true;
	for (const struct rx_expr *c = e->child; c; c = c->next)
		if (c->type == RX_T_BOOL && compares_numbers(c))
			return true;
	return false;
}

static void check_clear(struct rx_load *load, const struct rx_variant *variant, const struct rx_cond *clear)
{
	enum rule_truth truth = always(load, variant, clear->root);

	if (truth == RULE_FALSE)
		rx_error(load, "E503", clear->node, 0, "'clear' can never be true: this rule never returns");
	if (truth == RULE_TRUE)
		rx_error(load, "E508", clear->node, 0, "'clear' is always true");
}

static void check_return(struct rx_load *load, const struct rx_rule *rule, const struct rx_variant *variant,
			 const struct rx_level *level, const struct wy_node *node)
{
	if (level->clear.root) {
		check_clear(load, variant, &level->clear);
		return;
	}
	bool has_pause = level->clear_hold.ms > 0 || level->clear_hold.use != RX_NO_USE;
	if (!has_pause && rule->info.latch == RULE_LATCH_NONE)
		rx_error(load, "E501", node, 0, "%s", no_way_back);
	else if (compares_numbers(level->when.root))
		rx_warn(load, "W310", level->when.node, 0,
			"a measured number without 'clear' flickers at its limit; give 'clear' a limit further away");
}

static void check_policy(const struct rx_lens *lens, const struct rx_level *level)
{
	if (level->tier <= 2 && (lens->rule->on_unknown == RX_CLEAR || lens->rule->on_unknown == RX_RESET))
		rx_warn(lens->load, "W507", wy_node_get(lens->rule->node, "on_unknown"), 0,
			"S1 and S2 should not be given up because data is missing; write freeze or raise");
}

/* ---- Predictions -------------------------------------------------------------------------- */

static bool is_eta(const struct rx_expr *e)
{
	return e->op == RX_CALL && e->fn->query == fn_eta;
}

/* The first eta(...) beside a constant, and that constant in ms. */
static const struct rx_expr *horizon_in(struct rx_lens *lens, const struct rx_expr *e, double *ret_ms)
{
	const struct rx_expr *found = NULL;

	if (e->op == RX_COMPARE) {
		const struct rx_expr *call = is_eta(e->child) ? e->child : e->child->next;
		const struct rx_expr *limit = call == e->child ? e->child->next : e->child;
		return is_eta(call) && rx_lens_number(lens, limit, ret_ms) ? call : NULL;
	}
	for (const struct rx_expr *c = e->child; c && !found; c = c->next)
		found = c->type == RX_T_BOOL ? horizon_in(lens, c, ret_ms) : NULL;
	return found;
}

/* A prediction wavers: one that is taken back where it was made comes and goes. */
static void check_horizon(struct rx_lens *lens, const struct rx_level *level)
{
	double raise_ms;
	double clear_ms;

	lens->blame = NULL;
	const struct rx_expr *raise = horizon_in(lens, level->when.root, &raise_ms);
	if (!raise || (!level->clear.root && lens->rule->info.latch != RULE_LATCH_NONE))
		return;
	const struct rx_expr *clear = level->clear.root ? horizon_in(lens, level->clear.root, &clear_ms) : NULL;
	bool is_short = clear ? clear->hash == raise->hash && clear_ms <= raise_ms : !level->clear.root;
	if (is_short)
		rx_warn(lens->load, "W513", level->when.node, raise->at,
			"a prediction wavers; give 'clear' a longer horizon, such as 'eta(...) > 14d' beside 'eta(...) < 7d'");
}

static void lint_level(struct rx_lens *lens, const struct rx_level *level)
{
	struct rx_load *load = lens->load;
	struct walk w = {load, lens->variant, level->when.node, false};
	size_t errors = load->diags->errors;

	if (is_constant(level->when.root))
		rx_error(load, "E508", level->when.node, 0, "this condition is the same for ever: it reads no point");
	else
		walk_constant(&w, level->when.root);
	check_return(load, lens->rule, lens->variant, level, level->when.node);
	rx_lint_times(lens, level);
	check_horizon(lens, level);
	if (load->diags->errors == errors) {
		rx_lint_region(lens, level);
		rx_lint_trust(lens, level);
	}
	check_policy(lens, level);
}

/* A condition that belongs to an event or a pattern, where there is one. */
static void lint_cond(struct rx_lens *lens, const struct rx_cond *cond)
{
	struct walk w = {lens->load, lens->variant, cond->node, false};

	if (!cond->root)
		return;
	if (is_constant(cond->root))
		rx_error(lens->load, "E508", cond->node, 0, "this condition is the same for ever: it reads no point");
	else
		walk_constant(&w, cond->root);
}

static void lint_steps(struct rx_lens *lens, const struct rx_level *level)
{
	const char *kind = lens->rule->info.kind == RULE_KIND_EVENT ? "event" : "pattern";

	if (!level->clear.root && lens->rule->info.latch == RULE_LATCH_NONE)
		rx_error(lens->load, "E504", wy_node_get(lens->rule->node, kind)->key, 0,
			 "no way back: a rule with '%s' needs 'clear', or 'latch' so that a person ends it", kind);
	if (level->clear.root)
		check_clear(lens->load, lens->variant, &level->clear);
	lint_cond(lens, &level->when);
	lint_cond(lens, &lens->variant->until);
	rx_lint_times(lens, level);
	check_policy(lens, level);
}

/* Both compare the same variable with a constant in the same direction, after the same hold. */
static bool is_ladder(const struct rx_level *a, const struct rx_level *b)
{
	const struct rx_expr *x = a->when.root;
	const struct rx_expr *y = b->when.root;

	if (x->op != RX_COMPARE || y->op != RX_COMPARE || x->cmp != y->cmp)
		return false;
	return x->child->hash == y->child->hash;
}

/* Two levels that raise together may yet part on the way back. */
static bool returns_alike(struct rx_lens *lens, const struct rx_level *a, const struct rx_level *b)
{
	uint64_t x = a->clear.root ? a->clear.root->hash : 0;
	uint64_t y = b->clear.root ? b->clear.root->hash : 0;

	return x == y && rx_lens_span(lens, &a->clear_hold) == rx_lens_span(lens, &b->clear_hold);
}

/* The severer level has the limit that is met later, unless it comes after a longer hold. */
static void lint_ladder(struct rx_lens *lens, const struct rx_level *a, const struct rx_level *b)
{
	const struct rx_level *severe = b->tier < a->tier ? b : a;
	const struct rx_level *mild = b->tier < a->tier ? a : b;
	double x;
	double y;

	lens->blame = NULL;
	if (!is_ladder(a, b) || !rx_lens_number(lens, severe->when.root->child->next, &x) ||
	    !rx_lens_number(lens, mild->when.root->child->next, &y))
		return;
	double severe_ms = rx_lens_span(lens, &severe->hold);
	double mild_ms = rx_lens_span(lens, &mild->hold);
	enum rx_cmp cmp = (enum rx_cmp)a->when.root->cmp;
	bool is_up = cmp == RX_GT || cmp == RX_GE;
	bool is_down = cmp == RX_LT || cmp == RX_LE;

	if (x == y && severe_ms == mild_ms && returns_alike(lens, a, b))
		rx_lens_say(lens, WY_DIAG_ERROR, "E505", b->when.node, 0,
			    "two levels with the same condition, hold and way back: they can never differ");
	else if (a->tier != b->tier && severe_ms <= mild_ms && ((is_up && x < y) || (is_down && x > y)))
		rx_lens_say(lens, WY_DIAG_ERROR, "E505", b->when.node, 0,
			    "the limits of the levels are in the wrong order: S%u should be reached later than S%u",
			    severe->tier, mild->tier);
}

static void lint_variant(struct rx_load *load, const struct rx_rule *rule, const struct rx_variant *variant)
{
	struct rx_lens lens = {.load = load, .rule = rule, .variant = variant};

	if (rule->info.kind != RULE_KIND_LEVEL) {
		lint_steps(&lens, &variant->levels[0]);
		return;
	}
	for (size_t i = 0; i < rule->info.n_levels; i++) {
		lint_level(&lens, &variant->levels[i]);
		for (size_t j = 0; j < i; j++)
			lint_ladder(&lens, &variant->levels[j], &variant->levels[i]);
	}
}

void rx_lint_rule(struct rx_load *load, const struct rx_rule *rule)
{
	size_t errors = load->diags->errors;
	size_t warnings = load->diags->warnings;
	uint8_t worst = 4;

	/* Classes differ in ranges and polls. The first that has something to say is enough. */
	for (size_t i = 0; i < rule->n_variants; i++)
		if (load->diags->errors == errors && load->diags->warnings == warnings)
			lint_variant(load, rule, &rule->variants[i]);
	for (size_t i = 0; i < rule->info.n_levels; i++)
		worst = rule->variants[0].levels[i].tier < worst ? rule->variants[0].levels[i].tier : worst;
	if (worst <= 2 && !wy_node_get(rule->node, "meta"))
		rx_warn(load, "W515", wy_node_get(rule->node, "id"), 0,
			"S1 and S2 need 'meta' with cause, consequence and response");
}

static bool is_without_way_back(struct rx_lens *lens, const struct rx_level *level)
{
	return !level->clear.root && lens->rule->info.latch == RULE_LATCH_NONE && level->clear_hold.use != RX_NO_USE &&
	       rx_lens_span(lens, &level->clear_hold) <= 0;
}

void rx_lint_values(struct rx_load *load, const struct rx_rule *rule, const struct rx_variant *variant,
		    const struct rx_const *values, const struct wy_override *const *from, uint32_t *said)
{
	struct rx_lens lens = {.load = load, .rule = rule, .variant = variant, .values = values, .from = from,
			       .said = said};

	for (size_t i = 0; i < rule->info.n_levels; i++) {
		const struct rx_level *level = &variant->levels[i];
		rx_lint_times(&lens, level);
		if (rule->info.kind != RULE_KIND_LEVEL)
			continue;
		rx_lint_region(&lens, level);
		lens.blame = NULL;
		if (is_without_way_back(&lens, level))
			rx_lens_say(&lens, WY_DIAG_ERROR, "E501", level->when.node, 0, "%s", no_way_back);
		for (size_t j = 0; j < i; j++)
			lint_ladder(&lens, &variant->levels[j], level);
	}
}
