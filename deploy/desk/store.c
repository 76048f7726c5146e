/* store.c: the statements. Each is written once and means the same to SQLite and PostgreSQL.
 *
 * One open work item per fault. The partial unique index ticket_open allows one *root* for each
 * dedup_key of a gateway (so that no gateway can end or adopt another's tickets): not ended, not closed by people, linked to nothing. A gateway that lost its store
 * opens its live faults again, under a new epoch and a new ticket_key but the same dedup_key; such
 * a ticket is stored with linked_to = the root, so people keep working on one item. Three moves
 * keep this true whatever order messages come in:
 *   link     a ticket that is open while another is the root is linked to that root;
 *   follow   when the newer one ends, the root it speaks for ends too: nobody else would say so,
 *            since the root's own epoch is gone. It speaks for an earlier episode, or for an epoch the desk knew
 *            before its own (of epochs without births: for one that opened before it); in doubt the root stays
 *            open, and people close it;
 *   promote  when a root ends and open tickets are linked to it (an `opened` that overtook the
 *            `cleared` before it), the newest becomes the root and the others link to it. */
#include "store_inside.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SEQ_PAGE 256
#define ROOT "is_ended = 0 and work <> 'closed' and linked_to is null"
#define OPEN "is_ended = 0 and work <> 'closed'"

static const char *const SCHEMA[] = {
	"create table if not exists inbox(source text not null, id text not null,"
	" epoch text not null, seq bigint not null, type text not null, received_at bigint not null,"
	" body text not null, instance text not null default '', ticket_key text not null default '',"
	" primary key (source, id))",
	"create index if not exists inbox_stream on inbox(source, epoch, seq)",
	"create table if not exists parked(source text not null, epoch text not null,"
	" seq bigint not null, reason text not null, received_at bigint not null,"
	" primary key (source, epoch, seq))",
	"create table if not exists gap(source text not null, epoch text not null,"
	" first bigint not null, last bigint not null, seq bigint not null, said_at bigint not null,"
	" primary key (source, epoch, first))",
	"create table if not exists ticket(ticket_key text primary key, dedup_key text not null,"
	" gateway text not null, epoch text not null, ticket_no text not null,"
	" episode bigint not null, rev bigint not null, tier text not null,"
	" condition text not null, is_ended smallint not null, work text not null default 'new',"
	" linked_to text, asset text not null, fault text not null, opened_at bigint,"
	" cleared_at bigint, body text not null, updated_at bigint not null)",
	"create unique index if not exists ticket_open on ticket(gateway, dedup_key)"
	" where " ROOT,
	"create index if not exists ticket_dedup on ticket(gateway, dedup_key)",
	"create index if not exists ticket_linked on ticket(linked_to)",
	"create table if not exists stream(gw text not null, epoch text not null,"
	" contiguous_through bigint not null default 0, hole_to bigint, hole_since bigint,"
	" hole_said bigint, last_seen bigint not null, asks bigint not null default 0,"
	" ask_at bigint not null default 0, primary key (gw, epoch))",
	"create table if not exists gateway(gw text primary key, epoch text not null default '',"
	" last_state text not null default 'unknown', bd_seq bigint not null default 0,"
	" last_seen bigint not null, down_seq bigint not null default 0, instance text not null default '',"
	" connected text not null default '')",
	"create table if not exists instance(gw text not null, epoch text not null,"
	" instance text not null, boot text not null default '', first_bd bigint not null default 0,"
	" bd_seq bigint not null default 0, base_seq bigint not null default 0, first_seen bigint not null,"
	" last_seen bigint not null, fenced_at bigint, reason text, orders bigint not null default 0,"
	" order_at bigint not null default 0, primary key (gw, epoch, instance))",
	"create table if not exists held(gw text not null, epoch text not null, instance text not null,"
	" id text not null, received_at bigint not null, body text not null,"
	" primary key (gw, instance, id))",
};

