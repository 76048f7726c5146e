/* standing.c: how an instance stands beside its condition: what a ticket shows that is made anew after a restart. */
#include "rule_engine.h"

struct rule_standing rule_standing_of(const struct rule_engine *engine, uint32_t instance)
{
	const struct rx_teller *teller = &engine->tellers[instance];

	return (struct rule_standing){
		.is_chattering = teller->is_chattering && !(teller->owed & RX_OWES_CHATTERING),
		.is_out_of_service = teller->is_out_told,
		.is_maintenance = teller->is_maintenance,
		.is_shelved = teller->is_shelved,
		.is_one_shot = teller->is_shelved && teller->is_one_shot,
		.shelved_until_ms = teller->is_shelved ? teller->shelved_until_ms : WY_MS_NEVER,
		.depends_on = teller->is_dependent ? rx_standing_parent(engine, instance) : RULE_NO_INSTANCE,
	};
}

size_t rule_groups(const struct rule_engine *engine, uint32_t instance, uint32_t *out, size_t max)
{
	const struct rx_instance *it = &engine->set->instances[instance];
	size_t n = 0;

	for (size_t i = 0; i < it->n_groups; i++) {
		if (!(engine->tellers[instance].joined & 1u << i) || !engine->tellers[it->groups[i]].is_raised)
			continue;
		if (n < max)
			out[n] = it->groups[i];
		n++;
	}
	return n;
}

size_t rule_candidates(const struct rule_set *set, uint32_t instance, const uint32_t **ret_members)
{
	*ret_members = set->instances[instance].members;
	return set->instances[instance].n_members;
}

uint32_t rule_source_of(const struct rule_set *set, uint32_t rule)
{
	bool is_problem = set->rules[rule].info.kind == RULE_KIND_PROBLEM;

	return is_problem ? set->rules[rule].source : rule;
}
