/* cmd_check.c: every file, every mistake. Exit 0 fine (warnings allowed), 1 mistakes, 2 usage. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"
#include "modbus_tls.h"
#include "trial.h"

/* Keys come and go apart from the configuration (enrolment makes them), so a missing one is no mistake of it;
 * but whoever installs wants to know now. */
static void look_for_keys(const char *path, const struct config_uplink *uplink)
{
	const struct {
		const char *key, *file;
	} rows[] = {{"ca", uplink->ca}, {"certificate", uplink->certificate}, {"key", uplink->key}};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		if (access(rows[i].file, R_OK) != 0)
			fprintf(stderr, "%s: warning: uplink.%s: '%s' cannot be read: %s; without it the "
				"gateway does not connect\n", path, rows[i].key, rows[i].file, strerror(errno));
}

/* The same for wires under TLS; what is there must fit together. The devices decide by our role what they answer. */
static enum wy_err look_at_secured_wires(const char *path, const struct config *config, struct wy_diags *diags)
{
	struct modbus_tls *tls = NULL;
	enum wy_err err = modbus_tls_new(0, &tls);

	for (size_t i = 0; !err && i < config->n_wires; i++) {
		struct modbus_tls_conf *conf;
		if (!config->wires[i].tls_ca)
			continue;
		err = modbus_tls_load(tls, &config->wires[i], diags, &conf);
		if (!err)
			printf("%s: wire '%s' is secured; our role is '%s'\n", path, config->wires[i].id, modbus_tls_role(conf));
		else if (err == WY_E_INVALID)
			err = WY_OK; /* said, and the others are of interest too */
	}
	modbus_tls_free(tls);
	return err;
}

static bool is_secured(const struct sensor_wire_conf *wire, const struct sensor_device_conf *device)
{
	return wire->tls_ca || device->psk_key || device->dtls_ca;
}

/* No mistake: most devices know no other way. But whoever answers for the network should know which. */
static void name_plain_wires(const char *path, const struct config *config)
{
	size_t n_plain = 0, n_networked = 0;
	char names[300] = "";
	struct wy_buf buf;

	wy_buf_init(&buf, names, sizeof(names));
	for (uint32_t w = 0; w < config->n_wires; w++) {
		size_t before = n_plain;
		for (size_t d = 0; d < config->n_devices; d++) {
			if (config->devices[d].wire != w || config->wires[w].tty)
				continue;
			n_networked++;
			n_plain += !is_secured(&config->wires[w], &config->devices[d]);
		}
		if (n_plain > before)
			wy_buf_addf(&buf, "%s%s", buf.len ? ", " : "", config->wires[w].id);
	}
	if (n_plain)
		printf("%s: %zu of %zu devices on the network are asked in the clear, so whoever is on it can answer in their "
		       "place: wires %s\n", path, n_plain, n_networked, names);
}

static enum wy_err check_gateway(const char *path, struct cli_load *load)
{
	struct config *config;
	struct rule_set *rules;
	enum wy_err err = config_load(path, &load->arena, &load->diags, &config);

	if (!err)
		err = config_compile(config, &load->arena, &load->diags, &rules);
	if (err)
		return err;
	look_for_keys(path, &config->uplink);
	err = look_at_secured_wires(path, config, &load->diags);
	if (err)
		return err;
	name_plain_wires(path, config);
	printf("%s: %zu devices, %zu assets, %zu rules, %zu instances\n", path, config->n_devices,
	       config->n_assets, rule_count(rules), rule_instance_count(rules));
	return WY_OK;
}

/* One file at a time, each with its own memory: what one breaks does not hide the next. */
static bool check_one(const char *path, const struct config_check *how)
{
	struct cli_load *load = cli_load_new();
	enum wy_err err;

	if (!load) {
		fprintf(stderr, "weiyu check: out of memory\n");
		return false;
	}
	err = how ? config_check_file(path, how, &load->arena, &load->diags) : check_gateway(path, load);
	cli_say(&load->diags);
	bool is_fine = err == WY_OK && load->diags.errors == 0;
	if (is_fine)
		printf("%s: fine%s\n", path, load->diags.warnings ? ", with warnings" : "");
	else
		printf("%s: %zu error%s, %zu warning%s\n", path, load->diags.errors,
		       load->diags.errors == 1 ? "" : "s", load->diags.warnings,
		       load->diags.warnings == 1 ? "" : "s");
	cli_load_free(load);
	return is_fine;
}

/* With all it names, and its rules compiled; nothing is played. */
static enum wy_err check_tests(const char *path, struct wy_arena *arena, struct wy_diags *diags)
{
	struct trial_file *file;
	enum wy_err err = trial_open(path, arena, diags, &file);

	if (!err)
		printf("%s: %zu test%s\n", path, file->n_tests, file->n_tests == 1 ? "" : "s");
	return err;
}

int cmd_check(int argc, char **argv)
{
	static const char *const known[] = {NULL};
	static const struct config_kind tests = {"test/1", check_tests};
	struct cli_options options;
	bool is_fine = true;

	if (!cli_parse(argc, argv, known, &options))
		return CLI_USAGE;
	struct config_check how = {.gateway = options.is_config_given ? options.config : NULL, .more = &tests, .n_more = 1};
	for (int i = 0; i < options.n_words; i++)
		is_fine = check_one(options.words[i], &how) && is_fine;
	if (!options.n_words)
		is_fine = check_one(options.config, NULL);
	return is_fine ? CLI_FINE : CLI_FOUND;
}
