"""The store is damaged: it heals, nothing is thrown away, no ticket lost."""
import contextlib
import os
import random
import re
import shutil
import sqlite3
import time

import pytest

from conftest import assert_stream_is_whole, verbs_of

ROUNDS = 120 if os.environ.get("WY_LONG") else 12
SETUP = 3
BROKEN = 4


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
    """Starts on a copy of the good state with `noise` written over the store at `at`: it runs, whatever was hit. Returns the words."""
    state, store = building.path("state"), building.path("state/weiyu.db")
    shutil.rmtree(state)
    shutil.copytree(good, state)
    with open(store, "r+b") as file:
        file.seek(at)
        file.write(noise)
    damaged = content(store)
    said = len(log_of(building))
    for _ in range(2):  # damage inside a document shows when it is read: one restart, never two
        process = building.start_gateway(is_waiting=False)
        waiting_until = time.monotonic() + 120
        while process.poll() is None and " started " not in log_of(building)[said:] and time.monotonic() < waiting_until:
            time.sleep(0.05)
        code, words = building.cast.end("gateway"), log_of(building)[said:]
        if code != BROKEN:
            break
    assert code == 0, (code, at, words)
    if "store_replaced" in words:
        kept = re.search(r'kept_as="([^"]+)"', words).group(1)
        assert content(kept) == damaged and re.search(r'kind=salvaged why="[^"]+"', words), words
    return words


def structures(store):
    """Where the heads of the pages of tables and indexes stand in the file."""
    with contextlib.closing(sqlite3.connect(f"file:{store}?mode=ro", uri=True)) as db:
        size = db.execute("pragma page_size").fetchone()[0]
        pages = [row[0] for row in db.execute("select pageno from dbstat where pagetype in ('leaf', 'internal')")]
    return [(page - 1) * size + (100 if page == 1 else 0) for page in pages]


def test_a_damaged_store_heals_wherever_it_is_hit(building, desk, waiting):
    seed = random.SystemRandom().randrange(1 << 32)
    print(f"seed {seed}")
    chance = random.Random(seed)
    make_history(building, desk, waiting)
    for part in ("desk", "mosquitto"):  # copies of one state are none of the platform's business here
        building.cast.end(part)
    good = building.path("good")
    shutil.copytree(building.path("state"), good)
    store = os.path.join(good, "weiyu.db")
    heads, size = structures(store), os.path.getsize(store)
    for at in chance.sample(heads, min(ROUNDS // 2, len(heads))):
        assert "store_replaced" in try_damaged(building, good, at, b"\xff" * 8)
    for _ in range(ROUNDS // 2):
        at, n = chance.randrange(size), chance.randint(1, 4096)
        try_damaged(building, good, at, chance.randbytes(min(n, size - at)))


def roots(desk):
    return desk.db.execute("select ticket_key from ticket where is_ended = 0 and linked_to is null").fetchall()


@pytest.mark.parametrize("is_queued", [False, True], ids=["told", "waiting"])
def test_after_damage_the_desk_ends_what_is_over(building, desk, waiting, is_queued):
    """The leak stands while the store is damaged; where `is_queued`, nobody has heard of it by then."""
    make_history(building, desk, waiting)
    if is_queued:
        building.start_gateway()
        waiting.until(lambda: building.ask("status")["outbox"]["queued"] == 0, "every event receipted")
        building.cast.end("desk")
        building.sim("set leak-7f.detected true")
        waiting.until(lambda: len(building.ask("tickets") or []) == 2, "a ticket that waits")
        assert building.cast.end("gateway") == 0
    before = len(log_of(building))
    head = structures(building.path("state/weiyu.db"))
    with open(building.path("state/weiyu.db"), "r+b") as file:
        file.seek(head[len(head) // 2])
        file.write(b"\xff" * 16)
    building.start_gateway()
    assert "store_replaced kind=salvaged" in log_of(building)[before:]
    assert os.path.exists(building.path("state/weiyu.db.damaged-1"))
    if is_queued:
        building.start_desk()
    waiting.until(lambda: verbs_of(desk, "WTR-01").count("opened") >= 2, "the leak again, under a new epoch")
    waiting.until(lambda: building.ask("status")["outbox"]["queued"] == 0, "every event receipted")
    assert len(roots(desk)) == (2 if is_queued else 1)
    building.sim("set leak-ctl.detected false")
    building.sim("set leak-7f.detected false")
    waiting.until(lambda: roots(desk) == [], "nothing open at the desk")
    assert building.ask("tickets") == []
    assert_stream_is_whole(desk)
