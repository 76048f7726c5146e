"""nemesis.py BUILD [--seconds N] [--seed S] [--postgres] [--run DIR]: tries to lose, double or disorder a ticket.

A whole building runs (mosquitto, desk, simulator, gateway). Faults come and go through the simulator's control socket,
while a schedule drawn from the seed works through decks of evils (evils.py), several at a time: gateway, desk and broker
killed, stopped, frozen; the broker wiped or put back to an old copy; the line between gateway and broker slow, one-way,
half-open, cut; the store's disk full or failing; the store damaged, or put back to an old copy, between two lives; the gateway's
wall clock stepped by up to ten years; devices late or silent; other files in mid-life; with --postgres the desk's PostgreSQL gone.
In the end everything is well and running, and the desk's database is held against what the simulator logged (verdict.py).

A fault stands until the desk's database has a ticket of it open, and is away until the desk's database has none: what the gateway
says of itself is no evidence. Some stand at the end, and must have exactly one. What neither a ticket nor a rule's memory was left
of in a damaged store, people close at the desk, as they are told to. Exit 0: nothing is wrong. Only Python's standard library.
"""
import argparse
import collections
import os
import random
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time

SOURCE = os.path.realpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../.."))
sys.path.insert(0, os.path.join(SOURCE, "deploy/demo"))
sys.path.insert(0, os.path.join(SOURCE, "tests/crash"))
sys.path.insert(0, os.path.join(SOURCE, "tests/faults"))

from bad_line import BadLine  # noqa: E402
from evils import EVILS, EVILS_OF_POSTGRES, NOTICED_S, PARTS, STEP_S  # noqa: E402
from postgres import Cluster  # noqa: E402
from stage import ENDS, GATEWAY, Building, Failed, choose_ports, wait_for  # noqa: E402
from verdict import INBOX, judge_faults, judge_streams, last_epochs, open_tickets, read_events, read_truth  # noqa: E402

QUIET_S = 300     # so long the desk may take to have everything at the end: re-sending waits up to 160 s after a bad time
PEOPLE_S = 10     # so long people leave a ticket open which nobody can end any more
LOOK_S = {"sqlite": 0.1, "postgres": 0.5}   # between two looks into the desk's database
BROKEN = 4        # the gateway's code for damage that came to light while it ran: the next start mends it
SANITIZER_WORDS = r"ERROR: \w+Sanitizer|runtime error:"
STORE_WORDS = "|store_failed|outbox_unreadable|save_failed"     # right only where a store was hurt

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

# What each fault's ticket is called, and the device and points that make it. No fire alarm: it waits for a
# reset by hand, and holds back the doors of its building for ten minutes more.
FAULTS = {
    "3A-R1/WTR-01": ("leak-ctl", {"detected": True}),
    "3A-R1/WTR-04": ("leak-ctl", {"cable_break": True}),
    "3A-E1/WTR-03": ("leak-7f", {"detected": True}),
    "3A-D1/ACC-14": ("door1-io", {"tamper": True}),
    "3A-D1/ACC-03": ("door1-io", {"bond": False}),
    "3A-D1/ACC-07": ("door1-io", {"mains_ok": False}),
    "3A-F1/FIR-03": ("fire-gw", {"trouble": True}),
    "3A-L1/ELV-01": ("lift1-io", {"door_closed": True, "alarm_button": True}),
    "3A-L1/ELV-26": ("lift1-io", {"pit_water": True}),
    "3A-L2/ELV-26": ("lift2-io", {"pit_water": True}),
    "3A-L2/ELV-17": ("lift2-io", {"mains_ok": False}),
    "3A-IO-D2/SYS-01": ("door2-io", {None: False}),
}


def command_of(key, is_on):
    """What the simulator is told."""
    device, points = FAULTS[key]
    if None in points:
        return f"{'unplug' if is_on else 'plug'} {device}"
    return "set " + " ".join(f"{device}.{point} {str(value is is_on).lower()}" for point, value in points.items())


