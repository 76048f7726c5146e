/* messages_test.c: wrong rules, and where and how the compiler says so: code, line, column, words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "case_play.h"

#define POINTS                                                                                             \
	"class:\n"                                                                                         \
	"  a: {type: bool}\n"                                                                              \
	"  door_zone: {type: bool}\n"                                                                      \
	"  p: {type: real, unit: bar, range: [0, 25], poll: 2s, stale: 20s}\n"                             \
	"  load: {type: real, unit: '%', range: [0, 150]}\n"                                               \
	"  t: {type: real, unit: degC, range: [-20, 200]}\n"                                               \
	"  n: {type: int, range: [0, 255]}\n"                                                              \
	"  m: {type: enum, values: [NORMAL, INSPECTION, FIRE_SERVICE]}\n"                                  \
	"  m2: {type: enum, values: [OPEN, CLOSED]}\n"                                                     \
	"  c: {type: counter, modulus: 65536}\n"

static void show(const struct case_world *w)
{
	char text[2000];
	struct wy_buf buf;

	for (size_t i = 0; i < w->diags.n; i++) {
		wy_buf_init(&buf, text, sizeof(text));
		wy_diag_print(&w->diags.item[i], &buf);
		print_message("%s\n", text);
	}
}

static const struct wy_diag *find(const struct case_world *w, const char *code, unsigned line, unsigned column,
				  const char *words)
{
	for (size_t i = 0; i < w->diags.n; i++) {
		const struct wy_diag *d = &w->diags.item[i];
		if (strcmp(d->code, code) == 0 && d->place.line == line && d->place.column == column &&
		    strstr(d->text, words))
			return d;
	}
	return NULL;
}

/* ---- One expression ----------------------------------------------------------------------- */

struct wrong {
	const char *when;
	const char *code;
	unsigned at; /* byte of the expression, from 0 */
	const char *words;
};

