/* calls.c: the arguments and results of calls, and the memories of those that remember. Their form: call_form.c. */
#include "calls.h"

#include <string.h>

#include "ask_others.h"
#include "keyed.h"
#include "kinds.h"
#include "names.h"

static const struct rx_arg_row *row_at(const struct rx_expr *call, unsigned index)
{
	return &call->fn->arg[index < call->n_many ? 0 : call->n_many ? index - call->n_many + 1 : index];
}

bool rx_call_takes_name(const struct rx_expr *call, unsigned index)
{
	enum rx_arg kind = row_at(call, index)->kind;

	return kind == RX_ARG_CALENDAR || kind == RX_ARG_RULE || kind == RX_ARG_CHOICE || kind == RX_ARG_MARK ||
	       kind == RX_ARG_LABEL || kind == RX_ARG_CLASS;
}

/* ---- Arguments ---------------------------------------------------------------------------- */

static bool check_span(struct rx_scope *scope, struct rx_expr *e)
{
	bool is_constant = e->op == RX_NUMBER || e->op == RX_PARAM;
	const struct wy_unit *ms = wy_unit_at(WY_UNIT_MS);

	if (e->type == RX_T_NONE)
		return false;
	if (!is_constant || !rx_is_number(e) || !e->unit || !wy_unit_is_alike(e->unit, ms)) {
		rx_error(scope->load, "E201", scope->node, rx_at(scope, e),
			 "expected a length of time such as 15min or $parameter");
		return false;
	}
	if (e->op == RX_NUMBER && !e->is_default) {
		e->real *= wy_unit_ratio(e->unit, ms);
		e->unit = ms;
		e->hash = rx_hash_node(e);
		if (e->real < 1 || e->real > (double)WY_RULE_SPAN_MAX_MS) {
			rx_error(scope->load, "E401", scope->node, rx_at(scope, e),
				 "a window is 1ms to 400d long");
			return false;
		}
	}
	return true;
}

static bool need_point(struct rx_scope *scope, const struct rx_expr *e, enum rx_arg kind)
{
	if (e->type == RX_T_NONE)
		return false;
	bool is_point = e->op == RX_POINT && e->point;
	if (is_point && kind == RX_ARG_COUNTER && e->type != RX_T_COUNTER)
		rx_error(scope->load, "E205", scope->node, rx_at(scope, e), "expected a counter; '%s' is none", e->name);
	else if (!is_point)
		rx_error(scope->load, "E201", scope->node, rx_at(scope, e),
			 kind == RX_ARG_COUNTER ? "expected the name of a counter" : "expected the name of a point, not an expression");
	else
		return true;
	return false;
}

static bool need_event(struct rx_scope *scope, const struct rx_expr *e)
{
	if (e->type == RX_T_EVENT || e->type == RX_T_NONE)
		return e->type == RX_T_EVENT;
	rx_error(scope->load, "E203", scope->node, rx_at(scope, e),
		 "expected an event such as rise(...), fall(...), change(...) or pulse(...)");
	return false;
}

/* ---- Names -------------------------------------------------------------------------------- */

static const char *const name_kinds[] = {
	[RX_ARG_CALENDAR] = "calendar", [RX_ARG_RULE] = "rule", [RX_ARG_MARK] = "mark", [RX_ARG_LABEL] = "label",
	[RX_ARG_CLASS] = "class",
};

static bool is_word(const char *words, size_t n, const struct rx_expr *e)
{
	for (size_t i = 0; i < n; i++)
		words = strchr(words, ' ') + 1;
	size_t len = strcspn(words, " ");
	return len == e->name_len && memcmp(words, e->name, len) == 0;
}

static bool check_choice(struct rx_scope *scope, const struct rx_arg_row *row, struct rx_expr *e)
{
	size_t n = 1;

	for (const char *at = row->words; *at; at++)
		n += *at == ' ';
	for (size_t i = 0; e->op == RX_POINT && i < n; i++) {
		if (!is_word(row->words, i, e))
			continue;
		e->op = RX_NAMED;
		e->type = RX_T_NAME;
		e->name = NULL; /* equal to a choice left out */
		e->name_len = 0;
		e->index = (uint32_t)i;
		e->whole = (int64_t)i;
		e->hash = rx_hash_node(e);
		return true;
	}
	if (e->op == RX_NAMED) {
		e->whole = (int64_t)e->index;
		e->hash = rx_hash_node(e);
		return true;
	}
	rx_error(scope->load, "E104", scope->node, rx_at(scope, e), "'%s' is one of: %s", row->name, row->words);
	return false;
}

