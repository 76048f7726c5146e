/* ticketing.c: what the rules decide becomes a ticket's next step, its document and its event.
 *
 * Several rules may watch the same fault of the same asset; they share one ticket, which is over when
 * the last of them has resolved. The record lives in the store and is fetched when something happens:
 * that is rare, and so nothing has to be kept twice. */
#include "engine_internal.h"

#include <string.h>

#include "log.h"

enum { NOTICE_BYTES = 1024, SUMMARY_BYTES = 1024 };

static const struct config *config_of(const struct engine *engine)
{
	return engine->parts.config;
}

uint32_t ticketing_case(const struct engine *engine, const struct ticket *ticket)
{
	const struct config *config = config_of(engine);

	for (uint32_t i = 0; i < engine->n_cases; i++) {
		const struct engine_case *c = &engine->cases[i];
		if (strcmp(config->assets[c->asset].id, ticket->asset) == 0 &&
		    strcmp(config->faults[c->fault].code, ticket->fault) == 0)
			return i;
	}
	return CASE_NONE;
}

/* ---- Evidence -------------------------------------------------------------------------------- */

static size_t gather_samples(struct engine *engine, uint32_t instance)
{
	const struct rule_instance_info *info = rule_instance_at(engine->parts.rules, instance);
	const struct config *config = config_of(engine);
	const struct wy_class *class = &config->classes[config->assets[info->asset].class_index];
	wy_ms gap_ms = engine->now.wall_ms - engine->now.mono_ms;
	size_t n = 0;

	for (size_t i = 0; i < info->n_points; i++) {
		struct wy_sample seen[WY_EVIDENCE_SAMPLES];
		size_t n_seen = history_of(engine->history, info->asset, info->points[i], seen,
					   WY_EVIDENCE_SAMPLES);
		for (size_t s = 0; s < n_seen && n < engine->samples_max; s++, n++) {
			engine->samples[n].point = &class->points[info->points[i]];
			engine->samples[n].sample = seen[s];
			engine->samples[n].wall_ms = seen[s].at_ms + gap_ms;
		}
	}
	return n;
}

/* Oldest first over all points: what is cut first when the document is too long. A few hundred at most. */
static void sort_samples(struct ticket_sample *samples, size_t n)
{
	for (size_t i = 1; i < n; i++) {
		struct ticket_sample moved = samples[i];
		size_t at = i;
		for (; at > 0 && samples[at - 1].wall_ms > moved.wall_ms; at--)
			samples[at] = samples[at - 1];
		samples[at] = moved;
	}
}

/* ---- Documents ------------------------------------------------------------------------------- */

struct words {
	char summary_zh[SUMMARY_BYTES], summary_en[SUMMARY_BYTES];
	char notice_zh[NOTICE_BYTES], notice_en[NOTICE_BYTES];
	struct rule_clause clauses[WY_RULE_CLAUSES_MAX];
};

static void fill_notice(const struct engine *engine, const struct engine_case *c,
			const struct ticket *ticket, const char *text, const char *lang, char *out)
{
	struct wy_buf buf;
	char eta[8] = "";
	wy_ms eta_ms = ticket_eta(ticket);

	wy_buf_init(&buf, out, NOTICE_BYTES);
	if (!text)
		return;
	if (eta_ms)
		ticket_clock_text(&config_of(engine)->site.zone, eta_ms, eta);
	config_fill(config_of(engine), c->asset, &config_of(engine)->faults[c->fault], text, lang,
		    eta_ms ? eta : NULL, &buf);
}

/* instance CASE_NONE: nothing of the rules is known any more. */
static void describe(struct engine *engine, const struct engine_case *c, uint32_t instance,
		     const struct ticket *ticket, bool is_clear, struct words *words,
		     struct ticket_context *context)
{
	const struct config *config = config_of(engine);
	const struct config_fault *fault = &config->faults[c->fault];
	struct wy_buf buf;

