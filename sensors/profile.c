/* profile.c: a profile file (`weiyu: profile/1`) into struct sensor_profile.
 *
 * One row per key; the points are read in profile_point.c, what keys mean together is judged in profile_lint.c and
 * profile_lint_whole.c. Codes: E103-E107 of fields.h, E109 not this kind of file, E801-E804 and E808 of the lint, E805
 * units, E806 an attempt to write, E807 values and ceilings. */
#include <stddef.h>
#include <string.h>

#include "decode.h"
#include "fields.h"
#include "profile_keys.h"

#define COUNT(rows) (sizeof(rows) / sizeof(*(rows)))

const struct sensor_profile_point *sensor_profile_find(const struct sensor_profile *profile,
						       const char *name)
{
	for (size_t i = 0; i < profile->n_points; i++)
		if (strcmp(profile->points[i].name, name) == 0)
			return &profile->points[i];
	return NULL;
}

enum wy_err profile_mistake(const struct profile_draft *draft, const struct wy_node *where, const char *code,
			    const char *text)
{
	wy_diag_add(draft->diags, WY_DIAG_ERROR, code, where, 0, "%s", text);
	return WY_E_INVALID;
}

enum wy_err profile_require(const struct profile_draft *draft, const struct wy_node *map, const char *key)
{
	if (wy_node_get(map, key))
		return WY_OK;
	wy_diag_add(draft->diags, WY_DIAG_ERROR, "E107", map, 0, "key '%s' is missing here", key);
	return WY_E_INVALID;
}

/* ---- The file ----------------------------------------------------- */

static const char *const framing_names[] = {"standard", "nice_len16", NULL};
/* enum sensor_accept */
static const char *const accept_names[] = {"fitting", "text", "senml+json", "senml+cbor", "lwm2m+tlv", "lwm2m+json",
					   NULL};

struct file_keys {
	const char *weiyu, *id, *vendor, *model, *title_zh, *title_en, *source, *identity;
	int transport, framing, accept;
	int64_t address_base;
	bool is_life_safety;
	const struct wy_node *limits, *classes, *points, *serial, *liveness;
};

#define AT(member) offsetof(struct file_keys, member)
static const struct wy_field file_rows[] = {
	{"weiyu", WY_FIELD_TEXT, AT(weiyu), true, 0, 0, NULL, "profile/1"},
	{"id", WY_FIELD_ID, AT(id), true, 0, 0, NULL, "name of the profile"},
	{"transport", WY_FIELD_CHOICE, AT(transport), true, 0, 0, sensor_transport_names,
	 "the driver that reads it"},
	{"vendor", WY_FIELD_TEXT, AT(vendor), true, 0, 0, NULL, "who makes the device"},
	{"model", WY_FIELD_TEXT, AT(model), true, 0, 0, NULL, "which device"},
	{"title_zh", WY_FIELD_TEXT, AT(title_zh), true, 0, 0, NULL, "Chinese name"},
	{"title_en", WY_FIELD_TEXT, AT(title_en), true, 0, 0, NULL, "English name"},
	{"source", WY_FIELD_TEXT, AT(source), true, 0, 0, NULL, "the document the map is from"},
	{"address_base", WY_FIELD_INT, AT(address_base), false, 0, 400001, NULL,
	 "0, 1, 30001, ..."},
	{"framing", WY_FIELD_CHOICE, AT(framing), false, 0, 0, framing_names, "how a frame is put"},
	{"accept", WY_FIELD_CHOICE, AT(accept), false, 0, 0, accept_names, "CoAP: asked to answer in"},
	{"serial", WY_FIELD_NODE, AT(serial), false, 0, 0, NULL, "{bauds: [9600], format: 8N1}"},
	{"life_safety", WY_FIELD_BOOL, AT(is_life_safety), false, 0, 0, NULL, "true: asked before others"},
	{"identity", WY_FIELD_ID, AT(identity), false, 0, 0, NULL, "point that tells devices apart"},
	{"liveness", WY_FIELD_NODE, AT(liveness), false, 0, 0, NULL, "{point: NAME, within: 10s}"},
	{"limits", WY_FIELD_NODE, AT(limits), false, 0, 0, NULL, "of one request"},
	{"classes", WY_FIELD_NODE, AT(classes), false, 0, 0, NULL, "poll periods of F, M, S, D"},
	{"points", WY_FIELD_NODE, AT(points), true, 0, 0, NULL, "name: {...}"},
};
#undef AT

