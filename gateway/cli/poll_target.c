/* poll_target.c: words of `weiyu poll` that are not a device of the site: its options, wires, addresses. See poll_by_hand.h. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "poll_by_hand.h"

enum { MODBUS_PORT = 502, USUAL_BAUD = 9600, CONNECT_MS = 3000, TIMEOUT_MOST_MS = 60000 };

/* ---- Options ----------------------------------------------------------------------------------- */

static bool take_number(const char *option, const char *value, int64_t least, int64_t most, int64_t *ret)
{
	if (wy_parse_int(value, strlen(value), ret) == WY_OK && *ret >= least && *ret <= most)
		return true;
	fprintf(stderr, "weiyu poll: %s %s: expected %lld to %lld\n", option, value, (long long)least, (long long)most);
	return false;
}

static bool take_timeout(const char *value, wy_ms *ret_ms)
{
	if (wy_parse_duration(value, strlen(value), ret_ms) == WY_OK && *ret_ms >= 10 && *ret_ms <= TIMEOUT_MOST_MS)
		return true;
	fprintf(stderr, "weiyu poll: --timeout %s: expected 10ms to 60s\n", value);
	return false;
}

static bool take_valued(struct poll_options *o, const char *option, const char *value)
{
	if (strcmp(option, "--from") == 0)
		return take_number(option, value, 0, 255, &o->from);
	if (strcmp(option, "--to") == 0)
		return take_number(option, value, 0, 255, &o->to);
	if (strcmp(option, "--unit") == 0)
		return take_number(option, value, 0, 255, &o->unit);
	if (strcmp(option, "--timeout") == 0)
		return take_timeout(value, &o->timeout_ms);
	o->raw = value;
	return true;
}

static bool is_valued(const char *option)
{
	static const char *const valued[] = {"--from", "--to", "--unit", "--timeout", "--raw"};

	for (size_t i = 0; i < sizeof(valued) / sizeof(*valued); i++)
		if (strcmp(option, valued[i]) == 0)
			return true;
	return false;
}

bool poll_options_read(int argc, char **argv, struct poll_options *ret)
{
	static const char *const known[] = {"--json", NULL};
	int n = 1;
	const char *by_hand = NULL; /* an option that only --scan or --raw has */

	*ret = (struct poll_options){.from = 1, .to = 247, .unit = -1};
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--scan") == 0) {
			ret->is_scan = true;
		} else if (strcmp(argv[i], "--quick") == 0) {
			ret->is_quick = true;
			by_hand = argv[i];
		} else if (!is_valued(argv[i])) {
			argv[n++] = argv[i];
		} else if (i + 1 == argc) {
			fprintf(stderr, "weiyu poll: '%s' needs a value\n", argv[i]);
			return false;
		} else if (!take_valued(ret, argv[i], argv[i + 1])) {
			return false;
		} else {
			by_hand = argv[i++];
		}
	}
	if (!cli_parse(n, argv, known, &ret->common))
		return false;
	if (ret->common.n_words != 1)
		fprintf(stderr, "weiyu poll: name one device%s\n", ret->is_scan ? "'s wire" : "");
	else if (ret->from > ret->to)
		fprintf(stderr, "weiyu poll: --from %lld is after --to %lld\n", (long long)ret->from, (long long)ret->to);
	else if (by_hand && !ret->is_scan && !ret->raw)
		fprintf(stderr, "weiyu poll: '%s' is for --scan or --raw\n", by_hand);
	else if (ret->is_scan && ret->raw)
		fprintf(stderr, "weiyu poll: --scan or --raw, not both\n");
	else
		return true;
	return false;
}

/* ---- Addresses --------------------------------------------------------------------------------- */

static bool refuse(const char *word, const char *expected)
{
	fprintf(stderr, "weiyu poll: '%s': expected %s\n", word, expected);
	return false;
}

/* HOST, HOST:PORT, [ADDRESS], [ADDRESS]:PORT */
static bool read_tcp(const char *word, struct wy_arena *arena, struct sensor_wire_conf *wire)
{
	const char *host = word + strlen("tcp://");
	const char *bracket = host[0] == '[' ? strchr(host, ']') : NULL;
	const char *colon = strchr(bracket ? bracket : host, ':');
	const char *end = bracket ? bracket : colon ? colon : host + strlen(host);
	int64_t port = MODBUS_PORT;

	host += bracket != NULL;
	if (end == host || (colon && (wy_parse_int(colon + 1, strlen(colon + 1), &port) || port < 1 || port > 65535)))
		return refuse(word, "tcp://HOST or tcp://HOST:PORT");
	*wire = (struct sensor_wire_conf){.id = word, .kind = SENSOR_WIRE_TCP, .port = (uint16_t)port, .connect_ms = CONNECT_MS};
	wire->host = wy_arena_text(arena, host, (size_t)(end - host));
	return wire->host != NULL;
}

static bool is_format(const char *text)
{
	return strlen(text) == 3 && strchr("78", text[0]) && strchr("NEO", text[1]) && strchr("12", text[2]);
}

