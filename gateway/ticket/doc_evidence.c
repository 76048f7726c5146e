/* doc_evidence.c: why the gateway says so: the rule, its comparisons with what they read, and the
 * values around the moment. A value that is not usable is null with its quality and reason, never a
 * number. */
#include "doc_parts.h"

#include <math.h>

static const char *truth_text(enum rule_truth truth)
{
	static const char *const texts[] = {"false", "true", "unknown"};

	return texts[truth];
}

static json_t *shares_of(struct json_build *build, const struct rule_clause *clause)
{
	json_t *array = json_build_array(build);

	for (size_t i = 0; i < clause->n_shares; i++) {
		json_t *object = json_build_object(build);
		json_build_text(build, object, "point", clause->shares[i].name);
		json_build_real(build, object, "share", clause->shares[i].share);
		json_build_add(build, array, object);
	}
	return array;
}

static json_t *clause_of(struct json_build *build, const struct rule_clause *clause)
{
	json_t *object = json_build_object(build);
	char text[512];
	struct wy_buf buf;

	wy_buf_init(&buf, text, sizeof(text));
	wy_buf_addn(&buf, clause->text, clause->text_len);
	json_build_text(build, object, "text", text);
	json_build_text(build, object, "truth", truth_text(clause->truth));
	if (clause->word)
		json_build_text(build, object, "value", clause->word);
	else if (clause->has_value)
		json_build_real(build, object, "value", clause->value);
	else
		json_build_set(build, object, "value", json_null());
	if (clause->has_limit)
		json_build_real(build, object, "limit", clause->limit);
	json_build_text(build, object, "unit", clause->unit ? clause->unit->name : NULL);
	if (clause->why)
		json_build_text(build, object, "why", clause->why);
	if (clause->n_shares)
		json_build_set(build, object, "shares", shares_of(build, clause));
	return object;
}

static json_t *value_of(const struct ticket_sample *row)
{
	const struct wy_point *point = row->point;
	const struct wy_sample *sample = &row->sample;

	if (!wy_quality_is_usable(sample->quality))
		return json_null();
	if (!sample->is_whole)
		return isfinite(sample->real) ? json_real(sample->real) : json_null();
	if (point->type == WY_TYPE_BOOL)
		return json_boolean(sample->whole != 0);
	if (point->type == WY_TYPE_ENUM && sample->whole >= 0 &&
	    (size_t)sample->whole < point->n_values)
		return json_string(point->values[sample->whole]);
	return json_integer(sample->whole);
}

static json_t *sample_of(struct json_build *build, const struct ticket_sample *row)
{
	json_t *object = json_build_object(build);

	json_build_text(build, object, "point", row->point->name);
	json_build_time(build, object, "t", row->wall_ms);
	json_build_set(build, object, "v", value_of(row));
	json_build_text(build, object, "q", wy_quality_text(row->sample.quality));
	if (row->sample.why != WY_WHY_NONE)
		json_build_text(build, object, "why", wy_why_text(row->sample.why));
	json_build_text(build, object, "unit", row->point->unit ? row->point->unit->name : NULL);
	return object;
}

/* One word for all: the worst of what the decision rests on. */
static const char *quality_of(const struct ticket *ticket, const struct ticket_context *context)
{
	for (size_t i = 0; i < context->n_clauses; i++) {
		if (context->clauses[i].truth == RULE_UNKNOWN)
			return "partly_unknown";
	}
	return ticket->is_uncertain ? "uncertain" : "good";
}

json_t *doc_evidence(struct json_build *build, const struct ticket *ticket,
		     const struct ticket_context *context, struct doc_room room)
{
	json_t *object = json_build_object(build);
	json_t *clauses = json_build_array(build);
	json_t *samples = json_build_array(build);

	json_build_text(build, object, "rule", ticket->rule);
	json_build_int(build, object, "rule_rev",
		       context->rule ? (int64_t)context->rule->revision : 0);
	json_build_hex(build, object, "bundle", context->bundle);
	json_build_int(build, object, "level", ticket->level);
	json_build_time(build, object, "onset", ticket->onset.wall_ms);
	json_build_text(build, object, "quality", quality_of(ticket, context));
	for (size_t i = 0; i < room.clauses; i++)
		json_build_add(build, clauses, clause_of(build, &context->clauses[i]));
	json_build_set(build, object, "clauses", clauses);
	for (size_t i = context->n_samples - room.samples; i < context->n_samples; i++)
		json_build_add(build, samples, sample_of(build, &context->samples[i]));
	json_build_set(build, object, "samples", samples);
	json_build_bool(build, object, "is_cut",
			room.samples < context->n_samples || room.clauses < context->n_clauses);
	return object;
}
