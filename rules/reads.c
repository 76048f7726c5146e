/* reads.c: see reads.h. */
#include "reads.h"

static void gather(struct rx_class *cls, const struct rx_expr *e, struct rx_inputs *reads)
{
	if (!e)
		return;
	if (e->op == RX_POINT && e->point)
		reads->points |= rx_point_bit(e->index);
	if (e->op == RX_CALL && rx_remembers(e->fn))
		reads->memories |= rx_memory_bit(e->index);
	if (e->op == RX_CALL && e->fn->reads_age)
		cls->aged |= rx_point_bit(e->child->index);
	if (e->op == RX_CALL && e->fn->reads_heard) {
		reads->points |= RX_READS_HEARD;
		cls->reads_heard = true;
	}
	for (const struct rx_expr *c = e->child; c; c = c->next)
		gather(cls, c, reads);
}

static void bind_memories(struct rx_class *cls)
{
	for (size_t i = 0; i < cls->n_memories; i++) {
		struct rx_memory *memory = &cls->memories[i];
		memory->inputs = (struct rx_inputs){.points = RX_READS_ANEW};
		for (const struct rx_expr *c = memory->call->child; c; c = c->next)
			gather(cls, c, &memory->inputs);
		/* The events of keyed ones belong to one slot or another. */
		if (memory->is_keyed || !memory->call->fn->is_patient)
			memory->inputs.points |= RX_READS_LOOKS;
		cls->is_eager = cls->is_eager || (memory->inputs.points & RX_READS_LOOKS);
	}
}

static struct rx_inputs reads_of_variant(struct rx_class *cls, const struct rx_variant *v, size_t n_levels)
{
	struct rx_inputs reads = {.points = RX_READS_ANEW};

	for (size_t i = 0; i < n_levels; i++) {
		gather(cls, v->levels[i].when.root, &reads);
		gather(cls, v->levels[i].clear.root, &reads);
		gather(cls, v->levels[i].share.root, &reads);
	}
	for (size_t i = 0; i < v->n_steps; i++)
		gather(cls, v->steps[i].event.root, &reads);
	gather(cls, v->until.root, &reads);
	gather(cls, v->active.root, &reads);
	return reads;
}

/* What others are made of or what is made of others follows more than the points of an asset. */
static bool is_bound_up(const struct rule_set *set, const struct rx_instance *it)
{
	const struct rx_rule *rule = &set->rules[it->info.rule];

	return it->n_groups || it->variant->by || rule->info.kind == RULE_KIND_GROUP || rule->info.kind == RULE_KIND_PROBLEM ||
	       (rule->recur.count && rule->recur.problem != RX_NO_RULE);
}

void rx_bind_reads(struct rx_load *load)
{
	struct rule_set *set = load->set;
	struct rx_row *row = rx_load_alloc(load, set->n_instances, sizeof(*row));

	for (size_t i = 0; i < load->world->n_classes; i++)
		bind_memories(&set->classes[i]);
	for (size_t i = 0; i < set->n_rules; i++)
		for (size_t v = 0; v < set->rules[i].n_variants; v++)
			set->rules[i].variants[v].inputs = reads_of_variant(&set->classes[set->rules[i].variants[v].cls],
									   &set->rules[i].variants[v], set->rules[i].info.n_levels);
	for (size_t a = 0; a < load->world->n_assets && row; a++) {
		struct rx_asset *asset = &set->assets[a];
		asset->is_eager = set->classes[load->world->assets[a].class_index].is_eager;
		asset->rows = row;
		for (size_t i = 0; i < asset->n_instances; i++, row++) {
			const struct rx_instance *it = &set->instances[asset->instances[i]];
			*row = (struct rx_row){it->variant->inputs, it->variant};
			if (!is_bound_up(set, it))
				continue;
			row->inputs.points |= RX_READS_LOOKS;
			asset->is_eager = true;
		}
	}
}
