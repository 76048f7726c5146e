/* What vendors write in register lists, and what it means. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "profile_words.h"

#define COUNT(rows) (sizeof(rows) / sizeof(*(rows)))
#define NO_AREA (-1)

static void heads_are_known_in_both_languages(void **state)
{
	static const struct {
		const char *cell;
		enum list_column column;
	} rows[] = {
		{"Address", LIST_ADDRESS},	  {"Modbus address (hex)", LIST_ADDRESS}, {"Register", LIST_ADDRESS},
		{"地址", LIST_ADDRESS},		  {"寄存器地址", LIST_ADDRESS},		  {"Register Type", LIST_AREA},
		{"功能码", LIST_AREA},		  {"Function Code", LIST_AREA},		  {"Name", LIST_NAME},
		{"Register name", LIST_NAME},	  {"参数名称", LIST_NAME},		  {"Signal", LIST_NAME},
		{"Data Type", LIST_TYPE},	  {"数据类型", LIST_TYPE},		  {"format", LIST_TYPE},
		{"Unit", LIST_UNIT},		  {"单位", LIST_UNIT},			  {"Scale factor", LIST_SCALE},
		{"倍率", LIST_SCALE},		  {"R/W", LIST_ACCESS},			  {"读写属性", LIST_ACCESS},
		{"Access", LIST_ACCESS},	  {"Description", LIST_DESCRIPTION},	  {"参数说明", LIST_DESCRIPTION},
		{"Number of registers", LIST_COUNT}, {"数量", LIST_COUNT},		  {"Price", LIST_COLUMNS},
		{"", LIST_COLUMNS},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		if (list_column_of(rows[i].cell) != rows[i].column)
			fail_msg("'%s' is column %d", rows[i].cell, (int)list_column_of(rows[i].cell));
	assert_true(list_is_hex_column("Address (HEX)") && list_is_hex_column("地址(十六进制)"));
	assert_false(list_is_hex_column("Address"));
}

static void addresses_say_number_base_area_and_bit(void **state)
{
	static const struct {
		const char *cell;
		bool is_hex_column, is_known;
		int area;
		int64_t base, number, last;
		int bit;
	} rows[] = {
		{"40001", false, true, SENSOR_HOLDING, 40001, 40001, 40001, -1},
		{" 30017 ", false, true, SENSOR_INPUT, 30001, 30017, 30017, -1},
		{"10001", false, true, SENSOR_DISCRETE, 10001, 10001, 10001, -1},
		{"00005", false, true, SENSOR_COIL, 1, 5, 5, -1},
		{"400001", false, true, SENSOR_HOLDING, 400001, 400001, 400001, -1},
		{"465536", false, true, SENSOR_HOLDING, 400001, 465536, 465536, -1},
		{"4x0017", false, true, SENSOR_HOLDING, 40001, 40017, 40017, -1},
		{"3X1", false, true, SENSOR_INPUT, 30001, 30001, 30001, -1},
		{"17", false, true, NO_AREA, 0, 17, 17, -1},
		{"0", false, true, NO_AREA, 0, 0, 0, -1},
		{"0x1010", false, true, NO_AREA, 0, 0x1010, 0x1010, -1},
		{"1010H", false, true, NO_AREA, 0, 0x1010, 0x1010, -1},
		{"F90Bh", false, true, NO_AREA, 0, 0xF90B, 0xF90B, -1},
		{"1010", true, true, NO_AREA, 0, 0x1010, 0x1010, -1},
		{"40001.3", false, true, SENSOR_HOLDING, 40001, 40001, 40001, 3},
		{"0x10:15", false, true, NO_AREA, 0, 0x10, 0x10, 15},
		{"40001-40004", false, true, SENSOR_HOLDING, 40001, 40001, 40004, -1},
		{"0x10 ~ 0x1F", false, true, NO_AREA, 0, 0x10, 0x1F, -1},
		{"40001.16", false, false, 0, 0, 0, 0, 0},
		{"40004-40001", false, false, 0, 0, 0, 0, 0},
		{"alarm", false, false, 0, 0, 0, 0, 0},
		{"101B", false, false, 0, 0, 0, 0, 0},
		{"12 bits", false, false, 0, 0, 0, 0, 0},
		{"4x", false, false, 0, 0, 0, 0, 0},
		{"0x", false, false, 0, 0, 0, 0, 0},
		{"", false, false, 0, 0, 0, 0, 0},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct list_address a;
		if (list_address_of(rows[i].cell, rows[i].is_hex_column, &a) != rows[i].is_known)
			fail_msg("'%s' is %s address", rows[i].cell, rows[i].is_known ? "no" : "an");
		if (!rows[i].is_known)
			continue;
		int area = a.has_area ? (int)a.area : NO_AREA;
		if (area != rows[i].area || a.base != rows[i].base || a.number != rows[i].number ||
		    a.last != rows[i].last || a.bit != rows[i].bit)
			fail_msg("'%s': area %d base %lld number %lld last %lld bit %d", rows[i].cell, area,
				 (long long)a.base, (long long)a.number, (long long)a.last, a.bit);
	}
}

static void areas_types_and_rights_are_known(void **state)
{
	static const struct {
		const char *cell;
		int area;
	} areas[] = {{"3", SENSOR_HOLDING},		{"04", SENSOR_INPUT},	 {"FC02", SENSOR_DISCRETE},
		     {"Holding Register", SENSOR_HOLDING}, {"输入寄存器", SENSOR_INPUT}, {"保持寄存器", SENSOR_HOLDING},
		     {"线圈", SENSOR_COIL},		{"离散输入", SENSOR_DISCRETE}, {"03/06/16", SENSOR_HOLDING},
		     {"06", NO_AREA},			{"", NO_AREA}};
	static const struct {
		const char *cell;
		int encoding; /* -1: unknown */
		bool is_bool;
	} types[] = {{"UINT16", SENSOR_U16, false}, {"unsigned int", SENSOR_U16, false}, {"无符号整型", SENSOR_U16, false},
		     {"int16", SENSOR_I16, false},  {"有符号", SENSOR_I16, false},	 {"DWORD", SENSOR_U32, false},
		     {"INT32", SENSOR_I32, false},  {"Float", SENSOR_F32, false},	 {"IEEE 754", SENSOR_F32, false},
		     {"浮点数", SENSOR_F32, false}, {"uint64", SENSOR_U64, false},	 {"BOOL", SENSOR_BIT, true},
		     {"开关量", SENSOR_BIT, true},  {"String", SENSOR_TEXT, false},	 {"字符串", SENSOR_TEXT, false},
		     {"double", -1, false},	    {"int64", -1, false},		 {"BCD", -1, false},
		     {"", -1, false}};
	static const char *const writable[] = {"RW", "R/W", "W", "Read/Write", "读写", "读/写", "可读可写", "06", "只写"};
	static const char *const readable[] = {"R", "RO", "read only", "Read", "只读", "读", "", "不可写"};
	enum sensor_area area;
	struct list_type type;

	(void)state;
	for (size_t i = 0; i < COUNT(areas); i++)
		if ((list_area_of(areas[i].cell, &area) ? (int)area : NO_AREA) != areas[i].area)
			fail_msg("area '%s'", areas[i].cell);
	for (size_t i = 0; i < COUNT(types); i++) {
		bool is_known = list_type_of(types[i].cell, &type);
		if ((is_known ? (int)type.encoding : -1) != types[i].encoding ||
		    (is_known && type.is_bool != types[i].is_bool))
			fail_msg("type '%s'", types[i].cell);
	}
	for (size_t i = 0; i < COUNT(writable); i++)
		if (!list_is_writable(writable[i]))
			fail_msg("'%s' can be written", writable[i]);
	for (size_t i = 0; i < COUNT(readable); i++)
		if (list_is_writable(readable[i]))
			fail_msg("'%s' cannot be written", readable[i]);
}

