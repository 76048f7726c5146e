/* modbus_learned_text.c: what was learned, from one life of the gateway to the next. See modbus_learned.h.
 *
 * One line of words, apart by single spaces; addresses are those on the wire, first and last:
 *
 *   map=5d0c1f22           of the profile, always first: with another map everything is forgotten
 *   registers=60/125       60 of them were given in one read, 125 refused; bits=... likewise
 *   holes=none             so many holes are closed that none is read over
 *   hole=i12-15            input 12 to 15 cannot be read over (c coil, d discrete, i input, h holding)
 *   area=h/1               no holding registers at all: exception 1 (0: silence)
 *   refused=i20-21/2       the value there: exception 2
 *
 * Whatever is not understood is passed over; at worst it is learned again. What is restored is not beyond doubt: refused
 * things are asked again within a minute, the rest within a day. */
#include "modbus_learned.h"

#include <string.h>

#include "buf.h"

enum {
	WORD_BYTES = 40,      /* a longer one is none of ours */
	RESTORED_TIMES = 2, /* refusals: settled, not yet hourly */
	ADDRESSES = 65536,
};

#define RETRY_MS 60000
#define TRY_MS (6 * 3600000)

static const char area_letters[] = "cdih"; /* enum sensor_area */

/* ---- The map ------------------------------------------------------------------------------------ */

static uint32_t mix(uint32_t hash, uint32_t value)
{
	for (int i = 0; i < 4; i++)
		hash = (hash ^ (value >> 8 * i & 0xFF)) * 16777619u;
	return hash;
}

/* Everything that makes a read another read. */
static uint32_t hash_of(const struct sensor_plan *plan)
{
	uint32_t hash = 2166136261u;

	for (uint32_t i = 0; i < plan->profile->n_points; i++) {
		struct sensor_extent extent = sensor_plan_extent(plan, i);
		hash = mix(mix(mix(hash, (uint32_t)extent.area), extent.first), extent.end);
		hash = mix(hash, plan->profile->points[i].is_clear_on_read);
	}
	return mix(mix(hash, plan->profile->max_registers), plan->profile->max_bits);
}

/* ---- From text ---------------------------------------------------------------------------------- */

/* A word and what of it is not read yet. */
struct cursor {
	const char *at, *end;
	bool is_wrong;
};

static bool takes(struct cursor *cursor, char c)
{
	if (cursor->at == cursor->end || *cursor->at != c)
		return false;
	cursor->at++;
	return true;
}

static uint32_t take_number(struct cursor *cursor, uint32_t most)
{
	const char *start = cursor->at;
	uint32_t value = 0;

	for (; cursor->at < cursor->end && *cursor->at >= '0' && *cursor->at <= '9' && value <= most; cursor->at++)
		value = value * 10 + (uint32_t)(*cursor->at - '0');
	if (cursor->at == start || value > most)
		cursor->is_wrong = true;
	return value;
}

static enum sensor_area take_area(struct cursor *cursor)
{
	const char *found = cursor->at < cursor->end && *cursor->at ? strchr(area_letters, *cursor->at) : NULL;

	if (!found) {
		cursor->is_wrong = true;
		return SENSOR_COIL;
	}
	cursor->at++;
	return (enum sensor_area)(found - area_letters);
}

static struct sensor_extent take_range(struct cursor *cursor)
{
	struct sensor_extent range = {.area = take_area(cursor)};

	range.first = take_number(cursor, ADDRESSES - 1);
	if (!takes(cursor, '-'))
		cursor->is_wrong = true;
	range.end = take_number(cursor, ADDRESSES - 1) + 1;
	if (range.first >= range.end)
		cursor->is_wrong = true;
	return range;
}

static uint8_t take_exception(struct cursor *cursor)
{
	if (!takes(cursor, '/'))
		cursor->is_wrong = true;
	return (uint8_t)take_number(cursor, UINT8_MAX);
}

static bool is_whole(const struct cursor *cursor)
{
	return !cursor->is_wrong && cursor->at == cursor->end;
}

