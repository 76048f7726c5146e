"""story.py: a story of faults that come and go in the demo's building, and what the desk must have of it in the end."""
from whole_path import assert_stream_is_whole, events_of

# Faults that come and go by one order each; their rules hold for some seconds at most.
LEAK = ("WTR-01", "set leak-ctl.detected true", "set leak-ctl.detected false")
TANK = ("WTR-03", "set leak-7f.detected true", "set leak-7f.detected false")
TAMPER = ("ACC-14", "set door1-io.tamper true", "set door1-io.tamper false")
PIT = ("ELV-26", "set lift1-io.pit_water true", "set lift1-io.pit_water false")
SEED = 20261122


def queued(building):
    return building.ask("status")["outbox"]["queued"]


def come(building, waiting, *faults):
    for code, begin, _ in faults:
        building.sim(begin)
    codes = {code for code, _, _ in faults}
    waiting.until(lambda: codes <= {t["fault_code"] for t in building.ask("tickets")}, f"tickets {codes} in the gateway")


def go(building, waiting, *faults):
    for _, _, end in faults:
        building.sim(end)
    codes = {code for code, _, _ in faults}
    waiting.until(lambda: not codes & {t["fault_code"] for t in building.ask("tickets")}, f"no ticket {codes} any more")


def expect(building, desk, waiting, **verbs):
    """Everything is receipted, and the desk has of each fault what is said, once. Events may arrive in any order: it goes by
    their number, and rows by their revision."""
    waiting.until(lambda: queued(building) == 0, "every event receipted", 240)
    for code, wanted in verbs.items():
        events = sorted(events_of(desk, code.replace("_", "-")), key=lambda e: e["data"]["gateway_seq"])
        seen = [e["data"]["event"] for e in events if e["data"]["event"] != "updated"]
        assert seen == wanted.split(), (code, seen)
    assert_stream_is_whole(desk)
    assert desk.db.execute("select dedup_key from ticket where is_ended = 0").fetchall() == []