/* Columns that came later, for databases that are older: made where asking for them fails. */
static const struct {
	const char *ask, *make;
} COLUMNS[] = {
	{"select instance from inbox limit 0", "alter table inbox add column instance text not null default ''"},
	{"select ticket_key from inbox limit 0", "alter table inbox add column ticket_key text not null default ''"},
	{"select asks from stream limit 0", "alter table stream add column asks bigint not null default 0"},
	{"select ask_at from stream limit 0", "alter table stream add column ask_at bigint not null default 0"},
	{"select instance from gateway limit 0", "alter table gateway add column instance text not null default ''"},
	{"select connected from gateway limit 0", "alter table gateway add column connected text not null default ''"},
};

static const char SQL_INBOX[] =
	"insert into inbox(source, id, epoch, seq, type, received_at, body, instance, ticket_key)"
	" values($1, $2, $3, $4, $5, $6, $7, $8, $9) on conflict (source, id) do nothing";
static const char SQL_UNPARK[] = "delete from parked where source = $1 and epoch = $2 and seq = $3";
static const char SQL_PARK[] =
	"insert into parked(source, epoch, seq, reason, received_at)"
	" select cast($1 as text), cast($2 as text), cast($3 as bigint), cast($4 as text),"
	" cast($5 as bigint) where not exists (select 1 from inbox where source = cast($1 as text)"
	" and epoch = cast($2 as text) and seq = cast($3 as bigint))"
	" on conflict (source, epoch, seq) do nothing";
static const char SQL_ROOT[] =
	"select ticket_key from ticket where gateway = $1 and dedup_key = $2"
	" and ticket_key <> $3 and " ROOT;
static const char SQL_TICKET[] =
	"insert into ticket(ticket_key, dedup_key, gateway, epoch, ticket_no, episode, rev, tier,"
	" condition, is_ended, linked_to, asset, fault, opened_at, cleared_at, body, updated_at)"
	" values($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)"
	" on conflict (ticket_key) do update set rev = excluded.rev, tier = excluded.tier,"
	" condition = excluded.condition, is_ended = excluded.is_ended,"
	" linked_to = case when excluded.is_ended = 1 then ticket.linked_to"
	"  else excluded.linked_to end,"
	" work = case when $18 = '1' and ticket.work = 'closed' then 'new' else ticket.work end,"
	" cleared_at = excluded.cleared_at, body = excluded.body, updated_at = excluded.updated_at"
	" where excluded.rev > ticket.rev and ticket.gateway = excluded.gateway"
	" and ticket.dedup_key = excluded.dedup_key";
/* When the desk came to know an epoch. Stamps of two epochs are compared only where that is not known: clocks may have been wrong. */
#define SINCE(of) "(select min(i.first_seen) from instance i where i.gw = ticket.gateway and i.epoch = " of ")"
static const char SQL_FOLLOW[] =
	"update ticket set is_ended = 1, condition = 'cleared', cleared_at = $4, updated_at = $5"
	" where ticket_key = (select linked_to from ticket where ticket_key = $1) and is_ended = 0"
	" and ((epoch = $2 and episode < $3) or (epoch <> $2 and case when " SINCE("$2") " <> " SINCE("ticket.epoch")
	" then " SINCE("$2") " > " SINCE("ticket.epoch") " else opened_at < $6 end))";
/* The root itself if there is one: then nothing changes. */
static const char SQL_PROMOTE[] =
	"update ticket set linked_to = null where linked_to is not null and ticket_key ="
	" (select ticket_key from ticket where gateway = $1 and dedup_key = $2 and " OPEN
	" order by case when linked_to is null then 0 else 1 end, opened_at desc, ticket_key limit 1)";
static const char SQL_RELINK[] =
	"update ticket set linked_to = (select ticket_key from ticket where gateway = $1"
	" and dedup_key = $2 and " ROOT ") where gateway = $1 and dedup_key = $2 and linked_to is not null and " OPEN;
static const char SQL_BIRTH_EPOCH[] = "select epoch from gateway where gw = $1 and epoch <> ''";
/* A late death of an earlier connection must not darken a later birth. */
static const char SQL_STATE[] =
	"insert into gateway(gw, epoch, last_state, bd_seq, last_seen) values($1, $2, $3, $4, $5)"
	" on conflict (gw) do update set epoch = excluded.epoch, last_state = excluded.last_state,"
	" bd_seq = excluded.bd_seq, last_seen = excluded.last_seen"
	" where gateway.instance = '' and (gateway.epoch <> excluded.epoch or gateway.bd_seq <= excluded.bd_seq)";
