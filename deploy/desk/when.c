/* when.c: times for people and messages. */
#include "when.h"

#include <stdio.h>
#include <time.h>

#include "stamp.h"

void when_write(wy_ms at_ms, char text[static WHEN_TEXT_SIZE])
{
	struct wy_buf buf;

	wy_buf_init(&buf, text, WHEN_TEXT_SIZE);
	wy_stamp_utc(&buf, at_ms);
}

void when_local(wy_ms at_ms, bool is_with_seconds, char text[static WHEN_TEXT_SIZE])
{
	time_t at_s = (time_t)(at_ms / 1000);
	struct tm day;

	if (at_ms == 0) {
		snprintf(text, WHEN_TEXT_SIZE, "--:--");
		return;
	}
	localtime_r(&at_s, &day);
	if (is_with_seconds)
		strftime(text, WHEN_TEXT_SIZE, "%H:%M:%S", &day);
	else
		strftime(text, WHEN_TEXT_SIZE, "%H:%M", &day);
}
