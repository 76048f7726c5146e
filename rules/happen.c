/* happen.c: see happen.h. */
#include "happen.h"

/* The events of a rule at this instant, each looked at once: is_news says that they are of now. */
static struct rx_match_in watch(const struct rx_instance *it, struct rx_eval *ev, bool is_news)
{
	const struct rx_variant *variant = it->variant;
	struct rx_match_in in = {.now_ms = ev->now_ms};

	for (unsigned i = 0; i < variant->n_steps; i++) {
		struct rx_value v = rx_eval(ev, variant->steps[i].event.root);
		bool is_known = rx_is_exact(&v);
		unsigned bit = 1u << i;
		in.unknown |= (uint8_t)(is_known ? 0 : bit);
		in.happened |= (uint8_t)(is_news && is_known && v.lo > 0 ? bit : 0);
		in.uncertain |= (uint8_t)(v.is_uncertain ? bit : 0);
	}
	if (variant->until.root)
		in.until = (enum rule_truth)rx_eval(ev, variant->until.root).truth;
	return in;
}

static struct rx_seen see_event(const struct rx_instance *it, struct rx_eval *ev, bool is_news)
{
	struct rx_match_in in = watch(it, ev, is_news);
	struct rx_seen seen = {.due_ms = WY_MS_NEVER, .onset_ms = ev->now_ms};

	if (!in.happened)
		return seen;
	seen.truth = RULE_TRUE;
	seen.is_uncertain = in.uncertain;
	if (it->variant->levels[0].when.root) {
		struct rx_value v = rx_eval(ev, it->variant->levels[0].when.root);
		seen.truth = (enum rule_truth)v.truth;
		seen.is_uncertain = seen.is_uncertain || v.is_uncertain || v.truth == RULE_UNKNOWN;
	}
	seen.is_met = true;
	return seen;
}

static struct rx_seen see_pattern(struct rule_engine *engine, uint32_t instance, struct rx_eval *ev, bool is_news)
{
	const struct rx_instance *it = &engine->set->instances[instance];
	struct rx_match_in in = watch(it, ev, is_news);
	struct rx_match_out out;

	rx_match_step(&engine->matches[it->match], it, engine->set->rules[it->info.rule].on_unknown, &in, &out);
	if (out.is_changed)
		rx_mark(engine->cell_dirty, instance);
	return (struct rx_seen){.is_met = out.is_met, .truth = out.is_met ? RULE_TRUE : RULE_FALSE,
			     .is_uncertain = out.is_uncertain, .onset_ms = out.onset_ms, .due_ms = out.due_ms};
}

struct rx_seen rx_happen(struct rule_engine *engine, uint32_t instance, struct rx_eval *ev)
{
	const struct rx_instance *it = &engine->set->instances[instance];
	enum rule_kind kind = engine->set->rules[it->info.rule].info.kind;
	bool is_news = engine->news[instance / 64] >> instance % 64 & 1u;

	engine->news[instance / 64] &= ~((uint64_t)1 << instance % 64);
	if (kind == RULE_KIND_EVENT)
		return see_event(it, ev, is_news);
	if (kind == RULE_KIND_PATTERN)
		return see_pattern(engine, instance, ev, is_news);
	return (struct rx_seen){.due_ms = WY_MS_NEVER};
}
