-- The outbox by quota: how large a row is and what it tells, what was dropped and is still to be said, and documents packed.
DROP INDEX outbox_queued;
DROP INDEX outbox_receipted;
DROP INDEX outbox_parked;
ALTER TABLE outbox RENAME TO outbox_before;
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
	kind INTEGER NOT NULL,
	is_past INTEGER NOT NULL,
	bytes INTEGER NOT NULL,
	packing INTEGER NOT NULL,
	payload BLOB NOT NULL
) STRICT;
INSERT INTO outbox SELECT seq, is_s1, tier, ticket_key, type, topic, created_wall, created_mono, state, done_wall, reason,
	CASE type WHEN 'com.weiyu.ticket.opened.v1' THEN 1 WHEN 'com.weiyu.ticket.updated.v1' THEN 2
	WHEN 'com.weiyu.ticket.reopened.v1' THEN 2 WHEN 'com.weiyu.ticket.cleared.v1' THEN 3
	WHEN 'com.weiyu.ticket.closed.v1' THEN 3 ELSE 0 END,
	0, length(payload) + 384, 0, payload FROM outbox_before;
DROP TABLE outbox_before;
CREATE INDEX outbox_queued ON outbox (is_s1, seq) WHERE state = 0;
CREATE INDEX outbox_receipted ON outbox (seq) WHERE state = 1;
CREATE INDEX outbox_parked ON outbox (seq) WHERE state = 2;
CREATE INDEX outbox_ticket ON outbox (ticket_key, seq) WHERE state = 0 AND ticket_key <> '';
CREATE INDEX outbox_room ON outbox (tier, is_past, kind, seq) WHERE state = 0 AND is_s1 = 0;
UPDATE outbox SET is_past = 1 WHERE state = 0 AND kind = 2 AND ticket_key <> '' AND EXISTS (SELECT 1 FROM outbox AS later
	WHERE later.ticket_key = outbox.ticket_key AND later.ticket_key <> '' AND later.state = 0 AND later.seq > outbox.seq);

CREATE TABLE gap (
	first INTEGER PRIMARY KEY,
	last INTEGER NOT NULL,
	from_wall INTEGER NOT NULL,
	until_wall INTEGER NOT NULL,
	s1 INTEGER NOT NULL,
	s2 INTEGER NOT NULL,
	s3 INTEGER NOT NULL,
	s4 INTEGER NOT NULL,
	opened INTEGER NOT NULL,
	updated INTEGER NOT NULL,
	ended INTEGER NOT NULL,
	other INTEGER NOT NULL
) STRICT;
CREATE TABLE gap_ticket (
	key TEXT PRIMARY KEY,
	seq INTEGER NOT NULL,
	n INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

ALTER TABLE ticket ADD COLUMN untold INTEGER NOT NULL DEFAULT 0;
ALTER TABLE ticket ADD COLUMN packed BLOB;
CREATE INDEX ticket_untold ON ticket (id) WHERE untold > 0;

INSERT INTO meta SELECT 'outbox_rest_n', count(*) FROM outbox WHERE state = 0 AND is_s1 = 0;
INSERT INTO meta SELECT 'outbox_rest_bytes', ifnull(sum(bytes), 0) FROM outbox WHERE state = 0 AND is_s1 = 0;
INSERT INTO meta SELECT 'outbox_s1_n', count(*) FROM outbox WHERE state = 0 AND is_s1 = 1;
INSERT INTO meta SELECT 'outbox_s1_bytes', ifnull(sum(bytes), 0) FROM outbox WHERE state = 0 AND is_s1 = 1;
INSERT INTO meta SELECT 'outbox_receipted_n', count(*) FROM outbox WHERE state = 1;
INSERT INTO meta SELECT 'outbox_receipted_bytes', ifnull(sum(bytes), 0) FROM outbox WHERE state = 1;
INSERT INTO meta SELECT 'outbox_parked_n', count(*) FROM outbox WHERE state = 2;
INSERT INTO meta SELECT 'outbox_parked_bytes', ifnull(sum(bytes), 0) FROM outbox WHERE state = 2;
INSERT INTO meta VALUES ('outbox_lost', 0);
INSERT INTO meta SELECT 'outbox_sent', value FROM meta WHERE key = 'seq';
PRAGMA user_version = 4;
