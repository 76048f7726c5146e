/* quota_model_test.c: random openings, updates and ends of tickets against a store that is far too small, with a line that
 * comes and goes, receipts that are lost and a gateway that dies, beside a platform that knows the contract and nothing else.
 *
 * Held at the end, when the line stands and everything has drained: the platform has open what the gateway has open, in
 * its last revision, and nothing else; each number came as an event or stands in a gap record, none in both; every S1
 * event came. Held at each step: the outbox is not larger than its quota and what may not be dropped.
 *
 * The same with a disk that takes nothing for most of the time: then memory, far too small as well, takes the quota's place.
 * Held at each step: it does not grow beyond its end. Held at the end: what was told in memory is on the disk.
 *
 * A seed is fixed; WY_SEED draws another, WY_LONG goes ten times as far. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

#include "delivery.h"
#include "fault_vfs.h"
#include "log.h"

enum {
	ASSETS = 40,
	NUMBERS_MAX = 3000000,
	ROW_BYTES = 800, /* bytes of one row as it counts against the quota, beside its noise */
	PAYLOAD_MAX = 9000,
	FLYING_MAX = 64,
};

/* ---- The platform ------------------------------------------------------------------------------ */

struct known {
	char key[TICKET_KEY_SIZE];
	int rev;
	bool is_open;
};

enum came { CAME_NOT, CAME_EVENT, CAME_GAP };

static struct {
	struct known *known;
	size_t n_known;
	unsigned char came[NUMBERS_MAX]; /* by number */
	uint64_t through, lost_said, gaps, n_s1;
} platform;

static struct known *find_known(const char *key)
{
	for (size_t i = platform.n_known; i-- > 0;)
		if (strcmp(platform.known[i].key, key) == 0)
			return &platform.known[i];
	platform.known = realloc(platform.known, (platform.n_known + 1) * sizeof(*platform.known));
	assert_non_null(platform.known);
	struct known *known = &platform.known[platform.n_known++];
	*known = (struct known){.rev = 0};
	snprintf(known->key, sizeof(known->key), "%s", key);
	return known;
}

static void take_gap(const json_t *data)
{
	const json_t *range;
	uint64_t n = 0;
	size_t i;

	json_array_foreach (json_object_get(data, "ranges"), i, range) {
		uint64_t first = (uint64_t)json_integer_value(json_array_get(range, 0));
		uint64_t last = (uint64_t)json_integer_value(json_array_get(range, 1));
		assert_true(first >= 1 && first <= last && last < NUMBERS_MAX);
		for (uint64_t seq = first; seq <= last; seq++) {
			assert_int_not_equal(platform.came[seq], CAME_EVENT);
			platform.came[seq] = CAME_GAP;
			n++;
		}
	}
	assert_int_equal(n, json_integer_value(json_object_get(data, "events")));
	assert_int_equal(json_integer_value(json_object_get(json_object_get(data, "by_tier"), "S1")), 0);
	platform.lost_said += n;
	platform.gaps++;
}

static void take_ticket(uint64_t seq, const char *payload)
{
	char key[TICKET_KEY_SIZE];
	int rev, is_open;

	assert_int_equal(platform.came[seq], CAME_NOT);
	assert_int_equal(sscanf(payload, "%29s %d %d", key, &rev, &is_open), 3);
	platform.came[seq] = CAME_EVENT;
	struct known *known = find_known(key);
	if (rev > known->rev) {
		known->rev = rev;
		known->is_open = is_open;
	}
}

static bool *is_taken; /* by number: was this number's own message committed? A gap record has a number of its ranges */

static void platform_take(uint64_t seq, const char *payload, size_t len)
{
	assert_true(seq > 0 && seq < NUMBERS_MAX);
	if (is_taken[seq])
		return; /* a repetition */
	is_taken[seq] = true;
	if (payload[0] != '{') {
		take_ticket(seq, payload);
		return;
	}
	json_t *doc = json_loadb(payload, len, 0, NULL);
	assert_non_null(doc);
	assert_string_equal(json_string_value(json_object_get(doc, "type")), "com.weiyu.ticket.gap.v1");
	take_gap(json_object_get(doc, "data"));
	json_decref(doc);
	assert_int_equal(platform.came[seq], CAME_GAP);
}

/* ---- The line, in place of gateway/uplink ------------------------------------------------------ */

static struct {
	struct uplink_handler handler;
	bool is_up;
	uint64_t flying[FLYING_MAX];
	size_t n_flying;
} line;

