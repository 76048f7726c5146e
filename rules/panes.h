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
#define RX_MIN_COVER 0.75 /* share of a window that must be known before it denies anything, where a rule says nothing */

struct rx_panes {
	bool is_started;
	bool is_known;   /* the input is known since upto_ms */
	wy_ms pane_ms;   /* these panes are so long; another length, after a change of a parameter, begins anew */
	wy_ms upto_ms;   /* accounted up to here */
	int64_t head;    /* number of the running pane: time / pane length */
	uint32_t known_ms[RX_PANES];
};

/* What rx_panes_step() did: opened a pane, whose values are to be set back; or let time pass in the running one. */
struct rx_step {
	unsigned slot;
	bool is_new;
	bool is_end; /* the pane is complete with it */
	wy_ms begin_ms; /* of the pane */
	wy_ms from_ms, to_ms;
};

wy_ms rx_pane_ms(wy_ms window_ms);
/* Account the time up to now and open new panes, each value slot of which becomes a copy of *fresh.
 * Call before anything is written to the slot of the running pane. */
void rx_panes_to(struct rx_panes *panes, wy_ms pane_ms, wy_ms now_ms, void *values, size_t value_bytes,
		 const void *fresh);
/* The same in single steps, oldest first, for windows with more than one value per pane. False: now is reached. */
bool rx_panes_step(struct rx_panes *panes, wy_ms pane_ms, wy_ms now_ms, struct rx_step *ret_step);
unsigned rx_panes_slot(const struct rx_panes *panes);
/* The slots still inside the window at now, oldest first. Returns how many. */
unsigned rx_panes_live(const struct rx_panes *panes, wy_ms pane_ms, wy_ms now_ms, uint8_t out[RX_PANES]);
/* Of these only full panes, accounted up to now: what a mean is made of. Oldest first. */
unsigned rx_panes_full(const struct rx_panes *panes, uint8_t out[RX_PANES]);
/* At least this share of the window was known. */
bool rx_panes_is_covered(const struct rx_panes *panes, wy_ms window_ms, wy_ms now_ms, double share);
/* The next border, where the contents of the panes can move by time alone. */
wy_ms rx_panes_next(wy_ms pane_ms, wy_ms now_ms);
/* The next border if coverage may move there; WY_MS_NEVER while all of the window is known, or none. */
wy_ms rx_panes_cover_next(const struct rx_panes *panes, wy_ms pane_ms, wy_ms now_ms);
/* n members of type bool from here on are yes or no: other bytes must not be read as such. */
bool rx_are_bools_sound(const bool *first, size_t n);
/* An instant that can be reckoned with. */
bool rx_is_time_sound(wy_ms at_ms);
/* Nothing in bytes read back that could overflow. */
bool rx_panes_are_sound(const struct rx_panes *panes);

#endif
