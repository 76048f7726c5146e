/* simulate.h: what `weiyu simulate` plays: devices made of profiles, written as a scenario for weiyu-sim and
 * shown as a piece of a site file. */
#ifndef SIMULATE_H
#define SIMULATE_H

#include <stdio.h>

#include "cli.h"

#define SIMULATE_DEVICES_MAX 64u /* refuse; more is the work of a scenario file */
#define SIMULATE_WORDS_MAX 256u	 /* --set and --with; refuse */

struct simulate_device {
	char id[80];   /* of the profile, with a number behind it where it stands there twice */
	char *file;    /* of the profile, absolute; from realpath(), freed with the rest */
	const struct sensor_profile *profile;
	int unit;      /* Modbus */
	int port;      /* 0: any */
};

struct simulate {
	const char *profiles_dir; /* --profiles, NULL: those that came with the program */
	const char *control, *truth;
	char *link;	     /* --rtu, absolute; NULL: TCP */
	int port, coap_port; /* 0: any free one */
	bool is_list, is_print;
	const char *set[SIMULATE_WORDS_MAX], *with[SIMULATE_WORDS_MAX];
	size_t n_set, n_with;
	struct simulate_device device[SIMULATE_DEVICES_MAX];
	size_t n_devices;
};

/* Directory of the program that is running, without the slash at its end. False: it cannot be told. */
bool simulate_own_directory(char *out, size_t size);
/* A profile by id or file, perhaps with ":UNIT", becomes a device. False: said to stderr. */
bool simulate_add(struct simulate *s, const char *word, struct cli_load *load);
/* What cannot be known device by device: shared ports, names in --set and --with. False: said. */
bool simulate_settle(struct simulate *s);
/* The scenario (sim/1). */
void simulate_write_scenario(const struct simulate *s, FILE *out);
/* What it listens on and how to poll it, from the ports file of weiyu-sim. */
void simulate_say(const struct simulate *s, const char *ports_file);
void simulate_free(struct simulate *s);

#endif
