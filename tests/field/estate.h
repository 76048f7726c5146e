/* estate.h: many wires with devices that tell the truth (truth.h), faults on every wire (line.h), one driver that polls
 * them all, and a judge who holds every report against what was really answered.
 *
 * Life     estate_open, estate_poll_until or estate_play any number of times, estate_close. Most often in made
 *          time (scene.h). */
#ifndef FIELD_ESTATE_H
#define FIELD_ESTATE_H

#include "arena.h"
#include "drive.h"
#include "truth.h"

/* What the devices of a wire are. The same block shapes in other places are what makes late answers dangerous. */
enum estate_kind {
	ESTATE_TEN,    /* ten registers */
	ESTATE_MIXED,  /* three numbers of two registers, eight bits */
	ESTATE_TWINS,  /* twice four registers, far apart: two requests alike but for the address */
	ESTATE_ONE,    /* one register */
	ESTATE_BITS,   /* sixteen coils, two registers far from the next */
	ESTATE_LONE,   /* one register, and none beside it may be read: while in doubt it cannot be read at all */
	ESTATE_BRIEF,  /* six registers; TCP: the connection is given back after each poll */
	ESTATE_KINDS
};

enum { ESTATE_POINTS_MOST = 18, ESTATE_GAPS = 400, ESTATE_GAP_MS = 10 };

struct estate_conf {
	const struct sensor_driver *driver; /* NULL: somebody else polls, and hands reports to estate_take() */
	enum line_kind kind; /* LINE_TCP or LINE_PTY */
	unsigned n_wires, n_units; /* n_units on each wire, numbered from 1 */
	enum estate_kind of_all;   /* ESTATE_KINDS: each in turn */
	wy_ms period_ms, timeout_ms;
	wy_ms takes_ms, spread_ms; /* an answer */
	int baud;
	uint64_t seed;
	double rate, byte_rate;
	uint32_t faults; /* mask, 0: all */
	bool has_echoes; /* some serial lines give requests back, and the driver knows */
	unsigned speed;
};

struct estate_device {
	uint32_t wire;
	uint8_t unit;
	enum estate_kind kind;
	uint64_t n_reports, n_good; /* good: every point of it is */
	uint64_t n_failed;	    /* no answer at all */
	uint64_t failed_run, worst_failed_run;
	uint64_t bad_run, worst_bad_run; /* reports in a row that were not good */
	wy_ms good_ms;			 /* the latest good report, 0: none yet */
	/* Disturbed answers of the wire at the latest good report that is some timeouts old, and at one after it. */
	uint64_t disturbed_before, disturbed_since;
	wy_ms since_ms;
	uint32_t gaps[ESTATE_GAPS]; /* between good reports, in steps of ESTATE_GAP_MS */
	uint64_t accepted;
};

struct estate {
	struct estate_conf conf;
	struct scene scene;
	struct drive drive;
	struct sensor_profile_point points[ESTATE_KINDS][ESTATE_POINTS_MOST];
	struct sensor_profile profiles[ESTATE_KINDS];
	struct sensor_wire_conf *wires;
	struct sensor_device_conf *confs;
	uint32_t *mine;
	struct line *lines;
	struct truth *truths;
	struct estate_device *devices;
	size_t n_devices;
	void *memory;
	struct wy_arena arena;
	struct wy_diags *diags;
	/* The judgement */
	uint64_t accepted, stale, corrupt; /* values */
	uint64_t reports, bad_reports;
	uint64_t slow_returns;	/* reports that were bad for longer than two for each disturbed answer */
	uint64_t false_offline; /* three failed reports in a row for one disturbed answer, or for none */
};

/* As the proofs want it: 60 wires, three devices of all kinds on each, polled each second. */
struct estate_conf estate_usual(const struct sensor_driver *driver, enum line_kind kind, double rate);

void estate_open(struct estate *estate, const struct estate_conf *conf);
void estate_close(struct estate *estate);
/* Judge one report; arg is the estate. Its times must be those of the scene. */
void estate_take(void *arg, const struct sensor_report *report);

/* Until so many requests were made, but not beyond `most_ms` of made time. */
void estate_poll_until(struct estate *estate, uint64_t requests, wy_ms most_ms);
void estate_play(struct estate *estate, wy_ms span_ms);

/* Sums over all wires. */
uint64_t estate_requests(const struct estate *estate);
uint64_t estate_disturbed(const struct estate *estate);
uint64_t estate_writes(const struct estate *estate);
/* One paragraph of figures. */
void estate_print(const struct estate *estate, const char *title);
/* p of the gaps between good reports of devices [from, to): 0.5, 0.99 ... in ms. Forget what was measured so far. */
wy_ms estate_gap(const struct estate *estate, double p, size_t from, size_t to);
void estate_forget_gaps(struct estate *estate);

#endif
