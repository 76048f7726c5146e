/* What uplink_check refuses before any network is touched, and that it says which key is meant. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "uplink.h"

static struct uplink_conf good(void)
{
	return (struct uplink_conf){
		.host = "broker.example",
		.port = 8883,
		.server_name = "broker.example",
		.ca = "ca.crt",
		.certificate = "gw.crt",
		.key = "gw.key",
		.client_id = "gw-test-01",
		.keepalive_ms = 20000,
		.retry_first_ms = 1000,
		.retry_most_ms = 300000,
		.session_expiry_s = 86400,
	};
}

static void expect(const struct uplink_conf *conf, enum wy_err expected, const char *word)
{
	char text[400];
	struct wy_buf words;

	wy_buf_init(&words, text, sizeof text);
	assert_int_equal(uplink_check(conf, &words), expected);
	assert_false(words.is_cut);
	assert_non_null(strstr(text, word));
}

static void a_good_configuration_passes_without_a_word(void **state)
{
	struct uplink_conf conf = good();
	char text[400];
	struct wy_buf words;

	(void)state;
	wy_buf_init(&words, text, sizeof text);
	assert_int_equal(uplink_check(&conf, &words), WY_OK);
	assert_string_equal(text, "");
	conf.server_name = NULL;
	assert_int_equal(uplink_check(&conf, &words), WY_OK);
}

static void a_server_name_that_is_not_dialled_is_refused_with_a_way_out(void **state)
{
	struct uplink_conf conf = good();

	(void)state;
	conf.host = "192.0.2.7";
	expect(&conf, WY_E_UNSUPPORTED, "/etc/hosts");
}

static void a_host_that_would_change_the_address_is_refused(void **state)
{
	static const char *const hosts[] = {"", "a b", "a/b", "x@y", "::1", "ws://x", "a:1883"};

	(void)state;
	for (size_t i = 0; i < sizeof hosts / sizeof *hosts; i++) {
		struct uplink_conf conf = good();

		conf.host = hosts[i];
		conf.server_name = NULL;
		expect(&conf, WY_E_INVALID, "host");
	}
}

static void each_wrong_value_is_named(void **state)
{
	static const char *const many[] = {"1", "2", "3", "4", "5", "6", "7", "8", "9", NULL};
	struct uplink_conf conf = good();

	(void)state;
	conf.port = 0;
	expect(&conf, WY_E_INVALID, "port");
	conf = good();
	conf.key = NULL;
	expect(&conf, WY_E_INVALID, "key");
	conf = good();
	conf.client_id = "";
	expect(&conf, WY_E_INVALID, "client id");
	conf = good();
	conf.keepalive_ms = 999;
	expect(&conf, WY_E_INVALID, "keepalive");
	conf = good();
	conf.retry_most_ms = 999;
	expect(&conf, WY_E_INVALID, "retry_first");
	conf = good();
	conf.session_expiry_s = UINT32_MAX;
	expect(&conf, WY_E_INVALID, "session expiry");
	conf = good();
	conf.subscribe = many;
	expect(&conf, WY_E_LIMIT, "subscribe");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_good_configuration_passes_without_a_word),
		cmocka_unit_test(a_server_name_that_is_not_dialled_is_refused_with_a_way_out),
		cmocka_unit_test(a_host_that_would_change_the_address_is_refused),
		cmocka_unit_test(each_wrong_value_is_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
