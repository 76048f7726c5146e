"""verdict.py: the one judge of all rigs here: what the desk's database has, held against what the simulator logged.

A fault comes and goes in phases, which the simulator's log tells. Each ticket belongs to the phase in which the desk first heard
of it, since no phase ends, and none begins, before the desk has all of the last. So a phase has one ticket, opened
once and ended once, with every revision, within the times of the fault.

Where a store was damaged or put back to an old copy, the gateway goes on under a new epoch, and docs/reliability.md allows three
things more. They are counted, never silently taken: a fault is told again, once for each new epoch, under that epoch's first
key of it; an old epoch's last ticket of a fault may lack revisions, or its end, where the store was hurt, or the new epoch came,
after the fault began and before it came again. What shows in any other ticket is wrong, and what the last epoch says must be
whole. Only Python's standard library.
"""
import base64
import bisect
import collections
import datetime
import hashlib
import json

INBOX = "select epoch, seq, received_at, body from inbox where seq > 0"


# ---- What was so -------------------------------------------------------------------------------------------------

def read_truth(path, causes):
    """Phases of each fault, [begun, over] in Unix seconds, over is None while it stands. causes: {key: (device, {point: value
    with which it stands})}; the point None is the plug: False is pulled."""
    now, phases = {}, {key: [] for key in causes}
    of_device = collections.defaultdict(list)
    for key, (device, points) in causes.items():
        of_device[device].append((key, points))
    with open(path, encoding="utf-8") as lines:
        for line in map(json.loads, lines):
            if line["event"] == "start":
                now = {(device, point): value for device, points in line["values"].items()
                       for point, value in points.items()}
            elif line["event"] == "set":
                now[line["device"], line["point"]] = line["value"]
            elif line["event"] in ("plug", "unplug"):
                now[line["device"], None] = line["event"] == "plug"
            else:
                continue
            for key, points in of_device[line.get("device")]:
                is_on = all(now.get((line["device"], point)) is value for point, value in points.items())
                was_on = bool(phases[key]) and phases[key][-1][1] is None
                if is_on and not was_on:
                    phases[key].append([line["t_ms"] / 1000, None])
                elif was_on and not is_on:
                    phases[key][-1][1] = line["t_ms"] / 1000
    return phases


# ---- What was told -----------------------------------------------------------------------------------------------

def epoch_text(cell):
    """psql's rows come as text, and digits become numbers."""
    return str(cell).rjust(16, "0")


def read_event(epoch, seq, received_at, body):
    """What is judged of a row of the inbox; None: it is about no ticket."""
    event = json.loads(body)
    if ".ticket." not in event["type"] or "dedup_key" not in event["data"]:
        return None
    data = event["data"]
    return {"verb": event["type"].split(".")[-2], "time": event["time"], "gateway": event["source"].split("/")[-1],
            "epoch": epoch_text(epoch), "seq": int(seq), "arrived": int(received_at) / 1000,
            "key": data["dedup_key"], "ticket": data["ticket_key"], "episode": data["episode"], "rev": data["rev"]}


def read_events(rows, last=None):
    """In order of arrival. last: the epoch the gateway is in, which comes last of what came within one millisecond."""
    return sorted((event for event in (read_event(*row) for row in rows) if event),
                  key=lambda e: (e["arrived"], e["epoch"] == last, e["epoch"], e["seq"]))


def last_epochs(rows):
    """{gateway: the epoch the desk knows it to be in}. rows(sql) gives rows."""
    return {gateway: epoch_text(epoch) for gateway, epoch in rows("select gw, epoch from gateway")}


def ticket_key(dedup, epoch, episode):
    digest = hashlib.sha256(dedup.encode() + b"\0" + bytes.fromhex(epoch) + episode.to_bytes(8, "big")).digest()
    return "tk_" + base64.b32encode(digest).decode().lower()[:26]


def seconds_of(stamp):
    return datetime.datetime.fromisoformat(stamp).timestamp()


