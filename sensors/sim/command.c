/* command.c: see command.h. A command is a row; misbehaviours are commands by their own name. */
#define _POSIX_C_SOURCE 200809L
#include "command.h"

#include <string.h>

#include "number.h"
#include "scenario.h"

#define WORDS_MAX 130u /* set takes up to 64 pairs */

struct call {
	struct sim_building *building;
	char *word[WORDS_MAX];
	size_t n;
	struct wy_buf *out;
	struct sim_command_result *result;
};

struct command {
	const char *name;
	size_t n_least, n_most; /* words after the name */
	const char *usage;
	void (*run)(struct call *call);
};

static void refuse(struct call *call, const char *what, const char *name)
{
	wy_buf_addf(call->out, "error %s '%s'\n", what, name);
}

/* SIZE_MAX: refused already. */
static size_t device_of(struct call *call, const char *id)
{
	size_t device = sim_building_find_device(call->building, id);

	if (device == SIZE_MAX)
		refuse(call, "no device", id);
	return device;
}

/* All values are checked before the first is set. */
struct assignment {
	uint32_t device, point;
	struct sim_value value;
};

static bool read_assignment(struct call *call, const char *name, const char *text,
			    struct assignment *a)
{
	const char *expected;

	if (sim_building_find(call->building, name, &a->device, &a->point)) {
		refuse(call, "no point", name);
		return false;
	}
	const struct sim_device *device = &call->building->devices[a->device];
	const struct sensor_profile_point *point = &device->profile->points[a->point];
	if (sim_value_parse(point, text, &a->value, &expected)) {
		wy_buf_addf(call->out, "error %s cannot be '%s'; expected %s, none or raw:NUMBER\n",
			    name, text, expected);
		return false;
	}
	if (sim_device_accepts(device, a->point, &a->value)) {
		wy_buf_addf(call->out, "error %s cannot hold '%s'\n", name, text);
		return false;
	}
	return true;
}

static void run_set(struct call *call)
{
	struct assignment a[WORDS_MAX / 2];
	size_t n = 0;

	if (call->n % 2 == 0) {
		wy_buf_add(call->out, "error a point without a value\n");
		return;
	}
	for (size_t i = 1; i < call->n; i += 2)
		if (!read_assignment(call, call->word[i], call->word[i + 1], &a[n++]))
			return;
	for (size_t i = 0; i < n; i++) {
		/* Only a unit set by the same command can still make a value too large. */
		if (sim_building_set(call->building, a[i].device, a[i].point, &a[i].value, NULL)) {
			wy_buf_addf(call->out, "error %s cannot hold '%s'\n", call->word[1 + 2 * i],
				    call->word[2 + 2 * i]);
			return;
		}
	}
	wy_buf_add(call->out, "ok\n");
}

static void run_get(struct call *call)
{
	uint32_t device, point;

	if (sim_building_find(call->building, call->word[1], &device, &point)) {
		refuse(call, "no point", call->word[1]);
		return;
	}
	const struct sim_device *d = &call->building->devices[device];
	wy_buf_add(call->out, "ok ");
	sim_value_print(&d->profile->points[point], &d->values[point], call->out);
	wy_buf_add(call->out, "\n");
}

/* One line a device, so that it can be read by eye and cut by word. */
static void run_list(struct call *call)
{
	static const char *const kinds[] = {"tcp", "rtu", "coap"};

	wy_buf_addf(call->out, "ok %zu\n", call->building->n_devices);
	for (size_t i = 0; i < call->building->n_devices; i++) {
		const struct sim_device *d = &call->building->devices[i];
		const struct sim_wire *wire = &call->building->wires[d->wire];

		wy_buf_addf(call->out, "%s %s %s ", d->id,
			    d->is_unplugged ? "unplugged" : "plugged", kinds[d->kind]);
		if (wire->link)
			wy_buf_add(call->out, wire->link);
		else
			wy_buf_addf(call->out, "%u", wire->port);
		for (size_t p = 0; p < d->profile->n_points; p++) {
			wy_buf_addf(call->out, " %s=", d->profile->points[p].name);
			sim_value_print(&d->profile->points[p], &d->values[p], call->out);
		}
		wy_buf_add(call->out, "\n");
	}
}

static void run_plug(struct call *call)
{
	size_t device = device_of(call, call->word[1]);

	if (device == SIZE_MAX)
		return;
	sim_building_plug(call->building, (uint32_t)device, strcmp(call->word[0], "plug") == 0,
			  NULL);
	wy_buf_add(call->out, "ok\n");
}

static void run_truth(struct call *call)
{
	call->result->wants_truth = true;
	wy_buf_add(call->out, "ok\n");
}

/* "ok 3:1204 4:17": requests by function code since the start. */
static void run_asked(struct call *call)
{
	wy_buf_add(call->out, "ok");
	for (unsigned code = 0; code < 256; code++)
		if (call->building->n_asked[code])
			wy_buf_addf(call->out, " %u:%llu", code,
				    (unsigned long long)call->building->n_asked[code]);
	wy_buf_add(call->out, "\n");
}

static void run_stop(struct call *call)
{
	call->result->is_stop = true;
	wy_buf_add(call->out, "ok\n");
}

static void run_help(struct call *call);