static const char SQL_SEEN[] =
	"insert into stream(gw, epoch, last_seen) values($1, $2, $3)"
	" on conflict (gw, epoch) do update set last_seen = excluded.last_seen";
static const char SQL_THROUGH[] =
	"select contiguous_through from stream where gw = $1 and epoch = $2";
static const char SQL_SEQS[] =
	"select seq from inbox where source = $1 and epoch = $2 and seq > $3"
	" union select seq from parked where source = $1 and epoch = $2 and seq > $3"
	" order by 1 limit 256";
static const char SQL_GAP[] =
	"insert into gap(source, epoch, first, last, seq, said_at) values($1, $2, $3, $4, $5, $6)"
	" on conflict (source, epoch, first) do nothing";
/* The range that begins at the next number or before it. */
static const char SQL_GAP_AT[] =
	"select last from gap where source = $1 and epoch = $2 and first <= cast($3 as bigint) + 1"
	" order by first desc limit 1";
/* hole_since starts anew when the stream has moved on to another hole. */
static const char SQL_ADVANCE[] =
	"update stream set"
	" hole_since = case when cast($4 as bigint) is null then null"
	"  when hole_since is not null and contiguous_through = cast($3 as bigint) then hole_since"
	"  else cast($5 as bigint) end,"
	" hole_said = case when contiguous_through = cast($3 as bigint) then hole_said end,"
	" asks = case when contiguous_through = cast($3 as bigint) then asks else 0 end,"
	" ask_at = case when contiguous_through = cast($3 as bigint) then ask_at else 0 end,"
	" hole_to = cast($4 as bigint), contiguous_through = cast($3 as bigint)"
	" where gw = $1 and epoch = $2";
static const char SQL_REJECTED[] =
	"select seq, reason from parked where source = $1 and epoch = $2"
	" and reason not like 'gone:%' order by seq desc limit 64";
/* The next time after 30 s, then after twice as long, up to a quarter of an hour. */
static const char SQL_OVERDUE[] =
	"update stream set hole_said = $2, asks = asks + 1, ask_at = cast($2 as bigint)"
	" + case when asks < 5 then 30000 * (1 << cast(asks as integer)) else 900000 end"
	" where hole_since <= $1 and ask_at <= $2 and hole_to is not null"
	" returning gw, epoch, contiguous_through + 1, hole_to, asks";
static const char SQL_WORK_TICKETS[] =
	"select ticket_key, gateway from ticket where ticket_key = $1 or (linked_to = $1 and " OPEN ")"
	" order by ticket_key";
static const char SQL_WORK[] = "update ticket set work = $2, updated_at = $3 where ticket_key = $1";
static const char SQL_DOWN_SEQ[] =
	"insert into gateway(gw, last_seen, down_seq) values($1, $2, 1)"
	" on conflict (gw) do update set down_seq = gateway.down_seq + 1 returning down_seq";

static const struct {
	const char *name, *sql;
	const char *columns[DB_COLUMNS_MAX];
} LISTS[STORE_LISTS] = {
	[STORE_LIST_TICKETS] =
		{"tickets",
		 "select ticket_key, ticket_no, dedup_key, gateway, epoch, episode, rev, tier,"
		 " condition, is_ended, work, linked_to, asset, fault, opened_at, cleared_at,"
		 " updated_at, body from ticket order by opened_at, ticket_key",
		 {"ticket_key", "ticket_no", "dedup_key", "gateway", "epoch", "episode", "rev", "tier",
		  "condition", "is_ended", "work", "linked_to", "asset", "fault", "opened_at",
		  "cleared_at", "updated_at", "body"}},
	[STORE_LIST_STREAMS] =
		{"streams",
		 "select gw, epoch, contiguous_through, contiguous_through + 1, hole_to, hole_since,"
		 " last_seen from stream order by gw, last_seen",
		 {"gateway", "epoch", "contiguous_through", "hole_from", "hole_to", "hole_since",
		  "last_seen"}},
	[STORE_LIST_GAPS] = {"gaps",
			     "select source, epoch, seq, sum(last - first + 1), count(*), min(first), max(last),"
			     " max(said_at) from gap group by source, epoch, seq order by source, epoch, seq",
			     {"source", "epoch", "seq", "events", "ranges", "first", "last", "said_at"}},
	[STORE_LIST_GATEWAYS] = {"gateways",
				 "select gw, epoch, last_state, last_seen from gateway order by gw",
				 {"gateway", "epoch", "last_state", "last_seen"}},
	[STORE_LIST_FENCED] = {"fenced",
			       "select gw, epoch, instance, boot, bd_seq, fenced_at, reason, last_seen, (select count(*)"
			       " from held where held.gw = instance.gw and held.instance = instance.instance)"
			       " from instance where fenced_at is not null order by fenced_at",
			       {"gateway", "epoch", "instance", "boot", "bd_seq", "fenced_at", "reason", "last_seen", "held"}},
};

