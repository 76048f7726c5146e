/* modbus_learned.c: see modbus_learned.h. Its text is modbus_learned_text.c.
 *
 * What is known of addresses has one form: a closed range, somewhere in which an address is refused. A read that
 * contains it whole would be refused, one that contains a part of it may be given. So what is learned later, of
 * a smaller range, stands beside or instead of what was learned before and never against it; and a read that was given
 * disproves every closed range within it. */
#include "modbus_learned.h"


enum {
	ILLEGAL_FUNCTION = 1,
	ILLEGAL_ADDRESS = 2,
	ILLEGAL_VALUE = 3,
	RETRIES_SOON = 6,	 /* of what was given before, after SOON_MS each */
	RETRIES_EARLY = 3,	 /* of what never was, after a minute each */
	FRUITLESS_SPLITS = 10, /* nothing was given in this poll: the device says something about itself */
	SLOWEST_TIMES = 4,
};

#define SOON_MS 10000
#define MINUTE_MS 60000
#define HOUR_MS (60 * MINUTE_MS)
#define DAY_MS (24 * HOUR_MS)
#define WEEK_MS (7 * DAY_MS)

/* ---- Words -------------------------------------------------------------------------------------- */

static struct sensor_extent span_of(const struct sensor_block *block)
{
	return (struct sensor_extent){block->area, block->address, (uint32_t)block->address + block->count};
}

static bool is_same(const struct sensor_extent *a, const struct sensor_extent *b)
{
	return a->area == b->area && a->first == b->first && a->end == b->end;
}

static bool contains(const struct sensor_extent *outer, const struct sensor_extent *inner)
{
	return outer->area == inner->area && outer->first <= inner->first && inner->end <= outer->end;
}

static uint16_t greater(uint16_t a, uint16_t b)
{
	return a > b ? a : b;
}

static struct modbus_lengths *lengths_of(struct modbus_learned *learned, enum sensor_area area)
{
	return sensor_area_is_bits(area) ? &learned->bits : &learned->registers;
}

/* The bounds are others now. */
static void renew(struct modbus_learned *learned)
{
	learned->bounds.revision++;
}

static void tell(struct modbus_learned *learned)
{
	renew(learned);
	learned->is_changed = true;
}

/* A day from now, and up to an hour earlier: not all devices of a bus at once. */
static wy_ms next_try(const struct modbus_learned *learned, wy_ms now_ms)
{
	return now_ms + DAY_MS - (wy_ms)(learned->seed * 2654435761u % HOUR_MS);
}

/* ---- Closed holes ------------------------------------------------------------------------------- */

static void swap_closed(struct modbus_learned *learned, size_t a, size_t b)
{
	struct sensor_extent closed = learned->closed[a];
	wy_ms try_ms = learned->try_ms[a];

	learned->closed[a] = learned->closed[b];
	learned->try_ms[a] = learned->try_ms[b];
	learned->closed[b] = closed;
	learned->try_ms[b] = try_ms;
}

static void drop_closed(struct modbus_learned *learned, size_t i)
{
	if (i < learned->bounds.n_closed) {
		swap_closed(learned, i, --learned->bounds.n_closed);
		i = learned->bounds.n_closed;
	}
	swap_closed(learned, i, --learned->n_closed);
}

static void open_within(struct modbus_learned *learned, const struct sensor_extent *given)
{
	for (size_t i = learned->n_closed; i-- > 0;)
		if (contains(given, &learned->closed[i])) {
			drop_closed(learned, i);
			tell(learned);
		}
}

static void close_all_holes(struct modbus_learned *learned, wy_ms now_ms)
{
	learned->n_closed = learned->bounds.n_closed = 0;
	learned->bounds.is_gapless = true;
	learned->gapless_until_ms = next_try(learned, now_ms) + WEEK_MS - DAY_MS;
	tell(learned);
}

