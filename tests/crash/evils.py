"""evils.py: what the nemesis does. Each is a generator that yields how long it waits, on a Nemesis `n`. The first word of
its name is the part it works on, or see PARTS: no two work on one part at a time.
"""
import os
import shutil
import signal
import time

from verdict import DAMAGED, PUT_BACK

STOP_S = 20       # SIGTERM to the end of the gateway, on a machine with much else to do; five are promised (run/test_stop.py)
STEP_S = 0.05
HEALING_S = 60    # the gateway looks every ten seconds whether its disk is well again

# ---- Processes ---------------------------------------------------------------------------------------------------

def gateway_killed(n):
    n.kill("gateway")
    yield n.random.choice((0, 0, 0.5, 2, 4))
    n.start("gateway")


def gateway_killed_in_start(n):
    n.kill("gateway")
    for _ in range(n.random.randint(1, 3)):
        n.start("gateway")
        yield n.random.uniform(0, 1.5)
        n.kill("gateway")
    n.start("gateway")


def gateway_stopped(n):
    process = n.process("gateway")
    begun = time.monotonic()
    process.send_signal(signal.SIGTERM)
    n.expected_end("gateway")
    while process.poll() is None and time.monotonic() < begun + STOP_S:
        yield STEP_S
    took_s = time.monotonic() - begun
    n.longest_stop_s = max(n.longest_stop_s, took_s)
    if process.poll() is None:
        n.anomaly(f"the gateway did not end within {STOP_S} s of SIGTERM")
        process.kill()
        process.wait()
    elif process.returncode not in (0, -signal.SIGTERM) and not n.may_end(process.returncode):  # it was still starting
        n.anomaly(f"the gateway ended with code {process.returncode}, {took_s:.1f} s after SIGTERM")
    yield n.random.choice((0, 1, 3))
    n.start("gateway")


def gateway_frozen(n):
    yield from n.freeze("gateway", 3)


def strike(n, part):
    """Kills while tickets are made: some moment of the second after a fault came or went."""
    for _ in range(3):
        told = n.told
        while n.told == told and not n.is_ending:
            yield STEP_S
        yield n.random.uniform(0, 1.3)
        n.kill(part)
        n.start(part)


def gateway_struck(n):
    yield from strike(n, "gateway")


def desk_struck(n):
    yield from strike(n, "desk")


def mosquitto_struck(n):
    yield from strike(n, "mosquitto")


def desk_killed(n):
    n.kill("desk")
    yield n.random.choice((0, 1, 5, 12))
    n.start("desk")


def desk_stopped(n):
    n.end("desk")
    yield n.random.choice((0, 2))
    n.start("desk")


def desk_frozen(n):
    yield from n.freeze("desk", 4)


def mosquitto_killed(n):
    n.kill("mosquitto")
    yield n.random.choice((0, 1, 6))
    n.start("mosquitto")


def mosquitto_wiped(n):
    n.kill("mosquitto")
    shutil.rmtree(n.building.path("broker"))
    os.mkdir(n.building.path("broker"))
    yield n.random.choice((0, 1, 3))
    n.start("mosquitto")


def mosquitto_stopped(n):
    n.end("mosquitto")
    yield n.random.choice((0, 2))
    n.start("mosquitto")


def mosquitto_frozen(n):
    yield from n.freeze("mosquitto", 5)


def amnesia(n):
    """What the broker has acknowledged for a desk that is away is forgotten."""
    n.kill("desk")
    yield n.random.uniform(1, 6)
    yield from mosquitto_wiped(n)
    yield n.random.choice((0, 2))
    n.start("desk")


def blackout(n):
    """All three at once, back in any order."""
    names = ["gateway", "desk", "mosquitto"]
    for name in names:
        n.kill(name)
    n.random.shuffle(names)
    for name in names:
        yield n.random.choice((0, 0.5, 2))
        n.start(name)


