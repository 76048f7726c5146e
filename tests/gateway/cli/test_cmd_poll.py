"""`weiyu poll` against simulated devices: texts for people, who is there on a wire, words as they are. Nothing is ever
written: the simulator ends with another status if somebody tries."""
import json
import os
import pathlib
import pty
import shutil
import signal
import socket
import subprocess
import sys
import time

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[3]
BIN = os.environ["WY_BIN"]
sys.path.insert(0, str(ROOT / "deploy/demo"))

from stage import free_port  # noqa: E402

PROFILE = """weiyu: profile/1
id: box
transport: modbus
vendor: Example
model: Box
title_zh: 盒子
title_en: Box
source: made for tests
address_base: 0
limits: {max_registers: 125, max_bits: 2000, max_gap: 8, timeout: 5s}
classes: {F: 1s, M: 10s, S: 60s, D: 1h}
points:
  a: {area: discrete, address: 0, type: bool, poll: F}
  level: {area: input, address: 0, type: real, encoding: u16, unit: mm, poll: F}
  total: {area: input, address: 1, type: counter, encoding: u32, poll: F}
  maker: {area: holding, address: 200, type: text, registers: 8, charset: gb18030, poll: D}
  serial: {area: holding, address: 220, type: text, registers: 6, charset: ascii, poll: D}
"""
# Holding register 0 answers, and nothing else does.
MOTOR = """weiyu: profile/1
id: motor
transport: modbus
vendor: Example
model: Motor
title_zh: 电机
title_en: Motor
source: made for tests
address_base: 0
limits: {max_registers: 125, max_bits: 2000, timeout: 500ms}
classes: {F: 1s, M: 10s, S: 60s, D: 1h}
points:
  a: {area: holding, address: 0, type: bool, encoding: u16, poll: F}
  level: {area: holding, address: 7, type: real, encoding: f32, unit: mm, poll: F}
"""
SITE = """weiyu: site/1
site: {id: one, name_zh: 一号楼, name_en: Building one, profile: legacy}
zone: Asia/Shanghai
wires:
  - {id: net, kind: tcp, host: 127.0.0.1, port: @PORT@}
  - {id: line, kind: rtu, tty: @LINK@, baud: 19200}
devices:
  - {id: box-1, wire: net, profile: box, unit: 1}
  - {id: box-2, wire: net, profile: box, unit: 2}
  - {id: box-l, wire: line, profile: box, unit: 4}
vendors:
  - {id: v1, role: lift, name: 维保, arrive: 30min}
assets:
  - {id: A-1, class: room, name_zh: 一, name_en: One, place: {building: A}, device: box-1}
"""
SCENARIO = """weiyu: sim/1
profiles: [profile.yaml, motor.yaml]
devices:
  - {id: box-1, kind: tcp, port: @PORT@, profile: box, unit: 1}
  - {id: motor-3, kind: tcp, port: @PORT@, profile: motor, unit: 3}
  - {id: motor-5, kind: tcp, port: @PORT@, profile: motor, unit: 5, with: [silent_errors]}
  - {id: box-l, kind: rtu, link: @LINK@, baud: 19200, profile: box, unit: 4}
  - {id: motor-l, kind: rtu, link: @LINK@, baud: 19200, profile: motor, unit: 6}
points:
  box-1: {maker: "维保电梯 A", serial: "SN-0042", level: 1234, total: 16909060}
  motor-3: {level: 12.5}
"""


