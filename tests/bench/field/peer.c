/* peer.c: field_peer PORT: a Modbus/TCP server for benchmarks: any unit, any function that reads, on every address of the
 * machine. Quick, and without judgement, but for writes.
 *
 * SIGUSR1 begins a measurement anew, SIGTERM ends it: one line of JSON says how many requests came, on how many
 * connections, and how far the requests of a connection were apart. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { FD_MOST = 8192, INTERVALS_MOST = 4000000, ADU = 260 };

static struct connection {
	bool is_open;
	double last_ms;
	size_t n_in;
	uint8_t in[2 * ADU];
} connections[FD_MOST];

static float *intervals;
static size_t n_intervals, n_requests, n_open, n_writes;

static double now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static void forget(void)
{
	n_intervals = n_requests = 0;
	for (int fd = 0; fd < FD_MOST; fd++)
		connections[fd].last_ms = 0;
}

static int by_size(const void *a, const void *b)
{
	float x = *(const float *)a, y = *(const float *)b;

	return (x > y) - (x < y);
}

static double part(double p)
{
	return n_intervals ? (double)intervals[(size_t)((double)(n_intervals - 1) * p)] : 0;
}

static void tell(void)
{
	qsort(intervals, n_intervals, sizeof(*intervals), by_size);
	printf("{\"requests\": %zu, \"connections\": %zu, \"writes\": %zu, \"p01\": %.3f, \"p50\": %.3f, \"p99\": %.3f, \"p999\": %.3f, "
	       "\"most\": %.3f}\n",
	       n_requests, n_open, n_writes, part(0.01), part(0.5), part(0.99), part(0.999), part(1));
	fflush(stdout);
}

static void note(struct connection *connection)
{
	double at_ms = now_ms();

	n_requests++;
	if (connection->last_ms > 0 && n_intervals < INTERVALS_MOST)
		intervals[n_intervals++] = (float)(at_ms - connection->last_ms);
	connection->last_ms = at_ms;
}

static size_t answer(const uint8_t *request, uint8_t *out)
{
	unsigned address = (unsigned)(request[8] << 8 | request[9]);
	unsigned count = (unsigned)(request[10] << 8 | request[11]);
	bool is_bits = request[7] <= 2;
	size_t bytes = is_bits ? (count + 7) / 8 : (size_t)count * 2;

	memcpy(out, request, 8);
	if (request[7] < 1 || request[7] > 4 || bytes > 250) {
		n_writes += request[7] < 1 || request[7] > 4;
		out[7] |= 0x80;
		out[8] = 1;
		bytes = 0;
	} else {
		out[8] = (uint8_t)bytes;
		for (size_t i = 0; i < bytes; i++)
			out[9 + i] = (uint8_t)(address + i);
	}
	size_t rest = 3 + bytes;
	out[4] = (uint8_t)(rest >> 8);
	out[5] = (uint8_t)rest;
	return 6 + rest;
}

/* false: the other side has ended. */
static bool serve(int fd)
{
	struct connection *connection = &connections[fd];
	ssize_t n = recv(fd, connection->in + connection->n_in, sizeof(connection->in) - connection->n_in, MSG_DONTWAIT);

	if (n <= 0)
		return false;
	connection->n_in += (size_t)n;
	while (connection->n_in >= 12) {
		uint8_t out[ADU + 16];
		note(connection);
		size_t len = answer(connection->in, out);
		if (send(fd, out, len, MSG_NOSIGNAL) != (ssize_t)len)
			return false;
		connection->n_in -= 12;
		memmove(connection->in, connection->in + 12, connection->n_in);
	}
	return true;
}

static void watch(int epoll_fd, int fd)
{
	struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};

	if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event))
		exit(1);
}

static void take_connection(int epoll_fd, int listen_fd)
{
	int one = 1;
	int fd = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC);

	if (fd < 0)
		return;
	if (fd >= FD_MOST) {
		close(fd);
		return;
	}
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	connections[fd] = (struct connection){.is_open = true};
	n_open++;
	watch(epoll_fd, fd);
}

static int listen_on(uint16_t port)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
	int one = 1;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)) || listen(fd, 2000)) {
		perror("field_peer");
		exit(1);
	}
	return fd;
}

static int catch_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigprocmask(SIG_BLOCK, &set, NULL);
	return signalfd(-1, &set, SFD_CLOEXEC);
}

int main(int argc, char **argv)
{
	struct rlimit limit = {FD_MOST, FD_MOST};
	int epoll_fd = epoll_create1(EPOLL_CLOEXEC);

	if (argc != 2)
		return 2;
	(void)setrlimit(RLIMIT_NOFILE, &limit);
	intervals = malloc(INTERVALS_MOST * sizeof(*intervals));
	if (!intervals)
		return 1;
	int listen_fd = listen_on((uint16_t)strtoul(argv[1], NULL, 10));
	int signal_fd = catch_signals();
	watch(epoll_fd, listen_fd);
	watch(epoll_fd, signal_fd);
	for (;;) {
		struct epoll_event events[64];
		int n = epoll_wait(epoll_fd, events, 64, -1);
		for (int i = 0; i < n; i++) {
			int fd = events[i].data.fd;
			struct signalfd_siginfo info;
			if (fd == listen_fd) {
				take_connection(epoll_fd, fd);
			} else if (fd != signal_fd) {
				if (!serve(fd)) {
					n_open--;
					close(fd);
				}
			} else if (read(fd, &info, sizeof(info)) == sizeof(info) && info.ssi_signo == SIGUSR1) {
				forget();
			} else {
				tell();
				return 0;
			}
		}
	}
}
