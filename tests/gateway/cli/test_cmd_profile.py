"""`weiyu profile`: maps are checked as the gateway reads them; register lists become skeletons that lose nothing."""
import glob
import os
import random
import subprocess

import pytest
import yaml

ROOT = os.path.realpath(os.path.join(os.path.dirname(__file__), "..", "..", ".."))
WEIYU = os.path.join(os.environ["WY_BIN"], "weiyu")
SHIPPED = sorted(glob.glob(os.path.join(ROOT, "sensors", "profiles", "*.yaml")))

ENGLISH = """ACME pump controller register map,,,,,,
"Register","Parameter Name","Data Type","Unit","Scale","R/W","Description"
30001,Discharge pressure,UINT16,MPa,0.001,R,"Outlet, ""A"" side
second line"
30002,Flow,FLOAT,m³/h,,R,
30004,Run hours,UINT32,h,/10,R,since commissioning
30006-30010,Model,STRING,,,R,
40010,Start command,UINT16,,,R/W,1 = start
Alarms,,,,,,
30020.0,Low level,BOOL,,,R,
30020.1,Low level,BOOL,,,R,
Register,Parameter Name,Data Type,Unit,Scale,R/W,Description
bogus,What,UINT16,,,R,
30030,Odd thing,BCD,kWh,?,R,5" pipe
70000,Beyond,UINT16,,,R,
"""
CHINESE = """地址,名称,数据类型,单位,倍率,读写,描述
1010H,运行速度,无符号整型,m/s,0.001,只读,
101B,轿顶输入,word,,,R,位
3000H,方向 Direction,int16,,,R,1上2下
6000H,故障复位,word,,,读写,危险
0xF90B,运行次数,uint32,次,1,R,高位在前
"""


def run(*words):
    done = subprocess.run([WEIYU, "profile", *words], capture_output=True, timeout=60)
    done.stdout, done.stderr = done.stdout.decode("utf-8"), done.stderr.decode("utf-8")
    assert "Sanitizer" not in done.stderr and "runtime error" not in done.stderr, done.stderr
    return done


@pytest.fixture
def imported(tmp_path):
    """Writes a list, imports it, checks what came out, and gives both."""
    def do(text, *words, encoding="utf-8"):
        path = tmp_path / "list.csv"
        path.write_bytes(text if isinstance(text, bytes) else text.encode(encoding))
        done = run("import", str(path), *words)
        if done.stdout:
            skeleton = tmp_path / "skeleton.yaml"
            skeleton.write_text(done.stdout, encoding="utf-8")
            checked = run("check", str(skeleton))
            assert checked.returncode == 0 and checked.stderr == "", checked.stderr
        return done, yaml.safe_load(done.stdout) if done.stdout else None
    return do


# ---- check ------------------------------------------------------------------------------------------------

def test_shipped_profiles_are_fine():
    done = run("check", *SHIPPED)
    assert done.returncode == 0 and done.stderr == "", done.stderr
    assert done.stdout.count(": fine\n") == len(SHIPPED) >= 6


def test_what_polling_takes_is_told_per_class(tmp_path):
    path = tmp_path / "t.yaml"
    path.write_text("""weiyu: profile/1
id: t
transport: modbus
vendor: v
model: m
title_zh: 中
title_en: e
source: s
address_base: 0
serial: {bauds: [19200], format: 8E1}
limits: {max_registers: 10, max_gap: 0}
points:
  a: {area: input, address: 0, type: int, encoding: u16, poll: F}
  b: {area: input, address: 1, type: int, encoding: u32, poll: F}
  c: {area: input, address: 100, type: int, encoding: u16, poll: F}
  d: {area: coil, address: 0, type: bool, poll: S}
  name: {area: input, address: 200, type: text, registers: 4}
""", encoding="utf-8")
    done = run("check", str(path))
    assert done.returncode == 0, done.stderr
    lines = [line.split() for line in done.stdout.splitlines()]
    assert "5 points, of them 1 text for people" in done.stdout
    assert lines[1] == ["class", "every", "points", "requests", "bytes", "19200", "8E1", "TCP"]
    assert lines[2][:5] == ["F", "1s", "3", "2", "8"]
    assert lines[3][:5] == ["S", "1min", "1", "1", "1"]
    assert lines[4][:4] == ["one", "such", "device", "takes"] and 0 < float(lines[4][4]) < 100
    path.write_text(path.read_text(encoding="utf-8").replace("max_gap: 0", "max_gap: 0, min_interval: 900ms"),
                    encoding="utf-8")
    assert "but its min_interval leaves no room for so many requests" in run("check", str(path)).stdout


