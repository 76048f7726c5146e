"""The demo's conductor: it says whose port it had to leave, no two take the same one, and whatever ends it, nothing it started is
left."""
import os
import pathlib
import re
import signal
import socket
import subprocess
import sys
import time

import pytest

from conftest import BUILD, SOURCE
from stage import PORTS

PATIENCE_S = 120


@pytest.fixture
def stage_dir(tmp_path):
    """A build directory of its own, so that runs do not meet."""
    (tmp_path / "bin").symlink_to(os.path.join(BUILD, "bin"))
    return tmp_path


def started_by(directory):
    """Processes that work for this directory, by their command line."""
    found = []
    for entry in pathlib.Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and str(directory).encode() in (entry / "cmdline").read_bytes():
                found.append(int(entry.name))
        except OSError:
            continue  # ended meanwhile
    return found


def start(stage_dir, *options):
    return subprocess.Popen([sys.executable, "-B", os.path.join(SOURCE, "deploy/demo/play.py"), SOURCE, str(stage_dir),
                             *options], stdout=open(stage_dir / "out", "wb"), stderr=subprocess.STDOUT,
                            start_new_session=True)


def said(stage_dir):
    return (stage_dir / "out").read_text(encoding="utf-8")


def wait_until(condition, demo, stage_dir):
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert demo.poll() is None, said(stage_dir)
        assert time.monotonic() < deadline, said(stage_dir)
        time.sleep(0.05)


def log_of(stage_dir, name):
    return (stage_dir / "run" / (name + ".log")).exists()


MOMENTS = {
    "keys": lambda d: (d / "run" / "site.yaml").exists(),
    "start": lambda d: log_of(d, "mosquitto"),
    "story": lambda d: "is up; the story" in said(d),
}


@pytest.mark.parametrize("how,moment", [(signal.SIGINT, "keys"), (signal.SIGTERM, "start"), (signal.SIGINT, "story"),
                                        (signal.SIGHUP, "story")])
def test_whatever_ends_the_demo_leaves_nothing_behind(stage_dir, how, moment):
    demo = start(stage_dir)
    wait_until(lambda: MOMENTS[moment](stage_dir), demo, stage_dir)
    os.killpg(demo.pid, how)
    assert demo.wait(timeout=PATIENCE_S) == 128 + how, said(stage_dir)
    assert started_by(stage_dir) == []
    assert "stopping what was started" in said(stage_dir) and "Traceback" not in said(stage_dir)


def test_a_port_in_use_is_said_and_another_one_taken(stage_dir):
    with socket.socket() as theirs:
        theirs.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            theirs.bind(("127.0.0.1", PORTS["LIFT"]))
            theirs.listen()
        except OSError:
            pass  # somebody has it: the same case
        demo = start(stage_dir)
        wait_until(lambda: MOMENTS["story"](stage_dir), demo, stage_dir)
        demo.send_signal(signal.SIGTERM)
        assert demo.wait(timeout=PATIENCE_S) == 143
    other = re.search(rf"port {PORTS['LIFT']} \(lift\) is in use by somebody else; taking (\d+)", said(stage_dir))
    assert other and f"port: {other[1]}" in (stage_dir / "run/site.yaml").read_text(encoding="utf-8")
    assert started_by(stage_dir) == []


# All look at the same places first, as processes do whose numbers lie a round apart.
CHOOSE = """import os, sys
os.getpid = lambda: 4711
from stage import choose_ports
print(*choose_ports().values(), *choose_ports(usual=False).values(), flush=True)
sys.stdin.read()
"""


def test_two_stages_set_at_the_same_time_share_no_port():
    """Each chooses first and listens later: keys are made in between."""
    stages = [subprocess.Popen([sys.executable, "-B", "-c", CHOOSE], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                               cwd=os.path.join(SOURCE, "deploy/demo")) for _ in range(4)]
    taken = []
    for stage in stages:
        taken += next(line for line in stage.stdout if line[0].isdigit()).split()
    for stage in stages:
        stage.communicate("")
    assert len(taken) == len(set(taken)) == 4 * 2 * len(PORTS)
