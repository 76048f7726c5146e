/* tls_words.c: the two wrapped OpenSSL calls of Paho, the verdict of a handshake in words, and the
 * PUBACKs that pass by.
 *
 * Each SSL object carries a struct tap in its ex_data. The first SSL_connect also asks OpenSSL to
 * check the host name inside the handshake. Paho checks it as well, but only afterwards, when the
 * server has already seen our certificate. */
#define _POSIX_C_SOURCE 200809L

#include "tls_words.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "tls_time.h"

#define WORDS_MAX 384
#define NAMES_MAX 6 /* names of a certificate shown in words */

/* MQTT packets as far as PUBACK needs them: type, length, then up to three bytes of body. */
struct packet_eye {
	enum { EYE_TYPE, EYE_LENGTH, EYE_BODY } expects;
	unsigned char type;
	unsigned shift;
	uint32_t length, seen;
	unsigned char body[3];
};

struct tap {
	struct packet_eye eye;
};

/* What this thread saw and nobody has asked for yet. */
static _Thread_local struct {
	char verdict[WORDS_MAX];
	bool is_secured;
	int puback_id;
	uint8_t puback_reason;
} seen;

static pthread_once_t once = PTHREAD_ONCE_INIT;
static int tap_index = -1;

int __real_SSL_connect(SSL *ssl);
int __wrap_SSL_connect(SSL *ssl);
int __real_SSL_read(SSL *ssl, void *buf, int num);
int __wrap_SSL_read(SSL *ssl, void *buf, int num);

/* ---- words of a verdict ---- */

static void note(const struct wy_buf *words)
{
	if (seen.verdict[0] == '\0') /* the first is the cause, later ones are consequences */
		memcpy(seen.verdict, words->text, words->len + 1);
}

static void add_time(struct wy_buf *buf, const ASN1_TIME *when)
{
	struct tm t;

	if (!when || !ASN1_TIME_to_tm(when, &t))
		return;
	wy_buf_addf(buf, "%d-%s%d-%s%d %s%d:%s%d:%s%dZ", t.tm_year + 1900, t.tm_mon < 9 ? "0" : "",
		    t.tm_mon + 1, t.tm_mday < 10 ? "0" : "", t.tm_mday, t.tm_hour < 10 ? "0" : "",
		    t.tm_hour, t.tm_min < 10 ? "0" : "", t.tm_min, t.tm_sec < 10 ? "0" : "",
		    t.tm_sec);
}

static void add_address(struct wy_buf *buf, const ASN1_OCTET_STRING *ip)
{
	char text[INET6_ADDRSTRLEN] = "?";

	if (ASN1_STRING_length(ip) == 4)
		inet_ntop(AF_INET, ASN1_STRING_get0_data(ip), text, sizeof text);
	else if (ASN1_STRING_length(ip) == 16)
		inet_ntop(AF_INET6, ASN1_STRING_get0_data(ip), text, sizeof text);
	wy_buf_add(buf, text);
}

/* Foreign bytes: only what may stand in a host name gets into the log. */
static void add_dns(struct wy_buf *buf, const ASN1_STRING *name)
{
	const unsigned char *p = ASN1_STRING_get0_data(name);

	for (int i = 0; i < ASN1_STRING_length(name) && i < 80; i++)
		wy_buf_addf(buf, "%c", p[i] > ' ' && p[i] < 127 && p[i] != '\'' ? p[i] : '?');
}

static void add_names(struct wy_buf *buf, X509 *cert)
{
	GENERAL_NAMES *names = X509_get_ext_d2i(cert, NID_subject_alt_name, NULL, NULL);
	int n = names ? sk_GENERAL_NAME_num(names) : 0;

	for (int i = 0; i < n && i < NAMES_MAX; i++) {
		const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);

		wy_buf_add(buf, i > 0 ? ", " : "");
		if (name->type == GEN_DNS)
			add_dns(buf, name->d.dNSName);
		else if (name->type == GEN_IPADD)
			add_address(buf, name->d.iPAddress);
		else
			wy_buf_add(buf, "(other)");
	}
	if (n > NAMES_MAX)
		wy_buf_add(buf, ", ...");
	if (n == 0)
		wy_buf_add(buf, "no name");
	GENERAL_NAMES_free(names);
}

