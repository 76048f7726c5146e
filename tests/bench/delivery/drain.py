"""drain.py BUILD [--backlog N] [--samples N] [--db SPEC | --postgres] [--rtt MS] [--loss PERCENT]: how fast a backlog reaches the
desk, and how long life safety takes beside it. BUILD is a release build with weiyu, weiyu-desk and weiyu-sim.

500 boxes of five assets make the backlog (faults of S2 to S4 come and go while the broker is away), one box more, polled
ten times a second, has a passenger trapped and freed again and again: first with nothing else to do, then while the
backlog drains. Real path: simulator, Modbus TCP, rules, store, TLS with client certificates, mosquitto, the desk and its database.
A time is from the simulator's own clock (its log of what it was told) to the desk's commit (its line about the event,
stamped after the commit). Prints what docs/measurements.md quotes; it passes no judgement but on loss.

--postgres: a cluster of the bench's own, with its syncs. --rtt: between gateway and broker stands a line that takes half of it each
way (tests/faults/bad_line.py). --loss: the kernel drops so many of the packets between gateway and that line; as root, in a network
of the bench's own (`unshare -n`), with nft.
"""
import argparse
import json
import os
import random
import shutil
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time

SOURCE = os.path.realpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../.."))
sys.path[:0] = [os.path.join(SOURCE, "tests/crash"), os.path.join(SOURCE, "tests/faults")]

from street import ASSET, GATEWAY, HOUSE, Street, wait_for  # noqa: E402
from stage import free_port  # noqa: E402
from bad_line import BadLine  # noqa: E402
from postgres import Cluster  # noqa: E402

DEVICES, WIRES, PER_DEVICE, POINTS = 500, 10, 5, ("leak", "broken", "worn")
PROBE = "probe-0"


def lose_packets(port, percent):
    rules = "".join(f"add rule inet bench in tcp {end} {port} numgen random mod 100 < {percent} drop\n" for end in ("dport", "sport"))
    subprocess.run(["nft", "-f", "-"], check=True, text=True, input="add table inet bench\nadd chain inet bench in "
                   "{ type filter hook input priority 0; }\n" + rules)


class Crowd(Street):
    """One gateway, many boxes for the backlog, one for life safety."""

    def __init__(self, run, programs, options):
        self.cluster = Cluster(is_durable=True) if options.postgres else None
        self.spec = options.db or (f"postgres:{self.cluster.conninfo()}" if self.cluster else f"sqlite:{run}/desk.db")
        self.rtt_s, self.loss, self.line = options.rtt / 1000, options.loss, None
        super().__init__(run, programs, 1, random.Random(1))

    def door(self):
        """Where the gateway finds the broker."""
        if not self.rtt_s and not self.loss:
            return self.mqtt
        self.line = BadLine(self.mqtt, 1, self.rtt_s / 2)
        self.line.become("slow")
        if self.loss:
            lose_packets(self.line.port, self.loss)
        return self.line.port

    def stop(self):
        super().stop()
        if self.line:
            self.line.stop()
        if self.cluster:
            self.cluster.remove()

    def render(self, receipt_wait):
        gateway, ports, port = self.gateways[0], [free_port() for _ in range(WIRES)], free_port()
        settings = GATEWAY.format(gateway=gateway, run=self.run, house=HOUSE, mqtt=self.door(), receipt_wait="60s")
        self.write(gateway + ".yaml", settings.replace(f"{HOUSE}/profile.yaml", f"{HOUSE}/profile.yaml, {self.run}/slow.yaml"))
        with open(HOUSE + "/profile.yaml", encoding="utf-8") as file:
            self.write("slow.yaml", file.read().replace("F: 100ms", "F: 5s").replace("id: crash-box", "id: slow-box"))
        site = "weiyu: site/1\nsite: {id: one, name_zh: 一号楼, name_en: One, profile: legacy}\nzone: Asia/Shanghai\nwires:\n"
        site += "".join(f"  - {{id: bus{w}, kind: tcp, host: 127.0.0.1, port: {p}}}\n" for w, p in enumerate(ports))
        site += f"  - {{id: fast, kind: tcp, host: 127.0.0.1, port: {port}}}\ndevices:\n"
        site += f"  - {{id: {PROBE}, wire: fast, profile: crash-box, unit: 1}}\n"
        scenario = f"weiyu: sim/1\nprofiles: [{HOUSE}/profile.yaml, {self.run}/slow.yaml]\ndevices:\n"
        scenario += f"  - {{id: {PROBE}, kind: tcp, port: {port}, profile: crash-box, unit: 1}}\n"
        assets = ASSET.format(gateway="probe", box=0)
        for n in range(DEVICES):
            wire, unit = n % WIRES, n // WIRES + 1
            site += f"  - {{id: d{n}-0, wire: bus{wire}, profile: slow-box, unit: {unit}}}\n"
            scenario += f"  - {{id: d{n}-0, kind: tcp, port: {ports[wire]}, profile: slow-box, unit: {unit}}}\n"
            for k in range(PER_DEVICE):
                assets += ASSET.format(gateway=f"d{n}", box=k).replace(f"device: d{n}-{k}", f"device: d{n}-0")
        self.write(gateway + "-site.yaml", site + "assets:\n" + assets)
        self.write("scenario.yaml", scenario)

    def start_desk(self, environment=None):
        pki = self.path("pki")
        return self.cast.start("desk", [self.programs["weiyu-desk"], "--db", self.spec, "--host", "127.0.0.1", "--port",
                                   str(self.mqtt), "--ca", pki + "/ca.crt", "--cert", pki + "/sink.crt", "--key",
                                   pki + "/sink.key", "--json"], environment)

    def toggle(self, is_on):
        for n in range(DEVICES):
            self.sim("set " + " ".join(f"d{n}-0.{point} {'true' if is_on else 'false'}" for point in POINTS))

    def queued(self):
        try:
            with sqlite3.connect(f"file:{self.path(self.gateways[0])}/weiyu.db?mode=ro", uri=True, timeout=10) as db:
                return db.execute("select count(*) from outbox where state = 0").fetchone()[0]
        except sqlite3.Error:
            return -1


