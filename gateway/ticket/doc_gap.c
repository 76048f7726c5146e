/* doc_gap.c: the record of what will not come (docs/mqtt-contract.md, "When the store is full"). */
#include "doc.h"
#include "doc_parts.h"
#include "json_build.h"

#define SCHEMA_GAP "urn:weiyu:schema:ticket-gap:1.0"

static json_t *ranges_of(struct json_build *build, const struct ticket_gap *gap)
{
	json_t *ranges = json_build_array(build);

	for (size_t i = 0; i < gap->n_ranges; i++) {
		json_t *range = json_build_array(build);
		json_build_add(build, range, json_integer((json_int_t)gap->range[i].first));
		json_build_add(build, range, json_integer((json_int_t)gap->range[i].last));
		json_build_add(build, ranges, range);
	}
	return ranges;
}

static json_t *counts_of(struct json_build *build, const uint64_t *counts, const char *const *names, size_t n)
{
	json_t *object = json_build_object(build);

	for (size_t i = 0; i < n; i++)
		json_build_int(build, object, names[i], (int64_t)counts[i]);
	return object;
}

static json_t *tickets_of(struct json_build *build, const struct ticket_gap *gap)
{
	json_t *tickets = json_build_array(build);

	for (size_t i = 0; i < gap->n_tickets; i++) {
		const struct ticket_gap_ticket *ticket = &gap->ticket[i];
		json_t *object = json_build_object(build);
		json_build_text(build, object, "ticket_key", ticket->key);
		json_build_text(build, object, "ticket_no", *ticket->no ? ticket->no : NULL);
		json_build_text(build, object, "dedup_key", *ticket->dedup ? ticket->dedup : NULL);
		json_build_int(build, object, "events", ticket->n);
		json_build_add(build, tickets, object);
	}
	return tickets;
}

static json_t *data_of(struct json_build *build, const struct ticket_gap *gap, const struct ticket_gap_context *context)
{
	static const char *const tiers[] = {"S1", "S2", "S3", "S4"}, *const kinds[] = {"opened", "updated", "ended", "other"};
	const uint64_t by_kind[] = {gap->opened, gap->updated, gap->ended, gap->other};
	json_t *data = json_build_object(build);

	json_build_text(build, data, "schema", "ticket-gap/1.0");
	json_build_text(build, data, "gateway_id", context->gateway);
	json_build_hex(build, data, "epoch", context->epoch);
	json_build_int(build, data, "gateway_seq", (int64_t)context->seq);
	json_build_int(build, data, "events", (int64_t)gap->n);
	json_build_set(build, data, "by_tier", counts_of(build, gap->by_tier + 1, tiers, 4));
	json_build_set(build, data, "by_kind", counts_of(build, by_kind, kinds, 4));
	json_build_time(build, data, "from", gap->from_wall_ms);
	json_build_time(build, data, "until", gap->until_wall_ms);
	json_build_set(build, data, "tickets", tickets_of(build, gap));
	json_build_bool(build, data, "has_more_tickets", gap->has_more_tickets);
	json_build_set(build, data, "ranges", ranges_of(build, gap));
	doc_set_clock(build, data, context->now, context->boot);
	return data;
}

enum wy_err ticket_doc_gap(const struct ticket_gap *gap, const struct ticket_gap_context *context, struct wy_buf *buf)
{
	struct json_build build = {context->zone, false};
	char id[48], epoch[17];
	struct json_envelope envelope = {
		.gateway = context->gateway,
		.subject = context->gateway,
		.type = TICKET_GAP_TYPE,
		.id = id,
		.schema = SCHEMA_GAP,
		.seq = context->seq,
		.tier = TICKET_GAP_TIER,
		.wall_ms = context->now.wall_ms,
	};
	struct wy_buf name;

	json_hex_text(context->epoch, epoch);
	wy_buf_init(&name, id, sizeof(id));
	wy_buf_addf(&name, "%s-%llu", epoch, (unsigned long long)context->seq);
	wy_buf_init(buf, buf->text, buf->size);
	json_t *root = json_build_envelope(&build, &envelope);
	json_build_set(&build, root, "data", data_of(&build, gap, context));
	size_t len = build.is_failed ? 0 : json_build_dump(root, buf);
	json_decref(root);
	if (!len)
		return WY_E_NOMEM;
	return len < buf->size ? WY_OK : WY_E_LIMIT;
}
