/* faults.c: see faults.h. One small function for each kind, in a table. */
#include "faults.h"

#include <string.h>

enum { NOISE_MOST = 12, SPLIT_GAP_MS = 1 };

static const struct {
	const char *name, *wires, *text;
} rows[FAULT_KINDS] = {
	[FAULT_NONE] = {"none", "", "comes as it was sent"},
#define FAULT(name, wires, text) [FAULT_##name] = {#name, wires, text},
#include "faults.def"
#undef FAULT
	[FAULT_noise] = {"noise", "", "single bytes are lost, doubled or changed"},
};

/* ---- Chance ------------------------------------------------------- */

uint64_t chance_next(uint64_t *random)
{
	uint64_t z = *random += 0x9e3779b97f4a7c15u;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return z ^ z >> 31;
}

uint64_t chance_below(uint64_t *random, uint64_t bound)
{
	return bound ? chance_next(random) % bound : 0;
}

bool chance_hits(uint64_t *random, double rate)
{
	return (double)(chance_next(random) >> 11) * 0x1p-53 < rate;
}

/* From `least` to `most` thousandths of the timeout. */
static wy_ms part_of_timeout(struct faults *f, unsigned least, unsigned most)
{
	return f->conf.timeout_ms * (wy_ms)(least + chance_below(&f->random, most - least + 1)) / 1000;
}

/* ---- Older answers ------------------------------------------------ */

static void keep(struct faults *f, const uint8_t *answer, size_t n)
{
	unsigned at = f->n_kept++ % FAULT_KEPT;

	f->kept[at].n = n;
	memcpy(f->kept[at].bytes, answer, n);
}

/* Any of the kept answers that this wire lets one tell from the right one; -1: there is none. */
static int older(struct faults *f, const uint8_t *answer, size_t n)
{
	unsigned have = f->n_kept < FAULT_KEPT ? f->n_kept : FAULT_KEPT;
	unsigned first = (unsigned)chance_below(&f->random, have);

	for (unsigned i = 0; i < have; i++) {
		unsigned at = (first + i) % have;
		bool is_alike = frame_is_alike(f->conf.frames, f->kept[at].bytes, f->kept[at].n, answer, n);
		if (f->conf.frames != FRAME_RTU || !is_alike)
			return (int)at;
	}
	return -1;
}

/* ---- Kinds -------------------------------------------------------- */

static void do_delay(struct faults *f, struct fault_act *act)
{
	act->wait_ms = part_of_timeout(f, 500, 5000);
}

static void do_jitter(struct faults *f, struct fault_act *act)
{
	act->wait_ms = part_of_timeout(f, 10, 450);
}

static void do_drop(struct faults *f, struct fault_act *act)
{
	(void)f;
	act->n = 0;
}

static void do_duplicate(struct faults *f, struct fault_act *act)
{
	(void)f;
	memcpy(act->bytes + act->n, act->bytes, act->n);
	act->n *= 2;
}

static void do_truncate(struct faults *f, struct fault_act *act)
{
	act->n = 1 + chance_below(&f->random, act->n - 1);
}

