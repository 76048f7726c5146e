/* quirk.h: misbehaviours, a row each (quirks.def): armed on a device, spent on its next answers.
 * Pure. */
#ifndef SIM_QUIRK_H
#define SIM_QUIRK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "clocktypes.h"

#define SIM_PDU_MAX 253u    /* of Modbus */
#define SIM_GARBAGE_MAX 64u /* stray bytes before an answer; more are cut */
#define SIM_FRAME_MAX (SIM_GARBAGE_MAX + 7u + SIM_PDU_MAX + 2u)

enum sim_transport { SIM_TRANSPORT_TCP = 1, SIM_TRANSPORT_RTU = 2, SIM_TRANSPORT_COAP = 4 };
enum sim_arg { SIM_ARG_NONE, SIM_ARG_MS, SIM_ARG_NUMBER };

enum sim_quirk_id {
#define SIM_QUIRK(name, ...) SIM_QUIRK_##name,
#include "quirks.def"
#undef SIM_QUIRK
	SIM_QUIRK_COUNT
};

/* One answer on its way out. The frame is made from it after the quirks had their turn. */
struct sim_reply {
	uint16_t transaction; /* TCP */
	uint8_t unit;
	uint8_t pdu[SIM_PDU_MAX];
	size_t pdu_len;
	wy_ms delay_ms;
	wy_ms drip_ms;	/* between two bytes; 0: at once */
	size_t keep;	/* bytes of the frame that are sent */
	size_t garbage; /* stray bytes before it */
	unsigned copies;
	bool is_dropped, is_closing, has_bad_crc;
};

struct sim_quirk {
	const char *name;
	enum sim_arg arg;
	const char *arg_key; /* in a scenario; NULL where there is no argument */
	int64_t least, most; /* of the argument */
	unsigned transports; /* enum sim_transport, or-ed */
	const char *help;
	void (*apply)(struct sim_reply *reply, int64_t arg);
};

/* What is armed on one device, by quirk. */
struct sim_armed {
	int64_t arg;
	uint32_t left; /* answers still to spoil */
};

const struct sim_quirk *sim_quirk_at(size_t id);
/* SIM_QUIRK_COUNT: no such name. */
size_t sim_quirk_find(const char *name);
const char *sim_quirk_nearest(const char *name); /* NULL: none near */

/* Spend one of the armed quirk; false: none is armed. */
bool sim_quirk_take(struct sim_armed armed[SIM_QUIRK_COUNT], enum sim_quirk_id id,
		    int64_t *ret_arg);
/* Spend one of each armed quirk on this answer. */
void sim_quirk_spoil(struct sim_armed armed[SIM_QUIRK_COUNT], struct sim_reply *reply);

#endif
