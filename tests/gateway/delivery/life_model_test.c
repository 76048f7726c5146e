/* life_model_test.c: delivery, outbox and a real store against a line, a broker and a platform that do everything that may
 * be done: lose, double, delay and reorder, refuse, acknowledge and forget, die before a receipt, come back from an old
 * copy, reject for good; and the process dies. All of it from a seed.
 *
 * Held all the time: a row leaves the queue only when the platform has had it (in grade G1: when the broker took it), one
 * number is always the same event, nothing is published that is not committed. In the end, on a healthy line, the
 * platform has exactly the gateway's events, but for those it rejected itself.
 *
 * WY_SEED draws another history, WY_STEPS a longer one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "delivery.h"
#include "log.h"

#define DOWN "weiyu/v1/down/gw-test-01/"

enum { ROWS = 3000, FLYING = 64, TRANSIT = 256, POST = 64, LIFE_STEPS = 12000, RESERVE_ROWS = 400 };

struct row {
	uint32_t stamp; /* in its payload */
	uint8_t tier;
	bool is_poison;             /* the platform will never have it */
	bool was_taken, was_had;    /* by the broker; by the platform at any time */
	bool is_had, is_rejected;   /* by the platform now */
};

/* A publish: with the client, then on its way. */
struct parcel {
	uint64_t token, seq;
	uint32_t stamp;
	bool is_event;
};

static struct {
	struct uplink_handler handler;
	bool is_up;
	unsigned room;
	struct parcel flying[FLYING];
	size_t n_flying;
} line;

static struct {
	struct row row[ROWS + 1];
	uint64_t n_rows;
	struct parcel transit[TRANSIT];
	size_t n_transit;
	char post[POST][600]; /* to the gateway: receipts on their way */
	size_t n_post;
	uint64_t commands;
	bool is_g1, is_healthy;
} sea;

static struct {
	char dir[64];
	struct store *store;
	struct delivery *delivery;
	struct config config;
	struct wy_now now;
	struct clock clock;
	struct wy_arena arena;
	char memory[1 << 20];
} gate;

static struct {
	uint64_t steps, deaths, publishes, doubled, receipts, amnesias, resends, parked;
} seen;

static uint64_t noise;

static uint64_t draw(uint64_t n)
{
	noise ^= noise << 13;
	noise ^= noise >> 7;
	noise ^= noise << 17;
	return noise % n;
}

/* Thousands of refusals and odd receipts: nobody wants to read of them. */
void log_line(enum log_level level, const char *event, const char *fmt, ...)
{
	(void)level;
	(void)event;
	(void)fmt;
}

/* ---- In place of uplink.c ------------------------------------------------------------------------------- */

enum wy_err uplink_open(const struct uplink_conf *conf, const struct uplink_handler *handler, uint64_t seed,
			struct wy_buf *words, struct uplink **ret_uplink)
{
	(void)conf;
	(void)seed;
	(void)words;
	line.handler = *handler;
	*ret_uplink = (struct uplink *)&line;
	return WY_OK;
}

void uplink_hurry(struct uplink *uplink, wy_ms now)
{
	(void)uplink;
	(void)now;
}

static void look_at_event(const struct uplink_message *message, struct parcel *parcel)
{
	for (size_t i = 0; i < message->n_properties; i++)
		if (strcmp(message->property[i].name, "seq") == 0)
			parcel->seq = strtoull(message->property[i].value, NULL, 10);
	parcel->is_event = parcel->seq > 0;
	if (!parcel->is_event)
		return;
	assert_true(parcel->seq <= sea.n_rows);
	assert_int_equal(message->len, sizeof(parcel->stamp));
	memcpy(&parcel->stamp, message->payload, sizeof(parcel->stamp));
	assert_int_equal(parcel->stamp, sea.row[parcel->seq].stamp);
	for (size_t i = 0; i < line.n_flying; i++)
		assert_true(message->token != parcel->seq || line.flying[i].token != parcel->seq);
	seen.publishes++;
}