/* Whatever contains the new range is known by it, too. */
static void close_hole(struct modbus_learned *learned, struct sensor_extent hole, wy_ms now_ms)
{
	bool was_known = false;

	for (size_t i = learned->n_closed; i-- > 0;) {
		was_known = was_known || is_same(&learned->closed[i], &hole);
		if (contains(&learned->closed[i], &hole))
			drop_closed(learned, i);
	}
	if (learned->n_closed == WY_MODBUS_CLOSED_MAX) {
		close_all_holes(learned, now_ms);
		return;
	}
	learned->closed[learned->n_closed] = hole;
	learned->try_ms[learned->n_closed] = next_try(learned, now_ms);
	swap_closed(learned, learned->n_closed++, learned->bounds.n_closed++);
	if (was_known)
		renew(learned);
	else
		tell(learned);
}

static void try_closed(struct modbus_learned *learned, wy_ms now_ms)
{
	for (size_t i = learned->bounds.n_closed; i-- > 0;)
		if (learned->try_ms[i] <= now_ms) {
			swap_closed(learned, i, --learned->bounds.n_closed);
			renew(learned);
		}
	if (learned->bounds.is_gapless && learned->gapless_until_ms <= now_ms) {
		learned->bounds.is_gapless = false;
		tell(learned);
	}
}

/* ---- Lengths ------------------------------------------------------------------------------------ */

/* Half way between what was given and what was refused, so that a few reads find where the border is. */
static uint16_t longest(const struct modbus_lengths *lengths)
{
	if (!lengths->refused || lengths->is_tried)
		return 0;
	return greater(1, (uint16_t)((lengths->given + lengths->refused) / 2));
}

static void renew_lengths(struct modbus_learned *learned)
{
	uint16_t registers = longest(&learned->registers);
	uint16_t bits = longest(&learned->bits);

	if (registers == learned->bounds.max_registers && bits == learned->bounds.max_bits)
		return;
	learned->bounds.max_registers = registers;
	learned->bounds.max_bits = bits;
	renew(learned);
}

static void length_given(struct modbus_learned *learned, enum sensor_area area, uint16_t count)
{
	struct modbus_lengths *lengths = lengths_of(learned, area);

	if (count <= lengths->given)
		return;
	lengths->given = count;
	if (lengths->refused) {
		if (count >= lengths->refused)
			lengths->refused = 0;
		learned->is_changed = true;
	}
	renew_lengths(learned);
}

/* half: the longer half, which was given just now. What was given long ago counts no more if it was longer. */
static void length_refused(struct modbus_learned *learned, enum sensor_area area, uint16_t count, uint16_t half,
			   wy_ms now_ms)
{
	struct modbus_lengths *lengths = lengths_of(learned, area);
	bool was_known = lengths->refused && lengths->refused <= count;

	if (count <= lengths->given)
		lengths->given = half;
	if (!was_known)
		lengths->refused = count;
	if (!was_known)
		learned->is_changed = true;
	if (!was_known || lengths->is_tried)
		lengths->try_ms = next_try(learned, now_ms);
	lengths->is_tried = false;
	renew_lengths(learned);
}

static void try_lengths(struct modbus_learned *learned, wy_ms now_ms)
{
	struct modbus_lengths *both[] = {&learned->registers, &learned->bits};

	for (size_t i = 0; i < 2; i++)
		if (both[i]->refused && both[i]->try_ms <= now_ms)
			both[i]->is_tried = true;
	renew_lengths(learned);
}

/* ---- Refused points and areas ------------------------------------------------------------------- */

static wy_ms retry_after(const struct modbus_refusal *refusal)
{
	if (refusal->was_given)
		return refusal->times <= RETRIES_SOON ? SOON_MS : MINUTE_MS;
	return refusal->times <= RETRIES_EARLY ? MINUTE_MS : HOUR_MS;
}

static void refuse(struct modbus_learned *learned, struct modbus_refusal *refusal, uint8_t exception, enum wy_why why,
		   wy_ms now_ms)
{
	bool was_settled = modbus_refusal_is_settled(refusal);

	if (refusal->times < UINT8_MAX)
		refusal->times++;
	refusal->exception = exception;
	refusal->why = (uint8_t)why;
	refusal->retry_ms = now_ms + retry_after(refusal);
	if (modbus_refusal_is_settled(refusal) && !was_settled)
		learned->is_changed = true;
}