struct limit_keys {
	int64_t max_registers, max_bits, max_gap;
	wy_ms min_interval_ms, timeout_ms, pause_ms, grace_ms;
	bool is_closed_after_poll, has_one_client;
};

#define AT(member) offsetof(struct limit_keys, member)
static const struct wy_field limit_rows[] = {
	{"max_registers", WY_FIELD_INT, AT(max_registers), false, 1, 125, NULL,
	 "registers of a read"},
	{"max_bits", WY_FIELD_INT, AT(max_bits), false, 1, 2000, NULL, "bits of one read"},
	{"max_gap", WY_FIELD_INT, AT(max_gap), false, 0, 124, NULL,
	 "unused ones worth reading over"},
	{"min_interval", WY_FIELD_DURATION, AT(min_interval_ms), false, 0, 10000, NULL,
	 "between two requests to the device"},
	{"timeout", WY_FIELD_DURATION, AT(timeout_ms), false, 10, 30000, NULL, "for an answer"},
	{"pause", WY_FIELD_DURATION, AT(pause_ms), false, 0, 10000, NULL, "quiet on the wire after its answer"},
	{"grace", WY_FIELD_DURATION, AT(grace_ms), false, 0, 600000, NULL, "not believed after it came back"},
	{"close_after_poll", WY_FIELD_BOOL, AT(is_closed_after_poll), false, 0, 0, NULL,
	 "true: the connection is given back"},
	{"one_client", WY_FIELD_BOOL, AT(has_one_client), false, 0, 0, NULL, "true: it takes one connection only"},
};
#undef AT

#define PERIOD(key, i)                                                                             \
	{                                                                                          \
		key, WY_FIELD_DURATION, (i) * sizeof(wy_ms), false, 100, 604800000, NULL, "period" \
	}
static const struct wy_field class_rows[] = {PERIOD("F", SENSOR_FAST), PERIOD("M", SENSOR_MEDIUM),
					     PERIOD("S", SENSOR_SLOW), PERIOD("D", SENSOR_DAILY)};

static enum wy_err read_limits(const struct profile_draft *draft, const struct wy_node *node)
{
	struct sensor_profile *profile = draft->profile;
	struct limit_keys keys = {
		.max_registers = 125, .max_bits = 2000, .min_interval_ms = 20, .timeout_ms = 1000};
	enum wy_err err = WY_OK;

	if (node)
		err = wy_fields_read(node, limit_rows, COUNT(limit_rows), &keys, draft->diags);
	profile->max_registers = (uint16_t)keys.max_registers;
	profile->max_bits = (uint16_t)keys.max_bits;
	profile->max_gap = (uint16_t)keys.max_gap;
	profile->min_interval_ms = keys.min_interval_ms;
	profile->timeout_ms = keys.timeout_ms;
	profile->pause_ms = keys.pause_ms;
	profile->grace_ms = keys.grace_ms;
	profile->is_closed_after_poll = keys.is_closed_after_poll;
	profile->has_one_client = keys.has_one_client;
	return err;
}

/* ---- A serial line ------------------------------------------------ */

static const char *const format_names[] = {"8N1", "8E1", "8O1", "8N2", "7E1", NULL};

struct serial_keys {
	const struct wy_node *bauds;
	int format;
};

static const struct wy_field serial_rows[] = {
	{"bauds", WY_FIELD_NODE, offsetof(struct serial_keys, bauds), false, 0, 0, NULL,
	 "[9600, 38400]: what it can be set to"},
	{"format", WY_FIELD_CHOICE, offsetof(struct serial_keys, format), false, 0, 0, format_names,
	 "the only one it can"},
};

