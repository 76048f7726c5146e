/* explain_ties.c: what a rule reads, which rules hold it back or hang on it, and what it is a member of. */
#include "explain.h"

#include <string.h>

enum { NAMES_MOST = 8 };

/* ---- Points -------------------------------------------------------------------------------- */

static void add_sample(struct rx_explain *x, uint32_t index)
{
	static const char *const qualities[] = {
		[WY_Q_NEVER] = "no sample since start", [WY_Q_GOOD] = "good", [WY_Q_UNCERTAIN] = "uncertain", [WY_Q_BAD] = "bad",
		[WY_Q_STALE] = "stale",
	};
	struct wy_sample sample = rule_point_now(x->engine, x->asset, index);

	wy_buf_addf(&x->buf, "  = %s", sample.quality < sizeof(qualities) / sizeof(*qualities) ? qualities[sample.quality] : "?");
	if (sample.quality != WY_Q_NEVER && sample.at_ms <= x->engine->clock_ms) {
		wy_buf_add(&x->buf, ", ");
		wy_buf_duration(&x->buf, x->engine->clock_ms - sample.at_ms);
		wy_buf_add(&x->buf, " old");
	}
}

static void say_point(struct rx_explain *x, uint32_t index)
{
	const struct wy_point *point = &x->set->classes[x->variant->cls].model->points[index];

	rx_line_begin(x);
	wy_buf_addf(&x->buf, "%s: polled every ", point->name);
	wy_buf_duration(&x->buf, point->poll_ms);
	wy_buf_add(&x->buf, ", stale after ");
	wy_buf_duration(&x->buf, point->stale_ms);
	if (point->has_range) {
		wy_buf_add(&x->buf, ", ");
		rx_add_number(&x->buf, point->lo, point->unit);
		wy_buf_add(&x->buf, " to ");
		rx_add_number(&x->buf, point->hi, point->unit);
	}
	if (point->modulus)
		wy_buf_addf(&x->buf, ", wraps at %llu", (unsigned long long)point->modulus);
	if (rx_is_live(x))
		add_sample(x, index);
	rx_line_end(x);
}

void rx_explain_reads(struct rx_explain *x)
{
	if (!x->variant->n_points && !x->rule->n_alarms)
		return;
	rx_say_line(x, "reads");
	x->depth++;
	for (size_t i = 0; i < x->variant->n_points; i++)
		say_point(x, x->variant->points[i]);
	for (size_t i = 0; i < x->rule->n_alarms; i++)
		rx_say_line(x, "rule %s", x->set->rules[x->rule->alarms[i]].info.id);
	x->depth--;
}

/* ---- Other rules --------------------------------------------------------------------------- */

static void add_same(struct wy_buf *buf, const char *const *same, size_t n)
{
	wy_buf_add(buf, n ? " with the same " : " on the same asset");
	for (size_t i = 0; i < n; i++)
		wy_buf_addf(buf, "%s%s", i ? ", " : "", same[i]);
}

/* Assets of these instances that belong to a rule, and with an engine whether one of them stands. */
static void add_instances(struct rx_explain *x, const uint32_t *list, size_t n, uint32_t rule)
{
	const char *last = NULL;
	size_t found = 0, standing = 0;

	for (size_t i = 0; i < n; i++) {
		const struct rx_instance *it = &x->set->instances[list[i]];
		const char *id = x->set->world->assets[it->info.asset].id;
		if (it->info.rule != rule)
			continue;
		standing += x->engine && rx_machine_inhibits(&x->engine->machines[list[i]]);
		if (last == id)
			continue;
		last = id;
		if (found++ < NAMES_MOST)
			wy_buf_addf(&x->buf, "%s%s", found > 1 ? ", " : ": ", id);
	}
	if (found > NAMES_MOST)
		wy_buf_addf(&x->buf, " and %zu more", found - NAMES_MOST);
	if (x->engine && x->instance != RX_NO_INSTANCE)
		wy_buf_addf(&x->buf, "  = %zu standing", standing);
}

