/* trial_reading.h: what the readers of a test file share. Private to gateway/trial. */
#ifndef TRIAL_READING_H
#define TRIAL_READING_H

#include "fields.h"
#include "trial.h"

struct trial_reading {
	struct wy_arena *arena;
	struct wy_diags *diags;
	struct trial_file *file;
	const struct wy_node *usual, *tests; /* of the file */
	const struct wy_node *start, *about;
	bool is_full;
};

/* Arena memory; NULL, and is_full said once, when there is no room. */
void *trial_array(struct trial_reading *r, size_t n, size_t size);
/* "unknown asset 'x'; did you mean 'y'?" */
void trial_unknown(struct trial_reading *r, const struct wy_node *where, const char *what, const char *found, size_t n,
		   const char *(*name_of)(const void *arg, size_t i), const void *arg);
/* Members of a list of at most WY_TRIAL_ROWS_MAX; NULL node: none; no list: a message and none. */
size_t trial_list(struct trial_reading *r, const struct wy_node *node);

uint32_t trial_find_rule(struct trial_reading *r, const struct trial_test *test, const struct wy_node *node);
uint32_t trial_find_asset(struct trial_reading *r, const struct trial_test *test, const struct wy_node *node);
/* An instant, or two with ".." between where ret_to is given. NULL node: untouched. */
void trial_read_moment(struct trial_reading *r, const struct trial_test *test, const struct wy_node *node,
		       wy_ms *ret_ms, wy_ms *ret_to_ms);

/* The test of this name in the file, or NULL after a message. */
const struct wy_node *trial_test_named(struct trial_reading *r, const struct wy_node *name);

/* The value of a key: the test's own, else that of the test it is like; NULL: neither. */
const struct wy_node *trial_inherited(struct trial_reading *r, const struct trial_test *test, const char *key);

/* The parts of a test. */
void trial_read_feeds(struct trial_reading *r, struct trial_test *test);
void trial_read_tickets(struct trial_reading *r, struct trial_test *test);
void trial_read_steps(struct trial_reading *r, struct trial_test *test); /* commands, restarts, states */
void trial_read_test(struct trial_reading *r, const struct wy_node *node, struct trial_test *test);

#endif
