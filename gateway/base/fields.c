/* fields.c: see fields.h. Codes: E102 duplicate key is found by the YAML reader; here
 * E103 unknown key, E105 wrong kind or form, E106 out of range, E107 missing key. */
#include "fields.h"

#include <string.h>

#include "number.h"

static const char *choice_at(const void *arg, size_t i)
{
	return ((const char *const *)arg)[i];
}

static enum wy_err expected(struct wy_diags *diags, const struct wy_node *node, const char *what)
{
	if (node->kind != WY_NODE_SCALAR)
		wy_diag_add(diags, WY_DIAG_ERROR, "E105", node, 0, "expected %s, found %s", what,
			    wy_node_kind_text(node));
	else
		wy_diag_add(diags, WY_DIAG_ERROR, "E105", node, 0, "expected %s, found '%s'", what,
			    node->text);
	return WY_E_INVALID;
}

enum wy_err wy_field_duration(const struct wy_node *node, wy_ms *ret_ms, struct wy_diags *diags)
{
	if (node->kind != WY_NODE_SCALAR || wy_parse_duration(node->text, node->len, ret_ms))
		return expected(diags, node, "a duration such as 90s or 1h30min");
	return WY_OK;
}

enum wy_err wy_field_real(const struct wy_node *node, double *ret_value, struct wy_diags *diags)
{
	if (node->kind != WY_NODE_SCALAR || wy_parse_real(node->text, node->len, ret_value))
		return expected(diags, node, "a number such as 12 or -0.5");
	return WY_OK;
}

enum wy_err wy_field_int(const struct wy_node *node, int64_t *ret_value, struct wy_diags *diags)
{
	if (node->kind != WY_NODE_SCALAR || wy_parse_int(node->text, node->len, ret_value))
		return expected(diags, node, "a whole number");
	return WY_OK;
}

static bool is_id(const struct wy_node *node)
{
	if (node->len < 1 || node->len > 64)
		return false;
	for (size_t i = 0; i < node->len; i++) {
		char c = node->text[i];
		bool is_fine = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
			       (c >= '0' && c <= '9') || c == '_' || c == '.' || c == '-';
		if (!is_fine)
			return false;
	}
	return true;
}

const char *wy_field_id(const struct wy_node *node, struct wy_diags *diags)
{
	if (node->kind == WY_NODE_SCALAR && is_id(node))
		return node->text;
	(void)expected(diags, node, "a name of letters, digits, _ . - (at most 64)");
	return NULL;
}

static enum wy_err in_range(struct wy_diags *diags, const struct wy_node *node,
			    const struct wy_field *row, double value)
{
	char text[120];
	struct wy_buf buf;

	if ((row->min == 0 && row->max == 0) || (value >= row->min && value <= row->max))
		return WY_OK;
	wy_buf_init(&buf, text, sizeof(text));
	if (row->kind == WY_FIELD_DURATION) {
		wy_buf_duration(&buf, (wy_ms)row->min);
		wy_buf_add(&buf, " to ");
		wy_buf_duration(&buf, (wy_ms)row->max);
	} else {
		wy_buf_addf(&buf, "%g to %g", row->min, row->max);
	}
	wy_diag_add(diags, WY_DIAG_ERROR, "E106", node, 0, "'%s' is '%s'; allowed is %s", row->key,
		    node->text, text);
	return WY_E_INVALID;
}

static enum wy_err read_choice(const struct wy_node *node, const struct wy_field *row, int *ret_index,
			       struct wy_diags *diags)
{
	char text[300];
	struct wy_buf buf;
	size_t n = 0;

	wy_buf_init(&buf, text, sizeof(text));
	for (; row->choices[n]; n++) {
		if (wy_node_is(node, row->choices[n])) {
			*ret_index = (int)n;
			return WY_OK;
		}
		wy_buf_addf(&buf, "%s%s", n ? ", " : "", row->choices[n]);
	}
	if (node->kind != WY_NODE_SCALAR)
		return expected(diags, node, text);
	const char *near = wy_nearest(node->text, n, choice_at, row->choices);
	wy_diag_add(diags, WY_DIAG_ERROR, "E105", node, 0, "'%s' cannot be '%s'; expected %s%s%s%s",
		    row->key, node->text, text, near ? "; did you mean '" : "", near ? near : "",
		    near ? "'?" : "");
	return WY_E_INVALID;
}

/* One flat switch over the kinds of fields.h. */
static enum wy_err read_value(const struct wy_node *node, const struct wy_field *row, void *member,
			      struct wy_diags *diags)
{
	enum wy_err err = WY_OK;