/* The name of a line may have colons in it (/dev/serial/by-path), so it is read from the end. */
static bool read_rtu(const char *word, struct wy_arena *arena, struct sensor_wire_conf *wire)
{
	char *tty = wy_arena_text(arena, word + strlen("rtu:"), strlen(word) - strlen("rtu:"));
	int64_t baud;

	*wire = (struct sensor_wire_conf){.id = word, .kind = SENSOR_WIRE_RTU, .tty = tty, .baud = USUAL_BAUD,
					  .parity = 'N', .data_bits = 8, .stop_bits = 1};
	char *last = tty ? strrchr(tty, ':') : NULL;
	if (last && is_format(last + 1)) {
		wire->data_bits = last[1] - '0';
		wire->parity = last[2];
		wire->stop_bits = last[3] - '0';
		*last = '\0';
		last = strrchr(tty, ':');
	}
	if (last && wy_parse_int(last + 1, strlen(last + 1), &baud) == WY_OK) {
		if (baud < 300 || baud > 4000000)
			return refuse(word, "a speed of 300 to 4000000");
		wire->baud = (int)baud;
		*last = '\0';
	}
	return tty && *tty ? true : refuse(word, "rtu:TTY, rtu:TTY:BAUD or rtu:TTY:BAUD:8N1");
}

/* ---- The site ---------------------------------------------------------------------------------- */

static bool is_same_line(const char *a, const char *b)
{
	char path_a[PATH_MAX], path_b[PATH_MAX];

	return strcmp(a, b) == 0 || (realpath(a, path_a) && realpath(b, path_b) && strcmp(path_a, path_b) == 0);
}

static bool is_same_wire(const struct sensor_wire_conf *a, const struct sensor_wire_conf *b)
{
	if (a->kind != b->kind)
		return false;
	return a->kind == SENSOR_WIRE_RTU ? is_same_line(a->tty, b->tty)
					  : strcmp(a->host, b->host) == 0 && a->port == b->port;
}

/* By its id, else by where it leads. */
static void find_wire(struct poll_target *target, const char *id)
{
	const struct config *config = target->config;

	for (size_t i = 0; i < config->n_wires && target->config_wire == SIZE_MAX; i++)
		if (id ? strcmp(config->wires[i].id, id) == 0 : is_same_wire(&config->wires[i], &target->wire))
			target->config_wire = i;
	if (target->config_wire != SIZE_MAX)
		target->wire = config->wires[target->config_wire];
}

static const char *name_of(const void *arg, size_t i)
{
	const struct config *config = arg;

	return i < config->n_wires ? config->wires[i].id : config->devices[i - config->n_wires].id;
}

static bool find_in_site(const char *word, struct poll_target *target, bool is_scan)
{
	size_t device = is_scan ? SIZE_MAX : config_find_device(target->config, word);

	if (device != SIZE_MAX) {
		target->device = &target->config->devices[device];
		target->config_wire = target->device->wire;
		target->wire = target->config->wires[target->config_wire];
		return true;
	}
	find_wire(target, word);
	if (target->config_wire != SIZE_MAX)
		return true;
	const char *near = wy_nearest(word, target->config->n_wires + (is_scan ? 0 : target->config->n_devices), name_of,
				      target->config);
	fprintf(stderr, "weiyu poll: no wire%s '%s'%s%s%s\n", is_scan ? "" : " or device", word,
		near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "; or say tcp://HOST or rtu:TTY");
	return false;
}

static const struct config *load_site(const struct poll_options *options, struct cli_load *load, bool is_needed)
{
	const struct cli_options *common = &options->common;
	struct config *config = NULL;

	if (!is_needed && !common->is_config_given && access(common->config, R_OK) != 0)
		return NULL;
	enum wy_err err = config_load(common->config, &load->arena, &load->diags, &config);
	if (err)
		cli_say(&load->diags);
	wy_diags_init(&load->diags, &load->arena); /* warnings are for `weiyu check` */
	return err ? NULL : config;
}

bool poll_target_find(const char *word, const struct poll_options *options, struct cli_load *load,
		      struct poll_target *ret)
{
	bool is_tcp = strncmp(word, "tcp://", 6) == 0, is_rtu = strncmp(word, "rtu:", 4) == 0;

	*ret = (struct poll_target){.config_wire = SIZE_MAX};
	if ((is_tcp && !read_tcp(word, &load->arena, &ret->wire)) || (is_rtu && !read_rtu(word, &load->arena, &ret->wire)))
		return false;
	ret->config = load_site(options, load, !is_tcp && !is_rtu);
	if (is_tcp || is_rtu) {
		struct sensor_wire_conf said = ret->wire;
		if (ret->config)
			find_wire(ret, NULL);
		/* Where it leads, how to be secured and so on are the site's; speed and format are as said. */
		ret->wire.baud = said.baud;
		ret->wire.parity = said.parity;
		ret->wire.data_bits = said.data_bits;
		ret->wire.stop_bits = said.stop_bits;
	} else if (!ret->config || !find_in_site(word, ret, options->is_scan)) {
		return false;
	}
	if (sensor_wire_rows[ret->wire.kind].transport != SENSOR_MODBUS)
		return refuse(word, "a Modbus wire");
	return true;
}

const struct sensor_device_conf *poll_target_device(const struct poll_target *target, uint8_t unit)
{
	for (size_t i = 0; target->config_wire != SIZE_MAX && i < target->config->n_devices; i++) {
		const struct sensor_device_conf *device = &target->config->devices[i];
		if (device->wire == target->config_wire && device->unit_id == unit)
			return device;
	}
	return NULL;
}

void poll_say_no_line(const char *who, const struct sensor_wire_conf *wire, enum wy_err err)
{
	if (err == WY_E_BUSY)
		/* Two askers on one serial line would take each other's answers. */
		fprintf(stderr, "%s: another process holds %s, perhaps the running gateway; see `weiyu status`, or stop it "
			"to ask by hand\n", who, wire->tty);
	else
		fprintf(stderr, "%s: %s: %s\n", who, wire->kind == SENSOR_WIRE_RTU ? wire->tty : wire->host, wy_err_text(err));
}
