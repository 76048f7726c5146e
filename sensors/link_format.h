/* link_format.h: what a CoAP server says it has (RFC 6690, the answer of /.well-known/core), into rows. Pure.
 *
 * A list that is not well formed to its last byte is refused whole. Links that speak of something else (an anchor) or lead
 * elsewhere (another host) are passed over. Texts are printable ASCII: they go to terminals. */
#ifndef LINK_FORMAT_H
#define LINK_FORMAT_H

#include <stdbool.h>
#include <stddef.h>

#include "err.h"
#include "wy_limits.h"

struct link_row {
	const char *path;      /* "/3200/0/5500" */
	const char *type;      /* rt=, "" where not said; several are separated by spaces */
	const char *interface; /* if=, likewise */
	const char *formats;   /* ct=, numbers of Content-Formats, likewise */
	bool is_observable;    /* obs */
};

/* Large: set it aside once. Texts point into text[]. */
struct link_list {
	size_t n;
	struct link_row row[WY_LINKS_MAX];
	size_t used;
	char text[WY_LINKS_TEXT_BYTES];
};

/* WY_E_PROTOCOL: not a link list; WY_E_LIMIT: a ceiling of wy_limits.h. The list is empty then. No bytes are an empty
 * list. */
WY_MUST_CHECK enum wy_err link_format_read(const void *payload, size_t len, struct link_list *list);
/* Is there a link to this path, or to the LwM2M object or instance it lies in? */
bool link_list_has(const struct link_list *list, const char *path);

#endif
