/* db_postgres.c: PostgreSQL through libpq. What an error means is read from its SQLSTATE class. */
#include "db.h"

#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Statements with values are made once: their texts are constants, so a text is known by its address, and by the number of its
 * place at the server. A text beyond them is parsed each time. */
#define KEPT_STATEMENTS 96
#define NAME_SIZE 24

struct base {
	PGconn *link;
	const char *kept[KEPT_STATEMENTS];
	size_t n_kept;
};

/* No statement waits longer on a lock or a stuck server: the desk must stay stoppable. */
#define SETTINGS "set client_min_messages = warning; set statement_timeout = '5s'; " \
	"set synchronous_commit = on"
#define CONNECT_WAIT_S "5"

/* The first row whose text begins the SQLSTATE decides. */
static const struct {
	const char *state;
	enum wy_err err;
} STATES[] = {
	{"23505", WY_E_BUSY}, /* unique: another desk was first, the next look finds what it wrote */
	{"22", WY_E_INVALID}, /* data exception */
	{"23", WY_E_INVALID}, /* integrity constraint */
	{"54", WY_E_INVALID}, /* program limit: a value too large for an index */
	{"40", WY_E_BUSY},    /* serialization, deadlock */
	{"55", WY_E_BUSY},    /* lock not available */
	{"57014", WY_E_BUSY}, /* statement timeout */
	{"08", WY_E_LINK},    /* connection */
	{"57", WY_E_LINK},    /* shutting down, starting up */
};

static enum wy_err translate(PGconn *handle, const PGresult *result)
{
	const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);

	if (PQstatus(handle) != CONNECTION_OK)
		return WY_E_LINK;
	for (size_t i = 0; state && i < sizeof STATES / sizeof *STATES; i++)
		if (strncmp(state, STATES[i].state, strlen(STATES[i].state)) == 0)
			return STATES[i].err;
	return WY_E_IO;
}

static enum wy_err open_connection(const char *conninfo, bool is_new_ok, void **ret_handle, char *why,
				   size_t why_size)
{
	/* what stands later wins: conninfo may change the waiting time, not the meaning of text */
	static const char *const keys[] = {"connect_timeout", "dbname", "client_encoding", NULL};
	const char *const values[] = {CONNECT_WAIT_S, conninfo, "UTF8", NULL};
	struct base *base = calloc(1, sizeof *base);
	PGconn *link = base ? PQconnectdbParams(keys, values, 1) : NULL;
	PGresult *result;

	(void)is_new_ok; /* the database itself is always made by its administrator */
	if (!link) {
		free(base);
		return WY_E_NOMEM;
	}
	result = PQstatus(link) == CONNECTION_OK ? PQexec(link, SETTINGS) : NULL;
	if (PQresultStatus(result) != PGRES_COMMAND_OK) {
		snprintf(why, why_size, "%s", PQerrorMessage(link));
		why[strcspn(why, "\n")] = '\0';
		PQclear(result);
		PQfinish(link);
		free(base);
		return WY_E_LINK;
	}
	PQclear(result);
	base->link = link;
	*ret_handle = base;
	return WY_OK;
}

static void hand_over(const PGresult *result, int line, db_row *row, void *arg)
{
	const char *column[DB_COLUMNS_MAX];
	int n = PQnfields(result);

	if (n > DB_COLUMNS_MAX)
		n = DB_COLUMNS_MAX;
	for (int i = 0; i < n; i++)
		column[i] = PQgetisnull(result, line, i) ? NULL : PQgetvalue(result, line, i);
	row(arg, column, (size_t)n);
}

/* NULL: the statement could not be made; *ret_result says why. "": there is no place for it. A name outlives the transaction it was
 * made in, whatever becomes of that. */
static const char *name_of(struct base *base, const char *sql, char name[NAME_SIZE], PGresult **ret_result)
{
	size_t at = 0;

	while (at < base->n_kept && base->kept[at] != sql)
		at++;
	if (at == KEPT_STATEMENTS)
		return "";
	snprintf(name, NAME_SIZE, "s%zu", at);
	if (at < base->n_kept)
		return name;
	*ret_result = PQprepare(base->link, name, sql, 0, NULL);
	if (PQresultStatus(*ret_result) != PGRES_COMMAND_OK)
		return NULL;
	PQclear(*ret_result);
	base->kept[base->n_kept++] = sql;
	return name;
}

static PGresult *execute(struct base *base, const char *sql, const char *const param[], size_t n)
{
	char space[NAME_SIZE];
	PGresult *result = NULL;
	const char *name = n > 0 ? name_of(base, sql, space, &result) : "";

	if (!name)
		return result;
	if (name[0])
		return PQexecPrepared(base->link, name, (int)n, param, NULL, NULL, 0);
	return PQexecParams(base->link, sql, (int)n, NULL, param, NULL, NULL, 0);
}

static enum wy_err run(void *handle, const char *sql, const char *const param[], size_t n,
		       db_row *row, void *arg, size_t *ret_changed)
{
	struct base *base = handle;
	PGresult *result = execute(base, sql, param, n);
	ExecStatusType status = PQresultStatus(result);
	enum wy_err err = WY_OK;

	if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK) {
		err = translate(base->link, result);
	} else if (strcmp(PQcmdStatus(result), "ROLLBACK") == 0 && strcmp(sql, "commit") == 0) {
		err = WY_E_BUSY; /* a commit of a failed transaction is answered politely */
	} else {
		for (int i = 0; row && i < PQntuples(result); i++)
			hand_over(result, i, row, arg);
		*ret_changed = (size_t)strtoul(PQcmdTuples(result), NULL, 10);
	}
	PQclear(result);
	return err;
}

static const char *why(void *handle)
{
	return PQerrorMessage(((struct base *)handle)->link);
}

static void close_connection(void *handle)
{
	struct base *base = handle;

	PQfinish(base->link);
	free(base);
}

const struct db_driver db_postgres = {
	.name = "postgres",
	.begin = "begin",
	.open = open_connection,
	.run = run,
	.why = why,
	.close = close_connection,
};
