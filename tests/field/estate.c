/* estate.c: see estate.h. */
#define _GNU_SOURCE
#include "estate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

enum { MEMORY_PER_DEVICE = 32768, MEMORY_MORE = 4 << 20, DESCRIPTORS = 8192, SINCE_TIMEOUTS = 8, ECHO_EVERY = 4 };

/* Answers later than this are outside of what a serial line can tell; the faults stay below. */
#define LATEST_TIMEOUTS 5.5

static void *must(void *memory)
{
	if (!memory)
		abort();
	return memory;
}

/* ---- Profiles ----------------------------------------------------- */

static const struct {
	enum estate_kind kind;
	enum sensor_area area;
	enum sensor_encoding encoding;
	uint16_t address, n;
} rows[] = {
	{ESTATE_TEN, SENSOR_HOLDING, SENSOR_U16, 0, 10},   {ESTATE_MIXED, SENSOR_INPUT, SENSOR_U32, 100, 3},
	{ESTATE_MIXED, SENSOR_DISCRETE, SENSOR_BIT, 5, 8}, {ESTATE_TWINS, SENSOR_HOLDING, SENSOR_U16, 0, 4},
	{ESTATE_TWINS, SENSOR_HOLDING, SENSOR_U16, 1000, 4}, {ESTATE_ONE, SENSOR_INPUT, SENSOR_U16, 7, 1},
	{ESTATE_BITS, SENSOR_COIL, SENSOR_BIT, 0, 16},	   {ESTATE_BITS, SENSOR_HOLDING, SENSOR_U16, 300, 2},
	{ESTATE_LONE, SENSOR_HOLDING, SENSOR_U16, 50, 1},  {ESTATE_BRIEF, SENSOR_INPUT, SENSOR_U16, 0, 6},
};

static const char *const names[ESTATE_POINTS_MOST] = {"p0",  "p1",  "p2",  "p3",  "p4",	 "p5",
						      "p6",  "p7",  "p8",  "p9",  "p10", "p11",
						      "p12", "p13", "p14", "p15", "p16", "p17"};
static const char *const titles[ESTATE_KINDS] = {"ten", "mixed", "twins", "one", "bits", "lone", "brief"};

static uint16_t words_of(enum sensor_encoding encoding)
{
	return encoding == SENSOR_U32 ? 2 : encoding == SENSOR_BIT ? 0 : 1;
}

static void make_points(struct estate *e)
{
	for (size_t r = 0; r < sizeof(rows) / sizeof(*rows); r++) {
		struct sensor_profile *profile = &e->profiles[rows[r].kind];
		uint16_t step = rows[r].encoding == SENSOR_U32 ? 2 : 1;
		for (uint16_t i = 0; i < rows[r].n; i++) {
			size_t at = profile->n_points++;
			e->points[rows[r].kind][at] =
				(struct sensor_profile_point){.name = names[at],
							      .type = step == 1 && rows[r].encoding == SENSOR_BIT
									      ? WY_TYPE_BOOL
									      : WY_TYPE_INT,
							      .area = rows[r].area,
							      .encoding = rows[r].encoding,
							      .address = (uint16_t)(rows[r].address + i * step),
							      .poll = SENSOR_FAST,
							      .scale = 1};
		}
	}
}

static void make_profiles(struct estate *e)
{
	for (size_t k = 0; k < ESTATE_KINDS; k++)
		e->profiles[k] = (struct sensor_profile){.id = titles[k],
							 .transport = SENSOR_MODBUS,
							 .points = e->points[k],
							 .max_registers = 125,
							 .max_bits = 2000,
							 .max_gap = k == ESTATE_LONE ? 0 : 4,
							 .is_closed_after_poll =
								 k == ESTATE_BRIEF && e->conf.kind == LINE_TCP,
							 .timeout_ms = e->conf.timeout_ms,
							 .class_ms = {e->conf.period_ms, 10000, 60000, 3600000}};
	make_points(e);
}

/* ---- Wires -------------------------------------------------------- */

