/* rule.h: the whole public face of the rule language.
 *
 * A pure library: text in, decisions out. It sees no file, socket, clock, heap or log; a test holds
 * it to that. Everything lives in arenas of the caller. The language is described in README.md here.
 *
 * Life     rule_compile() once per load; rule_engine_new() on the set; then turns. Releasing the
 *          arenas releases everything.
 * Turns    rule_turn_begin(), any number of rule_put()/rule_heard(), rule_turn_end(). All inputs of a
 *          turn apply together, then every affected instance is evaluated once, parents before
 *          children, then timers due by now fire. Same set, same state, same turns give the same
 *          events on any machine.
 * Time     durations on now.mono_ms, which never steps back; calendars on now.wall_ms.
 * Unknown  truth has three values. Unknown never raises (but on_unknown: raise) and never clears.
 * Memory   after rule_engine_new() nothing allocates.
 * Threads  one thread per engine; a compiled set is read-only.
 */
#ifndef RULE_H
#define RULE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "arena.h"
#include "buf.h"
#include "clocktypes.h"
#include "diag.h"
#include "err.h"
#include "wy_limits.h"
#include "model.h"
#include "node.h"
#include "reading.h"

/* ---- Compile ------------------------------------------------------------------------------ */

/* What the rules are compiled against. Borrowed; must outlive the set. */
struct rule_world {
	const struct wy_class *classes;
	size_t n_classes;
	const struct wy_asset *assets; /* may be empty: packs are checked without a site */
	size_t n_assets;
	size_t n_devices;
	const struct wy_override *overrides;
	size_t n_overrides;
	const struct wy_zone *zone;
	const wy_day *holidays; /* ascending */
	size_t n_holidays;
	const char *const *faults; /* fault codes of the catalogue, for `fault:` */
	size_t n_faults;
	const struct wy_window *windows; /* planned maintenance */
	size_t n_windows;
	struct wy_escalation escalation;
};

struct rule_set; /* read-only after compile */

/* Compile rule files (trees whose first key is `weiyu: rules/1`). All mistakes of all files are
 * reported to diags. WY_E_INVALID: at least one error, no set. WY_E_NOMEM, WY_E_LIMIT: said in diags. */
WY_MUST_CHECK enum wy_err rule_compile(const struct rule_world *world, const struct wy_node *const *files,
				       size_t n_files, struct wy_arena *arena, struct wy_diags *diags,
				       struct rule_set **ret_set);

/* ---- Describe ----------------------------------------------------------------------------- */

enum rule_latch { RULE_LATCH_NONE, RULE_LATCH_ACK, RULE_LATCH_RESET };

struct rule_level_info {
	uint8_t tier;            /* 1..4 for S1..S4 */
	const char *when_text;   /* as written; of an event or pattern all that must happen */
	const char *clear_text;  /* as written; NULL: plain negation of when */
};

enum rule_kind {
	RULE_KIND_LEVEL,   /* `when` or `levels` */
	RULE_KIND_EVENT,   /* `event` and `if` */
	RULE_KIND_PATTERN, /* `pattern` */
	RULE_KIND_GROUP,   /* an entry of `correlate`: an instance per combination of its `same` labels */
	RULE_KIND_PROBLEM, /* "<rule>.problem" of `recur`: an instance for each of the rule's */
};

struct rule_info {
	const char *id;    /* "lift.entrapment" */
	enum rule_kind kind;
	const char *fault; /* "ELV-01" */
	const char *file;
	uint32_t line;
	uint32_t revision; /* hash of the rule's meaning: changes when its text or parameters change */
	enum rule_latch latch;
	const struct rule_level_info *levels;
	size_t n_levels;
};

size_t rule_count(const struct rule_set *set);
const struct rule_info *rule_info_at(const struct rule_set *set, uint32_t rule);
/* Hash of everything compiled, for the ticket and the birth message. */
uint64_t rule_set_hash(const struct rule_set *set);

size_t rule_instance_count(const struct rule_set *set);
struct rule_trend {
	uint32_t point;
	wy_ms over_ms;
};

