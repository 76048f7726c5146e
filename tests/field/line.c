/* line.c: see line.h. A peer is a connection (TCP), an address (UDP) or the one line (pty): bytes of its requests that
 * are not whole yet, the way to the far side, and the parcels under way to it. */
#define _GNU_SOURCE
#include "line.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <termios.h>
#include <unistd.h>

enum { HELD_MOST_MS = 60000 };

struct stream {
	size_t n;
	uint8_t bytes[2048];
};

struct line_peer {
	struct scene_end near; /* pty and UDP: fd is that of the line, and not watched here */
	struct scene_end far;  /* fd -1: none, answers come from conf.answer */
	struct line *line;
	struct line_peer *next;
	struct sockaddr_in address; /* UDP */
	struct stream requests, answers;
	struct parcel *parcels;
	wy_ms asked_ms; /* the latest request */
	bool is_swallowing;
};

/* One answer under way. */
struct parcel {
	struct scene_due due;
	struct line_peer *peer;
	struct parcel *next;
	wy_ms asked_ms;
	size_t sent;
	struct fault_act act;
};

static void deliver(struct scene_due *due);
static void drop_peer(struct line_peer *peer, bool with_reset);

/* ---- Parcels ------------------------------------------------------ */

static void free_parcel(struct parcel *parcel)
{
	struct parcel **at = &parcel->peer->parcels;

	while (*at != parcel)
		at = &(*at)->next;
	*at = parcel->next;
	scene_call_off(parcel->peer->line->scene, &parcel->due);
	free(parcel);
}

/* The answer comes to this peer's parcels; `after_ms` is the time the far side takes for it. */
static void take_answer(struct line_peer *peer, const uint8_t *answer, size_t n, wy_ms after_ms)
{
	struct line *line = peer->line;
	struct parcel *parcel = calloc(1, sizeof(*parcel));

	if (!parcel)
		abort();
	parcel->peer = peer;
	parcel->due.act = deliver;
	parcel->asked_ms = peer->asked_ms;
	faults_choose(&line->faults, answer, n, &parcel->act);
	parcel->next = peer->parcels;
	peer->parcels = parcel;
	wy_ms wait_ms = after_ms + (parcel->act.is_held ? HELD_MOST_MS : parcel->act.wait_ms);
	scene_set(line->scene, &parcel->due, line->scene->now_ms + wait_ms);
}

static void send_bytes(struct line_peer *peer, const uint8_t *bytes, size_t n)
{
	const struct sockaddr *to = (const struct sockaddr *)&peer->address;
	enum line_kind kind = peer->line->conf.kind;

	/* A peer that has gone, or takes nothing any more, loses them: so it is on a wire. */
	if (kind == LINE_UDP)
		(void)!sendto(peer->near.fd, bytes, n, MSG_NOSIGNAL, to, sizeof(peer->address));
	else if (kind == LINE_TCP)
		(void)!send(peer->near.fd, bytes, n, MSG_NOSIGNAL);
	else
		(void)!write(peer->near.fd, bytes, n);
}

/* An answer that was held back follows the one that has gone. */
static void release_held(struct line_peer *peer)
{
	for (struct parcel *p = peer->parcels; p; p = p->next) {
		if (!p->act.is_held)
			continue;
		p->act.is_held = false;
		scene_set(peer->line->scene, &p->due, peer->line->scene->now_ms);
	}
}

static bool is_too_late(const struct parcel *parcel)
{
	const struct line *line = parcel->peer->line;
	wy_ms most = line->conf.latest_ms;

	return most && !parcel->sent && line->scene->now_ms - parcel->asked_ms > most;
}

/* The end a fault makes of a connection. The peer is gone afterwards where true. */
static bool make_end(struct line_peer *peer, enum fault_end end)
{
	switch (end) {
	case FAULT_GO_ON:
		return false;
	case FAULT_END_BLACK_HOLE:
		peer->is_swallowing = true;
		return false;
	case FAULT_END_HALF_OPEN:
		peer->line->is_next_half_open = true;
		drop_peer(peer, true);
		return true;
	default:
		drop_peer(peer, end == FAULT_END_RESET);
		return true;
	}
}

