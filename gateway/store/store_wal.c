/* store_wal.c: is the write-ahead log whole? SQLite reads a log up to the first frame whose checksum does not fit and forgets the
 * rest without a word. After a power cut that is right: what stands there was never acknowledged. After damage in the middle it
 * takes back transactions that were, some of them told to the platform already.
 *
 * The two are told apart by what stands behind the bad frame. Each transaction ends in a frame that says so, and the next one
 * is only begun when that is on the disk: a cut leaves at most one such frame behind a bad one, and none if the machine has run
 * on. A frame counts if its checksum goes on from that of the frame before it: SQLite writes the head of a frame and then its
 * page, and a process that is killed between the two leaves a head over the page of another. What a kill or a cut leaves is
 * gone with the next start, which empties the log. The format is SQLite's, https://www.sqlite.org/fileformat2.html#walformat; numbers are big-endian. */
#include "store_files.h"

#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

enum { HEAD = 32, FRAME_HEAD = 24, PAGE_DEFAULT = 4096, PAGE_MAX = 65536 };
#define MAGIC 0x377f0682u /* its lowest bit: checksums are of big-endian words */

struct wal {
	int fd;
	uint32_t page, salt[2], sum[2];
	bool is_big_endian, is_head_sound;
	unsigned char *frame; /* FRAME_HEAD + page */
};

static uint32_t word_of(const unsigned char *at)
{
	return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static uint32_t sum_word(const struct wal *wal, const unsigned char *at)
{
	const unsigned char turned[] = {at[3], at[2], at[1], at[0]};

	return word_of(wal->is_big_endian ? at : turned);
}

static void add(const struct wal *wal, uint32_t sum[2], const unsigned char *bytes, size_t len)
{
	for (size_t i = 0; i < len; i += 8) {
		sum[0] += sum_word(wal, bytes + i) + sum[1];
		sum[1] += sum_word(wal, bytes + i + 4) + sum[0];
	}
}

/* A head that cannot be believed leaves what the first frame says, and the usual size of a page. */
static bool read_head(struct wal *wal)
{
	unsigned char head[HEAD + FRAME_HEAD] = {0};

	if (pread(wal->fd, head, sizeof(head), 0) != (ssize_t)sizeof(head))
		return false;
	uint32_t magic = word_of(head);
	wal->is_big_endian = magic & 1;
	wal->page = word_of(head + 8);
	wal->sum[0] = wal->sum[1] = 0;
	add(wal, wal->sum, head, HEAD - 8);
	wal->is_head_sound = (magic & ~1u) == MAGIC && wal->page >= 512 && wal->page <= PAGE_MAX &&
			     wal->sum[0] == word_of(head + 24) && wal->sum[1] == word_of(head + 28);
	const unsigned char *salt = wal->is_head_sound ? head + 16 : head + HEAD + 8;
	wal->salt[0] = word_of(salt);
	wal->salt[1] = word_of(salt + 4);
	if (!wal->is_head_sound)
		wal->page = PAGE_DEFAULT;
	return true;
}

static bool read_frame(const struct wal *wal, uint64_t n)
{
	size_t len = FRAME_HEAD + wal->page;

	return pread(wal->fd, wal->frame, len, (off_t)(HEAD + n * len)) == (ssize_t)len;
}

static bool is_ours(const struct wal *wal)
{
	return word_of(wal->frame + 8) == wal->salt[0] && word_of(wal->frame + 12) == wal->salt[1];
}

static bool is_sound(struct wal *wal)
{
	add(wal, wal->sum, wal->frame, 8);
	add(wal, wal->sum, wal->frame + FRAME_HEAD, wal->page);
	return is_ours(wal) && word_of(wal->frame) != 0 && wal->sum[0] == word_of(wal->frame + 16) &&
	       wal->sum[1] == word_of(wal->frame + 20);
}

static bool goes_on_from(const struct wal *wal, const uint32_t before[2])
{
	uint32_t sum[2] = {before[0], before[1]};

	add(wal, sum, wal->frame, 8);
	add(wal, sum, wal->frame + FRAME_HEAD, wal->page);
	return sum[0] == word_of(wal->frame + 16) && sum[1] == word_of(wal->frame + 20);
}

/* Where the head cannot be believed, the order of bytes in a word is not known either. */
static bool is_whole(struct wal *wal, const uint32_t before[2])
{
	if (goes_on_from(wal, before) || wal->is_head_sound)
		return goes_on_from(wal, before);
	wal->is_big_endian = !wal->is_big_endian;
	return goes_on_from(wal, before);
}

/* Ends of transactions behind this frame, the log's own; those of a log before have another salt. */
static unsigned count_ends(struct wal *wal, uint64_t n)
{
	uint32_t before[2] = {0, 0};
	unsigned ends = 0;

	for (uint64_t at = n; read_frame(wal, at); at++) {
		bool is_end = is_ours(wal) && word_of(wal->frame) != 0 && word_of(wal->frame + 4) != 0;
		ends += at > n && is_end && is_whole(wal, before);
		before[0] = word_of(wal->frame + 16);
		before[1] = word_of(wal->frame + 20);
	}
	return ends;
}

static bool is_damaged(struct wal *wal, bool is_same_boot)
{
	uint64_t n = 0;

	while (wal->is_head_sound && read_frame(wal, n) && is_sound(wal))
		n++;
	return count_ends(wal, n) > (is_same_boot ? 0u : 1u);
}

bool store_wal_is_damaged(const char *path, bool is_same_boot)
{
	struct wal wal = {.fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)};
	bool is = false;

	wal.frame = malloc(FRAME_HEAD + PAGE_MAX);
	if (wal.fd >= 0 && wal.frame && read_head(&wal))
		is = is_damaged(&wal, is_same_boot);
	free(wal.frame);
	if (wal.fd >= 0)
		close(wal.fd);
	return is;
}
