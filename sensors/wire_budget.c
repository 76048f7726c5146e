/* wire_budget.c: see wire_budget.h. Wire time is in microseconds; shares of it are summed up in millionths. */
#include "wire_budget.h"


enum {
	REQUEST_CHARACTERS = 8,
	ANSWER_CHARACTERS = 5, /* unit, function, length, checksum; its data come on top */
	GAPS_TENTHS = 70,      /* two gaps of 3.5 characters */
	LEAST_GAP_US = 1750,   /* above FAST_BAUD a gap no longer shrinks */
	FAST_BAUD = 19200,
	TCP_BYTE_US = 1,
	CLASSES = 4,
};


/* What people set devices to. */
static const int usual_bauds[] = {9600, 19200, 38400, 57600, 115200};

/* ---- One request -------------------------------------------------------------------------------- */

static uint32_t character_us(const struct sensor_wire_conf *wire, int baud)
{
	uint32_t bits = 1u + (uint32_t)wire->data_bits + (wire->parity != 'N') + (uint32_t)wire->stop_bits;

	return (bits * 1000000u + (uint32_t)baud - 1) / (uint32_t)baud;
}

static struct sensor_cost serial_cost(const struct sensor_wire_conf *wire, int baud)
{
	uint32_t character = character_us(wire, baud);
	uint32_t gaps = baud > FAST_BAUD ? 2 * LEAST_GAP_US : GAPS_TENTHS * character / 10;

	return (struct sensor_cost){(REQUEST_CHARACTERS + ANSWER_CHARACTERS) * character + gaps +
					    SENSOR_TURNAROUND_MS * 1000u,
				    character};
}

static struct sensor_cost cost_at(const struct sensor_wire_conf *wire, int baud,
				  const struct sensor_profile *profile)
{
	struct sensor_cost cost = {SENSOR_ROUND_TRIP_MS * 1000u, TCP_BYTE_US};

	if (wire->kind == SENSOR_WIRE_RTU)
		cost = serial_cost(wire, baud);
	cost.request_us += (uint32_t)profile->pause_ms * 1000u;
	return cost;
}

struct sensor_cost sensor_cost_of(const struct sensor_wire_conf *wire, const struct sensor_profile *profile)
{
	return cost_at(wire, wire->baud, profile);
}

/* ---- One device --------------------------------------------------------------------------------- */

/* Parts of a second in millionths: of the wire, and of the device itself with its least intervals. */
struct load {
	int64_t wire_ppm, own_ppm;
};

struct polls {
	struct sensor_plan plan;
	const struct sensor_profile *profile;
	unsigned class_of[CLASSES]; /* those with points, by period */
	size_t n_classes;
};

static wy_ms period_of(const struct polls *polls, size_t i)
{
	return polls->profile->class_ms[polls->class_of[i]];
}

static void sort_classes(struct polls *polls)
{
	for (unsigned c = 0; c < CLASSES; c++) {
		if (polls->profile->class_ms[c] <= 0 || !sensor_plan_reads(&polls->plan, 1u << c, NULL)->n_blocks)
			continue;
		size_t i = polls->n_classes++;
		for (; i > 0 && polls->profile->class_ms[c] < period_of(polls, i - 1); i--)
			polls->class_of[i] = polls->class_of[i - 1];
		polls->class_of[i] = c;
	}
}

/* Whether each of its beats is a beat of all the faster ones. */
static bool falls_together(const struct polls *polls, size_t i)
{
	for (size_t k = 0; k < i; k++)
		if (period_of(polls, i) % period_of(polls, k) != 0)
			return false;
	return true;
}

static struct load load_of_reads(struct polls *polls, unsigned class_mask)
{
	struct sensor_traffic traffic =
		sensor_plan_traffic(&polls->plan, sensor_plan_reads(&polls->plan, class_mask, NULL));
	int64_t us = (int64_t)traffic.us;

	return (struct load){us, us + (int64_t)traffic.requests * polls->profile->min_interval_ms * 1000};
}

/* A slower class that falls together with the faster ones costs what it adds to their poll. */
static struct load load_of(struct polls *polls)
{
	struct load sum = {0, 0};
	struct load faster = {0, 0};
	unsigned mask = 0;

