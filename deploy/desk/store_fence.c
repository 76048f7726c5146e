/* store_fence.c: processes of gateways, and what is done where two run on one store's copies. The judgement is fence.c's.
 *
 * What a fenced process sent beyond the place where it began is taken back: the messages go from `inbox` to `held`, tickets
 * are put back to what the others said of them, and the stream is whole only up to there. What it sent below that
 * place came out of the store before it was copied, so it is the same from either. */
#include <stdlib.h>
#include <string.h>

#include "fence.h"
#include "store_inside.h"

#define KEYS_MAX 256 /* tickets put back at once; more are put back in the next round of the same loop */
#define GONE_MAX 10000 /* numbers one range of a reply can close; the rest is asked for again */

#define THIS "gw = $1 and epoch = $2 and instance = $3"
#define OTHERS "gw = $1 and epoch = $2 and instance <> $3 and fenced_at is null"

static const char SQL_STANDING[] =
	"select case when fenced_at is null then '0' else '1' end from instance where " THIS;
static const char SQL_UNBORN[] =
	"insert into instance(gw, epoch, instance, first_seen, last_seen)"
	" values($1, $2, $3, cast($4 as bigint), cast($4 as bigint)) on conflict (gw, epoch, instance) do nothing";
static const char SQL_SEEN[] = "update instance set last_seen = $4 where " THIS;
static const char SQL_CONNECTED[] =
	"select case when connected <> '' then connected else instance end from gateway where gw = $1 and epoch = $2";
static const char SQL_EPOCH[] = "select epoch from gateway where gw = $1";
static const char SQL_STORED[] =
	"select case when body = cast($3 as text) then 'same' else 'other' end, instance from inbox"
	" where source = $1 and id = $2";
/* Of two the one that is believed and came first. */
static const char SQL_FIRST[] =
	"select instance from instance where gw = $1 and epoch = $2 and instance in ($3, $4)"
	" order by case when fenced_at is null then 0 else 1 end, case when first_bd = 0 then 1 else 0 end,"
	" first_bd, first_seen limit 1";
static const char SQL_OWN[] =
	"select case when fenced_at is not null then 2 when first_bd = 0 then 0 else 1 end, first_bd, bd_seq"
	" from instance where " THIS;
static const char SQL_OTHERS_BD[] = "select max(bd_seq) from instance where " OTHERS;
static const char SQL_LATER_FIRST[] =
	"select min(first_bd) from instance where " OTHERS " and first_bd > 0 and first_bd >= $4";
static const char SQL_OTHERS_SENT[] =
	"select seq from inbox where source = $1 and epoch = $2 and instance <> $3 and not exists"
	" (select 1 from instance i where i.gw = $4 and i.epoch = $2 and i.instance = inbox.instance"
	" and i.fenced_at is not null) order by seq desc limit 1";
static const char SQL_LATER[] =
	"select instance, base_seq from instance where " OTHERS " and first_bd >= $4 and first_bd <= $5";
static const char SQL_BORN[] =
	"insert into instance(gw, epoch, instance, boot, first_bd, bd_seq, base_seq, first_seen, last_seen)"
	" values($1, $2, $3, $4, cast($5 as bigint), cast($5 as bigint), $6, cast($7 as bigint), cast($7 as bigint))"
	" on conflict (gw, epoch, instance) do update set boot = excluded.boot,"
	" first_bd = case when instance.first_bd = 0 then excluded.first_bd else instance.first_bd end,"
	" base_seq = case when instance.first_bd = 0 then excluded.base_seq else instance.base_seq end,"
	" bd_seq = case when instance.bd_seq < excluded.bd_seq then excluded.bd_seq else instance.bd_seq end,"
	" last_seen = excluded.last_seen";
static const char SQL_SPEAKS[] =
	"insert into gateway(gw, epoch, instance, last_state, bd_seq, last_seen, connected)"
	" values($1, $2, $3, 'birth', $4, $5, $3)"
	" on conflict (gw) do update set epoch = excluded.epoch, instance = excluded.instance,"
	" last_state = excluded.last_state, bd_seq = excluded.bd_seq, last_seen = excluded.last_seen,"
	" connected = excluded.connected";
