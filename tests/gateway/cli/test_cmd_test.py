"""`weiyu test` as its users meet it: options, exit codes, every form of failure."""
import os
import re
import subprocess
import xml.etree.ElementTree as xml

import pytest

ROOT = os.path.realpath(os.path.join(os.path.dirname(__file__), "..", "..", ".."))
WEIYU = os.path.join(os.environ["WY_BIN"], "weiyu")
PACKS = os.path.join(ROOT, "rules", "packs")

CLASSES = """
weiyu: classes/1
classes:
  thing:
    name_zh: 物
    name_en: Thing
    points:
      wet: {type: bool, poll: 1s, stale_after: 10s}
      temp: {type: real, unit: degC, range: [-20, 200], poll: 10s, stale_after: 60s}
      starts: {type: counter, modulus: 100, poll: 1s, stale_after: 10s}
      mode: {type: enum, values: [NORMAL, INSPECTION], poll: 1s, stale_after: 10s}
"""
RULES = """
weiyu: rules/1
package: t
params:
  wait: {type: s, default: 10s, min: 0s, max: 1h}
calendars:
  night: {from: "22:00", to: "06:00"}
rules:
  - {id: t.wet, scope: thing, fault: X-1, tier: S3, when: wet, hold: $wait, clear_hold: 5s,
     summary: {zh: "{asset.name}有水", en: "water at {asset.name}"}}
  - id: t.hot
    scope: thing
    fault: X-2
    levels:
      - {tier: S3, when: temp > 80 degC, clear: temp < 75 degC}
      - {tier: S2, when: temp > 95 degC, clear: temp < 90 degC}
  - {id: t.latched, scope: thing, fault: X-3, tier: S3, when: mode == INSPECTION, hold: 1s, latch: reset}
  - {id: t.silent, scope: thing, fault: X-4, tier: S3, when: silence() > 30s, clear: silence() < 5s, clear_hold: 10s}
  - {id: t.night, scope: thing, fault: X-5, tier: S4, when: wet and during(night), hold: 1s, clear_hold: 1s}
"""
HEAD = """weiyu: test/1
classes: [classes.yaml]
rules: [rules.yaml]
site: {zone: Europe/Berlin, start: "2026-03-28T12:00"}
assets:
  - {id: A1, class: thing}
  - {id: A2, class: thing, device: box}
about: [t.wet]
tests:
"""
WET = """  - name: wet
    feed: {A1.wet: "@0s false @20s true @60s false"}
    tickets:
      - {at: 30s, ev: open, rule: t.wet, asset: A1, tier: S3, onset: 20s}
      - {at: 65s, ev: resolve, rule: t.wet, asset: A1}
"""


@pytest.fixture
def bench(tmp_path):
    (tmp_path / "classes.yaml").write_text(CLASSES)
    (tmp_path / "rules.yaml").write_text(RULES)

    def run(tests, *options, head=HEAD, files=("a.yaml",)):
        (tmp_path / "a.yaml").write_text(head + tests)
        paths = [str(tmp_path / f) for f in files]
        done = subprocess.run([WEIYU, "test", *options, *paths], capture_output=True, text=True, timeout=120,
                              cwd=tmp_path)
        assert "Sanitizer" not in done.stderr, done.stderr
        return done
    run.path = tmp_path
    return run


def passes(done):
    assert done.returncode == 0, done.stdout + done.stderr
    return done


def fails(done, *words):
    assert done.returncode == 1, done.stdout + done.stderr
    for word in words:
        assert word in done.stdout, done.stdout
    return done


def refuses(done, *words):
    assert done.returncode == 2, done.stdout + done.stderr
    for word in words:
        assert word in done.stderr, done.stderr
    return done


# ---- What a test can expect --------------------------------------------------------------------

def test_the_examples_of_the_guide_pass(tmp_path):
    guide = open(os.path.join(ROOT, "docs", "testing-rules.md"), encoding="utf-8").read()
    examples = [e for e in re.findall(r"```yaml\n(.*?)```", guide, re.S) if e.startswith("weiyu: test/1")]
    assert examples
    for i, text in enumerate(examples):
        path = tmp_path / f"{i}.yaml"
        path.write_text(text.replace("../", PACKS + "/"))
        passes(subprocess.run([WEIYU, "test", str(path)], capture_output=True, text=True))


def test_a_complete_list_passes(bench):
    assert passes(bench(WET)).stdout == "1 passed, 0 failed\n"


