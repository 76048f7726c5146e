/* modbus_refused.h: the blocks a device does not give, and when to ask for them again. Pure.
 *
 * Two kinds: a block refused with exception 1 to 3 is a fault of the configuration and left alone
 * at once; a block about which a device says nothing, while it answers others, is left alone after
 * WY_MODBUS_MISSES_MAX times in a row. Either is tried again after a minute. */
#ifndef SENSOR_MODBUS_REFUSED_H
#define SENSOR_MODBUS_REFUSED_H

#include "../plan.h"

struct modbus_refusal {
	enum sensor_area area;
	uint16_t address, count;
	uint8_t exception; /* 0: silence, or answers that do not fit */
	enum wy_why why;
	unsigned misses;
	wy_ms retry_ms; /* not before */
};

struct modbus_refused {
	struct modbus_refusal item[WY_MODBUS_REFUSED_MAX];
	size_t n;
};

void modbus_refused_add(struct modbus_refused *refused, const struct sensor_block *block,
			uint8_t exception, wy_ms now_ms);
void modbus_refused_miss(struct modbus_refused *refused, const struct sensor_block *block,
			 enum wy_why why, wy_ms now_ms);
void modbus_refused_forget(struct modbus_refused *refused, const struct sensor_block *block);
/* What stands against asking for this block now; NULL: nothing. */
const struct modbus_refusal *modbus_refused_at(const struct modbus_refused *refused,
					       const struct sensor_block *block, wy_ms now_ms);

#endif