# ---- The faults --------------------------------------------------------------------------------------------------

class Fault:
    """One fault that comes and goes. seen: for each phase the Unix seconds at which the desk had it, and had it no more."""

    def __init__(self, key, nemesis):
        self.key, self.nemesis = key, nemesis
        self.seen = []
        self.is_on = False
        self.is_seen = True     # the desk has what the simulator was told last
        self.told_at = 0.0
        self.may_stay = nemesis.faults_random.random() < 0.5   # it stands at the end
        self.next_at = time.monotonic() + nemesis.faults_random.uniform(0, 6)

    def tell(self, is_on):
        self.is_on, self.is_seen = is_on, False
        self.nemesis.told += 1
        self.nemesis.building.sim(command_of(self.key, is_on))
        self.told_at = time.monotonic()
        if is_on:
            self.seen.append({})

    def look(self, desk):
        """Has the desk's database, as it was read later than that, what was told?"""
        if self.is_seen or desk.read_at <= self.told_at or any(t.fault == self.key for t in desk.open) != self.is_on:
            return
        self.is_seen = True
        self.seen[-1]["shown" if self.is_on else "gone"] = time.time()
        self.next_at = time.monotonic() + self.nemesis.faults_random.choice((0, 0.3, 1, 4))

    def step(self, desk):
        self.look(desk)
        is_ending = self.nemesis.is_ending
        may_turn = not (is_ending and self.may_stay) if self.is_on else not is_ending
        if self.is_seen and may_turn and time.monotonic() >= self.next_at:
            self.tell(not self.is_on)

    def is_at_rest(self):
        return self.is_seen and (self.may_stay or not self.is_on)


class Desk:
    """What the desk's database has open, read anew now and then. Where it cannot be read for a while, what it had."""

    def __init__(self, building, cluster):
        self.building, self.cluster = building, cluster
        self.between_s = LOOK_S["postgres" if cluster else "sqlite"]
        self.db = None
        self.open, self.read_at, self.next_at = [], 0.0, 0.0

    def rows(self, sql):
        if self.cluster:
            return self.cluster.rows(sql)
        self.db = self.db or sqlite3.connect(f"file:{self.building.path('desk.db')}?mode=ro", uri=True, timeout=10)
        return self.db.execute(sql).fetchall()

    def look(self):
        if time.monotonic() < self.next_at:
            return
        begun = time.monotonic()
        try:
            self.open, self.read_at = open_tickets(self.rows), begun
        except (sqlite3.Error, subprocess.CalledProcessError):
            pass
        self.next_at = time.monotonic() + self.between_s


class People:
    """They close what nobody else can end: a ticket of an epoch that is over, of a fault that is over."""

    def __init__(self, nemesis):
        self.nemesis, self.since, self.closing = nemesis, {}, None

    def step(self, desk, faults):
        now, left = time.monotonic(), {}
        for fault in faults:
            still = [t for t in desk.open if t.fault == fault.key]
            if still and not fault.is_on and not fault.is_seen and not any(t.is_own for t in still):
                left |= {t.key: self.since.get(t.key, now) for t in still}
        self.since = left
        for key in left:
            if now - left[key] > PEOPLE_S and (not self.closing or self.closing.poll() is not None):
                self.since[key] = now
                self.nemesis.done["closed by people"] += 1
                self.closing = self.nemesis.desk_command("work", "closed", key)


# ---- The evil ----------------------------------------------------------------------------------------------------

