/* fn_others.c: what the other assets come to: peer_median, count_of, frac_of, median_of. */
#include <math.h>

#include "rule_engine.h"

static const struct rx_tally *tally_of(const struct rx_eval *ev, const struct rx_expr *call)
{
	return &ev->set->tallies[call->index];
}

static const struct rx_tally_sum *sum_of(const struct rx_eval *ev, const struct rx_expr *call)
{
	return &ev->engine->sums[tally_of(ev, call)->first_group];
}

struct rx_value fn_count_of(struct rx_eval *ev, const struct rx_expr *call, const void *memory)
{
	(void)memory;
	const struct rx_tally_sum *sum = sum_of(ev, call);
	struct rx_value v = rx_whole(sum->n_true);

	v.hi = (int64_t)sum->n_true + sum->n_unknown;
	v.unknown = sum->n_unknown ? RX_OTHERS_UNKNOWN : RX_KNOWN;
	v.is_uncertain = sum->n_uncertain;
	return v;
}

struct rx_value fn_frac_of(struct rx_eval *ev, const struct rx_expr *call, const void *memory)
{
	(void)memory;
	const struct rx_tally_sum *sum = sum_of(ev, call);
	uint32_t n = ev->set->others[tally_of(ev, call)->first_group].n;

	if (!n)
		return rx_unknown_of(RX_T_REAL, RX_NO_DIVISOR);
	struct rx_value v = rx_real(100.0 * sum->n_true / n);
	v.rhi = 100.0 * ((double)sum->n_true + sum->n_unknown) / n;
	v.unknown = sum->n_unknown ? RX_OTHERS_UNKNOWN : RX_KNOWN;
	v.is_uncertain = sum->n_uncertain;
	return v;
}

/* Value number i of n in order, of which some unknown ones stand before the rest. */
static double at_most_known(const double *values, size_t n, size_t n_before, size_t i)
{
	if (i < n_before)
		return -INFINITY;
	return i - n_before < n ? values[i - n_before] : INFINITY;
}

/* With an even number the middle between the middle two. */
static double median_with(const double *values, size_t n, size_t n_before, size_t n_all)
{
	double high = at_most_known(values, n, n_before, n_all / 2);

	if (n_all % 2)
		return high;
	double low = at_most_known(values, n, n_before, n_all / 2 - 1);
	return isfinite(low) && isfinite(high) ? low / 2 + high / 2 : isfinite(low) ? high : low;
}

struct rx_value fn_median_of(struct rx_eval *ev, const struct rx_expr *call, const void *memory)
{
	(void)memory;
	const struct rx_tally_sum *sum = sum_of(ev, call);
	const struct rx_group_of_others *group = &ev->set->others[tally_of(ev, call)->first_group];
	const double *values = &ev->engine->part_values[group->first_value];
	struct rx_value v = rx_unknown_of(RX_T_REAL, RX_OTHERS_UNKNOWN);

	if (!sum->n_true)
		return v;
	/* The unknown ones may be below all the rest, or above. */
	v.rlo = median_with(values, sum->n_true, sum->n_unknown, group->n);
	v.rhi = median_with(values, sum->n_true, 0, group->n);
	v.unknown = sum->n_unknown ? RX_OTHERS_UNKNOWN : RX_KNOWN;
	v.is_uncertain = sum->n_uncertain;
	return v;
}

/* Where the own value stands among those of its group; of equals the first. */
static size_t place_of(const double *values, size_t n, double value)
{
	size_t at = 0;
	size_t end = n;

	while (at < end) {
		size_t middle = at + (end - at) / 2;
		if (values[middle] < value)
			at = middle + 1;
		else
			end = middle;
	}
	return at;
}

struct rx_value fn_peer_median(struct rx_eval *ev, const struct rx_expr *call, const void *memory)
{
	(void)memory;
	const struct rx_tally *tally = tally_of(ev, call);
	uint32_t place = ev->set->assets[ev->asset].place;
	uint32_t group = tally->group_of[place];

	if (group == RX_NO_USE)
		return rx_unknown_of(RX_T_REAL, RX_NO_RELATION);
	const struct rx_tally_sum *sum = &ev->engine->sums[tally->first_group + group];
	const double *values = &ev->engine->part_values[ev->set->others[tally->first_group + group].first_value];
	const struct rx_part *own = &ev->engine->parts[tally->first_part + place];
	bool has_own = own->truth == RULE_TRUE;
	size_t n = sum->n_true - has_own;
	if (n < 2)
		return rx_unknown_of(RX_T_REAL, RX_FEW_PEERS);
	size_t skip = has_own ? place_of(values, sum->n_true, own->value) : sum->n_true;
	double high = values[n / 2 + (n / 2 >= skip)];
	double low = n % 2 ? high : values[n / 2 - 1 + (n / 2 - 1 >= skip)];
	struct rx_value v = rx_real(low / 2 + high / 2);
	v.is_uncertain = sum->n_uncertain > own->is_uncertain;
	return v;
}
