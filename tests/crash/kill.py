"""kill.py BUILD [--rounds N] and the options of street.py: kill -9, again and again.

A round is a gateway's life and its death: at a random moment of its first two seconds, within some milliseconds of
an event's coming to the desk, in the middle of a clean stop, or at one of the instrumented steps between decision and
receipt (steps_gateway.c), at its n-th occurrence. The desk dies at steps of its own meanwhile. Several buildings go on at
once (street.py), their faults come and go all the time. In the end everything runs undisturbed until all is told,
and the desk's database is held against what the simulator was told.

Exit 0: nothing lost, nothing twice, in order, nothing false, and every step was come by. The seed draws the schedule;
what falls together within a millisecond is the machine's.
"""
import argparse
import collections
import random
import signal
import sys
import time

from street import on_a_street

# What steps_gateway.c and steps_desk.c instrument. One that no life comes by is wrong: the product has changed.
STEPS = ("decide", "decided", "begun", "numbered", "ticket_put", "event_put", "cell_put", "commit", "committed",
         "session_numbered", "loaded", "publish", "published", "ack", "acked", "receipt", "receipt_judged",
         "receipt_put", "pruned", "receipt_commit", "receipt_committed", "disk_write", "disk_sync", "disk_synced")
SELDOM = ("receipt_one_put",)   # an urgent event has overtaken: not in every run
ONCE = ("session_numbered",)    # in a life
OFTEN = ("disk_write",)
DESK_STEPS = ("desk_take", "desk_taken", "desk_commit", "desk_committed", "desk_receipt", "desk_receipted")
LIFE_S = 2            # the longest life
PATIENCE_S = 4        # a step, or an event, that does not come: the round ends all the same
DESK_PATIENCE_S = 6
TICK_S = 0.003
KINDS = ("step", "step", "step", "step", "step", "moment", "moment", "moment", "event", "stop")


class House:
    """One gateway, life after life. Each ends as its kind says."""

    def __init__(self, rig, gateway):
        self.rig, self.gateway = rig, gateway
        self.process = None
        self.kind = None
        self.step = None
        self.kill_at = 0

    def start(self):
        step = f"{self.step[0]}:{self.step[1]}" if self.step else ""
        self.process = self.rig.street.start_gateway(
            self.gateway, {"WEIYU_STEP": step, "WEIYU_STEPS": self.rig.street.path("steps.txt")})

    def begin(self):
        draw = self.rig.random
        self.kind = draw.choice(KINDS)
        self.step = self.rig.next_step() if self.kind == "step" else None
        life_s = {"moment": draw.uniform(0.001, LIFE_S), "stop": draw.uniform(0.1, 1)}.get(self.kind, PATIENCE_S)
        self.start()
        self.kill_at = time.monotonic() + life_s

    def told(self):
        """An event of this gateway has come to the desk."""
        if self.kind == "event":
            self.kind = "after an event"
            self.kill_at = time.monotonic() + self.rig.random.choice((0, 0.002, 0.005, 0.02, 0.05))

    def is_round_over(self, now):
        if self.process.poll() is not None:
            self.look_at_end()
            return True
        if now < self.kill_at:
            return False
        if self.kind == "stop":
            self.process.send_signal(signal.SIGTERM)
            self.kind, self.kill_at = "in a stop", now + self.rig.random.uniform(0, 0.05)
            return False
        self.rig.done[{"step": "step not come by", "event": "no event"}.get(self.kind, self.kind)] += 1
        self.rig.street.kill(self.process)
        return True

    def look_at_end(self):
        self.rig.street.forget(self.process)
        code = self.process.returncode
        if code == -signal.SIGKILL and self.step:
            self.rig.done["step"] += 1
            self.rig.struck[self.step[0]] += 1
        elif code in (0, -signal.SIGTERM) and self.kind == "in a stop":
            # -SIGTERM: it was still starting, and took no signals yet.
            self.rig.done["stopped before it was killed"] += 1
        else:
            self.rig.anomaly(f"{self.gateway} ended by itself, code {code}:\n"
                             f"{self.rig.street.cast.tail(self.gateway, 3)}")

    def settle(self):
        self.step = None
        self.start()


