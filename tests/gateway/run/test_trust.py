"""Whom the gateway believes, and what it opens: wrong servers get nothing, and nothing listens by default."""
import os
import re
import subprocess

import pytest

from conftest import SOURCE

BAD = {  # certificate of the server: what the log must say of it
    "expired": r"expired",
    "wrong-name": r"name",
    "other-ca": r"unknown|self.signed|issuer|not trusted",
}


def log_of(building):
    with open(building.path("gateway.log"), encoding="utf-8", errors="replace") as log:
        return log.read()


@pytest.mark.parametrize("kind", sorted(BAD))
def test_a_wrong_server_gets_no_connection_and_the_log_says_which(building, waiting, kind):
    subprocess.run([os.path.join(SOURCE, "deploy/pki.sh"), "--bad", building.path("pki")], check=True,
                   stdout=subprocess.DEVNULL)
    conf = building.path("mosquitto.conf")
    with open(conf, encoding="utf-8") as file:
        text = file.read()
    text = re.sub(r"certfile .*", f"certfile {building.path('pki/bad')}/{kind}.crt", text)
    text = re.sub(r"keyfile .*", f"keyfile {building.path('pki/bad')}/{kind}.key", text)
    with open(conf, "w", encoding="utf-8") as file:
        file.write(text)
    building.start_broker()
    building.start_sim()
    building.start_gateway(is_waiting=False)
    waiting.until(lambda: "uplink_down" in log_of(building), "the refusal in the log")
    lines = [line for line in log_of(building).splitlines() if "uplink_down" in line]
    assert re.search(BAD[kind], lines[0], re.I), lines[0]
    assert "uplink_up" not in log_of(building)
    status = building.ask("status")
    assert not status["uplink"]["is_up"] and re.search(BAD[kind], status["uplink"]["why_down"], re.I)


def listeners(pid):
    """(protocol, port) that the process listens on or has bound, from /proc alone."""
    inodes = set()
    for fd in os.listdir(f"/proc/{pid}/fd"):
        try:
            target = os.readlink(f"/proc/{pid}/fd/{fd}")
        except OSError:
            continue
        if target.startswith("socket:["):
            inodes.add(target[8:-1])
    found = []
    for protocol in ("tcp", "tcp6", "udp", "udp6"):
        try:
            with open(f"/proc/{pid}/net/{protocol}", encoding="ascii") as table:
                rows = [line.split() for line in table.readlines()[1:]]
        except FileNotFoundError:
            continue
        for row in rows:
            is_open_to_all = row[3] == "0A" if protocol.startswith("tcp") else row[2].endswith(":0000")
            if row[9] in inodes and is_open_to_all:
                found.append((protocol, int(row[1].split(":")[1], 16)))
    return found


def test_nothing_listens_on_tcp_or_udp(building, desk, waiting):
    building.start_sim()
    process = building.start_gateway()
    waiting.until(lambda: all(d["state"] == "ok" for d in building.ask("status")["devices"]), "every device read")
    assert listeners(process.pid) == []


def test_no_write_ever_reaches_a_device(building, desk, waiting):
    building.start_sim()
    building.start_gateway()
    waiting.until(lambda: all(d["state"] == "ok" for d in building.ask("status")["devices"]), "every device read")
    assert building.cast.end("sim") == 0  # 3 if one had
    with open(building.path("truth.jsonl"), encoding="utf-8") as truth:
        assert "write_attempt" not in truth.read()
