/* lint.c: what is legal and yet cannot be meant: rules that can never raise, never return, or wait for
 * less than one poll. Uses the evaluator on declared ranges instead of values. */
#include <string.h>

#include "load.h"

/* Truth of a condition for all values the declarations allow. */
static enum rule_truth always(const struct rx_load *load, const struct rx_variant *variant, const struct rx_expr *e)
{
	struct rx_eval ev = {.set = load->set, .cls = &load->set->classes[variant->cls], .next_ms = WY_MS_NEVER};

	return (enum rule_truth)rx_eval(&ev, e).truth;
}

static bool reads_point(const struct rx_expr *e)
{
	if (e->op == RX_POINT)
		return true;
	for (const struct rx_expr *c = e->child; c; c = c->next)
		if (reads_point(c))
			return true;
	return false;
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
	if (reads_point(e))
		rx_error(w->load, "E303", w->node, e->at, "this is %s true: see the declared range of the point", word);
	else
		rx_error(w->load, "E508", w->node, e->at, "this is %s true", word);
}

static const struct rx_expr *limit_of(const struct rx_expr *e, const struct rx_expr **ret_call)
{
	const struct rx_expr *a = e->child;

	if (e->op != RX_COMPARE)
		return NULL;
	*ret_call = a->op == RX_CALL ? a : a->next;
	return a->op == RX_CALL ? a->next : a;
}

