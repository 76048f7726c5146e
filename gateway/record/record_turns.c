/* record_turns.c: see record_turns.h; the bytes are described in docs/record-format.md. */
#include "record_turns.h"

#include <stdlib.h>

enum op {
	OP_TURN = 1,   /* i: mono since the turn before */
	OP_CLOCK,      /* the same, i: change of wall - mono, byte: clock state */
	OP_HEARD,      /* u: device, i: since the turn's instant */
	OP_SAME,       /* u: so many samples as expected */
	OP_AT,         /* i: since the turn's instant, of the samples that follow */
	OP_SAMPLE,     /* byte: flags, then what they say */
	OP_ORDER,      /* u: rule, asset, nth; text: command; i: until, byte: is one-shot */
	OP_MARK,       /* u: asset; text: name */
	OP_RESUME,     /* i: mono, i: wall - mono, byte: clock state, i: down before mono */
};

enum flag {
	HAS_SLOT = 1,    /* u: slot; else the expected one */
	HAS_QUALITY = 2, /* byte: quality, byte: why */
	HAS_VALUE = 4,   /* the value; else that of last time */
	IS_WHOLE = 8,    /* i: change of the value; else the bits of a real that changed */
	ALL_FLAGS = 15,
};

static const char *const command_names[] = {
	[RULE_ACK] = "ack", [RULE_RESET] = "reset", [RULE_CLOSE] = "close", [RULE_LEARN] = "learn",
	[RULE_ACCEPT] = "accept", [RULE_ASSIGN] = "assign", [RULE_ON_SITE] = "on_site", [RULE_SHELVE] = "shelve",
	[RULE_UNSHELVE] = "unshelve",
};

#define COMMANDS (sizeof(command_names) / sizeof(*command_names))

/* ---- What both sides expect -------------------------------------------------------------------- */

#define NOTHING UINT32_MAX

bool record_memory_init(struct record_memory *memory, const struct record_sizes *sizes)
{
	memset(memory, 0, sizeof(*memory));
	memory->slots = malloc(((size_t)sizes->n_slots + 1) * sizeof(*memory->slots));
	memory->next = malloc(((size_t)sizes->n_slots + sizes->n_devices + 1) * sizeof(*memory->next));
	if (memory->slots && memory->next)
		return true;
	record_memory_release(memory);
	return false;
}

void record_memory_release(struct record_memory *memory)
{
	free(memory->slots);
	free(memory->next);
	memory->slots = NULL;
	memory->next = NULL;
}

static uint32_t begin_node(const struct record_sizes *sizes)
{
	return sizes->n_slots + sizes->n_devices;
}

void record_memory_begin(struct record_memory *memory, const struct record_sizes *sizes, wy_ms first_ms)
{
	memset(memory->slots, 0, (size_t)sizes->n_slots * sizeof(*memory->slots));
	for (uint32_t i = 0; i <= begin_node(sizes); i++)
		memory->next[i] = NOTHING;
	memory->at = begin_node(sizes);
	memory->now = (struct wy_now){first_ms, first_ms, WY_CLOCK_UNSYNCED};
	memory->at_ms = first_ms;
}

static void note_turn(struct record_memory *memory, const struct record_sizes *sizes, struct wy_now now)
{
	memory->now = now;
	memory->at_ms = now.mono_ms;
	memory->at = begin_node(sizes);
}

static void note_heard(struct record_memory *memory, const struct record_sizes *sizes, uint32_t device, wy_ms at_ms)
{
	memory->at = sizes->n_slots + device;
	memory->at_ms = at_ms;
}

static void note_slot(struct record_memory *memory, uint32_t slot)
{
	memory->next[memory->at] = slot;
	memory->at = slot;
}

/* ---- Writing ----------------------------------------------------------------------------------- */

void record_write_end(struct record_writer *w)
{
	if (!w->same)
		return;
	record_put_byte(&w->out, OP_SAME);
	record_put_u(&w->out, w->same);
	w->same = 0;
}

static wy_ms offset_of(struct wy_now now)
{
	return now.wall_ms - now.mono_ms;
}

