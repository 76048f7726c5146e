/* fn_now.c: functions of what is known at this instant; none keeps memory. */
#include "rule_engine.h"

enum { GRACE_MS = 30000, SECOND_MS = 1000 };

struct rx_value fn_known(struct rx_eval *ev, const struct rx_expr *call, const void *memory)
{
	(void)memory;
	struct rx_value x = rx_eval(ev, call->child);
	bool is_known = call->child->type == RX_T_BOOL ? x.truth != RULE_UNKNOWN : rx_is_exact(&x);

	return rx_truth(is_known ? RULE_TRUE : RULE_FALSE);
}

/* Time since `at_ms`, which was seen; or since never, of which only "at least since start" is known.
 * From start the count begins after a grace, so that what has not had its turn yet is not late. */
static struct rx_value elapsed(struct rx_eval *ev, wy_ms at_ms, wy_ms grace_ms)
{
	struct rx_value v = rx_real(0);

	if (at_ms != WY_MS_NONE) {
		wy_ms span_ms = ev->now_ms - at_ms;
		v = rx_real((double)(span_ms < 0 ? 0 : span_ms));
		v.slope_lo = v.slope_hi = 1;
		return v;
	}
	v = rx_unknown_of(RX_T_REAL, RX_NOT_SEEN);
	wy_ms from_ms = ev->engine->start_ms[ev->asset] + grace_ms;
	v.rlo = ev->now_ms > from_ms ? (double)(ev->now_ms - from_ms) : 0;
	if (ev->now_ms >= from_ms)
		v.slope_lo = v.slope_hi = 1;
	else
		rx_look_at(ev, from_ms);
	return v;
}

/* While the asset repeats itself it is neither old nor silent. */
static bool is_held(const struct rx_eval *ev)
{
	return ev->engine->held_ms[ev->asset] > ev->now_ms;
}

static struct rx_value just_now(struct rx_eval *ev)
{
	rx_look_at(ev, ev->engine->held_ms[ev->asset]);
	return rx_real(0);
}

static struct rx_value age_of(struct rx_eval *ev, const struct rx_expr *point)
{
	const struct rx_slot *slot = &ev->engine->slots[ev->set->assets[ev->asset].slot_base + point->index];
	wy_ms usable_ms = slot->usable_ms;

	if (wy_quality_is_usable(slot->quality)) {
		if (is_held(ev))
			return just_now(ev);
		usable_ms = rx_seen_ms(ev->engine, ev->asset, usable_ms, ev->now_ms);
	}
	return elapsed(ev, usable_ms, 2 * point->point->poll_ms + GRACE_MS);
}

struct rx_value fn_age(struct rx_eval *ev, const struct rx_expr *call, const void *memory)
{
	(void)memory;
	struct rx_eval of = *ev;

	of.asset = rx_asset_read(ev, call->child);
	if (of.asset == WY_NO_ASSET)
		return rx_unknown_of(RX_T_REAL, RX_NO_RELATION);
	struct rx_value v = age_of(&of, call->child);
	rx_look_at(ev, of.next_ms);
	return v;
}

struct rx_value fn_silence(struct rx_eval *ev, const struct rx_expr *call, const void *memory)
{
	(void)memory;
	(void)call;
	if (!ev->engine || !ev->set->world->assets[ev->asset].n_devices)
		return rx_unknown_of(RX_T_REAL, RX_NOT_SEEN);
	const struct wy_asset *asset = &ev->set->world->assets[ev->asset];
	wy_ms poll_ms = ev->cls->shortest_poll_ms;
	wy_ms grace_ms = 2 * (poll_ms < SECOND_MS ? SECOND_MS : poll_ms);
	struct rx_value longest = rx_real(0);

	if (is_held(ev))
		return just_now(ev);
	/* Compared by hand: elapsed times run in parallel, so the longest stays the longest. */
	for (size_t i = 0; i < asset->n_devices; i++) {
		wy_ms heard_ms = rx_seen_ms(ev->engine, ev->asset, ev->engine->heard_ms[asset->devices[i]], ev->now_ms);
		struct rx_value v = elapsed(ev, heard_ms, grace_ms);
		if (i == 0) {
			longest = v;
			continue;
		}
		bool is_later = v.rlo > longest.rlo || (v.rlo == longest.rlo && v.slope_lo > longest.slope_lo);
		double rhi = v.rhi > longest.rhi ? v.rhi : longest.rhi;
		longest = is_later ? v : longest;
		longest.rhi = rhi;
		if (v.unknown)
			longest.unknown = v.unknown;
	}
	return longest;
}