enum wy_err uplink_publish(struct uplink *uplink, const struct uplink_message *message)
{
	struct parcel parcel = {.token = message->token};
	(void)uplink;

	if (!line.is_up)
		return WY_E_LINK;
	if (line.n_flying >= line.room)
		return WY_E_BUSY;
	look_at_event(message, &parcel);
	line.flying[line.n_flying++] = parcel;
	return WY_OK;
}

unsigned uplink_room(const struct uplink *uplink)
{
	(void)uplink;
	return line.is_up ? line.room - (unsigned)line.n_flying : 0;
}

bool uplink_is_up(const struct uplink *uplink)
{
	(void)uplink;
	return line.is_up;
}

void uplink_close(struct uplink *uplink, const struct uplink_message *last, wy_ms deadline_ms)
{
	(void)uplink;
	(void)last;
	(void)deadline_ms;
	line.is_up = false;
	line.n_flying = 0;
}

/* ---- Line and broker -------------------------------------------------------------------------------------- */

static void send_on(const struct parcel *parcel)
{
	if (parcel->is_event && sea.n_transit < TRANSIT)
		sea.transit[sea.n_transit++] = *parcel;
}

static void connect_it(void)
{
	struct uplink_session session = {.protocol = 5};
	const void *will = NULL;
	size_t len = 0;

	if (line.is_up)
		return;
	line.room = sea.is_healthy ? 20 : 1 + (unsigned)draw(FLYING - 1);
	session.window = session.receive_maximum = line.room;
	assert_int_equal(line.handler.prepare(line.handler.arg, &will, &len), WY_OK);
	line.is_up = true;
	line.handler.up(line.handler.arg, &session);
}

static void lose_it(void)
{
	if (!line.is_up)
		return;
	line.is_up = false;
	while (line.n_flying > 0) {
		struct parcel parcel = line.flying[--line.n_flying];
		if (draw(2))
			send_on(&parcel); /* it had arrived, the acknowledgement had not */
		line.handler.sent(line.handler.arg, parcel.token, UPLINK_FATE_LOST, 0);
	}
	line.handler.down(line.handler.arg, UPLINK_CAUSE_LOST, "gone", 1000);
}

/* The broker's word on the oldest or any publish. In G2 it may say yes and forget. */
static void answer_one(void)
{
	if (!line.is_up || !line.n_flying)
		return;
	size_t at = draw(line.n_flying);
	struct parcel parcel = line.flying[at];
	bool is_taken = sea.is_healthy || draw(4) != 0, is_liar = !sea.is_g1 && !sea.is_healthy && draw(3) == 0;

	if (is_taken && sea.n_transit == TRANSIT)
		return; /* it is full, and says nothing */
	line.flying[at] = line.flying[--line.n_flying];
	if (is_taken && !is_liar)
		send_on(&parcel);
	if (is_taken && !is_liar && draw(10) == 0)
		send_on(&parcel);
	if (is_taken && parcel.is_event)
		sea.row[parcel.seq].was_taken = true;
	line.handler.sent(line.handler.arg, parcel.token, is_taken ? UPLINK_FATE_TAKEN :
			  draw(2) ? UPLINK_FATE_NO_SUBSCRIBER : UPLINK_FATE_REFUSED, is_taken ? 0 : 0x10);
}

/* ---- Platform ------------------------------------------------------------------------------------------------ */

static void arrive(void)
{
	if (!sea.n_transit)
		return;
	size_t at = draw(sea.n_transit);
	struct parcel parcel = sea.transit[at];
	struct row *row = &sea.row[parcel.seq];

	sea.transit[at] = sea.transit[--sea.n_transit];
	assert_int_equal(parcel.stamp, row->stamp);
	seen.doubled += row->is_had;
	if (row->is_poison)
		row->is_rejected = true;
	else
		row->is_had = row->was_had = true;
}

static bool is_settled(uint64_t seq)
{
	return sea.row[seq].is_had || sea.row[seq].is_rejected;
}

