"""Our Modbus wire against pymodbus, over TCP and over a pty pair: values, types and word orders agree.

pymodbus packs the registers with its own payload builder, so both sides would have to be wrong alike."""
import json
import os
import pathlib
import socket
import struct
import subprocess
import sys
import time

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "deploy/demo"))

from stage import free_port  # noqa: E402

BIN = pathlib.Path(os.environ["WY_BIN"])
PROFILES = pathlib.Path(__file__).resolve().parents[2] / "sensors" / "profiles"
UNIT = 7

SERVER = r"""
import asyncio, json, sys
from pymodbus.datastore import ModbusSequentialDataBlock as Block, ModbusServerContext, ModbusSlaveContext
from pymodbus.server import StartAsyncSerialServer, StartAsyncTcpServer
from pymodbus.transaction import ModbusRtuFramer

kind, where, unit, data = sys.argv[1], sys.argv[2], int(sys.argv[3]), json.loads(sys.argv[4])

def block(name, size):
    values = [0] * size
    for address, value in data.get(name, {}).items():
        values[int(address)] = value
    return Block(0, values)

store = ModbusSlaveContext(di=block("discrete", 64), co=block("coil", 64), ir=block("input", 6000),
                           hr=block("holding", 1000), zero_mode=True)
context = ModbusServerContext(slaves={unit: store}, single=False)

async def main():
    if kind == "tcp":
        await StartAsyncTcpServer(context=context, address=("127.0.0.1", int(where)))
    else:
        await StartAsyncSerialServer(context=context, framer=ModbusRtuFramer, port=where, baudrate=9600)

asyncio.run(main())
"""


def until(what, condition, seconds=30):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return
        time.sleep(0.05)
    raise AssertionError(f"{what} did not happen in {seconds} s")


def peek(profile, *where, unit=UNIT):
    done = subprocess.run([BIN / "modbus_peek", profile, str(unit), *map(str, where)], capture_output=True,
                          text=True, timeout=60)
    assert done.stdout, done.stderr
    return json.loads(done.stdout)


class Peer:
    """A pymodbus server, and over which wire to reach it."""

    def __init__(self, kind, data, tmp_path):
        self.processes = []
        if kind == "tcp":
            port = free_port()
            self.where = ("tcp", "127.0.0.1", port)
            self.start("/usr/bin/python3", "-c", SERVER, "tcp", str(port), str(UNIT), json.dumps(data))
            until("listening", lambda: socket.socket().connect_ex(("127.0.0.1", port)) == 0)
            return
        ours, theirs = tmp_path / "ours", tmp_path / "theirs"
        self.start("socat", f"pty,raw,echo=0,link={ours}", f"pty,raw,echo=0,link={theirs}")
        until("a pty pair", lambda: ours.exists() and theirs.exists())
        self.where = ("rtu", ours, 9600)
        self.start("/usr/bin/python3", "-c", SERVER, "rtu", str(theirs), str(UNIT), json.dumps(data))

    def start(self, *argv):
        self.processes.append(subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))

    def stop(self):
        for process in self.processes:
            process.kill()
            process.wait()


@pytest.fixture(params=["tcp", "rtu"])
def serve(request, tmp_path):
    peers = []

    def start(data):
        peer = Peer(request.param, data, tmp_path)
        peers.append(peer)
        # A serial server says nothing when it is ready: ask until it answers.
        until("an answer", lambda: peek(write(tmp_path, "r", {"area": "holding", "address": 0, "type": "int",
                                                              "encoding": "u16"}), *peer.where)["samples"]
              .get("r", {}).get("quality") == "good")
        return peer

    yield start
    for peer in peers:
        peer.stop()


def write(tmp_path, name, keys, **more):
    """A profile of one point, or of several given as a map of maps."""
    points = {name: keys, **more}
    lines = ["weiyu: profile/1", "id: t", "transport: modbus", "vendor: v", "model: m", "title_zh: t",
             "title_en: t", "source: s", "address_base: 0", "limits: {timeout: 2s}", "points:"]
    for point, fields in points.items():
        lines.append(f"  {point}: {{" + ", ".join(f"{k}: {v}" for k, v in fields.items()) + ", poll: F}")
    path = tmp_path / f"{name}.yaml"
    path.write_text("\n".join(lines) + "\n")
    return path


def words(packed):
    return list(struct.unpack(f">{len(packed) // 2}H", packed))