enum wy_err uplink_open(const struct uplink_conf *conf, const struct uplink_handler *handler, uint64_t seed,
			struct wy_buf *words, struct uplink **ret_uplink)
{
	(void)conf, (void)seed, (void)words;
	line.handler = *handler;
	*ret_uplink = (struct uplink *)&line;
	return WY_OK;
}

unsigned uplink_room(const struct uplink *uplink)
{
	(void)uplink;
	return line.is_up ? (unsigned)(FLYING_MAX - line.n_flying) : 0;
}

enum wy_err uplink_publish(struct uplink *uplink, const struct uplink_message *message)
{
	(void)uplink;
	if (message->retain)
		return WY_OK;
	assert_true(line.is_up && line.n_flying < FLYING_MAX);
	platform_take(message->token, message->payload, message->len);
	line.flying[line.n_flying++] = message->token;
	return WY_OK;
}

void uplink_hurry(struct uplink *uplink, wy_ms now_ms)
{
	(void)uplink, (void)now_ms;
}

void uplink_close(struct uplink *uplink, const struct uplink_message *last, wy_ms wait_ms)
{
	(void)uplink, (void)last, (void)wait_ms;
	line.is_up = false;
	line.n_flying = 0;
}

/* ---- The gateway ------------------------------------------------------------------------------- */

static struct {
	char dir[64];
	uint64_t quota;
	size_t memory_most; /* 0: the disk is always well */
	unsigned noise_most; /* bytes of an event */
	bool is_low_only;  /* no ticket of S1 by chance */
	struct store *store;
	struct delivery *delivery;
	struct config config;
	struct wy_now now;
	struct clock clock;
	struct wy_arena arena;
	char memory[1 << 20];
	struct ticket ticket[ASSETS];
	int64_t episode[ASSETS];
	uint64_t s1[NUMBERS_MAX / 8], n_s1;
} gateway;

static uint64_t seed, noise;

static unsigned draw(unsigned n)
{
	noise ^= noise << 13;
	noise ^= noise >> 7;
	noise ^= noise << 17;
	return (unsigned)(noise % n);
}

static void on_work(void *arg, const char *key, enum ticket_node node, uint32_t rev)
{
	(void)arg, (void)key, (void)node, (void)rev;
}

static void start_gateway(void)
{
	char text[100];
	struct wy_buf words;
	struct delivery_parts parts = {.config = &gateway.config, .clock = &gateway.clock, .boot = "b", .seed = 7,
				       .arena = &gateway.arena, .work = on_work};

	assert_int_equal(store_open(gateway.dir, "gw-test-01", NULL, &gateway.store), WY_OK);
	store_set_quota(gateway.store, gateway.quota);
	if (gateway.memory_most)
		store_set_memory(gateway.store, gateway.memory_most);
	parts.store = gateway.store;
	wy_arena_init_zeroed(&gateway.arena, memset(gateway.memory, 0, sizeof(gateway.memory)), sizeof(gateway.memory));
	wy_buf_init(&words, text, sizeof(text));
	assert_int_equal(delivery_new(&parts, &gateway.delivery), WY_OK);
	assert_int_equal(delivery_open(gateway.delivery, &words), WY_OK);
}

static void die(void)
{
	line.is_up = false;
	line.n_flying = 0;
	store_close(gateway.store);
}

static void put_event(struct ticket *ticket, const char *type)
{
	char payload[PAYLOAD_MAX];
	struct store_event event = {.tier = ticket->tier, .ticket_key = ticket->key, .topic = "ticket",
				    .created = {gateway.now.wall_ms, gateway.now.mono_ms}, .payload = payload};
	char full[64];

	snprintf(full, sizeof(full), "com.weiyu.ticket.%s.v1", type);
	event.type = full;
	assert_int_equal(store_next_seq(gateway.store, &event.seq), WY_OK);
	event.len = (size_t)snprintf(payload, sizeof(payload), "%s %u %d ", ticket->key, ticket->rev, ticket->is_open);
	for (unsigned fill = 50 + draw(gateway.noise_most - 50); fill > 0; fill--)
		payload[event.len++] = (char)('0' + draw(64)); /* nothing packs this well */
	assert_int_equal(store_put_ticket(gateway.store, ticket, payload, event.len), WY_OK);
	assert_int_equal(store_put_event(gateway.store, &event), WY_OK);
	if (ticket->tier == 1)
		gateway.s1[gateway.n_s1++] = event.seq;
}

