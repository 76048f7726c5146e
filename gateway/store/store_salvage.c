/* store_salvage.c: what can be believed of a damaged store, row by row.
 *
 * SQLite refuses a page whose structure is wrong and everything below it, and goes on elsewhere. So a table is walked from
 * both ends, and what lies between is asked for one by one: by number where rows have numbers, by the next possible beginning
 * of a key where they have keys. A walk that does not go strictly one way is in a circle, and over.
 *
 * What is read is then checked as far as it says anything about itself: the key of a ticket is a hash of what it is made of; an
 * event must be JSON whose envelope, row and document agree; the memory of the rules has checksums, which the rules look
 * at. The rest must fit its field. Nothing of the damaged file is changed but its index (-shm). */
#include "store_sql.h"

#include <stdlib.h>
#include <string.h>

#include "restamp.h"
#include "store_past_gap.h"

enum salvage_statement {
#define SALVAGE(name, sql) SALVAGE_##name,
#include "salvage.def"
#undef SALVAGE
	SALVAGE_STATEMENTS
};

static const char *const salvage_texts[SALVAGE_STATEMENTS] = {
#define SALVAGE(name, sql) [SALVAGE_##name] = sql,
#include "salvage.def"
#undef SALVAGE
};

enum { KEY_SIZE = 512, FACTS_MAX = 65536, CELL_MAX = 1 << 20, DAY_MOST = 1000000 };
#define EPISODE_MOST INT64_C(1000000000000)
#define PROBES_BLIND 4096 /* behind the last row that can be read, where nobody knows how many there were */

struct salvage {
	struct store *from, *to; /* from: a handle for reading, with no lock and no transaction */
	sqlite3_stmt *stmt[SALVAGE_STATEMENTS];
	struct store_opening *opening;
	struct ticket_stamp newest; /* of all that verified: where the clock stood, if nothing better says it */
	bool has_clock;
	struct past_gap gap;
	bool is_home;	/* `to` lives already, and decided for itself: see store_bring_home() */
	bool is_last_try;
	wy_ms shift_ms; /* from the steady clock of `from` to that of `to`; 0 where it goes on */
	bool is_by_wall; /* nobody knows how far apart they are: by the wall */
	struct store_clock ours; /* is_home: an instant on the clocks of `to` */
	char raw[WY_TICKET_BYTES_MAX + 1], text[WY_TICKET_BYTES_MAX + 1]; /* an event as it was, and as it goes on */
};

/* A row that cannot be believed is WY_E_INVALID, one that is none of ours to carry WY_E_NOTFOUND; anything else ends the
 * salvage. */
typedef enum wy_err take_row(struct salvage *s, struct store_binder *row, int64_t id);

static struct store_binder bind(struct salvage *s, enum salvage_statement id)
{
	struct store_binder binder = {s->from, s->stmt[id], 0, s->stmt[id] ? SQLITE_OK : SQLITE_CORRUPT, false};

	sqlite3_reset(binder.stmt);
	return binder;
}

static enum wy_err count(struct salvage *s, enum store_part part, enum wy_err err)
{
	store_beat(s->to);
	if (part == STORE_PARTS)
		return err == WY_E_INVALID || err == WY_E_NOTFOUND ? WY_OK : err;
	s->opening->part[part].kept += !err;
	s->opening->part[part].lost += err == WY_E_INVALID;
	return err == WY_E_INVALID || err == WY_E_NOTFOUND ? WY_OK : err;
}

static void note_instant(struct salvage *s, struct ticket_stamp stamp)
{
	if (stamp.mono_ms > s->newest.mono_ms && stamp.wall_ms > 0)
		s->newest = stamp;
}

/* An instant on the steady clock of the store it goes to. */
static struct ticket_stamp shifted(const struct salvage *s, struct ticket_stamp stamp)
{
	if (stamp.wall_ms == 0 && stamp.mono_ms == 0)
		return stamp; /* it has not happened */
	stamp.mono_ms = s->is_by_wall ? s->ours.mono_ms + (stamp.wall_ms - s->ours.wall_ms) : stamp.mono_ms + s->shift_ms;
	return stamp;
}

