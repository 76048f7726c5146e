"""The state directory's disk takes no more: tickets go on arriving, one ticket says so, and it comes back by itself."""
import os
import random
import re
import signal
import subprocess
import time

import pytest

from conftest import make_quick
from story import LEAK, PIT, SEED, TAMPER, TANK, come, go, queued
from whole_path import assert_stream_is_whole, verbs_of

IS_LONG = "WY_LONG" in os.environ
LIBRARY = os.path.join(os.environ["WY_BUILD"], "lib/libdisk_faults.so")
MODES = {"ENOSPC": "full", "EDQUOT": "full", "EROFS": "readonly", "EIO": "failed", "EIO sync": "failed",
         "EIO write half": "failed"}
BACK_S = 60  # so soon after there is room all must be on the disk again


class Disk:
    """The disk of the state directory as the gateway sees it."""

    def __init__(self, building):
        self.building, self.control = building, building.path("disk")
        self.heal()

    def fail(self, words):
        with open(self.control, "w", encoding="ascii") as out:
            out.write(words)

    def heal(self):
        self.fail("")

    def start_gateway(self):
        building = self.building
        building.cast.start("gateway", ["/usr/bin/env", f"LD_PRELOAD={LIBRARY}", f"WY_DISK_DIR={building.path('state')}",
                                        f"WY_DISK_FAULT={self.control}", "ASAN_OPTIONS=verify_asan_link_order=0:detect_leaks=0",
                                        building.bin("weiyu"), "run", "-c", building.path("gateway.yaml")])


@pytest.fixture
def disk(building):
    make_quick(building)
    with open(building.path("site.yaml"), encoding="utf-8") as file:
        text = file.read()
    with open(building.path("site.yaml"), "w", encoding="utf-8") as file:
        file.write(text.replace("assets:\n", "assets:\n  - {id: GW-1, class: gateway, name_zh: 监测网关, name_en: Gateway, "
                                "place: {building: 3A}}\n", 1))
    return Disk(building)


def store_of(building):
    return (building.ask("status") or {}).get("store") or {}


def log_lines(building, event):
    with open(building.path("gateway.log"), encoding="utf-8", errors="replace") as log:
        return [line for line in log if re.search(rf"\b{event}\b", line)]


def is_back(building):
    return store_of(building).get("mode") == "disk"


def told(desk, fault):
    return [verb for verb in verbs_of(desk, fault) if verb != "updated"]


def trouble(building, desk, waiting, disk, words, faults):
    """Tickets come and go while the disk fails, and reach the desk; then it serves again."""
    before = {code: len(told(desk, code)) for code, _, _ in faults}
    disk.fail(words)
    come(building, waiting, *faults)
    waiting.until(lambda: all(len(told(desk, code)) == before[code] + 1 for code, _, _ in faults), "told from memory")
    store = store_of(building)
    assert store["mode"] == MODES[words] and store["only_in_memory"] > 0 and store["why"], store
    shown = subprocess.run([building.bin("weiyu"), "status", "--socket", building.path("weiyu.sock")], capture_output=True,
                           text=True, check=True).stdout
    assert f"IN MEMORY, disk {MODES[words]}" in shown
    go(building, waiting, faults[0])


def back(building, waiting, disk):
    disk.heal()
    begun = time.monotonic()
    waiting.until(lambda: is_back(building), "everything on the disk again", BACK_S)
    return time.monotonic() - begun


def end(building, desk, waiting, faults, rounds):
    waiting.until(lambda: queued(building) == 0, "every event receipted", 240)
    for code, _, _ in faults:
        assert told(desk, code) == ["opened", "cleared"] * rounds, (code, told(desk, code))
    assert_stream_is_whole(desk)