class Field:
    """A gateway file and the devices it speaks of, as one simulator plays them."""

    def __init__(self, path):
        self.path, self.port, self.link = path, free_port(), str(path / "line")
        shutil.copytree(ROOT / "tests/gateway/engine/building", path, dirs_exist_ok=True)
        for name, text in {"profile.yaml": PROFILE, "motor.yaml": MOTOR, "site.yaml": SITE, "scenario.yaml": SCENARIO,
                           "rules.yaml": "weiyu: rules/1\npackage: room\nrules: []\n"}.items():
            (path / name).write_text(text.replace("@PORT@", str(self.port)).replace("@LINK@", self.link), encoding="utf-8")
        log = open(path / "sim.log", "ab")
        self.process = subprocess.Popen([f"{BIN}/weiyu-sim", "--control", str(path / "sim.sock"), "--ports",
                                         str(path / "ports.json"), "--truth", str(path / "truth.jsonl"),
                                         str(path / "scenario.yaml")], stdout=log, stderr=log)
        log.close()
        deadline = time.monotonic() + 60
        while not (path / "ports.json").exists():
            assert self.process.poll() is None and time.monotonic() < deadline, (path / "sim.log").read_text()
            time.sleep(0.05)

    def sim(self, command):
        with socket.socket(socket.AF_UNIX) as control:
            control.settimeout(20)
            control.connect(str(self.path / "sim.sock"))
            control.sendall((command + "\n").encode())
            answer = control.makefile().readline()
        assert answer.startswith("ok"), answer

    def poll(self, *words):
        done = subprocess.run([f"{BIN}/weiyu", "poll", "-c", str(self.path / "gateway.yaml"), *words], capture_output=True,
                              text=True, timeout=300)
        assert "Sanitizer" not in done.stderr and "runtime error" not in done.stderr, done.stderr
        return done

    def end(self):
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(timeout=30) == 0, (self.path / "sim.log").read_text()


@pytest.fixture
def field(tmp_path):
    made = Field(tmp_path)
    yield made
    made.end()


# ---- Texts ------------------------------------------------------------------------------------------------

def row_of(done, point):
    return next(line for line in done.stdout.splitlines() if line.startswith(point + " "))


def test_texts_are_shown_in_their_own_writing(field):
    people = field.poll("box-1")
    assert people.returncode == 0, people.stderr
    assert "维保电梯 A" in row_of(people, "maker") and "SN-0042" in row_of(people, "serial")
    program = {p["point"]: p for p in json.loads(field.poll("--json", "box-1").stdout)["points"]}
    assert program["maker"]["value"] == "维保电梯 A" and program["maker"]["quality"] == "text"
    assert program["level"]["value"] == 1234 and program["level"]["quality"] == "good"


def test_a_text_that_is_refused_is_no_failure(field):
    field.sim("illegal box-1 200 on")
    done = field.poll("--json", "box-1")
    assert done.returncode == 0, done.stdout
    program = {p["point"]: p for p in json.loads(done.stdout)["points"]}
    assert program["maker"]["value"] is None and program["maker"]["quality"] == "never"
    assert program["serial"]["value"] == "SN-0042" and program["level"]["quality"] == "good"


# ---- Who is there -----------------------------------------------------------------------------------------

def scan(field, *words):
    done = field.poll("--scan", "--json", *words)
    assert done.stdout, done.stderr
    found = json.loads(done.stdout)
    return {unit["unit"]: unit for unit in found["units"]}, found


def test_units_of_a_connection_are_found_with_what_they_answer(field):
    units, found = scan(field, "--to", "5", "--timeout", "1s", "net")
    assert sorted(units) == [1, 3, 5] and found["asked"] == 5
    assert units[1]["device"] == "box-1" and units[3]["device"] is None
    assert units[1]["areas"]["input"] == {"result": "value", "value": 1234}
    assert units[1]["areas"]["holding"] == {"result": "refused", "exception": 2}
    # It says nothing to what it does not have, and is found all the same.
    assert units[5]["areas"]["holding"]["result"] == "value" and units[5]["areas"]["coil"]["result"] == "silent"
    assert found["missing"] == [{"unit": 2, "device": "box-2"}]
    people = field.poll("--scan", "--to", "5", "--timeout", "1s", f"tcp://127.0.0.1:{field.port}")
    assert people.returncode == 0 and "missing: box-2, unit 2" in people.stdout, people.stdout + people.stderr
    assert "3 found, 2 silent" in people.stdout and "not in the site file" in people.stdout
    assert people.stderr == ""  # no progress where nobody looks


def test_units_of_a_line_are_found(field):
    units, found = scan(field, "--from", "4", "--to", "6", "--timeout", "1s", f"rtu:{field.link}:19200:8N1")
    assert sorted(units) == [4, 6] and units[4]["device"] == "box-l" and found["missing"] == []
    assert all(unit["garbled"] == 0 and unit["late"] == 0 for unit in units.values())
    units, found = scan(field, "--quick", "--from", "4", "--to", "6", "--timeout", "1s", "line")
    assert sorted(units) == [4, 6] and list(units[4]["areas"]) == ["holding"]


