/* profile_import.c: see profile_import.h. Two passes: rows into items, then items into text, because the way addresses are
 * written (references such as 40001, or wire addresses) is that of all points together. */
#include "profile_import.h"

#include <string.h>

#include "buf.h"
#include "decode.h"
#include "profile_words.h"

enum {
	NAME_BYTES = 48,
	TEXT_REGISTERS = 8, /* where the list does not say how long a text is */
	TEXT_MOST = 32,
	REGISTERS_MOST = 65536,
};

enum fate { ITEM_POINT, ITEM_WRITABLE, ITEM_SAYING, ITEM_WRONG };

struct item {
	const struct list_row *row;
	enum fate fate;
	const char *reason; /* WRONG */
	char name[NAME_BYTES + 8];
	struct list_address address;
	enum sensor_area area;
	int64_t wire; /* address */
	struct list_type type;
	uint32_t n_registers;
	double scale;
	const char *unit;
	bool is_area_guessed, is_type_guessed, is_unit_lost, is_scale_lost;
	bool is_width_odd; /* the list gives it another number of registers */
};

struct import {
	const struct list_source *list;
	struct wy_diags *diags;
	const struct wy_source *source; /* for messages */
	int column[LIST_COLUMNS];	/* -1: the list has none */
	bool is_hex;
	size_t head; /* row with the head */
	struct item *item;
	size_t n_items;
	size_t n_points;
	int64_t base; /* address_base */
};

static void say(const struct import *import, const char *code, uint32_t line, const char *text)
{
	wy_diag_at(import->diags, WY_DIAG_ERROR, code, import->source, (struct wy_place){line, 1}, "%s", text);
}

static const char *cell(const struct import *import, const struct list_row *row, enum list_column column)
{
	int at = import->column[column];

	return at >= 0 && (uint32_t)at < row->n ? row->cell[at] : "";
}

/* ---- The head ----------------------------------------------------------------------------------- */

static unsigned find_columns(struct import *import, const struct list_row *row)
{
	unsigned n = 0;

	for (unsigned i = 0; i < LIST_COLUMNS; i++)
		import->column[i] = -1;
	for (uint32_t i = 0; i < row->n; i++) {
		enum list_column column = list_column_of(row->cell[i]);
		if (column == LIST_COLUMNS || import->column[column] >= 0)
			continue;
		import->column[column] = (int)i;
		n++;
	}
	return n;
}

/* "100A" in one row says how "1000" is meant in the others. */
static bool has_hex(const struct import *import)
{
	for (size_t i = import->head + 1; i < import->list->n_rows; i++) {
		const char *address = cell(import, &import->list->rows[i], LIST_ADDRESS);
		size_t n = strspn(address, "0123456789abcdefABCDEF");
		if (n >= 3 && n <= 4 && !address[n] && strspn(address, "0123456789") < n)
			return true;
	}
	return false;
}

/* Titles and remarks may stand above it: the head is the first row with an address and one thing more. */
static enum wy_err find_head(struct import *import)
{
	for (size_t i = 0; i < import->list->n_rows; i++) {
		const struct list_row *row = &import->list->rows[i];
		if (find_columns(import, row) < 2 || import->column[LIST_ADDRESS] < 0)
			continue;
		import->head = i;
		import->is_hex = list_is_hex_column(cell(import, row, LIST_ADDRESS)) || has_hex(import);
		return WY_OK;
	}
	say(import, "E831", 1,
	    "no head: expected a row such as 'address,name,type,unit,scale,rw,description' (or 地址,名称,类型,单位,倍率,读写,描述)");
	return WY_E_INVALID;
}

/* ---- One row ------------------------------------------------------------------------------------ */

static uint32_t n_filled(const struct list_row *row)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < row->n; i++)
		n += row->cell[i][0] != '\0';
	return n;
}

/* A heading within the list, or its head once more on a new page. */
static bool is_saying(const struct list_row *row)
{
	uint32_t n_columns = 0;

	for (uint32_t i = 0; i < row->n; i++)
		n_columns += list_column_of(row->cell[i]) != LIST_COLUMNS;
	return n_filled(row) <= 1 || (n_columns > 1 && n_columns * 2 >= n_filled(row));
}

static struct item *wrong(struct item *item, const char *reason)
{
	item->fate = ITEM_WRONG;
	item->reason = reason;
	return item;
}

/* A reference counts from the base of its area, but only where nothing else says it lies in another. */
static void place(const struct import *import, struct item *item)
{
	bool is_said = list_area_of(cell(import, item->row, LIST_AREA), &item->area);

	if (is_said && item->address.has_area && item->address.area != item->area)
		item->address.has_area = false;
	if (!item->address.has_area)
		item->address.base = 0;
	else
		item->area = item->address.area;
	if (!is_said && !item->address.has_area) {
		item->area = SENSOR_HOLDING;
		item->is_area_guessed = true;
	}
	item->wire = item->address.number - item->address.base;
}

