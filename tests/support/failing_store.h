/* failing_store.h: stands before the store by the linker's --wrap: the n-th writing call from now fails, or the process
 * "dies" right after a commit that succeeded. FAILING_STORE_WRAP in the CMakeLists lists the calls. */
#ifndef FAILING_STORE_H
#define FAILING_STORE_H

#include <stdbool.h>

#include "err.h"

/* 0: nothing fails. is_after: of commits, the transaction is kept and then the failure is told. */
void failing_store_set(unsigned n, bool is_after);
bool failing_store_struck(void);
void failing_store_set_err(enum wy_err err); /* from now on; at first WY_E_IO */

#endif
