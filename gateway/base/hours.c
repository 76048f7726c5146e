/* hours.c: see hours.h. */
#include "hours.h"

#include <string.h>

#include "fields.h"
#include "number.h"

struct hours_fields {
	const char *from, *to, *tz, *except;
	const struct wy_node *days;
};

static const struct wy_field hours_rows[] = {
	{"from", WY_FIELD_TEXT, offsetof(struct hours_fields, from), true, 0, 0, NULL, "local time, \"22:00\""},
	{"to", WY_FIELD_TEXT, offsetof(struct hours_fields, to), true, 0, 0, NULL, "local time, \"06:00\""},
	{"tz", WY_FIELD_TEXT, offsetof(struct hours_fields, tz), false, 0, 0, NULL, "building"},
	{"days", WY_FIELD_NODE, offsetof(struct hours_fields, days), false, 0, 0, NULL, "mon-fri, or a list"},
	{"except", WY_FIELD_TEXT, offsetof(struct hours_fields, except), false, 0, 0, NULL, "holidays"},
};

/* "hh:mm" up to 24:00, in seconds; -1: not a time of day. */
static int32_t clock_of(const char *text)
{
	int64_t hour;
	int64_t minute;
	const char *colon = strchr(text, ':');

	if (!colon || wy_parse_int(text, (size_t)(colon - text), &hour) || strlen(colon) != 3 ||
	    wy_parse_int(colon + 1, 2, &minute))
		return -1;
	if (hour < 0 || hour > 24 || minute < 0 || minute > 59 || hour * 60 + minute > 1440)
		return -1;
	return (int32_t)(hour * 3600 + minute * 60);
}

static int weekday_of(const char *text, size_t len)
{
	static const char days[] = "montuewedthufrisatsun";

	for (int i = 0; i < 7; i++)
		if (len == 3 && memcmp(text, days + 3 * i, 3) == 0)
			return i;
	return -1;
}

/* "sat" or "mon-fri" (also over the week's end: "sat-mon"); 0: neither. */
static uint8_t days_of(const struct wy_node *node)
{
	if (node->kind != WY_NODE_SCALAR)
		return 0;
	const char *dash = strchr(node->text, '-');
	size_t first_len = dash ? (size_t)(dash - node->text) : node->len;
	int first = weekday_of(node->text, first_len);
	int last = dash ? weekday_of(dash + 1, strlen(dash + 1)) : first;
	uint8_t days = 0;
	if (first < 0 || last < 0)
		return 0;
	for (int day = first;; day = (day + 1) % 7) {
		days = (uint8_t)(days | 1u << day);
		if (day == last)
			return days;
	}
}

static uint8_t read_days(const struct wy_node *node, struct wy_diags *diags)
{
	uint8_t days = 0;

	if (!node)
		return 0x7F;
	const struct wy_node *first = node->kind == WY_NODE_SEQ ? node->child : node;
	for (const struct wy_node *m = first; m; m = node->kind == WY_NODE_SEQ ? m->next : NULL) {
		uint8_t some = days_of(m);
		if (!some)
			wy_diag_add(diags, WY_DIAG_ERROR, "E105", m, 0, "expected days such as mon, mon-fri or [mon, wed], found '%s'",
				 m->kind == WY_NODE_SCALAR ? m->text : wy_node_kind_text(m));
		days |= some;
	}
	return days;
}

enum wy_err wy_hours_read(const struct wy_node *node, struct wy_hours *ret_hours, struct wy_diags *diags)
{
	struct hours_fields fields = {0};
	size_t errors = diags->errors;

	if (wy_fields_read(node, hours_rows, sizeof(hours_rows) / sizeof(*hours_rows), &fields, diags))
		return WY_E_INVALID;
	ret_hours->from_s = clock_of(fields.from);
	ret_hours->to_s = clock_of(fields.to);
	if (ret_hours->from_s < 0 || ret_hours->from_s == 86400)
		wy_diag_add(diags, WY_DIAG_ERROR, "E105", wy_node_get(node, "from"), 0, "expected a time such as \"22:00\", found '%s'", fields.from);
	if (ret_hours->to_s < 0)
		wy_diag_add(diags, WY_DIAG_ERROR, "E105", wy_node_get(node, "to"), 0, "expected a time such as \"06:00\", found '%s'", fields.to);
	if (ret_hours->to_s == ret_hours->from_s)
		wy_diag_add(diags, WY_DIAG_ERROR, "E105", wy_node_get(node, "to"), 0, "'from' and 'to' are equal; a whole day is \"00:00\" to \"24:00\"");
	if (fields.tz && strcmp(fields.tz, "building") != 0)
		wy_diag_add(diags, WY_DIAG_ERROR, "E105", wy_node_get(node, "tz"), 0, "expected 'building', found '%s'", fields.tz);
	if (fields.except && strcmp(fields.except, "holidays") != 0)
		wy_diag_add(diags, WY_DIAG_ERROR, "E105", wy_node_get(node, "except"), 0, "expected 'holidays', found '%s'", fields.except);
	ret_hours->is_except_holidays = fields.except;
	ret_hours->days = read_days(fields.days, diags);
	return diags->errors > errors ? WY_E_INVALID : WY_OK;
}
