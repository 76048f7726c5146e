/* fake_slave.c: one loop: requests in, answers out when they are due. See fake_slave.h. */
#define _GNU_SOURCE
#include "fake_slave.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

int64_t fake_now_ms(void *unused)
{
	struct timespec t;

	(void)unused;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

uint16_t fake_value(unsigned address, unsigned request)
{
	return (uint16_t)((request * 2654435761u >> 16) + address * 31u);
}

static uint16_t crc16(const uint8_t *bytes, size_t n)
{
	uint16_t crc = 0xFFFF;

	for (size_t i = 0; i < n; i++) {
		crc = (uint16_t)(crc ^ bytes[i]);
		for (int bit = 0; bit < 8; bit++)
			crc = (uint16_t)(crc & 1 ? (crc >> 1) ^ 0xA001 : crc >> 1);
	}
	return crc;
}

static void send_at(struct fake_slave *s, int64_t due_ms, const uint8_t *bytes, size_t len)
{
	if (s->n_pending == FAKE_PENDING)
		return;
	s->pending[s->n_pending].due_ms = due_ms;
	s->pending[s->n_pending].born_ms = fake_now_ms(NULL);
	s->pending[s->n_pending].fd = s->fd;
	s->pending[s->n_pending].len = len;
	memcpy(s->pending[s->n_pending].bytes, bytes, len);
	s->n_pending++;
}

static void drop_connection(struct fake_slave *s, bool with_reset)
{
	struct linger linger = {1, 0};

	if (s->is_serial || s->fd < 0)
		return;
	if (with_reset)
		setsockopt(s->fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
	close(s->fd);
	s->fd = -1;
	s->n_in = 0;
	s->n_pending = 0;
}

/* unit, function, data (or exception code) as PDU with the unit in front. */
static size_t make_body(const struct fake_slave *s, const uint8_t *request, unsigned k,
			const struct fake_step *step, uint8_t *body)
{
	unsigned address = (unsigned)(request[2] << 8 | request[3]);
	unsigned count = (unsigned)(request[4] << 8 | request[5]);
	bool is_bits = request[1] <= 2;
	bool is_refused = (s->max_count && count > s->max_count) ||
			  (s->refused && address <= s->refused && s->refused < address + count);

	body[0] = request[0];
	body[1] = request[1];
	if (step->act == FAKE_EXCEPTION || is_refused) {
		body[1] |= 0x80;
		body[2] = is_refused ? 2 : (uint8_t)step->ms;
		return 3;
	}
	if (step->act == FAKE_SHORT)
		count--;
	body[2] = (uint8_t)(is_bits ? (count + 7) / 8 : count * 2);
	for (unsigned i = 0; i < body[2]; i++) {
		uint16_t value = fake_value(address + i / 2, k);
		body[3 + i] = (uint8_t)(is_bits ? k + i : i % 2 ? value : value >> 8);
	}
	if (step->act == FAKE_WRONG_UNIT)
		body[0]++;
	if (step->act == FAKE_WRONG_FUNCTION)
		body[1] ^= 7;
	return 3u + body[2];
}

static size_t make_frame(const struct fake_slave *s, const uint8_t *mbap, const uint8_t *body,
			 size_t len, const struct fake_step *step, uint8_t *frame)
{
	if (s->is_serial) {
		memcpy(frame, body, len);
		uint16_t crc = crc16(frame, len);
		if (step->act == FAKE_BAD_CRC)
			crc ^= 0x5555;
		frame[len] = (uint8_t)crc;
		frame[len + 1] = (uint8_t)(crc >> 8);
		return len + 2;
	}
	memcpy(frame, mbap, 4);
	frame[1] = (uint8_t)(frame[1] + (step->act == FAKE_WRONG_TRANSACTION));
	frame[2] = step->act == FAKE_WRONG_PROTOCOL;
	frame[4] = 0;
	frame[5] = (uint8_t)(len + (step->act == FAKE_WRONG_LENGTH ? 40 : 0));
	memcpy(frame + 6, body, len);
	return len + 6;
}

static void send_frame(struct fake_slave *s, const struct fake_step *step, const uint8_t *frame,
		       size_t len)
{
	int64_t now = fake_now_ms(NULL);

	switch (step->act) {
	case FAKE_SILENT:
		return;
	case FAKE_CLOSE:
	case FAKE_RESET:
		drop_connection(s, step->act == FAKE_RESET);
		return;
	case FAKE_LATE:
		send_at(s, now + step->ms, frame, len);
		return;
	case FAKE_TRUNCATED:
		send_at(s, now, frame, len / 2);
		return;
	case FAKE_DRIP:
		for (size_t i = 0; i < len && i < FAKE_PENDING; i++)
			send_at(s, now + (int64_t)(i * step->ms), frame + i, 1);
		return;
	case FAKE_TWICE:
	case FAKE_TWICE_LATE:
		send_at(s, now, frame, len);
		send_at(s, now + step->ms, frame, len);
		return;
	default:
		send_at(s, now, frame, len);
	}
}

static void answer(struct fake_slave *s, const uint8_t *mbap, const uint8_t *request)
{
	static const struct fake_step plain = {FAKE_ANSWER, 0};
	uint8_t body[300];
	uint8_t frame[310];
	unsigned k = atomic_fetch_add(&s->requests, 1) + 1;
	const struct fake_step *step = k <= s->n_steps ? &s->steps[k - 1] : &plain;

	if (request[1] < 1 || request[1] > 4)
		atomic_fetch_add(&s->writes, 1);
	if (request[0] != s->unit)
		return;
	size_t len = make_body(s, request, k, step, body);
	len = make_frame(s, mbap, body, len, step, frame);
	if (step->act == FAKE_GARBAGE)
		memset(frame, 0xFF, len);
	send_frame(s, step, frame, len);
}

static void read_requests(struct fake_slave *s)
{
	size_t size = s->is_serial ? 8 : 12;
	ssize_t n = read(s->fd, s->in + s->n_in, sizeof(s->in) - s->n_in);

	if (n <= 0) {
		drop_connection(s, false);
		return;
	}
	s->n_in += (size_t)n;
	while (s->n_in >= size) {
		uint8_t request[12];
		memcpy(request, s->in, size);
		s->n_in -= size;
		memmove(s->in, s->in + size, s->n_in);
		/* In a queue of its own the echo would be overtaken: it goes out before anything else. */
		if (s->echoes && write(s->fd, request, size) != (ssize_t)size)
			return;
		answer(s, request, s->is_serial ? request : request + 6);
		if (s->fd < 0)
			return;
	}
}

/* Send what is due; returns milliseconds to the next one, -1: none. */
static int send_due(struct fake_slave *s)
{
	int64_t now = fake_now_ms(NULL);
	int64_t next = -1;

	for (size_t i = 0; i < s->n_pending;) {
		int64_t left = s->pending[i].due_ms - now;
		if (left > 0) {
			next = next < 0 || left < next ? left : next;
			i++;
			continue;
		}
		bool is_kept = !s->latest_ms || now - s->pending[i].born_ms <= s->latest_ms;
		if (is_kept && s->pending[i].fd == s->fd &&
		    write(s->fd, s->pending[i].bytes, s->pending[i].len) < 0)
			s->pending[i].len = 0; /* the peer has gone */
		s->n_pending--;
		memmove(&s->pending[i], &s->pending[i + 1],
			(s->n_pending - i) * sizeof(s->pending[0]));
	}
	return (int)next;
}

static void take_connection(struct fake_slave *s)
{
	int fd = accept(s->listen_fd, NULL, NULL);

	drop_connection(s, false);
	s->fd = fd;
	atomic_fetch_add(&s->connections, 1);
}

static void *run(void *arg)
{
	struct fake_slave *s = arg;

	for (;;) {
		struct pollfd fds[3] = {
			{s->wake[0], POLLIN, 0}, {s->listen_fd, POLLIN, 0}, {s->fd, POLLIN, 0}};
		int timeout = send_due(s);
		if (poll(fds, 3, timeout) < 0 && errno != EINTR)
			return NULL;
		if (fds[0].revents)
			return NULL;
		if (fds[2].revents && s->fd >= 0)
			read_requests(s);
		if (fds[1].revents)
			take_connection(s);
	}
}

static int start(struct fake_slave *s, uint8_t unit, const struct fake_step *steps, size_t n)
{
	s->unit = unit;
	s->steps = steps;
	s->n_steps = n;
	if (pipe(s->wake))
		return -1;
	return pthread_create(&s->thread, NULL, run, s);
}

int fake_start_tcp(struct fake_slave *s, uint8_t unit, const struct fake_step *steps, size_t n)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
				      .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(address);

	s->fd = s->hold_fd = -1;
	s->listen_fd = socket(AF_INET, SOCK_STREAM, 0);
	if (s->listen_fd < 0 || bind(s->listen_fd, (struct sockaddr *)&address, len) ||
	    listen(s->listen_fd, 8) || getsockname(s->listen_fd, (struct sockaddr *)&address, &len))
		return -1;
	s->port = ntohs(address.sin_port);
	return start(s, unit, steps, n);
}

int fake_start_pty(struct fake_slave *s, uint8_t unit, const struct fake_step *steps, size_t n)
{
	struct termios settings;

	s->is_serial = true;
	s->listen_fd = -1;
	s->fd = posix_openpt(O_RDWR | O_NOCTTY);
	if (s->fd < 0 || grantpt(s->fd) || unlockpt(s->fd) ||
	    ptsname_r(s->fd, s->tty, sizeof(s->tty)))
		return -1;
	s->hold_fd = open(s->tty, O_RDWR | O_NOCTTY);
	if (s->hold_fd < 0 || tcgetattr(s->hold_fd, &settings))
		return -1;
	cfmakeraw(&settings);
	if (tcsetattr(s->hold_fd, TCSANOW, &settings))
		return -1;
	return start(s, unit, steps, n);
}

void fake_stop(struct fake_slave *s)
{
	int fds[] = {s->listen_fd, s->fd, s->hold_fd, s->wake[0], s->wake[1]};

	if (write(s->wake[1], "x", 1) == 1)
		pthread_join(s->thread, NULL);
	fds[1] = s->fd;
	for (size_t i = 0; i < sizeof(fds) / sizeof(*fds); i++)
		if (fds[i] >= 0)
			close(fds[i]);
}
