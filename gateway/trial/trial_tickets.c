/* trial_tickets.c: what a test expects: `tickets`, or those of another test with a shift, and the promises. */
#include "trial_reading.h"

#include <string.h>

#include "number.h"

static const char *const tier_names[] = {"any", "S1", "S2", "S3", "S4", NULL};

struct ticket_keys {
	const struct wy_node *at, *ev, *rule, *asset, *onset, *other, *until;
	const char *to, *key;
	int tier;
	int uncertain, maintenance;
	int64_t step;
};

static const char *const truths[] = {"false", "true", NULL};

#define AT(member) offsetof(struct ticket_keys, member)
static const struct wy_field ticket_rows[] = {
	{"at", WY_FIELD_NODE, AT(at), true, 0, 0, NULL, "instant, or two as 60s..80s"},
	{"ev", WY_FIELD_NODE, AT(ev), true, 0, 0, NULL, "open, resolve ..."},
	{"rule", WY_FIELD_NODE, AT(rule), true, 0, 0, NULL, "id of the rule"},
	{"asset", WY_FIELD_NODE, AT(asset), false, 0, 0, NULL, "id of the asset"},
	{"tier", WY_FIELD_CHOICE, AT(tier), false, 0, 0, tier_names, "S1 to S4"},
	{"onset", WY_FIELD_NODE, AT(onset), false, 0, 0, NULL, "first instant the condition was true"},
	{"other", WY_FIELD_NODE, AT(other), false, 0, 0, NULL, "rule/asset an event points to"},
	{"step", WY_FIELD_INT, AT(step), false, 0, 255, NULL, "step of the ladder, from 0"},
	{"to", WY_FIELD_TEXT, AT(to), false, 0, 0, NULL, "whom an escalation tells"},
	{"key", WY_FIELD_TEXT, AT(key), false, 0, 0, NULL, "value a rule with 'by' is for, or other"},
	{"until", WY_FIELD_NODE, AT(until), false, 0, 0, NULL, "end of a shelf"},
	{"uncertain", WY_FIELD_CHOICE, AT(uncertain), false, 0, 0, truths, "some input was doubted"},
	{"maintenance", WY_FIELD_CHOICE, AT(maintenance), false, 0, 0, truths, "a planned window was open"},
};
#undef AT

static const char *kind_name(const void *arg, size_t i)
{
	(void)arg;
	return rule_event_text((enum rule_event_kind)i);
}

static bool find_kind(const char *text, enum rule_event_kind *ret_kind)
{
	for (size_t i = 0; i < RULE_EVENT_KINDS; i++)
		if (strcmp(kind_name(NULL, i), text) == 0) {
			*ret_kind = (enum rule_event_kind)i;
			return true;
		}
	return false;
}

/* "lift.comms_lost/L1" */
static void read_other(struct trial_reading *r, const struct trial_test *test, const struct wy_node *node,
		       struct trial_event *event)
{
	const char *slash = node ? strchr(node->text, '/') : NULL;
	char text[200] = "";

	if (!node)
		return;
	if (!slash || (size_t)(slash - node->text) >= sizeof(text)) {
		wy_diag_add(r->diags, WY_DIAG_ERROR, "E105", node, 0, "expected rule/asset, found '%s'", node->text);
		return;
	}
	memcpy(text, node->text, (size_t)(slash - node->text));
	struct wy_node rule = *node, asset = *node;
	rule.text = text;
	rule.len = (size_t)(slash - node->text);
	asset.text = slash + 1;
	asset.len = node->len - rule.len - 1;
	event->other_rule = trial_find_rule(r, test, &rule);
	event->other_asset = trial_find_asset(r, test, &asset);
}

static void read_ticket(struct trial_reading *r, const struct trial_test *test, const struct wy_node *node,
			struct trial_event *event)
{
	struct ticket_keys keys = {.uncertain = -1, .maintenance = -1, .step = -1};