static const struct wrong expressions[] = {
	{"m_of_n(a, 3, 2, step=1h)", "E106", 10, "m_of_n: 3 of 2 steps can never be"},
	{"m_of_n(a, 0, 2, step=1h)", "E106", 10, "'m' is a whole number from 1 to 400"},
	{"zbase(p, slot=7min, keep=8) > 3", "E106", 14, "a day or an equal part of it in whole quarters of an hour"},
	{"zbase(p, slot=45min, keep=99) > 3", "E106", 26, "'keep' is a whole number from 3 to 32"},
	{"zbase(p, season=year, slot=1h, keep=8) > 3", "E104", 16, "'season' is one of: week day"},
	{"zlearn(p, learn=5000, tau=1h) > 3", "E106", 16, "'learn' is a whole number from 10 to 1000"},
	{"zlearn(p, learn=100) > 3", "E104", 0, "'tau' is missing"},
	{"joint(p, p, p, p, p, p, p, p, p, learn=100, tau=1h) > 3", "E104", 30, "takes at most 8 of 'x'"},
	{"share(3, joint(p, t, learn=100, tau=1h)) > 50 %", "E104", 9, "this joint() has fewer points than that"},
	{"share(1, p) > 50 %", "E104", 9, "expected joint(...)"},
	{"bank.load > 3 bar", "E301", 0, "class 'thing' has no relation 'bank'"},
	{"count_of(thin, a) > 3", "E301", 9, "there is no class 'thin'; did you mean 'thing'?"},
	{"count_of(thing, p) > 3", "E201", 16, "expected a condition, found a number in bar"},
	{"count_of(thing, held(a, 1h) > 5min) > 3", "E208", 16, "held() remembers; here only the present can be asked for"},
	{"count_of(thing, count_of(thing, a) > 3) > 3", "E208", 16, "count_of() is of other assets again"},
	{"frac_of(thing, a) > 3", "E204", 20, "write the number with its unit"},
	{"median_of(thing, a) > 3", "E201", 17, "expected a number"},
	{"median_of(thing, age(a)) > 3s", "E203", 17, "age() grows by itself"},
	{"peer_median(c, by=side) > 3", "E205", 12, "its value alone means nothing"},
	{"peer_median(p) > 3 bar", "E104", 0, "'by' is missing"},
	{"peer_median(t, by=side) > 3 dK", "E202", 26, ""},
	{"rise(episodes(t.q, 1h) > 3)", "E109", 14, "alarm() and episodes() inside a function that remembers"},
	{"episodes(t.q, 1h) > 3", "E301", 9, "there is no rule 't.q'"},
	{"ewma_n(p, 5) > 3 bar", "E203", 7, "expected samples such as sample(x, on=fall(moving))"},
	{"zstep(p, step=1d, n=2) > 3", "E106", 20, "'n' is a whole number from 3 to 400"},
	{"eta(p, limit=5 mm, over=1h) < 1h", "E201", 13, "units do not fit"},
	{"eta(p, limit=5 bar, over=1h, side=up) < 1h", "E104", 34, "'side' is one of: either high low"},
	{"eta(p, limit=5 bar, over=3s) < 1h", "E402", 25, "shorter than two polls"},
	{"a and", "E104", 5, "expected a value (point, number, $parameter, function or '('), found the end"},
	{"a and and a", "E104", 6, "expected a value before it, found 'and'"},
	{"and a", "E104", 0, "found 'and'"},
	{"a or)", "E104", 4, "found ')'"},
	{"(a or door_zone", "E104", 15, "expected ')', found the end"},
	{"a)", "E104", 1, "found ')'"},
	{"a door_zone", "E104", 2, "expected an operator ('and', 'or', a comparison ...) or the end, found 'door_zone'"},
	{"p = 2 bar", "E104", 2, "'=' compares nothing; did you mean '=='?"},
	{"1 bar < p < 2 bar", "E104", 10, "comparisons cannot be chained"},
	{"a && door_zone", "E104", 2, "'&&': write 'and'"},
	{"a || door_zone", "E104", 2, "'||': write 'or'"},
	{"!a", "E104", 0, "'!': write 'not'"},
	{"p > 2 => a", "E104", 6, "'=>'"},
	{"p <> 2 bar", "E104", 2, "write '!='"},
	{"a # b", "E104", 2, "no such sign"},
	{"p > 2 bars", "E104", 6, "did you mean the unit 'bar'?"},
	{"p > 2bars", "E104", 4, "no unit of this name"},
	{"p in 2 bar", "E104", 5, "expected '{' for a list of values or '[' for a range after 'in'"},
	{"n in {1, 2", "E104", 10, "expected ',' or '}', found the end"},
	{"n in [1]", "E104", 7, "expected ',' and the upper end of the range, found ']'"},
	{"n in [1, 2, 3]", "E104", 10, "expected ']', found ','"},
	{"m == \"NORMAL\"", "E104", 5, "without quotes"},
	{"a and $ > 3", "E104", 6, "name of a parameter"},
	{"p > 12345678901234567890 bar", "E104", 4, "17 digits"},
	{"since(a > 3s", "E104", 12, "expected ',' or ')', found the end"},
	{"p > 2 bar and not", "E104", 17, "found the end"},
	{"2 - not a", "E104", 4, "'not' belongs before a condition"},
	{"dor_zone", "E301", 0, "class 'thing' has no point 'dor_zone'; did you mean 'door_zone'?"},
	{"a and $hald > 3s", "E301", 6, "package 't' has no parameter 'hald'; did you mean 'hold'?"},
	{"during(nigth)", "E301", 7, "no calendar 'nigth'; did you mean 'night'?"},
	{"silense() > 10s", "E301", 0, "there is no function 'silense'; did you mean 'silence'?"},
	{"alarm(t.rr)", "E301", 6, "there is no rule 't.rr'; did you mean 't.r'?"},
	{"eta(p, limit=2 bar) < 3d", "E104", 0, "'over' is missing"},
	{"p > 85 degC", "E201", 4, "a number in bar meets a number in degC: units do not fit"},
	{"p > 85", "E201", 4, "a number in bar meets a bare number; write the number with a unit, such as '5 bar'"},
	{"load > 5", "E204", 7, "write the number with its unit, such as '5 %'"},
	{"p + 3 s > 2 bar", "E201", 4, "units do not fit"},
	{"t > 85 dK", "E202", 4, "degC meets a difference in dK"},
	{"t + t > 90 degC", "E202", 4, "cannot be added"},
	{"2 * t > 90 degC", "E202", 4, "cannot be multiplied"},
	{"t - 85 degC > 5 degC", "E202", 14, "dK"},
	{"p", "E201", 0, "expected a condition, found a number in bar"},
	{"a and n", "E201", 6, "expected a condition, found a bare number"},
	{"rise(a)", "E203", 0, "expected a condition, found an event"},
	{"count(a, 1h) > 3", "E203", 6, "expected an event such as rise(...)"},
	{"rise(a) + 1 > 2", "E203", 0, "expected a number, found an event"},
	{"c > 100", "E205", 0, "increase(c, 1h)"},
	{"increase(n, 1h) > 3", "E205", 9, "expected a counter; 'n' is none"},
	{"m == NORML", "E206", 5, "point 'm' has no value NORML; did you mean 'NORMAL'"},
	{"m == OPEN", "E206", 5, "point 'm' has no value OPEN"},
	{"m == m2", "E206", 5, "different sets of values"},
	{"m == 3", "E206", 5, "an enum value cannot be compared with a bare number"},
	{"NORMAL == NORMAL", "E206", 0, "two enum literals"},
	{"m > NORMAL", "E201", 0, "only numbers can be smaller or larger"},
	{"a > door_zone", "E201", 0, "only numbers"},
	{"p > 30 bar", "E303", 0, "this is never true: 'p' is declared 0 to 25 bar"},
	{"p >= 0 bar", "E303", 0, "always true"},
	{"3 > 2", "E508", 0, "the same for ever"},
	{"a and n > 300", "E303", 6, "never true"},
	{"count(rise(a), 500d) > 3", "E401", 15, "at most 400d"},
	{"count(rise(a), 0s) > 3", "E401", 15, "1ms to 400d"},
	{"since(a) > 99999999999999d", "E401", 11, "at most 400d"},
	{"yes", "E301", 0, "write true or false"},
	{"a == 3", "E201", 5, "write 'x' or 'not x'"},
	{"count(rise(a)", "E104", 13, "put the condition in quotes"},
	{"since(a) > 5m", "E201", 11, "minutes are written 'min'"},
	{"p > 1e400 bar", "E104", 4, "no unit of this name"},
	{"load % 2 == 0 %", "E104", 5, "there is no remainder"},
	{"load > 5 % 2", "E104", 11, "expected an operator"},
	{"t > 85 °C", "E104", 7, "degC"},
	{"p ≥ 2 bar", "E104", 2, "write '>='"},
	{"p > 2 bar（", "E104", 9, "plain keyboard"},
	{"a AND door_zone", "E104", 2, "small letters"},
	{"NOT a", "E104", 0, "small letters"},
	{"n in {1, NORMAL}", "E206", 9, "a bare number cannot be compared with an enum value"},
	{"p in {1 bar, 2 s}", "E201", 13, "units do not fit"},
	{"p in [1 bar, 85 degC]", "E201", 13, "units do not fit"},
	{"p in [4 bar, 2 bar]", "E303", 6, "never true"},
	{"m in [NORMAL, INSPECTION]", "E201", 0, "a range [low, high] needs numbers"},
	{"a == NORMAL", "E206", 5, "a condition (true or false) cannot be compared with an enum value"},
	{"rise(a) == rise(door_zone)", "E203", 0, "found an event"},
	{"a == 1", "E201", 5, "cannot be compared"},
	{"t in [5 dK, 85 degC]", "E202", 6, "degC meets a difference in dK"},
	{"pick(p, p, p) > 2 bar", "E201", 5, "expected a condition"},
	{"t > 85 degc", "E104", 7, "did you mean the unit 'degC'?"},
	{"p > 2 MPa bar", "E104", 10, "found 'bar'"},
	{"count(rise(a), p) > 3", "E201", 15, "expected a length of time"},
	{"min(p, 3s) < 1 bar", "E402", 7, "shorter than two polls of 'p'"},
	{"silence() > 1s", "E403", 12, "below two polls"},
	{"age(p) > 3s", "E403", 9, "the limit of age() is below two polls (4s)"},
	{"age(p > 2 bar) > 30s", "E201", 4, "expected the name of a point"},
	{"count(rise(a)) > 3", "E104", 0, "count(e, w) takes 2 arguments, found 1"},
	{"count(e=rise(a), x=1h) > 3", "E104", 19, "count(e, w) has no argument 'x'"},
	{"count(rise(a), e=rise(a)) > 3", "E104", 17, "count(e, w): 'e' is given twice"},
	{"sample(p, rise(a)) > 3 bar", "E104", 10, "sample(x, on=, [delay=]): this argument needs its name: on="},
	{"sample(p) > 3 bar", "E104", 0, "'on' is missing"},
	{"sample(p, on=a) > 3 bar", "E203", 13, "expected an event such as rise(...)"},
	{"sample(p, on=rise(a), delay=3 bar) > 3 bar", "E201", 28, "expected a length of time"},
	{"sample(p, on=rise(a)) - sample(p, on=fall(a)) > 3 bar", "E203", 24, "sample the whole"},
	{"max(since(rise(a)), 1h) > 3s", "E203", 4, "since() grows by itself; take it at an event"},
	{"since(rise(alarm(t.r))) > 3s", "E109", 17, "not in this version"},
	{"m in {NORMAL, OPN}", "E206", 14, "no value OPN"},
	{"greatest(p, t) > 3 bar", "E201", 12, "units do not fit"},
};

static void wrong_expressions_are_named_at_their_place(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(expressions) / sizeof(*expressions); i++) {
		static const char head[] = POINTS
			"file:\n"
			"  weiyu: rules/1\n"
			"  package: t\n"
			"  params: {hold: {type: s, default: 5s}}\n"
			"  calendars: {night: {from: '22:00', to: '06:00'}}\n"
			"  rules:\n"
			"    - id: t.r\n"
			"      scope: thing\n"
			"      fault: T-01\n"
			"      tier: S3\n"
			"      clear_hold: 5s\n"
			"      when: ";
		char text[4000];
		struct wy_buf buf;
		struct case_world w;
		const struct wrong *wrong = &expressions[i];
		unsigned line = 1;
		wy_buf_init(&buf, text, sizeof(text));
		wy_buf_add(&buf, head);
		for (const char *at = head; *at; at++)
			line += *at == '\n';
		/* Quoted, so that any sign may stand in it; single quotes keep places exact. */
		wy_buf_addf(&buf, "'%s'\n", wrong->when);
		bool is_open = case_open(&w, NULL, text);
		if (is_open || !find(&w, wrong->code, line, 14 + wrong->at, wrong->words)) {
			show(&w);
			fail_msg("%s: expected %s at %u:%u: %s", wrong->when, wrong->code, line, 14 + wrong->at, wrong->words);
		}
		assert_int_equal(w.diags.errors, 1);
		case_close(&w);
	}
}

