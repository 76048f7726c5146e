/* params.c: parameters, lengths of time and calendars of a package. */
#include "params.h"

#include <string.h>

#include "fields.h"
#include "hours.h"
#include "lex.h"
#include "names.h"
#include "number.h"

struct param_fields {
	const char *type;
	const struct wy_node *value, *min, *max;
	const char *source;
};

static const struct wy_field param_rows[] = {
	{"type", WY_FIELD_TEXT, offsetof(struct param_fields, type), true, 0, 0, NULL, "a unit, number, int or bool"},
	{"default", WY_FIELD_NODE, offsetof(struct param_fields, value), true, 0, 0, NULL, "the value without an override"},
	{"min", WY_FIELD_NODE, offsetof(struct param_fields, min), false, 0, 0, NULL, "smallest allowed value"},
	{"max", WY_FIELD_NODE, offsetof(struct param_fields, max), false, 0, 0, NULL, "largest allowed value"},
	{"source", WY_FIELD_TEXT, offsetof(struct param_fields, source), false, 0, 0, NULL, "where the number comes from"},
};

static const char *expected_form(const struct rx_param *param)
{
	if (param->type == RX_T_BOOL)
		return "true or false";
	if (param->type == RX_T_INT)
		return "a whole number";
	if (!param->unit)
		return "a bare number";
	if (wy_unit_is_alike(param->unit, wy_unit_at(WY_UNIT_MS)))
		return "a length of time such as 40s or 1h30min";
	return "a number with unit";
}

/* [-] number [unit], the whole text. */
static bool lex_value(const struct wy_node *node, struct rx_token *ret_token, bool *ret_negative)
{
	struct rx_lexer lexer;

	rx_lex_init(&lexer, node->text, node->len);
	struct rx_token token = rx_lex_next(&lexer);
	*ret_negative = rx_token_is(&token, "-");
	if (*ret_negative)
		token = rx_lex_next(&lexer);
	*ret_token = token;
	return token.kind == RX_TOK_NUMBER && rx_lex_next(&lexer).kind == RX_TOK_END;
}

bool rx_read_const(struct rx_load *load, const struct rx_param *param, const struct wy_node *node,
		   struct rx_const *ret_value)
{
	struct rx_token token;
	bool is_negative;

	if (node->kind != WY_NODE_SCALAR) {
		rx_error(load, "E105", node, 0, "expected %s, found %s", expected_form(param), wy_node_kind_text(node));
		return false;
	}
	if (param->type == RX_T_BOOL && (wy_node_is(node, "true") || wy_node_is(node, "false"))) {
		*ret_value = (struct rx_const){.truth = wy_node_is(node, "true")};
		return true;
	}
	bool is_fine = param->type != RX_T_BOOL && lex_value(node, &token, &is_negative) &&
		       wy_unit_is_alike(token.unit, param->unit) && (param->type != RX_T_INT || token.is_whole);
	if (!is_fine || (param->unit && token.unit->is_absolute != param->unit->is_absolute)) {
		rx_error(load, "E105", node, 0, "parameter '%s': expected %s%s%s, found '%s'", param->name,
			 expected_form(param), param->unit ? ", in " : "", param->unit ? param->unit->name : "",
			 node->text);
		return false;
	}
	double real = token.real * wy_unit_ratio(token.unit, param->unit);
	const struct wy_unit *ms = wy_unit_at(WY_UNIT_MS);
	bool is_time = param->unit && wy_unit_is_alike(param->unit, ms);
	if (is_time && (is_negative || real * wy_unit_ratio(param->unit, ms) > (double)WY_RULE_SPAN_MAX_MS)) {
		rx_error(load, "E401", node, 0, "parameter '%s' is '%s'; a length of time is 0s to 400d", param->name,
			 node->text);
		return false;
	}
	*ret_value = (struct rx_const){.whole = is_negative ? -token.whole : token.whole,
				       .real = is_negative ? -real : real};
	if (param->type == RX_T_INT)
		ret_value->real = (double)ret_value->whole;
	return true;
}

static const char *unit_name(const void *arg, size_t i)
{
	(void)arg;
	return wy_unit_at(i)->name;
}

static bool read_type(struct rx_load *load, struct rx_param *param, const char *type, const struct wy_node *node)
{
	char hint[RX_HINT_SIZE];

	param->type = RX_T_REAL;
	if (strcmp(type, "bool") == 0)
		param->type = RX_T_BOOL;
	else if (strcmp(type, "int") == 0)
		param->type = RX_T_INT;
	else if (strcmp(type, "number") != 0)
		param->unit = wy_unit_find(type, strlen(type));
	if (param->type != RX_T_REAL || param->unit || strcmp(type, "number") == 0)
		return true;
	rx_error(load, "E105", wy_node_get(node, "type"), 0,
		 "expected a unit, number, int or bool as type, found '%s'%s", type,
		 rx_did_you_mean(load, type, WY_UNIT_COUNT, unit_name, NULL, hint));
	return false;
}