/* Bytes that go in one piece. What comes twice as datagrams comes as two. */
static size_t piece_of(const struct line *line, const struct fault_act *act, size_t left)
{
	if (act->gap_ms && left > 1)
		return 1;
	return line->conf.kind == LINE_UDP && act->fault == FAULT_duplicate ? act->n / 2 : left;
}

static void deliver(struct scene_due *due)
{
	struct parcel *parcel = (struct parcel *)due;
	struct line_peer *peer = parcel->peer;
	struct fault_act *act = &parcel->act;
	size_t left = act->n - parcel->sent;

	if (is_too_late(parcel)) {
		peer->line->n_too_late++;
		free_parcel(parcel);
		return;
	}
	size_t now = piece_of(peer->line, act, left);
	if (now && !peer->is_swallowing)
		send_bytes(peer, act->bytes + parcel->sent, now);
	parcel->sent += now;
	if (now < left) {
		scene_set(peer->line->scene, due, peer->line->scene->now_ms + act->gap_ms);
		return;
	}
	enum fault_end end = act->end;
	free_parcel(parcel);
	if (!make_end(peer, end) && now)
		release_held(peer);
}

/* ---- Frames ------------------------------------------------------- */

static void pass_on(struct line_peer *peer, const uint8_t *request, size_t n)
{
	const struct line_conf *conf = &peer->line->conf;
	uint8_t answer[LINE_ANSWER_MOST];
	wy_ms wait_ms = 0;

	if (conf->answer) {
		size_t len = conf->answer(conf->answer_arg, request, n, answer, &wait_ms);
		if (len)
			take_answer(peer, answer, len, wait_ms);
	} else if (peer->far.fd >= 0) {
		(void)!write(peer->far.fd, request, n);
	}
}

static void take_request(struct line_peer *peer, const uint8_t *request, size_t n)
{
	struct line *line = peer->line;
	enum frame_kind frames = line->conf.faults.frames;
	size_t at = frame_head(frames) + 1;

	line->n_requests++;
	if (frames != FRAME_DATAGRAM && (n <= at || request[at] < 1 || request[at] > 4))
		line->n_writes++;
	peer->asked_ms = line->scene->now_ms;
	if (line->conf.has_echo)
		send_bytes(peer, request, n);
	if (!peer->is_swallowing && !line->is_dead)
		pass_on(peer, request, n);
}

/* Cut a stream into frames. What makes none goes on untouched. */
static void cut_requests(struct line_peer *peer)
{
	struct stream *s = &peer->requests;
	size_t at = 0;
	int n = 0;

	while (at < s->n && (n = frame_request(peer->line->conf.faults.frames, s->bytes + at, s->n - at)) != 0) {
		size_t len = (size_t)(n < 0 ? -n : n);
		if (n > 0)
			take_request(peer, s->bytes + at, len);
		else
			peer->line->n_writes++; /* nothing that a reader would send */
		at += len;
	}
	s->n -= at;
	memmove(s->bytes, s->bytes + at, s->n);
}

static void cut_answers(struct line_peer *peer)
{
	struct stream s = peer->answers;
	size_t at = 0;
	int n = 0;

	peer->answers.n = 0;
	while (at < s.n && (n = frame_answer(peer->line->conf.faults.frames, s.bytes + at, s.n - at)) != 0) {
		if (n > 0)
			take_answer(peer, s.bytes + at, (size_t)n, 0);
		else
			send_bytes(peer, s.bytes + at, (size_t)-n);
		at += (size_t)(n < 0 ? -n : n);
	}
	peer->answers.n = s.n - at;
	memcpy(peer->answers.bytes, s.bytes + at, s.n - at);
}

/* Bytes read, 0: the end, less: nothing now. */
static ssize_t read_more(int fd, struct stream *stream)
{
	ssize_t n = read(fd, stream->bytes + stream->n, sizeof(stream->bytes) - stream->n);

	if (n > 0)
		stream->n += (size_t)n;
	if (n < 0 && errno != EAGAIN && errno != EINTR)
		return 0;
	return n;
}

static void read_far(struct scene_end *end)
{
	struct line_peer *peer = (struct line_peer *)((char *)end - offsetof(struct line_peer, far));
	ssize_t n = read_more(peer->far.fd, &peer->answers);

	if (n == 0 && peer->line->conf.kind == LINE_TCP)
		drop_peer(peer, false);
	if (n > 0)
		cut_answers(peer);
}

