/* store_note.c: the log of people's words and of the ladders' calls. */
#include "store_sql.h"

#include <string.h>

enum wy_err store_put_note(struct store *store, const struct store_note *note)
{
	struct store_binder binder = store_bind(store, STORE_NOTE_PUT);
	const char *const texts[] = {note->what, note->ticket_key, note->rule, note->asset};

	store_bind_int(&binder, note->wall_ms);
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		store_bind_text(&binder, texts[i]);
	store_bind_int(&binder, note->step);
	store_bind_int(&binder, note->until_wall_ms);
	store_bind_text(&binder, note->who);
	store_bind_text(&binder, note->why);
	return store_write(&binder);
}

enum wy_err store_get_note(struct store_binder *binder, struct store_note *ret_note)
{
	struct store_note note = {.wall_ms = sqlite3_column_int64(binder->stmt, 0),
				  .step = (uint32_t)sqlite3_column_int64(binder->stmt, 5),
				  .until_wall_ms = sqlite3_column_int64(binder->stmt, 6)};
	struct {
		char *out;
		size_t size;
		int column;
	} const texts[] = {
		{note.what, sizeof(note.what), 1},   {note.ticket_key, sizeof(note.ticket_key), 2},
		{note.rule, sizeof(note.rule), 3},   {note.asset, sizeof(note.asset), 4},
		{note.who, sizeof(note.who), 7},     {note.why, sizeof(note.why), 8},
	};
	enum wy_err err = WY_OK;

	for (size_t i = 0; !err && i < sizeof(texts) / sizeof(*texts); i++)
		err = store_column_text(binder, texts[i].column, texts[i].out, texts[i].size);
	if (!err)
		*ret_note = note;
	return err;
}

enum wy_err store_ticket_notes(struct store *store, const char *ticket_key, struct store_note *out, size_t max,
			       size_t *ret_n)
{
	struct store_binder binder = store_bind(store, STORE_NOTE_OF_TICKET);
	size_t n = 0;

	store_bind_text(&binder, ticket_key);
	store_bind_int(&binder, (int64_t)max);
	enum wy_err err = store_row(&binder);
	while (!err && n < max) {
		err = store_get_note(&binder, &out[n]);
		if (!err) {
			n++;
			err = store_row(&binder);
		}
	}
	store_done(&binder);
	*ret_n = n;
	return err == WY_E_NOTFOUND ? WY_OK : err;
}

enum wy_err store_last_note(struct store *store, const char *rule, const char *asset, const char *what,
			    struct store_note *ret_note)
{
	struct store_binder binder = store_bind(store, STORE_NOTE_OF_RULE);

	store_bind_text(&binder, rule);
	store_bind_text(&binder, asset);
	store_bind_text(&binder, what);
	enum wy_err err = store_row(&binder);
	if (!err)
		err = store_get_note(&binder, ret_note);
	store_done(&binder);
	return err;
}

enum wy_err store_prune_notes(struct store *store, wy_ms before_wall_ms)
{
	struct store_binder binder = store_bind(store, STORE_NOTE_PRUNE);

	store_bind_int(&binder, before_wall_ms);
	return store_write(&binder);
}

enum wy_err store_earlier_tickets(struct store *store, const char *dedup, char (*out)[TICKET_KEY_SIZE], size_t max,
				  size_t *ret_n)
{
	struct store_binder binder = store_bind(store, STORE_TICKET_KEYS);
	size_t n = 0;

	store_bind_text(&binder, dedup);
	store_bind_int(&binder, (int64_t)max);
	enum wy_err err = store_row(&binder);
	while (!err && n < max) {
		err = store_column_text(&binder, 0, out[n], TICKET_KEY_SIZE);
		if (!err) {
			n++;
			err = store_row(&binder);
		}
	}
	store_done(&binder);
	*ret_n = n;
	return err == WY_E_NOTFOUND ? WY_OK : err;
}
