/* store_redo.h: inside the store only: what the open transaction wrote, so that it can be written a second time when the disk
 * refuses the first. A list of statements with their values, and with the numbers they gave. */
#ifndef STORE_REDO_H
#define STORE_REDO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"

struct store;
struct store_binder;

/* Zero is empty. */
struct store_redo {
	unsigned char *bytes; /* owned */
	size_t len, room;
	size_t entry; /* where the statement that is being bound begins */
	bool is_lost; /* there was no room: nothing can be written again */
};

void redo_clear(struct store_redo *redo); /* a transaction begins, or is over */
void redo_release(struct store_redo *redo);

/* A statement is bound: its number, then its values. One that is begun again is begun anew. */
void redo_begin(struct store_redo *redo, unsigned id);
void redo_int(struct store_redo *redo, int64_t value);
void redo_real(struct store_redo *redo, bool has_value, double value);
void redo_text(struct store_redo *redo, const char *text, size_t len);
void redo_blob(struct store_redo *redo, const void *bytes, size_t len);
/* It was written; the number it gave, if it gives one. */
void redo_end(struct store_redo *redo, bool has_number, int64_t number);

/* Writes all of it into the store as it is now. WY_E_CORRUPT: a statement gave another number than the first time. The
 * one that is not ended is only bound, borrowed from the list: *ret_last; where there is none that is untouched. */
WY_MUST_CHECK enum wy_err redo_replay(struct store *store, struct store_binder *ret_last);

#endif
