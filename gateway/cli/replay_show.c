/* replay_show.c: what a replay came to, as tables for people and as JSON for programs. */
#include <jansson.h>
#include <stdlib.h>

#include "replay_session.h"

enum { DAY_MS = 86400000 };

static double days_of(const struct replay_session *s)
{
	double days = (double)(s->outcome.last_ms - s->outcome.first_ms) / DAY_MS;

	return days > 0 ? days : 1e-9;
}

static double share(double part, double whole)
{
	return whole > 0 ? part / whole : 0;
}

static double mean_clear_ms(const struct outcome_stats *stats)
{
	return share((double)stats->clear_ms, (double)(stats->raises - stats->standing));
}

/* ---- Tables ------------------------------------------------------------------------------------ */

static void duration(char *out, size_t size, double ms)
{
	struct wy_buf buf;
	wy_ms whole_ms = (wy_ms)(ms + 0.5);

	/* Three places are enough for an average. */
	if (whole_ms >= 10000)
		whole_ms = whole_ms / 1000 * 1000;
	if (whole_ms >= 3600000)
		whole_ms = whole_ms / 60000 * 60000;
	if (whole_ms >= 10 * (wy_ms)DAY_MS)
		whole_ms = whole_ms / 3600000 * 3600000;
	wy_buf_init(&buf, out, size);
	wy_buf_duration(&buf, whole_ms);
}

static void add_row(struct table *table, const char *name, const char *tiers, const struct outcome_stats *stats,
		    double days)
{
	char text[8][32];
	const char *cells[10] = {name, tiers};

	snprintf(text[0], sizeof(text[0]), "%u", stats->raises);
	snprintf(text[1], sizeof(text[1]), "%u", stats->tickets);
	snprintf(text[2], sizeof(text[2]), "%.2f", stats->tickets / days);
	snprintf(text[3], sizeof(text[3]), "%u", stats->standing);
	duration(text[4], sizeof(text[4]), (double)stats->active_ms);
	duration(text[5], sizeof(text[5]), mean_clear_ms(stats));
	snprintf(text[6], sizeof(text[6]), "%.0f %%", 100 * share(stats->again, stats->raises));
	snprintf(text[7], sizeof(text[7]), "%.0f %%",
		 100 * share((double)stats->unverified_ms, (double)stats->active_ms));
	for (unsigned i = 0; i < 8; i++)
		cells[2 + i] = text[i];
	table_row(table, cells);
}

static void tiers_of(const struct rule_info *info, char *out, size_t size)
{
	struct wy_buf buf;

	wy_buf_init(&buf, out, size);
	for (size_t i = 0; i < info->n_levels; i++)
		wy_buf_addf(&buf, "%sS%u", i ? " " : "", info->levels[i].tier);
}

static void show_floods(const struct replay_session *s)
{
	struct outcome_flood flood = outcome_flood_of(&s->outcome);
	char stamp[40];
	struct wy_buf buf;

	wy_buf_init(&buf, stamp, sizeof(stamp));
	wy_stamp_local(&buf, flood.at_ms + flood.wall_offset_ms, s->world->world.zone);
	if (flood.most)
		printf("\nworst ten minutes: %u tickets, from %s; more than %u in ten minutes: %u times\n", flood.most,
		       stamp, OUTCOME_FLOOD, flood.floods);
}

/* Where most is urgent nothing is: 5 % S1 and 20 % S1 and S2 are what people on call can serve. */
static void show_urgency(const struct replay_session *s)
{
	enum { TICKETS_LEAST = 20 };
	struct outcome_stats all, first, second;

	outcome_of_all(&s->outcome, &all);
	outcome_of_tier(&s->outcome, 1, &first);
	outcome_of_tier(&s->outcome, 2, &second);
	uint32_t urgent = first.tickets + second.tickets;
	if (all.tickets >= TICKETS_LEAST && (first.tickets * 20 > all.tickets || urgent * 5 > all.tickets))
		printf("warning %s: of %u tickets %u are S1 (usual is at most 5 %%), %u S1 or S2 (20 %%)\n", "W514", all.tickets,
		       first.tickets, urgent);
}

