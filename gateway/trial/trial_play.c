/* trial_play.c: a test played through an engine. See trial_run.h.
 *
 * All samples of an instant make one turn, by asset and point, then the commands of that instant, then its timers:
 * the order of the language. In between the engine gets a turn when it asks for one, as from the gateway's loop. A
 * restart comes when the turn of its instant is over. */
#include "trial_run.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "noise.h"
#include "trial_cover.h"
#include "trial_saved.h"

/* The engine's clock at the start of a test: beyond the longest window, so that no instant is below zero. */
#define BASE_MS WY_RULE_SPAN_MAX_MS

enum { PROBLEMS_MAX = 20 };

struct play {
	const struct trial_test *test;
	const struct trial_mode *mode;
	struct trial_found *found;
	struct rule_engine *engine;
	void *memory; /* of the engine; the same for every life of it */
	wy_ms now_ms;
	uint64_t *poll;   /* [n_feeds] number of the next poll */
	wy_ms *poll_ms;   /* [n_feeds] its instant */
	size_t *due;      /* [n_feeds] feeds polled at this instant */
	size_t *self;     /* [n_assets] feed of the asset itself, or SIZE_MAX */
	size_t next_command, next_restart, next_state;
	bool is_lasting; /* a crash is to come: what is durable is kept */
	struct trial_saved durable, whole;
	uint64_t n_shuffles;
	enum wy_err err;
};

/* ---- Findings ------------------------------------------------------------------------------ */

void trial_problem_add(struct trial_found *found, const struct wy_node *node, const char *fmt, ...)
{
	char text[400];
	struct wy_buf buf;
	va_list args;
	struct trial_problem *larger;

	if (found->n_problems == PROBLEMS_MAX)
		return;
	wy_buf_init(&buf, text, sizeof(text));
	va_start(args, fmt);
	wy_buf_vaddf(&buf, fmt, args);
	va_end(args);
	larger = realloc(found->problems, (found->n_problems + 1) * sizeof(*larger));
	if (!larger)
		return;
	found->problems = larger;
	found->problems[found->n_problems++] = (struct trial_problem){node, strdup(text)};
}

void trial_found_release(struct trial_found *found)
{
	for (size_t i = 0; i < found->n_problems; i++)
		free(found->problems[i].text);
	free(found->problems);
	free(found->events);
	*found = (struct trial_found){0};
}

static uint32_t rule_of(const struct play *p, uint32_t instance)
{
	return instance == RULE_NO_INSTANCE ? TRIAL_ANY : rule_instance_at(p->test->set, instance)->rule;
}

static uint32_t asset_of(const struct play *p, uint32_t instance)
{
	return instance == RULE_NO_INSTANCE ? TRIAL_ANY : rule_asset_of(p->engine, instance);
}

static void note_event(struct play *p, const struct rule_event *event)
{
	struct trial_found *found = p->found;
	bool has_until = event->kind == RULE_SHELVED || event->kind == RULE_SHELF_ENDING;

	found->is_cut = found->is_cut || found->n == WY_TRIAL_EVENTS_MAX;
	if (found->is_cut)
		return;
	if (found->n == found->room) {
		size_t room = found->room ? found->room * 2 : 64;
		struct trial_event *larger = realloc(found->events, room * sizeof(*larger));
		if (!larger) {
			p->err = WY_E_NOMEM;
			return;
		}
		found->events = larger;
		found->room = room;
	}
	found->events[found->n++] = (struct trial_event){
		.at_ms = event->at_ms - BASE_MS, .to_ms = event->at_ms - BASE_MS, .kind = event->kind,
		.rule = rule_of(p, event->instance), .asset = asset_of(p, event->instance), .tier = event->tier,
		.is_uncertain = event->is_uncertain, .is_maintenance = event->is_maintenance, .onset_ms = event->onset_ms - BASE_MS,
		.instance = event->instance, .other_rule = rule_of(p, event->other),
		.other_asset = asset_of(p, event->other),
		.step = event->kind == RULE_ESCALATED ? (int64_t)event->step : -1, .to = event->to,
		.until_ms = has_until ? event->until_ms - BASE_MS : WY_MS_NONE,
		.found_key = rule_key_of(p->engine, event->instance)};
}

/* ---- Engine -------------------------------------------------------------------------------- */

