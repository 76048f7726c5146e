/* The shipped profiles against bytes: what a device sends by its maker's document, and what people then read.
 *
 * profiles/ID.yaml beside this file belongs to sensors/profiles/ID.yaml (`weiyu: vector/1`, see profiles/README.md).
 * The numbers in it are worked out by hand from the documents; nothing of ours made them. A profile without
 * vectors, a point that no vector proves, a flag never seen both ways or never apart from another, a sentinel or a range
 * never met: all fail. */
#include <dirent.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "decode.h"
#include "fields.h"
#include "number.h"
#include "senml.h"
#include "yaml_tree.h"

#define SHIPPED WY_SOURCE_DIR "/sensors/profiles"
#define VECTORS WY_SOURCE_DIR "/tests/sensors/profiles"
#define COUNT(rows) (sizeof(rows) / sizeof(*(rows)))

enum { WINDOW_WORDS = 125, NAME_BYTES = 128 };

/* What the vectors of a profile have shown of a point. Bit i of flags is vector i. */
struct seen {
	bool is_good, is_sentinel, is_range;
	uint64_t in, flags; /* bool: where it was expected, and where it was true */
};

/* Where the profiles are: shipped, or a directory named on the command line, for a test that spoils them. */
static const char *profiles = SHIPPED;

struct bench {
	void *memory;
	struct wy_arena arena;
	struct wy_diags diags;
	struct senml_pack *pack;
	const struct sensor_profile *profile;
	struct seen seen[WY_POINTS_PER_DEVICE];
	uint64_t vector; /* the bit of the one that is played */
	unsigned n_wrong;
};

static int set_up(void **state)
{
	struct bench *bench = calloc(1, sizeof(*bench));

	assert_non_null(bench);
	bench->memory = malloc(WY_LOAD_ARENA_BYTES);
	bench->pack = malloc(sizeof(*bench->pack));
	assert_non_null(bench->memory);
	assert_non_null(bench->pack);
	*state = bench;
	return 0;
}

static int tear_down(void **state)
{
	struct bench *bench = *state;

	free(bench->memory);
	free(bench->pack);
	free(bench);
	return 0;
}

