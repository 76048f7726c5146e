/* ticket_log.h: events of the rules as lines of text, the same bytes for the same events on any machine.
 *
 * `weiyu test` compares these events, `weiyu replay` writes them; two runs agree when their logs are equal
 * byte for byte. A line:
 *
 *   2026-03-29T03:01:10.000+02:00 open lift.entrapment L1 S1 onset=2026-03-29T03:00:10.000+02:00
 *
 * the instant on the building's wall clock, the word of the event, rule, asset, tier, then what else the event
 * says as key=value, always in the same order. Nothing in it depends on the ticket that the gateway may make
 * of it. Pure: no clock, no file, no heap. */
#ifndef TICKET_LOG_H
#define TICKET_LOG_H

#include "rule.h"

struct ticket_log {
	const struct rule_set *set;        /* borrowed */
	const struct rule_world *world;    /* borrowed: the one the set was compiled against */
	const struct rule_engine *engine;  /* borrowed: the one the events come from */
	wy_ms wall_offset_ms;              /* wall - mono of the turn that gave the event */
};

/* The line of one event, with its newline. Call before the next rule_turn_begin(): a group's asset is that of
 * the moment. */
void ticket_log_line(const struct ticket_log *log, const struct rule_event *event, struct wy_buf *buf);

#endif
