"""A building where nothing happens: nothing is written, nothing is said, nothing grows."""
import os
import re
import time

START_S = 5    # what a start writes is written when nothing was for so long
WATCHED_S = 15  # some 100 polls
# What a gateway says of a machine that was too busy for it or for its devices: then the time was not quiet.
BUSY = re.compile(r" (device_silent|device_back|stalled|part_late|part_back) ")


def written(pid):
    with open(f"/proc/{pid}/io", encoding="ascii") as file:
        return int(dict(line.split(": ") for line in file.read().splitlines())["write_bytes"])


def log_of(building):
    with open(building.path("gateway.log"), encoding="utf-8", errors="replace") as log:
        return log.read()


def traces(building, pid):
    """What must stand still."""
    return {"bytes written": written(pid), "log": log_of(building),
            "store": os.stat(building.path("state/weiyu.db-wal")).st_mtime_ns,
            "threads": len(os.listdir(f"/proc/{pid}/task")), "descriptors": len(os.listdir(f"/proc/{pid}/fd"))}


def watch(building, pid, seconds):
    """What changed meanwhile, and what was said."""
    before = traces(building, pid)
    time.sleep(seconds)
    after = traces(building, pid)
    said = after["log"][len(before["log"]):].splitlines()
    return {name: (before[name], after[name]) for name in before if name != "log" and before[name] != after[name]}, said


def test_steady_polling_writes_nothing_to_the_disk(building, desk, waiting):
    building.start_sim()
    pid = building.start_gateway().pid
    waiting.until(lambda: all(d["state"] == "ok" for d in building.ask("status")["devices"]), "every device read")
    waiting.until(lambda: watch(building, pid, START_S) == ({}, []), "the end of the start")
    for _ in range(4):
        changed, said = watch(building, pid, WATCHED_S)
        if not changed and not said:
            return
        assert any(BUSY.search(line) for line in said), (changed, said)
    raise AssertionError("the machine is too busy to tell")
