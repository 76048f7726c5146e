/* fence_test.c: births as they may come, and who is fenced for them. Each row is a story; the honest ones must never be
 * fenced, however late, old or repeated their messages are. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "draw.h"
#include "fence.h"

static const struct {
	const char *story;
	struct fence_facts facts;
	enum fence_verdict verdict;
} ROWS[] = {
	/* honest */
	{"the first birth ever", {.bd_seq = 1}, FENCE_CURRENT},
	{"the first birth a new desk sees, retained", {.is_retained = true, .bd_seq = 40, .last_seq = 900}, FENCE_CURRENT},
	{"the same process connects again",
	 {.standing = FENCE_BELIEVED, .bd_seq = 6, .own_first = 5, .own_bd = 5}, FENCE_CURRENT},
	{"its birth is sent again, because it was asked for",
	 {.standing = FENCE_BELIEVED, .bd_seq = 6, .last_seq = 9, .own_first = 5, .own_bd = 6}, FENCE_CURRENT},
	{"its birth overtakes its events", {.bd_seq = 7, .last_seq = 100, .others_bd = 6, .others_sent = 90}, FENCE_CURRENT},
	{"a quick restart: nothing was sent since", {.bd_seq = 7, .last_seq = 90, .others_bd = 6, .others_sent = 90},
	 FENCE_CURRENT},
	{"its events overtake its birth (they are its own, not of others)",
	 {.bd_seq = 7, .last_seq = 90, .others_bd = 6, .others_sent = 90}, FENCE_CURRENT},
	{"a retained birth of this process, come again with a subscription",
	 {.is_retained = true, .standing = FENCE_BELIEVED, .bd_seq = 6, .own_first = 5, .own_bd = 6}, FENCE_CURRENT},
	{"a retained birth of a process that is gone",
	 {.is_retained = true, .standing = FENCE_BELIEVED, .bd_seq = 4, .own_first = 4, .own_bd = 4, .others_bd = 6},
	 FENCE_STALE},
	{"a retained birth of a process never heard of, older than what is known: a broker restored from a copy",
	 {.is_retained = true, .bd_seq = 3, .last_seq = 10, .others_bd = 6, .others_sent = 90}, FENCE_STALE},
	{"a live birth out of the queue of such a broker, of a process that is known",
	 {.standing = FENCE_BELIEVED, .bd_seq = 4, .own_first = 4, .own_bd = 4, .others_bd = 6, .later_first = 5}, FENCE_STALE},
	{"the same, of a connection that was never heard of, before the next process began",
	 {.standing = FENCE_BELIEVED, .bd_seq = 4, .own_first = 3, .own_bd = 3, .others_bd = 6, .later_first = 5}, FENCE_STALE},
	{"a retained one that says what would be a proof if it were live",
	 {.is_retained = true, .standing = FENCE_BELIEVED, .bd_seq = 8, .own_first = 3, .own_bd = 3, .others_bd = 6,
	  .later_first = 5}, FENCE_CURRENT},
	{"a desk that was away takes the retained birth of a new process",
	 {.is_retained = true, .bd_seq = 9, .last_seq = 95, .others_bd = 6, .others_sent = 90}, FENCE_CURRENT},

	/* copies */
	{"a backup put back: numbers of connections come again",
	 {.bd_seq = 5, .last_seq = 95, .others_bd = 6, .others_sent = 90}, FENCE_THIS},
	{"another process with the very number of the last connection",
	 {.bd_seq = 6, .last_seq = 95, .others_bd = 6, .others_sent = 90}, FENCE_THIS},
	{"a backup put back, with more connections since than the original had",
	 {.bd_seq = 9, .last_seq = 60, .others_bd = 6, .others_sent = 90}, FENCE_THIS},
	{"the original connects again after its copy did",
	 {.standing = FENCE_BELIEVED, .bd_seq = 7, .own_first = 5, .own_bd = 6, .others_bd = 7, .later_first = 7},
	 FENCE_THE_LATER},
	{"and the other way round: the copy comes back after the original was started again",
	 {.standing = FENCE_BELIEVED, .bd_seq = 9, .own_first = 7, .own_bd = 7, .others_bd = 8, .later_first = 8},
	 FENCE_THE_LATER},
	{"one that is fenced stays fenced, whatever it says",
	 {.standing = FENCE_FENCED, .bd_seq = 99, .last_seq = 999, .own_first = 7, .own_bd = 7, .others_bd = 8}, FENCE_THIS},
};

