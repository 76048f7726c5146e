/* line.h: one wire with a fault proxy in it. Near is who asks (a driver), far is who answers: another address, another
 * serial line, or a function of the test.
 *
 *   TCP   near: a listener; each connection it takes has one of its own to the far side
 *   pty   near: the slave side of a pty, `tty`; nothing is paced
 *   UDP   near: a bound socket; each peer gets a socket of its own to the far side
 *
 * Requests pass as they are, answers as faults.h decides; what is neither (bytes that make no frame) passes untouched.
 * A request that is no read is counted whatever becomes of it.
 *
 * Life     line_open in place: a line must not move afterwards. line_close gives everything back.
 * Threads  that of the scene. */
#ifndef FIELD_LINE_H
#define FIELD_LINE_H

#include <netinet/in.h>

#include "faults.h"
#include "scene.h"

enum line_kind { LINE_TCP, LINE_PTY, LINE_UDP };

enum { LINE_PEERS_MOST = 16, LINE_FILLERS = 4, LINE_ANSWER_MOST = FAULT_ANSWER_MOST };

/* Answer one whole request. Returns the bytes of the answer, 0: silence; *ret_wait_ms is how long it takes. */
typedef size_t (*line_answer)(void *arg, const uint8_t *request, size_t n, uint8_t *answer, wy_ms *ret_wait_ms);

struct line_conf {
	enum line_kind kind;
	struct fault_conf faults; /* wire and frames are filled in where they are 0 */
	struct in_addr near_address;
	uint16_t near_port; /* 0: any that is free */
	const char *link;   /* pty: a symbolic link to be made to it, or NULL */
	struct sockaddr_in far;
	const char *far_tty;
	bool has_echo; /* pty: each request comes back first, as from an adapter that listens while it sends */
	line_answer answer; /* instead of far */
	void *answer_arg;
	/* An answer that the machine, not a fault, held up so long after its request is not sent; 0: never mind. */
	wy_ms latest_ms;
};

struct line_peer;

struct line {
	struct scene *scene;
	struct line_conf conf;
	struct scene_end near; /* listener, pty master or UDP socket */
	int hold_fd;	       /* pty: keeps it from hanging up between two opens */
	uint16_t port;
	char tty[64];
	struct faults faults;
	struct line_peer *peers; /* a list, the newest first */
	unsigned n_peers;
	bool is_next_half_open;
	bool is_dead;	    /* takes connections and requests, says nothing */
	int fillers[LINE_FILLERS]; /* of a buried listener; 0: none */
	uint64_t n_requests;
	uint64_t n_writes;  /* requests other than functions 1 to 4 */
	uint64_t n_too_late; /* answers not sent for latest_ms */
	unsigned n_connections;
};

/* 0, or -1 with errno: an address in use, a line that is not there. */
int line_open(struct line *line, struct scene *scene, const struct line_conf *conf);
void line_close(struct line *line);
/* Cut every connection, or the line for an instant. */
void line_cut(struct line *line);
/* TCP: take no connection any more, as a host that is gone: what tries to connect hears nothing. There is no way back. */
void line_bury(struct line *line);

#endif
