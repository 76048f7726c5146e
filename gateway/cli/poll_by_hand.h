/* poll_by_hand.h: asking what no site file describes: who is there on a wire, and words of a device as they are. For
 * `weiyu poll --scan` and `--raw`. Like all that asks it only reads. */
#ifndef CLI_POLL_BY_HAND_H
#define CLI_POLL_BY_HAND_H

#include "cli.h"
#include "sensor.h"

#define POLL_UNITS 256u

struct poll_options {
	struct cli_options common;
	bool is_scan, is_quick;
	const char *raw;      /* AREA:ADDRESS:COUNT; NULL: not asked for */
	int64_t from, to, unit; /* unit -1: not said */
	wy_ms timeout_ms;	/* 0: not said */
};

/* False: said to stderr what is wrong. Moves words about in argv. */
bool poll_options_read(int argc, char **argv, struct poll_options *ret_options);

/* What the one word names. */
struct poll_target {
	struct sensor_wire_conf wire;
	const struct config *config; /* NULL: no site is known */
	size_t config_wire;	     /* the same wire in it, or SIZE_MAX */
	const struct sensor_device_conf *device; /* of the site; NULL: the word names a wire */
};

/* A device or wire of the site, "tcp://HOST[:PORT]" or "rtu:TTY[:BAUD[:8N1]]". Everything is in the load's arena. The site is read
 * where the word needs it, or the gateway file was named or stands at its usual place. False: said. */
bool poll_target_find(const char *word, const struct poll_options *options, struct cli_load *load,
		      struct poll_target *ret_target);
/* The device of the site with this unit on the target's wire, or NULL. */
const struct sensor_device_conf *poll_target_device(const struct poll_target *target, uint8_t unit);
/* Words for why nothing could be asked at all. */
void poll_say_no_line(const char *who, const struct sensor_wire_conf *wire, enum wy_err err);

int poll_scan(const struct poll_options *options);
int poll_raw(const struct poll_options *options);

/* ---- poll_scan_show.c ------------------------------------------------------------------------- */

enum scan_result { SCAN_NOT_ASKED, SCAN_SILENT, SCAN_VALUE, SCAN_REFUSED, SCAN_UNREACHABLE /* exceptions 10, 11 */ };

/* By function code, 1 to 4. */
struct scan_area {
	enum scan_result result;
	uint16_t value; /* the register, or the bit */
	uint8_t exception;
};

struct scan_unit {
	bool is_wanted, is_done;
	struct scan_area area[5];
	unsigned n_tries, n_garbled, n_late;
	wy_ms slowest_ms; /* of its answers */
};

bool scan_unit_is_there(const struct scan_unit *unit);
/* unit: [POLL_UNITS]. seconds: how long it took. */
void scan_show(const struct poll_options *options, const struct poll_target *target, const struct scan_unit *unit,
	       double seconds);

#endif
