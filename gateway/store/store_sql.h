/* store_sql.h: inside the store only: its statements, and SQLite's codes as ours. */
#ifndef STORE_SQL_H
#define STORE_SQL_H

#include <sqlite3.h>

#include "buf.h"
#include "pack.h"
#include "wy_limits.h"
#include "memory_disk.h"
#include "store.h"
#include "store_redo.h"
#include "store_files.h"

#define TICKET_COLUMNS                                                                             \
	"key, no, dedup, asset, fault, rule, repeat_of, repeat_count_30d, epoch, episode, rev, "   \
	"work_rev, tier, tier_now, level, condition, node, clock, is_open, is_uncertain, peak, "   \
	"peak_limit, onset_wall, onset_mono, opened_wall, opened_mono, cleared_wall, "             \
	"cleared_mono, changed_wall, changed_mono, due_ack, due_arrive, due_start, due_resolve, "  \
	"due_regulatory, news, news_due"
#define TICKET_BODY_COLUMN 37
#define TICKET_PACKED_COLUMN 38
#define TICKET_UNTOLD_COLUMN 39 /* of salvage only */

enum store_statement {
#define STATEMENT(name, sql) STORE_##name,
#include "statements.def"
#undef STATEMENT
	STORE_STATEMENTS
};

#define STORE_KEY_SIZE 256u /* longest ticket key, type or topic read back */
#define STORE_WAL_FRAMES 1000 /* in the write-ahead log: then it is put into the database */
#define STORE_MEMORY_FRAMES 256 /* likewise in memory */
#define STORE_ROOM_STEPS 64	/* what goes at most in one transaction to make room in memory, so that it stays small ... */
#define STORE_ROOM_STEPS_MORE 4 /* ... and for each event it adds */
#define STORE_SWEEP_TURNS 64	/* after tickets were looked through in vain */
#define STORE_GATEWAY_SIZE 65u
#define STORE_REASON_SIZE 16u

/* Up to where the disk had it when memory began: rows of the outbox that do not wait, ids. */
enum store_floor { STORE_FLOOR_OF_DONE, STORE_FLOOR_OF_TICKETS, STORE_FLOOR_OF_NOTES, STORE_FLOORS };

struct store {
	sqlite3 *db;
	sqlite3_stmt *stmt[STORE_STATEMENTS];
	int lock_fd; /* -1: none */
	int mode_fd; /* the file that says whether the last word is on the disk; -1: none */
	char dir[STORE_PATH_SIZE], path[STORE_PATH_SIZE]; /* of the database */
	uint64_t epoch;
	uint64_t turn;	/* number of the last commit */
	int wal_frames; /* after the last commit */
	char gateway[STORE_GATEWAY_SIZE], epoch_reason[STORE_REASON_SIZE];
	uint32_t losses;
	struct store_opening opening;
	bool is_marked; /* the lock file says what the next start is to do */
	bool is_in_tx;
	bool is_failed;	    /* a write of this transaction failed: nothing may be committed */
	enum wy_err broken; /* IO or CORRUPT: the handle is done for; else WY_OK */
	bool was_short;	    /* of memory, at some time */
	bool was_held;	    /* locked by somebody else, at some time */
	struct store_redo redo;
	enum store_mode trouble; /* what the last error says of the disk; STORE_ON_DISK: nothing */
	bool has_had_trouble;	 /* some error was the disk's */
	enum store_mode mode;
	char why[STORE_WHY_DISK_SIZE];
	struct memory_disk *memory; /* NULL: everything is on the disk */
	store_alive *alive; /* NULL: nobody asks */
	void *alive_arg;
	bool is_apart;		    /* nothing of the memory store comes from the disk */
	bool has_made_new;	    /* weiyu.db.new, if there is one, is of this process */
	bool is_placed;		    /* but it has been written there since */
	bool is_carried;	    /* but all that verified there was copied when it began */
	unsigned home_tries;	    /* how often what lies there could not be read */
	bool is_home;		    /* the last return brought it home, as `home` says */
	struct store_opening home;
	bool is_open;		    /* the opening is over */
	bool is_committing;
	uint64_t disk_epoch, disk_turn, disk_seq; /* as the disk held them when memory began */
	int64_t floor[STORE_FLOORS];
	size_t memory_most; /* bytes of memory */
	size_t held_bytes;  /* in memory when it was last compacted */
	int64_t held_used;  /* pages of the database that held something then */
	unsigned room_steps; /* this transaction may still take to make room in memory */
	bool is_swept;	     /* a while ago no ticket or note was done with */
	/* the row of store_load_event() */
	char ticket_key[STORE_KEY_SIZE], type[STORE_KEY_SIZE], topic[STORE_KEY_SIZE];
	unsigned char payload[WY_TICKET_BYTES_MAX];
	struct pack *pack; /* with the words of store_words.c */
	unsigned char packed[PACK_BOUND(WY_TICKET_BYTES_MAX)];
	char body[WY_TICKET_BYTES_MAX + 1]; /* of the ticket a visitor looks at */
	uint64_t quota;		     /* bytes of the outbox */
	uint64_t ended_from[5];      /* by tier: ended episodes up to here were looked at and cannot go */
	bool is_untold;		     /* some ticket is untold; may be too careful, never too careless */
};