class Ticket:
    def __init__(self, first, epochs):
        self.key, self.fault, self.episode, self.arrived = first["ticket"], first["key"], first["episode"], first["arrived"]
        # None: of one that came and went without a word to the desk; there may be several.
        self.epoch = next((e for e in epochs if ticket_key(self.fault, e, self.episode) == self.key), None)
        self.revs = {}
        self.window = None
        self.is_first = False   # of its epoch, which is not the first epoch

    def add(self, event):
        """Yields what is wrong. The first word on a revision stands; a later epoch may repeat it."""
        if event["episode"] != self.episode or event["key"] != self.fault:
            yield f"{self.fault}: {self.key} is of episodes {self.episode} and {event['episode']}"
        known = self.revs.setdefault(event["rev"], event)
        if known is not event and known["epoch"] == event["epoch"]:
            yield f"{self.fault}: {self.key} has rev {event['rev']} twice, as {known['seq']} and {event['seq']}"

    def told(self):
        return [self.revs[rev] for rev in sorted(self.revs)]

    def missing(self):
        return max(self.revs) - len(self.revs)

    def ends(self):
        """Up to its first end by its own epoch; what a later epoch says of one that is over is old news."""
        ends = []
        for event in self.told():
            if event["verb"] != "updated" and not (ends[-1:] == ["cleared"] and event["epoch"] != self.epoch):
                ends.append(event["verb"])
        return ends

    def end(self):
        return next((e for e in self.told() if e["verb"] == "cleared"), None)

    def is_plain(self):
        """Told in its own epoch, whole."""
        return not self.missing() and self.ends() == ["opened", "cleared"] and \
            all(e["epoch"] == self.epoch for e in self.told())


# ---- The judge ---------------------------------------------------------------------------------------------------

DAMAGED, PUT_BACK = "with what was damaged", "because the copy put back did not know"


