/* replay_diff.c: two rule sets on the same data: which raises only one has, which moved, which have another tier.
 *
 * Raises of one rule on one asset belong together when their times overlap, or lie within CLOSE_MS of each other; each
 * belongs to one at most, in the order of time. */
#include <stdlib.h>
#include <string.h>

#include "replay_tasks.h"

#define CLOSE_MS ((wy_ms)10 * 60 * 1000)

struct side {
	struct replay_world world;
	struct replay_session session;
};

struct named {
	const char *rule, *asset;
	const struct outcome_raise *raise;
	size_t index;
};

struct counts {
	size_t same, moved, tier, only_old, only_new;
};

/* ---- Both sides -------------------------------------------------------------------------------- */

/* A gateway file brings its own world; anything else is rules for the world of the options. */
static bool is_gateway(const char *path)
{
	char head[256] = "";
	FILE *file = fopen(path, "re");
	bool is_one = false;

	while (file && !is_one && fgets(head, sizeof(head), file) && (head[0] == '#' || head[0] == '\n'))
		continue;
	is_one = strncmp(head, "weiyu: gateway/1", 16) == 0;
	if (file)
		(void)fclose(file);
	return is_one;
}

static bool play_side(struct side *side, const struct replay_options *options, struct replay_data *data,
		      const char *path, const char *what, struct replay_options *own)
{
	memset(side, 0, sizeof(*side));
	*own = *options;
	struct replay_list *rules = calloc(1, sizeof(*rules));
	if (!rules)
		return false;
	if (is_gateway(path)) {
		own->config = path;
		own->classes.n = 0;
	} else {
		rules->item[rules->n++] = path;
	}
	bool is_open = replay_world_open(&side->world, own, rules->n ? rules : NULL, NULL, !data->is_recording);
	free(rules);
	if (!is_open)
		return false;
	side->session = (struct replay_session){.options = own, .world = &side->world, .data = data, .what = what};
	if (replay_session_run(&side->session))
		return true;
	replay_world_close(&side->world);
	return false;
}

static void release(struct side *side)
{
	replay_session_release(&side->session);
	replay_world_close(&side->world);
}

/* ---- Raises by name ---------------------------------------------------------------------------- */

static int by_name(const void *left, const void *right)
{
	const struct named *a = left, *b = right;
	int order = strcmp(a->rule, b->rule);

	order = order ? order : strcmp(a->asset, b->asset);
	return order ? order : (a->index > b->index) - (a->index < b->index);
}

static struct named *name_all(const struct side *side)
{
	const struct outcome *outcome = &side->session.outcome;
	struct named *all = calloc(outcome->n + 1, sizeof(*all));

	for (size_t i = 0; all && i < outcome->n; i++) {
		const struct rule_instance_info *info = rule_instance_at(side->world.set, outcome->raises[i].instance);
		all[i] = (struct named){rule_info_at(side->world.set, info->rule)->id,
					side->world.world.assets[info->asset].id, &outcome->raises[i], i};
	}
	if (all && outcome->n)
		qsort(all, outcome->n, sizeof(*all), by_name);
	return all;
}

static int compare(const struct named *a, const struct named *b)
{
	int order = strcmp(a->rule, b->rule);

	order = order ? order : strcmp(a->asset, b->asset);
	if (order)
		return order;
	if (a->raise->ended_ms + CLOSE_MS < b->raise->raised_ms)
		return -1;
	return b->raise->ended_ms + CLOSE_MS < a->raise->raised_ms;
}

/* ---- Lines ------------------------------------------------------------------------------------- */

static void print_raise(char sign, const struct named *it, const struct wy_zone *zone)
{
	char stamp[40], span[40];
	struct wy_buf buf;

	wy_buf_init(&buf, stamp, sizeof(stamp));
	wy_stamp_local(&buf, it->raise->raised_ms + it->raise->wall_offset_ms, zone);
	wy_buf_init(&buf, span, sizeof(span));
	wy_buf_duration(&buf, it->raise->ended_ms - it->raise->raised_ms);
	printf("%c %s %s %s S%u %s%s", sign, stamp, it->rule, it->asset, it->raise->worst, span,
	       it->raise->is_over ? "" : " and on");
}

