/* quirk.c: see quirk.h. Rows are applied in the order of quirks.def, several at once if armed. */
#include "quirk.h"

#include <string.h>

#include "number.h"

static void quirk_delay(struct sim_reply *reply, int64_t arg)
{
	reply->delay_ms += arg;
}

static void quirk_drop(struct sim_reply *reply, int64_t arg)
{
	(void)arg;
	reply->is_dropped = true;
}

static void quirk_exception(struct sim_reply *reply, int64_t arg)
{
	reply->pdu[0] |= 0x80u;
	reply->pdu[1] = (uint8_t)arg;
	reply->pdu_len = reply->n_head = 2;
}

/* Some lift boards know no exceptions: function code as asked, 0x8001 where the length would be, a code. */
static void quirk_error_8001(struct sim_reply *reply, int64_t arg)
{
	reply->pdu[0] &= 0x7Fu;
	reply->pdu[1] = 0x80;
	reply->pdu[2] = 0x01;
	reply->pdu[3] = (uint8_t)(arg >> 8);
	reply->pdu[4] = (uint8_t)arg;
	reply->pdu_len = reply->n_head = 5;
}

static void quirk_wrong_unit(struct sim_reply *reply, int64_t arg)
{
	reply->unit = (uint8_t)arg;
}

static void quirk_wrong_function(struct sim_reply *reply, int64_t arg)
{
	reply->pdu[0] = (uint8_t)arg;
}

static void quirk_wrong_transaction(struct sim_reply *reply, int64_t arg)
{
	reply->transaction = (uint16_t)(reply->transaction + arg);
}

static void quirk_truncate(struct sim_reply *reply, int64_t arg)
{
	reply->keep = (size_t)arg;
}

static void quirk_duplicate(struct sim_reply *reply, int64_t arg)
{
	(void)arg;
	reply->copies = 2;
}

static void quirk_drip(struct sim_reply *reply, int64_t arg)
{
	reply->drip_ms = arg;
}

static void quirk_bad_crc(struct sim_reply *reply, int64_t arg)
{
	(void)arg;
	reply->has_bad_crc = true;
}

static void quirk_garbage(struct sim_reply *reply, int64_t arg)
{
	reply->garbage = arg > (int64_t)SIM_GARBAGE_MAX ? SIM_GARBAGE_MAX : (size_t)arg;
}

static void quirk_stray(struct sim_reply *reply, int64_t arg)
{
	(void)arg;
	reply->has_stray = true;
}

static void quirk_close(struct sim_reply *reply, int64_t arg)
{
	(void)arg;
	reply->is_closing = true;
}

static void quirk_rst(struct sim_reply *reply, int64_t arg)
{
	(void)arg;
	reply->is_closing = reply->is_resetting = true;
}

/* Done to the device before it answers: answer.c. */
#define quirk_tear NULL
#define quirk_counter_reset NULL

#define TCP SIM_TRANSPORT_TCP
#define RTU SIM_TRANSPORT_RTU
#define COAP SIM_TRANSPORT_COAP
static const struct sim_quirk quirks[] = {
#define SIM_QUIRK(name, arg, key, least, most, transports, help)                                   \
	{#name, false, SIM_ARG_##arg, key, least, most, transports, help, quirk_##name},
#define SIM_STATE(name, arg, key, least, most, transports, help)                                   \
	{#name, true, SIM_ARG_##arg, key, least, most, transports, help, NULL},
#include "quirks.def"
#undef SIM_STATE
#undef SIM_QUIRK
};

const struct sim_quirk *sim_quirk_at(size_t id)
{
	return &quirks[id];
}

size_t sim_quirk_find(const char *name)
{
	size_t id = 0;

	while (id < SIM_QUIRK_COUNT && strcmp(quirks[id].name, name) != 0)
		id++;
	return id;
}

static const char *quirk_name(const void *arg, size_t i)
{
	return ((const struct sim_quirk *)arg)[i].name;
}

const char *sim_quirk_nearest(const char *name)
{
	return wy_nearest(name, SIM_QUIRK_COUNT, quirk_name, quirks);
}

bool sim_quirk_take(struct sim_armed armed[SIM_QUIRK_COUNT], enum sim_quirk_id id, int64_t *ret_arg)
{
	if (!armed[id].is_on && armed[id].left == 0)
		return false;
	if (!armed[id].is_on)
		armed[id].left--;
	*ret_arg = armed[id].arg;
	return true;
}

void sim_quirk_spoil(struct sim_armed armed[SIM_QUIRK_COUNT], struct sim_reply *reply)
{
	for (size_t id = 0; id < SIM_QUIRK_COUNT; id++) {
		int64_t arg;

		if (quirks[id].apply && sim_quirk_take(armed, (enum sim_quirk_id)id, &arg))
			quirks[id].apply(reply, arg);
	}
}