/* ---- Whole files -------------------------------------------------------------------------- */

struct wrong_file {
	const char *name;
	const char *file; /* stands under "file:\n", indented by two */
	const char *code;
	unsigned line, column; /* line 1 is the first of `file` */
	const char *words;
};

#define RULE "  weiyu: rules/1\n  package: t\n"
#define KINDS(keys) RULE "  rules:\n    - {id: t.r, scope: thing, fault: T-01, tier: S3, " keys "}\n"

#define SIGNALS(list) RULE "  signals: [" list "]\n  rules:\n    - {id: t.r, scope: thing, fault: T-01, tier: S3, when: a, clear_hold: 5s}\n"

static const struct wrong_file files[] = {
	{"unknown key", RULE "  rules:\n    - {id: t.r, scope: thing, fault: T-01, tier: S3, wen: a, clear_hold: 5s}\n",
	 "E103", 4, 54, "unknown key 'wen'; did you mean 'when'?"},
	{"foreign key", RULE "  rules:\n    - {id: t.r, scope: thing, fault: T-01, tier: S3, when: a, clear_hold: 5s, ticket: {route: x}}\n",
	 "E511", 4, 79, "'ticket' means nothing in a rule with 'when'"},
	{"signals that are no list", RULE "  signals: {s: p}\n  rules: []\n", "E105", 3, 12, "expected a list of at most"},
	{"signal of nothing", SIGNALS("{name: s, expr: p}"), "E107", 3, 13, "key 'of' is missing"},
	{"signal of an unknown class", SIGNALS("{name: s, of: thng, expr: p}"), "E301", 3, 27, "did you mean 'thing'?"},
	{"signal with an unknown unit", SIGNALS("{name: s, of: thing, unit: barr, expr: p}"), "E805", 3, 40, "did you mean 'bar'?"},
	{"signal in another unit", SIGNALS("{name: s, of: thing, unit: degC, expr: p}"), "E201", 3, 52, "a number in bar; the signal is declared in degC"},
	{"idle signal that is wrong", SIGNALS("{name: s, of: thing, expr: p + load}"), "E201", 3, 44, "units do not fit"},
	{"wrong signal of two rules", RULE "  signals: [{name: s, of: thing, expr: medan(p)}]\n  rules:\n"
	 "    - {id: t.r, scope: thing, fault: T-01, tier: S3, when: s > 2 bar, clear: s < 1 bar}\n"
	 "    - {id: t.q, scope: thing, fault: T-01, tier: S3, when: s > 2 bar, clear: s < 1 bar}\n",
	 "E301", 3, 40, "there is no function 'medan'"},
	{"signal named like a point", SIGNALS("{name: p, of: thing, expr: p}"), "E108", 3, 20, "give the signal another name"},
	{"signal declared twice", SIGNALS("{name: s, of: thing, expr: p}, {name: s, of: [thing], expr: p}"), "E108", 3, 51, "declared twice"},
	{"signal made of itself", SIGNALS("{name: s, of: thing, expr: q2}, {name: q2, of: thing, expr: s + p}"), "E506", 3, 73, "the signal 's' is made of itself"},
	{"signals that grow without bound",
	 SIGNALS("{name: s1, of: thing, expr: p+p+p+p+p+p+p+p+p+p}, {name: s2, of: thing, expr: s1+s1+s1+s1+s1+s1+s1+s1+s1+s1}, "
		 "{name: s3, of: thing, expr: s2+s2+s2+s2+s2+s2+s2+s2+s2+s2}"), "E601", 3, 41, "more than 512 parts"},
	{"min_cover above one", KINDS("when: a, clear_hold: 5s, min_cover: 75"), "E106", 4, 90, "a share from 0 to 1"},
	{"min_samples of none", KINDS("when: a, clear_hold: 5s, min_samples: 0"), "E106", 4, 92, "a whole number from 1 to 10000"},
	{"missing key", RULE "  rules:\n    - {id: t.r, fault: T-01, tier: S3, when: a, clear_hold: 5s}\n", "E107", 4, 7, "key 'scope' is missing"},
	{"no condition", RULE "  rules:\n    - {id: t.r, scope: thing, fault: T-01, tier: S3, clear_hold: 5s}\n", "E107", 4, 7, "one of 'when', 'levels', 'event', 'pattern'; this one has none"},
	{"two kinds", KINDS("when: a, event: rise(a), clear: not a"),
	 "E107", 4, 7, "this one has several"},
	{"event that is a state", KINDS("event: a, clear: not a"),
	 "E203", 4, 61, "found a state"},
	{"event without way back", KINDS("event: rise(a)"),
	 "E504", 4, 54, "needs 'clear', or 'latch'"},
	{"event with hold", KINDS("event: rise(a), hold: 5s, clear: not a"),
	 "E511", 4, 70, "'hold' means nothing in a rule with 'event'"},
	{"event with reraise", KINDS("event: rise(a), latch: ack, reraise: 5s"),
	 "E511", 4, 82, "the next event is a new one"},
	{"pause without clear", KINDS("event: rise(a), latch: ack, clear_hold: 5s"),
	 "E511", 4, 82, "means nothing without 'clear'"},
	{"if without event", KINDS("when: a, if: door_zone, clear: not a"),
	 "E511", 4, 63, "'if' means nothing in a rule with 'when'"},
	{"if that is for ever", KINDS("event: rise(a), if: p >= 0 bar, latch: ack"),
	 "E303", 4, 74, "always true"},
	{"event never over", KINDS("event: rise(a), clear: p > 30 bar"),
	 "E503", 4, 77, "can never be true"},
	{"pattern that is no map", KINDS("pattern: rise(a), latch: ack"),
	 "E105", 4, 63, "expected a map"},
	{"pattern of one step", KINDS("pattern: {steps: [{see: rise(a)}]}, latch: ack"),
	 "E105", 4, 71, "expected a list of 2 to 8 steps"},
	{"pattern without steps", KINDS("pattern: {until: a}, latch: ack"),
	 "E107", 4, 63, "key 'steps' is missing"},
	{"pattern that begins with absence", KINDS("pattern: {steps: [{absent: rise(a), for: 5s}, {see: rise(a)}]}, latch: ack"),
	 "E105", 4, 72, "begins with 'see'"},
	{"first step within", KINDS("pattern: {steps: [{see: rise(a), within: 5s}, {see: rise(a)}]}, latch: ack"),
	 "E105", 4, 87, "comes after nothing"},
	{"absence without length", KINDS("pattern: {steps: [{see: rise(a)}, {absent: rise(a)}]}, latch: ack"),
	 "E107", 4, 88, "how long the event must stay away"},
	{"absence within", KINDS("pattern: {steps: [{see: rise(a)}, {absent: rise(a), within: 5s}]}, latch: ack"),
	 "E105", 4, 106, "an 'absent' has 'for'"},
	{"step of both", KINDS("pattern: {steps: [{see: rise(a)}, {absent: rise(a), see: rise(a)}]}, latch: ack"),
	 "E105", 4, 88, "a step is {see: event"},
	{"step key", KINDS("pattern: {steps: [{see: rise(a)}, {sea: rise(a)}]}, latch: ack"),
	 "E103", 4, 89, "did you mean 'see'?"},
	{"step is a state", KINDS("pattern: {steps: [{see: rise(a)}, {see: door_zone}]}, latch: ack"),
	 "E203", 4, 94, "found a state"},
	{"restart", KINDS("pattern: {steps: [{see: rise(a)}, {see: rise(a)}], restart: last}, latch: ack"),
	 "E105", 4, 114, "first, latest"},
	{"step shorter than a poll", KINDS("pattern: {steps: [{see: rise(a)}, {absent: rise(p > 3 bar), for: 1s}]}, latch: ack"),
	 "E402", 4, 97, "shorter than one poll"},
	{"until for ever", KINDS("pattern: {steps: [{see: rise(a)}, {see: rise(a)}], until: p >= 0 bar}, latch: ack"),
	 "E303", 4, 112, "always true"},
	{"pattern without way back", KINDS("pattern: {steps: [{see: rise(a)}, {see: rise(a)}]}"),
	 "E504", 4, 54, "a rule with 'pattern' needs"},
	{"no tier", RULE "  rules:\n    - {id: t.r, scope: thing, fault: T-01, when: a, clear_hold: 5s}\n", "E107", 4, 7, "'tier'"},
	{"unknown tier", RULE "  rules:\n    - {id: t.r, scope: thing, fault: T-01, tier: S5, when: a, clear_hold: 5s}\n", "E105", 4, 50, "expected S1, S2, S3, S4"},
	{"foreign id", RULE "  rules:\n    - {id: x.r, scope: thing, fault: T-01, tier: S3, when: a, clear_hold: 5s}\n", "E105", 4, 12, "'t.something'"},
	{"twice the same id", RULE "  rules:\n    - {id: t.r, scope: thing, fault: T-01, tier: S3, when: a, clear_hold: 5s}\n"
	 "    - {id: t.r, scope: thing, fault: T-01, tier: S3, when: a, clear_hold: 5s}\n", "E509", 5, 12, "is taken by case:"},
	{"unknown class", RULE "  rules:\n    - {id: t.r, scope: thng, fault: T-01, tier: S3, when: a, clear_hold: 5s}\n", "E301", 4, 24, "there is no class 'thng'; did you mean 'thing'?"},
	{"selector", RULE "  rules:\n    - {id: t.r, scope: 'thing[bank = \"A\"]', fault: T-01, tier: S3, when: a, clear_hold: 5s}\n",
	 "E104", 4, 36, "expected '==', '!=' or 'in', found '='"},
	{"unknown fault", RULE "  rules:\n    - {id: t.r, scope: thing, fault: T-02, tier: S3, when: a, clear_hold: 5s}\n", "E301", 4, 38, "no fault 'T-02'; did you mean 'T-01'?"},
	{"no way back", RULE "  rules:\n    - {id: t.r, scope: thing, fault: T-01, tier: S3, when: a}\n", "E501", 4, 60, "no way back"},
	{"clear never", RULE "  rules:\n    - {id: t.r, scope: thing, fault: T-01, tier: S3, when: p > 3 bar, clear: p < 0 bar}\n", "E503", 4, 78, "can never be true"},
	{"hold too short", RULE "  rules:\n    - {id: t.r, scope: thing, fault: T-01, tier: S3, when: p > 3 bar, hold: 1s, clear: p < 2 bar}\n", "E402", 4, 60, "shorter than one poll"},
	{"ladder", RULE "  rules:\n    - id: t.r\n      scope: thing\n      fault: T-01\n      clear: p < 2 bar\n      levels:\n"
	 "        - {tier: S1, when: p > 5 bar}\n        - {tier: S3, when: p > 9 bar}\n", "E505", 10, 28, "wrong order"},
	{"levels that are one", RULE "  rules:\n    - id: t.r\n      scope: thing\n      fault: T-01\n      clear: p < 2 bar\n      levels:\n"
	 "        - {tier: S3, when: p > 9 bar}\n        - {tier: S2, when: p > 9 bar}\n", "E505", 10, 28, "can never differ"},
	{"waiting for each other", RULE "  rules:\n    - {id: t.a, scope: thing, fault: T-01, tier: S3, when: a, clear_hold: 5s, inhibited_by: [t.b]}\n"
	 "    - {id: t.b, scope: thing, fault: T-01, tier: S3, when: a, clear_hold: 5s, inhibited_by: [t.a]}\n", "E506", 5, 94, "wait for each other"},
	{"unknown parent", RULE "  rules:\n    - {id: t.a, scope: thing, fault: T-01, tier: S3, when: a, clear_hold: 5s, inhibited_by: [t.aa]}\n",
	 "E301", 4, 94, "there is no rule 't.aa'; did you mean 't.a'?"},
	{"hold is no time", RULE "  rules:\n    - {id: t.a, scope: thing, fault: T-01, tier: S3, when: a, clear_hold: soon}\n", "E105", 4, 75, "expected a duration"},
	{"parameter is no time", RULE "  params: {x: {type: bar, default: 2 bar}}\n  rules:\n    - {id: t.a, scope: thing, fault: T-01, tier: S3, when: a, clear_hold: $x}\n",
	 "E201", 5, 75, "is no length of time"},
	{"default outside", RULE "  params: {x: {type: s, default: 2s, min: 3s}}\n  rules: []\n", "E207", 3, 34, "outside its min and max"},
	{"parameter unit", RULE "  params: {x: {type: s, default: 2 bar}}\n  rules: []\n", "E105", 3, 34, "expected a length of time such as 40s or 1h30min, in s, found '2 bar'"},
	{"parameter type", RULE "  params: {x: {type: barr, default: 2 bar}}\n  rules: []\n", "E105", 3, 22, "did you mean 'bar'?"},
	{"calendar time", RULE "  calendars: {n: {from: '25:00', to: '06:00'}}\n  rules: []\n", "E105", 3, 26, "expected a time"},
	{"calendar day", RULE "  calendars: {n: {from: '22:00', to: '06:00', days: mon-fry}}\n  rules: []\n", "E105", 3, 53, "found 'mon-fry'"},
	{"summary point", RULE "  rules:\n    - {id: t.a, scope: thing, fault: T-01, tier: S3, when: a, clear_hold: 5s, summary: {en: 'now {lod}'}}\n",
	 "E301", 4, 99, "no point 'lod'; did you mean 'load'?"},
	{"value without a comparison", KINDS("when: a, clear_hold: 5s, summary: {en: '{value}'}"),
	 "E301", 4, 95, "compares no numbers"},
	{"detail point", KINDS("when: a, clear_hold: 5s, detail: {en: 'now {lod}'}"),
	 "E301", 4, 98, "no point 'lod'; did you mean 'load'?"},
	{"action language", KINDS("when: a, clear_hold: 5s, action: {de: x}"),
	 "E103", 4, 88, "zh or en"},
	{"attach is no list", KINDS("when: a, clear_hold: 5s, attach: p"),
	 "E105", 4, 87, "expected a list of 1 to 8"},
	{"attach point", KINDS("when: a, clear_hold: 5s, attach: [{trend: pp, over: 1d}]"),
	 "E301", 4, 96, "class 'thing' has no point 'pp'"},
	{"attach time", KINDS("when: a, clear_hold: 5s, attach: [{trend: p, over: long}]"),
	 "E105", 4, 105, "expected a duration"},
	{"ticket", KINDS("when: a, clear_hold: 5s, ticket: {route: x}"),
	 "E511", 4, 79, "who comes and by when stand in the fault catalogue"},
	{"key that is no number", KINDS("by: p, when: \"count(rise(a), 1h) > 3\", clear_hold: 5s"),
	 "E201", 4, 58, "a whole number or an enum"},
	{"key that is no point", KINDS("by: n + 1, when: \"count(rise(a), 1h) > 3\", clear_hold: 5s"),
	 "E201", 4, 58, "a whole number or an enum"},
	{"unknown key point", KINDS("by: nn, when: a, clear_hold: 5s"),
	 "E301", 4, 58, "no point 'nn'"},
	{"condition without the key", KINDS("by: n, when: a, clear_hold: 5s"),
	 "E512", 4, 67, "the same for every key"},
	{"too many keys", KINDS("by: n, max_keys: 300, when: a, clear_hold: 5s"),
	 "E106", 4, 71, "1 to 256"},
	{"keys without by", KINDS("max_keys: 3, when: a, clear_hold: 5s"),
	 "E511", 4, 54, "means nothing without 'by'"},
	{"share of less than nothing", KINDS("when: a, clear: not a, hold: {at_least: 9min, within: 5min}"),
	 "E106", 4, 94, "longer than 'within'"},
	{"share without a window", KINDS("when: a, clear: not a, hold: {at_least: 9min}"),
	 "E107", 4, 83, "key 'within' is missing"},
	{"share of what", KINDS("when: a, clear: not a, hold: {at_least: 9min, within: soon}"),
	 "E105", 4, 108, "expected a duration"},
	{"summary language", RULE "  rules:\n    - {id: t.a, scope: thing, fault: T-01, tier: S3, when: a, clear_hold: 5s, summary: {fr: x}}\n", "E103", 4, 89, "zh or en"},
	{"equality of reals", RULE "  rules:\n    - {id: t.a, scope: thing, fault: T-01, tier: S3, when: p == 3 bar, clear: p < 2 bar}\n", "W205", 4, 60, "hardly ever exactly equal"},
	{"no deadband", RULE "  rules:\n    - {id: t.a, scope: thing, fault: T-01, tier: S3, when: p > 3 bar, clear_hold: 5s}\n", "W310", 4, 60, "flickers"},
	{"policy", RULE "  rules:\n    - {id: t.a, scope: thing, fault: T-01, tier: S1, when: a, clear_hold: 5s, on_unknown: clear, meta: {}}\n", "W507", 4, 91, "data is missing"},
	{"wavering prediction", RULE "  rules:\n    - {id: t.a, scope: thing, fault: T-01, tier: S3, when: 'eta(p, limit=9 bar, over=1d) < 7d', clear: 'eta(p, limit=9 bar, over=1d) > 7d', hold: 1h}\n", "W513", 4, 61, "a longer horizon"},
	{"shares of nothing", RULE "  rules:\n    - {id: t.a, scope: thing, fault: T-01, tier: S3, when: a, clear_hold: 5s, summary: {zh: '{shares}', en: x}}\n", "E301", 4, 95, "this rule has none"},
	{"late", RULE "  rules:\n    - {id: t.a, scope: thing, fault: T-01, tier: S1, when: a, hold: 6min, clear_hold: 5s, meta: {}}\n", "W508", 4, 60, "comes late"},
	{"coarse window", RULE "  rules:\n    - {id: t.a, scope: thing, fault: T-01, tier: S3, when: 'max(p, 1d) > 8 bar', hold: 1min, clear: 'max(p, 1d) < 5 bar'}\n", "W404", 4, 61, "answers anew every 22min30s"},
	{"guessed emergency", RULE "  rules:\n    - {id: t.a, scope: thing, fault: T-01, tier: S1, when: 'zlearn(p, learn=100, tau=10min) > 6', clear: 'zlearn(p, learn=100, tau=10min) < 3', meta: {}}\n", "W510", 4, 61, "alone"},
	{"twice", RULE "  rules:\n    - {id: t.a, scope: thing, fault: T-01, tier: S3, when: a, clear_hold: 5s}\n    - {id: t.b, scope: thing, fault: T-01, tier: S3, when: a, clear_hold: 9s}\n", "W312", 5, 60, "'t.a' has the same condition"},
	{"nested", RULE "  rules:\n    - {id: t.a, scope: thing, fault: T-01, tier: S3, when: p > 8 bar, clear: p < 5 bar}\n    - {id: t.b, scope: thing, fault: T-01, tier: S3, when: p > 9 bar, clear: p < 5 bar}\n", "W311", 5, 60, "levels of one rule"},
	{"silenced", RULE "  rules:\n    - {id: t.a, scope: thing, fault: T-01, tier: S1, when: a, clear_hold: 5s, inhibited_by: [t.b], meta: {}}\n    - {id: t.b, scope: thing, fault: T-01, tier: S3, when: p > 8 bar, clear: p < 5 bar}\n", "W517", 4, 94, "held back by 't.b'"},
	{"meta", RULE "  rules:\n    - {id: t.a, scope: thing, fault: T-01, tier: S2, when: a, clear_hold: 5s}\n", "W515", 4, 12, "meta"},
	{"clear around when", RULE "  rules:\n    - {id: t.a, scope: thing, fault: T-01, tier: S3, when: p > 8 bar, clear: p > 7 bar}\n", "E502", 4, 78, "can be true together"},
	{"clear meets the other branch", RULE "  rules:\n    - {id: t.a, scope: thing, fault: T-01, tier: S3, when: p > 8 bar or p < 2 bar, clear: p < 3 bar}\n", "E502", 4, 91, "can be true together"},
	{"clear shares a value", RULE "  rules:\n    - {id: t.a, scope: thing, fault: T-01, tier: S3, when: m == NORMAL, clear: \"m in {NORMAL, INSPECTION}\"}\n", "E502", 4, 81, "can be true together"},
	{"clear inside when", RULE "  rules:\n    - {id: t.a, scope: thing, fault: T-01, tier: S3, when: p > 3 bar, clear: p > 4 bar}\n", "E503", 4, 78, "never returns"},
	{"clear is when", RULE "  rules:\n    - {id: t.a, scope: thing, fault: T-01, tier: S3, when: a, clear: a}\n", "E503", 4, 70, "turn it round"},
	{"clear excludes itself", RULE "  rules:\n    - {id: t.a, scope: thing, fault: T-01, tier: S3, when: p > 8 bar, clear: p < 3 bar and p > 4 bar}\n", "E508", 4, 78, "exclude each other"},
	{"when excludes itself", RULE "  rules:\n    - {id: t.a, scope: thing, fault: T-01, tier: S3, when: p > 5 bar and p < 3 bar, clear_hold: 5s}\n", "E508", 4, 60, "never true"},
	{"when covers all", RULE "  rules:\n    - {id: t.a, scope: thing, fault: T-01, tier: S3, when: p > 3 bar or p < 5 bar, clear_hold: 5s}\n", "E508", 4, 60, "every value"},
	{"no whole number between", RULE "  rules:\n    - {id: t.a, scope: thing, fault: T-01, tier: S3, when: n > 7 and n < 8, clear_hold: 5s}\n", "E508", 4, 60, "never true"},
	{"inhibits itself", RULE "  rules:\n    - {id: t.a, scope: thing, fault: T-01, tier: S3, when: a, clear_hold: 5s, inhibited_by: [{rule: t.a, same: [bank]}]}\n", "E507", 4, 94, "inhibits itself"},
	{"reads itself", RULE "  rules:\n    - {id: t.a, scope: thing, fault: T-01, tier: S3, when: a or alarm(t.a), clear_hold: 5s}\n", "E506", 4, 7, "reads its own alarm()"},
	{"ladder with holds", RULE "  rules:\n    - {id: t.a, scope: thing, fault: T-01, levels: [{tier: S3, when: p > 8 bar, hold: 10s, clear: p < 5 bar}, {tier: S1, when: p > 7 bar, hold: 5s, clear: p < 5 bar}], meta: {}}\n", "E505", 4, 128, "S1 should be reached later than S3"},
	{"second class", RULE "  rules:\n    - {id: t.a, scope: [other, thing], fault: T-01, tier: S3, when: silence() > 1500ms, clear_hold: 5s}\n", "E403", 4, 81, "below two polls"},
	{"an hour beyond counting", RULE "  calendars: {night: {from: '2049638230412172388:00', to: '06:00'}}\n  rules: []\n", "E105", 3, 30, "expected a time such as"},
	{"nobody in scope", RULE "  rules:\n    - {id: t.a, scope: 'thing[bank == \"none\"]', fault: T-01, tier: S3, when: silence() > 10s, clear_hold: 5s}\n", "E302", 4, 25, "takes none"},
	{"chatter is a word", RULE "  rules:\n    - {id: t.a, scope: thing, fault: T-01, tier: S3, when: a, clear_hold: 5s, chatter: often}\n",
	 "E105", 4, 88, "expected {max, per, quiet} or none"},
	{"chatter of one", RULE "  rules:\n    - {id: t.a, scope: thing, fault: T-01, tier: S3, when: a, clear_hold: 5s, chatter: {max: 1}}\n",
	 "E106", 4, 94, "'max' is '1'"},
	{"recur without time", RULE "  rules:\n    - {id: t.a, scope: thing, fault: T-01, tier: S3, when: a, clear_hold: 5s, recur: {count: 3, then: {tier: S2}}}\n",
	 "E107", 4, 86, "key 'within' is missing"},
	{"fault of no problem", RULE "  rules:\n    - {id: t.a, scope: thing, fault: T-01, tier: S3, when: a, clear_hold: 5s, recur: {count: 3, within: 30d, then: {tier: S2, fault: T-01}}}\n",
	 "E107", 4, 116, "kind: problem"},
	{"recur shorter than its bursts", RULE "  rules:\n    - {id: t.a, scope: thing, fault: T-01, tier: S3, when: a, clear_hold: 5s, recur: {count: 3, within: 20min, then: {tier: S2}}}\n",
	 "W516", 4, 105, "count once"},
	{"ladder is a word", RULE "  rules:\n    - {id: t.a, scope: thing, fault: T-01, tier: S3, when: a, clear_hold: 5s, escalate: soon}\n",
	 "E105", 4, 89, "expected a list of at most 8 steps"},
	{"step to nobody", RULE "  rules:\n    - {id: t.a, scope: thing, fault: T-01, tier: S3, when: a, clear_hold: 5s, escalate: [{after: 1h}]}\n",
	 "E107", 4, 90, "key 'to' is missing"},
	{"step twice", RULE "  rules:\n    - {id: t.a, scope: thing, fault: T-01, tier: S3, when: a, clear_hold: 5s, escalate: [{after: 1h, to: x}, {after: 2h, to: x}]}\n",
	 "E108", 4, 126, "stands in this ladder twice"},
	{"unless of no meaning", RULE "  rules:\n    - {id: t.a, scope: thing, fault: T-01, tier: S3, when: a, clear_hold: 5s, escalate: [{after: 1h, to: x, unless: seen}]}\n",
	 "E105", 4, 117, "expected acked, assigned, on_site, resolved"},
	{"shelf without limit", RULE "  rules:\n    - {id: t.a, scope: thing, fault: T-01, tier: S3, when: a, clear_hold: 5s, shelve: {}}\n",
	 "E107", 4, 87, "key 'max' is missing"},
	{"maintenance of no kind", RULE "  rules:\n    - {id: t.a, scope: thing, fault: T-01, tier: S3, when: a, clear_hold: 5s, maintenance: skip}\n",
	 "E105", 4, 92, "expected suppress, annotate"},
	{"repeat of no kind", RULE "  rules:\n    - {id: t.a, scope: thing, fault: T-01, tier: S3, when: a, clear_hold: 5s, repeat: some}\n",
	 "E105", 4, 87, "expected none"},
	{"group of nobody", RULE "  rules:\n    - {id: t.a, scope: thing, fault: T-01, tier: S3, when: a, clear_hold: 5s}\n  correlate:\n    - {id: t.g, fault: T-01, tier: S3, members: [], same: [bank], within: 1min}\n",
	 "E105", 6, 49, "expected a list of 1 to"},
	{"group of a stranger", RULE "  rules:\n    - {id: t.a, scope: thing, fault: T-01, tier: S3, when: a, clear_hold: 5s}\n  correlate:\n    - {id: t.g, fault: T-01, tier: S3, members: [t.b], same: [bank], within: 1min}\n",
	 "E301", 6, 50, "did you mean 't.a'?"},
	{"group of a group", RULE "  rules:\n    - {id: t.a, scope: thing, fault: T-01, tier: S3, when: a, clear_hold: 5s}\n  correlate:\n    - {id: t.g, fault: T-01, tier: S3, members: [t.g], same: [bank], within: 1min}\n",
	 "E506", 6, 50, "is a group itself"},
	{"group of the same twice", RULE "  rules:\n    - {id: t.a, scope: thing, fault: T-01, tier: S3, when: a, clear_hold: 5s}\n  correlate:\n    - {id: t.g, fault: T-01, tier: S3, members: [t.a, t.a], same: [bank], within: 1min}\n",
	 "E108", 6, 55, "is named twice"},
	{"group that asks too much", RULE "  rules:\n    - {id: t.a, scope: thing, fault: T-01, tier: S3, when: a, clear_hold: 5s}\n    - {id: t.b, scope: thing, fault: T-01, tier: S3, when: a, clear_hold: 5s}\n  correlate:\n    - {id: t.g, fault: T-01, tier: S3, members: [t.a, t.b], same: [bank], within: 1min, need: 3}\n",
	 "E508", 7, 95, "never true"},
	{"group without labels", RULE "  rules:\n    - {id: t.a, scope: thing, fault: T-01, tier: S3, when: a, clear_hold: 5s}\n  correlate:\n    - {id: t.g, fault: T-01, tier: S3, members: [t.a], within: 1min}\n",
	 "E107", 6, 7, "key 'same' is missing"},
	{"group with values", RULE "  rules:\n    - {id: t.a, scope: thing, fault: T-01, tier: S3, when: a, clear_hold: 5s}\n  correlate:\n    - {id: t.g, fault: T-01, tier: S3, members: [t.a], same: [bank], within: 1min, summary: {en: '{load}'}}\n",
	 "E109", 6, 12, "name labels"},
	{"folded", RULE "  rules:\n    - id: t.a\n      scope: thing\n      fault: T-01\n      tier: S3\n      clear_hold: 5s\n      when: >\n"
	 "        a and\n        door_zone\n        or loda > 5 %\n", "E301", 12, 12, "did you mean 'load'?"},
};

