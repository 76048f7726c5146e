/* group_read.c: see group_read.h. They have one level and no expressions; a variant without conditions stands for
 * all classes. */
#include "group_read.h"

#include <string.h>

#include "fields.h"
#include "names.h"
#include "read_parts.h"
#include "telling_read.h"
#include "template.h"

enum { GATHER_MS = 20000 };

static const char *const tier_words[] = {"S1", "S2", "S3", "S4", NULL};

/* ---- Names -------------------------------------------------------------------------------- */

static const struct wy_node *problem_fault(const struct wy_node *rule)
{
	const struct wy_node *then = wy_node_get(wy_node_get(rule, "recur"), "then");
	const struct wy_node *fault = wy_node_get(then, "fault");

	return wy_node_get(then, "kind") && fault && fault->kind == WY_NODE_SCALAR ? fault : NULL;
}

size_t rx_count_made(const struct wy_node *root)
{
	const struct wy_node *rules = wy_node_get(root, "rules");
	const struct wy_node *groups = wy_node_get(root, "correlate");
	size_t n = groups ? groups->n : 0;

	for (const struct wy_node *m = rules ? rules->child : NULL; m; m = m->next)
		n += problem_fault(m) != NULL;
	return n;
}

/* No points, and no length of time that a parameter gives. */
static const struct rx_variant bare = {
	.is_raw = true,
	.levels = {{.hold.use = RX_NO_USE, .clear_hold.use = RX_NO_USE}},
	.tolerate.use = RX_NO_USE,
	.unverified_after = {WY_RULE_SPAN_MAX_MS, RX_NO_USE},
	.settle.use = RX_NO_USE,
	.reraise.use = RX_NO_USE,
};

static struct rx_rule *new_rule(struct rx_load *load, const struct wy_node *node, const struct rx_package *package,
				enum rule_kind kind)
{
	struct rx_rule *rule = &load->set->rules[load->set->n_rules++];

	rule->node = node;
	rule->package = package;
	rule->info.kind = kind;
	rule->info.file = node->source ? rx_load_text(load, node->source->name, strlen(node->source->name)) : "";
	rule->info.line = node->line;
	rule->variants = rx_load_alloc(load, 1, sizeof(*rule->variants));
	if (rule->variants)
		rule->variants[0] = bare;
	rule->source = RX_NO_RULE;
	return rule;
}

void rx_name_groups(struct rx_load *load, struct rx_package *package, const struct wy_node *list)
{
	if (!list)
		return;
	if (list->kind != WY_NODE_SEQ) {
		rx_error(load, "E105", list, 0, "expected a list of groups, found %s", wy_node_kind_text(list));
		return;
	}
	for (const struct wy_node *m = list->child; m && !load->err; m = m->next) {
		const struct wy_node *id = wy_node_get(m, "id");
		struct rx_rule *rule = new_rule(load, m, package, RULE_KIND_GROUP);
		rule->info.id = id && id->kind == WY_NODE_SCALAR ? rx_load_text(load, id->text, id->len) : NULL;
	}
}

void rx_name_problems(struct rx_load *load)
{
	size_t n = load->set->n_rules;

	for (size_t i = 0; i < n && !load->err; i++) {
		const struct rx_rule *from = &load->set->rules[i];
		char text[200];
		struct wy_buf buf;
		if (from->info.kind == RULE_KIND_GROUP || !from->info.id || !problem_fault(from->node))
			continue;
		struct rx_rule *rule = new_rule(load, from->node, from->package, RULE_KIND_PROBLEM);
		wy_buf_init(&buf, text, sizeof(text));
		wy_buf_addf(&buf, "%s.problem", from->info.id);
		rule->info.id = rx_load_text(load, text, buf.len);
		rule->source = (uint32_t)i;
	}
}

/* ---- Groups ------------------------------------------------------------------------------- */

struct group_keys {
	const char *id, *fault;
	int tier, maintenance;
	const struct wy_node *members, *same, *summary, *detail, *action, *meta, *chatter, *escalate, *shelve, *repeat;
	wy_ms within_ms, gather_ms;
	int64_t need;
	bool is_absorbing;
};

static const char *const maintenance_words[] = {"suppress", "annotate", NULL};

