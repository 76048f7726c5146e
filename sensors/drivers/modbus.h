/* modbus.h: one Modbus wire: a TCP connection or a serial bus, and the devices that answer on it.
 *
 * libmodbus frames and checks the bytes; what is trusted is decided here (README.md,
 * "Transactions"). It only reads: function codes 1, 2, 3 and 4.
 *
 * Life     new, any number of polls, free. The connection is opened by the first poll that needs
 *          it, closed after anything odd, and opened again by the next poll. The caller does the
 *          back-off.
 * Threads  one thread per wire; it blocks in modbus_wire_poll. Only modbus_wire_interrupt may be
 *          called from another thread.
 * Time     the caller's clock, mono milliseconds. A poll of one device takes at most its connect
 *          timeout plus, per read, min_interval and the answer timeout (and on a serial bus the
 *          time its bytes take); there a failed exchange is followed by as much silence again. */
#ifndef SENSOR_MODBUS_H
#define SENSOR_MODBUS_H

#include "../sensor.h"

struct modbus_wire;

/* Make a wire for the devices `mine[0..n_mine)` of `devices` (indices of the whole site, also those
 * used below). Nothing is opened yet. wire, devices and their profiles are borrowed for the wire's
 * life; mine is copied. Memory comes from the arena and, for libmodbus, from the heap. WY_E_NOMEM;
 * WY_E_INVALID: libmodbus refuses the settings, or a profile is not Modbus; WY_E_IO: no descriptor.
 */
WY_MUST_CHECK enum wy_err modbus_wire_new(const struct sensor_wire_conf *wire,
					  const struct sensor_device_conf *devices,
					  const uint32_t *mine, size_t n_mine,
					  struct wy_arena *arena, sensor_clock clock,
					  void *clock_arg, struct modbus_wire **ret);

/* Poll those points of one device whose class bit (1u << SENSOR_FAST ...) is set. Blocks until it
 * is answered or given up. The report is filled whatever happens, and report->err is returned:
 *
 *   WY_OK           the device answered; single samples may be BAD: EXCEPTION (the block was
 *                   refused), SUSPECT (a late answer could still be taken for this one), RANGE ...
 *   WY_E_LINK       no connection, or it broke
 *   WY_E_TIMEOUT    no whole answer in time, nothing but SUSPECT points, or the gateway before the
 *                   device says that it is silent (exceptions 10 and 11)
 *   WY_E_PROTOCOL   an answer that does not fit the request
 *   WY_E_EXCEPTION  the device refused every block of this poll
 *   WY_E_LIMIT      the descriptor is above WY_FD_MODBUS_MAX (it is closed again), or
 *                   report->n_max is too small
 *   WY_E_BUSY       another process holds the serial line
 *   WY_E_NOTFOUND   no such device on this wire
 *   WY_E_STATE      interrupted
 *
 * After a failure the block it happened in is listed with BAD samples, earlier blocks with theirs,
 * later blocks not at all. If an earlier block was answered, WY_E_TIMEOUT and WY_E_PROTOCOL are no
 * failures of the device: WY_OK (or WY_E_EXCEPTION), and after three times in a row that block is
 * left alone for a minute. */
enum wy_err modbus_wire_poll(struct modbus_wire *wire, uint32_t device, unsigned class_mask,
			     struct sensor_report *report);

/* Samples a report of this device can hold: the number of points of its profile; 0: no such device.
 */
size_t modbus_wire_report_room(const struct modbus_wire *wire, uint32_t device);

/* Close the connection; the next poll opens it again. Idempotent; NULL is fine. Same thread as
 * poll. */
void modbus_wire_close(struct modbus_wire *wire);

/* From any thread: a blocked poll returns soon with WY_E_STATE (mid-answer: when its timeout is
 * over), and so does every later one. For stopping; there is no way back. */
void modbus_wire_interrupt(struct modbus_wire *wire);

/* Close, and give back libmodbus's memory and the descriptor of the interrupt. NULL is fine. */
void modbus_wire_free(struct modbus_wire *wire);

#endif
