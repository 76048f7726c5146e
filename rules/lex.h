/* lex.h: the text of one expression into tokens, each with its place in the text. */
#ifndef RX_LEX_H
#define RX_LEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "units.h"

enum rx_token_kind {
	RX_TOK_END,
	RX_TOK_NUMBER, /* with or without unit */
	RX_TOK_NAME,   /* lower case: point, function, keyword */
	RX_TOK_WORD,   /* upper case: enum value */
	RX_TOK_PARAM,  /* $name; text is without the $ */
	RX_TOK_STRING, /* "..."; text is without the quotes */
	RX_TOK_SIGN,   /* ( ) [ ] { } , . + - * / < <= > >= == != = */
	RX_TOK_BAD,    /* not part of the language; see hint */
};

struct rx_token {
	enum rx_token_kind kind;
	uint32_t at, end; /* byte range in the text */
	const char *text;
	size_t len;
	double real;     /* NUMBER */
	int64_t whole;   /* NUMBER without point and unit */
	bool is_whole;
	const struct wy_unit *unit; /* NULL: none. Durations come in ms */
	const char *hint;           /* BAD: what is wrong or what to write instead */
};

struct rx_lexer {
	const char *text;
	size_t len;
	size_t at;
};

void rx_lex_init(struct rx_lexer *lexer, const char *text, size_t len);
/* The next token; END for ever at the end. */
struct rx_token rx_lex_next(struct rx_lexer *lexer);
bool rx_token_is(const struct rx_token *token, const char *text);

#endif
