"""bad_line.py: a network between a TCP client and a server, as bad as it is told: a thread, no TLS of its own.

  good                passes everything
  slow                delay_s each way
  deaf, mute          nothing passes to the client (deaf) or to the server (mute); connections stay
  dead                nothing passes either way and new connections are taken and never answered: half-open
  drip                byte by byte, with pauses, and small pieces
  reset, close        every connection ends at the next bytes, in the middle of them, by RST or FIN
  refused             nobody listens; connections that stand are reset

What was held back while the line was deaf, mute or dead is passed on when it is good again, as TCP would."""
import random
import selectors
import socket
import struct
import threading
import time

from stage import free_port

RESET = struct.pack("ii", 1, 0)  # SO_LINGER: an RST instead of a FIN


class Pipe:
    """One direction of a connection: bytes with the time at which they may go on."""

    def __init__(self, source, sink, is_up):
        self.source, self.sink, self.is_up = source, sink, is_up
        self.waiting = []  # [time, bytes]
        self.is_over = False


class BadLine:
    def __init__(self, server_port, seed, delay_s=0.2):
        self.server, self.delay_s = ("127.0.0.1", server_port), delay_s
        self.random = random.Random(seed)
        self.mode, self.pipes, self.is_running = "good", [], True
        self.n_connections = 0
        self.listener = None
        self.lock = threading.Lock()
        self.port = free_port()  # it must get the same one again after each "refused"
        self.listen(self.port)
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def listen(self, port):
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", port))
        listener.listen(64)
        listener.setblocking(False)
        self.listener = listener

    def become(self, mode):
        with self.lock:
            self.mode = mode
            if mode == "refused":
                self.end_all(True)
                if self.listener:
                    self.listener.close()
                self.listener = None
            elif not self.listener:
                self.listen(self.port)

    def stop(self):
        self.is_running = False
        self.thread.join(30)
        with self.lock:
            self.end_all(False)
            if self.listener:
                self.listener.close()

    # -- the thread

    def run(self):
        while self.is_running:
            with self.lock:
                wanted = [s for s in ([self.listener] if self.listener else []) + [p.source for p in self.pipes
                                                                                    if not p.is_over]]
            self.wait(wanted)
            with self.lock:
                self.accept()
                for pipe in list(self.pipes):
                    if pipe in self.pipes:
                        self.take(pipe)
                for pipe in list(self.pipes):
                    if pipe in self.pipes:
                        self.give(pipe)

    def wait(self, wanted):
        with selectors.DefaultSelector() as selector:
            for one in wanted:
                try:
                    selector.register(one, selectors.EVENT_READ)
                except (ValueError, KeyError, OSError):
                    pass
            is_waiting = any(p.waiting for p in self.pipes)
            selector.select(0.005 if is_waiting else 0.05)

    def accept(self):
        if not self.listener:
            return
        try:
            near, _ = self.listener.accept()
        except OSError:
            return
        far = socket.socket()
        try:
            far.connect(self.server)
        except OSError:
            near.close()
            return
        self.n_connections += 1
        for one in (near, far):
            one.setblocking(False)
            one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.pipes += [Pipe(near, far, True), Pipe(far, near, False)]

    def take(self, pipe):
        if pipe.is_over:
            return
        try:
            data = pipe.source.recv(65536)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            pipe.is_over = True
            pipe.waiting.append([time.monotonic(), b""])
            return
        if self.mode in ("reset", "close"):
            self.break_in(pipe, data)
            return
        now = time.monotonic() + (self.delay_s if self.mode == "slow" else 0)
        if self.mode != "drip":
            pipe.waiting.append([now, data])
            return
        while data:
            n = self.random.randint(1, 7)
            now += self.random.uniform(0, 0.002)
            pipe.waiting.append([now, data[:n]])
            data = data[n:]

    def break_in(self, pipe, data):
        """Some of it still arrives."""
        try:
            pipe.sink.send(data[:self.random.randrange(len(data))])
        except OSError:
            pass
        self.end(pipe, self.mode == "reset")

    def holds(self, pipe):
        return self.mode == "dead" or self.mode == ("mute" if pipe.is_up else "deaf")

    def give(self, pipe):
        while pipe.waiting and pipe.waiting[0][0] <= time.monotonic() and not self.holds(pipe):
            data = pipe.waiting[0][1]
            if not data:
                self.end(pipe, False)
                return
            try:
                n = pipe.sink.send(data)
            except BlockingIOError:
                return
            except OSError:
                self.end(pipe, True)
                return
            pipe.waiting[0][1] = data[n:]
            if n == len(data):
                pipe.waiting.pop(0)

    def end(self, pipe, is_hard):
        pair = [p for p in self.pipes if {p.source, p.sink} == {pipe.source, pipe.sink}]
        self.pipes = [p for p in self.pipes if p not in pair]
        for one in (pipe.source, pipe.sink):
            if is_hard:
                one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            one.close()

    def end_all(self, is_hard):
        while self.pipes:
            self.end(self.pipes[0], is_hard)
