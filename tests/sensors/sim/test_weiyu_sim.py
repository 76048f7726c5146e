"""weiyu-sim as a program, asked by clients that are not ours: pymodbus, raw sockets, pyserial, coap-client."""
import json
import os
import re
import resource
import shutil
import signal
import socket
import struct
import subprocess
import sys
import threading
import time

import pytest
import serial
from pymodbus.client import ModbusSerialClient, ModbusTcpClient

BIN = os.path.join(os.environ["WY_BIN"], "weiyu-sim")
SOURCE = os.environ["WY_SOURCE"]
sys.path.insert(0, os.path.join(SOURCE, "deploy/demo"))

from stage import free_port  # noqa: E402

COAP = shutil.which("coap-client-openssl")
DEADLINE = 30  # seconds; only a failing test ever waits so long

DEVICES = """\
weiyu: sim/1
profiles: [%s/sensors/profiles]
devices:
  - {id: lift, kind: tcp, port: 0, profile: lift-io-addon}
  - {id: cable, kind: rtu, link: bus, profile: leak-rle-seahawk10k, unit: 3}
  - {id: door, kind: rtu, link: bus, profile: io-8di-door, unit: 4}
  - {id: spot, kind: coap, port: 0, profile: coap-leak-3200}
  - {id: safe, kind: coap, port: 0, profile: coap-leak-3200, psk: {identity: safe, key_file: safe.psk}}
points:
  lift: {door_closed: true, mains_ok: true}
""" % SOURCE


def wait_for(what, true_when):
    end = time.monotonic() + DEADLINE
    while time.monotonic() < end:
        value = true_when()
        if value:
            return value
        time.sleep(0.02)
    pytest.fail("waited %d s for %s" % (DEADLINE, what))


