-- The first schema. What each column means: docs/store-format.md.
CREATE TABLE meta (
	key TEXT PRIMARY KEY,
	value ANY NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE day_number (
	day INTEGER PRIMARY KEY,
	n INTEGER NOT NULL
) STRICT;

CREATE TABLE episode (
	dedup TEXT PRIMARY KEY,
	last INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE ticket (
	id INTEGER PRIMARY KEY,
	key TEXT NOT NULL UNIQUE,
	no TEXT NOT NULL,
	dedup TEXT NOT NULL,
	asset TEXT NOT NULL,
	fault TEXT NOT NULL,
	rule TEXT NOT NULL,
	repeat_of TEXT NOT NULL,
	repeat_count_30d INTEGER NOT NULL,
	epoch INTEGER NOT NULL,
	episode INTEGER NOT NULL,
	rev INTEGER NOT NULL,
	work_rev INTEGER NOT NULL,
	tier INTEGER NOT NULL,
	tier_now INTEGER NOT NULL,
	level INTEGER NOT NULL,
	condition INTEGER NOT NULL,
	node INTEGER NOT NULL,
	clock INTEGER NOT NULL,
	is_open INTEGER NOT NULL,
	is_uncertain INTEGER NOT NULL,
	peak REAL,
	peak_limit REAL,
	onset_wall INTEGER NOT NULL,
	onset_mono INTEGER NOT NULL,
	opened_wall INTEGER NOT NULL,
	opened_mono INTEGER NOT NULL,
	cleared_wall INTEGER NOT NULL,
	cleared_mono INTEGER NOT NULL,
	changed_wall INTEGER NOT NULL,
	changed_mono INTEGER NOT NULL,
	due_ack INTEGER NOT NULL,
	due_arrive INTEGER NOT NULL,
	due_start INTEGER NOT NULL,
	due_resolve INTEGER NOT NULL,
	due_regulatory INTEGER NOT NULL,
	body TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX ticket_one_open ON ticket (dedup) WHERE is_open = 1;
CREATE INDEX ticket_episode ON ticket (dedup, episode);
CREATE INDEX ticket_opened ON ticket (opened_wall);
CREATE INDEX ticket_cleared ON ticket (cleared_wall) WHERE is_open = 0;

CREATE TABLE outbox (
	seq INTEGER PRIMARY KEY,
	is_s1 INTEGER NOT NULL,
	tier INTEGER NOT NULL,
	ticket_key TEXT NOT NULL,
	type TEXT NOT NULL,
	topic TEXT NOT NULL,
	created_wall INTEGER NOT NULL,
	created_mono INTEGER NOT NULL,
	state INTEGER NOT NULL,
	done_wall INTEGER,
	reason TEXT,
	payload BLOB NOT NULL
) STRICT;
CREATE INDEX outbox_queued ON outbox (is_s1, seq) WHERE state = 0;
CREATE INDEX outbox_receipted ON outbox (seq) WHERE state = 1;
CREATE INDEX outbox_parked ON outbox (seq) WHERE state = 2;

CREATE TABLE rule_cell (
	key TEXT PRIMARY KEY,
	bytes BLOB NOT NULL
) STRICT, WITHOUT ROWID;

INSERT INTO meta VALUES ('seq', 0), ('bd_seq', 0);
PRAGMA application_id = 0x57595531;
PRAGMA user_version = 1;
