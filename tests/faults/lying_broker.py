"""lying_broker.py: a broker over TLS that acknowledges everything and then loses, doubles and disorders it, from a seed.

What a broker may do to a gateway in the worst case, in one place: each PUBLISH is acknowledged at once with reason 0 and
then, with the chance given, dropped, sent on twice, or held back behind up to `depth` others. MQTT 5, QoS 0 and 1, no
sessions, nothing retained, wills never sent: a subscriber that is away misses everything. Not a broker for anybody's use."""
import asyncio
import random
import ssl
import struct
import threading

CONNECT, CONNACK, PUBLISH, PUBACK, SUBSCRIBE, SUBACK, PINGREQ, PINGRESP, DISCONNECT = 1, 2, 3, 4, 8, 9, 12, 13, 14
SETTLE_S = 0.05  # what is held back goes on after so long at the latest, times the number held


def read_varint(data, at):
    value = shift = 0
    while True:
        value |= (data[at] & 127) << shift
        at += 1
        if not data[at - 1] & 128:
            return value, at
        shift += 7


def write_varint(value):
    out = b""
    while True:
        out += bytes([value & 127 | (128 if value > 127 else 0)])
        value >>= 7
        if not value:
            return out


def packet(kind, body, flags=0):
    return bytes([kind << 4 | flags]) + write_varint(len(body)) + body


def fits(pattern, topic):
    pattern, topic = pattern.split("/"), topic.split("/")
    for i, level in enumerate(pattern):
        if level == "#":
            return True
        if i >= len(topic) or level not in ("+", topic[i]):
            return False
    return len(pattern) == len(topic)


class Client:
    def __init__(self, reader, writer):
        self.reader, self.writer = reader, writer
        self.patterns, self.last_id = [], 0

    async def read_packet(self):
        head = await self.reader.readexactly(1)
        length = shift = 0
        while True:
            byte = (await self.reader.readexactly(1))[0]
            length |= (byte & 127) << shift
            if not byte & 128:
                break
            shift += 7
        return head[0] >> 4, head[0] & 15, await self.reader.readexactly(length)

    def send(self, kind, body, flags=0):
        if not self.writer.is_closing():
            self.writer.write(packet(kind, body, flags))

    def deliver(self, topic, rest, qos):
        """rest: properties and payload as they came."""
        name = topic.encode()
        body = struct.pack(">H", len(name)) + name
        if qos:
            self.last_id = self.last_id % 65535 + 1
            body += struct.pack(">H", self.last_id)
        self.send(PUBLISH, body + rest, qos << 1)


class LyingBroker:
    """start() .. stop(), from any thread. loss, twice, disorder: chances, 0 to 1; may be changed at any time."""

    def __init__(self, port, pki, seed, loss=0.2, twice=0.2, disorder=0.2, depth=50):
        self.port, self.pki = port, pki
        self.random = random.Random(seed)
        self.loss, self.twice, self.disorder, self.depth = loss, twice, disorder, depth
        self.clients, self.held = [], []
        self.n_taken = self.n_lost = self.n_doubled = self.n_disordered = 0
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.is_ready = threading.Event()

    def start(self):
        self.thread.start()
        assert self.is_ready.wait(30), "the lying broker did not start"

    def stop(self):
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(30)

    def heal(self):
        self.loss = self.twice = self.disorder = 0

    def run(self):
        asyncio.set_event_loop(self.loop)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.pki + "/server.crt", self.pki + "/server.key")
        context.load_verify_locations(self.pki + "/ca.crt")
        context.verify_mode = ssl.CERT_REQUIRED
        self.loop.run_until_complete(asyncio.start_server(self.serve, "127.0.0.1", self.port, ssl=context))
        self.is_ready.set()
        self.loop.run_forever()
        for task in asyncio.all_tasks(self.loop):
            task.cancel()
        self.loop.run_until_complete(asyncio.sleep(0))
        self.loop.close()

    async def serve(self, reader, writer):
        client = Client(reader, writer)
        self.clients.append(client)
        try:
            while await self.take(client):
                pass
        except (asyncio.IncompleteReadError, OSError, asyncio.CancelledError):
            pass
        finally:
            self.clients.remove(client)
            writer.close()

    async def take(self, client):
        kind, flags, body = await client.read_packet()
        if kind == CONNECT:
            client.send(CONNACK, b"\0\0\0")
        elif kind == PINGREQ:
            client.send(PINGRESP, b"")
        elif kind == SUBSCRIBE:
            self.subscribe(client, body)
        elif kind == PUBLISH:
            self.publish(client, flags, body)
        await client.writer.drain()
        return kind != DISCONNECT

    def subscribe(self, client, body):
        length, at = read_varint(body, 2)
        at += length
        granted = b""
        while at < len(body):
            size = struct.unpack_from(">H", body, at)[0]
            client.patterns.append(body[at + 2:at + 2 + size].decode())
            granted += bytes([body[at + 2 + size] & 1])
            at += 3 + size
        client.send(SUBACK, body[:2] + b"\0" + granted)

    def publish(self, client, flags, body):
        size = struct.unpack_from(">H", body, 0)[0]
        topic, at, qos = body[2:2 + size].decode(), 2 + size, flags >> 1 & 3
        if qos:
            client.send(PUBACK, body[at:at + 2])
            at += 2
        self.n_taken += 1
        if self.random.random() < self.loss:
            self.n_lost += 1
            return
        message = (topic, body[at:], min(qos, 1))
        copies = 1
        if self.random.random() < self.twice:
            self.n_doubled += 1
            copies = 2
        for _ in range(copies):
            if self.random.random() < self.disorder:
                self.n_disordered += 1
                self.hold(message)
            else:
                self.send_on(message)

    def hold(self, message):
        """Behind as many of the next as the depth allows, or some moments where nothing comes."""
        self.held.append(message)
        if len(self.held) >= self.depth:
            self.send_on(self.held.pop(self.random.randrange(len(self.held))))
        self.loop.call_later(SETTLE_S * self.random.randint(1, self.depth), self.let_go, message)

    def let_go(self, message):
        if message in self.held:
            self.held.remove(message)
            self.send_on(message)

    def send_on(self, message):
        topic, rest, qos = message
        for client in self.clients:
            if any(fits(pattern, topic) for pattern in client.patterns):
                client.deliver(topic, rest, qos)
