"""A mosquitto of our own on a free loopback port, and an uplink_probe to drive. Used by test_uplink.py."""
import json
import os
import pathlib
import queue
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time

SOURCE = pathlib.Path(__file__).resolve().parents[3]
sys.path.insert(0, str(SOURCE / "deploy/demo"))

from stage import free_port  # noqa: E402

BIN = pathlib.Path(os.environ["WY_BIN"])
PATIENCE_S = 30
GATEWAY = "gw-test-01"
UP = f"weiyu/v1/up/3f/{GATEWAY}"
DOWN = f"weiyu/v1/down/{GATEWAY}"


def until(condition, what, patience_s=PATIENCE_S):
    end = time.monotonic() + patience_s
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(0.02)
    raise AssertionError(f"waited {patience_s} s for {what}")


class Broker:
    """Started with the shipped configuration; `certificate` swaps what the server shows."""

    def __init__(self, run, port=None):
        self.run, self.port, self.process = pathlib.Path(run), port or free_port(), None
        subprocess.run([SOURCE / "deploy/broker/render.sh", str(self.port), str(run)], check=True)
        self.conf = self.run / "mosquitto.conf"

    def edit(self, old, new):
        text = self.conf.read_text()
        assert old in text, old
        self.conf.write_text(text.replace(old, new))
        return self

    def show(self, certificate):
        return self.edit("/pki/server.", f"/pki/{certificate}.")

    def start(self):
        binary = shutil.which("mosquitto", path="/usr/sbin:" + os.environ["PATH"])
        assert binary, "mosquitto is missing (Debian package: mosquitto)"
        out = open(self.run / "mosquitto.out", "ab")
        self.process = subprocess.Popen([binary, "-c", self.conf], stdout=out, stderr=out)
        out.close()
        until(self.is_listening, "mosquitto to listen")
        return self

    def is_listening(self):
        assert self.process.poll() is None, (self.run / "mosquitto.out").read_text()
        with socket.socket() as s:
            return s.connect_ex(("127.0.0.1", self.port)) == 0

    def freeze(self):
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self):
        self.process.send_signal(signal.SIGCONT)

    def stop(self):
        if self.process:
            self.thaw()
            self.process.terminate()
            self.process.wait(PATIENCE_S)
            self.process = None


class Lines:
    """Lines of a process, read by a thread, so that waiting for one has an end."""

    def __init__(self, stream):
        self.queue, self.seen = queue.Queue(), []
        threading.Thread(target=self._pump, args=(stream,), daemon=True).start()

    def _pump(self, stream):
        for line in stream:
            self.queue.put(line.rstrip("\n"))
        self.queue.put(None)

    def next(self, patience_s):
        try:
            line = self.queue.get(timeout=patience_s)
        except queue.Empty:
            return None
        if line is not None:
            self.seen.append(line)
        return line


class Sink:
    """The platform: mosquitto_sub and mosquitto_pub as user sink."""

    def __init__(self, pki, port, topic):
        self.pki, self.port = pki, port
        self.process = subprocess.Popen(
            ["mosquitto_sub", *self.tls(), "-V", "mqttv5", "-q", "1", "-t", topic, "-F", "%t %r %P %p"],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.lines = Lines(self.process.stdout)

    def tls(self):
        return ["-h", "localhost", "-p", str(self.port), "--cafile", str(self.pki / "ca.crt"),
                "--cert", str(self.pki / "sink.crt"), "--key", str(self.pki / "sink.key")]

    def hear(self, text, patience_s=PATIENCE_S):
        end = time.monotonic() + patience_s
        while time.monotonic() < end:
            line = self.lines.next(0.1)
            if line and text in line:
                return line
        raise AssertionError(f"'{text}' did not arrive; heard {self.lines.seen}")

    def say(self, topic, text, *options):
        subprocess.run(["mosquitto_pub", *self.tls(), "-V", "mqttv5", "-q", "1", "-t", topic, "-m", text,
                        *options], check=True, timeout=PATIENCE_S)

    def close(self):
        self.process.kill()
        self.process.wait()


class Probe:
    def __init__(self, pki, port, host="localhost", identity=None, ca=None, keepalive_ms=20000,
                 retry_most_ms=300, topics=(DOWN + "/receipt",), client_id=GATEWAY, will=UP + "/state", judge_from_ms=0):
        identity = identity or pki / GATEWAY
        self.process = subprocess.Popen(
            [BIN / "uplink_probe", host, str(port), str(ca or pki / "ca.crt"), f"{identity}.crt",
             f"{identity}.key", client_id, will, str(keepalive_ms), str(retry_most_ms), *topics],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            env={**os.environ, "PROBE_JUDGE_FROM_MS": str(judge_from_ms)})
        self.lines, self.events = Lines(self.process.stdout), []

    def tell(self, command):
        self.process.stdin.write(command + "\n")
        self.process.stdin.flush()

    def expect(self, event, patience_s=PATIENCE_S, **fields):
        """The next event with these fields; others on the way are kept in events."""
        end = time.monotonic() + patience_s
        while time.monotonic() < end:
            line = self.lines.next(0.1)
            if line is None:
                continue
            record = json.loads(line)
            self.events.append(record)
            if record["event"] == event and all(record.get(k) == v for k, v in fields.items()):
                return record
        raise AssertionError(f"no {event} {fields} within {patience_s} s; saw {self.events[-10:]}")

    def collect(self, seconds):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            line = self.lines.next(0.1)
            if line:
                self.events.append(json.loads(line))

    def of(self, event):
        return [e for e in self.events if e["event"] == event]

    def fd_count(self):
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    def thread_count(self):
        return len(os.listdir(f"/proc/{self.process.pid}/task"))

    def kill(self):
        self.process.kill()
        self.process.wait()

    def close(self, command="close 3000"):
        self.tell(command)
        record = self.expect("closed")
        assert self.process.wait(PATIENCE_S) == 0  # also: no sanitizer had anything to say
        return record