class Log:
    """Lines of the desk about committed events, read on from where the last look ended."""

    def __init__(self, path):
        self.file = open(path, encoding="utf-8", errors="replace")
        self.rest = ""
        self.events = []

    def look(self):
        self.rest += self.file.read()
        *lines, self.rest = self.rest.split("\n")
        fresh = [json.loads(line) for line in lines if line.startswith("{")]
        self.events += [e for e in fresh if not e["duplicate"]]
        return self.events


def truth(crowd):
    with open(crowd.path("truth.jsonl"), encoding="utf-8") as lines:
        for line in map(json.loads, lines):
            if line["event"] == "set" and line["device"] == PROBE:
                yield line["t_ms"]


def is_probe(event):
    return event["dedup_key"].startswith("probe-0/")


def times(crowd, log, skip):
    """Of each change of the probe beyond `skip`: from the change to its commit, ms."""
    told = list(truth(crowd))[skip:]
    heard = [e["committed_at_ms"] for e in log.look() if is_probe(e)][skip:]
    assert len(told) == len(heard), (len(told), len(heard))
    return [there - here for here, there in zip(told, heard)]


def change_probe(crowd, log, is_on, pause_s):
    before = sum(map(is_probe, log.look()))
    crowd.sim(f"set {PROBE}.trapped {'true' if is_on else 'false'}")
    wait_for("the probe's event at the desk", crowd.cast, lambda: sum(map(is_probe, log.look())) > before, 120)
    time.sleep(crowd.random.uniform(0, pause_s))


def figures(name, values):
    values = sorted(values)
    print(f"{name}: p50 {statistics.median(values):.0f} ms, p99 {values[int(len(values) * 0.99)]:.0f} ms, most "
          f"{values[-1]:.0f} ms ({len(values)} changes)", flush=True)


def make_backlog(crowd, wanted):
    crowd.cast.end("mosquitto")
    is_on, step = True, DEVICES * PER_DEVICE * len(POINTS)
    while crowd.queued() < wanted:
        before = crowd.queued()
        crowd.toggle(is_on)
        wait_for("the next part of the backlog", crowd.cast, lambda: crowd.queued() >= before + step, 600)
        is_on = not is_on
    return crowd.queued()


def drain(crowd, log, n):
    """Seconds from the first to the last event of the backlog at the desk."""
    before, is_on = len(log.look()), True
    crowd.start_broker()
    wait_for("the first of the backlog", crowd.cast, lambda: len(log.look()) > before, 120)
    while len(log.look()) - before < n:
        change_probe(crowd, log, is_on, 0.3)
        is_on = not is_on
    if not is_on:
        change_probe(crowd, log, is_on, 0)
    backlog = [e["committed_at_ms"] for e in log.events[before:] if not is_probe(e)]
    return (max(backlog) - min(backlog)) / 1000


def perform(crowd, options):
    crowd.start_broker()
    crowd.start_desk()
    crowd.start_sim()
    crowd.start_gateway(crowd.gateways[0])
    log = Log(crowd.path("desk.log"))
    time.sleep(8)  # every box was read once
    for n in range(options.samples):
        change_probe(crowd, log, n % 2 == 0, 0.3)
    figures("life safety at idle, device to commit", times(crowd, log, 0))
    skip = sum(map(is_probe, log.events))
    n = make_backlog(crowd, options.backlog)
    took_s = drain(crowd, log, n)
    print(f"backlog of {n} events drained in {took_s:.1f} s: {n / took_s:.0f} a second", flush=True)
    figures("life safety while it drains, device to commit", times(crowd, log, skip))
    wait_for("every receipt", crowd.cast, lambda: crowd.queued() == 0, 120)
    seen = [(e["epoch"], e["seq"]) for e in log.look()]
    assert len(seen) == len(set(seen)), "an event was committed twice"
    print(f"{len(seen)} events committed, none twice, none left in the outbox; load of the machine "
          f"{os.getloadavg()[0]:.1f}")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("build")
    parser.add_argument("--backlog", type=int, default=50000)
    parser.add_argument("--samples", type=int, default=200)
    parser.add_argument("--db", help="the desk's database; default SQLite in the bench's own directory")
    parser.add_argument("--postgres", action="store_true")
    parser.add_argument("--rtt", type=float, default=0, help="between gateway and broker, ms")
    parser.add_argument("--loss", type=int, default=0, help="percent of the packets between gateway and broker")
    options = parser.parse_args()
    if options.loss and os.environ.get("WY_BENCH_NET") != "1":
        os.execvp("unshare", ["unshare", "-n", "sh", "-c", 'ip link set lo up && exec "$@"', "sh", "env", "WY_BENCH_NET=1",
                              sys.executable, *sys.argv])
    programs = {n: os.path.join(os.path.realpath(options.build), "bin", n) for n in ("weiyu", "weiyu-desk", "weiyu-sim")}
    run = tempfile.mkdtemp(prefix="weiyu-drain-")
    crowd = Crowd(run, programs, options)
    try:
        perform(crowd, options)
    finally:
        crowd.stop()
        shutil.rmtree(run)


main()
