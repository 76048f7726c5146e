/* wire.h: the sockets and terminals of the simulated building: Modbus over TCP and serial lines. */
#ifndef SIM_WIRE_H
#define SIM_WIRE_H

#include "building.h"
#include "loop.h"
#include "modbus.h"
#include "truth.h"

#define SIM_CLIENTS_MAX 64u /* connections of one TCP port; further ones are closed at once */
#define SIM_PENDING_MAX                                                                            \
	256u /* answers of one pipe that wait for their time; further ones are dropped */

/* What the parts of the running simulator share. */
struct sim_world {
	struct sim_building *building;
	struct sim_loop *loop;
	struct sim_truth *truth;
};

/* A line of bytes with a Modbus master at its other end: a TCP connection or a serial bus. */
struct sim_pipe {
	struct sim_world *world;
	const struct sim_wire *wire;
	struct sim_source source;
	struct sim_timer idle; /* RTU: the line went quiet; TCP: for too long */
	bool is_resetting;     /* TCP: it ends with a reset */
	uint8_t in[SIM_FRAME_MAX];
	size_t n_in;
	struct sim_sending *sending; /* answers under way */
	size_t n_sending;
	void (*ended)(struct sim_pipe *pipe); /* the other side went away; may free the pipe */
};

WY_MUST_CHECK enum wy_err sim_pipe_open(struct sim_pipe *pipe, struct sim_world *world,
					const struct sim_wire *wire, int fd,
					void (*ended)(struct sim_pipe *pipe));
/* Stops everything on the pipe and closes its descriptor. */
void sim_pipe_close(struct sim_pipe *pipe);
/* Answers of this device that have not left yet never will. */
void sim_pipe_forget(struct sim_pipe *pipe, uint32_t device);

/* A TCP port. Refuses connections while all its devices are unplugged. */
struct sim_tcp;
/* Listens at once; wire->port is filled in. WY_E_LINK with errno: it cannot. */
WY_MUST_CHECK enum wy_err sim_tcp_open(struct sim_world *world, struct sim_wire *wire,
				       struct sim_tcp **ret_tcp);
void sim_tcp_plugged(struct sim_tcp *tcp, uint32_t device); /* is_unplugged of a device changed */
void sim_tcp_close(struct sim_tcp *tcp);

/* A serial bus: a pseudo terminal whose slave side stands at wire->link. */
struct sim_rtu;
/* WY_E_EXISTS: something that is not a link stands at that path; WY_E_LINK with errno. */
WY_MUST_CHECK enum wy_err sim_rtu_open(struct sim_world *world, struct sim_wire *wire,
				       struct sim_rtu **ret_rtu);
void sim_rtu_plugged(struct sim_rtu *rtu, uint32_t device);
void sim_rtu_close(struct sim_rtu *rtu); /* removes the link */

#endif
