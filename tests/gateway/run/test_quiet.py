"""A building where nothing happens: nothing is written, nothing is said, nothing grows."""
import os
import time


def written(pid):
    with open(f"/proc/{pid}/io", encoding="ascii") as file:
        return int(dict(line.split(": ") for line in file.read().splitlines())["write_bytes"])


def test_steady_polling_writes_nothing_to_the_disk(building, desk, waiting):
    building.start_sim()
    process = building.start_gateway()
    waiting.until(lambda: all(d["state"] == "ok" for d in building.ask("status")["devices"]), "every device read")
    time.sleep(5)  # what a start writes is written
    wal = os.stat(building.path("state/weiyu.db-wal"))
    log_size = os.path.getsize(building.path("gateway.log"))
    before, threads = written(process.pid), len(os.listdir(f"/proc/{process.pid}/task"))
    fds = len(os.listdir(f"/proc/{process.pid}/fd"))
    time.sleep(15)  # some 100 polls
    assert written(process.pid) == before
    assert os.stat(building.path("state/weiyu.db-wal")).st_mtime_ns == wal.st_mtime_ns
    assert os.path.getsize(building.path("gateway.log")) == log_size
    assert len(os.listdir(f"/proc/{process.pid}/task")) == threads
    assert len(os.listdir(f"/proc/{process.pid}/fd")) == fds
