/* trial_open.c: the head of a test file: which rules, which assets, when; then its tests one by one. */
#include "trial_reading.h"

#include <string.h>

#include "number.h"
#include "yaml_tree.h"

struct file_keys {
	const char *weiyu;
	const struct wy_node *classes, *faults, *rules, *tiers, *site, *assets, *params, *maintenance, *usual, *about, *tests;
};

#define ROW(key, member, needed, help)                                                                       \
	{                                                                                                    \
		key, WY_FIELD_NODE, offsetof(struct file_keys, member), needed, 0, 0, NULL, help             \
	}
static const struct wy_field file_rows[] = {
	{"weiyu", WY_FIELD_TEXT, offsetof(struct file_keys, weiyu), true, 0, 0, NULL, "test/1"},
	ROW("classes", classes, true, "list of class files"),
	ROW("faults", faults, false, "list of fault files"),
	ROW("rules", rules, true, "list of rule files"),
	ROW("tiers", tiers, false, "tiers file"),
	ROW("site", site, false, "zone, start, holidays"),
	ROW("assets", assets, true, "the assets of all tests"),
	ROW("params", params, false, "parameters, as in a site file"),
	ROW("maintenance", maintenance, false, "planned windows, as in a site file"),
	ROW("usual", usual, false, "feeds of every test, by class or asset"),
	ROW("about", about, false, "rules the lists of tickets speak of"),
	ROW("tests", tests, true, "the tests"),
};
#undef ROW

struct site_keys {
	const struct wy_node *zone, *start, *holidays;
};

static const struct wy_field site_rows[] = {
	{"zone", WY_FIELD_NODE, offsetof(struct site_keys, zone), false, 0, 0, NULL, "time zone"},
	{"start", WY_FIELD_NODE, offsetof(struct site_keys, start), false, 0, 0, NULL, "wall clock of the start"},
	{"holidays", WY_FIELD_NODE, offsetof(struct site_keys, holidays), false, 0, 0, NULL, "list of days"},
};

void *trial_array(struct trial_reading *r, size_t n, size_t size)
{
	void *memory = wy_arena_array(r->arena, n, size);

	if (!memory && !r->is_full)
		wy_diag_add(r->diags, WY_DIAG_ERROR, "E601", NULL, 0,
			    "the tests need more memory than a load may use (%zu bytes)", r->arena->size);
	r->is_full = r->is_full || !memory;
	return memory;
}

