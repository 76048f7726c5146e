/* modbus_tls.c: one TLS session over a socket, in steps that never wait, and its failures in words.
 *
 * The library sees the socket through take() and give(). take() hands out a bounded number of bytes per call: a server
 * that talks without end (empty records, requests to renegotiate, warnings) would otherwise keep the library in its
 * reading loop, and the field's thread with it. */
#define _POSIX_C_SOURCE 200809L

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "modbus_tls_parts.h"
#include "stamp.h"

#define SAN_OID "\x55\x1d\x11" /* subjectAltName */
#define SAN_ADDRESS 7	       /* iPAddress among the GeneralNames */

struct modbus_tls_session {
	mbedtls_ssl_context ssl;
	const char *name;	   /* borrowed */
	unsigned char address[16]; /* the name, where it is one */
	size_t address_len;
	int fd;
	wy_ms least_ms;		/* see modbus_tls_new() */
	wy_ms begins_ms, ends_ms; /* of the chain, as far as it was judged: when all of it is valid */
	size_t left;   /* bytes take() may still hand out in this call */
	size_t shaken; /* bytes of the handshake so far */
	bool is_secured, is_broken, wants_write;
	bool has_heard; /* anything but TLS */
	const char *why; /* static */
};

/* ---- Words -------------------------------------------------------------------------------- */

/* The first that applies is said: what follows from a stranger's certificate means nothing. */
static const struct {
	uint32_t flags;
	const char *words;
} verdicts[] = {
	{MBEDTLS_X509_BADCERT_NOT_TRUSTED | MBEDTLS_X509_BADCERT_MISSING,
	 "the server's certificate is not trusted: our CA has not signed it"},
	{MBEDTLS_X509_BADCERT_EXPIRED, "the server's certificate has expired"},
	{MBEDTLS_X509_BADCERT_FUTURE, "the server's certificate is not valid yet, or this machine's clock is behind"},
	{MBEDTLS_X509_BADCERT_BAD_MD | MBEDTLS_X509_BADCERT_BAD_PK | MBEDTLS_X509_BADCERT_BAD_KEY,
	 "the server's certificate is not trusted: too weak a key or hash"},
	{MBEDTLS_X509_BADCERT_KEY_USAGE | MBEDTLS_X509_BADCERT_EXT_KEY_USAGE | MBEDTLS_X509_BADCERT_NS_CERT_TYPE,
	 "the server's certificate is not meant for servers"},
	{MBEDTLS_X509_BADCERT_CN_MISMATCH, "the name does not fit: the server's certificate is for another one"},
	{0xFFFFFFFF, "the server's certificate was refused"},
};

#define REFUSED "the server refused us: "

/* Alerts by which a server says what it thinks of us. */
static const struct {
	int alert;
	const char *words;
} refusals[] = {
	{MBEDTLS_SSL_ALERT_MSG_HANDSHAKE_FAILURE, REFUSED "no common cipher, or it misses something in our certificate"},
	{MBEDTLS_SSL_ALERT_MSG_NO_CERT, REFUSED "no certificate"},
	{MBEDTLS_SSL_ALERT_MSG_BAD_CERT, REFUSED "bad certificate"},
	{MBEDTLS_SSL_ALERT_MSG_UNSUPPORTED_CERT, REFUSED "unsupported certificate"},
	{MBEDTLS_SSL_ALERT_MSG_CERT_REVOKED, REFUSED "certificate revoked"},
	{MBEDTLS_SSL_ALERT_MSG_CERT_EXPIRED, REFUSED "certificate expired"},
	{MBEDTLS_SSL_ALERT_MSG_CERT_UNKNOWN, REFUSED "certificate unknown"},
	{MBEDTLS_SSL_ALERT_MSG_UNKNOWN_CA, REFUSED "unknown CA"},
	{MBEDTLS_SSL_ALERT_MSG_ACCESS_DENIED, REFUSED "access denied"},
	{MBEDTLS_SSL_ALERT_MSG_DECRYPT_ERROR, REFUSED "our signature did not convince it"},
	{MBEDTLS_SSL_ALERT_MSG_PROTOCOL_VERSION, REFUSED "it does not speak TLS 1.2"},
	{MBEDTLS_SSL_ALERT_MSG_INSUFFICIENT_SECURITY, REFUSED "our ciphers are too weak for it"},
	{MBEDTLS_SSL_ALERT_MSG_UNRECOGNIZED_NAME, REFUSED "it does not know its name"},
};

#define UNREADABLE "the server's certificate cannot be read, or marks as critical what TLS does not know"

