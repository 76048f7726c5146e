/* trial_saved.c: see trial_saved.h. */
#include "trial_saved.h"

#include <stdlib.h>
#include <string.h>

void trial_saved_clear(struct trial_saved *saved)
{
	for (size_t i = 0; i < saved->n; i++)
		free(saved->cells[i].key);
	saved->n = 0;
}

void trial_saved_release(struct trial_saved *saved)
{
	trial_saved_clear(saved);
	free(saved->cells);
	*saved = (struct trial_saved){0};
}

/* FNV-1a: keys are told apart by their text; most comparisons end at the hash. */
static uint64_t hash_of(const char *key)
{
	uint64_t hash = UINT64_C(14695981039346656037);

	while (*key)
		hash = (hash ^ (unsigned char)*key++) * UINT64_C(1099511628211);
	return hash;
}

/* The cell of this key among the first n, or a new one; NULL without memory. */
static struct trial_saved_cell *cell_of(struct trial_saved *saved, size_t n, const char *key)
{
	uint64_t hash = hash_of(key);

	for (size_t i = 0; i < n; i++)
		if (saved->cells[i].hash == hash && strcmp(saved->cells[i].key, key) == 0)
			return &saved->cells[i];
	if (saved->n == saved->room) {
		size_t room = saved->room ? saved->room * 2 : 64;
		struct trial_saved_cell *larger = realloc(saved->cells, room * sizeof(*larger));
		if (!larger)
			return NULL;
		saved->cells = larger;
		saved->room = room;
	}
	saved->cells[saved->n] = (struct trial_saved_cell){.hash = hash};
	return &saved->cells[saved->n++];
}

enum wy_err trial_saved_take(struct trial_saved *saved, struct rule_engine *engine, bool all)
{
	struct rule_cell cell;
	size_t n = saved->n; /* a key comes once in one round: only what was there before can be replaced */
	size_t at = 0;

	while (rule_next_dirty(engine, all, &at, &cell)) {
		size_t key_len = strlen(cell.key) + 1;
		struct trial_saved_cell *it = cell_of(saved, n, cell.key);
		char *memory = it ? malloc(key_len + cell.len) : NULL;
		if (!memory)
			return WY_E_NOMEM;
		memcpy(memory, cell.key, key_len);
		memcpy(memory + key_len, cell.bytes, cell.len);
		free(it->key);
		it->key = memory;
		it->bytes = memory + key_len;
		it->len = cell.len;
	}
	return WY_OK;
}

const char *trial_saved_give(const struct trial_saved *saved, struct rule_engine *engine)
{
	for (size_t i = 0; i < saved->n; i++)
		if (rule_restore(engine, saved->cells[i].key, saved->cells[i].bytes, saved->cells[i].len))
			return saved->cells[i].key;
	return NULL;
}
