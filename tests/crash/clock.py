"""clock.py BUILD [--seconds N] and the options of street.py: clocks that lie.

Several buildings go on at once (street.py), each gateway with a wall clock of ours (tests/faults/wall_clock.c); its steady clocks are
the machine's. All start in 1970, where TLS must come up without a clock, and stay there until each has told of
faults. Then every wall clock is set again and again, by a second up to ten years, to 1970, 2038 and 2099 and back, also
around restarts, and each then is a machine that was just switched on with whatever its battery had left. In the end the
clocks are right, and the desk's database is held against what the simulator was told. Exit 0: nothing lost, nothing
twice, in order, nothing false.
"""
import argparse
import collections
import os
import random
import signal
import sys
import time

from street import on_a_street

TICK_S = 0.01
STEPS_S = (1, 2, 60, 3600, 86400, 30 * 86400, 365 * 86400, 3650 * 86400)
PLACES = {"1970": 10, "2038": 2147483640, "2099": 4070908800}
FIRST_EVENTS = 4        # of each gateway, while it lives in 1970


class Rig:
    def __init__(self, street, seed, options):
        self.street, self.seconds, self.settle_s = street, options.seconds, options.settle
        self.random = random.Random(seed)
        self.done = collections.Counter()
        self.library = os.path.join(os.path.abspath(options.build), "lib/libwall_clock.so")
        self.running = {}
        street.has_times = False

    # -- clocks

    def set_clock(self, gateway, offset_s):
        name = self.street.path(gateway + ".clock")
        with open(name + ".new", "w", encoding="ascii") as file:
            file.write(f"{offset_s:+d}\n")
        os.replace(name + ".new", name)

    def upset(self, gateway):
        kind = self.random.choice(("step", "step", "step", "place", "right"))
        if kind == "step":
            step = self.random.choice(STEPS_S) * self.random.choice((-1, 1))
            self.set_clock(gateway, step)
        elif kind == "place":
            place = self.random.choice(sorted(PLACES))
            self.set_clock(gateway, PLACES[place] - int(time.time()))
            kind = place
        else:
            self.set_clock(gateway, 0)
        self.done[kind] += 1

    # -- parts

    def start(self, gateway):
        environment = {"LD_PRELOAD": self.library, "WY_CLOCK_FILE": self.street.path(gateway + ".clock"),
                       "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0"}
        self.running[gateway] = self.street.start_gateway(gateway, environment)

    def restart(self, gateway):
        process = self.running[gateway]
        if self.random.random() < 0.5:
            self.street.kill(process)
        else:
            process.send_signal(signal.SIGTERM)
            process.wait(30)
            self.street.forget(process)
        self.upset(gateway)
        self.start(gateway)
        self.done["restart"] += 1

    def go_on(self, seconds, may_begin=True, is_enough=lambda: False):
        until = time.monotonic() + seconds
        while time.monotonic() < until and not is_enough():
            self.street.cast.check()
            self.street.step(may_begin)
            self.street.look()
            time.sleep(TICK_S)

    # -- the play

    def have_all_told(self):
        told = collections.Counter(event["gateway"] for event in self.street.events)
        return all(told[gateway] >= FIRST_EVENTS for gateway in self.street.gateways)

    def wake_up_in_1970(self):
        for gateway in self.street.gateways:
            self.set_clock(gateway, PLACES["1970"] - int(time.time()))
            self.start(gateway)
        self.go_on(self.settle_s, is_enough=self.have_all_told)
        if not self.have_all_told():
            return ["in 1970 not every gateway reached the desk"]
        return [f"{gateway}: its log does not say that its clock is behind" for gateway in self.street.gateways
                if " clock_behind " not in self.log_of(gateway)]

    def log_of(self, gateway):
        with open(self.street.path(gateway + ".log"), encoding="utf-8", errors="replace") as log:
            return log.read()

    def play(self):
        self.street.start_broker()
        self.street.start_desk()
        self.street.open_desk_db()
        self.street.start_sim()
        odd = self.wake_up_in_1970()
        until = time.monotonic() + self.seconds
        while time.monotonic() < until:
            gateway = self.random.choice(self.street.gateways)
            if self.random.random() < 0.12:
                self.restart(gateway)
            else:
                self.upset(gateway)
            self.go_on(self.random.uniform(0.05, 1))
        for gateway in self.street.gateways:
            self.set_clock(gateway, 0)
        self.go_on(self.settle_s, False, self.street.is_over)
        print("clocks: " + ", ".join(f"{n} x {kind}" for kind, n in sorted(self.done.items())))
        return self.street.say_verdict(odd)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=int, default=300)
    return on_a_street(parser, 2, lambda street, seed, options: Rig(street, seed, options).play())


if __name__ == "__main__":
    sys.exit(main())
