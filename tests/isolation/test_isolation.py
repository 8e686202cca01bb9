"""Nobody hears what was not told to them, shared with them or kept for them, whatever happened in which order.

And what they may hear and ask for by name, they hear: a product that recalls nothing would be silent about everything.
"""

import os
from random import Random

import pytest

from tests.isolation.machine import Size, Stores, run
from tests.isolation.telling import Tally

PROMPTS = 20_000
_RARE = {
    "merge": 5,
    "unmerge": 2,
    "share": 5,
    "unshare": 2,
    "forget": 5,
    "forget a fact": 5,
    "import of a group": 2,
}


@pytest.mark.timeout(150)
def test_short_stories(stores: Stores) -> None:
    tally = run(stores, Size(), seeded=11, examples=4, steps=12)
    assert tally.prompts > 150
    assert tally.heard > 30


@pytest.mark.timeout(3600)
def test_two_hundred_contacts_with_twenty_facts_each(stores: Stores, long: bool) -> None:
    if not long:
        pytest.skip("takes half an hour: --long")
    seeds, total = Random(os.environ.get("ISOLATION_SEED") or 20), Tally()
    while total.prompts < PROMPTS or any(total.acts[act] < times for act, times in _RARE.items()):
        seeded = seeds.randrange(1 << 32)
        size = Size(contacts=200, facts=20, asked=100)
        tally = run(stores, size, seeded=seeded, examples=2, steps=50)
        total.add(tally)
        print(f"seed {seeded}: {tally}; no violation. In all: {total}", flush=True)