void trial_unknown(struct trial_reading *r, const struct wy_node *where, const char *what, const char *found, size_t n,
		   const char *(*name_of)(const void *arg, size_t i), const void *arg)
{
	const char *near = wy_nearest(found, n, name_of, arg);

	wy_diag_add(r->diags, WY_DIAG_ERROR, "E301", where, 0, "unknown %s '%s'%s%s%s", what, found,
		    near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
}

size_t trial_list(struct trial_reading *r, const struct wy_node *node)
{
	if (!node)
		return 0;
	if (node->kind != WY_NODE_SEQ)
		wy_diag_add(r->diags, WY_DIAG_ERROR, "E105", node, 0, "expected a list, found %s",
			    wy_node_kind_text(node));
	else if (node->n > WY_TRIAL_ROWS_MAX)
		wy_diag_add(r->diags, WY_DIAG_ERROR, "E601", node, 0, "%zu rows; at most %u are possible", node->n,
			    WY_TRIAL_ROWS_MAX);
	else
		return node->n;
	return 0;
}

static const char *rule_name(const void *arg, size_t i)
{
	return rule_info_at(arg, (uint32_t)i)->id;
}

uint32_t trial_find_rule(struct trial_reading *r, const struct trial_test *test, const struct wy_node *node)
{
	size_t n = rule_count(test->set);

	for (size_t i = 0; node && i < n; i++)
		if (wy_node_is(node, rule_name(test->set, i)))
			return (uint32_t)i;
	if (node)
		trial_unknown(r, node, "rule", node->text, n, rule_name, test->set);
	return TRIAL_ANY;
}

static const char *asset_name(const void *arg, size_t i)
{
	return ((const struct rule_world *)arg)->assets[i].id;
}

uint32_t trial_find_asset(struct trial_reading *r, const struct trial_test *test, const struct wy_node *node)
{
	const struct rule_world *world = test->world;

	for (size_t i = 0; node && i < world->n_assets; i++)
		if (wy_node_is(node, world->assets[i].id))
			return (uint32_t)i;
	if (node)
		trial_unknown(r, node, "asset", node->text, world->n_assets, asset_name, world);
	return TRIAL_ANY;
}

void trial_read_moment(struct trial_reading *r, const struct trial_test *test, const struct wy_node *node,
		       wy_ms *ret_ms, wy_ms *ret_to_ms)
{
	const char *dots = node ? strstr(node->text, "..") : NULL;
	size_t len = dots ? (size_t)(dots - node->text) : (node ? node->len : 0);
	wy_ms from_ms = 0, to_ms = 0;

	if (!node)
		return;
	bool is_read = node->kind == WY_NODE_SCALAR && (!dots || ret_to_ms) &&
		       moment_parse(&test->base, node->text, len, &from_ms) && from_ms >= 0;
	to_ms = from_ms;
	if (is_read && dots)
		is_read = moment_parse(&test->base, dots + 2, node->len - len - 2, &to_ms) && to_ms >= from_ms;
	if (!is_read || to_ms > WY_RULE_SPAN_MAX_MS) {
		wy_diag_add(r->diags, WY_DIAG_ERROR, "E105", node, 0,
			    "expected an instant of the test such as 70s or 2026-03-29T03:00%s, found %s%s%s",
			    ret_to_ms ? ", or two as 60s..80s" : "",
			    node->kind == WY_NODE_SCALAR ? "'" : wy_node_kind_text(node), node->text,
			    node->kind == WY_NODE_SCALAR ? "'" : "");
		return;
	}
	*ret_ms = from_ms;
	if (ret_to_ms)
		*ret_to_ms = to_ms;
}

static const char *name_of(const struct wy_node *test)
{
	const struct wy_node *name = wy_node_get(test, "name");

	return name && name->kind == WY_NODE_SCALAR ? name->text : NULL;
}

static const char *test_name(const void *arg, size_t i)
{
	const struct wy_node *node = ((const struct wy_node *)arg)->child;

	while (i--)
		node = node->next;
	return name_of(node);
}

const struct wy_node *trial_test_named(struct trial_reading *r, const struct wy_node *name)
{
	for (const struct wy_node *m = r->tests->child; m; m = m->next)
		if (name_of(m) && wy_node_is(name, name_of(m)))
			return m;
	trial_unknown(r, name, "test", name->text, r->tests->n, test_name, r->tests);
	return NULL;
}

/* ---- The head ------------------------------------------------------------------------------ */

static bool is_test_file(struct trial_reading *r, const struct wy_node *root)
{
	const struct wy_node *first = root->kind == WY_NODE_MAP ? root->child : NULL;
	bool is_weiyu = first && strcmp(first->key->text, "weiyu") == 0;

	if (is_weiyu && wy_node_is(first, "test/1"))
		return true;
	if (is_weiyu && first->kind == WY_NODE_SCALAR)
		wy_diag_add(r->diags, WY_DIAG_ERROR, "E110", first, 0,
			    "this file calls itself '%s'; 'test/1' is expected here", first->text);
	else
		wy_diag_add(r->diags, WY_DIAG_ERROR, "E110", first ? first->key : root, 0,
			    "the first key must be 'weiyu: test/1'");
	return false;
}

static void read_head(struct trial_reading *r, const struct wy_node *root)
{
	struct file_keys keys = {0};
	struct site_keys site = {0};
	struct config *config = NULL;
	struct rule_world *world = trial_array(r, 1, sizeof(*world));
	struct rule_set *set = NULL;

	if (wy_fields_read(root, file_rows, sizeof(file_rows) / sizeof(*file_rows), &keys, r->diags) || !world)
		return;
	if (keys.site &&
	    wy_fields_read(keys.site, site_rows, sizeof(site_rows) / sizeof(*site_rows), &site, r->diags))
		return;
	r->usual = keys.usual;
	r->about = keys.about;
	r->start = site.start;
	r->tests = keys.tests;
	const struct config_parts parts = {.classes = keys.classes, .faults = keys.faults, .rules = keys.rules,
					   .tiers = keys.tiers, .zone = site.zone, .holidays = site.holidays,
					   .assets = keys.assets, .params = keys.params,
					   .maintenance = keys.maintenance};
	if (config_load_parts(&parts, r->arena, r->diags, &config) ||
	    config_compile(config, r->arena, r->diags, &set))
		return;
	*world = config_world(config);
	r->file->config = config;
	r->file->world = world;
	r->file->set = set;
}

static void read_tests(struct trial_reading *r)
{
	struct trial_file *file = r->file;
	size_t n = trial_list(r, r->tests);

	file->tests = trial_array(r, n, sizeof(*file->tests));
	for (const struct wy_node *m = file->tests && n ? r->tests->child : NULL; m; m = m->next)
		trial_read_test(r, m, &file->tests[file->n_tests++]);
	for (size_t i = 0; i < file->n_tests; i++)
		for (size_t j = 0; j < i; j++)
			if (file->tests[i].name[0] && strcmp(file->tests[i].name, file->tests[j].name) == 0)
				wy_diag_add(r->diags, WY_DIAG_ERROR, "E108", file->tests[i].node, 0,
					    "test '%s' is declared twice", file->tests[i].name);
	if (r->tests->kind == WY_NODE_SEQ && !n)
		wy_diag_add(r->diags, WY_DIAG_ERROR, "E107", r->tests, 0, "there is no test here");
}

/* What the rules of a package are warned of is said by `weiyu check`; a test speaks of its own file. */
static void drop_warnings(struct wy_diags *diags)
{
	size_t kept = 0;

	for (size_t i = 0; i < diags->n; i++)
		if (diags->item[i].severity == WY_DIAG_ERROR)
			diags->item[kept++] = diags->item[i];
	diags->n = kept;
	diags->warnings = 0;
}

enum wy_err trial_open(const char *path, struct wy_arena *arena, struct wy_diags *diags, struct trial_file **ret_file)
{
	struct trial_reading r = {.arena = arena, .diags = diags};
	const struct wy_node *root = NULL;
	size_t n_errors = diags->errors;

	r.file = trial_array(&r, 1, sizeof(*r.file));
	if (!r.file)
		return WY_E_NOMEM;
	enum wy_err err = yaml_load_file(path, arena, diags, &root);
	if (err)
		return err;
	r.file->path = path;
	if (is_test_file(&r, root))
		read_head(&r, root);
	if (r.file->set)
		read_tests(&r);
	drop_warnings(diags);
	if (r.is_full)
		return WY_E_NOMEM;
	if (diags->errors != n_errors)
		return WY_E_INVALID;
	*ret_file = r.file;
	return WY_OK;
}