/* The library's reasons that a person can do something about; none of them is a matter of trying again. */
static const struct {
	int code;
	const char *words;
} reasons[] = {
	{MBED_E_VERSION, "too old a TLS: the server has less than 1.2"},
	{MBED_E_CIPHER, "no common cipher"},
	{MBED_E_CERTIFICATE, UNREADABLE},
	{MBEDTLS_ERR_SSL_INVALID_RECORD, "the server does not speak TLS"},
	{MBEDTLS_ERR_SSL_INVALID_MAC, "the handshake was tampered with"},
};

static void say_verdict(struct modbus_tls_session *s, uint32_t flags)
{
	for (size_t i = 0; i < sizeof(verdicts) / sizeof(*verdicts); i++) {
		if (verdicts[i].flags & flags) {
			s->why = verdicts[i].words;
			return;
		}
	}
}

static void say_alert(struct modbus_tls_session *s, int alert)
{
	s->why = "the server ended TLS";
	for (size_t i = 0; !s->is_secured && i < sizeof(refusals) / sizeof(*refusals); i++)
		if (refusals[i].alert == alert)
			s->why = refusals[i].words;
}

/* A server that ends in the middle of our flight has mostly said why, and that lies in the socket still: until both
 * sides have proven themselves alerts are in the clear. -1: nothing of that kind. */
static int last_alert(const struct modbus_tls_session *s)
{
	unsigned char record[7]; /* kind, version, length, level, description */

	if (recv(s->fd, record, sizeof(record), 0) != (ssize_t)sizeof(record) || memcmp(record, "\x15\x03", 2) != 0 ||
	    memcmp(record + 3, "\x00\x02\x02", 3) != 0)
		return -1;
	return record[6];
}

/* The upper part of a code: the library adds low-level reasons to some. */
static int high(int rc)
{
	return -(-rc & 0xFF80);
}

static enum wy_err fail_link(struct modbus_tls_session *s)
{
	if (s->shaken > WY_TLS_HANDSHAKE_BYTES_MAX) {
		s->why = "the server's handshake has no end";
		return WY_E_AUTH;
	}
	int alert = last_alert(s);
	if (alert >= 0) {
		say_alert(s, alert);
		return WY_E_AUTH;
	}
	s->why = "the connection ended during the handshake";
	return WY_E_LINK;
}

static void say_reason(struct modbus_tls_session *s, int rc)
{
	uint32_t flags = mbedtls_ssl_get_verify_result(&s->ssl);

	if (rc == MBEDTLS_ERR_SSL_FATAL_ALERT_MESSAGE) {
		if (mbed_alert(&s->ssl) == MBEDTLS_SSL_ALERT_MSG_HANDSHAKE_FAILURE && mbed_is_old(&s->ssl))
			s->why = reasons[0].words;
		else
			say_alert(s, mbed_alert(&s->ssl));
		return;
	}
	if (flags && flags != 0xFFFFFFFF) { /* judged, and not approved of */
		say_verdict(s, flags);
		return;
	}
	for (size_t i = 0; i < sizeof(reasons) / sizeof(*reasons); i++) {
		if (reasons[i].code == high(rc)) {
			s->why = reasons[i].words;
			return;
		}
	}
	bool is_x509 = rc <= MBEDTLS_ERR_X509_FEATURE_UNAVAILABLE && rc >= MBEDTLS_ERR_X509_FATAL_ERROR;
	s->why = is_x509 ? UNREADABLE : "the server broke the rules of TLS";
}

static enum wy_err fail_handshake(struct modbus_tls_session *s, int rc)
{
	s->is_broken = true;
	if (rc == MBEDTLS_ERR_SSL_ALLOC_FAILED || high(rc) == MBEDTLS_ERR_X509_ALLOC_FAILED) {
		s->why = "out of memory";
		return WY_E_NOMEM;
	}
	if (rc == MBEDTLS_ERR_SSL_CONN_EOF || rc == MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY)
		return fail_link(s);
	say_reason(s, rc);
	return WY_E_AUTH;
}

/* ---- The socket --------------------------------------------------------------------------- */

static int give(void *arg, const unsigned char *bytes, size_t n)
{
	struct modbus_tls_session *s = arg;
	ssize_t sent = send(s->fd, bytes, n, MSG_NOSIGNAL);

	if (sent >= 0)
		return (int)sent;
	return errno == EAGAIN || errno == EINTR ? MBEDTLS_ERR_SSL_WANT_WRITE : MBEDTLS_ERR_SSL_CONN_EOF;
}

