/* coap_discover_test.c: what a server says it has, whole, in blocks, or not at all. */
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "coap_world.h"

struct told {
	size_t n_calls, n_links;
	enum wy_err err;
	uint8_t code;
	char last_path[64];
};

static void take(void *arg, enum wy_err err, uint8_t code, const struct link_list *links)
{
	struct told *told = arg;

	told->n_calls++;
	told->err = err;
	told->code = code;
	told->n_links = links->n;
	if (links->n > 0)
		snprintf(told->last_path, sizeof(told->last_path), "%s", links->row[links->n - 1].path);
}

static struct told discover(struct world *world)
{
	struct told told = {0};

	world->fake[0].resource[0].path = ".well-known/core";
	assert_int_equal(coap_discover_open(&world->wire[0], &world->device[0], &world->arena, 42, take, &told,
					    &world->diags, &world->field), WY_OK);
	until(world, told.n_calls > 0);
	return told;
}

static void the_links_of_a_server_are_told(void **state)
{
	struct world *world = *state;
	struct told told;

	world->fake[0].resource[0].format = 40;
	world->fake[0].resource[0].payload = "</3200/0/5500>;obs,</3411/0>";
	told = discover(world);
	assert_int_equal(told.err, WY_OK);
	assert_int_equal(told.n_links, 2);
	assert_string_equal(told.last_path, "/3411/0");
	assert_int_equal(world->fake[0].resource[0].last_accept, 40);
	assert_int_equal(world->fake[0].resource[0].n_gets, 1);
}

static void a_list_of_many_blocks_is_put_together(void **state)
{
	struct world *world = *state;
	char text[1200];
	size_t len = 0;
	struct told told;

	for (int i = 0; i < 70; i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len, "%s</s/%d>;obs", i ? "," : "", i);
	world->fake[0].resource[0].format = 40;
	world->fake[0].resource[0].payload = text;
	world->fake[0].resource[0].szx_plus1 = 3;
	told = discover(world);
	assert_int_equal(told.err, WY_OK);
	assert_int_equal(told.n_links, 70);
	assert_string_equal(told.last_path, "/s/69");
	assert_true(world->fake[0].resource[0].n_gets > 10);
	world->fake[0].resource[0].payload = "";
}

static void blocks_of_two_lists_are_no_list(void **state)
{
	struct world *world = *state;
	char *pack = long_pack(300);
	struct told told;

	world->fake[0].resource[0].format = 40;
	world->fake[0].resource[0].payload = pack;
	world->fake[0].resource[0].szx_plus1 = 3;
	world->fake[0].resource[0].is_etag_moving = true;
	told = discover(world);
	assert_int_equal(told.err, WY_E_PROTOCOL);
	assert_int_equal(told.n_links, 0);
	world->fake[0].resource[0].payload = "";
	free(pack);
}

static void a_server_that_does_not_tell_says_so(void **state)
{
	struct world *world = *state;
	struct told told;

	world->fake[0].resource[0].code = 0x84;
	told = discover(world);
	assert_int_equal(told.err, WY_E_EXCEPTION);
	assert_int_equal(told.code, 0x84);
}

static void what_is_no_list_is_none(void **state)
{
	struct world *world = *state;
	struct told told;

	world->fake[0].resource[0].format = 0;
	world->fake[0].resource[0].payload = "</a>";
	told = discover(world);
	assert_int_equal(told.err, WY_E_PROTOCOL);
	assert_int_equal(told.n_links, 0);
}

static void silence_is_an_error(void **state)
{
	struct world *world = *state;

	world->fake[0].is_silent = true;
	assert_int_equal(discover(world).err, WY_E_TIMEOUT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		each(the_links_of_a_server_are_told),
		each(a_list_of_many_blocks_is_put_together),
		each(blocks_of_two_lists_are_no_list),
		each(a_server_that_does_not_tell_says_so),
		each(what_is_no_list_is_none),
		each(silence_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