struct rx_value fn_abs(struct rx_eval *ev, const struct rx_expr *call, const void *memory)
{
	(void)memory;
	return rx_abs(rx_eval(ev, call->child));
}

struct rx_value fn_least(struct rx_eval *ev, const struct rx_expr *call, const void *memory)
{
	(void)memory;
	struct rx_value a = rx_eval(ev, call->child);

	return rx_least(a, rx_eval(ev, call->child->next));
}

struct rx_value fn_greatest(struct rx_eval *ev, const struct rx_expr *call, const void *memory)
{
	(void)memory;
	struct rx_value a = rx_eval(ev, call->child);

	return rx_greatest(a, rx_eval(ev, call->child->next));
}

struct rx_value fn_pick(struct rx_eval *ev, const struct rx_expr *call, const void *memory)
{
	(void)memory;
	struct rx_value which = rx_eval(ev, call->child);
	const struct rx_expr *x = call->child->next;

	if (which.truth == RULE_TRUE)
		return rx_eval(ev, x);
	if (which.truth == RULE_FALSE)
		return rx_eval(ev, x->next);
	struct rx_value a = rx_eval(ev, x);
	return rx_hull(a, rx_eval(ev, x->next));
}

/* ---- Wall clock --------------------------------------------------------------------------- */

/* A wall instant ahead as a mono one. */
static void lower_wall(struct rx_eval *ev, wy_ms wall_ms)
{
	if (wall_ms != WY_MS_NEVER)
		rx_look_at(ev, ev->now_ms + (wall_ms - ev->wall_ms));
}

struct rx_value fn_during(struct rx_eval *ev, const struct rx_expr *call, const void *memory)
{
	(void)memory;
	wy_ms next_ms;
	bool is_open = rx_hours_are_open(&call->child->calendar->hours, &ev->set->wall, ev->wall_ms, &next_ms);
	struct rx_value v = rx_truth(is_open ? RULE_TRUE : RULE_FALSE);

	lower_wall(ev, next_ms);
	v.is_uncertain = ev->is_wall_doubtful;
	return v;
}

/* Zones are shifted by whole quarters of an hour, so a local hour can only turn at one of those. */
static int64_t local_s(struct rx_eval *ev)
{
	enum { QUARTER_MS = 900000 };

	lower_wall(ev, (ev->wall_ms / QUARTER_MS + 1) * QUARTER_MS);
	return rx_local_s(&ev->set->wall, ev->wall_ms);
}

struct rx_value fn_hour(struct rx_eval *ev, const struct rx_expr *call, const void *memory)
{
	(void)memory;
	(void)call;
	struct rx_value v = rx_whole((local_s(ev) % 86400 + 86400) % 86400 / 3600);

	v.is_uncertain = ev->is_wall_doubtful;
	return v;
}

struct rx_value fn_weekday(struct rx_eval *ev, const struct rx_expr *call, const void *memory)
{
	(void)memory;
	(void)call;
	int64_t s = local_s(ev);
	int64_t day = s / 86400 - (s % 86400 < 0);
	struct rx_value v = rx_whole(((day + 3) % 7 + 7) % 7 + 1);

	v.is_uncertain = ev->is_wall_doubtful;
	return v;
}

struct rx_value fn_alarm(struct rx_eval *ev, const struct rx_expr *call, const void *memory)
{
	(void)memory;
	uint32_t instance = rx_instance_of(ev->set, ev->asset, call->child->index);

	if (instance == RX_NO_INSTANCE)
		return rx_truth(RULE_FALSE);
	uint32_t n_slots = ev->set->rules[call->child->index].n_slots;
	for (uint32_t i = instance; i == instance || i < instance + n_slots; i++)
		if (rx_machine_is_on(&ev->engine->machines[i]))
			return rx_truth(RULE_TRUE);
	return rx_truth(RULE_FALSE);
}
