/* live_log.c: see live_log.h. The linker puts __wrap_rule_turn_end between the gateway's engine and the rules. */
#include "live_log.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "recording.h"
#include "ticket_log.h"

static struct {
	const struct world *world;
	struct wy_buf buf;
} live;

size_t __real_rule_turn_end(struct rule_engine *engine, const struct rule_event **ret_events);
size_t __wrap_rule_turn_end(struct rule_engine *engine, const struct rule_event **ret_events);

static void add(const struct world *world, const struct rule_engine *engine, const struct rule_event *event,
		wy_ms offset_ms, struct wy_buf *buf)
{
	struct rule_world rules_world = config_world(world->config);
	struct ticket_log log = {world->rules, &rules_world, engine, offset_ms};

	ticket_log_line(&log, event, buf);
}

size_t __wrap_rule_turn_end(struct rule_engine *engine, const struct rule_event **ret_events)
{
	size_t n = __real_rule_turn_end(engine, ret_events);

	for (size_t i = 0; live.world && i < n; i++)
		add(live.world, engine, &(*ret_events)[i], live.world->now.wall_ms - live.world->now.mono_ms, &live.buf);
	return n;
}

void live_log_begin(const struct world *world, char *text)
{
	live.world = world;
	wy_buf_init(&live.buf, text, LIVE_LOG_BYTES);
}

void live_log_end(void)
{
	live.world = NULL;
}

struct replay {
	struct world *world;
	struct player player;
	struct wy_buf buf;
};

static void on_event(void *arg, const struct rule_event *event, wy_ms offset_ms)
{
	struct replay *replay = arg;

	add(replay->world, replay->player.engine, event, offset_ms, &replay->buf);
}

size_t replay_log(struct world *world, const char *dir, char *text)
{
	struct replay replay = {.world = world};
	struct record_file_list list;
	struct rule_world rules_world = config_world(world->config);
	struct names *names = names_new(&rules_world);
	size_t before = world->diags.warnings;

	live_log_end();
	wy_buf_init(&replay.buf, text, LIVE_LOG_BYTES);
	assert_int_equal(record_list_files(dir, &list), WY_OK);
	const char **paths = calloc(list.n + 1, sizeof(*paths));
	for (size_t i = 0; i < list.n; i++)
		paths[i] = list.item[i].path;
	struct recording_play play = {.paths = paths, .n_paths = list.n, .names = names, .diags = &world->diags,
				      .from_ms = WY_MS_NONE, .to_ms = WY_MS_NEVER};
	assert_int_equal(player_open(&replay.player, &rules_world, world->rules), WY_OK);
	replay.player.on_event = on_event;
	replay.player.arg = &replay;
	assert_int_equal(recording_play(&play, &replay.player), WY_OK);
	player_close(&replay.player);
	names_free(names);
	free(paths);
	record_list_release(&list);
	return world->diags.warnings - before;
}

void remove_recording(const char *dir)
{
	struct record_file_list list;

	if (record_list_files(dir, &list) == WY_OK) {
		for (size_t i = 0; i < list.n; i++)
			assert_int_equal(unlink(list.item[i].path), 0);
		record_list_release(&list);
	}
	assert_int_equal(rmdir(dir), 0);
}
