/* explain.h: what the parts of rule_explain() share. Private to explain*.c. */
#ifndef RX_EXPLAIN_H
#define RX_EXPLAIN_H

#include "rule_engine.h"

enum { RX_LINE_SIZE = 600 };

struct rx_explain {
	const struct rule_set *set;
	const struct rule_engine *engine; /* NULL: nothing is known of now */
	const struct rx_rule *rule;
	uint32_t rule_index;
	const struct rx_variant *variant;
	uint32_t cls;      /* of the expression that is told: the variant's, or that of others it asks */
	uint32_t asset;    /* RULE_NO_ASSET: the rule as such, with its own values */
	uint32_t instance; /* RX_NO_INSTANCE: none */
	struct rx_eval ev; /* with an engine and an instance */
	rule_line *line;
	void *arg;
	unsigned depth;    /* of the next line */
	struct wy_buf buf;
	char text[RX_LINE_SIZE];
};

static inline bool rx_is_live(const struct rx_explain *x)
{
	return x->engine && x->instance != RX_NO_INSTANCE;
}

/* ---- Lines: begun, added to, ended. The text of a line is in x->buf meanwhile. */
struct wy_buf *rx_line_begin(struct rx_explain *x);
void rx_line_end(struct rx_explain *x);
/* A line at once. */
void rx_say_line(struct rx_explain *x, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* ---- explain_tree.c: conditions, and what each part of them is worth */
void rx_explain_tree(struct rx_explain *x, const struct rx_expr *e);
/* A number in its unit; of time in words. */
void rx_add_number(struct wy_buf *buf, double value, const struct wy_unit *unit);
/* "5s", or "5s ($hold: by the site, site.yaml:12)". */
void rx_add_span(struct rx_explain *x, const struct rx_span *span, wy_ms own_ms);
/* Parts of a tree (NULL: none), and what a look at it costs beside them, at worst. */
size_t rx_count_nodes(const struct rx_expr *e);
size_t rx_count_steps(const struct rx_expr *e);

/* ---- explain_ties.c: what a rule hangs on, and what hangs on it */
void rx_explain_reads(struct rx_explain *x);
void rx_explain_ties(struct rx_explain *x);

/* ---- explain_telling.c: what is told of it, and what was */
void rx_explain_telling(struct rx_explain *x);
void rx_explain_machine(struct rx_explain *x, unsigned level);
void rx_explain_told(struct rx_explain *x);

/* How a call remembers: one row for each that does. */
struct rx_store {
	bool (*update)(struct rx_eval *ev, const struct rx_expr *call, void *memory);
	const char *kind; /* "panes" */
	const char *what; /* in a few words */
	bool has_panes;
	uint16_t steps;   /* of a query, at worst */
};
/* NULL: a function without a row, which a test forbids. */
const struct rx_store *rx_store_of(const struct rx_function *fn);

#endif
