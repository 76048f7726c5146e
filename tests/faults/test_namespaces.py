"""What only a network of one's own can show: a building whose cable is pulled, and devices that swallow every packet. In
network namespaces (namespaces.py); skipped, with the reason, where they are not allowed. What happens to tickets on such a
network is tests/crash/way.py."""
import os
import re
import signal
import socket
import struct
import time

import pytest
from conftest import make_quick, whole_path
from namespaces import Way, enter, run
from stage import Building, Cast, Desk, wait_for
from story import LEAK, come, expect, go
from way import CastInPlaces, change, KEEPALIVE_S

IS_LONG = "WY_LONG" in os.environ
MACHINE_S = 15      # what a busy machine may add to what takes seconds
WAIT = "keepalive: 20s", f"keepalive: {KEEPALIVE_S}s"


@pytest.fixture(scope="module", autouse=True)
def place_of_our_own():
    why = enter()
    if why:
        pytest.skip(why)


# ---- Blindness (R19) ---------------------------------------------------------------------------------------------

@pytest.fixture
def way(building):
    """The building behind a way of one line."""
    make_quick(building)
    with open(building.path("site.yaml"), encoding="utf-8") as file:
        silence, = re.findall(r"name: device_silent, value: \w+", file.read())
    change(building.path("site.yaml"), (silence, "name: device_silent, value: 20s"))  # less than the long form's cut
    way = Way(building.run, 1, 0)
    building.cast = CastInPlaces(building.run, way)
    way.certify(building.path("pki"))
    port = building.ports["MQTT"]
    change(building.path("mosquitto.conf"), (f"listener {port} 127.0.0.1", f"listener {port} 0.0.0.0"))
    change(building.path("gateway.yaml"), WAIT, ("retry_most: 5s", "retry_most: 1s"),
           ("  host: 127.0.0.1 ", f"  host: {way.host(0)} "), ("server_name: 127.0.0.1", f"server_name: {way.host(0)}"))
    yield way
    building.cast.stop()


def state_at_desk(desk):
    row = desk.db.execute("select last_state from gateway").fetchone()
    return row and row[0]


def is_every_device_read(building):
    status = building.ask("status")
    return bool(status) and all(device["state"] == "ok" for device in status["devices"])


def start(building, program, will_s):
    building.start_broker()
    building.start_desk()
    building.start_sim()
    building.cast.start("gateway", [building.bin(program), "run", "-c", building.path("gateway.yaml")],
                        {"WEIYU_WILL_S": str(will_s)})
    wait_for("every device", building.cast, lambda: is_every_device_read(building), 120)
    return Desk(building.path("desk.db"))


def let_be_blind(building, way, waiting, desk, how, most_s):
    """Returns after how many seconds the platform knew, and after how many more, once well again, it saw the building."""
    gateway = next(process for name, process in building.cast.parts if name == "gateway")
    begun = time.monotonic()
    way.unplug() if how == "cable" else gateway.send_signal(signal.SIGSTOP)
    waiting.until(lambda: state_at_desk(desk) == "death", "the death at the desk", most_s + MACHINE_S)
    known_s = time.monotonic() - begun
    if how == "cable":
        come(building, waiting, LEAK)
        waiting.until(lambda: is_every_device_read(building), "every device read with the line cut")
        assert whole_path.verbs_of(desk, "WTR-01") == []
    begun = time.monotonic()
    way.plug() if how == "cable" else gateway.send_signal(signal.SIGCONT)
    waiting.until(lambda: state_at_desk(desk) == "birth", "the birth at the desk")
    return known_s, time.monotonic() - begun


CASES = [("cable", "weiyu-early_will", 2)] + ([("cable", "weiyu", 30), ("frozen", "weiyu", 30)] if IS_LONG else [])


