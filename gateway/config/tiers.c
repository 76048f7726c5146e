/* tiers.c: the four tiers with their deadlines, and the departments. */
#include "loading.h"

#include <string.h>

#include "hours.h"
#include "ladder.h"

static const char *const tier_names[CONFIG_TIERS] = {"S1", "S2", "S3", "S4"};

struct tier_keys {
	const char *name_zh, *name_en, *basis;
	const struct wy_node *ack, *arrive, *start, *resolve, *resolve_complex, *escalation;
};

#define ROW(key, kind, member, needed, help)                                                       \
	{                                                                                          \
		key, kind, offsetof(struct tier_keys, member), needed, 0, 0, NULL, help            \
	}
static const struct wy_field tier_rows[] = {
	ROW("name_zh", WY_FIELD_TEXT, name_zh, true, "Chinese name"),
	ROW("name_en", WY_FIELD_TEXT, name_en, true, "English name"),
	ROW("ack", WY_FIELD_NODE, ack, true, "acknowledge within"),
	ROW("arrive", WY_FIELD_NODE, arrive, true, "on site within, or planned"),
	ROW("start", WY_FIELD_NODE, start, true, "work begins within, or planned"),
	ROW("resolve", WY_FIELD_NODE, resolve, true, "resolved within"),
	ROW("resolve_complex", WY_FIELD_NODE, resolve_complex, false, "the same for complex jobs"),
	ROW("escalation", WY_FIELD_NODE, escalation, false, "whom to tell of a ticket that does not move"),
	ROW("basis", WY_FIELD_TEXT, basis, true, "where the numbers come from"),
};
#undef ROW

/* A duration, or `planned` where the work is scheduled and no clock runs. */
static wy_ms read_span(struct loading *l, const struct wy_node *node)
{
	wy_ms span_ms = WY_MS_NEVER;

	if (!node || wy_node_is(node, "planned"))
		return WY_MS_NEVER;
	if (wy_field_duration(node, &span_ms, l->diags))
		return WY_MS_NEVER;
	return span_ms;
}

static void read_ladder(struct loading *l, const struct wy_node *node, struct wy_ladder *ladder)
{
	if (node && wy_ladder_read(node, l->arena, ladder, l->diags) == WY_E_NOMEM)
		loading_full(l);
}

static void read_tier(struct loading *l, const struct wy_node *node, size_t index)
{
	struct config_tier *tier = &l->config->tiers[index];
	struct tier_keys keys = {.name_zh = "", .name_en = "", .basis = ""};

	LOADING_FIELDS(l, node, tier_rows, &keys);
	read_ladder(l, keys.escalation, &l->config->escalation.of_tier[index]);
	tier->name_zh = keys.name_zh;
	tier->name_en = keys.name_en;
	tier->basis = keys.basis;
	tier->ack_ms = read_span(l, keys.ack);
	tier->arrive_ms = read_span(l, keys.arrive);
	tier->start_ms = read_span(l, keys.start);
	tier->resolve_ms = read_span(l, keys.resolve);
	tier->resolve_complex_ms = read_span(l, keys.resolve_complex);
	if (keys.ack && keys.resolve && tier->ack_ms > tier->resolve_ms)
		wy_diag_add(l->diags, WY_DIAG_ERROR, "E606", keys.ack, 0,
			    "'ack' is later than 'resolve' of the same tier");
}

/* A more urgent tier never has more time. Each deadline is compared with that of the tier before.
 */
static void check_order(struct loading *l, const struct wy_node *tiers)
{
	static const struct {
		const char *key;
		size_t offset;
	} spans[] = {
		{"ack", offsetof(struct config_tier, ack_ms)},
		{"arrive", offsetof(struct config_tier, arrive_ms)},
		{"start", offsetof(struct config_tier, start_ms)},
		{"resolve", offsetof(struct config_tier, resolve_ms)},
	};

	for (size_t t = 1; t < CONFIG_TIERS; t++) {
		const struct wy_node *node = wy_node_get(tiers, tier_names[t]);
		for (size_t s = 0; s < sizeof(spans) / sizeof(*spans); s++) {
			const char *before =
				(const char *)&l->config->tiers[t - 1] + spans[s].offset;
			const char *after = (const char *)&l->config->tiers[t] + spans[s].offset;
			const struct wy_node *value = wy_node_get(node, spans[s].key);
			if (value && *(const wy_ms *)before > *(const wy_ms *)after)
				wy_diag_add(l->diags, WY_DIAG_ERROR, "E606", value, 0,
					    "'%s' of %s is shorter than that of %s, the more "
					    "urgent tier",
					    spans[s].key, tier_names[t], tier_names[t - 1]);
		}
	}
}

static const char *tier_name(const void *arg, size_t i)
{
	(void)arg;
	return tier_names[i];
}

