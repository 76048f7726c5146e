/* poll_scan.c: who is there on a Modbus wire. Every unit is asked for the first register or bit of each area, with the
 * driver's own discipline between requests, until it says something: a value or a refusal. (Quick: only for the first
 * holding register.) What it said is read from the exchanges as they went over the wire. Exceptions 10 and 11 come from a
 * gateway whose unit is silent. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "field_ask.h"
#include "frame_words.h"
#include "poll_by_hand.h"

enum { AREAS = 4, TRIES_MOST = 6, TIMEOUT_MS = 300, APART_MS = 20, DAY_MS = 86400000, EXTRA_MS = 60000 };

struct scan {
	const struct poll_options *options;
	struct poll_target target;
	bool is_terminal;
	struct scan_unit unit[POLL_UNITS];
	struct sensor_profile profile[2]; /* by framing */
	struct sensor_device_conf device[POLL_UNITS];
	uint32_t mine[POLL_UNITS];
	size_t n_mine, n_done, n_found;
	uint8_t asked;	/* the unit of the latest request */
	bool has_asked; /* anything at all */
	enum wy_err err; /* of the wire */
	const char *words;
};

/* ---- What is asked --------------------------------------------------------------------------- */

static void make_profiles(struct scan *s)
{
	static const struct sensor_profile_point points[AREAS] = {
		{.name = "holding", .type = WY_TYPE_INT, .encoding = SENSOR_U16, .area = SENSOR_HOLDING, .scale = 1},
		{.name = "input", .type = WY_TYPE_INT, .encoding = SENSOR_U16, .area = SENSOR_INPUT, .scale = 1},
		{.name = "coil", .type = WY_TYPE_BOOL, .encoding = SENSOR_BIT, .area = SENSOR_COIL, .scale = 1},
		{.name = "discrete", .type = WY_TYPE_BOOL, .encoding = SENSOR_BIT, .area = SENSOR_DISCRETE, .scale = 1},
	};

	for (int framing = 0; framing < 2; framing++)
		s->profile[framing] = (struct sensor_profile){.id = "scan",
							      .transport = SENSOR_MODBUS,
							      .points = points,
							      .n_points = s->options->is_quick ? 1 : AREAS,
							      .max_registers = 1,
							      .max_bits = 1,
							      .min_interval_ms = APART_MS,
							      .framing = (enum sensor_framing)framing,
							      .timeout_ms = TIMEOUT_MS,
							      .class_ms = {DAY_MS, DAY_MS, DAY_MS, DAY_MS}};
}

static void make_devices(struct scan *s)
{
	bool is_serial = s->target.wire.kind == SENSOR_WIRE_RTU;

	for (int64_t u = s->options->from; u <= s->options->to; u++) {
		const struct sensor_device_conf *known = poll_target_device(&s->target, (uint8_t)u);
		if (is_serial && (u == 0 || u > 247)) /* to all, and reserved */
			continue;
		uint32_t i = (uint32_t)s->n_mine;
		s->device[i] = (struct sensor_device_conf){.id = "unit", .unit_id = (uint8_t)u, .profile = &s->profile[0]};
		if (known) {
			s->device[i].profile = &s->profile[known->profile->framing];
			s->device[i].has_xor_seed = known->has_xor_seed;
			s->device[i].xor_seed = known->xor_seed;
		}
		s->device[i].timeout_ms = s->options->timeout_ms ? s->options->timeout_ms : TIMEOUT_MS;
		s->unit[u].is_wanted = true;
		s->mine[s->n_mine++] = i;
	}
}

/* ---- What is said ---------------------------------------------------------------------------- */

bool scan_unit_is_there(const struct scan_unit *unit)
{
	for (int f = 1; f <= AREAS; f++)
		if (unit->area[f].result == SCAN_VALUE || unit->area[f].result == SCAN_REFUSED)
			return true;
	return unit->n_garbled || unit->n_late;
}

static struct frame_bytes kept(const uint8_t *bytes, size_t n)
{
	struct frame_bytes copy = {.n = n, .n_kept = n < WY_FRAME_KEPT ? n : WY_FRAME_KEPT};

	memcpy(copy.byte, bytes, copy.n_kept);
	return copy;
}

/* The last data byte of a whole answer to one register or bit; two for a register. */
static uint16_t value_of(const struct scan *s, const struct frame_bytes *answer, uint8_t function)
{
	size_t crc = s->target.wire.kind == SENSOR_WIRE_RTU ? 2 : 0;
	const uint8_t *end = answer->byte + answer->n - crc;

	if (answer->n_kept < answer->n || answer->n < crc + 4)
		return 0;
	return (uint16_t)(function <= 2 ? end[-1] & 1 : end[-2] << 8 | end[-1]);
}

static void take_answer(struct scan *s, const struct sensor_frame *frame, const struct frame_words *words,
			const struct frame_bytes *answer)
{
	struct scan_unit *unit = &s->unit[words->unit];
	struct scan_area *area = &unit->area[words->function];

	area->exception = words->exception;
	area->value = words->exception ? 0 : value_of(s, answer, words->function);
	area->result = words->exception == 10 || words->exception == 11 ? SCAN_UNREACHABLE
		       : words->exception || words->odd[0]		 ? SCAN_REFUSED
									 : SCAN_VALUE;
	unit->slowest_ms = frame->took_ms > unit->slowest_ms ? frame->took_ms : unit->slowest_ms;
}

