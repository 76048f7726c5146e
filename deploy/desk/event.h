/* event.h: one message of a gateway, read and judged. Pure: topic and bytes in, verdict out.
 *
 * Trust   Only the topic is trusted, because the broker lets a gateway write under its own name
 *         alone. Everything in the payload is a claim: a source that is not the topic's gateway
 *         is a forgery and is rejected.
 * Life    event_read fills, event_release frees. Texts borrow from `doc` and live as long. */
#ifndef DESK_EVENT_H
#define DESK_EVENT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "clocktypes.h"

#define EVENT_GW_SIZE 33
#define EVENT_EPOCH_SIZE 17
#define EVENT_BOOT_SIZE 41
#define EVENT_KEY_SIZE 129 /* ticket_key, dedup_key */

/* What came beside a payload. */
struct event_hint {
	char id[48];			/* user property "id"; "": none */
	char instance[EVENT_EPOCH_SIZE]; /* user property "instance"; "": none */
	bool is_retained;		/* kept by the broker, from whenever */
};

enum event_verdict {
	EVENT_TICKET, /* a ticket event: inbox and ticket */
	EVENT_GAP,    /* numbers that will not come: they count as come, and nothing else happens */
	EVENT_OTHER,  /* a type unknown here: stored and receipted, nothing more */
	EVENT_REPLY,  /* answer to a command of ours: said, and what is gone for good is noted */
	EVENT_STATE,  /* birth or death: remembered, never receipted (it has no number) */
	EVENT_REJECT, /* not usable, but its number is known: parked and reported in the receipt */
	EVENT_NOISE,  /* not usable and without a number: logged */
};

struct event {
	enum event_verdict verdict;
	char gw[EVENT_GW_SIZE];       /* of the topic */
	char epoch[EVENT_EPOCH_SIZE]; /* "" unknown */
	int64_t seq;                  /* 0 unknown */
	char instance[EVENT_EPOCH_SIZE]; /* process that sent it; "" not told */
	bool is_retained;
	const char *reason;           /* REJECT, NOISE; static text */

	json_t *doc; /* owned; NULL where the payload is no JSON */
	char *body;  /* owned; the payload as text; NULL as above */
	const char *id, *source, *type;

	/* TICKET; texts are never NULL, times 0 where absent */
	const json_t *data;
	const char *ticket_key, *ticket_no, *dedup_key, *condition, *tier, *fault, *asset;
	int64_t episode, rev;
	bool is_ended;    /* cleared, or closed by the gateway */
	bool is_reopened;
	wy_ms detected_ms, opened_ms, cleared_ms;

	/* GAP: data.ranges holds pairs of numbers from 1, first and last; `data` as above */
	int64_t lost; /* how many numbers they are */

	/* STATE */
	bool is_birth;
	int64_t bd_seq, last_seq;
	char boot[EVENT_BOOT_SIZE];
};

/* hint may be NULL. Its id gives a number to a payload that is no JSON, so that it can be reported
 * instead of being sent for ever. Never fails: a message that
 * cannot be used has a verdict that says so. Out of memory is NOISE: the gateway sends again. */
void event_read(struct event *ret_event, const char *topic, const void *payload, size_t len,
		const struct event_hint *hint);
void event_release(struct event *event);

/* "{epoch}-{seq}": 16 lower-case hex digits and a number from 1, without leading zeros. */
bool event_read_id(const char *id, char ret_epoch[static EVENT_EPOCH_SIZE], int64_t *ret_seq);
/* The i-th range of a gap record. False: there are no more. */
bool event_range(const struct event *event, size_t i, int64_t *ret_first, int64_t *ret_last);
/* A stamp of data as text or as Unix milliseconds; 0 if there is none. */
wy_ms event_time(const json_t *data, const char *key);
/* A text of an object; "" if there is none. */
const char *event_text(const json_t *object, const char *key);

#endif