def test_a_surplus_ticket_fails_with_its_line_and_what_the_rule_saw(bench):
    fails(bench(WET.replace("@60s false", "@60s false @100s true @120s false")),
          "2 tickets expected, 4 found",
          "+ found    {at: 1min50s, ev: open, rule: t.wet, asset: A1, tier: S3, onset: 1min40s}",
          "t.wet A1 at 1min50s is active", "true  wet   (true)")


def test_a_missing_ticket_fails(bench):
    fails(bench(WET.replace("@20s true", "@55s true")),
          "- expected {at: 30s, ev: open, rule: t.wet, asset: A1, tier: S3, onset: 20s}", "t.wet A1 at 30s is normal")


def test_a_ticket_at_another_instant_fails(bench):
    fails(bench(WET.replace("at: 30s", "at: 31s")), "- expected {at: 31s", "+ found    {at: 30s")


def test_an_instant_may_be_a_stretch(bench):
    passes(bench(WET.replace("at: 30s", "at: 25s..31s")))
    fails(bench(WET.replace("at: 30s", "at: 25s..29s")), "- expected {at: 25s..29s")


@pytest.mark.parametrize("wrong", ["tier: S2", "onset: 21s", "asset: A2", "ev: close", "uncertain: true"])
def test_each_field_of_a_ticket_is_compared(bench, wrong):
    key = wrong.split(":")[0]
    row = re.sub(key + r": \w+", wrong, "{at: 30s, ev: open, rule: t.wet, asset: A1, tier: S3, onset: 20s}")
    row = row if wrong in row else row[:-1] + ", " + wrong + "}"
    fails(bench(WET.replace("{at: 30s, ev: open, rule: t.wet, asset: A1, tier: S3, onset: 20s}", row)))


def test_no_tickets_at_all_can_be_expected(bench):
    dry = '  - {name: dry, feed: {A1.wet: false}, until: 1h, tickets: []}\n'
    passes(bench(dry))
    fails(bench(dry.replace("false", "true")), "0 tickets expected, 1 found")


def test_the_list_speaks_of_all_rules_unless_it_says_about(bench):
    fails(bench(WET, head=HEAD.replace("about: [t.wet]\n", "")), "rule: t.silent, asset: A2")


def test_expect_raise_and_its_bounds(bench):
    text = ('  - {name: hot, feed: {A1.temp: "@0s 60 degC ~> @40min 100 degC"}, '
            'expect_raise: {rule: t.hot, asset: A1, tier: S2, between: [%s]}}\n')
    passes(bench(text % "34min, 36min"))
    fails(bench(text % "36min, 40min"), "expected to raise: t.hot A1 as S2 between 36min and 40min",
          "+ found    {at: 20min10s, ev: open")


def test_expect_none(bench):
    text = '  - {name: n, feed: {A1.wet: "@0s false @20s true"}, expect_none: {rule: t.wet, asset: %s}}\n'
    passes(bench(text % "A2"))
    fails(bench(text % "A1"), "must not raise: t.wet A1", "+ found    {at: 30s")


def test_states_and_summaries_are_looked_at(bench):
    text = ('  - name: s\n    feed: {A1.wet: "@20s true"}\n    state:\n'
            '      - {at: 29.999s, rule: t.wet, asset: A1, is: %s}\n'
            '      - {at: 30s, rule: t.wet, asset: A1, is: active, en: "water at A1", zh: 有水}\n')
    passes(bench(text % "pending"))
    fails(bench(text % "normal"), "a.yaml:13: t.wet A1 is pending; expected normal")
    fails(bench((text % "pending").replace("water at", "fire at")), 'the summary (en) of t.wet A1 is "water at A1"')


def test_same_as_takes_feed_and_tickets_and_shifts_them(bench):
    gap = WET + ('  - name: gap\n    feed: {A1.wet: "@0s false @20s true @60s false gap 21s..36s"}\n'
                 '    same_as: wet\n    shift: {raise: %s}\n')
    # Fresh until 31 s, unknown until 36 s: the hold stands for 5 s, and it was over at 30 s already.
    passes(bench(gap % "+0s"))
    early = gap.replace("gap 21s..36s", "gap 20s..35s")  # stale at 30 s, the very end of the hold
    passes(bench(early % "+5s"))
    fails(bench(gap % "+7s"), "- expected {at: 37s")


