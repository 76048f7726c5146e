/* view.h: what somebody who reads a device gets to see: its registers through the misbehaviours that
 * are on. Pure. */
#ifndef SIM_VIEW_H
#define SIM_VIEW_H

#include "building.h"

/* count registers or bits, one to a word. false: illegal address. A torn answer is spent here, if
 * there was something to tear. */
bool sim_device_read(struct sim_device *device, enum sensor_area area, uint32_t first,
		     uint32_t count, uint16_t *ret_words);

/* Whether a read of these registers, as the reader names them, takes in any of the point. */
bool sim_device_covers(const struct sim_device *device, enum sensor_area area, uint32_t first,
		       uint32_t count, const struct sensor_profile_point *point);

#endif
