/* host.h: where a host is, without ever waiting for a name server.
 *
 * A number is known at once. A name is looked up in a thread of libc's own (getaddrinfo_a), which holds on to the request
 * until it is done: a host must not move in memory while it is looked up.
 *
 * Life     init, any number of find and forget, release.
 * Threads  one thread. */
#ifndef SENSOR_HOST_H
#define SENSOR_HOST_H

#include <netdb.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "err.h"

struct host {
	const char *name; /* borrowed */
	char port[8];
	bool is_known;
	bool is_pending;
	unsigned look_ups; /* a name may have several addresses: each look-up takes the next one */
	struct sockaddr_storage address; /* valid with is_known */
	socklen_t len;
	struct addrinfo hints;
	struct gaicb request;
};

/* socktype: SOCK_STREAM or SOCK_DGRAM. */
void host_init(struct host *host, const char *name, uint16_t port, int socktype);
/* WY_E_BUSY: being looked up, ask again; WY_E_LINK: no such host. */
WY_MUST_CHECK enum wy_err host_find(struct host *host);
/* Forget the address of a name, so that a host that moved is found again. Numbers stay. */
void host_forget(struct host *host);
void host_release(struct host *host);

#endif