def test_mistakes_are_said_at_their_place_and_do_not_hide_the_next_file(tmp_path):
    path = tmp_path / "wrong.yaml"
    with open(os.path.join(ROOT, "sensors", "profiles", "io-8di-door.yaml"), encoding="utf-8") as file:
        path.write_text(file.read().replace("transport:", "transpotr:"), encoding="utf-8")
    done = run("check", str(path), SHIPPED[0])
    assert done.returncode == 1
    assert f"{path}:3:1: error E103: unknown key 'transpotr'; did you mean 'transport'?" in done.stderr
    assert f"{SHIPPED[0]}: fine" in done.stdout
    assert run("check", str(tmp_path / "none.yaml")).returncode == 1


@pytest.mark.parametrize("words", [[], ["chekc"], ["check"], ["import"], ["import", "a", "b"], ["import", "--id"],
                                   ["import", "--force", "a"]])
def test_wrong_usage_is_refused(words):
    done = run(*words)
    assert done.returncode == 2 and done.stderr and not done.stdout


# ---- import -----------------------------------------------------------------------------------------------

def test_an_english_list_becomes_points(imported):
    done, profile = imported(ENGLISH, "--id", "acme-pump")
    assert profile["id"] == "acme-pump" and profile["address_base"] == 30001
    assert profile["points"] == {
        "discharge_pressure": {"area": "input", "address": 30001, "type": "real", "encoding": "u16", "scale": 0.001,
                               "unit": "MPa", "poll": "S"},
        "flow": {"area": "input", "address": 30002, "type": "real", "encoding": "f32", "unit": "m3/h", "poll": "S"},
        "run_hours": {"area": "input", "address": 30004, "type": "real", "encoding": "u32", "scale": 0.1, "unit": "h",
                      "poll": "S"},
        "model": {"area": "input", "address": 30006, "type": "text", "registers": 5},
        "low_level": {"area": "input", "address": 30020, "type": "bool", "encoding": "bit", "bit": 0, "poll": "M"},
        "low_level_2": {"area": "input", "address": 30020, "type": "bool", "encoding": "bit", "bit": 1, "poll": "M"},
        "odd_thing": {"area": "input", "address": 30030, "type": "int", "encoding": "u16", "poll": "S"},
    }
    assert "type not known, u16 guessed; unit not known; factor not understood; 14: 30030" in done.stdout


def test_no_row_is_lost_and_bad_ones_are_told_by_their_line(imported):
    done, _ = imported(ENGLISH)
    assert done.returncode == 1
    assert "list.csv:13:1: error E832: no address that is understood" in done.stderr
    assert "list.csv:15:1: error E832: the address is beyond the last register" in done.stderr
    assert done.stderr.count("E832") == 2
    for said in ("# 1: ACME pump controller register map", "# 9: Alarms", 'Outlet, "A" side second line',
                 "# no address that is understood; 13: bogus | What", "# the address is beyond the last register; 15: 70000",
                 '5" pipe'):
        assert said in done.stdout, said


def test_what_can_be_written_is_a_comment_and_never_a_point(imported):
    done, profile = imported(ENGLISH)
    assert "start_command" not in profile["points"]
    assert "# can be written, so it is no point; 8: 40010 | Start command | UINT16 | R/W | 1 = start" in done.stdout


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gbk", "gb18030"])
def test_a_chinese_list_becomes_points_in_whatever_it_was_saved(imported, encoding):
    done, profile = imported(CHINESE, encoding=encoding)
    assert done.returncode == 0 and done.stderr == "", done.stderr
    assert profile["address_base"] == 0
    points = profile["points"]
    assert points["r1010"] == {"area": "holding", "address": 0x1010, "type": "real", "encoding": "u16",
                               "scale": 0.001, "unit": "m/s", "poll": "S"}
    assert points["r101b"]["address"] == 0x101B
    assert points["direction"]["encoding"] == "i16"
    assert points["rf90b"]["encoding"] == "u32"
    assert len(points) == 4
    assert "# can be written, so it is no point; 5: 6000H | 故障复位 | word | 读写 | 危险" in done.stdout
    assert "运行次数 | uint32 | 次 | 1 | R | 高位在前" in done.stdout