struct rule_instance_info {
	uint32_t rule;
	uint32_t asset;
	wy_ms hold_ms[WY_RULE_LEVELS_MAX];       /* with this asset's parameters */
	wy_ms clear_hold_ms[WY_RULE_LEVELS_MAX];
	const uint32_t *points; /* class points its expressions read, ascending */
	size_t n_points;
	const struct rule_trend *trends; /* points to show along with a ticket */
	size_t n_trends;
};
const struct rule_instance_info *rule_instance_at(const struct rule_set *set, uint32_t instance);
/* Of a GROUP: the instances that may become its members, borrowed. Of others none. */
size_t rule_candidates(const struct rule_set *set, uint32_t instance, const uint32_t **ret_members);
/* Of a PROBLEM: the rule whose recurrence it is. Of others the rule itself. */
uint32_t rule_source_of(const struct rule_set *set, uint32_t rule);

/* ---- Run ---------------------------------------------------------------------------------- */

struct rule_engine;

/* A fresh engine: every point NEVER, every instance normal. */
WY_MUST_CHECK enum wy_err rule_engine_new(const struct rule_set *set, struct wy_arena *arena,
					  struct wy_now now, struct rule_engine **ret_engine);

enum rule_event_kind {
	RULE_RAISED,       /* the condition stands: open (or join) a ticket */
	RULE_TIER,         /* the effective tier changed while raised, or a latched rule stands again */
	RULE_UNVERIFIED,   /* raised, and inputs unknown for longer than unverified_after */
	RULE_VERIFIED,     /* inputs known again */
	RULE_LATCHED,      /* the condition is gone; waits for ack or reset */
	RULE_RESOLVED,     /* over. Exactly one of this and the next per RULE_RAISED */
	RULE_CLOSED,       /* ended by hand, though the condition may stand */
	RULE_CHATTERING,   /* came and went too often: until RULE_STEADY nothing is told of single ones */
	RULE_STEADY,
	RULE_DEPENDS,      /* raised, and `other` stands, which inhibits it: look there first */
	RULE_FREE,         /* no inhibiting rule stands any more */
	RULE_SHELVED,      /* by command; of the instance, raised or not */
	RULE_SHELF_ENDING, /* soon over, at until_ms */
	RULE_UNSHELVED,
	RULE_ESCALATED,    /* a step of the ladder: tell `to` */
	RULE_MEMBERS,      /* a raised group gained or lost `other` */
	RULE_GROUPED,      /* raised, and group `other` speaks for it now too */
	RULE_OUT_OF_SERVICE,
	RULE_IN_SERVICE,
};
#define RULE_EVENT_KINDS 19u
/* The word of the ticket log: "open", "tier", "resolve" ... */
const char *rule_event_text(enum rule_event_kind kind);

#define RULE_NO_INSTANCE UINT32_MAX

struct rule_event {
	enum rule_event_kind kind;
	uint32_t instance;
	uint32_t other;  /* instance, or RULE_NO_INSTANCE */
	uint8_t level;   /* index of the deciding level */
	uint8_t tier;    /* effective tier, 1..4 */
	uint8_t step;    /* RULE_ESCALATED: of its ladder, from 0 */
	bool is_uncertain;   /* some input was UNCERTAIN */
	bool is_maintenance; /* a planned window was open */
	const char *to;  /* RULE_ESCALATED: whom; of the set, or of the world */
	wy_ms at_ms;     /* mono: when it happened (a timer's own instant, not the turn's) */
	wy_ms onset_ms;  /* mono: first instant the condition was true */
	wy_ms until_ms;  /* RULE_SHELVED, RULE_SHELF_ENDING: mono */
};

/* The key of an instance of a rule with `by`. */
struct rule_key {
	bool is_keyed;
	bool is_other;    /* the last instance: all values without a place of their own */
	bool is_taken;    /* a value has it: the two below are set */
	int64_t value;
	const char *word; /* of an enum */
};
struct rule_key rule_key_of(const struct rule_engine *engine, uint32_t instance);

void rule_turn_begin(struct rule_engine *engine, struct wy_now now);
/* A sample of an asset's class point; value in the type and unit of the class point. Range and
 * staleness are judged here. A sample older than the last one is ignored. */
void rule_put(struct rule_engine *engine, uint32_t asset, uint32_t point, const struct wy_sample *sample);
/* A successful exchange with a device: what silence() counts from. */
void rule_heard(struct rule_engine *engine, uint32_t device, wy_ms at_ms);
/* Until then every poll of the asset counts as answered with the values it has: what was recorded by change has no
 * other word for "the same again". Nothing turns stale, ages or is silent meanwhile, a sample counts as fresh; no
 * sample is made up, so what counts samples counts the changes. WY_MS_NEVER: until further notice; an instant that
 * has passed ends it now. Call between turn_begin and turn_end. */