def test_like_takes_the_feed(bench):
    passes(bench(WET + '  - {name: later, like: wet, feed: {A1.wet: "@0s true @5s false"}, tickets: []}\n'))


def test_rings_of_like_are_refused(bench):
    refuses(bench('  - {name: a, like: b, tickets: []}\n  - {name: b, like: a, tickets: []}\n'), "E506")


def test_parameters_of_a_test_are_its_own(bench):
    own = WET.replace("name: wet", "name: own").replace("at: 30s", "at: 40s") + \
        "    params: [{package: t, name: wait, value: 20s}]\n"
    passes(bench(WET + own))
    passes(bench(own, head=HEAD.replace("about:", "params: [{package: t, name: wait, value: 5s}]\nabout:")))


# ---- Feeds -------------------------------------------------------------------------------------

def test_what_is_usual_holds_until_a_test_says_otherwise(bench):
    head = HEAD.replace("about:", 'usual: {thing: {wet: true}, A2: {wet: false}}\nabout:')
    opened = "    tickets: [{at: 10s, ev: open, rule: t.wet, asset: A1}]\n"
    passes(bench("  - name: u\n    until: 1min\n" + opened, head=head))
    passes(bench("  - {name: o, until: 1min, feed: {A1.wet: false}, tickets: []}\n", head=head))
    passes(bench("  - {name: n, until: 1min, usual: false, tickets: []}\n", head=head))
    passes(bench("  - {name: v, until: 1min, feed: {A1.wet: never}, tickets: []}\n", head=head))


def test_an_asset_that_falls_silent(bench):
    text = ('  - name: silent\n    about: [t.silent]\n    feed: {A1.wet: false, A2: alive, A1: "@0s alive @60s silent @120s alive"}\n'
            '    tickets:\n      - {at: 89.001s, ev: open, rule: t.silent, asset: A1}\n'
            '      - {at: 130s, ev: resolve, rule: t.silent, asset: A1}\n')
    passes(bench(text))
    passes(bench(text.replace("@0s alive @60s silent @120s alive", "alive gap 59s..120s")))


def test_assets_of_one_device_fall_silent_together(bench):
    head = HEAD.replace("{id: A1, class: thing}", "{id: A1, class: thing, device: [box]}")
    text = '  - {name: d, about: [t.silent], until: 5min, feed: {A1.wet: false}, tickets: []}\n'
    passes(bench(text, head=head))
    fails(bench(text), "asset: A2")


def test_counters_wrap_and_cycles_repeat(bench):
    (bench.path / "rules.yaml").write_text(RULES + """
  - {id: t.busy, scope: thing, fault: X-6, tier: S3, when: "increase(starts, 1min) >= 30", clear: "increase(starts, 1min) < 5", hold: 2s}
""")
    # 0.5/s: 30 within a minute at 60 s, over the end of the modulus; 4 a minute from 10 min on.
    text = ('  - name: c\n    about: [t.busy]\n    feed: {A1.starts: "@0s 80 +1 every 2s @10min +0 @610s +1 repeat 15s until 20min"}\n'
            '    tickets:\n      - {at: 55s..65s, ev: open, rule: t.busy, asset: A1}\n'
            '      - {at: 10min30s..11min10s, ev: resolve, rule: t.busy, asset: A1}\n')
    passes(bench(text))


@pytest.mark.parametrize("feed, code, words", [
    ('A1.wet: "@0s perhaps"', "E105", "expected true or false, found 'perhaps'"),
    ('A1.wet: "@0s true @0s false"', "E105", "not later than what stands before it"),
    ('A1.wet: "@0s true ~> @9s false"', "E105", "only numbers can lie on a line"),
    ('A1.wet: "true gap 40s"', "E105", "expected two instants"),
    ('A1.wet: "true gap 40s..30s"', "E105", "ends before it begins"),
    ('A1.wet: "true hurry"', "E105", "found 'hurry'"),
    ('A1.wet: "true poll 10s"', "E402", "stale before its next poll"),
    ('A1.temp: "@0s 60"', "E201", "it is missing"),
    ('A1.temp: "@0s 60 dK"', "E201", "does not fit"),
    ('A1.temp: "@0s 60 bar"', "E201", "does not fit"),
    ('A1.temp: "60 degC noise 1 degC"', "E201", "does not fit"),
    ('A1.temp: "60 degC ~>"', "E105", "the instant the line leads to"),
    ('A1.temp: "60 degC repeat 0s"', "E105", "length of time"),
    ('A1.starts: "0 +1 every"', "E105", "length of time"),
    ('A1.starts: "0.5"', "E105", "whole numbers"),
    ('A1.mode: "NORML"', "E206", "did you mean 'NORMAL'?"),
    ('A1.wett: true', "E301", "unknown point 'wett'; did you mean 'wet'?"),
    ('A9.wet: true', "E301", "no asset of this file belongs to 'A9.wet'"),
    ('A1: present', "E105", "alive or silent"),
    ('A1.wet: "@2026-02-30T12:00 true"', "E105", "expected an instant"),
    ('A1.wet: "@2026-03-28T11:00 true"', "E106", "before the start"),
    ('A1.wet: "@500d true"', "E4", ""),
])
def test_a_wrong_feed_is_said_with_its_place(bench, feed, code, words):
    done = refuses(bench("  - name: f\n    feed: {%s}\n    tickets: []\n" % feed), words)
    assert re.search(r"a\.yaml:11:\d+: error " + code, done.stderr) or code == "E4" and "E105" in done.stderr or \
        "E401" in done.stderr, done.stderr