static void every_story_ends_as_it_should(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof ROWS / sizeof *ROWS; i++) {
		const char *reason = NULL;
		enum fence_verdict verdict = fence_judge(&ROWS[i].facts, &reason);

		if (verdict != ROWS[i].verdict)
			print_message("%s\n", ROWS[i].story);
		assert_int_equal(verdict, ROWS[i].verdict);
		assert_int_equal(reason != NULL, verdict == FENCE_THIS || verdict == FENCE_THE_LATER);
	}
}

/* Any honest history, told with any losses, repetitions and delays, fences nobody. */
static uint64_t noise = 20261122;

static int64_t draw(int64_t n)
{
	return (int64_t)(wy_draw(&noise) % (uint64_t)n);
}

enum { PROCESSES = 6, BIRTHS = 24 };

struct birth {
	int process;
	int64_t bd_seq, last_seq;
};

struct known {
	enum fence_standing standing;
	int64_t first, bd, sent;
};

static struct fence_facts facts_of(const struct known *known, const struct birth *birth, bool is_retained)
{
	const struct known *own = &known[birth->process];
	struct fence_facts facts = {.is_retained = is_retained, .standing = own->standing, .bd_seq = birth->bd_seq,
				    .last_seq = birth->last_seq, .own_first = own->first, .own_bd = own->bd};

	for (int p = 0; p < PROCESSES; p++) {
		if (p == birth->process)
			continue;
		if (known[p].standing == FENCE_BELIEVED && known[p].bd > facts.others_bd)
			facts.others_bd = known[p].bd;
		if (known[p].sent > facts.others_sent)
			facts.others_sent = known[p].sent;
		if (known[p].standing == FENCE_BELIEVED && known[p].first >= own->first && own->first > 0 &&
		    (facts.later_first == 0 || known[p].first < facts.later_first))
			facts.later_first = known[p].first;
	}
	return facts;
}

static void make_history(struct birth *births)
{
	int64_t seq = 0;
	int process = 0;

	for (int i = 0; i < BIRTHS; i++) {
		if (process + 1 < PROCESSES && draw(4) == 0)
			process++;
		births[i] = (struct birth){process, i + 1, seq};
		seq += draw(5);
	}
}

/* Live births in order, some lost; between them old ones, retained or out of some queue. Who is gone may be taken for a
 * copy, since nobody can tell him from one; who lives never. */
static void honest_histories_fence_no_process_that_lives(void **state)
{
	(void)state;
	for (int round = 0; round < 20000; round++) {
		struct birth births[BIRTHS];
		struct known known[PROCESSES] = {{0}};

		make_history(births);
		for (int i = 0; i < BIRTHS; i++) {
			bool is_old = i > 0 && draw(3) == 0, is_lost = draw(4) == 0;
			int at = is_old ? (int)draw(i) : i;
			const struct birth *birth = &births[at];
			struct known *own = &known[birth->process];
			const char *reason;

			if (is_lost)
				continue;
			struct fence_facts facts = facts_of(known, birth, is_old && draw(2) == 0);
			enum fence_verdict verdict = fence_judge(&facts, &reason);
			bool lives = birth->process == births[i].process;
			assert_int_not_equal(verdict, FENCE_THE_LATER);
			assert_true(is_old || verdict == FENCE_CURRENT);
			assert_true(!lives || verdict == FENCE_CURRENT || verdict == FENCE_STALE);
			if (verdict == FENCE_THIS)
				own->standing = FENCE_FENCED;
			if (verdict != FENCE_CURRENT)
				continue;
			own->standing = FENCE_BELIEVED;
			own->first = own->first ? own->first : birth->bd_seq;
			own->bd = birth->bd_seq > own->bd ? birth->bd_seq : own->bd;
			own->sent = birth->last_seq > own->sent ? birth->last_seq : own->sent;
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_story_ends_as_it_should),
		cmocka_unit_test(honest_histories_fence_no_process_that_lives),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
