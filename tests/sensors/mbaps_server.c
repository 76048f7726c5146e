/* mbaps_server.c: a Modbus/TCP Security server that goes by roles, for tests. Its TLS is OpenSSL, the client's is not.
 *
 * mbaps_server FOLDER NAME [SWITCH...] listens on a free port of 127.0.0.1 with FOLDER/NAME.crt and .key, trusts
 * FOLDER/ca.crt, and says on stdout what happens, a line each: `port N`, then for each connection `refused WHY`,
 * `client CIPHER ROLES`, `request FUNCTION ADDRESS COUNT`, `end`.
 *
 * The role `monitor` may read (functions 1 to 4), any other role and none may do nothing: exception 1. Register `a` in
 * the answer to the k-th request of a connection holds fake_value(a, k).
 *
 *   --strict         a client without exactly one role is dropped right after the handshake
 *   --no-client      asks for no client certificate
 *   --drop N         closes after N requests, without a goodbye
 *   --renegotiate N  asks for a new handshake before the answer to request N
 *   --tls 1.1|1.3    that version only
 *   --split          each answer in records of a byte each */
#define _GNU_SOURCE

#include "fake_slave.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct {
	bool is_strict, asks_nothing, splits;
	int drop_after, renegotiate_at;
	const char *version;
} with;

static SSL_CTX *context;

/* How many roles the client's certificate carries; the first as text. */
static int read_roles(X509 *certificate, char *role, size_t size)
{
	ASN1_OBJECT *oid = OBJ_txt2obj("1.3.6.1.4.1.50316.802.1", 1);
	int n = 0;

	role[0] = '\0';
	for (int at = -1; certificate && (at = X509_get_ext_by_OBJ(certificate, oid, at)) >= 0; n++) {
		const ASN1_OCTET_STRING *value = X509_EXTENSION_get_data(X509_get_ext(certificate, at));
		const unsigned char *p = ASN1_STRING_get0_data(value);
		int len = ASN1_STRING_length(value);
		if (n == 0 && len > 2 && p[0] == V_ASN1_UTF8STRING && p[1] == len - 2 && (size_t)p[1] < size)
			snprintf(role, size, "%.*s", p[1], p + 2);
	}
	ASN1_OBJECT_free(oid);
	return n;
}

static bool read_all(SSL *ssl, uint8_t *bytes, int n)
{
	for (int have = 0; have < n;) {
		int got = SSL_read(ssl, bytes + have, n - have);
		if (got <= 0)
			return false;
		have += got;
	}
	return true;
}

static void send_answer(SSL *ssl, const uint8_t *frame, int len)
{
	for (int i = 0, part = with.splits ? 1 : len; i < len; i += part)
		SSL_write(ssl, frame + i, part);
}

static void answer(SSL *ssl, const uint8_t *request, int k, const char *role)
{
	uint8_t frame[300];
	unsigned address = (unsigned)(request[8] << 8 | request[9]), count = (unsigned)(request[10] << 8 | request[11]);
	bool may = strcmp(role, "monitor") == 0 && request[7] >= 1 && request[7] <= 4;
	bool is_bits = request[7] <= 2;
	unsigned bytes = is_bits ? (count + 7) / 8 : count * 2;

	memcpy(frame, request, 8);
	printf("request %u %u %u\n", request[7], address, count);
	if (!may || bytes > 250 || !count) {
		frame[5] = 3;
		frame[7] |= 0x80;
		frame[8] = may ? 3 : 1;
		send_answer(ssl, frame, 9);
		return;
	}
	frame[5] = (uint8_t)(bytes + 3);
	frame[8] = (uint8_t)bytes;
	for (unsigned i = 0; i < bytes; i++) {
		uint16_t value = fake_value(address + i / 2, (unsigned)k);
		frame[9 + i] = (uint8_t)(is_bits ? 0xAA : i % 2 ? value : value >> 8);
	}
	send_answer(ssl, frame, 9 + (int)bytes);
}

static void serve(SSL *ssl)
{
	char role[100];
	uint8_t request[12];
	X509 *certificate = SSL_get1_peer_certificate(ssl);
	int n = read_roles(certificate, role, sizeof(role));

	printf("client %s %d %s\n", SSL_get_cipher_name(ssl), n, role);
	X509_free(certificate);
	if (with.is_strict && n != 1)
		return;
	for (int k = 1; read_all(ssl, request, 12); k++) {
		if (k == with.renegotiate_at) {
			SSL_renegotiate(ssl);
			SSL_do_handshake(ssl);
		}
		answer(ssl, request, k, role);
		if (k == with.drop_after)
			return;
	}
	SSL_shutdown(ssl);
}

