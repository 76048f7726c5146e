/* run_parts.h: what the answers of the control socket share. Private to run/. */
#ifndef RUN_PARTS_H
#define RUN_PARTS_H

#include <jansson.h>

#include "run.h"

/* A rule on an asset as it stands now. NULL: *ret_document is the caller's (NULL without memory). Else what is wrong. */
const char *run_explain(const struct run_view *view, const json_t *question, json_t **ret_document);
/* Text from malloc(), NULL without memory. */
char *run_order(const struct run_view *view, const json_t *request);
char *run_shelves(const struct run_view *view);
/* The latest exchanges of a wire. As run_explain(). */
const char *run_frames(const struct run_view *view, const json_t *question, json_t **ret_document);

#endif