static void make_line(struct estate *e, unsigned w)
{
	bool is_serial = e->conf.kind == LINE_PTY;
	bool has_echo = is_serial && e->conf.has_echoes && w % ECHO_EVERY == 0;
	struct truth *truth = &e->truths[w];
	struct line_conf conf = {.kind = e->conf.kind,
				 .faults = {.seed = e->conf.seed + w,
					    .rate = e->conf.rate,
					    .byte_rate = e->conf.byte_rate,
					    .mask = e->conf.faults,
					    .timeout_ms = e->conf.timeout_ms},
				 .has_echo = has_echo,
				 .answer = truth_answer,
				 .answer_arg = truth,
				 .latest_ms = is_serial ? (wy_ms)(LATEST_TIMEOUTS * (double)e->conf.timeout_ms) : 0};

	*truth = (struct truth){.scene = &e->scene,
				.number = w,
				.frames = is_serial ? FRAME_RTU : FRAME_TCP,
				.takes_ms = e->conf.takes_ms,
				.spread_ms = e->conf.spread_ms,
				.random = e->conf.seed + w,
				.units = must(calloc(e->conf.n_units, sizeof(struct truth_unit))),
				.n_units = e->conf.n_units};
	for (unsigned u = 0; u < e->conf.n_units; u++)
		truth->units[u].id = (uint8_t)(u + 1);
	if (line_open(&e->lines[w], &e->scene, &conf)) {
		perror("line");
		abort();
	}
	e->wires[w] = (struct sensor_wire_conf){.id = "w",
						.kind = is_serial ? SENSOR_WIRE_RTU : SENSOR_WIRE_TCP,
						.host = "127.0.0.1",
						.port = e->lines[w].port,
						.tty = e->lines[w].tty,
						.baud = e->conf.baud,
						.parity = 'N',
						.data_bits = 8,
						.stop_bits = 1,
						.has_echo = has_echo,
						.connect_ms = 2 * e->conf.timeout_ms};
}

static void make_device(struct estate *e, uint32_t d)
{
	struct estate_device *device = &e->devices[d];

	device->wire = d / e->conf.n_units;
	device->unit = (uint8_t)(d % e->conf.n_units + 1);
	device->kind = e->conf.of_all < ESTATE_KINDS ? e->conf.of_all
						     : (enum estate_kind)((d + device->wire) % ESTATE_KINDS);
	e->confs[d] = (struct sensor_device_conf){.id = titles[device->kind],
						  .wire = device->wire,
						  .profile = &e->profiles[device->kind],
						  .unit_id = device->unit};
	e->mine[d] = d;
}

/* ---- Judgement ---------------------------------------------------- */

static const uint8_t function_of[] = {
	[SENSOR_COIL] = 1, [SENSOR_DISCRETE] = 2, [SENSOR_HOLDING] = 3, [SENSOR_INPUT] = 4};

static void judge_sample(struct estate *e, struct estate_device *device, const struct sensor_report *report,
			 const struct wy_sample *sample)
{
	const struct sensor_profile_point *p = &e->points[device->kind][sample->point];
	enum truth_verdict verdict =
		truth_judge(&e->truths[device->wire], device->unit, function_of[p->area], p->address,
			    words_of(p->encoding), (uint32_t)sample->whole, report->at_ms - report->took_ms);

	e->accepted++;
	device->accepted++;
	e->stale += verdict == TRUTH_STALE;
	e->corrupt += verdict == TRUTH_CORRUPT;
}

static void note_good(struct estate *e, struct estate_device *device)
{
	wy_ms now = e->scene.now_ms;
	wy_ms gap = (now - device->good_ms) / ESTATE_GAP_MS;

	if (device->good_ms)
		device->gaps[gap < ESTATE_GAPS ? gap : ESTATE_GAPS - 1]++;
	device->n_good++;
	device->good_ms = now;
	device->bad_run = device->failed_run = 0;
	if (now - device->since_ms < SINCE_TIMEOUTS * e->conf.timeout_ms)
		return;
	device->since_ms = now;
	device->disturbed_before = device->disturbed_since;
	device->disturbed_since = e->lines[device->wire].faults.n_disturbed;
}

