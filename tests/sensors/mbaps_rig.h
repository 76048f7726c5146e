/* mbaps_rig.h: our side of Modbus/TCP Security on one end of a socket pair, and a server (OpenSSL) in memory whose
 * bytes the test may change, cut or hold back before it passes them on. One thread, no waiting. */
#ifndef SENSORS_TEST_MBAPS_RIG_H
#define SENSORS_TEST_MBAPS_RIG_H

#include <openssl/ssl.h>

#include "modbus_tls.h"

struct mbaps_rig {
	char folder[64]; /* of the keys; its own, removed at the end */
	char files[3][128];
	struct sensor_wire_conf wire;
	unsigned char memory[1 << 16];
	struct wy_arena arena;
	struct wy_diags diags;
	SSL_CTX *context;

	wy_ms least_wall_ms; /* given to modbus_tls_new() at each begin */
	struct modbus_tls *tls;
	struct modbus_tls_conf *conf;
	struct modbus_tls_session *session;
	int ours, theirs; /* the socket pair; theirs is -1 once it was shut */
	SSL *server;
	bool is_accepted;
	uint8_t said[1 << 16]; /* by the server, not passed on yet */
	size_t n_said;
	uint8_t heard[1000]; /* by the server, plain */
	size_t n_heard;
};

/* Keys, the server's side and our files; ends the process where that fails. */
void mbaps_rig_open(struct mbaps_rig *rig, const char *server, const char *client);
void mbaps_rig_close(struct mbaps_rig *rig);
/* The files of another client for the wire. */
void mbaps_rig_client(struct mbaps_rig *rig, const char *client);

/* A new connection, with files read anew; what is left of an earlier one is cleared away. */
enum wy_err mbaps_rig_begin(struct mbaps_rig *rig);
void mbaps_rig_end(struct mbaps_rig *rig);
/* The server takes what we sent, and says what it has to say: appended to `said`. */
void mbaps_rig_serve(struct mbaps_rig *rig);
/* The server says these bytes, once it has accepted us. */
void mbaps_rig_say(struct mbaps_rig *rig, const void *bytes, size_t n);
/* The first n bytes of `said` go to us, as they are now. */
void mbaps_rig_pass(struct mbaps_rig *rig, size_t n);
/* The server hangs up. */
void mbaps_rig_hang_up(struct mbaps_rig *rig);
/* A handshake to its end, nothing changed. */
enum wy_err mbaps_rig_shake(struct mbaps_rig *rig);

#endif