static void print_shift(const char *what, wy_ms by_ms)
{
	char span[40];
	struct wy_buf buf;

	if (!by_ms)
		return;
	wy_buf_init(&buf, span, sizeof(span));
	wy_buf_duration(&buf, by_ms < 0 ? -by_ms : by_ms);
	printf(", %s %s %s", what, span, by_ms < 0 ? "earlier" : "later");
}

static void pair(const struct named *old, const struct named *new, const struct wy_zone *zone, struct counts *counts)
{
	wy_ms raised_ms = new->raise->raised_ms - old->raise->raised_ms;
	wy_ms ended_ms = new->raise->ended_ms - old->raise->ended_ms;
	bool is_moved = raised_ms || ended_ms || old->raise->is_over != new->raise->is_over;
	bool is_tier = old->raise->worst != new->raise->worst;

	counts->same += !is_moved && !is_tier;
	counts->moved += is_moved;
	counts->tier += is_tier;
	if (!is_moved && !is_tier)
		return;
	print_raise(is_tier ? '!' : '~', new, zone);
	if (is_tier)
		printf(", was S%u", old->raise->worst);
	print_shift("raised", raised_ms);
	print_shift("ended", ended_ms);
	puts("");
}

static struct counts compare_all(const struct side *old, const struct side *new, const struct named *a,
				 const struct named *b)
{
	size_t n = old->session.outcome.n, m = new->session.outcome.n;
	const struct wy_zone *zone = new->world.world.zone;
	struct counts counts = {0};

	for (size_t i = 0, k = 0; i < n || k < m;) {
		int order = i == n ? 1 : k == m ? -1 : compare(&a[i], &b[k]);
		if (order == 0) {
			pair(&a[i++], &b[k++], zone, &counts);
			continue;
		}
		print_raise(order < 0 ? '-' : '+', order < 0 ? &a[i++] : &b[k++], zone);
		puts("");
		counts.only_old += order < 0;
		counts.only_new += order > 0;
	}
	return counts;
}

static void summarize(const struct side *old, const struct side *new, const struct counts *counts)
{
	struct outcome_stats a, b;

	printf("%zu the same, ~ %zu moved, ! %zu of another tier, - %zu only old, + %zu only new\n", counts->same,
	       counts->moved, counts->tier, counts->only_old, counts->only_new);
	for (uint8_t tier = 1; tier <= 4; tier++) {
		outcome_of_tier(&old->session.outcome, tier, &a);
		outcome_of_tier(&new->session.outcome, tier, &b);
		printf("S%u: %u tickets, now %u\n", tier, a.tickets, b.tickets);
	}
	printf("worst ten minutes: %u tickets, now %u\n", outcome_flood_of(&old->session.outcome).most,
	       outcome_flood_of(&new->session.outcome).most);
}

int replay_diff(const struct replay_options *options, struct replay_data *data, const char *old_path,
		const char *new_path)
{
	struct replay_options *own = calloc(2, sizeof(*own));
	struct side old, new;
	int code = CLI_FOUND;

	if (!own || !play_side(&old, options, data, old_path, "old", &own[0])) {
		free(own);
		return CLI_FOUND;
	}
	if (play_side(&new, options, data, new_path, "new", &own[1])) {
		struct named *a = name_all(&old), *b = name_all(&new);
		if (a && b) {
			struct counts counts = compare_all(&old, &new, a, b);
			summarize(&old, &new, &counts);
			code = CLI_FINE;
		}
		free(a);
		free(b);
		release(&new);
	}
	release(&old);
	free(own);
	return code;
}
