"""namespaces.py: a building, a platform, and the way between them, each in a network namespace of its own; the kernel loses,
doubles, delays and cuts their packets. Only Python's standard library, iproute2, nftables and util-linux.

  house     the gateway and its devices: names of its own for the broker (/etc/hosts), a default route to the way
  way       two veth pairs, forwarding, the rules of nftables, and the courier
  platform  broker and desk: the process that called enter()

Each line of the way is an address of the platform (and a second one, to which its name can move), so one house can have
several gateways, each with a fate of its own. Nothing of it has a name in the system: a place lives as long as a process
that reads our pipe, and what runs in it is killed by the kernel when we die, so a trial that is killed leaves nothing.

netem is not asked for: many kernels do not have it. What nftables cannot do, waiting and overtaking, the courier does:
packets of a line are routed through a TUN device to a process that puts them back later (`namespaces.py courier`).
"""
import ctypes
import heapq
import json
import os
import random
import select
import shutil
import subprocess
import sys
import threading
import time

HERE = os.path.abspath(__file__)
CLONE_NEWUSER, CLONE_NEWNET = 0x10000000, 0x40000000
TUN = "/dev/net/tun"
HOUSE_NET, PLATFORM_NET = "10.66.1", "10.66.2"
HOUSE_ADDRESSES = (f"{HOUSE_NET}.2", f"{HOUSE_NET}.3")
HOST_NAME, NO_NAME = "broker-{:02d}.estate.test", "absent-{:02d}.estate.test"  # of the same length
NAME_FILES = {"/etc/hosts": None, "/etc/resolv.conf": f"nameserver {PLATFORM_NET}.99\n", "/etc/nsswitch.conf": "hosts: files dns\n"}

# What a line can be, in nftables' words: UP are its packets to the broker, DOWN those to the gateway.
LOSS = "numgen random mod 100 < {}"
MODES = {
    "lossy": ("UP " + LOSS.format(20) + " drop", "DOWN " + LOSS.format(20) + " drop"),
    "lossy_up": ("UP " + LOSS.format(40) + " drop",),
    "lossy_down": ("DOWN " + LOSS.format(40) + " drop",),
    "doubled": ("UP " + LOSS.format(20) + " TWICE", "DOWN " + LOSS.format(20) + " TWICE"),
    "lossy_doubled": ("UP " + LOSS.format(20) + " TWICE", "DOWN " + LOSS.format(20) + " TWICE",
                      "UP " + LOSS.format(20) + " drop", "DOWN " + LOSS.format(20) + " drop"),
    "narrow": ("UP limit rate over 6 kbytes/second burst 3 kbytes drop",
               "DOWN limit rate over 6 kbytes/second burst 3 kbytes drop"),
    "mute": ("UP drop",),
    "deaf": ("DOWN drop",),
    "black_hole": ("UP drop", "DOWN drop"),
    "small_only": ("UP ip length > 576 drop", "DOWN ip length > 576 drop"),  # an MTU nobody tells of
    "reset": ("UP ip protocol tcp reject with tcp reset", "DOWN ip protocol tcp reject with tcp reset"),
    "cut": ("UP ip protocol tcp quota over 4 kbytes reject with tcp reset",
            "DOWN ip protocol tcp quota over 4 kbytes reject with tcp reset"),
    "forbidden": ("UP reject with icmp type admin-prohibited",),
    "unreachable": ("UP reject with icmp type net-unreachable", "DOWN drop"),
}
# What the courier does to a packet: waits from, to (seconds), doubles so many in a hundred.
COURIER_MODES = {"late": (0.2, 0.2, 0), "shuffled": (0.0, 0.15, 20)}


# ---- May we? -----------------------------------------------------------------------------------------------------

PROBE = """set -e
ip link set lo up
ip link add probe-a type veth peer name probe-b
ip addr add 10.66.9.1/24 dev probe-a
ip link set probe-a up
echo 1 >/proc/sys/net/ipv4/ip_forward
printf '%s\\n' 'table ip probe {' 'chain forward {' 'type filter hook forward priority 0' \
  'numgen random mod 100 < 20 dup to 10.66.9.2 device probe-a' 'meta length > 576 drop' \
  'ip protocol tcp quota over 4 kbytes reject with tcp reset' 'limit rate over 6 kbytes/second burst 3 kbytes drop' \
  '}' '}' | nft -f -
unshare --net --mount --propagation private true
"""


