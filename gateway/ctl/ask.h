/* ask.h: the control socket, client side: one question, one answer. Blocks, with a deadline. */
#ifndef CTL_ASK_H
#define CTL_ASK_H

#include "clocktypes.h"
#include "err.h"

/* request: one line of JSON without newline. *ret_answer is malloc()ed, the caller's.
 * WY_E_NOTFOUND: no socket file; WY_E_LINK: nobody listens; WY_E_AUTH: no right; WY_E_TIMEOUT; WY_E_IO. */
WY_MUST_CHECK enum wy_err ctl_ask(const char *path, const char *request, wy_ms patience_ms,
				  char **ret_answer);

#endif
