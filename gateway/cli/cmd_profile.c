/* cmd_profile.c: maps of devices, before any device is there. `check` reads profiles as the gateway does and tells what
 * polling them will take; `import` makes the skeleton of one from a vendor's register list. Neither needs a gateway file. */
#include <stdio.h>
#include <string.h>

#include "wire_budget.h"
#include "cli.h"
#include "profile_import.h"
#include "register_list.h"
#include "yaml_tree.h"

enum { N_CLASSES = 4, SKELETON_BYTES = WY_FILE_BYTES_MAX };

/* ---- What polling takes ------------------------------------------------------------------------- */

static const char *const class_names[N_CLASSES] = {"F", "M", "S", "D"};

/* A line as the profile wants it, or as most are. */
static struct sensor_wire_conf line_of(const struct sensor_profile *profile)
{
	const char *format = profile->format ? profile->format : "8N1";

	return (struct sensor_wire_conf){.kind = SENSOR_WIRE_RTU,
					 .baud = profile->n_bauds ? profile->bauds[0] : 9600,
					 .data_bits = format[0] - '0',
					 .parity = format[1],
					 .stop_bits = format[2] - '0'};
}

static size_t n_points_of(const struct sensor_profile *profile, unsigned poll)
{
	size_t n = 0;

	for (size_t i = 0; i < profile->n_points; i++)
		n += profile->points[i].poll == poll && !sensor_point_is_text(&profile->points[i]);
	return n;
}

static void ms_text(uint64_t us, char *out, size_t size)
{
	struct wy_buf buf;

	wy_buf_init(&buf, out, size);
	wy_buf_addf(&buf, "%llums", (unsigned long long)((us + 500) / 1000));
}

static void add_class(struct table *table, struct sensor_plan *plan, struct sensor_plan *tcp, unsigned poll)
{
	const struct sensor_profile *profile = plan->profile;
	struct sensor_traffic serial = sensor_plan_traffic(plan, sensor_plan_reads(plan, 1u << poll, NULL));
	struct sensor_traffic network = sensor_plan_traffic(tcp, sensor_plan_reads(tcp, 1u << poll, NULL));
	char every[24], points[24], requests[24], bytes[24], on_line[24], on_tcp[24];
	struct wy_buf buf;

	wy_buf_init(&buf, every, sizeof(every));
	wy_buf_duration(&buf, profile->class_ms[poll]);
	snprintf(points, sizeof(points), "%zu", n_points_of(profile, poll));
	snprintf(requests, sizeof(requests), "%u", serial.requests);
	snprintf(bytes, sizeof(bytes), "%u", serial.data_bytes);
	ms_text(serial.us, on_line, sizeof(on_line));
	ms_text(network.us, on_tcp, sizeof(on_tcp));
	const char *cells[] = {class_names[poll], every, points, requests, bytes, on_line, on_tcp};
	table_row(table, cells);
}

/* As `weiyu check` reckons for a wire with this device alone. */
static enum wy_err print_share(const struct sensor_profile *profile, const struct sensor_wire_conf *line,
			       const char *speed, struct wy_arena *arena)
{
	const struct sensor_device_conf device = {.id = "it", .profile = profile};
	const uint32_t mine = 0;
	struct sensor_budget budget;
	enum wy_err err = sensor_budget_of(line, &device, &mine, 1, arena, &budget);

	if (err)
		return err;
	printf("one such device takes %u.%u %% of a line at %s\n", budget.per_mille / 10, budget.per_mille % 10, speed);
	if (budget.hasty.per_mille > SENSOR_BUDGET_MOST)
		printf("but its min_interval leaves no room for so many requests\n");
	return WY_OK;
}

static enum wy_err print_traffic(const struct sensor_profile *profile, struct wy_arena *arena)
{
	const struct sensor_wire_conf line = line_of(profile);
	const struct sensor_wire_conf network = {.kind = SENSOR_WIRE_TCP};
	struct sensor_plan plan, tcp;
	char speed[24];
	const char *head[] = {"class", "every", "points", "requests", "bytes", speed, "TCP"};
	enum wy_err err = sensor_plan_init(&plan, profile, sensor_cost_of(&line, profile), arena);

	if (!err)
		err = sensor_plan_init(&tcp, profile, sensor_cost_of(&network, profile), arena);
	struct table *table = err ? NULL : table_new(sizeof(head) / sizeof(*head));
	if (!table)
		return WY_E_NOMEM;
	snprintf(speed, sizeof(speed), "%d %d%c%d", line.baud, line.data_bits, line.parity, line.stop_bits);
	table_row(table, head);
	for (unsigned poll = 0; poll < N_CLASSES; poll++)
		if (n_points_of(profile, poll))
			add_class(table, &plan, &tcp, poll);
	table_print(table);
	table_free(table);
	return print_share(profile, &line, speed, arena);
}

/* ---- weiyu profile check ------------------------------------------------------------------------ */

static enum wy_err read_profile(const char *path, struct cli_load *load, struct sensor_profile **ret_profile)
{
	const struct wy_node *root;
	enum wy_err err = yaml_load_file(path, &load->arena, &load->diags, &root);

	return err ? err : sensor_profile_read(root, &load->arena, &load->diags, ret_profile);
}

