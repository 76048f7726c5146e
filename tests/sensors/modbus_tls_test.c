/* Modbus/TCP Security against a server whose bytes arrive changed, cut, dripping or without end. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "mbaps_rig.h"

static struct mbaps_rig rig;

static const uint8_t request[] = {0, 1, 0, 0, 0, 6, 1, 3, 0, 100, 0, 1};
static const uint8_t reply[] = {0, 1, 0, 0, 0, 5, 1, 3, 2, 0x12, 0x34};

static void begin(void)
{
	assert_int_equal(mbaps_rig_begin(&rig), WY_OK);
}

static void secure(void)
{
	begin();
	assert_int_equal(mbaps_rig_shake(&rig), WY_OK);
	mbaps_rig_serve(&rig);
	assert_true(rig.is_accepted);
}

/* The bytes of the server up to the end of its first flight, and on to its last word, recorded whole. */
static size_t flight_size(void)
{
	begin();
	assert_int_equal(modbus_tls_step(rig.session), WY_E_BUSY);
	mbaps_rig_serve(&rig);
	return rig.n_said;
}

static void carries_bytes_both_ways(void **state)
{
	uint8_t bytes[100];

	(void)state;
	secure();
	assert_int_equal(modbus_tls_send(rig.session, request, sizeof(request)), sizeof(request));
	mbaps_rig_serve(&rig);
	assert_int_equal(rig.n_heard, sizeof(request));
	assert_memory_equal(rig.heard, request, sizeof(request));
	assert_int_equal(modbus_tls_recv(rig.session, bytes, sizeof(bytes)), -1);
	assert_int_equal(errno, EAGAIN);
	mbaps_rig_say(&rig, reply, sizeof(reply));
	mbaps_rig_pass(&rig, rig.n_said);
	assert_int_equal(modbus_tls_recv(rig.session, bytes, 3), 3);
	assert_int_equal(modbus_tls_recv(rig.session, bytes + 3, sizeof(bytes) - 3), sizeof(reply) - 3);
	assert_memory_equal(bytes, reply, sizeof(reply));
	assert_string_equal(modbus_tls_why(rig.session), "");
}

static void a_slow_drip_takes_its_time_and_nothing_else(void **state)
{
	unsigned steps = 0;

	(void)state;
	begin();
	while (modbus_tls_step(rig.session) == WY_E_BUSY) {
		mbaps_rig_serve(&rig);
		assert_true(rig.n_said > 0);
		mbaps_rig_pass(&rig, 1);
		steps++;
	}
	assert_int_equal(modbus_tls_step(rig.session), WY_OK);
	assert_true(steps > 500);
}

static void a_handshake_cut_anywhere_is_never_secured(void **state)
{
	(void)state;
	size_t whole = flight_size();
	for (size_t cut = 0; cut < whole; cut += 41) {
		begin();
		assert_int_equal(modbus_tls_step(rig.session), WY_E_BUSY);
		mbaps_rig_serve(&rig);
		mbaps_rig_pass(&rig, cut < rig.n_said ? cut : rig.n_said - 1);
		assert_int_equal(modbus_tls_step(rig.session), WY_E_BUSY);
		assert_int_equal(modbus_tls_step(rig.session), WY_E_BUSY); /* silence changes nothing */
		mbaps_rig_hang_up(&rig);
		assert_int_equal(modbus_tls_step(rig.session), WY_E_LINK);
		assert_string_equal(modbus_tls_why(rig.session), "the connection ended during the handshake");
		assert_int_equal(modbus_tls_step(rig.session), WY_E_LINK);
	}
}

/* Of what the server said, the one byte in the head of a record that nobody looks at: an older version there means nothing. What it
 * carries is all of the handshake, and of that nothing may change. */
static bool is_record_version(size_t at)
{
	size_t head = 0;

	while (head + 5 <= at)
		head += 5 + ((size_t)rig.said[head + 3] << 8 | rig.said[head + 4]);
	return at == head + 2;
}

