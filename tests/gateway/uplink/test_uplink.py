"""The uplink against a real mosquitto: fates, reconnects, and every way TLS must refuse."""
import contextlib
import pathlib
import shutil
import socket
import ssl
import subprocess
import threading
import time

import pytest

from broker import DOWN, GATEWAY, SOURCE, UP, Broker, Probe, Sink, free_port, until


@pytest.fixture(scope="module")
def pki(tmp_path_factory):
    path = tmp_path_factory.mktemp("pki") / "pki"
    subprocess.run([SOURCE / "deploy/pki.sh", "--bad", path, GATEWAY, "gw-test-02", "sink"], check=True)
    return path


@pytest.fixture
def broker(pki, tmp_path):
    (tmp_path / "pki").symlink_to(pki)
    broker = Broker(tmp_path)
    yield broker
    broker.stop()


@pytest.fixture
def make(pki, broker):
    """Things to be closed when the test is over."""
    with contextlib.ExitStack() as stack:
        class Make:
            @staticmethod
            def probe(**options):
                probe = Probe(pki, options.pop("port", broker.port), **options)
                stack.callback(probe.kill)
                return probe

            @staticmethod
            def sink(topic="weiyu/v1/up/#"):
                sink = Sink(pki, broker.port, topic)
                stack.callback(sink.close)
                return sink  # when its subscription stands is found out by hears()
        yield Make


def hears(sink, probe):
    """Publishes until the sink is known to be subscribed."""
    for token in range(900000, 900200):
        probe.tell(f"pub {token} 1 {UP}/reply ready")
        if probe.expect("sent", token=token)["fate"] == "TAKEN":
            sink.hear("ready")
            return
        time.sleep(0.05)
    raise AssertionError("the sink never subscribed")


# ---- ordinary life ----

def test_publish_is_taken_and_arrives_with_its_properties(broker, make):
    broker.start()
    probe, sink = make.probe(), make.sink()
    assert probe.expect("up")["protocol"] == 5
    hears(sink, probe)
    probe.tell(f"pub 1 1 {UP}/ticket door stands open")
    assert probe.expect("sent", token=1)["reason"] == 0
    line = sink.hear("door stands open")
    assert "ce_type:probe" in line
    assert all(e["loop"] for e in probe.events if "loop" in e)
    probe.close()


def test_window_is_the_receive_maximum_of_the_broker(broker, make):
    broker.edit("max_inflight_messages 200", "max_inflight_messages 20")
    broker.start()
    up = make.probe().expect("up")
    assert (up["receive_maximum"], up["window"]) == (20, 20)


def test_publish_with_nobody_subscribed_is_not_taken(broker, make):
    broker.start()
    probe = make.probe()
    probe.expect("up")
    probe.tell(f"pub 1 1 {UP}/ticket x")
    assert probe.expect("sent", token=1)["fate"] == "NO_SUBSCRIBER"
    assert probe.events[-1]["reason"] == 16


def test_publish_in_the_name_of_another_gateway_is_refused(broker, make):
    broker.start()
    probe, sink = make.probe(), make.sink()
    probe.expect("up")
    hears(sink, probe)
    for token, topic in enumerate(["weiyu/v1/up/3f/gw-test-02/ticket", DOWN + "/receipt",
                                   "weiyu/v1/host/desk/state", "weiyu/v1/up/3f/x/gw-test-01/ticket"]):
        probe.tell(f"pub {token} 1 {topic} forged")
        record = probe.expect("sent", token=token)
        assert (record["fate"], record["reason"]) == ("REFUSED", 135)
    probe.tell(f"pub 99 1 {UP}/ticket honest")
    assert probe.expect("sent", token=99)["fate"] == "TAKEN"
    sink.hear("honest")
    assert not [line for line in sink.lines.seen if "forged" in line]


def test_message_from_above_reaches_the_handler_in_the_loop_thread(broker, make):
    broker.start()
    probe, sink = make.probe(topics=(DOWN + "/receipt", DOWN + "/cmd", "weiyu/v1/host/+/state")), make.sink()
    probe.expect("up")
    hears(sink, probe)
    sink.say(DOWN + "/receipt", "through 17")
    record = probe.expect("message")
    assert (record["topic"], record["text"], record["loop"]) == (DOWN + "/receipt", "through 17", True)
    sink.say("weiyu/v1/host/desk/state", "online")
    assert probe.expect("message")["text"] == "online"


