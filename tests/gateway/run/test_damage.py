"""The store is damaged, or its disk full: said in clear words, nothing thrown away, no ticket lost."""
import contextlib
import os
import random
import re
import shutil
import signal
import sqlite3
import subprocess
import time

import pytest

from conftest import assert_stream_is_whole, verbs_of

ROUNDS = 120 if os.environ.get("WY_LONG") else 12
SETUP, BROKEN = 3, 4


def log_of(building):
    with open(building.path("gateway.log"), encoding="utf-8", errors="replace") as log:
        return log.read()


def content(path):
    """Without SQLite's file header, where it counts."""
    with open(path, "rb") as file:
        return file.read()[100:]


def make_history(building, desk, waiting):
    """A store with tickets that are over, one that is open, and events that wait."""
    building.start_sim()
    building.start_gateway()
    for _ in range(3):
        building.sim("set leak-7f.detected true")
        waiting.until(lambda: building.ask("tickets"), "a ticket")
        building.sim("set leak-7f.detected false")
        waiting.until(lambda: building.ask("tickets") == [], "no ticket")
    building.sim("set leak-ctl.detected true")
    waiting.until(lambda: verbs_of(desk, "WTR-01") == ["opened"], "the leak's ticket at the desk")
    assert building.cast.end("gateway") == 0


def try_damaged(building, good, at, noise):
    """Starts on a copy of the good state with `noise` written over the store at `at`. Returns exit code and words."""
    state, store = building.path("state"), building.path("state/weiyu.db")
    shutil.rmtree(state)
    shutil.copytree(good, state)
    with open(store, "r+b") as file:
        file.seek(at)
        file.write(noise)
    damaged = content(store)
    said = len(log_of(building))
    process = building.start_gateway(is_waiting=False)
    waiting_until = time.monotonic() + 60
    while process.poll() is None and "started" not in log_of(building)[said:] and time.monotonic() < waiting_until:
        time.sleep(0.05)
    code, words = building.cast.end("gateway"), log_of(building)[said:]
    if code == SETUP:
        assert content(store) == damaged
        assert re.search(r"store_refused dir=.* why=\"", words), words
    return code, words


def structures(store):
    """Where the heads of the pages of tables and indexes stand in the file."""
    with contextlib.closing(sqlite3.connect(f"file:{store}?mode=ro", uri=True)) as db:
        size = db.execute("pragma page_size").fetchone()[0]
        pages = [row[0] for row in db.execute("select pageno from dbstat where pagetype in ('leaf', 'internal')")]
    return [(page - 1) * size + (100 if page == 1 else 0) for page in pages]


def test_a_damaged_store_is_refused_in_clear_words_and_left_as_it_is(building, desk, waiting):
    seed = random.SystemRandom().randrange(1 << 32)
    print(f"seed {seed}")
    chance = random.Random(seed)
    make_history(building, desk, waiting)
    good = building.path("good")
    shutil.copytree(building.path("state"), good)
    store = os.path.join(good, "weiyu.db")
    heads, size = structures(store), os.path.getsize(store)
    for at in chance.sample(heads, min(ROUNDS // 2, len(heads))):
        code, words = try_damaged(building, good, at, b"\xff" * 8)
        assert code == SETUP, (code, at, words)
    for _ in range(ROUNDS // 2):
        at, n = chance.randrange(size), chance.randint(64, 4096)
        code, words = try_damaged(building, good, at, chance.randbytes(min(n, size - at)))
        # Where no structure was hit the file is as good as before.
        assert code == SETUP or (code == 0 and "store_failed" not in words), (code, at, n, words)


def test_after_a_damaged_store_is_moved_away_the_desk_has_one_open_ticket(building, desk, waiting):
    make_history(building, desk, waiting)
    with open(building.path("state/weiyu.db"), "r+b") as file:
        file.seek(0)
        file.write(os.urandom(8192))
    assert building.start_gateway(is_waiting=False).wait(timeout=60) == SETUP
    building.cast.end("gateway")
    assert "move weiyu.db* away" in log_of(building)
    os.rename(building.path("state"), building.path("kept"))
    building.start_gateway()
    waiting.until(lambda: verbs_of(desk, "WTR-01") == ["opened", "opened"], "the leak again, under a new epoch")
    assert desk.db.execute("select count(*) from ticket where is_ended = 0 and linked_to is null").fetchone() == (1,)
    building.sim("set leak-ctl.detected false")
    waiting.until(lambda: verbs_of(desk, "WTR-01")[-1] == "cleared", "cleared")
    assert_stream_is_whole(desk)


@pytest.fixture
def small_disk(building):
    """The state directory on a file system of 4 MiB. Needs the right to mount; the CI has it."""
    state = building.path("state")
    os.mkdir(state, 0o750)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "weiyu-test", state], check=True)
    yield state
    building.cast.stop()
    subprocess.run(["umount", state], check=True)


def fill(directory):
    """Takes all the room there is; returns the file that holds it."""
    path = os.path.join(directory, "filler")
    with open(path, "wb", buffering=0) as filler:
        for size in (65536, 4096, 512):
            try:
                while filler.write(b"x" * size):
                    pass
            except OSError:
                pass
    return path


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting needs root")
def test_a_full_disk_ends_it_with_code_4_and_with_space_every_ticket_is_decided(building, desk, waiting, small_disk):
    building.start_sim()
    process = building.start_gateway()
    building.sim("set leak-7f.detected true")
    waiting.until(lambda: verbs_of(desk, "WTR-03") == ["opened"], "the first ticket")
    filler = fill(small_disk)
    # Each turn needs room in the log of the store: sooner or later there is none.
    deadline = time.monotonic() + 120
    wet, rounds = False, 0
    while process.poll() is None and time.monotonic() < deadline:
        if building.ask("tickets") is not None:
            wet = not wet
            rounds += 1
            building.sim(f"set leak-ctl.detected {str(wet).lower()}")
        time.sleep(3)
    assert process.wait(timeout=1) == BROKEN, log_of(building)[-2000:]
    building.cast.end("gateway")
    assert re.search(r"store_failed .*(full|space)", log_of(building)), log_of(building)[-2000:]
    building.sim("set leak-ctl.detected true")
    for _ in range(3):  # what the service manager does: each end is said, none is a crash
        again = building.start_gateway(is_waiting=False)
        try:
            code = again.wait(timeout=20)
        except subprocess.TimeoutExpired:
            code = None
        assert code in (None, SETUP, BROKEN), log_of(building)[-2000:]
        building.cast.end("gateway", signal.SIGKILL)
    os.unlink(filler)
    building.start_gateway()
    waiting.until(lambda: verbs_of(desk, "WTR-01").count("opened") == verbs_of(desk, "WTR-01").count("cleared") + 1,
                  "the leak that nobody could write down")
    building.sim("set leak-ctl.detected false")
    building.sim("set leak-7f.detected false")
    waiting.until(lambda: building.ask("tickets") == [], "no ticket")
    waiting.until(lambda: building.ask("status")["outbox"]["queued"] == 0, "every event receipted")
    for fault in ("WTR-01", "WTR-03"):
        verbs = verbs_of(desk, fault)
        assert verbs == ["opened", "cleared"] * (len(verbs) // 2) and verbs, verbs
    assert_stream_is_whole(desk)