/* How a document is kept: column `packing`. */
enum store_packing { STORE_PLAIN, STORE_PACKED_1 };

/* Smaller where that helps: in store->packed, valid until the next call. */
struct store_packed {
	const void *bytes;
	size_t len;
	enum store_packing packing;
};
struct store_packed store_pack(struct store *store, const void *bytes, size_t len);
/* WY_E_CORRUPT: it is not what was packed. */
enum wy_err store_unpack(struct store *store, int64_t packing, const void *bytes, size_t len, void *out, size_t size,
			 size_t *ret_len);
struct pack *store_new_pack(void);

/* Sums that are kept of the outbox, a count and bytes each: keys of `meta`. */
enum store_sum { STORE_SUM_REST, STORE_SUM_S1, STORE_SUM_RECEIPTED, STORE_SUM_PARKED, STORE_SUMS };
struct store_sums {
	uint64_t n[STORE_SUMS], bytes[STORE_SUMS];
	uint64_t lost; /* events dropped, ever */
	uint64_t sent; /* rows that are not S1 may have been sent up to here */
};
enum wy_err store_read_sums(struct store *store, struct store_sums *ret_sums);
enum wy_err store_add_sum(struct store *store, enum store_sum sum, int64_t n, int64_t bytes);
/* Room for what was just added, in its transaction; see store_room.c. *ret_lost: it was added in vain. */
enum wy_err store_make_room(struct store *store, uint64_t added_seq, bool *ret_lost);
/* A number that will not come: into the ranges of what was dropped. */
struct store_dropped {
	uint64_t seq;
	uint8_t tier, kind; /* enum store_kind */
	wy_ms wall_ms;
	const char *ticket_key;
};
#define STORE_GAP_TICKETS 256 /* that lost events are known by name */
enum wy_err store_note_gap(struct store *store, const struct store_dropped *dropped);
/* What an event of this type does to its ticket (store_outbox.c). */
enum store_kind store_kind_of(const char *type);
/* One that was parked in an epoch that is over: kept as it is, under a number below 0, which is none of the stream. */
enum wy_err store_keep_parked(struct store *store, const struct store_event *event, const char *reason, wy_ms wall_ms);
/* The platform has an older state of this ticket than the gateway; is_new: it has none. */
enum wy_err store_mark_untold(struct store *store, const char *key, bool is_new);

/* NULL-terminated; the n-th brings user_version from n to n + 1. */
extern const char *const store_migrations[];
int64_t store_version_known(void); /* the user_version they lead to */

/* ---- Disk and memory (store_memory.c, store_return.c) ---- */

/* Whether err, which the last call gave, is the disk's fault and memory can help. */
bool store_is_disk_trouble(const struct store *store, enum wy_err err);
enum store_mode store_trouble_of(int error); /* an errno */
/* The disk took no more: goes on in memory, with what the open transaction wrote so far. The handle on the disk is closed,
 * nothing more is asked of it. failed: the statement that met it, bound anew and to be run; NULL: none. */
enum wy_err store_leave_disk(struct store *store, struct store_binder *failed);
/* The same at the opening, before there is anything to write. WY_E_NOTFOUND: there is no database on the disk. */
enum wy_err store_begin_in_memory(struct store *store, const char *gateway, bool has_base);

/* Forgets it all. */
void store_leave_memory(struct store *store);
/* Into a memory store that began empty: all that verifies of the files on the disk, which are not written. WY_E_NOTFOUND: there
 * are none. Other failures leave a part of it: then begin anew. */
enum wy_err store_carry_over(struct store *store);

/* Puts the memory store's own log into its pages. */
enum wy_err store_empty_log(struct store *store);

/* ---- The end of memory (store_ceiling.c) ---- */

