/* replay_names.h: from "L1" and "motor_temp" to an asset and a point of its class, at the pace of a file. */
#ifndef REPLAY_NAMES_H
#define REPLAY_NAMES_H

#include "model.h"
#include "rule.h"

#define NAMES_NONE UINT32_MAX

struct names;

/* Borrows the world. NULL: no memory. */
struct names *names_new(const struct rule_world *world);
void names_free(struct names *names);
/* NAMES_NONE: no such. */
uint32_t names_asset(const struct names *names, const char *id, size_t len);
uint32_t names_point(const struct names *names, uint32_t asset, const char *name, size_t len);
/* The class point of an asset. */
const struct wy_point *names_model(const struct names *names, uint32_t asset, uint32_t point);
/* The nearest name for "did you mean", or NULL. */
const char *names_near_asset(const struct names *names, const char *id, size_t len);
const char *names_near_point(const struct names *names, uint32_t asset, const char *name, size_t len);

#endif
