"""`pause` and `resume`. A stop of everything must work when nothing else does."""

from datetime import timedelta

from secondme.cli import show
from secondme.cli.opening import opened
from secondme.cli.people import name_of
from secondme.domain.errors import Invalid
from secondme.pipeline.switch import Pressed
from secondme.settings import parse_duration
from secondme.wiring import App

EVERYBODY = "all"
HELD = 3  # exit code of a stop that is not yet in the ledger


async def pause(whom: str, length: str | None) -> int:
    """Returns the exit code."""
    lasts = _length(length)
    if whom != EVERYBODY:
        await _pause_one(whom, lasts)
        return 0
    async with opened() as app:
        _report(app, await app.switch.press(None, lasts), lasts)
    return 0


def _length(text: str | None) -> timedelta | None:
    """Raises Invalid."""
    if text is None:
        return None
    try:
        length = parse_duration(text)
    except ValueError as error:
        raise Invalid(f"--for: {error}.") from error
    if length <= timedelta(0):
        raise Invalid("--for: a pause lasts longer than nothing; write it as 30m, 2h or 1d.")
    return length


async def _pause_one(whom: str, lasts: timedelta | None) -> None:
    async with opened(reads=True) as app:
        rows = await app.control.find(whom)
        done = await app.switch.press(rows[0].id, lasts)
        print(f"{name_of(rows)} is paused {_until(app, done, lasts)}.")
        _details(done)


def _report(app: App, done: Pressed, lasts: timedelta | None) -> None:
    if done.committed:
        print(f"Everything is stopped {_until(app, done, lasts)}. Committed: nothing more leaves.")
    _details(done)


def _until(app: App, done: Pressed, lasts: timedelta | None) -> str:
    return f"until {show.moment(done.since + lasts, app.settings.timezone)}" if lasts else "until you resume"


def _details(done: Pressed) -> None:
    if done.silenced:
        print(f"{show.count(done.silenced, 'waiting message')} ended unanswered and stay so.")
    if done.leaving:
        print(f"{show.count(len(done.leaving), 'delivery', 'deliveries')} had begun and may still arrive:")
        for delivery in done.leaving:
            print(f"  {delivery}")


async def resume(whom: str) -> None:
    """Lift what pauses everybody, or one contact's own pauses."""
    async with opened(reads=True) as app:
        if whom == EVERYBODY:
            lifted = await app.switch.resume()
            print("Everything runs again." if lifted else "Nothing was stopped.")
        else:
            rows = await app.control.find(whom)
            lifted = await app.switch.resume(rows[0].id)
            print(f"{name_of(rows)} {'is no longer paused' if lifted else 'was not paused'}.")
            if await app.switch.held():
                print("Everything is stopped at the moment: `secondme resume all` lifts that.")
        if lifted:
            print("What arrived meanwhile stays unanswered.")
