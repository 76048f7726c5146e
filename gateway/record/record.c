/* record.c: see record.h. Turns gather in one block; a full or old block is packed and handed to the disk. */
#include "record.h"

#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "record_block.h"
#include "record_names.h"

enum { TURN_BYTES = 64 * 1024 /* room for one turn */ };

struct record {
	struct record_conf conf;
	struct record_disk *disk;
	struct record *before; /* whose disk it becomes; NULL: it has one of its own */
	struct record_packer *packer;
	struct record_sizes sizes;
	uint32_t *first_slot; /* owned */
	struct record_writer writer;
	unsigned char *raw;    /* WY_RECORD_RAW_BYTES, owned: the block that is growing */
	unsigned char *scratch; /* the same, for first blocks */
	unsigned char *packed; /* WY_RECORD_BLOCK_BYTES, owned */
	bool is_recording; /* a file is being written */
	bool has_said;     /* why it pauses */
	uint32_t number;   /* of the next block of the file */
	uint32_t file;
	uint64_t file_bytes, file_bytes_max;
	wy_ms file_ms;  /* mono: when it began */
	wy_ms block_ms; /* mono: first turn of the block at hand */
	wy_ms retry_ms; /* mono: not before */
	struct wy_now now;
};

/* ---- Life -------------------------------------------------------------------------------------- */

/* Many files, so that the oldest can go in small pieces. */
static uint64_t file_size(uint64_t max_bytes)
{
	const uint64_t least = 1024 * 1024, most = 64 * least;
	uint64_t bytes = max_bytes / 16;

	return bytes < least ? least : bytes > most ? most : bytes;
}

static bool is_same_disk(const struct record_disk_conf *a, const struct record_disk_conf *b)
{
	return strcmp(a->directory, b->directory) == 0 && a->max_bytes == b->max_bytes && a->keep_ms == b->keep_ms;
}

enum wy_err record_open(const struct record_conf *conf, struct record *before, struct record **ret)
{
	struct record *record = calloc(1, sizeof(*record));
	enum wy_err err = WY_E_NOMEM;

	if (!record)
		return WY_E_NOMEM;
	record->conf = *conf;
	record->file_bytes_max = file_size(conf->disk.max_bytes);
	record->retry_ms = WY_MS_NONE;
	record->first_slot = malloc((conf->world->n_assets + 1) * sizeof(*record->first_slot));
	record->raw = malloc(WY_RECORD_RAW_BYTES);
	record->scratch = malloc(WY_RECORD_RAW_BYTES);
	record->packed = malloc(WY_RECORD_BLOCK_BYTES);
	record->packer = record_packer_new();
	if (record->first_slot && record->raw && record->scratch && record->packed && record->packer) {
		record_sizes_of(conf->world, conf->set, record->first_slot, &record->sizes);
		record->writer.sizes = &record->sizes;
		record->before = before && is_same_disk(&before->conf.disk, &conf->disk) ? before : NULL;
		if (record_memory_init(&record->writer.memory, &record->sizes))
			err = record->before ? WY_OK : record_disk_open(&record->conf.disk, &record->disk);
	}
	if (err) {
		record_close(record);
		return err;
	}
	*ret = record;
	return WY_OK;
}

/* ---- Pauses ------------------------------------------------------------------------------------ */

static void pause_recording(struct record *record, const char *why)
{
	int error = record_disk_error(record->disk);

	record->is_recording = false;
	record->retry_ms = record->now.mono_ms + RECORD_RETRY_MS;
	record->writer.out.len = 0;
	if (record->has_said)
		return;
	record->has_said = true;
	log_line(LOG_WARNING, "recording_paused", "dir=\"%s\" why=\"%s\" next=\"watching goes on; a new file is tried every "
		 "%lld min\"", record->conf.disk.directory, error ? strerror(error) : why,
		 (long long)(RECORD_RETRY_MS / 60000));
}

/* ---- Blocks ------------------------------------------------------------------------------------ */

static bool hand_over(struct record *record, enum record_kind kind, const unsigned char *raw, size_t len,
		      wy_ms first_ms, bool is_first)
{
	struct record_header header = {
		.kind = kind,
		.raw_len = (uint32_t)len,
		.number = record->number,
		.file = record->file,
		.first_ms = first_ms,
		.last_ms = record->now.mono_ms,
	};
	size_t n = record_pack(record->packer, &header, raw, record->packed);
	bool is_taken = n && (is_first ? record_disk_begin(record->disk, record->packed, n, record->now)
				       : record_disk_add(record->disk, record->packed, n, record->now));

	if (!is_taken) {
		pause_recording(record, "the disk does not keep up");
		return false;
	}
	record->number++;
	record->file_bytes += n;
	return true;
}

static void begin_block(struct record *record)
{
	record->writer.out = (struct record_out){record->raw, WY_RECORD_RAW_BYTES, 0, false};
	record->writer.same = 0;
	record_memory_begin(&record->writer.memory, &record->sizes, record->now.mono_ms);
	record->block_ms = record->now.mono_ms;
}

/* What has gathered so far. */
static void end_block(struct record *record)
{
	record_write_end(&record->writer);
	if (record->writer.out.is_full) {
		pause_recording(record, "one turn was too large");
		return;
	}
	if (record->writer.out.len)
		(void)hand_over(record, RECORD_TURNS, record->raw, record->writer.out.len, record->block_ms, false);
	record->writer.out.len = 0;
}

/* ---- Files ------------------------------------------------------------------------------------- */

