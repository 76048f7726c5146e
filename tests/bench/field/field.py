"""field.py BUILD: figures of the field side on this machine. BUILD is a release build with weiyu, field_peer and
field_loops. It is no test: it passes no judgement.

 one connection   ten holding registers as often as it goes: bare libmodbus and the driver in turns, ratio of the medians
 100 devices      each once a second: seconds of the processor for 1000 polls, a bare loop and the whole gateway
 frames           requests of one cycle as planned, beside one for each point: shipped profiles and registers strewn at random
 1000 devices     each once a second, the whole gateway: how regular its polls are as the devices see them, and what it takes
"""
import json
import os
import random
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time

SOURCE = os.path.realpath(os.path.join(os.path.dirname(__file__), "..", "..", ".."))
BUILDING = os.path.join(SOURCE, "tests/gateway/engine/building")
ROUNDS, ROUND_S = 7, 3
WARM_S, MEASURE_S = 15, 40

POINTS = "".join(f"  p{i}: {{area: holding, address: 0x{i:x}, type: int, encoding: u16, poll: F}}\n" for i in range(10))
PROFILE = ("weiyu: profile/1\nid: ten\ntransport: modbus\nvendor: bench\nmodel: ten registers\ntitle_zh: 十\ntitle_en: Ten\n"
           "source: none\naddress_base: 0\nlimits: {min_interval: 20ms, timeout: 500ms}\npoints:\n" + POINTS)
CLASSES = ("weiyu: classes/1\nclasses:\n  ten:\n    name_zh: 十\n    name_en: Ten\n    points:\n" +
           "".join(f"      p{i}: {{type: int, range: [0, 65535], poll: 1s, stale_after: 10s}}\n" for i in range(10)))
RULES = ("weiyu: rules/1\npackage: bench\nrules:\n" +
         "".join(f"  - {{id: bench.r{i}, scope: ten, fault: WTR-01, tier: S3, when: p{i} > 60000, hold: 5s, clear_hold: 5s}}\n" for i in range(3)))


def free_port():
    with socket.socket() as s:
        s.bind(("", 0))
        return s.getsockname()[1]


class Peer:
    def __init__(self, build):
        self.port = free_port()
        self.process = subprocess.Popen([f"{build}/bin/field_peer", str(self.port)], stdout=subprocess.PIPE, text=True)
        time.sleep(0.3)

    def begin(self):
        self.process.send_signal(signal.SIGUSR1)

    def end(self):
        self.process.send_signal(signal.SIGTERM)
        return json.loads(self.process.communicate(timeout=30)[0])


def loops(build, *words):
    run = subprocess.run([f"{build}/bin/field_loops", *map(str, words)], check=True, capture_output=True, text=True)
    return json.loads(run.stdout)


def one_connection(build):
    peer = Peer(build)
    rates = {"bare": [], "ours": []}
    for _ in range(ROUNDS):
        for what in rates:
            rates[what].append(loops(build, what, peer.port, ROUND_S)["per_second"])
    peer.end()
    ratios = [o / b for o, b in zip(rates["ours"], rates["bare"])]
    print(f"one connection: bare {statistics.median(rates['bare']):.0f}/s, ours {statistics.median(rates['ours']):.0f}/s, "
          f"ratio of neighbours: median {statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})")


def write_site(folder, n, port, rules=RULES):
    def at(i):
        return f"127.0.{1 + i // 250}.{1 + i % 250}"

    lines = ["weiyu: site/1", "site: {id: bench, name_zh: 测, name_en: Bench, profile: legacy}", "zone: Asia/Shanghai", "wires:"]
    lines += [f"  - {{id: w{i}, kind: tcp, host: {at(i)}, port: {port}}}" for i in range(n)]
    lines += ["devices:"] + [f"  - {{id: d{i}, wire: w{i}, profile: ten, unit: 1}}" for i in range(n)]
    lines += ["vendors:", "  - {id: v1, role: lift, name: 维保, arrive: 30min}", "assets:"]
    lines += [f"  - {{id: A-{i}, class: ten, name_zh: 房, name_en: Room, place: {{building: A}}, device: d{i}}}" for i in range(n)]
    files = {"site.yaml": "\n".join(lines) + "\n", "profile.yaml": PROFILE, "classes.yaml": CLASSES, "rules.yaml": rules}
    for name, text in files.items():
        with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
            file.write(text)
    for name in ("gateway.yaml", "faults.yaml", "tiers.yaml"):
        shutil.copy(os.path.join(BUILDING, name), folder)


