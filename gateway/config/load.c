/* load.c: the gateway file, and from it everything else. See config.h.
 *
 * Order matters only for references: departments before faults, faults before vendors, classes and
 * profiles before devices and assets. A file that fails leaves a gap, and what refers to that gap
 * is not called wrong as well. */
#include "loading.h"

#include <string.h>

#include "yaml_tree.h"

static const char *const log_names[] = {"error", "warning", "info", "debug",
					NULL}; /* enum config_log */

static const char *const grade_names[] = {"receipt", "puback", NULL}; /* enum config_grade */

struct gateway_keys {
	const char *weiyu;
	const struct wy_node *gateway, *state, *socket, *site, *classes, *faults, *tiers, *profiles,
		*rules, *uplink, *outbox, *record;
	int log;
};

#define ROW(key, kind, member, needed, choices, help)                                              \
	{                                                                                          \
		key, kind, offsetof(struct gateway_keys, member), needed, 0, 0, choices, help      \
	}
static const struct wy_field gateway_rows[] = {
	ROW("weiyu", WY_FIELD_TEXT, weiyu, true, NULL, "gateway/1"),
	ROW("gateway", WY_FIELD_NODE, gateway, true, NULL, "name of this gateway"),
	ROW("state", WY_FIELD_NODE, state, true, NULL, "directory of the store"),
	ROW("socket", WY_FIELD_NODE, socket, false, NULL, "control socket"),
	ROW("site", WY_FIELD_NODE, site, true, NULL, "site file"),
	ROW("classes", WY_FIELD_NODE, classes, true, NULL, "list of class files"),
	ROW("faults", WY_FIELD_NODE, faults, true, NULL, "list of fault files"),
	ROW("tiers", WY_FIELD_NODE, tiers, true, NULL, "tiers file"),
	ROW("profiles", WY_FIELD_NODE, profiles, true, NULL,
	    "list of profile files or directories"),
	ROW("rules", WY_FIELD_NODE, rules, true, NULL, "list of rule files"),
	ROW("uplink", WY_FIELD_NODE, uplink, true, NULL, "broker"),
	ROW("outbox", WY_FIELD_NODE, outbox, false, NULL, "what waits for the platform"),
	ROW("record", WY_FIELD_NODE, record, false, NULL, "what is kept for a replay"),
	ROW("log", WY_FIELD_CHOICE, log, false, log_names, "how much is logged"),
};
#undef ROW

struct uplink_keys {
	const char *host, *server_name;
	int64_t port;
	const struct wy_node *ca, *certificate, *key;
	wy_ms keepalive_ms, retry_first_ms, retry_most_ms, receipt_wait_ms;
	int grade;
};

#define AT(member) offsetof(struct uplink_keys, member)
static const struct wy_field uplink_rows[] = {
	{"host", WY_FIELD_TEXT, AT(host), true, 0, 0, NULL, "broker"},
	{"port", WY_FIELD_INT, AT(port), false, 1, 65535, NULL, "its TLS port"},
	{"server_name", WY_FIELD_TEXT, AT(server_name), false, 0, 0, NULL,
	 "name in its certificate"},
	{"ca", WY_FIELD_NODE, AT(ca), true, 0, 0, NULL, "authorities trusted to name it"},
	{"certificate", WY_FIELD_NODE, AT(certificate), true, 0, 0, NULL, "who we are"},
	{"key", WY_FIELD_NODE, AT(key), true, 0, 0, NULL, "its private key"},
	{"keepalive", WY_FIELD_DURATION, AT(keepalive_ms), false, 5000, 600000, NULL,
	 "MQTT keep alive"},
	{"retry_first", WY_FIELD_DURATION, AT(retry_first_ms), false, 100, 60000, NULL,
	 "first bound"},
	{"retry_most", WY_FIELD_DURATION, AT(retry_most_ms), false, 1000, 3600000, NULL,
	 "last bound"},
	{"receipt_wait", WY_FIELD_DURATION, AT(receipt_wait_ms), false, 1000, 3600000, NULL,
	 "then again"},
	{"grade", WY_FIELD_CHOICE, AT(grade), false, 0, 0, grade_names, "what counts as delivered"},
};
#undef AT

