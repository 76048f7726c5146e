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

static int show_gap(void)
{
	static struct ticket_gap gap = {
		.range = {{4711, 4730}, {4732, 4732}}, .n_ranges = 2, .n = 21, .by_tier = {0, 0, 2, 9, 10},
		.opened = 3, .updated = 14, .ended = 4, .from_wall_ms = INT64_C(1795312923456),
		.until_wall_ms = INT64_C(1795399323456),
		.ticket = {{"tk_qz6yw6a24vbwqm2se7ajwdi5qw", "3A-L2/ELV-02", "gw-demo-01-20261122-1", 5},
			   {"tk_aaaaaaaaaaaaaaaaaaaaaaaaaa", "", "", 1}},
		.n_tickets = 2, .has_more_tickets = true};
	const struct ticket_gap_context context = {"gw-demo-01", NULL, 0x0c41d2f07ab3e615, 4711, "8c1f",
						   {50000, INT64_C(1795399400000), WY_CLOCK_SYNCED}};
	struct wy_buf buf;

	wy_buf_init(&buf, text, sizeof(text));
	return ticket_doc_gap(&gap, &context, &buf) != WY_OK || puts(text) < 0;
}

int main(void)
{
	struct doc_world full, bare;
	struct wy_buf buf;

	doc_world_make(&full);
	doc_world_make_bare(&bare);
	if (show(&full, TICKET_OPENED) || show(&bare, TICKET_OPENED) || show_gap())
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