	memset(words, 0, sizeof(*words));
	*context = (struct ticket_context){
		.config = config,
		.asset = c->asset,
		.fault = fault,
		.bundle = rule_set_hash(engine->parts.rules),
		.mode = "live",
		.boot = engine->parts.boot,
		.now = engine->now,
		.summary_zh = words->summary_zh,
		.summary_en = words->summary_en,
		.notice_zh = fault->notice.zh ? words->notice_zh : NULL,
		.notice_en = fault->notice.en ? words->notice_en : NULL,
		.clauses = words->clauses,
		.samples = engine->samples,
	};
	if (fault->vendor_role) {
		context->vendor = config_find_vendor(config, fault->vendor_role, false);
		context->vendor_backup = config_find_vendor(config, fault->vendor_role, true);
	}
	fill_notice(engine, c, ticket, fault->notice.zh, "zh", words->notice_zh);
	fill_notice(engine, c, ticket, fault->notice.en, "en", words->notice_en);
	if (instance == CASE_NONE)
		return;
	const struct rule_instance_info *info = rule_instance_at(engine->parts.rules, instance);
	context->rule = rule_info_at(engine->parts.rules, info->rule);
	context->clear_hold_ms = info->clear_hold_ms[ticket->level];
	context->n_clauses = rule_clauses(engine->rules, instance, ticket->level, is_clear, words->clauses,
					  WY_RULE_CLAUSES_MAX);
	wy_buf_init(&buf, words->summary_zh, sizeof(words->summary_zh));
	rule_summary(engine->rules, instance, "zh", &buf);
	wy_buf_init(&buf, words->summary_en, sizeof(words->summary_en));
	rule_summary(engine->rules, instance, "en", &buf);
	context->n_samples = gather_samples(engine, instance);
	sort_samples(engine->samples, context->n_samples);
}

static void observe_peak(struct ticket *ticket, const struct ticket_context *context)
{
	for (size_t i = 0; i < context->n_clauses; i++) {
		const struct rule_clause *clause = &context->clauses[i];
		if (clause->has_value && clause->has_limit && clause->truth == RULE_TRUE) {
			(void)ticket_observe(ticket, clause->value, clause->limit);
			return;
		}
	}
}

/* ---- Rows ------------------------------------------------------------------------------------ */

static enum wy_err put_event(struct engine *engine, const struct ticket *ticket, enum ticket_event event,
			     uint64_t seq, const struct wy_buf *envelope)
{
	struct store_event row = {
		.seq = seq,
		.tier = ticket->tier,
		.ticket_key = ticket->key,
		.type = ticket_doc_type(event),
		.topic = "ticket",
		.created = {engine->now.wall_ms, engine->now.mono_ms},
		.payload = envelope->text,
		.len = envelope->len,
	};

	engine->has_events = true;
	return store_put_event(engine->parts.store, &row);
}

static void log_step(const struct ticket *ticket, enum ticket_event event, uint64_t seq)
{
	log_line(LOG_INFO, "ticket", "event=%s ticket=%s no=%s tier=S%u fault=%s asset=%s rule=%s rev=%u "
		 "seq=%llu", ticket_event_text(event), ticket->key, ticket->no, ticket->tier,
		 ticket->fault, ticket->asset, ticket->rule, ticket->rev, (unsigned long long)seq);
}

/* The record as it is now, its document, and the event if there is one. */
static enum wy_err keep(struct engine *engine, const struct engine_case *c, uint32_t instance,
			struct ticket *ticket, enum ticket_event event)
{
	struct ticket_context context;
	struct words words;
	struct wy_buf body, envelope;
	enum wy_err err = engine_write(engine);

	if (err)
		return err;
	bool is_clear = event == TICKET_CLEARED_EVENT;
	describe(engine, c, instance, ticket, is_clear, &words, &context);
	observe_peak(ticket, &context);
	if (event != TICKET_QUIET)
		err = store_next_seq(engine->parts.store, &context.seq);
	if (err)
		return err;
	wy_buf_init(&body, engine->body, WY_TICKET_BYTES_MAX + 1);
	wy_buf_init(&envelope, engine->envelope, WY_TICKET_BYTES_MAX + 1);
	err = ticket_doc_write(ticket, event, &context, &body, event == TICKET_QUIET ? NULL : &envelope);
	if (!err)
		err = store_put_ticket(engine->parts.store, ticket, body.text, body.len);
	if (!err && event != TICKET_QUIET)
		err = put_event(engine, ticket, event, context.seq, &envelope);
	if (!err && event != TICKET_QUIET)
		log_step(ticket, event, context.seq);
	return err;
}

