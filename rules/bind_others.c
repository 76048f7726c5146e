/* bind_others.c: who reads whom: members and groups of tallies, and for each asset and each group those who must look
 * again when it changes. Lists are counted first, then filled. */
#include <string.h>

#include "ask_others.h"

/* ---- What is read -------------------------------------------------------------------------- */

struct reading {
	struct rx_load *load;
	const struct rx_class *cls;
	bool *tallies; /* [n_tallies] */
	uint32_t relations;
};

static void read_expr(struct reading *r, const struct rx_expr *e, bool is_top)
{
	if (!e)
		return;
	/* Its memory is brought up with the asset, and with that all who ask it look again. */
	if (!is_top && e->op == RX_CALL && rx_remembers(e->fn))
		return;
	if (e->op == RX_POINT && e->far)
		r->relations |= (uint32_t)1 << r->cls->fars[e->far - 1].relation;
	if (e->op == RX_CALL && e->fn->is_of_others)
		r->tallies[e->index] = true;
	for (const struct rx_expr *c = e->child; c; c = c->next)
		read_expr(r, c, false);
}

static void keep_reads(struct reading *r, struct rx_reads *ret_reads)
{
	size_t n = 0;

	for (size_t i = 0; i < r->load->set->n_tallies; i++)
		n += r->tallies[i];
	ret_reads->relations = r->relations;
	uint32_t *tallies = n ? rx_load_alloc(r->load, n, sizeof(*tallies)) : NULL;
	ret_reads->tallies = tallies;
	for (size_t i = 0; tallies && i < r->load->set->n_tallies; i++)
		if (r->tallies[i])
			tallies[ret_reads->n_tallies++] = (uint32_t)i;
}

static void read_class(struct rx_load *load, struct rx_class *cls)
{
	bool tallies[WY_RULE_TALLIES_MAX] = {false};
	struct reading r = {.load = load, .cls = cls, .tallies = tallies};

	for (size_t i = 0; i < cls->n_memories; i++)
		read_expr(&r, cls->memories[i].call, true);
	keep_reads(&r, &cls->reads);
}

static void read_variant(struct rx_load *load, struct rx_variant *v)
{
	bool tallies[WY_RULE_TALLIES_MAX] = {false};
	struct reading r = {.load = load, .cls = &load->set->classes[v->cls], .tallies = tallies};

	for (size_t i = 0; i < WY_RULE_LEVELS_MAX; i++) {
		read_expr(&r, v->levels[i].when.root, false);
		read_expr(&r, v->levels[i].clear.root, false);
		read_expr(&r, v->levels[i].share.root, false);
	}
	for (size_t i = 0; i < v->n_steps; i++)
		read_expr(&r, v->steps[i].event.root, false);
	read_expr(&r, v->until.root, false);
	read_expr(&r, v->active.root, false);
	keep_reads(&r, &v->reads);
}

void rx_list_reads(struct rx_load *load)
{
	struct rule_set *set = load->set;

	for (size_t i = 0; i < load->world->n_classes && !load->err; i++)
		read_class(load, &set->classes[i]);
	for (size_t i = 0; i < set->n_rules && !load->err; i++)
		for (size_t j = 0; j < set->rules[i].n_variants && !load->err; j++)
			if (set->rules[i].variants[j].cls < load->world->n_classes)
				read_variant(load, &set->rules[i].variants[j]);
}

uint32_t rx_relations_in(const struct rx_class *cls, const struct rx_expr *e)
{
	uint32_t bits = e->op == RX_POINT && e->far ? (uint32_t)1 << cls->fars[e->far - 1].relation : 0;

	for (const struct rx_expr *c = e->child; c; c = c->next)
		bits |= rx_relations_in(cls, c);
	return bits;
}

/* ---- Members and groups -------------------------------------------------------------------- */

static void place_assets(struct rx_load *load)
{
	struct rule_set *set = load->set;

	for (size_t i = 0; i < load->world->n_assets; i++)
		set->assets[i].place = set->classes[load->world->assets[i].class_index].n_assets++;
}

static void list_tallies(struct rx_load *load, uint32_t cls)
{
	struct rule_set *set = load->set;
	size_t n = 0;

	for (size_t i = 0; i < set->n_tallies; i++)
		n += set->tallies[i].cls == cls;
	uint32_t *tallies = n ? rx_load_alloc(load, n, sizeof(*tallies)) : NULL;
	set->classes[cls].tallies = tallies;
	for (size_t i = 0; tallies && i < set->n_tallies; i++)
		if (set->tallies[i].cls == cls) {
			tallies[set->classes[cls].n_tallies++] = (uint32_t)i;
			set->classes[cls].has_alarm_tally |= set->tallies[i].has_alarm;
		}
}

