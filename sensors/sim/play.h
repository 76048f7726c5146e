/* play.h: the running building: all wires open, changes carried to where they show, the timeline.
 */
#ifndef SIM_PLAY_H
#define SIM_PLAY_H

#include "control.h"
#include "scenario.h"
#include "wire.h"

struct sim_play {
	struct sim_scenario *scenario;
	struct sim_loop loop;
	struct sim_truth truth;
	struct sim_world world;
	void **ends; /* [n_wires]: sim_tcp, sim_rtu or sim_coap by the kind of the wire */
	struct sim_control *control; /* NULL: none */
	void **coaps; /* [n_coaps] the CoAP ones of them, which want to be asked before each wait */
	size_t n_coaps;
	struct sim_timer next_step;
	size_t n_done; /* steps */
	struct sim_timer next_end; /* of a misbehaviour that was switched on for a while */
	wy_ms start_ms;
};

/* Open the loop, all wires and, unless control_path is NULL, the control socket. scenario and
 * truth_file are borrowed. What cannot be had is said on stderr. */
WY_MUST_CHECK enum wy_err sim_play_open(struct sim_play *play, struct sim_scenario *scenario,
					FILE *truth_file, const char *control_path);
/* {"lift2-io": 1502, "leak-b1": "/tmp/leak-bus"} */
WY_MUST_CHECK enum wy_err sim_play_write_ports(const struct sim_play *play, const char *path);
/* From the first step of the timeline until loop.is_done. */
WY_MUST_CHECK enum wy_err sim_play_run(struct sim_play *play);
/* Removes links and sockets. Fine on a half-opened one. */
void sim_play_close(struct sim_play *play);

#endif
