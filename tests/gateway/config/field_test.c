/* field_test.c: wires and devices of a site: what keys become, and what does not go together on a wire. The site is
 * written here, text by text; the rest is the building beside. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config.h"

#define BUILDING WY_SOURCE_DIR "/tests/gateway/config/building/"

enum { ARENA_BYTES = 8 * 1024 * 1024 };

struct field {
	char dir[64];
	unsigned char *memory;
	struct wy_arena arena;
	struct wy_diags diags;
	struct config *config;
	enum wy_err err;
};

static void put(const struct field *f, const char *name, const char *text)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/%s", f->dir, name);
	FILE *file = fopen(path, "w");
	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(0, fclose(file));
}

static int remove_file(const struct field *f, const char *name)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/%s", f->dir, name);
	return unlink(path);
}

static const char gateway_text[] =
	"weiyu: gateway/1\n"
	"gateway: gw-test-01\n"
	"state: state\n"
	"uplink: {host: broker.example, ca: ca, certificate: c, key: k}\n"
	"tiers: " BUILDING "tiers.yaml\n"
	"classes: [" BUILDING "classes.yaml]\n"
	"faults: [" BUILDING "faults.yaml]\n"
	"rules: [" BUILDING "rules.yaml]\n"
	"profiles: [" BUILDING "profile.yaml, more.yaml]\n"
	"site: site.yaml\n";

/* A second profile, with what `limits` and `points` say. */
static void put_profile(const struct field *f, const char *head, const char *points)
{
	char text[2000];

	snprintf(text, sizeof(text),
		 "weiyu: profile/1\nid: more\nvendor: v\nmodel: m\ntitle_zh: 盒\ntitle_en: box\nsource: s\n%s%s", head, points);
	put(f, "more.yaml", text);
}

#define MODBUS_HEAD "transport: modbus\naddress_base: 0\n"
#define ONE_POINT "points:\n  open: {area: discrete, address: 0, type: bool, poll: F}\n"

/* Load a site of these wires and devices; box-1 on w1 feeds the two assets. */
static void load(struct field *f, const char *wires, const char *devices)
{
	char text[4000], path[100];

	snprintf(text, sizeof(text),
		 "weiyu: site/1\n"
		 "site: {id: one, name_zh: 一号楼, name_en: Building one, profile: legacy}\n"
		 "zone: UTC\n"
		 "wires:\n%sdevices:\n%s"
		 "vendors:\n  - {id: v1, role: lift, name: 维保, arrive: 30min}\n"
		 "assets:\n"
		 "  - {id: A-1, class: room, name_zh: 一号房, name_en: Room one, place: {building: A}, device: box-1,\n"
		 "     points: {calm: not box-1.alarm, mode: box-1.state, total: box-1.total}}\n",
		 wires, devices);
	put(f, "site.yaml", text);
	snprintf(path, sizeof(path), "%s/gateway.yaml", f->dir);
	wy_arena_init(&f->arena, f->memory, ARENA_BYTES);
	wy_diags_init(&f->diags, &f->arena);
	f->config = NULL;
	f->err = config_load(path, &f->arena, &f->diags, &f->config);
}

static int open_field(void **state)
{
	struct field *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	f->memory = malloc(ARENA_BYTES);
	strcpy(f->dir, "/tmp/weiyu-field-XXXXXX");
	if (!f->memory || !mkdtemp(f->dir))
		return -1;
	put(f, "gateway.yaml", gateway_text);
	put_profile(f, MODBUS_HEAD, ONE_POINT);
	*state = f;
	return 0;
}

static int close_field(void **state)
{
	static const char *const names[] = {"gateway.yaml", "site.yaml", "more.yaml"};
	struct field *f = *state;

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		char path[128];
		snprintf(path, sizeof(path), "%s/%s", f->dir, names[i]);
		(void)unlink(path);
	}
	(void)rmdir(f->dir);
	free(f->memory);
	free(f);
	return 0;
}

static const struct wy_diag *find(const struct field *f, const char *code)
{
	for (size_t i = 0; i < f->diags.n; i++)
		if (strcmp(f->diags.item[i].code, code) == 0)
			return &f->diags.item[i];
	return NULL;
}