def test_a_disk_that_takes_no_more_is_a_state_and_no_end(building, desk, waiting, disk):
    chance = random.Random(SEED)
    words = list(MODES) if IS_LONG else ["ENOSPC", "EIO sync"]
    building.start_sim()
    disk.start_gateway()
    waiting.until(lambda: is_back(building), "the gateway")
    epoch = store_of(building)["epoch"]
    faults = [LEAK, TANK]
    for word in words:
        time.sleep(chance.uniform(0, 1))
        trouble(building, desk, waiting, disk, word, faults)
        if word == words[0]:  # so long that its own ticket comes
            waiting.until(lambda: told(desk, "SYS-08") == ["opened"], "the ticket about the disk")
        print(f"{word}: back after {back(building, waiting, disk):.1f} s")
        go(building, waiting, *faults)
    assert len(log_lines(building, "store_in_memory")) == len(log_lines(building, "store_on_disk")) == len(words)
    assert store_of(building)["epoch"] == epoch
    # What was in memory is on the disk: nothing of it is lost with the process.
    building.cast.end("gateway", signal.SIGKILL)
    disk.start_gateway()
    waiting.until(lambda: is_back(building), "the gateway")
    assert store_of(building)["epoch"] == epoch
    end(building, desk, waiting, faults, len(words))
    assert told(desk, "SYS-08") == ["opened"], "it flapped, and is one trouble"


def test_a_disk_that_is_full_at_the_very_first_start_gets_its_store_later(building, desk, waiting, disk):
    os.mkdir(building.path("state"), 0o750)
    disk.fail("ENOSPC")
    building.start_sim()
    disk.start_gateway()
    waiting.until(lambda: store_of(building).get("mode") == "full", "the gateway, in memory")
    assert not os.path.exists(building.path("state/weiyu.db"))
    epoch = store_of(building)["epoch"]
    come(building, waiting, TAMPER)
    waiting.until(lambda: told(desk, "ACC-14") == ["opened"], "told from memory")
    back(building, waiting, disk)
    building.cast.end("gateway", signal.SIGKILL)
    disk.start_gateway()
    waiting.until(lambda: is_back(building), "the gateway")
    assert store_of(building)["epoch"] == epoch
    go(building, waiting, TAMPER)
    end(building, desk, waiting, [TAMPER], 1)


@pytest.mark.skipif(not IS_LONG, reason="long form")
def test_a_gateway_that_dies_while_its_disk_is_full_never_gives_a_number_twice(building, desk, waiting, disk):
    building.start_sim()
    disk.start_gateway()
    waiting.until(lambda: is_back(building), "the gateway")
    epoch = store_of(building)["epoch"]
    come(building, waiting, TANK)
    waiting.until(lambda: told(desk, "WTR-03") == ["opened"], "told")
    disk.fail("ENOSPC")
    come(building, waiting, LEAK)
    waiting.until(lambda: told(desk, "WTR-01") == ["opened"], "told from memory")
    building.cast.end("gateway", signal.SIGKILL)
    disk.heal()
    disk.start_gateway()
    waiting.until(lambda: is_back(building), "the gateway")
    assert store_of(building)["epoch"] != epoch
    for fault in ("WTR-01", "WTR-03"):
        waiting.until(lambda: told(desk, fault) == ["opened", "opened"], f"{fault} again, under the new epoch")
    open_ones = desk.db.execute("select count(*) from ticket where is_ended = 0 and linked_to is null").fetchone()
    assert open_ones == (2,)
    go(building, waiting, LEAK, TANK)
    for fault in ("WTR-01", "WTR-03"):
        waiting.until(lambda: told(desk, fault)[-1] == "cleared", f"{fault} cleared")
    assert_stream_is_whole(desk)