static const char *path_of(struct loading *l, const struct wy_node *node)
{
	return loading_text(l, node) ? loading_path(l, node, node->text) : NULL;
}

/* What the uplink would refuse at its start (uplink_check), said here with its place. */
static void check_names(struct loading *l, const struct wy_node *uplink,
			const struct uplink_keys *keys)
{
	size_t good = strspn(keys->host, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
					 "0123456789.-_");
	const struct wy_node *host = wy_node_get(uplink, "host");

	if (host && host->kind == WY_NODE_SCALAR && (keys->host[good] || !good))
		wy_diag_add(l->diags, WY_DIAG_ERROR, "E105", host, good,
			    "'host' is a name or an IPv4 address, without scheme or port (those are "
			    "fixed and 'port'); for IPv6 use a name");
	if (keys->server_name && strcmp(keys->server_name, keys->host) != 0)
		wy_diag_add(l->diags, WY_DIAG_ERROR, "E105", wy_node_get(uplink, "server_name"), 0,
			    "'server_name' must be the same as 'host', because the certificate is "
			    "checked for the name that is dialled: write '%s' as 'host' and, where "
			    "DNS does not know it, into /etc/hosts",
			    keys->server_name);
}

/* The certificate and key need not exist yet (enrolment makes them), so paths are not tried here.
 */
static void read_uplink(struct loading *l, const struct wy_node *node)
{
	struct uplink_keys keys = {.host = "",
				   .port = 8883,
				   .keepalive_ms = 20000,
				   .retry_first_ms = 30000,
				   .retry_most_ms = 300000,
				   .receipt_wait_ms = 60000};
	struct config_uplink *uplink = &l->config->uplink;

	LOADING_FIELDS(l, node, uplink_rows, &keys);
	uplink->host = keys.host;
	uplink->port = (uint16_t)keys.port;
	uplink->server_name = keys.server_name ? keys.server_name : keys.host;
	check_names(l, node, &keys);
	uplink->ca = path_of(l, keys.ca);
	uplink->certificate = path_of(l, keys.certificate);
	uplink->key = path_of(l, keys.key);
	uplink->keepalive_ms = keys.keepalive_ms;
	uplink->retry_first_ms = keys.retry_first_ms;
	uplink->retry_most_ms = keys.retry_most_ms;
	uplink->receipt_wait_ms = keys.receipt_wait_ms;
	uplink->grade = (enum config_grade)keys.grade;
	if (uplink->grade == CONFIG_GRADE_PUBACK)
		wy_diag_add(l->diags, WY_DIAG_WARNING, "W616", wy_node_get(node, "grade"), 0,
			    "with 'grade: puback' an event counts as delivered when the broker has taken it; "
			    "what the broker then loses is lost");
	if (keys.retry_first_ms > keys.retry_most_ms)
		wy_diag_add(l->diags, WY_DIAG_ERROR, "E106", wy_node_get(node, "retry_first"), 0,
			    "'retry_first' is longer than 'retry_most'");
}

static void read_outbox(struct loading *l, const struct wy_node *node)
{
	struct {
		int64_t max_mib;
	} keys = {WY_OUTBOX_BYTES >> 20};
	static const struct wy_field rows[] = {
		{"max_mib", WY_FIELD_INT, 0, false, 1, 65536, NULL, "all events together, MiB"},
	};

	if (node)
		LOADING_FIELDS(l, node, rows, &keys);
	l->config->outbox_max_bytes = (uint64_t)keys.max_mib << 20;
}

static void read_name(struct loading *l, const struct wy_node *node)
{
	size_t len = node->len;

	l->config->gateway = node->text;
	if (len < 6 || len > 32 ||
	    strspn(node->text, "abcdefghijklmnopqrstuvwxyz0123456789-") != len)
		wy_diag_add(l->diags, WY_DIAG_ERROR, "E105", node, 0,
			    "a gateway's name is 6 to 32 of a-z 0-9 and -; found '%s'", node->text);
}

/* ---- Profiles ---------------------------------------------------------------------------------
 */