static void give(struct modbus_learned *learned, struct modbus_refusal *refusal)
{
	if (modbus_refusal_is_settled(refusal))
		learned->is_changed = true;
	refusal->times = 0;
	refusal->was_given = true;
}

static void set_refused(struct modbus_learned *learned, uint32_t point, bool is_refused)
{
	uint8_t bit = (uint8_t)(1u << point % 8);
	bool was_refused = learned->refused[point / 8] & bit;

	if (was_refused == is_refused)
		return;
	learned->refused[point / 8] ^= bit;
	renew(learned);
}

/* All points that are read by the same registers share their fate, whatever their class. */
static void refuse_block(struct modbus_learned *learned, const struct sensor_reads *reads,
			 const struct sensor_block *block, uint8_t exception, enum wy_why why, wy_ms now_ms)
{
	struct sensor_extent one = sensor_plan_extent(learned->plan, reads->point[block->first]);

	for (uint32_t p = 0; p < learned->plan->profile->n_points; p++) {
		struct sensor_extent extent = sensor_plan_extent(learned->plan, p);
		bool is_listed = false;
		for (uint16_t i = block->first; i < block->end && !is_listed; i++)
			is_listed = reads->point[i] == p;
		if (!is_listed && !is_same(&extent, &one))
			continue;
		refuse(learned, &learned->point[p], exception, why, now_ms);
		set_refused(learned, p, true);
	}
}

static void give_points(struct modbus_learned *learned, const struct sensor_reads *reads,
			const struct sensor_block *block)
{
	for (uint16_t i = block->first; i < block->end; i++) {
		give(learned, &learned->point[reads->point[i]]);
		set_refused(learned, reads->point[i], false);
	}
}

/* ---- Misses ------------------------------------------------------------------------------------- */

static struct modbus_refusal *miss_of(const struct modbus_work *work, const struct sensor_block *block)
{
	return &work->learned->point[work->reads->point[block->first]];
}

static bool is_missed(const struct modbus_work *work, const struct sensor_block *block)
{
	const struct modbus_refusal *miss = miss_of(work, block);

	return miss->misses && miss->missed_count == block->count;
}

/* Silence about it would say nothing of the device. */
static bool is_doubtful(const struct modbus_work *work, const struct sensor_block *block)
{
	return is_missed(work, block) || miss_of(work, block)->times || work->learned->area[block->area].times;
}

static void forget_miss(const struct modbus_work *work, const struct sensor_block *block)
{
	miss_of(work, block)->misses = 0;
}

/* True: often enough to do something about it; the count begins anew. */
static bool count_miss(const struct modbus_work *work, const struct sensor_block *block)
{
	struct modbus_refusal *miss = miss_of(work, block);

	miss->misses = is_missed(work, block) ? (uint8_t)(miss->misses + 1) : 1;
	miss->missed_count = block->count;
	if (miss->misses < WY_MODBUS_MISSES_MAX)
		return false;
	miss->misses = 0;
	return true;
}

/* ---- Life --------------------------------------------------------------------------------------- */

const struct sensor_bounds *modbus_learned_bounds(struct modbus_learned *learned, wy_ms now_ms)
{
	try_closed(learned, now_ms);
	try_lengths(learned, now_ms);
	return &learned->bounds;
}

static void fade(struct modbus_learned *learned, wy_ms now_ms)
{
	for (; learned->slowest_ms && learned->slowest_fades_ms <= now_ms; learned->slowest_fades_ms += HOUR_MS)
		learned->slowest_ms -= (learned->slowest_ms + 7) / 8;
}

void modbus_learned_took(struct modbus_learned *learned, wy_ms took_ms, wy_ms now_ms)
{
	fade(learned, now_ms);
	if (took_ms <= learned->slowest_ms)
		return;
	learned->slowest_ms = took_ms;
	learned->slowest_fades_ms = now_ms + HOUR_MS;
}

wy_ms modbus_learned_timeout(struct modbus_learned *learned, wy_ms configured_ms, wy_ms now_ms)
{
	fade(learned, now_ms);
	wy_ms needed_ms = learned->slowest_ms + learned->slowest_ms / 4;
	if (needed_ms > SLOWEST_TIMES * configured_ms)
		needed_ms = SLOWEST_TIMES * configured_ms;
	return needed_ms > configured_ms ? needed_ms : configured_ms;
}

