"""The simulated year: the same seed gives the same bytes, rows in the order of time, and troubles that make sense."""
import csv
import hashlib
import os
import subprocess

import pytest

GENERATE = os.path.join(os.environ["WY_BIN"], "year_generate")
DAYS = 45


def generate(directory, seed):
    directory.mkdir()
    subprocess.run([GENERATE, "--seed", str(seed), "--days", str(DAYS), str(directory)], check=True, capture_output=True)
    return directory


@pytest.fixture(scope="module")
def year(tmp_path_factory):
    return generate(tmp_path_factory.mktemp("year") / "one", 1)


def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others(year, tmp_path):
    again, other = generate(tmp_path / "again", 1), generate(tmp_path / "other", 2)
    for name in ("rows.csv", "truth.csv", "site.yaml"):
        assert digest(year / name) == digest(again / name)
    assert digest(year / "rows.csv") != digest(other / "rows.csv")


def test_rows_are_in_the_order_of_time_and_say_only_what_changes(year):
    before, last = 0.0, {}
    with open(year / "rows.csv", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            time = float(row["time"])
            assert time >= before
            before = time
            if row["value"] == "gap":
                last = {key: value for key, value in last.items() if key[0] != row["asset"]}
                continue
            key = row["asset"], row["point"]
            assert last.get(key) != row["value"], (key, row)
            last[key] = row["value"]
    assert len(last) > 1000


def test_every_trouble_begins_before_it_is_noticed_and_is_mended_after(year):
    with open(year / "truth.csv", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) > 10
    for row in rows:
        begin, end = float(row["begin"]), float(row["end"])
        assert 0 <= begin < end <= DAYS * 86400 + 3600
        if row["complaint"]:
            assert begin < float(row["complaint"]) < end
