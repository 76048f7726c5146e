"""Tables of readings through the rules."""
import json
import re

WIDE = """time,A-1.a,A-1.level
2026-03-01T08:00:00+08:00,false,1.0
2026-03-01T08:00:30+08:00,true,
2026-03-01T08:10:00+08:00,false,2.5
2026-03-01T08:20:00+08:00,,1
2026-03-01T08:30:00+08:00,,1
"""
EVENTS = [("08:00:35.000", "open", "t.a"), ("08:10:05.000", "resolve", "t.a"), ("08:10:10.000", "open", "t.level"),
          ("08:20:10.000", "resolve", "t.level")]


def test_a_value_stands_until_the_next_row(building):
    assert building.log("--hold", building.write("w.csv", WIDE)) == EVENTS


def test_each_form_of_a_table_tells_the_same(building):
    long = """time,asset,point,value
# nothing is said here

2026-03-01T00:00:00Z,A-1,a,false
2026-03-01T00:00:00Z,A-1,level,1.0
1772323230,A-1,a,1
1772323800000,A-1,a,0
1772323800.000,"A-1","level","2.5"
2026-03-01T08:20:00,A-1,level,1
2026-03-01T08:30:00,A-1,level,1
"""
    log = building.log("--hold", building.write("l.csv", long))
    assert log == EVENTS
    assert building.log("--hold", building.write("s.csv", long.replace(",", ";"))) == EVENTS
    assert building.log("--hold", building.write("t.csv", "\ufeff" + long.replace(",", "\t"))) == EVENTS
    assert building.log("--hold", building.write("crlf.csv", long.replace("\n", "\r\n"))) == EVENTS
    swapped = "\n".join(",".join(reversed(line.split(","))) if line[:1] not in ("#", "") else line
                        for line in long.splitlines())
    assert building.log("--hold", building.write("r.csv", swapped)) == EVENTS


def test_files_are_merged_by_time(building):
    rows = WIDE.splitlines()
    one = building.write("1.csv", "\n".join([rows[0], rows[1], rows[3]]))
    two = building.write("2.csv", "\n".join([rows[0], rows[2], rows[4], rows[5]]))
    assert building.log("--hold", two, one) == EVENTS == building.log("--hold", one, two)


def test_without_hold_a_row_is_one_poll(building):
    table = building.write("w.csv", WIDE)
    log = building.log(table)
    # a turns stale 10 s after its row: t.a rose on a fresh value, and never clears on an old one.
    assert log[0] == ("08:00:35.000", "open", "t.a")
    assert ("08:00:41.000", "open", "t.quiet") not in log
    assert [word for _, word, rule in log if rule == "t.a"] == ["open", "unverified", "verified", "resolve"]
    assert ("08:01:30.001", "open", "t.quiet") in log


def test_a_gap_ends_a_hold(building):
    table = building.write("g.csv", """time,A-1.a,A-1.b
2026-03-01T08:00:00,false,false
2026-03-01T08:05:00,gap,
2026-03-01T08:10:00,,false
2026-03-01T08:20:00,false,false
""")
    assert building.log("--hold", table) == [("08:06:00.001", "open", "t.quiet"), ("08:10:05.000", "resolve", "t.quiet")]
    assert building.log("--hold=2min", building.write("f.csv", "time,A-1.a\n2026-03-01T08:00:00,false\n"
                                                      "2026-03-01T08:10:00,false\n"))[0] == \
        ("08:03:00.001", "open", "t.quiet")


def test_bad_and_quality(building):
    table = building.write("q.csv", """time,asset,point,value,quality
2026-03-01T08:00:00,A-1,b,true,good
2026-03-01T08:00:02,A-1,b,,bad
2026-03-01T08:00:08,A-1,b,true,uncertain
2026-03-01T08:00:30,A-1,b,true,
""")
    # The hold stands still while b is unknown.
    run = building.replay("--hold", table)
    assert re.search(r"08:00:11.000\+08:00 open t.b A-1 S2 .*uncertain", run.stdout)


def test_an_asset_without_rows_is_not_missed(building):
    assert building.log(building.write("e.csv", "time,asset,point,value\n0,A-1,,gap\n100000,A-1,,gap\n")) == []


