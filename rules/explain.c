/* explain.c: a rule on an asset, told line by line: its conditions as trees, what it remembers and costs, what it hangs
 * on, what is told of it and, with an engine, how all that stands now. Looks only; changes nothing. */
#include "explain.h"

#include <string.h>

/* ---- Lines --------------------------------------------------------------------------------- */

struct wy_buf *rx_line_begin(struct rx_explain *x)
{
	wy_buf_init(&x->buf, x->text, sizeof(x->text) - 4);
	return &x->buf;
}

void rx_line_end(struct rx_explain *x)
{
	if (x->buf.is_cut)
		memcpy(x->text + x->buf.len, "...", 4);
	x->line(x->arg, x->depth, x->text);
}

void rx_say_line(struct rx_explain *x, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	wy_buf_vaddf(rx_line_begin(x), fmt, args);
	va_end(args);
	rx_line_end(x);
}

/* ---- Conditions ---------------------------------------------------------------------------- */

/* As written, on one line. */
static void add_text(struct wy_buf *buf, const char *text)
{
	static const char blanks[] = " \t\n";

	while (*text) {
		size_t len = strcspn(text, blanks);
		if (len && buf->len && buf->text[buf->len - 1] != ' ')
			wy_buf_add(buf, " ");
		wy_buf_addn(buf, text, len);
		text += len + (text[len] != '\0');
	}
}

static void say_cond(struct rx_explain *x, const char *name, const struct rx_cond *cond)
{
	if (!cond->root)
		return;
	rx_line_begin(x);
	wy_buf_addf(&x->buf, "%s: ", name);
	add_text(&x->buf, cond->text);
	rx_line_end(x);
	x->depth++;
	rx_explain_tree(x, cond->root);
	x->depth--;
}

static void say_holds(struct rx_explain *x, const struct rx_level *level, unsigned i)
{
	const struct rule_instance_info *info = x->instance == RX_NO_INSTANCE ? NULL : &x->set->instances[x->instance].info;

	rx_line_begin(x);
	wy_buf_add(&x->buf, "hold ");
	rx_add_span(x, &level->hold, info ? info->hold_ms[i] : -1);
	wy_buf_add(&x->buf, "; clear_hold ");
	rx_add_span(x, &level->clear_hold, info ? info->clear_hold_ms[i] : -1);
	rx_line_end(x);
}

static void say_level(struct rx_explain *x, unsigned i)
{
	const struct rx_level *level = &x->variant->levels[i];

	rx_say_line(x, "level %u: S%u", i + 1, level->tier);
	x->depth++;
	rx_explain_machine(x, i);
	say_cond(x, x->rule->info.kind == RULE_KIND_EVENT ? "if" : "when", &level->when);
	say_cond(x, "hold as a share, before it raises", &level->share);
	if (level->clear.root)
		say_cond(x, "clear", &level->clear);
	else if (x->rule->info.kind == RULE_KIND_LEVEL)
		rx_say_line(x, "clear: when it is false");
	say_holds(x, level, i);
	x->depth--;
}

static void say_step(struct rx_explain *x, size_t i)
{
	const struct rx_stage *step = &x->variant->steps[i];
	const struct rx_instance *it = x->instance == RX_NO_INSTANCE ? NULL : &x->set->instances[x->instance];
	wy_ms limit_ms = it ? it->step_ms[i] : -1;

	rx_line_begin(x);
	wy_buf_addf(&x->buf, "step %zu: %s ", i + 1, step->is_absent ? "absent" : "see");
	add_text(&x->buf, step->event.text);
	if (step->is_absent || limit_ms > 0 || step->limit.ms > 0 || step->limit.use != RX_NO_USE) {
		wy_buf_add(&x->buf, step->is_absent ? ", for " : ", within ");
		rx_add_span(x, &step->limit, limit_ms);
	}
	rx_line_end(x);
	x->depth++;
	rx_explain_tree(x, step->event.root);
	x->depth--;
}

static void say_steps(struct rx_explain *x)
{
	for (size_t i = 0; i < x->variant->n_steps; i++)
		say_step(x, i);
	say_cond(x, "until", &x->variant->until);
	if (x->variant->n_steps > 1 && rx_is_live(x)) {
		const struct rx_match *match = &x->engine->matches[x->set->instances[x->instance].match];
		if (match->step)
			rx_say_line(x, "= waits for step %u", match->step + 1u);
		else
			rx_say_line(x, "= no match has begun");
	}
}

static void say_conditions(struct rx_explain *x)
{
	if (x->variant->by)
		rx_say_line(x, "by: %s: %u keys at once, all others in the last place", x->variant->by->name, x->rule->n_slots - 1);
	say_steps(x);
	for (unsigned i = 0; i < x->rule->info.n_levels; i++)
		say_level(x, i);
	say_cond(x, "active", &x->variant->active);
}

/* ---- What it takes ------------------------------------------------------------------------- */

typedef size_t (*count_fn)(const struct rx_expr *e);

static size_t count_all(const struct rx_variant *variant, size_t n_levels, count_fn count)
{
	size_t n = count(variant->until.root) + count(variant->active.root);

	for (size_t i = 0; i < variant->n_steps; i++)
		n += count(variant->steps[i].event.root);
	for (size_t i = 0; i < n_levels; i++)
		n += count(variant->levels[i].when.root) + count(variant->levels[i].clear.root) + count(variant->levels[i].share.root);
	return n;
}

