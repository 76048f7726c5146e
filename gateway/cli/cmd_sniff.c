/* cmd_sniff.c: what went over a wire of the running gateway, with its timing: the last exchanges, or as they come. The
 * gateway gives bytes; what they mean is told here. Nothing is asked of any device. */
#include <jansson.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "frame_words.h"
#include "list.h"

enum { SHOWN_USUALLY = 20, SHOWN_MOST = 256, LOOK_AGAIN_MS = 500 };

struct sniff {
	struct cli_options options;
	bool is_following;
	int most;
	json_int_t last; /* number of the exchange shown last */
	const char *wire;
};

/* ---- Exchanges ------------------------------------------------------------------------------- */

static unsigned digit_of(char c)
{
	return (unsigned)(c <= '9' ? c - '0' : c - 'A' + 10) & 15u;
}

static struct frame_bytes bytes_of(const json_t *frame, const char *key, const char *count_key)
{
	const char *hex = cli_text(frame, key);
	struct frame_bytes bytes = {.n = (size_t)json_integer_value(json_object_get(frame, count_key))};

	for (size_t n = hex ? strlen(hex) / 2 : 0; bytes.n_kept < n && bytes.n_kept < WY_FRAME_KEPT; bytes.n_kept++)
		bytes.byte[bytes.n_kept] = (uint8_t)(digit_of(hex[2 * bytes.n_kept]) << 4 | digit_of(hex[2 * bytes.n_kept + 1]));
	return bytes;
}

struct exchange {
	const json_t *frame;
	struct frame_bytes request, answer;
	struct frame_words words;
	bool is_ok, is_late;
};

static struct exchange exchange_of(const json_t *frame, bool is_tcp)
{
	const char *result = cli_text(frame, "result");
	struct exchange it = {.frame = frame,
			      .request = bytes_of(frame, "request", "request_bytes"),
			      .answer = bytes_of(frame, "answer", "answer_bytes")};

	it.is_ok = result && strcmp(result, wy_err_text(WY_OK)) == 0;
	it.words = frame_words_of(is_tcp, it.is_ok, &it.request, &it.answer);
	it.is_late = !it.words.has_request && result && strcmp(result, wy_err_text(WY_E_TIMEOUT)) == 0;
	if (it.is_late)
		snprintf(it.words.odd, sizeof(it.words.odd), "late: its request had been given up");
	return it;
}

static void add_json(json_t *frame, const struct exchange *it, bool is_tcp)
{
	const struct frame_words *words = &it->words;
	const char *area = frame_area_text(words->function);

	if (words->has_request) {
		json_object_set_new(frame, "unit", json_integer(words->unit));
		json_object_set_new(frame, "function", json_integer(words->function));
		json_object_set_new(frame, "area", area ? json_string(area) : json_null());
		json_object_set_new(frame, "address", json_integer(words->address));
		json_object_set_new(frame, "count", json_integer(words->count));
		json_object_set_new(frame, "exception", words->exception ? json_integer(words->exception) : json_null());
	}
	if (words->has_request && is_tcp)
		json_object_set_new(frame, "transaction", json_integer(words->transaction));
	json_object_set_new(frame, "odd", words->odd[0] ? json_string(words->odd) : json_null());
}

/* ---- Showing --------------------------------------------------------------------------------- */

static void print_hex(char mark, const struct frame_bytes *bytes)
{
	char text[4 * WY_FRAME_KEPT + 40];
	struct wy_buf buf;

	if (!bytes->n)
		return;
	wy_buf_init(&buf, text, sizeof(text));
	frame_hex(bytes, &buf);
	printf("    %c %s\n", mark, text);
}

static void print_exchange(const struct exchange *it, bool is_tcp)
{
	const struct frame_words *words = &it->words;
	const char *at = cli_text(it->frame, "at");
	const char *area = frame_area_text(words->function);
	long long took_ms = (long long)json_integer_value(json_object_get(it->frame, "took_ms"));

	printf("%.12s", at && strlen(at) > 23 ? at + 11 : "?");
	if (words->has_request)
		printf("  unit %u  function %u  %s %u, %u long", words->unit, words->function, area ? area : "?",
		       words->address, words->count);
	if (words->has_request && is_tcp)
		printf("  transaction %u", words->transaction);
	if (words->has_request || it->is_late)
		printf("  %lldms", took_ms);
	if (words->exception)
		printf("  exception %u: %s", words->exception, frame_exception_text(words->exception));
	else if (words->has_request)
		printf("  %s", cli_text(it->frame, "result"));
	printf("%s%s\n", words->odd[0] ? "  ! " : "", words->odd);
	print_hex('>', &it->request);
	print_hex('<', &it->answer);
}

