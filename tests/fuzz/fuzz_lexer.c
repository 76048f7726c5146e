/* fuzz_lexer.c: any bytes as an expression: tokens in their order, each within the text, up to the end. */
#include <math.h>
#include <stdlib.h>

#include "lex.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rx_lexer lexer;
	size_t before = 0;

	rx_lex_init(&lexer, (const char *)data, size);
	for (size_t n = 0;; n++) {
		struct rx_token token = rx_lex_next(&lexer);
		if (token.at < before || token.end < token.at || token.end > size || n > size + 1)
			abort();
		before = token.end;
		if (token.kind == RX_TOK_NUMBER && !isfinite(token.real))
			abort();
		if (token.kind == RX_TOK_BAD && !token.hint)
			abort();
		if (token.kind == RX_TOK_END || token.kind == RX_TOK_BAD)
			return 0;
	}
}
