/* engine.h: where a reading becomes a decision becomes rows.
 *
 * A turn (one report, one command, one timer) feeds the rules, lets them decide, and turns what they
 * decided into tickets, events and saved state. engine_flush() makes it all durable in one
 * transaction; only then may anything be sent. Turns that wait together share a flush.
 *
 * Failure  when the store cannot keep a turn, the engine is broken: engine_is_broken(). The process
 *          ends and starts anew; the store is the truth, and what was not kept is decided again.
 * Threads  the loop thread.
 * Memory   nothing is allocated after engine_new() but inside jansson and SQLite. */
#ifndef ENGINE_H
#define ENGINE_H

#include "clock.h"
#include "config.h"
#include "own.h"
#include "record.h"
#include "rule.h"
#include "sensor.h"
#include "store.h"

#define ENGINE_NOTE_MS ((wy_ms)5 * 60 * 1000) /* while a ticket stands, the time is kept so often */
#define ENGINE_NEWS_MS ((wy_ms)60 * 1000) /* least time between events of a ticket that could wait */
#define ENGINE_STALL_MS ((wy_ms)10 * 1000) /* a timer later than this: the time was not watched */
#define ENGINE_TIDY_MS ((wy_ms)3600 * 1000)
#define ENGINE_MEND_MS 1000 /* times that were off by less are mended without a word */
#define ENGINE_KEEP_TICKETS_MS ((wy_ms)400 * 86400 * 1000) /* of tickets that are over */

struct engine;

/* All borrowed for the engine's life. */
struct engine_parts {
	const struct config *config;
	const struct rule_set *rules;
	struct store *store;
	struct clock *clock;
	const char *boot;       /* boot id */
	struct wy_arena *arena;
	struct record *record; /* NULL: turns are not recorded */
	struct engine *before; /* NULL: the process starts. Else what was decided until now, by other files, over the same
				  store: flushed, and not asked again once engine_new() returned WY_OK */
};

/* What drivers learned of the devices in earlier lives, into config, before anybody reads it. Facts about a device that
 * is gone, was moved or has another profile are dropped. Texts live in the arena. */
WY_MUST_CHECK enum wy_err engine_recall_learned(struct store *store, struct config *config, struct wy_arena *arena);

/* Takes up where the store left off: rule memory, open tickets; or where `before` is now, with samples, history and what is known of
 * devices, as if no time had passed. Writes (and flushes) what that changed: tickets whose rule or asset is gone are
 * closed. On failure nothing is written, and `before` may go on; WY_E_LIMIT: a ticket would be too large, said in the log. */
WY_MUST_CHECK enum wy_err engine_new(const struct engine_parts *parts, struct engine **ret_engine);

void engine_report(struct engine *engine, const struct sensor_report *report);
/* An asset of class `gateway` without a device: the gateway watches itself, every OWN_PERIOD_MS. */
bool engine_has_own(const struct engine *engine);
void engine_look_at_own(struct engine *engine, const struct own_in *in);
/* A turn without input, for timers. */
void engine_tick(struct engine *engine);
/* When to tick at the latest, mono. */
wy_ms engine_due(const struct engine *engine);

/* The platform reports work on a ticket (contract: down/ticket). WY_E_NOTFOUND: no such ticket here;
 * WY_E_STATE: older than what is known, or means nothing now. */
WY_MUST_CHECK enum wy_err engine_work(struct engine *engine, const char *ticket_key, enum ticket_node node,
				      uint32_t work_rev);

/* What an operator at the gateway says: about a ticket, or about a rule of an asset. */
struct engine_order {
	const char *word;   /* "ack", "reset", "close", "shelve", "unshelve", "learn", "accept", "mark" */
	const char *ticket; /* its number or its key; NULL: rule and asset say which */
	const char *rule, *asset;
	const char *mark;   /* mark: what was done to the asset */
	wy_ms until_wall_ms; /* shelve */
	bool is_one_shot;    /* shelve: over already with the next return */
	const char *by;      /* who; never empty */
	const char *why;     /* "": not said; shelve and close want it */
};
/* Makes a turn of it; kept with who and why. Words say what was done, or why nothing was: WY_E_INVALID, WY_E_NOTFOUND,
 * WY_E_STATE (means nothing now, or the rule forbids it), WY_E_LIMIT (again, later). */
WY_MUST_CHECK enum wy_err engine_take_order(struct engine *engine, const struct engine_order *order,
					    struct wy_buf *words);

/* A rule put aside, with what was said then. */
struct engine_shelf {
	const char *rule, *asset;
	wy_ms until_wall_ms;
	bool is_one_shot, is_raised;
	const char *by, *why; /* "" where the note is gone; borrowed for the visit */
	wy_ms since_wall_ms;  /* 0: not known */
};
typedef void engine_shelf_visit(void *arg, const struct engine_shelf *shelf);
WY_MUST_CHECK enum wy_err engine_each_shelf(const struct engine *engine, engine_shelf_visit *visit, void *arg);

/* The store has brought home tickets of another epoch (store_homecoming()): those whose fault stands here have their heir; the others
 * are opened anew, and their rules end them. Makes a turn of it. On failure the engine is broken. */
WY_MUST_CHECK enum wy_err engine_take_home(struct engine *engine);

/* Commit. *ret_events: events were added to the outbox. */
WY_MUST_CHECK enum wy_err engine_flush(struct engine *engine, bool *ret_events);
bool engine_is_broken(const struct engine *engine);
/* Saves everything the rules remember: for an orderly stop. Flushes. */
WY_MUST_CHECK enum wy_err engine_save(struct engine *engine);

/* ---- Look inside ---------------------------------------------------------------------------- */

struct engine_device {
	enum wy_err err;      /* of the last exchange */
	const char *words;    /* more about it, for people; static, NULL: none */
	uint8_t exception;
	bool has_answered;    /* ever since start */
	bool is_failing;      /* two exchanges in a row, or more, brought no answer */
	wy_ms last_ok_ms;     /* mono; valid with has_answered */
	wy_ms failing_since_ms; /* mono; valid with is_failing */
	wy_ms took_ms;        /* last answer */
	uint64_t exchanges, failures;
	uint32_t n_requests, n_garbled; /* as the driver counts them */
};
const struct engine_device *engine_device_at(const struct engine *engine, uint32_t device);

struct engine_counts {
	uint64_t turns, commits, opened, cleared;
	uint32_t open; /* tickets */
};
struct engine_counts engine_counts(const struct engine *engine);
const struct rule_engine *engine_rules(const struct engine *engine);

#endif
