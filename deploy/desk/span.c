/* span.c: how far a stream is whole, and its first hole. */
#include "span.h"

int64_t span_advance(int64_t through, const int64_t *seq, size_t n, struct span_hole *ret_hole)
{
	*ret_hole = (struct span_hole){.from = 1, .to = 0};
	for (size_t i = 0; i < n; i++) {
		if (seq[i] <= through)
			continue;
		if (seq[i] - 1 > through) {
			*ret_hole = (struct span_hole){.from = through + 1, .to = seq[i] - 1};
			break;
		}
		through = seq[i];
	}
	return through;
}