static void says(const struct field *f, const char *code, const char *words)
{
	const struct wy_diag *found = find(f, code);

	if (!found || !strstr(found->text, words)) {
		for (size_t i = 0; i < f->diags.n; i++)
			fprintf(stderr, "%s %s\n", f->diags.item[i].code, f->diags.item[i].text);
		fail_msg("not said: %s %s", code, words);
	}
}

static void says_nothing(const struct field *f)
{
	for (size_t i = 0; i < f->diags.n; i++)
		if (strcmp(f->diags.item[i].code, "W604") != 0) /* devices of these tests feed no asset */
			fail_msg("said: %s %s", f->diags.item[i].code, f->diags.item[i].text);
	assert_int_equal(WY_OK, f->err);
}

#define BOX "  - {id: box-1, wire: w1, profile: box, unit: 3}\n"
#define TCP "  - {id: w1, kind: tcp, host: 127.0.0.1, port: 1502}\n"

/* ---- What keys become --------------------------------------------------------------------------- */

static void a_secured_wire_has_its_port_and_paths(void **state)
{
	struct field *f = *state;
	char expected[100];

	load(f, "  - {id: w1, kind: tcp, host: panel, tls: {ca: ca.crt, certificate: us.crt, key: /etc/us.key}}\n"
		"  - {id: w2, kind: tcp, host: other, port: 4802, tls: {ca: ca.crt, certificate: us.crt, key: us.key, name: rack-2}}\n"
		"  - {id: w3, kind: tcp, host: third}\n"
		"  - {id: w4, kind: coap, host: fourth}\n", BOX);
	says_nothing(f);
	const struct sensor_wire_conf *wires = f->config->wires;
	assert_int_equal(802, wires[0].port);
	assert_int_equal(4802, wires[1].port);
	assert_int_equal(502, wires[2].port);
	assert_int_equal(5683, wires[3].port);
	assert_string_equal("panel", wires[0].tls_name);
	assert_string_equal("rack-2", wires[1].tls_name);
	assert_string_equal("/etc/us.key", wires[0].tls_key);
	snprintf(expected, sizeof(expected), "%s/us.crt", f->dir);
	assert_string_equal(expected, wires[0].tls_certificate);
	assert_null(wires[2].tls_ca);
}

static void a_serial_line_may_echo_and_its_devices_sum_with_a_seed(void **state)
{
	struct field *f = *state;

	load(f, "  - {id: w1, kind: rtu, tty: /dev/ttyS7, baud: 9600, echo: true}\n"
		"  - {id: w2, kind: rtu, tty: /dev/ttyS8, baud: 9600}\n",
	     "  - {id: box-1, wire: w1, profile: box, unit: 3, xor_seed: 0x1234}\n"
	     "  - {id: box-2, wire: w2, profile: box, unit: 3}\n"
	     "  - {id: box-3, wire: w2, profile: box, unit: 4, xor_seed: 0}\n");
	says_nothing(f);
	assert_true(f->config->wires[0].has_echo);
	assert_false(f->config->wires[1].has_echo);
	assert_true(f->config->devices[0].has_xor_seed);
	assert_int_equal(0x1234, f->config->devices[0].xor_seed);
	assert_false(f->config->devices[1].has_xor_seed);
	assert_true(f->config->devices[2].has_xor_seed);
}

/* ---- What does not suit --------------------------------------------------------------------------- */

static void keys_of_another_kind_are_refused(void **state)
{
	struct field *f = *state;

	load(f, "  - {id: w1, kind: tcp, host: 127.0.0.1, port: 1502, echo: true}\n", BOX);
	says(f, "E103", "tcp wires have no 'echo'");
	load(f, TCP "  - {id: c1, kind: coap, host: h, tls: {ca: a, certificate: b, key: c}}\n", BOX);
	says(f, "E103", "coap wires have no 'tls'");
	load(f, "  - {id: w1, kind: tcp, host: h, tls: {ca: a, certificate: b}}\n", BOX);
	says(f, "E107", "'key' is missing");
	load(f, TCP, "  - {id: box-1, wire: w1, profile: box, unit: 3, xor_seed: 1}\n");
	says(f, "E103", "only devices on a serial line have an 'xor_seed'");
	load(f, TCP, "  - {id: box-1, wire: w1, profile: box}\n");
	says(f, "E107", "modbus devices need it");
	load(f, TCP, "  - {id: box-1, wire: w1, profile: box, unit: 3, psk: {identity: a, key_file: b}}\n");
	says(f, "E103", "modbus devices have no 'psk'");
}

