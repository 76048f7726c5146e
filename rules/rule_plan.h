/* rule_plan.h: what compiling leaves: the inside of struct rule_set. Read-only afterwards. */
#ifndef RX_PLAN_H
#define RX_PLAN_H

#include "calendar.h"
#include "functions.h"

#define RX_KEY_SIZE 320u /* of a cell */
#define RX_NO_USE UINT32_MAX
#define RX_NO_RULE UINT32_MAX
#define RX_NO_INSTANCE UINT32_MAX

struct rx_const {
	bool truth;
	int64_t whole;
	double real;
};

struct rx_param {
	const char *name;
	enum rx_type type; /* BOOL, INT, REAL */
	const struct wy_unit *unit;
	struct rx_const value; /* default */
	bool has_min, has_max;
	double min, max;
	const struct wy_node *node;
};

/* An expression with a name, put in where the name stands. */
struct rx_signal {
	const char *name;
	const char *text;
	const struct wy_node *node; /* of the expression */
	const struct wy_unit *unit; /* NULL: as it comes */
	const uint32_t *classes;
	size_t n_classes;
	bool is_open;  /* being put in: it must not contain itself */
	bool is_wrong; /* said */
	bool is_used;
};

struct rx_package {
	const char *name;
	const char *file;
	int64_t version;
	const struct wy_node *node;
	struct rx_param *params;
	size_t n_params;
	struct rx_calendar *calendars;
	size_t n_calendars;
	struct rx_signal *signals;
	size_t n_signals;
};

/* A parameter some expression of a class reads; its values stand in set->values per asset. */
struct rx_use {
	const struct rx_package *package;
	const struct rx_param *param;
};

struct rx_inputs { /* see reads.h */
	uint64_t points, memories;
};

/* One stateful call of a class, shared by all rules that write the same. Index order: inner first. */
struct rx_memory {
	const struct rx_expr *call;
	uint64_t hash;
	size_t offset; /* within the state block of an asset */
	size_t bytes;
	bool is_raw; /* sees points of assets out of service as they are */
	bool is_keyed; /* one of several, for each slot of `rule`; they stand together */
	uint32_t rule, slot;
	struct rx_inputs inputs;
};

/* What one expression comes to on all assets of a class: how often it is true, or its values in order. Kept up as
 * the assets change, so that nobody who asks has to go through them. */
struct rx_tally {
	uint32_t cls; /* of its members */
	const struct rx_expr *of;
	const struct rx_package *package; /* of the parameters in it */
	bool is_raw;    /* members out of service count as they are */
	bool is_values; /* else truths */
	bool has_alarm;
	bool is_parted; /* by the relation or label below */
	uint32_t relation;  /* RX_NO_USE: the label */
	const char *label;
	size_t first_part;  /* of its members in the engine, by their places in the class */
	size_t first_group, n_groups;
	const uint32_t *group_of; /* NULL: all are of one; of a member: RX_NO_USE, or which */
};

struct rx_group_of_others {
	uint32_t n; /* members */
	size_t first_value; /* of theirs in the engine, in order */
	const uint32_t *instances; /* that ask it */
	size_t n_instances;
	const uint32_t *assets; /* whose memories do */
	size_t n_assets;
};

/* What expressions read of other assets. */
struct rx_reads {
	const uint32_t *tallies;
	size_t n_tallies;
	uint32_t relations; /* a bit each */
};

#define RX_WHY_OOS (WY_Q_STALE + 1) /* behind the qualities of a point: "motor_temp oos" */

struct rx_far { /* a point over a relation: "bank.load" */
	uint32_t relation, index;
	const char *name;
	const char *why[RX_WHY_OOS + 1];
};

struct rx_class {
	const struct wy_class *model;
	struct rx_far *fars;
	size_t n_fars;
	uint32_t n_assets;
	const uint32_t *tallies; /* its assets are members of */
	size_t n_tallies;
	bool has_alarm_tally;
	struct rx_reads reads; /* of its memories */
	struct rx_memory *memories;
	size_t n_memories, max_memories;
	size_t state_bytes;
	bool has_keyed;   /* some rule has `by` */
	bool is_eager;    /* a memory needs each look, a sample with nothing new included */
	bool reads_heard; /* something asks for silence() */
	uint64_t aged;    /* points whose age() something asks for */
	bool has_service; /* memories[0] knows whether an asset is out of service */
	struct rx_use *uses;
	size_t n_uses;
	wy_ms shortest_poll_ms;
	const char *(*why)[RX_WHY_OOS + 1]; /* per point and quality: "motor_temp stale" */
	uint64_t layout;       /* hash of names and types of the points */
};