static void word_expired(struct wy_buf *buf, X509 *cert, const SSL *ssl)
{
	wy_buf_add(buf, "expired on ");
	add_time(buf, X509_get0_notAfter(cert));
	tls_time_add_words(buf, ssl);
}

static void word_early(struct wy_buf *buf, X509 *cert, const SSL *ssl)
{
	wy_buf_add(buf, "not valid before ");
	add_time(buf, X509_get0_notBefore(cert));
	tls_time_add_words(buf, ssl);
}

static void word_name(struct wy_buf *buf, X509 *cert, const SSL *ssl)
{
	const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);

	wy_buf_addf(buf, "host name '%s' does not match; it is for ", name ? name : "");
	add_names(buf, cert);
}

static void word_unknown(struct wy_buf *buf, X509 *cert, const SSL *ssl)
{
	(void)cert;
	(void)ssl;
	wy_buf_add(buf, "unknown CA");
}

/* Verify errors an engineer acts on differently. The rest speak OpenSSL's words alone. */
static const struct {
	int error;
	void (*add)(struct wy_buf *buf, X509 *cert, const SSL *ssl);
	bool is_cited; /* OpenSSL's words behind ours, in brackets */
} word_rows[] = {
	{X509_V_ERR_CERT_HAS_EXPIRED, word_expired, false},
	{X509_V_ERR_CERT_NOT_YET_VALID, word_early, false},
	{X509_V_ERR_HOSTNAME_MISMATCH, word_name, false},
	{X509_V_ERR_IP_ADDRESS_MISMATCH, word_name, false},
	{X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT, word_unknown, true},
	{X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN, word_unknown, true},
	{X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY, word_unknown, true},
	{X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT, word_unknown, true},
	{X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE, word_unknown, true},
	{X509_V_ERR_CERT_SIGNATURE_FAILURE, word_unknown, true},
};

static void word_verdict(struct wy_buf *buf, int error, int depth, X509 *cert, const SSL *ssl)
{
	const char *cited = X509_verify_cert_error_string(error);

	wy_buf_add(buf, depth > 0 ? "CA certificate of the server: " : "server certificate: ");
	for (size_t i = 0; i < sizeof word_rows / sizeof *word_rows; i++) {
		if (word_rows[i].error != error)
			continue;
		word_rows[i].add(buf, cert, ssl);
		if (word_rows[i].is_cited)
			wy_buf_addf(buf, " (%s)", cited);
		return;
	}
	wy_buf_add(buf, cited);
}

static int look_at_verify(int is_ok, X509_STORE_CTX *store)
{
	X509 *cert = X509_STORE_CTX_get_current_cert(store);
	const SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
	int error = X509_STORE_CTX_get_error(store);
	int depth = X509_STORE_CTX_get_error_depth(store);
	char text[WORDS_MAX];
	struct wy_buf words;

	if (is_ok)
		return is_ok;
	if (error == X509_V_ERR_CERT_NOT_YET_VALID && tls_time_is_bound((SSL *)(uintptr_t)ssl) &&
	    tls_time_can_hold(store)) {
		X509_STORE_CTX_set_error(store, X509_V_OK);
		return 1;
	}
	if (!cert)
		cert = X509_STORE_CTX_get0_cert(store);
	if (error == X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN)
		depth = 0; /* the place is the root's, the trouble the server's: its CA is not ours
			    */
	wy_buf_init(&words, text, sizeof text);
	word_verdict(&words, error, depth, cert, ssl);
	note(&words);
	return is_ok;
}

