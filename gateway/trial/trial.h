/* trial.h: test files of rules (weiyu: test/1): a few assets, what their points show over time, and the events that
 * must come of it. docs/testing-rules.md is for those who write them.
 *
 * Life     trial_open() reads a file, all it names, and compiles the rules; everything lives in the caller's arena.
 *          A test then runs as often as wanted (trial_run.h), each time from nothing.
 * Time     of a test only: its start is an instant of the building's wall clock, its length some minutes or a year.
 *          No clock is read.
 * Heap     trial_run() allocates what it finds; trial_found_release() gives it back. */
#ifndef TRIAL_H
#define TRIAL_H

#include "config.h"
#include "feed.h"

#define TRIAL_ANY UINT32_MAX

/* One event that is expected, or was found. */
struct trial_event {
	wy_ms at_ms, to_ms; /* since the start; found: equal. Expected: from .. to */
	enum rule_event_kind kind;
	uint32_t rule;
	uint32_t asset;     /* expected: TRIAL_ANY, not said */
	uint8_t tier;       /* expected: 0, not said */
	bool is_uncertain;
	bool is_maintenance;
	bool asks_uncertain, asks_maintenance; /* expected: these are meant */
	wy_ms onset_ms;     /* WY_MS_NONE: not said */
	uint32_t instance;  /* found */
	uint32_t other_rule, other_asset; /* TRIAL_ANY: none, or not said */
	int64_t step;       /* of an escalation; -1: none, or not said */
	const char *to;     /* of an escalation; NULL: likewise */
	wy_ms until_ms;     /* of a shelf; WY_MS_NONE: none, or not said */
	const char *key;    /* expected: of a rule with `by`; NULL: not said */
	struct rule_key found_key;
	const struct wy_node *node; /* expected: where it stands */
};

struct trial_feed {
	uint32_t asset;
	uint32_t point; /* TRIAL_ANY: the asset itself */
	struct feed feed;
};

struct trial_command {
	wy_ms at_ms;
	unsigned verb; /* row of trial_verbs */
	uint32_t rule, asset;
	const char *key; /* of a rule with `by`, or of a mark; NULL: none */
	wy_ms until_ms;  /* of a shelf */
	bool is_one_shot;
	bool is_refused; /* it is expected to be refused */
	const struct wy_node *node;
};

struct trial_restart {
	wy_ms at_ms, down_ms;
	bool is_crash;
};

struct trial_state {
	wy_ms at_ms;
	uint32_t rule, asset;
	const char *key; /* of a rule with `by`; NULL: none */
	int is; /* enum rule_state; -1: not said */
	const char *zh, *en; /* part of the summary; NULL: not said */
	const struct wy_node *node;
};

/* expect_raise, expect_none */
struct trial_promise {
	bool is_raise;
	uint32_t rule, asset;
	uint8_t tier; /* 0: any */
	wy_ms from_ms, to_ms;
	const struct wy_node *node;
};

struct trial_test {
	const char *name;
	const struct wy_node *node;
	const struct config *config; /* the file's, or with the parameters of this test */
	const struct rule_world *world;
	const struct rule_set *set;
	struct moment_base base;
	wy_ms until_ms;
	struct trial_feed *feeds; /* by asset and point */
	size_t n_feeds;
	struct trial_command *commands; /* in time */
	size_t n_commands;
	struct trial_restart *restarts;
	size_t n_restarts;
	struct trial_state *states;
	size_t n_states;
	struct trial_promise *promises;
	size_t n_promises;
	bool has_tickets;
	struct trial_event *tickets; /* expected, in their order */
	size_t n_tickets;
	const uint32_t *about; /* rules `tickets` speaks of; n 0: all */
	size_t n_about;
	bool has_slack;
	wy_ms slack_ms; /* how far a ticket may move when polls move */
};

struct trial_file {
	const char *path;
	const struct config *config;
	const struct rule_world *world;
	const struct rule_set *set;
	struct trial_test *tests;
	size_t n_tests;
};

/* Read and compile. WY_E_INVALID: mistakes, all in diags; WY_E_NOMEM: the arena is full, said there too. */
WY_MUST_CHECK enum wy_err trial_open(const char *path, struct wy_arena *arena, struct wy_diags *diags,
				     struct trial_file **ret_file);

/* A word of `do:` and what it does. */
struct trial_verb {
	const char *name;
	enum rule_command command;
	bool has_end; /* it takes `for` or `until` */
	bool is_mark; /* of an asset, not of a rule: it takes `name` */
};
extern const struct trial_verb trial_verbs[];
extern const size_t trial_n_verbs;

/* The key of an instance as people write it: a number, a value of an enum, "other"; empty where it has none. */
void trial_print_key(const struct rule_key *key, struct wy_buf *buf);
/* An event as a test file would write it: {at: 70s, ev: open, rule: lift.entrapment, asset: L1, tier: S1} */
void trial_print_event(const struct trial_test *test, const struct trial_event *event, struct wy_buf *buf);

#endif
