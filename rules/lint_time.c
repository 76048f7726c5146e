/* lint_time.c: lengths of time that cannot work: a hold shorter than a poll is over before the second
 * sample comes, a window needs two polls to hold two, silence below two polls is the normal state. */
#include <string.h>

#include "lint_parts.h"
#include "window.h"

static const char *span_text(double ms, char *out, size_t size)
{
	struct wy_buf buf;

	wy_buf_init(&buf, out, size);
	wy_buf_duration(&buf, ms < 9e15 ? (wy_ms)ms : INT64_MAX);
	return out;
}

/* Windows: count(e, w), max(x, w). */
static void check_window(struct rx_lens *lens, const struct rx_expr *call, const struct wy_node *node)
{
	const struct rx_expr *window = rx_window_arg(call);
	char text[40];
	double ms;

	lens->blame = NULL;
	if (!window || !rx_lens_number(lens, window, &ms))
		return;
	ms *= wy_unit_ratio(window->unit, wy_unit_at(WY_UNIT_MS));
	if (ms < 1 || ms > (double)WY_RULE_SPAN_MAX_MS)
		rx_lens_say(lens, WY_DIAG_ERROR, "E401", node, window->at, "the window of %s() is %s; 1ms to 400d are possible",
			    call->fn->name, span_text(ms, text, sizeof(text)));
	else if (call->child->op == RX_POINT && ms < 2.0 * (double)call->child->point->poll_ms)
		rx_lens_say(lens, WY_DIAG_ERROR, "E402", node, window->at,
			    "the window is shorter than two polls of '%s' (%s)", call->child->name,
			    span_text(2.0 * (double)call->child->point->poll_ms, text, sizeof(text)));
}

static wy_ms poll_of(const struct rx_lens *lens, const struct rx_expr *e)
{
	if (e->op == RX_SCALE)
		return poll_of(lens, e->child);
	if (e->op != RX_CALL)
		return 0;
	if (strcmp(e->fn->name, "silence") == 0)
		return lens->load->set->classes[lens->variant->cls].shortest_poll_ms;
	return strcmp(e->fn->name, "age") == 0 ? e->child->point->poll_ms : 0;
}

/* silence() and age() beside a limit, on either side. */
static void check_limit(struct rx_lens *lens, const struct rx_expr *call, const struct rx_expr *limit,
			const struct wy_node *node)
{
	wy_ms poll_ms = poll_of(lens, call);
	char text[40];
	double ms;

	lens->blame = NULL;
	if (!poll_ms || !rx_lens_number(lens, limit, &ms))
		return;
	ms *= wy_unit_ratio(limit->unit, wy_unit_at(WY_UNIT_MS));
	const struct rx_expr *named = call->op == RX_SCALE ? call->child : call;
	if (ms < 2.0 * (double)poll_ms)
		rx_lens_say(lens, WY_DIAG_ERROR, "E403", node, limit->at,
			    "the limit of %s() is below two polls (%s): one late answer would be enough", named->fn->name,
			    span_text(2.0 * (double)poll_ms, text, sizeof(text)));
}

static void check_tree(struct rx_lens *lens, const struct rx_expr *e, const struct wy_node *node)
{
	if (e->op == RX_CALL)
		check_window(lens, e, node);
	if (e->op == RX_COMPARE) {
		check_limit(lens, e->child, e->child->next, node);
		check_limit(lens, e->child->next, e->child, node);
	}
	for (const struct rx_expr *c = e->child; c; c = c->next)
		check_tree(lens, c, node);
}

static wy_ms shortest_poll(const struct rx_lens *lens)
{
	const struct wy_class *cls = lens->load->set->classes[lens->variant->cls].model;
	wy_ms poll_ms = 0;

	for (size_t i = 0; i < lens->variant->n_points; i++) {
		const struct wy_point *point = &cls->points[lens->variant->points[i]];
		poll_ms = !poll_ms || point->poll_ms < poll_ms ? point->poll_ms : poll_ms;
	}
	return poll_ms;
}

static void check_hold(struct rx_lens *lens, const struct rx_level *level)
{
	const struct wy_node *node = level->when.node;
	wy_ms poll_ms = shortest_poll(lens);
	char text[40];

	if (level->share.root) {
		check_tree(lens, level->share.root, level->share.node);
		return;
	}
	lens->blame = NULL;
	double hold_ms = rx_lens_span(lens, &level->hold);
	if (hold_ms > 0 && hold_ms < (double)poll_ms)
		rx_lens_say(lens, WY_DIAG_ERROR, "E402", node, 0,
			    "the hold is shorter than one poll of its points (%s): it can never see a second sample",
			    span_text((double)poll_ms, text, sizeof(text)));
	if (level->tier == 1 && hold_ms > 5 * 60000)
		rx_lens_say(lens, WY_DIAG_WARNING, "W508", node, 0, "S1 with a hold above 5min comes late");
	if (level->tier == 4 && hold_ms <= 0)
		rx_lens_say(lens, WY_DIAG_WARNING, "W508", node, 0, "S4 without 'hold': every flicker becomes a ticket");
}

static wy_ms shortest_poll_in(const struct rx_expr *e)
{
	wy_ms poll_ms = e->op == RX_POINT && e->point ? e->point->poll_ms : 0;

	for (const struct rx_expr *c = e->child; c; c = c->next) {
		wy_ms below_ms = shortest_poll_in(c);
		poll_ms = below_ms && (!poll_ms || below_ms < poll_ms) ? below_ms : poll_ms;
	}
	return poll_ms;
}

/* Windows in the events of a pattern, and its limits against the polls of what they wait for. */
static void check_steps(struct rx_lens *lens)
{
	char text[40];

	for (size_t i = 0; i < lens->variant->n_steps; i++) {
		const struct rx_stage *step = &lens->variant->steps[i];
		wy_ms poll_ms = shortest_poll_in(step->event.root);
		check_tree(lens, step->event.root, step->event.node);
		lens->blame = NULL;
		double limit_ms = rx_lens_span(lens, &step->limit);
		bool has_limit = limit_ms > 0 || step->limit.use != RX_NO_USE || step->is_absent;
		if (has_limit && limit_ms < (double)poll_ms)
			rx_lens_say(lens, WY_DIAG_ERROR, "E402", step->event.node, 0,
				    "'%s' is shorter than one poll of the points here (%s)",
				    step->is_absent ? "for" : "within", span_text((double)poll_ms, text, sizeof(text)));
		if (step->is_absent && limit_ms <= 0 && !poll_ms)
			rx_lens_say(lens, WY_DIAG_ERROR, "E402", step->event.node, 0, "'for' is no time at all");
	}
	if (lens->variant->until.root)
		check_tree(lens, lens->variant->until.root, lens->variant->until.node);
}

void rx_lint_times(struct rx_lens *lens, const struct rx_level *level)
{
	if (level->when.root)
		check_tree(lens, level->when.root, level->when.node);
	if (level->clear.root)
		check_tree(lens, level->clear.root, level->clear.node);
	if (lens->rule->info.kind == RULE_KIND_LEVEL)
		check_hold(lens, level);
	else
		check_steps(lens);
}