void record_write_turn(struct record_writer *w, struct wy_now now)
{
	const struct wy_now *past = &w->memory.now;
	bool is_plain = offset_of(now) == offset_of(*past) && now.clock == past->clock;

	record_write_end(w);
	record_put_byte(&w->out, is_plain ? OP_TURN : OP_CLOCK);
	record_put_i(&w->out, now.mono_ms - past->mono_ms);
	if (!is_plain) {
		record_put_i(&w->out, offset_of(now) - offset_of(*past));
		record_put_byte(&w->out, now.clock);
	}
	note_turn(&w->memory, w->sizes, now);
}

void record_write_heard(struct record_writer *w, uint32_t device, wy_ms at_ms)
{
	record_write_end(w);
	record_put_byte(&w->out, OP_HEARD);
	record_put_u(&w->out, device);
	record_put_i(&w->out, at_ms - w->memory.now.mono_ms);
	note_heard(&w->memory, w->sizes, device, at_ms);
}

static uint64_t bits_of(const struct wy_sample *sample)
{
	uint64_t bits;

	memcpy(&bits, sample->is_whole ? (const void *)&sample->whole : (const void *)&sample->real, sizeof(bits));
	return bits;
}

/* The bytes of a real that changed: how many zero bytes stand above and below, then what is between. */
static void put_real(struct record_out *out, uint64_t change)
{
	unsigned above = 0, below = 0;

	if (!change) {
		record_put_byte(out, 8 << 4);
		return;
	}
	while (!(change >> (56 - 8 * above) & 0xFF))
		above++;
	while (!(change >> 8 * below & 0xFF))
		below++;
	record_put_byte(out, above << 4 | below);
	for (unsigned i = below; i < 8 - above; i++)
		record_put_byte(out, (unsigned)(change >> 8 * i & 0xFF));
}

static void put_sample(struct record_writer *w, uint32_t slot, unsigned flags, const struct wy_sample *sample)
{
	struct record_slot *past = &w->memory.slots[slot];

	record_put_byte(&w->out, OP_SAMPLE);
	record_put_byte(&w->out, flags);
	if (flags & HAS_SLOT)
		record_put_u(&w->out, slot);
	if (flags & HAS_QUALITY) {
		record_put_byte(&w->out, sample->quality);
		record_put_byte(&w->out, sample->why);
	}
	if (!(flags & HAS_VALUE))
		return;
	if (sample->is_whole)
		record_put_i(&w->out, (int64_t)((uint64_t)sample->whole - past->bits));
	else
		put_real(&w->out, bits_of(sample) ^ past->bits);
}

void record_write_sample(struct record_writer *w, uint32_t asset, const struct wy_sample *sample)
{
	uint32_t slot = w->sizes->first_slot[asset] + sample->point;
	struct record_slot *past = &w->memory.slots[slot];
	bool is_usable = wy_quality_is_usable(sample->quality);
	unsigned flags = 0;

	if (sample->at_ms != w->memory.at_ms) {
		record_write_end(w);
		record_put_byte(&w->out, OP_AT);
		record_put_i(&w->out, sample->at_ms - w->memory.now.mono_ms);
		w->memory.at_ms = sample->at_ms;
	}
	flags |= w->memory.next[w->memory.at] == slot ? 0 : HAS_SLOT;
	flags |= past->is_known && past->quality == sample->quality && past->why == sample->why ? 0 : HAS_QUALITY;
	if (is_usable && (!past->is_known || past->is_whole != sample->is_whole || past->bits != bits_of(sample)))
		flags |= HAS_VALUE | (sample->is_whole ? IS_WHOLE : 0);
	if (flags) {
		record_write_end(w);
		put_sample(w, slot, flags, sample);
	} else {
		w->same++;
	}
	note_slot(&w->memory, slot);
	past->quality = sample->quality;
	past->why = sample->why;
	past->is_known = true;
	if (flags & HAS_VALUE) {
		past->bits = bits_of(sample);
		past->is_whole = sample->is_whole;
	}
}

void record_write_order(struct record_writer *w, const struct record_order *order)
{
	record_write_end(w);
	record_put_byte(&w->out, OP_ORDER);
	record_put_u(&w->out, order->rule);
	record_put_u(&w->out, order->asset);
	record_put_u(&w->out, order->nth);
	record_put_text(&w->out, order->order.command < COMMANDS ? command_names[order->order.command] : "");
	record_put_i(&w->out, order->order.until_ms - w->memory.now.mono_ms);
	record_put_byte(&w->out, order->order.is_one_shot);
}

