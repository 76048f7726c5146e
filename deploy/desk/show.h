/* show.h: a committed ticket event as one line, for people or for programs. */
#ifndef DESK_SHOW_H
#define DESK_SHOW_H

#include <stdbool.h>
#include <stdio.h>

#include "event.h"

enum show_form { SHOW_QUIET, SHOW_PEOPLE, SHOW_JSON };

struct show {
	enum show_form form;
	bool is_colour;
	FILE *out; /* borrowed */
};

/* Ticket events only; others are passed over. People are not shown duplicates. */
void show_event(const struct show *show, const struct event *event, wy_ms committed_ms,
		bool is_duplicate);

/* Text of a gateway for a terminal: control bytes, also those of UTF-8's C1 range, become '?'. */
void show_text(FILE *out, const char *text);
const char *show_tier_colour(const char *tier); /* an escape sequence, "" for an unknown tier */

#endif
