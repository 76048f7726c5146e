/* store_mode.c: weiyu.mode, one line in a file of 64 bytes that is made while the disk is well and only written over in place
 * afterwards: that needs no new block, so a full disk takes it too. "memory" says that numbers may have been given out which
 * are not on the disk. A process that dies then leaves the word standing, and the next one takes a new epoch.
 *
 * On a disk that is read-only or gone nothing can be noted; then the platform sees a gateway whose numbers fall back. */
#include "store_sql.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

enum { MODE_SIZE = 64 };

static const char memory_word[] = "memory";

void store_mode_file_put(struct store *store, bool is_memory)
{
	char text[MODE_SIZE], now[MODE_SIZE];
	const char *word = is_memory ? memory_word : "disk";

	memset(text, ' ', sizeof(text));
	memcpy(text, word, strlen(word));
	text[MODE_SIZE - 1] = '\n';
	if (store->mode_fd < 0)
		return;
	if (pread(store->mode_fd, now, sizeof(now), 0) == MODE_SIZE && memcmp(now, text, sizeof(text)) == 0)
		return;
	/* There is nobody to tell when it fails: the store says already that the disk does. */
	if (pwrite(store->mode_fd, text, sizeof(text), 0) == MODE_SIZE)
		(void)!fdatasync(store->mode_fd);
}

bool store_mode_file_says_memory(struct store *store)
{
	char path[STORE_PATH_SIZE], now[MODE_SIZE] = "";
	struct wy_buf buf;

	wy_buf_init(&buf, path, sizeof(path));
	wy_buf_addf(&buf, "%s/%s", store->dir, STORE_MODE_FILE);
	if (buf.is_cut)
		return false;
	if (store->mode_fd < 0)
		store->mode_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (store->mode_fd < 0)
		store->mode_fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	return store->mode_fd >= 0 && pread(store->mode_fd, now, sizeof(now), 0) == MODE_SIZE &&
	       memcmp(now, memory_word, strlen(memory_word)) == 0;
}
