/* record_disk.c: see record_disk.h. One mutex guards the queue and the few numbers beside it; the disk is touched
 * without it. */
#include "record_disk.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "stamp.h"
#include "watch.h"
#include "wy_limits.h"

enum { ENTRIES = 1024 };

struct entry {
	size_t len;
	bool is_first; /* of a new file */
	struct wy_now now;
};

struct record_disk {
	struct record_disk_conf conf;
	char *directory; /* owned: that of conf */
	pthread_t thread;
	pthread_mutex_t mutex;
	pthread_cond_t wake, done;
	unsigned char *bytes; /* a ring of WY_RECORD_QUEUE_BYTES */
	size_t from, filled;
	struct entry entries[ENTRIES]; /* a ring */
	size_t first, n;
	bool is_ending, is_idle;
	int error;
	uint32_t next; /* number of the next file */
	uint64_t written;
	/* The thread's own. */
	unsigned char *block;
	int fd;
	uint64_t file_bytes, others_bytes; /* of the file at hand, and of all others */
	bool is_durable;
};

/* ---- The thread: files ------------------------------------------------------------------------- */

static int make_directory(const char *path)
{
	char part[PATH_MAX];

	if (strlen(path) >= sizeof(part))
		return ENAMETOOLONG;
	strcpy(part, path);
	for (char *at = part + 1; *at; at++) {
		if (*at != '/')
			continue;
		*at = '\0';
		(void)!mkdir(part, 0750);
		*at = '/';
	}
	return mkdir(path, 0750) == 0 || errno == EEXIST ? 0 : errno;
}

static int sync_directory(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return errno;
	int error = fsync(fd) == 0 ? 0 : errno;
	(void)close(fd);
	return error;
}

static uint32_t first_free(const char *directory)
{
	struct record_file_list list;
	uint32_t next = 1;

	if (record_list_files(directory, &list))
		return next;
	if (list.n)
		next = list.item[list.n - 1].number + 1;
	record_list_release(&list);
	return next;
}

/* A name without colons: some file systems have none. */
static void name_file(const struct record_disk *disk, uint32_t number, wy_ms wall_ms, char *out, size_t size)
{
	char stamp[40], day[40];
	struct wy_buf buf;
	size_t n = 0;

	wy_buf_init(&buf, stamp, sizeof(stamp));
	wy_stamp_utc(&buf, wall_ms);
	for (const char *at = stamp; *at && *at != '.'; at++)
		if (*at != '-' && *at != ':')
			day[n++] = *at;
	day[n] = '\0';
	wy_buf_init(&buf, out, size);
	wy_buf_addf(&buf, "%s/", disk->conf.directory);
	for (uint32_t scale = 10000000; scale; scale /= 10)
		wy_buf_addf(&buf, "%u", number / scale % 10);
	wy_buf_addf(&buf, "-%sZ" RECORD_FILE_SUFFIX, day);
}

static void close_file(struct record_disk *disk)
{
	if (disk->fd >= 0)
		(void)close(disk->fd);
	disk->fd = -1;
	disk->others_bytes += disk->file_bytes;
	disk->file_bytes = 0;
}

/* The oldest files, as long as there are too many bytes or they are too old; never the one at hand. */
static void drop_old(struct record_disk *disk, struct wy_now now)
{
	struct record_file_list list;
	uint64_t bytes = 0;

	if (record_list_files(disk->conf.directory, &list))
		return;
	for (size_t i = 0; i < list.n; i++)
		bytes += list.item[i].bytes;
	size_t n_left = list.n;
	for (size_t i = 0; i + 1 < list.n; i++) {
		const struct record_file_name *file = &list.item[i];
		bool is_old = now.clock == WY_CLOCK_SYNCED && now.wall_ms - file->written_s * 1000 > disk->conf.keep_ms;
		if (bytes <= disk->conf.max_bytes && !is_old && n_left <= WY_RECORD_FILES_MAX)
			break;
		if (unlink(file->path) != 0)
			continue;
		bytes -= file->bytes;
		n_left--;
	}
	disk->others_bytes = bytes > disk->file_bytes ? bytes - disk->file_bytes : 0;
	record_list_release(&list);
}

