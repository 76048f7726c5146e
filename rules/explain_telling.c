/* explain_telling.c: what is told of a rule once it stands, by which keys, and with an engine how things are. */
#include "explain.h"

/* ---- Keys ---------------------------------------------------------------------------------- */

static void say_latch(struct rx_explain *x)
{
	static const char *const words[] = {
		[RULE_LATCH_ACK] = "latch: ack: the ticket stays until somebody took notice",
		[RULE_LATCH_RESET] = "latch: reset: the ticket stays until somebody resets it",
	};

	if (x->rule->info.latch != RULE_LATCH_NONE)
		rx_say_line(x, "%s", words[x->rule->info.latch]);
}

static void say_unknown(struct rx_explain *x)
{
	static const char *const policies[] = {
		[RX_FREEZE] = "freeze: it stays as it is", [RX_RAISE] = "raise: it counts as true",
		[RX_CLEAR] = "clear: it counts as over", [RX_RESET] = "reset: at once normal",
	};
	const struct rx_instance *it = x->instance == RX_NO_INSTANCE ? NULL : &x->set->instances[x->instance];

	rx_say_line(x, "on_unknown: %s", policies[x->rule->on_unknown]);
	rx_line_begin(x);
	wy_buf_add(&x->buf, "tolerate: ");
	rx_add_span(x, &x->variant->tolerate, it ? it->tolerate_ms : -1);
	wy_buf_add(&x->buf, " of unknown time inside a hold; unverified after ");
	rx_add_span(x, &x->variant->unverified_after, it ? it->unverified_after_ms : -1);
	rx_line_end(x);
}

static void say_chatter(struct rx_explain *x)
{
	const struct rx_chatter *chatter = &x->rule->chatter;

	if (!chatter->max) {
		rx_say_line(x, "chatter: none, every raise is told");
		return;
	}
	rx_line_begin(x);
	wy_buf_addf(&x->buf, "chatter: %u raises in ", chatter->max);
	wy_buf_duration(&x->buf, chatter->per_ms);
	wy_buf_add(&x->buf, " become one ticket, until it has been quiet for ");
	wy_buf_duration(&x->buf, chatter->quiet_ms);
	rx_line_end(x);
}

static void say_recur(struct rx_explain *x)
{
	const struct rx_recur *recur = &x->rule->recur;

	if (!recur->count)
		return;
	rx_line_begin(x);
	wy_buf_addf(&x->buf, "recur: the %u. raise in ", recur->count);
	wy_buf_duration(&x->buf, recur->within_ms);
	if (recur->problem == RX_NO_RULE)
		wy_buf_addf(&x->buf, " has at least S%u", recur->tier);
	else
		wy_buf_addf(&x->buf, " opens %s", x->set->rules[recur->problem].info.id);
	rx_line_end(x);
}

static void say_step(struct rx_explain *x, const struct wy_step *step)
{
	static const char *const unless[] = {
		[WY_UNLESS_ACKED] = "acked", [WY_UNLESS_ASSIGNED] = "assigned", [WY_UNLESS_ON_SITE] = "on_site",
		[WY_UNLESS_RESOLVED] = "resolved",
	};

	rx_line_begin(x);
	wy_buf_add(&x->buf, "after ");
	wy_buf_duration(&x->buf, step->after_ms);
	wy_buf_addf(&x->buf, "%s tell %s unless %s", step->is_working ? " of working hours" : "", step->to, unless[step->unless]);
	if (step->tier)
		wy_buf_addf(&x->buf, ", and make it S%u", step->tier);
	rx_line_end(x);
}

static void say_ladder(struct rx_explain *x, const struct wy_ladder *ladder, const char *head)
{
	rx_say_line(x, "escalate: %s%s", head, ladder->n ? "" : ": nobody");
	x->depth++;
	for (size_t i = 0; i < ladder->n; i++)
		say_step(x, &ladder->steps[i]);
	x->depth--;
}

static void say_ladders(struct rx_explain *x)
{
	static const char *const heads[] = {"by the ladder of S1", "by the ladder of S2", "by the ladder of S3", "by the ladder of S4"};
	bool is_said[4] = {false};

	if (x->rule->has_ladder) {
		say_ladder(x, &x->rule->ladder, "by a ladder of its own");
		return;
	}
	for (size_t i = 0; i < x->rule->info.n_levels; i++) {
		uint8_t tier = x->rule->info.levels[i].tier;
		if (tier >= 1 && tier <= 4 && !is_said[tier - 1])
			say_ladder(x, &x->set->world->escalation.of_tier[tier - 1], heads[tier - 1]);
		if (tier >= 1 && tier <= 4)
			is_said[tier - 1] = true;
	}
}

