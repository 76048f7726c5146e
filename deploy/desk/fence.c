/* fence.c: see fence.h. */
#include "fence.h"

static enum fence_verdict judge_stranger(const struct fence_facts *f, const char **ret_reason)
{
	bool goes_on = f->bd_seq > f->others_bd && f->last_seq >= f->others_sent;

	if (goes_on)
		return FENCE_CURRENT;
	if (f->is_retained)
		return FENCE_STALE;
	*ret_reason = f->bd_seq <= f->others_bd ? "its bd_seq was used before" : "its last_seq is below what was sent";
	return FENCE_THIS;
}

enum fence_verdict fence_judge(const struct fence_facts *f, const char **ret_reason)
{
	bool is_seen_before = f->is_retained || f->bd_seq <= f->own_bd;

	if (f->standing == FENCE_FENCED) {
		*ret_reason = "it is fenced";
		return FENCE_THIS;
	}
	if (f->standing == FENCE_UNKNOWN)
		return judge_stranger(f, ret_reason);
	/* Alive after another came: of the two the later one is the copy. */
	if (!is_seen_before && f->later_first > 0 && f->later_first <= f->bd_seq) {
		*ret_reason = "an earlier process connects again";
		return FENCE_THE_LATER;
	}
	return (f->bd_seq > f->own_bd ? f->bd_seq : f->own_bd) > f->others_bd ? FENCE_CURRENT : FENCE_STALE;
}
