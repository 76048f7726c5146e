"""Modbus/TCP Security: our client against servers that go by roles, that are strangers, or that are not secured at all.

The server is OpenSSL (mbaps_server), socat and pymodbus; the client is mbedTLS (mbaps_peek, a loop around the session).
The keys are made here (mbaps_keys, deploy/pki.sh) and go with the folder."""
import json
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import threading
import time

import pytest

BIN = pathlib.Path(os.environ["WY_BIN"])
SOURCE = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(SOURCE / "deploy/demo"))

from stage import free_port  # noqa: E402


def fake_value(address, request):
    """As tests/sensors/fake_slave.c: which register, and which request it answered."""
    return (((request * 2654435761 & 0xFFFFFFFF) >> 16) + address * 31) & 0xFFFF


def expected(reads):
    return [[fake_value(100 + i, k) for i in range(10)] for k in range(1, reads + 1)]


def until(what, condition, seconds=30):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = condition()
        if found:
            return found
        time.sleep(0.02)
    raise AssertionError(f"{what} did not happen in {seconds} s")


@pytest.fixture(scope="module")
def keys(tmp_path_factory):
    folder = tmp_path_factory.mktemp("keys")
    subprocess.run([BIN / "mbaps_keys", folder], check=True)
    yield folder
    shutil.rmtree(folder)


class Server:
    """mbaps_server, and what it says."""

    def __init__(self, folder, name, *switches):
        self.lines = []
        self.process = subprocess.Popen([BIN / "mbaps_server", folder, name, *map(str, switches)],
                                        stdout=subprocess.PIPE, text=True)
        self.port = int(self.process.stdout.readline().split()[1])
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        for line in self.process.stdout:
            self.lines.append(line.rstrip("\n"))

    def said(self, start):
        return until(start, lambda: [line for line in self.lines if line.startswith(start)])

    def stop(self):
        self.process.kill()
        self.process.wait()


@pytest.fixture
def serve(keys):
    servers = []

    def start(name="server", *switches):
        servers.append(Server(keys, name, *switches))
        return servers[-1]

    yield start
    for server in servers:
        server.stop()


def peek(folder, port, client="monitor", name="localhost", reads=1):
    done = subprocess.run([BIN / "mbaps_peek", folder, client, str(port), name, str(reads)], capture_output=True,
                          text=True, timeout=100)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_the_right_certificate_reads_values(keys, serve):
    server = serve()
    got = peek(keys, server.port, reads=5)
    assert (got["handshake"], got["end"], got["why"], got["role"]) == ("ok", "", "", "monitor")
    assert got["answers"] == expected(5)
    assert server.said("client") == ["client ECDHE-ECDSA-AES128-GCM-SHA256 1 monitor"]


@pytest.mark.parametrize("server,client,name,cipher", [
    ("server-rsa", "monitor", "localhost", "ECDHE-RSA-AES128-GCM-SHA256"),
    ("server", "monitor-rsa", "localhost", "ECDHE-ECDSA-AES128-GCM-SHA256"),
    ("server", "monitor", "127.0.0.1", "ECDHE-ECDSA-AES128-GCM-SHA256"),
    ("server", "monitor-critical", "localhost", "ECDHE-ECDSA-AES128-GCM-SHA256"),
    ("server-role", "monitor", "localhost", "ECDHE-ECDSA-AES128-GCM-SHA256"),
])
def test_keys_and_names_of_all_kinds_are_taken(keys, serve, server, client, name, cipher):
    server = serve(server)
    assert peek(keys, server.port, client, name)["answers"] == expected(1)
    assert server.said("client")[0].split()[1] == cipher


def test_answers_in_records_of_a_byte_are_put_together(keys, serve):
    assert peek(keys, serve("server", "--split").port, reads=3)["answers"] == expected(3)


