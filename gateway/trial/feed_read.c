/* feed_read.c: the text of a feed into steps, groups and spans; see feed.h for the form. One message for the first
 * mistake of a text, at its place in the file. */
#include "feed.h"

#include <string.h>

#include "number.h"
#include "wy_limits.h"

enum { WHOLE_MOST = 1000000 }; /* of one relative step: a year of them still fits into 64 bits */

struct word {
	const char *text;
	size_t len;
};

struct reading {
	const struct wy_node *node;
	const struct wy_point *point;
	const struct moment_base *base;
	struct wy_diags *diags;
	size_t at; /* in the text */
	struct feed *feed;
	struct feed_step *steps; /* all of them; a group takes a stretch */
	struct feed_group *groups;
	struct feed_span *spans;
	size_t n_steps, n_groups, n_spans;
	size_t first;	  /* step the open group begins with */
	bool has_failed;
};

static bool fail(struct reading *r, struct word where, const char *code, const char *what, const char *found)
{
	size_t at = where.text ? (size_t)(where.text - r->node->text) : r->node->len;

	if (!r->has_failed)
		wy_diag_add(r->diags, WY_DIAG_ERROR, code, r->node, at, "%s%s%.*s%s", what, found, (int)where.len,
			    where.text ? where.text : "", *found ? "'" : "");
	r->has_failed = true;
	return false;
}

static bool expected(struct reading *r, struct word found, const char *what)
{
	return found.len ? fail(r, found, "E105", what, ", found '") : fail(r, found, "E105", what, ", found the end");
}

/* ---- Words -------------------------------------------------------------------------------- */

static struct word peek(const struct reading *r)
{
	const char *text = r->node->text;
	size_t from = r->at, to;

	while (from < r->node->len && (text[from] == ' ' || text[from] == '\n' || text[from] == '\t'))
		from++;
	for (to = from; to < r->node->len && text[to] != ' ' && text[to] != '\n' && text[to] != '\t';)
		to++;
	return (struct word){to > from ? text + from : NULL, to - from};
}

static struct word next(struct reading *r)
{
	struct word word = peek(r);

	r->at = word.len ? (size_t)(word.text - r->node->text) + word.len : r->node->len;
	return word;
}

static bool is_word(struct word word, const char *text)
{
	return strlen(text) == word.len && memcmp(word.text, text, word.len) == 0;
}

static bool take_word(struct reading *r, const char *text)
{
	if (!is_word(peek(r), text))
		return false;
	next(r);
	return true;
}

static bool read_span(struct reading *r, wy_ms *ret_ms)
{
	struct word word = next(r);

	if (word.len && !wy_parse_duration(word.text, word.len, ret_ms) && *ret_ms > 0)
		return true;
	return expected(r, word, "expected a length of time such as 10s");
}

static void note_instant(struct reading *r, wy_ms ms)
{
	if (ms > r->feed->last_ms)
		r->feed->last_ms = ms;
}

static bool read_instant(struct reading *r, struct word word, wy_ms *ret_ms)
{
	if (!word.len || !moment_parse(r->base, word.text, word.len, ret_ms))
		return expected(r, word, "expected an instant such as 40s or 2026-03-29T03:00");
	if (*ret_ms < 0)
		return fail(r, word, "E106", "before the start of the test", ": '");
	if (*ret_ms > WY_RULE_SPAN_MAX_MS)
		return fail(r, word, "E401", "a test lasts 400d at most", ": '");
	note_instant(r, *ret_ms);
	return true;
}

/* ---- Values ------------------------------------------------------------------------------- */

static const char *value_name(const void *arg, size_t i)
{
	return ((const struct wy_point *)arg)->values[i];
}

static bool read_enum(struct reading *r, struct word word, union feed_value *ret)
{
	char found[80] = "";

	for (size_t i = 0; i < r->point->n_values; i++)
		if (is_word(word, r->point->values[i])) {
			ret->whole = (int64_t)i;
			return true;
		}
	if (word.len < sizeof(found))
		memcpy(found, word.text, word.len);
	const char *near = wy_nearest(found, r->point->n_values, value_name, r->point);
	wy_diag_add(r->diags, WY_DIAG_ERROR, "E206", r->node, (size_t)(word.text - r->node->text),
		    "point '%s' has no value %s%s%s%s", r->point->name, found, near ? "; did you mean '" : "",
		    near ? near : "", near ? "'?" : "");
	r->has_failed = true;
	return false;
}

static bool read_flag(struct reading *r, struct word word, const char *yes, const char *no, union feed_value *ret)
{
	ret->whole = is_word(word, yes);
	if (ret->whole || is_word(word, no))
		return true;
	return expected(r, word, r->point ? "expected true or false" : "expected alive or silent");
}

