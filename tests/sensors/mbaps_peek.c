/* mbaps_peek.c: mbaps_peek FOLDER CLIENT PORT NAME READS [SESSIONS]: reads ten holding registers from 100 of unit 1 so
 * many times over Modbus/TCP Security, with FOLDER/CLIENT.crt, .key and FOLDER/ca.crt, and prints as JSON what came of
 * it.
 *
 * A small waiting loop around the non-blocking session: the session's own tests use it against servers that are not
 * ours. With SESSIONS it opens so many at once and says what memory they take. */
#define _GNU_SOURCE

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "modbus_tls.h"

enum { LIMIT_MS = 20000, SESSIONS_MAX = 1000 };

static struct wy_diags diags;
static unsigned steps;

static long now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static int dial(const char *port)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	to.sin_port = htons((uint16_t)strtoul(port, NULL, 10));
	if (connect(fd, (struct sockaddr *)&to, sizeof(to))) {
		perror("mbaps_peek: connect");
		exit(1);
	}
	fcntl(fd, F_SETFL, O_NONBLOCK);
	return fd;
}

/* Wait for the socket; false: the time is over. */
static bool wait_for(int fd, const struct modbus_tls_session *session, long until_ms)
{
	struct pollfd wait = {.fd = fd, .events = modbus_tls_wants_write(session) ? POLLOUT : POLLIN};
	long left = until_ms - now_ms();

	return left > 0 && poll(&wait, 1, (int)left) >= 0 && now_ms() < until_ms;
}

static enum wy_err shake(int fd, struct modbus_tls_session *session)
{
	long until = now_ms() + LIMIT_MS;
	enum wy_err err;

	while ((err = modbus_tls_step(session)) == WY_E_BUSY) {
		steps++;
		if (!wait_for(fd, session, until))
			return WY_E_TIMEOUT;
	}
	return err;
}

/* 0: received; otherwise what ended it. */
static const char *receive(int fd, struct modbus_tls_session *session, uint8_t *bytes, size_t n)
{
	long until = now_ms() + LIMIT_MS;

	for (size_t have = 0; have < n;) {
		ssize_t got = modbus_tls_recv(session, bytes + have, n - have);
		if (got == 0)
			return "closed";
		if (got < 0 && errno != EAGAIN)
			return errno == EPROTO ? "violated" : "broken";
		if (got < 0 && !wait_for(fd, session, until))
			return "timeout";
		have += got > 0 ? (size_t)got : 0;
	}
	return NULL;
}

/* One request and its answer, printed; what ended the connection, or NULL. */
static const char *read_once(int fd, struct modbus_tls_session *session, unsigned k)
{
	uint8_t request[12] = {0, (uint8_t)k, 0, 0, 0, 6, 1, 3, 0, 100, 0, 10}, answer[300];

	while (modbus_tls_send(session, request, sizeof(request)) < 0)
		if (errno != EAGAIN || !wait_for(fd, session, now_ms() + LIMIT_MS))
			return "broken";
	const char *end = receive(fd, session, answer, 9);
	if (end)
		return end;
	if (answer[1] != (uint8_t)k)
		return "of another request";
	if (answer[7] & 0x80) {
		printf("%s{\"exception\": %u}", k > 1 ? ", " : "", answer[8]);
		return NULL;
	}
	end = receive(fd, session, answer + 9, answer[8]);
	if (end)
		return end;
	printf("%s[", k > 1 ? ", " : "");
	for (unsigned i = 0; i + 1 < answer[8]; i += 2)
		printf("%s%u", i ? ", " : "", (unsigned)(answer[9 + i] << 8 | answer[10 + i]));
	printf("]");
	return NULL;
}

static long resident_kb(void)
{
	char line[200];
	long kb = 0;
	FILE *file = fopen("/proc/self/status", "r");

	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "VmRSS: %ld", &kb) == 1)
			break;
	if (file)
		fclose(file);
	return kb;
}

static int measure(struct modbus_tls_conf *conf, const char *port, const char *name, unsigned n)
{
	static struct modbus_tls_session *sessions[SESSIONS_MAX];
	static int fds[SESSIONS_MAX];
	long before = 0, began = now_ms();

	for (unsigned i = 0; i < n && i < SESSIONS_MAX; i++) {
		fds[i] = dial(port);
		if (modbus_tls_open(conf, name, fds[i], &sessions[i]) || shake(fds[i], sessions[i]))
			return 1;
		if (i == 0)
			before = resident_kb();
	}
	printf("{\"sessions\": %u, \"kb_each\": %.1f, \"ms_each\": %.2f}\n", n,
	       (double)(resident_kb() - before) / (n - 1), (double)(now_ms() - began) / n);
	for (unsigned i = 0; i < n; i++) {
		modbus_tls_close(sessions[i]);
		close(fds[i]);
	}
	return 0;
}

static void run(struct modbus_tls_conf *conf, char **argv)
{
	struct modbus_tls_session *session;
	const char *end = NULL;
	int fd = dial(argv[3]);

	if (modbus_tls_open(conf, argv[4], fd, &session))
		exit(1);
	enum wy_err err = shake(fd, session);
	printf(", \"handshake\": \"%s\", \"answers\": [", wy_err_text(err));
	for (unsigned k = 1; !err && !end && k <= strtoul(argv[5], NULL, 10); k++)
		end = read_once(fd, session, k);
	printf("], \"end\": \"%s\", \"why\": \"%s\", \"steps\": %u", end ? end : "", modbus_tls_why(session), steps);
	modbus_tls_close(session);
	close(fd);
}

int main(int argc, char **argv)
{
	static unsigned char memory[1 << 16];
	struct wy_arena arena;
	struct modbus_tls *tls;
	struct modbus_tls_conf *conf;
	char ca[4096], certificate[4096], key[4096];

	if (argc < 6) {
		fprintf(stderr, "usage: mbaps_peek FOLDER CLIENT PORT NAME READS [SESSIONS]\n");
		return 2;
	}
	snprintf(ca, sizeof(ca), "%s/ca.crt", argv[1]);
	snprintf(certificate, sizeof(certificate), "%s/%s.crt", argv[1], argv[2]);
	snprintf(key, sizeof(key), "%s/%s.key", argv[1], argv[2]);
	struct sensor_wire_conf wire = {
		.id = "w", .tls_ca = ca, .tls_certificate = certificate, .tls_key = key, .tls_name = argv[4]};
	wy_arena_init(&arena, memory, sizeof(memory));
	wy_diags_init(&diags, &arena);
	enum wy_err err = modbus_tls_new(0, &tls);
	if (!err)
		err = modbus_tls_load(tls, &wire, &diags, &conf);
	if (!err && argc > 6) {
		int rc = measure(conf, argv[3], argv[4], (unsigned)strtoul(argv[6], NULL, 10));
		modbus_tls_free(tls);
		return rc;
	}
	printf("{\"codes\": [");
	for (size_t i = 0; i < diags.n; i++)
		printf("%s\"%s\"", i ? ", " : "", diags.item[i].code);
	printf("], \"load\": \"%s\", \"role\": \"%s\"", wy_err_text(err), err ? "" : modbus_tls_role(conf));
	if (!err)
		run(conf, argv);
	printf("}\n");
	modbus_tls_free(tls);
	return 0;
}
