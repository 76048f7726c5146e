"""nemesis.py BUILD [--seconds N] [--seed S] [--postgres] [--run DIR]: tries to lose, double or disorder a ticket.

A whole building runs (mosquitto, desk, simulator, gateway). Faults come and go through the simulator's control socket,
while a schedule drawn from the seed works through decks of evils (evils.py), several at a time: gateway, desk and broker
killed, stopped, frozen; the broker wiped or put back to an old copy; the line between gateway and broker slow, one-way,
half-open, cut; the store's disk full or failing; the gateway's wall clock stepped by up to ten years; devices late or
silent; other files in mid-life; with --postgres the desk's PostgreSQL gone. In the end everything is well and running, and the desk's database is
held against what the simulator was told. A fault stands until the gateway shows its ticket, and is away until the
gateway shows none: what was shown once must be at the desk, exactly once. Exit 0: it is. Only Python's standard library.
"""
import argparse
import collections
import json
import os
import random
import re
import shutil
import signal
import socket
import sys
import tempfile
import time

SOURCE = os.path.realpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../.."))
sys.path.insert(0, os.path.join(SOURCE, "deploy/demo"))
sys.path.insert(0, os.path.join(SOURCE, "tests/crash"))
sys.path.insert(0, os.path.join(SOURCE, "tests/faults"))

from bad_line import BadLine  # noqa: E402
from evils import EVILS, EVILS_OF_POSTGRES, PARTS, STEP_S  # noqa: E402
from postgres import Cluster, PostgresDesk  # noqa: E402
from stage import ENDS, Building, Desk, Failed, choose_ports, wait_for  # noqa: E402
from street import judge_fault  # noqa: E402

WATCHED_S = 60    # so long a gateway that is left alone may take to show a fault, or its end
QUIET_S = 240     # so long the queue may take at the end: re-sending waits up to 160 s after a bad time
BAD_WORDS = re.compile(r"ERROR: \w+Sanitizer|runtime error:|store_failed|outbox_unreadable|save_failed")

# The shortest times the packs allow, but for silence: that must not come from a machine that is merely slow.
PARAMS = {
    "lift": {"entrapment_hold": "1s", "entrapment_clear": "1s", "mains_hold": "1s", "mains_clear": "1s",
             "pit_hold": "1s", "pit_clear": "1s", "stopped_hold": "10min"},
    "water": {"leak_hold": "0s", "leak_clear": "1s", "break_hold": "1s", "break_clear": "1s"},
    "access": {"bond_hold": "1s", "bond_clear": "1s", "mains_hold": "5s", "mains_clear": "1s", "tamper_hold": "1s",
               "tamper_clear": "1s"},
    "fire": {"alarm_clear": "1s", "trouble_hold": "1s", "trouble_clear": "1s", "panel_silent": "30s"},
    "system": {"device_silent": "12s", "device_clear": "1s"},
}

# What each fault's ticket is called, and what the simulator is told to bring it and to take it away. No fire alarm: it waits for a
# reset by hand, and holds back the doors of its building for ten minutes more.
FAULTS = {
    "3A-R1/WTR-01": ("set leak-ctl.detected true", "set leak-ctl.detected false"),
    "3A-R1/WTR-04": ("set leak-ctl.cable_break true", "set leak-ctl.cable_break false"),
    "3A-E1/WTR-03": ("set leak-7f.detected true", "set leak-7f.detected false"),
    "3A-D1/ACC-14": ("set door1-io.tamper true", "set door1-io.tamper false"),
    "3A-D1/ACC-03": ("set door1-io.bond false", "set door1-io.bond true"),
    "3A-D1/ACC-07": ("set door1-io.mains_ok false", "set door1-io.mains_ok true"),
    "3A-F1/FIR-03": ("set fire-gw.trouble true", "set fire-gw.trouble false"),
    "3A-L1/ELV-01": ("set lift1-io.door_closed true lift1-io.alarm_button true",
                     "set lift1-io.door_closed false lift1-io.alarm_button false"),
    "3A-L1/ELV-26": ("set lift1-io.pit_water true", "set lift1-io.pit_water false"),
    "3A-L2/ELV-26": ("set lift2-io.pit_water true", "set lift2-io.pit_water false"),
    "3A-L2/ELV-17": ("set lift2-io.mains_ok false", "set lift2-io.mains_ok true"),
    "3A-IO-D2/SYS-01": ("unplug door2-io", "plug door2-io"),
}


# ---- The faults --------------------------------------------------------------------------------------------------

