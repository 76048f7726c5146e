"""broker.py BUILD [--times N] and the options of street.py: brokers that forget.

Several buildings go on at once (street.py). Again and again the broker acknowledges what it will not deliver: it is
killed and wiped while the desk is away, put back to an old copy of its memory, given a queue for ten messages, denied its
rights by the ACL, or left without anybody who is subscribed. Gateways live on: what is sent again, is sent again
by them and not by a restart. In the end all run undisturbed, and the desk's database is held against what the
simulator was told. Exit 0: nothing lost, nothing twice, in order, nothing false.
"""
import argparse
import collections
import os
import random
import shutil
import signal
import sys
import time

from street import on_a_street

TICK_S = 0.01
QUEUE = 10


class Rig:
    def __init__(self, street, seed, options):
        self.street, self.times, self.settle_s = street, options.times, options.settle
        self.random = random.Random(seed)
        self.done = collections.Counter()
        self.desk = self.broker = None

    # -- parts

    def go_on(self, seconds):
        """The buildings live for so long."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            self.street.cast.check()
            self.street.step(True)
            self.street.look()
            time.sleep(TICK_S)

    def start_broker(self):
        self.broker = self.street.start_broker()

    def kill_broker(self):
        self.street.kill(self.broker)

    def start_desk(self):
        self.desk = self.street.start_desk()

    def kill_desk(self):
        self.street.kill(self.desk)

    def away(self):
        """So long that something is sent meanwhile."""
        self.go_on(self.random.uniform(0.3, 1.2))

    def set_acl(self, name):
        shutil.copy(self.street.path(name), self.street.path("acl"))
        self.broker.send_signal(signal.SIGHUP)

    # -- what a broker does to messages

    def wiped(self):
        """Killed and wiped, with what it had acknowledged for a desk that was away."""
        self.kill_desk()
        self.away()
        self.kill_broker()
        shutil.rmtree(self.street.path("broker"))
        os.mkdir(self.street.path("broker"))
        self.start_broker()
        self.start_desk()

    def nobody_subscribed(self):
        """Wiped first: with the desk away there is no session, and each message is gone as it comes."""
        self.kill_desk()
        self.kill_broker()
        shutil.rmtree(self.street.path("broker"))
        os.mkdir(self.street.path("broker"))
        self.start_broker()
        self.away()
        self.start_desk()

    def put_back(self):
        """To what it remembered some time ago: old messages once more, newer ones never."""
        copy = self.street.path("broker-copy")
        self.kill_broker()
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(self.street.path("broker"), copy)
        self.start_broker()
        self.away()
        self.kill_desk()
        self.away()
        self.kill_broker()
        shutil.rmtree(self.street.path("broker"))
        shutil.copytree(copy, self.street.path("broker"))
        self.start_broker()
        self.start_desk()

    def overrun(self):
        """The desk is away, and of what comes for it only the first ten messages are kept."""
        self.kill_desk()
        self.away()
        self.away()
        self.start_desk()

    def denied(self):
        """Nobody may write, from one moment to the next."""
        self.set_acl("acl-denied")
        self.away()
        self.set_acl("acl-allowed")

    def killed(self):
        self.kill_broker()
        self.away()
        self.start_broker()

    def deeds(self):
        return (self.wiped, self.nobody_subscribed, self.put_back, self.overrun, self.denied, self.killed)

    def prepare(self):
        with open(self.street.path("mosquitto.conf"), "a", encoding="utf-8") as conf:
            conf.write(f"\nmax_queued_messages {QUEUE}\n")
        with open(self.street.path("acl"), encoding="utf-8") as acl:
            text = acl.read()
        self.street.write("acl-allowed", text)
        self.street.write("acl-denied", "".join(line for line in text.splitlines(True)
                                                if not line.startswith("pattern write")))

    def rage(self):
        deck = []
        for _ in range(self.times):
            deck = deck or self.random.sample(self.deeds(), len(self.deeds()))
            deed = deck.pop()
            self.go_on(self.random.uniform(0.2, 0.8))
            deed()
            self.done[deed.__name__] += 1

    def settle(self):
        deadline = time.monotonic() + self.settle_s
        while not self.street.is_over() and time.monotonic() < deadline:
            self.street.cast.check()
            self.street.step(False)
            self.street.look()
            time.sleep(TICK_S)
        time.sleep(1)


def perform(street, seed, options):
    rig = Rig(street, seed, options)
    rig.prepare()
    rig.start_broker()
    rig.start_desk()
    street.open_desk_db()
    street.start_sim()
    begun = time.monotonic()
    for gateway in street.gateways:
        street.start_gateway(gateway)
    rig.rage()
    raged_s = time.monotonic() - begun
    rig.settle()
    settled_s = time.monotonic() - begun - raged_s
    print(f"seed {seed}: {sum(rig.done.values())} deeds in {raged_s:.0f} s, all told {settled_s:.0f} s later: "
          + ", ".join(f"{n} {deed}" for deed, n in rig.done.items()))
    return street.say_verdict([])


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--times", type=int, default=12)
    return on_a_street(parser, 4, perform)


if __name__ == "__main__":
    sys.exit(main())
