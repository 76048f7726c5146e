/* field_hash.c: one number for all that the asking of devices depends on: wires, devices, the profiles they use, and the files that
 * are read when the field is opened. Two loads with the same number ask the same devices the same questions in the same way,
 * so connections may go on from one to the other. Comments and the order of other things do not count. */
#include <stdio.h>
#include <string.h>

#include "loading.h"

#define HASH_START UINT64_C(14695981039346656037)

static uint64_t add_bytes(uint64_t hash, const void *bytes, size_t len)
{
	const unsigned char *at = bytes;

	for (size_t i = 0; i < len; i++)
		hash = (hash ^ at[i]) * UINT64_C(1099511628211);
	return hash;
}

static uint64_t add_text(uint64_t hash, const char *text)
{
	return add_bytes(hash, text ? text : "", text ? strlen(text) + 1 : 0);
}

/* Depth is bounded where the tree was built. */
static uint64_t add_tree(uint64_t hash, const struct wy_node *node)
{
	hash = add_bytes(hash, &node->kind, sizeof(node->kind));
	hash = add_bytes(hash, node->text, node->len + 1);
	hash = add_bytes(hash, &node->n, sizeof(node->n));
	if (node->key)
		hash = add_bytes(hash, node->key->text, node->key->len + 1);
	for (const struct wy_node *m = node->child; m; m = m->next)
		hash = add_tree(hash, m);
	return hash;
}

/* One that cannot be read counts as empty: the driver says so when it opens it. */
static uint64_t add_file(uint64_t hash, const char *path)
{
	char bytes[4096];
	FILE *file = path ? fopen(path, "re") : NULL;
	size_t left = WY_TLS_FILE_BYTES_MAX, n;

	hash = add_text(hash, path);
	if (!file)
		return hash;
	while (left && (n = fread(bytes, 1, left < sizeof(bytes) ? left : sizeof(bytes), file)) > 0) {
		hash = add_bytes(hash, bytes, n);
		left -= n;
	}
	fclose(file);
	return hash;
}

static bool is_used(const struct config *config, const struct sensor_profile *profile)
{
	for (size_t d = 0; d < config->n_devices; d++)
		if (config->devices[d].profile == profile)
			return true;
	return false;
}

static uint64_t add_device(uint64_t hash, const struct sensor_device_conf *device, const struct wy_node *node)
{
	hash = add_tree(hash, node);
	hash = add_bytes(hash, device->psk_key ? device->psk_key : (const uint8_t *)"", device->psk_key ? device->psk_key_len : 0);
	hash = add_text(hash, device->dtls_ca); /* what is in these is read with each connection */
	hash = add_text(hash, device->dtls_certificate);
	return add_text(hash, device->dtls_key);
}

void load_field_hash(struct loading *l)
{
	struct config *config = l->config;
	uint64_t hash = HASH_START;

	for (size_t w = 0; w < config->n_wires; w++) {
		hash = add_tree(hash, l->wire_nodes[w]);
		hash = add_file(hash, config->wires[w].tls_ca);
		hash = add_file(hash, config->wires[w].tls_certificate);
		hash = add_file(hash, config->wires[w].tls_key);
	}
	for (size_t d = 0; d < config->n_devices; d++)
		hash = add_device(hash, &config->devices[d], l->device_nodes[d]);
	for (size_t p = 0; p < config->n_profiles; p++)
		if (is_used(config, config->profiles[p]) && config->profiles[p]->node)
			hash = add_tree(hash, config->profiles[p]->node);
	config->field_hash = hash;
}
