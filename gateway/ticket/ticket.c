/* ticket.c: the moves of states.def applied to a record, and what goes with a move: tier,
 * deadlines, stamps. */
#include "ticket.h"

#include <string.h>

enum state { NEW, ACTIVE, UNKNOWN, LATCHED, OVER, STATES };

/* The public inputs, and END: work that ended the ticket. */
enum { TICKET_END = TICKET_INPUT_COUNT, INPUTS };

struct move {
	bool is_allowed;
	uint8_t next;  /* enum state */
	uint8_t event; /* enum ticket_event */
};

static const struct move moves[STATES][INPUTS] = {
#define MOVE(state, input, next, event) [state][TICKET_##input] = {true, next, TICKET_##event},
#include "states.def"
#undef MOVE
};

struct node_row {
	const char *text, *work;
	bool is_final;
};

static const struct node_row nodes[TICKET_NODE_COUNT] = {
#define TICKET_NODE(name, text, work, is_final) {text, work, is_final},
#include "nodes.def"
#undef TICKET_NODE
};

static enum state state_of(const struct ticket *ticket)
{
	static const uint8_t of_condition[] = {
		[TICKET_ACTIVE] = ACTIVE,
		[TICKET_CLEARED] = OVER,
		[TICKET_LATCHED] = LATCHED,
		[TICKET_UNKNOWN] = UNKNOWN,
	};

	if (!ticket->is_begun)
		return NEW;
	if (!ticket->is_open)
		return OVER;
	return (enum state)of_condition[ticket->condition];
}

/* 0 says that there is none: the first instant of 1970, to which a machine without a clock wakes up, is told apart. */
static wy_ms instant(wy_ms wall_ms)
{
	return wall_ms ? wall_ms : 1;
}

static struct ticket_stamp stamp_at(struct wy_now now, wy_ms mono_ms)
{
	struct ticket_stamp stamp = {instant(now.wall_ms - (now.mono_ms - mono_ms)), mono_ms};

	return stamp;
}

static wy_ms deadline_of(wy_ms from_ms, wy_ms term_ms)
{
	return term_ms == TICKET_PLANNED ? 0 : instant(from_ms + term_ms);
}

static wy_ms sooner(wy_ms a, wy_ms b)
{
	if (a == 0)
		return b;
	if (b == 0)
		return a;
	return a < b ? a : b;
}

static struct ticket_deadlines deadlines_from(const struct ticket_terms *terms, wy_ms from_ms)
{
	struct ticket_deadlines deadline = {0, 0, 0, 0, 0};

	if (!terms)
		return deadline;
	deadline.ack = deadline_of(from_ms, terms->ack_ms);
	deadline.arrive = deadline_of(from_ms, terms->arrive_ms);
	deadline.start = deadline_of(from_ms, terms->start_ms);
	deadline.resolve = deadline_of(from_ms, terms->resolve_ms);
	deadline.regulatory = deadline_of(from_ms, terms->regulatory_ms);
	return deadline;
}

/* A higher tier counts from when it was reached and never gives more time than there was. The
 * regulator's term runs from opening and knows no tiers. */
static void tighten(struct ticket_deadlines *deadline, const struct ticket_deadlines *by)
{
	deadline->ack = sooner(deadline->ack, by->ack);
	deadline->arrive = sooner(deadline->arrive, by->arrive);
	deadline->start = sooner(deadline->start, by->start);
	deadline->resolve = sooner(deadline->resolve, by->resolve);
}

unsigned ticket_belief(enum wy_clock_state clock, wy_ms wall_ms, wy_ms least_wall_ms)
{
	if (wall_ms < least_wall_ms)
		return 0;
	return clock == WY_CLOCK_SYNCED ? 2 : 1;
}

static void move(wy_ms *wall_ms, wy_ms by_ms)
{
	if (*wall_ms)
		*wall_ms = instant(*wall_ms + by_ms);
}

wy_ms ticket_mend(struct ticket *ticket, struct wy_now now, wy_ms least_wall_ms, bool *ret_is_surer)
{
	struct ticket_deadlines *due = &ticket->deadline;
	wy_ms *const walls[] = {&ticket->onset.wall_ms, &ticket->opened.wall_ms, &ticket->cleared.wall_ms, &due->ack,
				&due->arrive, &due->start, &due->resolve, &due->regulatory};
	wy_ms by_ms = (now.wall_ms - now.mono_ms) - (ticket->opened.wall_ms - ticket->opened.mono_ms);
	unsigned then = ticket_belief((enum wy_clock_state)ticket->clock, ticket->opened.wall_ms, least_wall_ms);
	unsigned today = ticket_belief(now.clock, now.wall_ms, least_wall_ms);

	*ret_is_surer = false;
	if (!ticket->is_begun || ticket->clock == WY_CLOCK_SYNCED || today < then)
		return 0;
	*ret_is_surer = today > then;
	ticket->clock = (uint8_t)now.clock;
	for (size_t i = 0; by_ms && i < sizeof(walls) / sizeof(*walls); i++)
		move(walls[i], by_ms);
	return by_ms;
}

static void open_record(struct ticket *ticket, const struct ticket_input *input)
{
	ticket->is_begun = true;
	ticket->is_open = true;
	ticket->tier = input->tier;
	ticket->tier_now = input->tier;
	ticket->level = input->level;
	ticket->is_uncertain = input->is_uncertain;
	ticket->clock = (uint8_t)input->now.clock;
	ticket->onset = stamp_at(input->now, input->onset_ms);
	ticket->opened = stamp_at(input->now, input->at_ms);
	ticket->deadline = deadlines_from(input->terms, ticket->opened.wall_ms);
}