static void *run(void *arg)
{
	int fd = (int)(intptr_t)arg, one = 1;
	SSL *ssl = SSL_new(context);

	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	SSL_set_fd(ssl, fd);
	if (SSL_accept(ssl) == 1) {
		serve(ssl);
		printf("end\n");
	} else {
		const char *why = ERR_reason_error_string(ERR_peek_error());
		printf("refused %s\n", why ? why : "connection lost");
	}
	SSL_free(ssl);
	ERR_clear_error();
	close(fd);
	return NULL;
}

static void set_up(const char *folder, const char *name)
{
	char ca[4096], crt[4096], key[4096];
	int version = TLS1_2_VERSION;

	if (with.version)
		version = strcmp(with.version, "1.1") == 0 ? TLS1_1_VERSION : TLS1_3_VERSION;
	snprintf(ca, sizeof(ca), "%s/ca.crt", folder);
	snprintf(crt, sizeof(crt), "%s/%s.crt", folder, name);
	snprintf(key, sizeof(key), "%s/%s.key", folder, name);
	context = SSL_CTX_new(TLS_server_method());
	/* So that weak things are refused by the client, if at all. */
	SSL_CTX_set_cipher_list(context, "ALL:@SECLEVEL=0");
	SSL_CTX_set_min_proto_version(context, version);
	SSL_CTX_set_max_proto_version(context, with.version ? version : TLS1_3_VERSION);
	SSL_CTX_set_verify(
		context, with.asks_nothing ? SSL_VERIFY_NONE : SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
	/* A critical role is no surprise to a server that goes by roles. */
	X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(context), X509_V_FLAG_IGNORE_CRITICAL);
	if (SSL_CTX_load_verify_locations(context, ca, NULL) != 1 ||
	    SSL_CTX_use_certificate_file(context, crt, SSL_FILETYPE_PEM) != 1 ||
	    SSL_CTX_use_PrivateKey_file(context, key, SSL_FILETYPE_PEM) != 1) {
		ERR_print_errors_fp(stderr);
		exit(1);
	}
}

static void read_switches(int argc, char **argv)
{
	for (int i = 3; i < argc; i++) {
		const char *value = i + 1 < argc ? argv[i + 1] : "";
		if (strcmp(argv[i], "--strict") == 0)
			with.is_strict = true;
		else if (strcmp(argv[i], "--no-client") == 0)
			with.asks_nothing = true;
		else if (strcmp(argv[i], "--split") == 0)
			with.splits = true;
		else if (strcmp(argv[i], "--drop") == 0)
			with.drop_after = (int)strtol(value, NULL, 10), i++;
		else if (strcmp(argv[i], "--renegotiate") == 0)
			with.renegotiate_at = (int)strtol(value, NULL, 10), i++;
		else if (strcmp(argv[i], "--tls") == 0)
			with.version = value, i++;
		else {
			fprintf(stderr, "mbaps_server: no switch '%s'\n", argv[i]);
			exit(2);
		}
	}
}

int main(int argc, char **argv)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(address);
	int listener = socket(AF_INET, SOCK_STREAM, 0);

	if (argc < 3) {
		fprintf(stderr, "usage: mbaps_server FOLDER NAME [SWITCH...]\n");
		return 2;
	}
	read_switches(argc, argv);
	signal(SIGPIPE, SIG_IGN);
	setvbuf(stdout, NULL, _IOLBF, 0);
	set_up(argv[1], argv[2]);
	if (bind(listener, (struct sockaddr *)&address, len) || listen(listener, 500) ||
	    getsockname(listener, (struct sockaddr *)&address, &len)) {
		perror("mbaps_server");
		return 1;
	}
	printf("port %u\n", ntohs(address.sin_port));
	for (;;) {
		pthread_t thread;
		int fd = accept(listener, NULL, NULL);
		if (fd >= 0 && pthread_create(&thread, NULL, run, (void *)(intptr_t)fd) == 0)
			pthread_detach(thread);
	}
}
