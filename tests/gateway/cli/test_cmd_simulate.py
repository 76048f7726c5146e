"""`weiyu simulate` as its users meet it: shipped profiles become servers, well or badly behaved, that `weiyu poll` and
clients without any library of ours can read."""
import glob
import os
import re
import signal
import socket
import struct
import subprocess
import sys
import threading

import pytest

BIN = os.environ["WY_BIN"]
SOURCE = os.path.realpath(os.path.join(os.path.dirname(__file__), "..", "..", ".."))
sys.path.insert(0, os.path.join(SOURCE, "deploy", "demo"))

from stage import free_port  # noqa: E402

PROFILES = os.path.join(SOURCE, "sensors", "profiles")
SHIPPED = sorted(os.path.basename(path)[:-len(".yaml")] for path in glob.glob(PROFILES + "/*.yaml"))
DEADLINE = 60  # seconds; only a failing test ever waits so long


def has_own_framing(name):
    return re.search(r"^framing: nice_len16", open("%s/%s.yaml" % (PROFILES, name)).read(), re.M) is not None


def environment():
    options = os.environ.get("ASAN_OPTIONS", "")
    return dict(os.environ, ASAN_OPTIONS=options + ":detect_leaks=0")


def simulate(*arguments, profiles=PROFILES):
    return subprocess.run([BIN + "/weiyu", "simulate", "--profiles", profiles, *arguments], capture_output=True,
                          text=True, timeout=DEADLINE, env=environment())


class Running:
    """`weiyu simulate ...` once it listens: what it said, and where each device is."""

    def __init__(self, *arguments):
        self.process = subprocess.Popen([BIN + "/weiyu", "simulate", "--profiles", PROFILES, *arguments],
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment())
        self.said = []
        watch = threading.Timer(DEADLINE, self.process.kill)
        watch.start()
        for line in self.process.stdout:
            self.said.append(line)
            if "Ctrl-C" in line:
                break
        watch.cancel()
        if not self.said:
            pytest.fail(self.process.stderr.read())
        self.site = "".join(self.said)
        self.ports = {wire: int(port) for wire, port in re.findall(r"id: (\S+)-wire, .*port: (\d+)}", self.site)}

    def stop(self, number=signal.SIGTERM):
        if self.process.poll() is None:
            self.process.send_signal(number)
        status = self.process.wait(DEADLINE)
        self.process.stdout.close()
        self.errors = self.process.stderr.read()
        self.process.stderr.close()
        return status


@pytest.fixture
def running():
    started = []

    def start(*arguments):
        started.append(Running(*arguments))
        return started[-1]

    yield start
    for one in started:
        if one.process.returncode is None:
            one.stop()


def ask(port, unit, function, address, count=1):
    """The PDU of the answer, over a bare socket."""
    with socket.create_connection(("127.0.0.1", port), DEADLINE) as line:
        line.settimeout(DEADLINE)
        line.sendall(struct.pack(">HHHBBHH", 7, 0, 6, unit, function, address, count))
        data = b""
        while len(data) < 7 or len(data) < 6 + struct.unpack(">H", data[4:6])[0]:
            part = line.recv(300)
            if not part:
                return None
            data += part
        assert data[:4] == b"\x00\x07\x00\x00" and data[6] == unit
        return data[7:]


# ---- Every shipped profile ---------------------------------------------------------------------------------

GATEWAY = """\
weiyu: gateway/1
gateway: gw-training
state: state
site: site.yaml
classes: [{packs}/classes.yaml]
faults: [{packs}/faults]
tiers: {packs}/tiers.yaml
profiles: [{profile}]
rules: [{packs}/system.yaml]
uplink: {{host: 127.0.0.1, port: 8883, ca: x.pem, certificate: x.pem, key: x.pem}}
"""

SITE = """\
weiyu: site/1
site: {id: training, name_zh: 训练, name_en: Training, profile: premium}
zone: Asia/Shanghai
"""


def poll(path, site, device):
    """What `weiyu poll` says, with those lines of the site that are about the device."""
    lines = [line for line in site.splitlines() if "  - " not in line or re.search(r"id: %s(-wire)?," % device, line)]
    (path / "x.pem").write_text("nobody connects here")
    (path / "gateway.yaml").write_text(GATEWAY.format(packs=SOURCE + "/rules/packs",
                                                      profile="%s/%s.yaml" % (PROFILES, device)))
    (path / "site.yaml").write_text(SITE + "\n".join(lines) + "\nassets: []\n")
    return subprocess.run([BIN + "/weiyu", "poll", "-c", str(path / "gateway.yaml"), device], capture_output=True,
                          text=True, timeout=DEADLINE, env=environment())


