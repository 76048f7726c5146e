"""RabbitMQ's MQTT plugin and nats-server in mosquitto's place: killed, and their memory wiped."""
import signal
import time

import pytest
from brokers import Nats, Rabbit
from conftest import make_quick
from stage import Desk
from story import LEAK, TAMPER, TANK, come, expect, go, queued
from whole_path import verbs_of


@pytest.mark.parametrize("kind", [Nats, Rabbit])
def test_brokers_of_others_killed_and_wiped_cost_nothing(building, waiting, kind):
    """MQTT 3.1.1: no reason codes. Receipts carry the whole promise."""
    make_quick(building)
    broker = kind(building)
    broker.start()
    building.start_desk("--mqtt", "3.1.1")
    building.start_sim()
    building.start_gateway()
    desk = Desk(building.path("desk.db"))
    come(building, waiting, LEAK)
    waiting.until(lambda: verbs_of(desk, "WTR-01") == ["opened"], "the ticket at the desk")
    assert building.ask("status")["uplink"]["mqtt"] == "3.1.1"
    broker.stop(signal.SIGKILL)
    come(building, waiting, TANK)
    go(building, waiting, LEAK)
    broker.start()
    waiting.until(lambda: queued(building) == 0, "every event receipted", 240)
    building.cast.end("desk", signal.SIGKILL)
    come(building, waiting, TAMPER)
    time.sleep(2)  # acknowledged by the broker for a desk that is away
    broker.stop(signal.SIGKILL)
    broker.forget()
    broker.start()
    building.start_desk("--mqtt", "3.1.1")
    go(building, waiting, TANK, TAMPER)
    expect(building, desk, waiting, WTR_01="opened cleared", WTR_03="opened cleared", ACC_14="opened cleared")
    broker.stop(signal.SIGKILL)
