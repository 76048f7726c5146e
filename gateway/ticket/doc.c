/* doc.c: the whole document, its envelope, and the size it may have. The order of the keys is the
 * order of docs/mqtt-contract.md: who reads a raw message should find the important things first.
 */
#include "doc.h"

#include <string.h>

#include "doc_parts.h"
#include "doc_standing.h"
#include "json_build.h"
#include "times.h"

#define SCHEMA_TICKET "urn:weiyu:schema:fault-ticket:1.0"
#define SCHEMA_STATE "urn:weiyu:schema:gateway-state:1.0"

const char *ticket_doc_type(enum ticket_event event)
{
	static const char *const types[TICKET_EVENT_COUNT] = {
		[TICKET_QUIET] = "",
		[TICKET_OPENED] = "com.weiyu.ticket.opened.v1",
		[TICKET_UPDATED] = "com.weiyu.ticket.updated.v1",
		[TICKET_CLEARED_EVENT] = "com.weiyu.ticket.cleared.v1",
		[TICKET_REOPENED] = "com.weiyu.ticket.reopened.v1",
		[TICKET_CLOSED_EVENT] = "com.weiyu.ticket.closed.v1",
	};

	return event < TICKET_EVENT_COUNT ? types[event] : "";
}

static const char *clock_text(enum wy_clock_state state)
{
	static const char *const texts[] = {"unsynced", "synced", "stepped"};

	return texts[state];
}

void doc_set_clock(struct json_build *build, json_t *object, struct wy_now now, const char *boot)
{
	json_t *clock = json_build_object(build);

	json_build_text(build, clock, "state", clock_text(now.clock));
	json_build_text(build, clock, "boot", boot);
	json_build_int(build, clock, "mono_ms", now.mono_ms);
	json_build_set(build, object, "clock", clock);
}

static void set_identity(struct json_build *build, json_t *doc, const struct ticket *ticket,
			 enum ticket_event event, const struct ticket_context *context)
{
	/* The contract's three words; a latched condition is not over yet. alarm_state says more.
	 */
	bool is_latched = ticket->condition == TICKET_LATCHED;

	json_build_text(build, doc, "schema", "fault-ticket/1.0");
	json_build_text(build, doc, "event", ticket_event_text(event));
	json_build_text(build, doc, "ticket_key", ticket->key);
	json_build_text(build, doc, "ticket_id", ticket->no);
	json_build_text(build, doc, "ticket_no", ticket->no);
	json_build_text(build, doc, "dedup_key", ticket->dedup);
	json_build_int(build, doc, "episode", ticket->episode);
	json_build_int(build, doc, "rev", ticket->rev);
	json_build_text(build, doc, "condition",
			is_latched ? "active" : ticket_condition_text(ticket->condition));
	json_build_text(build, doc, "alarm_state", ticket_condition_text(ticket->condition));
	json_build_bool(build, doc, "is_open", ticket->is_open);
	json_build_text(build, doc, "node", ticket_node_text(ticket->node));
	json_build_bool(build, doc, "still_active", ticket_is_disputed(ticket));
	json_build_text(build, doc, "repeat_of", *ticket->repeat_of ? ticket->repeat_of : NULL);
	json_build_int(build, doc, "repeat_count_30d", ticket->repeat_count_30d);
	json_build_text(build, doc, "mode", context->mode);
	json_build_bool(build, doc, "replayed", strcmp(context->mode, "replay") == 0);
}

static void set_tier(struct json_build *build, json_t *doc, const struct ticket *ticket,
		     const struct config *config)
{
	static const char *const tiers[] = {"S?", "S1", "S2", "S3", "S4"};
	unsigned tier =
		ticket->tier >= 1 && ticket->tier <= CONFIG_TIERS ? ticket->tier : CONFIG_TIERS;
	unsigned tier_now = ticket->tier_now <= CONFIG_TIERS ? ticket->tier_now : 0;

	json_build_text(build, doc, "tier", tiers[tier]);
	json_build_text(build, doc, "tier_now", tiers[tier_now]);
	json_build_int(build, doc, "class", tier);
	json_build_text(build, doc, "tier_name", config->tiers[tier - 1].name_zh);
	json_build_text(build, doc, "tier_name_en", config->tiers[tier - 1].name_en);
}