static void a_handshake_changed_anywhere_is_never_secured(void **state)
{
	(void)state;
	size_t whole = flight_size();
	for (size_t at = 0; at < whole; at += 13) {
		begin();
		assert_int_equal(modbus_tls_step(rig.session), WY_E_BUSY);
		mbaps_rig_serve(&rig);
		if (is_record_version(at))
			continue;
		if (at < rig.n_said) /* its signatures differ in length */
			rig.said[at] ^= (uint8_t)(1u << at % 8);
		else
			rig.said[rig.n_said - 1] ^= 1;
		enum wy_err err = mbaps_rig_shake(&rig);
		assert_int_not_equal(err, WY_OK);
		if (err != WY_E_BUSY)
			assert_string_not_equal(modbus_tls_why(rig.session), "");
		assert_int_equal(rig.n_heard, 0);
	}
}

static void the_last_words_of_the_handshake_are_checked(void **state)
{
	(void)state;
	for (unsigned at = 0; at < 40; at += 3) {
		begin();
		assert_int_equal(modbus_tls_step(rig.session), WY_E_BUSY);
		mbaps_rig_serve(&rig);
		mbaps_rig_pass(&rig, rig.n_said);
		assert_int_equal(modbus_tls_step(rig.session), WY_E_BUSY);
		mbaps_rig_serve(&rig);
		assert_true(rig.is_accepted && rig.n_said > 40);
		rig.said[rig.n_said - 1 - at] ^= 0x10;
		mbaps_rig_pass(&rig, rig.n_said);
		assert_int_equal(modbus_tls_step(rig.session), WY_E_AUTH);
		assert_string_not_equal(modbus_tls_why(rig.session), "");
	}
}

static void changed_data_is_never_given(void **state)
{
	uint8_t bytes[100];

	(void)state;
	for (unsigned at = 0; at < sizeof(reply) + 29; at += 2) {
		secure();
		mbaps_rig_say(&rig, reply, sizeof(reply));
		assert_true(rig.n_said == sizeof(reply) + 29);
		rig.said[at] ^= 0x20;
		mbaps_rig_pass(&rig, rig.n_said);
		assert_int_equal(modbus_tls_recv(rig.session, bytes, sizeof(bytes)), -1);
		if (errno == EAGAIN)
			continue; /* the length: it waits for more */
		assert_int_equal(errno, EPROTO);
		assert_string_not_equal(modbus_tls_why(rig.session), "");
		assert_int_equal(modbus_tls_recv(rig.session, bytes, sizeof(bytes)), -1);
		assert_int_equal(errno, ENOTCONN);
		assert_int_equal(modbus_tls_send(rig.session, request, sizeof(request)), -1);
		assert_int_equal(errno, ENOTCONN);
	}
}

static void a_record_is_not_taken_twice(void **state)
{
	uint8_t bytes[100], again[100];

	(void)state;
	secure();
	mbaps_rig_say(&rig, reply, sizeof(reply));
	size_t n = rig.n_said;
	memcpy(again, rig.said, n);
	mbaps_rig_pass(&rig, n);
	assert_int_equal(modbus_tls_recv(rig.session, bytes, sizeof(bytes)), sizeof(reply));
	memcpy(rig.said, again, n);
	rig.n_said = n;
	mbaps_rig_pass(&rig, n);
	assert_int_equal(modbus_tls_recv(rig.session, bytes, sizeof(bytes)), -1);
	assert_int_equal(errno, EPROTO);
}