static void say_cost(struct rx_explain *x)
{
	const struct rx_class *cls = &x->set->classes[x->variant->cls];
	size_t nodes = count_all(x->variant, x->rule->info.n_levels, rx_count_nodes);
	size_t steps = count_all(x->variant, x->rule->info.n_levels, rx_count_steps);
	size_t own = sizeof(struct rx_instance) + sizeof(struct rx_machine) + sizeof(struct rx_teller);
	size_t memories = 0;

	own += ((size_t)x->rule->chatter.max + x->rule->recur.count) * sizeof(wy_ms);
	own += x->variant->n_steps > 1 ? sizeof(struct rx_match) : 0;
	own += x->variant->by ? sizeof(struct rx_key) : 0;
	for (size_t i = 0; i < x->variant->n_memories; i++)
		memories += cls->memories[x->variant->memories[i]].bytes;
	rx_say_line(x, "cost of a look: at most %zu steps (%zu for the parts of its conditions, %zu for what they ask of windows)",
		    nodes + steps, nodes, steps);
	rx_say_line(x, "memory: %zu bytes%s, %zu of it for %zu function%s that remember%s", own + memories, x->variant->by ? " for each key" : "",
	       memories, x->variant->n_memories, x->variant->n_memories == 1 ? "" : "s", x->variant->n_memories == 1 ? "s" : "");
}

/* ---- Which --------------------------------------------------------------------------------- */

/* Of several keys one with a ticket, else one that is taken. */
static uint32_t pick_slot(const struct rx_explain *x, uint32_t first)
{
	uint32_t found = first;
	bool is_taken = false;

	for (uint32_t i = first; x->engine && i < first + x->rule->n_slots; i++) {
		if (rule_is_raised(x->engine, i))
			return i;
		if (!is_taken && rule_key_of(x->engine, i).is_taken) {
			found = i;
			is_taken = true;
		}
	}
	return found;
}

/* Of a group the one that an instance on the asset may be a member of. */
static uint32_t pick_group(const struct rule_set *set, const struct rx_rule *rule, uint32_t asset)
{
	for (uint32_t i = rule->first_instance; i < rule->first_instance + rule->n_instances; i++)
		for (size_t m = 0; m < set->instances[i].n_members; m++)
			if (set->instances[set->instances[i].members[m]].info.asset == asset)
				return i;
	return RX_NO_INSTANCE;
}

static bool aim(struct rx_explain *x)
{
	if (x->asset == RULE_NO_ASSET)
		return x->variant != NULL;
	x->instance = x->rule->info.kind == RULE_KIND_GROUP ? pick_group(x->set, x->rule, x->asset)
							    : rx_instance_of(x->set, x->asset, x->rule_index);
	if (x->instance == RX_NO_INSTANCE)
		return false;
	x->variant = x->set->instances[x->instance].variant;
	if (x->variant->by)
		x->instance = pick_slot(x, x->instance);
	if (x->engine)
		x->ev = rx_instance_eval(x->engine, x->instance, x->engine->clock_ms);
	return true;
}

/* ---- All ----------------------------------------------------------------------------------- */

static void say_key(struct rx_explain *x)
{
	struct rule_key key = {0};

	if (x->variant->by && rx_is_live(x))
		key = rule_key_of(x->engine, x->instance);
	if (key.is_taken && key.word)
		rx_say_line(x, "looked at for the key %s", key.word);
	else if (key.is_taken)
		rx_say_line(x, "looked at for the key %lld", (long long)key.value);
	else if (key.is_keyed)
		rx_say_line(x, "no key has a place yet");
}

static void say_head(struct rx_explain *x)
{
	static const char *const kinds[] = {
		[RULE_KIND_LEVEL] = "a state", [RULE_KIND_EVENT] = "an event", [RULE_KIND_PATTERN] = "a pattern",
		[RULE_KIND_GROUP] = "a group of others", [RULE_KIND_PROBLEM] = "a problem behind another",
	};
	const struct rule_info *info = &x->rule->info;
	const struct rule_world *world = x->set->world;

	rx_line_begin(x);
	wy_buf_addf(&x->buf, "%s", info->id);
	if (x->asset != RULE_NO_ASSET)
		wy_buf_addf(&x->buf, " on %s (%s)", world->assets[x->asset].id, world->classes[world->assets[x->asset].class_index].id);
	else if (info->kind != RULE_KIND_GROUP && info->kind != RULE_KIND_PROBLEM)
		wy_buf_addf(&x->buf, ", a rule for class %s", x->set->classes[x->variant->cls].model->id);
	wy_buf_addf(&x->buf, ": %s, fault %s; %s:%u, revision %x", kinds[info->kind], info->fault, info->file, info->line, info->revision);
	rx_line_end(x);
}

bool rule_explain(const struct rule_set *set, uint32_t rule, uint32_t asset, const struct rule_engine *engine, rule_line *line, void *arg)
{
	struct rx_explain x = {.set = set, .engine = asset == RULE_NO_ASSET ? NULL : engine, .rule = &set->rules[rule], .rule_index = rule,
			       .variant = set->rules[rule].variants, .asset = asset, .instance = RX_NO_INSTANCE, .line = line,
			       .arg = arg};

	if (!aim(&x))
		return false;
	x.cls = x.variant->cls;
	say_head(&x);
	x.depth = 1;
	say_key(&x);
	rx_explain_told(&x);
	say_conditions(&x);
	rx_explain_reads(&x);
	rx_explain_ties(&x);
	rx_explain_telling(&x);
	say_cost(&x);
	return true;
}