@pytest.mark.parametrize("server,switches,name,why", [
    ("server-stranger", [], "localhost", "the server's certificate is not trusted: our CA has not signed it"),
    ("server-weak", [], "localhost", "the server's certificate is not trusted: too weak a key or hash"),
    ("server-expired", [], "localhost", "the server's certificate has expired"),
    ("server-early", [], "localhost", "the server's certificate is not valid yet, or this machine's clock is behind"),
    ("server-use", [], "localhost", "the server's certificate is not meant for servers"),
    ("server-other", [], "localhost", "the name does not fit: the server's certificate is for another one"),
    ("server", [], "pump.example", "the name does not fit: the server's certificate is for another one"),
    ("server", [], "192.0.2.7", "the name does not fit: the server's certificate is for another one"),
    ("server-role-critical", [], "localhost",
     "the server's certificate cannot be read, or marks as critical what TLS does not know"),
    ("server", ["--tls", "1.1"], "localhost", "too old a TLS: the server has less than 1.2"),
    ("server", ["--tls", "1.3"], "localhost", "the server refused us: it does not speak TLS 1.2"),
])
def test_a_server_we_cannot_trust_is_refused_in_words(keys, serve, server, switches, name, why):
    server = serve(server, *switches)
    got = peek(keys, server.port, name=name)
    assert (got["handshake"], got["why"], got["answers"]) == ("identity refused", why, [])
    assert server.said("refused")
    assert not [line for line in server.lines if line.startswith("request")]


@pytest.mark.parametrize("client,codes,why", [
    ("client-stranger", [], "the server refused us: unknown CA"),
    ("client-expired", ["W843"], "the server refused us: certificate expired"),
    ("client-use", ["W846"], "the server refused us: unsupported certificate"),
])
def test_a_server_that_does_not_trust_us_says_why(keys, serve, client, codes, why):
    for _ in range(5):  # whether the refusal comes before or after our last flight
        got = peek(keys, serve().port, client)
        assert (got["codes"], got["handshake"], got["why"]) == (codes, "identity refused", why)


@pytest.mark.parametrize("client,codes", [("meter-reader", []), ("no-role", ["W844"]), ("printable-role", ["W844"])])
def test_another_role_or_none_gets_exception_1(keys, serve, client, codes):
    got = peek(keys, serve().port, client, reads=2)
    assert (got["codes"], got["handshake"]) == (codes, "ok")
    assert got["answers"] == [{"exception": 1}, {"exception": 1}]


@pytest.mark.parametrize("client", ["no-role", "two-roles"])
def test_a_strict_server_drops_no_role_and_two(keys, serve, client):
    server = serve("server", "--strict")
    got = peek(keys, server.port, client)
    assert got["codes"] == ["W844"]
    assert (got["end"], got["answers"]) == ("closed", [])
    assert got["why"] == "the server ended the connection before it answered anything: it may not accept our role"
    assert peek(keys, server.port)["answers"] == expected(1)


def test_a_connection_dropped_later_is_just_that(keys, serve):
    got = peek(keys, serve("server", "--drop", 2).port, reads=5)
    assert (got["answers"], got["end"], got["why"]) == (expected(2), "closed", "the server ended the connection")


def test_nothing_is_renegotiated(keys, serve):
    server = serve("server", "--renegotiate", 2)
    got = peek(keys, server.port, reads=5)
    assert got["answers"] == expected(len(got["answers"]))
    assert len(server.said("client")) == 1
    assert got["end"] in ("broken", "closed")  # OpenSSL ends what will not renegotiate


class Plain(threading.Thread):
    """A server without TLS: keeps what it hears, and answers as told."""

    def __init__(self, answer, closes=True):
        super().__init__(daemon=True)
        self.answer, self.closes, self.heard = answer, closes, b""
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.start()

    def run(self):
        peer, _ = self.listener.accept()
        self.heard += peer.recv(4096)
        peer.sendall(self.answer)
        if self.closes:
            peer.shutdown(socket.SHUT_WR)
        peer.settimeout(60)
        try:
            while more := peer.recv(4096):
                self.heard += more
        except OSError:
            pass
        peer.close()


def records(data):
    while data:
        assert len(data) >= 5
        length = int.from_bytes(data[3:5], "big")
        yield data[0], data[5:5 + length]
        data = data[5 + length:]


@pytest.mark.parametrize("answer,handshake,why", [
    (bytes.fromhex("000100000003018301"), "identity refused", "the server does not speak TLS"),
    (bytes.fromhex("000100000017010314") + bytes(20), "identity refused", "the server does not speak TLS"),
    (b"", "no connection", "the connection ended during the handshake"),
    (bytes.fromhex("160303007a0200007603"), "no connection", "the connection ended during the handshake"),
])
def test_a_plain_server_hears_no_modbus(keys, answer, handshake, why):
    server = Plain(answer)
    got = peek(keys, server.port)
    assert (got["handshake"], got["why"], got["answers"]) == (handshake, why, [])
    server.join(30)
    kinds = [kind for kind, _ in records(server.heard)]
    assert kinds[0] == 22 and set(kinds[1:]) <= {21}  # a hello, at most an alert


