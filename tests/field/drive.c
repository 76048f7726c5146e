/* drive.c: see drive.h. */
#include "drive.h"

#include <stdio.h>
#include <stdlib.h>

static void step(struct drive *drive)
{
	wy_ms next_ms = drive->driver->step(drive->field, drive->scene->now_ms);

	drive->n_steps++;
	if (next_ms == WY_MS_NEVER)
		scene_call_off(drive->scene, &drive->due);
	else
		scene_set(drive->scene, &drive->due, next_ms);
}

static void step_when_ready(struct scene_end *end)
{
	step((struct drive *)((char *)end - offsetof(struct drive, end)));
}

static void step_when_due(struct scene_due *due)
{
	step((struct drive *)((char *)due - offsetof(struct drive, due)));
}

void drive_open(struct drive *drive, struct scene *scene, const struct sensor_driver *driver,
		const struct sensor_field_parts *parts)
{
	*drive = (struct drive){.scene = scene, .driver = driver};
	enum wy_err err = driver->open(parts, &drive->field);
	if (err) {
		fprintf(stderr, "%s: %s\n", driver->name, wy_err_text(err));
		for (size_t i = 0; i < parts->diags->n; i++)
			fprintf(stderr, "  %s\n", parts->diags->item[i].text);
		abort();
	}
	drive->end = (struct scene_end){driver->fd(drive->field), step_when_ready};
	drive->due.act = step_when_due;
	scene_watch(scene, &drive->end);
	scene_set(scene, &drive->due, scene->now_ms);
}

void drive_close(struct drive *drive)
{
	scene_call_off(drive->scene, &drive->due);
	scene_forget(drive->scene, &drive->end);
	drive->driver->close(drive->field);
}
