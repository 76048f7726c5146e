/* outcome.c: see outcome.h. */
#include "outcome.h"

#include <stdlib.h>
#include <string.h>

/* Instances of one asset and fault share a ticket; found by sorting. */
struct case_key {
	const char *fault;
	uint32_t asset, instance;
};

static int by_case(const void *left, const void *right)
{
	const struct case_key *a = left, *b = right;

	if (a->asset != b->asset)
		return a->asset < b->asset ? -1 : 1;
	int order = strcmp(a->fault, b->fault);
	return order ? order : (a->instance > b->instance) - (a->instance < b->instance);
}

static bool find_cases(struct outcome *outcome, size_t n)
{
	struct case_key *keys = calloc(n + 1, sizeof(*keys));
	uint32_t at = 0;

	if (!keys)
		return false;
	for (uint32_t i = 0; i < n; i++) {
		const struct rule_instance_info *info = rule_instance_at(outcome->set, i);
		const char *fault = rule_info_at(outcome->set, info->rule)->fault;
		keys[i] = (struct case_key){fault ? fault : "", info->asset, i};
	}
	qsort(keys, n, sizeof(*keys), by_case);
	for (size_t i = 0; i < n; i++) {
		bool is_same = i && keys[i].asset == keys[i - 1].asset &&
			       strcmp(keys[i].fault, keys[i - 1].fault) == 0 && keys[i].fault[0];
		at += i && !is_same;
		outcome->case_of[keys[i].instance] = at;
	}
	free(keys);
	return true;
}

enum wy_err outcome_init(struct outcome *outcome, const struct rule_set *set)
{
	size_t n = rule_instance_count(set);

	memset(outcome, 0, sizeof(*outcome));
	outcome->set = set;
	outcome->standing = malloc((n + 1) * sizeof(*outcome->standing));
	outcome->latest = malloc((n + 1) * sizeof(*outcome->latest));
	outcome->unverified = malloc((n + 1) * sizeof(*outcome->unverified));
	outcome->n_standing = calloc(n + 1, sizeof(*outcome->n_standing));
	outcome->case_of = calloc(n + 1, sizeof(*outcome->case_of));
	if (!outcome->standing || !outcome->latest || !outcome->unverified || !outcome->n_standing ||
	    !outcome->case_of || !find_cases(outcome, n)) {
		outcome_release(outcome);
		return WY_E_NOMEM;
	}
	for (size_t i = 0; i < n; i++) {
		outcome->standing[i] = outcome->latest[i] = OUTCOME_NONE;
		outcome->unverified[i] = WY_MS_NONE;
	}
	return WY_OK;
}

void outcome_release(struct outcome *outcome)
{
	free(outcome->raises);
	free(outcome->standing);
	free(outcome->latest);
	free(outcome->unverified);
	free(outcome->n_standing);
	free(outcome->case_of);
	memset(outcome, 0, sizeof(*outcome));
}

/* ---- Events ------------------------------------------------------------------------------------ */

static struct outcome_raise *new_raise(struct outcome *outcome)
{
	if (outcome->n == outcome->room) {
		size_t room = outcome->room ? 2 * outcome->room : 256;
		room = room < WY_REPLAY_TICKETS_MAX ? room : WY_REPLAY_TICKETS_MAX;
		void *more = room > outcome->room ? realloc(outcome->raises, room * sizeof(*outcome->raises)) : NULL;
		if (!more) {
			outcome->is_full = true;
			return NULL;
		}
		outcome->raises = more;
		outcome->room = room;
	}
	return &outcome->raises[outcome->n++];
}

static void begin(struct outcome *outcome, const struct rule_event *event, wy_ms wall_offset_ms)
{
	struct outcome_raise *raise = new_raise(outcome);

	if (!raise)
		return;
	*raise = (struct outcome_raise){
		.instance = event->instance,
		.level = event->level,
		.tier = event->tier,
		.worst = event->tier,
		.is_ticket = outcome->n_standing[outcome->case_of[event->instance]]++ == 0,
		.onset_ms = event->onset_ms,
		.raised_ms = event->at_ms,
		.wall_offset_ms = wall_offset_ms,
		.before = outcome->latest[event->instance],
	};
	outcome->standing[event->instance] = outcome->latest[event->instance] = (uint32_t)(outcome->n - 1);
}

static void verified(struct outcome *outcome, uint32_t instance, wy_ms at_ms)
{
	struct outcome_raise *raise = &outcome->raises[outcome->standing[instance]];
	wy_ms since_ms = outcome->unverified[instance];

	if (since_ms != WY_MS_NONE)
		raise->unverified_ms += at_ms - since_ms;
	outcome->unverified[instance] = WY_MS_NONE;
}

