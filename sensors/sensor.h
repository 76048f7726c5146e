/* sensor.h: the words shared by every driver: profile, wire, device, report.
 *
 * sensors/ knows devices and bytes, and nothing of rules, tickets or the store. It never logs, never
 * reads a clock (the caller hands in one) and never exits. */
#ifndef SENSOR_H
#define SENSOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "arena.h"
#include "clocktypes.h"
#include "diag.h"
#include "err.h"
#include "wy_limits.h"
#include "model.h"
#include "node.h"
#include "reading.h"
#include "units.h"

/* ---- Profiles: how a device's bytes become points (profile.c reads the YAML) -------------- */

enum sensor_transport { SENSOR_MODBUS, SENSOR_COAP };
enum sensor_area { SENSOR_COIL, SENSOR_DISCRETE, SENSOR_INPUT, SENSOR_HOLDING };
enum sensor_encoding {
	SENSOR_BIT, SENSOR_U16, SENSOR_I16, SENSOR_U32, SENSOR_I32, SENSOR_F32, SENSOR_U64,
};
enum sensor_order { SENSOR_ABCD, SENSOR_CDAB, SENSOR_BADC, SENSOR_DCBA }; /* of the bytes on the wire */
enum sensor_poll_class { SENSOR_FAST, SENSOR_MEDIUM, SENSOR_SLOW, SENSOR_DAILY }; /* F M S D */

struct sensor_profile_point {
	const char *name;
	enum wy_type type;
	const struct wy_unit *unit; /* of the value after scale and offset; NULL: bare */
	enum sensor_poll_class poll;
	bool has_range;
	double lo, hi; /* after scale and offset; outside is BAD, why RANGE */
	double scale, offset; /* value = raw * scale + offset */
	bool is_latched;      /* stays until a person resets the device */
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
	/* CoAP */
	const char *path;  /* "/3200/0/5500" */
	const char *senml_name; /* n of the record after bn, NULL: the path without its first slash */
	bool is_observed;
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
	wy_ms min_interval_ms;  /* between two requests */
	wy_ms timeout_ms;       /* default answer time */
	wy_ms class_ms[4];      /* period of F M S D */
	const struct wy_node *node;
};

/* Read one profile file (`weiyu: profile/1`). All mistakes go to diags; WY_E_INVALID then. */
WY_MUST_CHECK enum wy_err sensor_profile_read(const struct wy_node *root, struct wy_arena *arena,
					      struct wy_diags *diags, struct sensor_profile **ret_profile);
/* The point of this name, or NULL. Its index is the difference to profile->points. */
const struct sensor_profile_point *sensor_profile_find(const struct sensor_profile *profile,
						       const char *name);

/* ---- Wires and devices, as the site file declares them -------------------------------------- */

enum sensor_wire_kind { SENSOR_WIRE_TCP, SENSOR_WIRE_RTU, SENSOR_WIRE_COAP };

struct sensor_wire_conf {
	const char *id;
	enum sensor_wire_kind kind;
	const char *host; /* TCP, CoAP: name or address */
	uint16_t port;
	const char *tty; /* RTU: device file */
	int baud;
	char parity; /* 'N' 'E' 'O' */
	int data_bits, stop_bits;
	wy_ms connect_ms; /* connect timeout */
};

struct sensor_device_conf {
	const char *id;
	uint32_t wire; /* index of its wire */
	const struct sensor_profile *profile;
	uint8_t unit_id;  /* Modbus */
	wy_ms timeout_ms; /* 0: the profile's */
	/* CoAP over DTLS-PSK: both NULL means plain coap:// */
	const char *psk_identity;
	const uint8_t *psk_key;
	size_t psk_key_len;
};

/* ---- Reports: what a driver hands over ------------------------------------------------------ */

/* One poll response or one notification: a turn. Points not listed were not asked. */
struct sensor_report {
	uint32_t device;
	enum wy_err err;   /* WY_OK: the device answered (samples may still be BAD, e.g. exception) */
	uint8_t exception; /* Modbus exception code, or CoAP response code (0x84 = 4.04), of the last refused block; 0: none */
	wy_ms at_ms;       /* mono: when the exchange ended */
	wy_ms took_ms;     /* request to answer */
	uint32_t n;
	uint32_t n_max;            /* room in sample[] */
	struct wy_sample *sample;  /* sample[i].point indexes the profile's points */
};

/* How a driver that must wait learns the time: mono milliseconds. */
typedef wy_ms (*sensor_clock)(void *arg);

#endif