def mosquitto_put_back(n):
    """To what it remembered some seconds ago: old messages once more, newer ones never."""
    broker, copy = n.building.path("broker"), n.building.path("broker-copy")
    n.kill("mosquitto")
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(broker, copy)
    n.start("mosquitto")
    yield n.random.uniform(2, 8)
    n.kill("mosquitto")
    shutil.rmtree(broker)
    shutil.copytree(copy, broker)
    n.start("mosquitto")


def postgres_stopped(n):
    """Where the desk keeps its rows in PostgreSQL: gone as by kill -9, and back."""
    n.cluster.stop()
    yield n.random.choice((0, 2, 6))
    n.cluster.start()


# ---- The line between gateway and broker (tests/faults/bad_line.py) -----------------------------------------------

def bad_line(mode, *seconds):
    def evil(n):
        n.line.become(mode)
        yield n.random.choice(seconds)
        n.line.become("good")
    evil.__name__ = "line_" + mode
    return evil


LINES = (bad_line("slow", 3, 8), bad_line("deaf", 1, 4, 9), bad_line("mute", 1, 4, 9), bad_line("dead", 2, 8),
         bad_line("drip", 2, 5), bad_line("reset", 0.3, 1), bad_line("close", 0.3, 1), bad_line("refused", 0.5, 4))


# ---- Disk, clock, devices ----------------------------------------------------------------------------------------

DISKS = ("ENOSPC", "ENOSPC half", "EROFS", "EIO", "EIO sync", "EIO write", "ENOSPC", "EDQUOT")


def gateway_disk_fails(n):
    """The store's disk is full, or worse, and well again (tests/faults/disk.c). Nobody kills the gateway before its store has
    come back: what is only in memory would die with it."""
    n.set_disk(n.random.choice(DISKS))
    yield n.random.choice((0.5, 2, 5))
    n.set_disk("")
    healed = time.monotonic()
    while not n.is_on_disk():
        if time.monotonic() > healed + HEALING_S:
            n.anomaly(f"the store did not return to its disk within {HEALING_S} s")
            break
        yield 0.5


WAYS_TO_HURT = {"weiyu.db": ("noise", "noise", "noise", "zeros", "cut"), "weiyu.db-wal": ("noise", "noise", "zeros")}
HURT_BYTES_MOST = 4096
LOG_HEAD, FRAME_HEAD = 32, 24


def room_in_log(path):
    """How much of SQLite's log lies before its last transaction. What is written over that one cannot be told from a log that ends
    before it, which is a disk that has not flushed: not promised (docs/reliability.md), and not played here."""
    with open(path, "rb") as file:
        head = file.read(LOG_HEAD)
        page, salts, ends = int.from_bytes(head[8:12], "big"), head[16:24], [0, 0]
        while len(frame := file.read(FRAME_HEAD + page)) == FRAME_HEAD + page and frame[8:16] == salts:
            if any(frame[4:8]):  # the end of a transaction
                ends.append(file.tell())
    return ends[-2]


def room_to_hurt(n, name):
    size = n.size_of("state/" + name)
    return room_in_log(n.building.path("state/" + name)) if size and name.endswith("-wal") else size


def overwrite(n, name, room):
    way = n.random.choice(WAYS_TO_HURT[name])
    length = min(n.random.randint(1, HURT_BYTES_MOST), room)
    at = room - length if way == "cut" else n.random.randrange(room - length + 1)
    n.hurt(DAMAGED, f"{name} {way} at {at} of {room}, {length} bytes")
    with open(n.building.path("state/" + name), "r+b") as file:
        if way == "cut":
            file.truncate(at)
        else:
            file.seek(at)
            file.write(n.random.randbytes(length) if way == "noise" else bytes(length))


