/* parse.c: see parse.h. One function per grammar rule. After a mistake every function returns NULL
 * and the first message stands; the caller goes on with the next expression of the file. */
#include "parse.h"

#include <string.h>

#include "lex.h"

enum { FOUND_MAX = 48 };

struct parser {
	struct rx_lexer *lexer;
	struct rx_token token;
	struct rx_token last; /* the one before */
	const struct wy_node *node;
	size_t offset;
	struct wy_arena *arena;
	struct wy_diags *diags;
	enum wy_err err;
	unsigned n_nodes;
	unsigned depth;
};

static struct rx_expr *parse_expression(struct parser *p);

static const char *found(const struct rx_token *token)
{
	return token->kind == RX_TOK_END ? "the end" : token->text;
}

/* As much of it as a message needs, whole characters only. */
static int found_len(const struct rx_token *token, const char *text)
{
	size_t len = token->kind == RX_TOK_END ? 7 : token->end - token->at;

	if (len > FOUND_MAX)
		for (len = FOUND_MAX; len && ((unsigned char)text[len] & 0xC0) == 0x80;)
			len--;
	return (int)len;
}

static struct rx_expr *fail(struct parser *p, const char *expected)
{
	const struct rx_token *token = &p->token;

	if (p->err)
		return NULL;
	p->err = WY_E_INVALID;
	const char *text = token->kind == RX_TOK_END ? found(token) : p->lexer->text + token->at;
	if (token->kind == RX_TOK_BAD)
		wy_diag_add(p->diags, WY_DIAG_ERROR, "E104", p->node, p->offset + token->at, "'%.*s': %s",
			    found_len(token, text), text, token->hint);
	else
		wy_diag_add(p->diags, WY_DIAG_ERROR, "E104", p->node, p->offset + token->at,
			    token->kind == RX_TOK_END ? "expected %s, found %.*s" : "expected %s, found '%.*s'",
			    expected, found_len(token, text), text);
	return NULL;
}

static struct rx_expr *fail_said(struct parser *p, size_t at, const char *message)
{
	if (!p->err)
		wy_diag_add(p->diags, WY_DIAG_ERROR, "E104", p->node, p->offset + at, "%s", message);
	p->err = WY_E_INVALID;
	return NULL;
}

static void advance(struct parser *p)
{
	p->last = p->token;
	p->token = rx_lex_next(p->lexer);
}

static bool take(struct parser *p, const char *text)
{
	if (!rx_token_is(&p->token, text))
		return false;
	advance(p);
	return true;
}

static bool expect(struct parser *p, const char *text, const char *expected)
{
	if (take(p, text))
		return true;
	fail(p, expected);
	return false;
}

static struct rx_expr *make(struct parser *p, enum rx_op op, uint32_t at)
{
	if (p->err)
		return NULL;
	if (++p->n_nodes > WY_EXPR_NODES_MAX) {
		wy_diag_add(p->diags, WY_DIAG_ERROR, "E601", p->node, p->offset + at,
			    "this expression has more than %u parts; split it into rules", WY_EXPR_NODES_MAX);
		p->err = WY_E_LIMIT;
		return NULL;
	}
	struct rx_expr *e = wy_arena_alloc(p->arena, sizeof(*e));
	if (!e) {
		p->err = WY_E_NOMEM;
		return NULL;
	}
	e->op = (uint8_t)op;
	e->at = at;
	e->end = p->token.end;
	return e;
}

static bool enter(struct parser *p)
{
	if (++p->depth <= WY_EXPR_DEPTH_MAX)
		return true;
	if (!p->err)
		wy_diag_add(p->diags, WY_DIAG_ERROR, "E601", p->node, p->offset + p->token.at,
			    "more than %u levels of nesting; split it into rules, and join them with alarm()", WY_EXPR_DEPTH_MAX);
	p->err = WY_E_LIMIT;
	return false;
}

