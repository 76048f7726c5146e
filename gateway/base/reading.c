/* reading.c: the words for qualities and for reasons (reading.def). */
#include "reading.h"

const char *wy_quality_text(uint8_t quality)
{
	static const char *const texts[] = {"never", "good", "uncertain", "bad", "stale"};

	return quality < sizeof(texts) / sizeof(*texts) ? texts[quality] : "?";
}

const char *wy_why_text(uint8_t why)
{
	static const char *const texts[] = {
#define WY_WHY(name, text) text,
#include "reading.def"
#undef WY_WHY
	};

	return why < WY_WHY_COUNT ? texts[why] : "?";
}
