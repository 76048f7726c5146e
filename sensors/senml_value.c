/* senml_value.c: the value of a SenML record as the profile's point declares it.
 *
 * Units: SenML has a registry of its own (RFC 8428 12.1, secondary units RFC 8798); a row says
 * which unit of ours it is, and how to get there. */
#include <math.h>
#include <string.h>

#include "judge.h"
#include "senml.h"

#define OLDEST_S 268435456.0 /* 2^28 */

struct unit_row {
	const char *senml;
	const char *ours; /* NULL: a bare number */
	double scale, offset;
};

static const struct unit_row unit_rows[] = {
	{"m", "m", 1, 0},	{"mm", "mm", 1, 0},	   {"cm", "cm", 1, 0},
	{"km", "km", 1, 0},	{"kg", "kg", 1, 0},	   {"g", "kg", 1e-3, 0},
	{"s", "s", 1, 0},	{"ms", "ms", 1, 0},	   {"min", "min", 1, 0},
	{"h", "h", 1, 0},	{"A", "A", 1, 0},	   {"mA", "mA", 1, 0},
	{"uA", "uA", 1, 0},	{"V", "V", 1, 0},	   {"mV", "mV", 1, 0},
	{"Ohm", "ohm", 1, 0},	{"W", "W", 1, 0},	   {"kW", "W", 1e3, 0},
	{"N", "N", 1, 0},	{"Hz", "Hz", 1, 0},	   {"1/min", "per_min", 1, 0},
	{"Cel", "degC", 1, 0},	{"K", "degC", 1, -273.15}, {"Pa", "Pa", 1, 0},
	{"hPa", "mbar", 1, 0},	{"kPa", "kPa", 1, 0},	   {"MPa", "MPa", 1, 0},
	{"bar", "bar", 1, 0},	{"mbar", "mbar", 1, 0},	   {"%RH", "%", 1, 0},
	{"%EL", "%", 1, 0},	{"%", "%", 1, 0},	   {"/", "%", 100, 0},
	{"EL", NULL, 1, 0},	{"count", NULL, 1, 0},	   {"l", "L", 1, 0},
	{"m3", "m3", 1, 0},	{"l/s", "L/min", 60, 0},   {"m3/s", "m3/h", 3600, 0},
	{"m3/h", "m3/h", 1, 0}, {"m/s", "m/s", 1, 0},	   {"mm/s", "mm/s", 1, 0},
	{"m/s2", "m/s2", 1, 0}, {"ppm", "ppm", 1, 0},
};

static const struct unit_row *find_unit(const char *name)
{
	for (size_t i = 0; i < sizeof(unit_rows) / sizeof(unit_rows[0]); i++)
		if (strcmp(unit_rows[i].senml, name) == 0)
			return &unit_rows[i];
	return NULL;
}

/* Kelvin is the scale of degC for points that mean a difference (dK), without the offset. */
static double convert(const struct unit_row *row, const struct wy_unit *from,
		      const struct wy_unit *to, double number)
{
	double offset = to && to->is_absolute ? row->offset : 0;

	return (number * row->scale + offset) * wy_unit_ratio(from, to);
}

static void number_sample(const struct senml_record *record,
			  const struct sensor_profile_point *point, struct wy_sample *sample)
{
	struct sensor_raw raw = {.real = record->number};
	/* A unit matters only where the point has one; a flag "in count" is still a flag. */
	const char *unit = point->unit ? record->unit : NULL;
	const struct unit_row *row = unit ? find_unit(unit) : NULL;
	bool is_flag = point->type == WY_TYPE_BOOL;

	if (is_flag && record->number != 0 && record->number != 1) {
		sensor_judge_bad(WY_WHY_PAYLOAD, sample);
		return;
	}
	if (row) {
		const struct wy_unit *from =
			row->ours ? wy_unit_find(row->ours, strlen(row->ours)) : NULL;
		if (!wy_unit_is_alike(from, point->unit)) {
			sensor_judge_bad(WY_WHY_PAYLOAD, sample);
			return;
		}
		raw.is_value = true;
		raw.real = convert(row, from, point->unit, record->number);
	}
	sensor_judge(point, &raw, sample);
	if (unit && !row && sample->quality == WY_Q_GOOD) {
		sample->quality = WY_Q_UNCERTAIN;
		sample->why = WY_WHY_SOURCE;
	}
}

