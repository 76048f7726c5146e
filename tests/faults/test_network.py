"""The way to the broker gets bad while tickets come and go: none is lost, doubled or out of order, and the gateway is back by
itself when the way is. The line is bad_line.py, a process's own network; network namespaces are not needed for it."""
import datetime
import os
import random
import re

import pytest
from bad_line import BadLine
from conftest import make_quick
from story import LEAK, PIT, SEED, TAMPER, TANK, come, expect, go
from whole_path import verbs_of

MODES = ("slow", "mute", "deaf", "dead", "drip", "reset", "close", "refused")


@pytest.fixture
def line(building):
    """Between the gateway and the broker. Dead peers are noticed within seconds."""
    make_quick(building)
    made = BadLine(building.ports["MQTT"], SEED)
    with open(building.path("gateway.yaml"), encoding="utf-8") as file:
        text = file.read()
    text = re.sub(r"port: \d+", f"port: {made.port}", text, count=1)
    text = re.sub(r"keepalive: \w+", "keepalive: 5s", text)
    text = re.sub(r"retry_most: \w+", "retry_most: 1s", text)
    with open(building.path("gateway.yaml"), "w", encoding="utf-8") as file:
        file.write(text)
    yield made
    made.stop()


def whole_ms(stamp):
    return int(datetime.datetime.fromisoformat(stamp).timestamp() * 1000)


def test_tickets_pass_a_line_that_is_bad_in_every_way(building, desk, waiting, line):
    """The line's state changes at random between the steps of a story, and once in the middle of a burst."""
    chance = random.Random(SEED)
    modes = chance.sample(MODES, len(MODES))
    building.start_sim()
    building.start_gateway()
    for mode in modes:
        line.become(mode)
        come(building, waiting, LEAK, TANK, TAMPER, PIT)
        if chance.random() < 0.5:
            line.become("good")
        go(building, waiting, LEAK, TANK, TAMPER, PIT)
        line.become("good")
    story = " ".join(["opened cleared"] * len(modes))
    expect(building, desk, waiting, WTR_01=story, WTR_03=story, ACC_14=story, ELV_26=story)
    assert line.n_connections > len(modes) / 2


@pytest.mark.parametrize("mode", ["dead", "mute"] + (["deaf"] if "WY_LONG" in os.environ else []))
def test_a_line_that_hangs_is_noticed_and_left(building, desk, waiting, line, mode):
    """Neither end closes: only the keepalive can tell."""
    building.start_sim()
    building.start_gateway()
    line.become(mode)
    waiting.until(lambda: not building.ask("status")["uplink"]["is_up"], "the uplink down")
    come(building, waiting, LEAK)
    assert verbs_of(desk, "WTR-01") == []
    line.become("good")
    waiting.until(lambda: verbs_of(desk, "WTR-01") == ["opened"], "the ticket at the desk")
    go(building, waiting, LEAK)
    expect(building, desk, waiting, WTR_01="opened cleared")


def test_a_fifth_of_a_second_each_way_delays_a_ticket_by_little_more(building, desk, waiting, line):
    line.become("slow")
    building.start_sim()
    building.start_gateway()
    come(building, waiting, LEAK)
    waiting.until(lambda: verbs_of(desk, "WTR-01") == ["opened"], "the ticket at the desk")
    opened = next(e for e in desk.events if e["data"]["fault_code"] == "WTR-01")
    late_ms = opened["committed_ms"] - whole_ms(opened["time"])
    assert 200 <= late_ms < 20000, late_ms
    go(building, waiting, LEAK)
    expect(building, desk, waiting, WTR_01="opened cleared")
