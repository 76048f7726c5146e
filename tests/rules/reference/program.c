/* program.c: see program.h. One roll a statement: compilers do not agree in which order they look at arguments.
 *
 * Conditions grow from a small grammar; every length of time and every limit is a whole number of
 * tenths of a second, so that nothing turns between the instants of the reference. */
#include "program.h"

#include <stdbool.h>

/* ---- The world ----------------------------------------------------------------------------- */

static const struct wy_point all_points[PROGRAM_INPUTS] = {
	{.name = "a", .type = WY_TYPE_BOOL, .poll_ms = 100, .stale_ms = 5000},
	{.name = "b", .type = WY_TYPE_BOOL, .poll_ms = 100, .stale_ms = 3000},
	{.name = "p", .type = WY_TYPE_REAL, .poll_ms = 100, .stale_ms = 5000},
	{.name = "q", .type = WY_TYPE_REAL, .poll_ms = 100, .stale_ms = 4000},
	{.name = "c", .type = WY_TYPE_COUNTER, .modulus = 256, .max_step = 20, .poll_ms = 100, .stale_ms = 5000},
	{.name = "n", .type = WY_TYPE_INT, .poll_ms = 100, .stale_ms = 5000},
};
static const struct wy_class class = {
	.id = "thing", .name_zh = "thing", .name_en = "thing", .points = all_points, .n_points = PROGRAM_INPUTS};
static const uint32_t devices[] = {0};
static const struct wy_asset asset = {.id = "A1", .name_zh = "A1", .name_en = "A1", .devices = devices, .n_devices = 1};
static const struct wy_zone_change utc_from[] = {{INT64_MIN, 0}};
static const struct wy_zone utc = {"UTC", utc_from, 1};
static const char *const faults[] = {"T-01"};
static const struct rule_world world = {.classes = &class, .n_classes = 1, .assets = &asset, .n_assets = 1, .n_devices = 1,
					.zone = &utc, .faults = faults, .n_faults = 1};

const struct rule_world *program_world(void)
{
	return &world;
}

struct wy_sample program_sample(const struct program_input *input, wy_ms now_ms)
{
	struct wy_sample sample = {.point = input->point, .quality = input->is_bad ? WY_Q_BAD : WY_Q_GOOD, .at_ms = now_ms};

	sample.is_whole = all_points[input->point].type != WY_TYPE_REAL;
	if (sample.is_whole)
		sample.whole = (int64_t)input->value;
	else
		sample.real = input->value;
	return sample;
}

static uint32_t roll(uint64_t *state, uint32_t n)
{
	*state = *state * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)((*state >> 33) % n);
}

/* ---- Conditions ---------------------------------------------------------------------------- */

struct grow {
	uint64_t state;
	struct wy_buf *buf;
};

static uint32_t pick(struct grow *g, uint32_t n)
{
	return roll(&g->state, n);
}

static const char *one_of(struct grow *g, const char *const *words, uint32_t n)
{
	return words[pick(g, n)];
}

static void number(struct grow *g, unsigned depth);
static void condition(struct grow *g, unsigned depth);

/* Windows of 64 panes of 100, 200, 300 and 500 ms. */
static void window(struct grow *g)
{
	static const char *const spans[] = {"6400ms", "12800ms", "19200ms", "32s"};

	wy_buf_add(g->buf, one_of(g, spans, 4));
}

/* The end of a call. */
static void over_window(struct grow *g)
{
	wy_buf_add(g->buf, ", ");
	window(g);
	wy_buf_add(g->buf, ")");
}

static void event(struct grow *g, unsigned depth)
{
	static const char *const points[] = {"a", "b", "p", "q", "n"};

	switch (pick(g, 4)) {
	case 0:
		wy_buf_addf(g->buf, "change(%s)", one_of(g, points, 5));
		return;
	case 1:
		wy_buf_add(g->buf, "pulse(c)");
		return;
	default:
		wy_buf_add(g->buf, pick(g, 2) ? "rise(" : "fall(");
		condition(g, depth ? depth - 1 : 0);
		wy_buf_add(g->buf, ")");
	}
}

static void leaf_number(struct grow *g)
{
	static const char *const leaves[] = {"p", "q", "p", "q", "n"};

	if (pick(g, 5)) {
		wy_buf_add(g->buf, one_of(g, leaves, 5));
		return;
	}
	wy_buf_addf(g->buf, "%u.", pick(g, 20));
	wy_buf_addf(g->buf, "%u", pick(g, 4) * 25);
}

static void call_of_two(struct grow *g, const char *name, unsigned depth)
{
	wy_buf_addf(g->buf, "%s(", name);
	number(g, depth - 1);
	wy_buf_add(g->buf, ", ");
	number(g, depth - 1);
	wy_buf_add(g->buf, ")");
}