/* ---- Tables whose rows have numbers ------------------------------------------------------------- */

struct numbers {
	int64_t *at;
	size_t n, max;
};

static enum wy_err push(struct numbers *numbers, int64_t value)
{
	if (numbers->n == numbers->max) {
		size_t max = numbers->max ? numbers->max * 2 : 1024;
		int64_t *at = realloc(numbers->at, max * sizeof(*at));

		if (!at)
			return WY_E_NOMEM;
		numbers->at = at;
		numbers->max = max;
	}
	numbers->at[numbers->n++] = value;
	return WY_OK;
}

/* From `last` up, or down, but for `bound`. *ret_last: of the last row that could be read. *ret_whole: the end was reached. */
static enum wy_err walk(struct salvage *s, enum salvage_statement id, int64_t last, int64_t bound, struct numbers *numbers,
			int64_t *ret_last, bool *ret_whole)
{
	struct store_binder binder = bind(s, id);
	bool is_up = last < bound, is_on = true;
	enum wy_err err = WY_OK, read;

	store_bind_int(&binder, last);
	read = store_row(&binder);
	while (!read && !err && is_on) {
		int64_t at = sqlite3_column_int64(binder.stmt, 0);

		is_on = is_up ? at > last && at < bound : at < last && at > bound;
		if (is_on) {
			err = push(numbers, at);
			last = at;
			read = store_row(&binder);
		}
	}
	store_done(&binder);
	*ret_last = last;
	*ret_whole = read == WY_E_NOTFOUND;
	return err;
}

static void turn(struct numbers *numbers, size_t from)
{
	for (size_t i = from, k = numbers->n; i + 1 < k; i++) {
		int64_t moved = numbers->at[i];

		numbers->at[i] = numbers->at[--k];
		numbers->at[k] = moved;
	}
}

/* Every number that a row could have, ascending. */
static enum wy_err find_numbers(struct salvage *s, enum salvage_statement up, enum salvage_statement down, struct numbers *numbers)
{
	struct numbers above = {NULL, 0, 0};
	int64_t low = 0, high = 0;
	bool is_whole = false;
	enum wy_err err = walk(s, up, INT64_MIN, INT64_MAX, numbers, &low, &is_whole);

	if (err || is_whole)
		return err;
	low = low < 0 ? 0 : low;
	err = walk(s, down, INT64_MAX, low, &above, &high, &is_whole);
	turn(&above, 0);
	if (high == INT64_MAX)
		high = low + PROBES_BLIND;
	for (int64_t at = low + 1; !err && at < high && at - low < (int64_t)WY_STORE_PROBES_MAX; at++)
		err = push(numbers, at);
	for (size_t i = 0; !err && i < above.n; i++)
		err = push(numbers, above.at[i]);
	free(above.at);
	return err;
}

static enum wy_err take_numbered(struct salvage *s, enum salvage_statement one, int64_t at, take_row *take)
{
	struct store_binder row = bind(s, one);

	store_bind_int(&row, at);
	enum wy_err err = store_row(&row);
	if (err)
		err = err == WY_E_NOTFOUND || err == WY_E_NOMEM ? err : WY_E_INVALID;
	else
		err = take(s, &row, at);
	store_done(&row);
	return err;
}

static enum wy_err salvage_numbered(struct salvage *s, enum salvage_statement up, enum store_part part, take_row *take)
{
	enum salvage_statement down = up + 1, one = up + 2; /* as salvage.def has them */
	struct numbers numbers = {NULL, 0, 0};
	enum wy_err err = WY_OK;

	if (s->stmt[up])
		err = find_numbers(s, up, down, &numbers);
	else /* the table is gone, or nobody can say where it is: one place */
		err = count(s, part, WY_E_INVALID);
	for (size_t i = 0; !err && i < numbers.n; i++)
		err = count(s, part, take_numbered(s, one, numbers.at[i], take));
	free(numbers.at);
	return err;
}

/* ---- Tables whose rows have keys ---------------------------------------------------------------- */

