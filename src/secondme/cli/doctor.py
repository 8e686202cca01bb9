"""`doctor`: looks at everything that SecondMe stands on; for what is wrong, one line that says what to do."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from functools import partial

from secondme.cli import meta, place, standing
from secondme.cli.findings import Check, Finding, checked, report
from secondme.cli.models import replies
from secondme.cli.opening import is_unused
from secondme.domain.errors import ConfigError, SecondMeError
from secondme.loading import WrongSettings, load
from secondme.meaning import SERVING, make_numbers, problems_of
from secondme.settings import Settings
from secondme.stores.ledger import Ledger
from secondme.web.neighbours import ports_of
from secondme.wiring import make_channels, open_app, plan_minds

_CLOCKS_APART = timedelta(seconds=5)
_FIRST = "the settings have to be mended first"


async def doctor() -> bool:
    """Print every finding; True when nothing is wrong. Raises ConfigError where the file cannot be read."""
    settings, findings = _settings()
    findings += [
        place.data_dir(settings),
        place.secret_key(settings),
        place.settings_file(),
        place.room(settings),
        place.wheels(settings),
    ]
    standing.follow(settings)
    others = standing.others(settings)
    findings += _running(settings, others)
    findings += await _outside(settings, agrees=not others)
    findings += await _stores(settings)
    findings += [await place.port(settings, name, port) for name, port in ports_of(settings).items()]
    return report(findings)


def _settings() -> tuple[Settings, list[Finding]]:
    """The settings as far as they can be used, and what is wrong with them."""
    try:
        return load(checks=SERVING), [Finding("settings", note="complete")]
    except WrongSettings as error:
        return error.rest, [Finding("settings", problem) for problem in error.problems]


def _running(settings: Settings, others: list[str]) -> list[Finding]:
    """Whether what is said here holds for the instance that runs, where one does."""
    if standing.found(settings.data_dir) is None:
        return []
    if not others:
        return [Finding("settings in use", note="the running instance has the same as this shell")]
    said = (
        f"the running instance has others than this shell: {', '.join(others)}. What doctor says follows this shell's:"
        " set the same here, or start it anew"
    )
    return [Finding("settings in use", unseen=said)]


async def _outside(settings: Settings, *, agrees: bool) -> list[Finding]:
    """Minds and channels: what needs no store."""
    if problems_of(settings, SERVING):
        return [Finding("mind and channels", unseen=_FIRST)]
    found, numbers = [await checked("mind", partial(_mind, settings))], make_numbers(settings)
    for name, channel in make_channels(settings).items():
        check = partial(meta.look, settings, numbers[name]) if name in numbers else _pinged(channel.ping)
        found.append(await checked(f"channel of {name}", check))
        await channel.close()
    found += await meta.subscriptions(settings, numbers)
    return found + await meta.webhooks(settings, numbers, agrees=agrees)


async def _mind(settings: Settings) -> str:
    """Each model asked for one short reply: `secondme models check` in brief."""
    models = (await plan_minds(settings)).models
    if not models:
        return "offline: no model is set (SECONDME_MODELS)"
    found = await replies(models)
    if wrong := [one.wrong for one in found if one.wrong]:
        raise ConfigError(" ".join(wrong))
    return ", ".join(f"{one.model} answers in {one.seconds:.1f} s" for one in found)


async def _stores(settings: Settings) -> list[Finding]:
    """What needs an open instance."""
    if is_unused(settings):
        return [Finding("stores and clock", unseen="nothing has been started yet: `secondme up`")]
    if problems_of(settings, SERVING):
        return [Finding("stores and clock", unseen=_FIRST)]
    try:
        app = await open_app(settings)
    except SecondMeError as error:
        return [Finding("ledger", str(error))]
    try:
        found = [await checked(name, _pinged(ping)) for name, ping in app.pings.items()]
        found.append(await checked("clock", partial(clock, app.ledger)))
        return found + await meta.arrivals(settings, app.ledger, make_numbers(settings))
    finally:
        await app.close()


def _pinged(ping: Callable[[], Awaitable[None]]) -> Check:
    async def check() -> str:
        await ping()
        return "answers"

    return check


async def clock(ledger: Ledger, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> str:
    """Compare `now`, this machine's clock, with Postgres'. Raises ConfigError where they are far apart."""
    async with ledger.transaction() as tx:
        before = now()
        theirs: datetime = await tx.fetchval("SELECT clock_timestamp()")
        after = now()
    apart = max(before - theirs, theirs - after, timedelta(0))  # what the asking took is nobody's error
    if apart > _CLOCKS_APART:
        raise ConfigError(
            f"This clock and Postgres' are {apart.total_seconds():.0f} s apart: set both by NTP"
            " (timedatectl set-ntp true)."
        )
    return f"agrees with Postgres to {apart.total_seconds():.1f} s"
