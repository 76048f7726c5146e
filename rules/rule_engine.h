/* rule_engine.h: the inside of a running engine. */
#ifndef RX_ENGINE_H
#define RX_ENGINE_H

#include "bits.h"
#include "group.h"
#include "heap.h"
#include "keyed.h"
#include "match.h"
#include "reads.h"
#include "rule_plan.h"
#include "teller.h"

struct rx_slot { /* the newest sample of a point */
	union {
		int64_t whole;
		double real;
	};
	wy_ms at_ms;     /* of the newest sample, usable or not */
	wy_ms usable_ms; /* of the newest usable one since start; WY_MS_NONE: none */
	uint8_t quality; /* as judged on arrival; staleness is added when read */
	uint8_t why;
};

struct rx_part { /* what one asset adds to a tally */
	double value;
	uint8_t truth; /* enum rule_truth; of a value: TRUE or UNKNOWN */
	bool is_uncertain;
};

struct rx_tally_sum { /* of one group of a tally */
	uint32_t n_true, n_unknown, n_uncertain;
};

/* When an asset was last looked at, and what for it must be looked at again. */
struct rx_look {
	uint64_t changed; /* since: points and more, see reads.h */
	wy_ms timer_ms;   /* of its memories and windows */
	wy_ms stale_ms;   /* no point turns stale before */
	bool is_ending;   /* some memory told of an instant that the next look ends */
	bool is_waiting;  /* some rule waits for a sample of each of its points */
	bool was_out;     /* of service */
};

struct rule_engine {
	const struct rule_set *set;
	struct wy_now now;   /* of the turn */
	wy_ms clock_ms;      /* evaluated up to here */
	wy_ms *start_ms;     /* per asset: where "never since start" counts from */
	wy_ms wall_offset_ms; /* wall - mono */
	struct rx_slot *slots;
	wy_ms *heard_ms; /* per device; WY_MS_NONE: not since start */
	wy_ms *held_ms;  /* per asset, see rule_hold(); WY_MS_NONE: it speaks for itself */
	unsigned char *state;
	struct rx_machine *machines; /* per instance */
	struct rx_teller *tellers;   /* likewise */
	struct rx_group *groups;     /* of the groups among them */
	bool *planned_out;           /* per asset: a planned window puts it out of service now */
	struct rx_match *matches;    /* of the patterns among them */
	struct rx_key *keys;         /* of the keyed among them */
	uint32_t *slot_of_now;       /* at the first of a keyed rule on an asset: who sees the events of now */
	wy_ms *rings;                /* at their ring_base: raises, then repeats */
	struct rx_heap heap;         /* assets first, then instances */
	struct rx_look *looks;       /* per asset */
	wy_ms *memory_due_ms;        /* per memory: look at it then; WY_MS_NONE: at the next look of its asset */
	struct rx_marks asset_dirty, instance_dirty;
	uint64_t *asleep;       /* instances with nothing under way: only a condition that turns true wakes them */
	uint64_t *news;         /* instances that have not looked at the events of this instant */
	struct rx_marks teller_dirty; /* instances that may have something to tell */
	struct rx_marks again;  /* instances to look at once more in this instant */
	uint64_t *cell_dirty; /* machines, tellers, then memories; what must be saved */
	uint64_t *frozen; /* memories that may not learn now; see freeze.c */
	size_t n_cells;
	struct rule_event *events;
	size_t n_events, max_events;
	struct rx_part *parts;     /* of the tallies */
	struct rx_tally_sum *sums;       /* per group of others */
	double *part_values;
	wy_ms *others_ms;          /* per asset: when what it adds to tallies may change by time alone */
	bool is_behind; /* what is to be told of clock_ms waits for the next turn */
	bool is_restored; /* cells were put back since rule_resume() */
	uint32_t *device_first, *device_assets; /* assets of device d: device_assets[first[d]] .. [first[d + 1] - 1] */
	uint32_t *asset_places; /* by hash of the id: 1 + asset, 0: free */
	size_t n_places;
	char key[RX_KEY_SIZE];  /* of a cell that is handed out */
	unsigned char *scratch; /* a cell while it is handed out or checked */
	size_t scratch_bytes;
};

/* Number of the first memory's cell. */
static inline size_t rx_first_memory_cell(const struct rule_set *set)
{
	return 2 * set->n_instances;
}

struct rx_eval rx_engine_eval(const struct rule_engine *engine, uint32_t asset, wy_ms now_ms);
/* When an input of the asset that came at at_ms was last known to be so: a held asset repeats itself. */
wy_ms rx_seen_ms(const struct rule_engine *engine, uint32_t asset, wy_ms at_ms, wy_ms now_ms);
/* The same for the conditions of an instance. */
struct rx_eval rx_instance_eval(const struct rule_engine *engine, uint32_t instance, wy_ms now_ms);
/* Quality of a point of the asset at an instant, staleness included. */
uint8_t rx_slot_quality(const struct rule_engine *engine, uint32_t asset, const struct rx_slot *slot,
			const struct wy_point *point, wy_ms now_ms);
void *rx_memory_at(const struct rule_engine *engine, uint32_t asset, const struct rx_memory *memory);
/* Of a call in the slot that is looked at. */
const void *rx_memory_of(const struct rx_eval *ev, const struct rx_expr *call);
/* The first that inhibits it and stands, or RULE_NO_INSTANCE. */
uint32_t rx_standing_parent(const struct rule_engine *engine, uint32_t instance);
/* Number within its class of a memory that a variant uses, for one instance. */
uint32_t rx_memory_index(const struct rule_engine *engine, const struct rx_instance *it, size_t i);
/* The asset is looked at in this instant, and what reads any of what changed: bits of reads.h. */
void rx_touch(struct rule_engine *engine, uint32_t asset, uint64_t changed);
/* Groups are of no asset, whose readings would have them looked at. */
void rx_mark_groups(struct rule_engine *engine);
/* Where in asset_places an id stands, or would. */
size_t rx_asset_place(const struct rule_engine *engine, const char *id);

/* Why a value is not known. Static text, or of the set. */
const char *rx_why_text(const struct rx_eval *ev, const struct rx_value *v);

/* After a move of this machine; after a restart. */
void rx_freeze(struct rule_engine *engine, uint32_t instance);
void rx_freeze_all(struct rule_engine *engine);
/* A raise was told: for episodes(). */
void rx_note_episode(struct rule_engine *engine, uint32_t instance, wy_ms at_ms);
/* An operator's word to the baselines of an instance. False: none took it. */
bool rx_order_memories(struct rule_engine *engine, uint32_t instance, enum rx_order order);
/* What counts from this mark begins anew; false: nothing does. */
bool rx_mark_memories(struct rule_engine *engine, uint32_t asset, const char *name);

#endif