static uint64_t through(void)
{
	uint64_t seq = 0;

	while (seq < sea.n_rows && is_settled(seq + 1))
		seq++;
	return seq;
}

/* What it has beyond `through`, and what it will not have, as far as a receipt goes. */
static void add_lists(struct wy_buf *text, uint64_t from)
{
	uint64_t start = from + 1 + draw(3);
	int n = 0;

	wy_buf_add(text, ",\"also\":[");
	for (uint64_t seq = start; seq <= sea.n_rows && n < 12; seq++)
		if (sea.row[seq].is_had)
			wy_buf_addf(text, "%s%llu", n++ ? "," : "", (unsigned long long)seq);
	wy_buf_add(text, "],\"rejected\":[");
	n = 0;
	for (uint64_t seq = 1 + draw(sea.n_rows + 1); seq <= sea.n_rows && n < 3; seq++)
		if (sea.row[seq].is_rejected)
			wy_buf_addf(text, "%s{\"seq\":%llu,\"reason\":\"no\"}", n++ ? "," : "", (unsigned long long)seq);
	wy_buf_add(text, "]");
}

/* The platform says what is committed; the sheet then waits in the post, and may be lost there. */
static void write_receipt(void)
{
	struct wy_buf text;
	uint64_t upto = through();

	if (sea.n_post == POST || !sea.n_rows)
		return;
	if (!sea.is_healthy && draw(8) == 0)
		upto = draw(upto + 1);
	uint64_t epoch = store_epoch(gate.store) + (!sea.is_healthy && draw(20) == 0);
	wy_buf_init(&text, sea.post[sea.n_post++], sizeof(sea.post[0]));
	wy_buf_addf(&text, "{\"type\":\"com.weiyu.receipt.v1\",\"data\":{\"epoch\":\"%llx\",\"through\":%llu",
		    (unsigned long long)epoch, (unsigned long long)upto);
	add_lists(&text, upto);
	wy_buf_add(&text, "}}");
	assert_false(text.is_cut);
	seen.receipts++;
}

static void bring_post(void)
{
	char sheet[600];

	if (!line.is_up || !sea.n_post)
		return;
	size_t at = draw(sea.n_post);
	memcpy(sheet, sea.post[at], sizeof(sheet));
	if (sea.is_healthy || draw(6) != 0) /* else it comes again */
		memcpy(sea.post[at], sea.post[--sea.n_post], sizeof(sheet));
	if (sea.is_healthy || draw(6) != 0)
		line.handler.message(line.handler.arg, DOWN "receipt", sheet, strlen(sheet));
}

/* Restored from a copy: the newest events are gone, and receipts for them had been given. */
static void forget_newest(void)
{
	uint64_t from = sea.n_rows - draw(sea.n_rows < 60 ? sea.n_rows + 1 : 60);

	for (uint64_t seq = from + 1; seq <= sea.n_rows; seq++)
		sea.row[seq].is_had = false;
	sea.n_post = 0;
	seen.amnesias++;
}

/* It misses some numbers and asks for them. */
static void ask_again(void)
{
	char text[400];
	uint64_t from = through() + 1;

	if (!line.is_up || from > sea.n_rows)
		return;
	snprintf(text, sizeof(text), "{\"specversion\":\"1.0\",\"id\":\"cmd-%llu\",\"source\":\"/platform\",\"subject\":"
		 "\"gw-test-01\",\"type\":\"com.weiyu.cmd.resend.v1\",\"data\":{\"epoch\":\"%llx\",\"from\":%llu,\"to\":%llu}}",
		 (unsigned long long)++sea.commands, (unsigned long long)store_epoch(gate.store),
		 (unsigned long long)from, (unsigned long long)sea.n_rows);
	line.handler.message(line.handler.arg, DOWN "cmd", text, strlen(text));
	seen.resends++;
}

/* ---- Gateway --------------------------------------------------------------------------------------------------- */

static void no_work(void *arg, const char *key, enum ticket_node node, uint32_t rev)
{
	(void)arg;
	(void)key;
	(void)node;
	(void)rev;
}

