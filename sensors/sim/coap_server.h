/* coap_server.h: a CoAP device: a libcoap context of its own on its own port, plain or DTLS-PSK.
 *
 * Unplugging cuts its power: nothing leaves any more, not even a close of DTLS; sessions and
 * observers are forgotten, the port stays bound and mute. Plugging starts it afresh. */
#ifndef SIM_COAP_SERVER_H
#define SIM_COAP_SERVER_H

#include "wire.h"

struct sim_coap;

void sim_coap_startup(void); /* once, before the first device */
void sim_coap_cleanup(void); /* once, after the last one is closed */

/* wire->port is filled in. WY_E_LINK: the port cannot be had; WY_E_NOMEM. */
WY_MUST_CHECK enum wy_err sim_coap_open(struct sim_world *world, struct sim_wire *wire,
					struct sim_coap **ret_coap);
void sim_coap_changed(struct sim_coap *coap, uint32_t point); /* tells observers */
void sim_coap_plugged(struct sim_coap *coap);		      /* is_unplugged changed */
void sim_coap_before_wait(struct sim_coap *coap);	      /* lets libcoap set its timer */
void sim_coap_close(struct sim_coap *coap);

#endif
