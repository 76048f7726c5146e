/* coap_gate.h: the door of the CoAP listener: datagrams between strangers outside and libcoap inside.
 *
 * libcoap listens on a loopback port only; the gate owns the socket that others see, and gives each peer a loopback
 * socket of its own, a way. So that:
 *
 *   - what is not DTLS, or not a beginning, from a peer nobody knows reaches nothing and gets no answer;
 *   - a peer that has not proven its key never gets more than WY_COAP_PUSH_FACTOR times the bytes it sent;
 *   - a sensor that lost its memory and begins anew from the same port is let in at once (RFC 6347 4.2.8): libcoap takes
 *     its hello for a stray of the old association. Here it comes by a second way, and only when it has proven its key
 *     is the old one closed, so that nobody is thrown out by a hello that somebody forged.
 *
 * Knows no CoAP and no keys: who has proven himself is said by the caller. */
#ifndef COAP_GATE_H
#define COAP_GATE_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "arena.h"
#include "clocktypes.h"
#include "err.h"

struct coap_way {
	int fd;		 /* -1: closed */
	uint16_t port;	 /* of fd: how libcoap knows the peer */
	uint32_t peer;	 /* index */
	uint64_t in, out; /* bytes */
	wy_ms last_ms;	 /* heard */
	bool is_proven;
	void *arg; /* the caller's, NULL at first */
};

struct coap_peer {
	struct sockaddr_storage at;
	socklen_t len; /* 0: free */
	struct coap_way way[2];
};

struct coap_gate {
	int fd, epoll; /* -1: closed */
	struct sockaddr_in inside;
	struct coap_peer *peers;
	size_t n_peers;
	wy_ms hello_ms; /* when the next hello of a stranger is taken: they come at a bounded rate */
	uint32_t n_refused; /* datagrams dropped: strangers, floods, answers beyond the factor */
	/* A way ends, whoever ended it; called before its descriptor is closed. */
	void (*gone)(void *arg, struct coap_way *way);
	void *arg;
};

/* Set the room aside; closed. n_peers at once; the one silent longest, unproven first, makes room. WY_E_LIMIT. */
WY_MUST_CHECK enum wy_err coap_gate_init(struct coap_gate *gate, size_t n_peers, struct wy_arena *arena);
/* Open the door at an address of ours, a number; inside_port is libcoap's on 127.0.0.1. WY_E_LINK with errno. */
WY_MUST_CHECK enum wy_err coap_gate_open(struct coap_gate *gate, const char *host, uint16_t port, uint16_t inside_port);
void coap_gate_close(struct coap_gate *gate);
/* Carry what has arrived on either side, a bounded number. */
void coap_gate_carry(struct coap_gate *gate, wy_ms now_ms);
/* The way of a loopback port, or NULL. */
struct coap_way *coap_gate_find(struct coap_gate *gate, uint16_t port);
/* Its key is proven: the other way of this peer, if there is one, ends. */
void coap_gate_prove(struct coap_gate *gate, struct coap_way *way);
void coap_gate_end(struct coap_gate *gate, struct coap_way *way);

#endif
