/* bits.h: sets of numbers as bits: what is to be looked at, what is to be saved. */
#ifndef RX_BITS_H
#define RX_BITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

static inline void rx_mark(uint64_t *bits, size_t i)
{
	bits[i / 64] |= (uint64_t)1 << i % 64;
}

static inline void rx_unmark(uint64_t *bits, size_t i)
{
	bits[i / 64] &= ~((uint64_t)1 << i % 64);
}

static inline void rx_set(uint64_t *bits, size_t i, bool is_marked)
{
	if (is_marked)
		rx_mark(bits, i);
	else
		rx_unmark(bits, i);
}

static inline bool rx_is_marked(const uint64_t *bits, size_t i)
{
	return bits[i / 64] >> i % 64 & 1u;
}

/* First marked bit at or after `from`, or n. */
static inline size_t rx_next_marked(const uint64_t *bits, size_t n, size_t from)
{
	while (from < n) {
		uint64_t word = bits[from / 64] >> from % 64;
		if (word)
			return from + (size_t)__builtin_ctzll(word);
		from = (from / 64 + 1) * 64;
	}
	return n;
}

/* The same of which most are empty, with a bit for each word that is not: the next is found at once. */
struct rx_marks {
	uint64_t *bits, *words;
	size_t n;
};

static inline void rx_marks_add(struct rx_marks *marks, size_t i)
{
	rx_mark(marks->bits, i);
	rx_mark(marks->words, i / 64);
}

static inline void rx_marks_take(struct rx_marks *marks, size_t i)
{
	rx_unmark(marks->bits, i);
	if (!marks->bits[i / 64])
		rx_unmark(marks->words, i / 64);
}

/* First one at or after `from`, or n. */
static inline size_t rx_marks_next(const struct rx_marks *marks, size_t from)
{
	if (from >= marks->n)
		return marks->n;
	uint64_t rest = marks->bits[from / 64] >> from % 64;
	if (rest)
		return from + (size_t)__builtin_ctzll(rest);
	size_t n_words = (marks->n + 63) / 64;
	size_t word = rx_next_marked(marks->words, n_words, from / 64 + 1);
	return word < n_words ? 64 * word + (size_t)__builtin_ctzll(marks->bits[word]) : marks->n;
}

#endif
