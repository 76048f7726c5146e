/* trial_steps.c: what happens beside the feeds: commands of operators, restarts of the gateway; and the looks at
 * states in between. */
#include "trial_reading.h"

#include <stdlib.h>
#include <string.h>

const struct trial_verb trial_verbs[] = {
	{"ack", RULE_ACK, false, false},
	{"reset", RULE_RESET, false, false},
	{"close", RULE_CLOSE, false, false},
	{"learn", RULE_LEARN, false, false},
	{"accept", RULE_ACCEPT, false, false},
	{"assign", RULE_ASSIGN, false, false},
	{"on_site", RULE_ON_SITE, false, false},
	{"shelve", RULE_SHELVE, true, false},
	{"unshelve", RULE_UNSHELVE, false, false},
	{.name = "mark", .is_mark = true},
};
const size_t trial_n_verbs = sizeof(trial_verbs) / sizeof(*trial_verbs);

static const char *verb_name(const void *arg, size_t i)
{
	(void)arg;
	return trial_verbs[i].name;
}

/* ---- Commands ------------------------------------------------------------------------------ */

struct command_keys {
	const struct wy_node *at, *verb, *rule, *asset, *span, *until;
	const char *key, *name;
	bool is_refused, is_one_shot;
};

#define AT(member) offsetof(struct command_keys, member)
static const struct wy_field command_rows[] = {
	{"at", WY_FIELD_NODE, AT(at), true, 0, 0, NULL, "instant"},
	{"do", WY_FIELD_NODE, AT(verb), true, 0, 0, NULL, "ack, reset, close, learn ..."},
	{"rule", WY_FIELD_NODE, AT(rule), false, 0, 0, NULL, "id of the rule"},
	{"asset", WY_FIELD_NODE, AT(asset), true, 0, 0, NULL, "id of the asset"},
	{"key", WY_FIELD_TEXT, AT(key), false, 0, 0, NULL, "value a rule with 'by' is for, or other"},
	{"name", WY_FIELD_TEXT, AT(name), false, 0, 0, NULL, "mark: what was done"},
	{"for", WY_FIELD_NODE, AT(span), false, 0, 0, NULL, "shelve: how long"},
	{"until", WY_FIELD_NODE, AT(until), false, 0, 0, NULL, "shelve: or until when"},
	{"one_shot", WY_FIELD_BOOL, AT(is_one_shot), false, 0, 0, NULL, "shelve: over with the next return"},
	{"refused", WY_FIELD_BOOL, AT(is_refused), false, 0, 0, NULL, "true: it must not be taken"},
};
#undef AT

/* How long a shelf stands. */
static void read_end(struct trial_reading *r, const struct trial_test *test, const struct command_keys *keys,
		     struct trial_command *command)
{
	wy_ms span_ms = 0;
	bool has_end = trial_verbs[command->verb].has_end;
	const struct wy_node *wrong = keys->until ? keys->until : keys->span;

	command->is_one_shot = keys->is_one_shot;
	trial_read_moment(r, test, keys->until, &command->until_ms, NULL);
	if (keys->span && wy_field_duration(keys->span, &span_ms, r->diags) == WY_OK)
		command->until_ms = command->at_ms + span_ms;
	bool is_mark = trial_verbs[command->verb].is_mark;
	command->key = is_mark ? keys->name : keys->key;
	if (is_mark ? !keys->name || keys->rule : !keys->rule || keys->name)
		wy_diag_add(r->diags, WY_DIAG_ERROR, "E107", command->node, 0,
			    is_mark ? "'mark' needs a 'name', and is of an asset, not of a rule"
				    : "this command needs a 'rule'; a 'name' goes with 'mark'");
	if (!has_end && (wrong || keys->is_one_shot))
		wy_diag_add(r->diags, WY_DIAG_ERROR, "E105", wrong ? wrong : command->node, 0,
			    "'for', 'until' and 'one_shot' go with 'shelve'");
	else if (has_end && (!wrong || (keys->until && keys->span)))
		wy_diag_add(r->diags, WY_DIAG_ERROR, "E107", command->node, 0,
			    "'shelve' needs 'for' or 'until', and not both");
}

