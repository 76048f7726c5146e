"""play.py SOURCE BUILD [--keep]: the conductor behind demo.sh.

Starts broker, desk, simulator and gateway, shows each ticket when it stands committed in the desk's database, and
compares that database with the truth that the simulator wrote. Only Python's standard library.
"""
import datetime
import json
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import time
import zoneinfo

GATEWAY = "gw-demo-01"
ZONE = zoneinfo.ZoneInfo("Asia/Shanghai")
PORTS = {"MQTT": 8883, "LIFT": 1502, "DOOR": 1503, "FIRE": 1504, "COAP": 5684}
LAST_CLEAR_S = 30  # after the last removal every ticket must be over
IS_TTY = sys.stdout.isatty()
COLOURS = {"S1": "1;31", "S2": "33", "S3": "36", "S4": "2"} if IS_TTY else {}


class Failed(Exception):
    """The demo cannot go on; the text says why."""


# ---- Processes ---------------------------------------------------------------------------------------------------

class Cast:
    """Everything that was started, and nothing else, is stopped at the end: last started, first stopped."""

    def __init__(self, run):
        self.run = run
        self.parts = []

    def start(self, name, command):
        log = open(os.path.join(self.run, name + ".log"), "ab")
        # A session of its own: Ctrl-C reaches the conductor, who then stops the parts in order.
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.run,
                                   start_new_session=True)
        self.parts.append((name, process))
        return process

    def check(self):
        for name, process in self.parts:
            if process.poll() is not None:
                raise Failed(f"{name} ended by itself (code {process.returncode}); its last lines:\n{self.tail(name)}")

    def tail(self, name, lines=15):
        with open(os.path.join(self.run, name + ".log"), encoding="utf-8", errors="replace") as log:
            return "".join(log.readlines()[-lines:])

    def stop(self):
        for _, process in reversed(self.parts):
            if process.poll() is None:
                process.terminate()
            try:
                process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self.parts = []


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


def choose_ports():
    """The usual ports where they are free; another one, and a word about it, where not."""
    chosen = {}
    for name, port in PORTS.items():
        kind = socket.SOCK_DGRAM if name == "COAP" else socket.SOCK_STREAM
        if not is_free(port, kind):
            with socket.socket(socket.AF_INET, kind) as probe:
                probe.bind(("127.0.0.1", 0))
                other = probe.getsockname()[1]
            print(f"port {port} ({name.lower()}) is in use by somebody else; taking {other}")
            port = other
        chosen[name] = port
    return chosen


def render(source, run, ports):
    places = {"@RUN@": run, "@SOURCE@": source} | {f"@{name}_PORT@": str(port) for name, port in ports.items()}
    for name in ("gateway.yaml", "site.yaml", "scenario.yaml"):
        with open(os.path.join(source, "deploy/demo", name + ".in"), encoding="utf-8") as template:
            text = template.read()
        for key, value in places.items():
            text = text.replace(key, value)
        with open(os.path.join(run, name), "w", encoding="utf-8") as out:
            out.write(text)


