/* doc_standing.c: what goes with a ticket beside its condition: why it is told now, what it depends on, the group it
 * belongs to, whom the ladder told, what people at the gateway said. */
#include "doc_parts.h"

#include <string.h>

#include "doc_standing.h"

#define WORDS_CHARS 200u

static json_t *ref_of(struct json_build *build, const struct ticket_ref *ref)
{
	json_t *object = json_build_object(build);

	json_build_text(build, object, "rule", ref->rule);
	json_build_text(build, object, "asset", ref->asset);
	json_build_text(build, object, "asset_name", ref->asset_name);
	json_build_text(build, object, "fault_code", ref->fault);
	json_build_text(build, object, "key", ref->key && *ref->key ? ref->key : NULL);
	json_build_text(build, object, "ticket_key", *ref->ticket_key ? ref->ticket_key : NULL);
	return object;
}

static json_t *members_of(struct json_build *build, const struct ticket_standing *standing)
{
	json_t *list = json_build_array(build);

	for (size_t i = 0; i < standing->n_members_shown; i++)
		json_build_add(build, list, ref_of(build, &standing->members[i]));
	return list;
}

static json_t *keys_of(struct json_build *build, const struct ticket_standing *standing)
{
	json_t *list = json_build_array(build);

	for (size_t i = 0; i < standing->n_keys; i++)
		json_build_add(build, list, json_string(standing->keys[i]));
	return list;
}

static json_t *earlier_of(struct json_build *build, const struct ticket_standing *standing)
{
	json_t *list = json_build_array(build);

	for (size_t i = 0; i < standing->n_earlier; i++)
		json_build_add(build, list, json_string(standing->earlier[i]));
	return list;
}

static json_t *call_of(struct json_build *build, const struct ticket_note *note)
{
	json_t *object = json_build_object(build);

	json_build_int(build, object, "step", (int64_t)note->step + 1);
	json_build_text(build, object, "to", note->who);
	json_build_time(build, object, "at", note->wall_ms);
	return object;
}

static json_t *order_of(struct json_build *build, const struct ticket_note *note)
{
	json_t *object = json_build_object(build);

	json_build_text(build, object, "order", note->what);
	json_build_text(build, object, "by", *note->who ? note->who : NULL);
	json_build_cut(build, object, "reason", *note->why ? note->why : NULL, WORDS_CHARS);
	json_build_time(build, object, "at", note->wall_ms);
	json_build_time(build, object, "until", note->until_wall_ms);
	return object;
}

/* The notes of a ticket stand newest first; the document tells them in the order they happened. */
static void set_notes(struct json_build *build, json_t *doc, const struct ticket_standing *standing)
{
	json_t *steps = json_build_array(build);
	json_t *orders = json_build_array(build);
	const struct ticket_note *last = NULL;

	for (size_t i = standing->n_notes; i-- > 0;) {
		const struct ticket_note *note = &standing->notes[i];
		if (note->is_step)
			last = note;
		json_build_add(build, note->is_step ? steps : orders,
			       note->is_step ? call_of(build, note) : order_of(build, note));
	}
	json_t *escalation = last ? call_of(build, last) : json_null();
	if (last)
		json_build_set(build, escalation, "history", steps);
	else
		json_decref(steps);
	json_build_set(build, doc, "escalation", escalation);
	json_build_set(build, doc, "orders", orders);
}

void doc_set_standing(struct json_build *build, json_t *doc, const struct ticket_standing *standing)
{
	static const struct ticket_standing nothing;
	const struct ticket_standing *s = standing ? standing : &nothing;

	json_build_text(build, doc, "reason", s->reason);
	json_build_bool(build, doc, "chatter", s->is_chattering);
	json_build_bool(build, doc, "maintenance", s->is_maintenance);
	json_build_bool(build, doc, "out_of_service", s->is_out_of_service);
	json_build_time(build, doc, "shelved_until", s->shelved_until_wall_ms);
	json_build_set(build, doc, "keys", keys_of(build, s));
	json_build_set(build, doc, "depends_on", s->has_parent ? ref_of(build, &s->parent) : json_null());
	json_build_text(build, doc, "group", *s->group ? s->group : NULL);
	json_build_set(build, doc, "members", members_of(build, s));
	json_build_int(build, doc, "member_count", (int64_t)s->n_members);
	json_build_set(build, doc, "earlier", earlier_of(build, s));
	set_notes(build, doc, s);
}

void doc_keep_standing(struct json_build *build, json_t *doc)
{
	json_t *plain = json_build_object(build);

	doc_set_standing(build, plain, NULL);
	if (json_object_update_missing(doc, plain))
		build->is_failed = true;
	json_decref(plain);
}