/* ---- Peers -------------------------------------------------------- */

static int open_tty(const char *name)
{
	struct termios settings;
	int fd = open(name, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);

	if (fd < 0 || tcgetattr(fd, &settings))
		return fd;
	cfmakeraw(&settings);
	(void)tcsetattr(fd, TCSANOW, &settings);
	return fd;
}

/* -1: there is none, or it cannot be reached. */
static int open_far(const struct line_conf *conf)
{
	int type = conf->kind == LINE_UDP ? SOCK_DGRAM : SOCK_STREAM;

	if (conf->far_tty)
		return open_tty(conf->far_tty);
	if (conf->answer || !conf->far.sin_port)
		return -1;
	int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);
	if (fd >= 0 && connect(fd, (const struct sockaddr *)&conf->far, sizeof(conf->far))) {
		close(fd);
		return -1;
	}
	(void)fcntl(fd, F_SETFL, O_NONBLOCK);
	return fd;
}

static struct line_peer *add_peer(struct line *line, int near_fd)
{
	struct line_peer *peer = calloc(1, sizeof(*peer));

	if (!peer)
		abort();
	*peer = (struct line_peer){.near = {.fd = near_fd}, .line = line, .next = line->peers};
	peer->far = (struct scene_end){open_far(&line->conf), read_far};
	if (peer->far.fd >= 0)
		scene_watch(line->scene, &peer->far);
	line->peers = peer;
	line->n_peers++;
	return peer;
}