static struct rx_expr *pair(struct parser *p, enum rx_op op, struct rx_expr *a, struct rx_expr *b)
{
	struct rx_expr *e = a && b ? make(p, op, a->at) : NULL;

	if (!e)
		return NULL;
	e->child = a;
	a->next = b;
	e->end = b->end;
	return e;
}

static void take_text(struct rx_expr *e, const struct rx_token *token)
{
	e->name = token->text;
	e->name_len = token->len;
	e->end = token->end;
}

/* argument = [ identifier "=" ] expression */
static struct rx_expr *parse_argument(struct parser *p)
{
	struct rx_lexer ahead = *p->lexer;
	struct rx_token name = p->token;
	struct rx_token next = rx_lex_next(&ahead);
	bool is_named = name.kind == RX_TOK_NAME && rx_token_is(&next, "=");

	if (is_named) {
		advance(p);
		advance(p);
	}
	struct rx_expr *e = parse_expression(p);
	if (e && is_named) {
		e->arg_name = name.text;
		e->arg_name_len = name.len;
	}
	return e;
}

/* call = identifier "(" [ argument { "," argument } ] ")" */
static struct rx_expr *parse_call(struct parser *p, const struct rx_token *name)
{
	struct rx_expr *e = make(p, RX_CALL, name->at);

	if (!e)
		return NULL;
	take_text(e, name);
	advance(p); /* ( */
	struct rx_expr **tail = &e->child;
	while (!rx_token_is(&p->token, ")")) {
		if (e->child && p->token.kind == RX_TOK_END)
			return fail_said(p, p->token.at, "expected ',' or ')', found the end; inside {...} of the file a "
							 "comma ends the value: put the condition in quotes");
		if (e->child && !expect(p, ",", "',' or ')'"))
			return NULL;
		*tail = parse_argument(p);
		if (!*tail)
			return NULL;
		tail = &(*tail)->next;
	}
	e->end = p->token.end;
	advance(p);
	return e;
}

static struct rx_expr *parse_name(struct parser *p)
{
	struct rx_token name = p->token;

	if (rx_token_is(&name, "and") || rx_token_is(&name, "or") || rx_token_is(&name, "in"))
		return fail(p, "a value before it");
	if (rx_token_is(&name, "not"))
		return fail_said(p, name.at, "'not' belongs before a condition; put the condition in parentheses");
	advance(p);
	if (rx_token_is(&p->token, "("))
		return parse_call(p, &name);
	bool is_truth = rx_token_is(&name, "true") || rx_token_is(&name, "false");
	struct rx_expr *e = make(p, is_truth ? RX_TRUTH : RX_POINT, name.at);
	if (!e)
		return NULL;
	take_text(e, &name);
	e->truth = is_truth && rx_token_is(&name, "true");
	while (!is_truth && take(p, ".")) {
		if (p->token.kind != RX_TOK_NAME)
			return fail(p, "a name after '.'");
		e->end = p->token.end;
		e->name_len = (size_t)(p->token.text + p->token.len - e->name);
		advance(p);
	}
	return e;
}

static struct rx_expr *parse_leaf(struct parser *p, enum rx_op op)
{
	struct rx_expr *e = make(p, op, p->token.at);

	if (!e)
		return NULL;
	take_text(e, &p->token);
	e->real = p->token.real;
	e->whole = p->token.whole;
	e->is_whole = p->token.is_whole;
	e->unit = p->token.unit;
	advance(p);
	return e;
}

static struct rx_expr *parse_group(struct parser *p)
{
	uint32_t at = p->token.at;

	advance(p);
	struct rx_expr *e = parse_expression(p);
	if (!e)
		return NULL;
	e->at = at;
	e->end = p->token.end;
	return expect(p, ")", "')'") ? e : NULL;
}