class Sim:
    def __init__(self, path, text, soft_descriptors=None):
        self.path = path
        few = soft_descriptors and (soft_descriptors, resource.getrlimit(resource.RLIMIT_NOFILE)[1])
        (path / "s.yaml").write_text(text)
        (path / "safe.psk").write_text("open-sesame-0123\n")
        self.errors = open(path / "stderr", "w")
        self.process = subprocess.Popen(
            [BIN, "--control", str(path / "c.sock"), "--ports", str(path / "ports.json"),
             "--truth", str(path / "truth.jsonl"), str(path / "s.yaml")], stderr=self.errors,
            preexec_fn=(lambda: resource.setrlimit(resource.RLIMIT_NOFILE, few)) if few else None)
        wait_for("the ports file", lambda: (path / "ports.json").exists() or self.process.poll() is not None)
        if self.process.poll() is not None:
            pytest.fail((path / "stderr").read_text())
        self.ports = json.loads((path / "ports.json").read_text())
        self.control = socket.socket(socket.AF_UNIX)
        self.control.connect(str(path / "c.sock"))
        self.control.settimeout(DEADLINE)
        self.lines = self.control.makefile("r")

    def ask(self, command):
        self.control.sendall((command + "\n").encode())
        return self.lines.readline().rstrip("\n")

    def do(self, command):
        assert self.ask(command) == "ok", command

    def truth(self, event):
        lines = (self.path / "truth.jsonl").read_text().splitlines()
        return [line for line in map(json.loads, lines) if line["event"] == event]

    def stop(self):
        """Ends it by signal; the exit status."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        status = self.process.wait(DEADLINE)
        self.control.close()
        self.errors.close()
        assert "ERROR" not in (self.path / "stderr").read_text()
        return status


@pytest.fixture
def sim(tmp_path):
    it = Sim(tmp_path, DEVICES)
    yield it
    assert it.stop() in (0, 3)


def tcp(sim, timeout=3):
    client = ModbusTcpClient("127.0.0.1", port=sim.ports["lift"], timeout=timeout, retries=0)
    assert client.connect()
    return client


def rtu(sim, timeout=3):
    client = ModbusSerialClient(method="rtu", port=sim.ports["cable"], baudrate=9600, timeout=timeout, retries=0)
    assert client.connect()
    return client


def coap(sim, device, *options, path="/3200/0/5500", seconds="20"):
    secure = device == "safe"
    url = "%s://127.0.0.1:%d%s" % ("coaps" if secure else "coap", sim.ports[device], path)
    return subprocess.run([COAP, "-B", seconds, *options, url], capture_output=True, text=True, timeout=DEADLINE)


KEY = ("-u", "safe", "-k", "open-sesame-0123")


# ---- Plain reading -----------------------------------------------------------------------------------

def test_pymodbus_reads_over_tcp_what_was_set(sim):
    client = tcp(sim)
    bits = client.read_discrete_inputs(0, 14, slave=1).bits
    assert [i for i in range(14) if bits[i]] == [4, 5, 8]  # 5 is active low
    sim.do("set lift.running true lift.fault true")
    bits = client.read_discrete_inputs(0, 14, slave=1).bits
    assert [i for i in range(14) if bits[i]] == [0, 4, 8]
    client.close()


def test_pymodbus_reads_two_units_of_one_serial_bus(sim):
    client = rtu(sim)
    sim.do("set cable.detected true cable.location 12.3 door.open true")
    assert client.read_input_registers(0, 3, slave=3).registers == [1, 123, 0]
    sim.do("set cable.length_unit FEET")
    assert client.read_input_registers(1, 2, slave=3).registers == [40, 1]
    assert any(client.read_discrete_inputs(0, 7, slave=4).bits)
    client.close()


def test_addresses_without_a_point_are_illegal(sim):
    client = tcp(sim)
    assert client.read_discrete_inputs(100, 1, slave=1).exception_code == 2
    assert client.read_holding_registers(0, 1, slave=1).exception_code == 2
    client.close()


def test_an_unknown_unit_is_silence(sim):
    client = rtu(sim)
    assert client.read_input_registers(0, 1, slave=9).isError()
    assert client.read_input_registers(0, 1, slave=3).registers == [0]
    client.close()


def test_two_masters_share_a_tcp_port(sim):
    first, second = tcp(sim), tcp(sim)
    for client in (first, second, first):
        assert not client.read_discrete_inputs(0, 1, slave=1).isError()
    first.close()
    assert not second.read_discrete_inputs(0, 1, slave=1).isError()
    second.close()


# ---- CoAP --------------------------------------------------------------------------------------------

def test_coap_is_read_plain_as_text_and_as_senml(sim):
    assert coap(sim, "spot").stdout.strip() == "0"
    sim.do("set spot.detected true spot.count 7")
    assert coap(sim, "spot").stdout.strip() == "1"
    pack = json.loads(coap(sim, "spot", "-A", "110").stdout)
    assert pack == [{"bn": "3200/0/", "n": "5500", "vb": True}]
    pack = json.loads(coap(sim, "spot", "-A", "110", path="/3200/0/5501").stdout)
    assert pack == [{"bn": "3200/0/", "n": "5501", "v": 7}]
    assert "</3200/0/5500>" in coap(sim, "spot", path="/.well-known/core").stdout


def test_coap_refuses_formats_and_paths_it_does_not_have(sim):
    assert "4.06" in coap(sim, "spot", "-A", "60").stderr
    assert "4.04" in coap(sim, "spot", path="/3300/0/1").stderr


def test_coap_answers_say_how_long_they_are_fresh(sim):
    assert re.search(r"Max-Age:60\b", coap(sim, "spot", "-v", "7").stderr + coap(sim, "spot", "-v", "7").stdout)


def test_psk_opens_only_to_the_right_identity_and_key(sim):
    assert coap(sim, "safe", *KEY).stdout.strip() == "0"
    assert coap(sim, "safe", "-u", "safe", "-k", "wrong-key-456789", "-v", "0", seconds="2").stdout.strip() == ""
    assert coap(sim, "safe", "-u", "other", "-k", "open-sesame-0123", "-v", "0", seconds="2").stdout.strip() == ""


@pytest.mark.parametrize("device,key", [("spot", ()), ("safe", KEY)])
def test_observers_hear_of_every_change(sim, device, key):
    url = "%s://127.0.0.1:%d/3200/0/5500" % ("coaps" if key else "coap", sim.ports[device])
    process = subprocess.Popen([COAP, "-s", "60", "-B", "60", *key, url], stdout=subprocess.PIPE, bufsize=0)
    heard = bytearray()

    def listen():
        for byte in iter(lambda: process.stdout.read(1), b""):
            heard.extend(byte)

    threading.Thread(target=listen, daemon=True).start()
    try:
        wait_for("the first value", lambda: bytes(heard).strip() == b"0")
        sim.do("set %s.detected true" % device)
        wait_for("the change", lambda: b"1" in heard)
        before = bytes(heard).count(b"0")
        sim.do("set %s.detected false" % device)
        wait_for("the change back", lambda: bytes(heard).count(b"0") > before)
    finally:
        process.kill()
        process.wait()


# ---- Plugs -------------------------------------------------------------------------------------------

def test_an_unplugged_tcp_device_closes_and_refuses_until_plugged(sim):
    client = socket.create_connection(("127.0.0.1", sim.ports["lift"]), DEADLINE)
    sim.do("unplug lift")
    assert client.recv(1) == b""
    client.close()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", sim.ports["lift"]), DEADLINE)
    sim.do("plug lift")

    def is_back():
        try:
            socket.create_connection(("127.0.0.1", sim.ports["lift"]), DEADLINE).close()
            return True
        except ConnectionRefusedError:
            return False

    wait_for("the port", is_back)


def test_an_unplugged_rtu_device_is_silent_and_its_neighbour_is_not(sim):
    client = rtu(sim)
    sim.do("unplug cable")
    assert client.read_input_registers(0, 1, slave=3).isError()
    assert not client.read_discrete_inputs(0, 1, slave=4).isError()
    sim.do("plug cable")
    assert not client.read_input_registers(0, 1, slave=3).isError()
    client.close()


@pytest.mark.parametrize("device,key", [("spot", ()), ("safe", KEY)])
def test_an_unplugged_coap_device_says_nothing_at_all(sim, device, key):
    sim.do("unplug " + device)
    probe = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    probe.connect(("127.0.0.1", sim.ports[device]))
    probe.settimeout(1)
    probe.send(bytes([0x40, 0, 0x12, 0x34]))  # a CoAP ping
    with pytest.raises(socket.timeout):  # neither an answer nor a refusal by ICMP
        probe.recv(64)
    probe.close()
    sim.do("plug " + device)
    assert coap(sim, device, *key).stdout.strip() == "0"


def test_unplugging_a_dtls_device_sends_no_goodbye(sim):
    """A power cut leaves the peer in the dark: after the unplug not one datagram leaves."""
    relay = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    relay.bind(("127.0.0.1", 0))
    relay.settimeout(0.1)
    far = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    far.connect(("127.0.0.1", sim.ports["safe"]))
    far.settimeout(0.1)
    sent, stopped = [], threading.Event()
    peer = []

    def forth():
        while not stopped.is_set():
            try:
                data, address = relay.recvfrom(2048)
                peer[:] = [address]
                far.send(data)
            except (socket.timeout, ConnectionError):
                pass

    def back():
        while not stopped.is_set():
            try:
                data = far.recv(2048)
                sent.append(time.monotonic())
                relay.sendto(data, peer[0])
            except (socket.timeout, ConnectionError):
                pass

    threads = [threading.Thread(target=run, daemon=True) for run in (forth, back)]
    for thread in threads:
        thread.start()
    url = "coaps://127.0.0.1:%d/3200/0/5500" % relay.getsockname()[1]
    client = subprocess.Popen([COAP, "-s", "60", "-B", "60", *KEY, url], stdout=subprocess.PIPE)
    try:
        assert client.stdout.read(1) == b"0"
        wait_for("quiet", lambda: time.monotonic() - sent[-1] > 0.5)
        before = len(sent)
        sim.do("unplug safe")
        time.sleep(1)
        assert len(sent) == before
    finally:
        stopped.set()
        client.kill()
        client.wait()
        for thread in threads:
            thread.join()


# ---- Misbehaviours -------------------------------------------------------------------------------------

REQUEST = bytes.fromhex("123400000006010200000001")
ANSWER = bytes.fromhex("12340000000401020100")


class Raw:
    """A TCP connection without a library that would hide what comes."""

    def __init__(self, sim):
        self.socket = socket.create_connection(("127.0.0.1", sim.ports["lift"]), DEADLINE)

    def send(self):
        self.socket.sendall(REQUEST)
        return self

    def take(self, n):
        data = b""
        while len(data) < n:
            part = self.socket.recv(n - len(data))
            if not part:
                break
            data += part
        return data

    def is_quiet(self, seconds):
        self.socket.settimeout(seconds)
        try:
            return self.socket.recv(1) == b"never"
        except socket.timeout:
            return True
        finally:
            self.socket.settimeout(DEADLINE)


@pytest.fixture
def raw(sim):
    it = Raw(sim)
    assert it.send().take(10) == ANSWER
    yield it
    assert it.socket.fileno() == -1 or it.send().take(10) == ANSWER  # spent: all is well again
    it.socket.close()


def test_late_answer(sim, raw):
    sim.do("delay lift 400 1")
    started = time.monotonic()
    assert raw.send().take(10) == ANSWER
    assert time.monotonic() - started >= 0.39


def test_dropped_answers(sim, raw):
    sim.do("drop lift 2")
    assert raw.send().is_quiet(0.3)
    assert raw.send().is_quiet(0.3)


def test_exception_instead_of_an_answer(sim, raw):
    sim.do("exception lift 6 1")
    assert raw.send().take(9) == bytes.fromhex("123400000003018206")


def test_wrong_unit_function_and_transaction(sim, raw):
    sim.do("wrong_unit lift 9 1")
    assert raw.send().take(10)[6] == 9
    sim.do("wrong_function lift 4 1")
    assert raw.send().take(10)[7] == 4
    sim.do("wrong_transaction lift 1 1")
    assert raw.send().take(10)[:2] == b"\x12\x35"


def test_truncated_answer(sim, raw):
    sim.do("truncate lift 7 1")
    assert raw.send().take(7) == ANSWER[:7]
    assert raw.is_quiet(0.3)


def test_duplicate_answer(sim, raw):
    sim.do("duplicate lift 1")
    assert raw.send().take(20) == ANSWER + ANSWER
    assert raw.is_quiet(0.2)


def test_dripping_bytes(sim, raw):
    sim.do("drip lift 50 1")
    raw.send()
    started = time.monotonic()
    assert raw.take(10) == ANSWER
    assert time.monotonic() - started >= 9 * 0.045


def test_garbage_before_an_answer(sim, raw):
    sim.do("garbage lift 3 1")
    assert raw.send().take(13) == b"\xa5\xa5\xa5" + ANSWER


def test_closed_connection_instead_of_an_answer(sim, raw):
    sim.do("close lift 1")
    assert raw.send().take(1) == b""
    raw.socket.close()
    raw.socket = Raw(sim).socket


def test_wrong_checksum_on_a_serial_line(sim):
    sim.do("bad_crc cable 1")
    line = serial.Serial(sim.ports["cable"], 9600, timeout=DEADLINE)
    request = bytes.fromhex("030400000001")
    frame = request + struct.pack("<H", crc(request))
    line.write(frame)
    answer = line.read(7)
    assert struct.unpack("<H", answer[5:])[0] != crc(answer[:5])
    line.write(frame)
    answer = line.read(7)
    assert struct.unpack("<H", answer[5:])[0] == crc(answer[:5])
    line.close()


def crc(data):
    value = 0xFFFF
    for byte in data:
        value ^= byte
        for _ in range(8):
            value = value >> 1 ^ (0xA001 if value & 1 else 0)
    return value


def test_answers_on_a_bus_take_as_long_as_their_bytes_at_its_speed(tmp_path):
    sim = Sim(tmp_path, DEVICES.replace("link: bus,", "link: bus, baud: 300,"))
    client = rtu(sim)
    started = time.monotonic()
    assert len(client.read_input_registers(0, 5, slave=3).registers) == 5
    assert time.monotonic() - started >= 0.7  # 23 bytes of ten bits
    client.close()
    assert sim.stop() == 0


def test_noise_on_a_serial_line_is_forgotten_after_silence(sim):
    line = serial.Serial(sim.ports["cable"], 9600, timeout=0.3)
    line.write(b"\x03\x04\x00")
    assert line.read(1) == b""
    request = bytes.fromhex("030400000001")
    line.timeout = DEADLINE
    line.write(request + struct.pack("<H", crc(request)))
    assert line.read(7)[:3] == b"\x03\x04\x02"
    line.close()


def ask_bus(line, frame, n):
    line.write(frame)
    return line.read(n)


def ask_bus_for_all(line, frame):
    """What comes until the line is quiet."""
    line.timeout = DEADLINE
    first = ask_bus(line, frame, 1)
    line.timeout = 0.3
    return first + line.read(64)


def framed(*data):
    return bytes(data) + struct.pack("<H", crc(bytes(data)))


@pytest.fixture
def bus(sim):
    line = serial.Serial(sim.ports["cable"], 9600, timeout=DEADLINE)
    assert ask_bus(line, READ_CABLE, 7)[:3] == b"\x03\x04\x02"
    yield line
    line.close()


def test_an_adapter_with_echo_hands_back_what_was_sent(sim, bus):
    sim.do("echo cable")
    assert ask_bus(bus, READ_CABLE, 15) == READ_CABLE + framed(3, 4, 2, 0, 0)
    sim.do("echo cable off")
    assert ask_bus(bus, READ_CABLE, 7) == framed(3, 4, 2, 0, 0)


def test_a_stray_answer_comes_first_on_a_bus(sim, bus):
    sim.do("stray cable")
    assert ask_bus(bus, READ_CABLE, 14) == framed(4, 4, 2, 255, 255) + framed(3, 4, 2, 0, 0)


def test_a_stray_answer_comes_first_over_tcp(sim, raw):
    sim.do("stray lift")
    both = raw.send().take(20)
    assert both[:2] == struct.pack(">H", 0x1234 + 1000) and both[10:] == ANSWER


def test_two_devices_of_one_unit_garble_some_answers_and_not_those_of_their_neighbours(sim, bus):
    sim.do("twin cable")
    sim.do("set cable.detected true")
    kinds = set()
    for _ in range(8):
        answer = ask_bus_for_all(bus, READ_CABLE)
        kinds.add(len(answer) if len(answer) != 7 else (answer[4], answer == framed(*answer[:5])))
        assert ask_bus_for_all(bus, framed(4, 2, 0, 0, 0, 1))[:3] == b"\x04\x02\x01"
    assert {14, (1, True), (0, True), (0, False)} <= kinds


def test_another_speed_is_noise_on_the_line(sim, bus):
    sim.do("wrong_baud cable")
    assert len(ask_bus_for_all(bus, READ_CABLE)) == 3


READ_CABLE = framed(3, 4, 0, 0, 0, 1)

NICE = """\
weiyu: profile/1
id: lift-board
transport: modbus
vendor: v
model: m
title_zh: t
title_en: t
source: made up for this test
address_base: 0
framing: nice_len16
limits: {max_registers: 10, max_gap: 2, min_interval: 20ms, timeout: 1s}
classes: {F: 1s, M: 10s, S: 60s, D: 1h}
points:
  state: {area: holding, address: 0x3000, type: int, encoding: u16, poll: F}
  trips: {area: holding, address: 0x3001, type: int, encoding: u32, poll: F}