void rule_hold(struct rule_engine *engine, uint32_t asset, wy_ms until_ms);
/* Evaluate. Events in order, borrowed until the next rule_turn_begin(). */
size_t rule_turn_end(struct rule_engine *engine, const struct rule_event **ret_events);
/* When to run an empty turn, mono; WY_MS_NEVER if nothing is pending. */
wy_ms rule_next_due(const struct rule_engine *engine);

enum rule_command {
	RULE_ACK,   /* an operator took notice: stops what waits for that, ends latch: ack once the condition is gone */
	RULE_RESET, /* an explicit reset: ends latch: reset likewise */
	RULE_CLOSE, /* the platform closed the ticket though the condition may stand: normal, and no
		       raise before `reraise` has passed */
	RULE_LEARN,  /* "learn again": the baselines the rule uses forget, and learn from now on, though it may stand */
	RULE_ACCEPT, /* "this is normal": its baselines take the present in as their centre and keep their spread */
	RULE_ASSIGN,  /* somebody has the job */
	RULE_ON_SITE, /* somebody is there */
	RULE_SHELVE,  /* no new ticket until until_ms, at the latest after shelve.max. WY_E_INVALID: not ahead.
			 WY_E_STATE: this rule cannot be shelved */
	RULE_UNSHELVE,
};
struct rule_order {
	enum rule_command command;
	wy_ms until_ms;   /* SHELVE: mono */
	bool is_one_shot; /* SHELVE: over already with the next return */
};
/* Call between turn_begin and turn_end. WY_E_STATE: not in a state where it means something, or no baseline took it. WY_E_LIMIT: this
 * turn has no room for its events; the next one has. */
WY_MUST_CHECK enum wy_err rule_command(struct rule_engine *engine, uint32_t instance,
				       const struct rule_order *order);
/* An operator's mark on an asset, such as "door_overhaul" when that is done: what delta_since(c, door_overhaul) counts
 * from. Between turn_begin and turn_end. WY_E_NOTFOUND: no rule for the asset asks for it. */
WY_MUST_CHECK enum wy_err rule_mark(struct rule_engine *engine, uint32_t asset, const char *name);

/* ---- Look inside --------------------------------------------------------------------------- */

enum rule_truth { RULE_FALSE, RULE_TRUE, RULE_UNKNOWN };
enum rule_state { RULE_NORMAL, RULE_PENDING, RULE_ACTIVE, RULE_RETURNING, RULE_LATCHED_STATE };

/* State of the most severe level that is not normal (else of level 0). */
enum rule_state rule_state_of(const struct rule_engine *engine, uint32_t instance);
const char *rule_state_text(enum rule_state state);
/* State of one level: what a report of coverage counts. */
enum rule_state rule_level_state(const struct rule_engine *engine, uint32_t instance, unsigned level);

/* How much of a joint() is owed to one of its numbers, by the point that it reads: 0 to 1. */
struct rule_share {
	const char *name;
	double share;
};

/* One comparison or bool of a condition, with what it read: the proof in a ticket. */
struct rule_clause {
	const char *text; /* as written, e.g. "load_pct > $occupied_load" */
	size_t text_len;
	enum rule_truth truth;
	bool has_value;  /* left side, if it is a number; in `unit` */
	bool has_limit;  /* right side likewise */
	double value, limit;
	const struct wy_unit *unit;
	const char *word; /* enum or bool value of the left side as text, or "never"; else NULL */
	const char *why;  /* truth unknown: "motor_temp stale", else NULL. Static or arena text */
	struct rule_share shares[WY_RULE_JOINT_MAX]; /* of a joint() on the left side; largest first */
	size_t n_shares;
};
/* Between its RULE_RAISED and its RULE_RESOLVED or RULE_CLOSED, also after rule_restore(). */
bool rule_is_raised(const struct rule_engine *engine, uint32_t instance);

/* The asset it is about; of a group, that of the member that raised first when it last formed. */
uint32_t rule_asset_of(const struct rule_engine *engine, uint32_t instance);
/* Instances in a raised group, rule by rule, then by asset. Returns how many; at most max are written. */
size_t rule_members(const struct rule_engine *engine, uint32_t instance, uint32_t *out, size_t max);
/* Raised groups that the instance is known to be in. Returns how many; at most max are written. */
size_t rule_groups(const struct rule_engine *engine, uint32_t instance, uint32_t *out, size_t max);

