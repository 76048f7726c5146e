/* devices.c: devices of a site, and the keys CoAP devices are spoken to with. */
#define _POSIX_C_SOURCE 200809L
#include "loading.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "driver.h"

enum { KEY_BYTES_MAX = 64, KEY_BYTES_FEW = 16 };

struct device_keys {
	const char *id;
	const struct wy_node *wire, *profile, *psk, *dtls, *alive_by;
	int64_t unit, xor_seed;
	wy_ms timeout_ms, max_silence_ms;
};

#define AT(member) offsetof(struct device_keys, member)
static const struct wy_field device_rows[] = {
	{"id", WY_FIELD_ID, AT(id), true, 0, 0, NULL, "name of the device"},
	{"wire", WY_FIELD_NODE, AT(wire), true, 0, 0, NULL, "the wire it answers on"},
	{"profile", WY_FIELD_NODE, AT(profile), true, 0, 0, NULL, "its register map"},
	{"unit", WY_FIELD_INT, AT(unit), false, 0, 255, NULL, "Modbus unit id"},
	{"timeout", WY_FIELD_DURATION, AT(timeout_ms), false, 10, 60000, NULL, "answer time"},
	{"xor_seed", WY_FIELD_INT, AT(xor_seed), false, 0, 65535, NULL,
	 "where the checksum is this number XOR every byte"},
	{"alive_by", WY_FIELD_NODE, AT(alive_by), false, 0, 0, NULL,
	 "point of another device that is true while this one can be reached"},
	{"psk", WY_FIELD_NODE, AT(psk), false, 0, 0, NULL, "DTLS with a shared key"},
	{"dtls", WY_FIELD_NODE, AT(dtls), false, 0, 0, NULL, "DTLS with certificates"},
	{"max_silence", WY_FIELD_DURATION, AT(max_silence_ms), false, 1000, 604800000, NULL, "longest pause of who pushes"},
};
#undef AT

const struct wy_field *config_device_keys(size_t *ret_n)
{
	*ret_n = sizeof(device_rows) / sizeof(*device_rows);
	return device_rows;
}

static const char *wire_id(const void *arg, size_t i)
{
	return ((const struct config *)arg)->wires[i].id;
}

static const char *profile_id(const void *arg, size_t i)
{
	return ((const struct config *)arg)->profiles[i]->id;
}

static const struct sensor_wire_conf *find_wire(struct loading *l, const struct wy_node *node,
						struct sensor_device_conf *device)
{
	const char *id = node ? wy_field_id(node, l->diags) : NULL;

	if (!id)
		return NULL;
	for (size_t i = 0; i < l->config->n_wires; i++) {
		if (strcmp(l->config->wires[i].id, id) == 0) {
			device->wire = (uint32_t)i;
			return &l->config->wires[i];
		}
	}
	loading_unknown(l, node, 0, "wire", id, l->config->n_wires, wire_id, l->config);
	return NULL;
}

static const struct sensor_profile *find_profile(struct loading *l, const struct wy_node *node)
{
	const char *id = node ? wy_field_id(node, l->diags) : NULL;

	if (!id || !l->has_profiles)
		return NULL;
	for (size_t i = 0; i < l->config->n_profiles; i++)
		if (strcmp(l->config->profiles[i]->id, id) == 0)
			return l->config->profiles[i];
	loading_unknown(l, node, 0, "profile", id, l->config->n_profiles, profile_id, l->config);
	return NULL;
}

static bool is_of_some_driver(const char *key)
{
	for (int t = 0; t < SENSOR_TRANSPORTS; t++)
		if (sensor_has_word(sensor_transport_rows[t].needs, key) ||
		    sensor_has_word(sensor_transport_rows[t].takes, key))
			return true;
	return false;
}

/* What only devices on a serial line have, or have otherwise. */
static void check_serial(struct loading *l, const struct wy_node *node, const struct sensor_wire_conf *wire,
			 const struct sensor_device_conf *device)
{
	const struct wy_node *unit = wy_node_get(node, "unit");
	const struct wy_node *seed = wy_node_get(node, "xor_seed");

	if (wire->tty && unit && (device->unit_id < 1 || device->unit_id > 247))
		wy_diag_add(l->diags, WY_DIAG_ERROR, "E106", unit, 0,
			    "'unit' is '%s'; on a serial line allowed is '1 to 247'", unit->text);
	if (!wire->tty && seed)
		wy_diag_add(l->diags, WY_DIAG_ERROR, "E103", seed->key, 0,
			    "only devices on a serial line have an 'xor_seed': it stands in for their CRC");
}

