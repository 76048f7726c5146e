/* field.c: what wires and devices must agree on together, once all of them are read: who vouches for whom, lines and the
 * devices on them, connections to one place, and whether a wire has the time for all it is asked. */
#include "loading.h"

#include <string.h>
#include <strings.h>

#include "wire_budget.h"
#include "driver.h"

/* ---- alive_by: another device that knows whether this one can be reached ---------------------------- */

static const char *device_id(const void *arg, size_t i)
{
	return ((const struct config *)arg)->devices[i].id;
}

static const char *profile_point(const void *arg, size_t i)
{
	return ((const struct sensor_profile *)arg)->points[i].name;
}

static void refuse_sign(struct loading *l, const struct wy_node *node, const char *text)
{
	wy_diag_add(l->diags, WY_DIAG_ERROR, "E614", node, 0, "%s", text);
}

/* The device before the last dot; SIZE_MAX after a message. */
static size_t find_witness(struct loading *l, const struct wy_node *node, size_t len)
{
	char id[80];
	struct wy_buf buf;

	wy_buf_init(&buf, id, sizeof(id));
	wy_buf_addn(&buf, node->text, len);
	size_t d = config_find_device(l->config, id);
	if (d == SIZE_MAX)
		loading_unknown(l, node, 0, "device", id, l->config->n_devices, device_id, l->config);
	return d;
}

static void read_alive(struct loading *l, const struct wy_node *node, uint32_t device)
{
	struct sensor_device_conf *conf = (struct sensor_device_conf *)&l->config->devices[device];
	const char *dot = node->kind == WY_NODE_SCALAR ? strrchr(node->text, '.') : NULL;

	if (!dot) {
		wy_diag_add(l->diags, WY_DIAG_ERROR, "E105", node, 0, "expected device.point, found %s",
			    node->kind == WY_NODE_SCALAR ? node->text : wy_node_kind_text(node));
		return;
	}
	size_t witness = find_witness(l, node, (size_t)(dot - node->text));
	const struct sensor_profile *profile = witness == SIZE_MAX ? NULL : l->config->devices[witness].profile;
	if (!profile)
		return;
	const struct sensor_profile_point *point = sensor_profile_find(profile, dot + 1);
	if (!point)
		loading_unknown(l, node, (size_t)(dot + 1 - node->text), "device point", dot + 1, profile->n_points,
				profile_point, profile);
	else if (witness == device)
		refuse_sign(l, node, "a device that is gone cannot say so itself: name a point of the gateway before it");
	else if (point->type != WY_TYPE_BOOL || point->encoding == SENSOR_TEXT)
		refuse_sign(l, node, "'alive_by' is a bool point, true while the device can be reached");
	if (!point || witness == device)
		return;
	conf->has_alive = true;
	conf->alive_device = (uint32_t)witness;
	conf->alive_point = (uint32_t)(point - profile->points);
}

/* Each link leads on to one device, so a walk longer than there are devices goes round. */
static bool goes_round(const struct config *config, uint32_t device)
{
	uint32_t at = device;

	for (size_t i = 0; i < config->n_devices && config->devices[at].has_alive; i++) {
		at = config->devices[at].alive_device;
		if (at == device)
			return true;
	}
	return false;
}

static void load_alive(struct loading *l)
{
	const struct config *config = l->config;

	for (uint32_t d = 0; d < config->n_devices; d++) {
		const struct wy_node *node = wy_node_get(l->device_nodes[d], "alive_by");
		if (node)
			read_alive(l, node, d);
	}
	for (uint32_t d = 0; d < config->n_devices; d++)
		if (goes_round(config, d))
			refuse_sign(l, wy_node_get(l->device_nodes[d], "alive_by"),
				    "these devices vouch for each other in a circle");
}

/* ---- Devices on a serial line ----------------------------------------------------------------------- */

static bool has_baud(const struct sensor_profile *profile, int baud)
{
	for (size_t i = 0; i < profile->n_bauds; i++)
		if (profile->bauds[i] == baud)
			return true;
	return profile->n_bauds == 0;
}

static void list_bauds(const struct sensor_profile *profile, struct wy_buf *buf)
{
	for (size_t i = 0; i < profile->n_bauds; i++)
		wy_buf_addf(buf, "%s%d", i ? ", " : "", profile->bauds[i]);
}