/* One document, or with --follow one for each exchange. */
static void show(struct sniff *sniff, json_t *answer)
{
	const char *kind = cli_text(answer, "kind");
	bool is_tcp = kind && strcmp(kind, "rtu") != 0;
	json_t *frames = json_object_get(answer, "frames");
	size_t index;
	json_t *frame;

	json_array_foreach(frames, index, frame)
	{
		struct exchange it = exchange_of(frame, is_tcp);
		json_int_t number = json_integer_value(json_object_get(frame, "number"));
		if (sniff->last && number > sniff->last + 1 && !sniff->options.is_json)
			printf("... %lld exchanges went by unseen\n", (long long)(number - sniff->last - 1));
		sniff->last = number;
		add_json(frame, &it, is_tcp);
		if (!sniff->options.is_json)
			print_exchange(&it, is_tcp);
		else if (sniff->is_following)
			(void)!(json_dumpf(frame, stdout, JSON_COMPACT) == 0 && printf("\n"));
	}
	if (sniff->options.is_json && !sniff->is_following)
		(void)!(json_dumpf(answer, stdout, JSON_COMPACT) == 0 && printf("\n"));
	fflush(stdout);
}

static enum cli_exit say_none(const struct sniff *sniff, const json_t *answer)
{
	if (!json_is_true(json_object_get(answer, "is_keeping"))) {
		fprintf(stderr, "weiyu sniff: no frames are kept of wires of kind %s\n", cli_text(answer, "kind"));
		return CLI_FOUND;
	}
	if (!sniff->is_following && !sniff->options.is_json && json_array_size(json_object_get(answer, "frames")) == 0)
		printf("nothing went over '%s' yet\n", sniff->wire);
	return CLI_FINE;
}

static enum cli_exit look(struct sniff *sniff)
{
	json_t *question = json_pack("{s:s, s:s, s:i, s:I}", "ask", "frames", "wire", sniff->wire, "most",
				     sniff->last ? SHOWN_MOST : sniff->most, "after", sniff->last);
	char *request = question ? json_dumps(question, JSON_COMPACT) : NULL;
	char *text = request ? cli_ask(&sniff->options, request) : NULL;
	json_t *answer = text ? json_loads(text, 0, NULL) : NULL;
	const char *error = cli_text(answer, "error");
	enum cli_exit code = CLI_FOUND;

	if (json_is_object(answer) && !error) {
		code = say_none(sniff, answer);
		if (code == CLI_FINE)
			show(sniff, answer);
	} else if (text) {
		fprintf(stderr, "weiyu sniff: the gateway says: %s\n", error ? error : "nothing that can be read");
	}
	json_decref(answer);
	json_decref(question);
	free(request);
	free(text);
	return code;
}

/* ---- Words ----------------------------------------------------------------------------------- */

/* Takes "-n N" out, which cli_parse() does not know. False: said. */
static bool take_count(int *argc, char **argv, struct sniff *sniff)
{
	for (int i = 1; i < *argc; i++) {
		int64_t n;
		if (strcmp(argv[i], "-n") != 0)
			continue;
		if (i + 1 == *argc || wy_parse_int(argv[i + 1], strlen(argv[i + 1]), &n) || n < 1 || n > SHOWN_MOST) {
			fprintf(stderr, "weiyu sniff: '-n' needs a number from 1 to %d\n", SHOWN_MOST);
			return false;
		}
		sniff->most = (int)n;
		memmove(&argv[i], &argv[i + 2], (size_t)(*argc - i - 2) * sizeof(*argv));
		*argc -= 2;
		i--;
	}
	return true;
}

static bool take_follow(int *argc, char **argv)
{
	bool is_found = false;
	int n = 1;

	for (int i = 1; i < *argc; i++) {
		bool is_it = strcmp(argv[i], "--follow") == 0;
		is_found = is_found || is_it;
		if (!is_it)
			argv[n++] = argv[i];
	}
	*argc = n;
	return is_found;
}

int cmd_sniff(int argc, char **argv)
{
	static const char *const known[] = {"--socket", "--json", NULL};
	struct sniff sniff = {.most = SHOWN_USUALLY};

	sniff.is_following = take_follow(&argc, argv);
	if (!take_count(&argc, argv, &sniff) || !cli_parse(argc, argv, known, &sniff.options))
		return CLI_USAGE;
	if (sniff.options.n_words != 1) {
		fprintf(stderr, "weiyu sniff: name one wire\n");
		return CLI_USAGE;
	}
	sniff.wire = sniff.options.words[0];
	enum cli_exit code = look(&sniff);
	while (code == CLI_FINE && sniff.is_following) {
		(void)poll(NULL, 0, LOOK_AGAIN_MS);
		code = look(&sniff);
	}
	return code;
}
