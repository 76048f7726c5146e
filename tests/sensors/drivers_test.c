/* drivers_test.c: the rows of drivers.def hang together, and a driver's own keys are read beside the common ones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "driver.h"
#include "yaml_tree.h"

static void every_row_has_its_driver_and_every_driver_a_wire(void **state)
{
	(void)state;
	for (int t = 0; t < SENSOR_TRANSPORTS; t++) {
		const struct sensor_driver *driver = sensor_driver_find((enum sensor_transport)t);
		int n_wires = 0;
		assert_string_equal(driver->name, sensor_transport_rows[t].name);
		assert_string_equal(driver->name, sensor_transport_names[t]);
		for (int w = 0; w < SENSOR_WIRE_KINDS; w++)
			n_wires += sensor_wire_rows[w].transport == (enum sensor_transport)t;
		assert_true(n_wires > 0);
	}
	assert_null(sensor_transport_names[SENSOR_TRANSPORTS]);
	assert_null(sensor_wire_names[SENSOR_WIRE_KINDS]);
}

static void finds_whole_words_only(void **state)
{
	(void)state;
	assert_true(sensor_has_word("tty baud", "tty"));
	assert_true(sensor_has_word("tty baud", "baud"));
	assert_false(sensor_has_word("tty baud", "bau"));
	assert_false(sensor_has_word("tty baud", "tt"));
	assert_false(sensor_has_word("", "tty"));
}

/* ---- Keys of a driver's own --------------------------------------------------------------------- */

struct own {
	int64_t slot;
	const char *address; /* a name that another table has too */
};
static const struct wy_field own_rows[] = {
	{"slot", WY_FIELD_INT, offsetof(struct own, slot), true, 0, 15, NULL, "slot of the rack"},
	{"address", WY_FIELD_TEXT, offsetof(struct own, address), false, 0, 0, NULL, "by name"},
};

static enum wy_err no_slot_seven(const struct wy_node *map, const void *values, struct wy_diags *diags)
{
	if (((const struct own *)values)->slot != 7)
		return WY_OK;
	wy_diag_add(diags, WY_DIAG_ERROR, "E105", wy_node_get(map, "slot"), 0, "slot 7 is the fan");
	return WY_E_INVALID;
}

static const struct own own_defaults = {.slot = 3, .address = "none"};
static const struct sensor_options own = {own_rows, 2, sizeof(struct own), &own_defaults, no_slot_seven};

struct common {
	int64_t address;
	const char *name;
};
static const struct wy_field common_rows[] = {
	{"address", WY_FIELD_INT, offsetof(struct common, address), false, 0, 0, NULL, "a number"},
	{"name", WY_FIELD_TEXT, offsetof(struct common, name), true, 0, 0, NULL, "its name"},
};

struct desk {
	unsigned char memory[65536];
	struct wy_arena arena;
	struct wy_diags diags;
	struct common common;
	const struct own *own;
};

static enum wy_err read_map(struct desk *d, const char *text)
{
	struct wy_field_table tables[2] = {{NULL, 0, NULL}, {common_rows, 2, &d->common}};
	const struct wy_node *root;

	wy_arena_init(&d->arena, d->memory, sizeof(d->memory));
	wy_diags_init(&d->diags, &d->arena);
	d->common = (struct common){.address = -1};
	assert_int_equal(yaml_load_text("t.yaml", text, strlen(text), &d->arena, &d->diags, &root), WY_OK);
	assert_int_equal(sensor_options_begin(&own, &d->arena, &tables[0]), WY_OK);
	d->own = tables[0].out;
	enum wy_err err = wy_fields_read_tables(root, tables, 2, &d->diags);
	return err ? err : sensor_options_check(&own, root, d->own, &d->diags);
}

static void a_name_two_tables_have_is_the_drivers(void **state)
{
	static struct desk d;

	(void)state;
	assert_int_equal(read_map(&d, "slot: 4\nname: a\naddress: fan tray\n"), WY_OK);
	assert_int_equal(d.own->slot, 4);
	assert_string_equal(d.own->address, "fan tray");
	assert_string_equal(d.common.name, "a");
	assert_int_equal(d.common.address, -1);
}

static void defaults_stay_where_a_key_is_left_out(void **state)
{
	static struct desk d;

	(void)state;
	assert_int_equal(read_map(&d, "slot: 4\nname: a\n"), WY_OK);
	assert_string_equal(d.own->address, "none");
}

static void mistakes_of_both_tables_are_said_together(void **state)
{
	static struct desk d;

	(void)state;
	assert_int_equal(read_map(&d, "slit: 4\nnmae: a\n"), WY_E_INVALID);
	assert_int_equal(d.diags.errors, 4); /* two that nobody knows, two that are missing */
	assert_non_null(strstr(d.diags.item[0].text, "did you mean 'slot'?"));
	assert_non_null(strstr(d.diags.item[1].text, "did you mean 'name'?"));
}

static void what_the_driver_refuses_is_refused(void **state)
{
	static struct desk d;

	(void)state;
	assert_int_equal(read_map(&d, "slot: 7\nname: a\n"), WY_E_INVALID);
	assert_string_equal(d.diags.item[0].text, "slot 7 is the fan");
}

static void a_driver_without_keys_of_its_own_is_an_empty_table(void **state)
{
	struct wy_field_table table;
	struct wy_arena arena;

	(void)state;
	wy_arena_init(&arena, NULL, 0);
	assert_int_equal(sensor_options_begin(NULL, &arena, &table), WY_OK);
	assert_int_equal(table.n_rows, 0);
	assert_null(table.out);
	assert_int_equal(sensor_options_begin(&own, &arena, &table), WY_E_NOMEM);
	assert_true(sensor_options_has(&own, "slot"));
	assert_false(sensor_options_has(&own, "name"));
	assert_false(sensor_options_has(NULL, "slot"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_row_has_its_driver_and_every_driver_a_wire),
		cmocka_unit_test(finds_whole_words_only),
		cmocka_unit_test(a_name_two_tables_have_is_the_drivers),
		cmocka_unit_test(defaults_stay_where_a_key_is_left_out),
		cmocka_unit_test(mistakes_of_both_tables_are_said_together),
		cmocka_unit_test(what_the_driver_refuses_is_refused),
		cmocka_unit_test(a_driver_without_keys_of_its_own_is_an_empty_table),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
