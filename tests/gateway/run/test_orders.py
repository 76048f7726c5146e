"""What people say, at the desk and at the gateway, through the real process: ladders, orders, shelves."""
import datetime
import json
import os
import pathlib
import subprocess

import jsonschema

from conftest import BUILD, SOURCE, assert_stream_is_whole, events_of, verbs_of

SCHEMA = json.loads(pathlib.Path(SOURCE, "docs/schemas/ticket.schema.json").read_text(encoding="utf-8"))


def assert_all_fit_the_schema(desk):
    events = events_of(desk)
    assert events
    for event in events:
        jsonschema.Draft202012Validator(SCHEMA).validate(event)


def order(building, *words):
    return subprocess.run([os.path.join(BUILD, "bin/weiyu"), *words, "--socket", building.path("weiyu.sock"), "--by", "wang"],
                          capture_output=True, text=True, timeout=120)


def hasten(building, old, new):
    """The tiers of the packs, with one step of a ladder at another time."""
    with open(os.path.join(SOURCE, "rules/packs/tiers.yaml"), encoding="utf-8") as file:
        tiers = file.read()
    assert old in tiers
    with open(building.path("tiers.yaml"), "w", encoding="utf-8") as file:
        file.write(tiers.replace(old, new, 1))
    with open(building.path("gateway.yaml"), encoding="utf-8") as file:
        gateway = file.read()
    with open(building.path("gateway.yaml"), "w", encoding="utf-8") as file:
        file.write(gateway.replace(SOURCE + "/rules/packs/tiers.yaml", "tiers.yaml"))


def last(desk, fault):
    return events_of(desk, fault)[-1]["data"]


def open_ticket(building, waiting):
    building.sim("set leak-7f.detected true")
    return waiting.until(lambda: building.ask("tickets"), "the ticket in the gateway")[0]


def test_a_ladder_goes_on_with_a_dead_uplink_and_through_a_restart(building, desk, waiting):
    hasten(building, "{after: 10min, unless: acked, to: dept_head}", "{after: 3s, unless: acked, to: dept_head}")
    building.start_sim()
    building.start_gateway()
    building.cast.end("mosquitto")
    waiting.until(lambda: not building.ask("status")["uplink"]["is_up"], "the uplink down")
    open_ticket(building, waiting)
    waiting.until(lambda: building.ask("tickets")[0]["escalation"], "the step in the ticket")
    building.cast.end("gateway")
    building.start_broker()
    building.start_gateway()
    waiting.until(lambda: verbs_of(desk, "WTR-03") == ["opened", "updated"], "the step at the desk")
    told = last(desk, "WTR-03")
    assert told["reason"] == "escalate" and told["escalation"]["to"] == "dept_head"
    assert [step["step"] for step in told["escalation"]["history"]] == [1]
    building.sim("set leak-7f.detected false")
    waiting.until(lambda: verbs_of(desk, "WTR-03") == ["opened", "updated", "cleared"], "cleared at the desk")
    assert_stream_is_whole(desk)
    assert_all_fit_the_schema(desk)