static void set_fault(struct json_build *build, json_t *doc, const struct ticket *ticket,
		      const struct ticket_context *context)
{
	const struct config_fault *fault = context->fault;
	json_t *object = json_build_object(build);
	json_t *safety = json_build_array(build);

	json_build_text(build, doc, "source", "edge_gateway");
	json_build_text(build, doc, "kind", fault->kind);
	json_build_text(build, doc, "category", fault->category);
	json_build_text(build, doc, "subcategory", fault->subcategory);
	json_build_text(build, doc, "fault_code", fault->code);
	json_build_text(build, doc, "fault_name", fault->name_zh);
	json_build_text(build, doc, "fault_name_en", fault->name_en);
	json_build_text(build, doc, "component", fault->component);
	json_build_int(build, doc, "severity", fault->severity);
	for (size_t i = 0; i < fault->n_safety; i++)
		json_build_add(build, safety, json_string(fault->safety[i]));
	json_build_set(build, doc, "safety_flag", safety);
	json_build_text(build, doc, "pr_risk", ticket->tier == 1 ? "high" : "low");
	json_build_text(build, object, "code", fault->code);
	json_build_text(build, object, "title", fault->name_zh);
	json_build_text(build, object, "title_en", fault->name_en);
	json_build_text(build, object, "rule", ticket->rule);
	json_build_int(build, object, "rule_rev",
		       context->rule ? (int64_t)context->rule->revision : 0);
	json_build_hex(build, object, "bundle", context->bundle);
	json_build_set(build, doc, "fault", object);
}

/* What stands before a summary that does not describe the present any more. */
static const struct {
	const char *zh, *en;
} turns[] = {
	{"", ""},
	{"已恢复：", "Over: "},
	{"已消失，待复位：", "Gone, to be reset: "},
	{"传感器失联：", "Sensor lost: "},
	{"已关闭：", "Closed: "},
};

static size_t turn_of(const struct ticket *ticket)
{
	static const uint8_t of_condition[] = {
		[TICKET_ACTIVE] = 0, [TICKET_CLEARED] = 1, [TICKET_LATCHED] = 2, [TICKET_UNKNOWN] = 3};

	return !ticket->is_open && ticket->condition != TICKET_CLEARED ? 4
								       : of_condition[ticket->condition];
}

static const char *without_turn(const char *text)
{
	for (size_t i = 1; i < sizeof(turns) / sizeof(turns[0]); i++) {
		if (strncmp(text, turns[i].zh, strlen(turns[i].zh)) == 0)
			return text + strlen(turns[i].zh);
		if (strncmp(text, turns[i].en, strlen(turns[i].en)) == 0)
			return text + strlen(turns[i].en);
	}
	return text;
}

static void put_summaries(struct json_build *build, json_t *doc, const struct ticket *ticket,
			  const char *zh, const char *en)
{
	char text[1200];
	struct wy_buf buf;

	wy_buf_init(&buf, text, sizeof(text));
	wy_buf_addf(&buf, "%s%s", turns[turn_of(ticket)].zh, zh);
	json_build_cut(build, doc, "summary", text, TICKET_SUMMARY_CHARS);
	wy_buf_init(&buf, text, sizeof(text));
	wy_buf_addf(&buf, "%s%s", turns[turn_of(ticket)].en, en);
	json_build_cut(build, doc, "summary_en", text, TICKET_SUMMARY_CHARS);
}

/* A rule without a summary still gives a sentence: which fault, at what. */
static void set_summary(struct json_build *build, json_t *doc, const struct ticket *ticket,
			const struct ticket_context *context)
{
	const struct wy_asset *asset = &context->config->assets[context->asset];
	const char *zh = context->summary_zh, *en = context->summary_en;
	char plain_zh[1024], plain_en[1024];
	struct wy_buf buf;

	wy_buf_init(&buf, plain_zh, sizeof(plain_zh));
	wy_buf_addf(&buf, "%s：%s", asset->name_zh, context->fault->name_zh);
	wy_buf_init(&buf, plain_en, sizeof(plain_en));
	wy_buf_addf(&buf, "%s: %s", asset->name_en, context->fault->name_en);
	put_summaries(build, doc, ticket, zh && *zh ? zh : plain_zh, en && *en ? en : plain_en);
}

