/* command.h: what a line on the control socket means. No socket here. */
#ifndef SIM_COMMAND_H
#define SIM_COMMAND_H

#include "building.h"

struct sim_command_result {
	bool is_stop;
	bool wants_truth;
};

/* Do what line says (it is cut up in place) and write the answer, line end included, to out. */
void sim_command(struct sim_building *building, char *line, struct wy_buf *out,
		 struct sim_command_result *ret_result);

#endif
