/* shares.c: see shares.h. */
#include "shares.h"

#define SHARE_SHOWN 0.05

const struct rx_expr *rx_joint_in(const struct rx_expr *e)
{
	const struct rx_expr *found = NULL;

	if (e->op == RX_CALL && e->fn && e->fn->update == rx_joint_update)
		return e;
	for (const struct rx_expr *c = e->child; c && !found; c = c->next)
		found = rx_joint_in(c);
	return found;
}

const struct rx_expr *rx_joint_of(const struct rx_variant *variant)
{
	const struct rx_expr *found = NULL;

	for (unsigned i = 0; i < WY_RULE_LEVELS_MAX && !found; i++)
		if (variant->levels[i].when.root)
			found = rx_joint_in(variant->levels[i].when.root);
	return found;
}

static const char *point_in(const struct rx_expr *e)
{
	const char *found = e->op == RX_POINT && e->point ? e->point->name : NULL;

	for (const struct rx_expr *c = e->child; c && !found; c = c->next)
		found = point_in(c);
	return found;
}

size_t rx_shares_now(struct rx_eval *ev, const struct rx_expr *joint, struct rule_share out[WY_RULE_JOINT_MAX])
{
	double shares[RX_CROWD];
	size_t n = rx_joint_shares(ev, joint, shares);
	const struct rx_expr *x = joint->child;

	for (size_t i = 0; i < n; i++, x = x->next) {
		const char *name = point_in(x);
		size_t at = i;
		for (; at > 0 && out[at - 1].share < shares[i]; at--)
			out[at] = out[at - 1];
		out[at] = (struct rule_share){name ? name : "?", shares[i]};
	}
	return n;
}

void rx_shares_print(struct rx_eval *ev, const struct rx_expr *joint, struct wy_buf *buf)
{
	struct rule_share shares[WY_RULE_JOINT_MAX];
	size_t n = rx_shares_now(ev, joint, shares);

	if (!n)
		wy_buf_add(buf, "?");
	for (size_t i = 0; i < n && (i == 0 || shares[i].share >= SHARE_SHOWN); i++) {
		wy_buf_addf(buf, "%s%s ", i ? ", " : "", shares[i].name);
		wy_buf_fixed(buf, 100 * shares[i].share, 0);
		wy_buf_add(buf, " %");
	}
}
