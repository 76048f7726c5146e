"""`weiyu drivers` says what drivers.def says, and the manual knows the same keys."""
import os
import re
import subprocess

ROOT = os.path.realpath(os.path.join(os.path.dirname(__file__), "..", "..", ".."))
WEIYU = os.path.join(os.environ["WY_BIN"], "weiyu")


def said():
    done = subprocess.run([WEIYU, "drivers"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0 and done.stderr == "", done.stderr
    return done.stdout


def rows(macro):
    with open(os.path.join(ROOT, "sensors/drivers.def"), encoding="utf-8") as file:
        return re.findall(rf'^{macro}\((\w+), \w+, ([^"]*)"([^"]*)", "([^"]*)", "([^"]*)"\)$', file.read(), re.M)


def test_every_driver_and_kind_of_wire_is_listed_with_its_keys():
    text = said()
    drivers, wires = rows("DRIVER"), rows("WIRE")
    assert len(drivers) >= 2 and len(wires) >= 3
    for name, _, needs, takes, what in drivers:
        assert f"{name}: {what}" in text
    for kind, _, needs, takes, what in wires:
        part = text.split(f"wires of kind {kind}: {what}")[1].split("  its devices")[0].split("  wires of")[0]
        for key in needs.split():
            assert re.search(rf"^ +{key} +required ", part, re.M), (kind, key)
        for key in takes.split():
            assert re.search(rf"^ +{key} +(?!required)", part, re.M), (kind, key)


def test_the_manual_knows_every_key():
    with open(os.path.join(ROOT, "docs/configuration.md"), encoding="utf-8") as file:
        manual = file.read()
    keys = {key for macro in ("DRIVER", "WIRE") for _, _, needs, takes, _ in rows(macro)
            for key in (needs + " " + takes).split()}
    assert "baud" in keys
    assert [key for key in sorted(keys) if f"`{key}`" not in manual] == []


def test_words_it_does_not_know_are_refused():
    done = subprocess.run([WEIYU, "drivers", "--all"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 2
