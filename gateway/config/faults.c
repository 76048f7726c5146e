/* faults.c: the fault catalogue: names, duties, steps and texts of everything a rule may report. */
#include "loading.h"

#include <string.h>

static const char *const kind_names[] = {"fault",  "predictive", "inspection", "maintenance_due",
					 "system", "drill",	 NULL};
static const char *const category_names[] = {"repair", "security", "environment", "service", NULL};
static const char *const subcategory_names[] = {
	"elevator",	   "water_supply", "leak", "drainage", "electrical",
	"public_facility", "access",	   "gate", "fire",     NULL};
static const char *const safety_names[] = {"life",     "fire", "water_damage",
					   "security", "none", NULL};
static const char *const policy_names[] = {"auto", "after_ack", "never", NULL};
static const char *const verified_names[] = {"sensor", "manual", "none", NULL};

struct fault_keys {
	const char *name_zh, *name_en, *component, *vendor, *script;
	int kind, category, subcategory;
	int64_t severity;
	wy_ms vendor_arrive_ms;
	const struct wy_node *safety, *primary, *support, *sop, *notice, *causes, *close;
};

#define AT(member) offsetof(struct fault_keys, member)
static const struct wy_field fault_rows[] = {
	{"name_zh", WY_FIELD_TEXT, AT(name_zh), true, 0, 0, NULL, "Chinese name"},
	{"name_en", WY_FIELD_TEXT, AT(name_en), true, 0, 0, NULL, "English name"},
	{"component", WY_FIELD_ID, AT(component), true, 0, 0, NULL, "the part that fails"},
	{"kind", WY_FIELD_CHOICE, AT(kind), true, 0, 0, kind_names, "kind of ticket"},
	{"category", WY_FIELD_CHOICE, AT(category), true, 0, 0, category_names, "category"},
	{"subcategory", WY_FIELD_CHOICE, AT(subcategory), true, 0, 0, subcategory_names,
	 "subcategory"},
	{"severity", WY_FIELD_INT, AT(severity), true, 1, 5, NULL, "technical severity, 1 to 5"},
	{"safety", WY_FIELD_NODE, AT(safety), true, 0, 0, NULL, "list of what is in danger"},
	{"primary", WY_FIELD_NODE, AT(primary), true, 0, 0, NULL, "department in charge"},
	{"support", WY_FIELD_NODE, AT(support), false, 0, 0, NULL, "departments that help"},
	{"vendor", WY_FIELD_ID, AT(vendor), false, 0, 0, NULL, "role of the firm to call"},
	{"vendor_arrive", WY_FIELD_DURATION, AT(vendor_arrive_ms), false, 0, 0, NULL,
	 "firm on site within"},
	{"script", WY_FIELD_ID, AT(script), false, 0, 0, NULL, "what staff say on the phone"},
	{"sop", WY_FIELD_NODE, AT(sop), true, 0, 0, NULL, "steps of the work"},
	{"notice", WY_FIELD_NODE, AT(notice), true, 0, 0, NULL, "what residents are told"},
	{"causes", WY_FIELD_NODE, AT(causes), false, 0, 0, NULL,
	 "likely causes, most likely first"},
	{"close", WY_FIELD_NODE, AT(close), true, 0, 0, NULL, "when the matter is over"},
};
#undef AT

static const char *department_id(const void *arg, size_t i)
{
	return ((const struct config *)arg)->departments[i].id;
}

/* NULL after a message; quiet where the departments themselves could not be read. */
static const struct config_department *find_department(struct loading *l,
						       const struct wy_node *node)
{
	const char *id = node ? wy_field_id(node, l->diags) : NULL;

	if (!id || !l->has_departments)
		return NULL;
	for (size_t i = 0; i < l->config->n_departments; i++)
		if (strcmp(l->config->departments[i].id, id) == 0)
			return &l->config->departments[i];
	loading_unknown(l, node, 0, "department", id, l->config->n_departments, department_id,
			l->config);
	return NULL;
}