static struct wy_now now_of(const struct play *p, wy_ms ms)
{
	return (struct wy_now){BASE_MS + ms, p->test->base.start_ms + ms, WY_CLOCK_SYNCED};
}

static void new_engine(struct play *p, wy_ms ms)
{
	struct wy_arena arena;

	wy_arena_init(&arena, p->memory, WY_LOAD_ARENA_BYTES);
	if (!p->err)
		p->err = rule_engine_new(p->test->set, &arena, now_of(p, ms), &p->engine);
}

static void live_on(struct play *p, const struct trial_saved *saved, wy_ms down_ms, wy_ms up_ms)
{
	new_engine(p, up_ms);
	if (p->err)
		return;
	const char *refused = trial_saved_give(saved, p->engine);
	if (refused) {
		trial_problem_add(p->found, NULL, "after a restart at %lldms the state '%s' was not taken back",
				  (long long)up_ms, refused);
		p->err = WY_E_CORRUPT;
		return;
	}
	rule_resume(p->engine, BASE_MS + down_ms, now_of(p, up_ms));
}

static void finish_turn(struct play *p)
{
	const struct rule_event *events;
	size_t n = rule_turn_end(p->engine, &events);

	p->found->n_turns++;
	for (size_t i = 0; i < n; i++)
		note_event(p, &events[i]);
	if (p->mode->cover)
		trial_cover_note(p->mode->cover, p->engine);
	if (p->is_lasting && !p->err) {
		p->err = trial_saved_take(&p->durable, p->engine, false);
		rule_saved(p->engine);
	}
}

static void empty_turn(struct play *p)
{
	rule_turn_begin(p->engine, now_of(p, p->now_ms));
	finish_turn(p);
}

/* A restart without a gap. A resumed engine asks for a turn at once, and has nothing to tell in it. */
static void blink(struct play *p)
{
	trial_saved_clear(&p->whole);
	if (!p->err)
		p->err = trial_saved_take(&p->whole, p->engine, true);
	live_on(p, &p->whole, p->now_ms, p->now_ms);
	if (!p->err)
		empty_turn(p);
}

static void end_turn(struct play *p)
{
	finish_turn(p);
	if (p->mode->restarts && !p->err)
		blink(p);
}

static void catch_up(struct play *p, wy_ms until_ms)
{
	while (!p->err && !p->found->is_cut && rule_next_due(p->engine) < BASE_MS + until_ms) {
		wy_ms due_ms = rule_next_due(p->engine) - BASE_MS;
		p->now_ms = due_ms > p->now_ms ? due_ms : p->now_ms;
		rule_turn_begin(p->engine, now_of(p, p->now_ms));
		end_turn(p);
	}
}

static void go_down(struct play *p, const struct trial_restart *restart)
{
	wy_ms up_ms = p->now_ms + restart->down_ms;
	struct trial_saved *saved = restart->is_crash ? &p->durable : &p->whole;

	if (!restart->is_crash) {
		trial_saved_clear(saved);
		p->err = trial_saved_take(saved, p->engine, true);
	}
	if (!p->err)
		live_on(p, saved, p->now_ms, up_ms);
	p->now_ms = up_ms;
	if (!p->err)
		empty_turn(p);
}

/* ---- Polls --------------------------------------------------------------------------------- */

/* Points that one device answers together stay together: the jitter is that of its exchange. */
static wy_ms poll_instant(const struct play *p, const struct trial_feed *feed, uint64_t k)
{
	const struct wy_asset *asset = &p->test->world->assets[feed->asset];
	wy_ms poll_ms = feed->feed.poll_ms;
	uint64_t exchange = (asset->n_devices ? asset->devices[0] : 0) * UINT64_C(1000003) + (uint64_t)poll_ms;
	double late = p->mode->jitter * (double)poll_ms * noise_share(p->mode->seed + exchange, k);

	return (wy_ms)k * poll_ms + (p->mode->jitter > 0 ? (wy_ms)late : 0);
}

static void plan_polls(struct play *p)
{
	for (size_t i = 0; i < p->test->world->n_assets; i++)
		p->self[i] = SIZE_MAX;
	for (size_t i = 0; i < p->test->n_feeds; i++) {
		const struct trial_feed *feed = &p->test->feeds[i];
		if (feed->point == TRIAL_ANY)
			p->self[feed->asset] = i;
		p->poll_ms[i] = poll_instant(p, feed, 0);
	}
}

