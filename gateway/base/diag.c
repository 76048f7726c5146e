/* diag.c: see diag.h. */
#include "diag.h"

#include <stdarg.h>
#include <string.h>

enum { TEXT_MAX = 600, LINE_SHOWN_MAX = 160 };

void wy_diags_init(struct wy_diags *diags, struct wy_arena *arena)
{
	memset(diags, 0, sizeof(*diags));
	diags->arena = arena;
}

/* Room for one more; an error takes that of the latest warning: a hundred assets without a source must not hide why
 * the load was refused. NULL: none. */
static struct wy_diag *next_item(struct wy_diags *diags, enum wy_severity severity)
{
	size_t at = diags->n;

	if (diags->n < WY_DIAGS_MAX)
		return &diags->item[diags->n++];
	while (severity == WY_DIAG_ERROR && at > 0 && diags->item[at - 1].severity == WY_DIAG_ERROR)
		at--;
	if (severity != WY_DIAG_ERROR || at == 0)
		return NULL;
	memmove(&diags->item[at - 1], &diags->item[at], (diags->n - at) * sizeof(*diags->item));
	return &diags->item[diags->n - 1];
}

static void add(struct wy_diags *diags, enum wy_severity severity, const char *code,
		const struct wy_source *source, struct wy_place place, const char *fmt, va_list args)
{
	char text[TEXT_MAX];
	struct wy_buf buf;

	if (severity == WY_DIAG_ERROR)
		diags->errors++;
	else
		diags->warnings++;
	struct wy_diag *diag = next_item(diags, severity);
	if (!diag)
		return;
	memset(diag, 0, sizeof(*diag));
	wy_buf_init(&buf, text, sizeof(text));
	wy_buf_vaddf(&buf, fmt, args);
	diag->severity = severity;
	strncpy(diag->code, code, sizeof(diag->code) - 1);
	diag->file = source ? source->name : NULL;
	diag->source = source;
	diag->place = place;
	diag->text = wy_arena_text(diags->arena, text, buf.len);
	if (!diag->text)
		diag->text = "(no memory left for the text of this message)";
}

void wy_diag_add(struct wy_diags *diags, enum wy_severity severity, const char *code,
		 const struct wy_node *where, size_t at, const char *fmt, ...)
{
	struct wy_place place = {0, 0};
	va_list args;

	if (where)
		place = wy_node_place(where, at);
	va_start(args, fmt);
	add(diags, severity, code, where ? where->source : NULL, place, fmt, args);
	va_end(args);
}

void wy_diag_at(struct wy_diags *diags, enum wy_severity severity, const char *code,
		const struct wy_source *source, struct wy_place place, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	add(diags, severity, code, source, place, fmt, args);
	va_end(args);
}

static void print_line(const struct wy_diag *diag, struct wy_buf *buf)
{
	const char *at = diag->source->text;
	const char *end = at + diag->source->len;

	for (uint32_t line = 1; line < diag->place.line && at < end; at++)
		line += *at == '\n';
	if (at >= end || !diag->place.line)
		return;
	size_t len = 0;
	while (at + len < end && at[len] != '\n' && at[len] != '\r' && len < LINE_SHOWN_MAX)
		len++;
	wy_buf_add(buf, "\n  ");
	wy_buf_addn(buf, at, len);
	wy_buf_add(buf, "\n  ");
	uint32_t column = 1;
	for (size_t i = 0; i < len && column < diag->place.column; i++) {
		unsigned char c = (unsigned char)at[i];
		if ((c & 0xC0) == 0x80)
			continue;
		/* A wide (CJK) character takes two cells on a terminal. */
		wy_buf_add(buf, c == '\t' ? "\t" : (c >= 0xE3 ? "  " : " "));
		column++;
	}
	wy_buf_add(buf, "^");
}

void wy_diag_print(const struct wy_diag *diag, struct wy_buf *buf)
{
	if (diag->file)
		wy_buf_add(buf, diag->file);
	if (diag->place.line)
		wy_buf_addf(buf, ":%u:%u", diag->place.line, diag->place.column);
	wy_buf_addf(buf, "%s%s %s: %s", diag->file ? ": " : "",
		    diag->severity == WY_DIAG_ERROR ? "error" : "warning", diag->code, diag->text);
	if (diag->source)
		print_line(diag, buf);
}