static const struct command commands[] = {
	{"set", 2, WORDS_MAX - 2, "set DEV.POINT VALUE [DEV.POINT VALUE ...]", run_set},
	{"get", 1, 1, "get DEV.POINT", run_get},
	{"list", 0, 0, "list", run_list},
	{"unplug", 1, 1, "unplug DEV", run_plug},
	{"plug", 1, 1, "plug DEV", run_plug},
	{"asked", 0, 0, "asked", run_asked},
	{"truth", 0, 0, "truth", run_truth},
	{"stop", 0, 0, "stop", run_stop},
	{"help", 0, 0, "help", run_help},
};
#define N_COMMANDS (sizeof(commands) / sizeof(commands[0]))

static void add_usage(struct call *call, const struct sim_quirk *quirk)
{
	wy_buf_addf(call->out, "%s DEV %s%s%s", quirk->name, quirk->arg_key ? quirk->arg_key : "",
		    quirk->arg_key ? " " : "",
		    quirk->is_state ? "[on | off | for DURATION]" : "[COUNT | on | off | for DURATION]");
}

static void run_help(struct call *call)
{
	wy_buf_addf(call->out, "ok %zu\n", N_COMMANDS + SIM_QUIRK_COUNT);
	for (size_t i = 0; i < N_COMMANDS; i++)
		wy_buf_addf(call->out, "%s\n", commands[i].usage);
	for (size_t id = 0; id < SIM_QUIRK_COUNT; id++) {
		const struct sim_quirk *quirk = sim_quirk_at(id);
		add_usage(call, quirk);
		wy_buf_addf(call->out, ": %s%s\n", quirk->is_state ? "" : "the next answers ", quirk->help);
	}
}

/* The words behind device and argument: COUNT, on, off, for DURATION or nothing. False: refused. */
static bool read_lasting(struct call *call, size_t at, struct sim_arming *arming)
{
	bool is_state = sim_quirk_at(arming->quirk)->is_state;
	const char *word = at < call->n ? call->word[at] : is_state ? "on" : "1";
	int64_t count = 0;

	if (strcmp(word, "off") == 0)
		return true;
	arming->is_on = strcmp(word, "on") == 0 || strcmp(word, "for") == 0;
	if (strcmp(word, "for") == 0) {
		const char *text = at + 1 < call->n ? call->word[at + 1] : "";
		if (wy_parse_duration(text, strlen(text), &arming->for_ms) || arming->for_ms <= 0) {
			refuse(call, "not a duration:", text);
			return false;
		}
	}
	if (arming->is_on)
		return true;
	if (wy_parse_int(word, strlen(word), &count) || count < 0 || count > 1000000 ||
	    (is_state && count)) {
		refuse(call, is_state ? "not on, off or for DURATION:" : "not a count:", word);
		return false;
	}
	arming->count = (uint32_t)count;
	return true;
}

/* NAME DEV [ARG] [COUNT | on | off | for DURATION]. Off needs no argument. */
static void run_quirk(struct call *call, enum sim_quirk_id id)
{
	const struct sim_quirk *quirk = sim_quirk_at(id);
	bool is_off = call->n == 3 && strcmp(call->word[2], "off") == 0;
	size_t n_args = quirk->arg == SIM_ARG_NONE || is_off ? 0 : 1;
	struct sim_arming arming = {.quirk = id};
	const char *expected;

	if (call->n < 2 + n_args || call->n > 4 + n_args) {
		wy_buf_add(call->out, "error usage: ");
		add_usage(call, quirk);
		wy_buf_add(call->out, "\n");
		return;
	}
	size_t device = device_of(call, call->word[1]);
	if (device == SIZE_MAX)
		return;
	if (n_args && sim_quirk_arg(&call->building->devices[device], id, call->word[2], &arming.arg,
				    &expected)) {
		wy_buf_addf(call->out, "error not an argument: '%s'; expected %s\n", call->word[2],
			    expected);
		return;
	}
	if (!read_lasting(call, 2 + n_args, &arming))
		return;
	if (sim_building_arm(call->building, (uint32_t)device, &arming, NULL)) {
		refuse(call, "not possible on the wire of", call->word[1]);
		return;
	}
	wy_buf_add(call->out, "ok\n");
}

static const struct command *find_command(const char *name)
{
	for (size_t i = 0; i < N_COMMANDS; i++)
		if (strcmp(commands[i].name, name) == 0)
			return &commands[i];
	return NULL;
}

static void run(struct call *call)
{
	const struct command *command = find_command(call->word[0]);
	size_t id = sim_quirk_find(call->word[0]);

	if (!command && id < SIM_QUIRK_COUNT) {
		run_quirk(call, (enum sim_quirk_id)id);
		return;
	}
	if (!command) {
		refuse(call, "unknown command", call->word[0]);
		return;
	}
	if (call->n - 1 < command->n_least || call->n - 1 > command->n_most) {
		wy_buf_addf(call->out, "error usage: %s\n", command->usage);
		return;
	}
	command->run(call);
}

void sim_command(struct sim_building *building, char *line, struct wy_buf *out,
		 struct sim_command_result *ret_result)
{
	struct call call = {.building = building, .out = out, .result = ret_result};
	char *rest = line, *word;

	*ret_result = (struct sim_command_result){false, false};
	while (call.n < WORDS_MAX && (word = strtok_r(rest, " \t\r\n", &rest)))
		call.word[call.n++] = word;
	if (call.n == 0)
		wy_buf_add(out, "error an empty line\n");
	else
		run(&call);
}
