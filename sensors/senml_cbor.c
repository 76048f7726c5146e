/* senml_cbor.c: SenML packs in CBOR (RFC 8428 6), through libcbor's stream decoder.
 *
 * The decoder hands over one head at a time and allocates nothing, so a payload of ten bytes that claims four thousand
 * million records costs ten bytes. What is skipped because nobody here knows its label may nest as deep as JSON may.
 * Text in pieces (indefinite length) is refused: no sensor has need of it. */
#include "senml_fields.h"

#include <cbor.h>
#include <math.h>
#include <string.h>

#define OPEN SIZE_MAX /* an array or map that ends with a break */
#define TAG_DECIMAL 4 /* [exponent, mantissa], for what other numbers cannot say exactly */
#define EXPONENT_MOST 300

enum item_kind { ITEM_WHOLE, ITEM_REAL, ITEM_TEXT, ITEM_BYTES, ITEM_ARRAY, ITEM_MAP, ITEM_TAG, ITEM_FLAG,
		 ITEM_NOTHING, ITEM_BREAK, ITEM_PIECES };

struct item {
	enum item_kind kind;
	bool is_negative; /* WHOLE: the number is -1 - whole */
	uint64_t whole;	  /* WHOLE, TAG */
	double real;	  /* WHOLE, REAL */
	struct senml_span span;
	size_t n; /* ARRAY, MAP: OPEN or how many */
	bool flag;
};

struct reader {
	const uint8_t *bytes;
	size_t len, at;
};

/* ---- One head at a time ---------------------------------------------------------------------- */

static void set_whole(void *arg, uint64_t whole, bool is_negative)
{
	*(struct item *)arg = (struct item){.kind = ITEM_WHOLE, .whole = whole, .is_negative = is_negative,
					    .real = is_negative ? -1.0 - (double)whole : (double)whole};
}

static void on_uint8(void *arg, uint8_t v) { set_whole(arg, v, false); }
static void on_uint16(void *arg, uint16_t v) { set_whole(arg, v, false); }
static void on_uint32(void *arg, uint32_t v) { set_whole(arg, v, false); }
static void on_uint64(void *arg, uint64_t v) { set_whole(arg, v, false); }
static void on_negint8(void *arg, uint8_t v) { set_whole(arg, v, true); }
static void on_negint16(void *arg, uint16_t v) { set_whole(arg, v, true); }
static void on_negint32(void *arg, uint32_t v) { set_whole(arg, v, true); }
static void on_negint64(void *arg, uint64_t v) { set_whole(arg, v, true); }
static void on_double(void *arg, double v) { *(struct item *)arg = (struct item){.kind = ITEM_REAL, .real = v}; }
static void on_float(void *arg, float v) { on_double(arg, (double)v); }
static void on_nothing(void *arg) { *(struct item *)arg = (struct item){.kind = ITEM_NOTHING}; }
static void on_break(void *arg) { *(struct item *)arg = (struct item){.kind = ITEM_BREAK}; }
static void on_pieces(void *arg) { *(struct item *)arg = (struct item){.kind = ITEM_PIECES}; }
static void on_tag(void *arg, uint64_t v) { *(struct item *)arg = (struct item){.kind = ITEM_TAG, .whole = v}; }
static void on_flag(void *arg, bool v) { *(struct item *)arg = (struct item){.kind = ITEM_FLAG, .flag = v}; }
static void on_array(void *arg, size_t n) { *(struct item *)arg = (struct item){.kind = ITEM_ARRAY, .n = n}; }
static void on_map(void *arg, size_t n) { *(struct item *)arg = (struct item){.kind = ITEM_MAP, .n = n}; }
static void on_open_array(void *arg) { on_array(arg, OPEN); }
static void on_open_map(void *arg) { on_map(arg, OPEN); }

static void on_text(void *arg, cbor_data at, size_t len)
{
	*(struct item *)arg = (struct item){.kind = ITEM_TEXT, .span = {(const char *)at, len}};
}

static void on_bytes(void *arg, cbor_data at, size_t len)
{
	*(struct item *)arg = (struct item){.kind = ITEM_BYTES, .span = {(const char *)at, len}};
}