static const char SQL_CONNECTS[] = "update gateway set connected = $3 where gw = $1 and epoch = $2";
static const char SQL_ORDER_NOW[] = "update instance set order_at = 0 where " THIS " and fenced_at is not null";
static const char SQL_DEATH[] =
	"insert into gateway(gw, epoch, instance, last_state, bd_seq, last_seen) values($1, $2, $3, 'death', $4, $5)"
	" on conflict (gw) do update set last_state = excluded.last_state, last_seen = excluded.last_seen"
	" where gateway.epoch = excluded.epoch and gateway.instance = excluded.instance"
	" and gateway.bd_seq <= excluded.bd_seq";
static const char SQL_FENCE[] =
	"update instance set fenced_at = $4, last_seen = $4, reason = $5, orders = 0, order_at = 0"
	" where " THIS " and fenced_at is null";
static const char SQL_HOLD[] =
	"insert into held(gw, epoch, instance, id, received_at, body) select cast($1 as text), cast($2 as text),"
	" cast($3 as text), cast($4 as text), cast($5 as bigint), cast($6 as text)"
	" where (select count(*) from held where gw = cast($1 as text)) < 10000 and not exists"
	" (select 1 from inbox where source = cast($7 as text) and id = cast($4 as text) and body = cast($6 as text))"
	" on conflict (gw, instance, id) do nothing";
#define TAKEN_BACK "source = $1 and epoch = $2 and instance = $3 and seq > $4"
static const char SQL_BACK_KEYS[] =
	"select distinct ticket_key from inbox where " TAKEN_BACK " and ticket_key <> '' order by 1 limit 256";
static const char SQL_BACK_HELD[] =
	"insert into held(gw, epoch, instance, id, received_at, body) select cast($5 as text), epoch, instance, id,"
	" received_at, body from inbox where " TAKEN_BACK " and ticket_key = $6"
	" on conflict (gw, instance, id) do nothing";
static const char SQL_BACK_GONE[] = "delete from inbox where " TAKEN_BACK " and ticket_key = $5";
static const char SQL_BACK_STREAM[] =
	"update stream set contiguous_through = $3, hole_to = null, hole_since = null where gw = $1 and epoch = $2"
	" and contiguous_through > $3";
static const char SQL_LAST_OF_TICKET[] =
	"select body from inbox where source = $1 and epoch = $2 and ticket_key = $3 order by seq desc limit 1";
static const char SQL_TICKET_GONE[] = "delete from ticket where ticket_key = $1 and gateway = $2";
static const char SQL_TICKET_BACK[] = "update ticket set rev = 0 where ticket_key = $1 and gateway = $2";
static const char SQL_ORDERS[] =
	"update instance set orders = orders + 1, order_at = cast($1 as bigint)"
	" + case when orders < 6 then 5000 * (1 << cast(orders as integer)) else 300000 end"
	" where order_at <= $1 and (orders < 10 or last_seen >= order_at - 300000) and"
	" (fenced_at is not null or (first_bd = 0 and first_seen <= cast($1 as bigint) - 5000))"
	/* fenced_at as it is: SQLite 3.40 answers an `is null` here by what the `where` says of it */
	" returning gw, epoch, instance, boot, fenced_at";
static const char SQL_ORDER_DONE[] = "update instance set orders = 10, order_at = order_at + 300000 where " THIS;
static const char SQL_GONE[] =
	"with recursive n(i) as (select cast($3 as bigint) union all select i + 1 from n where i < cast($4 as bigint))"
	" insert into parked(source, epoch, seq, reason, received_at) select cast($1 as text), cast($2 as text), i,"
	" cast($5 as text), cast($6 as bigint) from n where not exists (select 1 from inbox where"
	" source = cast($1 as text) and epoch = cast($2 as text) and seq = i) on conflict (source, epoch, seq) do nothing";

struct source {
	char text[EVENT_GW_SIZE + 8];
};

static struct source source_of(const char *gw)
{
	struct source source;

	snprintf(source.text, sizeof source.text, "/weiyu/%s", gw);
	return source;
}

static enum wy_err ask_number(struct store *store, const char *sql, const char *const param[], size_t n,
			      int64_t *ret_number)
{
	struct store_text text;
	enum wy_err err = store_ask(store, sql, param, n, &text);

	*ret_number = text.is_found ? strtoll(text.text, NULL, 10) : 0;
	return err;
}