enum wy_err store_open(struct store *store, const char *spec, bool is_new_ok)
{
	enum wy_err err = db_open(&store->db, spec, is_new_ok);

	for (size_t i = 0; i < COUNT(SCHEMA) && err == WY_OK; i++)
		err = db_run(&store->db, SCHEMA[i], NULL, 0, NULL, NULL, NULL);
	for (size_t i = 0; i < COUNT(COLUMNS) && err == WY_OK; i++)
		if (db_run(&store->db, COLUMNS[i].ask, NULL, 0, NULL, NULL, NULL) != WY_OK)
			err = db_run(&store->db, COLUMNS[i].make, NULL, 0, NULL, NULL, NULL);
	store->on_fenced = NULL;
	if (err != WY_OK && store->db.handle) {
		db_keep_why(&store->db);
		db_close(&store->db);
	}
	return err;
}

void store_close(struct store *store)
{
	db_close(&store->db);
}

enum wy_err store_begin(struct store *store)
{
	store->latest.gw[0] = '\0';
	return db_begin(&store->db);
}

enum wy_err store_commit(struct store *store)
{
	return db_commit(&store->db);
}

void store_abort(struct store *store)
{
	db_abort(&store->db);
}

static void keep_text(void *arg, const char *const column[], size_t n)
{
	struct store_text *kept = arg;

	if (n < 1 || !column[0])
		return;
	snprintf(kept->text, sizeof kept->text, "%s", column[0]);
	kept->is_found = true;
}

enum wy_err store_ask(struct store *store, const char *sql, const char *const param[], size_t n,
		      struct store_text *ret_text)
{
	*ret_text = (struct store_text){.is_found = false};
	return db_run(&store->db, sql, param, n, keep_text, ret_text, NULL);
}

/* What an ended ticket means for the others of its fault: follow and promote. */
static enum wy_err settle(struct store *store, const struct event *event, wy_ms now_ms)
{
	const char *ended[] = {event->ticket_key, event->epoch, NUMBER(event->episode),
			       TIME(event->cleared_ms), NUMBER(now_ms), TIME(event->opened_ms)};
	const char *fault[] = {event->gw, event->dedup_key};
	enum wy_err err = RUN(store, SQL_FOLLOW, ended);

	if (err == WY_OK)
		err = RUN(store, SQL_PROMOTE, fault);
	if (err == WY_OK)
		err = RUN(store, SQL_RELINK, fault);
	return err;
}

enum wy_err store_put_ticket(struct store *store, const struct event *event, wy_ms now_ms)
{
	const char *key[] = {event->gw, event->dedup_key, event->ticket_key};
	struct store_text root;
	enum wy_err err = store_ask(store, SQL_ROOT, key, COUNT(key), &root);
	const char *row[] = {
		event->ticket_key,
		event->dedup_key,
		event->gw,
		event->epoch,
		event->ticket_no,
		NUMBER(event->episode),
		NUMBER(event->rev),
		event->tier,
		event->condition,
		event->is_ended ? "1" : "0",
		root.is_found && !event->is_ended ? root.text : NULL,
		event->asset,
		event->fault,
		TIME(event->opened_ms),
		TIME(event->cleared_ms),
		event->body,
		NUMBER(now_ms),
		event->is_reopened ? "1" : "0",
	};
	size_t changed = 0;

	if (err == WY_OK)
		err = db_run(&store->db, SQL_TICKET, row, COUNT(row), NULL, NULL, &changed);
	if (err == WY_OK && changed > 0 && event->is_ended)
		err = settle(store, event, now_ms);
	return err;
}

