"""Two stores with one identity: a copied state directory, a backup put back; and a desk that has lost rows. The desk says so
with the first message that cannot belong, the original's tickets stay right, nothing is lost."""
import json
import os
import shutil
import sqlite3
import subprocess

from conftest import Desk, assert_stream_is_whole, events_of, verbs_of

FLOOD = "leak-7f.detected"  # WTR-03
CABLE = "leak-ctl.detected"  # WTR-01


class Copy:
    """A second gateway on a copy of the first one's state directory; started again when it ends, as systemd would."""

    def __init__(self, building):
        self.building = building
        self.codes = []
        self.process = None
        shutil.copytree(building.path("state"), building.path("copy"))
        with open(building.path("gateway.yaml"), encoding="utf-8") as file:
            text = file.read()
        text = text.replace(building.path("state"), building.path("copy")).replace("weiyu.sock", "copy.sock")
        with open(building.path("copy.yaml"), "w", encoding="utf-8") as file:
            file.write(text)

    def start(self):
        with open(self.building.path("copy.log"), "ab") as log:
            self.process = subprocess.Popen([self.building.bin("weiyu"), "run", "-c", self.building.path("copy.yaml")],
                                            stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.building.run)

    def look(self):
        """True: it runs."""
        if self.process.poll() is None:
            return True
        self.codes.append(self.process.returncode)
        self.start()
        return False

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def said(building, word):
    with open(building.path("desk.log"), encoding="utf-8", errors="replace") as log:
        return [line for line in log if f"weiyu-desk {word} " in line]


def listing(building):
    return json.loads(subprocess.run([building.bin("weiyu-desk"), "list", "--json", "--db", "sqlite:" + building.path("desk.db")],
                                     check=True, stdout=subprocess.PIPE).stdout)


def speaker_of(building):
    """The process the desk believes to be the gateway."""
    db = Desk(building.path("desk.db")).db
    return db.execute("select instance from gateway").fetchone()[0]


def test_a_copy_beside_the_original_is_fenced_and_changes_no_ticket(building, desk, waiting):
    building.start_sim()
    building.start_gateway()
    building.sim(f"set {CABLE} true")
    waiting.until(lambda: verbs_of(desk, "WTR-01") == ["opened"], "the ticket at the desk")
    waiting.until(lambda: building.ask("status")["outbox"]["queued"] == 0, "its receipt")
    building.cast.end("gateway")
    copy = Copy(building)
    building.start_gateway()
    original = waiting.until(lambda: speaker_of(building), "the original's birth")
    copy.start()
    try:
        waiting.until(lambda: said(building, "fenced"), "the copy fenced")
        fenced = listing(building)["fenced"]
        assert [f["instance"] for f in fenced] != [original], fenced
        building.sim(f"set {FLOOD} true")
        waiting.until(lambda: verbs_of(desk, "WTR-03") == ["opened"], "the next ticket, once")
        building.sim(f"set {FLOOD} false")
        building.sim(f"set {CABLE} false")
        waiting.until(lambda: verbs_of(desk, "WTR-03") == ["opened", "cleared"], "its end")
        waiting.until(lambda: verbs_of(desk, "WTR-01") == ["opened", "cleared"], "the end of the first")
    finally:
        copy.stop()
    waiting.until(lambda: building.ask("status")["outbox"]["queued"] == 0, "every event of the original receipted")
    rows = desk.db.execute("select count(*) from inbox where instance = ?", (fenced[0]["instance"],)).fetchone()
    assert rows[0] == 0
    assert_stream_is_whole(desk)
    assert all(t["is_ended"] for t in listing(building)["tickets"])
    assert not building.ask("tickets")


def test_a_backup_put_back_is_not_believed(building, desk, waiting):
    building.start_sim()
    building.start_gateway()
    building.cast.end("gateway")
    shutil.copytree(building.path("state"), building.path("backup"))
    building.start_gateway()
    for value, n in (("true", 1), ("false", 2)):
        building.sim(f"set {CABLE} {value}")
        waiting.until(lambda: len(verbs_of(desk, "WTR-01")) == n, "the ticket at the desk")
    waiting.until(lambda: building.ask("status")["outbox"]["queued"] == 0, "every event receipted")
    building.cast.end("gateway")
    shutil.rmtree(building.path("state"))
    os.rename(building.path("backup"), building.path("state"))
    before = len(events_of(desk))
    building.start_gateway(is_waiting=False)
    waiting.until(lambda: said(building, "fenced"), "the gateway fenced")
    assert [f["reason"] for f in listing(building)["fenced"]] == ["its bd_seq was used before"]
    assert len(events_of(desk)) == before
    assert_stream_is_whole(desk)


def test_rows_the_desk_has_lost_come_again(building, desk, waiting):
    building.start_sim()
    building.start_gateway()
    for value, n in (("true", 1), ("false", 2)):
        building.sim(f"set {CABLE} {value}")
        waiting.until(lambda: len(verbs_of(desk, "WTR-01")) == n, "the ticket at the desk")
    waiting.until(lambda: building.ask("status")["outbox"]["queued"] == 0, "every event receipted")
    before = desk.db.execute("select id, body from inbox order by seq").fetchall()
    building.cast.end("desk")
    with sqlite3.connect(building.path("desk.db")) as db:  # as from an older backup
        db.execute("delete from inbox")
        db.execute("delete from ticket")
        db.execute("delete from stream")
    building.start_desk("--hole-after", "1")
    building.sim(f"set {FLOOD} true")
    fresh = Desk(building.path("desk.db"))
    waiting.until(lambda: len(events_of(fresh)) > len(before), "all of them again")
    after = fresh.db.execute("select id, body from inbox order by seq").fetchall()
    assert after[:len(before)] == before
    assert_stream_is_whole(fresh)
    assert {t["fault"] for t in listing(building)["tickets"]} >= {"WTR-01", "WTR-03"}
    waiting.until(lambda: said(building, "reply"), "the gateway's answer")
