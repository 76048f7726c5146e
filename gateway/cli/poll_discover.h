/* poll_discover.h: `weiyu poll --discover`: what a CoAP server says it has. */
#ifndef POLL_DISCOVER_H
#define POLL_DISCOVER_H

/* argv[0] is "--discover"; then DEVICE or coap://HOST[:PORT], -c and --json. Returns the exit code. */
int poll_discover(int argc, char **argv);

#endif