/* Does this alert of the other side speak of what we showed? */
static bool is_about_us(const char *reason)
{
	return strstr(reason, "certificate") || strstr(reason, "unknown ca") ||
	       strstr(reason, "access denied");
}

/* An alert from the other side, or trouble of our own: OpenSSL's reason text. */
static void note_failure(const SSL *ssl, int rc, const char *where)
{
	unsigned long error = ERR_peek_last_error();
	const char *reason = ERR_reason_error_string(error);
	char text[WORDS_MAX];
	struct wy_buf words;

	if (SSL_get_error(ssl, rc) != SSL_ERROR_SSL || !reason)
		return;
	wy_buf_init(&words, text, sizeof text);
	if (!strstr(reason, "alert"))
		wy_buf_addf(&words, "TLS %s: %s", where, reason);
	else if (is_about_us(reason))
		wy_buf_addf(&words, "the broker does not accept our certificate: %s", reason);
	else
		wy_buf_addf(&words, "the broker ended TLS: %s", reason);
	note(&words);
}

/* Closing the connection without a TLS goodbye is what most brokers do: not a matter of TLS. */
static bool is_plain_end(void)
{
	return ERR_GET_REASON(ERR_peek_last_error()) == SSL_R_UNEXPECTED_EOF_WHILE_READING;
}

bool tls_words_take(struct wy_buf *words, bool *ret_is_secured)
{
	bool is_tls = seen.verdict[0] != '\0';

	if (is_tls)
		wy_buf_add(words, seen.verdict);
	*ret_is_secured = seen.is_secured;
	seen.verdict[0] = '\0';
	seen.is_secured = false;
	return is_tls;
}

/* ---- PUBACKs passing by ---- */

static void eye_done(struct packet_eye *eye)
{
	enum { PUBACK = 4 };

	seen.puback_id = 0;
	if (eye->type >> 4 == PUBACK && eye->length >= 2) {
		seen.puback_id = eye->body[0] << 8 | eye->body[1];
		seen.puback_reason = eye->length >= 3 ? eye->body[2] : 0;
	}
	*eye = (struct packet_eye){.expects = EYE_TYPE};
}

static void eye_byte(struct packet_eye *eye, unsigned char byte)
{
	switch (eye->expects) {
	case EYE_TYPE:
		eye->type = byte;
		eye->expects = EYE_LENGTH;
		return;
	case EYE_LENGTH:
		if (eye->shift < 28)
			eye->length |= (uint32_t)(byte & 127) << eye->shift;
		eye->shift += 7;
		if (byte & 128)
			return;
		eye->expects = EYE_BODY;
		if (eye->length == 0)
			eye_done(eye);
		return;
	case EYE_BODY:
		if (eye->seen < sizeof eye->body)
			eye->body[eye->seen] = byte;
		if (++eye->seen == eye->length)
			eye_done(eye);
		return;
	}
}

/* Large bodies pass in one step; only their first three bytes are of interest. */
static void eye_bytes(struct packet_eye *eye, const unsigned char *bytes, size_t n)
{
	while (n > 0) {
		uint32_t skip = 0;

		if (eye->expects == EYE_BODY && eye->seen >= sizeof eye->body)
			skip = eye->length - eye->seen - 1;
		if (skip > n)
			skip = (uint32_t)n;
		eye->seen += skip;
		bytes += skip;
		n -= skip;
		if (n == 0)
			return;
		eye_byte(eye, *bytes++);
		n--;
	}
}

uint8_t tls_words_puback(int packet_id)
{
	return packet_id == seen.puback_id ? seen.puback_reason : 0;
}

/* ---- the wrapped calls ---- */

static void free_tap(void *parent, void *tap, CRYPTO_EX_DATA *ad, int idx, long argl, void *argp)
{
	(void)parent, (void)ad, (void)idx, (void)argl, (void)argp;
	free(tap);
}

