/* standing.c: what goes with a ticket beside its condition, gathered from the rules and the notes of the store whenever
 * a document is made: nothing of it is kept twice, so a restart forgets none of it. */
#include "engine_internal.h"

#include <stdio.h>
#include <string.h>

enum { GROUPS_MAX = WY_RULE_GROUPS_MAX, MEMBERS_READ = 256 };

enum wy_err engine_open_ticket(const struct engine *engine, const struct engine_case *c, struct ticket *ret_ticket)
{
	const struct config *config = engine->parts.config;
	char dedup[TICKET_DEDUP_SIZE];

	if (!c->is_open)
		return WY_E_NOTFOUND;
	enum wy_err err = ticket_dedup(config->assets[c->asset].id, config->faults[c->fault].code, dedup);
	return err ? err : store_find_open(engine->parts.store, dedup, ret_ticket);
}

/* ---- Other rules ------------------------------------------------------------------------------- */

static enum wy_err find_key(const struct engine *engine, uint32_t instance, char out[TICKET_KEY_SIZE])
{
	uint32_t at = engine->case_of[instance];
	struct ticket ticket;
	enum wy_err err = WY_E_NOTFOUND;

	out[0] = '\0';
	/* One that a group speaks for is not raised; a ticket its case may have is of another rule. */
	if (at != CASE_NONE && rule_is_raised(engine->rules, instance))
		err = engine_open_ticket(engine, &engine->cases[at], &ticket);
	if (!err)
		memcpy(out, ticket.key, TICKET_KEY_SIZE);
	return err == WY_E_NOTFOUND ? WY_OK : err;
}

static enum wy_err refer(const struct engine *engine, uint32_t instance, struct ticket_ref *ret_ref)
{
	const struct rule_set *rules = engine->parts.rules;
	const struct rule_info *rule = rule_info_at(rules, rule_instance_at(rules, instance)->rule);
	const struct wy_asset *asset = &engine->parts.config->assets[rule_asset_of(engine->rules, instance)];

	*ret_ref = (struct ticket_ref){.rule = rule->id, .asset = asset->id, .asset_name = asset->name_zh,
				       .fault = rule->fault};
	return find_key(engine, instance, ret_ref->ticket_key);
}

static enum wy_err add_parent(struct engine *engine, uint32_t instance)
{
	uint32_t parent = rule_standing_of(engine->rules, instance).depends_on;

	if (parent == RULE_NO_INSTANCE)
		return WY_OK;
	engine->standing.has_parent = true;
	return refer(engine, parent, &engine->standing.parent);
}

static enum wy_err add_group(struct engine *engine, uint32_t instance)
{
	uint32_t groups[GROUPS_MAX];
	size_t n = rule_groups(engine->rules, instance, groups, GROUPS_MAX);
	enum wy_err err = WY_OK;

	for (size_t i = 0; !err && i < n && i < GROUPS_MAX && !engine->standing.group[0]; i++)
		err = find_key(engine, groups[i], engine->standing.group);
	return err;
}

static enum wy_err add_member(struct engine *engine, uint32_t instance)
{
	struct ticket_standing *standing = &engine->standing;

	if (standing->n_members_shown == MEMBERS_SHOWN)
		return WY_OK;
	return refer(engine, instance, &engine->members[standing->n_members_shown++]);
}

/* Who raised first is the probable origin: that comes first. */
static enum wy_err add_members(struct engine *engine, uint32_t instance)
{
	uint32_t members[MEMBERS_READ];
	uint32_t origin = rule_asset_of(engine->rules, instance);
	size_t n = rule_members(engine->rules, instance, members, MEMBERS_READ);
	size_t n_read = n < MEMBERS_READ ? n : MEMBERS_READ;
	enum wy_err err = WY_OK;

	engine->standing.n_members = n;
	engine->standing.members = engine->members;
	for (unsigned pass = 0; pass < 2; pass++)
		for (size_t i = 0; !err && i < n_read; i++)
			if ((rule_asset_of(engine->rules, members[i]) == origin) == (pass == 0))
				err = add_member(engine, members[i]);
	return err;
}

