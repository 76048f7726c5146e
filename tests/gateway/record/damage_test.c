/* damage_test.c: recordings after power cuts and on bad disks: what is whole is played, what is not is said, and time
 * that is missing counts as not watched. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "live_log.h"
#include "log.h"
#include "record_block.h"

#define BUILDING WY_SOURCE_DIR "/tests/gateway/engine/building"
#define RULES                                                                                          \
	"weiyu: rules/1\npackage: room\n"                                                              \
	"rules:\n"                                                                                     \
	"  - {id: room.wet, scope: room, fault: WTR-01, tier: S3, when: a, hold: 3s, clear: not a, "   \
	"clear_hold: 4s, unverified_after: 15s}\n"

static struct world world;
static char live[LIVE_LOG_BYTES], again[LIVE_LOG_BYTES];
static char dir[] = "/tmp/weiyu-record-XXXXXX";
static unsigned char *whole;
static size_t whole_len;
static char path[300];

static void read_whole(void)
{
	struct record_file_list list;

	assert_int_equal(record_list_files(dir, &list), WY_OK);
	assert_int_equal(list.n, 1);
	snprintf(path, sizeof(path), "%s", list.item[0].path);
	whole_len = list.item[0].bytes;
	whole = malloc(whole_len);
	FILE *file = fopen(path, "rb");
	assert_int_equal(fread(whole, 1, whole_len, file), whole_len);
	fclose(file);
	record_list_release(&list);
}

static void write_part(size_t len, size_t flipped)
{
	FILE *file = fopen(path, "wb");

	for (size_t i = 0; i < len; i++)
		assert_true(fputc(i == flipped ? whole[i] ^ 0x40 : whole[i], file) != EOF);
	assert_int_equal(fclose(file), 0);
}

/* Some minutes: a block each. */
static int record_a_life(void **state)
{
	(void)state;
	memcpy(dir + sizeof(dir) - 7, "XXXXXX", 6);
	assert_non_null(mkdtemp(dir));
	world_make(&world, BUILDING);
	world.record_dir = dir;
	world.record_bytes = 64u << 20;
	world_write(&world, "rules.yaml", RULES);
	assert_int_equal(world_start(&world), WY_OK);
	live_log_begin(&world, live);
	for (unsigned i = 0; i < 12; i++) {
		world.a = !world.a;
		assert_true(world_run(&world, 31000));
	}
	world_stop(&world);
	live_log_end();
	world.record_dir = NULL;
	assert_int_equal(world_start(&world), WY_OK);
	read_whole();
	return 0;
}

static int forget_it(void **state)
{
	(void)state;
	free(whole);
	remove_recording(dir);
	world_remove(&world);
	return 0;
}

static bool begins_like(const char *text, const char *with)
{
	return strncmp(with, text, strlen(text)) == 0;
}

/* Cut after any byte: what is played is how the life began. */
static void a_file_may_end_after_any_byte(void **state)
{
	size_t longest = 0;
	(void)state;

	for (size_t len = 0; len <= whole_len; len += len < 60 || len + 60 > whole_len ? 1 : 13) {
		write_part(len, SIZE_MAX);
		wy_diags_init(&world.diags, &world.arena);
		size_t used = world.arena.used;
		(void)replay_log(&world, dir, again);
		world.arena.used = used;
		if (!begins_like(again, live))
			fail_msg("cut after %zu bytes:\n%s", len, again);
		assert_true(strlen(again) >= longest);
		longest = strlen(again);
	}
	assert_int_equal(longest, strlen(live));
}

static void half_a_block_is_said(void **state)
{
	(void)state;
	write_part(whole_len - 1, SIZE_MAX);
	wy_diags_init(&world.diags, &world.arena);
	assert_int_equal(replay_log(&world, dir, again), 1);
	assert_non_null(strstr(world.diags.item[0].text, "ends within a block"));
}

/* A damaged block is skipped, and the rest is played; nothing is told that did not happen but doubt. */
static void one_wrong_byte_anywhere_is_survived(void **state)
{
	size_t n_said = 0, n = 0;
	(void)state;

	for (size_t at = 0; at < whole_len; at += 7, n++) {
		write_part(whole_len, at);
		wy_diags_init(&world.diags, &world.arena);
		size_t used = world.arena.used;
		n_said += replay_log(&world, dir, again) > 0;
		world.arena.used = used;
	}
	assert_int_equal(n_said, n);
}

/* A byte in the middle of the n-th block of turns. */
static size_t inside_of_turns(unsigned n)
{
	struct record_header header;

	for (size_t at = 0;; at += RECORD_HEADER_BYTES + header.packed_len) {
		assert_int_equal(record_read_header(whole + at, &header), WY_OK);
		if (header.kind == RECORD_TURNS && n-- == 1)
			return at + RECORD_HEADER_BYTES + header.packed_len / 2;
	}
}

static void a_missing_block_counts_as_not_watched(void **state)
{
	(void)state;
	write_part(whole_len, inside_of_turns(3));
	wy_diags_init(&world.diags, &world.arena);
	assert_int_equal(replay_log(&world, dir, again), 1);
	assert_non_null(strstr(world.diags.item[0].text, "not watched"));
	assert_true(strcmp(again, live) != 0 && strlen(again) > 200);
	/* The end is told as it was. */
	const char *last = strrchr(live, ' ');
	assert_non_null(strstr(again, last));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_file_may_end_after_any_byte),
		cmocka_unit_test(half_a_block_is_said),
		cmocka_unit_test(one_wrong_byte_anywhere_is_survived),
		cmocka_unit_test(a_missing_block_counts_as_not_watched),
	};

	log_setup(LOG_ERROR, NULL);
	return cmocka_run_group_tests(tests, record_a_life, forget_it);
}
