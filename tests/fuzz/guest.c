/* guest.c: see guest.h. */
#include "guest.h"

#include <stdlib.h>

enum { ARENA_BYTES = 4 << 20, BEGIN_MS = 1000000 };

static void take(void *arg, const struct sensor_report *report)
{
	struct guest *guest = arg;

	guest->reports++;
	if (report->device != 0 || report->n > report->n_max || report->at_ms > guest->now_ms)
		abort();
	for (uint32_t i = 0; i < report->n; i++) {
		const struct wy_sample *sample = &report->sample[i];
		if (sample->point >= guest->profile.n_points || sample->quality > WY_Q_STALE ||
		    sample->why >= WY_WHY_COUNT || sample->at_ms > guest->now_ms)
			abort();
	}
}

void guest_open(struct guest *guest, const struct sensor_driver *driver)
{
	static const uint32_t mine[] = {0};
	static void *memory;

	memory = memory ? memory : malloc(ARENA_BYTES);
	wy_arena_init(&guest->arena, memory, ARENA_BYTES);
	wy_diags_init(&guest->diags, &guest->arena);
	guest->driver = driver;
	guest->now_ms = BEGIN_MS;
	guest->device.profile = &guest->profile;
	struct sensor_field_parts parts = {.wires = &guest->wire,
					   .devices = &guest->device,
					   .mine = mine,
					   .n_mine = 1,
					   .arena = &guest->arena,
					   .seed = 1,
					   .now_ms = guest->now_ms,
					   .take = take,
					   .arg = guest,
					   .diags = &guest->diags};
	if (driver->open(&parts, &guest->field))
		abort();
	guest_step(guest);
}

void guest_step(struct guest *guest)
{
	guest->next_ms = guest->driver->step(guest->field, guest->now_ms);
}

void guest_wait(struct guest *guest, wy_ms most_ms)
{
	wy_ms latest = guest->now_ms + most_ms;

	guest->now_ms = guest->next_ms < latest ? guest->next_ms : latest;
	guest_step(guest);
}

void guest_close(struct guest *guest)
{
	guest->driver->close(guest->field);
}

uint8_t food_byte(struct food *food)
{
	if (!food->n)
		return 0;
	food->n--;
	return *food->at++;
}

size_t food_bytes(struct food *food, const uint8_t **ret_bytes)
{
	size_t n = food_byte(food);

	n = n < food->n ? n : food->n;
	*ret_bytes = food->at;
	food->at += n;
	food->n -= n;
	return n;
}