static void open_ticket(unsigned asset)
{
	struct ticket *ticket = &gateway.ticket[asset];
	char id[16];
	struct ticket_identity identity = {.gateway = "gw-test-01", .asset = id, .fault = "WTR-01", .rule = "r",
					   .epoch = store_epoch(gateway.store), .episode = ++gateway.episode[asset],
					   .day = 20261122, .number = 1};

	snprintf(id, sizeof(id), "A-%u", asset);
	assert_int_equal(ticket_init(ticket, &identity), WY_OK);
	ticket->is_begun = ticket->is_open = true;
	ticket->tier = ticket->tier_now = (uint8_t)(!gateway.is_low_only && draw(25) == 0 ? 1 : 2 + draw(3));
	ticket->condition = TICKET_ACTIVE;
	ticket->rev = 1;
	put_event(ticket, "opened");
}

static void move_ticket(unsigned asset)
{
	struct ticket *ticket = &gateway.ticket[asset];
	bool is_end = draw(4) == 0;

	ticket->rev++;
	if (!is_end && ticket->tier > 2 && draw(15) == 0)
		ticket->tier--;
	if (is_end) {
		ticket->is_open = false;
		ticket->condition = TICKET_CLEARED;
	}
	put_event(ticket, is_end ? (draw(5) ? "cleared" : "closed") : (draw(5) ? "updated" : "reopened"));
}

/* What the engine does when there is room (gateway/engine/retell.c). */
static bool retell(void)
{
	struct store_untold untold[4];
	struct store_outbox_stats stats;
	size_t n = 0;

	assert_int_equal(store_outbox_stats(gateway.store, &stats), WY_OK);
	bool has_room = stats.queued_bytes <= stats.max_bytes / 10 * 8 && stats.memory_bytes <= stats.memory_max_bytes / 10 * 8;
	if (!store_has_untold(gateway.store) || !has_room)
		return false;
	assert_int_equal(store_untold(gateway.store, untold, 4, &n), WY_OK);
	assert_int_equal(store_begin(gateway.store), WY_OK);
	for (size_t i = 0; i < n; i++) {
		struct ticket ticket;
		assert_int_equal(store_find_ticket(gateway.store, untold[i].key, &ticket), WY_OK);
		put_event(&ticket, !ticket.is_open ? "cleared" : untold[i].is_new ? "opened" : "updated");
	}
	assert_int_equal(store_commit(gateway.store), WY_OK);
	return n > 0;
}

static void turn(void)
{
	unsigned asset = draw(ASSETS);
	bool is_aborted = draw(50) == 0;
	struct ticket before = gateway.ticket[asset];
	int64_t episode = gateway.episode[asset];
	uint64_t n_s1 = gateway.n_s1;

	assert_int_equal(store_begin(gateway.store), WY_OK);
	if (gateway.ticket[asset].is_open)
		move_ticket(asset);
	else
		open_ticket(asset);
	if (!is_aborted) {
		assert_int_equal(store_commit(gateway.store), WY_OK);
		return;
	}
	store_abort(gateway.store);
	gateway.ticket[asset] = before;
	gateway.episode[asset] = episode;
	gateway.n_s1 = n_s1;
}

/* ---- What happens between them ----------------------------------------------------------------- */

static void send_receipt(void)
{
	char text[300], topic[64];

	while (platform.came[platform.through + 1] != CAME_NOT)
		platform.through++;
	snprintf(text, sizeof(text), "{\"type\":\"com.weiyu.receipt.v1\",\"data\":{\"epoch\":\"%016llx\",\"through\":%llu}}",
		 (unsigned long long)store_epoch(gateway.store), (unsigned long long)platform.through);
	snprintf(topic, sizeof(topic), "weiyu/v1/down/gw-test-01/receipt");
	line.handler.message(line.handler.arg, topic, text, strlen(text));
}

static void connect_line(void)
{
	struct uplink_session session = {.protocol = 5, .window = FLYING_MAX, .receive_maximum = FLYING_MAX};
	const void *will;
	size_t len;

	if (line.is_up)
		return;
	assert_int_equal(line.handler.prepare(line.handler.arg, &will, &len), WY_OK);
	line.is_up = true;
	line.handler.up(line.handler.arg, &session);
}