/* ---- Taking back ---------------------------------------------------------------------------------- */

struct keys {
	char key[KEYS_MAX][EVENT_KEY_SIZE];
	size_t n;
};

static void keep_key(void *arg, const char *const column[], size_t n)
{
	struct keys *keys = arg;

	if (n > 0 && column[0] && keys->n < KEYS_MAX)
		snprintf(keys->key[keys->n++], EVENT_KEY_SIZE, "%s", column[0]);
}

struct body {
	struct event event;
	const char *gw;
	bool is_found;
};

static void read_body(void *arg, const char *const column[], size_t n)
{
	struct body *body = arg;
	char topic[96];

	if (n < 1 || !column[0])
		return;
	snprintf(topic, sizeof topic, "weiyu/v1/up/00/%s/ticket", body->gw);
	event_read(&body->event, topic, column[0], strlen(column[0]), NULL);
	body->is_found = true;
}

/* The ticket as the messages that are left tell it. Without any it is gone; is_ending: only that is done in this round, so
 * that no two tickets of a fault are open at once. */
static enum wy_err put_back(struct store *store, const char *gw, const char *epoch, const char *key, bool is_ending,
			    wy_ms now_ms)
{
	struct source source = source_of(gw);
	const char *of_ticket[] = {source.text, epoch, key};
	const char *ticket[] = {key, gw};
	struct body body = {.gw = gw};
	enum wy_err err = db_run(&store->db, SQL_LAST_OF_TICKET, of_ticket, COUNT(of_ticket), read_body, &body, NULL);

	if (err == WY_OK && !body.is_found && is_ending)
		err = RUN(store, SQL_TICKET_GONE, ticket);
	if (err == WY_OK && body.is_found && !is_ending && body.event.verdict == EVENT_TICKET) {
		err = RUN(store, SQL_TICKET_BACK, ticket);
		if (err == WY_OK)
			err = store_put_ticket(store, &body.event, now_ms);
	}
	if (body.is_found)
		event_release(&body.event);
	return err;
}

static enum wy_err move_aside(struct store *store, const char *gw, const char *epoch, const char *instance,
			      int64_t keep_through, const char *key)
{
	struct source source = source_of(gw);
	const char *held[] = {source.text, epoch, instance, NUMBER(keep_through), gw, key};
	const char *gone[] = {source.text, epoch, instance, NUMBER(keep_through), key};
	enum wy_err err = RUN(store, SQL_BACK_HELD, held);

	return err == WY_OK ? RUN(store, SQL_BACK_GONE, gone) : err;
}

static enum wy_err take_back(struct store *store, const char *gw, const char *epoch, const char *instance,
			     int64_t keep_through, wy_ms now_ms)
{
	struct source source = source_of(gw);
	const char *rows[] = {source.text, epoch, instance, NUMBER(keep_through)};
	const char *stream[] = {gw, epoch, NUMBER(keep_through)};
	struct keys keys;
	enum wy_err err;

	do {
		keys.n = 0;
		err = db_run(&store->db, SQL_BACK_KEYS, rows, COUNT(rows), keep_key, &keys, NULL);
		for (size_t i = 0; i < keys.n && err == WY_OK; i++)
			err = move_aside(store, gw, epoch, instance, keep_through, keys.key[i]);
		for (int round = 0; round < 2; round++)
			for (size_t i = 0; i < keys.n && err == WY_OK; i++)
				err = put_back(store, gw, epoch, keys.key[i], round == 0, now_ms);
	} while (err == WY_OK && keys.n == KEYS_MAX);
	if (err == WY_OK)
		err = move_aside(store, gw, epoch, instance, keep_through, ""); /* what was about no ticket */
	return err == WY_OK ? RUN(store, SQL_BACK_STREAM, stream) : err;
}

static enum wy_err fence(struct store *store, const struct event *event, const char *instance, int64_t keep_through,
			 const char *reason, wy_ms now_ms)
{
	const char *row[] = {event->gw, event->epoch, instance, NUMBER(now_ms), reason};
	size_t changed = 0;
	enum wy_err err = db_run(&store->db, SQL_FENCE, row, COUNT(row), NULL, NULL, &changed);

	store->latest.gw[0] = '\0';
	if (err == WY_OK && changed > 0 && store->on_fenced)
		store->on_fenced(store->arg, event->gw, event->epoch, instance, reason);
	return err == WY_OK ? take_back(store, event->gw, event->epoch, instance, keep_through, now_ms) : err;
}

