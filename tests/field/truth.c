/* truth.c: see truth.h. */
#include "truth.h"

#include <string.h>

enum { ILLEGAL_FUNCTION = 1, ILLEGAL_VALUE = 3, TARGET_SILENT = 11, BITS_MOST = 2000, WORDS_MOST = 125 };

uint16_t truth_word(uint32_t number, uint8_t unit, uint8_t function, uint16_t address, uint32_t k)
{
	uint64_t state = (uint64_t)number << 40 ^ (uint64_t)unit << 32 ^ (uint64_t)function << 28 ^ address;

	state ^= (uint64_t)k * 0xd6e8feb86659fd93u;
	return (uint16_t)(chance_next(&state) >> 24);
}

struct truth_unit *truth_unit(const struct truth *truth, uint8_t id)
{
	for (size_t i = 0; i < truth->n_units; i++)
		if (truth->units[i].id == id)
			return &truth->units[i];
	return NULL;
}

/* ---- Answering ---------------------------------------------------- */

static const struct truth_ask *note(const struct truth *truth, struct truth_unit *unit, const uint8_t *pdu)
{
	struct truth_ask *ask = &unit->asks[++unit->n_asked % TRUTH_ASKS];

	*ask = (struct truth_ask){.k = unit->n_asked,
				  .function = pdu[1],
				  .address = (uint16_t)(pdu[2] << 8 | pdu[3]),
				  .count = (uint16_t)(pdu[4] << 8 | pdu[5]),
				  .at_ms = truth->scene->now_ms};
	return ask;
}

static size_t refuse(uint8_t *body, uint8_t code)
{
	body[1] |= 0x80;
	body[2] = code;
	return 3;
}

static size_t give_bits(const struct truth *truth, const struct truth_ask *ask, uint8_t *body)
{
	body[2] = (uint8_t)((ask->count + 7) / 8);
	memset(body + 3, 0, body[2]);
	for (unsigned i = 0; i < ask->count; i++) {
		uint16_t word = truth_word(truth->number, body[0], ask->function, (uint16_t)(ask->address + i), ask->k);
		body[3 + i / 8] |= (uint8_t)((word & 1) << i % 8);
	}
	return 3u + body[2];
}

static size_t give_words(const struct truth *truth, const struct truth_ask *ask, uint8_t *body)
{
	body[2] = (uint8_t)(2 * ask->count);
	for (unsigned i = 0; i < ask->count; i++) {
		uint16_t word = truth_word(truth->number, body[0], ask->function, (uint16_t)(ask->address + i), ask->k);
		body[3 + 2 * i] = (uint8_t)(word >> 8);
		body[4 + 2 * i] = (uint8_t)word;
	}
	return 3u + body[2];
}

/* Unit, function and the rest of the answer. */
static size_t make_body(const struct truth *truth, struct truth_unit *unit, const uint8_t *pdu, size_t n, uint8_t *body)
{
	memcpy(body, pdu, 2);
	if (n < 6 || pdu[1] < 1 || pdu[1] > 4)
		return refuse(body, ILLEGAL_FUNCTION);
	const struct truth_ask *ask = note(truth, unit, pdu);
	bool is_bits = pdu[1] <= 2;
	if (unit->mood == TRUTH_SILENT)
		return 0;
	if (unit->mood == TRUTH_GATEWAY)
		return refuse(body, TARGET_SILENT);
	if (ask->count < 1 || ask->count > (is_bits ? BITS_MOST : WORDS_MOST))
		return refuse(body, ILLEGAL_VALUE);
	return is_bits ? give_bits(truth, ask, body) : give_words(truth, ask, body);
}

size_t truth_answer(void *arg, const uint8_t *request, size_t n, uint8_t *answer, wy_ms *ret_wait_ms)
{
	struct truth *truth = arg;
	size_t head = frame_head(truth->frames);
	struct truth_unit *unit = n > head + 1 ? truth_unit(truth, request[head]) : NULL;

	if (!unit)
		return 0;
	*ret_wait_ms = truth->takes_ms + (wy_ms)chance_below(&truth->random, (uint64_t)truth->spread_ms + 1);
	size_t len = make_body(truth, unit, request + head, n - head, answer + head);
	if (!len)
		return 0;
	if (truth->frames == FRAME_RTU)
		return frame_seal(answer, len);
	memcpy(answer, request, 4);
	answer[4] = (uint8_t)(len >> 8);
	answer[5] = (uint8_t)len;
	return head + len;
}

/* ---- Judging ------------------------------------------------------ */

static bool does_cover(const struct truth_ask *ask, uint8_t function, uint16_t address, unsigned n)
{
	return ask->k && ask->function == function && address >= ask->address &&
	       address + n <= (unsigned)ask->address + ask->count;
}

static uint32_t value_of(const struct truth *truth, uint8_t unit, uint8_t function, uint16_t address, unsigned n_words,
			 uint32_t k)
{
	uint32_t value = 0;

	if (!n_words)
		return truth_word(truth->number, unit, function, address, k) & 1;
	for (unsigned i = 0; i < n_words; i++)
		value = value << 16 | truth_word(truth->number, unit, function, (uint16_t)(address + i), k);
	return value;
}

/* Was the same asked again after k? Then the answer to k is an old one. Two reads that only overlap are each as good. */
static bool is_asked_again(const struct truth_unit *unit, uint32_t k)
{
	const struct truth_ask *old = &unit->asks[k % TRUTH_ASKS];

	for (uint32_t i = k + 1; i <= unit->n_asked; i++) {
		const struct truth_ask *ask = &unit->asks[i % TRUTH_ASKS];
		if (ask->function == old->function && ask->address == old->address && ask->count == old->count)
			return true;
	}
	return false;
}

enum truth_verdict truth_judge(const struct truth *truth, uint8_t unit, uint8_t function, uint16_t address,
			       unsigned n_words, uint32_t value, wy_ms since_ms)
{
	const struct truth_unit *u = truth_unit(truth, unit);

	for (uint32_t k = u->n_asked; k > 0 && k + TRUTH_ASKS > u->n_asked; k--) {
		const struct truth_ask *ask = &u->asks[k % TRUTH_ASKS];
		if (!does_cover(ask, function, address, n_words ? n_words : 1) ||
		    value_of(truth, unit, function, address, n_words, k) != value)
			continue;
		if (ask->at_ms >= since_ms && !is_asked_again(u, k))
			return TRUTH_RIGHT;
		if (n_words) /* one bit tells nothing about older answers */
			return TRUTH_STALE;
	}
	return TRUTH_CORRUPT;
}
