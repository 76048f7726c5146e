"""`weiyu sniff`: what went over the wires of the running gateway, read back from what the simulator did."""
import json
import os
import re
import subprocess

import pytest

from conftest import BUILD, be_patient


@pytest.fixture
def sniff(building, desk, waiting):
    """The gateway with its wires at work; sniff(WIRE, ...) is one look."""
    be_patient(building, "lift")
    building.start_sim()
    building.start_gateway()
    waiting.until(lambda: all(d["state"] == "ok" for d in building.ask("status")["devices"]), "every device read")

    def look(*words):
        return subprocess.run([os.path.join(BUILD, "bin/weiyu"), "sniff", "--socket", building.path("weiyu.sock"), *words],
                              capture_output=True, text=True, timeout=120)
    return look


def frames(done):
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)["frames"]


def test_exchanges_are_told_byte_by_byte(sniff):
    people = sniff("lift-bus", "-n", "3")
    assert people.returncode == 0, people.stderr
    heads = [line for line in people.stdout.splitlines() if not line.startswith(" ")]
    assert len(heads) == 3
    assert re.fullmatch(r"\d\d:\d\d:\d\d\.\d{3}  unit \d+  function [1-4]  (coil|discrete|holding|input) \d+, \d+ long  "
                        r"transaction \d+  \d+ms  ok", heads[0]), heads[0]
    seen = frames(sniff("lift-bus", "--json", "-n", "200"))
    assert [f["number"] for f in seen] == list(range(seen[0]["number"], seen[0]["number"] + len(seen)))
    for frame in seen:
        request, answer = bytes.fromhex(frame["request"]), bytes.fromhex(frame["answer"])
        assert frame["request_bytes"] == len(request) == 12
        assert request[:2] == answer[:2] == frame["transaction"].to_bytes(2, "big")
        assert (request[6], request[7]) == (frame["unit"], frame["function"]) == (answer[6], answer[7])
        assert frame["address"] == int.from_bytes(request[8:10], "big")
        assert frame["count"] == int.from_bytes(request[10:12], "big")
        assert frame["odd"] is None and frame["exception"] is None and frame["result"] == "ok"
        assert len(answer) == min(frame["answer_bytes"], 64)


def test_refusals_and_late_answers_are_marked(building, sniff, waiting):
    building.sim("exception leak-ctl 4 2")
    [refused, *_] = waiting.until(lambda: [f for f in frames(sniff("leak-bus", "--json", "-n", "200")) if f.get("exception")],
                                  "the refusal")
    assert refused["exception"] == 4
    assert "exception 4: the device has failed" in sniff("leak-bus", "-n", "256").stdout
    building.sim("delay leak-ctl 1500 1")
    seen = waiting.until(lambda: [f for f in frames(sniff("leak-bus", "--json", "-n", "200")) if f["odd"]], "the late answer")
    [late, *_] = [f for f in seen if "late" in f["odd"]]
    assert late["request_bytes"] == 0 and late["answer_bytes"] > 4 and late["took_ms"] >= 1000
    lost = [f for f in frames(sniff("leak-bus", "--json", "-n", "200")) if f["result"] == "no answer in time" and
            f["request_bytes"]]
    assert lost and lost[0]["answer_bytes"] == 0


def test_it_follows_a_wire(building, sniff):
    following = subprocess.Popen([os.path.join(BUILD, "bin/weiyu"), "sniff", "--socket", building.path("weiyu.sock"), "--json",
                                  "--follow", "-n", "1", "lift-bus"], stdout=subprocess.PIPE, text=True)
    try:
        seen = [json.loads(following.stdout.readline())["number"] for _ in range(8)]
    finally:
        following.terminate()
        following.wait()
        following.stdout.close()
    assert seen == list(range(seen[0], seen[0] + 8))


def test_wires_without_frames_and_wires_that_are_not(sniff):
    unknown = sniff("lift-buss")
    assert unknown.returncode == 1 and "there is no such wire" in unknown.stderr
    none = sniff("leak-air")
    assert none.returncode == 1 and "no frames are kept of wires of kind coap" in none.stderr
    assert sniff().returncode == 2 and sniff("lift-bus", "-n", "0").returncode == 2
