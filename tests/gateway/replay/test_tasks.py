"""What would change, and why something was told."""
import re

TABLE = """time,A-1.a,A-1.level
2026-03-01T08:00:00+08:00,false,1.0
2026-03-01T08:01:00+08:00,true,
2026-03-01T08:02:00+08:00,false,2.5
2026-03-01T08:05:00+08:00,,3.5
2026-03-01T08:10:00+08:00,,1
2026-03-01T08:20:00+08:00,true,1
2026-03-01T08:20:08+08:00,false,1
2026-03-01T09:00:00+08:00,,1
"""


def variant(building, name, *changes):
    text = (building.folder / "rules.yaml").read_text(encoding="utf-8")
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    return building.write(name, text)


def test_diff_names_what_changes(building):
    table = building.write("w.csv", TABLE)
    old = building.path("rules.yaml")
    new = variant(building, "new.yaml", ("tier: S3, when: a, hold: 5s", "tier: S3, when: a, hold: 10s"),
                  ("tier: S3, when: level", "tier: S2, meta: {}, when: level"))
    run = building.replay("diff", old, new, "--hold", table)
    assert run.returncode == 0, run.stderr
    lines = run.stdout.splitlines()
    assert [line[:2] + line.split()[2] for line in lines[:3]] == ["~ t.a", "- t.a", "! t.level"]
    assert "08:01:10" in lines[0] and "raised 5s later" in lines[0] and "ended" not in lines[0]
    assert "08:20:05" in lines[1]
    assert "S2" in lines[2] and "was S3" in lines[2]
    assert lines[3] == "0 the same, ~ 1 moved, ! 1 of another tier, - 1 only old, + 0 only new"
    back = building.replay("diff", new, old, "--hold", table).stdout.splitlines()
    assert [line[0] for line in back[:3]] == ["~", "+", "!"]
    same = building.replay("diff", old, old, "--hold", table).stdout
    assert same.startswith("3 the same, ~ 0 moved")
    # A gateway file has a world of its own.
    assert building.replay("diff", building.path("gateway.yaml"), new, "--hold", table).stdout == run.stdout
    assert building.replay("diff", old, building.path("none.yaml"), "--hold", table).returncode == 1
    assert building.replay("diff", old).returncode == 2


def test_sweep_counts_for_each_value(building):
    table = building.write("w.csv", TABLE)
    run = building.replay("--sweep", "t.limit=2..4 step 0.5", "--hold", table)
    assert run.returncode == 0, run.stderr
    rows = [re.split(r"  +", line.strip()) for line in run.stdout.splitlines()]
    assert rows[0][:2] == ["limit", "TICKETS"]
    assert [(row[0], row[1]) for row in rows[1:]] == [("2.0m", "3"), ("2.5m", "3"), ("3.0m", "3"),
                                                      ("3.5m", "2"), ("4.0m", "2")]
    assert building.replay("--sweep", "t.limit=2 m..4 m step 1 m", "--hold", table).stdout.count("\n") == 4
    outside = building.replay("--sweep", "t.limit=9..11 step 1", "--hold", table)
    assert outside.returncode == 1 and "E207" in outside.stderr
    for wrong in ("t.limit", "limit=1..2 step 1", "t.limit=1..2", "t.limit=2..1 step 1", "t.limit=1..2 step 0",
                  "t.limit=0..1000000 step 0.001", "t.limit=a..b step c", "t.=1..2 step 1"):
        assert building.replay("--sweep", wrong, "--hold", table).returncode == 2, wrong


def test_why_shows_what_decided(building):
    table = building.write("w.csv", TABLE)
    run = building.replay("why", "t.level/A-1@2026-03-01T08:02", "--hold", table)
    assert run.returncode == 0, run.stderr
    head, rule, before, onset = run.stdout.splitlines()
    assert "raised 2026-03-01T08:02:10.000+08:00, onset 2026-03-01T08:02:00.000+08:00, hold 10s" in head
    assert rule.endswith("level > $limit")
    assert "08:01:59.999" in before and "false" in before and "1 m against 2 m" in before
    assert "08:02:00.000" in onset and "true" in onset and "2.5 m against 2 m" in onset
    second = building.replay("why", "t.a/A-1@2026-03-01T08:30", "--hold", table).stdout
    assert "raised 2026-03-01T08:20:05" in second
    first = building.replay("why", "t.a/A-1", "--hold", table).stdout
    assert "raised 2026-03-01T08:01:05" in first
    assert building.replay("why", "t.b/A-1", "--hold", table).returncode == 1
    assert building.replay("why", "t.a/A-1@noon", "--hold", table).returncode == 1
    assert building.replay("why", "t.a", "--hold", table).returncode == 2
