/* samples.c: prints one document of each kind, one a line, for the schema test and for
 * docs/mqtt-contract.md. */
#include <stdio.h>

#include "doc_world.h"

static char text[WY_TICKET_BYTES_MAX + 1];

static int show(struct doc_world *world, enum ticket_event event)
{
	struct wy_buf buf;

	wy_buf_init(&buf, text, sizeof(text));
	if (ticket_doc_write(&world->ticket, event, &world->context, NULL, &buf) != WY_OK)
		return 1;
	return puts(text) < 0;
}

int main(void)
{
	struct doc_world full, bare;
	struct wy_buf buf;

	doc_world_make(&full);
	doc_world_make_bare(&bare);
	if (show(&full, TICKET_OPENED) || show(&bare, TICKET_OPENED))
		return 1;
	for (unsigned i = 0; i < 2; i++) {
		struct ticket_state state = doc_world_state(i == 1);

		wy_buf_init(&buf, text, sizeof(text));
		if (ticket_doc_state(&state, &buf) != WY_OK || puts(text) < 0)
			return 1;
	}
	doc_world_burden(&full);
	full.ticket.condition = TICKET_LATCHED;
	if (show(&full, TICKET_UPDATED) || show(&full, TICKET_REOPENED))
		return 1;
	doc_world_clear(&full);
	return show(&full, TICKET_CLEARED_EVENT) || show(&bare, TICKET_CLOSED_EVENT);
}
