/* orders.c: what an operator says over the control socket, from JSON to the engine and back. Everything is bounded, and
 * anything odd is answered with words and changes nothing. */
#include <jansson.h>
#include <string.h>

#include "doc.h"
#include "moment.h"
#include "number.h"
#include "run.h"
#include "run_parts.h"
#include "store.h"

enum { WORDS_BYTES = 4096 };

/* A text that fits where it is kept, "" where there is none. NULL: too long, or no text. */
static const char *text_of(const json_t *request, const char *key, size_t size)
{
	const json_t *value = json_object_get(request, key);

	if (!value || json_is_null(value))
		return "";
	if (!json_is_string(value) || json_string_length(value) >= size)
		return NULL;
	return json_string_value(value);
}

/* `until`, a stamp in the building's time, or `for`, a length of time from now. */
static bool read_end(const struct run_view *view, const char *until, const char *span, wy_ms *ret_wall_ms)
{
	wy_ms span_ms = 0;

	if (*until && *span)
		return false;
	if (*until) {
		char stamp[40];
		strcpy(stamp, until); /* bounded by text_of() */
		if (strlen(stamp) > 10 && stamp[10] == ' ')
			stamp[10] = 'T';
		return moment_stamp(&view->config->site.zone, stamp, strlen(stamp), ret_wall_ms);
	}
	if (!*span || wy_parse_duration(span, strlen(span), &span_ms))
		return false;
	*ret_wall_ms = clock_now(view->clock).wall_ms + span_ms;
	return true;
}

static const char *or_null(const char *text)
{
	return *text ? text : NULL;
}

static char *answer(enum wy_err err, const char *words)
{
	json_t *object = json_pack("{s:b, s:s}", "ok", err == WY_OK, err ? "error" : "done", *words ? words : wy_err_text(err));
	char *text = object ? json_dumps(object, JSON_COMPACT) : NULL;

	json_decref(object);
	return text;
}

char *run_order(const struct run_view *view, const json_t *request)
{
	const struct {
		const char *key;
		size_t size;
	} texts[] = {{"order", STORE_WHAT_SIZE}, {"ticket", TICKET_NO_SIZE}, {"rule", TICKET_RULE_SIZE},
		     {"asset", TICKET_ID_SIZE},  {"mark", TICKET_RULE_SIZE}, {"by", STORE_WHO_SIZE},
		     {"reason", STORE_WHY_SIZE}, {"until", 40},		     {"for", 40}};
	enum { ORDER, TICKET, RULE, ASSET, MARK, BY, REASON, UNTIL, FOR, TEXTS };
	const char *text[TEXTS];
	char said[WORDS_BYTES];
	struct wy_buf words;

	wy_buf_init(&words, said, sizeof(said));
	for (size_t i = 0; i < TEXTS; i++) {
		text[i] = text_of(request, texts[i].key, texts[i].size);
		if (text[i])
			continue;
		wy_buf_addf(&words, "%s: not a text of less than %zu bytes", texts[i].key, texts[i].size);
		return answer(WY_E_INVALID, said);
	}
	struct engine_order order = {
		.word = text[ORDER], .ticket = or_null(text[TICKET]), .rule = or_null(text[RULE]), .asset = or_null(text[ASSET]),
		.mark = or_null(text[MARK]), .by = text[BY], .why = text[REASON],
		.is_one_shot = json_is_true(json_object_get(request, "once")),
	};
	if (strcmp(order.word, "shelve") == 0 && !read_end(view, text[UNTIL], text[FOR], &order.until_wall_ms))
		return answer(WY_E_INVALID, "wanted: an end, as --until \"2026-11-22 18:00\" or --for 2h");
	return answer(engine_take_order(view->engine, &order, &words), said);
}

struct shelves {
	const struct run_view *view;
	json_t *list;
};

static json_t *stamp_of(const struct run_view *view, wy_ms wall_ms)
{
	char text[TICKET_TIME_SIZE];

	if (!wall_ms)
		return json_null();
	ticket_time_text(&view->config->site.zone, wall_ms, text);
	return json_string(text);
}

static void add_shelf(void *arg, const struct engine_shelf *shelf)
{
	struct shelves *shelves = arg;

	json_array_append_new(shelves->list,
			      json_pack("{s:s, s:s, s:o, s:b, s:b, s:s?, s:s?, s:o}", "rule", shelf->rule, "asset", shelf->asset,
					"until", stamp_of(shelves->view, shelf->until_wall_ms), "once", shelf->is_one_shot,
					"is_raised", shelf->is_raised, "by", or_null(shelf->by), "reason", or_null(shelf->why),
					"since", stamp_of(shelves->view, shelf->since_wall_ms)));
}

char *run_shelves(const struct run_view *view)
{
	struct shelves shelves = {view, json_array()};
	enum wy_err err = engine_each_shelf(view->engine, add_shelf, &shelves);
	char *text = err ? answer(err, "") : json_dumps(shelves.list, JSON_COMPACT);

	json_decref(shelves.list);
	return text;
}
