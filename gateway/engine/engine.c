/* engine.c: turns. See engine.h; ticketing.c turns decisions into tickets, restore.c starts up. */
#include "engine_internal.h"

#include <string.h>

#include "log.h"

enum wy_err engine_new(const struct engine_parts *parts, struct engine **ret_engine)
{
	const struct config *config = parts->config;
	struct wy_arena *arena = parts->arena;
	struct engine *engine = wy_arena_alloc(arena, sizeof(*engine));
	enum wy_err err;

	if (!engine)
		return WY_E_NOMEM;
	engine->parts = *parts;
	store_set_quota(parts->store, config->outbox_max_bytes);
	engine->now = clock_now(parts->clock);
	engine->noted_ms = engine->down_ms = engine->now.mono_ms;
	engine->due_ms = engine->news_due_ms = WY_MS_NEVER;
	engine->cause = "open";
	engine->samples_max = (size_t)WY_POINTS_PER_CLASS * WY_EVIDENCE_SAMPLES;
	engine->devices = wy_arena_array(arena, config->n_devices, sizeof(*engine->devices));
	engine->body = wy_arena_alloc(arena, WY_TICKET_BYTES_MAX + 1);
	engine->envelope = wy_arena_alloc(arena, WY_TICKET_BYTES_MAX + 1);
	engine->past = wy_arena_alloc(arena, WY_TICKET_BYTES_MAX + 1);
	engine->samples = wy_arena_array(arena, engine->samples_max, sizeof(*engine->samples));
	if (!engine->devices || !engine->body || !engine->envelope || !engine->past ||
	    !engine->samples)
		return WY_E_NOMEM;
	err = mend_new(engine);
	if (!err)
		err = module_feed_new(engine);
	if (!err)
		err = learned_new(engine);
	if (!err)
		err = history_new(config->classes, config->assets, config->n_assets, arena, &engine->history);
	if (!err)
		err = rule_engine_new(parts->rules, arena, engine->now, &engine->rules);
	if (!err)
		err = engine_make_cases(engine);
	if (!err)
		err = engine_restore(engine);
	if (err) {
		store_abort(parts->store);
		if (parts->before)
			store_set_quota(parts->store, parts->before->parts.config->outbox_max_bytes);
		return err;
	}
	retell_begin(engine);
	record_start(parts->record, engine->rules, engine->down_ms, engine->now);
	*ret_engine = engine;
	return WY_OK;
}

/* ---- Turns ---------------------------------------------------------------------------------- */

/* A turn that comes long after its timer was due: the machine slept, or a disk hung. Nobody listened
 * meanwhile, so nobody was silent. */
static void notice_stall(struct engine *engine, wy_ms last_ms)
{
	if (engine->due_ms >= engine->now.mono_ms - ENGINE_STALL_MS)
		return;
	log_line(LOG_WARNING, "stalled", "ms=%lld next=\"the time counts as not watched\"",
		 (long long)(engine->now.mono_ms - last_ms));
	record_resume(engine->parts.record, last_ms, engine->now);
	rule_resume(engine->rules, last_ms, engine->now);
}

void engine_begin_turn(struct engine *engine)
{
	wy_ms last_ms = engine->now.mono_ms;

	engine->now = clock_now(engine->parts.clock);
	record_between(engine->parts.record, engine->rules, engine->now);
	notice_stall(engine, last_ms);
	engine->counts.turns++;
	record_turn(engine->parts.record, engine->now);
	rule_turn_begin(engine->rules, engine->now);
}

