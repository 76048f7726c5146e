"""The same bytes from the same input: gcc and clang, without and with all optimisation, and restarted after every turn."""
import concurrent.futures
import glob
import hashlib
import os
import subprocess

import pytest

SOURCE = os.environ["WY_SOURCE"]
FOLDERS = ("rules", "gateway/base")
FILES = [*(f for folder in FOLDERS for f in sorted(glob.glob(os.path.join(SOURCE, folder, "*.c")))),
         os.path.join(SOURCE, "gateway/config/yaml_tree.c"),
         *(os.path.join(SOURCE, "tests/rules/reference", name) for name in ("program.c", "same.c"))]
FLAGS = ["-std=c11", "-D_POSIX_C_SOURCE=200809L", "-D_DEFAULT_SOURCE", "-ffp-contract=off", "-fno-fast-math",
         *(f"-I{os.path.join(SOURCE, folder)}" for folder in (*FOLDERS, "gateway/config", "tests/rules/reference"))]


def build(directory, compiler, level):
    def one(path):
        out = directory / (path.replace("/", "_") + ".o")
        subprocess.run([compiler, level, *FLAGS, "-c", path, "-o", str(out)], check=True, capture_output=True)
        return str(out)

    directory.mkdir()
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        objects = list(pool.map(one, FILES))
    program = str(directory / "same")
    subprocess.run([compiler, *objects, "-lyaml", "-lm", "-o", program], check=True, capture_output=True)
    return program


def run(program, *arguments):
    return subprocess.run([program, *arguments], check=True, capture_output=True, timeout=300).stdout


@pytest.fixture(scope="module")
def programs(tmp_path_factory):
    root = tmp_path_factory.mktemp("same")
    return {f"{compiler} {level}": build(root / f"{compiler}{level}", compiler, level)
            for compiler in ("gcc", "clang") for level in ("-O0", "-O3")}


def first_difference(a, b):
    program = None
    for x, y in zip(a.splitlines(), b.splitlines()):
        program = x if x.startswith(b"program") else program
        if x != y:
            return f"{program}\n{x}\n{y}"
    return "none" if a == b else "one is longer"


def test_compilers_and_levels_agree_to_the_bit(programs):
    said = {name: run(program) for name, program in programs.items()}
    assert len({hashlib.sha256(text).digest() for text in said.values()}) == 1, \
        [first_difference(said["gcc -O0"], text) for text in said.values()]
    assert said["gcc -O0"].count(b"\n") > 5000 and b"open" in said["gcc -O0"]


def test_a_restart_after_every_turn_changes_nothing(programs):
    plain, restarted = run(programs["gcc -O3"]), run(programs["gcc -O3"], "--restart")
    assert plain == restarted, first_difference(plain, restarted)
