/* model.h: classes, assets and what a site says of them: what the configuration hands to rules/.
 *
 * A device answers on a wire; an asset is what people talk about (lift 2, riser 3). Rules speak of
 * assets and of the canonical points of their class, never of devices or registers.
 * Plain data, built once per load in an arena, read-only afterwards. */
#ifndef WY_MODEL_H
#define WY_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "clocktypes.h"
#include "node.h"
#include "units.h"

enum wy_type { WY_TYPE_BOOL, WY_TYPE_INT, WY_TYPE_REAL, WY_TYPE_ENUM, WY_TYPE_COUNTER };

/* A canonical point of a class. */
struct wy_point {
	const char *name;
	enum wy_type type;
	const struct wy_unit *unit; /* NULL: a bare number; only REAL and INT have units */
	bool has_range;             /* a value outside lo..hi is BAD, why RANGE */
	double lo, hi;              /* in the unit of the point */
	wy_ms poll_ms;              /* how often a value is expected; > 0 */
	wy_ms stale_ms;             /* after this without a sample the value is STALE; > poll_ms */
	const char *const *values;  /* ENUM: n_values upper-case names */
	size_t n_values;
	uint64_t modulus;  /* COUNTER: wraps at; 0 = never */
	uint64_t max_step; /* COUNTER: a larger step is a reset; 0 = no limit */
	bool is_optional;  /* many assets of the class do without it: no source is no news */
	const struct wy_node *node;
};

/* Every asset of a class may name one asset that stands so to it: the bank of a lift. */
struct wy_relation {
	const char *name;
	uint32_t class_index; /* of the asset that is named */
};

struct wy_class {
	const char *id;
	const char *name_zh, *name_en;
	const struct wy_point *points;
	size_t n_points;
	const struct wy_relation *relations;
	size_t n_relations;
	const struct wy_node *out_of_service_when; /* a condition over the points, or NULL */
	const struct wy_node *node;
};

struct wy_label {
	const char *key, *value;
};

#define WY_NO_ASSET UINT32_MAX

struct wy_asset {
	const char *id;
	uint32_t class_index;
	const char *name_zh, *name_en;
	const struct wy_label *labels; /* building, unit, floor, space, bank, ...: for selectors */
	size_t n_labels;
	const uint32_t *devices; /* indices of the devices that feed it: silence() */
	size_t n_devices;
	const uint32_t *relations; /* an asset for each relation of its class, or WY_NO_ASSET; NULL: it names none */
	const struct wy_node *node;
};

/* A parameter of a rule package set by the site, for the whole building or for one asset. */
struct wy_override {
	const char *package, *name;
	const char *asset; /* NULL: every asset; an asset's own override wins */
	const struct wy_node *value; /* "5s", "12 mm", "true": typed by the parameter */
};

/* The time zone of the building as plain data: from `from_s` (Unix seconds) on, local = UTC + offset. */
struct wy_zone_change {
	int64_t from_s;
	int32_t offset_s;
};

struct wy_zone {
	const char *name;                     /* "Asia/Shanghai" */
	const struct wy_zone_change *changes; /* ascending; the first one starts at INT64_MIN */
	size_t n_changes;
};

/* A day of the building's calendar, days since 1970-01-01. */
typedef int32_t wy_day;

/* Times of the week on the wall clock of the building. */
struct wy_hours {
	int32_t from_s, to_s; /* of the local day; to_s <= from_s: ends on the next day */
	uint8_t days;         /* bit 0 Monday .. bit 6 Sunday: the day it begins on */
	bool is_except_holidays;
};

/* A planned window on some assets. */
struct wy_window {
	const char *id;
	const char *reason;
	int64_t from_s, to_s;   /* seconds since 1970 as the clocks of the building show them */
	bool is_out_of_service; /* its assets count as out of service; else rules only open no tickets */
	const uint32_t *assets;
	size_t n_assets;
	const struct wy_node *node;
};

/* Whom to tell of a ticket that does not move. */
enum wy_unless { WY_UNLESS_ACKED, WY_UNLESS_ASSIGNED, WY_UNLESS_ON_SITE, WY_UNLESS_RESOLVED };

struct wy_step {
	wy_ms after_ms;  /* from raised */
	uint8_t unless;  /* enum wy_unless: then it is left out */
	uint8_t tier;    /* 1..4: the ticket gets at least this; 0: it keeps its own */
	bool is_working; /* only working hours count */
	const char *to;
};

struct wy_ladder {
	const struct wy_step *steps;
	size_t n;
};

/* What a return of the same trouble adds. */
struct wy_repeat {
	wy_ms within_ms; /* of its last end; 0: adds nothing */
	uint8_t tiers_up;
	uint8_t at_most; /* no further than this tier */
};

/* What stands in the tiers file for rules that say nothing of their own. */
struct wy_escalation {
	struct wy_ladder of_tier[4];
	struct wy_repeat repeat;
	const struct wy_hours *working; /* NULL: all hours are */
};

#endif
