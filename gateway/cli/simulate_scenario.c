/* simulate_scenario.c: see simulate.h. Which value a point can hold and which misbehaviour suits a device is
 * weiyu-sim's to judge; here only names are sorted to their devices. */
#define _GNU_SOURCE
#include "simulate.h"

#include <dirent.h>
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "yaml_tree.h"

#define NAMES_MAX 500u /* profiles looked at for the nearest name */

/* ---- Profiles ---------------------------------------------------------------------------------- */

bool simulate_own_directory(char *out, size_t size)
{
	ssize_t n = readlink("/proc/self/exe", out, size - 1);

	if (n <= 0)
		return false;
	out[n] = '\0';
	char *slash = strrchr(out, '/');
	if (!slash)
		return false;
	*slash = '\0';
	return true;
}

static bool profiles_directory(const struct simulate *s, char *out, size_t size)
{
	char own[3072];

	if (s->profiles_dir)
		return (size_t)snprintf(out, size, "%s", s->profiles_dir) < size;
	if (!simulate_own_directory(own, sizeof(own)))
		return false;
	return (size_t)snprintf(out, size, "%s/../share/weiyu/profiles", own) < size;
}

struct names {
	char *name[NAMES_MAX];
	size_t n;
};

static const char *name_at(const void *arg, size_t i)
{
	return ((const struct names *)arg)->name[i];
}

/* The shipped profile whose name is nearest to what was typed, and where all of them are. */
static void say_unknown(const char *dir, const char *id)
{
	DIR *entries = opendir(dir);
	struct names names = {.n = 0};

	if (!entries) {
		fprintf(stderr, "weiyu simulate: no profiles at %s: %s; name the directory with --profiles\n", dir,
			strerror(errno));
		return;
	}
	for (struct dirent *entry = readdir(entries); entry && names.n < NAMES_MAX; entry = readdir(entries)) {
		char *dot = strrchr(entry->d_name, '.');
		if (dot && strcmp(dot, ".yaml") == 0 &&
		    (names.name[names.n] = strndup(entry->d_name, (size_t)(dot - entry->d_name))))
			names.n++;
	}
	closedir(entries);
	const char *near = wy_nearest(id, names.n, name_at, &names);
	fprintf(stderr, "weiyu simulate: no profile '%s' in %s%s%s%s\n", id, dir, near ? "; did you mean '" : "",
		near ? near : "", near ? "'?" : "");
	for (size_t i = 0; i < names.n; i++)
		free(names.name[i]);
}

/* Profiles are files of their id. A word with a slash or an ending is a file. NULL: said. */
static char *find_file(const struct simulate *s, const char *name)
{
	char dir[4096], path[4400];
	const char *dot = strrchr(name, '.');

	if (strchr(name, '/') || (dot && strcmp(dot, ".yaml") == 0)) {
		char *file = realpath(name, NULL);
		if (!file)
			fprintf(stderr, "weiyu simulate: cannot read '%s': %s\n", name, strerror(errno));
		return file;
	}
	if (!profiles_directory(s, dir, sizeof(dir)) ||
	    (size_t)snprintf(path, sizeof(path), "%s/%s.yaml", dir, name) >= sizeof(path)) {
		fprintf(stderr, "weiyu simulate: the path of the profiles is too long\n");
		return NULL;
	}
	char *file = realpath(path, NULL);
	if (!file)
		say_unknown(dir, name);
	return file;
}

static const struct sensor_profile *read_profile(const char *file, struct cli_load *load)
{
	const struct wy_node *root;
	struct sensor_profile *profile = NULL;

	if (yaml_load_file(file, &load->arena, &load->diags, &root) ||
	    sensor_profile_read(root, &load->arena, &load->diags, &profile)) {
		cli_say(&load->diags);
		return NULL;
	}
	return profile;
}

static void name_device(struct simulate *s, struct simulate_device *device)
{
	unsigned n = 1;

	for (size_t i = 0; i + 1 < s->n_devices; i++)
		n += s->device[i].profile && strcmp(s->device[i].profile->id, device->profile->id) == 0;
	(void)snprintf(device->id, sizeof(device->id), n > 1 ? "%s-%u" : "%s", device->profile->id, n);
}

/* "leak-rle-seahawk10k:3": the unit behind the last colon, 0: none said, -1: not a unit. */
static int cut_unit(char *word)
{
	char *colon = strrchr(word, ':');
	int64_t unit;

	if (!colon || strchr(colon, '/'))
		return 0;
	if (wy_parse_int(colon + 1, strlen(colon + 1), &unit) || unit < 1 || unit > 255)
		return -1;
	*colon = '\0';
	return (int)unit;
}

