/* engine_internal.h: what the files of engine/ share. Not for others. */
#ifndef ENGINE_INTERNAL_H
#define ENGINE_INTERNAL_H

#include "doc.h"
#include "engine.h"
#include "history.h"

#define CASE_NONE UINT32_MAX

/* An asset and a fault that rules watch: what at most one ticket is open for. */
struct engine_case {
	uint32_t asset;
	uint32_t fault;
	uint32_t first; /* of its instances in engine.instances_by_case */
	uint32_t n;
	bool is_open; /* a ticket is open for it */
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
	uint32_t *case_of;           /* [instance] */
	struct engine_told *told;    /* [instance] */
	uint32_t *instances_by_case; /* grouped: see engine_case.first */
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
	struct ticket_sample *samples; /* room for one document */
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
struct engine_view engine_view_of(const struct engine *engine, const struct engine_case *c);
/* Notes what an instance told. False: nothing that its ticket says. */
bool engine_hear(struct engine *engine, const struct rule_event *event);

/* ticketing.c */
WY_MUST_CHECK enum wy_err ticketing_event(struct engine *engine, const struct rule_event *event);
WY_MUST_CHECK enum wy_err ticketing_work(struct engine *engine, struct ticket *ticket,
					 const struct ticket_input *input);
/* WY_E_LIMIT: what is configured for it is too long for a ticket. Said before it is needed. */
WY_MUST_CHECK enum wy_err ticketing_check(struct engine *engine, const struct engine_case *c);
/* End a ticket nothing watches any more. */
WY_MUST_CHECK enum wy_err ticketing_orphan(struct engine *engine, struct ticket *ticket);

/* restore.c */
WY_MUST_CHECK enum wy_err engine_restore(struct engine *engine);

#endif