void engine_end_turn(struct engine *engine)
{
	const struct rule_event *events;
	size_t n = rule_turn_end(engine->rules, &events);

	engine->due_ms = rule_next_due(engine->rules);

	for (size_t i = 0; i < n && !engine->is_broken; i++) {
		enum wy_err err = ticketing_event(engine, &events[i]);
		if (err)
			engine_break(engine, "keeping a ticket", err);
	}
	if (engine->is_broken)
		return;
	enum wy_err err = mend_all(engine);
	if (!err)
		err = news_tell(engine);
	if (err) {
		engine_break(engine, "keeping the news of a ticket", err);
		return;
	}
	err = retell_some(engine);
	if (err) {
		engine_break(engine, "telling what was lost", err);
		return;
	}
	err = engine_keep_cells(engine, false);
	if (!err && engine->now.mono_ms >= engine_note_due(engine))
		err = engine_write(engine);
	if (err)
		engine_break(engine, "keeping the memory of the rules", err);
}

/* One line when a device goes, one when it is back, with what happened in between. One lost answer is asked again
 * at the next beat and is no news. */
static void note_exchange(struct engine *engine, const struct sensor_report *report, bool has_answered)
{
	struct engine_device *device = &engine->devices[report->device];
	const char *id = engine->parts.config->devices[report->device].id;

	device->err = report->err;
	device->words = report->words;
	device->exception = report->exception;
	device->exchanges++;
	device->n_requests = report->n_requests;
	device->n_garbled = report->n_garbled;
	if (!has_answered) {
		if (device->failures++ == 0)
			device->failing_since_ms = report->at_ms;
		if (device->failures == 2) {
			device->is_failing = true;
			log_line(LOG_WARNING, "device_silent", "device=%s why=\"%s%s%s\" next=\"asked again "
				 "with growing pauses\"", id, wy_err_text(report->err), report->words ? ": " : "",
				 report->words ? report->words : "");
		}
		return;
	}
	if (device->is_failing)
		log_line(LOG_INFO, "device_back", "device=%s silent_ms=%lld failures=%llu", id,
			 (long long)(report->at_ms - device->failing_since_ms),
			 (unsigned long long)device->failures);
	else if (!device->has_answered)
		log_line(LOG_INFO, "device_found", "device=%s took_ms=%lld", id,
			 (long long)report->took_ms);
	device->is_failing = false;
	device->has_answered = true;
	device->took_ms = report->took_ms;
	device->failures = 0;
	device->last_ok_ms = report->at_ms;
}

void engine_put(struct engine *engine, uint32_t asset, const struct wy_sample *sample)
{
	history_add(engine->history, asset, sample);
	record_sample(engine->parts.record, asset, sample);
	rule_put(engine->rules, asset, sample->point, sample);
}

static void feed(struct engine *engine, uint32_t device, const struct wy_sample *sample)
{
	size_t n;
	const struct config_binding *bindings =
		config_bindings(engine->parts.config, device, sample->point, &n);

	for (size_t i = 0; i < n; i++) {
		struct wy_sample seen = config_convert(&bindings[i], sample);
		engine_put(engine, bindings[i].asset, &seen);
	}
}

void engine_report(struct engine *engine, const struct sensor_report *report)
{
	/* A device that refuses a question has answered. */
	bool has_answered = report->err == WY_OK || report->err == WY_E_EXCEPTION;

	if (engine->is_broken)
		return;
	engine_begin_turn(engine);
	note_exchange(engine, report, has_answered);
	if (has_answered) {
		record_heard(engine->parts.record, report->device, report->at_ms);
		rule_heard(engine->rules, report->device, report->at_ms);
	}
	for (uint32_t i = 0; i < report->n; i++)
		feed(engine, report->device, &report->sample[i]);
	module_feed(engine, report);
	learned_keep(engine, report);
	engine_end_turn(engine);
}

void engine_tick(struct engine *engine)
{
	if (engine->is_broken)
		return;
	engine_begin_turn(engine);
	engine_end_turn(engine);
}

wy_ms engine_due(const struct engine *engine)
{
	wy_ms rules_ms = rule_next_due(engine->rules);
	wy_ms note_ms = engine_note_due(engine);
	wy_ms due_ms = rules_ms < note_ms ? rules_ms : note_ms;

	if (engine->is_broken)
		return WY_MS_NEVER;
	if (retell_due(engine) < due_ms)
		due_ms = retell_due(engine);
	return due_ms < engine->news_due_ms ? due_ms : engine->news_due_ms;
}

