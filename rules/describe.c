/* describe.c: what a compiled set and a running engine tell about themselves. */
#include <math.h>
#include <string.h>

#include "rule_engine.h"
#include "shares.h"

size_t rule_count(const struct rule_set *set)
{
	return set->n_rules;
}

const struct rule_info *rule_info_at(const struct rule_set *set, uint32_t rule)
{
	return rule < set->n_rules ? &set->rules[rule].info : NULL;
}

uint64_t rule_set_hash(const struct rule_set *set)
{
	return set->hash;
}

size_t rule_instance_count(const struct rule_set *set)
{
	return set->n_instances;
}

const struct rule_instance_info *rule_instance_at(const struct rule_set *set, uint32_t instance)
{
	return instance < set->n_instances ? &set->instances[instance].info : NULL;
}

const char *rule_state_text(enum rule_state state)
{
	static const char *const names[] = {"normal", "pending", "active", "returning", "latched"};

	return (unsigned)state < sizeof(names) / sizeof(*names) ? names[state] : "?";
}

const char *rule_event_text(enum rule_event_kind kind)
{
	static const char *const words[RULE_EVENT_KINDS] = {
		[RULE_RAISED] = "open",
		[RULE_TIER] = "tier",
		[RULE_UNVERIFIED] = "unverified",
		[RULE_VERIFIED] = "verified",
		[RULE_LATCHED] = "latched",
		[RULE_RESOLVED] = "resolve",
		[RULE_CLOSED] = "close",
		[RULE_CHATTERING] = "chatter",
		[RULE_STEADY] = "steady",
		[RULE_DEPENDS] = "depends",
		[RULE_FREE] = "free",
		[RULE_SHELVED] = "shelved",
		[RULE_SHELF_ENDING] = "shelf_ending",
		[RULE_UNSHELVED] = "unshelved",
		[RULE_ESCALATED] = "escalate",
		[RULE_MEMBERS] = "members",
		[RULE_GROUPED] = "grouped",
		[RULE_OUT_OF_SERVICE] = "out_of_service",
		[RULE_IN_SERVICE] = "in_service",
	};

	return (unsigned)kind < RULE_EVENT_KINDS ? words[kind] : "?";
}

/* ---- Clauses ------------------------------------------------------------------------------ */

struct list {
	struct rx_eval ev;
	const char *text;
	struct rule_clause *out;
	size_t n, max;
};

/* Of a point of the class, or of one over a relation behind those. */
static const char *why_of_point(const struct rx_class *cls, size_t point, size_t quality)
{
	if (point < cls->model->n_points)
		return cls->why[point][quality];
	point -= cls->model->n_points;
	return point < cls->n_fars ? cls->fars[point].why[quality] : "unknown";
}

const char *rx_why_text(const struct rx_eval *ev, const struct rx_value *v)
{
	switch ((enum rx_unknown)v->unknown) {
	case RX_NO_POINT:
		return v->quality <= WY_Q_STALE ? why_of_point(ev->cls, v->point, v->quality) : "unknown";
	case RX_NO_DIVISOR:
		return "division by zero";
	case RX_TOO_LARGE:
		return "result too large";
	case RX_NO_COVER:
		return "not enough of the window is known";
	case RX_OUT_OF_SERVICE:
		return why_of_point(ev->cls, v->point, RX_WHY_OOS);
	case RX_NO_RELATION:
		return "this asset has no such relation or label";
	case RX_FEW_PEERS:
		return "fewer than two peers are known";
	case RX_OTHERS_UNKNOWN:
		return "too many of the others are unknown";
	case RX_NOT_SEEN:
		return "not seen since start";
	case RX_LEARNING:
		return "not enough is learnt yet";
	case RX_NO_TREND:
		return "no clear trend";
	case RX_NO_SIDE:
		return "the limit was crossed, and no side= says which side is beyond";
	case RX_KNOWN:
		break;
	}
	return "unknown";
}