class Judge:
    """heard: {epoch: Unix seconds of its first event at the desk} of one gateway. hurts: (Unix seconds, DAMAGED or PUT_BACK) of
    what was done to its store. tally, allowed: what was told again, or was lost as documented, counted and in words."""

    def __init__(self, heard, hurts):
        self.heard, self.epochs, self.hurts = heard, sorted(heard, key=heard.get), sorted(hurts)
        self.tally, self.allowed = collections.Counter(), []

    def judge_fault(self, fault, phases, events, is_timed=lambda n: True):
        """events: those of this fault in order of arrival. is_timed(n): are the stamps of phase n judged? Yields what is wrong."""
        tickets = {}
        for event in events:
            ticket = tickets.setdefault(event["ticket"], Ticket(event, self.epochs))
            yield from ticket.add(event)
        tickets = list(tickets.values())
        yield from self.place(fault, phases, tickets)
        yield from self.judge_episodes(fault, tickets)
        for ticket in tickets:
            yield from self.judge_ticket(ticket, tickets, phases)
        for n, phase in enumerate(phases):
            own = [t for t in tickets if t.window == n]
            yield from self.judge_phase(fault, n, phase, own, tickets)
            if len(own) == 1 and own[0].is_plain() and is_timed(n):
                yield from self.judge_times(own[0], phase)

    def place(self, fault, phases, tickets):
        begun = [phase[0] for phase in phases]
        seen = set()
        for ticket in tickets:
            ticket.window = bisect.bisect_right(begun, ticket.arrived + 0.001) - 1
            ticket.is_first = ticket.epoch is None or (ticket.epoch not in seen and ticket.epoch != self.epochs[0])
            seen.add(ticket.epoch)
            if ticket.window < 0:
                yield f"{fault}: {ticket.key} came before the fault did"
            if ticket.epoch is None and len(self.epochs) == 1:
                yield f"{fault}: {ticket.key} is no key of epoch {self.epochs[0]}"

    def judge_episodes(self, fault, tickets):
        for epoch in self.epochs:
            episodes = [t.episode for t in tickets if t.epoch == epoch]
            first = 1 if epoch == self.epochs[0] else episodes[0] if episodes else 0
            if episodes != list(range(first, first + len(episodes))):
                yield f"{fault}: episodes {episodes} in epoch {epoch}"

    def judge_ticket(self, ticket, tickets, phases):
        later = tickets[tickets.index(ticket) + 1:]
        has_heir = any(t.window == ticket.window for t in later)
        is_last = ticket.epoch is None or all(t.epoch != ticket.epoch for t in later)
        may_lack = is_last and ticket.epoch != self.epochs[-1] and \
            ((has_heir and bool(self.hurts)) or self.why(ticket, phases) is not None)
        words = " ".join(f"{e['rev']}:{e['verb']}" for e in ticket.told())
        if ticket.missing():
            self.allow(f"revisions lost {self.why(ticket, phases) or 'for no cause'}", f"{ticket.fault}: {ticket.key} has {words}",
                       ticket.missing())
        ends = ticket.ends()
        is_standing = not later and phases and phases[-1][1] is None
        if ticket.missing() and not may_lack:
            yield f"{ticket.fault}: {ticket.key} has {words}: revisions are missing"
        elif ends in (["opened", "cleared"], ["cleared"] if ticket.missing() else None):
            pass
        elif ends in (["opened"], [] if ticket.missing() else None) and (is_standing or may_lack):
            if not is_standing:
                self.allow("ended by the next epoch" if has_heir else f"ends nobody told {self.why(ticket, phases)}",
                           f"{ticket.fault}: {ticket.key} of phase {ticket.window + 1} has {words}")
        else:
            yield f"{ticket.fault}: {ticket.key} has {words}"

    def why(self, ticket, phases):
        """What was done to the store while this was told, or before: where the desk finds it out the new epoch comes later. None:
        neither."""
        begun = phases[ticket.window][0] if 0 <= ticket.window < len(phases) else 0.0
        until = phases[ticket.window + 1][0] if ticket.window + 1 < len(phases) else float("inf")
        before = [what for at, what in self.hurts if at <= until]
        while_told = {what for at, what in self.hurts if begun <= at <= until}
        if while_told:
            return PUT_BACK if PUT_BACK in while_told else DAMAGED
        is_new = any(begun <= at <= until for at in self.heard.values() if at > min(self.heard.values()))
        return before[-1] if before and is_new else None

    def allow(self, what, words, n=1):
        self.tally[what] += n
        self.allowed.append(f"{what}: {words}")

    def judge_phase(self, fault, n, phase, own, tickets):
        again = sum(t.is_first for t in own)
        if len(own) > 1:
            self.allow("told again", f"{fault}: phase {n + 1} has {' '.join(t.key for t in own)}", min(again, len(own) - 1))
        if len(own) > 1 + again or (again == 0 and len(own) > 1):
            yield f"{fault}: phase {n + 1} has {len(own)} tickets: {' '.join(t.key for t in own)}"
        if own:
            return
        before = [t for t in tickets if t.window == n - 1 and t.is_first]
        if not any(not t.end() or t.end()["arrived"] >= phase[0] for t in before):
            yield f"{fault}: phase {n + 1}, {phase[0]:.3f} to {phase[1] or 0:.3f}, has no ticket"

    def judge_times(self, ticket, phase):
        """Stamps have milliseconds, cut off. A memory that lost its latest turns may tell again what is over, and it may stand anew
        before that is found out."""
        told, (begun, over) = ticket.told(), phase
        opened, cleared = seconds_of(told[0]["time"]), seconds_of(ticket.end()["time"])
        is_early = opened + 0.001 < begun
        words = f"{ticket.fault}: episode {ticket.episode} opened {told[0]['time']} cleared {ticket.end()['time']}, the fault " \
                f"stood {begun:.3f} to {over or 0:.3f}"
        if is_early and ticket.is_first:
            self.allow("told again before it stood anew", words)
        if (is_early and not ticket.is_first) or over is None or opened > over or cleared + 0.001 < over:
            yield words


