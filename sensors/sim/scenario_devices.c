/* scenario_devices.c: profiles, devices and the wires that follow from them. Devices with the same
 * link share a bus, those with the same host and port a TCP port; port 0 is always a port of its
 * own. */
#define _POSIX_C_SOURCE 200809L
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "fields.h"
#include "number.h"
#include "scenario_reading.h"
#include "yaml_tree.h"

/* ---- Profiles ---------------------------------------------------------------------------------
 */

#define PROFILES_MAX 500u /* refuse */

static const char *profile_id(const void *arg, size_t i)
{
	const struct sim_reading *reading = arg;

	return reading->profiles[i]->id;
}

static const struct sensor_profile *find_profile(const struct sim_reading *reading, const char *id)
{
	for (size_t i = 0; i < reading->n_profiles; i++)
		if (strcmp(reading->profiles[i]->id, id) == 0)
			return reading->profiles[i];
	return NULL;
}

static enum wy_err add_profile(struct sim_reading *reading, const struct wy_node *where,
			       const char *path)
{
	const struct wy_node *root;
	struct sensor_profile *profile;
	enum wy_err err = yaml_load_file(path, reading->arena, reading->diags, &root);

	if (!err)
		err = sensor_profile_read(root, reading->arena, reading->diags, &profile);
	if (err)
		return err;
	if (find_profile(reading, profile->id) || reading->n_profiles == PROFILES_MAX) {
		wy_diag_add(reading->diags, WY_DIAG_ERROR, "E102", where, 0,
			    reading->n_profiles == PROFILES_MAX ? "too many profiles at '%s'"
								: "profile '%s' is here twice",
			    profile->id);
		return WY_E_INVALID;
	}
	reading->profiles[reading->n_profiles++] = profile;
	return WY_OK;
}

static int is_yaml(const struct dirent *entry)
{
	const char *dot = strrchr(entry->d_name, '.');

	return entry->d_name[0] != '.' && dot && strcmp(dot, ".yaml") == 0;
}

static enum wy_err add_directory(struct sim_reading *reading, const struct wy_node *where,
				 const char *dir)
{
	struct dirent **entries;
	enum wy_err err = WY_OK;
	int n = scandir(dir, &entries, is_yaml, alphasort);

	if (n < 0) {
		wy_diag_add(reading->diags, WY_DIAG_ERROR, "E101", where, 0, "cannot read '%s': %s",
			    dir, strerror(errno));
		return WY_E_IO;
	}
	for (int i = 0; i < n; i++) {
		char path[4096];
		int len = snprintf(path, sizeof(path), "%s/%s", dir, entries[i]->d_name);
		if (len < 0 || (size_t)len >= sizeof(path) || add_profile(reading, where, path))
			err = WY_E_INVALID;
		free(entries[i]);
	}
	free(entries);
	return err;
}

static enum wy_err expect_list(struct sim_reading *reading, const struct wy_node *list,
			       const char *of)
{
	if (list->kind == WY_NODE_SEQ)
		return WY_OK;
	wy_diag_add(reading->diags, WY_DIAG_ERROR, "E105", list, 0,
		    "expected a list of %s, found %s", of, wy_node_kind_text(list));
	return WY_E_INVALID;
}

enum wy_err sim_read_profiles(struct sim_reading *reading, const struct wy_node *list)
{
	enum wy_err err = expect_list(reading, list, "files or directories");

	if (err)
		return err;
	reading->profiles =
		wy_arena_array(reading->arena, PROFILES_MAX, sizeof(*reading->profiles));
	if (!reading->profiles)
		return sim_reading_full(reading, list);
	for (const struct wy_node *m = list->child; m; m = m->next) {
		const char *path = sim_reading_path(reading, m, m->text);
		struct stat st;

		if (!path)
			return WY_E_NOMEM;
		bool is_dir = stat(path, &st) == 0 && S_ISDIR(st.st_mode);
		if ((is_dir ? add_directory : add_profile)(reading, m, path))
			err = WY_E_INVALID;
	}
	return err;
}

/* ---- Devices ------------------------------------------------------------------------------------
 */

static const char *const kinds[] = {"tcp", "rtu", "coap", NULL};

struct entry {
	const char *id, *host, *link, *profile;
	int kind;
	int64_t port, baud, unit;
	wy_ms max_age_ms;
	int64_t xor_seed;
	const struct wy_node *psk, *with;
};

