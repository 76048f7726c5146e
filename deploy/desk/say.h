/* say.h: one line on stderr per event worth an operator's eye: time, event name, key=value. */
#ifndef DESK_SAY_H
#define DESK_SAY_H

void say(const char *event, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
