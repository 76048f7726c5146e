/* receive.h: messages from the platform (docs/mqtt-contract.md, "down") from bytes to plain structs.
 *
 * Foreign bytes: everything is bounded, and anything odd is WY_E_INVALID with no effect. */
#ifndef DELIVERY_RECEIVE_H
#define DELIVERY_RECEIVE_H

#include <stddef.h>
#include <stdint.h>

#include "err.h"
#include "outbox.h"
#include "ticket.h"

#define RECEIVE_BYTES_MAX 65536u
#define RECEIVE_LIST_MAX 64u   /* rejected or also-committed numbers of one receipt; more are left for the next */
#define RECEIVE_REASON_SIZE 120u

struct receive_receipt {
	struct outbox_receipt receipt; /* points into the arrays below */
	uint64_t also[RECEIVE_LIST_MAX];
	struct outbox_rejection rejected[RECEIVE_LIST_MAX];
	char reasons[RECEIVE_LIST_MAX][RECEIVE_REASON_SIZE];
};
WY_MUST_CHECK enum wy_err receive_receipt(const void *payload, size_t len, struct receive_receipt *ret_receipt);

struct receive_work {
	char ticket_key[TICKET_KEY_SIZE];
	enum ticket_node node;
	uint32_t work_rev;
};
/* com.weiyu.work.STATE.v1. WY_E_UNSUPPORTED: a type this version does not know. */
WY_MUST_CHECK enum wy_err receive_work(const void *payload, size_t len, struct receive_work *ret_work);

#endif
