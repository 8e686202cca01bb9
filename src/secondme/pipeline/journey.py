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
    return fold([("judge", judge), ("recall", recall), ("compose", compose)])


def fold(stages: Sequence[tuple[str, Stage]]) -> Stage:
    """One stage that is all of them in order; it notes how long each took, in the Turn and in the histogram."""

    async def run(turn: Turn) -> Turn:
        timings = list(turn.timings)
        for name, stage in stages:
            begin = time.perf_counter()
            with metrics.timed(name):
                turn = await stage(turn)
            timings.append((name, round((time.perf_counter() - begin) * 1000, 2)))
        return replace(turn, timings=tuple(timings))

    return run
