"""The scripts of sensors/sim/devices as a trainee uses them: weiyu-sim plays one, `weiyu poll` reads it."""
import glob
import json
import os
import subprocess
import time

import pytest
import yaml

BIN = os.environ["WY_BIN"]
SOURCE = os.environ["WY_SOURCE"]
SCRIPTS = sorted(glob.glob(os.path.join(SOURCE, "sensors/sim/devices/*.yaml")))
DEADLINE = 60  # seconds; only a failing test ever waits so long

GATEWAY = """\
weiyu: gateway/1
gateway: gw-scripts
state: state
site: site.yaml
classes: [{source}/rules/packs/classes.yaml]
faults: [{source}/rules/packs/faults]
tiers: {source}/rules/packs/tiers.yaml
profiles: [{source}/sensors/profiles]
rules: [{source}/rules/packs/system.yaml]
uplink: {{host: broker.example, ca: ca.crt, certificate: gw.crt, key: gw.key}}
"""


def profile_of(script):
    with open(os.path.join(SOURCE, "sensors/profiles", os.path.basename(script)), encoding="utf-8") as file:
        return yaml.safe_load(file)


def site_of(device, port):
    wire = {"tcp": f"{{id: w, kind: tcp, host: 127.0.0.1, port: {port}}}",
            "coap": f"{{id: w, kind: coap, host: 127.0.0.1, port: {port}}}",
            "rtu": f"{{id: w, kind: rtu, tty: {port}, baud: 9600}}"}[device["kind"]]
    unit = f", unit: {device['unit']}" if "unit" in device else ""
    return ("weiyu: site/1\nsite: {id: s, name_zh: 测, name_en: Test, profile: premium}\nzone: UTC\n"
            f"wires:\n  - {wire}\ndevices:\n  - {{id: it, wire: w, profile: {device['profile']}{unit}, timeout: 5s}}\n"
            "assets:\n  - {id: module, class: field_device, name_zh: 模块, name_en: Module, device: it, place: {building: A}}\n")


@pytest.mark.parametrize("script", SCRIPTS, ids=[os.path.basename(s)[:-5] for s in SCRIPTS])
def test_poll_reads_the_device_the_script_plays(script, tmp_path):
    with open(script, encoding="utf-8") as file:
        text = file.read()
    [device] = yaml.safe_load(text)["devices"]
    began = text.split("timeline:")[0]  # time stands still: the test is about the first values
    began = began.replace("../../profiles", os.path.join(SOURCE, "sensors/profiles"))
    began = began.replace("port: 1502", "port: 0").replace("port: 5683", "port: 0")
    (tmp_path / "script.yaml").write_text(began, encoding="utf-8")
    sim = subprocess.Popen([os.path.join(BIN, "weiyu-sim"), "--control", str(tmp_path / "c.sock"),
                            "--ports", str(tmp_path / "ports.json"), "--truth", str(tmp_path / "truth.jsonl"),
                            str(tmp_path / "script.yaml")], stderr=subprocess.PIPE, text=True)
    try:
        end = time.monotonic() + DEADLINE
        while not (tmp_path / "ports.json").exists():
            assert sim.poll() is None, sim.stderr.read()
            assert time.monotonic() < end
            time.sleep(0.02)
        port = json.loads((tmp_path / "ports.json").read_text())[device["id"]]
        (tmp_path / "gateway.yaml").write_text(GATEWAY.format(source=SOURCE), encoding="utf-8")
        (tmp_path / "site.yaml").write_text(site_of(device, port), encoding="utf-8")
        done = subprocess.run([os.path.join(BIN, "weiyu"), "poll", "-c", str(tmp_path / "gateway.yaml"), "--json", "it"],
                              capture_output=True, text=True, timeout=DEADLINE)
        assert done.returncode == 0, done.stdout + done.stderr
        read = {p["point"]: p for p in json.loads(done.stdout)["points"]}
        start = json.loads((tmp_path / "truth.jsonl").read_text().splitlines()[0])
        expected = start["values"][device["id"]]
        assert set(read) == set(expected)
        for name, value in expected.items():
            assert read[name]["quality"] == "good", read[name]
            if name == profile_of(script).get("liveness", {}).get("point"):
                assert read[name]["value"] >= value  # it moves by itself
            elif isinstance(value, str):
                assert read[name]["text"] == value, name
            else:
                assert read[name]["value"] == pytest.approx(value, abs=0.051), name
    finally:
        sim.terminate()
        assert sim.wait(DEADLINE) == 0  # 3: somebody tried to write
        sim.stderr.close()
