"""dictionary.py DB OUT: how gateway/store/packing/events-1.dict was made: zstd's trainer over the events of the demo
(DB is the desk's database after it) and of ticket_samples (standard input), with their stamps, keys and numbers drawn
anew, so that what the dictionary learns is the form and the words and not one afternoon.

The dictionary itself never changes: stored rows need it. This would make number 2.
"""
import os
import random
import re
import sqlite3
import subprocess
import sys
import tempfile

BASE32 = "abcdefghijklmnopqrstuvwxyz234567"
COPIES, BYTES, LEVEL = 30, 16384, 9


def drawn(letters, n):
    return "".join(random.choice(letters) for _ in range(n))


def stamp(day):
    return f"{day}{random.randint(0, 23):02}:{random.randint(0, 59):02}:{random.randint(0, 59):02}." \
           f"{random.randint(0, 999):03}"


def draw_anew(text):
    epoch, day = drawn("0123456789abcdef", 16), f"2026-{random.randint(1, 12):02}-{random.randint(1, 28):02}T"
    text = re.sub(r"tk_[a-z2-7]{26}", lambda m: "tk_" + drawn(BASE32, 26), text)
    text = re.sub(r'[0-9a-f]{16}(?=["-])', lambda m: epoch, text)
    text = re.sub(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}", lambda m: stamp(day), text)
    text = re.sub(r"(?<=[ :])-?\d+\.\d+", lambda m: f"{random.uniform(0, 100):.1f}", text)
    return re.sub(r'"(rule_rev|mono_ms|gateway_seq)":\d+',
                  lambda m: f'"{m.group(1)}":{random.randint(1, 10 ** 9)}', text)


def main(db, out):
    random.seed(1)
    desk = sqlite3.connect(f"file:{db}?mode=ro", uri=True)
    texts = [row[0] for row in desk.execute("select body from inbox order by seq")]
    texts += [line for line in sys.stdin.read().splitlines() if ".ticket." in line[:300]]
    with tempfile.TemporaryDirectory() as folder:
        names = []
        for i, text in enumerate(texts):
            for k in range(COPIES):
                names.append(os.path.join(folder, f"{i}-{k}"))
                with open(names[-1], "w", encoding="utf-8") as file:
                    file.write(draw_anew(text))
        subprocess.run(["zstd", "-q", "-f", "--train", *names, f"--maxdict={BYTES}", f"-{LEVEL}", "-o", out],
                       check=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
