/* telling_read.c: see telling_read.h. */
#include "telling_read.h"

#include <string.h>

#include "fields.h"
#include "ladder.h"

enum { SECOND_MS = 1000, MINUTE_MS = 60000, HOUR_MS = 3600000, DAY_MS = 86400000 };

static const char *const tier_words[] = {"S1", "S2", "S3", "S4", NULL};

/* The most severe tier it can raise with. */
static uint8_t worst_tier(const struct rx_rule *rule)
{
	uint8_t tier = 4;

	for (size_t i = 0; i < rule->info.n_levels && rule->info.levels; i++)
		if (rule->info.levels[i].tier < tier)
			tier = rule->info.levels[i].tier;
	return tier;
}

/* ---- Chatter ------------------------------------------------------------------------------ */

struct chatter_fields {
	int64_t max;
	wy_ms per_ms, quiet_ms;
};

#define AT(member) offsetof(struct chatter_fields, member)
static const struct wy_field chatter_rows[] = {
	{"max", WY_FIELD_INT, AT(max), false, 2, WY_RULE_RING_MAX, NULL, "so many raises ..."},
	{"per", WY_FIELD_DURATION, AT(per_ms), false, SECOND_MS, WY_RULE_SPAN_MAX_MS, NULL, "... in this time are chatter"},
	{"quiet", WY_FIELD_DURATION, AT(quiet_ms), false, SECOND_MS, WY_RULE_SPAN_MAX_MS, NULL, "no raise for so long ends it"},
};
#undef AT

static void read_chatter(struct rx_load *load, struct rx_rule *rule, const struct wy_node *node)
{
	struct chatter_fields fields = {5, 10 * MINUTE_MS, 30 * MINUTE_MS};

	if (node && wy_node_is(node, "none"))
		return;
	if (node && node->kind == WY_NODE_SCALAR) {
		rx_error(load, "E105", node, 0, "expected {max, per, quiet} or none, found '%s'", node->text);
		return;
	}
	if (node && wy_fields_read(node, chatter_rows, 3, &fields, load->diags))
		return;
	rule->chatter = (struct rx_chatter){(uint8_t)fields.max, fields.per_ms, fields.quiet_ms};
}

/* ---- Recurrence --------------------------------------------------------------------------- */

struct recur_fields {
	int64_t count;
	wy_ms within_ms;
	const struct wy_node *then;
};

#define AT(member) offsetof(struct recur_fields, member)
static const struct wy_field recur_rows[] = {
	{"count", WY_FIELD_INT, AT(count), true, 2, WY_RULE_RING_MAX, NULL, "so many faults ..."},
	{"within", WY_FIELD_DURATION, AT(within_ms), true, SECOND_MS, WY_RULE_SPAN_MAX_MS, NULL, "... in this time"},
	{"then", WY_FIELD_NODE, AT(then), true, 0, 0, NULL, "{tier, kind, fault}"},
};
#undef AT

static const char *const kind_words[] = {"problem", NULL};

struct then_fields {
	int tier, kind;
	const char *fault;
};

#define AT(member) offsetof(struct then_fields, member)
static const struct wy_field then_rows[] = {
	{"tier", WY_FIELD_CHOICE, AT(tier), true, 0, 0, tier_words, "the ticket gets at least this"},
	{"kind", WY_FIELD_CHOICE, AT(kind), false, 0, 0, kind_words, "problem: a ticket of its own"},
	{"fault", WY_FIELD_ID, AT(fault), false, 0, 0, NULL, "of the problem's ticket"},
};
#undef AT

static void read_recur(struct rx_load *load, struct rx_rule *rule, const struct wy_node *node)
{
	struct recur_fields fields = {0};
	struct then_fields then = {0, -1, NULL};

	if (!node || wy_fields_read(node, recur_rows, 3, &fields, load->diags) ||
	    wy_fields_read(fields.then, then_rows, 3, &then, load->diags))
		return;
	if (then.fault && then.kind < 0) {
		rx_error(load, "E107", fields.then, 0, "a 'fault' belongs to a ticket of its own; key 'kind: problem' is missing here");
		return;
	}
	rule->recur.count = (uint8_t)fields.count;
	rule->recur.tier = (uint8_t)(then.tier + 1);
	rule->recur.within_ms = fields.within_ms;
	if (fields.count > 1 && (wy_ms)fields.count * rule->chatter.per_ms > fields.within_ms)
		rx_warn(load, "W516", wy_node_get(node, "within"), 0,
			"raises less than chatter.per apart count once: %lld of them do not fit into 'within'",
			(long long)fields.count);
}

/* ---- The rest ----------------------------------------------------------------------------- */

static void read_ladder(struct rx_load *load, struct rx_rule *rule, const struct wy_node *node)
{
	if (!node)
		return;
	rule->has_ladder = true;
	if (wy_node_is(node, "none"))
		return;
	if (wy_ladder_read(node, load->arena, &rule->ladder, load->diags) == WY_E_NOMEM)
		load->err = WY_E_NOMEM;
	for (size_t i = 0; i < rule->package->n_calendars; i++)
		if (strcmp(rule->package->calendars[i].name, "working") == 0)
			rule->working = &rule->package->calendars[i].hours;
}

struct shelve_fields {
	wy_ms max_ms;
};

static const struct wy_field shelve_rows[] = {
	{"max", WY_FIELD_DURATION, offsetof(struct shelve_fields, max_ms), true, 0, WY_RULE_SPAN_MAX_MS, NULL, "0s: cannot be shelved"},
};

static void read_shelve(struct rx_load *load, struct rx_rule *rule, const struct wy_node *node)
{
	struct shelve_fields fields = {worst_tier(rule) <= 2 ? 8 * HOUR_MS : 7 * DAY_MS};

	if (node)
		(void)!wy_fields_read(node, shelve_rows, 1, &fields, load->diags);
	rule->shelve_max_ms = fields.max_ms;
}

void rx_read_telling(struct rx_load *load, struct rx_rule *rule, const struct rx_rule_keys *keys)
{
	rule->recur.problem = RX_NO_RULE;
	read_chatter(load, rule, keys->chatter);
	read_recur(load, rule, keys->recur);
	read_ladder(load, rule, keys->escalate);
	read_shelve(load, rule, keys->shelve);
	rule->is_annotated = keys->maintenance == 1;
	rule->is_repeat_free = keys->repeat && wy_node_is(keys->repeat, "none");
	if (keys->repeat && !rule->is_repeat_free)
		rx_error(load, "E105", keys->repeat, 0, "expected none");
}
