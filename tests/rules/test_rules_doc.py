"""docs/rules.md: every file in it is written down as it stands, every command run, every output compared.

A block whose first line is ```yaml NAME (or csv) is a file. In a ```console block a line that begins with "$ " is a command;
what follows is all that it prints, standard output and standard error together, and [exit N] where it ends with N."""
import os
import re
import shlex
import subprocess

DOC = os.path.join(os.environ["WY_SOURCE"], "docs", "rules.md")
WEIYU = os.path.join(os.environ["WY_BIN"], "weiyu")


def blocks():
    with open(DOC, encoding="utf-8") as file:
        text = file.read()
    for match in re.finditer(r"^```(\w+)(?: ([\w./-]+))?\n(.*?)^```$", text, re.M | re.S):
        yield match.group(1), match.group(2), match.group(3), text.count("\n", 0, match.start()) + 1


def run(command, directory):
    words = shlex.split(command)
    assert words[0] == "weiyu", command
    done = subprocess.run([WEIYU, *words[1:]], cwd=directory, text=True, timeout=120, check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    return done.stdout + (f"[exit {done.returncode}]\n" if done.returncode else "")


def commands(body):
    """Pairs of a command and what it is said to print."""
    found = []
    for line in body.splitlines():
        if line.startswith("$ "):
            found.append((line[2:], []))
        else:
            found[-1][1].append(line)
    return [(command, "\n".join(lines).strip("\n")) for command, lines in found]


def test_every_example_does_what_the_text_says(tmp_path):
    files, ran = 0, 0
    for kind, name, body, line in blocks():
        if name:
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text(body, encoding="utf-8")
            files += 1
        elif kind == "console":
            for command, expected in commands(body):
                said = run(command, tmp_path).strip("\n")
                assert said == expected, f"docs/rules.md:{line}: {command}\n--- printed\n{said}\n--- the text says\n{expected}"
                ran += 1
        else:
            assert kind in ("text",), f"docs/rules.md:{line}: a block of {kind} without a name is run by nobody"
    assert files > 5 and ran > 5
