/* replay_sweep.c: the same data again and again, with another value of one parameter each time. */
#include <stdlib.h>
#include <string.h>

#include "replay_tasks.h"

enum { SETTINGS_MAX = 200 };

struct sweep {
	char package[65], name[65], unit[33];
	int64_t first, last, step; /* in units of the last decimal */
	unsigned decimals;
};

static bool wrong(const char *text)
{
	fprintf(stderr, "weiyu replay: --sweep '%s': expected package.param=FIRST..LAST step STEP, such as "
		"'lift.motor_limit=70..95 step 5'; at most %d values\n", text, SETTINGS_MAX);
	return false;
}

/* ---- Reading ----------------------------------------------------------------------------------- */

struct number {
	int64_t digits;
	unsigned decimals;
	const char *unit;
	size_t unit_len;
};

/* A decimal, then its unit up to `end`. */
static bool read_number(const char *text, const char *end, struct number *n)
{
	bool is_negative = text < end && *text == '-', has_digit = false, has_point = false;

	memset(n, 0, sizeof(*n));
	for (text += is_negative; text < end; text++) {
		if (*text == '.' && !has_point && text + 1 < end && text[1] >= '0' && text[1] <= '9') {
			has_point = true;
			continue;
		}
		if (*text < '0' || *text > '9' || n->digits > INT64_C(100000000000))
			break;
		has_digit = true;
		n->digits = n->digits * 10 + (*text - '0');
		n->decimals += has_point;
	}
	if (is_negative)
		n->digits = -n->digits;
	while (text < end && *text == ' ')
		text++;
	while (end > text && end[-1] == ' ')
		end--;
	n->unit = text;
	n->unit_len = (size_t)(end - text);
	return has_digit && n->decimals <= 6 && n->unit_len < 33;
}

static int64_t scaled(const struct number *n, unsigned decimals)
{
	int64_t value = n->digits;

	for (unsigned i = n->decimals; i < decimals; i++)
		value *= 10;
	return value;
}

static bool copy_name(const char *from, const char *end, char *out, size_t size)
{
	size_t len = (size_t)(end - from);

	if (!len || len >= size)
		return false;
	memcpy(out, from, len);
	out[len] = '\0';
	return true;
}

static bool read_sweep(const char *text, struct sweep *s)
{
	const char *equals = strchr(text, '='), *dots = equals ? strstr(equals, "..") : NULL;
	const char *step = dots ? strstr(dots, "step ") : NULL, *dot = equals;
	struct number first, last, by;

	if (!step)
		return wrong(text);
	while (dot > text && dot[-1] != '.')
		dot--;
	if (dot == text || !copy_name(text, dot - 1, s->package, sizeof(s->package)) ||
	    !copy_name(dot, equals, s->name, sizeof(s->name)) || !read_number(equals + 1, dots, &first) ||
	    !read_number(dots + 2, step, &last) || !read_number(step + 5, text + strlen(text), &by))
		return wrong(text);
	s->decimals = first.decimals > last.decimals ? first.decimals : last.decimals;
	s->decimals = by.decimals > s->decimals ? by.decimals : s->decimals;
	s->first = scaled(&first, s->decimals);
	s->last = scaled(&last, s->decimals);
	s->step = scaled(&by, s->decimals);
	const struct number *with = first.unit_len ? &first : last.unit_len ? &last : &by;
	memcpy(s->unit, with->unit, with->unit_len);
	s->unit[with->unit_len] = '\0';
	if (s->step <= 0 || s->last < s->first || (s->last - s->first) / s->step >= SETTINGS_MAX)
		return wrong(text);
	return true;
}

/* Where none is given, the unit of the parameter's own default. */
static void find_unit(struct sweep *s, const struct config *config)
{
	for (size_t i = 0; i < config->n_rule_files && !s->unit[0]; i++) {
		const struct wy_node *root = config->rule_files[i], *package = wy_node_get(root, "package");
		const struct wy_node *param = wy_node_get(wy_node_get(root, "params"), s->name);
		const struct wy_node *value = param ? wy_node_get(param, "default") : NULL;
		struct number number;
		if (package && wy_node_is(package, s->package) && value &&
		    read_number(value->text, value->text + value->len, &number)) {
			memcpy(s->unit, number.unit, number.unit_len);
			s->unit[number.unit_len] = '\0';
		}
	}
}

