/* store_mark.c: one line in the lock file, "word boot-id": how the last process left the store. It stands beside the database
 * because it must be readable when that is not. Anything else than such a line says nothing. */
#include "store_files.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "buf.h"

static const char *const words[STORE_MARK_COUNT] = {
	[STORE_MARK_NONE] = "unknown",
	[STORE_MARK_RUNNING] = "running",
	[STORE_MARK_STOPPED] = "stopped",
	[STORE_MARK_DAMAGED] = "damaged",
	[STORE_MARK_RENEW] = "renew",
	[STORE_MARK_REPLACING] = "replacing",
	[STORE_MARK_REPLACING_AGAIN] = "replacing-again",
};

enum { LINE_SIZE = 128 };

static void read_boot(char out[STORE_BOOT_TEXT_SIZE])
{
	int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, out, STORE_BOOT_TEXT_SIZE - 1);

	if (fd >= 0)
		close(fd);
	out[n > 0 ? n : 0] = '\0';
	out[strcspn(out, "\n")] = '\0';
}

struct store_past store_read_mark(int lock_fd)
{
	struct store_past past = {STORE_MARK_NONE, false};
	char line[LINE_SIZE], boot[STORE_BOOT_TEXT_SIZE];
	ssize_t n = pread(lock_fd, line, sizeof(line) - 1, 0);

	line[n > 0 ? n : 0] = '\0';
	char *space = strchr(line, ' ');
	char *end = strchr(line, '\n');
	if (!space || !end || end < space || end[1])
		return past;
	*space = *end = '\0';
	for (int i = STORE_MARK_RUNNING; i < STORE_MARK_COUNT; i++)
		if (strcmp(line, words[i]) == 0)
			past.mark = (enum store_mark)i;
	read_boot(boot);
	past.is_same_boot = *boot && strcmp(space + 1, boot) == 0;
	return past;
}

enum wy_err store_write_mark(int lock_fd, enum store_mark mark)
{
	char line[LINE_SIZE], boot[STORE_BOOT_TEXT_SIZE];
	struct wy_buf buf;

	read_boot(boot);
	wy_buf_init(&buf, line, sizeof(line));
	wy_buf_addf(&buf, "%s %s\n", words[mark], boot);
	/* Longer lines first lose their end: what is left of them is no mark. */
	if (ftruncate(lock_fd, 0) == 0 && pwrite(lock_fd, line, buf.len, 0) == (ssize_t)buf.len && fsync(lock_fd) == 0)
		return WY_OK;
	return store_error_of(errno);
}
