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

/* The drills, as the estate registers them: every four weeks from 9:55 to 10:30. */
static void write_drills(const struct year *year, FILE *out)
{
	static const unsigned lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

	fputs("maintenance:\n", out);
	for (unsigned day = 12; day < year->days; day += 28) {
		unsigned month = 0;
		unsigned rest = day;
		while (rest >= lengths[month])
			rest -= lengths[month++];
		fprintf(out,
			"  - {id: drill-%u, assets: [fire_panel-01], from: \"2026-%02u-%02u 09:55\", to: \"2026-%02u-%02u 10:30\", "
			"mode: suppress, reason: monthly drill}\n",
			day, month + 1, rest + 1, month + 1, rest + 1);
	}
}

void write_site(const struct year *year, FILE *out)
{
	fputs("weiyu: site/1\n"
	      "site: {id: year, name_zh: 一年, name_en: One year, profile: premium}\n"
	      "zone: Asia/Shanghai\n"
	      "wires: []\ndevices: []\n",
	      out);
	write_drills(year, out);
	fputs("assets:\n", out);
	for (size_t i = 0; i < year->n_assets; i++)
		write_asset(&year->assets[i], out);
}
