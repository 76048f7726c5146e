"""docs/adding-a-driver.md, followed to the letter in a copy of the tree: three files, and the driver is there."""
import contextlib
import hashlib
import json
import os
import pathlib
import re
import shutil
import socketserver
import subprocess
import threading

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
DOC = ROOT / "docs" / "adding-a-driver.md"
BLOCK = re.compile(r"^```\w+ (file|append|example)=(\S+)\n(.*?)^```$", re.M | re.S)
GATEWAY = """weiyu: gateway/1
gateway: gw-test-01
state: state
site: site.yaml
classes: [{root}/rules/packs/classes.yaml]
faults: [{root}/rules/packs/faults/system.yaml]
tiers: {root}/rules/packs/tiers.yaml
profiles: [tank.yaml]
rules: [{root}/rules/packs/system.yaml]
uplink: {{host: broker.example, ca: ca, certificate: crt, key: key}}
"""


def blocks(kind):
    return {path: text for found, path, text in BLOCK.findall(DOC.read_text(encoding="utf-8")) if found == kind}


def snapshot(tree):
    return {str(path.relative_to(tree)): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in tree.rglob("*") if path.is_file()}


def copy_tree(to):
    """What the build reads, without other builds and histories."""
    to.mkdir()
    shutil.copy(ROOT / "CMakeLists.txt", to)
    for part in ("rules", "sensors", "gateway", "deploy", "tests"):
        shutil.copytree(ROOT / part, to / part, ignore=shutil.ignore_patterns("__pycache__", ".pytest_cache"))


def run(*command, **more):
    done = subprocess.run(command, capture_output=True, text=True, timeout=900, check=False, **more)
    assert done.returncode == 0, f"{command}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
    return done.stdout


@pytest.fixture(scope="module", name="followed")
def follow(tmp_path_factory):
    """The copy with what the page says written into it, and what that touched; built as far as it is needed."""
    home = tmp_path_factory.mktemp("driver")
    tree, build = home / "tree", home / "build"
    copy_tree(tree)
    before = snapshot(tree)
    for path, text in blocks("file").items():
        assert not (tree / path).exists(), f"{path} is there already"
        (tree / path).write_text(text, encoding="utf-8")
    for path, text in blocks("append").items():
        with open(tree / path, "a", encoding="utf-8") as file:
            file.write(text)
    after = snapshot(tree)
    touched = sorted(path for path in after.keys() | before.keys() if before.get(path) != after.get(path))
    # Unoptimised: the quickest build there is. A compiler cache helps where there is one.
    cache = shutil.which("ccache")
    more = [f"-DCMAKE_C_COMPILER_LAUNCHER={cache}"] if cache else []
    run("cmake", "-S", str(tree), "-B", str(build), "-G", "Ninja", "-DCMAKE_BUILD_TYPE=Debug", "-DCMAKE_C_FLAGS=-O0",
        "-DWY_WERROR=ON", *more)
    run("ninja", "-C", str(build), "-j2", "ask_test", "weiyu",
        env={**os.environ, "CCACHE_BASEDIR": str(home), "CCACHE_NOHASHDIR": "1"})
    yield {"home": home, "bin": build / "bin", "touched": touched}
    shutil.rmtree(home, ignore_errors=True)


class Instrument(socketserver.StreamRequestHandler):
    def handle(self):
        values = {b"level": b"2.25", b"strokes": b"48213"}
        for line in self.rfile:
            get, channel, name = line.split()
            assert get == b"get"
            self.wfile.write(channel + b" " + name + b" " + values[name] + b"\n")


@contextlib.contextmanager
def instrument():
    socketserver.ThreadingTCPServer.allow_reuse_address = True
    socketserver.ThreadingTCPServer.daemon_threads = True
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Instrument) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


@pytest.fixture(name="site")
def write_site(followed):
    """The examples of the page, with a gateway file around them."""
    folder = followed["home"] / "site"
    folder.mkdir(exist_ok=True)
    for path, text in blocks("example").items():
        (folder / path).write_text(text, encoding="utf-8")
    (folder / "gateway.yaml").write_text(GATEWAY.format(root=ROOT), encoding="utf-8")
    return folder


def weiyu(followed, *words):
    return subprocess.run([followed["bin"] / "weiyu", *words], capture_output=True, text=True, timeout=60, check=False)


def test_three_files_are_touched_and_no_more(followed):
    assert followed["touched"] == ["sensors/drivers.def", "sensors/drivers/ask.c", "tests/sensors/ask_test.c"]


def test_its_own_test_is_registered_and_passes(followed):
    listed = run("ctest", "--test-dir", str(followed["bin"].parent), "-N")
    assert re.search(r"Test +#\d+: ask_test$", listed, re.M)
    run(str(followed["bin"] / "ask_test"))


def test_the_command_lists_it_with_its_keys(followed):
    text = weiyu(followed, "drivers").stdout
    assert "ask: instruments that are asked by name" in text
    part = text.split("wires of kind ask:")[1]
    assert re.search(r"^ +host +required", part, re.M) and re.search(r"^ +channel +required", part, re.M)
    assert re.search(r"^ +ask +required", part, re.M) and "psk" not in part


def test_a_site_with_it_is_fine(followed, site):
    done = weiyu(followed, "check", "-c", str(site / "gateway.yaml"))
    assert done.returncode == 0, done.stderr
    assert "1 devices" in done.stdout


@pytest.mark.parametrize("path, old, new, said", [
    ("site.yaml", ", channel: pump-1", "", "E107"),
    ("site.yaml", "channel: pump-1", "channel: pump 1", "'channel' is one word"),
    ("site.yaml", "channel: pump-1", "channel: pump-1, unit: 3", "ask devices have no 'unit'"),
    ("site.yaml", "port: 7700", "port: 7700, baud: 9600", "ask wires have no 'baud'"),
    ("site.yaml", "chan", "chain", "did you mean 'channel'"),
    ("tank.yaml", ", ask: level", "", "E107"),
    ("tank.yaml", "ask: level", "ask: level, address: 3", "E803"),
])
def test_what_does_not_suit_it_is_said(followed, site, path, old, new, said):
    text = (site / path).read_text(encoding="utf-8")
    assert old in text
    (site / path).write_text(text.replace(old, new, 1), encoding="utf-8")
    done = weiyu(followed, "check", "-c", str(site / "gateway.yaml"))
    assert done.returncode == 1
    assert said in done.stderr


def test_an_instrument_is_read(followed, site):
    with instrument() as port:
        text = (site / "site.yaml").read_text(encoding="utf-8").replace("port: 7700", f"port: {port}")
        (site / "site.yaml").write_text(text, encoding="utf-8")
        done = weiyu(followed, "poll", "-c", str(site / "gateway.yaml"), "--json", "tank-1")
        table = weiyu(followed, "poll", "-c", str(site / "gateway.yaml"), "tank-1")
    assert done.returncode == 0, done.stdout + done.stderr
    points = {point["point"]: point for point in json.loads(done.stdout)["points"]}
    assert points["level"]["value"] == 2.25 and points["level"]["quality"] == "good"
    assert points["strokes"]["value"] == 48213
    assert "ask level" in table.stdout
