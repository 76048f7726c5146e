/* csv_play.c: see csv_play.h. */
#include "csv_play.h"

#include <stdlib.h>
#include <string.h>

enum { PROGRESS_BYTES = 1 << 20 };

enum voice {
	VOICE_ABSENT, /* no row yet: held, so that what is not in the data is not missed */
	VOICE_OWN,
	VOICE_HELD, /* until its next gap */
};

struct playing {
	const struct csv_play *how;
	struct player *player;
	struct csv_file *files;
	size_t n_files;
	enum voice *voices; /* [asset] */
	uint64_t told_bytes;
	/* Long rows repeat their asset. */
	char asset_text[65];
	size_t asset_len;
	uint32_t asset;
};

/* ---- One reading ------------------------------------------------------------------------------- */

static void hear(struct playing *p, uint32_t asset)
{
	const struct wy_asset *model = &p->player->world->assets[asset];

	for (size_t i = 0; i < model->n_devices; i++)
		rule_heard(p->player->engine, model->devices[i], p->player->now.mono_ms);
}

/* The asset has answered. */
static void answer(struct playing *p, uint32_t asset)
{
	struct player *player = p->player;
	bool is_endless = p->how->is_held && p->how->hold_ms == WY_MS_NEVER;
	enum voice before = p->voices[asset];

	if (before == VOICE_HELD)
		return;
	hear(p, asset);
	p->voices[asset] = is_endless ? VOICE_HELD : VOICE_OWN;
	if (is_endless)
		rule_hold(player->engine, asset, WY_MS_NEVER);
	else if (p->how->is_held)
		rule_hold(player->engine, asset, player->now.mono_ms + p->how->hold_ms);
	else if (before == VOICE_ABSENT)
		rule_hold(player->engine, asset, player->now.mono_ms);
}

/* The asset answers no more. */
static void fall_silent(struct playing *p, uint32_t asset)
{
	if (!p->how->is_held)
		return;
	p->voices[asset] = VOICE_OWN;
	rule_hold(p->player->engine, asset, p->player->now.mono_ms);
}

/* Until its first row an asset is none of the replay's business. */
static void hold_absent(struct playing *p)
{
	for (uint32_t i = 0; i < p->player->world->n_assets; i++) {
		hear(p, i);
		rule_hold(p->player->engine, i, WY_MS_NEVER);
	}
}

static void say_value(struct playing *p, const struct csv_file *file, const struct csv_column *column,
		      const char *text, size_t len, unsigned cell)
{
	char words[300];
	struct wy_buf buf;

	wy_buf_init(&buf, words, sizeof(words));
	csv_expected(column->point, &buf);
	csv_say(file, &p->how->reading, "E824", cell, "'%.*s' is no value of %s.%s; expected %s",
		(int)(len < 60 ? len : 60), text, p->player->world->assets[column->asset].id, column->point->name, words);
}

static void take(struct playing *p, const struct csv_file *file, const struct csv_column *column, const char *text,
		 size_t len, unsigned cell, uint8_t quality)
{
	struct wy_sample sample = {.point = column->point_index, .at_ms = p->player->now.mono_ms};

	switch (csv_value(column->point, text, len, &sample)) {
	case CSV_EMPTY:
		if (quality != WY_Q_BAD)
			return;
		sample.why = WY_WHY_SENTINEL;
		break;
	case CSV_VALUE:
	case CSV_BAD:
		break;
	case CSV_GAP:
		fall_silent(p, column->asset);
		return;
	case CSV_WRONG:
		say_value(p, file, column, text, len, cell);
		return;
	}
	if (quality != WY_Q_GOOD && sample.quality == WY_Q_GOOD)
		sample.why = quality == WY_Q_UNCERTAIN ? WY_WHY_SOURCE : WY_WHY_SENTINEL;
	if (quality != WY_Q_GOOD)
		sample.quality = quality;
	answer(p, column->asset);
	player_put(p->player, column->asset, &sample);
}

/* ---- Rows -------------------------------------------------------------------------------------- */

