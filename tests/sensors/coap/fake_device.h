/* fake_device.h: a CoAP server for one client on a loopback socket, in the thread of the test.
 *
 * It answers only when the test calls fake_serve, so the order of everything is the test's. It does
 * what it is told, also what no server should do. */
#ifndef FAKE_DEVICE_H
#define FAKE_DEVICE_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FAKE_RESOURCES 4
#define FAKE_TEXT (-1) /* send no Content-Format */
#define FAKE_NO_ACCEPT 0xFFFFFFFFu

struct fake_resource {
	const char *path; /* without the first slash */
	uint8_t code;	  /* 0: 2.05 */
	int format;
	const char *payload;
	size_t len;	    /* 0: strlen(payload) */
	uint32_t max_age_s; /* 0: say none */
	bool is_observable;
	unsigned szx_plus1;   /* 0: no blocks; else block size 16 << (szx_plus1 - 1) */
	unsigned first_block; /* where an answer without a Block2 in its request begins */
	bool has_no_etag;
	bool is_etag_moving;  /* each block claims another state */
	uint32_t only_accept; /* 4.06 to whoever asks for another format; 0: no */
	uint32_t size2;	      /* claimed in Size2; 0: none */
	/* what the client did */
	unsigned n_gets, n_registrations, n_cancels;
	uint32_t last_accept; /* FAKE_NO_ACCEPT: none */
	bool is_watched;
	uint8_t token[8];
	size_t token_len;
};

struct fake_device {
	int fd;
	uint16_t port;
	bool is_silent;
	bool is_resetting; /* RST instead of an answer */
	bool is_holding;   /* requests wait for fake_release */
	uint8_t held[1500]; /* the latest of them */
	size_t held_len;
	uint32_t number;   /* Observe */
	uint16_t mid;
	unsigned n_datagrams, n_resets, n_acks;
	struct sockaddr_in peer;
	struct fake_resource resource[FAKE_RESOURCES];
};

void fake_open(struct fake_device *fake);
void fake_close(struct fake_device *fake);
/* Answer everything that has arrived. */
void fake_serve(struct fake_device *fake);
/* Answer the request that was held, with what the resource says now; hold no more. */
void fake_release(struct fake_device *fake);
/* Send a notification to the watcher of a resource with this Observe number; type 0 CON, 1 NON. */
void fake_notify(struct fake_device *fake, struct fake_resource *resource, uint32_t number,
		 unsigned type);
/* Power cut and back: same address, all observers forgotten. */
void fake_restart(struct fake_device *fake);
/* Send bytes as they are. */
void fake_send(struct fake_device *fake, const void *bytes, size_t len);

#endif
