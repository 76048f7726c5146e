/* modbus.h: every Modbus device of a site: TCP connections, plain or with TLS, and serial buses, in one field.
 *
 * libmodbus builds and checks frames; what is asked when, and which answer is trusted, is decided here (../README.md,
 * "Transactions"). It only reads: function codes 1, 2, 3 and 4.
 *
 * Reports   one for each poll of a device, whatever comes of it:
 *
 *   WY_OK           the device answered; single samples may be BAD: EXCEPTION (the block was refused), SUSPECT (a late
 *                   answer could still be taken for this one), RANGE ...
 *   WY_E_LINK       no connection, or it broke
 *   WY_E_TIMEOUT    no whole answer in time, nothing but SUSPECT points, or the gateway before the device says that it is
 *                   silent (exceptions 10 and 11)
 *   WY_E_PROTOCOL   an answer that does not fit the request
 *   WY_E_EXCEPTION  the device refused every block of this poll
 *   WY_E_BUSY       another process holds the serial line
 *   WY_E_AUTH       TLS: one of the two did not accept the other
 *
 * After a failure the block it happened in is listed with BAD samples, earlier blocks with theirs, later ones not at all.
 * If an earlier block was answered, WY_E_TIMEOUT and WY_E_PROTOCOL are no failures of the device: WY_OK (or
 * WY_E_EXCEPTION).
 *
 * A poll of one device takes at most its connect timeout plus, per read, min_interval and the answer timeout (and on a
 * serial bus the time its bytes take); there a failed exchange is followed by as much silence again. Other wires do not
 * notice. */
#ifndef SENSOR_MODBUS_H
#define SENSOR_MODBUS_H

#include "../driver.h"

extern const struct sensor_driver sensor_driver_modbus;

#endif