def gateway_store_damaged(n):
    """Between two lives something writes over the store or its log, or cuts the store's end off."""
    n.kill("gateway")
    rooms = [(name, room) for name in ("weiyu.db", "weiyu.db", "weiyu.db-wal") if (room := room_to_hurt(n, name))]
    if rooms:  # none: it died while a new store took the place of the old
        overwrite(n, *n.random.choice(rooms))
    yield n.random.choice((0, 0.5, 2))
    n.start("gateway")


LIVES_AFTER_COPY = 3
NOTICED_S = 120


def gateway_put_back(n):
    """The whole state directory, to what it was some lives ago. The platform heard of each of these, and is within reach: then it
    notices with the first message."""
    state, copy = n.building.path("state"), n.building.path("state-copy")
    n.kill("gateway")
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(state, copy)
    for _ in range(LIVES_AFTER_COPY):
        births = n.births()
        n.start("gateway")
        yield from n.until(lambda: n.births() > births, "a birth at the desk")
        yield n.random.uniform(0.5, 2)
        n.kill("gateway")
    n.hurt(PUT_BACK, "put back")
    shutil.rmtree(state)
    shutil.copytree(copy, state)
    epoch = n.epoch()
    n.start("gateway")
    yield from n.until(lambda: n.epoch() != epoch, "a new epoch at the desk")


CLOCKS_S = (1, -1, 61, -61, 3600, -3600, 86400, -86400, 315360000, -315360000)


def clock_stepped(n):
    """The gateway's wall clock (tests/faults/wall_clock.c) steps, now and then twice, and back; what measures time is not touched."""
    for _ in range(n.random.randint(1, 2)):
        n.set_clock(n.random.choice(CLOCKS_S))
        yield n.random.choice((0.5, 2, 6))
    n.set_clock(0)


DEVICES = ("lift1-io", "lift2-io", "door1-io", "fire-gw", "leak-ctl")
TROUBLES = ("delay {} 400ms 1", "delay {} 900ms 1", "drop {} 1", "duplicate {} 1", "truncate {} 3 1", "exception {} 6 1",
            "stray {} 1")


def device_troubled(n):
    """Late answers, none, two, half ones: never so long that silence would be a ticket of its own."""
    for _ in range(n.random.randint(1, 3)):
        n.trouble(n.random.choice(TROUBLES).format(n.random.choice(DEVICES)))
        yield n.random.uniform(0.5, 2)


# What is changed of site.yaml, and what it becomes. None touches a fault's rule or device; the last cannot be used at all.
SITES = (("", ""), ("households: 66", "households: 67"), ("400-000-0005", "400-000-0055"), ("timeout: 500ms", "timeout: 600ms"),
         ("break_hold, value: 1s", "break_hold, value: 2s"), ("weiyu: site/1", "weiyu: sight/1"))


def gateway_reloaded(n):
    """Other files in mid-life, some of which cannot be used, and back."""
    for _ in range(n.random.randint(1, 3)):
        n.reload(*n.random.choice(SITES))
        yield n.random.choice((0.1, 0.5, 2))
    n.reload("", "")
    yield 0.5


PARTS = {"amnesia": {"desk", "mosquitto"}, "blackout": {"gateway", "desk", "mosquitto"},
         "gateway_put_back": {"gateway", "desk", "mosquitto", "line", "postgres"}}
PROCESSES = (gateway_killed, gateway_struck, gateway_struck, gateway_killed_in_start, gateway_stopped, gateway_frozen,
             desk_killed, desk_struck, desk_stopped, desk_frozen, mosquitto_killed, mosquitto_struck, mosquitto_wiped,
             mosquitto_stopped, mosquitto_frozen, mosquitto_put_back, amnesia, amnesia, blackout)
EVILS = PROCESSES + LINES + (gateway_reloaded, gateway_disk_fails, gateway_store_damaged, gateway_store_damaged, gateway_put_back, clock_stepped, clock_stepped, device_troubled,
                             device_troubled)
EVILS_OF_POSTGRES = (postgres_stopped, postgres_stopped)