static void infix(struct grow *g, unsigned depth)
{
	static const char *const signs[] = {" + ", " - ", " * ", " / "};

	wy_buf_add(g->buf, "(");
	number(g, depth - 1);
	wy_buf_add(g->buf, one_of(g, signs, 4));
	number(g, depth - 1);
	wy_buf_add(g->buf, ")");
}

/* What a window looks at: a level, or what is sampled by an event. */
static void series(struct grow *g, unsigned depth)
{
	if (pick(g, 3) || depth == 0) {
		if (depth && pick(g, 3) == 0)
			number(g, depth - 1);
		else
			wy_buf_add(g->buf, pick(g, 2) ? "p" : "q");
		return;
	}
	bool is_in_abs = pick(g, 2);
	wy_buf_add(g->buf, is_in_abs ? "abs(sample(" : "sample(");
	wy_buf_add(g->buf, pick(g, 2) ? "p" : "q - p");
	wy_buf_add(g->buf, ", on=");
	event(g, depth - 1);
	if (pick(g, 2))
		wy_buf_addf(g->buf, ", delay=%u00ms", 1 + pick(g, 30));
	wy_buf_add(g->buf, is_in_abs ? "))" : ")");
}

static void windowed(struct grow *g, unsigned depth)
{
	static const char *const names[] = {"min", "max", "spread", "drop", "gain", "avg", "sd", "slope", "median", "quantile", "delta"};
	const char *name = one_of(g, names, 11);

	wy_buf_addf(g->buf, "%s(", name);
	series(g, depth - 1);
	if (name[0] == 'q')
		wy_buf_addf(g->buf, ", 0.%u", 1 + pick(g, 9));
	over_window(g);
}

static void counted(struct grow *g)
{
	wy_buf_add(g->buf, "increase(c, ");
	window(g);
	wy_buf_add(g->buf, ")");
}

static void number(struct grow *g, unsigned depth)
{
	if (depth == 0) {
		leaf_number(g);
		return;
	}
	switch (pick(g, 10)) {
	case 0:
	case 1:
		leaf_number(g);
		return;
	case 2:
		infix(g, depth);
		return;
	case 3:
		call_of_two(g, pick(g, 2) ? "least" : "greatest", depth);
		return;
	case 4:
		wy_buf_add(g->buf, "pick(");
		condition(g, depth - 1);
		wy_buf_add(g->buf, ", ");
		number(g, depth - 1);
		wy_buf_add(g->buf, ", ");
		number(g, depth - 1);
		wy_buf_add(g->buf, ")");
		return;
	case 5:
		wy_buf_add(g->buf, pick(g, 2) ? "prev(p)" : "prev(q)");
		return;
	case 6:
		wy_buf_add(g->buf, "abs(");
		number(g, depth - 1);
		wy_buf_add(g->buf, ")");
		return;
	default:
		windowed(g, depth);
	}
}

static void comparison(struct grow *g, unsigned depth)
{
	static const char *const signs[] = {" > ", " < ", " >= ", " <= "};

	number(g, depth);
	wy_buf_add(g->buf, one_of(g, signs, 4));
	wy_buf_addf(g->buf, "%u.5", pick(g, 20));
}

/* Lengths of time against a limit. */
static void timed(struct grow *g, unsigned depth)
{
	static const char *const signs[] = {" > ", " < ", " >= ", " <= "};

	switch (pick(g, 5)) {
	case 0:
		wy_buf_add(g->buf, pick(g, 2) ? "age(p)" : "silence()");
		wy_buf_add(g->buf, one_of(g, signs, 4));
		wy_buf_addf(g->buf, "%u00ms", 20 + pick(g, 40));
		return;
	case 1:
		wy_buf_add(g->buf, "held(");
		condition(g, depth - 1);
		over_window(g);
		break;
	case 2:
		wy_buf_add(g->buf, "since(");
		event(g, depth - 1);
		wy_buf_add(g->buf, ")");
		break;
	default:
		wy_buf_add(g->buf, "since(");
		condition(g, depth - 1);
		wy_buf_add(g->buf, ")");
	}
	wy_buf_add(g->buf, one_of(g, signs, 4));
	wy_buf_addf(g->buf, "%u00ms", 1 + pick(g, 60));
}

static void numbered(struct grow *g, unsigned depth)
{
	static const char *const signs[] = {" >= ", " < ", " == ", " > "};

	switch (pick(g, 4)) {
	case 0:
		counted(g);
		break;
	case 1:
		wy_buf_add(g->buf, "flips(");
		condition(g, depth - 1);
		over_window(g);
		break;
	case 2:
		wy_buf_add(g->buf, "frac(");
		condition(g, depth - 1);
		wy_buf_add(g->buf, ", ");
		window(g);
		wy_buf_addf(g->buf, ") > %u %%", 5 + pick(g, 90));
		return;
	default:
		wy_buf_add(g->buf, "count(");
		event(g, depth - 1);
		over_window(g);
	}
	wy_buf_add(g->buf, one_of(g, signs, 4));
	wy_buf_addf(g->buf, "%u", 1 + pick(g, pick(g, 3) ? 6 : 90));
}