static enum wy_err put_ranges(struct store *store, const struct event *event, wy_ms now_ms)
{
	enum wy_err err = WY_OK;
	int64_t first, last;

	for (size_t i = 0; err == WY_OK && event_range(event, i, &first, &last); i++) {
		const char *row[] = {event->source, event->epoch,	NUMBER(first),
				     NUMBER(last),  NUMBER(event->seq), NUMBER(now_ms)};
		err = RUN(store, SQL_GAP, row);
	}
	return err;
}

static enum wy_err insert(struct store *store, const struct event *event, wy_ms now_ms, bool *ret_is_new)
{
	const char *row[] = {event->source, event->id,	    event->epoch,    NUMBER(event->seq),
			     event->type,   NUMBER(now_ms), event->body,     event->instance,
			     event->verdict == EVENT_TICKET ? event->ticket_key : ""};
	size_t changed = 0;
	enum wy_err err = db_run(&store->db, SQL_INBOX, row, COUNT(row), NULL, NULL, &changed);

	*ret_is_new = changed > 0;
	return err;
}

static enum wy_err take_new(struct store *store, const struct event *event, wy_ms now_ms)
{
	const char *parked[] = {event->source, event->epoch, NUMBER(event->seq)};
	enum wy_err err = RUN(store, SQL_UNPARK, parked);

	if (err == WY_OK && event->verdict == EVENT_TICKET)
		err = store_put_ticket(store, event, now_ms);
	if (err == WY_OK && event->verdict == EVENT_GAP)
		err = put_ranges(store, event, now_ms);
	return err;
}

static enum wy_err enter(struct store *store, const struct event *event, wy_ms now_ms, enum store_fate *ret_fate)
{
	enum store_likeness likeness = STORE_SAME;
	bool is_new = false;
	enum wy_err err = insert(store, event, now_ms, &is_new);

	*ret_fate = STORE_NEW;
	if (err != WY_OK || is_new)
		return err;
	err = store_compare(store, event, now_ms, &likeness);
	if (err == WY_OK && likeness == STORE_ROOM_MADE)
		return insert(store, event, now_ms, &is_new);
	*ret_fate = likeness == STORE_SAME ? STORE_DUPLICATE : STORE_HELD;
	return err;
}

static enum wy_err take_numbered(struct store *store, struct event *event, wy_ms now_ms,
				 enum store_fate *ret_fate)
{
	bool is_believed = false;
	enum wy_err err = store_attribute(store, event, now_ms, &is_believed);

	*ret_fate = STORE_HELD;
	if (err == WY_OK && is_believed)
		err = enter(store, event, now_ms, ret_fate);
	if (err == WY_OK && *ret_fate == STORE_HELD)
		return store_hold(store, event, now_ms);
	return err == WY_OK && *ret_fate == STORE_NEW ? take_new(store, event, now_ms) : err;
}

static enum wy_err find_epoch(struct store *store, struct event *event)
{
	const char *gw[] = {event->gw};
	struct store_text epoch;
	enum wy_err err;

	if (event->epoch[0] != '\0')
		return WY_OK;
	err = store_ask(store, SQL_BIRTH_EPOCH, gw, COUNT(gw), &epoch);
	if (err == WY_OK && epoch.is_found)
		snprintf(event->epoch, sizeof event->epoch, "%.16s", epoch.text);
	return err;
}

/* Parked under the gateway of the topic, whatever the message claimed to be. */
static enum wy_err park(struct store *store, struct event *event, wy_ms now_ms,
			enum store_fate *ret_fate)
{
	char source[EVENT_GW_SIZE + 8];
	enum wy_err err = find_epoch(store, event);
	const char *row[] = {source, event->epoch, NUMBER(event->seq), event->reason,
			     NUMBER(now_ms)};
	bool is_believed = false;

	if (err != WY_OK)
		return err;
	*ret_fate = event->epoch[0] ? STORE_REJECTED : STORE_IGNORED;
	if (*ret_fate == STORE_IGNORED)
		return WY_OK;
	err = store_attribute(store, event, now_ms, &is_believed);
	if (err != WY_OK || !is_believed) {
		*ret_fate = STORE_HELD;
		return err;
	}
	snprintf(source, sizeof source, "/weiyu/%s", event->gw);
	return RUN(store, SQL_PARK, row);
}