	*event = (struct trial_event){.node = node, .rule = TRIAL_ANY, .asset = TRIAL_ANY, .onset_ms = WY_MS_NONE,
				      .other_rule = TRIAL_ANY, .other_asset = TRIAL_ANY, .step = -1, .until_ms = WY_MS_NONE};
	if (wy_fields_read(node, ticket_rows, sizeof(ticket_rows) / sizeof(*ticket_rows), &keys, r->diags))
		return;
	trial_read_moment(r, test, keys.at, &event->at_ms, &event->to_ms);
	if (!find_kind(keys.ev->text, &event->kind))
		trial_unknown(r, keys.ev, "event", keys.ev->text, RULE_EVENT_KINDS, kind_name, NULL);
	event->rule = trial_find_rule(r, test, keys.rule);
	event->asset = trial_find_asset(r, test, keys.asset);
	event->tier = (uint8_t)keys.tier;
	trial_read_moment(r, test, keys.onset, &event->onset_ms, NULL);
	read_other(r, test, keys.other, event);
	trial_read_moment(r, test, keys.until, &event->until_ms, NULL);
	event->step = keys.step;
	event->to = keys.to;
	event->key = keys.key;
	event->asks_uncertain = keys.uncertain >= 0;
	event->is_uncertain = keys.uncertain > 0;
	event->asks_maintenance = keys.maintenance >= 0;
	event->is_maintenance = keys.maintenance > 0;
}

static void read_list(struct trial_reading *r, struct trial_test *test, const struct wy_node *node)
{
	size_t n = trial_list(r, node);

	test->tickets = trial_array(r, n, sizeof(*test->tickets));
	for (const struct wy_node *m = test->tickets && n ? node->child : NULL; m; m = m->next)
		read_ticket(r, test, m, &test->tickets[test->n_tickets++]);
	for (size_t i = 1; i < test->n_tickets; i++)
		if (test->tickets[i].to_ms < test->tickets[i - 1].at_ms)
			wy_diag_add(r->diags, WY_DIAG_ERROR, "E105", test->tickets[i].node, 0,
				    "before the ticket above it: tickets are written in their order");
}

/* ---- Shift --------------------------------------------------------------------------------- */

struct shifts {
	wy_ms at_ms[RULE_EVENT_KINDS];
	wy_ms onset_ms;
};

/* "+20s", "-5s" */
static bool read_shift(struct trial_reading *r, const struct wy_node *node, wy_ms *ret_ms)
{
	char sign = node->kind == WY_NODE_SCALAR ? node->text[0] : 0;

	if ((sign != '+' && sign != '-') || wy_parse_duration(node->text + 1, node->len - 1, ret_ms)) {
		wy_diag_add(r->diags, WY_DIAG_ERROR, "E105", node, 0, "expected a shift such as +20s or -5s, found '%s'",
			    node->text);
		return false;
	}
	*ret_ms = sign == '-' ? -*ret_ms : *ret_ms;
	return true;
}

/* raise and clear are the words of people; any word of an event will do. */
static void add_shift(struct trial_reading *r, const struct wy_node *m, struct shifts *shifts)
{
	static const struct {
		const char *word;
		enum rule_event_kind kinds[3];
	} groups[] = {{"raise", {RULE_RAISED, RULE_RAISED, RULE_RAISED}},
		      {"clear", {RULE_RESOLVED, RULE_CLOSED, RULE_LATCHED}}};
	enum rule_event_kind kind;
	wy_ms ms;

	if (!read_shift(r, m, &ms))
		return;
	if (strcmp(m->key->text, "onset") == 0) {
		shifts->onset_ms = ms;
		return;
	}
	for (size_t i = 0; i < 2; i++)
		for (size_t k = 0; k < 3 && strcmp(m->key->text, groups[i].word) == 0; k++)
			shifts->at_ms[groups[i].kinds[k]] = ms;
	if (find_kind(m->key->text, &kind))
		shifts->at_ms[kind] = ms;
	else if (strcmp(m->key->text, "raise") != 0 && strcmp(m->key->text, "clear") != 0)
		trial_unknown(r, m->key, "event", m->key->text, RULE_EVENT_KINDS, kind_name, NULL);
}

static void apply_shift(struct trial_reading *r, struct trial_test *test, const struct wy_node *node)
{
	struct shifts shifts = {0};

	if (node && node->kind != WY_NODE_MAP) {
		wy_diag_add(r->diags, WY_DIAG_ERROR, "E105", node, 0, "expected a map such as {raise: +20s}, found %s",
			    wy_node_kind_text(node));
		return;
	}
	for (const struct wy_node *m = node ? node->child : NULL; m; m = m->next)
		add_shift(r, m, &shifts);
	for (size_t i = 0; i < test->n_tickets; i++) {
		struct trial_event *event = &test->tickets[i];
		event->at_ms += shifts.at_ms[event->kind];
		event->to_ms += shifts.at_ms[event->kind];
		if (event->onset_ms != WY_MS_NONE)
			event->onset_ms += shifts.onset_ms;
	}
}