#define AT(member) offsetof(struct group_keys, member)
static const struct wy_field group_rows[] = {
	{"id", WY_FIELD_ID, AT(id), true, 0, 0, NULL, "package.name, never reused"},
	{"fault", WY_FIELD_ID, AT(fault), true, 0, 0, NULL, "code of the fault catalogue"},
	{"tier", WY_FIELD_CHOICE, AT(tier), true, 0, 0, tier_words, "S1 to S4"},
	{"members", WY_FIELD_NODE, AT(members), true, 0, 0, NULL, "list of rules"},
	{"same", WY_FIELD_NODE, AT(same), true, 0, 0, NULL, "list of labels that must agree"},
	{"within", WY_FIELD_DURATION, AT(within_ms), true, 0, WY_RULE_SPAN_MAX_MS, NULL, "how close together they raise"},
	{"need", WY_FIELD_INT, AT(need), false, 2, 64, NULL, "so many rules, or assets of one rule"},
	{"absorb", WY_FIELD_BOOL, AT(is_absorbing), false, 0, 0, NULL, "members not told yet are left to the group"},
	{"gather", WY_FIELD_DURATION, AT(gather_ms), false, 0, 3600000, NULL, "how long members below S1 wait for it"},
	{"summary", WY_FIELD_NODE, AT(summary), false, 0, 0, NULL, "{zh: text, en: text}"},
	{"detail", WY_FIELD_NODE, AT(detail), false, 0, 0, NULL, "likewise"},
	{"action", WY_FIELD_NODE, AT(action), false, 0, 0, NULL, "likewise"},
	{"meta", WY_FIELD_NODE, AT(meta), false, 0, 0, NULL, "cause, consequence, response"},
	{"chatter", WY_FIELD_NODE, AT(chatter), false, 0, 0, NULL, "as of a rule"},
	{"escalate", WY_FIELD_NODE, AT(escalate), false, 0, 0, NULL, "as of a rule"},
	{"shelve", WY_FIELD_NODE, AT(shelve), false, 0, 0, NULL, "as of a rule"},
	{"repeat", WY_FIELD_NODE, AT(repeat), false, 0, 0, NULL, "as of a rule"},
	{"maintenance", WY_FIELD_CHOICE, AT(maintenance), false, 0, 0, maintenance_words, "as of a rule"},
};
#undef AT

static void set_level(struct rx_load *load, struct rx_rule *rule, uint8_t tier, const char *when)
{
	struct rule_level_info *level = rx_load_alloc(load, 1, sizeof(*level));

	if (!level)
		return;
	*level = (struct rule_level_info){.tier = tier, .when_text = when};
	rule->info.levels = level;
	rule->info.n_levels = 1;
	rule->variants[0].levels[0].tier = tier;
}

static bool takes(struct rx_load *load, struct rx_rule *group, const struct wy_node *node, uint32_t member)
{
	struct rx_rule *rule = &load->set->rules[member];

	for (size_t i = 0; i < group->n_members; i++)
		if (group->members[i] == member) {
			rx_error(load, "E108", node, 0, "'%s' is named twice", rule->info.id);
			return false;
		}
	if (rule->info.kind == RULE_KIND_GROUP) {
		rx_error(load, "E506", node, 0, "'%s' is a group itself; name its members here", rule->info.id);
		return false;
	}
	if (rule->n_groups == WY_RULE_GROUPS_MAX) {
		rx_error(load, "E601", node, 0, "'%s' is already a member of %u groups, which is the most", rule->info.id,
			 WY_RULE_GROUPS_MAX);
		return false;
	}
	rule->n_groups++;
	return true;
}

static void read_members(struct rx_load *load, struct rx_rule *group, const struct wy_node *node)
{
	if (node->kind != WY_NODE_SEQ || !node->n || node->n > WY_RULE_LIST_MAX) {
		rx_error(load, "E105", node, 0, "expected a list of 1 to %u rules", WY_RULE_LIST_MAX);
		return;
	}
	group->members = rx_load_alloc(load, node->n, sizeof(*group->members));
	for (const struct wy_node *m = node->child; m && group->members; m = m->next) {
		uint32_t member = m->kind == WY_NODE_SCALAR ? rx_rule_named(load, m->text, m, 0) : RX_NO_RULE;
		if (m->kind != WY_NODE_SCALAR)
			rx_error(load, "E105", m, 0, "expected the id of a rule, found %s", wy_node_kind_text(m));
		if (member != RX_NO_RULE && takes(load, group, m, member))
			group->members[group->n_members++] = member;
	}
}

static void read_same(struct rx_load *load, struct rx_rule *group, const struct wy_node *node)
{
	if (node->kind != WY_NODE_SEQ || !node->n || node->n > RX_SAME_MAX) {
		rx_error(load, "E105", node, 0, "expected a list of 1 to %u labels", RX_SAME_MAX);
		return;
	}
	for (const struct wy_node *m = node->child; m; m = m->next) {
		const char *label = wy_field_id(m, load->diags);
		if (label)
			group->same[group->n_same++] = rx_load_text(load, label, strlen(label));
	}
}