def test_function_codes_say_the_area_and_the_number_is_read_by_it(imported):
    done, profile = imported("Address;Name;Function code\n5;x;04\n6;y;01\n7;z;06\n40001;w;03\n40001;v;04\n")
    assert done.returncode == 0, done.stderr
    assert {name: (p["area"], p["address"]) for name, p in profile["points"].items()} == {
        "x": ("input", 5), "y": ("coil", 6), "w": ("holding", 0), "v": ("input", 40001)}
    assert "Plain numbers were taken for wire addresses" in done.stdout


def test_lengths_make_texts_and_doubts(imported):
    done, profile = imported("address,name,type,length\n100,maker,string,10\n110-111,total,u16,\n112,sum,u32,2\n"
                             "114,long,string,40\n")
    assert profile["points"]["maker"]["registers"] == 10 and profile["points"]["long"]["registers"] == 32
    doubted = [line.split(":")[0].strip() for line in done.stdout.splitlines() if "not as many registers" in line]
    assert doubted == ["total", "long"]


def test_references_of_several_areas_become_wire_addresses(imported):
    _, profile = imported("address\tname\n40011\ta\n30011\tb\n10011\tc\n00011\td\n")
    assert {name: (p["area"], p["address"]) for name, p in profile["points"].items()} == {
        "a": ("holding", 10), "b": ("input", 10), "c": ("discrete", 10), "d": ("coil", 10)}


@pytest.mark.parametrize("text, said", [
    ("a,b\n1,2\n", "error E831: no head: expected a row such as"),
    ("", "error E831: no head"),
    ("address,name\n", "error E831: below this head is nothing that could be read"),
    ("address,name,rw\n1,a,W\n", "error E831: below this head is nothing that could be read"),
    (b"PK\x03\x04\x00\x00", "error E831: this is no text; save the list as CSV"),
])
def test_a_list_that_says_nothing_is_refused_in_words(imported, text, said):
    done, profile = imported(text)
    assert done.returncode == 1 and said in done.stderr and profile is None


def test_a_missing_list_is_said(tmp_path):
    done = run("import", str(tmp_path / "none.csv"))
    assert done.returncode == 1 and "there is no such file" in done.stderr


def test_too_many_rows_are_said_and_kept_as_comments(imported):
    done, profile = imported("address,name\n" + "".join(f"{i},p{i}\n" for i in range(600)))
    assert done.returncode == 1 and len(profile["points"]) == 512
    assert "# a profile has no room for more points; 601: 599 | p599" in done.stdout


def test_whatever_stands_in_a_list_the_skeleton_is_a_profile(imported):
    """Cells of all kinds in any order: what comes out passes `profile check` (in the fixture) and holds every row."""
    chance = random.Random(20261122)
    cells = ["40001", "30002", "00007", "0x10", "65535", "0xFFFF", "465536", "40001.3", "10:15", "30001-30040", "",
             "Temp", "温度", "a: b", "# no", "{x}", "'", '""', "- [", "%", "℃", "MPa", "UINT32", "float", "bool", "String",
             "double", "R", "RW", "0.1", "/10", "1e9", "04", "coil", "true", "null", "\u2028", "\u0085x", "\t"]
    kinds = ["address", "name", "type", "unit", "scale", "rw", "function code", "length", "description"]
    for turn in range(60):
        head = ["address"] + chance.sample(kinds[1:], chance.randint(1, len(kinds) - 1))
        chance.shuffle(head)
        rows = [[chance.choice(cells) for _ in range(len(head) + chance.choice((-1, 0, 0, 1)))] for _ in range(25)]
        text = "\n".join(",".join(row) for row in [head] + rows)
        done, profile = imported(text)
        if profile is None:
            assert "E831" in done.stderr
            continue
        for line, row in enumerate(rows, 2):
            if any(cell.strip(' \t"') for cell in row):
                assert f" {line}: " in done.stdout, (turn, line, row)
