"""The vectors of the profiles against profiles with one mistake put in: profiles_test must fail for each."""
import concurrent.futures
import glob
import os
import re
import subprocess

SOURCE = os.environ["WY_SOURCE"]
TEST = os.path.join(os.environ["WY_BIN"], "profiles_test")


def further(match):
    number = int(match.group(1), 0) + 1
    return match.group(0).replace(match.group(1), hex(number) if match.group(1).startswith("0x") else str(number))


MISTAKES = [
    (r"\baddress: (0x[0-9A-Fa-f]+|\d+)", further),
    (r"\bbit: (\d+)", lambda m: f"bit: {(int(m.group(1)) + 1) % 16}"),
    (r"\bscale: ([\d.]+)", lambda m: m.group(0) + "1"),
    (r"\bshift: (\d+)", further),
    (r"inverted: true", lambda m: "inverted: false"),
    (r"encoding: i16", lambda m: "encoding: u16"),
    (r"encoding: (?:u32|f32)", lambda m: m.group(0) + ", order: CDAB"),
    (r"encoding: dec_pair", lambda m: "encoding: u32"),
    (r"path: /\d+/0/(\d+)", lambda m: m.group(0) + "0"),
    (r"range: \[(-?[\d.]+), [\d.]+\]", lambda m: f"range: [{m.group(1)}, 99999999]"),
    (r"sentinels: \[0x00FF, 0x04FF, 0x10FF, 0x14FF\]", lambda m: "sentinels: [0x04FF, 0x10FF]"),
    (r"mask: 0xFF", lambda m: "mask: 0x7F"),
]
# These mean what they meant: a signed byte is never above 127, a current below nothing is out of range either way.
EQUAL = {("fire-faast-asd", "airflow_change", "range: [-100, 99999999]"),
         ("lift-drive-invertek-core", "motor_current", "encoding: u16")}


def mutants():
    for path in sorted(glob.glob(os.path.join(SOURCE, "sensors/profiles/*.yaml"))):
        with open(path, encoding="utf-8") as file:
            text = file.read()
        points = text.index("\npoints:\n")
        for pattern, spoil in MISTAKES:
            for match in re.finditer(pattern, text):
                line = text[text.rfind("\n", 0, match.start()) + 1:match.start()]
                if match.start() < points or line.lstrip().startswith("#"):
                    continue
                point = re.findall(r"^  (\w+):", text[:match.start()], re.M)[-1]
                identity = (os.path.basename(path)[:-5], point, spoil(match))
                if identity not in EQUAL:
                    yield identity, text[:match.start()] + spoil(match) + text[match.end():]


def test_a_mistake_in_a_profile_does_not_pass_its_vectors(tmp_path):
    chosen = list(mutants())
    assert len(chosen) > 500

    def is_caught(number):
        (profile, _, _), text = chosen[number]
        directory = tmp_path / str(number)
        directory.mkdir()
        (directory / f"{profile}.yaml").write_text(text, encoding="utf-8")
        done = subprocess.run([TEST, str(directory)], capture_output=True, timeout=120, check=False)
        return b"every_point_of_every_profile_is_proven_by_bytes" in done.stderr and done.returncode != 0

    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        caught = list(pool.map(is_caught, range(len(chosen))))
    assert [chosen[i][0] for i, is_it in enumerate(caught) if not is_it] == []


def test_an_unspoilt_profile_passes(tmp_path):
    for path in glob.glob(os.path.join(SOURCE, "sensors/profiles/*.yaml")):
        os.symlink(path, tmp_path / os.path.basename(path))
    subprocess.run([TEST, str(tmp_path)], capture_output=True, timeout=120, check=True)
