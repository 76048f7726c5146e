"""Other files in mid-life, by `weiyu reload` and SIGHUP: the platform notices what changed, and nothing else."""
import json
import os
import pathlib
import random
import signal
import socket
import subprocess
import time

import pytest

from conftest import assert_stream_is_whole, events_of, verbs_of
from service import Manager, start_gateway

KILLS = 100 if os.environ.get("WY_LONG") else 3
ROUNDS = 160 if os.environ.get("WY_LONG") else 40  # the fifth leak in ten minutes would chatter

OWN = """weiyu: rules/1
package: own
rules:
  - {id: own.current, scope: leak_cable, fault: WTR-06, tier: S4, when: current > %d uA, clear: current < %d uA}
"""


class Site:
    """The files of the building, and orders to load them."""

    def __init__(self, building):
        self.building = building
        self.path = pathlib.Path(building.path("site.yaml"))
        self.plain = self.path.read_text()
        gateway = pathlib.Path(building.path("gateway.yaml"))
        gateway.write_text(gateway.read_text().replace("rules:\n", "rules:\n  - own.yaml\n", 1))
        self.limit(200)

    def limit(self, ua):
        pathlib.Path(self.building.path("own.yaml")).write_text(OWN % (ua, ua))

    def write(self, *changes):
        text = self.plain
        for old, new in changes:
            assert old in text
            text = text.replace(old, new)
        self.path.write_text(text)

    def reload(self):
        """Exit code, and the answer."""
        done = subprocess.run([self.building.bin("weiyu"), "reload", "--socket", self.building.path("weiyu.sock"), "--json"],
                              capture_output=True, text=True)
        return done.returncode, json.loads(done.stdout)

    def reload_well(self):
        code, answer = self.reload()
        assert code == 0 and answer["ok"], answer
        return answer


@pytest.fixture
def site(building):
    return Site(building)


def log_of(building):
    return pathlib.Path(building.path("gateway.log")).read_text(errors="replace")


def requests(building):
    return {wire["id"]: wire["requests"] for wire in building.ask("status")["wires"]}


def is_all_read(building):
    status = building.ask("status")
    return status and all(device["state"] == "ok" for device in status["devices"])


NEW_DEVICE = ("  - {id: door1-io,", "  - {id: lift3-io, wire: lift-bus, profile: lift-io-addon, unit: 3}\n  - {id: door1-io,")
NEW_ASSET = ("assets:\n", """assets:
  - id: 3A-L3
    class: lift
    name_zh: 3A栋3号梯
    name_en: Lift 3, building 3A
    place: {area: 二期, building: 3A, unit: "1", space: shaft, is_public: true}
    device: lift3-io
""")


def add_to_simulator(building):
    scenario = pathlib.Path(building.path("scenario.yaml"))
    text = scenario.read_text()
    line = next(line for line in text.splitlines() if "id: lift2-io, kind" in line)
    points = next(line for line in text.splitlines() if line.startswith("  lift2-io: {"))
    text = text.replace(line, line + "\n" + line.replace("lift2-io", "lift3-io").replace("unit: 2", "unit: 3"))
    scenario.write_text(text.replace(points, points + "\n" + points.replace("lift2-io", "lift3-io")))


def test_what_changed_is_in_force_and_all_else_goes_on(building, desk, waiting, site):
    add_to_simulator(building)
    building.start_sim()
    manager = Manager(building.path("notify.sock"))
    process = start_gateway(building, manager.environment(30))
    waiting.until(lambda: is_all_read(building), "every device read")
    building.sim("set leak-ctl.location 12.4")
    building.sim("set leak-ctl.current 140")
    building.sim("set leak-ctl.detected true")
    waiting.until(lambda: verbs_of(desk, "WTR-01") == ["opened"], "the leak's ticket at the desk")
    first = building.ask("status")

    # Nothing changed: nothing happens.
    assert site.reload_well()["done"] == "nothing has changed"
    assert building.ask("status")["rules"] == first["rules"]

    # A threshold: its ticket comes at once, and the field goes on with its connections.
    before = requests(building)
    site.limit(100)
    answer = site.reload_well()
    assert answer["changes"]["rules"] == {"added": [], "removed": [], "changed": ["own.current"]}
    assert (answer["field"], answer["uplink"]) == ("goes on", "goes on")
    waiting.until(lambda: verbs_of(desk, "WTR-06") == ["opened"], "the ticket of the new threshold")
    assert all(requests(building)[wire] >= n for wire, n in before.items())
    status = building.ask("status")
    assert status["rules"]["bundle"] != first["rules"]["bundle"]
    assert status["rules"]["loaded"] > first["rules"]["loaded"]
    assert status["store"]["epoch"] == first["store"]["epoch"]
    assert status["uplink"]["since_s"] >= status["clock"]["uptime_s"] - first["clock"]["uptime_s"]

    # A device and its lift more.
    site.write(NEW_DEVICE, NEW_ASSET)
    answer = site.reload_well()
    assert answer["changes"]["devices"]["added"] == ["lift3-io"]
    assert answer["changes"]["assets"]["added"] == ["3A-L3"]
    assert answer["field"] == "opened anew"
    waiting.until(lambda: is_all_read(building), "every device read, the new one too")
    assert len(building.ask("status")["devices"]) == 8

    # Wrong files, each in its way: the old set keeps deciding.
    bundle = building.ask("status")["rules"]["bundle"]
    site.path.write_text(site.path.read_text() + "nonsense: 1\n")
    code, answer = site.reload()
    assert code == 1 and not answer["ok"]
    assert "unknown key 'nonsense'" in answer["errors"][0] and "site.yaml" in answer["errors"][0]
    site.write(NEW_DEVICE, NEW_ASSET)
    gateway = pathlib.Path(building.path("gateway.yaml"))
    text = gateway.read_text()
    for old, new, words in (("gateway: gw-demo-01", "gateway: gw-demo-02", "needs a restart"),
                            ("/state\n", "/elsewhere\n", "needs a restart"),
                            ("/pki/ca.crt", "/pki/none.crt", "cannot be read")):
        gateway.write_text(text.replace(old, new))
        code, answer = site.reload()
        assert code == 1 and words in answer["error"], answer
    gateway.write_text(text)
    assert building.ask("status")["rules"]["bundle"] == bundle
    assert len(building.ask("status")["devices"]) == 8

    # A rule that is gone closes its ticket; the other's stays, and the rule still sees its end.
    pathlib.Path(building.path("own.yaml")).write_text("weiyu: rules/1\npackage: own\nrules: []\n")
    assert site.reload_well()["changes"]["rules"]["removed"] == ["own.current"]
    waiting.until(lambda: verbs_of(desk, "WTR-06") == ["opened", "closed"], "the ticket of the rule that is gone")
    building.sim("set leak-ctl.detected false")
    waiting.until(lambda: verbs_of(desk, "WTR-01") == ["opened", "cleared"], "the end of the leak")

    # By signal, many at once: one or two loads.
    loads = log_of(building).count("reload by=")
    site.write()
    for _ in range(100):
        process.send_signal(signal.SIGHUP)
    waiting.until(lambda: len(building.ask("status")["devices"]) == 7, "the first set again")
    time.sleep(2.5)
    assert 1 <= log_of(building).count("reload by=") - loads <= 5

    assert {e["data"]["fault_code"] for e in events_of(desk)} == {"WTR-01", "WTR-06"}, "no other ticket came of it"
    assert_stream_is_whole(desk)
    words = manager.words()
    assert words.count("RELOADING=1") == words.count("READY=1") - 1 > 6
    assert building.cast.end("gateway") == 0
    manager.close()


