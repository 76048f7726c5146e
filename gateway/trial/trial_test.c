/* trial_test.c: one test of a file. What a test leaves out it has from the one it is `like`. */
#include "trial_reading.h"

#include <stdlib.h>
#include <string.h>

#define DEFAULT_START "2026-01-05T00:00" /* a Monday without a clock change near */

enum { CHAIN_MAX = 8, END_MS = 60000 /* quiet time watched after the last instant named */ };

struct test_keys {
	const char *name, *why;
	const struct wy_node *feed, *usual, *like, *start, *until, *commands, *restart_at, *state, *tickets, *raise,
		*none, *same_as, *shift, *about, *params, *maintenance, *slack;
};

#define ROW(key, member, help)                                                                               \
	{                                                                                                    \
		key, WY_FIELD_NODE, offsetof(struct test_keys, member), false, 0, 0, NULL, help              \
	}
static const struct wy_field test_rows[] = {
	{"name", WY_FIELD_TEXT, offsetof(struct test_keys, name), true, 0, 0, NULL, "what it shows"},
	{"why", WY_FIELD_TEXT, offsetof(struct test_keys, why), false, 0, 0, NULL, "words for who reads it"},
	ROW("feed", feed, "what points show"),
	ROW("usual", usual, "false: without the usual feeds of the file"),
	ROW("like", like, "a test whose feed and steps are taken over"),
	ROW("start", start, "wall clock of the start"),
	ROW("until", until, "end"),
	ROW("commands", commands, "what operators do"),
	ROW("restart_at", restart_at, "when the gateway restarts"),
	ROW("state", state, "states at instants"),
	ROW("tickets", tickets, "all events, in order"),
	ROW("expect_raise", raise, "a ticket that must open"),
	ROW("expect_none", none, "a rule that must not raise"),
	ROW("same_as", same_as, "a test whose tickets are expected"),
	ROW("shift", shift, "by how much they are moved"),
	ROW("about", about, "rules the list of tickets speaks of"),
	ROW("params", params, "parameters, as in a site file"),
	ROW("maintenance", maintenance, "planned windows, as in a site file"),
	ROW("slack", slack, "how far tickets may move when polls do"),
};
#undef ROW

enum { TEST_ROWS = sizeof(test_rows) / sizeof(*test_rows) };

/* ---- What is taken over -------------------------------------------------------------------- */

/* The test, the one it is like, the one that is like ... */
static size_t chain_of(struct trial_reading *r, const struct wy_node *node, const struct wy_node **ret)
{
	size_t n = 0;

	while (node && n < CHAIN_MAX) {
		ret[n++] = node;
		const struct wy_node *like = wy_node_get(node, "like");
		like = like ? like : wy_node_get(node, "same_as");
		node = like ? trial_test_named(r, like) : NULL;
	}
	if (node)
		wy_diag_add(r->diags, WY_DIAG_ERROR, "E506", ret[0], 0,
			    "tests that are 'like' each other in a ring, or more than %d in a row", CHAIN_MAX);
	return n;
}

const struct wy_node *trial_inherited(struct trial_reading *r, const struct trial_test *test, const char *key)
{
	const struct wy_node *chain[CHAIN_MAX];
	size_t n = chain_of(r, test->node, chain);

	for (size_t i = 0; i < n; i++)
		if (wy_node_get(chain[i], key))
			return wy_node_get(chain[i], key);
	return NULL;
}

/* ---- Feeds --------------------------------------------------------------------------------- */

struct feed_list {
	struct trial_reading *r;
	const struct trial_test *test;
	struct trial_feed *item;
	const struct wy_node **node; /* beside item; NULL: taken out */
	size_t n, n_max;
};

static const char *point_name(const void *arg, size_t i)
{
	return ((const struct wy_class *)arg)->points[i].name;
}

static const struct wy_class *class_of(const struct trial_test *test, uint32_t asset)
{
	return &test->world->classes[test->world->assets[asset].class_index];
}

static bool find_point(struct trial_reading *r, const struct trial_test *test, uint32_t asset,
		       const struct wy_node *where, const char *name, uint32_t *ret_point)
{
	const struct wy_class *class = class_of(test, asset);

	for (size_t i = 0; i < class->n_points; i++)
		if (strcmp(class->points[i].name, name) == 0) {
			*ret_point = (uint32_t)i;
			return true;
		}
	trial_unknown(r, where, "point", name, class->n_points, point_name, class);
	return false;
}

/* The later word about a point replaces the earlier. */
static void set_feed(struct feed_list *list, uint32_t asset, uint32_t point, const struct wy_node *node)
{
	size_t i = 0;

	while (i < list->n && (list->item[i].asset != asset || list->item[i].point != point))
		i++;
	if (i == list->n_max)
		return;
	list->item[i] = (struct trial_feed){.asset = asset, .point = point};
	list->node[i] = wy_node_is(node, "never") ? NULL : node;
	list->n += i == list->n;
}