static struct rx_expr *parse_primary(struct parser *p)
{
	switch (p->token.kind) {
	case RX_TOK_NUMBER:
		return parse_leaf(p, RX_NUMBER);
	case RX_TOK_WORD:
		return parse_leaf(p, RX_WORD);
	case RX_TOK_PARAM:
		return parse_leaf(p, RX_PARAM);
	case RX_TOK_NAME:
		return parse_name(p);
	case RX_TOK_STRING:
		return fail(p, "a value; enum values stand in capitals, without quotes");
	case RX_TOK_SIGN:
		if (rx_token_is(&p->token, "("))
			return parse_group(p);
		break;
	case RX_TOK_END:
	case RX_TOK_BAD:
		break;
	}
	return fail(p, "a value (point, number, $parameter, function or '(')");
}

/* unary = [ "-" ] primary */
static struct rx_expr *parse_unary(struct parser *p)
{
	uint32_t at = p->token.at;

	if (!take(p, "-"))
		return parse_primary(p);
	struct rx_expr *child = parse_primary(p);
	struct rx_expr *e = child ? make(p, RX_NEG, at) : NULL;
	if (!e)
		return NULL;
	e->child = child;
	e->end = child->end;
	return e;
}

static struct rx_expr *parse_product(struct parser *p)
{
	struct rx_expr *e = parse_unary(p);

	while (e && (rx_token_is(&p->token, "*") || rx_token_is(&p->token, "/"))) {
		enum rx_op op = rx_token_is(&p->token, "*") ? RX_MUL : RX_DIV;
		advance(p);
		e = pair(p, op, e, parse_unary(p));
	}
	return e;
}

static struct rx_expr *parse_sum(struct parser *p)
{
	struct rx_expr *e = parse_product(p);

	while (e && (rx_token_is(&p->token, "+") || rx_token_is(&p->token, "-"))) {
		enum rx_op op = rx_token_is(&p->token, "+") ? RX_ADD : RX_SUB;
		advance(p);
		e = pair(p, op, e, parse_product(p));
	}
	return e;
}

static bool compare_of(const struct rx_token *token, enum rx_cmp *ret_cmp)
{
	static const char *const names[] = {"==", "!=", "<", "<=", ">", ">="};

	for (unsigned i = 0; i < 6; i++) {
		if (!rx_token_is(token, names[i]))
			continue;
		*ret_cmp = (enum rx_cmp)i;
		return true;
	}
	return false;
}

/* ( set | range ) after "in" */
static struct rx_expr *parse_in(struct parser *p, struct rx_expr *left)
{
	bool is_set = rx_token_is(&p->token, "{");

	if (!is_set && !rx_token_is(&p->token, "["))
		return fail(p, "'{' for a list of values or '[' for a range after 'in'");
	advance(p);
	struct rx_expr *e = make(p, is_set ? RX_IN_SET : RX_IN_RANGE, left->at);
	if (!e)
		return NULL;
	e->child = left;
	struct rx_expr **tail = &left->next;
	unsigned n = 0;
	do {
		*tail = parse_sum(p);
		if (!*tail)
			return NULL;
		tail = &(*tail)->next;
		n++;
	} while ((is_set || n < 2) && take(p, ","));
	if (!is_set && n != 2)
		return fail(p, "',' and the upper end of the range");
	e->end = p->token.end;
	return expect(p, is_set ? "}" : "]", is_set ? "',' or '}'" : "']'") ? e : NULL;
}

/* comparison = sum [ cmp_op sum | "in" ( set | range ) ] */
static struct rx_expr *parse_comparison(struct parser *p)
{
	struct rx_expr *left = parse_sum(p);
	enum rx_cmp cmp;