/* Of a gateway that does not say which process it is; else see store_fence.c. */
static enum wy_err put_state(struct store *store, const struct event *event, wy_ms now_ms)
{
	const char *row[] = {event->gw, event->epoch, event->is_birth ? "birth" : "death",
			     NUMBER(event->bd_seq), NUMBER(now_ms)};

	if (event->instance[0])
		return event->is_birth ? store_birth(store, event, now_ms) : store_death(store, event, now_ms);
	return RUN(store, SQL_STATE, row);
}

enum wy_err store_take(struct store *store, struct event *event, wy_ms now_ms,
		       enum store_fate *ret_fate)
{
	*ret_fate = STORE_IGNORED;
	switch (event->verdict) {
	case EVENT_TICKET:
	case EVENT_GAP:
	case EVENT_OTHER:
		return take_numbered(store, event, now_ms, ret_fate);
	case EVENT_REJECT:
		return park(store, event, now_ms, ret_fate);
	case EVENT_STATE:
		return put_state(store, event, now_ms);
	case EVENT_REPLY:
		return store_reply(store, event, now_ms, ret_fate);
	case EVENT_NOISE:
		break;
	}
	return WY_OK;
}

struct seqs {
	int64_t seq[SEQ_PAGE];
	size_t n;
};

static void keep_seq(void *arg, const char *const column[], size_t n)
{
	struct seqs *seqs = arg;

	if (n > 0 && column[0] && seqs->n < SEQ_PAGE)
		seqs->seq[seqs->n++] = strtoll(column[0], NULL, 10);
}

/* Over the range of a gap record that begins where the stream stands. */
static enum wy_err cross_gap(struct store *store, const char *source, const char *epoch, int64_t *inout_through,
			     bool *ret_is_crossed)
{
	const char *at[] = {source, epoch, NUMBER(*inout_through)};
	struct store_text last;
	enum wy_err err = store_ask(store, SQL_GAP_AT, at, COUNT(at), &last);
	int64_t end = err == WY_OK && last.is_found ? strtoll(last.text, NULL, 10) : 0;

	*ret_is_crossed = end > *inout_through;
	if (*ret_is_crossed)
		*inout_through = end;
	return err;
}

/* Reads on, page by page, until a hole that no gap record explains, or the end. */
static enum wy_err walk(struct store *store, const char *source, const char *epoch,
			int64_t *inout_through, struct span_hole *ret_hole)
{
	struct seqs seqs;
	bool is_crossed;

	do {
		const char *after[] = {source, epoch, NUMBER(*inout_through)};
		enum wy_err err;

		seqs.n = 0;
		err = db_run(&store->db, SQL_SEQS, after, COUNT(after), keep_seq, &seqs, NULL);
		if (err != WY_OK)
			return err;
		*inout_through = span_advance(*inout_through, seqs.seq, seqs.n, ret_hole);
		err = cross_gap(store, source, epoch, inout_through, &is_crossed);
		if (err != WY_OK)
			return err;
	} while (is_crossed || (seqs.n == SEQ_PAGE && ret_hole->from > ret_hole->to));
	return WY_OK;
}

static void keep_rejected(void *arg, const char *const column[], size_t n)
{
	struct store_receipt *receipt = arg;
	struct store_rejected *rejected = &receipt->rejected[receipt->n_rejected];

	if (n < 2 || !column[0] || !column[1] || receipt->n_rejected == WY_DESK_REJECTED_MAX)
		return;
	rejected->seq = strtoll(column[0], NULL, 10);
	snprintf(rejected->reason, sizeof rejected->reason, "%s", column[1]);
	receipt->n_rejected++;
}

enum wy_err store_advance(struct store *store, const struct event *event, wy_ms now_ms,
			  struct store_receipt *ret_receipt)
{
	const char *gw = event->gw, *epoch = event->epoch;
	struct store_receipt receipt = {.n_rejected = 0};
	char source[EVENT_GW_SIZE + 8];
	const char *seen[] = {gw, epoch, NUMBER(now_ms)};
	const char *stream[] = {source, epoch};
	struct span_hole hole;
	struct store_text through;
	enum wy_err err = RUN(store, SQL_SEEN, seen);

