/* keeping.c: one transaction for all that turns decided: tickets, events, the memory of the rules and the
 * time. Begun by the first write, ended by engine_flush(); a failure makes the engine broken. */
#include "engine_internal.h"

#include <string.h>

#include "log.h"

enum wy_err engine_write(struct engine *engine)
{
	if (engine->has_written)
		return WY_OK;
	enum wy_err err = store_begin(engine->parts.store);
	if (!err)
		engine->has_written = true;
	return err;
}

void engine_break(struct engine *engine, const char *doing, enum wy_err err)
{
	if (engine->is_broken)
		return;
	engine->is_broken = true;
	store_abort(engine->parts.store);
	engine->has_written = false;
	log_line(LOG_ERROR, "store_failed", "doing=\"%s\" why=\"%s\" next=\"the process ends; what was "
		 "not kept is decided again from the store\"", doing, wy_err_text(err));
}

enum wy_err engine_keep_cells(struct engine *engine, bool all)
{
	struct rule_cell cell;
	size_t at = 0;

	while (rule_next_dirty(engine->rules, all, &at, &cell)) {
		enum wy_err err = engine_write(engine);
		if (!err)
			err = store_put_cell(engine->parts.store, cell.key, cell.bytes, cell.len);
		if (err)
			return err;
	}
	rule_saved(engine->rules);
	return WY_OK;
}

/* After a crash all since the last commit counts as unknown. While a ticket stands, the store gets the
 * time now and then, so that a crash does not make it look unwatched for days. */
wy_ms engine_note_due(const struct engine *engine)
{
	return engine->n_open ? engine->noted_ms + ENGINE_NOTE_MS : WY_MS_NEVER;
}

static enum wy_err keep_clock(struct engine *engine)
{
	struct store_clock clock = {
		.mono_ms = engine->now.mono_ms,
		.wall_ms = engine->now.wall_ms,
		.boottime_ms = engine->now.mono_ms - engine->parts.clock->offset_ms,
		.sure_wall_ms = engine->now.clock == WY_CLOCK_SYNCED ? engine->now.wall_ms : 0,
	};

	strncpy(clock.boot, engine->parts.boot, sizeof(clock.boot) - 1);
	return store_put_clock(engine->parts.store, &clock);
}

/* Tickets long over, once an hour at most, along with what is written anyway; never by a clock that is
 * not sure of the year. */
static enum wy_err drop_old(struct engine *engine)
{
	struct ticket_stamp before = {engine->now.wall_ms - ENGINE_KEEP_TICKETS_MS,
				      engine->now.mono_ms - ENGINE_KEEP_TICKETS_MS};
	size_t n;

	if (engine->now.clock != WY_CLOCK_SYNCED || engine->now.mono_ms - engine->tidied_ms < ENGINE_TIDY_MS)
		return WY_OK;
	engine->tidied_ms = engine->now.mono_ms;
	enum wy_err err = store_prune_tickets(engine->parts.store, before, &n);
	return err ? err : store_prune_notes(engine->parts.store, before.wall_ms);
}

enum wy_err engine_flush(struct engine *engine, bool *ret_events)
{
	*ret_events = false;
	if (engine->is_broken)
		return WY_E_STATE;
	if (!engine->has_written)
		return WY_OK;
	enum wy_err err = keep_clock(engine);
	if (!err)
		err = drop_old(engine);
	if (!err)
		err = store_commit(engine->parts.store);
	if (err) {
		engine_break(engine, "committing a turn", err);
		return err;
	}
	engine->has_written = false;
	engine->noted_ms = engine->now.mono_ms;
	engine->counts.commits++;
	if (engine->has_events || engine->is_losing)
		retell_look(engine);
	*ret_events = engine->has_events;
	engine->has_events = false;
	return WY_OK;
}

enum wy_err engine_save(struct engine *engine)
{
	bool has_events;

	if (engine->is_broken)
		return WY_E_STATE;
	engine->now = clock_now(engine->parts.clock);
	enum wy_err err = engine_write(engine);
	if (!err)
		err = engine_keep_cells(engine, true);
	if (err) {
		engine_break(engine, "saving the memory of the rules", err);
		return err;
	}
	return engine_flush(engine, &has_events);
}

bool engine_is_broken(const struct engine *engine)
{
	return engine->is_broken;
}
