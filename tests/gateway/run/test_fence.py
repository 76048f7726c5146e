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
TROUBLE = "fire-gw.trouble"  # FIR-03
BROKEN = 4  # the exit code: start again


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


def told(desk, fault, epoch):
    """What has been told of a fault under one epoch."""
    return [e["type"].split(".")[-2] for e in events_of(desk, fault) if e["id"].startswith(epoch + "-")]


def other_epochs(desk, epoch):
    return [row[0] for row in desk.db.execute("select distinct epoch from inbox where epoch <> ?", (epoch,))]


def rows_of(desk, epoch):
    """Tickets as the desk's people see them."""
    rows = desk.db.execute("select fault, ticket_key, linked_to, is_ended from ticket where epoch = ?", (epoch,))
    return {fault: {"key": key, "linked_to": linked, "is_ended": bool(ended)} for fault, key, linked, ended in rows}


def open_of(desk, fault):
    rows = desk.db.execute("select ticket_key, linked_to from ticket where is_ended = 0 and fault = ?", (fault,))
    return dict(rows.fetchall())


def roots_of(desk, fault):
    return [key for key, linked in open_of(desk, fault).items() if not linked]


def test_a_copy_beside_the_original_is_fenced_and_changes_no_ticket(building, desk, waiting):
    building.start_sim()
    building.start_gateway()
    building.sim(f"set {FLOOD} true")
    waiting.until(lambda: verbs_of(desk, "WTR-03") == ["opened"], "the ticket at the desk")
    waiting.until(lambda: building.ask("status")["outbox"]["queued"] == 0, "its receipt")
    epoch = building.ask("status")["store"]["epoch"]
    building.cast.end("gateway")
    copy = Copy(building)
    building.start_gateway()
    original = waiting.until(lambda: speaker_of(building), "the original's birth")
    copy.start()
    try:
        waiting.until(lambda: said(building, "fenced"), "the copy fenced")
        fenced = listing(building)["fenced"]
        assert [f["instance"] for f in fenced] != [original], fenced
        building.sim(f"set {TROUBLE} true")
        waiting.until(lambda: told(desk, "FIR-03", epoch) == ["opened"], "the next ticket, once")
        waiting.until(lambda: not copy.look() or copy.codes, "the copy ends, as it was told")
        fresh = waiting.until(lambda: copy.look() and other_epochs(desk, epoch), "the copy under a new epoch")
        waiting.until(lambda: copy.look() and "WTR-03" in rows_of(desk, fresh[0]), "what stands, told by the copy too")
        first, second = rows_of(desk, epoch)["WTR-03"], rows_of(desk, fresh[0])["WTR-03"]
        assert not first["is_ended"] and second["linked_to"] == first["key"] and len(roots_of(desk, "WTR-03")) == 1
        building.sim(f"set {TROUBLE} false")
        building.sim(f"set {FLOOD} false")
        for fault in ("WTR-03", "FIR-03"):
            waiting.until(lambda: told(desk, fault, epoch) == ["opened", "cleared"], f"the end of {fault}")
        waiting.until(lambda: building.ask("status")["outbox"]["queued"] == 0, "every event of the original receipted")
        building.cast.end("gateway")  # one of the two goes off the net: what talks to one at a time is free
        waiting.until(lambda: copy.look() and not open_of(desk, "WTR-03") and not open_of(desk, "FIR-03"), "nothing open for ever")
    finally:
        copy.stop()
    assert copy.codes == [BROKEN] and other_epochs(desk, epoch) == fresh
    assert len(listing(building)["fenced"]) == 1
    rows = desk.db.execute("select count(*) from inbox where instance = ?", (fenced[0]["instance"],)).fetchone()
    assert rows[0] == 0
    assert_stream_is_whole(desk)


def test_a_backup_put_back_is_believed_under_a_new_epoch_only(building, desk, waiting):
    """In the backup the flood stands and the cable is dry; by now it is the other way round."""
    building.start_sim()
    building.start_gateway()
    epoch = building.ask("status")["store"]["epoch"]
    building.sim(f"set {FLOOD} true")
    waiting.until(lambda: verbs_of(desk, "WTR-03") == ["opened"], "the flood at the desk")
    waiting.until(lambda: building.ask("status")["outbox"]["queued"] == 0, "its receipt")
    building.cast.end("gateway")
    shutil.copytree(building.path("state"), building.path("backup"))
    building.start_gateway()
    building.sim(f"set {CABLE} true")
    waiting.until(lambda: verbs_of(desk, "WTR-01") == ["opened"], "the cable at the desk")
    building.sim(f"set {FLOOD} false")
    waiting.until(lambda: verbs_of(desk, "WTR-03") == ["opened", "cleared"], "the end of the flood")
    waiting.until(lambda: building.ask("status")["outbox"]["queued"] == 0, "every event receipted")
    building.cast.end("gateway")
    shutil.rmtree(building.path("state"))
    os.rename(building.path("backup"), building.path("state"))
    before = desk.db.execute("select id, body from inbox order by seq").fetchall()
    process = building.start_gateway(is_waiting=False)
    assert process.wait(timeout=120) == BROKEN
    assert building.cast.end("gateway") == BROKEN
    assert [f["reason"] for f in listing(building)["fenced"]] == ["its bd_seq was used before"]
    assert desk.db.execute("select id, body from inbox order by seq").fetchall() == before
    building.start_gateway()  # as systemd would
    fresh = waiting.until(lambda: other_epochs(desk, epoch), "a new epoch")
    assert building.ask("status")["store"]["epoch"] == fresh[0]
    waiting.until(lambda: "WTR-01" in rows_of(desk, fresh[0]), "what stands, told again")
    linked = rows_of(desk, fresh[0])["WTR-01"]
    assert linked["linked_to"] == rows_of(desk, epoch)["WTR-01"]["key"] and not linked["is_ended"]
    building.sim(f"set {CABLE} false")
    waiting.until(lambda: not open_of(desk, "WTR-01") and not open_of(desk, "WTR-03"), "nothing open for ever")
    waiting.until(lambda: building.ask("status")["outbox"]["queued"] == 0, "every event receipted")
    assert len(listing(building)["fenced"]) == 1 and len(other_epochs(desk, epoch)) == 1
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