static void restore_lengths(struct cursor *cursor, uint16_t most, wy_ms now_ms, struct modbus_lengths *ret)
{
	uint16_t given = (uint16_t)take_number(cursor, most);

	if (!takes(cursor, '/'))
		cursor->is_wrong = true;
	uint16_t refused = (uint16_t)take_number(cursor, most);
	if (is_whole(cursor) && given > 0 && given < refused)
		*ret = (struct modbus_lengths){given, refused, false, now_ms + TRY_MS};
}

static void restore_registers(struct modbus_learned *learned, struct cursor *cursor, wy_ms now_ms)
{
	restore_lengths(cursor, learned->plan->profile->max_registers, now_ms, &learned->registers);
}

static void restore_bits(struct modbus_learned *learned, struct cursor *cursor, wy_ms now_ms)
{
	restore_lengths(cursor, learned->plan->profile->max_bits, now_ms, &learned->bits);
}

static void restore_gapless(struct modbus_learned *learned, struct cursor *cursor, wy_ms now_ms)
{
	if (cursor->end - cursor->at != 4 || memcmp(cursor->at, "none", 4) != 0)
		return;
	learned->bounds.is_gapless = true;
	learned->gapless_until_ms = now_ms + TRY_MS;
}

static void restore_hole(struct modbus_learned *learned, struct cursor *cursor, wy_ms now_ms)
{
	struct sensor_extent hole = take_range(cursor);

	if (!is_whole(cursor) || learned->n_closed == WY_MODBUS_CLOSED_MAX)
		return;
	learned->closed[learned->n_closed] = hole;
	learned->try_ms[learned->n_closed++] = now_ms + TRY_MS + learned->seed % TRY_MS;
	learned->bounds.n_closed = learned->n_closed;
}

static struct modbus_refusal refusal_for(uint8_t exception, wy_ms now_ms)
{
	return (struct modbus_refusal){.retry_ms = now_ms + RETRY_MS,
				       .exception = exception,
				       .why = exception ? WY_WHY_EXCEPTION : WY_WHY_TIMEOUT,
				       .times = RESTORED_TIMES};
}

static void restore_area(struct modbus_learned *learned, struct cursor *cursor, wy_ms now_ms)
{
	enum sensor_area area = take_area(cursor);
	uint8_t exception = take_exception(cursor);

	if (is_whole(cursor))
		learned->area[area] = refusal_for(exception, now_ms);
}

static void restore_refused(struct modbus_learned *learned, struct cursor *cursor, wy_ms now_ms)
{
	struct sensor_extent range = take_range(cursor);
	uint8_t exception = take_exception(cursor);

	for (uint32_t i = 0; is_whole(cursor) && i < learned->plan->profile->n_points; i++) {
		struct sensor_extent extent = sensor_plan_extent(learned->plan, i);
		if (extent.area != range.area || extent.first != range.first || extent.end != range.end)
			continue;
		learned->point[i] = refusal_for(exception, now_ms);
		learned->refused[i / 8] = (uint8_t)(learned->refused[i / 8] | 1u << i % 8);
	}
}

static const struct word {
	const char *name;
	void (*restore)(struct modbus_learned *learned, struct cursor *cursor, wy_ms now_ms);
} words[] = {
	{"registers=", restore_registers}, {"bits=", restore_bits}, {"holes=", restore_gapless},
	{"hole=", restore_hole},	   {"area=", restore_area}, {"refused=", restore_refused},
};

static void restore_word(struct modbus_learned *learned, const char *text, size_t len, wy_ms now_ms)
{
	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
		size_t n = strlen(words[i].name);
		struct cursor cursor = {text + n, text + len, false};
		if (len > n && len <= WORD_BYTES && memcmp(text, words[i].name, n) == 0)
			words[i].restore(learned, &cursor, now_ms);
	}
}

static void begin_text(const struct modbus_learned *learned, struct wy_buf *buf)
{
	wy_buf_addf(buf, "map=%x", learned->map_hash);
}

static void restore(struct modbus_learned *learned, const char *text, wy_ms now_ms)
{
	char memory[WORD_BYTES];
	struct wy_buf map;

	wy_buf_init(&map, memory, sizeof(memory));
	begin_text(learned, &map);
	size_t len = strcspn(text, " ");
	if (len != map.len || memcmp(text, map.text, len) != 0)
		return;
	for (text += len; *text; text += len) {
		text += strspn(text, " ");
		len = strcspn(text, " ");
		restore_word(learned, text, len, now_ms);
	}
}

