/* keys.h: the keys of rules and levels (keys.def) as structs, read by base/fields.h. */
#ifndef RX_KEYS_H
#define RX_KEYS_H

#include "context.h"

#define TYPE_ID const char *
#define TYPE_CHOICE int
#define TYPE_BOOL bool
#define TYPE_NODE const struct wy_node *

struct rx_rule_keys {
#define KEY(key, kind, is_required, help) TYPE_##kind key;
#define KEY_AS(name, key, kind, is_required, help) TYPE_##kind name;
#define LEVEL_KEY(key, kind, is_required, help)
#include "keys.def"
#undef KEY
#undef KEY_AS
#undef LEVEL_KEY
};

struct rx_level_keys {
#define KEY(key, kind, is_required, help)
#define KEY_AS(name, key, kind, is_required, help)
#define LEVEL_KEY(key, kind, is_required, help) TYPE_##kind key;
#include "keys.def"
#undef KEY
#undef KEY_AS
#undef LEVEL_KEY
};

#undef TYPE_ID
#undef TYPE_CHOICE
#undef TYPE_BOOL
#undef TYPE_NODE

/* False: a mistake was said; keys that could be read are there all the same. tier is -1 if not given. */
bool rx_read_rule_keys(struct rx_load *load, const struct wy_node *node, struct rx_rule_keys *keys);
bool rx_read_level_keys(struct rx_load *load, const struct wy_node *node, struct rx_level_keys *keys);

#endif