class Fault:
    """One fault that comes and goes. phases: Unix seconds at which it begun, was shown, was over, was shown no more."""

    def __init__(self, key, nemesis):
        self.key, self.nemesis = key, nemesis
        self.phases = []
        self.is_on = False
        self.is_seen = True     # the gateway showed what the simulator was told last
        self.watched_s = 0.0    # one run of the gateway had so long to see it: silence begins anew with each
        self.watched_by = None
        self.next_at = time.monotonic() + nemesis.random.uniform(0, 6)

    def tell(self, is_on):
        self.is_on, self.is_seen, self.watched_s = is_on, False, 0.0
        self.nemesis.told += 1
        at = time.time()
        self.nemesis.building.sim(FAULTS[self.key][0 if is_on else 1])
        if is_on:
            self.phases.append({"begun": at})
        elif self.phases:
            self.phases[-1]["over"] = at

    def step(self, open_keys, watched_s, may_begin):
        if not self.is_seen:
            gateway = self.nemesis.process("gateway")
            self.watched_s = self.watched_s + watched_s if gateway is self.watched_by else 0.0
            self.watched_by = gateway
            if open_keys is not None and (self.key in open_keys) == self.is_on:
                self.is_seen = True
                if self.phases:
                    self.phases[-1]["shown" if self.is_on else "gone"] = time.time()
                self.next_at = time.monotonic() + self.nemesis.random.choice((0, 0.3, 1, 4))
            elif self.watched_s > WATCHED_S:
                self.is_seen = True
                self.nemesis.anomaly(f"{self.key}: {'no ticket' if self.is_on else 'not cleared'} after {WATCHED_S} s "
                                     f"of a running gateway, phase {len(self.phases)}")
        elif time.monotonic() >= self.next_at and (self.is_on or may_begin):
            self.tell(not self.is_on)

    def is_over(self):
        return not self.is_on and self.is_seen


# ---- The evil ----------------------------------------------------------------------------------------------------