/* How an instance stands beside its condition, as last told. */
struct rule_standing {
	bool is_chattering, is_out_of_service, is_maintenance;
	bool is_shelved, is_one_shot; /* raised or not */
	wy_ms shelved_until_ms;       /* mono; valid with is_shelved */
	uint32_t depends_on;          /* instance, or RULE_NO_INSTANCE */
};
struct rule_standing rule_standing_of(const struct rule_engine *engine, uint32_t instance);

/* The leaf conditions of level's `when` (or its `clear`), evaluated now. Returns how many were
 * written, at most max. */
size_t rule_clauses(const struct rule_engine *engine, uint32_t instance, unsigned level, bool is_clear,
		    struct rule_clause *out, size_t max);

/* The rule's summary template in "zh" or "en", filled from current values; empty if it has none. */
void rule_summary(const struct rule_engine *engine, uint32_t instance, const char *lang, struct wy_buf *buf);
/* The same for what it means and for what is to be done. */
void rule_detail(const struct rule_engine *engine, uint32_t instance, const char *lang, struct wy_buf *buf);
void rule_action(const struct rule_engine *engine, uint32_t instance, const char *lang, struct wy_buf *buf);

/* Present value of a point after quality rules (STALE, RANGE ...). */
struct wy_sample rule_point_now(const struct rule_engine *engine, uint32_t asset, uint32_t point);

/* ---- Explain ------------------------------------------------------------------------------- */

#define RULE_NO_ASSET UINT32_MAX

/* A line of an explanation, without its end; depth is how far it stands in. Text is borrowed for the call. */
typedef void rule_line(void *arg, unsigned depth, const char *text);
/* All about a rule on an asset: conditions as typed trees, what they remember and cost, what it hangs on, what is told of
 * it; with an engine (may be NULL) what all that is worth now. RULE_NO_ASSET: the rule as such, with the values of its
 * package. The trees of the files must still be there. False: the rule is not for this asset; no line then. */
bool rule_explain(const struct rule_set *set, uint32_t rule, uint32_t asset, const struct rule_engine *engine,
		  rule_line *line, void *arg);

/* ---- Survive a restart --------------------------------------------------------------------- */

/* State is kept in cells: an instance's machine, or a stateful function's memory for one asset. A
 * cell has a key that names it across loads; a changed function has another key, so old bytes are
 * never read as something else. */
struct rule_cell {
	const char *key; /* borrowed until the next call */
	const void *bytes; /* borrowed until the next turn */
	size_t len;
};
/* Cells whose durable content changed since rule_saved(): iterate with *at = 0 first. False at the end.
 * all = true gives every cell that is not in its initial state (orderly stop). */
bool rule_next_dirty(struct rule_engine *engine, bool all, size_t *at, struct rule_cell *ret_cell);
void rule_saved(struct rule_engine *engine);
/* Put a saved cell back, before the first turn. WY_E_NOTFOUND: no such cell any more. WY_E_CORRUPT: the
 * bytes are not of this cell; it keeps its initial state. */
WY_MUST_CHECK enum wy_err rule_restore(struct rule_engine *engine, const char *key, const void *bytes,
				       size_t len);
/* For an open ticket whose rule has no saved state (renamed, or its bytes were damaged): the instance stands as
 * raised from onset_ms on, without an event, so that its own clear ends the ticket. After rule_restore(). */
void rule_adopt(struct rule_engine *engine, uint32_t instance, wy_ms onset_ms);
/* Instead of all that, for an engine of other rules, or of another site, in the same process: it goes on where `before`
 * stands now. Nothing counts as unwatched, samples keep their age, holds go on; of rules that are unchanged nothing is told
 * twice. */
#define RULE_NO_DEVICE UINT32_MAX
struct rule_heritage {
	const uint32_t *device_before; /* [devices of the new world]: its number in that of `before`, or RULE_NO_DEVICE: its
					  silence counts from now */
	const bool *is_fed_anew;       /* [assets of the new world]: by other points than before, so "never" counts from now */
};
void rule_succeed(struct rule_engine *engine, struct rule_engine *before, const struct rule_heritage *heritage, struct wy_now now);
/* After all rule_restore(): the time from `down_ms` to now counts as unknown for every input. */
void rule_resume(struct rule_engine *engine, wy_ms down_ms, struct wy_now now);

#endif
