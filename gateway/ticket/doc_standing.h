/* doc_standing.h: what goes with a ticket beside its condition. Inside gateway/ticket only. */
#ifndef DOC_STANDING_H
#define DOC_STANDING_H

#include "doc.h"
#include "json_build.h"

/* NULL: none of it. */
void doc_set_standing(struct json_build *build, json_t *doc, const struct ticket_standing *standing);
/* What a document of an older version does not have. */
void doc_keep_standing(struct json_build *build, json_t *doc);

#endif
