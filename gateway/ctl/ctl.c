/* ctl.c: see ctl.h. Clients are slots; a slot reads a line, then writes its answer, never blocking. */
#include "ctl.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <fcntl.h>
#include <unistd.h>

#include "log.h"

struct client {
	struct ctl *ctl;
	int fd; /* -1: free */
	struct loop_timer *patience;
	char *request; /* WY_CTL_REQUEST_MAX + 1, owned */
	size_t n_read;
	char *answer; /* owned; NULL: still reading */
	size_t len, n_written;
};

struct ctl {
	struct loop *loop;
	const struct clock *clock;
	ctl_answer answer;
	void *arg;
	int fd;
	char path[sizeof(((struct sockaddr_un *)0)->sun_path)];
	struct client client[WY_CTL_CLIENTS_MAX];
};

static void drop(struct client *client)
{
	if (client->fd < 0)
		return;
	loop_remove_fd(client->ctl->loop, client->fd);
	loop_timer_set(client->patience, WY_MS_NEVER);
	close(client->fd);
	client->fd = -1;
	free(client->answer);
	client->answer = NULL;
}

static void on_patience(void *arg)
{
	drop(arg);
}

static void write_more(struct client *client)
{
	while (client->n_written < client->len) {
		ssize_t n = send(client->fd, client->answer + client->n_written,
				 client->len - client->n_written, MSG_NOSIGNAL);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN) {
			loop_want_write(client->ctl->loop, client->fd, true);
			return;
		}
		if (n <= 0)
			break;
		client->n_written += (size_t)n;
	}
	drop(client);
}

static void answer_line(struct client *client, char *newline)
{
	*newline = '\0';
	client->answer = client->ctl->answer(client->ctl->arg, client->request);
	if (!client->answer) {
		drop(client);
		return;
	}
	/* The answer is one line; its end is the end of the connection and a newline for people. */
	client->len = strlen(client->answer);
	client->answer[client->len++] = '\n'; /* in place of the NUL: the length is known */
	client->n_written = 0;
	write_more(client);
}

static void read_more(struct client *client)
{
	ssize_t n = recv(client->fd, client->request + client->n_read,
			 WY_CTL_REQUEST_MAX - client->n_read, 0);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		drop(client);
		return;
	}
	client->n_read += (size_t)n;
	char *newline = memchr(client->request, '\n', client->n_read);
	if (newline)
		answer_line(client, newline);
	else if (client->n_read == WY_CTL_REQUEST_MAX)
		drop(client);
}

static void on_client(void *arg)
{
	struct client *client = arg;

	if (client->answer)
		write_more(client);
	else
		read_more(client);
}

static struct client *free_slot(struct ctl *ctl)
{
	for (size_t i = 0; i < WY_CTL_CLIENTS_MAX; i++)
		if (ctl->client[i].fd < 0)
			return &ctl->client[i];
	return NULL;
}

static void on_connect(void *arg)
{
	struct ctl *ctl = arg;
	int fd = accept(ctl->fd, NULL, NULL);

	if (fd < 0)
		return;
	struct client *client = free_slot(ctl);
	if (!client) {
		static const char busy[] = "{\"error\":\"too many questions at once; ask again\"}\n";
		char question[256]; /* read, so that closing does not cut off the answer */
		(void)!recv(fd, question, sizeof(question), MSG_DONTWAIT);
		/* What does not fit into an empty socket's buffer at once is not waited for. */
		(void)!send(fd, busy, sizeof(busy) - 1, MSG_NOSIGNAL | MSG_DONTWAIT);
		close(fd);
		return;
	}
	if (fcntl(fd, F_SETFL, O_NONBLOCK) != 0 || fcntl(fd, F_SETFD, FD_CLOEXEC) != 0 ||
	    loop_add_fd(ctl->loop, fd, LOOP_PEOPLE, on_client, client)) {
		close(fd);
		return;
	}
	client->fd = fd;
	client->n_read = 0;
	loop_timer_set(client->patience, clock_mono(ctl->clock) + CTL_PATIENCE_MS);
}

static bool is_answering(const struct sockaddr_un *address)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool is_there = fd >= 0 && connect(fd, (const struct sockaddr *)address, sizeof(*address)) == 0;

	if (fd >= 0)
		close(fd);
	return is_there;
}

static enum wy_err bind_path(struct ctl *ctl, const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	if (strlen(path) >= sizeof(address.sun_path))
		return WY_E_LIMIT;
	strcpy(address.sun_path, path);
	strcpy(ctl->path, path);
	if (is_answering(&address)) {
		ctl->path[0] = '\0'; /* not ours to remove */
		return WY_E_EXISTS;
	}
	(void)unlink(path);
	ctl->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (ctl->fd < 0)
		return WY_E_IO;
	/* The mode is set before anyone can connect: bind makes the file, listen lets them in. */
	if (bind(ctl->fd, (const struct sockaddr *)&address, sizeof(address)) != 0 ||
	    chmod(path, 0660) != 0 || listen(ctl->fd, (int)WY_CTL_CLIENTS_MAX) != 0)
		return WY_E_IO;
	return WY_OK;
}

static enum wy_err make_slots(struct ctl *ctl)
{
	for (size_t i = 0; i < WY_CTL_CLIENTS_MAX; i++) {
		struct client *client = &ctl->client[i];
		client->ctl = ctl;
		client->request = malloc(WY_CTL_REQUEST_MAX + 1);
		if (!client->request)
			return WY_E_NOMEM;
		enum wy_err err = loop_add_timer(ctl->loop, LOOP_PEOPLE, on_patience, client,
						 &client->patience);
		if (err)
			return err;
	}
	return WY_OK;
}

enum wy_err ctl_open(const char *path, struct loop *loop, ctl_answer answer, void *arg,
		     struct ctl **ret_ctl)
{
	struct ctl *ctl = calloc(1, sizeof(*ctl));

	if (!ctl)
		return WY_E_NOMEM;
	ctl->loop = loop;
	ctl->clock = loop_clock(loop);
	ctl->answer = answer;
	ctl->arg = arg;
	ctl->fd = -1;
	for (size_t i = 0; i < WY_CTL_CLIENTS_MAX; i++)
		ctl->client[i].fd = -1;
	enum wy_err err = make_slots(ctl);
	if (!err)
		err = bind_path(ctl, path);
	if (!err)
		err = loop_add_fd(loop, ctl->fd, LOOP_PEOPLE, on_connect, ctl);
	if (err) {
		ctl_close(ctl);
		return err;
	}
	*ret_ctl = ctl;
	return WY_OK;
}

void ctl_close(struct ctl *ctl)
{
	if (!ctl)
		return;
	for (size_t i = 0; i < WY_CTL_CLIENTS_MAX; i++) {
		drop(&ctl->client[i]);
		free(ctl->client[i].request);
	}
	if (ctl->fd >= 0) {
		loop_remove_fd(ctl->loop, ctl->fd);
		close(ctl->fd);
	}
	if (ctl->path[0])
		(void)unlink(ctl->path);
	free(ctl);
}