static void begin(void)
{
	struct wy_buf words;
	char text[200];
	struct delivery_parts parts = {.config = &gate.config, .store = NULL, .clock = &gate.clock, .boot = "b",
				       .seed = draw(UINT64_MAX), .arena = &gate.arena, .work = no_work};

	assert_int_equal(store_open(gate.dir, "gw-test-01", NULL, &gate.store), WY_OK);
	parts.store = gate.store;
	wy_arena_init(&gate.arena, gate.memory, sizeof(gate.memory));
	wy_buf_init(&words, text, sizeof(text));
	assert_int_equal(delivery_new(&parts, &gate.delivery), WY_OK);
	assert_int_equal(delivery_open(gate.delivery, &words), WY_OK);
}

/* What it had in hand may have arrived, or not. */
static void die(void)
{
	while (line.n_flying > 0) {
		struct parcel parcel = line.flying[--line.n_flying];
		if (draw(2))
			send_on(&parcel);
	}
	line.is_up = false;
	store_close(gate.store);
	begin();
	seen.deaths++;
}

static void decide(void)
{
	struct store_event event = {.ticket_key = "tk_x", .type = "com.weiyu.ticket.updated.v1", .topic = "ticket",
				    .created = {1, 1}};
	struct row row = {.stamp = (uint32_t)draw(UINT32_MAX), .tier = (uint8_t)(draw(8) ? 2 + draw(3) : 1),
			  .is_poison = draw(60) == 0};

	if (sea.n_rows == ROWS)
		return;
	event.tier = row.tier;
	event.payload = &row.stamp;
	event.len = sizeof(row.stamp);
	assert_int_equal(store_begin(gate.store), WY_OK);
	assert_int_equal(store_next_seq(gate.store, &event.seq), WY_OK);
	assert_int_equal(event.seq, sea.n_rows + 1);
	assert_int_equal(store_put_event(gate.store, &event), WY_OK);
	assert_int_equal(store_commit(gate.store), WY_OK);
	sea.row[++sea.n_rows] = row;
}

static void dispatch(void)
{
	(void)delivery_dispatch(gate.delivery);
	assert_false(delivery_is_broken(gate.delivery));
}

static size_t read_queue(bool is_queued[ROWS + 1])
{
	static uint64_t seqs[ROWS + 1];
	size_t n = 0, all = 0;

	memset(is_queued, 0, (ROWS + 1) * sizeof(*is_queued));
	for (int lane = 0; lane < 2; lane++) {
		assert_int_equal(store_queued(gate.store, lane == 1, 0, seqs, ROWS, &n), WY_OK);
		for (size_t i = 0; i < n; i++)
			is_queued[seqs[i]] = true;
		all += n;
	}
	return all;
}

static void nothing_has_left_too_early(void)
{
	static bool is_queued[ROWS + 1];

	read_queue(is_queued);
	for (uint64_t seq = 1; seq <= sea.n_rows; seq++) {
		const struct row *row = &sea.row[seq];
		bool may_leave = row->was_had || row->is_rejected || (sea.is_g1 && row->was_taken);
		if (!is_queued[seq] && !may_leave)
			fail_msg("event %llu has left, and nobody has it", (unsigned long long)seq);
	}
}

/* ---- History ---------------------------------------------------------------------------------------------------- */

static void step(void)
{
	static const wy_ms spans[] = {1, 50, 500, 5000, 60000};

	seen.steps++;
	gate.now.mono_ms += (wy_ms)draw((uint64_t)spans[draw(5)]);
	gate.now.wall_ms = INT64_C(1795320000000) + gate.now.mono_ms;
	switch (draw(24)) {
	case 0: case 1: case 2:
		decide();
		break;
	case 3:
		draw(6) ? connect_it() : lose_it();
		break;
	case 4: case 5: case 6: case 7: case 8:
		answer_one();
		break;
	case 9: case 10: case 11: case 12: case 13:
		arrive();
		break;
	case 14: case 15:
		write_receipt();
		break;
	case 16: case 17: case 18:
		bring_post();
		break;
	case 19:
		if (draw(25) == 0)
			draw(2) ? die() : sea.is_g1 ? (void)0 : forget_newest();
		else if (draw(20) == 0)
			ask_again();
		break;
	default:
		dispatch();
	}
	if (seen.steps % 500 == 0)
		nothing_has_left_too_early();
}

