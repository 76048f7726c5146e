"""`weiyu poll` against simulated devices: texts for people, who is there on a wire, words as they are. Nothing is ever
written: the simulator ends with another status if somebody tries."""
import json
import os
import pathlib
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
limits: {max_registers: 125, max_bits: 2000, max_gap: 8, timeout: 500ms}
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
  - {id: box-9, wire: net, profile: box, unit: 9}
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