@pytest.mark.parametrize("kind", ["coap", "modbus"])
def test_each_shipped_profile_is_simulated_and_read_by_poll(running, tmp_path, kind):
    names = [name for name in SHIPPED if (kind == "coap") == name.startswith("coap-")]
    assert len(names) > 5
    it = running(*names)
    silent = {}
    for name in names:
        done = poll(tmp_path, it.site, name)
        if done.returncode or "answered in" not in done.stdout or " good " not in done.stdout:
            silent[name] = done.stdout + done.stderr
    assert silent == {}
    assert it.stop() == 0  # and nobody tried to write


@pytest.mark.parametrize("name", [name for name in SHIPPED if has_own_framing(name)])
def test_a_profile_with_a_framing_of_its_own_is_read_on_a_serial_line(running, tmp_path, name):
    it = running("--rtu", str(tmp_path / "bus"), name)
    done = poll(tmp_path, it.site, name)
    assert "answered in" in done.stdout and " good " in done.stdout, done.stdout + done.stderr
    assert it.stop() == 0


def test_the_site_it_prints_is_read_on_a_bus_of_its_own(running, tmp_path):
    it = running("--rtu", str(tmp_path / "bus"), "--set", "leak-rle-seahawk10k.detected=true", "leak-rle-seahawk10k",
                 "io-8di-door:7")
    assert "tty: %s/bus" % tmp_path in it.site and "unit: 7}" in it.site
    done = poll(tmp_path, it.site, "leak-rle-seahawk10k")
    assert re.search(r"detected +true", done.stdout), done.stdout + done.stderr
    assert it.stop(signal.SIGINT) == 0
    assert not os.path.lexists(tmp_path / "bus")


# ---- Values, ports, misbehaviours --------------------------------------------------------------------------

def test_values_are_there_before_the_first_question(running):
    it = running("--set", "location=12.3", "--set", "length_unit=FEET", "leak-rle-seahawk10k:9")
    assert ask(it.ports["leak-rle-seahawk10k"], 9, 4, 1, 2) == bytes([4, 4, 0, 40, 0, 1])


def test_devices_of_one_port_have_units_of_their_own(running):
    port = free_port()
    it = running("--tcp", str(port), "--set", "io-8di-door-2.open=true", "io-8di-door", "io-8di-door")
    assert "unit: 1}" in it.site and "unit: 2}" in it.site
    first, second = ask(port, 1, 2, 0, 1), ask(port, 2, 2, 0, 1)
    assert first[0] == second[0] == 2 and first != second


def test_a_misbehaviour_is_switched_on_for_all_or_for_one(running):
    it = running("--with", "exception=4", "--with", "io-8di-door.silent_errors", "lift-io-addon", "io-8di-door")
    assert ask(it.ports["lift-io-addon"], 1, 2, 0) == bytes([0x82, 4])
    assert ask(it.ports["io-8di-door"], 1, 2, 0) == bytes([0x82, 4])
    assert ask(it.ports["lift-io-addon"], 1, 3, 9999) == bytes([0x83, 4])


def test_the_control_socket_takes_commands(running, tmp_path):
    it = running("--control", str(tmp_path / "c.sock"), "lift-io-addon")
    with socket.socket(socket.AF_UNIX) as control:
        control.connect(str(tmp_path / "c.sock"))
        control.settimeout(DEADLINE)
        control.sendall(b"exception lift-io-addon 6\n")
        assert control.recv(100) == b"ok\n"
    assert ask(it.ports["lift-io-addon"], 1, 2, 0) == bytes([0x82, 6])
    assert "socat - UNIX:%s/c.sock" % tmp_path in it.site


def test_whoever_writes_is_found_out(running, tmp_path):
    it = running("--truth", str(tmp_path / "truth.jsonl"), "lift-io-addon")
    assert ask(it.ports["lift-io-addon"], 1, 6, 0) == bytes([0x86, 1])
    assert it.stop() == 3
    assert "attempts to write" in it.errors
    assert '"write_attempt"' in (tmp_path / "truth.jsonl").read_text()


