/* fence.h: is who says that he is this gateway, its process or a copy? Pure: facts in, verdict out.
 *
 * A copied or restored store makes two histories with one epoch. In one history each bd_seq belongs to one process, those of
 * a later process are all higher, and a process begins with a last_seq that covers all that earlier ones have sent. What
 * breaks this is a copy. What may only be late or old (retained births, repetitions, deaths) proves nothing. */
#ifndef DESK_FENCE_H
#define DESK_FENCE_H

#include <stdbool.h>
#include <stdint.h>

enum fence_standing {
	FENCE_UNKNOWN,	/* its birth has not been seen */
	FENCE_BELIEVED,
	FENCE_FENCED,
};

/* What is known of an epoch when a birth comes. 0 where there is none. */
struct fence_facts {
	bool is_retained;
	enum fence_standing standing; /* of the instance of the birth */
	int64_t bd_seq, last_seq;     /* of the birth */
	int64_t own_first, own_bd;    /* bd_seq of its first and of its latest birth so far */
	int64_t others_bd;	      /* highest of all others that are believed */
	int64_t others_sent;	      /* highest number an other has sent */
	int64_t later_first;	      /* lowest first bd_seq of a believed other that is not below own_first */
};

enum fence_verdict {
	FENCE_CURRENT,	 /* this process speaks for the gateway now */
	FENCE_STALE,	 /* old news */
	FENCE_THIS,	 /* this process runs on a copy */
	FENCE_THE_LATER, /* those that came after this process run on copies */
};

/* ret_reason: static text; untouched for CURRENT and STALE. */
enum fence_verdict fence_judge(const struct fence_facts *facts, const char **ret_reason);

#endif
