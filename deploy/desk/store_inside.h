/* store_inside.h: what the files of the desk's store share. */
#ifndef DESK_STORE_INSIDE_H
#define DESK_STORE_INSIDE_H

#include <stdio.h>

#include "store.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))
#define RUN(store, sql, param) db_run(&(store)->db, sql, param, COUNT(param), NULL, NULL, NULL)

struct store_number {
	char text[24];
};

/* Numbers travel as text; a compound literal at the call gives them a place to stand. */
static inline const char *store_number_text(struct store_number *place, int64_t value)
{
	snprintf(place->text, sizeof place->text, "%lld", (long long)value);
	return place->text;
}
#define NUMBER(value) store_number_text(&(struct store_number){""}, value)
#define TIME(at_ms) ((at_ms) ? NUMBER(at_ms) : NULL)

struct store_text {
	char text[160];
	bool is_found;
};
/* The first column of the last row. */
enum wy_err store_ask(struct store *store, const char *sql, const char *const param[], size_t n,
		      struct store_text *ret_text);

enum wy_err store_put_ticket(struct store *store, const struct event *event, wy_ms now_ms);

/* ---- store_fence.c ---- */

/* Which process sent it (filled in where the message did not tell), and is that one believed? */
enum wy_err store_attribute(struct store *store, struct event *event, wy_ms now_ms, bool *ret_is_believed);
/* An event whose id is stored. With other bytes there are two histories, and who came later is fenced: the one that sends it now
 * (OTHER), or the one that sent the stored one, which is then taken back (ROOM_MADE). */
enum store_likeness { STORE_SAME, STORE_OTHER, STORE_ROOM_MADE };
enum wy_err store_compare(struct store *store, const struct event *event, wy_ms now_ms,
			  enum store_likeness *ret_likeness);
enum wy_err store_hold(struct store *store, const struct event *event, wy_ms now_ms);
enum wy_err store_birth(struct store *store, const struct event *event, wy_ms now_ms);
enum wy_err store_death(struct store *store, const struct event *event, wy_ms now_ms);
enum wy_err store_reply(struct store *store, const struct event *event, wy_ms now_ms, enum store_fate *ret_fate);

#endif
