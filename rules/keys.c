/* keys.c: see keys.h. */
#include "keys.h"

#include <string.h>

#include "fields.h"

static const char *const choices_tier[] = {"S1", "S2", "S3", "S4", NULL};
static const char *const choices_latch[] = {"none", "ack", "reset", NULL};
static const char *const choices_maintenance[] = {"suppress", "annotate", NULL};
static const char *const choices_on_unknown[] = {"freeze", "raise", "clear", "reset", NULL};

static const struct {
	const char *key;
	const char *const *choices;
} choices[] = {{"tier", choices_tier}, {"latch", choices_latch}, {"on_unknown", choices_on_unknown}, {"maintenance", choices_maintenance}};

static const struct wy_field rule_rows[] = {
#define KEY(key_, kind_, is_required_, help_) \
	{.key = #key_, .kind = WY_FIELD_##kind_, .offset = offsetof(struct rx_rule_keys, key_), .is_required = is_required_, .help = help_},
#define KEY_AS(name_, key_, kind_, is_required_, help_) \
	{.key = key_, .kind = WY_FIELD_##kind_, .offset = offsetof(struct rx_rule_keys, name_), .is_required = is_required_, .help = help_},
#define LEVEL_KEY(key, kind, is_required, help)
#include "keys.def"
#undef KEY
#undef KEY_AS
#undef LEVEL_KEY
};

static const struct wy_field level_rows[] = {
#define KEY(key, kind, is_required, help)
#define KEY_AS(name, key, kind, is_required, help)
#define LEVEL_KEY(key_, kind_, is_required_, help_) \
	{.key = #key_, .kind = WY_FIELD_##kind_, .offset = offsetof(struct rx_level_keys, key_), .is_required = is_required_, .help = help_},
#include "keys.def"
#undef KEY
#undef KEY_AS
#undef LEVEL_KEY
};

#define N_RULE_ROWS (sizeof(rule_rows) / sizeof(*rule_rows))
#define N_LEVEL_ROWS (sizeof(level_rows) / sizeof(*level_rows))

/* fields.h wants the choices in the rows; the .def cannot hold them. */
static void add_choices(struct wy_field *rows, const struct wy_field *from, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		rows[i] = from[i];
		for (size_t j = 0; j < sizeof(choices) / sizeof(*choices); j++)
			if (strcmp(rows[i].key, choices[j].key) == 0)
				rows[i].choices = choices[j].choices;
	}
}

bool rx_read_rule_keys(struct rx_load *load, const struct wy_node *node, struct rx_rule_keys *keys)
{
	struct wy_field rows[N_RULE_ROWS];

	add_choices(rows, rule_rows, N_RULE_ROWS);
	*keys = (struct rx_rule_keys){.tier = -1, .in_service_only = true};
	return !wy_fields_read(node, rows, N_RULE_ROWS, keys, load->diags);
}

bool rx_read_level_keys(struct rx_load *load, const struct wy_node *node, struct rx_level_keys *keys)
{
	struct wy_field rows[N_LEVEL_ROWS];

	add_choices(rows, level_rows, N_LEVEL_ROWS);
	*keys = (struct rx_level_keys){.tier = -1};
	return !wy_fields_read(node, rows, N_LEVEL_ROWS, keys, load->diags);
}