static int begin_file(struct record_disk *disk, struct wy_now now)
{
	char path[PATH_MAX];

	close_file(disk);
	int error = make_directory(disk->conf.directory);
	if (error)
		return error;
	/* The directory may have come since, with files in it. */
	uint32_t number = first_free(disk->conf.directory);
	pthread_mutex_lock(&disk->mutex);
	number = number > disk->next ? number : disk->next;
	disk->next = number + 1;
	pthread_mutex_unlock(&disk->mutex);
	name_file(disk, number, now.wall_ms, path, sizeof(path));
	disk->fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0640);
	if (disk->fd < 0)
		return errno;
	drop_old(disk, now);
	return sync_directory(disk->conf.directory);
}

static int write_all(struct record_disk *disk, const unsigned char *bytes, size_t len)
{
	uint64_t before = disk->file_bytes;

	for (size_t at = 0; at < len;) {
		ssize_t n = write(disk->fd, bytes + at, len - at);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			int error = n < 0 ? errno : EIO;
			/* Half a block is of no use to anybody; if it stays, the reader cuts it. */
			(void)!ftruncate(disk->fd, (off_t)before);
			return error;
		}
		at += (size_t)n;
	}
	disk->file_bytes += len;
	disk->is_durable = false;
	return 0;
}

static int take(struct record_disk *disk, const struct entry *entry)
{
	int error = 0;

	if (entry->is_first)
		error = begin_file(disk, entry->now);
	if (!error)
		error = write_all(disk, disk->block, entry->len);
	if (!error && disk->file_bytes + disk->others_bytes > disk->conf.max_bytes)
		drop_old(disk, entry->now);
	if (error)
		close_file(disk);
	return error;
}

static int make_durable(struct record_disk *disk)
{
	if (disk->is_durable || disk->fd < 0)
		return 0;
	disk->is_durable = true;
	return fdatasync(disk->fd) == 0 ? 0 : errno;
}

/* ---- The thread: queue ------------------------------------------------------------------------- */

static void copy_out(struct record_disk *disk, size_t len)
{
	size_t front = WY_RECORD_QUEUE_BYTES - disk->from;

	front = front < len ? front : len;
	memcpy(disk->block, disk->bytes + disk->from, front);
	memcpy(disk->block + front, disk->bytes, len - front);
	disk->from = (disk->from + len) % WY_RECORD_QUEUE_BYTES;
	disk->filled -= len;
}

/* With the mutex held, at the beginning and the end. */
static void write_next(struct record_disk *disk)
{
	struct entry entry = disk->entries[disk->first];

	copy_out(disk, entry.len);
	disk->first = (disk->first + 1) % ENTRIES;
	disk->n--;
	watch_beat(disk->conf.watch, WATCH_RECORD);
	/* After an error the rest of the file is of no use: the next one begins anew. */
	if (disk->fd < 0 && !entry.is_first)
		return;
	if (entry.is_first)
		disk->error = 0;
	pthread_mutex_unlock(&disk->mutex);
	int error = take(disk, &entry);
	pthread_mutex_lock(&disk->mutex);
	if (error)
		disk->error = error;
	else
		disk->written += entry.len;
}

static void *work(void *arg)
{
	struct record_disk *disk = arg;

	pthread_mutex_lock(&disk->mutex);
	for (;;) {
		while (disk->n)
			write_next(disk);
		pthread_mutex_unlock(&disk->mutex);
		int error = make_durable(disk);
		pthread_mutex_lock(&disk->mutex);
		if (error && !disk->error)
			disk->error = error;
		if (disk->n)
			continue;
		disk->is_idle = true;
		pthread_cond_broadcast(&disk->done);
		if (disk->is_ending)
			break;
		watch_rest(disk->conf.watch, WATCH_RECORD);
		pthread_cond_wait(&disk->wake, &disk->mutex);
		watch_beat(disk->conf.watch, WATCH_RECORD);
	}
	watch_rest(disk->conf.watch, WATCH_RECORD);
	pthread_mutex_unlock(&disk->mutex);
	close_file(disk);
	return NULL;
}

/* ---- Whoever records --------------------------------------------------------------------------- */