/* What it means and what is to be done, where the rule says so. */
static void set_advice(struct json_build *build, json_t *doc, const struct ticket_context *context)
{
	const struct {
		const char *key, *text;
	} advice[] = {{"detail", context->detail_zh}, {"detail_en", context->detail_en},
		      {"action", context->action_zh}, {"action_en", context->action_en}};

	for (size_t i = 0; i < sizeof(advice) / sizeof(*advice); i++)
		if (advice[i].text && *advice[i].text)
			json_build_cut(build, doc, advice[i].key, advice[i].text, TICKET_ADVICE_CHARS);
}

static void set_times(struct json_build *build, json_t *doc, const struct ticket *ticket)
{
	bool is_over = ticket->cleared.wall_ms != 0;

	json_build_time(build, doc, "first_seen", ticket->onset.wall_ms);
	json_build_time(build, doc, "detected_at", ticket->onset.wall_ms);
	json_build_time(build, doc, "opened_at", ticket->opened.wall_ms);
	json_build_time(build, doc, "changed_at", ticket->changed.wall_ms);
	json_build_time(build, doc, "cleared_at", ticket->cleared.wall_ms);
	json_build_set(build, doc, "duration_ms",
		       is_over ? json_integer(ticket->cleared.mono_ms - ticket->onset.mono_ms)
			       : json_null());
	json_build_time(build, doc, "deadline_ack", ticket->deadline.ack);
	json_build_time(build, doc, "deadline_arrive", ticket->deadline.arrive);
	json_build_time(build, doc, "deadline_start", ticket->deadline.start);
	json_build_time(build, doc, "deadline_resolve", ticket->deadline.resolve);
	json_build_time(build, doc, "deadline_regulatory", ticket->deadline.regulatory);
	json_build_time(build, doc, "eta", ticket_eta(ticket));
}

static void set_duties(struct json_build *build, json_t *doc, const struct ticket *ticket,
		       const struct ticket_context *context)
{
	const struct config_fault *fault = context->fault;

	json_build_text(build, doc, "responsibility_scope",
			context->config->details[context->asset].scope);
	json_build_text(build, doc, "dept_primary", fault->primary->id);
	json_build_text(build, doc, "dept_primary_zh", fault->primary->zh);
	json_build_text(build, doc, "dept_primary_en", fault->primary->en);
	json_build_set(build, doc, "dept_support", doc_support(build, ticket, context));
	json_build_set(build, doc, "vendor",
		       doc_vendor(build, ticket, context->vendor, fault->vendor_arrive_ms));
	json_build_set(build, doc, "vendor_backup",
		       doc_vendor(build, ticket, context->vendor_backup, WY_MS_NEVER));
	json_build_set(build, doc, "suspected_causes", doc_causes(build, context));
	json_build_text(build, doc, "sop_id", fault->sop_id);
	json_build_set(build, doc, "sop_steps", doc_steps(build, ticket, context));
	json_build_text(build, doc, "script_id", fault->script);
	json_build_set(build, doc, "resident_notice", doc_notice(build, ticket, context));
	json_build_set(build, doc, "close_condition", doc_close(build, ticket, context));
}

static void set_peak(struct json_build *build, json_t *doc, const struct ticket *ticket)
{
	json_t *peak = json_null();

	if (ticket->has_peak) {
		peak = json_build_object(build);
		json_build_real(build, peak, "value", ticket->peak);
		json_build_real(build, peak, "limit", ticket->peak_limit);
	}
	json_build_set(build, doc, "peak", peak);
}

static json_t *make_document(struct json_build *build, const struct ticket *ticket,
			     enum ticket_event event, const struct ticket_context *context,
			     struct doc_room room)
{
	const struct config *config = context->config;
	json_t *doc = json_build_object(build);

	set_identity(build, doc, ticket, event, context);
	set_tier(build, doc, ticket, config);
	set_fault(build, doc, ticket, context);
	set_summary(build, doc, ticket, context);
	set_advice(build, doc, context);
	json_build_text(build, doc, "site_id", config->site.id);
	json_build_text(build, doc, "site_name", config->site.name_zh);
	json_build_text(build, doc, "site_profile", config->site.profile);
	json_build_set(build, doc, "location", doc_location(build, context));
	json_build_set(build, doc, "asset", doc_asset(build, context));
	json_build_set(build, doc, "affected", doc_affected(build, context));
	set_times(build, doc, ticket);
	set_duties(build, doc, ticket, context);
	set_peak(build, doc, ticket);
	doc_set_standing(build, doc, context->standing);
	json_build_set(build, doc, "evidence", doc_evidence(build, ticket, context, room));
	doc_set_clock(build, doc, context->now, context->boot);
	json_build_text(build, doc, "gateway_id", config->gateway);
	json_build_int(build, doc, "gateway_seq", (int64_t)context->seq);
	return doc;
}