@pytest.mark.skipif(not IS_LONG, reason="long form")
def test_a_store_that_cannot_be_read_at_the_start_comes_home_and_nothing_stays_open(building, desk, waiting, disk):
    building.start_sim()
    disk.start_gateway()
    waiting.until(lambda: is_back(building), "the gateway")
    epoch = store_of(building)["epoch"]
    come(building, waiting, TANK)  # told, and over before anybody sees its end
    come(building, waiting, TAMPER)  # told, and stands
    waiting.until(lambda: told(desk, "WTR-03") == told(desk, "ACC-14") == ["opened"] and queued(building) == 0, "receipted")
    building.cast.end("mosquitto", signal.SIGTERM)
    come(building, waiting, LEAK)  # waits, and stands
    come(building, waiting, PIT)  # waits with its end
    go(building, waiting, PIT)
    waiting.until(lambda: queued(building) >= 3, "a queue")
    building.cast.end("gateway", signal.SIGKILL)
    building.sim(TANK[2])
    disk.fail("EIO read")
    building.start_broker()
    disk.start_gateway()
    waiting.until(lambda: store_of(building).get("mode") == "failed", "the gateway, in memory")
    assert store_of(building)["epoch"] != epoch
    epoch = store_of(building)["epoch"]
    waiting.until(lambda: told(desk, "WTR-01") == ["opened"] and told(desk, "ACC-14") == ["opened"] * 2, "found anew")
    back(building, waiting, disk)
    assert store_of(building)["epoch"] == epoch and len(log_lines(building, "store_came_home")) == 1
    waiting.until(lambda: queued(building) == 0, "every event receipted", 240)
    waiting.until(lambda: told(desk, "WTR-03") == ["opened", "opened", "cleared"], "taken up, and ended by its rule")
    assert told(desk, "WTR-01") == ["opened"] and told(desk, "ELV-26") == ["opened", "cleared"]
    open_ones = desk.db.execute("select dedup_key from ticket where is_ended = 0 and linked_to is null").fetchall()
    assert len([key for key, in open_ones if key.endswith(("WTR-01", "ACC-14"))]) == 2 and len(open_ones) <= 3, open_ones
    go(building, waiting, LEAK, TAMPER)
    waiting.until(lambda: told(desk, "WTR-01")[-1] == told(desk, "ACC-14")[-1] == "cleared", "cleared")
    waiting.until(lambda: desk.db.execute("select dedup_key from ticket where is_ended = 0").fetchall() in
                  ([], [("GW-1/SYS-09",)], [("GW-1/SYS-08",), ("GW-1/SYS-09",)]), "nothing else open")
    assert_stream_is_whole(desk)


@pytest.fixture
def small_disk(building):
    """The state directory on a real file system of 16 MiB: ext4 in a file, where loops can be mounted, else in memory."""
    state, image = building.path("state"), building.path("disk.img")
    os.mkdir(state, 0o750)
    subprocess.run(["truncate", "-s", "16M", image], check=True)
    is_made = subprocess.run(["mkfs.ext4", "-q", "-F", image], capture_output=True, check=False).returncode == 0
    if not is_made or subprocess.run(["mount", "-o", "loop", image, state], capture_output=True, check=False).returncode:
        if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16m", "weiyu-test", state], check=False).returncode:
            pytest.skip("mounting is not allowed here")
    yield state
    building.cast.stop()
    subprocess.run(["umount", state], check=True)


def fill(directory):
    """Takes all the room there is."""
    path = os.path.join(directory, "filler")
    with open(path, "wb", buffering=0) as filler:
        for size in (1 << 20, 65536, 4096, 512):
            try:
                while filler.write(b"x" * size):
                    pass
            except OSError:
                pass
    return path


@pytest.mark.skipif(not IS_LONG or os.geteuid() != 0, reason="long form; mounting needs root")
def test_a_real_disk_that_is_filled_at_random_moments(building, desk, waiting, disk, small_disk):
    seed = random.SystemRandom().randrange(1 << 32)
    print(f"seed {seed}")
    chance = random.Random(seed)
    building.start_sim()
    building.start_gateway()
    rounds = 0
    for _ in range(6):
        time.sleep(chance.uniform(0, 3))
        filler = fill(small_disk)
        deadline = time.monotonic() + 240
        while is_back(building) and time.monotonic() < deadline:  # until its log needs a block
            come(building, waiting, LEAK, PIT)
            go(building, waiting, LEAK, PIT)
            rounds += 1
        assert store_of(building)["mode"] == "full", store_of(building)
        come(building, waiting, LEAK, PIT)
        waiting.until(lambda: told(desk, "WTR-01")[-1] == "opened", "told from memory")
        os.unlink(filler)
        waiting.until(lambda: is_back(building), "everything on the disk again", BACK_S)
        if chance.random() < 0.5:
            building.cast.end("gateway", signal.SIGKILL)
            building.start_gateway()
        go(building, waiting, LEAK, PIT)
        rounds += 1
    end(building, desk, waiting, [LEAK, PIT], rounds)
