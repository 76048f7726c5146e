"""coverage.py [--missing] [--only WORD] [--build DIR]: lines and branches of the core that its unit tests take.

A build of its own, without optimiser and sanitizers, in which gcov counts; the tests below run in it, and no process test: what
only a whole gateway takes counts as not taken. A branch is a way out of a condition, so `a && b` has four. The table
coverage_floors.txt says the least a file must reach, and names branches that cannot be taken, each with its reason: they are
not counted, and a row that no longer fits is an error. --missing prints every line of which a way was not taken. The exit code
is the number of things that are wrong. Some minutes of processor, a third of them the refusals at every place.
"""
import argparse
import collections
import glob
import json
import os
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
SOURCE = os.path.realpath(os.path.join(HERE, "../.."))
FLOORS = os.path.join(HERE, "coverage_floors.txt")
TEST_S = 900
CORE = ("gateway/outbox", "gateway/ticket", "gateway/delivery", "gateway/store")  # each of their files has a floor

TESTS = (
    "outbox_test", "outbox_model_test",
    "ticket_test", "ticket_life_model_test", "ticket_doc_test", "ticket_restamp_test",
    "delivery_test", "delivery_receive_test", "delivery_life_model_test", "quota_model_test", "delivery_nth_test",
    "delivery_refusal_test",
    "store_test", "store_salvage_test", "store_crash_test", "store_memory_test", "store_fault_test", "store_refusal_test",
    "store_home_test", "store_past_test",
    "modbus_frame_test", "senml_test", "senml_cbor_test", "lwm2m_test", "link_format_test", "sensors_mutation_test",
)
LONG = ("delivery_refusal_test", "store_refusal_test")  # with every place that can fail

Row = collections.namedtuple("Row", "taken ways")  # ways: how often each way out of the line was taken
Excuse = collections.namedtuple("Excuse", "path text why")


