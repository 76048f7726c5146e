/* same.c: same [--restart] [SEED]: random programs, and all that the engine makes of them: every value as its bits, every
 * event. Built by several compilers at several levels, and with a restart after every turn, the bytes must be the same. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "program.h"
#include "rule_engine.h"
#include "yaml_tree.h"

enum { ARENA_BYTES = 8 << 20, START_MS = 1000000, TURNS = 120, PROGRAMS = 60, CELLS_MAX = 256 };

struct same {
	void *set_memory, *engine_memory[2];
	struct wy_arena set_arena, arena;
	struct rule_set *set;
	struct rule_engine *engine;
	unsigned which; /* of engine_memory */
	wy_ms now_ms;
};

static void *must(void *memory)
{
	if (!memory)
		abort();
	return memory;
}

static struct wy_now at(wy_ms mono_ms)
{
	return (struct wy_now){.mono_ms = mono_ms, .wall_ms = mono_ms};
}

static bool compile(struct same *s, uint32_t seed, struct wy_diags *diags)
{
	static char text[1 << 14];
	const struct wy_node *root;
	struct wy_buf buf;

	wy_buf_init(&buf, text, sizeof(text));
	if (seed % 2)
		program_write(seed, &buf);
	else
		program_write_learning(seed / 2, &buf);
	wy_arena_init(&s->set_arena, s->set_memory, ARENA_BYTES);
	wy_diags_init(diags, &s->set_arena);
	if (yaml_load_text("program", text, buf.len, &s->set_arena, diags, &root) ||
	    rule_compile(program_world(), &root, 1, &s->set_arena, diags, &s->set))
		return seed % 2 ? false : (fprintf(stderr, "%s\n%s\n", text, diags->item[0].text), abort(), false);
	printf("program %u\n", seed);
	return true;
}

static void begin(struct same *s)
{
	s->which ^= 1;
	wy_arena_init(&s->arena, s->engine_memory[s->which], ARENA_BYTES);
	if (rule_engine_new(s->set, &s->arena, at(s->now_ms), &s->engine))
		abort();
}

/* All that can be saved goes into a new engine. */
static void restart(struct same *s)
{
	struct rule_engine *old = s->engine;
	struct rule_cell cell;
	size_t place = 0;

	begin(s);
	while (rule_next_dirty(old, true, &place, &cell))
		if (rule_restore(s->engine, cell.key, cell.bytes, cell.len))
			abort();
	rule_resume(s->engine, s->now_ms, at(s->now_ms));
}

static uint64_t bits(double value)
{
	uint64_t out;

	value = value == 0 ? 0 : value; /* zero has two signs */
	memcpy(&out, &value, sizeof(out));
	return out;
}

static void print_node(const struct same *s, const struct rx_expr *e)
{
	struct rx_eval ev = rx_engine_eval(s->engine, 0, s->engine->clock_ms);

	for (const struct rx_expr *c = e->child; c; c = c->next)
		print_node(s, c);
	if (e->type == RX_T_EVENT || e->type == RX_T_NAME)
		return;
	struct rx_value v = rx_as_real(rx_eval(&ev, e));
	if (e->type == RX_T_BOOL)
		printf(" %u", v.truth);
	else
		printf(" %llx:%llx", (unsigned long long)bits(v.rlo), (unsigned long long)bits(v.rhi));
}

static void print_turn(const struct same *s, const struct rule_event *events, size_t n)
{
	printf("%lld", (long long)(s->now_ms - START_MS));
	for (size_t i = 0; i < s->set->n_rules; i++)
		print_node(s, s->set->rules[i].variants[0].levels[0].when.root);
	printf("\n");
	for (size_t i = 0; i < n; i++)
		printf("%s %u %lld %lld\n", rule_event_text(events[i].kind), events[i].instance,
		       (long long)(events[i].at_ms - START_MS), (long long)(events[i].onset_ms - START_MS));
}

static void play(struct same *s, uint32_t seed, bool restarts)
{
	struct program_play inputs = program_play(seed);
	const struct rule_event *events;

	s->now_ms = START_MS;
	begin(s);
	for (unsigned turn = 0; turn < TURNS; turn++) {
		struct program_turn now;
		program_turn(&inputs, &now);
		s->now_ms += now.wait_ms;
		rule_turn_begin(s->engine, at(s->now_ms));
		for (size_t i = 0; i < now.n; i++) {
			struct wy_sample sample = program_sample(&now.input[i], s->now_ms);
			rule_put(s->engine, 0, now.input[i].point, &sample);
		}
		if (now.is_heard)
			rule_heard(s->engine, 0, s->now_ms);
		size_t n = rule_turn_end(s->engine, &events);
		print_turn(s, events, n);
		if (restarts)
			restart(s);
	}
}

int main(int argc, char **argv)
{
	struct same s = {.set_memory = must(malloc(ARENA_BYTES)), .engine_memory = {must(malloc(ARENA_BYTES)), must(malloc(ARENA_BYTES))}};
	struct wy_diags *diags = must(malloc(sizeof(*diags)));
	bool restarts = argc > 1 && strcmp(argv[1], "--restart") == 0;
	uint32_t only = argc > 1 + restarts ? (uint32_t)strtoul(argv[1 + restarts], NULL, 10) : 0;

	for (uint32_t seed = only ? only : 1; seed <= (only ? only : PROGRAMS); seed++)
		if (compile(&s, seed, diags))
			play(&s, seed, restarts);
	free(diags);
	free(s.set_memory);
	free(s.engine_memory[0]);
	free(s.engine_memory[1]);
	return 0;
}