static bool is_bit_area(const struct item *item)
{
	return item->area == SENSOR_COIL || item->area == SENSOR_DISCRETE;
}

static void find_type(const struct import *import, struct item *item)
{
	const char *said = cell(import, item->row, LIST_TYPE);

	if (is_bit_area(item) || item->address.bit >= 0) {
		item->type = (struct list_type){SENSOR_BIT, true};
		return;
	}
	if (!list_type_of(said, &item->type)) {
		item->type = (struct list_type){SENSOR_U16, false};
		item->is_type_guessed = said[0] != '\0';
	}
	if (item->type.is_bool)
		item->type.encoding = SENSOR_U16; /* a whole register that is zero or not */
}

/* How many registers the list gives it; 0: it does not say. */
static int64_t said_registers(const struct import *import, const struct item *item)
{
	struct list_address number;

	if (item->address.last > item->address.number)
		return item->address.last - item->address.number + 1;
	return list_address_of(cell(import, item->row, LIST_COUNT), false, &number) ? number.number : 0;
}

static void find_width(const struct import *import, struct item *item)
{
	static const uint8_t widths[] = {[SENSOR_BIT] = 1, [SENSOR_U16] = 1, [SENSOR_I16] = 1,
					 [SENSOR_U32] = 2, [SENSOR_I32] = 2, [SENSOR_F32] = 2, [SENSOR_U64] = 4};
	int64_t said = said_registers(import, item);

	if (item->type.encoding != SENSOR_TEXT) {
		item->n_registers = widths[item->type.encoding];
		item->is_width_odd = said != 0 && said != item->n_registers;
		return;
	}
	item->n_registers = (uint32_t)(said < 1 ? TEXT_REGISTERS : said < TEXT_MOST ? said : TEXT_MOST);
	item->is_width_odd = said > TEXT_MOST;
}

static bool is_taken(const struct import *import, const char *name)
{
	for (size_t i = 0; i < import->n_items; i++)
		if (import->item[i].fate == ITEM_POINT && strcmp(import->item[i].name, name) == 0)
			return true;
	return false;
}

/* From the name, or the description where the name is Chinese only, or the address where both are. */
static void give_name(const struct import *import, struct item *item)
{
	char stem[NAME_BYTES];
	struct wy_buf buf;

	list_name_of(cell(import, item->row, LIST_NAME), stem, sizeof(stem));
	if (!stem[0])
		list_name_of(cell(import, item->row, LIST_DESCRIPTION), stem, 25);
	wy_buf_init(&buf, item->name, sizeof(item->name));
	if (stem[0])
		wy_buf_add(&buf, stem);
	else
		wy_buf_addf(&buf, "r%x", (unsigned)item->wire);
	if (!stem[0] && item->address.bit >= 0)
		wy_buf_addf(&buf, "_%d", item->address.bit);
	size_t len = buf.len;
	for (unsigned k = 2; is_taken(import, item->name); k++) {
		buf.len = len;
		buf.text[len] = '\0';
		wy_buf_addf(&buf, "_%u", k);
	}
}

static void find_number(const struct import *import, struct item *item)
{
	const char *unit = cell(import, item->row, LIST_UNIT);

	item->unit = list_unit_of(unit);
	item->is_unit_lost = !item->unit && unit[0] && !list_is_no_unit(unit);
	if (!list_scale_of(cell(import, item->row, LIST_SCALE), &item->scale)) {
		item->scale = 1;
		item->is_scale_lost = true;
	}
}

static struct item *read_row(const struct import *import, const struct list_row *row, struct item *item)
{
	const char *address = cell(import, row, LIST_ADDRESS);

	*item = (struct item){.row = row, .scale = 1};
	if (!list_address_of(address, import->is_hex, &item->address)) {
		if (!is_saying(row))
			return wrong(item, address[0] ? "no address that is understood" : "no address");
		item->fate = ITEM_SAYING;
		return item;
	}
	if (list_is_writable(cell(import, row, LIST_ACCESS)) || list_is_writable(cell(import, row, LIST_AREA))) {
		item->fate = ITEM_WRITABLE;
		return item;
	}
	place(import, item);
	if (is_bit_area(item) && item->address.bit >= 0)
		return wrong(item, "a bit of what is one bit already");
	find_type(import, item);
	find_width(import, item);
	if (item->wire < 0 || item->wire + item->n_registers > REGISTERS_MOST)
		return wrong(item, "the address is beyond the last register");
	if (import->n_points == WY_POINTS_PER_DEVICE)
		return wrong(item, "a profile has no room for more points");
	find_number(import, item);
	give_name(import, item);
	return item;
}