/* A problem names the tickets whose coming back it is. */
static enum wy_err add_earlier(struct engine *engine, uint32_t instance)
{
	const struct rule_set *rules = engine->parts.rules;
	const struct rule_instance_info *info = rule_instance_at(rules, instance);
	const struct rule_info *source = rule_info_at(rules, rule_source_of(rules, info->rule));
	struct ticket_standing *standing = &engine->standing;
	char dedup[TICKET_DEDUP_SIZE];

	if (rule_info_at(rules, info->rule)->kind != RULE_KIND_PROBLEM)
		return WY_OK;
	enum wy_err err = ticket_dedup(engine->parts.config->assets[info->asset].id, source->fault, dedup);
	if (err)
		return err;
	return store_earlier_tickets(engine->parts.store, dedup, standing->earlier, TICKET_EARLIER_MAX,
				     &standing->n_earlier);
}

/* ---- The case itself --------------------------------------------------------------------------- */

static void add_key(struct ticket_standing *standing, struct rule_key key)
{
	if (!key.is_keyed || standing->n_keys == TICKET_KEYS_MAX)
		return;
	char *out = standing->keys[standing->n_keys++];
	if (key.is_other)
		snprintf(out, TICKET_KEY_WORD_SIZE, "other");
	else if (key.word)
		snprintf(out, TICKET_KEY_WORD_SIZE, "%.*s", (int)TICKET_KEY_WORD_SIZE - 1, key.word);
	else
		snprintf(out, TICKET_KEY_WORD_SIZE, "%lld", (long long)key.value);
}

/* The sum over the rules of the case: what is true of one that stands is worth knowing. */
static void add_rules(struct engine *engine, const struct engine_case *c)
{
	struct ticket_standing *standing = &engine->standing;

	for (uint32_t i = c->first; i != RULE_NO_INSTANCE; i = engine->next_of[i]) {
		struct rule_standing one = rule_standing_of(engine->rules, i);
		bool is_raised = rule_is_raised(engine->rules, i);
		wy_ms until_ms = one.shelved_until_ms - engine->now.mono_ms + engine->now.wall_ms;
		standing->is_chattering |= is_raised && one.is_chattering;
		standing->is_out_of_service |= is_raised && one.is_out_of_service;
		standing->is_maintenance |= is_raised && one.is_maintenance;
		if (one.is_shelved && until_ms > standing->shelved_until_wall_ms)
			standing->shelved_until_wall_ms = until_ms;
		if (is_raised)
			add_key(standing, rule_key_of(engine->rules, i));
	}
}

static enum wy_err add_notes(struct engine *engine, const struct ticket *ticket)
{
	size_t n = 0;
	enum wy_err err = store_ticket_notes(engine->parts.store, ticket->key, engine->kept_notes, NOTES_SHOWN, &n);

	for (size_t i = 0; !err && i < n; i++) {
		const struct store_note *note = &engine->kept_notes[i];
		engine->notes[i] = (struct ticket_note){
			.is_step = strcmp(note->what, rule_event_text(RULE_ESCALATED)) == 0,
			.step = note->step, .what = note->what, .who = note->who, .why = note->why,
			.wall_ms = note->wall_ms, .until_wall_ms = note->until_wall_ms};
	}
	engine->standing.notes = engine->notes;
	engine->standing.n_notes = n;
	return err;
}

enum wy_err engine_describe_standing(struct engine *engine, const struct engine_case *c, uint32_t instance,
				     const struct ticket *ticket)
{
	enum wy_err err;

	memset(&engine->standing, 0, sizeof(engine->standing));
	engine->standing.reason = engine->cause;
	err = add_notes(engine, ticket);
	if (err || !c || instance == CASE_NONE)
		return err;
	add_rules(engine, c);
	err = add_parent(engine, instance);
	if (!err)
		err = add_group(engine, instance);
	if (!err)
		err = add_members(engine, instance);
	return err ? err : add_earlier(engine, instance);
}
