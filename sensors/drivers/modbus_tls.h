/* modbus_tls.h: Modbus/TCP Security, the client's side: TLS under Modbus on a connected socket, without ever waiting.
 *
 * Both ends show certificates; a server decides by the role in ours (extension 1.3.6.1.4.1.50316.802.1) what we may
 * read and answers exception 1 to the rest. The server's chain, its dates and its name are always checked. TLS 1.2 with
 * ECDHE and AES-GCM only, keys of servers ECDSA or RSA from 2048 bits; no renegotiation, no resumption. Until the
 * handshake is done no byte of Modbus leaves, and there is no way back to plain text.
 *
 * Life     new, any number of load and of open/step/send/recv/close, free. A set of files is read once, at its first
 *          load: who renews certificates starts the field anew.
 * Memory   on the heap, because the library's own is: a session takes 38 kB when it begins, 49 kB at most while it shakes hands
 *          and 44 kB after; certificates of a server beyond one short one come on top, at most 16 kB as they are sent. close
 *          gives it back. Sets of files are shared between wires.
 * Threads  one thread at a time.
 * Time     none waits. A handshake costs some milliseconds of computing in the step that meets the server's key. The
 *          library reads the machine's clock for the dates of certificates.
 * Errors   all bytes of a server are hostile. After WY_E_AUTH, WY_E_LINK or WY_E_NOMEM a session can only be closed. */
#ifndef SENSOR_MODBUS_TLS_H
#define SENSOR_MODBUS_TLS_H

#include <sys/types.h>

#include "../sensor.h"

struct modbus_tls;	   /* random numbers and the sets of files, of one field */
struct modbus_tls_conf;	   /* one set of files */
struct modbus_tls_session; /* one connection */

/* least_wall_ms: this has passed for certain. While the machine's clock shows less it is wrong, and a server's chain is
 * judged at this bound, or at the first instant after it at which all of it is valid, WY_TLS_LATER_MS later at most. 0: the
 * clock is always believed. WY_E_NOMEM; WY_E_IO: the machine gives no random numbers. */
WY_MUST_CHECK enum wy_err modbus_tls_new(wy_ms least_wall_ms, struct modbus_tls **ret_tls);
/* After every session. NULL is fine. */
void modbus_tls_free(struct modbus_tls *tls);

/* ---- Files -------------------------------------------------------------------------------- */

/* The files of a wire; wires of the same three files share them. File names of the wire are borrowed until free.
 *
 * WY_E_INVALID with words in diags: W847 a file cannot be read, E841 it holds no certificate or no key, E842 the key is
 * not the certificate's, E845 no name a certificate could carry. WY_E_NOMEM. Only warned of: W608 a key everybody can
 * read, W843 dates, W844 a role that servers will refuse, W846 a certificate not meant for clients. */
WY_MUST_CHECK enum wy_err modbus_tls_load(struct modbus_tls *tls, const struct sensor_wire_conf *wire,
					  struct wy_diags *diags, struct modbus_tls_conf **ret_conf);
/* The role our certificate carries, for people; "" if none or no single one. Lives as long as conf. */
const char *modbus_tls_role(const struct modbus_tls_conf *conf);

/* ---- Sessions ----------------------------------------------------------------------------- */

/* A session over a connected, non-blocking socket, which stays the caller's. `name` is what the server's certificate
 * must carry, a DNS name or an address; borrowed until close. Sends nothing. WY_E_NOMEM, WY_E_INVALID (name). */
WY_MUST_CHECK enum wy_err modbus_tls_open(struct modbus_tls_conf *conf, const char *name, int fd,
					  struct modbus_tls_session **ret_session);
/* As far as it goes without waiting. WY_OK: secured. WY_E_BUSY: call again when the socket can be read, or written if
 * modbus_tls_wants_write(). WY_E_AUTH: we do not trust the server or it does not trust us; a person must act.
 * WY_E_LINK: the connection broke. WY_E_NOMEM. */
WY_MUST_CHECK enum wy_err modbus_tls_step(struct modbus_tls_session *session);
bool modbus_tls_wants_write(const struct modbus_tls_session *session);
/* Why it went wrong, in a few words; "" as long as it did not. Static storage. */
const char *modbus_tls_why(const struct modbus_tls_session *session);

/* Like send() and recv() on a non-blocking socket, once the session is secured: -1 with errno EAGAIN (call again,
 * with the same bytes when sending), ECONNRESET, EPROTO (TLS was violated), ENOMEM or ENOTCONN (not secured). recv
 * gives 0 when the server has ended. Bytes may wait within the session while the socket has none: after the socket
 * became readable, call recv until EAGAIN. */
ssize_t modbus_tls_send(struct modbus_tls_session *session, const void *bytes, size_t n);
ssize_t modbus_tls_recv(struct modbus_tls_session *session, void *bytes, size_t n);

/* Says goodbye if that does not have to wait, and forgets the keys. The socket stays open. NULL is fine. */
void modbus_tls_close(struct modbus_tls_session *session);

#endif
