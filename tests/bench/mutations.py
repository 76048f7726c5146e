"""mutations.py [--seed N] [--sample N] [--only WORD] [--build DIR]: small mistakes made by machine, and which test notices.

Where mutants.py breaks what somebody thought of, this breaks whatever stands there: a comparison turned or shifted by one, `and`
for `or`, plus for minus, a constant off by one, a condition denied, a statement left out, a move of the table of states gone,
to another state, or told by another event. All places of a file are found, a sample is drawn by the seed (--sample 0: all),
and each is built with sanitizers and given to the unit tests of its module. What the compiler refuses or makes the same
program of does not count; what survives is printed, and is a hole in the tests unless mutations_same.txt says why the program
does the same. The exit code is the number of others. About two seconds of processor for each.
"""
import argparse
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile

SOURCE = os.path.realpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../.."))
SAME = os.path.join(os.path.dirname(os.path.abspath(__file__)), "mutations_same.txt")
TEST_S = 60

TESTS = {
    "gateway/outbox/outbox.c": ("outbox_test", "outbox_model_test"),
    "gateway/ticket/ticket.c": ("ticket_test", "ticket_life_model_test"),
    "gateway/ticket/states.def": ("ticket_test", "ticket_life_model_test"),
}

OPERATORS = (
    (r"==", ("!=",)), (r"!=", ("==",)), (r"<=", ("<", ">")), (r">=", (">", "<")),
    (r"(?<![<>-])<(?![<=])", ("<=", ">=")), (r"(?<![<>-])>(?![>=])", (">=", "<=")),
    (r"&&", ("||",)), (r"\|\|", ("&&",)), (r"(?<= )\+(?= )", ("-",)), (r"(?<= )-(?= )", ("+",)),
    (r"\+\+", ("--",)), (r"(?<= )\*=(?= )", ("=",)), (r"(?<= )\+=(?= )", ("-=", "=")),
    (r"\btrue\b", ("false",)), (r"\bfalse\b", ("true",)), (r"!(?=[\w(])", ("",)),
    (r"(?<![\w.])0(?![\w.])", ("1",)), (r"(?<![\w.])1(?![\w.])", ("0", "2")),
)
STATEMENT = re.compile(r"^\t+(?!return|goto|case|break|static|const|struct|enum|unsigned|size_t|uint|int|bool|wy_ms|char|double)"
                       r"[^;{}]*;(\s*/\*.*)?$")
CONDITION = re.compile(r"^(\t+(?:else )?if \()(.*)(\))( \{)?$")
MOVE = re.compile(r"^MOVE\((\w+), (\w+), (\w+), (\w+)\)")
STATES, EVENTS = ("ACTIVE", "UNKNOWN", "LATCHED", "OVER"), ("QUIET", "UPDATED", "OPENED", "CLEARED_EVENT", "REOPENED", "CLOSED_EVENT")


def of_move(line, state, put, after, event):
    yield ""
    for other in STATES:
        if other != after:
            yield line.replace(f"{put}, {after},", f"{put}, {other},")
    for other in EVENTS:
        if other != event:
            yield line.replace(f"{after}, {event})", f"{after}, {other})")


def of_line(line):
    """Every way to break one line of C."""
    code = re.sub(r"/\*.*?(\*/|$)|\"[^\"]*\"", lambda hidden: " " * len(hidden.group()), line)
    if line.startswith(("#", "_Static_assert", " *", "/*")) or not line.startswith("\t"):
        return
    for pattern, others in OPERATORS:
        for found in re.finditer(pattern, code):
            for other in others:
                yield line[:found.start()] + other + line[found.end():]
    if STATEMENT.match(line):
        yield re.match(r"\t+", line).group() + ";"
    condition = CONDITION.match(line)
    if condition:
        yield f"{condition.group(1)}!({condition.group(2)}){condition.group(3)}{condition.group(4) or ''}"


def find_all(path, lines):
    """(path, index of the line, the broken line)"""
    is_remark = False
    for index, line in enumerate(lines):
        is_remark = is_remark or line.lstrip().startswith("/*")
        if not is_remark:
            move = MOVE.match(line)
            ways = of_move(line, *move.groups()) if move else of_line(line) if path.endswith(".c") else ()
            for broken in dict.fromkeys(ways):
                yield path, index, broken
        is_remark = is_remark and "*/" not in line


