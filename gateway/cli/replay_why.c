/* replay_why.c: how a raise came about: the data is played once to find it, and again with a look at its conditions at
 * every turn from a moment before its onset to its raise. */
#include <stdlib.h>
#include <string.h>

#include "csv_text.h"
#include "replay_tasks.h"

enum { LINES_MAX = 200 };

struct why {
	struct replay_session session;
	const struct outcome_raise *raise;
	struct rule_clause clauses[WY_RULE_CLAUSES_MAX]; /* as last shown */
	size_t n_clauses;
	unsigned lines, left_out;
};

/* ---- Which ------------------------------------------------------------------------------------- */

struct wanted {
	char rule[160], asset[80];
	bool has_time;
	wy_ms wall_ms;
};

static bool copy(const char *from, size_t len, char *out, size_t size)
{
	if (!len || len >= size)
		return false;
	memcpy(out, from, len);
	out[len] = '\0';
	return true;
}

static bool read_wanted(const char *ticket, const struct wy_zone *zone, struct wanted *wanted)
{
	const char *slash = strchr(ticket, '/'), *at = strchr(ticket, '@');
	struct csv_clock clock = {.zone = zone};
	const char *end = at ? at : ticket + strlen(ticket);

	wanted->has_time = at != NULL;
	if (slash && slash < end && copy(ticket, (size_t)(slash - ticket), wanted->rule, sizeof(wanted->rule)) &&
	    copy(slash + 1, (size_t)(end - slash - 1), wanted->asset, sizeof(wanted->asset)) &&
	    (!at || csv_time(&clock, at + 1, strlen(at + 1), WY_MS_NONE, &wanted->wall_ms)))
		return true;
	fprintf(stderr, "weiyu replay: '%s': expected RULE/ASSET or RULE/ASSET@TIME, such as "
		"lift.entrapment/L2@2026-03-29T03:01\n", ticket);
	return false;
}

/* The raise that stood at that time, else the last before; without a time the first. */
static const struct outcome_raise *find_raise(const struct replay_session *s, const struct wanted *wanted)
{
	const struct outcome_raise *found = NULL;

	for (size_t i = 0; i < s->outcome.n; i++) {
		const struct outcome_raise *raise = &s->outcome.raises[i];
		const struct rule_instance_info *info = rule_instance_at(s->world->set, raise->instance);
		if (strcmp(rule_info_at(s->world->set, info->rule)->id, wanted->rule) != 0 ||
		    strcmp(s->world->world.assets[info->asset].id, wanted->asset) != 0)
			continue;
		/* A time is often written without its seconds. */
		if (wanted->has_time && found && raise->raised_ms + raise->wall_offset_ms > wanted->wall_ms + 59999)
			break;
		found = raise;
		if (!wanted->has_time)
			break;
	}
	return found;
}

/* ---- Looking ----------------------------------------------------------------------------------- */

static bool is_same(const struct rule_clause *a, const struct rule_clause *b)
{
	return a->truth == b->truth && a->word == b->word && a->why == b->why && a->has_value == b->has_value &&
	       a->has_limit == b->has_limit && (!a->has_value || memcmp(&a->value, &b->value, sizeof(a->value)) == 0);
}

static void print_number(double value, const struct wy_unit *unit, struct wy_buf *buf)
{
	if (unit && strcmp(unit->name, "ms") == 0 && value >= 0 && value < 9e15) {
		wy_buf_duration(buf, (wy_ms)value);
		return;
	}
	wy_buf_real(buf, value, 3);
	wy_buf_addf(buf, "%s%s", unit ? " " : "", unit ? unit->name : "");
}

static void print_clause(const struct rule_clause *clause, const char *stamp)
{
	static const char *const truths[] = {[RULE_FALSE] = "false", [RULE_TRUE] = "true", [RULE_UNKNOWN] = "unknown"};
	char text[160];
	struct wy_buf buf;

	wy_buf_init(&buf, text, sizeof(text));
	if (clause->why)
		wy_buf_addf(&buf, "  (%s)", clause->why);
	else if (clause->word)
		wy_buf_addf(&buf, "  (%s)", clause->word);
	else if (clause->has_value) {
		wy_buf_add(&buf, "  (");
		print_number(clause->value, clause->unit, &buf);
		if (clause->has_limit) {
			wy_buf_add(&buf, " against ");
			print_number(clause->limit, clause->unit, &buf);
		}
		wy_buf_add(&buf, ")");
	}
	printf("%-30s %-7s  %.*s%s\n", stamp, truths[clause->truth], (int)clause->text_len, clause->text, text);
}