static void print_profile(const char *path, const struct sensor_profile *profile)
{
	size_t n_texts = 0;

	for (size_t i = 0; i < profile->n_points; i++)
		n_texts += sensor_point_is_text(&profile->points[i]);
	printf("%s: %s, %s %s, %zu points", path, profile->id, profile->vendor, profile->model, profile->n_points);
	if (n_texts)
		printf(", of them %zu text%s for people", n_texts, n_texts == 1 ? "" : "s");
	printf("\n");
}

static bool check_one(const char *path)
{
	struct cli_load *load = cli_load_new();
	struct sensor_profile *profile;

	if (!load) {
		fprintf(stderr, "weiyu profile: out of memory\n");
		return false;
	}
	enum wy_err err = read_profile(path, load, &profile);
	cli_say(&load->diags);
	if (!err)
		print_profile(path, profile);
	if (!err && profile->transport == SENSOR_MODBUS)
		err = print_traffic(profile, &load->arena);
	if (err)
		printf("%s: %zu error%s\n", path, load->diags.errors, load->diags.errors == 1 ? "" : "s");
	else
		printf("%s: fine\n", path);
	cli_load_free(load);
	return err == WY_OK;
}

static int check(int argc, char **argv)
{
	bool is_fine = true;

	if (argc < 2) {
		fprintf(stderr, "usage: weiyu profile check FILE...\n");
		return CLI_USAGE;
	}
	for (int i = 1; i < argc; i++)
		is_fine = check_one(argv[i]) && is_fine;
	return is_fine ? CLI_FINE : CLI_FOUND;
}

/* ---- weiyu profile import ----------------------------------------------------------------------- */

/* The name of the file, as far as an id may hold it. */
static void id_of(const char *path, char *ret_id, size_t size)
{
	const char *slash = strrchr(path, '/');
	size_t n = 0;

	for (const char *c = slash ? slash + 1 : path; *c && *c != '.' && n + 1 < size; c++) {
		bool is_letter = (*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z');
		if (is_letter || (*c >= '0' && *c <= '9'))
			ret_id[n++] = *c;
		else if (n && ret_id[n - 1] != '-')
			ret_id[n++] = '-';
	}
	while (n && ret_id[n - 1] == '-')
		n--;
	ret_id[n] = '\0';
	if (!n)
		snprintf(ret_id, size, "imported");
}

/* What was made must be a profile: whoever runs this should not have to find out. */
static enum wy_err prove(const struct wy_buf *text, struct cli_load *load)
{
	const struct wy_node *root;
	struct sensor_profile *profile;
	enum wy_err err = yaml_load_text("the skeleton", text->text, text->len, &load->arena, &load->diags, &root);

	return err ? err : sensor_profile_read(root, &load->arena, &load->diags, &profile);
}

static enum wy_err import_list(const char *path, const char *id, struct cli_load *load)
{
	struct list_row *rows;
	struct wy_buf text;
	size_t n_rows;
	char *memory = wy_arena_alloc(&load->arena, SKELETON_BYTES);

	if (!memory)
		return WY_E_NOMEM;
	wy_buf_init(&text, memory, SKELETON_BYTES);
	enum wy_err err = register_list_read(path, &load->diags, &rows, &n_rows);
	if (err)
		return err;
	const struct list_source list = {id, path, rows, n_rows};
	err = profile_import(&list, &load->diags, &text);
	if (!err)
		err = prove(&text, load);
	if (!err)
		fputs(text.text, stdout);
	return err;
}

/* --id ID anywhere, and one file. False: wrong usage. */
static bool import_words(int argc, char **argv, const char **ret_path, const char **ret_id)
{
	for (int i = 1; i < argc; i++) {
		bool is_id = strcmp(argv[i], "--id") == 0;
		if (is_id && i + 1 < argc)
			*ret_id = argv[++i];
		else if (argv[i][0] == '-' || *ret_path)
			return false;
		else
			*ret_path = argv[i];
	}
	return *ret_path != NULL;
}

static int import(int argc, char **argv)
{
	const char *path = NULL, *id = NULL;
	char own_id[65];

	if (!import_words(argc, argv, &path, &id)) {
		fprintf(stderr, "usage: weiyu profile import LIST.csv [--id ID]\n");
		return CLI_USAGE;
	}
	struct cli_load *load = cli_load_new();
	if (!load) {
		fprintf(stderr, "weiyu profile: out of memory\n");
		return CLI_FOUND;
	}
	id_of(path, own_id, sizeof(own_id));
	enum wy_err err = import_list(path, id ? id : own_id, load);
	cli_say(&load->diags);
	if (err && !load->diags.errors)
		fprintf(stderr, "weiyu profile: %s\n", wy_err_text(err));
	bool is_fine = !err && !load->diags.errors;
	cli_load_free(load);
	return is_fine ? CLI_FINE : CLI_FOUND;
}

int cmd_profile(int argc, char **argv)
{
	if (argc >= 2 && strcmp(argv[1], "check") == 0)
		return check(argc - 1, argv + 1);
	if (argc >= 2 && strcmp(argv[1], "import") == 0)
		return import(argc - 1, argv + 1);
	fprintf(stderr, "weiyu profile: check FILE..., or import LIST.csv\n");
	return CLI_USAGE;
}