static json_t *wrap(struct json_build *build, const struct ticket *ticket, enum ticket_event event,
		    const struct ticket_context *context, json_t *doc)
{
	const char *building = json_string_value(
		json_object_get(json_object_get(doc, "location"), "building"));
	char id[48], subject[160], epoch[17];
	struct json_envelope envelope = {
		.gateway = context->config->gateway,
		.subject = subject,
		.type = ticket_doc_type(event),
		.id = id,
		.schema = SCHEMA_TICKET,
		.correlation = ticket->key,
		.seq = context->seq,
		.tier = ticket->tier,
		.wall_ms = context->now.wall_ms,
	};
	struct wy_buf buf;
	json_t *root;

	json_hex_text(context->epoch ? context->epoch : ticket->epoch, epoch);
	wy_buf_init(&buf, id, sizeof(id));
	wy_buf_addf(&buf, "%s-%llu", epoch, (unsigned long long)context->seq);
	wy_buf_init(&buf, subject, sizeof(subject));
	wy_buf_addf(&buf, "%s/%s", building && *building ? building : "-", ticket->asset);
	root = json_build_envelope(build, &envelope);
	json_build_set(build, root, "data", json_incref(doc));
	return root;
}

/* Less evidence, if there is any left: samples first, the older half of them. */
static bool shrink(struct doc_room *room)
{
	if (room->samples > 0)
		room->samples /= 2;
	else if (room->clauses > 0)
		room->clauses /= 2;
	else
		return false;
	return true;
}

static enum wy_err dump(const json_t *root, struct wy_buf *buf)
{
	size_t len = buf ? json_build_dump(root, buf) : 1;

	if (len == 0)
		return WY_E_NOMEM; /* jansson's only reason */
	return !buf || (len < buf->size && len <= WY_TICKET_BYTES_MAX) ? WY_OK : WY_E_LIMIT;
}

static void empty(struct wy_buf *buf)
{
	if (buf)
		wy_buf_init(buf, buf->text, buf->size);
}

enum wy_err ticket_doc_write(const struct ticket *ticket, enum ticket_event event,
			     const struct ticket_context *context, struct wy_buf *body,
			     struct wy_buf *envelope)
{
	struct doc_room room = {context->n_samples, context->n_clauses};
	enum wy_err err;

	empty(body);
	empty(envelope);
	do {
		struct json_build build = {&context->config->site.zone, false};
		json_t *doc = make_document(&build, ticket, event, context, room);
		json_t *root = envelope ? wrap(&build, ticket, event, context, doc) : NULL;

		err = build.is_failed ? WY_E_NOMEM : dump(doc, body);
		if (!err)
			err = dump(root, envelope);
		json_decref(root);
		json_decref(doc);
	} while (err == WY_E_LIMIT && shrink(&room));
	if (err) {
		empty(body);
		empty(envelope);
	}
	return err;
}

/* ---- From an earlier document ------------------------------------------------------------------ */

static json_t *load_past(const char *past, size_t len)
{
	json_t *doc = json_loadb(past, len, 0, NULL);

	if (!json_is_object(doc) || !json_is_string(json_object_get(doc, "summary")) ||
	    !json_is_string(json_object_get(doc, "summary_en"))) {
		json_decref(doc);
		return NULL;
	}
	return doc;
}

enum wy_err ticket_doc_summary(const char *past, size_t len, struct wy_buf *zh, struct wy_buf *en)
{
	json_t *doc = load_past(past, len);

	if (!doc)
		return WY_E_INVALID;
	wy_buf_add(zh, without_turn(json_string_value(json_object_get(doc, "summary"))));
	wy_buf_add(en, without_turn(json_string_value(json_object_get(doc, "summary_en"))));
	json_decref(doc);
	return WY_OK;
}

