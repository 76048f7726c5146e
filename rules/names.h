/* names.h: names in expressions: points, parameters, enum values, calendars, rules. What is not found is
 * said with the nearest name. */
#ifndef RX_NAMES_H
#define RX_NAMES_H

#include "context.h"

/* The expression's name as text of its own. */
const char *rx_own_name(struct rx_scope *scope, struct rx_expr *e);
enum rx_type rx_check_point(struct rx_scope *scope, struct rx_expr *e);
enum rx_type rx_check_param(struct rx_scope *scope, struct rx_expr *e);
/* The use number of a parameter in the class; RX_NO_USE: said (at byte `at` of the node). */
uint32_t rx_use_of(struct rx_scope *scope, const char *name, size_t len, size_t at);
/* A word that stands beside the values of a point. */
bool rx_resolve_word(struct rx_scope *scope, struct rx_expr *word, const struct wy_point *point);
bool rx_check_calendar_name(struct rx_scope *scope, struct rx_expr *e);
bool rx_check_rule_name(struct rx_scope *scope, struct rx_expr *e);
/* Number of the rule with this id; RX_NO_RULE: said at byte `at` of node. Only once all ids are known. */
uint32_t rx_rule_named(struct rx_load *load, const char *id, const struct wy_node *node, size_t at);
/* Sorts the ids for rx_rule_named(), and says which are used twice. */
void rx_sort_ids(struct rx_load *load);

#endif