static void wrong_files_are_named_at_their_place(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++) {
		static const char head[] = POINTS "faults: [T-01]\nfile:\n";
		char text[4000];
		struct wy_buf buf;
		struct case_world w;
		unsigned before = 0;
		wy_buf_init(&buf, text, sizeof(text));
		wy_buf_add(&buf, head);
		for (const char *at = head; *at; at++)
			before += *at == '\n';
		wy_buf_add(&buf, files[i].file);
		bool is_open = case_open(&w, NULL, text);
		if (!find(&w, files[i].code, before + files[i].line, files[i].column, files[i].words)) {
			show(&w);
			fail_msg("%s: expected %s at line %u (%u of the file), column %u", files[i].name, files[i].code,
				 before + files[i].line, files[i].line, files[i].column);
		}
		bool is_warning = files[i].code[0] == 'W' || strcmp(files[i].code, "E302") == 0;
		assert_int_equal(is_open, is_warning);
		case_close(&w);
	}
}

static void override_outside_its_bounds_is_named_in_the_site(void **state)
{
	static const char text[] = POINTS
		"overrides: [{package: t, name: h, value: 20min}, {package: t, name: hh, value: 5s}, {package: tt, name: h, value: 5s}]\n"
		"file:\n  weiyu: rules/1\n  package: t\n  params: {h: {type: s, default: 5s, max: 10min}}\n"
		"  rules:\n    - {id: t.r, scope: thing, fault: T-01, tier: S3, when: a, hold: $h, clear_hold: 5s}\n";
	struct case_world w;

	(void)state;
	assert_false(case_open(&w, NULL, text));
	assert_non_null(find(&w, "E207", 11, 42, "the package allows at most 600 s"));
	assert_non_null(find(&w, "E301", 11, 80, "no parameter 'hh'; did you mean 'h'?"));
	assert_non_null(find(&w, "E301", 11, 115, "no package 'tt' among the rule files; did you mean 't'?"));
	case_close(&w);
}