static void amend(struct json_build *build, json_t *doc, const struct ticket *ticket,
		  enum ticket_event event, const struct ticket_context *context)
{
	json_t *last_event = json_incref(json_object_get(doc, "event"));
	json_t *zh = json_incref(json_object_get(doc, "summary"));
	json_t *en = json_incref(json_object_get(doc, "summary_en"));

	set_identity(build, doc, ticket, event, context);
	set_tier(build, doc, ticket, context->config);
	set_times(build, doc, ticket);
	put_summaries(build, doc, ticket, without_turn(json_string_value(zh)),
		      without_turn(json_string_value(en)));
	doc_set_clock(build, doc, context->now, context->boot);
	doc_keep_standing(build, doc);
	if (event != TICKET_QUIET)
		json_build_text(build, doc, "reason", context->standing ? context->standing->reason : NULL);
	if (event == TICKET_QUIET)
		json_build_set(build, doc, "event", json_incref(last_event));
	else
		json_build_int(build, doc, "gateway_seq", (int64_t)context->seq);
	json_decref(last_event);
	json_decref(zh);
	json_decref(en);
}

enum wy_err ticket_doc_amend(const char *past, size_t len, const struct ticket *ticket,
			     enum ticket_event event, const struct ticket_context *context,
			     struct wy_buf *body, struct wy_buf *envelope)
{
	struct json_build build = {&context->config->site.zone, false};
	json_t *doc = load_past(past, len);
	json_t *root = NULL;
	enum wy_err err;

	empty(body);
	empty(envelope);
	if (!doc)
		return WY_E_INVALID;
	amend(&build, doc, ticket, event, context);
	root = envelope ? wrap(&build, ticket, event, context, doc) : NULL;
	err = build.is_failed ? WY_E_NOMEM : dump(doc, body);
	if (!err)
		err = dump(root, envelope);
	json_decref(root);
	json_decref(doc);
	if (err) {
		empty(body);
		empty(envelope);
	}
	return err;
}

static json_t *state_data(struct json_build *build, const struct ticket_state *state)
{
	json_t *data = json_build_object(build);
	json_t *contract = json_build_array(build);

	json_build_text(build, data, "gateway_id", state->gateway);
	json_build_bool(build, data, "is_online", !state->is_death);
	json_build_hex(build, data, "epoch", state->epoch);
	json_build_text(build, data, "boot", state->boot);
	json_build_hex(build, data, "instance", state->instance);
	json_build_int(build, data, "bd_seq", (int64_t)state->bd_seq);
	if (state->reason)
		json_build_text(build, data, "reason", state->reason);
	if (!state->is_death) {
		json_build_text(build, data, "epoch_reason", state->epoch_reason);
		json_build_int(build, data, "last_seq", (int64_t)state->last_seq);
		json_build_int(build, data, "queued", (int64_t)state->queued);
	}
	json_build_add(build, contract, json_string("1.4"));
	json_build_set(build, data, "contract", contract);
	json_build_text(build, data, "version", state->version);
	json_build_hex(build, data, "bundle", state->bundle);
	json_build_text(build, data, "grade", state->grade);
	doc_set_clock(build, data, state->now, state->boot);
	return data;
}

enum wy_err ticket_doc_state(const struct ticket_state *state, struct wy_buf *buf)
{
	struct json_build build = {state->zone, false};
	char id[64], epoch[17];
	struct json_envelope envelope = {
		.gateway = state->gateway,
		.subject = state->gateway,
		.type = state->is_death ? "com.weiyu.state.death.v1" : "com.weiyu.state.birth.v1",
		.id = id,
		.schema = SCHEMA_STATE,
		.wall_ms = state->now.wall_ms,
	};
	struct wy_buf name;
	json_t *root;
	enum wy_err err = WY_E_NOMEM;

	json_hex_text(state->epoch, epoch);
	wy_buf_init(&name, id, sizeof(id));
	wy_buf_addf(&name, "%s-%s-%llu", epoch, state->is_death ? "death" : "birth",
		    (unsigned long long)state->bd_seq);
	root = json_build_envelope(&build, &envelope);
	json_build_set(&build, root, "data", state_data(&build, state));
	empty(buf);
	if (!build.is_failed)
		err = dump(root, buf);
	json_decref(root);
	return err;
}
