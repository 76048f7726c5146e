/* coap_gate.c: see coap_gate.h. */
#include "coap_gate.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "wy_limits.h"

#define DATAGRAM_BYTES 2048
#define AT_ONCE 256	   /* datagrams carried in one call */
#define UNPROVEN_MS 15000  /* a handshake takes less */
#define DOOR UINT64_MAX	   /* epoll: the descriptor others see; else index of a way */

/* The head of a DTLS record, and of the handshake message in it (RFC 6347 4.1, 4.2.2) */
enum { RECORD_TYPE = 0, RECORD_EPOCH = 3, RECORD_BYTES = 13, TYPE_HANDSHAKE = 22, TYPE_DATA = 23, HANDSHAKE_HELLO = 1 };

enum wy_err coap_gate_init(struct coap_gate *gate, size_t n_peers, struct wy_arena *arena)
{
	gate->fd = gate->epoll = -1;
	gate->peers = wy_arena_array(arena, n_peers, sizeof(*gate->peers));
	gate->n_peers = n_peers;
	if (!gate->peers)
		return WY_E_LIMIT;
	for (size_t i = 0; i < n_peers; i++)
		for (size_t k = 0; k < 2; k++)
			gate->peers[i].way[k] = (struct coap_way){.fd = -1, .peer = (uint32_t)i};
	return WY_OK;
}

static bool watch(const struct coap_gate *gate, int fd, uint64_t what)
{
	struct epoll_event event = {.events = EPOLLIN, .data.u64 = what};

	return epoll_ctl(gate->epoll, EPOLL_CTL_ADD, fd, &event) == 0;
}

static int bind_door(const char *host, uint16_t port)
{
	struct addrinfo hints = {.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV, .ai_socktype = SOCK_DGRAM};
	struct addrinfo *found;
	char service[8];

	(void)snprintf(service, sizeof(service), "%u", (unsigned)port);
	if (getaddrinfo(host, service, &hints, &found) != 0) {
		errno = EADDRNOTAVAIL;
		return -1;
	}
	int fd = socket(found->ai_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd >= 0 && bind(fd, found->ai_addr, found->ai_addrlen) != 0) {
		int why = errno;
		(void)close(fd);
		fd = -1;
		errno = why;
	}
	freeaddrinfo(found);
	return fd;
}