# ---- Commands, restarts, nights -----------------------------------------------------------------

LATCH = """  - name: latched
    about: [t.latched]
    feed: {A1.mode: "@0s NORMAL @10s INSPECTION @30s NORMAL"}
    commands:
      - {at: 20s, do: reset, rule: t.latched, asset: A1, refused: true}
      - {at: 50s, do: reset, rule: t.latched, asset: A1}
    tickets:
      - {at: 11s, ev: open, rule: t.latched, asset: A1}
      - {at: 30s, ev: latched, rule: t.latched, asset: A1}
      - {at: 50s, ev: resolve, rule: t.latched, asset: A1}
"""


def test_commands_and_their_refusal(bench):
    passes(bench(LATCH))
    fails(bench(LATCH.replace(", refused: true", "")), "reset of t.latched A1 was refused")
    fails(bench(LATCH.replace("do: reset, rule: t.latched, asset: A1}", "do: reset, rule: t.latched, asset: A1, refused: true}")),
          "was taken, though 'refused: true'")


@pytest.mark.parametrize("restart", ["25s", "[5s, 25s, {at: 40s, kind: stop}]", "[{at: 40s, kind: crash}]"])
def test_a_restart_without_a_gap_changes_nothing(bench, restart):
    passes(bench(WET + f"    restart_at: {restart}\n"))
    passes(bench(LATCH + f"    restart_at: {restart}\n"))


def test_time_away_does_not_count_as_hold(bench):
    away = WET + "    restart_at: [{at: 25s, down: 5s%s}]\n"
    fails(bench(away % ""), "- expected {at: 30s", "+ found    {at: 35s")
    fails(bench(away % ", kind: crash"), "+ found    {at: 35s")


def test_a_crash_forgets_values_until_the_next_poll(bench):
    passes(bench(WET.replace("at: 30s", "at: 31s") + "    restart_at: [{at: 25s, kind: crash}]\n"))


def test_a_shelf_withholds_a_ticket_until_it_ends(bench):
    text = """  - name: shelf
    feed: {A1.wet: "@0s false @1min true"}
    commands: [{at: 30s, do: shelve, rule: t.wet, asset: A1, for: 30min}]
    tickets:
      - {at: 30s, ev: shelved, rule: t.wet, asset: A1, until: 1830s}
      - {at: 1230s, ev: shelf_ending, rule: t.wet, asset: A1}
      - {at: 1830s, ev: unshelved, rule: t.wet, asset: A1}
      - {at: 1830s, ev: open, rule: t.wet, asset: A1, onset: 1min}
"""
    passes(bench(text, "--restart-everywhere", "--permute"))
    passes(bench(text.replace("for: 30min", "until: 1830s")))
    fails(bench(text.replace("until: 1830s}\n", "until: 1831s}\n")), "+ found    {at: 30s, ev: shelved")
    refuses(bench(text.replace(", for: 30min", "")), "needs 'for' or 'until'")
    refuses(bench(text.replace("do: shelve", "do: ack")), "go with 'shelve'")


