"""The shipped packs are whole: every fault of the catalogue, a rule for each, and three tests for each rule."""
import pathlib

import pytest
import yaml

PACKS = pathlib.Path(__file__).resolve().parents[2] / "rules" / "packs"
FAULTS = {"ELV": 26, "WTR": 17, "ACC": 15, "FIR": 20, "SYS": 9}


def load(paths):
    return {path.name: yaml.safe_load(path.read_text(encoding="utf-8")) for path in sorted(paths)}


def rule_files():
    files = load(PACKS.glob("*.yaml"))
    return {name: file for name, file in files.items() if file["weiyu"] == "rules/1"}


def entries(key):
    return [entry for file in rule_files().values() for entry in file.get(key, [])]


def catalogue():
    return {code for file in load((PACKS / "faults").glob("*.yaml")).values() for code in file["faults"]}


def reported():
    codes = {entry["fault"] for entry in entries("rules") + entries("correlate")}
    return codes | {entry["recur"]["then"]["fault"] for entry in entries("rules")
                    if "fault" in entry.get("recur", {}).get("then", {})}


def listed(value):
    return value if isinstance(value, list) else [value] if value else []


def every_test():
    return [test for file in load((PACKS / "tests").glob("*.test.yaml")).values() for test in file["tests"]]


def rules_with(found):
    return {entry["rule"] for test in every_test() for entry in found(test)}


def tickets(test, *kinds):
    return [ticket for ticket in listed(test.get("tickets")) if ticket["ev"] in kinds]


def test_the_catalogue_has_every_fault():
    codes = catalogue()
    assert {prefix: sum(code.startswith(prefix) for code in codes) for prefix in FAULTS} == FAULTS
    assert len(codes) == 87


def test_every_fault_is_reported_by_some_rule():
    assert sorted(catalogue() - reported()) == []


@pytest.mark.parametrize("what, found", [
    ("raises it", lambda test: tickets(test, "open") + listed(test.get("expect_raise"))),
    ("ends it", lambda test: tickets(test, "resolve", "close")),
    ("must not raise it", lambda test: listed(test.get("expect_none"))),
])
def test_every_rule_has_a_test_that(what, found):
    rules = {entry["id"] for entry in entries("rules") + entries("correlate")}
    missing = sorted(rules - rules_with(found))
    assert missing == [], f"no test {what}"