enum wy_err coap_gate_open(struct coap_gate *gate, const char *host, uint16_t port, uint16_t inside_port)
{
	gate->inside = (struct sockaddr_in){.sin_family = AF_INET,
					    .sin_port = htons(inside_port),
					    .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	gate->fd = bind_door(host, port);
	if (gate->fd >= 0)
		gate->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (gate->fd >= 0 && gate->epoll >= 0 && watch(gate, gate->fd, DOOR))
		return WY_OK;
	coap_gate_close(gate);
	return WY_E_LINK;
}

/* ---- Ways ------------------------------------------------------------------------------------ */

void coap_gate_end(struct coap_gate *gate, struct coap_way *way)
{
	struct coap_peer *peer = &gate->peers[way->peer];
	int fd = way->fd;

	if (fd < 0)
		return;
	way->fd = -1; /* gone() may lead back here */
	gate->gone(gate->arg, way);
	(void)close(fd);
	*way = (struct coap_way){.fd = -1, .peer = way->peer};
	if (peer->way[0].fd < 0 && peer->way[1].fd < 0)
		peer->len = 0;
}

void coap_gate_close(struct coap_gate *gate)
{
	for (size_t i = 0; gate->peers && i < gate->n_peers; i++) {
		coap_gate_end(gate, &gate->peers[i].way[0]);
		coap_gate_end(gate, &gate->peers[i].way[1]);
	}
	if (gate->fd >= 0)
		(void)close(gate->fd);
	if (gate->epoll >= 0)
		(void)close(gate->epoll);
	gate->fd = gate->epoll = -1;
}

static bool open_way(struct coap_gate *gate, struct coap_way *way, uint64_t index)
{
	struct sockaddr_in own = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(own);
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return false;
	if (bind(fd, (struct sockaddr *)&own, sizeof(own)) != 0 ||
	    connect(fd, (struct sockaddr *)&gate->inside, sizeof(gate->inside)) != 0 ||
	    getsockname(fd, (struct sockaddr *)&own, &len) != 0 || !watch(gate, fd, index)) {
		(void)close(fd);
		return false;
	}
	*way = (struct coap_way){.fd = fd, .port = ntohs(own.sin_port), .peer = way->peer};
	return true;
}

struct coap_way *coap_gate_find(struct coap_gate *gate, uint16_t port)
{
	for (size_t i = 0; i < gate->n_peers; i++)
		for (size_t k = 0; k < 2; k++)
			if (gate->peers[i].way[k].fd >= 0 && gate->peers[i].way[k].port == port)
				return &gate->peers[i].way[k];
	return NULL;
}

void coap_gate_prove(struct coap_gate *gate, struct coap_way *way)
{
	struct coap_peer *peer = &gate->peers[way->peer];

	way->is_proven = true;
	coap_gate_end(gate, way == &peer->way[0] ? &peer->way[1] : &peer->way[0]);
}

/* ---- From outside ---------------------------------------------------------------------------- */

static bool is_hello(const uint8_t *bytes, size_t len)
{
	return len > RECORD_BYTES && bytes[RECORD_TYPE] == TYPE_HANDSHAKE && bytes[RECORD_EPOCH] == 0 &&
	       bytes[RECORD_EPOCH + 1] == 0 && bytes[RECORD_BYTES] == HANDSHAKE_HELLO;
}

static struct coap_peer *find_peer(struct coap_gate *gate, const struct sockaddr_storage *at, socklen_t len)
{
	for (size_t i = 0; i < gate->n_peers; i++)
		if (gate->peers[i].len == len && memcmp(&gate->peers[i].at, at, len) == 0)
			return &gate->peers[i];
	return NULL;
}

static wy_ms heard(const struct coap_peer *peer)
{
	return peer->way[0].last_ms > peer->way[1].last_ms ? peer->way[0].last_ms : peer->way[1].last_ms;
}

static bool is_proven(const struct coap_peer *peer)
{
	return peer->way[0].is_proven || peer->way[1].is_proven;
}

/* A free place, or that of the peer silent longest; whoever has proven a key goes last. */
static struct coap_peer *take_place(struct coap_gate *gate)
{
	struct coap_peer *worst = &gate->peers[0];

	for (size_t i = 0; i < gate->n_peers; i++) {
		struct coap_peer *peer = &gate->peers[i];
		if (peer->len == 0)
			return peer;
		if (is_proven(peer) != is_proven(worst) ? is_proven(worst) : heard(peer) < heard(worst))
			worst = peer;
	}
	coap_gate_end(gate, &worst->way[0]);
	coap_gate_end(gate, &worst->way[1]);
	return worst;
}

/* The way still unproven, opened if there is none; NULL: no more hellos for now. */
static struct coap_way *young_way(struct coap_gate *gate, struct coap_peer *peer, wy_ms now_ms)
{
	size_t k = peer->way[0].fd >= 0 && peer->way[0].is_proven ? 1 : 0;
	struct coap_way *way = &peer->way[k];