/* What does not speak TLS is found out by its first bytes. */
static void strangers_are_refused_in_words(void **state)
{
	static const struct {
		const char *bytes;
		size_t n;
		const char *why;
	} rows[] = {
		{"\x00\x01\x00\x00\x00\x03\x01\x83\x01", 9, "the server does not speak TLS"},
		{"HTTP/1.1 400 Bad Request\r\n", 26, "the server does not speak TLS"},
		{"\x16\x03\x03\xff\xff", 5, "the server broke the rules of TLS"},
		{"\x16\x03\x03\x00\x00", 5, "the server does not speak TLS"},
		{"\x17\x03\x03\x00\x02hi", 7, "the server broke the rules of TLS"},
		{"\x15\x03\x03\x00\x02\x02\x30", 7, "the server refused us: unknown CA"},
		{"\x15\x03\x03\x00\x02\x02\x46", 7, "the server refused us: it does not speak TLS 1.2"},
		{"\x15\x03\x02\x00\x02\x02\x28", 7, "too old a TLS: the server has less than 1.2"},
		{"\x15\x03\x03\x00\x02\x02\x7f", 7, "the server ended TLS"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		begin();
		assert_int_equal(modbus_tls_step(rig.session), WY_E_BUSY);
		memcpy(rig.said, rows[i].bytes, rows[i].n);
		rig.n_said = rows[i].n;
		mbaps_rig_pass(&rig, rig.n_said);
		assert_int_equal(modbus_tls_step(rig.session), WY_E_AUTH);
		assert_string_equal(modbus_tls_why(rig.session), rows[i].why);
	}
}

static void serve_with(const char *name)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/%s.crt", rig.folder, name);
	assert_int_equal(SSL_CTX_use_certificate_file(rig.context, path, SSL_FILETYPE_PEM), 1);
	snprintf(path, sizeof(path), "%s/%s.key", rig.folder, name);
	assert_int_equal(SSL_CTX_use_PrivateKey_file(rig.context, path, SSL_FILETYPE_PEM), 1);
}

/* A bound that lies ahead of the machine's clock: then the clock is wrong, as one of 1970 is. Days from today. */
static void without_a_clock_dates_are_judged_at_the_bound(void **state)
{
	static const struct {
		const char *ca, *server;
		int bound_days; /* 0: none */
		const char *why; /* "": secured */
	} rows[] = {
		{"ca", "server", 10, ""},
		{"ca", "server", 29, ""},
		{"ca", "server", 31, "the server's certificate has expired"},
		{"ca", "server-early", 0, "the server's certificate is not valid yet, or this machine's clock is behind"},
		{"ca", "server-early", -1, "the server's certificate is not valid yet, or this machine's clock is behind"},
		{"ca", "server-early", 10, ""},
		{"ca", "server-expired", 0, "the server's certificate has expired"},
		{"ca", "server-expired", -10, "the server's certificate has expired"},
		{"ca", "server-expired", 10, "the server's certificate has expired"},
		{"ca", "server-after-ca", 10, "the server's certificate has expired"}, /* never all valid at once */
		{"long-ca", "server-next", 0, "the server's certificate is not valid yet, or this machine's clock is behind"},
		{"long-ca", "server-next", 10, ""},
		{"long-ca", "server-far", 10, "the server's certificate is not valid yet, or this machine's clock is behind"},
		{"long-ca", "server-far", 1000, ""},
		{"ca", "server-other", 10, "the name does not fit: the server's certificate is for another one"},
		{"ca", "server-use", 10, "the server's certificate is not meant for servers"},
		{"ca", "server-stranger", 10, "the server's certificate is not trusted: our CA has not signed it"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		bool is_good = rows[i].why[0] == '\0';
		snprintf(rig.files[0], sizeof(rig.files[0]), "%s/%s.crt", rig.folder, rows[i].ca);
		serve_with(rows[i].server);
		rig.least_wall_ms = rows[i].bound_days ? ((wy_ms)time(NULL) + rows[i].bound_days * 86400) * 1000 : 0;
		begin();
		assert_int_equal(mbaps_rig_shake(&rig), is_good ? WY_OK : WY_E_AUTH);
		assert_string_equal(modbus_tls_why(rig.session), rows[i].why);
	}
	rig.least_wall_ms = 0;
	serve_with("server");
}

static int unread(void)
{
	int n = 0;

	assert_int_equal(ioctl(rig.ours, FIONREAD, &n), 0);
	return n;
}

static void a_server_that_never_stops_keeps_nobody(void **state)
{
	int size = 1 << 20;
	bool is_over = false;

	(void)state;
	begin();
	assert_int_equal(setsockopt(rig.theirs, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size)), 0);
	assert_int_equal(modbus_tls_step(rig.session), WY_E_BUSY);
	while (rig.n_said + 7 <= sizeof(rig.said)) { /* warnings: TLS goes on after each */
		memcpy(rig.said + rig.n_said, "\x15\x03\x03\x00\x02\x01\x5a", 7);
		rig.n_said += 7;
	}
	uint8_t all[sizeof(rig.said)];
	size_t n = rig.n_said;
	memcpy(all, rig.said, n);
	for (unsigned round = 0; round < 10 && !is_over; round++) {
		memcpy(rig.said, all, n);
		rig.n_said = n;
		mbaps_rig_pass(&rig, n);
		int before = unread();
		enum wy_err err = modbus_tls_step(rig.session);
		assert_true(before - unread() <= (int)WY_TLS_STEP_BYTES);
		is_over = err != WY_E_BUSY;
		if (is_over)
			assert_int_equal(err, WY_E_AUTH);
	}
	assert_true(is_over);
	assert_string_equal(modbus_tls_why(rig.session), "the server's handshake has no end");
}

