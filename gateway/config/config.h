/* config.h: everything the files of a building say, read, checked and joined.
 *
 * config_load() reads the gateway file and all it names, reports every mistake of every file in one
 * run, and hands out one read-only struct config. Names have become indices and pointers by then,
 * so nothing downstream searches or doubts: what is in here fits together.
 *
 * Life     everything, trees and file texts included, lives in the caller's arena; releasing the
 *          arena releases all. A reload loads into a second arena.
 * Threads  read-only after the load: any thread may read.
 * Order    devices, wires, assets, classes, faults keep the order of their files; their index is
 *          their number everywhere (struct rule_world, sensor_report.device, rule_put()).
 * Secrets  pre-shared keys are in sensor_device_conf only, and never part of `hash` or of a
 * message.
 */
#ifndef CONFIG_H
#define CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "arena.h"
#include "diag.h"
#include "err.h"
#include "fields.h"
#include "model.h"
#include "reading.h"
#include "rule.h"
#include "sensor.h"

#define CONFIG_TIERS 4
#define CONFIG_SAFETY_MAX 4

/* ---- Tiers, departments, vendors ------------------------------------------------------------ */

struct config_tier {
	const char *name_zh, *name_en;
	wy_ms ack_ms, arrive_ms, start_ms,
		resolve_ms;	  /* from opened; WY_MS_NEVER: planned, no deadline */
	wy_ms resolve_complex_ms; /* for jobs the platform marks complex; WY_MS_NEVER: no such limit
				   */
	const char *basis;	  /* where the numbers come from; never NULL */
};

struct config_department {
	const char *id; /* engineering, order, cleaning, customer, fire_room, it ... */
	const char *zh, *en;
};

struct config_vendor {
	const char *id;
	const char *role; /* lift, fire, access, leak, iot, power ...: what faults ask for */
	const char *name, *phone, *contract_no; /* phone, contract_no may be NULL */
	wy_ms arrive_ms;			/* agreed; WY_MS_NEVER: none agreed */
	bool is_backup;
};

/* ---- Faults: the catalogue ------------------------------------------------------------------ */

struct config_text {
	const char *zh, *en;
};

struct config_support {
	const struct config_department *dept;
	struct config_text task;
	wy_ms within_ms; /* WY_MS_NEVER: no limit of its own */
};

struct config_step {
	struct config_text text;
	const struct config_department *role;
	wy_ms within_ms; /* from opened; WY_MS_NEVER: none */
};

/* Words that only pass through to the ticket stay text; each is one of the closed list of
 * docs/configuration.md. Pointers are never NULL unless it says so. */
struct config_fault {
	const char *code; /* "ELV-01" */
	const char *name_zh, *name_en;
	const char *component;
	const char *kind, *category, *subcategory;
	int severity; /* 1..5, technical */
	const char *safety[CONFIG_SAFETY_MAX];
	size_t n_safety;
	const struct config_department *primary;
	const struct config_support *support;
	size_t n_support;
	const char *vendor_role; /* NULL: no vendor */
	wy_ms vendor_arrive_ms;	 /* WY_MS_NEVER: the vendor's own, if any */
	const char *script;	 /* NULL: none */
	const char *sop_id;
	const struct config_step *steps;
	size_t n_steps;
	const char *notice_policy;	  /* "auto", "after_ack", "never" */
	struct config_text notice;	  /* with {fields}, see config_fill(); NULL texts: none */
	const struct config_text *causes; /* most likely first */
	size_t n_causes;
	const char *verified_by; /* "sensor", "manual", "none" */
	struct config_text close;
	const struct wy_node *node;
};

/* ---- Assets: what the site says beyond struct wy_asset -------------------------------------- */

struct config_place { /* NULL: not said */
	const char *area, *building, *unit, *floor, *room;
	const char *space;
	bool is_public;
};

struct config_asset { /* texts: NULL where not said */
	const char *make, *model;
	const char *installed; /* YYYY-MM-DD */
	const char *regulator_code;
	const char *scope; /* "public", "owner", "shared", "unknown"; never NULL */
	struct config_place place;
	const char *const *affected_units;
	size_t n_affected_units;
	int64_t affected_households;  /* -1: not said */
	const uint32_t *alternatives; /* assets people may use meanwhile */
	size_t n_alternatives;
};

