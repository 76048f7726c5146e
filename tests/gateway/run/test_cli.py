"""The commands, as their users type them."""
import json
import os
import shutil
import subprocess

from conftest import BUILD, SOURCE, be_patient, verbs_of


def weiyu(*arguments, env=None):
    return subprocess.run([os.path.join(BUILD, "bin/weiyu"), *arguments], capture_output=True, text=True, timeout=120,
                          env=env)


def test_status_and_tickets_for_people_and_programs(building, desk, waiting):
    building.start_sim()
    building.start_gateway()
    building.sim("set leak-7f.detected true")
    waiting.until(lambda: "opened" in verbs_of(desk, "WTR-03"), "the ticket at the desk")
    gateway = building.path("gateway.yaml")

    people = weiyu("status", "-c", gateway)
    assert people.returncode == 0 and "uplink   up" in people.stdout and "leak-ctl" in people.stdout
    program = json.loads(weiyu("status", "-c", gateway, "--json").stdout)
    assert {d["state"] for d in program["devices"]} == {"ok"}
    assert program["tickets"]["open"] == 1

    people = weiyu("tickets", "-c", gateway)
    assert people.returncode == 0 and "S1" in people.stdout and "WTR-03" in people.stdout
    [ticket] = json.loads(weiyu("tickets", "-c", gateway, "--json").stdout)
    for field in ("fault_name", "fault_name_en", "tier", "deadline_ack", "deadline_arrive", "deadline_start",
                  "deadline_resolve", "location", "asset", "dept_primary", "sop_steps", "resident_notice",
                  "close_condition", "evidence"):
        assert ticket.get(field) not in (None, "", []), field
    assert ticket["evidence"]["rule"] and ticket["evidence"]["samples"] and ticket["evidence"]["clauses"]

    rule = ticket["evidence"]["rule"]
    told = weiyu("explain", "-c", gateway, rule["id"] if isinstance(rule, dict) else rule, ticket["asset"]["id"])
    assert told.returncode == 0 and told.stderr == "", told.stderr
    assert "raised as S1 by level 1" in told.stdout and "= true" in told.stdout and "= good, " in told.stdout
    unknown = weiyu("explain", "-c", gateway, "no.rule", ticket["asset"]["id"])
    assert unknown.returncode == 1 and "there is no rule 'no.rule'" in unknown.stderr

    building.sim("set leak-7f.detected false")
    waiting.until(lambda: "cleared" in verbs_of(desk, "WTR-03"), "cleared at the desk")
    assert json.loads(weiyu("tickets", "-c", gateway, "--json").stdout) == []
    assert len(json.loads(weiyu("tickets", "-c", gateway, "--json", "--all").stdout)) == 1
    assert "no tickets" in weiyu("tickets", "-c", gateway).stdout


def test_poll_shows_points_with_raw_words_without_a_running_gateway(building):
    be_patient(building)
    building.start_sim()
    building.sim("set leak-ctl.location 12.4")
    gateway = building.path("gateway.yaml")
    people = weiyu("poll", "-c", gateway, "leak-ctl")
    assert people.returncode == 0, people.stderr
    line = next(line for line in people.stdout.splitlines() if line.startswith("location"))
    assert "12.4" in line and "007C" in line and "good" in line
    for device in ("lift2-io", "door1-io", "fire-gw", "leak-7f"):
        answer = json.loads(weiyu("poll", "-c", gateway, "--json", device).stdout)
        assert answer["result"] == "ok", answer
        assert all(p["quality"] == "good" for p in answer["points"]), answer


def test_poll_of_a_silent_device_says_so(building):
    building.start_sim()
    building.sim("unplug leak-ctl")
    gone = weiyu("poll", "-c", building.path("gateway.yaml"), "leak-ctl")
    assert gone.returncode == 1 and "no answer in time" in gone.stdout
    unknown = weiyu("poll", "-c", building.path("gateway.yaml"), "leak-ctrl")
    assert unknown.returncode == 1 and "did you mean 'leak-ctl'" in unknown.stderr


def test_check_of_the_demo_building_is_fine(building):
    done = weiyu("check", "-c", building.path("gateway.yaml"))
    assert done.returncode == 0, done.stderr
    assert ": fine" in done.stdout and " error " not in done.stderr