static void wrong_at(struct bench *bench, const struct wy_node *node, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static void wrong_at(struct bench *bench, const struct wy_node *node, const char *format, ...)
{
	char text[256];
	va_list args;

	va_start(args, format);
	(void)vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	print_error("%s:%u: %s\n", node->source->name, node->line, text);
	bench->n_wrong++;
}

static const struct wy_node *load(struct bench *bench, const char *directory, const char *name)
{
	const struct wy_node *root = NULL;
	char path[512];

	(void)snprintf(path, sizeof(path), "%s/%s", directory, name);
	if (yaml_load_file(path, &bench->arena, &bench->diags, &root))
		fail_msg("%s: %s", path, bench->diags.n ? bench->diags.item[0].text : "?");
	return root;
}

/* ---- Bytes ------------------------------------------------------------------------------------ */

static int hex_digit(char c)
{
	static const char digits[] = "0123456789ABCDEF";
	const char *at = c ? strchr(digits, c) : NULL;

	return at ? (int)(at - digits) : -1;
}

/* "00 1F": pairs of capital digits with blanks between them. The number of bytes; 0: something else. */
static size_t read_hex(const char *text, uint8_t *bytes, size_t n_max)
{
	size_t n = 0;

	for (; *text == ' '; text++)
		;
	while (*text) {
		int high = hex_digit(text[0]);
		int low = high >= 0 ? hex_digit(text[1]) : -1;

		if (low < 0 || n == n_max)
			return 0;
		bytes[n++] = (uint8_t)(high << 4 | low);
		for (text += 2; *text == ' '; text++)
			;
	}
	return n;
}

struct window {
	struct sensor_window window;
	uint8_t bytes[2 * WINDOW_WORDS];
	uint16_t words[WINDOW_WORDS];
};

static const struct {
	const char *key;
	enum sensor_area area;
} areas[] = {
	{"coil", SENSOR_COIL},
	{"discrete", SENSOR_DISCRETE},
	{"input", SENSOR_INPUT},
	{"holding", SENSOR_HOLDING},
};

/* One answer: the wire address of its first register or bit, and its bytes as they travelled. */
static bool read_window(const struct wy_node *node, enum sensor_area area, struct window *window)
{
	int64_t address;
	size_t n = read_hex(node->text, window->bytes, sizeof(window->bytes));

	if (!n || wy_parse_int(node->key->text, node->key->len, &address) || address < 0 || address > 65535)
		return false;
	if (!sensor_area_is_bits(area) && n % 2)
		return false;
	for (size_t i = 0; i + 1 < n; i += 2)
		window->words[i / 2] = (uint16_t)(window->bytes[i] << 8 | window->bytes[i + 1]);
	window->window = (struct sensor_window){
		.area = area,
		.address = (uint16_t)address,
		.count = (uint16_t)(sensor_area_is_bits(area) ? n * 8 : n / 2),
		.words = window->words,
		.bits = window->bytes,
	};
	return true;
}

/* The sample of a point from the answers of a vector. false: none of them holds it. */
static bool sample_of_bytes(struct bench *bench, const struct wy_node *vector, uint32_t index,
			    struct wy_sample *ret_sample)
{
	struct sensor_extent extent = sensor_point_extent(bench->profile, index);

	for (size_t i = 0; i < COUNT(areas); i++) {
		const struct wy_node *answers = wy_node_get(vector, areas[i].key);
		for (const struct wy_node *m = answers ? answers->child : NULL; m; m = m->next) {
			struct window window;

			if (!read_window(m, areas[i].area, &window)) {
				wrong_at(bench, m, "expected an address and bytes such as 0x1010: \"00 1F\"");
				return false;
			}
			if (!sensor_window_holds(&window.window, &extent))
				continue;
			sensor_decode(bench->profile, index, &window.window, 0, ret_sample);
			return true;
		}
	}
	return false;
}

/* ---- Payloads ----------------------------------------------------------------------------------- */

struct payload {
	const char *path;
	const void *bytes;
	size_t len;
};

static enum wy_err read_text(const struct payload *payload, struct senml_pack *pack)
{
	return senml_read_text(payload->bytes, payload->len, pack);
}

static enum wy_err read_json(const struct payload *payload, struct senml_pack *pack)
{
	return senml_read_json(payload->bytes, payload->len, pack);
}

static enum wy_err read_cbor(const struct payload *payload, struct senml_pack *pack)
{
	return senml_read_cbor(payload->bytes, payload->len, pack);
}

static enum wy_err read_tlv(const struct payload *payload, struct senml_pack *pack)
{
	return senml_read_tlv(payload->path, payload->bytes, payload->len, pack);
}

static const struct {
	const char *key; /* also says the content format */
	enum wy_err (*read)(const struct payload *payload, struct senml_pack *pack);
	bool is_hex, is_nameless;
} formats[] = {
	{"text", read_text, false, true},
	{"senml", read_json, false, false},
	{"cbor", read_cbor, true, false},
	{"tlv", read_tlv, true, false},
};

/* The record of a point in its payload, or NULL. */
static const struct senml_record *read_record(struct bench *bench, const struct sensor_profile_point *point,
					      const struct wy_node *node, size_t format)
{
	const char *name = point->senml_name ? point->senml_name : point->path + 1;
	const struct senml_record *record = &bench->pack->record[0];
	uint8_t bytes[256];
	struct payload payload = {point->path, node->text, node->len};

	if (formats[format].is_hex) {
		payload.bytes = bytes;
		payload.len = read_hex(node->text, bytes, sizeof(bytes));
	}
	if (!payload.len || formats[format].read(&payload, bench->pack))
		return NULL;
	if (!formats[format].is_nameless && senml_find(bench->pack, name, &record))
		return NULL;
	return record;
}

static bool sample_of_payload(struct bench *bench, const struct wy_node *vector, uint32_t index,
			      struct wy_sample *ret_sample)
{
	const struct sensor_profile_point *point = &bench->profile->points[index];

	for (size_t i = 0; i < COUNT(formats); i++) {
		const struct wy_node *answers = wy_node_get(vector, formats[i].key);
		const struct wy_node *payload = answers ? wy_node_get(answers, point->path) : NULL;

		if (!payload)
			continue;
		const struct senml_record *record = read_record(bench, point, payload, i);
		if (!record) {
			wrong_at(bench, payload, "no value for '%s' in this payload", point->name);
			return false;
		}
		senml_sample(record, point, index, 0, ret_sample);
		return true;
	}
	return false;
}

/* ---- One expectation ------------------------------------------------------------------------------ */

static bool is_near(double a, double b)
{
	return fabs(a - b) <= 1e-6 * (fabs(b) > 1e-3 ? fabs(b) : 1e-3);
}

static bool is_value(const struct sensor_profile_point *point, const struct wy_sample *sample,
		     const struct wy_node *node)
{
	int64_t whole = 0;
	double real = 0;

	switch (point->type) {
	case WY_TYPE_BOOL:
		return wy_node_is(node, sample->whole ? "true" : "false");
	case WY_TYPE_ENUM:
		return sample->whole >= 0 && (uint64_t)sample->whole < point->n_values &&
		       wy_node_is(node, point->values[sample->whole]);
	case WY_TYPE_REAL:
		return !sample->is_whole && wy_parse_real(node->text, node->len, &real) == WY_OK &&
		       is_near(sample->real, real);
	case WY_TYPE_INT:
	case WY_TYPE_COUNTER:
		return sample->is_whole && wy_parse_int(node->text, node->len, &whole) == WY_OK &&
		       sample->whole == whole;
	default:
		return false;
	}
}

static const char *const why_names[] = {
#define WY_WHY(name, text) #name,
#include "reading.def"
#undef WY_WHY
};

static void judge_good(struct bench *bench, uint32_t index, const struct wy_sample *sample,
		       const struct wy_node *node)
{
	const struct sensor_profile_point *point = &bench->profile->points[index];
	struct seen *seen = &bench->seen[index];

	if (sample->quality != WY_Q_GOOD || !is_value(point, sample, node)) {
		wrong_at(bench, node, "%s: expected %s, got %s %s %lld / %.9g", point->name, node->text,
			 wy_quality_text(sample->quality), why_names[sample->why],
			 (long long)(sample->is_whole ? sample->whole : 0),
			 sample->is_whole ? 0.0 : sample->real);
		return;
	}
	seen->is_good = true;
	seen->in |= bench->vector;
	seen->flags |= point->type == WY_TYPE_BOOL && sample->whole ? bench->vector : 0;
}

static void judge_bad(struct bench *bench, uint32_t index, const struct wy_sample *sample,
		      const struct wy_node *node)
{
	if (sample->quality != WY_Q_BAD || !wy_node_is(node, why_names[sample->why])) {
		wrong_at(bench, node, "%s: expected bad because of %s, got %s %s",
			 bench->profile->points[index].name, node->text, wy_quality_text(sample->quality),
			 why_names[sample->why]);
		return;
	}
	bench->seen[index].is_sentinel |= sample->why == WY_WHY_SENTINEL;
	bench->seen[index].is_range |= sample->why == WY_WHY_RANGE;
}

static void play_expectations(struct bench *bench, const struct wy_node *vector, const char *key,
			      void (*judge)(struct bench *, uint32_t, const struct wy_sample *,
					    const struct wy_node *))
{
	const struct sensor_profile *profile = bench->profile;
	const struct wy_node *expected = wy_node_get(vector, key);

	for (const struct wy_node *m = expected ? expected->child : NULL; m; m = m->next) {
		const struct sensor_profile_point *point = sensor_profile_find(profile, m->key->text);
		struct wy_sample sample;

		if (!point) {
			wrong_at(bench, m, "no point '%s' in %s", m->key->text, profile->id);
			continue;
		}
		uint32_t index = (uint32_t)(point - profile->points);
		bool has_sample = profile->transport == SENSOR_COAP
					  ? sample_of_payload(bench, vector, index, &sample)
					  : sample_of_bytes(bench, vector, index, &sample);
		if (has_sample)
			judge(bench, index, &sample, m);
		else
			wrong_at(bench, m, "%s: no answer of this vector holds it", point->name);
	}
}

/* ---- A profile -------------------------------------------------------------------------------------- */

static const char *const vector_keys[] = {"note",  "coil", "discrete", "input", "holding", "text",
					  "senml", "cbor", "tlv",      "good",  "bad"};

static void refuse_unknown_keys(struct bench *bench, const struct wy_node *vector)
{
	for (const struct wy_node *m = vector->child; m; m = m->next) {
		size_t i = 0;
		while (i < COUNT(vector_keys) && strcmp(vector_keys[i], m->key->text) != 0)
			i++;
		if (i == COUNT(vector_keys))
			wrong_at(bench, m->key, "unknown key '%s'", m->key->text);
	}
	if (!wy_node_get(vector, "note"))
		wrong_at(bench, vector, "say in 'note' what the device does here");
}

static void demand_proof(struct bench *bench, const struct wy_node *root, uint32_t index)
{
	const struct sensor_profile_point *point = &bench->profile->points[index];
	const struct seen *seen = &bench->seen[index];
	const char *missing = NULL;

	if (!seen->is_good)
		missing = "is expected nowhere";
	else if (point->type == WY_TYPE_BOOL && (!seen->flags || seen->flags == seen->in))
		missing = "is not seen both true and false";
	else if (point->n_sentinels && !seen->is_sentinel)
		missing = "is never absent, though it has sentinels";
	else if (point->has_range && !seen->is_range)
		missing = "is never out of its range";
	if (missing)
		wrong_at(bench, root, "point '%s' %s", point->name, missing);
}

/* Two flags that look the same in every vector might be one bit read twice. */
static void demand_difference(struct bench *bench, const struct wy_node *root, uint32_t index)
{
	const struct sensor_profile_point *points = bench->profile->points;
	const struct seen *a = &bench->seen[index];

	for (uint32_t i = 0; i < index; i++) {
		const struct seen *b = &bench->seen[i];
		if (points[i].type == WY_TYPE_BOOL && points[index].type == WY_TYPE_BOOL &&
		    points[i].area == points[index].area && !(a->in & b->in & (a->flags ^ b->flags)))
			wrong_at(bench, root, "'%s' and '%s' never differ in one vector", points[i].name,
				 points[index].name);
	}
}

static void read_profile(struct bench *bench, const char *name)
{
	struct sensor_profile *profile = NULL;

	if (sensor_profile_read(load(bench, profiles, name), &bench->arena, &bench->diags, &profile))
		fail_msg("%s: %s", name, bench->diags.n ? bench->diags.item[0].text : "?");
	bench->profile = profile;
}

static void play_file(struct bench *bench, const char *name)
{
	wy_arena_init(&bench->arena, bench->memory, WY_LOAD_ARENA_BYTES);
	wy_diags_init(&bench->diags, &bench->arena);
	memset(bench->seen, 0, sizeof(bench->seen));
	read_profile(bench, name);
	const struct wy_node *root = load(bench, VECTORS, name);
	const struct wy_node *vectors = wy_node_get(root, "vectors");

	if (!wy_node_is(wy_node_get(root, "weiyu"), "vector/1") || !vectors ||
	    !wy_node_is(wy_node_get(root, "profile"), bench->profile->id)) {
		wrong_at(bench, root, "expected weiyu: vector/1, profile: %s and vectors", bench->profile->id);
		return;
	}
	assert_true(vectors->n <= 64);
	bench->vector = 1;
	for (const struct wy_node *vector = vectors->child; vector; vector = vector->next, bench->vector <<= 1) {
		refuse_unknown_keys(bench, vector);
		play_expectations(bench, vector, "good", judge_good);
		play_expectations(bench, vector, "bad", judge_bad);
	}
	for (uint32_t i = 0; i < bench->profile->n_points; i++) {
		demand_proof(bench, root, i);
		demand_difference(bench, root, i);
	}
}

/* Calls visit for each .yaml file of a directory; how many there were. */
static unsigned each_file(struct bench *bench, const char *path,
			  void (*visit)(struct bench *bench, const char *name))
{
	DIR *directory = opendir(path);
	unsigned n = 0;

	assert_non_null(directory);
	for (struct dirent *entry; (entry = readdir(directory));) {
		size_t len = strlen(entry->d_name);
		if (len < 6 || len >= NAME_BYTES || strcmp(entry->d_name + len - 5, ".yaml") != 0)
			continue;
		visit(bench, entry->d_name);
		n++;
	}
	closedir(directory);
	return n;
}

static void must_have_profile(struct bench *bench, const char *name)
{
	char path[512];
	FILE *file;

	(void)snprintf(path, sizeof(path), "%s/%s", SHIPPED, name);
	file = fopen(path, "r");
	if (!file) {
		print_error("%s/%s belongs to no profile\n", VECTORS, name);
		bench->n_wrong++;
		return;
	}
	(void)fclose(file);
}

static void every_point_of_every_profile_is_proven_by_bytes(void **state)
{
	struct bench *bench = *state;

	assert_true(each_file(bench, profiles, play_file) > 0);
	assert_int_equal(bench->n_wrong, 0);
}

static void every_vector_file_belongs_to_a_profile(void **state)
{
	struct bench *bench = *state;

	bench->n_wrong = 0;
	assert_true(each_file(bench, VECTORS, must_have_profile) > 0);
	assert_int_equal(bench->n_wrong, 0);
}

/* Life safety is asked first on a wire that has not the time for all. */
static void must_go_first(struct bench *bench, const char *name)
{
	bool is_safety = strncmp(name, "lift-", 5) == 0 || strncmp(name, "fire-", 5) == 0;

	wy_arena_init(&bench->arena, bench->memory, WY_LOAD_ARENA_BYTES);
	wy_diags_init(&bench->diags, &bench->arena);
	read_profile(bench, name);
	if (bench->profile->is_life_safety == is_safety)
		return;
	print_error("%s: life_safety is %s\n", name, is_safety ? "missing" : "for lifts and fire only");
	bench->n_wrong++;
}

static void lifts_and_fire_are_asked_before_others(void **state)
{
	struct bench *bench = *state;

	bench->n_wrong = 0;
	assert_true(each_file(bench, profiles, must_go_first) > 0);
	assert_int_equal(bench->n_wrong, 0);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_point_of_every_profile_is_proven_by_bytes),
		cmocka_unit_test(every_vector_file_belongs_to_a_profile),
		cmocka_unit_test(lifts_and_fire_are_asked_before_others),
	};

	if (argc > 1)
		profiles = argv[1];

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
