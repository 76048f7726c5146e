"""A part that hangs is found, named and ends the process; the next life polls soon, and the platform notices nothing."""
import pathlib
import re
import signal
import time

import pytest

from conftest import assert_stream_is_whole, events_of, verbs_of
from service import RESTART_S, Manager, start_gateway, wait_for_end

WATCHDOG_S = 5    # more than a busy machine takes for one turn of the loop, or its disk for a sync
HUNG = 5
FIRST_POLL_S = 2  # promised, from the end of the one life to the first poll of the next
LATE_S = 2        # a wire must have been passed over for so long before it counts
SLOW = 4          # sanitizers, and a machine that others use too


@pytest.fixture
def manager(building):
    made = Manager(building.path("notify.sock"))
    yield made
    made.close()


def log_of(building):
    return pathlib.Path(building.path("gateway.log")).read_text(errors="replace")


def open_leak(building, desk, waiting):
    building.sim("set leak-ctl.location 12.4")
    building.sim("set leak-ctl.detected true")
    waiting.until(lambda: "opened" in verbs_of(desk, "WTR-01"), "the leak's ticket at the desk")


def hang_and_return(building, waiting, process, manager, environment, part, named):
    """One life ends of a part that hangs; returns the process of the next."""
    hang = pathlib.Path(environment["WEIYU_HANG_DIR"]) / part
    hang.touch()
    hung_at = time.monotonic()
    code, ended_at = wait_for_end(building, process, 30 * WATCHDOG_S)
    assert code == HUNG
    assert re.search(f"error hung part={named} ms=", log_of(building)), log_of(building)[-2000:]
    assert ended_at - hung_at < (2 * WATCHDOG_S + LATE_S) * SLOW
    # Found by us: until then the service manager heard that all is well.
    assert hung_at - manager.instants("WATCHDOG=1")[-1] < WATCHDOG_S / 2 * SLOW

    hang.unlink()
    time.sleep(RESTART_S)
    found_before = log_of(building).count("device_found")
    process = start_gateway(building, environment, "weiyu-hang")
    waiting.until(lambda: log_of(building).count("device_found") > found_before, "the first poll")
    first_poll_s = time.monotonic() - ended_at
    print(f"{part}: found after {ended_at - hung_at:.1f} s, first poll {first_poll_s:.2f} s after the end")
    assert first_poll_s < FIRST_POLL_S * SLOW
    return process


def test_a_part_that_hangs_ends_the_process_and_no_ticket_is_lost_or_doubled(building, desk, waiting, manager):
    hang = pathlib.Path(building.path("hang"))
    hang.mkdir()
    environment = {**manager.environment(WATCHDOG_S), "WEIYU_HANG_DIR": str(hang)}
    building.start_sim()
    process = start_gateway(building, environment, "weiyu-hang")
    open_leak(building, desk, waiting)
    key = events_of(desk, "WTR-01")[0]["data"]["ticket_key"]

    for part, named in (("loop", "loop"), ("field", "field"), ("wire", "wire which=lift-bus")):
        process = hang_and_return(building, waiting, process, manager, environment, part, named)
        # Devices of a wire that hangs may be silent long enough for a ticket: that one is right.
        leaks = waiting.until(lambda: [t for t in building.ask("tickets") or [] if t["fault_code"] == "WTR-01"], "the leak's ticket")
        assert [t["ticket_key"] for t in leaks] == [key]

    waiting.until(lambda: len(manager.instants("READY=1")) == 4, "every life said that it was ready")
    building.sim("set leak-ctl.detected false")
    waiting.until(lambda: "cleared" in verbs_of(desk, "WTR-01"), "the cleared ticket at the desk")
    assert verbs_of(desk, "WTR-01") == ["opened", "cleared"]
    assert_stream_is_whole(desk)


def test_the_service_manager_hears_that_all_is_well_and_a_stopped_process_is_no_hang(building, desk, waiting, manager):
    building.start_sim()
    process = start_gateway(building, manager.environment(WATCHDOG_S))
    waiting.until(lambda: len(manager.instants("WATCHDOG=1")) > 3, "the watchdog's word")
    assert manager.words()[0] == "READY=1"
    # At least twice in the watchdog's time, as sd_watchdog_enabled(3) asks for; the first with the start.
    beats = manager.instants("WATCHDOG=1")
    assert beats[3] - beats[0] < 3 * WATCHDOG_S / 2 * SLOW
    process.send_signal(signal.SIGSTOP)
    time.sleep(3 * WATCHDOG_S)
    process.send_signal(signal.SIGCONT)
    heard = len(manager.instants("WATCHDOG=1"))
    waiting.until(lambda: len(manager.instants("WATCHDOG=1")) > heard + 3, "the watchdog's word after the pause")
    assert process.poll() is None
    assert "hung" not in log_of(building)
    assert building.cast.end("gateway") == 0
    assert manager.words()[-1] == "STOPPING=1"