static void read_tiers(struct loading *l, const struct wy_node *tiers)
{
	size_t n_errors = l->diags->errors;

	if (!loading_map(l, tiers))
		return;
	for (const struct wy_node *m = tiers->child; m; m = m->next) {
		size_t t = 0;
		while (t < CONFIG_TIERS && strcmp(tier_names[t], m->key->text) != 0)
			t++;
		if (t == CONFIG_TIERS)
			loading_unknown(l, m->key, 0, "tier", m->key->text, CONFIG_TIERS, tier_name,
					NULL);
		else
			read_tier(l, m, t);
	}
	for (size_t t = 0; t < CONFIG_TIERS; t++)
		if (!wy_node_get(tiers, tier_names[t]))
			wy_diag_add(l->diags, WY_DIAG_ERROR, "E107", tiers, 0,
				    "key '%s' is missing here: there are exactly four tiers",
				    tier_names[t]);
	if (l->diags->errors == n_errors)
		check_order(l, tiers);
}

static const struct wy_field department_rows[] = {
	{"zh", WY_FIELD_TEXT, offsetof(struct config_department, zh), true, 0, 0, NULL,
	 "Chinese name"},
	{"en", WY_FIELD_TEXT, offsetof(struct config_department, en), true, 0, 0, NULL,
	 "English name"},
};

static void read_departments(struct loading *l, const struct wy_node *map)
{
	size_t n = loading_map(l, map);
	struct config_department *departments = loading_array(l, n, sizeof(*departments));

	if (!n || !departments)
		return;
	l->config->departments = departments;
	l->has_departments = true;
	for (const struct wy_node *m = map->child; m; m = m->next) {
		struct config_department *department = &departments[l->config->n_departments++];
		department->id = m->key->text;
		department->zh = department->en = "";
		LOADING_FIELDS(l, m, department_rows, department);
	}
}

/* ---- Escalation beyond a tier ---------------------------------------------------------------- */

struct repeat_keys {
	wy_ms within_ms;
	int64_t tiers_up;
	int at_most;
};

static const char *const tier_choices[] = {"S1", "S2", "S3", "S4", NULL};

#define AT(member) offsetof(struct repeat_keys, member)
static const struct wy_field repeat_rows[] = {
	{"within", WY_FIELD_DURATION, AT(within_ms), true, 1000, WY_RULE_SPAN_MAX_MS, NULL,
	 "after the end of the ticket before"},
	{"tiers_up", WY_FIELD_INT, AT(tiers_up), false, 1, 3, NULL, "so many tiers more urgent"},
	{"at_most", WY_FIELD_CHOICE, AT(at_most), false, 0, 0, tier_choices, "no further than this"},
};
#undef AT

static void read_repeat(struct loading *l, const struct wy_node *node)
{
	struct repeat_keys keys = {.tiers_up = 1};

	if (LOADING_FIELDS(l, node, repeat_rows, &keys))
		l->config->escalation.repeat = (struct wy_repeat){
			keys.within_ms, (uint8_t)keys.tiers_up, (uint8_t)(keys.at_most + 1)};
}

static void read_working(struct loading *l, const struct wy_node *node)
{
	struct wy_hours *hours = loading_array(l, 1, sizeof(*hours));

	if (hours && !wy_hours_read(node, hours, l->diags))
		l->config->escalation.working = hours;
}

struct file_keys {
	const char *weiyu;
	const struct wy_node *tiers, *departments, *repeat, *working;
};

static const struct wy_field file_rows[] = {
	{"weiyu", WY_FIELD_TEXT, offsetof(struct file_keys, weiyu), true, 0, 0, NULL, "tiers/1"},
	{"tiers", WY_FIELD_NODE, offsetof(struct file_keys, tiers), true, 0, 0, NULL,
	 "S1, S2, S3, S4"},
	{"departments", WY_FIELD_NODE, offsetof(struct file_keys, departments), true, 0, 0, NULL,
	 "map of departments"},
	{"repeat", WY_FIELD_NODE, offsetof(struct file_keys, repeat), false, 0, 0, NULL,
	 "what coming back adds: {within, tiers_up, at_most}"},
	{"working", WY_FIELD_NODE, offsetof(struct file_keys, working), false, 0, 0, NULL,
	 "working hours: {days, from, to, except}"},
};

void load_tiers(struct loading *l, const struct wy_node *root)
{
	struct file_keys keys = {0};

	LOADING_FIELDS(l, root, file_rows, &keys);
	if (keys.tiers)
		read_tiers(l, keys.tiers);
	if (keys.departments)
		read_departments(l, keys.departments);
	if (keys.repeat)
		read_repeat(l, keys.repeat);
	if (keys.working)
		read_working(l, keys.working);
}