def test_message_for_another_gateway_is_not_heard(broker, make):
    broker.start()
    probe, sink = make.probe(topics=("weiyu/v1/down/#",)), make.sink()
    probe.expect("up")
    hears(sink, probe)
    sink.say("weiyu/v1/down/gw-test-02/cmd", "not yours")
    sink.say(DOWN + "/cmd", "yours")
    assert probe.expect("message")["text"] == "yours"


def test_message_too_large_is_dropped_and_the_next_one_comes(broker, make):
    broker.start()
    probe, sink = make.probe(), make.sink()
    probe.expect("up")
    hears(sink, probe)
    sink.say(DOWN + "/receipt", "y" * 65537)
    sink.say(DOWN + "/receipt", "small")
    assert probe.expect("message")["text"] == "small"


def test_large_payload_is_taken_whole_and_a_larger_one_never_leaves(broker, make):
    broker.start()
    probe, sink = make.probe(), make.sink()
    probe.expect("up")
    hears(sink, probe)
    probe.tell(f"big 5 {UP}/inv 65536")
    assert probe.expect("sent", token=5)["fate"] == "TAKEN"
    assert len(sink.hear("x" * 65536)) > 65536
    probe.tell(f"big 6 {UP}/inv 65537")
    assert probe.expect("publish", token=6)["err"] != "ok"
    probe.tell(f"pub 7 1 {UP}/inv after")
    assert probe.expect("sent", token=7)["fate"] == "TAKEN"


def test_packet_beyond_what_the_broker_takes_never_leaves(broker, make):
    broker.edit("max_packet_size 131072", "max_packet_size 2000").start()
    probe = make.probe()
    assert probe.expect("up")["packet_max"] == 2000
    probe.tell(f"big 1 {UP}/inv 2000")
    assert probe.expect("publish", token=1)["err"] != "ok"
    probe.tell(f"big 2 {UP}/inv 1800")
    assert probe.expect("sent", token=2)["fate"] == "NO_SUBSCRIBER"
    assert not probe.of("down")


def test_five_hundred_messages_arrive_once_in_order(broker, make):
    broker.start()
    probe, sink = make.probe(), make.sink()
    probe.expect("up")
    hears(sink, probe)
    sent = 0
    for token in range(500):
        while True:
            probe.tell(f"pub {token} 1 {UP}/ticket n{token:04}.")
            if probe.expect("publish", token=token)["err"] == "ok":
                break
            probe.expect("sent")
    while len([e for e in probe.of("sent") if e["token"] < 500]) < 500:
        probe.expect("sent")
    fates = {e["token"]: e["fate"] for e in probe.of("sent") if e["token"] < 500}
    assert list(fates) == list(range(500)) and set(fates.values()) == {"TAKEN"}
    sink.hear("n0499.")
    assert [line.split()[-1] for line in sink.lines.seen if " n0" in line] == [f"n{i:04}." for i in range(500)]


# ---- ends ----

def test_will_speaks_when_the_process_is_killed(broker, make):
    broker.start()
    probe, sink = make.probe(), make.sink()
    probe.expect("up")
    hears(sink, probe)
    probe.kill()
    sink.hear("dead 1")


def test_close_publishes_the_last_message_and_no_will(broker, make):
    broker.start()
    probe, sink = make.probe(), make.sink()
    probe.expect("up")
    hears(sink, probe)
    probe.close(f"close 5000 {UP}/state going down in order")
    sink.hear("going down in order")
    late = make.sink(UP + "/state")
    assert " 1 " in late.hear("going down in order")  # retained
    time.sleep(1)
    assert not [line for line in sink.lines.seen if "dead" in line]


def test_close_of_a_frozen_broker_ends_in_time_with_every_fate_told(broker, make):
    broker.start()
    probe = make.probe()
    probe.expect("up")
    broker.freeze()
    probe.tell(f"pub 1 1 {UP}/ticket x")
    probe.expect("publish", token=1)
    record = probe.close(f"close 1000 {UP}/state bye")
    assert record["took_ms"] < 15000
    assert [e["fate"] for e in probe.of("sent")] == ["LOST"]


