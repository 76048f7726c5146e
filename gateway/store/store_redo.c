/* store_redo.c: see store_redo.h.
 *
 * An entry: struct head, then as many values. A value: a byte that says its kind, eight bytes (the number, or the length), and
 * for texts and blobs the bytes themselves. Kept as bytes in one piece, since a turn writes a few rows and then forgets. */
#include "store_redo.h"

#include <stdlib.h>
#include <string.h>

#include "store_sql.h"

enum kind { KIND_NULL, KIND_INT, KIND_REAL, KIND_TEXT, KIND_BLOB };
enum { KEEP_BYTES = 256 * 1024 }; /* of room, from one transaction to the next */

struct head {
	uint32_t id, n_values;
	int64_t number;
	bool has_number;
};

void redo_clear(struct store_redo *redo)
{
	if (redo->room > KEEP_BYTES)
		redo_release(redo);
	redo->len = redo->entry = 0;
	redo->is_lost = false;
}

void redo_release(struct store_redo *redo)
{
	free(redo->bytes);
	*redo = (struct store_redo){0};
}

static void add(struct store_redo *redo, const void *bytes, size_t n)
{
	if (redo->is_lost || n == 0)
		return;
	if (redo->len + n > WY_STORE_REDO_BYTES) {
		redo->is_lost = true;
		return;
	}
	if (redo->len + n > redo->room) {
		size_t room = 2 * (redo->len + n);
		unsigned char *larger = realloc(redo->bytes, room);
		if (!larger) {
			redo->is_lost = true;
			return;
		}
		redo->bytes = larger;
		redo->room = room;
	}
	memcpy(redo->bytes + redo->len, bytes, n);
	redo->len += n;
}

void redo_begin(struct store_redo *redo, unsigned id)
{
	struct head head = {.id = id};

	redo->len = redo->entry;
	add(redo, &head, sizeof(head));
}

static void add_value(struct store_redo *redo, enum kind kind, const void *number, const void *bytes, size_t n)
{
	unsigned char tag = (unsigned char)kind;
	struct head head;

	add(redo, &tag, sizeof(tag));
	add(redo, number, sizeof(int64_t));
	add(redo, bytes, n);
	if (redo->is_lost)
		return;
	memcpy(&head, redo->bytes + redo->entry, sizeof(head));
	head.n_values++;
	memcpy(redo->bytes + redo->entry, &head, sizeof(head));
}

void redo_int(struct store_redo *redo, int64_t value)
{
	add_value(redo, KIND_INT, &value, NULL, 0);
}

void redo_real(struct store_redo *redo, bool has_value, double value)
{
	_Static_assert(sizeof(value) == sizeof(int64_t), "a value has eight bytes");
	add_value(redo, has_value ? KIND_REAL : KIND_NULL, &value, NULL, 0);
}

void redo_text(struct store_redo *redo, const char *text, size_t len)
{
	int64_t n = (int64_t)len;

	add_value(redo, KIND_TEXT, &n, text, len);
}

void redo_blob(struct store_redo *redo, const void *bytes, size_t len)
{
	int64_t n = (int64_t)len;

	add_value(redo, KIND_BLOB, &n, bytes, len);
}

void redo_end(struct store_redo *redo, bool has_number, int64_t number)
{
	struct head head;

	if (redo->is_lost || redo->len == redo->entry)
		return;
	memcpy(&head, redo->bytes + redo->entry, sizeof(head));
	head.has_number = has_number;
	head.number = number;
	memcpy(redo->bytes + redo->entry, &head, sizeof(head));
	redo->entry = redo->len;
}

/* ---- Again -------------------------------------------------------------------------------------- */

static size_t bind_value(struct store_binder *binder, const unsigned char *at)
{
	enum kind kind = (enum kind)at[0];
	const unsigned char *bytes = at + 1 + sizeof(int64_t);
	int64_t number;
	double real;

	memcpy(&number, at + 1, sizeof(number));
	memcpy(&real, at + 1, sizeof(real));
	switch (kind) {
	case KIND_NULL:
	case KIND_REAL:
		store_bind_real(binder, kind == KIND_REAL, real);
		break;
	case KIND_INT:
		store_bind_int(binder, number);
		break;
	case KIND_TEXT:
		store_bind_textn(binder, (const char *)bytes, (size_t)number);
		return 1 + sizeof(number) + (size_t)number;
	case KIND_BLOB:
		store_bind_blob(binder, bytes, (size_t)number);
		return 1 + sizeof(number) + (size_t)number;
	}
	return 1 + sizeof(number);
}

static enum wy_err run_again(struct store_binder *binder, const struct head *head)
{
	enum wy_err err = store_row(binder);
	bool is_same = err == WY_OK ? head->has_number && sqlite3_column_int64(binder->stmt, 0) == head->number
				    : !head->has_number;

	while (err == WY_OK)
		err = store_row(binder);
	store_done(binder);
	if (err != WY_E_NOTFOUND)
		return err;
	return is_same ? WY_OK : WY_E_CORRUPT;
}

enum wy_err redo_replay(struct store *store, struct store_binder *ret_last)
{
	const struct store_redo *redo = &store->redo;
	enum wy_err err = redo->is_lost ? WY_E_LIMIT : WY_OK;
	size_t at = 0;

	while (!err && at < redo->len) {
		bool is_last = at == redo->entry;
		struct head head;
		memcpy(&head, redo->bytes + at, sizeof(head));
		at += sizeof(head);
		struct store_binder binder = store_bind(store, (enum store_statement)head.id);
		for (uint32_t i = 0; i < head.n_values; i++)
			at += bind_value(&binder, redo->bytes + at);
		if (!is_last)
			err = run_again(&binder, &head);
		else if (ret_last)
			*ret_last = binder;
	}
	return err;
}
