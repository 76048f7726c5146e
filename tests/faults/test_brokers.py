"""A mosquitto that is restored from an old copy, overflows, refuses, or has nobody to give to: in the end each ticket is at
the desk, once, in order."""
import os
import shutil
import signal
import time

from conftest import make_quick
from stage import Desk
from story import LEAK, PIT, TAMPER, TANK, come, expect, go, queued
from whole_path import events_of, verbs_of


def test_a_broker_restored_from_an_old_copy_costs_nothing(building, desk, waiting):
    """Its copy holds messages that were delivered long ago, and a birth of an earlier life of the gateway."""
    make_quick(building)
    building.start_sim()
    building.start_gateway()
    come(building, waiting, LEAK)
    waiting.until(lambda: queued(building) == 0, "the first event receipted")
    building.cast.end("desk", signal.SIGKILL)       # what comes now waits in the broker
    come(building, waiting, TANK)
    time.sleep(1.5)
    building.cast.end("mosquitto")                   # an orderly stop writes the store
    shutil.copytree(building.path("broker"), building.path("broker.old"))
    building.start_broker()
    building.start_desk()
    desk = Desk(building.path("desk.db"))
    waiting.until(lambda: verbs_of(desk, "WTR-03") == ["opened"], "the second fault at the desk")
    building.cast.end("gateway", signal.SIGKILL)
    building.start_gateway()
    go(building, waiting, LEAK, TANK)
    expect(building, desk, waiting, WTR_01="opened cleared", WTR_03="opened cleared")
    building.cast.end("mosquitto", signal.SIGKILL)
    shutil.rmtree(building.path("broker"))
    shutil.move(building.path("broker.old"), building.path("broker"))
    building.start_broker()
    come(building, waiting, TAMPER)
    go(building, waiting, TAMPER)
    expect(building, desk, waiting, WTR_01="opened cleared", WTR_03="opened cleared", ACC_14="opened cleared")


def test_a_queue_of_ten_messages_loses_nothing(building, desk, waiting):
    """mosquitto acknowledges what it drops. The desk is away while more events come than the broker keeps."""
    building.cast.end("desk")
    building.cast.end("mosquitto")
    with open(building.path("mosquitto.conf"), encoding="utf-8") as file:
        text = file.read()
    with open(building.path("mosquitto.conf"), "w", encoding="utf-8") as file:
        file.write(text.replace("max_queued_messages 10000", "max_queued_messages 10")
                   .replace("max_inflight_messages 20", "max_inflight_messages 1"))
    make_quick(building)
    building.start_broker()
    building.start_desk()
    waiting.until(lambda: "ready" in building.cast.tail("desk"), "the desk's subscription")
    building.cast.end("desk", signal.SIGKILL)
    building.start_sim()
    building.start_gateway()
    for _ in range(2):
        come(building, waiting, LEAK, TANK, TAMPER, PIT)
        go(building, waiting, LEAK, TANK, TAMPER, PIT)
    assert queued(building) >= 16
    time.sleep(2)
    building.start_desk()
    desk = Desk(building.path("desk.db"))
    twice = "opened cleared opened cleared"
    expect(building, desk, waiting, WTR_01=twice, WTR_03=twice, ACC_14=twice, ELV_26=twice)


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
