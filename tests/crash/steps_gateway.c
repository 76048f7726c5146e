/* steps_gateway.c: where the gateway can be made to die between a decision and its receipt. The linker puts each wrapper
 * before the function of its name (--wrap), for calls from one file to another; so only functions of public headers
 * stand here, and the product knows nothing of it. The steps of the disk are those of SQLite's file layer.
 *
 * STEPS() in CMakeLists.txt lists the functions; kill.py asks the program itself which steps there are. */
#include <sqlite3.h>
#include <stdlib.h>

#include "outbox.h"
#include "step.h"
#include "store.h"
#include "ticket.h"
#include "uplink.h"

/* WRAP(result, function, (parameters), (arguments), before, after): dies at either, where it has a name. */
#define WRAP(result, function, parameters, arguments, before, after)                                                   \
	result __real_##function parameters;                                                                          \
	result __wrap_##function parameters;                                                                          \
	result __wrap_##function parameters                                                                           \
	{                                                                                                              \
		if (*before)                                                                                          \
			step(before);                                                                                 \
		result done = __real_##function arguments;                                                           \
		if (*after)                                                                                           \
			step(after);                                                                                  \
		return done;                                                                                          \
	}

/* ---- Decide and keep ------------------------------------------------------------------------------- */

WRAP(enum wy_err, ticket_step,
     (struct ticket *ticket, const struct ticket_input *input, struct ticket_output *ret_output),
     (ticket, input, ret_output), "decide", "decided")
WRAP(enum wy_err, store_begin, (struct store *store), (store), "", "begun")
WRAP(enum wy_err, store_next_seq, (struct store *store, uint64_t *ret_seq), (store, ret_seq), "", "numbered")
WRAP(enum wy_err, store_put_ticket,
     (struct store *store, const struct ticket *ticket, const char *body, size_t len), (store, ticket, body, len), "",
     "ticket_put")
WRAP(enum wy_err, store_put_event, (struct store *store, const struct store_event *event), (store, event), "",
     "event_put")
WRAP(enum wy_err, store_put_cell, (struct store *store, const char *key, const void *bytes, size_t len),
     (store, key, bytes, len), "", "cell_put")

static bool is_receipting; /* the open transaction keeps a receipt */

enum wy_err __real_store_commit(struct store *store);
enum wy_err __wrap_store_commit(struct store *store);
enum wy_err __wrap_store_commit(struct store *store)
{
	bool is_receipt = is_receipting;

	is_receipting = false;
	step(is_receipt ? "receipt_commit" : "commit");
	enum wy_err err = __real_store_commit(store);
	step(is_receipt ? "receipt_committed" : "committed");
	return err;
}

/* ---- Send ------------------------------------------------------------------------------------------ */

WRAP(enum wy_err, store_next_bd_seq, (struct store *store, uint64_t *ret_bd_seq), (store, ret_bd_seq), "",
     "session_numbered")
WRAP(enum wy_err, store_load_event, (struct store *store, uint64_t seq, struct store_event *ret_event),
     (store, seq, ret_event), "", "loaded")
WRAP(enum wy_err, uplink_publish, (struct uplink *uplink, const struct uplink_message *message), (uplink, message),
     "publish", "published")
WRAP(enum wy_err, outbox_sent, (struct outbox *outbox, uint64_t seq, enum outbox_result result, wy_ms now_ms),
     (outbox, seq, result, now_ms), "ack", "acked")

/* ---- The receipt ----------------------------------------------------------------------------------- */

void __real_outbox_receipt(struct outbox *outbox, const struct outbox_receipt *receipt, struct outbox_verdict *ret_verdict);
void __wrap_outbox_receipt(struct outbox *outbox, const struct outbox_receipt *receipt, struct outbox_verdict *ret_verdict);
void __wrap_outbox_receipt(struct outbox *outbox, const struct outbox_receipt *receipt, struct outbox_verdict *ret_verdict)
{
	step("receipt");
	__real_outbox_receipt(outbox, receipt, ret_verdict);
	step("receipt_judged");
}

enum wy_err __real_store_receipt_through(struct store *store, bool is_s1, uint64_t through, wy_ms wall_ms, size_t *ret_n);
enum wy_err __wrap_store_receipt_through(struct store *store, bool is_s1, uint64_t through, wy_ms wall_ms, size_t *ret_n);
enum wy_err __wrap_store_receipt_through(struct store *store, bool is_s1, uint64_t through, wy_ms wall_ms, size_t *ret_n)
{
	enum wy_err err = __real_store_receipt_through(store, is_s1, through, wall_ms, ret_n);

	is_receipting = true;
	step("receipt_put");
	return err;
}

enum wy_err __real_store_receipt_one(struct store *store, uint64_t seq, wy_ms wall_ms);
enum wy_err __wrap_store_receipt_one(struct store *store, uint64_t seq, wy_ms wall_ms);
enum wy_err __wrap_store_receipt_one(struct store *store, uint64_t seq, wy_ms wall_ms)
{
	enum wy_err err = __real_store_receipt_one(store, seq, wall_ms);

	is_receipting = true;
	step("receipt_one_put");
	return err;
}

WRAP(enum wy_err, store_prune_events,
     (struct store *store, size_t keep_rows, wy_ms before_wall_ms, size_t *ret_n),
     (store, keep_rows, before_wall_ms, ret_n), "", "pruned")

/* ---- The disk: the system's file layer, with a step before each write and around each sync ------------ */

/* The system's layer has a table of methods for each way of locking, and the journal has another than the database. */
enum { TABLES_MAX = 4 };
static struct {
	const sqlite3_io_methods *system;
	sqlite3_io_methods stepping;
} tables[TABLES_MAX];
static int (*system_write)(sqlite3_file *file, const void *bytes, int len, sqlite3_int64 at);
static int (*system_sync)(sqlite3_file *file, int flags);
static int (*system_open)(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *ret_flags);
static sqlite3_vfs stepping_vfs;

static int write_step(sqlite3_file *file, const void *bytes, int len, sqlite3_int64 at)
{
	step("disk_write");
	return system_write(file, bytes, len, at);
}

static int sync_step(sqlite3_file *file, int flags)
{
	step("disk_sync");
	int rc = system_sync(file, flags);
	step("disk_synced");
	return rc;
}

static const sqlite3_io_methods *stepping_table(const sqlite3_io_methods *system)
{
	size_t i = 0;

	while (i < TABLES_MAX && tables[i].system && tables[i].system != system)
		i++;
	if (i == TABLES_MAX)
		abort();
	if (!tables[i].system) {
		tables[i].system = system;
		tables[i].stepping = *system;
		tables[i].stepping.xWrite = write_step;
		tables[i].stepping.xSync = sync_step;
	}
	/* All tables share the functions that write and sync. */
	system_write = system->xWrite;
	system_sync = system->xSync;
	return &tables[i].stepping;
}

static int open_step(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *ret_flags)
{
	int rc = system_open(vfs, name, file, flags, ret_flags);

	if (file->pMethods)
		file->pMethods = stepping_table(file->pMethods);
	return rc;
}

__attribute__((constructor)) static void install(void)
{
	sqlite3_vfs *system_vfs = sqlite3_vfs_find(NULL);

	stepping_vfs = *system_vfs;
	stepping_vfs.zName = "stepping";
	stepping_vfs.pNext = NULL;
	system_open = system_vfs->xOpen;
	stepping_vfs.xOpen = open_step;
	sqlite3_vfs_register(&stepping_vfs, 1);
}