static bool keep_name(struct rx_scope *scope, struct rx_expr *e)
{
	e->name = rx_own_name(scope, e);
	e->op = RX_NAMED;
	e->type = RX_T_NAME;
	e->hash = rx_hash_node(e);
	return true;
}

static const char *class_name(const void *arg, size_t i)
{
	return ((const struct rule_world *)arg)->classes[i].id;
}

static bool check_class_name(struct rx_scope *scope, struct rx_expr *e)
{
	char hint[RX_HINT_SIZE];

	keep_name(scope, e);
	for (size_t i = 0; i < scope->load->world->n_classes; i++) {
		if (strcmp(scope->load->world->classes[i].id, e->name) != 0)
			continue;
		e->index = (uint32_t)i;
		return true;
	}
	rx_error(scope->load, "E301", scope->node, rx_at(scope, e), "there is no class '%s'%s", e->name,
		 rx_did_you_mean(scope->load, e->name, scope->load->world->n_classes, class_name, scope->load->world, hint));
	return false;
}

static bool check_name(struct rx_scope *scope, const struct rx_arg_row *row, struct rx_expr *e)
{
	if (row->kind == RX_ARG_CHOICE)
		return check_choice(scope, row, e);
	if (e->op != RX_POINT) {
		rx_error(scope->load, "E301", scope->node, rx_at(scope, e), "expected the name of a %s", name_kinds[row->kind]);
		return false;
	}
	if (row->kind == RX_ARG_RULE)
		return rx_check_rule_name(scope, e);
	if (row->kind == RX_ARG_CALENDAR)
		return rx_check_calendar_name(scope, e);
	return row->kind == RX_ARG_CLASS ? check_class_name(scope, e) : keep_name(scope, e);
}

/* ---- Numbers ------------------------------------------------------------------------------ */

static bool check_constant(struct rx_scope *scope, const struct rx_arg_row *row, const struct rx_expr *e)
{
	bool is_whole = row->kind == RX_ARG_WHOLE;
	bool is_literal = e->op == RX_NUMBER && (!is_whole || e->is_whole);

	if (!rx_need_number(scope, e))
		return false;
	bool is_fine = is_literal ? e->real >= row->least && e->real <= row->most : !is_whole && e->op == RX_PARAM;
	if (is_fine && !e->unit)
		return true;
	rx_error(scope->load, "E106", scope->node, rx_at(scope, e), "'%s' is a %snumber from %g to %g%s", row->name,
		 is_whole ? "whole " : "", row->least, row->most, is_whole ? ", written out" : " without a unit, or a $parameter");
	return false;
}

/* Part of an expression whose value grows by itself: no step to weigh, and no change to count. */
static const struct rx_expr *growing_in(const struct rx_expr *e)
{
	if (e->op == RX_CALL && e->fn->is_growing)
		return e;
	if (e->op == RX_CALL && rx_remembers(e->fn))
		return NULL;
	const struct rx_expr *found = NULL;
	for (const struct rx_expr *c = e->child; c && !found; c = c->next)
		found = growing_in(c);
	return found;
}

static bool check_series(struct rx_scope *scope, enum rx_arg kind, const struct rx_expr *e)
{
	if (!rx_need_number(scope, e))
		return false;
	const struct rx_expr *growing = growing_in(e);
	if (growing) {
		rx_error(scope->load, "E203", scope->node, rx_at(scope, growing),
			 "%s() grows by itself; take it at an event: sample(%s(...), on=...)", growing->fn->name, growing->fn->name);
		return false;
	}
	if (kind == RX_ARG_SERIES || e->sampling)
		return true;
	rx_error(scope->load, "E203", scope->node, rx_at(scope, e), "expected samples such as sample(x, on=fall(moving))");
	return false;
}

