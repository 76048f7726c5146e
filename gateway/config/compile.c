/* compile.c: the one place where the loaded files meet the rule compiler. */
#include "config.h"

/* The set keeps the world it was compiled against, so the world lives beside it. */
enum wy_err config_compile(const struct config *config, struct wy_arena *arena,
			   struct wy_diags *diags, struct rule_set **ret)
{
	struct rule_world *world = wy_arena_alloc(arena, sizeof(*world));

	if (!world)
		return WY_E_NOMEM;
	*world = config_world(config);
	return rule_compile(world, config->rule_files, config->n_rule_files, arena, diags, ret);
}
