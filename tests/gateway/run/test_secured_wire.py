"""A wire under Modbus/TCP Security, through the whole gateway: the lift bus stands behind socat's TLS."""
import json
import os
import re
import shutil
import subprocess

import pytest

from conftest import BUILD, SOURCE, be_patient
from stage import free_port, is_listening


def poll(building, device):
    done = subprocess.run([os.path.join(BUILD, "bin/weiyu"), "poll", "-c", building.path("gateway.yaml"), "--json", device],
                          capture_output=True, text=True, timeout=120)
    assert done.stdout, done.stderr
    return json.loads(done.stdout)


def field_keys(building, *options):
    subprocess.run([os.path.join(SOURCE, "deploy/pki.sh"), *options, building.path("field"), "gw-field"], check=True,
                   stdout=subprocess.DEVNULL)


def rewrite_wire(building, port, name="localhost"):
    """The lift bus is under TLS on this port; where it was before."""
    be_patient(building)
    site = building.path("site.yaml")
    with open(site, encoding="utf-8") as file:
        text = file.read()
    before = int(re.search(r"id: lift-bus, kind: tcp, host: 127.0.0.1, port: (\d+)", text).group(1))
    keys = f"tls: {{ca: field/ca.crt, certificate: field/gw-field.crt, key: field/gw-field.key, name: {name}}}"
    text = re.sub(r"(id: lift-bus, kind: tcp, host: 127.0.0.1, port: )\d+", rf"\g<1>{port}, {keys}", text)
    with open(site, "w", encoding="utf-8") as file:
        file.write(text)
    return before


@pytest.fixture
def secured(building, waiting):
    """The building with its lift bus behind TLS."""
    field_keys(building, "--role", "monitor")
    port = free_port()
    behind = rewrite_wire(building, port)
    building.start_sim()
    field = building.path("field")
    building.cast.start("socat", ["socat", f"OPENSSL-LISTEN:{port},bind=127.0.0.1,reuseaddr,fork,verify=1,cafile={field}/ca.crt,"
                                  f"cert={field}/server.crt,key={field}/server.key", f"TCP:127.0.0.1:{behind}"])
    waiting.until(lambda: is_listening(port), "socat listening")
    return building


def test_values_come_through(secured):
    answer = poll(secured, "lift2-io")
    assert answer["result"] == "ok", answer
    assert all(point["quality"] == "good" for point in answer["points"]), answer


def test_a_server_of_another_ca_is_not_asked(secured):
    shutil.move(secured.path("field"), secured.path("old"))
    field_keys(secured, "--role", "monitor")  # the server kept its own
    answer = poll(secured, "lift2-io")
    assert (answer["result"], answer["words"]) == \
        ("identity refused", "the server's certificate is not trusted: our CA has not signed it"), answer


def test_a_server_of_another_name_is_not_asked(secured):
    site = secured.path("site.yaml")
    with open(site, encoding="utf-8") as file:
        text = file.read()
    with open(site, "w", encoding="utf-8") as file:
        file.write(text.replace("name: localhost", "name: pump.example"))
    answer = poll(secured, "lift2-io")
    assert (answer["result"], answer["words"]) == \
        ("identity refused", "the name does not fit: the server's certificate is for another one"), answer


def test_a_missing_file_costs_its_wire_and_nothing_else(secured):
    os.unlink(secured.path("field/gw-field.key"))
    answer = poll(secured, "lift2-io")
    assert (answer["result"], answer["words"]) == \
        ("identity refused", "the files of this wire cannot be used; see weiyu check"), answer
    assert poll(secured, "door1-io")["result"] == "ok"


@pytest.mark.parametrize("role,result,exception", [("monitor", "ok", 0),
                                                   ("meter-reader", "the device answered with an exception", 1)])
def test_a_device_that_goes_by_roles_gives_to_the_right_one_only(building, role, result, exception):
    field_keys(building, "--role", role)
    server = subprocess.Popen([os.path.join(BUILD, "bin/mbaps_server"), building.path("field"), "server"],
                              stdout=subprocess.PIPE, text=True)
    try:
        rewrite_wire(building, int(server.stdout.readline().split()[1]))
        answer = poll(building, "lift2-io")
        assert (answer["result"], answer["exception"]) == (result, exception), answer
    finally:
        server.kill()
        said = server.communicate()[0].splitlines()
    assert said[0].endswith(f" 1 {role}")
    assert {line.split()[1] for line in said if line.startswith("request")} <= {"1", "2", "3", "4"}


def test_the_running_gateway_says_why_a_secured_device_is_silent(secured, desk, waiting):
    shutil.move(secured.path("field"), secured.path("old"))
    field_keys(secured, "--role", "monitor")
    secured.start_gateway()
    silent = waiting.until(lambda: [d for d in secured.ask("status")["devices"] if d["id"] == "lift2-io" and d["state"] ==
                                    "silent"], "the refused device")
    assert silent[0]["why"] == "identity refused: the server's certificate is not trusted: our CA has not signed it"
    with open(secured.path("gateway.log"), encoding="utf-8", errors="replace") as log:
        assert 'device_silent device=lift2-io why="identity refused: the server\'s certificate' in log.read()
