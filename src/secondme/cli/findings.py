"""What `doctor` finds: one line for each thing that it looked at, or could not look at."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from secondme.cli import show
from secondme.domain.errors import SecondMeError

_ASK = 10.0  # seconds that one check may take

Check = Callable[[], Awaitable[str]]
"""Returns a note. Raises SecondMeError with what to do."""


@dataclass(frozen=True, slots=True)
class Finding:
    """`what` was looked at. `wrong` says what to do, `unseen` why nobody can say whether anything is wrong; all is well
    where neither is there, and `note` says more of it."""

    what: str
    wrong: str | None = None
    note: str = ""
    unseen: str | None = None


async def checked(what: str, check: Check) -> Finding:
    """Do one check."""
    try:
        async with asyncio.timeout(_ASK):
            return Finding(what, note=await check())
    except SecondMeError as error:
        return Finding(what, " ".join(str(error).split()))
    except Exception as error:
        return Finding(what, f"does not answer ({type(error).__name__}): see its own log.")


def report(findings: Sequence[Finding]) -> bool:
    """Print them all and what they come to; True when nothing is wrong."""
    show.table(("", "", ""), [_row(finding) for finding in findings])
    wrong = sum(finding.wrong is not None for finding in findings)
    unseen = [finding.what for finding in findings if finding.unseen]
    if wrong:
        print(f"{show.count(wrong, 'thing')} to mend.")
    elif not unseen:
        print("All is well.")
    else:
        print(f"Nothing to mend in what was looked at. Not looked at: {', '.join(unseen)}.")
    return not wrong


def _row(finding: Finding) -> tuple[str, str, str]:
    if finding.wrong is not None:
        return ("MEND", finding.what, finding.wrong)
    return ("?", finding.what, finding.unseen) if finding.unseen else ("ok", finding.what, finding.note)