static void no_byte_of_modbus_leaves_unsecured(void **state)
{
	uint8_t bytes[2000];

	(void)state;
	begin();
	assert_int_equal(modbus_tls_send(rig.session, request, sizeof(request)), -1);
	assert_int_equal(errno, ENOTCONN);
	assert_int_equal(read(rig.theirs, bytes, sizeof(bytes)), -1);
	assert_int_equal(modbus_tls_step(rig.session), WY_E_BUSY);
	assert_int_equal(modbus_tls_send(rig.session, request, sizeof(request)), -1);
	ssize_t n = read(rig.theirs, bytes, sizeof(bytes));
	assert_true(n > 5 && bytes[0] == 0x16 && bytes[1] == 3);
	assert_int_equal(n, 5 + (bytes[3] << 8 | bytes[4])); /* one hello, and nothing behind it */
	assert_int_equal(write(rig.theirs, "\0\1\0\0\0\3\1\x83\2", 9), 9);
	assert_int_equal(modbus_tls_step(rig.session), WY_E_AUTH);
	assert_int_equal(modbus_tls_send(rig.session, request, sizeof(request)), -1);
	n = read(rig.theirs, bytes, sizeof(bytes));
	assert_true(n <= 7 && (n <= 0 || bytes[0] == 0x15)); /* an alert at most */
}

static void a_full_socket_takes_the_same_bytes_later(void **state)
{
	uint8_t all[60];
	int size = 1;
	unsigned waits = 0;

	(void)state;
	secure();
	assert_int_equal(setsockopt(rig.ours, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size)), 0);
	for (uint8_t i = 0; i < sizeof(all); i++) {
		all[i] = i;
		while (modbus_tls_send(rig.session, &all[i], 1) != 1) {
			assert_int_equal(errno, EAGAIN);
			assert_true(modbus_tls_wants_write(rig.session));
			waits++;
			mbaps_rig_serve(&rig);
		}
		assert_false(modbus_tls_wants_write(rig.session));
	}
	for (unsigned i = 0; i < sizeof(all); i++)
		mbaps_rig_serve(&rig);
	assert_true(waits > 0);
	assert_int_equal(rig.n_heard, sizeof(all));
	assert_memory_equal(rig.heard, all, sizeof(all));
}

static void both_kinds_of_end_are_an_end(void **state)
{
	uint8_t bytes[10];

	(void)state;
	for (int is_polite = 0; is_polite < 2; is_polite++) {
		secure();
		if (is_polite)
			SSL_shutdown(rig.server);
		mbaps_rig_serve(&rig);
		mbaps_rig_pass(&rig, rig.n_said);
		mbaps_rig_hang_up(&rig);
		assert_int_equal(modbus_tls_recv(rig.session, bytes, sizeof(bytes)), 0);
		assert_true(strncmp(modbus_tls_why(rig.session), "the server ended the connection before", 38) == 0);
		assert_int_equal(modbus_tls_recv(rig.session, bytes, sizeof(bytes)), -1);
		assert_int_equal(errno, ENOTCONN);
	}
}