def probe(*how):
    """None: a namespace can be made so, and filled; otherwise what stood in the way."""
    words = ["unshare", *how, "--net", "sh", "-c", PROBE]
    try:
        tried = subprocess.run(words, capture_output=True, text=True, timeout=60, env=environment())
    except (OSError, subprocess.TimeoutExpired) as why:
        return str(why)
    return None if tried.returncode == 0 else (tried.stderr.strip() or f"code {tried.returncode}").splitlines()[0]


def environment():
    """iproute2 and nftables live where only root looks."""
    return {**os.environ, "PATH": os.environ.get("PATH", "/usr/bin:/bin") + ":/usr/sbin:/sbin"}


def enter():
    """This process into a network namespace of its own, and where that is not allowed into a user namespace too. Returns None, or why it cannot
    be. To be called before there is a second thread."""
    os.environ["PATH"] = environment()["PATH"]
    for tool in ("ip", "nft", "unshare", "nsenter", "setpriv"):
        if not shutil.which(tool):
            return f"no {tool} here"
    kind, why = CLONE_NEWNET, probe()
    if why:
        kind, why_not = CLONE_NEWNET | CLONE_NEWUSER, probe("--user", "--map-root-user")
        if why_not:
            return f"no network namespaces: {why}; with a user namespace: {why_not}"
    if threading.active_count() > 1:
        return "a second thread is running"
    uid, gid = os.geteuid(), os.getegid()
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(kind):
        return "unshare: " + os.strerror(ctypes.get_errno())
    if kind & CLONE_NEWUSER:
        for name, text in (("setgroups", "deny"), ("uid_map", f"0 {uid} 1"), ("gid_map", f"0 {gid} 1")):
            with open("/proc/self/" + name, "w", encoding="ascii") as file:
                file.write(text)
    run("ip", "link", "set", "lo", "up")
    return None


class NotAllowed(Exception):
    """The kernel, or who rules here, does not want it."""


def run(*words, text=None):
    done = subprocess.run(words, input=text, capture_output=True, text=True)
    if done.returncode:
        raise NotAllowed(f"{' '.join(words)}: {done.stderr.strip()}\n{text or ''}")


# ---- Places ------------------------------------------------------------------------------------------------------

class Place:
    """A network namespace, and a mount namespace where some files are others. It ends with us: a process in it reads a pipe
    that only we hold."""

    def __init__(self, files=None):
        """files: {path: what stands for it}; all must be there."""
        script = "".join(f"mount --bind '{ours}' '{path}'\n" for path, ours in (files or {}).items())
        self.keeper = subprocess.Popen(["unshare", "--net", "--mount", "--propagation", "private", "sh", "-ec",
                                        script + "ip link set lo up\necho ready\nexec cat"], stdin=subprocess.PIPE,
                                       stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True)
        if self.keeper.stdout.readline() != b"ready\n":
            raise NotAllowed("a place: " + self.keeper.stderr.read().decode(errors="replace"))
        self.pid = str(self.keeper.pid)

    def inside(self, directory="/"):
        """Words to put before a command: it runs in here, and is killed when the thread that starts it ends."""
        return ["nsenter", "--target", self.pid, "--net", "--mount", "--", "setpriv", "--pdeathsig", "KILL", "--",
                "env", "-C", directory]

    def run(self, *words, text=None):
        run(*self.inside(), *words, text=text)

    def close(self):
        self.keeper.stdin.close()
        self.keeper.wait()
        self.keeper.stdout.close()
        self.keeper.stderr.close()