/* ---- Work ----------------------------------------------------------------------------------- */

#define AT_NODE(node) (1u << TICKET_NODE_##node)

/* Which nodes say what to the rules, in this order: what ends a ticket comes last. Who works on it, or says it is
 * done, has taken notice of it, and has the job. */
static const struct {
	enum rule_command command;
	unsigned nodes;
} words[] = {
	{RULE_ASSIGN, AT_NODE(DISPATCHED) | AT_NODE(ON_SITE) | AT_NODE(IN_PROGRESS) | AT_NODE(RESOLVED) | AT_NODE(VERIFYING)},
	{RULE_ON_SITE, AT_NODE(ON_SITE) | AT_NODE(IN_PROGRESS) | AT_NODE(RESOLVED) | AT_NODE(VERIFYING)},
	{RULE_ACK, AT_NODE(ACKED) | AT_NODE(ON_SITE) | AT_NODE(IN_PROGRESS) | AT_NODE(RESOLVED) | AT_NODE(VERIFYING)},
	{RULE_RESET, AT_NODE(RESOLVED) | AT_NODE(VERIFYING)},
	{RULE_CLOSE, AT_NODE(CLOSED) | AT_NODE(FOLLOWED_UP) | AT_NODE(ARCHIVED) | AT_NODE(REJECTED) | AT_NODE(MERGED) |
			     AT_NODE(CANCELLED)},
};

enum wy_err engine_give_order(struct engine *engine, uint32_t instance, const struct rule_order *order)
{
	record_order(engine->parts.record, instance, order);
	return rule_command(engine->rules, instance, order);
}

/* What the platform's word means to the rules that stand behind the ticket. */
static void command_rules(struct engine *engine, const struct engine_case *c, enum ticket_node node)
{
	for (uint32_t i = c->first; i != RULE_NO_INSTANCE; i = engine->next_of[i])
		for (size_t k = 0; k < sizeof(words) / sizeof(*words); k++) {
			struct rule_order order = {.command = words[k].command};
			/* Not every state takes a command; the ticket's own record is kept either way. */
			if ((words[k].nodes & 1u << node) && rule_is_raised(engine->rules, i))
				(void)!engine_give_order(engine, i, &order);
		}
}

enum wy_err engine_work(struct engine *engine, const char *ticket_key, enum ticket_node node,
			uint32_t work_rev)
{
	struct ticket ticket;

	/* What is due happens first: a command then meets the rules as the platform's people saw them. */
	engine_tick(engine);
	if (engine->is_broken)
		return WY_E_STATE;
	enum wy_err err = store_find_ticket(engine->parts.store, ticket_key, &ticket);
	if (err)
		return err;
	engine_begin_turn(engine);
	struct ticket_input input = {.kind = TICKET_WORK, .now = engine->now,
				     .at_ms = engine->now.mono_ms, .node = node, .work_rev = work_rev};
	uint32_t at = engine_find_case(engine, &ticket);
	bool was_open = ticket.is_open;
	err = ticketing_work(engine, &ticket, &input);
	if (!err && was_open && at != CASE_NONE)
		command_rules(engine, &engine->cases[at], node);
	if (err && err != WY_E_STATE)
		engine_break(engine, "keeping the platform's word on a ticket", err);
	engine_end_turn(engine);
	return err;
}

/* ---- Look inside ------------------------------------------------------------------------------ */

const struct engine_device *engine_device_at(const struct engine *engine, uint32_t device)
{
	return &engine->devices[device];
}

struct engine_counts engine_counts(const struct engine *engine)
{
	struct engine_counts counts = engine->counts;

	counts.open = engine->n_open;
	return counts;
}

const struct rule_engine *engine_rules(const struct engine *engine)
{
	return engine->rules;
}
