/* delivery.h: committed events to the platform, and the platform's word back. Joins outbox (when),
 * store (what) and uplink (how); decides nothing about tickets.
 *
 * Life     new, open, then dispatch whenever the descriptor is readable or the due time has come, and
 *          pump after each commit that added events; close for an orderly stop.
 * Threads  the loop thread. */
#ifndef DELIVERY_H
#define DELIVERY_H

#include "clock.h"
#include "config.h"
#include "outbox.h"
#include "store.h"
#include "ticket.h"
#include "uplink.h"

#define DELIVERY_CLOSE_MS 3000        /* an orderly goodbye takes at most this */
#define DELIVERY_BOOT_MS 300000       /* the machine was just switched on: so were those of the whole estate, perhaps */
#define DELIVERY_RETRY_MS 1000        /* after the store could not be read, or would not keep a receipt; the latter doubles ... */
#define DELIVERY_RETRY_MOST_MS 60000  /* ... up to here */
#define DELIVERY_REBIRTH_MS 60000     /* between two births for a platform that takes us for another process */
#define DELIVERY_KEEP_ROWS 20000u     /* receipted events kept for a resend */
#define DELIVERY_KEEP_MS ((wy_ms)7 * 86400 * 1000)

struct delivery;

struct delivery_parts {
	const struct config *config;
	struct store *store;
	struct clock *clock;
	const char *boot;
	uint64_t bundle;  /* rule_set_hash() */
	uint64_t seed;
	struct wy_arena *arena;
	/* The platform reports work on a ticket; the caller makes a turn of it and commits. */
	/* The platform fences this store: mark it so that its next opening begins a new epoch (NULL: cannot). The process
	 * then ends as for a broken store. */
	enum wy_err (*renew_epoch)(void *arg);
	void (*work)(void *arg, const char *ticket_key, enum ticket_node node, uint32_t work_rev);
	void *arg;
};

WY_MUST_CHECK enum wy_err delivery_new(const struct delivery_parts *parts, struct delivery **ret);
/* Starts connecting. Words say what is wrong with the settings or files; it may be called again. The
 * calls below, but for the state, want it done. */
WY_MUST_CHECK enum wy_err delivery_open(struct delivery *delivery, struct wy_buf *words);
int delivery_fd(const struct delivery *delivery);
/* Returns when to call again at the latest, mono. */
wy_ms delivery_dispatch(struct delivery *delivery);
/* Send what is due. Same return. */
wy_ms delivery_pump(struct delivery *delivery);
/* Tells the platform goodbye and disconnects, within DELIVERY_CLOSE_MS; it may be opened again. NULL is fine. */
void delivery_close(struct delivery *delivery);

/* Another configuration and set of rules from now on; what they say of the uplink holds from the next delivery_open() on. */
void delivery_switch(struct delivery *delivery, const struct config *config, uint64_t bundle);
/* Tells the platform anew who we are and what is in force, as soon as there is room for it. */
void delivery_rebirth(struct delivery *delivery);

/* The store is damaged or cannot be read: the process ends and opens it anew. */
bool delivery_is_broken(const struct delivery *delivery);

/* "G2": an event is done when the platform's receipt covers it. "G1": when the broker has taken it; what the broker then
 * loses is lost, and with MQTT 3.1.1 also what it refuses, because there a refusal looks like success. */
const char *delivery_grade(const struct config *config);

struct delivery_state {
	bool is_up;
	int protocol;
	wy_ms since_ms;          /* mono: up or down since */
	char words[200];         /* why it is down */
	wy_ms unconfirmed_ms;    /* oldest event sent and not receipted */
	wy_ms receipt_ms;        /* mono: last receipt; WY_MS_NONE: none yet */
	uint64_t receipted;      /* events since start */
	uint64_t rejected;
	uint64_t taken_over;     /* times another connected under our name */
	struct uplink_counts counts;
};
struct delivery_state delivery_state(const struct delivery *delivery);

#endif