class Way:
    """directory: for the files of names; lines: how many; seed: the courier's. After enter()."""

    def __init__(self, directory, lines, seed):
        self.modes = ["good"] * lines
        self.courier = None
        self.is_closed = False
        self.house_address = HOUSE_ADDRESSES[0]
        self.moved = [False] * lines
        self.hidden = [False] * lines
        self.has_names = all(os.path.isfile(path) for path in NAME_FILES)
        self.hosts = os.path.join(directory, "hosts")
        self.house = self.make_house(directory)
        self.middle = Place()
        self.lay()
        self.start_courier(seed)
        self.apply()

    # -- laying it

    def make_house(self, directory):
        """With names of its own for the brokers where the files of names can be covered, otherwise without any."""
        if self.has_names:
            try:
                return Place(self.write_names(directory))
            except NotAllowed:
                self.has_names = False
        return Place()

    def write_names(self, directory):
        files = {}
        for path, text in NAME_FILES.items():
            files[path] = os.path.join(directory, os.path.basename(path))
            with open(files[path], "w", encoding="ascii") as file:
                file.write(text or self.hosts_text())
        return files

    def lay(self):
        middle, house = self.middle, self.house
        run("ip", "link", "add", "dn0", "type", "veth", "peer", "name", "p0", "netns", middle.pid)
        for n in range(len(self.modes)):
            for address in self.addresses(n):
                run("ip", "addr", "add", address + "/24", "dev", "dn0")
        run("ip", "link", "set", "dn0", "up")
        run("ip", "route", "add", HOUSE_NET + ".0/24", "via", PLATFORM_NET + ".1")
        middle.run("sh", "-c", "echo 1 >/proc/sys/net/ipv4/ip_forward; for f in /proc/sys/net/ipv4/conf/*/rp_filter; do echo 0 >$f; "
                   "done; for f in /proc/sys/net/ipv4/conf/*/send_redirects; do echo 0 >$f; done")
        middle.run("ip", "link", "add", "h0", "type", "veth", "peer", "name", "up0", "netns", house.pid)
        for name, net in (("p0", PLATFORM_NET), ("h0", HOUSE_NET)):
            middle.run("ip", "addr", "add", net + ".1/24", "dev", name)
            middle.run("ip", "link", "set", name, "up")
        self.dress_house()

    def dress_house(self):
        """As a DHCP client would: address, link, route."""
        self.house.run("ip", "addr", "replace", self.house_address + "/24", "dev", "up0")
        self.house.run("ip", "link", "set", "up0", "up")
        self.house.run("ip", "route", "replace", "default", "via", HOUSE_NET + ".1")

    def start_courier(self, seed):
        """None where there are no TUN devices, or no routing by marks."""
        if not os.access(TUN, os.R_OK | os.W_OK):
            return
        try:
            self.middle.run("ip", "rule", "add", "fwmark", "1", "lookup", "100")
        except NotAllowed:
            return
        self.courier = subprocess.Popen([*self.middle.inside(), sys.executable, "-B", HERE, "courier", str(seed)],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True)
        if self.courier.stdout.readline() != "ready\n":
            raise NotAllowed("the courier did not begin")
        self.middle.run("ip", "link", "set", "late0", "up")
        self.middle.run("sh", "-c", "echo 0 >/proc/sys/net/ipv4/conf/late0/rp_filter")
        self.middle.run("ip", "route", "add", "default", "dev", "late0", "table", "100")

    def close(self):
        """Once more does nothing. The names are free again when it returns; the kernel takes a namespace apart later."""
        if self.is_closed:
            return
        self.is_closed = True
        run("ip", "link", "del", "dn0")
        if self.courier:
            self.courier.stdin.close()
            self.courier.wait()
            self.courier.stdout.close()
        self.house.close()
        self.middle.close()

    # -- what a line is

    def addresses(self, n):
        """Where its broker stands, and where it can move to. Of the same length for all lines."""
        return f"{PLATFORM_NET}.{101 + n}", f"{PLATFORM_NET}.{201 + n}"

    def host(self, n):
        """What the gateway's file calls the broker."""
        return HOST_NAME.format(n) if self.has_names else self.addresses(n)[0]

    def certify(self, pki):
        """A certificate for the broker that bears all its names, from the CA of deploy/pki.sh."""
        names = ["IP:127.0.0.1"] + [("DNS:" if self.has_names else "IP:") + self.host(n) for n in range(len(self.modes))]
        with open(pki + "/server.ext", "w", encoding="ascii") as file:
            file.write("basicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature\nextendedKeyUsage=serverAuth\n"
                       f"subjectAltName={','.join(names)}\nauthorityKeyIdentifier=keyid\n")
        run("openssl", "req", "-new", "-key", pki + "/server.key", "-subj", "/O=Weiyu throw-away PKI/CN=localhost", "-out",
            pki + "/server.csr")
        run("openssl", "x509", "-req", "-in", pki + "/server.csr", "-CA", pki + "/ca.crt", "-CAkey", pki + "/ca.key",
            "-CAcreateserial", "-days", "30", "-extfile", pki + "/server.ext", "-out", pki + "/server.crt")

    def all_modes(self):
        return list(MODES) + (list(COURIER_MODES) if self.courier else [])

    def become(self, n, mode):
        """mode: good, or a row of the tables above."""
        self.modes[n] = mode
        self.apply()

    def apply(self):
        """All rules anew, at once."""
        marks, rules = [], ["udp dport 53 drop"]  # a name server that says nothing
        late = {}
        for n, mode in enumerate(self.modes):
            ours = ", ".join(self.addresses(n))
            if mode in COURIER_MODES:
                marks += [f"{way} {{ {ours} }} meta mark set 1" for way in ("ip daddr", "ip saddr")]
                late.update({address: COURIER_MODES[mode] for address in self.addresses(n)})
            if self.moved[n]:
                old = self.addresses(n)[0]
                rules += [f"ip daddr {old} drop", f"ip saddr {old} drop"]
            twice = {"UP": f"dup to {self.addresses(n)[0]} device p0", "DOWN": f"dup to {self.house_address} device h0"}
            for rule in MODES.get(mode, ()):
                way, what = rule.split(" ", 1)
                match = f"ip {'daddr' if way == 'UP' else 'saddr'} {{ {ours} }} "
                rules.append(match + what.replace("TWICE", twice[way]))
        if self.courier:
            self.courier.stdin.write(json.dumps(late) + "\n")
            self.courier.stdin.flush()
        self.middle.run("nft", "-f", "-", text="\n".join(
            ["flush ruleset", "table ip way {", "chain marked {", "type filter hook prerouting priority -150"]
            + ['iifname != "late0" ' + mark for mark in marks]
            + ["}", "chain forward {", "type filter hook forward priority 0", *rules, "}", "}", ""]))

    # -- names

    def hosts_text(self):
        return "127.0.0.1 localhost\n" + "".join(
            f"{self.addresses(n)[self.moved[n]]} {(NO_NAME if self.hidden[n] else HOST_NAME).format(n)}\n"
            for n in range(len(self.modes)))

    def rewrite_hosts(self):
        """In one piece: whoever reads it sees the old names or the new ones."""
        file = os.open(self.hosts, os.O_WRONLY)
        os.pwrite(file, self.hosts_text().encode("ascii"), 0)
        os.close(file)

    def move(self, n, is_moved):
        """The broker of a line gets another address, the old one answers nobody any more; and back."""
        self.moved[n] = is_moved
        self.rewrite_hosts()
        self.apply()

    def hide(self, n, is_hidden):
        """The name of a broker is known to nobody, and the name server is silent; and back."""
        self.hidden[n] = is_hidden
        self.rewrite_hosts()

    # -- what befalls the whole house

    def unplug(self):
        """The cable: no carrier at either end."""
        self.middle.run("ip", "link", "set", "h0", "down")

    def plug(self):
        self.middle.run("ip", "link", "set", "h0", "up")

    def switch_off(self):
        """The house's own interface, and with it its routes."""
        self.house.run("ip", "link", "set", "up0", "down")

    def switch_on(self):
        self.dress_house()

    def renumber(self):
        """The house gets another address; what stood on the old one hangs."""
        old = self.house_address
        self.house_address = next(address for address in HOUSE_ADDRESSES if address != old)
        self.house.run("ip", "addr", "del", old + "/24", "dev", "up0")
        self.dress_house()
        self.apply()