/* What an asset shares with its group: the asset it is related to, or the value of a label. NULL: it has none. */
static const char *bond_of(const struct rx_load *load, const struct rx_tally *tally, const struct wy_asset *asset)
{
	if (tally->relation != RX_NO_USE) {
		uint32_t other = asset->relations ? asset->relations[tally->relation] : WY_NO_ASSET;
		return other == WY_NO_ASSET ? NULL : load->world->assets[other].id;
	}
	for (size_t i = 0; i < asset->n_labels; i++)
		if (strcmp(asset->labels[i].key, tally->label) == 0)
			return asset->labels[i].value;
	return NULL;
}

struct bonds { /* texts and their groups, in open places, at most half of them taken */
	const char **text;
	uint32_t *group;
	size_t n_places;
};

static uint32_t group_of_bond(struct bonds *bonds, const char *text, size_t *n_groups)
{
	size_t place = rx_hash_text(RX_HASH_START, text) & (bonds->n_places - 1);

	while (bonds->text[place] && strcmp(bonds->text[place], text) != 0)
		place = (place + 1) & (bonds->n_places - 1);
	if (!bonds->text[place]) {
		bonds->text[place] = text;
		bonds->group[place] = (uint32_t)(*n_groups)++;
	}
	return bonds->group[place];
}

static void part(struct rx_load *load, struct rx_tally *tally)
{
	uint32_t n = load->set->classes[tally->cls].n_assets;
	uint32_t *groups = rx_load_alloc(load, n, sizeof(*groups));
	struct bonds bonds = {.n_places = 2};

	while (bonds.n_places < 2 * (size_t)n)
		bonds.n_places *= 2;
	bonds.text = rx_load_alloc(load, bonds.n_places, sizeof(*bonds.text));
	bonds.group = rx_load_alloc(load, bonds.n_places, sizeof(*bonds.group));
	tally->group_of = groups;
	for (size_t i = 0; !load->err && i < load->world->n_assets; i++) {
		const struct wy_asset *asset = &load->world->assets[i];
		if (asset->class_index != tally->cls)
			continue;
		const char *text = bond_of(load, tally, asset);
		groups[load->set->assets[i].place] = text ? group_of_bond(&bonds, text, &tally->n_groups) : RX_NO_USE;
	}
}

static bool too_many(struct rx_load *load, size_t n, size_t most, const char *what)
{
	if (n <= most || load->err)
		return load->err;
	rx_error(load, "E601", load->set->rules[0].node, 0, "%zu %s; at most %zu: narrow the scopes", n, what, most);
	load->err = WY_E_LIMIT;
	return true;
}

static void place_tallies(struct rx_load *load)
{
	struct rule_set *set = load->set;

	for (size_t i = 0; i < set->n_tallies && !load->err; i++) {
		struct rx_tally *tally = &set->tallies[i];
		tally->first_part = set->n_parts;
		tally->first_group = set->n_others;
		tally->n_groups = tally->is_parted ? 0 : 1;
		set->n_parts += set->classes[tally->cls].n_assets;
		if (too_many(load, set->n_parts, WY_RULE_PARTS_MAX, "assets in questions to the assets of a class"))
			return;
		if (tally->is_parted)
			part(load, tally);
		set->n_others += tally->n_groups;
	}
}

/* RX_NO_USE: of none. Else of all tallies. */
static size_t group_for(const struct rule_set *set, const struct rx_tally *tally, uint32_t asset)
{
	uint32_t group = tally->group_of ? tally->group_of[set->assets[asset].place] : 0;

	return group == RX_NO_USE ? RX_NO_USE : tally->first_group + group;
}

static void count_members(struct rx_load *load)
{
	struct rule_set *set = load->set;

	set->others = rx_load_alloc(load, set->n_others, sizeof(*set->others));
	for (size_t a = 0; set->others && a < load->world->n_assets; a++) {
		const struct rx_class *cls = &set->classes[load->world->assets[a].class_index];
		for (size_t i = 0; i < cls->n_tallies; i++) {
			size_t group = group_for(set, &set->tallies[cls->tallies[i]], (uint32_t)a);
			if (group != RX_NO_USE)
				set->others[group].n++;
		}
	}
	for (size_t t = 0; set->others && t < set->n_tallies; t++)
		for (size_t i = 0; set->tallies[t].is_values && i < set->tallies[t].n_groups; i++) {
			struct rx_group_of_others *group = &set->others[set->tallies[t].first_group + i];
			group->first_value = set->n_part_values;
			set->n_part_values += group->n;
		}
}

