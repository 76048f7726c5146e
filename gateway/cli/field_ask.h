/* field_ask.h: ask devices once, now, through their driver, without a running gateway. For `weiyu poll` and its kin. */
#ifndef CLI_FIELD_ASK_H
#define CLI_FIELD_ASK_H

#include "sensor.h"

struct field_ask {
	const struct sensor_wire_conf *wires;
	const struct sensor_device_conf *devices;
	const uint32_t *mine; /* all of one transport */
	size_t n_mine;
	wy_ms patience_ms; /* altogether */
	/* Called for each report; true: that was all, stop. */
	bool (*take)(void *arg, const struct sensor_report *report);
	void *arg;
};

/* WY_OK: take said stop; WY_E_TIMEOUT: patience ended; else what the driver says to being opened, with words in diags. */
WY_MUST_CHECK enum wy_err field_ask(const struct field_ask *ask, struct wy_arena *arena, struct wy_diags *diags);

#endif
