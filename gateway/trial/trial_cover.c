/* trial_cover.c: see trial_cover.h. Conditions are looked at on the side that decides: `when` while a level is normal
 * or pending, `clear` after that; on a move both. */
#include "trial_cover.h"

#include <stdlib.h>
#include <string.h>

enum { STATES = RULE_LATCHED_STATE + 1, SIDES = 2, EVERY_TURN = 10000, SELDOM = 16 };

struct condition {
	char *text; /* owned */
	bool was[RULE_UNKNOWN + 1];
};

struct side {
	struct condition conditions[WY_RULE_CLAUSES_MAX];
	size_t n;
};

struct level {
	uint8_t tier;
	bool moved[STATES][STATES];
	bool can_move[STATES][STATES];
	struct side sides[SIDES]; /* when, clear */
};

struct entry {
	char *id; /* owned */
	bool has_instance, has_raised;
	struct level levels[WY_RULE_LEVELS_MAX];
	size_t n_levels;
};

struct trial_cover {
	struct entry **entries; /* owned */
	size_t n;
	const struct trial_test *test; /* of the play that goes on */
	uint32_t *entry_of;            /* [rules of its set] */
	uint8_t *before;               /* [instances][WY_RULE_LEVELS_MAX] states before the turn */
	uint64_t n_turns;
};

struct trial_cover *trial_cover_new(void)
{
	return calloc(1, sizeof(struct trial_cover));
}

static void free_entry(struct entry *entry)
{
	for (size_t i = 0; i < WY_RULE_LEVELS_MAX; i++)
		for (size_t s = 0; s < SIDES; s++)
			for (size_t c = 0; c < entry->levels[i].sides[s].n; c++)
				free(entry->levels[i].sides[s].conditions[c].text);
	free(entry->id);
	free(entry);
}

void trial_cover_free(struct trial_cover *cover)
{
	if (!cover)
		return;
	for (size_t i = 0; i < cover->n; i++)
		free_entry(cover->entries[i]);
	free(cover->entries);
	free(cover->entry_of);
	free(cover->before);
	free(cover);
}

/* ---- Rules --------------------------------------------------------------------------------- */

static bool add_entry(struct trial_cover *cover, const struct rule_info *info)
{
	struct entry **larger = realloc(cover->entries, (cover->n + 1) * sizeof(*larger));
	struct entry *entry = larger ? calloc(1, sizeof(*entry)) : NULL;

	if (larger)
		cover->entries = larger;
	if (!entry)
		return false;
	entry->id = strdup(info->id);
	entry->n_levels = info->n_levels;
	for (size_t i = 0; i < info->n_levels; i++)
		entry->levels[i].tier = info->levels[i].tier;
	cover->entries[cover->n++] = entry;
	return entry->id != NULL;
}

static bool find_entry(struct trial_cover *cover, const struct rule_info *info, uint32_t *ret)
{
	for (size_t i = 0; i < cover->n; i++)
		if (strcmp(cover->entries[i]->id, info->id) == 0) {
			*ret = (uint32_t)i;
			return true;
		}
	*ret = (uint32_t)cover->n;
	return add_entry(cover, info);
}

/* Moves a level can make, from its holds and its latch; a rule of another kind only comes and goes. */
static void note_moves(struct level *level, const struct rule_info *rule, const struct rule_instance_info *instance,
		       size_t i)
{
	bool is_level = rule->kind == RULE_KIND_LEVEL;
	bool has_hold = is_level && instance->hold_ms[i] > 0, has_way = is_level && instance->clear_hold_ms[i] > 0;
	bool is_latched = rule->latch != RULE_LATCH_NONE;
	enum rule_state end = is_latched ? RULE_LATCHED_STATE : RULE_NORMAL;

	level->can_move[RULE_NORMAL][has_hold ? RULE_PENDING : RULE_ACTIVE] = true;
	level->can_move[RULE_PENDING][RULE_ACTIVE] |= has_hold;
	level->can_move[RULE_PENDING][RULE_NORMAL] |= has_hold;
	level->can_move[has_way ? RULE_RETURNING : RULE_ACTIVE][end] = true;
	level->can_move[RULE_ACTIVE][RULE_RETURNING] |= has_way;
	level->can_move[RULE_RETURNING][RULE_ACTIVE] |= has_way;
	level->can_move[RULE_LATCHED_STATE][RULE_NORMAL] |= is_latched;
	level->can_move[RULE_LATCHED_STATE][RULE_ACTIVE] |= is_latched && is_level;
}

static void note_instances(struct trial_cover *cover)
{
	const struct rule_set *set = cover->test->set;

	for (uint32_t i = 0; i < rule_instance_count(set); i++) {
		const struct rule_instance_info *info = rule_instance_at(set, i);
		struct entry *entry = cover->entries[cover->entry_of[info->rule]];
		entry->has_instance = true;
		for (size_t k = 0; k < entry->n_levels; k++)
			note_moves(&entry->levels[k], rule_info_at(set, info->rule), info, k);
	}
}

enum wy_err trial_cover_begin(struct trial_cover *cover, const struct trial_test *test)
{
	size_t n_rules = rule_count(test->set), n_instances = rule_instance_count(test->set);