def test_socat_in_front_of_a_plain_server(keys):
    """The usual way to bring an old device behind TLS: here socat, its own OpenSSL, and a plain server behind it."""
    behind = socket.create_server(("127.0.0.1", 0))

    def answer():
        peer, _ = behind.accept()
        k = 0
        while request := peer.recv(12, socket.MSG_WAITALL):
            k += 1
            values = b"".join(fake_value(100 + i, k).to_bytes(2, "big") for i in range(10))
            peer.sendall(request[:4] + bytes((0, 23, 1, 3, 20)) + values)

    threading.Thread(target=answer, daemon=True).start()
    port = free_port()
    listener = subprocess.Popen(["socat", f"OPENSSL-LISTEN:{port},bind=127.0.0.1,reuseaddr,fork,verify=1,"
                                 f"cafile={keys}/ca.crt,cert={keys}/server.crt,key={keys}/server.key",
                                 f"TCP:127.0.0.1:{behind.getsockname()[1]}"], stderr=subprocess.DEVNULL)
    try:
        until("socat listening", lambda: listening(port))
        assert peek(keys, port, reads=3)["answers"] == expected(3)
        assert peek(keys, port, "client-stranger")["handshake"] == "identity refused"
    finally:
        listener.kill()
        listener.wait()


def listening(port):
    """Without a connection, which the peer would take for a client."""
    table = pathlib.Path("/proc/net/tcp").read_text().splitlines()[1:]
    return any(row.split()[1].endswith(f":{port:04X}") and row.split()[3] == "0A" for row in table)


PYMODBUS = r"""
import ssl, sys
from pymodbus.datastore import ModbusSequentialDataBlock, ModbusServerContext, ModbusSlaveContext
from pymodbus.server import StartTlsServer
from pymodbus.transaction import ModbusSocketFramer

folder, port = sys.argv[1], int(sys.argv[2])
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(f"{folder}/server.crt", f"{folder}/server.key")
context.load_verify_locations(f"{folder}/ca.crt")
context.verify_mode = ssl.CERT_REQUIRED
store = ModbusSlaveContext(hr=ModbusSequentialDataBlock(0, list(range(200))), zero_mode=True)
StartTlsServer(context=ModbusServerContext(slaves={1: store}, single=False), address=("127.0.0.1", port),
               sslctx=context, reqclicert=True, framer=ModbusSocketFramer)
"""


def test_pymodbus_serves_us(keys):
    port = free_port()
    server = subprocess.Popen(["/usr/bin/python3", "-c", PYMODBUS, str(keys), str(port)], stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL)
    try:
        until("pymodbus listening", lambda: listening(port))
        assert peek(keys, port, reads=3)["answers"] == [list(range(100, 110))] * 3
        assert peek(keys, port, "client-stranger")["answers"] == []  # it hangs up without a word
        assert peek(keys, port, name="pump.example")["handshake"] == "identity refused"
    finally:
        server.kill()
        server.wait()


def test_the_throw_away_pki_issues_what_servers_want(tmp_path):
    subprocess.run([SOURCE / "deploy/pki.sh", "--role", "monitor", tmp_path, "gw-modbus"], check=True)
    server = Server(tmp_path, "server")
    try:
        got = peek(tmp_path, server.port, "gw-modbus")
        assert (got["codes"], got["role"], got["answers"]) == ([], "monitor", expected(1))
    finally:
        server.stop()
    refused = subprocess.run([SOURCE / "deploy/pki.sh", "--role", "two words", tmp_path, "x"], capture_output=True)
    assert refused.returncode == 2 and not (tmp_path / "x.crt").exists()


def test_many_sessions_at_once(keys, serve):
    server = serve()
    done = subprocess.run([BIN / "mbaps_peek", keys, "monitor", str(server.port), "localhost", "1", "100"],
                          capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stdout + done.stderr
    assert json.loads(done.stdout)["sessions"] == 100


if __name__ == "__main__":
    sys.exit(pytest.main([__file__, "-q"]))
