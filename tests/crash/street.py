"""street.py: several small buildings at once, each with a gateway of its own, on one broker, one desk and one simulator;
and the truth and the verdict about them. What kill.py, broker.py, clock.py and way.py play on. Only Python's standard library.

Each building has two boxes of four contacts (house/), each contact a fault of its own tier, told at once and without
any hold. A fault stands until the desk's database has its ticket, and is away until the desk's database has its end: so
each phase could be seen, whatever died meanwhile. What was told to the simulator is read from the simulator's own log.
"""
import os
import random
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time

SOURCE = os.path.realpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../.."))
sys.path.insert(0, os.path.join(SOURCE, "deploy/demo"))

from stage import ENDS, Cast, Failed, free_port, is_listening, wait_for  # noqa: E402
from verdict import judge_faults, judge_streams, read_event, read_truth  # noqa: E402

HOUSE = os.path.join(SOURCE, "tests/crash/house")
BOXES = ("east", "west")
FAULTS = {"trapped": "CRS-01", "leak": "CRS-02", "broken": "CRS-03", "worn": "CRS-04"}
TRIES = 4             # runs in which a saboteur must be found out
SETTLE_S = 120        # generous: machines are slow, and re-sending waits seconds
# What ends a life badly: a line of these in a log is wrong, whoever wrote it.
BAD_WORDS = ("ERROR: AddressSanitizer", "ERROR: LeakSanitizer", "runtime error:", " store_failed ",
             " outbox_unreadable ", " save_failed ", " event_rejected ", " event_not_sent ")

GATEWAY = """weiyu: gateway/1
gateway: {gateway}
state: {run}/{gateway}
socket: {run}/{gateway}.sock
site: {gateway}-site.yaml
classes: [{house}/classes.yaml]
faults: [{house}/faults.yaml]
tiers: {house}/tiers.yaml
profiles: [{house}/profile.yaml]
rules: [{house}/rules.yaml]
record: {{enabled: false}}
uplink: {{host: 127.0.0.1, port: {mqtt}, server_name: 127.0.0.1, ca: {run}/pki/ca.crt,
  certificate: {run}/pki/{gateway}.crt, key: {run}/pki/{gateway}.key, keepalive: 20s, retry_first: 200ms,
  retry_most: 1s, receipt_wait: {receipt_wait}}}
log: info
"""

SITE = """weiyu: site/1
site: {{id: one, name_zh: 一号楼, name_en: Building one, profile: legacy}}
zone: Asia/Shanghai
wires:
  - {{id: bus, kind: tcp, host: 127.0.0.1, port: {port}, connect: 1s}}
devices:
  - {{id: {gateway}-east, wire: bus, profile: crash-box, unit: 1}}
  - {{id: {gateway}-west, wire: bus, profile: crash-box, unit: 2}}
assets:
"""

ASSET = """  - id: {gateway}-{box}
    class: box
    name_zh: {box}
    name_en: {box}
    place: {{building: A, floor: "1"}}
    device: {gateway}-{box}
"""


class Fault:
    """One contact that closes and opens. Told through the simulator, seen at the desk."""

    def __init__(self, street, gateway, box, point):
        self.street = street
        self.device, self.point = f"{gateway}-{box}", point
        self.gateway = gateway
        self.key = f"{gateway}-{box}/{FAULTS[point]}"
        self.is_on = False
        self.is_seen = True
        self.phases = 0                 # begun
        self.next_at = time.monotonic() + street.random.uniform(0, 3)

    def tell(self):
        self.is_on, self.is_seen = not self.is_on, False
        self.phases += self.is_on
        self.street.sim(f"set {self.device}.{self.point} {'true' if self.is_on else 'false'}")

    def see(self, verb):
        """What the desk has committed."""
        if not self.is_seen and verb == ("opened" if self.is_on else "cleared"):
            self.is_seen = True
            self.next_at = time.monotonic() + self.street.random.choice((0, 0.1, 0.5, 2))

    def step(self, may_begin):
        if self.is_seen and time.monotonic() >= self.next_at and (self.is_on or may_begin):
            self.tell()

    def is_over(self):
        return not self.is_on and self.is_seen