static void drop_peer(struct line_peer *peer, bool with_reset)
{
	struct line *line = peer->line;
	struct linger linger = {1, 0};
	struct line_peer **at = &line->peers;

	while (peer->parcels)
		free_parcel(peer->parcels);
	if (peer->far.fd >= 0) {
		scene_forget(line->scene, &peer->far);
		close(peer->far.fd);
	}
	if (line->conf.kind == LINE_TCP) {
		scene_forget(line->scene, &peer->near);
		if (with_reset)
			(void)setsockopt(peer->near.fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
		close(peer->near.fd);
	}
	while (*at != peer)
		at = &(*at)->next;
	*at = peer->next;
	line->n_peers--;
	free(peer);
}

static void read_connection(struct scene_end *end)
{
	struct line_peer *peer = (struct line_peer *)end;
	ssize_t n = read_more(peer->near.fd, &peer->requests);

	if (n == 0)
		drop_peer(peer, false);
	if (n > 0)
		cut_requests(peer);
}

/* ---- Near sides --------------------------------------------------- */

static void take_connection(struct scene_end *end)
{
	struct line *line = (struct line *)((char *)end - offsetof(struct line, near));
	int fd = accept4(line->near.fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

	int one = 1;

	if (fd < 0)
		return;
	/* Bytes that wait for an acknowledgement would be late by the kernel's clock, and not by ours. */
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	line->n_connections++;
	struct line_peer *peer = add_peer(line, fd);
	peer->near.ready = read_connection;
	peer->is_swallowing = line->is_next_half_open;
	line->is_next_half_open = false;
	scene_watch(line->scene, &peer->near);
}

static void read_line(struct scene_end *end)
{
	struct line *line = (struct line *)((char *)end - offsetof(struct line, near));

	if (read_more(line->near.fd, &line->peers->requests) > 0)
		cut_requests(line->peers);
}

/* The peer of this address; the oldest goes where there are too many. */
static struct line_peer *peer_at(struct line *line, const struct sockaddr_in *address)
{
	struct line_peer *last = NULL;

	for (struct line_peer *p = line->peers; p; last = p, p = p->next)
		if (p->address.sin_port == address->sin_port &&
		    p->address.sin_addr.s_addr == address->sin_addr.s_addr)
			return p;
	if (line->n_peers == LINE_PEERS_MOST)
		drop_peer(last, false);
	struct line_peer *peer = add_peer(line, line->near.fd);
	peer->address = *address;
	return peer;
}

static void read_datagram(struct scene_end *end)
{
	struct line *line = (struct line *)((char *)end - offsetof(struct line, near));
	struct sockaddr_in from;
	socklen_t len = sizeof(from);
	uint8_t bytes[LINE_ANSWER_MOST];
	ssize_t n = recvfrom(line->near.fd, bytes, sizeof(bytes), 0, (struct sockaddr *)&from, &len);

	if (n > 0)
		take_request(peer_at(line, &from), bytes, (size_t)n);
}

/* ---- Life --------------------------------------------------------- */

static int open_socket(struct line *line, int type)
{
	const struct line_conf *conf = &line->conf;
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(conf->near_port)};
	socklen_t len = sizeof(at);
	int one = 1;

	at.sin_addr = conf->near_address;
	if (!at.sin_addr.s_addr)
		at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	line->near.fd = socket(AF_INET, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (line->near.fd < 0)
		return -1;
	(void)setsockopt(line->near.fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(line->near.fd, (struct sockaddr *)&at, len) ||
	    getsockname(line->near.fd, (struct sockaddr *)&at, &len))
		return -1;
	line->port = ntohs(at.sin_port);
	return type == SOCK_STREAM ? listen(line->near.fd, 64) : 0;
}

static int open_pty(struct line *line)
{
	line->near.fd = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
	if (line->near.fd < 0 || grantpt(line->near.fd) || unlockpt(line->near.fd) ||
	    ptsname_r(line->near.fd, line->tty, sizeof(line->tty)))
		return -1;
	line->hold_fd = open_tty(line->tty);
	if (line->hold_fd < 0)
		return -1;
	scene_hasten(line->scene, line->near.fd);
	scene_hasten(line->scene, line->hold_fd);
	if (!line->conf.link)
		return 0;
	(void)unlink(line->conf.link);
	return symlink(line->tty, line->conf.link);
}

static const struct {
	char wire;
	enum frame_kind frames;
	void (*ready)(struct scene_end *end);
} kinds[] = {
	[LINE_TCP] = {'T', FRAME_TCP, take_connection},
	[LINE_PTY] = {'S', FRAME_RTU, read_line},
	[LINE_UDP] = {'U', FRAME_DATAGRAM, read_datagram},
};

int line_open(struct line *line, struct scene *scene, const struct line_conf *conf)
{
	*line = (struct line){.scene = scene, .conf = *conf, .near = {.fd = -1}, .hold_fd = -1};
	line->near.ready = kinds[conf->kind].ready;
	line->conf.faults.wire = kinds[conf->kind].wire;
	line->conf.faults.frames = kinds[conf->kind].frames;
	faults_init(&line->faults, &line->conf.faults);
	int failed = conf->kind == LINE_PTY ? open_pty(line)
					    : open_socket(line, conf->kind == LINE_TCP ? SOCK_STREAM : SOCK_DGRAM);
	if (failed) {
		line_close(line);
		return -1;
	}
	scene_watch(scene, &line->near);
	if (conf->kind == LINE_PTY)
		(void)add_peer(line, line->near.fd);
	return 0;
}

void line_cut(struct line *line)
{
	bool is_pty = line->conf.kind == LINE_PTY;

	while (line->peers)
		drop_peer(line->peers, true);
	if (is_pty)
		(void)add_peer(line, line->near.fd);
}

/* Its queue of connections is made as short as can be and filled; then the kernel drops whoever knocks. */
void line_bury(struct line *line)
{
	struct sockaddr_in at = {0};
	socklen_t len = sizeof(at);

	line_cut(line);
	scene_forget(line->scene, &line->near);
	if (listen(line->near.fd, 0) || getsockname(line->near.fd, (struct sockaddr *)&at, &len))
		abort();
	for (size_t i = 0; i < LINE_FILLERS; i++) {
		line->fillers[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
		(void)connect(line->fillers[i], (struct sockaddr *)&at, len);
	}
}

void line_close(struct line *line)
{
	for (size_t i = 0; i < LINE_FILLERS; i++)
		if (line->fillers[i] > 0)
			close(line->fillers[i]);
	while (line->peers)
		drop_peer(line->peers, false);
	if (line->near.fd >= 0) {
		scene_forget(line->scene, &line->near);
		close(line->near.fd);
	}
	if (line->hold_fd >= 0) {
		scene_leave(line->scene, line->near.fd);
		scene_leave(line->scene, line->hold_fd);
		close(line->hold_fd);
	}
	if (line->conf.link)
		(void)unlink(line->conf.link);
	line->near.fd = line->hold_fd = -1;
}
