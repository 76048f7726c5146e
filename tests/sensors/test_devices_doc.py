"""docs/devices.md: every site snippet stands the gateway's own check, and every shipped profile has a place in it."""
import glob
import os
import re
import subprocess

import pytest
import yaml

SOURCE = os.environ["WY_SOURCE"]
WEIYU = os.path.join(os.environ["WY_BIN"], "weiyu")
with open(os.path.join(SOURCE, "docs/devices.md"), encoding="utf-8") as file:
    DOC = file.read()
SNIPPETS = [(DOC.count("\n", 0, m.start()) + 1, m.group(1)) for m in re.finditer(r"^```yaml site\n(.*?)^```$", DOC, re.M | re.S)]

GATEWAY = """\
weiyu: gateway/1
gateway: gw-devices
state: state
site: site.yaml
classes: [{source}/rules/packs/classes.yaml]
faults: [{source}/rules/packs/faults]
tiers: {source}/rules/packs/tiers.yaml
profiles: [{source}/sensors/profiles]
rules: [{source}/rules/packs/system.yaml]
uplink: {{host: broker.example, ca: ca.crt, certificate: gw.crt, key: gw.key}}
"""
SITE = """\
weiyu: site/1
site: {id: s, name_zh: 测, name_en: Test, profile: premium}
zone: UTC
vendors:
  - {id: lift-wb, role: lift, name: A, phone: "1"}
"""


@pytest.mark.parametrize("line, snippet", SNIPPETS, ids=[f"line {line}" for line, _ in SNIPPETS])
def test_a_snippet_stands_the_check(line, snippet, tmp_path):
    (tmp_path / "gateway.yaml").write_text(GATEWAY.format(source=SOURCE), encoding="utf-8")
    (tmp_path / "site.yaml").write_text(SITE + snippet, encoding="utf-8")
    for key in re.findall(r"key_file: ([\w.-]+)", snippet):
        (tmp_path / key).write_text("00112233445566778899aabbccddeeff\n")
        (tmp_path / key).chmod(0o640)
    done = subprocess.run([WEIYU, "check", "-c", str(tmp_path / "gateway.yaml")], capture_output=True, text=True, timeout=60)
    said = done.stdout + done.stderr
    assert done.returncode == 0, f"docs/devices.md:{line}\n{said}"
    # Points an asset does without, firms and certificates are the reader's own; anything else would trouble him.
    warned = set(re.findall(r"\b[WE]\d{3}\b", said)) - {"W601", "W606", "W847"}
    assert not warned, f"docs/devices.md:{line}\n{said}"


def test_every_profile_has_its_place():
    used = {device["profile"] for _, snippet in SNIPPETS for device in yaml.safe_load(snippet)["devices"]}
    shipped = {os.path.basename(path)[:-5] for path in glob.glob(os.path.join(SOURCE, "sensors/profiles/*.yaml"))}
    assert used == shipped


def test_links_within_the_text_lead_to_headings():
    anchors = {re.sub(r"[^\w\- ]", "", h.lower()).replace(" ", "-") for h in re.findall(r"^#+ (.*)$", DOC, re.M)}
    missing = [a for a in re.findall(r"\]\(#([\w-]+)\)", DOC) if a not in anchors]
    assert missing == []


def test_what_poll_says_is_quoted_as_it_says_it():
    with open(os.path.join(SOURCE, "gateway/base/reading.def"), encoding="utf-8") as text:
        known = set(re.findall(r'WY_WHY\(\w+, "(.+)"\)', text.read()))
    signs = DOC.split("## Reading the signs")[1].split("## What goes wrong")[0]
    first = [row.split("|")[1].strip() for row in signs.splitlines() if row.startswith("| ")][2:]
    quoted = [re.split(r", (?:all|only|code)", cell)[0] for cell in first if not cell.startswith(("...", "good"))]
    assert quoted and [q for q in quoted if q not in known] == []