static const char *word_of(const struct rx_expr *e, const struct rx_value *v)
{
	if (e->type == RX_T_REAL && rx_is_exact(v) && isinf(v->rlo))
		return "never";
	if (e->type == RX_T_BOOL)
		return v->truth == RULE_UNKNOWN ? NULL : (v->truth == RULE_TRUE ? "true" : "false");
	if (e->type != RX_T_ENUM || !e->point || !rx_is_exact(v))
		return NULL;
	return v->lo >= 0 && (size_t)v->lo < e->point->n_values ? e->point->values[v->lo] : NULL;
}

static bool is_number(const struct rx_expr *e)
{
	return e->type == RX_T_INT || e->type == RX_T_REAL;
}

static void fill(struct list *list, const struct rx_expr *e, struct rule_clause *clause)
{
	struct rx_value truth = rx_eval(&list->ev, e);
	bool is_whole = e->op == RX_CALL || e->op == RX_NOT || e->op == RX_AND || e->op == RX_OR;
	const struct rx_expr *left = e->child && !is_whole ? e->child : e;
	struct rx_value a = rx_eval(&list->ev, left);

	*clause = (struct rule_clause){.text = list->text + e->at, .text_len = e->end - e->at,
				       .truth = (enum rule_truth)truth.truth};
	clause->word = word_of(left, &a);
	if (truth.truth == RULE_UNKNOWN)
		clause->why = rx_why_text(&list->ev, truth.unknown ? &truth : &a);
	if (left == e || !is_number(left))
		return;
	clause->unit = left->unit;
	const struct rx_expr *joint = rx_joint_in(left);
	clause->n_shares = joint ? rx_shares_now(&list->ev, joint, clause->shares) : 0;
	clause->has_value = rx_is_exact(&a) && isfinite(rx_number(&a));
	clause->value = clause->has_value ? rx_number(&a) : 0;
	if (e->op != RX_COMPARE)
		return;
	struct rx_value b = rx_eval(&list->ev, left->next);
	clause->has_limit = rx_is_exact(&b) && isfinite(rx_number(&b));
	clause->limit = clause->has_limit ? rx_number(&b) : 0;
}

static void collect(struct list *list, const struct rx_expr *e)
{
	bool is_here = !e->is_signal && !(e->op == RX_NOT && e->child->is_signal);

	if (is_here && (e->op == RX_AND || e->op == RX_OR || (e->op == RX_NOT && (e->child->op == RX_AND || e->child->op == RX_OR)))) {
		for (const struct rx_expr *c = e->child; c; c = c->next)
			collect(list, c);
		return;
	}
	if (list->n < list->max)
		fill(list, e, &list->out[list->n++]);
}

size_t rule_clauses(const struct rule_engine *engine, uint32_t instance, unsigned level, bool is_clear,
		    struct rule_clause *out, size_t max)
{
	const struct rx_instance *it = &engine->set->instances[instance];
	const struct rx_rule *rule = &engine->set->rules[it->info.rule];

	if (level >= rule->info.n_levels)
		return 0;
	const struct rx_level *at = &it->variant->levels[level];
	if (!at->when.root && !it->variant->n_steps)
		return 0; /* made of others, which have their own */
	const struct rx_cond *cond = is_clear && at->clear.root ? &at->clear : &at->when;
	struct list list = {.ev = rx_instance_eval(engine, instance, engine->clock_ms),
			    .text = cond->text, .out = out, .max = max};
	/* What happened is no state that could be looked at again: it is told as it is written. */
	for (size_t i = 0; i < it->variant->n_steps && !is_clear && list.n < max; i++) {
		const struct rx_stage *step = &it->variant->steps[i];
		list.out[list.n++] = (struct rule_clause){.text = step->event.text, .text_len = strlen(step->event.text),
							  .truth = step->is_absent ? RULE_FALSE : RULE_TRUE};
	}
	if (cond->root)
		collect(&list, cond->root);
	return list.n;
}
