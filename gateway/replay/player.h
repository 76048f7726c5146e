/* player.h: rules on a clock that is only a number: a rule engine fed from a file instead of a building.
 *
 * The same engine as the gateway's, with the same calls in the same order, so what it tells is what the gateway
 * would have told. Nothing here waits, reads a clock or depends on how fast it is fed.
 *
 * Life     player_open() on a compiled set; player_start() at an instant; then turns. player_start() again is a
 *          gateway that starts anew, with nothing remembered.
 * Memory   one block for the engine, taken at player_open(); nothing afterwards. */
#ifndef PLAYER_H
#define PLAYER_H

#include "rule.h"

/* One event of the rules; `engine` is in the state right after the turn that gave it. */
typedef void player_event(void *arg, const struct rule_event *event, wy_ms wall_offset_ms);
/* After every turn. */
typedef void player_turn(void *arg, wy_ms now_ms);

struct player {
	const struct rule_world *world; /* borrowed */
	const struct rule_set *set;     /* borrowed: compiled against world */
	struct rule_engine *engine;     /* NULL before player_start() */
	player_event *on_event;         /* may be NULL */
	player_turn *on_turn;           /* may be NULL */
	void *arg;
	struct wy_now now;
	wy_ms look_ms;  /* mono: a turn without input at this instant, for on_turn; WY_MS_NEVER: none */
	wy_ms first_ms; /* mono: of the first start; valid with is_started */
	bool is_started;
	uint64_t turns, samples;
	void *memory; /* owned */
	size_t size;
};

/* WY_E_NOMEM. */
WY_MUST_CHECK enum wy_err player_open(struct player *player, const struct rule_world *world,
				      const struct rule_set *set);
void player_close(struct player *player);

/* A new engine at this instant. WY_E_NOMEM: the set needs more than WY_LOAD_ARENA_BYTES. */
WY_MUST_CHECK enum wy_err player_start(struct player *player, struct wy_now now);
/* A turn: begin, then rule_put() and its like on player->engine, then end. */
void player_begin(struct player *player, struct wy_now now);
void player_put(struct player *player, uint32_t asset, const struct wy_sample *sample);
void player_end(struct player *player);

#endif