/* Up to three bits, no two of them the same: any CRC-16 finds them. */
static void do_flip(struct faults *f, struct fault_act *act)
{
	size_t reach = f->conf.frames == FRAME_TCP && act->n > 9 ? 9 : act->n;
	uint64_t first = chance_next(&f->random);
	unsigned bits = 1 + (unsigned)chance_below(&f->random, 3);

	for (unsigned i = 0; i < bits; i++) {
		uint64_t bit = (first + i * 5u) % (8u * reach);
		act->bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
}

static void do_reorder(struct faults *f, struct fault_act *act)
{
	(void)f;
	act->is_held = true;
}

static void do_replay(struct faults *f, struct fault_act *act)
{
	int at = older(f, act->bytes, act->n);

	act->n = 0;
	if (at < 0)
		return;
	act->n = f->kept[at].n;
	memcpy(act->bytes, f->kept[at].bytes, act->n);
}

static void put_in_front(struct fault_act *act, const uint8_t *bytes, size_t n)
{
	memmove(act->bytes + n, act->bytes, act->n);
	memcpy(act->bytes, bytes, n);
	act->n += n;
}

static void do_coalesce(struct faults *f, struct fault_act *act)
{
	int at = older(f, act->bytes, act->n);

	if (at < 0)
		do_duplicate(f, act);
	else
		put_in_front(act, f->kept[at].bytes, f->kept[at].n);
}

static void do_garbage(struct faults *f, struct fault_act *act)
{
	uint8_t noise[NOISE_MOST];
	size_t n = 1 + chance_below(&f->random, NOISE_MOST);

	for (size_t i = 0; i < n; i++)
		noise[i] = (uint8_t)chance_next(&f->random);
	put_in_front(act, noise, n);
}

static void do_split(struct faults *f, struct fault_act *act)
{
	(void)f;
	act->gap_ms = SPLIT_GAP_MS;
}

static void do_fin(struct faults *f, struct fault_act *act)
{
	do_truncate(f, act);
	act->end = FAULT_END_FIN;
}

static void do_reset(struct faults *f, struct fault_act *act)
{
	do_truncate(f, act);
	act->end = FAULT_END_RESET;
}

static void do_half_open(struct faults *f, struct fault_act *act)
{
	do_drop(f, act);
	act->end = FAULT_END_HALF_OPEN;
}

static void do_black_hole(struct faults *f, struct fault_act *act)
{
	do_drop(f, act);
	act->end = FAULT_END_BLACK_HOLE;
}

static void (*const ways[FAULT_KINDS])(struct faults *, struct fault_act *) = {
#define FAULT(name, wires, text) [FAULT_##name] = do_##name,
#include "faults.def"
#undef FAULT
};

/* ---- Noise -------------------------------------------------------- */

static void add_noise(struct faults *f, struct fault_act *act)
{
	uint8_t out[FAULT_BYTES];
	size_t n = 0;

	for (size_t i = 0; i < act->n && n + 2 < sizeof(out); i++) {
		uint8_t byte = act->bytes[i];
		uint64_t what = chance_hits(&f->random, f->conf.byte_rate) ? 1 + chance_below(&f->random, 3) : 0;
		uint8_t flipped = (uint8_t)(byte ^ 1u << chance_below(&f->random, 8));
		if (what)
			act->fault = FAULT_noise;
		if (what == 1)
			continue;
		out[n++] = what == 2 ? flipped : byte;
		if (what == 3)
			out[n++] = byte;
	}
	memcpy(act->bytes, out, n);
	act->n = n;
}

/* ---- The choice --------------------------------------------------- */

void faults_init(struct faults *f, const struct fault_conf *conf)
{
	*f = (struct faults){.conf = *conf, .random = conf->seed};
	for (enum fault kind = FAULT_NONE + 1; kind < FAULT_noise; kind++) {
		bool is_wanted = !conf->mask || conf->mask & 1u << kind;
		if (is_wanted && strchr(rows[kind].wires, conf->wire))
			f->kinds[f->n_kinds++] = kind;
	}
}

void faults_choose(struct faults *f, const uint8_t *answer, size_t n, struct fault_act *act)
{
	act->fault = FAULT_NONE;
	act->wait_ms = act->gap_ms = 0;
	act->is_held = false;
	act->end = FAULT_GO_ON;
	act->n = n = n < FAULT_ANSWER_MOST ? n : FAULT_ANSWER_MOST;
	memcpy(act->bytes, answer, act->n);
	if (act->n > 1 && f->n_kinds && chance_hits(&f->random, f->conf.rate)) {
		act->fault = f->kinds[chance_below(&f->random, f->n_kinds)];
		ways[act->fault](f, act);
	} else if (f->conf.byte_rate > 0) {
		add_noise(f, act);
	}
	keep(f, answer, n);
	f->n_answers++;
	f->n_disturbed += act->fault != FAULT_NONE;
	f->by_kind[act->fault]++;
}

/* ---- Names -------------------------------------------------------- */

const char *fault_name(enum fault fault)
{
	return rows[fault].name;
}

const char *fault_text(enum fault fault)
{
	return rows[fault].text;
}

static uint32_t bit_of(const char *name, size_t n)
{
	for (enum fault kind = FAULT_NONE + 1; kind < FAULT_noise; kind++)
		if (strlen(rows[kind].name) == n && !strncmp(rows[kind].name, name, n))
			return 1u << kind;
	return 0;
}

uint32_t faults_mask(const char *names)
{
	uint32_t mask = 0;

	if (!strcmp(names, "all"))
		return (1u << FAULT_noise) - 2;
	while (*names) {
		size_t n = strcspn(names, ",");
		uint32_t bit = bit_of(names, n);
		if (!bit)
			return 0;
		mask |= bit;
		names += n + (names[n] == ',');
	}
	return mask;
}