enum store_height { STORE_HEIGHT_FINE, STORE_HEIGHT_DONE, STORE_HEIGHT_SHED };
/* How full memory is, in a transaction or not. On the disk: FINE. */
enum wy_err store_measure_memory(struct store *store, enum store_height *ret_height);
/* Bytes from which on the lower tiers make room. */
uint64_t store_shed_from(const struct store *store);
/* Outside a transaction: the log, and pages that hold nothing, leave memory. */
enum wy_err store_compact_memory(struct store *store);
void store_look_at_memory(struct store *store); /* the same if it is time */
/* What frees rows may go a little beyond the end. */
void store_allow_over(struct store *store, bool is_over);
enum wy_err store_note_floor(struct store *store);

static inline uint32_t store_get32(const unsigned char *in)
{
	return (uint32_t)in[0] << 24 | (uint32_t)in[1] << 16 | (uint32_t)in[2] << 8 | in[3];
}

/* store_handle.c */
int store_on_wal(void *arg, sqlite3 *db, const char *name, int frames); /* for sqlite3_wal_hook() */
/* A connection with its statements. vfs: NULL is the real disk. Brings it to the present schema. */
enum wy_err store_open_handle(struct store *store, const char *vfs, struct wy_diags *diags);
/* Whose it is and where it stands. gateway: NULL does not matter; else written where there is nobody yet. */
enum wy_err store_identify(struct store *store, const char *gateway, struct wy_diags *diags);
/* Closes the connection, in which an open transaction ends; nothing is written or synced by it. */
void store_drop_handle(struct store *store);

/* store_mode.c: a file of a few bytes that is written over in place, so that a full disk takes it. It says whether numbers
 * were given out that are not on the disk. */
bool store_mode_file_says_memory(struct store *store); /* opens it, makes it where there is none */
void store_mode_file_put(struct store *store, bool is_memory);

/* SQLite's code as ours; remembers a broken handle. */
enum wy_err store_error(struct store *store, int rc);
enum wy_err store_prepare(struct store *store);
const char *store_sql_text(enum store_statement id);
void store_finalize(struct store *store);

/* Binding: start with store_bind(), add values in order, then run. The first mistake is kept and
 * comes out of the run. Texts and blobs are borrowed until the run is over. */
struct store_binder {
	struct store *store;
	sqlite3_stmt *stmt;
	int at, rc;
	bool is_kept; /* for a second time */
};
struct store_binder store_bind(struct store *store, enum store_statement id);
void store_bind_int(struct store_binder *binder, int64_t value);
void store_bind_real(struct store_binder *binder, bool has_value, double value);
void store_bind_null(struct store_binder *binder);
void store_bind_text(struct store_binder *binder, const char *text);
void store_bind_textn(struct store_binder *binder, const char *text, size_t len);
void store_bind_blob(struct store_binder *binder, const void *bytes, size_t len);

/* Next row: WY_OK, or WY_E_NOTFOUND at the end. Finish with store_done(). */
enum wy_err store_row(struct store_binder *binder);
void store_done(struct store_binder *binder);
/* To its end, rows ignored, and done. */
enum wy_err store_run(struct store_binder *binder);
/* A write: refused outside a transaction or after a failed write; marks the transaction on failure.
 */
enum wy_err store_write(struct store_binder *binder);
/* One whole number of the first row, and done. NOTFOUND: no row. */
enum wy_err store_number(struct store_binder *binder, int64_t *ret_value);
enum wy_err store_write_number(struct store_binder *binder, int64_t *ret_value);
/* A write that returns rows: how many there were, and the sum of their first column. */
enum wy_err store_write_sum(struct store_binder *binder, int64_t *ret_n, int64_t *ret_sum);
/* A write whose rows are read one by one: its first; the rest by store_row(), then store_done(). Every write begins here. */
enum wy_err store_write_row(struct store_binder *binder);

/* Text of a column into a fixed buffer; WY_E_CORRUPT when it does not fit. */
enum wy_err store_column_text(struct store_binder *binder, int column, char *out, size_t size);


/* ---- Meta: numbers and texts by name, in store_state.c ---------------------------------------- */

enum wy_err store_get_number(struct store *store, const char *key, int64_t *ret_value);
enum wy_err store_put_number(struct store *store, const char *key, int64_t value);
enum wy_err store_get_text(struct store *store, const char *key, char *out, size_t size);
enum wy_err store_put_text(struct store *store, const char *key, const char *text);

/* ---- Seals: numbers that SQLite would let pass with a bit turned, in store_seal.c --------------- */

/* A counter, or an identity, with its seal beside it. put: in a transaction. check: WY_E_CORRUPT; a store of an earlier
 * version has none, and passes. */
