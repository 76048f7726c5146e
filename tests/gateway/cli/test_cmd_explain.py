"""`weiyu explain` as its users meet it: names, files, forms of output. Present values: tests/gateway/run/test_cli.py."""
import json
import os
import subprocess

import pytest

WEIYU = os.path.join(os.environ["WY_BIN"], "weiyu")

CLASSES = """
weiyu: classes/1
classes:
  thing:
    name_zh: 物
    name_en: Thing
    points:
      wet: {type: bool, poll: 1s, stale_after: 10s}
      temp: {type: real, unit: degC, range: [-20, 200], poll: 10s, stale_after: 60s}
  other:
    name_zh: 另
    name_en: Other
    points:
      wet: {type: bool, poll: 1s, stale_after: 10s}
"""
RULES = """
weiyu: rules/1
package: t
params:
  warm: {type: degC, default: 60 degC, min: 40 degC, max: 90 degC}
rules:
  - {id: t.hot, scope: thing, fault: X-1, tier: S3, when: "avg(temp, 64min) > $warm", clear: "avg(temp, 64min) < 50 degC"}
  - {id: t.wet, scope: thing, fault: X-1, tier: S3, when: wet, clear_hold: 5s}
"""
SITE = """
weiyu: site/1
assets:
  - {id: A1, class: thing}
  - {id: B1, class: other}
params:
  - {package: t, name: warm, asset: A1, value: 70 degC}
"""


@pytest.fixture
def explain(tmp_path):
    (tmp_path / "classes.yaml").write_text(CLASSES)
    (tmp_path / "rules.yaml").write_text(RULES)
    (tmp_path / "site.yaml").write_text(SITE)

    def run(*words, files=("--classes", "classes.yaml", "--rules", "rules.yaml", "--site", "site.yaml")):
        done = subprocess.run([WEIYU, "explain", *files, *words], capture_output=True, text=True, timeout=60, cwd=tmp_path)
        assert "Sanitizer" not in done.stderr, done.stderr
        return done
    return run


def test_a_rule_on_an_asset_has_the_values_of_the_site(explain):
    done = explain("t.hot", "A1")
    assert done.returncode == 0 and done.stderr == "", done.stderr
    lines = done.stdout.splitlines()
    assert lines[0].startswith("t.hot on A1 (thing): a state, fault X-1; rules.yaml:7, revision ")
    assert any("$warm: 70 degC (set by the site for this asset, site.yaml:" in line for line in lines)
    assert any("64 panes of 1min" in line and "weighted with time" in line for line in lines)
    assert all(len(line) - len(line.lstrip()) <= 40 for line in lines)


def test_a_rule_by_itself_has_the_values_of_its_package(explain):
    done = explain("t.hot")
    assert done.returncode == 0 and "$warm: 60 degC (the package's own, rules.yaml:5; may be 40 degC to 90 degC)" in done.stdout


def test_the_same_as_json(explain):
    document = json.loads(explain("--json", "t.wet", "A1").stdout)
    assert document["is_live"] is False
    assert document["lines"][0]["depth"] == 0 and document["lines"][0]["text"].startswith("t.wet on A1")
    assert {"depth", "text"} == set(document["lines"][-1])


@pytest.mark.parametrize("words, said", [
    (["t.hott", "A1"], "there is no rule 't.hott'; did you mean 't.hot'?"),
    (["t.hot", "A11"], "there is no asset 'A11'; did you mean 'A1'?"),
    (["t.hot", "B1"], "'t.hot' is not for 'B1'; it is for A1"),
])
def test_wrong_names_give_the_nearest(explain, words, said):
    done = explain(*words)
    assert done.returncode == 1 and said in done.stderr and done.stdout == ""


@pytest.mark.parametrize("words, said", [
    ([], "usage: weiyu explain"),
    (["t.hot", "A1", "more"], "usage: weiyu explain"),
    (["--jsn", "t.hot"], "weiyu explain: unknown option '--jsn'; did you mean '--json'?"),
    (["--stats", "t.hot"], "weiyu explain: unknown option '--stats'"),
    (["t.hot", "--socket"], "weiyu explain: '--socket' needs a value"),
])
def test_wrong_use_is_said(explain, words, said):
    done = explain(*words)
    assert done.returncode == 2 and said in done.stderr


def test_files_with_mistakes_are_said(explain, tmp_path):
    (tmp_path / "rules.yaml").write_text(RULES.replace("when: wet", "when: wett"))
    done = explain("t.hot", "A1")
    assert done.returncode == 1 and "E301" in done.stderr and "did you mean 'wet'?" in done.stderr