static void usual_of_asset(struct feed_list *list, uint32_t asset, const struct wy_node *usual)
{
	uint32_t point;

	if (usual->kind != WY_NODE_MAP) {
		set_feed(list, asset, TRIAL_ANY, usual);
		return;
	}
	for (const struct wy_node *m = usual->child; m; m = m->next)
		if (find_point(list->r, list->test, asset, m->key, m->key->text, &point))
			set_feed(list, asset, point, m);
}

/* First what is usual for a class, then for an asset of its own. */
static void add_usual(struct feed_list *list)
{
	const struct rule_world *world = list->test->world;
	const struct wy_node *usual = list->r->usual;

	if (usual && usual->kind != WY_NODE_MAP) {
		wy_diag_add(list->r->diags, WY_DIAG_ERROR, "E105", usual, 0,
			    "expected a map of classes or assets, found %s", wy_node_kind_text(usual));
		return;
	}
	for (uint32_t pass = 0; pass < 2; pass++)
		for (uint32_t i = 0; i < world->n_assets; i++) {
			const struct wy_node *of = wy_node_get(usual, pass ? world->assets[i].id
									   : class_of(list->test, i)->id);
			if (of)
				usual_of_asset(list, i, of);
		}
}

/* "L1.moving", or "L1" for the asset itself. */
static void add_feed(struct feed_list *list, const struct wy_node *m)
{
	const struct rule_world *world = list->test->world;
	const char *key = m->key->text;
	const char *dot = strrchr(key, '.');
	uint32_t point;

	for (uint32_t i = 0; i < world->n_assets; i++)
		if (strcmp(world->assets[i].id, key) == 0) {
			set_feed(list, i, TRIAL_ANY, m);
			return;
		}
	for (uint32_t i = 0; dot && i < world->n_assets; i++) {
		const char *id = world->assets[i].id;
		if (strlen(id) != (size_t)(dot - key) || memcmp(id, key, strlen(id)) != 0)
			continue;
		if (find_point(list->r, list->test, i, m->key, dot + 1, &point))
			set_feed(list, i, point, m);
		return;
	}
	wy_diag_add(list->r->diags, WY_DIAG_ERROR, "E301", m->key, 0,
		    "no asset of this file belongs to '%s'; a feed is named asset.point", key);
}

static int by_asset(const void *a, const void *b)
{
	const struct trial_feed *x = a;
	const struct trial_feed *y = b;

	if (x->asset != y->asset)
		return x->asset < y->asset ? -1 : 1;
	return x->point == y->point ? 0 : (x->point < y->point ? -1 : 1);
}

/* How often an asset that is only alive is heard. */
static wy_ms fastest(const struct wy_class *class)
{
	wy_ms poll_ms = class->n_points ? WY_MS_NEVER : 1000;

	for (size_t i = 0; i < class->n_points; i++)
		poll_ms = class->points[i].poll_ms < poll_ms ? class->points[i].poll_ms : poll_ms;
	return poll_ms;
}

static void read_texts(struct feed_list *list, struct trial_test *test)
{
	struct trial_reading *r = list->r;

	test->feeds = list->item;
	for (size_t i = 0; i < list->n; i++) {
		struct trial_feed *it = &list->item[test->n_feeds];
		const struct wy_class *class = class_of(test, list->item[i].asset);
		if (!list->node[i])
			continue;
		*it = list->item[i];
		const struct wy_point *point = it->point == TRIAL_ANY ? NULL : &class->points[it->point];
		if (!feed_read(list->node[i], point, &test->base, r->arena, r->diags, &it->feed))
			continue;
		if (!point && !it->feed.has_poll)
			it->feed.poll_ms = fastest(class);
		test->n_feeds++;
	}
	if (test->n_feeds)
		qsort(test->feeds, test->n_feeds, sizeof(*test->feeds), by_asset);
}

void trial_read_feeds(struct trial_reading *r, struct trial_test *test)
{
	const struct wy_node *chain[CHAIN_MAX];
	size_t n_chain = chain_of(r, test->node, chain);
	const struct wy_node *usual = trial_inherited(r, test, "usual");
	struct feed_list list = {.r = r, .test = test};

	for (size_t i = 0; i < test->world->n_assets; i++)
		list.n_max += class_of(test, (uint32_t)i)->n_points + 1;
	list.item = trial_array(r, list.n_max, sizeof(*list.item));
	list.node = trial_array(r, list.n_max, sizeof(const struct wy_node *));
	if (!list.item || !list.node)
		return;
	if (usual && !wy_node_is(usual, "true") && !wy_node_is(usual, "false"))
		wy_diag_add(r->diags, WY_DIAG_ERROR, "E105", usual, 0, "expected true or false, found '%s'",
			    usual->text);
	if (!usual || wy_node_is(usual, "true"))
		add_usual(&list);
	for (size_t i = n_chain; i-- > 0;) {
		const struct wy_node *feed = wy_node_get(chain[i], "feed");
		if (feed && feed->kind != WY_NODE_MAP)
			wy_diag_add(r->diags, WY_DIAG_ERROR, "E105", feed, 0,
				    "expected a map of asset.point to what it shows, found %s",
				    wy_node_kind_text(feed));
		for (const struct wy_node *m = feed ? feed->child : NULL; m && feed->kind == WY_NODE_MAP; m = m->next)
			add_feed(&list, m);
	}
	read_texts(&list, test);
}

