/* profile_words.h: what a vendor writes into a register list, and what it means. Pure; no memory.
 *
 * Lists come from manuals, in English and Chinese, with the spelling of the day: "Data Type", "数据类型", "UINT16",
 * "40001", "1010H", "R/W". Everything here takes one cell as NUL-terminated UTF-8 and says what it recognises in it.
 * Case, blanks and punctuation do not count. */
#ifndef SENSOR_PROFILE_WORDS_H
#define SENSOR_PROFILE_WORDS_H

#include "sensor.h"

enum list_column {
	LIST_ADDRESS,
	LIST_NAME,
	LIST_TYPE,
	LIST_UNIT,
	LIST_SCALE,
	LIST_ACCESS,
	LIST_AREA,
	LIST_COUNT,
	LIST_DESCRIPTION,
	LIST_COLUMNS, /* none of them */
};
/* Of a cell of the head of the list. */
enum list_column list_column_of(const char *cell);
/* Whether the head says that its numbers are hexadecimal. */
bool list_is_hex_column(const char *cell);

struct list_address {
	bool has_area; /* a reference such as 40001, or 00001, says it */
	enum sensor_area area;
	int64_t base; /* of the references of that area: 40001, 400001; else 0 */
	bool is_hex;
	int64_t number; /* as written */
	int64_t last;   /* of "40001-40002"; else number */
	int bit;        /* of "40001.3"; else -1 */
};
/* "40001", "400001", "0x1010", "1010H", "17", with a bit or a last one behind it. False: no address. */
bool list_address_of(const char *cell, bool is_hex_column, struct list_address *ret_address);

/* "3", "FC04", "Input Register", "保持寄存器". False: none of the four. */
bool list_area_of(const char *cell, enum sensor_area *ret_area);

struct list_type {
	enum sensor_encoding encoding;
	bool is_bool;
};
/* "UINT16", "float", "DWORD", "无符号整型", "String". False: unknown. */
bool list_type_of(const char *cell, struct list_type *ret_type);

/* "RW", "W", "读写", "06": whoever may write it does more with it than say what it measures. */
bool list_is_writable(const char *cell);

/* The name of units.def, or NULL: unknown, or none. */
const char *list_unit_of(const char *cell);
/* Said not to have one: "-", "times", "个". */
bool list_is_no_unit(const char *cell);

/* "0.1", "x0.1", "/10", "1/10". False: no factor. An empty cell is factor 1. */
bool list_scale_of(const char *cell, double *ret_scale);

/* A name a point may have, from what stands there: small letters, digits, underscores. "" where nothing is left. */
void list_name_of(const char *cell, char *ret_name, size_t size);

#endif
