"""The gateway dies in the middle of an episode and comes back: one opened, one cleared, no gap, nothing twice."""
import signal

from conftest import assert_stream_is_whole, events_of, verbs_of


def open_leak(building, desk, waiting):
    building.sim("set leak-ctl.location 12.4")
    building.sim("set leak-ctl.detected true")
    waiting.until(lambda: "opened" in verbs_of(desk, "WTR-01"), "the leak's ticket at the desk")


def test_kill_in_mid_episode_keeps_one_opened_and_one_cleared(building, desk, waiting):
    building.start_sim()
    building.start_gateway()
    open_leak(building, desk, waiting)
    key = events_of(desk, "WTR-01")[0]["data"]["ticket_key"]

    assert building.cast.end("gateway", signal.SIGKILL) == -signal.SIGKILL
    building.start_gateway()
    assert [t["ticket_key"] for t in building.ask("tickets")] == [key]

    building.sim("set leak-ctl.detected false")
    waiting.until(lambda: "cleared" in verbs_of(desk, "WTR-01"), "the cleared ticket at the desk")
    assert verbs_of(desk, "WTR-01") == ["opened", "cleared"]
    assert {e["data"]["ticket_key"] for e in events_of(desk, "WTR-01")} == {key}
    assert_stream_is_whole(desk)


def test_a_fault_that_goes_while_the_gateway_is_dead_is_cleared_after_its_return(building, desk, waiting):
    building.start_sim()
    building.start_gateway()
    open_leak(building, desk, waiting)
    building.cast.end("gateway", signal.SIGKILL)
    building.sim("set leak-ctl.detected false")
    building.start_gateway()
    waiting.until(lambda: "cleared" in verbs_of(desk, "WTR-01"), "the cleared ticket at the desk")
    assert verbs_of(desk, "WTR-01") == ["opened", "cleared"]
    assert_stream_is_whole(desk)


def test_killing_it_again_and_again_loses_and_doubles_nothing(building, desk, waiting):
    building.start_sim()
    building.start_gateway()
    # Four times: with the fifth in ten minutes the rule would chatter, and its end wait for quiet.
    for round_number in range(1, 5):
        building.sim("set leak-ctl.detected true")
        waiting.until(lambda: verbs_of(desk, "WTR-01").count("opened") == round_number, "opened")
        building.cast.end("gateway", signal.SIGKILL)
        building.start_gateway(is_waiting=False)
        building.sim("set leak-ctl.detected false")
        waiting.until(lambda: verbs_of(desk, "WTR-01").count("cleared") == round_number, "cleared")
        building.cast.end("gateway", signal.SIGKILL)
        building.start_gateway(is_waiting=False)
    assert verbs_of(desk, "WTR-01") == ["opened", "cleared"] * 4
    episodes = [e["data"]["episode"] for e in events_of(desk, "WTR-01")]
    assert episodes == [1, 1, 2, 2, 3, 3, 4, 4]
    assert_stream_is_whole(desk)


def test_an_orderly_stop_leaves_the_ticket_open_and_says_goodbye(building, desk, waiting):
    building.start_sim()
    building.start_gateway()
    open_leak(building, desk, waiting)
    assert building.cast.end("gateway") == 0
    waiting.until(lambda: desk.db.execute("select last_state from gateway").fetchone()[0] == "death",
                  "the death message at the desk")
    building.start_gateway()
    assert len(building.ask("tickets")) == 1
    assert verbs_of(desk, "WTR-01") == ["opened"]
