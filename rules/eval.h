/* eval.h: walk a checked tree at one instant of one asset.
 *
 * Pure towards the engine: reads slots and memories, writes nothing but the struct below. The walk
 * stops early where the answer is settled; timers of the rest are then not needed. */
#ifndef RX_EVAL_H
#define RX_EVAL_H

#include "value.h"

struct rx_class;
struct rule_engine;
struct rule_set;

struct rx_eval {
	const struct rule_set *set;
	const struct rx_class *cls;
	const struct rule_engine *engine; /* NULL: static, all that declarations allow */
	uint32_t asset;                   /* NULL engine: not used */
	wy_ms now_ms;                     /* mono */
	wy_ms wall_ms;
	bool is_wall_doubtful;
	bool is_out;    /* out of service: no point has a value */
	bool is_raw;    /* it does not mind, of other assets neither */
	bool is_elsewhere; /* events of now belong to another key */
	uint32_t slot;     /* of a keyed rule */
	bool is_frozen; /* update of a baseline: a rule that uses it stands; do not learn from now */
	wy_ms next_ms; /* out: earliest instant the answer may change by time alone; only lowered */
};

/* By time alone the answer may change at this instant. */
static inline void rx_look_at(struct rx_eval *ev, wy_ms at_ms)
{
	ev->next_ms = at_ms < ev->next_ms ? at_ms : ev->next_ms;
}

struct rx_value rx_eval(struct rx_eval *ev, const struct rx_expr *e);
/* The asset a point is read of: the own one, or a related one. WY_NO_ASSET: there is none. */
uint32_t rx_asset_read(const struct rx_eval *ev, const struct rx_expr *point);
/* Present value of a point, and of a constant length of time. */
struct rx_value rx_eval_point(struct rx_eval *ev, const struct rx_expr *point);
wy_ms rx_eval_span(struct rx_eval *ev, const struct rx_expr *span);
/* A constant number: a literal, or a parameter of the asset, in its own unit. */
double rx_eval_constant(struct rx_eval *ev, const struct rx_expr *e);

#endif