/* ---- The poll ----------------------------------------------------------------------------------- */

/* What stands against asking for this block now; NULL: nothing. */
static const struct modbus_refusal *refusal_of(const struct modbus_work *work, const struct sensor_block *block,
					       wy_ms now_ms)
{
	const struct modbus_refusal *area = &work->learned->area[block->area];
	const struct modbus_refusal *point = &work->learned->point[work->reads->point[block->first]];

	if (area->times && area->retry_ms > now_ms)
		return area;
	return point->times && point->retry_ms > now_ms ? point : NULL;
}

void modbus_work_begin(struct modbus_work *work, struct modbus_learned *learned, const struct sensor_reads *reads,
		       unsigned failures, wy_ms now_ms)
{
	*work = (struct modbus_work){.learned = learned, .reads = reads, .must_ask = true};
	if (!reads->n_blocks)
		return;
	for (uint16_t i = 0; i < reads->n_blocks && work->must_ask; i++)
		work->must_ask = refusal_of(work, &reads->block[i], now_ms) != NULL;
	/* Whoever is silent about the first block seems to be gone. */
	work->turn = (uint16_t)(failures % reads->n_blocks);
	for (uint16_t i = 0; i < reads->n_blocks && is_doubtful(work, &reads->block[work->turn]); i++)
		work->turn = (uint16_t)((work->turn + 1) % reads->n_blocks);
}

static bool is_optional(const struct modbus_work *work, const struct sensor_block *block)
{
	const struct sensor_profile *profile = work->learned->plan->profile;

	for (uint16_t i = block->first; i < block->end; i++)
		if (!profile->points[work->reads->point[i]].is_optional)
			return false;
	return true;
}

static struct sensor_block half_of(const struct modbus_work *work, const struct modbus_split *split, uint8_t half)
{
	const struct sensor_block *block = &split->block;

	return half == 0 ? sensor_plan_span(work->learned->plan, work->reads, block->first, split->middle)
			 : sensor_plan_span(work->learned->plan, work->reads, split->middle, block->end);
}

/* Both halves were given, together they were refused. */
static void conclude(struct modbus_work *work, const struct modbus_split *split, wy_ms now_ms)
{
	struct modbus_learned *learned = work->learned;
	struct sensor_block left = half_of(work, split, 0);
	struct sensor_block right = half_of(work, split, 1);
	struct sensor_extent hole = {left.area, (uint32_t)left.address + left.count, right.address};
	bool has_hole = hole.first < hole.end;
	uint16_t count = split->block.count;

	if (left.count == count || right.count == count)
		return; /* the same read was refused and given: it passed by itself */
	bool is_length = split->exception == ILLEGAL_VALUE && count > lengths_of(learned, left.area)->given;
	if (has_hole && !is_length)
		close_hole(learned, hole, now_ms);
	else
		length_refused(learned, left.area, count, greater(left.count, right.count), now_ms);
}

static bool next_half(struct modbus_work *work, wy_ms now_ms, struct sensor_block *ret_block)
{
	while (work->depth > 0) {
		struct modbus_split *split = &work->split[work->depth - 1];
		if (split->n_done < 2) {
			*ret_block = half_of(work, split, split->n_done++);
			return true;
		}
		if (split->n_given == 2)
			conclude(work, split, now_ms);
		work->depth--;
	}
	return false;
}

bool modbus_work_next(struct modbus_work *work, wy_ms now_ms, struct modbus_task *ret_task)
{
	const struct modbus_refusal *refusal = NULL;

	if (work->is_over)
		return false;
	if (!next_half(work, now_ms, &work->asked)) {
		if (work->n_taken == work->reads->n_blocks)
			return false;
		work->asked = work->reads->block[(work->turn + work->n_taken++) % work->reads->n_blocks];
		if (!work->must_ask)
			refusal = refusal_of(work, &work->asked, now_ms);
		work->must_ask = false;
	}
	*ret_task = (struct modbus_task){.block = work->asked,
					 .is_asked = !refusal,
					 .is_optional = is_optional(work, &work->asked)};
	if (refusal) {
		ret_task->exception = refusal->exception;
		ret_task->why = (enum wy_why)refusal->why;
	}
	return true;
}