static size_t number_len(struct word word)
{
	size_t n = 0;

	while (n < word.len && (strchr("+-.", word.text[n]) || (word.text[n] >= '0' && word.text[n] <= '9')))
		n++;
	return n;
}

/* A difference of temperatures is in dK, a temperature in degC; else any unit of the same kind. */
static bool is_fitting(const struct wy_unit *found, const struct wy_unit *wanted, bool is_difference)
{
	if (!wy_unit_is_alike(found, wanted))
		return false;
	return found->is_absolute == (wanted->is_absolute && !is_difference);
}

/* A number and, where the point has a unit, a unit; in the unit of the point. */
static bool read_number(struct reading *r, struct word word, bool is_difference, double *ret)
{
	const struct wy_unit *unit = r->point->unit, *found = NULL;
	size_t n = number_len(word), skip = word.len && word.text[0] == '+';
	struct word name = {word.text + n, word.len - n};

	if (n <= skip || wy_parse_real(word.text + skip, n - skip, ret))
		return expected(r, word, "expected a number");
	if (!name.len && unit)
		name = next(r);
	if (name.len)
		found = wy_unit_find(name.text, name.len);
	if (name.len && !found)
		return expected(r, name, "expected a unit");
	if (!unit && found)
		return fail(r, name, "E201", "this point is a bare number; found the unit", " '");
	if (unit && !found)
		return fail(r, word, "E201", "this point has a unit; it is missing", " behind '");
	if (unit && !is_fitting(found, unit, is_difference))
		return fail(r, name, "E201", "the unit does not fit the point", ": '");
	if (unit)
		*ret *= wy_unit_ratio(found, unit);
	return true;
}

static bool read_whole(struct reading *r, struct word word, bool is_relative, union feed_value *ret)
{
	double real;

	if (!read_number(r, word, is_relative, &real))
		return false;
	double most = is_relative ? WHOLE_MOST : 1e15;
	if (real > most || real < -most)
		return fail(r, word, "E106", "too large for one step", ": '");
	ret->whole = (int64_t)real;
	if ((double)ret->whole == real)
		return true;
	return fail(r, word, "E105", "this point has whole numbers", "; found '");
}

static bool read_value(struct reading *r, struct word word, bool is_relative, union feed_value *ret)
{
	if (!word.len)
		return expected(r, word, "expected a value");
	if (!r->point)
		return read_flag(r, word, "alive", "silent", ret);
	if (is_relative && (r->point->type == WY_TYPE_BOOL || r->point->type == WY_TYPE_ENUM))
		return fail(r, word, "E105", "only numbers have steps", "; found '");
	switch (r->point->type) {
	case WY_TYPE_BOOL:
		return read_flag(r, word, "true", "false", ret);
	case WY_TYPE_ENUM:
		return read_enum(r, word, ret);
	case WY_TYPE_REAL:
		return read_number(r, word, is_relative, &ret->real);
	case WY_TYPE_INT:
	case WY_TYPE_COUNTER:
		break;
	}
	return read_whole(r, word, is_relative, ret);
}

/* ---- Steps and groups ---------------------------------------------------------------------- */

static struct feed_step *last_step(struct reading *r)
{
	return r->n_steps > r->first ? &r->steps[r->n_steps - 1] : NULL;
}

/* The first n open steps become a group; times in it count from its first step. */
static bool close_group(struct reading *r, size_t n, wy_ms period_ms)
{
	struct feed_group *before = r->n_groups ? &r->groups[r->n_groups - 1] : NULL;
	struct feed_group *group = &r->groups[r->n_groups];

	if (!n)
		return true;
	if (r->n_groups == WY_FEED_GROUPS_MAX)
		return fail(r, (struct word){r->node->text, 0}, "E601", "too many repeats in one feed", "");
	*group = (struct feed_group){.start_ms = r->steps[r->first].at_ms, .steps = &r->steps[r->first], .n_steps = n};
	for (size_t i = r->first; i < r->first + n; i++) {
		r->steps[i].at_ms -= group->start_ms;
		group->is_absolute = group->is_absolute || !r->steps[i].is_relative;
	}
	r->feed->groups = r->groups;
	if (before)
		group->first = feed_value_at(r->feed, group->start_ms - 1);
	r->feed->n_groups = ++r->n_groups;
	r->first += n;
	if (!period_ms)
		return true;
	group->last = feed_value_at(r->feed, group->start_ms + period_ms - 1);
	group->gain = group->last;
	if (r->point && r->point->type == WY_TYPE_REAL)
		group->gain.real -= group->first.real;
	else
		group->gain.whole -= group->first.whole;
	group->period_ms = period_ms;
	return true;
}

/* Open steps that stand too long before the last one to be repeated with it. */
static size_t steps_before(const struct reading *r, wy_ms period_ms)
{
	wy_ms last_ms = r->steps[r->n_steps - 1].at_ms;
	size_t n = 0;

	while (last_ms - r->steps[r->first + n].at_ms > period_ms)
		n++;
	return n;
}

