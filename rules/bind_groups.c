/* bind_groups.c: see bind_groups.h. */
#include "bind_groups.h"

#include <string.h>

static const char *label_of(const struct wy_asset *asset, const char *key)
{
	for (size_t i = 0; i < asset->n_labels; i++)
		if (strcmp(asset->labels[i].key, key) == 0)
			return asset->labels[i].value;
	return NULL;
}

bool rx_has_same(const struct rule_world *world, const char *const *same, size_t n_same, uint32_t a, uint32_t b)
{
	for (size_t i = 0; i < n_same; i++) {
		const char *left = label_of(&world->assets[a], same[i]);
		const char *right = label_of(&world->assets[b], same[i]);
		if (!left || !right || strcmp(left, right) != 0)
			return false;
	}
	return true;
}

static bool is_watched(const struct rx_load *load, const struct rx_rule *group, const struct rx_scope_list *scopes,
		       uint32_t asset)
{
	for (size_t i = 0; i < group->n_members; i++) {
		const struct rx_rule *member = &load->set->rules[group->members[i]];
		uint32_t from = member->source == RX_NO_RULE ? group->members[i] : member->source;
		if (rx_scope_takes(&scopes[from], &load->world->assets[asset]))
			return true;
	}
	return false;
}

bool rx_group_begins(const struct rx_load *load, const struct rx_rule *group, const struct rx_scope_list *scopes,
		     uint32_t asset)
{
	/* One that agrees with itself has all the labels. */
	if (!rx_has_same(load->world, group->same, group->n_same, asset, asset) || !is_watched(load, group, scopes, asset))
		return false;
	for (uint32_t i = 0; i < asset; i++)
		if (rx_has_same(load->world, group->same, group->n_same, i, asset) && is_watched(load, group, scopes, i))
			return false;
	return true;
}

/* The group's instance for an instance of a member; RX_NO_INSTANCE: its asset lacks a label. */
static uint32_t meets_in(const struct rx_load *load, const struct rx_rule *group, uint32_t instance)
{
	const struct rule_set *set = load->set;
	uint32_t end = group->first_instance + group->n_instances;

	for (uint32_t i = group->first_instance; i < end; i++)
		if (rx_has_same(load->world, group->same, group->n_same, set->instances[i].info.asset,
				set->instances[instance].info.asset))
			return i;
	return RX_NO_INSTANCE;
}

struct links {
	uint32_t *members, *groups; /* NULL while counting */
	size_t n;
};

static void link(struct rule_set *set, struct links *links, uint32_t group, uint32_t member)
{
	struct rx_instance *up = &set->instances[group];
	struct rx_instance *down = &set->instances[member];

	if (links->members) {
		links->members[(size_t)(up->members - links->members) + up->n_members] = member;
		links->groups[(size_t)(down->groups - links->groups) + down->n_groups] = group;
	}
	up->n_members++;
	down->n_groups++;
	links->n++;
}

static void each_link(struct rx_load *load, struct links *links)
{
	struct rule_set *set = load->set;

	for (size_t g = 0; g < set->n_rules; g++)
		for (size_t m = 0; m < set->rules[g].n_members; m++) {
			const struct rx_rule *member = &set->rules[set->rules[g].members[m]];
			for (uint32_t k = 0; k < member->n_instances; k++) {
				uint32_t at = meets_in(load, &set->rules[g], member->first_instance + k);
				if (at != RX_NO_INSTANCE)
					link(set, links, at, member->first_instance + k);
			}
		}
}

/* So many different rules, or assets of its one rule, have its labels. Members stand rule by rule, then by asset. */
static bool can_form(const struct rule_set *set, const struct rx_instance *group)
{
	const struct rx_rule *rule = &set->rules[group->info.rule];
	uint32_t last = UINT32_MAX;
	unsigned distinct = 0;

	for (size_t i = 0; i < group->n_members; i++) {
		const struct rule_instance_info *info = &set->instances[group->members[i]].info;
		uint32_t kind = rule->n_members == 1 ? info->asset : info->rule;
		distinct += kind != last;
		last = kind;
	}
	return distinct >= rule->need;
}

static void place(struct rule_set *set, struct links *links)
{
	size_t members = 0, groups = 0;

	for (size_t i = 0; i < set->n_instances; i++) {
		struct rx_instance *it = &set->instances[i];
		it->members = links->members + members;
		it->groups = links->groups + groups;
		members += it->n_members;
		groups += it->n_groups;
		it->n_members = it->n_groups = 0;
		if (set->rules[it->info.rule].info.kind == RULE_KIND_GROUP)
			it->group = (uint32_t)set->n_groups++;
	}
}

void rx_bind_groups(struct rx_load *load)
{
	struct links links = {0};

	each_link(load, &links);
	if (links.n > WY_RULE_EDGES_MAX) {
		rx_error(load, "E601", load->set->rules[0].node, 0, "%zu instances in groups; at most %u", links.n, WY_RULE_EDGES_MAX);
		load->err = WY_E_LIMIT;
		return;
	}
	links.members = rx_load_alloc(load, links.n, sizeof(*links.members));
	links.groups = rx_load_alloc(load, links.n, sizeof(*links.groups));
	if (load->err)
		return;
	place(load->set, &links);
	each_link(load, &links);
	for (size_t i = 0; i < load->set->n_instances; i++) {
		struct rx_instance *it = &load->set->instances[i];
		it->can_form = it->group != RX_NO_INSTANCE && can_form(load->set, it);
	}
}