/* The rule's present tier and whether that is a rise; only a rise is news. */
static void take_tier(struct ticket *ticket, const struct ticket_input *input,
		      struct ticket_output *output)
{
	bool is_joining = input->kind == TICKET_RAISE && input->tier >= ticket->tier_now;

	if (is_joining) /* the more severe of the rules that stand decides */
		return;
	if (input->tier != ticket->tier_now || input->level != ticket->level ||
	    input->is_uncertain != ticket->is_uncertain)
		output->is_changed = true;
	ticket->tier_now = input->tier;
	ticket->level = input->level;
	ticket->is_uncertain = input->is_uncertain;
	if (input->tier < ticket->tier) {
		/* By the clock of the opening: the two are compared. */
		wy_ms from_ms = ticket->opened.wall_ms + (input->at_ms - ticket->opened.mono_ms);
		struct ticket_deadlines by = deadlines_from(input->terms, from_ms);

		ticket->tier = input->tier;
		tighten(&ticket->deadline, &by);
		output->is_tier_up = true;
		if (output->event == TICKET_QUIET)
			output->event = TICKET_UPDATED;
	}
}

static void take_work(struct ticket *ticket, const struct ticket_input *input,
		      struct ticket_output *output)
{
	bool was_disputed = ticket_is_disputed(ticket);

	ticket->work_rev = input->work_rev;
	ticket->node = (uint8_t)input->node;
	output->is_changed = true;
	if (output->event == TICKET_QUIET && !was_disputed && ticket_is_disputed(ticket))
		output->event = TICKET_UPDATED;
}

static void enter(struct ticket *ticket, enum state next, const struct ticket_input *input,
		  struct ticket_output *output)
{
	static const uint8_t condition_of[] = {
		[ACTIVE] = TICKET_ACTIVE, [UNKNOWN] = TICKET_UNKNOWN, [LATCHED] = TICKET_LATCHED};

	if (next == OVER) {
		if (output->event == TICKET_CLEARED_EVENT)
			ticket->condition =
				TICKET_CLEARED; /* closed: what the sensor said last stays */
		ticket->is_open = false;
		ticket->cleared = stamp_at(input->now, input->at_ms);
	} else {
		ticket->condition = condition_of[next];
	}
	output->is_changed = true;
}

enum wy_err ticket_step(struct ticket *ticket, const struct ticket_input *input,
			struct ticket_output *ret_output)
{
	struct ticket_output output = {TICKET_QUIET, false, false};
	enum state state = state_of(ticket);
	bool is_work = input->kind == TICKET_WORK;
	unsigned kind =
		is_work && ticket_node_is_final((uint8_t)input->node) ? TICKET_END : input->kind;
	struct move move = moves[state][kind];

	if (!move.is_allowed || (is_work && input->work_rev <= ticket->work_rev))
		return WY_E_STATE;
	output.event = (enum ticket_event)move.event;
	if (state == NEW)
		open_record(ticket, input);
	if (move.next != state)
		enter(ticket, (enum state)move.next, input, &output);
	if (is_work)
		take_work(ticket, input, &output);
	if (state != OVER && (input->kind == TICKET_RAISE || input->kind == TICKET_TIER))
		take_tier(ticket, input, &output);
	if (output.event != TICKET_QUIET) {
		ticket->rev++;
		ticket->news = 0; /* a document tells all there is */
		ticket->news_due_ms = 0;
		output.is_changed = true;
	}
	if (output.is_changed)
		ticket->changed = stamp_at(input->now, input->now.mono_ms);
	*ret_output = output;
	return WY_OK;
}

bool ticket_observe(struct ticket *ticket, double value, double limit)
{
	double beyond = value > limit ? value - limit : limit - value;
	double kept = ticket->peak > ticket->peak_limit ? ticket->peak - ticket->peak_limit
							: ticket->peak_limit - ticket->peak;

	if (!(beyond >= 0)) /* not a number: no value */
		return false;
	if (!ticket->is_open || ticket->condition != TICKET_ACTIVE)
		return false;
	if (ticket->has_peak && beyond <= kept)
		return false;
	ticket->has_peak = true;
	ticket->peak = value;
	ticket->peak_limit = limit;
	return true;
}

bool ticket_is_disputed(const struct ticket *ticket)
{
	bool is_done =
		ticket->node == TICKET_NODE_RESOLVED || ticket->node == TICKET_NODE_VERIFYING;

	return ticket->is_open && ticket->condition == TICKET_ACTIVE && is_done;
}

const char *ticket_condition_text(uint8_t condition)
{
	static const char *const texts[] = {"active", "cleared", "latched", "unknown"};

	return condition < sizeof(texts) / sizeof(texts[0]) ? texts[condition] : "unknown";
}

const char *ticket_event_text(enum ticket_event event)
{
	static const char *const texts[TICKET_EVENT_COUNT] = {
		[TICKET_QUIET] = "",
		[TICKET_OPENED] = "opened",
		[TICKET_UPDATED] = "updated",
		[TICKET_CLEARED_EVENT] = "cleared",
		[TICKET_REOPENED] = "reopened",
		[TICKET_CLOSED_EVENT] = "closed",
	};

	return event < TICKET_EVENT_COUNT ? texts[event] : "";
}

const char *ticket_node_text(uint8_t node)
{
	return node < TICKET_NODE_COUNT ? nodes[node].text : "";
}

bool ticket_node_find(const char *text, enum ticket_node *ret_node)
{
	for (unsigned i = 0; i < TICKET_NODE_COUNT; i++) {
		if (strcmp(nodes[i].text, text) == 0 || strcmp(nodes[i].work, text) == 0) {
			*ret_node = (enum ticket_node)i;
			return true;
		}
	}
	return false;
}

bool ticket_node_is_final(uint8_t node)
{
	return node < TICKET_NODE_COUNT && nodes[node].is_final;
}
