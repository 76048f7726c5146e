/* tls_time.h: by which time a certificate is judged when the machine has none.
 *
 * A machine whose clock battery is dead wakes up in 1970, and by that clock no certificate is valid yet: it could not
 * reach the time server's and the platform's help it needs. But it knows a bound, an instant that has passed for
 * certain (gateway/loop/clock.h). While its clock shows less than that, the clock is wrong beyond doubt, and
 *
 *  - certificates are judged at the bound: what had expired by then stays refused;
 *  - one that begins later than the bound may be valid by now, and is taken, if there is an instant from the bound on at
 *    which the whole chain is valid, and that instant is at most WY_TLS_LATER_MS after the bound;
 *  - chain, name and purpose are judged as ever.
 *
 * A clock that shows the bound or more is believed, and nothing of this applies. Nobody can make us go back behind the
 * bound; a thief's certificate that expired after it is taken until somebody sets the clock.
 *
 * Threads  any. The bound is one of the whole process. */
#ifndef UPLINK_TLS_TIME_H
#define UPLINK_TLS_TIME_H

#include <openssl/ssl.h>
#include <stdbool.h>

#include "buf.h"
#include "clocktypes.h"

/* 0: none is known, the clock is always believed. */
void tls_time_set(wy_ms least_wall_ms);
/* At the begin of a handshake. */
void tls_time_begin(SSL *ssl);
/* Is this session judged at the bound? */
bool tls_time_is_bound(SSL *ssl);
/* A chain with a certificate that begins after the bound: can all of it be valid? Of a session that is judged at the
 * bound. */
bool tls_time_can_hold(X509_STORE_CTX *store);
/* "; judged at 2026-...: ..." or "; if that has passed, ..." */
void tls_time_add_words(struct wy_buf *words, const SSL *ssl);
/* From when on the first certificate of a PEM file holds; 0: not known. */
wy_ms tls_time_of_file(const char *certificate);

#endif
