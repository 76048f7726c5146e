/* uplink_probe.c: an uplink one can hold in the hand: commands on standard input, one JSON line per
 * event.
 *
 *   uplink_probe HOST PORT CA CERT KEY CLIENT_ID WILL_TOPIC KEEPALIVE_MS RETRY_MOST_MS [TOPIC ...]
 *
 *   pub TOKEN QOS TOPIC TEXT     publish         big TOKEN TOPIC BYTES   the same with a long
 * payload pause MS                     do not dispatch for so long             counts   print the
 * counters close MS [TOPIC TEXT]        orderly end with a last message, retained
 *
 * PROBE_JUDGE_FROM_MS in the environment is the bound that certificates are judged at while the clock is behind it.
 * Its clock is its own; the module under test has none. */
#define _POSIX_C_SOURCE 200809L

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "uplink.h"

static const char *const cause_names[] = {"UNREACHABLE", "TLS",	    "REFUSED",
					  "LOST",	 "TAKEN_OVER", "STALLED", "LOCAL"};
static const char *const fate_names[] = {"TAKEN", "NO_SUBSCRIBER", "REFUSED", "LOST"};

struct probe {
	struct uplink *uplink;
	pthread_t loop;
	unsigned connects;
	char will[64];
	bool is_over;
};

static wy_ms clock_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (wy_ms)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void pause_ms(long ms)
{
	nanosleep(&(struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000}, NULL);
}

static const char *is_in_loop(const struct probe *probe)
{
	return pthread_equal(pthread_self(), probe->loop) ? "true" : "false";
}

static void print_text(const char *text, size_t len)
{
	putchar('"');
	for (size_t i = 0; i < len && i < 400; i++) {
		unsigned char c = (unsigned char)text[i];

		if (c < ' ' || c == '"' || c == '\\' || c > 126)
			printf("\\u%04x", (unsigned)c);
		else
			putchar(c);
	}
	putchar('"');
}

static enum wy_err prepare(void *arg, const void **ret_will, size_t *ret_len)
{
	struct probe *probe = arg;
	int n = snprintf(probe->will, sizeof probe->will, "dead %u", ++probe->connects);

	*ret_will = probe->will;
	*ret_len = (size_t)n;
	return WY_OK;
}

static void up(void *arg, const struct uplink_session *s)
{
	printf("{\"event\":\"up\",\"protocol\":%d,\"receive_maximum\":%u,\"window\":%u,\"packet_"
	       "max\":%lu,"
	       "\"present\":%s,\"loop\":%s}\n",
	       s->protocol, s->receive_maximum, s->window, (unsigned long)s->packet_max,
	       s->is_present ? "true" : "false", is_in_loop(arg));
}

static void down(void *arg, enum uplink_cause cause, const char *words, wy_ms retry_in_ms)
{
	printf("{\"event\":\"down\",\"cause\":\"%s\",\"retry_ms\":%lld,\"loop\":%s,\"words\":",
	       cause_names[cause], (long long)retry_in_ms, is_in_loop(arg));
	print_text(words, strlen(words));
	printf("}\n");
}

static void sent(void *arg, uint64_t token, enum uplink_fate fate, uint8_t reason)
{
	printf("{\"event\":\"sent\",\"token\":%llu,\"fate\":\"%s\",\"reason\":%d,\"loop\":%s}\n",
	       (unsigned long long)token, fate_names[fate], reason, is_in_loop(arg));
}

static void message(void *arg, const char *topic, const void *payload, size_t len)
{
	printf("{\"event\":\"message\",\"topic\":\"%s\",\"len\":%zu,\"loop\":%s,\"text\":", topic,
	       len, is_in_loop(arg));
	print_text(payload, len);
	printf("}\n");
}

static void publish(struct probe *probe, const struct uplink_message *m)
{
	enum wy_err err = uplink_publish(probe->uplink, m);

	printf("{\"event\":\"publish\",\"token\":%llu,\"err\":\"%s\"}\n",
	       (unsigned long long)m->token, wy_err_text(err));
}

static void do_pub(struct probe *probe, char *rest)
{
	static const struct uplink_property property = {"ce_type", "probe"};
	unsigned long long token;
	int qos, at = 0;
	char topic[300] = "";
	struct uplink_message m = {.topic = topic,
				   .content_type = "text/plain",
				   .property = &property,
				   .n_properties = 1};

	if (sscanf(rest, "%llu %d %299s %n", &token, &qos, topic, &at) < 3)
		return;
	m.payload = rest + at;
	m.len = strlen(rest + at);
	m.qos = qos;
	m.token = token;
	publish(probe, &m);
}

