"""SIGTERM at any moment: the gateway ends within five seconds, and the desk is told."""
import os
import random
import re
import signal
import time

from conftest import assert_stream_is_whole, verbs_of

STOP_S = 5


def stop(building):
    """Returns the exit code and how long it took."""
    begun = time.monotonic()
    code = building.cast.end("gateway")
    return code, time.monotonic() - begun


def connections(building):
    """bd_seq of each connection that the log tells of."""
    if not os.path.exists(building.path("gateway.log")):
        return []
    with open(building.path("gateway.log"), encoding="utf-8", errors="replace") as log:
        return [int(n) for n in re.findall(r"uplink_up .*bd_seq=(\d+)", log.read())]


def said_goodbye(desk, bd_seq):
    state, seen = desk.db.execute("select last_state, bd_seq from gateway").fetchone()
    return state == "death" and seen == bd_seq


def test_sigterm_at_any_moment_ends_it_and_says_goodbye(building, desk, waiting):
    seed = random.SystemRandom().randrange(1 << 32)
    print(f"seed {seed}")
    moments = random.Random(seed)
    building.start_sim()
    building.sim("set leak-ctl.detected true")
    goodbyes = 0
    for _ in range(25):
        known = len(connections(building))
        building.start_gateway(is_waiting=False)
        time.sleep(moments.choice((moments.uniform(0, 0.3), moments.uniform(0, 1.5), moments.uniform(0, 4))))
        code, took_s = stop(building)
        assert code in (0, -signal.SIGTERM) and took_s < STOP_S, (code, took_s)  # before it listens to signals
        met = connections(building)[known:]
        if met:
            waiting.until(lambda: said_goodbye(desk, met[-1]), f"the death of connection {met[-1]}")
            goodbyes += 1
    assert goodbyes
    building.start_gateway()
    waiting.until(lambda: "opened" in verbs_of(desk, "WTR-01"), "the ticket")
    building.sim("set leak-ctl.detected false")
    waiting.until(lambda: verbs_of(desk, "WTR-01") == ["opened", "cleared"], "one opened, one cleared")
    assert_stream_is_whole(desk)


def test_a_broker_that_hangs_does_not_hold_up_the_stop(building, desk, waiting):
    building.start_sim()
    building.start_gateway()
    broker = next(p for n, p in building.cast.parts if n == "mosquitto")
    broker.send_signal(signal.SIGSTOP)
    try:
        building.sim("set leak-ctl.detected true")
        waiting.until(lambda: building.ask("tickets"), "the ticket in the gateway")
        code, took_s = stop(building)
    finally:
        broker.send_signal(signal.SIGCONT)
    assert code == 0 and took_s < STOP_S, (code, took_s)
    building.start_gateway()
    waiting.until(lambda: verbs_of(desk, "WTR-01") == ["opened"], "the ticket at the desk")


def test_without_a_broker_the_stop_is_as_quick(building, desk, waiting):
    building.start_sim()
    building.start_gateway()
    building.cast.end("mosquitto", signal.SIGKILL)
    waiting.until(lambda: not building.ask("status")["uplink"]["is_up"], "the uplink down")
    code, took_s = stop(building)
    assert code == 0 and took_s < STOP_S, (code, took_s)
