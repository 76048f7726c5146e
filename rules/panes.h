/* panes.h: a window cut into 64 equal panes and the running one.
 *
 * Answers move at pane borders, so the far edge of a window is up to 1/64 of its length late.
 * Known time is counted per pane: its share of the window is the coverage. */
#ifndef RX_PANES_H
#define RX_PANES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "clocktypes.h"

#define RX_PANES 65u
#define RX_MIN_COVER 0.75 /* share of a window that must be known before it denies anything */

struct rx_panes {
	bool is_started;
	bool is_known;   /* the input is known since upto_ms */
	wy_ms upto_ms;   /* accounted up to here */
	int64_t head;    /* number of the running pane: time / pane length */
	int64_t known_ms[RX_PANES];
};

wy_ms rx_pane_ms(wy_ms window_ms);
/* Account the time up to now and open new panes, each value slot of which becomes a copy of *fresh.
 * Call before anything is written to the slot of the running pane. */
void rx_panes_to(struct rx_panes *panes, wy_ms pane_ms, wy_ms now_ms, void *values, size_t value_bytes,
		 const void *fresh);
unsigned rx_panes_slot(const struct rx_panes *panes);
/* The slots still inside the window at now: calls in no particular order. Returns how many. */
unsigned rx_panes_live(const struct rx_panes *panes, wy_ms pane_ms, wy_ms now_ms, uint8_t out[RX_PANES]);
bool rx_panes_is_covered(const struct rx_panes *panes, wy_ms window_ms, wy_ms now_ms);
/* The next border, where the contents of the panes can move by time alone. */
wy_ms rx_panes_next(wy_ms pane_ms, wy_ms now_ms);
/* The next border if coverage may move there; WY_MS_NEVER while all of the window is known, or none. */
wy_ms rx_panes_cover_next(const struct rx_panes *panes, wy_ms pane_ms, wy_ms now_ms);

#endif
