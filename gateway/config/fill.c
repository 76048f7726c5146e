/* fill.c: the fields of texts for residents: which there are, and how they are filled. */
#include "loading.h"

#include <string.h>

static const char *const field_names[] = {"building", "asset", "unit",	       "floor",
					  "eta",      "dept",  "alternatives", NULL};

enum field {
	FIELD_BUILDING,
	FIELD_ASSET,
	FIELD_UNIT,
	FIELD_FLOOR,
	FIELD_ETA,
	FIELD_DEPT,
	FIELD_ALTERNATIVES,
	FIELD_COUNT
};

static const char *field_at(const void *arg, size_t i)
{
	(void)arg;
	return field_names[i];
}

static size_t field_find(const char *text, size_t len)
{
	size_t i = 0;

	while (i < FIELD_COUNT &&
	       (strlen(field_names[i]) != len || memcmp(field_names[i], text, len) != 0))
		i++;
	return i;
}

void check_fields(struct loading *l, const struct wy_node *text)
{
	char found[40];

	if (!text || text->kind != WY_NODE_SCALAR)
		return;
	for (const char *open = strchr(text->text, '{'); open; open = strchr(open + 1, '{')) {
		size_t at = (size_t)(open - text->text);
		const char *end = strchr(open, '}');
		if (!end) {
			wy_diag_add(l->diags, WY_DIAG_ERROR, "E607", text, at,
				    "a field starts here and has no '}'");
			return;
		}
		size_t len = (size_t)(end - open) - 1;
		if (field_find(open + 1, len) < FIELD_COUNT)
			continue;
		struct wy_buf buf;
		wy_buf_init(&buf, found, sizeof(found));
		wy_buf_addn(&buf, open + 1, len);
		loading_unknown(l, text, at + 1, "field", found, FIELD_COUNT, field_at, NULL);
	}
}

static bool ends_with(const char *text, const char *end)
{
	size_t len = strlen(text), end_len = strlen(end);

	return len >= end_len && strcmp(text + len - end_len, end) == 0;
}

/* "3A" is 3A栋 to a reader; "3A栋" and "5号楼" are so already. */
static void add_place(struct wy_buf *buf, const char *value, const char *suffix, const char *also,
		      const char *prefix, bool is_zh)
{
	if (!value || !*value)
		return;
	if (!is_zh)
		wy_buf_addf(buf, "%s %s", prefix, value);
	else
		wy_buf_addf(buf, "%s%s", value,
			    ends_with(value, suffix) || ends_with(value, also) ? "" : suffix);
}

static void add_alternatives(const struct config *config, const struct config_asset *detail,
			     struct wy_buf *buf, bool is_zh)
{
	for (size_t i = 0; i < detail->n_alternatives; i++) {
		const struct wy_asset *asset = &config->assets[detail->alternatives[i]];
		wy_buf_addf(buf, "%s%s", i ? (is_zh ? "、" : ", ") : "",
			    is_zh ? asset->name_zh : asset->name_en);
	}
}

void config_fill(const struct config *config, uint32_t asset, const struct config_fault *fault,
		 const char *text, const char *lang, const char *eta, struct wy_buf *buf)
{
	const struct wy_asset *a = &config->assets[asset];
	const struct config_asset *detail = &config->details[asset];
	bool is_zh = strcmp(lang, "zh") == 0;

	while (*text) {
		size_t plain = strcspn(text, "{");
		wy_buf_addn(buf, text, plain);
		text += plain;
		const char *end = *text ? strchr(text, '}') : NULL;
		if (!end) {
			wy_buf_add(buf, text);
			return;
		}
		switch ((enum field)field_find(text + 1, (size_t)(end - text) - 1)) {
		case FIELD_BUILDING:
			add_place(buf, detail->place.building, "栋", "楼", "building", is_zh);
			break;
		case FIELD_ASSET:
			wy_buf_add(buf, is_zh ? a->name_zh : a->name_en);
			break;
		case FIELD_UNIT:
			add_place(buf, detail->place.unit, "单元", "门", "unit", is_zh);
			break;
		case FIELD_FLOOR:
			add_place(buf, detail->place.floor, "层", "楼", "floor", is_zh);
			break;
		case FIELD_ETA:
			wy_buf_add(buf, eta ? eta : "");
			break;
		case FIELD_DEPT:
			wy_buf_add(buf, is_zh ? fault->primary->zh : fault->primary->en);
			break;
		case FIELD_ALTERNATIVES:
			add_alternatives(config, detail, buf, is_zh);
			break;
		case FIELD_COUNT:
			break;
		}
		text = end + 1;
	}
}
