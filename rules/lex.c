/* lex.c: see lex.h. Numbers are read by base/number.h, units only from the closed table; a unit
 * belongs to the number before it, with at most one blank between. */
#include "lex.h"

#include <string.h>

#include "number.h"

enum { NAME_MAX = 128 };

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_name(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || is_digit(c);
}

void rx_lex_init(struct rx_lexer *lexer, const char *text, size_t len)
{
	lexer->text = text;
	lexer->len = len;
	lexer->at = 0;
}

bool rx_token_is(const struct rx_token *token, const char *text)
{
	return (token->kind == RX_TOK_NAME || token->kind == RX_TOK_SIGN) && token->len == strlen(text) &&
	       memcmp(token->text, text, token->len) == 0;
}

static size_t name_end(const struct rx_lexer *lexer, size_t at)
{
	while (at < lexer->len && is_name(lexer->text[at]))
		at++;
	return at;
}

/* The longest unit that stands at `at` and ends there as a word. */
static const struct wy_unit *unit_at(const struct rx_lexer *lexer, size_t at)
{
	const struct wy_unit *best = NULL;
	size_t best_len = 0;

	for (size_t i = 0; i < WY_UNIT_COUNT; i++) {
		const struct wy_unit *unit = wy_unit_at(i);
		size_t len = strlen(unit->name);
		if (len <= best_len || len > lexer->len - at || memcmp(lexer->text + at, unit->name, len) != 0)
			continue;
		bool is_word = is_name(unit->name[len - 1]);
		if (is_word && at + len < lexer->len && is_name(lexer->text[at + len]))
			continue;
		best = unit;
		best_len = len;
	}
	return best;
}

static void bad(struct rx_token *token, size_t end, const char *hint)
{
	token->kind = RX_TOK_BAD;
	token->end = (uint32_t)end;
	token->len = end - token->at;
	token->hint = hint;
}

static bool lex_duration(struct rx_lexer *lexer, struct rx_token *token)
{
	size_t end = name_end(lexer, token->at);
	wy_ms span_ms;

	if (wy_parse_duration(token->text, end - token->at, &span_ms))
		return false;
	token->real = (double)span_ms;
	token->unit = wy_unit_at(WY_UNIT_MS);
	token->end = (uint32_t)end;
	return true;
}

static void lex_number(struct rx_lexer *lexer, struct rx_token *token)
{
	size_t end = token->at;

	token->kind = RX_TOK_NUMBER;
	if (lex_duration(lexer, token))
		return;
	while (end < lexer->len && is_digit(lexer->text[end]))
		end++;
	bool has_point = end + 1 < lexer->len && lexer->text[end] == '.' && is_digit(lexer->text[end + 1]);
	if (has_point)
		for (end++; end < lexer->len && is_digit(lexer->text[end]);)
			end++;
	token->is_whole = !has_point;
	if (wy_parse_real(token->text, end - token->at, &token->real) ||
	    (token->is_whole && wy_parse_int(token->text, end - token->at, &token->whole))) {
		bad(token, end, "a number with at most 17 digits is expected");
		return;
	}
	size_t unit_from = end + (end < lexer->len && lexer->text[end] == ' ');
	token->unit = unit_from < lexer->len ? unit_at(lexer, unit_from) : NULL;
	if (token->unit) {
		token->is_whole = false;
		end = unit_from + strlen(token->unit->name);
	} else if (end < lexer->len && is_name(lexer->text[end])) {
		bad(token, name_end(lexer, end), "no unit of this name");
		return;
	}
	token->end = (uint32_t)end;
}

static void lex_string(struct rx_lexer *lexer, struct rx_token *token)
{
	const char *from = token->text + 1;
	const char *close = memchr(from, '"', lexer->len - token->at - 1);

	if (!close) {
		bad(token, lexer->len, "the closing \" is missing");
		return;
	}
	token->kind = RX_TOK_STRING;
	token->text = from;
	token->len = (size_t)(close - from);
	token->end = (uint32_t)(close + 1 - lexer->text);
}