def in_order(packed, order):
    """Bytes ABCD(EFGH) as a device of this order sends them."""
    pairs = [packed[i:i + 2] for i in range(0, len(packed), 2)]
    if order in ("CDAB", "DCBA"):
        pairs.reverse()
    if order in ("BADC", "DCBA"):
        pairs = [pair[::-1] for pair in pairs]
    return words(b"".join(pairs))


TYPES = {"u32": (">I", 0x12345678), "i32": (">i", -123456), "f32": (">f", 21.625),
         "u64": (">Q", 0x0102030405060708)}


def test_every_type_in_every_word_order(serve, tmp_path):
    registers, points, expected = {}, {}, {}
    at = 10
    for encoding, (fmt, value) in TYPES.items():
        for order in ("ABCD", "CDAB", "BADC", "DCBA"):
            name = f"{encoding}_{order.lower()}"
            for i, word in enumerate(in_order(struct.pack(fmt, value), order)):
                registers[at + i] = word
            points[name] = {"area": "holding", "address": at, "encoding": encoding, "order": order,
                            "type": "real" if encoding == "f32" else "int"}
            expected[name] = value
            at += 4
    peer = serve({"holding": registers, "input": registers})
    for area in ("holding", "input"):
        for point in points.values():
            point["area"] = area
        got = peek(write(tmp_path, "first", {"area": area, "address": 0, "type": "int", "encoding": "u16"},
                         **points), *peer.where)
        assert got["exception"] == 0
        assert {n: got["samples"][n]["value"] for n in expected} == expected


def test_bits_come_from_the_right_place(serve, tmp_path):
    pattern = [1, 0, 1, 1, 0, 0, 0, 1, 0, 1, 1, 0]
    peer = serve({"discrete": dict(enumerate(pattern)), "coil": dict(enumerate(pattern[::-1]))})
    for area, bits in (("discrete", pattern), ("coil", pattern[::-1])):
        points = {f"b{i}": {"area": area, "address": i, "type": "bool"} for i in range(len(bits))}
        got = peek(write(tmp_path, "x", {"area": area, "address": 20, "type": "bool"}, **points), *peer.where)
        assert [got["samples"][f"b{i}"]["value"] for i in range(len(bits))] == bits


def test_shipped_leak_profile_in_metres_and_in_feet(serve):
    registers = {0: 0b001, 1: 123, 2: 0, 3: 130, 4: 500, 5: 40, 6: 41, 8: 301}
    peer = serve({"input": registers, "holding": {0: 120, 1: 50}})
    got = peek(PROFILES / "leak-rle-seahawk10k.yaml", *peer.where)["samples"]
    assert got["detected"]["value"] == 1 and got["cable_break"]["value"] == 0
    assert got["location"]["value"] == pytest.approx(12.3)
    assert got["cable_length"]["value"] == pytest.approx(50.0)
    assert got["length_unit"]["value"] == "METRES"
    assert got["current"]["value"] == 130 and got["firmware"]["value"] == 301
    peer.stop()
    peer = serve({"input": {**registers, 2: 1}, "holding": {0: 120, 1: 50}})
    got = peek(PROFILES / "leak-rle-seahawk10k.yaml", *peer.where)["samples"]
    assert got["location"]["value"] == pytest.approx(123 * 0.3048)
    assert got["length_unit"]["value"] == "FEET"


def test_shipped_fire_profile_hides_what_the_panel_does_not_have(serve):
    peer = serve({"holding": {0: 0x0810, 200: 0x00FF}})
    got = peek(PROFILES / "fire-notifier-modbusgw.yaml", *peer.where)["samples"]
    assert got["alarm"]["value"] == 1 and got["trouble"]["value"] == 0
    assert got["event_type"]["value"] == "FIRE"
    assert got["supervisory"]["quality"] == "bad" and "not available" in got["supervisory"]["why"]


def test_another_unit_is_silence_and_a_hole_is_an_exception(serve, tmp_path):
    peer = serve({})
    hole = write(tmp_path, "hole", {"area": "holding", "address": 5000, "type": "int", "encoding": "u16"})
    got = peek(hole, *peer.where)
    assert got["exception"] == 2
    assert got["samples"]["hole"]["quality"] == "bad"
    got = peek(write(tmp_path, "r", {"area": "holding", "address": 0, "type": "int", "encoding": "u16"}),
               *peer.where, unit=UNIT + 1)
    assert got["samples"]["r"]["quality"] == "bad"
    assert got["exception"] == 0


if __name__ == "__main__":
    sys.exit(pytest.main([__file__, "-q"]))
