"""The real process records, and its recording tells again what it told."""
import os
import re
import subprocess

from conftest import BUILD, verbs_of


def replay(building, *arguments):
    run = subprocess.run([os.path.join(BUILD, "bin/weiyu"), "replay", "-c", building.path("gateway.yaml"), *arguments],
                         capture_output=True, text=True, timeout=120)
    assert run.returncode == 0, run.stderr
    return run


def test_what_a_gateway_told_its_recording_tells_again(building, desk, waiting):
    building.start_sim()
    building.start_gateway()
    building.sim("set leak-7f.detected true")
    waiting.until(lambda: "opened" in verbs_of(desk, "WTR-03"), "the ticket at the desk")
    # Stopped and started with the leak still there: one ticket, before and after.
    assert building.cast.end("gateway") == 0
    building.start_gateway()
    building.sim("set leak-7f.detected false")
    waiting.until(lambda: "cleared" in verbs_of(desk, "WTR-03"), "cleared at the desk")
    assert building.cast.end("gateway") == 0

    files = sorted(os.listdir(building.path("state/record")))
    assert len(files) == 2 and all(re.fullmatch(r"\d{8}-\d{8}T\d{6}Z\.wyrec", name) for name in files)
    run = replay(building)
    assert run.stderr == ""
    told = [line.split()[1] for line in run.stdout.splitlines() if " 3A-E1 " in line]
    assert told == ["open", "resolve"]
    assert run.stdout == replay(building, building.path("state/record")).stdout
    assert "water.leak" in replay(building, "--stats").stdout
