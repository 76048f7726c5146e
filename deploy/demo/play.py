"""play.py SOURCE BUILD [--keep]: the conductor behind demo.sh.

Starts broker, desk, simulator and gateway, shows each ticket when it stands committed in the desk's database, and
compares that database with the truth that the simulator wrote. Only Python's standard library.
"""
import datetime
import json
import os
import shutil
import signal
import sys
import time
import zoneinfo

from stage import ENDS, Building, Desk, Failed, choose_ports

ZONE = zoneinfo.ZoneInfo("Asia/Shanghai")
LAST_CLEAR_S = 30  # after the last removal every ticket must be over
IS_TTY = sys.stdout.isatty()
COLOURS = {"S1": "1;31", "S2": "33", "S3": "36", "S4": "2"} if IS_TTY else {}


# ---- The play -------------------------------------------------------------------------------------------------------

def seconds_of(stamp):
    return datetime.datetime.fromisoformat(stamp.replace("Z", "+00:00")).timestamp()


def clock_of(stamp, today):
    """A deadline as the duty officer reads it: the hour, and the day where it is not today."""
    if not stamp:
        return "planned"
    day = datetime.date.fromisoformat(stamp[:10])
    return (f"{day:%m-%d} " if day != today else "") + stamp[11:16]


def paint(text, tier):
    return f"\033[{COLOURS[tier]}m{text}\033[0m" if tier in COLOURS else text


def clear_progress():
    if IS_TTY:
        print("\r\033[K", end="", flush=True)


def cut_to(text, columns):
    """As much of a text as fits, a Chinese character counted as two columns."""
    kept = ""
    for char in text:
        if width_of(kept + char) > columns:
            break
        kept += char
    return kept


def show_progress(elapsed_s, total_s, now):
    if IS_TTY:
        width = 30
        done = min(width, int(width * elapsed_s / total_s))
        now = now if elapsed_s <= total_s else "the story is told; waiting for the last tickets to clear"
        line = f"[{'#' * done}{'.' * (width - done)}] {min(elapsed_s, total_s):3.0f}/{total_s:.0f} s  {now}"
        print("\r" + cut_to(line, shutil.get_terminal_size().columns - 1), end="\033[K", flush=True)


def show_event(event):
    """Two lines a person can act on when a ticket opens, one when it ends."""
    data = event["data"]
    verb = event["type"].split(".")[-2]
    place = (data.get("location") or {}).get("text_zh", "")
    committed = datetime.datetime.fromtimestamp(event["committed_ms"] / 1000, ZONE)
    print(f"{committed:%H:%M:%S} {paint(data['tier'], data['tier'])} {verb:<8} {data['ticket_no']}  {place} "
          f"{data['asset']['name']} | {data['fault_code']} {data['fault_name']} {data['fault_name_en']} | "
          f"{data['condition']}", flush=True)
    if verb == "opened":
        due = {key: clock_of(data.get("deadline_" + key), committed.date()) for key in ("ack", "arrive", "resolve")}
        vendor = data.get("vendor")
        firm = f", {vendor['name']} {clock_of(vendor['due'], committed.date())}" if vendor else ""
        print(f"         {data['summary']}\n"
              f"         {data.get('dept_primary_zh', data['dept_primary'])}: ack {due['ack']}, arrive {due['arrive']}"
              f"{firm}, resolve {due['resolve']}", flush=True)


def play(cast, desk, run, story_start, total_s):
    truth = open(os.path.join(run, "truth.jsonl"), encoding="utf-8")
    now = "all is well"
    while True:
        cast.check()
        for line in truth:
            note = json.loads(line).get("note")
            if note and note != now:
                now = note
                clear_progress()
                print(f"{time.time() - story_start:5.0f} s  ... {note}", flush=True)
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
            row["found"] = f"{data['tier']} {data['ticket_no'].removeprefix(data['gateway_id'] + '-')}" + \
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
    head = ("fault injected", "expected", "found", "at desk", "of it ours", "cleared", "")
    lines = [head] + [(f"{r['want']['name_zh']} {r['want']['name_en']}",
                       f"{r['tier']} {r['want']['fault']} {r['want']['asset']}", r["found"], r["wait"], r["latency"],
                       r["cleared"], "ok" if r["ok"] else "WRONG") for r in rows]
    widths = [max(width_of(line[c]) for line in lines) for c in range(len(head))]
    print()
    for line in lines:
        print("  ".join(cell + " " * (widths[c] - width_of(cell)) for c, cell in enumerate(line)).rstrip())
    for event in surplus:
        print(f"NOT EXPECTED: {event['data']['tier']} {event['data']['fault_code']} {event['data']['asset']['id']} "
              f"{event['data']['ticket_no']}")
    print("\nat desk: from the fault in the device to the ticket committed at the desk, the rule's (shortened) hold "
          "included\nof it ours: from the rule's decision to that commit: store, wire, broker, desk\n"
          "cleared: after the cause was removed, the rule's (shortened) clear_hold included")


