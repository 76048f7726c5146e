/* cmd_run.c: the service: a connection, a queue, a worker, and signals. */
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "options.h"
#include "say.h"
#include "wall.h"
#include "worker.h"

struct intake {
	struct queue *queue;
	unsigned long dropped; /* since the queue was last seen with room */
};

/* Paho holds its one lock during this call, and the worker needs that lock to send receipts: waiting
 * here for room would be waiting for oneself. So a full queue drops, and the gateway sends again. */
static void on_message(void *arg, const char *topic, const void *payload, size_t len,
		       const struct event_hint *hint)
{
	struct intake *intake = arg;
	enum wy_err err = queue_put(intake->queue, topic, payload, len, hint, 0);

	if (err == WY_OK && intake->dropped > 0) {
		say("messages_taken_again", "dropped=%lu; without a receipt they will come again",
		    intake->dropped);
		intake->dropped = 0;
	}
	if ((err == WY_E_FULL || err == WY_E_NOMEM) && intake->dropped++ == 0)
		say("messages_dropped", "topic=%s why=\"%s\"; without a receipt they will come again",
		    topic, wy_err_text(err));
}

/* Blocked in all threads to come, and read from a descriptor instead. */
static int open_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	signal(SIGPIPE, SIG_IGN);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	return signalfd(-1, &set, SFD_CLOEXEC);
}

static void serve(struct link *link, int signal_fd)
{
	struct pollfd fds[] = {{.fd = signal_fd, .events = POLLIN},
			       {.fd = link_fd(link), .events = POLLIN}};

	while (!(fds[0].revents & POLLIN)) {
		wy_ms wait_ms = link_step(link, mono_now_ms());

		if (poll(fds, 2, (int)wait_ms) < 0)
			fds[0].revents = 0; /* interrupted */
	}
}

int cmd_run(const struct desk_options *options)
{
	struct queue *queue = queue_new();
	struct intake intake = {.queue = queue};
	struct link_options link_options = {
		.host = options->host,
		.port = options->port,
		.ca = options->ca,
		.cert = options->cert,
		.key = options->key,
		.protocol = options->protocol,
		.client_id = options->client_id,
		.is_listening = true,
		.shard_first = options->shard_first,
		.shard_last = options->shard_last,
		.on_message = on_message,
		.arg = &intake,
	};
	struct worker_options worker_options = {
		.db_spec = options->db,
		.client_id = options->client_id,
		.queue = queue,
		.hole_age_ms = (wy_ms)options->hole_after_s * 1000,
		.show = {.form = SHOW_PEOPLE, .is_colour = isatty(STDOUT_FILENO) == 1, .out = stdout},
	};
	struct link *link = NULL;
	struct worker *worker = NULL;
	int signal_fd = open_signals(), code = DESK_EXIT_FAILED;

	if (options->is_quiet)
		worker_options.show.form = SHOW_QUIET;
	if (options->is_json)
		worker_options.show.form = SHOW_JSON;
	if (queue && signal_fd >= 0 && link_new(&link_options, &link) == WY_OK) {
		worker_options.link = link;
		if (worker_start(&worker_options, &worker) == WY_OK) {
			serve(link, signal_fd);
			code = DESK_EXIT_OK;
		}
	}
	if (code != DESK_EXIT_OK)
		say("not_started", "out of memory or descriptors");
	if (queue)
		queue_stop(queue);
	worker_finish(worker); /* its last receipts still need the link */
	link_free(link);
	queue_free(queue);
	if (signal_fd >= 0)
		close(signal_fd);
	say("stopped", "code=%d", code);
	return code;
}
