/* own.c: see own.h. */
#include "own.h"

const struct own_row own_rows[OWN_POINTS] = {
	[OWN_UPLINK_OK] = {"uplink_ok", WY_TYPE_BOOL, NULL},
	[OWN_OUTBOX_FILL] = {"outbox_fill", WY_TYPE_REAL, "%"},
	[OWN_OUTBOX_EMPTY] = {"outbox_empty", WY_TYPE_BOOL, NULL},
	[OWN_TICKETS_10MIN] = {"tickets_10min", WY_TYPE_INT, NULL},
	[OWN_NTP_OK] = {"ntp_ok", WY_TYPE_BOOL, NULL},
	[OWN_CLOCK_OFFSET] = {"clock_offset", WY_TYPE_REAL, "s"},
	[OWN_CLOCK_JUMPS] = {"clock_jumps", WY_TYPE_COUNTER, NULL},
	[OWN_STORE_OK] = {"store_ok", WY_TYPE_BOOL, NULL},
	[OWN_STORE_FILL] = {"store_fill", WY_TYPE_REAL, "%"},
	[OWN_STORE_LOSSES] = {"store_losses", WY_TYPE_COUNTER, NULL},
	[OWN_UNCONFIRMED] = {"unconfirmed", WY_TYPE_REAL, "s"},
};

static void set_whole(struct wy_sample *sample, int64_t value)
{
	sample->quality = WY_Q_GOOD;
	sample->why = WY_WHY_NONE;
	sample->is_whole = true;
	sample->whole = value;
}

static void set_real(struct wy_sample *sample, double value)
{
	sample->quality = WY_Q_GOOD;
	sample->why = WY_WHY_NONE;
	sample->is_whole = false;
	sample->real = value;
}

/* Tickets since the look ten minutes ago, or since start. */
static uint64_t count_tickets(struct own *own, uint64_t opened)
{
	uint64_t then = own->n_looks == OWN_LOOKS ? own->opened[own->at] : 0;

	own->n_looks += own->n_looks < OWN_LOOKS;
	own->opened[own->at] = opened;
	own->at = (own->at + 1) % OWN_LOOKS;
	return opened - then;
}

/* The wall clock moves with the steady one unless somebody sets it. */
static void watch_clock(struct own *own, struct wy_now now, struct wy_sample *samples)
{
	wy_ms gap_ms = now.wall_ms - now.mono_ms;
	wy_ms moved_ms = gap_ms - own->gap_ms;
	bool is_synced = now.clock == WY_CLOCK_SYNCED;

	if (own->has_looked && (moved_ms > OWN_JUMP_MS || moved_ms < -OWN_JUMP_MS))
		own->jumps++;
	own->has_looked = true;
	own->gap_ms = gap_ms;
	if (is_synced) {
		own->was_synced = true;
		own->synced_gap_ms = gap_ms;
	}
	set_whole(&samples[OWN_NTP_OK], is_synced);
	set_whole(&samples[OWN_CLOCK_JUMPS], own->jumps);
	if (own->was_synced)
		set_real(&samples[OWN_CLOCK_OFFSET], (double)(gap_ms - own->synced_gap_ms) / 1000);
}

/* A new epoch of the start is news, so the first look counts none: a counter that begins with it would say nothing. Events
 * dropped in earlier lives were news then. */
static void watch_store(struct own *own, const struct own_in *in, struct wy_sample *samples)
{
	set_whole(&samples[OWN_STORE_OK], !in->is_in_memory);
	set_real(&samples[OWN_STORE_FILL], in->store_fill < 100 ? in->store_fill : 100);
	if (!own->has_counted)
		own->dropped = in->dropped;
	set_whole(&samples[OWN_STORE_LOSSES], own->has_counted ? (int64_t)(in->dropped - own->dropped + in->new_epochs) : 0);
	set_real(&samples[OWN_UNCONFIRMED], (double)in->unconfirmed_ms / 1000);
	own->has_counted = true;
}

void own_look(struct own *own, const struct own_in *in, uint64_t opened, struct wy_now now,
	      struct wy_sample ret_samples[OWN_POINTS])
{
	for (unsigned i = 0; i < OWN_POINTS; i++)
		ret_samples[i] = (struct wy_sample){.at_ms = now.mono_ms, .quality = WY_Q_BAD, .why = WY_WHY_NOT_READ};
	set_whole(&ret_samples[OWN_UPLINK_OK], in->is_up);
	set_whole(&ret_samples[OWN_TICKETS_10MIN], (int64_t)count_tickets(own, opened));
	watch_clock(own, now, ret_samples);
	watch_store(own, in, ret_samples);
	if (!in->has_queue)
		return;
	double fill = 100.0 * (double)in->queued / OWN_QUEUE_FULL;
	set_real(&ret_samples[OWN_OUTBOX_FILL], fill < 100 ? fill : 100);
	set_whole(&ret_samples[OWN_OUTBOX_EMPTY], in->queued == 0);
}