static void read_command(struct trial_reading *r, struct trial_test *test, const struct wy_node *node)
{
	struct command_keys keys = {0};
	struct trial_command *command = &test->commands[test->n_commands++];

	*command = (struct trial_command){.node = node, .rule = TRIAL_ANY, .asset = TRIAL_ANY};
	if (wy_fields_read(node, command_rows, sizeof(command_rows) / sizeof(*command_rows), &keys, r->diags))
		return;
	trial_read_moment(r, test, keys.at, &command->at_ms, NULL);
	while (command->verb < trial_n_verbs && !wy_node_is(keys.verb, trial_verbs[command->verb].name))
		command->verb++;
	if (command->verb == trial_n_verbs)
		trial_unknown(r, keys.verb, "command", keys.verb->text, trial_n_verbs, verb_name, NULL);
	else
		read_end(r, test, &keys, command);
	command->rule = trial_find_rule(r, test, keys.rule);
	command->asset = trial_find_asset(r, test, keys.asset);
	command->is_refused = keys.is_refused;
}

/* ---- Restarts ------------------------------------------------------------------------------ */

static const char *const kind_names[] = {"stop", "crash", NULL};

struct restart_keys {
	const struct wy_node *at;
	wy_ms down_ms;
	int kind;
};

#define AT(member) offsetof(struct restart_keys, member)
static const struct wy_field restart_rows[] = {
	{"at", WY_FIELD_NODE, AT(at), true, 0, 0, NULL, "instant"},
	{"down", WY_FIELD_DURATION, AT(down_ms), false, 0, 0, NULL, "how long it is away"},
	{"kind", WY_FIELD_CHOICE, AT(kind), false, 0, 0, kind_names, "stop or crash"},
};
#undef AT

static void read_restart(struct trial_reading *r, struct trial_test *test, const struct wy_node *node)
{
	struct restart_keys keys = {0};
	struct trial_restart *restart = &test->restarts[test->n_restarts++];

	*restart = (struct trial_restart){0};
	if (node->kind == WY_NODE_SCALAR) {
		trial_read_moment(r, test, node, &restart->at_ms, NULL);
		return;
	}
	if (wy_fields_read(node, restart_rows, sizeof(restart_rows) / sizeof(*restart_rows), &keys, r->diags))
		return;
	trial_read_moment(r, test, keys.at, &restart->at_ms, NULL);
	restart->down_ms = keys.down_ms;
	restart->is_crash = keys.kind == 1;
}

/* ---- States -------------------------------------------------------------------------------- */

struct state_keys {
	const struct wy_node *at, *rule, *asset, *is;
	const char *zh, *en, *key;
};

#define AT(member) offsetof(struct state_keys, member)
static const struct wy_field state_rows[] = {
	{"at", WY_FIELD_NODE, AT(at), true, 0, 0, NULL, "instant"},
	{"rule", WY_FIELD_NODE, AT(rule), true, 0, 0, NULL, "id of the rule"},
	{"asset", WY_FIELD_NODE, AT(asset), true, 0, 0, NULL, "id of the asset"},
	{"key", WY_FIELD_TEXT, AT(key), false, 0, 0, NULL, "value a rule with 'by' is for, or other"},
	{"is", WY_FIELD_NODE, AT(is), false, 0, 0, NULL, "normal, pending, active ..."},
	{"zh", WY_FIELD_TEXT, AT(zh), false, 0, 0, NULL, "part of the Chinese summary"},
	{"en", WY_FIELD_TEXT, AT(en), false, 0, 0, NULL, "part of the English summary"},
};
#undef AT

enum { STATES = RULE_LATCHED_STATE + 1 };