static void note_bad(struct estate *e, struct estate_device *device, bool is_failed)
{
	uint64_t causes = e->lines[device->wire].faults.n_disturbed - device->disturbed_before;

	e->bad_reports++;
	device->n_failed += is_failed;
	device->failed_run = is_failed ? device->failed_run + 1 : 0;
	if (++device->bad_run > device->worst_bad_run)
		device->worst_bad_run = device->bad_run;
	if (device->failed_run > device->worst_failed_run)
		device->worst_failed_run = device->failed_run;
	e->slow_returns += device->kind != ESTATE_LONE && device->bad_run > 2 * causes;
	e->false_offline += device->kind != ESTATE_LONE && device->failed_run >= 3 && causes < 2;
}

void estate_take(void *arg, const struct sensor_report *report)
{
	struct estate *e = arg;
	struct estate_device *device = &e->devices[report->device];
	bool is_failed = report->err && report->err != WY_E_EXCEPTION;
	bool is_good = !report->err && report->n == e->profiles[device->kind].n_points;

	for (uint32_t i = 0; i < report->n; i++) {
		if (wy_quality_is_usable(report->sample[i].quality))
			judge_sample(e, device, report, &report->sample[i]);
		is_good &= report->sample[i].quality == WY_Q_GOOD;
	}
	e->reports++;
	device->n_reports++;
	if (is_good)
		note_good(e, device);
	else
		note_bad(e, device, is_failed);
}

/* ---- Life --------------------------------------------------------- */

static void open_drive(struct estate *e)
{
	size_t size = MEMORY_MORE + e->n_devices * MEMORY_PER_DEVICE;

	e->memory = must(malloc(size));
	wy_arena_init(&e->arena, e->memory, size);
	e->diags = must(calloc(1, sizeof(*e->diags)));
	wy_diags_init(e->diags, &e->arena);
	struct sensor_field_parts parts = {.wires = e->wires,
					   .devices = e->confs,
					   .mine = e->mine,
					   .n_mine = e->n_devices,
					   .arena = &e->arena,
					   .seed = e->conf.seed,
					   .now_ms = e->scene.now_ms,
					   .take = estate_take,
					   .arg = e,
					   .diags = e->diags};
	drive_open(&e->drive, &e->scene, e->conf.driver, &parts);
}

struct estate_conf estate_usual(const struct sensor_driver *driver, enum line_kind kind, double rate)
{
	return (struct estate_conf){.driver = driver,
				    .kind = kind,
				    .n_wires = 60,
				    .n_units = 3,
				    .of_all = ESTATE_KINDS,
				    .period_ms = 1000,
				    .timeout_ms = 500,
				    .takes_ms = 5,
				    .spread_ms = 20,
				    .baud = 9600,
				    .seed = 1,
				    .rate = rate,
				    .speed = kind == LINE_PTY ? 2000 : 200};
}

void estate_open(struct estate *e, const struct estate_conf *conf)
{
	struct rlimit limit = {DESCRIPTORS, DESCRIPTORS};

	(void)setrlimit(RLIMIT_NOFILE, &limit);
	*e = (struct estate){.conf = *conf, .n_devices = (size_t)conf->n_wires * conf->n_units};
	e->wires = must(calloc(conf->n_wires, sizeof(*e->wires)));
	e->lines = must(calloc(conf->n_wires, sizeof(*e->lines)));
	e->truths = must(calloc(conf->n_wires, sizeof(*e->truths)));
	e->confs = must(calloc(e->n_devices, sizeof(*e->confs)));
	e->mine = must(calloc(e->n_devices, sizeof(*e->mine)));
	e->devices = must(calloc(e->n_devices, sizeof(*e->devices)));
	scene_open(&e->scene, conf->speed);
	make_profiles(e);
	for (unsigned w = 0; w < conf->n_wires; w++)
		make_line(e, w);
	for (uint32_t d = 0; d < e->n_devices; d++)
		make_device(e, d);
	if (conf->driver)
		open_drive(e);
}

void estate_close(struct estate *e)
{
	if (e->conf.driver)
		drive_close(&e->drive);
	for (unsigned w = 0; w < e->conf.n_wires; w++) {
		line_close(&e->lines[w]);
		free(e->truths[w].units);
	}
	scene_close(&e->scene);
	void *all[] = {e->wires, e->lines, e->truths, e->confs, e->mine, e->devices, e->memory, e->diags};
	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++)
		free(all[i]);
}

