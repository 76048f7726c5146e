/* ticket_log.c: see ticket_log.h. */
#include "ticket_log.h"

#include "stamp.h"

static void add_stamp(const struct ticket_log *log, wy_ms mono_ms, struct wy_buf *buf)
{
	wy_stamp_local(buf, mono_ms + log->wall_offset_ms, log->world->zone);
}

void ticket_log_line(const struct ticket_log *log, const struct rule_event *event, struct wy_buf *buf)
{
	const struct rule_instance_info *info = rule_instance_at(log->set, event->instance);

	add_stamp(log, event->at_ms, buf);
	wy_buf_addf(buf, " %s %s %s S%u", rule_event_text(event->kind), rule_info_at(log->set, info->rule)->id,
		    log->world->assets[info->asset].id, event->tier);
	if (event->kind == RULE_RAISED) {
		wy_buf_add(buf, " onset=");
		add_stamp(log, event->onset_ms, buf);
	}
	wy_buf_add(buf, event->is_uncertain ? " uncertain\n" : "\n");
}
