/* mend.c: tickets that opened while nobody could tell the time get their times right once somebody can.
 *
 * What a ticket is due for, people read on the wall. A gateway that opened it in 1970, or with a clock nobody had set,
 * wrote wrong deadlines. It knows on the steady clock when that was: as soon as the wall clock is believed more than it
 * was then, stamps and deadlines are counted back from it, and the platform is told (reason "clock"). A ticket that
 * opened by a clock that was right keeps its times, whatever the clock does later. */
#include "engine_internal.h"

#include <stdlib.h>
#include <string.h>

#include "log.h"

enum { LISTED_MAX = 256 /* more are mended in the next turn */ };

struct listed {
	char keys[LISTED_MAX][TICKET_KEY_SIZE];
	size_t n;
	struct wy_now now;
	wy_ms least_wall_ms;
};

static wy_ms least_of(const struct engine *engine)
{
	return engine->parts.clock->least_wall_ms;
}

void mend_quietly(struct engine *engine, struct ticket *ticket)
{
	bool is_surer;

	(void)ticket_mend(ticket, engine->now, least_of(engine), &is_surer);
}

void mend_expect(struct engine *engine, const struct ticket *ticket)
{
	engine->has_doubtful |= ticket->clock != WY_CLOCK_SYNCED;
}

static bool list_one(void *arg, const struct ticket *ticket, const char *body, size_t len)
{
	struct listed *listed = arg;
	struct ticket mended = *ticket;
	bool is_surer;
	(void)body;
	(void)len;

	(void)ticket_mend(&mended, listed->now, listed->least_wall_ms, &is_surer);
	if (is_surer && listed->n < LISTED_MAX)
		memcpy(listed->keys[listed->n++], ticket->key, TICKET_KEY_SIZE);
	return listed->n < LISTED_MAX;
}

static enum wy_err mend_one(struct engine *engine, const char *key)
{
	struct ticket ticket;
	bool is_surer;
	enum wy_err err = store_find_ticket(engine->parts.store, key, &ticket);

	if (err)
		return err;
	uint32_t at = engine_find_case(engine, &ticket);
	wy_ms by_ms = ticket_mend(&ticket, engine->now, least_of(engine), &is_surer);
	if (at == CASE_NONE)
		return WY_OK; /* nothing watches it: the next start ends it */
	struct engine_case *c = &engine->cases[at];
	if (llabs(by_ms) < ENGINE_MEND_MS)
		return ticketing_keep(engine, c, &ticket);
	log_line(LOG_INFO, "ticket_mended", "ticket=%s by_ms=%lld why=\"it opened while the clock was in doubt\"", key,
		 (long long)by_ms);
	return ticketing_news(engine, c, &ticket, "clock");
}

enum wy_err mend_all(struct engine *engine)
{
	unsigned belief = ticket_belief(engine->now.clock, engine->now.wall_ms, least_of(engine));
	bool is_surer = belief > engine->belief;
	struct listed *listed = &engine->listed[0];
	enum wy_err err;

	engine->belief = belief;
	if (!engine->has_doubtful || !(is_surer || engine->is_mending))
		return WY_OK;
	*listed = (struct listed){.now = engine->now, .least_wall_ms = least_of(engine)};
	err = store_each_open(engine->parts.store, list_one, listed);
	for (size_t i = 0; !err && i < listed->n; i++)
		err = mend_one(engine, listed->keys[i]);
	engine->is_mending = listed->n == LISTED_MAX;
	engine->has_doubtful = engine->is_mending || belief < 2;
	return err;
}

enum wy_err mend_new(struct engine *engine)
{
	engine->listed = wy_arena_alloc(engine->parts.arena, sizeof(*engine->listed));
	return engine->listed ? WY_OK : WY_E_NOMEM;
}
