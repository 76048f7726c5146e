/* context.c: see context.h. */
#include "context.h"

#include <string.h>

#include "number.h"

void *rx_load_alloc(struct rx_load *load, size_t n, size_t size)
{
	void *out = wy_arena_array(load->arena, n, size);

	if (!out)
		load->err = WY_E_NOMEM;
	return out;
}

const char *rx_load_text(struct rx_load *load, const char *text, size_t len)
{
	const char *out = wy_arena_text(load->arena, text, len);

	if (!out)
		load->err = WY_E_NOMEM;
	return out;
}

const char *rx_did_you_mean(const struct rx_load *load, const char *name, size_t n, rx_name_fn name_of, const void *arg,
			    char out[RX_HINT_SIZE])
{
	struct wy_buf buf;

	wy_buf_init(&buf, out, RX_HINT_SIZE);
	const char *near = load->diags->n < WY_DIAGS_MAX ? wy_nearest(name, n, name_of, arg) : NULL;
	if (near)
		wy_buf_addf(&buf, "; did you mean '%s'?", near);
	return out;
}

uint64_t rx_hash(uint64_t hash, const void *bytes, size_t len)
{
	const unsigned char *at = bytes;

	for (size_t i = 0; i < len; i++)
		hash = (hash ^ at[i]) * 1099511628211u;
	return hash;
}

uint64_t rx_hash_text(uint64_t hash, const char *text)
{
	return rx_hash(hash, text, strlen(text) + 1);
}
