"""The broker or the desk is away during a fault: the ticket arrives after it is back, once."""
import os
import shutil
import signal
import time

from conftest import Desk, assert_stream_is_whole, verbs_of


def test_a_broker_away_for_a_minute_costs_nothing(building, desk, waiting):
    building.start_sim()
    building.start_gateway()
    building.cast.end("mosquitto")
    waiting.until(lambda: not building.ask("status")["uplink"]["is_up"], "the uplink down")
    building.sim("set leak-7f.detected true")
    waiting.until(lambda: building.ask("tickets"), "the ticket in the gateway")
    waiting.until(lambda: building.ask("status")["outbox"]["queued_s1"] == 1, "the event waiting in the outbox")
    time.sleep(60)
    assert verbs_of(desk, "WTR-03") == []
    building.start_broker()
    waiting.until(lambda: verbs_of(desk, "WTR-03") == ["opened"], "the ticket at the desk")
    building.sim("set leak-7f.detected false")
    waiting.until(lambda: verbs_of(desk, "WTR-03") == ["opened", "cleared"], "cleared at the desk")
    waiting.until(lambda: building.ask("status")["outbox"]["queued"] == 0, "every event receipted")
    assert_stream_is_whole(desk)


def test_a_broker_that_lost_its_memory_costs_nothing(building, desk, waiting):
    """What the broker acknowledged and then forgot is sent again, because no receipt came."""
    building.start_sim()
    building.start_gateway()
    building.cast.end("desk", signal.SIGKILL)
    building.sim("set leak-ctl.detected true")
    waiting.until(lambda: building.ask("status")["outbox"]["queued"] == 1, "an event without receipt")
    time.sleep(3)  # long enough for the broker to have taken it
    building.cast.end("mosquitto", signal.SIGKILL)
    shutil.rmtree(building.path("broker"))
    os.mkdir(building.path("broker"))
    building.start_broker()
    building.start_desk()
    waiting.until(lambda: verbs_of(desk, "WTR-01") == ["opened"], "the ticket at the desk")
    waiting.until(lambda: building.ask("status")["outbox"]["queued"] == 0, "every event receipted")
    assert_stream_is_whole(desk)


def test_a_desk_killed_and_started_again_sees_each_event_once(building, desk, waiting):
    building.start_sim()
    building.start_gateway()
    building.cast.end("desk", signal.SIGKILL)
    building.sim("set leak-ctl.detected true")
    waiting.until(lambda: building.ask("tickets"), "the ticket in the gateway")
    building.sim("set leak-ctl.detected false")
    waiting.until(lambda: not building.ask("tickets"), "the ticket over")
    building.start_desk()
    fresh = Desk(building.path("desk.db"))
    waiting.until(lambda: verbs_of(fresh, "WTR-01") == ["opened", "cleared"], "both events at the desk")
    waiting.until(lambda: building.ask("status")["outbox"]["queued"] == 0, "every event receipted")
    assert_stream_is_whole(fresh)