class Street:
    """run: a directory; gateways: how many; programs: {"weiyu": path, "weiyu-desk": path, "weiyu-sim": path}."""

    def __init__(self, run, programs, gateways, random, receipt_wait="1s"):
        self.run, self.programs, self.random = run, programs, random
        self.gateways = [f"gw-kill-{n:02d}" for n in range(1, gateways + 1)]
        self.cast = Cast(run)
        self.mqtt = free_port()
        self.wire = {gateway: free_port() for gateway in self.gateways}
        self.render(receipt_wait)
        subprocess.run([os.path.join(SOURCE, "deploy/pki.sh"), self.path("pki"), "sink", *self.gateways], check=True,
                       stdout=subprocess.DEVNULL)
        subprocess.run([os.path.join(SOURCE, "deploy/broker/render.sh"), str(self.mqtt), run], check=True)
        self.control = None
        self.has_times = True   # the gateways' clocks are right: what they stamp is judged too
        self.faults = [Fault(self, gateway, box, point)
                       for gateway in self.gateways for box in BOXES for point in FAULTS]
        self.by_key = {fault.key: fault for fault in self.faults}
        self.db = None
        self.seen_row = 0
        self.events = []

    def path(self, name):
        return os.path.join(self.run, name)

    def write(self, name, text):
        with open(self.path(name), "w", encoding="utf-8") as file:
            file.write(text)

    def render(self, receipt_wait):
        scenario = f"weiyu: sim/1\nprofiles: [{HOUSE}/profile.yaml]\ndevices:\n"
        for gateway in self.gateways:
            self.write(gateway + ".yaml", GATEWAY.format(gateway=gateway, run=self.run, house=HOUSE, mqtt=self.mqtt,
                                                         receipt_wait=receipt_wait))
            self.write(gateway + "-site.yaml", SITE.format(gateway=gateway, port=self.wire[gateway]) +
                       "".join(ASSET.format(gateway=gateway, box=box) for box in BOXES))
            for unit, box in enumerate(BOXES, 1):
                scenario += f"  - {{id: {gateway}-{box}, kind: tcp, port: {self.wire[gateway]}, " \
                            f"profile: crash-box, unit: {unit}}}\n"
        self.write("scenario.yaml", scenario)

    # -- parts

    def start_broker(self):
        broker = self.cast.start("mosquitto", [shutil.which("mosquitto") or "/usr/sbin/mosquitto", "-c", self.path("mosquitto.conf")])
        wait_for("mosquitto", self.cast, lambda: is_listening(self.mqtt))
        return broker

    def start_desk(self, environment=None):
        pki = self.path("pki")
        return self.cast.start("desk", [self.programs["weiyu-desk"], "--db", "sqlite:" + self.path("desk.db"), "--host",
                                   "127.0.0.1", "--port", str(self.mqtt), "--ca", pki + "/ca.crt", "--cert",
                                   pki + "/sink.crt", "--key", pki + "/sink.key", "--json"], environment)

    def start_sim(self):
        ports = self.path("sim-ports.json")
        self.cast.start("sim", [self.programs["weiyu-sim"], "--control", self.path("sim.sock"), "--ports", ports, "--truth",
                           self.path("truth.jsonl"), self.path("scenario.yaml")])
        wait_for("the simulator", self.cast, lambda: os.path.exists(ports) and os.path.exists(self.path("sim.sock")))
        self.control = socket.socket(socket.AF_UNIX)
        self.control.settimeout(10)
        self.control.connect(self.path("sim.sock"))
        self.control_lines = self.control.makefile()

    def start_gateway(self, gateway, environment=None):
        return self.cast.start(gateway, [self.programs["weiyu"], "run", "-c", self.path(gateway + ".yaml")], environment)

    def open_desk_db(self):
        def is_there():
            try:
                self.db = sqlite3.connect(f"file:{self.path('desk.db')}?mode=ro", uri=True, timeout=10)
                self.db.execute("select count(*) from inbox")
                return True
            except sqlite3.Error:
                return False
        wait_for("the desk's database", self.cast, is_there)

    def sim(self, command):
        self.control.sendall((command + "\n").encode())
        answer = self.control_lines.readline()
        if not answer.startswith("ok"):
            raise Failed(f"the simulator says: {answer.strip()}")

    def forget(self, process):
        self.cast.parts = [(name, p) for name, p in self.cast.parts if p is not process]

    def kill(self, process):
        """SIGKILL, unless it has died meanwhile. True: this killed it."""
        was_alive = process.poll() is None
        if was_alive:
            process.kill()
        process.wait()
        self.forget(process)
        return was_alive

    # -- the sink

    def look(self):
        """Events committed at the desk since the last look."""
        fresh = []
        for rowid, *row in self.rows(f"select rowid, epoch, seq, received_at, body from inbox where rowid > {self.seen_row} "
                                     "order by rowid"):
            self.seen_row = rowid
            event = read_event(*row)
            if not event:
                continue
            fresh.append(event)
            if event["key"] in self.by_key:
                self.by_key[event["key"]].see(event["verb"])
        self.events += fresh
        return fresh

    def rows(self, sql):
        return self.db.execute(sql).fetchall()

    def step(self, may_begin):
        """Faults whose time has come begin or end."""
        for fault in self.faults:
            fault.step(may_begin)

    def is_over(self):
        return all(fault.is_over() for fault in self.faults)

    # -- the verdict

    def judge(self):
        self.look()
        wrong = [f"{fault.key}: {'no ticket' if fault.is_on else 'not cleared'} at the desk, phase {fault.phases}"
                 for fault in self.faults if not fault.is_over()]
        truth = read_truth(self.path("truth.jsonl"), {f.key: (f.device, {f.point: True}) for f in self.faults})
        wrong += judge_faults(truth, self.events, lambda key, n: self.has_times)[0]
        return wrong + judge_streams(self.rows)[0] + self.judge_logs()

    def judge_logs(self):
        wrong = []
        for name in os.listdir(self.run):
            if not name.endswith(".log") or name == "broker.log":
                continue
            with open(self.path(name), encoding="utf-8", errors="replace") as log:
                bad = [line.strip() for line in log if any(word in line for word in BAD_WORDS)]
            if bad:
                wrong.append(f"{name}: {len(bad)} bad lines, the first: {bad[0][:300]}")
        return wrong

    def redelivered(self):
        """How often the desk said that an event had come before."""
        with open(self.path("desk.log"), encoding="utf-8", errors="replace") as log:
            return sum('"duplicate": true' in line or '"duplicate":true' in line for line in log)

    def say_verdict(self, odd):
        """odd: what is wrong beside the verdict. 0: nothing at all, 1: the verdict is bad, 2: only something odd."""
        wrong = self.judge()
        print(f"{sum(f.phases for f in self.faults)} faults came and went, {len(self.events)} events at the desk, "
              f"{self.redelivered()} came more than once and were known")
        for line in wrong[:40] + odd[:40]:
            print("WRONG " + line)
        print("verdict: " + (f"{len(wrong)} things wrong" if wrong else "lost 0, doubled 0, out of order 0, false 0")
              + (f", {len(odd)} odd" if odd else ""), flush=True)
        return 1 if wrong else 2 if odd or not self.events else 0

    def stop(self):
        for _, process in self.cast.parts:
            if process.poll() is None:
                process.send_signal(signal.SIGCONT)
        self.cast.stop()


