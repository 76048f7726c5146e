/* building.c: the assets of the estate, and the site file that describes them. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "year.h"

static const size_t counts[CLASS_COUNT] = {
	[CLASS_LIFT] = LIFTS, [CLASS_LEAK_CABLE] = LEAK_CABLES, [CLASS_LEAK_POINT] = LEAK_POINTS, [CLASS_MAIN] = MAINS,
	[CLASS_METER] = METERS, [CLASS_TANK] = TANKS, [CLASS_PUMP] = PUMPS, [CLASS_SUMP] = SUMPS,
	[CLASS_PIPE] = PIPES, [CLASS_DOOR] = DOORS, [CLASS_PANEL] = 1,
};

static void place(struct asset *asset, enum class_id class, unsigned i)
{
	static const char *const rooms[] = {"shaft", "corridor", "shaft", "shaft", "corridor"};

	asset->class = class;
	asset->building = 1 + i % BUILDINGS;
	asset->floor = 1 + i * 7 % 18;
	asset->riser = 1 + i % RISERS;
	asset->bank = asset->building;
	snprintf(asset->id, sizeof(asset->id), "%s-%02u", class_name(class), i + 1);
	snprintf(asset->space, sizeof(asset->space), "%s", rooms[i % 5]);
}

void make_building(struct year *year)
{
	size_t n = 0;

	for (unsigned c = 0; c < CLASS_COUNT; c++) {
		year->first[c] = year->n_assets;
		year->count[c] = counts[c];
		year->n_assets += counts[c];
	}
	year->assets = calloc(year->n_assets, sizeof(*year->assets));
	if (!year->assets)
		abort();
	for (unsigned c = 0; c < CLASS_COUNT; c++)
		for (unsigned i = 0; i < counts[c]; i++)
			place(&year->assets[n++], (enum class_id)c, i);
}

static void write_asset(const struct asset *asset, FILE *out)
{
	fprintf(out, "  - id: %s\n    class: %s\n    name_zh: %s\n    name_en: %s\n", asset->id, class_name(asset->class), asset->id,
		asset->id);
	fprintf(out, "    place: {building: \"%u\", unit: \"%u\", floor: \"%u\", space: %s, is_public: true}\n", asset->building,
		asset->building, asset->floor, asset->space);
	fprintf(out, "    labels: {bank: \"%u\", riser: \"%u\", bus: bus-%u}\n", asset->bank, asset->riser, asset->building);
}

/* "2026-02-03 09:55" */
static void write_time(FILE *out, ms_t at)
{
	static const int lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	int day = (int)(at / DAY);
	int minute = (int)(at % DAY / MINUTE);
	int month = 0;

	while (month < 11 && day >= lengths[month])
		day -= lengths[month++];
	fprintf(out, "\"2026-%02d-%02d %02d:%02d\"", month + 1, day + 1, minute / 60, minute % 60);
}

static void write_window(FILE *out, const char *id, const char *asset, ms_t from, ms_t to, const char *reason)
{
	fprintf(out, "  - {id: %s, assets: [%s], from: ", id, asset);
	write_time(out, from);
	fputs(", to: ", out);
	write_time(out, to);
	fprintf(out, ", mode: suppress, reason: %s}\n", reason);
}

/* What the estate has registered: the drills, every four weeks, and house moves it was told of. */
static void write_windows(const struct year *year, FILE *out)
{
	char id[40];

	fputs("maintenance:\n", out);
	for (unsigned day = 12; day < year->days; day += 28) {
		snprintf(id, sizeof(id), "drill-%u", day);
		write_window(out, id, "fire_panel-01", day * DAY + 9 * HOUR + 55 * MINUTE, day * DAY + 10 * HOUR + 30 * MINUTE,
			     "monthly drill");
	}
	for (size_t a = year->first[CLASS_DOOR]; a < year->first[CLASS_DOOR] + DOORS; a++)
		for (unsigned day = 0; day < year->days; day++) {
			bool is_announced;
			ms_t at = move_on(year, a, day * DAY, &is_announced);
			if (at == NEVER || !is_announced)
				continue;
			snprintf(id, sizeof(id), "move-%u-%zu", day, a - year->first[CLASS_DOOR] + 1);
			write_window(out, id, year->assets[a].id, at - HOUR, at + 3 * HOUR, "house move");
		}
}

void write_site(const struct year *year, FILE *out)
{
	fputs("weiyu: site/1\n"
	      "site: {id: year, name_zh: 一年, name_en: One year, profile: premium}\n"
	      "zone: Asia/Shanghai\n"
	      "wires: []\ndevices: []\n",
	      out);
	write_windows(year, out);
	fputs("assets:\n", out);
	for (size_t i = 0; i < year->n_assets; i++)
		write_asset(&year->assets[i], out);
}