static void lex_sign(struct rx_lexer *lexer, struct rx_token *token)
{
	static const char *const two[] = {"==", "!=", "<=", ">="};
	static const struct {
		const char *text, *hint;
	} strange[] = {
		{"&&", "write 'and'"},  {"||", "write 'or'"},  {"<>", "write '!='"},
		{"=<", "write '<='"},   {"=>", "write '>='"},  {"&", "write 'and'"},
		{"|", "write 'or'"},    {"!", "write 'not'"},  {"'", "write enum values in capitals, without quotes"},
		{"%", "it belongs to a number, as in '5 %'; there is no remainder"},
		{"°", "temperatures are written in degC, differences in dK"},
		{"≥", "write '>='"},    {"≤", "write '<='"},   {"≠", "write '!='"},
		{"×", "write '*'"},     {"÷", "write '/'"},    {"²", "write m2 or m3"}, {"³", "write m2 or m3"},
		{"（", "write '(' of the plain keyboard"}, {"）", "write ')' of the plain keyboard"},
		{"，", "write ',' of the plain keyboard"}, {"＞", "write '>' of the plain keyboard"},
		{"＜", "write '<' of the plain keyboard"}, {"＝", "write '==' of the plain keyboard"},
		{"“", "write enum values in capitals, without quotes"},
	};
	size_t left = lexer->len - token->at;

	token->kind = RX_TOK_SIGN;
	for (size_t i = 0; i < sizeof(two) / sizeof(*two); i++) {
		if (left >= 2 && memcmp(token->text, two[i], 2) == 0) {
			token->end = token->at + 2;
			return;
		}
	}
	for (size_t i = 0; i < sizeof(strange) / sizeof(*strange); i++) {
		size_t len = strlen(strange[i].text);
		if (left >= len && memcmp(token->text, strange[i].text, len) == 0) {
			bad(token, token->at + len, strange[i].hint);
			return;
		}
	}
	token->end = token->at + 1;
	if (strchr("()[]{},.+-*/<>=", token->text[0]))
		return;
	/* A whole UTF-8 character, so that the message shows it. */
	size_t end = token->end;
	while (end < lexer->len && ((unsigned char)lexer->text[end] & 0xC0) == 0x80)
		end++;
	bad(token, end, "no such sign in the language; there are and or not == != < <= > >= + - * /");
}

struct rx_token rx_lex_next(struct rx_lexer *lexer)
{
	struct rx_token token = {.kind = RX_TOK_END};

	while (lexer->at < lexer->len && strchr(" \t\r\n", lexer->text[lexer->at]))
		lexer->at++;
	token.at = token.end = (uint32_t)lexer->at;
	token.text = lexer->text + lexer->at;
	if (lexer->at >= lexer->len)
		return token;
	char c = token.text[0];
	if (is_digit(c)) {
		lex_number(lexer, &token);
	} else if (c == '"') {
		lex_string(lexer, &token);
	} else if (c == '$') {
		token.kind = RX_TOK_PARAM;
		token.text++;
		token.end = (uint32_t)name_end(lexer, lexer->at + 1);
		token.len = token.end - token.at - 1;
		if (token.len > NAME_MAX)
			bad(&token, token.end, "no name is that long");
		if (!token.len)
			bad(&token, token.at + 1, "the name of a parameter is expected after $");
	} else if (is_name(c)) {
		token.kind = c >= 'A' && c <= 'Z' ? RX_TOK_WORD : RX_TOK_NAME;
		token.end = (uint32_t)name_end(lexer, lexer->at);
		if (token.end - token.at > NAME_MAX)
			bad(&token, token.end, "no name is that long");
	} else {
		lex_sign(lexer, &token);
	}
	if (token.kind != RX_TOK_STRING && token.kind != RX_TOK_PARAM)
		token.len = token.end - token.at;
	lexer->at = token.end;
	return token;
}
