/* scenario.c: see scenario.h. Sections are read in the order devices, points, timeline, whatever
 * their order in the file; a section is skipped when one it builds on was wrong. */
#include "scenario.h"

#include <string.h>

#include "fields.h"
#include "scenario_reading.h"
#include "yaml_tree.h"

#define FORMAT "sim/1"

struct sections {
	const char *format;
	const struct wy_node *profiles, *devices, *points, *timeline;
};

static const struct wy_field rows[] = {
	{"weiyu", WY_FIELD_TEXT, offsetof(struct sections, format), true, 0, 0, NULL,
	 "the format: " FORMAT},
	{"profiles", WY_FIELD_NODE, offsetof(struct sections, profiles), true, 0, 0, NULL,
	 "files or directories"},
	{"devices", WY_FIELD_NODE, offsetof(struct sections, devices), true, 0, 0, NULL,
	 "what is simulated"},
	{"points", WY_FIELD_NODE, offsetof(struct sections, points), false, 0, 0, NULL,
	 "initial values"},
	{"timeline", WY_FIELD_NODE, offsetof(struct sections, timeline), false, 0, 0, NULL,
	 "what happens when"},
};

enum wy_err sim_reading_full(struct sim_reading *reading, const struct wy_node *where)
{
	wy_diag_add(reading->diags, WY_DIAG_ERROR, "E101", where, 0,
		    "out of memory here; the scenario is too large");
	return WY_E_NOMEM;
}

const char *sim_reading_path(struct sim_reading *reading, const struct wy_node *where,
			     const char *path)
{
	size_t n_dir = path[0] == '/' ? 0 : strlen(reading->dir);
	size_t n_path = strlen(path);
	char *whole = wy_arena_alloc(reading->arena, n_dir + n_path + 1);

	if (!whole) {
		(void)sim_reading_full(reading, where);
		return NULL;
	}
	memcpy(whole, reading->dir, n_dir);
	memcpy(whole + n_dir, path, n_path + 1);
	return whole;
}

static const char *directory_of(struct wy_arena *arena, const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? wy_arena_text(arena, path, (size_t)(slash - path) + 1) : "";
}

static enum wy_err read_sections(struct sim_reading *reading, const struct sections *sections)
{
	enum wy_err err = sim_read_profiles(reading, sections->profiles);

	if (!err)
		err = sim_read_devices(reading, sections->devices);
	if (err)
		return err;
	if (sections->points)
		err = sim_read_points(reading, sections->points);
	if (sections->timeline && sim_read_timeline(reading, sections->timeline))
		err = WY_E_INVALID;
	return err;
}

enum wy_err sim_scenario_load(const char *path, struct wy_arena *arena, struct wy_diags *diags,
			      struct sim_scenario *ret_scenario)
{
	struct sim_scenario scenario = {0};
	struct sim_reading reading = {.dir = directory_of(arena, path),
				      .arena = arena,
				      .diags = diags,
				      .scenario = &scenario};
	struct sections sections = {0};
	const struct wy_node *root;
	enum wy_err err = yaml_load_file(path, arena, diags, &root);

	if (!err && !reading.dir)
		err = sim_reading_full(&reading, root);
	if (!err)
		err = wy_fields_read(root, rows, sizeof(rows) / sizeof(rows[0]), &sections, diags);
	if (!err && strcmp(sections.format, FORMAT) != 0) {
		wy_diag_add(diags, WY_DIAG_ERROR, "E105", wy_node_get(root, "weiyu"), 0,
			    "this is '%s'; expected %s", sections.format, FORMAT);
		err = WY_E_INVALID;
	}
	if (!err)
		err = read_sections(&reading, &sections);
	if (!err)
		*ret_scenario = scenario;
	return err;
}
