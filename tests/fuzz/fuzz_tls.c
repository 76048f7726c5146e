/* fuzz_tls.c: any bytes as what a Modbus/TCP Security server says: a session that fails or goes on, and never gives a
 * byte that the server did not say, whatever was done to its words on the way.
 *
 * One handshake with a real server is recorded at the start. Time and random numbers stand still, so the same words of
 * the server fit every new session, up to its answer under the session's keys. The input is either those words changed
 * (edits), or words of its own. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "guest.h"
#include "mbaps_rig.h"

enum { STREAM_MOST = 16384, EDITS_MOST = 32, STEPS_MOST = 64 };
enum edit { FLIP, CUT, INSERT, REPEAT, SWAP, EDITS };

static const char answer[] = "\x00\x01\x00\x00\x00\x07\x01\x03\x04\x12\x34\x56\x78";

static struct mbaps_rig rig;
static struct stream {
	uint8_t bytes[STREAM_MOST];
	size_t n;
} recorded;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int __wrap_mbedtls_entropy_func(void *arg, unsigned char *bytes, size_t n);

int __wrap_mbedtls_entropy_func(void *arg, unsigned char *bytes, size_t n)
{
	(void)arg;
	memset(bytes, 0x5a, n);
	return 0;
}

/* In the place of libc's, for the library's hello and its look at dates. Seen from outside, or the library would not find it. */
static unsigned n_asked_time;

__attribute__((visibility("default"))) time_t time(time_t *ret_time)
{
	static time_t always;
	struct timespec now;

	n_asked_time++;
	if (!always && clock_gettime(CLOCK_REALTIME, &now) == 0)
		always = now.tv_sec;
	if (ret_time)
		*ret_time = always;
	return always;
}

static void record(void)
{
	size_t n = rig.n_said;

	if (recorded.n + n > STREAM_MOST)
		abort();
	memcpy(recorded.bytes + recorded.n, rig.said, n);
	recorded.n += n;
	mbaps_rig_pass(&rig, n);
}

static void clear_away(void)
{
	mbaps_rig_close(&rig);
}

static void prepare(void)
{
	enum wy_err err;

	mbaps_rig_open(&rig, "server", "monitor");
	if (atexit(clear_away))
		abort();
	if (mbaps_rig_begin(&rig))
		abort();
	n_asked_time = 0;
	while ((err = modbus_tls_step(rig.session)) == WY_E_BUSY) {
		mbaps_rig_serve(&rig);
		record();
	}
	if (!n_asked_time) /* a clock of its own, that goes on: the words would fit for the rest of this second only */
		abort();
	if (err || modbus_tls_send(rig.session, "?", 1) != 1)
		abort();
	mbaps_rig_serve(&rig);
	mbaps_rig_say(&rig, answer, sizeof(answer) - 1);
	record();
}

static size_t place(struct food *food, size_t n)
{
	size_t at = (size_t)food_byte(food) << 8;

	at |= food_byte(food);
	return n ? at % n : 0;
}

static void insert(struct stream *stream, size_t at, const uint8_t *bytes, size_t n)
{
	if (stream->n + n > STREAM_MOST)
		return;
	memmove(stream->bytes + at + n, stream->bytes + at, stream->n - at);
	memcpy(stream->bytes + at, bytes, n);
	stream->n += n;
}

static void cut(struct stream *stream, size_t at, size_t n)
{
	n = n < stream->n - at ? n : stream->n - at;
	memmove(stream->bytes + at, stream->bytes + at + n, stream->n - at - n);
	stream->n -= n;
}

static void change(struct stream *stream, struct food *food)
{
	uint8_t copy[256];
	const uint8_t *bytes;
	enum edit edit = food_byte(food) % EDITS;
	size_t at = place(food, stream->n), n;

	switch (edit) {
	case FLIP:
		if (stream->n)
			stream->bytes[at] ^= food_byte(food);
		return;
	case CUT:
		cut(stream, at, food_byte(food));
		return;
	case INSERT:
		n = food_bytes(food, &bytes);
		insert(stream, at, bytes, n);
		return;
	case REPEAT:
	case SWAP:
		n = food_byte(food);
		n = n < stream->n - at ? n : stream->n - at;
		memcpy(copy, stream->bytes + at, n);
		if (edit == SWAP)
			cut(stream, at, n);
		insert(stream, place(food, stream->n), copy, n);
		return;
	case EDITS:
		return;
	}
}

static void fill(struct stream *stream, struct food *food)
{
	if (food_byte(food) % 2) {
		stream->n = food->n < STREAM_MOST ? food->n : STREAM_MOST;
		memcpy(stream->bytes, food->at, stream->n);
		return;
	}
	*stream = recorded;
	for (unsigned i = 0; i < EDITS_MOST && food->n; i++)
		change(stream, food);
}

/* What is given must be what the server said, from its first byte on. */
static size_t listen_to(void)
{
	uint8_t bytes[sizeof(answer) + 10];
	size_t n = 0;
	ssize_t got;

	while (n < sizeof(bytes) && (got = modbus_tls_recv(rig.session, bytes + n, sizeof(bytes) - n)) > 0)
		n += (size_t)got;
	if (n > sizeof(answer) - 1 || memcmp(bytes, answer, n) != 0)
		abort();
	return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct stream stream;
	size_t heard = 0;
	struct food food = {data, size};
	enum wy_err err = WY_E_BUSY;

	if (!recorded.n)
		prepare();
	fill(&stream, &food);
	wy_arena_init(&rig.arena, rig.memory, sizeof(rig.memory));
	if (mbaps_rig_begin(&rig))
		abort();
	(void)!modbus_tls_step(rig.session);
	memcpy(rig.said, stream.bytes, stream.n);
	rig.n_said = stream.n;
	mbaps_rig_pass(&rig, stream.n);
	for (unsigned i = 0; i < STEPS_MOST && err == WY_E_BUSY; i++)
		err = modbus_tls_step(rig.session);
	if (!err)
		heard = listen_to();
	else if (err != WY_E_BUSY && !modbus_tls_why(rig.session)[0])
		abort();
	if (!size && heard != sizeof(answer) - 1) /* nothing changed: else this target tests nothing */
		abort();
	mbaps_rig_end(&rig);
	return 0;
}
