/* play.c: see play.h. */
#define _POSIX_C_SOURCE 200809L
#include "play.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "coap_server.h"

/* ---- Wires by kind
 * -------------------------------------------------------------------------------- */

static enum wy_err open_tcp(struct sim_world *world, struct sim_wire *wire, void **ret_end)
{
	struct sim_tcp *tcp;
	enum wy_err err = sim_tcp_open(world, wire, &tcp);

	if (!err)
		*ret_end = tcp;
	return err;
}

static enum wy_err open_rtu(struct sim_world *world, struct sim_wire *wire, void **ret_end)
{
	struct sim_rtu *rtu;
	enum wy_err err = sim_rtu_open(world, wire, &rtu);

	if (!err)
		*ret_end = rtu;
	return err;
}

static enum wy_err open_coap(struct sim_world *world, struct sim_wire *wire, void **ret_end)
{
	struct sim_coap *coap;
	enum wy_err err = sim_coap_open(world, wire, &coap);

	if (!err)
		*ret_end = coap;
	return err;
}

static void plugged_tcp(void *end, uint32_t device)
{
	sim_tcp_plugged(end, device);
}

static void plugged_rtu(void *end, uint32_t device)
{
	sim_rtu_plugged(end, device);
}

static void plugged_coap(void *end, uint32_t device)
{
	(void)device;
	sim_coap_plugged(end);
}

static void changed_coap(void *end, uint32_t point)
{
	sim_coap_changed(end, point);
}

static void close_tcp(void *end)
{
	sim_tcp_close(end);
}

static void close_rtu(void *end)
{
	sim_rtu_close(end);
}

static void close_coap(void *end)
{
	sim_coap_close(end);
}

static const struct {
	enum wy_err (*open)(struct sim_world *world, struct sim_wire *wire, void **ret_end);
	void (*plugged)(void *end, uint32_t device);
	void (*changed)(void *end, uint32_t point); /* NULL: nobody needs to be told */
	void (*close)(void *end);
} ends[] = {
	[SIM_TCP] = {open_tcp, plugged_tcp, NULL, close_tcp},
	[SIM_RTU] = {open_rtu, plugged_rtu, NULL, close_rtu},
	[SIM_COAP] = {open_coap, plugged_coap, changed_coap, close_coap},
};

/* ---- Misbehaviours that are on for a while ---------------------------------------------------- */

/* Those that are over are switched off; *ret_next_ms is when the next one is, 0: none. */
static void switch_off_ended(struct sim_building *building, wy_ms now_ms, wy_ms *ret_next_ms)
{
	*ret_next_ms = 0;
	for (uint32_t i = 0; i < building->n_devices; i++) {
		for (unsigned id = 0; id < SIM_QUIRK_COUNT; id++) {
			const struct sim_armed *armed = &building->devices[i].armed[id];
			struct sim_arming off = {.quirk = (enum sim_quirk_id)id, .arg = armed->arg};

			if (armed->until_ms == 0)
				continue;
			if (armed->until_ms <= now_ms)
				(void)!sim_building_arm(building, i, &off, "its time is over");
			else if (*ret_next_ms == 0 || armed->until_ms < *ret_next_ms)
				*ret_next_ms = armed->until_ms;
		}
	}
}

static void end_some(void *arg)
{
	struct sim_play *play = arg;
	wy_ms next_ms;

	switch_off_ended(&play->scenario->building, sim_now_ms(), &next_ms);
	if (next_ms)
		sim_timer_set(&play->loop, &play->next_end, next_ms);
}

static void note_end(struct sim_play *play, const struct sim_change *change)
{
	struct sim_device *device = &play->scenario->building.devices[change->device];
	wy_ms until_ms = sim_now_ms() + change->arming.for_ms;

	if (!change->arming.is_on || change->arming.for_ms == 0)
		return;
	device->armed[change->arming.quirk].until_ms = until_ms;
	if (!play->next_end.is_set || until_ms < play->next_end.due_ms)
		sim_timer_set(&play->loop, &play->next_end, until_ms);
}

