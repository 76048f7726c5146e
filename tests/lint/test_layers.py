"""Who may include what: direction is a matter of the tree, and a tool holds it."""
import os
import re
import subprocess

ROOT = os.path.realpath(os.path.join(os.path.dirname(__file__), "..", ".."))
INCLUDE = re.compile(r'^\s*#\s*include\s+[<"]([^>"]+)[>"]', re.M)

# An outside library is met in one place.
OWNERS = {
    r"sqlite3\.h": ["gateway/store/", "deploy/desk/"],
    r"MQTTAsync\.h": ["gateway/uplink/", "deploy/desk/"],
    r"modbus(/modbus)?\.h": ["sensors/drivers/", "sensors/sim/"],
    r"coap3/coap\.h": ["sensors/drivers/", "sensors/sim/"],
    r"cbor\.h": ["sensors/senml_cbor.c"],
    r"yaml\.h": ["gateway/config/yaml_tree.c"],
    r"systemd/.*": ["gateway/loop/"],
    r"libpq-fe\.h": ["deploy/desk/"],
    r"zstd(_errors)?\.h": ["gateway/pack/"],
    r"iconv\.h": ["sensors/text.c", "sensors/sim/encode.c"],
    r"openssl/.*": ["gateway/uplink/", "deploy/desk/link.c", "sensors/drivers/coap_secure.c"],
    r"mbedtls/(sha256|version)\.h": ["gateway/ticket/", "gateway/delivery/", "sensors/drivers/mbed.h"],
    r"mbedtls/(?!sha256|version).*": ["sensors/drivers/mbed.h"],
}


def sources():
    for top in ("rules", "sensors", "gateway", "deploy"):
        for folder, _, files in os.walk(os.path.join(ROOT, top)):
            for name in files:
                if name.endswith((".c", ".h", ".def")):
                    path = os.path.join(folder, name)
                    yield os.path.relpath(path, ROOT), open(path, encoding="utf-8").read()


def test_each_outside_library_is_met_in_one_place():
    wrong = []
    for path, text in sources():
        for header in INCLUDE.findall(text):
            for pattern, owners in OWNERS.items():
                is_ours = pattern.startswith("modbus") and "drivers/modbus.h" in header
                if re.fullmatch(pattern, header) and not is_ours and not any(path.startswith(o) for o in owners):
                    if header == "modbus.h" and f'"{header}"' in text:
                        continue  # sensors/drivers/modbus.h, our own
                    wrong.append(f"{path} includes {header}")
    assert wrong == []


def headers_of(folder):
    found = set()
    for path, _ in sources():
        if path.startswith(folder) and path.endswith((".h", ".def")):
            found.add(os.path.basename(path))
    return found


def test_rules_and_sensors_see_only_the_base_and_themselves():
    base = headers_of("gateway/base/")
    above = {os.path.basename(p) for p, _ in sources() if p.startswith("gateway/") and
             not p.startswith("gateway/base/") and p.endswith(".h")} - base
    wrong = []
    for path, text in sources():
        if path.startswith("sensors/sim/"):
            continue  # a program of its own; it reads scenario files like the gateway reads its own
        for header in re.findall(r'#include "([^"]+)"', text):
            name = os.path.basename(header)
            if path.startswith("rules/") and (name in above or name in headers_of("sensors/")) and \
                    name not in headers_of("rules/"):
                wrong.append(f"{path} includes {header}")
            if path.startswith("sensors/") and (name in above or name in headers_of("rules/")) and \
                    name not in headers_of("sensors/"):
                wrong.append(f"{path} includes {header}")
            if path.startswith("gateway/base/") and name not in base:
                wrong.append(f"{path} includes {header}")
    assert wrong == []


def test_banned_calls_are_not_made():
    banned = re.compile(r"\b(gets|sprintf|vsprintf|strcat|strtok|atoi|atof|rand|system|popen|tmpnam|alloca)\s*\(")
    wrong = [f"{path}: {m.group(1)}" for path, text in sources()
             for m in banned.finditer(re.sub(r"/\*.*?\*/", "", text, flags=re.S))]
    assert wrong == []


def test_every_header_stands_alone():
    folders = sorted({os.path.dirname(p) for p, _ in sources() if p.endswith(".h")})
    flags = [f"-I{os.path.join(ROOT, f)}" for f in folders if not f.startswith("deploy")]
    wrong = []
    for path, _ in sources():
        if not path.endswith(".h"):
            continue
        own = ["-I" + os.path.join(ROOT, os.path.dirname(path))]
        if path.startswith("gateway/base/") or path.startswith("rules/"):
            own += ["-I" + os.path.join(ROOT, "gateway/base")]
        else:
            own += flags + ["-D_GNU_SOURCE"]  # libcoap's headers want it
        run = subprocess.run(["cc", "-std=c11", "-D_DEFAULT_SOURCE", "-D_POSIX_C_SOURCE=200809L", "-fsyntax-only",
                              "-x", "c", "-", *own, "-I/usr/include/postgresql"],
                             input=f'#include "{os.path.join(ROOT, path)}"\n', capture_output=True, text=True)
        if run.returncode:
            wrong.append(f"{path}: {run.stderr.splitlines()[0]}")
    assert wrong == []


def test_the_top_level_holds_the_agreed_names_only():
    tracked = subprocess.run(["git", "-C", ROOT, "ls-files"], capture_output=True, text=True)
    if tracked.returncode:
        return  # a copy without its history: nothing to hold it against
    tops = {p.split("/")[0] for p in tracked.stdout.splitlines() if not p.startswith(".")}
    assert tops <= {"CMakeLists.txt", "gateway", "sensors", "rules", "deploy", "tests", "docs", "README.md",
                    "LICENSE"}


def test_links_in_the_documents_lead_somewhere():
    wrong = []
    for folder, _, files in os.walk(ROOT):
        if "/.git" in folder or "/build" in folder:
            continue
        for name in files:
            if not name.endswith(".md"):
                continue
            path = os.path.join(folder, name)
            for link in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", open(path, encoding="utf-8").read()):
                if "://" not in link and not os.path.exists(os.path.join(folder, link)):
                    wrong.append(f"{os.path.relpath(path, ROOT)} -> {link}")
    assert wrong == []


def test_the_service_unit_is_sound_and_fenced():
    unit = os.path.join(ROOT, "deploy/weiyu.service")
    fenced = subprocess.run(["systemd-analyze", "security", "--offline=true", "--threshold=17", unit],
                            capture_output=True, text=True)
    assert fenced.returncode == 0, fenced.stdout[-400:]
    verified = subprocess.run(["systemd-analyze", "verify", unit], capture_output=True, text=True)
    complaints = [line for line in verified.stderr.splitlines() if "is not executable" not in line]
    assert complaints == []


def test_functions_named_in_the_architecture_exist():
    with open(os.path.join(ROOT, "docs/architecture.md"), encoding="utf-8") as file:
        named = set(re.findall(r"`([a-z_0-9]+)\(\)`", file.read()))
    everything = "\n".join(text for _, text in sources())
    missing = sorted(name for name in named if not re.search(rf"\b{name}\(", everything))
    assert named and missing == []