	snprintf(source, sizeof source, "/weiyu/%s", gw);
	snprintf(receipt.gw, sizeof receipt.gw, "%s", gw);
	snprintf(receipt.epoch, sizeof receipt.epoch, "%s", epoch);
	snprintf(receipt.instance, sizeof receipt.instance, "%s", event->instance);
	if (err == WY_OK)
		err = store_ask(store, SQL_THROUGH, seen, 2, &through);
	if (err != WY_OK)
		return err;
	receipt.through = strtoll(through.text, NULL, 10);
	err = walk(store, source, epoch, &receipt.through, &hole);
	if (err == WY_OK) {
		const char *moved[] = {gw, epoch, NUMBER(receipt.through),
				       hole.from <= hole.to ? NUMBER(hole.to) : NULL, NUMBER(now_ms)};

		err = RUN(store, SQL_ADVANCE, moved);
	}
	if (err == WY_OK)
		err = db_run(&store->db, SQL_REJECTED, stream, COUNT(stream), keep_rejected, &receipt,
			     NULL);
	if (err == WY_OK)
		*ret_receipt = receipt;
	return err;
}

struct hole_call {
	store_hole_fn *say;
	void *arg;
};

static void pass_hole(void *arg, const char *const column[], size_t n)
{
	struct hole_call *call = arg;

	if (n == 5 && column[2] && column[3] && column[4])
		call->say(call->arg, column[0], column[1],
			  (struct span_hole){strtoll(column[2], NULL, 10), strtoll(column[3], NULL, 10)},
			  strtoll(column[4], NULL, 10));
}

enum wy_err store_overdue(struct store *store, wy_ms since_ms, wy_ms now_ms, store_hole_fn *say,
			  void *arg)
{
	const char *when[] = {NUMBER(since_ms), NUMBER(now_ms)};
	struct hole_call call = {say, arg};

	return db_run(&store->db, SQL_OVERDUE, when, COUNT(when), pass_hole, &call, NULL);
}

#define WORK_TICKETS_MAX 16 /* a root and what is linked to it; the rest hears of the next move */

struct work_list {
	struct {
		char key[160], gw[EVENT_GW_SIZE];
	} item[WORK_TICKETS_MAX];
	size_t n;
};

static void keep_work(void *arg, const char *const column[], size_t n)
{
	struct work_list *list = arg;

	if (n < 2 || !column[0] || !column[1] || list->n == WORK_TICKETS_MAX)
		return;
	snprintf(list->item[list->n].key, sizeof list->item[0].key, "%s", column[0]);
	snprintf(list->item[list->n].gw, sizeof list->item[0].gw, "%s", column[1]);
	list->n++;
}

enum wy_err store_work(struct store *store, const char *ticket_key, const char *state, wy_ms now_ms,
		       store_work_fn *say, void *arg)
{
	const char *key[] = {ticket_key};
	struct work_list list = {.n = 0};
	enum wy_err err = db_run(&store->db, SQL_WORK_TICKETS, key, 1, keep_work, &list, NULL);

	if (err == WY_OK && list.n == 0)
		return WY_E_NOTFOUND;
	for (size_t i = 0; i < list.n && err == WY_OK; i++) {
		const char *work[] = {list.item[i].key, state, NUMBER(now_ms)};
		const char *down[] = {list.item[i].gw, NUMBER(now_ms)};
		struct store_text seq;

		err = RUN(store, SQL_WORK, work);
		if (err == WY_OK)
			err = store_ask(store, SQL_DOWN_SEQ, down, COUNT(down), &seq);
		if (err == WY_OK)
			say(arg, list.item[i].gw, list.item[i].key, strtoll(seq.text, NULL, 10));
	}
	return err;
}

const char *store_list_name(enum store_list list)
{
	return LISTS[list].name;
}

const char *const *store_list_columns(enum store_list list)
{
	return LISTS[list].columns;
}

enum wy_err store_list(struct store *store, enum store_list list, db_row *row, void *arg)
{
	return db_run(&store->db, LISTS[list].sql, NULL, 0, row, arg, NULL);
}
