-- What drivers learned of devices: which blocks they refuse, how slow they are.
CREATE TABLE learned (
	device TEXT PRIMARY KEY,
	origin INTEGER NOT NULL,
	facts TEXT NOT NULL
) STRICT, WITHOUT ROWID;
PRAGMA user_version = 3;
