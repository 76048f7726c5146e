/* fake_slave.h: a Modbus slave in a thread that misbehaves as told, on TCP or behind a pty.
 *
 * What it answers proves which request it answers: register `a` in the answer to the k-th request
 * holds fake_value(a, k), and bits are those of k. So a value taken from any other answer is seen
 * to be wrong. */
#ifndef FAKE_SLAVE_H
#define FAKE_SLAVE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum fake_act {
	FAKE_ANSWER,
	FAKE_LATE, /* after ms, while later requests are answered in between */
	FAKE_SILENT,
	FAKE_TWICE,	 /* at once */
	FAKE_TWICE_LATE, /* again after ms */
	FAKE_TRUNCATED,	 /* half of it */
	FAKE_WRONG_UNIT,
	FAKE_WRONG_TRANSACTION,
	FAKE_WRONG_PROTOCOL,
	FAKE_WRONG_LENGTH, /* MBAP length that lies */
	FAKE_WRONG_FUNCTION,
	FAKE_SHORT, /* one register less, all else fitting */
	FAKE_BAD_CRC,
	FAKE_GARBAGE,
	FAKE_DRIP,	/* a byte every ms */
	FAKE_EXCEPTION, /* code ms */
	FAKE_CLOSE,
	FAKE_RESET,
};

struct fake_step {
	enum fake_act act;
	unsigned ms;
};

enum { FAKE_PENDING = 64 };

struct fake_slave {
	bool is_serial;
	int listen_fd, fd; /* TCP: listener and connection; serial: -1 and the master side */
	int hold_fd;	   /* serial: keeps the line from hanging up between two opens */
	int wake[2];
	uint16_t port;
	char tty[64];
	uint8_t unit;
	const struct fake_step *steps; /* of requests 1, 2, ...; then FAKE_ANSWER */
	size_t n_steps;
	unsigned latest_ms;   /* an answer the scheduler held up longer than this is not sent; 0: no
				 such promise */
	unsigned max_count;   /* more registers or bits are refused with exception 2; 0: no limit */
	unsigned refused;     /* an address that any read over is refused for, exception 2; 0: none */
	bool echoes;	      /* every request comes back first, as from an adapter that hears itself */
	atomic_uint requests; /* received so far; the first is number 1 */
	atomic_uint writes;   /* requests that would have written: must stay 0 */
	atomic_uint connections;
	struct {
		int64_t due_ms, born_ms;
		int fd;
		size_t len;
		uint8_t bytes[300];
	} pending[FAKE_PENDING];
	size_t n_pending;
	uint8_t in[300];
	size_t n_in;
	pthread_t thread;
};

/* Start; steps are borrowed. 0 on success. */
int fake_start_tcp(struct fake_slave *slave, uint8_t unit, const struct fake_step *steps, size_t n);
int fake_start_pty(struct fake_slave *slave, uint8_t unit, const struct fake_step *steps, size_t n);
void fake_stop(struct fake_slave *slave);

uint16_t fake_value(unsigned address, unsigned request);
int64_t fake_now_ms(void *unused);

#endif