static bool read_key(const struct store_binder *row, char out[KEY_SIZE])
{
	const char *text = (const char *)sqlite3_column_text(row->stmt, 0);
	size_t len = (size_t)sqlite3_column_bytes(row->stmt, 0);

	if (!text || len >= KEY_SIZE || memchr(text, '\0', len))
		return false;
	memcpy(out, text, len);
	out[len] = '\0';
	return true;
}

/* From `last` towards `bound` (NULL: to the end). last is left at the last key that could be read. */
static enum wy_err walk_keys(struct salvage *s, enum salvage_statement id, bool is_up, char last[KEY_SIZE], const char *bound,
			     enum store_part part, take_row *take, bool *ret_whole)
{
	struct store_binder row = bind(s, id);
	char key[KEY_SIZE];
	enum wy_err err = WY_OK, read;
	int way = is_up ? 1 : -1;

	store_bind_text(&row, last);
	for (read = store_row(&row); !read && !err; read = store_row(&row)) {
		if (!read_key(&row, key) || strcmp(key, last) * way <= 0 || (bound && strcmp(key, bound) * way >= 0))
			break;
		strcpy(last, key);
		err = count(s, part, take(s, &row, 0));
	}
	store_done(&row);
	*ret_whole = read == WY_E_NOTFOUND;
	return err;
}

/* The least text behind all that begin like the first len bytes of key. False: there is none. */
static bool step_over(const char *key, size_t len, char out[KEY_SIZE])
{
	memcpy(out, key, len);
	out[len] = '\0';
	if ((unsigned char)out[len - 1] == 0xff)
		return false;
	out[len - 1]++;
	return true;
}

/* Between two keys behind and before which nothing can be read: wherever else a row may begin. */
static enum wy_err hop(struct salvage *s, enum salvage_statement up, char low[KEY_SIZE], const char *high, enum store_part part,
		       take_row *take)
{
	char from[KEY_SIZE], begun[KEY_SIZE];
	bool is_whole = false;
	enum wy_err err = WY_OK;

	for (size_t len = strlen(low); !err && len > 0 && !is_whole; len--) {
		if (!step_over(low, len, from) || strcmp(from, high) >= 0)
			continue;
		strcpy(begun, from);
		err = walk_keys(s, up, true, from, high, part, take, &is_whole);
		if (strcmp(begun, from) == 0)
			continue;
		strcpy(low, from);
		len = strlen(low) + 1;
	}
	return err;
}

static enum wy_err salvage_keyed(struct salvage *s, enum salvage_statement up, enum store_part part, take_row *take)
{
	static const char last_of_all[] = "\xf4\x8f\xbf\xbf"; /* behind every key that is text */
	enum salvage_statement down = up + 1;
	char low[KEY_SIZE] = "", high[KEY_SIZE];
	bool is_whole = false;
	enum wy_err err = walk_keys(s, up, true, low, NULL, part, take, &is_whole);

	if (err || is_whole)
		return err;
	if (part < STORE_PARTS)
		s->opening->part[part].lost++; /* a place; nobody knows how many rows */
	strcpy(high, last_of_all);
	err = walk_keys(s, down, false, high, low, part, take, &is_whole);
	if (err || !*low)
		return err;
	return hop(s, up, low, high, part, take);
}

/* ---- Rows --------------------------------------------------------------------------------------- */

/* What was decided since has higher numbers, and is the newer. */
static enum wy_err place(struct salvage *s, enum store_statement last_row, int64_t id)
{
	struct store_binder binder = store_bind(s->to, last_row);

	store_bind_int(&binder, id - (INT64_C(1) << 40));
	return store_write(&binder);
}

/* The fault was found anew since, and that ticket goes on for it, here and at the platform. */
static void end_for(struct ticket *ticket, const struct ticket *heir)
{
	ticket->is_open = false;
	ticket->node = TICKET_NODE_MERGED;
	ticket->cleared = heir->opened;
}

static void shift_ticket(const struct salvage *s, struct ticket *ticket)
{
	ticket->onset = shifted(s, ticket->onset);
	ticket->opened = shifted(s, ticket->opened);
	ticket->changed = shifted(s, ticket->changed);
	ticket->cleared = shifted(s, ticket->cleared);
	if (ticket->news)
		ticket->news_due_ms += s->shift_ms;
}

