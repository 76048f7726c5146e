/* record.c: the key `record` of the gateway file: what is kept of what the rules were told. On unless it says no:
 * the month before a complaint cannot be recorded after it. */
#include "loading.h"

struct record_keys {
	bool enabled;
	const struct wy_node *directory;
	wy_ms keep_ms, block_ms;
	int64_t max_mib;
};

#define AT(member) offsetof(struct record_keys, member)
static const struct wy_field record_rows[] = {
	{"enabled", WY_FIELD_BOOL, AT(enabled), false, 0, 0, NULL, "false: nothing is recorded"},
	{"directory", WY_FIELD_NODE, AT(directory), false, 0, 0, NULL, "where the files go"},
	{"keep", WY_FIELD_DURATION, AT(keep_ms), false, 3600000.0, 34560000000.0, NULL, "then a file goes"},
	{"max_mib", WY_FIELD_INT, AT(max_mib), false, 16, 1048576, NULL, "all files together, MiB"},
	{"block", WY_FIELD_DURATION, AT(block_ms), false, 10000, 3600000, NULL, "written so often at least"},
};
#undef AT

/* In the directory of the store where it is not said. */
static const char *directory_of(struct loading *l, const struct wy_node *directory, const struct wy_node *state)
{
	char name[512];
	struct wy_buf buf;

	if (directory && directory->kind != WY_NODE_SCALAR)
		wy_diag_add(l->diags, WY_DIAG_ERROR, "E105", directory, 0, "expected a path, found %s",
			    wy_node_kind_text(directory));
	if (directory)
		return loading_path(l, directory, directory->text);
	if (!state || state->kind != WY_NODE_SCALAR)
		return NULL;
	wy_buf_init(&buf, name, sizeof(name));
	wy_buf_addf(&buf, "%s/record", state->text);
	return loading_path(l, state, name);
}

void load_record(struct loading *l, const struct wy_node *node, const struct wy_node *state)
{
	struct record_keys keys = {.enabled = true, .keep_ms = (wy_ms)31 * 86400000, .block_ms = 300000, .max_mib = 2048};
	struct config_record *record = &l->config->record;

	if (node)
		LOADING_FIELDS(l, node, record_rows, &keys);
	record->directory = directory_of(l, keys.directory, state);
	record->is_on = keys.enabled && record->directory;
	record->keep_ms = keys.keep_ms;
	record->block_ms = keys.block_ms;
	record->max_bytes = (uint64_t)keys.max_mib * 1024 * 1024;
}
