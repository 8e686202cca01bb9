"""A stop that only Redis knows, because the ledger could not take it, while the clock is not to be trusted."""

from datetime import UTC, datetime

import pytest

from tests.properties.bench import Bench
from tests.properties.product import read_pauses

PAUSES = "SELECT count(*) FROM pauses WHERE user_id IS NULL"


@pytest.mark.parametrize("back", [0, 1, 1800, 7200])
def test_it_is_taken_over_once_and_lifted_once(bench: Bench, back: int) -> None:
    switch = bench.product.app.switch
    bench.do(bench.product.app.signals.press(datetime.now(UTC)))
    bench.clock.shift(-back)
    assert [bench.do(switch.held()) for _ in range(5)] == [True] * 5
    assert bench.do(bench.product.value(PAUSES)) == 1
    assert bench.do(switch.resume()) == 1
    assert [bench.do(switch.held()) for _ in range(3)] == [False] * 3
    bench.do(bench.product.says("+15550100", "hello?"))
    bench.clock.shift(1)
    bench.do(bench.product.compose())
    bench.do(bench.product.speak())
    assert bench.phones.texts() == ["re: hello?"]


@pytest.mark.parametrize("back", [0, 1800])
def test_what_met_it_is_not_answered_when_it_is_lifted(bench: Bench, back: int) -> None:
    switch = bench.product.app.switch
    bench.do(bench.product.app.signals.press(datetime.now(UTC)))
    bench.do(bench.product.says("+15550100", "hi"))
    bench.clock.shift(-back)
    assert bench.do(switch.held())
    bench.do(bench.product.says("+15550100", "hi"))
    bench.do(switch.resume())
    bench.clock.shift(back + 1)
    bench.do(bench.product.compose())
    bench.do(bench.product.speak())
    assert bench.phones.texts() == []


def test_a_restart_and_a_flush_do_not_lift_it(bench: Bench) -> None:
    bench.do(bench.product.app.signals.press(datetime.now(UTC)))
    assert bench.do(bench.product.app.switch.held())
    bench.restart()
    bench.do(bench.product.app.signals.release(datetime.now(UTC)))
    bench.do(bench.product.app.switch.mirror())
    assert "PAUSE:ALL" in bench.do(read_pauses(bench.options))
    bench.do(bench.product.says("+15550100", "hi"))
    bench.clock.shift(1)
    bench.do(bench.product.compose())
    bench.do(bench.product.speak())
    assert bench.phones.texts() == []