static const struct wy_field device_rows[] = {
	{"id", WY_FIELD_ID, offsetof(struct entry, id), true, 0, 0, NULL, "name of the device"},
	{"kind", WY_FIELD_CHOICE, offsetof(struct entry, kind), true, 0, 0, kinds,
	 "tcp, rtu or coap"},
	{"host", WY_FIELD_TEXT, offsetof(struct entry, host), false, 0, 0, NULL,
	 "address to listen on; default 127.0.0.1"},
	{"port", WY_FIELD_INT, offsetof(struct entry, port), false, 0, 65535, NULL,
	 "0: any free one"},
	{"link", WY_FIELD_TEXT, offsetof(struct entry, link), false, 0, 0, NULL,
	 "path that becomes a link to the serial line"},
	{"baud", WY_FIELD_INT, offsetof(struct entry, baud), false, 300, 4000000, NULL,
	 "speed of the bus: how long answers take"},
	{"profile", WY_FIELD_ID, offsetof(struct entry, profile), true, 0, 0, NULL,
	 "id of its profile"},
	{"unit", WY_FIELD_INT, offsetof(struct entry, unit), false, 1, 255, NULL,
	 "Modbus unit id; default 1"},
	{"psk", WY_FIELD_NODE, offsetof(struct entry, psk), false, 0, 0, NULL,
	 "CoAP over DTLS: {identity, key_file}"},
	{"max_age", WY_FIELD_DURATION, offsetof(struct entry, max_age_ms), false, 1000, 86400000,
	 NULL, "CoAP Max-Age; default 60s"},
	{"xor_seed", WY_FIELD_INT, offsetof(struct entry, xor_seed), false, 0, 0xFFFF, NULL,
	 "checksum of some boards: this, each byte put to it by exclusive or"},
	{"with", WY_FIELD_NODE, offsetof(struct entry, with), false, 0, 0, NULL,
	 "misbehaviours that are on from the start: [frozen, delay=700ms]"},
};

/* Which keys a kind needs and which it may have beside id, kind and profile. */
static const struct {
	const char *key;
	bool is_allowed[3], is_needed[3]; /* tcp, rtu, coap */
} uses[] = {
	{"host", {true, false, true}, {false, false, false}},
	{"port", {true, false, true}, {true, false, true}},
	{"link", {false, true, false}, {false, true, false}},
	{"baud", {false, true, false}, {false, false, false}},
	{"unit", {true, true, false}, {false, false, false}},
	{"psk", {false, false, true}, {false, false, false}},
	{"max_age", {false, false, true}, {false, false, false}},
	{"xor_seed", {false, true, false}, {false, false, false}},
};

static enum wy_err check_uses(struct sim_reading *reading, const struct wy_node *map, int kind)
{
	enum wy_err err = WY_OK;

	for (size_t i = 0; i < sizeof(uses) / sizeof(uses[0]); i++) {
		const struct wy_node *member = wy_node_get(map, uses[i].key);

		if (member && !uses[i].is_allowed[kind]) {
			wy_diag_add(reading->diags, WY_DIAG_ERROR, "E103", member->key, 0,
				    "'%s' does not belong to kind %s", uses[i].key, kinds[kind]);
			err = WY_E_INVALID;
		}
		if (!member && uses[i].is_needed[kind]) {
			wy_diag_add(reading->diags, WY_DIAG_ERROR, "E107", map, 0,
				    "key '%s' is missing here (kind %s needs it)", uses[i].key,
				    kinds[kind]);
			err = WY_E_INVALID;
		}
	}
	return err;
}

static const char *const key_formats[] = {"text", "hex", NULL};

struct psk {
	const char *identity, *key_file;
	int format;
};

static const struct wy_field psk_rows[] = {
	{"identity", WY_FIELD_TEXT, offsetof(struct psk, identity), true, 0, 0, NULL,
	 "who may connect"},
	{"key_file", WY_FIELD_TEXT, offsetof(struct psk, key_file), true, 0, 0, NULL,
	 "file with the key"},
	{"key_format", WY_FIELD_CHOICE, offsetof(struct psk, format), false, 0, 0, key_formats,
	 "text (its bytes) or hex"},
};

/* Pairs of hex digits to bytes, in place. 0: something else stands there. */
static size_t from_hex(uint8_t *key, size_t len)
{
	for (size_t i = 0; i + 1 < len; i += 2) {
		char pair[5] = {'0', 'x', (char)key[i], (char)key[i + 1], '\0'};
		int64_t byte;

		if (wy_parse_int(pair, 4, &byte))
			return 0;
		key[i / 2] = (uint8_t)byte;
	}
	return len % 2 ? 0 : len / 2;
}

