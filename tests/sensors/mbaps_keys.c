/* mbaps_keys.c: certificates by a table. Not by the openssl command: it cannot write a certificate with two roles. */
#include "mbaps_keys.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define ROLE "1.3.6.1.4.1.50316.802.1"
#define OURS "DNS:localhost,IP:127.0.0.1"
#define DAY (24 * 60 * 60L)

enum shape { PLAIN, CRITICAL, TWICE, PRINTABLE, LONG };

static const struct row {
	const char *name, *issuer; /* NULL: signs itself, and is a CA */
	const char *names, *use;   /* subjectAltName, extendedKeyUsage */
	const char *role;
	enum shape shape;
	int rsa_bits; /* 0: P-256 */
	long from_days, to_days;
} rows[] = {
	{"ca", NULL, NULL, NULL, NULL, PLAIN, 0, -1, 30},
	{"stranger-ca", NULL, NULL, NULL, NULL, PLAIN, 0, -1, 30},
	{"long-ca", NULL, NULL, NULL, NULL, PLAIN, 0, -1, 4000},
	{"server-next", "long-ca", OURS, "serverAuth", NULL, PLAIN, 0, 1000, 3000},
	{"server-far", "long-ca", OURS, "serverAuth", NULL, PLAIN, 0, 2000, 3000},
	{"server-after-ca", "ca", OURS, "serverAuth", NULL, PLAIN, 0, 100, 300},
	{"server", "ca", OURS, "serverAuth", NULL, PLAIN, 0, -1, 30},
	{"server-rsa", "ca", OURS, "serverAuth", NULL, PLAIN, 2048, -1, 30},
	{"server-weak", "ca", OURS, "serverAuth", NULL, PLAIN, 1024, -1, 30},
	{"server-role", "ca", OURS, "serverAuth", "device", PLAIN, 0, -1, 30},
	{"server-role-critical", "ca", OURS, "serverAuth", "device", CRITICAL, 0, -1, 30},
	{"server-expired", "ca", OURS, "serverAuth", NULL, PLAIN, 0, -30, -1},
	{"server-early", "ca", OURS, "serverAuth", NULL, PLAIN, 0, 1, 30},
	{"server-other", "ca", "DNS:pump.example,IP:192.0.2.7", "serverAuth", NULL, PLAIN, 0, -1, 30},
	{"server-use", "ca", OURS, "clientAuth", NULL, PLAIN, 0, -1, 30},
	{"server-stranger", "stranger-ca", OURS, "serverAuth", NULL, PLAIN, 0, -1, 30},
	{"monitor", "ca", NULL, "clientAuth", "monitor", PLAIN, 0, -1, 30},
	{"monitor-rsa", "ca", NULL, "clientAuth", "monitor", PLAIN, 2048, -1, 30},
	{"monitor-critical", "ca", NULL, "clientAuth", "monitor", CRITICAL, 0, -1, 30},
	{"meter-reader", "ca", NULL, "clientAuth", "meter-reader", PLAIN, 0, -1, 30},
	{"no-role", "ca", NULL, "clientAuth", NULL, PLAIN, 0, -1, 30},
	{"two-roles", "ca", NULL, "clientAuth", "monitor", TWICE, 0, -1, 30},
	{"printable-role", "ca", NULL, "clientAuth", "monitor", PRINTABLE, 0, -1, 30},
	{"long-role", "ca", NULL, "clientAuth", "monitor", LONG, 0, -1, 30},
	{"client-expired", "ca", NULL, "clientAuth", "monitor", PLAIN, 0, -30, -1},
	{"client-use", "ca", NULL, "serverAuth", "monitor", PLAIN, 0, -1, 30},
	{"client-stranger", "stranger-ca", NULL, "clientAuth", "monitor", PLAIN, 0, -1, 30},
};

static void *must(void *thing)
{
	if (!thing)
		abort();
	return thing;
}

static FILE *open_file(const char *folder, const char *name, const char *end, const char *mode)
{
	char path[4096];

	snprintf(path, sizeof(path), "%s/%s.%s", folder, name, end);
	return must(fopen(path, mode));
}

