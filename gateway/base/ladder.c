/* ladder.c: see ladder.h. */
#include "ladder.h"

#include <string.h>

#include "fields.h"

struct step_fields {
	wy_ms after_ms;
	int unless, tier, clock;
	const char *to;
};

static const char *const unless_words[] = {"acked", "assigned", "on_site", "resolved", NULL}; /* enum wy_unless */
static const char *const tier_words[] = {"S1", "S2", "S3", "S4", NULL};
static const char *const clock_words[] = {"elapsed", "working", NULL};

#define AT(member) offsetof(struct step_fields, member)
static const struct wy_field step_rows[] = {
	{"after", WY_FIELD_DURATION, AT(after_ms), true, 0, WY_RULE_SPAN_MAX_MS, NULL, "how long after the ticket was opened"},
	{"to", WY_FIELD_ID, AT(to), true, 0, 0, NULL, "whom to tell"},
	{"unless", WY_FIELD_CHOICE, AT(unless), false, 0, 0, unless_words, "what makes it needless"},
	{"tier", WY_FIELD_CHOICE, AT(tier), false, 0, 0, tier_words, "the ticket gets at least this"},
	{"clock", WY_FIELD_CHOICE, AT(clock), false, 0, 0, clock_words, "which hours count"},
};
#undef AT

static enum wy_err read_step(const struct wy_node *node, struct wy_arena *arena, struct wy_step *step,
			     struct wy_diags *diags)
{
	struct step_fields fields = {.unless = WY_UNLESS_RESOLVED, .tier = -1};

	if (wy_fields_read(node, step_rows, sizeof(step_rows) / sizeof(*step_rows), &fields, diags))
		return WY_E_INVALID;
	const char *to = wy_arena_text(arena, fields.to, strlen(fields.to));
	*step = (struct wy_step){fields.after_ms, (uint8_t)fields.unless, (uint8_t)(fields.tier + 1),
				 fields.clock == 1, to};
	return to ? WY_OK : WY_E_NOMEM;
}

static enum wy_err check_order(const struct wy_ladder *ladder, const struct wy_node *node, struct wy_diags *diags)
{
	for (size_t i = 0; i < ladder->n; i++, node = node->next)
		for (size_t k = 0; k < i; k++) {
			if (strcmp(ladder->steps[k].to, ladder->steps[i].to) != 0 ||
			    ladder->steps[k].unless != ladder->steps[i].unless)
				continue;
			wy_diag_add(diags, WY_DIAG_ERROR, "E108", wy_node_get(node, "to"), 0,
				    "'%s' stands in this ladder twice with the same 'unless'; each is told once",
				    ladder->steps[i].to);
			return WY_E_INVALID;
		}
	return WY_OK;
}

enum wy_err wy_ladder_read(const struct wy_node *node, struct wy_arena *arena, struct wy_ladder *ret_ladder,
			   struct wy_diags *diags)
{
	if (node->kind != WY_NODE_SEQ || node->n > WY_LADDER_STEPS_MAX) {
		wy_diag_add(diags, WY_DIAG_ERROR, "E105", node, 0, "expected a list of at most %u steps such as "
			    "{after: 30min, unless: acked, to: dept_head}", WY_LADDER_STEPS_MAX);
		return WY_E_INVALID;
	}
	struct wy_step *steps = wy_arena_array(arena, node->n, sizeof(*steps));
	enum wy_err err = steps ? WY_OK : WY_E_NOMEM;
	size_t n = 0;
	for (const struct wy_node *m = node->child; m && err != WY_E_NOMEM; m = m->next) {
		enum wy_err step_err = read_step(m, arena, &steps[n++], diags);
		err = step_err ? step_err : err;
	}
	if (err)
		return err;
	*ret_ladder = (struct wy_ladder){steps, n};
	return check_order(ret_ladder, node->child, diags);
}