class Nemesis:
    def __init__(self, building, seed, seconds, cluster=None):
        self.building, self.seconds, self.cluster = building, seconds, cluster
        self.random = random.Random(seed)
        self.evils = EVILS + (EVILS_OF_POSTGRES if cluster else ())
        self.line = BadLine(building.ports["MQTT"], seed)
        self.site = None        # its file as it was
        self.shifted = []       # [from, to] in Unix seconds: the gateway's wall clock was wrong
        self.anomalies = []
        self.done = collections.Counter()
        self.running = []       # (parts, generator, when it goes on)
        self.frozen = set()
        self.deck = []          # what is still to come of this round
        self.rounds = 0
        self.longest_stop_s = 0.0
        self.told = 0           # how often the simulator was told something
        self.is_ending = False
        self.begun = time.monotonic()

    def anomaly(self, text):
        line = f"{time.monotonic() - self.begun:7.1f} s  {text}"
        self.anomalies.append(line)
        print("ANOMALY " + line, flush=True)

    # -- parts

    def process(self, name):
        return next((p for n, p in reversed(self.building.cast.parts) if n == name), None)

    def expected_end(self, name):
        cast = self.building.cast
        process = self.process(name)
        cast.parts = [(n, p) for n, p in cast.parts if p is not process]
        cast.parts.insert(0, (name + " (ending)", process))  # still stopped at the end, whatever happens

    def kill(self, name):
        self.done[name + " killed"] += 1
        self.building.cast.end(name, signal.SIGKILL)

    def end(self, name):
        self.building.cast.end(name)

    def start(self, name):
        building, pki = self.building, self.building.path("pki")
        if name == "gateway":
            building.start_gateway(is_waiting=False, environment=self.surroundings())
        elif name == "mosquitto":
            building.cast.start(name, [shutil.which("mosquitto") or "/usr/sbin/mosquitto", "-c",
                                       building.path("mosquitto.conf")])
        else:
            building.cast.start(name, [building.bin("weiyu-desk"), "--db", self.desk_database(), "--host",
                                       "127.0.0.1", "--port", str(building.ports["MQTT"]), "--ca", pki + "/ca.crt",
                                       "--cert", pki + "/sink.crt", "--key", pki + "/sink.key"])

    def freeze(self, name, seconds):
        process = self.process(name)
        process.send_signal(signal.SIGSTOP)
        self.frozen.add(name)
        yield seconds
        process.send_signal(signal.SIGCONT)
        self.frozen.discard(name)

    # -- disk, clock, devices, database

    def surroundings(self):
        """What the gateway takes for its disk and its clock (tests/faults/disk.c, wall_clock.c)."""
        building, lib = self.building, self.building.build + "/lib"
        return {"LD_PRELOAD": f"{lib}/libdisk_faults.so {lib}/libwall_clock.so",
                "ASAN_OPTIONS": "verify_asan_link_order=0:" + os.environ.get("ASAN_OPTIONS", ""),
                "WY_DISK_DIR": building.path("state"), "WY_DISK_FAULT": building.path("disk-fault"),
                "WY_CLOCK_FILE": building.path("clock")}

    def tell_file(self, name, text):
        """At once: whoever reads it sees the old text or the new one."""
        path = self.building.path(name)
        with open(path + ".new", "w", encoding="ascii") as file:
            file.write(text)
        os.rename(path + ".new", path)

    def set_disk(self, words):
        self.tell_file("disk-fault", words)
        if words:
            self.done["disk " + words] += 1

    def is_on_disk(self):
        status = self.building.ask("status")
        return bool(status) and status["store"]["mode"] == "disk"

    def set_clock(self, seconds):
        self.tell_file("clock", f"{seconds:+d}")
        if seconds:
            self.shifted.append([time.time(), None])
        for span in self.shifted:
            span[1] = span[1] or (None if seconds else time.time())

    def reload(self, old, new):
        """With this changed in site.yaml, from what it was at the start."""
        if self.site is None:
            with open(self.building.path("site.yaml"), encoding="utf-8") as file:
                self.site = file.read()
        with open(self.building.path("site.yaml.new"), "w", encoding="utf-8") as file:
            file.write(self.site.replace(old, new) if old else self.site)
        os.rename(self.building.path("site.yaml.new"), self.building.path("site.yaml"))
        if self.open_keys() is not None:  # one that is starting reads the file anyway, and a signal would end it
            self.process("gateway").send_signal(signal.SIGHUP)

    def trouble(self, command):
        self.building.sim(command)

    def desk_database(self):
        return "postgres:" + self.cluster.conninfo() if self.cluster else "sqlite:" + self.building.path("desk.db")

    def look_after(self):
        """A part that ended by itself is an anomaly, and started again."""
        for name, process in list(self.building.cast.parts):
            if process.poll() is None:
                continue
            self.building.cast.parts.remove((name, process))
            if not name.endswith("(ending)"):
                self.anomaly(f"{name} ended by itself, code {process.returncode}:\n{self.building.cast.tail(name, 6)}")
                self.start(name)

    def open_keys(self):
        """dedup_keys the gateway shows as open; None: it does not answer now."""
        if "gateway" in self.frozen:
            return None
        try:
            with socket.socket(socket.AF_UNIX) as control:
                control.settimeout(5)
                control.connect(self.building.path("weiyu.sock"))
                control.sendall(b'{"ask":"tickets"}\n')
                text = control.makefile(encoding="utf-8").read()
            return {ticket["dedup_key"] for ticket in json.loads(text)}
        except (OSError, ValueError):
            return None

    # -- time

    def step_evils(self):
        now = time.monotonic()
        for entry in list(self.running):
            parts, generator, at = entry
            if now < at:
                continue
            self.running.remove(entry)
            try:
                self.running.append((parts, generator, now + next(generator)))
            except StopIteration:
                pass

    def begin_evil(self):
        """The next of a shuffled deck whose parts are in nobody's hands, so that each has its turn."""
        if not self.deck:
            self.deck = self.random.sample(self.evils, len(self.evils))
        for evil in self.deck:
            parts = PARTS.get(evil.__name__) or {evil.__name__.split("_")[0]}
            if not any(parts & busy for busy, _, _ in self.running):
                break
        else:
            return
        self.deck.remove(evil)
        self.rounds += not self.deck
        self.done[evil.__name__] += 1
        self.running.append((parts, evil(self), 0))

    def rage(self, faults):
        last = time.monotonic()
        end, next_evil = last + self.seconds, last + 5
        while True:
            now = time.monotonic()
            self.is_ending = now >= end
            if self.is_ending and not self.running and all(f.is_over() for f in faults):
                return
            if now >= next_evil and not self.is_ending:
                self.begin_evil()
                if self.random.random() < 0.25:
                    self.begin_evil()
                next_evil = now + self.random.uniform(0.2, 3)
            self.step_evils()
            self.look_after()
            keys = self.open_keys()
            for fault in faults:
                fault.step(keys, now - last if keys is not None else 0, not self.is_ending)
            last = now
            time.sleep(STEP_S)