static enum wy_err read_rows(struct import *import)
{
	import->item = wy_arena_array(import->diags->arena, import->list->n_rows, sizeof(*import->item));
	if (!import->item)
		return WY_E_NOMEM;
	for (size_t i = 0; i < import->list->n_rows; i++) {
		const struct list_row *row = &import->list->rows[i];
		struct item *item = &import->item[i];
		if (i > import->head)
			read_row(import, row, item);
		else
			*item = (struct item){.row = row, .fate = ITEM_SAYING};
		import->n_items = i + 1;
		import->n_points += item->fate == ITEM_POINT;
		if (item->fate == ITEM_WRONG)
			say(import, "E832", row->line, item->reason);
	}
	if (import->n_points)
		return WY_OK;
	say(import, "E831", import->list->rows[import->head].line, "below this head is nothing that could be read");
	return WY_E_INVALID;
}

/* References are kept where all points have the same, so that the profile can be laid beside the manual. */
static void choose_base(struct import *import)
{
	const struct item *first = NULL;

	for (size_t i = 0; i < import->n_items; i++) {
		const struct item *item = &import->item[i];
		if (item->fate != ITEM_POINT)
			continue;
		first = first ? first : item;
		if (item->address.base != first->address.base || item->area != first->area)
			return;
	}
	import->base = first->address.base;
}

/* ---- The text ----------------------------------------------------------------------------------- */

static const char *const encoding_names[] = {"bit", "u16", "i16", "u32", "i32", "f32", "u64", "dec_pair", "text"};

/* The next character of UTF-8; *at moves behind it. */
static uint32_t next_character(const char **at)
{
	const unsigned char *s = (const unsigned char *)*at;
	unsigned more = s[0] >= 0xF0 ? 3 : s[0] >= 0xE0 ? 2 : s[0] >= 0xC0 ? 1 : 0;
	uint32_t c = more ? s[0] & (0x3Fu >> more) : s[0];

	(*at)++;
	for (; more && (**at & 0xC0) == 0x80; more--, (*at)++)
		c = c << 6 | (**at & 0x3Fu);
	return c;
}

/* What YAML takes as it is, and does not take for the end of a line. */
static bool is_plain(uint32_t c)
{
	static const struct {
		uint32_t first, last;
	} ranges[] = {{0x20, 0x7E}, {0xA0, 0x2027}, {0x202A, 0xD7FF}, {0xE000, 0xFEFE}, {0xFF00, 0xFFFD}, {0x10000, 0x10FFFF}};

	for (size_t i = 0; i < sizeof(ranges) / sizeof(*ranges); i++)
		if (c >= ranges[i].first && c <= ranges[i].last)
			return true;
	return false;
}

static void add_plain(struct wy_buf *out, const char *text)
{
	while (*text) {
		const char *start = text;
		bool is_kept = is_plain(next_character(&text));
		wy_buf_addn(out, is_kept ? start : " ", is_kept ? (size_t)(text - start) : 1);
	}
}

static void add_row(struct wy_buf *out, const struct list_row *row)
{
	wy_buf_addf(out, "%u:", (unsigned)row->line);
	for (uint32_t i = 0, n = 0; i < row->n; i++) {
		if (!row->cell[i][0])
			continue;
		wy_buf_add(out, n++ ? " | " : " ");
		add_plain(out, row->cell[i]);
	}
}

static const char *type_of(const struct item *item)
{
	if (item->type.is_bool)
		return "bool";
	return item->scale != 1 || item->type.encoding == SENSOR_F32 ? "real" : "int";
}

static void add_address(struct wy_buf *out, const struct import *import, const struct item *item)
{
	static const char digits[] = "0123456789ABCDEF";
	int64_t wire = item->wire;

	if (import->base) {
		wy_buf_addf(out, "%lld", (long long)item->address.number);
		return;
	}
	/* In hexadecimal it cannot be taken for a reference. */
	wy_buf_add(out, "0x");
	for (int shift = 12; shift >= 0; shift -= 4)
		wy_buf_addn(out, &digits[wire >> shift & 15], 1);
}

static void add_value(struct wy_buf *out, const struct item *item)
{
	bool is_bit = item->type.encoding == SENSOR_BIT;

	wy_buf_addf(out, ", type: %s", type_of(item));
	if (is_bit && item->address.bit >= 0)
		wy_buf_addf(out, ", encoding: bit, bit: %d", item->address.bit);
	else if (!is_bit)
		wy_buf_addf(out, ", encoding: %s", encoding_names[item->type.encoding]);
	if (item->scale != 1 && !item->type.is_bool) {
		wy_buf_add(out, ", scale: ");
		wy_buf_real(out, item->scale, 9);
	}
	if (item->unit && !item->type.is_bool)
		wy_buf_addf(out, ", unit: \"%s\"", item->unit);
	wy_buf_add(out, item->type.is_bool ? ", poll: M" : ", poll: S");
}

