/* event.c: reading and judging one message. The order of the checks is the order of trust: topic,
 * JSON, identity, source, type, and only then the fields of a ticket. */
#include "event.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wy_limits.h"
#include "number.h"
#include "stamp.h"

#define TOPIC_ROOT "weiyu/v1/up/"
#define SOURCE_ROOT "/weiyu/"
#define KEY_BYTES_MAX 128u /* ticket_key and dedup_key: they are in indices of the database */

enum channel { CHANNEL_NONE, CHANNEL_STATE, CHANNEL_REPLY, CHANNEL_NUMBERED };

static const struct {
	const char *name;
	enum channel channel;
} CHANNELS[] = {
	{"ticket", CHANNEL_NUMBERED},
	{"audit", CHANNEL_NUMBERED}, /* shares the numbers of ticket */
	{"state", CHANNEL_STATE},
	{"reply", CHANNEL_REPLY},
};

static const struct {
	const char *name;
	bool is_ended, is_reopened;
} TICKET_TYPES[] = {
	{"com.weiyu.ticket.opened.v1", false, false},
	{"com.weiyu.ticket.updated.v1", false, false},
	{"com.weiyu.ticket.cleared.v1", true, false},
	{"com.weiyu.ticket.reopened.v1", false, true},
	{"com.weiyu.ticket.closed.v1", true, false},
};

static const char *const CONDITIONS[] = {"active", "cleared", "unknown", "latched"};

const char *event_text(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "";
}

wy_ms event_time(const json_t *data, const char *key)
{
	const json_t *value = json_object_get(data, key);
	wy_ms at_ms;

	if (json_is_integer(value) && json_integer_value(value) > 0)
		return json_integer_value(value);
	if (json_is_string(value) && wy_stamp_read(json_string_value(value), &at_ms))
		return at_ms;
	return 0;
}

/* A JSON number or a decimal text of at least `least`. */
static bool read_count(const json_t *value, int64_t least, int64_t *ret_count)
{
	const char *text = json_string_value(value);
	int64_t count;

	if (json_is_integer(value))
		count = json_integer_value(value);
	else if (!text || wy_parse_int(text, strlen(text), &count) != WY_OK)
		return false;
	if (count < least)
		return false;
	*ret_count = count;
	return true;
}

bool event_read_id(const char *id, char ret_epoch[static EVENT_EPOCH_SIZE], int64_t *ret_seq)
{
	const char *number;
	int64_t seq;

	if (strspn(id, "0123456789abcdef") != EVENT_EPOCH_SIZE - 1 || id[EVENT_EPOCH_SIZE - 1] != '-')
		return false;
	number = id + EVENT_EPOCH_SIZE;
	if (number[0] == '0' || number[strspn(number, "0123456789")] != '\0' ||
	    wy_parse_int(number, strlen(number), &seq) != WY_OK || seq < 1)
		return false;
	memcpy(ret_epoch, id, EVENT_EPOCH_SIZE - 1);
	ret_epoch[EVENT_EPOCH_SIZE - 1] = '\0';
	*ret_seq = seq;
	return true;
}

/* weiyu/v1/up/{sh}/{gw}/{channel} */
static enum channel read_topic(struct event *event, const char *topic)
{
	const char *gw, *end;
	size_t len;

	if (strncmp(topic, TOPIC_ROOT, strlen(TOPIC_ROOT)) != 0)
		return CHANNEL_NONE;
	gw = topic + strlen(TOPIC_ROOT);
	if (strspn(gw, "0123456789abcdef") != 2 || gw[2] != '/')
		return CHANNEL_NONE;
	gw += 3;
	len = strspn(gw, "abcdefghijklmnopqrstuvwxyz0123456789-");
	if (len < 6 || len >= EVENT_GW_SIZE || gw[len] != '/')
		return CHANNEL_NONE;
	memcpy(event->gw, gw, len);
	end = gw + len + 1;
	for (size_t i = 0; i < sizeof CHANNELS / sizeof *CHANNELS; i++)
		if (strcmp(end, CHANNELS[i].name) == 0)
			return CHANNELS[i].channel;
	return CHANNEL_NONE;
}

/* A message that cannot be used: reported if it has a number, else only logged. */
static void refuse(struct event *event, const char *reason)
{
	event->verdict = event->seq > 0 ? EVENT_REJECT : EVENT_NOISE;
	event->reason = reason;
}