static enum wy_err take_ticket(struct salvage *s, struct store_binder *row, int64_t id)
{
	struct ticket ticket, other;
	size_t len = 0;

	if (store_get_body(row, &len) || store_get_ticket(row, &ticket))
		return WY_E_INVALID;
	note_instant(s, ticket.changed);
	shift_ticket(s, &ticket);
	if (ticket.is_open && store_find_open(s->to, ticket.dedup, &other) == WY_OK) {
		if (!s->is_home || other.epoch != store_epoch(s->to))
			return WY_E_INVALID;
		end_for(&ticket, &other);
	}
	enum wy_err err = store_copy_ticket(s->to, &ticket, row, s->from->body, len);
	if (!err && s->is_home)
		err = place(s, STORE_TICKET_PLACE, id);
	/* One that was open is told under a new key. The end of another is told by nothing else. */
	bool is_untold = !ticket.is_open && sqlite3_column_int64(row->stmt, TICKET_UNTOLD_COLUMN) > 0;
	return err || !is_untold ? err : store_mark_untold(s->to, ticket.key, false);
}

static enum wy_err take_note(struct salvage *s, struct store_binder *row, int64_t id)
{
	struct store_note note;

	if (store_get_note(row, &note))
		return WY_E_INVALID;
	enum wy_err err = store_put_note(s->to, &note);
	return err || !s->is_home ? err : place(s, STORE_NOTE_PLACE, id);
}

static enum wy_err take_day(struct salvage *s, struct store_binder *row, int64_t day)
{
	int64_t n = sqlite3_column_int64(row->stmt, 0);
	struct store_binder binder = store_bind(s->to, STORE_DAY_PUT);

	if (day < 19700101 || day > 99991231 || n < 1 || n > DAY_MOST)
		return WY_E_INVALID;
	store_bind_int(&binder, day);
	store_bind_int(&binder, n);
	return store_write(&binder);
}

static enum wy_err take_episode(struct salvage *s, struct store_binder *row, int64_t id)
{
	const char *dedup = (const char *)sqlite3_column_text(row->stmt, 0);
	int64_t last = sqlite3_column_int64(row->stmt, 1);

	(void)id;
	if (!strchr(dedup, '/') || strlen(dedup) >= TICKET_DEDUP_SIZE || last < 1 || last > EPISODE_MOST)
		return WY_E_INVALID;
	return store_keep_episode(s->to, dedup, last);
}

static enum wy_err take_cell(struct salvage *s, struct store_binder *row, int64_t id)
{
	const char *key = (const char *)sqlite3_column_text(row->stmt, 0);
	const void *bytes = sqlite3_column_blob(row->stmt, 1);
	size_t len = (size_t)sqlite3_column_bytes(row->stmt, 1);

	(void)id;
	return !bytes || len > CELL_MAX ? WY_E_INVALID : store_put_cell(s->to, key, bytes, len);
}

static enum wy_err take_learned(struct salvage *s, struct store_binder *row, int64_t id)
{
	const char *device = (const char *)sqlite3_column_text(row->stmt, 0);
	const char *facts = (const char *)sqlite3_column_text(row->stmt, 1);
	size_t len = (size_t)sqlite3_column_bytes(row->stmt, 1);

	(void)id;
	if (!facts || len > FACTS_MAX || strlen(facts) != len)
		return WY_E_INVALID;
	uint64_t origin = (uint64_t)sqlite3_column_int64(row->stmt, 2);
	return s->is_home ? store_keep_learned(s->to, device, origin, facts) : store_put_learned(s->to, device, origin, facts);
}

/* The texts of an event's row: as they are, or not at all. */
static bool read_text(struct store_binder *row, int column, char out[STORE_KEY_SIZE])
{
	return store_column_text(row, column, out, STORE_KEY_SIZE) == WY_OK;
}

static enum wy_err unpack(struct salvage *s, const struct store_binder *row, size_t *ret_len)
{
	const void *packed = sqlite3_column_blob(row->stmt, 7);

	return store_unpack(s->from, sqlite3_column_int64(row->stmt, 6), packed, (size_t)sqlite3_column_bytes(row->stmt, 7),
			    s->raw, sizeof(s->raw), ret_len) ? WY_E_INVALID : WY_OK;
}

