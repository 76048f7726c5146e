/* Holds drivers against wires that disturb one answer in a hundred: no value may be taken for another request than its
 * own. 10,000 transactions of each kind; with WY_LONG a million. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "estate.h"
#include "naive.h"

enum { USUAL = 10000, LONG = 1000000, MOST_MS = 100000000 };

static struct estate_conf wires(const struct sensor_driver *driver, enum line_kind kind, double rate)
{
	return (struct estate_conf){.driver = driver,
				    .kind = kind,
				    .n_wires = 60,
				    .n_units = 3,
				    .of_all = ESTATE_KINDS,
				    .period_ms = 1000,
				    .timeout_ms = 500,
				    .takes_ms = 5,
				    .spread_ms = 20,
				    .baud = 9600,
				    .seed = 1,
				    .rate = rate,
				    .speed = 25};
}

/* ---- The proof proved --------------------------------------------- */

static void undisturbed_wires_give_no_cause_for_doubt(void **state)
{
	static const enum line_kind kinds[] = {LINE_TCP, LINE_PTY};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct estate_conf conf = wires(&naive_driver, kinds[i], 0);
		struct estate e;
		estate_open(&e, &conf);
		estate_poll_until(&e, USUAL / 2, MOST_MS);
		estate_print(&e, "plain reader, undisturbed");
		assert_true(e.accepted > USUAL / 2);
		assert_int_equal(e.stale + e.corrupt + estate_writes(&e), 0);
		estate_close(&e);
	}
}

static void a_plain_reader_takes_wrong_values(void **state)
{
	static const enum line_kind kinds[] = {LINE_TCP, LINE_PTY};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct estate_conf conf = wires(&naive_driver, kinds[i], 0.01);
		struct estate e;
		estate_open(&e, &conf);
		estate_poll_until(&e, USUAL, MOST_MS);
		estate_print(&e, kinds[i] == LINE_TCP ? "plain reader, TCP" : "plain reader, serial");
		assert_true(e.stale > 0);
		estate_close(&e);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(undisturbed_wires_give_no_cause_for_doubt),
		cmocka_unit_test(a_plain_reader_takes_wrong_values),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
