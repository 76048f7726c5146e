"""What a device refuses is learned in one life of the gateway and known in the next: it is not tried out again, as long as the
device is asked at the same place. No broker, no simulator: the device is below, and counts what it refuses."""
import contextlib
import os
import socket
import socketserver
import sqlite3
import struct
import subprocess
import threading
import time

import pytest

from conftest import BUILD, SOURCE

HOLE = range(2, 4)  # registers nobody may touch, in the midst of those that are read
PROFILE = """weiyu: profile/1
id: meter
transport: modbus
address_base: 0
vendor: Example
model: Meter
title_zh: 表
title_en: Meter
source: made for tests
limits: {max_gap: 8, timeout: 2s}
points:
  first: {area: input, address: 1, type: int, encoding: u16, poll: F}
  last: {area: input, address: 5, type: int, encoding: u16, poll: F}
"""
GATEWAY = """weiyu: gateway/1
gateway: gw-test-01
state: state
site: site.yaml
classes: [{source}/rules/packs/classes.yaml]
faults: [{source}/rules/packs/faults/system.yaml]
tiers: {source}/rules/packs/tiers.yaml
profiles: [meter.yaml]
rules: [{source}/rules/packs/system.yaml]
uplink: {{host: 127.0.0.1, ca: ca.crt, certificate: gw.crt, key: gw.key}}
"""
SITE = """weiyu: site/1
site: {{id: one, name_zh: 一号楼, name_en: Building one, profile: legacy}}
zone: UTC
wires: [{{id: w1, kind: tcp, host: 127.0.0.1, port: {port}}}]
devices: [{{id: meter-1, wire: w1, profile: meter, unit: {unit}}}]
vendors: [{{id: v1, role: iot, name: 维保, arrive: 30min}}]
assets: [{{id: M-1, class: field_device, name_zh: 表, name_en: Meter, device: meter-1, place: {{building: A}}}}]
"""


class Meter(socketserver.BaseRequestHandler):
    """Input registers that hold their own address, but for the hole."""

    def handle(self):
        while True:
            request = self.request.recv(12, socket.MSG_WAITALL)
            if len(request) < 12:
                return
            transaction, _, _, unit, function, address, count = struct.unpack(">HHHBBHH", request)
            if set(HOLE) & set(range(address, address + count)):
                self.server.refused += 1
                body = struct.pack(">BBB", unit, function | 0x80, 2)
            else:
                self.server.given += 1
                body = struct.pack(">BBB", unit, function, 2 * count)
                body += b"".join(struct.pack(">H", address + i) for i in range(count))
            self.request.sendall(struct.pack(">HHH", transaction, 0, len(body)) + body)


@pytest.fixture(name="meter")
def start_meter():
    socketserver.ThreadingTCPServer.allow_reuse_address = True
    socketserver.ThreadingTCPServer.daemon_threads = True
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Meter) as server:
        server.refused = server.given = 0
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def write_files(folder, meter, unit=1):
    (folder / "meter.yaml").write_text(PROFILE, encoding="utf-8")
    (folder / "gateway.yaml").write_text(GATEWAY.format(source=SOURCE), encoding="utf-8")
    (folder / "site.yaml").write_text(SITE.format(port=meter.server_address[1], unit=unit), encoding="utf-8")


@contextlib.contextmanager
def gateway(folder):
    with open(folder / "gateway.log", "ab") as log:
        process = subprocess.Popen([os.path.join(BUILD, "bin/weiyu"), "run", "-c", str(folder / "gateway.yaml")],
                                   stdout=log, stderr=log)
    try:
        yield process
    finally:
        process.terminate()
        assert process.wait(60) == 0, (folder / "gateway.log").read_text()[-3000:]


def until(condition, what):
    deadline = time.monotonic() + 120
    while not condition():
        assert time.monotonic() < deadline, f"not seen: {what}"
        time.sleep(0.1)


def learned(folder):
    with contextlib.closing(sqlite3.connect(f"file:{folder}/state/weiyu.db?mode=ro", uri=True)) as db:
        return db.execute("select device, facts from learned").fetchall()


def answers(meter, n):
    """Waits for n more that the meter gave."""
    before = meter.given
    until(lambda: meter.given >= before + n, f"{n} answers")


def test_a_hole_is_found_once_and_known_after_a_restart(tmp_path, meter):
    write_files(tmp_path, meter)
    with gateway(tmp_path):
        until(lambda: meter.refused > 0, "the hole being touched")
        answers(meter, 10)
    assert [device for device, _ in learned(tmp_path)] == ["meter-1"]
    found = meter.refused
    with gateway(tmp_path):
        answers(meter, 10)
    assert meter.refused == found


def test_another_device_is_found_out_anew(tmp_path, meter):
    write_files(tmp_path, meter)
    with gateway(tmp_path):
        until(lambda: meter.refused > 0, "the hole being touched")
        answers(meter, 10)
    found = meter.refused
    write_files(tmp_path, meter, unit=2)
    with gateway(tmp_path):
        answers(meter, 10)
    assert meter.refused > found


def test_what_is_known_is_written_once(tmp_path, meter):
    write_files(tmp_path, meter)
    with gateway(tmp_path):
        until(lambda: meter.refused > 0, "the hole being touched")
        answers(meter, 10)
        facts = learned(tmp_path)
        written = os.stat(tmp_path / "state" / "weiyu.db-wal").st_mtime_ns
        answers(meter, 10)
        assert learned(tmp_path) == facts
        assert os.stat(tmp_path / "state" / "weiyu.db-wal").st_mtime_ns == written
