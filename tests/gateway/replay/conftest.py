"""A small building whose past is replayed."""
import os
import shutil
import subprocess

import pytest

BUILD = os.environ["WY_BUILD"]
SOURCE = os.environ["WY_SOURCE"]

RULES = """weiyu: rules/1
package: t
params: {limit: {type: m, default: 2 m, min: 0 m, max: 10 m}}
rules:
  - {id: t.a, scope: room, fault: WTR-01, tier: S3, when: a, hold: 5s, clear: not a, clear_hold: 5s, unverified_after: 20s}
  - {id: t.b, scope: room, fault: WTR-01, tier: S2, when: b, hold: 5s, clear: not b, clear_hold: 5s}
  - {id: t.level, scope: room, fault: WTR-02, tier: S3, when: level > $limit, hold: 10s, clear: level < $limit - 0.5 m, clear_hold: 10s}
  - {id: t.quiet, scope: room, fault: SYS-03, tier: S4, when: silence() > 1min, clear: silence() < 10s, clear_hold: 5s}
"""


class Building:
    def __init__(self, folder):
        self.folder = folder
        here = os.path.join(SOURCE, "tests/gateway/engine/building")
        for name in os.listdir(here):
            shutil.copy(os.path.join(here, name), folder)
        self.write("rules.yaml", RULES)
        faults = (folder / "faults.yaml").read_text(encoding="utf-8")
        self.write("faults.yaml", faults + faults[faults.index("  WTR-02:"):faults.index("  WTR-03:")].replace("WTR-02", "SYS-03"))

    def path(self, name):
        return str(self.folder / name)

    def write(self, name, text):
        (self.folder / name).write_text(text, encoding="utf-8")
        return self.path(name)

    def replay(self, *arguments):
        return subprocess.run([os.path.join(BUILD, "bin/weiyu"), "replay", "-c", self.path("gateway.yaml"), *arguments],
                              capture_output=True, text=True, timeout=120)

    def log(self, *arguments):
        """Events as (time of day, word, rule)."""
        run = self.replay(*arguments)
        assert run.returncode == 0, run.stderr
        lines = [line.split() for line in run.stdout.splitlines()]
        return [(at[11:23], word, rule) for at, word, rule, *_ in lines]


@pytest.fixture
def building(tmp_path):
    return Building(tmp_path)