static void take_wide(struct playing *p, const struct csv_file *file)
{
	struct csv_cells cells = csv_row(file);
	const char *text;
	size_t len;
	unsigned i = 0;

	for (; i < file->n_columns && csv_cell(&cells, &text, &len); i++)
		if (len && file->columns[i].asset != NAMES_NONE)
			take(p, file, &file->columns[i], text, len, i, WY_Q_GOOD);
	if (i == file->n_columns && cells.at)
		csv_say(file, &p->how->reading, "E825", (unsigned)file->n_columns, "more cells than the first line has columns (%zu)",
			file->n_columns);
}

struct long_row {
	const char *text[CSV_ROLES];
	size_t len[CSV_ROLES];
};

static void split_long(const struct csv_file *file, struct long_row *row)
{
	struct csv_cells cells = csv_row(file);
	const char *text;
	size_t len;

	for (unsigned role = 0; role < CSV_ROLES; role++) {
		row->text[role] = "";
		row->len[role] = 0;
	}
	for (int i = 0; csv_cell(&cells, &text, &len); i++) {
		for (unsigned role = 0; role < CSV_ROLES; role++) {
			if (file->roles[role] == i) {
				row->text[role] = text;
				row->len[role] = len;
			}
		}
	}
}

static uint32_t find_asset(struct playing *p, const char *text, size_t len)
{
	if (len == p->asset_len && len && memcmp(p->asset_text, text, len) == 0)
		return p->asset;
	p->asset = names_asset(p->how->reading.names, text, len);
	p->asset_len = len < sizeof(p->asset_text) ? len : 0;
	memcpy(p->asset_text, text, p->asset_len);
	return p->asset;
}

static void say_name(struct playing *p, const struct csv_file *file, enum csv_role role, const char *text, size_t len,
		     const char *near)
{
	if (!p->how->reading.is_lax)
		csv_say(file, &p->how->reading, "E822", (unsigned)file->roles[role], "unknown %s '%.*s'%s%s%s",
			role == CSV_ROLE_ASSET ? "asset" : "point", (int)(len < 60 ? len : 60), text, near ? "; did you mean '" : "", near ? near : "",
			near ? "'?" : "");
}

static bool read_quality(struct playing *p, const struct csv_file *file, const char *text, size_t len, uint8_t *ret)
{
	if (!len || csv_is_word(text, len, "good"))
		*ret = WY_Q_GOOD;
	else if (csv_is_word(text, len, "uncertain"))
		*ret = WY_Q_UNCERTAIN;
	else if (csv_is_word(text, len, "bad") || csv_is_word(text, len, "stale"))
		*ret = WY_Q_BAD;
	else {
		csv_say(file, &p->how->reading, "E824", (unsigned)file->roles[CSV_ROLE_QUALITY], "unknown quality '%.*s'; expected good, uncertain, bad or "
			"stale", (int)(len < 60 ? len : 60), text);
		return false;
	}
	return true;
}

static void take_long(struct playing *p, const struct csv_file *file)
{
	const struct names *names = p->how->reading.names;
	struct long_row row;
	uint8_t quality;

	split_long(file, &row);
	uint32_t asset = find_asset(p, row.text[CSV_ROLE_ASSET], row.len[CSV_ROLE_ASSET]);
	if (asset == NAMES_NONE) {
		say_name(p, file, CSV_ROLE_ASSET, row.text[CSV_ROLE_ASSET], row.len[CSV_ROLE_ASSET],
			 names_near_asset(names, row.text[CSV_ROLE_ASSET], row.len[CSV_ROLE_ASSET]));
		return;
	}
	/* "L1,,gap": the whole asset. */
	if (!row.len[CSV_ROLE_POINT] && csv_is_word(row.text[CSV_ROLE_VALUE], row.len[CSV_ROLE_VALUE], "gap")) {
		fall_silent(p, asset);
		return;
	}
	uint32_t point = names_point(names, asset, row.text[CSV_ROLE_POINT], row.len[CSV_ROLE_POINT]);
	if (point == NAMES_NONE) {
		say_name(p, file, CSV_ROLE_POINT, row.text[CSV_ROLE_POINT], row.len[CSV_ROLE_POINT],
			 names_near_point(names, asset, row.text[CSV_ROLE_POINT], row.len[CSV_ROLE_POINT]));
		return;
	}
	struct csv_column column = {asset, names_model(names, asset, point), point};
	if (read_quality(p, file, row.text[CSV_ROLE_QUALITY], row.len[CSV_ROLE_QUALITY], &quality))
		take(p, file, &column, row.text[CSV_ROLE_VALUE], row.len[CSV_ROLE_VALUE],
		     (unsigned)file->roles[CSV_ROLE_VALUE], quality);
}