/* ---- Bindings: from points of devices to points of assets ------------------------------------ */

struct config_binding {
	uint32_t device, device_point;
	uint32_t asset, class_point;
	uint8_t from, to;	 /* enum wy_type of the device's and of the asset's point */
	bool is_inverted;	 /* bool: not */
	double factor;		 /* numbers: value * factor is in the class point's unit */
	const int16_t *enum_map; /* enum: device value i is class value enum_map[i]; -1: not in the
				    class */
	size_t n_enum_map;
};

/* ---- The whole ------------------------------------------------------------------------------- */

/* When an event counts as delivered: on the platform's receipt, or as soon as the broker has taken it. */
enum config_grade { CONFIG_GRADE_RECEIPT, CONFIG_GRADE_PUBACK };

struct config_uplink {
	const char *host;
	uint16_t port;
	const char *server_name;	    /* the name the certificate must carry */
	const char *ca, *certificate, *key; /* paths, resolved */
	wy_ms keepalive_ms, retry_first_ms, retry_most_ms, receipt_wait_ms;
	enum config_grade grade;
};

/* What the rules were told, kept for `weiyu replay`. */
struct config_record {
	bool is_on;
	const char *directory;
	wy_ms keep_ms, block_ms;
	uint64_t max_bytes;
};

struct config_site {
	const char *id;
	const char *name_zh, *name_en;
	const char *profile; /* "premium", "commercial", "legacy" */
	struct wy_zone zone;
	const wy_day *holidays; /* ascending */
	size_t n_holidays;
	const struct wy_window *windows; /* planned maintenance */
	size_t n_windows;
};

enum config_log { CONFIG_LOG_ERROR, CONFIG_LOG_WARNING, CONFIG_LOG_INFO, CONFIG_LOG_DEBUG };

struct config {
	const char *gateway; /* id, [a-z0-9-]{6,32} */
	const char *path;    /* of the gateway file, as given */
	const char
		*state_dir; /* paths: absolute, or relative to the working directory of the load */
	const char *socket;
	enum config_log log;
	struct config_uplink uplink;
	struct config_record record;
	uint64_t outbox_max_bytes; /* of events that wait for the platform, or are kept for it */
	struct config_site site;

	const struct sensor_profile *const *profiles;
	size_t n_profiles;
	const struct sensor_wire_conf *wires;
	size_t n_wires;
	const struct sensor_device_conf *devices;
	size_t n_devices;

	const struct wy_class *classes;
	size_t n_classes;
	const struct wy_asset *assets;	    /* for rules/ */
	const struct config_asset *details; /* [n_assets], beside assets */
	size_t n_assets;

	/* Sorted by device, device point. The bindings of point p of device d are
	 * bindings[i] for i in first[device_first[d] + p] .. first[device_first[d] + p + 1] - 1:
	 * use config_bindings(). */
	const struct config_binding *bindings;
	size_t n_bindings;
	const uint32_t *first;
	const uint32_t *device_first; /* [n_devices] */

	struct config_tier tiers[CONFIG_TIERS]; /* [tier - 1] */
	struct wy_escalation escalation;
	const struct config_department *departments;
	size_t n_departments;
	const struct config_vendor *vendors;
	size_t n_vendors;
	const struct config_fault *faults;
	const char *const *fault_codes; /* [n_faults], beside faults */
	size_t n_faults;

	const struct wy_override *overrides;
	size_t n_overrides;
	const struct wy_node *const *rule_files;
	size_t n_rule_files;

	uint64_t field_hash; /* of wires, devices and profiles: while it is the same the field need not be opened anew */
	uint64_t hash; /* over the contents of all YAML files, in the order they were read */
};

/* Load gateway_yaml and every file it names. All mistakes of all files are in diags;
 * WY_E_INVALID: at least one error, *ret untouched. WY_E_NOMEM: the arena is too small (said in
 * diags where there is room). A file that cannot be read is one error at the place that names it.
 * The rules are only read here: compile them with config_compile(). */
WY_MUST_CHECK enum wy_err config_load(const char *gateway_yaml, struct wy_arena *arena,
				      struct wy_diags *diags, struct config **ret);