static const char *choice_at(const void *arg, size_t i)
{
	return ((const char *const *)arg)[i];
}

static void read_safety(struct loading *l, const struct wy_node *node, struct config_fault *fault)
{
	size_t n_choices = sizeof(safety_names) / sizeof(*safety_names) - 1;
	size_t n = loading_list(l, node);

	if (!n || !loading_fits(l, node, n, CONFIG_SAFETY_MAX, "safety words"))
		return;
	for (const struct wy_node *m = node->child; m; m = m->next) {
		size_t i = 0;
		while (i < n_choices && !wy_node_is(m, safety_names[i]))
			i++;
		if (i == n_choices)
			loading_unknown(l, m, 0, "safety word", m->text, n_choices, choice_at,
					safety_names);
		else
			fault->safety[fault->n_safety++] = safety_names[i];
	}
}

struct task_keys {
	const struct wy_node *dept;
	const char *zh, *en;
	wy_ms within_ms;
};

#define AT(member) offsetof(struct task_keys, member)
static const struct wy_field support_rows[] = {
	{"dept", WY_FIELD_NODE, AT(dept), true, 0, 0, NULL, "department"},
	{"task_zh", WY_FIELD_TEXT, AT(zh), true, 0, 0, NULL, "what it does, in Chinese"},
	{"task_en", WY_FIELD_TEXT, AT(en), true, 0, 0, NULL, "what it does, in English"},
	{"within", WY_FIELD_DURATION, AT(within_ms), false, 0, 0, NULL, "within"},
};
static const struct wy_field step_rows[] = {
	{"zh", WY_FIELD_TEXT, AT(zh), true, 0, 0, NULL, "the step in Chinese"},
	{"en", WY_FIELD_TEXT, AT(en), true, 0, 0, NULL, "the step in English"},
	{"role", WY_FIELD_NODE, AT(dept), true, 0, 0, NULL, "department"},
	{"within", WY_FIELD_DURATION, AT(within_ms), false, 0, 0, NULL, "within, from opening"},
};
#undef AT

static void read_support(struct loading *l, const struct wy_node *node, struct config_fault *fault)
{
	size_t n = loading_list(l, node);
	struct config_support *support = loading_array(l, n, sizeof(*support));

	if (!n || !support)
		return;
	fault->support = support;
	for (const struct wy_node *m = node->child; m; m = m->next) {
		struct task_keys keys = {NULL, "", "", WY_MS_NEVER};
		LOADING_FIELDS(l, m, support_rows, &keys);
		struct config_support *s = &support[fault->n_support++];
		s->dept = find_department(l, keys.dept);
		s->task.zh = keys.zh;
		s->task.en = keys.en;
		s->within_ms = keys.within_ms;
	}
}

struct sop_keys {
	const char *id;
	const struct wy_node *steps;
};

static const struct wy_field sop_rows[] = {
	{"id", WY_FIELD_ID, offsetof(struct sop_keys, id), true, 0, 0, NULL,
	 "its number in the handbook"},
	{"steps", WY_FIELD_NODE, offsetof(struct sop_keys, steps), true, 0, 0, NULL,
	 "list of steps"},
};

static void read_sop(struct loading *l, const struct wy_node *node, struct config_fault *fault)
{
	struct sop_keys sop = {"", NULL};

	LOADING_FIELDS(l, node, sop_rows, &sop);
	fault->sop_id = sop.id;
	size_t n = loading_list(l, sop.steps);
	struct config_step *steps = loading_array(l, n, sizeof(*steps));
	if (!n || !steps)
		return;
	fault->steps = steps;
	for (const struct wy_node *m = sop.steps->child; m; m = m->next) {
		struct task_keys keys = {NULL, "", "", WY_MS_NEVER};
		LOADING_FIELDS(l, m, step_rows, &keys);
		struct config_step *s = &steps[fault->n_steps++];
		s->text.zh = keys.zh;
		s->text.en = keys.en;
		s->role = find_department(l, keys.dept);
		s->within_ms = keys.within_ms;
	}
}

