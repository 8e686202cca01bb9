"""What the services that run here told of themselves, for commands in a shell that was told less."""

import json
import secrets
from dataclasses import asdict, dataclass, field
from hashlib import blake2b
from pathlib import Path
from zoneinfo import ZoneInfo

from secondme.cli.ports import holder
from secondme.pipeline.held import write_whole
from secondme.settings import Settings, variable
from secondme.web.neighbours import ports_of
from secondme.wiring import App

_FILE = "run/standing.json"


@dataclass(frozen=True, slots=True)
class Standing:
    """`ports` by service, `mind` its name, `timezone` a key, `accounts` as (id, channel, profile).

    `marks` tell every setting's value from another one and do not show it: keyed digests by variable, under `salt`.
    """

    ports: dict[str, int]
    mind: str
    timezone: str
    accounts: list[tuple[str, str, str]]
    salt: str = ""
    marks: dict[str, str] = field(default_factory=dict)


def of(app: App) -> Standing:
    """How this instance would be run by the settings of this process."""
    accounts = [(a.id, a.channel, a.profile.name) for a in app.accounts.values()]
    salt = secrets.token_hex(32)
    return Standing(
        ports_of(app.settings),
        app.mind_name,
        app.settings.timezone.key,
        accounts,
        salt,
        _marks(app.settings, salt),
    )


def _marks(settings: Settings, salt: str) -> dict[str, str]:
    """All but the data directory's: who reads this has the same, and may have written it otherwise."""
    values = settings.model_dump(mode="json", exclude={"data_dir"})
    return {variable(name): _mark(value, salt) for name, value in values.items()}


def _mark(value: object, salt: str) -> str:
    written = json.dumps(value, sort_keys=True).encode()
    return blake2b(written, key=bytes.fromhex(salt), digest_size=16).hexdigest()


def leave(app: App) -> None:
    """Write down how the instance is run; every process of it writes the same."""
    write_whole(app.settings.data_dir / _FILE, json.dumps(asdict(of(app))))


def found(data_dir: Path) -> Standing | None:
    """What was written, while a service of it runs."""
    try:
        note = Standing(**json.loads((data_dir / _FILE).read_text()))
        runs = any(holder(data_dir, port) for port in note.ports.values())
    except (OSError, ValueError, TypeError, AttributeError):
        return None
    return note if runs else None


def others(settings: Settings) -> list[str]:
    """The settings that the running instance has otherwise than this process, by variable; none where nothing runs."""
    note = found(settings.data_dir)
    if note is None:
        return []
    own = _marks(settings, note.salt)
    return sorted(name for name, mark in note.marks.items() if own.get(name) != mark)


def differs(settings: Settings) -> str:
    """A word to whoever types in a shell with other settings than the running instance has; else nothing."""
    names = others(settings)
    return f"The running instance has other settings than this shell: {', '.join(names)}." if names else ""


def follow(settings: Settings) -> None:
    """Take ports and time zone from the running instance, except those that this shell or the file names itself."""
    note = found(settings.data_dir)
    if note is None:
        return
    for service, port in note.ports.items():
        name = f"{service.replace('-', '_')}_port"
        if name not in settings.model_fields_set:
            setattr(settings, name, port)
    if "timezone" not in settings.model_fields_set:
        settings.timezone = ZoneInfo(note.timezone)
