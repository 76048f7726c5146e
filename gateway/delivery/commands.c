/* commands.c: what the platform may order on down/{gw}/cmd, and the answers on up/{sh}/{gw}/reply.
 *
 * None of them changes what the gateway does with a building: two repeat what was said, the third makes it take a new
 * identity for its numbers. Whoever may write the topic can give them (deploy/broker/acl: the platform alone), so they
 * are few at a time, each id is executed once, and one that is for another gateway, expired, or not understood is
 * answered and does nothing. A command is kept by nobody: one that is lost is given again by the platform. */
#include <stdlib.h>
#include <string.h>

#include "delivery_inside.h"
#include "log.h"
#include "times.h"

#define COMMANDS_PER_S 0.5
#define SETTLED_MS ((wy_ms)5000) /* a process just started does not end for a new epoch: no fast circle */

static json_t *reply_envelope(struct delivery *d, const struct receive_command *command, json_t *data)
{
	char id[64], time[TICKET_TIME_SIZE], source[64];
	struct wy_buf buf;

	wy_buf_init(&buf, id, sizeof(id));
	wy_buf_hex(&buf, d->instance);
	wy_buf_addf(&buf, "-reply-%llu", (unsigned long long)++d->memory.replies);
	wy_buf_init(&buf, source, sizeof(source));
	wy_buf_addf(&buf, "/weiyu/%s", d->parts.config->gateway);
	ticket_time_text(&d->parts.config->site.zone, clock_now(d->parts.clock).wall_ms, time);
	return json_pack("{ss ss ss ss ss ss ss ss so}", "specversion", "1.0", "id", id, "source", source, "subject",
			 d->parts.config->gateway, "type", "com.weiyu.reply.v1", "time", time, "datacontenttype",
			 "application/json", "correlationid", command->id, "data", data);
}

void commands_reply(struct delivery *d, const struct receive_command *command, const char *status,
		    const char *reason, json_t *data)
{
	char topic[TOPIC_SIZE], epoch[24], instance[24];
	struct wy_buf buf;
	json_t *all = data ? data : json_object(), *envelope;
	char *text;

	wy_buf_init(&buf, topic, sizeof(topic));
	wy_buf_addf(&buf, "%sreply", d->up_base);
	wy_buf_init(&buf, epoch, sizeof(epoch));
	wy_buf_hex(&buf, store_epoch(d->parts.store));
	wy_buf_init(&buf, instance, sizeof(instance));
	wy_buf_hex(&buf, d->instance);
	json_object_set_new(all, "command", json_string(command->id));
	json_object_set_new(all, "command_type", json_string(command->type));
	json_object_set_new(all, "status", json_string(status));
	json_object_set_new(all, "reason", reason ? json_string(reason) : json_null());
	json_object_set_new(all, "epoch", json_string(epoch));
	json_object_set_new(all, "instance", json_string(instance));
	envelope = reply_envelope(d, command, all);
	text = envelope ? json_dumps(envelope, JSON_COMPACT) : NULL;
	json_decref(envelope);
	struct uplink_message message = {.topic = topic, .payload = text, .len = text ? strlen(text) : 0, .qos = 1,
					 .content_type = "application/cloudevents+json", .token = TOKEN_REPLY};
	enum wy_err err = text ? uplink_publish(d->uplink, &message) : WY_E_NOMEM;
	if (err)
		log_line(LOG_WARNING, "reply_not_sent", "command=%s why=\"%s\"", command->id, wy_err_text(err));
	free(text);
}

/* ---- Once, not too often, in time ------------------------------------------------------------------ */

static bool is_known(const struct command_memory *memory, const char *id)
{
	for (size_t i = 0; i < WY_COMMANDS_KEPT; i++)
		if (strcmp(memory->id[i], id) == 0)
			return true;
	return false;
}

static void remember(struct command_memory *memory, const char *id)
{
	strcpy(memory->id[memory->next], id);
	memory->next = (memory->next + 1) % WY_COMMANDS_KEPT;
}

