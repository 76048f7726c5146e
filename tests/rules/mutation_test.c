/* mutation_test.c: the shipped packages with bytes changed at random: whatever comes, the compiler ends
 * with a set or with messages. The seed is fixed, so a failure comes again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pack_world.h"

#define PACKS WY_SOURCE_DIR "/rules/packs/"

enum { ARENA_BYTES = 8 << 20, TEXT_MAX = 1 << 16, ROUNDS = 20000, FILES = 5, CUT = 2400 };

static const char *const names[FILES] = {"access.yaml", "fire.yaml", "lift.yaml", "system.yaml", "water.yaml"};

/* Words a person may put in the wrong place. */
static const char *const words[] = {"and", "not", "or", "in", "(", ")", "{", "}", "[", "]", "$", "==", "<", ">", "*",
				    "/", "-", "999999999999d", "1e400", "0s", "%", "degC", "5 dK", "count(", "alarm(",
				    "since(rise(", "true", ",", ":", "\"", "'", "#", "|", "\n", "\n  ", "\t", "\0x", "\xFF",
				    "阀", "é", "400d", "1ms", "clear:", "levels:", "latch: ack", "inhibited_by: [", "S1", "0"};

struct source {
	char text[TEXT_MAX];
	size_t len;
};

static struct source sources[FILES];
static struct pack_world world;
static const struct wy_node *fire; /* doors name its rules */

static uint32_t next(uint32_t *state)
{
	*state = *state * 1664525u + 1013904223u;
	return *state >> 8;
}

static int open_all(void **state)
{
	(void)state;
	pack_world_open(&world);
	for (size_t i = 0; i < FILES; i++) {
		char path[400];
		snprintf(path, sizeof(path), PACKS "%s", names[i]);
		FILE *file = fopen(path, "rb");
		if (!file)
			return -1;
		sources[i].len = fread(sources[i].text, 1, TEXT_MAX - 1, file);
		fclose(file);
	}
	fire = pack_world_read(&world, "fire.yaml");
	return 0;
}

static int close_all(void **state)
{
	(void)state;
	pack_world_close(&world);
	return 0;
}

static size_t splice(char *text, size_t len, size_t at, size_t cut, const char *word, size_t word_len)
{
	cut = cut > len - at ? len - at : cut;
	memmove(text + at + word_len, text + at + cut, len - at - cut);
	memcpy(text + at, word, word_len);
	return len - cut + word_len;
}

static size_t first_rules(const char *text, size_t len)
{
	size_t at = len < CUT ? len : CUT;

	for (; at > 0; at--)
		if (len - at > 8 && memcmp(text + at, "\n  - id:", 8) == 0)
			return at + 1;
	return len;
}

static size_t mutate(char *text, size_t len, uint32_t *random)
{
	size_t at = next(random) % (len + 1);
	size_t from = next(random) % len;
	size_t some = next(random) % 40;
	const char *word = words[next(random) % (sizeof(words) / sizeof(*words))];
	char copy[40];

	switch (next(random) % 5) {
	case 0: /* another byte */
		text[at < len ? at : 0] = (char)next(random);
		return len;
	case 1: /* some bytes gone */
		return splice(text, len, at, some, "", 0);
	case 2: /* a word in between */
		return splice(text, len, at, 0, word, *word ? strlen(word) : 1);
	case 3: /* a word instead */
		return splice(text, len, at, some % 8, word, *word ? strlen(word) : 1);
	default: /* a piece of elsewhere */
		some = some > len - from ? len - from : some;
		memcpy(copy, text + from, some);
		return splice(text, len, at, 0, copy, some);
	}
}

static const struct wy_node *beside(const struct source *source)
{
	return source == &sources[0] ? fire : NULL;
}

static void the_packages_as_they_are_compile(void **state)
{
	struct wy_arena arena;
	static struct wy_diags diags;
	void *memory = malloc(ARENA_BYTES);

	(void)state;
	for (size_t i = 0; i < FILES; i++) {
		wy_arena_init(&arena, memory, ARENA_BYTES);
		wy_diags_init(&diags, &arena);
		world.beside = beside(&sources[i]);
		enum wy_err err = pack_world_compile(&world, sources[i].text, sources[i].len, &arena, &diags);
		if (err)
			for (size_t j = 0; j < diags.n; j++)
				print_message("%s:%u: %s %s\n", names[i], diags.item[j].place.line, diags.item[j].code,
					      diags.item[j].text);
		assert_int_equal(err, WY_OK);
	}
	free(memory);
}

/* A value that the bounds of a parameter allow must not make a rule that cannot be meant. */
static void all_packages_together_stand_every_parameter_at_its_limits(void **state)
{
	struct wy_arena arena;
	static struct wy_diags diags;
	void *memory = malloc(4 * ARENA_BYTES);

	(void)state;
	wy_arena_init(&arena, memory, 4 * ARENA_BYTES);
	wy_diags_init(&diags, &arena);
	struct rule_set *set = NULL;
	enum wy_err err = pack_world_compile_shipped(&world, &arena, &diags, &set);
	for (size_t j = 0; j < diags.n; j++) {
		char text[1000];
		struct wy_buf buf;
		wy_buf_init(&buf, text, sizeof(text));
		wy_diag_print(&diags.item[j], &buf);
		print_message("%s\n", text);
	}
	assert_int_equal(err, WY_OK);
	assert_int_equal(0, diags.errors);
	free(memory);
}

static void changed_packages_end_in_a_set_or_in_messages(void **state)
{
	static char text[2 * TEXT_MAX];
	static struct wy_diags diags;
	void *memory = malloc(ARENA_BYTES);
	uint32_t random = 20240611;
	unsigned good = 0;
	unsigned bad = 0;

	(void)state;
	for (unsigned round = 0; round < ROUNDS; round++) {
		const struct source *source = &sources[next(&random) % FILES];
		struct wy_arena arena;
		size_t len = source->len;
		memcpy(text, source->text, len);
		/* Most rounds take the first rules alone: quicker, and a mistake leaves little else. */
		if (round % 8)
			len = first_rules(text, len);
		for (unsigned n = 1 + next(&random) % 4; n; n--)
			len = mutate(text, len ? len : 1, &random);
		wy_arena_init(&arena, memory, ARENA_BYTES);
		wy_diags_init(&diags, &arena);
		world.beside = beside(source);
		enum wy_err err = pack_world_compile(&world, text, len, &arena, &diags);
		if (err)
			assert_true(diags.errors > 0 && diags.n > 0);
		else
			assert_int_equal(diags.errors, 0);
		for (size_t i = 0; i < diags.n; i++) {
			char line[2000];
			struct wy_buf buf;
			wy_buf_init(&buf, line, sizeof(line));
			wy_diag_print(&diags.item[i], &buf);
			assert_true(buf.len > 0);
		}
		good += !err;
		bad += !!err;
	}
	free(memory);
	print_message("%u sets, %u refusals\n", good, bad);
	assert_true(good > 100);
	assert_true(bad > 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_packages_as_they_are_compile),
		cmocka_unit_test(all_packages_together_stand_every_parameter_at_its_limits),
		cmocka_unit_test(changed_packages_end_in_a_set_or_in_messages),
	};

	return cmocka_run_group_tests(tests, open_all, close_all);
}