/* What the rules are compiled against. Borrows from config. */
struct rule_world config_world(const struct config *config);
/* rule_compile() on the rule files of config. */
WY_MUST_CHECK enum wy_err config_compile(const struct config *config, struct wy_arena *arena,
					 struct wy_diags *diags, struct rule_set **ret);

/* ---- A bench ----------------------------------------------------------------------------------- */

/* The parts of a world without a gateway: what a test file says, or NULL where it says nothing. Paths are
 * relative to the file a node stands in. An asset needs only id and class; its `device` is a name or a list of
 * names, by default one of its own. */
struct config_parts {
	const struct wy_node *classes, *faults, *rules; /* lists of files or directories */
	const struct wy_node *tiers;			/* a file */
	const struct wy_node *zone;			/* "Asia/Shanghai"; NULL: UTC */
	const struct wy_node *holidays, *assets, *params, *maintenance;
};
/* Everything a set of rules is compiled against, and nothing else: no wires, bindings, uplink. */
WY_MUST_CHECK enum wy_err config_load_parts(const struct config_parts *parts, struct wy_arena *arena,
					    struct wy_diags *diags, struct config **ret);
/* A copy of config in which these parameters win over its own, and with these plans instead of its own; NULL: its
 * own. Borrows from config. */
WY_MUST_CHECK enum wy_err config_vary(const struct config *config, const struct wy_node *params,
				      const struct wy_node *maintenance, struct wy_arena *arena,
				      struct wy_diags *diags, struct config **ret);

/* ---- Ask ------------------------------------------------------------------------------------- */

/* Where a device's point goes: *ret_n bindings (none: the point feeds no asset). O(1). */
const struct config_binding *config_bindings(const struct config *config, uint32_t device,
					     uint32_t point, size_t *ret_n);
/* A device's sample as the bound asset point sees it: point index, type, unit, sense. Quality is
 * carried on; an enum value the class does not have becomes BAD, why RANGE. Pure. */
struct wy_sample config_convert(const struct config_binding *binding,
				const struct wy_sample *sample);

/* The keys all wires, and all devices, share; which of them a kind takes is in sensors/drivers.def. */
const struct wy_field *config_wire_keys(size_t *ret_n);
const struct wy_field *config_device_keys(size_t *ret_n);

/* What is known of a device from an earlier life of the process; before anybody else reads config. Borrowed. */
void config_set_learned(struct config *config, uint32_t device, const char *learned);

/* Index by id, or SIZE_MAX. For start-up, commands and tests: they search. */
size_t config_find_device(const struct config *config, const char *id);
size_t config_find_asset(const struct config *config, const char *id);
size_t config_find_fault(const struct config *config, const char *code);
/* The site's firm for a role; NULL: it names none. */
const struct config_vendor *config_find_vendor(const struct config *config, const char *role,
					       bool is_backup);

/* Fill a resident text's fields from what is known: {building} {asset} {unit} {floor}
 * {alternatives} from the asset, {dept} from the fault, {eta} as given (NULL: left out). `lang` is
 * "zh" or "en". Text without a value for a field reads as if the field were absent. */
void config_fill(const struct config *config, uint32_t asset, const struct config_fault *fault,
		 const char *text, const char *lang, const char *eta, struct wy_buf *buf);

/* ---- Check single files -----------------------------------------------------------------------
 */

/* A kind of file that is read elsewhere: all mistakes to diags. */
struct config_kind {
	const char *kind; /* "test/1" */
	enum wy_err (*check)(const char *path, struct wy_arena *arena, struct wy_diags *diags);
};

struct config_check {
	const char
		*gateway; /* take classes, faults and profiles of this gateway file; NULL: none */
	const char *const *classes; /* class files to check rules against */
	size_t n_classes;
	const char *const *faults;
	size_t n_faults;
	const struct config_kind *more; /* kinds beside those of the configuration */
	size_t n_more;
};

/* What the first key says the file is decides how it is checked; a gateway file is checked with all
 * it names and its rules compiled. Rules are checked against `how`; where that names no classes,
 * against classes.yaml and faults.yaml (or directories classes and faults) beside the rule file,
 * and rules of other packages are looked for in the files called after them. how may be NULL. */
WY_MUST_CHECK enum wy_err config_check_file(const char *path, const struct config_check *how,
					    struct wy_arena *arena, struct wy_diags *diags);

#endif
