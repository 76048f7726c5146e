/* doc_parts.h: the objects inside a ticket document. Inside gateway/ticket only. Each returns a new
 * reference. */
#ifndef DOC_PARTS_H
#define DOC_PARTS_H

#include "doc.h"
#include "json_build.h"

json_t *doc_location(struct json_build *build, const struct ticket_context *context);
json_t *doc_affected(struct json_build *build, const struct ticket_context *context);
json_t *doc_asset(struct json_build *build, const struct ticket_context *context);
json_t *doc_support(struct json_build *build, const struct ticket *ticket,
		    const struct ticket_context *context);
json_t *doc_vendor(struct json_build *build, const struct ticket *ticket,
		   const struct config_vendor *vendor, wy_ms within_ms);
json_t *doc_steps(struct json_build *build, const struct ticket *ticket,
		  const struct ticket_context *context);
json_t *doc_causes(struct json_build *build, const struct ticket_context *context);
json_t *doc_notice(struct json_build *build, const struct ticket *ticket,
		   const struct ticket_context *context);
json_t *doc_close(struct json_build *build, const struct ticket *ticket,
		  const struct ticket_context *context);

/* Sets "clock": how far the stamps may be believed. */
void doc_set_clock(struct json_build *build, json_t *object, struct wy_now now, const char *boot);

/* How much of the evidence is shown: the newest samples, the first clauses. */
struct doc_room {
	size_t samples, clauses;
};
json_t *doc_evidence(struct json_build *build, const struct ticket *ticket,
		     const struct ticket_context *context, struct doc_room room);

/* "3A, unit 1, floor 7" for people; also the summary's stand-in. */
void doc_place_text(const struct config_place *place, const char *lang, struct wy_buf *buf);

#endif
