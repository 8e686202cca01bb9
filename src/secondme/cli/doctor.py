"""`doctor`: looks at everything that SecondMe stands on; for what is wrong, one line that says what to do."""

import asyncio
import shutil
import stat
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial

from secondme.cli import meta, show, standing
from secondme.cli.models import replies
from secondme.cli.opening import is_unused, prepare, shown
from secondme.cli.ports import answers, ports_of, who_answers
from secondme.domain.errors import ConfigError, SecondMeError
from secondme.embedded.folder import ROOM
from secondme.embedded.wheels import falkordb_module, postgres_program, redis_program
from secondme.settings import Settings, load
from secondme.wiring import App, make_channels, make_numbers, open_app, plan_minds

_CLOCKS_APART = timedelta(seconds=5)
_ASK = 10.0  # seconds that one check may take


@dataclass(frozen=True, slots=True)
class Finding:
    """`what` was looked at; `wrong` says what to do, None where all is well, and `note` more of it."""

    what: str
    wrong: str | None = None
    note: str = ""


Check = Callable[[], Awaitable[str]]
"""Returns a note. Raises SecondMeError with what to do."""


async def doctor() -> bool:
    """Print every finding; True when nothing is wrong."""
    settings = load()
    findings = [_data_dir(settings), _secret(settings), _room(settings), _wheels(settings)]
    standing.follow(settings)
    findings += await _stores(settings)
    findings += [await _port(settings, name, port) for name, port in ports_of(settings).items()]
    show.table(("", "", ""), [_row(finding) for finding in findings])
    wrong = sum(finding.wrong is not None for finding in findings)
    print("All is well." if not wrong else f"{show.count(wrong, 'thing')} to mend.")
    return not wrong


def _row(finding: Finding) -> tuple[str, str, str]:
    return ("ok" if finding.wrong is None else "MEND", finding.what, finding.wrong or finding.note)


def _data_dir(settings: Settings) -> Finding:
    if is_unused(settings) and not settings.data_dir.exists():
        return Finding("data directory", note=f"{shown(settings.data_dir)}, made at the first start")
    try:
        prepare(settings, "cli")
    except SecondMeError as error:
        return Finding("data directory", str(error))
    mode = stat.S_IMODE(settings.data_dir.stat().st_mode)
    return Finding("data directory", note=f"{shown(settings.data_dir)}, mode {mode:o}")


def _secret(settings: Settings) -> Finding:
    file = settings.data_dir / "secret.key"
    if settings.secret_key:
        return Finding("secret key", note="from SECONDME_SECRET_KEY")
    if not file.exists():
        return Finding("secret key", note="made at the first start")
    mode = stat.S_IMODE(file.stat().st_mode)
    if mode & 0o077:
        return Finding("secret key", f"{shown(file)} has mode {mode:o}, others can read it: chmod 600 it.")
    return Finding("secret key", note=f"{shown(file)}; keep a copy elsewhere, nothing opens without it")


def _room(settings: Settings) -> Finding:
    place = next(
        p for p in (settings.data_dir.absolute(), *settings.data_dir.absolute().parents) if p.exists()
    )
    free = shutil.disk_usage(place).free
    if free < ROOM:
        return Finding("disk", f"{free >> 20} MB free: free {ROOM >> 20} MB, or move SECONDME_DATA_DIR.")
    return Finding("disk", note=f"{free >> 30} GB free")


def _wheels(settings: Settings) -> Finding:
    """Whether the stores that no setting names can be started."""
    try:
        if settings.database_url is None:
            postgres_program("postgres")
        if settings.redis_address is None:
            redis_program()
        if settings.falkordb_address is None:
            falkordb_module()
    except ConfigError as error:
        return Finding("embedded stores", str(error))
    return Finding("embedded stores", note="installed, as far as they are needed")


async def _stores(settings: Settings) -> list[Finding]:
    """What needs an open instance."""
    if is_unused(settings):
        return [Finding("stores", note="nothing has been started yet: `secondme up`")]
    try:
        app = await open_app(settings)
    except SecondMeError as error:
        return [Finding("ledger", str(error))]
    try:
        checks: dict[str, Check] = {name: _pinged(ping) for name, ping in app.pings.items()}
        checks |= {"clock": lambda: _clock(app), "mind": lambda: _mind(app)}
        checks |= {f"channel of {name}": _pinged(c.ping) for name, c in make_channels(app).items()}
        for name, number in make_numbers(settings).items():
            checks[f"channel of {name}"] = partial(meta.look, app.ledger, settings.timezone, number)
        return [await _checked(name, check) for name, check in checks.items()]
    finally:
        await app.close()


def _pinged(ping: Callable[[], Awaitable[None]]) -> Check:
    async def check() -> str:
        await ping()
        return "answers"

    return check


async def _checked(what: str, check: Check) -> Finding:
    try:
        async with asyncio.timeout(_ASK):
            return Finding(what, note=await check())
    except SecondMeError as error:
        return Finding(what, " ".join(str(error).split()))
    except Exception as error:
        return Finding(what, f"does not answer ({type(error).__name__}): see its own log.")


async def _clock(app: App) -> str:
    async with app.ledger.transaction() as tx:
        theirs: datetime = await tx.fetchval("SELECT clock_timestamp()")
    apart = abs(datetime.now(UTC) - theirs)
    if apart > _CLOCKS_APART:
        raise ConfigError(
            f"This clock and Postgres' are {apart.total_seconds():.0f} s apart: set both by NTP"
            " (timedatectl set-ntp true)."
        )
    return f"agrees with Postgres to {apart.total_seconds():.1f} s"


async def _mind(app: App) -> str:
    """Each model asked for one short reply: `secondme models check` in brief."""
    models = (await plan_minds(app.settings)).models
    if not models:
        return "offline: no model is set (SECONDME_MODELS)"
    found = await replies(models)
    if wrong := [one.wrong for one in found if one.wrong]:
        raise ConfigError(" ".join(wrong))
    return ", ".join(f"{one.model} answers in {one.seconds:.1f} s" for one in found)


async def _port(settings: Settings, name: str, port: int) -> Finding:
    if await who_answers(port) is None:
        return Finding(f"port of the {name}", note=f"{port} is free")
    if await answers(settings.data_dir, name, port):
        return Finding(f"port of the {name}", note=f"{port}, the {name} answers")
    variable = f"{name.upper().replace('-', '_')}_PORT"
    return Finding(
        f"port of the {name}", f"{port} is in use by something else: stop that, or set {variable}."
    )
