/* host.c: see host.h. */
#define _GNU_SOURCE
#include "host.h"

#include <stdio.h>
#include <string.h>

static void take_address(struct host *host, const struct addrinfo *found)
{
	memcpy(&host->address, found->ai_addr, found->ai_addrlen);
	host->len = found->ai_addrlen;
	host->is_known = true;
}

void host_init(struct host *host, const char *name, uint16_t port, int socktype)
{
	struct addrinfo *found = NULL;

	*host = (struct host){.name = name};
	snprintf(host->port, sizeof(host->port), "%u", (unsigned)port);
	host->hints.ai_socktype = socktype;
	host->hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV;
	if (getaddrinfo(name, host->port, &host->hints, &found) == 0) {
		take_address(host, found);
		freeaddrinfo(found);
	}
	host->hints.ai_flags = AI_NUMERICSERV;
}

static enum wy_err start(struct host *host)
{
	struct gaicb *list[1] = {&host->request};

	host->request = (struct gaicb){
		.ar_name = host->name, .ar_service = host->port, .ar_request = &host->hints};
	if (getaddrinfo_a(GAI_NOWAIT, list, 1, NULL) != 0)
		return WY_E_LINK;
	host->is_pending = true;
	return WY_E_BUSY;
}

static const struct addrinfo *nth(const struct addrinfo *list, unsigned n)
{
	const struct addrinfo *found = list;

	for (unsigned i = 0; i < n; i++)
		found = found->ai_next ? found->ai_next : list;
	return found;
}

static void finish(struct host *host)
{
	host->is_pending = false;
	if (!host->request.ar_result)
		return;
	/* Bounded: a device that fails for months must not walk the list ever longer. */
	take_address(host, nth(host->request.ar_result, host->look_ups++ % 64));
	freeaddrinfo(host->request.ar_result);
	host->request.ar_result = NULL;
}

enum wy_err host_find(struct host *host)
{
	if (host->is_known)
		return WY_OK;
	if (!host->is_pending)
		return start(host);
	if (gai_error(&host->request) == EAI_INPROGRESS)
		return WY_E_BUSY;
	finish(host);
	return host->is_known ? WY_OK : WY_E_LINK;
}

void host_forget(struct host *host)
{
	/* A look-up fills the request; a number never needed one. */
	if (host->request.ar_name)
		host->is_known = false;
}

void host_release(struct host *host)
{
	const struct gaicb *list[1] = {&host->request};

	if (!host->is_pending)
		return;
	if (gai_cancel(&host->request) == EAI_NOTCANCELED)
		while (gai_error(&host->request) == EAI_INPROGRESS)
			gai_suspend(list, 1, NULL);
	finish(host);
}