static void note_event(struct engine *engine, struct engine_case *c, enum ticket_event event)
{
	bool is_end = event == TICKET_CLEARED_EVENT || event == TICKET_CLOSED_EVENT;

	engine->counts.opened += event == TICKET_OPENED;
	engine->counts.cleared += is_end;
	if (event == TICKET_OPENED || is_end)
		c->is_open = event == TICKET_OPENED;
}

static enum wy_err step(struct engine *engine, struct engine_case *c, uint32_t instance,
			struct ticket *ticket, const struct ticket_input *input)
{
	struct ticket_output output = {TICKET_QUIET, false, false};
	enum wy_err err = ticket_step(ticket, input, &output);

	if (err)
		return err;
	note_event(engine, c, output.event);
	if (output.event == TICKET_QUIET && !output.is_changed)
		return WY_OK;
	return keep(engine, c, instance, ticket, output.event);
}

/* ---- From a rule's event --------------------------------------------------------------------- */

static struct ticket_terms terms_of(const struct config *config, unsigned tier)
{
	const struct config_tier *t = &config->tiers[tier - 1];
	struct ticket_terms terms = {t->ack_ms, t->arrive_ms, t->start_ms, t->resolve_ms,
				     (wy_ms)7 * 86400 * 1000};
	wy_ms *each[] = {&terms.ack_ms, &terms.arrive_ms, &terms.start_ms, &terms.resolve_ms};

	for (size_t i = 0; i < sizeof(each) / sizeof(*each); i++)
		if (*each[i] == WY_MS_NEVER)
			*each[i] = TICKET_PLANNED;
	return terms;
}

static enum wy_err new_ticket(struct engine *engine, const struct engine_case *c, uint32_t instance,
			      const char *dedup, struct ticket *ret_ticket)
{
	const struct config *config = config_of(engine);
	struct store *store = engine->parts.store;
	const struct rule_instance_info *info = rule_instance_at(engine->parts.rules, instance);
	struct store_history history;
	uint32_t day = ticket_day(&config->site.zone, engine->now.wall_ms);
	uint32_t number = 0;
	enum wy_err err = engine_write(engine);

	if (!err)
		err = store_history(store, dedup, engine->now.wall_ms - TICKET_REPEAT_MS, &history);
	if (!err)
		err = store_next_number(store, day, &number);
	if (err)
		return err;
	struct ticket_identity identity = {
		.gateway = config->gateway,
		.asset = config->assets[c->asset].id,
		.fault = config->faults[c->fault].code,
		.rule = rule_info_at(engine->parts.rules, info->rule)->id,
		.epoch = store_epoch(store),
		.episode = history.episode + 1,
		.day = day,
		.number = number,
		.repeat_of = history.repeat_of[0] ? history.repeat_of : NULL,
		.repeat_count_30d = history.count,
	};
	return ticket_init(ret_ticket, &identity);
}

/* The ticket of a case: the open one, or for a raise a new one. WY_E_NOTFOUND: none, and none is due. */
static enum wy_err find_ticket(struct engine *engine, const struct engine_case *c,
			       const struct rule_event *event, struct ticket *ret_ticket)
{
	const struct config *config = config_of(engine);
	char dedup[TICKET_DEDUP_SIZE];
	enum wy_err err =
		ticket_dedup(config->assets[c->asset].id, config->faults[c->fault].code, dedup);

	if (err)
		return err;
	err = store_find_open(engine->parts.store, dedup, ret_ticket);
	if (err == WY_E_NOTFOUND && event->kind == RULE_RAISED)
		err = new_ticket(engine, c, event->instance, dedup, ret_ticket);
	return err;
}

/* Which input a rule's event is; false: it changes nothing while other rules hold the ticket open. */
static bool input_of(const struct engine_case *c, const struct rule_event *event,
		     enum ticket_input_kind *ret_kind)
{
	static const enum ticket_input_kind kinds[] = {
		[RULE_RAISED] = TICKET_RAISE,	     [RULE_TIER] = TICKET_TIER,
		[RULE_UNVERIFIED] = TICKET_UNVERIFIED, [RULE_VERIFIED] = TICKET_VERIFIED,
		[RULE_LATCHED] = TICKET_LATCH,	     [RULE_RESOLVED] = TICKET_CLEAR,
	};

