/* gateway.h: what the files of run/ that make and drive the process share. Private to run/.
 *
 * A gateway is what lives as long as the process: store, clock, loop, uplink, control socket, recording. A generation is what one
 * load of the files gave: configuration, rules, and the engine that decides by them. The field asks the devices of one
 * generation. */
#ifndef RUN_GATEWAY_H
#define RUN_GATEWAY_H

#include <jansson.h>

#include "ctl.h"
#include "loop.h"
#include "run.h"
#include "watcher.h"

#define FIELD_RETRY_MS ((wy_ms)1000)
#define RELOAD_REST_MS ((wy_ms)1000) /* between two reloads by signal: a storm of them becomes one */

struct generation {
	void *memory; /* WY_LOAD_ARENA_BYTES, owned: all below lies in it */
	struct wy_arena arena;
	struct wy_diags diags;
	struct config *config;
	struct rule_set *rules;
	struct rule_world world; /* what the recording names */
	struct engine *engine;
	wy_ms loaded_wall_ms;
};

struct field {
	void *memory; /* owned: the poller lies in it */
	struct wy_arena arena;
	struct poller *poller;
	struct generation *of; /* whose wires and devices it asks: lives as long as the field does */
};

struct gateway {
	const char *path; /* of the gateway file, as given */
	void *memory;	  /* of what lives as long as the process, owned */
	struct wy_arena arena;
	struct clock clock;
	char boot[40];
	struct store *store;
	struct generation *now; /* in force */
	struct field *field; /* NULL: it could not be opened after a reload, and is tried again */
	struct record *record; /* NULL: off, or there was no memory */
	struct delivery *delivery;
	struct loop *loop;
	struct ctl *ctl;
	struct loop_timer *engine_timer, *delivery_timer, *own_timer, *beat_timer, *disk_timer, *field_timer,
		*reload_timer;
	enum store_mode disk_mode; /* last said */
	bool has_been_apart;	   /* the store began without what the disk may hold */
	enum wy_err disk_err;	 /* of the last try to go back to the disk */
	struct watch watch;
	struct watcher *watcher;
	struct run_view view;
	wy_ms reloaded_ms; /* mono: when the last one ended; WY_MS_NONE: none yet */
	bool is_offline; /* the uplink's files are not in order */
	enum run_exit exit;
};

/* generation.c */
/* Fresh memory for an arena, all zero; NULL: there is none. */
void *generation_memory(struct wy_arena *arena);
/* Files to rules. Mistakes are in the log. WY_E_INVALID: some are; WY_E_NOMEM. */
WY_MUST_CHECK enum wy_err generation_load(const char *gateway_yaml, struct generation **ret);
/* The engine, from the store, and from the generation before where there is one. */
WY_MUST_CHECK enum wy_err generation_begin(struct generation *generation, struct gateway *g, struct record *record,
					   struct generation *before);
void generation_free(struct generation *generation); /* NULL is fine */
/* Lines of the log as the configuration wants them. */
void generation_set_log(const struct generation *generation);

/* field.c */
/* Nothing is asked before field_start(). */
WY_MUST_CHECK enum wy_err field_new(struct generation *of, const struct clock *clock, struct watch *watch, struct field **ret);
void field_free(struct field *field); /* NULL is fine */
/* The field of the gateway: its reports reach the loop. */
WY_MUST_CHECK enum wy_err field_join(struct gateway *g, struct field *field);
void field_leave(struct gateway *g, struct field *field); /* and is freed; NULL is fine */
/* Asks the devices from now on. Where that is not possible it is said, and tried again every FIELD_RETRY_MS. */
void field_go_on(struct gateway *g);
void field_on_time(void *arg);
/* Everything it has to report is told, then it stands still. */
void field_pause(struct gateway *g);

/* duty.c: what the loop calls. */
/* Ends every callback: what the turn decided is kept, then sent. */
void duty_settle(struct gateway *g);
void duty_break(struct gateway *g);
void duty_on_field(void *arg);
void duty_on_engine_time(void *arg);
void duty_on_own_time(void *arg);
void duty_on_delivery(void *arg);
enum wy_err duty_on_epoch_new(void *arg);
void duty_on_work(void *arg, const char *ticket_key, enum ticket_node node, uint32_t work_rev);
void duty_on_stop(void *arg);
void duty_on_report(void *arg, const struct sensor_report *report);
char *duty_on_question(void *arg, const char *request);
/* Connects, or says why not and goes on without. */
WY_MUST_CHECK enum wy_err duty_connect(struct gateway *g);

/* watching.c: from the moment the gateway is ready until it stops; the service manager has its own patience before and after. */
WY_MUST_CHECK enum wy_err watching_start(struct gateway *g);
void watching_stop(struct gateway *g);

/* keeping.c */
void keeping_look(struct gateway *g); /* after each turn: says where the store keeps things, when that changes */
void keeping_on_time(void *arg);
void keeping_on_alive(void *arg); /* the store is at work */
void keeping_begin(struct gateway *g); /* once the timer is there */

/* reload.c */
void reload_on_signal(void *arg);
void reload_on_time(void *arg);
/* An order of the control socket; NULL: it is another question. Text from malloc(). */
char *reload_question(struct gateway *g, const char *request);

/* reload_tell.c */
/* Rules, devices and assets that came, went or changed. NULL without memory. */
json_t *reload_changes(const struct generation *was, const struct generation *is);

/* start.c */
/* Without it the gateway does all its work: it is never a reason not to start. NULL: off, or not possible. */
struct record *start_record(struct gateway *g, struct generation *of, struct record *before);
/* What was kept of a store that is not gone on from, and what was lost, under the name of an event of the log. */
void start_say_parts(const char *event, const struct store_opening *opening, const struct store *store);
enum run_exit start_state(struct gateway *g);
enum run_exit start_all(struct gateway *g);
void stop_all(struct gateway *g);

#endif