# ---- Life --------------------------------------------------------------------------------------------------------

class Stopped(Exception):
    """Somebody wants it to end; the number of the signal says how."""


def stop_at(signum, _):
    for each in ENDS:
        signal.signal(each, signal.SIG_IGN)
    raise Stopped(signum)


def add_options(parser, gateways):
    parser.add_argument("build", help="a directory with bin/")
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--gateways", type=int, default=gateways)
    parser.add_argument("--settle", type=int, default=SETTLE_S, help="so many seconds everything may take at the end")
    parser.add_argument("--saboteur", help="this program of bin/ instead of the product's: exit 0 if it is found out")
    parser.add_argument("--run", help="a directory that stays; otherwise one that is kept only if something is wrong")


def make_street(options, seed, run):
    names = {part: part + "-steps" for part in ("weiyu", "weiyu-desk")} | {"weiyu-sim": "weiyu-sim"}
    if options.saboteur:
        names["weiyu-desk" if options.saboteur.startswith("weiyu-desk-") else "weiyu"] = options.saboteur
    bin_dir = os.path.join(os.path.abspath(options.build), "bin")
    programs = {part: os.path.join(bin_dir, name) for part, name in names.items()}
    return Street(run, programs, options.gateways, random.Random(seed + 1))


def play(options, seed, run, perform, is_last):
    """One run, in a directory that is kept only if this is what the rig came to: 0, 1: the verdict is bad, 2: something odd, 128
    and more: stopped."""
    os.makedirs(run, mode=0o700, exist_ok=True)
    street, code = None, 2
    try:
        street = make_street(options, seed, run)
        code = perform(street, seed, options)
    except Stopped as why:
        print(f"stopped by signal {why.args[0]}")
        code = 128 + why.args[0]
    except Failed as why:
        print(f"WRONG {why}")
    finally:
        if street:
            street.stop()
        is_wanted = code == (1 if options.saboteur else 0)
        if not options.run and (is_wanted or not is_last):
            shutil.rmtree(run)
        else:
            print(f"logs and databases: {run}")
    return code


def find_out(options, seed, perform):
    """Chance may spare a saboteur, on a busy machine more than on another: it is met again, with the next seed."""
    for n in range(TRIES):
        run = os.path.join(options.run, str(n)) if options.run else tempfile.mkdtemp(prefix="weiyu-street-")
        code = play(options, seed + n, run, perform, n == TRIES - 1)
        if code == 1:
            print(f"the saboteur {options.saboteur} was found out")
            return 0
        if code >= 128:
            return code
        print(f"the saboteur {options.saboteur} was not found out by seed {seed + n}", flush=True)
    print(f"WRONG the saboteur {options.saboteur} was not found out in {TRIES} runs")
    return 1


def on_a_street(parser, gateways, perform):
    """perform(street, seed, options) returns 0, or 1 if the verdict is bad. Returns the exit code."""
    add_options(parser, gateways)
    options = parser.parse_args()
    seed = options.seed if options.seed is not None else random.SystemRandom().randrange(1 << 32)
    print(f"seed {seed}", flush=True)
    for each in ENDS:
        signal.signal(each, stop_at)
    if options.saboteur:
        return find_out(options, seed, perform)
    return play(options, seed, options.run or tempfile.mkdtemp(prefix="weiyu-street-"), perform, True)
