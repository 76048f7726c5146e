/* show.c: what the desk prints. A duty officer reads the line from the left: when, how urgent, where,
 * what, who, until when, and last the state and how long it took from detection to commit. */
#include "show.h"

#include <string.h>

#include "when.h"

#define COLOUR_OFF "\033[0m"

static const struct {
	const char *tier, *colour;
} TIERS[] = {
	{"S1", "\033[1;31m"},
	{"S2", "\033[33m"},
	{"S3", "\033[36m"},
	{"S4", "\033[2m"},
};

static const struct {
	const char *key, *word;
} DEADLINES[] = {
	{"deadline_ack", "ack"},
	{"deadline_arrive", "arrive"},
	{"deadline_resolve", "resolve"},
};

/* Copied from data into the JSON line as they are. */
static const char *const COPIED[] = {
	"detected_at", "opened_at",    "cleared_at",     "deadline_ack",     "deadline_arrive",
	"deadline_start", "deadline_resolve", "fault_name", "fault_name_en", "dept_primary",
	"summary",     "summary_en",
};

const char *show_tier_colour(const char *tier)
{
	for (size_t i = 0; i < sizeof TIERS / sizeof *TIERS; i++)
		if (strcmp(TIERS[i].tier, tier) == 0)
			return TIERS[i].colour;
	return "";
}

void show_text(FILE *out, const char *text)
{
	for (const unsigned char *c = (const unsigned char *)text; *c; c++) {
		bool is_c1 = c[0] == 0xc2 && c[1] >= 0x80 && c[1] <= 0x9f;

		fputc(*c < 0x20 || *c == 0x7f || is_c1 ? '?' : *c, out);
		if (is_c1)
			c++;
	}
}

static void show_part(FILE *out, const char *text, const char *after)
{
	if (text[0] == '\0')
		return;
	show_text(out, text);
	fputs(after, out);
}

/* "com.weiyu.ticket.opened.v1" to "opened". */
static void read_verb(const char *type, char verb[static 16])
{
	const char *last = strrchr(type, '.');
	const char *start = last;

	while (start && start > type && start[-1] != '.')
		start--;
	snprintf(verb, 16, "%.*s", start ? (int)(last - start) : 0, start ? start : "");
}

static void show_place(FILE *out, const json_t *data)
{
	const json_t *place = json_object_get(data, "location");
	const json_t *asset = json_object_get(data, "asset");
	bool is_placed = event_text(place, "text_zh")[0] || event_text(place, "text_en")[0];

	show_part(out, event_text(place, "text_zh"), " ");
	show_part(out, event_text(place, "text_en"), " ");
	if (!is_placed) {
		show_part(out, event_text(asset, "name_zh"), " ");
		show_part(out, event_text(asset, "name_en"), " ");
	}
	fputs("| ", out);
}

static void show_what(FILE *out, const struct event *event)
{
	show_part(out, event->fault, " ");
	show_part(out, event_text(event->data, "fault_name"), " ");
	show_part(out, event_text(event->data, "fault_name_en"), " ");
	fputs("| ", out);
}

static void show_duty(FILE *out, const json_t *data)
{
	const char *department = event_text(data, "dept_primary_zh");

	show_part(out, department, " ");
	show_part(out, event_text(data, "dept_primary"), " ");
	fputs("|", out);
	for (size_t i = 0; i < sizeof DEADLINES / sizeof *DEADLINES; i++) {
		char at[WHEN_TEXT_SIZE];

		when_local(event_time(data, DEADLINES[i].key), false, at);
		fprintf(out, " %s %s", DEADLINES[i].word, at);
	}
	fputs(" | ", out);
}