bool simulate_add(struct simulate *s, const char *word, struct cli_load *load)
{
	char name[1024];

	if (s->n_devices == SIMULATE_DEVICES_MAX || strlen(word) >= sizeof(name)) {
		fprintf(stderr, "weiyu simulate: at most %u profiles; write a scenario for weiyu-sim\n",
			SIMULATE_DEVICES_MAX);
		return false;
	}
	memcpy(name, word, strlen(word) + 1);
	int unit = cut_unit(name);
	if (unit < 0) {
		fprintf(stderr, "weiyu simulate: '%s': a unit id is 1 to 255\n", word);
		return false;
	}
	struct simulate_device *device = &s->device[s->n_devices];
	device->file = find_file(s, name);
	if (!device->file)
		return false;
	s->n_devices++;
	device->unit = unit;
	device->profile = read_profile(device->file, load);
	if (device->profile)
		name_device(s, device);
	return device->profile != NULL;
}

void simulate_free(struct simulate *s)
{
	for (size_t i = 0; i < s->n_devices; i++)
		free(s->device[i].file);
	free(s->link);
}

/* ---- What belongs to which device -------------------------------------------------------------- */

static bool is_coap(const struct simulate_device *device)
{
	return device->profile->transport == SENSOR_COAP;
}

/* "DEVICE.REST" is for that device, "REST" for all. *ret_rest is what is left. */
static bool is_for(const struct simulate *s, const struct simulate_device *device, const char *word,
		   const char **ret_rest)
{
	for (size_t i = 0; i < s->n_devices; i++) {
		size_t n = strlen(s->device[i].id);
		if (strncmp(word, s->device[i].id, n) != 0 || word[n] != '.')
			continue;
		*ret_rest = word + n + 1;
		return &s->device[i] == device;
	}
	*ret_rest = word;
	return true;
}

/* What a --set does to a device: "point=value" of a point it has. */
static bool sets(const struct simulate *s, const struct simulate_device *device, const char *word,
		 const struct sensor_profile_point **ret_point, const char **ret_value)
{
	const char *rest, *equals;
	char name[256];

	if (!is_for(s, device, word, &rest) || !(equals = strchr(rest, '=')) ||
	    (size_t)(equals - rest) >= sizeof(name))
		return false;
	memcpy(name, rest, (size_t)(equals - rest));
	name[equals - rest] = '\0';
	*ret_point = sensor_profile_find(device->profile, name);
	*ret_value = equals + 1;
	return *ret_point != NULL;
}

static bool settle_set(const struct simulate *s, const char *word)
{
	const struct sensor_profile_point *point;
	const char *value;

	for (size_t i = 0; i < s->n_devices; i++)
		if (sets(s, &s->device[i], word, &point, &value))
			return true;
	fprintf(stderr,
		strchr(word, '=') ? "weiyu simulate: --set %s: no device here has such a point\n"
				  : "weiyu simulate: --set %s: expected POINT=VALUE or DEVICE.POINT=VALUE\n",
		word);
	return false;
}

/* Devices of one port or bus have unit ids of their own: those that were not said are counted up. */
static bool settle_unit(struct simulate *s, size_t index, bool is_shared)
{
	struct simulate_device *device = &s->device[index];
	bool taken[256] = {false};

	for (size_t i = 0; i < s->n_devices && is_shared; i++) {
		const struct simulate_device *other = &s->device[i];
		if (i == index || is_coap(other) || other->unit == 0)
			continue;
		if (other->unit == device->unit) {
			fprintf(stderr, "weiyu simulate: '%s' and '%s' have the same unit id %d\n", device->id,
				other->id, device->unit);
			return false;
		}
		taken[other->unit] = true;
	}
	for (int unit = 1; unit < 248 && device->unit == 0; unit++)
		if (!taken[unit])
			device->unit = unit;
	return true;
}

bool simulate_settle(struct simulate *s)
{
	int coap_port = s->coap_port;

	for (size_t i = 0; i < s->n_devices; i++) {
		struct simulate_device *device = &s->device[i];

		if (!is_coap(device) && !settle_unit(s, i, s->link || s->port))
			return false;
		device->port = is_coap(device) ? coap_port : s->port;
		if (is_coap(device) && coap_port)
			coap_port++;
	}
	for (size_t i = 0; i < s->n_set; i++)
		if (!settle_set(s, s->set[i]))
			return false;
	return true;
}

/* ---- Scenario ---------------------------------------------------------------------------------- */

/* Between double quotes, as YAML reads it back. */
static void write_quoted(const char *text, FILE *out)
{
	fputc('"', out);
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			fputc('\\', out);
		fputc(*text, out);
	}
	fputc('"', out);
}