static void condition(struct grow *g, unsigned depth)
{
	if (depth == 0) {
		wy_buf_add(g->buf, pick(g, 2) ? "a" : "b");
		return;
	}
	switch (pick(g, 10)) {
	case 0:
		wy_buf_add(g->buf, "not ");
		condition(g, 0);
		return;
	case 1:
	case 2:
		wy_buf_add(g->buf, "(");
		condition(g, depth - 1);
		wy_buf_add(g->buf, pick(g, 2) ? " and " : " or ");
		condition(g, depth - 1);
		wy_buf_add(g->buf, ")");
		return;
	case 3:
		wy_buf_add(g->buf, pick(g, 2) ? "known(p)" : "known(a)");
		return;
	case 4:
	case 5:
		timed(g, depth);
		return;
	case 6:
	case 7:
		numbered(g, depth);
		return;
	default:
		comparison(g, depth);
	}
}

void program_write(uint32_t seed, struct wy_buf *buf)
{
	struct grow g = {(uint64_t)seed * 2654435761u + 1, buf};
	unsigned n = 1 + pick(&g, 3);

	wy_buf_add(buf, "weiyu: rules/1\npackage: t\nrules:\n");
	for (unsigned i = 0; i < n; i++) {
		wy_buf_addf(buf, "  - {id: t.r%u, scope: thing, fault: T-01, tier: S3, latch: reset, hold: 1s, when: '", i);
		condition(&g, 1 + pick(&g, 3));
		wy_buf_add(buf, "'}\n");
	}
}

void program_write_learning(uint32_t seed, struct wy_buf *buf)
{
	static const char *const conditions[] = {
		"ewma(p, 3s) > 9.5",
		"ewma(p + q, 7s) < 15.5",
		"ewma_n(sample(p, on=rise(a)), 5) > 8.5",
		"cusum_z(sample(p, on=change(n)), learn=10, k=0.5) > 2.5",
		"cusum_z(sample(q, on=rise(b)), learn=12, side=low) > 1.5",
		"zrob(p, over=32s) > 1.5",
		"zstep(p, step=1s, n=10) > 1.5",
		"m_of_n(zstep(q, step=1s, n=6) > 0.5, 2, 3, step=1s)",
		"eta(p, limit=30, over=19200ms, tmin=0.5) < 10min",
		"forecast(q, 5s, over=12800ms, tmin=0.2) > 10.5",
		"zlearn(p, learn=12, tau=1s) > 1.5",
		"joint(p, q, p * q, n, learn=20, tau=1s) > 2.5",
		"share(2, joint(p, q, learn=15, tau=1s)) > 40 %",
		"slope(p, 19200ms) > 5.5 per_h and sd(q, 12800ms) > 2.5",
	};
	enum { CONDITIONS = sizeof(conditions) / sizeof(*conditions) };

	wy_buf_add(buf, "weiyu: rules/1\npackage: t\nrules:\n");
	for (unsigned i = 0; i < 3; i++)
		wy_buf_addf(buf, "  - {id: t.r%u, scope: thing, fault: T-01, tier: S3, latch: reset, hold: 1s, when: '%s'}\n", i,
			    conditions[(seed + i * 5) % CONDITIONS]);
}

/* ---- Readings ------------------------------------------------------------------------------ */

struct program_play program_play(uint32_t seed)
{
	return (struct program_play){.state = (uint64_t)seed * 40503u + 77};
}

static double next_value(struct program_play *play, uint32_t point)
{
	switch (point) {
	case 0:
	case 1:
		return roll(&play->state, 2);
	case 2:
	case 3: /* odd binary fractions: sums of them round */
		if (roll(&play->state, 4))
			play->real[point - 2] = roll(&play->state, 2000) / 97.0;
		return play->real[point - 2];
	case 4:
		play->counter += roll(&play->state, roll(&play->state, 12) ? 4 : 60);
		play->counter = play->counter >= 256 ? play->counter - 256 : play->counter;
		return play->counter;
	default:
		return roll(&play->state, 20);
	}
}

void program_turn(struct program_play *play, struct program_turn *ret_turn)
{
	*ret_turn = (struct program_turn){.wait_ms = 100 * (1 + roll(&play->state, 12))};
	if (roll(&play->state, 25) == 0)
		ret_turn->wait_ms += 100 * (30 + roll(&play->state, 60)); /* long enough to be stale */
	ret_turn->is_heard = roll(&play->state, 3) > 0;
	for (uint32_t p = 0; p < PROGRAM_INPUTS; p++) {
		if (roll(&play->state, 5) < 2)
			continue;
		struct program_input *input = &ret_turn->input[ret_turn->n++];
		input->point = p;
		input->is_bad = roll(&play->state, 14) == 0;
		input->value = next_value(play, p);
	}
}