static wy_ms next_poll(const struct play *p)
{
	wy_ms next_ms = WY_MS_NEVER;

	for (size_t i = 0; i < p->test->n_feeds; i++)
		next_ms = p->poll_ms[i] < next_ms ? p->poll_ms[i] : next_ms;
	return next_ms;
}

static void shuffle(struct play *p, size_t n)
{
	for (size_t i = n; i > 1; i--) {
		size_t j = noise_bits(p->mode->seed, p->n_shuffles++) % i;
		size_t other = p->due[i - 1];
		p->due[i - 1] = p->due[j];
		p->due[j] = other;
	}
}

static void put(struct play *p, const struct trial_feed *feed, uint64_t k)
{
	const struct wy_asset *asset = &p->test->world->assets[feed->asset];
	size_t self = p->self[feed->asset];
	const struct feed *of_asset = self == SIZE_MAX ? NULL : &p->test->feeds[self].feed;
	struct wy_sample sample;

	if (of_asset && (feed_is_in(of_asset, FEED_GAP, p->now_ms) ||
			 (of_asset->n_groups && !feed_value_at(of_asset, p->now_ms).whole)))
		return;
	if (!feed_sample(&feed->feed, p->now_ms, k, &sample))
		return;
	for (size_t i = 0; i < asset->n_devices; i++)
		rule_heard(p->engine, asset->devices[i], BASE_MS + p->now_ms);
	if (feed->point == TRIAL_ANY)
		return;
	sample.at_ms = BASE_MS + p->now_ms;
	sample.point = feed->point;
	if (of_asset && feed_is_in(of_asset, FEED_BAD, p->now_ms)) {
		sample.quality = WY_Q_BAD;
		sample.why = WY_WHY_EXCEPTION;
	}
	rule_put(p->engine, feed->asset, feed->point, &sample);
}

/* Polls up to now: those of this instant are made, those of a time the gateway was away are not. */
static void poll(struct play *p)
{
	size_t n = 0;

	for (size_t i = 0; i < p->test->n_feeds; i++) {
		while (p->poll_ms[i] < p->now_ms)
			p->poll_ms[i] = poll_instant(p, &p->test->feeds[i], ++p->poll[i]);
		if (p->poll_ms[i] == p->now_ms)
			p->due[n++] = i;
	}
	if (p->mode->permutes)
		shuffle(p, n);
	for (size_t i = 0; i < n; i++) {
		size_t f = p->due[i];
		put(p, &p->test->feeds[f], p->poll[f]);
		p->poll_ms[f] = poll_instant(p, &p->test->feeds[f], ++p->poll[f]);
	}
}

/* ---- Commands and looks -------------------------------------------------------------------- */

/* Without a key the first one of a rule with `by`. */
static bool has_key(const struct play *p, uint32_t instance, const char *wanted)
{
	struct rule_key key = rule_key_of(p->engine, instance);
	char text[80];
	struct wy_buf buf;

	wy_buf_init(&buf, text, sizeof(text));
	trial_print_key(&key, &buf);
	return !wanted || strcmp(text, wanted) == 0;
}

static uint32_t find_instance(const struct play *p, uint32_t rule, uint32_t asset, const char *key)
{
	size_t n = rule_instance_count(p->test->set);

	for (uint32_t i = 0; i < n; i++)
		if (rule_of(p, i) == rule && asset_of(p, i) == asset && has_key(p, i, key))
			return i;
	return RULE_NO_INSTANCE;
}

static const char *rule_id(const struct play *p, uint32_t rule)
{
	return rule_info_at(p->test->set, rule)->id;
}

static const char *asset_id(const struct play *p, uint32_t asset)
{
	return p->test->world->assets[asset].id;
}

static void mark(struct play *p, const struct trial_command *command)
{
	enum wy_err err = rule_mark(p->engine, command->asset, command->key);

	if (!err == command->is_refused)
		trial_problem_add(p->found, command->node, "mark '%s' of %s was %s", command->key,
				  asset_id(p, command->asset), err ? "refused" : "taken, though 'refused: true'");
}