enum wy_err store_seal_counter(struct store *store, const char *key, int64_t value);
enum wy_err store_check_counter(struct store *store, const char *key, int64_t *ret_value);
enum wy_err store_seal_identity(struct store *store);
/* Of the epoch in the store and this gateway. WY_E_NOTFOUND: there is no seal. */
enum wy_err store_check_identity(struct store *store, const char *gateway, int64_t epoch);
enum wy_err store_seal_clock(struct store *store, const struct store_clock *clock);
enum wy_err store_check_clock(struct store *store, const struct store_clock *clock);

/* ---- Opening and replacing ----------------------------------------------------------------------- */

/* Where the words go. Both may be NULL. */
struct store_place {
	struct wy_diags *diags;
	const char *path;
};
/* A handle without a database or a lock. NULL: no memory. Ended by store_close(). */
struct store *store_new(void);
/* One number from a statement that is not prepared. */
enum wy_err store_ask(struct store *store, const char *sql, int64_t *ret_value);
void store_say(struct store_place place, const char *code, const char *what, const char *more);

/* store_check.c: what is looked at before anything is decided on it. WY_E_CORRUPT, with words in why. */
enum wy_err store_check(struct store *store, char *why, size_t size);

/* store_salvage.c: all of the database at `from` that verifies, into `to`, in its open transaction. Fails only for reasons of
 * `to`, or for want of memory: what cannot be read is counted as lost. *ret_losses: what it had counted, 0 where that is gone. */
enum wy_err store_salvage(const char *from, const char *vfs, struct store *to, struct store_opening *opening,
			  uint32_t *ret_losses);

/* Likewise, into a store that lives and has decided for itself since: what it has is not contradicted. Waiting events come after its
 * own; of a fault that it has found anew the older ticket is over, and nothing but ends is told of it; instants are shifted to its
 * clock; the memory of the rules stays where it is, for nobody could take it over while they run. WY_E_IO, but in the last try: the disk
 * failed at it, and what it hides is not lost. */
enum wy_err store_bring_home(const char *from, bool is_last_try, struct store *to, struct store_opening *opening,
			     uint32_t *ret_losses);

/* store_home.c: the store that could not be read when memory began, into what is to take its place, whole on the disk at `part`.
 * WY_E_IO: it cannot be read yet. */
enum wy_err store_fetch_home(struct store *store, const char *part);

/* Says so to whom store_set_alive() named. */
static inline void store_beat(const struct store *store)
{
	if (store->alive)
		store->alive(store->alive_arg);
}

/* store_learned.c: where nothing newer is known. */
enum wy_err store_keep_learned(struct store *store, const char *device, uint64_t origin, const char *facts);

/* store_ticket.c: the row under the binder, as TICKET_COLUMNS has it. */
enum wy_err store_get_ticket(struct store_binder *binder, struct ticket *ret_ticket);
/* Puts it with the document of a row of another store, which is `body` unpacked. */
enum wy_err store_copy_ticket(struct store *store, const struct ticket *ticket, const struct store_binder *row, const char *body,
			      size_t len);
/* Its document into store->body, with a NUL. */
enum wy_err store_get_body(struct store_binder *binder, size_t *ret_len);
/* store_note.c: likewise, as NOTE_OF_TICKET has it. */
enum wy_err store_get_note(struct store_binder *binder, struct store_note *ret_note);
/* store_ticket.c: an episode that was there. In a transaction. */
enum wy_err store_keep_episode(struct store *store, const char *dedup, int64_t last);

/* ENOSPC and the like: what memory can help with. Others are mistakes of people. */
bool store_is_of_disk(int error);
extern const char store_durable[]; /* pragmas of a store that is in use */
extern const char store_scratch[]; /* of one that is whole at its end or thrown away */
/* The file at store->path, made if there is none, and whose it is. */
enum wy_err store_open_on_disk(struct store *store, const char *pragmas, struct store_place place);

/* store_identity.c: of a store that is made from now on. */
void store_set_gateway(struct store *store, const char *gateway, const char *reason);
void store_set_reason(struct store *store, const char *reason);

/* store_replace.c */
struct store_replacing {
	const char *dir, *path;
	enum store_opening_kind kind;
	bool is_hopeless; /* two starts ended while they salvaged: this one does without */
	struct store_opening *opening;
	struct store_place place;
};
enum wy_err store_replace(struct store *store, struct store_replacing *r);
/* Closes the handle of a store that was made at path without syncs, and syncs it. */
enum wy_err store_keep_scratch(struct store *store, const char *path);
bool store_has_lost(const struct store_opening *opening);

#endif
