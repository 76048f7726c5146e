/* field.c: the field of a generation, in memory of its own: it may outlive the engine it began with. */
#include <stdlib.h>

#include "gateway.h"
#include "log.h"

enum wy_err field_new(struct generation *of, const struct clock *clock, struct watch *watch, struct field **ret)
{
	struct field *field = calloc(1, sizeof(*field));

	if (!field)
		return WY_E_NOMEM;
	field->of = of;
	field->memory = generation_memory(&field->arena);
	enum wy_err err = field->memory ? poller_new(of->config, clock, clock_seed(), &field->arena, &of->diags, &field->poller)
					: WY_E_NOMEM;
	if (err) {
		field_free(field);
		return err;
	}
	poller_watch(field->poller, watch);
	*ret = field;
	return WY_OK;
}

void field_free(struct field *field)
{
	if (!field)
		return;
	poller_free(field->poller);
	free(field->memory);
	free(field);
}

/* ---- In the loop -------------------------------------------------------------------------------- */

enum wy_err field_join(struct gateway *g, struct field *field)
{
	return loop_add_fd(g->loop, poller_fd(field->poller), LOOP_FIELD, duty_on_field, g);
}

void field_leave(struct gateway *g, struct field *field)
{
	if (!field)
		return;
	loop_remove_fd(g->loop, poller_fd(field->poller));
	field_free(field);
}

void field_pause(struct gateway *g)
{
	if (g->field)
		poller_pause(g->field->poller, duty_on_report, g);
}

static enum wy_err open_again(struct gateway *g)
{
	struct field *field;
	enum wy_err err = field_new(g->now, &g->clock, &g->watch, &field);

	if (!err && field_join(g, field)) {
		field_free(field);
		err = WY_E_NOMEM;
	}
	if (!err)
		g->field = field;
	return err;
}

void field_go_on(struct gateway *g)
{
	bool was_there = g->field != NULL;
	enum wy_err err = was_there ? WY_OK : open_again(g);

	if (!err)
		err = poller_start(g->field->poller);
	g->view.poller = g->field ? g->field->poller : NULL;
	if (!err)
		return;
	log_line(LOG_ERROR, "field_refused", "why=\"%s\" next=\"no device is asked; tried again every second\"", wy_err_text(err));
	loop_timer_set(g->field_timer, clock_mono(&g->clock) + FIELD_RETRY_MS);
}

void field_on_time(void *arg)
{
	field_go_on(arg);
}