# ---- The verdict -------------------------------------------------------------------------------------------------

def was_shifted(shifted, phase):
    """Was the gateway's wall clock wrong while it may have stamped an end of this phase?"""
    spans = [(phase["begun"], phase.get("shown", phase["over"])), (phase["over"], phase.get("gone", 1e12))]
    return any(a - 1 < last and first < (b or first) + 1 for a, b in shifted for first, last in spans)


def judge_one(fault, events, shifted):
    """Times are judged of the phases in which the gateway's wall clock was right."""
    phases = [(phase["begun"], phase["over"]) for phase in fault.phases]
    return judge_fault(fault.key, phases, events, lambda n: not was_shifted(shifted, fault.phases[n]))


def judge(nemesis, faults, desk):
    wrong = []
    desk.new_events()
    by_key = collections.defaultdict(list)
    for event in sorted(desk.events, key=lambda e: (e["data"]["gateway_seq"])):
        by_key[event["data"]["dedup_key"]].append(event)
    for fault in faults:
        wrong += judge_one(fault, by_key.pop(fault.key, []), nemesis.shifted)
    for key, events in by_key.items():
        wrong.append(f"{key}: a ticket nobody gave cause for: {[e['type'].split('.')[-2] for e in events]}, first "
                     f"{events[0]['time']}")
    rows = desk.db.execute("select source, epoch, count(*), count(distinct seq), min(seq), max(seq) from inbox "
                           "where seq is not null and seq > 0 group by source, epoch").fetchall()
    if len(rows) != 1:
        wrong.append(f"{len(rows)} epochs at the desk: {rows}")
    for row in rows:
        if not row[2] == row[3] == row[5] or row[4] != 1:
            wrong.append(f"source, epoch, events, distinct seq, first, last: {row}")
    for what, question in (("open tickets", "select dedup_key from ticket where is_ended = 0"),
                           ("refused events", "select seq, reason from parked")):
        rows = desk.db.execute(question).fetchall()
        if rows:
            wrong.append(f"{what} at the desk: {rows}")
    for name in ("gateway", "desk", "sim"):
        with open(nemesis.building.path(name + ".log"), encoding="utf-8", errors="replace") as log:
            bad = [line.strip() for line in log if BAD_WORDS.search(line)]
        if bad:
            wrong.append(f"{name}.log: {len(bad)} bad lines, first: {bad[0]}")
    return wrong


def wait_for_quiet(nemesis, faults, desk):
    """Until the gateway has nothing open and nothing to send. What is wrong if it never comes."""
    building = nemesis.building
    deadline = time.monotonic() + QUIET_S
    while True:
        status, tickets = building.ask("status"), building.ask("tickets")
        if status and tickets == [] and status["outbox"]["queued"] == 0:
            break
        if time.monotonic() > deadline:
            return [f"after {QUIET_S} s: outbox {status and status['outbox']}, tickets {tickets}"]
        time.sleep(0.5)
    time.sleep(3)  # nothing may come after that
    return []


def rules_for_a_storm(building):
    """Faults come and go here within seconds. A rule that chatters would keep one ticket open, rightly, for half an hour; and
    rules across classes wait a minute for company; a lift that fails often is a problem for a month."""
    path = building.path("gateway.yaml")
    with open(path, encoding="utf-8") as file:
        text = file.read()
    text = re.sub(r"\n  - \S+/rules/packs/cross\.yaml", "", text)
    for rules in re.findall(r"^  - (\S+/rules/packs/\w+\.yaml)$", text, re.M):
        with open(rules, encoding="utf-8") as file:
            body = re.sub(r"\n    (chatter|recur): .*", "", file.read())
        copy = building.path(os.path.basename(rules))
        with open(copy, "w", encoding="utf-8") as file:
            file.write(re.sub(r"(\n  - id: [\w.]+\n)", r"\1    chatter: none\n", body))
        text = text.replace(rules, copy)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def go_by_the_line(building, line):
    """The gateway reaches the broker over a line that may go bad; the desk does not."""
    path = building.path("gateway.yaml")
    with open(path, encoding="utf-8") as file:
        text = file.read()
    port = building.ports["MQTT"]
    with open(path, "w", encoding="utf-8") as file:
        file.write(text.replace(f"  port: {port}", f"  port: {line.port}"))


