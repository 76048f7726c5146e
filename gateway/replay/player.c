/* player.c: see player.h. */
#include "player.h"

#include <stdlib.h>
#include <string.h>

enum wy_err player_open(struct player *player, const struct rule_world *world, const struct rule_set *set)
{
	memset(player, 0, sizeof(*player));
	player->memory = malloc(WY_LOAD_ARENA_BYTES);
	if (!player->memory)
		return WY_E_NOMEM;
	player->size = WY_LOAD_ARENA_BYTES;
	player->world = world;
	player->set = set;
	player->look_ms = WY_MS_NEVER;
	return WY_OK;
}

void player_close(struct player *player)
{
	free(player->memory);
	memset(player, 0, sizeof(*player));
}

enum wy_err player_start(struct player *player, struct wy_now now)
{
	struct wy_arena arena;

	wy_arena_init(&arena, player->memory, player->size);
	enum wy_err err = rule_engine_new(player->set, &arena, now, &player->engine);
	if (err)
		return err;
	player->now = now;
	if (!player->is_started)
		player->first_ms = now.mono_ms;
	player->is_started = true;
	return WY_OK;
}

/* A look changes no answer, so it may be anywhere. */
static void look(struct player *player, wy_ms at_ms)
{
	struct wy_now now = player->now;

	now.wall_ms += at_ms - now.mono_ms;
	now.mono_ms = at_ms;
	player->look_ms = WY_MS_NEVER;
	player->now = now;
	rule_turn_begin(player->engine, now);
	player_end(player);
}

void player_begin(struct player *player, struct wy_now now)
{
	while (player->look_ms < now.mono_ms && player->look_ms >= player->now.mono_ms)
		look(player, player->look_ms);
	player->now = now;
	player->turns++;
	rule_turn_begin(player->engine, now);
}

void player_put(struct player *player, uint32_t asset, const struct wy_sample *sample)
{
	player->samples++;
	rule_put(player->engine, asset, sample->point, sample);
}

static size_t end_turn(struct player *player)
{
	const struct rule_event *events;
	size_t n = rule_turn_end(player->engine, &events);

	for (size_t i = 0; player->on_event && i < n; i++)
		player->on_event(player->arg, &events[i], player->now.wall_ms - player->now.mono_ms);
	return n;
}

void player_end(struct player *player)
{
	size_t n = end_turn(player);

	/* More was due than a turn has room to tell: the rest at once, as the gateway does. */
	while (n && rule_next_due(player->engine) <= player->now.mono_ms) {
		rule_turn_begin(player->engine, player->now);
		n = end_turn(player);
	}
	if (player->on_turn)
		player->on_turn(player->arg, player->now.mono_ms);
}
