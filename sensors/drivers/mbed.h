/* mbed.h: everything in which mbedTLS 2.28 and 3.x differ for us. Not for others than modbus_tls*.c.
 *
 * TLS 1.2 is both least and most: 2.28 knows nothing later, and 3.x would want PSA for 1.3. */
#ifndef SENSOR_MBED_H
#define SENSOR_MBED_H

#include <stdbool.h>

#include <mbedtls/ctr_drbg.h>
#include <mbedtls/entropy.h>
#include <mbedtls/oid.h>
#include <mbedtls/pem.h>
#include <mbedtls/platform_util.h>
#include <mbedtls/ssl.h>
#include <mbedtls/version.h>
#include <mbedtls/x509_crt.h>

#if MBEDTLS_VERSION_MAJOR >= 3

#define MBED_E_VERSION MBEDTLS_ERR_SSL_BAD_PROTOCOL_VERSION
#define MBED_E_CIPHER MBEDTLS_ERR_SSL_HANDSHAKE_FAILURE
#define MBED_E_CERTIFICATE MBEDTLS_ERR_SSL_BAD_CERTIFICATE

static inline int mbed_parse_key(mbedtls_pk_context *key, const unsigned char *text, size_t size,
				 mbedtls_ctr_drbg_context *random)
{
	return mbedtls_pk_parse_key(key, text, size, NULL, 0, mbedtls_ctr_drbg_random, random);
}

static inline int mbed_check_pair(const mbedtls_x509_crt *certificate, const mbedtls_pk_context *key,
				  mbedtls_ctr_drbg_context *random)
{
	return mbedtls_pk_check_pair(&certificate->pk, key, mbedtls_ctr_drbg_random, random);
}

static inline const unsigned char *mbed_pem_bytes(mbedtls_pem_context *pem, size_t *ret_len)
{
	return mbedtls_pem_get_buffer(pem, ret_len);
}

/* The description of the alert that ended the session. */
static inline int mbed_alert(const mbedtls_ssl_context *ssl)
{
	return ssl->MBEDTLS_PRIVATE(in_msg)[1];
}

/* Is the record it came in of less than TLS 1.2? */
static inline bool mbed_is_old(const mbedtls_ssl_context *ssl)
{
	return ssl->MBEDTLS_PRIVATE(in_hdr)[2] < 3;
}

static inline void mbed_restrict(mbedtls_ssl_config *conf)
{
	static const uint16_t groups[] = {MBEDTLS_SSL_IANA_TLS_GROUP_SECP256R1, MBEDTLS_SSL_IANA_TLS_GROUP_X25519,
					  MBEDTLS_SSL_IANA_TLS_GROUP_SECP384R1, MBEDTLS_SSL_IANA_TLS_GROUP_SECP521R1,
					  MBEDTLS_SSL_IANA_TLS_GROUP_NONE};

	mbedtls_ssl_conf_min_tls_version(conf, MBEDTLS_SSL_VERSION_TLS1_2);
	mbedtls_ssl_conf_max_tls_version(conf, MBEDTLS_SSL_VERSION_TLS1_2);
	mbedtls_ssl_conf_groups(conf, groups);
}

#else

#define MBED_E_VERSION MBEDTLS_ERR_SSL_BAD_HS_PROTOCOL_VERSION
#define MBED_E_CIPHER MBEDTLS_ERR_SSL_NO_CIPHER_CHOSEN
#define MBED_E_CERTIFICATE MBEDTLS_ERR_SSL_BAD_HS_CERTIFICATE

static inline int mbed_parse_key(mbedtls_pk_context *key, const unsigned char *text, size_t size,
				 mbedtls_ctr_drbg_context *random)
{
	(void)random;
	return mbedtls_pk_parse_key(key, text, size, NULL, 0);
}

static inline int mbed_check_pair(const mbedtls_x509_crt *certificate, const mbedtls_pk_context *key,
				  mbedtls_ctr_drbg_context *random)
{
	(void)random;
	return mbedtls_pk_check_pair(&certificate->pk, key);
}

static inline const unsigned char *mbed_pem_bytes(mbedtls_pem_context *pem, size_t *ret_len)
{
	*ret_len = pem->buflen;
	return pem->buf;
}

static inline int mbed_alert(const mbedtls_ssl_context *ssl)
{
	return ssl->in_msg[1];
}

static inline bool mbed_is_old(const mbedtls_ssl_context *ssl)
{
	return ssl->in_hdr[2] < 3;
}

/* Debian's build would still agree to TLS 1.0, and sign the key exchange with SHA-1. */
static inline void mbed_restrict(mbedtls_ssl_config *conf)
{
	static const mbedtls_ecp_group_id curves[] = {MBEDTLS_ECP_DP_SECP256R1, MBEDTLS_ECP_DP_CURVE25519,
						      MBEDTLS_ECP_DP_SECP384R1, MBEDTLS_ECP_DP_SECP521R1,
						      MBEDTLS_ECP_DP_NONE};
	static const int hashes[] = {MBEDTLS_MD_SHA256, MBEDTLS_MD_SHA384, MBEDTLS_MD_SHA512, MBEDTLS_MD_NONE};

	mbedtls_ssl_conf_min_version(conf, MBEDTLS_SSL_MAJOR_VERSION_3, MBEDTLS_SSL_MINOR_VERSION_3);
	mbedtls_ssl_conf_max_version(conf, MBEDTLS_SSL_MAJOR_VERSION_3, MBEDTLS_SSL_MINOR_VERSION_3);
	mbedtls_ssl_conf_curves(conf, curves);
	mbedtls_ssl_conf_sig_hashes(conf, hashes);
}

#endif

#endif