struct words_keys {
	int choice;
	const struct wy_node *zh, *en;
};

static const struct wy_field notice_rows[] = {
	{"policy", WY_FIELD_CHOICE, offsetof(struct words_keys, choice), true, 0, 0, policy_names,
	 "when residents are told"},
	{"zh", WY_FIELD_NODE, offsetof(struct words_keys, zh), false, 0, 0, NULL, "Chinese text"},
	{"en", WY_FIELD_NODE, offsetof(struct words_keys, en), false, 0, 0, NULL, "English text"},
};
static const struct wy_field close_rows[] = {
	{"verified_by", WY_FIELD_CHOICE, offsetof(struct words_keys, choice), true, 0, 0,
	 verified_names, "what proves it"},
	{"zh", WY_FIELD_NODE, offsetof(struct words_keys, zh), true, 0, 0, NULL, "Chinese text"},
	{"en", WY_FIELD_NODE, offsetof(struct words_keys, en), true, 0, 0, NULL, "English text"},
};
static const struct wy_field cause_rows[] = {
	{"zh", WY_FIELD_NODE, offsetof(struct words_keys, zh), true, 0, 0, NULL, "Chinese text"},
	{"en", WY_FIELD_NODE, offsetof(struct words_keys, en), true, 0, 0, NULL, "English text"},
};

static const char *text_of(struct loading *l, const struct wy_node *node)
{
	if (node && node->kind != WY_NODE_SCALAR)
		wy_diag_add(l->diags, WY_DIAG_ERROR, "E105", node, 0, "expected text, found %s",
			    wy_node_kind_text(node));
	return node && node->kind == WY_NODE_SCALAR ? node->text : NULL;
}

static void read_notice(struct loading *l, const struct wy_node *node, struct config_fault *fault)
{
	struct words_keys keys = {0};
	bool is_fine = LOADING_FIELDS(l, node, notice_rows, &keys);

	fault->notice_policy = policy_names[keys.choice];
	fault->notice.zh = text_of(l, keys.zh);
	fault->notice.en = text_of(l, keys.en);
	check_fields(l, keys.zh);
	check_fields(l, keys.en);
	bool is_told = strcmp(fault->notice_policy, "never") != 0;
	if (is_fine && is_told && (!fault->notice.zh || !fault->notice.en))
		wy_diag_add(l->diags, WY_DIAG_ERROR, "E107", node, 0,
			    "policy '%s' needs a text in 'zh' and in 'en'", fault->notice_policy);
	if (is_fine && is_told && fault->subcategory && strcmp(fault->subcategory, "fire") == 0)
		wy_diag_add(l->diags, WY_DIAG_ERROR, "E609", wy_node_get(node, "policy"), 0,
			    "the gateway never tells residents about a fire fault: use 'never'");
}

static void read_close(struct loading *l, const struct wy_node *node, struct config_fault *fault)
{
	struct words_keys keys = {0};

	LOADING_FIELDS(l, node, close_rows, &keys);
	fault->verified_by = verified_names[keys.choice];
	fault->close.zh = text_of(l, keys.zh);
	fault->close.en = text_of(l, keys.en);
}

static void read_causes(struct loading *l, const struct wy_node *node, struct config_fault *fault)
{
	size_t n = loading_list(l, node);
	struct config_text *causes = loading_array(l, n, sizeof(*causes));

	if (!n || !causes)
		return;
	fault->causes = causes;
	for (const struct wy_node *m = node->child; m; m = m->next) {
		struct words_keys keys = {0};
		LOADING_FIELDS(l, m, cause_rows, &keys);
		causes[fault->n_causes].zh = text_of(l, keys.zh);
		causes[fault->n_causes++].en = text_of(l, keys.en);
	}
}

