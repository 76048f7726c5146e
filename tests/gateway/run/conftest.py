"""A building of the demo's parts for each test, on free ports, stopped by pid at the end."""
import os
import pathlib
import re
import sys
import time

import pytest

SOURCE = os.environ["WY_SOURCE"]
BUILD = os.environ["WY_BUILD"]
sys.path.insert(0, os.path.join(SOURCE, "deploy/demo"))

from stage import Building, Desk, choose_ports  # noqa: E402


def make_building(tmp_path):
    """Silence is no fault here that comes within seconds, as it does in the demo: it could come from a machine that is merely busy."""
    run = tmp_path / "run"
    run.mkdir(mode=0o700)
    made = Building(SOURCE, BUILD, str(run), choose_ports(usual=False), has_story=False)
    site = pathlib.Path(made.path("site.yaml"))
    text, n = re.subn(r"name: (panel_silent|device_silent), value: \d+s", r"name: \1, value: 60s", site.read_text(encoding="utf-8"))
    assert n == 2
    site.write_text(text, encoding="utf-8")
    return made


def be_patient(building, words=""):
    """Devices and wires with these words in their line have long to answer: for a test in which the first answer counts, and the
    machine may be busy."""
    path = pathlib.Path(building.path("site.yaml"))
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    path.write_text("".join(re.sub(r"(timeout|connect): \d+m?s", r"\1: 20s", line) if words in line else line for line in lines),
                    encoding="utf-8")


@pytest.fixture
def building(tmp_path):
    made = make_building(tmp_path)
    yield made
    made.cast.stop()
    for log in ("gateway", "desk"):
        path = pathlib.Path(made.path(log + ".log"))
        text = path.read_text(errors="replace") if path.exists() else ""
        assert "ERROR: AddressSanitizer" not in text and "runtime error:" not in text, text[-4000:]


@pytest.fixture
def desk(building):
    building.start_broker()
    building.start_desk()
    return Desk(building.path("desk.db"))


class Waiting:
    """until(condition): waits for it, however slow the machine; fails with what was seen last."""

    def __init__(self, building, patience_s=120):
        self.building, self.patience_s = building, patience_s

    def until(self, condition, what, patience_s=None):
        deadline = time.monotonic() + (patience_s or self.patience_s)
        while True:
            seen = condition()
            if seen:
                return seen
            self.building.cast.check()
            if time.monotonic() > deadline:
                tails = "\n".join(f"--- {name}\n{self.building.cast.tail(name, 30)}"
                                  for name in ("gateway", "desk", "sim")
                                  if os.path.exists(self.building.path(name + ".log")))
                raise AssertionError(f"not seen: {what}\n{tails}")
            time.sleep(0.1)


@pytest.fixture
def waiting(building):
    return Waiting(building)


def events_of(desk, fault=None):
    desk.new_events()
    return [e for e in desk.events if fault is None or e["data"]["fault_code"] == fault]


def verbs_of(desk, fault):
    return [e["type"].split(".")[-2] for e in events_of(desk, fault)]


def assert_stream_is_whole(desk):
    """No gap, nothing twice, one open ticket per fault at most."""
    events = desk.new_events() + desk.events
    rows = desk.db.execute("select source, epoch, count(*), count(distinct seq), min(seq), max(seq) from inbox "
                           "where seq is not null and seq > 0 group by source, epoch").fetchall()
    assert rows, events
    for source, epoch, n, distinct, first, last in rows:
        assert (n, distinct, first) == (last, last, 1), (source, epoch, n, distinct, first, last)