static void add_text(struct wy_buf *out, const struct item *item)
{
	wy_buf_addf(out, ", type: text, registers: %u", (unsigned)item->n_registers);
}

static void add_doubts(struct wy_buf *out, const struct item *item)
{
	static const char *const words[] = {"area guessed", "type not known, u16 guessed", "unit not known", "factor not understood",
					    "not as many registers as the list says"};
	const bool has[] = {item->is_area_guessed, item->is_type_guessed, item->is_unit_lost, item->is_scale_lost,
			    item->is_width_odd};

	for (size_t i = 0; i < sizeof(has) / sizeof(*has); i++)
		if (has[i])
			wy_buf_addf(out, "%s; ", words[i]);
}

static void add_point(struct wy_buf *out, const struct import *import, const struct item *item)
{
	bool is_text = item->type.encoding == SENSOR_TEXT;

	wy_buf_addf(out, "  %s: {area: %s, address: ", item->name, sensor_area_names[item->area]);
	add_address(out, import, item);
	(is_text ? add_text : add_value)(out, item);
	wy_buf_add(out, "} # ");
	add_doubts(out, item);
	add_row(out, item->row);
	wy_buf_add(out, "\n");
}

static void add_item(struct wy_buf *out, const struct import *import, const struct item *item)
{
	if (item->fate == ITEM_POINT) {
		add_point(out, import, item);
		return;
	}
	if (!n_filled(item->row))
		return;
	wy_buf_add(out, "  # ");
	if (item->fate == ITEM_WRITABLE)
		wy_buf_add(out, "can be written, so it is no point; ");
	if (item->fate == ITEM_WRONG)
		wy_buf_addf(out, "%s; ", item->reason);
	add_row(out, item->row);
	wy_buf_add(out, "\n");
}

static bool has_guessed_base(const struct import *import)
{
	for (size_t i = 0; i < import->n_items; i++) {
		const struct item *item = &import->item[i];
		if (item->fate == ITEM_POINT && !item->address.base && !item->address.is_hex)
			return true;
	}
	return false;
}

/* Within a plain scalar: nothing in it may look like YAML. */
static void add_file_name(struct wy_buf *out, const char *path)
{
	const char *slash = strrchr(path, '/');

	for (const char *at = slash ? slash + 1 : path; *at;) {
		const char *start = at;
		uint32_t c = next_character(&at);
		if (is_plain(c) && c != '\'' && c != ':' && c != '#')
			wy_buf_addn(out, start, (size_t)(at - start));
	}
}

static void add_head(struct wy_buf *out, const struct import *import)
{
	wy_buf_addf(out, "weiyu: profile/1\nid: %s\ntransport: modbus\n", import->list->id);
	wy_buf_add(out, "# Made from a register list. Check every line against the manual; behind each # stands the row it is from.\n"
			"vendor: to be filled in\nmodel: to be filled in\ntitle_zh: 待填写\ntitle_en: to be filled in\n"
			"source: to be filled in, a register list called '");
	add_file_name(out, import->list->name);
	wy_buf_add(out, "'\n");
	if (has_guessed_base(import))
		wy_buf_add(out, "# Plain numbers were taken for wire addresses, the first one being 0. Lists that count from 1 need each "
				"address less by one.\n");
	wy_buf_addf(out, "address_base: %lld\n", (long long)import->base);
	wy_buf_add(out, "# max_registers, max_gap, min_interval, serial: see the manual. Values of two registers are read high word first; "
			"say 'order: CDAB' where they are not.\n"
			"limits: {max_registers: 125, max_gap: 0, timeout: 1s}\npoints:\n");
}

enum wy_err profile_import(const struct list_source *list, struct wy_diags *diags, struct wy_buf *ret_text)
{
	struct import import = {.list = list, .diags = diags};
	struct wy_source *source = wy_arena_alloc(diags->arena, sizeof(*source));

	if (!source)
		return WY_E_NOMEM;
	source->name = list->name;
	source->text = "";
	import.source = source;
	enum wy_err err = find_head(&import);
	if (!err)
		err = read_rows(&import);
	if (err)
		return err;
	choose_base(&import);
	add_head(ret_text, &import);
	for (size_t i = 0; i < import.n_items; i++)
		add_item(ret_text, &import, &import.item[i]);
	return ret_text->is_cut ? WY_E_LIMIT : WY_OK;
}
