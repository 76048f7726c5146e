/* replay_session.h: one pass over the data: what is told, and what it comes to. */
#ifndef REPLAY_SESSION_H
#define REPLAY_SESSION_H

#include <stdio.h>

#include "outcome.h"
#include "replay_data.h"
#include "player.h"
#include "replay_options.h"
#include "stamp.h"
#include "ticket_log.h"

struct replay_session {
	const struct replay_options *options; /* borrowed */
	const struct replay_world *world;     /* borrowed */
	FILE *log;                            /* where events go, or NULL; borrowed */
	const char *what;                     /* for the progress bar; NULL: none */
	struct player player;
	struct outcome outcome;
	player_turn *on_turn; /* may be NULL */
	void *arg;
	struct replay_data *data;             /* see replay_data.h; borrowed */
	int shown; /* per cent on the terminal; -1: nothing yet */
};

/* Plays all the data of the options. False: said to stderr; the session is released then. */
bool replay_session_run(struct replay_session *session);
void replay_session_release(struct replay_session *session);

/* Tables on stdout. */
void replay_show_stats(const struct replay_session *session);
/* The same as JSON. */
void replay_show_json(const struct replay_session *session);

#endif
