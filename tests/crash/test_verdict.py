"""The judge of the rigs sees what is wrong, allows what is documented, and nothing beside."""
import json

from verdict import DAMAGED, PUT_BACK, judge_faults, judge_streams, read_truth, ticket_key

E1, E2 = "0123456789abcdef", "fedcba9876543210"
FAULT = "A-1/WTR-01"
PHASES = [[100.0, 110.0], [200.0, 210.0]]


def event(verb, arrived, epoch=E1, episode=1, rev=1, told_in=None, at=None):
    """at: seconds of 1970 on its stamp; told_in: the epoch whose number it bears."""
    at = arrived if at is None else at
    event.seq += 1
    return {"verb": verb, "time": f"1970-01-01T00:{int(at) // 60:02d}:{int(at) % 60:02d}.000+00:00", "gateway": "gw",
            "epoch": told_in or epoch, "seq": event.seq, "arrived": arrived, "key": FAULT,
            "ticket": ticket_key(FAULT, epoch, episode), "episode": episode, "rev": rev}


event.seq = 0


def phase(n, epoch=E1, episode=None):
    begun, over = PHASES[n]
    episode = episode or n + 1
    return [event("opened", begun + 2, epoch, episode), event("cleared", over + 2, epoch, episode, 2)]


def judged(events, phases=PHASES, hurts=(), **options):
    return judge_faults({FAULT: phases}, sorted(events, key=lambda e: e["arrived"]), hurts=hurts, **options)


def test_a_story_that_is_right_is_right():
    assert judged(phase(0) + phase(1)) == ([], {}, [])


def test_a_ticket_that_is_missing_doubled_or_false_is_seen():
    assert "has no ticket" in judged(phase(0))[0][0]
    assert "has 2 tickets" in judged(phase(0) + phase(1) + [event("opened", 211, episode=3),
                                                            event("cleared", 212, episode=3, rev=2)])[0][0]
    assert "before the fault did" in judged([event("opened", 50)] + phase(1))[0][0]
    assert "nobody gave cause" in judge_faults({}, phase(0))[0][0]


def test_an_end_or_a_revision_that_is_missing_is_seen():
    assert "has 1:opened" in judged(phase(0)[:1] + phase(1))[0][0]
    assert "revisions are missing" in judged(phase(0)[1:] + phase(1))[0][0]
    assert "episodes [1, 3]" in judged(phase(0) + phase(1, episode=3))[0][0]


def test_a_revision_that_comes_twice_within_an_epoch_is_seen():
    assert "twice" in judged(phase(0) + [event("cleared", 113, rev=2)] + phase(1))[0][0]


def test_a_stamp_outside_of_the_fault_is_seen_where_stamps_are_judged():
    early = [event("opened", 102, at=99), event("cleared", 112, rev=2)]
    assert "stood" in judged(early + phase(1))[0][0]
    assert judged(early + phase(1), is_timed=lambda key, n: False)[0] == []


def test_only_the_first_ticket_of_a_new_epoch_may_open_before_its_fault_stands_anew():
    early = [event("opened", 201, E2, 2, at=198), event("cleared", 212, E2, 2, 2)]
    assert judged(phase(0) + early, hurts=[(150, DAMAGED)])[:2] == ([], {"told again before it stood anew": 1})
    late = [event("opened", 201, E2, 2, at=198), event("cleared", 204, E2, 2, 2)]
    assert "stood" in judged(phase(0) + late, hurts=[(150, DAMAGED)])[0][0]


def test_a_new_epoch_may_tell_a_fault_again_once():
    again = [event("opened", 102), event("opened", 108, E2, 2), event("cleared", 112, E2, 2, 2)]
    second = phase(1, E2, 3)
    wrong, tally, _ = judged(again + second, hurts=[(105, DAMAGED)])
    assert wrong == [] and tally == {"ended by the next epoch": 1, "told again": 1}
    assert judged(again + second)[0], "nothing was hurt, and a ticket has no end"
    third = [event("opened", 109, E2, 3), event("cleared", 113, E2, 3, 2)]
    assert "has 3 tickets" in judged(again + third + phase(1, E2, 4), hurts=[(105, DAMAGED)])[0][0]


