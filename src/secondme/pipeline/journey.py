"""The table of contents: a claimed conversation goes through these stages in this order.

inbox ─► turns ─► judge ─► recall ─► compose ─► commit ─► outbox
"""

import time
from collections.abc import Sequence
from dataclasses import replace

from secondme.domain.turn import Turn
from secondme.observe import metrics
from secondme.pipeline.compose import Compose
from secondme.pipeline.judge import Judge
from secondme.pipeline.recall import Recall
from secondme.ports import Stage


def journey(judge: Judge, recall: Recall, compose: Compose) -> Stage:
    """The stages between claim and commit, folded into one."""
    return fold([timed("judge", judge), timed("recall", recall), timed("compose", compose)])


def fold(stages: Sequence[Stage]) -> Stage:
    """One stage that is all of them in order."""

    async def run(turn: Turn) -> Turn:
        for stage in stages:
            turn = await stage(turn)
        return turn

    return run


def timed(name: str, stage: Stage) -> Stage:
    """A stage that also notes how long it took, in the Turn and in the histogram."""

    async def run(turn: Turn) -> Turn:
        begin = time.perf_counter()
        with metrics.timed(name):
            turn = await stage(turn)
        seconds = time.perf_counter() - begin
        return replace(turn, timings=(*turn.timings, (name, round(seconds * 1000, 2))))

    return run