static bool check_like(struct rx_scope *scope, struct rx_expr **at, const struct rx_expr *before)
{
	const struct rx_expr *e = *at;

	if (!rx_need_number(scope, e))
		return false;
	if (!wy_unit_is_alike(before->unit, e->unit))
		return rx_complain_units(scope, before, e);
	if (rx_is_absolute(before) != rx_is_absolute(e)) {
		rx_error(scope->load, "E202", scope->node, rx_at(scope, e), "degC and dK do not mix");
		return false;
	}
	return before->unit == e->unit || rx_rescale(scope, at, before->unit);
}

/* One flat switch over the kinds of arguments. */
static bool check_arg(struct rx_scope *scope, const struct rx_arg_row *row, struct rx_expr **at, const struct rx_expr *before)
{
	struct rx_expr *e = *at;

	switch (row->kind) {
	case RX_ARG_BOOL:
		return rx_need_condition(scope, e);
	case RX_ARG_EVENT:
		return need_event(scope, e);
	case RX_ARG_BOOL_OR_EVENT:
		return e->type == RX_T_EVENT || rx_need_condition(scope, e);
	case RX_ARG_POINT:
	case RX_ARG_COUNTER:
		return need_point(scope, e, row->kind);
	case RX_ARG_NUMBER:
		return rx_need_number(scope, e);
	case RX_ARG_SERIES:
	case RX_ARG_SAMPLES:
		return check_series(scope, row->kind, e);
	case RX_ARG_LIKE:
		return check_like(scope, at, before);
	case RX_ARG_WINDOW:
	case RX_ARG_SPAN:
		return check_span(scope, e);
	case RX_ARG_WHOLE:
	case RX_ARG_CONSTANT:
		return check_constant(scope, row, e);
	case RX_ARG_ANY:
		if (e->type != RX_T_EVENT)
			return true;
		rx_error(scope->load, "E203", scope->node, rx_at(scope, e), "an event is never unknown; ask known() of a point or a condition");
		return false;
	case RX_ARG_CALENDAR:
	case RX_ARG_RULE:
	case RX_ARG_CHOICE:
	case RX_ARG_MARK:
	case RX_ARG_LABEL:
	case RX_ARG_CLASS:
		return check_name(scope, row, e);
	case RX_ARG_NONE:
		break;
	}
	return false;
}

bool rx_call_argument(struct rx_scope *scope, struct rx_expr *call, unsigned index, struct rx_expr **at,
		      const struct rx_expr *before)
{
	return check_arg(scope, row_at(call, index), at, before);
}

/* ---- Instants ----------------------------------------------------------------------------- */

/* Two are taken together only where they are taken at the same instants. */
static bool is_same_sampling(const struct rx_expr *a, const struct rx_expr *b)
{
	return rx_arg(a, 1)->hash == rx_arg(b, 1)->hash && rx_arg(a, 2)->hash == rx_arg(b, 2)->hash;
}

bool rx_carry_sampling(struct rx_scope *scope, struct rx_expr *e)
{
	bool is_kept = e->op >= RX_ADD || (e->op == RX_CALL && e->fn->keeps_instants);

	if (e->op == RX_CALL && e->fn->update == rx_sample_update)
		e->sampling = e;
	for (const struct rx_expr *c = e->child; is_kept && c; c = c->next) {
		if (!c->sampling)
			continue;
		if (e->sampling && !is_same_sampling(e->sampling, c->sampling)) {
			rx_error(scope->load, "E203", scope->node, rx_at(scope, c),
				 "these samples are taken at different instants; sample the whole: sample(a - b, on=...)");
			return false;
		}
		e->sampling = c->sampling;
	}
	return true;
}

/* ---- Results ------------------------------------------------------------------------------ */

static bool has_window(const struct rx_expr *e)
{
	if (e->op == RX_CALL && rx_remembers(e->fn))
		return true;
	for (const struct rx_expr *c = e->child; c; c = c->next)
		if (has_window(c))
			return true;
	return false;
}