static void lose_line(void)
{
	if (!line.is_up)
		return;
	line.is_up = false;
	while (line.n_flying)
		line.handler.sent(line.handler.arg, line.flying[--line.n_flying], UPLINK_FATE_LOST, 0);
	line.handler.down(line.handler.arg, UPLINK_CAUSE_LOST, "gone", 1000);
}

static void work_line(bool has_receipt)
{
	delivery_dispatch(gateway.delivery);
	for (size_t n = line.n_flying; n > 0; n--) {
		uint64_t token = line.flying[--line.n_flying];
		line.handler.sent(line.handler.arg, token, UPLINK_FATE_TAKEN, 0);
	}
	if (line.is_up && has_receipt)
		send_receipt();
	delivery_dispatch(gateway.delivery);
}

static void check_size(void)
{
	struct store_outbox_stats stats;
	uint64_t protected_bytes = (uint64_t)(STORE_SENT_AHEAD + WY_OUTBOX_WINDOW) * (ROW_BYTES + gateway.noise_most);

	assert_int_equal(store_outbox_stats(gateway.store, &stats), WY_OK);
	assert_true(stats.bytes <= stats.max_bytes + protected_bytes + stats.queued_s1 * (ROW_BYTES + gateway.noise_most));
	assert_true(!gateway.memory_most || stats.memory_bytes <= gateway.memory_most);
}

/* ---- The disk ---------------------------------------------------------------------------------- */

static bool is_in_memory(void)
{
	return store_mode(gateway.store) != STORE_ON_DISK;
}

static void lose_disk(void)
{
	static const enum fault_kind kinds[] = {FAULT_FULL, FAULT_CHANGES, FAULT_SYNC, FAULT_READONLY};

	fault_on(kinds[draw(4)], 1);
}

/* Memory comes home, whole. */
static void mend_disk(void)
{
	fault_off();
	assert_int_equal(store_try_disk(gateway.store), WY_OK);
	assert_int_equal(store_mode(gateway.store), STORE_ON_DISK);
}

static void work_disk(void)
{
	unsigned what = draw(1000);

	if (!gateway.memory_most)
		return;
	if (!is_in_memory() && what < 20)
		lose_disk();
	else if (is_in_memory() && what == 0 && draw(2))
		mend_disk();
	else if (is_in_memory() && what < 10)
		(void)!store_try_disk(gateway.store); /* in vain, and nothing changes */
}

static void step(bool *is_online)
{
	unsigned what = draw(1000);

	gateway.now.mono_ms += 1000;
	gateway.now.wall_ms += 1000;
	if (what < (*is_online ? 8 : 2))
		*is_online = !*is_online; /* away for 500 steps, there for 125 */
	else if (what < 11 && !is_in_memory()) {
		fault_off();
		die();
		start_gateway();
	}
	if (*is_online)
		connect_line();
	else
		lose_line();
	work_disk();
	turn();
	if (draw(3) == 0)
		(void)retell();
	if (draw(2) == 0)
		work_line(draw(3) > 0);
	check_size();
}

static void drain(void)
{
	struct store_outbox_stats stats;
	unsigned rounds = 0;

	connect_line();
	do {
		gateway.now.mono_ms += 100000;
		(void)retell();
		work_line(true);
		assert_int_equal(store_outbox_stats(gateway.store, &stats), WY_OK);
		assert_true(rounds++ < 20000);
	} while (stats.queued || retell());
}

static void check_end(void)
{
	struct store_outbox_stats stats;
	uint64_t last = 0, first;
	size_t n_open = 0, n_known_open = 0;

	assert_int_equal(store_last_seq(gateway.store, &last), WY_OK);
	assert_int_equal(store_first_gap(gateway.store, &first), WY_E_NOTFOUND);
	for (uint64_t seq = 1; seq <= last; seq++)
		assert_int_not_equal(platform.came[seq], CAME_NOT);
	for (uint64_t i = 0; i < gateway.n_s1; i++)
		assert_int_equal(platform.came[gateway.s1[i]], CAME_EVENT);
	for (unsigned asset = 0; asset < ASSETS; asset++) {
		const struct ticket *ticket = &gateway.ticket[asset];
		if (!ticket->is_open)
			continue;
		n_open++;
		struct known *known = find_known(ticket->key);
		assert_true(known->is_open);
		assert_int_equal(known->rev, ticket->rev);
	}
	for (size_t i = 0; i < platform.n_known; i++)
		n_known_open += platform.known[i].is_open;
	assert_int_equal(n_known_open, n_open);
	assert_int_equal(store_outbox_stats(gateway.store, &stats), WY_OK);
	assert_int_equal(stats.lost, platform.lost_said);
	assert_int_equal(store_verify(gateway.store, NULL), WY_OK);
}

