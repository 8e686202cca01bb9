"""One line of the table: a figure, and what it is held against."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil, inf
from types import MappingProxyType
from typing import Any

from secondme.bench.machine import Noise

type Detail = Mapping[str, Any]
_NONE: Detail = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Row:
    """`ratio` is value / bar: of a target it should be at most 1, of a peer at least what `met` was judged by."""

    name: str
    value: float | None
    unit: str = ""  # ms, s, MB, /s; empty for a share
    bar: float | None = None
    against: str = ""  # what `bar` is: "target", or the peer's name
    wanted: str = ""  # what the ratio should be, such as "≥ 0.7"
    met: bool | None = None
    note: str = ""
    detail: Detail = _NONE  # more figures, for programs
    section: str = ""
    noise: Noise | None = None

    @property
    def ratio(self) -> float | None:
        return self.value / self.bar if self.value is not None and self.bar else None


def plain(name: str, value: float, unit: str, note: str = "", detail: Detail = _NONE) -> Row:
    """A figure that is information."""
    return Row(name, value, unit, note=note, detail=detail)


def within(name: str, value: float, unit: str, most: float, note: str = "", detail: Detail = _NONE) -> Row:
    """A figure that should stay below `most`."""
    return Row(name, value, unit, most, "target", "< 1", value < most, note, detail)


def beside(
    name: str,
    value: float,
    unit: str,
    peer: tuple[str, float],
    least: float,
    note: str = "",
    stretch: float | None = None,
) -> Row:
    """A figure that should be at least `least` times the peer's (its name and figure), measured in the same run.

    `stretch` is told beside it: what would be better still.
    """
    wanted = f"≥ {least:g}" + (f" (stretch {stretch:g})" if stretch else "")
    return Row(name, value, unit, peer[1], peer[0], wanted, value >= least * peer[1], note)


def under(
    name: str, value: float, unit: str, peer: tuple[str, float], note: str = "", most: float = 1
) -> Row:
    """A figure that should be no more than `most` times the peer's, measured in the same run."""
    return Row(name, value, unit, peer[1], peer[0], f"≤ {most:g}", value <= most * peer[1], note)


def skipped(name: str, why: str) -> Row:
    """What could not be measured here."""
    return Row(name, None, note=why)


@dataclass(frozen=True, slots=True)
class Spread:
    """Percentiles of durations, in ms."""

    p50: float
    p95: float
    p99: float
    most: float

    @classmethod
    def of(cls, values: Sequence[float]) -> "Spread":
        """By nearest rank; infinite values (what never came) count. Of nothing, infinite."""
        ordered = sorted(values) or [inf]
        return cls(*(ordered[max(ceil(share * len(ordered)) - 1, 0)] for share in (0.5, 0.95, 0.99, 1)))

    def note(self) -> str:
        shown = (("p50", self.p50), ("p95", self.p95), ("most", self.most))
        return ", ".join(f"{name} {'never' if ms == inf else f'{ms:,.1f}'}" for name, ms in shown)

    def as_detail(self) -> dict[str, float | None]:
        """For JSON, which knows no infinity: None where something never came."""
        return {
            name: None if value == inf else round(value, 2)
            for name, value in (("p50", self.p50), ("p95", self.p95), ("p99", self.p99), ("most", self.most))
        }
