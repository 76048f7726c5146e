/* poll_discover.c: see poll_discover.h. For the person who stands before a sensor and wonders what it is: its resources,
 * and which profile of the configuration reads them. */
#include "poll_discover.h"

#include <jansson.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "clock.h"
#include "coap.h"

#define PATIENCE_MS 20000
#define SCHEME "coap://"
#define PORT 5683

struct found {
	bool is_done;
	enum wy_err err;
	uint8_t code;
	struct link_list *links;
};

static void take(void *arg, enum wy_err err, uint8_t code, const struct link_list *links)
{
	struct found *found = arg;

	if (found->is_done)
		return;
	found->is_done = true;
	found->err = err;
	found->code = code;
	*found->links = *links;
	for (size_t i = 0; i < found->links->n; i++) { /* its texts moved with it */
		struct link_row *row = &found->links->row[i];
		row->path = found->links->text + (row->path - links->text);
		row->type = found->links->text + (row->type - links->text);
		row->interface = found->links->text + (row->interface - links->text);
		row->formats = found->links->text + (row->formats - links->text);
	}
}

static enum wy_err ask(const struct sensor_wire_conf *wire, const struct sensor_device_conf *device,
		       struct cli_load *load, struct found *found)
{
	struct coap_field *field = NULL;
	wy_ms end_ms = clock_boot() + PATIENCE_MS;
	enum wy_err err = coap_discover_open(wire, device, &load->arena, clock_seed(), take, found, &load->diags, &field);

	while (!err && !found->is_done && clock_boot() < end_ms) {
		wy_ms now_ms = clock_boot();
		wy_ms next_ms = coap_field_step(field, now_ms);
		struct pollfd fd = {.fd = coap_field_fd(field), .events = POLLIN};
		wy_ms wait_ms = (next_ms < end_ms ? next_ms : end_ms) - now_ms;
		if (!found->is_done)
			(void)poll(&fd, 1, wait_ms > 0 ? (int)wait_ms : 0);
	}
	coap_field_free(field);
	if (err)
		return err;
	return found->is_done ? found->err : WY_E_TIMEOUT;
}

/* ---- Showing ---------------------------------------------------------------------------------- */

/* Paths of a profile that are listed. */
static size_t count_paths(const struct sensor_profile *profile, const struct link_list *links, size_t *ret_n)
{
	size_t n = 0, n_listed = 0;

	for (size_t i = 0; i < profile->n_points; i++) {
		size_t k = 0;
		while (k < i && strcmp(profile->points[k].path, profile->points[i].path) != 0)
			k++;
		if (k < i)
			continue;
		n++;
		n_listed += link_list_has(links, profile->points[i].path);
	}
	*ret_n = n;
	return n_listed;
}

static void print_fits(const struct config *config, const struct link_list *links)
{
	size_t n_fits = 0;

	if (!config)
		return;
	for (size_t i = 0; i < config->n_profiles; i++) {
		const struct sensor_profile *profile = config->profiles[i];
		size_t n, n_listed;
		if (profile->transport != SENSOR_COAP)
			continue;
		n_listed = count_paths(profile, links, &n);
		if (n_listed == 0)
			continue;
		printf("%s %s: %zu of %zu paths\n", n_listed == n ? "fits" : "partly fits", profile->id, n_listed, n);
		n_fits++;
	}
	if (!n_fits)
		printf("no profile of the configuration has any of these paths\n");
}

static void print_table(const struct link_list *links)
{
	static const char *const head[] = {"path", "type", "interface", "formats", "observe"};
	struct table *table = table_new(sizeof(head) / sizeof(*head));

	if (!table)
		return;
	table_row(table, head);
	for (size_t i = 0; i < links->n; i++) {
		const struct link_row *row = &links->row[i];
		const char *cells[] = {row->path, row->type, row->interface, row->formats, row->is_observable ? "yes" : ""};
		table_row(table, cells);
	}
	table_print(table);
	table_free(table);
}

static void print_json(const struct config *config, const char *target, enum wy_err err, const struct found *found)
{
	json_t *rows = json_array(), *fits = json_array();

	for (size_t i = 0; i < found->links->n; i++) {
		const struct link_row *row = &found->links->row[i];
		json_array_append_new(rows, json_pack("{s:s, s:s, s:s, s:s, s:b}", "path", row->path, "type", row->type,
						      "interface", row->interface, "formats", row->formats, "observe",
						      row->is_observable));
	}
	for (size_t i = 0; config && i < config->n_profiles; i++) {
		size_t n, n_listed;
		if (config->profiles[i]->transport != SENSOR_COAP)
			continue;
		n_listed = count_paths(config->profiles[i], found->links, &n);
		json_array_append_new(fits, json_pack("{s:s, s:i, s:i}", "profile", config->profiles[i]->id, "paths",
						      (int)n, "listed", (int)n_listed));
	}
	json_t *root = json_pack("{s:s, s:s, s:i, s:o, s:o}", "target", target, "result", wy_err_text(err), "code",
				 (int)found->code, "resources", rows, "profiles", fits);
	char *text = json_dumps(root, JSON_COMPACT);
	printf("%s\n", text ? text : "{}");
	free(text);
	json_decref(root);
}

