/* dtls.c: certificates a device is spoken to with, and what it takes for devices to push to us. */
#define _POSIX_C_SOURCE 200809L
#include "loading.h"

#include <arpa/inet.h>
#include <string.h>

/* ---- Certificates --------------------------------------------------------------------------- */

struct certificate_keys {
	const struct wy_node *ca, *certificate, *key;
	const char *name;
};

#define AT(member) offsetof(struct certificate_keys, member)
static const struct wy_field certificate_rows[] = {
	{"ca", WY_FIELD_NODE, AT(ca), true, 0, 0, NULL, "file with the certificate that signed the device's"},
	{"certificate", WY_FIELD_NODE, AT(certificate), true, 0, 0, NULL, "file with ours"},
	{"key", WY_FIELD_NODE, AT(key), true, 0, 0, NULL, "file with our key"},
	{"name", WY_FIELD_TEXT, AT(name), false, 0, 0, NULL, "in the device's certificate, where that is not the host"},
};
#undef AT

static const char *file_of(struct loading *l, const struct wy_node *node)
{
	return loading_text(l, node) ? loading_path(l, node, node->text) : NULL;
}

bool load_certificates(struct loading *l, const struct wy_node *node, const char *host,
		       struct loading_certificates *ret)
{
	struct certificate_keys keys = {.name = host};

	if (!LOADING_FIELDS(l, node, certificate_rows, &keys))
		return false;
	*ret = (struct loading_certificates){file_of(l, keys.ca), file_of(l, keys.certificate), file_of(l, keys.key),
					     keys.name};
	return true;
}

/* ---- Devices that push ---------------------------------------------------------------------- */

/* Ours, so a number: nobody has to be asked where we are. And no group: one datagram would set off many. */
static bool is_own_address(const char *host)
{
	struct in_addr four;
	struct in6_addr six;

	if (inet_pton(AF_INET, host, &four) == 1)
		return !IN_MULTICAST(ntohl(four.s_addr));
	return inet_pton(AF_INET6, host, &six) == 1 && !IN6_IS_ADDR_MULTICAST(&six);
}

void check_listening(struct loading *l, const struct wy_node *node, const struct sensor_wire_conf *wire)
{
	if (wire->is_listening && wire->host && !is_own_address(wire->host))
		wy_diag_add(l->diags, WY_DIAG_ERROR, "E623", wy_node_get(node, "host"), 0,
			    "expected an address of this machine, as a number, found '%s'", wire->host);
}

static void need(struct loading *l, const struct wy_node *node, const char *key, const char *why)
{
	if (!wy_node_get(node, key))
		wy_diag_add(l->diags, WY_DIAG_ERROR, "E107", node, 0, "key '%s' is missing here: %s", key, why);
}

static void refuse(struct loading *l, const struct wy_node *node, const char *key, const char *why)
{
	const struct wy_node *value = wy_node_get(node, key);

	if (value)
		wy_diag_add(l->diags, WY_DIAG_ERROR, "E103", value->key, 0, "%s", why);
}

static void check_identity(struct loading *l, const struct wy_node *node, const struct sensor_device_conf *device)
{
	for (const struct sensor_device_conf *other = l->config->devices; other != device; other++) {
		if (other->wire == UINT32_MAX || !l->config->wires[other->wire].is_listening ||
		    !other->psk_identity || !device->psk_identity ||
		    strcmp(other->psk_identity, device->psk_identity) != 0)
			continue;
		wy_diag_add(l->diags, WY_DIAG_ERROR, "E622", wy_node_get(node, "psk"), 0,
			    "identity '%s' is already device '%s'", device->psk_identity, other->id);
	}
}

void check_push(struct loading *l, const struct wy_node *node, const struct sensor_wire_conf *wire,
		const struct sensor_device_conf *device)
{
	if (wy_node_get(node, "psk"))
		refuse(l, node, "dtls", "a device has either 'psk' or 'dtls'");
	if (!wire->is_listening) {
		refuse(l, node, "max_silence", "'max_silence' goes with wires that listen: all others are asked");
		return;
	}
	need(l, node, "psk", "who pushes must say who it is");
	need(l, node, "max_silence", "who pushes is missed by its silence only");
	if (!wy_node_get(node, "psk"))
		refuse(l, node, "dtls", "a device on a wire that listens proves itself with 'psk'");
	check_identity(l, node, device);
}
