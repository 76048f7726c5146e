"""way.py BUILD [--seconds N] and the options of street.py: a network between building and platform that the kernel makes bad.

Several gateways and their devices are in one network namespace, broker and desk in another, and between them is a way
(tests/faults/namespaces.py) on which each gateway has a line of its own. Each line gets evils in turn, now and then several
without a pause: a fifth of all packets lost, doubled, late, overtaken; nothing one way or both, for longer than the keepalive;
large packets gone; connections reset, refused, cut; the broker at another address, or its name known to nobody. And
now and then the whole house: cable pulled, interface off and on, another address. Whether a line is good again
says the desk: what was pending when the way became good must be committed soon. In the end the desk's database is held
against what the simulator was told. Exit 0: nothing lost, nothing twice, in order, nothing false, and back by itself in time;
or there was no leave to make namespaces: then it says SKIPPED and why.
"""
import argparse
import collections
import os
import random
import subprocess
import sys
import time

from street import SOURCE, on_a_street

sys.path.insert(0, os.path.join(SOURCE, "tests/faults"))

from namespaces import Way, enter  # noqa: E402
from stage import Cast  # noqa: E402

TICK_S = 0.02
KEEPALIVE_S = 5
# 2.5 keepalives until a line that hangs is given up, up to 18 s for an attempt that began on it, 1 s of waiting (retry_most), and
# what was in flight is sent again. On a machine that has other things to do.
BACK_S = 60
HANGS = ("mute", "deaf", "black_hole", "small_only", "unreachable")
COUNTED = {"TcpRetransSegs": "segments sent again", "TcpExtTCPDSACKRecv": "came twice", "TcpExtTCPOFOQueue": "came out of order",
           "TcpExtTCPTimeouts": "timeouts", "TcpEstabResets": "connections reset"}


class CastInPlaces(Cast):
    """Gateways and simulator in the house, the rest where we are; all die with us."""

    def __init__(self, run, way):
        super().__init__(run)
        self.way = way

    def start(self, name, command, environment=None):
        is_in_house = name == "sim" or name.startswith(("gw-", "gateway"))
        place = self.way.house.inside(self.run) if is_in_house else ["setpriv", "--pdeathsig", "KILL", "--"]
        return super().start(name, [*place, *command], environment)

    def stop(self):
        """The way too: the next run lays its own."""
        super().stop()
        self.way.close()


def change(path, *pairs):
    with open(path, encoding="utf-8") as file:
        text = file.read()
    for old, new in pairs:
        assert old in text, (path, old)
        text = text.replace(old, new)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def kernel_counts(place):
    """What the kernel of a place counted of its TCP."""
    words = {}
    text = subprocess.run([*place.inside(), "cat", "/proc/net/snmp", "/proc/net/netstat"], capture_output=True, text=True,
                          check=True).stdout
    lines = text.splitlines()
    for names, values in zip(lines[::2], lines[1::2]):
        prefix = names.split(":")[0]
        words |= {prefix + name: int(value) for name, value in zip(names.split()[1:], values.split()[1:])}
    return {what: words.get(name, 0) for name, what in COUNTED.items()}


