"""restart.py BUILD: how long a gateway with many open tickets takes from its start to its first poll.

500 devices of four contacts on five TCP wires, five assets on each device, all contacts closed: 10,000 tickets (rules of
tests/crash/house, no hold). The broker is away, so that all their events wait in the outbox too. The gateway is killed with SIGKILL
and started again, five times; then stopped in order and started, five times. First poll: the simulator's own count of
requests moves. BUILD is a release build with weiyu and weiyu-sim. Prints what docs/measurements.md quotes; no test.
"""
import os
import random
import signal
import sqlite3
import statistics
import sys
import tempfile
import time

SOURCE = os.path.realpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../.."))
sys.path.insert(0, os.path.join(SOURCE, "tests/crash"))

from street import ASSET, GATEWAY, HOUSE, Street, wait_for  # noqa: E402
from stage import free_port  # noqa: E402

DEVICES, WIRES, PER_DEVICE, POINTS = 500, 10, 5, ("trapped", "leak", "broken", "worn")
ROUNDS = 5


class Crowd(Street):
    """One gateway, many boxes."""

    def render(self, receipt_wait):
        gateway, ports = self.gateways[0], [free_port() for _ in range(WIRES)]
        settings = GATEWAY.format(gateway=gateway, run=self.run, house=HOUSE, mqtt=self.mqtt, receipt_wait=receipt_wait)
        self.write(gateway + ".yaml", settings.replace(HOUSE + "/profile.yaml", self.path("profile.yaml")))
        with open(HOUSE + "/profile.yaml", encoding="utf-8") as file:
            self.write("profile.yaml", file.read().replace("F: 100ms", "F: 5s"))
        site = "weiyu: site/1\nsite: {id: one, name_zh: 一号楼, name_en: One, profile: legacy}\nzone: Asia/Shanghai\nwires:\n"
        site += "".join(f"  - {{id: bus{w}, kind: tcp, host: 127.0.0.1, port: {p}}}\n" for w, p in enumerate(ports))
        scenario = f"weiyu: sim/1\nprofiles: [{self.run}/profile.yaml]\ndevices:\n"
        site += "devices:\n"
        assets = ""
        for n in range(DEVICES):
            wire, unit = n % WIRES, n // WIRES + 1
            site += f"  - {{id: d{n}-0, wire: bus{wire}, profile: crash-box, unit: {unit}}}\n"
            scenario += f"  - {{id: d{n}-0, kind: tcp, port: {ports[wire]}, profile: crash-box, unit: {unit}}}\n"
            for k in range(PER_DEVICE):
                assets += ASSET.format(gateway=f"d{n}", box=k).replace(f"device: d{n}-{k}", f"device: d{n}-0")
        self.write(gateway + "-site.yaml", site + "assets:\n" + assets)
        self.write("scenario.yaml", scenario)

    def asked(self):
        self.control.sendall(b"asked\n")
        return self.control_lines.readline()


def first_poll_s(crowd):
    """From exec to a request on a wire, by the simulator's count: seconds, and of these on a processor."""
    before, begun = crowd.asked(), time.monotonic()
    process = crowd.start_gateway(crowd.gateways[0])
    while crowd.asked() == before:
        crowd.cast.check()
        time.sleep(0.002)
    took_s = time.monotonic() - begun
    with open(f"/proc/{process.pid}/stat", encoding="ascii") as file:
        ticks = file.read().rsplit(")", 1)[1].split()[11:13]
    return process, (took_s, sum(map(int, ticks)) / os.sysconf("SC_CLK_TCK"))


def open_tickets(crowd):
    try:
        with sqlite3.connect(f"file:{crowd.path(crowd.gateways[0])}/weiyu.db?mode=ro", uri=True, timeout=10) as db:
            return db.execute("select count(*) from ticket where is_open = 1").fetchone()[0]
    except sqlite3.Error:
        return 0


def perform(crowd):
    crowd.start_sim()
    for n in range(DEVICES):
        crowd.sim("set " + " ".join(f"d{n}-0.{point} true" for point in POINTS))
    wanted = DEVICES * PER_DEVICE * len(POINTS)
    process, first_s = first_poll_s(crowd)
    print(f"a new store: first poll after {first_s[0]:.2f} s, {first_s[1]:.2f} s of a processor")
    wait_for(f"{wanted} tickets", crowd.cast, lambda: open_tickets(crowd) == wanted, 600)
    size = sum(os.path.getsize(os.path.join(crowd.path(crowd.gateways[0]), name))
               for name in os.listdir(crowd.path(crowd.gateways[0])))
    print(f"{wanted} open tickets, {wanted} events that wait, {size / 2**20:.0f} MiB in the state directory")
    for how, name in ((signal.SIGKILL, "kill -9"), (signal.SIGTERM, "an orderly stop")):
        times = []
        for _ in range(ROUNDS):
            time.sleep(1)
            crowd.forget(process)
            process.send_signal(how)
            process.wait()
            process, first_s = first_poll_s(crowd)
            times.append(first_s)
        wall, used = zip(*times)
        print(f"first poll after {name}: median {statistics.median(wall):.2f} s, most {max(wall):.2f} s of {ROUNDS}; "
              f"{statistics.median(used):.2f} s of a processor")
    assert open_tickets(crowd) == wanted


def main():
    build = os.path.realpath(sys.argv[1])
    programs = {name: os.path.join(build, "bin", name) for name in ("weiyu", "weiyu-desk", "weiyu-sim")}
    with tempfile.TemporaryDirectory(prefix="weiyu-restart-") as run:
        crowd = Crowd(run, programs, 1, random.Random(1))
        try:
            perform(crowd)
        finally:
            crowd.cast.stop()


main()
