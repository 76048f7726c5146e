"""path.py BUILD [CYCLES]: figures of the whole path on this machine, over real protocols: simulator, gateway, mosquitto
with TLS, desk with SQLite. BUILD is a release build (cmake -DWY_TESTS=OFF) with weiyu, weiyu-desk and weiyu-sim.

Prints what docs/measurements.md quotes. It is no test: it passes no judgement.
"""
import os
import random
import statistics
import sys
import tempfile
import time

SOURCE = os.path.realpath(os.path.join(os.path.dirname(__file__), "..", ".."))
sys.path.insert(0, os.path.join(SOURCE, "deploy/demo"))

from stage import Building, Desk, choose_ports  # noqa: E402
from play import seconds_of  # noqa: E402

IDLE_S = 60


def make_building(build):
    run = tempfile.mkdtemp(prefix="weiyu-bench-")
    building = Building(SOURCE, build, run, choose_ports(usual=False), has_story=False)
    site = building.path("site.yaml")
    with open(site, encoding="utf-8") as file:
        text = file.read()
    # No hold, so that what is left is the path itself.
    text = text.replace("name: leak_hold, value: 2s", "name: leak_hold, value: 0s") \
               .replace("name: leak_clear, value: 4s", "name: leak_clear, value: 1s")
    with open(site, "w", encoding="utf-8") as file:
        file.write(text)
    return building


def usage(pid):
    with open(f"/proc/{pid}/io", encoding="ascii") as file:
        io = dict(line.split(": ") for line in file.read().splitlines())
    with open(f"/proc/{pid}/stat", encoding="ascii") as file:
        ticks = file.read().rsplit(")", 1)[1].split()[11:13]
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        rss = next(line.split()[1] for line in file if line.startswith("VmRSS"))
    return {"disk_bytes": int(io["write_bytes"]), "cpu_s": sum(map(int, ticks)) / os.sysconf("SC_CLK_TCK"),
            "rss_kb": int(rss), "fds": len(os.listdir(f"/proc/{pid}/fd"))}


def measure_idle(building, pid):
    time.sleep(20)  # past the first reads
    before = usage(pid)
    time.sleep(IDLE_S)
    after = usage(pid)
    print(f"steady polling of {len(building.ask('status')['devices'])} devices for {IDLE_S} s: "
          f"{after['disk_bytes'] - before['disk_bytes']} bytes to the disk, "
          f"{100 * (after['cpu_s'] - before['cpu_s']) / IDLE_S:.2f} % of one core, {after['rss_kb']} kB resident, "
          f"{after['fds']} descriptors")


def wait_for_end(building, desk, n):
    deadline = time.monotonic() + 60
    while len(desk.events) < n and time.monotonic() < deadline:
        desk.new_events()
        building.cast.check()
        time.sleep(0.01)
    assert len(desk.events) >= n, "an event is missing"


def figures(name, values_ms):
    values_ms = sorted(values_ms)
    print(f"{name}: p50 {statistics.median(values_ms):.0f} ms, p99 {values_ms[int(len(values_ms) * 0.99)]:.0f} ms, "
          f"most {values_ms[-1]:.0f} ms ({len(values_ms)} tickets)")


def measure_latency(building, desk, point, name, cycles):
    from_change, from_decision = [], []
    spread = random.Random(1)  # else each change would follow a poll at once and wait a whole period
    for _ in range(cycles):
        time.sleep(spread.random())
        first = len(desk.events)
        changed = time.time()
        building.sim(f"set {point} true")
        wait_for_end(building, desk, first + 1)
        opened = desk.events[first]
        from_change.append(opened["committed_ms"] - changed * 1000)
        from_decision.append(opened["committed_ms"] - seconds_of(opened["data"]["opened_at"]) * 1000)
        building.sim(f"set {point} false")
        wait_for_end(building, desk, first + 2)
    figures(f"{name}, device to desk", from_change)
    figures(f"{name}, decision to desk", from_decision)


def main():
    build = os.path.realpath(sys.argv[1])
    cycles = int(sys.argv[2]) if len(sys.argv) > 2 else 100
    building = make_building(build)
    try:
        building.start_all()
        desk = Desk(building.path("desk.db"))
        measure_idle(building, next(p for n, p in building.cast.parts if n == "gateway").pid)
        measure_latency(building, desk, "leak-7f.detected", "CoAP observe over DTLS", cycles)
        measure_latency(building, desk, "leak-ctl.detected", "Modbus RTU polled each second", cycles)
    finally:
        building.cast.stop()


if __name__ == "__main__":
    main()