static bool read_bound(struct rx_load *load, struct rx_param *param, const struct wy_node *node, double *ret_bound)
{
	struct rx_const value;

	if (!node || !rx_read_const(load, param, node, &value))
		return false;
	*ret_bound = value.real;
	return true;
}

static void read_param(struct rx_load *load, struct rx_param *param, const struct wy_node *node)
{
	struct param_fields fields = {0};

	param->node = node;
	param->type = RX_T_REAL;
	param->name = rx_load_text(load, node->key->text, node->key->len);
	if (!param->name || wy_fields_read(node, param_rows, sizeof(param_rows) / sizeof(*param_rows), &fields, load->diags))
		return;
	if (!read_type(load, param, fields.type, node) || !rx_read_const(load, param, fields.value, &param->value))
		return;
	param->has_min = read_bound(load, param, fields.min, &param->min);
	param->has_max = read_bound(load, param, fields.max, &param->max);
	bool is_outside = (param->has_min && param->value.real < param->min) ||
			  (param->has_max && param->value.real > param->max);
	if (is_outside)
		rx_error(load, "E207", fields.value, 0, "the default of '%s' is outside its min and max", param->name);
}

void rx_read_params(struct rx_load *load, struct rx_package *package, const struct wy_node *node)
{
	if (!node)
		return;
	if (node->kind != WY_NODE_MAP || node->n > WY_RULE_PACKAGE_MAX) {
		rx_error(load, "E105", node, 0, "expected a map of at most %u parameters", WY_RULE_PACKAGE_MAX);
		return;
	}
	package->params = rx_load_alloc(load, node->n, sizeof(*package->params));
	if (!package->params)
		return;
	for (const struct wy_node *m = node->child; m; m = m->next)
		read_param(load, &package->params[package->n_params++], m);
}

/* ---- Lengths of time ---------------------------------------------------------------------- */

bool rx_read_span(struct rx_scope *scope, const struct wy_node *node, struct rx_span *ret_span)
{
	wy_ms span_ms;

	if (node->kind == WY_NODE_SCALAR && node->len > 1 && node->text[0] == '$') {
		scope->node = node;
		uint32_t use = rx_use_of(scope, node->text + 1, node->len - 1, 0);
		if (use == RX_NO_USE)
			return false;
		const struct rx_param *param = scope->load->set->classes[scope->cls].uses[use].param;
		if (param->unit && wy_unit_is_alike(param->unit, wy_unit_at(WY_UNIT_MS))) {
			double default_ms = param->value.real * wy_unit_ratio(param->unit, wy_unit_at(WY_UNIT_MS));
			*ret_span = (struct rx_span){(wy_ms)(default_ms + 0.5), use};
			return true;
		}
		rx_error(scope->load, "E201", node, 0, "parameter '%s' is no length of time (its type is %s); expected one of type s, min, h",
			 param->name, param->unit ? param->unit->name : "a bare number or bool");
		return false;
	}
	if (wy_field_duration(node, &span_ms, scope->load->diags))
		return false;
	if (span_ms > WY_RULE_SPAN_MAX_MS) {
		rx_error(scope->load, "E401", node, 0, "a length of time is at most 400d");
		return false;
	}
	*ret_span = (struct rx_span){span_ms, RX_NO_USE};
	return true;
}

/* ---- Calendars ---------------------------------------------------------------------------- */

static void read_calendar(struct rx_load *load, struct rx_calendar *calendar, const struct wy_node *node)
{
	calendar->name = rx_load_text(load, node->key->text, node->key->len);
	(void)!wy_hours_read(node, &calendar->hours, load->diags);
}

void rx_read_calendars(struct rx_load *load, struct rx_package *package, const struct wy_node *node)
{
	if (!node)
		return;
	if (node->kind != WY_NODE_MAP || node->n > WY_RULE_PACKAGE_MAX) {
		rx_error(load, "E105", node, 0, "expected a map of at most %u calendars", WY_RULE_PACKAGE_MAX);
		return;
	}
	package->calendars = rx_load_alloc(load, node->n, sizeof(*package->calendars));
	if (!package->calendars)
		return;
	for (const struct wy_node *m = node->child; m; m = m->next)
		read_calendar(load, &package->calendars[package->n_calendars++], m);
}
