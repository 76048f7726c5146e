/* service.c: see service.h. */
#include "service.h"

#include <string.h>

#include "calls.h"
#include "check.h"
#include "rule_engine.h"

static struct rx_value query(struct rx_eval *ev, const struct rx_expr *call, const void *memory)
{
	const struct rx_mem_service *m = memory;

	(void)ev;
	(void)call;
	return rx_truth(m->is_out ? RULE_TRUE : RULE_FALSE);
}

/* Unknown: it stays out for a while, and in. */
static void doubt(struct rx_eval *ev, struct rx_mem_service *m)
{
	if (!m->is_out)
		return;
	if (!m->is_doubtful)
		m->doubtful_ms = ev->now_ms;
	m->is_doubtful = true;
	wy_ms end_ms = m->doubtful_ms + WY_RULE_OUT_UNKNOWN_MS;
	if (end_ms > ev->now_ms) {
		rx_look_at(ev, end_ms);
		return;
	}
	m->is_out = m->is_doubtful = false;
}

static bool update(struct rx_eval *ev, const struct rx_expr *call, void *memory)
{
	struct rx_mem_service *m = memory;
	struct rx_mem_service before = *m;
	struct rx_value v = rx_eval(ev, call->child);

	if (v.truth == RULE_UNKNOWN) {
		doubt(ev, m);
	} else {
		m->is_out = v.truth == RULE_TRUE;
		m->is_doubtful = false;
	}
	return m->is_out != before.is_out || m->is_doubtful != before.is_doubtful;
}

static bool is_sound(const struct rx_expr *call, const void *memory)
{
	const unsigned char *at = memory;

	(void)call;
	return at[offsetof(struct rx_mem_service, is_out)] < 2 && at[offsetof(struct rx_mem_service, is_doubtful)] < 2;
}

static const struct rx_function keeper = {
	.name = "out_of_service_when", .result = RX_RESULT_BOOL, .help = "", .query = query,
	.memory_bytes = sizeof(struct rx_mem_service), .update = update, .is_sound = is_sound,
};

bool rx_is_out_of_service(const struct rule_engine *engine, uint32_t asset)
{
	const struct rx_class *cls = &engine->set->classes[engine->set->world->assets[asset].class_index];

	if (engine->planned_out[asset] || !cls->has_service)
		return engine->planned_out[asset];
	const struct rx_mem_service *m = rx_memory_at(engine, asset, &cls->memories[0]);
	return m->is_out;
}

/* ---- Load --------------------------------------------------------------------------------- */

void rx_read_service(struct rx_load *load, uint32_t index)
{
	struct rx_package nothing = {.name = "of classes"};
	struct rx_class *cls = &load->set->classes[index];
	const struct wy_node *node = cls->model->out_of_service_when;
	struct rx_scope scope = {.load = load, .package = &nothing, .cls = index, .node = node, .min_cover = RX_MIN_COVER, .min_samples = 1, .is_alone = true};
	struct rx_cond cond = {.node = node};

	if (!node || load->err)
		return;
	if (node->kind != WY_NODE_SCALAR) {
		rx_error(load, "E105", node, 0, "expected a condition, found %s", wy_node_kind_text(node));
		return;
	}
	cond.text = rx_load_text(load, node->text, node->len);
	if (!cond.text || !rx_check_condition(&scope, &cond))
		return;
	struct rx_expr *call = rx_load_alloc(load, 1, sizeof(*call));
	if (!call)
		return;
	*call = (struct rx_expr){.op = RX_CALL, .type = RX_T_BOOL, .fn = &keeper, .child = cond.root,
				 .name = keeper.name, .name_len = strlen(keeper.name), .at = cond.root->at,
				 .end = cond.root->end};
	cls->has_service = rx_call_remember(&scope, call);
}
