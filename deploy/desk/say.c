/* say.c: lines for the operator. Bytes that could steer a terminal are replaced: part of what is
 * said was written by gateways. */
#include "say.h"

#include <stdarg.h>
#include <stdio.h>

#include "when.h"
#include "wall.h"

void say(const char *event, const char *fmt, ...)
{
	char at[WHEN_TEXT_SIZE], text[512];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof text, fmt, args);
	va_end(args);
	for (char *c = text; *c; c++)
		if ((unsigned char)*c < 0x20 || *c == 0x7f)
			*c = ' ';
	when_write(wall_now_ms(), at);
	fprintf(stderr, "%s weiyu-desk %s %s\n", at, event, text);
}
