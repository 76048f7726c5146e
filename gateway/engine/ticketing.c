/* ticketing.c: what the rules decide becomes a ticket's next step, its document and its event.
 *
 * The record lives in the store and is fetched when something happens: that is rare, and so nothing
 * has to be kept twice. A document is made anew when something was decided, from present values; a
 * step that decides nothing, and one about what is not configured any more, amends the last one. */
#include "engine_internal.h"

#include <string.h>

#include "log.h"

enum { NOTICE_BYTES = 1024, SUMMARY_BYTES = 1024, ADVICE_BYTES = 2048 };

static const struct config *config_of(const struct engine *engine)
{
	return engine->parts.config;
}

/* ---- Evidence -------------------------------------------------------------------------------- */

/* The changes of a point since then, behind the n there are; how many there are now. */
static size_t add_samples(struct engine *engine, const struct rule_instance_info *info, uint32_t point, wy_ms since_ms,
			  size_t n)
{
	const struct config *config = config_of(engine);
	const struct wy_class *class = &config->classes[config->assets[info->asset].class_index];
	wy_ms gap_ms = engine->now.wall_ms - engine->now.mono_ms;
	struct wy_sample seen[WY_EVIDENCE_SAMPLES];
	size_t n_seen = history_of(engine->history, info->asset, point, seen, WY_EVIDENCE_SAMPLES);

	for (size_t i = 0; i < n_seen && n < engine->samples_max; i++) {
		if (seen[i].at_ms < since_ms)
			continue;
		engine->samples[n].point = &class->points[point];
		engine->samples[n].sample = seen[i];
		engine->samples[n].wall_ms = seen[i].at_ms + gap_ms;
		n++;
	}
	return n;
}

static bool reads(const struct rule_instance_info *info, uint32_t point)
{
	for (size_t i = 0; i < info->n_points; i++)
		if (info->points[i] == point)
			return true;
	return false;
}

