/* recording.c: see recording.h. A file is read as a whole; its blocks are taken one after the other. */
#include "recording.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "record_block.h"
#include "recording_map.h"

struct playing {
	const struct recording_play *how;
	struct player *player;
	const struct wy_source *source; /* the file at hand, for messages */
	unsigned char *raw;             /* WY_RECORD_RAW_BYTES, owned */
	struct record_names names;
	struct recording_map map;
	struct record_memory memory;
	bool has_names, is_exact, wants_cells, is_open /* a turn is */, is_over;
	bool is_broken;     /* something is missing since the last turn */
	uint32_t last_file; /* number */
	wy_ms down_ms;      /* of the start at hand; valid until its first turn with wants_cells */
	uint64_t bytes;
	size_t n_cells_lost;
};

static void warn(struct playing *p, const char *code, const char *fmt, unsigned long long a, unsigned long long b)
{
	char text[300];
	struct wy_buf buf;

	wy_buf_init(&buf, text, sizeof(text));
	wy_buf_addf(&buf, "%s: ", fmt);
	wy_buf_addf(&buf, "%llu of %llu", a, b);
	wy_diag_at(p->how->diags, WY_DIAG_WARNING, code, p->source, (struct wy_place){0, 0}, "%s", text);
}

/* ---- Turns ------------------------------------------------------------------------------------- */

static void end_turn(struct playing *p)
{
	if (p->is_open)
		player_end(p->player);
	p->is_open = false;
}

/* Memory is complete: the engine goes on from where it was down. */
static void end_start(struct playing *p)
{
	if (!p->wants_cells)
		return;
	p->wants_cells = false;
	rule_resume(p->player->engine, p->down_ms, p->player->now);
	if (p->how->on_restart)
		p->how->on_restart(p->how->arg, p->player->now.mono_ms);
}

/* Turns are missing between the last one and this instant. */
static void bridge(struct playing *p, struct wy_now now)
{
	if (p->is_broken && p->player->is_started)
		rule_resume(p->player->engine, p->player->now.mono_ms, now);
	p->is_broken = false;
}

static void on_turn(void *arg, struct wy_now now)
{
	struct playing *p = arg;

	end_turn(p);
	if (p->is_over || now.wall_ms > p->how->to_ms) {
		p->is_over = true;
		return;
	}
	end_start(p);
	bridge(p, now);
	player_begin(p->player, now);
	p->is_open = true;
}

static void on_resume(void *arg, wy_ms down_ms, struct wy_now now)
{
	struct playing *p = arg;

	end_turn(p);
	if (p->is_over)
		return;
	end_start(p);
	bridge(p, now);
	rule_resume(p->player->engine, down_ms, now);
}

static void on_heard(void *arg, uint32_t device, wy_ms at_ms)
{
	struct playing *p = arg;

	if (p->is_open && p->map.has_devices)
		rule_heard(p->player->engine, device, at_ms);
}

static void on_sample(void *arg, uint32_t asset, const struct wy_sample *sample)
{
	struct playing *p = arg;
	struct wy_sample here;
	uint32_t ours;

	if (!p->is_open || !recording_convert(&p->map, asset, sample, &ours, &here))
		return;
	const struct wy_asset *model = &p->player->world->assets[ours];
	for (size_t i = 0; !p->map.has_devices && i < model->n_devices; i++)
		rule_heard(p->player->engine, model->devices[i], here.at_ms);
	player_put(p->player, ours, &here);
}

static uint32_t find_instance(const struct rule_set *set, uint32_t rule, uint32_t asset, uint32_t nth)
{
	for (uint32_t i = 0; i < rule_instance_count(set); i++) {
		const struct rule_instance_info *info = rule_instance_at(set, i);
		if (info->rule == rule && info->asset == asset && nth-- == 0)
			return i;
	}
	return NAMES_NONE;
}

static void on_order(void *arg, const struct record_order *order)
{
	struct playing *p = arg;
	uint32_t rule = p->map.rules[order->rule], asset = p->map.assets[order->asset];

	if (!p->is_open || rule == NAMES_NONE || asset == NAMES_NONE)
		return;
	uint32_t instance = find_instance(p->player->set, rule, asset, order->nth);
	/* What was refused then is refused now. */
	if (instance != NAMES_NONE)
		(void)!rule_command(p->player->engine, instance, &order->order);
}

static void on_mark(void *arg, uint32_t asset, const char *name)
{
	struct playing *p = arg;

	if (p->is_open && p->map.assets[asset] != NAMES_NONE)
		(void)!rule_mark(p->player->engine, p->map.assets[asset], name);
}

static enum wy_err play_turns(struct playing *p, const struct record_header *header)
{
	const struct record_sink sink = {on_turn, on_heard, on_sample, on_order, on_mark, on_resume, p};

	if (!p->has_names)
		return WY_OK;
	enum wy_err err = record_read_turns(p->raw, header->raw_len, header->first_ms, &p->names.sizes, &p->memory, &sink);
	end_turn(p);
	return err;
}