/* The bytes of the file without line ends after them, 1 to SIM_KEY_BYTES_MAX. */
static enum wy_err read_key(struct sim_reading *reading, const struct wy_node *where,
			    const char *path, bool is_hex, struct sim_device *device)
{
	size_t n_most = (size_t)2 * SIM_KEY_BYTES_MAX + 3;
	uint8_t *key = wy_arena_alloc(reading->arena, n_most);
	FILE *file = fopen(path, "rb");

	if (!file) {
		wy_diag_add(reading->diags, WY_DIAG_ERROR, "E101", where, 0, "cannot read '%s': %s",
			    path, strerror(errno));
		return WY_E_IO;
	}
	size_t n = key ? fread(key, 1, n_most, file) : 0;
	fclose(file);
	while (n && (key[n - 1] == '\n' || key[n - 1] == '\r'))
		n--;
	if (is_hex)
		n = from_hex(key, n);
	if (n == 0 || n > SIM_KEY_BYTES_MAX) {
		wy_diag_add(reading->diags, WY_DIAG_ERROR, "E106", where, 0,
			    "the key must have 1 to %u bytes%s", SIM_KEY_BYTES_MAX,
			    is_hex ? ", written as pairs of hex digits" : "");
		return WY_E_INVALID;
	}
	device->psk_key = key;
	device->psk_key_len = n;
	return WY_OK;
}

static enum wy_err read_psk(struct sim_reading *reading, const struct wy_node *map,
			    struct sim_device *device)
{
	struct psk psk = {.format = 0};
	enum wy_err err = wy_fields_read(map, psk_rows, 3, &psk, reading->diags);

	if (err)
		return err;
	const struct wy_node *file = wy_node_get(map, "key_file");
	const char *path = sim_reading_path(reading, file, psk.key_file);
	device->psk_identity = psk.identity;
	return path ? read_key(reading, file, path, psk.format == 1, device) : WY_E_NOMEM;
}

static enum wy_err choose_profile(struct sim_reading *reading, const struct wy_node *map,
				  const struct entry *entry, struct sim_device *device)
{
	const struct wy_node *where = wy_node_get(map, "profile");
	const struct sensor_profile *profile = find_profile(reading, entry->profile);

	if (!profile) {
		const char *near =
			wy_nearest(entry->profile, reading->n_profiles, profile_id, reading);
		wy_diag_add(reading->diags, WY_DIAG_ERROR, "E201", where, 0,
			    "no profile '%s'%s%s%s", entry->profile, near ? "; did you mean '" : "",
			    near ? near : "", near ? "'?" : "");
		return WY_E_INVALID;
	}
	if (profile->transport != (entry->kind == SIM_COAP ? SENSOR_COAP : SENSOR_MODBUS)) {
		wy_diag_add(reading->diags, WY_DIAG_ERROR, "E202", where, 0,
			    "profile '%s' is not for kind %s", profile->id, kinds[entry->kind]);
		return WY_E_INVALID;
	}
	device->profile = profile;
	return WY_OK;
}

/* ---- Wires --------------------------------------------------------------------------------------
 */

static bool is_same_wire(const struct sim_wire *wire, const struct sim_wire *other)
{
	if (wire->kind != other->kind)
		return false;
	if (wire->kind == SIM_RTU)
		return strcmp(wire->link, other->link) == 0;
	return wire->port != 0 && wire->port == other->port && strcmp(wire->host, other->host) == 0;
}

static enum wy_err refuse_sharing(struct sim_reading *reading, const struct wy_node *map,
				  const char *key, const struct sim_device *other, const char *what)
{
	const struct wy_node *where = wy_node_get(map, key);

	wy_diag_add(reading->diags, WY_DIAG_ERROR, "E203", where ? where : map, 0, "device '%s' %s",
		    other->id, what);
	return WY_E_INVALID;
}

/* What two devices of one wire must not do. */
static enum wy_err check_sharing(struct sim_reading *reading, const struct wy_node *map,
				 const struct sim_wire *wire, const struct sim_wire *asked,
				 const struct sim_device *device)
{
	for (size_t i = 0; i < wire->n_devices; i++) {
		const struct sim_device *other =
			&reading->scenario->building.devices[wire->devices[i]];

		if (wire->kind == SIM_COAP)
			return refuse_sharing(reading, map, "port", other, "has this port already");
		if (other->unit == device->unit)
			return refuse_sharing(reading, map, "unit", other,
					      "has this unit id on the same wire");
		if (wire->baud != asked->baud)
			return refuse_sharing(reading, map, "baud", other,
					      "is on the same bus at another speed");
	}
	return WY_OK;
}