/* ---- What does not go together -------------------------------------------------------------------- */

static void another_device_tells_whether_one_can_be_reached(void **state)
{
	struct field *f = *state;

	put_profile(f, MODBUS_HEAD, "points:\n  up_7: {area: discrete, address: 3, type: bool, poll: F}\n"
				    "  load: {area: input, address: 0, type: int, encoding: u16, poll: F}\n");
	/* The witness may stand below. */
	load(f, TCP, "  - {id: box-1, wire: w1, profile: box, unit: 3, alive_by: gw.main.up_7}\n"
		     "  - {id: gw.main, wire: w1, profile: more, unit: 1}\n");
	says_nothing(f);
	assert_true(f->config->devices[0].has_alive);
	assert_int_equal(1, f->config->devices[0].alive_device);
	assert_int_equal(0, f->config->devices[0].alive_point);
	assert_false(f->config->devices[1].has_alive);
	load(f, TCP, "  - {id: box-1, wire: w1, profile: box, unit: 3, alive_by: gw.load}\n"
		     "  - {id: gw, wire: w1, profile: more, unit: 1}\n");
	says(f, "E614", "a bool point");
	load(f, TCP, "  - {id: box-1, wire: w1, profile: box, unit: 3, alive_by: box-1.alarm}\n");
	says(f, "E614", "cannot say so itself");
	load(f, TCP, "  - {id: box-1, wire: w1, profile: box, unit: 3, alive_by: gv.up_7}\n"
		     "  - {id: gw, wire: w1, profile: more, unit: 1}\n");
	says(f, "E301", "did you mean 'gw'");
	load(f, TCP, "  - {id: box-1, wire: w1, profile: box, unit: 3, alive_by: gw.up_8}\n"
		     "  - {id: gw, wire: w1, profile: more, unit: 1}\n");
	says(f, "E301", "did you mean 'up_7'");
	load(f, TCP, "  - {id: box-1, wire: w1, profile: box, unit: 3, alive_by: gw}\n");
	says(f, "E105", "expected device.point");
}

static void witnesses_never_go_round(void **state)
{
	struct field *f = *state;
	unsigned n = 0;

	load(f, TCP, "  - {id: box-1, wire: w1, profile: box, unit: 1, alive_by: box-2.alarm}\n"
		     "  - {id: box-2, wire: w1, profile: box, unit: 2, alive_by: box-3.alarm}\n"
		     "  - {id: box-3, wire: w1, profile: box, unit: 3, alive_by: box-2.alarm}\n");
	for (size_t i = 0; i < f->diags.n; i++)
		n += strcmp(f->diags.item[i].code, "E614") == 0 && strstr(f->diags.item[i].text, "circle") != NULL;
	assert_int_equal(2, n); /* the first only hangs on the circle */
	load(f, TCP, "  - {id: box-1, wire: w1, profile: box, unit: 1, alive_by: box-2.alarm}\n"
		     "  - {id: box-2, wire: w1, profile: box, unit: 2, alive_by: box-3.alarm}\n"
		     "  - {id: box-3, wire: w1, profile: box, unit: 3}\n");
	says_nothing(f);
}

static void a_line_runs_as_its_devices_can(void **state)
{
	struct field *f = *state;

	put_profile(f, MODBUS_HEAD "serial: {bauds: [9600, 38400], format: 8N1}\n", ONE_POINT);
	load(f, TCP "  - {id: w2, kind: rtu, tty: /dev/ttyS7, baud: 38400}\n",
	     BOX "  - {id: more-1, wire: w2, profile: more, unit: 1}\n  - {id: more-2, wire: w1, profile: more, unit: 1}\n");
	says_nothing(f);
	load(f, TCP "  - {id: w2, kind: rtu, tty: /dev/ttyS7, baud: 19200}\n",
	     BOX "  - {id: more-1, wire: w2, profile: more, unit: 1}\n");
	says(f, "E610", "runs at 19200 baud; profile 'more' can only 9600, 38400");
	load(f, TCP "  - {id: w2, kind: rtu, tty: /dev/ttyS7, baud: 9600, parity: E}\n",
	     BOX "  - {id: more-1, wire: w2, profile: more, unit: 1}\n");
	says(f, "E610", "is set to 8E1; profile 'more' can only 8N1");
}

