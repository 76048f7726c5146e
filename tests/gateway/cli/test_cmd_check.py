"""`weiyu check` on test files: read as `weiyu test` reads them, nothing is played."""
import os
import subprocess

import pytest

ROOT = os.path.realpath(os.path.join(os.path.dirname(__file__), "..", "..", ".."))
WEIYU = os.path.join(os.environ["WY_BIN"], "weiyu")
TESTS = os.path.join(ROOT, "rules", "packs", "tests", "gate.test.yaml")


def check(*files, cwd=None):
    done = subprocess.run([WEIYU, "check", *files], capture_output=True, text=True, timeout=60, cwd=cwd)
    assert "Sanitizer" not in done.stderr, done.stderr
    return done


def test_a_shipped_test_file_is_fine_and_its_tests_are_counted():
    done = check(TESTS)
    listed = subprocess.run([WEIYU, "test", "--list", TESTS], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0 and done.stderr == "", done.stderr
    assert f"{TESTS}: {len(listed.stdout.splitlines())} tests\n{TESTS}: fine\n" == done.stdout


@pytest.fixture
def broken(tmp_path):
    with open(TESTS, encoding="utf-8") as file:
        text = file.read().replace("[../", f"[{ROOT}/rules/packs/")

    def write(old, new):
        assert old in text
        path = tmp_path / "t.yaml"
        path.write_text(text.replace(old, new, 1), encoding="utf-8")
        return str(path)
    return write


@pytest.mark.parametrize("old, new, said", [
    ("tickets:", "tickts:", "error E103: unknown key 'tickts'; did you mean 'tickets'?"),
    ("ev: open", "ev: opn", "did you mean 'open'?"),
    ("weiyu: test/1", "weiyu: tests/1", "error E301: unknown kind of file 'tests/1'; did you mean 'test/1'?"),
])
def test_mistakes_of_a_test_file_are_said_at_their_place(broken, old, new, said):
    path = broken(old, new)
    done = check(path)
    assert done.returncode == 1 and said in done.stderr and f"{path}:" in done.stderr, done.stderr
    assert f"{path}: 1 error, 0 warnings" in done.stdout


def test_rules_that_do_not_compile_are_said_at_their_own_file(tmp_path):
    (tmp_path / "classes.yaml").write_text("weiyu: classes/1\nclasses:\n  thing: {name_zh: 物, name_en: Thing, points: "
                                           "{wet: {type: bool, poll: 1s, stale_after: 10s}}}\n", encoding="utf-8")
    (tmp_path / "rules.yaml").write_text("weiyu: rules/1\npackage: t\nrules:\n"
                                         "  - {id: t.r, scope: thing, fault: X, tier: S3, when: wett, clear_hold: 5s}\n")
    (tmp_path / "t.yaml").write_text("weiyu: test/1\nclasses: [classes.yaml]\nrules: [rules.yaml]\n"
                                     "assets: [{id: A1, class: thing}]\ntests: []\n")
    done = check("t.yaml", cwd=tmp_path)
    assert done.returncode == 1 and "rules.yaml:4:" in done.stderr and "did you mean 'wet'?" in done.stderr, done.stderr


GATEWAY = f"""weiyu: gateway/1
gateway: gw-test-01
state: state
site: site.yaml
classes: [{ROOT}/rules/packs/classes.yaml]
faults: [{ROOT}/rules/packs/faults/system.yaml]
tiers: {ROOT}/rules/packs/tiers.yaml
profiles: [{ROOT}/sensors/profiles/io-8di-door.yaml, {ROOT}/sensors/profiles/coap-leak-3200.yaml]
rules: [{ROOT}/rules/packs/system.yaml]
uplink: {{host: broker.example, ca: ca, certificate: crt, key: key}}
"""
SITE = """weiyu: site/1
site: {id: one, name_zh: 一号楼, name_en: Building one, profile: legacy}
zone: UTC
wires:
  - {id: doors, kind: tcp, host: 10.0.0.5}
  - {id: line, kind: rtu, tty: /dev/ttyS9, baud: 9600}
  - {id: leaks, kind: coap, host: 10.0.0.6}
  - {id: safe, kind: coap, host: 10.0.0.7}
devices:
  - {id: d1, wire: doors, profile: io-8di-door, unit: 1}
  - {id: d2, wire: line, profile: io-8di-door, unit: 1}
  - {id: l1, wire: leaks, profile: coap-leak-3200}
  - {id: l2, wire: safe, profile: coap-leak-3200, psk: {identity: us, key_file: psk}}
assets: []
"""


def test_wires_in_the_clear_are_named_and_no_mistake(tmp_path):
    (tmp_path / "gateway.yaml").write_text(GATEWAY, encoding="utf-8")
    (tmp_path / "site.yaml").write_text(SITE, encoding="utf-8")
    (tmp_path / "psk").write_text("0123456789abcdef0123456789abcdef", encoding="utf-8")
    done = check("-c", "gateway.yaml", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "2 of 3 devices on the network are asked in the clear" in done.stdout
    assert "in their place: wires doors, leaks\n" in done.stdout