static void give(struct play *p, const struct trial_command *command)
{
	uint32_t instance = find_instance(p, command->rule, command->asset, command->key);
	const char *verb = trial_verbs[command->verb].name;
	struct rule_order order = {.command = trial_verbs[command->verb].command,
				   .until_ms = BASE_MS + command->until_ms, .is_one_shot = command->is_one_shot};

	if (instance == RULE_NO_INSTANCE) {
		trial_problem_add(p->found, command->node, "%s: rule %s does not watch asset %s", verb,
				  rule_id(p, command->rule), asset_id(p, command->asset));
		return;
	}
	enum wy_err err = rule_command(p->engine, instance, &order);
	if (!err == command->is_refused)
		trial_problem_add(p->found, command->node, "%s of %s %s was %s", verb, rule_id(p, command->rule),
				  asset_id(p, command->asset), err ? "refused" : "taken, though 'refused: true'");
}

static void commands(struct play *p)
{
	for (; p->next_command < p->test->n_commands; p->next_command++) {
		const struct trial_command *command = &p->test->commands[p->next_command];
		if (command->at_ms > p->now_ms)
			return;
		if (trial_verbs[command->verb].is_mark)
			mark(p, command);
		else
			give(p, command);
	}
}

static void look_at_summary(struct play *p, const struct trial_state *state, uint32_t instance, const char *lang,
			    const char *wanted)
{
	char text[1024];
	struct wy_buf buf;

	if (!wanted)
		return;
	wy_buf_init(&buf, text, sizeof(text));
	rule_summary(p->engine, instance, lang, &buf);
	if (!strstr(text, wanted))
		trial_problem_add(p->found, state->node, "the summary (%s) of %s %s is \"%s\"; expected in it \"%s\"",
				  lang, rule_id(p, state->rule), asset_id(p, state->asset), text, wanted);
}

static void look_at(struct play *p, const struct trial_state *state)
{
	uint32_t instance = find_instance(p, state->rule, state->asset, state->key);

	if (instance == RULE_NO_INSTANCE) {
		trial_problem_add(p->found, state->node, "rule %s does not watch asset %s", rule_id(p, state->rule),
				  asset_id(p, state->asset));
		return;
	}
	enum rule_state is = rule_state_of(p->engine, instance);
	if (state->is >= 0 && is != (enum rule_state)state->is)
		trial_problem_add(p->found, state->node, "%s %s is %s; expected %s", rule_id(p, state->rule),
				  asset_id(p, state->asset), rule_state_text(is),
				  rule_state_text((enum rule_state)state->is));
	look_at_summary(p, state, instance, "zh", state->zh);
	look_at_summary(p, state, instance, "en", state->en);
}

static void states(struct play *p)
{
	for (; p->next_state < p->test->n_states; p->next_state++) {
		if (p->test->states[p->next_state].at_ms > p->now_ms)
			return;
		look_at(p, &p->test->states[p->next_state]);
	}
}

/* ---- What an instance sees ----------------------------------------------------------------- */

static void say_number(double value, const struct wy_unit *unit, struct wy_buf *buf)
{
	wy_buf_real(buf, value, 3);
	if (unit)
		wy_buf_addf(buf, " %s", unit->name);
}

static void say_clause(const struct rule_clause *clause, struct wy_buf *buf)
{
	static const char *const truths[] = {"false", "true", "unknown"};

	wy_buf_addf(buf, "    %s  %.*s", truths[clause->truth], (int)clause->text_len, clause->text);
	if (clause->has_value || clause->word || clause->why)
		wy_buf_add(buf, "   (");
	if (clause->has_value)
		say_number(clause->value, clause->unit, buf);
	if (clause->has_value && clause->has_limit) {
		wy_buf_add(buf, " against ");
		say_number(clause->limit, clause->unit, buf);
	}
	if (!clause->has_value && clause->word)
		wy_buf_add(buf, clause->word);
	if (clause->why)
		wy_buf_addf(buf, "%s%s", clause->has_value || clause->word ? ", " : "", clause->why);
	wy_buf_add(buf, clause->has_value || clause->word || clause->why ? ")\n" : "\n");
}

static void say_side(struct play *p, uint32_t instance, unsigned level, bool is_clear)
{
	struct rule_clause clauses[WY_RULE_CLAUSES_MAX];
	size_t n = rule_clauses(p->engine, instance, level, is_clear, clauses, WY_RULE_CLAUSES_MAX);

	if (n)
		wy_buf_addf(p->mode->look, "   %s:\n", is_clear ? "clear" : "when");
	for (size_t i = 0; i < n; i++)
		say_clause(&clauses[i], p->mode->look);
}