void record_write_mark(struct record_writer *w, uint32_t asset, const char *name)
{
	record_write_end(w);
	record_put_byte(&w->out, OP_MARK);
	record_put_u(&w->out, asset);
	record_put_text(&w->out, name);
}

void record_write_resume(struct record_writer *w, wy_ms down_ms, struct wy_now now)
{
	record_write_end(w);
	record_put_byte(&w->out, OP_RESUME);
	record_put_i(&w->out, now.mono_ms - w->memory.now.mono_ms);
	record_put_i(&w->out, offset_of(now) - offset_of(w->memory.now));
	record_put_byte(&w->out, now.clock);
	record_put_i(&w->out, now.mono_ms - down_ms);
	note_turn(&w->memory, w->sizes, now);
}

/* ---- Reading ----------------------------------------------------------------------------------- */

struct reader {
	struct record_in in;
	const struct record_sizes *sizes;
	struct record_memory *memory;
	const struct record_sink *sink;
	uint32_t asset; /* of the slot before: most often that of the next, too */
};

/* Times are sums of what is read: nonsense must not overflow. */
static wy_ms add_ms(struct reader *r, wy_ms at_ms, wy_ms span_ms)
{
	const wy_ms most = INT64_MAX / 4;

	if (span_ms > most || span_ms < -most || at_ms > most || at_ms < -most) {
		r->in.is_bad = true;
		return 0;
	}
	return at_ms + span_ms;
}

static struct wy_now read_now(struct reader *r, bool has_clock)
{
	struct wy_now past = r->memory->now, now;
	wy_ms offset_ms = offset_of(past);

	now.mono_ms = add_ms(r, past.mono_ms, record_get_i(&r->in));
	now.clock = past.clock;
	if (has_clock) {
		offset_ms = add_ms(r, offset_ms, record_get_i(&r->in));
		now.clock = (enum wy_clock_state)record_get_below(&r->in, WY_CLOCK_STEPPED + 1);
	}
	now.wall_ms = add_ms(r, now.mono_ms, offset_ms);
	return now;
}

static uint32_t asset_of(struct reader *r, uint32_t slot)
{
	const uint32_t *first = r->sizes->first_slot;
	uint32_t low = 0, high = r->sizes->n_assets;

	if (slot >= first[r->asset] && slot < first[r->asset + 1])
		return r->asset;
	while (high - low > 1) {
		uint32_t middle = low + (high - low) / 2;
		if (first[middle] <= slot)
			low = middle;
		else
			high = middle;
	}
	return low;
}

static void give_sample(struct reader *r, uint32_t slot)
{
	const struct record_slot *it = &r->memory->slots[slot];

	r->asset = asset_of(r, slot);
	struct wy_sample sample = {
		.point = slot - r->sizes->first_slot[r->asset],
		.quality = it->quality,
		.why = it->why,
		.is_whole = it->is_whole,
		.at_ms = r->memory->at_ms,
	};
	memcpy(it->is_whole ? (void *)&sample.whole : (void *)&sample.real, &it->bits, sizeof(it->bits));
	r->sink->sample(r->sink->arg, r->asset, &sample);
}

static void read_same(struct reader *r)
{
	uint64_t n = record_get_u(&r->in);

	for (uint64_t i = 0; i < n && !r->in.is_bad; i++) {
		uint32_t slot = r->memory->next[r->memory->at];
		/* More than there are would be the same ones twice in one turn: no writer does so. */
		if (slot == NOTHING || i > r->sizes->n_slots) {
			r->in.is_bad = true;
			return;
		}
		r->memory->at = slot;
		give_sample(r, slot);
	}
}

static uint64_t read_real(struct reader *r)
{
	unsigned shape = record_get_byte(&r->in);
	unsigned above = shape >> 4, below = shape & 15;
	uint64_t change = 0;

	if (above == 8)
		return 0;
	if (above + below > 7) {
		r->in.is_bad = true;
		return 0;
	}
	for (unsigned i = below; i < 8 - above; i++)
		change |= (uint64_t)record_get_byte(&r->in) << 8 * i;
	return change;
}

