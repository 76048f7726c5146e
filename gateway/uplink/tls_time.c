/* tls_time.c: see tls_time.h. OpenSSL reads the clock here, we do not. */
#define _POSIX_C_SOURCE 200809L

#include "tls_time.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdatomic.h>
#include <stdio.h>
#include <time.h>

#include "stamp.h"
#include "wy_limits.h"

static _Atomic wy_ms least_ms;

void tls_time_set(wy_ms least_wall_ms)
{
	atomic_store(&least_ms, least_wall_ms);
}

static wy_ms instant_of(const ASN1_TIME *when)
{
	struct tm t;

	if (!when || ASN1_TIME_to_tm(when, &t) != 1)
		return 0;
	return (wy_days_of(t.tm_year + 1900, (unsigned)t.tm_mon + 1, (unsigned)t.tm_mday) * 86400 + t.tm_hour * 3600 +
		t.tm_min * 60 + t.tm_sec) * 1000;
}

static bool is_clock_behind(wy_ms bound_ms)
{
	ASN1_TIME *bound = bound_ms > 0 ? ASN1_TIME_set(NULL, (time_t)(bound_ms / 1000)) : NULL;
	bool is_behind = bound && X509_cmp_current_time(bound) > 0;

	ASN1_TIME_free(bound);
	return is_behind;
}

void tls_time_begin(SSL *ssl)
{
	wy_ms bound_ms = atomic_load(&least_ms);

	if (is_clock_behind(bound_ms))
		X509_VERIFY_PARAM_set_time(SSL_get0_param(ssl), (time_t)(bound_ms / 1000));
}

bool tls_time_is_bound(SSL *ssl)
{
	return (X509_VERIFY_PARAM_get_flags(SSL_get0_param(ssl)) & X509_V_FLAG_USE_CHECK_TIME) != 0;
}

bool tls_time_can_hold(X509_STORE_CTX *store)
{
	STACK_OF(X509) *chain = X509_STORE_CTX_get0_chain(store);
	wy_ms bound_ms = atomic_load(&least_ms);
	wy_ms at_ms = bound_ms;

	for (int i = 0; i < sk_X509_num(chain); i++) {
		wy_ms from_ms = instant_of(X509_get0_notBefore(sk_X509_value(chain, i)));
		at_ms = from_ms > at_ms ? from_ms : at_ms;
	}
	for (int i = 0; i < sk_X509_num(chain); i++)
		if (instant_of(X509_get0_notAfter(sk_X509_value(chain, i))) < at_ms)
			return false;
	return sk_X509_num(chain) > 0 && at_ms - bound_ms <= WY_TLS_LATER_MS;
}

void tls_time_add_words(struct wy_buf *words, const SSL *ssl)
{
	if (!tls_time_is_bound((SSL *)(uintptr_t)ssl)) {
		wy_buf_add(words, "; or this machine's clock is wrong: timedatectl");
		return;
	}
	wy_buf_add(words, "; judged at ");
	wy_stamp_utc(words, atomic_load(&least_ms));
	wy_buf_add(words, ", because this machine's clock is behind that: timedatectl");
}

wy_ms tls_time_of_file(const char *certificate)
{
	FILE *file = fopen(certificate, "re");
	X509 *x509 = file ? PEM_read_X509(file, NULL, NULL, NULL) : NULL;
	wy_ms from_ms = x509 ? instant_of(X509_get0_notBefore(x509)) : 0;

	X509_free(x509);
	if (file)
		fclose(file);
	ERR_clear_error(); /* what is wrong with the file is said by who needs it */
	return from_ms;
}