static void make_index(void)
{
	tap_index = SSL_get_ex_new_index(0, NULL, NULL, NULL, free_tap);
}

/* The name Paho put into SNI is the one it dials. */
static void expect_name(SSL *ssl)
{
	const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);

	if (!name)
		return;
	SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
	if (X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), name) != 1)
		SSL_set1_host(ssl, name);
	ERR_clear_error(); /* a name is no address: not an error of the handshake */
}

static struct tap *tap_of(SSL *ssl)
{
	pthread_once(&once, make_index);
	return tap_index < 0 ? NULL : SSL_get_ex_data(ssl, tap_index);
}

static void tap_begin(SSL *ssl)
{
	struct tap *tap = calloc(1, sizeof *tap);

	/* Without memory for it the connection works all the same, only speaks less. */
	if (tap && !SSL_set_ex_data(ssl, tap_index, tap))
		free(tap);
	SSL_set_verify(ssl, SSL_get_verify_mode(ssl), look_at_verify);
	expect_name(ssl);
	tls_time_begin(ssl);
	seen.verdict[0] = '\0';
	seen.is_secured = false;
}

int __wrap_SSL_connect(SSL *ssl)
{
	int rc;

	if (!tap_of(ssl))
		tap_begin(ssl);
	rc = __real_SSL_connect(ssl);
	if (rc == 1)
		seen.is_secured = true;
	else
		note_failure(ssl, rc, "handshake");
	return rc;
}

int __wrap_SSL_read(SSL *ssl, void *buf, int num)
{
	int rc = __real_SSL_read(ssl, buf, num);
	struct tap *tap = tap_of(ssl);

	if (rc > 0 && tap)
		eye_bytes(&tap->eye, buf, (size_t)rc);
	else if (rc <= 0 && !is_plain_end())
		note_failure(ssl, rc, "connection");
	return rc;
}

/* ---- files ---- */

static int no_passphrase(char *buf, int size, int rwflag, void *arg)
{
	(void)buf, (void)size, (void)rwflag, (void)arg;
	return 0; /* never ask on a terminal */
}

static enum wy_err say_file(struct wy_buf *words, const char *what, const char *path)
{
	const char *reason = ERR_reason_error_string(ERR_peek_last_error());

	wy_buf_addf(words, "%s '%s': %s", what, path, reason ? reason : "cannot be used");
	ERR_clear_error();
	return WY_E_INVALID;
}

static enum wy_err check_key_mode(const char *key, struct wy_buf *words)
{
	struct stat st;

	if (stat(key, &st) != 0 || (st.st_mode & S_IRWXO) == 0)
		return WY_OK; /* one that is not there is said by the loading */
	wy_buf_addf(words, "key '%s': readable for everybody; chmod 600 it", key);
	return WY_E_INVALID;
}

enum wy_err tls_files_check(const char *ca, const char *certificate, const char *key,
			    struct wy_buf *words)
{
	enum wy_err err = check_key_mode(key, words);
	SSL_CTX *ctx;

	if (err != WY_OK)
		return err;
	ERR_clear_error();
	ctx = SSL_CTX_new(TLS_client_method());
	if (!ctx) {
		wy_buf_add(words, "TLS: out of memory");
		return WY_E_NOMEM;
	}
	SSL_CTX_set_default_passwd_cb(ctx, no_passphrase);
	if (SSL_CTX_load_verify_file(ctx, ca) != 1)
		err = say_file(words, "CA", ca);
	else if (SSL_CTX_use_certificate_chain_file(ctx, certificate) != 1)
		err = say_file(words, "certificate", certificate);
	else if (SSL_CTX_use_PrivateKey_file(ctx, key, SSL_FILETYPE_PEM) != 1)
		err = say_file(words, "key", key);
	else if (SSL_CTX_check_private_key(ctx) != 1)
		err = say_file(words, "key does not belong to the certificate", key);
	SSL_CTX_free(ctx);
	return err;
}