/* ---- Events ---------------------------------------------------------------------------------------- */

static bool is_latest(const struct store *store, const struct event *event)
{
	return strcmp(store->latest.gw, event->gw) == 0 && strcmp(store->latest.epoch, event->epoch) == 0 &&
	       strcmp(store->latest.instance, event->instance) == 0;
}

static void keep_latest(struct store *store, const struct event *event, bool is_fenced)
{
	memcpy(store->latest.gw, event->gw, sizeof event->gw);
	memcpy(store->latest.epoch, event->epoch, sizeof event->epoch);
	memcpy(store->latest.instance, event->instance, sizeof event->instance);
	store->latest.is_fenced = is_fenced;
}

enum wy_err store_attribute(struct store *store, struct event *event, wy_ms now_ms, bool *ret_is_believed)
{
	const char *row[] = {event->gw, event->epoch, event->instance, NUMBER(now_ms)};
	struct store_text text = {.is_found = false};
	enum wy_err err = WY_OK;
	bool is_fenced;

	*ret_is_believed = true;
	if (!event->instance[0])
		err = store_ask(store, SQL_CONNECTED, row, 2, &text);
	if (text.is_found && strlen(text.text) < sizeof event->instance)
		memcpy(event->instance, text.text, strlen(text.text) + 1);
	if (err != WY_OK || !event->instance[0])
		return err;
	if (is_latest(store, event)) {
		*ret_is_believed = !store->latest.is_fenced;
		return WY_OK;
	}
	err = store_ask(store, SQL_STANDING, row, 3, &text);
	is_fenced = text.is_found && text.text[0] == '1';
	if (err == WY_OK && !text.is_found)
		err = RUN(store, SQL_UNBORN, row);
	if (err == WY_OK && is_fenced)
		err = RUN(store, SQL_SEEN, row);
	if (err == WY_OK)
		keep_latest(store, event, is_fenced);
	*ret_is_believed = !is_fenced;
	return err;
}

struct stored {
	bool is_same;
	char instance[EVENT_EPOCH_SIZE];
};

static void keep_stored(void *arg, const char *const column[], size_t n)
{
	struct stored *stored = arg;

	if (n < 2 || !column[0] || !column[1])
		return;
	stored->is_same = strcmp(column[0], "same") == 0;
	snprintf(stored->instance, sizeof stored->instance, "%s", column[1]);
}

enum wy_err store_compare(struct store *store, const struct event *event, wy_ms now_ms,
			  enum store_likeness *ret_likeness)
{
	static const char reason[] = "it uses a number for another event";
	const char *row[] = {event->source, event->id, event->body};
	struct stored stored = {.is_same = true};
	struct store_text first = {.is_found = false};
	enum wy_err err = db_run(&store->db, SQL_STORED, row, COUNT(row), keep_stored, &stored, NULL);

	*ret_likeness = STORE_SAME;
	if (err != WY_OK || stored.is_same)
		return err;
	*ret_likeness = STORE_OTHER;
	if (!event->instance[0])
		return WY_OK;
	const char *pair[] = {event->gw, event->epoch, event->instance, stored.instance};
	err = store_ask(store, SQL_FIRST, pair, COUNT(pair), &first);
	if (err != WY_OK)
		return err;
	if (!stored.instance[0] || strcmp(first.text, event->instance) != 0 ||
	    strcmp(stored.instance, event->instance) == 0)
		return fence(store, event, event->instance, INT64_MAX, reason, now_ms);
	*ret_likeness = STORE_ROOM_MADE;
	return fence(store, event, stored.instance, event->seq - 1, reason, now_ms);
}

enum wy_err store_hold(struct store *store, const struct event *event, wy_ms now_ms)
{
	const char *row[] = {event->gw, event->epoch, event->instance, event->id, NUMBER(now_ms), event->body,
			     event->source};

	return RUN(store, SQL_HOLD, row);
}

/* ---- Births and deaths ----------------------------------------------------------------------------- */