static void say_repeat(struct rx_explain *x)
{
	const struct wy_repeat *repeat = &x->set->world->escalation.repeat;

	if (x->rule->is_repeat_free || !repeat->within_ms)
		return;
	rx_line_begin(x);
	wy_buf_add(&x->buf, "repeat: back within ");
	wy_buf_duration(&x->buf, repeat->within_ms);
	wy_buf_addf(&x->buf, " it opens %u tier%s higher, at most S%u", repeat->tiers_up, repeat->tiers_up == 1 ? "" : "s", repeat->at_most);
	rx_line_end(x);
}

static void say_rest(struct rx_explain *x)
{
	const struct rx_instance *it = x->instance == RX_NO_INSTANCE ? NULL : &x->set->instances[x->instance];

	rx_line_begin(x);
	wy_buf_add(&x->buf, "shelve: ");
	if (x->rule->shelve_max_ms) {
		wy_buf_add(&x->buf, "at most ");
		wy_buf_duration(&x->buf, x->rule->shelve_max_ms);
	} else {
		wy_buf_add(&x->buf, "never");
	}
	wy_buf_addf(&x->buf, "; maintenance: %s; closed by hand it may come back after ",
		    x->rule->is_annotated ? "annotate, tickets say so" : "suppress, no ticket opens");
	rx_add_span(x, &x->variant->reraise, it ? it->reraise_ms : -1);
	rx_line_end(x);
}

void rx_explain_telling(struct rx_explain *x)
{
	rx_say_line(x, "telling");
	x->depth++;
	say_latch(x);
	say_unknown(x);
	say_chatter(x);
	say_recur(x);
	say_repeat(x);
	say_ladders(x);
	say_rest(x);
	x->depth--;
}

/* ---- Now ----------------------------------------------------------------------------------- */

static void add_ago(struct rx_explain *x, const char *word, wy_ms at_ms)
{
	wy_buf_add(&x->buf, word);
	wy_buf_duration(&x->buf, x->engine->clock_ms > at_ms ? x->engine->clock_ms - at_ms : 0);
}

void rx_explain_machine(struct rx_explain *x, unsigned level)
{
	if (!rx_is_live(x))
		return;
	const struct rx_level_state *at = &x->engine->machines[x->instance].level[level];
	rx_line_begin(x);
	wy_buf_addf(&x->buf, "= %s", rule_state_text((enum rule_state)at->state));
	if (at->state != RULE_NORMAL)
		add_ago(x, ", true since ", at->onset_ms);
	if (at->state == RULE_PENDING || at->state == RULE_RETURNING) {
		wy_ms ran_ms = at->ran_ms + (at->is_running ? x->engine->clock_ms - at->from_ms : 0);
		wy_buf_add(&x->buf, ", on its clock ");
		wy_buf_duration(&x->buf, ran_ms);
		wy_buf_add(&x->buf, at->is_running ? "" : ", which stands");
	}
	rx_line_end(x);
}

static void say_raised(struct rx_explain *x, const struct rx_teller *t)
{
	if (!t->is_raised) {
		rx_say_line(x, "no ticket is open for it");
		return;
	}
	rx_line_begin(x);
	wy_buf_addf(&x->buf, "raised as S%u by level %u", t->tier, t->told_level + 1u);
	add_ago(x, ", told ", t->raised_ms);
	wy_buf_addf(&x->buf, " ago%s%s%s", t->is_acked ? ", acknowledged" : "", t->is_assigned ? ", assigned" : "",
		    t->is_on_site ? ", somebody is there" : "");
	rx_line_end(x);
}

void rx_explain_told(struct rx_explain *x)
{
	if (!rx_is_live(x))
		return;
	const struct rx_teller *t = &x->engine->tellers[x->instance];
	const struct {
		bool is_so;
		const char *words;
	} rows[] = {
		{t->is_latched, "latched: the condition is gone, somebody must release it"},
		{t->is_unverified, "unverified: what it reads has been unknown for long"},
		{t->is_inhibited, "held back: a rule that inhibits it stands"},
		{t->is_guarded, "closed by hand: no new ticket yet"},
		{t->is_maintenance, "a maintenance window is open"},
		{t->is_chattering, "chattering: single raises are not told"},
		{t->is_recurring, "came back as often as 'recur' says"},
		{t->is_shelved, "shelved"},
		{t->is_out, "out of service"},
		{t->absorbed_tier > 0, "a group speaks for it"},
	};

	rx_say_line(x, "now");
	x->depth++;
	say_raised(x, t);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		if (rows[i].is_so)
			rx_say_line(x, "%s", rows[i].words);
	if (t->is_shelved && t->shelved_until_ms > x->engine->clock_ms) {
		rx_line_begin(x);
		wy_buf_add(&x->buf, "the shelf ends in ");
		wy_buf_duration(&x->buf, t->shelved_until_ms - x->engine->clock_ms);
		rx_line_end(x);
	}
	x->depth--;
}