static const struct cbor_callbacks callbacks = {
	.uint8 = on_uint8, .uint16 = on_uint16, .uint32 = on_uint32, .uint64 = on_uint64,
	.negint8 = on_negint8, .negint16 = on_negint16, .negint32 = on_negint32, .negint64 = on_negint64,
	.byte_string_start = on_pieces, .byte_string = on_bytes, .string = on_text, .string_start = on_pieces,
	.indef_array_start = on_open_array, .array_start = on_array, .indef_map_start = on_open_map, .map_start = on_map,
	.tag = on_tag, .float2 = on_float, .float4 = on_float, .float8 = on_double, .undefined = on_nothing,
	.null = on_nothing, .boolean = on_flag, .indef_break = on_break,
};

static bool next(struct reader *r, struct item *item)
{
	struct cbor_decoder_result got;

	*item = (struct item){.kind = ITEM_PIECES};
	if (r->at >= r->len)
		return false;
	got = cbor_stream_decode(r->bytes + r->at, r->len - r->at, &callbacks, item);
	if (got.status != CBOR_DECODER_FINISHED || got.read == 0 || got.read > r->len - r->at)
		return false;
	r->at += got.read;
	return item->kind != ITEM_PIECES;
}

/* ---- Values ---------------------------------------------------------------------------------- */

/* The rest of an item whose head was read. Depth is bounded, so the recursion is. */
static enum wy_err skip(struct reader *r, const struct item *head, unsigned depth)
{
	bool has_parts = head->kind == ITEM_ARRAY || head->kind == ITEM_MAP || head->kind == ITEM_TAG;
	size_t n = head->kind == ITEM_TAG ? 1 : head->n;

	if (!has_parts)
		return head->kind == ITEM_BREAK ? WY_E_PROTOCOL : WY_OK;
	if (depth >= WY_SENML_DEPTH_MAX)
		return WY_E_LIMIT;
	if (head->kind == ITEM_MAP && n != OPEN) {
		if (n > r->len)
			return WY_E_PROTOCOL;
		n *= 2;
	}
	/* Each part takes a byte at least, so this ends with the payload whatever n claims. */
	for (size_t i = 0; i < n; i++) {
		struct item part;
		if (!next(r, &part))
			return WY_E_PROTOCOL;
		if (part.kind == ITEM_BREAK && n == OPEN)
			return head->kind == ITEM_MAP && i % 2 ? WY_E_PROTOCOL : WY_OK;
		enum wy_err err = skip(r, &part, depth + 1);
		if (err != WY_OK)
			return err;
	}
	return WY_OK;
}

static bool is_number(const struct item *item)
{
	return item->kind == ITEM_WHOLE || (item->kind == ITEM_REAL && isfinite(item->real));
}

static enum wy_err read_decimal(struct reader *r, double *ret_real)
{
	struct item array, exponent, mantissa;

	if (!next(r, &array) || array.kind != ITEM_ARRAY || array.n != 2 || !next(r, &exponent) ||
	    exponent.kind != ITEM_WHOLE || !next(r, &mantissa) || mantissa.kind != ITEM_WHOLE)
		return WY_E_PROTOCOL;
	if (fabs(exponent.real) > EXPONENT_MOST)
		return WY_E_PROTOCOL;
	*ret_real = exponent.is_negative ? mantissa.real / pow(10, -exponent.real)
					 : mantissa.real * pow(10, exponent.real);
	return isfinite(*ret_real) ? WY_OK : WY_E_PROTOCOL;
}

static enum wy_err read_real(struct reader *r, const struct item *head, double *ret_real)
{
	if (head->kind == ITEM_TAG && head->whole == TAG_DECIMAL)
		return read_decimal(r, ret_real);
	if (!is_number(head))
		return WY_E_PROTOCOL;
	*ret_real = head->real;
	return WY_OK;
}

/* ---- The fields of a record ------------------------------------------------------------------ */

enum field_kind { FIELD_TEXT, FIELD_BYTES, FIELD_REAL, FIELD_WHOLE, FIELD_FLAG };

struct label_row {
	int label;
	enum field_kind kind;
	size_t offset, flag;
};