	for (size_t i = 0; i < polls->n_classes; i++) {
		bool is_together = falls_together(polls, i);
		mask |= 1u << polls->class_of[i];
		struct load all = load_of_reads(polls, mask);
		struct load more = {all.wire_ppm - faster.wire_ppm, all.own_ppm - faster.own_ppm};
		struct load cost = is_together ? more : load_of_reads(polls, 1u << polls->class_of[i]);
		sum.wire_ppm += cost.wire_ppm * 1000 / period_of(polls, i);
		sum.own_ppm += cost.own_ppm * 1000 / period_of(polls, i);
		faster = all;
	}
	return sum;
}

static enum wy_err load_at(const struct sensor_wire_conf *wire, int baud, const struct sensor_profile *profile,
			   struct wy_arena *scratch, struct load *ret_load)
{
	struct polls polls = {.profile = profile};
	size_t used = scratch->used;

	enum wy_err err = sensor_plan_init(&polls.plan, profile, cost_at(wire, baud, profile), scratch);
	if (!err) {
		sort_classes(&polls);
		*ret_load = load_of(&polls);
	}
	scratch->used = used;
	return err;
}

/* ---- One wire ----------------------------------------------------------------------------------- */

static uint32_t per_mille(int64_t ppm)
{
	return (uint32_t)((ppm + 999) / 1000);
}

static void rank(struct sensor_budget *budget, struct sensor_share share)
{
	uint32_t i = budget->n_top < SENSOR_BUDGET_TOP ? budget->n_top++ : SENSOR_BUDGET_TOP;

	for (; i > 0 && budget->top[i - 1].per_mille < share.per_mille; i--)
		if (i < SENSOR_BUDGET_TOP)
			budget->top[i] = budget->top[i - 1];
	if (i < SENSOR_BUDGET_TOP)
		budget->top[i] = share;
}

/* The wire at another speed, or at its own. */
static enum wy_err sum_up(const struct sensor_wire_conf *wire, int baud, const struct sensor_device_conf *devices,
			  const uint32_t *mine, size_t n_mine, struct wy_arena *scratch, struct sensor_budget *budget)
{
	int64_t sum_ppm = 0;

	for (size_t i = 0; i < n_mine; i++) {
		struct load load = {0, 0};
		enum wy_err err = load_at(wire, baud, devices[mine[i]].profile, scratch, &load);
		if (err)
			return err;
		sum_ppm += load.wire_ppm;
		rank(budget, (struct sensor_share){mine[i], per_mille(load.wire_ppm)});
		if (per_mille(load.own_ppm) > budget->hasty.per_mille)
			budget->hasty = (struct sensor_share){mine[i], per_mille(load.own_ppm)};
	}
	budget->per_mille = per_mille(sum_ppm);
	return WY_OK;
}

static bool all_can(const struct sensor_device_conf *devices, const uint32_t *mine, size_t n_mine, int baud)
{
	for (size_t i = 0; i < n_mine; i++) {
		const struct sensor_profile *profile = devices[mine[i]].profile;
		bool can = !profile->n_bauds;
		for (size_t b = 0; b < profile->n_bauds; b++)
			can = can || profile->bauds[b] == baud;
		if (!can)
			return false;
	}
	return true;
}

static enum wy_err look_for_better(const struct sensor_wire_conf *wire, const struct sensor_device_conf *devices,
				   const uint32_t *mine, size_t n_mine, struct wy_arena *scratch,
				   struct sensor_budget *budget)
{
	for (size_t b = 0; b < sizeof(usual_bauds) / sizeof(*usual_bauds); b++) {
		struct sensor_budget other = {0};
		if (usual_bauds[b] <= wire->baud || !all_can(devices, mine, n_mine, usual_bauds[b]))
			continue;
		enum wy_err err = sum_up(wire, usual_bauds[b], devices, mine, n_mine, scratch, &other);
		if (err)
			return err;
		if (other.per_mille > SENSOR_BUDGET_WARN)
			continue;
		budget->better_baud = usual_bauds[b];
		budget->better_per_mille = other.per_mille;
		return WY_OK;
	}
	return WY_OK;
}

enum wy_err sensor_budget_of(const struct sensor_wire_conf *wire, const struct sensor_device_conf *devices,
			     const uint32_t *mine, size_t n_mine, struct wy_arena *scratch,
			     struct sensor_budget *ret_budget)
{
	struct sensor_budget budget = {0};

