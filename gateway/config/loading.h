/* loading.h: what the parts of the loader share. Private to gateway/config.
 *
 * A part reads its section, says every mistake in diags and goes on with what is left; nobody
 * returns early because another part failed. Whether the load as a whole is good is decided once,
 * in load.c. What a part could not read stays empty; parts that refer to it then keep quiet instead
 * of calling everything unknown (has_...). */
#ifndef CONFIG_LOADING_H
#define CONFIG_LOADING_H

#include "config.h"
#include "drivers.h"
#include "fields.h"

struct loading {
	struct wy_arena *arena;
	struct wy_diags *diags;
	struct config *config; /* being built */
	bool is_bench;	       /* assets of a test: no names, no place, devices that are only names */
	bool is_full;	       /* the arena had no room: the load fails with WY_E_NOMEM */
	bool has_classes, has_faults, has_profiles,
		has_departments;	 /* each file of the kind was readable */
	const char *const *vendor_roles; /* roles the faults ask for */
	size_t n_vendor_roles;
	const struct wy_node **wire_nodes, **device_nodes; /* [config->n_wires], [config->n_devices]: for messages */
};

/* Arena memory for n things; NULL, and is_full said once, when there is no room. */
void *loading_array(struct loading *l, size_t n, size_t size);
/* Something of another module found the arena full. */
void loading_full(struct loading *l);
/* wy_fields_read(); true where all was well. Ignoring it is fine: the mistake is counted in diags.
 */
bool loading_fields(struct loading *l, const struct wy_node *map, const struct wy_field *rows,
		    size_t n_rows, void *out);
#define LOADING_FIELDS(l, map, rows, out)                                                          \
	loading_fields(l, map, rows, sizeof(rows) / sizeof(*(rows)), out)
/* The same where a driver brings keys of its own, whose struct goes to *ret_options (NULL where it brings none). */
bool loading_fields_with(struct loading *l, const struct wy_node *map, const struct sensor_options *own,
			 const struct wy_field_table *common, const void **ret_options);

/* Which of the common keys a kind of wire, or the devices of a driver, need and take (drivers.def). */
struct loading_suit {
	bool (*is_of_some_kind)(const char *key); /* else it is for all of them */
	const char *needs, *takes;
	const struct sensor_options *own; /* keys of its own always suit */
	const char *kind, *things;        /* "rtu", "wires" */
};
/* Keys that do not suit the kind, and those that are missing. */
void loading_suits(struct loading *l, const struct wy_node *map, const struct wy_field_table *common,
		   const struct loading_suit *suit);
/* Members of a list; 0 and an error where node is no list. NULL node is an empty list. */
size_t loading_list(struct loading *l, const struct wy_node *node);
/* The same for a list of plain texts. */
const char *const *loading_texts(struct loading *l, const struct wy_node *node, size_t *ret_n);
/* A map's members; 0 and an error where node is no map. */
size_t loading_map(struct loading *l, const struct wy_node *node);
/* A path: a scalar with something in it. False for NULL too; an error where it is a map or list. */
bool loading_text(struct loading *l, const struct wy_node *node);
/* False, and an error, where there are more than `most`. */
bool loading_fits(struct loading *l, const struct wy_node *node, size_t n, size_t most,
		  const char *what);
/* "unknown device 'x'; did you mean 'y'?" at byte `at` of where. */
void loading_unknown(struct loading *l, const struct wy_node *where, size_t at, const char *what,
		     const char *found, size_t n, const char *(*name_of)(const void *arg, size_t i),
		     const void *arg);
void loading_duplicate(struct loading *l, const struct wy_node *where, const char *what,
		       const char *id);
/* Read a file the text of `where` names, relative to the file `where` stands in. */
const struct wy_node *loading_file(struct loading *l, const struct wy_node *where,
				   const char *kind);
/* The readable files of a list of paths; a directory stands for all its .yaml files, by name.
 * *ret_all is false where one was not readable. */
const struct wy_node *const *loading_files(struct loading *l, const struct wy_node *entries,
					   const char *kind, size_t *ret_n, bool *ret_all);
/* Names of the .yaml files of the directory at `path`, each behind `prefix` and a slash. */
const char *const *loading_directory(struct loading *l, const char *path, const char *prefix,
				     size_t *ret_n);
bool loading_is_directory(const char *path);
/* The file a load begins with; NULL after a message. */
const struct wy_node *loading_root(struct loading *l, const char *path);
/* Path of a name that stands in `where`'s file. NULL: no room. */
const char *loading_path(struct loading *l, const struct wy_node *where, const char *name);
/* The root says it is of this kind ("site/1"); else an error. */
bool loading_is_kind(struct loading *l, const struct wy_node *root, const char *kind);
/* Small letters, digits and _, letter first: a word of the rule language. */
bool loading_is_point_name(const char *text);
/* YYYY-MM-DD, a day that exists. */
bool loading_day(const char *text, wy_day *ret_day);

/* The parts. Each reads one root (already of the right kind) into l->config. */
void load_classes(struct loading *l, const struct wy_node *const *roots, size_t n);
void load_tiers(struct loading *l, const struct wy_node *root);
void load_faults(struct loading *l, const struct wy_node *const *roots, size_t n);
void load_site(struct loading *l, const struct wy_node *root);
void load_plans(struct loading *l, const struct wy_node *maintenance); /* after the assets */
/* node: the key `record`, or NULL. */
void load_record(struct loading *l, const struct wy_node *node, const struct wy_node *state);
void load_wires(struct loading *l, const struct wy_node *wires);
void load_devices(struct loading *l, const struct wy_node *devices);
void load_field(struct loading *l); /* what only shows when all wires and devices are known */
void load_field_hash(struct loading *l); /* when all is fine */
void load_assets(struct loading *l, const struct wy_node *assets);
/* Only once all classes, or all assets, are known: one may stand before what it names. */
void load_relations_of_classes(struct loading *l, struct wy_class *classes);
void load_relations_of_assets(struct loading *l, struct wy_asset *assets);
void load_bindings(struct loading *l);
void load_zone_of(struct loading *l, const struct wy_node *where, const char *name);
void load_holidays(struct loading *l, const struct wy_node *node);
void load_params(struct loading *l, const struct wy_node *node);
bool load_zone(struct loading *l, const char *name, struct wy_zone *ret_zone);
bool load_psk(struct loading *l, const struct wy_node *node, struct sensor_device_conf *device);
/* With whom a device is spoken to, over TLS or DTLS: names of files, resolved, and the name it must carry (by default its
 * host's). The files are not tried: they come and go apart from the configuration. */
struct loading_certificates {
	const char *ca, *certificate, *key, *name;
};
/* false: there are mistakes, and nothing is filled in. */
bool load_certificates(struct loading *l, const struct wy_node *node, const char *host,
		       struct loading_certificates *ret);
void check_listening(struct loading *l, const struct wy_node *node, const struct sensor_wire_conf *wire);
/* A CoAP device: which of its keys go together, on a wire that listens and on others. */
void check_push(struct loading *l, const struct wy_node *node, const struct sensor_wire_conf *wire,
		const struct sensor_device_conf *device);
/* A resident text uses only fields config_fill() knows. */
void check_fields(struct loading *l, const struct wy_node *text);

#endif
