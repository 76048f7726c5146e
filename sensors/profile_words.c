/* profile_words.c: see profile_words.h. Tables of words, from the particular to the general: the first row that is found in
 * a cell wins. */
#include "profile_words.h"

#include <string.h>

#include "buf.h"
#include "number.h"

#define COUNT(rows) (sizeof(rows) / sizeof(*(rows)))

enum { WORD_BYTES = 96 };

/* ---- Comparing ---------------------------------------------------------------------------------- */

static char small(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

/* Small letters, without blanks and ASCII punctuation; what is too long is cut. */
static void fold(const char *cell, char folded[WORD_BYTES])
{
	size_t n = 0;

	for (; *cell && n + 1 < WORD_BYTES; cell++) {
		char c = small(*cell);
		bool is_kept = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || (unsigned char)c >= 0x80 || c == '%';
		if (is_kept)
			folded[n++] = c;
	}
	folded[n] = '\0';
}

struct word {
	const char *text; /* folded; "=x": the whole cell must be x */
	int meaning;
};

static bool find_word(const struct word *rows, size_t n, const char *cell, int *ret_meaning)
{
	char folded[WORD_BYTES];

	fold(cell, folded);
	for (size_t i = 0; i < n; i++) {
		const char *text = rows[i].text;
		if (text[0] == '=' ? strcmp(folded, text + 1) != 0 : !strstr(folded, text))
			continue;
		*ret_meaning = rows[i].meaning;
		return true;
	}
	return false;
}

/* ---- The head ----------------------------------------------------------------------------------- */

static const struct word columns[] = {
	{"numberofregisters", LIST_COUNT}, {"registercount", LIST_COUNT}, {"quantity", LIST_COUNT},
	{"数量", LIST_COUNT},		   {"个数", LIST_COUNT},	  {"长度", LIST_COUNT},
	{"=length", LIST_COUNT},	   {"=count", LIST_COUNT},	  {"=registers", LIST_COUNT},
	{"registertype", LIST_AREA},	   {"寄存器类型", LIST_AREA},	  {"功能码", LIST_AREA},
	{"functioncode", LIST_AREA},	   {"=function", LIST_AREA},	  {"=fc", LIST_AREA},
	{"=area", LIST_AREA},		   {"存储区", LIST_AREA},	  {"=区", LIST_AREA},
	{"access", LIST_ACCESS},	   {"readwrite", LIST_ACCESS},	  {"=rw", LIST_ACCESS},
	{"读写", LIST_ACCESS},		   {"权限", LIST_ACCESS},	  {"可写", LIST_ACCESS},
	{"type", LIST_TYPE},		   {"类型", LIST_TYPE},		  {"format", LIST_TYPE},
	{"格式", LIST_TYPE},		   {"desc", LIST_DESCRIPTION},	  {"comment", LIST_DESCRIPTION},
	{"remark", LIST_DESCRIPTION},	   {"note", LIST_DESCRIPTION},	  {"描述", LIST_DESCRIPTION},
	{"说明", LIST_DESCRIPTION},	   {"备注", LIST_DESCRIPTION},	  {"name", LIST_NAME},
	{"名称", LIST_NAME},		   {"名字", LIST_NAME},		  {"address", LIST_ADDRESS},
	{"地址", LIST_ADDRESS},		   {"=addr", LIST_ADDRESS},	  {"=offset", LIST_ADDRESS},
	{"register", LIST_ADDRESS},	   {"寄存器", LIST_ADDRESS},	  {"=reg", LIST_ADDRESS},
	{"unit", LIST_UNIT},		   {"单位", LIST_UNIT},		  {"scale", LIST_SCALE},
	{"scaling", LIST_SCALE},	   {"factor", LIST_SCALE},	  {"multiplier", LIST_SCALE},
	{"resolution", LIST_SCALE},	   {"倍率", LIST_SCALE},	  {"系数", LIST_SCALE},
	{"比例", LIST_SCALE},		   {"分辨率", LIST_SCALE},	  {"=tag", LIST_NAME},
	{"signal", LIST_NAME},		   {"parameter", LIST_NAME},	  {"variable", LIST_NAME},
	{"参数", LIST_NAME},		   {"变量", LIST_NAME},		  {"信号", LIST_NAME},
};

enum list_column list_column_of(const char *cell)
{
	int column = LIST_COLUMNS;

	(void)find_word(columns, COUNT(columns), cell, &column);
	return (enum list_column)column;
}

bool list_is_hex_column(const char *cell)
{
	static const struct word hex[] = {{"hex", 1}, {"十六进制", 1}, {"16进制", 1}};
	int meaning;

	return find_word(hex, COUNT(hex), cell, &meaning);
}

/* ---- Addresses ---------------------------------------------------------------------------------- */

static const struct {
	enum sensor_area area;
	int64_t five, six; /* the reference of the first element, as manuals count */
} references[] = {
	{SENSOR_DISCRETE, 10001, 100001},
	{SENSOR_INPUT, 30001, 300001},
	{SENSOR_HOLDING, 40001, 400001},
};

static void find_reference(const char *digits, size_t n, struct list_address *address)
{
	if ((n == 5 || n == 6) && digits[0] == '0' && address->number > 0) {
		address->has_area = true;
		address->area = SENSOR_COIL;
		address->base = 1;
	}
	for (size_t i = 0; i < COUNT(references); i++) {
		int64_t base = n == 6 ? references[i].six : references[i].five;
		int64_t most = n == 6 ? 65536 : 9999;
		if ((n != 5 && n != 6) || address->number < base || address->number >= base + most)
			continue;
		address->has_area = true;
		address->area = references[i].area;
		address->base = base;
	}
}

static int digit_of(char c, bool is_hex)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = small(c);
	return is_hex && c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Digits from *at on, at most eight; *at moves behind them. Returns how many. */
static size_t read_digits(const char **at, bool is_hex, int64_t *ret_number)
{
	size_t n = 0;
	int64_t number = 0;

	for (; digit_of(**at, is_hex) >= 0 && n < 8; (*at)++, n++)
		number = number * (is_hex ? 16 : 10) + digit_of(**at, is_hex);
	*ret_number = number;
	return n;
}

static const char *skip_blanks(const char *at)
{
	return at + strspn(at, " \t");
}

/* "0x1010", "1010H", "40001"; is_hex says what a bare number is, and comes back as what it was. */
static size_t read_number(const char **at, bool *is_hex, int64_t *ret_number)
{
	const char *start = *at;

	if (start[0] == '0' && small(start[1]) == 'x') {
		*is_hex = true;
		*at += 2;
		return read_digits(at, true, ret_number);
	}
	size_t n = read_digits(at, true, ret_number);
	if (n && small(**at) == 'h') {
		(*at)++;
		*is_hex = true;
		return n;
	}
	*at = start;
	return read_digits(at, *is_hex, ret_number);
}

/* "4x0017": the seventeenth of its area. False: not written so. */
static bool read_numbered(const char **at, struct list_address *address)
{
	int64_t number;

	for (size_t i = 0; i < COUNT(references); i++) {
		if ((*at)[0] != (char)('0' + references[i].five / 10000) || small((*at)[1]) != 'x')
			continue;
		*at += 2;
		if (!read_digits(at, false, &number) || number < 1)
			return false;
		address->has_area = true;
		address->area = references[i].area;
		address->base = references[i].five;
		address->number = references[i].five - 1 + number;
		address->is_hex = false;
		return true;
	}
	return false;
}

static bool read_first(const char **at, struct list_address *address)
{
	const char *digits = *at;

	if (read_numbered(at, address))
		return true;
	*at = digits;
	size_t n = read_number(at, &address->is_hex, &address->number);
	if (n && !address->is_hex)
		find_reference(digits, n, address);
	return n > 0;
}

bool list_address_of(const char *cell, bool is_hex_column, struct list_address *ret_address)
{
	const char *at = skip_blanks(cell);
	struct list_address address = {.is_hex = is_hex_column, .bit = -1};
	int64_t bit;

	if (!read_first(&at, &address))
		return false;
	bool is_hex = address.is_hex;
	address.last = address.number;
	at = skip_blanks(at);
	if (*at == '.' || *at == ':') {
		at++;
		if (!read_digits(&at, false, &bit) || bit > 15)
			return false;
		address.bit = (int)bit;
	} else if (*at == '-' || *at == '~') {
		at = skip_blanks(at + 1);
		if (!read_number(&at, &is_hex, &address.last) || address.last < address.number)
			return false;
	}
	if (*skip_blanks(at))
		return false;
	*ret_address = address;
	return true;
}

bool list_area_of(const char *cell, enum sensor_area *ret_area)
{
	static const struct word areas[] = {
		{"discrete", SENSOR_DISCRETE},	  {"离散", SENSOR_DISCRETE},  {"=di", SENSOR_DISCRETE},
		{"inputstatus", SENSOR_DISCRETE}, {"digitalinput", SENSOR_DISCRETE}, {"输入线圈", SENSOR_DISCRETE},
		{"coil", SENSOR_COIL},	  {"线圈", SENSOR_COIL},
		{"holding", SENSOR_HOLDING},	  {"保持", SENSOR_HOLDING},   {"输入", SENSOR_INPUT},
		{"input", SENSOR_INPUT},	  {"=1", SENSOR_COIL},	      {"=01", SENSOR_COIL},
		{"=2", SENSOR_DISCRETE},	  {"=02", SENSOR_DISCRETE},   {"=3", SENSOR_HOLDING},
		{"=03", SENSOR_HOLDING},	  {"=4", SENSOR_INPUT},	      {"=04", SENSOR_INPUT},
		{"=fc1", SENSOR_COIL},	  {"=fc01", SENSOR_COIL},     {"=fc2", SENSOR_DISCRETE},
		{"=fc02", SENSOR_DISCRETE},	  {"=fc3", SENSOR_HOLDING},   {"=fc03", SENSOR_HOLDING},
		{"=fc4", SENSOR_INPUT},	  {"=fc04", SENSOR_INPUT},    {"=0x01", SENSOR_COIL},
		{"=0x02", SENSOR_DISCRETE},	  {"=0x03", SENSOR_HOLDING},  {"=0x04", SENSOR_INPUT},
		{"=0306", SENSOR_HOLDING},	  {"=0316", SENSOR_HOLDING},  {"=030616", SENSOR_HOLDING},
		{"=0105", SENSOR_COIL},	  {"=0115", SENSOR_COIL},     {"=010515", SENSOR_COIL},
	};
	int area;

	if (!find_word(areas, COUNT(areas), cell, &area))
		return false;
	*ret_area = (enum sensor_area)area;
	return true;
}

/* ---- Types -------------------------------------------------------------------------------------- */

enum { IS_BOOL = 0x100 };

bool list_type_of(const char *cell, struct list_type *ret_type)
{
	static const struct word types[] = {
		{"=double", -1},		{"=float64", -1},		{"=real64", -1},
		{"双精度", -1},			{"uint64", SENSOR_U64},		{"=u64", SENSOR_U64},
		{"=qword", SENSOR_U64},		{"uint32", SENSOR_U32},		{"=u32", SENSOR_U32},
		{"dword", SENSOR_U32},		{"=ulong", SENSOR_U32},		{"unsignedlong", SENSOR_U32},
		{"=udint", SENSOR_U32},		{"uint16", SENSOR_U16},		{"=u16", SENSOR_U16},
		{"=ushort", SENSOR_U16},	{"=uint", SENSOR_U16},		{"=word", SENSOR_U16},
		{"unsignedint32", SENSOR_U32},	{"32位无符号", SENSOR_U32},	{"无符号32", SENSOR_U32},
		{"无符号长", SENSOR_U32},	{"unsigned", SENSOR_U16},	{"无符号", SENSOR_U16},
		{"=float", SENSOR_F32},		{"float32", SENSOR_F32},	{"=f32", SENSOR_F32},
		{"=real", SENSOR_F32},		{"real32", SENSOR_F32},		{"=single", SENSOR_F32},
		{"ieee754", SENSOR_F32},	{"浮点", SENSOR_F32},		{"单精度", SENSOR_F32},
		{"int64", -1},			{"=i64", -1},			{"int32", SENSOR_I32},
		{"=i32", SENSOR_I32},		{"=s32", SENSOR_I32},		{"sint32", SENSOR_I32},
		{"=long", SENSOR_I32},		{"=dint", SENSOR_I32},		{"signedlong", SENSOR_I32},
		{"32位有符号", SENSOR_I32},	{"有符号32", SENSOR_I32},	{"长整", SENSOR_I32},
		{"int16", SENSOR_I16},		{"=i16", SENSOR_I16},		{"=s16", SENSOR_I16},
		{"=short", SENSOR_I16},		{"=int", SENSOR_I16},		{"=signed", SENSOR_I16},
		{"=integer", SENSOR_I16},	{"有符号", SENSOR_I16},		{"=整型", SENSOR_I16},
		{"=整数", SENSOR_I16},		{"bool", SENSOR_BIT | IS_BOOL}, {"=bit", SENSOR_BIT | IS_BOOL},
		{"binary", SENSOR_BIT | IS_BOOL}, {"布尔", SENSOR_BIT | IS_BOOL}, {"开关", SENSOR_BIT | IS_BOOL},
		{"=位", SENSOR_BIT | IS_BOOL},	{"string", SENSOR_TEXT},	{"ascii", SENSOR_TEXT},
		{"=char", SENSOR_TEXT},		{"=text", SENSOR_TEXT},		{"字符", SENSOR_TEXT},
	};
	int meaning;

	if (!find_word(types, COUNT(types), cell, &meaning) || meaning < 0)
		return false;
	ret_type->encoding = (enum sensor_encoding)(meaning & ~IS_BOOL);
	ret_type->is_bool = (meaning & IS_BOOL) != 0;
	return true;
}

bool list_is_writable(const char *cell)
{
	static const struct word words[] = {
		{"readonly", 0}, {"只读", 0},	{"不可写", 0}, {"=ro", 0},  {"=r", 0},	 {"write", 1}, {"写", 1},
		{"=rw", 1},	 {"=wr", 1},	{"=w", 1},     {"=wo", 1},  {"=rwp", 1}, {"=05", 1},   {"=06", 1},
		{"=5", 1},	 {"=6", 1},	{"=15", 1},
		{"=0f", 1},	 {"=10", 1},	{"=16", 1},    {"0306", 1}, {"0310", 1}, {"0316", 1},  {"0105", 1},
		{"控制", 1},	 {"设定", 1},	{"setpoint", 1},
	};
	int meaning;

	return find_word(words, COUNT(words), cell, &meaning) && meaning == 1;
}

/* ---- Units, factors, names ---------------------------------------------------------------------- */

/* "MPA", "RPM": by its letters, where just one unit has them; of two letters, as mA, case is half of what they say. */
static const char *unit_by_letters(const char *cell)
{
	char theirs[WORD_BYTES], ours[WORD_BYTES];
	const char *found = NULL;

	fold(cell, theirs);
	for (size_t i = 0; strlen(theirs) > 2 && i < WY_UNIT_COUNT; i++) {
		fold(wy_unit_at(i)->name, ours);
		if (strcmp(ours, theirs) != 0)
			continue;
		if (found)
			return NULL;
		found = wy_unit_at(i)->name;
	}
	return found;
}

const char *list_unit_of(const char *cell)
{
	/* Spellings that differ from units.def in more than case. */
	static const struct {
		const char *spelling, *name;
	} others[] = {
		{"°C", "degC"},	    {"℃", "degC"},    {"C", "degC"},	{"deg C", "degC"}, {"摄氏度", "degC"},
		{"r/min", "rpm"},   {"rev/min", "rpm"}, {"转/分", "rpm"}, {"m³/h", "m3/h"},  {"m^3/h", "m3/h"},
		{"m³", "m3"},	    {"m^3", "m3"},    {"立方米", "m3"}, {"l/min", "L/min"}, {"m/s²", "m/s2"},
		{"m/s^2", "m/s2"},  {"Ω", "ohm"},     {"Ω", "ohm"},	{"kΩ", "kohm"},	   {"MΩ", "Mohm"},
		{"µA", "uA"},	    {"μA", "uA"},     {"伏", "V"},	{"安", "A"},	   {"秒", "s"},
		{"分钟", "min"},    {"小时", "h"},    {"天", "d"},	{"米", "m"},	   {"毫米", "mm"},
		{"百分比", "%"},    {"sec", "s"},     {"hour", "h"},	{"hours", "h"},	   {"hrs", "h"},
		{"毫秒", "ms"},	    {"赫兹", "Hz"},   {"公斤", "kg"},	{"兆帕", "MPa"},   {"千帕", "kPa"},
	};

	cell = skip_blanks(cell);
	const struct wy_unit *unit = wy_unit_find(cell, strlen(cell));
	if (unit)
		return unit->name;
	for (size_t i = 0; i < COUNT(others); i++)
		if (strcmp(others[i].spelling, cell) == 0)
			return others[i].name;
	return unit_by_letters(cell);
}

bool list_is_no_unit(const char *cell)
{
	static const struct word words[] = {{"=", 1},	  {"=none", 1}, {"=na", 1}, {"=times", 1}, {"=count", 1},
					    {"=counts", 1}, {"=无", 1},	{"=次", 1}, {"=个", 1}};
	int meaning;

	return find_word(words, COUNT(words), cell, &meaning);
}

static bool read_factor(const char *text, double *ret_factor)
{
	size_t len = strlen(text);

	while (len && (text[len - 1] == ' ' || text[len - 1] == '\t'))
		len--;
	return wy_parse_real(text, len, ret_factor) == WY_OK && *ret_factor >= 1e-6 && *ret_factor <= 1e6;
}

bool list_scale_of(const char *cell, double *ret_scale)
{
	static const char times[] = "\xC3\x97"; /* the sign for times */
	double divisor;

	cell = skip_blanks(cell);
	*ret_scale = 1;
	if (!*cell || strcmp(cell, "-") == 0 || strcmp(cell, "/") == 0)
		return true;
	if (strncmp(cell, times, 2) == 0)
		return read_factor(skip_blanks(cell + 2), ret_scale);
	if (small(*cell) == 'x' || *cell == '*')
		return read_factor(skip_blanks(cell + 1), ret_scale);
	const char *slash = strchr(cell, '/');
	if (!slash)
		return read_factor(cell, ret_scale);
	if (slash != cell && !(slash == cell + 1 && *cell == '1'))
		return false;
	if (!read_factor(skip_blanks(slash + 1), &divisor))
		return false;
	*ret_scale = 1 / divisor;
	return true;
}

void list_name_of(const char *cell, char *ret_name, size_t size)
{
	size_t n = 0;

	for (; *cell && n + 1 < size; cell++) {
		char c = small(*cell);
		bool is_kept = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
		if (is_kept)
			ret_name[n++] = c;
		else if ((unsigned char)c < 0x80 && n && ret_name[n - 1] != '_')
			ret_name[n++] = '_';
	}
	while (n && ret_name[n - 1] == '_')
		n--;
	ret_name[n] = '\0';
}
