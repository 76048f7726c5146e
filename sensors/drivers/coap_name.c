/* coap_name.c: where a host is, without ever waiting for a name server.
 *
 * Drivers in the loop thread must not block, and getaddrinfo does. glibc's getaddrinfo_a does the
 * same in a thread of its own; it holds on to the request until it is done. */
#include <stdio.h>
#include <string.h>

#include "coap_field.h"

static void take_address(struct coap_name *name, const struct addrinfo *found)
{
	coap_address_init(&name->address);
	memcpy(&name->address.addr, found->ai_addr, found->ai_addrlen);
	name->address.size = found->ai_addrlen;
	name->is_known = true;
}

void coap_name_init(struct coap_name *name, const char *host, uint16_t port)
{
	struct addrinfo *found = NULL;

	*name = (struct coap_name){.host = host};
	snprintf(name->port, sizeof(name->port), "%u", (unsigned)port);
	name->hints.ai_socktype = SOCK_DGRAM;
	name->hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV;
	if (getaddrinfo(host, name->port, &name->hints, &found) == 0) {
		take_address(name, found);
		freeaddrinfo(found);
	}
	name->hints.ai_flags = AI_NUMERICSERV;
}

static enum wy_err start(struct coap_name *name)
{
	struct gaicb *list[1] = {&name->request};

	name->request = (struct gaicb){
		.ar_name = name->host, .ar_service = name->port, .ar_request = &name->hints};
	if (getaddrinfo_a(GAI_NOWAIT, list, 1, NULL) != 0)
		return WY_E_LINK;
	name->is_pending = true;
	return WY_E_BUSY;
}

static const struct addrinfo *nth(const struct addrinfo *list, unsigned n)
{
	const struct addrinfo *found = list;

	for (unsigned i = 0; i < n; i++)
		found = found->ai_next ? found->ai_next : list;
	return found;
}

static void finish(struct coap_name *name)
{
	name->is_pending = false;
	if (!name->request.ar_result)
		return;
	/* Bounded: a device that fails for months must not walk the list ever longer. */
	take_address(name, nth(name->request.ar_result, name->look_ups++ % 64));
	freeaddrinfo(name->request.ar_result);
	name->request.ar_result = NULL;
}

enum wy_err coap_name_find(struct coap_name *name)
{
	if (name->is_known)
		return WY_OK;
	if (!name->is_pending)
		return start(name);
	if (gai_error(&name->request) == EAI_INPROGRESS)
		return WY_E_BUSY;
	finish(name);
	return name->is_known ? WY_OK : WY_E_LINK;
}

void coap_name_forget(struct coap_name *name)
{
	/* A look-up fills the request; a number never needed one. */
	if (name->request.ar_name)
		name->is_known = false;
}

void coap_name_release(struct coap_name *name)
{
	const struct gaicb *list[1] = {&name->request};

	if (!name->is_pending)
		return;
	if (gai_cancel(&name->request) == EAI_NOTCANCELED)
		while (gai_error(&name->request) == EAI_INPROGRESS)
			gai_suspend(list, 1, NULL);
	finish(name);
}
