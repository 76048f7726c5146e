/* drivers.h: the table of drivers.def: which drivers there are, which kinds of wire, and which keys go with them. */
#ifndef SENSOR_DRIVERS_H
#define SENSOR_DRIVERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "arena.h"
#include "err.h"
#include "fields.h"

enum sensor_transport {
#define DRIVER(name, NAME, needs, takes, what) SENSOR_##NAME,
#define WIRE(kind, KIND, driver, port, needs, takes, what)
#include "drivers.def"
#undef DRIVER
#undef WIRE
	SENSOR_TRANSPORTS
};

enum sensor_wire_kind {
#define DRIVER(name, NAME, needs, takes, what)
#define WIRE(kind, KIND, driver, port, needs, takes, what) SENSOR_WIRE_##KIND,
#include "drivers.def"
#undef DRIVER
#undef WIRE
	SENSOR_WIRE_KINDS
};

/* needs, takes: words with a blank between them, see sensor_has_word(). */
struct sensor_transport_row {
	const char *name, *needs, *takes, *what;
};
struct sensor_wire_row {
	const char *name;
	enum sensor_transport transport;
	uint16_t port; /* 0: none */
	const char *needs, *takes, *what;
};
extern const struct sensor_transport_row sensor_transport_rows[SENSOR_TRANSPORTS];
extern const struct sensor_wire_row sensor_wire_rows[SENSOR_WIRE_KINDS];
/* The same names for WY_FIELD_CHOICE, NULL at the end. */
extern const char *const sensor_transport_names[SENSOR_TRANSPORTS + 1];
extern const char *const sensor_wire_names[SENSOR_WIRE_KINDS + 1];

bool sensor_has_word(const char *words, const char *word);

/* What is in drivers/<name>.c. */
struct sensor_driver;
#define DRIVER(name, NAME, needs, takes, what) extern const struct sensor_driver sensor_driver_##name;
#define WIRE(kind, KIND, driver, port, needs, takes, what)
#include "drivers.def"
#undef DRIVER
#undef WIRE
/* Never NULL for a number of the enumeration. */
const struct sensor_driver *sensor_driver_find(enum sensor_transport transport);

/* ---- Keys that a driver brings of its own ------------------------------------------------------ */

/* Rows, and the struct they fill. NULL in a driver: no keys of its own. */
struct sensor_options {
	const struct wy_field *rows;
	size_t n_rows;
	size_t size;          /* of the struct */
	const void *defaults; /* what it holds before keys are read; NULL: zero */
	/* What keys mean together, when each is right by itself: WY_E_INVALID with words in diags. NULL: nothing to say. */
	enum wy_err (*check)(const struct wy_node *map, const void *values, struct wy_diags *diags);
};

/* A struct with the defaults, in the arena, as a table for wy_fields_read_tables(); an empty one for NULL. */
WY_MUST_CHECK enum wy_err sensor_options_begin(const struct sensor_options *options, struct wy_arena *arena,
					       struct wy_field_table *ret_table);
/* After the reading. */
WY_MUST_CHECK enum wy_err sensor_options_check(const struct sensor_options *options, const struct wy_node *map,
					       const void *values, struct wy_diags *diags);
bool sensor_options_has(const struct sensor_options *options, const char *key); /* NULL is fine */

#endif
