/* receive.h: messages from the platform (docs/mqtt-contract.md, "down") from bytes to plain structs.
 *
 * Foreign bytes: everything is bounded, and anything odd is WY_E_INVALID with no effect. */
#ifndef DELIVERY_RECEIVE_H
#define DELIVERY_RECEIVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "clocktypes.h"
#include "err.h"
#include "outbox.h"
#include "ticket.h"

#define RECEIVE_BYTES_MAX 65536u
#define RECEIVE_LIST_MAX 256u   /* rejected or also-committed numbers of one receipt; more are left for the next */
#define RECEIVE_REASON_SIZE 120u

struct receive_receipt {
	bool has_instance; /* of the process it is for; without: for whoever has this epoch */
	uint64_t instance;
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

#define RECEIVE_ID_SIZE 65u
#define RECEIVE_BOOT_SIZE 41u
#define RECEIVE_TYPE_SIZE 81u

enum receive_command_kind { RECEIVE_RESEND, RECEIVE_REBIRTH, RECEIVE_EPOCH_NEW, RECEIVE_COMMANDS };

struct receive_command {
	char id[RECEIVE_ID_SIZE];
	char type[RECEIVE_TYPE_SIZE];
	char subject[RECEIVE_ID_SIZE]; /* the gateway it is for; "": whoever hears it */
	enum receive_command_kind kind;
	wy_ms expiry_wall_ms; /* 0: none */
	uint64_t epoch;	      /* RESEND, EPOCH_NEW */
	uint64_t from, to;    /* RESEND: inclusive, from <= to */
	char boot[RECEIVE_BOOT_SIZE]; /* EPOCH_NEW */
	bool has_instance;	      /* EPOCH_NEW */
	uint64_t instance;
};
/* com.weiyu.cmd.NAME.v1. WY_E_INVALID: without an id or a type, so it cannot even be answered. WY_E_UNSUPPORTED: id and type
 * are there, the type is unknown here. WY_E_STATE: id, type and kind are there, the data does not fit. */
WY_MUST_CHECK enum wy_err receive_command(const void *payload, size_t len, struct receive_command *ret_command);

#endif