static void we_say_goodbye(void **state)
{
	(void)state;
	secure();
	modbus_tls_close(rig.session);
	rig.session = NULL;
	mbaps_rig_serve(&rig);
	assert_int_equal(SSL_get_shutdown(rig.server) & SSL_RECEIVED_SHUTDOWN, SSL_RECEIVED_SHUTDOWN);
}

/* ---- Files -------------------------------------------------------------------------------- */

static bool is_said(const char *code, const char *part)
{
	for (size_t i = 0; i < rig.diags.n; i++)
		if (strcmp(rig.diags.item[i].code, code) == 0 && strstr(rig.diags.item[i].text, part))
			return true;
	return false;
}

static enum wy_err load(void)
{
	struct modbus_tls *tls;
	struct modbus_tls_conf *conf;

	assert_int_equal(modbus_tls_new(0, &tls), WY_OK);
	enum wy_err err = modbus_tls_load(tls, &rig.wire, &rig.diags, &conf);
	modbus_tls_free(tls);
	return err;
}

static enum wy_err check(const char *client)
{
	mbaps_rig_client(&rig, client);
	return load();
}

static void write_file(char *ret_path, size_t size, const char *name, const char *text)
{
	snprintf(ret_path, size, "%s/%s", rig.folder, name);
	FILE *file = fopen(ret_path, "w");
	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

static void good_files_are_passed_over_in_silence(void **state)
{
	(void)state;
	assert_int_equal(check("monitor"), WY_OK);
	assert_int_equal(rig.diags.n, 0);
	assert_int_equal(check("monitor-rsa"), WY_OK);
	assert_int_equal(rig.diags.n, 0);
	assert_int_equal(check("monitor-critical"), WY_OK);
	assert_int_equal(rig.diags.n, 0);
}

static void what_servers_will_refuse_is_warned_of(void **state)
{
	static const struct {
		const char *client, *code, *part;
	} rows[] = {
		{"no-role", "W844", "carries no Modbus role"},
		{"two-roles", "W844", "carries 2 Modbus roles"},
		{"printable-role", "W844", "is not a UTF8String"},
		{"long-role", "W844", "is not a UTF8String of 1 to 63 bytes"},
		{"client-expired", "W843", "has expired on"},
		{"client-use", "W846", "not meant for clients"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		assert_int_equal(check(rows[i].client), WY_OK);
		assert_int_equal(rig.diags.errors, 0);
		assert_true(is_said(rows[i].code, rows[i].part));
	}
	mbaps_rig_client(&rig, "monitor");
	assert_int_equal(chmod(rig.files[2], 0644), 0);
	assert_int_equal(load(), WY_OK);
	assert_true(is_said("W608", "every user"));
	assert_int_equal(chmod(rig.files[2], 0600), 0);
}

static void bad_files_are_errors_in_words(void **state)
{
	char path[200];

	(void)state;
	assert_int_equal(check("nobody"), WY_E_INVALID);
	assert_true(is_said("W847", "nobody.crt"));

	mbaps_rig_client(&rig, "monitor");
	rig.wire.tls_key = rig.folder; /* a directory opens, and cannot be read */
	assert_int_equal(load(), WY_E_INVALID);
	assert_true(is_said("W847", rig.folder));

	mbaps_rig_client(&rig, "monitor");
	snprintf(path, sizeof(path), "%s/no-role.key", rig.folder);
	rig.wire.tls_key = path;
	assert_int_equal(load(), WY_E_INVALID);
	assert_true(is_said("E842", "is not the key of the certificate"));

	mbaps_rig_client(&rig, "monitor");
	rig.wire.tls_key = rig.wire.tls_certificate;
	assert_int_equal(load(), WY_E_INVALID);
	assert_true(is_said("E841", "no private key"));

	mbaps_rig_client(&rig, "monitor");
	rig.wire.tls_ca = rig.wire.tls_key;
	assert_int_equal(load(), WY_E_INVALID);
	assert_true(is_said("E841", "no certificate in"));

	mbaps_rig_client(&rig, "monitor");
	write_file(path, sizeof(path), "damaged.crt",
		   "-----BEGIN CERTIFICATE-----\nTUlJQg==\n-----END CERTIFICATE-----\n");
	rig.wire.tls_ca = path;
	assert_int_equal(load(), WY_E_INVALID);
	assert_true(is_said("E841", "is damaged"));

	mbaps_rig_client(&rig, "monitor");
	write_file(
		path, sizeof(path), "locked.key",
		"-----BEGIN EC PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n"
		"DEK-Info: AES-128-CBC,00112233445566778899AABBCCDDEEFF\n\nTUlJQg==\n-----END EC PRIVATE KEY-----\n");
	rig.wire.tls_key = path;
	assert_int_equal(load(), WY_E_INVALID);
	assert_true(is_said("E841", "password"));

	mbaps_rig_client(&rig, "monitor");
	rig.wire.tls_name = "";
	assert_int_equal(load(), WY_E_INVALID);
	assert_true(is_said("E845", "expected the name"));
}

static void a_file_that_never_ends_is_refused(void **state)
{
	(void)state;
	mbaps_rig_client(&rig, "monitor");
	rig.wire.tls_ca = "/dev/zero";
	assert_int_equal(load(), WY_E_INVALID);
	assert_true(is_said("E841", "larger than 65536 bytes"));
}

static void wires_of_the_same_files_share_them(void **state)
{
	struct modbus_tls *tls;
	struct modbus_tls_conf *one, *two, *other;

	(void)state;
	mbaps_rig_client(&rig, "monitor");
	struct sensor_wire_conf wire = rig.wire;
	wire.tls_name = "pump.example";
	char crt[200], key[200];
	snprintf(crt, sizeof(crt), "%s/meter-reader.crt", rig.folder);
	snprintf(key, sizeof(key), "%s/meter-reader.key", rig.folder);
	struct sensor_wire_conf third = wire;
	third.tls_certificate = crt;
	third.tls_key = key;
	assert_int_equal(modbus_tls_new(0, &tls), WY_OK);
	assert_int_equal(modbus_tls_load(tls, &rig.wire, &rig.diags, &one), WY_OK);
	assert_int_equal(modbus_tls_load(tls, &wire, &rig.diags, &two), WY_OK);
	assert_int_equal(modbus_tls_load(tls, &third, &rig.diags, &other), WY_OK);
	assert_ptr_equal(one, two);
	assert_ptr_not_equal(one, other);
	assert_string_equal(modbus_tls_role(one), "monitor");
	assert_string_equal(modbus_tls_role(other), "meter-reader");
	modbus_tls_free(tls);
}

static int set_up(void **state)
{
	(void)state;
	mbaps_rig_open(&rig, "server", "monitor");
	return 0;
}

static int set_client(void **state)
{
	(void)state;
	mbaps_rig_client(&rig, "monitor");
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	mbaps_rig_close(&rig);
	return 0;
}

#define TEST(name) cmocka_unit_test_setup(name, set_client)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(carries_bytes_both_ways),
		TEST(a_slow_drip_takes_its_time_and_nothing_else),
		TEST(a_handshake_cut_anywhere_is_never_secured),
		TEST(a_handshake_changed_anywhere_is_never_secured),
		TEST(the_last_words_of_the_handshake_are_checked),
		TEST(changed_data_is_never_given),
		TEST(a_record_is_not_taken_twice),
		TEST(strangers_are_refused_in_words),
		TEST(without_a_clock_dates_are_judged_at_the_bound),
		TEST(a_server_that_never_stops_keeps_nobody),
		TEST(no_byte_of_modbus_leaves_unsecured),
		TEST(a_full_socket_takes_the_same_bytes_later),
		TEST(both_kinds_of_end_are_an_end),
		TEST(we_say_goodbye),
		TEST(good_files_are_passed_over_in_silence),
		TEST(what_servers_will_refuse_is_warned_of),
		TEST(bad_files_are_errors_in_words),
		TEST(a_file_that_never_ends_is_refused),
		TEST(wires_of_the_same_files_share_them),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
