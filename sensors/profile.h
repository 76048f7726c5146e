/* profile.h: how a device's bytes become points: what a profile file (`weiyu: profile/1`) says, once read.
 *
 * profile.c reads the keys, profile_lint.c judges them together. Everything lives in the arena of the load. */
#ifndef SENSOR_PROFILE_H
#define SENSOR_PROFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "arena.h"
#include "clocktypes.h"
#include "diag.h"
#include "drivers.h"
#include "err.h"
#include "model.h"
#include "node.h"
#include "units.h"

enum sensor_area { SENSOR_COIL, SENSOR_DISCRETE, SENSOR_INPUT, SENSOR_HOLDING };
enum sensor_encoding {
	SENSOR_BIT, SENSOR_U16, SENSOR_I16, SENSOR_U32, SENSOR_I32, SENSOR_F32, SENSOR_U64,
	SENSOR_DEC_PAIR, /* two registers, each 0-9999 in binary: high * 10000 + low */
	SENSOR_TEXT,     /* n_text registers of two bytes, for people: never a sample */
};
enum sensor_order { SENSOR_ABCD, SENSOR_CDAB, SENSOR_BADC, SENSOR_DCBA }; /* of the bytes on the wire */
enum sensor_poll_class { SENSOR_FAST, SENSOR_MEDIUM, SENSOR_SLOW, SENSOR_DAILY }; /* F M S D */

/* How a frame of Modbus is put. NICE_LEN16: the byte count of an answer has two bytes (some lift controllers). */
enum sensor_framing { SENSOR_FRAMING_STANDARD, SENSOR_FRAMING_NICE_LEN16 };
/* CoAP: what a device is asked to answer in. FITTING: SenML JSON where names are needed, else its own choice. */
enum sensor_accept {
	SENSOR_ACCEPT_FITTING, SENSOR_ACCEPT_TEXT, SENSOR_ACCEPT_SENML_JSON, SENSOR_ACCEPT_SENML_CBOR,
	SENSOR_ACCEPT_LWM2M_TLV, SENSOR_ACCEPT_LWM2M_JSON,
};
enum sensor_charset { SENSOR_ASCII, SENSOR_GB18030 };

struct sensor_profile_point {
	const char *name;
	enum wy_type type;
	const struct wy_unit *unit; /* of the value after scale and offset; NULL: bare */
	enum sensor_poll_class poll;
	bool has_range;
	double lo, hi; /* after scale and offset; outside is BAD, why RANGE */
	double scale, offset; /* value = raw * scale + offset */
	bool is_latched;      /* stays until a person resets the device */
	bool is_clear_on_read; /* reading changes it: read alone, never twice, never in passing */
	bool is_optional;      /* some models or firmwares lack it: a refusal is no fault */
	/* enum: raw value values_raw[i] means values[i] */
	const char *const *values;
	const int64_t *values_raw;
	size_t n_values;
	/* raw values, before shift and mask, that mean "no value": BAD, why SENTINEL */
	const int64_t *sentinels;
	size_t n_sentinels;
	/* Modbus */
	enum sensor_area area;
	uint16_t address; /* zero-based wire address, address_base already taken off */
	enum sensor_encoding encoding;
	enum sensor_order order;
	uint8_t bit_shift;  /* BIT or part of a word: value = (raw >> bit_shift) & bit_mask */
	uint32_t bit_mask;  /* 0: the whole value */
	bool is_inverted;   /* bool: active low */
	const char *unit_by; /* name of a point whose value chooses the unit (RLE 30003), or NULL */
	const struct wy_unit *const *unit_choices; /* unit_by: unit for value 0, 1, ... */
	size_t n_unit_choices;
	const char *scale_by; /* the same for a factor on top of scale and offset: name of the point that chooses it, or NULL */
	const double *scale_choices;
	size_t n_scale_choices;
	uint8_t n_text; /* TEXT: registers */
	enum sensor_charset charset;
	/* CoAP */
	const char *path;  /* "/3200/0/5500" */
	const char *senml_name; /* n of the record after bn, NULL: the path without its first slash */
	bool is_observed;
	const void *options; /* of the driver's own keys (sensor_driver.point), NULL: it has none */
	const struct wy_node *node;
};

struct sensor_profile {
	const char *id;
	enum sensor_transport transport;
	const char *vendor, *model, *source;
	const char *title_zh, *title_en;
	const struct sensor_profile_point *points;
	size_t n_points;
	/* Modbus */
	uint16_t max_registers; /* of one read */
	uint16_t max_bits;
	uint16_t max_gap;       /* unused registers worth reading over; 0: never read a hole */
	wy_ms min_interval_ms;  /* between two requests to this device */
	wy_ms pause_ms;         /* nothing is sent on the whole wire for so long after an answer of this device */
	bool is_closed_after_poll; /* TCP: the connection is given back after each poll */
	bool has_one_client;       /* a second connection would lock somebody out */
	bool is_life_safety;       /* goes first where several are due */
	enum sensor_framing framing;
	const int *bauds; /* n_bauds that the device can be set to; 0: any */
	size_t n_bauds;
	const char *format; /* the only one it can: "8N1"; NULL: any */
	wy_ms grace_ms;     /* after it came back: what it says is not yet believed; 0: at once */
	const char *identity; /* name of a point that tells one device from another of its kind, or NULL */
	const char *liveness; /* name of a point that moves while the device lives, or NULL */
	wy_ms liveness_ms;    /* not moved for so long: everything it says is old */
	wy_ms timeout_ms;       /* default answer time */
	enum sensor_accept accept; /* CoAP */
	wy_ms class_ms[4];      /* period of F M S D */
	const struct wy_node *node;
};

/* Read one profile file (`weiyu: profile/1`). All mistakes go to diags; WY_E_INVALID then. */
WY_MUST_CHECK enum wy_err sensor_profile_read(const struct wy_node *root, struct wy_arena *arena,
					      struct wy_diags *diags, struct sensor_profile **ret_profile);
/* Such a point is for people: it has no value, drivers make no sample of it and no asset can be fed from it. Its type says
 * nothing. */
static inline bool sensor_point_is_text(const struct sensor_profile_point *point)
{
	return point->encoding == SENSOR_TEXT;
}

/* The point of this name, or NULL. Its index is the difference to profile->points. */
const struct sensor_profile_point *sensor_profile_find(const struct sensor_profile *profile,
						       const char *name);

#endif