static void write_profiles(const struct simulate *s, FILE *out)
{
	fputs("profiles:\n", out);
	for (size_t i = 0; i < s->n_devices; i++) {
		size_t first = 0;

		while (strcmp(s->device[first].file, s->device[i].file) != 0)
			first++;
		if (first < i)
			continue;
		fputs("  - ", out);
		write_quoted(s->device[i].file, out);
		fputc('\n', out);
	}
}

static void write_device(const struct simulate *s, const struct simulate_device *device, FILE *out)
{
	const char *rest;
	size_t n_with = 0;

	fprintf(out, "  - {id: %s, profile: %s", device->id, device->profile->id);
	if (is_coap(device)) {
		fprintf(out, ", kind: coap, port: %d", device->port);
	} else if (s->link) {
		fprintf(out, ", kind: rtu, unit: %d, link: ", device->unit);
		write_quoted(s->link, out);
	} else {
		fprintf(out, ", kind: tcp, port: %d, unit: %d", device->port, device->unit);
	}
	for (size_t i = 0; i < s->n_with; i++) {
		if (!is_for(s, device, s->with[i], &rest))
			continue;
		fputs(n_with++ ? ", " : ", with: [", out);
		write_quoted(rest, out);
	}
	fputs(n_with ? "]}\n" : "}\n", out);
}

/* The last one of several for the same point counts. */
static const char *value_of(const struct simulate *s, const struct simulate_device *device,
			    const struct sensor_profile_point *point)
{
	const struct sensor_profile_point *found;
	const char *value, *last = NULL;

	for (size_t i = 0; i < s->n_set; i++)
		if (sets(s, device, s->set[i], &found, &value) && found == point)
			last = value;
	return last;
}

static void write_points(const struct simulate *s, FILE *out)
{
	const char *head = "points:\n";

	for (size_t i = 0; i < s->n_devices; i++) {
		const struct simulate_device *device = &s->device[i];
		bool is_named = false;

		for (size_t p = 0; p < device->profile->n_points; p++) {
			const struct sensor_profile_point *point = &device->profile->points[p];
			const char *value = value_of(s, device, point);
			if (!value)
				continue;
			fputs(head, out);
			head = "";
			if (!is_named)
				fprintf(out, "  %s:\n", device->id);
			is_named = true;
			fprintf(out, "    %s: ", point->name);
			write_quoted(value, out);
			fputc('\n', out);
		}
	}
}

void simulate_write_scenario(const struct simulate *s, FILE *out)
{
	fputs("weiyu: sim/1\n", out);
	write_profiles(s, out);
	fputs("devices:\n", out);
	for (size_t i = 0; i < s->n_devices; i++)
		write_device(s, &s->device[i], out);
	write_points(s, out);
}

/* ---- Site -------------------------------------------------------------------------------------- */

/* Devices that share a wire name it after the first of them. */
static const struct simulate_device *wire_of(const struct simulate *s, const struct simulate_device *device)
{
	for (size_t i = 0; i < s->n_devices && !is_coap(device) && (s->link || s->port); i++)
		if (!is_coap(&s->device[i]))
			return &s->device[i];
	return device;
}

static void say_wire(const struct simulate *s, const struct simulate_device *device, int port)
{
	if (wire_of(s, device) != device)
		return;
	if (is_coap(device))
		printf("  - {id: %s-wire, kind: coap, host: 127.0.0.1, port: %d}\n", device->id, port);
	else if (s->link)
		printf("  - {id: %s-wire, kind: rtu, tty: %s, baud: 9600, parity: N, stop_bits: 1}\n", device->id,
		       s->link);
	else
		printf("  - {id: %s-wire, kind: tcp, host: 127.0.0.1, port: %d}\n", device->id, port);
}

static void say_device(const struct simulate *s, const struct simulate_device *device)
{
	printf("  - {id: %s, wire: %s-wire, profile: %s", device->id, wire_of(s, device)->id, device->profile->id);
	if (!is_coap(device))
		printf(", unit: %d", device->unit);
	printf("}\n");
}

void simulate_say(const struct simulate *s, const char *ports_file)
{
	json_t *ports = json_load_file(ports_file, 0, NULL);

	printf("# Listening. For a site file; then `weiyu poll DEVICE` reads it:\nwires:\n");
	for (size_t i = 0; i < s->n_devices; i++)
		say_wire(s, &s->device[i], (int)json_integer_value(json_object_get(ports, s->device[i].id)));
	printf("devices:\n");
	for (size_t i = 0; i < s->n_devices; i++)
		say_device(s, &s->device[i]);
	if (s->control)
		printf("# Commands: echo help | socat - UNIX:%s\n", s->control);
	printf("# Ctrl-C ends it.\n");
	fflush(stdout);
	json_decref(ports);
}