/* What a memory depends on: the function that keeps it, and its arguments but those only asked with. What the
 * rule asks of its windows matters only where they feed this one. */
static uint64_t hash_memory(const struct rx_expr *call)
{
	const struct rx_function *fn = call->fn;
	const char *own = fn->like ? fn->like : fn->name;
	uint64_t hash = rx_hash_text(RX_HASH_START, fn->like_sampled && call->child->sampling ? fn->like_sampled : own);
	unsigned index = 0;

	for (const struct rx_expr *c = call->child; c; c = c->next, index++) {
		if (row_at(call, index)->is_asked)
			continue;
		hash = rx_hash(hash, &c->hash, sizeof(c->hash));
		if (!has_window(c))
			continue;
		hash = rx_hash(hash, &call->min_samples, sizeof(call->min_samples));
		hash = rx_hash(hash, &call->min_cover, sizeof(call->min_cover));
	}
	return hash;
}

static bool make_room(struct rx_load *load, struct rx_class *cls, size_t n)
{
	size_t most = cls->max_memories;

	while (most < cls->n_memories + n)
		most = most ? 2 * most : 16;
	if (most == cls->max_memories)
		return true;
	struct rx_memory *memories = rx_load_alloc(load, most, sizeof(*memories));
	if (!memories)
		return false;
	if (cls->n_memories)
		memcpy(memories, cls->memories, cls->n_memories * sizeof(*memories));
	cls->memories = memories;
	cls->max_memories = most;
	return true;
}

/* One, or for a keyed rule one for each slot; the first has the hash that others look for. */
static bool add_memories(struct rx_scope *scope, const struct rx_expr *call, bool is_keyed, uint32_t n, uint64_t hash)
{
	struct rx_class *cls = &scope->load->set->classes[scope->cls];
	size_t bytes = rx_memory_bytes(call);

	for (uint32_t slot = 0; slot < n; slot++) {
		cls->memories[cls->n_memories++] = (struct rx_memory){
			.call = call, .hash = slot ? rx_hash(hash, &slot, sizeof(slot)) : hash,
			.offset = cls->state_bytes, .bytes = bytes, .is_raw = scope->is_raw, .is_keyed = is_keyed,
			.rule = is_keyed ? (uint32_t)(scope->rule - scope->load->set->rules) : 0, .slot = slot,
		};
		cls->state_bytes += (bytes + 15) / 16 * 16;
	}
	return true;
}

/* Those of rules that go on while an asset is out of service see other points. */
bool rx_call_remember(struct rx_scope *scope, struct rx_expr *call)
{
	struct rx_class *cls = &scope->load->set->classes[scope->cls];
	uint64_t hash = hash_memory(call);

	bool is_keyed = scope->n_slots > 1 && rx_takes_event(call);
	uint32_t n = is_keyed ? scope->n_slots : 1;
	if (scope->is_raw)
		hash = rx_hash_text(hash, "raw");
	if (is_keyed)
		hash = rx_hash_text(hash, scope->rule->info.id);
	if (scope->is_trial)
		return true;
	for (size_t i = 0; i < cls->n_memories; i++) {
		if (cls->memories[i].hash != hash)
			continue;
		call->index = (uint32_t)i;
		return true;
	}
	if (cls->n_memories + n > WY_RULE_MEMORIES_MAX) {
		rx_error(scope->load, "E601", scope->node, rx_at(scope, call),
			 "class '%s': more than %u different stateful functions", cls->model->id,
			 WY_RULE_MEMORIES_MAX);
		return false;
	}
	call->index = (uint32_t)cls->n_memories;
	return make_room(scope->load, cls, n) && add_memories(scope, call, is_keyed, n, hash);
}

