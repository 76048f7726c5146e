/* link_format.c: see link_format.h. The grammar is small:
 *
 *   list   = link *( "," link )        link  = "<" path ">" *( ";" param )
 *   param  = name [ "=" ( token | '"' text '"' ) ]
 *
 * RFC 6690 allows no blanks around separators; devices send line ends after commas, so blanks there are forgiven. */
#include "link_format.h"

#include <stdint.h>
#include <string.h>

struct reader {
	const char *text;
	size_t len, at;
};

struct span {
	const char *at;
	size_t len;
};

static bool is_at(const struct reader *r, char c)
{
	return r->at < r->len && r->text[r->at] == c;
}

static bool take(struct reader *r, char c)
{
	if (!is_at(r, c))
		return false;
	r->at++;
	return true;
}

static void skip_blanks(struct reader *r)
{
	while (is_at(r, ' ') || is_at(r, '\t') || is_at(r, '\r') || is_at(r, '\n'))
		r->at++;
}

static bool is_printable(char c)
{
	return c > ' ' && c < 0x7F;
}

static bool is_token(char c)
{
	return is_printable(c) && !strchr("\"(),;<=>?@[\\]{}", c);
}

static bool is_bare(char c)
{
	return is_printable(c) && !strchr("\",;\\", c);
}

/* As many as fit, at least one. */
static bool take_while(struct reader *r, bool (*fits)(char), struct span *span)
{
	size_t from = r->at;

	while (r->at < r->len && fits(r->text[r->at]))
		r->at++;
	*span = (struct span){r->text + from, r->at - from};
	return span->len > 0;
}

/* Between quotes; what is within stays as it was written, so a text with a backslash is passed on with it. Bytes of
 * other alphabets may stand in titles, control characters nowhere. */
static bool take_quoted(struct reader *r, struct span *span)
{
	size_t from = r->at;

	while (r->at < r->len && r->text[r->at] != '"') {
		if (r->text[r->at] == '\\')
			r->at++;
		if (r->at >= r->len || (uint8_t)r->text[r->at] < ' ' || r->text[r->at] == 0x7F)
			return false;
		r->at++;
	}
	*span = (struct span){r->text + from, r->at - from};
	return take(r, '"');
}

/* ---- Links ----------------------------------------------------------------------------------- */

struct link {
	struct span target, type, interface, formats;
	bool is_observable, has_anchor;
};

static bool is_param(const struct span *name, const char *text)
{
	return name->len == strlen(text) && memcmp(name->at, text, name->len) == 0;
}

static bool read_param(struct reader *r, struct link *link)
{
	const struct {
		const char *name;
		struct span *value;
	} rows[] = {{"rt", &link->type}, {"if", &link->interface}, {"ct", &link->formats}};
	struct span name, value = {"", 0};
	bool is_good = take_while(r, is_token, &name);

	if (is_good && take(r, '='))
		is_good = take(r, '"') ? take_quoted(r, &value) : take_while(r, is_bare, &value);
	if (!is_good)
		return false;
	link->is_observable |= is_param(&name, "obs");
	link->has_anchor |= is_param(&name, "anchor");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (is_param(&name, rows[i].name) && rows[i].value->len == 0)
			*rows[i].value = value;
	return true;
}

static bool is_of_target(char c)
{
	return is_printable(c) && c != '<' && c != '>';
}

static bool read_link(struct reader *r, struct link *link)
{
	*link = (struct link){.target = {"", 0}};
	if (!take(r, '<') || !take_while(r, is_of_target, &link->target) || !take(r, '>'))
		return false;
	for (skip_blanks(r); take(r, ';'); skip_blanks(r)) {
		skip_blanks(r);
		if (!read_param(r, link))
			return false;
	}
	return true;
}

static const char *keep(struct link_list *list, struct span span)
{
	char *text = list->text + list->used;

	if (span.len >= sizeof(list->text) - list->used)
		return NULL;
	for (size_t i = 0; i < span.len; i++)
		text[i] = span.at[i] >= ' ' && span.at[i] < 0x7F ? span.at[i] : '?';
	text[span.len] = '\0';
	list->used += span.len + 1;
	return text;
}

static enum wy_err add(struct link_list *list, const struct link *link)
{
	struct link_row *row = &list->row[list->n];

	if (link->has_anchor || link->target.at[0] != '/' || (link->target.len > 1 && link->target.at[1] == '/'))
		return WY_OK;
	if (list->n == WY_LINKS_MAX)
		return WY_E_LIMIT;
	row->path = keep(list, link->target);
	row->type = keep(list, link->type.at ? link->type : (struct span){"", 0});
	row->interface = keep(list, link->interface.at ? link->interface : (struct span){"", 0});
	row->formats = keep(list, link->formats.at ? link->formats : (struct span){"", 0});
	row->is_observable = link->is_observable;
	if (!row->path || !row->type || !row->interface || !row->formats)
		return WY_E_LIMIT;
	list->n++;
	return WY_OK;
}

static enum wy_err read_list(struct reader *r, struct link_list *list)
{
	enum wy_err err = WY_OK;

	skip_blanks(r);
	if (r->at == r->len)
		return WY_OK;
	do {
		struct link link;
		skip_blanks(r);
		if (!read_link(r, &link))
			return WY_E_PROTOCOL;
		err = add(list, &link);
	} while (err == WY_OK && take(r, ','));
	return err == WY_OK && r->at != r->len ? WY_E_PROTOCOL : err;
}

enum wy_err link_format_read(const void *payload, size_t len, struct link_list *list)
{
	struct reader reader = {.text = payload, .len = len};
	enum wy_err err;

	list->n = list->used = 0;
	if (len > WY_COAP_PAYLOAD_MAX)
		return WY_E_LIMIT;
	err = read_list(&reader, list);
	if (err != WY_OK)
		list->n = list->used = 0;
	return err;
}

bool link_list_has(const struct link_list *list, const char *path)
{
	for (size_t i = 0; i < list->n; i++) {
		size_t len = strlen(list->row[i].path);
		if (strncmp(list->row[i].path, path, len) == 0 && len > 1 && (path[len] == '\0' || path[len] == '/'))
			return true;
	}
	return false;
}
