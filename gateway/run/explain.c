/* explain.c: a rule on an asset as it stands now, for the control socket: {"ask":"explain","rule":..,"asset":..}. */
#include "run_parts.h"

#include <string.h>

static uint32_t find_rule(const struct rule_set *set, const char *id)
{
	for (uint32_t i = 0; i < rule_count(set); i++)
		if (strcmp(rule_info_at(set, i)->id, id) == 0)
			return i;
	return UINT32_MAX;
}

static void add_line(void *arg, unsigned depth, const char *text)
{
	json_t *lines = arg;

	json_array_append_new(lines, json_pack("{s:i, s:s}", "depth", (int)depth, "text", text));
}

const char *run_explain(const struct run_view *view, const json_t *question, json_t **ret_document)
{
	const char *rule_id = json_string_value(json_object_get(question, "rule"));
	const char *asset_id = json_string_value(json_object_get(question, "asset"));

	if (!rule_id || !asset_id)
		return "explain needs \"rule\" and \"asset\"";
	uint32_t rule = find_rule(view->rules, rule_id);
	size_t asset = config_find_asset(view->config, asset_id);
	if (rule == UINT32_MAX || asset == SIZE_MAX)
		return "no such rule or asset";
	json_t *lines = json_array();
	if (!rule_explain(view->rules, rule, (uint32_t)asset, engine_rules(view->engine), add_line, lines)) {
		json_decref(lines);
		return "this rule is not for this asset";
	}
	*ret_document = json_pack("{s:o}", "lines", lines);
	return NULL;
}