def test_a_planned_window_withholds_a_ticket_until_it_ends(bench):
    window = "maintenance: [{id: m, assets: [A1], from: \"2026-03-28 12:00\", to: \"2026-03-28 12:10\", reason: overhaul}]\n"
    text = ('  - {name: m, feed: {A1.wet: "@0s false @1min true"}, until: 20min, '
            'tickets: [{at: %s, ev: open, rule: t.wet, asset: A1, onset: 1min}]}\n')
    passes(bench(text % "70s"))
    passes(bench(text % "10min", "--restart-everywhere", head=HEAD.replace("about:", window + "about:")))
    passes(bench((text % "10min").replace("{name", window.replace("maintenance: ", "{maintenance: ").rstrip() + ", name")))
    (bench.path / "rules.yaml").write_text(RULES.replace("hold: $wait,", "hold: $wait, maintenance: annotate,"))
    marked = (text % "70s").replace("onset: 1min", "onset: 1min, maintenance: %s")
    passes(bench(marked % "true", head=HEAD.replace("about:", window + "about:")))
    fails(bench(marked % "false", head=HEAD.replace("about:", window + "about:")), "maintenance: true}")
    own = (text % "70s").replace("{name: m", "{maintenance: [], name: m")
    passes(bench(own, head=HEAD.replace("about:", window + "about:")))


def test_an_escalation_names_its_step_and_whom_it_tells(bench):
    (bench.path / "rules.yaml").write_text(RULES + """
  - {id: t.slow, scope: thing, fault: X-8, tier: S3, when: wet, hold: 1s, clear_hold: 1s, escalate: [{after: 10min, unless: acked, to: head}]}
""")
    text = """  - name: ladder
    about: [t.slow]
    feed: {A1.wet: "@0s false @1min true"}
    until: 1h
    commands: [%s]
    tickets:
      - {at: 61s, ev: open, rule: t.slow, asset: A1}
"""
    told = text % "" + "      - {at: 661s, ev: escalate, rule: t.slow, asset: A1, step: 0, to: %s}\n"
    passes(bench(told % "head", "--restart-everywhere"))
    fails(bench(told % "foot"), "to: head")
    passes(bench(text % "{at: 5min, do: ack, rule: t.slow, asset: A1}"))


def test_a_rule_for_each_value_says_which(bench):
    (bench.path / "rules.yaml").write_text(RULES + """
  - {id: t.each, scope: thing, fault: X-9, tier: S3, by: mode, when: "count(rise(wet), 10min) >= 2", clear: "count(rise(wet), 10min) == 0"}
""")
    text = """  - name: keyed
    about: [t.each]
    feed: {A1.mode: INSPECTION, A1.wet: "@0s false @10s true @20s false @30s true @40s false"}
    until: 5min
    state: [{at: 1min, rule: t.each, asset: A1, key: INSPECTION, is: active}]
    tickets: [{at: 30s, ev: open, rule: t.each, asset: A1, key: %s}]
"""
    passes(bench(text % "INSPECTION", "--restart-everywhere"))
    fails(bench(text % "NORMAL"), "asset: A1, key: INSPECTION, tier: S3")


def test_a_mark_is_what_is_counted_from(bench):
    (bench.path / "rules.yaml").write_text(RULES + """
  - {id: t.due, scope: thing, fault: X-9, tier: S4, when: "delta_since(starts, overhaul) >= 20", clear: "delta_since(starts, overhaul) < 5", hold: 1s}
""")
    text = ('  - {name: m, about: [t.due], until: 25s, feed: {A1.starts: "0 +1 every 1s"}, '
            'commands: [{at: %s, do: mark, asset: A1, name: %s%s}], expect_none: {rule: t.due}}\n')
    passes(bench(text % ("10s", "overhaul", "")))
    fails(bench(text % ("1s", "overhaul", "")), "must not raise: t.due")
    fails(bench(text % ("10s", "painting", "")), "mark 'painting' of A1 was refused")
    refuses(bench(text % ("10s", "overhaul", ", rule: t.due")), "of an asset, not of a rule")


def test_a_night_of_a_clock_change(bench):
    head = HEAD.replace("2026-03-28T12:00", "2026-03-28T21:00")
    night = """  - name: night
    about: [t.night]
    feed: {A1.wet: true}
    until: "%s"
    tickets:
      - {at: "%s", ev: open, rule: t.night, asset: A1, onset: "%s"}
      - {at: "%s", ev: resolve, rule: t.night, asset: A1}
"""
    spring = night % ("2026-03-29T07:00", "2026-03-28T22:00:01", "2026-03-28T22:00", "2026-03-29T06:00:01")
    passes(bench(spring, head=head))
    done = passes(bench(spring, "--tickets", head=head))
    assert "at: 8h1s, ev: resolve" in done.stdout  # an hour is missing
    autumn = night.replace("night\n", "autumn\n    start: \"2026-10-24T21:00\"\n", 1) % (
        "2026-10-25T07:00", "2026-10-24T22:00:01", "2026-10-24T22:00", "2026-10-25T06:00:01")
    done = passes(bench(autumn, "--tickets", head=head))
    assert "at: 10h1s, ev: resolve" in done.stdout


