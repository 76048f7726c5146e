/* fake_uplink.h: stands in place of gateway/uplink: a connection that does what the test says. Goes with idle_uplink.c. */
#ifndef FAKE_UPLINK_H
#define FAKE_UPLINK_H

#include "uplink.h"

enum { FAKE_SENT_MAX = 256 };

struct fake_sent {
	uint64_t token;
	char topic[128];
	char payload[4096]; /* its beginning */
	bool retain;
};

struct fake_uplink {
	struct uplink_handler handler;
	bool is_up;
	unsigned room;
	int protocol;		   /* of the next session; 0: 5 */
	enum wy_err open_err;	   /* what the next opening returns, and its words */
	const char *open_words;
	wy_ms first_wait_ms;	   /* asked for at the opening */
	enum wy_err publish_err;   /* what the next publishes return; WY_E_LINK takes the room too */
	uint64_t publish_err_token; /* 0: of all, else of this one */
	struct fake_sent sent[FAKE_SENT_MAX];
	size_t n_sent;
	unsigned n_hurries;
	char will[4096], last[4096];
};

struct fake_uplink *fake_uplink(void); /* the one there is */
void fake_uplink_reset(void);
/* Connects: prepare, then up. */
enum wy_err fake_uplink_connect(unsigned room);
void fake_uplink_lose(void); /* LOST for each in flight, then down */
void fake_uplink_down(enum uplink_cause cause, const char *words); /* down, without a word on what is in flight */
void fake_uplink_fate(uint64_t token, enum uplink_fate fate, uint8_t reason);
void fake_uplink_receive(const char *topic, const char *text);
/* How often an event was published. */
unsigned fake_uplink_count(uint64_t token);

#endif
