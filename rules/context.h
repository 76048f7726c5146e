/* context.h: what all parts of the compiler have in common: the load under way, its memory, and how a
 * mistake is said. Depends on none of them. */
#ifndef RX_CONTEXT_H
#define RX_CONTEXT_H

#include "rule_plan.h"

struct rx_load {
	const struct rule_world *world;
	struct wy_arena *arena;
	struct wy_diags *diags;
	struct rule_set *set;
	enum wy_err err; /* WY_E_NOMEM or WY_E_LIMIT: stop; mistakes are only counted in diags */
	size_t silent; /* uses of what has been said to be wrong: they are not said again */
};

/* Where an expression stands. */
struct rx_scope {
	struct rx_load *load;
	struct rx_package *package;
	uint32_t cls;
	struct rx_rule *rule;       /* NULL: no alarm() here */
	const struct wy_node *node; /* of the expression */
	size_t offset;              /* of its text in the node's value */
	bool is_in_memory;          /* inside a stateful call */
	bool is_raw;                /* sees points of assets out of service as they are */
	uint32_t n_slots;           /* above 1: of a keyed rule */
	double min_cover;           /* what windows need before they answer */
	uint16_t min_samples;
	unsigned n_parts;           /* that signals have brought into this expression */
	bool is_trial;              /* only looked at: nothing is remembered for it */
	bool is_alone;              /* only the present of the asset's own points: no past, no other assets */
};

/* Zeroed memory; NULL and load->err set when the arena is full. */
void *rx_load_alloc(struct rx_load *load, size_t n, size_t size);
const char *rx_load_text(struct rx_load *load, const char *text, size_t len);
/* An error at a byte of a value, in printf form of base/buf.h. */
#define rx_error(load, code, node, at, ...) \
	wy_diag_add((load)->diags, WY_DIAG_ERROR, code, node, at, __VA_ARGS__)
#define rx_warn(load, code, node, at, ...) \
	wy_diag_add((load)->diags, WY_DIAG_WARNING, code, node, at, __VA_ARGS__)

#define RX_HINT_SIZE 160u
typedef const char *(*rx_name_fn)(const void *arg, size_t i);
/* "; did you mean 'x'?" with the nearest of n names, or "". No search once the message would only be
 * counted: a file of nothing but mistakes stays quick. */
const char *rx_did_you_mean(const struct rx_load *load, const char *name, size_t n, rx_name_fn name_of, const void *arg,
			    char out[RX_HINT_SIZE]);

#endif