/* What only an override breaks is said at the override, with the rule it breaks. */
static void an_override_is_checked_in_every_rule_that_reads_it(void **state)
{
	static const char text[] = POINTS
		"assets: {A1: {bank: B}, A2: {}, A3: {}}\n"
		"overrides:\n"
		"  - {package: t, name: h, value: 1s}\n"
		"  - {package: t, name: quiet, value: 3s, asset: A2}\n"
		"  - {package: t, name: w, value: 2s}\n"
		"  - {package: t, name: high, value: 4 bar, asset: A2}\n"
		"  - {package: t, name: back, value: 0s, asset: A3}\n"
		"  - {package: t, name: s1, value: 1 bar, asset: A3}\n"
		"file:\n  weiyu: rules/1\n  package: t\n"
		"  params:\n"
		"    h: {type: s, default: 5s}\n    quiet: {type: s, default: 30s}\n    w: {type: min, default: 5min}\n"
		"    high: {type: bar, default: 8 bar}\n    back: {type: s, default: 5s}\n    s1: {type: bar, default: 9 bar}\n"
		"  rules:\n"
		"    - {id: t.hold, scope: thing, fault: T-01, tier: S3, when: p > 20 bar, hold: $h, clear: p < 9 bar}\n"
		"    - {id: t.quiet, scope: thing, fault: T-01, tier: S3, when: age(p) > $quiet, clear_hold: 5s}\n"
		"    - {id: t.window, scope: thing, fault: T-01, tier: S3, when: 'max(p, $w) > 9 bar', clear_hold: 5s}\n"
		"    - {id: t.band, scope: thing, fault: T-01, tier: S3, when: p > $high, clear: p < 5 bar}\n"
		"    - {id: t.back, scope: thing, fault: T-01, tier: S3, when: a, clear_hold: $back}\n"
		/* Of A1 only: what A3 has set is nothing to it. */
		"    - {id: t.other, scope: 'thing[bank == \"B\"]', fault: T-01, tier: S3, when: a, clear_hold: $back}\n"
		"    - id: t.ladder\n      scope: thing\n      fault: T-01\n      meta: {}\n      clear_hold: 5s\n"
		"      levels: [{tier: S3, when: p > 8 bar}, {tier: S1, when: p > $s1}]\n";
	static const struct {
		unsigned line;
		const char *code, *words;
	} wanted[] = {
		{13, "E402", "with this 'h' in rule 't.hold': the hold is shorter than one poll"},
		{14, "E403", "with this 'quiet' in rule 't.quiet': the limit of age() is below two polls (4s)"},
		{15, "E402", "with this 'w' in rule 't.window': the window is shorter than two polls of 'p' (4s)"},
		{16, "E502", "with this 'high' in rule 't.band': 'clear' and 'when' (p > $high) can be true together"},
		{17, "E501", "with this 'back' in rule 't.back': no way back"},
		{18, "E505", "with this 's1' in rule 't.ladder': the limits of the levels are in the wrong order"},
	};
	struct case_world w;

	(void)state;
	assert_false(case_open(&w, NULL, text));
	for (size_t i = 0; i < sizeof(wanted) / sizeof(*wanted); i++) {
		bool is_said = false;
		for (size_t j = 0; j < w.diags.n; j++)
			is_said = is_said || (w.diags.item[j].place.line == wanted[i].line &&
					      strcmp(w.diags.item[j].code, wanted[i].code) == 0 &&
					      strstr(w.diags.item[j].text, wanted[i].words));
		if (!is_said) {
			show(&w);
			fail_msg("line %u: expected %s: %s", wanted[i].line, wanted[i].code, wanted[i].words);
		}
	}
	assert_int_equal(w.diags.errors, 6);
	case_close(&w);
}

