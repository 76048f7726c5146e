/* ask_others.h: expressions that look beyond their own asset: points over relations, and tallies of the assets of a
 * class. While loading; others.h is the same at run time. */
#ifndef RX_ASK_OTHERS_H
#define RX_ASK_OTHERS_H

#include "context.h"

/* "bank.load": finds the relation and the point. False: said. */
bool rx_check_far(struct rx_scope *scope, struct rx_expr *e);
/* A call where only the present of the asset's own points counts. False: it is more, and that is said. */
bool rx_may_be_asked(struct rx_scope *scope, const struct rx_expr *call);
/* The tally a checked call asks, shared by all who ask the same. False: said. */
bool rx_add_tally(struct rx_scope *scope, struct rx_expr *call);

/* bind_others.c: once instances exist: members, groups, and who is to be told of whom. */
void rx_bind_others(struct rx_load *load);
/* What the memories of a class and the conditions of a variant read; before instances exist. */
void rx_list_reads(struct rx_load *load);
/* Relations that an expression reads, a bit each. */
uint32_t rx_relations_in(const struct rx_class *cls, const struct rx_expr *e);

#endif