#define SPAN_ROW(label, kind, name) {label, kind, offsetof(struct senml_fields, name), 0}
#define ROW(label, kind, name)                                                                     \
	{label, kind, offsetof(struct senml_fields, name), offsetof(struct senml_fields, has_##name)}

/* RFC 8428 6, table 4 */
static const struct label_row rows[] = {
	SPAN_ROW(-2, FIELD_TEXT, bn), ROW(-3, FIELD_REAL, bt), SPAN_ROW(-4, FIELD_TEXT, bu), ROW(-5, FIELD_REAL, bv),
	ROW(-6, FIELD_REAL, bs), ROW(-1, FIELD_WHOLE, bver), SPAN_ROW(0, FIELD_TEXT, n), SPAN_ROW(1, FIELD_TEXT, u),
	ROW(2, FIELD_REAL, v), SPAN_ROW(3, FIELD_TEXT, vs), ROW(4, FIELD_FLAG, vb), ROW(5, FIELD_REAL, s),
	ROW(6, FIELD_REAL, t), ROW(7, FIELD_REAL, ut), SPAN_ROW(8, FIELD_BYTES, vd),
};
#define N_ROWS (sizeof(rows) / sizeof(rows[0]))

static enum wy_err set_field(struct reader *r, const struct label_row *row, struct senml_fields *fields)
{
	char *field = (char *)fields + row->offset;
	struct item value;

	if (!next(r, &value))
		return WY_E_PROTOCOL;
	if (row->kind == FIELD_TEXT || row->kind == FIELD_BYTES) {
		*(struct senml_span *)(void *)field = value.span;
		return value.kind == (row->kind == FIELD_TEXT ? ITEM_TEXT : ITEM_BYTES) ? WY_OK : WY_E_PROTOCOL;
	}
	*((bool *)(void *)((char *)fields + row->flag)) = true;
	if (row->kind == FIELD_FLAG) {
		*(bool *)(void *)field = value.flag;
		return value.kind == ITEM_FLAG ? WY_OK : WY_E_PROTOCOL;
	}
	if (row->kind == FIELD_WHOLE && (value.kind != ITEM_WHOLE || value.is_negative))
		return WY_E_PROTOCOL;
	return read_real(r, &value, (double *)(void *)field);
}

/* RFC 8428 knows no other form of its own labels: a text is always somebody's extension. */
static bool is_extension(const struct item *label)
{
	if (label->kind == ITEM_WHOLE)
		return true;
	/* Whoever ends a label in '_' says: do not use this record unless you know me. */
	return label->kind == ITEM_TEXT &&
	       (label->span.len == 0 || label->span.at[label->span.len - 1] != '_');
}

static enum wy_err read_field(struct reader *r, const struct item *label, uint32_t *seen, struct senml_fields *fields)
{
	struct item value;

	for (size_t i = 0; i < N_ROWS && label->kind == ITEM_WHOLE; i++) {
		if (label->real != rows[i].label)
			continue;
		if (*seen & (uint32_t)1 << i)
			return WY_E_PROTOCOL;
		*seen |= (uint32_t)1 << i;
		return set_field(r, &rows[i], fields);
	}
	if (!is_extension(label) || !next(r, &value))
		return WY_E_PROTOCOL;
	return skip(r, &value, 2);
}

static enum wy_err read_record(struct reader *r, const struct item *map, struct senml_base *base,
			       struct senml_pack *pack)
{
	struct senml_fields fields = {0};
	uint32_t seen = 0;

	if (map->kind != ITEM_MAP)
		return WY_E_PROTOCOL;
	for (size_t i = 0; i < map->n; i++) {
		struct item label;
		if (!next(r, &label))
			return WY_E_PROTOCOL;
		if (label.kind == ITEM_BREAK && map->n == OPEN)
			break;
		enum wy_err err = read_field(r, &label, &seen, &fields);
		if (err != WY_OK)
			return err;
	}
	return senml_add(&fields, base, pack);
}

static enum wy_err read_pack(struct reader *r, struct senml_pack *pack)
{
	struct senml_base base = {0};
	struct item array, record;

	if (!next(r, &array) || array.kind != ITEM_ARRAY || array.n == 0)
		return WY_E_PROTOCOL;
	if (array.n != OPEN && array.n > WY_SENML_RECORDS_MAX)
		return WY_E_LIMIT;
	for (size_t i = 0; i < array.n; i++) {
		if (!next(r, &record))
			return WY_E_PROTOCOL;
		if (record.kind == ITEM_BREAK && array.n == OPEN && i > 0)
			break;
		if (i == WY_SENML_RECORDS_MAX)
			return WY_E_LIMIT;
		enum wy_err err = read_record(r, &record, &base, pack);
		if (err != WY_OK)
			return err;
	}
	return r->at == r->len ? WY_OK : WY_E_PROTOCOL;
}

enum wy_err senml_read_cbor(const void *payload, size_t len, struct senml_pack *pack)
{
	struct reader reader = {.bytes = payload, .len = len};
	enum wy_err err;

	senml_empty(pack);
	if (len > WY_COAP_PAYLOAD_MAX)
		return WY_E_LIMIT;
	err = read_pack(&reader, pack);
	if (err != WY_OK)
		senml_empty(pack);
	return err;
}