def make_secrets(source, run):
    subprocess.run([os.path.join(source, "deploy/pki.sh"), os.path.join(run, "pki"), GATEWAY, "sink"], check=True,
                   stdout=subprocess.DEVNULL)
    key = os.path.join(run, "leak-7f.psk")
    with open(os.open(key, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="ascii") as out:
        out.write(os.urandom(16).hex() + "\n")


def gateway_says(build, run, what):
    answer = subprocess.run([os.path.join(build, "bin/weiyu"), what, "--socket", os.path.join(run, "weiyu.sock"),
                             "--json"], capture_output=True, text=True)
    return json.loads(answer.stdout) if answer.returncode == 0 else None


def start_all(cast, source, build, run, ports):
    """Returns the instant (Unix seconds) at which the simulator's story began."""
    def bin_of(name):
        return os.path.join(build, "bin", name)

    subprocess.run([os.path.join(source, "deploy/broker/render.sh"), str(ports["MQTT"]), run], check=True)
    mosquitto = shutil.which("mosquitto") or "/usr/sbin/mosquitto"
    cast.start("mosquitto", [mosquitto, "-c", os.path.join(run, "mosquitto.conf")])
    wait_for("mosquitto", cast, lambda: is_listening(ports["MQTT"]))
    pki = os.path.join(run, "pki")
    cast.start("desk", [bin_of("weiyu-desk"), "--db", "sqlite:" + os.path.join(run, "desk.db"), "--host", "localhost",
                        "--port", str(ports["MQTT"]), "--ca", pki + "/ca.crt", "--cert", pki + "/sink.crt",
                        "--key", pki + "/sink.key"])
    wait_for("the desk's database", cast, lambda: os.path.exists(os.path.join(run, "desk.db")))
    listening = os.path.join(run, "sim-ports.json")
    truth = os.path.join(run, "truth.jsonl")
    cast.start("sim", [bin_of("weiyu-sim"), "--control", os.path.join(run, "sim.sock"), "--ports", listening,
                       "--truth", truth, os.path.join(run, "scenario.yaml")])
    wait_for("the simulator", cast, lambda: os.path.exists(listening) and os.path.getsize(truth) > 0)
    cast.start("gateway", [bin_of("weiyu"), "run", "-c", os.path.join(run, "gateway.yaml")])
    wait_for("the gateway", cast, lambda: (gateway_says(build, run, "status") or {"uplink": {}})["uplink"].get("is_up"))
    with open(truth, encoding="utf-8") as lines:
        return json.loads(lines.readline())["t_ms"] / 1000


# ---- The play -------------------------------------------------------------------------------------------------------

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


def seconds_of(stamp):
    return datetime.datetime.fromisoformat(stamp.replace("Z", "+00:00")).timestamp()


def clock_of(stamp):
    return stamp[11:16] if stamp else "planned"


def paint(text, tier):
    return f"\033[{COLOURS[tier]}m{text}\033[0m" if tier in COLOURS else text


def clear_progress():
    if IS_TTY:
        print("\r\033[K", end="")


def show_progress(elapsed_s, total_s, now):
    if IS_TTY:
        width = 40
        done = min(width, int(width * elapsed_s / total_s))
        print(f"\r[{'#' * done}{'.' * (width - done)}] {elapsed_s:3.0f}/{total_s:.0f} s  {now}"[:150], end="\033[K",
              flush=True)


def show_event(event):
    data = event["data"]
    verb = event["type"].split(".")[-2]
    place = (data.get("location") or {}).get("text_zh", "")
    line = (f"{datetime.datetime.fromtimestamp(event['committed_ms'] / 1000, ZONE):%H:%M:%S} "
            f"{paint(data['tier'], data['tier'])} {verb:<8} {place} | {data['fault_code']} {data['fault_name']} "
            f"{data['fault_name_en']} | {data.get('dept_primary_zh', data['dept_primary'])} | ack "
            f"{clock_of(data.get('deadline_ack'))} arrive {clock_of(data.get('deadline_arrive'))} resolve "
            f"{clock_of(data.get('deadline_resolve'))} | {data['condition']} | {data['ticket_no']}")
    print(line)
    if verb == "opened":
        print(f"         {data['summary']}")


def play(cast, desk, run, story_start, total_s):
    truth = open(os.path.join(run, "truth.jsonl"), encoding="utf-8")
    now = ""
    while True:
        cast.check()
        for line in truth:
            note = json.loads(line).get("note")
            if note and note != now:
                now = note
                clear_progress()
                print(f"{time.time() - story_start:5.0f}s  ... {note}")
        fresh = desk.new_events()
        if fresh:
            clear_progress()
        for event in fresh:
            show_event(event)
        elapsed_s = time.time() - story_start
        if elapsed_s > total_s and all_over(desk) or elapsed_s > total_s + LAST_CLEAR_S:
            clear_progress()
            return
        show_progress(elapsed_s, total_s, now)
        time.sleep(0.2)


def all_over(desk):
    last = {}
    for event in desk.events:
        last[event["data"]["ticket_key"]] = event["data"]["condition"]
    return all(condition == "cleared" for condition in last.values())


# ---- The verdict --------------------------------------------------------------------------------------------------------

def is_night(unix_s):
    hour = datetime.datetime.fromtimestamp(unix_s, ZONE).hour
    return hour >= 22 or hour < 6


def judge(expected, events, story_start):
    """A row for each expected fault, and what appeared beside them."""
    openings = [e for e in events if e["type"].endswith(".opened.v1")]
    clearings = {e["data"]["ticket_key"]: e for e in events if e["type"].endswith(".cleared.v1")}
    rows = []
    for want in expected:
        injected = story_start + want["at"]
        tier = want.get("tier_at_night", want["tier"]) if is_night(injected) else want["tier"]
        mine = [e for e in openings if e["data"]["fault_code"] == want["fault"] and
                e["data"]["asset"]["id"] == want["asset"]]
        for event in mine:
            openings.remove(event)
        row = {"want": want, "tier": tier, "found": "MISSING", "wait": "-", "latency": "-", "cleared": "-", "ok": False}
        if mine:
            data = mine[0]["data"]
            committed = mine[0]["committed_ms"] / 1000
            over = clearings.get(data["ticket_key"])
            row["found"] = f"{data['tier']} {data['ticket_no'].split('-', 2)[-1]}" + \
                (f" and {len(mine) - 1} more" if len(mine) > 1 else "")
            row["wait"] = f"{committed - injected:.1f} s"
            row["latency"] = f"{(committed - seconds_of(data['opened_at'])) * 1000:.0f} ms"
            if over:
                row["cleared"] = f"{over['committed_ms'] / 1000 - story_start - want['removed_at']:.1f} s"
            row["ok"] = len(mine) == 1 and data["tier"] == tier and committed >= injected and over is not None and \
                over["committed_ms"] / 1000 >= story_start + want["removed_at"]
        rows.append(row)
    return rows, openings


def width_of(text):
    return sum(2 if ord(c) >= 0x2E80 else 1 for c in text)


def show_table(rows, surplus):
    head = ("fault injected", "", "ticket expected", "ticket found", "fault to desk", "decided to desk",
            "cleared after removal", "")
    lines = [head] + [(f"{r['want']['name_zh']}", r["want"]["name_en"],
                       f"{r['tier']} {r['want']['fault']} {r['want']['asset']}", r["found"], r["wait"], r["latency"],
                       r["cleared"], "ok" if r["ok"] else "WRONG") for r in rows]
    widths = [max(width_of(line[c]) for line in lines) for c in range(len(head))]
    print()
    for line in lines:
        print("  ".join(cell + " " * (widths[c] - width_of(cell)) for c, cell in enumerate(line)).rstrip())
    for event in surplus:
        print(f"NOT EXPECTED: {event['data']['tier']} {event['data']['fault_code']} {event['data']['asset']['id']} "
              f"{event['data']['ticket_no']}")
    print("\n'fault to desk' holds the rule's own hold, shortened for the demo by params in site.yaml; 'decided to "
          "desk' is what the gateway, the wire and the desk took.")


def say_shortened(run):
    print("holds shortened for the demo (package.name: demo; the packs' own value):")
    with open(os.path.join(run, "site.yaml"), encoding="utf-8") as site:
        for line in site:
            if "# demo;" in line:
                fields = line.split("{")[1].split("}")[0]
                pairs = dict(part.strip().split(": ") for part in fields.split(","))
                print(f"  {pairs['package']}.{pairs['name']}: {pairs['value']};{line.split('# demo;')[1].rstrip()}")


def say_what_to_try(build, run):
    weiyu = os.path.relpath(os.path.join(build, "bin/weiyu"))
    gateway = os.path.relpath(os.path.join(run, "gateway.yaml"))
    print(f"""
Everything is still running. In another terminal:
  {weiyu} status -c {gateway}
  {weiyu} tickets --all -c {gateway}
  {weiyu} poll leak-ctl -c {gateway}
  {os.path.relpath(os.path.join(build, "bin/weiyu-desk"))} list --all --db sqlite:{os.path.relpath(run)}/desk.db
  echo 'set lift1-io.pit_water true' | nc -U {os.path.relpath(run)}/sim.sock     # a flooded lift pit: S1 in seconds
  echo 'unplug leak-7f' | nc -U {os.path.relpath(run)}/sim.sock
Ctrl-C here stops all of it.""")


# ---- Life -------------------------------------------------------------------------------------------------------------------

def perform(cast, source, build, run, is_keeping):
    with open(os.path.join(source, "deploy/demo/expected.json"), encoding="utf-8") as file:
        expected = json.load(file)
    ports = choose_ports()
    render(source, run, ports)
    make_secrets(source, run)
    say_shortened(run)
    story_start = start_all(cast, source, build, run, ports)
    desk = Desk(os.path.join(run, "desk.db"))
    total_s = max(want["removed_at"] for want in expected) + 10
    print(f"\nbroker, desk, simulator and gateway are up; the story takes {total_s} s\n")
    play(cast, desk, run, story_start, total_s)
    rows, surplus = judge(expected, desk.events, story_start)
    show_table(rows, surplus)
    is_fine = all(row["ok"] for row in rows) and not surplus
    print(f"\n{sum(row['ok'] for row in rows)} of {len(rows)} faults gave exactly their ticket and cleared it; "
          f"{len(surplus)} tickets beside them")
    if is_keeping:
        say_what_to_try(build, run)
        while True:
            cast.check()
            time.sleep(1)
    return 0 if is_fine else 1


def main():
    source, build = sys.argv[1], sys.argv[2]
    run = os.path.join(build, "run")
    shutil.rmtree(run, ignore_errors=True)
    os.makedirs(run, mode=0o700)
    cast = Cast(run)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        return perform(cast, source, build, run, "--keep" in sys.argv[3:])
    except KeyboardInterrupt:
        clear_progress()
        print("\nstopping what was started")
        return 130
    except Failed as why:
        clear_progress()
        print(f"\nthe demo failed: {why}", file=sys.stderr)
        return 1
    finally:
        cast.stop()


if __name__ == "__main__":
    sys.exit(main())