struct rx_span {
	wy_ms ms;
	uint32_t use; /* RX_NO_USE: ms stands */
};

struct rx_level {
	uint8_t tier;
	struct rx_cond when, clear;
	struct rx_cond share; /* hold: {at_least, within}: stands in for `when` before the raise */
	struct rx_span hold, clear_hold;
};

struct rx_stage { /* of a pattern; an event is a pattern of one */
	struct rx_cond event;
	bool is_absent;
	struct rx_span limit; /* see: within, 0: any time; absent: for */
};

enum rx_piece_kind {
	RX_PIECE_TEXT, RX_PIECE_EXPR, RX_PIECE_ASSET_ID, RX_PIECE_ASSET_NAME, RX_PIECE_ASSET_CLASS, RX_PIECE_LABEL,
	RX_PIECE_VALUE, RX_PIECE_LIMIT, /* sides of the comparison that decides */
	RX_PIECE_SHARES, /* of expr, a joint() */
	RX_PIECE_COUNT, /* members of a group */
};

struct rx_piece { /* of the words of a rule */
	enum rx_piece_kind kind;
	const char *text; /* TEXT; LABEL: its key */
	size_t len;
	const struct rx_expr *expr;
	int decimals; /* -1: as many as needed */
};

struct rx_template {
	const char *lang;
	const struct rx_piece *pieces;
	size_t n;
};

#define RX_TEMPLATES 2u
enum rx_text { RX_SUMMARY, RX_DETAIL, RX_ACTION, RX_TEXTS };

/* A rule for one class: its expressions with addresses of that class. */
struct rx_variant {
	uint32_t rule;
	uint32_t cls;
	struct rx_level levels[WY_RULE_LEVELS_MAX];
	struct rx_stage *steps; /* kinds EVENT and PATTERN; then levels[0].when may be empty */
	size_t n_steps;
	bool is_raw; /* in_service_only: false */
	const struct rx_expr *by; /* a point; NULL: not keyed */
	const struct rx_expr **events; /* keyed: that give a key a place */
	size_t n_events;
	wy_ms keep_ms; /* keyed: how far back its windows look */
	struct rx_cond until;
	bool is_latest; /* restart: latest */
	struct rx_cond active;
	struct rx_span tolerate, unverified_after, settle, reraise;
	struct rx_template texts[RX_TEXTS][RX_TEMPLATES];
	const struct rule_trend *trends;
	size_t n_trends;
	const uint32_t *points; /* read by levels and active; ascending */
	size_t n_points;
	const uint32_t *memories; /* used by levels and active */
	size_t n_memories;
	struct rx_reads reads; /* of levels and active, outside their memories */
	struct rx_inputs inputs;
};

enum rx_on_unknown { RX_FREEZE, RX_RAISE, RX_CLEAR, RX_RESET };

#define RX_SAME_MAX 4u

struct rx_parent {
	uint32_t rule;
	const char *same[RX_SAME_MAX]; /* labels that must agree; none: the same asset */
	size_t n_same;
	const struct wy_node *node;
};

struct rx_chatter {
	uint8_t max; /* raises; 0: it never counts as chatter */
	wy_ms per_ms, quiet_ms;
};

struct rx_recur {
	uint8_t count; /* 0: no such key */
	uint8_t tier;
	wy_ms within_ms;
	uint32_t problem; /* the rule that opens then; RX_NO_RULE: the ticket's own tier rises */
};

