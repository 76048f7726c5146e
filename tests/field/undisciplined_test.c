/* The same proof as in proof_test.c, for a build of the driver without its discipline (undisciplined.c): it must fail. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "drivers.h"
#include "estate.h"

enum { TRANSACTIONS = 10000, MOST_MS = 100000000 };

static void fail_the_proof(enum line_kind kind, const char *title)
{
	struct estate_conf conf = estate_usual(&sensor_driver_modbus, kind, 0.01);
	struct estate e;

	estate_open(&e, &conf);
	estate_poll_until(&e, TRANSACTIONS, MOST_MS);
	estate_print(&e, title);
	assert_true(e.stale + e.corrupt > 0);
	estate_close(&e);
}

static void without_discipline_wrong_values_come_over_tcp(void **state)
{
	(void)state;
	fail_the_proof(LINE_TCP, "undisciplined, TCP");
}

static void without_discipline_wrong_values_come_over_a_serial_line(void **state)
{
	(void)state;
	fail_the_proof(LINE_PTY, "undisciplined, serial");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_discipline_wrong_values_come_over_tcp),
		cmocka_unit_test(without_discipline_wrong_values_come_over_a_serial_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
