/* modbus_texts.c: names, versions and the like, for the person who asked for this device (driver.h, ask). They come after
 * the values of such a poll, one read each, and are no part of it: a text that is refused or does not come is left out, and
 * after one that does not come no other is asked for. */
#include <string.h>

#include "../decode.h"
#include "modbus_wire.h"

static size_t count(const struct sensor_profile *profile)
{
	size_t n = 0;

	for (size_t p = 0; p < profile->n_points; p++)
		n += sensor_point_is_text(&profile->points[p]);
	return n;
}

enum wy_err modbus_texts_init(struct modbus_wire *wire, struct wy_arena *arena)
{
	size_t most = 0;

	for (size_t d = 0; d < wire->n_devices; d++) {
		size_t n = count(wire->devices[d].conf->profile);
		most = n > most ? n : most;
	}
	if (!most)
		return WY_OK;
	wire->texts = wy_arena_array(arena, most, sizeof(*wire->texts));
	wire->text_bytes = wy_arena_array(arena, most, sizeof(*wire->text_bytes));
	return wire->texts && wire->text_bytes ? WY_OK : WY_E_NOMEM;
}

bool modbus_texts_next(struct modbus_wire *wire)
{
	struct modbus_poll *poll = &wire->poll;
	const struct sensor_profile *profile = poll->profile;

	if (!poll->device->is_asked)
		return false;
	while (poll->next_text < profile->n_points && !sensor_point_is_text(&profile->points[poll->next_text]))
		poll->next_text++;
	if (poll->next_text == profile->n_points)
		return false;
	poll->part[0] = sensor_plan_alone(&poll->device->plan, poll->next_text++);
	poll->n_parts = 1;
	poll->at_part = 0;
	poll->is_text = true;
	return true;
}

static void list_text(struct modbus_wire *wire, const struct modbus_answer *answer)
{
	struct modbus_poll *poll = &wire->poll;
	struct sensor_report *report = &poll->report;
	const struct sensor_block *block = &poll->part[0];
	uint32_t point = poll->next_text - 1;
	char *text = wire->text_bytes[report->n_texts];
	uint16_t words[MODBUS_WORDS_MAX];
	struct sensor_window window = {block->area, block->address, block->count, words, answer->data};

	modbus_answer_words(answer, words);
	(void)sensor_text(&poll->profile->points[point], &window, text);
	wire->texts[report->n_texts++] = (struct sensor_text_said){point, text};
	report->texts = wire->texts;
}

bool modbus_texts_take(struct modbus_wire *wire, enum wy_err err, const struct modbus_answer *answer)
{
	if (!err && !answer->exception)
		list_text(wire, answer);
	wire->poll.n_parts = 0;
	return !err;
}