static void check_poll(struct walk *w, const struct rx_expr *e)
{
	const struct rx_expr *call = NULL;
	const struct rx_expr *limit = limit_of(e, &call);

	for (const struct rx_expr *c = e->child; c; c = c->next)
		check_poll(w, c);
	if (e->op == RX_CALL && e->child && e->child->op == RX_POINT && e->child->next &&
	    e->child->next->op == RX_NUMBER && e->fn->memory_bytes &&
	    e->child->next->real < 2.0 * (double)e->child->point->poll_ms)
		rx_error(w->load, "E402", w->node, e->child->next->at, "the window is shorter than two polls of '%s'",
			 e->child->name);
	if (!limit || call->op != RX_CALL || limit->op != RX_NUMBER)
		return;
	wy_ms poll_ms = 0;
	if (strcmp(call->fn->name, "silence") == 0)
		poll_ms = w->load->set->classes[w->variant->cls].shortest_poll_ms;
	else if (strcmp(call->fn->name, "age") == 0)
		poll_ms = call->child->point->poll_ms;
	if (!poll_ms || limit->real >= 2.0 * (double)poll_ms)
		return;
	char text[40];
	struct wy_buf buf;
	wy_buf_init(&buf, text, sizeof(text));
	wy_buf_duration(&buf, 2 * poll_ms);
	rx_error(w->load, "E403", w->node, limit->at, "the limit of %s() is below two polls (%s)", call->fn->name, text);
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

static void check_return(struct rx_load *load, const struct rx_rule *rule, const struct rx_variant *variant,
			 const struct rx_level *level, const struct wy_node *node)
{
	if (level->clear.root) {
		struct walk w = {load, variant, level->clear.node, false};
		enum rule_truth truth = always(load, variant, level->clear.root);
		if (truth == RULE_FALSE)
			rx_error(load, "E503", level->clear.node, 0, "'clear' can never be true: this rule never returns");
		if (truth == RULE_TRUE)
			rx_error(load, "E508", level->clear.node, 0, "'clear' is always true");
		check_poll(&w, level->clear.root);
		return;
	}
	bool has_pause = level->clear_hold.ms > 0 || level->clear_hold.use != RX_NO_USE;
	if (!has_pause && rule->info.latch == RULE_LATCH_NONE)
		rx_error(load, "E501", node, 0, "no way back: give 'clear', or 'clear_hold' to return on 'not when', or 'latch'");
	else if (compares_numbers(level->when.root))
		rx_warn(load, "W310", level->when.node, 0,
			"a measured number without 'clear' flickers at its limit; give 'clear' a limit further away");
}

static wy_ms shortest_poll(const struct rx_load *load, const struct rx_variant *variant)
{
	const struct wy_class *cls = load->set->classes[variant->cls].model;
	wy_ms poll_ms = 0;

	for (size_t i = 0; i < variant->n_points; i++) {
		const struct wy_point *point = &cls->points[variant->points[i]];
		poll_ms = !poll_ms || point->poll_ms < poll_ms ? point->poll_ms : poll_ms;
	}
	return poll_ms;
}

static void lint_level(struct rx_load *load, const struct rx_rule *rule, const struct rx_variant *variant,
		       const struct rx_level *level)
{
	struct walk w = {load, variant, level->when.node, false};
	wy_ms hold_ms = level->hold.ms;

	if (is_constant(level->when.root))
		rx_error(load, "E508", level->when.node, 0, "this condition is the same for ever");
	else
		walk_constant(&w, level->when.root);
	check_poll(&w, level->when.root);
	check_return(load, rule, variant, level, level->when.node);
	if (hold_ms > 0 && hold_ms < shortest_poll(load, variant))
		rx_error(load, "E402", level->when.node, 0, "the hold is shorter than one poll of its points");
	if (level->tier == 1 && hold_ms > 5 * 60000)
		rx_warn(load, "W508", level->when.node, 0, "S1 with a hold above 5min comes late");
	if (level->tier == 4 && hold_ms == 0)
		rx_warn(load, "W508", level->when.node, 0, "S4 without 'hold': every flicker becomes a ticket");
	bool is_severe = level->tier <= 2;
	if (is_severe && (rule->on_unknown == RX_CLEAR || rule->on_unknown == RX_RESET))
		rx_warn(load, "W507", wy_node_get(rule->node, "on_unknown"), 0,
			"S1 and S2 should not be given up because data is missing");
}

/* Both compare the same left side with a literal in the same direction, after the same hold. */
static bool is_ladder(const struct rx_level *a, const struct rx_level *b)
{
	const struct rx_expr *x = a->when.root;
	const struct rx_expr *y = b->when.root;

	if (x->op != RX_COMPARE || y->op != RX_COMPARE || x->cmp != y->cmp || a->hold.ms != b->hold.ms ||
	    a->hold.use != b->hold.use)
		return false;
	return x->child->hash == y->child->hash && x->child->next->op == RX_NUMBER && y->child->next->op == RX_NUMBER;
}

static void lint_ladder(struct rx_load *load, const struct rx_level *a, const struct rx_level *b)
{
	if (!is_ladder(a, b))
		return;
	double x = a->when.root->child->next->real;
	double y = b->when.root->child->next->real;
	enum rx_cmp cmp = (enum rx_cmp)a->when.root->cmp;
	bool is_up = cmp == RX_GT || cmp == RX_GE;
	bool is_down = cmp == RX_LT || cmp == RX_LE;
	bool is_severer = b->tier < a->tier;

	if (x == y)
		rx_error(load, "E505", b->when.node, 0, "two levels with the same condition and hold");
	else if ((is_up && (y > x) != is_severer) || (is_down && (y < x) != is_severer))
		rx_error(load, "E505", b->when.node, 0, "the limits of the levels are in the wrong order: S%u should be reached later than S%u",
			 is_severer ? b->tier : a->tier, is_severer ? a->tier : b->tier);
}

void rx_lint_rule(struct rx_load *load, const struct rx_rule *rule)
{
	uint8_t worst = 4;

	/* The first class stands for all: they share the text. */
	const struct rx_variant *variant = &rule->variants[0];
	for (size_t i = 0; i < rule->info.n_levels; i++) {
		lint_level(load, rule, variant, &variant->levels[i]);
		for (size_t j = 0; j < i; j++)
			lint_ladder(load, &variant->levels[j], &variant->levels[i]);
		worst = variant->levels[i].tier < worst ? variant->levels[i].tier : worst;
	}
	if (worst <= 2 && !wy_node_get(rule->node, "meta"))
		rx_warn(load, "W515", wy_node_get(rule->node, "id"), 0,
			"S1 and S2 need 'meta' with cause, consequence and response");
}