/* ---- Changes --------------------------------------------------------------------------------- */

static void carry_change(void *arg, const struct sim_change *change)
{
	struct sim_play *play = arg;
	struct sim_building *building = &play->scenario->building;
	uint32_t w = building->devices[change->device].wire;
	enum sim_kind kind = building->wires[w].kind;

	/* Truth first: nobody can have seen a change before it was said. */
	sim_truth_change(&play->truth, building, change);
	if (change->event == SIM_EVENT_PLUG || change->event == SIM_EVENT_UNPLUG)
		ends[kind].plugged(play->ends[w], change->device);
	if (change->event == SIM_EVENT_SET && ends[kind].changed)
		ends[kind].changed(play->ends[w], change->point);
	if (change->event != SIM_EVENT_QUIRK)
		return;
	note_end(play, change);
	/* What was frozen or stuck until now is seen at once by those who observe. */
	size_t n_points = building->devices[change->device].profile->n_points;
	bool is_over = !change->arming.is_on && sim_quirk_at(change->arming.quirk)->is_state;
	for (uint32_t p = 0; is_over && ends[kind].changed && p < n_points; p++)
		ends[kind].changed(play->ends[w], p);
}

static void pass_truth(void *arg, const char *line, size_t len)
{
	struct sim_play *play = arg;

	if (play->control)
		sim_control_truth(play->control, line, len);
}

/* ---- Open and close
 * --------------------------------------------------------------------------------- */

static enum wy_err complain(const char *what, const char *name, enum wy_err err)
{
	const char *why = wy_err_text(err);

	if (err == WY_E_LINK)
		why = strerror(errno);
	if (err == WY_E_EXISTS)
		why = "something else is in use there";
	fprintf(stderr, "weiyu-sim: cannot open %s %s: %s\n", what, name, why);
	return err;
}

static enum wy_err open_wires(struct sim_play *play)
{
	struct sim_building *building = &play->scenario->building;

	for (size_t w = 0; w < building->n_wires; w++) {
		struct sim_wire *wire = &building->wires[w];
		enum wy_err err = ends[wire->kind].open(&play->world, wire, &play->ends[w]);
		char name[128];

		if (!err && wire->kind == SIM_COAP)
			play->coaps[play->n_coaps++] = play->ends[w];
		if (!err)
			continue;
		if (wire->link)
			return complain("serial line", wire->link, err);
		(void)snprintf(name, sizeof(name), "%s:%u", wire->host, wire->port);
		return complain("port", name, err);
	}
	return WY_OK;
}

enum wy_err sim_play_open(struct sim_play *play, struct sim_scenario *scenario, FILE *truth_file,
			  const char *control_path)
{
	struct sim_building *building = &scenario->building;

	*play = (struct sim_play){.scenario = scenario, .loop.epoll_fd = -1};
	play->truth = (struct sim_truth){.file = truth_file, .line = pass_truth, .arg = play};
	play->world = (struct sim_world){building, &play->loop, &play->truth};
	play->ends = calloc(building->n_wires, sizeof(*play->ends));
	play->coaps = calloc(building->n_wires, sizeof(*play->coaps));
	if (!play->ends || !play->coaps)
		return WY_E_NOMEM;
	play->next_end.fire = end_some;
	play->next_end.arg = play;
	sim_coap_startup();
	enum wy_err err = sim_loop_open(&play->loop);
	if (!err)
		err = open_wires(play);
	if (!err && control_path) {
		err = sim_control_open(&play->world, control_path, &play->control);
		if (err)
			return complain("control socket", control_path, err);
	}
	building->changed = carry_change;
	building->arg = play;
	return err;
}

void sim_play_close(struct sim_play *play)
{
	struct sim_building *building = &play->scenario->building;

	if (!play->ends || !play->coaps) {
		free(play->ends);
		free(play->coaps);
		return;
	}
	building->changed = NULL;
	sim_control_close(play->control);
	play->control = NULL;
	for (size_t w = 0; w < building->n_wires; w++)
		if (play->ends[w])
			ends[building->wires[w].kind].close(play->ends[w]);
	sim_loop_close(&play->loop);
	sim_coap_cleanup();
	free(play->ends);
	free(play->coaps);
	play->ends = NULL;
	play->coaps = NULL;
}

