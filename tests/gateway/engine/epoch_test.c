/* epoch_test.c: the store was damaged, or a new epoch was ordered, and the engine takes up what is left: what stands has one open
 * ticket, what is over ends what the platform has of it, and nothing is told that is not so.
 *
 * The platform here is the list of all events that were sent before the damage and of all that wait after it, and its one rule is
 * the contract's: tickets of the same dedup_key are linked, and the end of a later one ends those before it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "fault_vfs.h"
#include "world.h"

#define BUILDING WY_SOURCE_DIR "/tests/gateway/engine/building"

enum { DEDUPS = 2, TOLD_MAX = 128 };

static const char *const dedups[DEDUPS] = {"A-1/WTR-01", "A-1/WTR-02"};
static const char rules[] =
	"weiyu: rules/1\npackage: room\nrules:\n"
	"  - {id: room.wet, scope: room, fault: WTR-01, tier: S2, when: a, hold: 3s, clear: not a, clear_hold: 4s}\n"
	"  - id: room.full\n    scope: room\n    fault: WTR-02\n"
	"    levels:\n      - {tier: S3, when: level > 1 m}\n      - {tier: S1, when: level > 2 m}\n    clear_hold: 2s\n";

struct platform {
	struct {
		char key[TICKET_KEY_SIZE];
		size_t dedup;
		bool is_over;
	} ticket[TOLD_MAX];
	size_t n;
	uint64_t seen; /* seqs of this epoch up to here */
};

static size_t dedup_of(const struct world_event *event)
{
	for (size_t i = 0; i < DEDUPS; i++) {
		char quoted[64];
		snprintf(quoted, sizeof(quoted), "\"%s\"", dedups[i]);
		if (strcmp(world_member(event, "dedup_key"), quoted) == 0)
			return i;
	}
	fail();
	return 0;
}

static void take(struct platform *platform, const struct world_event *event)
{
	size_t dedup = dedup_of(event), i = 0;
	bool is_end = strcmp(event->type, "cleared") == 0 || strcmp(event->type, "closed") == 0;

	while (i < platform->n && strcmp(platform->ticket[i].key, event->key) != 0)
		i++;
	if (i == platform->n) {
		assert_true(platform->n < TOLD_MAX);
		snprintf(platform->ticket[i].key, sizeof(platform->ticket[i].key), "%s", event->key);
		platform->ticket[i].dedup = dedup;
		platform->ticket[i].is_over = false;
		platform->n++;
	}
	for (size_t k = 0; is_end && k <= i; k++)
		if (platform->ticket[k].dedup == dedup)
			platform->ticket[k].is_over = true;
}

static void listen(struct platform *platform, struct world *world)
{
	struct world_events events;

	world_events(world, &events);
	for (size_t i = 0; i < events.n; i++)
		if (events.event[i].seq > platform->seen) {
			take(platform, &events.event[i]);
			platform->seen = events.event[i].seq;
		}
	world_events_free(&events);
}

static size_t count_open(const struct platform *platform, size_t dedup)
{
	size_t n = 0;

	for (size_t i = 0; i < platform->n; i++)
		n += platform->ticket[i].dedup == dedup && !platform->ticket[i].is_over;
	return n;
}

static void make(struct world *world)
{
	world_make(world, BUILDING);
	world_write(world, "rules.yaml", rules);
	assert_int_equal(world_start(world), WY_OK);
}

static void order_new_epoch(struct world *world)
{
	assert_int_equal(store_renew_epoch(world->store), WY_OK);
	world_stop(world);
	assert_int_equal(world_start(world), WY_OK);
	assert_int_equal(store_opening(world->store)->kind, STORE_RENEWED);
}

static void damage(struct world *world, long at, size_t n)
{
	char path[160];

	snprintf(path, sizeof(path), "%s/%s", world->dir, STORE_FILE);
	FILE *file = fopen(path, "r+");
	assert_non_null(file);
	assert_int_equal(fseek(file, at, SEEK_SET), 0);
	for (size_t i = 0; i < n; i++)
		fputc((int)((i * 7919u + 13) & 255), file);
	fclose(file);
}