static bool is_allowed(struct delivery *d)
{
	struct command_memory *memory = &d->memory;
	wy_ms now_ms = delivery_now(d);

	memory->allowed += (double)(now_ms - memory->filled_ms) / 1000 * COMMANDS_PER_S;
	memory->filled_ms = now_ms;
	if (memory->allowed > COMMANDS_AT_ONCE)
		memory->allowed = COMMANDS_AT_ONCE;
	if (memory->allowed < 1)
		return false;
	memory->allowed -= 1;
	return true;
}

/* A clock that is not known to be right cannot say that something is over. */
static bool is_expired(const struct delivery *d, const struct receive_command *command)
{
	struct wy_now now = clock_now(d->parts.clock);

	return command->expiry_wall_ms && now.clock == WY_CLOCK_SYNCED && now.wall_ms > command->expiry_wall_ms;
}

/* ---- The commands ---------------------------------------------------------------------------------- */

static void take_rebirth(struct delivery *d, const struct receive_command *command)
{
	birth_announce(d);
	commands_reply(d, command, "done", NULL, NULL);
}

static const char *find_stranger(const struct delivery *d, const struct receive_command *command)
{
	if (command->epoch != store_epoch(d->parts.store))
		return "another epoch";
	if (strcmp(command->boot, d->parts.boot) != 0)
		return "another boot";
	return command->has_instance && command->instance != d->instance ? "another instance" : NULL;
}

/* The platform has seen two stores count on from the same place, and this process runs on the one it does not believe.
 * The store is renewed at its next opening: the process ends and is started again. */
static void take_epoch_new(struct delivery *d, const struct receive_command *command)
{
	const char *stranger = find_stranger(d, command);

	if (stranger) {
		commands_reply(d, command, "ignored", stranger, NULL);
		return;
	}
	if (delivery_now(d) - d->started_ms < SETTLED_MS) {
		commands_reply(d, command, "refused", "just started", NULL);
		return;
	}
	enum wy_err err = d->parts.renew_epoch ? d->parts.renew_epoch(d->parts.arg) : WY_E_UNSUPPORTED;
	log_line(err ? LOG_ERROR : LOG_WARNING, "epoch_renewed", "command=%s why=\"the platform fences this store\"%s%s",
		 command->id, err ? " failed=" : " next=\"the process ends with 4 and begins anew\"",
		 err ? wy_err_text(err) : "");
	commands_reply(d, command, err ? "refused" : "done", err ? wy_err_text(err) : NULL, NULL);
	if (!err)
		d->is_broken = true;
}

static void (*const takers[RECEIVE_COMMANDS])(struct delivery *d, const struct receive_command *command) = {
	[RECEIVE_RESEND] = resending_start,
	[RECEIVE_REBIRTH] = take_rebirth,
	[RECEIVE_EPOCH_NEW] = take_epoch_new,
};

/* Why it is not executed; NULL: nothing is against it. */
static const char *find_objection(const struct delivery *d, const struct receive_command *command, enum wy_err err)
{
	if (command->subject[0] && strcmp(command->subject, d->parts.config->gateway) != 0)
		return "for another gateway";
	if (err == WY_E_UNSUPPORTED)
		return "unknown type";
	if (err)
		return "data does not fit the type";
	return is_expired(d, command) ? "expired" : NULL;
}

void commands_take(struct delivery *d, const void *payload, size_t len)
{
	struct receive_command command;
	enum wy_err err = receive_command(payload, len, &command);

	if (err == WY_E_INVALID) {
		log_line(LOG_WARNING, "command_unreadable", "bytes=%zu", len);
		return;
	}
	if (is_known(&d->memory, command.id))
		return; /* a repetition of the broker's */
	if (!is_allowed(d)) {
		if (!d->memory.has_refused)
			commands_reply(d, &command, "refused", "too many commands", NULL);
		d->memory.has_refused = true;
		return;
	}
	d->memory.has_refused = false;
	remember(&d->memory, command.id);
	const char *objection = find_objection(d, &command, err);
	log_line(objection ? LOG_WARNING : LOG_INFO, "command", "type=%s id=%s%s%s%s", command.type, command.id,
		 objection ? " refused=\"" : "", objection ? objection : "", objection ? "\"" : "");
	if (objection)
		commands_reply(d, &command, "refused", objection, NULL);
	else
		takers[command.kind](d, &command);
}