static size_t gather_samples(struct engine *engine, uint32_t instance)
{
	const struct rule_instance_info *info = rule_instance_at(engine->parts.rules, instance);
	size_t n = 0;

	for (size_t i = 0; i < info->n_points; i++)
		n = add_samples(engine, info, info->points[i], WY_MS_NONE, n);
	for (size_t i = 0; i < info->n_trends; i++)
		if (!reads(info, info->trends[i].point))
			n = add_samples(engine, info, info->trends[i].point, engine->now.mono_ms - info->trends[i].over_ms, n);
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
	char detail_zh[ADVICE_BYTES], detail_en[ADVICE_BYTES];
	char action_zh[ADVICE_BYTES], action_en[ADVICE_BYTES];
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

static void set_context(struct engine *engine, struct words *words, struct ticket_context *context)
{
	memset(words, 0, sizeof(*words));
	*context = (struct ticket_context){
		.config = config_of(engine),
		.bundle = rule_set_hash(engine->parts.rules),
		.mode = "live",
		.boot = engine->parts.boot,
		.epoch = store_epoch(engine->parts.store),
		.now = engine->now,
		.detail_zh = words->detail_zh,
		.detail_en = words->detail_en,
		.action_zh = words->action_zh,
		.action_en = words->action_en,
		.summary_zh = words->summary_zh,
		.summary_en = words->summary_en,
		.clauses = words->clauses,
		.samples = engine->samples,
	};
}

static void set_case(struct engine *engine, const struct engine_case *c, const struct ticket *ticket,
		     struct words *words, struct ticket_context *context)
{
	const struct config *config = config_of(engine);
	const struct config_fault *fault = &config->faults[c->fault];

	context->asset = c->asset;
	context->fault = fault;
	context->notice_zh = fault->notice.zh ? words->notice_zh : NULL;
	context->notice_en = fault->notice.en ? words->notice_en : NULL;
	if (fault->vendor_role) {
		context->vendor = config_find_vendor(config, fault->vendor_role, false);
		context->vendor_backup = config_find_vendor(config, fault->vendor_role, true);
	}
	fill_notice(engine, c, ticket, fault->notice.zh, "zh", words->notice_zh);
	fill_notice(engine, c, ticket, fault->notice.en, "en", words->notice_en);
}

/* What stands is described with present values. What is gone, or unknown, would read wrongly so: it
 * keeps the words it last stood with. */
static void set_summary(struct engine *engine, uint32_t instance, const struct ticket *ticket, size_t past_len,
			struct words *words)
{
	bool stands = ticket->is_open && ticket->condition == TICKET_ACTIVE;
	struct wy_buf zh, en;

	wy_buf_init(&zh, words->summary_zh, sizeof(words->summary_zh));
	wy_buf_init(&en, words->summary_en, sizeof(words->summary_en));
	if (!stands && past_len && !ticket_doc_summary(engine->past, past_len, &zh, &en))
		return;
	rule_summary(engine->rules, instance, "zh", &zh);
	rule_summary(engine->rules, instance, "en", &en);
}

static void set_advice(const struct engine *engine, uint32_t instance, struct words *words)
{
	struct wy_buf buf;

	wy_buf_init(&buf, words->detail_zh, sizeof(words->detail_zh));
	rule_detail(engine->rules, instance, "zh", &buf);
	wy_buf_init(&buf, words->detail_en, sizeof(words->detail_en));
	rule_detail(engine->rules, instance, "en", &buf);
	wy_buf_init(&buf, words->action_zh, sizeof(words->action_zh));
	rule_action(engine->rules, instance, "zh", &buf);
	wy_buf_init(&buf, words->action_en, sizeof(words->action_en));
	rule_action(engine->rules, instance, "en", &buf);
}

static void describe(struct engine *engine, const struct engine_case *c, uint32_t instance,
		     const struct ticket *ticket, size_t past_len, struct words *words,
		     struct ticket_context *context)
{
	const struct rule_instance_info *info = rule_instance_at(engine->parts.rules, instance);
	unsigned level = engine->told[instance].level;
	bool is_gone = ticket->condition == TICKET_CLEARED || ticket->condition == TICKET_LATCHED;

	set_case(engine, c, ticket, words, context);
	context->rule = rule_info_at(engine->parts.rules, info->rule);
	context->clear_hold_ms = info->clear_hold_ms[level];
	context->n_clauses = rule_clauses(engine->rules, instance, level, is_gone, words->clauses,
					  WY_RULE_CLAUSES_MAX);
	set_summary(engine, instance, ticket, past_len, words);
	set_advice(engine, instance, words);
	context->n_samples = gather_samples(engine, instance);
	sort_samples(engine->samples, context->n_samples);
}

/* How long something lasted is no peak: it only grows, and the stamps say it better. */
static void observe_peak(struct ticket *ticket, const struct ticket_context *context)
{
	for (size_t i = 0; i < context->n_clauses; i++) {
		const struct rule_clause *clause = &context->clauses[i];
		bool is_span = clause->unit && wy_unit_is_alike(clause->unit, wy_unit_at(WY_UNIT_S));
		if (clause->has_value && clause->has_limit && clause->truth == RULE_TRUE && !is_span) {
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

/* The document before, into engine->past; *ret_len 0: there is none that can be used. */
static enum wy_err load_past(struct engine *engine, const struct ticket *ticket, size_t *ret_len)
{
	char zh[SUMMARY_BYTES], en[SUMMARY_BYTES];
	struct wy_buf zh_buf, en_buf;
	enum wy_err err =
		store_ticket_body(engine->parts.store, ticket->key, engine->past, WY_TICKET_BYTES_MAX + 1, ret_len);

	wy_buf_init(&zh_buf, zh, sizeof(zh));
	wy_buf_init(&en_buf, en, sizeof(en));
	if (!err && !ticket_doc_summary(engine->past, *ret_len, &zh_buf, &en_buf))
		return WY_OK;
	*ret_len = 0;
	return err == WY_E_NOTFOUND || err == WY_E_LIMIT ? WY_OK : err;
}

static enum wy_err write_document(struct engine *engine, const struct engine_case *c, uint32_t instance,
				  struct ticket *ticket, enum ticket_event event, size_t past_len,
				  uint64_t seq, struct wy_buf *body, struct wy_buf *envelope)
{
	struct ticket_context context;
	struct words words;
	enum wy_err err;

	set_context(engine, &words, &context);
	context.seq = seq;
	memset(&engine->standing, 0, sizeof(engine->standing));
	engine->standing.reason = engine->cause;
	context.standing = &engine->standing;
	if (past_len && (event == TICKET_QUIET || instance == CASE_NONE))
		return ticket_doc_amend(engine->past, past_len, ticket, event, &context, body, envelope);
	err = engine_describe_standing(engine, c, instance, ticket);
	if (err)
		return err;
	describe(engine, c, instance, ticket, past_len, &words, &context);
	observe_peak(ticket, &context);
	return ticket_doc_write(ticket, event, &context, body, envelope);
}

/* The record as it is now, its document, and the event if there is one. instance CASE_NONE: no rule
 * stands behind it. WY_E_STATE: then there is nothing to make a document from. */
static enum wy_err keep(struct engine *engine, const struct engine_case *c, uint32_t instance,
			struct ticket *ticket, enum ticket_event event)
{
	struct wy_buf body, envelope;
	bool is_event = event != TICKET_QUIET;
	size_t past_len;
	uint64_t seq = 0;
	enum wy_err err = load_past(engine, ticket, &past_len);

	if (!err && !past_len && instance == CASE_NONE)
		err = WY_E_STATE;
	if (!err)
		err = engine_write(engine);
	if (!err && is_event)
		err = store_next_seq(engine->parts.store, &seq);
	if (err)
		return err;
	wy_buf_init(&body, engine->body, WY_TICKET_BYTES_MAX + 1);
	wy_buf_init(&envelope, engine->envelope, WY_TICKET_BYTES_MAX + 1);
	err = write_document(engine, c, instance, ticket, event, past_len, seq, &body,
			     is_event ? &envelope : NULL);
	if (!err)
		err = store_put_ticket(engine->parts.store, ticket, body.text, body.len);
	if (!err && is_event)
		err = put_event(engine, ticket, event, seq, &envelope);
	if (!err && is_event)
		log_step(ticket, event, seq);
	return err;
}

static void note_event(struct engine *engine, struct engine_case *c, const struct ticket *ticket, enum ticket_event event)
{
	bool is_end = event == TICKET_CLEARED_EVENT || event == TICKET_CLOSED_EVENT;

	engine->counts.opened += event == TICKET_OPENED;
	engine->counts.cleared += is_end;
	engine->n_open += event == TICKET_OPENED;
	if (event == TICKET_OPENED)
		mend_expect(engine, ticket);
	engine->n_open -= is_end && engine->n_open > 0;
	if (!c || event == TICKET_QUIET)
		return;
	c->news = 0; /* the document has it all */
	c->due_ms = WY_MS_NEVER;
	if (event == TICKET_OPENED || is_end)
		c->is_open = event == TICKET_OPENED;
}

/* Takes one input on the record; what it gave is added to *output. At most one of the inputs of a
 * turn makes an event. */
static enum wy_err take(struct ticket *ticket, const struct ticket_input *input, struct ticket_output *output)
{
	struct ticket_output more = {TICKET_QUIET, false, false};
	enum wy_err err = ticket_step(ticket, input, &more);

	if (err)
		return err;
	if (more.event != TICKET_QUIET)
		output->event = more.event;
	output->is_changed = output->is_changed || more.is_changed;
	return WY_OK;
}

/* c NULL: its asset or fault is not watched any more. */
static enum wy_err finish(struct engine *engine, struct engine_case *c, uint32_t instance,
			  struct ticket *ticket, const struct ticket_output *output)
{
	if (output->event == TICKET_QUIET && !output->is_changed)
		return WY_OK;
	enum wy_err err = keep(engine, c, instance, ticket, output->event);
	if (!err)
		note_event(engine, c, ticket, output->event);
	return err;
}

/* What evidence, summary and notice add at most when they are cut as short as they can be. */
enum { LIVE_BYTES = 20 * 1024 };

enum wy_err ticketing_check(struct engine *engine, const struct engine_case *c)
{
	const struct config *config = config_of(engine);
	struct ticket_identity identity = {.gateway = config->gateway, .asset = config->assets[c->asset].id,
					   .fault = config->faults[c->fault].code, .rule = "", .episode = 1};
	struct ticket_context context;
	struct words words;
	struct ticket ticket;
	struct wy_buf body;
	enum wy_err err = ticket_init(&ticket, &identity);

	if (err)
		return err;
	set_context(engine, &words, &context);
	set_case(engine, c, &ticket, &words, &context);
	wy_buf_init(&body, engine->body, WY_TICKET_BYTES_MAX + 1);
	err = ticket_doc_write(&ticket, TICKET_OPENED, &context, &body, NULL);
	return !err && body.len > WY_TICKET_BYTES_MAX - LIVE_BYTES ? WY_E_LIMIT : err;
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
		err = store_history(store, dedup, engine->now.mono_ms - TICKET_REPEAT_MS, &history);
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

/* What brings the ticket's condition to that of its rules; false: it is there. */
static bool turn_of(const struct ticket *ticket, const struct engine_view *view,
		    enum ticket_input_kind *ret_kind)
{
	static const uint8_t kinds[] = {
		[TICKET_ACTIVE] = TICKET_RAISE,
		[TICKET_CLEARED] = TICKET_CLEAR,
		[TICKET_LATCHED] = TICKET_LATCH,
		[TICKET_UNKNOWN] = TICKET_UNVERIFIED,
	};

	*ret_kind = (enum ticket_input_kind)kinds[view->condition];
	return !ticket->is_begun || ticket->condition != view->condition;
}

static bool is_ranked_anew(const struct ticket *ticket, const struct engine_told *told)
{
	return ticket->tier_now != told->tier || ticket->level != told->level ||
	       ticket->is_uncertain != told->is_uncertain;
}

/* The ticket after a rule's event. */
static enum wy_err follow(struct engine *engine, struct engine_case *c, const struct rule_event *event,
			  struct ticket *ticket)
{
	struct engine_view view = engine_view_of(engine, c);
	uint32_t instance = view.n_raised ? view.instance : event->instance;
	const struct engine_told *told = &engine->told[instance];
	struct ticket_terms terms = terms_of(config_of(engine), told->tier);
	struct ticket_output output = {TICKET_QUIET, false, false};
	struct ticket_input input = {
		.now = engine->now,
		.at_ms = event->at_ms,
		.onset_ms = told->onset_ms,
		.tier = told->tier,
		.level = told->level,
		.is_uncertain = told->is_uncertain,
		.terms = &terms,
	};
	enum wy_err err = WY_OK;

	if (turn_of(ticket, &view, &input.kind)) {
		if (event->kind == RULE_CLOSED && input.kind == TICKET_CLEAR)
			input.kind = TICKET_CLOSE;
		err = take(ticket, &input, &output);
	}
	input.kind = TICKET_TIER;
	if (!err && view.n_raised && is_ranked_anew(ticket, told))
		err = take(ticket, &input, &output);
	return err ? err : finish(engine, c, instance, ticket, &output);
}

/* A step of the ladder comes along with the tier that it brings. */
static const char *cause_of(const struct engine_case *c, const struct rule_event *event)
{
	bool is_step = event->kind == RULE_TIER && (c->news & 1u << RULE_ESCALATED);

	return rule_event_text(is_step ? RULE_ESCALATED : event->kind);
}

static enum wy_err follow_case(struct engine *engine, struct engine_case *c, const struct rule_event *event)
{
	struct ticket ticket;
	enum wy_err err = find_ticket(engine, c, event, &ticket);

	if (err == WY_E_NOTFOUND)
		return WY_OK; /* the platform closed it already */
	if (err)
		return err;
	engine->cause = cause_of(c, event);
	mend_quietly(engine, &ticket);
	return follow(engine, c, event, &ticket);
}

enum wy_err ticketing_event(struct engine *engine, const struct rule_event *event)
{
	bool is_end = event->kind == RULE_RESOLVED || event->kind == RULE_CLOSED;

	if (event->kind == RULE_RAISED)
		engine_place_group(engine, event->instance, true);
	uint32_t at = engine->case_of[event->instance];
	if (!engine_hear(engine, event))
		return news_hear(engine, event);
	enum wy_err err = at == CASE_NONE ? WY_OK : follow_case(engine, &engine->cases[at], event);
	if (is_end)
		engine_place_group(engine, event->instance, false);
	return err;
}

/* ---- From what goes with it -------------------------------------------------------------------- */

enum wy_err ticketing_news(struct engine *engine, struct engine_case *c, struct ticket *ticket, const char *cause)
{
	struct ticket_input input = {.kind = TICKET_NEWS, .now = engine->now, .at_ms = engine->now.mono_ms};
	struct ticket_output output = {TICKET_QUIET, false, false};

	mend_quietly(engine, ticket);
	enum wy_err err = take(ticket, &input, &output);
	engine->cause = cause;
	return err ? err : finish(engine, c, engine_view_of(engine, c).instance, ticket, &output);
}

enum wy_err ticketing_keep(struct engine *engine, struct engine_case *c, struct ticket *ticket)
{
	return keep(engine, c, engine_view_of(engine, c).instance, ticket, TICKET_QUIET);
}

enum wy_err ticketing_retell(struct engine *engine, struct ticket *ticket, enum ticket_event event)
{
	engine->cause = "retold";
	return keep(engine, NULL, CASE_NONE, ticket, event);
}

/* ---- From the platform, and from a changed configuration --------------------------------------- */

enum wy_err ticketing_work(struct engine *engine, struct ticket *ticket, const struct ticket_input *input)
{
	uint32_t at = engine_find_case(engine, ticket);
	struct engine_case *c = at == CASE_NONE ? NULL : &engine->cases[at];
	struct ticket_output output = {TICKET_QUIET, false, false};
	bool was_open = ticket->is_open;

	mend_quietly(engine, ticket);
	enum wy_err err = take(ticket, input, &output);

	if (err)
		return err;
	engine->cause = "work";
	/* An old episode has nothing to do with what its rules see now. */
	uint32_t instance = c && was_open ? engine_view_of(engine, c).instance : CASE_NONE;
	return finish(engine, c, instance, ticket, &output);
}

enum wy_err ticketing_retire(struct engine *engine, const char *key)
{
	struct store *store = engine->parts.store;
	struct ticket ticket;
	size_t len = 0;
	enum wy_err err = store_find_ticket(store, key, &ticket);

	if (err || !ticket.is_open)
		return err;
	err = store_ticket_body(store, key, engine->past, WY_TICKET_BYTES_MAX + 1, &len);
	if (!err)
		err = engine_write(engine);
	if (err)
		return err;
	ticket.is_open = false;
	ticket.node = TICKET_NODE_MERGED;
	ticket.cleared = (struct ticket_stamp){engine->now.wall_ms, engine->now.mono_ms};
	return store_put_ticket(store, &ticket, engine->past, len);
}

enum wy_err ticketing_orphan(struct engine *engine, struct ticket *ticket)
{
	struct ticket_input input = {.kind = TICKET_WORK, .now = engine->now,
				     .at_ms = engine->now.mono_ms, .node = TICKET_NODE_CANCELLED,
				     .work_rev = ticket->work_rev + 1};
	enum wy_err err = ticketing_work(engine, ticket, &input);

	log_line(LOG_WARNING, "ticket_unwatched", "ticket=%s asset=%s fault=%s next=\"%s\"", ticket->key,
		 ticket->asset, ticket->fault,
		 err == WY_E_STATE ? "stays open until the platform closes it" :
				     "closed: no rule watches it any more");
	return err == WY_E_STATE ? WY_OK : err;
}
