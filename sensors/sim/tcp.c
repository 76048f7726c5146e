/* tcp.c: a listening port and its connections. */
#define _GNU_SOURCE
#include "wire.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define LISTEN_RETRY_MS 100 /* the port is held by somebody after a plug: try again */

struct client {
	struct sim_pipe pipe; /* first: a pipe is its client */
	struct sim_tcp *tcp;
	struct client *next;
};

struct sim_tcp {
	struct sim_world *world;
	struct sim_wire *wire;
	struct sim_source source; /* fd -1: not listening */
	struct sim_timer retry;
	struct client *clients;
	size_t n_clients;
};

static void drop_client(struct sim_pipe *pipe)
{
	struct client *client = (struct client *)pipe;
	struct client **at = &client->tcp->clients;

	while (*at != client)
		at = &(*at)->next;
	*at = client->next;
	client->tcp->n_clients--;
	sim_pipe_close(pipe);
	free(client);
}

static void came_in(void *arg, uint32_t events)
{
	struct sim_tcp *tcp = arg;
	int one = 1;
	int fd = accept4(tcp->source.fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	struct client *client = NULL;

	(void)events;
	if (fd < 0)
		return;
	bool is_taken = tcp->n_clients > 0 &&
			sim_wire_is(tcp->world->building, tcp->wire, SIM_QUIRK_one_client, NULL);
	if (tcp->n_clients < SIM_CLIENTS_MAX && !is_taken)
		client = calloc(1, sizeof(*client));
	if (!client || sim_pipe_open(&client->pipe, tcp->world, tcp->wire, fd, drop_client)) {
		free(client);
		close(fd);
		return;
	}
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	client->tcp = tcp;
	client->next = tcp->clients;
	tcp->clients = client;
	tcp->n_clients++;
}

static int bound_socket(const struct sim_wire *wire)
{
	struct addrinfo hints = {.ai_flags = AI_PASSIVE | AI_NUMERICSERV,
				 .ai_socktype = SOCK_STREAM};
	struct addrinfo *found;
	char port[8];
	int one = 1;

	(void)snprintf(port, sizeof(port), "%u", wire->port);
	if (getaddrinfo(wire->host, port, &hints, &found)) {
		errno = EADDRNOTAVAIL;
		return -1;
	}
	int fd = socket(found->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd >= 0 && (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) ||
			bind(fd, found->ai_addr, found->ai_addrlen) || listen(fd, 64))) {
		int why = errno;
		close(fd);
		errno = why;
		fd = -1;
	}
	freeaddrinfo(found);
	return fd;
}

static uint16_t port_of(int fd)
{
	struct sockaddr_storage address;
	socklen_t len = sizeof(address);

	if (getsockname(fd, (struct sockaddr *)&address, &len))
		return 0;
	if (address.ss_family == AF_INET6)
		return ntohs(((struct sockaddr_in6 *)&address)->sin6_port);
	return ntohs(((struct sockaddr_in *)&address)->sin_port);
}

static enum wy_err start_listening(struct sim_tcp *tcp)
{
	tcp->source.fd = bound_socket(tcp->wire);
	if (tcp->source.fd < 0)
		return WY_E_LINK;
	tcp->wire->port = port_of(tcp->source.fd);
	return sim_loop_add(tcp->world->loop, &tcp->source, EPOLLIN);
}

static void stop_listening(struct sim_tcp *tcp)
{
	if (tcp->source.fd < 0)
		return;
	sim_loop_remove(tcp->world->loop, &tcp->source);
	close(tcp->source.fd);
	tcp->source.fd = -1;
}

static void listen_again(void *arg)
{
	struct sim_tcp *tcp = arg;

	if (tcp->source.fd < 0 && start_listening(tcp))
		sim_timer_set(tcp->world->loop, &tcp->retry, sim_now_ms() + LISTEN_RETRY_MS);
}

enum wy_err sim_tcp_open(struct sim_world *world, struct sim_wire *wire, struct sim_tcp **ret_tcp)
{
	struct sim_tcp *tcp = calloc(1, sizeof(*tcp));

	if (!tcp)
		return WY_E_NOMEM;
	tcp->world = world;
	tcp->wire = wire;
	tcp->source = (struct sim_source){-1, came_in, tcp};
	tcp->retry.fire = listen_again;
	tcp->retry.arg = tcp;
	if (start_listening(tcp)) {
		int why = errno;
		stop_listening(tcp);
		free(tcp);
		errno = why;
		return WY_E_LINK;
	}
	*ret_tcp = tcp;
	return WY_OK;
}

static bool has_power(const struct sim_tcp *tcp)
{
	for (size_t i = 0; i < tcp->wire->n_devices; i++)
		if (!tcp->world->building->devices[tcp->wire->devices[i]].is_unplugged)
			return true;
	return false;
}

void sim_tcp_plugged(struct sim_tcp *tcp, uint32_t device)
{
	for (struct client *c = tcp->clients; c; c = c->next)
		sim_pipe_forget(&c->pipe, device);
	if (has_power(tcp)) {
		listen_again(tcp);
		return;
	}
	sim_timer_stop(tcp->world->loop, &tcp->retry);
	stop_listening(tcp);
	while (tcp->clients)
		drop_client(&tcp->clients->pipe);
}

void sim_tcp_close(struct sim_tcp *tcp)
{
	if (!tcp)
		return;
	sim_timer_stop(tcp->world->loop, &tcp->retry);
	stop_listening(tcp);
	while (tcp->clients)
		drop_client(&tcp->clients->pipe);
	free(tcp);
}
