/* panes.c: see panes.h. */
#include "panes.h"

#include <string.h>

wy_ms rx_pane_ms(wy_ms window_ms)
{
	wy_ms pane_ms = (window_ms + RX_PANES - 2) / (RX_PANES - 1);

	return pane_ms < 1 ? 1 : pane_ms;
}

static int64_t pane_of(wy_ms at_ms, wy_ms pane_ms)
{
	int64_t pane = at_ms / pane_ms;

	return at_ms < 0 && at_ms % pane_ms ? pane - 1 : pane;
}

static unsigned slot_of(int64_t pane)
{
	int64_t slot = pane % (int64_t)RX_PANES;

	return (unsigned)(slot < 0 ? slot + (int64_t)RX_PANES : slot);
}

unsigned rx_panes_slot(const struct rx_panes *panes)
{
	return slot_of(panes->head);
}

/* Where the panes stand before time passes: begun, of the right length, and no further back than the window. */
static void begin(struct rx_panes *panes, wy_ms pane_ms, wy_ms now_ms)
{
	int64_t now_pane = pane_of(now_ms, pane_ms);

	if (!panes->is_started || panes->pane_ms != pane_ms || panes->head > now_pane) {
		panes->is_started = true;
		panes->pane_ms = pane_ms;
		panes->upto_ms = now_ms;
		panes->head = now_pane - (int64_t)RX_PANES;
	}
	if (now_pane - panes->head <= (int64_t)RX_PANES)
		return;
	/* Away for longer than the window: what lies before it does not count. */
	wy_ms from_ms = (now_pane - (int64_t)RX_PANES + 1) * pane_ms;
	panes->head = now_pane - (int64_t)RX_PANES;
	panes->upto_ms = panes->upto_ms > from_ms ? panes->upto_ms : from_ms;
}

bool rx_panes_step(struct rx_panes *panes, wy_ms pane_ms, wy_ms now_ms, struct rx_step *ret_step)
{
	begin(panes, pane_ms, now_ms);
	if (now_ms < panes->upto_ms)
		return false;
	wy_ms end_ms = (panes->head + 1) * pane_ms;
	bool is_new = panes->upto_ms >= end_ms;
	if (is_new) {
		if (panes->head >= pane_of(now_ms, pane_ms))
			return false;
		panes->known_ms[slot_of(++panes->head)] = 0;
	} else if (panes->upto_ms == now_ms) {
		return false;
	}
	wy_ms to_ms = is_new ? panes->upto_ms : now_ms < end_ms ? now_ms : end_ms;
	*ret_step = (struct rx_step){.slot = slot_of(panes->head), .is_new = is_new, .is_end = !is_new && to_ms == end_ms,
				     .begin_ms = panes->head * pane_ms, .from_ms = panes->upto_ms, .to_ms = to_ms};
	if (panes->is_known)
		panes->known_ms[ret_step->slot] += (uint32_t)(to_ms - panes->upto_ms);
	panes->upto_ms = to_ms;
	return true;
}

void rx_panes_to(struct rx_panes *panes, wy_ms pane_ms, wy_ms now_ms, void *values, size_t value_bytes,
		 const void *fresh)
{
	struct rx_step step;

	while (rx_panes_step(panes, pane_ms, now_ms, &step))
		if (step.is_new)
			memcpy((char *)values + step.slot * value_bytes, fresh, value_bytes);
}

unsigned rx_panes_live(const struct rx_panes *panes, wy_ms pane_ms, wy_ms now_ms, uint8_t out[RX_PANES])
{
	int64_t now_pane = pane_of(now_ms, pane_ms);
	unsigned n = 0;

	if (!panes->is_started)
		return 0;
	for (int64_t pane = panes->head - (int64_t)RX_PANES + 1; pane <= panes->head; pane++)
		if (pane >= now_pane - (int64_t)RX_PANES + 1)
			out[n++] = (uint8_t)slot_of(pane);
	return n;
}

unsigned rx_panes_full(const struct rx_panes *panes, uint8_t out[RX_PANES])
{
	unsigned n = 0;

	if (!panes->is_started)
		return 0;
	for (int64_t pane = panes->head - (int64_t)RX_PANES + 1; pane < panes->head; pane++)
		out[n++] = (uint8_t)slot_of(pane);
	return n;
}

/* Of the full panes only: so the answer moves at borders, and an evaluation in between, for whatever
 * reason, finds what the last border left. */
bool rx_panes_is_covered(const struct rx_panes *panes, wy_ms window_ms, wy_ms now_ms, double share)
{
	uint8_t live[RX_PANES];
	wy_ms pane_ms = rx_pane_ms(window_ms);
	int64_t now_pane = pane_of(now_ms, pane_ms);
	unsigned n = rx_panes_live(panes, pane_ms, now_ms, live);
	wy_ms known_ms = 0;

	for (unsigned i = 0; i < n; i++)
		if (panes->head != now_pane || live[i] != slot_of(now_pane))
			known_ms += panes->known_ms[live[i]];
	wy_ms border_ms = now_pane * pane_ms;
	if (panes->is_known && border_ms > panes->upto_ms)
		known_ms += border_ms - panes->upto_ms;
	return (double)known_ms >= share * (double)window_ms;
}

wy_ms rx_panes_next(wy_ms pane_ms, wy_ms now_ms)
{
	return (pane_of(now_ms, pane_ms) + 1) * pane_ms;
}

wy_ms rx_panes_cover_next(const struct rx_panes *panes, wy_ms pane_ms, wy_ms now_ms)
{
	uint8_t live[RX_PANES];
	unsigned n = rx_panes_live(panes, pane_ms, now_ms, live);
	wy_ms from_ms = (pane_of(now_ms, pane_ms) - (int64_t)RX_PANES + 1) * pane_ms;
	wy_ms known_ms = 0;

	for (unsigned i = 0; i < n; i++)
		known_ms += panes->known_ms[live[i]];
	if (panes->is_known)
		known_ms += now_ms - (panes->upto_ms > from_ms ? panes->upto_ms : from_ms);
	if (known_ms == (panes->is_known ? now_ms - from_ms : 0))
		return WY_MS_NEVER;
	return rx_panes_next(pane_ms, now_ms);
}

bool rx_are_bools_sound(const bool *first, size_t n)
{
	const unsigned char *at = (const unsigned char *)first;

	for (size_t i = 0; i < n; i++)
		if (at[i] > 1)
			return false;
	return true;
}

bool rx_is_time_sound(wy_ms at_ms)
{
	return at_ms < INT64_MAX / 4 && at_ms > -INT64_MAX / 4;
}

bool rx_panes_are_sound(const struct rx_panes *panes)
{
	const wy_ms longest_ms = (wy_ms)1 << 40;

	if (!rx_are_bools_sound(&panes->is_started, 2) || panes->pane_ms < 0 || panes->pane_ms > longest_ms || !rx_is_time_sound(panes->upto_ms))
		return false;
	return panes->head < INT64_MAX / 4 / (panes->pane_ms + 1) && panes->head > -INT64_MAX / 4 / (panes->pane_ms + 1);
}
