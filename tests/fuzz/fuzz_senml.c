/* fuzz_senml.c: any bytes as a payload: a pack within its ceilings, whose records give samples within their ranges, or a
 * refusal that leaves the pack empty. The first byte chooses the form. */
#include <stdlib.h>
#include <string.h>

#include "senml.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static enum wy_err read_tlv(const void *payload, size_t len, struct senml_pack *pack)
{
	return senml_read_tlv("/3303/0/5700", payload, len, pack);
}

static void judge(const struct senml_record *record)
{
	static const enum wy_type types[] = {WY_TYPE_BOOL, WY_TYPE_INT, WY_TYPE_REAL, WY_TYPE_ENUM, WY_TYPE_COUNTER};
	static const char *const values[] = {"A", "B"};
	static const int64_t raws[] = {0, 1};

	for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++) {
		struct sensor_profile_point point = {.type = types[i], .scale = 1, .has_range = true, .lo = -5, .hi = 100};
		struct wy_sample sample;
		if (types[i] == WY_TYPE_ENUM) {
			point.values = values;
			point.values_raw = raws;
			point.n_values = 2;
		}
		senml_sample(record, &point, 3, 1000, &sample);
		if (sample.point != 3 || sample.at_ms > 1000 || sample.quality > WY_Q_STALE)
			abort();
		bool is_real = types[i] == WY_TYPE_REAL && wy_quality_is_usable(sample.quality);
		if (is_real && !(sample.real >= -5 && sample.real <= 100))
			abort();
		if (types[i] == WY_TYPE_ENUM && wy_quality_is_usable(sample.quality) && (uint64_t)sample.whole > 1)
			abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static enum wy_err (*const forms[])(const void *, size_t, struct senml_pack *) = {
		senml_read_json, senml_read_cbor, senml_read_lwm2m_json, read_tlv, senml_read_text};
	static struct senml_pack pack;
	const struct senml_record *found;

	if (!size)
		return 0;
	/* Exactly as long as it is, so that a byte too many is seen. */
	uint8_t *payload = malloc(size - 1);
	if (size > 1)
		memcpy(payload, data + 1, size - 1);
	enum wy_err err = forms[data[0] % 5](payload, size - 1, &pack);
	free(payload);
	if ((err && pack.n) || pack.n > WY_SENML_RECORDS_MAX || pack.used > sizeof(pack.text))
		abort();
	for (size_t i = 0; i < pack.n; i++) {
		judge(&pack.record[i]);
		if (senml_find(&pack, pack.record[i].name, &found) == WY_OK && !found)
			abort();
	}
	return 0;
}