/* Of a fault that was found anew since nothing is told but ends: it has a ticket of this epoch, and the platform would take an
 * older one that comes after it for another that stands. */
static bool is_told_anew(struct salvage *s, const char *type, const char *dedup)
{
	struct ticket other;

	return s->is_home && store_kind_of(type) != STORE_ENDED && *dedup && store_find_open(s->to, dedup, &other) == WY_OK;
}

static enum wy_err put_event(struct salvage *s, struct store_event *event, const struct ticket_event_name *was)
{
	struct ticket_restamped told;
	struct wy_buf out;
	uint64_t last = 0;
	enum wy_err err = store_last_seq(s->to, &last);

	if (err)
		return err;
	wy_buf_init(&out, s->text, sizeof(s->text));
	err = ticket_event_restamp(event->payload, event->len, was, store_epoch(s->to), last + 1, &out, &told);
	if (err)
		return err == WY_E_LIMIT ? WY_E_INVALID : err;
	if (is_told_anew(s, event->type, told.dedup))
		return WY_E_NOTFOUND;
	event->payload = out.text;
	event->len = out.len;
	err = store_next_seq(s->to, &event->seq);
	if (!err)
		err = store_put_event(s->to, event);
	/* A key must not be given twice, though nothing else is left of the ticket. */
	if (!err && told.episode > 0 && told.episode < EPISODE_MOST)
		err = store_keep_episode(s->to, told.dedup, told.episode);
	return err;
}

/* What the platform would not have: for people, as it was. It is in nobody's count of what waits. */
static enum wy_err keep_parked(struct salvage *s, const struct store_event *event, struct store_binder *row)
{
	char reason[STORE_KEY_SIZE];

	if (!read_text(row, 10, reason))
		reason[0] = '\0';
	enum wy_err err = store_keep_parked(s->to, event, reason, sqlite3_column_int64(row->stmt, 9));
	return err ? err : WY_E_NOTFOUND;
}

/* Its numbers are of an epoch that is over; what it counts is said in this one. */
static enum wy_err take_record(struct salvage *s, const struct store_event *event, const struct ticket_event_name *was)
{
	enum wy_err err = past_gap_add_record(s->to, &s->gap, event->payload, event->len, was);

	return err && err != WY_E_INVALID ? err : WY_E_NOTFOUND;
}

static enum wy_err take_event(struct salvage *s, struct store_binder *row, int64_t seq)
{
	char key[STORE_KEY_SIZE], type[STORE_KEY_SIZE], topic[STORE_KEY_SIZE];
	int64_t tier = sqlite3_column_int64(row->stmt, 0);
	struct store_event event = {.seq = (uint64_t)seq, .tier = (uint8_t)tier, .ticket_key = key, .type = type, .topic = topic,
				    .created = {sqlite3_column_int64(row->stmt, 4), sqlite3_column_int64(row->stmt, 5)},
				    .payload = s->raw};

	if (tier < 1 || tier > 4 || !read_text(row, 1, key) || !read_text(row, 2, type) || !read_text(row, 3, topic) ||
	    strcmp(topic, "ticket") != 0 || unpack(s, row, &event.len))
		return WY_E_INVALID;
	struct ticket_event_name was = {s->to->gateway, type, key, s->from->epoch, (uint64_t)seq};
	if (sqlite3_column_int64(row->stmt, 8) == STORE_PARKED)
		return keep_parked(s, &event, row);
	if (strcmp(type, TICKET_GAP_TYPE) == 0)
		return take_record(s, &event, &was);
	note_instant(s, event.created);
	event.created = shifted(s, event.created);
	return put_event(s, &event, &was);
}

/* ---- What is missing ---------------------------------------------------------------------------- */

static enum wy_err take_gap(struct salvage *s, struct store_binder *row, int64_t first)
{
	(void)first;
	return past_gap_add_range(s->to, &s->gap, row);
}

static enum wy_err take_gap_ticket(struct salvage *s, struct store_binder *row, int64_t id)
{
	const char *key = (const char *)sqlite3_column_text(row->stmt, 0);

