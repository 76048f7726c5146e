/* Holds the Modbus driver against wires that disturb one answer in a hundred: no value may be taken for another request than
 * its own, and none may be taken from an answer that was damaged. 10,000 transactions of each kind, with WY_LONG a million;
 * WY_SEED chooses other troubles than those of seed 1. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "drivers.h"
#include "estate.h"
#include "naive.h"

/* A checksum of 16 bits lets one in 65,536 arbitrary errors pass, so noise is proven over fewer. */
enum { USUAL = 10000, LONG = 1000000, LONG_NOISE = 100000, LONG_WIRES = 120, MOST_MS = 100000000 };

static struct estate_conf proof(const struct sensor_driver *driver, enum line_kind kind, double rate)
{
	struct estate_conf conf = estate_usual(driver, kind, rate);
	const char *seed = getenv("WY_SEED");

	conf.has_echoes = driver == &sensor_driver_modbus;
	conf.seed = seed ? strtoull(seed, NULL, 10) : 1;
	if (getenv("WY_LONG"))
		conf.n_wires = LONG_WIRES;
	return conf;
}

/* ---- The driver --------------------------------------------------- */

static void prove(const struct estate_conf *conf, const char *title, uint64_t long_run)
{
	struct estate e;

	estate_open(&e, conf);
	estate_poll_until(&e, getenv("WY_LONG") ? long_run : USUAL, MOST_MS);
	estate_print(&e, title);
	assert_int_equal(e.stale + e.corrupt, 0);
	assert_int_equal(estate_writes(&e), 0);
	assert_int_equal(e.slow_returns, 0);
	assert_int_equal(e.false_offline, 0);
	/* The wires did what they were told, and it was noticed. */
	assert_true(estate_disturbed(&e) > estate_requests(&e) / 200);
	assert_true(e.accepted > 3 * estate_requests(&e));
	assert_true(e.bad_reports > estate_disturbed(&e) / 4);
	estate_close(&e);
}

static void no_value_of_another_request_is_taken_on_tcp(void **state)
{
	struct estate_conf conf = proof(&sensor_driver_modbus, LINE_TCP, 0.01);

	(void)state;
	prove(&conf, "TCP", LONG);
}

static void no_value_of_another_request_is_taken_on_a_serial_line(void **state)
{
	struct estate_conf conf = proof(&sensor_driver_modbus, LINE_PTY, 0.01);

	(void)state;
	prove(&conf, "serial", LONG);
}

static void no_value_is_made_of_noise(void **state)
{
	struct estate_conf conf = proof(&sensor_driver_modbus, LINE_PTY, 0);

	(void)state;
	conf.byte_rate = 0.001;
	prove(&conf, "serial, noise", LONG_NOISE);
}

/* ---- The proof proved --------------------------------------------- */

static void undisturbed_wires_give_no_cause_for_doubt(void **state)
{
	static const enum line_kind kinds[] = {LINE_TCP, LINE_PTY};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct estate_conf conf = proof(&naive_driver, kinds[i], 0);
		struct estate e;
		estate_open(&e, &conf);
		estate_poll_until(&e, USUAL / 4, MOST_MS);
		estate_print(&e, "plain reader, undisturbed");
		assert_true(e.accepted > USUAL / 4);
		assert_int_equal(e.stale + e.corrupt + estate_writes(&e), 0);
		estate_close(&e);
	}
}

static void a_plain_reader_takes_wrong_values(void **state)
{
	static const enum line_kind kinds[] = {LINE_TCP, LINE_PTY};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct estate_conf conf = proof(&naive_driver, kinds[i], 0.01);
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
		cmocka_unit_test(no_value_of_another_request_is_taken_on_tcp),
		cmocka_unit_test(no_value_of_another_request_is_taken_on_a_serial_line),
		cmocka_unit_test(no_value_is_made_of_noise),
		cmocka_unit_test(undisturbed_wires_give_no_cause_for_doubt),
		cmocka_unit_test(a_plain_reader_takes_wrong_values),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