def say_shortened(run):
    print("times shortened for the demo by params of site.yaml (in brackets what a real building uses):")
    by_package = {}
    with open(os.path.join(run, "site.yaml"), encoding="utf-8") as site:
        for line in site:
            if "# demo;" in line:
                fields = line.split("{")[1].split("}")[0]
                pairs = dict(part.strip().split(": ") for part in fields.split(","))
                usual = line.split("# demo;")[1].strip()
                by_package.setdefault(pairs["package"], []).append(f"{pairs['name']} {pairs['value']} ({usual})")
    for package, changes in by_package.items():
        print(f"  {package + ':':<8}{', '.join(changes)}")


def say_what_to_try(building):
    weiyu = os.path.relpath(building.bin("weiyu"))
    gateway = os.path.relpath(building.path("gateway.yaml"))
    run = os.path.relpath(building.run)
    print(f"""
Everything is still running. In another terminal, from this directory:
  {weiyu} status -c {gateway}
  {weiyu} tickets --all -c {gateway}
  {weiyu} poll lift1-io -c {gateway}
  TZ={ZONE.key} {os.path.relpath(building.bin("weiyu-desk"))} list --all --db sqlite:{run}/desk.db
  echo 'set lift1-io.pit_water true' | nc -NU {run}/sim.sock     # a flooded lift pit: S1 after 10 s
  echo 'set lift1-io.pit_water false' | nc -NU {run}/sim.sock    # its ticket stays: dry for 2 h first
  echo 'unplug leak-ctl' | nc -NU {run}/sim.sock                 # its module is lost after 8 s; `plug` brings it back
Tickets of what you try are shown here. Ctrl-C stops all of it.
""", flush=True)


# ---- Life -------------------------------------------------------------------------------------------------------------------

def perform(building, expected, is_keeping):
    say_shortened(building.run)
    print("\nstarting broker, desk, simulated building and gateway ...", flush=True)
    story_start = building.start_all()
    desk = Desk(building.path("desk.db"))
    total_s = max(want["removed_at"] for want in expected) + 10
    print(f"all of it is up; the story takes {total_s} s and the last tickets some seconds more\n", flush=True)
    play(building.cast, desk, building.run, story_start, total_s)
    rows, surplus = judge(expected, desk.events, story_start)
    show_table(rows, surplus)
    is_fine = all(row["ok"] for row in rows) and not surplus
    print(f"\n{sum(row['ok'] for row in rows)} of {len(rows)} faults gave exactly their ticket and cleared it; "
          f"{len(surplus)} tickets beside them", flush=True)
    if is_keeping:
        say_what_to_try(building)
        while True:
            building.cast.check()
            for event in desk.new_events():
                show_event(event)
            time.sleep(0.5)
    return 0 if is_fine else 1


class Stopped(Exception):
    """Somebody wants the demo to end; the number of the signal says how."""


def stop_at(signum, _):
    for each in ENDS:  # a second Ctrl-C must not cut the stopping short
        signal.signal(each, signal.SIG_IGN)
    raise Stopped(signum)


def main():
    source, build = sys.argv[1], sys.argv[2]
    run = os.path.join(build, "run")
    building = None
    for each in ENDS:
        signal.signal(each, stop_at)
    try:
        shutil.rmtree(run, ignore_errors=True)
        os.makedirs(run, mode=0o700)
        with open(os.path.join(source, "deploy/demo/expected.json"), encoding="utf-8") as file:
            expected = json.load(file)
        building = Building(source, build, run, choose_ports())
        return perform(building, expected, "--keep" in sys.argv[3:])
    except Stopped as why:
        clear_progress()
        print("\nstopping what was started", flush=True)
        return 128 + why.args[0]
    except Failed as why:
        clear_progress()
        print(f"\nthe demo failed: {why}", file=sys.stderr)
        return 1
    finally:
        if building:
            building.cast.stop()


if __name__ == "__main__":
    sys.exit(main())