static void several_mistakes_of_a_file_are_all_reported(void **state)
{
	static const char text[] = POINTS
		"file:\n  weiyu: rules/1\n  package: t\n  rules:\n"
		"    - {id: t.a, scope: thing, fault: T-01, tier: S3, when: b and a), clear: p > 3 degC}\n"
		"    - {id: t.b, scope: thing, fault: T-01, tier: S3, when: aa, clear: q}\n"
		"    - {id: t.c, scope: thung, fault: T-01, tier: S3, when: a, clear: b}\n";
	struct case_world w;

	(void)state;
	assert_false(case_open(&w, NULL, text));
	assert_int_equal(w.diags.errors, 5);
	case_close(&w);
}

/* ---- Memory ------------------------------------------------------------------------------- */

static void compiling_in_any_memory_ends_well_or_says_so(void **state)
{
	static const char text[] = POINTS
		"file:\n  weiyu: rules/1\n  package: t\n  params: {h: {type: s, default: 5s, max: 10min}}\n"
		"  calendars: {night: {from: '22:00', to: '06:00'}}\n"
		"  rules:\n    - {id: t.a, scope: thing, fault: T-01, tier: S3, when: 'since(rise(a)) < 5s and min(p, 1h) > 3 bar and not during(night)',"
		" hold: $h, clear_hold: 5s, summary: {en: '{p:.1f} {asset.name}'}}\n"
		"    - {id: t.b, scope: thing, fault: T-01, tier: S3, when: 'm in {NORMAL} and load / 2 > 5 %', clear: not a, inhibited_by: [t.a]}\n";
	struct case_world w;
	const struct wy_node *file;
	enum wy_err err = WY_E_NOMEM;
	unsigned refusals = 0;

	(void)state;
	assert_true(case_open(&w, NULL, text));
	file = wy_node_get(w.root, "file");
	for (size_t bytes = 64; err; bytes += 48) {
		void *memory = malloc(bytes);
		struct wy_arena arena;
		struct wy_diags diags;
		struct rule_set *set = NULL;
		wy_arena_init(&arena, memory, bytes);
		wy_diags_init(&diags, &w.arena);
		w.arena.used = w.arena.used > w.arena.size / 2 ? w.arena.size / 2 : w.arena.used;
		err = rule_compile(&w.world, &file, 1, &arena, &diags, &set);
		if (err) {
			assert_int_equal(err, WY_E_NOMEM);
			assert_null(set);
			assert_true(diags.errors > 0);
			refusals++;
		}
		free(memory);
		assert_true(bytes < 4u << 20);
	}
	assert_true(refusals > 10);
	case_close(&w);
}