static int take(void *arg, unsigned char *bytes, size_t n)
{
	struct modbus_tls_session *s = arg;

	if (!s->left)
		return MBEDTLS_ERR_SSL_WANT_READ;
	if (!s->is_secured && s->shaken > WY_TLS_HANDSHAKE_BYTES_MAX)
		return MBEDTLS_ERR_SSL_CONN_EOF;
	ssize_t got = recv(s->fd, bytes, n < s->left ? n : s->left, 0);
	if (got < 0)
		return errno == EAGAIN || errno == EINTR ? MBEDTLS_ERR_SSL_WANT_READ : MBEDTLS_ERR_SSL_CONN_EOF;
	s->left -= (size_t)got;
	s->shaken += s->is_secured ? 0 : (size_t)got;
	return got ? (int)got : MBEDTLS_ERR_SSL_CONN_EOF;
}

/* ---- Addresses as names ------------------------------------------------------------------- */

static bool carries_address(const mbedtls_x509_crt *certificate, const unsigned char *address, size_t address_len)
{
	struct modbus_tls_extension names = modbus_tls_find(certificate, SAN_OID, sizeof(SAN_OID) - 1);
	unsigned char *p = (unsigned char *)(uintptr_t)names.value;
	const unsigned char *end = p ? p + names.len : NULL;
	size_t len;

	if (names.n != 1 || mbedtls_asn1_get_tag(&p, end, &len, MBEDTLS_ASN1_CONSTRUCTED | MBEDTLS_ASN1_SEQUENCE))
		return false;
	while (end - p > 2) {
		int tag = *p++;
		if (mbedtls_asn1_get_len(&p, end, &len))
			return false;
		if (tag == (MBEDTLS_ASN1_CONTEXT_SPECIFIC | SAN_ADDRESS) && len == address_len &&
		    memcmp(p, address, len) == 0)
			return true;
		p += len;
	}
	return false;
}

/* ---- Dates without a clock ------------------------------------------------------------------ */

static wy_ms instant_of(const mbedtls_x509_time *t)
{
	return (wy_days_of(t->year, (unsigned)t->mon, (unsigned)t->day) * 86400 + t->hour * 3600 + t->min * 60 + t->sec) * 1000;
}

/* It is the library that asks the machine's clock. */
static bool is_clock_behind(wy_ms least_ms)
{
	struct wy_date date = wy_date_of(least_ms / 86400000);
	int of_day = (int)(least_ms / 1000 % 86400);
	mbedtls_x509_time bound = {(int)date.year, (int)date.month, (int)date.day, of_day / 3600, of_day / 60 % 60, of_day % 60};

	return least_ms > 0 && mbedtls_x509_time_is_future(&bound);
}

/* The authority's certificate comes first and the server's own last, with depth 0. */
static void judge_dates(struct modbus_tls_session *s, const mbedtls_x509_crt *certificate, int depth, uint32_t *flags)
{
	wy_ms from_ms = instant_of(&certificate->valid_from), to_ms = instant_of(&certificate->valid_to);

	if (!is_clock_behind(s->least_ms))
		return;
	*flags &= ~(uint32_t)(MBEDTLS_X509_BADCERT_FUTURE | MBEDTLS_X509_BADCERT_EXPIRED);
	s->begins_ms = from_ms > s->begins_ms ? from_ms : s->begins_ms;
	s->ends_ms = to_ms < s->ends_ms ? to_ms : s->ends_ms;
	if (depth > 0)
		return;
	wy_ms at_ms = s->begins_ms > s->least_ms ? s->begins_ms : s->least_ms;
	if (s->ends_ms < at_ms)
		*flags |= MBEDTLS_X509_BADCERT_EXPIRED;
	if (at_ms - s->least_ms > WY_TLS_LATER_MS)
		*flags |= MBEDTLS_X509_BADCERT_FUTURE;
}

/* The library (2.28) compares names with names only; field devices are often reached, and certified, by address. */
static int judge(void *arg, mbedtls_x509_crt *certificate, int depth, uint32_t *flags)
{
	struct modbus_tls_session *s = arg;

	judge_dates(s, certificate, depth, flags);
	if (depth == 0 && s->address_len && carries_address(certificate, s->address, s->address_len))
		*flags &= ~(uint32_t)MBEDTLS_X509_BADCERT_CN_MISMATCH;
	return 0;
}

static void note_address(struct modbus_tls_session *s)
{
	if (inet_pton(AF_INET, s->name, s->address) == 1)
		s->address_len = 4;
	else if (inet_pton(AF_INET6, s->name, s->address) == 1)
		s->address_len = 16;
}

/* ---- Sessions ----------------------------------------------------------------------------- */

enum wy_err modbus_tls_open(struct modbus_tls_conf *conf, const char *name, int fd,
			    struct modbus_tls_session **ret_session)
{
	static const int one = 1;