static bool is_code(const char *code)
{
	size_t letters = strspn(code, "ABCDEFGHIJKLMNOPQRSTUVWXYZ");

	return letters == 3 && code[3] == '-' && strlen(code) == 6 &&
	       strspn(code + 4, "0123456789") == 2;
}

static void read_fault(struct loading *l, const struct wy_node *node, struct config_fault *fault)
{
	struct fault_keys keys = {
		.name_zh = "", .name_en = "", .component = "", .vendor_arrive_ms = WY_MS_NEVER};

	fault->code = node->key->text;
	fault->node = node;
	if (!is_code(fault->code))
		wy_diag_add(l->diags, WY_DIAG_ERROR, "E105", node->key, 0,
			    "a fault code is three capitals, a dash and two digits: ELV-01");
	LOADING_FIELDS(l, node, fault_rows, &keys);
	fault->name_zh = keys.name_zh;
	fault->name_en = keys.name_en;
	fault->component = keys.component;
	fault->kind = kind_names[keys.kind];
	fault->category = category_names[keys.category];
	fault->subcategory = subcategory_names[keys.subcategory];
	fault->severity = (int)keys.severity;
	fault->primary = find_department(l, keys.primary);
	fault->vendor_role = keys.vendor;
	fault->vendor_arrive_ms = keys.vendor_arrive_ms;
	fault->script = keys.script;
	read_safety(l, keys.safety, fault);
	read_support(l, keys.support, fault);
	read_causes(l, keys.causes, fault);
	if (keys.sop)
		read_sop(l, keys.sop, fault);
	if (keys.notice)
		read_notice(l, keys.notice, fault);
	if (keys.close)
		read_close(l, keys.close, fault);
}

struct file_keys {
	const char *weiyu;
	const struct wy_node *faults;
};

static const struct wy_field file_rows[] = {
	{"weiyu", WY_FIELD_TEXT, offsetof(struct file_keys, weiyu), true, 0, 0, NULL, "faults/1"},
	{"faults", WY_FIELD_NODE, offsetof(struct file_keys, faults), true, 0, 0, NULL,
	 "map of faults"},
};

/* The roles faults ask for are the roles a site may name firms for. */
static void note_roles(struct loading *l)
{
	const char **roles = loading_array(l, l->config->n_faults, sizeof(*roles));

	l->vendor_roles = roles;
	for (size_t i = 0; roles && i < l->config->n_faults; i++) {
		const char *role = l->config->faults[i].vendor_role;
		size_t r = 0;
		while (role && r < l->n_vendor_roles && strcmp(roles[r], role) != 0)
			r++;
		if (role && r == l->n_vendor_roles)
			roles[l->n_vendor_roles++] = role;
	}
}

void load_faults(struct loading *l, const struct wy_node *const *roots, size_t n)
{
	size_t n_faults = 0;
	const struct wy_node **maps = loading_array(l, n, sizeof(const struct wy_node *));

	for (size_t i = 0; maps && i < n; i++) {
		struct file_keys keys = {0};
		LOADING_FIELDS(l, roots[i], file_rows, &keys);
		maps[i] = keys.faults;
		n_faults += loading_map(l, keys.faults);
	}
	struct config_fault *faults = loading_array(l, n_faults, sizeof(*faults));
	const char **codes = loading_array(l, n_faults, sizeof(*codes));
	if (!maps || !faults || !codes)
		return;
	l->config->faults = faults;
	l->config->fault_codes = codes;
	for (size_t i = 0; i < n; i++) {
		const struct wy_node *m =
			maps[i] && maps[i]->kind == WY_NODE_MAP ? maps[i]->child : NULL;
		for (; m; m = m->next) {
			if (config_find_fault(l->config, m->key->text) != SIZE_MAX) {
				loading_duplicate(l, m->key, "fault", m->key->text);
				continue;
			}
			codes[l->config->n_faults] = m->key->text;
			read_fault(l, m, &faults[l->config->n_faults++]);
		}
	}
	note_roles(l);
}