/* After a repeat with an end: what was reached stands. */
static bool hold_from(struct reading *r, wy_ms at_ms)
{
	if (r->n_groups == WY_FEED_GROUPS_MAX)
		return fail(r, (struct word){r->node->text, 0}, "E601", "too many repeats in one feed", "");
	union feed_value reached = feed_value_at(r->feed, at_ms - 1);
	r->groups[r->n_groups++] = (struct feed_group){.start_ms = at_ms, .first = reached};
	r->feed->n_groups = r->n_groups;
	return true;
}

static bool is_in_order(struct reading *r, struct word word, wy_ms at_ms)
{
	wy_ms before_ms = -1;

	if (last_step(r))
		before_ms = last_step(r)->at_ms;
	else if (r->n_groups)
		before_ms = r->groups[r->n_groups - 1].start_ms - (r->groups[r->n_groups - 1].n_steps == 0);
	if (at_ms > before_ms)
		return true;
	return fail(r, word, "E105", "not later than what stands before it", ": '");
}

static bool add_step(struct reading *r, struct word where, wy_ms at_ms)
{
	const struct feed_step *before = last_step(r);
	struct word word = next(r);

	if (r->n_steps == WY_FEED_STEPS_MAX)
		return fail(r, where, "E601", "too many steps in one feed", ": '");
	struct feed_step *step = &r->steps[r->n_steps];
	*step = (struct feed_step){.at_ms = at_ms, .is_relative = word.len && word.text[0] == '+'};
	if (step->is_relative && before && before->is_ramp)
		return fail(r, word, "E105", "a line '~>' leads to a value, not to a step", "; found '");
	if (!read_value(r, word, step->is_relative, &step->value))
		return false;
	if (step->is_relative && take_word(r, "every") && !read_span(r, &step->every_ms))
		return false;
	r->n_steps++;
	/* "@0s 0 +1 every 10s": the steps begin one period after the value. */
	if (!step->is_relative && peek(r).len && peek(r).text[0] == '+') {
		struct word plus = next(r);
		step = &r->steps[r->n_steps];
		*step = (struct feed_step){.at_ms = at_ms, .is_relative = true};
		if (r->n_steps == WY_FEED_STEPS_MAX || !read_value(r, plus, true, &step->value))
			return fail(r, plus, "E601", "too many steps in one feed", ": '");
		if (!take_word(r, "every"))
			return expected(r, peek(r), "expected 'every' and a length of time");
		if (!read_span(r, &step->every_ms))
			return false;
		step->at_ms += step->every_ms;
		r->n_steps++;
	}
	return true;
}

static bool read_at(struct reading *r)
{
	struct word word = next(r);
	struct word instant = {word.text + 1, word.len - 1};
	wy_ms at_ms;

	if (!read_instant(r, instant, &at_ms) || !is_in_order(r, word, at_ms))
		return false;
	return add_step(r, word, at_ms);
}

static bool read_ramp(struct reading *r)
{
	struct word word = next(r);
	struct feed_step *step = last_step(r);

	if (!step)
		return fail(r, word, "E105", "a line needs a value it begins with", ": '");
	if (!r->point || r->point->type == WY_TYPE_BOOL || r->point->type == WY_TYPE_ENUM)
		return fail(r, word, "E105", "only numbers can lie on a line", ": '");
	if (!peek(r).len || peek(r).text[0] != '@')
		return expected(r, peek(r), "expected '@' and the instant the line leads to");
	step->is_ramp = true;
	return true;
}

static bool read_repeat(struct reading *r)
{
	struct word word = next(r);
	struct feed_step *step = last_step(r);
	wy_ms period_ms, end_ms = WY_MS_NEVER;

	if (!step)
		return fail(r, word, "E105", "there is nothing to repeat before", " '");
	if (!read_span(r, &period_ms))
		return false;
	if (take_word(r, "until")) {
		struct word until = next(r);
		if (!read_instant(r, until, &end_ms))
			return false;
		if (end_ms <= step->at_ms)
			return fail(r, until, "E105", "not later than what stands before it", ": '");
	} else {
		note_instant(r, step->at_ms + period_ms);
	}
	return close_group(r, steps_before(r, period_ms), 0) && close_group(r, r->n_steps - r->first, period_ms) &&
	       (end_ms == WY_MS_NEVER || hold_from(r, end_ms));
}

/* ---- Spans and the rest -------------------------------------------------------------------- */

