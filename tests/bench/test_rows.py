"""A figure, what it is held against, and how both are told."""

import json
from math import inf

import pytest

from secondme.bench.machine import Noise
from secondme.bench.rows import Row, Spread, beside, plain, skipped, under, within
from secondme.bench.table import as_json, figure, noise, show


def test_percentiles_are_values_that_were_measured() -> None:
    spread = Spread.of([float(n) for n in range(100, 0, -1)])
    assert (spread.p50, spread.p95, spread.p99, spread.most) == (50, 95, 99, 100)
    assert Spread.of([7.0]) == Spread(7, 7, 7, 7)


def test_what_never_came_reaches_the_percentiles_it_should() -> None:
    spread = Spread.of([1.0] * 97 + [inf] * 3)
    assert spread.p95 == 1
    assert spread.p99 == inf
    assert spread.as_detail()["p99"] is None
    assert "most never" in spread.note()


def test_nothing_measured_is_not_quick() -> None:
    assert Spread.of([]).p50 == inf


def test_a_target_is_met_below_it() -> None:
    assert within("a", 49.9, "ms", 50).met is True
    assert within("a", 50.0, "ms", 50).met is False
    assert within("a", inf, "ms", 50).met is False
    assert within("a", 25.0, "ms", 50).ratio == 0.5


def test_a_peer_is_met_from_the_wanted_ratio_on() -> None:
    assert beside("a", 70, "/s", ("peer", 100), 0.7).met is True
    assert beside("a", 69, "/s", ("peer", 100), 0.7).met is False
    assert beside("a", 300, "/s", ("peer", 100), 0.7).ratio == 3


def test_a_peer_is_met_up_to_the_wanted_ratio() -> None:
    assert under("a", 5.0, "ms", ("bare", 2), most=2.5).met is True
    assert under("a", 5.1, "ms", ("bare", 2), most=2.5).met is False
    assert under("a", 2.1, "ms", ("peer", 2)).met is False


def test_information_and_what_was_skipped_meet_nothing() -> None:
    assert plain("a", 5, "/s").met is None
    assert skipped("a", "why").value is None
    assert skipped("a", "why").ratio is None


def test_figures_carry_their_unit() -> None:
    assert figure(1234.56, "ms") == "1,234.6 ms"
    assert figure(16_300.4, "/s") == "16,300/s"
    assert figure(0.3061, "") == "0.306"
    assert figure(inf, "ms") == "never"
    assert figure(None, "ms") == "–"


def some_rows() -> list[Row]:
    loud, quiet = Noise(5.5, 1.4), Noise(0.1, 0.02)
    return [
        Row("slow", inf, "ms", 50, "target", "< 1", False, "n", {"p50": 1}, "replies", loud),
        Row("read", 10.0, "/s", section="import", noise=quiet),
        skipped("beside others", "skipped: needs PEERS"),
    ]


def test_programs_read_every_figure() -> None:
    told = json.loads(as_json({"cores": 2}, some_rows()), parse_constant=lambda name: 1 / 0)
    assert told["machine"] == {"cores": 2}
    slow, read, away = told["rows"]
    assert slow["value"] is None and slow["ratio"] is None and slow["met"] is False
    assert slow["detail"] == {"p50": 1} and slow["noise"] == {"load": 5.5, "others": 1.4}
    assert read["value"] == 10
    assert away["note"] == "skipped: needs PEERS"


def test_a_noisy_machine_is_told() -> None:
    loud = noise(some_rows())
    assert "replies 1.40" in loud[0] and "import 0.02" in loud[0]
    assert "not quiet" in loud[1]
    assert len(noise(some_rows()[1:])) == 1


def test_the_table_shows_every_row(capsys: pytest.CaptureFixture[str]) -> None:
    show({"cores": 2}, some_rows())
    printed = capsys.readouterr().out
    for word in ("cores 2", "slow", "never", "target 50.0 ms", "NO", "read", "10/s", "skipped: needs PEERS"):
        assert word in printed