def rss_kib(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("VmRSS"))


def look(pid):
    return len(os.listdir(f"/proc/{pid}/task")), len(os.listdir(f"/proc/{pid}/fd"))


def order_reload(building):
    """As `weiyu reload` does it, without a process for each."""
    with socket.socket(socket.AF_UNIX) as control:
        control.settimeout(60)
        control.connect(building.path("weiyu.sock"))
        control.sendall(b'{"order":"reload","by":"test"}\n')
        answer = json.loads(control.makefile().read())
    assert answer["ok"], answer
    return answer


def test_reloading_under_load_loses_and_doubles_nothing_and_nothing_grows(building, desk, waiting, site):
    """A fault comes and goes while the files change under it, again and again, and while the broker is away."""
    environment = {"ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":quarantine_size_mb=1"}
    building.start_sim()
    process = start_gateway(building, environment)
    waiting.until(lambda: is_all_read(building), "every device read")
    sizes = []
    for round_number in range(ROUNDS):
        if round_number % 20 == 5:
            building.sim(f"set leak-ctl.detected {str(round_number % 40 == 5).lower()}")
        if round_number == ROUNDS // 2:
            building.cast.end("mosquitto")
        site.limit(300 + round_number)
        if round_number % 5 == 0:
            site.write(("timeout: 300ms", f"timeout: {300 + round_number % 40}ms"))
        if round_number % 7 == 0:
            process.send_signal(signal.SIGHUP)
        order_reload(building)
        if round_number % 20 == 19:  # the leak is raised or over by now, and nothing was lost on the way
            n = round_number // 20 + 1
            if round_number > ROUNDS // 2 and not building.ask("status")["uplink"]["is_up"]:
                building.start_broker()
            waiting.until(lambda: len(events_of(desk, "WTR-01")) == n, "the leak's ticket, or its end")
        if round_number in (19, ROUNDS - 1):
            time.sleep(4)  # every connection stands
            sizes.append((rss_kib(process.pid), *look(process.pid)))
    print(f"RSS in KiB, threads, descriptors after 20 and after {ROUNDS} reloads:", sizes)
    assert sizes[1][1:] == sizes[0][1:]
    assert sizes[1][0] < sizes[0][0] * 1.1
    assert verbs_of(desk, "WTR-01") == ["opened", "cleared"] * (ROUNDS // 40)
    assert {e["data"]["fault_code"] for e in events_of(desk)} == {"WTR-01"}
    assert_stream_is_whole(desk)


def test_a_kill_at_any_moment_of_a_reload_leaves_the_old_set_or_the_new_one(building, desk, waiting, site):
    building.start_sim()
    process = building.start_gateway()
    building.sim("set leak-ctl.detected true")
    waiting.until(lambda: verbs_of(desk, "WTR-01") == ["opened"], "the leak's ticket at the desk")
    draw = random.Random(20261122)
    for round_number in range(KILLS):
        site.limit(300 + round_number)
        site.write(("timeout: 300ms", f"timeout: {300 + round_number}ms"))
        process.send_signal(signal.SIGHUP)
        time.sleep(draw.random() * 0.15)
        building.cast.end("gateway", signal.SIGKILL)
        process = building.start_gateway()
        assert len(building.ask("tickets")) == 1
    building.sim("set leak-ctl.detected false")
    waiting.until(lambda: verbs_of(desk, "WTR-01") == ["opened", "cleared"], "the end of the leak")
    assert_stream_is_whole(desk)