static void show_people(const struct show *show, const struct event *event, wy_ms committed_ms)
{
	char at[WHEN_TEXT_SIZE], verb[16];
	FILE *out = show->out;

	read_verb(event->type, verb);
	when_local(committed_ms, true, at);
	fprintf(out, "%s %s", at, show->is_colour ? show_tier_colour(event->tier) : "");
	show_part(out, event->tier[0] ? event->tier : "S?", "");
	fprintf(out, "%s | ", show->is_colour ? COLOUR_OFF : "");
	show_place(out, event->data);
	show_what(out, event);
	show_duty(out, event->data);
	show_text(out, verb);
	fputs(", ", out);
	show_text(out, event->condition);
	if (event->detected_ms > 0)
		fprintf(out, " | %.1f s", (double)(committed_ms - event->detected_ms) / 1000);
	fputs(" | ", out);
	show_text(out, event->ticket_no[0] ? event->ticket_no : event->ticket_key);
	fputc('\n', out);
}

static void show_json(const struct show *show, const struct event *event, wy_ms committed_ms,
		      bool is_duplicate)
{
	json_t *line = json_pack("{sI ss ss ss ss ss sI sI ss ss ss ss sb}", "committed_at_ms",
				 (json_int_t)committed_ms, "type", event->type, "gateway", event->gw,
				 "ticket_key", event->ticket_key, "ticket_no", event->ticket_no,
				 "dedup_key", event->dedup_key, "episode",
				 (json_int_t)event->episode, "rev", (json_int_t)event->rev, "tier",
				 event->tier, "fault_code", event->fault, "asset", event->asset,
				 "condition", event->condition, "duplicate", is_duplicate);

	for (size_t i = 0; line && i < sizeof COPIED / sizeof *COPIED; i++) {
		json_t *value = json_object_get(event->data, COPIED[i]);

		/* a line that lacks a field for want of memory is still a line */
		if (value && json_object_set(line, COPIED[i], value) != 0)
			break;
	}
	if (line && json_object_set_new(line, "epoch", json_string(event->epoch)) == 0 &&
	    json_object_set_new(line, "seq", json_integer(event->seq)) == 0 &&
	    json_dumpf(line, show->out, JSON_COMPACT) == 0)
		fputc('\n', show->out);
	json_decref(line);
}

/* Nobody is called for it: the tickets it names are told again when the gateway has room. */
static void show_gap(const struct show *show, const struct event *event, wy_ms committed_ms)
{
	char at[WHEN_TEXT_SIZE];

	when_local(committed_ms, true, at);
	fprintf(show->out, "%s %s | events %lld | lost at the gateway, its store was full\n", at, event->gw,
		(long long)event->lost);
}

static void show_gap_json(const struct show *show, const struct event *event, wy_ms committed_ms, bool is_duplicate)
{
	json_t *line = json_pack("{sI ss ss ss sI sI sb sO*}", "committed_at_ms", (json_int_t)committed_ms, "type",
				 event->type, "gateway", event->gw, "epoch", event->epoch, "seq",
				 (json_int_t)event->seq, "lost", (json_int_t)event->lost, "duplicate", is_duplicate,
				 "by_tier", json_object_get(event->data, "by_tier"));

	if (line && json_dumpf(line, show->out, JSON_COMPACT) == 0)
		fputc('\n', show->out);
	json_decref(line);
}

void show_event(const struct show *show, const struct event *event, wy_ms committed_ms,
		bool is_duplicate)
{
	if (event->verdict != EVENT_TICKET && event->verdict != EVENT_GAP)
		return;
	if (event->verdict == EVENT_GAP && show->form == SHOW_JSON)
		show_gap_json(show, event, committed_ms, is_duplicate);
	else if (event->verdict == EVENT_GAP && show->form == SHOW_PEOPLE && !is_duplicate)
		show_gap(show, event, committed_ms);
	else if (event->verdict == EVENT_GAP)
		return;
	else if (show->form == SHOW_JSON)
		show_json(show, event, committed_ms, is_duplicate);
	else if (show->form == SHOW_PEOPLE && !is_duplicate)
		show_people(show, event, committed_ms);
	fflush(show->out);
}