static void two_connections_to_one_place_are_named(void **state)
{
	struct field *f = *state;
	static const char wires[] = "  - {id: w1, kind: tcp, host: Panel.local, port: 1502}\n"
				    "  - {id: w2, kind: tcp, host: panel.local, port: 1502}\n";
	static const char devices[] = BOX "  - {id: more-1, wire: w2, profile: more, unit: 1}\n";

	load(f, wires, devices);
	says(f, "W613", "is already wire 'w1'");
	assert_int_equal(WY_OK, f->err);
	put_profile(f, MODBUS_HEAD "limits: {one_client: true}\n", ONE_POINT);
	load(f, wires, devices);
	says(f, "E615", "'more' takes one client");
	load(f, "  - {id: w1, kind: tcp, host: panel, port: 1502}\n  - {id: w2, kind: tcp, host: panel, port: 1503}\n", devices);
	says_nothing(f);
	load(f, TCP "  - {id: c1, kind: coap, host: leaks}\n  - {id: c2, kind: coap, host: leaks}\n", BOX);
	says_nothing(f);
}

/* n devices on w2, each with ten registers a second. */
static void load_line(struct field *f, int baud, int n)
{
	char wires[200], devices[2000];
	int used = snprintf(devices, sizeof(devices), "%s", BOX);

	put_profile(f, MODBUS_HEAD, "points:\n  a: {area: input, address: 0, type: int, encoding: u16, poll: F}\n"
				    "  b: {area: input, address: 9, type: int, encoding: u16, poll: F}\n");
	snprintf(wires, sizeof(wires), TCP "  - {id: w2, kind: rtu, tty: /dev/ttyS7, baud: %d}\n", baud);
	for (int i = 1; i <= n; i++)
		used += snprintf(devices + used, sizeof(devices) - (size_t)used,
				 "  - {id: more-%d, wire: w2, profile: more, unit: %d}\n", i, i);
	load(f, wires, devices);
}

static void a_line_without_time_for_its_devices_is_refused(void **state)
{
	struct field *f = *state;

	load_line(f, 38400, 10);
	says_nothing(f);
	load_line(f, 9600, 20);
	says(f, "E611", "wire 'w2' at 9600 baud needs");
	assert_int_equal(WY_E_INVALID, f->err);
	int n = 1;
	for (load_line(f, 9600, n); f->err == WY_OK && !find(f, "W611"); load_line(f, 9600, n))
		n++;
	says(f, "W611", "wire 'w2' at 9600 baud needs"); /* it is warned of before it is refused */
	assert_int_equal(WY_OK, f->err);
}

/* ---- CoAP ---------------------------------------------------------------------------------------- */

#define COAP_HEAD "transport: coap\n"
#define COAP_POINT "points:\n  wet: {path: /3200/0/5500, type: bool, poll: M}\n"

static void certificates_are_files_beside_the_site(void **state)
{
	struct field *f = *state;

	put_profile(f, COAP_HEAD, COAP_POINT);
	load(f, TCP "  - {id: c1, kind: coap, host: leak.example}\n",
	     BOX "  - {id: wet-1, wire: c1, profile: more, dtls: {ca: ca.pem, certificate: own.pem, key: /etc/own.key}}\n"
		 "  - {id: wet-2, wire: c1, profile: more, dtls: {ca: a, certificate: b, key: c, name: pit}}\n");
	assert_int_equal(f->err, WY_OK);
	char path[100];
	snprintf(path, sizeof(path), "%s/ca.pem", f->dir);
	assert_string_equal(path, f->config->devices[1].dtls_ca);
	assert_string_equal("/etc/own.key", f->config->devices[1].dtls_key);
	assert_string_equal("leak.example", f->config->devices[1].dtls_name);
	assert_string_equal("pit", f->config->devices[2].dtls_name);
	assert_false(f->config->wires[1].is_listening);
	load(f, TCP "  - {id: c1, kind: coap, host: h}\n",
	     BOX "  - {id: wet-1, wire: c1, profile: more, dtls: {ca: a, certificate: b, key: c}, psk: {identity: i, key_file: k}}\n");
	says(f, "E103", "either 'psk' or 'dtls'");
	load(f, TCP "  - {id: c1, kind: coap, host: h}\n", BOX "  - {id: wet-1, wire: c1, profile: more, dtls: {ca: a}}\n");
	says(f, "E107", "'certificate' is missing");
	load(f, TCP, "  - {id: box-1, wire: w1, profile: box, unit: 3, dtls: {ca: a, certificate: b, key: c}}\n");
	says(f, "E103", "modbus devices have no 'dtls'");
}