static void read_sample(struct reader *r)
{
	unsigned flags = record_get_byte(&r->in);
	uint32_t slot = flags & HAS_SLOT ? record_get_below(&r->in, r->sizes->n_slots) : r->memory->next[r->memory->at];

	if (flags & ~(unsigned)ALL_FLAGS || slot == NOTHING)
		r->in.is_bad = true;
	if (r->in.is_bad)
		return;
	struct record_slot *it = &r->memory->slots[slot];
	if (flags & HAS_QUALITY) {
		it->quality = (uint8_t)record_get_below(&r->in, WY_Q_STALE + 1);
		it->why = (uint8_t)record_get_below(&r->in, WY_WHY_COUNT);
	}
	if (flags & HAS_VALUE) {
		it->is_whole = flags & IS_WHOLE;
		it->bits = it->is_whole ? it->bits + (uint64_t)record_get_i(&r->in) : it->bits ^ read_real(r);
	}
	it->is_known = true;
	if (r->in.is_bad)
		return;
	note_slot(r->memory, slot);
	give_sample(r, slot);
}

static void read_order(struct reader *r)
{
	struct record_order order;
	char name[256];

	order.rule = record_get_below(&r->in, r->sizes->n_rules);
	order.asset = record_get_below(&r->in, r->sizes->n_assets);
	order.nth = record_get_below(&r->in, UINT32_MAX);
	record_get_text(&r->in, name);
	wy_ms until_ms = add_ms(r, r->memory->now.mono_ms, record_get_i(&r->in));
	bool is_one_shot = record_get_below(&r->in, 2);
	for (unsigned i = 0; i < COMMANDS && !r->in.is_bad; i++) {
		if (strcmp(name, command_names[i]) != 0)
			continue;
		order.order = (struct rule_order){(enum rule_command)i, until_ms, is_one_shot};
		r->sink->order(r->sink->arg, &order);
	}
}

static void read_op(struct reader *r)
{
	char name[256];
	struct wy_now now;
	wy_ms ms;
	uint32_t n;
	unsigned op = record_get_byte(&r->in);

	switch (op) {
	case OP_TURN:
	case OP_CLOCK:
		now = read_now(r, op == OP_CLOCK);
		if (r->in.is_bad)
			return;
		note_turn(r->memory, r->sizes, now);
		r->sink->turn(r->sink->arg, now);
		return;
	case OP_HEARD:
		n = record_get_below(&r->in, r->sizes->n_devices);
		ms = add_ms(r, r->memory->now.mono_ms, record_get_i(&r->in));
		if (r->in.is_bad)
			return;
		note_heard(r->memory, r->sizes, n, ms);
		r->sink->heard(r->sink->arg, n, ms);
		return;
	case OP_SAME:
		read_same(r);
		return;
	case OP_AT:
		r->memory->at_ms = add_ms(r, r->memory->now.mono_ms, record_get_i(&r->in));
		return;
	case OP_SAMPLE:
		read_sample(r);
		return;
	case OP_ORDER:
		read_order(r);
		return;
	case OP_MARK:
		n = record_get_below(&r->in, r->sizes->n_assets);
		record_get_text(&r->in, name);
		if (!r->in.is_bad)
			r->sink->mark(r->sink->arg, n, name);
		return;
	case OP_RESUME:
		now = read_now(r, true);
		ms = add_ms(r, 0, record_get_i(&r->in));
		if (r->in.is_bad)
			return;
		note_turn(r->memory, r->sizes, now);
		r->sink->resume(r->sink->arg, now.mono_ms - ms, now);
		return;
	default:
		r->in.is_bad = true;
		return;
	}
}

enum wy_err record_read_turns(const unsigned char *bytes, size_t len, wy_ms first_ms, const struct record_sizes *sizes,
			      struct record_memory *memory, const struct record_sink *sink)
{
	struct reader r = {.in = {bytes, len, 0, false}, .sizes = sizes, .memory = memory, .sink = sink};

	record_memory_begin(memory, sizes, first_ms);
	while (!r.in.is_bad && r.in.at < len)
		read_op(&r);
	return r.in.is_bad ? WY_E_CORRUPT : WY_OK;
}