static void bool_sample(const struct senml_record *record, const struct sensor_profile_point *point,
			struct wy_sample *sample)
{
	struct sensor_raw raw = {.is_whole = true, .whole = record->flag};

	/* A truth value is no measurement: only flags and two-valued enums understand it. */
	if (point->type != WY_TYPE_BOOL && point->type != WY_TYPE_ENUM) {
		sensor_judge_bad(WY_WHY_PAYLOAD, sample);
		return;
	}
	sensor_judge(point, &raw, sample);
}

static void text_sample(const struct senml_record *record, const struct sensor_profile_point *point,
			struct wy_sample *sample)
{
	if (point->type != WY_TYPE_ENUM) {
		sensor_judge_bad(WY_WHY_PAYLOAD, sample);
		return;
	}
	size_t i = 0;
	while (i < point->n_values && strcmp(point->values[i], record->text) != 0)
		i++;
	sensor_judge_index(point, i, sample);
}

/* Two's complement, most significant byte first. */
static int64_t whole_of(const uint8_t *bytes, size_t n)
{
	uint64_t whole = bytes[0] & 0x80 ? UINT64_MAX : 0;

	for (size_t i = 0; i < n; i++)
		whole = whole << 8 | bytes[i];
	return (int64_t)whole;
}

static double real_of(const uint8_t *bytes, size_t n)
{
	uint64_t bits = (uint64_t)whole_of(bytes, n);
	uint32_t half = (uint32_t)bits;
	float single;
	double real;

	memcpy(&single, &half, sizeof(single));
	memcpy(&real, &bits, sizeof(real));
	return n == sizeof(single) ? (double)single : real;
}

static void bytes_sample(const struct senml_record *record,
			 const struct sensor_profile_point *point, struct wy_sample *sample)
{
	const uint8_t *bytes = (const uint8_t *)record->text;
	size_t n = record->n_bytes;
	bool is_float = point->type == WY_TYPE_REAL && (n == 4 || n == 8);
	struct sensor_raw raw = {.is_whole = !is_float};

	if ((n != 1 && n != 2 && n != 4 && n != 8) ||
	    (point->type == WY_TYPE_BOOL && (n != 1 || bytes[0] > 1))) {
		sensor_judge_bad(WY_WHY_PAYLOAD, sample);
		return;
	}
	raw.whole = whole_of(bytes, n);
	raw.real = is_float ? real_of(bytes, n) : 0;
	sensor_judge(point, &raw, sample);
}

static void other_sample(const struct senml_record *record,
			 const struct sensor_profile_point *point, struct wy_sample *sample)
{
	(void)record;
	(void)point;
	sensor_judge_bad(WY_WHY_PAYLOAD, sample);
}

/* RFC 8428 4.5.3: a time below 2^28 is relative to now, so a negative one says how old the value
 * is. Later ones tell a wall clock, which nobody here knows, or a future that is not believed. */
static wy_ms measured_ms(const struct senml_record *record, wy_ms now_ms)
{
	double age_s = record->time_s < 0 ? -record->time_s : 0;

	return now_ms - (wy_ms)((age_s < OLDEST_S ? age_s : OLDEST_S) * 1000);
}

void senml_sample(const struct senml_record *record, const struct sensor_profile_point *point,
		  uint32_t index, wy_ms now_ms, struct wy_sample *ret_sample)
{
	static void (*const samples[])(const struct senml_record *,
				       const struct sensor_profile_point *, struct wy_sample *) = {
		[SENML_NUMBER] = number_sample,
		[SENML_BOOL] = bool_sample,
		[SENML_TEXT] = text_sample,
		[SENML_BYTES] = bytes_sample,
		[SENML_OTHER] = other_sample,
	};

	*ret_sample = (struct wy_sample){.point = index, .at_ms = measured_ms(record, now_ms)};
	samples[record->kind](record, point, ret_sample);
}