static void keep_own(void *arg, const char *const column[], size_t n)
{
	struct fence_facts *facts = arg;

	if (n < 3 || !column[0] || !column[1] || !column[2])
		return;
	facts->standing = (enum fence_standing)(column[0][0] - '0');
	facts->own_first = strtoll(column[1], NULL, 10);
	facts->own_bd = strtoll(column[2], NULL, 10);
}

static enum wy_err gather(struct store *store, const struct event *event, struct fence_facts *facts)
{
	struct source source = source_of(event->gw);
	const char *own[] = {event->gw, event->epoch, event->instance};
	const char *sent[] = {source.text, event->epoch, event->instance, event->gw};
	enum wy_err err;

	*facts = (struct fence_facts){.is_retained = event->is_retained, .bd_seq = event->bd_seq,
				      .last_seq = event->last_seq};
	err = db_run(&store->db, SQL_OWN, own, COUNT(own), keep_own, facts, NULL);
	const char *later[] = {event->gw, event->epoch, event->instance, NUMBER(facts->own_first)};
	if (err == WY_OK)
		err = ask_number(store, SQL_OTHERS_BD, own, COUNT(own), &facts->others_bd);
	if (err == WY_OK)
		err = ask_number(store, SQL_OTHERS_SENT, sent, COUNT(sent), &facts->others_sent);
	if (err == WY_OK)
		err = ask_number(store, SQL_LATER_FIRST, later, COUNT(later), &facts->later_first);
	return err;
}

/* Old news of an epoch that the gateway has left: a broker restored from a copy, or a retained birth of before. */
static enum wy_err is_left(struct store *store, const struct event *event, const struct fence_facts *facts,
			   bool *ret_is_left)
{
	const char *gw[] = {event->gw};
	struct store_text epoch;
	enum wy_err err = store_ask(store, SQL_EPOCH, gw, 1, &epoch);
	bool is_other = epoch.is_found && epoch.text[0] && strcmp(epoch.text, event->epoch) != 0;
	bool is_known = facts->own_first > 0 || facts->others_bd > 0;

	*ret_is_left = is_other && is_known && (facts->is_retained || facts->bd_seq <= facts->own_bd);
	return err;
}

struct later {
	struct {
		char instance[EVENT_EPOCH_SIZE];
		int64_t base_seq;
	} item[8];
	size_t n;
};

static void keep_later(void *arg, const char *const column[], size_t n)
{
	struct later *later = arg;

	if (n < 2 || !column[0] || !column[1] || later->n == COUNT(later->item))
		return;
	snprintf(later->item[later->n].instance, EVENT_EPOCH_SIZE, "%s", column[0]);
	later->item[later->n++].base_seq = strtoll(column[1], NULL, 10);
}

static enum wy_err fence_later(struct store *store, const struct event *event, const struct fence_facts *facts,
			       const char *reason, wy_ms now_ms)
{
	const char *row[] = {event->gw, event->epoch, event->instance, NUMBER(facts->own_first), NUMBER(facts->bd_seq)};
	struct later later = {.n = 0};
	enum wy_err err = db_run(&store->db, SQL_LATER, row, COUNT(row), keep_later, &later, NULL);

	for (size_t i = 0; i < later.n && err == WY_OK; i++)
		err = fence(store, event, later.item[i].instance, later.item[i].base_seq, reason, now_ms);
	return err;
}

/* One that is fenced has the line: what comes without properties is its own, and an order reaches it. */
static enum wy_err put_fenced(struct store *store, const struct event *event, const struct fence_facts *facts)
{
	const char *row[] = {event->gw, event->epoch, event->instance};
	bool is_new = !event->is_retained && event->bd_seq > facts->own_bd;

	enum wy_err err = is_new ? RUN(store, SQL_CONNECTS, row) : WY_OK;

	return err == WY_OK && is_new ? RUN(store, SQL_ORDER_NOW, row) : err;
}

static enum wy_err put_birth(struct store *store, const struct event *event, bool is_speaker, wy_ms now_ms)
{
	const char *born[] = {event->gw,	     event->epoch,	       event->instance, event->boot,
			      NUMBER(event->bd_seq), NUMBER(event->last_seq), NUMBER(now_ms)};
	const char *speaks[] = {event->gw, event->epoch, event->instance, NUMBER(event->bd_seq), NUMBER(now_ms)};
	enum wy_err err = RUN(store, SQL_BORN, born);

