/* doc_parts.c: who, where and what to do: from the site and the catalogue into the ticket. */
#include "doc_parts.h"

#include <string.h>

#include "stamp.h"

#define NOTICE_CHARS 500u

static bool ends_with(const char *text, const char *end)
{
	size_t len = strlen(text), end_len = strlen(end);

	return len >= end_len && strcmp(text + len - end_len, end) == 0;
}

static void add_zh(struct wy_buf *buf, const char *value, const char *suffix)
{
	if (value && *value)
		wy_buf_addf(buf, "%s%s", value, ends_with(value, suffix) ? "" : suffix);
}

static void add_en(struct wy_buf *buf, const char *label, const char *value)
{
	if (value && *value)
		wy_buf_addf(buf, "%s%s%s", buf->len > 0 ? ", " : "", label, value);
}

void doc_place_text(const struct config_place *place, const char *lang, struct wy_buf *buf)
{
	if (strcmp(lang, "zh") == 0) {
		add_zh(buf, place->area, "");
		add_zh(buf, place->building, "栋");
		add_zh(buf, place->unit, "单元");
		add_zh(buf, place->floor, "层");
		add_zh(buf, place->room, "");
		return;
	}
	add_en(buf, "building ", place->building);
	add_en(buf, "unit ", place->unit);
	add_en(buf, "floor ", place->floor);
	add_en(buf, "", place->room);
	add_en(buf, "", place->area);
}

static const struct config_asset *detail_of(const struct ticket_context *context)
{
	return &context->config->details[context->asset];
}

json_t *doc_location(struct json_build *build, const struct ticket_context *context)
{
	const struct config_place *place = &detail_of(context)->place;
	json_t *location = json_build_object(build);
	char text[512];
	struct wy_buf buf;

	json_build_text(build, location, "area", place->area);
	json_build_text(build, location, "building", place->building);
	json_build_text(build, location, "unit", place->unit);
	json_build_text(build, location, "floor", place->floor);
	json_build_text(build, location, "room", place->room);
	json_build_text(build, location, "space", place->space);
	json_build_bool(build, location, "public_area", place->is_public);
	wy_buf_init(&buf, text, sizeof(text));
	doc_place_text(place, "zh", &buf);
	json_build_text(build, location, "text_zh", text);
	wy_buf_init(&buf, text, sizeof(text));
	doc_place_text(place, "en", &buf);
	json_build_text(build, location, "text_en", text);
	return location;
}

static json_t *units_of(struct json_build *build, const struct config_asset *detail)
{
	json_t *units = json_build_array(build);

	for (size_t i = 0; i < detail->n_affected_units; i++)
		json_build_add(build, units, json_string(detail->affected_units[i]));
	return units;
}

json_t *doc_affected(struct json_build *build, const struct ticket_context *context)
{
	const struct config_asset *detail = detail_of(context);
	json_t *affected = json_build_object(build);
	json_t *alternatives = json_build_array(build);

	json_build_set(build, affected, "units", units_of(build, detail));
	json_build_set(build, affected, "households_est",
		       detail->affected_households < 0 ? json_null()
						       : json_integer(detail->affected_households));
	for (size_t i = 0; i < detail->n_alternatives; i++)
		json_build_add(build, alternatives,
			       json_string(context->config->assets[detail->alternatives[i]].id));
	json_build_set(build, affected, "alternatives", alternatives);
	return affected;
}

static bool read_digits(const char *text, size_t n, unsigned *ret_value)
{
	unsigned value = 0;

	for (size_t i = 0; i < n; i++) {
		if (text[i] < '0' || text[i] > '9')
			return false;
		value = value * 10 + (unsigned)(text[i] - '0');
	}
	*ret_value = value;
	return true;
}

/* Whole years since YYYY-MM-DD; null where that is not known. */
static json_t *age_of(const char *installed, wy_ms wall_ms)
{
	struct wy_date today = wy_date_of(wall_ms / ((wy_ms)24 * 3600 * 1000));
	unsigned year, month, day;
	int64_t age;

	if (!installed || strlen(installed) != 10 || !read_digits(installed, 4, &year) ||
	    !read_digits(installed + 5, 2, &month) || !read_digits(installed + 8, 2, &day))
		return json_null();
	age = today.year - year -
	      (today.month < month || (today.month == month && today.day < day));
	return age < 0 ? json_null() : json_integer(age);
}

json_t *doc_asset(struct json_build *build, const struct ticket_context *context)
{
	const struct wy_asset *asset = &context->config->assets[context->asset];
	const struct config_asset *detail = detail_of(context);
	json_t *object = json_build_object(build);

	json_build_text(build, object, "id", asset->id);
	json_build_text(build, object, "name", asset->name_zh);
	json_build_text(build, object, "name_en", asset->name_en);
	json_build_text(build, object, "class", context->config->classes[asset->class_index].id);
	json_build_text(build, object, "make", detail->make);
	json_build_text(build, object, "model", detail->model);
	json_build_text(build, object, "install_date", detail->installed);
	json_build_set(build, object, "age_years", age_of(detail->installed, context->now.wall_ms));
	json_build_text(build, object, "regulator_code", detail->regulator_code);
	return object;
}