class Rig:
    def __init__(self, street, way, seed, options):
        self.street, self.way = street, way
        self.seconds, self.settle_s = options.seconds, options.settle
        self.random = random.Random(seed)
        self.done = collections.Counter()
        self.decks = {}
        self.is_ending = False
        self.deadline = 0.0         # for everything to be told, at the end
        self.is_house_well = True
        self.house_evils = 0
        self.back_s = []            # so long after its way was good again a line had told everything that was pending
        self.odd = []

    # -- evils of a line: generators that yield how long they wait, and leave the line good

    def hang_s(self):
        return self.random.choice((2, 6, 9, 14))

    def mode(self, n, mode):
        self.way.become(n, mode)
        yield self.hang_s() if mode in HANGS else self.random.choice((1, 3, 6))
        self.way.become(n, "good")

    def broker_moved(self, n):
        """To another address, and later back. The old one does not answer."""
        self.way.move(n, True)
        yield self.random.choice((1, 6, 14))
        self.way.move(n, False)

    def name_lost(self, n):
        """Nobody knows the broker's name, and the connection is gone."""
        self.way.hide(n, True)
        yield from self.mode(n, "reset")
        yield self.random.choice((0, 5))
        self.way.hide(n, False)

    def evils(self):
        evils = {mode: lambda n, mode=mode: self.mode(n, mode) for mode in self.way.all_modes()}
        if self.way.has_names:
            evils |= {"broker_moved": self.broker_moved, "name_lost": self.name_lost}
        return evils

    # -- evils of the house

    def unplugged(self):
        self.way.unplug()
        yield self.random.choice((1, 4, 9))
        self.way.plug()

    def interface_off(self):
        self.way.switch_off()
        yield self.random.choice((1, 4, 9))
        self.way.switch_on()

    def renumbered(self):
        self.way.renumber()
        yield 0

    def house_evils_by_name(self):
        return {"unplugged": self.unplugged, "interface_off": self.interface_off, "renumbered": self.renumbered}

    # -- time

    def deal(self, evils):
        """A name of a shuffled deck, so that each has its turn."""
        deck = self.decks.setdefault(tuple(evils), [])
        if not deck:
            deck += self.random.sample(list(evils), len(evils))
        name = deck.pop()
        self.done[name] += 1
        return evils[name]

    def line_lives(self, n):
        evils = self.evils()
        if n == 0:  # whatever the seed: one hole longer than keepalive and the broker's patience with it
            self.done["black_hole"] += 1
            self.way.become(n, "black_hole")
            yield 1.5 * KEEPALIVE_S + 1
            self.way.become(n, "good")
            yield from self.recover(n)
        while not self.is_ending:
            yield self.random.uniform(0, 1)
            for _ in range(self.random.choice((1, 1, 2, 3))):
                if not self.is_ending:
                    yield from self.deal(evils)(n)
            yield from self.recover(n)

    def pending(self, n):
        gateway = self.street.gateways[n]
        mine = [fault for fault in self.street.faults if fault.gateway == gateway]
        waiting = [fault for fault in mine if not fault.is_seen]
        if not waiting and not self.is_ending:
            waiting = [self.random.choice(mine)]
            waiting[0].tell()
        return [(fault, fault.phases, fault.is_on) for fault in waiting]

    def recover(self, n):
        """Until the desk has what is pending now. A house that has its own trouble meanwhile does not count."""
        while not self.is_house_well:
            yield TICK_S
        begun, evils = time.monotonic(), self.house_evils
        pending = self.pending(n)
        while any(not f.is_seen and (f.phases, f.is_on) == (phases, is_on) for f, phases, is_on in pending):
            yield TICK_S
            if self.house_evils != evils:
                return
            if time.monotonic() > min(self.deadline, begun + self.settle_s):
                self.odd.append(f"{self.street.gateways[n]}: not back {time.monotonic() - begun:.0f} s after its way was good")
                return
        if pending:
            self.back_s.append(time.monotonic() - begun)

    def house_lives(self):
        evils = self.house_evils_by_name()
        while not self.is_ending:
            yield self.random.uniform(3, 20)
            if not self.is_ending:
                self.house_evils += 1
                self.is_house_well = False
                yield from self.deal(evils)()
                self.is_house_well = True

    def rage(self):
        """Everything at once. At the end every evil makes good at once what it did, and every line is waited for."""
        lives = [[self.house_lives(), 0]] + [[self.line_lives(n), 0] for n in range(len(self.street.gateways))]
        end = time.monotonic() + self.seconds
        self.deadline = end + self.settle_s
        while lives:
            now = time.monotonic()
            self.is_ending = now >= end
            for life in list(lives):
                if now >= life[1] or self.is_ending:
                    wait_s = next(life[0], None)
                    life[1] = now + (wait_s or 0)
                    if wait_s is None:
                        lives.remove(life)
            self.go_on(not self.is_ending)

    def go_on(self, may_begin):
        self.street.cast.check()
        self.street.step(may_begin)
        self.street.look()
        time.sleep(TICK_S)

    def settle(self):
        while not self.street.is_over() and time.monotonic() < self.deadline:
            self.go_on(False)
        time.sleep(1)

    def say(self, seed, settled_s):
        back = sorted(self.back_s)
        print(f"seed {seed}: {sum(self.done.values())} evils on {len(self.street.gateways)} lines in {self.seconds} s, all told "
              f"{settled_s:.0f} s later: " + ", ".join(f"{n} {name}" for name, n in sorted(self.done.items())))
        print("the house's kernel: " + ", ".join(f"{n} {what}" for what, n in kernel_counts(self.way.house).items()))
        if not self.way.courier:
            print("left out, no TUN device: late, shuffled")
        if not self.way.has_names:
            print("left out, no files of names in /etc: broker_moved, name_lost")
        if back:
            print(f"back by itself {len(back)} times: p50 {back[len(back) // 2]:.1f} s, p99 {back[len(back) * 99 // 100]:.1f} s, "
                  f"longest {back[-1]:.1f} s after the way was good")
            if back[-1] > BACK_S:
                self.odd.append(f"back only {back[-1]:.1f} s after the way was good")


def set_the_way(street, seed):
    way = Way(street.run, len(street.gateways), seed)
    street.cast = CastInPlaces(street.run, way)
    change(street.path("mosquitto.conf"), (f"listener {street.mqtt} 127.0.0.1", f"listener {street.mqtt} 0.0.0.0"))
    way.certify(street.path("pki"))
    for n, gateway in enumerate(street.gateways):
        change(street.path(gateway + ".yaml"), ("host: 127.0.0.1, port", f"host: {way.host(n)}, port"),
               ("server_name: 127.0.0.1", f"server_name: {way.host(n)}"),
               ("keepalive: 20s", f"keepalive: {KEEPALIVE_S}s"))
    return way


def perform(street, seed, options):
    rig = Rig(street, set_the_way(street, seed), seed, options)
    street.start_broker()
    street.start_desk()
    street.open_desk_db()
    street.start_sim()
    for gateway in street.gateways:
        street.start_gateway(gateway)
    rig.rage()
    begun = time.monotonic()
    rig.settle()
    rig.say(seed, time.monotonic() - begun)
    return street.say_verdict(rig.odd)


def main():
    why = enter()
    if why:
        print("SKIPPED: " + why)
        return 0
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=int, default=60)
    return on_a_street(parser, 6, perform)


if __name__ == "__main__":
    sys.exit(main())
