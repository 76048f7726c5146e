/* span.h: what of a stream has come, as plain arithmetic.
 *
 * A gateway numbers its events 1, 2, 3 ... within an epoch. "Through N" means that all of 1..N are
 * here. Pure; no memory is kept. */
#ifndef DESK_SPAN_H
#define DESK_SPAN_H

#include <stddef.h>
#include <stdint.h>

struct span_hole {
	int64_t from, to; /* inclusive; from > to: no hole */
};

/* How far the stream is whole, when it was whole through `through` and the n numbers of `seq`
 * (ascending; repeats and numbers up to `through` do no harm) have come as well. ret_hole is what
 * is missing before the first number that could not be reached. */
int64_t span_advance(int64_t through, const int64_t *seq, size_t n, struct span_hole *ret_hole);

#endif
