/* fake_device.c: see fake_device.h. Knows just enough of RFC 7252 to read a GET. */
#include "fake_device.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

struct message {
	uint8_t bytes[1400];
	size_t len;
	unsigned option; /* number of the last one */
};

struct request {
	unsigned type, code;
	uint8_t mid[2];
	uint8_t token[8];
	size_t token_len;
	char path[128];
	bool has_observe;
	uint32_t observe, accept, block;
};

void fake_open(struct fake_device *fake)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(at);

	*fake = (struct fake_device){.number = 10, .mid = 0x4000};
	fake->fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	assert_true(fake->fd >= 0);
	assert_int_equal(bind(fake->fd, (struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(getsockname(fake->fd, (struct sockaddr *)&at, &len), 0);
	fake->port = ntohs(at.sin_port);
}

void fake_close(struct fake_device *fake)
{
	if (fake->fd >= 0)
		close(fake->fd);
	fake->fd = -1;
}

void fake_restart(struct fake_device *fake)
{
	fake->number = 2;
	for (size_t i = 0; i < FAKE_RESOURCES; i++)
		fake->resource[i].is_watched = false;
}

void fake_send(struct fake_device *fake, const void *bytes, size_t len)
{
	(void)!sendto(fake->fd, bytes, len, 0, (struct sockaddr *)&fake->peer, sizeof(fake->peer));
}

/* ---- Writing
 * -------------------------------------------------------------------------------------- */

static void put(struct message *message, const void *bytes, size_t len)
{
	assert_true(message->len + len <= sizeof(message->bytes));
	memcpy(message->bytes + message->len, bytes, len);
	message->len += len;
}

static void put_byte(struct message *message, unsigned byte)
{
	uint8_t value = (uint8_t)byte;

	put(message, &value, 1);
}

static void put_option(struct message *message, unsigned number, uint32_t value)
{
	uint8_t bytes[4] = {(uint8_t)(value >> 24), (uint8_t)(value >> 16), (uint8_t)(value >> 8),
			    (uint8_t)value};
	size_t skip = 0;
	unsigned delta = number - message->option;

	while (skip < 4 && bytes[skip] == 0)
		skip++;
	put_byte(message, (delta < 13 ? delta : 13) << 4 | (unsigned)(4 - skip));
	if (delta >= 13)
		put_byte(message, delta - 13);
	put(message, bytes + skip, 4 - skip);
	message->option = number;
}

static void put_head(struct message *message, unsigned type, unsigned code, const uint8_t mid[2],
		     const uint8_t *token, size_t token_len)
{
	put_byte(message, 0x40 | type << 4 | (unsigned)token_len);
	put_byte(message, code);
	put(message, mid, 2);
	put(message, token, token_len);
}

static void put_content(struct message *message, const struct fake_resource *resource,
			const uint32_t *observe, uint32_t block)
{
	size_t len = resource->len ? resource->len : strlen(resource->payload);
	size_t at = 0, size = len;

	if (resource->szx_plus1 > 0) {
		size = (size_t)8 << resource->szx_plus1;
		at = (block >> 4) * size;
		assert_true(at <= len);
		size = len - at < size ? len - at : size;
		if (!resource->has_no_etag)
			put_option(message, 4, resource->is_etag_moving ? (block >> 4) + 1 : 77);
	}
	if (observe)
		put_option(message, 6, *observe);
	if (resource->format != FAKE_TEXT)
		put_option(message, 12, (uint32_t)resource->format);
	if (resource->max_age_s > 0)
		put_option(message, 14, resource->max_age_s);
	if (resource->szx_plus1 > 0)
		put_option(message, 23,
			   (block >> 4) << 4 | (at + size < len ? 8u : 0u) |
				   (resource->szx_plus1 - 1));
	if (resource->size2 > 0)
		put_option(message, 28, resource->size2);
	put_byte(message, 0xFF);
	put(message, resource->payload + at, size);
}

/* ---- Reading
 * -------------------------------------------------------------------------------------- */

static void note_option(struct request *request, unsigned number, const uint8_t *value, size_t len)
{
	uint32_t whole = 0;

	for (size_t i = 0; i < len && len <= 4; i++)
		whole = whole << 8 | value[i];
	if (number == 6) {
		request->has_observe = true;
		request->observe = whole;
	}
	if (number == 11) {
		if (request->path[0])
			strcat(request->path, "/");
		strncat(request->path, (const char *)value, len);
	}
	if (number == 17)
		request->accept = whole;
	if (number == 23)
		request->block = whole;
}

static void read_request(const uint8_t *bytes, size_t len, struct request *request)
{
	size_t at = 4;
	unsigned number = 0;

	assert_true(len >= 4);
	*request = (struct request){.type = bytes[0] >> 4 & 3, .code = bytes[1], .accept = FAKE_NO_ACCEPT};
	memcpy(request->mid, bytes + 2, 2);
	request->token_len = bytes[0] & 15;
	memcpy(request->token, bytes + at, request->token_len);
	at += request->token_len;
	while (at < len && bytes[at] != 0xFF) {
		unsigned delta = bytes[at] >> 4;
		size_t size = bytes[at++] & 15;
		if (delta == 13)
			delta = 13u + bytes[at++];
		if (size == 13)
			size = (size_t)13 + bytes[at++];
		number += delta;
		note_option(request, number, bytes + at, size);
		at += size;
	}
}

static struct fake_resource *find(struct fake_device *fake, const char *path)
{
	for (size_t i = 0; i < FAKE_RESOURCES; i++)
		if (fake->resource[i].path && strcmp(fake->resource[i].path, path) == 0)
			return &fake->resource[i];
	return NULL;
}

static bool watch(struct fake_resource *resource, const struct request *request)
{
	if (!request->has_observe)
		return false;
	if (request->observe == 1) {
		resource->n_cancels++;
		resource->is_watched = false;
		return false;
	}
	resource->n_registrations++;
	if (!resource->is_observable)
		return false;
	resource->is_watched = true;
	resource->token_len = request->token_len;
	memcpy(resource->token, request->token, request->token_len);
	return true;
}

static void answer(struct fake_device *fake, const struct request *request)
{
	struct fake_resource *resource = find(fake, request->path);
	struct message message = {0};
	unsigned type = request->type == 0 ? 2 : 1;
	uint32_t number;

	assert_int_equal(request->code, 1); /* whatever happens, only GET is ever sent */
	if (fake->is_resetting) {
		put_head(&message, 3, 0, request->mid, request->token, 0);
		fake_send(fake, message.bytes, message.len);
		return;
	}
	if (!resource || (resource->code && resource->code >> 5 != 2)) {
		put_head(&message, type, resource ? resource->code : 0x84, request->mid,
			 request->token, request->token_len);
		fake_send(fake, message.bytes, message.len);
		if (resource)
			resource->n_gets++;
		return;
	}
	resource->n_gets++;
	resource->last_accept = request->accept;
	if (resource->only_accept && request->accept != FAKE_NO_ACCEPT && request->accept != resource->only_accept) {
		put_head(&message, type, 0x86, request->mid, request->token, request->token_len);
		fake_send(fake, message.bytes, message.len);
		return;
	}
	bool is_new = watch(resource, request);
	number = ++fake->number;
	put_head(&message, type, resource->code ? resource->code : 0x45, request->mid,
		 request->token, request->token_len);
	put_content(&message, resource, is_new ? &number : NULL,
		    request->block ? request->block : resource->first_block << 4);
	fake_send(fake, message.bytes, message.len);
}

void fake_serve(struct fake_device *fake)
{
	uint8_t bytes[1500];
	struct sockaddr_in from;
	socklen_t from_len = sizeof(from);
	struct request request;
	ssize_t len;

	if (fake->fd < 0)
		return;
	while ((len = recvfrom(fake->fd, bytes, sizeof(bytes), 0, (struct sockaddr *)&from,
			       &from_len)) > 0) {
		fake->n_datagrams++;
		if (fake->is_silent)
			continue;
		fake->peer = from;
		if (fake->is_holding && (bytes[0] >> 4 & 3) < 2) {
			memcpy(fake->held, bytes, (size_t)len);
			fake->held_len = (size_t)len;
			continue;
		}
		read_request(bytes, (size_t)len, &request);
		fake->n_resets += request.type == 3;
		fake->n_acks += request.type == 2;
		if (request.code != 0 && request.code >> 5 == 0)
			answer(fake, &request);
	}
}

void fake_release(struct fake_device *fake)
{
	struct request request;

	assert_true(fake->held_len > 0);
	read_request(fake->held, fake->held_len, &request);
	answer(fake, &request);
	fake->held_len = 0;
	fake->is_holding = false;
}

void fake_notify(struct fake_device *fake, struct fake_resource *resource, uint32_t number,
		 unsigned type)
{
	struct message message = {0};
	uint8_t mid[2] = {(uint8_t)(fake->mid >> 8), (uint8_t)fake->mid};

	fake->mid++;
	put_head(&message, type, resource->code ? resource->code : 0x45, mid, resource->token,
		 resource->token_len);
	if (resource->code && resource->code >> 5 != 2) {
		resource->is_watched = false;
	} else {
		put_content(&message, resource, &number, 0);
	}
	fake_send(fake, message.bytes, message.len);
}
