"""Our Modbus driver against servers that are not ours, npm's modbus-serial and jsmodbus: what is put in comes out. Each
stands behind the fault proxy, which disturbs nothing here and counts every request that is no read."""
import json
import os
import pathlib
import re
import signal
import struct
import subprocess
import sys

import pytest

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "sensors"))
from test_modbus_peers import TYPES, in_order, peek, until, write  # noqa: E402

BIN = pathlib.Path(os.environ["WY_BIN"])
NODE = {**os.environ, "NODE_PATH": os.path.join(os.environ["WY_NPM"], "node_modules")}
UNIT = 7


class Site:
    """Servers, proxies and serial lines of one test."""

    def __init__(self, tmp_path):
        self.tmp_path = tmp_path
        self.others, self.proxies = [], []

    def start(self, argv, first_word):
        process = subprocess.Popen([str(a) for a in argv], stdout=subprocess.PIPE, text=True, env=NODE)
        (self.proxies if "fault-proxy" in str(argv[0]) else self.others).append(process)
        for line in process.stdout:
            if line.startswith(first_word):
                return line.split()[1]
        raise AssertionError(f"{argv[0]} did not start")

    def proxy(self, listen, to):
        return self.start([BIN / "fault-proxy", "--listen", listen, "--to", to, "--rate", 0],
                          "tty" if listen.startswith("pty") else "port")

    def line_to(self, port):
        """A serial line whose far end is a TCP connection."""
        link = self.tmp_path / "line"
        self.others.append(subprocess.Popen(["socat", f"pty,raw,echo=0,link={link}", f"tcp:127.0.0.1:{port}"]))
        until("a pty", link.exists)
        return link

    def server(self, name, data):
        if name == "modbus-serial":
            port = self.start(["node", HERE / "servers/modbus-serial.js", json.dumps({"unit": UNIT, **data})], "port")
        else:
            kind = "rtu" if name.endswith("rtu") else "tcp"
            port = self.start(["node", HERE / "servers/jsmodbus.js", kind, json.dumps(data)], "port")
        if name.endswith("rtu"):
            near = self.tmp_path / "near"
            self.proxy(f"pty:{near}", f"pty:{self.line_to(port)}")
            return "rtu", near, 19200
        return "tcp", "127.0.0.1", self.proxy("tcp:127.0.0.1:0", f"tcp:127.0.0.1:{port}")

    def end(self):
        """Nothing that writes has passed."""
        figures = []
        for process in self.proxies:
            process.send_signal(signal.SIGTERM)
            out, _ = process.communicate(timeout=60)
            figures.append((process.returncode, dict(re.findall(r"(\w+) (\d+)", out))))
        for process in self.others:
            process.kill()
            process.communicate()
        return figures


@pytest.fixture
def site(tmp_path):
    one = Site(tmp_path)
    yield one
    for code, figures in one.end():
        assert code == 0 and figures["writes"] == "0" and int(figures["requests"]) > 0


ALL = pytest.mark.parametrize("server", ["modbus-serial", "jsmodbus", "jsmodbus-rtu"])


@ALL
@pytest.mark.parametrize("area", ["holding", "input"])
def test_every_type_comes_out_in_every_word_order(site, tmp_path, server, area):
    registers, points, expected = {}, {}, {}
    at = 10
    for encoding, (fmt, value) in TYPES.items():
        for order in ("ABCD", "CDAB", "BADC", "DCBA"):
            name = f"{encoding}_{order.lower()}"
            for i, word in enumerate(in_order(struct.pack(fmt, value), order)):
                registers[at + i] = word
            points[name] = {"area": area, "address": at, "encoding": encoding, "order": order,
                            "type": "real" if encoding == "f32" else "int"}
            expected[name] = value
            at += 4
    where = site.server(server, {area: registers})
    got = peek(write(tmp_path, "all", {"area": area, "address": 0, "type": "int", "encoding": "u16"}, **points), *where)
    assert {n: got["samples"][n].get("value") for n in expected} == expected


@ALL
@pytest.mark.parametrize("area", ["coil", "discrete"])
def test_bits_come_out_where_they_were_put_in(site, tmp_path, server, area):
    pattern = [1, 0, 1, 1, 0, 0, 0, 1, 0, 1, 1, 0, 1]
    where = site.server(server, {area: {3 + i: bit for i, bit in enumerate(pattern)}})
    points = {f"b{i}": {"area": area, "address": 3 + i, "type": "bool"} for i in range(len(pattern))}
    got = peek(write(tmp_path, "x", {"area": area, "address": 40, "type": "bool"}, **points), *where)
    assert [got["samples"][f"b{i}"]["value"] for i in range(len(pattern))] == pattern


def holding(address):
    return {"area": "holding", "address": address, "type": "int", "encoding": "u16"}


def test_a_refused_register_leaves_the_others_alone(site, tmp_path):
    where = site.server("modbus-serial", {"holding": {1: 11, 500: 55}, "refuse": {500: 2}})
    got = peek(write(tmp_path, "good", holding(1), refused=holding(500)), *where)
    assert got["samples"]["good"]["value"] == 11
    assert got["samples"]["refused"]["quality"] == "bad"
    assert got["exception"] == 2


@pytest.mark.parametrize("code", [1, 2, 3, 4, 6])
def test_each_exception_is_told_by_its_number(site, tmp_path, code):
    where = site.server("modbus-serial", {"refuse": {5: code}})
    got = peek(write(tmp_path, "x", holding(5)), *where)
    assert got["exception"] == code
    assert got["samples"]["x"]["quality"] == "bad"


def test_a_unit_that_is_not_there_is_silence(site, tmp_path):
    where = site.server("modbus-serial", {"holding": {1: 11}})
    profile = write(tmp_path, "x", holding(1))
    assert peek(profile, *where, unit=UNIT + 1)["samples"]["x"]["quality"] == "bad"
    assert peek(profile, *where)["samples"]["x"]["value"] == 11


def test_a_gateway_tells_of_its_silent_unit(site, tmp_path):
    where = site.server("modbus-serial", {"unit": 255, "holding": {1: 11}, "units": {9: 11, 10: "silent"}})
    profile = write(tmp_path, "x", holding(1))
    got = peek(profile, *where, unit=9)
    assert got["samples"]["x"]["quality"] == "bad" and "time" in got["err"]
    assert peek(profile, *where, unit=10)["samples"]["x"]["quality"] == "bad"
    assert peek(profile, *where)["samples"]["x"]["value"] == 11


def test_a_slow_answer_within_the_timeout_is_taken(site, tmp_path):
    where = site.server("modbus-serial", {"holding": {1: 11}, "slow": {1: 700}})
    assert peek(write(tmp_path, "x", holding(1)), *where)["samples"]["x"]["value"] == 11


def test_an_answer_beyond_the_timeout_is_not_taken(site, tmp_path):
    where = site.server("modbus-serial", {"holding": {1: 11}, "slow": {1: 4000}})
    got = peek(write(tmp_path, "x", holding(1)), *where)
    assert got["samples"].get("x", {"quality": "bad"})["quality"] == "bad"


if __name__ == "__main__":
    sys.exit(pytest.main([__file__, "-q"]))
