-- What people said to rules and tickets, whom a ladder told, and what a ticket still has to tell.
CREATE TABLE note (
	id INTEGER PRIMARY KEY,
	wall INTEGER NOT NULL,
	what TEXT NOT NULL,
	ticket_key TEXT NOT NULL,
	rule TEXT NOT NULL,
	asset TEXT NOT NULL,
	step INTEGER NOT NULL,
	until INTEGER NOT NULL,
	who TEXT NOT NULL,
	why TEXT NOT NULL
) STRICT;
CREATE INDEX note_ticket ON note (ticket_key, id) WHERE ticket_key <> '';
CREATE INDEX note_rule ON note (rule, asset, what, id);
CREATE INDEX note_wall ON note (wall);

ALTER TABLE ticket ADD COLUMN news INTEGER NOT NULL DEFAULT 0;
ALTER TABLE ticket ADD COLUMN news_due INTEGER NOT NULL DEFAULT 0;
PRAGMA user_version = 2;