static void check_serial(struct loading *l, uint32_t device)
{
	const struct sensor_device_conf *conf = &l->config->devices[device];
	const struct sensor_wire_conf *wire = &l->config->wires[conf->wire];
	const struct wy_node *where = wy_node_get(l->device_nodes[device], "wire");
	char format[8], bauds[120];
	struct wy_buf buf;

	if (!wire->tty)
		return;
	if (!has_baud(conf->profile, wire->baud)) {
		wy_buf_init(&buf, bauds, sizeof(bauds));
		list_bauds(conf->profile, &buf);
		wy_diag_add(l->diags, WY_DIAG_ERROR, "E610", where, 0,
			    "wire '%s' runs at %d baud; profile '%s' can only %s", wire->id, wire->baud,
			    conf->profile->id, bauds);
	}
	wy_buf_init(&buf, format, sizeof(format));
	wy_buf_addf(&buf, "%d%c%d", wire->data_bits, wire->parity, wire->stop_bits);
	if (conf->profile->format && strcmp(conf->profile->format, format) != 0)
		wy_diag_add(l->diags, WY_DIAG_ERROR, "E610", where, 0,
			    "wire '%s' is set to %s; profile '%s' can only %s", wire->id, format, conf->profile->id,
			    conf->profile->format);
}

/* ---- Two connections to one place ------------------------------------------------------------------- */

/* A device of this wire that somebody else would be locked out of. */
static const struct sensor_profile *one_client(const struct config *config, uint32_t wire)
{
	for (size_t d = 0; d < config->n_devices; d++)
		if (config->devices[d].wire == wire && config->devices[d].profile &&
		    config->devices[d].profile->has_one_client)
			return config->devices[d].profile;
	return NULL;
}

static bool is_same_place(const struct sensor_wire_conf *a, const struct sensor_wire_conf *b)
{
	return a->host && b->host && a->port == b->port && strcasecmp(a->host, b->host) == 0;
}

static void check_place(struct loading *l, uint32_t earlier, uint32_t later)
{
	const struct config *config = l->config;
	const struct sensor_wire_conf *wire = &config->wires[later];
	const struct wy_node *where = wy_node_get(l->wire_nodes[later], "host");
	const struct sensor_profile *profile = one_client(config, later);

	if (!profile)
		profile = one_client(config, earlier);
	if (profile)
		wy_diag_add(l->diags, WY_DIAG_ERROR, "E615", where, 0,
			    "'%s' port %u is already wire '%s', and '%s' takes one client: put the devices on one wire",
			    wire->host, wire->port, config->wires[earlier].id, profile->id);
	else
		wy_diag_add(l->diags, WY_DIAG_WARNING, "W613", where, 0,
			    "'%s' port %u is already wire '%s': two connections share what the device gives to one; put the "
			    "devices on one wire",
			    wire->host, wire->port, config->wires[earlier].id);
}

/* Kinds that hold a connection; datagrams take none from each other. */
static bool is_connected(const struct sensor_wire_conf *wire)
{
	return sensor_has_word(sensor_wire_rows[wire->kind].takes, "connect");
}

static void check_places(struct loading *l)
{
	const struct config *config = l->config;

	for (uint32_t w = 1; w < config->n_wires; w++)
		for (uint32_t other = 0; other < w; other++)
			if (is_connected(&config->wires[w]) && is_same_place(&config->wires[w], &config->wires[other])) {
				check_place(l, other, w);
				break;
			}
}

/* ---- The time of a wire ------------------------------------------------------------------------------ */

/* The Modbus devices of a wire, into mine; others were refused, or are not planned. */
static size_t devices_on(const struct config *config, uint32_t wire, uint32_t *mine)
{
	size_t n = 0;

	for (uint32_t d = 0; d < config->n_devices; d++) {
		const struct sensor_profile *profile = config->devices[d].profile;
		if (config->devices[d].wire == wire && profile && profile->transport == SENSOR_MODBUS)
			mine[n++] = d;
	}
	return n;
}

static void check_budgets(struct loading *l)
{
	const struct config *config = l->config;
	uint32_t *mine = loading_array(l, config->n_devices, sizeof(*mine));

	for (uint32_t w = 0; mine && w < config->n_wires; w++) {
		size_t n = devices_on(config, w, mine);
		if (n && sensor_budget_check(&config->wires[w], config->devices, mine, n, l->arena, l->wire_nodes[w],
					     l->diags) == WY_E_NOMEM)
			loading_full(l);
	}
}

void load_field(struct loading *l)
{
	const struct config *config = l->config;
	size_t n_errors = l->diags->errors;

	if (!config->n_devices || !config->n_wires)
		return;
	load_alive(l);
	for (uint32_t d = 0; d < config->n_devices; d++)
		if (config->devices[d].wire != UINT32_MAX && config->devices[d].profile)
			check_serial(l, d);
	check_places(l);
	if (l->diags->errors == n_errors)
		check_budgets(l);
}
