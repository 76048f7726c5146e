/* case_play.h: a building of one class, a rule file, readings over time, and the events as text.
 *
 * A case file:
 *   case: what it shows
 *   class: {a: {type: bool, poll: 1s, stale: 10s}}   points of the class "thing"
 *   classes: {bank: {load: {...}}} more classes
 *   relations: {bank: bank}        of "thing": name and class
 *   assets: {A1: {bank: A}}        labels; default: one asset A1 without; also class: bank, relations: {bank: B1}
 *   devices: 2                     per asset; default 1
 *   wall: "1774738800"             Unix seconds at 0s; default 0
 *   zone: berlin                   default UTC
 *   holidays: [100]                days since 1970
 *   faults: [T-01]
 *   overrides: [{package: t, name: n, value: 5s, asset: A1}]
 *   file: {weiyu: rules/1, ...}    the rule file
 *   play: |                        one line each
 *     0s a=true p=2.5 A2.a=false   samples of one turn; bad, stale words: a=bad; doubtful: a=true~
 *     1s..9s every 1s a=true       the same again and again
 *     1s..9s every 1s p=20->16     the same along a straight line
 *     10s heard                    devices of A1 answer; heard 1: its second device; heard A2
 *     10s hold 30s                 A1 repeats itself until then; hold alone: until further notice
 *     10s mark overhaul            an operator's mark; A2.overhaul
 *     11s ack t.r                  ack, reset, close, learn or accept; "refused" is shown
 *     12s show t.r                 state and English summary
 *     20s crash 35s                killed at 20s, back at 35s with what was durable
 *     20s stop 35s                 the same after an orderly stop
 *     60s                          a turn without inputs
 *   expect: |
 *     15s raised t.r S1 onset 10s  with A2 after the rule if it is not A1
 */
#ifndef CASE_PLAY_H
#define CASE_PLAY_H

#include "rule.h"

enum case_mode {
	CASE_PUNCTUAL, /* a turn at every due time, as the gateway does */
	CASE_LATE,     /* turns only where the case has one: timers fire late, at their own instants */
	CASE_RESTART,  /* punctual, and saved, restored and resumed after every turn */
};

struct case_world {
	struct wy_arena arena;
	struct wy_diags diags;
	struct rule_world world;
	const struct wy_node *root;
	struct rule_set *set;
	void *memory;
};

/* Reads and compiles; false: what was wrong is in world->diags. */
bool case_open(struct case_world *world, const char *path, const char *text);
void case_close(struct case_world *world);
/* Plays and writes one line per event. */
void case_play(struct case_world *world, enum case_mode mode, struct wy_buf *out);
const char *case_text(const struct case_world *world, const char *key);

#endif