#define LISTEN "  - {id: push, kind: coap, host: 0.0.0.0, listen: true}\n"

static void who_pushes_has_an_identity_and_is_missed_by_its_silence(void **state)
{
	struct field *f = *state;

	put_profile(f, COAP_HEAD, COAP_POINT);
	put(f, "more.psk", "0123456789abcdef");
	load(f, TCP LISTEN, BOX "  - {id: wet-1, wire: push, profile: more, max_silence: 2h, psk: {identity: wet, key_file: more.psk}}\n");
	assert_int_equal(f->err, WY_OK);
	assert_true(f->config->wires[1].is_listening);
	assert_int_equal(5684, f->config->wires[1].port);
	assert_int_equal(7200000, f->config->devices[1].max_silence_ms);
	load(f, TCP LISTEN, BOX "  - {id: wet-1, wire: push, profile: more, max_silence: 2h}\n");
	says(f, "E107", "key 'psk' is missing");
	load(f, TCP LISTEN, BOX "  - {id: wet-1, wire: push, profile: more, psk: {identity: wet, key_file: more.psk}}\n");
	says(f, "E107", "key 'max_silence' is missing");
	load(f, TCP LISTEN, BOX "  - {id: wet-1, wire: push, profile: more, max_silence: 2h, dtls: {ca: a, certificate: b, key: c}}\n");
	says(f, "E103", "proves itself with 'psk'");
	load(f, TCP LISTEN, BOX "  - {id: wet-1, wire: push, profile: more, max_silence: 2h, psk: {identity: wet, key_file: more.psk}}\n"
		"  - {id: wet-2, wire: push, profile: more, max_silence: 2h, psk: {identity: wet, key_file: more.psk}}\n");
	says(f, "E622", "'wet' is already device 'wet-1'");
	load(f, TCP "  - {id: c1, kind: coap, host: h}\n", BOX "  - {id: wet-1, wire: c1, profile: more, max_silence: 2h}\n");
	says(f, "E103", "goes with wires that listen");
	load(f, TCP "  - {id: push, kind: coap, host: gateway.example, listen: true}\n", BOX);
	says(f, "E623", "as a number");
	load(f, TCP "  - {id: push, kind: coap, host: 224.0.1.187, listen: true}\n", BOX);
	says(f, "E623", "as a number");
	load(f, "  - {id: w1, kind: tcp, host: 127.0.0.1, listen: true}\n", BOX);
	says(f, "E103", "tcp wires have no 'listen'");
	assert_int_equal(0, remove_file(f, "more.psk"));
}

#define IN_FIELD(test) cmocka_unit_test_setup_teardown(test, open_field, close_field)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_FIELD(a_secured_wire_has_its_port_and_paths),
		IN_FIELD(a_serial_line_may_echo_and_its_devices_sum_with_a_seed),
		IN_FIELD(keys_of_another_kind_are_refused),
		IN_FIELD(another_device_tells_whether_one_can_be_reached),
		IN_FIELD(witnesses_never_go_round),
		IN_FIELD(a_line_runs_as_its_devices_can),
		IN_FIELD(two_connections_to_one_place_are_named),
		IN_FIELD(a_line_without_time_for_its_devices_is_refused),
		IN_FIELD(certificates_are_files_beside_the_site),
		IN_FIELD(who_pushes_has_an_identity_and_is_missed_by_its_silence),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
