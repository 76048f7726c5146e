/* news.c: what happens beside the condition of a ticket: it chatters, depends on another, gained a member, was shelved.
 *
 * What a turn brings is told once, at its end, and only if no event of the ticket has told it by then. What people wait
 * for is told at once; the rest when the ticket was quiet for ENGINE_NEWS_MS, so that a fault which draws others after it
 * does not flood the platform. Until then it stands in the ticket's row: a restart loses none. */
#include "engine_internal.h"

#include <stdio.h>
#include <string.h>

#define BIT(kind) (1u << (kind))

/* Worth interrupting somebody. */
static const uint32_t urgent = BIT(RULE_ESCALATED) | BIT(RULE_CHATTERING) | BIT(RULE_SHELVED) | BIT(RULE_SHELF_ENDING) |
			       BIT(RULE_UNSHELVED) | BIT(NEWS_ORDER);

/* The first of these that is among the news names them. */
static const uint8_t order_of_weight[] = {
	RULE_ESCALATED, RULE_CHATTERING, RULE_SHELVED, RULE_UNSHELVED, RULE_SHELF_ENDING, RULE_OUT_OF_SERVICE,
	RULE_IN_SERVICE, RULE_GROUPED, RULE_MEMBERS, RULE_DEPENDS, RULE_FREE, RULE_STEADY,
};

static const char *name_of(uint32_t news)
{
	for (size_t i = 0; i < sizeof(order_of_weight); i++)
		if (news & BIT(order_of_weight[i]))
			return rule_event_text(order_of_weight[i]);
	return "order";
}

void news_add(struct engine *engine, uint32_t at, unsigned kind)
{
	struct engine_case *c = &engine->cases[at];

	if (!c->is_open)
		return;
	c->news |= BIT(kind);
	if (c->is_listed)
		return;
	c->is_listed = true;
	engine->news[engine->n_news++] = at;
}

/* Whom a ladder told is known for as long as the ticket. */
static enum wy_err note_step(struct engine *engine, const struct engine_case *c, const struct rule_event *event)
{
	const struct rule_set *rules = engine->parts.rules;
	const char *rule = rule_info_at(rules, rule_instance_at(rules, event->instance)->rule)->id;
	struct store_note note = {.wall_ms = event->at_ms + engine->now.wall_ms - engine->now.mono_ms,
				  .step = event->step};
	struct ticket ticket;
	enum wy_err err = engine_open_ticket(engine, c, &ticket);

	if (err)
		return err == WY_E_NOTFOUND ? WY_OK : err;
	snprintf(note.what, sizeof(note.what), "%s", rule_event_text(event->kind));
	snprintf(note.ticket_key, sizeof(note.ticket_key), "%s", ticket.key);
	snprintf(note.rule, sizeof(note.rule), "%s", rule);
	snprintf(note.asset, sizeof(note.asset), "%s", ticket.asset);
	snprintf(note.who, sizeof(note.who), "%s", event->to ? event->to : "");
	err = engine_write(engine);
	return err ? err : store_put_note(engine->parts.store, &note);
}

enum wy_err news_hear(struct engine *engine, const struct rule_event *event)
{
	uint32_t at = engine->case_of[event->instance];

	if (at == CASE_NONE)
		return WY_OK;
	news_add(engine, at, event->kind);
	/* The group names the tickets of its members. */
	if (event->kind == RULE_GROUPED && engine->case_of[event->other] != CASE_NONE)
		news_add(engine, engine->case_of[event->other], RULE_MEMBERS);
	return event->kind == RULE_ESCALATED ? note_step(engine, &engine->cases[at], event) : WY_OK;
}

static void expect(struct engine *engine, struct engine_case *c, wy_ms due_ms)
{
	c->due_ms = due_ms;
	if (due_ms < engine->news_due_ms)
		engine->news_due_ms = due_ms;
}

static enum wy_err tell(struct engine *engine, struct engine_case *c)
{
	bool is_due = engine->now.mono_ms >= c->due_ms;
	uint32_t news = c->news;
	struct ticket ticket;

	c->news = 0;
	if (!news && !is_due)
		return WY_OK; /* told with an event of this turn */
	enum wy_err err = engine_open_ticket(engine, c, &ticket);
	if (err)
		return err == WY_E_NOTFOUND ? WY_OK : err;
	wy_ms quiet_ms = ticket.changed.mono_ms + ENGINE_NEWS_MS;
	news |= ticket.news;
	if (!news) {
		c->due_ms = WY_MS_NEVER;
		return WY_OK;
	}
	if ((news & urgent) || is_due || (!ticket.news && quiet_ms <= engine->now.mono_ms))
		return ticketing_news(engine, c, &ticket, name_of(news));
	if (news == ticket.news)
		return WY_OK;
	ticket.news_due_ms = ticket.news ? ticket.news_due_ms : quiet_ms;
	ticket.news = news;
	expect(engine, c, ticket.news_due_ms);
	return ticketing_keep(engine, c, &ticket);
}

static void list_due(struct engine *engine)
{
	if (engine->now.mono_ms < engine->news_due_ms)
		return;
	engine->news_due_ms = WY_MS_NEVER;
	for (uint32_t i = 0; i < engine->n_cases; i++) {
		struct engine_case *c = &engine->cases[i];
		if (c->due_ms > engine->now.mono_ms) {
			expect(engine, c, c->due_ms);
		} else if (!c->is_listed) {
			c->is_listed = true;
			engine->news[engine->n_news++] = i;
		}
	}
}

enum wy_err news_tell(struct engine *engine)
{
	enum wy_err err = WY_OK;

	list_due(engine);
	for (size_t i = 0; i < engine->n_news; i++) {
		struct engine_case *c = &engine->cases[engine->news[i]];
		c->is_listed = false;
		if (!err)
			err = tell(engine, c);
	}
	engine->n_news = 0;
	return err;
}

void news_restore(struct engine *engine, struct engine_case *c, const struct ticket *ticket)
{
	if (ticket->news)
		expect(engine, c, ticket->news_due_ms);
}
