/* pipe.c: bytes to frames, frames to answers, answers to bytes at their time.
 *
 * Each answer is an object with a timer of its own, so that it can be late, double or dripping
 * while the line goes on. A device answers one request after the other (busy_until_ms), as small
 * devices do; other devices of the same bus are not held up. */
#define _GNU_SOURCE
#include "wire.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "answer.h"

#define IDLE_MS 20	  /* quiet for so long: what is left in the buffer is not a frame */
#define WRITE_RETRY_MS 10 /* nobody takes the bytes just now */
#define WRITE_TRIES 200	  /* nobody ever will: the answer is lost, as on a real line */

struct sim_sending {
	struct sim_timer timer;
	struct sim_pipe *pipe;
	uint32_t device;
	uint8_t bytes[SIM_FRAME_MAX];
	size_t len, sent;
	wy_ms drip_ms;
	unsigned tries;
	struct sim_sending *next;
};

static void drop_sending(struct sim_sending *sending)
{
	struct sim_pipe *pipe = sending->pipe;
	struct sim_sending **at = &pipe->sending;

	while (*at != sending)
		at = &(*at)->next;
	*at = sending->next;
	pipe->n_sending--;
	sim_timer_stop(pipe->world->loop, &sending->timer);
	free(sending);
}

static void send_more(void *arg)
{
	struct sim_sending *sending = arg;
	struct sim_loop *loop = sending->pipe->world->loop;
	size_t left = sending->len - sending->sent;
	ssize_t n = write(sending->pipe->source.fd, sending->bytes + sending->sent,
			  sending->drip_ms ? 1 : left);

	if (n < 0 && errno != EAGAIN && errno != EINTR)
		sending->tries = WRITE_TRIES;
	if (n > 0) {
		sending->sent += (size_t)n;
		sending->tries = 0;
	}
	if (sending->sent == sending->len || ++sending->tries > WRITE_TRIES) {
		drop_sending(sending);
		return;
	}
	sim_timer_set(loop, &sending->timer,
		      sim_now_ms() +
			      (n > 0 && sending->drip_ms ? sending->drip_ms : WRITE_RETRY_MS));
}

static void send_at(struct sim_pipe *pipe, uint32_t device, const struct sim_reply *reply,
		    wy_ms due_ms)
{
	struct sim_sending *sending =
		pipe->n_sending < SIM_PENDING_MAX ? calloc(1, sizeof(*sending)) : NULL;

	if (!sending)
		return;
	sending->pipe = pipe;
	sending->device = device;
	sending->len = sim_frame_build(pipe->wire->kind, reply, sending->bytes);
	sending->drip_ms = reply->drip_ms;
	sending->timer.fire = send_more;
	sending->timer.arg = sending;
	sending->next = pipe->sending;
	pipe->sending = sending;
	pipe->n_sending++;
	sim_timer_set(pipe->world->loop, &sending->timer, due_ms);
}

/* How long request and answer take on the line: ten bits a byte. A pseudo terminal has no speed. */
static wy_ms line_ms(const struct sim_wire *wire, size_t n_bytes)
{
	return wire->baud ? (wy_ms)(n_bytes * 10 * 1000 / (size_t)wire->baud) : 0;
}

static void say_write(struct sim_pipe *pipe, const struct sim_device *device,
		      const struct sim_request *request)
{
	sim_truth_write_attempt(
		pipe->world->truth, device ? device->id : NULL,
		json_pack("{s:i, s:i}", "function", request->pdu[0], "unit", request->unit));
}

/* False: the connection is to be closed instead of an answer. */
static bool answer(struct sim_pipe *pipe, struct sim_device *device, const struct sim_request *request)
{
	struct sim_building *building = pipe->world->building;
	uint32_t index = (uint32_t)(device - building->devices);
	wy_ms now_ms = sim_now_ms();
	struct sim_reply reply;

	if (sim_answer(building, index, request, now_ms, &reply))
		say_write(pipe, device, request);
	pipe->is_resetting = reply.is_resetting;
	if (reply.is_closing)
		return false;
	if (reply.is_dropped)
		return true;
	wy_ms due_ms = device->busy_until_ms > now_ms ? device->busy_until_ms : now_ms;
	due_ms += reply.delay_ms + line_ms(pipe->wire, request->pdu_len + reply.pdu_len + 6);
	device->busy_until_ms = due_ms;
	if (reply.has_stray) {
		struct sim_reply stray = sim_reply_stray(pipe->wire->kind, &reply);
		send_at(pipe, index, &stray, due_ms);
	}
	for (unsigned i = 0; i < reply.copies; i++)
		send_at(pipe, index, &reply, due_ms);
	return true;
}

/* Nobody answers for an unknown or unplugged unit, as behind a real gateway or on a real bus. Unit
 * 0 is the broadcast of a serial line, which is never answered; what was tried by it is known all
 * the same. */