def room_of(lines, index):
    """The function a line stands in."""
    heads = (re.match(r"[a-z][^;=]*?(\w+)\(", line) for line in lines[index::-1])
    return next((head.group(1) for head in heads if head), "")


def run(command, timeout):
    try:
        return subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=timeout, check=False).returncode
    except subprocess.TimeoutExpired:
        return -1


def notice(tree, build, lines, mutant):
    """The test that notices; "": none does; None: the compiler refuses it."""
    path, index, broken = mutant
    with open(os.path.join(tree, path), "w", encoding="utf-8") as file:
        file.write("\n".join(lines[:index] + [broken] + lines[index + 1:]))
    try:
        if run(["ninja", "-C", build, *TESTS[path]], 600):
            return None
        return next((test for test in TESTS[path] if run([os.path.join(build, "bin", test)], TEST_S)), "")
    finally:
        with open(os.path.join(tree, path), "w", encoding="utf-8") as file:
            file.write("\n".join(lines))


def read_same():
    """Lines 'PATH FUNCTION: what stands there -> what was made of it -- why it is the same'"""
    with open(SAME, encoding="utf-8") as file:
        return {line.split(" -- ")[0].strip() for line in file if " -- " in line}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=random.SystemRandom().getrandbits(32))
    parser.add_argument("--sample", type=int, default=150, help="of each file; 0: all")
    parser.add_argument("--only", default="", help="files with this word in their path")
    parser.add_argument("--build", help="a directory that stays, to go on with")
    options = parser.parse_args()
    print(f"seed {options.seed}", flush=True)
    scratch, same = options.build or tempfile.mkdtemp(prefix="weiyu-mutations-"), read_same()
    tree, build = os.path.join(scratch, "tree"), os.path.join(scratch, "build")
    counts = {"noticed": 0, "same": 0, "refused": 0, "survived": 0}
    try:
        shutil.rmtree(tree, ignore_errors=True)
        shutil.copytree(SOURCE, tree, ignore=shutil.ignore_patterns("build", ".git"), copy_function=shutil.copy2)
        subprocess.run(["cmake", "-S", tree, "-B", build, "-G", "Ninja", "-DCMAKE_BUILD_TYPE=Debug", "-DCMAKE_C_FLAGS=-O1",
                        "-DWY_SANITIZE=address,undefined"],
                       check=True, stdout=subprocess.DEVNULL)
        for path, tests in TESTS.items():
            if options.only not in path:
                continue
            for test in tests:
                if run(["ninja", "-C", build, test], 1800) or run([os.path.join(build, "bin", test)], TEST_S):
                    raise SystemExit(f"{test} fails on the code as it is")
            with open(os.path.join(tree, path), encoding="utf-8") as file:
                lines = file.read().split("\n")
            found = list(find_all(path, lines))
            chosen = found if options.sample in (0, *range(len(found), options.sample + 1)) else sorted(
                random.Random(options.seed).sample(found, options.sample))
            print(f"{path}: {len(chosen)} of {len(found)} places", flush=True)
            for mutant in chosen:
                words = f"{path} {room_of(lines, mutant[1])}: {lines[mutant[1]].strip()} -> {mutant[2].strip()}"
                test = notice(tree, build, lines, mutant)
                fate = "refused" if test is None else "noticed" if test else "same" if words in same else "survived"
                counts[fate] += 1
                if fate == "survived":
                    print(f"SURVIVED {mutant[1] + 1} {words}", flush=True)
    finally:
        if not options.build:
            shutil.rmtree(scratch)
    counted = counts["noticed"] + counts["survived"]
    print(f"{counts['noticed']} of {counted} noticed ({100 * counts['noticed'] / max(counted, 1):.1f} %); "
          f"{counts['same']} do the same, {counts['refused']} the compiler refuses")
    return min(counts["survived"], 100)


if __name__ == "__main__":
    sys.exit(main())
