/* field_ask.h: ask devices once, now, through their driver, without a running gateway. For `weiyu poll` and its kin. */
#ifndef CLI_FIELD_ASK_H
#define CLI_FIELD_ASK_H

#include "driver.h"

struct field_ask {
	const struct sensor_wire_conf *wires;
	const struct sensor_device_conf *devices;
	const uint32_t *mine; /* all of one transport */
	size_t n_mine;
	wy_ms patience_ms; /* altogether */
	/* Called for each report; true: that was all, stop. */
	bool (*take)(void *arg, const struct sensor_report *report);
	/* What went over the wire of mine[0], in order, each once; after the reports of the same step. NULL: not wanted. */
	void (*watch)(void *arg, const struct sensor_frame *frame);
	/* Asked after each report that was waited for, and after what is to watch: once more? When every device has
	 * reported and none is asked again, that was all. NULL: only take decides. */
	bool (*is_asked_again)(void *arg, uint32_t device);
	void *arg;
};

/* WY_OK: that was all; WY_E_TIMEOUT: patience ended; else what the driver says to being opened, with words in diags. */
WY_MUST_CHECK enum wy_err field_ask(const struct field_ask *ask, struct wy_arena *arena, struct wy_diags *diags);

#endif
