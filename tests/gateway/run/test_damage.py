"""The store is damaged: said in clear words, nothing thrown away, no ticket lost."""
import contextlib
import os
import random
import re
import shutil
import sqlite3
import time

from conftest import assert_stream_is_whole, verbs_of

ROUNDS = 120 if os.environ.get("WY_LONG") else 12
SETUP = 3


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