@pytest.mark.parametrize("how,program,will_s", CASES)
def test_the_platform_knows_in_time_that_a_building_is_unwatched(building, way, waiting, how, program, will_s):
    """By one and a half keepalives and the delay of the will; and nobody takes the loss of the line for the loss of devices."""
    desk = start(building, program, will_s)
    waiting.until(lambda: state_at_desk(desk) == "birth", "the birth at the desk")
    most_s = 1.5 * KEEPALIVE_S + will_s
    known_s, back_s = let_be_blind(building, way, waiting, desk, how, most_s)
    print(f"\n{how}: known after {known_s:.1f} s ({most_s:.1f} and what the broker takes to look), seen again {back_s:.1f} s after it was well")
    assert known_s <= most_s + MACHINE_S
    if how == "cable":
        waiting.until(lambda: whole_path.verbs_of(desk, "WTR-01") == ["opened"], "the ticket at the desk")
        go(building, waiting, LEAK)
        expect(building, desk, waiting, WTR_01="opened cleared")
    told = {event["data"]["fault_code"] for event in whole_path.events_of(desk)}
    assert told <= {"WTR-01", "SYS-06"}, told


# ---- Devices that swallow everything (R12) -------------------------------------------------------------------------

HOUSE = os.path.join(whole_path.SOURCE, "tests/crash/house")
FIRST_PORT = 12000  # in a namespace of our own: nobody else's
DEVICES, HOLED, PHASE_S = (40, 12, 20) if IS_LONG else (12, 4, 3)
PAIRS = 12          # what other programs do to the machine comes and goes; a stretch of ours would be in each
STRETCH = 1.1


class Crowd:
    """A gateway and devices, each on a wire of its own, and the requests as the kernel saw them."""

    sim = Building.sim

    def __init__(self, directory):
        self.run, self.cast = str(directory), Cast(str(directory))
        self.names = [f"box-{n:02d}" for n in range(DEVICES)]
        self.ports = [FIRST_PORT + n for n in range(DEVICES)]
        self.write_files()
        self.tap = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(0x0800))
        self.tap.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16 << 20)
        self.tap.setsockopt(socket.SOL_SOCKET, 35, 1)  # SO_TIMESTAMPNS
        self.tap.bind(("lo", 0x0800))
        self.tap.setblocking(False)

    def path(self, name):
        return os.path.join(self.run, name)

    def write(self, name, text):
        with open(self.path(name), "w", encoding="utf-8") as file:
            file.write(text)

    def write_files(self):
        boxes = list(zip(self.names, self.ports))
        self.write("scenario.yaml", f"weiyu: sim/1\nprofiles: [{HOUSE}/profile.yaml]\ndevices:\n" + "".join(
            f"  - {{id: {name}, kind: tcp, port: {port}, profile: crash-box, unit: 1}}\n" for name, port in boxes))
        self.write("site.yaml", "weiyu: site/1\nsite: {id: one, name_zh: 一号楼, name_en: One, profile: legacy}\nzone: Asia/Shanghai\n"
                   "wires:\n" + "".join(f"  - {{id: wire-{name}, kind: tcp, host: 127.0.0.1, port: {port}, connect: 1s}}\n"
                                        for name, port in boxes) +
                   "devices:\n" + "".join(f"  - {{id: {name}, wire: wire-{name}, profile: crash-box, unit: 1}}\n" for name in self.names) +
                   "assets:\n" + "".join(f"  - {{id: a-{name}, class: box, name_zh: {name}, name_en: {name}, "
                                         f"place: {{building: A, floor: \"1\"}}, device: {name}}}\n" for name in self.names))
        self.write("gateway.yaml", f"weiyu: gateway/1\ngateway: gw-crowd\nstate: {self.run}/state\nsocket: {self.run}/weiyu.sock\n"
                   f"site: site.yaml\nclasses: [{HOUSE}/classes.yaml]\nfaults: [{HOUSE}/faults.yaml]\ntiers: {HOUSE}/tiers.yaml\n"
                   f"profiles: [{HOUSE}/profile.yaml]\nrules: [{HOUSE}/rules.yaml]\nrecord: {{enabled: false}}\n"
                   f"uplink: {{host: 127.0.0.1, port: 9, ca: none.crt, certificate: none.crt, key: none.key}}\nlog: info\n")

    def start(self):
        bin_dir = os.path.join(whole_path.BUILD, "bin")
        self.cast.start("sim", [bin_dir + "/weiyu-sim", "--control", self.path("sim.sock"), "--ports", self.path("ports.json"),
                                self.path("scenario.yaml")])
        wait_for("the simulator", self.cast, lambda: os.path.exists(self.path("ports.json")))
        self.cast.start("gateway", [bin_dir + "/weiyu", "run", "-c", self.path("gateway.yaml")])
        asked = set()
        wait_for("the first polls", self.cast, lambda: asked.update(port for port, _ in self.requests()) or
                 asked == set(self.ports), 120)

    def swallow(self, ports):
        """Every packet to these ports, from now on; SYNs too."""
        rule = f"tcp dport {{ {', '.join(map(str, ports))} }} drop" if ports else ""
        run("nft", "-f", "-", text="flush ruleset\ntable ip hole {\nchain swallowed {\ntype filter hook input priority 0\n"
            + rule + "\n}\n}\n")

    def requests(self):
        """(port, seconds by the kernel's clock) of what came over the loopback since the last call, swallowed or not."""
        while True:
            try:
                packet, extra, _, _ = self.tap.recvmsg(2048, 256)
            except BlockingIOError:
                return
            if packet[9] != socket.IPPROTO_TCP:
                continue
            ip_size = (packet[0] & 15) * 4
            port, = struct.unpack_from("!H", packet, ip_size + 2)
            size = struct.unpack_from("!H", packet, 2)[0] - ip_size - (packet[ip_size + 12] >> 4) * 4
            if size > 0 and port in self.ports:
                seconds, nano = struct.unpack("qq", extra[0][2][:16])
                yield port, seconds + nano / 1e9

    def periods(self, ports, seconds):
        """Of the polls of these devices in so many seconds from now, sorted."""
        for _ in self.requests():
            pass
        last, periods, end = {}, [], time.monotonic() + seconds
        while time.monotonic() < end:
            self.cast.check()
            time.sleep(0.1)
            for port, at in self.requests():
                if port not in ports:
                    continue
                if port in last:
                    periods.append(at - last[port])
                last[port] = at
        assert set(ports) <= set(last), f"never asked: {sorted(set(ports) - set(last))}"
        return sorted(periods)

    def silent(self):
        """Who the log says is silent now."""
        silent = set()
        with open(self.path("gateway.log"), encoding="utf-8") as log:
            for what, device in re.findall(r" (device_\w+) device=\"?([\w-]+)", log.read()):
                (silent.add if what == "device_silent" else silent.discard)(device)
        return silent