def first_heard(events, gateway):
    heard = {}
    for event in events:
        if event["gateway"] == gateway:
            heard.setdefault(event["epoch"], event["arrived"])
    return heard


def judge_faults(truth, events, is_timed=lambda key, n: True, hurts=()):
    """(what is wrong, tally, what is allowed in words) of all gateways. truth: as read_truth() gives it; events: as read_events()
    does."""
    wrong, judges = [], {}
    by_key, gateway_of = collections.defaultdict(list), {}
    for event in events:
        by_key[event["key"]].append(event)
        gateway_of[event["key"]] = event["gateway"]
    for gateway in set(gateway_of.values()):
        judges[gateway] = Judge(first_heard(events, gateway), hurts)
    for key, phases in truth.items():
        judge = judges.get(gateway_of.get(key)) or Judge({}, hurts)
        wrong += judge.judge_fault(key, phases, by_key.pop(key, []), lambda n, key=key: is_timed(key, n))
    for key, strays in by_key.items():
        wrong.append(f"{key}: a ticket nobody gave cause for: {[e['verb'] for e in strays]}, first {strays[0]['time']}")
    tally = sum((judge.tally for judge in judges.values()), collections.Counter())
    return wrong, tally, [line for judge in judges.values() for line in judge.allowed]


Open = collections.namedtuple("Open", "fault key is_root is_own")  # is_own: of the epoch its gateway is in


def open_tickets(rows):
    """What the desk has open. rows(sql) gives rows."""
    return [Open(fault, key, linked in (None, ""), key == ticket_key(fault, epoch_text(epoch), int(episode)))
            for fault, key, linked, episode, epoch in rows(
                "select dedup_key, ticket_key, linked_to, episode, gateway.epoch from ticket join gateway on gw = gateway "
                "where is_ended = 0 and work <> 'closed'")]


def judge_streams(rows, standing=(), most_epochs=1):
    """Numbers, what is open, what was refused. rows(sql) gives rows; standing: keys of the faults that stand at the end.
    Returns (what is wrong, numbers that went with their epochs)."""
    wrong, gone, last_of = [], 0, last_epochs(rows)
    streams = collections.defaultdict(list)
    for source, epoch, n, distinct, first, last, arrived in rows(
            "select source, epoch, count(*), count(distinct seq), min(seq), max(seq), min(received_at) from inbox "
            "where seq > 0 group by source, epoch"):
        is_last = epoch_text(epoch) == last_of.get(source.split("/")[-1])
        streams[source].append((int(arrived), is_last, epoch_text(epoch), int(n), int(distinct), int(first), int(last)))
    for source, epochs in streams.items():
        *old, (_, _, epoch, n, distinct, first, last) = sorted(epochs)
        if len(epochs) > most_epochs:
            wrong.append(f"{source}: {len(epochs)} epochs, and cause for {most_epochs}")
        gone += sum(last_old - n_old for *_, n_old, _, _, last_old in old)
        if first != 1 or not n == distinct == last:
            wrong.append(f"{source}, epoch {epoch}: {n} events, {distinct} numbers, {first} to {last}")
    wanted, still = collections.Counter(standing), open_tickets(rows)
    for what, found in (("work items", (t for t in still if t.is_root)),
                        ("tickets of the last epoch", (t for t in still if t.is_own))):
        found = collections.Counter(t.fault for t in found)
        if found != wanted:
            wrong.append(f"{what} open at the desk: {sorted(found.elements())}, what stands: {sorted(wanted)}")
    for source, epoch, seq, reason in rows("select source, epoch, seq, reason from parked"):
        is_old = any(e == epoch_text(epoch) for _, _, e, *_ in sorted(streams[source])[:-1])
        if not (is_old and reason.startswith("gone:")):
            wrong.append(f"the desk rejected {source}, epoch {epoch}, {seq}: {reason}")
    return wrong, gone