	(void)id;
	return past_gap_add_ticket(s->to, &s->gap, key, sqlite3_column_int64(row->stmt, 1));
}

/* ---- All of it ---------------------------------------------------------------------------------- */

static enum wy_err salvage_bd_seq(struct salvage *s)
{
	int64_t bd_seq = 0, ours = 0;
	enum wy_err err;

	if (store_check_counter(s->from, "bd_seq", &bd_seq) != WY_OK || bd_seq <= 0)
		return WY_OK;
	err = store_check_counter(s->to, "bd_seq", &ours);
	if (err || bd_seq <= ours)
		return err;
	err = store_put_number(s->to, "bd_seq", bd_seq);
	return err ? err : store_seal_counter(s->to, "bd_seq", bd_seq);
}

/* How far the two clocks are apart: exactly within one boot of the machine, else by the wall. */
static enum wy_err find_shift(struct salvage *s, const struct store_clock *theirs)
{
	const struct store_clock *ours = &s->ours;
	enum wy_err err = store_clock(s->to, &s->ours);

	if (err == WY_E_NOTFOUND)
		return WY_OK;
	if (err)
		return err;
	s->is_by_wall = !s->has_clock;
	if (s->has_clock && theirs->sure_wall_ms > ours->sure_wall_ms) {
		s->ours.sure_wall_ms = theirs->sure_wall_ms;
		err = store_put_clock(s->to, ours);
	}
	wy_ms off_ms = ours->wall_ms - theirs->wall_ms;
	if (off_ms < 0 || off_ms > WY_AWAY_MOST_MS)
		off_ms = 0;
	if (s->has_clock && strcmp(ours->boot, theirs->boot) == 0)
		s->shift_ms = (ours->mono_ms - ours->boottime_ms) - (theirs->mono_ms - theirs->boottime_ms);
	else if (s->has_clock)
		s->shift_ms = ours->mono_ms - (theirs->mono_ms + off_ms);
	return err;
}

/* What is known by name. The epoch only to know its events by; 0 where it does not verify. */
static enum wy_err salvage_names(struct salvage *s, uint32_t *ret_losses)
{
	struct store *from = s->from;
	struct store_clock clock = {.mono_ms = 0};
	int64_t epoch = 0, losses = 0;

	if (store_get_number(from, "epoch", &epoch) == WY_OK && store_check_identity(from, s->to->gateway, epoch) == WY_OK)
		from->epoch = (uint64_t)epoch;
	if (store_get_number(from, "losses", &losses) == WY_OK && losses > 0 && losses < DAY_MOST)
		*ret_losses = (uint32_t)losses;
	enum wy_err err = salvage_bd_seq(s);
	s->has_clock = !err && store_clock(from, &clock) == WY_OK;
	if (err || s->is_home)
		return err ? err : find_shift(s, &clock);
	return s->has_clock ? store_put_clock(s->to, &clock) : WY_OK;
}

/* The steady clock must not go back: what remembers instants would take them for the future. */
static enum wy_err salvage_clock(struct salvage *s)
{
	struct store_clock clock = {.mono_ms = s->newest.mono_ms, .wall_ms = s->newest.wall_ms};

	if (s->has_clock || s->is_home || !s->newest.mono_ms)
		return WY_OK;
	s->has_clock = true;
	return store_put_clock(s->to, &clock);
}

static enum wy_err salvage_all(struct salvage *s, uint32_t *ret_losses)
{
	enum wy_err err = salvage_names(s, ret_losses);