static const char *state_name(const void *arg, size_t i)
{
	(void)arg;
	return rule_state_text((enum rule_state)i);
}

static void read_state(struct trial_reading *r, struct trial_test *test, const struct wy_node *node)
{
	struct state_keys keys = {0};
	struct trial_state *state = &test->states[test->n_states++];

	*state = (struct trial_state){.node = node, .rule = TRIAL_ANY, .asset = TRIAL_ANY, .is = -1};
	if (wy_fields_read(node, state_rows, sizeof(state_rows) / sizeof(*state_rows), &keys, r->diags))
		return;
	trial_read_moment(r, test, keys.at, &state->at_ms, NULL);
	state->rule = trial_find_rule(r, test, keys.rule);
	state->asset = trial_find_asset(r, test, keys.asset);
	state->key = keys.key;
	state->zh = keys.zh;
	state->en = keys.en;
	for (int i = 0; keys.is && i < (int)STATES; i++)
		if (wy_node_is(keys.is, state_name(NULL, (size_t)i)))
			state->is = i;
	if (keys.is && state->is < 0)
		trial_unknown(r, keys.is, "state", keys.is->text, STATES, state_name, NULL);
	if (!keys.is && !keys.zh && !keys.en)
		wy_diag_add(r->diags, WY_DIAG_ERROR, "E107", node, 0, "say what it 'is', or what its summary holds");
}

/* ---- Lists --------------------------------------------------------------------------------- */

static int by_restart(const void *a, const void *b)
{
	const struct trial_restart *x = a;
	const struct trial_restart *y = b;

	return x->at_ms == y->at_ms ? 0 : (x->at_ms < y->at_ms ? -1 : 1);
}

static int by_state(const void *a, const void *b)
{
	const struct trial_state *x = a;
	const struct trial_state *y = b;

	return x->at_ms == y->at_ms ? 0 : (x->at_ms < y->at_ms ? -1 : 1);
}

/* Commands of one instant are given in the order of the file: a stable sort, as most lists are sorted already. */
static void sort_commands(struct trial_command *item, size_t n)
{
	for (size_t i = 1; i < n; i++)
		for (size_t j = i; j > 0 && item[j].at_ms < item[j - 1].at_ms; j--) {
			struct trial_command other = item[j];
			item[j] = item[j - 1];
			item[j - 1] = other;
		}
}

void trial_read_steps(struct trial_reading *r, struct trial_test *test)
{
	const struct wy_node *commands = trial_inherited(r, test, "commands");
	const struct wy_node *restarts = trial_inherited(r, test, "restart_at");
	const struct wy_node *states = wy_node_get(test->node, "state");
	bool is_one = restarts && restarts->kind == WY_NODE_SCALAR;
	size_t n_commands = trial_list(r, commands);
	size_t n_restarts = is_one ? 1 : trial_list(r, restarts);
	size_t n_states = trial_list(r, states);

	test->commands = trial_array(r, n_commands, sizeof(*test->commands));
	test->restarts = trial_array(r, n_restarts, sizeof(*test->restarts));
	test->states = trial_array(r, n_states, sizeof(*test->states));
	if (r->is_full)
		return;
	for (const struct wy_node *m = n_commands ? commands->child : NULL; m; m = m->next)
		read_command(r, test, m);
	for (const struct wy_node *m = n_restarts && !is_one ? restarts->child : NULL; m; m = m->next)
		read_restart(r, test, m);
	if (is_one)
		read_restart(r, test, restarts);
	for (const struct wy_node *m = n_states ? states->child : NULL; m; m = m->next)
		read_state(r, test, m);
	sort_commands(test->commands, test->n_commands);
	if (test->n_restarts)
		qsort(test->restarts, test->n_restarts, sizeof(*test->restarts), by_restart);
	if (test->n_states)
		qsort(test->states, test->n_states, sizeof(*test->states), by_state);
}