"""


def test_the_framings_of_lift_boards_over_a_pseudo_terminal(tmp_path):
    """Two boards on one bus: a length of two bytes, and for the second a checksum by exclusive or."""
    (tmp_path / "nice.yaml").write_text(NICE)
    sim = Sim(tmp_path, """\
weiyu: sim/1
profiles: [nice.yaml]
devices:
  - {id: cable, kind: rtu, link: bus, profile: lift-board, unit: 1}
  - {id: other, kind: rtu, link: bus, profile: lift-board, unit: 2, xor_seed: 0x1234}
points:
  cable: {state: 7, trips: 0x10002}
  other: {state: 9}
""")
    line = serial.Serial(sim.ports["cable"], 9600, timeout=DEADLINE)
    assert ask_bus(line, framed(1, 3, 0x30, 0, 0, 3), 12) == framed(1, 3, 0, 6, 0, 7, 0, 1, 0, 2)
    assert ask_bus(line, framed(1, 3, 0x40, 0, 0, 1), 8) == framed(1, 3, 0x80, 1, 0, 2)
    sim.do("error_8001 cable 7")
    assert ask_bus(line, framed(1, 3, 0x30, 0, 0, 1), 8) == framed(1, 3, 0x80, 1, 0, 7)

    def summed(*data):
        value = 0x1234
        for byte in data:
            value ^= byte
        return bytes(data) + struct.pack("<H", value)

    assert ask_bus(line, summed(2, 3, 0x30, 0, 0, 1), 8) == summed(2, 3, 0, 2, 0, 9)
    line.timeout = 0.3
    assert ask_bus(line, framed(2, 3, 0x30, 0, 0, 1), 8) == b""
    line.close()
    assert sim.stop() == 0


def test_a_reset_instead_of_an_answer(sim, raw):
    sim.do("rst lift")
    with pytest.raises(ConnectionResetError):
        raw.send().take(1)
    raw.socket.close()
    raw.socket = Raw(sim).socket


def test_a_device_of_one_client_closes_on_the_second(sim, raw):
    sim.do("one_client lift")
    second = Raw(sim)
    assert second.take(1) == b""
    second.socket.close()
    assert raw.send().take(10) == ANSWER
    sim.do("one_client lift off")
    second = Raw(sim)
    assert second.send().take(10) == ANSWER
    second.socket.close()


def test_an_idle_connection_is_closed(sim, raw):
    sim.do("idle_close lift 2s")
    assert raw.send().take(10) == ANSWER
    assert raw.take(1) == b""
    raw.socket.close()
    sim.do("idle_close lift off")
    raw.socket = Raw(sim).socket


def test_a_second_master_steals_what_reading_clears(sim, raw):
    sim.do("clear_on_read lift running")
    sim.do("set lift.running true")
    second = Raw(sim)
    assert second.send().take(10)[9] == 1
    assert raw.send().take(10) == ANSWER
    second.socket.close()
    assert sim.truth("set")[-1]["note"] == "cleared by reading"


def test_a_device_asked_too_often_crashes_and_its_line_says_so(sim, raw):
    sim.do("crash_above lift 5")
    with pytest.raises(ConnectionError):
        for _ in range(100):
            raw.send()
            if not raw.take(10):
                raise ConnectionError
    raw.socket.close()
    assert [(q["quirk"], q["on"], q["for_ms"]) for q in sim.truth("quirk")] == [
        ("crash_above", True, 0), ("hung", True, 10000)]
    sim.do("crash_above lift off")
    sim.do("hung lift off")
    raw.socket = Raw(sim).socket


def test_a_state_for_a_while_ends_by_itself_and_the_truth_says_so(sim, raw):
    sim.do("frozen lift for 3s")
    sim.do("set lift.running true")
    assert raw.send().take(10) == ANSWER
    wait_for("the end", lambda: len(sim.truth("quirk")) == 2)
    assert raw.send().take(10)[9] == 1
    assert [(q["quirk"], q["on"]) for q in sim.truth("quirk")] == [("frozen", True), ("frozen", False)]
    sim.do("set lift.running false")


@pytest.mark.parametrize("command,words", [
    ("frozen lift 3", "not on, off or for"),
    ("frozen lift for ever", "not a duration"),
    ("stuck lift nowhere", "expected a point of the device"),
    ("echo lift", "not possible on the wire"),
    ("clear_on_read lift all", "not possible on the wire"),
    ("delay lift", "usage: delay DEV by [COUNT | on | off | for DURATION]"),
])
def test_a_misbehaviour_asked_for_wrongly_is_refused_with_words(sim, command, words):
    assert words in sim.ask(command)


def test_a_device_can_misbehave_from_the_start(tmp_path):
    sim = Sim(tmp_path, DEVICES.replace("profile: lift-io-addon}", "profile: lift-io-addon, with: [delay=300ms, off_by_one]}"))
    raw = Raw(sim)
    started = time.monotonic()
    assert raw.send().take(9) == bytes.fromhex("123400000003018202")
    assert time.monotonic() - started >= 0.29
    raw.socket.close()
    assert sim.stop() == 0
    stop, = sim.truth("stop")
    assert stop["asked"] == {"2": 1}


def test_requests_are_counted_by_function_code(sim, raw):
    raw.send().take(10)
    assert sim.ask("asked") == "ok 2:2"


def test_every_misbehaviour_is_listed_with_what_it_does():
    done = subprocess.run([BIN, "--list"], capture_output=True, text=True, timeout=DEADLINE)
    assert done.returncode == 0
    names = [line.split()[0].split("=")[0] for line in done.stdout.splitlines()]
    rows = re.findall(r"^SIM_(?:QUIRK|STATE)\((\w+),", open(SOURCE + "/sensors/sim/quirks.def").read(), re.M)
    assert names == rows and len(rows) > 40
    readme = open(SOURCE + "/sensors/sim/README.md").read()
    assert [name for name in rows if "`%s`" % name not in readme] == []


def test_coap_misbehaviours(sim):
    sim.do("exception spot 503 1")
    assert "5.03" in coap(sim, "spot").stderr
    sim.do("delay spot 500 1")
    started = time.monotonic()
    assert coap(sim, "spot").stdout.strip() == "0"
    assert time.monotonic() - started >= 0.49
    sim.do("truncate spot 0 1")
    assert coap(sim, "spot").stdout.strip() == ""
    assert sim.ask("close spot 1").startswith("error")


def test_a_frozen_coap_device_says_what_was(sim):
    sim.do("frozen spot")
    sim.do("set spot.detected true")
    assert coap(sim, "spot").stdout.strip() == "0"
    sim.do("frozen spot off")
    assert coap(sim, "spot").stdout.strip() == "1"


def test_observers_that_were_forgotten_hear_nothing_until_they_are_known_again(sim):
    url = "coap://127.0.0.1:%d/3200/0/5500" % sim.ports["spot"]
    process = subprocess.Popen([COAP, "-s", "60", "-B", "60", url], stdout=subprocess.PIPE, bufsize=0)
    heard = bytearray()

    def listen():
        for byte in iter(lambda: process.stdout.read(1), b""):
            heard.extend(byte)

    threading.Thread(target=listen, daemon=True).start()
    try:
        wait_for("the first value", lambda: bytes(heard).strip() == b"0")
        sim.do("lost_observers spot")
        sim.do("set spot.detected true")
        assert coap(sim, "spot").stdout.strip() == "1"  # who asks is told
        time.sleep(0.5)
        assert b"1" not in heard
        sim.do("lost_observers spot off")
        wait_for("the change", lambda: b"1" in heard)
    finally:
        process.kill()
        process.wait()


def test_coap_drop_costs_a_retransmission(sim):
    sim.do("drop spot 1")
    started = time.monotonic()
    assert coap(sim, "spot", seconds="20").stdout.strip() == "0"
    assert time.monotonic() - started >= 1.9  # ACK_TIMEOUT of the client


# ---- Write attempts --------------------------------------------------------------------------------------

def test_a_run_without_writes_ends_with_0(sim):
    client = tcp(sim)
    client.read_discrete_inputs(0, 1, slave=1)
    client.close()
    assert sim.stop() == 0
    assert sim.truth("write_attempt") == []


@pytest.mark.parametrize("body", ["050000ff00", "0600000001", "0f000000020103", "1000000001020001",
                                  "16000000ff0000", "17000000010000000102000a", "0800010000", "5a0102"])
def test_a_write_over_tcp_is_refused_recorded_and_ends_with_3(sim, body):
    pdu = bytes.fromhex(body)
    raw = Raw(sim)
    raw.socket.sendall(struct.pack(">HHHB", 1, 0, len(pdu) + 1, 1) + pdu)
    assert raw.take(9) == struct.pack(">HHHBBB", 1, 0, 3, 1, pdu[0] | 0x80, 1)
    raw.socket.close()
    assert sim.stop() == 3
    assert [(a["device"], a["function"]) for a in sim.truth("write_attempt")] == [("lift", pdu[0])]


def test_a_write_by_pymodbus_is_seen_as_one(sim):
    client = tcp(sim)
    assert client.write_register(0, 1, slave=1).exception_code == 1
    client.close()
    assert sim.stop() == 3


def test_a_write_on_the_bus_even_a_broadcast_is_recorded(sim):
    line = serial.Serial(sim.ports["cable"], 9600, timeout=DEADLINE)
    for unit in (0, 3):
        request = bytes([unit]) + bytes.fromhex("0600050001")
        line.write(request + struct.pack("<H", crc(request)))
        if unit:
            assert line.read(5)[:3] == b"\x03\x86\x01"
        else:
            wait_for("the record", lambda: sim.truth("write_attempt"))
    line.close()
    assert sim.stop() == 3
    assert [a["unit"] for a in sim.truth("write_attempt")] == [0, 3]


@pytest.mark.parametrize("method", ["put", "post", "delete"])
def test_a_coap_write_is_refused_and_recorded(sim, method):
    assert "4.05" in coap(sim, "spot", "-m", method, "-e", "1").stderr
    assert sim.stop() == 3
    attempt, = sim.truth("write_attempt")
    assert attempt["device"] == "spot" and attempt["path"] == "3200/0/5500"


# ---- Truth, timeline, control ------------------------------------------------------------------------------

def test_the_truth_is_told_to_the_file_and_to_the_stream(sim):
    other = socket.socket(socket.AF_UNIX)
    other.settimeout(DEADLINE)
    other.connect(str(sim.path / "c.sock"))
    other.sendall(b"truth\n")
    lines = other.makefile("r")
    assert lines.readline() == "ok\n"
    sim.do("set cable.location 1.5 lift.up true")
    heard = [json.loads(lines.readline()) for _ in range(2)]
    assert [(h["event"], h["device"], h["point"], h["value"]) for h in heard] == [
        ("set", "cable", "location", 1.5), ("set", "lift", "up", True)]
    assert abs(heard[0]["t_ms"] / 1000 - time.time()) < DEADLINE and heard[0]["mono_ms"] > 0
    assert sim.truth("set") == heard
    start, = sim.truth("start")
    assert start["values"]["lift"]["door_closed"] is True
    assert start["values"]["cable"]["length_unit"] == "METRES"
    other.close()


def test_list_and_help_name_everything(sim):
    assert sim.ask("list") == "ok 5"
    devices = [sim.lines.readline().split() for _ in range(5)]
    assert [d[0] for d in devices] == ["lift", "cable", "door", "spot", "safe"]
    assert devices[0][3] == str(sim.ports["lift"])
    count = int(sim.ask("help").split()[1])
    commands = [sim.lines.readline().split()[0] for _ in range(count)]
    for name in ("set", "get", "list", "plug", "unplug", "truth", "stop", "delay", "drop", "exception", "drip"):
        assert name in commands


def test_a_client_that_sends_no_line_end_for_ever_is_let_go(sim):
    other = socket.socket(socket.AF_UNIX)
    other.settimeout(DEADLINE)
    other.connect(str(sim.path / "c.sock"))
    try:
        other.sendall(b"x" * 10000)
        assert other.recv(1) == b""
    except ConnectionError:
        pass
    other.close()
    assert sim.ask("get lift.up") == "ok false"


def test_stop_removes_link_and_socket(sim):
    sim.do("stop")
    assert sim.process.wait(DEADLINE) == 0
    assert not os.path.lexists(sim.ports["cable"]) and not os.path.exists(sim.path / "c.sock")
    assert sim.truth("stop")


def test_a_signal_removes_link_and_socket(sim):
    assert sim.stop() == 0
    assert not os.path.lexists(sim.ports["cable"]) and not os.path.exists(sim.path / "c.sock")


def test_what_a_killed_run_left_behind_is_replaced(sim):
    sim.process.kill()
    sim.process.wait(DEADLINE)
    (sim.path / "ports.json").unlink()
    assert os.path.lexists(sim.ports["cable"]) and os.path.exists(sim.path / "c.sock")
    again = Sim(sim.path, DEVICES)
    assert again.ask("get lift.up") == "ok false"
    assert again.stop() == 0
    sim.process = again.process


def test_the_timeline_plays_in_its_order(tmp_path):
    sim = Sim(tmp_path, DEVICES + """\
