"""weiyu-desk against a real mosquitto (TLS, client certificates, the shipped access rules) and both
databases. Gateways are played by mosquitto_pub and mosquitto_sub.

Nothing depends on speed: each step waits for its condition, up to PATIENCE_S."""

import contextlib
import glob
import hashlib
import json
import os
import pathlib
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "deploy/demo"))

from stage import free_port  # noqa: E402

BIN = pathlib.Path(os.environ["WY_BIN"])
DESK = BIN / "weiyu-desk"
PATIENCE_S = 40
GRACE_S = 1.5  # how long "nothing happens" is watched
A, B = "aaaaaaaaaaaaaaaa", "bbbbbbbbbbbbbbbb"
GW, GW2 = "gw-demo-01", "gw-demo-02"


def wait_for(condition, what):
    until = time.monotonic() + PATIENCE_S
    while time.monotonic() < until:
        value = condition()
        if value:
            return value
        time.sleep(0.05)
    raise AssertionError(f"waited in vain for: {what}")


def shard(gw):
    return hashlib.sha256(gw.encode()).hexdigest()[:2]


def stop(process, number=signal.SIGTERM):
    if process.poll() is None:
        process.send_signal(number)
    return process.wait(timeout=PATIENCE_S)


# ---- the broker -------------------------------------------------------------------------------


class Broker:
    def __init__(self, run, certificate=None):
        self.run, self.port, self.process = run, free_port(), None
        subprocess.run([ROOT / "deploy/broker/render.sh", str(self.port), run], check=True)
        if certificate:
            conf = run / "mosquitto.conf"
            conf.write_text(conf.read_text().replace("pki/server.", f"pki/{certificate}."))

    def start(self):
        mosquitto = shutil.which("mosquitto") or "/usr/sbin/mosquitto"
        self.process = subprocess.Popen(
            [mosquitto, "-c", self.run / "mosquitto.conf"], stderr=subprocess.DEVNULL
        )
        wait_for(self.answers, "the broker to listen")

    def answers(self):
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
            return True

    def tls(self, name):
        pki = self.run / "pki"
        return ["--cafile", pki / "ca.crt", "--cert", pki / f"{name}.crt", "--key", pki / f"{name}.key"]

    def client(self, tool, gw):
        return [tool, "-V", "5", "-h", "localhost", "-p", str(self.port), *self.tls(gw)]


@pytest.fixture(scope="module")
def pki(tmp_path_factory):
    where = tmp_path_factory.mktemp("pki") / "pki"
    subprocess.run([ROOT / "deploy/pki.sh", "--bad", where, "sink", GW, GW2], check=True)
    return where


@pytest.fixture
def broker(pki, tmp_path):
    run = tmp_path / "broker-run"
    run.mkdir()
    (run / "pki").symlink_to(pki)
    broker = Broker(run)
    broker.start()
    yield broker
    stop(broker.process)


# ---- the databases ----------------------------------------------------------------------------


class Sqlite:
    def __init__(self, path):
        self.path, self.spec = path, f"sqlite:{path}"

    def rows(self, sql):
        with contextlib.closing(sqlite3.connect(self.path, timeout=PATIENCE_S)) as db:
            return [tuple(str(c) if c is not None else "" for c in row) for row in db.execute(sql)]

    @contextlib.contextmanager
    def locked(self):
        with contextlib.closing(sqlite3.connect(self.path, isolation_level=None)) as db:
            db.execute("begin immediate")
            yield
            db.execute("rollback")


class Cluster:
    """A PostgreSQL of its own, below a temporary directory, on a UNIX socket."""

    def __init__(self):
        found = sorted(glob.glob("/usr/lib/postgresql/*/bin/initdb"))
        assert found, "PostgreSQL is missing: apt-get install postgresql (tests/run.sh does)"
        self.bin = pathlib.Path(found[-1]).parent
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="weiyu-pg-", dir="/tmp"))
        self.databases = 0
        if os.geteuid() == 0:
            shutil.chown(self.dir, "postgres", "postgres")
        self.call("initdb", "-D", self.dir / "data", "-A", "trust", "-U", "postgres", "-N")

    def call(self, program, *args):
        command = [self.bin / program, *args]
        if os.geteuid() == 0:
            command = ["runuser", "-u", "postgres", "--", *command]
        subprocess.run(command, check=True, cwd="/", stdout=subprocess.DEVNULL)

    def start(self):
        options = f"-c listen_addresses='' -c unix_socket_directories={self.dir} -c fsync=off"
        self.call("pg_ctl", "-D", self.dir / "data", "-w", "-l", self.dir / "log", "-o", options, "start")

    def stop(self):
        self.call("pg_ctl", "-D", self.dir / "data", "-w", "-m", "immediate", "stop")

    def conninfo(self, database):
        return f"host={self.dir} user=postgres dbname={database}"

    def psql(self, database):
        return ["psql", "-XqAt", "-F", "\t", "-v", "ON_ERROR_STOP=1", self.conninfo(database)]


