"""Our CoAP driver against a server that is not ours, npm's coap: formats, observation, blocks and discovery; and the same
through a network that loses, doubles, delays and reorders every fifth datagram."""
import json
import os
import pathlib
import re
import signal
import subprocess

import pytest

HERE = pathlib.Path(__file__).resolve().parent
BIN = pathlib.Path(os.environ["WY_BIN"])
NODE = {**os.environ, "NODE_PATH": os.path.join(os.environ["WY_NPM"], "node_modules")}
HEAD = """weiyu: profile/1
id: peer
transport: coap
vendor: v
model: m
title_zh: 邻
title_en: peer
source: s
limits: {timeout: 500ms}
classes: {F: 500ms, M: 2s}
"""
OBSERVED = HEAD + "points:\n  counter: {path: /counter, type: counter, observe: true, poll: M}\n"
LONG = HEAD + """points:
  first: {path: /long, senml: first, type: counter, poll: F}
  last: {path: /long, senml: last, type: counter, poll: F}
"""
PACK = HEAD + """accept: senml+%s
points:
  count: {path: /3200/0, senml: 3200/0/5501, type: counter, observe: true, poll: M}
  odd: {path: /3200/0, senml: 3200/0/5500, type: bool, observe: true, poll: M}
"""


class Network:
    def __init__(self, tmp_path):
        self.tmp_path = tmp_path
        self.all = []

    def start(self, argv):
        process = subprocess.Popen([str(a) for a in argv], stdout=subprocess.PIPE, text=True, env=NODE)
        self.all.append(process)
        for line in process.stdout:
            if line.startswith("port"):
                return int(line.split()[1])
        raise AssertionError(f"{argv[0]} did not start")

    def server(self, tick_ms):
        return self.start(["node", HERE / "servers/coap.js", tick_ms])

    def behind(self, port, faults, rate, seed):
        return self.start([BIN / "fault-proxy", "--listen", "udp:127.0.0.1:0", "--to", f"udp:127.0.0.1:{port}", "--rate", rate,
                           "--seed", seed, "--timeout", 500, "--faults", faults])

    def read(self, port, profile, seconds):
        path = self.tmp_path / "profile.yaml"
        path.write_text(profile, encoding="utf-8")
        run = subprocess.run([BIN / "coap_peek", path, "127.0.0.1", str(port), str(seconds)], capture_output=True, text=True,
                             timeout=seconds + 60)
        assert run.returncode == 0, run.stderr
        return [json.loads(line) for line in run.stdout.splitlines()]

    def end(self):
        for process in self.all:
            process.send_signal(signal.SIGTERM)
        return [process.communicate(timeout=60)[0] for process in self.all]


@pytest.fixture
def network(tmp_path):
    one = Network(tmp_path)
    yield one
    assert not any(re.search(r"^write$", out or "", re.M) for out in one.end())


def values(reports, point):
    """In the order they came; no other quality than good."""
    samples = [r["samples"][point] for r in reports if point in r["samples"]]
    assert all(s["quality"] == "good" for s in samples), samples
    return [s["value"] for s in samples]


def test_notifications_arrive_one_by_one(network):
    reports = network.read(network.server(200), OBSERVED, 4)
    got = values(reports, "counter")
    # The same one twice where a question stood in for a notification that was late.
    assert len(set(got)) >= 5 and got == sorted(got), reports


@pytest.mark.parametrize("form", ["json", "cbor"])
def test_packs_are_asked_for_and_observed_in_the_form_of_the_profile(network, form):
    reports = network.read(network.server(200), PACK % form, 4)
    counts, odds = values(reports, "count"), values(reports, "odd")
    assert len(counts) >= 5 and len(counts) == len(odds)
    assert all(odd == count % 2 for count, odd in zip(counts, odds))


def test_a_body_of_many_blocks_is_of_one_moment(network):
    reports = network.read(network.server(100000), LONG, 3)
    good = [r for r in reports if r["samples"]]
    assert len(good) >= 2
    assert all(r["samples"]["first"]["value"] == r["samples"]["last"]["value"] == 0 for r in good)


def test_discovery_lists_what_the_server_has(network):
    port = network.server(1000)
    run = subprocess.run([BIN / "weiyu", "poll", "--discover", f"coap://127.0.0.1:{port}", "--json"], capture_output=True,
                         text=True, timeout=60)
    assert run.returncode == 0, run.stderr
    told = json.loads(run.stdout)
    assert [(r["path"], r["formats"], r["observe"]) for r in told["resources"]] == [
        ("/counter", "", True), ("/3200/0", "110 112", True), ("/long", "110", False)]


def test_discovery_of_what_is_no_address_is_a_usage_error():
    for target in ("coap://", "coap://h:0", "coap://h:70000", "coap://h:1x"):
        run = subprocess.run([BIN / "weiyu", "poll", "--discover", target], capture_output=True, text=True, timeout=60)
        assert run.returncode == 2 and "expected coap://HOST" in run.stderr, target


@pytest.mark.parametrize("seed", [1, 2])
def test_a_bad_network_brings_no_wrong_value(network, seed):
    port = network.behind(network.server(150), "drop,duplicate,reorder,delay,jitter,replay", 0.2, seed)
    reports = network.read(port, OBSERVED, 15)
    got = values(reports, "counter")
    assert len(got) >= 10
    assert got == sorted(got), "an older value after a newer one"
    assert got[-1] >= 20, "it went on to the end"


@pytest.mark.parametrize("seed", [4])
def test_blocks_come_whole_through_a_bad_network(network, seed):
    # Its state stands still: the ETags of this server are an XOR of bytes, too weak to tell two states apart.
    port = network.behind(network.server(3600000), "drop,duplicate,reorder,jitter,replay", 0.02, seed)
    reports = network.read(port, LONG, 15)
    assert len(values(reports, "first")) >= 1
    assert set(values(reports, "first") + values(reports, "last")) == {0}