static void say_parents(struct rx_explain *x)
{
	const struct rx_instance *it = x->instance == RX_NO_INSTANCE ? NULL : &x->set->instances[x->instance];

	if (!x->rule->n_parents)
		return;
	rx_line_begin(x);
	wy_buf_add(&x->buf, "held back by, and for ");
	rx_add_span(x, &x->variant->settle, it ? it->settle_ms : -1);
	wy_buf_add(&x->buf, " after it and until every input has come anew");
	rx_line_end(x);
	x->depth++;
	for (size_t i = 0; i < x->rule->n_parents; i++) {
		const struct rx_parent *parent = &x->rule->parents[i];
		rx_line_begin(x);
		wy_buf_add(&x->buf, x->set->rules[parent->rule].info.id);
		add_same(&x->buf, parent->same, parent->n_same);
		if (it)
			add_instances(x, it->parents, it->n_parents, parent->rule);
		rx_line_end(x);
	}
	x->depth--;
}

static bool has_parent(const struct rx_rule *rule, uint32_t parent)
{
	for (size_t i = 0; i < rule->n_parents; i++)
		if (rule->parents[i].rule == parent)
			return true;
	return false;
}

static bool reads(const struct rx_rule *rule, uint32_t other)
{
	for (size_t i = 0; i < rule->n_alarms; i++)
		if (rule->alarms[i] == other)
			return true;
	return false;
}

static bool has_member(const struct rx_rule *group, uint32_t rule)
{
	for (size_t i = 0; i < group->n_members; i++)
		if (group->members[i] == rule)
			return true;
	return false;
}

static void say_children(struct rx_explain *x)
{
	bool is_first = true;

	for (uint32_t i = 0; i < x->set->n_rules; i++) {
		const struct rx_rule *rule = &x->set->rules[i];
		bool is_held = has_parent(rule, x->rule_index);
		if (!is_held && !reads(rule, x->rule_index))
			continue;
		if (is_first)
			rx_say_line(x, "what looks at it");
		is_first = false;
		x->depth++;
		rx_say_line(x, "%s %s", rule->info.id, is_held ? "is held back while this stands" : "reads its alarm()");
		x->depth--;
	}
}

static void say_groups(struct rx_explain *x)
{
	for (size_t i = 0; i < x->set->n_rules; i++) {
		const struct rx_rule *group = &x->set->rules[i];
		if (!has_member(group, x->rule_index))
			continue;
		rx_line_begin(x);
		wy_buf_addf(&x->buf, "member of %s, which begins with %u of them", group->info.id, group->need);
		add_same(&x->buf, group->same, group->n_same);
		wy_buf_add(&x->buf, " within ");
		wy_buf_duration(&x->buf, group->within_ms);
		if (group->is_absorbing)
			wy_buf_add(&x->buf, " and then speaks for them");
		rx_line_end(x);
	}
}

/* A group or a problem: what it is made of. */
static void say_made_of(struct rx_explain *x)
{
	const struct rx_instance *it = x->instance == RX_NO_INSTANCE ? NULL : &x->set->instances[x->instance];

	if (x->rule->info.kind == RULE_KIND_PROBLEM)
		rx_say_line(x, "opens when %s has come back often enough: see 'recur' there", x->set->rules[x->rule->source].info.id);
	for (size_t i = 0; i < x->rule->n_members; i++) {
		rx_line_begin(x);
		wy_buf_addf(&x->buf, "made of %s", x->set->rules[x->rule->members[i]].info.id);
		add_same(&x->buf, x->rule->same, x->rule->n_same);
		if (it)
			add_instances(x, it->members, it->n_members, x->rule->members[i]);
		rx_line_end(x);
	}
	if (x->rule->n_members) {
		rx_line_begin(x);
		wy_buf_addf(&x->buf, "begins with %u of them within ", x->rule->need);
		wy_buf_duration(&x->buf, x->rule->within_ms);
		rx_line_end(x);
	}
}

void rx_explain_ties(struct rx_explain *x)
{
	rx_say_line(x, "order: looked at in rank %u, after all rules it waits for", x->rule->rank);
	say_made_of(x);
	say_parents(x);
	say_children(x);
	say_groups(x);
}