	switch (row->kind) {
	case WY_FIELD_TEXT:
		if (node->kind != WY_NODE_SCALAR)
			return expected(diags, node, "text");
		*(const char **)member = node->text;
		return WY_OK;
	case WY_FIELD_ID: {
		const char *id = wy_field_id(node, diags);
		if (!id)
			return WY_E_INVALID;
		*(const char **)member = id;
		return WY_OK;
	}
	case WY_FIELD_BOOL:
		if (!wy_node_is(node, "true") && !wy_node_is(node, "false"))
			return expected(diags, node, "true or false");
		*(bool *)member = wy_node_is(node, "true");
		return WY_OK;
	case WY_FIELD_INT: {
		int64_t value;
		err = wy_field_int(node, &value, diags);
		if (!err)
			err = in_range(diags, node, row, (double)value);
		if (!err)
			*(int64_t *)member = value;
		return err;
	}
	case WY_FIELD_REAL: {
		double value;
		err = wy_field_real(node, &value, diags);
		if (!err)
			err = in_range(diags, node, row, value);
		if (!err)
			*(double *)member = value;
		return err;
	}
	case WY_FIELD_DURATION: {
		wy_ms value;
		err = wy_field_duration(node, &value, diags);
		if (!err)
			err = in_range(diags, node, row, (double)value);
		if (!err)
			*(wy_ms *)member = value;
		return err;
	}
	case WY_FIELD_CHOICE:
		return read_choice(node, row, member, diags);
	case WY_FIELD_NODE:
		*(const struct wy_node **)member = node;
		return WY_OK;
	}
	return WY_E_INVALID;
}

struct field_tables {
	const struct wy_field_table *table;
	size_t n;
};

static const struct wy_field *row_of(const struct field_tables *all, const char *key, void **ret_member)
{
	for (size_t t = 0; t < all->n; t++)
		for (size_t i = 0; i < all->table[t].n_rows; i++) {
			const struct wy_field *row = &all->table[t].rows[i];
			if (strcmp(row->key, key) != 0)
				continue;
			*ret_member = (char *)all->table[t].out + row->offset;
			return row;
		}
	return NULL;
}

static size_t count_rows(const struct field_tables *all)
{
	size_t n = 0;

	for (size_t t = 0; t < all->n; t++)
		n += all->table[t].n_rows;
	return n;
}

static const char *row_key(const void *arg, size_t i)
{
	const struct wy_field_table *table = ((const struct field_tables *)arg)->table;

	for (; i >= table->n_rows; table++)
		i -= table->n_rows;
	return table->rows[i].key;
}

static enum wy_err unknown_key(const struct field_tables *all, const struct wy_node *key, struct wy_diags *diags)
{
	const char *near = wy_nearest(key->text, count_rows(all), row_key, all);

	wy_diag_add(diags, WY_DIAG_ERROR, "E103", key, 0, "unknown key '%s'%s%s%s", key->text,
		    near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
	return WY_E_INVALID;
}

static enum wy_err require(const struct wy_field_table *table, const struct wy_node *map, struct wy_diags *diags)
{
	enum wy_err err = WY_OK;

	for (size_t i = 0; i < table->n_rows; i++) {
		const struct wy_field *row = &table->rows[i];
		if (!row->is_required || wy_node_get(map, row->key))
			continue;
		wy_diag_add(diags, WY_DIAG_ERROR, "E107", map, 0, "key '%s' is missing here (%s)", row->key,
			    row->help ? row->help : "required");
		err = WY_E_INVALID;
	}
	return err;
}

enum wy_err wy_fields_read_tables(const struct wy_node *map, const struct wy_field_table *tables, size_t n_tables,
				  struct wy_diags *diags)
{
	const struct field_tables all = {tables, n_tables};
	enum wy_err err = WY_OK;
	void *member;

	if (map->kind != WY_NODE_MAP)
		return expected(diags, map, "a map");
	for (const struct wy_node *m = map->child; m; m = m->next) {
		const struct wy_field *row = row_of(&all, m->key->text, &member);
		if (row ? read_value(m, row, member, diags) : unknown_key(&all, m->key, diags))
			err = WY_E_INVALID;
	}
	for (size_t t = 0; t < n_tables; t++)
		if (require(&tables[t], map, diags))
			err = WY_E_INVALID;
	return err;
}

enum wy_err wy_fields_read(const struct wy_node *map, const struct wy_field *rows, size_t n_rows, void *out,
			   struct wy_diags *diags)
{
	const struct wy_field_table table = {rows, n_rows, out};

	return wy_fields_read_tables(map, &table, 1, diags);
}