/* ---- To text ------------------------------------------------------------------------------------ */

/* Add a whole word or nothing. */
static void add_word(struct wy_buf *buf, const struct wy_buf *word)
{
	if (buf->len + 1 + word->len >= buf->size)
		return;
	wy_buf_add(buf, " ");
	wy_buf_add(buf, word->text);
}

static void add_lengths(struct wy_buf *buf, const char *name, const struct modbus_lengths *lengths)
{
	char memory[WORD_BYTES];
	struct wy_buf word;

	if (!lengths->refused)
		return;
	wy_buf_init(&word, memory, sizeof(memory));
	wy_buf_addf(&word, "%s=%u/%u", name, lengths->given, lengths->refused);
	add_word(buf, &word);
}

static void begin_range(struct wy_buf *word, char memory[WORD_BYTES], const char *name,
			const struct sensor_extent *range)
{
	wy_buf_init(word, memory, WORD_BYTES);
	wy_buf_addf(word, "%s=%c%u-%u", name, area_letters[range->area], range->first, range->end - 1);
}

static void add_holes(struct wy_buf *buf, const struct modbus_learned *learned)
{
	char memory[WORD_BYTES];
	struct wy_buf word;

	wy_buf_init(&word, memory, sizeof(memory));
	wy_buf_add(&word, "holes=none");
	if (learned->bounds.is_gapless)
		add_word(buf, &word);
	for (size_t i = 0; i < learned->n_closed; i++) {
		begin_range(&word, memory, "hole", &learned->closed[i]);
		add_word(buf, &word);
	}
}

static void add_areas(struct wy_buf *buf, const struct modbus_learned *learned)
{
	char memory[WORD_BYTES];
	struct wy_buf word;

	for (size_t i = 0; i < 4; i++) {
		if (!modbus_refusal_is_settled(&learned->area[i]))
			continue;
		wy_buf_init(&word, memory, sizeof(memory));
		wy_buf_addf(&word, "area=%c/%u", area_letters[i], learned->area[i].exception);
		add_word(buf, &word);
	}
}

static void add_refused(struct wy_buf *buf, const struct modbus_learned *learned)
{
	char memory[WORD_BYTES];
	struct wy_buf word;
	struct sensor_extent last = {0};

	for (uint32_t i = 0; i < learned->plan->profile->n_points; i++) {
		struct sensor_extent extent = sensor_plan_extent(learned->plan, i);
		bool is_again = extent.area == last.area && extent.first == last.first && extent.end == last.end;
		if (!modbus_refusal_is_settled(&learned->point[i]) || is_again)
			continue;
		begin_range(&word, memory, "refused", &extent);
		wy_buf_addf(&word, "/%u", learned->point[i].exception);
		add_word(buf, &word);
		last = extent;
	}
}

void modbus_learned_text(struct modbus_learned *learned, char ret_text[WY_LEARNED_BYTES_MAX])
{
	struct wy_buf buf;

	wy_buf_init(&buf, ret_text, WY_LEARNED_BYTES_MAX);
	begin_text(learned, &buf);
	size_t least = buf.len;
	add_lengths(&buf, "registers", &learned->registers);
	add_lengths(&buf, "bits", &learned->bits);
	add_areas(&buf, learned);
	add_holes(&buf, learned);
	add_refused(&buf, learned);
	if (buf.len == least)
		ret_text[0] = 0;
	learned->is_changed = false;
}

/* ---- Life --------------------------------------------------------------------------------------- */

enum wy_err modbus_learned_init(struct modbus_learned *learned, const struct sensor_plan *plan, const char *text,
				uint32_t seed, wy_ms now_ms, struct wy_arena *arena)
{
	size_t n = plan->profile->n_points;

	*learned = (struct modbus_learned){.plan = plan, .seed = seed, .map_hash = hash_of(plan)};
	learned->point = wy_arena_array(arena, n, sizeof(*learned->point));
	learned->refused = wy_arena_array(arena, (n + 7) / 8, 1);
	if (!learned->point || !learned->refused)
		return WY_E_NOMEM;
	learned->bounds.closed = learned->closed;
	learned->bounds.refused = learned->refused;
	if (text)
		restore(learned, text, now_ms);
	return WY_OK;
}
