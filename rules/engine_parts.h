/* engine_parts.h: what the parts of the engine share. Private to engine.c, turn.c, asset.c and instance.c. */
#ifndef RX_ENGINE_PARTS_H
#define RX_ENGINE_PARTS_H

#include "happen.h"
#include "service.h"

/* ---- asset.c: what is known of an asset, and what its memories make of it ------------------- */

static inline const struct rx_class *rx_class_of(const struct rule_engine *engine, uint32_t asset)
{
	return &engine->set->classes[engine->set->world->assets[asset].class_index];
}

/* All memories of the asset see the present; its instances are marked. */
void rx_update_asset(struct rule_engine *engine, uint32_t asset);
/* Whether it is out of service, before anybody asks that of another asset. */
void rx_update_service(struct rule_engine *engine, uint32_t asset);
/* Is a planned window open for the asset, of those that put it out of service or of all? A clock nobody vouches for
 * opens none: a ticket too many does less harm. */
bool rx_is_planned(const struct rule_engine *engine, bool is_out, struct rx_eval *ev);
/* That memory must be saved. */
void rx_mark_memory(struct rule_engine *engine, uint32_t asset, size_t memory);

/* ---- instance.c: one rule on one asset ------------------------------------------------------ */

/* The machine moves; nothing is told yet. */
void rx_evaluate(struct rule_engine *engine, uint32_t instance);
/* Do its conditions leave an instance asleep? */
bool rx_stays_asleep(struct rx_eval *ev, const struct rx_variant *variant);
/* What there is to tell of it; the turn has room for it. */
void rx_speak(struct rule_engine *engine, uint32_t instance);
bool rx_has_room(const struct rule_engine *engine);

/* For a command to an instance: it with all that belongs to it, its conditions now, and what follows. */
void rx_subject_of(struct rule_engine *engine, uint32_t instance, struct rx_subject *subject);
struct rx_machine_in rx_look(const struct rule_engine *engine, uint32_t instance, struct rx_eval *ev,
			     const struct rx_seen *seen);
void rx_note_move(struct rule_engine *engine, uint32_t instance);
void rx_note_told(struct rule_engine *engine, uint32_t instance, const struct rx_teller_out *out);
/* A group or problem: made of others. */
bool rx_is_made(const struct rule_engine *engine, uint32_t instance);
/* The problem is over: the count of its rule begins anew. */
void rx_rearm(struct rule_engine *engine, uint32_t problem);

/* ---- turn.c: instants and timers ------------------------------------------------------------ */

/* Everything marked, at the engine's instant: all machines first, then what is told of them. */
void rx_settle(struct rule_engine *engine);
/* Timers due before until_ms, each at its own instant, as long as their events fit. */
void rx_run_timers(struct rule_engine *engine, wy_ms until_ms);
/* Bring the clock to the instant of an input. */
void rx_advance_to(struct rule_engine *engine, wy_ms at_ms);

#endif
