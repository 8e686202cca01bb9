"""Nobody hears what was not told to them, shared with them or kept for them, whatever happened in which order.

And what they may hear and ask for by name, they hear: a product that recalls nothing would be silent about everything.
"""

import os
from random import Random

import pytest

from tests.isolation.acts import ACTS
from tests.isolation.machine import Size, Stores, run
from tests.isolation.telling import Tally

PROMPTS = 20_000
OFTEN = 15  # times that each act is done


@pytest.mark.timeout(150)
def test_short_stories(stores: Stores) -> None:
    """Two, in which each act is drawn about once."""
    tally = Tally()
    run(stores, Size(), tally, seeded=11, stories=2)
    assert tally.prompts > 150
    assert tally.heard > 30


@pytest.mark.timeout(3600)
def test_two_hundred_contacts_with_twenty_facts_each(stores: Stores, long: bool) -> None:
    if not long:
        pytest.skip("takes a quarter of an hour: --long")
    seeds, tally = Random(os.environ.get("ISOLATION_SEED") or 20), Tally()
    while tally.prompts < PROMPTS or any(tally.acts[act] < OFTEN for act in ACTS):
        seeded = seeds.randrange(1 << 32)
        run(stores, Size(contacts=200, facts=20, asked=50, acts=120), tally, seeded=seeded)
        print(f"seed {seeded}: no violation. In all: {tally}", flush=True)