class Nemesis:
    def __init__(self, building, seed, seconds, cluster=None):
        self.building, self.seconds, self.cluster = building, seconds, cluster
        self.desk = Desk(building, cluster)
        self.random = random.Random(seed)
        self.faults_random = random.Random(seed + 1)    # apart, so that the first deck is the seed's alone
        self.evils = EVILS + (EVILS_OF_POSTGRES if cluster else ())
        self.line = BadLine(building.ports["MQTT"], seed)
        self.site = None        # its file as it was
        self.shifted = []       # [from, to] in Unix seconds: the gateway's wall clock was wrong
        self.hurts = []         # (Unix seconds, DAMAGED or PUT_BACK) of its store
        self.broken = 0         # how often it ended because it found that out while it ran
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
        building = self.building
        if name == "gateway":
            building.start_gateway(is_waiting=False, environment=self.surroundings())
        elif name == "mosquitto":
            building.cast.start(name, [shutil.which("mosquitto") or "/usr/sbin/mosquitto", "-c",
                                       building.path("mosquitto.conf")])
        else:
            building.cast.start(name, [building.bin("weiyu-desk"), *self.desk_options()])

    def desk_options(self):
        pki = self.building.path("pki")
        return ["--db", self.desk_database(), "--host", "127.0.0.1", "--port", str(self.building.ports["MQTT"]),
                "--ca", pki + "/ca.crt", "--cert", pki + "/sink.crt", "--key", pki + "/sink.key"]

    def desk_command(self, *words):
        """What people do at the desk. It ends by itself; where the desk's database is away it fails."""
        process = self.building.cast.start("people", [self.building.bin("weiyu-desk"), *words, *self.desk_options()])
        self.expected_end("people")
        return process

    def freeze(self, name, seconds):
        process = self.process(name)
        process.send_signal(signal.SIGSTOP)
        self.frozen.add(name)
        yield seconds
        process.send_signal(signal.SIGCONT)
        self.frozen.discard(name)

    # -- disk, clock, devices, database

    def size_of(self, name):
        path = self.building.path(name)
        return os.path.getsize(path) if os.path.exists(path) else 0

    def hurt(self, what, how):
        self.hurts.append((time.time(), what))
        with open(self.building.path("hurts.txt"), "a", encoding="ascii") as file:
            file.write(f"{time.monotonic() - self.begun:7.1f} s  {how}\n")

    def births(self):
        """How many processes the desk has heard of."""
        return self.desk.rows("select count(*) from instance where first_bd > 0")[0][0]

    def epoch(self):
        return last_epochs(self.desk.rows).get(GATEWAY)

    def until(self, is_so, what):
        begun = time.monotonic()
        while not is_so():
            if time.monotonic() > begun + NOTICED_S:
                self.anomaly(f"not {what} within {NOTICED_S} s")
                return
            yield 0.5

    def may_end(self, code):
        """It found damage while it ran, or was told by the desk to take a new epoch: at most once each for a hurt."""
        if code != BROKEN or self.broken == 2 * len(self.hurts):
            return False
        self.broken += 1
        self.done["gateway ended to be mended"] += 1
        return True

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
        if self.is_answering():  # one that is starting reads the file anyway, and a signal would end it
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
            if name.endswith("(ending)"):
                continue
            if not (name == "gateway" and self.may_end(process.returncode)):
                self.anomaly(f"{name} ended by itself, code {process.returncode}:\n{self.building.cast.tail(name, 6)}")
            self.start(name)

    def is_answering(self):
        return "gateway" not in self.frozen and self.building.ask("status") is not None

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
        next_evil, people = time.monotonic() + 5, People(self)
        end, last = next_evil + self.seconds - 5, None
        while True:
            now = time.monotonic()
            self.is_ending = now >= end
            if self.is_ending and not self.running:
                last = last or now
                if all(f.is_at_rest() for f in faults) or now > last + QUIET_S:
                    return
            if now >= next_evil and not self.is_ending:
                self.begin_evil()
                if self.random.random() < 0.25:
                    self.begin_evil()
                next_evil = now + self.random.uniform(0.2, 3)
            self.step_evils()
            self.look_after()
            self.desk.look()
            for fault in faults:
                fault.step(self.desk)
            people.step(self.desk, faults)
            time.sleep(STEP_S)


