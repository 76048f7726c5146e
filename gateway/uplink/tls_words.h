/* tls_words.h: what Paho does not tell: why a TLS handshake failed, and the reason code of a
 * PUBACK.
 *
 * Paho 1.3 reports a failed handshake as "TCP/TLS connect failure" and a PUBACK 0x10 (no
 * subscriber) as plain success. Both pass through OpenSSL calls of Paho's, so Paho is linked
 * statically and the linker puts us between (--wrap=SSL_connect, --wrap=SSL_read). We look and
 * never change a result, but for one: by which time a certificate is judged (tls_time.h).
 *
 * Threads  what is noted in a Paho thread is asked for in a callback of the same thread, right
 * after. */
#ifndef UPLINK_TLS_WORDS_H
#define UPLINK_TLS_WORDS_H

#include <stdbool.h>
#include <stdint.h>

#include "buf.h"
#include "err.h"

/* Takes what this thread saw of TLS since the last call, and forgets it. Returns whether TLS is to
 * blame; words are added only then. *ret_is_secured: the handshake was completed before the end
 * came. */
bool tls_words_take(struct wy_buf *words, bool *ret_is_secured);
/* The reason code of PUBACK `packet_id`, the last packet this thread read. 0 where it carried none.
 */
uint8_t tls_words_puback(int packet_id);

/* Can these files make a TLS client? Paho would only say -1. */
WY_MUST_CHECK enum wy_err tls_files_check(const char *ca, const char *certificate, const char *key,
					  struct wy_buf *words);

#endif