	return err == WY_OK && is_speaker ? RUN(store, SQL_SPEAKS, speaks) : err;
}

enum wy_err store_birth(struct store *store, const struct event *event, wy_ms now_ms)
{
	struct fence_facts facts;
	const char *reason = NULL;
	bool is_past = false;
	enum wy_err err = gather(store, event, &facts);

	if (err == WY_OK)
		err = is_left(store, event, &facts, &is_past);
	if (err != WY_OK || is_past)
		return err;
	enum fence_verdict verdict = fence_judge(&facts, &reason);
	if (verdict == FENCE_STALE)
		return WY_OK;
	if (verdict == FENCE_THE_LATER)
		err = fence_later(store, event, &facts, reason, now_ms);
	if (err == WY_OK)
		err = put_birth(store, event, verdict != FENCE_THIS, now_ms);
	if (err == WY_OK && verdict == FENCE_THIS)
		err = put_fenced(store, event, &facts);
	if (err == WY_OK && verdict == FENCE_THIS)
		err = fence(store, event, event->instance, event->last_seq, reason, now_ms);
	return err;
}

enum wy_err store_death(struct store *store, const struct event *event, wy_ms now_ms)
{
	const char *row[] = {event->gw, event->epoch, event->instance, NUMBER(event->bd_seq), NUMBER(now_ms)};

	return RUN(store, SQL_DEATH, row);
}

/* ---- Orders and their answers ------------------------------------------------------------------------ */

struct order_call {
	store_order_fn *order;
	void *arg;
};

static void pass_order(void *arg, const char *const column[], size_t n)
{
	struct order_call *call = arg;

	if (n == 5 && column[2] && column[3])
		call->order(call->arg, column[0], column[1], column[2], column[3], column[4] != NULL);
}

enum wy_err store_orders(struct store *store, wy_ms now_ms, store_order_fn *order, void *arg)
{
	const char *when[] = {NUMBER(now_ms)};
	struct order_call call = {order, arg};

	return db_run(&store->db, SQL_ORDERS, when, COUNT(when), pass_order, &call, NULL);
}

/* Numbers that will never come count as come, so that the stream is not held up by them for ever. */
static enum wy_err close_holes(struct store *store, const struct event *event, const char *list, const char *reason,
			       wy_ms now_ms)
{
	struct source source = source_of(event->gw);
	const json_t *range;
	size_t i;
	enum wy_err err = WY_OK;

	json_array_foreach (json_object_get(event->data, list), i, range) {
		int64_t from = json_integer_value(json_object_get(range, "from"));
		int64_t to = json_integer_value(json_object_get(range, "to"));
		const char *row[] = {source.text, event->epoch, NUMBER(from),
				     NUMBER(from >= 1 && to - from >= GONE_MAX ? from + GONE_MAX - 1 : to), reason, NUMBER(now_ms)};

		if (from >= 1 && from <= to && err == WY_OK)
			err = RUN(store, SQL_GONE, row);
	}
	return err;
}

enum wy_err store_reply(struct store *store, const struct event *event, wy_ms now_ms, enum store_fate *ret_fate)
{
	const char *row[] = {event->gw, event->epoch, event->instance};
	const char *type = event_text(event->data, "command_type");
	struct store_text fenced;
	enum wy_err err;

	if (!event->epoch[0] || strcmp(event_text(event->data, "status"), "done") != 0)
		return WY_OK;
	if (strcmp(type, "com.weiyu.cmd.epoch_new.v1") == 0)
		return RUN(store, SQL_ORDER_DONE, row);
	if (strcmp(type, "com.weiyu.cmd.resend.v1") != 0)
		return WY_OK;
	err = store_ask(store, SQL_STANDING, row, COUNT(row), &fenced);
	if (err != WY_OK || (fenced.is_found && fenced.text[0] == '1'))
		return err;
	err = close_holes(store, event, "gone", "gone: no longer kept by the gateway", now_ms);
	if (err == WY_OK)
		err = close_holes(store, event, "parked", "gone: parked by the gateway", now_ms);
	*ret_fate = STORE_CLOSED;
	return err;
}