/* ---- Promises ------------------------------------------------------------------------------ */

struct promise_keys {
	const struct wy_node *rule, *asset, *between;
	int tier;
};

#define AT(member) offsetof(struct promise_keys, member)
static const struct wy_field promise_rows[] = {
	{"rule", WY_FIELD_NODE, AT(rule), true, 0, 0, NULL, "id of the rule"},
	{"asset", WY_FIELD_NODE, AT(asset), false, 0, 0, NULL, "id of the asset"},
	{"tier", WY_FIELD_CHOICE, AT(tier), false, 0, 0, tier_names, "S1 to S4"},
	{"between", WY_FIELD_NODE, AT(between), false, 0, 0, NULL, "[from, to]"},
};
#undef AT

static void read_between(struct trial_reading *r, const struct trial_test *test, const struct wy_node *node,
			 struct trial_promise *promise)
{
	if (!node)
		return;
	if (node->kind != WY_NODE_SEQ || node->n != 2) {
		wy_diag_add(r->diags, WY_DIAG_ERROR, "E105", node, 0, "expected two instants such as [10min, 35min]");
		return;
	}
	trial_read_moment(r, test, node->child, &promise->from_ms, NULL);
	trial_read_moment(r, test, node->child->next, &promise->to_ms, NULL);
	if (promise->to_ms < promise->from_ms)
		wy_diag_add(r->diags, WY_DIAG_ERROR, "E105", node, 0, "ends before it begins");
}

static void read_promise(struct trial_reading *r, struct trial_test *test, const struct wy_node *node, bool is_raise)
{
	struct promise_keys keys = {0};
	struct trial_promise *promise = &test->promises[test->n_promises++];

	*promise = (struct trial_promise){.is_raise = is_raise, .rule = TRIAL_ANY, .asset = TRIAL_ANY,
					  .to_ms = WY_MS_NEVER, .node = node};
	if (wy_fields_read(node, promise_rows, sizeof(promise_rows) / sizeof(*promise_rows), &keys, r->diags))
		return;
	promise->rule = trial_find_rule(r, test, keys.rule);
	promise->asset = trial_find_asset(r, test, keys.asset);
	promise->tier = (uint8_t)keys.tier;
	read_between(r, test, keys.between, promise);
}

/* One map, or a list of them. */
static void read_promises(struct trial_reading *r, struct trial_test *test, const struct wy_node *node, bool is_raise)
{
	size_t n = node && node->kind == WY_NODE_SEQ ? trial_list(r, node) : 0;

	if (node && node->kind != WY_NODE_SEQ)
		read_promise(r, test, node, is_raise);
	for (const struct wy_node *m = n ? node->child : NULL; m; m = m->next)
		read_promise(r, test, m, is_raise);
}

void trial_read_tickets(struct trial_reading *r, struct trial_test *test)
{
	const struct wy_node *tickets = wy_node_get(test->node, "tickets");
	const struct wy_node *same_as = wy_node_get(test->node, "same_as");
	const struct wy_node *raise = wy_node_get(test->node, "expect_raise");
	const struct wy_node *none = wy_node_get(test->node, "expect_none");

	if (!tickets && same_as) {
		const struct wy_node *other = trial_test_named(r, same_as);
		tickets = wy_node_get(other, "tickets");
		if (other && !tickets)
			wy_diag_add(r->diags, WY_DIAG_ERROR, "E107", same_as, 0, "test '%s' has no 'tickets' of its own",
				    same_as->text);
	}
	test->has_tickets = tickets != NULL;
	read_list(r, test, tickets);
	apply_shift(r, test, wy_node_get(test->node, "shift"));
	size_t n = (raise ? raise->n : 0) + (none ? none->n : 0) + 2;
	test->promises = trial_array(r, n, sizeof(*test->promises));
	if (!test->promises)
		return;
	read_promises(r, test, raise, true);
	read_promises(r, test, none, false);
}