	free(cover->entry_of);
	free(cover->before);
	cover->entry_of = calloc(n_rules + 1, sizeof(*cover->entry_of));
	cover->before = calloc((n_instances + 1) * WY_RULE_LEVELS_MAX, 1);
	cover->test = NULL;
	cover->n_turns = 0;
	if (!cover->entry_of || !cover->before)
		return WY_E_NOMEM;
	for (uint32_t i = 0; i < n_rules; i++)
		if (!find_entry(cover, rule_info_at(test->set, i), &cover->entry_of[i]))
			return WY_E_NOMEM;
	cover->test = test;
	note_instances(cover);
	return WY_OK;
}

/* ---- Turns --------------------------------------------------------------------------------- */

static struct condition *condition_of(struct side *side, const struct rule_clause *clause)
{
	for (size_t i = 0; i < side->n; i++)
		if (strlen(side->conditions[i].text) == clause->text_len &&
		    memcmp(side->conditions[i].text, clause->text, clause->text_len) == 0)
			return &side->conditions[i];
	if (side->n == WY_RULE_CLAUSES_MAX)
		return NULL;
	struct condition *it = &side->conditions[side->n];
	it->text = strndup(clause->text, clause->text_len);
	side->n += it->text != NULL;
	return it->text ? it : NULL;
}

static void look(struct level *level, const struct rule_engine *engine, uint32_t instance, unsigned i, bool is_clear)
{
	struct rule_clause clauses[WY_RULE_CLAUSES_MAX];
	size_t n = rule_clauses(engine, instance, i, is_clear, clauses, WY_RULE_CLAUSES_MAX);

	for (size_t k = 0; k < n; k++) {
		struct condition *it = condition_of(&level->sides[is_clear], &clauses[k]);
		if (it)
			it->was[clauses[k].truth] = true;
	}
}

static bool asks_clear(enum rule_state state)
{
	return state == RULE_ACTIVE || state == RULE_RETURNING || state == RULE_LATCHED_STATE;
}

static void note_level(struct entry *entry, const struct rule_engine *engine, uint32_t instance, unsigned i,
		       uint8_t *before, bool is_looking)
{
	struct level *level = &entry->levels[i];
	enum rule_state from = (enum rule_state)*before, to = rule_level_state(engine, instance, i);

	*before = (uint8_t)to;
	if (from != to)
		level->moved[from][to] = true;
	entry->has_raised = entry->has_raised || asks_clear(to);
	if (from == to && !is_looking)
		return;
	look(level, engine, instance, i, asks_clear(to));
	if (asks_clear(from) != asks_clear(to))
		look(level, engine, instance, i, asks_clear(from));
}

void trial_cover_note(struct trial_cover *cover, const struct rule_engine *engine)
{
	/* Long tests repeat themselves: after a while every look costs more than it finds. */
	bool is_looking = cover->n_turns < EVERY_TURN || cover->n_turns % SELDOM == 0;

	cover->n_turns++;
	for (uint32_t i = 0; cover->test && i < rule_instance_count(cover->test->set); i++) {
		struct entry *entry = cover->entries[cover->entry_of[rule_instance_at(cover->test->set, i)->rule]];
		for (unsigned k = 0; k < entry->n_levels; k++)
			note_level(entry, engine, i, k, &cover->before[i * WY_RULE_LEVELS_MAX + k], is_looking);
	}
}

/* ---- What is left -------------------------------------------------------------------------- */

struct counts {
	size_t rules, raised, moves, moved, conditions, both;
};

static void print_moves(const struct entry *entry, const struct level *level, struct counts *counts, FILE *out)
{
	for (size_t from = 0; from < STATES; from++)
		for (size_t to = 0; to < STATES; to++) {
			if (!level->can_move[from][to])
				continue;
			counts->moves++;
			counts->moved += level->moved[from][to];
			if (!level->moved[from][to] && entry->has_raised)
				fprintf(out, "  %s S%u: never from %s to %s\n", entry->id, level->tier,
					rule_state_text((enum rule_state)from), rule_state_text((enum rule_state)to));
		}
}

static void print_conditions(const struct entry *entry, const struct level *level, struct counts *counts, FILE *out)
{
	for (size_t s = 0; s < SIDES; s++)
		for (size_t i = 0; i < level->sides[s].n; i++) {
			const struct condition *it = &level->sides[s].conditions[i];
			bool is_both = it->was[RULE_TRUE] && it->was[RULE_FALSE];
			counts->conditions++;
			counts->both += is_both;
			if (!is_both && entry->has_raised)
				fprintf(out, "  %s S%u: in %s never %s: %s\n", entry->id, level->tier,
					s ? "'clear'" : "'when'",
					it->was[RULE_TRUE] ? "false" : (it->was[RULE_FALSE] ? "true" : "known"),
					it->text);
		}
}

void trial_cover_print(const struct trial_cover *cover, FILE *out)
{
	struct counts counts = {0};

	for (size_t i = 0; i < cover->n; i++) {
		const struct entry *entry = cover->entries[i];
		counts.rules++;
		counts.raised += entry->has_raised;
		if (!entry->has_raised)
			fprintf(out, "  %s: %s\n", entry->id,
				entry->has_instance ? "never raised" : "watches no asset of the tests");
		for (size_t k = 0; k < entry->n_levels; k++) {
			print_moves(entry, &entry->levels[k], &counts, out);
			print_conditions(entry, &entry->levels[k], &counts, out);
		}
	}
	fprintf(out, "coverage: %zu of %zu rules raised, %zu of %zu moves, %zu of %zu conditions true and false\n",
		counts.raised, counts.rules, counts.moved, counts.moves, counts.both, counts.conditions);
}