static bool has_profile(const struct loading *l, const char *id)
{
	for (size_t i = 0; i < l->config->n_profiles; i++)
		if (strcmp(l->config->profiles[i]->id, id) == 0)
			return true;
	return false;
}

static void read_profiles(struct loading *l, const struct wy_node *list)
{
	size_t n;
	const struct wy_node *const *files =
		loading_files(l, list, "profile/1", &n, &l->has_profiles);
	const struct sensor_profile **profiles =
		loading_array(l, n, sizeof(const struct sensor_profile *));

	l->config->profiles = profiles;
	for (size_t i = 0; profiles && i < n; i++) {
		struct sensor_profile *profile = NULL;
		enum wy_err err =
			sensor_profile_read(files[i], l->arena, l->diags, &profile);
		if (err == WY_E_NOMEM)
			loading_full(l);
		if (err)
			l->has_profiles = false;
		else if (has_profile(l, profile->id))
			loading_duplicate(l, wy_node_get(files[i], "id"), "profile", profile->id);
		else
			profiles[l->config->n_profiles++] = profile;
	}
	l->has_profiles = l->has_profiles && files && profiles && list->n;
}

/* ---- The whole --------------------------------------------------------------------------------
 */

static void read_catalogues(struct loading *l, const struct gateway_keys *keys)
{
	size_t n;
	bool has_all;
	const struct wy_node *tiers =
		loading_text(l, keys->tiers) ? loading_file(l, keys->tiers, "tiers/1") : NULL;

	if (tiers)
		load_tiers(l, tiers);
	const struct wy_node *const *files = loading_files(l, keys->faults, "faults/1", &n, &has_all);
	if (files)
		load_faults(l, files, n);
	l->has_faults = has_all;
	files = loading_files(l, keys->classes, "classes/1", &n, &has_all);
	if (files)
		load_classes(l, files, n);
	l->has_classes = has_all;
	if (keys->profiles)
		read_profiles(l, keys->profiles);
	l->config->rule_files =
		loading_files(l, keys->rules, "rules/1", &l->config->n_rule_files, &has_all);
}

static void read_gateway(struct loading *l, const struct wy_node *root)
{
	struct gateway_keys keys = {.log = CONFIG_LOG_INFO};

	LOADING_FIELDS(l, root, gateway_rows, &keys);
	l->config->log = (enum config_log)keys.log;
	if (keys.gateway)
		read_name(l, keys.gateway);
	l->config->state_dir = path_of(l, keys.state);
	l->config->socket = path_of(l, keys.socket);
	if (!keys.socket && keys.state && l->config->state_dir) {
		char name[512];
		struct wy_buf buf;
		wy_buf_init(&buf, name, sizeof(name));
		wy_buf_addf(&buf, "%s/weiyu.sock", keys.state->text);
		l->config->socket = loading_path(l, keys.state, name);
	}
	if (keys.uplink)
		read_uplink(l, keys.uplink);
	read_outbox(l, keys.outbox);
	load_record(l, keys.record, keys.state);
	read_catalogues(l, &keys);
	const struct wy_node *site =
		loading_text(l, keys.site) ? loading_file(l, keys.site, "site/1") : NULL;
	if (site)
		load_site(l, site);
}

enum wy_err config_load(const char *gateway_yaml, struct wy_arena *arena, struct wy_diags *diags,
			struct config **ret)
{
	struct loading l = {.arena = arena, .diags = diags};
	size_t n_errors = diags->errors;

	l.config = loading_array(&l, 1, sizeof(*l.config));
	if (!l.config)
		return WY_E_NOMEM;
	l.config->hash = UINT64_C(14695981039346656037);
	const struct wy_node *root = loading_root(&l, gateway_yaml);
	if (root && loading_is_kind(&l, root, "gateway/1"))
		read_gateway(&l, root);
	if (l.is_full)
		return WY_E_NOMEM;
	if (diags->errors != n_errors)
		return WY_E_INVALID;
	l.config->path = root->source->name;
	load_field_hash(&l);
	*ret = l.config;
	return WY_OK;
}
