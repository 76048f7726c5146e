"""soak.py BUILD [MINUTES]: does a gateway grow? Two small gateways (tests/crash/house) with faults that come and go all the time,
on broker, desk and simulator. The broker is stopped and started, and a gateway's connection so broken, every two minutes.

Resident memory, descriptors and threads are read every five seconds. The first quarter is warming up; drift is the median
of the last quarter against that of the second. BUILD is a release build. Prints what docs/measurements.md quotes; no test.
"""
import os
import random
import statistics
import sys
import tempfile
import time

SOURCE = os.path.realpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../.."))
sys.path.insert(0, os.path.join(SOURCE, "tests/crash"))

from street import Street  # noqa: E402

LOOK_S, BROKER_S = 5, 120


def look(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        rows = dict(line.split(":", 1) for line in file)
    return int(rows["VmRSS"].split()[0]), len(os.listdir(f"/proc/{pid}/fd")), int(rows["Threads"])


def soak(street, minutes):
    street.start_broker()
    street.start_desk()
    street.start_sim()
    gateways = {gateway: street.start_gateway(gateway) for gateway in street.gateways}
    street.open_desk_db()
    looks = {gateway: [] for gateway in gateways}
    begun = time.monotonic()
    next_look, next_broker, told = begun, begun + BROKER_S, 0
    while (now := time.monotonic()) < begun + 60 * minutes:
        street.look()
        for fault in street.faults:
            was = fault.phases
            fault.step(True)
            told += fault.phases - was
        if now >= next_look:
            street.cast.check()
            next_look += LOOK_S
            for gateway, process in gateways.items():
                looks[gateway].append(look(process.pid))
        if now >= next_broker:
            next_broker += BROKER_S
            street.cast.end("mosquitto")
            street.start_broker()
        time.sleep(0.02)
    return looks, told


def report(looks, told, minutes):
    print(f"{minutes} min, {told} faults came and went, broker stopped and started every {BROKER_S} s")
    for gateway, rows in looks.items():
        n = len(rows) // 4
        early, late = rows[n:2 * n], rows[3 * n:]
        rss = [statistics.median(row[0] for row in part) for part in (early, late)]
        print(f"{gateway}: resident {rss[0]:.0f} to {rss[1]:.0f} kB ({100 * (rss[1] / rss[0] - 1):+.2f} %), descriptors "
              f"{statistics.median(r[1] for r in early):.0f} to {statistics.median(r[1] for r in late):.0f}, threads "
              f"{statistics.median(r[2] for r in early):.0f} to {statistics.median(r[2] for r in late):.0f}")


def main():
    build, minutes = os.path.realpath(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 60
    programs = {name: os.path.join(build, "bin", name) for name in ("weiyu", "weiyu-desk", "weiyu-sim")}
    with tempfile.TemporaryDirectory(prefix="weiyu-soak-") as run:
        street = Street(run, programs, 2, random.Random(1))
        try:
            report(*soak(street, minutes), minutes)
        finally:
            street.cast.stop()


main()