static void begin(uint64_t quota, size_t memory)
{
	const char *base = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp"; /* nothing here needs a disk */

	memset(&gateway, 0, sizeof(gateway));
	memset(&platform, 0, sizeof(platform));
	memset(&line, 0, sizeof(line));
	is_taken = calloc(NUMBERS_MAX, sizeof(*is_taken));
	assert_non_null(is_taken);
	gateway.quota = quota;
	gateway.memory_most = memory;
	gateway.noise_most = memory ? 8000 : 750;
	snprintf(gateway.dir, sizeof(gateway.dir), "%s/weiyu-quota-XXXXXX", base);
	assert_non_null(mkdtemp(gateway.dir));
	gateway.now = (struct wy_now){5000, INT64_C(1795320000000), WY_CLOCK_SYNCED};
	gateway.clock.fixed = &gateway.now;
	gateway.config.gateway = "gw-test-01";
	gateway.config.uplink.host = "broker";
	gateway.config.uplink.receipt_wait_ms = 60000;
	start_gateway();
}

static void end(void)
{
	char command[100];

	fault_off();
	delivery_close(gateway.delivery);
	store_close(gateway.store);
	free(is_taken);
	free(platform.known);
	snprintf(command, sizeof(command), "rm -r %s", gateway.dir);
	assert_int_equal(system(command), 0);
}

/* Neither disk nor broker, for so many turns. */
static void lose_both(unsigned turns)
{
	lose_disk();
	for (unsigned i = 0; i < turns; i++) {
		gateway.now.mono_ms += 1000;
		gateway.now.wall_ms += 1000;
		turn();
		check_size();
	}
	assert_true(is_in_memory());
}

static void run(uint64_t quota, size_t memory, unsigned steps)
{
	bool is_online = false;
	uint64_t last = 0;

	begin(quota, memory);
	if (memory)
		lose_both(1500);
	for (unsigned i = 0; i < steps; i++)
		step(&is_online);
	drain();
	if (is_in_memory())
		mend_disk();
	check_end();
	assert_int_equal(store_last_seq(gateway.store, &last), WY_OK);
	printf("%s %zu kB: %llu events, %llu lost and said in %llu records, %llu of S1, none lost\n", memory ? "memory" : "quota",
	       (memory ? memory : (size_t)quota) / 1000, (unsigned long long)last, (unsigned long long)platform.lost_said,
	       (unsigned long long)platform.gaps, (unsigned long long)gateway.n_s1);
	assert_true(platform.lost_said > 0 && platform.gaps > 0);
	end();
}

static void the_platform_ends_up_right_whatever_made_room(void **state)
{
	static const uint64_t quotas[] = {120000, 150000, 200000, 300000};
	unsigned steps = getenv("WY_LONG") ? 50000 : 5000;
	(void)state;

	for (size_t i = 0; i < sizeof(quotas) / sizeof(quotas[0]); i++)
		run(quotas[i], 0, steps);
}

static void it_ends_up_right_with_a_disk_that_takes_nothing(void **state)
{
	unsigned steps = getenv("WY_LONG") ? 50000 : 1000;
	(void)state;

	run(WY_OUTBOX_BYTES, 7000000, steps);
	run(4000000, 7000000, steps); /* both too small */
}

static void entrap(unsigned i)
{
	struct ticket ticket;
	struct ticket_identity identity = {.gateway = "gw-test-01", .asset = "L-1", .fault = "ELV-01", .rule = "r",
					   .epoch = store_epoch(gateway.store), .episode = i + 1, .day = 20261122, .number = i + 1};

	assert_int_equal(ticket_init(&ticket, &identity), WY_OK);
	ticket.is_begun = true;
	ticket.tier = ticket.tier_now = 1;
	ticket.rev = 1;
	ticket.condition = TICKET_CLEARED;
	assert_int_equal(store_begin(gateway.store), WY_OK);
	put_event(&ticket, "opened");
	assert_int_equal(store_commit(gateway.store), WY_OK);
}