static void check_need(struct rx_load *load, const struct rx_rule *group, const struct wy_node *node)
{
	if (group->n_members > 1 && group->need > group->n_members)
		rx_error(load, "E508", wy_node_get(node, "need"), 0, "%u different rules are needed and %zu named: never true",
			 group->need, group->n_members);
}

/* Its words name labels: the members may be of any class. */
static void read_words(struct rx_load *load, struct rx_rule *group, const struct rx_rule_keys *words)
{
	struct rx_variant *variant = &group->variants[0];
	const struct rx_rule *first = &load->set->rules[group->members[0]];
	struct rx_scope scope = {.load = load, .package = (struct rx_package *)group->package, .rule = group,
				 .cls = first->n_variants ? first->variants[0].cls : 0, .min_samples = 1};

	rx_read_words(&scope, variant, words);
	for (size_t i = 0; i < (size_t)RX_TEXTS * RX_TEMPLATES; i++) {
		const struct rx_template *text = &variant->texts[i / RX_TEMPLATES][i % RX_TEMPLATES];
		for (size_t k = 0; k < text->n; k++)
			if (text->pieces[k].kind == RX_PIECE_EXPR) {
				rx_error(load, "E109", wy_node_get(group->node, "id"), 0,
					 "the words of a group name labels, {asset.name} and {count}; this one asks for a value");
				return;
			}
	}
}

static const char *text_of(struct rx_load *load, const struct rx_rule *group)
{
	char text[400];
	struct wy_buf buf;

	wy_buf_init(&buf, text, sizeof(text));
	wy_buf_addf(&buf, "%u of", group->need);
	for (size_t i = 0; i < group->n_members; i++)
		wy_buf_addf(&buf, "%s %s", i ? "," : "", load->set->rules[group->members[i]].info.id);
	wy_buf_add(&buf, " within ");
	wy_buf_duration(&buf, group->within_ms);
	return rx_load_text(load, text, buf.len);
}

void rx_read_group(struct rx_load *load, struct rx_rule *rule)
{
	struct group_keys keys = {.tier = -1, .need = 2, .gather_ms = GATHER_MS};
	size_t errors = load->diags->errors;
	size_t n_rows = sizeof(group_rows) / sizeof(*group_rows);

	if (wy_fields_read(rule->node, group_rows, n_rows, &keys, load->diags))
		return;
	rule->info.fault = rx_load_text(load, keys.fault, strlen(keys.fault));
	rx_check_fault(load, keys.fault, wy_node_get(rule->node, "fault"));
	rule->info.revision = rx_revision(rule);
	rule->within_ms = keys.within_ms;
	rule->gather_ms = keys.is_absorbing ? keys.gather_ms : 0;
	rule->need = (uint8_t)keys.need;
	rule->is_absorbing = keys.is_absorbing;
	read_members(load, rule, keys.members);
	read_same(load, rule, keys.same);
	check_need(load, rule, rule->node);
	if (load->err || load->diags->errors > errors)
		return;
	set_level(load, rule, (uint8_t)(keys.tier + 1), text_of(load, rule));
	struct rx_rule_keys telling = {.summary = keys.summary, .detail = keys.detail, .action = keys.action,
				       .chatter = keys.chatter, .escalate = keys.escalate, .shelve = keys.shelve,
				       .repeat = keys.repeat, .maintenance = keys.maintenance};
	rule->variants[0].reraise.ms = 3600000;
	read_words(load, rule, &telling);
	rx_read_telling(load, rule, &telling);
	if (keys.tier < 2 && !keys.meta)
		rx_warn(load, "W515", wy_node_get(rule->node, "id"), 0, "S1 and S2 need 'meta' with cause, consequence and response");
}

/* ---- Problems ----------------------------------------------------------------------------- */

void rx_read_problem(struct rx_load *load, struct rx_rule *rule)
{
	struct rx_rule *from = &load->set->rules[rule->source];
	const struct wy_node *fault = problem_fault(from->node);
	struct rx_rule_keys telling = {0};
	char text[80];
	struct wy_buf buf;

	if (!from->recur.count)
		return; /* said */
	from->recur.problem = (uint32_t)(rule - load->set->rules);
	rule->n_slots = from->n_slots; /* one for each of its instances */
	rule->info.fault = rx_load_text(load, fault->text, fault->len);
	rx_check_fault(load, fault->text, fault);
	rule->info.revision = from->info.revision + 1;
	wy_buf_init(&buf, text, sizeof(text));
	wy_buf_addf(&buf, "%u raises within ", from->recur.count);
	wy_buf_duration(&buf, from->recur.within_ms);
	set_level(load, rule, from->recur.tier, rx_load_text(load, text, buf.len));
	if (!load->err)
		rx_read_telling(load, rule, &telling);
}
