/* fake_uplink.c: see fake_uplink.h. */
#include "fake_uplink.h"

#include <stdio.h>
#include <string.h>

static struct fake_uplink fake;
static bool is_flying[FAKE_SENT_MAX];

struct fake_uplink *fake_uplink(void)
{
	return &fake;
}

void fake_uplink_reset(void)
{
	memset(&fake, 0, sizeof(fake));
	memset(is_flying, 0, sizeof(is_flying));
}

enum wy_err fake_uplink_connect(unsigned room)
{
	struct uplink_session session = {.protocol = fake.protocol ? fake.protocol : 5, .window = room, .receive_maximum = room};
	const void *will = NULL;
	size_t len = 0;
	enum wy_err err = fake.handler.prepare(fake.handler.arg, &will, &len);

	if (err)
		return err;
	snprintf(fake.will, sizeof(fake.will), "%.*s", (int)len, (const char *)will);
	fake.is_up = true;
	fake.room = room;
	fake.handler.up(fake.handler.arg, &session);
	return WY_OK;
}

void fake_uplink_lose(void)
{
	fake.is_up = false;
	for (size_t i = 0; i < fake.n_sent; i++) {
		if (!is_flying[i])
			continue;
		is_flying[i] = false;
		fake.handler.sent(fake.handler.arg, fake.sent[i].token, UPLINK_FATE_LOST, 0);
	}
	fake.handler.down(fake.handler.arg, UPLINK_CAUSE_LOST, "gone", 1000);
}

void fake_uplink_down(enum uplink_cause cause, const char *words)
{
	fake.is_up = false;
	fake.handler.down(fake.handler.arg, cause, words, 1000);
}

void fake_uplink_fate(uint64_t token, enum uplink_fate fate, uint8_t reason)
{
	for (size_t i = 0; i < fake.n_sent; i++) {
		if (!is_flying[i] || fake.sent[i].token != token)
			continue;
		is_flying[i] = false;
		fake.room++;
		fake.handler.sent(fake.handler.arg, token, fate, reason);
		return;
	}
}

void fake_uplink_receive(const char *topic, const char *text)
{
	fake.handler.message(fake.handler.arg, topic, text, strlen(text));
}

unsigned fake_uplink_count(uint64_t token)
{
	unsigned n = 0;

	for (size_t i = 0; i < fake.n_sent; i++)
		n += fake.sent[i].token == token;
	return n;
}

/* ---- In place of uplink.c --------------------------------------------------------------------- */

enum wy_err uplink_open(const struct uplink_conf *conf, const struct uplink_handler *handler, uint64_t seed,
			struct wy_buf *words, struct uplink **ret_uplink)
{
	(void)seed;
	if (fake.open_err) {
		wy_buf_add(words, fake.open_words ? fake.open_words : "");
		return fake.open_err;
	}
	fake.handler = *handler;
	fake.first_wait_ms = conf->first_wait_ms;
	*ret_uplink = (struct uplink *)&fake;
	return WY_OK;
}

void uplink_hurry(struct uplink *uplink, wy_ms now)
{
	(void)uplink;
	(void)now;
	fake.n_hurries++;
}

enum wy_err uplink_publish(struct uplink *uplink, const struct uplink_message *message)
{
	struct fake_sent *sent = &fake.sent[fake.n_sent];
	(void)uplink;

	if (!fake.is_up)
		return WY_E_LINK;
	if (!fake.room || fake.n_sent == FAKE_SENT_MAX)
		return WY_E_BUSY;
	if (fake.publish_err && (!fake.publish_err_token || fake.publish_err_token == message->token)) {
		fake.room = fake.publish_err == WY_E_LINK ? 0 : fake.room;
		return fake.publish_err;
	}
	sent->token = message->token;
	sent->retain = message->retain;
	snprintf(sent->topic, sizeof(sent->topic), "%s", message->topic);
	snprintf(sent->payload, sizeof(sent->payload), "%.*s", (int)message->len,
		 (const char *)message->payload);
	is_flying[fake.n_sent++] = true;
	fake.room--;
	return WY_OK;
}

unsigned uplink_room(const struct uplink *uplink)
{
	(void)uplink;
	return fake.is_up ? fake.room : 0;
}

bool uplink_is_up(const struct uplink *uplink)
{
	(void)uplink;
	return fake.is_up;
}

void uplink_close(struct uplink *uplink, const struct uplink_message *last, wy_ms deadline_ms)
{
	(void)uplink;
	(void)deadline_ms;
	if (last && fake.is_up)
		snprintf(fake.last, sizeof(fake.last), "%.*s", (int)last->len, (const char *)last->payload);
	fake.is_up = false;
}