static void print_value(const struct sweep *s, int64_t value, struct wy_buf *buf)
{
	int64_t scale = 1;
	int64_t size = value < 0 ? -value : value;

	for (unsigned i = 0; i < s->decimals; i++)
		scale *= 10;
	wy_buf_addf(buf, "%s%lld", value < 0 ? "-" : "", (long long)(size / scale));
	if (s->decimals)
		wy_buf_add(buf, ".");
	for (int64_t part = scale / 10; part; part /= 10)
		wy_buf_addf(buf, "%d", (int)(size / part % 10));
	wy_buf_addf(buf, "%s%s", s->unit[0] >= 'a' && s->unit[0] <= 'z' ? "" : " ", s->unit);
}

/* ---- Playing ----------------------------------------------------------------------------------- */

static void add_row(struct table *table, const char *value, const struct replay_session *session)
{
	const struct outcome *outcome = &session->outcome;
	double days = (double)(outcome->last_ms - outcome->first_ms) / 86400000;
	struct outcome_flood flood = outcome_flood_of(outcome);
	struct outcome_stats stats;
	char text[8][32];
	const char *cells[9] = {value};

	outcome_of_all(outcome, &stats);
	snprintf(text[0], sizeof(text[0]), "%u", stats.tickets);
	snprintf(text[1], sizeof(text[1]), "%.2f", days > 0 ? stats.tickets / days : 0);
	snprintf(text[7], sizeof(text[7]), "%u", flood.most);
	snprintf(text[6], sizeof(text[6]), "%u", stats.again);
	for (uint8_t tier = 1; tier <= 4; tier++) {
		outcome_of_tier(outcome, tier, &stats);
		snprintf(text[1 + tier], sizeof(text[0]), "%u", stats.tickets);
	}
	for (unsigned i = 0; i < 8; i++)
		cells[1 + i] = text[i];
	table_row(table, cells);
}

static bool play_one(const struct replay_options *options, struct replay_data *data, struct sweep *sweep, int64_t value,
		     struct table *table)
{
	struct replay_world world;
	struct replay_session session = {.options = options, .world = &world, .data = data};
	char params[400], text[80];
	struct wy_buf buf;

	wy_buf_init(&buf, text, sizeof(text));
	print_value(sweep, value, &buf);
	wy_buf_init(&buf, params, sizeof(params));
	wy_buf_addf(&buf, "- {package: %s, name: %s, value: \"%s\"}\n", sweep->package, sweep->name, text);
	session.what = text;
	if (!replay_world_open(&world, options, NULL, params, !data->is_recording))
		return false;
	bool is_fine = replay_session_run(&session);
	if (is_fine) {
		add_row(table, text, &session);
		replay_session_release(&session);
	}
	replay_world_close(&world);
	return is_fine;
}

int replay_sweep(const struct replay_options *options, struct replay_data *data)
{
	static const char *const head[] = {NULL, "TICKETS", "PER DAY", "S1", "S2", "S3", "S4", "AGAIN", "WORST 10 MIN"};
	struct sweep sweep;
	struct replay_world world;
	const char *cells[9];

	if (!read_sweep(options->sweep, &sweep))
		return CLI_USAGE;
	if (!replay_world_open(&world, options, NULL, NULL, !data->is_recording))
		return CLI_FOUND;
	find_unit(&sweep, world.config);
	replay_world_close(&world);
	struct table *table = table_new(9);
	memcpy(cells, head, sizeof(cells));
	cells[0] = sweep.name;
	bool is_fine = table != NULL;
	if (table)
		table_row(table, cells);
	for (int64_t value = sweep.first; is_fine && value <= sweep.last; value += sweep.step)
		is_fine = play_one(options, data, &sweep, value, table);
	if (is_fine)
		table_print(table);
	table_free(table);
	return is_fine ? CLI_FINE : CLI_FOUND;
}