static void what_stands_has_one_open_ticket_in_the_new_epoch(void **state)
{
	struct world world;
	struct platform platform = {.n = 0};
	struct ticket before, after;
	(void)state;

	make(&world);
	world.a = true;
	assert_true(world_run(&world, 10000));
	listen(&platform, &world);
	assert_int_equal(world_ticket(&world, "WTR-01", &before), WY_OK);
	order_new_epoch(&world);
	assert_int_equal(world_ticket(&world, "WTR-01", &after), WY_OK);
	assert_string_not_equal(before.key, after.key);
	assert_true(after.epoch == store_epoch(world.store) && after.epoch != before.epoch);
	assert_string_equal(after.repeat_of, before.key);
	assert_int_equal(after.onset.mono_ms, before.onset.mono_ms);
	/* Nothing had a receipt here: the first opening comes again, under a new number, and then its heir. */
	assert_string_equal(world_story(&world), "opened opened");
	platform.seen = 0;
	listen(&platform, &world);
	assert_int_equal(count_open(&platform, 0), 2);
	assert_true(world_run(&world, 10000));
	assert_string_equal(world_story(&world), "opened opened");
	world.a = false;
	assert_true(world_run(&world, 10000));
	listen(&platform, &world);
	assert_int_equal(count_open(&platform, 0), 0);
	assert_int_equal(world_ticket(&world, "WTR-01", &after), WY_E_NOTFOUND);
	world_check(&world);
	world_remove(&world);
}

static void what_ended_meanwhile_ends_at_the_platform_and_nothing_else_is_told(void **state)
{
	struct world world;
	struct platform platform = {.n = 0};
	(void)state;

	make(&world);
	world.a = true;
	assert_true(world_run(&world, 10000));
	listen(&platform, &world);
	assert_int_equal(store_renew_epoch(world.store), WY_OK);
	world_stop(&world);
	world.a = false;
	world.now.mono_ms += 60000;
	world.now.wall_ms += 60000;
	assert_int_equal(world_start(&world), WY_OK);
	assert_true(world_run(&world, 20000));
	platform.seen = 0;
	listen(&platform, &world);
	assert_string_equal(world_story(&world), "opened opened cleared");
	assert_int_equal(count_open(&platform, 0), 0);
	assert_int_equal(count_open(&platform, 1), 0);
	world_check(&world);
	world_remove(&world);
}

/* No memory of the rules is left: the tickets that were open still say what the platform has open. */
static void a_ticket_whose_rule_forgot_ends_at_the_platform_too(void **state)
{
	struct world world;
	struct platform platform = {.n = 0};
	(void)state;

	make(&world);
	world.a = true;
	assert_true(world_run(&world, 10000));
	listen(&platform, &world);
	world_stop(&world);
	assert_int_equal(world_start(&world), WY_OK);
	assert_int_equal(store_begin(world.store), WY_OK);
	assert_int_equal(store_drop_cell(world.store, "r/room.wet/A-1"), WY_OK);
	assert_int_equal(store_drop_cell(world.store, "t/room.wet/A-1"), WY_OK);
	assert_int_equal(store_commit(world.store), WY_OK);
	assert_int_equal(store_renew_epoch(world.store), WY_OK);
	world_crash(&world);
	world.a = false;
	assert_int_equal(world_start(&world), WY_OK);
	assert_true(world_run(&world, 20000));
	platform.seen = 0;
	listen(&platform, &world);
	assert_int_equal(count_open(&platform, 0), 0);
	world_check(&world);
	world_remove(&world);
}

static void a_ticket_that_nothing_watches_any_more_is_closed_in_the_new_epoch(void **state)
{
	static const char others[] = "weiyu: rules/1\npackage: room\nrules:\n"
				     "  - {id: room.full, scope: room, fault: WTR-02, tier: S3, when: level > 1 m, clear_hold: 2s}\n";
	struct world world;
	struct platform platform = {.n = 0};
	(void)state;

	make(&world);
	world.a = true;
	assert_true(world_run(&world, 10000));
	assert_int_equal(store_renew_epoch(world.store), WY_OK);
	world_stop(&world);
	world_write(&world, "rules.yaml", others);
	assert_int_equal(world_start(&world), WY_OK);
	listen(&platform, &world);
	assert_string_equal(world_story(&world), "opened closed");
	assert_int_equal(count_open(&platform, 0), 0);
	world_remove(&world);
}

