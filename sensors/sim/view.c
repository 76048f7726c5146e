/* view.c: see view.h. An address goes through the misbehaviours of the map first (which register did
 * the reader mean, is there one), then the words that stand there through those of values. */
#include "view.h"

#include <string.h>

static bool is_bits(enum sensor_area area)
{
	return area == SENSOR_COIL || area == SENSOR_DISCRETE;
}

/* Where the device looks when it is asked for an address. False: below its first one. */
static bool translate(const struct sim_device *device, enum sensor_area *area, uint32_t *first)
{
	static const enum sensor_area others[] = {
		[SENSOR_COIL] = SENSOR_DISCRETE,
		[SENSOR_DISCRETE] = SENSOR_COIL,
		[SENSOR_INPUT] = SENSOR_HOLDING,
		[SENSOR_HOLDING] = SENSOR_INPUT,
	};

	if (sim_device_is(device, SIM_QUIRK_other_area))
		*area = others[*area];
	if (!sim_device_is(device, SIM_QUIRK_off_by_one))
		return true;
	if (*first == 0)
		return false;
	--*first;
	return true;
}

static bool overlaps(const struct sensor_profile_point *point, enum sensor_area area, uint32_t first,
		     uint32_t count)
{
	return point->area == area && point->address < first + count &&
	       first < (uint32_t)point->address + sim_words(point);
}

bool sim_device_covers(const struct sim_device *device, enum sensor_area area, uint32_t first,
		       uint32_t count, const struct sensor_profile_point *point)
{
	return translate(device, &area, &first) && overlaps(point, area, first, count);
}

static const struct sim_span *span_of(const struct sim_device *device, enum sensor_area area,
				      uint32_t first, uint32_t count)
{
	for (size_t i = 0; i < device->n_spans; i++) {
		const struct sim_span *span = &device->spans[i];
		if (span->area == area && first >= span->first && first + count <= span->end)
			return span;
	}
	return NULL;
}

/* ---- Addresses that are not there ------------------------------------------------------------- */

static bool meets_illegal(const struct sim_device *device, uint32_t first, uint32_t count)
{
	int64_t at = device->armed[SIM_QUIRK_illegal].arg;

	return sim_device_is(device, SIM_QUIRK_illegal) && at >= first && at < (int64_t)first + count;
}

static bool meets_lacking(const struct sim_device *device, enum sensor_area area, uint32_t first,
			  uint32_t count)
{
	if (!sim_device_is(device, SIM_QUIRK_lacks))
		return false;
	for (size_t i = 0; i < device->profile->n_points; i++)
		if (sim_device_concerns(device, SIM_QUIRK_lacks, i) &&
		    overlaps(&device->profile->points[i], area, first, count))
			return true;
	return false;
}

static bool meets_hole(const struct sim_device *device, enum sensor_area area, uint32_t first,
		       uint32_t count)
{
	if (!sim_device_is(device, SIM_QUIRK_holes))
		return false;
	for (uint32_t at = first; at < first + count; at++) {
		size_t i = 0;

		while (i < device->profile->n_points &&
		       !overlaps(&device->profile->points[i], area, at, 1))
			i++;
		if (i == device->profile->n_points)
			return true;
	}
	return false;
}

/* ---- Words that are not what was written ------------------------------------------------------ */

/* What one point of several registers shows, written over those of the words that are its own. */
static void show_long(const struct sensor_profile_point *point, const uint16_t *shown, uint32_t first,
		      uint32_t count, uint16_t *words)
{
	for (uint32_t i = 0; i < sim_words(point); i++) {
		uint32_t at = point->address + i;
		if (at >= first && at < first + count)
			words[at - first] = shown[i];
	}
}