def test_a_doubled_hour_is_told_apart_by_its_offset(bench):
    text = ('  - name: d\n    start: "2026-10-25T02:00+02:00"\n    feed: {A1.wet: "@0s false @2026-10-25T02:30%s true"}\n'
            '    tickets: [{at: %s, ev: open, rule: t.wet, asset: A1}]\n')
    passes(bench(text % ("", "1810s")))
    passes(bench(text % ("+02:00", "1810s")))
    passes(bench(text % ("+01:00", "5410s")))


def test_a_rule_without_end_is_cut(bench):
    (bench.path / "rules.yaml").write_text(RULES.replace("hold: $wait, clear_hold: 5s,", "clear: not wet, chatter: none,").replace("$wait", "0s"))
    fails(bench('  - {name: e, feed: {A1.wet: "@0s true @1s false repeat 2s until 40h"}, expect_raise: {rule: t.wet}}\n'),
          "more than 100000 events")


# ---- Files and options -------------------------------------------------------------------------

@pytest.mark.parametrize("tests, code, words", [
    ("  - {name: x, feed: {}}\n", "E107", "expects nothing"),
    ("  - {name: x, tickts: []}\n", "E103", "did you mean 'tickets'?"),
    ("  - {name: x, tickets: [{at: 1s, ev: opens, rule: t.wet}]}\n", "E301", "unknown event 'opens'; did you mean 'open'?"),
    ("  - {name: x, tickets: [{at: 1s, ev: open, rule: t.wett}]}\n", "E301", "unknown rule 't.wett'; did you mean 't.wet'?"),
    ("  - {name: x, tickets: [{at: soon, ev: open, rule: t.wet}]}\n", "E105", "expected an instant"),
    ("  - {name: x, tickets: [{at: 2s, ev: open, rule: t.wet}, {at: 1s, ev: open, rule: t.wet}]}\n", "E105", "in their order"),
    ("  - {name: x, same_as: y}\n", "E301", "unknown test 'y'"),
    ("  - {name: x, tickets: [], shift: {raise: +1s}}\n", "E105", "goes with 'same_as'"),
    ("  - {name: x, tickets: []}\n  - {name: x, tickets: []}\n", "E108", "declared twice"),
    ("  - {name: x, tickets: [], commands: [{at: 1s, do: kick, rule: t.wet, asset: A1}]}\n", "E301", "unknown command 'kick'"),
    ("  - {name: x, state: [{at: 1s, rule: t.wet, asset: A1, is: sad}]}\n", "E301", "unknown state 'sad'"),
    ("  - {name: x, tickets: [], params: [{package: t, name: wait, value: 9h}]}\n", "E207", "at most"),
    ("  []\n", "E107", "no test here"),
])
def test_a_wrong_test_is_said_with_its_place(bench, tests, code, words):
    done = refuses(bench(tests), words)
    assert re.search(r":\d+:\d+: error " + code, done.stderr), done.stderr


def test_a_file_that_is_no_test_file(bench):
    refuses(bench("", head="weiyu: site/1\n"), "E110", "'test/1' is expected here")
    refuses(bench("", files=("missing.yaml",)), "missing.yaml")


def test_mistakes_of_the_rules_are_shown(bench):
    (bench.path / "rules.yaml").write_text(RULES.replace("when: wet,", "when: wett,"))
    refuses(bench(WET), "rules.yaml:", "E301")


def test_one_bad_file_does_not_hide_the_others(bench):
    (bench.path / "bad.yaml").write_text("weiyu: test/1\n")
    done = refuses(bench(WET, files=("bad.yaml", "a.yaml")))
    assert "1 passed" in done.stdout


def test_list_and_filter(bench):
    two = WET + WET.replace("name: wet", "name: second")
    assert passes(bench(two, "--list")).stdout.count("a.yaml: ") == 2
    assert "1 passed" in passes(bench(two, "--filter", "sec")).stdout
    refuses(bench(two, "--filter", "third"), "no test has 'third' in its name")