def test_mistakes_have_their_place(building):
    table = building.write("bad.csv", """time,asset,point,value,quality
2026-01-01T00:00:00Z,A-1,a,maybe
2026-01-01,A-1,a,true
2025-12-31T23:00:00Z,A-1,a,true
2026-01-01T00:00:00Z,A-1,lvel,1
2026-01-01T00:00:01Z,二号,a,true,so so
2026-01-01T00:00:01Z,A-1,a,true,so so
""")
    run = building.replay(table)
    assert run.returncode == 1
    places = re.findall(r"bad.csv:(\d+):(\d+): error (E\d+)", run.stderr)
    assert places == [("2", "28", "E824"), ("3", "1", "E823"), ("4", "1", "E823"), ("5", "26", "E822"),
                      ("6", "22", "E822"), ("7", "33", "E824")]
    assert "expected true or false" in run.stderr and "did you mean 'level'" in run.stderr
    run = building.replay(building.write("head.csv", "time,A-1.c,B-1.a,huh\n"), building.path("none.csv"))
    assert run.returncode == 1
    assert re.findall(r"(\w+).csv(?::1)?:?(\d*): error (E\d+)", run.stderr) == [
        ("head", "6", "E822"), ("head", "12", "E822"), ("head", "18", "E822"), ("none", "", "E821")]
    assert building.log("--lax", building.write("lax.csv", "time,A-1.a,huh,B-1.x\n1,true,7,8\n9,true,,\n")) != []
    assert building.replay(building.write("empty.csv", "")).returncode == 1
    assert building.replay(building.write("none.csv", "time,A-1.a\n")).returncode == 1
    assert building.replay(building.write("wide.csv", "time,A-1.a\n1,true,false\n")).returncode == 1
    assert building.replay(building.write("huge.csv", "time,A-1.a\n1," + "x" * (1 << 21))).returncode == 1


def test_wrong_usage(building):
    for arguments in (["--hld", "x.csv"], ["--hold=fast", "x.csv"], ["--from"], ["--stats=1", "x.csv"]):
        assert building.replay(*arguments).returncode == 2, arguments


def test_statistics(building):
    table = building.write("w.csv", WIDE.replace("time,A-1.a", "time,A-1.b"))
    out = json.loads(building.replay("--hold", "--json", table).stdout)
    assert out["all"]["tickets"] == 2 and out["rules"]["t.b"]["mean_clear_s"] == 570
    assert out["tiers"]["S2"]["raises"] == 1 and out["worst_ten_minutes"] == 2 and out["floods"] == 0
    people = building.replay("--hold", "--stats", table)
    assert people.returncode == 0 and "t.level" in people.stdout and "worst ten minutes: 2" in people.stdout
    # Two rules of one fault on one asset share a ticket.
    both = building.write("b.csv", "time,A-1.a,A-1.b\n0,true,true\n60,true,true\n")
    out = json.loads(building.replay("--hold", "--json", both).stdout)
    assert out["all"]["raises"] == 2 and out["all"]["tickets"] == 1 and out["all"]["standing"] == 2


def test_where_most_is_urgent_it_is_said(building):
    rows = [f"{600 * i},{'true' if i % 2 else 'false'}" for i in range(50)]
    many = building.write("many.csv", "time,A-1.b\n" + "\n".join(rows) + "\n")
    said = building.replay("--hold", "--stats", many).stdout
    tickets = json.loads(building.replay("--hold", "--json", many).stdout)["tiers"]
    assert tickets["S2"]["tickets"] >= 20 and "warning W514: of " in said, said
    few = building.write("few.csv", "time,A-1.b\n" + "\n".join(rows[:10]) + "\n")
    assert "W514" not in building.replay("--hold", "--stats", few).stdout


def test_from_and_to_cut_the_data(building):
    table = building.write("w.csv", WIDE)
    assert building.log("--hold", "--from", "2026-03-01T08:10", "--to", "2026-03-01T08:25", table) == EVENTS[2:]
    assert building.replay("--hold", "--from", "2027-01-01", table).returncode == 1


def test_the_same_bytes_each_time_and_into_a_file(building):
    table = building.write("w.csv", WIDE)
    first = building.replay("--hold", table).stdout
    assert first and first == building.replay("--hold", table).stdout
    run = building.replay("--hold", "--log", building.path("out.log"), table)
    assert run.returncode == 0 and (building.folder / "out.log").read_text() == first
    assert building.replay("--hold", "--log", "/dev/full", table).returncode == 1


def test_rules_of_the_command_line(building):
    table = building.write("w.csv", WIDE)
    other = building.write("other.yaml", """weiyu: rules/1
package: o
rules: [{id: o.a, scope: room, fault: WTR-01, tier: S3, when: a, hold: 1min, clear: not a, clear_hold: 5s}]
""")
    assert [e for e in building.log("--hold", "--rules", other, table) if e[2] == "o.a"] == [
        ("08:01:30.000", "open", "o.a"), ("08:10:05.000", "resolve", "o.a")]
    same = building.write("same.yaml", (building.folder / "other.yaml").read_text().replace("package: o", "package: t")
                          .replace("o.a", "t.x"))
    assert {rule for _, _, rule in building.log("--hold", "--rules", same, table)} == {"t.x"}
    site = building.write("bench.yaml", """weiyu: site/1
zone: Asia/Shanghai
assets: [{id: A-1, class: room}]
params: [{package: t, name: limit, value: 5 m}]
""")
    alone = ["--classes", building.path("classes.yaml"), "--faults", building.path("faults.yaml"), "--tiers",
             building.path("tiers.yaml"), "--site", site]
    assert building.log(*alone, "--rules", building.path("rules.yaml"), "--hold", table) == EVENTS[:2]
    assert building.log(*alone, "--rules", building.path("rules.yaml"), table)[-1][2] == "t.quiet"
    wrong = building.replay(*alone, "--rules", building.path("none.yaml"), table)
    assert wrong.returncode == 1 and "none.yaml" in wrong.stderr