timeline:
  - {at: 700ms, stop: true}
  - {at: 400ms, unplug: spot}
  - {at: 200ms, set: {lift.in_door_zone: true, lift.occupied: true}, note: "a passenger"}
  - {at: 300ms, delay: {device: cable, by: 700ms, count: 1}}
  - {at: 500ms, plug: spot}
  - {at: 600ms, note: "quiet"}
""")
    assert sim.process.wait(DEADLINE) == 0
    lines = [json.loads(line) for line in (tmp_path / "truth.jsonl").read_text().splitlines()]
    assert [line["event"] for line in lines] == [
        "start", "set", "set", "quirk", "unplug", "plug", "note", "stop"]
    assert lines[1]["note"] == "a passenger"
    start = lines[0]["mono_ms"]
    for line, at in zip(lines[1:], (200, 200, 300, 400, 500, 600, 700)):
        assert line["mono_ms"] - start >= at
    sim.stop()


# ---- Many ------------------------------------------------------------------------------------------------

def lift_line(name, port, unit=1):
    return "  - {id: %s, kind: tcp, port: %d, profile: lift-io-addon, unit: %d}\n" % (name, port, unit)


HEAD = "weiyu: sim/1\nprofiles: [%s/sensors/profiles/lift-io-addon.yaml]\ndevices:\n" % SOURCE


def test_a_thousand_ports_stay_open_at_once_in_one_process(tmp_path):
    names = ["d%d" % i for i in range(1000)]
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    sim = Sim(tmp_path, HEAD + "".join(lift_line(name, 0) for name in names), soft_descriptors=256)
    lines = [socket.create_connection(("127.0.0.1", sim.ports[name]), DEADLINE) for name in names]
    for _ in range(3):
        for line in lines:
            line.sendall(REQUEST)
        for line in lines:
            assert line.recv(10) == ANSWER
    for line in lines:
        line.close()
    assert sim.ask("asked") == "ok 2:3000"
    assert sim.stop() == 0


def test_a_hundred_units_answer_behind_one_port(tmp_path):
    port = free_port()
    sim = Sim(tmp_path, HEAD + "".join(lift_line("d%d" % unit, port, unit) for unit in range(1, 101)))
    sim.do("unplug d50")
    sim.do("hung d51")
    line = socket.create_connection(("127.0.0.1", port), DEADLINE)
    for unit in range(1, 101):
        line.sendall(REQUEST[:6] + bytes([unit]) + REQUEST[7:])
        if unit not in (50, 51):
            answer = line.recv(10)
            assert answer[6] == unit and answer[7:] == ANSWER[7:]
    line.close()
    assert sim.stop() == 0


# ---- Starting ------------------------------------------------------------------------------------------------

def run(tmp_path, text, *options):
    (tmp_path / "s.yaml").write_text(text)
    (tmp_path / "safe.psk").write_text("open-sesame-0123\n")
    return subprocess.run([BIN, *options, str(tmp_path / "s.yaml")], capture_output=True, text=True, timeout=DEADLINE)


def test_a_wrong_scenario_is_refused_with_its_place(tmp_path):
    done = run(tmp_path, DEVICES.replace("door_closed: true", "door_close: true"))
    assert done.returncode == 1
    assert re.search(r"s\.yaml:10:\d+: error E201: .*did you mean 'door_closed'", done.stderr)


def test_a_port_in_use_is_said(tmp_path):
    taken = socket.create_server(("127.0.0.1", 0))
    port = taken.getsockname()[1]
    done = run(tmp_path, DEVICES.replace("port: 0, profile: lift", "port: %d, profile: lift" % port))
    assert done.returncode == 1
    assert "127.0.0.1:%d: Address already in use" % port in done.stderr
    taken.close()


def test_a_udp_port_in_use_is_said(tmp_path):
    taken = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    taken.bind(("127.0.0.1", 0))
    port = taken.getsockname()[1]
    done = run(tmp_path, DEVICES.replace("port: 0, profile: coap-leak-3200}", "port: %d, profile: coap-leak-3200}" % port))
    assert done.returncode == 1
    assert "127.0.0.1:%d: Address already in use" % port in done.stderr
    taken.close()


def test_a_file_where_the_link_should_be_is_not_removed(tmp_path):
    (tmp_path / "bus").write_text("precious")
    done = run(tmp_path, DEVICES)
    assert done.returncode == 1 and "bus" in done.stderr
    assert (tmp_path / "bus").read_text() == "precious"


def test_wrong_arguments_are_2():
    assert subprocess.run([BIN], capture_output=True, timeout=DEADLINE).returncode == 2
    assert subprocess.run([BIN, "--loud", "x"], capture_output=True, timeout=DEADLINE).returncode == 2
