/* ctl.h: the local control socket, server side: a UNIX stream socket, mode 0660.
 *
 * One question a connection: a line of JSON, at most WY_CTL_REQUEST_MAX bytes. One answer: a line of
 * JSON; then the server closes. What it means is the answerer's affair.
 * A client that stalls is cut off after CTL_PATIENCE_MS and delays nobody meanwhile. */
#ifndef CTL_H
#define CTL_H

#include "loop.h"
#include "wy_limits.h"

#define CTL_PATIENCE_MS 10000

struct ctl;

/* request is one NUL-terminated line without its newline. Returns text from malloc(), taken by ctl;
 * NULL: no memory, the connection is closed. */
typedef char *(*ctl_answer)(void *arg, const char *request);

/* Binds path (an old socket file nobody listens on is replaced). WY_E_EXISTS: somebody answers there;
 * WY_E_LIMIT: path too long for a socket; WY_E_IO. path is copied. */
WY_MUST_CHECK enum wy_err ctl_open(const char *path, struct loop *loop, ctl_answer answer, void *arg,
				   struct ctl **ret_ctl);
void ctl_close(struct ctl *ctl); /* removes the socket file; NULL is fine */

#endif