	if (!name || !name[0] || strlen(name) > MBEDTLS_SSL_MAX_HOST_NAME_LEN)
		return WY_E_INVALID;
	struct modbus_tls_session *s = calloc(1, sizeof(*s));
	if (!s)
		return WY_E_NOMEM;
	s->name = name;
	s->why = "";
	s->fd = fd;
	s->least_ms = conf->least_wall_ms;
	s->ends_ms = INT64_MAX;
	mbedtls_ssl_init(&s->ssl);
	if (mbedtls_ssl_setup(&s->ssl, &conf->ssl) || mbedtls_ssl_set_hostname(&s->ssl, name)) {
		modbus_tls_close(s);
		return WY_E_NOMEM;
	}
	note_address(s);
	/* A handshake is some small writes in a row: held back for an acknowledgement each would cost 40 ms. */
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	mbedtls_ssl_set_verify(&s->ssl, judge, s);
	mbedtls_ssl_set_bio(&s->ssl, s, give, take, NULL);
	*ret_session = s;
	return WY_OK;
}

enum wy_err modbus_tls_step(struct modbus_tls_session *s)
{
	if (s->is_broken)
		return WY_E_LINK;
	if (s->is_secured)
		return WY_OK;
	s->left = WY_TLS_STEP_BYTES;
	int rc = mbedtls_ssl_handshake(&s->ssl);
	s->wants_write = rc == MBEDTLS_ERR_SSL_WANT_WRITE;
	if (rc == MBEDTLS_ERR_SSL_WANT_READ || rc == MBEDTLS_ERR_SSL_WANT_WRITE)
		return WY_E_BUSY;
	if (!rc && mbedtls_ssl_get_verify_result(&s->ssl))
		rc = MBEDTLS_ERR_X509_CERT_VERIFY_FAILED; /* the library has refused already; nothing may depend on that
							   */
	if (rc)
		return fail_handshake(s, rc);
	s->is_secured = true;
	return WY_OK;
}

bool modbus_tls_wants_write(const struct modbus_tls_session *s)
{
	return s->wants_write;
}

const char *modbus_tls_why(const struct modbus_tls_session *s)
{
	return s->why;
}

/* What a call on a secured session came to: n, 0 for the end, or -1 and errno. */
static ssize_t result(struct modbus_tls_session *s, int rc)
{
	s->wants_write = rc == MBEDTLS_ERR_SSL_WANT_WRITE;
	if (rc > 0)
		return rc;
	if (rc == MBEDTLS_ERR_SSL_WANT_READ || rc == MBEDTLS_ERR_SSL_WANT_WRITE) {
		errno = EAGAIN;
		return -1;
	}
	s->is_broken = true;
	if (rc == 0 || rc == MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY || rc == MBEDTLS_ERR_SSL_CONN_EOF) {
		s->why = s->has_heard ? "the server ended the connection"
				      : "the server ended the connection before it answered anything: it may not accept our role";
		errno = ECONNRESET;
		return 0;
	}
	if (rc == MBEDTLS_ERR_SSL_FATAL_ALERT_MESSAGE) {
		say_alert(s, mbed_alert(&s->ssl));
		errno = ECONNRESET;
	} else if (rc == MBEDTLS_ERR_SSL_ALLOC_FAILED) {
		s->why = "out of memory";
		errno = ENOMEM;
	} else {
		s->why = "the server broke the rules of TLS, or somebody changed what it sent";
		errno = EPROTO;
	}
	return -1;
}

static bool is_usable(const struct modbus_tls_session *s)
{
	if (s->is_secured && !s->is_broken)
		return true;
	errno = ENOTCONN;
	return false;
}

ssize_t modbus_tls_send(struct modbus_tls_session *s, const void *bytes, size_t n)
{
	if (!is_usable(s))
		return -1;
	s->left = WY_TLS_STEP_BYTES;
	ssize_t sent = n ? result(s, mbedtls_ssl_write(&s->ssl, bytes, n)) : 0;
	return n && !sent ? -1 : sent;
}

ssize_t modbus_tls_recv(struct modbus_tls_session *s, void *bytes, size_t n)
{
	if (!is_usable(s))
		return -1;
	s->left = WY_TLS_STEP_BYTES;
	ssize_t got = n ? result(s, mbedtls_ssl_read(&s->ssl, bytes, n)) : 0;
	s->has_heard |= got > 0;
	return got;
}

void modbus_tls_close(struct modbus_tls_session *s)
{
	if (!s)
		return;
	if (s->is_secured && !s->is_broken)
		(void)mbedtls_ssl_close_notify(&s->ssl);
	mbedtls_ssl_free(&s->ssl);
	free(s);
}