@pytest.fixture
def crowd(tmp_path):
    made = Crowd(tmp_path)
    yield made
    made.cast.stop()
    made.tap.close()
    made.swallow([])


def p99(periods):
    return periods[len(periods) * 99 // 100]


def test_devices_in_a_black_hole_do_not_slow_the_others(crowd):
    """A third of the devices swallows every packet. Neighbouring spans of one run are compared, without and with it."""
    holed, healthy = crowd.ports[:HOLED], crowd.ports[HOLED:]
    crowd.start()
    crowd.swallow([])
    seen = []
    for _ in range(PAIRS):
        wait_for("no device silent", crowd.cast, lambda: not crowd.silent())
        before = crowd.periods(healthy, PHASE_S)
        crowd.swallow(holed)
        wait_for("the swallowed devices silent", crowd.cast, lambda: crowd.silent() == set(crowd.names[:HOLED]))
        during = crowd.periods(healthy, PHASE_S)
        crowd.swallow([])
        seen.append((p99(during) / p99(before), before, during))
        if seen[-1][0] <= STRETCH:
            break
    wait_for("no device silent", crowd.cast, lambda: not crowd.silent())
    print("".join(f"\nhealthy devices' p99 period {p99(before) * 1000:.1f} ms, with {HOLED} of {DEVICES} swallowed "
                  f"{p99(during) * 1000:.1f} ms; medians {before[len(before) // 2] * 1000:.1f} and {during[len(during) // 2] * 1000:.1f} ms"
                  for _, before, during in seen))
    assert min(seen, key=lambda pair: pair[0])[0] <= STRETCH, [pair[0] for pair in seen]
    # The measurement can see: a device that takes its time.
    crowd.sim(f"delay {crowd.names[-1]} 500ms on")
    crowd.periods(healthy, 1)
    slow = crowd.periods(healthy[-1:], PHASE_S)
    assert slow[len(slow) // 2] > 0.4, slow
