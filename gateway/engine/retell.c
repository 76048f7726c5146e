/* retell.c: tickets whose last event had to make room in a full outbox. When there is room again the platform is told how
 * they stand now, a few in a turn, oldest first: the document as it was last written, under the revision that was lost.
 * Also says in the log when events begin to be lost and when that is over. */
#include "engine_internal.h"

#include "log.h"

enum {
	RETELL_AT_ONCE = 4,
	ROOM_PCT = 80, /* of the quota; above it there is no room for what can wait */
};

static bool fits(uint64_t bytes, uint64_t max_bytes)
{
	return bytes + (uint64_t)RETELL_AT_ONCE * WY_TICKET_BYTES_MAX < max_bytes / 100 * ROOM_PCT;
}

/* Room for all that one turn tells, and not at the very top: what is told must not go at once. Rows that are done do not
 * count: they go when there is need. */
static bool has_room(const struct store_outbox_stats *stats)
{
	bool is_in_memory = stats->memory_max_bytes > 0;

	return fits(stats->queued_bytes, stats->max_bytes) &&
	       (!is_in_memory || fits(stats->memory_bytes, stats->memory_max_bytes));
}

static enum ticket_event event_of(const struct ticket *ticket, bool is_new)
{
	if (ticket->is_open)
		return is_new ? TICKET_OPENED : TICKET_UPDATED;
	return ticket->condition == TICKET_CLEARED ? TICKET_CLEARED_EVENT : TICKET_CLOSED_EVENT;
}

static enum wy_err tell(struct engine *engine, const struct store_untold *untold)
{
	struct ticket ticket;
	enum wy_err err = store_find_ticket(engine->parts.store, untold->key, &ticket);

	return err ? err : ticketing_retell(engine, &ticket, event_of(&ticket, untold->is_new));
}

enum wy_err retell_some(struct engine *engine)
{
	struct store_untold untold[RETELL_AT_ONCE];
	struct store_outbox_stats stats;
	size_t n = 0;

	if (!store_has_untold(engine->parts.store) || engine->now.mono_ms < engine->retell_ms)
		return WY_OK;
	enum wy_err err = store_outbox_stats(engine->parts.store, &stats);
	if (!err && !has_room(&stats)) {
		engine->retell_ms = engine->now.mono_ms + ENGINE_RETELL_MS;
		return WY_OK;
	}
	if (!err)
		err = store_untold(engine->parts.store, untold, RETELL_AT_ONCE, &n);
	for (size_t i = 0; !err && i < n; i++)
		err = tell(engine, &untold[i]);
	if (err != WY_E_STATE)
		return err;
	engine->retell_ms = engine->now.mono_ms + ENGINE_RETELL_MS; /* no document is left of it; the next event makes one */
	return WY_OK;
}

wy_ms retell_due(const struct engine *engine)
{
	if (!store_has_untold(engine->parts.store))
		return WY_MS_NEVER;
	wy_ms next_ms = engine->now.mono_ms + 1;
	return engine->retell_ms > next_ms ? engine->retell_ms : next_ms;
}

void retell_begin(struct engine *engine)
{
	struct store_outbox_stats stats;

	if (store_outbox_stats(engine->parts.store, &stats) == WY_OK)
		engine->lost_seen = stats.lost;
}

void retell_look(struct engine *engine)
{
	struct store_outbox_stats stats;

	if (store_outbox_stats(engine->parts.store, &stats))
		return;
	if (stats.lost > engine->lost_seen && !engine->is_losing) {
		engine->is_losing = true;
		bool is_in_memory = stats.memory_max_bytes > 0;
		log_line(LOG_ERROR, "outbox_full", "of=%s bytes=%llu max=%llu queued=%llu next=\"updates of S4, S3 and S2 are "
			 "thinned out, then episodes that are over; a gap record tells the platform; S1 is kept\"",
			 is_in_memory ? "memory" : "quota",
			 (unsigned long long)(is_in_memory ? stats.memory_bytes : stats.bytes),
			 (unsigned long long)(is_in_memory ? stats.memory_max_bytes : stats.max_bytes),
			 (unsigned long long)stats.queued);
	} else if (engine->is_losing && has_room(&stats)) {
		engine->is_losing = false;
		log_line(LOG_INFO, "outbox_room", "lost=%llu bytes=%llu", (unsigned long long)stats.lost,
			 (unsigned long long)stats.bytes);
	}
	engine->lost_seen = stats.lost;
}
