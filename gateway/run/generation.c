/* generation.c: one load of the files: see gateway.h. */
#include <stdlib.h>

#include "gateway.h"
#include "log.h"

void *generation_memory(struct wy_arena *arena)
{
	void *memory = calloc(1, WY_LOAD_ARENA_BYTES);

	if (memory)
		wy_arena_init_zeroed(arena, memory, WY_LOAD_ARENA_BYTES);
	return memory;
}

static void say_diags(const struct wy_diags *diags)
{
	for (size_t i = 0; i < diags->n; i++) {
		char text[1200];
		struct wy_buf buf;
		wy_buf_init(&buf, text, sizeof(text));
		wy_diag_print(&diags->item[i], &buf);
		log_line(diags->item[i].severity == WY_DIAG_ERROR ? LOG_ERROR : LOG_WARNING, "config",
			 "%s", text);
	}
}

enum wy_err generation_load(const char *gateway_yaml, struct generation **ret)
{
	struct generation *generation = calloc(1, sizeof(*generation));

	if (!generation)
		return WY_E_NOMEM;
	generation->memory = generation_memory(&generation->arena);
	if (!generation->memory) {
		free(generation);
		return WY_E_NOMEM;
	}
	wy_diags_init(&generation->diags, &generation->arena);
	enum wy_err err = config_load(gateway_yaml, &generation->arena, &generation->diags, &generation->config);
	if (!err)
		err = config_compile(generation->config, &generation->arena, &generation->diags, &generation->rules);
	say_diags(&generation->diags);
	if (!err)
		generation->world = config_world(generation->config);
	generation->loaded_wall_ms = clock_wall();
	*ret = generation;
	return err;
}

enum wy_err generation_begin(struct generation *generation, struct gateway *g, struct record *record,
			     struct generation *before)
{
	struct engine_parts parts = {generation->config, generation->rules, g->store, &g->clock, g->boot,
				     &generation->arena, record, before ? before->engine : NULL};

	return engine_new(&parts, &generation->engine);
}

void generation_free(struct generation *generation)
{
	if (!generation)
		return;
	free(generation->memory);
	free(generation);
}

void generation_set_log(const struct generation *generation)
{
	static const enum log_level levels[] = {LOG_ERROR, LOG_WARNING, LOG_INFO, LOG_DEBUG};

	log_setup(levels[generation->config->log], clock_wall);
}
