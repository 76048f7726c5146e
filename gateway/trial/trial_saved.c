/* trial_saved.c: see trial_saved.h. Keys are told apart by their address: they belong to the set, and it stays. */
#include "trial_saved.h"

#include <stdlib.h>
#include <string.h>

void trial_saved_clear(struct trial_saved *saved)
{
	for (size_t i = 0; i < saved->n; i++)
		free(saved->cells[i].bytes);
	saved->n = 0;
}

void trial_saved_release(struct trial_saved *saved)
{
	trial_saved_clear(saved);
	free(saved->cells);
	*saved = (struct trial_saved){0};
}

static struct trial_saved_cell *cell_of(struct trial_saved *saved, const char *key)
{
	for (size_t i = 0; i < saved->n; i++)
		if (saved->cells[i].key == key)
			return &saved->cells[i];
	if (saved->n == saved->room) {
		size_t room = saved->room ? saved->room * 2 : 64;
		struct trial_saved_cell *larger = realloc(saved->cells, room * sizeof(*larger));
		if (!larger)
			return NULL;
		saved->cells = larger;
		saved->room = room;
	}
	saved->cells[saved->n] = (struct trial_saved_cell){.key = key};
	return &saved->cells[saved->n++];
}

enum wy_err trial_saved_take(struct trial_saved *saved, struct rule_engine *engine, bool all)
{
	struct rule_cell cell;
	size_t at = 0;

	while (rule_next_dirty(engine, all, &at, &cell)) {
		struct trial_saved_cell *it = cell_of(saved, cell.key);
		void *bytes = it ? realloc(it->bytes, cell.len) : NULL;
		if (!bytes)
			return WY_E_NOMEM;
		it->bytes = bytes;
		it->len = cell.len;
		memcpy(bytes, cell.bytes, cell.len);
	}
	return WY_OK;
}

enum wy_err trial_saved_give(const struct trial_saved *saved, struct rule_engine *engine)
{
	for (size_t i = 0; i < saved->n; i++) {
		enum wy_err err = rule_restore(engine, saved->cells[i].key, saved->cells[i].bytes,
					       saved->cells[i].len);
		if (err)
			return err;
	}
	return WY_OK;
}