class Postgres:
    def __init__(self, cluster):
        cluster.databases += 1
        self.cluster, self.name = cluster, f"desk{cluster.databases}"
        self.spec = f"postgres:{cluster.conninfo(self.name)}"
        self.ask("postgres", f"create database {self.name}")

    def ask(self, database, sql):
        return subprocess.run(
            [*self.cluster.psql(database), "-c", sql], check=True, text=True, stdout=subprocess.PIPE
        ).stdout

    def rows(self, sql):
        return [tuple(line.split("\t")) for line in self.ask(self.name, sql).splitlines()]

    @contextlib.contextmanager
    def locked(self):
        session = subprocess.Popen(
            self.cluster.psql(self.name), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        session.stdin.write("begin; lock table inbox in access exclusive mode; select 'held';\n")
        session.stdin.flush()
        assert session.stdout.readline().strip() == "held"
        yield
        session.communicate("rollback;\n", timeout=PATIENCE_S)


@pytest.fixture(scope="module")
def cluster():
    cluster = Cluster()
    cluster.start()
    yield cluster
    cluster.stop()
    shutil.rmtree(cluster.dir)


@pytest.fixture(params=["sqlite", "postgres"])
def base(request, tmp_path):
    if request.param == "sqlite":
        return Sqlite(tmp_path / "desk.db")
    return Postgres(request.getfixturevalue("cluster"))


# ---- the desk and its gateways ----------------------------------------------------------------


class Desk:
    def __init__(self, broker, base, tmp_path, *args, name="desk-1", env=None):
        self.out, self.err = tmp_path / f"{name}.out", tmp_path / f"{name}.err"
        self.command = [
            DESK, "--db", base.spec, "--host", "localhost", "--port", str(broker.port),
            "--ca", broker.run / "pki/ca.crt", "--cert", broker.run / "pki/sink.crt",
            "--key", broker.run / "pki/sink.key", "--client-id", name, *args,
        ]  # fmt: skip
        with open(self.out, "ab") as out, open(self.err, "ab") as err:
            self.process = subprocess.Popen(
                [*self.command, "--json"], stdout=out, stderr=err, env={**os.environ, **(env or {})}
            )

    def said(self, word):
        return self.err.read_text().count(f"weiyu-desk {word}")

    def ready(self, times=1):
        wait_for(lambda: self.said("ready ") >= times, "the desk to be ready:\n" + self.err.read_text())
        return self

    def events(self):
        return [json.loads(line) for line in self.out.read_text().splitlines()]


class Gateway:
    """Publishes, and collects the receipts (and work messages) that come down."""

    def __init__(self, broker, tmp_path, gw=GW):
        self.broker, self.gw = broker, gw
        self.heard_file = tmp_path / f"{gw}.heard"
        self.topic = f"weiyu/v1/up/{shard(gw)}/{gw}"
        with open(self.heard_file, "wb") as out:
            self.process = subprocess.Popen(
                ["stdbuf", "-oL", *broker.client("mosquitto_sub", gw), "-q", "1", "-d", "-i", f"{gw}-ear",
                 "-t", f"weiyu/v1/down/{gw}/#", "-F", "%p"], stdout=out, stderr=subprocess.DEVNULL,
                env={**os.environ, "LC_ALL": "C.UTF-8"},
            )  # fmt: skip
        wait_for(lambda: b"SUBACK" in self.heard_file.read_bytes(), "the gateway's subscription")

    def send(self, payload, channel="ticket", hint=None, instance=None):
        hints = ["-D", "publish", "user-property", "id", hint] if hint else []
        hints += ["-D", "publish", "user-property", "instance", instance] if instance else []
        text = payload if isinstance(payload, (str, bytes)) else json.dumps(payload, ensure_ascii=False)
        subprocess.run(
            [*self.broker.client("mosquitto_pub", self.gw), "-q", "1", "-t",
             f"{self.topic}/{channel}", *hints, "-s"],
            input=text if isinstance(text, bytes) else text.encode(), check=True,
        )  # fmt: skip

    def heard(self, kind="com.weiyu.receipt.v1"):
        lines = self.heard_file.read_text().splitlines()
        messages = [json.loads(line) for line in lines if line.startswith("{")]
        return [m["data"] for m in messages if m["type"] == kind]

    def receipted(self, through, epoch=A):
        return wait_for(
            lambda: [r for r in self.heard() if (r["epoch"], r["through"]) == (epoch, through)],
            f"a receipt through {through}, heard {self.heard()}",
        )[-1]


def event(seq, verb="opened", key="tk_1", rev=1, epoch=A, gw=GW, condition="active", **data):
    return {
        "specversion": "1.0", "id": f"{epoch}-{seq}", "source": f"/weiyu/{gw}",
        "type": f"com.weiyu.ticket.{verb}.v1", "sequence": f"{seq:019}", "correlationid": key,
        "data": {
            "ticket_key": key, "ticket_no": f"{gw}-20261122-{seq}", "dedup_key": "3A-L2/ELV-01",
            "episode": 1, "rev": rev, "condition": condition, "tier": "S1", "fault_code": "ELV-01",
            "fault_name": "困人", "fault_name_en": "Entrapment", "dept_primary": "engineering",
            "dept_primary_zh": "工程部", "asset": {"id": "3A-L2", "name_zh": "3A栋2号梯"},
            "location": {"text_zh": "二期3A栋", "text_en": "Phase 2, 3A"},
            "detected_at": "2026-11-22T01:02:03.456Z", "opened_at": 1795309324000 + seq,
            "deadline_ack": "2026-11-22T01:12:04Z", "deadline_resolve": "2026-11-22T03:02:04Z",
            **data,
        },
    }  # fmt: skip


@pytest.fixture
def gateway(broker, tmp_path):
    gateway = Gateway(broker, tmp_path)
    yield gateway
    stop(gateway.process)


@pytest.fixture
def start(broker, base, tmp_path):
    """Starts desks; at the end each must stop cleanly (exit code 0, no sanitizer report)."""
    desks = []

    def start(*args, **named):
        desks.append(Desk(broker, base, tmp_path, *args, **named))
        return desks[-1]

    yield start
    for desk in desks:
        if desk.process.poll() is None:
            assert stop(desk.process) == 0, desk.err.read_text()
        assert "Sanitizer" not in desk.err.read_text(), desk.err.read_text()


# ---- what is promised -------------------------------------------------------------------------


def test_opened_updated_cleared_are_committed_printed_and_receipted(start, base, gateway):
    desk = start().ready()
    gateway.send(event(1))
    gateway.receipted(1)
    gateway.send(event(2, "updated", rev=2))
    gateway.send(event(3, "cleared", rev=3, condition="cleared", cleared_at="2026-11-22T02:00:00Z"))
    assert gateway.receipted(3)["rejected"] == []
    assert base.rows("select ticket_key, rev, condition, is_ended, tier, asset, cleared_at from ticket") == [
        ("tk_1", "3", "cleared", "1", "S1", "3A-L2", "1795312800000")
    ]
    events = wait_for(lambda: len(desk.events()) == 3 and desk.events(), "three lines")
    assert [e["type"].split(".")[3] for e in events] == ["opened", "updated", "cleared"]
    assert events[0]["fault_name"] == "困人" and events[0]["duplicate"] is False
    listing = subprocess.run([DESK, "list", "--json", "--db", base.spec], check=True, stdout=subprocess.PIPE)
    listing = json.loads(listing.stdout)
    assert listing["tickets"][0]["body"]["data"]["fault_name"] == "困人"
    assert listing["streams"][0]["contiguous_through"] == 3


X, Y = "1" * 16, "2" * 16


def birth(instance, bd_seq, last_seq, epoch=A):
    return {"specversion": "1.0", "id": f"{epoch}-birth-{bd_seq}", "source": f"/weiyu/{GW}",
            "type": "com.weiyu.state.birth.v1", "data": {"gateway_id": GW, "epoch": epoch, "boot": "b", "instance": instance,
                                                         "bd_seq": bd_seq, "last_seq": last_seq}}


def test_a_copy_is_fenced_and_what_it_said_is_taken_back(start, base, gateway):
    desk = start().ready()
    gateway.send(birth(X, 1, 0), "state")
    gateway.send(event(1), instance=X)
    assert gateway.receipted(1)["instance"] == X
    gateway.send(birth(Y, 2, 1), "state")  # looks like a restart
    gateway.send(event(2, "cleared", rev=2, condition="cleared"), instance=Y)
    gateway.send(event(3, key="tk_2"), instance=Y)
    gateway.receipted(3)
    gateway.send(birth(X, 2, 2), "state")  # and is none
    wait_for(lambda: desk.said("fenced "), "the copy fenced")
    order = wait_for(lambda: gateway.heard("com.weiyu.cmd.epoch_new.v1"), "the order of a new epoch")[0]
    assert order == {"epoch": A, "boot": "b", "instance": Y}
    gateway.send(event(2, "updated", rev=2), instance=X)
    wait_for(lambda: [r for r in gateway.heard() if (r["through"], r["instance"]) == (2, X)], "the original's receipt")
    gateway.send(event(3, key="tk_3", dedup_key="a/F-3"), instance=Y)
    wait_for(lambda: len(base.rows("select id from held")) == 2, "what the copy said kept aside")
    assert base.rows("select ticket_key, rev, is_ended from ticket") == [("tk_1", "2", "0")]
    assert base.rows("select seq, instance from inbox order by seq") == [("1", X), ("2", X)]
    listing = subprocess.run([DESK, "list", "--db", base.spec], check=True, stdout=subprocess.PIPE, text=True).stdout
    assert f"FENCED  {GW} {A} instance {Y}" in listing


def test_a_hole_is_asked_for_and_what_is_gone_closes_it(start, base, gateway):
    start("--hole-after", "1").ready()
    gateway.send(birth(X, 1, 0), "state")
    gateway.send(event(3), instance=X)
    asked = wait_for(lambda: gateway.heard("com.weiyu.cmd.resend.v1"), "the question")[0]
    assert asked == {"epoch": A, "from": 1, "to": 2}
    gateway.send({"source": f"/weiyu/{GW}", "type": "com.weiyu.reply.v1",
                  "data": {"command_type": "com.weiyu.cmd.resend.v1", "status": "done", "epoch": A, "instance": X,
                           "gone": [{"from": 1, "to": 1}], "parked": [{"from": 2, "to": 2}]}}, "reply")
    gateway.receipted(3)
    assert len(base.rows("select seq from parked where reason like 'gone:%'")) == 2


def test_a_process_without_a_birth_is_asked_for_it(start, gateway):
    start().ready()
    gateway.send(event(1), instance=X)
    gateway.receipted(1)
    wait_for(lambda: gateway.heard("com.weiyu.cmd.rebirth.v1") == [{}], "the question")


def test_what_overtook_a_backlog_is_receipted_beyond_through(start, gateway):
    start().ready()
    gateway.send(event(1))
    assert gateway.receipted(1)["also"] == []
    gateway.send(event(4, key="tk_4", dedup_key="a/F-4"))
    wait_for(lambda: any(r["also"] == [4] and r["through"] == 1 for r in gateway.heard()), "4 beyond 1")
    gateway.send(event(4, key="tk_4", dedup_key="a/F-4"))  # its receipt was lost: named again
    wait_for(lambda: sum(r["also"] == [4] for r in gateway.heard()) == 2, "4 once more")
    gateway.send(event(2, key="tk_2", dedup_key="a/F-2"))
    assert gateway.receipted(2)["also"] == []  # said already, and not of this batch
    gateway.send(event(3, key="tk_3", dedup_key="a/F-3"))
    assert gateway.receipted(4)["also"] == []


def test_a_duplicate_is_one_row_and_is_receipted_again(start, base, gateway):
    desk = start().ready()
    for n in range(1, 4):
        gateway.send(event(1))
        wait_for(lambda: len(gateway.heard()) == n, f"receipt number {n}")
    assert base.rows("select count(*) from inbox") == [("1",)]
    assert base.rows("select count(*) from ticket") == [("1",)]
    assert [e["duplicate"] for e in desk.events()] == [False, True, True]


def test_out_of_order_the_newest_revision_stays_and_the_inbox_is_whole(start, base, gateway):
    start().ready()
    gateway.send(event(1))
    gateway.send(event(3, "cleared", rev=3, condition="cleared"))
    gateway.receipted(1)
    assert all(r["through"] < 3 for r in gateway.heard())
    gateway.send(event(2, "updated", rev=2))
    gateway.receipted(3)
    assert base.rows("select rev, condition from ticket") == [("3", "cleared")]
    assert base.rows("select seq from inbox order by seq") == [("1",), ("2",), ("3",)]


def test_no_receipt_leaves_while_the_database_is_locked(start, base, gateway):
    start().ready()
    gateway.send(event(1))
    gateway.receipted(1)
    with base.locked():
        gateway.send(event(2, "updated", rev=2))
        time.sleep(GRACE_S)
        assert [r["through"] for r in gateway.heard()] == [1]
    gateway.receipted(2)
    assert base.rows("select rev from ticket") == [("2",)]


def test_two_desks_share_the_work_by_shards(start, base, gateway, broker, tmp_path):
    low, high = sorted([GW, GW2], key=shard)
    assert shard(low) < shard(high)
    border = int(shard(high), 16)
    first = start("--shards", f"00-{border - 1:02x}", name="desk-a").ready()
    second = start("--shards", f"{border:02x}-ff", name="desk-b").ready()
    other = Gateway(broker, tmp_path, GW2)
    try:
        gateway.send(event(1))
        other.send(event(1, gw=GW2, key="tk_2"))
        gateway.receipted(1)
        other.receipted(1)
    finally:
        stop(other.process)
    wait_for(lambda: len(first.events()) == 1 and len(second.events()) == 1, "one line each")
    assert [first.events()[0]["gateway"], second.events()[0]["gateway"]] == [low, high]
    # the same dedup_key of another gateway is another asset of another building: nothing links
    assert base.rows("select count(*) from ticket where linked_to is null") == [("2",)]


def test_after_store_loss_the_same_fault_links_instead_of_opening_twice(start, base, gateway):
    start().ready()
    gateway.send(event(1))
    gateway.receipted(1)
    gateway.send(event(1, epoch=B, key="tk_2", opened_at=1795309399000))
    gateway.receipted(1, B)
    links = "select ticket_key, linked_to, is_ended from ticket order by 1"
    assert base.rows(links) == [("tk_1", "", "0"), ("tk_2", "tk_1", "0")]
    gateway.send(event(2, "updated", epoch=B, key="tk_2", rev=2, opened_at=1795309399000))
    gateway.send(event(3, "cleared", epoch=B, key="tk_2", rev=3, condition="cleared", opened_at=1795309399000))
    gateway.receipted(3, B)
    assert base.rows(links) == [("tk_1", "", "1"), ("tk_2", "tk_1", "1")]


def test_garbage_is_survived_and_a_forged_source_is_rejected(start, base, gateway):
    desk = start().ready()
    gateway.send(b"\x00\xff garbage")
    gateway.send("[" * 5000)
    gateway.send("{}", channel="state")
    gateway.send(event(1, gw=GW2))
    receipt = gateway.receipted(1)
    assert receipt["rejected"] == [{"seq": 1, "reason": "source is not the gateway of the topic"}]
    gateway.send(b"garbage with a number", hint=f"{A}-2")
    gateway.send({**event(3), "type": "com.weiyu.audit.v1"}, channel="audit")
    gateway.send(event(4))
    assert [r["seq"] for r in gateway.receipted(4)["rejected"]] == [2, 1]
    assert base.rows("select source, seq from inbox order by seq") == [(f"/weiyu/{GW}", "3"), (f"/weiyu/{GW}", "4")]
    assert base.rows("select count(*) from ticket") == [("1",)]
    assert desk.said("not_usable") == 3


def test_killed_between_commit_and_receipt_the_next_one_receipts_a_single_row(start, base, gateway):
    killed = start(
        env={
            "LD_PRELOAD": str(BIN / "libdesk_die_before_receipt.so"),
            "ASAN_OPTIONS": "verify_asan_link_order=0",
        }
    ).ready()
    gateway.send(event(1))
    assert killed.process.wait(timeout=PATIENCE_S) == -signal.SIGKILL
    assert base.rows("select count(*) from inbox") == [("1",)]
    assert gateway.heard() == []
    desk = start().ready(times=2)
    gateway.send(event(1))  # no receipt came: the gateway sends it again
    gateway.receipted(1)
    assert base.rows("select count(*) from inbox") == [("1",)]
    assert base.rows("select count(*) from ticket") == [("1",)]
    assert wait_for(desk.events, "a line")[0]["duplicate"] is True


def test_a_burst_is_taken_whole(start, base, gateway):
    n = 600
    start("--quiet").ready()
    lines = "\n".join(json.dumps(event(i, "updated", rev=i)) for i in range(1, n + 1))
    subprocess.run(
        [*gateway.broker.client("mosquitto_pub", GW), "-q", "1", "-t", f"{gateway.topic}/ticket", "-l"],
        input=lines.encode(), check=True,
    )  # fmt: skip
    gateway.receipted(n)
    assert base.rows("select rev from ticket") == [(str(n),)]


def test_messages_of_the_time_the_desk_was_away_are_taken_afterwards(start, base, gateway):
    first = start().ready()
    assert stop(first.process) == 0
    gateway.send(event(1))
    start().ready(times=2)
    gateway.receipted(1)


def test_the_desk_comes_back_when_the_broker_does(start, base, gateway, broker, tmp_path):
    desk = start().ready()
    stop(broker.process, signal.SIGKILL)
    wait_for(lambda: desk.said("link_lost"), "the loss to be noticed")
    broker.start()
    desk.ready(times=2)
    ear = Gateway(broker, tmp_path, GW2)
    try:
        ear.send(event(1, gw=GW2))
        ear.receipted(1)
    finally:
        stop(ear.process)


def test_work_is_recorded_and_told_to_the_gateway(start, base, gateway):
    desk = start().ready()
    gateway.send(event(1, condition="latched"))
    gateway.receipted(1)
    options = desk.command[1:]
    subprocess.run([DESK, "ack", "tk_1", *options, "--role", "engineering"], check=True)
    told = wait_for(lambda: gateway.heard("com.weiyu.work.acked.v1"), "the ack")
    assert told == [{"ticket_key": "tk_1", "seq": 1, "state": "acked", "by_role": "engineering"}]
    subprocess.run([DESK, "work", "closed", "tk_1", *options], check=True)
    wait_for(lambda: gateway.heard("com.weiyu.work.closed.v1"), "the close")
    assert base.rows("select work from ticket") == [("closed",)]
    assert subprocess.run([DESK, "ack", "tk_none", *options]).returncode == 1
    assert subprocess.run([DESK, "work", "perhaps", "tk_1", *options]).returncode == 2


def test_postgres_may_go_and_come_back(cluster, broker, gateway, tmp_path):
    base = Postgres(cluster)
    desk = Desk(broker, base, tmp_path).ready()
    try:
        gateway.send(event(1))
        gateway.receipted(1)
        cluster.stop()
        try:
            gateway.send(event(2, "updated", rev=2))
            wait_for(lambda: desk.said("database_away"), "the loss to be noticed")
            time.sleep(GRACE_S)
            assert [r["through"] for r in gateway.heard()] == [1]
        finally:
            cluster.start()
        gateway.receipted(2)
        assert base.rows("select rev from ticket") == [("2",)]
        assert [e["duplicate"] for e in desk.events()] == [False, False]
    finally:
        assert stop(desk.process) == 0


def test_the_desk_stops_while_the_database_is_away(broker, gateway, tmp_path):
    class Nowhere:
        spec = "postgres:host=/nonexistent dbname=desk"

    desk = Desk(broker, Nowhere, tmp_path).ready()
    gateway.send(event(1))
    wait_for(lambda: desk.said("database_away"), "the loss to be noticed")
    assert stop(desk.process) == 0
    assert gateway.heard() == []


@pytest.mark.parametrize("certificate", ["wrong-name", "other-ca", "expired"])
def test_a_broker_with_a_wrong_certificate_is_refused(pki, tmp_path, certificate):
    run = tmp_path / "run"
    run.mkdir()
    (run / "pki").symlink_to(pki)
    broker = Broker(run, f"bad/{certificate}")
    broker.start()
    desk = Desk(broker, Sqlite(tmp_path / "desk.db"), tmp_path)
    try:
        wait_for(lambda: desk.said("link_failed") >= 2, "two refusals")
        assert desk.said("ready ") == 0
    finally:
        assert stop(desk.process) == 0
        stop(broker.process)


def test_half_given_tls_options_are_an_error_not_a_plain_connection(tmp_path):
    assert subprocess.run([DESK, "--ca", "ca.crt", "--db", f"sqlite:{tmp_path}/x"]).returncode == 2
    assert subprocess.run([DESK, "--db", f"sqlite:{tmp_path}/x"]).returncode == 2