# ---- The courier -------------------------------------------------------------------------------------------------

def open_tun(name):
    import fcntl
    import struct
    tun = os.open(TUN, os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(tun, 0x400454CA, struct.pack("16sH22x", name.encode(), 0x0001 | 0x1000))  # TUNSETIFF: packets, no header
    return tun


def deliver(tun, waiting):
    now = time.monotonic()
    while waiting and waiting[0][0] <= now:
        try:
            os.write(tun, heapq.heappop(waiting)[2])
        except OSError:
            pass  # a link that is down: lost, as packets are


def courier(seed):
    """Takes packets from late0 and gives them back as its last order says: {address: [from, to, doubled in a hundred]}."""
    chance, orders, waiting, count = random.Random(seed), {}, [], 0
    tun = open_tun("late0")
    print("ready", flush=True)
    while True:
        pause = max(0.0, waiting[0][0] - time.monotonic()) if waiting else None
        ready, _, _ = select.select([tun, sys.stdin], [], [], pause)
        if sys.stdin in ready:
            line = sys.stdin.readline()
            if not line:
                return
            orders = json.loads(line)
        if tun in ready:
            packet = os.read(tun, 65536)
            ends = (".".join(map(str, packet[16:20])), ".".join(map(str, packet[12:16])))
            first, last, doubled = next((orders[end] for end in ends if end in orders), (0, 0, 0))
            for _ in range(2 if chance.random() * 100 < doubled else 1):
                count += 1
                heapq.heappush(waiting, (time.monotonic() + chance.uniform(first, last), count, packet))
        deliver(tun, waiting)


if __name__ == "__main__":
    courier(int(sys.argv[2]))