static void say_instance(struct play *p)
{
	uint32_t instance = find_instance(p, p->mode->look_rule, p->mode->look_asset, NULL);
	const struct rule_info *info = rule_info_at(p->test->set, p->mode->look_rule);

	if (instance == RULE_NO_INSTANCE)
		return;
	wy_buf_addf(p->mode->look, "  %s %s at ", info->id, asset_id(p, p->mode->look_asset));
	moment_print(p->mode->look, p->now_ms);
	wy_buf_addf(p->mode->look, " is %s\n", rule_state_text(rule_state_of(p->engine, instance)));
	for (unsigned level = 0; level < info->n_levels; level++) {
		if (info->n_levels > 1)
			wy_buf_addf(p->mode->look, "   level S%u\n", info->levels[level].tier);
		say_side(p, instance, level, false);
		say_side(p, instance, level, true);
	}
}

/* ---- The play ------------------------------------------------------------------------------ */

static wy_ms least(wy_ms a, wy_ms b)
{
	return a < b ? a : b;
}

static wy_ms next_instant(const struct play *p)
{
	const struct trial_test *test = p->test;
	wy_ms next_ms = least(next_poll(p), test->until_ms);

	if (p->next_command < test->n_commands)
		next_ms = least(next_ms, test->commands[p->next_command].at_ms);
	if (p->next_restart < test->n_restarts)
		next_ms = least(next_ms, test->restarts[p->next_restart].at_ms);
	if (p->next_state < test->n_states)
		next_ms = least(next_ms, test->states[p->next_state].at_ms);
	if (p->mode->look && p->now_ms < p->mode->look_ms)
		next_ms = least(next_ms, p->mode->look_ms);
	return next_ms > p->now_ms ? next_ms : p->now_ms;
}

static bool is_over(const struct play *p)
{
	if (p->err || p->found->is_cut)
		return true;
	return p->now_ms >= p->test->until_ms || (p->mode->look && p->now_ms >= p->mode->look_ms);
}

static void step(struct play *p)
{
	wy_ms at_ms = next_instant(p);

	catch_up(p, at_ms);
	if (p->err || p->found->is_cut)
		return;
	p->now_ms = at_ms;
	rule_turn_begin(p->engine, now_of(p, at_ms));
	poll(p);
	commands(p);
	end_turn(p);
	if (!p->err)
		states(p);
	if (p->err || p->next_restart == p->test->n_restarts ||
	    p->test->restarts[p->next_restart].at_ms > p->now_ms)
		return;
	go_down(p, &p->test->restarts[p->next_restart++]);
}

static bool begin(struct play *p)
{
	size_t n_feeds = p->test->n_feeds + 1, n_assets = p->test->world->n_assets + 1;

	p->memory = malloc(WY_LOAD_ARENA_BYTES);
	p->poll = calloc(n_feeds, sizeof(*p->poll));
	p->poll_ms = calloc(n_feeds, sizeof(*p->poll_ms));
	p->due = calloc(n_feeds, sizeof(*p->due));
	p->self = calloc(n_assets, sizeof(*p->self));
	if (!p->memory || !p->poll || !p->poll_ms || !p->due || !p->self) {
		p->err = WY_E_NOMEM;
		return false;
	}
	for (size_t i = 0; i < p->test->n_restarts; i++)
		p->is_lasting = p->is_lasting || p->test->restarts[i].is_crash;
	plan_polls(p);
	if (p->mode->cover)
		p->err = trial_cover_begin(p->mode->cover, p->test);
	new_engine(p, 0);
	return !p->err;
}

static void end(struct play *p)
{
	trial_saved_release(&p->durable);
	trial_saved_release(&p->whole);
	free(p->memory);
	free(p->poll);
	free(p->poll_ms);
	free(p->due);
	free(p->self);
}

enum wy_err trial_run(const struct trial_test *test, const struct trial_mode *mode, struct trial_found *ret_found)
{
	struct play p = {.test = test, .mode = mode, .found = ret_found};

	*ret_found = (struct trial_found){0};
	if (begin(&p)) {
		do
			step(&p);
		while (!is_over(&p));
	}
	if (!p.err && mode->look)
		say_instance(&p);
	end(&p);
	if (!p.err)
		trial_check_order(test, ret_found);
	return p.err;
}