struct rx_rule {
	struct rule_info info;
	const struct rx_package *package;
	const struct wy_node *node;
	enum rx_on_unknown on_unknown;
	struct rx_parent *parents;
	size_t n_parents;
	uint32_t *alarms; /* rules read by alarm() */
	size_t n_alarms;
	struct rx_variant *variants;
	size_t n_variants;
	struct rx_chatter chatter;
	struct rx_recur recur;
	wy_ms shelve_max_ms;       /* 0: cannot be shelved */
	bool is_annotated;         /* maintenance: annotate */
	bool is_repeat_free;       /* repeat: none */
	bool has_ladder;           /* its own, though it may be empty; else that of its tier */
	struct wy_ladder ladder;
	const struct wy_hours *working; /* of its own ladder; NULL: those of the building */
	uint32_t n_slots; /* instances on an asset: 1, or max_keys and one more */
	/* Of a GROUP */
	uint32_t *members;  /* rules */
	size_t n_members;
	const char *same[RX_SAME_MAX];
	size_t n_same;
	wy_ms within_ms, gather_ms;
	uint8_t need;
	bool is_absorbing;
	uint8_t n_groups;   /* that name it as a member */
	uint32_t source;    /* PROBLEM: the rule it belongs to */
	uint32_t rank; /* parents have smaller ranks */
	uint32_t first_instance, n_instances; /* they stand together */
};

struct rx_instance {
	struct rule_instance_info info; /* first: the public part */
	const struct rx_variant *variant;
	wy_ms tolerate_ms, unverified_after_ms, settle_ms, reraise_ms;
	const wy_ms *step_ms; /* n_steps limits */
	uint32_t slot, key_index; /* of a keyed rule: which, and where the engine has its key */
	uint32_t match; /* pattern: which of the engine's matches */
	const uint32_t *parents;  /* instances that inhibit this one */
	size_t n_parents;
	const uint32_t *children; /* instances to look at when this one changes */
	size_t n_children;
	size_t ring_base; /* of its instants of raises */
	const uint32_t *groups;  /* group instances it may be a member of */
	size_t n_groups;
	const uint32_t *members; /* GROUP: instances, rule by rule, then by asset */
	size_t n_members;
	uint32_t group;          /* GROUP: number of its state */
	bool can_form;           /* GROUP: it has as many members as it needs */
	const char *key; /* of its cell */
};

/* What is asked of an instance whenever its asset is looked at: close together, unlike the instances of an asset. */
struct rx_row {
	struct rx_inputs inputs;
	const struct rx_variant *variant;
};

struct rx_asset {
	size_t slot_base;  /* first point slot */
	size_t value_base; /* first parameter value */
	size_t state_base; /* byte offset of its memories */
	size_t memory_base; /* number of its first memory, for cells */
	const uint32_t *instances; /* ascending */
	size_t n_instances;
	const struct rx_row *rows; /* of each of its instances */
	bool is_eager; /* some of it needs each look */
	const uint32_t *windows; /* of the world, planned for it */
	size_t n_windows;
	uint32_t place; /* among the assets of its class */
	const uint32_t *readers; /* instances that read its points over a relation */
	size_t n_readers;
	const uint32_t *keepers; /* assets whose memories do */
	size_t n_keepers;
	const char *point_key;
	const char *const *memory_keys;
};

struct rx_window {
	wy_ms from_ms, to_ms; /* wall */
	bool is_out_of_service;
};

struct rule_set {
	const struct rule_world *world;
	struct rx_package *packages;
	size_t n_packages;
	struct rx_rule *rules;
	size_t n_rules;
	const struct rx_rule **by_id; /* sorted; those with an id */
	size_t n_ids;
	struct rx_class *classes;
	struct rx_asset *assets;
	struct rx_instance *instances; /* by rank, then rule, then asset: the order of evaluation */
	size_t n_instances;
	struct rx_tally *tallies;
	size_t n_tallies;
	struct rx_group_of_others *others; /* groups of all tallies */
	size_t n_others, n_parts, n_part_values;
	bool has_readers; /* some asset has readers or keepers */
	struct rx_const *values;
	size_t n_values;
	size_t n_slots, n_memories, state_bytes;
	size_t n_matches, n_keys;
	size_t n_rings; /* instants of all rings */
	size_t n_groups;
	struct rx_window *windows; /* beside those of the world */
	struct rx_wall wall;
	uint64_t hash;
};

uint64_t rx_hash(uint64_t hash, const void *bytes, size_t len);
uint64_t rx_hash_text(uint64_t hash, const char *text);
#define RX_HASH_START 14695981039346656037u

/* Instance of a rule on an asset, or RX_NO_INSTANCE. Of a keyed rule the first of n_slots in a row. */
uint32_t rx_instance_of(const struct rule_set *set, uint32_t asset, uint32_t rule);

#endif
