/* world.h: a whole engine in one process on a clock that stands still until told: a small building of files, a real
 * store in a directory of its own, readings put in by hand, events and tickets read back.
 *
 * Every step ends in a flush, as the gateway's loop does it. Everything that should not go wrong in
 * the bench itself fails the test. */
#ifndef WORLD_H
#define WORLD_H

#include "engine.h"

#define WORLD_EVENTS 64u

struct world {
	char dir[64];
	struct wy_now now;
	struct clock clock;
	void *memory;
	struct wy_arena arena;
	struct wy_diags diags;
	struct config *config;
	struct rule_set *rules;
	struct store *store;
	struct engine *engine;
	const char *record_dir; /* turns are recorded there; NULL: nowhere. Borrowed */
	uint64_t record_bytes;  /* most of all files */
	struct rule_world rules_world;
	struct record *record;
	const char *boot; /* which boot of the machine it is; borrowed */
	void (*set_clock)(struct world *world); /* at each start, before anything asks it; NULL: it stands still at now */
	bool is_wired; /* the device answers */
	bool a, b;
	int level_mm;
	bool is_level_known;
};

/* A directory with the files of `building`; nothing runs yet. */
void world_make(struct world *world, const char *building);
void world_remove(struct world *world); /* stops what runs, deletes the directory */
/* Another text for a file of the building, for the next start. */
void world_write(struct world *world, const char *name, const char *text);

/* Loads the files, opens the store, takes up where it left off. */
enum wy_err world_start(struct world *world);
/* The same, where any part of it may fail: then nothing runs. Without a record. */
enum wy_err world_try(struct world *world);
/* The files again, in mid-life: the next engine takes over from this one. WY_E_NOMEM, WY_E_LIMIT: this one goes on. room_bytes: what
 * is left for it in memory when the files are loaded; 0: plenty. */
enum wy_err world_reload(struct world *world, size_t room_bytes);
void world_stop(struct world *world);  /* orderly: everything is saved */
void world_crash(struct world *world); /* what is not committed is gone */

/* Turns: the device is read, or found silent. False: the engine is broken. */
bool world_poll(struct world *world);
/* Goes on by span_ms: polls each second, and runs the engine's timers when they are due. */
bool world_run(struct world *world, wy_ms span_ms);
enum wy_err world_work(struct world *world, const char *key, enum ticket_node node, uint32_t rev);

/* An event of the outbox, in order of seq; the document parsed as needed with world_text(). */
struct world_event {
	uint64_t seq;
	uint8_t tier;
	char type[32]; /* "opened" */
	char key[TICKET_KEY_SIZE];
	char *payload; /* NUL-terminated */
};
struct world_events {
	struct world_event event[WORLD_EVENTS];
	size_t n;
};
void world_events(struct world *world, struct world_events *ret_events);
void world_events_free(struct world_events *events);
/* "opened cleared": all types, for one look. */
const char *world_story(struct world *world);
/* A member of an event's data, by path "evidence.level", as compact JSON; static memory of a few calls. */
const char *world_member(const struct world_event *event, const char *path);
/* The open ticket of a fault of asset A-1. */
enum wy_err world_ticket(struct world *world, const char *fault, struct ticket *ret_ticket);
/* Seqs are 1..n without a hole; each ticket has one opened and at most one end, revs count up by one. */
void world_check(struct world *world);

#endif