static void check_fit(struct loading *l, const struct wy_node *node, const struct wy_field_table *keys,
		      const struct sensor_wire_conf *wire, const struct sensor_device_conf *device)
{
	enum sensor_transport speaks = sensor_wire_rows[wire->kind].transport;
	const struct sensor_transport_row *row = &sensor_transport_rows[speaks];
	struct loading_suit suit = {is_of_some_driver, row->needs, row->takes, sensor_driver_find(speaks)->device,
				    row->name, "devices"};

	if (device->profile && device->profile->transport != speaks) {
		wy_diag_add(l->diags, WY_DIAG_ERROR, "E605", wy_node_get(node, "wire"), 0,
			    "profile '%s' speaks %s, wire '%s' %s", device->profile->id,
			    sensor_transport_names[device->profile->transport], wire->id, row->name);
		return;
	}
	loading_suits(l, node, keys, &suit);
	check_serial(l, node, wire, device);
}

static void check_double(struct loading *l, const struct wy_node *node, const struct sensor_wire_conf *wire,
			 const struct sensor_device_conf *device)
{
	for (const struct sensor_device_conf *other = l->config->devices; other != device; other++) {
		if (device->id[0] && strcmp(other->id, device->id) == 0)
			loading_duplicate(l, wy_node_get(node, "id"), "device", device->id);
		if (!wire || !wy_node_get(node, "unit"))
			continue;
		if (other->wire == device->wire && other->unit_id == device->unit_id)
			wy_diag_add(l->diags, WY_DIAG_ERROR, "E603", wy_node_get(node, "unit"), 0,
				    "unit %u on wire '%s' is already device '%s'", device->unit_id,
				    wire->id, other->id);
	}
}

static void read_dtls(struct loading *l, const struct wy_node *node, const struct sensor_wire_conf *wire,
		      struct sensor_device_conf *device)
{
	struct loading_certificates files;

	if (!load_certificates(l, node, wire ? wire->host : NULL, &files))
		return;
	device->dtls_ca = files.ca;
	device->dtls_certificate = files.certificate;
	device->dtls_key = files.key;
	device->dtls_name = files.name;
}

static void read_device(struct loading *l, const struct wy_node *node, struct sensor_device_conf *device)
{
	struct device_keys keys = {.id = ""};
	const struct wy_field_table common = {device_rows, sizeof(device_rows) / sizeof(*device_rows), &keys};
	const struct wy_node *wire_node = wy_node_get(node, "wire");

	device->wire = UINT32_MAX; /* on none, so that it is no double of a device on wire 0 */
	const struct sensor_wire_conf *wire = find_wire(l, wire_node, device);
	/* Its driver says which keys it has beside the common ones. */
	const struct sensor_options *own =
		wire ? sensor_driver_find(sensor_wire_rows[wire->kind].transport)->device : NULL;
	(void)loading_fields_with(l, node, own, &common, &device->options);
	device->id = keys.id;
	device->unit_id = (uint8_t)keys.unit;
	device->timeout_ms = keys.timeout_ms;
	device->has_xor_seed = wy_node_get(node, "xor_seed") != NULL;
	device->xor_seed = (uint16_t)keys.xor_seed;
	device->profile = find_profile(l, keys.profile);
	if (wire)
		check_fit(l, node, &common, wire, device);
	check_double(l, node, wire, device);
	device->max_silence_ms = keys.max_silence_ms;
	if (keys.psk)
		(void)load_psk(l, keys.psk, device);
	if (keys.dtls)
		read_dtls(l, keys.dtls, wire, device);
	if (wire && wire->kind == SENSOR_WIRE_COAP)
		check_push(l, node, wire, device);
}

void load_devices(struct loading *l, const struct wy_node *node)
{
	size_t n = loading_list(l, node);
	struct sensor_device_conf *devices = loading_array(l, n, sizeof(*devices));

	l->device_nodes = loading_array(l, n, sizeof(const struct wy_node *));
	if (!n || !devices || !l->device_nodes ||
	    !loading_fits(l, node, n, WY_DEVICES_MAX, "devices"))
		return;
	l->config->devices = devices;
	for (const struct wy_node *m = node->child; m; m = m->next) {
		l->device_nodes[l->config->n_devices] = m;
		read_device(l, m, &devices[l->config->n_devices++]);
	}
}