def test_orders_reach_the_ticket_the_desk_and_the_next_process(building, desk, waiting):
    building.start_sim()
    building.start_gateway()
    ticket = open_ticket(building, waiting)
    number, rule, asset = ticket["ticket_no"], ticket["fault"]["rule"], ticket["asset"]["id"]
    done = order(building, "ack", number)
    assert done.returncode == 0 and done.stdout == f"{rule} on {asset}: ack\n", done
    refused = order(building, "shelve", rule, asset, "--for", "30min")
    assert refused.returncode == 1 and "refused: wanted: a reason" in refused.stderr
    done = order(building, "shelve", rule, asset, "--for", "30min", "--reason", "管道更换中")
    assert done.returncode == 0 and "until" in done.stdout
    waiting.until(lambda: verbs_of(desk, "WTR-03") == ["opened", "updated", "updated"], "both orders at the desk")
    assert [(o["order"], o["by"], o["reason"]) for o in last(desk, "WTR-03")["orders"]] == [
        ("ack", "wang", None), ("shelve", "wang", "管道更换中")]
    building.cast.end("gateway")
    building.start_gateway()
    [shelf] = building.ask("shelves")
    assert (shelf["rule"], shelf["asset"], shelf["by"], shelf["reason"]) == (rule, asset, "wang", "管道更换中")
    # The wall clock is slewed meanwhile, and a shelf ends on the steady one.
    ends = [datetime.datetime.fromisoformat(text) for text in (shelf["until"], last(desk, "WTR-03")["shelved_until"])]
    assert abs(ends[0] - ends[1]) < datetime.timedelta(minutes=1) and shelf["is_raised"]
    people = subprocess.run([os.path.join(BUILD, "bin/weiyu"), "shelves", "-c", building.path("gateway.yaml")],
                            capture_output=True, text=True)
    assert rule in people.stdout and "管道更换中" in people.stdout
    done = order(building, "close", number, "--reason", "test", "--json")
    assert json.loads(done.stdout)["ok"] is True
    waiting.until(lambda: verbs_of(desk, "WTR-03")[-1] == "closed", "closed at the desk")
    assert order(building, "close", number, "--reason", "test").returncode == 1
    assert_stream_is_whole(desk)
    assert_all_fit_the_schema(desk)


def test_fire_and_entrapment_are_never_shelved(building, desk):
    building.start_sim()
    building.start_gateway()
    for rule, asset in (("fire.alarm", "3A-F1"), ("lift.entrapment", "3A-L2")):
        refused = order(building, "shelve", rule, asset, "--for", "1h", "--reason", "noise")
        assert refused.returncode == 1 and "this rule is never shelved" in refused.stderr, refused
    assert building.ask("shelves") == []


def test_usage_is_said_with_code_2(building):
    for words in (["ack"], ["mark", "A"], ["shelve", "a", "b", "c"], ["ack", "x", "--loud"], ["ack", "x", "--reason"]):
        answer = subprocess.run([os.path.join(BUILD, "bin/weiyu"), *words], capture_output=True, text=True)
        assert answer.returncode == 2 and answer.stderr.startswith("weiyu " + words[0]), answer


def test_a_gateway_watches_itself_where_the_site_has_an_asset_for_it(building, desk, waiting):
    with open(building.path("site.yaml"), encoding="utf-8") as file:
        site = file.read()
    own = "assets:\n  - {id: GW-1, class: gateway, name_zh: 网关, name_en: Gateway, place: {building: 3A}}\n"
    assert site.count("\nassets:\n") == 1
    with open(building.path("site.yaml"), "w", encoding="utf-8") as file:
        file.write(site.replace("\nassets:\n", "\n" + own))
    with open(building.path("own.yaml"), "w", encoding="utf-8") as file:
        file.write("weiyu: rules/1\npackage: own\nrules:\n"
                   "  - {id: own.down, scope: gateway, fault: SYS-06, tier: S3, when: not uplink_ok, clear: uplink_ok,\n"
                   "     summary: {zh: 上行中断, en: uplink down}}\n")
    with open(building.path("gateway.yaml"), encoding="utf-8") as file:
        gateway = file.read()
    with open(building.path("gateway.yaml"), "w", encoding="utf-8") as file:
        file.write(gateway.replace("rules:\n", "rules:\n  - own.yaml\n", 1))
    building.start_sim()
    building.start_gateway()
    building.cast.end("mosquitto")
    waiting.until(lambda: any(t["fault"]["rule"] == "own.down" for t in building.ask("tickets") or []), "its own ticket")
    building.start_broker()
    waiting.until(lambda: verbs_of(desk, "SYS-06")[:2] == ["opened", "cleared"], "both events at the desk")
    assert_stream_is_whole(desk)
    assert_all_fit_the_schema(desk)
