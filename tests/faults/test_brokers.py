"""A mosquitto that refuses, or has nobody to give to, says so (MQTT 5), the log says it, and each ticket is at the desk in the
end, once. What forgets, overflows or is put back is tests/crash/broker.py."""
import os
import signal
import time

from conftest import make_quick
from stage import Desk
from story import LEAK, come, expect, go, queued
from whole_path import events_of, verbs_of


def test_a_broker_that_denies_the_topic_is_told_apart_and_costs_nothing(building, desk, waiting):
    make_quick(building)
    building.start_sim()
    building.start_gateway()
    with open(building.path("acl"), encoding="utf-8") as file:
        allowed = file.read()
    deny = os.path.join(building.run, "acl")
    with open(deny, "w", encoding="utf-8") as file:
        file.write(allowed.replace("pattern write weiyu/v1/up/+/%u/#", "pattern write weiyu/v1/up/+/%u/state"))
    broker = next(p for n, p in building.cast.parts if n == "mosquitto")
    broker.send_signal(signal.SIGHUP)
    time.sleep(0.5)
    come(building, waiting, LEAK)
    waiting.until(lambda: "publish_refused" in building.cast.tail("gateway", 40), "the refusal in the log")
    assert queued(building) == 1 and events_of(desk) == []
    with open(deny, "w", encoding="utf-8") as file:
        file.write(allowed)
    broker.send_signal(signal.SIGHUP)
    waiting.until(lambda: verbs_of(desk, "WTR-01") == ["opened"], "the ticket at the desk")
    go(building, waiting, LEAK)
    expect(building, desk, waiting, WTR_01="opened cleared")


def test_nobody_subscribed_is_not_delivery(building, waiting):
    make_quick(building)
    building.start_broker()
    building.start_sim()
    building.start_gateway()
    come(building, waiting, LEAK)
    waiting.until(lambda: "nobody is subscribed" in building.cast.tail("gateway", 40), "reason 16 in the log")
    assert queued(building) == 1
    building.start_desk()
    desk = Desk(building.path("desk.db"))
    waiting.until(lambda: verbs_of(desk, "WTR-01") == ["opened"], "the ticket at the desk")
    go(building, waiting, LEAK)
    expect(building, desk, waiting, WTR_01="opened cleared")
