"""Ids that are made by the thousand are unique, in order of time, and such as every other UUID."""

import time
from uuid import UUID

from secondme.stores.ledger.ids import new_id


def test_they_are_uuids_of_version_7_in_order_of_time() -> None:
    made = []
    for _ in range(5):
        made += [new_id() for _ in range(200)]
        time.sleep(0.002)
    assert len(set(made)) == 1000
    assert [one.int >> 80 for one in made] == sorted(one.int >> 80 for one in made)
    for one in made[:10]:
        plain = UUID(str(one))
        assert (plain.version, plain.variant) == (7, "specified in RFC 4122")
        assert plain == one and hash(plain) == hash(one)
        assert abs((plain.int >> 80) / 1000 - time.time()) < 60


def test_in_one_millisecond_too_they_are_in_order() -> None:
    """Within four thousandths of it; a message takes longer than that to be read."""
    made = []
    for _ in range(100):
        made.append(new_id())
        ends = time.perf_counter_ns() + 10_000
        while time.perf_counter_ns() < ends:
            pass
    assert made == sorted(made)