static void end(struct outcome *outcome, uint32_t instance, wy_ms at_ms)
{
	struct outcome_raise *raise = &outcome->raises[outcome->standing[instance]];

	verified(outcome, instance, at_ms);
	raise->ended_ms = at_ms;
	raise->is_over = true;
	outcome->n_standing[outcome->case_of[instance]]--;
	outcome->standing[instance] = OUTCOME_NONE;
}

void outcome_event(struct outcome *outcome, const struct rule_event *event, wy_ms wall_offset_ms)
{
	uint32_t at = outcome->standing[event->instance];

	if (event->kind == RULE_RAISED && at == OUTCOME_NONE)
		begin(outcome, event, wall_offset_ms);
	if (event->kind == RULE_RAISED || at == OUTCOME_NONE)
		return;
	struct outcome_raise *raise = &outcome->raises[at];
	if (event->kind == RULE_RESOLVED || event->kind == RULE_CLOSED)
		end(outcome, event->instance, event->at_ms);
	else if (event->kind == RULE_TIER && event->tier < raise->worst)
		raise->worst = event->tier;
	else if (event->kind == RULE_UNVERIFIED)
		outcome->unverified[event->instance] = event->at_ms;
	else if (event->kind == RULE_VERIFIED)
		verified(outcome, event->instance, event->at_ms);
}

void outcome_restart(struct outcome *outcome, const struct rule_engine *engine, wy_ms at_ms)
{
	for (uint32_t i = 0; i < rule_instance_count(outcome->set); i++)
		if (outcome->standing[i] != OUTCOME_NONE && !rule_is_raised(engine, i))
			end(outcome, i, at_ms);
}

void outcome_finish(struct outcome *outcome, wy_ms first_ms, wy_ms last_ms)
{
	outcome->first_ms = first_ms;
	outcome->last_ms = last_ms;
	for (size_t i = 0; i < outcome->n; i++) {
		struct outcome_raise *raise = &outcome->raises[i];
		if (raise->is_over)
			continue;
		verified(outcome, raise->instance, last_ms);
		raise->ended_ms = last_ms;
	}
}

/* ---- Statistics ------------------------------------------------------------------------------- */

static void count(const struct outcome *outcome, const struct outcome_raise *raise, struct outcome_stats *stats)
{
	wy_ms span_ms = raise->ended_ms - raise->raised_ms;

	stats->raises++;
	stats->tickets += raise->is_ticket;
	stats->standing += !raise->is_over;
	stats->active_ms += span_ms;
	stats->unverified_ms += raise->unverified_ms;
	if (raise->is_over)
		stats->clear_ms += span_ms;
	if (raise->before != OUTCOME_NONE &&
	    raise->raised_ms - outcome->raises[raise->before].ended_ms < OUTCOME_CHATTER_MS)
		stats->again++;
}

void outcome_of_rule(const struct outcome *outcome, uint32_t rule, struct outcome_stats *ret)
{
	*ret = (struct outcome_stats){0};
	for (size_t i = 0; i < outcome->n; i++)
		if (rule_instance_at(outcome->set, outcome->raises[i].instance)->rule == rule)
			count(outcome, &outcome->raises[i], ret);
}

void outcome_of_tier(const struct outcome *outcome, uint8_t tier, struct outcome_stats *ret)
{
	*ret = (struct outcome_stats){0};
	for (size_t i = 0; i < outcome->n; i++)
		if (outcome->raises[i].worst == tier)
			count(outcome, &outcome->raises[i], ret);
}

void outcome_of_all(const struct outcome *outcome, struct outcome_stats *ret)
{
	*ret = (struct outcome_stats){0};
	for (size_t i = 0; i < outcome->n; i++)
		count(outcome, &outcome->raises[i], ret);
}

struct outcome_flood outcome_flood_of(const struct outcome *outcome)
{
	struct outcome_flood flood = {0};
	uint32_t n = 0;
	wy_ms flooded_ms = WY_MS_NONE;

	/* Raises stand in the order of their time: a window slides over those that are tickets. */
	for (size_t last = 0, first = 0; last < outcome->n; last++) {
		wy_ms now_ms = outcome->raises[last].raised_ms;
		if (!outcome->raises[last].is_ticket)
			continue;
		n++;
		for (; outcome->raises[first].raised_ms <= now_ms - OUTCOME_FLOOD_MS; first++)
			n -= outcome->raises[first].is_ticket;
		while (!outcome->raises[first].is_ticket)
			first++;
		if (n > flood.most) {
			flood.most = n;
			flood.at_ms = outcome->raises[first].raised_ms;
			flood.wall_offset_ms = outcome->raises[first].wall_offset_ms;
		}
		if (n <= OUTCOME_FLOOD)
			continue;
		flood.floods += flooded_ms == WY_MS_NONE || now_ms - flooded_ms > OUTCOME_FLOOD_MS;
		flooded_ms = now_ms;
	}
	return flood;
}