/* ---- Readers ------------------------------------------------------------------------------- */

enum list { READERS, KEEPERS, ASKERS, ASKING_ASSETS, LISTS };

struct filing {
	struct rule_set *set;
	uint32_t *items; /* NULL while counting */
	size_t n;
};

/* The list of an asset, or of a group, as a place and a length. */
static void list_of(struct rule_set *set, enum list list, size_t owner, const uint32_t ***ret_items, size_t **ret_n)
{
	struct rx_asset *asset = list <= KEEPERS ? &set->assets[owner] : NULL;
	struct rx_group_of_others *group = list > KEEPERS ? &set->others[owner] : NULL;

	if (asset) {
		*ret_items = list == READERS ? &asset->readers : &asset->keepers;
		*ret_n = list == READERS ? &asset->n_readers : &asset->n_keepers;
	} else {
		*ret_items = list == ASKERS ? &group->instances : &group->assets;
		*ret_n = list == ASKERS ? &group->n_instances : &group->n_assets;
	}
}

static void file(struct filing *f, enum list list, size_t owner, uint32_t item)
{
	const uint32_t **items;
	size_t *n;

	list_of(f->set, list, owner, &items, &n);
	if (f->items)
		f->items[(size_t)(*items - f->items) + *n] = item;
	++*n;
	f->n++;
}

static void file_reads(struct filing *f, const struct rx_reads *reads, uint32_t asset, enum list of_asset, enum list of_group,
		       uint32_t item)
{
	const struct wy_asset *model = &f->set->world->assets[asset];

	for (uint32_t i = 0; model->relations && i < WY_RELATIONS_MAX; i++) {
		if (!(reads->relations >> i & 1) || model->relations[i] == WY_NO_ASSET)
			continue;
		file(f, of_asset, model->relations[i], item);
		f->set->has_readers = true;
	}
	for (size_t i = 0; i < reads->n_tallies; i++) {
		const struct rx_tally *tally = &f->set->tallies[reads->tallies[i]];
		size_t group = group_for(f->set, tally, asset);
		if (group != RX_NO_USE)
			file(f, of_group, group, item);
	}
}

/* Groups and problems have no conditions of their own. */
static bool has_condition(const struct rule_set *set, const struct rx_instance *it)
{
	enum rule_kind kind = set->rules[it->info.rule].info.kind;

	return kind != RULE_KIND_GROUP && kind != RULE_KIND_PROBLEM;
}

static void file_all(struct filing *f)
{
	struct rule_set *set = f->set;

	for (size_t i = 0; i < set->n_instances; i++)
		if (has_condition(set, &set->instances[i]))
			file_reads(f, &set->instances[i].variant->reads, set->instances[i].info.asset, READERS, ASKERS, (uint32_t)i);
	for (size_t a = 0; a < set->world->n_assets; a++)
		file_reads(f, &set->classes[set->world->assets[a].class_index].reads, (uint32_t)a, KEEPERS, ASKING_ASSETS,
			   (uint32_t)a);
}

/* After counting: where each list begins. */
static void place_lists(struct rule_set *set, uint32_t *items)
{
	size_t at = 0;

	for (unsigned list = 0; list < LISTS; list++) {
		size_t n_owners = list <= KEEPERS ? set->world->n_assets : set->n_others;
		for (size_t owner = 0; owner < n_owners; owner++) {
			const uint32_t **own;
			size_t *n;
			list_of(set, (enum list)list, owner, &own, &n);
			*own = items + at;
			at += *n;
			*n = 0;
		}
	}
}

void rx_bind_others(struct rx_load *load)
{
	struct rule_set *set = load->set;
	struct filing filing = {.set = set};

	place_assets(load);
	for (uint32_t i = 0; i < load->world->n_classes && !load->err; i++)
		list_tallies(load, i);
	place_tallies(load);
	if (!load->err)
		count_members(load);
	if (load->err)
		return;
	file_all(&filing);
	if (too_many(load, filing.n, WY_RULE_READERS_MAX, "pairs of a rule and another asset it reads"))
		return;
	uint32_t *items = rx_load_alloc(load, filing.n, sizeof(*items));
	if (!items)
		return;
	place_lists(set, items);
	filing.items = items;
	file_all(&filing);
}
