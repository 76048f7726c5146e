/* doc_world.h: one lift of one estate, as the configuration would hand it over. */
#ifndef DOC_WORLD_H
#define DOC_WORLD_H

#include "doc.h"

#define DOC_WALL 1795312923456 /* 2026-11-22T10:02:03.456+08:00 */

struct doc_world {
	struct ticket ticket;
	struct ticket_context context;
};

/* An open S1 ticket with everything a document can hold. */
void doc_world_make(struct doc_world *world);
/* The same with nothing that may be missing. */
void doc_world_make_bare(struct doc_world *world);
/* From now on it chatters, depends, belongs to a group, was escalated and shelved. */
void doc_world_burden(struct doc_world *world);
void doc_world_clear(struct doc_world *world);
struct ticket_state doc_world_state(bool is_death);

#endif
