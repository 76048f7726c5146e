/* process.c: what of OpenSSL is for the whole process. */
#include <openssl/crypto.h>

#include "uplink.h"

void uplink_begin_process(void)
{
	(void)OPENSSL_init_crypto(OPENSSL_INIT_NO_ATEXIT, NULL);
}