def read_table():
    """(floors: path -> (lines, branches) in per cent; excuses)"""
    floors, excuses = {}, []
    with open(FLOORS, encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            parts = [part.strip() for part in line.rstrip("\n").split("\t") if part.strip()]
            if not parts or parts[0].startswith("#"):
                continue
            if parts[0] == "floor" and len(parts) == 4:
                floors[parts[1]] = (float(parts[2]), float(parts[3]))
            elif parts[0] == "never" and len(parts) == 4:
                excuses.append(Excuse(*parts[1:]))
            else:
                raise SystemExit(f"{FLOORS}:{number}: neither 'floor PATH LINES BRANCHES' nor 'never PATH TEXT WHY', with tabs")
    return floors, excuses


def build_and_run(build):
    subprocess.run(["cmake", "-S", SOURCE, "-B", build, "-G", "Ninja", "-DCMAKE_BUILD_TYPE=Debug",
                    "-DCMAKE_C_FLAGS=-O0 --coverage"], check=True, stdout=subprocess.DEVNULL)
    subprocess.run(["ninja", "-C", build, *TESTS], check=True, stdout=subprocess.DEVNULL)
    for old in glob.glob(build + "/**/*.gcda", recursive=True):
        os.remove(old)
    memory = {"TMPDIR": "/dev/shm"} if os.path.isdir("/dev/shm") else {}
    wrong = 0
    for test in TESTS:
        extent = {"WY_LONG": "1"} if test in LONG else {}
        made = subprocess.run([os.path.join(build, "bin", test)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              timeout=TEST_S, check=False, env={**os.environ, **memory, **extent})
        if made.returncode:
            print(made.stdout[-3000:], f"{test} fails", sep="\n")
            wrong += 1
    return wrong


def read_counts(build, wanted):
    """path -> line number -> Row, of the wanted files"""
    names = {os.path.basename(path) for path in wanted}
    files = {path: {} for path in wanted}
    for data in glob.glob(build + "/**/*.gcda", recursive=True):
        if os.path.basename(data)[:-len(".gcda")] not in names:
            continue
        text = subprocess.run(["gcov", "--branch-probabilities", "--json-format", "--stdout", data], cwd=build, check=True,
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout
        for document in map(json.loads, text.splitlines()):
            for file in document["files"]:
                path = os.path.relpath(os.path.join(document["current_working_directory"], file["file"]), SOURCE)
                if path in files:
                    add(files[path], file["lines"])
    return files


def add(rows, lines):
    for line in lines:
        number, ways = line["line_number"], [way["count"] for way in line["branches"]]
        old = rows.get(number, Row(0, [0] * len(ways)))
        rows[number] = Row(old.taken + line["count"], [a + b for a, b in zip(old.ways, ways)] if old.ways else ways)


def is_whole(row):
    return row.taken and all(row.ways)


def judge(path, rows, floor, excuses, is_missing_shown):
    """Prints a file's row; how many things are wrong with it."""
    with open(os.path.join(SOURCE, path), encoding="utf-8") as file:
        text = [line.strip() for line in file]
    wrong, excused = 0, set()
    for excuse in excuses:
        found = [number for number, row in rows.items() if text[number - 1] == excuse.text and not is_whole(row)]
        if not found:
            print(f"{path}: '{excuse.text}' is gone or taken; strike it from {os.path.basename(FLOORS)}")
            wrong += 1
        excused.update(found)
    counted = {number: row for number, row in rows.items() if number not in excused}
    lines, taken = len(counted), sum(row.taken > 0 for row in counted.values())
    ways = sum(len(row.ways) for row in counted.values())
    gone = sum(count > 0 for row in counted.values() for count in row.ways)
    reached = (100 * taken / max(lines, 1), 100 * gone / ways if ways else 100.0)
    is_low = any(have < least for have, least in zip(reached, floor))
    print(f"{path:36} {taken:5}/{lines:5} {reached[0]:6.1f} % {gone:7}/{ways:5} {reached[1]:6.1f} %"
          f"{len(excused):5}{'   BELOW its floor of %g and %g %%' % floor if is_low else ''}")
    for number in sorted(counted):
        if is_missing_shown and not is_whole(counted[number]):
            marks = "".join("+" if count else "-" for count in counted[number].ways)
            print(f"    {number:4} {'    ' if counted[number].taken else 'line'} {marks:8} {text[number - 1]}")
    return wrong + is_low, (taken, lines, gone, ways, len(excused))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--missing", action="store_true", help="print what is not taken")
    parser.add_argument("--only", default="", help="judge files with this word in their path")
    parser.add_argument("--build", help="a directory that stays, to go on with")
    options = parser.parse_args()
    floors, excuses = read_table()
    core = {os.path.relpath(path, SOURCE) for part in CORE for path in glob.glob(os.path.join(SOURCE, part, "*.c"))}
    if core - set(floors):
        raise SystemExit(f"{FLOORS}: no floor for {', '.join(sorted(core - set(floors)))}")
    build = os.path.abspath(options.build) if options.build else tempfile.mkdtemp(prefix="weiyu-coverage-")
    try:
        wrong = build_and_run(build)
        files = read_counts(build, [path for path in floors if options.only in path])
    finally:
        if not options.build:
            shutil.rmtree(build)
    total = [0] * 5
    print(f"{'file':36} {'lines taken':>20} {'branches taken':>22} never")
    for path in sorted(files):
        of_file, sums = judge(path, files[path], floors[path], [e for e in excuses if e.path == path], options.missing)
        wrong += of_file
        total = [a + b for a, b in zip(total, sums)]
    print(f"{'all':36} {total[0]:5}/{total[1]:5} {100 * total[0] / max(total[1], 1):6.1f} % {total[2]:7}/{total[3]:5} "
          f"{100 * total[2] / max(total[3], 1):6.1f} %{total[4]:5}")
    return wrong


if __name__ == "__main__":
    sys.exit(main())
