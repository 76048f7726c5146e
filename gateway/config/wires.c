/* wires.c: the wires of a site. Which keys a kind of wire needs and takes is in sensors/drivers.def. */
#include "loading.h"

#include <string.h>

#include "driver.h"

enum { PORT_OF_TLS = 802, PORT_OF_DTLS = 5684 }; /* registered for Modbus over TLS, and CoAP over DTLS */

static const char *const parities[] = {"N", "E", "O", NULL};

struct wire_keys {
	const char *id, *host, *tty;
	int kind, parity;
	int64_t port, baud, data_bits, stop_bits;
	wy_ms connect_ms;
	bool has_echo, is_listening;
	const struct wy_node *tls;
};

#define AT(member) offsetof(struct wire_keys, member)
static const struct wy_field wire_rows[] = {
	{"id", WY_FIELD_ID, AT(id), true, 0, 0, NULL, "name of the wire"},
	{"kind", WY_FIELD_CHOICE, AT(kind), true, 0, 0, sensor_wire_names, "what kind of wire"},
	{"host", WY_FIELD_TEXT, AT(host), false, 0, 0, NULL, "name or address"},
	{"port", WY_FIELD_INT, AT(port), false, 1, 65535, NULL, "where it listens"},
	{"connect", WY_FIELD_DURATION, AT(connect_ms), false, 10, 60000, NULL, "limit of a connect"},
	{"tls", WY_FIELD_NODE, AT(tls), false, 0, 0, NULL, "with certificates on both sides"},
	{"listen", WY_FIELD_BOOL, AT(is_listening), false, 0, 0, NULL, "true: devices push to us, at this host and port"},
	{"tty", WY_FIELD_TEXT, AT(tty), false, 0, 0, NULL, "device file"},
	{"baud", WY_FIELD_INT, AT(baud), false, 1200, 921600, NULL, "bits per second"},
	{"parity", WY_FIELD_CHOICE, AT(parity), false, 0, 0, parities, "N, E or O"},
	{"data_bits", WY_FIELD_INT, AT(data_bits), false, 7, 8, NULL, "of a character"},
	{"stop_bits", WY_FIELD_INT, AT(stop_bits), false, 1, 2, NULL, "after a character"},
	{"echo", WY_FIELD_BOOL, AT(has_echo), false, 0, 0, NULL, "true: the adapter gives back what was sent"},
};
#undef AT

const struct wy_field *config_wire_keys(size_t *ret_n)
{
	*ret_n = sizeof(wire_rows) / sizeof(*wire_rows);
	return wire_rows;
}

/* ---- TLS ---------------------------------------------------------------------------------------- */

static void read_tls(struct loading *l, const struct wy_node *node, struct sensor_wire_conf *wire)
{
	struct loading_certificates files;

	if (!load_certificates(l, node, wire->host, &files))
		return;
	wire->tls_ca = files.ca;
	wire->tls_certificate = files.certificate;
	wire->tls_key = files.key;
	wire->tls_name = files.name;
}

/* ---- One wire ----------------------------------------------------------------------------------- */

static void copy_keys(const struct wire_keys *keys, struct sensor_wire_conf *wire)
{
	uint16_t port = keys->tls ? PORT_OF_TLS : sensor_wire_rows[keys->kind].port;

	if (keys->is_listening)
		port = PORT_OF_DTLS;
	wire->id = keys->id;
	wire->kind = (enum sensor_wire_kind)keys->kind;
	wire->host = keys->host;
	wire->port = keys->port ? (uint16_t)keys->port : port;
	wire->tty = keys->tty;
	wire->baud = (int)keys->baud;
	wire->parity = parities[keys->parity][0];
	wire->data_bits = (int)keys->data_bits;
	wire->stop_bits = (int)keys->stop_bits;
	wire->connect_ms = keys->connect_ms;
	wire->has_echo = keys->has_echo;
	wire->is_listening = keys->is_listening;
}

static bool is_of_some_kind(const char *key)
{
	for (int kind = 0; kind < SENSOR_WIRE_KINDS; kind++)
		if (sensor_has_word(sensor_wire_rows[kind].needs, key) ||
		    sensor_has_word(sensor_wire_rows[kind].takes, key))
			return true;
	return false;
}

/* The kind decides which keys there are, so it is looked up before they are read; an unknown one is said with them. */
static const struct sensor_options *options_of(const struct wy_node *node)
{
	const struct wy_node *kind = wy_node_get(node, "kind");

	for (int k = 0; k < SENSOR_WIRE_KINDS; k++)
		if (wy_node_is(kind, sensor_wire_names[k]))
			return sensor_driver_find(sensor_wire_rows[k].transport)->wire;
	return NULL;
}

static void read_wire(struct loading *l, const struct wy_node *node, struct sensor_wire_conf *wire)
{
	struct wire_keys keys = {.id = "", .baud = 9600, .data_bits = 8, .stop_bits = 1, .connect_ms = 2000};
	const struct sensor_options *own = options_of(node);
	const struct wy_field_table common = {wire_rows, sizeof(wire_rows) / sizeof(*wire_rows), &keys};
	bool is_fine = loading_fields_with(l, node, own, &common, &wire->options);

	copy_keys(&keys, wire);
	if (!is_fine)
		return;
	const struct sensor_wire_row *row = &sensor_wire_rows[wire->kind];
	struct loading_suit suit = {is_of_some_kind, row->needs, row->takes, own, row->name, "wires"};
	loading_suits(l, node, &common, &suit);
	check_listening(l, node, wire);
	if (keys.tls)
		read_tls(l, keys.tls, wire);
}

/* Each wire has its own reader: two of them on one line would read each other's answers. */
static void check_line(struct loading *l, const struct wy_node *node, const struct sensor_wire_conf *wire)
{
	for (const struct sensor_wire_conf *other = l->config->wires; other != wire; other++) {
		if (wire->id[0] && strcmp(other->id, wire->id) == 0)
			loading_duplicate(l, wy_node_get(node, "id"), "wire", wire->id);
		if (!wire->tty || !other->tty || strcmp(wire->tty, other->tty) != 0)
			continue;
		wy_diag_add(l->diags, WY_DIAG_ERROR, "E604", wy_node_get(node, "tty"), 0,
			    "'%s' is already wire '%s' (%d baud): one line is one wire", wire->tty,
			    other->id, other->baud);
	}
}

void load_wires(struct loading *l, const struct wy_node *node)
{
	size_t n = loading_list(l, node);
	struct sensor_wire_conf *wires = loading_array(l, n, sizeof(*wires));

	l->wire_nodes = loading_array(l, n, sizeof(const struct wy_node *));
	if (!n || !wires || !l->wire_nodes || !loading_fits(l, node, n, WY_WIRES_MAX, "wires"))
		return;
	l->config->wires = wires;
	for (const struct wy_node *m = node->child; m; m = m->next) {
		struct sensor_wire_conf *wire = &wires[l->config->n_wires];
		l->wire_nodes[l->config->n_wires++] = m;
		read_wire(l, m, wire);
		check_line(l, m, wire);
	}
}