static void set_due(struct json_build *build, json_t *object, const struct ticket *ticket,
		    wy_ms within_ms)
{
	json_build_time(build, object, "due",
			within_ms == WY_MS_NEVER ? 0 : ticket->opened.wall_ms + within_ms);
}

json_t *doc_support(struct json_build *build, const struct ticket *ticket,
		    const struct ticket_context *context)
{
	json_t *list = json_build_array(build);

	for (size_t i = 0; i < context->fault->n_support; i++) {
		const struct config_support *support = &context->fault->support[i];
		json_t *object = json_build_object(build);

		json_build_text(build, object, "dept", support->dept->id);
		json_build_text(build, object, "dept_zh", support->dept->zh);
		json_build_text(build, object, "dept_en", support->dept->en);
		json_build_text(build, object, "task", support->task.zh);
		json_build_text(build, object, "task_en", support->task.en);
		set_due(build, object, ticket, support->within_ms);
		json_build_add(build, list, object);
	}
	return list;
}

json_t *doc_vendor(struct json_build *build, const struct ticket *ticket,
		   const struct config_vendor *vendor, wy_ms within_ms)
{
	json_t *object;
	wy_ms arrive_ms;

	if (!vendor)
		return json_null();
	object = json_build_object(build);
	arrive_ms = vendor->arrive_ms < within_ms ? vendor->arrive_ms : within_ms;
	json_build_text(build, object, "id", vendor->id);
	json_build_text(build, object, "role", vendor->role);
	json_build_text(build, object, "name", vendor->name);
	json_build_text(build, object, "phone", vendor->phone);
	json_build_text(build, object, "contract_no", vendor->contract_no);
	json_build_set(build, object, "sla_arrive_min",
		       arrive_ms == WY_MS_NEVER ? json_null() : json_integer(arrive_ms / 60000));
	set_due(build, object, ticket, arrive_ms);
	return object;
}

json_t *doc_steps(struct json_build *build, const struct ticket *ticket,
		  const struct ticket_context *context)
{
	json_t *list = json_build_array(build);

	for (size_t i = 0; i < context->fault->n_steps; i++) {
		const struct config_step *step = &context->fault->steps[i];
		json_t *object = json_build_object(build);

		json_build_int(build, object, "n", (int64_t)i + 1);
		json_build_text(build, object, "text", step->text.zh);
		json_build_text(build, object, "text_en", step->text.en);
		json_build_text(build, object, "role", step->role ? step->role->id : NULL);
		json_build_text(build, object, "role_zh", step->role ? step->role->zh : NULL);
		set_due(build, object, ticket, step->within_ms);
		json_build_add(build, list, object);
	}
	return list;
}

json_t *doc_causes(struct json_build *build, const struct ticket_context *context)
{
	json_t *list = json_build_array(build);

	for (size_t i = 0; i < context->fault->n_causes; i++) {
		json_t *object = json_build_object(build);

		json_build_text(build, object, "zh", context->fault->causes[i].zh);
		json_build_text(build, object, "en", context->fault->causes[i].en);
		json_build_add(build, list, object);
	}
	return list;
}

json_t *doc_notice(struct json_build *build, const struct ticket *ticket,
		   const struct ticket_context *context)
{
	/* What is over needs no apology any more. */
	bool is_silent = !ticket->is_open || strcmp(context->fault->notice_policy, "never") == 0;
	const struct config_asset *detail = detail_of(context);
	json_t *object = json_build_object(build);
	json_t *scope = json_build_object(build);

	json_build_text(build, object, "policy", context->fault->notice_policy);
	json_build_cut(build, object, "text_zh", is_silent ? NULL : context->notice_zh,
		       NOTICE_CHARS);
	json_build_cut(build, object, "text_en", is_silent ? NULL : context->notice_en,
		       NOTICE_CHARS);
	json_build_text(build, scope, "building", detail->place.building);
	json_build_set(build, scope, "units", units_of(build, detail));
	json_build_set(build, object, "scope", scope);
	json_build_time(build, object, "valid_until", ticket_eta(ticket));
	return object;
}

json_t *doc_close(struct json_build *build, const struct ticket *ticket,
		  const struct ticket_context *context)
{
	const struct config_fault *fault = context->fault;
	json_t *object = json_build_object(build);
	bool has_level = context->rule && ticket->level < context->rule->n_levels;
	const struct rule_level_info *level =
		has_level ? &context->rule->levels[ticket->level] : NULL;
	char text[1024];
	struct wy_buf buf;

	wy_buf_init(&buf, text, sizeof(text));
	if (level && level->clear_text)
		wy_buf_add(&buf, level->clear_text);
	else if (level)
		wy_buf_addf(&buf, "not (%s)", level->when_text);
	json_build_text(build, object, "expr", level ? text : NULL);
	json_build_real(build, object, "hold_s", (double)context->clear_hold_ms / 1000);
	json_build_text(build, object, "text", fault->close.zh);
	json_build_text(build, object, "text_en", fault->close.en);
	json_build_text(build, object, "verified_by", fault->verified_by);
	json_build_bool(build, object, "needs_reset",
			context->rule && context->rule->latch != RULE_LATCH_NONE);
	return object;
}