static void do_big(struct probe *probe, char *rest)
{
	unsigned long long token;
	char topic[300] = "", *payload;
	size_t len;

	if (sscanf(rest, "%llu %299s %zu", &token, topic, &len) < 3 || !(payload = malloc(len + 1)))
		return;
	memset(payload, 'x', len);
	publish(probe,
		&(struct uplink_message){
			.topic = topic, .payload = payload, .len = len, .qos = 1, .token = token});
	free(payload);
}

static void do_counts(struct probe *probe, char *rest)
{
	struct uplink_counts c = uplink_counts(probe->uplink);

	(void)rest;
	printf("{\"event\":\"counts\",\"attempts\":%llu,\"sessions\":%llu,\"published\":%llu,"
	       "\"taken\":%llu,"
	       "\"lost_tokens\":%llu,\"dropped\":%llu,\"room\":%u}\n",
	       (unsigned long long)c.attempts, (unsigned long long)c.sessions,
	       (unsigned long long)c.published, (unsigned long long)c.taken,
	       (unsigned long long)c.unsure, (unsigned long long)c.dropped,
	       uplink_room(probe->uplink));
}

static void do_pause(struct probe *probe, char *rest)
{
	(void)probe;
	pause_ms(atol(rest));
	printf("{\"event\":\"paused\"}\n");
}

static void do_close(struct probe *probe, char *rest)
{
	long long deadline_ms = 0;
	int at = 0;
	char topic[300] = "";
	int n = sscanf(rest, "%lld %299s %n", &deadline_ms, topic, &at);
	struct uplink_message last = {.topic = topic,
				      .payload = rest + at,
				      .len = strlen(rest + at),
				      .qos = 1,
				      .retain = true};
	wy_ms began = clock_ms();

	uplink_close(probe->uplink, n >= 2 ? &last : NULL, deadline_ms);
	probe->uplink = NULL;
	probe->is_over = true;
	printf("{\"event\":\"closed\",\"took_ms\":%lld}\n", (long long)(clock_ms() - began));
}

static void obey(struct probe *probe, char *line)
{
	static const struct {
		const char *name;
		void (*run)(struct probe *probe, char *rest);
	} rows[] = {{"pub ", do_pub},
		    {"big ", do_big},
		    {"counts", do_counts},
		    {"pause ", do_pause},
		    {"close ", do_close}};

	line[strcspn(line, "\n")] = '\0';
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		if (strncmp(line, rows[i].name, strlen(rows[i].name)) == 0) {
			rows[i].run(probe, line + strlen(rows[i].name));
			return;
		}
}

static void run(struct probe *probe)
{
	struct pollfd fds[2] = {{.fd = STDIN_FILENO, .events = POLLIN},
				{.fd = uplink_fd(probe->uplink), .events = POLLIN}};
	char line[2048];

	while (!probe->is_over) {
		wy_ms now = clock_ms();
		wy_ms due = uplink_dispatch(probe->uplink, now);
		wy_ms wait = due == WY_MS_NEVER || due - now > 60000 ? 60000 : due - now;

		poll(fds, 2, (int)wait);
		if (fds[0].revents == 0)
			continue;
		if (!fgets(line, sizeof line, stdin))
			return;
		obey(probe, line);
	}
}

int main(int argc, char **argv)
{
	struct probe probe = {.loop = pthread_self()};
	struct uplink_handler handler = {.prepare = prepare,
					 .up = up,
					 .down = down,
					 .sent = sent,
					 .message = message,
					 .arg = &probe};
	struct uplink_conf conf = {.session_expiry_s = 60, .will_delay_s = 0, .retry_first_ms = 50};
	char text[400];
	struct wy_buf words;
	enum wy_err err;

	if (argc < 10)
		return 2;
	if (getenv("PROBE_JUDGE_FROM_MS"))
		uplink_judge_from(atoll(getenv("PROBE_JUDGE_FROM_MS")));
	setvbuf(stdout, NULL, _IOLBF, 0);
	setvbuf(stdin, NULL, _IONBF, 0);
	conf.host = argv[1];
	conf.port = (uint16_t)atoi(argv[2]);
	conf.ca = argv[3];
	conf.certificate = argv[4];
	conf.key = argv[5];
	conf.client_id = argv[6];
	conf.will_topic = strcmp(argv[7], "-") == 0 ? NULL : argv[7];
	conf.keepalive_ms = atol(argv[8]);
	conf.retry_most_ms = atol(argv[9]);
	conf.subscribe = (const char *const *)argv + 10;
	wy_buf_init(&words, text, sizeof text);
	err = uplink_open(&conf, &handler, (uint64_t)clock_ms(), &words, &probe.uplink);
	if (err != WY_OK) {
		printf("{\"event\":\"open\",\"err\":\"%s\",\"words\":\"%s\"}\n", wy_err_text(err),
		       text);
		return 1;
	}
	run(&probe);
	uplink_close(probe.uplink, NULL, 0);
	return 0;
}
