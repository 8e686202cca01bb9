"""The breaker, by its rules and over random histories."""

from hypothesis import given
from hypothesis import strategies as st

from secondme.domain.breaker import FAILURES, LONGEST_REST, REST, Breaker, State, Ticket


def taken(breaker: Breaker, now: float) -> Ticket:
    ticket = breaker.admit(now)
    assert ticket is not None
    return ticket


def opened(now: float = 0.0) -> Breaker:
    breaker = Breaker()
    for _ in range(FAILURES):
        breaker.failed(taken(breaker, now), now)
    return breaker


def test_it_opens_at_the_fifth_failure_in_a_row() -> None:
    breaker = Breaker()
    for _ in range(FAILURES - 1):
        breaker.failed(taken(breaker, 0), 0)
    assert breaker.state(0) is State.CLOSED
    breaker.succeeded(taken(breaker, 0))
    for _ in range(FAILURES - 1):
        breaker.failed(taken(breaker, 1), 1)
    assert breaker.state(1) is State.CLOSED
    breaker.failed(taken(breaker, 1), 1)
    assert breaker.state(1) is State.OPEN
    assert breaker.admit(1 + REST - 0.01) is None
    assert breaker.passes_in(1) == REST


def test_one_probe_decides() -> None:
    breaker = opened()
    probe = taken(breaker, REST)
    assert breaker.state(REST) is State.HALF_OPEN
    assert breaker.admit(REST) is None
    breaker.succeeded(probe)
    assert breaker.state(REST) is State.CLOSED
    breaker = opened()
    breaker.failed(taken(breaker, REST), REST)
    assert breaker.state(REST) is State.OPEN
    assert breaker.admit(2 * REST - 0.01) is None
    assert breaker.admit(2 * REST) is not None


def test_a_probe_that_is_given_up_or_never_ends_frees_its_place() -> None:
    breaker = opened()
    breaker.abandoned(taken(breaker, REST))
    lost = taken(breaker, REST)
    assert breaker.admit(2 * REST - 0.01) is None
    second = taken(breaker, 2 * REST)
    breaker.failed(lost, 2 * REST)
    breaker.succeeded(second)
    assert breaker.state(2 * REST) is State.CLOSED


def test_what_was_asked_before_it_opened_neither_closes_nor_prolongs_it() -> None:
    breaker = Breaker()
    early = [taken(breaker, 0) for _ in range(10)]
    for ticket in early[:FAILURES]:
        breaker.failed(ticket, 1)
    breaker.succeeded(early[-1])
    breaker.failed(early[-2], 20)
    assert breaker.state(1 + REST - 0.01) is State.OPEN
    assert breaker.state(1 + REST) is State.HALF_OPEN


def test_a_service_that_asks_for_time_gets_it_at_once() -> None:
    breaker = Breaker()
    early, late = taken(breaker, 0), taken(breaker, 0)
    breaker.failed(early, 0, retry_after=7)
    assert breaker.admit(6.9) is None
    breaker.failed(late, 5, retry_after=10)
    assert breaker.admit(14.9) is None
    assert breaker.admit(15) is not None
    greedy = Breaker()
    greedy.failed(taken(greedy, 0), 0, retry_after=10**9)
    assert greedy.passes_in(0) == LONGEST_REST


@given(st.lists(st.tuples(st.sampled_from(["ask", "ok", "fail", "drop"]), st.floats(0, 40)), max_size=60))
def test_never_more_than_one_probe_and_never_shut_for_good(steps: list[tuple[str, float]]) -> None:
    breaker, now, held = Breaker(), 0.0, list[Ticket]()
    for step, passed in steps:
        now += passed
        if step == "ask":
            before = breaker.state(now)
            ticket = breaker.admit(now)
            if ticket is not None:
                held.append(ticket)
                assert before is not State.OPEN
                if before is State.HALF_OPEN:
                    assert breaker.admit(now) is None
        elif held:
            ticket = held.pop(0)
            match step:
                case "ok":
                    breaker.succeeded(ticket)
                case "fail":
                    breaker.failed(ticket, now)
                case _:
                    breaker.abandoned(ticket)
    later = now + breaker.passes_in(now) + 0.001
    breaker.succeeded(taken(breaker, later))
    assert breaker.state(later) is State.CLOSED