/* ---- Outcomes ----------------------------------------------------------------------------------- */

/* Where points begin that are not read by the same registers as those before, as near to the middle as may be; 0:
 * nowhere. */
static uint16_t middle_of(const struct modbus_work *work)
{
	const struct sensor_block *block = &work->asked;
	unsigned centre = block->first + block->end;
	uint16_t best = 0;
	unsigned best_off = UINT32_MAX;

	for (uint16_t i = (uint16_t)(block->first + 1); i < block->end; i++) {
		struct sensor_extent a = sensor_plan_extent(work->learned->plan, work->reads->point[i - 1]);
		struct sensor_extent b = sensor_plan_extent(work->learned->plan, work->reads->point[i]);
		unsigned off = 2u * i > centre ? 2u * i - centre : centre - 2u * i;
		if (!is_same(&a, &b) && off < best_off) {
			best = i;
			best_off = off;
		}
	}
	return best;
}

/* False: halved. True: there is nothing to halve, or not in this poll. */
static bool split_or_refuse(struct modbus_work *work, uint8_t exception, enum wy_why why, wy_ms now_ms)
{
	uint16_t middle = work->asked.is_clear_on_read ? 0 : middle_of(work);
	bool is_fruitless = !work->has_given && work->n_splits >= FRUITLESS_SPLITS;

	if (!middle) {
		refuse_block(work->learned, work->reads, &work->asked, exception, why, now_ms);
		return true;
	}
	if (work->depth == MODBUS_SPLIT_DEPTH || work->n_splits == WY_MODBUS_SPLITS_MAX || is_fruitless)
		return true;
	work->n_splits++;
	work->split[work->depth++] =
		(struct modbus_split){.block = work->asked, .middle = middle, .exception = exception};
	return false;
}

static bool take_given(struct modbus_work *work)
{
	struct modbus_learned *learned = work->learned;
	struct sensor_extent span = span_of(&work->asked);

	work->has_given = true;
	if (work->depth > 0)
		work->split[work->depth - 1].n_given++;
	forget_miss(work, &work->asked);
	give(learned, &learned->area[work->asked.area]);
	give_points(learned, work->reads, &work->asked);
	open_within(learned, &span);
	length_given(learned, work->asked.area, work->asked.count);
	return true;
}

static bool take_exception(struct modbus_work *work, uint8_t exception, wy_ms now_ms)
{
	struct modbus_refusal *area = &work->learned->area[work->asked.area];

	forget_miss(work, &work->asked);
	if (exception == ILLEGAL_FUNCTION && !area->was_given) {
		refuse(work->learned, area, exception, WY_WHY_EXCEPTION, now_ms);
		return true;
	}
	if (exception < ILLEGAL_FUNCTION || exception > ILLEGAL_VALUE)
		return true;
	return split_or_refuse(work, exception, WY_WHY_EXCEPTION, now_ms);
}

/* Within a read that is halved for its silence, silence is an answer; within others it may pass. */
static bool take_silence(struct modbus_work *work, enum wy_why why, wy_ms now_ms)
{
	bool is_within = work->depth > 0;

	if (is_within && work->split[work->depth - 1].exception)
		return true;
	if (!is_within && !count_miss(work, &work->asked))
		return true;
	return split_or_refuse(work, 0, why, now_ms);
}

bool modbus_work_done(struct modbus_work *work, enum modbus_outcome outcome, uint8_t exception, enum wy_why why,
		      wy_ms now_ms)
{
	switch (outcome) {
	case MODBUS_GIVEN:
		return take_given(work);
	case MODBUS_EXCEPTION:
		return take_exception(work, exception, now_ms);
	case MODBUS_SILENT:
		return take_silence(work, why, now_ms);
	case MODBUS_DOUBTED:
		break;
	case MODBUS_FAILED:
		work->is_over = true;
		break;
	}
	return true;
}
