/* log.h: one line per event: level, event name, then key=value. For gateway/ only; the libraries
 * below it cannot see this header.
 *
 * Event names are stable, operators search for them (docs/operations.md lists them). Log changes,
 * not repetitions. Never secrets, never whole certificates; file names and device text in quotes.
 * To stderr: with an RFC 3339 stamp on a terminal or in a file, with <N> priorities under the journal.
 * Threads: any; one line is one write. */
#ifndef LOG_H
#define LOG_H

#include "clocktypes.h"

enum log_level { LOG_ERROR, LOG_WARNING, LOG_INFO, LOG_DEBUG };

/* Where lines get their stamp from: wall milliseconds. Until it is set lines have none. */
typedef wy_ms (*log_clock)(void);

void log_setup(enum log_level most, log_clock clock);

/* fmt takes the conversions of wy_buf_addf. Put texts that may hold blanks in quotes: why=\"%s\". */
void log_line(enum log_level level, const char *event, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

#endif
