/* coap.h: every CoAP device of a site behind one libcoap context, for the thread that steps it.
 *
 * A device is one CoAP server, reached over UDP (coap://) or DTLS with its own pre-shared key
 * (coaps://). It is only ever read: GET, and GET with Observe. Points on one path share a request.
 * A path with an observed point is registered for (RFC 7641); a plain GET once per poll period
 * stands in when no notification came, so that silence of the device can be told from silence of
 * the thing it watches. All other paths are polled by GET at the period of their poll class.
 *
 * Life     new, any number of steps, free. Everything of ours lives in the caller's arena and must
 *          not outlive it; libcoap's part is on the heap and goes with free.
 * Threads  one thread, always the same.
 * Time     now_ms is handed in. Only libcoap's retransmission uses a clock of its own.
 * Errors   a device that is silent, gone or refuses us is a report with n = 0 and err WY_E_TIMEOUT,
 *          WY_E_LINK, WY_E_AUTH (DTLS refused us, or broke off once keys came into play) or
 *          WY_E_PROTOCOL: the first at once, then at most one per poll period. It is connected
 *          again from a new local port, and delays no other device.
 *          WY_OK means that the device answered. A path it refuses (4.xx, 5.xx) gives samples
 *          BAD/EXCEPTION with report.exception the CoAP code as it stands on the wire (0x84 is
 *          4.04); a payload not understood gives BAD/PAYLOAD. */
#ifndef COAP_H
#define COAP_H

#include "driver.h"
#include "link_format.h"

extern const struct sensor_driver sensor_driver_coap;

/* ---- The same, typed: what the driver's row is made of, and one field for a program without drivers.def -------- */

struct coap_field;

/* Serve devices[mine[0]] .. devices[mine[n_mine - 1]], each on a wire of kind SENSOR_WIRE_COAP with
 * a profile of transport SENSOR_COAP. report.device is the index in devices. Nothing is sent before
 * the first step. wires, devices and their profiles are borrowed for the life of the field.
 *
 *   seed   spreads first requests (over their period, at most WY_COAP_SPREAD_MS) and feeds jitter
 *
 * WY_E_INVALID with words in diags, WY_E_LIMIT (arena or ceilings), WY_E_NOMEM (libcoap). */
WY_MUST_CHECK enum wy_err coap_field_open(const struct sensor_field_parts *parts, struct coap_field **ret_field);
WY_MUST_CHECK enum wy_err coap_field_new(const struct sensor_wire_conf *wires,
					 const struct sensor_device_conf *devices,
					 const uint32_t *mine, size_t n_mine,
					 struct wy_arena *arena, uint64_t seed, sensor_take take,
					 void *arg, struct wy_diags *diags,
					 struct coap_field **ret_field);

/* An epoll descriptor, owned by the field: wait on it for reading, level triggered. */
int coap_field_fd(const struct coap_field *field);

/* Take what has arrived, send what is due, never wait. Returns when to call again at the latest;
 * call earlier when the descriptor is readable. */
wy_ms coap_field_step(struct coap_field *field, wy_ms now_ms);

/* Ask every path of one device at the next step, without spread or back-off, and count it as due
 * for an error report. For `weiyu poll`: make a field of one device, ask, then step until each
 * point was reported, an error was reported, or the caller's patience ends. WY_E_NOTFOUND: not
 * served here. */
WY_MUST_CHECK enum wy_err coap_field_ask(struct coap_field *field, uint32_t device);

/* Orderly end: observations are cancelled and DTLS associations closed, so that a device has a
 * free slot for whoever comes next. NULL is fine. */
void coap_field_free(struct coap_field *field);

/* ---- Discovery ------------------------------------------------------------------------------- */

/* What a server says it has. WY_OK: the links, perhaps none; WY_E_EXCEPTION: it refused with the CoAP code; WY_E_PROTOCOL,
 * WY_E_LIMIT: no list of links, or too long a one; others as in reports. Borrowed during the call, which comes from
 * within a step. */
typedef void (*coap_links)(void *arg, enum wy_err err, uint8_t code, const struct link_list *links);

/* A field that asks one server once for its links: step it until take was called, then free it. wire and device say where
 * and with which keys; the device's profile is not looked at. Errors as coap_field_open. */
WY_MUST_CHECK enum wy_err coap_discover_open(const struct sensor_wire_conf *wire, const struct sensor_device_conf *device,
					     struct wy_arena *arena, uint64_t seed, coap_links take, void *arg,
					     struct wy_diags *diags, struct coap_field **ret_field);

#endif