/* The condition of a class stands in its file and is judged with the same words. */
static void wrong_out_of_service_is_named_at_its_place(void **state)
{
	static const struct wrong conditions[] = {
		{"mm == INSPECTION", "E301", 0, "did you mean 'm'?"},
		{"m == INSPECTON", "E206", 5, "did you mean 'INSPECTION'?"},
		{"n", "E201", 0, "expected a condition"},
		{"a and since(door_zone) > 5s", "E208", 6, "since() remembers"},
		{"count_of(thing, a) > 5", "E208", 0, "of other assets again"},
		{"alarm(t.r)", "E109", 6, "alarm()"},
		{"n > $limit", "E301", 4, "no parameter 'limit'"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(conditions) / sizeof(*conditions); i++) {
		char text[3000];
		struct wy_buf buf;
		struct case_world w;
		wy_buf_init(&buf, text, sizeof(text));
		wy_buf_addf(&buf, "out_of_service_when: %s\n%s%s", conditions[i].when, POINTS,
			    "faults: [T-01]\nfile:\n  weiyu: rules/1\n  package: t\n  rules:\n"
			    "    - {id: t.r, scope: thing, fault: T-01, tier: S3, when: a, clear_hold: 5s}\n");
		assert_false(case_open(&w, NULL, text));
		if (!find(&w, conditions[i].code, 1, 22 + conditions[i].at, conditions[i].words)) {
			show(&w);
			fail_msg("%s: expected %s", conditions[i].when, conditions[i].code);
		}
		case_close(&w);
	}
}

/* Rules that ask n different questions to all assets of a class. */
static bool ask(struct case_world *w, unsigned n)
{
	static char text[80000];
	struct wy_buf buf;

	wy_buf_init(&buf, text, sizeof(text));
	wy_buf_add(&buf, "class: {n: {type: int}}\nfaults: [T-01]\nfile:\n  weiyu: rules/1\n  package: t\n  rules:\n");
	for (unsigned i = 0; i < n; i++) {
		if (i % 50 == 0)
			wy_buf_addf(&buf, "    - id: t.r%u\n      scope: thing\n      fault: T-01\n      tier: S3\n      clear_hold: 5s\n"
				    "      when: \"n > 3", i);
		wy_buf_addf(&buf, " and count_of(thing, n > %u) > 2", i);
		if (i % 50 == 49 || i + 1 == n)
			wy_buf_add(&buf, "\"\n");
	}
	return case_open(w, NULL, text);
}

static void questions_to_other_assets_have_a_ceiling(void **state)
{
	struct case_world w;
	bool is_said = false;

	(void)state;
	assert_true(ask(&w, WY_RULE_TALLIES_MAX));
	case_close(&w);
	assert_false(ask(&w, WY_RULE_TALLIES_MAX + 1));
	for (size_t i = 0; i < w.diags.n; i++)
		is_said = is_said || (strcmp(w.diags.item[i].code, "E601") == 0 &&
				      strstr(w.diags.item[i].text, "different questions to the assets of a class"));
	assert_true(is_said);
	case_close(&w);
}

/* ---- Too much ------------------------------------------------------------------------------ */

/* A building of n assets with these rules; what is said of them in `code` must have the words, in this order. */
static void is_too_much(unsigned n, const char *rules, const char *code, const char *const *words, size_t n_words)
{
	static char text[20000];
	struct wy_buf buf;
	struct case_world w;
	const struct wy_diag *found = NULL;

	wy_buf_init(&buf, text, sizeof(text));
	wy_buf_add(&buf, POINTS "assets: {");
	for (unsigned i = 0; i < n; i++)
		wy_buf_addf(&buf, "%sA%u: {}", i ? ", " : "", i);
	wy_buf_addf(&buf, "}\nfile:\n" RULE "  rules:\n%s", rules);
	assert_false(buf.is_cut);
	assert_false(case_open(&w, NULL, text));
	for (size_t i = 0; i < w.diags.n; i++)
		found = strcmp(w.diags.item[i].code, code) == 0 ? &w.diags.item[i] : found;
	if (!found)
		show(&w);
	assert_non_null(found);
	const char *at = found->text;
	for (size_t i = 0; i < n_words; i++) {
		at = strstr(at, words[i]);
		if (!at)
			fail_msg("'%s' is not where it should be: %s", words[i], found->text);
	}
	case_close(&w);
}

#define KEYED(id, max, learn)                                                                              \
	"    - {id: t." id ", scope: thing, fault: T-01, tier: S3, by: n, max_keys: " max                  \
	", when: 'zlearn(sample(p, on=rise(a)), learn=" learn ", tau=1h) > 6', clear_hold: 5s}\n"

static void what_remembers_too_much_is_named_largest_first(void **state)
{
	static const char *const words[] = {"rules would remember ", ", at most 33554432; most by 't.b' (", "'t.d' (", "'t.c' ("};
	(void)state;

	is_too_much(9,
		    "    - {id: t.a, scope: thing, fault: T-01, tier: S3, when: 'max(p, 1h) > 8 bar', clear: 'max(p, 1h) < 5 bar'}\n"
		    KEYED("b", "256", "1000") KEYED("c", "120", "800") KEYED("d", "250", "900"),
		    "E601", words, sizeof(words) / sizeof(*words));
}

static void too_many_instances_are_named_with_their_rules(void **state)
{
	static const char *const words[] = {"pairs of a rule and an asset; at most 50000; most by 't.b' (51400)", "'t.a' (200)"};
	(void)state;

	is_too_much(200,
		    "    - {id: t.a, scope: thing, fault: T-01, tier: S3, when: 'max(p, 1h) > 8 bar', clear: 'max(p, 1h) < 5 bar'}\n"
		    KEYED("b", "256", "10"),
		    "E601", words, sizeof(words) / sizeof(*words));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(wrong_expressions_are_named_at_their_place),
		cmocka_unit_test(wrong_files_are_named_at_their_place),
		cmocka_unit_test(override_outside_its_bounds_is_named_in_the_site),
		cmocka_unit_test(an_override_is_checked_in_every_rule_that_reads_it),
		cmocka_unit_test(several_mistakes_of_a_file_are_all_reported),
		cmocka_unit_test(compiling_in_any_memory_ends_well_or_says_so),
		cmocka_unit_test(wrong_out_of_service_is_named_at_its_place),
		cmocka_unit_test(questions_to_other_assets_have_a_ceiling),
		cmocka_unit_test(what_remembers_too_much_is_named_largest_first),
		cmocka_unit_test(too_many_instances_are_named_with_their_rules),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