	if (!err)
		err = salvage_numbered(s, SALVAGE_DAY_UP, STORE_PARTS, take_day);
	if (!err)
		err = salvage_keyed(s, SALVAGE_EPISODE_UP, STORE_PART_EPISODES, take_episode);
	if (!err)
		err = salvage_numbered(s, SALVAGE_GAP_UP, STORE_PARTS, take_gap);
	if (!err)
		err = salvage_keyed(s, SALVAGE_GAP_TICKET_UP, STORE_PARTS, take_gap_ticket);
	/* Before their tickets: an event that is added tells its ticket, as far as the store can see. */
	if (!err)
		err = salvage_numbered(s, SALVAGE_EVENT_UP, STORE_PART_EVENTS, take_event);
	if (!err)
		err = past_gap_put(s->to, &s->gap);
	if (!err)
		err = salvage_numbered(s, SALVAGE_TICKET_UP, STORE_PART_TICKETS, take_ticket);
	if (!err)
		err = salvage_numbered(s, SALVAGE_NOTE_UP, STORE_PART_NOTES, take_note);
	if (!err)
		err = salvage_keyed(s, SALVAGE_LEARNED_UP, STORE_PART_LEARNED, take_learned);
	if (!err)
		err = salvage_clock(s);
	/* Without a clock their instants mean nothing; and in a store that lives the rules have memory of their own. */
	if (!err && s->has_clock && !s->is_home)
		err = salvage_keyed(s, SALVAGE_CELL_UP, STORE_PART_CELLS, take_cell);
	return err;
}

/* Without the table there is no statement; only whether the disk is at fault is remembered. */
static void prepare(struct store *from, const char *sql, sqlite3_stmt **ret_stmt)
{
	(void)!store_error(from, sqlite3_prepare_v2(from->db, sql, -1, ret_stmt, NULL));
	from->broken = WY_OK;
}

/* As much of it as can be had: a table that is gone costs its statements and nothing else. */
static void open_relic(struct salvage *s, const char *path, const char *vfs)
{
	struct store *from = s->from;

	if (store_error(from, sqlite3_open_v2(path, &from->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOFOLLOW | SQLITE_OPEN_NOMUTEX,
					      vfs)))
		return;
	if (vfs) /* before anything is read */
		(void)sqlite3_exec(from->db, "PRAGMA locking_mode = EXCLUSIVE;", NULL, NULL, NULL);
	(void)sqlite3_limit(from->db, SQLITE_LIMIT_LENGTH, CELL_MAX + (1 << 16)); /* lengths are damaged as well */
	(void)sqlite3_db_config(from->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, (int *)NULL);
	(void)sqlite3_db_config(from->db, SQLITE_DBCONFIG_DEFENSIVE, 1, (int *)NULL);
	(void)sqlite3_db_config(from->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, (int *)NULL);
	(void)sqlite3_exec(from->db, "PRAGMA query_only = ON; PRAGMA cell_size_check = ON;", NULL, NULL, NULL);
	prepare(from, store_sql_text(STORE_META_GET), &from->stmt[STORE_META_GET]);
	for (int i = 0; i < SALVAGE_STATEMENTS; i++)
		prepare(from, salvage_texts[i], &s->stmt[i]);
}

static enum wy_err salvage(struct salvage *s, const char *path, const char *vfs, uint32_t *ret_losses)
{
	enum wy_err err = WY_E_NOMEM;
	bool is_waited_for = s->is_home && !s->is_last_try;

	s->from = store_new();
	if (s->from) {
		open_relic(s, path, vfs);
		err = salvage_all(s, ret_losses);
		if (!err && is_waited_for && s->from->has_had_trouble)
			err = WY_E_IO;
		if (!err && s->from->was_short) /* what was not read for that may be sound */
			err = WY_E_NOMEM;
		if (!err && s->from->was_held) /* likewise */
			err = WY_E_BUSY;
		for (int i = 0; i < SALVAGE_STATEMENTS; i++)
			sqlite3_finalize(s->stmt[i]);
		store_close(s->from);
	}
	free(s);
	return err;
}

enum wy_err store_salvage(const char *path, const char *vfs, struct store *to, struct store_opening *opening,
			  uint32_t *ret_losses)
{
	struct salvage *s = calloc(1, sizeof(*s));

	if (!s)
		return WY_E_NOMEM;
	s->to = to;
	s->opening = opening;
	return salvage(s, path, vfs, ret_losses);
}

enum wy_err store_bring_home(const char *path, bool is_last_try, struct store *to, struct store_opening *opening,
			     uint32_t *ret_losses)
{
	struct salvage *s = calloc(1, sizeof(*s));

	if (!s)
		return WY_E_NOMEM;
	s->to = to;
	s->opening = opening;
	s->is_home = true;
	s->is_last_try = is_last_try;
	return salvage(s, path, NULL, ret_losses);
}