def test_check_reports_every_mistake_with_its_place(building):
    site = building.path("site.yaml")
    with open(site, encoding="utf-8") as file:
        text = file.read()
    text = text.replace("class: leak_point", "class: leak_pont").replace("device: leak-ctl\n  - id: 3A-E1",
                                                                         "device: leak-ctll\n  - id: 3A-E1")
    with open(site, "w", encoding="utf-8") as file:
        file.write(text)
    done = weiyu("check", "-c", building.path("gateway.yaml"))
    assert done.returncode == 1
    assert "did you mean 'leak_point'" in done.stderr and "did you mean 'leak-ctl'" in done.stderr
    numbers = [i for i, line in enumerate(text.splitlines(), 1) if "leak_pont" in line]
    assert f"site.yaml:{numbers[0]}:12: error" in done.stderr


def test_check_says_which_key_file_is_missing(building):
    os.unlink(building.path("pki/gw-demo-01.key"))
    done = weiyu("check", "-c", building.path("gateway.yaml"))
    assert done.returncode == 0
    assert "uplink.key" in done.stderr and "No such file" in done.stderr


def test_check_says_what_is_wrong_with_the_files_of_a_secured_wire(building):
    site = building.path("site.yaml")
    with open(site, encoding="utf-8") as file:
        text = file.read()
    wire = "id: lift-bus, kind: tcp, "
    assert wire in text
    with open(site, "w", encoding="utf-8") as file:
        file.write(text.replace(wire, wire + "tls: {ca: pki/ca.crt, certificate: pki/gw-demo-01.crt, key: field.key}, "))
    missing = weiyu("check", "-c", building.path("gateway.yaml"))
    assert missing.returncode == 0
    assert "W847: wire 'lift-bus': cannot read" in missing.stderr and "field.key" in missing.stderr
    shutil.copy(building.path("pki/server.key"), building.path("field.key"))
    foreign = weiyu("check", "-c", building.path("gateway.yaml"))
    assert foreign.returncode == 1 and "E842: wire 'lift-bus': the key in" in foreign.stderr
    shutil.copy(building.path("pki/gw-demo-01.key"), building.path("field.key"))
    plain = weiyu("check", "-c", building.path("gateway.yaml"))
    assert plain.returncode == 0 and "W844: wire 'lift-bus'" in plain.stderr and "carries no Modbus role" in plain.stderr
    for name in ("gw-demo-01.crt", "gw-demo-01.key"):
        os.unlink(building.path("pki/" + name))
    subprocess.run([os.path.join(SOURCE, "deploy/pki.sh"), "--role", "monitor", building.path("pki"), "gw-demo-01"],
                   check=True)
    shutil.copy(building.path("pki/gw-demo-01.key"), building.path("field.key"))
    fine = weiyu("check", "-c", building.path("gateway.yaml"))
    assert fine.returncode == 0 and "wire 'lift-bus' is secured; our role is 'monitor'" in fine.stdout
    assert "W84" not in fine.stderr


def test_poll_of_a_serial_device_under_a_running_gateway_says_who_holds_it(building, desk, waiting):
    be_patient(building, "lift")
    building.start_sim()
    building.start_gateway()
    waiting.until(lambda: all(d["state"] == "ok" for d in building.ask("status")["devices"]), "every device read")
    done = weiyu("poll", "-c", building.path("gateway.yaml"), "leak-ctl")
    assert done.returncode == 1 and "another process holds" in done.stdout
    scan = weiyu("poll", "-c", building.path("gateway.yaml"), "--scan", "--to", "3", "leak-bus")
    assert scan.returncode == 1 and "another process holds" in scan.stderr and scan.stdout == ""
    assert weiyu("poll", "-c", building.path("gateway.yaml"), "lift2-io").returncode == 0


def test_wrong_usage_is_two(building):
    assert weiyu().returncode == 2
    assert weiyu("stauts").returncode == 2
    assert "did you mean 'status'" in weiyu("stauts").stderr
    assert weiyu("status", "--nonsense").returncode == 2
    assert weiyu("check", "-c").returncode == 2
    assert weiyu("poll").returncode == 2
    assert weiyu("help").returncode == 0


def test_every_command_says_how_it_is_used():
    names = [line.split()[1] for line in weiyu("help").stdout.splitlines() if line.startswith("  weiyu ")]
    assert {"run", "check", "test", "replay"} <= set(names)
    for name in names:
        for word in ("--help", "-h"):
            said = weiyu(name, word)
            assert said.returncode == 0 and said.stdout.startswith(f"usage: weiyu {name}"), (name, said)


def test_status_without_a_gateway_says_what_is_missing(building):
    done = weiyu("status", "-c", building.path("gateway.yaml"))
    assert done.returncode == 1 and "is the gateway running?" in done.stderr


def test_a_second_gateway_on_the_same_state_is_refused(building, desk):
    building.start_sim()
    building.start_gateway()
    second = weiyu("run", "-c", building.path("gateway.yaml"))
    assert second.returncode == 3 and "store" in second.stderr
    assert building.ask("status") is not None
