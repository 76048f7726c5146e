/* quirk.h: misbehaviours, a row each (quirks.def). Those of answers are spent on the next so many of
 * them, those of the device are on or off. Pure. */
#ifndef SIM_QUIRK_H
#define SIM_QUIRK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "clocktypes.h"

#define SIM_PDU_MAX 253u    /* of Modbus */
#define SIM_GARBAGE_MAX 64u /* stray bytes before an answer; more are cut */
/* Two frames: a second device with the same unit id may answer as well. */
#define SIM_FRAME_MAX (SIM_GARBAGE_MAX + 2u * (7u + SIM_PDU_MAX + 2u))

enum sim_transport { SIM_TRANSPORT_TCP = 1, SIM_TRANSPORT_RTU = 2, SIM_TRANSPORT_COAP = 4 };
enum sim_arg { SIM_ARG_NONE, SIM_ARG_MS, SIM_ARG_NUMBER, SIM_ARG_POINT };

#define SIM_ALL_POINTS (-1) /* of SIM_ARG_POINT: every point the misbehaviour makes sense for */

enum sim_quirk_id {
#define SIM_QUIRK(name, ...) SIM_QUIRK_##name,
#define SIM_STATE(name, ...) SIM_QUIRK_##name,
#include "quirks.def"
#undef SIM_STATE
#undef SIM_QUIRK
	SIM_QUIRK_COUNT
};

/* What a second device with the same unit id does to an answer. */
enum sim_twin { SIM_TWIN_NONE, SIM_TWIN_INSTEAD, SIM_TWIN_MIXED, SIM_TWIN_AFTER };

/* One answer on its way out. The frame is made from it after the quirks had their turn. */
struct sim_reply {
	uint16_t transaction; /* TCP */
	uint8_t unit;
	uint8_t pdu[SIM_PDU_MAX];
	size_t pdu_len;
	size_t n_head; /* of the PDU; behind it are values */
	wy_ms delay_ms;
	wy_ms drip_ms;	/* between two bytes; 0: at once */
	size_t keep;	/* bytes of the frame that are sent */
	size_t garbage; /* stray bytes before it */
	unsigned copies;
	bool is_dropped, is_closing, is_resetting, has_bad_crc;
	bool has_stray; /* somebody else's answer goes before this one */
	bool is_noise;	/* sent at another speed */
	enum sim_twin twin;
	bool has_xor; /* RTU: the checksum is xor_seed, each byte of the frame put to it by exclusive or */
	uint16_t xor_seed;
};

struct sim_quirk {
	const char *name;
	bool is_state;
	enum sim_arg arg;
	const char *arg_key; /* in a scenario; NULL where there is no argument */
	int64_t least, most; /* of the argument */
	unsigned transports; /* enum sim_transport, or-ed */
	const char *help;
	void (*apply)(struct sim_reply *reply, int64_t arg); /* NULL: not done to the reply */
};

/* What is armed on one device, by quirk. */
struct sim_armed {
	int64_t arg;
	uint32_t left;	/* answers still to spoil */
	bool is_on;	/* until it is switched off */
	wy_ms until_ms; /* boottime at which it is switched off; 0: never. Whoever has a clock keeps it. */
};

const struct sim_quirk *sim_quirk_at(size_t id);
/* SIM_QUIRK_COUNT: no such name. */
size_t sim_quirk_find(const char *name);
const char *sim_quirk_nearest(const char *name); /* NULL: none near */

/* Spend one of the armed quirk, or find it switched on; false: neither. */
bool sim_quirk_take(struct sim_armed armed[SIM_QUIRK_COUNT], enum sim_quirk_id id,
		    int64_t *ret_arg);
/* Spend one of each armed quirk of answers on this one. */
void sim_quirk_spoil(struct sim_armed armed[SIM_QUIRK_COUNT], struct sim_reply *reply);

#endif