static bool dispatch(struct sim_pipe *pipe, const struct sim_request *request)
{
	struct sim_building *building = pipe->world->building;
	struct sim_device *device = sim_wire_unit(building, pipe->wire, request->unit);

	if (device && !device->is_unplugged)
		return answer(pipe, device, request);
	building->n_asked[request->pdu[0]]++;
	if (sim_modbus_is_write(request))
		say_write(pipe, NULL, request);
	return true;
}

static int next_frame(struct sim_pipe *pipe, bool is_idle, struct sim_request *ret_request)
{
	if (pipe->n_in == 0)
		return SIM_NEED_MORE;
	if (pipe->wire->kind == SIM_TCP)
		return sim_frame_tcp(pipe->in, pipe->n_in, ret_request);
	return sim_frame_rtu(pipe->world->building, pipe->wire, pipe->in, pipe->n_in, is_idle,
			     ret_request);
}

/* False: the pipe has ended and may be gone. A TCP stream that makes no sense is closed; a serial
 * line waits for silence, because that is where the next frame starts. */
static bool take_frames(struct sim_pipe *pipe, bool is_idle)
{
	struct sim_request request;
	int len;

	while ((len = next_frame(pipe, is_idle, &request)) > 0) {
		bool is_open = dispatch(pipe, &request);
		pipe->n_in -= (size_t)len;
		memmove(pipe->in, pipe->in + len, pipe->n_in);
		if (!is_open)
			break;
	}
	if (len > 0 || (len == SIM_NOT_A_FRAME && pipe->wire->kind == SIM_TCP)) {
		pipe->ended(pipe);
		return false;
	}
	if (len == SIM_NOT_A_FRAME && is_idle)
		pipe->n_in = 0;
	return true;
}

/* A serial line went quiet, or a connection was idle for too long. */
static void line_is_idle(void *arg)
{
	struct sim_pipe *pipe = arg;

	if (pipe->wire->kind == SIM_TCP)
		pipe->ended(pipe);
	else
		(void)!take_frames(pipe, true);
}

/* Wait for silence: on a bus it ends a frame, on a connection some devices take it for a goodbye. */
static void await_silence(struct sim_pipe *pipe)
{
	int64_t after_ms = IDLE_MS;
	bool is_awaited = pipe->wire->kind == SIM_TCP
				  ? sim_wire_is(pipe->world->building, pipe->wire, SIM_QUIRK_idle_close,
						&after_ms)
				  : pipe->n_in > 0;

	if (is_awaited)
		sim_timer_set(pipe->world->loop, &pipe->idle, sim_now_ms() + after_ms);
	else
		sim_timer_stop(pipe->world->loop, &pipe->idle);
}

/* What an adapter without an own ear for its transmitter does. Bytes nobody takes are lost. */
static void echo(struct sim_pipe *pipe, const uint8_t *bytes, size_t len)
{
	if (pipe->wire->kind == SIM_RTU &&
	    sim_wire_is(pipe->world->building, pipe->wire, SIM_QUIRK_echo, NULL) &&
	    write(pipe->source.fd, bytes, len) < 0)
		return;
}

static void bytes_came(void *arg, uint32_t events)
{
	struct sim_pipe *pipe = arg;
	ssize_t n = read(pipe->source.fd, pipe->in + pipe->n_in, sizeof(pipe->in) - pipe->n_in);

	(void)events;
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		pipe->ended(pipe);
		return;
	}
	echo(pipe, pipe->in + pipe->n_in, (size_t)n);
	pipe->n_in += (size_t)n;
	if (!take_frames(pipe, false))
		return;
	if (pipe->n_in == sizeof(pipe->in))
		pipe->n_in = 0; /* a full buffer without a frame is noise */
	await_silence(pipe);
}

enum wy_err sim_pipe_open(struct sim_pipe *pipe, struct sim_world *world,
			  const struct sim_wire *wire, int fd, void (*ended)(struct sim_pipe *pipe))
{
	*pipe = (struct sim_pipe){.world = world, .wire = wire, .ended = ended};
	pipe->source = (struct sim_source){fd, bytes_came, pipe};
	pipe->idle.fire = line_is_idle;
	pipe->idle.arg = pipe;
	enum wy_err err = sim_loop_add(world->loop, &pipe->source, EPOLLIN);
	if (!err)
		await_silence(pipe);
	return err;
}

void sim_pipe_forget(struct sim_pipe *pipe, uint32_t device)
{
	struct sim_sending *next;

	for (struct sim_sending *s = pipe->sending; s; s = next) {
		next = s->next;
		if (s->device == device)
			drop_sending(s);
	}
}

void sim_pipe_close(struct sim_pipe *pipe)
{
	while (pipe->sending)
		drop_sending(pipe->sending);
	sim_timer_stop(pipe->world->loop, &pipe->idle);
	sim_loop_remove(pipe->world->loop, &pipe->source);
	if (pipe->is_resetting) {
		struct linger at_once = {.l_onoff = 1, .l_linger = 0};
		(void)setsockopt(pipe->source.fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
	}
	close(pipe->source.fd);
}