/* Noise at every second page in turn: the story goes on to a right end. */
static void after_damage_anywhere_the_story_ends_rightly(void **state)
{
	unsigned salvaged = 0;
	(void)state;

	for (long page = 0; page < 24; page++) {
		struct world world;
		struct platform platform = {.n = 0};
		struct ticket ticket;

		make(&world);
		world.a = true;
		world.level_mm = 1500;
		assert_true(world_run(&world, 10000));
		world.level_mm = 0;
		assert_true(world_run(&world, 10000));
		listen(&platform, &world);
		assert_int_equal(count_open(&platform, 0), 1);
		assert_int_equal(count_open(&platform, 1), 0);
		world_stop(&world);
		damage(&world, page * 4096 + (page ? 0 : 100), 600);
		assert_int_equal(world_start(&world), WY_OK);
		salvaged += store_opening(world.store)->kind == STORE_SALVAGED;
		platform.seen = store_opening(world.store)->kind == STORE_SALVAGED ? 0 : platform.seen;
		assert_true(world_run(&world, 10000));
		listen(&platform, &world);
		assert_int_equal(world_ticket(&world, "WTR-01", &ticket), WY_OK);
		assert_int_equal(world_ticket(&world, "WTR-02", &ticket), WY_E_NOTFOUND);
		world.a = false;
		assert_true(world_run(&world, 10000));
		listen(&platform, &world);
		assert_int_equal(count_open(&platform, 0), 0);
		assert_int_equal(count_open(&platform, 1), 0);
		world_remove(&world);
	}
	print_message("salvaged %u of 24\n", salvaged);
	assert_true(salvaged > 12);
}

/* ---- A store that could not be read at the start ------------------------------------------------ */

/* Nothing of it can be read or written until come_home(). What the platform heard before is not told again. */
static void start_blind(struct world *world, struct platform *platform, bool has_receipts)
{
	size_t n;

	listen(platform, world);
	if (has_receipts) {
		assert_int_equal(store_begin(world->store), WY_OK);
		assert_int_equal(store_receipt_through(world->store, false, platform->seen, 1, &n), WY_OK);
		assert_int_equal(store_receipt_through(world->store, true, platform->seen, 1, &n), WY_OK);
		assert_int_equal(store_commit(world->store), WY_OK);
	}
	world_crash(world);
	fault_on(FAULT_ALL, 1);
	assert_int_equal(world_start(world), WY_OK);
	assert_true(store_disk(world->store).is_apart);
	platform->seen = 0;
}

static void come_home(struct world *world)
{
	bool has_events;

	fault_off();
	assert_int_equal(store_try_disk(world->store), WY_OK);
	assert_non_null(store_homecoming(world->store));
	assert_int_equal(engine_take_home(world->engine), WY_OK);
	assert_int_equal(engine_flush(world->engine, &has_events), WY_OK);
}

/* Found anew before the disk came back: that ticket goes on for both. */
static void what_was_found_anew_has_one_open_ticket_when_its_store_comes_home(void **state)
{
	(void)state;
	for (int has_receipts = 0; has_receipts < 2; has_receipts++) {
		struct world world;
		struct platform platform = {.n = 0};
		struct ticket anew, after;

		make(&world);
		world.a = true;
		assert_true(world_run(&world, 10000));
		start_blind(&world, &platform, has_receipts);
		assert_true(world_run(&world, 10000));
		assert_int_equal(world_ticket(&world, "WTR-01", &anew), WY_OK);
		come_home(&world);
		assert_int_equal(world_ticket(&world, "WTR-01", &after), WY_OK);
		assert_string_equal(after.key, anew.key);
		assert_string_equal(world_story(&world), "opened"); /* the older opening would look like another fault */
		assert_true(world_run(&world, 10000));
		world.a = false;
		assert_true(world_run(&world, 10000));
		listen(&platform, &world);
		assert_string_equal(world_story(&world), "opened cleared");
		assert_int_equal(count_open(&platform, 0), 0);
		assert_int_equal(world_ticket(&world, "WTR-01", &after), WY_E_NOTFOUND);
		world_check(&world);
		world_remove(&world);
	}
}