void replay_show_stats(const struct replay_session *s)
{
	static const char *const head[] = {"RULE",	"TIER",	  "RAISES",	"TICKETS", "PER DAY",
					   "STANDING", "ACTIVE", "MEAN CLEAR", "AGAIN",  "UNVERIFIED"};
	struct table *table = table_new(10);
	struct outcome_stats stats;
	double days = days_of(s);

	if (!table)
		return;
	table_row(table, head);
	for (uint32_t i = 0; i < rule_count(s->world->set); i++) {
		const struct rule_info *info = rule_info_at(s->world->set, i);
		char tiers[32];
		tiers_of(info, tiers, sizeof(tiers));
		outcome_of_rule(&s->outcome, i, &stats);
		if (stats.raises)
			add_row(table, info->id, tiers, &stats, days);
	}
	for (uint8_t tier = 1; tier <= 4; tier++) {
		const char name[] = {'S', (char)('0' + tier), '\0'};
		outcome_of_tier(&s->outcome, tier, &stats);
		add_row(table, "all", name, &stats, days);
	}
	outcome_of_all(&s->outcome, &stats);
	add_row(table, "all", "", &stats, days);
	table_print(table);
	table_free(table);
	show_floods(s);
	show_urgency(s);
	printf("%.2f days, %llu turns, %llu samples\n", days, (unsigned long long)s->player.turns,
	       (unsigned long long)s->player.samples);
}

/* ---- JSON -------------------------------------------------------------------------------------- */

static json_t *stats_json(const struct outcome_stats *stats, double days)
{
	return json_pack("{s:I,s:I,s:f,s:I,s:f,s:f,s:I,s:f}", "raises", (json_int_t)stats->raises, "tickets",
			 (json_int_t)stats->tickets, "tickets_per_day", stats->tickets / days, "standing",
			 (json_int_t)stats->standing, "active_s", (double)stats->active_ms / 1000, "mean_clear_s",
			 mean_clear_ms(stats) / 1000, "again", (json_int_t)stats->again, "unverified_s",
			 (double)stats->unverified_ms / 1000);
}

static json_t *rules_json(const struct replay_session *s, double days)
{
	json_t *rules = json_object();
	struct outcome_stats stats;

	for (uint32_t i = 0; i < rule_count(s->world->set); i++) {
		outcome_of_rule(&s->outcome, i, &stats);
		json_object_set_new(rules, rule_info_at(s->world->set, i)->id, stats_json(&stats, days));
	}
	return rules;
}

static json_t *tiers_json(const struct replay_session *s, double days)
{
	json_t *tiers = json_object();
	struct outcome_stats stats;

	for (uint8_t tier = 1; tier <= 4; tier++) {
		const char name[] = {'S', (char)('0' + tier), '\0'};
		outcome_of_tier(&s->outcome, tier, &stats);
		json_object_set_new(tiers, name, stats_json(&stats, days));
	}
	return tiers;
}

void replay_show_json(const struct replay_session *s)
{
	struct outcome_flood flood = outcome_flood_of(&s->outcome);
	struct outcome_stats stats;
	double days = days_of(s);

	outcome_of_all(&s->outcome, &stats);
	json_t *root = json_pack("{s:f,s:I,s:I,s:o,s:o,s:o,s:I,s:I}", "days", days, "turns",
				 (json_int_t)s->player.turns, "samples", (json_int_t)s->player.samples, "all",
				 stats_json(&stats, days), "tiers", tiers_json(s, days), "rules", rules_json(s, days),
				 "worst_ten_minutes", (json_int_t)flood.most, "floods", (json_int_t)flood.floods);
	char *text = root ? json_dumps(root, JSON_INDENT(1)) : NULL;
	if (text)
		puts(text);
	free(text);
	json_decref(root);
}
