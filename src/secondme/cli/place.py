"""What `doctor` says of this machine: files, disk, wheels and ports."""

import shutil
import stat
from pathlib import Path

from secondme.cli.findings import Finding
from secondme.cli.opening import is_unused, prepare, shown
from secondme.cli.ports import answers, who_answers
from secondme.domain.errors import ConfigError, SecondMeError
from secondme.embedded.folder import ROOM
from secondme.embedded.wheels import falkordb_module, postgres_program, redis_program
from secondme.loading import CONFIG_FILE, secrets_in
from secondme.settings import Settings


def data_dir(settings: Settings) -> Finding:
    if is_unused(settings) and not settings.data_dir.exists():
        return Finding("data directory", note=f"{shown(settings.data_dir)}, made at the first start")
    try:
        prepare(settings, "cli")
    except SecondMeError as error:
        return Finding("data directory", str(error))
    mode = stat.S_IMODE(settings.data_dir.stat().st_mode)
    return Finding("data directory", note=f"{shown(settings.data_dir)}, mode {mode:o}")


def secret_key(settings: Settings) -> Finding:
    file = settings.data_dir / "secret.key"
    if settings.secret_key:
        return Finding("secret key", note="from SECONDME_SECRET_KEY")
    if not file.exists():
        return Finding("secret key", note="made at the first start")
    if mode := _read_by_others(file):
        return Finding("secret key", f"{shown(file)} has mode {mode:o}, others can read it: chmod 600 it.")
    return Finding("secret key", note=f"{shown(file)}; keep a copy elsewhere, nothing opens without it")


def settings_file() -> Finding:
    """Whether others can read secrets in it."""
    file = Path(CONFIG_FILE)
    if not file.exists():
        return Finding("settings file", note=f"no {file} here")
    secrets, mode = secrets_in(file), _read_by_others(file)
    if secrets and mode:
        return Finding(
            "settings file",
            f"{file} has mode {mode:o}, and others can read what it holds ({', '.join(secrets)}): chmod 600 it.",
        )
    return Finding("settings file", note=f"{file}, {'for you alone' if not mode else 'without secrets'}")


def _read_by_others(file: Path) -> int:
    """Its mode where others can read it, else 0."""
    mode = stat.S_IMODE(file.stat().st_mode)
    return mode if mode & 0o077 else 0


def room(settings: Settings) -> Finding:
    folders = (settings.data_dir.absolute(), *settings.data_dir.absolute().parents)
    free = shutil.disk_usage(next(folder for folder in folders if folder.exists())).free
    if free < ROOM:
        return Finding("disk", f"{free >> 20} MB free: free {ROOM >> 20} MB, or move SECONDME_DATA_DIR.")
    return Finding("disk", note=f"{free >> 30} GB free")


def wheels(settings: Settings) -> Finding:
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


async def port(settings: Settings, name: str, number: int) -> Finding:
    what = f"port of the {name}"
    if await who_answers(number) is None:
        return Finding(what, note=f"{number} is free")
    if await answers(settings.data_dir, name, number):
        return Finding(what, note=f"{number}, the {name} answers")
    variable = f"{name.upper().replace('-', '_')}_PORT"
    return Finding(what, f"{number} is in use by something else: stop that, or set {variable}.")