static bool read_stretch(struct reading *r, enum feed_span_kind kind)
{
	next(r);
	struct word word = next(r);
	size_t dots = 0;

	while (dots + 1 < word.len && (word.text[dots] != '.' || word.text[dots + 1] != '.'))
		dots++;
	if (dots + 1 >= word.len)
		return expected(r, word, "expected two instants such as 40s..70s");
	if (r->n_spans == WY_FEED_SPANS_MAX)
		return fail(r, word, "E601", "too many gaps in one feed", ": '");
	struct feed_span *span = &r->spans[r->n_spans++];
	*span = (struct feed_span){.kind = kind, .to_ms = WY_MS_NEVER};
	if (!read_instant(r, (struct word){word.text, dots}, &span->from_ms))
		return false;
	struct word to = {word.text + dots + 2, word.len - dots - 2};
	if (to.len && !read_instant(r, to, &span->to_ms))
		return false;
	if (span->to_ms <= span->from_ms)
		return fail(r, word, "E105", "ends before it begins", ": '");
	return true;
}

static bool read_gap(struct reading *r)
{
	return read_stretch(r, FEED_GAP);
}

static bool read_bad(struct reading *r)
{
	return read_stretch(r, FEED_BAD);
}

static bool read_doubt(struct reading *r)
{
	return read_stretch(r, FEED_DOUBT);
}

static bool read_noise(struct reading *r)
{
	struct word word = next(r);
	int64_t seed = 1;

	if (!r->point || r->point->type == WY_TYPE_BOOL || r->point->type == WY_TYPE_ENUM ||
	    r->point->type == WY_TYPE_COUNTER)
		return fail(r, word, "E105", "only measured numbers have noise", ": '");
	if (!read_number(r, next(r), true, &r->feed->noise))
		return false;
	if (r->feed->noise < 0)
		return fail(r, word, "E106", "noise has no sign", ": '");
	if (take_word(r, "seed")) {
		word = next(r);
		if (!word.len || wy_parse_int(word.text, word.len, &seed))
			return expected(r, word, "expected a whole number");
	}
	r->feed->seed = (uint64_t)seed;
	return true;
}

static bool read_poll(struct reading *r)
{
	next(r);
	struct word word = peek(r);

	if (!read_span(r, &r->feed->poll_ms))
		return false;
	r->feed->has_poll = true;
	if (r->point && r->feed->poll_ms >= r->point->stale_ms)
		return fail(r, word, "E402", "the point would be stale before its next poll", ": '");
	return true;
}

static const struct {
	const char *word;
	bool (*read)(struct reading *r);
} clauses[] = {
	{"~>", read_ramp},	{"gap", read_gap},     {"bad", read_bad},   {"doubt", read_doubt},
	{"noise", read_noise},	{"repeat", read_repeat}, {"poll", read_poll},
};

enum { CLAUSES = sizeof(clauses) / sizeof(*clauses) };

static bool read_clause(struct reading *r)
{
	struct word word = peek(r);

	if (word.text[0] == '@')
		return read_at(r);
	for (size_t i = 0; i < CLAUSES; i++)
		if (is_word(word, clauses[i].word))
			return clauses[i].read(r);
	if (r->n_steps || r->n_groups || r->n_spans)
		return expected(r, word, "expected '@', '~>', gap, bad, doubt, noise, repeat or poll");
	return add_step(r, word, 0);
}

bool feed_read(const struct wy_node *node, const struct wy_point *point, const struct moment_base *base,
	       struct wy_arena *arena, struct wy_diags *diags, struct feed *ret_feed)
{
	struct reading r = {.node = node, .point = point, .base = base, .diags = diags, .feed = ret_feed};

	*ret_feed = (struct feed){.point = point, .poll_ms = point ? point->poll_ms : 1000};
	if (node->kind != WY_NODE_SCALAR) {
		wy_diag_add(diags, WY_DIAG_ERROR, "E105", node, 0, "expected a text such as \"@0s true @10s false\", found %s",
			    wy_node_kind_text(node));
		return false;
	}
	/* A word is at most one step or span, or two where a value has steps behind it. */
	size_t n_steps = node->len / 2 + 4 < WY_FEED_STEPS_MAX ? node->len / 2 + 4 : WY_FEED_STEPS_MAX;
	r.steps = wy_arena_array(arena, n_steps + 1, sizeof(*r.steps));
	r.groups = wy_arena_array(arena, node->len / 8 + 3, sizeof(*r.groups));
	r.spans = wy_arena_array(arena, node->len / 4 + 1, sizeof(*r.spans));
	if (!r.steps || !r.groups || !r.spans) {
		wy_diag_add(diags, WY_DIAG_ERROR, "E601", node, 0, "the test needs more memory than a load may use");
		return false;
	}
	while (!r.has_failed && peek(&r).len)
		if (!read_clause(&r))
			return false;
	if (!close_group(&r, r.n_steps - r.first, 0))
		return false;
	ret_feed->groups = r.groups;
	ret_feed->n_groups = r.n_groups;
	ret_feed->spans = r.spans;
	ret_feed->n_spans = r.n_spans;
	return true;
}
