/* reload_tell.c: what a reload changed, by name, for whoever asked for it. */
#include <string.h>

#include "gateway.h"

enum { NAMES_MOST = 50 }; /* of one list; the rest is counted */

/* Things of one kind in a generation, by their names. */
struct kind {
	const char *word;
	size_t (*count)(const struct generation *in);
	const char *(*name)(const struct generation *in, size_t i);
	/* What it is beside its name; NULL: that is not compared. */
	uint64_t (*meaning)(const struct generation *in, size_t i);
};

static size_t count_rules(const struct generation *in)
{
	return rule_count(in->rules);
}

static const char *rule_name(const struct generation *in, size_t i)
{
	return rule_info_at(in->rules, (uint32_t)i)->id;
}

static uint64_t rule_meaning(const struct generation *in, size_t i)
{
	return rule_info_at(in->rules, (uint32_t)i)->revision;
}

static size_t count_devices(const struct generation *in)
{
	return in->config->n_devices;
}

static const char *device_name(const struct generation *in, size_t i)
{
	return in->config->devices[i].id;
}

static size_t count_assets(const struct generation *in)
{
	return in->config->n_assets;
}

static const char *asset_name(const struct generation *in, size_t i)
{
	return in->config->assets[i].id;
}

static const struct kind kinds[] = {
	{"rules", count_rules, rule_name, rule_meaning},
	{"devices", count_devices, device_name, NULL},
	{"assets", count_assets, asset_name, NULL},
};

/* Most stand where they stood. */
static size_t find(const struct kind *kind, const struct generation *in, const char *name, size_t guess)
{
	size_t n = kind->count(in);

	if (guess < n && strcmp(kind->name(in, guess), name) == 0)
		return guess;
	for (size_t i = 0; i < n; i++)
		if (strcmp(kind->name(in, i), name) == 0)
			return i;
	return n;
}

static void add(json_t *list, size_t *n, const char *name)
{
	if ((*n)++ < NAMES_MOST)
		(void)json_array_append_new(list, json_string(name));
}

/* Those of `a` that are not in `b`, or, for is_changed, that are and mean something else. */
static json_t *names(const struct kind *kind, const struct generation *a, const struct generation *b, bool is_changed)
{
	json_t *list = json_array();
	size_t n = 0;

	for (size_t i = 0; i < kind->count(a); i++) {
		size_t other = find(kind, b, kind->name(a, i), i);
		bool is_there = other < kind->count(b);
		if (is_changed ? is_there && kind->meaning(a, i) != kind->meaning(b, other) : !is_there)
			add(list, &n, kind->name(a, i));
	}
	if (n > NAMES_MOST)
		(void)json_array_append_new(list, json_sprintf("and %zu more", n - NAMES_MOST));
	return list;
}

json_t *reload_changes(const struct generation *was, const struct generation *is)
{
	json_t *changes = json_object();

	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		json_t *one = json_pack("{s:o, s:o}", "added", names(&kinds[i], is, was, false), "removed",
					names(&kinds[i], was, is, false));
		if (kinds[i].meaning)
			(void)json_object_set_new(one, "changed", names(&kinds[i], is, was, true));
		(void)json_object_set_new(changes, kinds[i].word, one);
	}
	return changes;
}