/* What changed since it was last shown; everything the first time. */
static void show(struct why *why, wy_ms now_ms)
{
	struct rule_clause clauses[WY_RULE_CLAUSES_MAX];
	struct player *player = &why->session.player;
	size_t n = rule_clauses(player->engine, why->raise->instance, why->raise->level, false, clauses, WY_RULE_CLAUSES_MAX);
	char stamp[40];
	struct wy_buf buf;
	bool is_first = true;

	wy_buf_init(&buf, stamp, sizeof(stamp));
	wy_stamp_local(&buf, now_ms + player->now.wall_ms - player->now.mono_ms, player->world->zone);
	for (size_t i = 0; i < n; i++) {
		if (i < why->n_clauses && is_same(&clauses[i], &why->clauses[i]))
			continue;
		/* What turns is always shown, what only moves as long as it is readable. */
		bool is_turn = i >= why->n_clauses || clauses[i].truth != why->clauses[i].truth;
		if (!is_turn && why->lines >= LINES_MAX) {
			why->left_out++;
			continue;
		}
		print_clause(&clauses[i], is_first ? stamp : "");
		is_first = false;
		why->lines++;
	}
	memcpy(why->clauses, clauses, sizeof(clauses));
	why->n_clauses = n;
}

static void on_turn(void *arg, wy_ms now_ms)
{
	struct why *why = arg;
	struct player *player = &why->session.player;
	wy_ms before_ms = why->raise->onset_ms - 1;

	if (now_ms < before_ms) {
		player->look_ms = before_ms;
		return;
	}
	if (now_ms > why->raise->raised_ms)
		return;
	show(why, now_ms);
	player->look_ms = now_ms < why->raise->onset_ms ? why->raise->onset_ms
			  : now_ms < why->raise->raised_ms ? why->raise->raised_ms : WY_MS_NEVER;
}

/* ---- All --------------------------------------------------------------------------------------- */

static void print_head(const struct why *why, const struct wanted *wanted)
{
	const struct replay_world *world = why->session.world;
	const struct rule_instance_info *info = rule_instance_at(world->set, why->raise->instance);
	const struct rule_info *rule = rule_info_at(world->set, info->rule);
	char raised[40], onset[40], hold[40];
	struct wy_buf buf;

	wy_buf_init(&buf, raised, sizeof(raised));
	wy_stamp_local(&buf, why->raise->raised_ms + why->raise->wall_offset_ms, world->world.zone);
	wy_buf_init(&buf, onset, sizeof(onset));
	wy_stamp_local(&buf, why->raise->onset_ms + why->raise->wall_offset_ms, world->world.zone);
	wy_buf_init(&buf, hold, sizeof(hold));
	wy_buf_duration(&buf, info->hold_ms[why->raise->level]);
	printf("%s on %s, S%u: raised %s, onset %s, hold %s\n%s:%u: %s\n", wanted->rule, wanted->asset, why->raise->tier,
	       raised, onset, hold, rule->file, rule->line,
	       rule->levels[why->raise->level].when_text ? rule->levels[why->raise->level].when_text : "");
}

static bool look_again(const struct replay_session *first, const struct wanted *wanted,
		       const struct outcome_raise *raise)
{
	struct why *why = calloc(1, sizeof(*why));

	if (!why)
		return false;
	why->session = (struct replay_session){.options = first->options, .world = first->world, .data = first->data,
					       .what = "why", .on_turn = on_turn, .arg = why};
	why->raise = raise;
	print_head(why, wanted);
	bool is_fine = replay_session_run(&why->session);
	if (is_fine && why->left_out)
		printf("%u more values that moved without turning anything are left out\n", why->left_out);
	if (is_fine)
		replay_session_release(&why->session);
	free(why);
	return is_fine;
}

int replay_why(const struct replay_options *options, struct replay_data *data, const char *ticket)
{
	struct replay_world world;
	struct replay_session session = {.options = options, .world = &world, .data = data, .what = "search"};
	struct wanted wanted;

	if (!replay_world_open(&world, options, NULL, NULL, !data->is_recording))
		return CLI_FOUND;
	bool is_fine = read_wanted(ticket, world.world.zone, &wanted) && replay_session_run(&session);
	if (is_fine) {
		const struct outcome_raise *raise = find_raise(&session, &wanted);
		if (raise)
			is_fine = look_again(&session, &wanted, raise);
		else
			fprintf(stderr, "weiyu replay: rule '%s' never raised on asset '%s' in this data\n", wanted.rule,
				wanted.asset);
		is_fine = is_fine && raise;
		replay_session_release(&session);
	}
	replay_world_close(&world);
	return is_fine ? CLI_FINE : CLI_FOUND;
}