/* Values that are stuck or latched, written over those that go on. */
static void show_held(const struct sim_device *device, const uint16_t *all, const struct sim_span *span,
		      uint32_t first, uint32_t count, uint16_t *words)
{
	for (size_t i = 0; i < device->profile->n_points; i++) {
		const struct sensor_profile_point *point = &device->profile->points[i];
		uint16_t shown[SIM_WORDS_MAX];

		if (!device->is_held[i] || !overlaps(point, span->area, first, count))
			continue;
		for (uint32_t k = 0; k < sim_words(point); k++) {
			uint32_t at = point->address + k;
			bool is_asked = at >= first && at < first + count;
			shown[k] = is_asked ? words[at - first] : all[at - span->first];
		}
		if (sim_encode(point, &device->shown[i], sim_device_ratio(device, point), shown) == WY_OK)
			show_long(point, shown, first, count, words);
	}
}

static bool is_long_number(const struct sensor_profile_point *point)
{
	return !is_bits(point->area) && sim_words(point) > 1 && point->encoding != SENSOR_TEXT;
}

static void swap_words(const struct sim_device *device, const uint16_t *all, const struct sim_span *span,
		       uint32_t first, uint32_t count, uint16_t *words)
{
	for (size_t i = 0; i < device->profile->n_points; i++) {
		const struct sensor_profile_point *point = &device->profile->points[i];
		uint16_t shown[SIM_WORDS_MAX];
		unsigned n = sim_words(point);

		if (!is_long_number(point) || !overlaps(point, span->area, first, count))
			continue;
		for (unsigned k = 0; k < n; k++)
			shown[k] = all[point->address + (n - 1 - k) - span->first];
		show_long(point, shown, first, count, words);
	}
}

/* Registers are copied one after the other while the value goes on: the first half is older. */
static bool tear(const struct sim_device *device, const struct sim_span *span, uint32_t first,
		 uint32_t count, uint16_t *words)
{
	bool is_torn = false;

	for (size_t i = 0; i < device->profile->n_points; i++) {
		const struct sensor_profile_point *point = &device->profile->points[i];
		unsigned half = sim_words(point) / 2;
		size_t at = point->address - span->first;

		if (!is_long_number(point) || !overlaps(point, span->area, first, count) ||
		    memcmp(span->before + at, span->words + at, half * sizeof(uint16_t)) == 0)
			continue;
		uint16_t shown[SIM_WORDS_MAX];
		memcpy(shown, span->words + at, sim_words(point) * sizeof(uint16_t));
		memcpy(shown, span->before + at, half * sizeof(uint16_t));
		show_long(point, shown, first, count, words);
		is_torn = true;
	}
	return is_torn;
}

bool sim_device_read(struct sim_device *device, enum sensor_area area, uint32_t first,
		     uint32_t count, uint16_t *ret_words)
{
	int64_t arg;

	if (meets_illegal(device, first, count) || !translate(device, &area, &first))
		return false;
	const struct sim_span *span = span_of(device, area, first, count);
	if (!span || meets_lacking(device, area, first, count) ||
	    meets_hole(device, area, first, count))
		return false;
	if (sim_device_is(device, SIM_QUIRK_reboot)) {
		memset(ret_words, 0, count * sizeof(uint16_t));
		return true;
	}
	const uint16_t *all = sim_device_is(device, SIM_QUIRK_frozen) ? span->frozen : span->words;
	memcpy(ret_words, all + (first - span->first), count * sizeof(uint16_t));
	show_held(device, all, span, first, count, ret_words);
	if ((device->armed[SIM_QUIRK_tear].left || device->armed[SIM_QUIRK_tear].is_on) &&
	    tear(device, span, first, count, ret_words))
		(void)!sim_quirk_take(device->armed, SIM_QUIRK_tear, &arg);
	if (sim_device_is(device, SIM_QUIRK_swap_words))
		swap_words(device, all, span, first, count, ret_words);
	if (sim_device_is(device, SIM_QUIRK_swap_bytes) && !is_bits(area))
		for (uint32_t i = 0; i < count; i++)
			ret_words[i] = (uint16_t)(ret_words[i] << 8 | ret_words[i] >> 8);
	return true;
}
