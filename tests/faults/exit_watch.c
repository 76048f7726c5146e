/* exit_watch.c: LD_PRELOAD=lib/libexit_watch.so: says whether OpenSSL is taken apart when the process ends. */
#include <unistd.h>

void OPENSSL_cleanup(void);

void OPENSSL_cleanup(void)
{
	static const char words[] = "OPENSSL_cleanup\n";

	(void)!write(STDERR_FILENO, words, sizeof(words) - 1);
}
