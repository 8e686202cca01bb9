"""`pause` and `resume`. A stop of everything must work when nothing else does."""

import asyncio
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

from secondme.cli import show
from secondme.cli.opening import opened, prepare, shown, tell
from secondme.cli.people import name_of, pauses_now
from secondme.domain.errors import Invalid, SecondMeError, StoreUnavailable
from secondme.embedded import running
from secondme.loading import WrongSettings, load
from secondme.pipeline.held import hold_press
from secondme.pipeline.switch import Pressed
from secondme.settings import Settings, parse_duration
from secondme.stores.signals import RedisSignals
from secondme.wiring import HELD_PRESS, App, open_app

EVERYBODY = "all"
HELD = 3  # exit code of a stop that is not yet in the ledger
_AT_ONCE = 2.0  # seconds that the ledger gets before a stop is held beside it
_AT_ALL = 6.0  # seconds more that it gets to take the stop itself


async def pause(whom: str, length: str | None) -> int:
    """Returns the exit code."""
    lasts = _length(length)
    if whom != EVERYBODY:
        await _pause_one(whom, lasts)
        return 0
    return await _stop_everything(lasts)


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


async def _stop_everything(lasts: timedelta | None) -> int:
    """Into the ledger; where that takes long, first beside it, where every mouth looks before it speaks."""
    try:
        settings = load()
    except Exception as error:
        settings = error.rest if isinstance(error, WrongSettings) else _settings_anyhow()
        prepare(settings, "cli")
        where = (
            f"Held in {shown(settings.data_dir)}: if that is not the data directory, set SECONDME_DATA_DIR."
        )
        return _say_held(await _hold(settings), lasts, f"{_reason(error)} {where}")
    try:
        prepare(settings, "cli")
    except Exception as error:
        return _say_held(await _hold(settings), lasts, _reason(error))
    opening = asyncio.ensure_future(open_app(settings, tell))
    await asyncio.wait({opening}, timeout=_AT_ONCE)
    if opening.done() and opening.exception() is None:
        return await _press(opening.result(), lasts)
    held = asyncio.ensure_future(_hold(settings))
    try:
        await asyncio.wait({opening}, timeout=_AT_ALL)
        if not opening.done():
            opening.cancel()
        app = await opening
    except asyncio.CancelledError:
        return _say_held(await held, lasts, "The ledger does not answer in time.")
    except Exception as error:
        return _say_held(await held, lasts, _reason(error))
    await held
    return await _press(app, lasts)


def _settings_anyhow() -> Settings:
    """Where a stop is held when the settings cannot be read: by the environment, else by default."""
    say = os.environ.get
    return Settings.model_construct(
        data_dir=Path(say("SECONDME_DATA_DIR") or ".secondme"),
        redis_url=say("REDIS_URL"),
        redis_host=say("REDIS_HOST"),
        redis_port=say("REDIS_PORT") or 6379,
    )


def _reason(error: Exception) -> str:
    """What may be said of it: an error that is not ours could quote a password."""
    return str(error) if isinstance(error, SecondMeError) else f"The ledger failed ({type(error).__name__})."


async def _press(app: App, lasts: timedelta | None) -> int:
    try:
        try:
            done = await app.switch.press(None, lasts)
        except Exception as error:
            return _say_held(await _hold(app.settings), lasts, _reason(error))
        if not done.committed:
            return _say_held(done, lasts, "The ledger does not answer.")
        await _settle_held(app)
        print(
            f"Everything is stopped {await _really_until(app, done, lasts)}. Committed: nothing more leaves."
        )
        _details(done)
        return 0
    finally:
        await app.close()


async def _settle_held(app: App) -> None:
    """A stop that was held beside the ledger meanwhile is in it now."""
    try:
        await app.switch.held()
    except StoreUnavailable as error:
        print(f"{error} Nothing is sent meanwhile.")


async def _hold(settings: Settings) -> Pressed:
    signals = _signals(settings)
    try:
        return Pressed(False, await hold_press(settings.data_dir / HELD_PRESS, signals, datetime.now(UTC)))
    finally:
        if signals:
            await signals.close()


def _signals(settings: Settings) -> RedisSignals | None:
    """Redis, if it is known where; nothing is started for it."""
    addresses = running(settings.data_dir)
    url = settings.redis_address or (addresses.redis_url if addresses else None)
    return RedisSignals(url) if url else None


def _say_held(done: Pressed, lasts: timedelta | None, reason: str) -> int:
    print(f"Everything is stopped since {done.since:%H:%M:%S} UTC: held, not committed.")
    print(f"{' '.join(reason.split())}")
    print("The stop is committed to the ledger before anything is sent again.")
    if lasts:
        print("Its end could not be kept: it lasts until `secondme resume all`.")
    return HELD


def _until(app: App, done: Pressed, lasts: timedelta | None) -> str:
    return f"until {show.moment(done.since + lasts, app.settings.timezone)}" if lasts else "until you resume"


async def _really_until(app: App, done: Pressed, lasts: timedelta | None) -> str:
    """A stop without an end, of before or held beside the ledger meanwhile, outlasts one that has an end."""
    stops = [pause for pause in await pauses_now(app) if pause.contact_id is None]
    return _until(app, done, None if any(pause.until is None for pause in stops) else lasts)


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
            if any(pause.contact_id is None for pause in await pauses_now(app)):
                print("Everything is stopped at the moment: `secondme resume all` lifts that.")
        if lifted:
            print("What arrived meanwhile stays unanswered.")