# ---- reconnecting ----

def test_broker_comes_back_and_the_uplink_with_it_with_a_new_will(broker, make):
    broker.start()
    probe = make.probe()
    probe.expect("up")
    broker.stop()
    assert probe.expect("down")["cause"] == "LOST"
    assert probe.expect("down")["cause"] == "UNREACHABLE"
    probe.tell(f"pub 1 1 {UP}/ticket x")
    assert probe.expect("publish", token=1)["err"] == "no connection"
    broker.start()
    probe.expect("up")
    sink = make.sink()
    hears(sink, probe)
    probe.tell("counts")
    attempts = probe.expect("counts")["attempts"]
    probe.kill()
    sink.hear(f"dead {attempts}")


def test_session_is_kept_and_what_was_said_meanwhile_is_heard(broker, make):
    broker.start()
    probe, sink = make.probe(), make.sink()
    probe.expect("up")
    hears(sink, probe)
    probe.kill()
    sink.hear("dead 1")
    sink.say(DOWN + "/receipt", "while you were away")
    probe = make.probe()
    probe.expect("message", text="while you were away")
    assert [e["present"] for e in probe.of("up")] in ([True], [])


def test_frozen_broker_is_given_up_and_each_token_is_lost_once(broker, make):
    broker.start()
    probe, sink = make.probe(keepalive_ms=1000), make.sink()
    probe.expect("up")
    hears(sink, probe)
    broker.freeze()
    for token in range(1, 16):
        probe.tell(f"pub {token} 1 {UP}/ticket m{token}.")
        assert probe.expect("publish", token=token)["err"] == "ok"
    began = time.monotonic()
    assert probe.expect("down")["cause"] in ("STALLED", "LOST")
    assert time.monotonic() - began < 25
    assert sorted(e["token"] for e in probe.of("sent") if e["token"] < 100) == list(range(1, 16))
    assert {e["fate"] for e in probe.of("sent") if e["token"] < 100} == {"LOST"}
    broker.thaw()
    probe.expect("up")
    hears(sink, probe)
    probe.collect(2)
    assert len([e for e in probe.of("sent") if e["token"] < 100]) == 15


def test_frozen_broker_is_noticed_without_traffic(broker, make):
    broker.start()
    probe = make.probe(keepalive_ms=1000)
    probe.expect("up")
    broker.freeze()
    assert probe.expect("down")["cause"] in ("STALLED", "LOST")
    broker.thaw()
    probe.expect("up")


def test_reason_of_the_broker_for_ending_a_session_is_said(pki, make):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pki / "server.crt", pki / "server.key")

    def take_over(connection):
        with context.wrap_socket(connection, server_side=True) as tls:
            read_packet(tls)
            tls.sendall(b"\x20\x03\x00\x00\x00")
            _, subscribe = read_packet(tls)
            tls.sendall(b"\x90\x04" + subscribe[:2] + b"\x00\x01")
            tls.sendall(b"\xe0\x02\x8e\x00")  # DISCONNECT, session taken over
            tls.recv(100)
    with listening(take_over) as port:
        record = make.probe(port=port).expect("down")
    assert record["cause"] == "TAKEN_OVER" and "142" in record["words"]