/* ---- The rest ------------------------------------------------------------------------------ */

static void read_start(struct trial_reading *r, struct trial_test *test)
{
	const struct wy_node *node = trial_inherited(r, test, "start");

	node = node ? node : r->start;
	test->base.zone = test->world->zone;
	(void)moment_stamp(test->base.zone, DEFAULT_START, strlen(DEFAULT_START), &test->base.start_ms);
	if (node && (node->kind != WY_NODE_SCALAR ||
		     !moment_stamp(test->base.zone, node->text, node->len, &test->base.start_ms)))
		wy_diag_add(r->diags, WY_DIAG_ERROR, "E105", node, 0,
			    "expected a wall clock time such as 2026-03-28T22:00, found '%s'", node->text);
}

/* Parameters and plans of a test make a set of its own. */
static void read_world(struct trial_reading *r, struct trial_test *test)
{
	const struct wy_node *params = trial_inherited(r, test, "params");
	const struct wy_node *maintenance = trial_inherited(r, test, "maintenance");
	struct config *config = NULL;
	struct rule_world *world;
	struct rule_set *set = NULL;

	if ((!params && !maintenance) || !(world = trial_array(r, 1, sizeof(*world))))
		return;
	if (config_vary(test->config, params, maintenance, r->arena, r->diags, &config) ||
	    config_compile(config, r->arena, r->diags, &set))
		return;
	*world = config_world(config);
	test->config = config;
	test->world = world;
	test->set = set;
}

static void read_about(struct trial_reading *r, struct trial_test *test)
{
	const struct wy_node *about = trial_inherited(r, test, "about");
	uint32_t *rules;

	about = about ? about : r->about;
	size_t n = trial_list(r, about);
	test->about = rules = trial_array(r, n, sizeof(*rules));
	for (const struct wy_node *m = rules && n ? about->child : NULL; m; m = m->next) {
		uint32_t rule = trial_find_rule(r, test, m);
		if (rule != TRIAL_ANY)
			rules[test->n_about++] = rule;
	}
}

static void later(wy_ms *last_ms, wy_ms ms)
{
	if (ms != WY_MS_NEVER && ms > *last_ms)
		*last_ms = ms;
}

/* Without `until`: a minute beyond the last instant that anything names. */
static void read_until(struct trial_reading *r, struct trial_test *test)
{
	const struct wy_node *node = trial_inherited(r, test, "until");
	wy_ms last_ms = 0;

	for (size_t i = 0; i < test->n_feeds; i++)
		later(&last_ms, test->feeds[i].feed.last_ms);
	for (size_t i = 0; i < test->n_commands; i++)
		later(&last_ms, test->commands[i].at_ms);
	for (size_t i = 0; i < test->n_restarts; i++)
		later(&last_ms, test->restarts[i].at_ms + test->restarts[i].down_ms);
	for (size_t i = 0; i < test->n_states; i++)
		later(&last_ms, test->states[i].at_ms);
	for (size_t i = 0; i < test->n_tickets; i++)
		later(&last_ms, test->tickets[i].to_ms);
	for (size_t i = 0; i < test->n_promises; i++)
		later(&last_ms, test->promises[i].to_ms);
	test->until_ms = last_ms + END_MS;
	trial_read_moment(r, test, node, &test->until_ms, NULL);
}

static void judge(struct trial_reading *r, const struct trial_test *test, const struct test_keys *keys)
{
	if (!test->has_tickets && !test->n_states && !test->n_promises)
		wy_diag_add(r->diags, WY_DIAG_ERROR, "E107", test->node, 0,
			    "this test expects nothing: give 'tickets', 'same_as', 'expect_raise', 'expect_none' or 'state'");
	if (keys->tickets && keys->same_as)
		wy_diag_add(r->diags, WY_DIAG_ERROR, "E105", keys->same_as, 0,
			    "'tickets' and 'same_as' both say what is expected; leave one out");
	if (keys->shift && !keys->same_as)
		wy_diag_add(r->diags, WY_DIAG_ERROR, "E105", keys->shift, 0, "'shift' goes with 'same_as'");
}

void trial_read_test(struct trial_reading *r, const struct wy_node *node, struct trial_test *test)
{
	struct test_keys keys = {.name = ""};

	*test = (struct trial_test){.name = "", .node = node, .config = r->file->config, .world = r->file->world,
				    .set = r->file->set};
	if (wy_fields_read(node, test_rows, TEST_ROWS, &keys, r->diags))
		return;
	test->name = keys.name;
	read_world(r, test);
	read_start(r, test);
	read_about(r, test);
	trial_read_feeds(r, test);
	trial_read_steps(r, test);
	trial_read_tickets(r, test);
	if (trial_inherited(r, test, "slack")) {
		const struct wy_node *slack = trial_inherited(r, test, "slack");
		test->has_slack = wy_field_duration(slack, &test->slack_ms, r->diags) == WY_OK;
	}
	read_until(r, test);
	judge(r, test, &keys);
}
