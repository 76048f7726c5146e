/* read_steps.c: rules that wait for something to happen: `event` with `if`, and `pattern`. An event is read as a
 * pattern of one step. Both have one level, whose `when` holds what is asked at the instant of the event. */
#include "check.h"
#include "fields.h"
#include "params.h"
#include "read_parts.h"

/* ---- Event -------------------------------------------------------------------------------- */

static void read_event(struct rx_scope *scope, struct rx_variant *variant, const struct rx_rule_keys *fields)
{
	variant->steps = rx_load_alloc(scope->load, 1, sizeof(*variant->steps));
	if (!variant->steps)
		return;
	variant->steps[0] = (struct rx_stage){.event = rx_read_cond(scope->load, fields->event), .limit = {0, RX_NO_USE}};
	variant->n_steps = 1;
	variant->levels[0].when = rx_read_cond(scope->load, fields->condition);
}

/* ---- Pattern ------------------------------------------------------------------------------ */

struct step_fields {
	const struct wy_node *see, *within, *absent, *length;
};

static const struct wy_field step_rows[] = {
	{"see", WY_FIELD_NODE, offsetof(struct step_fields, see), false, 0, 0, NULL, "an event"},
	{"within", WY_FIELD_NODE, offsetof(struct step_fields, within), false, 0, 0, NULL, "a length of time"},
	{"absent", WY_FIELD_NODE, offsetof(struct step_fields, absent), false, 0, 0, NULL, "an event"},
	{"for", WY_FIELD_NODE, offsetof(struct step_fields, length), false, 0, 0, NULL, "a length of time"},
};

/* A step on its own: {see: event}, {see: event, within: d} or {absent: event, for: d}. */
static bool is_step(struct rx_load *load, const struct wy_node *node, const struct step_fields *fields)
{
	if (!fields->see == !fields->absent)
		rx_error(load, "E105", node, 0, "a step is {see: event, within: 10s} or {absent: event, for: 10s}");
	else if (fields->see && fields->length)
		rx_error(load, "E105", fields->length->key, 0, "'for' belongs to 'absent'; a 'see' has 'within'");
	else if (fields->absent && fields->within)
		rx_error(load, "E105", fields->within->key, 0, "'within' belongs to 'see'; an 'absent' has 'for'");
	else if (fields->absent && !fields->length)
		rx_error(load, "E107", node, 0, "key 'for' is missing here: how long the event must stay away");
	else
		return true;
	return false;
}

static void read_step(struct rx_scope *scope, struct rx_variant *variant, const struct wy_node *node)
{
	struct rx_load *load = scope->load;
	struct step_fields fields = {0};
	struct rx_stage *step = &variant->steps[variant->n_steps];

	if (wy_fields_read(node, step_rows, sizeof(step_rows) / sizeof(*step_rows), &fields, load->diags) ||
	    !is_step(load, node, &fields))
		return;
	if (!variant->n_steps && !fields.see) {
		rx_error(load, "E105", node, 0, "a pattern begins with 'see': without it there is nothing to count from");
		return;
	}
	if (!variant->n_steps && fields.within) {
		rx_error(load, "E105", fields.within->key, 0, "the first step comes after nothing; take 'within' out");
		return;
	}
	step->is_absent = fields.absent;
	step->event = rx_read_cond(load, fields.absent ? fields.absent : fields.see);
	step->limit = rx_span_or(scope, fields.absent ? fields.length : fields.within, 0);
	variant->n_steps++;
}

struct pattern_fields {
	const struct wy_node *steps, *until;
	int restart;
};

static const char *const restarts[] = {"first", "latest", NULL};

static const struct wy_field pattern_rows[] = {
	{"steps", WY_FIELD_NODE, offsetof(struct pattern_fields, steps), true, 0, 0, NULL, "list of steps"},
	{"until", WY_FIELD_NODE, offsetof(struct pattern_fields, until), false, 0, 0, NULL, "a condition"},
	{"restart", WY_FIELD_CHOICE, offsetof(struct pattern_fields, restart), false, 0, 0, restarts, "first or latest"},
};

static void read_pattern(struct rx_scope *scope, struct rx_variant *variant, const struct rx_rule_keys *keys)
{
	struct rx_load *load = scope->load;
	struct pattern_fields fields = {.restart = 0};

	if (wy_fields_read(keys->pattern, pattern_rows, sizeof(pattern_rows) / sizeof(*pattern_rows), &fields, load->diags))
		return;
	const struct wy_node *steps = fields.steps;
	if (steps->kind != WY_NODE_SEQ || steps->n < 2 || steps->n > WY_PATTERN_STEPS_MAX) {
		rx_error(load, "E105", steps, 0, "expected a list of 2 to %u steps", WY_PATTERN_STEPS_MAX);
		return;
	}
	variant->steps = rx_load_alloc(load, steps->n, sizeof(*variant->steps));
	for (const struct wy_node *m = steps->child; m && variant->steps; m = m->next)
		read_step(scope, variant, m);
	variant->until = rx_read_cond(load, fields.until);
	variant->is_latest = fields.restart == 1;
}

/* ---- Both --------------------------------------------------------------------------------- */

size_t rx_read_steps(struct rx_scope *scope, struct rx_variant *variant, const struct rx_rule_keys *fields)
{
	struct rx_load *load = scope->load;
	struct rx_level *level = &variant->levels[0];
	const struct wy_node *node = scope->rule->node;

	if (fields->tier < 0 && !wy_node_get(node, "tier"))
		rx_error(load, "E107", node, 0, "key 'tier' is missing here (S1 to S4)");
	if (fields->event)
		read_event(scope, variant, fields);
	else
		read_pattern(scope, variant, fields);
	level->tier = (uint8_t)(fields->tier + 1);
	level->hold = rx_span_or(scope, NULL, 0);
	level->clear = rx_read_cond(load, fields->clear);
	level->clear_hold = rx_span_or(scope, fields->clear_hold, 0);
	for (size_t i = 0; i < variant->n_steps; i++)
		rx_check_event(scope, &variant->steps[i].event);
	rx_check_cond(scope, &level->when);
	rx_check_cond(scope, &variant->until);
	rx_check_cond(scope, &level->clear);
	return fields->tier < 0 ? 0 : 1;
}
