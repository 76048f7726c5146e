/* engine_internal.h: what the files of engine/ share. Not for others. */
#ifndef ENGINE_INTERNAL_H
#define ENGINE_INTERNAL_H

#include "doc.h"
#include "engine.h"
#include "history.h"

#define CASE_NONE UINT32_MAX
#define MEMBERS_SHOWN 24u /* of a group, in its document */
#define NOTES_SHOWN 16u   /* of a ticket, the newest */
#define NEWS_ORDER RULE_EVENT_KINDS /* beside the kinds of events: somebody gave an order */

/* An asset and a fault that rules watch: what at most one ticket is open for. */
struct engine_case {
	uint32_t asset;
	uint32_t fault;
	uint32_t first; /* of its instances, ascending, RULE_NO_INSTANCE: none; see engine.next_of */
	bool is_open;   /* a ticket is open for it */
	bool is_listed; /* in engine.news */
	uint32_t news;  /* of this turn: a bit per enum rule_event_kind, and NEWS_ORDER */
	wy_ms due_ms;   /* mono: when its ticket tells what it still has to tell; WY_MS_NEVER: nothing */
};

/* What an instance has told so far: its rule's own memory shows only a part of it. */
struct engine_told {
	bool is_raised, is_latched, is_unverified, is_uncertain;
	uint8_t tier, level;
	wy_ms onset_ms;
};

/* What the instances of a case say together. */
struct engine_view {
	uint32_t n_raised;
	uint32_t instance; /* the one that decides: the most severe that stands; valid with n_raised */
	enum ticket_condition condition; /* ACTIVE, UNKNOWN or LATCHED; CLEARED: none is raised */
};

struct engine {
	struct engine_parts parts;
	struct rule_engine *rules;
	struct history *history;
	struct engine_device *devices;
	struct engine_case *cases;
	size_t n_cases;
	uint32_t *case_of;        /* [instance]; CASE_NONE: a group that is not raised */
	uint32_t *next_of;        /* [instance]: the next of its case */
	struct engine_told *told; /* [instance] */
	uint32_t *news;           /* cases that have something to tell in this turn */
	size_t n_news;
	wy_ms news_due_ms; /* mono: the first due_ms of a case, or sooner */
	struct wy_now now;           /* of the turn under way */
	bool has_written;            /* a transaction is open */
	bool has_events;
	bool is_broken;
	struct engine_counts counts;
	uint32_t n_open; /* tickets, those nothing watches included */
	wy_ms down_ms;   /* mono: the start knows nothing between then and its own instant */
	wy_ms due_ms;    /* mono: when the rules wanted their next turn, as of the last one */
	wy_ms noted_ms;  /* mono: when the store last got the time */
	wy_ms tidied_ms; /* mono: when old tickets were last dropped */
	char *body;      /* WY_TICKET_BYTES_MAX + 1 each: documents are made here */
	char *envelope;
	char *past;      /* the document before */
	wy_ms retell_ms; /* mono: not before, tickets that are untold */
	bool is_losing; /* the outbox is full, and that was said */
	uint64_t lost_seen;
	struct own own;
	struct engine_modules *modules;
	uint64_t *learned; /* [device]: hash of what the store has of it */
	unsigned belief;   /* in the wall clock, as of the last turn: ticket_belief() */
	bool has_doubtful; /* an open ticket was stamped by a clock in doubt, or may have been */
	bool is_mending;   /* there were too many for one turn */
	struct listed *listed;
	const char *cause;             /* why a document is made now */
	struct ticket_standing standing; /* room for one document, as the next four */
	struct ticket_ref members[MEMBERS_SHOWN];
	struct ticket_note notes[NOTES_SHOWN];
	struct store_note kept_notes[NOTES_SHOWN];
	struct ticket_sample *samples;
	size_t samples_max;
};

/* keeping.c */
/* A transaction is open afterwards. */
WY_MUST_CHECK enum wy_err engine_write(struct engine *engine);
/* Log once, and be broken from now on. */
void engine_break(struct engine *engine, const char *doing, enum wy_err err);
/* What the rules remember, as far as it changed; all: whatever it is. */
WY_MUST_CHECK enum wy_err engine_keep_cells(struct engine *engine, bool all);
/* When the store wants to hear the time again, mono. */
wy_ms engine_note_due(const struct engine *engine);

