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


def site_of(devices, ports):
    """A site file with a wire, a device and an asset for each; ids are those of the profiles."""
    site = "weiyu: site/1\nsite: {id: s, name_zh: 测, name_en: Test, profile: premium}\nzone: UTC\nwires:\n"
    for device in devices:
        where = f"tty: {ports[device['id']]}, baud: 9600" if device["kind"] == "rtu" else f"host: 127.0.0.1, port: {ports[device['id']]}"
        site += f"  - {{id: {device['profile']}, kind: {device['kind']}, {where}}}\n"
    site += "devices:\n"
    for device in devices:
        unit = f", unit: {device['unit']}" if "unit" in device else ""
        site += f"  - {{id: {device['profile']}, wire: {device['profile']}, profile: {device['profile']}{unit}, timeout: 5s}}\n"
    site += "assets:\n"
    for device in devices:
        site += (f"  - {{id: module-{device['profile']}, class: field_device, name_zh: 模块, name_en: Module, "
                 f"device: {device['profile']}, place: {{building: A}}}}\n")
    return site


class Sim:
    """weiyu-sim with this scenario; stop() says how it ended."""

    def __init__(self, path, text):
        (path / "script.yaml").write_text(text, encoding="utf-8")
        self.process = subprocess.Popen([os.path.join(BIN, "weiyu-sim"), "--control", str(path / "c.sock"),
                                         "--ports", str(path / "ports.json"), "--truth", str(path / "truth.jsonl"),
                                         str(path / "script.yaml")], stderr=subprocess.PIPE, text=True)
        end = time.monotonic() + DEADLINE
        while not (path / "ports.json").exists():
            assert self.process.poll() is None, self.process.stderr.read()
            assert time.monotonic() < end
            time.sleep(0.02)
        self.ports = json.loads((path / "ports.json").read_text())

    def stop(self):
        self.process.terminate()
        status = self.process.wait(DEADLINE)
        self.process.stderr.close()
        return status


def weiyu(*words):
    return subprocess.run([os.path.join(BIN, "weiyu"), *words], capture_output=True, text=True, timeout=DEADLINE, check=False)


@pytest.mark.parametrize("script", SCRIPTS, ids=[os.path.basename(s)[:-5] for s in SCRIPTS])
def test_poll_reads_the_device_the_script_plays(script, tmp_path):
    with open(script, encoding="utf-8") as file:
        text = file.read()
    [device] = yaml.safe_load(text)["devices"]
    began = text.split("timeline:")[0]  # time stands still: the test is about the first values
    began = began.replace("../../profiles", os.path.join(SOURCE, "sensors/profiles"))
    began = began.replace("port: 1502", "port: 0").replace("port: 5683", "port: 0")
    sim = Sim(tmp_path, began)
    try:
        (tmp_path / "gateway.yaml").write_text(GATEWAY.format(source=SOURCE), encoding="utf-8")
        (tmp_path / "site.yaml").write_text(site_of([device], sim.ports), encoding="utf-8")
        done = weiyu("poll", "-c", str(tmp_path / "gateway.yaml"), "--json", device["profile"])
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
        assert sim.stop() == 0  # 3: somebody tried to write


def test_one_gateway_reads_all_of_them_side_by_side(tmp_path):
    scenario = "weiyu: sim/1\nprofiles: [%s/sensors/profiles]\ndevices:\n" % SOURCE
    devices = []
    for script in SCRIPTS:
        with open(script, encoding="utf-8") as file:
            [device] = yaml.safe_load(file)["devices"]
        device["id"] = device["profile"]
        device.update({"port": 0} if "port" in device else {"link": str(tmp_path / "line")})
        scenario += "  - {" + ", ".join(f"{key}: {value}" for key, value in device.items()) + "}\n"
        devices.append(device)
    sim = Sim(tmp_path, scenario)
    (tmp_path / "gateway.yaml").write_text(GATEWAY.format(source=SOURCE), encoding="utf-8")
    (tmp_path / "site.yaml").write_text(site_of(devices, sim.ports), encoding="utf-8")
    (tmp_path / "state").mkdir()
    gateway = subprocess.Popen([os.path.join(BIN, "weiyu"), "run", "-c", str(tmp_path / "gateway.yaml")],
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        states = {}
        end = time.monotonic() + 2 * DEADLINE
        while set(states.values()) != {"ok"} and time.monotonic() < end:
            time.sleep(0.5)
            assert gateway.poll() is None
            status = weiyu("status", "-c", str(tmp_path / "gateway.yaml"), "--json")
            if status.returncode == 0:
                states = {device["id"]: device["state"] for device in json.loads(status.stdout)["devices"]}
        assert len(states) == len(devices) and [d for d in states if states[d] != "ok"] == []
    finally:
        gateway.terminate()
        gateway.wait(DEADLINE)
        assert sim.stop() == 0
