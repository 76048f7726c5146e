/* Memory that runs out anywhere in a TLS session: an error, never a crash, a leak or a session that should not be.
 *
 * The library is linked statically here, so that its calloc can be made to fail (--wrap). */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "mbaps_rig.h"

static struct mbaps_rig rig;
static unsigned long calls, fail_at; /* 0: never */

void *__real_calloc(size_t n, size_t size);
void *__wrap_calloc(size_t n, size_t size);

void *__wrap_calloc(size_t n, size_t size)
{
	return ++calls == fail_at ? NULL : __real_calloc(n, size);
}

/* A whole life: files, handshake, a byte each way. */
static enum wy_err live(void)
{
	uint8_t byte;
	enum wy_err err = mbaps_rig_begin(&rig);

	if (!err)
		err = mbaps_rig_shake(&rig);
	if (err)
		return err;
	mbaps_rig_serve(&rig);
	assert_true(rig.is_accepted);
	if (modbus_tls_send(rig.session, "?", 1) != 1)
		return WY_E_LINK;
	mbaps_rig_serve(&rig);
	assert_int_equal(rig.heard[0], '?');
	mbaps_rig_say(&rig, "!", 1);
	mbaps_rig_pass(&rig, rig.n_said);
	if (modbus_tls_recv(rig.session, &byte, 1) != 1)
		return WY_E_LINK;
	assert_int_equal(byte, '!');
	return WY_OK;
}

static void fails_and_lives_on(void **state)
{
	(void)state;
	mbaps_rig_open(&rig, "server", "monitor");
	calls = fail_at = 0;
	assert_int_equal(live(), WY_OK);
	unsigned long all = calls;
	assert_true(all > 100);
	unsigned failed = 0, step = all > 400 ? (unsigned)(all / 400) : 1;
	for (unsigned long n = 1; n <= all; n += step) {
		mbaps_rig_end(&rig);
		wy_arena_init(&rig.arena, rig.memory, sizeof(rig.memory));
		wy_diags_init(&rig.diags, &rig.arena);
		calls = 0;
		fail_at = n;
		failed += live() != WY_OK;
	}
	assert_true(failed > 20);
	fail_at = 0;
	assert_int_equal(live(), WY_OK); /* nothing stays behind */
	mbaps_rig_close(&rig);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {cmocka_unit_test(fails_and_lives_on)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
