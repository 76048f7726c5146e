/* group.c: see group.h.
 *
 * A group begins when enough different rules, or assets where it has one rule, raised within its time; it lasts until
 * the last of those that raised since then is normal. Who is in it follows from when each raised, so it needs no list
 * of its own, and a restart loses none. */
#include "rule_engine.h"

#include <string.h>

bool rx_group_has(const struct rx_teller *teller, const struct rx_machine *machine, const struct rx_group *group)
{
	return teller->is_ready && teller->ready_ms >= group->from_ms &&
	       (rx_machine_is_kept(machine) || teller->is_chattering);
}

struct count {
	unsigned distinct;
	uint32_t first; /* the one that raised first */
	wy_ms first_ms;
};

/* Members stand rule by rule, then by asset, so equal ones are neighbours. */
static struct count count_since(const struct rule_engine *engine, uint32_t instance, wy_ms from_ms)
{
	const struct rule_set *set = engine->set;
	const struct rx_instance *it = &set->instances[instance];
	bool is_of_one = set->rules[it->info.rule].n_members == 1;
	const struct rx_group since = {.from_ms = from_ms};
	struct count count = {0, RX_NO_INSTANCE, WY_MS_NEVER};
	uint32_t last = UINT32_MAX;

	for (size_t i = 0; i < it->n_members; i++) {
		uint32_t member = it->members[i];
		const struct rule_instance_info *info = &set->instances[member].info;
		uint32_t kind = is_of_one ? info->asset : info->rule;
		wy_ms ready_ms = engine->tellers[member].ready_ms;
		if (!rx_group_has(&engine->tellers[member], &engine->machines[member], &since))
			continue;
		count.distinct += kind != last;
		last = kind;
		if (ready_ms < count.first_ms)
			count = (struct count){count.distinct, member, ready_ms};
	}
	return count;
}

bool rx_group_look(const struct rule_engine *engine, uint32_t instance, wy_ms now_ms, struct rx_group *group)
{
	const struct rx_instance *it = &engine->set->instances[instance];
	const struct rx_rule *rule = &engine->set->rules[it->info.rule];
	bool was_begun = group->is_begun;

	if (was_begun)
		group->is_begun = count_since(engine, instance, group->from_ms).distinct > 0;
	if (group->is_begun)
		return false;
	struct count count = count_since(engine, instance, now_ms - rule->within_ms);
	if (count.distinct < rule->need)
		return was_begun;
	group->is_begun = true;
	group->from_ms = count.first_ms;
	group->first = rx_hash_text(RX_HASH_START, engine->set->world->assets[engine->set->instances[count.first].info.asset].id);
	return true;
}

void rx_group_bonds(const struct rule_engine *engine, struct rx_subject *subject)
{
	const struct rx_instance *it = subject->instance;

	subject->n_bonds = it->n_groups;
	for (size_t i = 0; i < it->n_groups; i++) {
		const struct rx_instance *up = &engine->set->instances[it->groups[i]];
		const struct rx_rule *rule = &engine->set->rules[up->info.rule];
		const struct rx_teller *teller = &engine->tellers[it->groups[i]];
		const struct rx_group *group = &engine->groups[up->group];
		subject->bonds[i] = (struct rx_bond){
			.instance = it->groups[i],
			.tier = rule->info.levels[0].tier,
			.is_absorbing = rule->is_absorbing,
			.is_raised = teller->is_raised,
			.stands = rx_machine_is_kept(&engine->machines[it->groups[i]]),
			.is_in = group->is_begun && rx_group_has(subject->teller, subject->machine, group),
			.from_ms = group->from_ms,
			.raised_ms = teller->raised_ms,
			.gather_ms = up->can_form ? rule->gather_ms : 0, /* else nobody can come that is worth a wait */
		};
	}
}

/* ---- For those outside --------------------------------------------------------------------- */

uint32_t rule_asset_of(const struct rule_engine *engine, uint32_t instance)
{
	const struct rx_instance *it = &engine->set->instances[instance];

	/* What is over is still about the same until it begins anew: its last words are told after it. */
	if (it->group == RX_NO_INSTANCE || !engine->groups[it->group].first)
		return it->info.asset;
	for (size_t i = 0; i < it->n_members; i++) {
		uint32_t asset = engine->set->instances[it->members[i]].info.asset;
		if (rx_hash_text(RX_HASH_START, engine->set->world->assets[asset].id) == engine->groups[it->group].first)
			return asset;
	}
	return it->info.asset;
}

size_t rule_members(const struct rule_engine *engine, uint32_t instance, uint32_t *out, size_t max)
{
	const struct rx_instance *it = &engine->set->instances[instance];
	size_t n = 0;

	if (it->group == RX_NO_INSTANCE || !engine->groups[it->group].is_begun)
		return 0;
	for (size_t i = 0; i < it->n_members; i++) {
		uint32_t member = it->members[i];
		if (!rx_group_has(&engine->tellers[member], &engine->machines[member], &engine->groups[it->group]))
			continue;
		if (n < max)
			out[n] = member;
		n++;
	}
	return n;
}
