/* modbus_refused.c: see modbus_refused.h. */
#include "modbus_refused.h"

#include <string.h>

#define RETRY_MS 60000

static size_t find(const struct modbus_refused *refused, const struct sensor_block *block)
{
	size_t i = 0;

	while (i < refused->n && !(refused->item[i].area == block->area &&
				   refused->item[i].address == block->address &&
				   refused->item[i].count == block->count))
		i++;
	return i;
}

void modbus_refused_forget(struct modbus_refused *refused, const struct sensor_block *block)
{
	size_t i = find(refused, block);

	if (i < refused->n)
		refused->item[i] = refused->item[--refused->n];
}

static struct modbus_refusal *renew(struct modbus_refused *refused,
				    const struct sensor_block *block)
{
	size_t i = find(refused, block);

	if (i < refused->n)
		return &refused->item[i];
	if (refused->n == WY_MODBUS_REFUSED_MAX)
		memmove(refused->item, refused->item + 1, --refused->n * sizeof(refused->item[0]));
	refused->item[refused->n] = (struct modbus_refusal){
		.area = block->area, .address = block->address, .count = block->count};
	return &refused->item[refused->n++];
}

void modbus_refused_add(struct modbus_refused *refused, const struct sensor_block *block,
			uint8_t exception, wy_ms now_ms)
{
	struct modbus_refusal *item = renew(refused, block);

	item->exception = exception;
	item->why = WY_WHY_EXCEPTION;
	item->retry_ms = now_ms + RETRY_MS;
}

void modbus_refused_miss(struct modbus_refused *refused, const struct sensor_block *block,
			 enum wy_why why, wy_ms now_ms)
{
	struct modbus_refusal *item = renew(refused, block);

	item->exception = 0;
	item->why = why;
	item->misses++;
	item->retry_ms = item->misses < WY_MODBUS_MISSES_MAX ? now_ms : now_ms + RETRY_MS;
}

const struct modbus_refusal *modbus_refused_at(const struct modbus_refused *refused,
					       const struct sensor_block *block, wy_ms now_ms)
{
	size_t i = find(refused, block);

	return i < refused->n && refused->item[i].retry_ms > now_ms ? &refused->item[i] : NULL;
}