def usage(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii") as file:
        ticks = file.read().rsplit(")", 1)[1].split()[11:13]
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        rss = next(line.split()[1] for line in file if line.startswith("VmRSS"))
    return sum(map(int, ticks)) / os.sysconf("SC_CLK_TCK"), int(rss)


def gateway(build, n, measure_s=MEASURE_S, rules=RULES):
    folder = tempfile.mkdtemp(prefix="weiyu-bench-")
    peer = Peer(build)
    write_site(folder, n, peer.port, rules)
    log = os.path.join(folder, "log")
    with open(log, "w", encoding="utf-8") as file:
        weiyu = subprocess.Popen([f"{build}/bin/weiyu", "run", "-c", "gateway.yaml"], cwd=folder, stderr=file)
    time.sleep(WARM_S)
    if weiyu.poll() is not None:
        sys.exit(f"the gateway ended: {open(log, encoding='utf-8').read()[-2000:]}")
    peer.begin()
    cpu, _ = usage(weiyu.pid)
    time.sleep(measure_s)
    cpu_end, rss = usage(weiyu.pid)
    seen = peer.end()
    weiyu.terminate()
    weiyu.wait(timeout=60)
    shutil.rmtree(folder)
    assert seen["writes"] == 0
    return {"cpu_s": cpu_end - cpu, "rss_kb": rss, **seen}


def hundred(build):
    peer = Peer(build)
    bare = loops(build, "many", peer.port, 100, MEASURE_S)
    peer.end()
    ours = gateway(build, 100)
    mine = ours["cpu_s"] * 1000 / ours["requests"]
    print(f"100 devices each second, processor for 1000 polls: bare loop {1000 * bare['cpu_s_per_1000']:.1f} ms, the whole "
          f"gateway {1000 * mine:.1f} ms: {mine / bare['cpu_s_per_1000']:.2f} times; {ours['rss_kb'] / 1024:.1f} MB")
    return ours


def thousand(build, hundred_rss_kb):
    ours = gateway(build, 1000)
    print(f"1000 devices each second: {ours['requests'] / MEASURE_S:.0f} polls/s on {ours['connections']} connections at the end; interval "
          f"p01 {ours['p01']:.1f} p50 {ours['p50']:.1f} p99 {ours['p99']:.1f} p99.9 {ours['p999']:.1f} most {ours['most']:.1f} ms; "
          f"{100 * ours['cpu_s'] / MEASURE_S:.1f} % of a core; {ours['rss_kb'] / 1024:.1f} MB; "
          f"{(ours['rss_kb'] - hundred_rss_kb) / 900:.1f} kB for each further device with its asset and three rules")
    bare = [gateway(build, n, 5, "weiyu: rules/1\npackage: bench\nrules: []\n")["rss_kb"] for n in (100, 1000)]
    print(f"without rules: {(bare[1] - bare[0]) / 900:.1f} kB for each further device")


def requests_of(build, path):
    """Points and requests of the fastest class, as `weiyu profile check` reckons them."""
    run = subprocess.run([f"{build}/bin/weiyu", "profile", "check", path], check=True, capture_output=True, text=True)
    rows = [line.split() for line in run.stdout.splitlines() if re.match(r"[FMSD]\s", line)]
    return sum(int(row[2]) for row in rows), sum(int(row[3]) for row in rows)


def strewn(folder, n, span, gap):
    addresses = sorted(random.Random(n).sample(range(span), n))
    points = "".join(f"  p{i}: {{area: holding, address: 0x{a:x}, type: int, encoding: u16, poll: F}}\n" for i, a in enumerate(addresses))
    path = os.path.join(folder, f"strewn-{n}-{gap}.yaml")
    with open(path, "w", encoding="utf-8") as file:
        file.write(PROFILE.split("points:")[0].replace("id: ten", f"id: strewn-{n}-{gap}")
                   .replace("timeout: 500ms", f"timeout: 500ms, max_gap: {gap}") + "points:\n" + points)
    return path


def frames(build):
    folder = os.path.join(SOURCE, "sensors/profiles")
    modbus = [os.path.join(folder, name) for name in sorted(os.listdir(folder))
              if "transport: modbus" in open(os.path.join(folder, name), encoding="utf-8").read()]
    shipped = [requests_of(build, path) for path in modbus]
    print(f"frames of one cycle, {len(modbus)} shipped Modbus profiles, all classes: {sum(r for _, r in shipped)} where one a point makes "
          f"{sum(p for p, _ in shipped)}")
    with tempfile.TemporaryDirectory() as work:
        for n, span, gap in ((40, 120, 8), (100, 600, 16), (100, 600, 0), (500, 4000, 16)):
            points, requests = requests_of(build, strewn(work, n, span, gap))
            print(f"frames of one cycle, {points} registers strewn over {span}, holes up to {gap} read over: {requests}")


def main():
    build = os.path.realpath(sys.argv[1])
    frames(build)
    one_connection(build)
    thousand(build, hundred(build)["rss_kb"])


if __name__ == "__main__":
    main()