def test_tickets_are_shown_as_they_would_stand_in_the_file(bench):
    done = passes(bench(WET, "--tickets"))
    assert "- {at: 30s, ev: open, rule: t.wet, asset: A1, tier: S3, onset: 20s}\n" in done.stdout


def test_tap(bench):
    done = fails(bench(WET + WET.replace("name: wet", 'name: "wrong #1"').replace("at: 30s", "at: 31s"), "--tap"))
    lines = done.stdout.splitlines()
    assert lines[:2] == ["TAP version 13", "1..2"]
    assert lines[2].startswith("ok 1 - ") and lines[3].startswith("not ok 2 - ") and "\\#1" in lines[3]
    assert all(line.startswith("#") for line in lines[4:])


def test_junit(bench):
    out = bench.path / "out.xml"
    fails(bench(WET + WET.replace("name: wet", 'name: "a < b & \\"c\\""').replace("at: 30s", "at: 31s"),
                "--junit", str(out)))
    suite = xml.parse(out).getroot()
    assert (suite.get("tests"), suite.get("failures")) == ("2", "1")
    cases = suite.findall("testcase")
    assert cases[1].get("name") == 'a < b & "c"' and "- expected" in cases[1].find("failure").get("message")
    refuses(bench(WET, "--junit", "/nowhere/out.xml"), "cannot be written")


def test_restarts_and_other_orders_change_nothing(bench):
    head = HEAD.replace("about: [t.wet]\n", "")
    text = ('  - {name: all, until: 10min, feed: {A1.wet: "@0s false @20s true @60s false", A2.wet: "@20s true", '
            'A1.temp: "@0s 60 degC ~> @5min 100 degC ~> @9min 60 degC noise 0.2 dK", A2.mode: "@0s NORMAL @1min INSPECTION"}, '
            'commands: [{at: 4min, do: close, rule: t.wet, asset: A2}], expect_raise: {rule: t.wet}}\n')
    passes(bench(text, "--restart-everywhere", "--permute", head=head))
    crash = text.replace("until", "restart_at: [{at: 90s, down: 20s, kind: crash}, 2min], until")
    passes(bench(crash, "--restart-everywhere", "--permute", head=head))


def test_jitter_moves_tickets_within_their_slack_only(bench):
    passes(bench(WET + LATCH.split("    commands")[0].replace("@30s NORMAL", "") +
                 "    tickets: [{at: 11s, ev: open, rule: t.latched, asset: A1}]\n", "--jitter", "20%"))
    # What lasts as long as a poll is seen by some polls and missed by others.
    pulses = ('  - {name: p, about: [t.night], start: "2026-03-28T23:00", until: 10min, '
              'feed: {A1.wet: "@0s false @20s true @21.5s false repeat 30s until 9min"}, expect_raise: {rule: t.night}%s}\n')
    fails(bench(pulses % "", "--jitter", "80%"), "differs when polls come late (seed ")
    strict = WET.rstrip("\n") + "\n    slack: 0s\n"
    fails(bench(strict, "--jitter", "20%"), "- before   {at: 30s, ev: open", "+ now")
    passes(bench(strict.replace("slack: 0s", "slack: 3s"), "--jitter", "20%"))


@pytest.mark.parametrize("share", ["20", "x%", "0%", "95%", "%"])
def test_jitter_is_a_share(bench, share):
    refuses(bench(WET, "--jitter", share), "--jitter is a share")


def test_coverage_says_what_never_happened(bench):
    done = passes(bench(WET, "--coverage"))
    assert "  t.wet S3: never from pending to normal\n" in done.stdout
    assert "  t.wet S3: never from returning to active\n" in done.stdout
    assert "  t.hot: never raised\n" in done.stdout
    assert "t.wet S3: in" not in done.stdout  # wet was true and false on both sides
    assert "coverage: 2 of 5 rules raised" in done.stdout  # t.silent as well: nothing is heard of A2
    flicker = WET + ('  - {name: flicker, feed: {A1.wet: "@0s true @5s false @10s true @25s false @27s true @40s false"}, '
                     'expect_raise: {rule: t.wet}}\n')
    assert "t.wet S3: never" not in passes(bench(flicker, "--coverage")).stdout