def test_nothing_is_left_behind(running, tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    it = running("lift-io-addon")
    assert len(list(tmp_path.iterdir())) == 1
    assert it.stop() == 0
    assert list(tmp_path.iterdir()) == []


def test_the_simulator_ends_with_the_command(running):
    it = running("lift-io-addon")
    it.process.kill()
    it.process.wait(DEADLINE)
    for _ in range(DEADLINE * 20):
        try:
            socket.create_connection(("127.0.0.1", it.ports["lift-io-addon"]), DEADLINE).close()
        except ConnectionRefusedError:
            return
        threading.Event().wait(0.05)
    pytest.fail("somebody still listens")


# ---- Words -------------------------------------------------------------------------------------------------

def test_misbehaviours_are_listed():
    done = simulate("--list")
    assert done.returncode == 0
    names = [line.split()[0].split("=")[0] for line in done.stdout.splitlines()]
    assert {"delay", "frozen", "clear_on_read", "twin", "rst"} <= set(names) and len(names) == len(set(names))


def test_the_scenario_can_be_printed_and_played_by_hand():
    done = simulate("--print", "--set", "running=true", "--with", "delay=1s", "--coap", "5800", "lift-io-addon",
                    "coap-leak-3200", "coap-door-3200")
    assert done.returncode == 0 and done.stdout.startswith("weiyu: sim/1\n")
    assert 'with: ["delay=1s"]' in done.stdout and 'running: "true"' in done.stdout
    assert "port: 5800" in done.stdout and "port: 5801" in done.stdout


@pytest.mark.parametrize("arguments,status,words", [
    ((), 2, "name a profile"),
    (("--fast", "lift-io-addon"), 2, "unknown option '--fast'"),
    (("lift-io-addon", "--set"), 2, "'--set' needs a value"),
    (("--tcp", "70000", "lift-io-addon"), 2, "a port is 0"),
    (("--tcp", "1502", "--rtu", "bus", "lift-io-addon"), 2, "not both"),
    (("lift-io-adon",), 1, "did you mean 'lift-io-addon'?"),
    (("./no-such.yaml",), 1, "cannot read './no-such.yaml'"),
    (("lift-io-addon:300",), 1, "a unit id is 1 to 255"),
    (("--rtu", "bus", "lift-io-addon:3", "io-8di-door:3"), 1, "the same unit id 3"),
    (("--set", "runing=true", "lift-io-addon"), 1, "no device here has such a point"),
    (("--set", "running", "lift-io-addon"), 1, "expected POINT=VALUE"),
    (("--set", "running=perhaps", "lift-io-addon"), 1, "expected true or false"),
    (("--with", "frozn", "lift-io-addon"), 1, "did you mean 'frozen'?"),
    (("--with", "echo", "lift-io-addon"), 1, "not possible on the wire"),
    (("--with", "delay", "lift-io-addon"), 1, "expected a duration"),
])
def test_what_is_wrong_is_said(arguments, status, words):
    done = simulate(*arguments)
    assert (done.returncode, words in done.stderr) == (status, True), done.stderr


def test_without_its_simulator_it_says_what_is_missing(tmp_path):
    alone = tmp_path / "weiyu"
    alone.write_bytes(open(BIN + "/weiyu", "rb").read())
    alone.chmod(0o755)
    done = subprocess.run([str(alone), "simulate", "--profiles", PROFILES, "lift-io-addon"], capture_output=True,
                          text=True, timeout=DEADLINE, env=environment())
    assert done.returncode == 1 and "it is a program of its own and belongs beside weiyu" in done.stderr


def test_profiles_are_found_where_the_program_was_installed(tmp_path):
    (tmp_path / "bin").mkdir()
    (tmp_path / "share" / "weiyu").mkdir(parents=True)
    (tmp_path / "share" / "weiyu" / "profiles").symlink_to(PROFILES)
    program = tmp_path / "bin" / "weiyu"
    program.write_bytes(open(BIN + "/weiyu", "rb").read())
    program.chmod(0o755)
    done = subprocess.run([str(program), "simulate", "--print", "lift-io-addon"], capture_output=True, text=True,
                          timeout=DEADLINE, env=environment())
    assert done.returncode == 0 and "id: lift-io-addon" in done.stdout
