/* drive.h: one driver's field in a scene: stepped when its descriptor is readable and when it asked to be. The only file
 * that calls a driver. */
#ifndef FIELD_DRIVE_H
#define FIELD_DRIVE_H

#include "driver.h"
#include "scene.h"

struct drive {
	struct scene *scene;
	const struct sensor_driver *driver;
	void *field;
	struct scene_end end; /* the field's descriptor; the field owns it */
	struct scene_due due;
	uint64_t n_steps;
};

/* Prints what the driver complains of, and aborts. */
void drive_open(struct drive *drive, struct scene *scene, const struct sensor_driver *driver,
		const struct sensor_field_parts *parts);
void drive_close(struct drive *drive);

#endif
