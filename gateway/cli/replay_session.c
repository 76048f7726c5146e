/* replay_session.c: see replay_session.h. */
#include "replay_session.h"

#include <string.h>
#include <unistd.h>

#include "csv_play.h"
#include "recording.h"

/* ---- On the terminal --------------------------------------------------------------------------- */

static void show_progress(void *arg, uint64_t bytes)
{
	enum { WIDTH = 30 };
	struct replay_session *s = arg;
	int percent = s->data->bytes ? (int)(bytes * 100 / s->data->bytes) : 0;
	char day[40];
	struct wy_buf buf;

	percent = percent > 100 ? 100 : percent;
	if (!s->what || percent == s->shown)
		return;
	s->shown = percent;
	wy_buf_init(&buf, day, sizeof(day));
	wy_stamp_local(&buf, s->player.now.wall_ms, s->world->world.zone);
	fprintf(stderr, "\r%s [%.*s%.*s] %3d %% %.10s ", s->what, percent * WIDTH / 100,
		"##############################", WIDTH - percent * WIDTH / 100, "..............................",
		percent, s->player.is_started ? day : "");
	fflush(stderr);
}

static void end_progress(struct replay_session *s)
{
	if (s->shown >= 0)
		fprintf(stderr, "\r%*s\r", 70, "");
	s->shown = -1;
}

/* ---- Events ------------------------------------------------------------------------------------ */

static void on_event(void *arg, const struct rule_event *event, wy_ms wall_offset_ms)
{
	struct replay_session *s = arg;
	struct ticket_log log = {s->world->set, &s->world->world, s->player.engine, wall_offset_ms};
	char line[1024];
	struct wy_buf buf;

	outcome_event(&s->outcome, event, wall_offset_ms);
	if (!s->log)
		return;
	wy_buf_init(&buf, line, sizeof(line));
	ticket_log_line(&log, event, &buf);
	fwrite(line, 1, buf.len, s->log);
}

static void on_turn(void *arg, wy_ms now_ms)
{
	struct replay_session *s = arg;

	s->on_turn(s->arg, now_ms);
}

/* ---- Data -------------------------------------------------------------------------------------- */

static bool read_instant(const char *option, const char *text, const struct wy_zone *zone, wy_ms *ret_ms)
{
	struct csv_clock clock = {.zone = zone};
	char day[40];

	if (!text)
		return true;
	/* A day alone begins at its midnight. */
	if (strlen(text) == 10 && text[4] == '-') {
		snprintf(day, sizeof(day), "%sT00:00", text);
		text = day;
	}
	if (csv_time(&clock, text, strlen(text), WY_MS_NONE, ret_ms))
		return true;
	fprintf(stderr, "weiyu replay: --%s: '%s' is no time; expected one such as 2026-03-29T03:01\n", option, text);
	return false;
}

static enum wy_err play_csv(struct replay_session *s, const struct names *names, wy_ms from_ms, wy_ms to_ms)
{
	struct csv_play play = {
		.paths = s->data->paths,
		.n_paths = s->data->n,
		.reading = {names, s->world->world.zone, &s->world->load->diags, s->options->is_lax},
		.is_held = s->options->is_held,
		.hold_ms = s->options->hold_ms,
		.from_ms = from_ms,
		.to_ms = to_ms,
		.on_progress = show_progress,
		.arg = s,
	};

	return csv_play(&play, &s->player);
}

static void on_restart(void *arg, wy_ms now_ms)
{
	struct replay_session *s = arg;

	outcome_restart(&s->outcome, s->player.engine, now_ms);
}

static enum wy_err play_recording(struct replay_session *s, const struct names *names, wy_ms from_ms, wy_ms to_ms)
{
	struct recording_play play = {
		.paths = s->data->paths,
		.n_paths = s->data->n,
		.names = names,
		.diags = &s->world->load->diags,
		.from_ms = from_ms,
		.to_ms = to_ms,
		.on_restart = on_restart,
		.on_progress = show_progress,
		.arg = s,
	};

	return recording_play(&play, &s->player);
}

static bool play(struct replay_session *s)
{
	struct wy_diags *diags = &s->world->load->diags;
	wy_ms from_ms = WY_MS_NONE, to_ms = WY_MS_NEVER;

	if (!read_instant("from", s->options->from, s->world->world.zone, &from_ms) ||
	    !read_instant("to", s->options->to, s->world->world.zone, &to_ms))
		return false;
	struct names *names = names_new(&s->world->world);
	enum wy_err err = WY_E_NOMEM;
	if (names)
		err = s->data->is_recording ? play_recording(s, names, from_ms, to_ms)
					    : play_csv(s, names, from_ms, to_ms);
	names_free(names);
	end_progress(s);
	if (diags->errors || diags->warnings)
		cli_say(diags);
	else if (err)
		fprintf(stderr, "weiyu replay: %s\n", wy_err_text(err));
	wy_diags_init(diags, diags->arena);
	if (!err && !s->player.is_started)
		fprintf(stderr, "weiyu replay: nothing to play in the data\n");
	return !err && s->player.is_started;
}

bool replay_session_run(struct replay_session *s)
{
	s->shown = -1;
	s->what = isatty(STDERR_FILENO) ? s->what : NULL;
	enum wy_err err = outcome_init(&s->outcome, s->world->set);
	if (!err)
		err = player_open(&s->player, &s->world->world, s->world->set);
	if (err) {
		fprintf(stderr, "weiyu replay: %s\n", wy_err_text(err));
		replay_session_release(s);
		return false;
	}
	s->player.on_event = on_event;
	s->player.on_turn = s->on_turn ? on_turn : NULL;
	s->player.arg = s;
	if (!play(s)) {
		replay_session_release(s);
		return false;
	}
	outcome_finish(&s->outcome, s->player.first_ms, s->player.now.mono_ms);
	if (s->outcome.is_full)
		fprintf(stderr, "weiyu replay: more than %u raises; the rest is not counted\n", WY_REPLAY_TICKETS_MAX);
	return true;
}

void replay_session_release(struct replay_session *s)
{
	player_close(&s->player);
	outcome_release(&s->outcome);
}
