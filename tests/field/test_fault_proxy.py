"""The fault proxy as a program: over TCP, a pty and UDP, before a server and on its own."""
import os
import pathlib
import re
import select
import signal
import socket
import subprocess
import sys
import threading

import pytest

BIN = pathlib.Path(os.environ["WY_BIN"])
READ = bytes.fromhex("0007000000060103000a0002")  # transaction 7, unit 1, registers 10 and 11


class Proxy:
    def __init__(self, *argv):
        self.process = subprocess.Popen([BIN / "fault-proxy", *map(str, argv)], stdout=subprocess.PIPE, text=True)
        self.seed = int(self.process.stdout.readline().split()[1])
        self.where = self.process.stdout.readline().split()[1]

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        out, _ = self.process.communicate(timeout=60)
        return {k: int(v) for k, v in re.findall(r"(\w+) (\d+)", out)}, self.process.returncode


@pytest.fixture
def proxy():
    proxies = []

    def start(*argv):
        proxies.append(Proxy(*argv))
        return proxies[-1]

    yield start
    for one in proxies:
        if one.process.poll() is None:
            one.process.kill()
            one.process.communicate()


def ask(port, request, seconds=20.0):
    """What comes until the peer is silent for so long."""
    with socket.create_connection(("127.0.0.1", int(port)), timeout=seconds) as s:
        s.sendall(request)
        try:
            return s.recv(300)
        except TimeoutError:
            return b""


def test_undisturbed_answers_pass(proxy):
    truth = proxy("--listen", "tcp:127.0.0.1:0", "--to", "truth")
    before = proxy("--listen", "tcp:127.0.0.1:0", "--to", f"tcp:127.0.0.1:{truth.where}", "--seed", 7)
    assert before.seed == 7
    answer = ask(before.where, READ)
    assert answer[:9] == bytes.fromhex("000700000007010304") and len(answer) == 13
    assert ask(before.where, READ) != answer  # each request has an answer of its own
    figures, code = before.stop()
    assert (figures["requests"], figures["answers"], figures["disturbed"], code) == (2, 2, 0, 0)


def test_dropped_answers_do_not_come_and_doubled_ones_come_twice(proxy):
    silent = proxy("--listen", "tcp:127.0.0.1:0", "--to", "truth", "--faults", "drop", "--rate", "1")
    assert ask(silent.where, READ, 1.0) == b""
    assert silent.stop()[0]["drop"] == 1
    twice = proxy("--listen", "tcp:127.0.0.1:0", "--to", "truth", "--faults", "duplicate", "--rate", "1")
    answer = ask(twice.where, READ)
    assert len(answer) == 26 and answer[:13] == answer[13:]


def test_a_write_is_counted_and_fails_the_run(proxy):
    truth = proxy("--listen", "tcp:127.0.0.1:0", "--to", "truth")
    answer = ask(truth.where, bytes.fromhex("0001000000060106000a0001"))
    assert answer[7:] == b"\x86\x01"
    figures, code = truth.stop()
    assert figures["writes"] == 1 and code == 1


def test_a_serial_line_is_a_pty(proxy, tmp_path):
    far = proxy("--listen", f"pty:{tmp_path / 'far'}", "--to", "truth")
    proxy("--listen", f"pty:{tmp_path / 'near'}", "--to", f"pty:{tmp_path / 'far'}")
    assert far.where.startswith("/dev/pts/")
    fd = os.open(tmp_path / "near", os.O_RDWR | os.O_NOCTTY)
    os.write(fd, bytes.fromhex("01030000000ac5cd"))
    answer = b""
    while len(answer) < 25 and select.select([fd], [], [], 20)[0]:
        answer += os.read(fd, 300)
    os.close(fd)
    assert answer[:3] == b"\x01\x03\x14" and len(answer) == 25


def test_datagrams_go_to_and_fro(proxy):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server, \
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        server.bind(("127.0.0.1", 0))
        server.settimeout(20)
        client.settimeout(20)

        def echo():
            data, peer = server.recvfrom(2000)
            server.sendto(data[::-1], peer)

        thread = threading.Thread(target=echo)
        thread.start()
        twice = proxy("--listen", "udp:127.0.0.1:0", "--to", f"udp:127.0.0.1:{server.getsockname()[1]}",
                      "--faults", "reorder,jitter", "--rate", "0")
        client.sendto(b"weiyu", ("127.0.0.1", int(twice.where)))
        assert client.recv(2000) == b"uyiew"
        thread.join()


def test_what_it_does_not_understand_it_says(tmp_path):
    for argv in ([], ["--listen", "tcp:127.0.0.1:0"], ["--listen", "tcp:1", "--to", "truth"],
                 ["--listen", "tcp:127.0.0.1:0", "--to", "truth", "--faults", "lightning"]):
        run = subprocess.run([BIN / "fault-proxy", *argv], capture_output=True, text=True)
        assert run.returncode == 2 and "black_hole" in run.stderr


if __name__ == "__main__":
    sys.exit(pytest.main([__file__, "-q"]))
