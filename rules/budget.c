/* budget.c: see budget.h. */
#include "budget.h"

enum { LARGEST = 3 };

typedef size_t (*weigh_fn)(const struct rule_set *set, const struct rx_rule *rule);

static size_t weigh_instances(const struct rule_set *set, const struct rx_rule *rule)
{
	(void)set;
	return rule->n_instances;
}

static size_t bytes_on_asset(const struct rx_class *cls, const struct rx_rule *rule, const struct rx_variant *variant)
{
	size_t bytes = 0;

	for (size_t i = 0; i < variant->n_memories; i++) {
		const struct rx_memory *memory = &cls->memories[variant->memories[i]];
		bytes += memory->is_keyed ? memory->bytes * rule->n_slots : memory->bytes;
	}
	return bytes;
}

/* Memories are there for every asset of a class, in the scope or not. */
static size_t weigh_bytes(const struct rule_set *set, const struct rx_rule *rule)
{
	size_t bytes = 0;

	for (size_t i = 0; i < rule->n_variants; i++) {
		const struct rx_variant *variant = &rule->variants[i];
		size_t n_assets = 0;
		for (size_t a = 0; a < set->world->n_assets; a++)
			n_assets += set->world->assets[a].class_index == variant->cls;
		bytes += n_assets * bytes_on_asset(&set->classes[variant->cls], rule, variant);
	}
	return bytes;
}

static void add_most(const struct rule_set *set, weigh_fn weigh, struct wy_buf *buf)
{
	const struct rx_rule *largest[LARGEST] = {NULL};
	size_t weights[LARGEST] = {0};

	for (size_t i = 0; i < set->n_rules; i++) {
		const struct rx_rule *rule = &set->rules[i];
		size_t weight = weigh(set, rule);
		for (size_t k = 0; k < LARGEST; k++) {
			if (weight <= weights[k])
				continue;
			const struct rx_rule *lesser = largest[k];
			size_t less = weights[k];
			largest[k] = rule;
			weights[k] = weight;
			rule = lesser;
			weight = less;
		}
	}
	for (size_t k = 0; k < LARGEST && largest[k]; k++)
		wy_buf_addf(buf, "%s'%s' (%zu)", k ? ", " : "; most by ", largest[k]->info.id, weights[k]);
}

void rx_add_most_instances(const struct rule_set *set, struct wy_buf *buf)
{
	add_most(set, weigh_instances, buf);
}

void rx_add_most_bytes(const struct rule_set *set, struct wy_buf *buf)
{
	add_most(set, weigh_bytes, buf);
}