/* ---- Begin of a file --------------------------------------------------------------------------- */

static void forget_names(struct playing *p)
{
	record_memory_release(&p->memory);
	recording_map_release(&p->map);
	record_names_release(&p->names);
	p->has_names = false;
}

static enum wy_err take_names(struct playing *p, const struct record_header *header)
{
	forget_names(p);
	enum wy_err err = record_read_names(p->raw, header->raw_len, &p->names);
	if (err)
		return err;
	err = recording_map_init(&p->map, &p->names, p->player->world, p->player->set, p->how->names);
	if (!err && !record_memory_init(&p->memory, &p->names.sizes))
		err = WY_E_NOMEM;
	if (err)
		return err;
	p->has_names = true;
	p->is_exact = p->names.set_hash == rule_set_hash(p->player->set) && p->map.has_devices && !p->map.n_points_gone;
	if (p->map.n_assets_gone || p->map.n_points_gone)
		warn(p, "W829", "recorded points that are not here any more, or of another type, are left out",
		     p->map.n_points_gone, p->names.sizes.n_slots);
	return WY_OK;
}

static enum wy_err begin_file(struct playing *p, const struct record_header *header)
{
	enum wy_err err = take_names(p, header);

	if (err)
		return err;
	bool is_next = p->player->is_started && header->file == p->last_file + 1 && !p->is_broken;
	p->last_file = header->file;
	if (is_next && p->names.begin == RECORD_GOES_ON)
		return WY_OK;
	if (p->player->is_started && !p->is_exact) {
		rule_resume(p->player->engine, is_next && p->names.down_ms > p->player->now.mono_ms
						       ? p->names.down_ms : p->player->now.mono_ms, p->names.now);
		p->is_broken = false;
		return WY_OK;
	}
	err = player_start(p->player, p->names.now);
	if (err)
		return err;
	p->wants_cells = p->is_exact;
	p->down_ms = p->names.begin == RECORD_STARTS ? p->names.down_ms : p->names.now.mono_ms;
	p->is_broken = false;
	return WY_OK;
}

static enum wy_err take_cells(struct playing *p, const struct record_header *header)
{
	struct record_in in = {p->raw, header->raw_len, 0, false};
	char key[256];

	while (p->wants_cells && !in.is_bad && in.at < in.len) {
		record_get_text(&in, key);
		size_t len = record_get_below(&in, WY_RECORD_RAW_BYTES);
		const unsigned char *bytes = record_get(&in, len);
		if (bytes && rule_restore(p->player->engine, key, bytes, len))
			p->n_cells_lost++;
	}
	return in.is_bad ? WY_E_CORRUPT : WY_OK;
}

/* ---- Blocks ------------------------------------------------------------------------------------ */

static enum wy_err take_block(struct playing *p, const unsigned char *at, const struct record_header *header)
{
	enum wy_err err = record_unpack(at, header, at + RECORD_HEADER_BYTES, p->raw);

	if (err)
		return err;
	switch (header->kind) {
	case RECORD_HEAD:
		return begin_file(p, header);
	case RECORD_CELLS:
		return take_cells(p, header);
	case RECORD_TURNS:
		return play_turns(p, header);
	}
	return WY_OK;
}

/* Where the next block may begin, or len. */
static size_t find_block(const unsigned char *bytes, size_t len, size_t from)
{
	struct record_header header;

	for (size_t at = from; at + RECORD_HEADER_BYTES <= len; at++)
		if (bytes[at] == 'W' && record_read_header(bytes + at, &header) == WY_OK)
			return at;
	return len;
}

/* After its number in the file, a block that is whole follows the one before. */
static enum wy_err play_blocks(struct playing *p, const unsigned char *bytes, size_t len)
{
	struct record_header header;
	size_t damaged = 0, at = 0;
	uint32_t expected = 0;
	enum wy_err err = WY_OK;

	while (at < len && !p->is_over && !err) {
		size_t left = len - at;
		bool is_header = left >= RECORD_HEADER_BYTES && record_read_header(bytes + at, &header) == WY_OK;
		size_t whole = is_header ? RECORD_HEADER_BYTES + (size_t)header.packed_len : 0;
		if (is_header && whole <= left) {
			p->is_broken = p->is_broken || header.number != expected;
			expected = header.number + 1;
			err = take_block(p, bytes + at, &header);
			if (err == WY_OK) {
				at += whole;
				continue;
			}
			if (err != WY_E_CORRUPT)
				break;
			err = WY_OK;
		}
		p->is_broken = true;
		size_t next = find_block(bytes, len, at + 1);
		if (next == len && !damaged) {
			warn(p, "W828", "the file ends within a block, as after a power cut; bytes cut off", len - at, len);
			return WY_OK;
		}
		damaged += next - at;
		at = next;
	}
	if (damaged)
		warn(p, "W828", "damaged; what these bytes held counts as not watched", damaged, len);
	return err;
}

/* ---- Files ------------------------------------------------------------------------------------- */