/* What is no answer: a whole frame of another unit, or one that comes after its time, is of a slow one; anything else is
 * on the account of the one that was asked. */
static void take_odd(struct scan *s, enum wy_err err, const struct frame_bytes *answer)
{
	bool is_whole = s->target.wire.kind == SENSOR_WIRE_RTU && frame_has_crc(answer);
	uint8_t said = is_whole ? answer->byte[0] : s->asked;
	bool is_late = is_whole && s->unit[said].is_wanted && (said != s->asked || err == WY_E_TIMEOUT);

	if (is_late)
		s->unit[said].n_late++;
	else
		s->unit[s->asked].n_garbled++;
}

static void watch(void *arg, const struct sensor_frame *frame)
{
	struct scan *s = arg;
	struct frame_bytes request = kept(frame->request, frame->n_request), answer = kept(frame->answer, frame->n_answer);
	struct frame_words words = frame_words_of(s->target.wire.kind == SENSOR_WIRE_TCP, frame->err == WY_OK, &request, &answer);

	if (!words.has_request) {
		if (s->has_asked)
			take_odd(s, frame->err, &answer);
		return;
	}
	s->asked = words.unit;
	s->has_asked = true;
	if (words.function < 1 || words.function > AREAS)
		return;
	struct scan_area *area = &s->unit[words.unit].area[words.function];
	if (frame->err == WY_OK)
		take_answer(s, frame, &words, &answer);
	else if (area->result == SCAN_NOT_ASKED)
		area->result = SCAN_SILENT;
	if (frame->err == WY_E_PROTOCOL)
		take_odd(s, frame->err, &answer);
}

static bool take(void *arg, const struct sensor_report *report)
{
	struct scan *s = arg;
	bool is_hopeless = report->err == WY_E_BUSY || report->err == WY_E_AUTH ||
			   (report->err == WY_E_LINK && report->n_requests == 0 && !s->has_asked);

	if (is_hopeless) {
		s->err = report->err;
		s->words = report->words;
	}
	return is_hopeless;
}

/* ---- How it goes on -------------------------------------------------------------------------- */

static void show_progress(const struct scan *s)
{
	if (s->is_terminal)
		fprintf(stderr, "\r%zu of %zu units asked, %zu found ", s->n_done, s->n_mine, s->n_found);
}

/* Each failed poll begins with another area, so that a unit that is silent about one of them is found all the same. */
static bool is_asked_again(void *arg, uint32_t device)
{
	struct scan *s = arg;
	struct scan_unit *unit = &s->unit[s->device[device].unit_id];
	bool is_unreachable = false;
	size_t n_asked = 0;

	for (int f = 1; f <= AREAS; f++) {
		n_asked += unit->area[f].result != SCAN_NOT_ASKED;
		is_unreachable = is_unreachable || unit->area[f].result == SCAN_UNREACHABLE;
	}
	bool is_there = scan_unit_is_there(unit);
	bool is_again = ++unit->n_tries < TRIES_MOST && !is_unreachable && n_asked < s->profile[0].n_points && (!is_there || unit->n_garbled);
	if (is_again)
		return true;
	s->n_done++;
	s->n_found += is_there;
	show_progress(s);
	return false;
}

static enum wy_err run(struct scan *s, struct cli_load *load)
{
	const wy_ms each_ms = TRIES_MOST * 3 * (s->device[0].timeout_ms + EXTRA_MS / 100);
	const struct field_ask ask = {.wires = &s->target.wire,
				      .devices = s->device,
				      .mine = s->mine,
				      .n_mine = s->n_mine,
				      .patience_ms = (wy_ms)s->n_mine * each_ms + EXTRA_MS,
				      .take = take,
				      .watch = watch,
				      .is_asked_again = is_asked_again,
				      .arg = s};

	show_progress(s);
	enum wy_err err = field_ask(&ask, &load->arena, &load->diags);
	if (s->is_terminal)
		fprintf(stderr, "\r%*s\r", 60, "");
	return err;
}

static int scan(struct scan *s, struct cli_load *load)
{
	wy_ms begun_ms = clock_boot();

	make_profiles(s);
	make_devices(s);
	if (!s->n_mine) {
		fprintf(stderr, "weiyu poll: serial units are 1 to 247\n");
		return CLI_USAGE;
	}
	enum wy_err err = run(s, load);
	cli_say(&load->diags);
	err = err ? err : s->err;
	if (err && err != WY_E_TIMEOUT) {
		poll_say_no_line("weiyu poll", &s->target.wire, err);
		if (s->words)
			fprintf(stderr, "weiyu poll: %s\n", s->words);
		return CLI_FOUND;
	}
	scan_show(s->options, &s->target, s->unit, (double)(clock_boot() - begun_ms) / 1000);
	for (size_t u = 0; u < POLL_UNITS; u++)
		if (scan_unit_is_there(&s->unit[u]))
			return CLI_FINE;
	return CLI_FOUND;
}

int poll_scan(const struct poll_options *options)
{
	struct cli_load *load = cli_load_new();
	struct scan *s = load ? wy_arena_alloc(&load->arena, sizeof(*s)) : NULL;
	int code = CLI_FOUND;

	if (s) {
		*s = (struct scan){.options = options, .is_terminal = isatty(STDERR_FILENO)};
		if (poll_target_find(options->common.words[0], options, load, &s->target))
			code = scan(s, load);
	}
	cli_load_free(load);
	return code;
}