static enum wy_err join_wire(struct sim_reading *reading, const struct wy_node *map,
			     const struct entry *entry, struct sim_device *device)
{
	struct sim_building *building = &reading->scenario->building;
	struct sim_wire asked = {.kind = device->kind,
				 .host = entry->host,
				 .port = (uint16_t)entry->port,
				 .baud = (int)entry->baud};
	size_t w = 0;

	if (entry->link) {
		asked.link = sim_reading_path(reading, map, entry->link);
		if (!asked.link)
			return WY_E_NOMEM;
	}
	while (w < building->n_wires && !is_same_wire(&building->wires[w], &asked))
		w++;
	struct sim_wire *wire = &building->wires[w];
	if (w == building->n_wires) {
		*wire = asked;
		size_t n_most = device->kind == SIM_COAP ? 1 : SIM_UNITS;
		wire->devices = wy_arena_array(reading->arena, n_most, sizeof(uint32_t));
		wire->by_unit = wy_arena_array(reading->arena, n_most, sizeof(uint32_t));
		if (!wire->devices || !wire->by_unit)
			return sim_reading_full(reading, map);
		building->n_wires++;
	}
	enum wy_err err = check_sharing(reading, map, wire, &asked, device);
	if (err)
		return err;
	device->wire = (uint32_t)w;
	wire->devices[wire->n_devices++] = (uint32_t)building->n_devices;
	if (device->kind != SIM_COAP)
		wire->by_unit[device->unit] = (uint32_t)building->n_devices + 1;
	return WY_OK;
}

static enum wy_err lay_out(struct sim_reading *reading, const struct wy_node *map,
			   struct sim_device *device)
{
	uint32_t point;
	enum wy_err err = sim_device_lay_out(device, reading->arena, &point);

	if (err == WY_E_NOMEM)
		return sim_reading_full(reading, map);
	if (err)
		wy_diag_add(reading->diags, WY_DIAG_ERROR, "E204", map, 0,
			    "profile '%s', point '%s': no starting value fits its registers",
			    device->profile->id, device->profile->points[point].name);
	return err;
}

static enum wy_err read_device(struct sim_reading *reading, const struct wy_node *map)
{
	struct sim_building *building = &reading->scenario->building;
	struct sim_device *device = &building->devices[building->n_devices];
	struct entry entry = {.host = "127.0.0.1", .unit = 1, .max_age_ms = 60000};
	enum wy_err err =
		wy_fields_read(map, device_rows, sizeof(device_rows) / sizeof(device_rows[0]),
			       &entry, reading->diags);

	if (!err)
		err = check_uses(reading, map, entry.kind);
	if (err)
		return err;
	if (sim_building_find_device(building, entry.id) != SIZE_MAX) {
		wy_diag_add(reading->diags, WY_DIAG_ERROR, "E102", wy_node_get(map, "id"), 0,
			    "device '%s' is here twice", entry.id);
		return WY_E_INVALID;
	}
	*device = (struct sim_device){.id = entry.id,
				      .kind = (enum sim_kind)entry.kind,
				      .unit = (uint8_t)entry.unit,
				      .has_xor = wy_node_get(map, "xor_seed") != NULL,
				      .xor_seed = (uint16_t)entry.xor_seed,
				      .max_age_ms = entry.max_age_ms};
	err = choose_profile(reading, map, &entry, device);
	if (!err && entry.psk)
		err = read_psk(reading, entry.psk, device);
	if (!err)
		err = lay_out(reading, map, device);
	if (!err)
		err = join_wire(reading, map, &entry, device);
	if (err)
		return err;
	building->n_devices++;
	return entry.with ? sim_read_with(reading, entry.with, (uint32_t)building->n_devices - 1)
			  : WY_OK;
}

enum wy_err sim_read_devices(struct sim_reading *reading, const struct wy_node *list)
{
	struct sim_building *building = &reading->scenario->building;
	enum wy_err err = expect_list(reading, list, "devices");

	if (err)
		return err;
	if (list->n == 0 || list->n > WY_DEVICES_MAX) {
		wy_diag_add(reading->diags, WY_DIAG_ERROR, "E106", list, 0,
			    "%zu devices; allowed is 1 to %u", list->n, WY_DEVICES_MAX);
		return WY_E_INVALID;
	}
	building->devices = wy_arena_array(reading->arena, list->n, sizeof(*building->devices));
	building->wires = wy_arena_array(reading->arena, list->n, sizeof(*building->wires));
	if (!building->devices || !building->wires)
		return sim_reading_full(reading, list);
	for (const struct wy_node *m = list->child; m; m = m->next)
		if (read_device(reading, m))
			err = WY_E_INVALID;
	return err;
}