/* Written beside and renamed, so that whoever waits for the file never reads half of it. */
enum wy_err sim_play_write_ports(const struct sim_play *play, const char *path)
{
	const struct sim_building *building = &play->scenario->building;
	json_t *ports = json_object();
	char beside[4096];
	int len = snprintf(beside, sizeof(beside), "%s.new", path);
	enum wy_err err = WY_OK;

	for (size_t i = 0; i < building->n_devices; i++) {
		const struct sim_wire *wire = &building->wires[building->devices[i].wire];
		json_object_set_new(ports, building->devices[i].id,
				    wire->link ? json_string(wire->link)
					       : json_integer(wire->port));
	}
	if (len < 0 || (size_t)len >= sizeof(beside) ||
	    json_dump_file(ports, beside, JSON_INDENT(1)) || rename(beside, path))
		err = complain("ports file", path, WY_E_IO);
	json_decref(ports);
	return err;
}

/* ---- The timeline
 * ------------------------------------------------------------------------------------- */

static enum wy_err do_step(struct sim_play *play, const struct sim_step *step)
{
	struct sim_building *building = &play->scenario->building;

	switch (step->act) {
	case SIM_ACT_SET:
		return sim_building_set(building, step->device, step->point, &step->value,
					step->note);
	case SIM_ACT_QUIRK:
		return sim_building_arm(building, step->device, &step->arming, step->note);
	case SIM_ACT_PLUG:
	case SIM_ACT_UNPLUG:
		sim_building_plug(building, step->device, step->act == SIM_ACT_PLUG, step->note);
		return WY_OK;
	case SIM_ACT_NOTE:
		sim_truth_say(&play->truth, "note", json_pack("{s:s}", "note", step->note));
		return WY_OK;
	case SIM_ACT_STOP:
		play->loop.is_done = true;
		return WY_OK;
	}
	return WY_OK;
}

static void do_steps(void *arg)
{
	struct sim_play *play = arg;
	const struct sim_scenario *scenario = play->scenario;
	wy_ms now_ms = sim_now_ms() - play->start_ms;

	while (play->n_done < scenario->n_steps && !play->loop.is_done) {
		const struct sim_step *step = &scenario->steps[play->n_done];
		if (step->at_ms > now_ms) {
			sim_timer_set(&play->loop, &play->next_step, play->start_ms + step->at_ms);
			return;
		}
		/* Values were proven at load; a unit set since then may make one too large. */
		if (do_step(play, step))
			fprintf(stderr, "weiyu-sim: step at %lld ms was not possible\n",
				(long long)step->at_ms);
		play->n_done++;
	}
}

static void before_wait(void *arg)
{
	struct sim_play *play = arg;

	for (size_t i = 0; i < play->n_coaps; i++)
		sim_coap_before_wait(play->coaps[i]);
}

/* {"3": 1204, "4": 17}: requests by function code. */
static json_t *asked_json(const struct sim_building *building)
{
	json_t *asked = json_object();

	for (unsigned code = 0; code < 256; code++) {
		char name[8];

		if (building->n_asked[code] == 0)
			continue;
		(void)snprintf(name, sizeof(name), "%u", code);
		json_object_set_new(asked, name, json_integer((json_int_t)building->n_asked[code]));
	}
	return asked;
}

enum wy_err sim_play_run(struct sim_play *play)
{
	sim_truth_start(&play->truth, &play->scenario->building);
	play->start_ms = sim_now_ms();
	play->next_step.fire = do_steps;
	play->next_step.arg = play;
	do_steps(play); /* what is there from the start is there before anybody can ask */
	enum wy_err err = sim_loop_run(&play->loop, before_wait, play);
	sim_truth_say(&play->truth, "stop",
		      json_pack("{s:o}", "asked", asked_json(&play->scenario->building)));
	return err;
}