def make_quick(building):
    """Faults come and go within seconds."""
    with open(building.path("site.yaml"), encoding="utf-8") as file:
        text = file.read()
    rows = [f"  - {{package: {package}, name: {name}, value: {value}}}\n"
            for package, values in PARAMS.items() for name, value in values.items()]
    with open(building.path("site.yaml"), "w", encoding="utf-8") as file:
        file.write(text[:text.index("params:\n")] + "params:\n" + "".join(rows))
    rules_for_a_storm(building)


def set_the_stage(run, build):
    building = Building(SOURCE, build, run, choose_ports(usual=False), has_story=False)
    make_quick(building)
    return building


def perform(building, seed, seconds, cluster):
    nemesis = Nemesis(building, seed, seconds, cluster)
    go_by_the_line(building, nemesis.line)
    nemesis.set_disk("")
    nemesis.set_clock(0)
    building.start_broker()
    nemesis.start("desk")
    building.start_sim()
    building.sim("set lift2-io.occupied false")
    building.sim("set lift1-io.door_closed false")
    nemesis.start("gateway")
    wait_for("the gateway", building.cast,
             lambda: ((building.ask("status") or {}).get("uplink") or {}).get("is_up"))
    wait_for("every device", building.cast,
             lambda: all(device["state"] == "ok" for device in building.ask("status")["devices"]))
    nemesis.begun = time.monotonic()
    faults = [Fault(key, nemesis) for key in FAULTS]
    nemesis.rage(faults)
    desk = PostgresDesk(cluster) if cluster else Desk(building.path("desk.db"))
    wrong = wait_for_quiet(nemesis, faults, desk)
    stopped = [p.returncode for _, p in building.cast.parts if p.poll() is not None]
    if stopped:
        wrong.append(f"ended by themselves: {stopped}")
    end = building.cast.end("gateway")  # a leak is told at the end
    if end:
        wrong.append(f"the gateway's last end: code {end}")
    building.cast.end("desk")
    wrong += judge(nemesis, faults, desk) + nemesis.anomalies
    phases = sum(len(f.phases) for f in faults)
    print(f"seed {seed}: {seconds} s, {nemesis.rounds} full rounds of {len(nemesis.evils)} evils, {phases} faults came and "
          f"went, {len(desk.events)} events at the desk; "
          + ", ".join(f"{name} {n}" for name, n in sorted(nemesis.done.items()))
          + f"; longest stop of the gateway {nemesis.longest_stop_s:.1f} s")
    for line in wrong:
        print("WRONG " + line)
    print("verdict: " + (f"{len(wrong)} things wrong" if wrong else "nothing lost, nothing twice, nothing else"),
          flush=True)
    return 1 if wrong or not phases else 0


# ---- Life --------------------------------------------------------------------------------------------------------

class Stopped(Exception):
    """Somebody wants it to end; the number of the signal says how."""


def stop_at(signum, _):
    for each in (*ENDS, signal.SIGALRM):
        signal.signal(each, signal.SIG_IGN)
    raise Stopped(signum)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("build")
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--postgres", action="store_true", help="the desk's database is a PostgreSQL, stopped and started too")
    parser.add_argument("--run", help="a directory that stays; otherwise one that is kept only if something is wrong")
    options = parser.parse_args()
    seed = options.seed if options.seed is not None else random.SystemRandom().randrange(1 << 32)
    print(f"seed {seed}", flush=True)
    run = options.run or tempfile.mkdtemp(prefix="weiyu-nemesis-")
    os.makedirs(run, mode=0o700, exist_ok=True)
    building, cluster, code = None, None, 2
    for each in (*ENDS, signal.SIGALRM):
        signal.signal(each, stop_at)
    signal.alarm(options.seconds + WATCHED_S * 4 + QUIET_S + 60)
    try:
        building = set_the_stage(run, os.path.abspath(options.build))
        cluster = Cluster() if options.postgres else None
        code = perform(building, seed, options.seconds, cluster)
    except Stopped as why:
        print(f"stopped by signal {why.args[0]}")
        code = 128 + why.args[0]
    except Failed as why:
        print(f"WRONG {why}")
    finally:
        if building:
            for _, process in building.cast.parts:
                if process.poll() is None:
                    process.send_signal(signal.SIGCONT)  # one that is frozen cannot end
            building.cast.stop()
        if cluster:
            cluster.remove()
        if code == 0 and not options.run:
            shutil.rmtree(run)
        else:
            print(f"logs and databases: {run}")
    return code


if __name__ == "__main__":
    sys.exit(main())
