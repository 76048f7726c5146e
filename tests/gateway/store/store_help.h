/* store_help.h: a scratch directory, and one turn of work written the way the engine writes it. */
#ifndef STORE_HELP_H
#define STORE_HELP_H

#include "store.h"

#define HELP_PATH 256
#define HELP_REPLACED_MAX 9 /* damaged stores of one scratch directory */

struct scratch {
	char dir[HELP_PATH], db[HELP_PATH + 16];
};

void scratch_make(struct scratch *scratch);
void scratch_remove(const struct scratch *scratch);

struct ticket help_ticket(uint64_t epoch, const char *asset, int64_t episode);

/* An event as the engine writes it, as far as the store looks at it: verb "opened" ... of this ticket. Its length. */
size_t help_event(char *out, size_t size, uint64_t epoch, uint64_t seq, const char *verb, const struct ticket *ticket);

/* One transaction: the next seq, an open ticket of asset "a{seq}", its event, and cell "last" =
 * seq. Every part carries the same number, so that a mixed state shows. */
enum wy_err help_turn(struct store *store, uint64_t *ret_seq);
/* All parts agree; *ret_seq is the last number (0: none). Fails the test otherwise. */
void help_check_whole(struct store *store, uint64_t *ret_seq);

#endif