/* R7: a store full of low noise, then a thousand entrapments. */
static void a_thousand_entrapments_come_into_a_full_store(void **state)
{
	struct store_outbox_stats stats;
	(void)state;

	begin(4000000, 0);
	for (unsigned i = 0; i < 8000; i++) {
		unsigned asset = draw(ASSETS);
		assert_int_equal(store_begin(gateway.store), WY_OK);
		if (gateway.ticket[asset].is_open)
			move_ticket(asset);
		else
			open_ticket(asset);
		assert_int_equal(store_commit(gateway.store), WY_OK);
	}
	assert_int_equal(store_outbox_stats(gateway.store, &stats), WY_OK);
	assert_true(stats.lost > 0 && stats.bytes > stats.max_bytes / 10 * 8);
	uint64_t before = stats.queued_s1;
	for (unsigned i = 0; i < 1000; i++)
		entrap(i);
	assert_int_equal(store_outbox_stats(gateway.store, &stats), WY_OK);
	assert_int_equal(stats.queued_s1, before + 1000);
	assert_true(stats.bytes <= stats.max_bytes);
	drain();
	check_end();
	printf("%llu S1 events, none lost; %llu others lost and said\n", (unsigned long long)gateway.n_s1,
	       (unsigned long long)platform.lost_said);
	end();
}

static size_t resident_bytes(void)
{
	unsigned long all = 0, resident = 0;
	FILE *file = fopen("/proc/self/statm", "r");

	assert_non_null(file);
	assert_int_equal(fscanf(file, "%lu %lu", &all, &resident), 2);
	fclose(file);
	return resident * (size_t)sysconf(_SC_PAGESIZE);
}

/* R7 and R8: no disk and no broker, for as long as it takes. */
static void a_thousand_entrapments_outlast_low_noise_without_disk_and_broker(void **state)
{
	bool is_long = getenv("WY_LONG") != NULL;
	unsigned n = is_long ? 200000 : 8000;
	struct store_outbox_stats stats;
	uint64_t last = 0, found = 0;
	(void)state;

	begin(WY_OUTBOX_BYTES, is_long ? WY_STORE_MEMORY_BYTES : 6000000);
	noise = seed; /* whatever ran before: its figures are in docs/measurements.md */
	gateway.noise_most = 750;
	gateway.is_low_only = true;
	lose_disk();
	size_t before = resident_bytes(), most = before;
	for (unsigned i = 0; i < n; i++) {
		gateway.now.mono_ms += 1000;
		gateway.now.wall_ms += 1000;
		turn();
		if (i % (n / 1000) == 0)
			entrap(i);
		if (i % 1000 == 0)
			check_size();
		if (i % 1000 == 0 && resident_bytes() > most)
			most = resident_bytes();
	}
	assert_true(is_in_memory());
	assert_int_equal(store_outbox_stats(gateway.store, &stats), WY_OK);
	assert_int_equal(stats.queued_s1, 1000);
	assert_true(stats.lost > n / 4 && stats.queued > 1000);
	printf("without disk and broker: %u events of S2 to S4, %llu of them and 1000 of 1000 of S1 wait, %llu made room; memory "
	       "%.1f MiB of %.1f, resident %+.1f MiB\n", n, (unsigned long long)(stats.queued - 1000), (unsigned long long)stats.lost,
	       (double)stats.memory_bytes / 1048576, (double)gateway.memory_most / 1048576, (double)(most - before) / 1048576);
	drain(); /* the broker is back, the disk is not */
	assert_true(is_in_memory());
	assert_int_equal(store_outbox_stats(gateway.store, &stats), WY_OK);
	printf("told all, from memory: then it holds %.1f MiB\n", (double)stats.memory_bytes / 1048576);
	mend_disk();
	assert_int_equal(store_last_seq(gateway.store, &last), WY_OK);
	check_end();
	die();
	start_gateway();
	assert_int_equal(store_last_seq(gateway.store, &found), WY_OK);
	assert_int_equal(found, last);
	check_end();
	end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_thousand_entrapments_outlast_low_noise_without_disk_and_broker), /* first: it looks at its memory */
		cmocka_unit_test(the_platform_ends_up_right_whatever_made_room),
		cmocka_unit_test(it_ends_up_right_with_a_disk_that_takes_nothing),
		cmocka_unit_test(a_thousand_entrapments_come_into_a_full_store),
	};
	const char *wanted = getenv("WY_SEED");

	seed = noise = wanted ? strtoull(wanted, NULL, 10) : 20261122;
	printf("WY_SEED=%llu\n", (unsigned long long)noise);
	log_setup(LOG_ERROR, NULL);
	fault_install();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