	enum wy_err err = sum_up(wire, wire->baud, devices, mine, n_mine, scratch, &budget);
	if (!err && wire->kind == SENSOR_WIRE_RTU && budget.per_mille > SENSOR_BUDGET_WARN)
		err = look_for_better(wire, devices, mine, n_mine, scratch, &budget);
	if (!err)
		*ret_budget = budget;
	return err;
}

/* ---- Words -------------------------------------------------------------------------------------- */

enum { WORDS_BYTES = 400 };

static void say_share(struct wy_buf *buf, const char *before, const char *who, uint32_t share)
{
	wy_buf_addf(buf, "%s%s%s%u %%", before, who, *who ? " " : "", (share + 9) / 10);
}

static void say_budget(const struct sensor_budget *budget, const struct sensor_wire_conf *wire,
		       const struct sensor_device_conf *devices, size_t n_mine, struct wy_buf *buf)
{
	wy_buf_addf(buf, "wire '%s'", wire->id);
	if (wire->kind == SENSOR_WIRE_RTU)
		wy_buf_addf(buf, " at %d baud", wire->baud);
	say_share(buf, " needs ", "", budget->per_mille);
	for (uint32_t i = 0; i < budget->n_top; i++)
		say_share(buf, i ? ", " : " of its time: ", devices[budget->top[i].device].id, budget->top[i].per_mille);
	if (n_mine > budget->n_top)
		wy_buf_addf(buf, ", %zu more", n_mine - budget->n_top);
	wy_buf_add(buf, "; ");
	if (budget->better_baud) {
		wy_buf_addf(buf, "at %d baud", budget->better_baud);
		say_share(buf, " it would be ", "", budget->better_per_mille);
		wy_buf_add(buf, ", or ");
	}
	uint32_t times = (budget->per_mille + SENSOR_BUDGET_WARN - 1) / SENSOR_BUDGET_WARN;
	wy_buf_addf(buf, "poll %u times less often, or put some devices on another wire", times);
}

static void check_wire(const struct sensor_budget *budget, const struct sensor_wire_conf *wire,
		       const struct sensor_device_conf *devices, size_t n_mine, const struct wy_node *where,
		       struct wy_diags *diags)
{
	bool is_error = budget->per_mille > SENSOR_BUDGET_MOST;
	char memory[WORDS_BYTES];
	struct wy_buf words;

	if (budget->per_mille <= SENSOR_BUDGET_WARN)
		return;
	wy_buf_init(&words, memory, sizeof(memory));
	say_budget(budget, wire, devices, n_mine, &words);
	wy_diag_add(diags, is_error ? WY_DIAG_ERROR : WY_DIAG_WARNING, is_error ? "E611" : "W611", where, 0, "%s",
		    words.text);
}

static bool check_hasty(const struct sensor_share *hasty, const struct sensor_device_conf *devices,
			const struct wy_node *where, struct wy_diags *diags)
{
	char memory[WORDS_BYTES];
	struct wy_buf interval;

	if (hasty->per_mille <= SENSOR_BUDGET_MOST)
		return true;
	wy_buf_init(&interval, memory, sizeof(memory));
	wy_buf_duration(&interval, devices[hasty->device].profile->min_interval_ms);
	wy_diag_add(diags, WY_DIAG_ERROR, "E612", where, 0,
		    "device '%s' may be asked only every %s, and its points need %u %% of its time; poll them less often",
		    devices[hasty->device].id, interval.text, (hasty->per_mille + 9) / 10);
	return false;
}

enum wy_err sensor_budget_check(const struct sensor_wire_conf *wire, const struct sensor_device_conf *devices,
				const uint32_t *mine, size_t n_mine, struct wy_arena *scratch,
				const struct wy_node *where, struct wy_diags *diags)
{
	struct sensor_budget budget;

	enum wy_err err = sensor_budget_of(wire, devices, mine, n_mine, scratch, &budget);
	if (err)
		return err;
	check_wire(&budget, wire, devices, n_mine, where, diags);
	bool is_possible = budget.per_mille <= SENSOR_BUDGET_MOST;
	/* On a wire that is too slow for all of it, that comes first. */
	if (is_possible)
		is_possible = check_hasty(&budget.hasty, devices, where, diags);
	return is_possible ? WY_OK : WY_E_INVALID;
}