enum { FILE_BYTES_MAX = 256 * 1024 * 1024 };

static enum wy_err say_errno(struct playing *p)
{
	wy_diag_at(p->how->diags, WY_DIAG_ERROR, "E826", p->source, (struct wy_place){0, 0}, "cannot be read: %s",
		   strerror(errno));
	return WY_E_IO;
}

static enum wy_err read_file(struct playing *p, int fd, unsigned char **ret_bytes, size_t *ret_len)
{
	struct stat info;
	size_t len = 0;

	if (fstat(fd, &info) != 0)
		return say_errno(p);
	if (info.st_size > FILE_BYTES_MAX)
		return WY_E_LIMIT;
	unsigned char *bytes = malloc((size_t)info.st_size + 1);
	if (!bytes)
		return WY_E_NOMEM;
	while (len < (size_t)info.st_size) {
		ssize_t n = read(fd, bytes + len, (size_t)info.st_size - len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			free(bytes);
			return say_errno(p);
		}
		if (n == 0)
			break;
		len += (size_t)n;
	}
	*ret_bytes = bytes;
	*ret_len = len;
	return WY_OK;
}

/* The first block says whether this is a recording of ours at all. */
static enum wy_err check_first(struct playing *p, const unsigned char *bytes, size_t len)
{
	struct record_header header;
	enum wy_err err = len < RECORD_HEADER_BYTES ? WY_E_CORRUPT : record_read_header(bytes, &header);

	if (err == WY_E_LIMIT)
		wy_diag_at(p->how->diags, WY_DIAG_ERROR, "E827", p->source, (struct wy_place){0, 0},
			   "a recording of another version of Weiyu; this one reads version %u", RECORD_VERSION);
	return err == WY_E_LIMIT ? WY_E_INVALID : WY_OK;
}

static enum wy_err play_file(struct playing *p, const char *path)
{
	struct wy_source *source = wy_arena_alloc(p->how->diags->arena, sizeof(*source));
	unsigned char *bytes = NULL;
	size_t len = 0;

	if (!source)
		return WY_E_NOMEM;
	source->name = path;
	source->text = "";
	p->source = source;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return say_errno(p);
	enum wy_err err = read_file(p, fd, &bytes, &len);
	(void)close(fd);
	if (!err)
		err = check_first(p, bytes, len);
	if (!err)
		err = play_blocks(p, bytes, len);
	free(bytes);
	p->bytes += len;
	if (p->how->on_progress)
		p->how->on_progress(p->how->arg, p->bytes);
	return err;
}

/* Wall time of a file's begin; WY_MS_NEVER: it has no readable first block. */
static wy_ms begin_of(struct playing *p, const char *path)
{
	unsigned char *bytes = malloc(WY_RECORD_BLOCK_BYTES);
	struct record_header header;
	struct record_names names;
	wy_ms wall_ms = WY_MS_NEVER;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd >= 0 && bytes ? read(fd, bytes, WY_RECORD_BLOCK_BYTES) : 0;

	if (n >= (ssize_t)RECORD_HEADER_BYTES && record_read_header(bytes, &header) == WY_OK &&
	    (size_t)n >= RECORD_HEADER_BYTES + header.packed_len && header.kind == RECORD_HEAD &&
	    record_unpack(bytes, &header, bytes + RECORD_HEADER_BYTES, p->raw) == WY_OK &&
	    record_read_names(p->raw, header.raw_len, &names) == WY_OK) {
		wall_ms = names.now.wall_ms;
		record_names_release(&names);
	}
	if (fd >= 0)
		(void)close(fd);
	free(bytes);
	return wall_ms;
}

static size_t first_of(struct playing *p)
{
	size_t first = 0;

	for (size_t i = 1; p->how->from_ms != WY_MS_NONE && i < p->how->n_paths; i++)
		if (begin_of(p, p->how->paths[i]) <= p->how->from_ms)
			first = i;
	return first;
}

enum wy_err recording_play(const struct recording_play *play, struct player *player)
{
	struct playing p = {.how = play, .player = player, .raw = malloc(WY_RECORD_RAW_BYTES)};
	enum wy_err err = p.raw ? WY_OK : WY_E_NOMEM;

	for (size_t i = err ? 0 : first_of(&p); !err && i < play->n_paths && !p.is_over; i++)
		err = play_file(&p, play->paths[i]);
	if (!err && p.n_cells_lost)
		warn(&p, "W828", "memories of rules that cannot be read; those rules begin anew", p.n_cells_lost,
		     rule_instance_count(player->set));
	forget_names(&p);
	free(p.raw);
	return err;
}

bool recording_is(const char *path)
{
	static const char magic[4] = {'W', 'Y', 'R', 'B'};
	char bytes[4];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	bool is_one = fd >= 0 && read(fd, bytes, sizeof(bytes)) == (ssize_t)sizeof(bytes) &&
		      memcmp(bytes, magic, sizeof(magic)) == 0;

	if (fd >= 0)
		(void)close(fd);
	return is_one;
}