void config_set_learned(struct config *config, uint32_t device, const char *learned)
{
	((struct sensor_device_conf *)&config->devices[device])->learned = learned;
}

/* ---- Keys ----------------------------------------------------------------------------------- */

static const char *const key_formats[] = {"text", "hex", NULL};

struct psk_keys {
	const char *identity;
	const struct wy_node *key_file;
	int format;
};

static const struct wy_field psk_rows[] = {
	{"identity", WY_FIELD_TEXT, offsetof(struct psk_keys, identity), true, 0, 0, NULL,
	 "who we say we are"},
	{"key_file", WY_FIELD_NODE, offsetof(struct psk_keys, key_file), true, 0, 0, NULL,
	 "file with the key"},
	{"key_format", WY_FIELD_CHOICE, offsetof(struct psk_keys, format), false, 0, 0, key_formats,
	 "text (its bytes) or hex"},
};

/* The file's bytes without the line end an editor leaves. 0: cannot be read, empty or too long. */
static size_t read_key(struct loading *l, const struct wy_node *where, const char *path, char *key,
		       size_t size)
{
	struct stat info;
	int file = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t len = file < 0 ? -1 : read(file, key, size);

	if (len < 0) {
		wy_diag_add(l->diags, WY_DIAG_ERROR, "E109", where, 0, "cannot read '%s'", path);
	} else if (fstat(file, &info) == 0 && (info.st_mode & (S_IROTH | S_IWOTH))) {
		wy_diag_add(l->diags, WY_DIAG_WARNING, "W608", where, 0,
			    "every user of this machine can read the key in '%s'; do: chmod 640",
			    path);
	}
	if (file >= 0)
		(void)close(file);
	while (len > 0 && (key[len - 1] == '\n' || key[len - 1] == '\r'))
		len--;
	return len > 0 ? (size_t)len : 0;
}

static int hex_of(char c)
{
	static const char digits[] = "0123456789abcdefABCDEF";
	const char *at = c ? strchr(digits, c) : NULL;

	if (!at)
		return -1;
	return at - digits < 16 ? (int)(at - digits) : (int)(at - digits) - 6;
}

/* In place. 0: not pairs of hex digits. */
static size_t from_hex(char *key, size_t len)
{
	for (size_t i = 0; i + 1 < len; i += 2) {
		int high = hex_of(key[i]), low = hex_of(key[i + 1]);
		if (high < 0 || low < 0)
			return 0;
		key[i / 2] = (char)(high * 16 + low);
	}
	return len % 2 ? 0 : len / 2;
}

bool load_psk(struct loading *l, const struct wy_node *node, struct sensor_device_conf *device)
{
	struct psk_keys keys = {0};
	char key[2 * KEY_BYTES_MAX + 2];

	if (!LOADING_FIELDS(l, node, psk_rows, &keys))
		return false;
	if (keys.key_file->kind != WY_NODE_SCALAR) {
		wy_diag_add(l->diags, WY_DIAG_ERROR, "E105", keys.key_file, 0,
			    "expected a file name, found %s", wy_node_kind_text(keys.key_file));
		return false;
	}
	size_t n_errors = l->diags->errors;
	const char *path = loading_path(l, keys.key_file, keys.key_file->text);
	if (!path)
		return false;
	size_t len = read_key(l, keys.key_file, path, key, sizeof(key));
	if (l->diags->errors != n_errors)
		return false;
	if (keys.format == 1)
		len = from_hex(key, len);
	if (!len || len > KEY_BYTES_MAX) {
		wy_diag_add(l->diags, WY_DIAG_ERROR, "E608", keys.key_file, 0,
			    "no key of 1 to %d bytes in '%s'%s", (int)KEY_BYTES_MAX, path,
			    keys.format == 1 ? " (written as pairs of hex digits)" : "");
		return false;
	}
	if (len < KEY_BYTES_FEW)
		wy_diag_add(l->diags, WY_DIAG_WARNING, "W609", keys.key_file, 0,
			    "the key has %zu bytes; fewer than %d can be guessed", len,
			    (int)KEY_BYTES_FEW);
	uint8_t *copy = loading_array(l, len, 1);
	if (!copy)
		return false;
	memcpy(copy, key, len);
	device->psk_identity = keys.identity;
	device->psk_key = copy;
	device->psk_key_len = len;
	return true;
}