static enum wy_err read_bauds(const struct profile_draft *draft, const struct wy_node *node)
{
	if (node->kind != WY_NODE_SEQ || !node->n)
		return profile_mistake(draft, node, "E105", "expected a list of speeds such as [9600, 38400]");
	int *bauds = wy_arena_array(draft->arena, node->n, sizeof(*bauds));
	if (!bauds)
		return WY_E_NOMEM;
	draft->profile->bauds = bauds;
	for (const struct wy_node *m = node->child; m; m = m->next) {
		int64_t baud;
		if (wy_field_int(m, &baud, draft->diags))
			return WY_E_INVALID;
		if (baud < 1200 || baud > 921600)
			return profile_mistake(draft, m, "E106", "a speed is 1200 to 921600 bits per second");
		bauds[draft->profile->n_bauds++] = (int)baud;
	}
	return WY_OK;
}

static enum wy_err read_serial(const struct profile_draft *draft, const struct wy_node *node)
{
	struct serial_keys keys = {.format = -1};

	if (!node)
		return WY_OK;
	if (wy_fields_read(node, serial_rows, COUNT(serial_rows), &keys, draft->diags))
		return WY_E_INVALID;
	draft->profile->format = keys.format >= 0 ? format_names[keys.format] : NULL;
	return keys.bauds ? read_bauds(draft, keys.bauds) : WY_OK;
}

/* ---- A sign of life ----------------------------------------------- */

struct liveness_keys {
	const char *point;
	wy_ms within_ms;
};

static const struct wy_field liveness_rows[] = {
	{"point", WY_FIELD_ID, offsetof(struct liveness_keys, point), true, 0, 0, NULL,
	 "the one that moves while the device lives"},
	{"within", WY_FIELD_DURATION, offsetof(struct liveness_keys, within_ms), true, 1000, 86400000, NULL,
	 "not moved for so long: the device repeats itself"},
};

static enum wy_err read_liveness(const struct profile_draft *draft, const struct wy_node *node)
{
	struct liveness_keys keys = {0};

	if (!node)
		return WY_OK;
	if (wy_fields_read(node, liveness_rows, COUNT(liveness_rows), &keys, draft->diags))
		return WY_E_INVALID;
	draft->profile->liveness = keys.point;
	draft->profile->liveness_ms = keys.within_ms;
	return WY_OK;
}

/* ---- The file as a whole ------------------------------------------ */

static enum wy_err read_classes(const struct profile_draft *draft, const struct wy_node *node)
{
	wy_ms periods[4] = {1000, 10000, 60000, 3600000};
	enum wy_err err = WY_OK;

	if (node)
		err = wy_fields_read(node, class_rows, COUNT(class_rows), periods, draft->diags);
	memcpy(draft->profile->class_ms, periods, sizeof(periods));
	return err;
}

static enum wy_err read_points(struct profile_draft *draft, const struct wy_node *node)
{
	enum wy_err all = WY_OK;
	size_t n = 0;

	if (node->kind != WY_NODE_MAP || !node->n)
		return profile_mistake(draft, node, "E105", "expected a map of points, at least one");
	if (node->n > WY_POINTS_PER_DEVICE) {
		wy_diag_add(draft->diags, WY_DIAG_ERROR, "E807", node, 0,
			    "%zu points; a profile may have %u", node->n, WY_POINTS_PER_DEVICE);
		return WY_E_LIMIT;
	}
	draft->points = wy_arena_array(draft->arena, node->n, sizeof(*draft->points));
	if (!draft->points)
		return WY_E_NOMEM;
	draft->profile->points = draft->points;
	for (const struct wy_node *m = node->child; m; m = m->next, n++) {
		enum wy_err err = profile_read_point(draft, m, &draft->points[n]);
		if (err == WY_E_NOMEM)
			return err;
		if (err)
			all = err;
	}
	draft->profile->n_points = n;
	return all;
}

