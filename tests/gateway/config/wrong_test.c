/* wrong_test.c: each deliberately wrong file is named at its line and column, and nothing else is
 * said. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "wrong_files.h"

static void every_mistake_is_named_at_its_place_and_nothing_else(void **state)
{
	(void)state;
	assert_true(wrong_files_run(WY_SOURCE_DIR "/tests/gateway/config/wrong", NULL) >= 24);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_mistake_is_named_at_its_place_and_nothing_else),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