/* The number from wherever it can be had: id, `sequence`, or the user property. An epoch may stay
 * unknown; the store then takes the one the gateway was born with. */
static void read_number_of(struct event *event, const struct event_hint *hint)
{
	if (event->id && event_read_id(event->id, event->epoch, &event->seq))
		return;
	if (hint && event_read_id(hint->id, event->epoch, &event->seq))
		return;
	event->epoch[0] = '\0';
	if (!read_count(json_object_get(event->doc, "sequence"), 1, &event->seq))
		event->seq = 0;
}

static bool is_own_source(const struct event *event)
{
	return strncmp(event->source, SOURCE_ROOT, strlen(SOURCE_ROOT)) == 0 &&
	       strcmp(event->source + strlen(SOURCE_ROOT), event->gw) == 0;
}

/* What is wrong with the envelope of a numbered message, or NULL. */
static const char *find_envelope_fault(const struct event *event)
{
	char epoch[EVENT_EPOCH_SIZE];
	int64_t seq, sequence;

	if (!event->id)
		return "id is missing";
	if (!event_read_id(event->id, epoch, &seq))
		return "id is not {epoch}-{seq}";
	if (read_count(json_object_get(event->doc, "sequence"), 1, &sequence) && sequence != seq)
		return "id and sequence differ";
	if (!event->source)
		return "source is missing";
	if (!is_own_source(event))
		return "source is not the gateway of the topic";
	if (!event->type)
		return "type is missing";
	return NULL;
}

static bool is_key(const char *text)
{
	size_t len = strlen(text);

	return len > 0 && len <= KEY_BYTES_MAX;
}

static const char *find_ticket_fault(struct event *event)
{
	size_t i = 0;

	if (!json_is_object(event->data))
		return "data is missing";
	if (!is_key(event->ticket_key))
		return "data.ticket_key is missing or too long";
	if (!is_key(event->dedup_key))
		return "data.dedup_key is missing or too long";
	if (!read_count(json_object_get(event->data, "episode"), 1, &event->episode))
		return "data.episode is not a number from 1";
	if (!read_count(json_object_get(event->data, "rev"), 1, &event->rev))
		return "data.rev is not a number from 1";
	while (i < sizeof CONDITIONS / sizeof *CONDITIONS &&
	       strcmp(event->condition, CONDITIONS[i]) != 0)
		i++;
	return i < sizeof CONDITIONS / sizeof *CONDITIONS ? NULL : "data.condition is unknown";
}

static void read_ticket(struct event *event)
{
	const char *fault;

	event->data = json_object_get(event->doc, "data");
	event->ticket_key = event_text(event->data, "ticket_key");
	event->ticket_no = event_text(event->data, "ticket_no");
	event->dedup_key = event_text(event->data, "dedup_key");
	event->condition = event_text(event->data, "condition");
	event->tier = event_text(event->data, "tier");
	event->fault = event_text(event->data, "fault_code");
	event->asset = event_text(json_object_get(event->data, "asset"), "id");
	event->detected_ms = event_time(event->data, "detected_at");
	event->opened_ms = event_time(event->data, "opened_at");
	event->cleared_ms = event_time(event->data, "cleared_at");
	fault = find_ticket_fault(event);
	if (fault) {
		refuse(event, fault);
		return;
	}
	event->is_ended = event->is_ended || strcmp(event->condition, "cleared") == 0;
	event->verdict = EVENT_TICKET;
}

bool event_range(const struct event *event, size_t i, int64_t *ret_first, int64_t *ret_last)
{
	const json_t *range = json_array_get(json_object_get(event->data, "ranges"), i);

	return range && read_count(json_array_get(range, 0), 1, ret_first) &&
	       read_count(json_array_get(range, 1), *ret_first, ret_last);
}

static void read_gap(struct event *event)
{
	const json_t *ranges;
	int64_t first, last, told = 0;
	size_t n = 0;

	event->data = json_object_get(event->doc, "data");
	ranges = json_object_get(event->data, "ranges");
	for (; event_range(event, n, &first, &last); n++)
		event->lost += last - first < INT64_MAX - event->lost ? last - first + 1 : 0;
	/* Of an epoch that is over more were lost than the record has numbers for. */
	if (read_count(json_object_get(event->data, "events"), 1, &told) && told > event->lost)
		event->lost = told;
	if (n == 0 || n != json_array_size(ranges))
		refuse(event, "data.ranges is not a list of first and last numbers");
	else
		event->verdict = EVENT_GAP;
}

