/* coap_secure.c: DTLS towards a device: with a key both know, or with certificates.
 *
 * libcoap's OpenSSL half checks chain and validity; names it leaves to us, and its own look at them stops at the first
 * one of a certificate. Nothing here can be switched off. */
#include <arpa/inet.h>
#include <openssl/x509v3.h>
#include <string.h>

#include "coap_field.h"

#define CHAIN_MOST 4 /* certificates between the device's and the authority's */

bool coap_secure_is(const struct sensor_device_conf *conf)
{
	return conf->psk_key || conf->dtls_ca;
}

bool coap_secure_is_named(const uint8_t *certificate, size_t len, const char *name)
{
	const unsigned char *at = certificate;
	X509 *x509 = d2i_X509(NULL, &at, (long)len);
	uint8_t address[sizeof(struct in6_addr)];
	bool is_address = inet_pton(AF_INET, name, address) == 1 || inet_pton(AF_INET6, name, address) == 1;
	bool is_named = x509 && (is_address ? X509_check_ip_asc(x509, name, 0)
					    : X509_check_host(x509, name, 0, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS,
							      NULL)) == 1;

	X509_free(x509);
	return is_named;
}

/* ---- A key both know ------------------------------------------------------------------------- */

/* Called once the server has answered the hello and named its hint, which we have no use for. */
static const coap_dtls_cpsk_info_t *on_hint(coap_str_const_t *hint, coap_session_t *session, void *arg)
{
	struct coap_device *device = arg;

	(void)hint;
	(void)session;
	device->is_greeted = true;
	return &device->psk.psk_info;
}

static coap_session_t *psk_session(struct coap_device *device, const coap_address_t *address)
{
	const struct sensor_device_conf *conf = device->conf;

	device->psk = (coap_dtls_cpsk_t){
		.version = COAP_DTLS_CPSK_SETUP_VERSION,
		.validate_ih_call_back = on_hint,
		.ih_call_back_arg = device,
		.psk_info.identity = {strlen(conf->psk_identity), (const uint8_t *)conf->psk_identity},
		.psk_info.key = {conf->psk_key_len, conf->psk_key},
	};
	return coap_new_client_session_psk2(device->context, NULL, address, COAP_PROTO_DTLS, &device->psk);
}

/* ---- Certificates ---------------------------------------------------------------------------- */

/* For every certificate of a chain that holds so far, the device's own at depth 0. The argument is no use: libcoap keeps
 * one per context, that of the session begun last. */
static int on_certificate(const char *cn, const uint8_t *certificate, size_t len, coap_session_t *session,
			  unsigned int depth, int is_valid, void *arg)
{
	struct coap_device *device = coap_link_device(session);

	(void)cn;
	(void)arg;
	if (!device || !is_valid)
		return 0;
	device->is_greeted = true;
	return depth > 0 || coap_secure_is_named(certificate, len, device->conf->dtls_name);
}

static coap_session_t *pki_session(struct coap_device *device, const coap_address_t *address)
{
	const struct sensor_device_conf *conf = device->conf;
	coap_dtls_pki_t pki = {
		.version = COAP_DTLS_PKI_SETUP_VERSION,
		.verify_peer_cert = 1,
		.check_common_ca = 1, /* without it the authority's file is not read at all */
		.cert_chain_validation = 1,
		.cert_chain_verify_depth = CHAIN_MOST,
		.allow_no_crl = 1,
		.validate_cn_call_back = on_certificate,
		.pki_key = {.key_type = COAP_PKI_KEY_PEM,
			    .key.pem = {.ca_file = conf->dtls_ca,
					.public_cert = conf->dtls_certificate,
					.private_key = conf->dtls_key}},
	};

	return coap_new_client_session_pki(device->context, NULL, address, COAP_PROTO_DTLS, &pki);
}

coap_session_t *coap_secure_session(struct coap_device *device, const coap_address_t *address)
{
	device->is_greeted = false;
	return device->conf->dtls_ca ? pki_session(device, address) : psk_session(device, address);
}