/* Nobody saw its end: its rule is made to stand, and ends it for the platform, which had heard of it or hears now. */
static void what_ended_before_its_store_came_home_ends_at_the_platform(void **state)
{
	(void)state;
	for (int has_receipts = 0; has_receipts < 2; has_receipts++) {
		struct world world;
		struct platform platform = {.n = 0};
		struct ticket ticket;

		make(&world);
		world.a = true;
		assert_true(world_run(&world, 10000));
		start_blind(&world, &platform, has_receipts);
		world.a = false;
		assert_true(world_run(&world, 10000));
		assert_string_equal(world_story(&world), "");
		assert_int_equal(count_open(&platform, 0), 1);
		come_home(&world);
		assert_int_equal(world_ticket(&world, "WTR-01", &ticket), WY_OK);
		assert_true(ticket.epoch == store_epoch(world.store) && ticket.repeat_of[0]);
		assert_true(world_run(&world, 10000));
		listen(&platform, &world);
		assert_string_equal(world_story(&world), has_receipts ? "opened cleared" : "opened opened cleared");
		assert_int_equal(count_open(&platform, 0), 0);
		assert_int_equal(world_ticket(&world, "WTR-01", &ticket), WY_E_NOTFOUND);
		world_check(&world);
		world_remove(&world);
	}
}

/* It came and went there, and its end waited; here it stands again. */
static void an_end_that_waited_is_told_and_ends_nothing_that_stands(void **state)
{
	struct world world;
	struct platform platform = {.n = 0};
	struct ticket ticket;
	(void)state;

	make(&world);
	world.a = true;
	assert_true(world_run(&world, 10000));
	world.a = false;
	assert_true(world_run(&world, 10000));
	assert_string_equal(world_story(&world), "opened cleared");
	start_blind(&world, &platform, false);
	world.a = true;
	assert_true(world_run(&world, 10000));
	come_home(&world);
	assert_string_equal(world_story(&world), "opened cleared");
	assert_int_equal(world_ticket(&world, "WTR-01", &ticket), WY_OK);
	world.a = false;
	assert_true(world_run(&world, 10000));
	assert_string_equal(world_story(&world), "opened cleared cleared");
	world_remove(&world);
}

/* The next process takes up what came home as it does any store. */
static void a_process_that_dies_before_it_took_up_what_came_home_loses_nothing(void **state)
{
	struct world world;
	struct platform platform = {.n = 0};
	(void)state;

	make(&world);
	world.a = true;
	assert_true(world_run(&world, 10000));
	start_blind(&world, &platform, true);
	world.a = false;
	assert_true(world_run(&world, 3000));
	fault_off();
	assert_int_equal(store_try_disk(world.store), WY_OK);
	world_crash(&world);
	assert_int_equal(world_start(&world), WY_OK);
	assert_true(world_run(&world, 10000));
	listen(&platform, &world);
	assert_string_equal(world_story(&world), "opened cleared");
	assert_int_equal(count_open(&platform, 0), 0);
	world_check(&world);
	world_remove(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_stands_has_one_open_ticket_in_the_new_epoch),
		cmocka_unit_test(what_ended_meanwhile_ends_at_the_platform_and_nothing_else_is_told),
		cmocka_unit_test(a_ticket_whose_rule_forgot_ends_at_the_platform_too),
		cmocka_unit_test(a_ticket_that_nothing_watches_any_more_is_closed_in_the_new_epoch),
		cmocka_unit_test(what_was_found_anew_has_one_open_ticket_when_its_store_comes_home),
		cmocka_unit_test(what_ended_before_its_store_came_home_ends_at_the_platform),
		cmocka_unit_test(an_end_that_waited_is_told_and_ends_nothing_that_stands),
		cmocka_unit_test(a_process_that_dies_before_it_took_up_what_came_home_loses_nothing),
		cmocka_unit_test(after_damage_anywhere_the_story_ends_rightly),
	};

	fault_install();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