/* Per hour: the unit of the table where there is one, else made for this expression. */
static bool per_hour(struct rx_scope *scope, struct rx_expr *e, const struct wy_unit *unit)
{
	struct wy_unit *made = rx_load_alloc(scope->load, 1, sizeof(*made));
	const struct wy_unit *hour = wy_unit_at(WY_UNIT_H);
	char name[60];
	struct wy_buf buf;

	if (!made)
		return false;
	*made = (struct wy_unit){.factor = wy_unit_ratio(unit, NULL) / hour->factor};
	for (size_t i = 0; i < WY_DIMENSIONS; i++)
		made->dim[i] = (int8_t)((unit ? unit->dim[i] : 0) - hour->dim[i]);
	wy_buf_init(&buf, name, sizeof(name));
	wy_buf_addf(&buf, "%s/h", unit ? unit->name : "1");
	made->name = rx_load_text(scope->load, name, buf.len);
	e->unit = unit ? made : wy_unit_at(WY_UNIT_PER_H);
	return made->name;
}

static bool is_like_first(enum rx_result result)
{
	return result == RX_RESULT_FIRST || result == RX_RESULT_SECOND;
}

/* What is not simply that of an argument. */
static enum rx_type type_of_result(struct rx_scope *scope, struct rx_expr *e)
{
	static const enum rx_type types[] = {
		[RX_RESULT_BOOL] = RX_T_BOOL, [RX_RESULT_EVENT] = RX_T_EVENT, [RX_RESULT_INT] = RX_T_INT,
		[RX_RESULT_TIME] = RX_T_REAL, [RX_RESULT_MEAN] = RX_T_REAL, [RX_RESULT_TOTAL] = RX_T_REAL,
		[RX_RESULT_DIFFERENCE] = RX_T_REAL, [RX_RESULT_DISTANCE] = RX_T_REAL, [RX_RESULT_SLOPE] = RX_T_REAL,
		[RX_RESULT_RATE] = RX_T_REAL, [RX_RESULT_SHARE] = RX_T_REAL, [RX_RESULT_BARE] = RX_T_REAL,
		[RX_RESULT_LIKE_SECOND] = RX_T_REAL};
	enum rx_result result = e->fn->result;
	const struct wy_unit *unit = e->child ? e->child->unit : NULL;
	const struct wy_unit *step = unit && unit->is_absolute ? wy_unit_at(WY_UNIT_DK) : unit;

	if (result == RX_RESULT_TIME)
		e->unit = wy_unit_at(WY_UNIT_MS);
	else if (result == RX_RESULT_SHARE)
		e->unit = wy_unit_at(WY_UNIT_PERCENT);
	else if (result == RX_RESULT_RATE)
		e->unit = wy_unit_at(WY_UNIT_PER_H);
	else if (result == RX_RESULT_MEAN || result == RX_RESULT_TOTAL)
		e->unit = unit;
	else if (result == RX_RESULT_LIKE_SECOND)
		e->unit = e->child->next->unit;
	else if (result == RX_RESULT_DIFFERENCE || result == RX_RESULT_DISTANCE)
		e->unit = step;
	else if (result == RX_RESULT_SLOPE && !per_hour(scope, e, step))
		return RX_T_NONE;
	if (result == RX_RESULT_TOTAL && unit && unit->is_absolute) {
		rx_error(scope->load, "E202", scope->node, rx_at(scope, e->child), "temperatures in degC cannot be added up");
		return RX_T_NONE;
	}
	return types[result];
}

enum rx_type rx_call_result(struct rx_scope *scope, struct rx_expr *e)
{
	enum rx_type type;

	e->min_cover = scope->min_cover;
	e->min_samples = scope->min_samples;
	if (is_like_first(e->fn->result)) {
		const struct rx_expr *like = e->fn->result == RX_RESULT_SECOND ? e->child->next : e->child;
		type = (enum rx_type)like->type;
		e->unit = like->unit;
		e->point = type == RX_T_ENUM ? like->point : NULL;
		if (like->op == RX_POINT && type == RX_T_COUNTER)
			return rx_need_number(scope, like) ? type : RX_T_NONE;
	} else {
		type = type_of_result(scope, e);
	}
	e->type = (uint8_t)type;
	e->hash = rx_hash_node(e);
	if (e->fn->check && !e->fn->check(scope, e))
		return RX_T_NONE;
	if (e->fn->is_of_others && !rx_add_tally(scope, e))
		return RX_T_NONE;
	if (type == RX_T_NONE || (rx_remembers(e->fn) && !rx_call_remember(scope, e)))
		return RX_T_NONE;
	return type;
}
