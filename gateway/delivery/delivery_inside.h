/* delivery_inside.h: what the files of gateway/delivery share. Of no use elsewhere. */
#ifndef DELIVERY_INSIDE_H
#define DELIVERY_INSIDE_H

#include <jansson.h>

#include "delivery.h"
#include "receive.h"

/* Tokens of what is no live event; sequence numbers have 63 bits. */
#define TOKEN_BIRTH UINT64_MAX
#define TOKEN_RESEND (UINT64_MAX - 1)
#define TOKEN_REPLY (UINT64_MAX - 2)

enum { TOPIC_SIZE = 128, STATE_BYTES = 4096 };

#define COMMANDS_AT_ONCE 10.0 /* then one every two seconds */

enum { RESEND_RANGES_MAX = 16 };

struct seq_range {
	uint64_t from, to;
};

/* One order to send kept events again; it ends with the connection. */
struct resend {
	bool is_active;
	struct receive_command command;
	uint64_t next; /* looked at next */
	uint64_t sent, queued;
	unsigned flying;
	wy_ms due_ms; /* of the next portion */
	struct seq_range gone[RESEND_RANGES_MAX], parked[RESEND_RANGES_MAX];
	size_t n_gone, n_parked;
};

/* Ids that were executed, oldest overwritten, and how many commands may still come now. */
struct command_memory {
	char id[WY_COMMANDS_KEPT][RECEIVE_ID_SIZE];
	size_t next;
	double allowed;
	wy_ms filled_ms;
	bool has_refused; /* the surplus is answered once */
	uint64_t replies;
};

struct delivery {
	struct delivery_parts parts;
	struct outbox outbox;
	struct uplink *uplink;
	struct delivery_state state;
	uint64_t bd_seq;
	char up_base[TOPIC_SIZE]; /* weiyu/v1/up/{sh}/{gw}/ */
	char down_base[TOPIC_SIZE];
	char state_topic[TOPIC_SIZE];
	char will[STATE_BYTES];
	struct receive_receipt receipt;
	struct outbox_verdict verdict; /* of this dispatch, not yet kept; valid with has_verdict */
	bool has_verdict;
	uint64_t unkept[OUTBOX_LANES]; /* receipts for rows up to here may not have been kept: these are sent again, not at once */
	wy_ms unkept_wait_ms, unkept_until_ms; /* 0: all were kept */
	size_t unpruned; /* rows that were delivered since the last pruning */
	wy_ms prune_due_ms;
	bool is_platform_silent; /* said once */
	wy_ms started_ms;
	uint64_t instance;	 /* of this run of the process */
	struct command_memory memory;
	struct resend resend;
	struct ticket_gap gap; /* room for one, and for its text */
	char gap_text[WY_TICKET_BYTES_MAX + 1];
	uint64_t n_refused; /* publishes in a row the broker would not deliver */
	bool owes_birth;       /* another set of rules is in force than the last birth said, or the platform confirms to another process */
	wy_ms reborn_ms;       /* when the latter was last answered */
	bool is_store_failing; /* said once */
	bool is_broken;
};

static inline wy_ms delivery_now(const struct delivery *d)
{
	return clock_mono(d->parts.clock);
}

/* Is the store fine? Said once when it is not; one that is damaged does not heal by itself. */
bool delivery_is_fine(struct delivery *d, const char *doing, enum wy_err err);

/* ---- birth.c ---- */

/* Birth, or death with its reason, into out (STATE_BYTES). */
enum wy_err birth_document(struct delivery *d, bool is_death, const char *reason, char *out, size_t *ret_len);
/* uplink_handler.prepare: the next bd_seq, and the will that carries it. */
enum wy_err birth_prepare(void *arg, const void **ret_will, size_t *ret_len);
void birth_announce(struct delivery *d);

/* ---- sending.c ---- */

/* An event as it goes out, the same bytes each time. */
enum wy_err sending_publish(struct delivery *d, const struct store_event *event, uint64_t token);
enum wy_err sending_fill(struct delivery *d); /* queued rows into the window */
void sending_push(struct delivery *d);	      /* what is due to the broker, as far as it takes it */

/* ---- gaps.c ---- */

/* Before rows that are not S1 enter the window for the first time (ascending; n 0: none wait). *ret_has_record: a
 * record was put before them or in their place; look for rows again. */
enum wy_err gaps_make_way(struct delivery *d, const uint64_t *seqs, size_t n, bool *ret_has_record);

/* ---- receipts.c ---- */

void receipts_take(struct delivery *d, const void *payload, size_t len);
void receipts_puback(struct delivery *d, uint64_t seq); /* grade G1: the broker has taken it */
void receipts_keep(struct delivery *d);			/* what came since the last call, into the store */
void receipts_forget(struct delivery *d, uint64_t seq);	/* a flying row that is not queued any more */
void receipts_look(struct delivery *d);			/* says that the platform does not confirm */

/* ---- commands.c ---- */

void commands_take(struct delivery *d, const void *payload, size_t len);
/* status: "done", "refused", "ignored". data: more members of it, taken; NULL: none. */
void commands_reply(struct delivery *d, const struct receive_command *command, const char *status,
		    const char *reason, json_t *data);

/* ---- resending.c ---- */

void resending_start(struct delivery *d, const struct receive_command *command);
/* Sends a portion if it is time and nothing else wants to go. Returns when to call again. */
wy_ms resending_push(struct delivery *d);
void resending_sent(struct delivery *d); /* one of them has its fate */
void resending_stop(struct delivery *d); /* the connection is gone */

#endif