def test_coverage_of_several_files_adds_up(bench):
    (bench.path / "b.yaml").write_text(HEAD + '  - {name: h, feed: {A1.temp: "@0s 85 degC"}, expect_raise: {rule: t.hot}}\n')
    assert "coverage: 3 of 5 rules raised" in passes(bench(WET, "--coverage", files=("a.yaml", "b.yaml"))).stdout


def test_coverage_sees_a_branch_that_never_decided(bench):
    (bench.path / "rules.yaml").write_text(RULES + """
  - {id: t.both, scope: thing, fault: X-7, tier: S3, when: wet or mode == INSPECTION, hold: 2s, clear_hold: 2s}
""")
    done = passes(bench(WET, "--coverage"))
    assert "  t.both S3: in 'when' never known: mode == INSPECTION\n" in done.stdout
    done = passes(bench(WET.replace("{A1.wet:", "{A1.mode: NORMAL, A1.wet:"), "--coverage"))
    assert "  t.both S3: in 'when' never true: mode == INSPECTION\n" in done.stdout


@pytest.mark.parametrize("arguments", [[], ["--junit"], ["--unknown", "x.yaml"]])
def test_wrong_usage(arguments):
    assert subprocess.run([WEIYU, "test", *arguments], capture_output=True).returncode == 2


BANK_CLASSES = """
weiyu: classes/1
classes:
  lift:
    name_zh: 电梯
    name_en: Lift
    relations: {bank: lift_bank}
    points:
      temp: {type: real, unit: degC, range: [-20, 200], poll: 10s, stale_after: 60s}
  lift_bank:
    name_zh: 群
    name_en: Bank
    points:
      load: {type: real, unit: "%", range: [0, 100], poll: 10s, stale_after: 60s}
"""
BANK_RULES = """
weiyu: rules/1
package: t
rules:
  - {id: t.hot, scope: lift, tier: S3, fault: T-01, when: "temp - peer_median(temp, by=bank) > 15 dK", clear: "temp - peer_median(temp, by=bank) < 8 dK", hold: 1min}
  - {id: t.load, scope: lift, tier: S3, fault: T-02, when: bank.load > 90 %, clear: bank.load < 80 %, hold: 1min}
"""
BANK_TESTS = """weiyu: test/1
classes: [classes.yaml]
rules: [rules.yaml]
assets:
  - {id: L1, class: lift, relations: {bank: BANK-A}}
  - {id: L2, class: lift, relations: {bank: BANK-A}}
  - {id: L3, class: lift, relations: {bank: BANK-A}}
  - {id: BANK-A, class: lift_bank}
usual:
  lift: {temp: 40 degC}
  lift_bank: {load: 10 %}
tests:
  - name: a motor hotter than the others of its bank is told
    feed: {L1.temp: "@0s 40 degC @1min 60 degC @10min 41 degC"}
    until: 20min
    tickets:
      - {at: 2min, ev: open, rule: t.hot, asset: L1, tier: S3, onset: 1min}
      - {at: 10min, ev: resolve, rule: t.hot, asset: L1}
  - name: a busy bank is told for each of its lifts
    about: [t.load]
    feed: {BANK-A.load: "@0s 10 % @1min 95 % @10min 20 %"}
    until: 20min
    tickets:
      - {at: 2min, ev: open, rule: t.load, asset: L1}
      - {at: 2min, ev: open, rule: t.load, asset: L2}
      - {at: 2min, ev: open, rule: t.load, asset: L3}
      - {at: 10min, ev: resolve, rule: t.load, asset: L1}
      - {at: 10min, ev: resolve, rule: t.load, asset: L2}
      - {at: 10min, ev: resolve, rule: t.load, asset: L3}
"""


@pytest.mark.parametrize("option", [[], ["--restart-everywhere"], ["--permute"]])
def test_assets_of_a_test_may_be_related(bench, option):
    (bench.path / "classes.yaml").write_text(BANK_CLASSES)
    (bench.path / "rules.yaml").write_text(BANK_RULES)
    done = bench(BANK_TESTS, *option, head="")
    passes(done)
    assert "2 passed" in done.stdout


def test_a_relation_to_the_wrong_asset_is_named(bench):
    (bench.path / "classes.yaml").write_text(BANK_CLASSES)
    (bench.path / "rules.yaml").write_text(BANK_RULES)
    done = bench(BANK_TESTS.replace("bank: BANK-A", "bank: L2", 1), head="")
    assert done.returncode != 0
    assert "'L2' is of class 'lift'" in done.stdout + done.stderr
