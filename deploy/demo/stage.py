"""stage.py: the building of the demo on one machine: broker, desk, simulator, gateway. play.py shows it to people, the
tests under tests/gateway/run/ break it. Only Python's standard library.
"""
import json
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import time

GATEWAY = "gw-demo-01"
ENDS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
END_S = 60  # then it is killed
PORTS = {"MQTT": 8883, "LIFT": 1502, "DOOR": 1503, "FIRE": 1504, "COAP": 5684}


class Failed(Exception):
    """The demo cannot go on; the text says why."""


# ---- Processes ---------------------------------------------------------------------------------------------------

class Cast:
    """Everything that was started, and nothing else, is stopped at the end: last started, first stopped."""

    def __init__(self, run):
        self.run = run
        self.parts = []

    def start(self, name, command, environment=None):
        """environment: what is added to ours."""
        log = open(os.path.join(self.run, name + ".log"), "ab")
        # A session of its own: Ctrl-C reaches the conductor, who then stops the parts in order. Held back meanwhile,
        # so that none is started and then forgotten.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, ENDS)
        try:
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.run,
                                       start_new_session=True, env={**os.environ, **(environment or {})},
                                       preexec_fn=lambda: signal.pthread_sigmask(signal.SIG_SETMASK, before))
            self.parts.append((name, process))
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
            log.close()
        return process

    def check(self):
        for name, process in self.parts:
            if process.poll() is not None:
                raise Failed(f"{name} ended by itself (code {process.returncode}); its last lines:\n{self.tail(name)}")

    def tail(self, name, lines=15):
        with open(os.path.join(self.run, name + ".log"), encoding="utf-8", errors="replace") as log:
            return "".join(log.readlines()[-lines:])

    def end(self, name, how=signal.SIGTERM):
        """Stops one part: the latest of that name. It may take its time: a busy machine, and a sanitizer that looks for leaks."""
        process = next(p for n, p in reversed(self.parts) if n == name)
        self.parts = [(n, p) for n, p in self.parts if p is not process]
        if process.poll() is None:
            process.send_signal(how)
        try:
            process.wait(timeout=END_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        return process.returncode

    def stop(self):
        for name, _ in reversed(list(self.parts)):
            self.end(name)


def wait_for(what, cast, is_ready, patience_s=60):
    deadline = time.monotonic() + patience_s
    while not is_ready():
        cast.check()
        if time.monotonic() > deadline:
            raise Failed(f"{what} did not become ready within {patience_s} s")
        time.sleep(0.05)


def is_listening(port):
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


# ---- Setting the stage --------------------------------------------------------------------------------------------

def is_free(port, kind):
    with socket.socket(socket.AF_INET, kind) as probe:
        if kind == socket.SOCK_STREAM:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


# Below the range from which the kernel picks ports for outgoing connections, and from a place that depends on the
# process, so that two of them seldom look at the same one.
_candidates = iter(range(10000 + os.getpid() * 97 % 18000, 32000))
_claims = []


def claim(port, kind):
    """True: nobody uses it, and until this process ends nobody else who asks here is given it. What says so to the others is
    the name of a socket in the kernel: it goes with the process, whatever ends it."""
    mark = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    try:
        mark.bind(f"\0weiyu-port-{port}")
        if is_free(port, kind):
            _claims.append(mark)
            return True
    except OSError:
        pass
    mark.close()
    return False


def free_port(kind=socket.SOCK_STREAM):
    return next(port for port in _candidates if claim(port, kind))


def choose_ports(usual=True):
    """The usual ports where they are free; another one, and a word about it, where not. Not usual: any free ones."""
    chosen = {}
    for name, port in PORTS.items():
        kind = socket.SOCK_DGRAM if name == "COAP" else socket.SOCK_STREAM
        if not usual:
            port = free_port(kind)
        elif not claim(port, kind):
            other = free_port(kind)
            print(f"port {port} ({name.lower()}) is in use by somebody else; taking {other}")
            port = other
        chosen[name] = port
    return chosen


class Building:
    """One building in a run directory of its own. Parts are started and stopped one by one."""

    def __init__(self, source, build, run, ports, has_story=True):
        self.source, self.build, self.run, self.ports = source, build, run, ports
        self.cast = Cast(run)
        self.render(has_story)
        self.make_secrets()

    def path(self, name):
        return os.path.join(self.run, name)

    def bin(self, name):
        return os.path.join(self.build, "bin", name)

    def render(self, has_story):
        places = {"@RUN@": self.run, "@SOURCE@": self.source}
        places |= {f"@{name}_PORT@": str(port) for name, port in self.ports.items()}
        for name in ("gateway.yaml", "site.yaml", "scenario.yaml"):
            with open(os.path.join(self.source, "deploy/demo", name + ".in"), encoding="utf-8") as template:
                text = template.read()
            if name == "scenario.yaml" and not has_story:
                text = text[:text.index("timeline:")]
            for key, value in places.items():
                text = text.replace(key, value)
            with open(self.path(name), "w", encoding="utf-8") as out:
                out.write(text)

    def make_secrets(self):
        subprocess.run([os.path.join(self.source, "deploy/pki.sh"), self.path("pki"), GATEWAY, "sink"], check=True,
                       stdout=subprocess.DEVNULL)
        key = os.open(self.path("leak-7f.psk"), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with open(key, "w", encoding="ascii") as out:
            out.write(os.urandom(16).hex() + "\n")
        subprocess.run([os.path.join(self.source, "deploy/broker/render.sh"), str(self.ports["MQTT"]), self.run],
                       check=True)

    def start_broker(self):
        mosquitto = shutil.which("mosquitto") or "/usr/sbin/mosquitto"
        self.cast.start("mosquitto", [mosquitto, "-c", self.path("mosquitto.conf")])
        wait_for("mosquitto", self.cast, lambda: is_listening(self.ports["MQTT"]))

    def start_desk(self, *options):
        pki = self.path("pki")
        self.cast.start("desk", [self.bin("weiyu-desk"), "--db", "sqlite:" + self.path("desk.db"), "--host", "127.0.0.1",
                                 "--port", str(self.ports["MQTT"]), "--ca", pki + "/ca.crt",
                                 "--cert", pki + "/sink.crt", "--key", pki + "/sink.key", *options])
        wait_for("the desk's database", self.cast, lambda: has_inbox(self.path("desk.db")))

    def start_sim(self):
        """Returns the instant (Unix seconds) at which the simulator began."""
        listening, truth = self.path("sim-ports.json"), self.path("truth.jsonl")
        self.cast.start("sim", [self.bin("weiyu-sim"), "--control", self.path("sim.sock"), "--ports", listening,
                                "--truth", truth, self.path("scenario.yaml")])
        wait_for("the simulator", self.cast, lambda: os.path.exists(listening) and os.path.exists(truth) and
                 os.path.getsize(truth) > 0)
        with open(truth, encoding="utf-8") as lines:
            return json.loads(lines.readline())["t_ms"] / 1000

    def start_gateway(self, is_waiting=True, environment=None):
        process = self.cast.start("gateway", [self.bin("weiyu"), "run", "-c", self.path("gateway.yaml")], environment)
        if is_waiting:
            wait_for("the gateway", self.cast, lambda: ((self.ask("status") or {}).get("uplink") or {}).get("is_up"))
        return process

    def start_all(self):
        self.start_broker()
        self.start_desk()
        story_start = self.start_sim()
        self.start_gateway()
        return story_start

    def ask(self, what, *options):
        """What the gateway says over its control socket, or None."""
        answer = subprocess.run([self.bin("weiyu"), what, "--socket", self.path("weiyu.sock"), "--json", *options],
                                capture_output=True, text=True)
        return json.loads(answer.stdout) if answer.returncode == 0 else None

    def sim(self, command):
        """A command to the simulator's control socket, e.g. `set lift2-io.running false`."""
        with socket.socket(socket.AF_UNIX) as control:
            control.settimeout(10)
            control.connect(self.path("sim.sock"))
            control.sendall((command + "\n").encode())
            answer = control.makefile().readline()
        if not answer.startswith("ok"):
            raise Failed(f"the simulator says: {answer.strip()}")
        return answer


# ---- The desk's database -------------------------------------------------------------------------------------------

def has_inbox(path):
    """The desk has made its database, and not only begun to."""
    if not os.path.exists(path):
        return False
    try:
        Desk(path).db.execute("select count(*) from inbox")
        return True
    except sqlite3.Error:
        return False


class Desk:
    """Committed events, read from the desk's database as the duty officer's screen would."""

    def __init__(self, path):
        self.db = sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=10)
        self.seen = 0
        self.events = []

    def new_events(self):
        rows = self.db.execute("select rowid, received_at, body from inbox where rowid > ? order by rowid",
                               (self.seen,)).fetchall()
        fresh = []
        for rowid, received_at, body in rows:
            self.seen = rowid
            event = json.loads(body)
            if ".ticket." in event["type"]:
                event["committed_ms"] = received_at
                fresh.append(event)
        self.events += fresh
        return fresh
