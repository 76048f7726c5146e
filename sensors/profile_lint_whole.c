/* profile_lint_whole.c: mistakes that only show when all points of a profile are known.
 *
 * E804 a point that names another (unit_by, scale_by, identity, liveness) which is not there or does not suit, and values
 * too far apart for one request: two answers may not belong together. E808 a register that reading clears and that would be
 * read in passing: what it said would be lost. */
#include "profile_keys.h"

#include <string.h>

#include "decode.h"
#include "number.h"

static const char *point_name(const void *arg, size_t i)
{
	return ((const struct sensor_profile *)arg)->points[i].name;
}

enum wy_err profile_unknown_point(const struct profile_draft *draft, const struct wy_node *where, const char *name)
{
	const char *near = wy_nearest(name, draft->profile->n_points, point_name, draft->profile);

	wy_diag_add(draft->diags, WY_DIAG_ERROR, "E804", where, 0, "no point '%s' in this profile%s%s%s", name,
		    near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
	return WY_E_INVALID;
}

/* ---- One point chooses for another -------------------------------------------------------------- */

/* The point that chooses the unit, or the factor, of another. */
static enum wy_err lint_chooser(const struct profile_draft *draft, const struct sensor_profile_point *point,
				const char *key, const char *name)
{
	const struct wy_node *node = wy_node_get(point->node, key);
	const struct sensor_profile_point *by = sensor_profile_find(draft->profile, name);

	if (!by)
		return profile_unknown_point(draft, node, name);
	if (by == point || by->unit_by || by->scale_by)
		return profile_mistake(draft, node, "E804",
				       "what chooses must be a point with a unit and scale of its own");
	if (by->area != point->area)
		return profile_mistake(draft, node, "E804",
				       "the register that chooses must be in the same area: both are read in one request");
	if (by->encoding == SENSOR_F32 || by->encoding == SENSOR_TEXT)
		return profile_mistake(draft, node, "E804", "the register that chooses must be a whole number");
	return WY_OK;
}

static enum wy_err lint_choosers(const struct profile_draft *draft, const struct sensor_profile_point *point)
{
	enum wy_err unit = point->unit_by ? lint_chooser(draft, point, "unit_by", point->unit_by) : WY_OK;
	enum wy_err scale = point->scale_by ? lint_chooser(draft, point, "scale_by", point->scale_by) : WY_OK;

	return unit ? unit : scale;
}

static enum wy_err lint_extent(const struct profile_draft *draft, uint32_t point)
{
	const struct sensor_profile *profile = draft->profile;
	struct sensor_extent extent = sensor_point_extent(profile, point);
	uint32_t most =
		sensor_area_is_bits(extent.area) ? profile->max_bits : profile->max_registers;

	if (extent.end - extent.first <= most)
		return WY_OK;
	wy_diag_add(draft->diags, WY_DIAG_ERROR, "E804", profile->points[point].node, 0,
		    "point '%s' needs %u registers in one request; max_registers is %u",
		    profile->points[point].name, extent.end - extent.first, most);
	return WY_E_INVALID;
}

/* ---- Reading clears ----------------------------------------------------------------------------- */

/* Points of one register, all of them cleared, are read together. */
static bool are_twins(const struct sensor_profile_point *a, const struct sensor_profile_point *b)
{
	return a->is_clear_on_read && b->is_clear_on_read && a->area == b->area && a->address == b->address &&
	       sensor_point_width(a) == sensor_point_width(b);
}

/* No other request may hold a register that reading clears, or what it said is lost without anybody having asked for it.
 * That request may be another point's own, or one that reaches from a point to the register that chooses for it. */
static enum wy_err lint_clearing(const struct profile_draft *draft, uint32_t point)
{
	const struct sensor_profile *profile = draft->profile;
	const struct sensor_profile_point *p = &profile->points[point];
	const struct wy_node *where = wy_node_get(p->node, "clear_on_read");

	if (p->unit_by || p->scale_by)
		return profile_mistake(draft, where, "E808",
				       "a register that reading clears is read alone: it cannot have unit_by or scale_by");
	for (uint32_t i = 0; i < profile->n_points; i++) {
		struct sensor_extent other = sensor_point_extent(profile, i);
		if (i == point || are_twins(p, &profile->points[i]) || other.area != p->area ||
		    p->address >= other.end || p->address + (uint32_t)sensor_point_width(p) <= other.first)
			continue;
		wy_diag_add(draft->diags, WY_DIAG_ERROR, "E808", where, 0,
			    "reading '%s' would clear '%s' unseen: their registers overlap",
			    profile->points[i].name, p->name);
		return WY_E_INVALID;
	}
	return WY_OK;
}

static enum wy_err lint_points(const struct profile_draft *draft)
{
	enum wy_err all = WY_OK;

	if (draft->profile->transport != SENSOR_MODBUS)
		return WY_OK;
	for (uint32_t i = 0; i < draft->profile->n_points; i++) {
		enum wy_err err = lint_choosers(draft, &draft->points[i]);
		if (!err)
			err = lint_extent(draft, i);
		if (!err && draft->points[i].is_clear_on_read)
			err = lint_clearing(draft, i);
		if (err)
			all = err;
	}
	return all;
}

/* ---- What tells of the device itself ------------------------------------------------------------ */

static enum wy_err lint_identity(const struct profile_draft *draft)
{
	const struct wy_node *node = wy_node_get(draft->profile->node, "identity");
	const struct sensor_profile_point *point =
		draft->profile->identity ? sensor_profile_find(draft->profile, draft->profile->identity) : NULL;

	if (!draft->profile->identity)
		return WY_OK;
	if (!point)
		return profile_unknown_point(draft, node, draft->profile->identity);
	if (point->type == WY_TYPE_BOOL || point->type == WY_TYPE_REAL || sensor_point_is_text(point) ||
	    point->is_clear_on_read)
		return profile_mistake(draft, node, "E804",
				       "what tells devices apart is a whole number that stays: type int, enum or counter");
	return WY_OK;
}

static enum wy_err lint_liveness(const struct profile_draft *draft)
{
	const struct sensor_profile *profile = draft->profile;
	const struct wy_node *map = wy_node_get(profile->node, "liveness");
	const struct sensor_profile_point *point =
		profile->liveness ? sensor_profile_find(profile, profile->liveness) : NULL;

	if (!profile->liveness)
		return WY_OK;
	if (!point)
		return profile_unknown_point(draft, wy_node_get(map, "point"), profile->liveness);
	if (sensor_point_is_text(point) || point->is_clear_on_read)
		return profile_mistake(draft, wy_node_get(map, "point"), "E804",
				       "a sign of life is a value that moves by itself: no text, nothing that reading clears");
	if (profile->liveness_ms >= 2 * profile->class_ms[point->poll])
		return WY_OK;
	wy_diag_add(draft->diags, WY_DIAG_ERROR, "E106", wy_node_get(map, "within"), 0,
		    "'%s' is read every %lldms; 'within' must be at least twice that", point->name,
		    (long long)profile->class_ms[point->poll]);
	return WY_E_INVALID;
}

enum wy_err profile_lint_whole(const struct profile_draft *draft)
{
	enum wy_err points = lint_points(draft);
	enum wy_err identity = lint_identity(draft);
	enum wy_err liveness = lint_liveness(draft);

	return points || identity || liveness ? WY_E_INVALID : WY_OK;
}