/* ---- Playing ------------------------------------------------------ */

void estate_play(struct estate *e, wy_ms span_ms)
{
	scene_play(&e->scene, e->scene.now_ms + span_ms);
}

void estate_poll_until(struct estate *e, uint64_t requests, wy_ms most_ms)
{
	wy_ms end_ms = e->scene.now_ms + most_ms;

	while (e->scene.now_ms < end_ms && estate_requests(e) < requests)
		estate_play(e, 1000);
}

/* ---- Figures ------------------------------------------------------ */

uint64_t estate_requests(const struct estate *e)
{
	uint64_t sum = 0;

	for (unsigned w = 0; w < e->conf.n_wires; w++)
		sum += e->lines[w].n_requests;
	return sum;
}

uint64_t estate_disturbed(const struct estate *e)
{
	uint64_t sum = 0;

	for (unsigned w = 0; w < e->conf.n_wires; w++)
		sum += e->lines[w].faults.n_disturbed;
	return sum;
}

uint64_t estate_writes(const struct estate *e)
{
	uint64_t sum = 0;

	for (unsigned w = 0; w < e->conf.n_wires; w++)
		sum += e->lines[w].n_writes;
	return sum;
}

void estate_print(const struct estate *e, const char *title)
{
	uint64_t too_late = 0, worst = 0, worst_failed = 0;

	for (unsigned w = 0; w < e->conf.n_wires; w++)
		too_late += e->lines[w].n_too_late;
	for (size_t d = 0; d < e->n_devices; d++) {
		worst = e->devices[d].worst_bad_run > worst ? e->devices[d].worst_bad_run : worst;
		worst_failed = e->devices[d].worst_failed_run > worst_failed ? e->devices[d].worst_failed_run
									     : worst_failed;
	}
	printf("%s, seed %llu: %llu requests, %llu answers disturbed, in %lld s of made time\n", title,
	       (unsigned long long)e->conf.seed, (unsigned long long)estate_requests(e),
	       (unsigned long long)estate_disturbed(e), (long long)(e->scene.now_ms / 1000 - 1000));
	printf("  values accepted %llu, wrong %llu (of an older request %llu, of no answer %llu)\n",
	       (unsigned long long)e->accepted, (unsigned long long)(e->stale + e->corrupt),
	       (unsigned long long)e->stale, (unsigned long long)e->corrupt);
	printf("  reports %llu, not wholly good %llu; worst run %llu, of failed ones %llu; slow returns %llu, false offline "
	       "%llu; writes %llu; never sent for lateness %llu\n",
	       (unsigned long long)e->reports, (unsigned long long)e->bad_reports, (unsigned long long)worst,
	       (unsigned long long)worst_failed, (unsigned long long)e->slow_returns,
	       (unsigned long long)e->false_offline, (unsigned long long)estate_writes(e),
	       (unsigned long long)too_late);
	printf("  ");
	for (enum fault kind = FAULT_NONE + 1; kind < FAULT_KINDS; kind++) {
		uint64_t n = 0;
		for (unsigned w = 0; w < e->conf.n_wires; w++)
			n += e->lines[w].faults.by_kind[kind];
		if (n)
			printf("%s %llu  ", fault_name(kind), (unsigned long long)n);
	}
	printf("\n");
}

void estate_forget_gaps(struct estate *e)
{
	for (size_t d = 0; d < e->n_devices; d++)
		memset(e->devices[d].gaps, 0, sizeof(e->devices[d].gaps));
}

wy_ms estate_gap(const struct estate *e, double p, size_t from, size_t to)
{
	uint64_t sums[ESTATE_GAPS] = {0}, all = 0, seen = 0;

	for (size_t d = from; d < to; d++)
		for (size_t g = 0; g < ESTATE_GAPS; g++) {
			sums[g] += e->devices[d].gaps[g];
			all += e->devices[d].gaps[g];
		}
	for (size_t g = 0; g < ESTATE_GAPS; g++) {
		seen += sums[g];
		if (all && (double)seen >= p * (double)all)
			return (wy_ms)(g + 1) * ESTATE_GAP_MS;
	}
	return WY_MS_NEVER;
}
