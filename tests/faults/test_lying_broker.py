"""A broker that acknowledges everything and then loses, doubles and disorders messages, both ways."""
import os

from conftest import make_quick
from lying_broker import LyingBroker
from stage import Desk
from story import LEAK, PIT, SEED, TAMPER, TANK, come, expect, go


def test_a_broker_that_loses_doubles_and_disorders_costs_nothing(building, waiting):
    """A fifth of all messages, both ways, is lost, doubled, or comes behind up to fifty others; all were acknowledged."""
    make_quick(building)
    broker = LyingBroker(building.ports["MQTT"], building.path("pki"), SEED)
    broker.start()
    try:
        building.start_desk()
        building.start_sim()
        building.start_gateway()
        desk = Desk(building.path("desk.db"))
        rounds = 200 if "WY_LONG" in os.environ else 4
        for _ in range(rounds):
            come(building, waiting, LEAK, TANK, TAMPER, PIT)
            go(building, waiting, LEAK, TANK, TAMPER, PIT)
        broker.heal()
        story = " ".join(["opened cleared"] * rounds)
        expect(building, desk, waiting, WTR_01=story, WTR_03=story, ACC_14=story, ELV_26=story)
        assert broker.n_lost and broker.n_doubled and broker.n_disordered
        print(f"seed {SEED}: {broker.n_taken} taken, {broker.n_lost} lost, {broker.n_doubled} doubled, "
              f"{broker.n_disordered} disordered")
    finally:
        broker.stop()