static bool add(struct record_disk *disk, const void *block, size_t len, bool is_first, struct wy_now now)
{
	pthread_mutex_lock(&disk->mutex);
	bool has_room = len <= WY_RECORD_QUEUE_BYTES - disk->filled && disk->n < ENTRIES && len <= WY_RECORD_BLOCK_BYTES;
	if (is_first)
		disk->error = 0;
	if (has_room && !disk->error) {
		size_t to = (disk->from + disk->filled) % WY_RECORD_QUEUE_BYTES;
		size_t front = WY_RECORD_QUEUE_BYTES - to;
		front = front < len ? front : len;
		memcpy(disk->bytes + to, block, front);
		memcpy(disk->bytes, (const unsigned char *)block + front, len - front);
		disk->filled += len;
		disk->entries[(disk->first + disk->n++) % ENTRIES] = (struct entry){len, is_first, now};
		disk->is_idle = false;
		pthread_cond_signal(&disk->wake);
	} else {
		has_room = false;
	}
	pthread_mutex_unlock(&disk->mutex);
	return has_room;
}

bool record_disk_begin(struct record_disk *disk, const void *block, size_t len, struct wy_now now)
{
	return add(disk, block, len, true, now);
}

bool record_disk_add(struct record_disk *disk, const void *block, size_t len, struct wy_now now)
{
	return add(disk, block, len, false, now);
}

int record_disk_error(struct record_disk *disk)
{
	pthread_mutex_lock(&disk->mutex);
	int error = disk->error;
	pthread_mutex_unlock(&disk->mutex);
	return error;
}

uint64_t record_disk_written(struct record_disk *disk)
{
	pthread_mutex_lock(&disk->mutex);
	uint64_t written = disk->written;
	pthread_mutex_unlock(&disk->mutex);
	return written;
}

uint32_t record_disk_next(struct record_disk *disk)
{
	pthread_mutex_lock(&disk->mutex);
	uint32_t next = disk->next;
	pthread_mutex_unlock(&disk->mutex);
	return next;
}

void record_disk_drain(struct record_disk *disk)
{
	pthread_mutex_lock(&disk->mutex);
	while (!disk->is_idle)
		pthread_cond_wait(&disk->done, &disk->mutex);
	pthread_mutex_unlock(&disk->mutex);
}

/* ---- Life -------------------------------------------------------------------------------------- */

/* Signals are the loop's affair. */
static bool begin_thread(struct record_disk *disk)
{
	sigset_t all, before;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	bool is_fine = pthread_create(&disk->thread, NULL, work, disk) == 0;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return is_fine;
}

enum wy_err record_disk_open(const struct record_disk_conf *conf, struct record_disk **ret)
{
	struct record_disk *disk = calloc(1, sizeof(*disk));

	if (!disk)
		return WY_E_NOMEM;
	disk->conf = *conf;
	disk->directory = strdup(conf->directory);
	disk->conf.directory = disk->directory;
	disk->fd = -1;
	disk->is_durable = true;
	disk->bytes = malloc(WY_RECORD_QUEUE_BYTES);
	disk->block = malloc(WY_RECORD_BLOCK_BYTES);
	if (!disk->directory || !disk->bytes || !disk->block)
		goto out;
	disk->next = first_free(disk->directory);
	pthread_mutex_init(&disk->mutex, NULL);
	pthread_cond_init(&disk->wake, NULL);
	pthread_cond_init(&disk->done, NULL);
	if (begin_thread(disk)) {
		*ret = disk;
		return WY_OK;
	}
	pthread_cond_destroy(&disk->wake);
	pthread_cond_destroy(&disk->done);
	pthread_mutex_destroy(&disk->mutex);
out:
	free(disk->directory);
	free(disk->bytes);
	free(disk->block);
	free(disk);
	return WY_E_NOMEM;
}

void record_disk_close(struct record_disk *disk)
{
	if (!disk)
		return;
	pthread_mutex_lock(&disk->mutex);
	disk->is_ending = true;
	pthread_cond_signal(&disk->wake);
	pthread_mutex_unlock(&disk->mutex);
	pthread_join(disk->thread, NULL);
	pthread_cond_destroy(&disk->wake);
	pthread_cond_destroy(&disk->done);
	pthread_mutex_destroy(&disk->mutex);
	free(disk->directory);
	free(disk->bytes);
	free(disk->block);
	free(disk);
}