	if (way->fd >= 0)
		return way;
	if (gate->hello_ms > now_ms + WY_COAP_HELLO_BURST_MS)
		return NULL;
	gate->hello_ms = (gate->hello_ms > now_ms ? gate->hello_ms : now_ms) + WY_COAP_HELLO_MS;
	return open_way(gate, way, (uint64_t)(peer - gate->peers) * 2 + k) ? way : NULL;
}

static struct coap_way *way_of_hello(struct coap_gate *gate, const struct sockaddr_storage *at, socklen_t len,
				     wy_ms now_ms)
{
	struct coap_peer *peer = find_peer(gate, at, len);

	if (!peer) {
		peer = take_place(gate);
		memcpy(&peer->at, at, len);
		peer->len = len;
	}
	struct coap_way *way = young_way(gate, peer, now_ms);
	if (!way && peer->way[0].fd < 0 && peer->way[1].fd < 0)
		peer->len = 0;
	return way;
}

/* Data belong to an association that stands; all else to a handshake, where one is under way. */
static struct coap_way *way_of_rest(struct coap_gate *gate, const struct sockaddr_storage *at, socklen_t len,
				    uint8_t type)
{
	struct coap_peer *peer = find_peer(gate, at, len);

	if (!peer)
		return NULL;
	struct coap_way *proven = peer->way[0].is_proven ? &peer->way[0] : &peer->way[1];
	struct coap_way *young = peer->way[0].is_proven ? &peer->way[1] : &peer->way[0];
	if (proven->fd >= 0 && (type == TYPE_DATA || young->fd < 0))
		return proven;
	return young->fd >= 0 ? young : NULL;
}

static bool carry_in(struct coap_gate *gate, wy_ms now_ms)
{
	uint8_t bytes[DATAGRAM_BYTES];
	struct sockaddr_storage from = {0};
	socklen_t from_len = sizeof(from);
	ssize_t len = recvfrom(gate->fd, bytes, sizeof(bytes), MSG_TRUNC, (struct sockaddr *)&from, &from_len);
	struct coap_way *way = NULL;

	if (len < 0)
		return false;
	if ((size_t)len > RECORD_BYTES && (size_t)len <= sizeof(bytes))
		way = is_hello(bytes, (size_t)len) ? way_of_hello(gate, &from, from_len, now_ms)
						   : way_of_rest(gate, &from, from_len, bytes[RECORD_TYPE]);
	if (!way) {
		gate->n_refused++;
		return true;
	}
	way->in += (uint64_t)len;
	way->last_ms = now_ms;
	(void)!send(way->fd, bytes, (size_t)len, 0);
	return true;
}

/* ---- From inside ----------------------------------------------------------------------------- */

static bool carry_out(struct coap_gate *gate, struct coap_way *way)
{
	uint8_t bytes[DATAGRAM_BYTES];
	const struct coap_peer *peer = &gate->peers[way->peer];
	ssize_t len = way->fd >= 0 ? recv(way->fd, bytes, sizeof(bytes), 0) : -1;

	if (len < 0)
		return false;
	if (!way->is_proven && way->out + (uint64_t)len > WY_COAP_PUSH_FACTOR * way->in) {
		gate->n_refused++;
		return true;
	}
	way->out += (uint64_t)len;
	(void)!sendto(gate->fd, bytes, (size_t)len, 0, (const struct sockaddr *)&peer->at, peer->len);
	return true;
}

/* Handshakes nobody went on with. */
static void sweep(struct coap_gate *gate, wy_ms now_ms)
{
	for (size_t i = 0; i < gate->n_peers; i++)
		for (size_t k = 0; k < 2; k++) {
			struct coap_way *way = &gate->peers[i].way[k];
			if (way->fd >= 0 && now_ms - way->last_ms > (way->is_proven ? WY_COAP_PUSH_IDLE_MS : UNPROVEN_MS))
				coap_gate_end(gate, way);
		}
}

void coap_gate_carry(struct coap_gate *gate, wy_ms now_ms)
{
	struct epoll_event events[32];
	int carried = 0, n = 1;

	if (gate->fd < 0)
		return;
	sweep(gate, now_ms);
	while (n > 0 && carried < AT_ONCE) {
		n = epoll_wait(gate->epoll, events, sizeof(events) / sizeof(events[0]), 0);
		for (int i = 0; i < n; i++, carried++) {
			uint64_t what = events[i].data.u64;
			if (what == DOOR)
				(void)carry_in(gate, now_ms);
			else
				(void)carry_out(gate, &gate->peers[what / 2].way[what % 2]);
		}
	}
}
