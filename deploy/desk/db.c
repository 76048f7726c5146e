/* db.c: the table of databases and the calls that go through it. */
#include "db.h"

#include <stdio.h>
#include <string.h>

static const struct db_driver *const DRIVERS[] = {&db_sqlite, &db_postgres};

enum wy_err db_open(struct db *db, const char *spec, bool is_new_ok)
{
	*db = (struct db){0};
	for (size_t i = 0; i < sizeof DRIVERS / sizeof *DRIVERS; i++) {
		size_t len = strlen(DRIVERS[i]->name);

		if (strncmp(spec, DRIVERS[i]->name, len) != 0 || spec[len] != ':')
			continue;
		db->driver = DRIVERS[i];
		return db->driver->open(spec + len + 1, is_new_ok, &db->handle, db->why,
					sizeof db->why);
	}
	snprintf(db->why, sizeof db->why, "expected sqlite:PATH or postgres:CONNINFO");
	return WY_E_NOTFOUND;
}

enum wy_err db_run(struct db *db, const char *sql, const char *const param[], size_t n, db_row *row,
		   void *arg, size_t *ret_changed)
{
	size_t changed;

	if (!db->handle)
		return WY_E_LINK;
	return db->driver->run(db->handle, sql, param, n, row, arg,
			       ret_changed ? ret_changed : &changed);
}

enum wy_err db_begin(struct db *db)
{
	return db_run(db, db->driver->begin, NULL, 0, NULL, NULL, NULL);
}

enum wy_err db_commit(struct db *db)
{
	return db_run(db, "commit", NULL, 0, NULL, NULL, NULL);
}

void db_keep_why(struct db *db)
{
	if (!db->handle)
		return;
	snprintf(db->why, sizeof db->why, "%s", db->driver->why(db->handle));
	db->why[strcspn(db->why, "\n")] = '\0';
}

void db_abort(struct db *db)
{
	if (!db->handle)
		return;
	db_keep_why(db);
	if (db_run(db, "rollback", NULL, 0, NULL, NULL, NULL) == WY_E_LINK)
		db_close(db);
}

const char *db_why(const struct db *db)
{
	return db->why;
}

void db_close(struct db *db)
{
	if (db->handle)
		db->driver->close(db->handle);
	db->handle = NULL;
}