static bool write_head(struct record *record, enum record_begin begin, wy_ms down_ms)
{
	struct record_out out = {record->scratch, WY_RECORD_RAW_BYTES, 0, false};

	record->number = 0;
	record->file = record_disk_next(record->disk);
	record->file_bytes = 0;
	record->file_ms = record->now.mono_ms;
	record_write_names(&out, record->conf.world, record->conf.set, begin, down_ms, record->now);
	if (out.is_full) {
		pause_recording(record, "the names of the building do not fit into a block");
		return false;
	}
	return hand_over(record, RECORD_HEAD, record->scratch, out.len, record->now.mono_ms, true);
}

/* What the rules remember, so that each file can be played by itself. */
static bool write_cells(struct record *record, struct rule_engine *engine)
{
	struct record_out out = {record->scratch, WY_RECORD_RAW_BYTES, 0, false};
	struct rule_cell cell;
	size_t at = 0;

	while (rule_next_dirty(engine, true, &at, &cell)) {
		size_t needed = cell.len + strlen(cell.key) + 16;
		if (needed > out.size - out.len && out.len) {
			if (!hand_over(record, RECORD_CELLS, record->scratch, out.len, record->now.mono_ms, false))
				return false;
			out.len = 0;
		}
		if (needed > out.size || strlen(cell.key) > 255)
			continue;
		record_put_text(&out, cell.key);
		record_put_u(&out, cell.len);
		record_put(&out, cell.bytes, cell.len);
	}
	return !out.len || hand_over(record, RECORD_CELLS, record->scratch, out.len, record->now.mono_ms, false);
}

static void begin_file(struct record *record, struct rule_engine *engine, enum record_begin begin, wy_ms down_ms)
{
	if (!write_head(record, begin, down_ms))
		return;
	record->is_recording = true;
	begin_block(record);
	(void)write_cells(record, engine);
}

static void take_disk(struct record *record, struct record *before)
{
	if (before->is_recording)
		end_block(before);
	before->is_recording = false;
	record->disk = before->disk;
	record->has_said = before->has_said;
	before->disk = NULL;
	record->before = NULL;
}

void record_start(struct record *record, struct rule_engine *engine, wy_ms down_ms, struct wy_now now)
{
	if (!record)
		return;
	if (record->before)
		take_disk(record, record->before);
	record->now = now;
	begin_file(record, engine, RECORD_STARTS, down_ms);
}

/* ---- Turns ------------------------------------------------------------------------------------- */

static void notice_disk(struct record *record)
{
	if (record_disk_error(record->disk))
		pause_recording(record, "");
	else if (record->has_said && record_disk_written(record->disk) && record->number > 1) {
		record->has_said = false;
		log_line(LOG_INFO, "recording_goes_on", "dir=\"%s\"", record->conf.disk.directory);
	}
}

void record_between(struct record *record, struct rule_engine *engine, struct wy_now now)
{
	if (!record)
		return;
	bool is_block_over = record->writer.out.len > WY_RECORD_RAW_BYTES - TURN_BYTES ||
			     (record->writer.out.len && now.mono_ms - record->block_ms >= record->conf.block_ms);
	/* Up to here it is the turn before. */
	if (record->is_recording && is_block_over) {
		end_block(record);
		if (record->is_recording)
			notice_disk(record);
	}
	record->now = now;
	bool is_file_over = record->file_bytes >= record->file_bytes_max || now.mono_ms - record->file_ms >= RECORD_FILE_MS;
	if (record->is_recording && is_block_over && is_file_over)
		begin_file(record, engine, RECORD_GOES_ON, now.mono_ms);
	else if (record->is_recording && is_block_over)
		begin_block(record);
	else if (!record->is_recording && now.mono_ms >= record->retry_ms)
		begin_file(record, engine, RECORD_AFTER_LOSS, now.mono_ms);
	if (record->is_recording && !record->writer.out.len)
		begin_block(record);
}

void record_turn(struct record *record, struct wy_now now)
{
	if (record && record->is_recording)
		record_write_turn(&record->writer, now);
}

void record_resume(struct record *record, wy_ms down_ms, struct wy_now now)
{
	if (record && record->is_recording)
		record_write_resume(&record->writer, down_ms, now);
}

void record_heard(struct record *record, uint32_t device, wy_ms at_ms)
{
	if (record && record->is_recording)
		record_write_heard(&record->writer, device, at_ms);
}

void record_sample(struct record *record, uint32_t asset, const struct wy_sample *sample)
{
	if (record && record->is_recording)
		record_write_sample(&record->writer, asset, sample);
}

void record_order(struct record *record, uint32_t instance, const struct rule_order *order)
{
	if (!record || !record->is_recording)
		return;
	const struct rule_instance_info *info = rule_instance_at(record->conf.set, instance);
	struct record_order it = {.rule = info->rule, .asset = info->asset, .order = *order};
	for (uint32_t i = 0; i < instance; i++) {
		const struct rule_instance_info *other = rule_instance_at(record->conf.set, i);
		it.nth += other->rule == info->rule && other->asset == info->asset;
	}
	record_write_order(&record->writer, &it);
}

struct record_state record_state(struct record *record)
{
	if (!record)
		return (struct record_state){0};
	return (struct record_state){record_disk_written(record->disk), !record->is_recording,
				     record_disk_error(record->disk)};
}

void record_close(struct record *record)
{
	if (!record)
		return;
	if (record->is_recording)
		end_block(record);
	record_disk_close(record->disk);
	record_packer_free(record->packer);
	record_memory_release(&record->writer.memory);
	free(record->first_slot);
	free(record->raw);
	free(record->scratch);
	free(record->packed);
	free(record);
}
