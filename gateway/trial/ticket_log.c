/* ticket_log.c: see ticket_log.h. */
#include "ticket_log.h"

#include "stamp.h"

static void add_stamp(const struct ticket_log *log, const char *key, wy_ms mono_ms, struct wy_buf *buf)
{
	wy_buf_add(buf, key);
	wy_stamp_local(buf, mono_ms + log->wall_offset_ms, log->world->zone);
}

static void add_instance(const struct ticket_log *log, uint32_t instance, char between, struct wy_buf *buf)
{
	const struct rule_instance_info *info = rule_instance_at(log->set, instance);

	wy_buf_addf(buf, "%s%c%s", rule_info_at(log->set, info->rule)->id, between,
		    log->world->assets[rule_asset_of(log->engine, instance)].id);
}

/* Of a rule with `by`: which value this instance is for. */
static void add_key(const struct ticket_log *log, uint32_t instance, struct wy_buf *buf)
{
	struct rule_key key = rule_key_of(log->engine, instance);

	if (!key.is_keyed || (!key.is_taken && !key.is_other))
		return;
	if (key.is_other)
		wy_buf_add(buf, " key=other");
	else if (key.word)
		wy_buf_addf(buf, " key=%s", key.word);
	else
		wy_buf_addf(buf, " key=%lld", (long long)key.value);
}

void ticket_log_line(const struct ticket_log *log, const struct rule_event *event, struct wy_buf *buf)
{
	bool has_until = event->kind == RULE_SHELVED || event->kind == RULE_SHELF_ENDING;

	add_stamp(log, "", event->at_ms, buf);
	wy_buf_addf(buf, " %s ", rule_event_text(event->kind));
	add_instance(log, event->instance, ' ', buf);
	wy_buf_addf(buf, " S%u", event->tier);
	add_key(log, event->instance, buf);
	if (event->kind == RULE_RAISED)
		add_stamp(log, " onset=", event->onset_ms, buf);
	if (event->other != RULE_NO_INSTANCE) {
		wy_buf_add(buf, " other=");
		add_instance(log, event->other, '/', buf);
	}
	if (event->kind == RULE_ESCALATED)
		wy_buf_addf(buf, " step=%u to=%s", event->step, event->to ? event->to : "-");
	if (has_until && event->until_ms != WY_MS_NEVER)
		add_stamp(log, " until=", event->until_ms, buf);
	wy_buf_add(buf, event->is_maintenance ? " maintenance" : "");
	wy_buf_add(buf, event->is_uncertain ? " uncertain\n" : "\n");
}