static void add(X509 *certificate, X509 *issuer, int nid, const char *value)
{
	X509V3_CTX context;

	X509V3_set_ctx(&context, issuer, certificate, NULL, NULL, 0);
	X509_EXTENSION *extension = must(X509V3_EXT_conf_nid(NULL, &context, nid, value));
	X509_add_ext(certificate, extension, -1);
	X509_EXTENSION_free(extension);
}

static void add_role(X509 *certificate, const struct row *row)
{
	unsigned char der[200] = {row->shape == PRINTABLE ? 0x13 : 0x0c};
	size_t len = row->shape == LONG ? 100 : strlen(row->role);
	ASN1_OBJECT *oid = must(OBJ_txt2obj(ROLE, 1));
	ASN1_OCTET_STRING *value = must(ASN1_OCTET_STRING_new());

	der[1] = (unsigned char)len;
	memset(der + 2, 'r', len);
	if (row->shape != LONG)
		memcpy(der + 2, row->role, len);
	ASN1_OCTET_STRING_set(value, der, (int)len + 2);
	X509_EXTENSION *extension = must(X509_EXTENSION_create_by_OBJ(NULL, oid, row->shape == CRITICAL, value));
	for (int i = 0; i < (row->shape == TWICE ? 2 : 1); i++)
		X509_add_ext(certificate, extension, -1);
	X509_EXTENSION_free(extension);
	ASN1_OCTET_STRING_free(value);
	ASN1_OBJECT_free(oid);
}

static void issue(const char *folder, const struct row *row)
{
	EVP_PKEY *key = must(row->rsa_bits ? EVP_RSA_gen((size_t)row->rsa_bits) : EVP_EC_gen("P-256"));
	X509 *certificate = must(X509_new()), *issuer = certificate;
	EVP_PKEY *issuer_key = key;
	X509_NAME *name = X509_get_subject_name(certificate);
	uint64_t serial;

	if (row->issuer) {
		FILE *file = open_file(folder, row->issuer, "crt", "r");
		issuer = must(PEM_read_X509(file, NULL, NULL, NULL));
		fclose(file);
		file = open_file(folder, row->issuer, "key", "r");
		issuer_key = must(PEM_read_PrivateKey(file, NULL, NULL, NULL));
		fclose(file);
	}
	RAND_bytes((unsigned char *)&serial, sizeof(serial));
	X509_set_version(certificate, X509_VERSION_3);
	ASN1_INTEGER_set_uint64(X509_get_serialNumber(certificate), serial >> 1);
	X509_gmtime_adj(X509_getm_notBefore(certificate), row->from_days * DAY);
	X509_gmtime_adj(X509_getm_notAfter(certificate), row->to_days * DAY);
	X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, (const unsigned char *)row->name, -1, -1, 0);
	X509_set_issuer_name(certificate, X509_get_subject_name(issuer));
	X509_set_pubkey(certificate, key);
	add(certificate, issuer, NID_basic_constraints, row->issuer ? "critical,CA:FALSE" : "critical,CA:TRUE");
	add(certificate, issuer, NID_key_usage,
	    row->issuer ? "critical,digitalSignature" : "critical,keyCertSign,cRLSign");
	if (row->use)
		add(certificate, issuer, NID_ext_key_usage, row->use);
	if (row->names)
		add(certificate, issuer, NID_subject_alt_name, row->names);
	if (row->role)
		add_role(certificate, row);
	if (!X509_sign(certificate, issuer_key, EVP_sha256()))
		abort();

	FILE *file = open_file(folder, row->name, "crt", "w");
	PEM_write_X509(file, certificate);
	fclose(file);
	file = open_file(folder, row->name, "key", "w");
	PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL);
	fclose(file);
	if (issuer != certificate) {
		X509_free(issuer);
		EVP_PKEY_free(issuer_key);
	}
	X509_free(certificate);
	EVP_PKEY_free(key);
}

void mbaps_keys_make(const char *folder)
{
	umask(077);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		issue(folder, &rows[i]);
}