static void units_factors_and_names_are_brought_to_ours(void **state)
{
	static const struct {
		const char *cell, *unit;
	} units[] = {{"℃", "degC"}, {"MPa", "MPa"}, {"MPA", "MPa"}, {"mA", "mA"}, {"MA", NULL}, {"m³/h", "m3/h"},
		     {"r/min", "rpm"}, {"%", "%"},  {"kWh", NULL},  {"MOHM", NULL}, {"小时", "h"}, {"", NULL}};
	static const struct {
		const char *cell;
		double scale; /* 0: not understood */
	} scales[] = {{"0.1", 0.1}, {"x0.01", 0.01}, {"×0.1", 0.1}, {"*10", 10}, {"/10", 0.1},	{"1/100", 0.01},
		      {"", 1},	    {"-", 1},	     {"3/4", 0},    {"0", 0},	 {"auto", 0}, {"/0", 0}};
	static const struct {
		const char *cell, *name;
	} names[] = {{"Discharge pressure (A)", "discharge_pressure_a"}, {"轿厢 Load %", "load"}, {"运行速度", ""},
		     {"__x--", "x"}};
	char name[24];
	double scale;

	(void)state;
	for (size_t i = 0; i < COUNT(units); i++) {
		const char *unit = list_unit_of(units[i].cell);
		if ((unit == NULL) != (units[i].unit == NULL) || (unit && strcmp(unit, units[i].unit) != 0))
			fail_msg("unit '%s' is %s", units[i].cell, unit ? unit : "none");
	}
	for (size_t i = 0; i < COUNT(scales); i++)
		if ((list_scale_of(scales[i].cell, &scale) ? scale : 0) != scales[i].scale)
			fail_msg("factor '%s'", scales[i].cell);
	for (size_t i = 0; i < COUNT(names); i++) {
		list_name_of(names[i].cell, name, sizeof(name));
		assert_string_equal(name, names[i].name);
	}
	list_name_of("a name that is longer than there is room", name, sizeof(name));
	assert_string_equal(name, "a_name_that_is_longer_t");
	assert_true(list_is_no_unit("次") && list_is_no_unit("-") && !list_is_no_unit("V"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(heads_are_known_in_both_languages),
		cmocka_unit_test(addresses_say_number_base_area_and_bit),
		cmocka_unit_test(areas_types_and_rights_are_known),
		cmocka_unit_test(units_factors_and_names_are_brought_to_ours),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