static void print_text(const struct config *config, const char *target, enum wy_err err, const struct found *found)
{
	if (err == WY_E_EXCEPTION)
		printf("%s: refused with %u.%02u; such a server does not tell what it has\n", target, found->code >> 5,
		       found->code & 31u);
	else if (err)
		printf("%s: %s\n", target, wy_err_text(err));
	if (err)
		return;
	printf("%s: %zu resources\n", target, found->links->n);
	print_table(found->links);
	print_fits(config, found->links);
}

/* ---- Whom --------------------------------------------------------------------------------------- */

/* coap://HOST[:PORT], with [ ] around an address of version 6. */
static bool read_target(const char *text, char *host, size_t size, struct sensor_wire_conf *wire)
{
	const char *from = text + strlen(SCHEME), *end;
	char *rest = NULL;
	long port = PORT;

	from += *from == '[';
	end = from + strcspn(from, from[-1] == '[' ? "]" : ":/");
	if (end == from || (size_t)(end - from) >= size)
		return false;
	snprintf(host, size, "%.*s", (int)(end - from), from);
	end += *end == ']';
	if (*end == ':')
		port = strtol(end + 1, &rest, 10);
	end = rest ? rest : end;
	if (port < 1 || port > UINT16_MAX || (*end && strcmp(end, "/") != 0))
		return false;
	*wire = (struct sensor_wire_conf){.id = host, .kind = SENSOR_WIRE_COAP, .host = host, .port = (uint16_t)port};
	return true;
}

static const char *device_name(const void *arg, size_t i)
{
	return ((const struct config *)arg)->devices[i].id;
}

static bool find_device(const struct config *config, const char *id, struct sensor_wire_conf *wire,
			struct sensor_device_conf *device)
{
	size_t index = config_find_device(config, id);

	if (index == SIZE_MAX) {
		const char *near = wy_nearest(id, config->n_devices, device_name, config);
		fprintf(stderr, "weiyu poll: no device '%s'%s%s%s\n", id, near ? "; did you mean '" : "", near ? near : "",
			near ? "'?" : "");
		return false;
	}
	*device = config->devices[index];
	*wire = config->wires[device->wire];
	if (wire->kind != SENSOR_WIRE_COAP || wire->is_listening) {
		fprintf(stderr, "weiyu poll: '%s' is no CoAP server: there is nothing to discover\n", id);
		return false;
	}
	return true;
}

static int discover(const struct cli_options *options, struct cli_load *load)
{
	const char *target = options->words[0];
	bool is_address = strncmp(target, SCHEME, strlen(SCHEME)) == 0;
	struct config *config = NULL;
	struct sensor_wire_conf wire;
	struct sensor_device_conf device = {.id = target};
	struct found found = {.links = wy_arena_alloc(&load->arena, sizeof(*found.links))};
	char host[256];

	if (!found.links)
		return CLI_FOUND;
	/* To an address one may ask without any configuration; then no profile is compared. */
	if (config_load(options->config, &load->arena, &load->diags, &config) && (!is_address || options->is_config_given)) {
		cli_say(&load->diags);
		return CLI_FOUND;
	}
	if (is_address && !read_target(target, host, sizeof(host), &wire)) {
		fprintf(stderr, "weiyu poll: expected coap://HOST[:PORT], found '%s'\n", target);
		return CLI_USAGE;
	}
	if (!is_address && !find_device(config, target, &wire, &device))
		return CLI_FOUND;
	enum wy_err err = ask(&wire, &device, load, &found);
	(options->is_json ? print_json : print_text)(config, target, err, &found);
	return err ? CLI_FOUND : CLI_FINE;
}

int poll_discover(int argc, char **argv)
{
	static const char *const known[] = {"--json", NULL};
	struct cli_options options;

	if (!cli_parse(argc, argv, known, &options))
		return CLI_USAGE;
	if (options.n_words != 1) {
		fprintf(stderr, "weiyu poll --discover: name one device, or coap://HOST[:PORT]\n");
		return CLI_USAGE;
	}
	struct cli_load *load = cli_load_new();
	int code = load ? discover(&options, load) : CLI_FOUND;
	cli_load_free(load);
	return code;
}
