/* field.c: the field of a generation, in memory of its own: it may outlive the engine it began with. */
#include <stdlib.h>

#include "gateway.h"

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