	*ret_kind = kinds[event->kind];
	if (event->kind == RULE_RESOLVED)
		return c->raised == 0;
	if (event->kind == RULE_LATCHED || event->kind == RULE_UNVERIFIED)
		return c->raised == 1;
	return true;
}

enum wy_err ticketing_event(struct engine *engine, const struct rule_event *event)
{
	struct engine_case *c = &engine->cases[engine->case_of[event->instance]];
	struct ticket_terms terms = terms_of(config_of(engine), event->tier);
	struct ticket ticket;
	enum ticket_input_kind kind;

	if (event->kind == RULE_RAISED)
		c->raised++;
	if (event->kind == RULE_RESOLVED && c->raised)
		c->raised--;
	if (!input_of(c, event, &kind))
		return WY_OK;
	enum wy_err err = find_ticket(engine, c, event, &ticket);
	if (err == WY_E_NOTFOUND)
		return WY_OK; /* the platform closed it already */
	if (err)
		return err;
	/* A latched condition that stands again is known or ranked anew by its rule; the ticket takes it up. */
	if (ticket.condition == TICKET_LATCHED && (kind == TICKET_VERIFIED || kind == TICKET_TIER))
		kind = TICKET_RAISE;
	struct ticket_input input = {
		.kind = kind,
		.now = engine->now,
		.at_ms = event->at_ms,
		.onset_ms = event->onset_ms,
		.tier = event->tier,
		.level = event->level,
		.is_uncertain = event->is_uncertain,
		.terms = &terms,
	};
	return step(engine, c, event->instance, &ticket, &input);
}

/* ---- From the platform, and from a changed configuration --------------------------------------- */

static uint32_t deciding_instance(const struct engine *engine, const struct engine_case *c)
{
	for (uint32_t i = 0; i < c->n; i++)
		if (rule_is_raised(engine->rules, engine->instances_by_case[c->first + i]))
			return engine->instances_by_case[c->first + i];
	return c->n ? engine->instances_by_case[c->first] : CASE_NONE;
}

/* Asset and fault of a ticket no rule watches: still in the configuration? */
static bool bare_case(const struct engine *engine, const struct ticket *ticket, struct engine_case *ret_case)
{
	size_t asset = config_find_asset(config_of(engine), ticket->asset);
	size_t fault = config_find_fault(config_of(engine), ticket->fault);

	*ret_case = (struct engine_case){.asset = (uint32_t)asset, .fault = (uint32_t)fault};
	return asset != SIZE_MAX && fault != SIZE_MAX;
}

enum wy_err ticketing_work(struct engine *engine, struct ticket *ticket, const struct ticket_input *input)
{
	uint32_t at = ticketing_case(engine, ticket);
	struct engine_case bare;

	if (at != CASE_NONE) {
		struct engine_case *c = &engine->cases[at];
		return step(engine, c, deciding_instance(engine, c), ticket, input);
	}
	if (!bare_case(engine, ticket, &bare))
		return WY_E_STATE;
	return step(engine, &bare, CASE_NONE, ticket, input);
}

enum wy_err ticketing_orphan(struct engine *engine, struct ticket *ticket)
{
	struct engine_case bare;
	struct ticket_input input = {.kind = TICKET_WORK, .now = engine->now,
				     .at_ms = engine->now.mono_ms, .node = TICKET_NODE_CANCELLED,
				     .work_rev = ticket->work_rev + 1};

	if (!bare_case(engine, ticket, &bare)) {
		log_line(LOG_WARNING, "ticket_orphaned", "ticket=%s asset=%s fault=%s next=\"stays open until "
			 "the asset is declared again or the platform closes it\"", ticket->key,
			 ticket->asset, ticket->fault);
		return WY_OK;
	}
	log_line(LOG_WARNING, "ticket_unwatched", "ticket=%s asset=%s fault=%s next=\"closed: no rule "
		 "watches it any more\"", ticket->key, ticket->asset, ticket->fault);
	return step(engine, &bare, CASE_NONE, ticket, &input);
}