def test_a_ticket_may_lack_its_end_only_where_the_store_was_hurt_meanwhile():
    lost = phase(0)[:1] + phase(1, E2)
    wrong, tally, allowed = judged(lost, hurts=[(105, DAMAGED)])
    assert wrong == [] and tally == {f"ends nobody told {DAMAGED}": 1} and "WTR-01" in allowed[0]
    assert judged(lost, hurts=[(105, DAMAGED), (106, PUT_BACK)])[1] == {f"ends nobody told {PUT_BACK}": 1}
    assert "has 1:opened" in judged(lost, hurts=[(50, DAMAGED)])[0][0]
    assert "has 1:opened" in judged(phase(0)[:1] + phase(1), hurts=[(105, DAMAGED)])[0][0], "its epoch went on"


def test_epochs_the_desk_never_heard_of_are_not_one():
    unheard = ["1" * 16, "2" * 16]
    story = phase(0)[:1] + [event("opened", 103, unheard[0], 2, told_in=E2), event("opened", 104, E2, 3), event("cleared", 112, E2, 3, 2),
                            event("opened", 202, unheard[1], 4, told_in=E2), event("opened", 203, E2, 5),
                            event("cleared", 212, E2, 5, 2)]
    wrong, tally, _ = judged(story, hurts=[(101, DAMAGED), (201, DAMAGED)])
    assert [w for w in wrong if "has 1:opened" in w] == [] and tally["ended by the next epoch"] == 3


def test_what_waited_may_come_under_a_later_epochs_numbers():
    moved = [event("opened", 102), event("cleared", 112, rev=2, told_in=E2), event("cleared", 113, rev=2, told_in=E1)]
    assert judged(moved + phase(1, E2), hurts=[(111, DAMAGED)])[:2] == ([], {})


def test_a_fault_that_stands_needs_its_ticket():
    standing = [[100.0, 110.0], [200.0, None]]
    assert judged(phase(0) + phase(1)[:1], standing)[0] == []
    assert "has no ticket" in judged(phase(0), standing)[0][0]


def rows_of(inbox, tickets=(), parked=(), last=E1):
    def rows(sql):
        if "from gateway" in sql:
            return [("gw", last)]
        return parked if "parked" in sql else tickets if "from ticket" in sql else inbox
    return rows


def test_numbers_and_open_tickets_are_judged():
    whole = [("/weiyu/gw", E1, 4, 4, 1, 4, 100)]
    root = (FAULT, ticket_key(FAULT, E1, 2), None, 2, E1)
    assert judge_streams(rows_of(whole)) == ([], 0)
    assert judge_streams(rows_of(whole, [root]), [FAULT]) == ([], 0)
    assert "work items" in judge_streams(rows_of(whole, [root]))[0][0]
    assert "work items" in judge_streams(rows_of(whole), [FAULT])[0][0]
    assert "tickets of the last epoch" in judge_streams(rows_of(whole, [(*root[:4], E2)]), [FAULT])[0][0]
    assert "4 numbers" in judge_streams(rows_of([("/weiyu/gw", E1, 4, 4, 1, 5, 100)]))[0][0]
    two = whole + [("/weiyu/gw", E2, 2, 2, 1, 3, 200)]
    assert len(judge_streams(rows_of(two))[0]) == 2
    two[0], two[1] = ("/weiyu/gw", E1, 4, 4, 1, 6, 100), ("/weiyu/gw", E2, 2, 2, 1, 2, 200)
    assert judge_streams(rows_of(two), most_epochs=3) == ([], 2)
    two = [(*row[:6], 100) for row in two]
    assert judge_streams(rows_of(two, last=E2), most_epochs=3) == ([], 2), "both first heard of within one millisecond"
    refused = [("/weiyu/gw", E1, 3, "gone: said by the gateway")]
    assert judge_streams(rows_of(two, (), refused, E2), most_epochs=3)[0] == []
    assert "rejected" in judge_streams(rows_of(whole, (), refused))[0][0]


def test_truth_is_what_the_simulator_logged(tmp_path):
    lines = [{"t_ms": 1000, "event": "start", "values": {"d": {"a": False, "b": True}}},
             {"t_ms": 2000, "event": "set", "device": "d", "point": "a", "value": True},
             {"t_ms": 3000, "event": "set", "device": "d", "point": "b", "value": False},
             {"t_ms": 4000, "event": "unplug", "device": "d"}, {"t_ms": 5000, "event": "plug", "device": "d"},
             {"t_ms": 6000, "event": "set", "device": "d", "point": "a", "value": True}]
    path = tmp_path / "truth.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    causes = {"both": ("d", {"a": True, "b": True}), "a": ("d", {"a": True}), "plug": ("d", {None: False})}
    assert read_truth(path, causes) == {"both": [[2.0, 3.0]], "a": [[2.0, None]], "plug": [[4.0, 5.0]]}
