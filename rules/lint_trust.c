/* lint_trust.c: conditions that hold less than they promise: a hold finer than any of its windows can tell, an emergency that
 * rests on a guess. Warnings only. */
#include <string.h>

#include "lint_parts.h"
#include "panes.h"
#include "window.h"

/* ---- Windows and holds --------------------------------------------------------------------- */

/* Small counts are exact; all other windows answer anew from pane to pane. */
static bool moves_by_panes(const struct rx_expr *call)
{
	return rx_window_arg(call) && strcmp(call->fn->name, "count") != 0;
}

/* What a condition moves by: the call with the finest panes. A point, a count or a time moves at once: NULL. */
struct grain {
	const struct rx_expr *call;
	double pane_ms;
	bool is_fine;
};

static void find_grain(struct rx_lens *lens, const struct rx_expr *e, struct grain *ret)
{
	double ms;

	if (e->op == RX_CALL && moves_by_panes(e) && rx_lens_number(lens, rx_window_arg(e), &ms)) {
		ms *= wy_unit_ratio(rx_window_arg(e)->unit, wy_unit_at(WY_UNIT_MS)) / (RX_PANES - 1);
		if (!ret->call || ms < ret->pane_ms)
			*ret = (struct grain){e, ms, ret->is_fine};
		return;
	}
	ret->is_fine = ret->is_fine || e->op == RX_POINT || (e->op == RX_CALL && !e->child) || (e->op == RX_CALL && rx_window_arg(e));
	for (const struct rx_expr *c = e->child; c; c = c->next)
		find_grain(lens, c, ret);
}

/* True: said. One word for a level is enough. */
static bool check_panes(struct rx_lens *lens, const struct rx_expr *e, const struct wy_node *node, double hold_ms)
{
	struct grain grain = {0};
	char pane[40], hold[40];
	struct wy_buf pane_buf, hold_buf;

	find_grain(lens, e, &grain);
	if (hold_ms <= 0 || grain.is_fine || !grain.call || grain.pane_ms <= hold_ms || grain.pane_ms < 1000)
		return false;
	wy_buf_init(&pane_buf, pane, sizeof(pane));
	wy_buf_init(&hold_buf, hold, sizeof(hold));
	wy_buf_duration(&pane_buf, rx_pane_ms((wy_ms)(grain.pane_ms * (RX_PANES - 1))) / 1000 * 1000);
	wy_buf_duration(&hold_buf, (wy_ms)hold_ms);
	rx_lens_say(lens, WY_DIAG_WARNING, "W404", node, grain.call->at,
		    "%s() answers anew every %s; a hold of %s tells nothing it did not say before", grain.call->fn->name, pane,
		    hold);
	return true;
}

/* ---- Guesses ------------------------------------------------------------------------------- */

static bool is_guess(const struct rx_function *fn)
{
	return fn->is_baseline || strcmp(fn->name, "eta") == 0 || strcmp(fn->name, "forecast") == 0;
}

static bool has_guess(const struct rx_expr *e)
{
	if (e->op == RX_CALL && is_guess(e->fn))
		return true;
	for (const struct rx_expr *c = e->child; c; c = c->next)
		if (has_guess(c))
			return true;
	return false;
}

/* Can it be true without any measured condition? An `or` by any of its members, an `and` only if all are guesses. */
static bool is_only_guessed(const struct rx_expr *e)
{
	if (e->op != RX_AND && e->op != RX_OR)
		return e->op == RX_NOT ? is_only_guessed(e->child) : has_guess(e);
	for (const struct rx_expr *c = e->child; c; c = c->next)
		if (is_only_guessed(c) == (e->op == RX_OR))
			return e->op == RX_OR;
	return e->op == RX_AND;
}

void rx_lint_trust(struct rx_lens *lens, const struct rx_level *level)
{
	lens->blame = NULL;
	if (!check_panes(lens, level->when.root, level->when.node, rx_lens_span(lens, &level->hold)) && level->clear.root)
		check_panes(lens, level->clear.root, level->clear.node, rx_lens_span(lens, &level->clear_hold));
	if (level->tier == 1 && is_only_guessed(level->when.root))
		rx_lens_say(lens, WY_DIAG_WARNING, "W510", level->when.node, 0,
			    "S1 on a baseline or a prediction alone: an emergency needs a measured limit beside it");
}
