"""cut.py BUILD [--cuts N] [--seed S] [--gateways N] [--saboteur NAME] [--run DIR]: power cuts on real file systems.

The state of each gateway lies on an ext4 image of its own, mounted with commit=300, so that the file system writes
nothing by itself that nobody asked it to. A cut freezes the gateway, copies the image as the block layer has it, kills the
gateway and unmounts; then e2fsck mends the copy, it is mounted in the old one's place, and the gateway starts on
it. Everything else (street.py) goes on meanwhile: what the desk had heard before the cut must not be said anew, and
nothing that stood may be missing. Cuts come at random moments, within milliseconds of an event's coming to the desk, and
while the gateway starts on the last one's disk.

Needs root, loop devices and mkfs.ext4; says so and ends with 2 where they are missing. Exit 0: nothing lost, nothing
twice; with --saboteur weiyu-synchronous_normal: it was found out.
"""
import argparse
import collections
import os
import shutil
import signal
import subprocess
import sys
import time
from random import Random

from street import on_a_street

TOOLS = ("mkfs.ext4", "e2fsck", "mount", "umount", "losetup", "cp")
IMAGE_MIB = 96        # sparse: what is kept of a thousand lives' tickets
LIFE_S = 2.5
PATIENCE_S = 6        # an event that does not come: the cut comes all the same
TICK_S = 0.003
KINDS = ("moment", "moment", "event", "event", "event", "start")


def run(*command, fine=(0,)):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    if done.returncode not in fine:
        raise OSError(f"{' '.join(command)} ended with {done.returncode}: {done.stdout.decode(errors='replace')[-400:]}")
    return done.returncode


class Disk:
    """One image, mounted where the gateway keeps its state."""

    def __init__(self, street, gateway):
        self.place = street.path(gateway)
        self.image = street.path(gateway + ".img")
        self.is_mounted = False
        self.mended = 0
        os.makedirs(self.place, exist_ok=True)
        with open(self.image, "wb") as file:
            file.truncate(IMAGE_MIB << 20)
        run("mkfs.ext4", "-q", "-F", self.image)
        self.mount()

    def mount(self):
        run("mount", "-o", "loop,commit=300", self.image, self.place)
        self.is_mounted = True

    def unmount(self):
        if self.is_mounted:
            run("umount", self.place)
            self.is_mounted = False

    def cut(self, kill):
        """The gateway is frozen. Afterwards the disk is what a cut at this moment left."""
        run("cp", "--sparse=always", self.image, self.image + ".cut")
        kill()
        self.unmount()
        os.replace(self.image + ".cut", self.image)
        self.mended += run("e2fsck", "-fy", self.image, fine=(0, 1))
        self.mount()


class House:
    """One gateway, from cut to cut."""

    def __init__(self, rig, gateway):
        self.rig, self.gateway = rig, gateway
        self.disk = Disk(rig.street, gateway)
        self.process, self.kind, self.cut_at = None, None, 0

    def begin(self):
        self.kind = self.rig.random.choice(KINDS)
        self.process = self.rig.street.start_gateway(self.gateway)
        self.cut_at = time.monotonic() + {"moment": self.rig.random.uniform(0.2, LIFE_S), "event": PATIENCE_S,
                                          "start": self.rig.random.uniform(0.001, 0.2)}[self.kind]

    def told(self):
        if self.kind == "event":
            self.kind = "after an event"
            self.cut_at = time.monotonic() + self.rig.random.choice((0, 0.002, 0.005, 0.02, 0.05))

    def step(self, now):
        """True: it was cut."""
        if self.process.poll() is not None:
            self.rig.anomaly(f"{self.gateway} ended by itself, code {self.process.returncode}:\n"
                             f"{self.rig.street.cast.tail(self.gateway, 3)}")
            self.rig.street.forget(self.process)
        elif now < self.cut_at:
            return False
        self.rig.done[self.kind] += 1
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGSTOP)
        self.disk.cut(lambda: self.rig.street.kill(self.process))
        return True


class Rig:
    def __init__(self, street, seed, options):
        self.street, self.cuts, self.settle_s = street, options.cuts, options.settle
        self.random = Random(seed)
        self.done = collections.Counter()
        self.anomalies = []
        self.houses = {}

    def anomaly(self, text):
        self.anomalies.append(text)
        print("ANOMALY " + text, flush=True)

    def look(self):
        for event in self.street.look():
            if event["gateway"] in self.houses:
                self.houses[event["gateway"]].told()

    def rage(self):
        for gateway in self.street.gateways:
            self.houses[gateway] = House(self, gateway)
            self.houses[gateway].begin()
        begun = len(self.houses)
        running = list(self.houses.values())
        while running:
            for house in list(running):
                if not house.step(time.monotonic()):
                    continue
                if begun < self.cuts:
                    begun += 1
                    house.begin()
                else:
                    running.remove(house)
            self.street.step(True)
            self.look()
            time.sleep(TICK_S)

    def settle(self):
        for house in self.houses.values():
            house.kind, house.process = None, self.street.start_gateway(house.gateway)
        deadline = time.monotonic() + self.settle_s
        while not self.street.is_over() and time.monotonic() < deadline:
            self.street.cast.check()
            self.street.step(False)
            self.look()
            time.sleep(TICK_S)
        time.sleep(1)

    def leave(self):
        for house in self.houses.values():
            if house.process and house.process.poll() is None:
                self.street.kill(house.process)
            house.disk.unmount()


def perform(street, seed, options):
    rig = Rig(street, seed, options)
    begun = time.monotonic()
    try:
        street.start_broker()
        street.start_desk()
        street.open_desk_db()
        street.start_sim()
        rig.rage()
        raged_s = time.monotonic() - begun
        rig.settle()
    finally:
        rig.leave()
    print(f"seed {seed}: {sum(rig.done.values())} cuts of {len(rig.houses)} gateways in {raged_s:.0f} s: "
          + ", ".join(f"{n} {kind}" for kind, n in rig.done.most_common())
          + f"; e2fsck mended {sum(house.disk.mended for house in rig.houses.values())} of the file systems")
    return street.say_verdict(rig.anomalies)


def why_not():
    missing = [tool for tool in TOOLS if not shutil.which(tool)]
    if os.geteuid() != 0:
        return "only root may mount"
    if missing:
        return "not installed: " + " ".join(missing)
    if subprocess.run(["losetup", "-f"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False).returncode:
        return "there is no loop device"
    return None


def main():
    os.environ["PATH"] += ":/usr/sbin:/sbin"
    reason = why_not()
    if reason:
        print(f"cut.py cannot run here: {reason}", file=sys.stderr)
        return 2
    parser = argparse.ArgumentParser()
    parser.add_argument("--cuts", type=int, default=200)
    return on_a_street(parser, 4, perform)


if __name__ == "__main__":
    sys.exit(main())