def test_two_devices_with_one_number_are_noticed(field):
    field.sim("twin box-l on")
    units, _ = scan(field, "--from", "4", "--to", "6", "--timeout", "1s", "line")
    assert units[4]["garbled"] > 0 and units[6]["garbled"] == 0
    assert "perhaps two devices with this number" in field.poll("--scan", "--from", "4", "--to", "4", "line").stdout


def test_a_unit_that_is_too_slow_is_told_from_none(field):
    field.sim("delay motor-l 450 on")
    units, _ = scan(field, "--from", "5", "--to", "7", "--timeout", "250ms", "line")
    assert sorted(units) == [6] and units[6]["late"] > 0
    time.sleep(1)  # what is under way
    units, _ = scan(field, "--from", "5", "--to", "7", "--timeout", "5s", "--quick", "line")
    assert sorted(units) == [6] and units[6]["late"] == 0 and units[6]["slowest_ms"] >= 400


def test_a_unit_its_gateway_does_not_reach_is_absent(field):
    field.sim("exception motor-3 11 on")
    done = field.poll("--scan", "--from", "3", "--to", "3", "net")
    assert done.returncode == 1 and "0 found, 0 silent, 1 that a gateway does not reach" in done.stdout


def test_what_cannot_be_scanned_is_said(field):
    gone = field.poll("--scan", "--to", "3", "tcp://127.0.0.1:1")
    assert gone.returncode == 1 and "no connection" in gone.stderr and gone.stdout == ""
    unknown = field.poll("--scan", "nett")
    assert unknown.returncode == 1 and "did you mean 'net'" in unknown.stderr
    for words in (["net", "--from", "9", "--to", "3"], ["net", "--to", "256"], ["net", "--timeout", "soon"], ["net", "--to"],
                  ["net", "--raw", "input:0:1"], ["rtu:" + field.link, "--from", "250", "--to", "255"]):
        assert field.poll("--scan", *words).returncode == 2, words
    alone = field.poll("--unit", "3", "box-1")
    assert alone.returncode == 2 and "'--unit' is for --scan or --raw" in alone.stderr


def test_progress_is_shown_on_a_terminal(field):
    screen, terminal = pty.openpty()
    done = subprocess.run([f"{BIN}/weiyu", "poll", "--scan", "--quick", "--to", "3", f"tcp://127.0.0.1:{field.port}"],
                          stdout=subprocess.PIPE, stderr=terminal, text=True, timeout=120)
    os.close(terminal)
    shown = os.read(screen, 4000).decode()
    os.close(screen)
    assert "0 of 3 units asked" in shown and "3 of 3 units asked, 2 found" in shown and shown.endswith("\r")
    assert done.stdout.splitlines()[-1].startswith("2 found, 1 silent")


# ---- Words as they are ------------------------------------------------------------------------------------

def test_words_are_shown_in_every_order(field):
    done = field.poll("--raw", "input:1:2", "box-1")
    assert done.returncode == 0, done.stderr
    cells = row_of(done, "1").split()
    assert cells[1:4] == ["0102", "258", "258"]
    assert [int(cells[i]) for i in (4, 6, 8, 10)] == [0x01020304, 0x03040102, 0x02010403, 0x04030201]
    real = field.poll("--raw", "holding:7:2", "--unit", "3", f"tcp://127.0.0.1:{field.port}")
    assert row_of(real, "7").split()[5] == "12.5"


def test_both_areas_of_one_number_are_shown(field):
    holding, from_input = json.loads(field.poll("--raw", "both:0:1", "--json", "box-1").stdout)
    assert (holding["area"], holding["words"], holding["exception"]) == ("holding", [None], 2)
    assert (from_input["area"], from_input["words"], from_input["result"]) == ("input", [1234], "ok")


def test_registers_around_one_that_is_refused_are_shown(field):
    field.sim("illegal box-1 1 on")
    [read] = json.loads(field.poll("--raw", "input:0:3", "--json", "box-1").stdout)
    assert read["words"][0] == 1234 and read["words"][1] is None
    for what in ("input", "input:1:0", "inputs:1:2", "input:65535:2", "input:0:126", "input:-1:1"):
        assert field.poll("--raw", what, "box-1").returncode == 2, what