static void read_numbered(struct event *event, const struct event_hint *hint)
{
	const char *fault;

	read_number_of(event, hint);
	fault = find_envelope_fault(event);
	if (fault) {
		refuse(event, fault);
		return;
	}
	event->verdict = EVENT_OTHER;
	if (strcmp(event->type, "com.weiyu.ticket.gap.v1") == 0)
		read_gap(event);
	for (size_t i = 0; i < sizeof TICKET_TYPES / sizeof *TICKET_TYPES; i++) {
		if (strcmp(event->type, TICKET_TYPES[i].name) != 0)
			continue;
		event->is_ended = TICKET_TYPES[i].is_ended;
		event->is_reopened = TICKET_TYPES[i].is_reopened;
		read_ticket(event);
	}
}

/* 16 hex digits of `data`, else "". */
static void read_hex16(const struct event *event, const char *key, char out[static EVENT_EPOCH_SIZE])
{
	const char *text = event_text(event->data, key);

	out[0] = '\0';
	if (strspn(text, "0123456789abcdef") == EVENT_EPOCH_SIZE - 1 && !text[EVENT_EPOCH_SIZE - 1])
		memcpy(out, text, EVENT_EPOCH_SIZE);
}

static void read_reply(struct event *event)
{
	event->verdict = EVENT_NOISE;
	event->reason = "reply without type or with a foreign source";
	if (!event->type || !event->source || !is_own_source(event) ||
	    strcmp(event->type, "com.weiyu.reply.v1") != 0)
		return;
	event->data = json_object_get(event->doc, "data");
	read_hex16(event, "epoch", event->epoch);
	read_hex16(event, "instance", event->instance);
	event->verdict = EVENT_REPLY;
}

static void read_state(struct event *event)
{

	event->verdict = EVENT_NOISE;
	event->reason = "state message without type or with a foreign source";
	if (!event->type || !event->source || !is_own_source(event))
		return;
	event->is_birth = strcmp(event->type, "com.weiyu.state.birth.v1") == 0;
	if (!event->is_birth && strcmp(event->type, "com.weiyu.state.death.v1") != 0) {
		event->reason = "unknown type on the state topic";
		return;
	}
	event->data = json_object_get(event->doc, "data");
	read_hex16(event, "epoch", event->epoch);
	read_hex16(event, "instance", event->instance);
	snprintf(event->boot, sizeof event->boot, "%s", event_text(event->data, "boot"));
	if (!read_count(json_object_get(event->data, "last_seq"), 0, &event->last_seq))
		event->last_seq = 0;
	if (!read_count(json_object_get(event->data, "bd_seq"), 0, &event->bd_seq))
		event->bd_seq = 0;
	event->verdict = EVENT_STATE;
}

static void parse(struct event *event, const char *payload, size_t len)
{
	event->doc = json_loadb(payload, len, JSON_REJECT_DUPLICATES, NULL);
	if (!event->doc)
		return;
	event->id = json_string_value(json_object_get(event->doc, "id"));
	event->source = json_string_value(json_object_get(event->doc, "source"));
	event->type = json_string_value(json_object_get(event->doc, "type"));
	event->body = strndup(payload, len);
}

void event_read(struct event *ret_event, const char *topic, const void *payload, size_t len,
		const struct event_hint *hint)
{
	struct event event = {.verdict = EVENT_NOISE};
	enum channel channel = read_topic(&event, topic);

	if (hint) {
		memcpy(event.instance, hint->instance, sizeof event.instance);
		event.is_retained = hint->is_retained;
	}
	if (channel == CHANNEL_NONE) {
		event.reason = "not a topic of a gateway";
		*ret_event = event;
		return;
	}
	if (len <= WY_DESK_MESSAGE_BYTES_MAX)
		parse(&event, payload, len);
	if (!event.doc || !event.body) {
		if (channel == CHANNEL_NUMBERED)
			read_number_of(&event, hint);
		refuse(&event, len > WY_DESK_MESSAGE_BYTES_MAX ? "longer than 64 KiB" : "not valid JSON");
	} else if (channel == CHANNEL_STATE) {
		read_state(&event);
	} else if (channel == CHANNEL_REPLY) {
		read_reply(&event);
	} else {
		read_numbered(&event, hint);
	}
	*ret_event = event;
}

void event_release(struct event *event)
{
	json_decref(event->doc);
	free(event->body);
	*event = (struct event){.verdict = EVENT_NOISE};
}
