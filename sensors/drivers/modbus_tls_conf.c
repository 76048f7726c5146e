/* modbus_tls_conf.c: the files behind a secured wire: CA, our certificate and its key, and what is wrong with them.
 *
 * Certificates are taken out of their PEM here and not by the library's own reader, which refuses a certificate whose
 * role extension is marked critical: critical means that nobody may pass over it, and we do not. The library reads the
 * server's chain itself, and there it stays refused; roles belong to clients. */
#define _POSIX_C_SOURCE 200809L

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "modbus_tls_parts.h"

#define ROLE_OID "\x2b\x06\x01\x04\x01\x83\x89\x0c\x86\x22\x01" /* 1.3.6.1.4.1.50316.802.1 */

enum { FILE_CA, FILE_CERTIFICATE, FILE_KEY };

struct loading_tls {
	struct modbus_tls *tls;
	struct modbus_tls_conf *conf;
	const struct sensor_wire_conf *wire;
	struct wy_diags *diags;
	char text[WY_TLS_FILE_BYTES_MAX + 1];
	size_t len;
};

static void complain(struct loading_tls *l, enum wy_severity severity, const char *code, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

static void complain(struct loading_tls *l, enum wy_severity severity, const char *code, const char *fmt, ...)
{
	char text[1024];
	struct wy_buf buf;
	va_list args;

	wy_buf_init(&buf, text, sizeof(text));
	wy_buf_addf(&buf, "wire '%s': ", l->wire->id);
	va_start(args, fmt);
	wy_buf_vaddf(&buf, fmt, args);
	va_end(args);
	wy_diag_add(l->diags, severity, code, NULL, 0, "%s", text);
}

/* ---- Extensions --------------------------------------------------------------------------- */

/* One Extension: OID, maybe a critical mark, then the value in an octet string. */
static bool read_extension(unsigned char *p, const unsigned char *end, const char *oid, size_t oid_len,
			   struct modbus_tls_extension *found)
{
	size_t len;
	int is_critical;

	if (mbedtls_asn1_get_tag(&p, end, &len, MBEDTLS_ASN1_OID))
		return false;
	bool is_it = len == oid_len && memcmp(p, oid, len) == 0;
	p += len;
	int rc = mbedtls_asn1_get_bool(&p, end, &is_critical);
	if ((rc && rc != MBEDTLS_ERR_ASN1_UNEXPECTED_TAG) ||
	    mbedtls_asn1_get_tag(&p, end, &len, MBEDTLS_ASN1_OCTET_STRING))
		return false;
	if (is_it && found->n++ == 0) {
		found->value = p;
		found->len = len;
	}
	return true;
}

struct modbus_tls_extension modbus_tls_find(const mbedtls_x509_crt *certificate, const char *oid, size_t oid_len)
{
	struct modbus_tls_extension found = {0, NULL, 0};
	unsigned char *p = certificate->v3_ext.p;
	const unsigned char *end = p ? p + certificate->v3_ext.len : NULL;
	size_t len;

	if (!p || mbedtls_asn1_get_tag(&p, end, &len, MBEDTLS_ASN1_CONSTRUCTED | MBEDTLS_ASN1_SEQUENCE))
		return found;
	while (p < end && !mbedtls_asn1_get_tag(&p, end, &len, MBEDTLS_ASN1_CONSTRUCTED | MBEDTLS_ASN1_SEQUENCE)) {
		if (!read_extension(p, p + len, oid, oid_len, &found))
			break;
		p += len;
	}
	return found;
}

/* The library asks about extensions it does not know. Others than ours: skip, or refuse what is critical. */
static int know_role(void *arg, const mbedtls_x509_crt *certificate, const mbedtls_x509_buf *oid, int is_critical,
		     const unsigned char *p, const unsigned char *end)
{
	(void)arg;
	(void)certificate;
	(void)is_critical;
	(void)p;
	(void)end;
	bool is_ours = oid->len == sizeof(ROLE_OID) - 1 && memcmp(oid->p, ROLE_OID, oid->len) == 0;
	return is_ours ? 0 : MBEDTLS_ERR_X509_FEATURE_UNAVAILABLE;
}

/* A role as text for people: no control characters. */
static bool copy_role(struct modbus_tls_conf *conf, const struct modbus_tls_extension *found)
{
	unsigned char *p = (unsigned char *)(uintptr_t)found->value;
	size_t len;

	if (mbedtls_asn1_get_tag(&p, found->value + found->len, &len, MBEDTLS_ASN1_UTF8_STRING) || !len ||
	    len >= sizeof(conf->role))
		return false;
	for (size_t i = 0; i < len; i++)
		conf->role[i] = p[i] < ' ' || p[i] == 127 ? '?' : (char)p[i];
	return true;
}

static void check_role(struct loading_tls *l)
{
	struct modbus_tls_conf *conf = l->conf;
	struct modbus_tls_extension found = modbus_tls_find(&conf->own, ROLE_OID, sizeof(ROLE_OID) - 1);

	if (found.n == 0)
		complain(l, WY_DIAG_WARNING, "W844",
			 "the certificate in '%s' carries no Modbus role; servers that go by roles will refuse every "
			 "request",
			 conf->files[FILE_CERTIFICATE]);
	else if (found.n > 1)
		complain(l, WY_DIAG_WARNING, "W844",
			 "the certificate in '%s' carries %u Modbus roles; servers expect one and may refuse us",
			 conf->files[FILE_CERTIFICATE], found.n);
	else if (!copy_role(conf, &found))
		complain(l, WY_DIAG_WARNING, "W844",
			 "the Modbus role in '%s' is not a UTF8String of 1 to %d bytes; servers will refuse it",
			 conf->files[FILE_CERTIFICATE], (int)sizeof(conf->role) - 1);
}

/* ---- Files -------------------------------------------------------------------------------- */

static bool read_file(struct loading_tls *l, int which)
{
	const char *path = l->conf->files[which];
	FILE *file = fopen(path, "rbe");
	struct stat info;

	if (file)
		setvbuf(file, NULL, _IONBF, 0); /* no copy of a key is left behind */
	l->len = file ? fread(l->text, 1, sizeof(l->text), file) : 0;
	bool is_read = file && !ferror(file);
	if (is_read && which == FILE_KEY && fstat(fileno(file), &info) == 0 && (info.st_mode & (S_IROTH | S_IWOTH)))
		complain(l, WY_DIAG_WARNING, "W608",
			 "every user of this machine can read the key in '%s'; do: chmod 640", path);
	if (file)
		(void)fclose(file);
	if (!is_read) {
		complain(l, WY_DIAG_WARNING, "W847", "cannot read '%s'; without it nothing of this wire is read", path);
		return false;
	}
	if (l->len > WY_TLS_FILE_BYTES_MAX) {
		complain(l, WY_DIAG_ERROR, "E841", "'%s' is larger than %d bytes", path, (int)WY_TLS_FILE_BYTES_MAX);
		return false;
	}
	l->text[l->len] = '\0';
	return true;
}

/* Every certificate of the PEM in text; how many, or less than 0. */
static int parse_certificates(struct loading_tls *l, mbedtls_x509_crt *chain)
{
	const char *at = l->text;
	int n = 0;

	while ((at = strstr(at, "-----BEGIN CERTIFICATE-----")) != NULL) {
		mbedtls_pem_context pem;
		size_t used = 0, len;

		mbedtls_pem_init(&pem);
		int rc = mbedtls_pem_read_buffer(&pem, "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----",
						 (const unsigned char *)at, NULL, 0, &used);
		if (!rc) {
			const unsigned char *der = mbed_pem_bytes(&pem, &len);
			rc = mbedtls_x509_crt_parse_der_with_ext_cb(chain, der, len, 1, know_role, NULL);
		}
		mbedtls_pem_free(&pem);
		if (rc)
			return rc;
		at += used;
		n++;
	}
	return n;
}

/* "2026-10-01 08:00" of a certificate's date. */
static void add_time(struct wy_buf *buf, const mbedtls_x509_time *t)
{
	wy_buf_addf(buf, "%d-%s%d-%s%d %s%d:%s%d UTC", t->year, t->mon < 10 ? "0" : "", t->mon, t->day < 10 ? "0" : "",
		    t->day, t->hour < 10 ? "0" : "", t->hour, t->min < 10 ? "0" : "", t->min);
}

static void check_dates(struct loading_tls *l, int which, const mbedtls_x509_crt *certificate)
{
	char text[40];
	struct wy_buf when;
	bool is_past = mbedtls_x509_time_is_past(&certificate->valid_to);

	if (!is_past && !mbedtls_x509_time_is_future(&certificate->valid_from))
		return;
	wy_buf_init(&when, text, sizeof(text));
	add_time(&when, is_past ? &certificate->valid_to : &certificate->valid_from);
	complain(l, WY_DIAG_WARNING, "W843",
		 "a certificate in '%s' %s %s: no connection until then or until it is renewed; look at the clock too",
		 l->conf->files[which], is_past ? "has expired on" : "is not valid before", text);
}

static enum wy_err load_certificates(struct loading_tls *l, int which, mbedtls_x509_crt *chain)
{
	if (!read_file(l, which))
		return WY_E_INVALID;
	int n = parse_certificates(l, chain);
	if (n == MBEDTLS_ERR_X509_ALLOC_FAILED || n == MBEDTLS_ERR_PEM_ALLOC_FAILED)
		return WY_E_NOMEM;
	if (n <= 0) {
		complain(l, WY_DIAG_ERROR, "E841",
			 n ? "a certificate in '%s' is damaged, or of a kind that is not understood"
			   : "no certificate in '%s'; expected PEM: -----BEGIN CERTIFICATE-----",
			 l->conf->files[which]);
		return WY_E_INVALID;
	}
	for (const mbedtls_x509_crt *one = chain; one; one = one->next)
		check_dates(l, which, one);
	return WY_OK;
}

static enum wy_err load_key(struct loading_tls *l)
{
	struct modbus_tls_conf *conf = l->conf;

	if (!read_file(l, FILE_KEY))
		return WY_E_INVALID;
	int rc = mbed_parse_key(&conf->key, (const unsigned char *)l->text, l->len + 1, &l->tls->random);
	if (rc == MBEDTLS_ERR_PK_PASSWORD_REQUIRED || rc == MBEDTLS_ERR_PK_PASSWORD_MISMATCH)
		complain(l, WY_DIAG_ERROR, "E841",
			 "the key in '%s' is locked with a password; nobody is there to type one",
			 conf->files[FILE_KEY]);
	else if (rc)
		complain(l, WY_DIAG_ERROR, "E841", "no private key in '%s'; expected PEM", conf->files[FILE_KEY]);
	else if (mbed_check_pair(&conf->own, &conf->key, &l->tls->random))
		complain(l, WY_DIAG_ERROR, "E842", "the key in '%s' is not the key of the certificate in '%s'",
			 conf->files[FILE_KEY], conf->files[FILE_CERTIFICATE]);
	else
		return WY_OK;
	return WY_E_INVALID;
}

static void check_use(struct loading_tls *l)
{
	if (mbedtls_x509_crt_check_extended_key_usage(&l->conf->own, MBEDTLS_OID_CLIENT_AUTH,
						      MBEDTLS_OID_SIZE(MBEDTLS_OID_CLIENT_AUTH)))
		complain(l, WY_DIAG_WARNING, "W846",
			 "the certificate in '%s' is not meant for clients (extendedKeyUsage); servers will refuse it",
			 l->conf->files[FILE_CERTIFICATE]);
}

/* ---- Sets --------------------------------------------------------------------------------- */

/* What is agreed to. The order is a wish; the server chooses. */
static enum wy_err set_rules(struct modbus_tls *tls, struct modbus_tls_conf *conf)
{
	static const int suites[] = {
		MBEDTLS_TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, MBEDTLS_TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
		MBEDTLS_TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, MBEDTLS_TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384, 0};

	if (mbedtls_ssl_config_defaults(&conf->ssl, MBEDTLS_SSL_IS_CLIENT, MBEDTLS_SSL_TRANSPORT_STREAM,
					MBEDTLS_SSL_PRESET_DEFAULT))
		return WY_E_NOMEM;
	mbed_restrict(&conf->ssl);
	mbedtls_ssl_conf_ciphersuites(&conf->ssl, suites);
	mbedtls_ssl_conf_cert_profile(&conf->ssl, &mbedtls_x509_crt_profile_next);
	mbedtls_ssl_conf_authmode(&conf->ssl, MBEDTLS_SSL_VERIFY_REQUIRED);
	mbedtls_ssl_conf_ca_chain(&conf->ssl, &conf->ca, NULL);
	mbedtls_ssl_conf_rng(&conf->ssl, mbedtls_ctr_drbg_random, &tls->random);
#ifdef MBEDTLS_SSL_RENEGOTIATION
	mbedtls_ssl_conf_renegotiation(&conf->ssl, MBEDTLS_SSL_RENEGOTIATION_DISABLED);
#endif
#ifdef MBEDTLS_SSL_SESSION_TICKETS
	mbedtls_ssl_conf_session_tickets(&conf->ssl, MBEDTLS_SSL_SESSION_TICKETS_DISABLED);
#endif
	return mbedtls_ssl_conf_own_cert(&conf->ssl, &conf->own, &conf->key) ? WY_E_NOMEM : WY_OK;
}

static void free_conf(struct modbus_tls_conf *conf)
{
	mbedtls_ssl_config_free(&conf->ssl);
	mbedtls_pk_free(&conf->key);
	mbedtls_x509_crt_free(&conf->own);
	mbedtls_x509_crt_free(&conf->ca);
	free(conf);
}

static struct modbus_tls_conf *new_conf(const char *const files[3])
{
	struct modbus_tls_conf *conf = calloc(1, sizeof(*conf));

	if (!conf)
		return NULL;
	memcpy(conf->files, files, sizeof(conf->files));
	mbedtls_ssl_config_init(&conf->ssl);
	mbedtls_x509_crt_init(&conf->ca);
	mbedtls_x509_crt_init(&conf->own);
	mbedtls_pk_init(&conf->key);
	return conf;
}

static enum wy_err load_all(struct loading_tls *l)
{
	enum wy_err err = load_certificates(l, FILE_CA, &l->conf->ca);
	enum wy_err own = load_certificates(l, FILE_CERTIFICATE, &l->conf->own);

	if (own || err)
		return err ? err : own;
	err = load_key(l);
	if (err)
		return err;
	check_role(l);
	check_use(l);
	return set_rules(l->tls, l->conf);
}

static bool is_of(const struct modbus_tls_conf *conf, const char *const files[3])
{
	for (int i = 0; i < 3; i++)
		if (strcmp(conf->files[i], files[i]) != 0)
			return false;
	return true;
}

static bool has_name(struct loading_tls *l)
{
	const char *name = l->wire->tls_name ? l->wire->tls_name : l->wire->host;

	if (name && name[0] && strlen(name) <= MBEDTLS_SSL_MAX_HOST_NAME_LEN)
		return true;
	complain(l, WY_DIAG_ERROR, "E845", "expected the name in the server's certificate, of 1 to %d bytes",
		 MBEDTLS_SSL_MAX_HOST_NAME_LEN);
	return false;
}

static struct modbus_tls_conf *find_conf(struct modbus_tls *tls, const char *const files[3])
{
	for (struct modbus_tls_conf *conf = tls->first; conf; conf = conf->next)
		if (is_of(conf, files))
			return conf;
	return NULL;
}

static enum wy_err load_conf(struct loading_tls *l)
{
	const char *const files[] = {l->wire->tls_ca, l->wire->tls_certificate, l->wire->tls_key};

	if (!has_name(l))
		return WY_E_INVALID;
	l->conf = find_conf(l->tls, files);
	if (l->conf)
		return WY_OK;
	l->conf = new_conf(files);
	if (!l->conf)
		return WY_E_NOMEM;
	l->conf->least_wall_ms = l->tls->least_wall_ms;
	enum wy_err err = load_all(l);
	if (err) {
		free_conf(l->conf);
		return err;
	}
	l->conf->next = l->tls->first;
	l->tls->first = l->conf;
	return WY_OK;
}

enum wy_err modbus_tls_load(struct modbus_tls *tls, const struct sensor_wire_conf *wire, struct wy_diags *diags,
			    struct modbus_tls_conf **ret_conf)
{
	struct loading_tls *l = calloc(1, sizeof(*l));

	if (!l)
		return WY_E_NOMEM;
	l->tls = tls;
	l->wire = wire;
	l->diags = diags;
	enum wy_err err = load_conf(l);
	if (!err)
		*ret_conf = l->conf;
	mbedtls_platform_zeroize(l->text, sizeof(l->text));
	free(l);
	return err;
}

const char *modbus_tls_role(const struct modbus_tls_conf *conf)
{
	return conf->role;
}

enum wy_err modbus_tls_new(wy_ms least_wall_ms, struct modbus_tls **ret_tls)
{
	struct modbus_tls *tls = calloc(1, sizeof(*tls));

	if (!tls)
		return WY_E_NOMEM;
	tls->least_wall_ms = least_wall_ms;
	mbedtls_entropy_init(&tls->entropy);
	mbedtls_ctr_drbg_init(&tls->random);
	if (mbedtls_ctr_drbg_seed(&tls->random, mbedtls_entropy_func, &tls->entropy, NULL, 0)) {
		modbus_tls_free(tls);
		return WY_E_IO;
	}
	*ret_tls = tls;
	return WY_OK;
}

void modbus_tls_free(struct modbus_tls *tls)
{
	if (!tls)
		return;
	while (tls->first) {
		struct modbus_tls_conf *conf = tls->first;
		tls->first = conf->next;
		free_conf(conf);
	}
	mbedtls_ctr_drbg_free(&tls->random);
	mbedtls_entropy_free(&tls->entropy);
	free(tls);
}