# ---- The verdict -------------------------------------------------------------------------------------------------

def was_shifted(shifted, phase, seen):
    """Was the gateway's wall clock wrong while it may have stamped an end of this phase?"""
    begun, over = phase
    spans = [(begun, seen.get("shown", over or 1e12)), (over or 1e12, seen.get("gone", 1e12))]
    return any(a - 1 < last and first < (b or first) + 1 for a, b in shifted for first, last in spans)


def judge_logs(nemesis):
    words = re.compile(SANITIZER_WORDS + ("" if nemesis.hurts else STORE_WORDS))
    for name in ("gateway", "desk", "sim"):
        with open(nemesis.building.path(name + ".log"), encoding="utf-8", errors="replace") as log:
            bad = [line.strip() for line in log if words.search(line)]
        if bad:
            yield f"{name}.log: {len(bad)} bad lines, first: {bad[0]}"


def judge(nemesis, faults):
    """(what is wrong, how many events, what was told again or lost as documented)."""
    desk = nemesis.desk
    wrong = [f"{f.key}: {'no ticket' if f.is_on else 'not cleared'} at the desk in {QUIET_S} s, phase {len(f.seen)}"
             for f in faults if not f.is_at_rest()]
    truth = read_truth(nemesis.building.path("truth.jsonl"), FAULTS)
    seen = {fault.key: fault.seen for fault in faults}
    events = read_events(desk.rows(INBOX), last_epochs(desk.rows).get(GATEWAY))
    bad, tally, allowed = judge_faults(truth, events,
                                       lambda key, n: not was_shifted(nemesis.shifted, truth[key][n], seen[key][n]), nemesis.hurts)
    # Each hurt may cost an epoch at the start and, where the desk finds that numbers fell back, one more.
    streams, gone = judge_streams(desk.rows, [f.key for f in faults if f.is_on], 1 + 2 * len(nemesis.hurts))
    tally["numbers gone with their epochs"] = gone
    nemesis.tell_file("allowed.txt", "".join(line + "\n" for line in allowed))
    return wrong + bad + streams + list(judge_logs(nemesis)), len(events), tally


def wait_for_quiet(nemesis):
    """Until the desk's receipts have emptied the gateway's queue, and then until what must not come would have."""
    deadline = time.monotonic() + QUIET_S
    while True:
        status = nemesis.building.ask("status")
        if status and status["outbox"]["queued"] == 0:
            break
        if time.monotonic() > deadline:
            return [f"after {QUIET_S} s: outbox {status and status['outbox']}"]
        time.sleep(0.5)
    time.sleep(3)
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
    wrong = wait_for_quiet(nemesis)
    stopped = [(n, p.returncode) for n, p in building.cast.parts if p.poll() is not None and "(ending)" not in n]
    if stopped:
        wrong.append(f"ended by themselves: {stopped}")
    end = building.cast.end("gateway")  # a leak is told at the end
    if end:
        wrong.append(f"the gateway's last end: code {end}")
    building.cast.end("desk")
    bad, n_events, tally = judge(nemesis, faults)
    wrong += bad + nemesis.anomalies
    phases = sum(len(f.seen) for f in faults)
    print(f"seed {seed}: {seconds} s, {nemesis.rounds} full rounds of {len(nemesis.evils)} evils, {phases} faults came, "
          f"{sum(f.is_on for f in faults)} stand, {n_events} events at the desk; "
          + ", ".join(f"{name} {n}" for name, n in sorted(nemesis.done.items()))
          + f"; longest stop of the gateway {nemesis.longest_stop_s:.1f} s")
    print(f"{len(nemesis.hurts)} times the store was damaged or put back; told again or lost as docs/reliability.md says: "
          + (", ".join(f"{what} {n}" for what, n in sorted(tally.items()) if n) or "nothing"))
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
    signal.alarm(options.seconds + 3 * QUIET_S)
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
