/* modbus_tls_parts.h: what modbus_tls.c and modbus_tls_conf.c share. Not for others. */
#ifndef SENSOR_MODBUS_TLS_PARTS_H
#define SENSOR_MODBUS_TLS_PARTS_H

#include "mbed.h"
#include "modbus_tls.h"

struct modbus_tls {
	mbedtls_entropy_context entropy;
	mbedtls_ctr_drbg_context random;
	struct modbus_tls_conf *first; /* owned */
	wy_ms least_wall_ms;
};

struct modbus_tls_conf {
	struct modbus_tls_conf *next;
	const char *files[3]; /* CA, certificate, key; borrowed */
	mbedtls_ssl_config ssl;
	mbedtls_x509_crt ca, own;
	mbedtls_pk_context key;
	char role[WY_TLS_ROLE_BYTES];
	wy_ms least_wall_ms;
};

/* Bytes of a certificate's extension. */
struct modbus_tls_extension {
	unsigned n;		    /* how many of this kind there are; 0: none */
	const unsigned char *value; /* of the first */
	size_t len;
};

/* oid: as DER, without tag and length. */
struct modbus_tls_extension modbus_tls_find(const mbedtls_x509_crt *certificate, const char *oid, size_t oid_len);

#endif
