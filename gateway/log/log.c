/* log.c: see log.h. The level and the clock are set once, before the first thread starts. */
#include "log.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "buf.h"
#include "stamp.h"

enum { LINE_MAX_BYTES = 2048 };

static enum log_level most_verbose = LOG_INFO;
static log_clock wall_clock;

void log_setup(enum log_level most, log_clock clock)
{
	most_verbose = most;
	wall_clock = clock;
}

static void write_line(const char *text, size_t len)
{
	while (len) {
		ssize_t n = write(STDERR_FILENO, text, len);
		if (n <= 0)
			return; /* nowhere left to say so */
		text += n;
		len -= (size_t)n;
	}
}

void log_line(enum log_level level, const char *event, const char *fmt, ...)
{
	static const char *const names[] = {"error", "warning", "info", "debug"};
	static const char *const priorities[] = {"<3>", "<4>", "<6>", "<7>"};
	char text[LINE_MAX_BYTES];
	struct wy_buf buf;
	va_list args;

	if (level > most_verbose)
		return;
	wy_buf_init(&buf, text, sizeof(text) - 1);
	if (getenv("JOURNAL_STREAM")) {
		wy_buf_add(&buf, priorities[level]);
	} else if (wall_clock) {
		wy_stamp_utc(&buf, wall_clock());
		wy_buf_add(&buf, " ");
	}
	wy_buf_addf(&buf, "%s %s ", names[level], event);
	size_t start = buf.len;
	va_start(args, fmt);
	wy_buf_vaddf(&buf, fmt, args);
	va_end(args);
	for (size_t i = start; i < buf.len; i++)
		if ((unsigned char)text[i] < ' ')
			text[i] = ' '; /* one event, one line, whatever a device said */
	text[buf.len] = '\n';
	write_line(text, buf.len + 1);
}