static enum wy_err refuse_modbus_keys(const struct profile_draft *draft, const struct wy_node *root)
{
	static const struct {
		const char *map, *key; /* map NULL: in the file itself */
	} rows[] = {
		{NULL, "address_base"}, {NULL, "framing"},  {NULL, "serial"},
		{"limits", "pause"},	{"limits", "close_after_poll"}, {"limits", "one_client"},
	};
	enum wy_err err = WY_OK;

	for (size_t i = 0; i < COUNT(rows); i++) {
		const struct wy_node *map = rows[i].map ? wy_node_get(root, rows[i].map) : root;
		const struct wy_node *node = wy_node_get(map, rows[i].key);
		if (!node)
			continue;
		wy_diag_add(draft->diags, WY_DIAG_ERROR, "E803", node->key, 0, "'%s' goes with Modbus profiles",
			    rows[i].key);
		err = WY_E_INVALID;
	}
	return err;
}

static enum wy_err check_base(const struct profile_draft *draft, const struct wy_node *root)
{
	static const int64_t bases[] = {0, 1, 10001, 30001, 40001, 100001, 300001, 400001};
	const struct wy_node *node = wy_node_get(root, "address_base");

	if (draft->profile->transport != SENSOR_MODBUS)
		return refuse_modbus_keys(draft, root);
	if (wy_node_get(root, "accept"))
		return profile_mistake(draft, wy_node_get(root, "accept")->key, "E803", "'accept' goes with CoAP profiles");
	if (profile_require(draft, root, "address_base"))
		return WY_E_INVALID;
	for (size_t i = 0; i < COUNT(bases); i++)
		if (bases[i] == draft->address_base)
			return WY_OK;
	return profile_mistake(draft, node, "E801",
		       "expected 0, 1, 10001, 30001, 40001, 100001, 300001 or 400001");
}

static void copy_file(const struct file_keys *keys, const struct wy_node *root,
		      struct sensor_profile *profile)
{
	profile->id = keys->id;
	profile->transport = (enum sensor_transport)keys->transport;
	profile->vendor = keys->vendor;
	profile->model = keys->model;
	profile->source = keys->source;
	profile->title_zh = keys->title_zh;
	profile->title_en = keys->title_en;
	profile->framing = (enum sensor_framing)keys->framing;
	profile->accept = (enum sensor_accept)keys->accept;
	profile->is_life_safety = keys->is_life_safety;
	profile->identity = keys->identity;
	profile->node = root;
}

enum wy_err sensor_profile_read(const struct wy_node *root, struct wy_arena *arena,
				struct wy_diags *diags, struct sensor_profile **ret_profile)
{
	struct profile_draft draft = {.diags = diags, .arena = arena};
	struct file_keys keys = {0};

	if (root->kind == WY_NODE_MAP && !wy_node_is(wy_node_get(root, "weiyu"), "profile/1"))
		return profile_mistake(&draft, root, "E109",
			       "not a profile: the first key must be 'weiyu: profile/1'");
	if (wy_fields_read(root, file_rows, COUNT(file_rows), &keys, diags))
		return WY_E_INVALID;
	draft.profile = wy_arena_alloc(arena, sizeof(*draft.profile));
	if (!draft.profile)
		return WY_E_NOMEM;
	draft.address_base = keys.address_base;
	copy_file(&keys, root, draft.profile);
	enum wy_err base = check_base(&draft, root);
	enum wy_err limits = read_limits(&draft, keys.limits);
	enum wy_err classes = read_classes(&draft, keys.classes);
	enum wy_err serial = read_serial(&draft, keys.serial);
	enum wy_err liveness = read_liveness(&draft, keys.liveness);
	if (base || serial == WY_E_NOMEM)
		return base ? base : serial;
	enum wy_err points = read_points(&draft, keys.points);
	if (points == WY_E_NOMEM)
		return points;
	if (points || limits || classes || serial || liveness || profile_lint_whole(&draft))
		return WY_E_INVALID;
	*ret_profile = draft.profile;
	return WY_OK;
}