class Rig:
    def __init__(self, street, seed, options):
        self.street, self.rounds, self.settle_s = street, options.rounds, options.settle
        self.random = random.Random(seed)
        self.deck = []
        self.done, self.struck = collections.Counter(), collections.Counter()
        self.anomalies = []
        self.begun = 0
        self.houses = {gateway: House(self, gateway) for gateway in street.gateways}
        self.desk, self.desk_until, self.desk_at = None, 0, 0
        self.desk_deaths = 0

    def anomaly(self, text):
        self.anomalies.append(text)
        print("ANOMALY " + text, flush=True)

    def next_step(self):
        """Each step has its turn; the first occurrence is the commonest."""
        if not self.deck:
            self.deck = self.random.sample(STEPS + SELDOM, len(STEPS) + len(SELDOM))
        step = self.deck.pop()
        n = self.random.choice((1, 1, 1, 2, 2, 3, 4, 6, 9))
        return step, 1 if step in ONCE else n * 6 if step in OFTEN else n

    def start_desk(self, has_step=True):
        step = f"{self.random.choice(DESK_STEPS)}:{self.random.randint(1, 15)}" if has_step else ""
        self.desk = self.street.start_desk({"WEIYU_STEP": step, "WEIYU_STEPS": self.street.path("steps.txt")})
        self.desk_until = time.monotonic() + DESK_PATIENCE_S

    def look_after_desk(self, now):
        """It dies at a step, or after some seconds; and is away for a while, so that gateways have something to keep."""
        if not self.desk:
            if now >= self.desk_at:
                self.start_desk()
            return
        if self.desk.poll() is None and now < self.desk_until:
            return
        if self.desk.poll() not in (None, -signal.SIGKILL):
            self.anomaly(f"the desk ended by itself, code {self.desk.returncode}:\n{self.street.cast.tail('desk', 6)}")
        self.street.kill(self.desk)
        self.desk, self.desk_at = None, now + self.random.choice((0, 0, 0, 0.5, 2))
        self.desk_deaths += 1

    def look(self):
        for event in self.street.look():
            house = self.houses.get(event["gateway"])
            if house:
                house.told()

    def rage(self):
        running = set(self.houses.values())
        for house in running:
            house.begin()
        self.begun = len(running)
        while running:
            now = time.monotonic()
            for house in sorted(running, key=lambda h: h.gateway):
                if not house.is_round_over(now):
                    continue
                if self.begun < self.rounds:
                    self.begun += 1
                    house.begin()
                else:
                    running.discard(house)
            self.look_after_desk(now)
            self.street.step(True)
            self.look()
            time.sleep(TICK_S)

    def settle(self):
        if self.desk:
            self.street.kill(self.desk)
        self.start_desk(has_step=False)
        for house in self.houses.values():
            house.settle()
        deadline = time.monotonic() + self.settle_s
        while not self.street.is_over() and time.monotonic() < deadline:
            self.street.cast.check()
            self.street.step(False)
            self.look()
            time.sleep(TICK_S)
        time.sleep(1)  # what should not come has time to come

    def missing_steps(self):
        with open(self.street.path("steps.txt"), encoding="ascii") as file:
            seen = set(file.read().split())
        return [step for step in STEPS + DESK_STEPS if step not in seen]


def perform(street, seed, options):
    rig = Rig(street, seed, options)
    begun = time.monotonic()
    street.start_broker()
    rig.start_desk(has_step=False)
    street.open_desk_db()
    street.start_sim()
    rig.rage()
    raged_s = time.monotonic() - begun
    rig.settle()
    odd = rig.anomalies + [f"no life came by the step {step}" for step in rig.missing_steps()]
    print(f"seed {seed}: {rig.begun} lives of {len(street.gateways)} gateways in {raged_s:.0f} s, ended: "
          + ", ".join(f"{n} {kind}" for kind, n in rig.done.most_common()) + f"; {rig.desk_deaths} deaths of the desk")
    print("deaths at each step: " + ", ".join(f"{step} {rig.struck[step]}" for step in STEPS + SELDOM))
    return street.say_verdict(odd)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=240)
    return on_a_street(parser, 8, perform)


if __name__ == "__main__":
    sys.exit(main())
