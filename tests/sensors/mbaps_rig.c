/* mbaps_rig.c: see mbaps_rig.h. */
#include "mbaps_rig.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "mbaps_keys.h"

static void must(bool is_fine)
{
	if (!is_fine)
		abort();
}

void mbaps_rig_client(struct mbaps_rig *rig, const char *client)
{
	snprintf(rig->files[0], sizeof(rig->files[0]), "%s/ca.crt", rig->folder);
	snprintf(rig->files[1], sizeof(rig->files[1]), "%s/%s.crt", rig->folder, client);
	snprintf(rig->files[2], sizeof(rig->files[2]), "%s/%s.key", rig->folder, client);
	rig->wire = (struct sensor_wire_conf){.id = "w",
					      .host = "192.0.2.1",
					      .tls_ca = rig->files[0],
					      .tls_certificate = rig->files[1],
					      .tls_key = rig->files[2],
					      .tls_name = "localhost"};
	wy_arena_init(&rig->arena, rig->memory, sizeof(rig->memory));
	wy_diags_init(&rig->diags, &rig->arena);
}

void mbaps_rig_open(struct mbaps_rig *rig, const char *server, const char *client)
{
	char crt[128], key[128];

	memset(rig, 0, sizeof(*rig));
	rig->ours = rig->theirs = -1;
	snprintf(rig->folder, sizeof(rig->folder), "/tmp/mbaps.XXXXXX");
	must(mkdtemp(rig->folder) != NULL);
	mbaps_keys_make(rig->folder);
	mbaps_rig_client(rig, client);
	snprintf(crt, sizeof(crt), "%s/%s.crt", rig->folder, server);
	snprintf(key, sizeof(key), "%s/%s.key", rig->folder, server);
	rig->context = SSL_CTX_new(TLS_server_method());
	must(SSL_CTX_load_verify_locations(rig->context, rig->files[0], NULL) == 1 &&
	     SSL_CTX_use_certificate_file(rig->context, crt, SSL_FILETYPE_PEM) == 1 &&
	     SSL_CTX_use_PrivateKey_file(rig->context, key, SSL_FILETYPE_PEM) == 1);
	SSL_CTX_set_verify(rig->context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
}

void mbaps_rig_end(struct mbaps_rig *rig)
{
	modbus_tls_close(rig->session);
	modbus_tls_free(rig->tls);
	SSL_free(rig->server);
	if (rig->ours >= 0)
		close(rig->ours);
	mbaps_rig_hang_up(rig);
	rig->session = NULL;
	rig->tls = NULL;
	rig->server = NULL;
	rig->ours = -1;
}

void mbaps_rig_close(struct mbaps_rig *rig)
{
	DIR *folder = opendir(rig->folder);
	struct dirent *entry;
	char path[400];

	mbaps_rig_end(rig);
	SSL_CTX_free(rig->context);
	while (folder && (entry = readdir(folder)) != NULL) {
		snprintf(path, sizeof(path), "%s/%s", rig->folder, entry->d_name);
		unlink(path);
	}
	if (folder)
		closedir(folder);
	rmdir(rig->folder);
}

enum wy_err mbaps_rig_begin(struct mbaps_rig *rig)
{
	int fds[2];

	mbaps_rig_end(rig);
	rig->is_accepted = false;
	rig->n_said = rig->n_heard = 0;
	must(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds) == 0);
	rig->ours = fds[0];
	rig->theirs = fds[1];
	rig->server = SSL_new(rig->context);
	SSL_set_bio(rig->server, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
	SSL_set_accept_state(rig->server);
	enum wy_err err = modbus_tls_new(rig->least_wall_ms, &rig->tls);
	if (!err)
		err = modbus_tls_load(rig->tls, &rig->wire, &rig->diags, &rig->conf);
	if (!err)
		err = modbus_tls_open(rig->conf, rig->wire.tls_name, rig->ours, &rig->session);
	return err;
}

void mbaps_rig_serve(struct mbaps_rig *rig)
{
	uint8_t bytes[4096];
	ssize_t n;

	while (rig->theirs >= 0 && (n = read(rig->theirs, bytes, sizeof(bytes))) > 0)
		BIO_write(SSL_get_rbio(rig->server), bytes, (int)n);
	if (!rig->is_accepted)
		rig->is_accepted = SSL_accept(rig->server) == 1;
	if (rig->is_accepted && rig->n_heard < sizeof(rig->heard)) {
		int got = SSL_read(rig->server, rig->heard + rig->n_heard, (int)(sizeof(rig->heard) - rig->n_heard));
		rig->n_heard += got > 0 ? (size_t)got : 0;
	}
	int got = BIO_read(SSL_get_wbio(rig->server), rig->said + rig->n_said, (int)(sizeof(rig->said) - rig->n_said));
	rig->n_said += got > 0 ? (size_t)got : 0;
}

void mbaps_rig_say(struct mbaps_rig *rig, const void *bytes, size_t n)
{
	must(rig->is_accepted && SSL_write(rig->server, bytes, (int)n) == (int)n);
	mbaps_rig_serve(rig);
}

void mbaps_rig_pass(struct mbaps_rig *rig, size_t n)
{
	must(n <= rig->n_said && write(rig->theirs, rig->said, n) == (ssize_t)n);
	rig->n_said -= n;
	memmove(rig->said, rig->said + n, rig->n_said);
}

void mbaps_rig_hang_up(struct mbaps_rig *rig)
{
	if (rig->theirs >= 0)
		close(rig->theirs);
	rig->theirs = -1;
}

enum wy_err mbaps_rig_shake(struct mbaps_rig *rig)
{
	enum wy_err err;

	while ((err = modbus_tls_step(rig->session)) == WY_E_BUSY) {
		mbaps_rig_serve(rig);
		if (!rig->n_said)
			return WY_E_BUSY;
		mbaps_rig_pass(rig, rig->n_said);
	}
	return err;
}