/* case.c */
WY_MUST_CHECK enum wy_err engine_make_cases(struct engine *engine);
/* CASE_NONE: no rule watches this asset and fault. */
uint32_t engine_find_case(const struct engine *engine, const struct ticket *ticket);
/* After a group raised or ended, or came out of the store: which case it belongs to now. */
void engine_place_group(struct engine *engine, uint32_t instance, bool is_raised);
struct engine_view engine_view_of(const struct engine *engine, const struct engine_case *c);
/* Notes what an instance told. False: nothing that its ticket says. */
bool engine_hear(struct engine *engine, const struct rule_event *event);

/* standing.c: what goes with the ticket, into engine->standing. instance CASE_NONE: no rule stands behind it. */
WY_MUST_CHECK enum wy_err engine_describe_standing(struct engine *engine, const struct engine_case *c,
						   uint32_t instance, const struct ticket *ticket);
/* The open ticket of a case. WY_E_NOTFOUND: none is. */
WY_MUST_CHECK enum wy_err engine_open_ticket(const struct engine *engine, const struct engine_case *c,
					     struct ticket *ret_ticket);

/* news.c: what happens beside the condition, gathered over a turn and told at its end, or a little later. */
WY_MUST_CHECK enum wy_err news_hear(struct engine *engine, const struct rule_event *event);
void news_add(struct engine *engine, uint32_t at, unsigned kind);
WY_MUST_CHECK enum wy_err news_tell(struct engine *engine);
/* An open ticket out of the store: what it still has to tell. */
void news_restore(struct engine *engine, struct engine_case *c, const struct ticket *ticket);

/* mend.c: times that were written by a clock in doubt. */
WY_MUST_CHECK enum wy_err mend_new(struct engine *engine);
/* At the end of a turn: tells of those that can be mended now. */
WY_MUST_CHECK enum wy_err mend_all(struct engine *engine);
/* Before a ticket takes a step, which tells its times anyway. */
void mend_quietly(struct engine *engine, struct ticket *ticket);
/* This ticket is open: it may have to be mended one day. */
void mend_expect(struct engine *engine, const struct ticket *ticket);

/* turns, for command.c */
void engine_begin_turn(struct engine *engine);
void engine_end_turn(struct engine *engine);
WY_MUST_CHECK enum wy_err engine_give_order(struct engine *engine, uint32_t instance, const struct rule_order *order);

/* A sample as the asset's class has it, to the history, the record and the rules. */
void engine_put(struct engine *engine, uint32_t asset, const struct wy_sample *sample);

/* module_feed.c */
WY_MUST_CHECK enum wy_err module_feed_new(struct engine *engine);
void module_feed(struct engine *engine, const struct sensor_report *report);

/* learned.c */
WY_MUST_CHECK enum wy_err learned_new(struct engine *engine);
void learned_keep(struct engine *engine, const struct sensor_report *report);

/* ticketing.c */
/* Tells what is new about an open ticket. */
WY_MUST_CHECK enum wy_err ticketing_news(struct engine *engine, struct engine_case *c, struct ticket *ticket,
					 const char *cause);
/* Keeps the record without an event. */
WY_MUST_CHECK enum wy_err ticketing_keep(struct engine *engine, struct engine_case *c, struct ticket *ticket);
WY_MUST_CHECK enum wy_err ticketing_event(struct engine *engine, const struct rule_event *event);
WY_MUST_CHECK enum wy_err ticketing_work(struct engine *engine, struct ticket *ticket,
					 const struct ticket_input *input);
/* WY_E_LIMIT: what is configured for it is too long for a ticket. Said before it is needed. */
WY_MUST_CHECK enum wy_err ticketing_check(struct engine *engine, const struct engine_case *c);
/* A ticket of an epoch that is over is not open any more. Nothing is told; one that is over already stays as it is. */
WY_MUST_CHECK enum wy_err ticketing_retire(struct engine *engine, const char *key);
/* End a ticket nothing watches any more. */
WY_MUST_CHECK enum wy_err ticketing_orphan(struct engine *engine, struct ticket *ticket);

/* The last document once more, under a new number: the event that told it was dropped. */
WY_MUST_CHECK enum wy_err ticketing_retell(struct engine *engine, struct ticket *ticket, enum ticket_event event);

/* retell.c */
#define ENGINE_RETELL_MS ((wy_ms)10 * 1000) /* between two looks whether there is room */
void retell_begin(struct engine *engine);
WY_MUST_CHECK enum wy_err retell_some(struct engine *engine);
wy_ms retell_due(const struct engine *engine); /* mono */
void retell_look(struct engine *engine);       /* after a commit: does the outbox lose events? */

/* succeed.c: what the store does not have, from the engine before. */
WY_MUST_CHECK enum wy_err engine_succeed(struct engine *engine);

/* restore.c */
WY_MUST_CHECK enum wy_err engine_restore(struct engine *engine);

#endif