def test_broker_that_pings_and_acknowledges_nothing_is_given_up(pki, make):
    """Keepalive is content with such a broker for ever; only the watchdog on progress is not."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pki / "server.crt", pki / "server.key")
    pings = []

    def deaf(connection):
        with context.wrap_socket(connection, server_side=True) as tls:
            read_packet(tls)
            tls.sendall(b"\x20\x03\x00\x00\x00")
            _, subscribe = read_packet(tls)
            tls.sendall(b"\x90\x04" + subscribe[:2] + b"\x00\x01")
            while True:
                kind, _ = read_packet(tls)
                if kind == 12:
                    pings.append(kind)
                    tls.sendall(b"\xd0\x00")
                elif kind in (None, 14):
                    return
    with listening(deaf) as port:
        probe = make.probe(port=port, keepalive_ms=2000)
        probe.expect("up")
        for token in (1, 2, 3):
            probe.tell(f"pub {token} 1 {UP}/ticket x")
        record = probe.expect("down")
        assert record["cause"] == "STALLED" and pings
        assert sorted(e["token"] for e in probe.of("sent")) == [1, 2, 3]
        probe.expect("up")
        assert len(probe.of("sent")) == 3


def test_refused_subscription_is_said_and_no_session(pki, make):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pki / "server.crt", pki / "server.key")

    def refuse_second(connection):
        with context.wrap_socket(connection, server_side=True) as tls:
            read_packet(tls)
            tls.sendall(b"\x20\x03\x00\x00\x00")
            _, subscribe = read_packet(tls)
            tls.sendall(b"\x90\x05" + subscribe[:2] + b"\x00\x01\x87")
            tls.recv(100)
    with listening(refuse_second) as port:
        probe = make.probe(port=port, topics=(DOWN + "/receipt", DOWN + "/cmd"))
        record = probe.expect("down")
    assert record["cause"] == "REFUSED"
    assert f"'{DOWN}/cmd'" in record["words"] and "135" in record["words"]
    assert not probe.of("up")


def test_twenty_reconnects_leave_no_descriptor_and_no_thread_behind(broker, make):
    broker.start()
    probe = make.probe(retry_most_ms=60)
    probe.expect("up")
    fds = threads = None
    for i in range(20):
        broker.stop()
        probe.expect("down", cause="LOST")
        broker.start()
        probe.expect("up")
        if i == 2:
            fds, threads = probe.fd_count(), probe.thread_count()
    until(lambda: probe.fd_count() <= fds, "descriptors to be closed")
    until(lambda: probe.thread_count() <= threads, "threads to be ended")
    probe.close()  # and the leak checker of the sanitizer build has looked at the memory


def test_fifty_refused_attempts_leave_nothing_behind(pki, make):
    probe = make.probe(port=free_port(), retry_most_ms=50)
    for i in range(50):
        probe.expect("down", cause="UNREACHABLE")
        if i == 10:
            fds, threads = probe.fd_count(), probe.thread_count()
    until(lambda: probe.fd_count() <= fds, "descriptors to be closed")
    until(lambda: probe.thread_count() <= threads, "threads to be ended")
    probe.close()


# ---- refusals of TLS ----

@pytest.mark.parametrize("certificate, words", [
    ("bad/expired", "server certificate: expired on 2021-01-01"),
    ("bad/early", "server certificate: not valid before 2090-01-01"),
    ("bad/wrong-name", "host name 'localhost' does not match; it is for broker.example, 192.0.2.1"),
    ("bad/other-ca", "server certificate: unknown CA"),
    ("bad/wrong-use", "server certificate: unsuitable certificate purpose"),
])
def test_bad_server_certificate_is_no_connection_and_said(broker, make, certificate, words):
    broker.show(certificate).start()
    probe = make.probe()
    for _ in range(3):
        record = probe.expect("down")
        assert record["cause"] == "TLS" and words in record["words"]
    assert not probe.of("up")


# A bound that lies ahead of the machine's clock: then the clock is wrong beyond doubt, as one of 1970 is.
@pytest.mark.parametrize("certificate, days, words", [
    ("server", 10, None),
    ("server", 40, "expired on"),
    ("bad/soon", 0, "not valid before"),
    ("bad/soon", -1, "not valid before"),
    ("bad/soon", 5, None),
    ("bad/soon", 25, "expired on"),
    ("bad/early", 5, "not valid before 2090-01-01"),  # the CA is over by then
    ("bad/expired", 5, "expired on 2021-01-01"),
    ("bad/wrong-name", 5, "does not match"),
    ("bad/other-ca", 5, "unknown CA"),
    ("bad/wrong-use", 5, "unsuitable certificate purpose"),
])
def test_without_a_clock_dates_are_judged_at_the_bound(broker, make, certificate, days, words):
    broker.show(certificate).start()
    probe = make.probe(judge_from_ms=int((time.time() + days * 86400) * 1000) if days else 0)
    if words is None:
        probe.expect("up")
        return
    record = probe.expect("down")
    assert record["cause"] == "TLS" and words in record["words"], record
    if "expired" in words or "before" in words:
        assert ("judged at 20" in record["words"]) == (days > 0)
        assert "timedatectl" in record["words"]
    assert not probe.of("up")


def test_address_the_certificate_does_not_carry_is_no_connection_and_said(pki, make):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pki / "server.crt", pki / "server.key")
    with listening(lambda s: handshake_only(context, s), "127.0.0.2") as port:
        record = make.probe(host="127.0.0.2", port=port).expect("down")
    assert record["cause"] == "TLS"
    assert "host name '127.0.0.2' does not match; it is for localhost, 127.0.0.1" in record["words"]


def test_address_of_the_certificate_is_as_good_as_its_name(broker, make):
    broker.start()
    make.probe(host="127.0.0.1").expect("up")


def test_unknown_ca_of_ours_is_no_connection_and_said(pki, broker, make):
    broker.start()
    record = make.probe(ca=pki / "bad/ca.crt").expect("down")
    assert record["cause"] == "TLS" and "unknown CA" in record["words"]


def test_self_signed_server_is_no_connection_and_said(pki, broker, make, tmp_path):
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                    "-keyout", tmp_path / "self.key", "-out", tmp_path / "self.crt", "-days", "2", "-subj", "/CN=localhost",
                    "-addext", "subjectAltName=DNS:localhost"], check=True, capture_output=True)
    broker.edit("/pki/server.", "/self.").start()
    record = make.probe().expect("down")
    assert record["cause"] == "TLS" and "unknown CA" in record["words"] and "self-signed" in record["words"]


def test_client_certificate_of_another_ca_is_refused_and_said(pki, broker, make):
    broker.start()
    probe = make.probe(identity=pki / "bad/gw-stranger", client_id="gw-stranger")
    record = probe.expect("down")
    assert "our certificate" in record["words"]  # its alert may be overtaken by the reset that follows
    for _ in range(4):
        probe.expect("down")
    assert not probe.of("up")


def test_server_with_old_tls_only_is_refused(pki, make):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pki / "server.crt", pki / "server.key")
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
    with listening(lambda s: handshake_only(context, s)) as port:
        record = make.probe(port=port).expect("down")
    assert record["cause"] == "TLS"
    assert "protocol" in record["words"] or "handshake failure" in record["words"]
    assert "our certificate" not in record["words"]


def test_plain_server_is_not_taken_for_tls(make):
    with listening(lambda s: s.sendall(b"\x20\x03\x00\x00\x00" * 20)) as port:
        probe = make.probe(port=port)
        record = probe.expect("down")
        assert record["cause"] == "TLS"
        assert not probe.of("up")


def test_missing_and_unfit_files_are_named_and_tried_again(pki, broker, make, tmp_path):
    broker.start()
    mine = tmp_path / "mine"
    probe = make.probe(identity=mine)
    assert f"'{mine}.crt'" in probe.expect("down", cause="LOCAL")["words"]
    shutil.copy(pki / f"{GATEWAY}.crt", f"{mine}.crt")
    shutil.copy(pki / "gw-test-02.key", f"{mine}.key")
    until(lambda: "mismatch" in probe.expect("down", cause="LOCAL")["words"], "the key to be found unfit")
    pathlib.Path(f"{mine}.key").chmod(0o604)
    until(lambda: "chmod" in probe.expect("down", cause="LOCAL")["words"], "the mode to be found wrong")
    shutil.copy(pki / f"{GATEWAY}.key", f"{mine}.key")
    pathlib.Path(f"{mine}.key").chmod(0o600)
    probe.expect("up")


# ---- brokers that are not mosquitto ----

def handshake_only(context, connection):
    with contextlib.suppress(OSError), context.wrap_socket(connection, server_side=True) as tls:
        tls.recv(1)


@contextlib.contextmanager
def listening(serve, address="127.0.0.1"):
    """A server whose `serve(socket)` runs once per connection, one after the other."""
    server = socket.create_server((address, 0))

    def run():
        while True:
            try:
                connection, _ = server.accept()
            except OSError:
                return
            with contextlib.suppress(OSError), connection:
                serve(connection)
    threading.Thread(target=run, daemon=True).start()
    try:
        yield server.getsockname()[1]
    finally:
        server.shutdown(socket.SHUT_RDWR)
        server.close()


def read_packet(tls):
    head = tls.recv(2)
    if len(head) < 2:
        return None, b""
    length, shift = head[1] & 127, 7
    while head[-1] & 128:
        head += tls.recv(1)
        length |= (head[-1] & 127) << shift
        shift += 7
    body = b""
    while len(body) < length:
        body += tls.recv(length - len(body))
    return head[0] >> 4, body


class OldBroker:
    """Speaks MQTT 3.1.1 only. `answer` is what a CONNECT of version 5 gets."""

    def __init__(self, pki, answer):
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(pki / "server.crt", pki / "server.key")
        self.answer, self.versions = answer, []

    def serve(self, connection):
        with self.context.wrap_socket(connection, server_side=True) as tls:
            _, connect = read_packet(tls)
            self.versions.append(connect[6])
            if connect[6] == 5:
                tls.sendall(self.answer)
                return
            tls.sendall(b"\x20\x02\x00\x00")
            while True:
                kind, body = read_packet(tls)
                if kind == 8:  # SUBSCRIBE, one topic
                    tls.sendall(b"\x90\x03" + body[:2] + b"\x01")
                elif kind == 3:  # PUBLISH QoS 1
                    at = 2 + int.from_bytes(body[:2], "big")
                    tls.sendall(b"\x40\x02" + body[at:at + 2])
                elif kind == 12:
                    tls.sendall(b"\xd0\x00")
                elif kind in (None, 14):
                    return


@pytest.mark.parametrize("answer", [b"\x20\x03\x00\x84\x00", b"\x20\x02\x00\x01", b""],
                         ids=["code 0x84", "3.1.1 code 1", "hangs up"])
def test_broker_of_3_1_1_is_found_out_and_used(pki, make, answer):
    old = OldBroker(pki, answer)
    with listening(old.serve) as port:
        probe = make.probe(port=port)
        assert probe.expect("up")["protocol"] == 4
        assert old.versions[0] == 5 and old.versions[-1] == 4
        probe.tell(f"pub 1 1 {UP}/ticket x")
        assert probe.expect("sent", token=1)["fate"] == "TAKEN"
        probe.close(f"close 3000 {UP}/state bye")


def test_broker_that_spoke_5_is_not_stepped_down_for_hanging_up(pki, broker, make):
    """A broker in trouble must not push the gateway into a protocol that hides denials."""
    broker.start()
    probe = make.probe(retry_most_ms=100)
    probe.expect("up")
    broker.stop()
    probe.expect("down")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pki / "server.crt", pki / "server.key")
    versions = []

    def hang_up(connection):
        with context.wrap_socket(connection, server_side=True) as tls:
            _, connect = read_packet(tls)
            versions.append(connect[6])
    server = socket.create_server(("127.0.0.1", broker.port))

    def run():
        with contextlib.suppress(OSError):
            while True:
                connection, _ = server.accept()
                with contextlib.suppress(OSError):
                    hang_up(connection)
    threading.Thread(target=run, daemon=True).start()
    until(lambda: len(versions) >= 6, "six attempts")
    server.shutdown(socket.SHUT_RDWR)
    server.close()
    assert set(versions) == {5}


def test_broker_that_accepts_and_never_answers_is_given_up(pki, make):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pki / "server.crt", pki / "server.key")
    over = threading.Event()
    with listening(lambda s: over.wait(60)) as port:
        record = make.probe(port=port).expect("down", patience_s=60)
        over.set()
    assert record["cause"] == "UNREACHABLE"


# ---- what is refused without a network ----

def test_pki_is_made_once_and_its_keys_are_private(pki):
    before = {p: p.read_bytes() for p in pki.rglob("*.crt")}
    subprocess.run([SOURCE / "deploy/pki.sh", "--bad", pki, GATEWAY, "gw-test-02", "sink"], check=True)
    assert {p: p.read_bytes() for p in pki.rglob("*.crt")} == before
    assert {p.stat().st_mode & 0o777 for p in pki.rglob("*.key")} == {0o600}
    assert not list(pki.rglob(".work*"))


@pytest.mark.parametrize("name", ["UPPER", "a b", "server", "ca", "x" * 33, "a/b", "a+b"])
def test_pki_refuses_a_name_that_is_no_identity(tmp_path, name):
    done = subprocess.run([SOURCE / "deploy/pki.sh", tmp_path / "p", name], capture_output=True, text=True)
    assert done.returncode == 2 and name in done.stderr
    assert not (tmp_path / "p").exists()