	if (!left)
		return NULL;
	if (take(p, "in"))
		return parse_in(p, left);
	if (rx_token_is(&p->token, "="))
		return fail_said(p, p->token.at, "'=' compares nothing; did you mean '=='?");
	if (!compare_of(&p->token, &cmp))
		return left;
	advance(p);
	struct rx_expr *e = pair(p, RX_COMPARE, left, parse_sum(p));
	if (!e)
		return NULL;
	e->cmp = (uint8_t)cmp;
	if (compare_of(&p->token, &cmp))
		return fail_said(p, p->token.at, "comparisons cannot be chained; join two with 'and'");
	return e;
}

static struct rx_expr *parse_not(struct parser *p)
{
	uint32_t at = p->token.at;

	if (!take(p, "not"))
		return parse_comparison(p);
	struct rx_expr *child = enter(p) ? parse_not(p) : NULL;
	p->depth--;
	struct rx_expr *e = child ? make(p, RX_NOT, at) : NULL;
	if (!e)
		return NULL;
	e->child = child;
	e->end = child->end;
	return e;
}

/* One level of "a and b and c" as one node with many children. */
static struct rx_expr *parse_list(struct parser *p, enum rx_op op, const char *word,
				  struct rx_expr *(*parse_part)(struct parser *))
{
	struct rx_expr *first = parse_part(p);

	if (!first || !rx_token_is(&p->token, word))
		return first;
	struct rx_expr *e = make(p, op, first->at);
	if (!e)
		return NULL;
	e->child = first;
	struct rx_expr *last = first;
	while (take(p, word)) {
		last->next = parse_part(p);
		if (!last->next)
			return NULL;
		last = last->next;
	}
	e->end = last->end;
	return e;
}

static struct rx_expr *parse_and(struct parser *p)
{
	return parse_list(p, RX_AND, "and", parse_not);
}

static struct rx_expr *parse_expression(struct parser *p)
{
	struct rx_expr *e = enter(p) ? parse_list(p, RX_OR, "or", parse_and) : NULL;

	p->depth--;
	return e;
}

static bool is_loud(const struct rx_token *token, const char *word)
{
	return token->kind == RX_TOK_WORD && token->len == strlen(word) && memcmp(token->text, word, token->len) == 0;
}

/* A name right after a number was meant as its unit. */
static void fail_rest(struct parser *p)
{
	char name[40];
	struct wy_buf buf;

	if (is_loud(&p->token, "AND") || is_loud(&p->token, "OR") || is_loud(&p->token, "IN") || is_loud(&p->last, "NOT")) {
		fail_said(p, is_loud(&p->last, "NOT") ? p->last.at : p->token.at,
			  "'and', 'or', 'not' and 'in' are written in small letters");
		return;
	}
	if (p->last.kind != RX_TOK_NUMBER || p->last.unit || p->token.kind == RX_TOK_SIGN ||
	    p->token.kind == RX_TOK_BAD) {
		fail(p, "an operator ('and', 'or', a comparison ...) or the end");
		return;
	}
	wy_buf_init(&buf, name, sizeof(name));
	wy_buf_addn(&buf, p->token.text, p->token.len);
	const char *near = wy_unit_nearest(name);
	wy_diag_add(p->diags, WY_DIAG_ERROR, "E104", p->node, p->offset + p->token.at,
		    "expected a unit, an operator or the end, found '%s'%s%s%s", name,
		    near ? "; did you mean the unit '" : "", near ? near : "", near ? "'?" : "");
	p->err = WY_E_INVALID;
}

struct rx_expr *rx_parse(const struct wy_node *node, size_t offset, const char *text, size_t len,
			 struct wy_arena *arena, struct wy_diags *diags, enum wy_err *ret_err)
{
	struct rx_lexer lexer;
	struct parser p = {.lexer = &lexer, .node = node, .offset = offset, .arena = arena, .diags = diags};

	rx_lex_init(&lexer, text, len);
	advance(&p);
	struct rx_expr *e = parse_expression(&p);
	if (e && !p.err && p.token.kind != RX_TOK_END)
		fail_rest(&p);
	*ret_err = p.err;
	return p.err ? NULL : e;
}
