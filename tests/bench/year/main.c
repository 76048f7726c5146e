/* main.c: year_generate --seed N --days N DIRECTORY: writes rows.csv, truth.csv and site.yaml there. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "year.h"

enum { PURPOSE_LOSS = 600 };

static FILE *create(const char *directory, const char *name)
{
	char path[4096];

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	FILE *out = fopen(path, "w");
	if (!out) {
		fprintf(stderr, "year_generate: %s: %s\n", path, strerror(errno));
		exit(2);
	}
	return out;
}

static void finish(FILE *out, const char *name)
{
	if (ferror(out) || fclose(out)) {
		fprintf(stderr, "year_generate: %s: cannot be written\n", name);
		exit(2);
	}
}

/* Devices drop out: about twice a month each, mostly for a minute, seldom for a quarter of an hour. */
static bool loss_on(const struct year *year, size_t asset, ms_t day, struct span *ret_loss)
{
	struct rng rng = rng_for(year->seed, PURPOSE_LOSS, asset, (uint64_t)(day / DAY));

	if (!rng_hits(&rng, 2.0 / 30))
		return false;
	ret_loss->from = day + (ms_t)rng_between(&rng, 0.5 * (double)HOUR, 22.0 * (double)HOUR);
	ret_loss->to = ret_loss->from + 15 * SECOND + (ms_t)rng_wait(&rng, 60e3);
	if (rng_hits(&rng, 0.01))
		ret_loss->to = ret_loss->from + (ms_t)rng_between(&rng, 20 * (double)MINUTE, 100 * (double)MINUTE);
	return true;
}

/* A device that is away for a quarter of an hour or more is a trouble of the monitoring; the fire panel, for ten seconds:
 * so the catalogue has it. */
static void write_losses(const struct year *year, FILE *out)
{
	struct span loss;

	for (size_t a = 0; a < year->n_assets; a++)
		for (ms_t day = 0; day < (ms_t)year->days * DAY; day += DAY)
			if (loss_on(year, a, day, &loss) &&
			    loss.to - loss.from >= (year->assets[a].class == CLASS_PANEL ? 10 * SECOND : 15 * MINUTE))
				fprintf(out, "LOSS,%s,SYS-01,WTR-17 FIR-16,%.3f,,%.3f\n", year->assets[a].id, (double)loss.from / 1000,
					(double)loss.to / 1000);
}

static void live_day(struct year *year, ms_t day)
{
	struct span loss;

	for (size_t a = 0; a < year->n_assets; a++) {
		if (loss_on(year, a, day, &loss))
			lose(year, a, loss.from, loss.to);
		switch (year->assets[a].class) {
		case CLASS_LIFT:
			lift_day(year, a, day);
			break;
		case CLASS_DOOR:
			door_day(year, a, day);
			break;
		case CLASS_PANEL:
			fire_day(year, a, day);
			break;
		default:
			water_day(year, a, day);
		}
	}
	rows_flush(year->rows, year, day + DAY - 15 * MINUTE);
}

static unsigned long number_after(int argc, char **argv, const char *key, unsigned long otherwise)
{
	for (int i = 1; i + 1 < argc; i++)
		if (strcmp(argv[i], key) == 0)
			return strtoul(argv[i + 1], NULL, 10);
	return otherwise;
}

int main(int argc, char **argv)
{
	struct year year = {.seed = number_after(argc, argv, "--seed", 1)};

	year.days = (unsigned)number_after(argc, argv, "--days", 365);
	if (argc < 2 || argv[argc - 1][0] == '-' || year.days < 31 || year.days > 365) {
		fprintf(stderr, "usage: year_generate [--seed N] [--days 31..365] DIRECTORY\n");
		return 2;
	}
	const char *directory = argv[argc - 1];
	make_building(&year);
	plan_outages(&year);
	plan_year(&year);
	FILE *site = create(directory, "site.yaml");
	write_site(&year, site);
	finish(site, "site.yaml");
	FILE *truth = create(directory, "truth.csv");
	write_truth(&year, truth);
	write_losses(&year, truth);
	finish(truth, "truth.csv");
	FILE *out = create(directory, "rows.csv");
	fputs("time,asset,point,value\n", out);
	year.rows = rows_new(out, year.n_assets);
	for (unsigned day = 0; day < year.days; day++)
		live_day(&year, (ms_t)day * DAY);
	rows_flush(year.rows, &year, NEVER);
	size_t n_troubles = year.n_troubles;
	fprintf(stderr, "%zu rows, %zu troubles\n", rows_free(year.rows), n_troubles);
	finish(out, "rows.csv");
	free(year.assets);
	free(year.troubles);
	free(year.first_trouble);
	free(year.outages);
	return 0;
}