/* ---- Turns ------------------------------------------------------------------------------------- */

static struct wy_now at_instant(wy_ms at_ms)
{
	return (struct wy_now){at_ms, at_ms, WY_CLOCK_SYNCED};
}

/* The earliest row; of equal ones that of the first file. NULL: there is none. */
static struct csv_file *earliest(struct playing *p)
{
	struct csv_file *found = NULL;

	for (size_t i = 0; i < p->n_files; i++)
		if (p->files[i].has_row && (!found || p->files[i].at_ms < found->at_ms))
			found = &p->files[i];
	return found;
}

static void tell_progress(struct playing *p)
{
	uint64_t bytes = 0;

	if (!p->how->on_progress)
		return;
	for (size_t i = 0; i < p->n_files; i++)
		bytes += p->files[i].bytes;
	if (bytes < p->told_bytes + PROGRESS_BYTES)
		return;
	p->told_bytes = bytes;
	p->how->on_progress(p->how->arg, bytes);
}

/* All rows of one instant. */
static enum wy_err play_turn(struct playing *p, struct csv_file *file)
{
	wy_ms at_ms = file->at_ms;
	enum wy_err err = WY_OK;

	bool is_first = !p->player->engine;

	if (is_first)
		err = player_start(p->player, at_instant(at_ms));
	if (err)
		return err;
	player_begin(p->player, at_instant(at_ms));
	if (is_first)
		hold_absent(p);
	while (!err && file && file->at_ms == at_ms) {
		if (file->is_long)
			take_long(p, file);
		else
			take_wide(p, file);
		err = csv_next(file, &p->how->reading);
		/* Most often it goes on in the same file. */
		if (!file->has_row || file->at_ms != at_ms)
			file = earliest(p);
	}
	player_end(p->player);
	return err;
}

static bool is_enough(const struct playing *p)
{
	return p->how->reading.diags->errors >= WY_CSV_ERRORS_MAX;
}

/* The data goes on, the replay does not: what is due until then still happens. */
static void play_to(struct playing *p, wy_ms to_ms)
{
	if (!p->player->engine || p->player->now.mono_ms >= to_ms)
		return;
	player_begin(p->player, at_instant(to_ms));
	player_end(p->player);
}

static enum wy_err play_all(struct playing *p)
{
	enum wy_err err = WY_OK;

	for (struct csv_file *file = earliest(p); !err && file && !is_enough(p); file = earliest(p)) {
		if (file->at_ms > p->how->to_ms) {
			play_to(p, p->how->to_ms);
			break;
		}
		if (file->at_ms < p->how->from_ms)
			err = csv_next(file, &p->how->reading);
		else
			err = play_turn(p, file);
		tell_progress(p);
	}
	return err;
}

static enum wy_err open_all(struct playing *p)
{
	enum wy_err found = WY_OK;

	for (size_t i = 0; i < p->how->n_paths; i++) {
		enum wy_err err = csv_open(&p->files[p->n_files], p->how->paths[i], &p->how->reading);
		found = found ? found : err;
		p->n_files += !err;
	}
	return found;
}

enum wy_err csv_play(const struct csv_play *play, struct player *player)
{
	struct playing p = {.how = play, .player = player};
	size_t n_errors = play->reading.diags->errors;
	enum wy_err err = WY_E_NOMEM;

	p.files = calloc(play->n_paths, sizeof(*p.files));
	p.voices = calloc(player->world->n_assets + 1, sizeof(*p.voices));
	if (p.files && p.voices)
		err = open_all(&p);
	if (!err)
		err = play_all(&p);
	for (size_t i = 0; i < p.n_files; i++)
		csv_close(&p.files[i]);
	free(p.files);
	free(p.voices);
	if (!err && play->reading.diags->errors != n_errors)
		err = WY_E_INVALID;
	return err;
}
