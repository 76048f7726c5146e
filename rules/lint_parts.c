/* lint_parts.c: see lint_parts.h. */
#include "lint_parts.h"

bool rx_lens_is_quiet(const struct rx_lens *lens)
{
	return lens->from && !lens->blame;
}

const struct rx_const *rx_lens_value(struct rx_lens *lens, uint32_t use)
{
	if (!lens->values)
		return &lens->load->set->classes[lens->variant->cls].uses[use].param->value;
	bool is_nearer = lens->from[use] && (!lens->blame || lens->from[use]->asset);
	if (is_nearer)
		lens->blame = lens->from[use];
	return &lens->values[use];
}

double rx_lens_span(struct rx_lens *lens, const struct rx_span *span)
{
	if (span->use == RX_NO_USE)
		return (double)span->ms;
	const struct wy_unit *unit = lens->load->set->classes[lens->variant->cls].uses[span->use].param->unit;
	return rx_lens_value(lens, span->use)->real * wy_unit_ratio(unit, wy_unit_at(WY_UNIT_MS));
}

bool rx_lens_number(struct rx_lens *lens, const struct rx_expr *e, double *ret_number)
{
	bool is_word = e->op == RX_WORD || e->op == RX_TRUTH;

	if (is_word)
		*ret_number = e->op == RX_WORD ? (double)e->whole : (double)e->truth;
	else if (e->op == RX_NUMBER)
		*ret_number = e->real;
	else if (e->op == RX_PARAM && e->type == RX_T_BOOL)
		*ret_number = (double)rx_lens_value(lens, e->index)->truth;
	else if (e->op == RX_PARAM)
		*ret_number = rx_lens_value(lens, e->index)->real;
	else if (e->op == RX_SCALE && rx_lens_number(lens, e->child, ret_number))
		*ret_number *= e->real;
	else
		return false;
	return true;
}

void rx_lens_add(struct rx_lens *lens, enum wy_severity severity, const char *code, const struct wy_node *node,
		 size_t at, const char *text)
{
	if (rx_lens_is_quiet(lens))
		return;
	uint32_t rule = 1 + (uint32_t)(lens->rule - lens->load->set->rules);
	uint32_t *said = lens->blame ? &lens->said[lens->blame - lens->load->world->overrides] : NULL;
	if (said && *said == rule)
		return;
	if (said)
		*said = rule;
	if (lens->blame)
		wy_diag_add(lens->load->diags, severity, code, lens->blame->value, 0, "with this '%s' in rule '%s': %s",
			    lens->blame->name, lens->rule->info.id, text);
	else
		wy_diag_add(lens->load->diags, severity, code, node, at, "%s", text);
}
