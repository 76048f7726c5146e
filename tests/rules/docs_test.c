/* docs_test.c: the examples of the documents are rules that compile. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pack_world.h"

enum { TEXT_BYTES = 1 << 16, ARENA_BYTES = 8 << 20 };

static const char begin[] = "\n```yaml\n";
static const char end[] = "\n```";
/* Around a piece of a rule, such as its levels. */
static const char head[] = "weiyu: rules/1\npackage: t\nrules:\n  - id: t.r\n    scope: leak_cable\n    fault: WTR-01\n"
			   "    meta: {}\n";

static void compile_block(const struct pack_world *world, const char *path, const char *block, size_t len)
{
	static char text[TEXT_BYTES];
	static struct wy_diags diags;
	struct wy_arena arena;
	struct wy_buf buf;
	void *memory = malloc(ARENA_BYTES);

	wy_buf_init(&buf, text, sizeof(text));
	if (strncmp(block, "weiyu:", 6) != 0)
		wy_buf_add(&buf, head);
	wy_buf_addn(&buf, block, len);
	wy_arena_init(&arena, memory, ARENA_BYTES);
	wy_diags_init(&diags, &arena);
	enum wy_err err = pack_world_compile(world, text, buf.len, &arena, &diags);
	for (size_t i = 0; i < diags.n; i++)
		print_message("%s: %s: %s\nin:\n%s\n", path, diags.item[i].code, diags.item[i].text, text);
	free(memory);
	assert_int_equal(err, WY_OK);
	assert_int_equal(diags.n, 0);
}

static unsigned compile_blocks(const struct pack_world *world, const char *path)
{
	static char text[TEXT_BYTES];
	FILE *file = fopen(path, "rb");
	unsigned n = 0;

	assert_non_null(file);
	size_t len = fread(text, 1, sizeof(text) - 1, file);
	fclose(file);
	assert_true(len < sizeof(text) - 1);
	text[len] = '\0';
	for (const char *at = strstr(text, begin); at; at = strstr(at, begin)) {
		at += strlen(begin);
		const char *close = strstr(at, end);
		assert_non_null(close);
		compile_block(world, path, at, (size_t)(close + 1 - at));
		n++;
	}
	return n;
}

static void every_example_of_the_documents_compiles_without_a_word(void **state)
{
	struct pack_world world;

	(void)state;
	pack_world_open(&world);
	assert_true(compile_blocks(&world, WY_SOURCE_DIR "/docs/rules-language.md") >= 2);
	(void)compile_blocks(&world, WY_SOURCE_DIR "/rules/README.md");
	pack_world_close(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_example_of_the_documents_compiles_without_a_word),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
