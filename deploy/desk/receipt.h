/* receipt.h: a receipt as the message a gateway reads (docs: deploy/desk/README.md). Pure. */
#ifndef DESK_RECEIPT_H
#define DESK_RECEIPT_H

#include "store.h"

/* A CloudEvents 1.0 envelope around `data`, which is taken. The text belongs to the caller; NULL:
 * out of memory. id must differ for each message of this desk. */
char *receipt_envelope(const char *id, const char *type, wy_ms now_ms, json_t *data);
char *receipt_text(const struct store_receipt *receipt, const char *id, wy_ms now_ms);

#endif
