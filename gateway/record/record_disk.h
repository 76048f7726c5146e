/* record_disk.h: files of a recording on the disk, written by a thread of their own, so that a slow, full or dying
 * disk holds up nobody.
 *
 * Blocks wait in a queue of WY_RECORD_QUEUE_BYTES. Where it is full, or a write failed, blocks are refused until the
 * next record_disk_begin(): then there is a new file. A file is made durable whenever the queue is empty.
 * Files are called NNNNNNNN-YYYYMMDDTHHMMSSZ.wyrec; the number counts up and is never used again, as long as a
 * later one is there. The oldest go first: when all together are larger than max_bytes, or when they were last
 * written longer than keep_ms ago by a clock that is sure. The file that is being written stays. */
#ifndef RECORD_DISK_H
#define RECORD_DISK_H

#include "clocktypes.h"
#include "err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct record_disk;
struct watch;

struct record_disk_conf {
	const char *directory; /* made if it is not there; copied */
	uint64_t max_bytes;
	wy_ms keep_ms;
	struct watch *watch; /* the thread beats while it writes; NULL: nobody watches */
};

/* Starts the thread. WY_E_NOMEM. What is wrong with the directory is told by record_disk_error(). */
WY_MUST_CHECK enum wy_err record_disk_open(const struct record_disk_conf *conf, struct record_disk **ret_disk);
/* Waits until all that was taken is written, or failed. */
void record_disk_close(struct record_disk *disk);

/* The number of the next file. */
uint32_t record_disk_next(struct record_disk *disk);
/* A new file with this first block. False: no room in the queue. Forgets an error. */
bool record_disk_begin(struct record_disk *disk, const void *block, size_t len, struct wy_now now);
/* Another block. False: no room, or an error stands. */
bool record_disk_add(struct record_disk *disk, const void *block, size_t len, struct wy_now now);
/* 0, or errno of what went wrong since the last begin. */
int record_disk_error(struct record_disk *disk);
/* Written so far by this process. */
uint64_t record_disk_written(struct record_disk *disk);
/* Waits until the queue is empty and durable. For tests. */
void record_disk_drain(struct record_disk *disk);

#define RECORD_FILE_SUFFIX ".wyrec"

/* Files of a directory by their number; names are from malloc(). */
struct record_file_name {
	char *path;
	uint32_t number;
	uint64_t bytes;
	int64_t written_s; /* wall */
};
struct record_file_list {
	struct record_file_name *item; /* ascending; owned */
	size_t n;
};
/* WY_E_IO: errno says what. WY_E_NOMEM. */
WY_MUST_CHECK enum wy_err record_list_files(const char *directory, struct record_file_list *ret_list);
void record_list_release(struct record_file_list *list);

#endif
