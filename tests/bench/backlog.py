"""backlog.py BUILD [EVENTS]: a month without a broker, and then it is back.

backlog_fill gives the demo's building, its rules and its store 100,000 real events with the broker away; then the size of the store with
its write-ahead log is taken. Broker and desk are started, then the gateway, and the drain over TLS into the desk's database is timed
until a receipt has covered everything; order and count are checked there. BUILD is a release build with weiyu, weiyu-desk,
weiyu-sim and backlog_fill. Prints what docs/measurements.md quotes.
"""
import os
import sqlite3
import subprocess
import sys
import tempfile
import time

SOURCE = os.path.realpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../.."))
sys.path.insert(0, os.path.join(SOURCE, "deploy/demo"))

from stage import Building, choose_ports  # noqa: E402

PATIENCE_S = 1800


def size_of(state):
    return sum(os.path.getsize(os.path.join(state, name)) for name in os.listdir(state) if name.startswith("weiyu.db"))


def queued(state):
    with sqlite3.connect(f"file:{state}/weiyu.db?mode=ro", uri=True, timeout=10) as db:
        values = dict(db.execute("select key, value from meta where key like 'outbox_%' or key = 'seq'"))
    return values["outbox_rest_n"] + values["outbox_s1_n"], values["seq"]


def check(desk, last):
    """Each number once, in its place: within a lane they came as they were given."""
    with sqlite3.connect(f"file:{desk}?mode=ro", uri=True, timeout=10) as db:
        rows = db.execute("select seq, body like '%\"tier\":\"S1\"%' from inbox where seq > 0 order by rowid").fetchall()
        distinct = db.execute("select count(distinct seq) from inbox where seq > 0").fetchone()[0]
    lanes = [[seq for seq, is_s1 in rows if bool(is_s1) == lane and seq <= last] for lane in (False, True)]
    turned = sum(a > b for lane in lanes for a, b in zip(lane, lane[1:]))
    missing = last - sum(1 for seq, _ in rows if seq <= last)
    return distinct, missing, turned


def main(build, events):
    with tempfile.TemporaryDirectory(prefix="weiyu-backlog-") as run:
        building = Building(SOURCE, os.path.realpath(build), run, choose_ports(usual=False), has_story=False)
        state = building.path("state")
        os.makedirs(state, exist_ok=True)
        print(subprocess.run([building.bin("backlog_fill"), building.path("gateway.yaml"), str(events)], check=True,
                             capture_output=True, text=True).stdout.strip())
        print(f"store with its log: {size_of(state) / 2 ** 20:.1f} MiB")
        _, last = queued(state)
        try:
            building.start_broker()
            building.start_desk()
            building.start_gateway()
            begun, first = time.monotonic(), queued(state)[0]
            while queued(state)[0] > 50:
                building.cast.check()
                assert time.monotonic() - begun < PATIENCE_S
                time.sleep(0.2)
            took = time.monotonic() - begun
            print(f"drained {first} events in {took:.1f} s: {first / took:.0f} a second")
            time.sleep(2)
        finally:
            building.cast.stop()
        distinct, missing, turned = check(building.path("desk.db"), last)
        print(f"at the desk: {distinct} numbers, {missing} of {last} missing, {turned} out of order within a lane; "
              f"store afterwards {size_of(state) / 2 ** 20:.1f} MiB")
        return 0 if missing == 0 and turned == 0 else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 100000))