/* All is well from now on: so many turns must do. */
static void heal(void)
{
	static bool is_queued[ROWS + 1];
	size_t left = 1;

	sea.is_healthy = true;
	for (int turn = 0; turn < 20000 && (left || through() < sea.n_rows); turn++) {
		connect_it();
		dispatch();
		while (line.n_flying > 0)
			answer_one();
		while (sea.n_transit > 0)
			arrive();
		sea.n_post = 0;
		write_receipt();
		bring_post();
		dispatch();
		gate.now.mono_ms += 1000;
		if (turn % 50 == 49)
			ask_again();
		if (turn % 10 == 9)
			left = read_queue(is_queued);
	}
	for (uint64_t seq = 1; seq <= sea.n_rows; seq++) {
		const struct row *row = &sea.row[seq];
		if (is_queued[seq] || row->is_had == row->is_poison)
			fail_msg("event %llu of %llu: queued %d, at the platform %d, poison %d", (unsigned long long)seq,
				 (unsigned long long)sea.n_rows, is_queued[seq], row->is_had, row->is_poison);
		seen.parked += row->is_poison;
	}
}

static void live(bool is_g1)
{
	char command[100];

	memset(&sea, 0, sizeof(sea));
	memset(&line, 0, sizeof(line));
	sea.is_g1 = is_g1;
	gate.now = (struct wy_now){5000, INT64_C(1795320000000), WY_CLOCK_SYNCED};
	gate.config.uplink.grade = is_g1 ? CONFIG_GRADE_PUBACK : CONFIG_GRADE_RECEIPT;
	snprintf(gate.dir, sizeof(gate.dir), "%s/weiyu-life-XXXXXX", access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	assert_non_null(mkdtemp(gate.dir));
	begin();
	for (int i = 0; i < LIFE_STEPS; i++)
		step();
	heal();
	assert_true(sea.n_rows > RESERVE_ROWS);
	store_close(gate.store);
	snprintf(command, sizeof(command), "rm -r %s", gate.dir);
	assert_int_equal(system(command), 0);
}

static void the_platform_ends_with_exactly_what_was_decided(void **state)
{
	const char *seed_text = getenv("WY_SEED"), *steps_text = getenv("WY_STEPS");
	uint64_t seed = seed_text ? strtoull(seed_text, NULL, 0) : 20261122;
	uint64_t steps = steps_text ? strtoull(steps_text, NULL, 0) : 4 * LIFE_STEPS;
	(void)state;

	gate.clock.fixed = &gate.now;
	gate.config.gateway = "gw-test-01";
	gate.config.uplink.host = "broker";
	gate.config.uplink.receipt_wait_ms = 60000;
	print_message("seed %llu\n", (unsigned long long)seed);
	noise = seed * 0x9E3779B97F4A7C15u + 1;
	for (unsigned life = 0; seen.steps < steps; life++)
		live(life % 4 == 3);
	print_message("%llu steps: %llu publishes, %llu came twice, %llu receipts, %llu deaths, %llu times an old copy, %llu "
		      "resends, %llu rejected\n",
		      (unsigned long long)seen.steps, (unsigned long long)seen.publishes,
		      (unsigned long long)seen.doubled, (unsigned long long)seen.receipts,
		      (unsigned long long)seen.deaths, (unsigned long long)seen.amnesias,
		      (unsigned long long)seen.resends, (unsigned long long)seen.parked);
	assert_true(seen.deaths && seen.amnesias && seen.resends && seen.parked && seen.doubled);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(the_platform_ends_with_exactly_what_was_decided)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
