/* match.c: see match.h. */
#include "match.h"

#include <string.h>

struct context {
	struct rx_match *match;
	const struct rx_instance *instance;
	enum rx_on_unknown policy;
	const struct rx_match_in *in;
	struct rx_match_out *out;
};

static bool happened(const struct context *c, unsigned step)
{
	return c->in->happened >> step & 1u;
}

static void lower(struct context *c, wy_ms at_ms)
{
	if (at_ms < c->out->due_ms)
		c->out->due_ms = at_ms;
}

static void drop(struct context *c)
{
	memset(c->match, 0, sizeof(*c->match));
	c->out->is_changed = true;
}

static void wait_for(struct context *c, unsigned step)
{
	struct rx_match *match = c->match;

	match->step = (uint8_t)step;
	match->moved_ms = match->from_ms = c->in->now_ms;
	match->ran_ms = 0;
	match->is_running = true;
	c->out->is_changed = true;
}

static void begin(struct context *c)
{
	memset(c->match, 0, sizeof(*c->match));
	c->match->begun_ms = c->in->now_ms;
	c->match->is_uncertain = c->in->uncertain & 1u;
	wait_for(c, 1);
}

static void pass(struct context *c, bool is_uncertain)
{
	struct rx_match *match = c->match;

	match->is_uncertain = match->is_uncertain || is_uncertain;
	if (match->step + 1u < c->instance->variant->n_steps) {
		wait_for(c, match->step + 1u);
		return;
	}
	c->out->is_met = true;
	c->out->onset_ms = match->begun_ms;
	c->out->is_uncertain = match->is_uncertain;
	drop(c);
}

static void set_running(struct context *c, bool is_running)
{
	struct rx_match *match = c->match;

	if (match->is_running == is_running)
		return;
	if (match->is_running)
		match->ran_ms += c->in->now_ms - match->from_ms;
	match->is_running = is_running;
	match->from_ms = c->in->now_ms;
	c->out->is_changed = true;
}

/* Nobody can say whether the event stayed away. */
static void stand_still(struct context *c)
{
	set_running(c, false);
	wy_ms end_ms = c->match->from_ms + c->instance->tolerate_ms;
	if (c->policy == RX_CLEAR || c->policy == RX_RESET)
		drop(c);
	else if (end_ms > c->in->now_ms)
		lower(c, end_ms);
	else if (c->policy == RX_RAISE)
		pass(c, true);
	else
		drop(c);
}

static void wait_absent(struct context *c, unsigned step)
{
	bool is_unknown = (c->in->unknown >> step & 1u) || c->in->until == RULE_UNKNOWN;

	if (happened(c, step) && c->in->now_ms > c->match->moved_ms) {
		drop(c);
		return;
	}
	if (is_unknown) {
		stand_still(c);
		return;
	}
	set_running(c, true);
	wy_ms end_ms = c->match->from_ms + (c->instance->step_ms[step] - c->match->ran_ms);
	if (end_ms > c->in->now_ms)
		lower(c, end_ms);
	else
		pass(c, false);
}

/* What happens at the very end of the limit is in time. */
static void wait_see(struct context *c, unsigned step)
{
	wy_ms limit_ms = c->instance->step_ms[step];

	if (happened(c, step) && c->in->now_ms > c->match->moved_ms &&
	    (!limit_ms || c->in->now_ms <= c->match->moved_ms + limit_ms))
		pass(c, c->in->uncertain >> step & 1u);
	else if (limit_ms && c->in->now_ms > c->match->moved_ms + limit_ms)
		drop(c);
	else if (limit_ms)
		lower(c, c->match->moved_ms + limit_ms + 1);
}

/* The step waited for, and then the next, whose time begins now. */
static void wait(struct context *c)
{
	unsigned before;

	do {
		before = c->match->step;
		if (c->instance->variant->steps[before].is_absent)
			wait_absent(c, before);
		else
			wait_see(c, before);
	} while (c->match->step > before);
}

void rx_match_step(struct rx_match *match, const struct rx_instance *instance, enum rx_on_unknown policy,
		   const struct rx_match_in *in, struct rx_match_out *out)
{
	struct context c = {match, instance, policy, in, out};
	wy_ms moved_ms;

	*out = (struct rx_match_out){.due_ms = WY_MS_NEVER};
	if (in->until == RULE_TRUE) {
		if (match->step)
			drop(&c);
		return;
	}
	moved_ms = match->step ? match->moved_ms : WY_MS_NONE;
	if (match->step)
		wait(&c);
	/* What took a match further, or to its end, does not begin another. */
	bool is_taken = out->is_met || (match->step && match->moved_ms != moved_ms) ||
			(match->step && match->moved_ms == in->now_ms);
	if (happened(&c, 0) && !is_taken && (!match->step || instance->variant->is_latest)) {
		begin(&c);
		wait(&c);
	}
}

bool rx_match_rest(struct rx_match *match, const struct rx_variant *variant, wy_ms now_ms)
{
	if (!match->step || !match->is_running || !variant->steps[match->step].is_absent)
		return false;
	match->ran_ms += now_ms - match->from_ms;
	match->from_ms = now_ms;
	match->is_running = false;
	return true;
}

bool rx_match_wake(struct rx_match *match, wy_ms now_ms)
{
	if (!match->step || match->is_running)
		return false;
	match->from_ms = now_ms;
	return true;
}

bool rx_match_is_sound(const struct rx_match *match, const struct rx_variant *variant)
{
	const unsigned char *at = (const unsigned char *)match;

	return match->step < variant->n_steps && at[offsetof(struct rx_match, is_running)] < 2 &&
	       at[offsetof(struct rx_match, is_uncertain)] < 2;
}
