/* control.h: the control socket: a line in, "ok ..." or "error ..." out. README.md has the
 * commands. */
#ifndef SIM_CONTROL_H
#define SIM_CONTROL_H

#include "wire.h"

#define SIM_CONTROL_CLIENTS_MAX 16u	      /* further ones are closed at once */
#define SIM_CONTROL_LINE_MAX 4096u	      /* of a command; a longer one ends the connection */
#define SIM_CONTROL_UNREAD_MAX (256u * 1024u) /* not taken by a client; then it is closed */

struct sim_control;

/* WY_E_EXISTS: something that is not a dead socket stands at path; WY_E_LINK with errno. */
WY_MUST_CHECK enum wy_err sim_control_open(struct sim_world *world, const char *path,
					   struct sim_control **ret_control);
/* A line of truth for those who asked for the stream. */
void sim_control_truth(struct sim_control *control, const char *line, size_t len);
void sim_control_close(struct sim_control *control); /* removes the socket */

#endif
