/* rtu.c: a serial bus as a pseudo terminal. The slave side stays open here too, so that the bus is
 * there before the first master opens it and after the last one closes it. */
#define _GNU_SOURCE
#include "wire.h"

#include <errno.h>
#include <fcntl.h>
#include <pty.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

struct sim_rtu {
	struct sim_pipe pipe; /* first: a pipe is its bus */
	struct sim_wire *wire;
	int slave_fd;
};

/* Cannot happen while the slave side is open here; the bus then stays silent until the end. */
static void bus_ended(struct sim_pipe *pipe)
{
	sim_loop_remove(pipe->world->loop, &pipe->source);
}

/* A link left by a run that was killed is replaced; anything else is not ours to remove. */
static enum wy_err make_link(const char *target, const char *path)
{
	struct stat st;

	if (lstat(path, &st) == 0 && !S_ISLNK(st.st_mode))
		return WY_E_EXISTS;
	if (unlink(path) && errno != ENOENT)
		return WY_E_LINK;
	return symlink(target, path) ? WY_E_LINK : WY_OK;
}

static enum wy_err open_pty(struct sim_rtu *rtu, int *ret_master_fd)
{
	struct termios raw;
	char name[64];
	int master_fd;

	if (openpty(&master_fd, &rtu->slave_fd, NULL, NULL, NULL))
		return WY_E_LINK;
	*ret_master_fd = master_fd;
	if (tcgetattr(rtu->slave_fd, &raw))
		return WY_E_LINK;
	cfmakeraw(&raw);
	if (tcsetattr(rtu->slave_fd, TCSANOW, &raw) || fcntl(master_fd, F_SETFL, O_NONBLOCK) ||
	    fcntl(master_fd, F_SETFD, FD_CLOEXEC) || fcntl(rtu->slave_fd, F_SETFD, FD_CLOEXEC))
		return WY_E_LINK;
	if (ttyname_r(rtu->slave_fd, name, sizeof(name)))
		return WY_E_LINK;
	return make_link(name, rtu->wire->link);
}

enum wy_err sim_rtu_open(struct sim_world *world, struct sim_wire *wire, struct sim_rtu **ret_rtu)
{
	struct sim_rtu *rtu = calloc(1, sizeof(*rtu));
	int master_fd = -1;

	if (!rtu)
		return WY_E_NOMEM;
	rtu->wire = wire;
	rtu->slave_fd = -1;
	enum wy_err err = open_pty(rtu, &master_fd);
	if (!err)
		err = sim_pipe_open(&rtu->pipe, world, wire, master_fd, bus_ended);
	if (err) {
		int why = errno;
		if (master_fd >= 0)
			close(master_fd);
		if (rtu->slave_fd >= 0)
			close(rtu->slave_fd);
		free(rtu);
		errno = why;
		return err;
	}
	*ret_rtu = rtu;
	return WY_OK;
}

void sim_rtu_plugged(struct sim_rtu *rtu, uint32_t device)
{
	sim_pipe_forget(&rtu->pipe, device);
}

void sim_rtu_close(struct sim_rtu *rtu)
{
	if (!rtu)
		return;
	(void)!unlink(rtu->wire->link);
	sim_pipe_close(&rtu->pipe);
	close(rtu->slave_fd);
	free(rtu);
}
