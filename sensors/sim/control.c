/* control.c: see control.h. */
#define _GNU_SOURCE
#include "control.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "command.h"

struct visitor {
	struct sim_control *control;
	struct sim_source source;
	char in[SIM_CONTROL_LINE_MAX];
	size_t n_in;
	char *out; /* heap, what the client has not taken yet */
	size_t n_out;
	bool wants_truth;
	bool is_gone; /* dropped as soon as nobody is walking the list */
	struct visitor *next;
};

struct sim_control {
	struct sim_world *world;
	const char *path; /* borrowed */
	struct sim_source source;
	struct visitor *visitors;
	size_t n_visitors;
	char *answer; /* room for the longest answer */
};

static void drop(struct visitor *visitor)
{
	struct visitor **at = &visitor->control->visitors;

	while (*at != visitor)
		at = &(*at)->next;
	*at = visitor->next;
	visitor->control->n_visitors--;
	sim_loop_remove(visitor->control->world->loop, &visitor->source);
	close(visitor->source.fd);
	free(visitor->out);
	free(visitor);
}

static void flush_out(struct visitor *visitor)
{
	ssize_t n =
		send(visitor->source.fd, visitor->out, visitor->n_out, MSG_NOSIGNAL | MSG_DONTWAIT);

	if (n < 0 && errno != EAGAIN && errno != EINTR)
		visitor->is_gone = true;
	if (n > 0) {
		visitor->n_out -= (size_t)n;
		memmove(visitor->out, visitor->out + n, visitor->n_out);
	}
	sim_loop_want(visitor->control->world->loop, &visitor->source,
		      visitor->n_out ? EPOLLIN | EPOLLOUT : EPOLLIN);
}

static void say(struct visitor *visitor, const char *text, size_t len)
{
	if (visitor->n_out + len > SIM_CONTROL_UNREAD_MAX) {
		visitor->is_gone = true;
		return;
	}
	memcpy(visitor->out + visitor->n_out, text, len);
	visitor->n_out += len;
	flush_out(visitor);
}

static void sweep(struct sim_control *control)
{
	struct visitor *next;

	for (struct visitor *v = control->visitors; v; v = next) {
		next = v->next;
		if (v->is_gone)
			drop(v);
	}
}

static void take_line(struct visitor *visitor, char *line)
{
	struct sim_control *control = visitor->control;
	struct sim_command_result result;
	struct wy_buf out;

	wy_buf_init(&out, control->answer, SIM_CONTROL_UNREAD_MAX);
	sim_command(control->world->building, line, &out, &result);
	if (out.is_cut) {
		wy_buf_init(&out, control->answer, SIM_CONTROL_UNREAD_MAX);
		wy_buf_add(&out, "error the answer is too long\n");
	}
	say(visitor, out.text, out.len);
	if (result.wants_truth)
		visitor->wants_truth = true;
	if (result.is_stop)
		control->world->loop->is_done = true;
}

static void take_lines(struct visitor *visitor)
{
	char *end;

	while (!visitor->is_gone && (end = memchr(visitor->in, '\n', visitor->n_in))) {
		size_t len = (size_t)(end - visitor->in) + 1;

		*end = '\0';
		take_line(visitor, visitor->in);
		visitor->n_in -= len;
		memmove(visitor->in, visitor->in + len, visitor->n_in);
	}
	if (visitor->n_in == sizeof(visitor->in))
		visitor->is_gone = true;
}

static void visitor_ready(void *arg, uint32_t events)
{
	struct visitor *visitor = arg;
	struct sim_control *control = visitor->control;

	if (events & EPOLLOUT)
		flush_out(visitor);
	if (events & (EPOLLIN | EPOLLHUP | EPOLLERR)) {
		ssize_t n = recv(visitor->source.fd, visitor->in + visitor->n_in,
				 sizeof(visitor->in) - visitor->n_in, MSG_DONTWAIT);
		if (n > 0)
			visitor->n_in += (size_t)n;
		else if (n == 0 || (errno != EAGAIN && errno != EINTR))
			visitor->is_gone = true;
		take_lines(visitor);
	}
	sweep(control);
}

static void came_in(void *arg, uint32_t events)
{
	struct sim_control *control = arg;
	int fd = accept4(control->source.fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	struct visitor *visitor = NULL;

	(void)events;
	sweep(control);
	if (fd < 0)
		return;
	if (control->n_visitors < SIM_CONTROL_CLIENTS_MAX)
		visitor = calloc(1, sizeof(*visitor));
	if (visitor) {
		visitor->control = control;
		visitor->source = (struct sim_source){fd, visitor_ready, visitor};
		visitor->out = malloc(SIM_CONTROL_UNREAD_MAX);
	}
	if (!visitor || !visitor->out ||
	    sim_loop_add(control->world->loop, &visitor->source, EPOLLIN)) {
		if (visitor)
			free(visitor->out);
		free(visitor);
		close(fd);
		return;
	}
	visitor->next = control->visitors;
	control->visitors = visitor;
	control->n_visitors++;
}

/* A socket nobody answers at is left from a run that was killed. */
static enum wy_err clear_path(const struct sockaddr_un *address)
{
	struct stat st;

	if (lstat(address->sun_path, &st))
		return errno == ENOENT ? WY_OK : WY_E_LINK;
	if (!S_ISSOCK(st.st_mode))
		return WY_E_EXISTS;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return WY_E_LINK;
	bool is_alive = connect(fd, (const struct sockaddr *)address, sizeof(*address)) == 0;
	close(fd);
	if (is_alive)
		return WY_E_EXISTS;
	return unlink(address->sun_path) ? WY_E_LINK : WY_OK;
}

static enum wy_err listen_at(const char *path, int *ret_fd)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	if (strlen(path) >= sizeof(address.sun_path)) {
		errno = ENAMETOOLONG;
		return WY_E_LINK;
	}
	memcpy(address.sun_path, path, strlen(path) + 1);
	enum wy_err err = clear_path(&address);
	if (err)
		return err;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return WY_E_LINK;
	if (bind(fd, (const struct sockaddr *)&address, sizeof(address)) || listen(fd, 16)) {
		int why = errno;
		close(fd);
		errno = why;
		return WY_E_LINK;
	}
	*ret_fd = fd;
	return WY_OK;
}

enum wy_err sim_control_open(struct sim_world *world, const char *path,
			     struct sim_control **ret_control)
{
	struct sim_control *control = calloc(1, sizeof(*control));
	int fd = -1;
	enum wy_err err = WY_E_NOMEM;

	if (control && (control->answer = malloc(SIM_CONTROL_UNREAD_MAX)) != NULL)
		err = listen_at(path, &fd);
	if (err) {
		int why = errno;
		if (control)
			free(control->answer);
		free(control);
		errno = why;
		return err;
	}
	control->world = world;
	control->path = path;
	control->source = (struct sim_source){fd, came_in, control};
	err = sim_loop_add(world->loop, &control->source, EPOLLIN);
	if (err) {
		sim_control_close(control);
		return err;
	}
	*ret_control = control;
	return WY_OK;
}

void sim_control_truth(struct sim_control *control, const char *line, size_t len)
{
	for (struct visitor *v = control->visitors; v; v = v->next) {
		if (!v->wants_truth || v->is_gone)
			continue;
		say(v, line, len);
		say(v, "\n", 1);
	}
}

void sim_control_close(struct sim_control *control)
{
	if (!control)
		return;
	while (control->visitors)
		drop(control->visitors);
	sim_loop_remove(control->world->loop, &control->source);
	close(control->source.fd);
	(void)!unlink(control->path);
	free(control->answer);
	free(control);
}
